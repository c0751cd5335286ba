"""`ndarray.flat`."""

from __future__ import annotations

import numpy as np

from ..tracer import Tracer
from .arguments import array
from .indexing import put_flat, repeated


class Flat:
    """All elements of a traced array in C order. Reading gives copies; writing goes to the array, and what is written
    begins again when it is used up."""

    __slots__ = ("base",)

    def __init__(self, base):
        self.base = base

    def _elements(self):
        known, trace = self.base.known(), self.base._s.trace
        if known is not None:
            return trace.known(known.flatten())
        return trace.fresh(trace.call("reshape", self.base.node, (self.base.size,)), scalar=False)

    def __len__(self):
        return self.base.size

    def __iter__(self):
        elements = self._elements()
        return (elements[k] for k in range(self.base.size))

    def __getitem__(self, index):
        return self._elements()[index]

    def __setitem__(self, index, value):
        if type(index) is Tracer and index.known() is None and index.dtype.kind in "iu":
            at = index.ravel()
        else:
            at = array(np.arange(self.base.size)[index.known() if type(index) is Tracer else index]).ravel()
        if at.size:
            put_flat(self.base, at, repeated(self.base, value, np.arange(at.size)))

    def __array__(self, dtype=None, copy=None):
        return self[:].__array__(dtype)

    def copy(self):
        return self[:]


def flat(self):
    return Flat(self)


def assign(self, value):
    Flat(self)[:] = value


Tracer.flat = property(flat, assign, doc="All elements in C order.")
