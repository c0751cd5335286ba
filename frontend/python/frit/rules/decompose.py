"""Decompositions: NumPy's own Python code runs on tracers.

Most of NumPy is Python over other parts of NumPy. Such a function needs no rule of its own: a copy of it runs, whose
global names stand for versions that know tracers. What converts or creates arrays gives arrays of the trace, helper
functions are copied in the same way, modules are looked through, and functions that dispatch on their arguments
come back to the rules by themselves.
"""

from __future__ import annotations

import functools
import operator
import types

import numpy as np
from numpy._core import _multiarray_umath, multiarray

from ..coverage import seen
from ..nested import mapped
from ..patch import original
from ..trace import current
from ..tracer import Tracer
from .arguments import abstract
from .convert import CONVERTERS, CREATORS, converted, created, scalar_of
from .table import MUTATE, RULES

_ufunc, _ndarray, _generic = np.ufunc, np.ndarray, np.generic
_Dispatcher = type(np.sum)

#: Copies, by the function they are of.
_copies: dict = {}


def decomposition(func):
    """The copy of a NumPy function that runs on tracers, or None if there is no Python code of NumPy's to run."""
    code = getattr(func, "_implementation", func)
    if func in OPAQUE or not isinstance(code, types.FunctionType) or not _numpys(code):
        return None
    if code.__module__ == "numpy._core.fromnumeric" and hasattr(_ndarray, code.__name__):
        # It calls the array's method, which is this function again.
        return None
    return copy_of(code)


def run(func, args, kwargs):
    """Runs a decomposition; arrays from outside are parameters in it, so that their elements are read at each call."""
    noted = seen()
    if noted is not None:
        noted.decomposed = True
    args, kwargs = mapped(_parameter, list(args)), mapped(_parameter, dict(kwargs))
    return func(*args, **kwargs)


def _parameter(x):
    if type(x) is not _ndarray or x.dtype.kind not in "biufc":
        return x
    trace = current()
    r = trace.fresh(trace.capture(x), scalar=False)
    r._frozen = r._s.sealed = "assignment to an array from outside of the function"
    return r


def _numpys(f):
    return (f.__module__ or "").partition(".")[0] == "numpy"


def copy_of(f):
    g = _copies.get(f)
    if g is None:
        names: dict = {"__builtins__": f.__globals__["__builtins__"], "__name__": f.__globals__.get("__name__")}
        g = _copies[f] = types.FunctionType(f.__code__, names, f.__name__, f.__defaults__, f.__closure__)
        g.__kwdefaults__, g.__qualname__, g.__module__ = f.__kwdefaults__, f.__qualname__, f.__module__
        for name in _names(f.__code__):
            if name in f.__globals__:
                names[name] = _replacement(f.__globals__[name])
    return g


def _names(code):
    """All names that a function, or one inside of it, may look up."""
    yield from code.co_names
    for c in code.co_consts:
        if isinstance(c, types.CodeType):
            yield from _names(c)


def _replacement(v):
    """What a global name of NumPy's code stands for in a copy."""
    v = original(v)
    if isinstance(v, types.BuiltinFunctionType):
        v = _behind().get(v, v)
    if isinstance(v, types.ModuleType):
        return _module(v) if v.__name__.partition(".")[0] == "numpy" else v
    try:
        if v in _SPECIAL:
            return _SPECIAL[v]
    except TypeError:
        return v
    if isinstance(v, types.FunctionType):
        return copy_of(v) if _numpys(v) else v
    if isinstance(v, _Dispatcher):
        return _dispatching(v)
    return v


@functools.lru_cache(None)
def _behind():
    """The functions that dispatch, by what they call in the end: some of NumPy's code takes that short cut."""
    return {f._implementation: f for f in vars(np).values() if isinstance(f, _Dispatcher)}


class _Module:
    """A module of NumPy as its decomposed functions see it."""

    def __init__(self, module):
        self.__dict__["_module"] = module

    def __getattr__(self, name):
        v = self.__dict__[name] = _replacement(getattr(self._module, name))
        return v


_module = functools.lru_cache(None)(_Module)


@functools.lru_cache(None)
def _dispatching(f):
    """A function that dispatches; without tracers among its arguments its results are arrays of the trace all the same,
    so that tracers can be stored in them."""

    @functools.wraps(f, updated=())
    def call(*args, **kwargs):
        return abstract(current(), f(*args, **kwargs))

    # The rules look functions up by identity.
    call.dispatcher = f
    return call


def dispatcher(func):
    """The public function behind what decomposed code calls."""
    return getattr(func, "dispatcher", func)


# What NumPy's compiled half does not do on tracers.


class _Converter:
    """`numpy._core._multiarray_umath._array_converter`."""

    def __init__(self, *args):
        self.given = args
        self.scalar_input = tuple(a._scalar if type(a) is Tracer else not isinstance(a, (_ndarray, list, tuple)) and np.ndim(a) == 0 for a in args)
        self.arrays = tuple(converted("asanyarray", a) for a in args)

    def __len__(self):
        return len(self.given)

    def __getitem__(self, k):
        return self.as_arrays(pyscalars="preserve")[k]

    def __iter__(self):
        return iter(self.as_arrays(pyscalars="preserve"))

    def as_arrays(self, *, subok=True, pyscalars="convert_if_no_array"):
        weak = [type(a) in (bool, int, float, complex) for a in self.given]
        if pyscalars == "convert" or pyscalars == "convert_if_no_array" and all(weak):
            return self.arrays
        return tuple(a if w else x for a, x, w in zip(self.given, self.arrays, weak))

    def result_type(self, extra_dtype=None, ensure_inexact=False):
        types_ = [x if type(x) in (bool, int, float, complex) else x.dtype for x in self.as_arrays(pyscalars="preserve")]
        if extra_dtype is not None:
            types_.append(extra_dtype)
        if ensure_inexact:
            types_.append(0.0)
        return np.result_type(*types_)

    def wrap(self, arr, /, to_scalar=None):
        if to_scalar or to_scalar is None and all(self.scalar_input):
            return scalar_of(arr)
        return arr


def _special(name, f):
    return functools.wraps(f)(lambda *args, **kwargs: created(name, args, kwargs))


def _converting(name, f):
    return functools.wraps(f)(lambda a, *args, **kwargs: converted(name, a, *args, **kwargs))


def _normalize_axis_index(axis, ndim, msg_prefix=None):
    return multiarray.normalize_axis_index(operator.index(axis), ndim, msg_prefix)


def _broadcast(*xs):
    """`numpy.broadcast`, for its shape."""
    shapes = [x.shape if type(x) is Tracer else np.shape(x) for x in xs]
    shape = np.broadcast_shapes(*shapes)
    size = 1
    for n in shape:
        size *= n
    return types.SimpleNamespace(shape=shape, ndim=len(shape), nd=len(shape), size=size)


def _compiled_interp(x, xp, fp, left=None, right=None):
    return RULES[np.interp](x, xp, fp, left, right)


def _of(name):
    return original(operator.attrgetter(name)(np))


_SPECIAL = {
    _multiarray_umath.interp: _compiled_interp,
    _multiarray_umath._array_converter: _Converter,
    multiarray.normalize_axis_index: _normalize_axis_index,
    np.broadcast: _broadcast,
}
_SPECIAL.update({_of(n): _special(n, _of(n)) for n in CREATORS})
_SPECIAL.update({_of(n): _converting(n, _of(n)) for n in CONVERTERS})

#: Functions whose Python code prints or writes files, those whose results are as large as elements say, and those that
#: write their arguments, which must be done wholly or not at all.
_FILES = {np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez, np.savez_compressed}
_SETS = {np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, np.intersect1d, np.setdiff1d, np.setxor1d, np.union1d}
OPAQUE = _FILES | _SETS | MUTATE | {np.trim_zeros}
