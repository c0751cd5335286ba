"""Sorting and searching."""

from __future__ import annotations

import numpy as np

from ..trace import current
from .arguments import array, arrays, checked, none_but, result
from .table import NoRule, rule


@rule(np.sort)
def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    none_but({"order": order}, order=None)
    return result(current().call("sort", array(a).node, axis), array(a))


@rule(np.argsort)
def argsort(a, axis=-1, kind=None, order=None, *, stable=None):
    """Equal elements come in their order. By default NumPy leaves that open, and what it does depends on the machine: then
    its own code runs if there are any."""
    none_but({"order": order}, order=None)
    if order is None and kind is not None and stable is not None:
        raise ValueError("`kind` and keyword parameters can't be provided at the same time.")
    a = array(a)
    r = result(current().call("argsort", a.node, axis), a, scalar=False)
    if stable or kind in ("stable", "mergesort") or not a.ndim:
        return r
    if axis is None:
        a, axis = a.ravel(), 0
    ordered = np.sort(a, axis)
    first = (slice(None),) * range(a.ndim)[axis]
    x, y = ordered[(*first, slice(None, -1))], ordered[(*first, slice(1, None))]
    return checked(r, (x < y) | ((x == x) & (y != y)) if a.dtype.kind in "fc" else x < y, "equal elements, in an order that NumPy leaves open")


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
    if array(x).dtype.kind == "c":
        raise TypeError("x may not be complex")
    bins = array(bins)
    if bins.ndim != 1:
        raise ValueError("object of too small depth for desired array")
    r = result(current().call("digitize", array(x).node, bins.node, right), array(x))
    step = bins[1:] >= bins[:-1], bins[1:] <= bins[:-1]
    return checked(r, np.all(step[0]) | np.all(step[1]), "bins must be monotonically increasing or decreasing")


@rule(np.isin)
def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    if kind is not None:
        raise NoRule(f"with kind={kind!r} has no rule")
    return result(current().call("isin", array(element).node, array(test_elements).node, invert), array(element), scalar=False)


@rule(np.lexsort)
def lexsort(keys, axis=-1):
    nodes = arrays(keys)
    if axis != -1 and (axis, len(current().type(nodes[0])[1])) != (0, 1):
        raise NoRule(f"with axis={axis} has no rule")
    return result(current().call("lexsort", nodes))
