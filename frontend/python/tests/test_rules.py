"""Every function of `rules_table.py` against NumPy: results and arguments, over element types and layouts."""

import os
import warnings

import numpy as np
import pytest
from rules_table import COMPILED, INTEGERS, RAISING, REAL

import frit

pytestmark = pytest.mark.usefixtures("unpatched")

TYPES = ["?", "i1", "u1", "i4", "i8", "u8", "f4", "c8", "c16"]
_shapes = {"x": (4, 6), "y": (4, 6), "v": (8,), "w": (8,), "s": (4, 4), "c": (2, 3, 4), "r": ()}


def arguments(dtype, layout):
    """The table's arguments: small numbers, some of them equal."""
    rng = np.random.default_rng(3)
    dtype = np.dtype(dtype)
    made = {}
    for name, shape in _shapes.items():
        a = rng.normal(size=shape) * 2
        if dtype.kind == "c":
            a = a + 1j * rng.normal(size=shape)
        if dtype.kind in "iu":
            a = np.abs(np.round(a * 3)) if dtype.kind == "u" else np.round(a * 3)
        a = (a > 0 if dtype.kind == "b" else a).astype(dtype) if shape else dtype.type(a > 0 if dtype.kind == "b" else a)
        made[name] = layout(a) if shape else a
    made["n"] = made["v"].copy()
    if dtype.kind in "fc":
        made["n"][2::4] = np.nan
    made["k"], made["i"] = np.array([3, 0, 2]), rng.integers(0, 9, 8)
    made["q"], made["p"] = rng.random(8) > 0.5, rng.random((4, 6)) > 0.5
    return made


def plain(a):
    return np.ascontiguousarray(a)


def fortran(a):
    return np.asfortranarray(a)


def strided(a):
    b = np.zeros(tuple(2 * n for n in a.shape), a.dtype)[tuple(slice(None, None, -2) for _ in a.shape)]
    b[...] = a
    return b


def same(got, want, eps, place="the result"):
    """NumPy's types, shapes and kinds of scalars; values up to some `eps`, relative to the largest."""
    assert type(got) is type(want), f"{place}: {type(got)}, not {type(want)}"
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want), place
        for k, (g, w) in enumerate(zip(got, want)):
            same(g, w, eps, f"{place}[{k}]")
    elif isinstance(want, (np.ndarray, np.generic)):
        assert got.dtype == want.dtype, f"{place}: {got.dtype}, not {want.dtype}"
        assert got.shape == want.shape, f"{place}: {got.shape}, not {want.shape}"
        if want.dtype.kind in "fc" and want.size:
            finite = np.abs(want[np.isfinite(want)])
            near = 256 * max(eps, np.finfo(want.dtype).eps)
            np.testing.assert_allclose(got, want, rtol=near, atol=near * (finite.max() if finite.size else 1), err_msg=place)
        else:
            np.testing.assert_array_equal(got, want, err_msg=place)
    else:
        assert got == want, place


def run(f, made):
    """What a function gives, or the exception that it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return f(**made), None
        except Exception as e:
            return None, e


def function(line):
    space = {"np": np}
    exec(compile(f"def f(x, y, v, w, s, c, r, n, k, i, q, p):\n  return {line}\n", line, "exec"), space)
    return space["f"]


def check(line, dtype, layout, **options):
    f = function(line)
    compiled = frit.jit(f, **options)
    eps = np.finfo(dtype).eps if np.dtype(dtype).kind in "fc" else 0
    for _ in range(2):
        want_args, got_args = arguments(dtype, layout), arguments(dtype, layout)
        want, raised = run(f, want_args)
        got, error = run(compiled, got_args)
        assert type(error) is type(raised), f"{error!r}, not {raised!r}"
        if raised is not None:
            assert str(error) == str(raised)
        else:
            same(got, want, eps)
        same(list(got_args.values()), list(want_args.values()), eps, "the arguments")


@pytest.mark.parametrize("line", COMPILED + REAL)
def test_compiled(line):
    check(line, "f8", plain, fallback="error")


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "i8", "u8"])
@pytest.mark.parametrize("line", INTEGERS)
def test_integers(line, dtype):
    check(line, dtype, plain, fallback="error" if dtype == "i8" else "quiet")


def some(lines, choices, count):
    """Pairs of a line and a choice: `count` choices for each line, others for the next; all with FRIT_TESTS=all."""
    if os.environ.get("FRIT_TESTS") == "all":
        count = len(choices)
    return [(line, choices[(k * count + j) % len(choices)]) for k, line in enumerate(lines) for j in range(count)]


@pytest.mark.parametrize(("line", "layout"), some(COMPILED + REAL, [fortran, strided], 1))
def test_layouts(line, layout):
    check(line, "f8", layout, fallback="quiet")


@pytest.mark.parametrize(("line", "dtype"), some(COMPILED + REAL, TYPES, 2))
def test_types(line, dtype):
    check(line, dtype, plain, fallback="quiet")


@pytest.mark.parametrize("line", RAISING)
def test_raising(line):
    check(line, "f8", plain, fallback="quiet")
