"""The memory contract: projections, limits, and what a fresh process really takes."""

import json
import subprocess
import sys

import numpy as np
import pytest

import frit
from frit.options import bytes_of

#: Programs whose peak is far above a limit, with arguments: the same values within it.
LIMITED = {
    "rows of a product": (lambda x, y: np.tanh(x @ y) @ y.T, [(4000, 20), (20, 500)], "2MiB"),
    "a product over the blocked axis": (lambda x, y: np.tanh(x @ y).T @ np.tanh(x @ y), [(6007, 10), (10, 100)], "3MiB"),
    "softmax": (lambda x, y: (lambda e: (e / e.sum(axis=0)).sum(axis=1))(np.exp(x @ y - (x @ y).max(axis=0))), [(3000, 8), (8, 300)], "4MiB"),
    "sorted rows": (lambda x, y: np.cumsum(np.sort(x[:, None] * y[None, :], axis=1), axis=1).max(axis=1), [(2000,), (300,)], "1MB"),
    "median of distances": (lambda x, y: np.median(np.abs(x[:, None] - y[None, :]), axis=1), [(2001,), (300,)], 1 << 20),
    "transforms": (lambda x, y: (np.abs(np.fft.rfft(x @ y, axis=1)) ** 2).mean(axis=0), [(4000, 8), (8, 256)], "2MiB"),
    "small matrices": (lambda x, y: np.linalg.solve(x[:, None, None] * np.ones((8, 8)) + 9 * np.eye(8), y).sum(axis=(1, 2)), [(5000,), (8, 1)], "1MiB"),
}


@pytest.mark.parametrize("name", LIMITED)
def test_limits(name):
    function, shapes, limit = LIMITED[name]
    r = np.random.default_rng(3)
    arguments = [r.standard_normal(s) for s in shapes]
    free, limited = frit.jit(function, fallback="error"), frit.jit(function, fallback="error", memory_limit=limit)
    want, got = free(*arguments), limited(*arguments)
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)
    need = limited.memory(*arguments)
    assert need.peak_bytes <= bytes_of(limit) < free.memory(*arguments).peak_bytes
    assert need.replanned and all(x in str(need) for x in need.replanned) and need.replanned == limited.explain(*arguments).replanned


def test_projections_say_what_is_held():
    f = frit.jit(lambda x: np.sort(x * 2.0)[:10])
    need = f.memory(frit.spec(100_000))
    first = need.temporaries[0]
    assert first.bytes >= 800_000 and first.share > 0.3 and first.file == __file__ and first.line
    assert [t.bytes for t in need.timeline] and max(t.bytes for t in need.timeline) == need.peak_bytes
    assert f"{__file__}:{first.line}" in str(need) and "KiB" in str(need) and "<table" in need._repr_html_()
    assert json.loads(need.to_json())["peak_bytes"] == need.peak_bytes


@pytest.mark.parametrize("f", [lambda x: np.exp(x @ x), lambda x: (np.sqrt(x @ x), x.sum(0)), lambda x: np.sort(x, axis=1) * 2.0])
def test_results_that_take_the_memory_of_operands_count_once(f):
    x = np.ones((40, 40))
    results = frit.jit(f)(x)
    size = sum(r.nbytes for r in (results if isinstance(results, tuple) else [results]))
    assert frit.jit(f).memory(x).output_bytes == size
    assert frit.jit(f).memory(frit.spec(("n", "n"))).at(n=40).output_bytes == size


def test_refusals():
    f = frit.jit(lambda a: np.subtract.outer(a, a) * 2, memory_limit="1MiB")
    with pytest.raises(frit.MemoryLimitError, match=r"needs 800000000 bytes .*test_memory.py.*help: the results alone take"):
        f(np.zeros(10000))
    assert issubclass(frit.MemoryLimitError, MemoryError) and "help:" in str(f.explain(frit.spec(10000)))
    assert f(np.arange(3.0)).shape == (3, 3)
    for wrong in ("1 potato", "GiB", "1.2.3"):
        with pytest.raises(ValueError, match="memory_limit"):
            frit.jit(lambda a: a, memory_limit=wrong)


def test_nothing_is_compiled():
    f = frit.jit(lambda a: np.hypot(a[:, None], a[None, :]) - 0.125)
    before = frit.stats()["kernels_compiled"]
    assert f.memory(frit.spec(300_000)).peak_bytes >= 720 * 10**9
    assert frit.stats()["kernels_compiled"] == before


def test_parts_of_numpy_are_noted():
    f = frit.jit(lambda x: np.setxor1d(x * 2, x).sum(), fallback="quiet")
    f(np.arange(8.0))
    assert any("numpy.setxor1d" in n and __file__ in n for n in f.memory(np.arange(8.0)).notes)


#: What a fresh process runs: its own peak of resident memory during calls, beside the projection; and what the same calls
#: take on arrays of no size to speak of, when code, threads and their stacks are there: what the interpreter and the
#: system's allocator do meanwhile.
CHILD = """
import gc
import numpy as np, frit

def status(field):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(field))

def taken(arguments):
    for a in arguments:
        a.sum()
    gc.collect()
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")
    before = status("VmRSS:")
    # More than once: what is kept from one call serves the next.
    for _ in range(3):
        f(*arguments)
    return status("VmHWM:") - before

{setup}
# Code of the libraries, and the stacks of all threads.
frit.jit(lambda x: np.linalg.solve(x @ x + 9 * np.eye(300), np.sort(np.fft.fft(x).real)).sum())(np.ones((300, 300)))
small = [a[tuple(slice(40 if n > 64 else n) for n in a.shape)].copy() for a in arguments]
taken(small)
other = taken(small)
measured = taken(arguments)
# Of a function in parts, what is known after a call.
print(f.memory(*arguments).peak_bytes, measured, other)
"""

#: Beside what is measured: lists and records of the interpreter, in pages.
PAGES = 1 << 20

#: Programs that take 100 MB and more.
FRESH = {
    "map": "f = frit.jit(lambda x, y: np.sqrt(x * x + y)); arguments = [np.ones(20_000_000), np.ones(20_000_000)]",
    "maps": "f = frit.jit(lambda x, y: (x + y, x * y, x.T @ y)); arguments = [np.ones((500_000, 20)), np.ones((500_000, 20))]",
    "cumsum": "f = frit.jit(lambda x: np.cumsum(np.exp(x) * 2)[::-1] + 1); arguments = [np.zeros(10_000_000)]",
    "matmul": "f = frit.jit(lambda x, y: np.tanh(x @ y) @ y); arguments = [np.ones((3000, 3000)), np.ones((3000, 3000))]",
    "products": "f = frit.jit(lambda x, y: x @ y + y @ x); arguments = [np.ones((4000, 4000)), np.ones((4000, 4000))]",
    "parts": "f = frit.jit(lambda x: np.cumsum(x * 2) + np.sort(-x) if np.sort(x)[0] > 0 else x); arguments = [np.random.default_rng(1).random(9_000_000) + 1]",
    "gram": "f = frit.jit(lambda x: x @ x.T); arguments = [np.ones((4000, 500))]",
    "solve": "f = frit.jit(np.linalg.solve); arguments = [np.eye(3000) * 2 + 1, np.ones((3000, 1500))]",
    "fft": "f = frit.jit(lambda x: np.fft.ifft(np.fft.fft(x) * 2)); arguments = [np.ones((2500, 4096))]",
    "sort": "f = frit.jit(lambda x: np.sort(x * 2)); arguments = [np.random.default_rng(1).random(9_000_000)]",
    "float32": "f = frit.jit(lambda x: np.sort(np.exp(x), axis=0)); arguments = [np.ones((30_000, 1000), 'f4')]",
    "blocked": "f = frit.jit(lambda x, y: np.tanh(x @ y) @ y.T, memory_limit='140MB'); arguments = [np.ones((400_000, 40)), np.ones((40, 1000))]",
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("name", FRESH)
def test_a_fresh_process_takes_what_is_projected(name):
    program = CHILD.format(setup=FRESH[name])
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    need, taken, other = map(int, out.split())
    print(f"{name}: projected {need / 1e6:.1f} MB, taken {taken / 1e6:.1f} MB, {need / taken:.3f}; else {other / 1e6:.1f} MB")
    assert need >= 100e6
    # The pool keeps freed blocks of a sixteenth of the most that was in use, at most.
    assert taken <= need * 17 / 16 + other + PAGES, f"projected {need}, the process took {taken}"
    assert need <= 1.1 * taken, f"projected {need}, the process took {taken}"


def test_notes_of_functions_in_parts():
    def f(x):
        y = np.exp(x)
        if y[0] > 2:
            y = y + 1
        return y * 2

    g = frit.jit(f)
    assert any("not known before it runs" in n for n in g.memory(frit.spec(1000)).notes)
    x = np.ones(1000)
    np.testing.assert_allclose(g(x), f(x))
    need = g.memory(x)
    assert need.notes == ["compiled in 2 parts: the peak is that of the paths through them that calls have taken"]
    assert f"note: {need.notes[0]}" in str(need)


def test_the_limit_is_that_of_all_parts_together():
    def f(x):
        y = np.exp(x)
        if y[0] > 2:
            return np.sort(y), np.sort(-y)
        return y

    x = np.ones(100_000)
    peak = (lambda g: (g(x), g.memory(x).peak_bytes)[1])(frit.jit(f))
    # The results of the last part fit this, but not what it works on, too.
    tight = frit.jit(f, memory_limit=2_000_000)
    with pytest.raises(frit.MemoryLimitError, match="earlier parts of the call .* 800000 bytes"):
        tight(x)
    enough = frit.jit(f, memory_limit=peak)
    for got, want in zip(enough(x), f(x)):
        np.testing.assert_array_equal(got, want)
    assert enough.memory(x).peak_bytes <= peak
