"""The boundary between rules and NumPy: what no rule can do runs through NumPy on computed elements, and tracing goes on.

Every operation that the user's code asks of a tracer goes through `attempt`. If its rule gives up (`Break`), all that is
alive is computed, NumPy's own function runs on real arrays, and its results enter the trace as computed arrays.
"""

from __future__ import annotations

import inspect
import math
import types
import warnings

import numpy as np

from . import _frit, debug, diagnostics, selection
from .coverage import seen
from .errors import Abandon, Break, PerformanceWarning, Values
from .nested import leaves, mapped
from .sizes import Unsized
from .tape import Call, Ref, Replica, replica
from .trace import current, traceable
from .tracer import Tracer

_asarray = np.asarray
_may_share_memory = np.may_share_memory

#: Functions whose results' sizes depend on elements: NumPy is their rule.
DEPENDENT = {
    np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values,
    np.extract, np.compress, np.setdiff1d, np.intersect1d, np.union1d, np.setxor1d, np.trim_zeros, np.bincount, np.repeat,
}  # fmt: skip
#: Functions that write their first argument.
WRITING = {np.copyto, np.put, np.putmask, np.place, np.fill_diagonal, np.put_along_axis, np.nan_to_num}
#: Methods that write the array.
WRITING_METHODS = {"__setitem__", "sort", "partition", "put", "fill", "resize", "setfield", "byteswap", "itemset", "setflags"}

_STATIC = (bool, int, float, complex, str, type(None), np.dtype, type, type(Ellipsis), type(NotImplemented))


#: The product of operands' elements up to which NumPy is asked what is wrong with them.
_MOST_ASKED = 1 << 20


class Named:
    """What is done to an array under a name, as a function; equal to another of its kind with the same name."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return type(other) is type(self) and self.name == other.name

    def __hash__(self):
        return hash(self.name)


class Method(Named):
    """A method of arrays, or of NumPy's scalars."""

    __slots__ = ()

    def __call__(self, a, *args, **kwargs):
        return getattr(a, self.name)(*args, **kwargs)

    @property
    def __name__(self):
        return f"ndarray.{self.name}"


class Assign(Named):
    """The assignment of an attribute of arrays."""

    __slots__ = ()

    def __call__(self, a, value):
        setattr(a, self.name, value)

    @property
    def __name__(self):
        return f"ndarray.{self.name} ="


#: Selects elements.
GETITEM = Method("__getitem__")


def attempt(function, rule, args, kwargs):
    """`rule`, or else NumPy's `function`, on the same arguments."""
    trace = current()
    if trace is None:
        raise RuntimeError("a traced array was used after its function had returned")
    if trace.depth:
        return rule(*args, **kwargs)
    noted = seen()
    if trace.selects and selection.selections_in((args, kwargs)):
        made = selection.answer(trace, function, rule, args, kwargs)
        if made is not NotImplemented:
            if noted is not None:
                noted.add(label(function), "compiled")
            return made
        args, kwargs = selection.arrays_of((args, kwargs))
    trace.depth = 1
    try:
        made = rule(*args, **kwargs)
        if noted is not None:
            noted.add(label(function), "decomposed" if noted.decomposed else "compiled")
        return made
    except Abandon:
        raise
    except Break as e:
        # Without the frames it went through: they hold arrays, which would live, and be computed, until garbage is collected.
        why = without_frames(e)
    except (MemoryError, FloatingPointError, PerformanceWarning):
        raise
    except Exception as e:
        # What a rule trips over is NumPy's to word, or to do.
        why = Break(f"{label(function)}: {e}", error=True)
    finally:
        trace.depth = 0
    if type(why) is Values and function == GETITEM:
        made = selection.select(trace, *args)
        if made is not None:
            if noted is not None:
                noted.add(label(function), "compiled")
            return made
    return fallback(trace, function, args, kwargs, why)


def without_frames(e):
    """An exception that is kept, without what the frames hold that it, and what led to it, went through."""
    e.__cause__ = e.__context__ = None
    return e.with_traceback(None)


def bounded(rule):
    """A method of `Tracer` as a rule, with the method of the same name of NumPy's."""
    function = Method(rule.__name__)

    def method(self, *args, **kwargs):
        trace = self._s.trace
        if trace.depth:
            return rule(self, *args, **kwargs)
        return attempt(function, rule, (self, *args), kwargs)

    method.__name__ = rule.__name__
    return method


def written(function, args, kwargs):
    """The arguments that NumPy's function writes."""
    if isinstance(function, Assign):
        return [args[0]]
    if isinstance(function, Method):
        if function.name in WRITING_METHODS:
            return [args[0]]
        out = kwargs.get("out")
        if out is None and function.name in ("take", "round", "clip", "choose", "sum", "mean", "std", "var", "cumsum", "cumprod", "dot", "trace", "any", "all"):
            out = [a for a in args[2:] if isinstance(a, np.ndarray) and function.name != "clip"]
        return list(out) if isinstance(out, (tuple, list)) else [out]
    if function in WRITING or getattr(function, "__name__", "") == "at" and isinstance(getattr(function, "__self__", None), np.ufunc):
        return [args[0] if args else next(iter(kwargs.values()))]
    out = kwargs.get("out")
    if out is None and not isinstance(function, np.ufunc) and not isinstance(getattr(function, "__self__", None), np.ufunc):
        try:
            bound = inspect.signature(function).bind(*args, **kwargs).arguments
        except (TypeError, ValueError):
            bound = {}
        out = bound.get("out")
        if bound.get("overwrite_input"):
            return [args[0], out]
    return list(out) if isinstance(out, (tuple, list)) else [out]


def label(function):
    if isinstance(function, Named):
        return function.__name__
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"numpy.{owner.__name__}.{function.__name__}"
    return f"{getattr(function, '__module__', None) or 'numpy'}.{getattr(function, '__name__', function)}"


def fallback(trace, function, args, kwargs, why):
    """NumPy's function on computed elements; what it returns, as arrays of the trace."""
    if trace.sizes is not None and why.error:
        raise Unsized(f"{why.reason}: this", sorted(trace.sizes))
    if why.error and not trace.running:
        _as_numpy_raises(function, args, kwargs)
    quiet = isinstance(why, Values) or function in DEPENDENT or function is np.where and len(args) + len(kwargs) == 1
    if trace.fallback == "error" and not why.error and not quiet:
        raise Abandon(why.reason)
    noted = seen()
    if noted is not None:
        noted.add(label(function), "sized" if quiet else "fallback", None if quiet else why.reason, why.place)
    found = [x for x in leaves((args, kwargs)) if type(x) is Tracer]
    if not trace.running and not quiet:
        size = sum(t.size * t.dtype.itemsize for t in found)
        trace.expected = diagnostics.fallback(_words(function, "runs", size, why), why.place, size)
    targets = [t for t in written(function, args, kwargs) if t is not None]
    trace.cut([t._s for t in found], why.reason, everything=bool(targets))
    mutated = {id(t._s) for t in targets if type(t) is Tracer}
    for t in targets:
        if type(t) is Tracer and t._frozen:
            raise Abandon(t._frozen)
    for t in found:
        _prepare(trace, t._s, id(t._s) in mutated)
    for a in targets:
        if type(a) is np.ndarray:
            # An array from outside: NumPy writes it now, which no replay may do.
            trace.expose(a)
            trace.forgo(f"{label(function)} writes an array from outside")
    own, real, refs = [], {}, {}

    def concrete(x):
        if type(x) is Tracer:
            if id(x) not in real:
                a = trace.elements(x)
                real[id(x)] = a[()] if x._scalar else a
                own.append((x, real[id(x)]))
            return real[id(x)]
        if isinstance(x, np.ndarray):
            if not any(x is a for a in targets):
                trace.name_of(x)
            own.append((x, x))
        elif isinstance(x, (types.FunctionType, types.MethodType)):
            trace.forgo(f"{label(function)} calls a Python function")
        return x

    def recorded(x):
        if type(x) is not Tracer:
            return x
        if id(x) not in refs:
            s = x._s
            refs[id(x)] = Ref(s.slot if s.known is None else trace.tape.load(s.known, copied=True), x._steps, x._scalar)
        return refs[id(x)]

    real_args, real_kwargs = mapped(concrete, (tuple(args), dict(kwargs)))
    call_args, call_kwargs = mapped(recorded, (tuple(args), dict(kwargs)))
    size = sum(a.nbytes for _, a in own if isinstance(a, np.ndarray))
    try:
        result = debug.through_numpy(function, real_args, real_kwargs, why.place)
    except Exception:
        trace.forgo(f"{label(function)} raised an exception")
        raise
    if why.error and not quiet and trace.fallback == "error":
        raise Abandon(why.reason)
    call = Call(function, call_args, call_kwargs, sorted({r.slot for r in refs.values()}), [], why.place, label(function), None if quiet else why.reason, size)
    decided = []
    outcome = _abstract(trace, result, own, call, decided)
    trace.tape.steps.append(call)
    for slot, r in decided:
        trace.tape.decision("shape", slot, (), _shape_key(r), why.place, f"what {label(function)} returns")
    if not quiet:
        _tell(trace, function, why, size)
    return outcome


def _as_numpy_raises(function, args, kwargs):
    """Raises what NumPy does for arguments that a rule finds wrong by their shapes and types. Asks NumPy, with zeros, where that
    takes few elements."""
    targets = [t for t in written(function, args, kwargs) if t is not None]
    if any(type(t) is not Tracer for t in targets):
        return
    arrays = [x for x in leaves((args, kwargs)) if isinstance(x, np.ndarray)]
    most = math.prod(max(1, a.size) for a in arrays)
    if isinstance(function, np.ufunc):
        try:
            np.broadcast_shapes(*(a.shape for a in arrays))
        except ValueError:
            # Raised before there is memory for a result.
            most = 0
    if most > _MOST_ASKED:
        return

    def zeros(x):
        if not isinstance(x, np.ndarray):
            return x
        # Without memory, but for what is written.
        a = np.zeros(x.shape, x.dtype) if any(x is t for t in targets) else np.broadcast_to(np.zeros((), x.dtype), x.shape)
        return a[()] if type(x) is Tracer and x._scalar else a

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(*mapped(zeros, tuple(args)), **mapped(zeros, dict(kwargs)))
        except (IndexError, TypeError, ValueError) as e:
            wrong = e.with_traceback(None)
        except Exception:
            return
        else:
            return
    raise wrong


def _shape_key(r):
    from .tape import outcome

    return outcome("shape", _asarray(r) if isinstance(r, np.generic) else r)


def _prepare(trace, s, mutated):
    """Makes the memory of a storage one that NumPy may read, and write if it will."""
    if mutated:
        s.masks = None
    if s.known is not None:
        if mutated:
            s.array, s.slot, s.known, s._node = s.known.copy(), trace.tape.load(s.known.copy(), copied=True), None, None
        return
    if not mutated:
        return
    caller = s.argument is not None and s.slot == s.argument
    if s.sealed:
        raise Abandon(s.sealed)
    if caller and s.entangled:
        trace.expose(s.array)
        trace.forgo("an argument is written whose memory a result of NumPy's shares")
    elif caller:
        slot = trace.tape.new()
        trace.tape.steps.append(Replica(s.slot, slot))
        s.array, s.slot, s._node = replica(s.array), slot, None
        s.written = s.array.flags.writeable


def _abstract(trace, r, own, call, decided):
    """What NumPy returned, as arrays of the trace; `call` gets the slots and `decided` what a replay must find again."""
    if isinstance(r, (list, tuple)):
        return mapped(lambda x: _abstract(trace, x, own, call, decided), r)
    for x, a in own:
        if r is a and isinstance(r, np.ndarray):
            call.outputs.append(None)
            return x
    if r is None:
        call.outputs.append(None)
        return None
    slot = trace.tape.new()
    call.outputs.append(slot)
    if isinstance(r, np.generic) and traceable(r):
        decided.append((slot, r))
        return trace.computed(_asarray(r), slot, scalar=True)
    if type(r) is np.ndarray and traceable(r) and _frit.readable(r):
        decided.append((slot, r))
        t = trace.computed(r, slot)
        for x, a in own:
            if isinstance(a, np.ndarray) and _may_share_memory(a, r):
                t._s.entangled = True
                if type(x) is Tracer:
                    x._s.entangled = True
                    if x._s.known is not None:
                        # A view of a constant, which the trace replaces but never writes.
                        t._s.sealed = x._s.sealed = "assignment to a constant that a result of NumPy's shares"
                else:
                    t._s.sealed = "assignment to a view of an array from outside of the function"
        return t
    if isinstance(r, _STATIC):
        decided.append((slot, r))
    else:
        trace.forgo(f"{label(call.function)} returns {type(r).__name__}")
    return r


def _words(function, runs, size, why):
    return f"{label(function)} {runs} through NumPy on {size} bytes (in {why.place[2]}): {why.reason}"


def _tell(trace, function, why, size):
    """One warning per call site."""
    if trace.fallback != "warn" or (why.place, function) in trace.told:
        return
    d = diagnostics.fallback(_words(function, "ran", size, why), why.place, size)
    diagnostics.tell_fallback(d, trace.told, trace.limits, (why.place, function))


def apply_ufunc(ufunc, method, inputs, kwargs):
    from .rules import ufunc_call

    function = ufunc if method == "__call__" else getattr(ufunc, method)
    return attempt(function, lambda *inputs, **kwargs: ufunc_call(ufunc, method, inputs, kwargs), inputs, kwargs)


def apply_function(func, args, kwargs):
    from .rules import function_call

    return attempt(func, lambda *args, **kwargs: function_call(func, args, kwargs), args, kwargs)


def _missing(name):
    """The rule of a method that has none."""

    def rule(*args, **kwargs):
        raise Break(f"numpy.ndarray.{name} has no rule")

    rule.__name__ = name
    return bounded(rule)


def _assigning(name, p):
    """A property whose assignment goes through `attempt`."""
    function = Assign(name)

    def assign(self, value):
        attempt(function, p.fset, (self, value), {})

    return property(p.fget, assign, doc=p.__doc__)


#: Methods whose rules may give up.
_RULED = "__getitem__ __setitem__ reshape transpose swapaxes ravel flatten squeeze diagonal view astype fill put sort".split()
_RULELESS = "partition argpartition byteswap resize tobytes tofile dump dumps getfield setfield setflags newbyteorder is_integer as_integer_ratio hex".split()


def bind() -> None:
    """Gives the methods of tracers their way to NumPy; called once all rules are there."""
    for name in _RULED:
        setattr(Tracer, name, bounded(getattr(Tracer, name)))
    for name in _RULELESS:
        if not hasattr(Tracer, name):
            setattr(Tracer, name, _missing(name))
    for name in ("real", "imag", "flat"):
        setattr(Tracer, name, _assigning(name, getattr(Tracer, name)))
