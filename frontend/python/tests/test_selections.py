"""Selections by boolean arrays against NumPy: each program on arrays with some, none and all elements selected, traced once and
replayed; results, exceptions, and the caller's arrays afterwards."""

import numpy as np
import pytest
from conftest import agree

import frit

pytestmark = [pytest.mark.usefixtures("unpatched"), pytest.mark.filterwarnings("ignore::RuntimeWarning")]

#: Programs in one part, whatever is selected: `x` and `y` are arrays of 12, `m` and `n` boolean ones, `k` integers, `z` complex, `g` (3, 4, 2).
FUSED = """
x[m] = np.sqrt(x[m])
x[~m] *= 2
x[m] += y[m]
x[m] **= 2
x[x > 0] = -x[x > 0]
y[m] = x[m] + x[m] * 2 - y[m]
x[m] = np.where(x[m] > 1, 1, x[m])
x[m] = np.clip(x[m], -1, y[0])
x[m] = 0.5 + x[m].astype(np.float32)
x[m] = k[m] // 3
k[m] = k[m] // k[::-1][m]
k[m] = k[m] % (k[m] - k[m])
k[m] = x[m]
k[m] = 2 ** np.abs(k[m])
k[m] **= 2
k[m] <<= 1
z[m] = np.conj(z[m]) * 1j
z[m] = x[m]
z[m] += 1
m[m] = x[m] > 0
m[n] ^= m[n]
x[m] = np.interp(x[m], [-1.0, 0, 1], [3.0, 2, 1])
x[m] = np.polyval([1.0, 2, 3], x[m])
x[m], y[m] = y[m], x[m]
x[m], y[m] = np.divmod(x[m], y[m])
x[m], y[m] = np.modf(x[m])
v = x[m]; v += 1; x[m] = v
v = w = x[m]; v *= 2; x[m] = w
v = x[m]; w = v.copy(); w += 1; y[m] = v
v = x[m]; v[v > 0] = 0; x[m] = v
v = x[m]; v[v > 0] *= 2; v[v < 0] = np.abs(v[v < 0]); x[m] = v
v = x[m]; v[y[m] > 0] = x[0]; y[m] = v
v = x[m]; x[0] = 7; y[m] = v
v = x[m]; x += 1; x[m] = v
v = x[m]; y[m] = np.asarray(v); w = np.array(v); w += 1; x[m] = w + v
v = np.asarray(x[m], dtype=np.float32); y[m] = v
v = x[m]; w = np.zeros_like(v); w += y[m]; x[m] = w
x[::-1][m] = y[m]
x.reshape(3, 4)[m.reshape(3, 4)] += 1
x.reshape(3, 4).T[m.reshape(4, 3)] *= x.reshape(3, 4).T[m.reshape(4, 3)]
g[g[..., 0] > 0] = g[g[..., 0] > 0] * np.array([2.0, 3.0])
g[m.reshape(3, 4)] = 0
g[m.reshape(3, 4)] += 1
g[m.reshape(3, 4), :] = g[m.reshape(3, 4), ...] / 2
g[m[:3]] = -g[m[:3]]
g[g > 0] = np.log(g[g > 0])
g[g[..., 0] > 0] -= g[g[..., 0] > 0].sum(axis=0)
a = x[m].sum(), x[m].mean(), x[m].var(), x[m].std(ddof=1), x[m].any(), x[m].all(), np.count_nonzero(x[m])
a = k[m].sum(), k[m].prod(), k[m].mean(), k[m].any(), k[m].astype(np.int8).sum(), (k[m] > 0).sum(), np.add.reduce(k[m])
a = z[m].sum(), z[m].mean(), np.abs(z[m]).sum(), np.var(z[m])
x[:2] = np.nan; a = np.nansum(x[m]), np.nanprod(x[m]), np.nanmean(x[m]), np.nansum(k[m]), np.nanmean(z[m]), x[m].sum(dtype=np.float32), np.sum(x[m], axis=0), x[m].sum(axis=-1)
a = g[m.reshape(3, 4)].sum(), g[m.reshape(3, 4)].sum(0), g[m.reshape(3, 4)].mean(axis=(0, 1)), g[m.reshape(3, 4)].any(axis=0)
a = np.sum((x[m] - y[m]) ** 2) / np.sum(y[m] ** 2)
a = x[m][y[m] > 0].sum()
a = x[m].ndim, x[m].dtype, g[m.reshape(3, 4)].ndim, np.iscomplexobj(z[m]), isinstance(x[m], np.ndarray)
x[m] = np.nan; x[np.isnan(x)] = 0
x[0] = np.nan; x[1] = -0.0; x[x == x] *= -1; a = np.signbit(x), np.nansum(x[m])
""".strip().splitlines()

#: Programs that need the array, or to know whether there is anything in it.
CUT = """
a = x[m].max(), k[m].min(), x[m].min(), m[m].max()
a = g[m.reshape(3, 4)].max(axis=0)
v = x[m]; x[m] = (v - v.min()) / (v.max() - v.min())
a = x[m]
a = x[m], x[n]
a = len(x[m]), x[m].size, x[m].shape
a = [v + 1 for v in x[m]]
a = str(x[m] + 1)
a = np.sort(x[m]), np.cumsum(x[m]), x[m][::-1]
a = x[m][:2]; x[m] = 3
v = x[m]; w = v[:]; w += 1; a = v; x[m] = v
v = x[m]; x[0] = 9; a = v
v = x[m]; m[:] = ~m; a = v, m
v = x[m]; m[0] = ~m[0]; x[m] = v[: m.sum()] if len(v) >= m.sum() else 0
v = x[m]; n[:] = m; x[n] = v * 2
v = x[m]; n &= m; a = v[n[m]]
x[n] = x[m][0] if m.any() else 1
x[m] = x[n][: m.sum()] if n.sum() >= m.sum() else x[n].sum()
a = x[m] + x[n]
x[m] = x[n]
x[m] += [1.0]
x[m] += np.array([2.0])
x[m] = x[m] @ x[m]
a = np.concatenate([x[m], y[m]]), {"v": x[m], "w": (y[n],)}
v = x[m]; a = x[m] if v.sum() > 1 else y[m]; x[m] = v
v = x[m]; a = 1 if v.sum() > 1 else 2; x[m] = v * 2; m[0] = True; x[m] = 0
v = x[m]; x[m] = np.asarray(v.tolist()) * 2
a = x[m].argmax() if m.any() else None
k[m] = k[m] ** k[m]
k[m] = k[m] ** np.abs(k[m])
k[m] = k[m] ** k[0]
k[m] = k[m] ** -1
k[m] = z[m]
k[m] += x[m]
x[m] = z[m].real
a = np.median(x[m]) if m.any() else 0
a = np.average(x[m], weights=np.abs(y[m]))
v = g[m.reshape(3, 4)]; v[:, 0] = 1; g[m.reshape(3, 4)] = v; a = v
a = x[m].sum(keepdims=True), g[m.reshape(3, 4)].sum(axis=1)
a = [x[m], [x[m] + 1]]
a = list(zip(x[m], y[m]))
a = bool(x[m])
a = float(x[m])
np.add(x[m], 1, out=x[: m.sum()])
np.putmask(x, m, x[m] * 2) if m.any() else None
x[m.nonzero()] = x[m] + 1
x[:6][m[:6]] = y[6:][m[:6]]
x[m[:5]] = 1
a = x[m].foo
a = x[m].T, x[m].flags.writeable, x[m].base is None
x.flat = x[m] if m.any() else 1
a = np.linalg.norm(x[m]), np.dot(x[m], y[m])
""".strip().splitlines()


def compiled(line):
    space = {"np": np}
    body = "\n  ".join(line.split("; "))
    exec(compile(f"def f(x, y, m, n, k, z, g):\n  a = None\n  {body}\n  return a\n", line, "exec"), space)
    return space["f"]


def arguments(share, seed=0):
    rng = np.random.default_rng(seed)
    k = rng.integers(-3, 5, 12)
    z = rng.normal(size=12) + 1j * rng.normal(size=12)
    g = rng.normal(size=(3, 4, 2))
    return [rng.normal(size=12), rng.normal(size=12), rng.random(12) < share, rng.random(12) < 0.5, k, z, g]


def outcome(f, args):
    try:
        with np.errstate(all="ignore"):
            return f(*args)
    except Exception as e:
        return type(e), str(e)


def check(f, jitted, share, seed):
    want_args, got_args = arguments(share, seed), arguments(share, seed)
    want, got = outcome(f, want_args), outcome(jitted, got_args)
    agree(got, want)
    agree(got_args, want_args, "the arguments")


@pytest.mark.parametrize("line", FUSED)
def test_one_program(line):
    f = compiled(line)
    jitted = frit.jit(f, fallback="error")
    for share, seed in ((0.5, 0), (0.3, 1), (0.0, 2), (1.0, 3), (0.5, 0), (0.8, 4)):
        check(f, jitted, share, seed)
    assert len(jitted._programs) <= 1
    report = jitted.explain(*arguments(0.5))
    assert report.compiled, report


@pytest.mark.parametrize("math", ["reassociate", "exact"])
@pytest.mark.parametrize("line", CUT)
def test_arrays_where_they_are_needed(line, math):
    f = compiled(line)
    jitted = frit.jit(f, fallback="quiet", math=math)
    for share, seed in ((0.5, 0), (0.5, 0), (0.0, 2), (1.0, 3), (0.5, 0), (0.8, 4), (0.0, 5)):
        check(f, jitted, share, seed)


@pytest.mark.parametrize("line", FUSED)
def test_exact(line):
    f = compiled(line)
    jitted = frit.jit(f, fallback="error", math="exact")
    for share, seed in ((0.5, 0), (0.0, 2), (1.0, 3), (0.5, 0)):
        check(f, jitted, share, seed)


def test_sums_are_cut_where_their_order_counts():
    def f(x, m):
        return x[m].sum()

    x, m = np.arange(6.0), np.arange(6) > 2
    fused, exact = frit.jit(f), frit.jit(f, math="exact")
    assert fused(x, m) == exact(x, m) == 12
    assert fused.explain(x, m).compiled and len(fused._programs) == 1
    assert any("ndarray.__getitem__" in str(part) for part in str(exact.explain(x, m)).splitlines())


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda a: a[::-1]])
def test_other_layouts(layout):
    def f(a, m):
        a[m] = a[m] * 2
        a[a > 1] -= 1
        v = a[m[:, 0]]
        v += 1
        return v, v.sum(0), a[m]

    rng = np.random.default_rng(0)
    jitted = frit.jit(f)
    for _ in range(3):
        a, m = rng.normal(size=(3, 4)), rng.random((3, 4)) > 0.5
        b, w = layout(a.copy()), layout(m)
        want = f(c := layout(a.copy()), w)
        agree(jitted(b, w), want)
        agree(b, c)


def test_empty_selections_raise_as_numpy_does():
    @frit.jit
    def f(x):
        return x[x > 0].max()

    assert f(np.array([1.0, -2, 3])) == 3
    for _ in range(2):
        with pytest.raises(ValueError, match="zero-size array to reduction operation maximum which has no identity"):
            f(-np.ones(3))
    assert f(np.array([1.0, 5, 3])) == 5


def test_a_mask_is_the_one_it_was():
    def f(x, m):
        v = x[m]
        before = float(v.sum())
        x[m] = v + before
        m[1] = not m[1]
        x[m] = 0
        return v

    jitted = frit.jit(f)
    for m in ([True, False, True], [False, False, False], [True, True, True]):
        x, y = np.arange(3.0), np.arange(3.0)
        p, q = np.array(m), np.array(m)
        agree(jitted(x, p), f(y, q))
        agree([x, p], [y, q])


def test_masks_written_by_numpy():
    def f(x, m):
        v = x[m]
        np.packbits(m)
        m.partition(2)
        w = x[m]
        x[m] = w + 1
        return v.sum(), w.sum(), w

    jitted = frit.jit(f, fallback="quiet")
    for _ in range(2):
        x, y = np.arange(4.0), np.arange(4.0)
        m, n = np.array([True, False, True, False]), np.array([True, False, True, False])
        agree(jitted(x, m), f(y, n))
        agree([x, m], [y, n])


def test_debug_nans_looks_at_what_is_selected():
    @frit.jit
    def f(x, y):
        m = x > 0
        x[m] = np.log(x[m])
        return np.sqrt(y)

    x = np.array([1.0, -1.0])
    f(x.copy(), np.ones(2))
    with frit.debug_nans():
        agree(f(x.copy(), np.ones(2)), np.ones(2))
        with pytest.raises(FloatingPointError, match="sqrt"):
            f(x.copy(), -np.ones(2))
    agree(f(x.copy(), np.ones(2)), np.ones(2))


@pytest.mark.parametrize("size", [len, lambda v: v.size, lambda v: v.shape, lambda v: v.shape[0] + v.sum()])
def test_sizes_are_counted(size):
    """No element is copied to learn how many are selected."""

    def f(x, g):
        return size(x[x > 0]), size(g[g.sum(2) > 0])

    rng = np.random.default_rng(3)
    jit = frit.jit(f, fallback="error")
    for _ in range(4):
        x, g = rng.normal(size=12), rng.normal(size=(3, 4, 2))
        agree(jit(x, g), f(x, g))
    report = jit.explain(x, g)
    assert not report.calls, report


def test_a_selection_after_the_call():
    kept = []

    @frit.jit
    def f(x):
        kept.append(x[x > 0])
        return x

    f(np.ones(2))
    with pytest.raises(RuntimeError, match="after its function had returned"):
        len(kept[0])
    assert repr(kept[0]) == "Selection"


def test_coverage_names_selections():
    def f(x):
        x[x > 0] *= 2
        return len(x[x > 1]), np.sort(x[x > 1])

    calls = [(c.call, c.how) for c in frit.coverage(f, np.arange(3.0))]
    assert ("ndarray.__getitem__", "compiled") in calls and ("ndarray.__getitem__", "sized") in calls


def ratio(v):
    return v[v > 0].sum() / len(v[v > 0])


def counted(v):
    return len(v[np.abs(v) * 2 > 1])


def several(v):
    w = v[v > 0]
    return w.sum() / w.size, w.mean(), w.shape[0]


@pytest.mark.parametrize("f", [ratio, counted, several], ids=lambda f: f.__name__)
def test_counts_store_nothing(f):
    """What a mask selects is counted in the pass that sums it: neither the mask nor the array is stored or copied."""
    jitted = frit.jit(f, fallback="error")
    arrays = [np.random.default_rng(k).standard_normal(100_000) for k in range(6)]
    for v in arrays * 2:
        np.testing.assert_allclose(jitted(v), f(v), rtol=1e-12)
    report = jitted.explain(arrays[0])
    # The same again for elements seen before: replays, and nothing that depends on what garbage is still alive.
    assert report.compiled and report.reason is None
    assert jitted.memory(arrays[0]).peak_bytes < 4096


def test_masks_that_cost_much_are_computed_once():
    def f(a, v):
        w = v[a @ v > 0]
        return w.sum() if len(w) > 2 else v.sum()

    jitted = frit.jit(f)
    rng = np.random.default_rng(1)
    a, v = rng.standard_normal((300, 300)), rng.standard_normal(300)
    np.testing.assert_allclose(jitted(a, v), f(a, v), rtol=1e-12)
    assert sum(s.program.dump("graph").count("matmul") for s in jitted.explain(a, v).segments) == 1


def test_counts_before_memory_is_written():
    """Elements that a selection may still need are kept when NumPy writes what they came from."""

    def f(v):
        w = v[v > 0]
        n = len(w)
        v.sort()
        np.put(v, [0], [n])
        return w.sum() / n, v

    jitted = frit.jit(f, fallback="quiet")
    for seed in range(3):
        v = np.random.default_rng(seed).standard_normal(50)
        mine, theirs = v.copy(), v.copy()
        got, want = jitted(mine), f(theirs)
        np.testing.assert_allclose(got[0], want[0], rtol=1e-12)
        np.testing.assert_array_equal(mine, theirs)
