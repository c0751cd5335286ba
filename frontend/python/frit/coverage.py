"""Every NumPy call of a function, with its line and what frit makes of it."""

from __future__ import annotations

import copy
import linecache
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import html
from .errors import local, user_place


@dataclass(frozen=True)
class Covered:
    """One NumPy call of the source: a function, an operator or a method."""

    file: str
    line: int
    #: The user's function that makes it.
    function: str
    #: As `numpy.exp`, `ndarray.__getitem__`.
    call: str
    #: "compiled"; "decomposed": compiled through NumPy's own Python code; "sized": the result's size depends on
    #: elements, and NumPy finds it as part of the compiled path; "fallback": runs through NumPy.
    how: str
    #: Why it falls back.
    reason: str | None
    #: How often it was made.
    times: int


class Coverage:
    """The NumPy calls of one run of a function, in order of the source."""

    def __init__(self, name: str, calls: list[Covered], unlisted: str | None) -> None:
        self.name = name
        self.calls = calls
        #: Why there are calls through NumPy that are not listed; or None.
        self.unlisted = unlisted

    def __iter__(self) -> Iterator[Covered]:
        return iter(self.calls)

    def __len__(self) -> int:
        return len(self.calls)

    @property
    def fallbacks(self) -> list[Covered]:
        """Those that run through NumPy."""
        return [c for c in self.calls if c.how == "fallback"]

    def _rows(self):
        for c in self.calls:
            source = linecache.getline(c.file, c.line).strip()
            yield f"{c.file}:{c.line}", c.call, c.how + (f": {c.reason}" if c.reason else ""), source

    def __str__(self) -> str:
        counts = {how: sum(c.how == how for c in self.calls) for how in ("compiled", "decomposed", "sized", "fallback")}
        lines = [f"{self.name}: " + ", ".join(f"{n} {how}" for how, n in counts.items() if n)]
        if self.unlisted:
            lines.append(self.unlisted)
        rows = list(self._rows())
        widths = [max(len(r[k]) for r in rows) for k in range(3)] if rows else []
        lines += ["  ".join([*(c.ljust(w) for c, w in zip(r, widths)), r[3]]).rstrip() for r in rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html.box(self.name, self.unlisted, html.table(("line", "call", "", "source"), list(self._rows())))


class Seen:
    """The calls of a run, as they are made."""

    def __init__(self):
        self.calls = {}
        self.decomposed = False

    def add(self, call, how, reason=None, place=None):
        key = (*(place or user_place()), call)
        before = self.calls.get(key)
        # A call that falls back once is one that falls back.
        if before is not None and before[0] == "fallback":
            how, reason = before[:2]
        self.calls[key] = how, reason, (before[2] if before else 0) + 1
        self.decomposed = False


def seen() -> Seen | None:
    """Where calls of this thread are noted, if they are."""
    return getattr(local, "seen", None)


def coverage(function: Callable[..., object], *args: object, **kwargs: object) -> Coverage:
    """Lists every NumPy call that `function` makes for these arguments, with its line and whether it is compiled,
    decomposed into functions that are, or falls back. The function runs, on copies of its arguments.

    Calls inside compiled libraries and on arrays that do not depend on arguments are NumPy's own, and not listed.

    >>> import frit, numpy as np
    >>> def f(x):
    ...     y = np.exp(x) + 1
    ...     return np.packbits(y > 2)
    >>> [(c.call, c.how) for c in frit.coverage(f, np.ones(3))]
    [('numpy.exp', 'compiled'), ('numpy.add', 'compiled'), ('numpy.greater', 'compiled'), ('numpy.packbits', 'fallback')]
    """
    from .jit import Jit

    plain = function.__wrapped__ if isinstance(function, Jit) else function
    static = function._static if isinstance(function, Jit) else ()
    traced = Jit(plain, static_argnames=static, fallback="quiet")
    copies = copy.deepcopy((args, kwargs))
    before, local.seen = seen(), Seen()
    try:
        traced(*copies[0], **copies[1])
        noted = local.seen.calls
    finally:
        local.seen = before
    calls = [Covered(*key, *what) for key, what in noted.items()]
    calls.sort(key=lambda c: (c.file, c.line))
    # What was abandoned, what could not even be told from other calls, and arrays that no tracer stands for.
    reasons = [f"{e.broken.message()}: the whole function runs through NumPy" for e in traced._entries.values() if e.broken is not None]
    if not traced._entries:
        reasons.append(traced.explain(*args, **kwargs).reason)
    elif (foreign := traced._key(args, kwargs).foreign) is not None:
        reasons.append(f"{foreign}: what is done with it is NumPy's, and not listed")
    return Coverage(traced.__name__, calls, reasons[0] if reasons else None)
