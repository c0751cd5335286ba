"""Indexing functions and assignments."""

from __future__ import annotations

import operator

import numpy as np

from ..errors import Break
from ..trace import current
from ..tracer import Tracer, operand
from .arguments import array, axes_of, checked, result, store
from .decompose import decomposition, run
from .table import NoRule, rule

#: The most rows to which `apply_along_axis` applies a function.
MOST_ROWS = 64

#: NumPy's own, also while `numpy` is patched.
_asarray, _arange, _empty = np.asarray, np.arange, np.empty


@rule(np.take)
def take(a, indices, axis=None, out=None, mode="raise"):
    a, indices = array(a), _positions(indices)
    return store(out, result(current().call("take", a.node, indices.node, axis, mode), a, scalar=not indices.ndim and (axis is None or a.ndim == 1)))


def _positions(indices):
    """Indices as whole numbers; those of other kinds NumPy casts only if nothing is lost."""
    indices = array(indices)
    if not np.can_cast(indices.dtype, np.intp, "same_kind"):
        if indices.size or indices.known() is None:
            raise TypeError("Cannot cast array data to indices")
        return indices.astype(np.intp)
    return indices.astype(np.intp) if indices.dtype.kind == "b" else indices


@rule(np.take_along_axis)
def take_along_axis(arr, indices, axis=-1):
    arr, indices = array(arr), array(indices)
    if axis is None:
        if indices.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        arr, axis = arr.ravel(), 0
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if arr.ndim != indices.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    return result(current().call("take_along_axis", arr.node, indices.node, axis), arr)


@rule(np.compress)
def compress(condition, a, axis=None, out=None):
    a, condition = array(a), array(condition).known()
    if condition is None:
        raise NoRule("by a traced condition has no rule: the result is as large as elements say")
    if condition.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    return take(a, condition.nonzero()[0], axis, out)


@rule(np.choose)
def choose(a, choices, out=None, mode="raise"):
    choices = list(choices)
    t = np.result_type(*(x if type(x) in (bool, int, float, complex) else array(x).dtype for x in choices))
    return store(out, result(current().call("choose", _positions(a).node, [array(x).astype(t).node for x in choices], mode)))


@rule(np.select)
def select(condlist, choicelist, default=0):
    trace = current()
    r = trace.fresh(trace.call("select", [operand(trace, c) for c in condlist], [operand(trace, c) for c in choicelist], operand(trace, default)), scalar=False)
    if any(type(c) in (bool, int, float, complex) and not np.can_cast(_asarray(c).dtype, r.dtype, "same_kind") for c in choicelist):
        raise NoRule("of such numbers has no rule")
    return r


@rule(np.unravel_index)
def unravel_index(indices, shape, order="C"):
    at, sizes = _positions(indices), [operator.index(n) for n in axes_of(shape)]
    if order not in ("C", "F") or at.dtype.kind not in "iu":
        raise NoRule("in this form has no rule")
    count = 1
    for n in sizes:
        count *= n
    at = checked(at, (at >= 0) & (at < count), "index is out of bounds").astype(np.intp)
    parts = []
    for n in sizes[::-1] if order == "C" else sizes:
        parts.append(np.remainder(at, max(n, 1)))
        at = np.floor_divide(at, max(n, 1))
    parts = [x if np.ndim(indices) else x[()] for x in parts]
    return tuple(parts[::-1] if order == "C" else parts)


@rule(np.ravel_multi_index)
def ravel_multi_index(multi_index, dims, mode="raise", order="C"):
    sizes = [operator.index(n) for n in axes_of(dims)]
    parts = [_positions(x) for x in multi_index]
    modes = (mode,) * len(sizes) if isinstance(mode, str) else tuple(mode)
    if order not in ("C", "F") or len(parts) != len(sizes) or len(modes) != len(sizes) or not all(sizes) or any(x.dtype.kind not in "iu" for x in parts):
        raise NoRule("in this form has no rule")
    at, step = 0, 1
    for x, n, m in list(zip(parts, sizes, modes))[:: -1 if order == "C" else 1]:
        x = x.astype(np.intp)
        if m == "raise":
            x = checked(x, (x >= 0) & (x < n), "invalid entry in coordinates array")
        at, step = at + (np.remainder(x, n) if m == "wrap" else np.clip(x, 0, n - 1)) * step, step * n
    return at if at.ndim else at[()]


@rule(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    a = array(arr)
    rows = a.size // max(a.shape[axis], 1) if a.ndim else 0
    if rows > MOST_ROWS:
        raise Break(f"numpy.apply_along_axis over {rows} rows would be as many parts of a program")
    return run(decomposition(np.apply_along_axis), (func1d, axis, arr, *args), kwargs)


# Functions that write their first argument: what may go wrong does so before they do.


def _written(a):
    if type(a) is not Tracer or a._scalar:
        raise NoRule("to what is not a traced array has no rule")
    return a


@rule(np.copyto)
def copyto(dst, src, casting="same_kind", where=True):
    _written(dst)
    if type(src) in (int, float, complex):
        # NumPy looks at the number's kind, and at its size.
        np.copyto(_empty((), dst.dtype), src, casting)
        src = dst.dtype.type(src)
    elif not np.can_cast(array(src).dtype, dst.dtype, casting):
        raise TypeError("Cannot cast array data")
    if where is True:
        dst._write(src)
    else:
        dst._assign(current().call("copyto", dst.node, dst._cast(src), array(where).node))


def repeated(a, values, at):
    """The elements of `values` that go to the positions `at`, where they begin again when they are used up."""
    values = array(values).ravel()
    if not values.size:
        raise NoRule("of no values has no rule")
    if values.dtype.kind == "c" and a.dtype.kind != "c":
        raise NoRule("of complex values in a real array has no rule")
    values = values.astype(a.dtype)
    return values[0] if values.size == 1 else np.take(values, np.remainder(at, values.size))


def _assigned(a, mask, values):
    """`a` with `values` where `mask` is true."""
    trace = current()
    v = values.node if type(values) is Tracer else trace.constant(_asarray(values))
    a._assign(trace.call("broadcast_to", trace.call("elementwise", "where", (mask.node, v, a.node)), a.shape))


@rule(np.putmask)
def putmask(a, /, mask, values):
    _written(a)
    mask = array(mask).astype(bool)
    if mask.size != a.size:
        raise ValueError("putmask: mask and data must be the same size")
    _assigned(a, mask.reshape(a.shape), repeated(a, values, _arange(a.size).reshape(a.shape)))


@rule(np.place)
def place(arr, mask, vals):
    _written(arr)
    mask = array(mask).astype(bool)
    if mask.size != arr.size:
        raise ValueError("place: mask and data must be the same size")
    mask = mask.reshape(-1)
    at = np.cumsum(mask) - 1
    vals = repeated(arr, vals, np.maximum(at, 0))
    _assigned(arr, mask.reshape(arr.shape), vals if not np.ndim(vals) else vals.reshape(arr.shape))


@rule(np.put)
def put(a, ind, v, mode="raise"):
    _written(a)
    ind = _positions(ind).ravel()
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError("clipmode must be one of 'clip', 'raise', or 'wrap'")
    if not ind.size:
        return
    if not a.size:
        raise NoRule("in an empty array has no rule")
    if mode == "wrap":
        ind = np.remainder(ind, a.size)
    elif mode == "clip":
        ind = np.clip(ind, 0, a.size - 1)
    put_flat(a, ind, repeated(a, v, _arange(ind.size)))


def put_flat(a, ind, v):
    trace = current()
    v = v.node if type(v) is Tracer else trace.constant(_asarray(v))
    flat = trace.call("setitem", trace.call("reshape", a.node, (a.size,)), (ind.node,), v, "set")
    a._assign(trace.call("reshape", flat, a.shape))


@rule(np.put_along_axis)
def put_along_axis(arr, indices, values, axis):
    _written(arr)
    indices = array(indices)
    if axis is None:
        if indices.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        if np.ndim(values) > 1 or not arr._a.flags.c_contiguous:
            raise NoRule("in this form has no rule")
        values = np.broadcast_to(array(values), indices.shape)
        return put_flat(arr, indices, array(values).astype(arr.dtype))
    if indices.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if arr.ndim != indices.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    arr._assign(current().call("put_along_axis", arr.node, indices.node, arr._cast(values), axis))


@rule(np.fill_diagonal)
def fill_diagonal(a, val, wrap=False):
    _written(a)
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if a.ndim == 2:
        step, end = a.shape[1] + 1, a.size if wrap else min(a.size, a.shape[1] * a.shape[1])
    else:
        if len(set(a.shape)) != 1:
            raise ValueError("All dimensions of input must be of equal length")
        step, end = 1 + sum(a.shape[0] ** k for k in range(1, a.ndim)), a.size
    at = _arange(0, end, step)
    if at.size:
        put_flat(a, array(at), repeated(a, val, _arange(at.size)))
