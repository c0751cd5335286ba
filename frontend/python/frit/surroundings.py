"""Names outside of a function that it reads: what they stand for is part of each call's signature."""

from __future__ import annotations

import enum
import functools
import inspect
import os
import random
import re
import sys
import types

import numpy as np

from .signature import simple

#: Functions that are looked through from one.
_MOST_FUNCTIONS = 300
#: Elements of a container that are looked at, and containers within containers.
_MOST_ELEMENTS, _DEEPEST = 64, 4

_PLAIN = (bool, int, str, bytes, type(None), type(Ellipsis))
#: What is taken to stay as it is.
_FIXED = (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.MethodType, type, np.ufunc, type(np.sum), property, staticmethod, classmethod)


class Surroundings:
    """The global names and closure cells that a function reads, and the functions that it calls by them."""

    def __init__(self, function):
        self._function = function
        #: Numbers of names whose values are told by identity.
        self.loose = set()
        self._look()

    def _look(self):
        self.names, self.cells = [], []
        #: The user's own functions that it calls: the dictionary or cell, the name there, and the function. Those of
        #: installed packages are taken to stay.
        self.functions = []
        #: Arrays that are parameters' defaults.
        self.defaults = []
        stack, seen, named = [self._function], set(), set()
        while stack and len(seen) < _MOST_FUNCTIONS:
            f = stack.pop()
            while not isinstance(f, types.FunctionType):
                if isinstance(f, functools.partial):
                    f = f.func
                elif isinstance(f, types.MethodType):
                    f = f.__func__
                elif hasattr(f, "__wrapped__"):
                    f = f.__wrapped__
                else:
                    break
            if not isinstance(f, types.FunctionType) or id(f) in seen or (f.__module__ or "").partition(".")[0] in ("numpy", "frit"):
                continue
            seen.add(id(f))
            self.defaults.extend(a for a in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()) if isinstance(a, np.ndarray))
            if hasattr(f, "__wrapped__"):
                stack.append(f.__wrapped__)
            spaces, names = [f.__globals__], set(_names(f.__code__))
            for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
                try:
                    v = cell.cell_contents
                except ValueError:
                    continue
                if _function(v):
                    stack.append(v)
                    self._may_change(cell, "cell_contents", v)
                elif isinstance(v, types.ModuleType):
                    if not _library(v.__name__):
                        spaces.append(v.__dict__)
                elif not isinstance(v, _FIXED):
                    self.cells.append((name, cell))
            for space in spaces:
                for name in sorted(names & space.keys()):
                    v = space[name]
                    if (id(space), name) in named:
                        continue
                    named.add((id(space), name))
                    if _function(v):
                        stack.append(v)
                        self._may_change(space, name, v)
                    elif isinstance(v, types.ModuleType):
                        # `constants.G`: of the user's modules, what has one of the function's names.
                        if space is f.__globals__ and not _library(v.__name__):
                            spaces.append(v.__dict__)
                    elif not isinstance(v, _FIXED):
                        self.names.append((space, name))

    def _may_change(self, holder, name, function):
        code = getattr(inspect.unwrap(function), "__code__", None)
        if code is not None and not _INSTALLED.search(code.co_filename):
            self.functions.append((holder, name, function))

    def guards(self):
        """What tells that the names stand for what they stood for, by identity: `(holder, name, object)`; None if that is not
        enough."""
        found = [(space, name, space.get(name)) for space, name in self.names]
        found += [(cell, "cell_contents", v) for (_, cell), v in zip(self.cells, list(self.values())[len(self.names):])]
        if not all(type(v) in _PLAIN or isinstance(v, (float, complex, np.generic)) for _, _, v in found):
            return None
        return found + self.functions

    def values(self):
        """What the names stand for now."""
        for space, name in self.names:
            yield space.get(name)
        for _, cell in self.cells:
            try:
                yield cell.cell_contents
            except ValueError:
                yield None

    def differing(self, now, before):
        """The names whose parts of two keys differ."""
        names = [name for _, name in self.names] + [name for name, _ in self.cells] + ["a function that it calls"]
        return [name for name, x, y in zip(names, now, before) if x != y]

    def look(self):
        """A key of what the names stand for now, and a `Seen` of it."""
        if any(_now(holder, name) is not f for holder, name, f in self.functions):
            # A function was defined anew: it may read other names.
            self._look()
        seen = Seen()
        seen.arrays.extend(self.defaults)
        found = [("same", id(v)) if k in self.loose else _token(v, seen, 0) for k, v in enumerate(self.values())]
        if self.functions:
            seen.held.extend(f for _, _, f in self.functions)
            found.append(("functions", tuple([id(f) for _, _, f in self.functions])))
        return tuple(found), seen

    def changed(self, before):
        """Containers that the function itself has changed are logs and caches to it: from now on, they are told from others
        by identity. True if there are any."""
        now, _ = self.look()
        found = [k for k, (v, w) in enumerate(zip(now, before)) if v != w and type(v) is tuple and v[0] in (list, dict, set)]
        self.loose.update(found)
        return bool(found)


class Seen:
    """Arrays and generators among the values of names; the arrays keep their ids as long as this lives. `opaque`: there are
    objects that may hold others."""

    __slots__ = ("arrays", "generators", "opaque", "held")

    def __init__(self):
        self.arrays, self.generators, self.opaque, self.held = [], [], False, []

    def bytes(self):
        return sum(a.nbytes for a in self.arrays)


#: Modules whose objects no array is made of.
_BENIGN = frozenset("typing typing_extensions logging re threading _thread abc enum functools types warnings contextvars weakref ctypes".split())


def _benign(t):
    return t.__module__.partition(".")[0] in _BENIGN or issubclass(t, (BaseException, enum.Enum))


def _library(module):
    return module.partition(".")[0] in ("numpy", "scipy", "frit") or module.partition(".")[0] in sys.stdlib_module_names


#: Files of the standard library and of installed packages.
_INSTALLED = re.compile(r"[\\/](site|dist)-packages[\\/]|" + re.escape(os.path.dirname(os.__file__)) + r"[\\/]|^<frozen ")


def _now(holder, name):
    if isinstance(holder, dict):
        return holder.get(name)
    try:
        return getattr(holder, name)
    except ValueError:
        return None


def _function(v):
    return isinstance(v, (types.FunctionType, functools.partial, types.MethodType)) or hasattr(v, "__wrapped__") and callable(v)


def _names(code):
    yield from code.co_names
    for c in code.co_consts:
        if isinstance(c, types.CodeType):
            yield from _names(c)


def _token(v, seen, depth):
    """What tells a value from others that the name may stand for later."""
    t = type(v)
    if t in _PLAIN:
        return t, v
    if t is float or t is complex:
        return t, repr(v)
    if isinstance(v, np.ndarray):
        seen.arrays.append(v)
        return "array", id(v)
    if isinstance(v, np.generic):
        return t, v.tobytes()
    if isinstance(v, _FIXED) or isinstance(v, np.dtype):
        seen.held.append(v)
        return "same", id(v)
    if isinstance(v, (np.random.Generator, np.random.RandomState, random.Random)):
        seen.generators.append(v)
    elif depth < _DEEPEST:
        if t in (list, tuple, set, frozenset) and len(v) <= _MOST_ELEMENTS:
            return t, tuple([_token(y, seen, depth + 1) for y in v])
        if t is dict and len(v) <= _MOST_ELEMENTS:
            return t, tuple([(_token(k, seen, depth + 1), _token(y, seen, depth + 1)) for k, y in v.items()])
        if simple(v):
            return t, tuple([(k, _token(y, seen, depth + 1)) for k, y in v.__dict__.items()])
    seen.opaque |= not _benign(t)
    seen.held.append(v)
    return "same", id(v)
