"""New arrays of the shape, the elements or the bounds of others."""

from __future__ import annotations

import operator

import numpy as np

from ..errors import Break
from ..storage import order_of
from ..trace import current
from ..tracer import Tracer, operand
from .arguments import array, result
from .table import RULES, rule

#: NumPy's own, also while `numpy` is patched.
_full = np.full


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
    if sparse or not copy:
        raise Break("numpy.meshgrid with sparse or without copy")
    return tuple(result(n) for n in current().call("meshgrid", [array(x).node for x in xi], indexing == "xy"))


@rule(np.vander)
def vander(x, N=None, increasing=False):
    x = array(x)
    return result(current().call("vander", x.node, x.shape[0] if N is None else N, increasing), x)


def like(fill):
    def f(a, *args, dtype=None, order="K", subok=True, shape=None, device=None):
        a = array(a)
        value = args[0] if fill is None else fill
        return filled(a.shape if shape is None else shape, value, a.dtype if dtype is None else dtype, order_of([a._a], a.ndim) if shape is None else None)

    return f


def filled(shape, value, dtype, axes=None):
    """An array of one value: known if it is small, so that Python may look at it."""
    trace = current()
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(operator.index(n) for n in shape)
    if type(value) is not Tracer and axes is None:
        a = _full(shape, value, dtype)
        return trace.known(a)
    v = array(value).astype(dtype)
    return trace.fresh(trace.call("full", shape, v.node, None), axes=axes, scalar=False)


RULES[np.zeros_like] = lambda a, dtype=None, order="K", subok=True, shape=None, *, device=None: like(0)(a, dtype=dtype, shape=shape)
RULES[np.empty_like] = lambda prototype, /, dtype=None, order="K", subok=True, shape=None, *, device=None: like(0)(prototype, dtype=dtype, shape=shape)
RULES[np.ones_like] = lambda a, dtype=None, order="K", subok=True, shape=None, *, device=None: like(1)(a, dtype=dtype, shape=shape)
RULES[np.full_like] = lambda a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None: like(None)(a, fill_value, dtype=dtype, shape=shape)


@rule(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    if retstep or axis:
        raise Break("numpy.linspace with retstep or axis")
    trace = current()
    r = result(trace.call("linspace", operand(trace, start), operand(trace, stop), operator.index(num), endpoint))
    return r if dtype is None else r.astype(dtype)
