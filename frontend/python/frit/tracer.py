"""The array of a trace: what a traced function sees in place of `numpy.ndarray`."""

from __future__ import annotations

import math
import operator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import _frit, operators
from .errors import Abandon, Break, Values, local
from .sizes import WEAK, Real, Size, Unsized, as_integer, asked_inside
from .sizes import index as index_of
from .storage import element, put, read, show
from .views import Views

_PYTHON = (bool, int, float, complex)
#: NumPy's own, also while `numpy` is patched.
_asarray, _array, _zeros = np.asarray, np.array, np.zeros


class Tracer(Views):
    """An array whose elements are not known yet. Type, shape and strides are; so is what it shares memory with."""

    __slots__ = ("_s", "_steps", "_a", "_scalar", "_frozen", "__weakref__")
    __array_priority__ = 1000.0
    __hash__ = None

    def __init__(self, storage, steps, a, scalar=False):
        self._s, self._steps, self._a, self._scalar, self._frozen = storage, steps, a, scalar, None

    # What it is.

    @property
    def __class__(self):
        # `isinstance(x, np.ndarray)` holds, as it does for the array that this stands for.
        return self._a.dtype.type if self._scalar else np.ndarray

    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    itemsize = property(lambda self: self._a.itemsize)
    strides = property(lambda self: self._a.strides)
    flags = property(lambda self: self._a.flags)

    @property
    def shape(self):
        return self._a.shape if self._s.trace.sizes is None else self._s.trace.shape_of(self)

    @property
    def size(self):
        return self._a.size if self._s.trace.sizes is None else math.prod(self.shape)

    nbytes = property(lambda self: self.size * self.itemsize)

    @shape.setter
    def shape(self, shape):
        if self._s.argument is not None and not self._steps:
            raise Abandon("another shape given to an argument")
        r = self.reshape(shape)
        if r._s is not self._s:
            raise AttributeError("Incompatible shape for in-place modification. Use `.reshape()` to make a copy")
        self._steps, self._a = r._steps, r._a

    #: As NumPy's arrays have: libraries that ask which namespace an array is of are told `numpy`.
    device = "cpu"

    def __array_namespace__(self, *, api_version=None):
        return np

    def to_device(self, device, /, *, stream=None):
        return self

    # Values.

    @property
    def node(self):
        n = self._s.node
        for step in self._steps:
            n = read(self._s.trace, step, n)
        return n

    def known(self):
        """The elements, if they do not depend on arguments."""
        a = self._s.known
        if a is not None:
            for step in self._steps:
                a = show(step, a)
        return a

    def _decided(self, what, kind="value"):
        """The elements, on which Python decides."""
        a = self.known()
        return self._s.trace.decide(kind, self, f"{what} of a traced array") if a is None else a

    _value = _decided

    def __bool__(self):
        return bool(self._decided("bool()", "truth"))

    def _one(self):
        """NumPy's error where a number is asked of an array."""
        if self.ndim:
            raise TypeError("only 0-dimensional arrays can be converted to Python scalars")

    def __int__(self):
        self._one()
        return int(self._decided("int()"))

    def __float__(self):
        self._one()
        return float(self._decided("float()"))

    def __complex__(self):
        self._one()
        return complex(self._decided("complex()"))

    def __index__(self):
        return operator.index(self._decided("index()")[()])

    def __array__(self, dtype=None, copy=None):
        a = self._s.trace.escape(self, "numpy.ndarray of a traced array")
        return a.astype(dtype) if dtype is not None and dtype != a.dtype else a.copy() if copy else a

    def item(self, *args):
        return self._decided("item()").item(*args)

    def tolist(self):
        return self._decided("tolist()").tolist()

    def __repr__(self):
        return self._printed(repr, f"Tracer({self.dtype}{list(self.shape)})")

    def __str__(self):
        return self._printed(str, f"Tracer({self.dtype}{list(self.shape)})")

    def __format__(self, spec):
        return self._printed(lambda a: format(a, spec), "Tracer")

    def _printed(self, show, otherwise):
        if getattr(local, "trace", None) is not self._s.trace or not self._s.trace.running:
            return otherwise
        a = self._s.trace.escape(self, "the text of a traced array")
        return show(a[()] if self._scalar else a)

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of unsized object")
        n = self.shape[0]
        if type(n) is Size and not asked_inside():
            raise Unsized("len() (where `.shape[0]` would do)", n.dim.names())
        return n if type(n) is int else n.witness

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        if type(self.shape[0]) is Size:
            raise Unsized("a loop over an array", self.shape[0].dim.names())
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, x):
        return bool((self == x).any())

    def __getattr__(self, name):
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            return getattr(self._s.trace.escape(self, f"numpy.ndarray.{name}"), name)
        raise AttributeError(f"'numpy.ndarray' object has no attribute '{name}'")

    # Views and elements.

    def _view(self, step):
        try:
            a = show(step, self._a)
        except Exception as e:
            raise Break(str(e), error=True) from None
        r = Tracer(self._s, self._steps + (step,), a)
        r._frozen = self._frozen
        return r

    def _copy(self, scalar=False):
        s = self._s
        known = self.known()
        if known is not None:
            return known[()] if scalar else s.trace.known(known.copy())
        return s.trace.fresh(self.node, scalar=scalar)

    def __getitem__(self, index):
        parts, advanced = parse(self, index)
        if not advanced:
            try:
                one = not element(self._a, parts).ndim and not any(p is Ellipsis for p in parts)
            except Exception as e:
                raise Break(str(e), error=True) from None
            if one:
                return self._view(("index", parts))._copy(scalar=True)
            return self._view(("index", parts))
        known = self.known()
        if known is not None and all(not isinstance(p, Tracer) or p.known() is not None for p in parts):
            r = known[tuple(p.known() if isinstance(p, Tracer) else p for p in parts)]
            return self._s.trace.known(r) if isinstance(r, np.ndarray) else r
        trace = self._s.trace
        if any(type(p) is Tracer and p.dtype.kind == "b" for p in parts):
            raise Values("the size of a masked selection depends on elements")
        r = trace.fresh(trace.call("getitem", self.node, nodes(parts)), vague=not self._a.flags.c_contiguous)
        if any(isinstance(p, Tracer) and not p.ndim for p in parts) and not r._scalar:
            # One traced position: NumPy gives a view, which this is not.
            r._frozen = r._s.sealed = "assignment to a view at a traced position"
        return r

    def __setitem__(self, index, value):
        parts, advanced = parse(self, index)
        if not self._a.flags.writeable:
            raise Break("assignment destination is read-only", error=True)
        if not advanced:
            try:
                element(self._a, parts)
            except Exception as e:
                raise Break(str(e), error=True) from None
            self._view(("index", parts))._write(value)
            return
        trace = self._s.trace
        flat = [p for p in parts if isinstance(p, Tracer)]
        known = self.known()
        v = constant(value)
        if known is not None and v is not None and all(p.known() is not None for p in flat):
            new = known.copy()
            new[tuple(p.known() if isinstance(p, Tracer) else p for p in parts)] = v
            self._assign(None, new)
            return
        try:
            node = trace.call("setitem", self.node, nodes(parts), self._cast(value), "set")
        except Break as e:
            if any(p.dtype.kind == "b" for p in flat) and np.ndim(value):
                raise Values(e.reason) from None
            raise
        self._assign(node)

    def _cast(self, value):
        """A value to be stored: an operand of this array's type."""
        trace = self._s.trace
        if type(value) in WEAK:
            if type(value) is Real and self.dtype.kind not in "fc":
                raise Unsized(f"a float stored in {self.dtype}", sorted(trace.sizes))
            return trace.call("cast", as_integer(trace, value) if type(value) is Size else value.node, self.dtype.name)
        v = operand(trace, value)
        if isinstance(v, _PYTHON):
            kind = "biufc".index(self.dtype.kind)
            if isinstance(v, complex) and kind < 4 or isinstance(v, int) and not isinstance(v, bool) and self.dtype.kind in "iu" and not np.iinfo(self.dtype).min <= v <= np.iinfo(self.dtype).max:
                raise Break(f"storing {v!r} in {self.dtype}", error=True)
            return trace.constant(_asarray(v, dtype=self.dtype)) if self.dtype.kind != "b" else trace.constant(_asarray(bool(v)))
        if trace.type(v)[0].startswith("complex") and self.dtype.kind != "c":
            raise Break("storing complex numbers in a real array", error=True)
        return trace.call("cast", v, self.dtype.name)

    def _write(self, value):
        """`self[...] = value`."""
        trace = self._s.trace
        v = constant(value)
        known = self.known()
        if known is not None and v is not None:
            new = known.copy()
            new[...] = v
            self._assign(None, new)
            return
        v = self._cast(value)
        shape = trace.type(v)[1]
        while len(shape) > self.ndim and shape[0] == 1:
            shape = shape[1:]
            v = trace.call("reshape", v, shape)
        self._assign(trace.call("broadcast_to", v, self.shape))

    def _assign(self, node, known=None):
        """Replaces all elements of this view."""
        if self._frozen:
            raise Abandon(self._frozen)
        if not self._a.flags.writeable:
            raise Break("assignment destination is read-only", error=True)
        s, trace = self._s, self._s.trace
        if known is not None:
            if s.known is None:
                node = trace.constant(known)
            else:
                whole = s.known.copy()
                part = whole
                for step in self._steps:
                    part = show(step, part)
                if np.may_share_memory(part, whole) or not whole.size:
                    part[...] = known
                    s.update(None, whole)
                    return
                node = trace.constant(known)
        chain = [s.node]
        for step in self._steps[:-1]:
            chain.append(read(trace, step, chain[-1]))
        for step, before in zip(reversed(self._steps), reversed(chain)):
            node = put(trace, step, before, node)
        s.update(node)

    def __delitem__(self, index):
        raise ValueError("cannot delete array elements")

    @property
    def base(self):
        raise Abandon("numpy.ndarray.base")

    def copy(self, order="C"):
        return self if self._scalar else self._copy()

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def astype(self, dtype, order="K", casting="unsafe", subok=True, copy=True):
        dtype = np.dtype(dtype)
        if dtype == self.dtype and not copy:
            return self
        known = self.known()
        trace = self._s.trace
        if known is not None:
            r = known.astype(dtype)
            return r[()] if self._scalar else trace.known(r)
        if casting != "unsafe" and not np.can_cast(self.dtype, dtype, casting):
            raise Break(f"Cannot cast array data from {self.dtype} to {dtype} according to the rule '{casting}'", error=True)
        if self.dtype.kind == "c" and dtype.kind not in "cb":
            raise Break("a complex array cast to real", error=True)
        return trace.fresh(trace.call("cast", self.node, dtype.name), scalar=self._scalar, vague=not self._a.flags.c_contiguous)

    def fill(self, value):
        self._write(value)

    def put(self, *args, **kwargs):
        return np.put(self, *args, **kwargs)

    def sort(self, axis=-1, kind=None, order=None):
        from .rules import RULES

        self._write(RULES[np.sort](self, axis=axis, kind=kind, order=order))

    # Dispatch.

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        from .calls import apply_ufunc

        return apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        from .calls import apply_function

        return apply_function(func, args, kwargs)


def parse(x, index):
    """The parts of an index, with arrays as tracers; True if there is an array among them."""
    trace, parts, advanced = x._s.trace, [], False
    for p in index if isinstance(index, tuple) else (index,):
        if type(p) is np.ndarray:
            # From outside: read anew at each call; but its size must not depend on elements.
            if p.dtype.kind in "iu" and p.ndim and p.size and _frit.readable(p):
                parts.append(Tracer(trace.outside(p), (), p))
                advanced = True
                continue
            if p.size:
                trace.forgo("an index that is an array from outside")
        if type(p) is Tracer:
            if p.known() is not None:
                p = p.known()
                p = p[()] if not p.ndim else p
            elif p.dtype.kind == "b" or p.dtype.kind in "iu":
                parts.append(p)
                advanced = True
                continue
            else:
                raise Break("arrays used as indices must be of integer (or boolean) type", error=True)
        if p is None or p is Ellipsis:
            parts.append(p)
        elif isinstance(p, slice):
            bounds = [None if v is None else index_of(v) for v in (p.start, p.stop, p.step)]
            parts.append(slice(*bounds))
        elif isinstance(p, (bool, np.bool_)):
            raise Break("an index that is True or False")
        elif isinstance(p, (list, np.ndarray)) or isinstance(p, tuple):
            a = array_of(p)
            if type(a) is Tracer:
                parts.append(a)
            elif a.dtype.kind == "b":
                parts.append(trace.known(_asarray(a)))
            elif a.dtype.kind in "iu" or not a.size:
                parts.append(trace.known(a.astype(np.int64)))
            else:
                raise Break("arrays used as indices must be of integer (or boolean) type", error=True)
            advanced = True
        else:
            try:
                parts.append(index_of(p))
            except TypeError as e:
                raise Break(str(e), error=True) from None
    if trace.sizes is not None:
        parts = _from_front(x, parts)
    if advanced:
        _check_positions(x.shape, parts)
    masks = [p for p in parts if type(p) is Tracer and p.dtype.kind == "b"]
    if masks and all(m.known() is not None for m in masks):
        split = []
        for p in parts:
            split.extend(trace.known(i) for i in p.known().nonzero()) if any(p is m for m in masks) else split.append(p)
        parts = split
    return tuple(parts), advanced


def _from_front(x, parts):
    """The parts of an index where bounds with names do not count from the end: `x[:-n]` as `x[:len(x) - n]`."""
    axes = [p.ndim if type(p) is Tracer and p.dtype.kind == "b" else int(p is not None and p is not Ellipsis) for p in parts]
    made, at = [], 0
    for p, n in zip(parts, axes):
        if p is Ellipsis:
            at += x.ndim - sum(axes)

        def counted(v, at=at):
            return x.shape[at] + v if type(v) is Size and v.witness < 0 else v

        if type(p) is slice and type(p.step) is Size:
            raise Unsized("the step of a slice", p.step.dim.names())
        made.append(slice(counted(p.start), counted(p.stop), p.step) if type(p) is slice else counted(p))
        at += n
    return made


def _check_positions(shape, parts):
    """NumPy's errors for positions that are known: out of bounds, masks of another shape, too many."""
    dummy = as_strided(_zeros(1, bool), shape, (0,) * len(shape), writeable=False)
    values = tuple(p.known() if type(p) is Tracer else p for p in parts)
    if 0 in shape and any(v is None and type(p) is Tracer for p, v in zip(parts, values)):
        return
    # Of positions that are not known only the shape matters: few stand for many, as NumPy takes them all.
    few = {n: n for v in values if isinstance(v, np.ndarray) for n in v.shape} | {0: 0, 1: 1}

    def stand_in(p, sizes):
        if p.dtype.kind == "b":
            return _zeros(p.shape, bool)
        return _zeros([sizes.setdefault(n, max(sizes.values()) + 1) for n in p.shape], int)

    def take(sizes):
        dummy[tuple(stand_in(p, sizes) if type(p) is Tracer and v is None else v for p, v in zip(parts, values))]

    try:
        take(few)
    except IndexError:
        try:
            # What NumPy says names the sizes.
            take({n: n for n in few})
        except IndexError as e:
            raise Break(str(e), error=True) from None
        raise


def array_of(p):
    """A list of positions as an array; a tracer if it holds arrays."""
    from .rules import holds_array, nested

    if isinstance(p, np.ndarray) and type(p) is not Tracer:
        return p
    return nested(p) if holds_array(p) else _asarray(p)


def holds_tracer(p):
    return type(p) is Tracer or type(p) in (list, tuple) and any(holds_tracer(q) for q in p)


def nodes(parts):
    return tuple(p.node if type(p) is Tracer else p for p in parts)


def constant(value):
    """A value that does not depend on arguments, or None."""
    if type(value) is Tracer:
        return value.known()
    if isinstance(value, _PYTHON) or isinstance(value, np.generic):
        return value
    return None


def operand(trace, x):
    """What stands beside an array: a node, or a Python number, which never widens the result."""
    t = type(x)
    if t is Tracer:
        return x.node
    if t in _PYTHON:
        return x
    if t in WEAK:
        # What type NumPy gives it follows from what is beside it: only elementwise rules know.
        raise Unsized(f"{x} in the place of an array", sorted(trace.sizes))
    if isinstance(x, np.ndarray):
        return trace.capture(x)
    if isinstance(x, np.generic):
        return trace.constant(_array(x))
    if isinstance(x, (list, tuple)):
        a = array_of(x)
        return a.node if type(a) is Tracer else trace.constant(a)
    if isinstance(x, _PYTHON):
        return x
    raise Break(f"an operand of type {t.__name__}", error=True)


def binary(ufunc, reflected):
    def method(self, other):
        if other is None or isinstance(other, (str, bytes)):
            return NotImplemented if ufunc not in (np.equal, np.not_equal) else ufunc is np.not_equal
        return ufunc(other, self) if reflected else ufunc(self, other)

    return method


def _in_place(ufunc):
    def method(self, other):
        if self._scalar:
            return NotImplemented
        return ufunc(self, other, out=(self,))

    return method


def unary(ufunc):
    return lambda self: ufunc(self)


#: Exponents of `**` that another ufunc computes, by the kinds of arrays. NumPy's operator takes some apart itself, which for
#: truth values gives another type (`fast_scalar_power` in `numpy/_core/src/multiarray/number.c`; its scalars do not); of
#: the others the values are the same.
_EXPONENTS = {
    (int, 2): (np.square, "bfc"), (float, 2.0): (np.square, "fc"),
    (int, -1): (np.reciprocal, "fc"), (float, -1.0): (lambda x: 1.0 / x, "fc"),
    (float, 0.5): (np.sqrt, "fc"), (int, 1): (np.positive, "fc"), (float, 1.0): (np.positive, "fc"),
}  # fmt: skip


def power(self, other):
    quick, kinds = _EXPONENTS.get((type(other), other) if type(other) in (int, float) else None, (None, ""))
    number = type(self) is Tracer and self._scalar and self.dtype.kind == "b"
    return quick(self) if self.dtype.kind in kinds and not number else np.power(self, other)


operators.install(Tracer, binary, unary, _in_place)
Tracer.__pow__ = power
