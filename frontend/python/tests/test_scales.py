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
