"""Cases for the NumPy namespace, for tests/tests/namespace.

    write(OUT)

writes OUT/namespace.json: a list of {f, inputs, args, tol, expect or error}. `f` is NumPy's name and `args` NumPy's
keyword arguments; `expect` holds NumPy's results, `error` a part of its message.
"""

import json
import os

import numpy as np
import scipy.linalg

RNG = np.random.default_rng(11)
CASES = []
DTYPES = ["bool", "int8", "int32", "int64", "uint8", "uint64", "float32", "float64", "complex64", "complex128"]
REAL = ["bool", "int8", "int64", "uint32", "float32", "float64"]
NUMBERS = ["int16", "int64", "float32", "float64", "complex128"]
FLOATS = ["float32", "float64"]


def array(a):
    a = np.asarray(a)
    return {"dtype": a.dtype.name, "shape": list(a.shape), "data": np.ascontiguousarray(a).tobytes().hex()}


def data(dtype, *shape):
    """Small numbers, so that sums and products of integers do not depend on more than wrap-around."""
    d = np.dtype(dtype)
    if d.kind == "b":
        return RNG.random(shape) < 0.6
    if d.kind in "iu":
        return RNG.integers(0 if d.kind == "u" else -9, 10, shape).astype(d)
    x = RNG.normal(0.5, 2, shape)
    return (x + (1j * RNG.normal(0, 1, shape) if d.kind == "c" else 0)).astype(d)


def special(dtype, *shape):
    """With NaN, infinities and zeros of both signs."""
    x = data(dtype, *shape)
    flat = x.reshape(-1)
    for k, v in enumerate([np.nan, np.inf, -np.inf, -0.0, 0.0]):
        flat[k * 3 + 1 :: 17] = v
    return x


class Input:
    """An array given by keyword."""

    def __init__(self, a):
        self.a = np.asarray(a)


def plain(v, inputs):
    """An argument as JSON; arrays become further inputs."""
    if isinstance(v, Input):
        inputs.append(v.a)
        return {"input": len(inputs) - 1}
    if isinstance(v, np.ndarray):
        return plain(Input(v), inputs)
    if isinstance(v, slice):
        return {"slice": [v.start, v.stop, v.step]}
    if v is Ellipsis:
        return "..."
    if isinstance(v, (list, tuple)):
        return [plain(x, inputs) for x in v]
    if isinstance(v, float) and not np.isfinite(v):
        return str(v)
    if isinstance(v, type) or isinstance(v, np.dtype):
        return np.dtype(v).name
    return v


def bare(v):
    return v.a if isinstance(v, Input) else v


def function(name):
    f = np
    for part in name.split("."):
        f = getattr(f, part)
    return f


def add(f, *inputs, np_=None, list_=False, tol=None, drop=(), **kw):
    """A case of `f`; `np_` is what NumPy calls it, `list_` passes the arrays as one list, `drop` hides arguments
    from NumPy."""
    call = np_ or function(f)
    given = {k: bare(v) for k, v in kw.items() if k not in drop}
    args = (list(inputs),) if list_ else inputs
    expect = call(*args, **given)
    if not isinstance(expect, (tuple, list)):
        expect = (expect,)
    expect = [np.asarray(e) for e in expect]
    if any(e.dtype.name == "float16" for e in expect):
        return
    store(f, inputs, kw, {"expect": [array(e) for e in expect]}, tol)


def store(f, inputs, kw, more, tol=None):
    inputs = list(inputs)
    args = {k: plain(v, inputs) for k, v in kw.items()}
    case = {"f": f, "args": args, "inputs": [array(x) for x in inputs]} | more
    if tol is not None:
        case["tol"] = tol
    CASES.append(case)


def bad(f, text, *inputs, np_=None, list_=False, **kw):
    """NumPy raises with a message that contains `text`."""
    call = np_ or function(f)
    try:
        call(*((list(inputs),) if list_ else inputs), **{k: bare(v) for k, v in kw.items()})
    except (ValueError, IndexError, TypeError, np.linalg.LinAlgError, OverflowError) as e:
        assert text in str(e), f"{f}: NumPy says {e}"
        store(f, inputs, kw, {"error": text})
        return
    raise AssertionError(f"{f} {kw} does not raise")


def shapes():
    for d in DTYPES:
        x = data(d, 2, 3, 4)
        add("reshape", x, shape=(4, 6))
        add("reshape", x, shape=(-1, 2), order="F")
        add("ravel", x)
        add("transpose", x)
        add("moveaxis", x, source=[0, 1], destination=[-1, 0])
        add("flip", x, axis=1)
        add("roll", x, shift=5)
        add("tile", x, reps=(2, 1, 2))
        add("repeat", x, repeats=3, axis=-1)
        add("diagonal", x, offset=1, axis1=1, axis2=2)
        add("triu", x, k=1)
        add("tril", x, k=-1)
        add("concatenate", x, x[::-1].copy(), list_=True, axis=1)
        add("stack", x, x, list_=True, axis=-1)
    x = data("float64", 2, 1, 3, 1)
    for axis in [0, 1, -1, 3]:
        for to in [0, 2, -1]:
            add("moveaxis", x, source=axis, destination=to)
            add("swapaxes", x, axis1=axis, axis2=to)
        for start in range(-4, 5):
            add("rollaxis", x, axis=axis, start=start)
    add("squeeze", x)
    add("squeeze", x, axis=1)
    add("squeeze", x, axis=(1, -1))
    add("expand_dims", x, axis=(0, 3))
    add("expand_dims", x, axis=-1)
    add("transpose", x, axes=(3, -2, 0, 1))
    add("matrix_transpose", x)
    for y in [np.float64(3), data("int64", 3), data("float32", 2, 3), x, np.zeros((0, 2))]:
        for name in ["atleast_1d", "atleast_2d", "atleast_3d", "ravel", "transpose", "squeeze", "flip"]:
            add(name, y)
        add("diagflat", y)
    y = data("float64", 4, 3, 2)
    add("fliplr", y)
    add("flipud", y)
    for k in range(-3, 5):
        add("rot90", y, k=k)
        add("rot90", y, k=k, axes=(2, 0))
    for shift, axis in [(1, 0), (-2, 1), (7, 2), ((1, 2), (0, 1)), (2, (0, 2)), ((1, 2), (0, 0)), (-13, None), (0, 1)]:
        add("roll", y, shift=shift, axis=axis)
    add("roll", np.zeros((0, 3)), shift=2, axis=0)
    add("concatenate", y, data("int8", 2, 5), list_=True, flat=True, np_=lambda a: np.concatenate(a, axis=None), drop=["flat"])
    add("concatenate", y, np.zeros((0, 3, 2), "int32"), list_=True, axis=0)
    for name, all in {
        "vstack": [data("int64", 3), data("float32", 2, 3)],
        "hstack": [data("int64", 3), data("uint8", 2)],
        "dstack": [data("int64", 3), data("float64", 1, 3)],
        "column_stack": [data("int64", 3), data("float64", 3, 2), data("bool", 3)],
    }.items():
        add(name, *all, list_=True)
    add("hstack", data("float64", 2, 3), data("float64", 2, 1), list_=True)
    add("dstack", y, y, list_=True)
    z = data("float64", 6, 4, 2)
    for axis, n in [(0, 3), (1, 2), (-1, 1)]:
        add("split", z, sections=n, axis=axis, np_=lambda x, sections, axis: np.split(x, sections, axis))
    for n in [1, 4, 5, 8]:
        add("array_split", z, sections=n, np_=lambda x, sections: np.array_split(x, sections))
    for at in [[2, 3], [0, 9], [-2], [3, 1], []]:
        add("split", z, sections=at, axis=0, np_=lambda x, sections, axis: np.split(x, sections, axis))
    for name in ["hsplit", "vsplit", "dsplit"]:
        add(name, z, sections=2, np_=lambda x, sections: function(name)(x, sections))
    add("unstack", z, axis=1)
    for reps in [2, (2,), (1, 2, 3), (2, 1, 1, 3), 0]:
        add("tile", y, reps=reps)
    add("tile", np.float64(2), reps=(2, 3))
    for n in [0, 1, 4]:
        add("repeat", y, repeats=n)
        add("repeat", y, repeats=n, axis=1)
    add("repeat", y, repeats=[1, 0, 2], axis=1)
    m = data("int64", 4, 6)
    for k in [-5, -1, 0, 2, 6]:
        add("diagonal", m, offset=k)
        add("diagonal", y, offset=k, axis1=2, axis2=0)
        add("trace", m, offset=k)
        add("trace", y, offset=k, axis1=-1, axis2=0)
        add("diag", m, k=k)
        add("diag", data("float32", 3), k=k)
        add("triu", m, k=k)
        add("tril", y, k=k)
        add("triu", data("float64", 3), k=k)
    add("delete", m, obj=[1, -1], axis=1)
    add("broadcast_to", data("float64", 3, 1), shape=(2, 3, 4))
    add("broadcast_arrays", data("float64", 3, 1), data("int8", 4), list_=True, np_=lambda a: np.broadcast_arrays(*a))
    for indexing in ["xy", "ij"]:
        add("meshgrid", data("float64", 3), data("int64", 4), indexing=indexing)
        add("meshgrid", data("float64", 3), data("int64", 4), data("bool", 2), indexing=indexing)
        add("meshgrid", data("float64", 3), indexing=indexing)
    add("ix_", np.array([2, 0]), np.array([1, 3, 0]))
    bad("reshape", "cannot reshape array of size 24 into shape (5,5)", y, shape=(5, 5))
    bad("reshape", "can only specify one unknown dimension", y, shape=(-1, -1))
    bad("transpose", "axes don't match array", y, axes=(0, 1))
    bad("swapaxes", "axis 3 is out of bounds for array of dimension 3", y, axis1=0, axis2=3,
        np_=lambda x, axis1, axis2: np.flip(x, axis2))
    bad("squeeze", "cannot select an axis to squeeze out which has size not equal to one", y, axis=0)
    bad("expand_dims", "axis 5 is out of bounds for array of dimension 4", y, axis=5)
    bad("flip", "axis 3 is out of bounds for array of dimension 3", y, axis=3)
    bad("rot90", "Axes must be different.", y, axes=(1, 1))
    bad("split", "array split does not result in an equal division", z, sections=4, axis=0,
        np_=lambda x, sections, axis: np.split(x, sections, axis))
    bad("concatenate", "all the input array dimensions except for the concatenation axis must match exactly", y, m[:, :2, None],
        list_=True, axis=2)
    bad("stack", "all input arrays must have the same shape", y, m, list_=True, axis=0)
    bad("broadcast_to", "could not be broadcast together", y, shape=(4, 3, 3))
    bad("diagonal", "diag requires an array of at least two dimensions", data("float64", 3))
    bad("hsplit", "hsplit only works on arrays of 1 or more dimensions", np.float64(1), sections=2,
        np_=lambda x, sections: np.hsplit(x, sections))


def pads():
    for d in ["bool", "int8", "int64", "uint8", "float32", "float64", "complex128"]:
        x = data(d, 3, 4)
        add("pad", x, pad_width=[(1, 2), (0, 3)])
        for mode in ["edge", "reflect", "symmetric", "wrap"]:
            for w in [[(1, 2), (0, 3)], [(5, 7), (9, 2)], [(0, 0), (4, 4)]]:
                add("pad", x, pad_width=w, mode=mode)
        if d == "bool":
            continue
        if d != "complex128":
            for mode in ["maximum", "minimum", "mean", "median"]:
                add("pad", x, pad_width=[(1, 2), (2, 3)], mode=mode)
                add("pad", x, pad_width=[(1, 2), (2, 3)], mode=mode, stat_length=2)
                add("pad", x, pad_width=[(0, 2), (0, 0)], mode=mode, stat_length=9)
        add("pad", x, pad_width=[(1, 2), (4, 3)], mode="linear_ramp")
        add("pad", x, pad_width=[(1, 2), (0, 3)], mode="linear_ramp", end_values=7)
        add("pad", x, pad_width=[(2, 1), (1, 1)], constant_values=3)
    add("pad", data("float64", 3), pad_width=[(2, 2)], constant_values=float("nan"))
    for mode in ["edge", "reflect", "symmetric", "wrap", "mean"]:
        add("pad", data("float64", 1), pad_width=[(3, 2)], mode=mode)
    add("pad", np.zeros((0, 2)), pad_width=[(1, 1), (0, 0)])
    bad("pad", "can't extend empty axis 0 using modes other than 'constant' or 'empty'", np.zeros((0, 2)),
        pad_width=[(1, 1), (0, 0)], mode="edge")
    bad("pad", "index can't contain negative values", np.zeros((2, 2)), pad_width=[(-1, 1), (0, 0)])


def getitem(x, index):
    return x[tuple(index)]


def setitem(x, index, value, update="set"):
    x = x.copy()
    index = tuple(bare(i) for i in index)
    if update == "set":
        x[index] = value
    elif any(isinstance(i, np.ndarray) and i.dtype == bool for i in index):
        x[index] = getattr(np, update)(x[index], value)
    else:
        getattr(np, update).at(x, index, value)
    return x


def index_case(name, x, index, **kw):
    f = {"getitem": getitem, "setitem": setitem}[name]
    add(name, x, index=[Input(i) if isinstance(i, np.ndarray) else i for i in index],
        np_=lambda x, index, **kw: f(x, [bare(i) for i in index], **kw), **kw)


def indices():
    s = slice
    x = data("float64", 4, 5, 6)
    i, j = np.array([2, -1, 0]), np.array([[1], [3]])
    basic = [
        [1], [-1, 2], [s(1, 3)], [s(None, None, -1), 0], [..., 2], [None, s(None), None, 3], [s(5, 1, -2), ..., s(-2, None)],
        [s(3, 1)], [s(-100, 100)], [0, 1, 2], [...], [s(None), None, ..., None], [s(None, None, 3), s(4, None, -3), s(1, -1, 2)],
    ]
    advanced = [
        [i], [s(None), i], [i, i], [i, j], [s(None), i, i], [i, s(None), i], [i, s(1, 4), 2], [0, s(None), i],
        [s(None), 0, i], [0, i], [..., i, j], [None, i, None, j], [j, s(None, None, -1)], [i, None, i], [s(None), j, 1],
        [[3, 1, 1]], [s(None), [0, -1]], [s(1, 3), j, s(None, None, 2)], [np.abs(i).astype("uint8")], [np.zeros((0,), "int64")],
        [np.zeros((2, 0), "int64"), s(None), 1],
    ]
    for d in ["float64", "int8", "bool", "complex64"]:
        y = data(d, 4, 5, 6)
        for index in (basic + advanced if d == "float64" else basic[:6] + advanced[:10]):
            index_case("getitem", y, index)
    for index in basic + advanced:
        part = getitem(x, index)
        index_case("setitem", x, index, value=7.5)
        if part.size and len(np.unique(np.arange(x.size).reshape(x.shape)[tuple(index)])) == part.size:
            index_case("setitem", x, index, value=Input(data("float64", *part.shape)))
            index_case("setitem", x, index, value=Input(data("int32", *part.shape[-1:])))
        for update in ["add", "multiply", "minimum", "maximum"]:
            index_case("setitem", x, index, value=2, update=update)
    index_case("setitem", data("int64", 5), [np.array([1, 1, 3, 1])], value=Input(np.array([1, 2, 3, 4])), update="add")
    index_case("setitem", data("float32", 3, 4), [s(None), 1], value=Input(data("float64", 1, 1, 3)))
    for d in ["int64", "float32", "complex128"]:
        y = data(d, 4, 5)
        m = data("bool", 4, 5)
        index_case("setitem", y, [m], value=3)
        index_case("setitem", y, [m[:, 0].copy()], value=Input(data(d, 5)))
        index_case("setitem", y, [m[:, 0].copy()], value=Input(data(d, 1, 5)))
        index_case("setitem", y, [s(None), m[0].copy()], value=2)
        index_case("setitem", y, [..., m[0].copy()], value=2, update="add")
        index_case("setitem", y, [m[:, 1].copy(), s(1, 3)], value=Input(data(d, 2)))
        index_case("setitem", y, [s(0, 2), m[0].copy()], value=Input(data(d, 2, 1)))
    out = lambda x, index: getitem(x, [bare(k) for k in index])
    bad("getitem", "index 4 is out of bounds for axis 0 with size 4", x, index=[4], np_=out)
    bad("getitem", "too many indices for array: array is 3-dimensional, but 4 were indexed", x, index=[0, 0, 0, 0], np_=out)
    bad("getitem", "an index can only have a single ellipsis ('...')", x, index=[..., ...], np_=out)
    bad("getitem", "slice step cannot be zero", x, index=[s(None, None, 0)], np_=out)
    bad("getitem", "arrays used as indices must be of integer (or boolean) type", x, index=[Input(np.array([1.0]))], np_=out)
    bad("getitem", "is out of bounds", x, index=[Input(np.array([1, 7]))], np_=out)
    for d in ["int32", "float64", "bool"]:
        y = data(d, 3, 4)
        for axis in [0, 1, -1, None]:
            n = 12 if axis is None else y.shape[axis]
            add("take", y, RNG.integers(-n, n, (2, 3)), axis=axis)
            for mode in ["wrap", "clip"]:
                add("take", y, RNG.integers(-30, 30, (5,)), axis=axis, mode=mode)
        for axis in [0, 1]:
            at = np.argsort(y, axis=axis, kind="stable")
            add("take_along_axis", y, at, axis=axis)
            add("put_along_axis", y, at, values=Input(data(d, 3, 4)), axis=axis, np_=put_along)
            add("put_along_axis", y, at[:1].copy() if axis == 0 else at[:, :1].copy(), values=1, axis=axis, np_=put_along)
    add("take_along_axis", data("float64", 3, 4), np.array([[1, 2]]), axis=1)
    bad("take", "axis 2 is out of bounds for array of dimension 2", y, np.array([0]), axis=2)
    bad("take_along_axis", "`indices` and `arr` must have the same number of dimensions", y, np.array([0]), axis=0)
    at = RNG.integers(0, 3, (4, 5))
    choices = [data("int64", 4, 5), data("float64", 5), np.float64(2.5)]
    add("choose", at, *choices, np_=lambda a, *c: np.choose(a, c))
    for mode in ["wrap", "clip"]:
        add("choose", at * 5 - 6, *choices, mode=mode, np_=lambda a, *c, mode: np.choose(a, c, mode=mode))
    add("select", data("bool", 4), data("bool", 4), data("int64", 4), data("float64", 4), default=-1,
        np_=lambda a, b, c, d, default: np.select([a, b], [c, d], default))
    add("select", data("bool", 3, 1), data("float32", 4), default=0, np_=lambda a, c, default: np.select([a], [c], default))
    add("copyto", data("float64", 3, 4), data("int64", 4), data("bool", 3, 1), np_=copyto)
    add("where", data("bool", 3, 1), x=Input(data("float32", 4)), y=2.5, np_=lambda c, x, y: np.where(c, x, y))


def put_along(x, at, values, axis):
    x = x.copy()
    np.put_along_axis(x, at, values, axis)
    return x


def copyto(x, v, where):
    x = x.copy()
    np.copyto(x, v, where=where)
    return x


def creation():
    for d in ["bool", "int8", "int64", "float32", "complex128"]:
        add("zeros", shape=(2, 3), dtype=d)
        add("ones", shape=(0, 3), dtype=d)
        add("full", shape=(2,), fill_value=3, dtype=d)
        for n, m, k in [(3, 3, 0), (3, 5, 1), (4, 2, -1), (0, 2, 0)]:
            add("eye", N=n, M=m, k=k, dtype=d)
            add("tri", N=n, M=m, k=k, dtype=d)
    add("full", shape=(2, 2), fill_value=Input(data("float32", 2)))
    add("full_like", data("int8", 2, 3), fill_value=7)
    for start, stop, step in [(0, 5, 1), (2, 11, 3), (7, -3, -2), (3, 3, 1), (5, 2, 1)]:
        add("arange", start=start, stop=stop, step=step)
        add("arange", start=start, stop=stop, step=step, dtype="float32")
    for start, stop, step in [(0.0, 1.0, 0.1), (1.5, -2.0, -0.25), (0.0, -1.0, 0.5), (1.0, 2.0, 0.3)]:
        add("arange", start=start, stop=stop, step=step)
    for num in [0, 1, 2, 7, 50]:
        for endpoint in [True, False]:
            add("linspace", start=-1.5, stop=4.0, num=num, endpoint=endpoint)
            add("linspace", start=2, stop=2, num=num, endpoint=endpoint)
            add("logspace", start=-1.0, stop=2.0, num=num, endpoint=endpoint)
            add("logspace", start=0.0, stop=3.0, num=num, endpoint=endpoint, base=2.0)
            add("geomspace", start=1.0, stop=1000.0, num=num, endpoint=endpoint)
            add("geomspace", start=-2.0, stop=-0.1, num=num, endpoint=endpoint)
    add("linspace", start=Input(data("float32", 3)), stop=Input(data("float32", 2, 1)), num=5)
    add("linspace", start=Input(data("int64", 3)), stop=10, num=5)
    add("linspace", start=0, stop=Input(data("complex128", 2)), num=4)
    bad("geomspace", "Geometric sequence cannot include zero", start=0.0, stop=1.0, num=3)
    for dims in [(2, 3), (3,), (2, 0)]:
        add("indices", dimensions=dims)
    for d in ["int8", "int64", "float32", "float64", "complex128", "bool"]:
        add("vander", data(d, 4))
        add("vander", data(d, 4), N=3, increasing=True)
        add("vander", data(d, 3), N=0)
    bad("vander", "x must be a one-dimensional array or sequence.", data("float64", 2, 2))
    for m in [0, 1, 2, 3, 8, 31]:
        for name in ["hanning", "hamming", "blackman", "bartlett"]:
            add(name, M=m)
        for beta in [0.0, 3.5, 14.0]:
            add("kaiser", M=m, beta=beta)
    for n in [1, 2, 5, 8]:
        for d in [1.0, 0.25]:
            add("fft.fftfreq", n=n, d=d)
            add("fft.rfftfreq", n=n, d=d)


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


def order():
    for d in ["bool", "int8", "uint64", "float32", "float64", "complex128"]:
        x = special(d, 6, 7) if d[0] == "f" else data(d, 6, 7)
        for axis in [0, 1, -1]:
            add("sort", x, axis=axis)
            add("argsort", x, axis=axis, np_=lambda x, axis: np.argsort(x, axis=axis, kind="stable"))
        add("sort", x, flat=True, np_=lambda x, flat: np.sort(x, axis=None))
        add("argsort", x, flat=True, np_=lambda x, flat: np.argsort(x, axis=None, kind="stable"))
        if d != "complex128":
            s = np.sort(data(d, 20))
            for side in ["left", "right"]:
                add("searchsorted", s, data(d, 3, 4), side=side)
            for right in [False, True]:
                add("digitize", data(d, 3, 4), np.unique(s), right=right)
                add("digitize", data(d, 3, 4), np.unique(s)[::-1].copy(), right=right)
            y = data(d, 5, 9)
            add("topk", y, k=3, axis=1, np_=topk)
            add("argsort_descending", y, axis=0, np_=descending)
        for invert in [False, True]:
            add("isin", data(d, 4, 5), data(d, 3), invert=invert)
    add("isin", data("int64", 4), np.zeros((0,), "int64"))
    add("isin", special("float64", 20), np.array([np.nan, 0.0, np.inf]))
    add("isin", data("int8", 10), data("float64", 3).round())
    add("searchsorted", np.array([1, 2, 3]), np.array([1.5, 3.0, np.nan]))
    add("searchsorted", np.array([]), data("float64", 3))
    add("sort", np.zeros((0, 3)), axis=0)


def descending(x, axis):
    at = np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)
    return x.shape[axis] - 1 - at


def topk(x, k, axis):
    at = np.take(descending(x, axis), np.arange(k), axis=axis)
    return np.take_along_axis(x, at, axis), at


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


def write(out):
    for group in [shapes, pads, indices, creation, elementwise, reductions, quantiles, products, einsums, linalg, transforms,
                  order, statistics]:
        group()
    with open(os.path.join(out, "namespace.json"), "w") as f:
        json.dump(CASES, f)
    print(f"{len(CASES)} cases of {len({c['f'] for c in CASES})} functions")
