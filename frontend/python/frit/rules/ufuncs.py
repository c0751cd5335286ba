"""Ufuncs and their methods."""

from __future__ import annotations

import numpy as np

from ..errors import Break
from ..storage import order_of
from ..trace import current
from ..tracer import Tracer, operand, parse
from .arguments import array, none_but, store, tracers
from .dispatch import folded
from .reductions import cumulative, reduction


#: Ufuncs that are ops of the same name, and those with another.
_SAME = """add subtract multiply divide floor_divide remainder fmod power negative positive absolute sign square
reciprocal sqrt cbrt hypot maximum minimum fmax fmin exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan
arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh degrees radians floor ceil trunc rint copysign nextafter
heaviside ldexp conjugate isnan isinf isfinite signbit equal not_equal less less_equal greater greater_equal logical_not
logical_and logical_or logical_xor invert bitwise_and bitwise_or bitwise_xor left_shift right_shift gcd lcm""".split()
UFUNCS = {getattr(np, name): name for name in _SAME}
UFUNCS.update({np.rad2deg: "degrees", np.deg2rad: "radians"})
REDUCE = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min", np.logical_and: "all", np.logical_or: "any"}
ACCUMULATE = {np.add: "cumsum", np.multiply: "cumprod", np.maximum: "cummax", np.minimum: "cummin"}
AT = {np.add: "add", np.multiply: "multiply", np.maximum: "maximum", np.minimum: "minimum"}


def ufunc_call(ufunc, method, inputs, kwargs):
    trace = current()
    if trace is None:
        raise RuntimeError("a traced array was used after its function had returned")
    kwargs = {k: v for k, v in kwargs.items() if v is not None}
    out = kwargs.pop("out", None)
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if out is None and method != "at" and all(t.known() is not None for t in tracers((inputs, kwargs))):
        return folded(trace, getattr(ufunc, method), inputs, kwargs)
    if isinstance(out, tuple) and any(o is not None for o in out):
        raise Break(f"numpy.{ufunc.__name__} with several outputs given")
    if out is not None and not isinstance(out, tuple) and type(out) is not Tracer:
        raise Break(f"numpy.{ufunc.__name__} with an output array that is not traced")
    if method == "reduce" or method == "accumulate":
        table = REDUCE if method == "reduce" else ACCUMULATE
        if ufunc not in table:
            raise Break(f"numpy.{ufunc.__name__}.{method} has no rule")
        x, rest = inputs[0], inputs[1:]
        axis = rest[0] if rest else kwargs.pop("axis", 0)
        if method == "accumulate":
            return store(out, cumulative(table[ufunc], x, axis, kwargs.pop("dtype", None), **kwargs))
        return reduction(table[ufunc], x, axis, out=out, **kwargs)
    if method == "outer" and ufunc in UFUNCS:
        none_but(kwargs)
        r = trace.call("outer_op", UFUNCS[ufunc], array(inputs[0]).node, array(inputs[1]).node)
        return store(out, trace.fresh(r))
    if method == "at" and ufunc in AT:
        x, index, v = inputs[0], inputs[1], inputs[2] if len(inputs) > 2 else None
        if type(x) is not Tracer:
            raise Break("ufunc.at on an array that is not traced")
        parts, _ = parse(x, index)
        index = tuple(p.node if type(p) is Tracer else p for p in parts)
        x._assign(trace.call("setitem", x.node, index, x._cast(v), AT[ufunc]))
        return None
    if method != "__call__":
        raise Break(f"numpy.{ufunc.__name__}.{method} has no rule")
    where = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    casting = kwargs.pop("casting", "same_kind")
    none_but(kwargs, order="K", subok=True)
    if dtype is not None:
        if np.dtype(dtype).kind not in "fc":
            raise Break(f"numpy.{ufunc.__name__} with dtype={dtype}")
        inputs = tuple(x.astype(dtype) if type(x) is Tracer else np.dtype(dtype).type(x) if np.ndim(x) == 0 else x for x in inputs)
    r = elementwise(trace, ufunc, inputs)
    if where is not True:
        if out is None:
            raise Break("where= without out=: the other elements are not defined")
        r = trace.fresh(trace.call("elementwise", "where", (array(where).node, r.node, out.node)))
        if r.shape != out.shape:
            raise Break("where= broadcasts the result", error=True)
    if out is not None and not isinstance(out, tuple):
        if not np.can_cast(r.dtype, out.dtype, casting):
            raise Break(f"Cannot cast ufunc '{ufunc.__name__}' output from {r.dtype!r} to {out.dtype!r} with casting rule '{casting}'", error=True)
        if r.shape != out.shape:
            if r.ndim > out.ndim or np.broadcast_shapes(r.shape, out.shape) != out.shape:
                raise Break("non-broadcastable output operand", error=True)
        return store(out, r)
    return r


def elementwise(trace, ufunc, inputs):
    if ufunc is np.matmul:
        return trace.fresh(trace.call("matmul", array(inputs[0]).node, array(inputs[1]).node))
    several = {np.divmod: "divmod", np.modf: "modf", np.frexp: "frexp"}
    scalar = all(not t.ndim for t in tracers(inputs)) and all(np.ndim(x) == 0 for x in inputs if type(x) is not Tracer)
    shadows = [x._a for x in inputs if type(x) is Tracer and x.ndim] + [x for x in inputs if isinstance(x, np.ndarray) and type(x) is not Tracer]
    operands = [operand(trace, x) for x in inputs]
    if ufunc in several:
        return tuple(trace.fresh(n, scalar=scalar) for n in trace.call(several[ufunc], *operands))
    if ufunc is np.float_power:
        node = trace.call("float_power", *operands)
    elif ufunc is np.fabs:
        x = array(inputs[0])
        if x.dtype.kind not in "f":
            x = x.astype(np.float64)
        node = trace.call("elementwise", "absolute", (x.node,))
    elif ufunc in UFUNCS:
        node = trace.call("elementwise", UFUNCS[ufunc], operands)
    else:
        raise Break(f"numpy.{ufunc.__name__} has no rule")
    shape = trace.type(node)[1]
    return trace.fresh(node, axes=order_of(shadows, len(shape)), scalar=scalar)
