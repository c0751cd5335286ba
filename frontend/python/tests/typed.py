"""Uses of the public names as a type checker sees them; `test_typing.py` runs mypy on it. Never imported."""

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import frit

Array = NDArray[np.float64]


@frit.jit
def plain(x: Array, n: int = 2) -> Array:
    return x**n


@frit.jit(static_argnames="n", math="fast", memory_limit="2GiB")
def with_options(x: Array, n: int) -> tuple[Array, float]:
    return x, float(n)


x = np.ones(3)
assert_type(plain(x), Array)
assert_type(plain(x, n=3), Array)
assert_type(with_options(x, 2), tuple[Array, float])
plain("text")  # type: ignore[arg-type]
plain()  # type: ignore[call-arg]
frit.jit(lambda x: x, speed=11)  # type: ignore[call-overload]
frit.jit(lambda x: x, fallback="never")  # type: ignore[call-overload]

report = plain.explain(frit.spec((10, 10), "f4"))
assert_type(report, frit.Report)
assert_type(report.compiled, bool)
assert_type(report.memory.peak_bytes, int)
assert_type([t.file for t in report.memory.temporaries], list[str | None])
assert_type(plain.memory(x).output_bytes, int)
plain.dump(x, stage="kernels")
plain.save("f.frit.json", x)
assert_type(plain.visualize(x, path="f.svg"), frit.Picture)
assert_type(plain.visualize(x).render("dot"), str)
assert_type(frit.load("f.frit.json"), frit.Saved)
assert_type(frit.stats(), dict[str, int])

assert_type([c.line for c in frit.coverage(plain, x).fallbacks], list[int])

with frit.disable_jit(), frit.debug_nans(False):
    plain(x)


@frit.debug_nans()
def decorated(x: Array) -> int:
    return x.size


assert_type(decorated(x), int)


class Model:
    @frit.jit
    def apply(self, x: Array, scale: float) -> Array:
        return x * scale


assert_type(Model().apply(x, 2.0), Array)
Model().apply("text", 2.0)  # type: ignore[arg-type]
