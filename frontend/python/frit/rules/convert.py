"""Arrays that are created and converted while a trace runs: they are arrays of the trace, as traced values may be
written to them later."""

from __future__ import annotations

import operator

import numpy as np

from ..errors import Break
from ..patch import original
from ..sizes import WEAK
from ..storage import keep_order
from ..trace import current
from ..tracer import Tracer
from .arguments import abstract, checked, concrete, holds_array, nested, unknown

#: Functions that make arrays without looking at operands, and those that make arrays of what they are given.
CREATORS = """zeros ones empty full arange linspace logspace geomspace eye identity tri hanning hamming blackman bartlett kaiser indices
fromfunction tril_indices triu_indices mask_indices diag_indices fft.fftfreq fft.rfftfreq""".split()
CONVERTERS = "array asarray asanyarray ascontiguousarray asfortranarray".split()

#: Functions that do not dispatch although they take arrays.
LIBRARY = "require asarray_chkfinite".split()
#: Objects whose items are arrays.
GRIDS = "r_ c_ mgrid ogrid".split()

_numpy = {name: original(operator.attrgetter(name)(np)) for name in CREATORS + CONVERTERS + LIBRARY + GRIDS}


def created(name, args, kwargs):
    """What creation function `name` gives inside a trace. What `empty` leaves open is zero: a value that does not change
    from call to call."""
    trace, f = current(), _numpy["zeros" if name == "empty" else name]
    if trace.sizes is not None and _holds_size((args, kwargs)):
        from .creation import sized

        return sized(name, args, kwargs)
    if name == "fromfunction" or unknown((args, kwargs)):
        if name == "full":
            return _full(*args, **kwargs)
        from .dispatch import apply

        return apply(f, args, kwargs)
    try:
        return abstract(trace, f(*concrete(list(args)), **concrete(kwargs)))
    except Exception as e:
        raise Break(str(e), error=True) from None


def _holds_size(x):
    if type(x) in (list, tuple):
        return any(map(_holds_size, x))
    return any(map(_holds_size, x.values())) if type(x) is dict else type(x) in WEAK


def _full(shape, fill_value, dtype=None, order="C", *, device=None, like=None):
    from .creation import filled

    if order not in ("C", None):
        raise Break(f"numpy.full with order={order!r}")
    return filled(shape, fill_value, fill_value.dtype if dtype is None else dtype)


def converted(name, a, dtype=None, order=None, *, copy=np._NoValue, subok=False, ndmin=0, device=None, like=None):
    """What conversion function `name` gives inside a trace."""
    from .flat import Flat

    trace = current()
    if copy is np._NoValue:
        copy = True if name == "array" else None
    elif isinstance(copy, np._CopyMode):
        copy = {np._CopyMode.ALWAYS: True, np._CopyMode.NEVER: False, np._CopyMode.IF_NEEDED: None}[copy]
    if name in ("ascontiguousarray", "asfortranarray"):
        order, ndmin = "C" if name == "ascontiguousarray" else "F", 1
    if dtype is not None:
        dtype = np.dtype(dtype)
        if dtype.kind not in "biufc":
            raise Break(f"numpy.{name} with elements of type {dtype}")
    if type(a) is Flat:
        a, copy = a[:], None
    if type(a) is np.ndarray and a.dtype.kind in "biufc":
        # An array from outside: it is read anew at each call.
        r = trace.fresh(trace.capture(a), scalar=False)
        r = Tracer(r._s, (), a)
        if not copy:
            r._frozen = r._s.sealed = "assignment to an array from outside of the function"
        a = r
    elif type(a) is not Tracer:
        if holds_array(a):
            if copy is False:
                raise Break("numpy.array of a sequence without a copy", error=True)
            a, copy = nested(a, dtype), None
        else:
            kwargs = {"copy": None if copy is np._NoValue else copy, "ndmin": ndmin}
            r = _numpy["array"](a, dtype, order=order or "K", **kwargs)
            return trace.known(r) if type(r) is np.ndarray else r
    r = a
    if a._scalar:
        if copy is False:
            raise Break("a conversion without a copy", error=True)
        known = a.known()
        r = trace.known(known.copy()) if known is not None else trace.fresh(a.node, scalar=False)
        copy = None
    if dtype is not None and dtype != r.dtype:
        if copy is False:
            raise Break("a conversion without a copy", error=True)
        r = r.astype(dtype)
        copy = None
    flags = r._a.flags
    wrong = order == "C" and not flags.c_contiguous or order == "F" and not flags.f_contiguous
    if wrong and copy is False:
        raise Break("a conversion without a copy", error=True)
    if copy or wrong:
        r = copied(r, order or "K")
    return r if r.ndim >= ndmin else r.reshape((1,) * (ndmin - r.ndim) + r.shape)


def copied(a, order="K"):
    """A copy in NumPy's memory order."""
    if a.ndim < 2 or order == "C":
        return a._copy()
    if order == "A":
        order = "F" if a._a.flags.f_contiguous and not a._a.flags.c_contiguous else "C"
    axes = list(range(a.ndim))[::-1] if order == "F" else keep_order(a._a) if order == "K" else None
    if axes is None or axes == sorted(axes) and not a._s.vague:
        return a._copy()
    if a._s.vague and order == "K":
        return a._s.trace.fresh(a.node, scalar=False, vague=True)
    return a._s.trace.fresh(a.node, axes=axes, scalar=False)


def scalar_of(a):
    """`a[()]`: a NumPy scalar in place of an array without axes."""
    return a[()] if isinstance(a, np.ndarray) and not a.ndim else a


def library(name, args, kwargs):
    """A function that does not dispatch, for tracers."""
    from .decompose import decomposition, run

    if name == "asarray_chkfinite":
        a = converted("asarray", *args, **kwargs)
        return checked(a, np.isfinite(a), "array must not contain infs or NaNs") if a.dtype.kind in "fc" else a
    return run(decomposition(_numpy[name]), args, kwargs)


def item(name, key):
    """`numpy.r_[key]` and its like."""
    from .decompose import copy_of, run

    grid = _numpy[name]
    if isinstance(key, str) or isinstance(key, tuple) and any(isinstance(k, str) for k in key):
        if not holds_array(key):
            return abstract(current(), grid[key])
    return run(copy_of(type(grid).__getitem__), (grid, key), {})
