"""Types of `jit.py`: a decorated function keeps its signature. Checked against it by `tests/test_typing.py`."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Concatenate, Literal, ParamSpec, TypeAlias, TypeVar, overload

from . import _frit
from .chunks import Chunks
from .diagnostics import Diagnostics
from .picture import Picture
from .report import Memory, Report

_P = ParamSpec("_P")
_Q = ParamSpec("_Q")
_R = TypeVar("_R", covariant=True)

_Math: TypeAlias = Literal["exact", "reassociate", "fast"]
_Fallback: TypeAlias = Literal["warn", "error", "quiet"]

class Jit(_frit.Function[_P, _R]):
    __name__: str
    __qualname__: str
    __wrapped__: Callable[_P, _R]
    def __init__(
        self,
        function: Callable[_P, _R],
        static_argnames: str | Iterable[str] = ...,
        device: Literal["cpu"] = "cpu",
        memory_limit: int | str | None = None,
        math: _Math | None = None,
        fallback: _Fallback = "warn",
        threads: int = 0,
        warn: str | bool | None = None,
    ) -> None: ...
    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Jit[_P, _R]: ...
    @overload
    def __get__(self: Jit[Concatenate[Any, _Q], _R], instance: object, owner: type | None = None) -> Callable[_Q, _R]: ...
    def explain(self, *args: Any, **kwargs: Any) -> Report: ...
    # A `MemoryFormula` where sizes have names, which types of arguments do not tell.
    def memory(self, *args: Any, memory_limit: int | str | None = None, **kwargs: Any) -> Memory: ...
    def warnings(self, *args: Any, sizes: Mapping[str, int] | None = None, **kwargs: Any) -> Diagnostics: ...
    def suggest_chunks(
        self,
        *args: Any,
        sizes: Mapping[str, int] | None = None,
        memory_limit: int | str | None = None,
        block_bytes: int | str = "128MiB",
        candidates: int = 6,
        cores: int = 0,
        **kwargs: Any,
    ) -> Chunks: ...
    def dump(self, *args: Any, stage: str = "graph", **kwargs: Any) -> str: ...
    def visualize(self, *args: Any, path: str | os.PathLike[str] | None = None, **kwargs: Any) -> Picture: ...
    def save(self, path: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None: ...

@overload
def jit(
    function: Callable[_P, _R],
    *,
    static_argnames: str | Iterable[str] = ...,
    device: Literal["cpu"] = "cpu",
    memory_limit: int | str | None = None,
    math: _Math | None = None,
    fallback: _Fallback = "warn",
    threads: int = 0,
    warn: str | bool | None = None,
) -> Jit[_P, _R]: ...
@overload
def jit(
    function: None = None,
    *,
    static_argnames: str | Iterable[str] = ...,
    device: Literal["cpu"] = "cpu",
    memory_limit: int | str | None = None,
    math: _Math | None = None,
    fallback: _Fallback = "warn",
    threads: int = 0,
    warn: str | bool | None = None,
) -> Callable[[Callable[_P, _R]], Jit[_P, _R]]: ...
