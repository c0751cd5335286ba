"""New arrays of the shape, the elements or the bounds of others."""

from __future__ import annotations

import numpy as np

from ..sizes import Size, Unsized, index
from ..storage import keep_order
from ..trace import current
from ..tracer import Tracer
from .arguments import array, result
from .table import RULES, NoRule, rule

#: NumPy's own, also while `numpy` is patched.
_full, _asarray = np.full, np.asarray


def _offsets():
    for name in "triu tril diagflat".split():
        def f(m, k=0, _name=name):
            return result(current().call(_name, array(m).node, k), array(m))
        RULES[getattr(np, name)] = f


_offsets()


@rule(np.diag)
def diag(v, k=0):
    v = array(v)
    # Of a matrix: a view, which NumPy lets nobody write.
    return v.diagonal(k) if v.ndim == 2 else result(current().call("diag", v.node, k), v)


@rule(np.meshgrid)
def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    if sparse or not copy or indexing not in ("xy", "ij"):
        raise NoRule("with sparse, without copy, or with another indexing has no rule")
    return tuple(result(n) for n in current().call("meshgrid", [array(x).node for x in xi], indexing == "xy"))


@rule(np.vander)
def vander(x, N=None, increasing=False):
    x = array(x)
    return result(current().call("vander", x.node, x.shape[0] if N is None else N, increasing), x)


def like(fill):
    def f(a, *args, dtype=None, order="K", subok=True, shape=None, device=None):
        a = array(a)
        value = args[0] if fill is None else fill
        axes = None
        if shape is not None:
            if order not in ("K", "C"):
                raise NoRule(f"with order={order!r} has no rule")
        elif order == "F" or order == "A" and a._a.flags.f_contiguous and not a._a.flags.c_contiguous:
            axes = list(range(a.ndim))[::-1]
        elif order == "K":
            axes = keep_order(a._a)
        return filled(a.shape if shape is None else shape, value, a.dtype if dtype is None else dtype, axes)

    return f


def filled(shape, value, dtype, axes=None):
    """An array of one value: known, so that Python may look at it, unless it is traced."""
    trace = current()
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(index(n) for n in shape)
    axes = axes if axes is not None and sorted(axes) != axes else None
    if np.dtype(dtype).kind not in "biufc":
        raise NoRule(f"with elements of type {np.dtype(dtype)} has no rule")
    if type(value) is not Tracer and not isinstance(value, np.ndarray):
        if any(type(n) is Size for n in shape):
            value = _asarray(value, dtype)[()]
            return trace.fresh(trace.call("full", shape, trace.constant(_asarray(value)), None), axes=axes, scalar=False)
        axes = list(range(len(shape))) if axes is None else axes
        return trace.known(_full([shape[k] for k in axes], value, dtype).transpose([axes.index(k) for k in range(len(axes))]))
    v = array(value)
    if v.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        raise NoRule("of a complex value has no rule")
    v = v.astype(dtype)
    node = trace.call("full", shape, v.node, None) if not v.ndim else trace.call("broadcast_to", v.node, shape)
    return trace.fresh(node, axes=axes, scalar=False)


def _like():
    for name, fill in {"zeros_like": 0, "ones_like": 1}.items():
        def f(a, dtype=None, order="K", subok=True, shape=None, *, device=None, _f=like(fill)):
            return _f(a, dtype=dtype, order=order, shape=shape)
        RULES[getattr(np, name)] = f

    def empty_like(prototype, /, dtype=None, order="K", subok=True, shape=None, *, device=None):
        return like(0)(prototype, dtype=dtype, order=order, shape=shape)

    def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
        return like(None)(a, fill_value, dtype=dtype, order=order, shape=shape)

    RULES[np.empty_like], RULES[np.full_like] = empty_like, full_like


_like()


@rule(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    trace, num = current(), index(num)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    t = np.result_type(*(x if type(x) in (bool, int, float, complex) else array(x).dtype for x in (start, stop)), 0.0)
    start, stop = array(start).astype(t), array(stop).astype(t)
    y = result(trace.call("linspace", start.node, stop.node, num, bool(endpoint)), scalar=False)
    div = num - 1 if endpoint else num
    if axis:
        y = np.moveaxis(y, 0, axis)
    if dtype is not None:
        y = (np.floor(y) if np.issubdtype(dtype, np.integer) else y).astype(dtype)
    if not retstep:
        return y
    return y, np.subtract(stop, start) / div if div > 0 else np.nan


def _plain(order, device):
    if order not in ("C", None) or device not in ("cpu", None):
        raise NoRule("with another order or device has no rule")


def _whole(shape, dtype=float, order="C", *, fill=0, device=None):
    _plain(order, device)
    return filled(shape, fill, dtype)


def _full_of(shape, fill_value, dtype=None, order="C", *, device=None):
    _plain(order, device)
    return filled(shape, fill_value, _asarray(fill_value).dtype if dtype is None else dtype)


def _arange(start, stop=None, step=1, dtype=None, *, device=None):
    if stop is None:
        start, stop = 0, start
    if any(not isinstance(n, (int, np.integer)) for n in (start, stop)) or type(step) is not int or not step:
        raise Unsized("numpy.arange with bounds that are not integers, or with such a step,", sorted(current().sizes))
    dtype = np.dtype(int if dtype is None else dtype)
    return current().fresh(current().call("arange", index(start), index(stop), step, dtype.name), scalar=False)


def _eye(N, M=None, k=0, dtype=float, order="C", *, device=None):
    _plain(order, device)
    return current().fresh(current().call("eye", index(N), index(N if M is None else M), k, np.dtype(dtype).name), scalar=False)


#: Creation functions of sizes that have names.
SIZED = {
    "zeros": _whole, "empty": _whole, "ones": lambda *args, **kwargs: _whole(*args, fill=1, **kwargs), "full": _full_of, "arange": _arange,
    "eye": _eye, "identity": lambda n, dtype=None: _eye(n, dtype=float if dtype is None else dtype), "linspace": linspace,
}  # fmt: skip


def sized(name, args, kwargs):
    """What a creation function gives for sizes that have names."""
    if name not in SIZED:
        raise Unsized(f"numpy.{name}", sorted(current().sizes))
    kwargs.pop("like", None)
    return SIZED[name](*args, **kwargs)
