"""What rules take and give: operands as arrays of the trace, axes, types; NumPy's results as arrays of the trace."""

from __future__ import annotations

import operator

import numpy as np

from ..errors import Break
from ..trace import current
from ..tracer import Tracer, holds_tracer

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


def abstract(trace, r):
    """NumPy's results as arrays of the trace; scalars stay as they are."""
    if isinstance(r, np.ndarray) and type(r) is np.ndarray:
        return trace.known(r.copy() if r.base is not None else r)
    if type(r) in (list, tuple):
        return type(r)(abstract(trace, x) for x in r)
    return r


def store(out, r):
    if out is None or isinstance(out, tuple):
        return r
    if type(out) is not Tracer:
        raise Break("an output array that is not traced")
    out._write(r)
    return out


def none_but(kwargs, **defaults):
    """Refuses arguments other than NumPy's defaults."""
    for k, v in kwargs.items():
        if k in defaults and (v is defaults[k] or v == defaults[k]):
            continue
        if k in ("initial", "where") and v is np._NoValue:
            continue
        raise Break(f"the argument {k}={v!r} has no rule")


def array(x):
    """An operand as an array of the trace."""
    trace = current()
    if type(x) is Tracer:
        return x
    if type(x) is np.ndarray:
        return trace.fresh(trace.capture(x), scalar=False)
    if holds_tracer(x):
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
