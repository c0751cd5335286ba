"""Programs by structure: the parts of traces, compiled once.

The iterations of a loop, and calls that differ in Python's numbers alone, have parts of the same structure: the same
calls on parameters of the same types. The first compilation bakes the numbers in; the second of the same structure
makes those that differ parameters, of the type that NumPy gives a Python number beside its operands.
"""

from __future__ import annotations

import struct

import numpy as np

from . import _frit
from .errors import Abandon
from .sizes import LEAST

_asarray = np.asarray

#: Elementwise functions whose operands have one type: a Python number beside them is of that type.
_PROMOTING = frozenset(
    """add subtract multiply divide power maximum minimum fmax fmin hypot arctan2 copysign logaddexp logaddexp2
    equal not_equal less less_equal greater greater_equal where floor_divide remainder fmod""".split()
)
#: Programs of one structure with their numbers baked in, before it is left at that.
_MOST_BAKED = 32


class _Hole:
    """The place of a number in a structure."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


class _Part:
    """What a set of nodes depends on, numbered by itself."""

    def __init__(self, trace, nodes, forced):
        reached, stack = {}, list(nodes)
        while stack:
            n = stack.pop()
            if n in reached:
                continue
            if n in trace.sources:
                reached[n] = None
                continue
            reached[n] = origin = trace.origin[n]
            stack.extend(nodes_in(origin[2]))
        self.trace, self.nodes = trace, nodes
        calls = {}
        for n, origin in reached.items():
            if origin is not None:
                calls.setdefault(origin[0], (origin, []))[1].append((origin[4], n))
        self.calls = [calls[k] for k in sorted(calls)]
        #: Local numbers: parameters first.
        self.local, self.inputs, self.shapes = {}, [], []
        for n in forced:
            self._input(n)
        for origin, _ in self.calls:
            for n in nodes_in(origin[2]):
                if n in trace.sources:
                    self._input(n)
        for n in nodes:
            if n in trace.sources:
                self._input(n)
        self.scalars, self.types = [], []
        for (number, *_), made in self.calls:
            for item, n in sorted(made, key=lambda m: -1 if m[0] is None else m[0]):
                self.local[n] = len(self.local)
        key = []
        for (_, name, args, _, _), made in self.calls:
            key.append((name, self._freeze(name, args), tuple((i, self.local[n]) for i, n in made)))
        self.parameters = tuple((a.dtype.char, s, not a.flags.c_contiguous) for (_, a), s in zip(self.inputs, self.shapes))
        self.key = self.parameters, tuple(key), tuple(self.local[n] for n in nodes)

    def _input(self, n):
        if n not in self.local:
            self.local[n] = len(self.local)
            self.inputs.append(self.trace.sources[n])
            self.shapes.append(self.trace.shape_at(*self.trace.sources[n]))

    def _freeze(self, name, args):
        if name == "literal":
            a = args[0]
            if not a.ndim:
                self.scalars.append(a)
                self.types.append(a.dtype)
                return _Hole, a.dtype.char
            import hashlib

            data = a.tobytes()
            return a.dtype.char, a.shape, data if len(data) < 1024 else hashlib.blake2b(data).digest()
        if name == "elementwise" and args[0] in _PROMOTING:
            operands = args[1]
            numbers = [x for x in operands if type(x) in (int, float, complex)]
            if numbers:
                dtype = self._operand_type(args[0], operands, numbers)
                frozen = []
                for x in operands:
                    if type(x) in (int, float, complex):
                        self.scalars.append(x)
                        self.types.append(dtype if fits(args[0], x, dtype) else None)
                        frozen.append((_Hole, type(x)))
                    else:
                        frozen.append(self._item(x))
                return args[0], tuple(frozen)
        return self._item(args)

    def _operand_type(self, name, operands, numbers):
        known = [np.dtype(self.trace.type(x)[0]) if type(x) is _frit.Node else np.dtype(bool) for x in operands if type(x) in (_frit.Node, bool)]
        return np.result_type(*(known[1:] if name == "where" else known), *numbers)

    def _item(self, x):
        t = type(x)
        if t is _frit.Node:
            return "node", self.local[x]
        if t in (list, tuple):
            return t, tuple(self._item(y) for y in x)
        if t is slice:
            return slice, x.start, x.stop, x.step
        if t in (float, complex):
            return t, repr(x)
        if t is dict:
            return dict, tuple((k, self._item(v)) for k, v in x.items())
        if isinstance(x, np.ndarray):
            return t, x.dtype.char, x.shape, x.tobytes()
        return t, x

    def build(self, builder, holes):
        """The part in a new builder; `holes`: numbers that become parameters, by their places. Returns its results."""
        made = {}
        for n, (_, a), shape in zip(self.local, self.inputs, self.shapes):
            made[n] = builder.input(f"x{len(made)}", a.dtype.name, list(shape))
        holes = {k: builder.input(f"s{k}", dtype.name, []) for k, dtype in holes.items()}
        at = 0

        def given(x):
            nonlocal at
            t = type(x)
            if t is _frit.Node:
                return made[x]
            if t in (list, tuple):
                return t([given(y) for y in x])
            return x

        for (_, name, args, place, _), results in self.calls:
            if name == "literal":
                a = args[0]
                node = holes[at] if not a.ndim and at in holes else builder.literal(a)
                at += not a.ndim
            else:
                if place is not None:
                    builder.at(*place)
                if name == "elementwise" and args[0] in _PROMOTING:
                    operands = []
                    for x in args[1]:
                        number = type(x) in (int, float, complex)
                        operands.append(holes.get(at, x) if number else given(x))
                        at += number
                    args = (args[0], tuple(operands))
                else:
                    args = given(args)
                node = builder.call(name, *args)
            for item, n in results:
                made[n] = node if item is None else node[item]
        return [made[n] for n in self.nodes]


def fits(name, x, dtype):
    """True if a Python number in an operand's place may become a parameter of this type."""
    if dtype.kind in "fc":
        return True
    # NumPy refuses negative integers here, and compares integers of any size.
    return dtype.kind in "iu" and name in ("add", "subtract", "multiply") and np.iinfo(dtype).min <= x <= np.iinfo(dtype).max


def nodes_in(x):
    t = type(x)
    if t is _frit.Node:
        yield x
    elif t in (list, tuple):
        for y in x:
            yield from nodes_in(y)


def bits(x):
    """A number as what tells it from every other."""
    if isinstance(x, np.ndarray):
        return x.tobytes()
    if type(x) is int:
        return x
    return struct.pack("dd", x.real, x.imag) if type(x) is complex else struct.pack("d", x)


class _Variants:
    """The programs of one structure."""

    __slots__ = ("first", "varying", "programs")

    def __init__(self, first):
        self.first, self.varying, self.programs = first, frozenset(), {}


class Programs:
    """Compiled parts of the traces of one function (or of none)."""

    def __init__(self, math="reassociate", memory_limit=None, threads=0, findings=None):
        self.math, self.memory_limit, self.threads = math, memory_limit, threads
        #: What looks at new programs, or None.
        self.findings = findings
        self._variants = {}

    def __len__(self):
        return sum(len(v.programs) for v in self._variants.values())

    def find(self, trace, nodes, forced=()):
        """The program that computes `nodes`, and its arguments: pairs of a slot of the tape and an array; without a slot
        for numbers that became parameters. `forced`: nodes of parameters that come first, used or not."""
        part = _Part(trace, nodes, forced)
        values = tuple(map(bits, part.scalars))
        v = self._variants.get(part.key)
        if v is None:
            v = self._variants[part.key] = _Variants(values)
        holes = {}
        if values != v.first:
            varying = v.varying | {k for k, (x, y) in enumerate(zip(values, v.first)) if x != y}
            if all(part.types[k] is not None for k in varying):
                v.varying = varying
                holes = {k: part.types[k] for k in sorted(varying)}
        program = self._variant(trace, part, v, values, holes)
        if program is None:
            # A number of this size or sign changes the type of a result: it stays baked in.
            holes = {}
            program = self._variant(trace, part, v, values, holes)
        if trace.running and self.findings is not None:
            self.findings.tell(program)
        extra = [(None, _asarray(part.scalars[k], dtype=dtype)) for k, dtype in holes.items()]
        return program, part.inputs + extra

    def _variant(self, trace, part, v, values, holes):
        fixed = tuple(None if k in holes else x for k, x in enumerate(values)), tuple((k, d.char) for k, d in holes.items())
        program = v.programs.get(fixed)
        if program is None:
            program = self._compile(trace, part, holes)
            if program is not None and len(v.programs) < _MOST_BAKED:
                v.programs[fixed] = program
        return program

    def _compile(self, trace, part, holes):
        builder = _frit.Builder(trace.name)
        if trace.sizes is not None:
            builder.declare(sorted(trace.sizes), LEAST)
        try:
            outputs = part.build(builder, holes)
        except _frit.BuildError:
            outputs = None
        if outputs is None or [builder.type(n) for n in outputs] != [trace.builder.type(n) for n in part.nodes]:
            if holes:
                return None
            raise Abandon("frit builds it in another way the second time")
        strided = [s for _, _, s in part.parameters] + [False] * len(holes)
        try:
            program = builder.compile(outputs, strided, self.math, self.memory_limit, self.threads)
        except _frit.CompileError as e:
            raise Abandon(f"frit cannot compile it: {e}") from None
        if self.findings is not None and trace.sizes is None:
            numbers = [(None, _asarray(part.scalars[k], dtype=dtype)) for k, dtype in holes.items()]
            self.findings.compiled(trace, program, part, part.inputs + numbers)
        return program
