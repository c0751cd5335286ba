"""`frit.jit` against NumPy: results, and the caller's arrays afterwards."""

import warnings

import numpy as np
import pytest
from conftest import agree, program, values
from programs import BROKEN, COMPILED, DECIDED, RAISING

import frit

pytestmark = pytest.mark.usefixtures("unpatched")


def check(line, layout, **options):
    f, kinds = program(line)
    compiled = frit.jit(f, **options)

    def arguments():
        return [layout(values(k)) for k in kinds]

    for _ in range(3):
        want_args, got_args = arguments(), arguments()
        with np.errstate(all="ignore"):
            want = f(*want_args)
            got = compiled(*got_args)
        agree(got, want)
        agree(got_args, want_args, "the arguments")


def plain(a):
    return a


def fortran(a):
    return np.asfortranarray(a) if isinstance(a, np.ndarray) else a


def strided(a):
    if not isinstance(a, np.ndarray):
        return a
    b = np.zeros(tuple(2 * n for n in a.shape), a.dtype)[tuple(slice(None, None, 2) for _ in a.shape)]
    b[...] = a
    return b[::-1][::-1]


@pytest.mark.parametrize("line", COMPILED)
def test_compiled(line):
    check(line, plain, fallback="error")


@pytest.mark.parametrize("layout", [fortran, strided])
@pytest.mark.parametrize("line", COMPILED)
def test_other_layouts(line, layout):
    check(line, layout, fallback="quiet")


@pytest.mark.parametrize("layout", [plain, fortran, strided])
@pytest.mark.parametrize("line", DECIDED)
def test_decided(line, layout):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(line, layout, fallback="warn")
    check(line, layout, fallback="error")


@pytest.mark.parametrize("line", BROKEN)
def test_broken(line):
    f, kinds = program(line)
    compiled = frit.jit(f)
    with pytest.warns(frit.FallbackWarning) as told:
        compiled(*map(values, kinds))
    assert len(told) == 1 and told[0].filename == line and told[0].lineno == 2
    check(line, plain, fallback="quiet")
    args = [values(k) for k in kinds]
    with pytest.raises(frit.FallbackError):
        frit.jit(f, fallback="error")(*args)
    agree(args, [values(k) for k in kinds], "arguments after an error")


@pytest.mark.parametrize("fallback", ["warn", "error"])
@pytest.mark.parametrize("line", RAISING)
def test_raising(line, fallback):
    f, kinds = program(line)
    try:
        f(*map(values, kinds))
    except Exception as e:
        want = e
    else:
        pytest.fail("NumPy does not raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(type(want)) as got:
            frit.jit(f, fallback=fallback)(*map(values, kinds))
    assert str(got.value) == str(want)
    # The user's line is in the traceback.
    assert any(str(entry.path) == line for entry in got.traceback)
