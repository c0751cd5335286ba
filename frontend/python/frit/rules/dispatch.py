"""Calls of NumPy's functions on tracers: which rule answers."""

from __future__ import annotations

import functools
import inspect

from ..errors import Break
from ..trace import current
from .arguments import abstract, concrete, tracers
from .decompose import decomposition, run
from .table import MUTATE, RULES, VIEWS, NoRule


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
    try:
        return apply(func, args, kwargs)
    except Exception as e:
        raise Break(f"{name}: {e}", error=True) from None


def apply(func, args, kwargs):
    """The rule of a function, or NumPy's own Python code if there is none, or none for these arguments."""
    f = RULES.get(func)
    why = "has no rule"
    if f is not None:
        try:
            bound = _signature(f).bind(*args, **kwargs)
        except TypeError:
            why = "with these arguments has no rule"
        else:
            try:
                return f(*bound.args, **bound.kwargs)
            except NoRule as e:
                why = str(e)
    g = decomposition(func)
    if g is None:
        raise Break(f"{func.__module__}.{func.__name__} {why}")
    return run(g, args, kwargs)


_signature = functools.lru_cache(None)(inspect.signature)
