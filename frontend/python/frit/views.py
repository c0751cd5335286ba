"""What shows the elements of a traced array in another shape or order: views of its memory, where NumPy gives views."""

from __future__ import annotations

import operator

import numpy as np

from .errors import Break
from .sizes import Size, Unsized
from .sizes import index as index_of
from .storage import shadow

#: NumPy's own, also while `numpy` is patched.
_zeros = np.zeros


class Views:
    """The methods of `Tracer` for views; `Tracer` has what they are made of (`_view`, `_copy`, `_write`)."""

    __slots__ = ()

    def reshape(self, *shape, order="C", copy=None):
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
        shape = tuple(index_of(n) for n in (shape if isinstance(shape, (tuple, list)) else (shape,)))
        if order in ("A", "K") and not self._a.flags.f_contiguous or self.ndim < 2 and len(shape) < 2:
            order = "C"
        trace = self._s.trace
        if order != "C":
            if order == "F" and self._steps == () and self._s.vague:
                raise Break("reshape in Fortran order of a result whose memory order is not modelled")
            return self.T.reshape(shape[::-1]).T
        full = self._full_shape(shape)
        if full == self.shape:
            return self._view(("index", (Ellipsis,)))
        view = np_view(self._a, full)
        if view is None or self._s.vague:
            r = self._copy() if self.known() is not None else None
            if r is not None:
                return type(self)(r._s, (("reshape", r.shape, full),), shadow(full, self.dtype))
            r = trace.fresh(trace.call("reshape", self.node, full), scalar=False)
            if self._s.vague:
                why = "assignment where a view and a copy differ, and NumPy's memory order is not modelled"
                r._frozen = r._s.sealed = self._s.sealed = why
            return r
        r = type(self)(self._s, self._steps + (("reshape", self.shape, full),), view)
        r._frozen = self._frozen
        return r

    def _full_shape(self, shape):
        if -1 in shape:
            rest = 1
            for n in shape:
                rest *= n if n != -1 else 1
            if type(self.size % rest) is Size:
                raise Unsized(f"a reshape of {self.size} elements into rows of {rest}", sorted(self._s.trace.sizes))
            if rest and self.size % rest == 0 and shape.count(-1) == 1:
                shape = tuple(self.size // rest if n == -1 else n for n in shape)
        count = 1
        for n in shape:
            count *= n
        if (type(count) is Size or type(self.size) is Size) and type(count - self.size) is Size:
            raise Unsized(f"a reshape of {self.size} elements into {shape}", sorted(self._s.trace.sizes))
        if count != self.size or any(n < 0 for n in shape):
            raise Break(f"cannot reshape array of size {self.size} into shape {shape}", error=True)
        return shape

    def transpose(self, *axes):
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
            axes = axes[0]
        if self._scalar:
            return self
        if not axes:
            axes = range(self.ndim - 1, -1, -1)
        axes = tuple(operator.index(a) for a in axes)
        if len(axes) != self.ndim or any(not -self.ndim <= a < self.ndim for a in axes):
            raise Break("axes don't match array", error=True)
        axes = tuple(a % self.ndim for a in axes)
        if self.ndim < 2:
            return self._view(("index", (Ellipsis,)))
        return self._view(("transpose", axes))

    T = property(lambda self: self.transpose())
    mT = property(lambda self: self.swapaxes(-1, -2) if self.ndim >= 2 else self._view(("transpose", (0, 1))))

    def swapaxes(self, a, b):
        axes = list(range(self.ndim))
        try:
            axes[a], axes[b] = axes[b], axes[a]
        except IndexError as e:
            raise Break(str(e), error=True) from None
        return self.transpose(axes)

    def ravel(self, order="C"):
        return self.reshape(-1, order=order) if self.ndim != 1 or order != "C" else self._view(("index", (Ellipsis,)))

    def flatten(self, order="C"):
        return self.reshape(-1, order=order)._copy()

    def squeeze(self, axis=None):
        try:
            shape = self.reduced(np.squeeze(self._a, axis).shape)
        except Exception as e:
            raise Break(str(e), error=True) from None
        return self._view(("reshape", self.shape, shape)) if not self._scalar else self

    def reduced(self, shape):
        """A shape that NumPy gives the shadow without some axes of one element, or with more of them, with this one's names."""
        if self._s.trace.sizes is None:
            return shape
        rest = iter([n for n in self.shape if type(n) is Size or n != 1])
        return tuple([next(rest) if n != 1 else 1 for n in shape])

    def diagonal(self, offset=0, axis1=0, axis2=1):
        return self._view(("diagonal", offset, axis1, axis2))

    def view(self, dtype=None, type=None):
        if dtype is None or dtype is np.ndarray or dtype == self.dtype:
            return self._view(("index", (Ellipsis,)))
        raise Break("ndarray.view of another type")

    @property
    def real(self):
        return self._view(("part", "real")) if self.dtype.kind == "c" else self

    @real.setter
    def real(self, value):
        self.real._write(value)

    @property
    def imag(self):
        if self.dtype.kind == "c":
            return self._view(("part", "imag"))
        r = self._s.trace.known(_zeros(self.shape, self.dtype), scalar=self._scalar)
        r._frozen = "assignment to the imaginary part of a real array"
        return r

    @imag.setter
    def imag(self, value):
        self.imag._write(value)

    @property
    def flat(self):
        return self.reshape(-1) if self._a.flags.c_contiguous else self._s.trace.escape(self, "numpy.ndarray.flat").flat

    @flat.setter
    def flat(self, value):
        self._write(value)


def np_view(a, shape):
    """`a` in another shape without a copy, or None."""
    try:
        return a.reshape(shape, copy=False)
    except ValueError:
        return None
