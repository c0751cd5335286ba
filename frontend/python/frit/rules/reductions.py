"""Reductions, cumulations, quantiles."""

from __future__ import annotations

import operator

import numpy as np

from ..trace import current
from ..tracer import operand
from .arguments import array, axes_of, checked, given, name_of, none_but, result, store
from .table import RULES, NoRule, rule


def reduction(op, a, axis=None, dtype=None, out=None, keepdims=False, initial=np._NoValue, where=True, ddof=0, correction=np._NoValue, mean=np._NoValue, **more):
    none_but(more)
    if given(mean):
        raise NoRule("with mean= has no rule")
    if op.startswith("nan") and (given(initial) or where is not True and given(where)):
        raise NoRule("with initial= or where= has no rule")
    a, trace = array(a), current()
    if correction is not np._NoValue:
        ddof = correction
    if a.dtype.kind == "c" and dtype is not None and np.dtype(dtype).kind != "c":
        raise NoRule(f"of complex numbers with dtype={dtype} has no rule")
    mask = None if where is True or where is np._NoValue else array(where).node
    initial = operand(trace, initial) if given(initial) else None
    keep = bool(keepdims) if keepdims is not np._NoValue else False
    if op in ("argmin", "argmax") and axis is not None:
        axis = operator.index(axis)
    node = trace.call("reduce", op, a.node, axes_of(axis), keep, name_of(dtype), mask, initial, float(ddof))
    return store(out, result(_of_type(node, op, dtype), a))


def _of_type(node, op, dtype):
    """A sum or product in the type that was asked for: the namespace's are of 64 bits, whose low bits are the same."""
    trace = current()
    if dtype is None or trace.type(node)[0] == name_of(dtype):
        return node
    if op not in ("sum", "prod", "nansum", "nanprod", "cumsum", "cumprod") or np.dtype(dtype).kind not in "iu":
        raise NoRule(f"with dtype={dtype} has no rule")
    return trace.call("cast", node, name_of(dtype))


def _reductions():
    none = np._NoValue
    for name in "sum prod nansum nanprod".split():
        def f(a, axis=None, dtype=None, out=None, keepdims=none, initial=none, where=none, _op=name):
            return reduction(_op, a, axis, dtype, out, keepdims, initial, where)
        RULES[getattr(np, name)] = f
    for name in "max min nanmax nanmin".split():
        def f(a, axis=None, out=None, keepdims=none, initial=none, where=none, _op=name):
            return reduction(_op, a, axis, None, out, keepdims, initial, where)
        RULES[getattr(np, name)] = f
    for name in "any all".split():
        def f(a, axis=None, out=None, keepdims=none, *, where=none, _op=name):
            return reduction(_op, a, axis, None, out, keepdims, none, where)
        RULES[getattr(np, name)] = f
    for name in "mean nanmean".split():
        def f(a, axis=None, dtype=None, out=None, keepdims=none, *, where=none, _op=name):
            return reduction(_op, a, axis, dtype, out, keepdims, none, where)
        RULES[getattr(np, name)] = f
    for name in "var std nanvar nanstd".split():
        def f(a, axis=None, dtype=None, out=None, ddof=0, keepdims=none, *, where=none, mean=none, correction=none, _op=name):
            return reduction(_op, a, axis, dtype, out, keepdims, none, where, ddof, correction, mean)
        RULES[getattr(np, name)] = f
    for name in "argmin argmax".split():
        def f(a, axis=None, out=None, *, keepdims=none, _op=name):
            return reduction(_op, a, axis, None, out, keepdims)
        RULES[getattr(np, name)] = f
    for name in "cumsum cumprod".split():
        def f(a, axis=None, dtype=None, out=None, _op=name):
            return store(out, cumulative(_op, a, axis, dtype))
        RULES[getattr(np, name)] = f
    for name in "quantile percentile nanquantile nanpercentile".split():
        def f(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None, interpolation=None, _op=name):
            if weights is not None or interpolation is not None:
                raise NoRule("with weights has no rule")
            a = array(a)
            most = 100 if "percentile" in _op else 1
            fine = (array(q) >= 0) & (array(q) <= most)
            if not a.size and _op.startswith("nan"):
                raise NoRule("of nothing has no rule")
            q, keep = operand(current(), q), bool(keepdims) if keepdims is not none else False
            r = result(current().call(_op, a.node, q, axes_of(axis), keep, method), a, scalar=False if keep else None)
            return store(out, checked(r, fine, "quantiles out of range"))
        RULES[getattr(np, name)] = f
    for name in "median nanmedian".split():
        def f(a, axis=None, out=None, overwrite_input=False, keepdims=False, _op=name):
            a = array(a)
            return store(out, result(current().call(_op, a.node, axes_of(axis), bool(keepdims) if keepdims is not none else False), a))
        RULES[getattr(np, name)] = f


_reductions()
RULES[np.amax], RULES[np.amin] = RULES[np.max], RULES[np.min]


@rule(np.count_nonzero)
def count_nonzero(a, axis=None, *, keepdims=False):
    return reduction("count_nonzero", a, axis, keepdims=keepdims)


def cumulative(op, a, axis=None, dtype=None, **more):
    none_but(more)
    a = array(a)
    node = current().call("cumulative", op, a.node, None if axis is None else operator.index(axis), name_of(dtype))
    return result(_of_type(node, op, dtype), a)


@rule(np.ptp)
def ptp(a, axis=None, out=None, keepdims=False):
    a = array(a)
    return store(out, result(current().call("ptp", a.node, axes_of(axis), keepdims is True), a))


@rule(np.average)
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    a = array(a)
    if weights is None:
        avg = a.mean(axis, **_keep(keepdims))
        return (avg, np.full_like(avg, a.size / avg.size) if avg.ndim else avg.dtype.type(a.size / avg.size)) if returned else avg
    w = array(weights)
    t = np.result_type(a.dtype, w.dtype, "f8") if issubclass(a.dtype.type, (np.integer, np.bool_)) else np.result_type(a.dtype, w.dtype)
    if a.shape != w.shape:
        if axis is None:
            raise TypeError("Axis must be specified when shapes of a and weights differ.")
        axes = [x % a.ndim for x in axes_of(axis)]
        if w.shape != tuple(a.shape[x] for x in axes):
            raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
        w = w.transpose(sorted(range(len(axes)), key=axes.__getitem__))
        w = w.reshape([n if x in axes else 1 for x, n in enumerate(a.shape)])
    scl = w.sum(axis=axis, dtype=t, **_keep(keepdims))
    avg = np.multiply(a, w, dtype=t).sum(axis, **_keep(keepdims)) / scl
    avg = checked(avg, scl != 0.0, "Weights sum to zero, can't be normalized")
    return (avg, np.broadcast_to(scl, avg.shape).copy() if avg.ndim else scl) if returned else avg


def _keep(keepdims):
    return {"keepdims": True} if keepdims is True else {}


@rule(np.nanargmin)
def nanargmin(a, axis=None, out=None, *, keepdims=np._NoValue):
    return _nanarg(np.argmin, np.inf, a, axis, out, keepdims)


@rule(np.nanargmax)
def nanargmax(a, axis=None, out=None, *, keepdims=np._NoValue):
    return _nanarg(np.argmax, -np.inf, a, axis, out, keepdims)


def _nanarg(f, other, a, axis, out, keepdims):
    a, more = array(a), {} if keepdims is np._NoValue else {"keepdims": keepdims}
    if a.dtype.kind == "c":
        raise NoRule("of complex numbers has no rule")
    if a.dtype.kind != "f":
        return f(a, axis=axis, out=out, **more)
    r = f(np.where(np.isnan(a), a.dtype.type(other), a), axis=axis, **more)
    return store(out, checked(r, ~np.all(np.isnan(a), axis=axis), "All-NaN slice encountered"))


@rule(np.trace)
def trace_(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    if dtype is not None:
        return store(out, array(a).diagonal(offset, axis1, axis2).sum(-1, dtype=dtype))
    return store(out, result(current().call("trace", array(a).node, offset, axis1, axis2), array(a)))
