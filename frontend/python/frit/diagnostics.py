"""What about a function costs more than it has to, with the line, how much it is, and what to write instead.

The compiled half finds what a program's graph and plan tell (`frontend/src/diagnostics`, where the table of codes and
thresholds is, too). Here is what only Python knows: operands before promotion (F006), what NumPy ran (F008), which calls
there were (F005, F009); and how a finding becomes a warning.
"""

from __future__ import annotations

import ast
import functools
import linecache
import warnings
import weakref
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from . import _frit
from .errors import FallbackWarning, PerformanceWarning
from .tape import Decision, Live

_NAMES = {code: (name, severity) for code, name, severity in _frit.DIAGNOSTICS}


def statement(file, line) -> list[str]:
    """The lines of the statement at a line, or of the head of one that has others in it."""
    lines = linecache.getlines(file)
    around = [(last - first, first, last) for first, last in _statements("".join(lines)) if first <= line <= last]
    _, first, last = min(around, default=(0, line, line))
    return lines[first - 1 : last]


@functools.lru_cache(16)
def _statements(source):
    """The first and the last line of each statement."""
    try:
        nodes = [n for n in ast.walk(ast.parse(source)) if isinstance(n, (ast.stmt, ast.excepthandler))]
    except (SyntaxError, ValueError):
        return []
    inner = [getattr(n, "body", None) for n in nodes]
    return [(n.lineno, max(n.lineno, body[0].lineno - 1) if body else n.end_lineno) for n, body in zip(nodes, inner)]


@dataclass(frozen=True, repr=False)
class Diagnostic:
    """One finding. `str()` shows it as a compiler would."""

    #: `"F001"`: see docs/diagnostics.
    code: str
    #: A few words for the code.
    name: str
    #: `"warning"` if it is given as a `PerformanceWarning`, `"note"` if it is listed on request only.
    severity: str
    #: What was found, with types and sizes.
    message: str
    #: How much it is about, in `unit`: `"bytes"`, `"flops"`, `"seconds"` or `"count"`. None if it has no size.
    quantity: int | float | None
    unit: str | None
    #: The operation, or None.
    op: str | None
    #: The place in the user's source, and its text.
    file: str | None
    line: int | None
    function: str | None
    source: str | None
    #: Why it is so, and what to write instead.
    notes: list[str] = field(default_factory=list)
    help: list[str] = field(default_factory=list)

    @staticmethod
    def make(code, message, place, quantity=None, unit=None, op=None, notes=(), help=()) -> Diagnostic:
        """A finding of a code at a place (file, line, function), or nowhere (None)."""
        name, severity = _NAMES[code]
        file, line, function = place or (None, None, None)
        source = linecache.getline(file, line).rstrip("\n") if file else None
        return Diagnostic(code, name, severity, message, quantity, unit, op, file, line, function, source or None, list(notes), list(help))

    @property
    def ignored(self) -> bool:
        """True if a comment `# frit: ignore` on a line of its statement silences it."""
        return bool(self.source) and any(_frit.ignores(text, self.code) for text in statement(self.file, self.line))

    def render(self, color: bool = False) -> str:
        """The text of `str()`, with colors for a terminal if asked for."""
        return _frit.render(self.code, self.message, self.file, self.line or 0, self.source, self.notes, self.help, color)

    def to_json(self) -> dict:
        """As a dictionary of what JSON knows, in the form that `frit explain --json` prints: `quantity` with its `unit`, or None."""
        found = {k: getattr(self, k) for k in self.__dataclass_fields__ if k != "unit"}
        return {**found, "quantity": None if self.quantity is None else {"value": self.quantity, "unit": self.unit}}

    def text(self) -> str:
        """As the text of a warning, which has its place already."""
        lines = [f"{self.code} {self.name}: {self.message}"]
        lines += [f"  = note: {n}" for n in self.notes] + [f"  = help: {h}" for h in self.help]
        return "\n".join(lines)

    def __str__(self):
        return self.render()

    def __repr__(self):
        place = f" at {self.file}:{self.line}" if self.file else ""
        return f"<{self.code} {self.name}: {self.message}{place}>"


class Diagnostics(list):
    """A list of `Diagnostic`. `str()` shows all of them."""

    def to_json(self) -> str:
        """As a JSON list."""
        import json

        return json.dumps([d.to_json() for d in self], indent=1)

    def __str__(self):
        return "\n\n".join(map(str, self)) if self else "no diagnostics"


def thresholds(warn) -> _frit.Thresholds:
    """The option `warn` of `frit.jit`: None, False, or text as in FRIT_WARN."""
    if warn is None or warn is True:
        return _frit.Thresholds("")
    if warn is False:
        return _frit.Thresholds("off")
    if not isinstance(warn, str):
        raise TypeError(f"warn is None, False, or text as 'intermediate_bytes=4GiB,-F007', not {warn!r}")
    return _frit.Thresholds(warn)


#: By file: what Python's filter "default" has shown.
_registries: dict = {}


def tell(d, told, category=PerformanceWarning, key=None):
    """Gives a warning at the user's line, once for each place of `told`, as the filters of `warnings` have it."""
    key = (d.code, d.file, d.line) if key is None else key
    if d.severity != "warning" or key in told or d.ignored:
        return
    file = d.file or "<unknown>"
    warnings.warn_explicit(category(d.text(), d), None, file, d.line or 0, registry=_registries.setdefault(file, {}))
    # After the warning: under `-W error` it is raised again by the next call.
    told.add(key)


def fallback(what, place, size):
    """F008: NumPy ran something. `what`, in words; `place`: where."""
    return Diagnostic.make("F008", what, place, size, "bytes", help=["call it outside of the function, or write what frit.coverage shows as compiled"])


#: Decisions at one place of a path from which on they are worth a word.
_DECISIONS = 16


def graph_breaks(tree, size):
    """F015: compiled code and the function's own Python take turns. `size`: bytes of arguments."""
    found, decisions = [], Counter()
    help = ["leave to NumPy's functions what Python does with the elements, or do it outside of the function"]
    for step, _ in tree.walk():
        if type(step) is Live:
            why = f"calls run their Python, with compiled parts: {step.reason}"
            found.append(Diagnostic.make("F015", why, step.place, size, "bytes", None, ["nothing is fused across it"], help))
        elif type(step) is Decision:
            decisions[step.place, step.reason] += 1
    for (place, reason), count in decisions.items():
        if count >= _DECISIONS:
            why = f"Python decides {count} times on elements: {reason}"
            found.append(Diagnostic.make("F015", why, place, size, "bytes", None, ["what each decides on is computed on its own"], help))
    return found


def tell_fallback(d, told, limits, key):
    """Gives the warning of `fallback`, if it is large enough."""
    if limits.wants("F008") and d.quantity >= limits.get("fallback_bytes"):
        tell(d, told, FallbackWarning, key)


def of_program(program, shapes, strides, constant, limits, default):
    """What the compiled half finds. `default`: the place of what has none."""
    text = program.diagnostics(shapes, strides, constant, limits)
    if text == "[]":
        return []
    import json

    found = []
    for d in json.loads(text):
        place = (d["file"], d["line"], d["function"]) if d["file"] else default
        quantity = d["quantity"] or {"value": None, "unit": None}
        found.append(Diagnostic.make(d["code"], d["message"], place, quantity["value"], quantity["unit"], d["op"], d["notes"], d["help"]))
    return found


class Findings:
    """The diagnostics of one function's programs."""

    #: Programs whose findings are kept; they live as long.
    MOST = 256

    def __init__(self, limits, told, default):
        self.limits, self.told, self.default = limits, told, default
        #: By program, what was found when it was compiled.
        self.found = {}

    def of(self, program, arrays, constant):
        """What the compiled half finds for a program with these arguments."""
        shapes, strides = layout(arrays)
        return of_program(program, shapes, strides, constant, self.limits, self.default)

    def compiled(self, trace, program, part, inputs):
        """Looks at a program that was just compiled, before it runs. `inputs`: pairs of a slot and an array."""
        if not self.limits.wants(""):
            return
        outside = {s.slot for _, s in trace.captured}
        constant = [slot in outside for slot, _ in inputs]
        found = self.of(program, [a for _, a in inputs], constant)
        if self.limits.wants("F006"):
            found += promotions(trace, part, self.limits.get("promoted_bytes"))
        if found:
            while len(self.found) >= self.MOST:
                del self.found[next(iter(self.found))]
            self.found[program] = found

    def tell(self, program):
        """Gives the warnings of a program that is about to run, if they have not been given: a report may have compiled it."""
        for d in self.found.get(program, ()):
            tell(d, self.told)


def layout(arrays):
    """Shapes, and strides in bytes where they are not those of C order."""
    return [list(a.shape) for a in arrays], [None if a.flags.c_contiguous else list(a.strides) for a in arrays]


#: Element types that a large array of single precision has no need of.
_DOUBLE = {"float32": "float64", "complex64": "complex128"}
#: An operand counts as a scalar if it has this many times fewer elements than the array that it promotes.
_FEWER = 64


def promotions(trace, part, least):
    """F006: arrays of single precision that become double by meeting a few numbers of double precision, or integers."""
    found = []
    for (_, name, args, place, _), made in part.calls:
        if name != "elementwise":
            continue
        dtype, shape = trace.type(made[0][1])
        size = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
        if size < least or dtype not in _DOUBLE.values():
            continue
        operands = [trace.type(x) for x in args[1] if type(x) is _frit.Node]
        large = [t for t, s in operands if np.prod(s, dtype=object) * np.dtype(dtype).itemsize * 2 > size and _DOUBLE.get(t) == dtype]
        few = [t for t, s in operands if np.prod(s, dtype=object) * np.dtype(dtype).itemsize * _FEWER <= size and t not in _DOUBLE]
        whole = [t for t, _ in operands if np.dtype(t).kind in "iu"]
        others = [t for t, _ in operands if t in _DOUBLE or t in few or t in whole]
        if not large or not (few or whole) or len(others) < len(operands):
            continue
        cause = f"{few[0]} and few elements" if few else whole[0]
        found.append(Diagnostic.make(
            "F006", f"{large[0]} becomes {dtype}{list(shape)}, {_frit.human_bytes(size)}", place, size, "bytes", args[0],
            [f"an operand of {cause} makes NumPy compute in {dtype}: twice the memory, half the speed"],
            ["make the small operand a Python number, or np.float32" if few else f"convert the integers: .astype(np.{large[0]})"],
        ))  # fmt: skip
    return found


class Watch:
    """Which arguments of a signature are the same arrays, with the same elements, at each call: F005."""

    #: Bytes of arguments below which there is no work worth a word.
    LEAST = 1 << 16
    #: Elements of each array that are compared.
    SAMPLE = 64

    def __init__(self, leaves):
        self.calls = 0
        self.same = [type(a) is np.ndarray for a in leaves]
        self.before = [self._mark(a) for a in leaves]

    def _mark(self, a):
        if type(a) is not np.ndarray:
            return None
        return weakref.ref(a), a.flat[:: max(1, a.size // self.SAMPLE)].tobytes()

    def see(self, leaves):
        """Notes a call; False if there is nothing left to watch."""
        self.calls += 1
        for k, a in enumerate(leaves):
            if self.same[k]:
                ref, sample = self.before[k]
                self.same[k] = ref() is a and self._mark(a)[1] == sample
        return any(self.same)

    def fixed(self):
        """The arguments that never changed while others did."""
        return [] if all(self.same) else [k for k, same in enumerate(self.same) if same]


def repeated(entry, fixed, findings):
    """F005 for arguments that stay the same: what of the entry's programs depends on them alone."""
    found = []
    for step, _ in entry.tree.walk():
        program = getattr(step, "program", None)
        if program is None:
            continue
        outside = {s.slot for s, _ in entry.tree.walk() if hasattr(s, "copied")}
        constant = [slot in fixed or slot in outside for slot in step.inputs]
        shapes = [list(s) for s in step.shapes]
        new = of_program(program, shapes, [None] * len(shapes), constant, findings.limits, findings.default)
        found += [d for d in new if d.code == "F005"]
    return found


def storm(jit, differences, place):
    """F009: signature after signature, each for one call."""
    single = sum(e.calls == 1 for e in jit._entries.values())
    what = "; ".join(differences) or "names outside of the function"
    return Diagnostic.make(
        "F009", f"{single} signatures of {jit.__name__} were called once each", place, single, "count", None,
        [f"each is traced, and compiled where its operations are new; this one differs in {what}"],
        ["pass numbers that vary as NumPy scalars or arrays, whose values are not part of the signature; pad arrays to a few sizes"],
    )  # fmt: skip


def listed(found):
    """Without repetition and what comments silence, by place."""
    unique = {(d.code, d.file, d.line, d.message): d for d in found if not d.ignored}
    return Diagnostics(sorted(unique.values(), key=lambda d: (d.file or "", d.line or 0, d.code)))
