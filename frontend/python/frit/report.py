"""What frit says about a call."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from . import html
from ._frit import Dim
from .errors import FallbackError, MemoryLimitError
from .options import bytes_of
from .sizes import LEAST, Bytes, Size, given_for
from .tape import Call, Decision, Live, Segment


@dataclass(frozen=True)
class Temporary:
    """Memory that is held at the peak: a result, a temporary, scratch memory of a kernel or the workspace of a routine."""

    bytes: int
    #: The op that it holds the result of, or that needs it.
    op: str
    #: The user's line, if it is known.
    file: str | None
    line: int | None
    #: True for a result of the program.
    output: bool
    #: Its part of the peak, between 0 and 1.
    share: float = 0.0


@dataclass(frozen=True)
class Moment:
    """A step of the plan, and the most bytes in use while it runs."""

    op: str
    file: str | None
    line: int | None
    bytes: int


class Projection:
    """How projected memory is shown, in numbers or in expressions: sentences, and a table of what is held at the peak."""

    def _line(self):
        parts = f"projected peak {html.size(self.peak_bytes)}, of it results {html.size(self.output_bytes)}"
        return f"{parts}; arguments {html.size(self.input_bytes)}"

    def sentences(self) -> list[str]:
        """What is needed, and what was done to need no more."""
        return [self._line(), *(f"to fit: {r}" for r in self.replanned)]

    def rows(self) -> list[tuple]:
        """What is held at the peak; the first row is the head."""
        # Of expressions no share is known.
        shares = not any(t.share is None for t in self.temporaries)
        size = html.size if shares else str
        head = ("bytes", *(["share"] if shares else []), "op", "line", "what")
        kept = [
            (size(t.bytes), *([f"{t.share:.0%}"] if shares else []), t.op, f"{t.file}:{t.line}" if t.file else "", "result" if t.output else "temporary")
            for t in self.temporaries
        ]
        return [head, *kept]

    def __str__(self):
        rows = self.rows()
        table = html.columns(rows, "r" * (len(rows[0]) - 3)) if self.temporaries else []
        return "\n".join([*self.sentences(), *table, *(f"note: {n}" for n in self.notes)])

    def _repr_html_(self) -> str:
        line, *more = self.sentences()
        head, *rows = self.rows()
        return html.box("memory", line, html.table(head, rows) + html.lines([*more, *self.notes]))


@dataclass(frozen=True)
class Memory(Projection):
    """Projected memory of a call, or of a part of it; arguments are not part of the peak.

    The projection bounds what a run takes from the pool, and is at most a tenth above it. `str` shows a table.
    """

    peak_bytes: int
    input_bytes: int
    output_bytes: int
    #: What is held at the peak, largest first.
    temporaries: list[Temporary] = field(default_factory=list)
    #: The steps in order.
    timeline: list[Moment] = field(default_factory=list)
    #: What was done to keep the peak below the limit, in sentences.
    replanned: list[str] = field(default_factory=list)
    #: What the projection does not know: calls that NumPy makes.
    notes: list[str] = field(default_factory=list)

    @staticmethod
    def of(program, shapes, memory_limit=None, notes=(), held=0) -> Memory:
        """The projection of a compiled program for arguments of these shapes; `held`: bytes that it cannot have of a limit."""
        m = program.memory(shapes, memory_limit, held)
        held = [Temporary(**u, share=u["bytes"] / m["peak_bytes"]) for u in m["at_peak"]]
        moments = [Moment(**t) for t in m["timeline"]]
        return Memory(m["peak_bytes"], m["input_bytes"], m["output_bytes"], held, moments, m["replanned"], list(notes))

    def to_json(self) -> str:
        """All of it, by the names of the attributes."""
        import json

        return json.dumps(asdict(self))


class MemoryFormula(Projection):
    """Projected memory of a function whose sizes have names, as expressions; `at` gives numbers. `str` shows a table.

    Blocks of memory are rounded up to 64 bytes, which the expressions leave out.
    """

    def __init__(self, parts, notes=(), input_bytes=None):
        #: Pairs of a program and the shapes of its arguments.
        self._parts = parts
        found = [p.memory_formula() for p, _ in parts]
        #: What is in use at once, results included; arguments are not.
        self.peak_bytes = Bytes(unique(d for f in found for d in f["peak"]), unique(w for f in found for w in f["workspaces"]))
        self.input_bytes = Bytes(unique(f["inputs"] for f in found)) if input_bytes is None else input_bytes
        self.output_bytes = Bytes(unique(f["outputs"] for f in found))
        #: What is held where the peak may be, in the order in which it is made; a `share` is that of numbers only.
        self.temporaries = [Temporary(**{**h, "bytes": Bytes([h["bytes"]])}, share=None) for f in found for h in f["held"]]
        self.replanned = []
        self.notes = list(notes)

    def names(self) -> list[str]:
        """The names of sizes."""
        found = {n for _, shapes in self._parts for s in shapes for d in s if type(d) is Size for n in d.dim.names()}
        return sorted(found or self.input_bytes.names())

    def at(self, *, memory_limit=None, **sizes) -> Memory:
        """The projection of this program for numbers, with a limit in bytes if one is given.

        ValueError for a name that has no number, for one that there is not, and for numbers below 8, which names do
        not stand for; TypeError for what is no whole number; `MemoryLimitError` if no plan fits.
        """
        sizes = given_for(self.names(), sizes)
        for n, number in sizes.items():
            if number < LEAST:
                raise ValueError(f"{n}={number}: names stand for {LEAST} or more; use frit.spec with the number")
        at = [(p, [[d.dim.value(sizes) if type(d) is Size else d for d in s] for s in shapes]) for p, shapes in self._parts]
        nothing = Memory(0, self.input_bytes.at(**sizes), 0, notes=self.notes)
        limit = bytes_of(memory_limit)
        return max((Memory.of(p, shapes, limit, self.notes) for p, shapes in at), key=lambda m: m.peak_bytes, default=nothing)

    def __repr__(self):
        return f"<frit.MemoryFormula: {self._line()}>"

    def to_json(self) -> str:
        """All of it, expressions as text."""
        import json

        fields = {k: str(getattr(self, k)) for k in ("peak_bytes", "input_bytes", "output_bytes")}
        held = [{**vars(t), "bytes": str(t.bytes)} for t in self.temporaries]
        return json.dumps({**fields, "sizes": self.names(), "temporaries": held, "notes": self.notes})


def unique(found):
    """Without repetition, in order."""
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Cost:
    """What the machine model says that a program costs: seconds, bytes moved, and bytes of temporaries and results at once."""

    seconds: float
    bytes: float
    peak_bytes: float


@dataclass(frozen=True)
class Rewrite:
    """A rule that made the program cheaper: its class, how often it was used, what that saves by the machine model, and
    the places as (file, line)."""

    name: str
    math: str
    count: int
    seconds: float
    bytes: float
    locs: list[tuple[str, int]]


@dataclass(frozen=True)
class Step:
    """One use of a rule: the expression before and after, down to a few levels."""

    rule: str
    math: str
    before: str
    after: str
    seconds: float
    bytes: float
    file: str | None
    line: int | None


@dataclass(frozen=True)
class Lost:
    """An expression that was considered in place of `kept`, and why it was not taken."""

    rule: str
    math: str
    kept: str
    candidate: str
    why: str
    file: str | None
    line: int | None


@dataclass(frozen=True)
class CacheBlocks:
    """A loop over slabs of `rows` along an axis of a large value, so that what routines and kernels pass to each other
    stays in cache. `bytes` (to and from memory) and `seconds` are those of the machine model without the loop, and with
    it; `lost` says why it was not made, and is None if it was."""

    op: str
    axis: int
    length: int
    #: 0 where it could not have paid with any number.
    rows: int
    #: What one slab works on.
    slab_bytes: float
    bytes: tuple[float, float]
    seconds: tuple[float, float]
    lost: str | None
    file: str | None
    line: int | None


@dataclass(frozen=True)
class Proof:
    """Why an expression of the program equals what is computed in its place: `steps` are (rule, applied from right to left,
    the expression then). No steps if the expression is too large to write out."""

    before: str
    steps: list[tuple[str, bool, str]]
    file: str | None
    line: int | None

    def __str__(self):
        place = f"{self.file}:{self.line}: " if self.file else ""
        lines = [f"{place}{self.before}"]
        lines += [f"  {'<=' if backward else '=>'} {after}    by {rule}" for rule, backward, after in self.steps]
        return "\n".join(lines if self.steps else [*lines, "  (too large to write out)"])


class Report:
    """What is compiled for a signature, what runs through NumPy and why, and what it will take.

    A function whose Python looks at elements (`if x.sum() > 0`) is compiled in parts: `segments` are their programs,
    `cuts` the places between them.
    """

    name: str
    signatures: int
    reason: str | None
    compiled: bool
    retraced: list[str]
    cuts: list[tuple[str, int, str, str]]
    calls: list[tuple[str, int, str, str, int, str | None]]
    captured: list[tuple[str, tuple[int, ...], int]]
    input_bytes: int

    def __init__(self, jit, leaves, entry, retraced=(), proof=False):
        self._proof = proof
        self._why = {}
        self.name = jit.__name__
        self.signatures = len(jit._entries)
        #: What tells these arguments from those of the nearest signature known before.
        self.retraced = list(retraced)
        tree = entry.tree
        self._tree, self._steps = tree, list(tree.walk())
        stopped = entry.stopped if tree.root is None else None
        if stopped is not None:
            self._steps = [(s, 0) for s in entry.outline.steps if type(s) is not tuple]
        #: Why calls of this signature run Python, with file, line and function; None if they run compiled code only.
        self.reason = None
        if entry.broken is not None:
            self.reason = f"{entry.broken.message()}: calls run through NumPy"
        elif tree.live is not None:
            self.reason = f"{tree.live}: calls run their Python, with compiled parts"
        elif stopped is not None:
            self.reason = f"{stopped.message()}: what follows is compiled when the function is called"
        elif not tree.replayable:
            live = [s.reason for s, _ in self._steps if type(s) is Live]
            self.reason = f"{live[0] if live else 'not called yet'}: calls run their Python, with compiled parts"
        #: True if calls of this signature run compiled code and none of the function's Python, on paths seen before.
        self.compiled = self.reason is None
        #: The programs, without repetition.
        self.segments = list({id(s.program): s for s, _ in self._steps if type(s) is Segment}.values())
        #: Places where Python decides, as (file, line, function, reason).
        self.cuts = list(dict.fromkeys((*s.place, s.reason) for s, _ in self._steps if type(s) is Decision))
        #: NumPy calls between the programs, as (file, line, function, NumPy's function, bytes, reason).
        self.calls = list(dict.fromkeys((*s.place, s.label, s.bytes, s.reason) for s, _ in self._steps if type(s) is Call))
        self.captured = [(str(a.dtype), a.shape, a.nbytes) for a in entry.captured]
        sizes = [a.dtype.itemsize * _size(a.shape) for a in [*leaves, *entry.captured] if not named(a.shape)]
        self.input_bytes = sum(sizes, sum((Bytes([_product(a)]) for a in leaves if named(a.shape)), 0))

    @property
    def memory(self) -> Memory:
        """Of all programs of a call; a `MemoryFormula` where sizes have names."""
        return self.memory_within(None)

    def memory_within(self, memory_limit: int | None) -> Memory:
        """`memory` under another limit, in bytes. Raises `MemoryLimitError` where no plan fits, `FallbackError` where it is not
        known yet what is compiled."""
        if not self.segments and self.reason is not None:
            raise FallbackError(self.reason)
        notes = [f"NumPy runs {c[3]} ({c[0]}:{c[1]}): what it takes is not known" for c in self.calls]
        if len(self.segments) > 1:
            notes.append(f"compiled in {len(self.segments)} parts: the peak is that of the paths through them that calls have taken")
        if self.reason is not None:
            notes.append(f"what follows is not known before it runs: {self.reason}")
        if any(named(n) for s in self.segments for n in s.shapes):
            return MemoryFormula([(s.program, s.shapes) for s in self.segments], notes)
        if not self.segments:
            # Nothing of frit's own.
            return MemoryFormula([], notes, self.input_bytes) if type(self.input_bytes) is Bytes else Memory(0, self.input_bytes, 0, notes=notes)
        if self._tree.root is None:
            every = (Memory.of(s.program, [list(n) for n in s.shapes], memory_limit, notes) for s in self.segments)
            return max(every, key=lambda m: m.peak_bytes)
        from .parts import projected

        return projected(self._tree, memory_limit, self.input_bytes, notes)

    def single(self) -> Segment:
        """The program of a function that is compiled as one. Raises `FallbackError` with the reason if it is not."""
        self._any()
        if self.reason or len(self.segments) > 1 or self.calls or self.cuts:
            raise FallbackError(self.reason or f"{self.name} is compiled in parts")
        return self.segments[0]

    def _any(self):
        """Raises `FallbackError` if there is no program."""
        if not self.segments:
            why = f"NumPy runs all of {self.name}" if self.calls else f"there is nothing to compute in {self.name}: it only shows its arguments"
            raise FallbackError(self.reason or why)

    def need(self) -> tuple[list[str], Memory | MemoryFormula | None]:
        """What a call takes, in sentences, and the projection; None where no plan fits `memory_limit`."""
        try:
            m = self.memory
        except MemoryLimitError as e:
            return [str(e)], None
        return m.sentences(), m

    @property
    def replanned(self) -> list[str]:
        """What was done to keep the peak below `memory_limit`, in sentences."""
        return self.memory.replanned

    @property
    def rules(self) -> list[tuple[str, int]]:
        """Rewriting rules that fired, with how often."""
        return [(r.name, r.count) for r in self.rewrites]

    @property
    def rewrites(self) -> list[Rewrite]:
        """Rewriting rules that fired, with their class, what they save, and where."""
        found = {}
        for s in self.segments:
            for name, math, count, seconds, nbytes, locs in s.program.rewrites():
                r = found.get(name)
                if r is not None:
                    count, seconds, nbytes = r.count + count, r.seconds + seconds, r.bytes + nbytes
                    locs = list(dict.fromkeys([*r.locs, *locs]))
                found[name] = Rewrite(name, math, count, seconds, nbytes, locs)
        return list(found.values())

    @property
    def cost_before(self) -> Cost:
        """Modelled cost of all parts as they were written."""
        return self._cost(0)

    @property
    def cost_after(self) -> Cost:
        """Modelled cost of all parts after rewriting."""
        return self._cost(1)

    def _cost(self, k):
        costs = [s.program.costs()[k] for s in self.segments]
        return Cost(sum(c[0] for c in costs), sum(c[1] for c in costs), max((c[2] for c in costs), default=0.0))

    @property
    def history(self) -> list[Step]:
        """Each use of a rule that shaped the programs, in order."""
        return [Step(**d) for s in self.segments for d in s.program.history()]

    @property
    def blocks(self) -> list[CacheBlocks]:
        """Loops over slabs that were made for the cache, and those that lost by little."""
        return [CacheBlocks(**d) for s in self.segments for d in s.program.blocks()]

    @property
    def lost(self) -> list[Lost]:
        """Candidates that lost, and why: what costs more, and what another math level would allow. Rewrites again."""
        return [Lost(**d) for w in self._explained(True, False) for d in w["lost"]]

    @property
    def proofs(self) -> list[Proof]:
        """Why each expression that was replaced equals what replaced it. Rewrites again."""
        return [Proof(**d) for w in self._explained(False, True) for d in w["proofs"]]

    def _explained(self, lost, proof):
        key = (lost, proof)
        if key not in self._why:
            self._why[key] = [s.program.why(lost, proof) for s in self.segments]
        return self._why[key]

    def dump(self, stage: str) -> str:
        """The text of one stage of every program."""
        self._any()
        texts = [s.program.dump(stage) for s in self.segments]
        return html.Text(texts[0] if len(texts) == 1 else "\n".join(f"# part {k + 1}\n{t}" for k, t in enumerate(texts)))

    def picture(self):
        """A `Picture` of every program. Raises `FallbackError` if there is none."""
        from .picture import Picture

        self._any()
        names = [self.name] if len(self.segments) == 1 else [f"{self.name}, part {k + 1}" for k in range(len(self.segments))]
        parts = zip(names, self.segments)
        return Picture(self.name, [(n, s.program, None if any(map(named, s.shapes)) else [list(x) for x in s.shapes]) for n, s in parts])

    def _repr_html_(self) -> str:
        return html.report(self)

    def __repr__(self):
        what = html.several(len(self.segments), "program") if self.segments else "nothing compiled"
        need = ", ".join(self.need()[0][:1]) if self.segments else self.reason
        return f"<frit.Report of {self.name}: {what}{f'; {need}' if need else ''}>"

    def __str__(self):
        lines = [f"{self.name}: {html.several(self.signatures, 'signature')} traced"]
        if self.reason:
            lines.append(self.reason)
        if self.retraced:
            lines.append("traced again: " + "; ".join(self.retraced))
        if self.captured:
            lines.append("arrays from outside: " + ", ".join(f"{d}{list(s)} ({n} bytes)" for d, s, n in self.captured))
        if self.segments:
            if len(self.segments) > 1:
                lines.append(f"{len(self.segments)} programs")
            lines += self.need()[0]
        if self.cuts or self.calls:
            lines += self._path()
        for k, s in enumerate(self.segments):
            if len(self.segments) > 1:
                lines.append(f"program {k + 1}:")
            lines.append(str(s.program))
        if self._proof:
            lines += [str(p) for p in self.proofs]
        return "\n".join(lines)

    def _path(self):
        """The instructions in order; the same again and again (a loop) once."""
        numbers = {id(s.program): k + 1 for k, s in enumerate(self.segments)}
        lines, told = [], set()
        for step, _ in self._steps:
            if type(step) is Segment:
                line = f"program {numbers[id(step.program)]}"
            elif type(step) in (Call, Decision):
                file, at, function = step.place
                where = f"{file}:{at}, in {function}"
                if type(step) is Call:
                    line = f"NumPy: {step.label} on {step.bytes} bytes ({where})"
                    line += f": {step.reason}" if step.reason else ""
                else:
                    line = f"Python decides: {step.reason} ({where})"
            else:
                continue
            if line not in told:
                told.add(line)
                lines.append(line)
        return lines


def named(shape):
    """True if a size has a name."""
    return any(type(n) is Size or type(n) is Dim for n in shape)


def _product(a):
    """The bytes of a spec, as an expression."""
    d = Dim(a.dtype.itemsize)
    for n in a.shape:
        d = d.multiply(n)
    return d


def _size(shape):
    n = 1
    for k in shape:
        n *= k
    return n
