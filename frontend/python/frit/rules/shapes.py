"""Shapes: views where NumPy's are views."""

from __future__ import annotations

import itertools
import operator

import numpy as np

from ..storage import WINDOWS
from ..errors import Break
from ..sizes import index
from ..tracer import Tracer
from .arguments import array, axes_of
from .convert import converted, copied
from .table import RULES, NoRule, rule

#: NumPy's own, also while `numpy` is patched.
_arange = np.arange


@rule(np.reshape)
def reshape(a, /, shape=None, order="C", *, newshape=None, copy=None):
    a = array(a)
    r = a.reshape(shape if shape is not None else newshape, order=order)
    if copy is False and r._s is not a._s:
        raise ValueError("Unable to avoid creating a copy while reshaping.")
    return r._copy() if copy and r._s is a._s else r


RULES[np.ravel] = lambda a, order="C": array(a).ravel(order)
RULES[np.transpose] = lambda a, axes=None: array(a).transpose(axes)
RULES[np.matrix_transpose] = lambda x, /: array(x).mT
RULES[np.swapaxes] = lambda a, axis1, axis2: array(a).swapaxes(axis1, axis2)
RULES[np.squeeze] = lambda a, axis=None: array(a).squeeze(axis)
RULES[np.diagonal] = lambda a, offset=0, axis1=0, axis2=1: array(a).diagonal(offset, axis1, axis2)
RULES[np.copy] = lambda a, order="K", subok=False: copied(array(a), order)
RULES[np.shape] = lambda a: array(a).shape
RULES[np.ndim] = lambda a: array(a).ndim
RULES[np.iscomplexobj] = lambda x: array(x).dtype.kind == "c"
RULES[np.isrealobj] = lambda x: array(x).dtype.kind != "c"


@rule(np.size)
def size(a, axis=None):
    a = array(a)
    n = 1
    for k in range(a.ndim) if axis is None else axes_of(axis):
        n *= a.shape[k]
    return n


@rule(np.may_share_memory, np.shares_memory)
def shares_memory(a, b, /, max_work=None):
    """Arrays of different storages share memory if they are arguments that do."""
    a, b = array(a), array(b)
    if a._scalar or b._scalar:
        return False
    if a._s.vague or b._s.vague:
        raise NoRule("of an array whose memory order is not modelled has no rule")
    if a._s is not b._s and (a._s.argument is None or b._s.argument is None):
        return False
    return np.may_share_memory(a._a, b._a, max_work=max_work)


@rule(np.min_scalar_type)
def min_scalar_type(a, /):
    a = array(a)
    if a.ndim:
        return a.dtype
    if a.known() is None:
        raise NoRule("of a traced number has no rule")
    return np.min_scalar_type(a.known()[()])


@rule(np.result_type)
def result_type(*args):
    return np.result_type(*[a.dtype if type(a) is Tracer else a for a in args])


@rule(np.can_cast)
def can_cast(from_, to, casting="safe"):
    return np.can_cast(from_.dtype, to, casting)


@rule(np.broadcast_to)
def broadcast_to(array_, shape, subok=False):
    shape = (index(shape),) if isinstance(shape, (int, np.integer)) else tuple(index(n) for n in shape)
    return array(array_)._view(("broadcast", shape))


@rule(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    if writeable:
        raise NoRule("with writeable=True has no rule")
    x = array(x)
    window = tuple(axes_of(window_shape))
    axes = list(range(x.ndim)) if axis is None else [range(x.ndim)[a] for a in axes_of(axis)]
    if len(axes) != len(window) or any(n < 0 for n in window):
        raise ValueError("Must provide matching length window_shape and axis")
    if len(set(axes)) != len(axes) or any(n > x.shape[a] or not n for n, a in zip(window, axes)):
        raise NoRule("in this form has no rule")
    r = x
    for n, a in zip(window, axes):
        at = _arange(x.shape[a] - n + 1)[:, None] + _arange(n)
        r = np.moveaxis(np.take(r, at, axis=a), a + 1, -1)
    # NumPy's is a view that may not be written; here neither may be.
    r._frozen = r._s.sealed = x._frozen = x._s.sealed = WINDOWS
    return r


@rule(np.broadcast_arrays)
def broadcast_arrays(*args, subok=False):
    xs = [converted("array", a) if type(a) is Tracer and a._scalar else array(a) for a in args]
    shape = np.broadcast_shapes(*[x.shape for x in xs])
    return tuple(x if x.shape == shape else broadcast_to(x, shape) for x in xs)


@rule(np.expand_dims)
def expand_dims(a, axis):
    a = array(a)
    shape = a.reduced(np.expand_dims(a._a, axis).shape)
    return a._view(("reshape", a.shape, shape))


def _axis(axis, ndim):
    """An axis counted from the front; NumPy words the error."""
    if not -ndim <= operator.index(axis) < ndim:
        raise NoRule("of an axis out of bounds has no rule")
    return operator.index(axis) % ndim


def _axes(axes, ndim):
    axes = [_axis(a, ndim) for a in axes]
    if len(set(axes)) != len(axes):
        raise NoRule("of an axis given twice has no rule")
    return axes


@rule(np.moveaxis)
def moveaxis(a, source, destination):
    a = array(a)
    source, destination = axes_of(source), axes_of(destination)
    source, destination = _axes(source, a.ndim), _axes(destination, a.ndim)
    if len(source) != len(destination):
        raise NoRule("with as many sources as destinations only")
    order = [k for k in range(a.ndim) if k not in source]
    for d, s in sorted(zip(destination, source)):
        order.insert(d, s)
    return a.transpose(order)


@rule(np.rollaxis)
def rollaxis(a, axis, start=0):
    a = array(a)
    axis, start = _axis(axis, a.ndim), start + a.ndim if start < 0 else start
    if not 0 <= start <= a.ndim:
        raise NoRule("with a position out of bounds has no rule")
    start -= axis < start
    order = [k for k in range(a.ndim) if k != axis]
    order.insert(start, axis)
    return a.transpose(order)


def _atleast(n):
    def f(*arys):
        rs = []
        for a in map(array, arys):
            shape = a.reduced((np.atleast_1d, np.atleast_2d, np.atleast_3d)[n - 1](a._a).shape)
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
    a, b = _axes(axes, m.ndim)
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
        axis = _axis(axis, a.ndim)
        n, s = a.shape[axis], indices_or_sections
        if isinstance(s, (int, np.integer)):
            if even and n % s:
                raise Break("array split does not result in an equal division", error=True)
            sizes = [n // s + (k < n % s) for k in range(s)]
            at = list(itertools.accumulate(sizes))[:-1]
        else:
            at = [index(k) for k in s]
        bounds = [0, *at, n]
        return [a[(slice(None),) * axis + (slice(i, j),)] for i, j in zip(bounds, bounds[1:])]

    return f


RULES[np.split], RULES[np.array_split] = _split(True), _split(False)


def _splitting(least, axis):
    def f(ary, indices_or_sections):
        if array(ary).ndim < least:
            raise NoRule("of too few axes has no rule")
        return _split(True)(ary, indices_or_sections, 0 if array(ary).ndim == 1 else axis)

    return f


RULES[np.hsplit], RULES[np.vsplit], RULES[np.dsplit] = _splitting(1, 1), _splitting(2, 0), _splitting(3, 2)
RULES[np.unstack] = lambda x, /, *, axis=0: tuple(array(x)[(slice(None),) * _axis(axis, array(x).ndim) + (k,)] for k in range(array(x).shape[axis]))
