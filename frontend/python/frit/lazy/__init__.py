"""Lazy arrays: `graph` (deferred operations), `compute` (their values), `array` (what users hold)."""

from .array import Array, array, compute
from .compute import counts

__all__ = ["Array", "array", "compute", "counts"]
