"""Elementwise functions that are not ufuncs."""

from __future__ import annotations

import operator

import numpy as np

from ..errors import Break
from ..storage import order_of
from ..trace import current
from ..tracer import Tracer, operand
from .arguments import array, given, none_but, result, store
from .table import RULES, NoRule, rule

#: NumPy's own, also while `numpy` is patched.
_asarray = np.asarray


@rule(np.where)
def where(condition, x=None, y=None):
    if x is None and y is None:
        raise Break("numpy.where of one argument: the size of its result depends on the elements")
    trace = current()
    c = array(condition)
    xs = [x, y]
    node = trace.call("elementwise", "where", (c.node, operand(trace, x), operand(trace, y)))
    shadows = [t._a for t in (c, *xs) if type(t) is Tracer and t.ndim]
    return trace.fresh(node, axes=order_of(shadows, len(trace.type(node)[1])), scalar=False)


@rule(np.clip)
def clip(a, a_min=np._NoValue, a_max=np._NoValue, out=None, *, min=np._NoValue, max=np._NoValue, **kwargs):
    none_but(kwargs)
    trace = current()
    low, high = (a_min if given(a_min) else min), (a_max if given(a_max) else max)
    low, high = (operand(trace, v) if given(v) else None for v in (low, high))
    a = array(a)
    return store(out, result(trace.call("clip", a.node, low, high), a))


@rule(np.round, np.around)
def round_(a, decimals=0, out=None):
    a = array(a)
    if a.dtype.kind == "b":
        raise NoRule("of truth values has no rule")
    return store(out, result(current().call("round", a.node, operator.index(decimals)), a))


@rule(np.nan_to_num)
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    x = array(x)
    r = result(current().call("nan_to_num", x.node, float(nan), posinf, neginf), x)
    return r if copy or x._scalar else store(x, r)


def _typed(x, other):
    """A Python number in the type that NumPy gives it beside an array: several steps follow, all in that type."""
    if type(x) in (int, float, complex) and type(other) is Tracer:
        return _asarray(x, np.result_type(other.dtype, x))[()]
    return x


@rule(np.isclose)
def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    trace = current()
    a, b = _typed(a, b), _typed(b, a)
    node = trace.call("isclose", operand(trace, a), operand(trace, b), rtol, atol, equal_nan)
    return trace.fresh(node)


@rule(np.angle)
def angle(z, deg=False):
    trace = current()
    r = trace.fresh(trace.call("elementwise", "angle", (array(z).node,)))
    return np.degrees(r) if deg else r


def _simple():
    """Functions of one array and nothing else."""
    for name in "fix isposinf isneginf isreal iscomplex sinc i0".split():
        def f(x, out=None, _name=name):
            x = array(x)
            if _name in ("isposinf", "isneginf") and x.dtype.kind == "c":
                raise TypeError("This operation is not supported for complex values because it would be ambiguous.")
            return store(out, result(current().call(_name, x.node), x, scalar=False if _name == "i0" else None))
        RULES[getattr(np, name)] = f


_simple()
RULES[np.real] = lambda val: array(val).real
RULES[np.imag] = lambda val: array(val).imag


@rule(np.polyval)
def polyval(p, x):
    return result(current().call("polyval", array(p).node, array(x).node), array(x))
