"""`numpy.fft` on lazy arrays; the standard's extension of the same name."""

import numpy as np

from .creation import asarray
from .wrap import function


def _frequencies(f):
    def frequencies(n, /, d=1.0, dtype=None, device=None):
        if device not in (None, "cpu"):
            raise ValueError(f"unsupported device {device!r}")
        return asarray(f(n, d), dtype)

    frequencies.__name__ = frequencies.__qualname__ = f.__name__
    frequencies.__doc__ = f"`numpy.fft.{f.__name__}`, of float64 or another element type."
    return frequencies


fftfreq, rfftfreq = _frequencies(np.fft.fftfreq), _frequencies(np.fft.rfftfreq)

__all__ = [n for n in dir(np.fft) if not n.startswith("_") and callable(getattr(np.fft, n)) and not isinstance(getattr(np.fft, n), type)]

for _name in __all__:
    if _name not in globals():
        globals()[_name] = function(getattr(np.fft, _name))
del _name
