"""Values of options, checked where they are given: each error names the option."""

from __future__ import annotations

import inspect
import operator
import os

import numpy as np

from . import _frit

_MATH = ("exact", "reassociate", "fast")
_FALLBACK = ("warn", "error", "quiet")
_DEVICES = ("cpu",)

#: The numbers of the compiled half end here.
_END = 2**63


def whole(value, option, least=0) -> int:
    """A whole number that is not below `least`. TypeError for what is none, ValueError for one out of range."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        n = operator.index(value)
    except TypeError:
        raise TypeError(f"{option} must be a whole number, not {value!r}") from None
    if n < least:
        raise ValueError(f"{option} must be {'positive' if least == 1 else f'{least} or more'}, not {n}")
    if n >= _END:
        raise ValueError(f"{option} must be below 2**63, not {n}")
    return n


def bytes_of(limit, option="memory_limit", least=0) -> int | None:
    """A number of bytes, from one or from text as `"2GiB"` or `"500 MB"`; None for None. Errors are those of `whole`."""
    if limit is None:
        return None
    if isinstance(limit, str):
        try:
            limit = _frit.parse_bytes(limit)
        except ValueError as e:
            raise ValueError(f"{option}: {e}") from None
    return whole(limit, option, least)


def _one_of(value, option, values):
    if not isinstance(value, str) or value not in values:
        raise ValueError(f"{option} is {' or '.join(map(repr, values))}, not {value!r}")
    return value


def math_of(level) -> str | None:
    """A level of `math`; None for None."""
    return None if level is None else _one_of(level, "math", _MATH)


def default_math() -> str:
    """The level where none is given."""
    return math_of(os.environ.get("FRIT_MATH") or "reassociate")


def fallback_of(fallback) -> str:
    return _one_of(fallback, "fallback", _FALLBACK)


def device_of(device) -> str:
    if device not in _DEVICES:
        raise ValueError(f"this build of frit has no device {device!r}")
    return device


def static_of(names, function) -> set[str]:
    """The names of static arguments. TypeError for what are no names, ValueError for a parameter that there is not."""
    try:
        names = {names} if isinstance(names, str) else set(names)
    except TypeError:
        names = {None}
    if not all(isinstance(n, str) for n in names):
        raise TypeError("static_argnames is the name of a parameter, or several")
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return names
    unknown = sorted(names - set(parameters))
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        raise ValueError(f"static_argnames: there is no parameter {unknown[0]!r}; there are {', '.join(map(repr, parameters)) or 'none'}")
    return names
