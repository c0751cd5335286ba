"""`frit.jit`."""

from __future__ import annotations

import copy
import functools
import inspect
import itertools
import os
import threading
import types

import numpy as np

from . import _frit, debug, diagnostics, interrupt, options, retrace
from .arguments import Arguments, Given, finish, rebind
from .chunks import Chunks
from .errors import Abandon, Break, FallbackError, PerformanceWarning, local, located, user_place
from .patch import drawn, random_states, tracing
from .programs import Programs
from .report import Memory, Report
from .signature import Leaf, Recipe, Spec, Static, Unkeyed, arrays_in, names_in, results, simple, with_sizes, without_specs
from .sizes import Size, Unsized, differing, given_for, witnesses
from .storage import WINDOWS, shadow
from .surroundings import Surroundings
from .tape import Done, Live, Segment, Tree
from .trace import Trace

_OPTIONS = {"static_argnames", "device", "memory_limit", "math", "fallback", "threads", "warn"}


#: Signatures that one function keeps; the oldest goes.
MOST_ENTRIES = 256


#: Bytes of arrays outside of a function that are compared at each call, where the function makes other arrays of them.
MOST_FIXED = 1 << 16


class Entry:
    """What is kept for one signature: the paths that calls have taken, or why there are none."""

    def __init__(self):
        #: What the names outside stood for, and arrays among that whose elements must stay: others are made of them.
        self.seen, self.fixed = None, None
        self.tree = Tree()
        #: Why calls run through NumPy as a whole, or None.
        self.broken = None
        #: Arrays from outside.
        self.captured = []
        #: Calls that came through Python, and what is watched of the first of them.
        self.calls, self.watch, self.repeated = 0, None, []
        #: True if a report has traced it, so that no call has told what there is to say.
        self.untold = False
        #: The instructions up to where a trace of shapes alone ended, and why it did.
        self.outline, self.stopped = None, None
        #: What NumPy would run there.
        self.expected = None


class Jit(_frit.Function):
    """A function that compiles itself for the arguments it is called with."""

    def __init__(self, function, static_argnames=(), device="cpu", memory_limit=None, math=None, fallback="warn", threads=0, warn=None):
        if not callable(function):
            raise TypeError(f"frit.jit takes a function, not {function!r}")
        functools.update_wrapper(self, function)
        options.device_of(device)
        self._function, self._fallback = function, options.fallback_of(fallback)
        math, threads = options.math_of(math) or options.default_math(), options.whole(threads, "threads")
        # Of a method bound to a simple object, the object is an argument.
        self._owner = function.__self__ if isinstance(function, types.MethodType) and simple(function.__self__) else None
        self._surroundings, self._storms = None, []
        self._static = options.static_of(static_argnames, function)
        self._entries, self._told, self._lock = {}, set(), threading.Lock()
        code = getattr(inspect.unwrap(function), "__code__", None)
        place = (code.co_filename, code.co_firstlineno, code.co_name) if code is not None else None
        self._findings = diagnostics.Findings(diagnostics.thresholds(warn), self._told, place)
        self._programs = Programs(math, options.bytes_of(memory_limit), threads, self._findings)

    def __get__(self, instance, owner=None):
        return self if instance is None else functools.partial(self, instance)

    # Calls.

    def _key(self, args, kwargs):
        """The signature of a call: `Arguments`."""
        if self._surroundings is None:
            self._surroundings = Surroundings(self._function)
        a = Arguments()
        a.names, a.seen = self._surroundings.look()
        if self._static:
            bound = self._bound(args, kwargs)
            named = {k: bound.arguments.pop(k) for k in list(bound.arguments) if k in self._static}
            if any(p.kind is p.POSITIONAL_ONLY for p in inspect.signature(self._function).parameters.values() if p.name in self._static):
                raise Unkeyed("a positional-only static argument")
            rest = dict(bound.arguments)
            for p in inspect.signature(self._function).parameters.values():
                if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name in rest:
                    raise Unkeyed("static_argnames of a function with *args or **kwargs")
            a.key.append(tuple((k, Static(v)) for k, v in named.items()))
            a.tree = (), {**{k: v for k, v in named.items()}, **a.flatten(rest)}
        else:
            a.tree = a.flatten(args), a.flatten(kwargs)
        if self._owner is not None:
            a.owner = a.flatten(self._owner)
        if debug.state.nans:
            # Traced in another way: nothing is computed of elements that are not selected.
            a.key.append(("nans",))
        a.key = a.done(), a.names
        return a

    def _bound(self, args, kwargs):
        """The arguments by the names of parameters."""
        try:
            return inspect.signature(self._function).bind(*args, **kwargs)
        except TypeError:
            if not hasattr(self._function, "__wrapped__") and not hasattr(self._function, "__signature__"):
                # In Python's own words: it does not come to the function's body.
                self._function(*args, **kwargs)
            raise

    def slow(self, args, kwargs):
        """A call that the quick path does not serve."""
        if getattr(local, "trace", None) is not None or debug.state.disabled:
            # Inside of another traced function this one is just a function.
            return self._function(*args, **kwargs)
        interrupt.begin()
        try:
            a = self._key(args, kwargs)
            entry = self._entry(a)
        except (Unkeyed, TypeError) as e:
            # A TypeError: arguments that do not fit the function, or do not hash.
            return self._numpy(args, kwargs, Break(str(e), error=isinstance(e, TypeError)))
        without_specs(a.leaves)
        if entry.broken is not None or a.opaque and debug.state.nans:
            return self._numpy(args, kwargs, entry.broken or Break(a.opaque))
        if a.foreign is not None:
            broken = Break(a.foreign)
            if self._fallback == "error":
                raise FallbackError(located(broken.reason, broken.place))
            self._tell(broken, "NumPy computes what {} does with it", sum(x.nbytes for x in arrays_in((args, kwargs))))
        paths = entry.tree
        self._count(entry, a)
        if entry.captured and any(np.may_share_memory(x, y) for x in a.leaves if type(x) is np.ndarray for y in entry.captured):
            # One of them written is the other written.
            return self._numpy(args, kwargs, Break("an argument overlaps an array from outside in memory"))
        if entry.untold:
            for step, _ in paths.walk():
                if type(step) is Segment:
                    self._findings.tell(step.program)
            entry.untold = False
        if paths.replayable and paths.live is None:
            slots = [x if type(x) is np.ndarray else np.asarray(x) for x in a.leaves]
            slots += [None] * (paths.slots - len(slots))
            end = paths.replay(slots)
            if end is not None:
                if not self._watched(entry, a.leaves):
                    self._hasten(entry, args, kwargs, a.leaves)
                return finish(end, a, slots)
            paths.miss()
        return self._run(entry, args, kwargs, a)

    def _entry(self, a):
        entry = self._entries.get(a.key)
        if entry is None or entry.fixed and any(x.tobytes() != before for x, before in entry.fixed):
            while len(self._entries) >= MOST_ENTRIES:
                del self._entries[next(iter(self._entries))]
            entry = self._entries[a.key] = Entry()
            # What the key knows by its id stays alive as long.
            entry.seen = a.seen
        return entry

    def _count(self, entry, a):
        """Notes a call of a signature, and tells of a storm of them."""
        entry.calls += 1
        limits, found = self._findings.limits, self._entries
        if entry.calls > 1 or len(found) < limits.get("signatures") or not limits.wants("F009") or self._storms:
            return
        if sum(e.calls == 1 for e in found.values()) >= limits.get("signatures"):
            d = diagnostics.storm(self, self._differences(a), user_place())
            self._storms.append(d)
            diagnostics.tell(d, self._told)

    def _watched(self, entry, leaves):
        """True while it is not known yet which arguments are the same at each call."""
        if entry.watch is None:
            return False
        going = entry.watch.see(leaves)
        if going and entry.watch.calls + 1 < self._findings.limits.get("repeated_calls"):
            return True
        fixed, entry.watch = entry.watch.fixed(), None
        if fixed:
            entry.repeated += diagnostics.repeated(entry, set(fixed), self._findings)
            for d in entry.repeated:
                diagnostics.tell(d, self._told)
        return False

    def _hasten(self, entry, args, kwargs, leaves):
        """Lets the quick path take over where a call is nothing but a run."""
        root = entry.tree.root
        guards = self._surroundings.guards()
        if guards is None or entry.fixed is not None or kwargs or len(root.steps) != 1 or type(root.end) is not Done or not hasattr(root.steps[0], "program"):
            return
        segment, end, r = root.steps[0], root.end, root.end.result
        simple = (
            not end.writes and segment.inputs == list(range(len(args))) and len(args) == len(leaves)
            and all(type(a) is np.ndarray for a in args)
            and [x.slot for x in end.recipes] == segment.outputs and not any(x.steps for x in end.recipes)
        )
        if simple and (type(r) is Leaf or type(r) is tuple and all(type(x) is Leaf for x in r)):
            self.remember(segment.program, list(args), segment.scalars, type(r) is tuple, guards)

    def _numpy(self, args, kwargs, broken):
        """The call through NumPy."""
        if self._fallback == "error":
            if broken.error:
                # Is it an error of NumPy's? Then it is that one; found on copies, as nothing may be mutated twice.
                copies = copy.deepcopy((args, kwargs))
                for a, b in zip(arrays_in((args, kwargs)), arrays_in(copies)):
                    b.flags.writeable = a.flags.writeable
                self._function(*copies[0], **copies[1])
            raise FallbackError(located(broken.reason, broken.place)) from None
        size = sum(a.nbytes for a in [*args, *kwargs.values()] if isinstance(a, np.ndarray))
        tell = functools.partial(self._tell, broken, f"{{}} runs through NumPy on {size} bytes of arguments", size)
        if not broken.error:
            # As an exception it comes before arguments are written.
            tell()
        interrupt.begin("numpy")
        result = debug.through_numpy(self._function, args, kwargs)
        if broken.error:
            tell()
        return result

    def _tell(self, broken, what, size):
        """One warning for each place and reason."""
        if self._fallback == "warn" and (broken.place, broken.reason) not in self._told:
            d = diagnostics.fallback(f"{broken.reason} (in {broken.place[2]}): {what.format(self.__name__)}", broken.place, size)
            diagnostics.tell_fallback(d, self._told, self._findings.limits, (broken.place, broken.reason))

    # Tracing.

    def _begin(self, a, running, sizes=None):
        """A trace with its arguments; `sizes`: witnesses of the names that sizes have."""
        trace = Trace(self.__name__, self._programs, running, self._fallback, self._told, sizes)
        leaves = a.leaves
        if sizes is not None:
            named = {k: [Size.of(n, sizes) if type(n) is _frit.Dim else n for n in x.shape] for k, x in enumerate(leaves) if type(x) is Spec}
            trace.sized.update({k: tuple(shape) for k, shape in named.items()})
            leaves = [x.at(sizes) if type(x) is Spec else x for x in leaves]
        trace.tape.slots = len(leaves)
        trace.named = frozenset(map(id, a.seen.arrays))
        if a.opaque:
            trace.forgo(a.opaque)
        arrays = [shadow(x.shape, x.dtype) if type(x) is Spec else x if type(x) is np.ndarray else np.asarray(x) for x in leaves]
        values = []
        for k, x in enumerate(arrays):
            same = next((j for j in range(k) if arrays[j] is x), None)
            values.append(trace.argument(k, x) if same is None else values[same])
            trace.first.append(trace.source(k, x))
            if type(leaves[k]) is not np.ndarray and type(leaves[k]) is not Spec:
                values[-1]._scalar = True
        given = Given(a, values)
        if self._owner is not None:
            return trace, values, given, functools.partial(self._function.__func__, given.owner)
        return trace, values, given, self._function

    def _run(self, entry, args, kwargs, a):
        """A call that runs the function's Python, and records what it does."""
        trace, values, given, function = self._begin(a, True)
        states = random_states(a.seen.generators)
        try:
            with tracing(trace):
                try:
                    end, slots = self._path(trace, function, values, given, a)
                except PerformanceWarning:
                    # As an exception, of a program that has not run: it is as if there had been no call.
                    trace.restore()
                    drawn(states, back=True)
                    raise
                except Exception as e:
                    if trace.broken is not None:
                        raise trace.broken from None
                    if not debug.state.nans or not isinstance(e, FloatingPointError):
                        # NumPy would have written arguments up to here.
                        self._settle(trace, values, given, a)
                    raise
        except Break as e:
            trace.restore()
            drawn(states, back=True)
            entry.broken = e.with_traceback(None)
            return self._numpy(args, kwargs, entry.broken)
        trace.look_again()
        if drawn(states):
            trace.forgo("a random generator gives other numbers at each call")
        if trace.unnamed and (a.seen.opaque or a.seen.bytes() > MOST_FIXED):
            trace.forgo("an array that was made of names outside of the function")
        elif trace.unnamed and entry.fixed is None:
            entry.fixed = [(x, x.tobytes()) for x in a.seen.arrays]
        entry.captured = [x for x, _ in trace.captured]
        if entry.calls == 1 and sum(x.nbytes for x in a.leaves) >= diagnostics.Watch.LEAST and self._findings.limits.wants("F005"):
            entry.watch = diagnostics.Watch(a.leaves)
        with self._lock:
            entry.tree.insert(trace.tape, end if trace.live is None else Live(trace.live, trace.live_at))
            if a.names and self._surroundings.changed(a.names):
                self._entries[a.key[0], self._surroundings.look()[0]] = entry
        return finish(end, a, slots)

    @staticmethod
    def _written(trace, values, a):
        """Arguments that the function wrote, with their storages."""
        found = {}
        for k, t in enumerate(values):
            s = t._s
            if s.argument == k and s.written:
                if any(k in part[1:] for part in a.key[0] if part and part[0] == "overlap"):
                    raise Abandon("a mutated argument overlaps another one in memory")
                if trace.running and any(np.may_share_memory(x, t._a) for x, _ in trace.captured):
                    raise Abandon("a mutated argument overlaps an array from outside in memory")
                found[k] = s
        return found

    def _settle(self, trace, values, given, a):
        """Writes the arguments of a call that ends with an exception."""
        found = self._written(trace, values, a)
        rebound, tracers = given.rebound(trace)
        trace.compute([*found.values(), *[t._s for t in tracers]])
        interrupt.write_back([values[k]._a for k in found], [s.array if s.known is None else s.known for s in found.values()])
        arrays = [trace.elements(t)[()] if t._scalar else trace.elements(t) for t in tracers]
        rebind(rebound, a.objects, arrays)

    def _path(self, trace, function, values, given, a):
        """Runs the function's Python; the end of the path, and the slots that the results are in."""
        out = function(*given.args, **given.kwargs)
        if trace.broken is not None:
            raise trace.broken
        return self._end(trace, out, values, given, a)

    def _end(self, trace, out, values, given, a):
        """The end of the path: the last program, with the results. The slots that the results are in, too."""
        trace.returned = True
        rebound, found = given.rebound(trace)
        uses = {}
        structure = results(out, found, trace, given.places)
        for t in found:
            uses.setdefault(id(t._s), set()).add(id(t))
        nodes, scalars, placed, recipes, writes = [], [], {}, [], []

        def place(what, node, scalar):
            if what not in placed:
                placed[what] = len(nodes)
                nodes.append(node)
                scalars.append(scalar)
            return ~placed[what]

        for k, s in self._written(trace, values, a).items():
            if s.entangled and s.array is not None and any(t._s is not s and t._s.array is not None and np.may_share_memory(t._s.array, s.array) for t in found):
                raise Abandon("a result that NumPy made a view of a mutated argument")
            writes.append((k, s.slot if s.array is not None else place((id(s), None), s.node, False)))
        for t in found:
            s = t._s
            if s.argument is None and s.sealed is WINDOWS:
                raise Abandon("a result that shows another array through sliding windows")
            if s.argument is not None and not t._scalar:
                recipes.append(Recipe(s.argument, t._steps, False, True))
            elif s.array is not None:
                recipes.append(Recipe(s.slot, t._steps, t._scalar))
            elif len(uses[id(s)]) > 1 and not s.vague:
                recipes.append(Recipe(place((id(s), None), s.node, False), t._steps, t._scalar))
            else:
                recipes.append(Recipe(place((id(s), id(t)), t.node, t._scalar), (), False))
        tape, slots = trace.tape, {}
        if nodes:
            program, inputs = trace.programs.find(trace, nodes, trace.first_nodes())
            step = tape.segment(program, inputs, scalars, trace.kept(), trace.sized)
            made = step.outputs
            if trace.running:
                try:
                    outputs = tape.run(step, inputs)
                except _frit.RunError as e:
                    raise Abandon(str(e), error=True) from None
                slots.update(zip(made, outputs))
            for r in recipes:
                r.slot = made[~r.slot] if r.slot < 0 else r.slot
            writes = [(k, made[~n] if n < 0 else n) for k, n in writes]
        for s in [t._s for t in found] + [t._s for t in values]:
            if s.array is not None:
                slots.setdefault(s.slot, s.array)
        return Done(writes, structure, recipes, rebound), slots

    # Reports.

    def _traced(self, args, kwargs):
        """The entry for arguments that may be specs; traced by shapes alone if no call has been."""
        a = self._key(args, kwargs)
        entry = self._entry(a)
        if entry.tree.root is None and entry.broken is None and entry.outline is None:
            names = names_in(a.leaves)
            try:
                if not names:
                    self._outline(entry, a)
                else:
                    # What is the same for two sets of numbers does not depend on them.
                    first, again = witnesses(names)
                    trace = self._outline(entry, a, first)
                    other = self._outline(Entry(), a, again)
                    for (_, place, *made), (_, _, *others) in itertools.zip_longest(trace.calls, other.calls, fillvalue=(None, None)):
                        if made != others:
                            raise differing(names, place or trace.calls[-1][1])
            except Exception:
                # The call would raise it, too: nothing is compiled for it.
                self._entries.pop(a.key, None)
                raise
        return a, entry

    def _outline(self, entry, a, sizes=None):
        trace, values, given, function = self._begin(a, False, sizes)
        states = random_states(a.seen.generators)
        try:
            with tracing(trace):
                try:
                    end, _ = self._path(trace, function, values, given, a)
                except Exception:
                    if trace.broken is not None:
                        raise trace.broken from None
                    drawn(states, back=True)
                    raise
        except Unsized as e:
            raise e.for_caller() from None
        except Abandon as e:
            entry.outline, entry.stopped = trace.tape, Break(a.opaque) if a.opaque else e.with_traceback(None)
            entry.expected = trace.expected
        else:
            trace.look_again()
            if trace.live is None and not drawn(states) and not trace.unnamed:
                entry.tree.insert(trace.tape, end)
                entry.untold = True
            else:
                entry.outline, entry.stopped = trace.tape, Break(trace.live or "what differs from call to call")
        drawn(states, back=True)
        entry.captured = [x for x, _ in trace.captured]
        return trace

    def _takes(self, name):
        """Whether the function has a parameter of a name, or takes any."""
        try:
            parameters = inspect.signature(self._function).parameters
        except (TypeError, ValueError):
            return False
        return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())

    def explain(self, *args, **kwargs) -> Report:
        """What is compiled for these arguments (arrays or specs), and what is not and why. Nothing runs: of a function
        whose Python looks at elements, what follows the first look is known once it has been called. An exception that shapes and
        types alone make the call raise, as a missing argument, is raised here, too.

        With `proof=True` the text ends with why each rewritten expression equals what was written, unless the function has
        a parameter of that name."""
        proof = kwargs.pop("proof", False) if not self._takes("proof") else False
        try:
            a, entry = self._traced(args, kwargs)
        except Unkeyed as e:
            entry = Entry()
            entry.broken = Break(str(e))
            return Report(self, [], entry)
        return Report(self, a.leaves, entry, self._differences(a), proof)

    def _differences(self, a):
        """What tells a signature from those known before."""
        key, names = a.key
        known = list(itertools.takewhile(lambda k: k != a.key, list(self._entries)))
        found = retrace.differences(key, [k for k, n in known if n == names], retrace.parameter_paths(self._function, a.tree, self._static))
        if not found:
            others = [self._surroundings.differing(names, n) for k, n in known if k == key]
            found = [f"{name}, a name outside of the function, stands for something else" for name in min(others, key=len, default=[])]
        return found

    def _numbered(self, args, kwargs, sizes, why):
        """Arguments with numbers in place of the names that sizes have. A function's own parameter `sizes` is one if no size
        has a name."""
        names = names_in((args, kwargs))
        if not names and sizes is not None and self._takes("sizes"):
            return args, {**kwargs, "sizes": sizes}
        if names and sizes is None:
            raise ValueError(f"{why}: give numbers, as sizes={{{', '.join(f'{n!r}: 1000' for n in sorted(names))}}}")
        return with_sizes((args, kwargs), given_for(names, sizes or {}))

    def warnings(self, *args, sizes=None, **kwargs) -> diagnostics.Diagnostics:
        """What there is to say about a call with these arguments (arrays or specs), by line: what it costs that it need not,
        and what to write instead. Nothing runs, and nothing is allocated. Includes what is not given as a warning
        (`severity` is `"note"`), and what earlier calls have shown.

        `sizes`: numbers for the names in specs, as `{"n": 1000}`; what is worth a word depends on them. ValueError without,
        and for names that there are not."""
        args, kwargs = self._numbered(args, kwargs, sizes, "what is worth a warning depends on sizes")
        try:
            a, entry = self._traced(args, kwargs)
        except Unkeyed as e:
            entry = Entry()
            entry.broken = Break(str(e))
            report = Report(self, [], entry)
        else:
            report = Report(self, a.leaves, entry)
        found = [d for s in report.segments for d in self._findings.found.get(s.program, ())]
        if self._findings.limits.wants("F008"):
            if entry.broken is not None and not entry.broken.error:
                found.append(diagnostics.fallback(f"{entry.broken.reason}: calls run through NumPy", entry.broken.place, report.input_bytes))
            for file, line, function, label, size, reason in report.calls:
                if reason:
                    found.append(diagnostics.fallback(f"{label} runs through NumPy on {size} bytes (in {function}): {reason}", (file, line, function), size))
        if entry.expected is not None and entry.tree.root is None and self._findings.limits.wants("F008"):
            found.append(entry.expected)
        if self._findings.limits.wants("F015"):
            found += diagnostics.graph_breaks(entry.tree, report.input_bytes)
        return diagnostics.listed(found + entry.repeated + self._storms)

    def memory(self, *args, memory_limit=None, **kwargs) -> Memory:
        """Projected memory of a call, from shapes alone: of its largest part. Where sizes have names (`frit.spec(("n", 3))`), a
        `MemoryFormula`; raises `SizeError` where the function needs their numbers.

        With a limit (bytes, or text as "2GiB"; the function's own if not given), of the plan that fits it; raises
        `MemoryLimitError` if none does. Nothing runs and nothing is compiled to machine code.
        """
        if memory_limit is not None and names_in((args, kwargs)):
            raise ValueError("what fits a limit depends on sizes: give it with their numbers, as .at(n=1000, memory_limit=..)")
        limit = options.bytes_of(memory_limit)
        return self.explain(*args, **kwargs).memory_within(limit)

    def suggest_chunks(self, *args, sizes=None, memory_limit=None, block_bytes="128MiB", candidates=6, cores=0, **kwargs) -> Chunks:
        """How to chunk the arguments (arrays or specs) if the function is run block by block, from the whole
        computation: candidates with what they read, write and hold, the best first. Nothing runs.

        `memory_limit` is what all `cores` (0: those of this machine) hold together, `block_bytes` what no block exceeds
        that can be cut; both are numbers of bytes or text as "2GiB". `sizes`: numbers for the names in specs, as
        `{"n": 1000}`. Raises `FallbackError` if the function is not
        compiled as one program, `ValueError` for a number that is not positive, `TypeError` for what is no number.
        """
        args, kwargs = self._numbered(args, kwargs, sizes, "chunks depend on sizes")
        limit = options.bytes_of(memory_limit, least=1)
        # There is no "no limit" for blocks: what is None is no number.
        block = (options.whole if block_bytes is None else options.bytes_of)(block_bytes, "block_bytes", 1)
        candidates, cores = options.whole(candidates, "candidates", 1), options.whole(cores, "cores") or os.cpu_count() or 1
        segment = self.explain(*args, **kwargs).single()
        found = segment.program.chunks(limit, block, candidates, cores)
        paths = retrace.parameter_paths(self._function, self._key(args, kwargs).tree, self._static)[1]
        names = {f"x{k}": paths[slot] for k, slot in enumerate(segment.inputs) if slot < len(paths)}
        return Chunks(found, names)

    def dump(self, *args, stage="graph", **kwargs) -> str:
        """The text of one stage (graph, rewritten, plan, kernels, clif, asm) of every part."""
        return self.explain(*args, **kwargs).dump(stage)

    def visualize(self, *args, path=None, **kwargs):
        """A picture of what is compiled for these arguments (arrays or specs): graphs before and after rewriting, fusion
        groups, memory, and the source beside them. Returns a `Picture`, which notebooks show.

        `path`: a file to write it to as well. Its suffix is the format: `.html` (one page that works offline), `.svg`, `.dot`,
        `.json`, `.txt`, `.mlir`. Raises `ValueError` for another suffix, `FallbackError` if nothing is compiled.
        """
        picture = self.explain(*args, **kwargs).picture()
        if path is not None:
            picture.save(path)
        return picture

    def save(self, path, *args, **kwargs) -> None:
        """Writes the program for these arguments (arrays or specs) to a file: see `frit.load`.

        Arrays from outside of the function are written with the elements that they have now. Raises `FallbackError` if
        the function cannot be compiled as a whole, `TypeError` for arguments or results that a file does not hold.
        """
        from .saved import save

        names = sorted(names_in((args, kwargs)))
        if names:
            raise ValueError(f"a file holds the program for numbers, of which {' and '.join(names)} have none: give frit.spec with them")
        save(self, path, args, kwargs)

    def __repr__(self):
        return f"<frit.jit {self.__module__}.{self.__qualname__}>"


def jit(function=None, **given):
    """Compiles a function that is written in NumPy; `@frit.jit` or `@frit.jit(option=...)`.

    Options: `static_argnames` (arguments that are part of the signature by value), `memory_limit` (bytes, or
    text as "2GiB"), `math` ("exact", "reassociate", "fast"), `fallback` ("warn", "error", "quiet"), `threads` (0: all),
    `warn` (False, or thresholds as "intermediate_bytes=4GiB,-F007").
    """
    unknown = set(given) - _OPTIONS
    if unknown:
        raise TypeError(f"jit() got unexpected options {sorted(unknown)}")
    if function is None:
        return lambda f: Jit(f, **given)
    return Jit(function, **given)
