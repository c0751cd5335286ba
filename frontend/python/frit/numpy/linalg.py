"""`numpy.linalg` on lazy arrays; the standard's extension of the same name."""

import numpy as np

from .wrap import function

LinAlgError = np.linalg.LinAlgError

for _name in np.linalg.__all__:
    if _name not in globals():
        globals()[_name] = function(getattr(np.linalg, _name))
del _name

__all__ = list(np.linalg.__all__)
