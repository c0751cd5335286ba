"""`frit.jit`."""

from __future__ import annotations

import copy
import functools
import inspect
import itertools
import os
import warnings

import numpy as np

from . import _frit, debug, interrupt
from .errors import Break, FallbackError, FallbackWarning
from .patch import drawn, random_states, tracing
from .report import Memory, Report
from .storage import shadow, show
from .trace import Trace
from .tracer import Tracer

_OPTIONS = {"static_argnames", "device", "memory_limit", "math", "fallback", "threads"}


class Spec:
    """A shape and element type in place of an array."""

    def __init__(self, shape, dtype=float):
        self.shape = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)

    def __repr__(self):
        return f"frit.spec({self.shape}, {self.dtype.name!r})"


def spec(shape, dtype=float) -> Spec:
    """A shape and element type in place of an array, in `explain`, `memory` and `dump`."""
    return Spec(shape, dtype)


class _Unkeyed(Exception):
    """An argument that frit does not know how to tell from another."""


class Leaf:
    """The place of an array in nested arguments or results."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


#: Types whose values tell everything about them, by their representation (`nan`, `-0.0`).
_STATIC = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), np.dtype, type, slice)


def flatten(x, leaves, key):
    """Nested arguments with `Leaf` in place of arrays; `leaves` and `key` are extended."""
    t = type(x)
    if t is np.ndarray or t is Spec or isinstance(x, np.generic) and x.dtype.kind in "biufc":
        leaves.append(x)
        if t is Spec:
            key.append(("array", x.dtype, x.shape, None, True))
        elif t is np.ndarray:
            if not _frit.readable(x):
                raise _Unkeyed(f"an array of {x.dtype} that kernels do not read")
            c = x.flags.c_contiguous
            key.append(("array", x.dtype, x.shape, None if c else x.strides, x.flags.writeable))
        else:
            key.append(("scalar", x.dtype))
        return Leaf(len(leaves) - 1)
    if t in (list, tuple):
        key.append((t, len(x)))
        return t([flatten(y, leaves, key) for y in x])
    if t is dict:
        key.append((t, tuple(x)))
        return {k: flatten(y, leaves, key) for k, y in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        key.append((t, len(x)))
        return t(*[flatten(y, leaves, key) for y in x])
    if t in _STATIC or isinstance(x, np.dtype) or inspect.isfunction(x) or inspect.isbuiltin(x) or isinstance(x, np.ufunc):
        key.append((t, repr(x) if t in (float, complex, slice) else x))
        return x
    raise _Unkeyed(f"an argument of type {t.__name__}")


def fill(x, values):
    """Nested arguments with values in place of `Leaf`."""
    t = type(x)
    if t is Leaf:
        return values[x.number]
    if t in (list, tuple):
        return t([fill(y, values) for y in x])
    if t is dict:
        return {k: fill(y, values) for k, y in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return t(*[fill(y, values) for y in x])
    return x


class Entry:
    """What is kept for one signature: a program with what to do around it, or why there is none."""

    def __init__(self):
        self.program = self.broken = None
        #: For each of the program's results: written back to this argument, or None.
        self.writes = []
        self.scalars = []
        #: The structure of the results; leaves are ("result", number, steps) or ("argument", number, steps).
        self.result, self.recipes = None, []
        self.captured = []


class Jit(_frit.Function):
    """A function that compiles itself for the arguments it is called with."""

    def __init__(self, function, static_argnames=(), device="cpu", memory_limit=None, math=None, fallback="warn", threads=0):
        functools.update_wrapper(self, function)
        if fallback not in ("warn", "error", "quiet"):
            raise ValueError(f"fallback is 'warn', 'error' or 'quiet', not {fallback!r}")
        if device != "cpu":
            raise ValueError(f"this build of frit has no device {device!r}")
        self._function, self._fallback, self._threads = function, fallback, threads
        self._static = {static_argnames} if isinstance(static_argnames, str) else set(static_argnames)
        self._math = math or os.environ.get("FRIT_MATH") or "reassociate"
        self._memory_limit = bytes_of(memory_limit)
        self._entries, self._told, self._retraced = {}, set(), []
        if self._math not in ("exact", "reassociate", "fast"):
            raise ValueError(f"math is 'exact', 'reassociate' or 'fast', not {self._math!r}")

    def __get__(self, instance, owner=None):
        return self if instance is None else functools.partial(self, instance)

    # Calls.

    def _key(self, args, kwargs):
        leaves, key = [], []
        if self._static:
            bound = inspect.signature(self._function).bind(*args, **kwargs)
            named = {k: bound.arguments.pop(k) for k in list(bound.arguments) if k in self._static}
            if any(p.kind is p.POSITIONAL_ONLY for p in inspect.signature(self._function).parameters.values() if p.name in self._static):
                raise _Unkeyed("a positional-only static argument")
            rest = dict(bound.arguments)
            for p in inspect.signature(self._function).parameters.values():
                if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name in rest:
                    raise _Unkeyed("static_argnames of a function with *args or **kwargs")
            key.append(tuple(named.items()))
            tree = (), {**{k: v for k, v in named.items()}, **flatten(rest, leaves, key)}
        else:
            tree = flatten(args, leaves, key), flatten(kwargs, leaves, key)
        arrays = [(k, a) for k, a in enumerate(leaves) if type(a) is np.ndarray]
        if len(arrays) > 1:
            for (i, a), (j, b) in itertools.combinations(arrays, 2):
                if a is b:
                    key.append(("same", i, j))
                elif np.may_share_memory(a, b):
                    key.append(("overlap", i, j))
        return leaves, tree, tuple(key)

    def slow(self, args, kwargs):
        """A call that the quick path does not serve."""
        from .errors import local

        if getattr(local, "trace", None) is not None or debug.state.disabled:
            # Inside of another traced function this one is just a function.
            return self._function(*args, **kwargs)
        interrupt.begin()
        try:
            leaves, tree, key = self._key(args, kwargs)
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = self._trace(leaves, tree, key)
        except _Unkeyed as e:
            return self._numpy(args, kwargs, Break(str(e)))
        if entry.broken is not None:
            return self._numpy(args, kwargs, entry.broken)
        arrays = [a if type(a) is np.ndarray else np.asarray(a) for a in leaves] + entry.captured
        try:
            outputs = debug.run(entry.program, arrays, entry.scalars)
        except _frit.RunError as e:
            return self._numpy(args, kwargs, Break(str(e), error=True))
        written = [(leaves[target], r) for target, r in zip(entry.writes, outputs) if target is not None]
        interrupt.write_back([a for a, _ in written], [r for _, r in written])
        results = [self._cook(r, leaves, outputs) for r in entry.recipes]
        self._hasten(entry, args, kwargs, leaves)
        return fill(entry.result, results)

    @staticmethod
    def _cook(recipe, leaves, outputs):
        source, number, steps = recipe
        a = leaves[number] if source == "argument" else outputs[number]
        for step in steps:
            a = show(step, a)
        return a

    def _hasten(self, entry, args, kwargs, leaves):
        """Lets the quick path take over where a call is nothing but a run."""
        simple = (
            not kwargs and not entry.captured and len(args) == len(leaves) and all(type(a) is np.ndarray for a in args)
            and not any(w is not None for w in entry.writes)
            and [r[:2] for r in entry.recipes] == [("result", k) for k in range(len(entry.scalars))]
            and not any(r[2] for r in entry.recipes)
        )
        r = entry.result
        if simple and (type(r) is Leaf or type(r) is tuple and all(type(x) is Leaf for x in r)):
            self.remember(entry.program, list(args), entry.scalars, type(r) is tuple)

    def _numpy(self, args, kwargs, broken):
        """The call through NumPy."""
        if self._fallback == "error":
            if broken.error:
                # Is it an error of NumPy's? Then it is that one; found on copies, as nothing may be mutated twice.
                copies = copy.deepcopy((args, kwargs))
                for a, b in zip(arrays_in((args, kwargs)), arrays_in(copies)):
                    b.flags.writeable = a.flags.writeable
                self._function(*copies[0], **copies[1])
            raise FallbackError(broken.message()) from None
        interrupt.begin("numpy")
        result = debug.through_numpy(self._function, args, kwargs)
        if self._fallback == "warn" and (broken.place, broken.reason) not in self._told:
            self._told.add((broken.place, broken.reason))
            file, line, function = broken.place
            size = sum(a.nbytes for a in [*args, *kwargs.values()] if isinstance(a, np.ndarray))
            text = f"{broken.reason} (in {function}): {self.__name__} ran through NumPy on {size} bytes of arguments"
            warnings.warn_explicit(text, FallbackWarning, file, line)
        return result

    # Tracing.

    def _trace(self, leaves, tree, key):
        entry = Entry()
        trace = Trace(self.__name__)
        arrays = [shadow(a.shape, a.dtype) if type(a) is Spec else a for a in leaves]
        values, storages = [], {}
        for k, a in enumerate(arrays):
            same = next((j for j in range(k) if arrays[j] is a and type(a) is np.ndarray), None)
            if same is None:
                values.append(trace.argument(k, a if type(a) is np.ndarray else np.asarray(a)))
                values[-1]._scalar = type(a) is not np.ndarray
                storages[k] = values[-1]._s
            else:
                # One array twice is one array; the program still has a parameter for each.
                trace.parameter(a.dtype, a.shape)
                values.append(values[same])
        args, kwargs = fill(tree[0], values), fill(tree[1], values)
        self._retraced.append(key)
        states = random_states()
        try:
            with tracing(trace):
                out = self._function(*args, **kwargs)
                if trace.broken is not None:
                    raise trace.broken
                self._finish(entry, trace, out, storages, leaves, key)
        except Break as e:
            entry.broken = e.with_traceback(None)
        except _frit.CompileError as e:
            entry.broken = Break(f"frit cannot compile it: {e}")
        except Exception as e:
            # An exception of the function itself; NumPy's run raises it again, or shows that it is frit's.
            entry.broken = Break(f"{type(e).__name__} while tracing: {e}", error=True)
        if drawn(states) and entry.broken is None:
            entry.broken = Break("a random generator gives other numbers at each call")
        return entry

    def _finish(self, entry, trace, out, storages, leaves, key):
        nodes = []
        for k, s in storages.items():
            if s.written:
                if any(k in part[1:] for part in key if part and part[0] == "overlap"):
                    raise Break("a mutated argument overlaps another one in memory")
                nodes.append(s.node)
                entry.writes.append(k)
                entry.scalars.append(False)
        found, uses = [], {}
        entry.result = results(out, found)
        for t in found:
            uses.setdefault(id(t._s), set()).add(id(t))
        placed = {}
        for t in found:
            if t._s.argument is not None and not t._scalar:
                entry.recipes.append(("argument", t._s.argument, t._steps))
                continue
            shared = len(uses[id(t._s)]) > 1 and not t._s.vague
            what = (id(t._s), None) if shared else (id(t), None)
            if what not in placed:
                placed[what] = len(nodes)
                nodes.append(t._s.node if shared else t.node)
                entry.writes.append(None)
                entry.scalars.append(t._scalar)
            entry.recipes.append(("result", placed[what], t._steps if shared else ()))
        strided = [type(a) is np.ndarray and not a.flags.c_contiguous for a in leaves]
        strided += [not a.flags.c_contiguous for a in trace.captured]
        entry.captured = trace.captured
        entry.program = trace.builder.compile(nodes, strided, self._math, self._memory_limit, self._threads)

    # Reports.

    def _compiled(self, args, kwargs):
        leaves, tree, key = self._key(args, kwargs)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = self._trace(leaves, tree, key)
        return leaves, entry

    def explain(self, *args, **kwargs) -> Report:
        """What is compiled for these arguments (arrays or specs), and what is not and why. Nothing runs."""
        leaves, entry = self._compiled(args, kwargs)
        return Report(self, leaves, entry)

    def memory(self, *args, **kwargs) -> Memory:
        """Projected memory of a call, from shapes alone."""
        return self.explain(*args, **kwargs).memory

    def dump(self, *args, stage="graph", **kwargs) -> str:
        """The text of one stage: graph, rewritten, plan, kernels, clif, asm."""
        leaves, entry = self._compiled(args, kwargs)
        if entry.broken is not None:
            raise FallbackError(entry.broken.message())
        return entry.program.dump(stage)

    def save(self, path, *args, **kwargs) -> None:
        """Writes the program for these arguments (arrays or specs) to a file: see `frit.load`.

        Arrays from outside of the function are written with the elements that they have now. Raises `FallbackError` if
        the function cannot be compiled as a whole, `TypeError` for arguments or results that a file does not hold.
        """
        from .saved import save

        save(self, path, args, kwargs)

    def __repr__(self):
        return f"<frit.jit {self.__module__}.{self.__qualname__}>"


def results(x, found):
    """Nested results with `Leaf` in place of arrays."""
    t = type(x)
    if t is Tracer:
        found.append(x)
        return Leaf(len(found) - 1)
    if t in (list, tuple):
        return t([results(y, found) for y in x])
    if t is dict:
        return {k: results(y, found) for k, y in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return t(*[results(y, found) for y in x])
    if t in _STATIC or isinstance(x, (np.generic, np.dtype)):
        return x
    raise Break(f"a result of type {t.__name__}")


def arrays_in(x):
    """All arrays in nested arguments."""
    if isinstance(x, np.ndarray):
        yield x
    elif isinstance(x, (tuple, list)):
        for y in x:
            yield from arrays_in(y)
    elif isinstance(x, dict):
        yield from arrays_in(list(x.values()))


def bytes_of(limit):
    """A number of bytes, or text as `"2GiB"`."""
    if not isinstance(limit, str):
        return limit
    for unit, size in {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "B": 1}.items():
        if limit.endswith(unit):
            return int(float(limit[: -len(unit)]) * size)
    return int(limit)


def jit(function=None, **options):
    """Compiles a function that is written in NumPy; `@frit.jit` or `@frit.jit(option=...)`.

    Options: `static_argnames` (arguments that are part of the signature by value), `memory_limit` (bytes, or
    text as "2GiB"), `math` ("exact", "reassociate", "fast"), `fallback` ("warn", "error", "quiet"), `threads` (0: all).
    """
    unknown = set(options) - _OPTIONS
    if unknown:
        raise TypeError(f"jit() got unexpected options {sorted(unknown)}")
    if function is None:
        return lambda f: Jit(f, **options)
    return Jit(function, **options)
