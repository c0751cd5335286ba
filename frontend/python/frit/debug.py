"""Switches for finding errors: `disable_jit`, `debug_nans`."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from . import _frit
from .errors import located, user_place
from .nested import leaves

_Callable = TypeVar("_Callable", bound=Callable[..., object])


class _State:
    """What is switched on, for all threads."""

    def __init__(self):
        self.disabled = _asked("FRIT_DISABLE_JIT")
        self.nans = _asked("FRIT_DEBUG_NANS")
        if self.disabled or self.nans:
            _frit.intercept(True)


def _asked(variable):
    return os.environ.get(variable, "") not in ("", "0")


class _Switch:
    """Sets a field of the state when it is made; as a context manager or decorator, it takes that back at the end."""

    def __init__(self, field: str, on: bool) -> None:
        self._field, self._on = field, bool(on)
        self._before = getattr(state, field)
        self._set(self._on)

    def _set(self, on):
        setattr(state, self._field, on)
        _frit.intercept(state.disabled or state.nans)

    def __enter__(self) -> _Switch:
        return self

    def __exit__(self, *exc: object) -> None:
        self._set(self._before)

    def __call__(self, function: _Callable) -> _Callable:
        self._set(self._before)

        @functools.wraps(function)
        def switched(*args, **kwargs):
            with _Switch(self._field, self._on):
                return function(*args, **kwargs)

        return switched  # type: ignore[return-value]


def disable_jit(disable: bool = True) -> _Switch:
    """Runs jitted functions as the plain NumPy that they are written in, to step through them or to compare.

    `frit.disable_jit()` switches compiled code off from here on, in all threads, and `frit.disable_jit(False)` on again;
    in a `with` statement, or as a decorator, for its block. The environment variable `FRIT_DISABLE_JIT=1`
    does so for a process.

    >>> import frit, numpy as np
    >>> @frit.jit
    ... def f(x):
    ...     print(type(x).__name__, x.sum() > 0)
    ...     return x * 2
    >>> with frit.disable_jit():
    ...     f(np.ones(2))
    ndarray True
    array([2., 2.])
    """
    return _Switch("disabled", disable)


def debug_nans(enable: bool = True) -> _Switch:
    """Makes jitted functions and lazy arrays raise `FloatingPointError` where a NaN or an infinity comes up.

    When a result, or an argument that the function changed, has elements that are not finite, every value of the program
    is computed as written, and followed back to the first line that made one from finite operands. Elements
    that were not finite when they came in, or that are constants of the function, are nobody's fault. What runs through
    NumPy is followed by NumPy's floating-point errors. Mutated arguments are as before the call where
    compiled code is at fault. Calls under it are slow.

    To be used as `disable_jit`: as a function, a context manager, or a decorator. The environment variable is
    `FRIT_DEBUG_NANS=1`.

    >>> import frit, numpy as np
    >>> @frit.jit
    ... def f(x):
    ...     y = np.log(x)
    ...     return y.sum()
    >>> with frit.debug_nans():
    ...     f(np.array([1.0, -1.0]))
    Traceback (most recent call last):
    FloatingPointError: log made nan at index (1,) ...
        y = np.log(x)
    """
    return _Switch("nans", enable)


def run(program, arrays, scalars, held=0):
    """`program.run`, checked under `debug_nans`."""
    outputs = program.run(arrays, scalars, held)
    if state.nans and not all(map(finite, outputs)):
        found = program.nonfinite(arrays)
        if found is not None:
            op, kind, index, place = found
            where = f" at index {tuple(index)}" if index else ""
            raise FloatingPointError(located(f"{op} made {kind}{where} from finite operands", place or user_place()))
    return outputs


def through_numpy(function, args, kwargs, place=None):
    """A call that runs as plain NumPy, checked under `debug_nans`; `place`: where the user made it."""
    if not state.nans or not all(map(finite, leaves((args, kwargs)))):
        return function(*args, **kwargs)
    log = _Log()
    with np.errstate(divide="log", over="log", invalid="log", call=log):
        result = function(*args, **kwargs)
    if not all(map(finite, leaves((args, kwargs, result)))):
        what, place = log.first or ("the result is not finite", place or _start(function))
        raise FloatingPointError(located(what, place))
    return result


class _Log:
    """NumPy's first floating-point error, with its place."""

    first = None

    def write(self, message):
        if self.first is None:
            self.first = message.removeprefix("Warning: ").strip(), user_place()


def _start(function):
    code = getattr(function, "__code__", None)
    return (code.co_filename, code.co_firstlineno, code.co_name) if code else ("<unknown>", 0, "<unknown>")


def finite(x) -> bool:
    """False for a number or array with NaN or infinity in it."""
    if isinstance(x, (np.ndarray, np.generic, float, complex)) and getattr(x, "dtype", np.dtype(float)).kind in "fc":
        return bool(np.isfinite(x).all())
    return True


state = _State()
