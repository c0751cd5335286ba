"""The elements of lazy arrays as NumPy's arrays: to read, to keep, and to write."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..nested import leaves, mapped
from ..storage import show
from .compute import computed


class Lazy:
    """What `Array` holds: a tracer of the lazy trace, and the memory that others were given."""

    __slots__ = ("_t", "_exported", "__weakref__")


def elements_of(x):
    """The elements as a read-only array."""
    t = x._t
    s = t._s
    node = s.node
    if node.value is None and t._steps and 4 * t.size < math.prod(s.shape):
        # A small part of much: what it does not need is not computed.
        return closed(computed(t.node)[...])
    a = computed(node)[...]
    a.flags.writeable = False
    for step in t._steps:
        a = show(step, a)
    return a


def export(x):
    """The same, for others to keep: the memory lives as long as `x`, even when `x` gets other elements."""
    a = elements_of(x)
    if x._exported is None:
        x._exported = []
    if not any(a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides for b in x._exported):
        x._exported.append(a)
    return a


def lent(x, a):
    """The memory of `a`, the elements of `x`, as writable, as those who take it cannot be told that it is not."""
    whole = computed(x._t._s.node)
    offset = a.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    if not a.size or not 0 <= offset < whole.nbytes:
        return a.copy()
    return as_strided(whole.ravel(order="K").view(np.uint8)[offset : offset + a.itemsize].view(a.dtype), a.shape, a.strides)


def with_elements(x, copies):
    """Nested arguments with elements in place of arrays: `copies` of them, or read-only."""

    def elements(y):
        if not issubclass(type(y), Lazy):
            return y
        return writable(y, copies) if id(y._t._s) in copies else elements_of(y)

    return mapped(elements, x)


def closed(a):
    a.flags.writeable = False
    return a


def writable(x, copies):
    """A view of a copy of the elements behind `x`, the same copy for all arrays that show them."""
    t = x._t
    s = t._s
    if id(s) not in copies:
        copies[id(s)] = (s, computed(s.node).copy())
    a = whole = copies[id(s)][1]
    for step in t._steps:
        a = show(step, a)
    if not t._a.flags.writeable:
        a = a[...]
        a.flags.writeable = False
    elif a.size and not np.may_share_memory(a, whole):
        raise RuntimeError("assignment through a view of an array that NumPy would have laid out otherwise")
    return a


def within(x):
    """All arrays in nested arguments."""
    return (y for y in leaves(x) if issubclass(type(y), Lazy) or type(y) is np.ndarray)
