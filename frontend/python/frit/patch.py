"""Functions of `numpy` that make arrays without looking at operands, replaced while traces run.

Inside a traced function they must give arrays of the trace, as these are written by traced values later. The
replacements look at a thread's own trace and call NumPy's function everywhere else; they are in place
only while some thread traces.
"""

from __future__ import annotations

import dis
import functools
import itertools
import operator
import pickle
import random
import sys
import threading
import types

import numpy as np

from .coverage import seen
from .errors import Abandon, Break, Values, local

_ORIGINAL: dict = {}


def _outside(name):
    """The trace of this thread, if the user's code calls replacement `name` itself (None: any of its code).

    NumPy and frit call it too, and so does compiled code (a random generator's `normal` asks for `numpy.empty`), which
    takes what it gets for an array without looking: it must get one.
    """
    trace = getattr(local, "trace", None)
    if trace is None:
        return None
    frame = sys._getframe(2)
    module = frame.f_globals.get("__name__", "")
    # `numpy.polynomial` is code like the user's: plain functions over `numpy`.
    if module.partition(".")[0] in ("numpy", "frit") and not module.startswith("numpy.polynomial."):
        return None
    return trace if name is None or _calls(frame.f_code, frame.f_lasti, name) else None


@functools.lru_cache(4096)
def _calls(code, at, name):
    """True if the instruction of a frame is a call written `name(..)` or `x.name(..)`: compiled code has no frame of its
    own, and shows that of its caller."""
    loads = [i for i in dis.get_instructions(code) if i.argval == name and i.opname.startswith("LOAD")]
    if not loads:
        return False
    if _mapped(code, at, name):
        return True
    if not hasattr(code, "co_positions"):
        # Python 3.10 knows lines only: the one call of its line.
        start, end = next((a, b) for a, b, _ in code.co_lines() if a <= at < b)
        here = [i for i in dis.get_instructions(code) if start <= i.offset < end]
        return any(i.argval == name for i in here) and sum(i.opname.startswith("CALL") for i in here) == 1
    line, _, column, _ = next(itertools.islice(code.co_positions(), at // 2, None))
    return any((i.positions.lineno, i.positions.col_offset) == (line, column) for i in loads)


def _mapped(code, at, name):
    """True if the line of an instruction says `map(name, ..)` or `map(x.name, ..)`."""
    start = next((a for a, b, _ in code.co_lines() if a <= at < b), 0)
    line = next((n for a, _, n in code.co_lines() if a == start), None)
    spans = [(a, b) for a, b, n in code.co_lines() if n == line]
    loads = [i.argval for i in dis.get_instructions(code) if i.opname.startswith("LOAD") and any(a <= i.offset < b for a, b in spans)]
    return any(f == "map" and name in loads[k + 1 : k + 3] for k, f in enumerate(loads))


_lock = threading.Lock()
_users = 0


def original(f):
    """NumPy's function, of it or of what stands in its place."""
    return f.__dict__.get("_original", f) if isinstance(f, (types.FunctionType, _Grid)) else f


def _replacing(f, g):
    """`g` in place of NumPy's `f`."""
    g = functools.wraps(f, updated=())(g)
    g._original = f
    return g


def _creating(name):
    f = operator.attrgetter(name)(np)
    g, last = original(np.zeros) if name == "empty" else f, name.rpartition(".")[2]

    def create(*args, **kwargs):
        from .calls import attempt

        if _outside(last) is None or kwargs.get("like") is not None:
            return f(*args, **kwargs)
        return attempt(g, rule, args, kwargs)

    def rule(*args, **kwargs):
        from .rules import created

        try:
            return created(name, args, kwargs)
        except Abandon:
            raise
        except Break as e:
            raise e if e.error else Values(e.reason) from None

    return _replacing(f, create)


def _converting(name):
    f = getattr(np, name)

    def convert(*args, **kwargs):
        from .calls import attempt

        if _outside(name) is None or kwargs.get("like") is not None:
            return f(*args, **kwargs)
        if name == "array" and "object" in kwargs:
            args = (kwargs.pop("object"), *args)
        return attempt(f, rule, args, kwargs)

    def rule(*args, **kwargs):
        from .rules import converted

        return converted(name, *args, **kwargs)

    return _replacing(f, convert)


def _librarian(name):
    f = getattr(np, name)

    def call(*args, **kwargs):
        from .calls import attempt
        from .rules import library, tracers

        if _outside(name) is None or not any(True for _ in tracers((args, kwargs))):
            return f(*args, **kwargs)
        return attempt(f, lambda *args, **kwargs: library(name, args, kwargs), args, kwargs)

    return _replacing(f, call)


class _Grid:
    """`numpy.r_` and its like."""

    def __init__(self, name):
        self._name, self._original = name, getattr(np, name)

    def __getitem__(self, key):
        if _outside(None) is None:
            return self._original[key]
        from .calls import attempt
        from .rules import item

        return attempt(operator.getitem, lambda grid, key: item(self._name, key), (self._original, key), {})

    def __getattr__(self, name):
        return getattr(self._original, name)


def _drawing(name, f):
    @functools.wraps(f)
    def draw(*args, **kwargs):
        if _outside(name) is not None:
            why = f"numpy.random.{name} gives other numbers at each call"
            local.trace.forgo(why)
            if seen() is not None:
                seen().add(f"numpy.random.{name}", "fallback", why)
        return f(*args, **kwargs)

    return draw


_RANDOM = "rand randn random uniform normal standard_normal randint choice permutation shuffle exponential random_sample poisson default_rng".split()


def _install():
    from .rules.convert import CONVERTERS, CREATORS, GRIDS, LIBRARY

    for names, replacement in ((CREATORS, _creating), (CONVERTERS, _converting), (LIBRARY, _librarian), (GRIDS, _Grid)):
        for name in names:
            _replace(name, replacement(name))
    for name in _RANDOM:
        _replace(f"random.{name}", _drawing(name, getattr(np.random, name)))


def _replace(name, f):
    module, _, last = name.rpartition(".")
    owner = getattr(np, module) if module else np
    _ORIGINAL[name] = owner, getattr(owner, last)
    setattr(owner, last, f)


def _remove():
    for name, (owner, f) in _ORIGINAL.items():
        setattr(owner, name.rpartition(".")[2], f)
    _ORIGINAL.clear()


def random_states(generators=()):
    """The states of NumPy's and Python's own random generators, and of the given ones."""
    found = [np.random.mtrand._rand, random._inst, *generators]
    return [(g, pickle.dumps(_state(g))) for g in found]


def drawn(before, back=False):
    """True if a generator has moved since `random_states`; `back`: it is put back, so that NumPy's run draws the same."""
    moved = [(g, s) for g, s in before if pickle.dumps(_state(g)) != s]
    # With other threads about, they may have drawn themselves: theirs is not ours to put back.
    if back and threading.active_count() == 1:
        for g, s in moved:
            if isinstance(g, np.random.Generator):
                g.bit_generator.state = pickle.loads(s)
            else:
                (g.setstate if isinstance(g, random.Random) else g.set_state)(pickle.loads(s))
    return bool(moved)


def _state(g):
    if isinstance(g, random.Random):
        return g.getstate()
    return g.bit_generator.state if isinstance(g, np.random.Generator) else g.get_state(legacy=False)


class tracing:
    """Runs a block with a trace of this thread."""

    def __init__(self, trace):
        self.trace = trace

    def __enter__(self):
        global _users
        with _lock:
            if not _users:
                _install()
            _users += 1
        self.before, local.trace = getattr(local, "trace", None), self.trace

    def __exit__(self, *exc):
        global _users
        local.trace = self.before
        with _lock:
            _users -= 1
            if not _users:
                _remove()
