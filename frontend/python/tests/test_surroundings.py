"""What a function sees that is no array of its arguments: names outside of it, objects, cells, its own decorators."""

import dataclasses
import functools
import types

import numpy as np
import pytest
from conftest import agree, runs_python

import frit

pytestmark = pytest.mark.usefixtures("unpatched")


def test_names_outside_are_part_of_the_signature():
    space = {"np": np, "frit": frit}
    exec("SCALE = 2.0\nTABLE = np.arange(3.0)\ndef helper(x):\n  return x * SCALE\ndef f(x):\n  return helper(x) + TABLE\n", space)
    f = frit.jit(space["f"], fallback="error")
    x = np.ones(3)
    for _ in range(2):
        agree(f(x), space["f"](x))
    space["SCALE"] = 3
    agree(f(x), space["f"](x))
    space["TABLE"][0] = 50
    agree(f(x), space["f"](x))
    space["TABLE"] = np.full(3, -1.0)
    agree(f(x), space["f"](x))
    assert not runs_python(f, x)


def test_modules_and_classes_outside_are_part_of_the_signature():
    constants = types.ModuleType("constants")
    constants.G, constants.TABLE = 2.0, np.ones(3)

    class Model:
        factor = 3.0

        @frit.jit(fallback="error")
        def f(self, x):
            return x * self.factor * constants.G + constants.TABLE

    x = np.ones(3)
    for _ in range(2):
        agree(Model().f(x), np.full(3, 7.0))
    constants.G = 1.0
    agree(Model().f(x), np.full(3, 4.0))
    Model.factor = 5.0
    agree(Model().f(x), np.full(3, 6.0))
    constants.TABLE = np.zeros(3)
    agree(Model().f(x), np.full(3, 5.0))


def test_an_argument_that_is_also_outside():
    table = np.arange(4.0)

    def f(x):
        x[0] = 5
        return x + table

    compiled = frit.jit(f, fallback="quiet")
    for _ in range(2):
        agree(compiled(np.ones(4)), f(np.ones(4)))
    before = table.copy()
    got = compiled(table)
    table[:], now = before, table.copy()
    agree(got, f(table))
    agree(now, table)


def test_cells_outside_are_part_of_the_signature():
    scale, table = 2.0, np.arange(3.0)

    def f(x):
        return x * scale + table.T[::-1] * 2

    compiled = frit.jit(f, fallback="error")
    x = np.ones(3)
    for _ in range(2):
        agree(compiled(x), f(x))
    scale = 5.0
    agree(compiled(x), f(x))
    table[0] = 9
    agree(compiled(x), f(x))
    table = np.zeros(3)
    agree(compiled(x), f(x))


@dataclasses.dataclass
class State:
    position: np.ndarray
    speed: np.ndarray
    mass: float = 1.0


class Body:
    def __init__(self, n):
        self.state, self.steps = State(np.zeros(n), np.ones(n)), 0

    @frit.jit(fallback="error")
    def advance(self, dt):
        s = self.state
        s.position += s.speed * dt
        s.speed = s.speed * (1 - dt / s.mass)
        if s.position.max() > 1:
            self.state = State(s.position * 0, s.speed, 2.0)
        self.steps += 1
        return self


def test_objects_are_arguments():
    plain, traced = Body(3), Body(3)
    for k in range(6):
        position = traced.state.position
        Body.advance.__wrapped__(plain, 0.25)
        assert traced.advance(0.25) is traced
        agree(traced.state.position, plain.state.position)
        agree(traced.state.speed, plain.state.speed)
        assert traced.steps == plain.steps == k + 1 and traced.state.mass == plain.state.mass
        if plain.state.mass == 1.0:
            assert traced.state.position is position


def test_a_dataclass_in_and_out():
    @frit.jit(fallback="error")
    def f(s):
        return State(s.position + s.mass, s.speed), {"same": s}

    s = State(np.zeros(2), np.ones(2), 3.0)
    for _ in range(2):
        new, rest = f(s)
        assert type(new) is State and rest["same"] is s and new.speed is s.speed and new.mass == 1.0
        agree(new.position, np.full(2, 3.0))


def test_bound_methods():
    class Line:
        def __init__(self, slope):
            self.slope = slope

        def at(self, x):
            return self.slope * x

    line = Line(2.0)
    f = frit.jit(line.at, fallback="error")
    agree(f(np.ones(2)), np.full(2, 2.0))
    line.slope = 3.0
    agree(f(np.ones(2)), np.full(2, 3.0))


def test_opaque_arguments():
    """What frit cannot look into makes calls run their Python; arrays are traced all the same."""

    class Opaque:
        __slots__ = ("values",)

    o = Opaque()
    o.values = np.arange(3.0)
    f = frit.jit(lambda x, o, names: (x * o.values, names == "b"), fallback="quiet")
    names = np.array(["a", "b"])
    for k in range(3):
        o.values = np.full(3, float(k))
        names[0] = "b" if k else "a"
        got = f(np.ones(3), o, names)
        agree(got, (np.full(3, float(k)), names == "b"))


def test_arrays_outside_are_written_at_once():
    class Holder:
        __slots__ = ("values",)

    def f(h, x):
        h.values += x
        return h.values.sum() + x.sum()

    h, g = Holder(), Holder()
    h.values, g.values = np.zeros(3), np.zeros(3)
    compiled = frit.jit(f, fallback="quiet")
    for k in range(3):
        agree(compiled(h, np.full(3, k + 1.0)), f(g, np.full(3, k + 1.0)))
        agree(h.values, g.values)


def test_lists_that_are_changed():
    def f(x, log):
        log.append(x.sum())
        return x + len(log)

    log, want = [], []
    compiled = frit.jit(f, fallback="quiet")
    for k in range(3):
        agree(compiled(np.ones(2), log), f(np.ones(2), want))
        assert log == want


def test_decorated_and_keyword_only():
    def twice(f):
        @functools.wraps(f)
        def g(*args, **kwargs):
            return f(*args, **kwargs) * 2

        return g

    @frit.jit(fallback="error")
    @twice
    def f(x, *, shift=0.0):
        with np.errstate(all="ignore"):
            return np.log(x) + shift

    for _ in range(2):
        agree(f(np.ones(3), shift=1.0), np.full(3, 2.0))
        agree(f(np.ones(3)), np.zeros(3))
