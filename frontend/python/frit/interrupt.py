"""What an interrupted call says about its arguments.

A run is cancelled by the compiled half (`src/run.rs`); arguments are written after it. So the arguments that a function
mutates are as before the call, or as after it; the exception tells which.
"""

from __future__ import annotations

import operator
from collections import deque
from itertools import repeat

from .errors import local

#: By what `local.progress` holds when a call is interrupted.
_TEXTS = {
    "before": "interrupted: the arguments are unchanged",
    "written": "interrupted: the arguments are fully updated",
    "numpy": "interrupted while NumPy ran the function: what it had assigned until then stays",
}


def begin(stage="before"):
    """A call, or its run through NumPy, begins."""
    local.progress = {"stage": stage}


def write_back(targets, sources):
    """`target[...] = source` for all of them, as one: Python delivers signals between its own instructions, and here is
    none from the first assignment until the note that all are made."""
    keys = [*repeat(Ellipsis, len(targets)), "stage"]
    deque(map(operator.setitem, [*targets, local.progress], keys, [*sources, "written"]), maxlen=0)


def explain(e):
    """Gives Python's own `KeyboardInterrupt`, which has no text, one."""
    progress = getattr(local, "progress", None)
    if type(e) is KeyboardInterrupt and not e.args and progress is not None:
        e.args = (_TEXTS[progress["stage"]],)
