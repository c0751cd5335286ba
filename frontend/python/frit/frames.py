"""Exceptions as they leave a jitted function: in the user's frame."""

from __future__ import annotations

import os
from types import TracebackType

from .errors import FRIT, FallbackError
from .interrupt import explain


def leave(e, traceback):
    """The exception without frit's own frames and without what frit handled before it; `FRIT_FULL_TRACEBACK=1` keeps them.

    `traceback` begins below the frame that called the jitted function.
    """
    explain(e)
    if os.environ.get("FRIT_FULL_TRACEBACK", "") not in ("", "0"):
        return e.with_traceback(traceback)
    cause = e
    while cause is not None:
        while cause.__context__ is not None and _internal(cause.__context__):
            cause.__context__ = cause.__context__.__context__
        cause = cause.__context__
        if cause is not None:
            # One that the user's code was handling: raised inside of frit it has frit's frames.
            cause.__traceback__ = without_library(cause.__traceback__)
    return e.with_traceback(without_library(traceback))


def _internal(e):
    return type(e).__module__.partition(".")[0] in ("frit", "_frit") and not isinstance(e, FallbackError)


def without_library(traceback):
    """A traceback without frit's own frames."""
    kept = []
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(FRIT):
            kept.append(traceback)
        traceback = traceback.tb_next
    shorter = None
    for t in reversed(kept):
        shorter = TracebackType(shorter, t.tb_frame, t.tb_lasti, t.tb_lineno)
    return shorter
