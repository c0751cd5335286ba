"""Projected memory of calls that run several programs: what each of them takes, beside what earlier ones leave to later ones.

A replay (`tape`) gives back a result after the last step that needs it. A call that runs its Python holds it as long as
some variable of Python's refers to it, which is noted when the path is recorded (`Segment.kept`). What NumPy allocates
itself is not frit's, and not known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .report import Memory, Temporary
from .tape import Decision, Done, Segment, taken


@dataclass(eq=False)
class _Kept:
    """Memory of a program's result, after the program."""

    bytes: int
    origin: dict


def _left(segment, memory):
    """What a program leaves behind, by slot."""
    origins = segment.program.outputs()
    if segment.sizes is None or sum(segment.sizes) != memory.output_bytes:
        # It has not run yet, or some of its results share memory: all of them go with the last.
        first = origins[0] if origins else {"op": "result", "file": None, "line": None}
        return dict.fromkeys(segment.outputs, _Kept(memory.output_bytes, first))
    sizes = zip(segment.outputs, segment.sizes, segment.scalars, origins)
    # NumPy scalars are copies.
    return {slot: _Kept(taken(size), origin) for slot, size, scalar, origin in sizes if not scalar}


class _Path:
    """The way to a block: what was taken so far, and what is held."""

    def __init__(self, before=None):
        #: What is left of all programs, by slot; the slots that a replay holds.
        self.made, self.alive = ({}, set()) if before is None else (dict(before.made), set(before.alive))
        self.moments, self.replanned = ([], []) if before is None else (list(before.moments), list(before.replanned))
        self.peak, self.at_peak = (0, []) if before is None else (before.peak, before.at_peak)

    def run(self, segment, memory, replayed):
        """A program runs."""
        slots = self.alive if replayed else segment.kept
        kept = list({id(k): k for k in (self.made[s] for s in sorted(slots) if s in self.made)}.values())
        more = sum(k.bytes for k in kept)
        self.moments += [replace(m, bytes=m.bytes + more) for m in memory.timeline]
        self.replanned += [r for r in memory.replanned if r not in self.replanned]
        if memory.peak_bytes + more > self.peak:
            self.peak = memory.peak_bytes + more
            self.at_peak = [*memory.temporaries, *(Temporary(bytes=k.bytes, **k.origin, output=False) for k in kept)]
        left = _left(segment, memory)
        self.made.update(left)
        self.alive.update(left)

    def memory(self, results, input_bytes, notes):
        """The projection of a path that ends here; `results`: slots."""
        held = sorted(self.at_peak, key=lambda t: -t.bytes)
        held = [replace(t, share=t.bytes / max(self.peak, 1)) for t in held]
        output = sum({id(k): k.bytes for k in (self.made[s] for s in results if s in self.made)}.values())
        return Memory(self.peak, input_bytes, output, held, self.moments, self.replanned, notes)


def projected(tree, memory_limit, input_bytes, notes) -> Memory:
    """The projection of the path that takes most, of those that calls have taken. Raises `MemoryLimitError` where a program
    does not fit."""
    replayed, known, most = tree.live is None and tree.replayable, {}, None
    stack = [(tree.root, _Path())]
    while stack:
        block, path = stack.pop()
        for step, free in zip(block.steps, block.frees):
            if type(step) is Segment:
                key = id(step.program), tuple(map(tuple, step.shapes)), step.held
                if key not in known:
                    known[key] = Memory.of(step.program, [list(s) for s in step.shapes], memory_limit, held=step.held)
                path.run(step, known[key], replayed)
            path.alive.difference_update(free)
        if type(block.end) is Decision:
            stack.extend((b, _Path(path)) for b in reversed(block.end.branches.values()))
            continue
        found = path.memory(block.end.inputs if type(block.end) is Done else (), input_bytes, notes)
        if most is None or found.peak_bytes > most.peak_bytes:
            most = found
    return most
