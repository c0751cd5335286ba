"""Differences, interpolation, statistics."""

from __future__ import annotations

import functools
import operator

import numpy as np

from ..errors import Break
from ..trace import current
from ..tracer import operand
from .arguments import array, axes_of, checked, given, none_but, result
from .table import RULES, NoRule, rule


@rule(np.diff)
def diff(a, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    a = array(a)
    ends = [array(v).node if given(v) else None for v in (prepend, append)]
    if ends == [None, None]:
        return result(current().call("diff", a.node, n, axis), a)
    return result(current().call("diff_between", a.node, n, axis, *ends), a)


@rule(np.gradient)
def gradient(f, *varargs, axis=None, edge_order=1):
    f, trace = array(f), current()
    if f.dtype.kind == "b":
        raise NoRule("of truth values has no rule")
    axes = list(range(f.ndim)) if axis is None else axes_of(axis)
    if len(varargs) not in (0, len(axes)) and (len(varargs) != 1 or np.ndim(varargs[0])):
        raise Break("invalid number of arguments", error=True)
    spacing = list(varargs) or [1.0]
    spacing = spacing * len(axes) if len(spacing) == 1 else spacing
    rs = tuple(result(trace.call("gradient", f.node, operand(trace, s), a, edge_order), f) for s, a in zip(spacing, axes))
    return rs[0] if len(rs) == 1 else rs


@rule(np.trapezoid)
def trapezoid(y, x=None, dx=1.0, axis=-1):
    trace = current()
    if array(y).dtype.kind not in "fc" or x is not None and array(x).dtype.kind not in "fc":
        raise NoRule("of whole numbers has no rule")
    return result(trace.call("trapezoid", array(y).node, operand(trace, dx if x is None else x), axis))


@rule(np.interp)
def interp(x, xp, fp, left=None, right=None, period=None):
    if period is not None:
        raise NoRule("with period has no rule")
    if array(x).dtype.kind == "c" or array(xp).dtype.kind == "c":
        raise TypeError("Cannot cast array data from complex to dtype('float64') according to the rule 'safe'")
    trace = current()
    ends = [None if v is None else operand(trace, v) for v in (left, right)]
    return result(trace.call("interp", array(x).node, array(xp).node, array(fp).node, *ends))


@rule(np.cov)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    none_but({"y": y, "fweights": fweights, "aweights": aweights, "dtype": dtype}, y=None, fweights=None, aweights=None, dtype=None)
    return result(current().call("cov", array(m).node, rowvar, int(0 if bias else 1) if ddof is None else ddof), scalar=False)


@rule(np.corrcoef)
def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    none_but({"y": y, "dtype": dtype}, y=None, dtype=None)
    return result(current().call("corrcoef", array(x).node, rowvar))




def _convolution(name, default):
    def f(a, v, mode=default):
        a, v = array(a), array(v)
        if name == "convolve":
            a, v = np.atleast_1d(a), np.atleast_1d(v)
        if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
            raise ValueError("object too deep, or empty")
        if mode not in ("full", "same", "valid"):
            raise NoRule(f"with mode={mode!r} has no rule")
        r = result(current().call(name, a.node, v.node, mode))
        if mode == "valid" or r.dtype.kind not in "fc":
            return r
        # The longer one is padded by zeros, which what is not finite in the shorter one would turn into NaNs.
        shorter = [x for x in (a, v) if x.size == min(a.size, v.size)]
        fine = functools.reduce(operator.and_, (np.isfinite(x).all() for x in shorter))
        return checked(r, fine, "values that are not finite")

    return f


RULES[np.convolve], RULES[np.correlate] = _convolution("convolve", "full"), _convolution("correlate", "valid")


@rule(np.unwrap)
def unwrap(p, discont=None, axis=-1, *, period=2 * np.pi):
    if discont is not None or type(period) is not float or array(p).dtype.kind != "f":
        raise NoRule("with discont, or of other types, has no rule")
    return result(current().call("unwrap", array(p).node, period, axis))


@rule(np.ediff1d)
def ediff1d(ary, to_end=None, to_begin=None):
    ary = array(ary)
    if to_end is not None or to_begin is not None or ary.dtype.kind == "b":
        raise NoRule("with ends has no rule")
    return result(current().call("ediff1d", ary.node, None, None))
