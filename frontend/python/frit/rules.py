"""The one table from NumPy's functions to the namespace of the compiled half, with NumPy's signatures."""

from __future__ import annotations

import inspect
import operator

import numpy as np

from .errors import Break
from .storage import order_of
from .tracer import Tracer, constant, holds_tracer, operand, parse
from .trace import current

#: NumPy's own, also while `numpy` is patched.
_asarray, _arange, _full = np.asarray, np.arange, np.full

#: NumPy function -> rule.
RULES: dict = {}


def rule(*functions):
    def add(f):
        for g in functions:
            RULES[g] = f
        return f

    return add


# Ufuncs.

#: Ufuncs that are ops of the same name, and those with another.
_SAME = """add subtract multiply divide floor_divide remainder fmod power negative positive absolute sign square
reciprocal sqrt cbrt hypot maximum minimum fmax fmin exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan
arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh degrees radians floor ceil trunc rint copysign nextafter
heaviside ldexp conjugate isnan isinf isfinite signbit equal not_equal less less_equal greater greater_equal logical_not
logical_and logical_or logical_xor invert bitwise_and bitwise_or bitwise_xor left_shift right_shift gcd lcm""".split()
UFUNCS = {getattr(np, name): name for name in _SAME}
UFUNCS.update({np.rad2deg: "degrees", np.deg2rad: "radians"})
REDUCE = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min", np.logical_and: "all", np.logical_or: "any"}
ACCUMULATE = {np.add: "cumsum", np.multiply: "cumprod", np.maximum: "cummax", np.minimum: "cummin"}
AT = {np.add: "add", np.multiply: "multiply", np.maximum: "maximum", np.minimum: "minimum"}


def tracers(xs):
    """All tracers in nested lists, tuples and dicts."""
    for x in xs:
        if type(x) is Tracer:
            yield x
        elif type(x) in (list, tuple):
            yield from tracers(x)
        elif type(x) is dict:
            yield from tracers(x.values())


def concrete(x):
    """The same with tracers of known elements replaced by them."""
    if type(x) is Tracer:
        a = x.known()
        return a[()] if x._scalar else a
    if type(x) in (list, tuple):
        return type(x)(concrete(y) for y in x)
    if type(x) is dict:
        return {k: concrete(v) for k, v in x.items()}
    return x


def abstract(trace, r):
    """NumPy's results as arrays of the trace; scalars stay as they are."""
    if isinstance(r, np.ndarray) and type(r) is np.ndarray:
        return trace.known(r.copy() if r.base is not None else r)
    if type(r) in (list, tuple):
        return type(r)(abstract(trace, x) for x in r)
    return r


def folded(trace, f, args, kwargs):
    """Runs NumPy on elements that are known."""
    try:
        return abstract(trace, f(*concrete(list(args)), **concrete(kwargs)))
    except Break:
        raise
    except Exception as e:
        raise Break(str(e), error=True) from None


def ufunc_call(ufunc, method, inputs, kwargs):
    trace = current()
    if trace is None:
        raise RuntimeError("a traced array was used after its function had returned")
    kwargs = {k: v for k, v in kwargs.items() if v is not None}
    out = kwargs.pop("out", None)
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if out is None and method != "at" and all(t.known() is not None for t in tracers((inputs, kwargs))):
        return folded(trace, getattr(ufunc, method), inputs, kwargs)
    if isinstance(out, tuple) and any(o is not None for o in out):
        raise Break(f"numpy.{ufunc.__name__} with several outputs given")
    if out is not None and not isinstance(out, tuple) and type(out) is not Tracer:
        raise Break(f"numpy.{ufunc.__name__} with an output array that is not traced")
    if method == "reduce" or method == "accumulate":
        table = REDUCE if method == "reduce" else ACCUMULATE
        if ufunc not in table:
            raise Break(f"numpy.{ufunc.__name__}.{method} has no rule")
        x, rest = inputs[0], inputs[1:]
        axis = rest[0] if rest else kwargs.pop("axis", 0)
        if method == "accumulate":
            return store(out, cumulative(table[ufunc], x, axis, kwargs.pop("dtype", None), **kwargs))
        return reduction(table[ufunc], x, axis, out=out, **kwargs)
    if method == "outer" and ufunc in UFUNCS:
        none_but(kwargs)
        r = trace.call("outer_op", UFUNCS[ufunc], array(inputs[0]).node, array(inputs[1]).node)
        return store(out, trace.fresh(r))
    if method == "at" and ufunc in AT:
        x, index, v = inputs[0], inputs[1], inputs[2] if len(inputs) > 2 else None
        if type(x) is not Tracer:
            raise Break("ufunc.at on an array that is not traced")
        parts, _ = parse(x, index)
        index = tuple(p.node if type(p) is Tracer else p for p in parts)
        x._assign(trace.call("setitem", x.node, index, x._cast(v), AT[ufunc]))
        return None
    if method != "__call__":
        raise Break(f"numpy.{ufunc.__name__}.{method} has no rule")
    where = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    casting = kwargs.pop("casting", "same_kind")
    none_but(kwargs, order="K", subok=True)
    if dtype is not None:
        if np.dtype(dtype).kind not in "fc":
            raise Break(f"numpy.{ufunc.__name__} with dtype={dtype}")
        inputs = tuple(x.astype(dtype) if type(x) is Tracer else np.dtype(dtype).type(x) if np.ndim(x) == 0 else x for x in inputs)
    r = elementwise(trace, ufunc, inputs)
    if where is not True:
        if out is None:
            raise Break("where= without out=: the other elements are not defined")
        r = trace.fresh(trace.call("elementwise", "where", (array(where).node, r.node, out.node)))
        if r.shape != out.shape:
            raise Break("where= broadcasts the result", error=True)
    if out is not None and not isinstance(out, tuple):
        if not np.can_cast(r.dtype, out.dtype, casting):
            raise Break(f"Cannot cast ufunc '{ufunc.__name__}' output from {r.dtype!r} to {out.dtype!r} with casting rule '{casting}'", error=True)
        if r.shape != out.shape:
            if r.ndim > out.ndim or np.broadcast_shapes(r.shape, out.shape) != out.shape:
                raise Break("non-broadcastable output operand", error=True)
        return store(out, r)
    return r


def elementwise(trace, ufunc, inputs):
    if ufunc is np.matmul:
        return trace.fresh(trace.call("matmul", array(inputs[0]).node, array(inputs[1]).node))
    several = {np.divmod: "divmod", np.modf: "modf", np.frexp: "frexp"}
    scalar = all(not t.ndim for t in tracers(inputs)) and all(np.ndim(x) == 0 for x in inputs if type(x) is not Tracer)
    shadows = [x._a for x in inputs if type(x) is Tracer and x.ndim] + [x for x in inputs if isinstance(x, np.ndarray) and type(x) is not Tracer]
    operands = [operand(trace, x) for x in inputs]
    if ufunc in several:
        return tuple(trace.fresh(n, scalar=scalar) for n in trace.call(several[ufunc], *operands))
    if ufunc is np.float_power:
        node = trace.call("float_power", *operands)
    elif ufunc is np.fabs:
        x = array(inputs[0])
        if x.dtype.kind not in "f":
            x = x.astype(np.float64)
        node = trace.call("elementwise", "absolute", (x.node,))
    elif ufunc in UFUNCS:
        node = trace.call("elementwise", UFUNCS[ufunc], operands)
    else:
        raise Break(f"numpy.{ufunc.__name__} has no rule")
    shape = trace.type(node)[1]
    return trace.fresh(node, axes=order_of(shadows, len(shape)), scalar=scalar)


def store(out, r):
    if out is None or isinstance(out, tuple):
        return r
    if type(out) is not Tracer:
        raise Break("an output array that is not traced")
    out._write(r)
    return out


def none_but(kwargs, **defaults):
    """Refuses arguments other than NumPy's defaults."""
    for k, v in kwargs.items():
        if k in defaults and (v is defaults[k] or v == defaults[k]):
            continue
        if k in ("initial", "where") and v is np._NoValue:
            continue
        raise Break(f"the argument {k}={v!r} has no rule")


def function_call(func, args, kwargs):
    trace = current()
    if trace is None:
        raise RuntimeError("a traced array was used after its function had returned")
    name = f"{getattr(func, '__module__', 'numpy')}.{func.__name__}"
    if kwargs.get("out") is None and func not in MUTATE and all(t.known() is not None for t in tracers((args, kwargs))) and func not in VIEWS:
        return folded(trace, func, args, kwargs)
    f = RULES.get(func)
    if f is None:
        raise Break(f"{name} has no rule")
    try:
        bound = inspect.signature(f).bind(*args, **kwargs)
    except TypeError:
        raise Break(f"{name} with these arguments has no rule", error=True) from None
    try:
        return f(*bound.args, **bound.kwargs)
    except (AttributeError, TypeError, ValueError, IndexError, OverflowError, KeyError) as e:
        raise Break(f"{name}: {e}", error=True) from None


# Arguments.


def array(x):
    """An operand as an array of the trace."""
    trace = current()
    if type(x) is Tracer:
        return x
    if type(x) is np.ndarray:
        return trace.fresh(trace.capture(x), scalar=False)
    if holds_tracer(x):
        return nested(x)
    a = _asarray(x)
    r = trace.known(a)
    if type(r) is not Tracer:
        raise Break(f"an array of type {a.dtype}")
    return r


def nested(x, dtype=None):
    """`np.array` of nested sequences with tracers."""
    trace = current()

    def leaves(y):
        return [z for w in y for z in leaves(w)] if type(y) in (list, tuple) else [y]

    if dtype is None:
        dtype = np.result_type(*[y.dtype if type(y) is Tracer else np.min_scalar_type(y) if isinstance(y, str) else np.dtype(type(y)) if isinstance(y, (bool, int, float, complex)) and not isinstance(y, np.generic) else y.dtype for y in leaves(x)])

    def node(y):
        if type(y) in (list, tuple):
            return trace.call("stack", [node(z) for z in y], 0)
        return trace.call("cast", array(y).node, np.dtype(dtype).name)

    return trace.fresh(node(x), scalar=False)


def axes_of(axis):
    if axis is None:
        return None
    if isinstance(axis, (tuple, list)):
        return [operator.index(a) for a in axis]
    return [operator.index(axis)]


def name_of(dtype):
    return None if dtype is None else np.dtype(dtype).name


def result(node, like=None, scalar=None):
    return current().fresh(node, scalar=scalar, vague=like is not None and not like._a.flags.c_contiguous)


def given(x):
    return x is not None and x is not np._NoValue


# Reductions.


def reduction(op, a, axis=None, dtype=None, out=None, keepdims=False, initial=np._NoValue, where=True, ddof=0, correction=np._NoValue, mean=np._NoValue, **more):
    none_but(more)
    if given(mean):
        raise Break("mean= has no rule")
    a, trace = array(a), current()
    if correction is not np._NoValue:
        ddof = correction
    mask = None if where is True or where is np._NoValue else array(where).node
    initial = operand(trace, initial) if given(initial) else None
    keep = bool(keepdims) if keepdims is not np._NoValue else False
    if op in ("argmin", "argmax") and axis is not None:
        axis = operator.index(axis)
    node = trace.call("reduce", op, a.node, axes_of(axis), keep, name_of(dtype), mask, initial, float(ddof))
    return store(out, result(node, a))


def _reductions():
    none = np._NoValue
    for name in "sum prod nansum nanprod".split():
        def f(a, axis=None, dtype=None, out=None, keepdims=none, initial=none, where=none, _op=name):
            return reduction(_op, a, axis, dtype, out, keepdims, initial, where)
        RULES[getattr(np, name)] = f
    for name in "max min nanmax nanmin".split():
        def f(a, axis=None, out=None, keepdims=none, initial=none, where=none, _op=name):
            return reduction(_op, a, axis, None, out, keepdims, initial, where)
        RULES[getattr(np, name)] = f
    for name in "any all".split():
        def f(a, axis=None, out=None, keepdims=none, *, where=none, _op=name):
            return reduction(_op, a, axis, None, out, keepdims, none, where)
        RULES[getattr(np, name)] = f
    for name in "mean nanmean".split():
        def f(a, axis=None, dtype=None, out=None, keepdims=none, *, where=none, _op=name):
            return reduction(_op, a, axis, dtype, out, keepdims, none, where)
        RULES[getattr(np, name)] = f
    for name in "var std nanvar nanstd".split():
        def f(a, axis=None, dtype=None, out=None, ddof=0, keepdims=none, *, where=none, mean=none, correction=none, _op=name):
            return reduction(_op, a, axis, dtype, out, keepdims, none, where, ddof, correction, mean)
        RULES[getattr(np, name)] = f
    for name in "argmin argmax".split():
        def f(a, axis=None, out=None, *, keepdims=none, _op=name):
            return reduction(_op, a, axis, None, out, keepdims)
        RULES[getattr(np, name)] = f
    for name in "cumsum cumprod".split():
        def f(a, axis=None, dtype=None, out=None, _op=name):
            return store(out, cumulative(_op, a, axis, dtype))
        RULES[getattr(np, name)] = f
    for name in "quantile percentile nanquantile nanpercentile".split():
        def f(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None, interpolation=None, _op=name):
            if weights is not None or interpolation is not None:
                raise Break("weighted quantiles have no rule")
            a = array(a)
            q = operand(current(), q)
            return store(out, result(current().call(_op, a.node, q, axes_of(axis), bool(keepdims) if keepdims is not none else False, method), a))
        RULES[getattr(np, name)] = f
    for name in "median nanmedian".split():
        def f(a, axis=None, out=None, overwrite_input=False, keepdims=False, _op=name):
            a = array(a)
            return store(out, result(current().call(_op, a.node, axes_of(axis), bool(keepdims) if keepdims is not none else False), a))
        RULES[getattr(np, name)] = f


_reductions()
RULES[np.amax], RULES[np.amin] = RULES[np.max], RULES[np.min]


@rule(np.count_nonzero)
def count_nonzero(a, axis=None, *, keepdims=False):
    return reduction("count_nonzero", a, axis, keepdims=keepdims)


def cumulative(op, a, axis=None, dtype=None, **more):
    none_but(more)
    a = array(a)
    return result(current().call("cumulative", op, a.node, None if axis is None else operator.index(axis), name_of(dtype)), a)


@rule(np.ptp)
def ptp(a, axis=None, out=None, keepdims=False):
    a = array(a)
    return store(out, result(current().call("ptp", a.node, axes_of(axis), keepdims is True), a))


@rule(np.average)
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    if returned:
        raise Break("average with returned=True")
    a = array(a)
    w = None if weights is None else array(weights).node
    return result(current().call("average", a.node, w, axes_of(axis), keepdims is True), a)


@rule(np.trace)
def trace_(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    none_but({"dtype": dtype}, dtype=None)
    return store(out, result(current().call("trace", array(a).node, offset, axis1, axis2), array(a)))


# Elementwise functions that are not ufuncs.


@rule(np.where)
def where(condition, x=None, y=None):
    if x is None and y is None:
        raise Break("numpy.where of one argument: the size of its result depends on the elements")
    trace = current()
    c = array(condition)
    xs = [x, y]
    node = trace.call("elementwise", "where", (c.node, operand(trace, x), operand(trace, y)))
    shadows = [t._a for t in (c, *xs) if type(t) is Tracer and t.ndim]
    return trace.fresh(node, axes=order_of(shadows, len(trace.type(node)[1])), scalar=False)


@rule(np.clip)
def clip(a, a_min=np._NoValue, a_max=np._NoValue, out=None, *, min=np._NoValue, max=np._NoValue, **kwargs):
    none_but(kwargs)
    trace = current()
    low, high = (a_min if given(a_min) else min), (a_max if given(a_max) else max)
    low, high = (operand(trace, v) if given(v) else None for v in (low, high))
    a = array(a)
    return store(out, result(trace.call("clip", a.node, low, high), a))


@rule(np.round, np.around)
def round_(a, decimals=0, out=None):
    a = array(a)
    return store(out, result(current().call("round", a.node, operator.index(decimals)), a))


@rule(np.nan_to_num)
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    x = array(x)
    r = result(current().call("nan_to_num", x.node, float(nan), posinf, neginf), x)
    return r if copy or x._scalar else store(x, r)


@rule(np.isclose)
def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    trace = current()
    node = trace.call("isclose", operand(trace, a), operand(trace, b), rtol, atol, equal_nan)
    return trace.fresh(node)


@rule(np.allclose)
def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    raise Break("numpy.allclose gives a Python bool")


@rule(np.angle)
def angle(z, deg=False):
    trace = current()
    r = trace.fresh(trace.call("elementwise", "angle", (array(z).node,)))
    return np.degrees(r) if deg else r


def _simple():
    """Functions of one array and nothing else."""
    for name in "fix isposinf isneginf isreal iscomplex sinc i0".split():
        def f(x, out=None, _name=name):
            x = array(x)
            return store(out, result(current().call(_name, x.node), x))
        RULES[getattr(np, name)] = f


_simple()
RULES[np.real] = lambda val: array(val).real
RULES[np.imag] = lambda val: array(val).imag


@rule(np.polyval)
def polyval(p, x):
    return result(current().call("polyval", array(p).node, array(x).node), array(x))


# Shapes: views where NumPy's are views.


@rule(np.reshape)
def reshape(a, /, shape=None, order="C", *, newshape=None, copy=None):
    r = array(a).reshape(shape if shape is not None else newshape, order=order)
    return r._copy() if copy else r


RULES[np.ravel] = lambda a, order="C": array(a).ravel(order)
RULES[np.transpose] = lambda a, axes=None: array(a).transpose(axes)
RULES[np.matrix_transpose] = lambda x, /: array(x).mT
RULES[np.swapaxes] = lambda a, axis1, axis2: array(a).swapaxes(axis1, axis2)
RULES[np.squeeze] = lambda a, axis=None: array(a).squeeze(axis)
RULES[np.diagonal] = lambda a, offset=0, axis1=0, axis2=1: array(a).diagonal(offset, axis1, axis2)
RULES[np.copy] = lambda a, order="K", subok=False: array(a)._copy()
RULES[np.shape] = lambda a: array(a).shape
RULES[np.ndim] = lambda a: array(a).ndim
RULES[np.iscomplexobj] = lambda x: array(x).dtype.kind == "c"
RULES[np.isrealobj] = lambda x: array(x).dtype.kind != "c"


@rule(np.size)
def size(a, axis=None):
    return array(a).size if axis is None else array(a).shape[axis]


@rule(np.result_type)
def result_type(*args):
    return np.result_type(*[a.dtype if type(a) is Tracer else a for a in args])


@rule(np.can_cast)
def can_cast(from_, to, casting="safe"):
    return np.can_cast(from_.dtype, to, casting)


@rule(np.broadcast_to)
def broadcast_to(array_, shape, subok=False):
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    return array(array_)._view(("broadcast", shape))


@rule(np.broadcast_arrays)
def broadcast_arrays(*args, subok=False):
    xs = [array(a) for a in args]
    shape = np.broadcast_shapes(*[x.shape for x in xs])
    return tuple(x if x.shape == shape else broadcast_to(x, shape) for x in xs)


@rule(np.expand_dims)
def expand_dims(a, axis):
    a = array(a)
    shape = np.expand_dims(a._a, axis).shape
    return a._view(("reshape", a.shape, shape))


@rule(np.moveaxis)
def moveaxis(a, source, destination):
    a = array(a)
    source, destination = axes_of(source), axes_of(destination)
    source, destination = [s % a.ndim for s in source], [d % a.ndim for d in destination]
    order = [k for k in range(a.ndim) if k not in source]
    for d, s in sorted(zip(destination, source)):
        order.insert(d, s)
    return a.transpose(order)


@rule(np.rollaxis)
def rollaxis(a, axis, start=0):
    a = array(a)
    axis, start = axis % a.ndim, start + a.ndim if start < 0 else start
    start -= axis < start
    order = [k for k in range(a.ndim) if k != axis]
    order.insert(start, axis)
    return a.transpose(order)


def _atleast(n):
    def f(*arys):
        rs = []
        for a in map(array, arys):
            shape = (np.atleast_1d, np.atleast_2d, np.atleast_3d)[n - 1](a._a).shape
            rs.append(a if a.ndim >= n and not a._scalar else Tracer(a._s, a._steps + (("reshape", a.shape, shape),), a._a.reshape(shape)))
        return rs[0] if len(rs) == 1 else tuple(rs)

    return f


RULES[np.atleast_1d], RULES[np.atleast_2d], RULES[np.atleast_3d] = _atleast(1), _atleast(2), _atleast(3)


@rule(np.flip)
def flip(m, axis=None):
    m = array(m)
    axes = range(m.ndim) if axis is None else [operator.index(a) for a in axes_of(axis)]
    parts = [slice(None)] * m.ndim
    for a in axes:
        parts[a] = slice(None, None, -1)
    return m[tuple(parts)]


RULES[np.fliplr] = lambda m: array(m)[:, ::-1]
RULES[np.flipud] = lambda m: array(m)[::-1]


@rule(np.rot90)
def rot90(m, k=1, axes=(0, 1)):
    m, k = array(m), k % 4
    a, b = (x % m.ndim for x in axes)
    if k == 0:
        return m[:]
    if k == 2:
        return flip(flip(m, a), b)
    order = list(range(m.ndim))
    order[a], order[b] = order[b], order[a]
    return flip(m, b).transpose(order) if k == 1 else flip(m.transpose(order), b)


def _split(even):
    def f(ary, indices_or_sections, axis=0):
        a = array(ary)
        axis = axis % a.ndim
        n, s = a.shape[axis], indices_or_sections
        if isinstance(s, (int, np.integer)):
            if even and n % s:
                raise Break("array split does not result in an equal division", error=True)
            sizes = [n // s + (k < n % s) for k in range(s)]
            at = list(np.cumsum(sizes)[:-1])
        else:
            at = [operator.index(k) for k in s]
        bounds = [0, *at, n]
        return [a[(slice(None),) * axis + (slice(int(i), int(j)),)] for i, j in zip(bounds, bounds[1:])]

    return f


RULES[np.split], RULES[np.array_split] = _split(True), _split(False)
RULES[np.hsplit] = lambda ary, s: _split(True)(ary, s, 0 if array(ary).ndim == 1 else 1)
RULES[np.vsplit] = lambda ary, s: _split(True)(ary, s, 0)
RULES[np.dsplit] = lambda ary, s: _split(True)(ary, s, 2)
RULES[np.unstack] = lambda x, /, *, axis=0: tuple(array(x)[(slice(None),) * (axis % array(x).ndim) + (k,)] for k in range(array(x).shape[axis]))

#: Functions whose results may share memory with their arguments, and functions that write arguments: never folded.
VIEWS = {np.reshape, np.ravel, np.transpose, np.matrix_transpose, np.swapaxes, np.squeeze, np.diagonal, np.broadcast_to, np.broadcast_arrays, np.expand_dims, np.moveaxis, np.rollaxis, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.flip, np.fliplr, np.flipud, np.rot90, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.unstack, np.real, np.imag}
MUTATE = {np.copyto, np.put, np.putmask, np.place, np.fill_diagonal, np.put_along_axis, np.nan_to_num}


# Joining, repeating.


def arrays(xs):
    if type(xs) is Tracer:
        return [xs[k].node for k in range(len(xs))]
    return [array(x).node for x in xs]


@rule(np.concatenate)
def concatenate(arrays_, /, axis=0, out=None, *, dtype=None, casting="same_kind"):
    r = current().fresh(current().call("concatenate", arrays(arrays_), axis), vague=any(not t._a.flags.c_contiguous for t in tracers((arrays_,))))
    return store(out, r if dtype is None else r.astype(dtype))


@rule(np.stack)
def stack(arrays_, axis=0, out=None, *, dtype=None, casting="same_kind"):
    r = current().fresh(current().call("stack", arrays(arrays_), axis), vague=True)
    return store(out, r if dtype is None else r.astype(dtype))


def _joining():
    for name in "vstack hstack dstack column_stack".split():
        def f(tup, *, dtype=None, casting="same_kind", _name=name):
            r = current().fresh(current().call(_name, arrays(tup)), vague=True)
            return r if dtype is None else r.astype(dtype)
        RULES[getattr(np, name)] = f


_joining()


@rule(np.append)
def append(arr, values, axis=None):
    return result(current().call("append", array(arr).node, array(values).node, axis), array(arr))


@rule(np.tile)
def tile(A, reps):
    reps = [operator.index(reps)] if isinstance(reps, (int, np.integer)) else [operator.index(r) for r in reps]
    return result(current().call("tile", array(A).node, reps), array(A), scalar=False)


@rule(np.repeat)
def repeat(a, repeats, axis=None):
    a = array(a)
    if np.ndim(repeats) == 0 and type(repeats) is not Tracer:
        return result(current().call("repeat", a.node, operator.index(repeats), axis), a)
    if type(repeats) is Tracer:
        repeats = repeats._value("the counts of numpy.repeat")
    if axis is None:
        a, axis = a.ravel(), 0
    return result(current().call("repeat_each", a.node, [int(r) for r in repeats], axis), a)


@rule(np.roll)
def roll(a, shift, axis=None):
    a = array(a)
    shifts, axes = axes_of(shift), axes_of(axis)
    if axes is not None and len(shifts) != len(axes):
        n = max(len(shifts), len(axes))
        shifts, axes = shifts * n if len(shifts) == 1 else shifts, axes * n if len(axes) == 1 else axes
    return result(current().call("roll", a.node, shifts, axes), a)


@rule(np.pad)
def pad(array_, pad_width, mode="constant", **kwargs):
    a = array(array_)
    widths = np.broadcast_to(_asarray(concrete(pad_width)), (a.ndim, 2))
    if kwargs:
        (key, v), = kwargs.items()
        if key not in ("constant_values", "end_values") or np.ndim(v):
            raise Break(f"numpy.pad with {key}")
        mode = (mode, v)
    return result(current().call("pad", a.node, [(int(x), int(y)) for x, y in widths], mode), a)


@rule(np.delete)
def delete(arr, obj, axis=None):
    a = array(arr)
    if axis is None:
        a, axis = a.ravel(), 0
    at = list(range(a.shape[axis]))[obj] if isinstance(obj, slice) else np.atleast_1d(concrete(obj)).tolist()
    return result(current().call("delete", a.node, [int(k) for k in at], axis), a)


@rule(np.resize)
def resize(a, new_shape):
    shape = [new_shape] if isinstance(new_shape, (int, np.integer)) else list(new_shape)
    return result(current().call("resize", array(a).node, shape), array(a))


def _offsets():
    for name in "triu tril diagflat".split():
        def f(m, k=0, _name=name):
            return result(current().call(_name, array(m).node, k), array(m))
        RULES[getattr(np, name)] = f


_offsets()


@rule(np.diag)
def diag(v, k=0):
    v = array(v)
    # Of a matrix: a view, which NumPy lets nobody write.
    return v.diagonal(k) if v.ndim == 2 else result(current().call("diag", v.node, k), v)


@rule(np.meshgrid)
def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    if sparse or not copy:
        raise Break("numpy.meshgrid with sparse or without copy")
    return tuple(result(n) for n in current().call("meshgrid", [array(x).node for x in xi], indexing == "xy"))


@rule(np.vander)
def vander(x, N=None, increasing=False):
    x = array(x)
    return result(current().call("vander", x.node, x.shape[0] if N is None else N, increasing), x)


def like(fill):
    def f(a, *args, dtype=None, order="K", subok=True, shape=None, device=None):
        a = array(a)
        value = args[0] if fill is None else fill
        return filled(a.shape if shape is None else shape, value, a.dtype if dtype is None else dtype, order_of([a._a], a.ndim) if shape is None else None)

    return f


def filled(shape, value, dtype, axes=None):
    """An array of one value: known if it is small, so that Python may look at it."""
    trace = current()
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(operator.index(n) for n in shape)
    if type(value) is not Tracer and axes is None:
        a = _full(shape, value, dtype)
        return trace.known(a)
    v = array(value).astype(dtype)
    return trace.fresh(trace.call("full", shape, v.node, None), axes=axes, scalar=False)


RULES[np.zeros_like] = lambda a, dtype=None, order="K", subok=True, shape=None, *, device=None: like(0)(a, dtype=dtype, shape=shape)
RULES[np.empty_like] = lambda prototype, /, dtype=None, order="K", subok=True, shape=None, *, device=None: like(0)(prototype, dtype=dtype, shape=shape)
RULES[np.ones_like] = lambda a, dtype=None, order="K", subok=True, shape=None, *, device=None: like(1)(a, dtype=dtype, shape=shape)
RULES[np.full_like] = lambda a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None: like(None)(a, fill_value, dtype=dtype, shape=shape)


@rule(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    if retstep or axis:
        raise Break("numpy.linspace with retstep or axis")
    trace = current()
    r = result(trace.call("linspace", operand(trace, start), operand(trace, stop), operator.index(num), endpoint))
    return r if dtype is None else r.astype(dtype)


# Indexing functions and assignments.


@rule(np.take)
def take(a, indices, axis=None, out=None, mode="raise"):
    return store(out, result(current().call("take", array(a).node, array(indices).node, axis, mode), array(a)))


@rule(np.take_along_axis)
def take_along_axis(arr, indices, axis=-1):
    arr = array(arr)
    if axis is None:
        arr, axis = arr.ravel(), 0
    return result(current().call("take_along_axis", arr.node, array(indices).node, axis), arr)


@rule(np.choose)
def choose(a, choices, out=None, mode="raise"):
    return store(out, result(current().call("choose", array(a).node, arrays(choices), mode)))


@rule(np.select)
def select(condlist, choicelist, default=0):
    trace = current()
    return trace.fresh(trace.call("select", [operand(trace, c) for c in condlist], [operand(trace, c) for c in choicelist], operand(trace, default)), scalar=False)


@rule(np.copyto)
def copyto(dst, src, casting="same_kind", where=True):
    if type(dst) is not Tracer:
        raise Break("numpy.copyto to an array that is not traced")
    src_type = src.dtype if hasattr(src, "dtype") else _asarray(src).dtype if isinstance(src, complex) else dst.dtype
    if not np.can_cast(src_type, dst.dtype, casting):
        raise Break("numpy.copyto: cannot cast", error=True)
    if where is True:
        dst._write(src)
    else:
        dst._assign(current().call("copyto", dst.node, dst._cast(src), array(where).node))


@rule(np.putmask)
def putmask(a, /, mask, values):
    if type(a) is not Tracer or np.ndim(values):
        raise Break("numpy.putmask of an array of values")
    copyto(a, values, "unsafe", mask)


@rule(np.put)
def put(a, ind, v, mode="raise"):
    if type(a) is not Tracer or mode != "raise":
        raise Break("numpy.put in this form")
    flat = a.reshape(-1)
    if flat._s is not a._s:
        raise Break("numpy.put on an array whose flat form is a copy")
    ind = array(ind).ravel()
    if np.ndim(v) and np.size(v) != ind.size:
        raise Break("numpy.put repeats its values")
    flat[ind] = v if not np.ndim(v) else array(v).ravel()


@rule(np.put_along_axis)
def put_along_axis(arr, indices, values, axis):
    if type(arr) is not Tracer or axis is None:
        raise Break("numpy.put_along_axis in this form")
    arr._assign(current().call("put_along_axis", arr.node, array(indices).node, arr._cast(values), axis))


@rule(np.fill_diagonal)
def fill_diagonal(a, val, wrap=False):
    if type(a) is not Tracer or a.ndim != 2 or wrap:
        raise Break("numpy.fill_diagonal in this form")
    n = min(a.shape)
    k = _arange(n)
    a[k, k] = val if not np.ndim(val) else array(val).ravel()[:n] if np.size(val) >= n else _break("numpy.fill_diagonal repeats its values")


def _break(why):
    raise Break(why)


# Order.


@rule(np.sort)
def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    none_but({"order": order}, order=None)
    return result(current().call("sort", array(a).node, axis), array(a))


@rule(np.argsort)
def argsort(a, axis=-1, kind=None, order=None, *, stable=None):
    a = array(a)
    # frit's sort is stable; NumPy's default leaves the order of equal elements open.
    none_but({"order": order}, order=None)
    return result(current().call("argsort", a.node, axis), a)


@rule(np.searchsorted)
def searchsorted(a, v, side="left", sorter=None):
    none_but({"sorter": sorter}, sorter=None)
    return result(current().call("searchsorted", array(a).node, array(v).node, side == "right"), array(v))


@rule(np.digitize)
def digitize(x, bins, right=False):
    return result(current().call("digitize", array(x).node, array(bins).node, right), array(x))


@rule(np.isin)
def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    return result(current().call("isin", array(element).node, array(test_elements).node, invert), array(element))


@rule(np.lexsort)
def lexsort(keys, axis=-1):
    none_but({"axis": axis}, axis=-1)
    return result(current().call("lexsort", arrays(keys)))


# Products.


def _products():
    for name in "dot vdot inner outer kron".split():
        def f(a, b, /, out=None, _name=name):
            return store(out, result(current().call(_name, array(a).node, array(b).node)))
        RULES[getattr(np, name)] = f


_products()


@rule(np.tensordot)
def tensordot(a, b, axes=2):
    a, b = array(a), array(b)
    if isinstance(axes, (int, np.integer)):
        over = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        over = axes_of(axes[0]), axes_of(axes[1])
    return result(current().call("tensordot", a.node, b.node, *over))


@rule(np.cross)
def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    if axis is None and not axisa == axisb == axisc:
        raise Break("numpy.cross with different axes")
    return result(current().call("cross", array(a).node, array(b).node, axisa if axis is None else axis))


@rule(np.einsum)
def einsum(*operands, out=None, optimize=False, **kwargs):
    none_but(kwargs, order="K", casting="safe")
    if not isinstance(operands[0], str):
        raise Break("numpy.einsum with lists of axes")
    return store(out, current().fresh(current().call("einsum", operands[0], arrays(operands[1:])), vague=True))


RULES[np.linalg.multi_dot] = lambda arrays_, *, out=None: store(out, result(current().call("multi_dot", arrays(arrays_))))


# Differences, interpolation, statistics.


@rule(np.diff)
def diff(a, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    a = array(a)
    ends = [array(v).node if given(v) else None for v in (prepend, append)]
    if ends == [None, None]:
        return result(current().call("diff", a.node, n, axis), a)
    return result(current().call("diff_between", a.node, n, axis, *ends), a)


@rule(np.gradient)
def gradient(f, *varargs, axis=None, edge_order=1):
    f, trace = array(f), current()
    axes = list(range(f.ndim)) if axis is None else axes_of(axis)
    if len(varargs) not in (0, 1, len(axes)):
        raise Break("invalid number of arguments", error=True)
    spacing = list(varargs) or [1.0]
    spacing = spacing * len(axes) if len(spacing) == 1 else spacing
    rs = tuple(result(trace.call("gradient", f.node, operand(trace, s), a, edge_order), f) for s, a in zip(spacing, axes))
    return rs[0] if len(rs) == 1 else rs


@rule(np.trapezoid)
def trapezoid(y, x=None, dx=1.0, axis=-1):
    trace = current()
    return result(trace.call("trapezoid", array(y).node, operand(trace, dx if x is None else x), axis))


@rule(np.interp)
def interp(x, xp, fp, left=None, right=None, period=None):
    none_but({"period": period}, period=None)
    trace = current()
    ends = [None if v is None else operand(trace, v) for v in (left, right)]
    return result(trace.call("interp", array(x).node, array(xp).node, array(fp).node, *ends))


@rule(np.cov)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    none_but({"y": y, "fweights": fweights, "aweights": aweights, "dtype": dtype}, y=None, fweights=None, aweights=None, dtype=None)
    return result(current().call("cov", array(m).node, rowvar, int(0 if bias else 1) if ddof is None else ddof))


@rule(np.corrcoef)
def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    none_but({"y": y, "dtype": dtype}, y=None, dtype=None)
    return result(current().call("corrcoef", array(x).node, rowvar))


RULES[np.convolve] = lambda a, v, mode="full": result(current().call("convolve", array(a).node, array(v).node, mode))
RULES[np.correlate] = lambda a, v, mode="valid": result(current().call("correlate", array(a).node, array(v).node, mode))
RULES[np.unwrap] = lambda p, discont=None, axis=-1, *, period=6.283185307179586: result(current().call("unwrap", array(p).node, period, axis))
RULES[np.ediff1d] = lambda ary, to_end=None, to_begin=None: result(current().call("ediff1d", array(ary).node, *(None if v is None else array(v).node for v in (to_end, to_begin))))


# numpy.linalg, numpy.fft.

_L = np.linalg
RULES[_L.inv] = lambda a: result(current().call("inv", array(a).node))
RULES[_L.det] = lambda a: result(current().call("det", array(a).node))
RULES[_L.solve] = lambda a, b: result(current().call("solve", array(a).node, array(b).node))
RULES[_L.cholesky] = lambda a, /, *, upper=False: result(current().call("cholesky", array(a).node, upper))
RULES[_L.matrix_power] = lambda a, n: result(current().call("matrix_power", array(a).node, n))
RULES[_L.eigvalsh] = lambda a, UPLO="L": result(current().call("eigvalsh", array(a).node, UPLO == "L"))


@rule(_L.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    x = array(x)
    if ord is None and axis is None:
        x, axis = (x.reshape(-1), 0) if not keepdims else (x, None)
    return result(current().call("norm", x.node, ord if ord is None or isinstance(ord, str) else float(ord), axes_of(axis), keepdims))


def _transforms():
    for name in "fft ifft rfft irfft".split():
        def f(a, n=None, axis=-1, norm=None, out=None, _name=name):
            return store(out, result(current().call(_name, array(a).node, n, axis, norm or "backward")))
        RULES[getattr(np.fft, name)] = f


_transforms()


# Methods of arrays that are functions of the namespace.


def _methods():
    names = "sum prod mean var std any all argmin argmax cumsum cumprod clip round take trace repeat choose searchsorted dot argsort ptp"
    for name in names.split():
        f = getattr(np, name)

        def method(self, *args, _f=f, **kwargs):
            return function_call(_f, (self, *args), kwargs)

        setattr(Tracer, name, method)
    for name in ("max", "min"):
        def method(self, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True, _f=getattr(np, name)):
            kwargs = {"axis": axis, "out": out, "keepdims": keepdims}
            if given(initial):
                kwargs["initial"] = initial
            if where is not True:
                kwargs["where"] = where
            return function_call(_f, (self,), kwargs)

        setattr(Tracer, name, method)
    Tracer.conj = Tracer.conjugate = lambda self: np.conjugate(self)
    Tracer.nonzero = lambda self: np.nonzero(self)
    Tracer.__round__ = lambda self, n=0: np.round(self, n or 0)


_methods()
