"""The methods of ufuncs: `reduce`, `accumulate`, `reduceat`, `outer`, `at`."""

from __future__ import annotations

import operator

import numpy as np

from ..errors import Break
from ..tracer import Tracer, parse
from .arguments import array, axes_of, given, none_but, store
from .reductions import cumulative, reduction
from .table import NoRule

REDUCE = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min", np.logical_and: "all", np.logical_or: "any"}
ACCUMULATE = {np.add: "cumsum", np.multiply: "cumprod", np.maximum: "cummax", np.minimum: "cummin"}
AT = {np.add: "add", np.multiply: "multiply", np.maximum: "maximum", np.minimum: "minimum"}
#: Ufuncs whose reduction may be grouped in any way without another result.
_ASSOCIATIVE = {np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_xor, np.gcd, np.fmax, np.fmin}
#: Steps of a reduction that are written one by one.
MOST_STEPS = 64


def _reduce(trace, ufunc, inputs, out, kwargs):
    x, rest = inputs[0], inputs[1:]
    axis = rest[0] if rest else kwargs.pop("axis", 0)
    if ufunc in REDUCE:
        return reduction(REDUCE[ufunc], x, axis, out=out, **kwargs)
    keepdims = kwargs.pop("keepdims", False)
    dtype = kwargs.pop("dtype", None)
    x = array(x)
    none_but(kwargs, initial=np._NoValue, where=True)
    if ufunc not in _ASSOCIATIVE | _SEQUENTIAL or given(dtype) and dtype is not None and np.dtype(dtype) != x.dtype:
        raise NoRule("has no rule")
    axes = range(x.ndim) if axis is None else [operator.index(a) for a in axes_of(axis)]
    if any(not -x.ndim <= a < x.ndim for a in axes):
        raise Break("axis out of bounds", error=True)
    if len(axes) != 1 and ufunc not in _ASSOCIATIVE:
        raise Break("is not reorderable, so at most one axis may be specified", error=True)
    r = x
    for a in sorted((a % x.ndim for a in axes), reverse=True):
        r = _fold(ufunc, r, a)
    if keepdims is True:
        r = r.reshape(tuple(1 if k in {a % x.ndim for a in axes} else n for k, n in enumerate(x.shape)))
    elif not r.ndim:
        r = r[()]
    return store(out, r)


#: Ufuncs that are applied one by one. (Where NumPy's loops take several elements at once, its reductions are not that.)
_SEQUENTIAL = {np.subtract, np.divide, np.hypot, np.logaddexp, np.fmod, np.remainder, np.floor_divide, np.lcm}


def _first(x, axis, part):
    return x[(slice(None),) * axis + (part,)]


def _result_type(ufunc, x):
    """The type of a reduction, if all its steps have the type of the elements."""
    types = ufunc.resolve_dtypes((x.dtype, x.dtype, None), reduction=False)
    if types[0] != x.dtype or types[2] != x.dtype:
        raise NoRule(f"of {x.dtype} has no rule")


def _fold(ufunc, x, axis):
    n = x.shape[axis]
    if ufunc is np.logical_xor:
        x = x.astype(bool)
    if not n:
        if ufunc.identity is None:
            raise Break("zero-size array to reduction operation", error=True)
        raise NoRule("of nothing has no rule")
    _result_type(ufunc, x)
    if ufunc not in _ASSOCIATIVE:
        if n > MOST_STEPS:
            raise NoRule(f"over {n} elements has no rule")
        r = _first(x, axis, 0)
        for k in range(1, n):
            r = ufunc(r, _first(x, axis, k))
        return r.copy() if n == 1 else r
    while n > 1:
        half = n // 2
        y = ufunc(_first(x, axis, slice(0, half)), _first(x, axis, slice(half, 2 * half)))
        x = np.concatenate([y, _first(x, axis, slice(2 * half, n))], axis) if n % 2 else y
        n = x.shape[axis]
    return _first(x, axis, 0).copy()


def _accumulate(trace, ufunc, inputs, out, kwargs):
    x, rest = inputs[0], inputs[1:]
    axis = rest[0] if rest else kwargs.pop("axis", 0)
    if ufunc in ACCUMULATE:
        return store(out, cumulative(ACCUMULATE[ufunc], x, axis, kwargs.pop("dtype", None), **kwargs))
    none_but(kwargs)
    x = array(x)
    axis = range(x.ndim)[operator.index(axis)]
    if ufunc not in _ASSOCIATIVE | _SEQUENTIAL or ufunc is np.logical_xor or x.shape[axis] > MOST_STEPS or not x.shape[axis]:
        raise NoRule("has no rule")
    _result_type(ufunc, x)
    parts = [_first(x, axis, 0)]
    for k in range(1, x.shape[axis]):
        parts.append(ufunc(parts[-1], _first(x, axis, k)))
    return store(out, np.stack(parts, axis))


def _reduceat(trace, ufunc, inputs, out, kwargs):
    x, at, *rest = inputs
    axis = rest[0] if rest else kwargs.pop("axis", 0)
    dtype = kwargs.pop("dtype", None)
    none_but(kwargs)
    x = array(x)
    axis = range(x.ndim)[operator.index(axis)]
    at = array(at).known()
    if at is None or at.ndim != 1 or at.size > MOST_STEPS or not at.size or at.dtype.kind not in "iu":
        raise NoRule("at traced or many positions has no rule")
    n = x.shape[axis]
    if ((at < 0) | (at >= n)).any():
        raise Break("index out-of-bounds", error=True)
    more = {} if dtype is None else {"dtype": dtype}
    parts = []
    for i, j in zip(at.tolist(), [*at[1:].tolist(), n]):
        part = _first(x, axis, slice(i, j if i < j else i + 1))
        parts.append(ufunc.reduce(part, axis=axis, **more))
    return store(out, np.stack(parts, axis))


def _outer(trace, ufunc, inputs, out, kwargs):
    # Python's numbers are arrays here.
    x, y = map(array, inputs)
    return ufunc(x[(...,) + (None,) * y.ndim], y, **kwargs, **({} if out is None else {"out": out}))


def _at(trace, ufunc, inputs, out, kwargs):
    x, index, v = inputs[0], inputs[1], inputs[2] if len(inputs) > 2 else None
    none_but(kwargs)
    if type(x) is not Tracer:
        raise Break("ufunc.at on an array that is not traced")
    if ufunc is np.subtract and v is not None and x.dtype.kind in "iufc":
        # The same elements, bit by bit.
        ufunc, v = np.add, -array(v)
    if ufunc not in AT or v is None:
        raise NoRule("has no rule")
    if not np.can_cast(np.result_type(x, v) if type(v) in (bool, int, float, complex) else ufunc.resolve_dtypes((x.dtype, array(v).dtype, None))[2], x.dtype, "same_kind"):
        raise Break("Cannot cast ufunc output", error=True)
    parts, _ = parse(x, index)
    index = tuple(p.node if type(p) is Tracer else p for p in parts)
    x._assign(trace.call("setitem", x.node, index, x._cast(v), AT[ufunc]))


METHODS = {"reduce": _reduce, "accumulate": _accumulate, "reduceat": _reduceat, "outer": _outer, "at": _at}
