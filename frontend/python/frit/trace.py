"""One run of a function on tracers."""

from __future__ import annotations

import numpy as np

from . import _frit
from .errors import Break, local, user_place
from .storage import Storage, keep_order, shadow
from .tracer import Tracer


#: NumPy's own, also while `numpy` is patched.
_ascontiguousarray = np.ascontiguousarray


class Trace:
    """A graph under construction, and what the function did to its arguments."""

    def __init__(self, name):
        self.builder = _frit.Builder(name)
        self.broken = None
        self.inputs = 0
        #: Arrays that the function took from its surroundings: further parameters, read anew at each call.
        self.captured = []
        self._captured = {}

    def call(self, name, *args):
        """A function of the namespace on nodes. Whatever does not fit ends the trace: NumPy says what is wrong."""
        self.builder.at(*user_place())
        try:
            return self.builder.call(name, *args)
        except Exception as e:
            raise Break(f"{name}: {e}", error=True) from None

    def type(self, node):
        return self.builder.type(node)

    def constant(self, a):
        """A node for known elements."""
        a = _ascontiguousarray(a).reshape(a.shape)
        if a.size > 16:
            first = a.reshape(-1)[:1].view(np.uint8)
            if not np.any(a.reshape(-1, 1).view(np.uint8).reshape(a.size, -1) != first):
                one = self.builder.literal(a.reshape(-1)[0:1].reshape(()).copy())
                return self.call("full", a.shape, one, None)
        return self.builder.literal(a)

    def parameter(self, dtype, shape):
        self.inputs += 1
        return self.builder.input(f"x{self.inputs - 1}", np.dtype(dtype).name, list(shape))

    def argument(self, position, a):
        """A tracer for an argument; `a` is the caller's array, or a shadow."""
        s = Storage(self, a.shape, a.dtype, node=self.parameter(a.dtype, a.shape), argument=position)
        return Tracer(s, (), a, scalar=False)

    def capture(self, a):
        """A node for an array from outside: a parameter, so that later changes of its elements are seen."""
        if type(a) is not np.ndarray or not _frit.readable(a):
            raise Break(f"an array of type {type(a).__name__}, {a.dtype}")
        if id(a) not in self._captured:
            self._captured[id(a)] = self.parameter(a.dtype, a.shape)
            self.captured.append(a)
        return self._captured[id(a)]

    def fresh(self, node, axes=None, scalar=None, vague=False):
        """A new array of a node; without axes a NumPy scalar, as NumPy's functions return."""
        dtype, shape = self.type(node)
        s = Storage(self, shape, dtype, node=node, vague=vague and len(shape) > 1)
        return Tracer(s, (), shadow(shape, dtype, axes), scalar=not shape if scalar is None else scalar)

    def known(self, a, scalar=False):
        """A new array of known elements."""
        if a.dtype.kind not in "biufc" or a.dtype.itemsize > 16 or a.dtype in (np.float16, np.longdouble) or not a.dtype.isnative:
            return a
        return Tracer(Storage(self, a.shape, a.dtype, known=a), (), shadow(a.shape, a.dtype, keep_order(a)), scalar=scalar)


def current():
    """The trace that runs in this thread, or None."""
    return getattr(local, "trace", None)
