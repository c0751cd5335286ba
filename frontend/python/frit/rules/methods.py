"""Methods of arrays that are functions of the namespace."""

from __future__ import annotations

import numpy as np

from ..tracer import Tracer
from .arguments import given
from .convert import copied


def _methods():
    names = "sum prod mean var std any all argmin argmax cumsum cumprod clip round take trace repeat choose searchsorted dot argsort ptp"
    for name in names.split():
        f = getattr(np, name)

        def method(self, *args, _f=f, **kwargs):
            return _f(self, *args, **kwargs)

        setattr(Tracer, name, method)
    for name in ("max", "min"):
        def method(self, axis=None, out=None, keepdims=False, initial=np._NoValue, where=True, _f=getattr(np, name)):
            kwargs = {"axis": axis, "out": out, "keepdims": keepdims}
            if given(initial):
                kwargs["initial"] = initial
            if where is not True:
                kwargs["where"] = where
            return _f(self, **kwargs)

        setattr(Tracer, name, method)
    # Of real numbers: the array itself.
    Tracer.conj = Tracer.conjugate = lambda self, out=None: np.conjugate(self, out) if self.dtype.kind == "c" or out is not None else self
    Tracer.copy = lambda self, order="C": self if self._scalar else copied(self, order)
    Tracer.__copy__ = lambda self: Tracer.copy(self, "K")
    Tracer.__deepcopy__ = lambda self, memo: Tracer.copy(self, "K")
    # What NumPy's own code does to its results for the sake of subclasses.
    Tracer.__array_wrap__ = lambda self, arr, context=None, return_scalar=False: arr[()] if return_scalar and not arr.ndim else arr
    Tracer.compress = lambda self, condition, axis=None, out=None: np.compress(condition, self, axis, out)
    Tracer.nonzero = lambda self: np.nonzero(self)
    Tracer.__round__ = lambda self, n=0: np.round(self, n or 0)


_methods()
