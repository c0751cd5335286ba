"""What rules take and give: operands as arrays of the trace, axes, types; NumPy's results as arrays of the trace."""

from __future__ import annotations

import operator

import numpy as np

from ..errors import Break
from ..selection import Selection
from ..storage import keep_order
from ..trace import current
from ..tracer import Tracer
from .table import NoRule

#: NumPy's own, also while `numpy` is patched.
_asarray = np.asarray


def tracers(xs):
    """All tracers in nested lists, tuples and dicts."""
    for x in xs:
        if type(x) is Tracer:
            yield x
        elif type(x) in (list, tuple):
            yield from tracers(x)
        elif type(x) is dict:
            yield from tracers(x.values())


def concrete(x):
    """The same with tracers of known elements replaced by them."""
    if type(x) is Tracer:
        a = x.known()
        return a[()] if x._scalar else a
    if type(x) in (list, tuple):
        return type(x)(concrete(y) for y in x)
    if type(x) is dict:
        return {k: concrete(v) for k, v in x.items()}
    return x


def mapped(f, x):
    """`f` of all leaves of nested lists, tuples, named tuples and dicts."""
    t = type(x)
    if t in (list, tuple):
        return t(mapped(f, y) for y in x)
    if t is dict:
        return {k: mapped(f, v) for k, v in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return t(*[mapped(f, y) for y in x])
    return f(x)


def abstract(trace, r):
    """NumPy's results as arrays of the trace; scalars stay as they are."""
    return mapped(lambda x: trace.known(x.copy(order="K") if x.base is not None else x) if type(x) is np.ndarray else x, r)


def unknown(x):
    """True if there are elements in it that differ from call to call."""
    t = type(x)
    if t in (list, tuple):
        return any(unknown(y) for y in x)
    if t is dict:
        return any(unknown(y) for y in x.values())
    return t is np.ndarray or t is Tracer and x.known() is None


def holds_array(x):
    """True if there is an array in nested sequences."""
    return type(x) is Tracer or isinstance(x, np.ndarray) or type(x) in (list, tuple) and any(holds_array(y) for y in x)


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

    def leaves(y):
        return [z for w in y for z in leaves(w)] if type(y) in (list, tuple) else [y]

    if dtype is None:
        dtype = np.result_type(*[y.dtype if type(y) is Tracer else np.min_scalar_type(y) if isinstance(y, str) else np.dtype(type(y)) if isinstance(y, (bool, int, float, complex)) and not isinstance(y, np.generic) else y.dtype for y in leaves(x)])

    def node(y):
        if type(y) in (list, tuple):
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
