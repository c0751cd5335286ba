"""Decompositions of very large and very small matrices, whose squares overflow or vanish."""

import numpy as np
import pytest

import frit

SCALES = {np.float64: (1e-300, 1e-160, 1.0, 1e154, 1e300), np.float32: (1e-37, 1e-20, 1.0, 1e20, 1e37)}
FUNCTIONS = {
    "svdvals": lambda x: frit.numpy.linalg.svdvals(x),
    "eigvalsh": lambda x: frit.numpy.linalg.eigvalsh(x + x.T.conj()),
    "eigvals": lambda x: frit.numpy.linalg.eigvals(x + x.T.conj()).real,
}


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", SCALES)
def test_values_scale_with_the_matrix(name, dtype, complex_):
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(5, 5)) + (1j * rng.normal(size=(5, 5)) if complex_ else 0)
    f = FUNCTIONS[name]
    want = np.sort(np.array(f(frit.array(whole))))
    for scale in SCALES[dtype]:
        x = (whole * 2.0 ** np.round(np.log2(scale))).astype(np.result_type(whole.dtype, dtype) if dtype is np.float64 else np.complex64 if complex_ else dtype)
        got = np.sort(np.array(f(frit.array(x)), dtype=float)) / 2.0 ** np.round(np.log2(scale))
        np.testing.assert_allclose(got, want, rtol=1e-12 if dtype is np.float64 else 3e-5, atol=1e-12 if dtype is np.float64 else 3e-6)


@pytest.mark.parametrize("diagonal", [
    [1e200, 1e200, 1], [1e200, 1e200, 1e-300], [1e-200, 1e-200, 1e300], [-1e200, 1e200, 1], [np.inf, 0, 1], [np.inf, -2, 1], [np.nan, 1, 1], [0, 5, 1],
    [1e200 + 0j, 1e200, 1e-300], [1j, 1e-200, 1e200],
])  # fmt: skip
def test_determinants_beyond_the_range_of_products(diagonal):
    """What a product of pivots overflows on the way to."""
    a = np.diag(diagonal)
    with np.errstate(all="ignore"):
        for f in (np.linalg.det, lambda a: np.linalg.slogdet(a)[0], lambda a: np.linalg.slogdet(a)[1]):
            np.testing.assert_allclose(frit.jit(f)(a), f(a), rtol=1e-12)


@pytest.mark.parametrize("f", [
    lambda a: (a + 6755399441055744.0) - 6755399441055744.0,
    lambda a: (a + 1e16) - 1e16,
    lambda a: (a - 1.0) + 1.0 == a,
    lambda a: np.diff(np.cumsum(a)),
    lambda a: (a[:, None] * np.inf).sum(0),
])  # fmt: skip
def test_what_rounding_takes_does_not_come_back(f):
    a = np.array([1e16, 1.0, 0.3, 1e-17, 0.0, -2.5, 3.5])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(frit.jit(f)(a), f(a))


def test_quotients_of_quotients_do_not_overflow():
    """The product of the divisors would."""
    a, b = np.array([1e308, 1e-150, 3.0]), np.array([1e200, 1e-200, 1e200])
    got = frit.jit(lambda a, b, c: a / b / c)(a, b, b)
    np.testing.assert_allclose(got, a / b / b, rtol=1e-15)
