"""Elementwise functions, reductions, products, linear algebra, transforms, statistics."""

import numpy as np
import scipy.linalg

from .case import FLOATS, RNG, Input, add, bad, data, special


def elementwise():
    for d in FLOATS + ["complex128"]:
        x = special(d, 40)
        add("isreal", x)
        add("iscomplex", x)
        add("nan_to_num", x)
        add("nan_to_num", x, nan=1.5, posinf=7.0, neginf=-8.0)
        add("sinc", x[np.isfinite(x)])
        y = x + np.where(RNG.random(40) < 0.5, 1e-9, 1e-3).astype(d)
        for nan in [False, True]:
            add("isclose", x, y, equal_nan=nan)
        add("isclose", x, y, rtol=0.0, atol=0.01)
        add("allclose", x, x, equal_nan=True)
        add("allclose", x, x)
        add("array_equal", x, x)
    for d in FLOATS:
        x = special(d, 40)
        for name in ["isposinf", "isneginf", "fix", "modf", "frexp", "i0"]:
            add(name, x)
        add("i0", np.linspace(-40, 40, 81).astype(d))
        add("divmod", x[:, None], x[None, :])
        add("float_power", np.abs(x), y=2, np_=lambda x, y: np.float_power(x, y))
        add("clip", x, a_min=-1, a_max=1.5)
        add("clip", x, a_min=0, a_max=None)
        add("clip", x, a_min=None, a_max=Input(data(d, 1)))
    for d in ["int8", "int64", "uint8", "float32", "float64", "complex64"]:
        for n in [-2, -1, 0, 1, 3]:
            x = data(d, 30)
            add("round", x * 13 if d[0] != "f" else x, decimals=n)
    add("round", special("float64", 40), decimals=2)
    for d in ["int8", "int32", "uint64"]:
        x = data(d, 20)
        add("clip", x, a_min=1, a_max=4)
        add("divmod", x, data(d, 20))
        add("isclose", x, data(d, 20))
        add("array_equal", x, x)
        add("nan_to_num", x)
        add("sinc", x)
        add("fix", x)
    add("array_equal", data("int8", 3), data("int8", 4))
    add("polyval", data("float64", 4), data("float64", 2, 3))
    add("polyval", data("int64", 3), data("float32", 5))
    add("polyval", data("float64", 0), data("float64", 5))
    add("polyval", data("float32", 3), np.int64(2))
    add("clip", data("int8", 9), a_min=0, a_max=300)
    add("clip", data("uint8", 9), a_min=-5, a_max=300)
    bad("add", "Python integer 300 out of bounds for int8", data("int8", 3), y=300, np_=lambda x, y: x + y)
    bad("add", "operands could not be broadcast together with shapes (2,3) (4,3)", data("float64", 2, 3), data("float64", 4, 3))


def reductions():
    for d in ["bool", "int8", "int64", "uint32", "float32", "float64", "complex128"]:
        x = data(d, 3, 4, 5)
        m = data("bool", 3, 1, 5)
        for axis in [None, 0, -1, (0, 2)]:
            for keep in [False, True]:
                kw = {"axis": axis, "keepdims": keep}
                for name in ["sum", "prod", "mean", "any", "all"]:
                    add(name, x, where=Input(m), np_=lambda x, name=name, **k: getattr(np, name)(x, **k), tol=64, **kw)
                add("sum", x, initial=3, **kw)
                if d not in ("complex128", "bool"):
                    add("ptp", x, **kw)
                    add("max", x, initial=2, where=Input(m), **kw)
                    add("min", x, initial=-2 if d != "uint32" else 1, **kw)
                if d != "bool":
                    for name in ["var", "std"]:
                        add(name, x, where=Input(m), ddof=1, tol=64, **kw)
                add("average", x, tol=64, **kw)
        add("average", x, axis=1, weights=Input(np.abs(data("float64", 4))), tol=64)
        add("average", x, weights=Input(np.abs(data("float32", 3, 4, 5))), tol=64)
        add("average", x, axis=(0, 2), weights=Input(np.abs(data("float64", 3, 4, 5))), tol=64)
        for axis in [None, 1]:
            for name in ["cumsum", "cumprod", "nancumsum", "nancumprod"]:
                add(name, x[:, :, :2].copy(), axis=axis, tol=64)
        add("cumsum", x, axis=0, dtype="float64")
        add("sum", x, axis=0, dtype="complex128")
    add("max", np.zeros((0, 3)), axis=0, initial=5)
    add("sum", np.zeros((0, 3)), axis=0)
    add("mean", np.zeros((0, 3)), axis=1)
    for d in FLOATS:
        x = special(d, 5, 6)
        x[x == np.inf] = 1
        x[x == -np.inf] = 2
        x[:, 2] = np.nan
        for axis in [None, 0, 1]:
            for name in ["nansum", "nanprod", "nanmean", "nancumsum", "nancumprod"]:
                add(name, x, axis=axis, tol=64)
            for name in ["nanmin", "nanmax", "nanmedian", "nanvar", "nanstd"]:
                add(name, x, axis=axis, tol=64)
            add("nanquantile", x, q=0.3, axis=axis)
            add("nanpercentile", x, q=Input(np.array([0.0, 35.5, 100.0])), axis=axis, keepdims=True)
            add("nanvar", x, axis=axis, ddof=1, tol=64)
        for name in ["nanargmin", "nanargmax"]:
            add(name, x, axis=1)
            add(name, x)
    bad("sum", "axis 3 is out of bounds for array of dimension 3", data("float64", 2, 3, 4), axis=3)
    bad("sum", "duplicate value in 'axis'", data("float64", 2, 3, 4), axis=(1, 1))
    bad("max", "zero-size array to reduction operation maximum which has no identity", np.zeros((0, 3)), axis=0)
    bad("argmax", "attempt to get argmax of an empty sequence", np.zeros((0, 3)), axis=0)
    bad("max", "reduction operation 'maximum' does not have an identity, so to use a where mask one has to specify 'initial'",
        data("float64", 3), where=Input(np.array([True, False, True])))


METHODS = ["linear", "lower", "higher", "nearest", "midpoint", "inverted_cdf", "averaged_inverted_cdf",
           "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased"]


def quantiles():
    for d in ["int8", "int64", "uint16", "float32", "float64"]:
        x = data(d, 4, 5, 3)
        for axis in [None, 0, (1, -1)]:
            for keep in [False, True]:
                add("median", x, axis=axis, keepdims=keep)
                add("quantile", x, q=0.35, axis=axis, keepdims=keep)
                add("percentile", x, q=Input(np.array([[0.0, 12.5], [50.0, 100.0]])), axis=axis, keepdims=keep)
        for method in METHODS:
            for q in [0.0, 0.1, 0.25, 0.5, 0.9, 1.0]:
                add("quantile", x, q=q, axis=1, method=method)
            add("quantile", x, q=Input(np.linspace(0, 1, 11)), method=method)
            add("percentile", x, q=40.0, method=method)
    for n in [1, 2, 5, 6]:
        x = special("float64", 3, n)
        add("median", x, axis=1)
        add("quantile", x, q=0.4, axis=1)
    add("median", np.array([np.inf, np.inf, 1.0, 2.0]))
    add("median", np.array([np.finfo("float64").max] * 3))
    bad("quantile", "Quantiles must be in the range [0, 1]", data("float64", 3), q=1.5)
    bad("percentile", "Percentiles must be in the range [0, 100]", data("float64", 3), q=101.0)


def products():
    for d in ["bool", "int8", "int64", "uint16", "float32", "float64", "complex64", "complex128"]:
        v, w = data(d, 4), data(d, 4)
        m, n = data(d, 3, 4), data(d, 4, 2)
        for name in ["matmul", "dot"]:
            for x, y in [(v, w), (m, v), (v, n), (m, n)]:
                add(name, x, y, tol=64)
        add("matmul", data(d, 5, 1, 3, 4), data(d, 2, 4, 2), tol=64)
        add("matmul", data(d, 5, 3, 4), v, tol=64)
        add("dot", data(d, 2, 3, 4), data(d, 5, 4, 2), tol=64)
        add("dot", m, np.asarray(data(d, 1)[0]), tol=64)
        add("inner", data(d, 2, 3, 4), data(d, 5, 4), tol=64)
        add("inner", v, w, tol=64)
        add("vdot", m, data(d, 3, 4), tol=64)
        add("vecdot", data(d, 2, 3, 4), data(d, 3, 4), tol=64)
        add("vecdot", data(d, 2, 4, 3), data(d, 4, 3), axis=-2, tol=64)
        add("outer", v, m, tol=64)
        add("kron", m, n)
        add("kron", v, data(d, 2, 2))
        add("tensordot", data(d, 2, 3, 4), data(d, 4, 3, 5), axes=[[1, 2], [1, 0]], tol=64)
        add("tensordot", data(d, 2, 3, 4), data(d, 3, 4, 5), tol=64)
        add("tensordot", v, w, axes=0, tol=64)
        if d not in ("bool", "uint16"):
            add("cross", data(d, 2, 3), data(d, 3))
            add("cross", data(d, 3, 2), data(d, 3, 2), axis=0)
            add("linalg.multi_dot", v, data(d, 4, 6), data(d, 6, 2), data(d, 2), list_=True, tol=64)
            add("linalg.multi_dot", m, n, data(d, 2, 5), list_=True, tol=64)
        add("linalg.matrix_power", data(d, 2, 3, 3) if d != "int8" else data(d, 3, 3), n=3, tol=256) if d != "bool" else None
    for m, k, n in [(0, 3, 2), (2, 0, 3), (3, 2, 0)]:
        add("matmul", np.zeros((m, k)), np.zeros((k, n)))
        add("dot", np.zeros((m, k), "int32"), np.zeros((k, n), "int32"))
    bad("matmul", "mismatch in its core dimension", data("float64", 2, 3), data("float64", 2, 3))
    bad("matmul", "does not have enough dimensions", data("float64", 2, 3), np.float64(2))
    bad("dot", "shapes (2,3) and (2,3) not aligned: 3 (dim 1) != 2 (dim 0)", data("float64", 2, 3), data("float64", 2, 3))
    bad("tensordot", "shape-mismatch for sum", data("float64", 2, 3), data("float64", 2, 3), axes=1)


EINSUM = [
    ("ij,jk->ik", (3, 4), (4, 5)), ("ij,jk", (3, 4), (4, 5)), ("ij,kj->ki", (3, 4), (5, 4)), ("i,i", (4,), (4,)),
    ("i,j->ij", (3,), (4,)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (3, 3, 2)), ("ij->ji", (3, 4)),
    ("ij->", (3, 4)), ("ij->i", (3, 4)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("...ij,...jk->...ik", (2, 3, 4), (4, 5)),
    ("...ij,...jk", (2, 1, 3, 4), (5, 4, 2)), ("i...->...i", (2, 3, 4)), ("...i->...", (2, 3, 4)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("ij,jk,ki", (2, 3), (3, 4), (4, 2)), ("ijk,jil->kl", (2, 3, 4), (3, 2, 5)),
    ("ab,cd->abcd", (2, 3), (4, 5)), ("ij,ij->ij", (3, 4), (3, 4)), ("ij,ij->", (3, 4), (3, 4)), ("ij,j->ij", (3, 4), (4,)),
    ("iijj->ij", (2, 2, 3, 3)), ("ij,jj->i", (3, 4), (4, 4)), ("ea,fb,abcd,gc,hd->efgh", (2, 3), (2, 3), (3, 3, 3, 3), (2, 3), (2, 3)),
    ("i,ij,j->", (3,), (3, 4), (4,)), ("ba", (3, 4)), ("Ab,bA", (3, 4), (4, 3)), ("ij , jk -> ik", (3, 4), (4, 5)),
    ("ij,kl->il", (2, 3), (4, 5)), ("...,...->...", (2, 3), (3,)), (",ij->ij", (), (2, 3)), ("ij,jk->ik", (1, 4), (4, 5)),
    ("bi,bj->bij", (3, 1), (3, 4)), ("aij,ajk,akl->ail", (2, 3, 4), (2, 4, 2), (2, 2, 3)), ("ij,jk->ik", (0, 4), (4, 5)),
    ("ij,jk->ik", (3, 0), (0, 5)), ("abc,cb,a->", (2, 3, 4), (4, 3), (2,)),
]


def einsums():
    for eq, *all in EINSUM:
        for d in ["float64", "int64", "complex64"] if len(all) < 4 else ["float64"]:
            add("einsum", *[data(d, *s) for s in all], subscripts=eq, tol=128,
                np_=lambda *a, subscripts: np.asarray(np.einsum(subscripts, *a)))
    add("einsum", data("int8", 3, 4), data("float32", 4, 2), subscripts="ij,jk", tol=64, np_=lambda *a, subscripts: np.einsum(subscripts, *a))
    add("einsum", data("bool", 3, 4), data("bool", 4, 2), subscripts="ij,jk", np_=lambda *a, subscripts: np.einsum(subscripts, *a))
    e = lambda *a, subscripts: np.einsum(subscripts, *a)
    bad("einsum", "which never appeared", data("float64", 2, 3), subscripts="ij->k", np_=e)
    bad("einsum", "could not be broadcast together", data("float64", 2, 3), data("float64", 2, 3), subscripts="ij,jk", np_=e)


def matrices(d):
    a = data(d, 4, 4) + 4 * np.eye(4, dtype=d)
    return a, (a @ a.conj().T + np.eye(4, dtype=d)).astype(d)


def linalg():
    for d in ["float32", "float64", "complex64", "complex128"]:
        a, h = matrices(d)
        stack = np.stack([a, a.T.copy(), a @ a])
        for x in [a, stack]:
            for name in ["linalg.inv", "linalg.det", "linalg.slogdet", "linalg.svdvals", "linalg.pinv", "linalg.cond"]:
                add(name, x, tol=2000)
        add("linalg.solve", a, data(d, 4), tol=2000)
        add("linalg.solve", a, data(d, 4, 2), tol=2000)
        add("linalg.solve", stack, data(d, 3, 4, 2), tol=2000)
        for lower in [False, True]:
            add("linalg.solve_triangular", a, data(d, 4, 2), lower=lower, tol=2000, np_=scipy.linalg.solve_triangular)
            add("linalg.cholesky", h, upper=not lower, tol=2000)
            # Of the other triangle nothing is read, and of the diagonal the real part.
            part = np.tril(h) if lower else np.triu(h)
            if np.iscomplexobj(h):
                part = part + np.eye(len(h), dtype=d) * np.dtype(d).type(1j)
            add("linalg.cholesky", part, upper=not lower, tol=2000)
            add("linalg.eigvalsh", h, UPLO="L" if lower else "U", tol=2000)
        for shape in [(4, 4), (5, 3), (3, 5), (2, 4, 3)]:
            x = data(d, *shape)
            for mode in ["reduced", "complete"]:
                def qr(x, mode):
                    q, r = np.linalg.qr(x, mode)
                    k = np.broadcast_to(np.eye(q.shape[-1], dtype=d), q.shape[:-2] + (q.shape[-1],) * 2)
                    return x, k, np.zeros_like(r)
                add("linalg.qr_product", x, mode=mode, np_=qr, tol=1000)
            add("linalg.svd_product", x, np_=lambda x: (x, np.linalg.svd(x, compute_uv=False)), tol=2000)
            add("linalg.matrix_rank", x)
            for rcond in [None, 0.3]:
                kw = {} if rcond is None else {"rcond": rcond}
                add("linalg.pinv", x, tol=4000, **kw)
        add("linalg.eigh_product", h, UPLO="L", np_=lambda x, UPLO: (x, np.linalg.eigvalsh(x)), tol=2000)
        t = (data(d, 2, 3, 6) + 3 * np.eye(6).reshape(2, 3, 6)).astype(d)
        add("linalg.tensorinv", t, tol=4000)
        add("linalg.tensorsolve", t, data(d, 2, 3), tol=4000)
        for k in [-2, -1, 0, 1, 2, 5]:
            add("linalg.matrix_power", a / 4, n=k, tol=4000)
        add("linalg.lstsq", data(d, 6, 3), data(d, 6, 2), rcond=None, tol=4000)
        add("linalg.lstsq", data(d, 6, 3), data(d, 6), rcond=None, tol=4000)
        v, m = data(d, 5), data(d, 2, 3, 4)
        for o in [None, 0, 1, 2, 3, -1, -2, 0.5, float("inf"), float("-inf")]:
            add("linalg.norm", v, ord=o, tol=64)
            add("linalg.norm", m, ord=o, axis=1, tol=64)
            add("linalg.norm", m, ord=o, axis=-1, keepdims=True, tol=64)
        for o in [None, "fro", "nuc", 1, -1, 2, -2, float("inf"), float("-inf")]:
            add("linalg.norm", m[0], ord=o, tol=1000)
            add("linalg.norm", m, ord=o, axis=(0, 2), tol=1000)
            add("linalg.norm", m, ord=o, axis=(2, 1), keepdims=True, tol=1000)
            if o not in (None, "nuc"):
                add("linalg.cond", a, p=o, ord=o, np_=lambda x, p: np.linalg.cond(x, p), drop=["ord"], tol=4000)
        add("linalg.norm", m, tol=64)
        add("linalg.norm", m, keepdims=True, tol=64)
    for d in ["float64", "complex128"]:
        a, _ = matrices(d)
        add("linalg.eig_residual", a, np_=lambda x: np.ones(x.shape, bool))
    for d in ["int64", "bool", "float32"]:
        x = data(d, 4, 4)
        add("linalg.det", x + 9 * np.eye(4, dtype="int64") if d == "int64" else x, tol=3000)
        add("linalg.norm", x, tol=64)
        add("linalg.norm", x, ord=1, tol=64)
        add("linalg.matrix_rank", x)
    add("linalg.matrix_rank", np.zeros((3, 3)))
    add("linalg.matrix_rank", np.outer(np.arange(4.0), np.arange(4.0)))
    add("linalg.matrix_rank", np.array([0.0, 0.0]))
    add("linalg.inv", np.zeros((0, 0)))
    add("linalg.det", np.zeros((0, 0)))
    add("linalg.solve", np.zeros((0, 0)), np.zeros((0, 2)))
    add("linalg.pinv", np.zeros((0, 3)))
    bad("linalg.inv", "Last 2 dimensions of the array must be square", data("float64", 2, 3))
    bad("linalg.inv", "Singular matrix", np.zeros((2, 2)))
    bad("linalg.cholesky", "Matrix is not positive definite", -np.eye(2))
    bad("linalg.norm", "Invalid norm order for matrices.", data("float64", 2, 3), ord=3)
    bad("linalg.det", "1-dimensional array given. Array must be at least two-dimensional", data("float64", 2))


def transforms():
    norms = ["backward", "ortho", "forward"]
    for d in ["int64", "bool", "float32", "float64", "complex64", "complex128"]:
        x = data(d, 3, 8, 5)
        for norm in norms:
            for n, axis in [(None, -1), (None, 1), (4, 1), (11, 0), (1, 2)]:
                for name in ["fft", "ifft", "irfft", "hfft"]:
                    add("fft." + name, x, n=n, axis=axis, norm=norm, tol=64)
                if x.dtype.kind != "c":
                    for name in ["rfft", "ihfft"]:
                        add("fft." + name, x, n=n, axis=axis, norm=norm, tol=64)
        for name in ["fft2", "ifft2", "fftn", "ifftn", "irfft2", "irfftn"] + (["rfft2", "rfftn"] if x.dtype.kind != "c" else []):
            add("fft." + name, x, tol=64)
            add("fft." + name, x, norm="ortho", tol=64)
            add("fft." + name, x, s=(4, 6), axes=(0, 2), tol=64)
        for name in ["fftshift", "ifftshift"]:
            add("fft." + name, x)
            add("fft." + name, x, axes=(0, -1))
    bad("fft.fft", "Invalid number of FFT data points (0) specified.", data("float64", 3), n=0)


def statistics():
    for d in ["bool", "int8", "int64", "uint8", "float32", "float64", "complex128"]:
        x = data(d, 4, 6)
        for n in [0, 1, 2, 7]:
            for axis in [0, -1]:
                add("diff", x, n=n, axis=axis)
        if d != "bool":
            add("ediff1d", x)
            add("ediff1d", x, to_end=Input(data(d, 2)), to_begin=Input(data(d, 1)))
            for axis in [0, 1]:
                for order in [1, 2]:
                    g = lambda x, spacing, axis, edge_order: np.gradient(x, spacing, axis=axis, edge_order=edge_order)
                    if d != "uint8":
                        add("gradient", x, spacing=1.0, axis=axis, edge_order=order, np_=g)
                        add("gradient", x, spacing=0.25, axis=axis, edge_order=order, np_=g)
                        at = np.cumsum(RNG.random(x.shape[axis]) + 0.1)
                        add("gradient", x, spacing=Input(at), axis=axis, edge_order=order, np_=g, tol=64)
                add("trapezoid", x, axis=axis)
                add("trapezoid", x, dx=0.5, axis=axis)
                add("trapezoid", x, x=Input(np.cumsum(RNG.random(x.shape[axis]))), axis=axis)
            add("diff_between", x, n=2, axis=0, prepend=Input(data(d, 2, 6)), append=Input(np.asarray(data(d, 1)[0])), np_=np.diff)
            add("diff_between", x, axis=1, append=Input(data(d, 4, 1)), np_=np.diff)
            add("cov", x, data(d, 2, 6), tol=64)
            add("cov", x, data(d, 4, 1), rowvar=False, ddof=0, tol=64)
            add("corrcoef", data(d, 6), data(d, 6), tol=64)
            for rowvar in [True, False]:
                add("cov", x, rowvar=rowvar, tol=64)
                add("cov", x, rowvar=rowvar, ddof=0, tol=64)
                add("corrcoef", x, rowvar=rowvar, tol=64)
            add("cov", data(d, 7), tol=64)
            add("corrcoef", data(d, 7), tol=64)
        for mode in ["full", "same", "valid"]:
            for n, m in [(9, 4), (4, 9), (5, 5), (30, 20), (20, 30), (6, 1), (1, 1)]:
                add("convolve", data(d, n), data(d, m), mode=mode, tol=64)
                add("correlate", data(d, n), data(d, m), mode=mode, tol=64)
    bad("gradient", "Shape of array too small to calculate a numerical gradient", data("float64", 1), spacing=1.0, axis=0,
        np_=lambda x, spacing, axis: np.gradient(x, spacing, axis=axis))
    bad("convolve", "v cannot be empty", data("float64", 3), np.zeros(0))
    bad("cov", "m has more than 2 dimensions", data("float64", 2, 3, 4))
    for d in FLOATS + ["int64"]:
        xp = np.sort(data("float64", 12))
        for fp in [data("float64", 12), data(d, 12), data("complex128", 12)]:
            x = np.concatenate([data("float64", 30) * 2, xp[::3], [np.nan, np.inf, -np.inf]])
            add("interp", x, xp, fp)
            add("interp", x, xp, fp, left=-1.0, right=7.0)
    add("interp", data("float64", 5), np.array([0.5]), np.array([2.0]))
    bad("interp", "fp and xp are not of the same length.", data("float64", 5), data("float64", 3), data("float64", 4))
    for d in FLOATS:
        x = np.cumsum(RNG.uniform(-5, 5, (3, 20)), axis=1).astype(d)
        add("unwrap", x)
        add("unwrap", x, axis=0)
        add("unwrap", x * 10, period=100.0)
    for d in ["int64", "float32", "float64", "uint8"]:
        x = data(d, 50)
        for bins in [1, 4, 10]:
            add("histogram", x, bins=bins)
            add("histogram", x, bins=bins, range=(-2.0, 3.0))
            add("histogram", x, bins=bins, density=True)
            add("histogram", x, bins=bins, range=(-2.0, 3.0), weights=Input(data("float64", 50)), tol=64)
        edges = lambda x, e, weights=None: np.histogram(x, e, weights=weights)[0]
        add("histogram_edges", x, np.array([-3.0, -1.0, 0.0, 2.5, 4.0]), np_=edges)
        add("histogram_edges", x, np.array([-3, 0, 2, 4]), np_=edges)
    add("histogram", np.zeros(0), bins=3)
    add("histogram", np.full(5, 2.0), bins=3)
    bad("histogram", "max must be larger than min in range parameter.", data("float64", 4), bins=2, range=(3.0, 1.0))
    for d in ["int64", "uint8", "int32"]:
        x = RNG.integers(0, 8, 40).astype(d)
        x[0] = 9
        add("bincount", x, minlength=10)
        add("bincount", x, minlength=12, weights=Input(data("float64", 40)), tol=64)
        add("bincount", x, minlength=10, weights=Input(data("int64", 40)), tol=64)


GROUPS = [elementwise, reductions, quantiles, products, einsums, linalg, transforms, statistics]
