"""`frit.Array`: an array that is computed when its elements are asked for."""

from __future__ import annotations

import html
import operator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import _frit, diagnostics, operators
from ..calls import Method, written
from ..errors import Break, FallbackError, local
from ..nested import leaves, mapped
from ..storage import Storage
from ..rules import function_call, nested, ufunc_call
from ..tracer import Tracer
from .compute import compute as _compute
from .compute import FINDINGS, computed
from .elements import Lazy, elements_of, export, lent, with_elements, within, writable
from .graph import LAZY, leaf

_PYTHON = (bool, int, float, complex)


class Array(Lazy):
    """A lazy array. It has a shape and an element type at once, and elements when they are asked for.

    NumPy's functions, operators, indexing, assignment and views mean what they mean for `numpy.ndarray`. What NumPy gives
    as a scalar is an array without axes here. Printing, `bool`, `float`, `int`, iteration, `numpy.asarray`, `compute()`, `item()`,
    `tolist()`, and whatever takes the memory (buffers, DLPack), compute it: all that it depends on in one program, once.
    What they give is read-only memory; copy it to write it.
    """

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = None

    def __init__(self, *args, **kwargs):
        raise TypeError("frit.array makes arrays")

    # What it is.

    dtype = property(lambda self: self._t.dtype)
    shape = property(lambda self: self._t.shape, lambda self, shape: _set_shape(self, shape))
    ndim = property(lambda self: self._t.ndim)
    size = property(lambda self: self._t.size)
    itemsize = property(lambda self: self._t.itemsize)
    nbytes = property(lambda self: self._t.nbytes)
    strides = property(lambda self: self._t.strides)
    device = property(lambda self: "cpu")
    flags = property(lambda self: elements_of(self).flags)
    base = property(lambda self: elements_of(self).base)
    ctypes = property(lambda self: export(self).ctypes)
    data = property(lambda self: memoryview(export(self)))

    def __len__(self):
        return len(self._t)

    def __array_namespace__(self, *, api_version=None):
        """`frit.numpy`, the namespace of the array API standard. ValueError for a version that it does not have."""
        from .. import numpy

        if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
            raise ValueError(f"frit.numpy has no version {api_version!r} of the array API standard")
        return numpy

    def to_device(self, device, /, *, stream=None):
        """The array itself: there is one device, "cpu". ValueError for another."""
        if device != "cpu" or stream is not None:
            raise ValueError(f"unsupported device {device!r}")
        return self

    # Values.

    def compute(self):
        """The elements, as a read-only `numpy.ndarray`."""
        return export(self)

    def to_numpy(self, dtype=None, copy=False):
        """The elements as `numpy.ndarray`, read-only unless copied: the name by which other libraries ask for it."""
        return self.__array__(dtype, copy)

    @property
    def computed(self) -> bool:
        """True if the elements are there."""
        return self._t._s.node.value is not None

    def __bool__(self):
        return bool(elements_of(self))

    def __int__(self):
        return int(elements_of(self))

    def __float__(self):
        return float(elements_of(self))

    def __complex__(self):
        return complex(elements_of(self))

    def __index__(self):
        return operator.index(elements_of(self))

    def item(self, *args):
        """An element as a Python number."""
        return elements_of(self).item(*args)

    def tolist(self):
        """The elements as nested lists of Python numbers."""
        return elements_of(self).tolist()

    def tobytes(self, order="C"):
        """The elements as bytes."""
        return elements_of(self).tobytes(order)

    def tofile(self, *args, **kwargs):
        """Writes the elements to a file, as `numpy.ndarray.tofile`."""
        return elements_of(self).tofile(*args, **kwargs)

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        computed(self._t._s.node)
        return (self[k] for k in range(self.shape[0]))

    def __contains__(self, x):
        return bool((self == x).any())

    def __repr__(self):
        return "Array" + repr(elements_of(self)).removeprefix("array")

    def __str__(self):
        return str(elements_of(self))

    def __format__(self, spec):
        return format(elements_of(self)[()] if not self.ndim else elements_of(self), spec)

    def _repr_html_(self):
        head = f"frit.Array {self.dtype.name}{list(self.shape)}"
        return f"<div><b>{html.escape(head)}</b><pre>{html.escape(str(self))}</pre></div>"

    # Protocols.

    def __array__(self, dtype=None, copy=None):
        a = export(self)
        if dtype is not None and np.dtype(dtype) != a.dtype:
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return a.astype(dtype)
        return a.copy() if copy else a

    @property
    def __array_interface__(self):
        return export(self).__array_interface__

    @property
    def __array_struct__(self):
        return export(self).__array_struct__

    def __buffer__(self, flags):
        return memoryview(export(self))

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        a = export(self)
        if max_version is None or max_version[0] < 1:
            # The old protocol has no way to say that memory is read-only: a copy, unless the caller wants none.
            a = lent(self, a) if copy is False else a.copy()
            copy = None
        elif copy:
            a, copy = a.copy(), None
        more = {} if max_version is None else {"max_version": max_version}
        if copy is not None:
            more["copy"] = copy
        return a.__dlpack__(stream=stream, dl_device=dl_device, **more)

    def __dlpack_device__(self):
        return (1, 0)

    def __array_wrap__(self, a, context=None, return_scalar=False):
        return a if type(a) is Array else array(a)

    def __reduce__(self):
        return _unpickle, (np.array(elements_of(self)),)

    def __deepcopy__(self, memo):
        return self.copy()

    # Indexing.

    def __getitem__(self, index):
        _check_positions(self.shape, index)
        return run(Tracer.__getitem__, Method("__getitem__"), (self, _positions(index)), {})

    def __setitem__(self, index, value):
        _check_positions(self.shape, index)
        run(Tracer.__setitem__, Method("__setitem__"), (self, index, value), {})

    def __delitem__(self, index):
        raise ValueError("cannot delete array elements")

    # Dispatch.

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return run(lambda *xs, **kw: ufunc_call(ufunc, method, xs, kw), getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        return call(func, args, kwargs)


class Flat:
    """All elements of an array in C order: reading gives copies, writing goes to the array."""

    __slots__ = ("base", "_next")
    __hash__ = None

    def __init__(self, base):
        self.base, self._next = base, 0

    index = property(lambda self: self._next)

    def __len__(self):
        return self.base.size

    def __iter__(self):
        return self

    def __next__(self):
        if self._next >= self.base.size:
            raise StopIteration
        self._next += 1
        return self[self._next - 1]

    def __getitem__(self, index):
        return run(lambda t, at: t.flat[at], lambda a, at: a.flat[at], (self.base, _positions(index)), {})

    def __setitem__(self, index, value):
        def traced(t, at, v):
            t.flat[at] = v

        def plain(a, at, v):
            a.flat[at] = v

        run(traced, plain, (self.base, _positions(index), value), {})

    def __array__(self, dtype=None, copy=None):
        return self.base.flatten().__array__(dtype, copy)

    def copy(self):
        """The elements as an array of one axis."""
        return self.base.flatten()


def _set_flat(x, value):
    Flat(x)[:] = value


def _set_shape(x, shape):
    def traced(t):
        t.shape = shape

    def plain(a):
        np.reshape(a, shape)
        raise AttributeError("Incompatible shape for in-place modification. Use `.reshape()` to make a copy")

    run(traced, plain, (x,), {})


def _positions(index):
    """An index with masks computed: what they select decides the shape of the result."""
    if type(index) is Array:
        return elements_of(index) if index.dtype.kind == "b" else index
    if type(index) is tuple:
        return tuple(elements_of(p) if type(p) is Array and p.dtype.kind == "b" else p for p in index)
    return index


def _check_positions(shape, index):
    """IndexError for lazy positions that are computed and out of bounds; others are found when they are computed."""
    parts = index if type(index) is tuple else (index,)
    if any(type(p) is Array and p.ndim and p.dtype.kind in "iu" for p in parts):
        if all(type(p) is not Array or p.computed or p.dtype.kind == "b" for p in parts):
            as_strided(np.zeros(1, bool), shape, (0,) * len(shape), writeable=False)[with_elements(index, {})]


# From arrays to tracers and back.


def of(tracer):
    """The array of a tracer of `LAZY`."""
    s = tracer._s
    if s.known is not None:
        # Known elements are folded by NumPy; those of an array are operands like others.
        s._node, s.known = s.node, None
    x = object.__new__(Array)
    x._t, x._exported = tracer, None
    return x


def array_of(a):
    """An array of elements that nobody else writes."""
    s = Storage(LAZY, a.shape, a.dtype, node=leaf(a))
    return of(Tracer(s, (), _shadow(a)))


def _shadow(a):
    """An array of the same strides without memory."""
    return as_strided(np.empty(1, a.dtype), a.shape, a.strides) if a.ndim else np.empty((), a.dtype)


def supported(a):
    """True if kernels take arrays like this one."""
    return type(a) is np.ndarray and _frit.readable(a)


def _tracers(x, given):
    """Nested arguments with the tracers of arrays; `given` is extended."""

    def tracer(y):
        if type(y) is not Array:
            return y
        given[id(y._t)] = y
        return y._t

    return mapped(tracer, x)


def _arrays(r, given):
    """Results with arrays in place of tracers, and of NumPy's numbers."""
    if isinstance(r, (list, tuple)):
        return mapped(lambda y: _arrays(y, given), r)
    if type(r) is Tracer:
        return given[id(r)] if id(r) in given else of(r)
    if isinstance(r, np.generic) and r.dtype.kind in "biufc" and supported(np.asarray(r)):
        return array_of(np.array(r))
    return r


class _Active:
    """Runs a block with `LAZY` as the trace of this thread."""

    __slots__ = ("before",)

    def __enter__(self):
        self.before = getattr(local, "trace", None)
        local.trace = LAZY

    def __exit__(self, *exc):
        local.trace = self.before


def run(traced, plain, args, kwargs, warn=True):
    """Calls `traced` on the tracers of arrays; where frit has no rule, `plain`, NumPy's own, on their values."""
    given: dict = {}
    try:
        with _Active():
            return _arrays(traced(*_tracers(args, given), **_tracers(kwargs, given)), given)
    except Break as e:
        broken = e
    except Exception as e:
        # What a rule trips over is NumPy's to word, or to do.
        broken = Break(f"{type(e).__name__}: {e}", error=True)
    r = through_numpy(plain, args, kwargs)
    if warn and not broken.error:
        _tell(broken)
    return r


def call(func, args, kwargs):
    """A function of NumPy on lazy arrays."""
    if func in DATA_DEPENDENT:
        return through_numpy(func, args, kwargs)
    return run(lambda *xs, **kw: function_call(func, xs, kw), func, args, kwargs)


#: Functions whose results have a size that elements decide: arguments are computed, and NumPy answers.
DATA_DEPENDENT = frozenset(getattr(np, _n) for _n in """nonzero argwhere flatnonzero unique unique_all unique_counts unique_inverse
unique_values extract compress trim_zeros union1d intersect1d setdiff1d setxor1d histogram_bin_edges bincount array_equal
array_equiv allclose may_share_memory shares_memory array_repr array_str array2string save savetxt""".split())


def _tell(broken):
    """One warning for each place and reason."""
    if (broken.place, broken.reason) not in FINDINGS.told:
        d = diagnostics.fallback(f"{broken.reason} (in {broken.place[2]}): it ran through NumPy on computed values", broken.place, 0)
        diagnostics.tell_fallback(d, FINDINGS.told, FINDINGS.limits, (broken.place, broken.reason))


# Values.


def compute(*arrays):
    """Computes several arrays by one program: a tuple of read-only `numpy.ndarray`."""
    _compute([x._t._s.node for x in arrays])
    return tuple(elements_of(x) for x in arrays)


def through_numpy(f, args, kwargs):
    """Calls `f` on computed values; arrays that it writes are written."""
    # Copies of the elements behind arrays that are written, by storage.
    copies: dict = {}
    for x in written(f, args, kwargs):
        if type(x) is Array:
            writable(x, copies)
    before = getattr(local, "trace", None)
    local.trace = None
    try:
        try:
            r = f(*with_elements(args, copies), **with_elements(kwargs, copies))
        except (ValueError, TypeError, RuntimeError) as e:
            if "read-only" not in str(e) and "readonly" not in str(e):
                raise
            # It writes others than are known: all are given to write. The first run has not changed anything.
            copies = {}
            for x in within((args, kwargs)):
                if type(x) is Array:
                    writable(x, copies)
            r = f(*with_elements(args, copies), **with_elements(kwargs, copies))
    finally:
        local.trace = before
    for s, a in copies.values():
        try:
            s.update(leaf(a))
        except Break as e:
            raise FallbackError(f"{e.reason}: frit has no memory for both to share; assign to a copy (`x.copy()`), or first") from None
    return _adopt(r, args, kwargs, copies)


def _adopt(r, args, kwargs, copies):
    """NumPy's results as arrays."""
    if isinstance(r, (list, tuple)):
        return mapped(lambda y: _adopt(y, args, kwargs, copies), r)
    if isinstance(r, np.generic) and r.dtype.kind in "biufc":
        r = np.asarray(r)
    if not supported(r):
        return r
    for x in within((args, kwargs)):
        if type(x) is np.ndarray:
            if r is x:
                return r
        elif id(x._t._s) in copies and np.may_share_memory(r, copies[id(x._t._s)][1]):
            if r.shape == x.shape:
                return x
    shared = any(type(x) is Array and np.may_share_memory(r, elements_of(x)) for x in within((args, kwargs)))
    y = array_of(r.copy() if shared or r.base is not None else r)
    if shared:
        # NumPy's result is a view, which this is not.
        y._t._frozen = "assignment to a view that frit has no rule for"
    return y


# Making arrays.


def array(a, dtype=None, *, copy=True):
    """A lazy array of what `numpy.array` takes, or of another lazy array.

    The elements are copied, as later changes of the original must not be seen. With `copy=False` an array that is lazy already
    is given back. TypeError for element types that frit does not have (objects, strings, dates, float16).
    """
    if type(a) is Array:
        if dtype is not None and np.dtype(dtype) != a.dtype:
            return a.astype(dtype)
        return a.copy() if copy else a
    if isinstance(a, (list, tuple)) and any(type(x) is Array for x in leaves(a)):
        return run(lambda t: nested(t, dtype), lambda t: np.array(t, dtype), (a,), {})
    r = np.array(a, dtype, order="K")
    if not supported(r):
        if r.dtype.kind in "biufc" and not r.dtype.isnative:
            return array_of(r.astype(r.dtype.newbyteorder("=")))
        raise TypeError(f"frit has no element type {r.dtype}")
    return array_of(r)


def _unpickle(a):
    return array_of(a)


# Operators and methods.


def _operator(ufunc, reflected):
    def method(self, other):
        if other is None or isinstance(other, (str, bytes)):
            return NotImplemented
        if getattr(type(other), "__array_ufunc__", self) is None:
            return NotImplemented
        if type(other) is Array or type(other) in _PYTHON:
            inputs = (other, self) if reflected else (self, other)
            return self.__array_ufunc__(ufunc, "__call__", *inputs)
        return ufunc(other, self) if reflected else ufunc(self, other)

    return method


def _in_place(ufunc):
    def method(self, other):
        if self._t._scalar:
            # NumPy's scalars are not changed: the name gets another one.
            return NotImplemented
        return self.__array_ufunc__(ufunc, "__call__", self, other, out=(self,))

    return method


def _unary(ufunc):
    return lambda self: self.__array_ufunc__(ufunc, "__call__", self)


def _forward(name):
    traced, plain = getattr(Tracer, name, None), Method(name)

    def missing(*args, **kwargs):
        raise Break(f"numpy.ndarray.{name} has no rule")

    def method(self, *args, **kwargs):
        return run(traced or missing, plain, (self, *args), kwargs)

    method.__name__, method.__doc__ = name, f"`numpy.ndarray.{name}`."
    return method


def _attribute(name):
    def get(self):
        return run(lambda t: getattr(t, name), lambda a: getattr(a, name), (self,), {})

    def put(self, value):
        run(lambda t, v: setattr(t, name, v), lambda a, v: setattr(a, name, v), (self, value), {})

    return property(get, put if name in ("real", "imag") else None, doc=f"`numpy.ndarray.{name}`.")


def _install():
    operators.install(Array, _operator, _unary, _in_place)

    def power(self, other):
        if other is None or isinstance(other, (str, bytes)):
            return NotImplemented
        return run(Tracer.__pow__, Method("__pow__"), (self, other), {})

    Array.__pow__ = power
    Array.__round__ = lambda self, n=0: call(np.round, (self, n or 0), {})
    methods = """all any argmax argmin argpartition argsort astype byteswap choose clip compress conj conjugate copy cumprod
    cumsum diagonal dot fill flatten max mean min nonzero partition prod put ravel repeat reshape resize round searchsorted
    setfield sort squeeze std sum swapaxes take trace transpose var view""".split()
    for name in methods:
        setattr(Array, name, _forward(name))
    Array.__copy__ = lambda self: self.copy()
    Array.flat = property(Flat, _set_flat, doc="`numpy.ndarray.flat`.")
    for name in ("T", "mT", "real", "imag"):
        setattr(Array, name, _attribute(name))


_install()
