"""Exceptions: NumPy's own types and texts, at the user's line, without frames of frit."""

import os
import subprocess
import sys
import traceback
import warnings

import numpy as np
import pytest

import frit

_FRIT = os.path.dirname(frit.__file__)
_NUMPY = os.path.dirname(np.__file__)


def helper(x, n):
    y = np.sqrt(np.abs(x))
    return y.reshape(n, -1)


class Model:
    scale = np.ones(3)

    def apply(self, x):
        y = x * 2
        return y + self.scale


#: Name, argument kinds, and a function with several lines; NumPy raises at one of them.
PROGRAMS = {}


def program(*arguments):
    def add(f):
        PROGRAMS[f.__name__] = f, arguments
        return f

    return add


def vector():
    return np.arange(8.0)


def matrix():
    return np.arange(24.0).reshape(4, 6)


def ints():
    return np.arange(8)


def flags():
    return np.arange(8) % 2 == 0


def read_only():
    a = np.arange(8.0)
    a.flags.writeable = False
    return a


@program(vector, matrix)
def shapes_that_do_not_broadcast(x, m):
    y = x + 1
    return y * m


@program(matrix)
def axis_out_of_range(m):
    y = m * 2
    z = y.sum(axis=0)
    return z.max(axis=1)


@program(matrix)
def axis_of_a_function(m):
    return np.cumsum(m, axis=5) + np.concatenate([m, m], axis=0)


@program(ints)
def cast_into_out(i):
    y = i * 1.5
    np.add(y, 1, out=i)
    return i


@program(ints)
def augmented_cast(i):
    j = i + 1
    j /= 2
    return j


@program(read_only)
def read_only_argument(x):
    y = x + 1
    x[0] = y[1]
    return x


@program(read_only)
def read_only_augmented(x):
    x += 1


@program(vector)
def read_only_broadcast(x):
    y = np.broadcast_to(x, (2, 8))
    y[0, 0] = 1
    return y


@program(vector)
def read_only_diagonal(x):
    m = np.outer(x, x)
    m.diagonal()[0] = 1
    return m


@program(vector)
def constant_index(x):
    y = x * 2
    return y[8]


@program(matrix)
def constant_index_of_an_axis(m):
    y = m.T
    return y[0, 4] + y[5, 3]


@program(vector, ints)
def computed_index(x, i):
    j = i * 2
    return x[j].sum()


@program(vector, ints)
def computed_index_on_the_left(x, i):
    j = i - 9
    x[j] = 0
    return x


@program(vector, ints)
def computed_take(x, i):
    return np.take(x, i + 5)


@program(vector)
def list_index(x):
    y = x[[0, 1, 2]]
    return y[[1, 3]]


@program(vector)
def too_many_indices(x):
    y = x[None]
    return y[0, 1, 2]


@program(vector)
def float_index(x):
    n = x.shape[0] / 2
    return x[n]


@program(vector, flags)
def mask_of_another_size(x, q):
    return x[q[:-1]]


@program(vector, flags)
def values_for_a_mask(x, q):
    x[q] = [1.0, 2.0]
    return x


@program(vector)
def slice_assignment(x):
    x[0] = 5
    x[2:5] = [1, 2]


@program(matrix)
def assignment_of_a_larger_array(m):
    row = m[0]
    row[:] = m


@program(matrix)
def singular_matrix(m):
    a = m[:, :4] * 0
    return np.linalg.inv(a)


@program(matrix)
def singular_system(m):
    a = m[:, :4]
    return np.linalg.solve(a - a, m[:, 0])


@program(matrix)
def not_square(m):
    return np.linalg.det(m)


@program(matrix)
def not_positive_definite(m):
    a = -np.eye(4) * m[1, 0]
    return np.linalg.cholesky(a)


@program(ints)
def negative_integer_power(i):
    j = i - 4
    return 2**j


@program(ints)
def negative_constant_power(i):
    return i**-1


@program(vector)
def reshape_of_another_size(x):
    return x.reshape(3, 3)


@program(vector)
def reshape_in_a_helper(x):
    return helper(x, 3)


@program(vector)
def method_of_a_model(x):
    return Model().apply(x)


@program(matrix)
def product_of_shapes(m):
    t = m.T
    return t @ t


@program(matrix)
def dot_of_shapes(m):
    return np.dot(m, m)


@program(vector, matrix)
def concatenation(x, m):
    return np.concatenate([x, m])


@program(vector)
def stack_of_shapes(x):
    return np.stack([x, x[1:]])


@program(vector)
def boolean_operator(x):
    return ~x


@program(flags)
def boolean_subtraction(q):
    return q - q


@program(vector)
def truth_of_an_array(x):
    y = x + 1
    if y > 2:
        return y
    return x


@program(vector)
def float_of_an_array(x):
    y = x[:2]
    return float(y)


@program(vector)
def unknown_attribute(x):
    return x.nothing + 1


@program(vector)
def unknown_function(x):
    return np.nothing(x)


@program(vector)
def wrong_keyword(x):
    return np.sum(x, axes=0)


@program(vector)
def empty_reduction(x):
    y = x[:0]
    return y.max()


@program(vector)
def axes_of_a_transpose(x):
    return x.transpose(1, 0)


@program(matrix)
def squeeze_of_an_axis(m):
    return np.squeeze(m, axis=0)


@program(vector)
def unpacking(x):
    a, b = x[:3] * 2
    return a + b


@program(vector)
def einsum_subscripts(x):
    return np.einsum("ij,j->i", x, x)


@program(vector)
def an_error_of_the_users(x):
    y = x + 1
    if y.shape[0] == 8:
        raise RuntimeError(f"eight elements of {y.dtype}")


@program(vector)
def an_error_while_handling(x):
    try:
        return x.reshape(3, 3)
    except ValueError as e:
        raise LookupError("no such shape") from e


@program(vector)
def division_by_a_python_zero(x):
    n = len(x) - 8
    return x + 1 // n


def lines(e):
    """The frames of an exception below the caller: file, line, function."""
    frames = [(f.filename, f.lineno, f.name) for f in traceback.extract_tb(e.__traceback__)]
    return [f for f in frames if f[2] != "raised"]


def raised(f, arguments):
    try:
        with np.errstate(all="ignore"):
            f(*[a() for a in arguments])
    except Exception as e:
        return e
    return None


def users(frames):
    return [f for f in frames if not f[0].startswith((_FRIT, _NUMPY, "<__array_function__"))]


@pytest.mark.parametrize("fallback", ["warn", "error"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_numpys_exception_at_the_users_line(name, fallback):
    f, arguments = PROGRAMS[name]
    want = raised(f, arguments)
    assert want is not None
    compiled = frit.jit(f, fallback=fallback)
    with warnings.catch_warnings():
        warnings.simplefilter("error", frit.FallbackWarning)
        # The second call finds the signature known.
        for _ in range(2):
            got = raised(compiled, arguments)
            if isinstance(got, (frit.FallbackError, frit.FallbackWarning)):
                warnings.simplefilter("ignore", frit.FallbackWarning)
                got = raised(frit.jit(f), arguments)
            assert (type(got), str(got)) == (type(want), str(want))
            assert users(lines(got)) == users(lines(want))
            assert not any(file.startswith(_FRIT) for file, _, _ in lines(got))
            text = "".join(traceback.format_exception(got))
            assert _FRIT not in text and text.count("During handling") == "".join(traceback.format_exception(want)).count("During handling")


def test_fallback_errors_show_the_line():
    @frit.jit(fallback="error")
    def f(x):
        y = x + 1
        return np.packbits(y > 0)

    with pytest.raises(frit.FallbackError) as e:
        f(np.eye(3))
    assert not any(file.startswith(_FRIT) for file, _, _ in lines(e.value))
    assert f"{__file__}:{f.__wrapped__.__code__.co_firstlineno + 3}, in f)\n    return np.packbits(y > 0)" in str(e.value)


def test_full_tracebacks_on_request():
    code = """
import frit, numpy as np, traceback
f = frit.jit(lambda x: x.reshape(3, 3))
try:
    f(np.ones(4))
except ValueError as e:
    print(any("jit.py" in t.filename for t in traceback.extract_tb(e.__traceback__)))
"""
    shown = [
        subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "FRIT_FULL_TRACEBACK": on}, text=True)
        for on in ("0", "1")
    ]
    assert [s.strip() for s in shown] == ["False", "True"]
