"""Sorting and searching."""

from __future__ import annotations

import numpy as np

from ..trace import current
from .arguments import array, arrays, none_but, result
from .table import rule


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


@rule(np.searchsorted)
def searchsorted(a, v, side="left", sorter=None):
    none_but({"sorter": sorter}, sorter=None)
    return result(current().call("searchsorted", array(a).node, array(v).node, side == "right"), array(v))


@rule(np.digitize)
def digitize(x, bins, right=False):
    return result(current().call("digitize", array(x).node, array(bins).node, right), array(x))


@rule(np.isin)
def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    return result(current().call("isin", array(element).node, array(test_elements).node, invert), array(element))


@rule(np.lexsort)
def lexsort(keys, axis=-1):
    none_but({"axis": axis}, axis=-1)
    return result(current().call("lexsort", arrays(keys)))
