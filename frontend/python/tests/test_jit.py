"""Signatures, results without copies, threads, reports."""

import random
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import agree

import frit

pytestmark = pytest.mark.usefixtures("unpatched")


def test_a_second_call_runs_no_python():
    ran = []

    @frit.jit(fallback="error")
    def f(x):
        ran.append(1)
        return x * 2

    for _ in range(3):
        f(np.arange(4.0))
    assert len(ran) == 1
    f(np.arange(5.0))
    f(np.arange(4))
    assert len(ran) == 3


def test_static_and_keyword_arguments():
    @frit.jit(static_argnames="power", fallback="error")
    def f(x, power, *, scale=1.0):
        return scale * (x**2 if power == 2 else x)

    x = np.arange(4.0)
    agree(f(x, 2), x**2 * 1.0)
    agree(f(x, 1), x * 1.0)
    agree(f(x, power=2, scale=3.0), 3.0 * x**2)


def test_scalars_are_part_of_the_signature():
    f = frit.jit(lambda x, k: x * k, fallback="error")
    x = np.arange(3, dtype=np.float32)
    agree(f(x, 2.5), x * 2.5)
    agree(f(x, 3), x * 3)
    agree(f(x, np.float64(2.5)), x * np.float64(2.5))
    agree(f(x, -0.0), x * -0.0)
    agree(f(x, 0.0), x * 0.0)
    assert np.signbit(f(x, -0.0)).any() and not np.signbit(f(x, 0.0)).any()


def test_nested_arguments_and_results():
    @frit.jit(fallback="error")
    def f(state, pair):
        return {"x": state["x"] + pair[0], "y": [pair[1], None]}

    x, p = np.arange(3.0), (np.ones(3), np.zeros(2))
    agree(f({"x": x, "n": None}, p), {"x": x + 1, "y": [p[1], None]})


def test_results_share_what_numpy_shares():
    @frit.jit(fallback="error")
    def f(x):
        y = x + 1
        return x, x[1:], y, y[::2]

    x = np.arange(6.0)
    a, b, y, z = f(x)
    assert a is x and np.shares_memory(b, x) and np.shares_memory(y, z) and y.flags.writeable
    z[0] = 9
    assert y[0] == 9


def test_results_own_their_memory():
    f = frit.jit(lambda x: x + 1, fallback="error")
    results = [f(np.full(1000, float(k))) for k in range(20)]
    for k, r in enumerate(results):
        assert (r == k + 1).all()
    before = frit.stats()["current_bytes"]
    del results, r
    assert frit.stats()["current_bytes"] < before


def test_one_array_twice():
    @frit.jit(fallback="error")
    def f(x, y):
        x += 1
        return y * 2

    x = np.arange(4.0)
    agree(f(x, x), np.arange(1.0, 5) * 2)
    a, b = np.arange(4.0), np.arange(4.0)
    agree(f(a, b), np.arange(4.0) * 2)


def test_arguments_that_overlap():
    def f(x, y):
        x[:] = y * 2
        return x + y

    base, want = np.arange(6.0), np.arange(6.0)
    with pytest.warns(frit.FallbackWarning, match="overlaps"):
        got = frit.jit(f)(base[1:], base[:-1])
    agree(got, f(want[1:], want[:-1]))
    agree(base, want)


def test_read_only_arguments():
    def f(x):
        x += 1
        return x

    compiled = frit.jit(f, fallback="error")
    compiled(np.zeros(3))
    x = np.zeros(3)
    x.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        compiled(x)


def test_arrays_from_outside_are_read_at_each_call():
    table = np.arange(3.0)
    f = frit.jit(lambda x: x + table, fallback="error")
    agree(f(np.zeros(3)), table.copy())
    table[:] = 7
    agree(f(np.zeros(3)), np.full(3, 7.0))


def test_random_numbers_are_not_frozen():
    f = frit.jit(lambda x: x + np.random.rand(3), fallback="quiet")
    assert (f(np.zeros(3)) != f(np.zeros(3))).all()


def test_handlers_do_not_hide_breaks():
    @frit.jit(fallback="quiet")
    def f(x):
        try:
            return x + float(x[0])
        except:  # noqa: E722
            return x * 0

    agree(f(np.ones(3)), np.full(3, 2.0))


def test_errors_inside_handlers_are_numpys():
    @frit.jit(fallback="quiet")
    def f(x):
        try:
            return x.reshape(2, 2)
        except ValueError:
            return x.reshape(3, 1)

    agree(f(np.ones(3)), np.ones((3, 1)))


def test_helpers_and_methods():
    def helper(x):
        out = np.zeros(x.shape)
        out[1:] = x[:-1]
        return out

    class Model:
        @frit.jit(fallback="quiet")
        def step(self, x):
            return helper(x) * 2

    agree(Model().step(np.arange(4.0)), helper(np.arange(4.0)) * 2)
    inner = frit.jit(helper, fallback="error")
    agree(frit.jit(lambda x: inner(x) + 1, fallback="error")(np.arange(4.0)), helper(np.arange(4.0)) + 1)


def test_threads():
    f = frit.jit(lambda x: np.sqrt(x * x + 1).sum(), fallback="error")
    other = frit.jit(lambda x: np.zeros(4) + x, fallback="error")
    wrong = []

    def work(n):
        for k in range(50):
            x = np.full(n + k % 3, 1.0)
            if not np.isclose(f(x), np.sqrt(2) * x.size) or type(np.zeros(3)) is not np.ndarray:
                wrong.append(n)
            other(np.arange(4.0))

    threads = [threading.Thread(target=work, args=(n,)) for n in (5, 9, 20, 1000)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_reports():
    f = frit.jit(lambda x: np.exp(x).sum(), fallback="error")
    report = f.explain(frit.spec((1000, 1000), "f4"))
    assert report.compiled and "exp" in str(report) and f"{__file__}:" in str(report)
    m = f.memory(frit.spec((100000, 100000)))
    assert m.input_bytes == 8 * 10**10 and m.peak_bytes < 10**7
    assert "exp" in f.dump(frit.spec(4), stage="graph") and set(frit.STAGES) >= {"graph", "plan", "kernels"}
    wide = frit.jit(lambda a: (a[:, None] - a[None, :]) * 2)
    assert wide.memory(frit.spec(100000)).peak_bytes >= 8 * 10**10
    broken = frit.jit(lambda x: x[x > 0]).explain(np.ones(3))
    assert not broken.compiled and f"{__file__}:" in broken.reason
    before = frit.stats()["kernels_compiled"]
    f(np.ones((3, 4), "f4"))
    f(np.ones((7, 9), "f4"))
    assert frit.stats()["kernels_compiled"] <= before + 1


def test_memory_limit():
    f = frit.jit(lambda a: (a[:, None] - a[None, :]) * 2, memory_limit="1MiB")
    agree(f(np.arange(3.0)), (np.arange(3.0)[:, None] - np.arange(3.0)) * 2)
    with pytest.raises(MemoryError):
        f(np.zeros(10000))


def test_options():
    with pytest.raises(TypeError):
        frit.jit(lambda x: x, speed=11)
    with pytest.raises(ValueError):
        frit.jit(lambda x: x, math="wild")


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState, random.Random])
def test_random_generators_are_not_frozen(make):
    """A generator that the function takes from its surroundings draws on, as in NumPy."""

    def add_noise(g):
        if isinstance(g, random.Random):
            random.seed(7)
            return lambda x: x + random.random()
        return lambda x: x + g.normal(size=3)

    want = add_noise(make(7))
    want = [want(np.ones(3)) for _ in range(3)]
    f = frit.jit(add_noise(make(7)), fallback="quiet")
    for w in want:
        agree(f(np.ones(3)), w)


def test_import_loads_little():
    code = "import numpy, sys; before = set(sys.modules); import frit; print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}))"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    # How long it takes is benchmarked; these are what once took long.
    assert not loaded & {"inspect", "json", "dis", "ctypes", "scipy", "asyncio", "unittest", "typing_extensions", "importlib"}, loaded


def test_methods_are_there_from_the_first_call():
    code = "import frit, numpy as np; print(frit.jit(lambda x: x.sum(), fallback='error')(np.ones(3)))"
    assert subprocess.check_output([sys.executable, "-c", code]).strip() == b"3.0"


def test_arrays_from_outside_that_the_function_changes():
    def f(x):
        c = np.cumsum([1.0, 2.0, 3.0])
        y = x + c
        c += 1
        return y + c

    def g(x):
        c = np.tile(1.0, 3)
        y = x * c
        c[0] = 5
        return y + c

    for function in (f, g):
        compiled = frit.jit(function, fallback="quiet")
        for k in range(3):
            agree(compiled(np.full(3, float(k))), function(np.full(3, float(k))))


def test_indices_from_outside_are_read_at_each_call():
    at, mask, rows = np.arange(3), np.array([True, False, True, False, False]), np.array([0, 2])
    f = frit.jit(lambda x: (x[at], x[mask], x[[at, at]]), fallback="quiet")
    g = frit.jit(lambda m: m[rows[:, None], at], fallback="error")
    h = frit.jit(lambda x: x[[at, at]], fallback="error")
    x, m = np.arange(5.0), np.arange(20.0).reshape(4, 5)
    for _ in range(3):
        agree(f(x), (x[at], x[mask], x[[at, at]]))
        agree(g(m), m[rows[:, None], at])
        agree(h(x), x[[at, at]])
        at[:], rows[:], mask[3] = at[::-1] + 1, 3 - rows, True


def test_arguments_that_leave_before_anything_is_computed():
    def f(x):
        r = np.empty(3)
        for k, v in np.ndenumerate(x):
            r[k] = v * 2
        return r, x + 1

    compiled = frit.jit(f, fallback="quiet")
    for k in range(3):
        agree(compiled(np.arange(3.0) + k), f(np.arange(3.0) + k))


def test_static_arguments_are_told_apart_by_their_types():
    f = frit.jit(lambda x, n: x * (n[0] if isinstance(n, tuple) else n), static_argnames="n", fallback="error")
    x = np.array([True, False])
    for n in (1, True, 1.0, (1,), (True,), (1.0,), -0.0, 0.0):
        agree(f(x, n), x * (n[0] if isinstance(n, tuple) else n))
    assert np.signbit(f(np.ones(2), -0.0)).all() and not np.signbit(f(np.ones(2), 0.0)).any()
    assert f.explain(x, 2).signatures == 11


@pytest.mark.parametrize("dtype", list("?bBhHiIlLfdFD"))
def test_powers_are_those_of_the_operator(dtype):
    x = np.array([1, 0, 2, 3], dtype)
    for exponent in (2, 0.5, -1, 1, 0, 3, 2.0, 1.0, -1.0, 0.0):
        # Of elements alone, too: NumPy's scalars have another operator.
        for f in (lambda a: a**exponent, lambda a: a[2] ** exponent):  # noqa: B023
            with np.errstate(all="ignore"):
                try:
                    want = f(x)
                except (ValueError, OverflowError) as e:
                    with pytest.raises(type(e)) as raised:
                        frit.jit(f)(x)
                    assert str(raised.value) == str(e)
                else:
                    agree(frit.jit(f, fallback="error")(x), want)


class Pair(tuple):
    """A tuple that NumPy takes for one."""


@pytest.mark.parametrize("f", [
    lambda a: np.stack(np.linalg.slogdet(a)), lambda a: np.vstack(np.linalg.eigh(a)), lambda a: np.concatenate(np.linalg.qr(a)),
    lambda a: np.array(np.linalg.slogdet(a)), lambda a: np.add.reduce(np.linalg.slogdet(a)), lambda a: np.hstack(Pair((a, a + 1))),
    lambda a: np.block(list(np.linalg.qr(a))),
])  # fmt: skip
def test_named_tuples_are_sequences(f):
    a = np.array([[4.0, 1.0], [1.0, 3.0]])
    agree(frit.jit(f, fallback="quiet")(a), f(a))
    agree(np.asarray(f(frit.array(a))), np.asarray(f(a)))
