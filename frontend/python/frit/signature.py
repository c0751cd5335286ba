"""What tells one call from another: arguments as arrays and a key."""

from __future__ import annotations

import inspect

import numpy as np

from . import _frit
from .storage import show
from .tracer import Tracer


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


class Unkeyed(Exception):
    """An argument that frit does not know how to tell from another."""


class Leaf:
    """The place of an array in nested arguments or results."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


#: Types whose values tell everything about them, by their representation (`nan`, `-0.0`).
STATIC = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), np.dtype, type, slice)


def flatten(x, leaves, key):
    """Nested arguments with `Leaf` in place of arrays; `leaves` and `key` are extended."""
    t = type(x)
    if t is np.ndarray or t is Spec or isinstance(x, np.generic) and x.dtype.kind in "biufc":
        leaves.append(x)
        if t is Spec:
            key.append(("array", x.dtype, x.shape, None, True))
        elif t is np.ndarray:
            if not _frit.readable(x):
                raise Unkeyed(f"an array of {x.dtype} that kernels do not read")
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
    if t in STATIC or isinstance(x, np.dtype) or inspect.isfunction(x) or inspect.isbuiltin(x) or isinstance(x, np.ufunc):
        key.append((t, repr(x) if t in (float, complex, slice) else x))
        return x
    raise Unkeyed(f"an argument of type {t.__name__}")


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


def results(x, found, trace):
    """Nested results with `Leaf` in place of arrays."""
    t = type(x)
    if t is Tracer:
        found.append(x)
        return Leaf(len(found) - 1)
    if t in (list, tuple):
        return t([results(y, found, trace) for y in x])
    if t is dict:
        return {k: results(y, found, trace) for k, y in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return t(*[results(y, found, trace) for y in x])
    if t in STATIC or isinstance(x, (np.generic, np.dtype)):
        return x
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
