"""`numpy.fft`."""

from __future__ import annotations

import numpy as np

from ..trace import current
from .arguments import array, result, store
from .table import RULES


def _transforms():
    for name in "fft ifft rfft irfft".split():
        def f(a, n=None, axis=-1, norm=None, out=None, _name=name):
            return store(out, result(current().call(_name, array(a).node, n, axis, norm or "backward")))
        RULES[getattr(np.fft, name)] = f


_transforms()
