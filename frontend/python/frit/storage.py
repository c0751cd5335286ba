"""Memory in a trace: storages that writes update functionally, and views of them.

An array is a storage and a chain of view steps. Reading applies the steps to the storage's value; writing puts the new
elements back through the steps, innermost last, and gives the storage a new value: so every alias and view sees it.
Whether NumPy gives a view or a copy, its strides, flags and errors are asked of NumPy itself, by doing
the same to a `shadow`: an array of the right type, shape and strides whose memory is never read.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .errors import Abandon, Break, Values

#: NumPy's functions as they are outside a trace.
_empty = np.empty
_zeros = np.zeros


def c_strides(shape, itemsize):
    strides, step = [], itemsize
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def shadow(shape, dtype, axes=None):
    """An array without memory; `axes`: from the slowest to the fastest, by default C order."""
    dtype, shape = np.dtype(dtype), tuple(shape)
    if axes is None:
        strides = c_strides(shape, dtype.itemsize)
    else:
        packed = c_strides([shape[a] for a in axes], dtype.itemsize)
        strides = [0] * len(shape)
        for a, s in zip(axes, packed):
            strides[a] = s
    if not shape:
        return _empty((), dtype)
    return as_strided(_empty(1, dtype), shape, strides)


def order_of(shadows, ndim):
    """Axes, slowest first, of a new elementwise result (`order="K"`): NumPy's `npyiter_find_best_axis_ordering`."""
    if ndim < 2 or all(a.flags.c_contiguous for a in shadows):
        return None
    rows = [(0,) * (ndim - a.ndim) + tuple(0 if n == 1 else abs(s) for n, s in zip(a.shape, a.strides)) for a in shadows]
    order = list(range(ndim - 1, -1, -1))  # fastest first
    for i in range(1, ndim):
        axis, place = order[i], i
        for j in range(i - 1, -1, -1):
            other, ambiguous, swap = order[j], True, False
            for strides in rows:
                if strides[axis] and strides[other]:
                    if strides[other] <= strides[axis]:
                        swap = False
                    elif ambiguous:
                        swap = True
                    ambiguous = False
            if not ambiguous:
                if not swap:
                    break
                place = j
        order.insert(place, order.pop(i))
    return order[::-1]


def keep_order(a):
    """Axes, slowest first, of a copy with `order="K"`; None for C order."""
    if a.ndim < 2 or a.flags.c_contiguous:
        return None
    if a.flags.f_contiguous:
        return list(range(a.ndim))[::-1]
    return sorted(range(a.ndim), key=lambda k: -abs(a.strides[k]))


class Storage:
    """Elements that one or more arrays show, in one of three states: `known`, elements that do not depend on arguments;
    `array`, elements that a part of the trace has computed (or an argument's); or a node of what is still to be
    computed. A materialized storage has a node too once the graph reads it."""

    __slots__ = ("trace", "_node", "shape", "dtype", "argument", "written", "known", "array", "slot", "vague", "sealed", "entangled", "masks", "spare", "__weakref__")

    def __init__(self, trace, shape, dtype, node=None, known=None, argument=None, vague=False, array=None, slot=None):
        self.trace, self._node, self.shape, self.dtype = trace, node, tuple(shape), np.dtype(dtype)
        self.known, self.argument, self.written = known, argument, False
        #: The elements, once they are computed, and the place of the tape where a replay finds them.
        self.array, self.slot = array, slot
        #: True if NumPy's memory order of it is not modelled.
        self.vague = vague
        #: A reason why writing it would not be NumPy's meaning.
        self.sealed = None
        #: True if `array` shares memory with another storage's: NumPy writes it, at once.
        self.entangled = False
        #: Copies that selections by it as a mask share (`selection`), as pairs of view steps and a weak reference.
        self.masks = None
        #: True if only a selection has it: it may never be needed.
        self.spare = False
        trace.register(self)

    @property
    def pending(self):
        return self.array is None and self.known is None

    @property
    def node(self):
        if self._node is None:
            if self.array is not None:
                self._node = self.trace.source(self.slot, self.array)
            else:
                self._node = self.trace.constant(self.known)
        return self._node

    def update(self, node, known=None):
        if self.sealed:
            raise Abandon(self.sealed)
        if self.entangled:
            raise Values("assignment to memory that a result of NumPy's shares")
        self._node, self.known, self.array, self.slot, self.written, self.masks = node, known, None, None, True, None


#: Why an array, and its windows, may not be written: each is memory of its own here.
WINDOWS = "assignment to an array that is seen through sliding windows"


def element(a, parts):
    """`a[parts]`, always as an array: NumPy would read the one element of a shadow, which has no memory."""
    return a[parts] if any(p is Ellipsis for p in parts) else a[parts + (Ellipsis,)]


# View steps: ("index", parts), ("transpose", axes), ("reshape", before, after), ("part", "real" or "imag"), and two
# whose results NumPy does not let write: ("diagonal", offset, axis1, axis2), ("broadcast", shape).


def show(step, a):
    """A step on a NumPy array."""
    kind = step[0]
    if kind == "index":
        return element(a, step[1])
    if kind == "transpose":
        return a.transpose(step[1])
    if kind == "reshape":
        return a.reshape(step[2])
    if kind == "part":
        return getattr(a, step[1])
    if kind == "diagonal":
        return a.diagonal(*step[1:])
    return np.broadcast_to(a, step[1])


def read(trace, step, node):
    """A step on a node."""
    kind = step[0]
    if kind == "index":
        return trace.call("getitem", node, step[1])
    if kind == "transpose":
        return trace.call("transpose", node, step[1])
    if kind == "reshape":
        return trace.call("reshape", node, step[2])
    if kind == "part":
        return trace.call("elementwise", step[1], (node,))
    if kind == "diagonal":
        return trace.call("diagonal", node, *step[1:])
    return trace.call("broadcast_to", node, step[1])


def put(trace, step, node, new):
    """The node before a step, after the step's result was replaced by `new`."""
    kind = step[0]
    if kind == "index":
        return trace.call("setitem", node, step[1], new, "set")
    if kind == "transpose":
        inverse = [0] * len(step[1])
        for k, a in enumerate(step[1]):
            inverse[a] = k
        return trace.call("transpose", new, inverse)
    if kind == "reshape":
        return trace.call("reshape", new, step[1])
    if kind == "part":
        other = trace.call("elementwise", "imag" if step[1] == "real" else "real", (node,))
        parts = (new, other) if step[1] == "real" else (other, new)
        return trace.call("elementwise", "make_complex", parts)
    raise Break(f"assignment through a {kind} view")
