"""Functions that the array API standard has and NumPy has not, or has with other parameters."""

from __future__ import annotations

import numpy as np

from ..lazy.array import Array, call
from .creation import asarray
from .wrap import lazy


def _order(f, x, axis, kind, order, descending, stable):
    x = lazy(x)
    if kind is None and order is None and stable is None:
        # The standard's default.
        stable = True
    if not descending:
        return call(f, (x,), {"axis": axis, "kind": kind, "order": order, "stable": stable})
    if order is not None:
        raise ValueError("descending order by fields is not supported")
    return None


def sort(x, /, axis=-1, kind=None, order=None, *, descending=False, stable=None):
    """A sorted copy along an axis; `axis=None` sorts the flat array."""
    r = _order(np.sort, x, axis, kind, order, descending, stable)
    return call(np.flip, (sort(x, axis),), {"axis": -1 if axis is None else axis}) if descending else r


def argsort(x, /, axis=-1, kind=None, order=None, *, descending=False, stable=None):
    """Positions that sort along an axis. Descending, equal elements keep their order too."""
    r = _order(np.argsort, x, axis, kind, order, descending, stable)
    if not descending:
        return r
    x = asarray(x)
    if axis is None:
        x, axis = x.reshape(-1), 0
    # Sorting the mirrored array and mirroring the positions back keeps the order of equal elements.
    r = call(np.flip, (argsort(call(np.flip, (x,), {"axis": axis}), axis, stable=True),), {"axis": axis})
    return x.shape[axis] - 1 - r


def clip(x, /, min=None, max=None, out=None, *, a_min=None, a_max=None, **kwargs):
    """Elements between `min` and `max`, either of which may be None."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return call(np.clip, (lazy(x),), {"min": lazy(low), "max": lazy(high), **({} if out is None else {"out": out}), **kwargs})


def meshgrid(*arrays, copy=True, sparse=False, indexing="xy"):
    """Matrices of coordinates: a list."""
    return list(call(np.meshgrid, tuple(lazy(x) for x in arrays), {"copy": copy, "sparse": sparse, "indexing": indexing}))


def broadcast_arrays(*arrays, subok=False):
    """All arrays in their common shape: a list."""
    return list(call(np.broadcast_arrays, tuple(asarray(x) for x in arrays), {}))


def astype(x, dtype, /, *, copy=True, device=None):
    """Another element type. TypeError for what is not an array of frit."""
    if type(x) is not Array:
        raise TypeError(f"Input should be a frit array. It is a {type(x)} instead.")
    if device not in (None, "cpu"):
        raise ValueError(f"unsupported device {device!r}")
    return x.astype(dtype, copy=copy)


def _type(x):
    return x.dtype if type(x) is Array else x


class finfo:
    """Limits of a floating-point type, or of an array's, as Python numbers."""

    def __init__(self, type):
        f = np.finfo(_type(type))
        self.bits, self.dtype = int(f.bits), f.dtype
        self.eps, self.max, self.min = float(f.eps), float(f.max), float(f.min)
        self.smallest_normal, self.tiny = float(f.smallest_normal), float(f.tiny)
        self.smallest_subnormal, self.epsneg, self.resolution = float(f.smallest_subnormal), float(f.epsneg), float(f.resolution)
        self.precision, self.nmant, self.nexp, self.maxexp, self.minexp = f.precision, f.nmant, f.nexp, f.maxexp, f.minexp

    def __repr__(self):
        return f"finfo(min={self.min}, max={self.max}, eps={self.eps}, dtype={self.dtype})"


class iinfo:
    """Limits of an integer type, or of an array's, as Python numbers."""

    def __init__(self, type):
        i = np.iinfo(_type(type))
        self.bits, self.min, self.max, self.dtype, self.kind = i.bits, int(i.min), int(i.max), i.dtype, i.kind

    def __repr__(self):
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def isscalar(element):
    """True for numbers of Python and NumPy; an array of frit without axes is none."""
    return np.isscalar(element)


NAMES = "sort argsort clip meshgrid broadcast_arrays astype finfo iinfo isscalar".split()
