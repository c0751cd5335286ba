"""Selections: what a traced boolean array takes out of an array, `x[mask]`, while nobody needs its size.

NumPy copies the selected elements into an array whose size depends on data. A `Selection` keeps all elements of `x` and
the mask instead. Elementwise functions of selections by one mask are computed at full size; what is assigned through the
same mask again becomes `where(mask, full, x)`, and sums and their like become reductions of the elements where the
mask holds. So `x[mask] = f(x[mask])` is part of one program, whatever the number of elements. Everything else
(another mask, functions without a rule here) asks for the array: NumPy selects it, at a cut of the trace.

What is computed at positions that are not selected is never seen, so it must not fail either: see `_harmless`.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
import weakref

import numpy as np

from . import debug, operators
from .errors import Abandon, Break, Values, local, user_place
from .nested import leaves, mapped
from .tracer import Tracer, binary, power, unary

#: NumPy's own, also while `numpy` is patched.
_array, _asarray = np.array, np.asarray


class Selection:
    """An array of unknown length: the elements of `_full` where `_mask` holds, along the leading axes. Both are arrays that
    nothing else shares. Once its size was asked for, it stands for `_made`, an array like any other."""

    __slots__ = ("_trace", "_full", "_mask", "_sources", "_place", "_made")
    __array_priority__ = 1000.0
    __hash__ = None

    def __init__(self, trace, full, mask, sources=(), place=None):
        self._trace, self._full, self._mask, self._made = trace, full, mask, None
        #: The arrays of which `_full` and `_mask` are copies, and the line that selected.
        self._sources, self._place = sources, place or user_place()
        trace.selects = True
        # Nobody else has them: where only the count of the selection is asked for, they are never stored.
        full._s.spare = mask._s.spare = True

    @property
    def __class__(self):
        return np.ndarray

    dtype = property(lambda self: (self._full if self._made is None else self._made).dtype)
    itemsize = property(lambda self: self.dtype.itemsize)
    ndim = property(lambda self: 1 + self._tail if self._made is None else self._made.ndim)
    shape = property(lambda self: self._counted() if self._made is None else self._made.shape)
    size = property(lambda self: math.prod(self.shape))
    #: Axes that the mask does not cover.
    _tail = property(lambda self: self._full.ndim - self._mask.ndim)

    def _counted(self):
        """The shape: how many elements the mask selects is counted, none are copied."""
        if self._trace.depth or getattr(local, "trace", None) is not self._trace:
            return self.array().shape
        return operator.index(np.count_nonzero(self._mask)), *self._full.shape[self._mask.ndim :]

    def __len__(self):
        return self.shape[0]

    def array(self):
        """The array, which NumPy selects where it is asked for first."""
        if self._made is None:
            trace = self._trace
            if getattr(local, "trace", None) is not trace:
                raise RuntimeError("a traced array was used after its function had returned")
            why = Values("the size of a masked selection depends on elements")
            why.place = self._place
            if trace.depth:
                raise why
            from .calls import GETITEM, fallback

            operands = self._full, self._mask
            if self._sources:
                operands = tuple(source.instead_of(copy) for source, copy in zip(self._sources, operands))
            self._full = self._mask = None
            self._made = fallback(trace, GETITEM, operands, {}, why)
        return self._made

    def copy(self, order="C"):
        return Selection(self._trace, self._full._copy(), self._mask) if self._made is None else self._made.copy(order)

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def astype(self, *args, **kwargs):
        return _attempt("astype", self, *args, **kwargs)

    def __getitem__(self, index):
        return _attempt("__getitem__", self, index)

    def __setitem__(self, index, value):
        _attempt("__setitem__", self, index, value)

    def __repr__(self):
        return repr(self.array()) if getattr(local, "trace", None) is self._trace else "Selection"

    def __str__(self):
        return str(self.array()) if getattr(local, "trace", None) is self._trace else "Selection"

    def __iter__(self):
        return iter(self.array())

    def __getattr__(self, name):
        if not hasattr(np.ndarray, name):
            raise AttributeError(f"'numpy.ndarray' object has no attribute '{name}'")
        return getattr(self.array(), name)

    def __setattr__(self, name, value):
        if name in Selection.__slots__:
            object.__setattr__(self, name, value)
        else:
            setattr(self.array(), name, value)

    def __array_namespace__(self, *, api_version=None):
        return np

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        from .calls import apply_ufunc

        return apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        from .calls import apply_function

        return apply_function(func, args, kwargs)


def _attempt(name, *args, **kwargs):
    from .calls import Method, attempt

    return attempt(Method(name), getattr(Tracer, name), args, kwargs)


def _operators():
    operators.install(Selection, binary, unary, lambda ufunc: lambda self, other: ufunc(self, other, out=(self,)))
    Selection.__pow__ = power
    for name in "bool int float complex index contains format array reduce_ex".split():
        setattr(Selection, f"__{name}__", lambda self, *args, _name=f"__{name}__", **kwargs: getattr(self.array(), _name)(*args, **kwargs))
    for name in "sum prod mean var std any all max min clip round conj conjugate".split():
        f = np.conjugate if name.startswith("conj") else getattr(np, name)

        def method(self, *args, _f=f, _name=name, **kwargs):
            return _f(self, *args, **kwargs) if self._made is None else getattr(self._made, _name)(*args, **kwargs)

        setattr(Selection, name, method)


_operators()


class _Source:
    """An array that was copied, for as long as it is there and has not changed."""

    __slots__ = ("storage", "steps", "shown")

    def __init__(self, x):
        self.storage, self.steps, self.shown = weakref.ref(x._s), x._steps, x._a

    def instead_of(self, copy):
        """The array itself, if its elements are those of `copy`."""
        s = self.storage()
        x = None if s is None else Tracer(s, self.steps, self.shown)
        return copy if x is None or x.node != copy.node else x


# What is selected.


def _whole(index):
    """The one mask of an index, if it covers leading axes and all else is whole; or None."""
    first, *rest = index if type(index) is tuple and index else (index,)
    if any(p is not Ellipsis and not (type(p) is slice and p == slice(None)) for p in rest) or rest.count(Ellipsis) > 1:
        return None, 0
    return first, len(rest) - rest.count(Ellipsis)


def _mask(x, index):
    """The traced mask in an index of `x`, or None."""
    mask, more = _whole(index)
    if type(mask) is not Tracer or mask.dtype.kind != "b" or not mask.ndim or mask.known() is not None:
        return None
    return mask if x.shape[: mask.ndim] == mask.shape and more <= x.ndim - mask.ndim else None


def _snapshot(mask):
    """The elements of a mask as they are now, in one array for all selections by it: so they know each other, also after
    a cut. Forgotten when the mask is written."""
    s = mask._s
    if s.masks is not None and not s.entangled:
        for steps, made in s.masks:
            made = made()
            if made is not None and steps == mask._steps:
                return made
    made = s.trace.fresh(mask.node, scalar=False)
    s.masks = [*[(steps, m) for steps, m in s.masks or () if m() is not None and steps != mask._steps], (mask._steps, weakref.ref(made))]
    return made


def _same(a, b):
    return a is b or a._s is b._s or a.node == b.node


def select(trace, x, index):
    """`x[index]` as a selection, or None. (Under `debug_nans` each element counts: then there are none.)"""
    if debug.state.nans or type(x) is not Tracer:
        return None
    mask = _mask(x, index)
    if mask is None or not x.size or x.ndim > mask.ndim and not x._a.flags.c_contiguous:
        return None
    full, snapshot = trace.fresh(x.node, scalar=False), _snapshot(mask)
    return Selection(trace, full, snapshot, (_Source(x), _Source(mask)))


def selections_in(x):
    """True if there is a selection in nested arguments."""
    return any(type(y) is Selection for y in leaves(x))


def arrays_of(x):
    """Nested arguments with arrays in place of selections."""
    return mapped(lambda y: y.array() if type(y) is Selection else y, x)


# What functions make of selections.


def answer(trace, function, rule, args, kwargs):
    """What a function gives for arguments that hold selections; NotImplemented if it needs the arrays themselves."""
    f = _answering(function)
    if f is None:
        return NotImplemented
    trace.depth = 1
    try:
        return f(function, rule, args, kwargs)
    except Abandon:
        raise
    except (Break, Exception):
        # Of the arrays themselves NumPy says what is wrong, if anything is.
        return NotImplemented
    finally:
        trace.depth = 0


def _answering(function):
    from .calls import Method

    if isinstance(function, np.ufunc):
        return _ufunc
    if isinstance(function, Method):
        return _METHODS.get(function.name)
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return _ufunc_reduce if function.__name__ == "reduce" else None
    return _FUNCTIONS.get(function)


class _No(Exception):
    """There is no such rule: the arrays are needed."""


def _full_size(xs):
    """Operands with all elements in place of selections; their mask, and the number of axes behind it."""
    found = [x for x in xs if type(x) is Selection]
    if any(x._made is not None for x in found):
        raise _No
    mask, tail = found[0]._mask, found[0]._tail
    for x in xs:
        if type(x) is Selection:
            fits = _same(x._mask, mask) and x._tail == tail
        else:
            fits = type(x) not in (list, tuple, dict) and np.ndim(x) <= tail
        if not fits:
            raise _No
    return [x._full if type(x) is Selection else x for x in xs], mask, tail


def _selected(r, mask, tail, operands=()):
    """A result at full size as a selection."""
    from .rules import array

    if isinstance(r, tuple):
        return tuple(_selected(x, mask, tail, operands) for x in r)
    r = array(r)
    if r.ndim != mask.ndim + tail or r.shape[: mask.ndim] != mask.shape:
        raise _No
    trace = mask._s.trace
    if r._steps or r.known() is not None or any(type(x) is Tracer and x._s is r._s for x in operands):
        r = trace.fresh(r.node, scalar=False)
    return Selection(trace, r, mask)


def _expanded(mask, ndim):
    """A mask that broadcasts over the axes behind it."""
    return mask.reshape(mask.shape + (1,) * (ndim - mask.ndim)) if ndim > mask.ndim else mask


def _ufunc(ufunc, rule, args, kwargs):
    kwargs = {k: v for k, v in kwargs.items() if v is not None}
    out = kwargs.pop("out", (None,))
    out = out if isinstance(out, tuple) else (out,)
    if not kwargs.keys() <= {"dtype", "casting"} or ufunc.signature is not None or len(args) != ufunc.nin:
        raise _No
    written = [o for o in out if o is not None]
    if any(type(o) is not Selection for o in written) or written and ufunc.nout != 1:
        raise _No
    full, mask, tail = _full_size([*args, *written])
    if ufunc is np.power:
        full[1] = _harmless(args, full, mask)
    if written:
        before = full[-1]
        new = _selected(rule(*full[:-1], **kwargs, out=(before._copy(),)), mask, tail)._full
        if new.shape != before.shape:
            raise _No
        out[0]._full = new
        return out[0]
    return _selected(rule(*full, **kwargs), mask, tail, full)


def _harmless(args, full, mask):
    """The exponents of a power of integers, where negative ones are errors."""
    base, exponent = args
    if type(base) in (float, complex) or getattr(base, "dtype", np.dtype(int)).kind not in "biu":
        return full[1]
    if type(exponent) is Selection and exponent.dtype.kind == "i":
        return np.where(_expanded(mask, full[1].ndim), full[1], exponent.dtype.type(1))
    if type(exponent) is Tracer and exponent.dtype.kind == "i":
        # It is an error only if anything is selected.
        raise _No
    return full[1]


def _elementwise(function, rule, args, kwargs):
    if not kwargs.keys() <= _OPTIONS or function is np.nan_to_num and (len(args) > 1 or kwargs.get("copy", True) is not True):
        raise _No
    names = [k for k, v in kwargs.items() if type(v) is Selection]
    full, mask, tail = _full_size([*args, *(kwargs[k] for k in names)])
    r = rule(*full[: len(args)], **{**kwargs, **dict(zip(names, full[len(args) :]))})
    return _selected(r, mask, tail, full)


#: Arguments by name that elementwise functions may have.
_OPTIONS = {"dtype", "a_min", "a_max", "min", "max", "decimals", "rtol", "atol", "equal_nan", "nan", "posinf", "neginf", "copy", "deg", "x", "y", "a"}


def _by_table(at):
    """A function that is elementwise in argument number `at`; the others are tables."""

    def answer(function, rule, args, kwargs):
        tables = [*args[:at], *args[at + 1 :], *kwargs.values()]
        if len(args) <= at or type(args[at]) is not Selection or selections_in(tables):
            raise _No
        (full,), mask, tail = _full_size([args[at]])
        if tail:
            raise _No
        return _selected(rule(*args[:at], full, *args[at + 1 :], **kwargs), mask, tail, [full])

    return answer


def _typed(function, rule, args, kwargs):
    """A function that looks at types only."""
    return rule(*[x._full if type(x) is Selection and x._made is None else x for x in args], **kwargs)


def _converted(function, rule, args, kwargs):
    x, dtype = args[0], kwargs.get("dtype") if len(args) == 1 else args[1]
    if type(x) is not Selection or x._made is not None or len(args) > 2 or kwargs.get("order") not in (None, "K", "A", "C"):
        raise _No
    if not kwargs.keys() <= {"dtype", "order", "copy", "subok"} or kwargs.get("copy", None) not in (None, True, False):
        raise _No
    if dtype is not None and np.dtype(dtype) != x.dtype:
        if kwargs.get("copy") is False:
            raise _No
        return _cast("astype", Tracer.astype, (x, dtype), {})
    return x.copy() if kwargs.get("copy", function is _array) else x


def _cast(function, rule, args, kwargs):
    x = args[0]
    (full,), mask, tail = _full_size([x])
    r = rule(full, *args[1:], **kwargs)
    return x if r is full and kwargs.get("copy") is False else _selected(r, mask, tail, [full])


# Assignment and selections of selections.


def _get(function, rule, args, kwargs):
    """`v[w]`: the elements of a selection where another one by the same mask holds."""
    v, w = args
    if type(v) is not Selection or type(w) is not Selection or w.dtype.kind != "b" or w._tail:
        raise _No
    if v._made is not None or w._made is not None or not _same(v._mask, w._mask):
        raise _No
    return Selection(v._trace, v._full._copy(), np.logical_and(v._mask, w._full))


def _set(function, rule, args, kwargs):
    """`x[mask] = v`, or the same in a selection."""
    x, index, value = args
    if type(x) is Selection:
        if type(index) is not Selection or index.dtype.kind != "b" or index._tail or x._made is not None or index._made is not None:
            raise _No
        if not _same(x._mask, index._mask):
            raise _No
        mask, x = np.logical_and(x._mask, index._full), x._full
    else:
        mask = _mask(x, index)
        if mask is None:
            raise _No
    if type(value) is not Selection:
        if np.ndim(value):
            raise _No
        x[mask] = value
        return None
    if value._made is not None or not _same(value._mask, mask) or value._tail != x.ndim - mask.ndim:
        raise _No
    full = value._full
    if np.broadcast_shapes(full.shape, x.shape) != x.shape:
        raise _No
    trace = mask._s.trace
    x._assign(trace.call("elementwise", "where", (_expanded(mask, x.ndim).node, trace.call("broadcast_to", x._cast(full), x.shape), x.node)))
    return None


# Reductions.


def _reduction(function, rule, args, kwargs):
    from .rules import RULES

    name = {np.amax: "max", np.amin: "min"}.get(function, function.__name__)
    given = _signature(RULES[function]).bind(*args, **kwargs).arguments
    x, axis, dtype, ddof = given.pop("a"), given.pop("axis", None), given.pop("dtype", None), given.pop("ddof", 0)
    if any(not (v is None or v is np._NoValue or v is False or k == "where" and v is True) for k, v in given.items()):
        raise _No
    return _reduced(name, x, axis, dtype, ddof)


_signature = functools.lru_cache(None)(inspect.signature)


def _ufunc_reduce(function, rule, args, kwargs):
    from .rules.ufunc_methods import REDUCE

    name = REDUCE[function.__self__]
    axis, dtype = args[1] if len(args) > 1 else kwargs.get("axis", 0), kwargs.get("dtype")
    if len(args) > 2 or any(v is not None and k not in ("axis", "dtype") for k, v in kwargs.items()):
        raise _No
    return _reduced(name, args[0], axis, dtype)


#: Of floating-point elements these depend on the order in which they are taken.
_ORDERED = {"sum", "prod", "nansum", "nanprod", "mean", "nanmean", "var", "std"}


def _reduced(name, x, axis, dtype=None, ddof=0):
    from .rules.reductions import reduction

    if type(x) is not Selection:
        raise _No
    (full,), mask, tail = _full_size([x])
    trace = x._trace
    if trace.programs.math == "exact" and name in _ORDERED and not (full.dtype.kind in "biu" and name in ("sum", "prod", "nansum", "nanprod") and dtype is None):
        raise _No
    axes = range(1 + tail) if axis is None else sorted({range(1 + tail)[operator.index(a)] for a in (axis if isinstance(axis, (tuple, list)) else (axis,))})
    if 0 not in axes or isinstance(axis, (tuple, list)) and len(axes) != len(axis):
        raise _No
    axes = tuple(range(mask.ndim)) + tuple(a - 1 + mask.ndim for a in axes if a)
    where = _expanded(mask, full.ndim)
    if name.startswith("nan"):
        name = name.removeprefix("nan")
        if full.dtype.kind in "fc":
            where = np.logical_and(where, np.logical_not(np.isnan(full)))
    if name == "count_nonzero":
        return reduction(name, np.logical_and(full, where), axes)
    initial = np._NoValue
    if name in ("max", "min"):
        initial = _lowest(full.dtype) if name == "max" else _highest(full.dtype)
        if not trace.decide("truth", np.any(mask), "whether anything is selected"):
            raise _No
    return reduction(name, full, axes, dtype, initial=initial, where=where, ddof=ddof)


def _lowest(dtype):
    if dtype.kind not in "biuf":
        raise _No
    return dtype.type({"b": lambda: False, "f": lambda: -np.inf}.get(dtype.kind, lambda: np.iinfo(dtype).min)())


def _highest(dtype):
    if dtype.kind not in "biuf":
        raise _No
    return dtype.type({"b": lambda: True, "f": lambda: np.inf}.get(dtype.kind, lambda: np.iinfo(dtype).max)())


_METHODS = {"__getitem__": _get, "__setitem__": _set, "astype": _cast}
_FUNCTIONS = {np.interp: _by_table(0), np.polyval: _by_table(1)}
for _functions, _f in {
    _elementwise: "where clip round around nan_to_num angle isclose fix isposinf isneginf isreal iscomplex sinc i0 copy zeros_like ones_like full_like",
    _typed: "ndim iscomplexobj isrealobj result_type can_cast",
    _converted: "array asarray asanyarray ascontiguousarray",
    _reduction: "sum prod nansum nanprod mean nanmean var std any all count_nonzero max min amax amin",
}.items():
    _FUNCTIONS.update({getattr(np, name): _functions for name in _f.split()})
