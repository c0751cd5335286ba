"""Calls of NumPy's functions on tracers: which rule answers."""

from __future__ import annotations

import inspect

from ..errors import Break
from ..trace import current
from .arguments import abstract, concrete, tracers
from .table import MUTATE, RULES, VIEWS


def folded(trace, f, args, kwargs):
    """Runs NumPy on elements that are known."""
    try:
        return abstract(trace, f(*concrete(list(args)), **concrete(kwargs)))
    except Break:
        raise
    except Exception as e:
        raise Break(str(e), error=True) from None


def function_call(func, args, kwargs):
    trace = current()
    if trace is None:
        raise RuntimeError("a traced array was used after its function had returned")
    name = f"{getattr(func, '__module__', 'numpy')}.{func.__name__}"
    if kwargs.get("out") is None and func not in MUTATE and all(t.known() is not None for t in tracers((args, kwargs))) and func not in VIEWS:
        return folded(trace, func, args, kwargs)
    f = RULES.get(func)
    if f is None:
        raise Break(f"{name} has no rule")
    try:
        bound = inspect.signature(f).bind(*args, **kwargs)
    except TypeError:
        raise Break(f"{name} with these arguments has no rule", error=True) from None
    try:
        return f(*bound.args, **bound.kwargs)
    except (AttributeError, TypeError, ValueError, IndexError, OverflowError, KeyError) as e:
        raise Break(f"{name}: {e}", error=True) from None
