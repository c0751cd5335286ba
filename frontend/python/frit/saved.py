"""Programs in files: `f.save(path, *args)`, `frit.load(path)`.

A file is JSON: the graph, in the format of the Rust half (`frontend/src/saved.rs`), and under `"python"` how arguments
become its parameters and its results what the function returned.
"""

from __future__ import annotations

import itertools
import os

import numpy as np

from . import _frit, debug, interrupt
from .errors import FallbackError
from .html import Text
from .jit import Jit
from .options import bytes_of, math_of, whole
from .report import Memory, Report
from .signature import Leaf, Spec, Unkeyed, fill, flatten, without_specs
from .storage import show
from .tape import Done, Load, Segment


def save(jit: Jit, path: str | os.PathLike, args, kwargs) -> None:
    """Writes the program that `jit` compiled for these arguments (arrays or specs)."""
    import json

    a, entry = jit._traced(args, kwargs)
    if a.objects or a.opaque:
        raise TypeError(a.opaque or f"an argument of type {type(a.objects[0]).__name__} cannot be saved")
    tree, key = a.tree, a.key[0]
    leaves = a.leaves
    root = entry.tree.root
    segment = Report(jit, leaves, entry).single()
    if type(root.end) is not Done or any(type(s) not in (Load, Segment) for s in root.steps):
        raise FallbackError(f"{jit.__name__} is not compiled as one program")
    end = root.end
    if end.writes and any(part and part[0] in ("same", "overlap") for part in key):
        raise ValueError("a program that writes arguments is saved for arguments that do not overlap")
    loaded = {s.slot: s.array for s in root.steps if type(s) is Load}
    constants = [(k, np.ascontiguousarray(loaded[n]).reshape(loaded[n].shape)) for k, n in enumerate(segment.inputs) if n in loaded]
    written_to = {slot: k for k, slot in end.writes}
    document = json.loads(segment.program.to_json(constants))
    document["python"] = {
        "arguments": encode(tree),
        "results": encode(end.result),
        "recipes": [encode(recipe_of(r, segment, len(leaves))) for r in end.recipes],
        "writes": [written_to.get(slot) for slot in segment.outputs],
        "scalars": segment.scalars,
    }
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(document, indent=1) + "\n")


def recipe_of(r, segment, arguments):
    """Where a result is found, as a file says it."""
    if r.argument or r.slot < arguments:
        return "argument", r.slot, r.steps
    if r.slot not in segment.outputs:
        raise FallbackError("a result that is an array from outside")
    return "result", segment.outputs.index(r.slot), r.steps + ((("index", ()),) if r.scalar else ())


def load(path: str | os.PathLike, *, math: str | None = None, memory_limit=None, threads: int = 0) -> Saved:
    """The program in a file that `f.save` (or, in Rust, `Saved::save`) wrote, or a graph in text form.

    `math` is the file's own if not given. Raises `OSError` if there is no such file and `ValueError`, with line and column,
    if it is not a program.
    """
    import json

    options = math_of(math), bytes_of(memory_limit), whole(threads, "threads")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    graph = _frit.SavedGraph.parse(text)
    python = json.loads(text).get("python") if text.lstrip().startswith("{") else None
    try:
        return Saved(graph, python, *options)
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise ValueError(f'{os.fspath(path)}: the part "python" does not tell how the program is called: {e!r}') from None


class Saved:
    """A program from a file: called with arrays as the function was that it came from.

    Static arguments must be those that it was saved with; element types and shapes, too, unless the file's sizes are
    names. Without a `"python"` part in the file, arguments are its parameters in order, and several results a tuple.
    """

    def __init__(self, graph, python, math, memory_limit, threads):
        self._graph, self._options, self._programs = graph, (math, memory_limit, threads), {}
        self.name: str = graph.name
        if python is None:
            leaves = [Leaf(k) for k in range(len(graph.inputs))]
            outputs = [Leaf(k) for k in range(len(graph.outputs))]
            self._arguments = tuple(leaves), {}
            self._result = outputs[0] if len(outputs) == 1 else tuple(outputs)
            self._recipes = [("result", k, ()) for k in range(len(outputs))]
            self._writes, self._scalars = [None] * len(outputs), [False] * len(outputs)
        else:
            self._arguments, self._result = decode(python["arguments"]), decode(python["results"])
            self._recipes = [decode(r) for r in python["recipes"]]
            self._writes, self._scalars = python["writes"], python["scalars"]

        self._expected = _text(self._arguments)

    @property
    def inputs(self) -> list[tuple[str, str, list[str]]]:
        """Name, element type and sizes (numbers, names or expressions) of each parameter."""
        return self._graph.inputs

    def _bind(self, args, kwargs):
        leaves = []
        try:
            tree = flatten(args, leaves, []), flatten(kwargs, leaves, [])
        except Unkeyed as e:
            raise TypeError(f"{self.name}: {e}") from None
        if _text(tree) != self._expected:
            raise TypeError(f"{self.name} was saved for {shape_of(self._arguments)}, not {shape_of(tree)}")
        for (name, dtype, sizes), a in zip(self._graph.inputs, leaves):
            if a.dtype != dtype or len(a.shape) != len(sizes):
                raise TypeError(f"argument {name}: {a.dtype}{list(a.shape)}, expected {dtype}[{', '.join(sizes)}]")
        return leaves

    def _program(self, arrays):
        strided = tuple(not a.flags.c_contiguous for a in arrays)
        if strided not in self._programs:
            self._programs[strided] = self._graph.compile(list(strided), *self._options)
        return self._programs[strided]

    def __call__(self, *args, **kwargs):
        leaves = self._bind(args, kwargs)
        without_specs(leaves)
        arrays = [a if type(a) is np.ndarray else np.asarray(a) for a in leaves]
        targets = [(arrays[k], n) for n, k in enumerate(self._writes) if k is not None]
        for a, _ in targets:
            if not a.flags.writeable:
                raise ValueError("assignment destination is read-only")
        if targets and any(np.may_share_memory(a, b) for a, b in itertools.combinations(arrays, 2)):
            raise ValueError(f"{self.name} writes arguments, and these overlap in memory")
        interrupt.begin()
        outputs = debug.run(self._program(arrays), arrays, self._scalars)
        interrupt.write_back([a for a, _ in targets], [outputs[n] for _, n in targets])
        results = []
        for source, number, steps in self._recipes:
            a = leaves[number] if source == "argument" else outputs[number]
            for step in steps:
                a = show(step, a)
            results.append(a)
        return fill(self._result, results)

    def memory(self, *args, **kwargs) -> Memory:
        """Projected memory of a call with these arrays or specs."""
        leaves = self._bind(args, kwargs)
        program = self._program([np.empty(0) if type(a) is Spec else np.asarray(a) for a in leaves])
        return Memory.of(program, [list(a.shape) for a in leaves])

    def visualize(self, *args, path=None, **kwargs):
        """A picture of the program for these arrays or specs: see `frit.jit`'s method of this name."""
        from .picture import Picture

        leaves = self._bind(args, kwargs)
        program = self._program([np.empty(0) if type(a) is Spec else np.asarray(a) for a in leaves])
        picture = Picture(self.name, [(self.name, program, [list(a.shape) for a in leaves])])
        if path is not None:
            picture.save(path)
        return picture

    def dump(self, stage: str = "graph") -> str:
        """The text of one stage: see `frit.STAGES`."""
        return Text(self._program([np.empty(0)] * len(self._graph.inputs)).dump(stage))

    def __repr__(self):
        return f"<frit.Saved {self.name}>"


def _text(tree):
    """Nested arguments as text, which tells `True` from `1`."""
    import json

    return json.dumps(encode(tree))


def shape_of(tree):
    """Nested arguments as text."""
    args, kwargs = tree
    parts = [written(a) for a in args] + [f"{k}={written(a)}" for k, a in kwargs.items()]
    return f"({', '.join(parts)})"


def written(x):
    if type(x) is Leaf:
        return "array"
    if type(x) in (list, tuple):
        return type(x).__name__ + "(" + ", ".join(map(written, x)) + ")"
    if type(x) is dict:
        return "{" + ", ".join(f"{k!r}: {written(v)}" for k, v in x.items()) + "}"
    return repr(x)


def encode(x):
    """Nested values as JSON; `decode` gives them back."""
    t = type(x)
    if t is Leaf:
        return {"leaf": x.number}
    if x is None or t in (bool, int, str):
        return {"value": x}
    if t in (float, complex):
        return {t.__name__: repr(x)}
    if t in (list, tuple):
        return {t.__name__: [encode(y) for y in x]}
    if t is dict:
        return {"dict": [[encode(k), encode(v)] for k, v in x.items()]}
    if t is slice:
        return {"slice": [encode(x.start), encode(x.stop), encode(x.step)]}
    if x is Ellipsis:
        return {"ellipsis": None}
    if isinstance(x, np.dtype):
        return {"dtype": x.str}
    if isinstance(x, np.generic) and x.dtype.kind in "biufc":
        return {"numpy": [x.dtype.str, encode(x.item())]}
    raise TypeError(f"a {t.__name__} among arguments or results cannot be saved")


def decode(x):
    (kind, v), = x.items()
    if kind == "leaf":
        return Leaf(v)
    if kind == "value":
        return v
    if kind == "float":
        return float(v)
    if kind == "complex":
        return complex(v)
    if kind in ("list", "tuple"):
        return (list if kind == "list" else tuple)(map(decode, v))
    if kind == "dict":
        return {decode(k): decode(y) for k, y in v}
    if kind == "slice":
        return slice(*map(decode, v))
    if kind == "ellipsis":
        return Ellipsis
    if kind == "dtype":
        return np.dtype(v)
    if kind == "numpy":
        return np.dtype(v[0]).type(decode(v[1]))
    raise ValueError(f"not a saved program: unknown kind {kind!r}")
