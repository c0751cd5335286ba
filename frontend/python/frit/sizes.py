"""Sizes with names: what a function sees of shapes while it is traced with `frit.spec(("n", "m"))`.

A `Size` is an expression over names (`n - 1`) beside a number, its *witness*: frit and NumPy work with the number where
they ask for one, the graph gets the expression. The user's code gets the expression only, and an `Unsized` where it needs
a number. Code of frit and NumPy that decides by a witness, or builds with it, could make a program for that one
size; so such functions are traced twice, with different witnesses, and both traces must be the same (`jit`).
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Mapping

import numpy as np

from . import _frit
from .errors import FRIT, _NUMPY, Abandon, SizeError, local, located, user_place
from .options import whole

#: The least number that a name stands for: `x[1:]` has one element less than `x`, and `x[:4]` has four.
LEAST = 8

#: Python's operators on integers that stay integers, with the methods of `_frit.Dim`.
_EXACT = {"add": "add", "sub": "subtract", "mul": "multiply", "floordiv": "floor_divide", "mod": "remainder"}
#: Those on numbers of Python's, with NumPy's functions.
_UFUNCS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "floordiv": np.floor_divide, "mod": np.remainder, "truediv": np.divide,
    "pow": np.power,
}  # fmt: skip
_COMPARED = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}


class Unsized(Abandon):
    """A trace with names came to where a number is needed."""

    def __init__(self, what, names):
        self.what, self.names = what, names
        super().__init__(what)

    def for_caller(self) -> SizeError:
        """What the caller of `memory` or `explain` sees."""
        n = self.names[0] if self.names else "n"
        who = f"the number of {' and '.join(self.names)}" if self.names else "a number"
        return SizeError(f"{located(f'{self.what} needs {who}', self.place)}\n    give it: frit.spec with a number in place of {n!r}")


def asked_inside() -> bool:
    """True if frit's or NumPy's code asks, two frames up, not the user's."""
    file = sys._getframe(2).f_code.co_filename
    return file.startswith(FRIT) or file.startswith(_NUMPY) or file.startswith("<__array_function__")


def dim(x):
    """What the graph has for a size: a number or an expression."""
    return x.dim if type(x) is Size else x


def index(x):
    """`operator.index`, which leaves a `Size` as it is."""
    return x if type(x) is Size else operator.index(x)


def witnesses(names):
    """Numbers for names, twice: odd and even, in both orders, none the multiple or the neighbor of another."""
    names = sorted(names)
    first = {n: 97 + 14 * k + 2 * (k % 2) for k, n in enumerate(names)}
    last = {n: 60 + 22 * (len(names) - k) for k, n in enumerate(names)}
    return first, last


def differing(names, place) -> SizeError:
    """The error for a function whose program differs from size to size, first at a line."""
    return SizeError(
        f"{located('what this line does depends on the number of ' + ' or '.join(sorted(names)), place)}\n"
        f"    give it: frit.spec with a number in place of {sorted(names)[0]!r}"
    )


def given_for(names, sizes) -> dict[str, int]:
    """Numbers for names, checked: ValueError for a name that has none and for one that there is not."""
    if not isinstance(sizes, Mapping):
        raise TypeError(f"sizes must be a dict of numbers by names, not {sizes!r}")
    names = sorted(names)
    known = f"the sizes are {', '.join(names)}" if names else "all sizes are numbers"
    for n in [n for n in names if n not in sizes] + [n for n in sizes if n not in names]:
        raise ValueError(f"{known}: {'no number for' if n in names else 'there is no'} {n}")
    return {n: whole(number, f"the size {n}") for n, number in sizes.items()}


class Size:
    """The size of an axis as an expression over names."""

    __slots__ = ("dim", "witness")

    def __init__(self, dim, witness):
        self.dim, self.witness = dim, witness

    @staticmethod
    def of(dim, numbers):
        """Of an expression; a plain number if it has no name in it."""
        n = dim.number()
        return Size(dim, dim.value(numbers)) if n is None else n

    @property
    def __class__(self):
        # `isinstance(n, int)` holds, as it does for the number that this stands for.
        return int

    def __hash__(self):
        return hash(self.dim)

    def __eq__(self, other):
        return self._compare(operator.eq, other, asked_inside())

    def __ne__(self, other):
        r = self._compare(operator.eq, other, asked_inside())
        return r if r is NotImplemented else not r

    def _compare(self, test, other, inside):
        if not _whole(other):
            return NotImplemented
        d = _frit.Dim(self.dim).subtract(dim(other))
        n = d.number()
        if n is not None:
            return test(n, 0)
        # Strictly above or below for all sizes.
        if d.subtract(1).proves_nonnegative(LEAST):
            return test(1, 0)
        if _frit.Dim(-1).subtract(d).proves_nonnegative(LEAST):
            return test(-1, 0)
        if test in (operator.ge, operator.lt) and d.proves_nonnegative(LEAST):
            return test is operator.ge
        if test in (operator.le, operator.gt) and _frit.Dim(0).subtract(d).proves_nonnegative(LEAST):
            return test is operator.le
        if inside:
            return test(self.witness, other.witness if type(other) is Size else other)
        raise Unsized(f"the comparison of {self} with {other}", d.names())

    def _number(self, what, inside):
        if inside:
            return self.witness
        raise Unsized(f"{what} {self}", self.dim.names())

    def __index__(self):
        return self._number("what takes an integer, as `range` of it does:", asked_inside())

    def __int__(self):
        return self._number("int() of", asked_inside())

    def __float__(self):
        return float(self._number("float() of", asked_inside()))

    def __bool__(self):
        return not self._compare(operator.eq, 0, asked_inside())

    def __neg__(self):
        return 0 - self

    def __pos__(self):
        return self

    def __pow__(self, power, modulo=None):
        if type(power) is int and 0 <= power < 8 and modulo is None:
            r = 1
            for _ in range(power):
                r = self * r
            return r
        return _inexact("pow", self, power)

    def __divmod__(self, other):
        return self // other, self % other

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        from .calls import apply_ufunc

        return apply_ufunc(ufunc, method, inputs, kwargs)

    def __str__(self):
        return str(self.dim)

    __repr__ = __str__

    def __format__(self, spec):
        return format(str(self.dim), spec)


def _exact(name, a, b):
    """An operator of integers."""
    d = getattr(_frit.Dim(dim(a)), _EXACT[name])(dim(b))
    n = d.number()
    return Size(d, getattr(operator, name)(witness(a), witness(b))) if n is None else n


def witness(x):
    return x.witness if type(x) is Size else int(x)


def _whole(x):
    return type(x) in (Size, int, bool) or isinstance(x, np.integer)


class Real:
    """A Python float that depends on sizes: weak beside arrays, as Python's floats are."""

    __slots__ = ("node", "trace")

    def __init__(self, trace, node):
        self.trace, self.node = trace, node

    @property
    def __class__(self):
        return float

    __hash__ = None
    __array_ufunc__ = Size.__array_ufunc__

    def _number(self, *_):
        raise Unsized("the value of a number that sizes with names make", sorted(self.trace.sizes))

    __float__ = __int__ = __bool__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _number


def _inexact(name, a, b):
    """An operator with a float beside a size; what is not a number of Python's has its own operators."""
    if all(type(x) in (Size, Real, int, float) for x in (a, b)):
        from .rules.ufuncs import UFUNCS

        trace = local.trace
        return Real(trace, trace.call("elementwise", UFUNCS[_UFUNCS[name]], tuple(as_float(trace, x) for x in (a, b))))
    return NotImplemented


def as_float(trace, x):
    """A number of Python's as a node of float64."""
    if type(x) is Real:
        return x.node
    return trace.call("cast", as_integer(trace, x), "float64") if type(x) is Size else trace.constant(np.float64(x))


def as_integer(trace, x):
    """A size as a node of int64."""
    return trace.call("dim_value", x)


def _operator(cls, name):
    def apply(a, b):
        exact = name in _EXACT and _whole(a) and _whole(b)
        return _exact(name, a, b) if exact else _inexact(name, a, b)

    if not hasattr(cls, f"__{name}__"):
        setattr(cls, f"__{name}__", apply)
    setattr(cls, f"__r{name}__", lambda self, other: apply(other, self))


for _name in _UFUNCS:
    _operator(Size, _name)
    _operator(Real, _name)
for _name, _test in _COMPARED.items():
    setattr(Size, f"__{_name}__", lambda self, other, _test=_test: self._compare(_test, other, asked_inside()))
Real.__neg__ = lambda self: self * -1.0

class Bytes:
    """A number of bytes as an expression in sizes: the largest of some sums. `str` shows it."""

    def __init__(self, candidates, workspaces=()):
        self._candidates = list(candidates)
        #: Library routines whose workspace comes on top, for which there is no expression.
        self.workspaces = list(workspaces)

    def names(self) -> list[str]:
        """The names of sizes in it."""
        return sorted({n for d in self._candidates for n in d.names()})

    def at(self, **sizes) -> int:
        """The number for these sizes, without what the workspaces take. A KeyError for a name that has none."""
        sizes = {name: whole(n, f"the size {name}") for name, n in sizes.items()}
        return max((d.value(sizes) for d in self._candidates), default=0)

    def __add__(self, other):
        return Bytes([_frit.Dim(a).add(b) for a in self._candidates for b in (other._candidates if type(other) is Bytes else [other])])

    __radd__ = __add__

    def __str__(self):
        texts = list(map(str, self._candidates)) or ["0"]
        return " + ".join([texts[0] if len(texts) == 1 else f"max({', '.join(texts)})", *(f"workspace of {w}" for w in self.workspaces)])

    def __repr__(self):
        return f"<{self} bytes>"


#: Stand-ins for numbers of Python's, with the types that NumPy takes them for.
WEAK = {Size: int, Real: float}
