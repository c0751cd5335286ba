"""Functions that make arrays."""

from __future__ import annotations

import operator

import numpy as np

from ..errors import Break
from ..lazy.array import Array, array, array_of, of, supported
from ..lazy.graph import LAZY, leaf


def _on(device):
    if device not in (None, "cpu"):
        raise ValueError(f"unsupported device {device!r}: frit.numpy has \"cpu\"")


def _shape(shape):
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(operator.index(n) for n in shape)
    if any(n < 0 for n in shape):
        raise ValueError("negative dimensions are not allowed")
    return tuple(int(n) for n in shape)


def _deferred(f, name, *args):
    """A function of the namespace; NumPy's `f()` where it does not serve."""
    try:
        return of(LAZY.fresh(LAZY.call(name, *args), scalar=False))
    except Break:
        return asarray(f())


def _filled(shape, value):
    """An array of one element again and again, which takes no memory before it is computed."""
    if not supported(value):
        return np.full(_shape(shape), value)
    shape = _shape(shape)
    return _deferred(lambda: np.full(shape, value), "full", shape, leaf(value), None)


def asarray(obj, /, dtype=None, order=None, *, device=None, copy=None, like=None):
    """An array of numbers, nested sequences or another array.

    Elements of a `numpy.ndarray` are copied: `copy=False` is a ValueError but for arrays of frit.
    """
    _on(device)
    if type(obj) is Array:
        if dtype is not None and np.dtype(dtype) != obj.dtype:
            if copy is False:
                raise ValueError("another element type needs a copy")
            return obj.astype(dtype)
        return obj.copy() if copy else obj
    if copy is False:
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    if dtype is not None and not _has(dtype):
        return np.array(obj, dtype)
    try:
        return array(obj, dtype)
    except TypeError as e:
        if "frit has no element type" in str(e):
            # Strings, objects: NumPy's arrays, which frit's functions hand to NumPy.
            return np.array(obj, dtype)
        raise


def _has(dtype):
    dtype = np.dtype(dtype)
    return dtype.kind in "biufc" and supported(np.empty(0, dtype.newbyteorder("=")))


def array_(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, like=None):
    """`numpy.array` as a lazy array."""
    r = asarray(object, dtype, copy=bool(copy) if type(object) is Array else None)
    return r if r.ndim >= ndmin else r.reshape((1,) * (ndmin - r.ndim) + r.shape)


def asanyarray(a, dtype=None, order=None, *, device=None, copy=None, like=None):
    """`asarray`."""
    return asarray(a, dtype, order, device=device, copy=copy)


def ascontiguousarray(a, dtype=None, *, like=None):
    """`asarray` with at least one axis."""
    r = asarray(a, dtype)
    return r if r.ndim else r.reshape(1)


def from_dlpack(x, /, *, device=None, copy=None):
    """An array of another library's, copied. ValueError for `copy=False` or another device."""
    _on(device)
    if type(x) is Array:
        return x.copy() if copy else x
    if copy is False:
        raise ValueError("frit copies the elements of other libraries' arrays")
    return array(np.from_dlpack(x))


def zeros(shape, dtype=float, order="C", *, device=None, like=None):
    """Zeros."""
    _on(device)
    return _filled(shape, np.zeros((), dtype or float))


def empty(shape, dtype=float, order="C", *, device=None, like=None):
    """Zeros: frit has no memory before there are elements."""
    return zeros(shape, dtype, device=device)


def ones(shape, dtype=None, order="C", *, device=None, like=None):
    """Ones."""
    _on(device)
    return _filled(shape, np.ones((), dtype or float))


def full(shape, fill_value, dtype=None, order="C", *, device=None, like=None):
    """One value again and again; of its type, if no other is given."""
    _on(device)
    if type(fill_value) is Array:
        value = fill_value if dtype is None else fill_value.astype(dtype)
        from .. import numpy

        return numpy.broadcast_to(value, _shape(shape)).copy()
    value = np.asarray(fill_value, dtype)
    return _filled(shape, value) if not value.ndim else asarray(np.full(shape, value))


def _like(make):
    def like(x, /, *args, dtype=None, order="K", subok=True, shape=None, device=None):
        x = asarray(x)
        return make(x.shape if shape is None else shape, *args, x.dtype if dtype is None else dtype, device=device)

    return like


def zeros_like(x, /, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """Zeros of another array's shape and type."""
    return _like(zeros)(x, dtype=dtype, shape=shape, device=device)


def ones_like(x, /, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """Ones of another array's shape and type."""
    return _like(ones)(x, dtype=dtype, shape=shape, device=device)


def empty_like(x, /, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """Zeros of another array's shape and type."""
    return _like(zeros)(x, dtype=dtype, shape=shape, device=device)


def full_like(x, /, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """One value again and again, of another array's shape and type."""
    return _like(full)(x, fill_value, dtype=dtype, shape=shape, device=device)


def arange(start, /, stop=None, step=1, dtype=None, *, device=None, like=None):
    """Numbers from `start` up to `stop` without it, `step` apart; one argument is `stop`."""
    _on(device)
    if stop is None:
        start, stop = 0, start
    if all(type(n) is int for n in (start, stop, step)) and step and abs(start) + abs(stop) < 1 << 62 and dtype in (None, int, np.int64):
        return _deferred(lambda: np.arange(start, stop, step), "arange", start, stop, step, "int64")
    return asarray(np.arange(start, stop, step, dtype))


def linspace(start, stop, /, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    """`num` numbers from `start` to `stop`."""
    _on(device)
    from .wrap import call

    if type(start) is Array or type(stop) is Array:
        return call(np.linspace, (start, stop, num, endpoint, retstep, dtype, axis), {})
    r = np.linspace(start, stop, num, endpoint, retstep, dtype, axis)
    return (asarray(r[0]), r[1]) if retstep else asarray(r)


def eye(n_rows, n_cols=None, /, k=0, dtype=float, order="C", *, device=None, like=None):
    """Ones on a diagonal, zeros elsewhere."""
    _on(device)
    n = operator.index(n_rows)
    m = n if n_cols is None else operator.index(n_cols)
    if n < 0 or m < 0 or not _has(dtype or float):
        return asarray(np.eye(n, m, k, dtype or float))
    return _deferred(lambda: np.eye(n, m, k, dtype or float), "eye", n, m, operator.index(k), np.dtype(dtype or float).name)


def eye_numpy(N, M=None, k=0, dtype=float, order="C", *, device=None, like=None):
    """`numpy.eye`, whose sizes have names."""
    return eye(N, M, k, dtype, device=device)


def identity(n, dtype=None, *, like=None):
    """Ones on the diagonal, zeros elsewhere."""
    return eye(n, dtype=dtype or float)


def fromfunction(function, shape, *, dtype=float, like=None, **kwargs):
    """`numpy.fromfunction` on lazy coordinates."""
    return function(*[array_of(g.copy()) for g in np.indices(shape, dtype=dtype)], **kwargs)


NAMES = """asarray asanyarray ascontiguousarray from_dlpack zeros empty ones full zeros_like ones_like empty_like full_like
arange linspace eye identity fromfunction""".split()
