"""Chunk suggestions: `f.suggest_chunks(..)`."""

from __future__ import annotations

from dataclasses import dataclass

from . import html


@dataclass(frozen=True)
class Rechunk:
    """A value that is written in other blocks than it is read."""

    value: str
    op: str
    file: str | None
    line: int | None
    #: Blocks that are written, and blocks that are read.
    before: tuple[int, ...]
    after: tuple[int, ...]
    #: Written and read for it.
    bytes: int

    def __str__(self):
        where = f" at {self.file}:{self.line}" if self.file else ""
        return f"rechunk {self.op}{where} from {self.before} to {self.after}: {html.size(self.bytes)} written and read"


@dataclass(frozen=True)
class ChunkTask:
    """One unit of work: the boxes of arrays that it reads and writes, by name, as slices."""

    stage: int
    #: Which block of each loop of its stage.
    block: tuple[int, ...]
    reads: list[tuple[str, tuple[slice, ...]]]
    #: Empty for all but the last part of a block that is made of partial results.
    writes: list[tuple[str, tuple[slice, ...]]]
    #: The first and the last part of its block.
    first: bool
    last: bool


class ChunkPlan:
    """One way to chunk a function.

    `chunks` (by argument) and `output_chunks` hold elements along each axis; `bytes_read` counts what several tasks read
    each time, `peak_bytes` is that of all workers together. `lost` says what speaks against it, and is empty for the
    best.
    """

    title: str
    chunks: dict[str, tuple[int, ...]]
    output_chunks: list[tuple[int, ...]]
    task_bytes: int
    peak_bytes: int
    bytes_read: int
    bytes_written: int
    tasks_count: int
    largest_block: int
    seconds: float
    exact: bool
    fits: bool
    lost: str
    rechunks: list[Rechunk]

    def __init__(self, found, number, data, names):
        self._found, self._number, self._names = found, number, names
        self.title = data["title"]
        self.chunks = {names.get(k, k): tuple(v) for k, v in data["chunks"].items()}
        self.output_chunks = [tuple(c) for c in data["output_chunks"]]
        for key in ("task_bytes", "peak_bytes", "bytes_read", "bytes_written", "largest_block", "seconds", "exact", "fits", "lost"):
            setattr(self, key, data[key])
        self.tasks_count = data["tasks"]
        self.stages = data["stages"]
        self.rechunks = [
            Rechunk(r["value"], r["op"], r["file"], r["line"], tuple(r["from"]), tuple(r["to"]), r["bytes"]) for r in data["rechunks"]
        ]

    def tasks(self) -> list[ChunkTask]:
        """All tasks in an order in which they can run."""
        boxes = lambda found: [(self._names.get(n, n), tuple(slice(a, b) for a, b in box)) for n, box in found]  # noqa: E731
        return [ChunkTask(s, tuple(at), boxes(r), boxes(w), first, last) for s, at, r, w, first, last in self._found.tasks(self._number)]

    def graph(self) -> str:
        """The rewritten program as text, with `rechunk` where arrays come in and where blocks change."""
        return html.Text(self._found.graph(self._number))

    def _row(self):
        about = "" if self.exact else "about "
        chunks = ", ".join(f"{name} {_shape(c)}" for name, c in self.chunks.items())
        sizes = [html.size(n) for n in (self.task_bytes, self.peak_bytes)]
        read, written = about + html.size(self.bytes_read), html.size(self.bytes_written)
        return [self.title, chunks, *sizes, read, written, str(self.tasks_count), html.size(self.largest_block), self.lost]


class Chunks:
    """Candidates, the best first. `chunks` are those of the best."""

    name: str
    cores: int
    memory_limit: int | None
    candidates: list[ChunkPlan]

    def __init__(self, found, names):
        import json

        self._json = found.json()
        data = json.loads(self._json)
        self.name, self.cores, self.memory_limit = data["name"], data["cores"], data["memory_limit"]
        self.candidates = [ChunkPlan(found, k, c, names) for k, c in enumerate(data["candidates"])]

    @property
    def best(self) -> ChunkPlan:
        """The first candidate."""
        return self.candidates[0]

    @property
    def chunks(self) -> dict[str, tuple[int, ...]]:
        """Chunk shape of each argument."""
        return self.best.chunks

    def to_json(self) -> str:
        """All that is known, as JSON; parameters have the names of the program (`x0`, `x1`)."""
        return self._json

    def _head(self):
        limit = "no memory limit" if self.memory_limit is None else f"at most {html.size(self.memory_limit)}"
        return f"chunks of {self.name} for {html.several(self.cores, 'core')}, {limit}"

    def __str__(self):
        rows = [_COLUMNS, *[c._row() for c in self.candidates]]
        return "\n".join([self._head(), *html.columns(rows, ""), *map(str, self.best.rechunks)])

    def _repr_html_(self) -> str:
        rows = html.table(_COLUMNS, [c._row() for c in self.candidates])
        changes = "".join(f"<div>{html.escape(r)}</div>" for r in self.best.rechunks)
        return html.box(self._head(), "", rows + changes)


_COLUMNS = ["candidate", "chunks", "task", "run", "reads", "writes", "tasks", "largest block", "why not"]


def _shape(sizes):
    return "x".join(map(str, sizes)) or "whole"
