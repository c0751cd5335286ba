"""The rules: what NumPy's functions mean on tracers, in terms of the compiled half's namespace, with NumPy's signatures.

`table` holds them; the modules beside it fill it, each with the functions of its kind; `dispatch` and `ufuncs` answer
the calls that NumPy hands over.
"""

from . import creation, elementwise, fft, flat, histogram, indexing, joining, linalg, methods, order, products, shapes, statistics, ufunc_methods  # noqa: F401
from .arguments import array, concrete, holds_array, nested, tracers
from .convert import converted, created, item, library
from .creation import filled
from .dispatch import function_call
from .table import RULES, rule
from .ufuncs import ufunc_call

__all__ = ["RULES", "array", "concrete", "converted", "created", "filled", "function_call", "holds_array", "item", "library", "nested", "rule", "tracers", "ufunc_call"]
