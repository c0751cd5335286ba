"""What goes wrong, and the ways out of a rule and out of a trace."""

from __future__ import annotations

import linecache
import os
import sys
import threading

import numpy

from ._frit import MemoryLimitError  # noqa: F401  (a `MemoryError`: no plan fits `memory_limit`)

FRIT = os.path.dirname(os.path.abspath(__file__)) + os.sep
_NUMPY = os.path.dirname(os.path.abspath(numpy.__file__)) + os.sep

#: Per thread: `trace`, the trace that runs.
local = threading.local()


class PerformanceWarning(UserWarning):
    """A function costs more than it has to; `diagnostic` says all that there is to say."""

    __module__ = "frit"

    def __init__(self, message: str, diagnostic=None):
        super().__init__(message)
        #: A `frit.Diagnostic`.
        self.diagnostic = diagnostic


class FallbackWarning(PerformanceWarning):
    """A call, or a part of it, ran through NumPy instead of compiled code."""

    __module__ = "frit"


class FallbackError(RuntimeError):
    """The same under `fallback="error"`."""

    __module__ = "frit"


class SizeError(ValueError):
    """A function needs the number of a size that has only a name: the message has the line."""

    __module__ = "frit"


class Break(BaseException):
    """A rule that does not apply: NumPy's function runs on computed values instead, and the trace goes on. Not an
    `Exception`, so that no handler of the user's code takes it for an error of NumPy."""

    def __init__(self, reason: str, error: bool = False):
        super().__init__(reason)
        self.reason = reason
        #: True if NumPy may raise here too: then its exception is the answer, and there is nothing to warn of.
        self.error = error
        self.place = user_place()

    def message(self) -> str:
        file, line, function = self.place
        return f"{self.reason} ({file}:{line}, in {function})"


class Values(Break):
    """The result's size depends on elements: NumPy finds it, as part of the compiled path, without a warning."""


class Abandon(Break):
    """Ends a trace: what follows would not be NumPy's meaning, so the whole call runs through NumPy. Arguments are not
    written before a call ends, so that it can."""

    def __init__(self, reason: str, error: bool = False):
        super().__init__(reason, error)
        trace = getattr(local, "trace", None)
        if trace is not None and trace.broken is None:
            trace.broken = self


class Unvalued(Abandon):
    """A trace of shapes alone that came to where values decide."""


def user_place() -> tuple[str, int, str]:
    """File, line and function of the innermost frame that is neither frit's nor NumPy's."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(FRIT) and not file.startswith(_NUMPY) and not file.startswith("<__array_function__"):
            return file, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back
    return "<unknown>", 0, "<unknown>"


def located(what: str, place: tuple[str, int, str]) -> str:
    """A message with its place, and the text of the source line below it."""
    file, line, function = place
    text = linecache.getline(file, line).strip()
    return f"{what} ({file}:{line}, in {function})" + (f"\n    {text}" if text else "")
