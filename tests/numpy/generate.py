"""Cases with NumPy's answers, for tests/tests/numpy.rs and, by namespace, tests/tests/namespace.

    python tests/numpy/generate.py OUT

writes OUT/cases.json: a list of {op, attrs, inputs, expect}, arrays as {dtype, shape, data} with the bytes in hex.
"""

import json
import os
import sys
import warnings

import numpy as np
import scipy.special

import namespace

warnings.simplefilter("ignore")
np.seterr(all="ignore")
RNG = np.random.default_rng(5)

BOOL = ["bool"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]


def values(dtype, n=24):
    """Special values first, then random ones."""
    d = np.dtype(dtype)
    if d.kind == "b":
        return np.array([False, True, True, False, True])
    if d.kind in "iu":
        i = np.iinfo(d)
        special = [0, 1, 2, 3, 7, i.max, i.max - 1, i.min, i.min + 1] + ([-1, -2, -3, -7] if d.kind == "i" else [])
        return np.concatenate([np.array(special, d), RNG.integers(0, 100, n // 2).astype(d)])
    if d.kind == "f":
        f = np.finfo(d)
        special = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -2.5, 1.5, np.inf, -np.inf, np.nan, f.max, f.tiny, f.eps,
                   1e-3, 10.0, 100.25]
        return np.concatenate([np.array(special, d), RNG.normal(0, 3, n).astype(d), RNG.uniform(-1, 1, n).astype(d)])
    re = RNG.normal(0, 2, n).astype(d)
    return re + 1j * RNG.normal(0, 2, n).astype(d)


def array(a):
    a = np.asarray(a)
    return {"dtype": a.dtype.name, "shape": list(a.shape), "data": np.ascontiguousarray(a).tobytes().hex()}


CASES = []


def case(op, function, inputs, attrs=None):
    try:
        expect = function(*inputs)
    except TypeError:
        return
    if np.asarray(expect).dtype.name == "float16":
        return
    CASES.append({"op": op, "attrs": attrs or {}, "inputs": [array(x) for x in inputs], "expect": array(expect)})


UNARY = {
    "positive negative sign square reciprocal": INTS + FLOATS + COMPLEX,
    "absolute isnan isinf isfinite": BOOL + INTS + FLOATS + COMPLEX,
    "sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh":
        ["int16", "int32", "uint64"] + FLOATS + COMPLEX,
    "cbrt degrees radians": ["int32"] + FLOATS,
    "floor ceil trunc": INTS + FLOATS,
    "rint": FLOATS + COMPLEX,
    "signbit": FLOATS,
    "conjugate": INTS + FLOATS + COMPLEX,
    "logical_not": BOOL + INTS + FLOATS + COMPLEX,
    "invert": BOOL + INTS,
}
BINARY = {
    "add multiply": BOOL + INTS + FLOATS + COMPLEX,
    "subtract": INTS + FLOATS + COMPLEX,
    "divide": BOOL + INTS + FLOATS + COMPLEX,
    "floor_divide remainder fmod": BOOL + INTS + FLOATS,
    "maximum minimum fmax fmin": BOOL + INTS + FLOATS,
    "hypot arctan2 copysign nextafter logaddexp logaddexp2 heaviside": ["int32"] + FLOATS,
    "equal not_equal less less_equal greater greater_equal": BOOL + INTS + FLOATS + COMPLEX,
    "logical_and logical_or logical_xor": BOOL + INTS + FLOATS,
    "bitwise_and bitwise_or bitwise_xor": BOOL + INTS,
    "left_shift right_shift gcd lcm": INTS,
}


def elementwise():
    for names, dtypes in UNARY.items():
        for name in names.split():
            for d in dtypes:
                case(name, getattr(np, name), [values(d)])
    for name, f in {"erf": scipy.special.erf, "erfc": scipy.special.erfc}.items():
        for d in FLOATS:
            case(name, f, [values(d)])
    for d in FLOATS:
        case("frexp_mantissa", lambda x: np.frexp(x)[0], [values(d)])
        case("frexp_exponent", lambda x: np.frexp(x)[1], [values(d)])
        case("ldexp", np.ldexp, [values(d)[:, None], np.array([-1100, -1030, -60, -1, 0, 1, 9, 130, 1030, 2100], np.int32)])
    for d in FLOATS + COMPLEX:
        case("real", np.real, [values(d)])
        case("imag", np.imag, [values(d)])
        case("angle", np.angle, [values(d)])
        case("arithmetic_fence", np.positive, [values(d)])
    for names, dtypes in BINARY.items():
        for name in names.split():
            for d in dtypes:
                v = values(d)
                case(name, getattr(np, name), [v[:, None], v[None, :]])
    for a, b in [("int8", "uint8"), ("int32", "float32"), ("uint64", "int64"), ("float32", "float64"), ("bool", "int16"),
                 ("float64", "complex64"), ("uint8", "float32"), ("int64", "complex64")]:
        for name in ["add", "multiply", "maximum", "divide"]:
            if a.startswith("complex") or b.startswith("complex"):
                if name == "maximum":
                    continue
            x, y = (v[np.isfinite(v)] if v.dtype.kind in "fc" else v for v in (values(a), values(b)))
            case(name, getattr(np, name), [x[:, None], y[None, :]])
    for a, b in [("uint64", "int64"), ("int8", "uint64"), ("uint64", "int32")]:
        for name in "equal not_equal less less_equal greater greater_equal".split():
            case(name, getattr(np, name), [values(a)[:, None], values(b)[None, :]])
    for d in FLOATS:
        case("power", np.power, [values(d)[:, None], values(d)[None, :]])
    for d in INTS:
        case("power", np.power, [values(d)[:, None], np.arange(0, 9, dtype=d)[None, :]])
    for d in BOOL + INTS + FLOATS + COMPLEX:
        v = values(d)
        case("where", np.where, [RNG.random(len(v)) < 0.5, v, v[::-1]])
    for d in INTS + FLOATS:
        v = values(d)
        case("clip", lambda x, lo, hi: np.minimum(np.maximum(x, lo), hi), [v, v[3:4], v[7:8]])
    for a in BOOL + INTS + FLOATS + COMPLEX:
        for b in BOOL + INTS + FLOATS + COMPLEX:
            v = values(a)
            if v.dtype.kind in "fc" and np.dtype(b).kind in "iu":
                v = v[np.isfinite(v) & (np.abs(v) < 100) & (v.real >= 0)]
            case("cast", lambda x: x.astype(b), [v], {"dtype": b})


SHAPES = [((7,), (0,)), ((1,), (0,)), ((5, 6), (0,)), ((5, 6), (1,)), ((5, 6), (0, 1)), ((3, 4, 5), (1,)),
          ((3, 4, 5), (0, 2)), ((3, 4, 5), (0, 1, 2)), ((2, 300), (1,)), ((300, 20), (0,)), ((40000,), (0,)),
          ((300, 400), (0, 1)), ((9000, 33), (0,)), ((4, 1, 6), (1,)), ((70000, 3), (0,))]


def sample(dtype, shape):
    d = np.dtype(dtype)
    if d.kind == "b":
        return RNG.random(shape) < 0.7
    if d.kind in "iu":
        return RNG.integers(0, 50, shape).astype(d)
    x = RNG.normal(1, 2, shape)
    return (x + (1j * RNG.normal(0, 1, shape) if d.kind == "c" else 0)).astype(d)


def reductions():
    for shape, axes in SHAPES:
        for keep in [False, True]:
            attrs = {"axes": list(axes), "keepdims": keep}
            for d in ["bool", "int8", "int64", "uint32", "float32", "float64", "complex128"]:
                x = sample(d, shape)
                names = ["sum", "any", "all", "count_nonzero", "mean"]
                if d != "complex128":
                    names += ["min", "max"]
                if np.prod(shape) < 100:
                    names.append("prod")
                for name in names:
                    f = {"count_nonzero": np.count_nonzero}.get(name, getattr(np, name))
                    case(name, lambda v: f(v, axis=axes, keepdims=keep), [x], attrs)
                if len(axes) == 1 and d != "complex128":
                    for name in ["argmin", "argmax"]:
                        case(name, lambda v: getattr(np, name)(v, axis=axes[0], keepdims=keep), [x], attrs)
            x = sample("float64", shape)
            x.flat[:: 7] = np.nan
            for name in ["sum", "min", "max", "nansum", "nanmin", "nanmax", "nanmean"]:
                case(name, lambda v: getattr(np, name)(v, axis=axes, keepdims=keep), [x], attrs)
            y = sample("float64", shape)
            for ddof in [0, 1]:
                more = attrs | {"ddof": ddof}
                case("var", lambda v: np.var(v, axis=axes, keepdims=keep, ddof=ddof), [y], more)
                case("std", lambda v: np.std(v, axis=axes, keepdims=keep, ddof=ddof), [y], more)
            case("logsumexp", lambda v: scipy.special.logsumexp(v, axis=axes, keepdims=keep), [y], attrs)
    for shape in [(0, 3), (3, 0)]:
        for axis in [0, 1]:
            x = np.zeros(shape)
            for name in ["sum", "prod", "any", "all"]:
                case(name, lambda v: getattr(np, name)(v, axis=axis), [x], {"axes": [axis], "keepdims": False})


def others():
    for d in ["int32", "float64", "complex128"]:
        for shape, axis in [((9,), 0), ((4, 5), 0), ((4, 5), 1), ((3, 4, 5), 1)]:
            x = sample(d, shape)
            case("cumsum", lambda v: np.cumsum(v, axis=axis), [x], {"axis": axis})
            case("cumprod", lambda v: np.cumprod(v / 4 if d != "int32" else v, axis=axis), [x / 4 if d != "int32" else x],
                 {"axis": axis}) if d == "int32" else None
            if d != "complex128":
                case("cummax", lambda v: np.maximum.accumulate(v, axis=axis), [x], {"axis": axis})
                case("cummin", lambda v: np.minimum.accumulate(v, axis=axis), [x], {"axis": axis})
            case("sort", lambda v: np.sort(v, axis=axis), [x], {"axis": axis})
            case("argsort", lambda v: np.argsort(v, axis=axis, kind="stable"), [x], {"axis": axis})
            case("concatenate", lambda a, b: np.concatenate([a, b], axis=axis), [x, x[::-1].copy()], {"axis": axis})
            case("stack", lambda a, b: np.stack([a, b], axis=axis), [x, x + 1], {"axis": axis})
            idx = np.array([[2, -1], [0, 1]])
            case("take", lambda v, i: np.take(v, i, axis=axis), [x, idx], {"axis": axis})
        for m, k, n in [(3, 4, 5), (1, 1, 1), (33, 65, 17), (0, 3, 2), (2, 0, 3)]:
            case("matmul", np.matmul, [sample(d, (m, k)), sample(d, (k, n))])
        case("matmul", np.matmul, [sample(d, (4, 1, 3, 5)), sample(d, (2, 5, 6))])
        x = sample(d, (4, 6))
        case("transpose", np.transpose, [x], {"perm": [1, 0]})
        for k in [-2, 0, 1]:
            case("triu", lambda v: np.triu(v, k), [x], {"offset": k})
            case("tril", lambda v: np.tril(v, k), [x], {"offset": k})
            case("diagonal", lambda v: np.diagonal(v, k), [x], {"offset": k, "axis": 0, "axis2": 1})
            case("trace", lambda v: np.trace(v, k), [x], {"offset": k, "axis": 0, "axis2": 1})
    a = RNG.normal(0, 1, (6, 6)) + 6 * np.eye(6)
    spd = a @ a.T
    case("inv", np.linalg.inv, [a])
    case("det", np.linalg.det, [a])
    case("cholesky", np.linalg.cholesky, [spd])
    case("solve", np.linalg.solve, [a, RNG.normal(0, 1, (6, 2))])
    case("svdvals", lambda v: np.linalg.svd(v, compute_uv=False), [a[:4]])
    case("eigvalsh", np.linalg.eigvalsh, [spd], {"lower": True})
    for n in [1, 2, 7, 12, 64]:
        z = sample("complex128", (3, n))
        case("fft", np.fft.fft, [z], {"axis": 1, "n": n, "scale": 1.0})
        case("ifft", np.fft.ifft, [z], {"axis": 1, "n": n, "scale": 1.0 / n})
        case("rfft", np.fft.rfft, [z.real.copy()], {"axis": 1, "n": n, "scale": 1.0})
        case("irfft", lambda v: np.fft.irfft(v, n), [np.fft.rfft(z.real)], {"axis": 1, "n": n, "scale": 1.0 / n})


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    elementwise()
    reductions()
    others()
    with open(os.path.join(out, "cases.json"), "w") as f:
        json.dump(CASES, f)
    print(f"{len(CASES)} cases from NumPy {np.__version__}")
    namespace.write(out)


main()
