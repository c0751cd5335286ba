"""Every expression of `rules_table.SHAPES` against NumPy, for scalars, arrays without axes, without elements, with one, of
several axes, in other memory orders, read-only, with NaNs."""

import numpy as np
import pytest
from rules_table import SHAPES
from test_rules import run, same

import frit

pytestmark = pytest.mark.usefixtures("unpatched")

EXPRESSIONS = [e.strip() for line in SHAPES.strip().splitlines() for e in line.split("|")]


def arguments():
    rng = np.random.default_rng(0)
    reversed_ = np.zeros((6, 8))[::-2, ::2]
    reversed_[...] = rng.normal(size=(3, 4))
    return [
        np.array(2.5), np.float64(-1.5), np.array(3), np.zeros(0), np.zeros((0, 3)), np.zeros((3, 0)), np.array([3.0]), np.array([[2.0]]),
        rng.normal(size=5), rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 2)), np.asfortranarray(rng.normal(size=(3, 4))), reversed_,
        np.broadcast_to(np.arange(3.0), (2, 3)), np.array([1, np.nan, 3, np.nan]),
    ]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_shapes(expression):
    space = {"np": np}
    exec(compile(f"def f(a):\n  return {expression}, a\n", expression, "exec"), space)
    f = space["f"]
    compiled = frit.jit(f, fallback="quiet")
    for a, b in zip(arguments(), arguments()):
        want, raised = run(f, {"a": a})
        got, error = run(compiled, {"a": b})
        place = f"{np.shape(a)} {a.dtype}"
        assert type(error) is type(raised) and str(error) == str(raised), f"{place}: {error!r}, not {raised!r}"
        if raised is None:
            same(got, want, 0, place)
