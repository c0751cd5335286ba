import sys

import numpy as np
import pictured
import pytest


def values(kind):
    """Fresh arguments of one kind of `programs.py`; always the same numbers."""
    rng = np.random.default_rng(sum(map(ord, kind)))
    return {
        "v": lambda: rng.normal(size=8), "w": lambda: rng.normal(size=8), "m": lambda: rng.normal(size=(4, 6)),
        "n": lambda: rng.normal(size=(4, 6)), "s": lambda: rng.normal(size=(4, 4)), "t": lambda: rng.normal(size=(4, 4)),
        "i": lambda: rng.integers(-9, 9, 8), "k": lambda: np.array([5, 0, 3]) % 4, "q": lambda: rng.random(8) > 0.5,
        "z": lambda: rng.normal(size=5) + 1j * rng.normal(size=5), "f": lambda: rng.normal(size=(4, 6)).astype(np.float32),
        "c": lambda: rng.normal(size=(3, 4, 5)), "g": lambda: np.float64(2.5), "u": lambda: rng.integers(0, 255, 8).astype(np.uint8),
    }[kind]()


def program(line):
    """A line of `programs.py` as a function, and its arguments' kinds."""
    kinds, text = (part.strip() for part in line.split(" | ", 1))
    names = [chr(ord("a") + n) for n in range(len(kinds.split()))]
    space = {"np": np}
    exec(compile(f"def f({', '.join(names)}):\n  {text}\n", line, "exec"), space)
    return space["f"], kinds.split()


def agree(got, want, place="the result"):
    """The same structure, types and shapes; values up to rounding; scalars where NumPy has scalars."""
    assert type(got) is type(want), f"{place}: {type(got)}, not {type(want)}"
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want), place
        for k, (g, w) in enumerate(zip(got, want)):
            agree(g, w, f"{place}[{k}]")
    elif isinstance(want, dict):
        assert list(got) == list(want), place
        for k in want:
            agree(got[k], want[k], f"{place}[{k!r}]")
    elif isinstance(want, (np.ndarray, np.generic)):
        assert got.dtype == want.dtype, f"{place}: {got.dtype}, not {want.dtype}"
        assert got.shape == want.shape, f"{place}: {got.shape}, not {want.shape}"
        if want.dtype.kind in "fc":
            eps = np.finfo(want.dtype).eps
            np.testing.assert_allclose(got, want, rtol=64 * eps, atol=64 * eps, err_msg=place)
        else:
            np.testing.assert_array_equal(got, want, err_msg=place)
    else:
        assert got == want, place


@pytest.fixture
def unpatched():
    """NumPy's own functions are back after a test."""
    before = {k: getattr(np, k) for k in ("zeros", "asarray", "array", "arange", "full", "empty")}
    yield
    assert all(getattr(np, k) is f for k, f in before.items())


def runs_python(compiled, *args, **kwargs):
    """True if a call runs the function's own Python."""
    code, ran = compiled.__wrapped__.__code__, []
    sys.setprofile(lambda frame, event, arg: ran.append(1) if event == "call" and frame.f_code is code else None)
    try:
        compiled(*args, **kwargs)
    finally:
        sys.setprofile(None)
    return bool(ran)


@pytest.fixture
def symbolic(tmp_path):
    """The picture of a program with named sizes, for a call."""
    program = pictured.saved(pictured.SYMBOLIC, tmp_path)
    return program.visualize(pictured.S((1000, 200), "f8"), pictured.S((200, 3), "f8"))
