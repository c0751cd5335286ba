"""What rules take and give: operands as arrays of the trace, axes, types; NumPy's results as arrays of the trace."""

from __future__ import annotations

import operator

import numpy as np

from ..errors import Break
from ..nested import leaves, mapped
from ..selection import Selection
from ..storage import keep_order
from ..trace import current
from ..tracer import Tracer
from .table import NoRule

#: NumPy's own, also while `numpy` is patched.
_asarray = np.asarray


def tracers(xs):
    """All tracers in nested lists, tuples and dicts."""
    return (x for x in leaves(list(xs)) if type(x) is Tracer)


def concrete(x):
    """The same with tracers of known elements replaced by them."""

    def elements(y):
        if type(y) is not Tracer:
            return y
        a = y.known()
        return a[()] if y._scalar else a

    return mapped(elements, x)


def abstract(trace, r):
    """NumPy's results as arrays of the trace; scalars stay as they are."""
    return mapped(lambda x: trace.known(x.copy(order="K") if x.base is not None else x) if type(x) is np.ndarray else x, r)


def unknown(x):
    """True if there are elements in it that differ from call to call."""
    return any(type(y) is np.ndarray or type(y) is Tracer and y.known() is None for y in leaves(x))


def holds_array(x):
    """True if there is an array in nested sequences."""
    return type(x) is Tracer or isinstance(x, np.ndarray) or isinstance(x, (list, tuple)) and any(map(holds_array, x))


def store(out, r, fits=False):
    """A result, or the output array that it is written to; `fits`: NumPy is known to take it."""
    if out is None or isinstance(out, tuple):
        return r
    if type(out) is not Tracer:
        raise Break("an output array that is not traced")
    if not fits and (out.shape != r.shape or out.dtype != r.dtype):
        # NumPy raises, or computes in the type of the output array.
        raise Break("an output array of another shape or type", error=True)
    out._write(r)
    return out


def none_but(kwargs, **defaults):
    """Refuses arguments other than NumPy's defaults."""
    for k, v in kwargs.items():
        if k in defaults and (v is defaults[k] or v == defaults[k]):
            continue
        if k in ("initial", "where") and v is np._NoValue:
            continue
        value = f"={v!r}" if type(v) in (bool, int, float, str, type(None)) else ""
        raise NoRule(f"the argument {k}{value} has no rule")


def array(x):
    """An operand as an array of the trace."""
    trace = current()
    if type(x) is Tracer:
        return x
    if type(x) is Selection:
        return x.array()
    if type(x) is np.ndarray:
        return trace.fresh(trace.capture(x), scalar=False)
    if holds_array(x):
        return nested(x)
    a = _asarray(x)
    r = trace.known(a)
    if type(r) is not Tracer:
        raise Break(f"an array of type {a.dtype}")
    return r


def nested(x, dtype=None):
    """`np.array` of nested sequences with tracers."""
    trace = current()

    if dtype is None:
        dtype = np.result_type(*[y.dtype if type(y) is Tracer else np.min_scalar_type(y) if isinstance(y, str) else np.dtype(type(y)) if isinstance(y, (bool, int, float, complex)) and not isinstance(y, np.generic) else y.dtype for y in leaves(x)])

    def node(y):
        if isinstance(y, (list, tuple)):
            return trace.call("stack", [node(z) for z in y], 0)
        return trace.call("cast", array(y).node, np.dtype(dtype).name)

    return trace.fresh(node(x), scalar=False)


def axes_of(axis):
    if axis is None:
        return None
    if isinstance(axis, (tuple, list)):
        return [operator.index(a) for a in axis]
    return [operator.index(axis)]


def name_of(dtype):
    return None if dtype is None else np.dtype(dtype).name


def result(node, like=None, scalar=None):
    return current().fresh(node, scalar=scalar, vague=like is not None and not like._a.flags.c_contiguous)


def given(x):
    return x is not None and x is not np._NoValue


def arrays(xs):
    if type(xs) is Tracer:
        return [xs[k].node for k in range(len(xs))]
    return [array(x).node for x in xs]


def checked(r, fine, why):
    """`r`, where `fine` (an array of truth values) holds everywhere; elsewhere the program stops, and NumPy says what is wrong.

    `r` is read through an index that is out of bounds unless all is fine.
    """
    fine = np.all(fine)
    if type(fine) is not Tracer:
        if not fine:
            raise Break(why, error=True)
        return r
    trace, scalar = current(), r._scalar
    if trace.lazy:
        # There is no call to repeat later: it is found out now.
        if not trace.holds(fine.node):
            raise Break(why, error=True)
        return r
    r = array(r)
    at = trace.call("elementwise", "where", (fine.node, 0, 1))
    one = trace.call("reshape", r.node, (1, *r.shape))
    return trace.fresh(trace.call("take", one, at, 0, "raise"), axes=keep_order(r._a), scalar=scalar)
