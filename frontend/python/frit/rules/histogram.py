"""`numpy.histogram`: NumPy's formulas without its branches on elements."""

from __future__ import annotations

import operator

import numpy as np

from .arguments import array, checked
from .convert import converted, created
from .table import NoRule, rule


@rule(np.histogram)
def histogram(a, bins=10, range=None, density=None, weights=None):
    a, weights = _ravelled(a, weights)
    edges, uniform = _edges(a, bins, range)
    counts = _count_even(a, edges, weights, *uniform) if uniform else _count_between(a, edges, weights)
    if density:
        width = np.diff(edges).astype(float)
        return counts / width / counts.sum(), edges
    return counts, edges


@rule(np.histogram_bin_edges)
def histogram_bin_edges(a, bins=10, range=None, weights=None):
    return _edges(_ravelled(a, weights)[0], bins, range)[0]


def _ravelled(a, weights):
    a = array(a)
    if a.dtype.kind not in "iuf":
        raise NoRule(f"of {a.dtype} has no rule")
    if weights is not None:
        weights = array(weights)
        if weights.shape != a.shape:
            raise ValueError("weights should have the same shape as a.")
        if weights.dtype.kind not in "iuf":
            raise NoRule(f"with weights of {weights.dtype} has no rule")
        weights = weights.ravel()
    return a.ravel(), weights


def _edges(a, bins, range):
    """The edges, and for even bins: first edge, distance of the last edge, number."""
    if isinstance(bins, str):
        raise NoRule("with a number of bins that depends on elements has no rule")
    if np.ndim(bins) == 1:
        edges = converted("asarray", bins)
        return checked(edges, edges[:-1] <= edges[1:], "`bins` must increase monotonically, when an array"), None
    if np.ndim(bins):
        raise ValueError("`bins` must be 1d, when an array")
    n = operator.index(bins)
    if n < 1:
        raise ValueError("`bins` must be positive, when an integer")
    if range is not None:
        first, last = range
        if type(first) not in (int, float) or type(last) not in (int, float):
            raise NoRule("with a range that is not of Python numbers has no rule")
        if first > last or not (np.isfinite(first) and np.isfinite(last)):
            raise ValueError("max must be larger than min in range parameter, and both finite.")
    elif not a.size:
        first, last = 0, 1
    else:
        first, last = a.min(), a.max()
        if a.dtype.kind == "f":
            first = checked(first, np.isfinite(first) & np.isfinite(last), "autodetected range is not finite")
    t = np.result_type(a.dtype, np.float64) if a.dtype.kind in "iu" else a.dtype
    if range is None and a.size:
        # An empty range is made wider.
        same, half = first == last, t.type(0.5)
        if a.dtype.kind in "iu":
            unsigned = np.dtype(f"u{a.dtype.itemsize}")
            far = (last.astype(unsigned) - first.astype(unsigned)).astype(t)
            first, last = first.astype(t), last.astype(t)
        else:
            far = last - first
        first, last, far = np.where(same, first - half, first)[()], np.where(same, last + half, last)[()], np.where(same, t.type(1), far)[()]
    else:
        if first == last:
            first, last = first - 0.5, last + 0.5
        first, last = t.type(first), t.type(last)
        far = last - first
    edges = array(np.linspace(first, last, n + 1)).astype(t)
    return checked(edges, edges[:-1] < edges[1:], "Too many bins for data range."), (first, last, far, n)


def _count_even(a, edges, weights, first, last, far, n):
    a = a.astype(edges.dtype)
    keep = (a >= first) & (a <= last)
    a = np.where(keep, a, first)
    at = ((a - first) / far * n).astype(np.intp)
    at = np.where(at == n, n - 1, at)
    at = at - (a < edges[at])
    at = at + ((a >= edges[at + 1]) & (at != n - 1))
    # What is outside of the range is counted in a bin more.
    at = np.where(keep, at, n)
    counts = created("zeros", (n + 1, np.intp if weights is None else np.float64), {})
    np.add.at(counts, at, 1 if weights is None else weights.astype(np.float64))
    return counts[:n].astype(np.intp if weights is None else weights.dtype)


def _count_between(a, edges, weights):
    if weights is None:
        ordered = np.sort(a)
        below = np.concatenate([np.searchsorted(ordered, edges[:-1], "left"), np.searchsorted(ordered, edges[-1:], "right")])
        return np.diff(below)
    order = np.argsort(a, kind="stable")
    ordered = a[order]
    below = np.concatenate([np.searchsorted(ordered, edges[:-1], "left"), np.searchsorted(ordered, edges[-1:], "right")])
    sums = np.concatenate([array(np.zeros(1, weights.dtype)), np.cumsum(weights[order], dtype=weights.dtype)])
    return np.diff(sums[below])
