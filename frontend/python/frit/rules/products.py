"""Products of arrays."""

from __future__ import annotations

import numpy as np

from ..errors import Break
from ..trace import current
from .arguments import array, arrays, axes_of, none_but, result, store
from .table import RULES, rule


def _products():
    for name in "dot vdot inner outer kron".split():
        def f(a, b, /, out=None, _name=name):
            return store(out, result(current().call(_name, array(a).node, array(b).node)))
        RULES[getattr(np, name)] = f


_products()


@rule(np.tensordot)
def tensordot(a, b, axes=2):
    a, b = array(a), array(b)
    if isinstance(axes, (int, np.integer)):
        over = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        over = axes_of(axes[0]), axes_of(axes[1])
    return result(current().call("tensordot", a.node, b.node, *over))


@rule(np.cross)
def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    if axis is None and not axisa == axisb == axisc:
        raise Break("numpy.cross with different axes")
    return result(current().call("cross", array(a).node, array(b).node, axisa if axis is None else axis))


@rule(np.einsum)
def einsum(*operands, out=None, optimize=False, **kwargs):
    none_but(kwargs, order="K", casting="safe")
    if not isinstance(operands[0], str):
        raise Break("numpy.einsum with lists of axes")
    return store(out, current().fresh(current().call("einsum", operands[0], arrays(operands[1:])), vague=True))


RULES[np.linalg.multi_dot] = lambda arrays_, *, out=None: store(out, result(current().call("multi_dot", arrays(arrays_))))
