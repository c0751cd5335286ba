"""`numpy.linalg`."""

from __future__ import annotations

import numpy as np

from ..trace import current
from .arguments import array, axes_of, result
from .table import RULES, rule


_L = np.linalg
RULES[_L.inv] = lambda a: result(current().call("inv", array(a).node))
RULES[_L.det] = lambda a: result(current().call("det", array(a).node))
RULES[_L.solve] = lambda a, b: result(current().call("solve", array(a).node, array(b).node))
RULES[_L.cholesky] = lambda a, /, *, upper=False: result(current().call("cholesky", array(a).node, upper))
RULES[_L.matrix_power] = lambda a, n: result(current().call("matrix_power", array(a).node, n))
RULES[_L.eigvalsh] = lambda a, UPLO="L": result(current().call("eigvalsh", array(a).node, UPLO == "L"))


@rule(_L.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    x = array(x)
    if ord is None and axis is None:
        x, axis = (x.reshape(-1), 0) if not keepdims else (x, None)
    return result(current().call("norm", x.node, ord if ord is None or isinstance(ord, str) else float(ord), axes_of(axis), keepdims))
