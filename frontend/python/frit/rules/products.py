"""Products of arrays."""

from __future__ import annotations

import operator
import string

import numpy as np

from ..trace import current
from ..tracer import Tracer
from .arguments import array, arrays, axes_of, none_but, result, store
from .table import RULES, NoRule, rule


def _products():
    for name in "dot vdot inner outer kron".split():
        def f(a, b, /, out=None, _name=name):
            if type(out) is Tracer and not out._a.flags.c_contiguous:
                raise NoRule("with an output array in another order has no rule")
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
    return result(current().call("tensordot", a.node, b.node, *over), scalar=False)


@rule(np.cross)
def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    if axis is None and not axisa == axisb == axisc:
        raise NoRule("with different axes has no rule")
    return result(current().call("cross", array(a).node, array(b).node, axisa if axis is None else axis))


@rule(np.einsum)
def einsum(*operands, out=None, optimize=False, **kwargs):
    none_but(kwargs, order="K", casting="safe", dtype=None)
    if not isinstance(operands[0], str):
        operands = _subscripts(operands)
    return store(out, current().fresh(current().call("einsum", operands[0], arrays(operands[1:])), vague=True))


def _subscripts(operands):
    """`einsum(a, [0, 1], b, [1, 2], [0, 2])` in the form with letters."""
    letters = string.ascii_letters

    def text(axes):
        return "".join("..." if k is Ellipsis else letters[operator.index(k)] for k in axes)

    pairs = [operands[k : k + 2] for k in range(0, len(operands) - 1, 2)]
    out = "->" + text(operands[-1]) if len(operands) % 2 else ""
    return (",".join(text(axes) for _, axes in pairs) + out, *(x for x, _ in pairs))


RULES[np.linalg.multi_dot] = lambda arrays_, *, out=None: store(out, result(current().call("multi_dot", arrays(arrays_))))
