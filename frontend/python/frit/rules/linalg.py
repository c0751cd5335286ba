"""`numpy.linalg`: most of it is decomposed, over the routines in `gufuncs`."""

from __future__ import annotations

import numpy as np

from ..trace import current
from .arguments import array, axes_of, result
from .table import rule


_L = np.linalg


@rule(_L.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    x = array(x)
    if ord is None and axis is None:
        x, axis = (x.reshape(-1), 0) if not keepdims else (x, None)
    return result(current().call("norm", x.node, ord if ord is None or isinstance(ord, str) else float(ord), axes_of(axis), keepdims))
