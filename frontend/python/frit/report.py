"""What frit says about a call."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Temporary:
    """Memory that is held at the peak."""

    bytes: int
    op: str
    file: str | None
    line: int | None
    output: bool


@dataclass(frozen=True)
class Memory:
    """Projected memory of a call; arguments are not part of the peak."""

    peak_bytes: int
    input_bytes: int
    output_bytes: int
    temporaries: list[Temporary] = field(default_factory=list)

    @staticmethod
    def of(program, shapes) -> Memory:
        """The projection of a compiled program for arguments of these shapes."""
        m = program.memory(shapes)
        held = [Temporary(**{k: u[k] for k in ("bytes", "op", "file", "line", "output")}) for u in m["at_peak"]]
        return Memory(m["peak_bytes"], m["input_bytes"], m["output_bytes"], held)


class Report:
    """What is compiled for a signature, what runs through NumPy and why, and what it will take."""

    def __init__(self, jit, leaves, entry):
        self._program = entry.program
        self.name = jit.__name__
        #: True if calls of this signature run compiled code.
        self.compiled = entry.broken is None
        #: Why not, with file, line and function.
        self.reason = None if self.compiled else entry.broken.message()
        self.signatures = len(jit._entries)
        self._shapes = [list(a.shape) for a in [*leaves, *entry.captured]]
        self.captured = [(str(a.dtype), a.shape, a.nbytes) for a in entry.captured]

    @property
    def memory(self) -> Memory:
        if not self.compiled:
            raise RuntimeError(self.reason)
        return Memory.of(self._program, self._shapes)

    @property
    def rules(self):
        """Rewriting rules that fired, with how often."""
        return self._program.rules() if self.compiled else []

    def __str__(self):
        head = f"{self.name}: {self.signatures} signature(s) traced"
        if not self.compiled:
            return f"{head}\n{self.reason}"
        m = self.memory
        lines = [head, f"projected peak {m.peak_bytes} bytes ({m.output_bytes} of results); arguments {m.input_bytes} bytes"]
        if self.captured:
            lines.append("arrays from outside: " + ", ".join(f"{d}{list(s)} ({n} bytes)" for d, s, n in self.captured))
        lines += [f"rule {name} x{times}" for name, times in self.rules]
        return "\n".join(lines) + "\n" + str(self._program)
