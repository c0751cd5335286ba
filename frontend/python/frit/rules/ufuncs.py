"""Calls of ufuncs; their methods are in `ufunc_methods`."""

from __future__ import annotations

import functools

import numpy as np

from ..errors import Break
from ..sizes import WEAK, Size, as_integer
from ..storage import order_of
from ..trace import current
from ..tracer import Tracer, operand
from . import special
from .arguments import array, none_but, store, tracers
from .dispatch import folded
from .gufuncs import GUFUNCS
from .table import NoRule

#: Ufuncs that are ops of the same name, and those with another.
_SAME = """add subtract multiply divide floor_divide remainder fmod power negative positive absolute sign square
reciprocal sqrt cbrt hypot maximum minimum fmax fmin exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan
arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh degrees radians floor ceil trunc rint copysign nextafter
heaviside ldexp conjugate isnan isinf isfinite signbit equal not_equal less less_equal greater greater_equal logical_not
logical_and logical_or logical_xor invert bitwise_and bitwise_or bitwise_xor left_shift right_shift gcd lcm""".split()
UFUNCS = {getattr(np, name): name for name in _SAME}
UFUNCS.update({np.rad2deg: "degrees", np.deg2rad: "radians"})
SEVERAL = {np.divmod: "divmod", np.modf: "modf", np.frexp: "frexp"}

def ufunc_call(ufunc, method, inputs, kwargs):
    trace = current()
    if trace is None:
        raise RuntimeError("a traced array was used after its function had returned")
    try:
        return _call(trace, ufunc, method, inputs, {k: v for k, v in kwargs.items() if v is not None or k == "axis" and method != "__call__"})
    except NoRule as e:
        raise Break(f"numpy.{ufunc.__name__}{'' if method == '__call__' else '.' + method} {e}") from None
    except Exception as e:
        raise Break(f"numpy.{ufunc.__name__}: {e}", error=True) from None


def _call(trace, ufunc, method, inputs, kwargs):
    out = kwargs.pop("out", None)
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if out is None and method != "at" and all(t.known() is not None for t in tracers((inputs, kwargs))):
        return folded(trace, getattr(ufunc, method), inputs, kwargs)
    if type(out) is Tracer and method != "at" and kwargs.get("where", True) is True and all(t.known() is not None for t in tracers((inputs, kwargs))):
        r = array(folded(trace, getattr(ufunc, method), inputs, kwargs))
        return _stored(ufunc, out, r, kwargs.get("casting", "same_kind"), True)
    for o in out if isinstance(out, tuple) else (out,):
        if o is not None and type(o) is not Tracer:
            raise Break(f"numpy.{ufunc.__name__} with an output array that is not traced")
    if method != "__call__":
        from .ufunc_methods import METHODS

        return METHODS[method](trace, ufunc, inputs, out, kwargs)
    if ufunc in GUFUNCS:
        kwargs.pop("casting", None)
        rs = GUFUNCS[ufunc](*inputs, **kwargs)
        return _stored(ufunc, out, rs, "same_kind", True)
    where = kwargs.pop("where", True)
    casting = kwargs.pop("casting", "same_kind")
    dtype, signature = kwargs.pop("dtype", None), kwargs.pop("signature", None)
    none_but(kwargs, order="K", subok=True)
    loop = None
    if dtype is not None or signature is not None or casting != "same_kind":
        inputs, loop = _loop(ufunc, inputs, dtype, signature, casting)
    r = elementwise(trace, ufunc, inputs)
    if loop is not None and tuple(x.dtype for x in (r if isinstance(r, tuple) else (r,))) != loop:
        raise NoRule(f"with a loop of types {loop} has no rule")
    return _stored(ufunc, out, r, casting, where)


def _stored(ufunc, out, rs, casting, where):
    if isinstance(rs, tuple):
        outs = out if isinstance(out, tuple) else (None,) * len(rs)
        for o, r in zip(outs, rs):
            _fits(ufunc, o, r, casting)
        return tuple(_stored(ufunc, o, r, casting, where) for o, r in zip(outs, rs))
    if where is not True:
        if out is None:
            raise Break("where= without out=: the other elements are not defined")
        trace = current()
        _fits(ufunc, out, rs, casting)
        r = trace.fresh(trace.call("elementwise", "where", (array(where).node, array(rs).node, out.node)), scalar=False)
        if r.shape != out.shape:
            raise Break("where= broadcasts the result", error=True)
        return store(out, r, fits=True)
    _fits(ufunc, out, rs, casting)
    return store(out, rs, fits=True)


def _fits(ufunc, out, r, casting):
    if out is None:
        return
    if not np.can_cast(r.dtype, out.dtype, casting):
        raise Break(f"Cannot cast ufunc '{ufunc.__name__}' output from {r.dtype!r} to {out.dtype!r} with casting rule '{casting}'", error=True)
    if r.shape != out.shape and (r.ndim > out.ndim or np.broadcast_shapes(r.shape, out.shape) != out.shape):
        raise Break("non-broadcastable output operand", error=True)


def _loop(ufunc, inputs, dtype, signature, casting):
    """The inputs in the types of the loop that NumPy takes for `dtype=` or `signature=`, and the types of its results."""
    if signature is None:
        if isinstance(dtype, type) and issubclass(dtype, np.dtype):
            dtype = dtype()
        signature = (None,) * ufunc.nin + (None if dtype is None else np.dtype(dtype),) * ufunc.nout
    elif isinstance(signature, str) and "->" in signature:
        signature = tuple(map(np.dtype, signature.replace("->", "")))
    else:
        raise NoRule(f"with signature={signature!r} has no rule")
    inputs = [x if type(x) in (int, float, complex) else array(x) for x in inputs]
    types = [x.dtype if type(x) is Tracer else type(x) for x in inputs]
    loop = ufunc.resolve_dtypes((*types, *(None,) * ufunc.nout), signature=signature, casting=casting)
    if any(t.kind not in "biufc" or t == np.float16 for t in loop):
        raise NoRule(f"with a loop of types {loop} has no rule")
    return tuple(x.astype(t) if type(x) is Tracer else t.type(x) for x, t in zip(inputs, loop)), loop[ufunc.nin :]


def elementwise(trace, ufunc, inputs):
    scalar = all(not t.ndim for t in tracers(inputs)) and all(not np.ndim(x) for x in inputs if type(x) is not Tracer)
    shadows = [x._a for x in inputs if type(x) is Tracer and x.ndim] + [x for x in inputs if isinstance(x, np.ndarray) and type(x) is not Tracer]
    if trace.sizes is not None and any(type(x) in WEAK for x in inputs):
        inputs = _beside(trace, ufunc, inputs)
    if ufunc in COMPOSED:
        return COMPOSED[ufunc](*map(array, inputs))
    rule = None if ufunc in UFUNCS else special.special(ufunc)
    if rule is not None:
        types = tuple(type(x) if type(x) in (int, float, complex) else array(x).dtype for x in inputs)
        return special.call(rule, [array(x) for x in inputs], _types(ufunc, types))
    inputs = [x if type(x) in (bool, int, float, complex) else array(x) for x in inputs]
    loop = _types(ufunc, tuple(type(x) if type(x) in (int, float, complex) else np.dtype(bool) if type(x) is bool else x.dtype for x in inputs))
    if ufunc is np.float_power:
        ufunc, inputs = np.power, [array(x).astype(t) for x, t in zip(inputs, loop)]
    operands = [operand(trace, x) for x in inputs]
    if ufunc in SEVERAL:
        return tuple(trace.fresh(n, axes=order_of(shadows, len(trace.type(n)[1])), scalar=scalar) for n in trace.call(SEVERAL[ufunc], *operands))
    if ufunc not in UFUNCS:
        raise NoRule("has no rule")
    node = trace.call("elementwise", UFUNCS[ufunc], operands)
    dtype, shape = trace.type(node)
    if dtype != loop[-1].name:
        raise NoRule(f"of {loop[: ufunc.nin]} gives {loop[-1]} in NumPy")
    return trace.fresh(node, axes=order_of(shadows, len(shape)), scalar=scalar)


def _beside(trace, ufunc, inputs):
    """Operands with what stands for Python's numbers as arrays of the type that NumPy gives those there."""
    inputs = [x if type(x) in (bool, int, float, complex) or type(x) in WEAK else array(x) for x in inputs]
    types = tuple(WEAK.get(type(x)) or (type(x) if type(x) in (int, float, complex) else np.dtype(bool) if type(x) is bool else x.dtype) for x in inputs)
    loop = _types(ufunc, types)

    def cast(x, dtype):
        if type(x) not in WEAK:
            return x
        node = as_integer(trace, x) if type(x) is Size else x.node
        return trace.fresh(trace.call("cast", node, dtype.name), scalar=True)

    return tuple(map(cast, inputs, loop))


@functools.lru_cache(4096)
def _types(ufunc, inputs):
    """NumPy's types of a loop; an exception if it has none for these inputs."""
    loop = ufunc.resolve_dtypes((*inputs, *(None,) * ufunc.nout))
    if any(t == np.float16 for t in loop):
        raise NoRule("has no rule in half precision")
    return loop


# Ufuncs that are several ops.


def _fabs(x):
    t = np.fabs.resolve_dtypes((x.dtype, None))[1]
    if t == np.float16:
        raise NoRule(f"of {x.dtype} has no rule")
    return np.absolute(x.astype(t) if x.dtype != t else x)


def _spacing(x):
    if x.dtype.kind != "f":
        raise NoRule(f"of {x.dtype} has no rule")
    # -0.0 counts as positive.
    away = np.where(x < 0, x.dtype.type(-np.inf), x.dtype.type(np.inf))
    r = np.nextafter(x, away) - x
    return r if x.ndim else r[()]


def _bitwise_count(x):
    if x.dtype.kind not in "iu":
        raise NoRule(f"of {x.dtype} has no rule")
    bits = 8 * x.dtype.itemsize
    unsigned = np.dtype(f"u{x.dtype.itemsize}").type
    x = (np.absolute(x) if x.dtype.kind == "i" else x).astype(unsigned)
    masks = [unsigned(sum(1 << k for k in range(bits) if not k // step % 2)) for step in (1, 2, 4)]
    x = x - ((x >> unsigned(1)) & masks[0])
    x = (x & masks[1]) + ((x >> unsigned(2)) & masks[1])
    x = (x + (x >> unsigned(4))) & masks[2]
    for step in (8, 16, 32):
        if step < bits:
            x = x + (x >> unsigned(step))
    return (x & unsigned(0x7F)).astype(np.uint8)


COMPOSED = {np.fabs: _fabs, np.spacing: _spacing, np.bitwise_count: _bitwise_count}
