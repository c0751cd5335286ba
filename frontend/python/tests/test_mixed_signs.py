"""Comparisons of uint64 with signed integers are exact, as NumPy's are."""

import numpy as np
import pytest

import frit

U = np.array([2**63, 5, 2**64 - 1, 0, 2**63 - 1], np.uint64)
S = np.array([2**63 - 1, -1, -1, -(2**63), 2**63 - 1], np.int64)


@pytest.mark.parametrize("op", [np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal])
def test_comparisons(op):
    for a, b in [(U, S), (S, U), (U[:, None], S), (U[0], S), (S[0], U[0]), (U, S.astype(np.int8)), (U[::2], S[::-2])]:
        want = op(a, b)
        for got in (frit.jit(lambda x, y: op(x, y), fallback="error")(a, b), np.asarray(op(frit.array(a), frit.array(b)))):
            np.testing.assert_array_equal(got, want)
        assert type(frit.jit(lambda x, y: op(x, y))(a, b)) is type(want)
