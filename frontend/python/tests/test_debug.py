"""`frit.disable_jit` and `frit.debug_nans`."""

import linecache
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import agree

import frit


def line_of(error):
    """The source line that an error of `debug_nans` shows."""
    return str(error.value).splitlines()[-1].strip()


def test_disabled_functions_run_plain_numpy():
    seen = []

    @frit.jit
    def f(x):
        seen.append(type(x))
        return x * 2

    x = np.arange(3.0)
    f(x), f(x)
    seen.clear()
    with frit.disable_jit():
        agree(f(x), x * 2)
        with frit.disable_jit(False):
            f(x)
        f(x)
    f(x)
    assert seen == [np.ndarray] * 2


def test_disabling_as_a_function_and_a_decorator():
    ran = []
    f = frit.jit(lambda x: ran.append(1) or x + 1, fallback="quiet")
    f(np.ones(2))
    ran.clear()

    @frit.disable_jit()
    def checked():
        return f(np.ones(2))

    f(np.ones(2))
    assert not ran
    checked(), checked()
    assert len(ran) == 2
    try:
        frit.disable_jit()
        f(np.ones(2))
    finally:
        frit.disable_jit(False)
    f(np.ones(2))
    assert len(ran) == 3


def log_of_negative(x):
    y = x - 3
    z = np.log(y)
    return (z * 2).sum()


def division(x):
    return np.where(x > 0, 1 / (x - x), x)


def overflow(x):
    s = (x + 700).sum()
    e = np.exp(s)
    return e - e


def assigned(x):
    x[0] = 0
    x[1:] /= x[0]


def with_a_break(x):
    if x.sum() > 0:
        x = x - x
    return 1 / x


def of_python_numbers(x):
    total = float(x.sum()) * 0
    return x / total


@pytest.mark.parametrize(
    ("f", "line", "kind"),
    [
        (log_of_negative, "z = np.log(y)", "nan"),
        (division, "return np.where(x > 0, 1 / (x - x), x)", "inf"),
        (overflow, "e = np.exp(s)", "inf"),
        (assigned, "x[1:] /= x[0]", "inf"),
        (with_a_break, "return 1 / x", "divide by zero|inf"),
        (of_python_numbers, "return x / total", "divide by zero|inf"),
    ],
)
def test_the_first_line_is_named(f, line, kind):
    compiled = frit.jit(f, fallback="quiet")
    x = np.array([1.0, 2.0, 3.0])
    with np.errstate(all="ignore"):
        compiled(x.copy())
        with frit.debug_nans(), pytest.raises(FloatingPointError, match=kind) as e:
            compiled(x.copy())
    assert line_of(e) == line
    where = f"{__file__}:"
    at = int(str(e.value).split(where)[1].split(",")[0])
    assert linecache.getline(__file__, at).strip() == line and f"in {f.__name__})" in str(e.value)


def test_what_never_reaches_a_result_is_no_error():
    f = frit.jit(lambda x: np.where(x > 0, np.log(x), 0.0))
    with np.errstate(all="ignore"), frit.debug_nans():
        agree(f(np.array([1.0, -1.0])), np.zeros(2))


def test_what_was_not_finite_before_is_no_error():
    f = frit.jit(lambda x: (x + 1, np.full(2, np.inf) * x[0]), fallback="error")
    with frit.debug_nans():
        got = f(np.array([1.0, np.nan]))
    agree(got, (np.array([2.0, np.nan]), np.full(2, np.inf)))


def test_arguments_are_as_before():
    @frit.jit(fallback="error")
    def f(x):
        x -= 1
        x /= x - x

    x = np.array([1.0, 2.0], "f4")
    with frit.debug_nans(), pytest.raises(FloatingPointError, match="divide"):
        f(x)
    agree(x, np.array([1.0, 2.0], "f4"))


def test_complex_and_indices():
    f = frit.jit(lambda z: (z * 1e300 * 1e300).sum(axis=0), fallback="error")
    with frit.debug_nans(), pytest.raises(FloatingPointError, match=r"at index \(1, 0\)"):
        f(np.array([[0j, 0], [1, 0]]))


def test_calls_that_numpy_runs_as_a_whole():
    """NumPy knows no graph: its floating-point errors name the line."""

    @frit.jit(fallback="quiet")
    def f(x):
        y = x - x
        return 1 / y + 1

    with frit.debug_nans(), pytest.raises(FloatingPointError, match="^divide by zero encountered in divide") as e:
        f(np.ones(3, "f2"))
    assert line_of(e) == "return 1 / y + 1"
    with frit.debug_nans():
        f(np.array([np.nan], "f2"))


def test_numpy_calls_between_compiled_parts():
    from frit.debug import through_numpy

    with frit.debug_nans(), pytest.raises(FloatingPointError, match="^overflow encountered in multiply"):
        through_numpy(lambda x: (x * np.float64(1e308) * 10) - np.inf, (np.ones(2),), {})
    with frit.debug_nans(), pytest.raises(FloatingPointError, match="^the result is not finite .*, in user"):
        through_numpy(lambda x: x + np.nan, (np.ones(2),), {}, (__file__, 1, "user"))


def test_lazy_arrays():
    a = frit.array(np.array([1.0, -1.0]))
    b = np.sqrt(a)
    with frit.debug_nans(), pytest.raises(FloatingPointError, match=r"sqrt made nan at index \(1,\)") as e:
        (b + 1).compute()
    assert line_of(e) == "b = np.sqrt(a)"


def test_replayed_paths_are_checked():
    @frit.jit(fallback="error")
    def f(x):
        if x.sum() > 0:
            x = x * 2
        y = np.sqrt(x)
        return y

    f(np.ones(3)), f(-np.ones(3)), f(np.ones(3))
    with frit.debug_nans(), pytest.raises(FloatingPointError, match=r"sqrt made nan at index \(0,\)") as e:
        f(-np.ones(3))
    assert line_of(e) == "y = np.sqrt(x)"
    agree(f(np.ones(3)), np.sqrt(np.ones(3) * 2))


def test_environment_variables():
    code = """
import numpy as np, frit
f = frit.jit(lambda x: print(type(x).__name__) or np.log(x))
f(np.ones(2)), f(np.ones(2))
"""

    def ran(**variables):
        done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, check=True)
        return done.stdout.split(), done.stderr

    assert len(ran()[0]) == 1 and not ran()[1]
    assert ran(FRIT_DISABLE_JIT="1")[0] == ["ndarray", "ndarray"]
    out, told = ran(FRIT_DUMP="graph,kernels")
    assert len(out) == 1 and "== graph of" in told and "== kernels of" in told and "log" in told
    code = code.replace("np.ones(2)", "np.zeros(2)")
    assert len(ran()[0]) == 1
    with pytest.raises(subprocess.CalledProcessError) as e:
        ran(FRIT_DEBUG_NANS="1")
    assert "FloatingPointError: log made inf" in e.value.stderr
