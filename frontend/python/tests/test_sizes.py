"""Sizes with names: expressions for memory, the same program for numbers, and errors with the line where a number is needed."""

import json
import re

import numpy as np
import pytest

import frit


def difference(x):
    return x[:, None] - x[None, :]


def chain(x, y):
    return np.tanh(x @ y).sum(1)


def halves(x):
    n = x.shape[0]
    return x.reshape(n // 2, 2).sum(1), x.reshape(-1, 2), np.zeros((n, 3)), np.arange(n - 1), x[: n // 2], x[-n // 4 :], x[n - 3]


def stencil(x):
    out = np.empty_like(x)
    out[1:-1] = x[2:] + x[:-2]
    out[0], out[-1] = 1, x.size
    return out


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def joined(x, y):
    return np.concatenate([x, y]), np.stack([x, x]), np.outer(x, y), np.tile(x, 3), np.repeat(y, 2), np.pad(x, 2), np.split(x, 2)[1] + 1


def statistics(x):
    n, m = x.shape
    return x.mean(), x.std(0), x.sum() / n, x / m, np.average(x, axis=1), np.cumsum(x, 0), x.size * x


def created(x):
    n = len(x.T.T.shape) * x.shape[0]
    return np.ones(n), np.full((n, 2), 3.0), np.eye(n), np.identity(n, int), np.linspace(0, 1, n), np.zeros_like(x), np.empty(n)[:3] * 2


def shaped(x):
    return x.T.copy(), x.ravel() + 1, np.moveaxis(x, 0, 1) * 2, x[:, None, :].squeeze() + 3, np.broadcast_to(x[0], x.shape) + 0, np.flip(x, 0) * x


def routines(x):
    return np.linalg.solve(x, np.ones(x.shape[0])), np.sort(x, 1), x @ x


#: Functions, the specs of their arguments, and sizes to try.
CASES = [
    (difference, ["n"], dict(n=1000)),
    (chain, [("n", "k"), ("k", "m")], dict(n=1000, k=50, m=10)),
    (halves, ["2*n"], dict(n=500)),
    (stencil, ["n"], dict(n=321)),
    (softmax, [("n", "m")], dict(n=5000, m=200)),
    (joined, ["2*n", "m"], dict(n=64, m=33)),
    (statistics, [("n", "m")], dict(n=300, m=70)),
    (created, [("n", 3)], dict(n=65)),
    (shaped, [("n", "m")], dict(n=31, m=57)),
    (routines, [("n", "n")], dict(n=90)),
]


@pytest.mark.parametrize("f, shapes, sizes", CASES, ids=lambda c: getattr(c, "__name__", ""))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_expressions_hold_for_numbers(f, shapes, sizes, dtype):
    """What is said with names is what is said of the same arguments with numbers, but for blocks that are rounded up."""
    specs = [frit.spec(s, dtype) for s in shapes]
    need, numbers = frit.jit(f).memory(*specs), [s.at(sizes) for s in specs]
    want = frit.jit(f).memory(*numbers)
    at = need.at(**sizes)
    assert need.names() == sorted(sizes)
    assert (at.input_bytes, at.output_bytes) == (want.input_bytes, want.output_bytes)
    assert need.input_bytes.at(**sizes) == want.input_bytes and need.output_bytes.at(**sizes) == want.output_bytes
    # The program for all sizes may have a buffer where the other knows that one block is enough.
    assert 0.95 * want.peak_bytes - 512 <= at.peak_bytes <= 1.1 * want.peak_bytes + 512
    if not need.peak_bytes.workspaces:
        assert need.peak_bytes.at(**sizes) <= at.peak_bytes + 64
        assert at.peak_bytes <= need.peak_bytes.at(**sizes) + 64 * (len(need.temporaries) + 1)


@pytest.mark.parametrize("f, shapes, sizes", CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_projection_with_names_bounds_calls(f, shapes, sizes):
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(frit.spec(s).at(sizes).shape) for s in shapes]
    assert frit.jit(f).memory(*map(frit.spec, shapes)).at(**sizes).output_bytes == frit.jit(f).memory(*arrays).output_bytes


def test_text():
    need = frit.jit(difference).memory(frit.spec("n"))
    assert str(need.peak_bytes) == "8*n*n" and str(need.input_bytes) == "8*n"
    assert re.match(r"projected peak 8\*n\*n bytes, of it results 8\*n\*n bytes; arguments 8\*n bytes\n", str(need))
    [held] = need.temporaries
    assert (str(held.bytes), held.op, held.output) == ("8*n*n", "subtract", True)
    assert held.file == __file__ and held.line == difference.__code__.co_firstlineno + 1
    assert json.loads(need.to_json())["peak_bytes"] == "8*n*n"
    assert "8*n*n" in need._repr_html_()
    assert "projected peak 8*n*n bytes" in str(frit.jit(difference).explain(frit.spec("n")))
    solve = frit.jit(routines).memory(frit.spec(("n", "n"))).peak_bytes
    assert "workspace of" in str(solve) and "solve" in solve.workspaces


def test_sizes_that_no_machine_holds():
    assert frit.jit(difference).memory(frit.spec("n")).at(n=300_000).peak_bytes == 720_000_000_000


def test_limits_with_numbers():
    @frit.jit
    def gram(x, y):
        h = np.tanh(x @ y)
        return h.T @ h

    need = gram.memory(frit.spec(("n", 50)), frit.spec((50, 200)))
    fit = need.at(n=100_000, memory_limit="64MiB")
    assert fit.peak_bytes <= 64 << 20 < need.at(n=100_000).peak_bytes and fit.replanned
    with pytest.raises(ValueError, match="memory_limit"):
        gram.memory(frit.spec(("n", 50)), frit.spec((50, 200)), memory_limit="64MiB")


def test_numbers_that_do_not_fit():
    need = frit.jit(difference).memory(frit.spec("n"))
    with pytest.raises(ValueError, match="no number for n"):
        need.at()
    with pytest.raises(ValueError, match="there is no m"):
        need.at(n=10, m=3)
    with pytest.raises(ValueError, match="names stand for 8 or more"):
        need.at(n=3)


def compares(x):
    if x.shape[0] > 100:
        return x * 2
    return x + 1


def loops(x):
    total = 0.0
    for i in range(x.shape[0]):
        total = total + x[i]
    return total


def iterates(x):
    total = 0.0
    for row in x:
        total = total + row
    return total


def measures(x):
    return x / len(x)


def odd(x):
    return x.reshape(x.shape[0] // 2, 2) + 1


def unequal(x):
    return x[:, None] + np.zeros((x.shape[0] + 1, x.shape[0] + 1))


def unrolled(x):
    return np.stack([np.sum(row) for row in np.unstack(x)])


def floats(x):
    return x * float(x.shape[0])


def unknown(x):
    return np.tri(x.shape[0]) * x


@pytest.mark.parametrize(
    "f, at, what",
    [
        (compares, 1, "the comparison of n with 100"),
        (loops, 2, "an integer"),
        (iterates, 2, "a loop over an array"),
        (measures, 1, "len()"),
        (odd, 1, "reshape of n elements"),
        (unequal, 1, "could not be broadcast"),
        (unrolled, 1, "depends on the number of n"),
        (floats, 1, "float()"),
        (unknown, 1, "numpy.tri"),
    ],
    ids=lambda c: getattr(c, "__name__", ""),
)
def test_where_a_number_is_needed(f, at, what):
    """The error has the line, its text, and what to do; which then helps."""
    jitted = frit.jit(f)
    for report in (jitted.memory, jitted.explain, jitted.visualize):
        with pytest.raises(frit.SizeError) as e:
            report(frit.spec("n"))
        text = str(e.value)
        assert what in text and f"{__file__}:{f.__code__.co_firstlineno + at}" in text and "a number in place of 'n'" in text
    if f is not unequal:
        assert jitted.memory(frit.spec(128)).input_bytes == 1024


def test_names_are_decided_where_they_can_be():
    @frit.jit
    def f(x):
        n = x.shape[0]
        assert n > 0 and n >= 8 and n != 3 and n - 1 < n and not n == n + 1 and bool(n) and x.ndim == 1
        assert isinstance(n, int) and n // n == 1 and 2 * n - n == n and (n + 1) % 1 == 0 and str(n - 1) == "n - 1"
        return x[:4] + 1

    assert str(f.memory(frit.spec("n")).output_bytes) == "32"


def test_sizes_beside_arrays_are_python_numbers():
    """A size does not widen what it is combined with: NumPy takes it for a Python number."""

    @frit.jit
    def f(x, k):
        n = x.shape[0]
        return x / n, x * (1 / n), x + n**2, k * n, n / 2 * x, x**n, k - n

    specs = frit.spec("n", "float32"), frit.spec("n", "int16")
    named, numbers = f.memory(*specs), f.memory(*[s.at(dict(n=64)) for s in specs])
    assert named.output_bytes.at(n=64) == numbers.output_bytes == 64 * (5 * 4 + 2 * 2)


def test_pictures_have_expressions():
    picture = json.loads(frit.jit(difference).visualize(frit.spec(("n",))).render("json"))
    part = picture["parts"][0]
    assert [s["name"] for s in part["sizes"]] == ["n"] and part["sizes"][0]["value"] is None
    assert any("n" in t["bytes"] for t in part["types"])


def test_warnings_need_numbers():
    f = frit.jit(difference)
    with pytest.raises(ValueError, match="sizes={'n': 1000}"):
        f.warnings(frit.spec("n"))
    with pytest.raises(ValueError, match="the sizes are n: there is no zzz"):
        f.warnings(frit.spec("n"), sizes={"n": 10, "zzz": 3})
    with pytest.raises(ValueError, match="all sizes are numbers: there is no n"):
        f.warnings(frit.spec(8), sizes={"n": 10})
    with pytest.raises(TypeError, match="dict of numbers"):
        f.warnings(frit.spec("n"), sizes=[10])
    found = f.warnings(frit.spec("n"), sizes={"n": 1_000_000})
    assert found and str(found) == str(f.warnings(frit.spec(1_000_000)))


def test_only_numbers_run():
    f = frit.jit(difference)
    with pytest.raises(ValueError, match="numbers"):
        f.save("unused.json", frit.spec("n"))
    with pytest.raises(ValueError, match="sizes={'n': 1000}"):
        f.suggest_chunks(frit.spec("n"))
    found = f.suggest_chunks(frit.spec("n"), sizes={"n": 4000}, memory_limit="1MiB")
    assert str(found) == str(f.suggest_chunks(frit.spec(4000), memory_limit="1MiB"))


def test_specs():
    assert repr(frit.spec(("n", "2*n + 1", 3), "f4")) == "frit.spec(('n', '2*n + 1', 3), 'float32')"
    assert frit.spec("n").at({"n": 5}).shape == (5,)
    assert frit.spec("7").shape == (7,)
    for wrong in ("n +", "2n", "", "n/2"):
        with pytest.raises(ValueError, match="not a size"):
            frit.spec(wrong)


def test_cuts_end_what_is_known():
    """Of a function that decides by elements, memory is that of the part before."""

    @frit.jit
    def f(x):
        y = x[:, None] * x
        return y * 2 if y.sum() > 0 else y

    report = f.explain(frit.spec("n"))
    assert "what follows is compiled when the function is called" in report.reason
    assert "n*n" in str(report.memory.peak_bytes)
