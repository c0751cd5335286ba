"""NumPy's functions as functions of lazy arrays."""

from __future__ import annotations

import functools
import inspect

import numpy as np

from ..lazy.array import Array, array, call, supported


def lazy(x):
    """NumPy's arrays as lazy ones; everything else as it is."""
    return array(x) if type(x) is np.ndarray and supported(x) else x


def function(f):
    """A function of NumPy that takes and gives lazy arrays."""

    @functools.wraps(f)
    def wrapped(*args, **kwargs):
        return call(f, tuple([lazy(x) for x in args]), kwargs)

    wrapped.__module__ = "frit.numpy"
    return wrapped


class Ufunc:
    """A `numpy.ufunc` on lazy arrays, with its methods."""

    def __init__(self, ufunc):
        self._ufunc = ufunc
        self.__name__, self.__doc__ = ufunc.__name__, ufunc.__doc__
        self.__qualname__, self.__module__ = ufunc.__name__, "frit.numpy"
        try:
            self.__signature__ = inspect.signature(ufunc)
        except ValueError:
            pass

    nin = property(lambda self: self._ufunc.nin)
    nout = property(lambda self: self._ufunc.nout)
    nargs = property(lambda self: self._ufunc.nargs)
    ntypes = property(lambda self: self._ufunc.ntypes)
    types = property(lambda self: self._ufunc.types)
    identity = property(lambda self: self._ufunc.identity)
    signature = property(lambda self: self._ufunc.signature)

    def _run(self, method, args, kwargs):
        if not any(type(x) is Array for x in args):
            args = tuple([array(x) if isinstance(x, (np.generic, np.ndarray, list, tuple)) and _is_array(x) else x for x in args])
        if any(type(x) is Array for x in args):
            return Array.__array_ufunc__(None, self._ufunc, method, *args, **kwargs)
        # Python's numbers alone: NumPy's answer, as an array.
        r = getattr(self._ufunc, method)(*args, **kwargs)
        if isinstance(r, tuple):
            return tuple(lazy(np.asarray(x)) for x in r)
        return lazy(np.asarray(r)) if isinstance(r, np.generic) else r

    def __call__(self, *args, **kwargs):
        return self._run("__call__", args, kwargs)

    def reduce(self, *args, **kwargs):
        """`numpy.ufunc.reduce`."""
        return self._run("reduce", args, kwargs)

    def accumulate(self, *args, **kwargs):
        """`numpy.ufunc.accumulate`."""
        return self._run("accumulate", args, kwargs)

    def reduceat(self, *args, **kwargs):
        """`numpy.ufunc.reduceat`."""
        return self._run("reduceat", args, kwargs)

    def outer(self, *args, **kwargs):
        """`numpy.ufunc.outer`."""
        return self._run("outer", args, kwargs)

    def at(self, a, indices, *b):
        """`numpy.ufunc.at`."""
        if type(a) is np.ndarray:
            return self._ufunc.at(a, indices, *b)
        return self._run("at", (a, indices, *b), {})

    def resolve_dtypes(self, *args, **kwargs):
        """`numpy.ufunc.resolve_dtypes`."""
        return self._ufunc.resolve_dtypes(*args, **kwargs)

    def __repr__(self):
        return f"<frit.numpy ufunc {self.__name__!r}>"


def _is_array(x):
    return supported(x if type(x) is np.ndarray else np.asarray(x))
