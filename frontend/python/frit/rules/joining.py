"""Joining, repeating, padding."""

from __future__ import annotations

import numpy as np

from ..sizes import index
from ..trace import current
from ..tracer import Tracer
from .arguments import array, arrays, axes_of, concrete, result, store, tracers
from .table import RULES, NoRule, rule

#: NumPy's own, also while `numpy` is patched.
_asarray = np.asarray


def _castable(xs, dtype, casting):
    if dtype is not None and any(not np.can_cast(array(x).dtype, dtype, casting) for x in xs):
        raise TypeError("Cannot cast array data")


def _one_target(out, dtype, casting):
    if out is not None and (dtype is not None or casting != "same_kind"):
        raise NoRule("with out= and another type or casting has no rule")


@rule(np.concatenate)
def concatenate(arrays_, /, axis=0, out=None, *, dtype=None, casting="same_kind"):
    _castable(arrays_, dtype, casting)
    _one_target(out, dtype, casting)
    r = current().fresh(current().call("concatenate", arrays(arrays_), axis), vague=any(not t._a.flags.c_contiguous for t in tracers((arrays_,))))
    return store(out, r if dtype is None else r.astype(dtype))


@rule(np.stack)
def stack(arrays_, axis=0, out=None, *, dtype=None, casting="same_kind"):
    _castable(arrays_, dtype, casting)
    _one_target(out, dtype, casting)
    r = current().fresh(current().call("stack", arrays(arrays_), axis), vague=True)
    return store(out, r if dtype is None else r.astype(dtype))


def _joining():
    for name in "vstack hstack dstack column_stack".split():
        def f(tup, *, dtype=None, casting="same_kind", _name=name):
            _castable(tup, dtype, casting)
            r = current().fresh(current().call(_name, arrays(tup)), vague=True)
            return r if dtype is None else r.astype(dtype)
        RULES[getattr(np, name)] = f


_joining()


@rule(np.append)
def append(arr, values, axis=None):
    return result(current().call("append", array(arr).node, array(values).node, axis), array(arr))


@rule(np.tile)
def tile(A, reps):
    reps = [index(reps)] if isinstance(reps, (int, np.integer)) else [index(r) for r in reps]
    return result(current().call("tile", array(A).node, reps), array(A), scalar=False)


@rule(np.repeat)
def repeat(a, repeats, axis=None):
    a = array(a)
    if np.ndim(repeats) == 0 and type(repeats) is not Tracer:
        return result(current().call("repeat", a.node, index(repeats), axis), a)
    repeats = array(repeats).known()
    if repeats is None:
        raise NoRule("by traced counts has no rule")
    if axis is None:
        a, axis = a.ravel(), 0
    return result(current().call("repeat_each", a.node, np.broadcast_to(repeats, a.shape[axis]).tolist(), axis), a)


@rule(np.roll)
def roll(a, shift, axis=None):
    a = array(a)
    shifts, axes = axes_of(shift), axes_of(axis)
    if not shifts or axes == []:
        raise ValueError("not enough values to unpack")
    if axes is not None and len(shifts) != len(axes):
        n = max(len(shifts), len(axes))
        shifts, axes = shifts * n if len(shifts) == 1 else shifts, axes * n if len(axes) == 1 else axes
    return result(current().call("roll", a.node, shifts, axes), a, scalar=False)


@rule(np.pad)
def pad(array_, pad_width, mode="constant", **kwargs):
    a = array(array_)
    if isinstance(pad_width, dict) or callable(mode):
        raise NoRule("in this form has no rule")
    widths = np.broadcast_to(_asarray(concrete(pad_width)), (a.ndim, 2))
    if widths.dtype.kind not in "iu":
        raise TypeError("`pad_width` must be of integral type.")
    if kwargs:
        (key, v), *more = kwargs.items()
        if more or (mode, key) not in (("constant", "constant_values"), ("linear_ramp", "end_values")) or type(v) not in (bool, int, float, complex):
            raise NoRule(f"with {key} has no rule")
        mode = (mode, v)
    return result(current().call("pad", a.node, [(int(x), int(y)) for x, y in widths], mode), a, scalar=False)


@rule(np.delete)
def delete(arr, obj, axis=None):
    a = array(arr)
    if axis is None:
        a, axis = a.ravel(), 0
    axis = range(a.ndim)[axis]
    if not isinstance(obj, slice):
        obj = array(obj).known()
        if obj is None:
            raise NoRule("at traced positions has no rule")
        if obj.dtype.kind not in "iub" and obj.size:
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        obj = obj.reshape(-1) if obj.size or obj.dtype.kind == "b" else obj.reshape(-1).astype(int)
        if obj.dtype.kind == "b" and obj.size != a.shape[axis]:
            raise ValueError("boolean array argument obj to delete must be one dimensional and match the axis length")
    gone = np.arange(a.shape[axis])[obj]
    return result(current().call("delete", a.node, [int(k) for k in gone], axis), a)


@rule(np.resize)
def resize(a, new_shape):
    shape = [new_shape] if isinstance(new_shape, (int, np.integer)) else list(new_shape)
    return result(current().call("resize", array(a).node, shape), array(a))
