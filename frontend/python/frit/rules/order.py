"""Sorting and searching."""

from __future__ import annotations

import numpy as np

from ..trace import current
from .arguments import array, arrays, none_but, result
from .table import NoRule, rule


@rule(np.sort)
def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    none_but({"order": order}, order=None)
    return result(current().call("sort", array(a).node, axis), array(a))


@rule(np.argsort)
def argsort(a, axis=-1, kind=None, order=None, *, stable=None):
    a = array(a)
    # frit's sort is stable; NumPy's default leaves the order of equal elements open.
    none_but({"order": order}, order=None)
    return result(current().call("argsort", a.node, axis), a)


@rule(np.partition)
def partition(a, kth, axis=-1, kind="introselect", order=None):
    """Sorted: then all elements are on the side of the `kth` where they belong; NumPy leaves the order on each side open."""
    _within(a, kth, axis, order)
    return sort(a, axis)


@rule(np.argpartition)
def argpartition(a, kth, axis=-1, kind="introselect", order=None):
    _within(a, kth, axis, order)
    return argsort(a, axis)


def _within(a, kth, axis, order):
    none_but({"order": order}, order=None)
    a, kth = array(a), array(kth).known()
    if kth is None or kth.dtype.kind not in "iu":
        raise NoRule("with such kth has no rule")
    n = a.size if axis is None else a.shape[axis]
    if ((kth < -n) | (kth >= n)).any():
        raise ValueError(f"kth out of bounds ({n})")


@rule(np.searchsorted)
def searchsorted(a, v, side="left", sorter=None):
    a = array(a)
    if side not in ("left", "right"):
        raise ValueError(f"search side must be 'left' or 'right' (got '{side}')")
    if sorter is not None:
        if array(sorter).dtype.kind not in "iu":
            raise TypeError("sorter must only contain integers")
        if array(sorter).shape != a.shape:
            raise ValueError("sorter.size must equal len(a)")
        a = np.take(a, sorter)
    return result(current().call("searchsorted", a.node, array(v).node, side == "right"), array(v))


@rule(np.digitize)
def digitize(x, bins, right=False):
    return result(current().call("digitize", array(x).node, array(bins).node, right), array(x))


@rule(np.isin)
def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    return result(current().call("isin", array(element).node, array(test_elements).node, invert), array(element))


@rule(np.lexsort)
def lexsort(keys, axis=-1):
    nodes = arrays(keys)
    if axis != -1 and (axis, len(current().type(nodes[0])[1])) != (0, 1):
        raise NoRule(f"with axis={axis} has no rule")
    return result(current().call("lexsort", nodes))
