"""One run of a function on tracers: the graph under construction, and the computed parts of it.

The graph is kept twice: in a builder, which infers types, and as a log of what made each node. Whenever elements are
needed, `compute` takes from the log what they depend on, as far back as elements are computed already, and runs it as
a program (`programs`). `cut` computes everything that is alive and begins a new graph.
"""

from __future__ import annotations

import weakref

import numpy as np

from . import _frit
from .errors import Abandon, Break, Unvalued, local, user_place
from .programs import Programs, nodes_in
from .sizes import LEAST, Size, Unsized, dim
from .storage import Storage, keep_order, shadow, show
from .tape import Tape, outcome
from .tracer import Tracer


#: NumPy's own, also while `numpy` is patched.
_ascontiguousarray, _arange, _array_equal = np.ascontiguousarray, np.arange, np.array_equal

#: Calls of the builder that cost a pass over memory at most, and how many of them are worth less than storing their result.
CHEAP = frozenset("elementwise cast literal full arange getitem reshape transpose broadcast_to".split())
MOST_REPEATED = 16

#: Elements whose values may decide what Python does next; arrays of more are left to Python at each call.
MOST_DECIDED = 16


def traceable(a):
    """True if arrays of this one's type can be traced."""
    return a.dtype.kind in "biufc" and a.dtype.itemsize <= 16 and a.dtype not in (np.float16, np.longdouble) and a.dtype.isnative


class Trace:
    """A graph under construction, what was computed of it, and what the function did to its arguments.

    `running` is False for a trace of shapes alone: it ends where elements are needed. Usable without a function: arrays
    enter by `capture`, `known` or `argument`, and `materialize` computes.
    """

    #: True for the trace of lazy arrays, which is not part of a call.
    lazy = False
    #: Witnesses of the names that sizes have (`sizes`), or None; the shapes of arguments that have such sizes, by slot.
    sizes, sized = None, {}

    def __init__(self, name, programs=None, running=True, fallback="quiet", told=None, sizes=None):
        self.name, self.running, self.fallback = name, running, fallback
        self.sizes, self.sized = sizes, {}
        #: Of a trace in which sizes have names, the calls so far: they must not depend on the witnesses.
        self.calls = []
        self.programs = Programs() if programs is None else programs
        self.told = set() if told is None else told
        self.limits = _frit.Thresholds("") if self.programs.findings is None else self.programs.findings.limits
        self.tape = Tape()
        #: Nested rules that run: inside of one, nodes are in use.
        self.depth = 0
        #: True once there was a selection: arguments may hold one.
        self.selects = False
        #: The first reason to give up, even if the user's code has hidden its exception.
        self.broken = None
        #: Why a replay would not do what this run does; None if it would.
        self.live, self.live_at = None, None
        #: Of a trace of shapes alone, what NumPy would run where it ends.
        self.expected = None
        #: Memory that is not the trace's own and may have been written, with its elements before.
        self.exposed = []
        #: Slots whose elements are in the hands of code that is not traced.
        self.escaped = set()
        #: Arrays that the function took from its surroundings, and whether all of them have a name there.
        self.captured = []
        self.unnamed = False
        self.named = frozenset()
        self._storages = []
        #: Nodes of the arguments: the first program has all of them as parameters, in order.
        self.first = []
        #: True once the function has returned: what is asked of its results now is not asked by a line of it.
        self.returned = False
        self._begin()

    def first_nodes(self):
        return self.first if self.tape.at_start() else ()

    def _begin(self):
        self.builder = _frit.Builder(self.name)
        if self.sizes is not None:
            self.builder.declare(sorted(self.sizes), LEAST)
        #: For each node: the call that made it, as (number, name, arguments, place, index of the result or None).
        self.origin = {}
        #: For each node that stands for computed elements: where a replay finds them, and the elements.
        self.sources = {}
        self._by_slot, self._calls, self._inputs = {}, 0, 0

    # The graph.

    def call(self, name, *args):
        """A function of the namespace on nodes. Whatever does not fit is a `Break`: NumPy says what is wrong."""
        place = self._place(args)
        self.builder.at(*place)
        try:
            made = self.builder.call(name, *args)
        except Exception as e:
            raise Break(f"{name}: {e}", error=True) from None
        self._log(made, name, args, place)
        if self.sizes is not None:
            self.calls.append((name, place, [self.builder.type(n) for n in (made if type(made) is list else [made])], _plain(args)))
        return made

    def _place(self, args):
        """The user's line. What is made of a result once the function has returned belongs to the line of the result."""
        if self.returned:
            for a in args:
                place = self.origin[a][3] if type(a) is _frit.Node and a in self.origin else None
                if place is not None:
                    return place
        return user_place()

    def _log(self, made, name, args, place):
        self._calls += 1
        if type(made) in (list, tuple):
            for k, n in enumerate(made):
                if n not in self.origin and n not in self.sources:
                    self.origin[n] = (self._calls, name, args, place, k)
        elif made not in self.origin and made not in self.sources:
            self.origin[made] = (self._calls, name, args, place, None)

    def type(self, node):
        dtype, shape = self.builder.type(node)
        return (dtype, shape) if self.sizes is None else (dtype, tuple([n if type(n) is int else Size.of(n, self.sizes) for n in shape]))

    def shape_of(self, t):
        """The shape of a tracer, of a trace in which sizes have names."""
        shape = self.type(t.node)[1] if t._steps or t._s.known is None else t._s.shape
        if tuple(map(int, shape)) != t._a.shape:
            raise Unsized("a shape that differs from size to size", sorted(self.sizes))
        return shape

    def shape_at(self, slot, a):
        """The shape of computed elements, or of an argument."""
        return self.sized.get(slot, a.shape)

    def constant(self, a):
        """A node for known elements."""
        a = _ascontiguousarray(a).reshape(a.shape)
        if a.size > 16:
            first = a.reshape(-1)[:1].view(np.uint8)
            if not np.any(a.reshape(-1, 1).view(np.uint8).reshape(a.size, -1) != first):
                return self.call("full", a.shape, self._literal(a.reshape(-1)[0:1].reshape(()).copy()), None)
            if a.ndim == 1 and a.dtype.kind in "iu":
                # Positions, most likely: rules know them, and nothing is stored.
                start, step = int(a[0]), int(a[1]) - int(a[0])
                stop = start + step * a.size
                if step and abs(stop) < 1 << 62 and int(a[-1]) == stop - step and _array_equal(a, _arange(start, stop, step, a.dtype)):
                    return self.call("arange", start, stop, step, a.dtype.name)
        return self._literal(a)

    def _literal(self, a):
        node = self.builder.literal(a)
        self._log(node, "literal", (a.copy(),), None)
        return node

    def source(self, slot, a):
        """A node for computed elements."""
        if slot not in self._by_slot:
            node = self.builder.input(f"x{self._inputs}", a.dtype.name, list(self.shape_at(slot, a)))
            self._inputs += 1
            self._by_slot[slot] = node
            self.sources[node] = slot, a
        return self._by_slot[slot]

    # Arrays.

    def register(self, storage):
        self._storages.append(weakref.ref(storage))

    def argument(self, position, a):
        """A tracer for argument number `position`; `a` is the caller's array, or a shadow."""
        s = Storage(self, self.shape_at(position, a), a.dtype, argument=position, array=a, slot=position)
        return Tracer(s, (), a, scalar=False)

    def capture(self, a):
        """A node for an array from outside: a parameter, so that later changes of its elements are seen."""
        return self.outside(a).node

    def outside(self, a):
        """The storage of an array from outside."""
        if type(a) is not np.ndarray or not _frit.readable(a):
            raise Break(f"an array of type {type(a).__name__}, {a.dtype}")
        for b, s in reversed(self.captured):
            if a is b:
                if same_elements(a, s.array):
                    return s
                self.forgo("an array from outside that the function changes")
                break
        self.name_of(a)
        # The elements that it has now: what is asked of them may be computed after they have changed. In C order, here and
        # at replays: parts are compiled for that.
        s = Storage(self, a.shape, a.dtype, array=a.copy(), slot=self.tape.load(a, copied=not a.flags.c_contiguous))
        s.sealed = "assignment to an array from outside of the function"
        self.captured.append((a, s))
        return s

    def look_again(self):
        """A replay reads arrays from outside when it begins: they must be now what they were when they were read."""
        if not all(same_elements(a, s.array) for a, s in self.captured):
            self.forgo("an array from outside that the function changes")

    def name_of(self, a):
        """Notes whether an array from outside, or what it is a view of, has a name there."""
        while a is not None and id(a) not in self.named:
            a = getattr(a, "base", None)
        self.unnamed |= a is None

    def fresh(self, node, axes=None, scalar=None, vague=False):
        """A new array of a node; without axes a NumPy scalar, as NumPy's functions return."""
        dtype, shape = self.type(node)
        s = Storage(self, shape, dtype, node=node, vague=vague and len(shape) > 1)
        return Tracer(s, (), shadow(shape, dtype, axes), scalar=not shape if scalar is None else scalar)

    def known(self, a, scalar=False):
        """A new array of known elements."""
        if not traceable(a):
            return a
        return Tracer(Storage(self, a.shape, a.dtype, known=a), (), shadow(a.shape, a.dtype, keep_order(a)), scalar=scalar)

    def computed(self, a, slot, scalar=False):
        """A new array of computed elements."""
        return Tracer(Storage(self, a.shape, a.dtype, array=a, slot=slot), (), a, scalar=scalar)

    # Elements.

    def compute(self, storages):
        """Computes the given storages, and nothing else that they do not depend on."""
        todo = list({id(s): s for s in storages if s.pending}.values())
        if not todo:
            return
        nodes = [s._node for s in todo]
        program, inputs = self.programs.find(self, nodes, self.first_nodes())
        step = self.tape.segment(program, inputs, [False] * len(nodes), self.kept())
        try:
            outputs = self.tape.run(step, inputs)
        except _frit.RunError as e:
            raise Abandon(str(e), error=True) from None
        for s, slot, a in zip(todo, step.outputs, outputs):
            s.slot, s.array = slot, a
            if s._node not in self.sources:
                self.sources[s._node] = slot, a

    def kept(self):
        """Slots of computed elements that something still refers to."""
        referred = [s.slot for s in self.alive() if s.array is not None] + [slot for slot, _ in self.sources.values()]
        return [*referred, *self.escaped]

    def alive(self):
        """All storages that something still refers to."""
        found = [s for s in (r() for r in self._storages) if s is not None]
        self._storages = [weakref.ref(s) for s in found]
        return found

    def cut(self, storages, reason, everything=False):
        """Computes the given storages, and with them all that are alive; a new graph begins. `everything`: also if the
        given ones are computed already, because memory is about to be written."""
        def wanted(s):
            return everything or not s.spare or any(s is t for t in storages) or not self.cheap(s._node)

        if not self.running:
            alive = [s for s in self.alive() if s.pending and wanted(s)]
            if alive:
                program, inputs = self.programs.find(self, [s._node for s in alive], self.first_nodes())
                self.tape.segment(program, inputs, [False] * len(alive), sized=self.sized)
            raise Unvalued(reason)
        alive = self.alive()
        if everything or any(s.pending for s in storages):
            self.compute([s for s in alive if not s.pending or wanted(s)])
        if not self.depth and not any(s.pending for s in alive):
            for s in alive:
                s._node = None
            # Nodes of the graph that is left.
            self.first = []
            self._begin()

    def cheap(self, node):
        """True for a node that is a few steps from what is computed already: to compute it again is better than to store it."""
        seen, stack = set(), [node]
        while stack:
            n = stack.pop()
            if n in seen or n in self.sources:
                continue
            _, name, args, _, _ = self.origin[n]
            if name not in CHEAP or len(seen) >= MOST_REPEATED:
                return False
            seen.add(n)
            stack.extend(nodes_in(args))
        return True

    def materialize(self, tracers):
        """Computes the given arrays in one program, without what else is pending, and keeps their elements."""
        self.compute([t._s for t in tracers])
        return [self.elements(t) for t in tracers]

    def elements(self, t):
        """The array of a tracer whose storage is computed or known; a view of the storage's array."""
        a = t._s.array if t._s.array is not None else t._s.known
        for step in t._steps:
            a = show(step, a)
        return a

    def value(self, t, reason):
        """The elements of a tracer, as part of what was computed."""
        if t._s.known is None:
            self.cut([t._s], reason)
        return self.elements(t)

    def decide(self, kind, t, reason):
        """The elements of a tracer, on whose truth or values Python is about to decide."""
        a = self.value(t, reason)
        if t._s.known is None:
            if kind == "value" and a.size > MOST_DECIDED:
                self.forgo(reason)
            else:
                self.tape.decision(kind, t._s.slot, t._steps, outcome(kind, a), user_place(), reason)
        return a

    def escape(self, t, reason):
        """The elements of a tracer for code that is not traced, which may keep or write them."""
        s = t._s
        if s.known is not None:
            return self.elements(t).copy()
        if self.depth:
            # Inside of a rule, which may be code of NumPy's: then NumPy runs the whole function.
            raise Break(reason)
        self.cut([s], reason, everything=True)
        self.forgo(reason)
        self.escaped.add(s.slot)
        s.masks = None
        if s.argument is not None and s.slot == s.argument:
            self.expose(s.array)
        return self.elements(t)

    def expose(self, a):
        """Keeps the elements of memory that is not the trace's own, which may now be written at any time."""
        if a.flags.writeable and not any(b is a for b, _ in self.exposed):
            self.exposed.append((a, a.copy()))

    def restore(self):
        """Undoes what was written to memory that is not the trace's own."""
        for a, before in self.exposed:
            np.copyto(a, before)

    def forgo(self, reason):
        """A replay could not do this: later calls run their Python, with compiled parts."""
        if self.live is None:
            found = Break(reason)
            self.live, self.live_at = found.message(), found.place


def _plain(x):
    """Arguments of a call without its nodes."""
    t = type(x)
    if t in (list, tuple):
        return [_plain(y) for y in x]
    if t is slice:
        return [_plain(y) for y in (x.start, x.stop, x.step)]
    return "node" if t is _frit.Node else str(dim(x)) if t is not np.ndarray else x.tobytes()


def same_elements(a, b):
    """True if two arrays of one shape and type are equal bit by bit."""
    return a.tobytes() == b.tobytes()


def current():
    """The trace that runs in this thread, or None."""
    return getattr(local, "trace", None)
