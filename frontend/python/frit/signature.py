"""What tells one call from another: arguments as arrays and a key."""

from __future__ import annotations

import enum
import functools
import inspect
import itertools
import types
from collections.abc import Iterable

import numpy as np

from . import _frit
from .nested import is_named
from .options import whole
from .selection import Selection
from .storage import show
from .trace import traceable
from .tracer import Tracer


class Spec:
    """A shape and element type in place of an array. Sizes are numbers, or `_frit.Dim` where they have names."""

    def __init__(self, shape, dtype=float):
        self.shape = tuple(map(_size, shape if isinstance(shape, Iterable) and not isinstance(shape, str) else (shape,)))
        self.dtype = np.dtype(dtype)

    def names(self) -> set[str]:
        """The names in its sizes."""
        return {name for n in self.shape if type(n) is _frit.Dim for name in n.names()}

    def at(self, sizes) -> Spec:
        """The same with numbers in place of names. A KeyError for a name that has none."""
        sizes = {name: whole(n, f"the size {name}") for name, n in sizes.items()}
        return Spec([n.value(sizes) if type(n) is _frit.Dim else n for n in self.shape], self.dtype)

    def __repr__(self):
        return f"frit.spec({tuple(str(n) if type(n) is _frit.Dim else n for n in self.shape)}, {self.dtype.name!r})"


def without_specs(leaves):
    """TypeError if what is to be computed has no elements."""
    if any(type(x) is Spec for x in leaves):
        raise TypeError("a spec has no elements: give it to f.memory, f.explain, f.warnings or f.visualize, and arrays to f itself")


def _size(n):
    if type(n) is not _frit.Dim and not isinstance(n, str):
        return whole(n, "a size")
    d = _frit.Dim(n)
    number = d.number()
    return d if number is None else number


def spec(shape, dtype=float) -> Spec:
    """A shape and element type in place of an array, in `explain`, `memory`, `warnings`, `dump` and `visualize`.

    Sizes are integers, names, or expressions of names: `frit.spec(("n", "2*n + 1", 3))`. A name is one number wherever it
    stands, of 8 or more; what is said of the function is then said in expressions. ValueError for text that is no expression and
    for a negative size, TypeError for one that is not a whole number.
    """
    return Spec(shape, dtype)


def names_in(x) -> set[str]:
    """The names of sizes in nested arguments."""
    if type(x) in (list, tuple):
        return set().union(*map(names_in, x))
    return names_in(list(x.values())) if type(x) is dict else x.names() if type(x) is Spec else set()


def with_sizes(x, sizes):
    """Nested arguments with numbers in place of the names of sizes."""
    if type(x) in (list, tuple):
        return type(x)([with_sizes(y, sizes) for y in x])
    if type(x) is dict:
        return {k: with_sizes(y, sizes) for k, y in x.items()}
    return x.at(sizes) if type(x) is Spec else x


class Unkeyed(Exception):
    """An argument that frit does not know how to tell from another."""


class Static:
    """A static argument: equal to others that stand for the same, as `True`, `1` and `1.0` do not."""

    __slots__ = ("value", "_exact")

    def __init__(self, value):
        self.value, self._exact = value, _exactly(value)

    def __eq__(self, other):
        return type(other) is Static and self._exact == other._exact

    def __hash__(self):
        return hash(self._exact)

    def __repr__(self):
        return repr(self.value)


def _exactly(x):
    """Something hashable that is equal for values of one type that no function can tell apart."""
    t = type(x)
    if t in (tuple, frozenset):
        return t, t(map(_exactly, x))
    # By representation: `0.0 == -0.0`, and NaN is equal to nothing.
    return t, repr(x) if t in (float, complex) else x


class Leaf:
    """The place of an array in nested arguments or results."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


#: Types whose values tell everything about them, by their representation (`nan`, `-0.0`).
STATIC = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), np.dtype, type, slice)


class Fields:
    """The place of an object whose attributes are arguments or results: `number` among the objects of a call, or None for
    one that the function made."""

    __slots__ = ("kind", "attributes", "number")

    def __init__(self, kind, attributes, number=None):
        self.kind, self.attributes, self.number = kind, attributes, number


#: Attributes of an object, and objects within objects, beyond which it is not looked into.
_MOST_ATTRIBUTES, _DEEPEST = 64, 5
_PLAIN = {"__getattr__", "__getattribute__", "__setattr__", "__array__", "__array_ufunc__", "__array_function__", "__slots__", "__del__"}


def simple(x):
    """True if an object is nothing but its attributes: a copy of a dataclass, or of a plain class's instance, with
    others in their place is as good."""
    t = type(x)
    if t.__new__ is not object.__new__ or not isinstance(getattr(x, "__dict__", None), dict) or len(x.__dict__) > _MOST_ATTRIBUTES:
        return False
    if isinstance(x, (types.ModuleType, types.FunctionType, BaseException)):
        return False
    for base in t.__mro__[:-1]:
        own = base.__dict__
        if any(n in own for n in _PLAIN) and not ("__slots__" in own and not own["__slots__"]):
            frozen = "__dataclass_params__" in own and own["__dataclass_params__"].frozen
            if not frozen or any(n in own for n in _PLAIN - {"__setattr__"}):
                return False
    return True


@functools.lru_cache(1024)
def class_constants(t):
    """Names of a class that stand for numbers or text."""
    return tuple(n for base in t.__mro__[:-1] for n, v in base.__dict__.items() if type(v) in (bool, int, float, complex, str) and not n.startswith("__"))


class Signature:
    """The arguments of a call: `leaves`, `objects`, and a key of all that a recorded path depends on beside elements."""

    def __init__(self):
        self.leaves, self.key, self.objects = [], [], []
        #: Why calls like this one run their Python: an argument that frit cannot look into.
        self.opaque = None
        #: The same of an array: what the function does with it is NumPy's.
        self.foreign = None
        self._seen = {}

    def flatten(self, x, depth=0):
        """Nested arguments with `Leaf` in place of arrays, and `Fields` in place of objects."""
        t, key = type(x), self.key
        if t is np.ndarray or t is Spec or isinstance(x, np.generic) and x.dtype.kind in "biufc" and traceable(x):
            if t is np.ndarray and not _frit.readable(x):
                return self._opaque(x, f"an array of {x.dtype} that kernels do not read")
            self.leaves.append(x)
            if t is Spec:
                key.append(("array", x.dtype, x.shape, None, True))
            elif t is np.ndarray:
                key.append(("array", x.dtype, x.shape, None if x.flags.c_contiguous else x.strides, x.flags.writeable))
            else:
                key.append(("scalar", x.dtype))
            return Leaf(len(self.leaves) - 1)
        if t in (list, tuple):
            key.append((t, len(x)))
            return t([self.flatten(y, depth) for y in x])
        if t is dict:
            key.append((t, tuple(x)))
            return {k: self.flatten(y, depth) for k, y in x.items()}
        if is_named(x):
            key.append((t, len(x)))
            return t(*[self.flatten(y, depth) for y in x])
        if t in STATIC or isinstance(x, (np.dtype, np.ufunc, enum.Enum)) or inspect.isfunction(x) or inspect.isbuiltin(x) or inspect.isclass(x):
            key.append((t, repr(x) if t in (float, complex, slice) else x))
            return x
        if id(x) in self._seen:
            key.append(("again", self._seen[id(x)].number))
            return self._seen[id(x)]
        if depth < _DEEPEST and simple(x):
            r = self._seen[id(x)] = Fields(t, {}, len(self.objects))
            self.objects.append(x)
            key.append(("object", t, tuple(x.__dict__), tuple([repr(getattr(t, n, None)) for n in class_constants(t)])))
            for k, y in list(x.__dict__.items()):
                r.attributes[k] = self.flatten(y, depth + 1)
            return r
        return self._opaque(x, f"an argument of type {t.__name__}")

    def _opaque(self, x, reason):
        self.key.append(("opaque", type(x)))
        self.opaque = self.opaque or reason
        if isinstance(x, np.ndarray):
            self.foreign = self.foreign or reason
        return x

    def done(self):
        """The key, with what shares memory."""
        arrays = [(k, a) for k, a in enumerate(self.leaves) if type(a) is np.ndarray]
        if len(arrays) > 1:
            for (i, a), (j, b) in itertools.combinations(arrays, 2):
                if a is b:
                    self.key.append(("same", i, j))
                elif np.may_share_memory(a, b):
                    self.key.append(("overlap", i, j))
        return tuple(self.key)


def flatten(x, leaves, key):
    """Nested arguments with `Leaf` in place of arrays; `leaves` and `key` are extended. Raises `Unkeyed` for objects."""
    s = Signature()
    s.leaves, s.key = leaves, key
    r = s.flatten(x)
    if s.opaque or s.objects:
        raise Unkeyed(s.opaque or f"an argument of type {type(s.objects[0]).__name__}")
    return r


def fill(x, values, objects=None):
    """Nested arguments with values in place of `Leaf` and objects in place of `Fields`; `objects`: those that there are by
    their numbers. Missing ones are made, and added."""
    t = type(x)
    if t is Leaf:
        return values[x.number]
    if t in (list, tuple):
        return t([fill(y, values, objects) for y in x])
    if t is dict:
        return {k: fill(y, values, objects) for k, y in x.items()}
    if t is Fields:
        if x.number is not None and x.number in objects:
            return objects[x.number]
        made = object.__new__(x.kind)
        if x.number is not None:
            objects[x.number] = made
        for k, y in x.attributes.items():
            made.__dict__[k] = fill(y, values, objects)
        return made
    if is_named(x):
        return t(*[fill(y, values, objects) for y in x])
    return x


class Recipe:
    """Where a result is found: a slot, or an argument itself, with view steps."""

    __slots__ = ("slot", "steps", "scalar", "argument")

    def __init__(self, slot, steps, scalar, argument=False):
        self.slot, self.steps, self.scalar, self.argument = slot, steps, scalar, argument

    def get(self, leaves, slots):
        a = leaves[self.slot] if self.argument else slots[self.slot]
        for step in self.steps:
            a = show(step, a)
        return a[()] if self.scalar else a


def results(x, found, trace, objects):
    """Nested results with `Leaf` in place of arrays, and `Fields` in place of objects. `objects`: by the ids of the
    arguments' copies that the function saw, their `Fields`."""
    t = type(x)
    if t is Selection:
        x, t = x.array(), Tracer
    if t is Tracer:
        found.append(x)
        return Leaf(len(found) - 1)
    if t in (list, tuple):
        return t([results(y, found, trace, objects) for y in x])
    if t is dict:
        return {k: results(y, found, trace, objects) for k, y in x.items()}
    if is_named(x):
        return t(*[results(y, found, trace, objects) for y in x])
    if t in STATIC or isinstance(x, (np.generic, np.dtype, enum.Enum)) or inspect.isfunction(x) and not x.__closure__:
        return x
    if t is np.ndarray and _frit.readable(x):
        # One from outside, itself.
        s = trace.outside(x)
        found.append(Tracer(s, (), x))
        return Leaf(len(found) - 1)
    if id(x) in objects:
        return objects[id(x)]
    if simple(x):
        made = objects[id(x)] = Fields(t, {}, None)
        for k, y in x.__dict__.items():
            made.attributes[k] = results(y, found, trace, objects)
        return made
    trace.forgo(f"a result of type {t.__name__}")
    return x


def arrays_in(x):
    """All arrays in nested arguments."""
    if isinstance(x, np.ndarray):
        yield x
    elif isinstance(x, (tuple, list)):
        for y in x:
            yield from arrays_in(y)
    elif isinstance(x, dict):
        yield from arrays_in(list(x.values()))
