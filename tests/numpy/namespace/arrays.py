"""Shapes, indexing, creation, order."""

import numpy as np

from .case import DTYPES, FLOATS, RNG, Input, add, bad, bare, data, function, special


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
    add("append", m, data("float32", 2, 6), axis=0)
    add("append", m, data("float32", 2, 2))
    for shape in [(2, 3), (7, 5), (0, 2), (24,)]:
        add("resize", m, new_shape=shape)
    add("resize", np.zeros((0, 2), "int32"), new_shape=(2, 2))
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
        if d != "complex128":
            add("lexsort", data(d, 12), data("int8", 12), data("bool", 12), list_=True)
            add("lexsort", data(d, 3, 8), data("bool", 3, 8), list_=True)
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


GROUPS = [shapes, pads, indices, creation, order]
