"""What a traced run did, as instructions over numbered slots; a tree of them that later calls replay.

A path is the run of one call: programs, calls of NumPy's functions, and decisions of the user's Python, which the
same function takes again as long as the elements that it looked at are the same. Nothing that a replay does can be seen
from outside before its end: arguments are written last, and calls that write memory write copies. So a replay that
comes to a decision never seen is dropped, and Python runs.
"""

from __future__ import annotations

import numpy as np

from . import debug
from .nested import mapped
from .storage import show

#: Instructions kept for one signature; beyond it, unseen paths run their Python (with compiled parts) each time.
MOST_STEPS = 4096
#: Outcomes kept of one decision.
MOST_BRANCHES = 64

_asarray = np.asarray


def taken(size):
    """Bytes that so many take from frit's memory, which gives whole lines of 64."""
    return max(-(-size // 64), 1) * 64


class Segment:
    """A program on slots."""

    __slots__ = ("program", "inputs", "outputs", "scalars", "shapes", "sizes", "kept", "held")

    def __init__(self, program, inputs, outputs, scalars, shapes, kept, held):
        self.program, self.inputs, self.outputs, self.scalars, self.shapes = program, inputs, outputs, scalars, shapes
        #: Bytes of each result, once it has run.
        self.sizes = None
        #: When the path was recorded: slots with results of earlier programs that something referred to, and their bytes,
        #: which this program cannot have of a memory limit.
        self.kept, self.held = kept, held

    def run(self, slots):
        made = debug.run(self.program, [slots[i] for i in self.inputs], self.scalars, self.held)
        for k, a in zip(self.outputs, made):
            slots[k] = a

    def same(self, other):
        return type(other) is Segment and (self.inputs, self.outputs) == (other.inputs, other.outputs)


class Load:
    """An array from outside of the function, or a constant."""

    __slots__ = ("array", "slot", "copied", "outputs")
    inputs = ()

    def __init__(self, array, slot, copied=False):
        self.array, self.slot, self.copied, self.outputs = array, slot, copied, (slot,)

    def run(self, slots):
        slots[self.slot] = self.array.copy() if self.copied else self.array

    def same(self, other):
        return type(other) is Load and self.slot == other.slot


class Replica:
    """A copy of an argument that NumPy is about to write."""

    __slots__ = ("inputs", "outputs")

    def __init__(self, source, slot):
        self.inputs, self.outputs = (source,), (slot,)

    def run(self, slots):
        slots[self.outputs[0]] = replica(slots[self.inputs[0]])

    def same(self, other):
        return type(other) is Replica and (self.inputs, self.outputs) == (other.inputs, other.outputs)


def replica(a):
    """A copy in memory of the same strides, as far as NumPy keeps them."""
    r = a.copy(order="C" if a.flags.c_contiguous else "K")
    r.flags.writeable = a.flags.writeable
    return r


class Ref:
    """The place of a traced array among the arguments of a `Call`."""

    __slots__ = ("slot", "steps", "scalar")

    def __init__(self, slot, steps, scalar):
        self.slot, self.steps, self.scalar = slot, steps, scalar

    def get(self, slots):
        a = slots[self.slot]
        for step in self.steps:
            a = show(step, a)
        return a[()] if self.scalar else a


def resolve(x, slots):
    """Nested arguments with arrays in place of `Ref`."""
    return mapped(lambda y: y.get(slots) if type(y) is Ref else y, x)


def leaves_of(x, found):
    """What a NumPy function returned, leaf by leaf."""
    if isinstance(x, (tuple, list)):
        for y in x:
            leaves_of(y, found)
    else:
        found.append(x)
    return found


class Call:
    """A NumPy function on slots. `outputs`: a slot for each leaf of the result; None for arrays that are arguments."""

    __slots__ = ("function", "args", "kwargs", "inputs", "outputs", "place", "label", "reason", "bytes")

    def __init__(self, function, args, kwargs, inputs, outputs, place, label, reason, size):
        self.label = label
        self.function, self.args, self.kwargs, self.inputs, self.outputs = function, args, kwargs, inputs, outputs
        self.place, self.reason, self.bytes = place, reason, size

    def run(self, slots):
        made = leaves_of(self.function(*resolve(self.args, slots), **resolve(self.kwargs, slots)), [])
        if len(made) != len(self.outputs):
            raise Unseen
        for k, r in zip(self.outputs, made):
            if k is not None:
                slots[k] = _asarray(r) if isinstance(r, np.generic) else r

    def same(self, other):
        return type(other) is Call and (self.function, self.inputs, self.outputs) == (other.function, other.inputs, other.outputs)


class Unseen(Exception):
    """A replay came to where nothing is recorded."""


class Decision:
    """What Python does next depends on elements: on their truth, their values, or on the shape of an array."""

    __slots__ = ("kind", "slot", "steps", "place", "reason", "branches")

    def __init__(self, kind, slot, steps, place, reason):
        self.kind, self.slot, self.steps, self.place, self.reason, self.branches = kind, slot, steps, place, reason, {}

    def key(self, slots):
        a = slots[self.slot]
        for step in self.steps:
            a = show(step, a)
        return outcome(self.kind, a)

    @property
    def inputs(self):
        return (self.slot,)

    def same(self, other):
        return type(other) is Decision and (self.kind, self.slot, self.steps) == (other.kind, other.slot, other.steps)


def outcome(kind, a):
    """The key of a decision for an array, or for what else a NumPy function returned."""
    if kind == "truth":
        return bool(a)
    if kind == "shape":
        # What a NumPy function returned: for an array, all but its elements.
        if isinstance(a, np.ndarray):
            return a.shape, a.dtype, None if a.flags.c_contiguous else a.strides
        return type(a), repr(a)
    return a.tobytes()


class Done:
    """The end of a path: what is written to arguments, and what is returned."""

    __slots__ = ("writes", "result", "recipes", "rebound")

    def __init__(self, writes, result, recipes, rebound=()):
        #: Pairs of an argument and a slot.
        self.writes, self.result, self.recipes, self.rebound = writes, result, recipes, rebound

    @property
    def inputs(self):
        return [k for _, k in self.writes] + [r.slot for r in self.recipes if not r.argument]


class Live:
    """The end of a path that only Python can walk."""

    __slots__ = ("reason", "place")
    inputs = ()

    def __init__(self, reason, place):
        self.reason, self.place = reason, place


class Tape:
    """The instructions of one run, in order."""

    def __init__(self):
        self.steps = []
        self.slots = 0
        #: Bytes that results of programs take, by slot.
        self.taken = {}

    def at_start(self):
        """True while nothing but arrays from outside is recorded."""
        return all(type(s) is Load for s in self.steps)

    def new(self):
        self.slots += 1
        return self.slots - 1

    def load(self, a, copied=False):
        slot = self.new()
        self.steps.append(Load(a, slot, copied))
        return slot

    def segment(self, program, inputs, scalars, kept=(), sized=()):
        """`inputs`: pairs of a slot and an array; without a slot the array is a constant. `kept`: slots that are referred to.
        `sized`: by slot, shapes with names."""
        numbers = [self.load(a) if k is None else k for k, a in inputs]
        outputs = [self.new() for _ in scalars]
        shapes = [sized[k] if k in sized else a.shape for k, a in inputs]
        kept = sorted(k for k in set(kept) if k in self.taken)
        step = Segment(program, numbers, outputs, list(scalars), shapes, kept, sum(self.taken[k] for k in kept))
        self.steps.append(step)
        return step

    def run(self, step, inputs):
        """Runs a program for the first time."""
        made = debug.run(step.program, [a for _, a in inputs], step.scalars, step.held)
        step.sizes = [a.nbytes for a in made]
        self.taken.update({k: taken(n) for k, n, scalar in zip(step.outputs, step.sizes, step.scalars) if not scalar})
        return made

    def decision(self, kind, slot, steps, key, place, reason):
        self.steps.append((Decision(kind, slot, steps, place, reason), key))


class Block:
    """Instructions without a decision between them, and what comes after them."""

    __slots__ = ("steps", "frees", "end")

    def __init__(self):
        self.steps, self.frees, self.end = [], [], None


class Tree:
    """All paths of one signature."""

    def __init__(self):
        self.root = None
        self.size = 0
        #: Slots that the longest path uses.
        self.slots = 0
        #: True if some path can be replayed to its end.
        self.replayable = False
        #: Why no replay is tried any more, or None.
        self.live = None
        self._misses = 0

    def insert(self, tape, end):
        """Adds a path."""
        if self.live is not None:
            return
        block = fresh = None
        if self.root is None:
            self.root = block = fresh = Block()
        else:
            block = self.root
        at = 0
        for step in tape.steps:
            if type(step) is tuple:
                decision, key = step
                if fresh is not None:
                    fresh.end = decision
                elif at < len(block.steps) or not decision.same(block.end):
                    return self._diverged()
                else:
                    decision = block.end
                self.size += 1
                if key in decision.branches:
                    block, fresh = decision.branches[key], None
                else:
                    if len(decision.branches) >= MOST_BRANCHES or self.size > MOST_STEPS:
                        return self._full()
                    block = fresh = decision.branches[key] = Block()
                at = 0
            elif fresh is not None:
                fresh.steps.append(step)
                self.size += 1
            elif at >= len(block.steps) or not block.steps[at].same(step):
                return self._diverged()
            else:
                at += 1
        if fresh is None:
            if at < len(block.steps) or type(block.end) is not type(end):
                self._diverged()
            return
        fresh.end = end
        self.slots = max(self.slots, tape.slots)
        self.replayable |= type(end) is Done
        self._free()

    def _diverged(self):
        self.live = "the function does not do the same for the same elements"

    def _full(self):
        self.live = "too many paths"

    def walk(self):
        """All instructions and ends, each before what follows it, with the depth in the tree."""
        stack = [(self.root, 0)] if self.root is not None else []
        while stack:
            block, depth = stack.pop()
            for step in block.steps:
                yield step, depth
            if block.end is not None:
                yield block.end, depth
            if type(block.end) is Decision:
                stack.extend((b, depth + 1) for b in reversed(block.end.branches.values()))

    def miss(self):
        """Counts a replay in vain: after many in a row, none is tried."""
        self._misses += 1
        if self._misses > MOST_BRANCHES:
            self.live = "each call decides otherwise"

    def _free(self):
        """Finds after which instruction each slot is not needed any more on any path."""
        order, stack = [], [self.root]
        while stack:
            block = stack.pop()
            order.append(block)
            if type(block.end) is Decision:
                stack.extend(block.end.branches.values())
        needed = {}
        for block in reversed(order):
            end = block.end
            later = set(end.inputs) if end is not None else set()
            if type(end) is Decision:
                for b in end.branches.values():
                    later |= needed[id(b)]
            frees = []
            for step in reversed(block.steps):
                used = set(step.inputs) | {k for k in step.outputs if k is not None}
                frees.append(tuple(used - later))
                later |= set(step.inputs)
            block.frees = frees[::-1]
            needed[id(block)] = later

    def replay(self, slots):
        """Runs a recorded path; its end, or None if these elements decide as none has before."""
        block = self.root
        try:
            while True:
                for step, free in zip(block.steps, block.frees):
                    step.run(slots)
                    for k in free:
                        slots[k] = None
                end = block.end
                if type(end) is not Decision:
                    break
                block = end.branches.get(end.key(slots))
                if block is None:
                    return None
        except Exception:
            # An error is Python's to raise, at its line.
            return None
        if type(end) is Done:
            self._misses = 0
            return end
        return None
