"""NumPy's namespace on lazy arrays (`frit.Array`), and the Python array API standard 2024.12.

Functions defer what frit compiles and run the rest through NumPy on computed values. Where the standard and NumPy differ in
parameters both are taken; where they differ in results (`meshgrid` gives a list), the standard's is given.
"""

import types

import numpy as _np

from ..lazy.array import Array
from . import creation, fft, linalg, standard
from .wrap import Ufunc, function

__array_api_version__ = "2024.12"
__version__ = _np.__version__
__array_namespace_info__ = _np.__array_namespace_info__

ndarray = Array
array = creation.array_


def _public():
    for name in dir(_np):
        if name.startswith("_"):
            continue
        try:
            x = getattr(_np, name)
        except AttributeError:
            continue
        if isinstance(x, types.ModuleType):
            continue
        if isinstance(x, _np.ufunc):
            yield name, Ufunc(x)
        elif isinstance(x, type) or not callable(x):
            yield name, x
        else:
            yield name, function(x)


#: Functions of types, settings and files, in which no arrays are computed.
_PLAIN = """dtype errstate geterr seterr geterrcall seterrcall getbufsize setbufsize get_printoptions set_printoptions printoptions
isdtype issubdtype min_scalar_type promote_types typename mintypecode common_type broadcast_shapes get_include info
show_config show_runtime format_float_positional format_float_scientific binary_repr base_repr frompyfunc array_repr
array_str array2string save savez savez_compressed savetxt shares_memory may_share_memory unravel_index isfortran iterable
vectorize busday_count busday_offset is_busday datetime_as_string datetime_data einsum_path asmatrix bmat matrix r_ c_ s_
index_exp mgrid ogrid ndindex ndenumerate broadcast nditer nested_iters test issctype""".split()

globals().update({_n: _x for _n, _x in _public() if _n not in globals()})
globals().update({_n: getattr(_np, _n) for _n in _PLAIN if hasattr(_np, _n)})
globals().update({_n: getattr(creation, _n) for _n in creation.NAMES})
globals().update({_n: getattr(standard, _n) for _n in standard.NAMES})

__all__ = [_n for _n in globals() if not _n.startswith("_") and _n not in ("types", "creation", "standard", "wrap", "Array", "Ufunc", "function")]
__all__ += ["__array_api_version__", "__array_namespace_info__"]


def __getattr__(name):
    """What NumPy has beyond functions and types: its submodules, unchanged."""
    if name.startswith("__"):
        raise AttributeError(f"module 'frit.numpy' has no attribute {name!r}")
    return getattr(_np, name)
