"""Writes `frit/_frit.pyi`, the stubs of the compiled half: `python frontend/python/stubs.py`.

The functions of the namespace and their parameters are read from the table that the compiled half is made of
(`src/table.rs`), the ops from the op table; the rest is below.
"""

from __future__ import annotations

import sys
from pathlib import Path

PATH = Path(__file__).parent / "frit" / "_frit.pyi"

#: Parameter types of the table, in Python. `Option`, `Vec` and pairs are taken apart.
TYPES = {
    "Axes": "Sequence[int] | None", "DType": "str", "Dim": "_Size", "Op": "_Op", "Operand": "_Operand", "Ord": "float | str | None",
    "PadMode": "str | tuple[str, _Number]", "Quantile": "str", "Spacing": "_Operand", "String": "str", "TakeMode": "str", "Update": "str",
    "Value": "Node", "Index<Value>": "_Index", "bool": "bool", "f64": "float", "fft::Norm": "str", "i32": "int", "i64": "int", "u32": "int",
    "usize": "int",
}

HEAD = '''"""The compiled half of the package. Written by `stubs.py`: change that, or `src/table.rs`."""

from collections.abc import Sequence
from os import PathLike
from types import EllipsisType
from typing import Any, Generic, Literal, ParamSpec, TypeAlias, TypedDict, TypeVar, final, overload

from numpy.typing import NDArray
from typing_extensions import disjoint_base

_P = ParamSpec("_P")
_R = TypeVar("_R", covariant=True)

_Number: TypeAlias = bool | int | float | complex
_Size: TypeAlias = "int | str | Dim"
_Index: TypeAlias = _Size | slice | EllipsisType | "Node" | None
'''

BODY = '''
STAGES: list[str]
DIAGNOSTICS: list[tuple[str, str, str]]
THRESHOLDS: list[tuple[str, str, float, list[str], str]]

class BuildError(Exception): ...
class CompileError(Exception): ...
class MemoryLimitError(MemoryError): ...
class RunError(Exception): ...

class _Moment(TypedDict):
    op: str
    file: str | None
    line: int | None
    bytes: int

class _Use(_Moment):
    output: bool

class _Memory(TypedDict):
    peak_bytes: int
    input_bytes: int
    output_bytes: int
    at_peak: list[_Use]
    timeline: list[_Moment]
    replanned: list[str]

_Box: TypeAlias = tuple[str, list[tuple[int, int]]]

@final
class Node:
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

_Operand: TypeAlias = Node | _Number

@final
class Dim:
    def __new__(cls, value: Any) -> "Dim": ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def add(self, other: Any) -> "Dim": ...
    def subtract(self, other: Any) -> "Dim": ...
    def multiply(self, other: Any) -> "Dim": ...
    def floor_divide(self, other: Any) -> "Dim": ...
    def remainder(self, other: Any) -> "Dim": ...
    def number(self) -> int | None: ...
    def names(self) -> list[str]: ...
    def value(self, sizes: dict[str, int]) -> int: ...
    def proves_nonnegative(self, least: int) -> bool: ...

class _Held(TypedDict):
    op: str
    file: str | None
    line: int | None
    bytes: Dim
    output: bool

class _Formula(TypedDict):
    peak: list[Dim]
    workspaces: list[str]
    inputs: Dim
    outputs: Dim
    held: list[_Held]

@final
class Program:
    def run(self, arguments: Sequence[NDArray[Any]], scalars: Sequence[bool]) -> list[Any]: ...
    def nonfinite(
        self, arguments: Sequence[NDArray[Any]]
    ) -> tuple[str, Literal["nan", "inf"], list[int], tuple[str, int, str] | None] | None: ...
    def to_json(self, constants: Sequence[tuple[int, NDArray[Any]]]) -> str: ...
    def dump(self, stage: str) -> str: ...
    def rewrites(self) -> list[tuple[str, str, int, float, float, list[tuple[str, int]]]]: ...
    def costs(self) -> list[tuple[float, float, float]]: ...
    def why(self, lost: bool, proof: bool) -> dict[str, list[dict[str, Any]]]: ...
    def kernels(self) -> int: ...
    def chunks(self, memory_limit: int | None, block_bytes: int, candidates: int, cores: int) -> Chunks: ...
    def memory(self, shapes: Sequence[Sequence[int]], memory_limit: int | None = None) -> _Memory: ...
    def memory_formula(self) -> _Formula: ...
    def diagnostics(
        self, shapes: Sequence[Sequence[int]], strides: Sequence[Sequence[int] | None], constant: Sequence[bool], thresholds: Thresholds
    ) -> str: ...

@final
class Chunks:
    def json(self) -> str: ...
    def graph(self, candidate: int) -> str: ...
    def tasks(self, candidate: int) -> list[tuple[int, list[int], list[_Box], list[_Box], bool, bool]]: ...

@disjoint_base
class Function(Generic[_P, _R]):
    def __new__(cls, *_args: Any, **_kwargs: Any) -> "Function[_P, _R]": ...
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    def remember(self, program: Program, arguments: Sequence[NDArray[Any]], scalars: Sequence[bool], tuple: bool, guards: Sequence[tuple[Any, str, Any]]) -> None: ...
    def forget(self) -> None: ...

@final
class Thresholds:
    def __new__(cls, text: str) -> "Thresholds": ...
    def wants(self, code: str) -> bool: ...
    def get(self, name: str) -> float: ...

@final
class Picture:
    def __new__(cls, name: str, programs: Sequence[tuple[str, Program, Sequence[Sequence[int]] | None]]) -> "Picture": ...
    def files(self) -> list[str]: ...
    def set_source(self, file: str, text: str) -> None: ...
    def render(self, format: str) -> str: ...

@final
class SavedGraph:
    @staticmethod
    def parse(text: str) -> "SavedGraph": ...
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> list[tuple[str, str, list[str]]]: ...
    @property
    def outputs(self) -> list[tuple[str, int]]: ...
    def compile(self, strided: Sequence[bool], math: str | None, memory_limit: int | None, threads: int) -> Program: ...

def functions() -> list[str]: ...
def human_bytes(bytes: int) -> str: ...
def intercept(on: bool) -> None: ...
def main(arguments: Sequence[str | PathLike[str]]) -> int: ...
def ops() -> list[str]: ...
def parse_bytes(text: str) -> int: ...
def readable(array: NDArray[Any]) -> bool: ...
def ignores(line: str, code: str) -> bool: ...
def render(
    code: str, message: str, file: str | None, line: int, source: str | None, notes: Sequence[str], help: Sequence[str], color: bool
) -> str: ...
def signatures() -> list[tuple[str, list[tuple[str, str]]]]: ...
def stats() -> dict[str, int]: ...

@final
class Builder:
    def __new__(cls, name: str) -> "Builder": ...
    def input(self, name: str, dtype: str, shape: Sequence[_Size]) -> Node: ...
    def literal(self, array: NDArray[Any]) -> Node: ...
    def at(self, file: str, line: int, function: str) -> None: ...
    def declare(self, names: Sequence[str], least: int) -> None: ...
    def type(self, node: Node) -> tuple[str, tuple[int | Dim, ...]]: ...
    def compile(
        self, outputs: Sequence[Node], strided: Sequence[bool], math: str, memory_limit: int | None, threads: int
    ) -> Program: ...
'''


def python_type(t):
    """A type of the table, in Python."""
    if t in TYPES:
        return TYPES[t]
    if t.startswith("Option<"):
        return python_type(t[7:-1]) + " | None"
    if t.startswith("Vec<"):
        return f"Sequence[{python_type(t[4:-1])}]"
    if t.startswith("("):
        return f"tuple[{', '.join(map(python_type, t[1:-1].split(',')))}]"
    raise KeyError(f"a parameter of type {t}: add it to TYPES")


def literal(names):
    """`Literal[..]` over lines."""
    lines, line = [], "   "
    for name in names:
        if len(line) + len(name) > 110:
            lines.append(line)
            line = "   "
        line += f' "{name}",'
    return "Literal[\n" + "\n".join([*lines, line]) + "\n]"


def text(_frit):
    """The stubs for this build."""
    exported = "".join(f'    "{name}",\n' for name in _frit.__all__)
    parts = [HEAD, f"\n__all__ = [\n{exported}]\n\n", f"_Op: TypeAlias = {literal(_frit.ops())}\n", BODY]
    for name, parameters in _frit.signatures():
        listed = "".join(f", {p}: {python_type(t)}" for p, t in parameters)
        parts.append(f'    @overload\n    def call(self, name: Literal["{name}"]{listed}, /) -> Any: ...\n')
    return "".join(parts)


if __name__ == "__main__":
    from frit import _frit

    new = text(_frit)
    changed = not PATH.exists() or PATH.read_text() != new
    PATH.write_text(new)
    sys.stdout.write(f"{PATH.name}: {'written' if changed else 'up to date'}\n")
