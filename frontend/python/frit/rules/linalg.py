"""`numpy.linalg`: most of it is decomposed, over the routines in `gufuncs`."""

from __future__ import annotations

import numpy as np

from ..trace import current
from .arguments import array, axes_of, result
from .decompose import decomposition, run
from .gufuncs import any_phase
from .table import rule

_L = np.linalg


@rule(_L.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    x = array(x)
    if ord is None and axis is None:
        x, axis = (x.reshape(-1), 0) if not keepdims else (x, None)
    return result(current().call("norm", x.node, ord if ord is None or isinstance(ord, str) else float(ord), axes_of(axis), keepdims))


@rule(_L.pinv)
def pinv(a, rcond=None, hermitian=False, *, rtol=np._NoValue):
    with any_phase():
        return run(decomposition(_L.pinv), (array(a),), {"rcond": rcond, "hermitian": hermitian, "rtol": rtol})


@rule(_L.cond)
def cond(x, p=None):
    x = array(x)
    if not x.size:
        raise _L.LinAlgError("cond is not defined on empty arrays")
    if p is None or p in (2, -2):
        s = _L.svd(x, compute_uv=False)
        r = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    else:
        r = _L.norm(x, p, axis=(-2, -1)) * _L.norm(_L.inv(x), p, axis=(-2, -1))
    # Where the division made a NaN that the matrix does not have, the number is infinite.
    r = np.where(np.isnan(r) & ~np.isnan(x).any(axis=(-2, -1)), r.dtype.type(np.inf), r)
    return r if r.ndim else r[()]
