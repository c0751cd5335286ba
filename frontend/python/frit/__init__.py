"""NumPy functions, unchanged, as fused native code.

>>> import frit, numpy as np
>>> @frit.jit
... def length(x, y):
...     return np.sqrt(x**2 + y**2).sum(axis=0)
>>> length(np.array([[3.0, 5.0], [0.0, 12.0]]), np.array([[4.0, 0.0], [1.0, 0.0]]))
array([ 6., 17.])
"""

from . import calls as _calls
from . import rules as _rules  # noqa: F401  (gives tracers the methods of arrays)
from ._frit import STAGES
from ._frit import stats as _stats
from .chunks import ChunkPlan, Chunks, ChunkTask, Rechunk
from .coverage import Coverage, Covered, coverage
from .debug import debug_nans, disable_jit
from .diagnostics import Diagnostic
from .errors import FallbackError, FallbackWarning, MemoryLimitError, PerformanceWarning, SizeError
from .jit import Jit, jit
from .lazy import Array, array, compute
from .lazy import counts as _counts
from .picture import Picture
from .report import Memory, MemoryFormula, Moment, Report, Temporary
from .sizes import Bytes
from .saved import Saved, load
from .signature import Spec, spec

_calls.bind()

__all__ = [
    "Array", "Bytes", "ChunkPlan", "ChunkTask", "Chunks", "Coverage", "Covered", "Diagnostic", "FallbackError", "FallbackWarning", "Jit", "Memory", "MemoryFormula",
    "MemoryLimitError", "Moment", "PerformanceWarning", "Picture", "Rechunk", "Report", "STAGES", "Saved", "SizeError", "Spec", "Temporary", "array",
    "compute", "coverage", "debug_nans", "disable_jit", "jit", "load", "spec", "stats",
]


def stats() -> dict[str, int]:
    """Counts of the process: kernels compiled, kernels found in the cache, bytes held now and at most; of lazy
    arrays: programs compiled, runs, and operations in them."""
    return {**_stats(), **_counts}


def __getattr__(name):
    """`frit.numpy`, which is not loaded before it is used."""
    if name == "numpy":
        import importlib

        return importlib.import_module(".numpy", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
