"""Functions whose Python looks at elements: compiled in parts, replayed without Python, with NumPy's meaning of memory."""

import math
import sys
import warnings

import numpy as np
import pytest
from conftest import agree, runs_python

import frit

pytestmark = pytest.mark.usefixtures("unpatched")


def step(x, tolerance=1e-3):
    count = 0
    while np.abs(x).max() > tolerance:
        x = x * 0.5 - 0.0
        count += 1
    return x, count


def branch(x):
    y = x * 2
    if y.sum() > 0:
        return y + 1
    return y - 1


@pytest.mark.parametrize("outside", [np.arange(9.0).reshape(3, 3).T, np.arange(18.0).reshape(3, 6)[:, ::2], np.arange(9.0).reshape(3, 3)[::-1]])
def test_arrays_from_outside_in_any_order(outside):
    ran = []

    @frit.jit
    def f(x):
        ran.append(1)
        y = x @ outside
        return y * 2 if y.sum() > 0 else y + outside

    x = np.ones((2, 3))
    for _ in range(3):
        np.testing.assert_allclose(f(x), x @ outside * 2)
    assert ran == [1]


def test_returned_windows_show_their_argument():
    f = frit.jit(lambda x: np.lib.stride_tricks.sliding_window_view(x, 3), fallback="quiet")
    for _ in range(2):
        a = np.arange(6.0)
        r = f(a)
        a[0] = 9
        np.testing.assert_array_equal(r[0], [9, 1, 2])
    compiled = frit.jit(lambda x: np.lib.stride_tricks.sliding_window_view(x, 3).sum(1), fallback="error")
    np.testing.assert_array_equal(compiled(np.arange(6.0)), [3, 6, 9, 12])


def test_both_branches_are_replayed():
    f = frit.jit(branch, fallback="error")
    for x in (np.ones(4), -np.ones(4)):
        agree(f(x), branch(x))
    for x in (np.full(4, 2.0), np.full(4, -2.0)):
        agree(f(x), branch(x))
        assert not runs_python(f, x)
    assert f.explain(np.ones(4)).compiled


def test_iterations_share_programs():
    f = frit.jit(step, fallback="error")
    x = np.linspace(-1, 1, 50)
    agree(f(x), step(x))
    assert len(f._programs) == 2
    assert not runs_python(f, x)
    # More iterations: a new end of the path, and nothing new to compile but what is there.
    kernels = frit.stats()["kernels_compiled"]
    agree(f(x * 1000), step(x * 1000))
    assert not runs_python(f, x * 1000) and frit.stats()["kernels_compiled"] == kernels


def test_numbers_become_parameters():
    """`float(x)` gives other numbers at each call: the second set of them is the last that is compiled."""

    @frit.jit(fallback="error")
    def f(x):
        lowest, scale = float(x.min()), (x.max() - x.min()).item()
        return (x - lowest) / scale + lowest * 2

    rng = np.random.default_rng(1)
    for k in range(6):
        x = rng.random(20)
        agree(f(x), (x - x.min()) / (x.max() - x.min()) + float(x.min()) * 2)
        if k == 1:
            programs = len(f._programs)
    assert len(f._programs) == programs


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u1", "c8"])
@pytest.mark.parametrize("numbers", [[1, 2, 3], [1.5, 2.5, -0.5], [1, 2.5, 3], [2.0, 2, True], [1e300, 1.0, 2.0], [100, 200, 50]])
def test_numbers_are_weak(dtype, numbers):
    """NumPy's types beside Python numbers, whether they are baked in or parameters."""

    def f(x, values):
        y = x + 0
        if y[0] < 100:
            n = next(values)
            return y * n, y - n, np.where(y > 0, y, n), y < n, np.maximum(y, n)
        return y

    x = np.arange(5).astype(dtype)
    plain, compiled = iter(numbers), iter(numbers)
    g = frit.jit(lambda x: f(x, compiled), fallback="quiet")
    for _ in numbers:
        with np.errstate(all="ignore"):
            try:
                want = f(x, plain)
            except OverflowError as e:
                with pytest.raises(OverflowError, match=str(e).split()[0]):
                    g(x)
                continue
            g._entries.clear()
            g.forget()
            agree(g(x), want)


def test_decisions_of_every_kind():
    @frit.jit(fallback="error")
    def f(x):
        n = int(x[0])
        z = np.zeros(n + 2)
        z[: len(x[x > 0])] = 1
        return z, x[n:], list(x[:2]), [1, 2, 3][x.argmin()], math.floor(x[1])

    def want(x):
        return f.__wrapped__(x)

    for x in (np.array([1.0, 2.5, -1.0]), np.array([2.0, -2.5, 1.0]), np.array([1.0, 2.5, -1.0])):
        agree(f(x), want(x))
    assert not runs_python(f, np.array([1.0, 2.5, -1.0]))


def test_mutation_through_cuts():
    def f(x, y):
        v, w = x[::2], y.reshape(-1)
        x += 1
        if v.sum() > 3:
            v *= 2
        u = y.T
        w[0] = x[1]
        if u[0, 0] > 0:
            u[1] = 5
        z = x
        z[0] = len(y[y > 4])
        return v, w

    compiled = frit.jit(f, fallback="error")
    for seed in (1, 2, 1, 3):
        rng = np.random.default_rng(seed)
        args = [rng.normal(size=6), rng.normal(size=(3, 4))]
        want_args = [a.copy() for a in args]
        want, got = f(*want_args), compiled(*args)
        agree(got, want)
        agree(args, want_args, "arguments")
        assert np.shares_memory(got[0], args[0]) and np.shares_memory(got[1], args[1])


def test_a_dropped_replay_writes_nothing():
    """The arguments are written at the end of a path, so that a decision never seen before finds them as they were."""

    def f(x):
        x += 1
        if x[0] > 0:
            x *= 2
        if x[1] > 5:
            x -= 100
        return x.sum()

    compiled = frit.jit(f, fallback="error")
    for a, b in [(1, 1), (1, 1), (1, 9), (-3, 9), (1, 9), (-3, 1)]:
        x, y = np.array([a, b, 0.0]), np.array([a, b, 0.0])
        agree(compiled(x), f(y))
        agree(x, y)


def test_exceptions_of_the_function():
    def f(x):
        x[0] = 7
        y = x[1:]
        if np.any(x < 0):
            y += 1
            raise ValueError(f"negative: {int((x < 0).sum())}")
        return x + 1

    compiled = frit.jit(f, fallback="error")
    agree(compiled(np.ones(3)), f(np.ones(3)))
    for _ in range(3):
        x, y = np.array([1.0, -2.0, 3.0]), np.array([1.0, -2.0, 3.0])
        with pytest.raises(ValueError, match="negative: 1") as e:
            compiled(x)
        with pytest.raises(ValueError):
            f(y)
        agree(x, y)
        assert any(t.name == "f" and "raise ValueError" in str(t.statement) for t in e.traceback)
    agree(compiled(np.ones(3)), f(np.ones(3)))
    assert runs_python_raising(compiled)


def runs_python_raising(compiled):
    code, ran = compiled.__wrapped__.__code__, []
    sys.setprofile(lambda frame, event, arg: ran.append(1) if event == "call" and frame.f_code is code else None)
    try:
        with pytest.raises(ValueError):
            compiled(np.array([1.0, -2.0, 3.0]))
    finally:
        sys.setprofile(None)
    return bool(ran)


def test_numpys_exceptions_are_caught_where_they_arise():
    @frit.jit(fallback="quiet")
    def f(x):
        x += 1
        try:
            y = x.reshape(2, 2)
        except ValueError as e:
            y = x * len(str(e))
        return y

    x = np.ones(3)
    agree(f(x), np.full(3, 2.0) * len("cannot reshape array of size 3 into shape (2,2)"))
    agree(x, np.full(3, 2.0))


def test_fallback_calls_are_replayed():
    @frit.jit
    def f(x):
        y = x + 1
        values, vectors = np.linalg.eig(y @ y.T)
        return np.sort(values.real), np.packbits(y > 0), y * 2

    x = np.random.default_rng(1).normal(size=(3, 3))
    with pytest.warns(frit.FallbackWarning) as told:
        agree(f(x), f.__wrapped__(x))
    place = f.__wrapped__.__code__.co_firstlineno
    assert all(w.filename == __file__ and w.lineno > place for w in told) and "numpy.packbits ran through NumPy on" in "".join(str(w.message) for w in told)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Once per site.
        agree(f(x + 1), f.__wrapped__(x + 1))
    assert not runs_python(f, x)
    report = f.explain(x)
    assert report.compiled and any(call[3] == "numpy.packbits" and call[:2] == (__file__, place + 4) for call in report.calls)
    with pytest.raises(frit.FallbackError):
        frit.jit(f.__wrapped__, fallback="error")(x)


def test_out_of_a_fallback_call():
    @frit.jit(fallback="quiet")
    def f(x, out):
        np.linalg.eigvals(np.diag(x)).real.clip(0, None, out[::2])
        np.packbits(x > 0)
        np.modf(x, x, out[1::2])
        return out.sum() > 0

    for _ in range(3):
        args, want = [np.ones(4), np.zeros(8)], [np.ones(4), np.zeros(8)]
        agree(f(*args), f.__wrapped__(*want))
        agree(args, want)


def test_views_that_numpy_makes():
    @frit.jit(fallback="quiet")
    def f(x):
        b = x + 1
        windows = np.lib.stride_tricks.sliding_window_view(b, 3, writeable=True)
        b[0] = 7
        windows[2, 0] = -1
        return windows * 2, b

    for x in (np.arange(6.0), np.arange(6.0) * 2):
        agree(f(x), f.__wrapped__(x))


def test_what_python_sees_is_live():
    """Text, and memory that leaves, are made anew at each call."""
    seen = []

    @frit.jit(fallback="error")
    def f(x):
        y = x * 2
        seen.append(str(y))
        return y + 1

    f(np.ones(2))
    f(np.zeros(2))
    assert seen == ["[2. 2.]", "[0. 0.]"]
    report = f.explain(np.ones(2))
    assert not report.compiled and "text" in report.reason and f"{__file__}:" in report.reason


def test_foreign_code_sees_elements():
    rng = np.random.default_rng(3)

    @frit.jit(fallback="quiet")
    def f(x):
        y = x + 1
        return y * math.fsum(y)

    for _ in range(3):
        x = rng.random(5)
        agree(f(x), (x + 1) * math.fsum(x + 1))


def test_errstate_raises():
    @frit.jit(fallback="quiet")
    def f(x):
        with np.errstate(all="ignore"):
            y = 1 / x
        return y if np.isfinite(y).all() else np.nan_to_num(y)

    for x in (np.ones(2), np.zeros(2)):
        agree(f(x), f.__wrapped__(x))


def test_what_nothing_needs_is_not_computed():
    @frit.jit(fallback="error")
    def f(x):
        wide = x[:, None] - x[None, :]
        del wide
        if x[0] > 0:
            return x + 1
        return x

    x = np.ones(20000)
    f(x)
    f(x)
    assert f.memory(x).peak_bytes < 10**6 and frit.stats()["peak_bytes"] < 20000**2 * 8


def test_slots_are_freed():
    """A loop holds what an iteration holds, in a replay, too."""

    @frit.jit(fallback="error")
    def f(x):
        for k in range(40):
            x = x + 1.0
            if x[0] < 0:
                break
        return x

    x = np.zeros(1 << 17)
    f(x)
    entry = next(iter(f._entries.values()))
    held = []
    slots = [x] + [None] * entry.tree.slots
    block = entry.tree.root
    while True:
        for s, free in zip(block.steps, block.frees):
            s.run(slots)
            for k in free:
                slots[k] = None
        held.append(sum(a.nbytes for a in slots if a is not None))
        if not hasattr(block.end, "branches"):
            break
        block = block.end.branches[block.end.key(slots)]
    assert max(held) <= 3 * x.nbytes and len(held) > 40


def test_too_many_paths_end_in_live():
    @frit.jit(fallback="error")
    def f(x):
        return x * float(x[0])

    for k in range(200):
        x = np.full(3, k + 0.5)
        agree(f(x), x * (k + 0.5))
    entry = next(iter(f._entries.values()))
    assert entry.tree.live and entry.tree.size < 1000 and len(f._programs) <= 3
    assert "calls run their Python" in f.explain(np.ones(3)).reason


def test_signatures_are_bounded(monkeypatch):
    monkeypatch.setattr(sys.modules["frit.jit"], "MOST_ENTRIES", 8)
    f = frit.jit(lambda x, k: x + k, fallback="error")
    for k in range(20):
        agree(f(np.ones(2), k), np.full(2, 1.0 + k))
    assert len(f._entries) == 8


def test_reports_name_the_places():
    f = frit.jit(branch, fallback="error")
    report = f.explain(frit.spec(4))
    line = branch.__code__.co_firstlineno
    assert not report.compiled and f"{__file__}:{line + 2}" in report.reason and len(report.segments) == 1
    f(np.ones(4))
    f(-np.ones(4))
    report = f.explain(np.ones(4))
    assert report.compiled and len(report.segments) == 3
    assert report.cuts == [(__file__, line + 2, "branch", "bool() of a traced array")]
    assert "# part 3" in f.dump(np.ones(4)) and report.memory.peak_bytes > 0
    assert f"{__file__}:{line + 2}" in str(report)


def test_materialize():
    """Parts of a trace that belongs to no function."""
    from frit.trace import Trace

    trace = Trace("free")
    x = trace.computed(np.arange(4.0), trace.tape.load(np.arange(4.0)))
    twice = trace.fresh(trace.call("elementwise", "multiply", (x.node, 2.0)))
    more = trace.fresh(trace.call("elementwise", "add", (twice.node, 1.0)))
    (a,) = trace.materialize([more])
    agree(a, np.arange(4.0) * 2 + 1)
    assert twice._s.pending and not more._s.pending
    (b,) = trace.materialize([twice])
    agree(b, np.arange(4.0) * 2)
