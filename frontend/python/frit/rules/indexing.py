"""Indexing functions and assignments."""

from __future__ import annotations

import numpy as np

from ..errors import Break
from ..trace import current
from ..tracer import Tracer, operand
from .arguments import array, arrays, result, store
from .table import rule

#: NumPy's own, also while `numpy` is patched.
_asarray, _arange = np.asarray, np.arange


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
