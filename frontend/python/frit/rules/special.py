"""Ufuncs of `scipy.special`, found by name once SciPy is imported; frit never imports it."""

from __future__ import annotations

import sys

import numpy as np

from ..trace import current
from .arguments import result
from .table import NoRule


def _op(name):
    return lambda x: result(current().call("elementwise", name, (x.node,)), x)


def _gammaln(x):
    return np.where(x == -np.inf, x, _op("lgamma")(x))


def _xlogy(x, y):
    return np.where((x == 0) & ~np.isnan(y), x.dtype.type(0), x * np.log(y))


def _xlog1py(x, y):
    return np.where((x == 0) & ~np.isnan(y), x.dtype.type(0), x * np.log1p(y))


def _entr(x):
    return np.where(np.isnan(x), x, np.where(x > 0, -x * np.log(x), np.where(x == 0, x.dtype.type(0), x.dtype.type(-np.inf))))


def _ndtr(x):
    # In double precision, as SciPy does: the tail in single precision is not accurate enough.
    t, x = x.dtype, x.astype(np.float64) * 0.5**0.5
    tail = 0.5 * _op("erfc")(np.abs(x))
    return np.where(np.abs(x) < 0.5**0.5, 0.5 + 0.5 * _op("erf")(x), np.where(x > 0, 1 - tail, tail)).astype(t)


_RULES = {
    "erf": _op("erf"), "erfc": _op("erfc"), "gammaln": _gammaln, "gamma": _op("gamma"), "expit": lambda x: 1 / (1 + np.exp(-x)),
    "xlogy": _xlogy, "xlog1py": _xlog1py, "entr": _entr, "ndtr": _ndtr, "expm1": np.expm1, "log1p": np.log1p, "exp2": np.exp2, "cbrt": np.cbrt,
}  # fmt: skip


def special(ufunc):
    """The rule of a ufunc of `scipy.special`, on arrays of the types of its loop; None if it has none."""
    f = _RULES.get(ufunc.__name__)
    return f if f is not None and getattr(sys.modules.get("scipy.special"), ufunc.__name__, None) is ufunc else None


def call(rule, inputs, loop):
    """A rule on the inputs in the types of the loop."""
    if any(t.kind != "f" for t in loop):
        raise NoRule("of complex numbers has no rule")
    scalar = not any(x.ndim for x in inputs)
    r = rule(*(x.astype(t) if x.dtype != t else x for x, t in zip(inputs, loop)))
    return r[()] if scalar else r
