"""Complex functions of zeros, infinities and NaN, of either sign: NumPy's answers, part by part."""

import numpy as np
import pytest

import frit

VALUES = [0.0, -0.0, 1.0, -1.0, 0.5, -3.0, 25.0, -25.0, 1000.0, np.inf, -np.inf, np.nan]
Z = np.array([complex(x, y) for x in VALUES for y in VALUES])
NAMES = """exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan sinh cosh tanh arcsin arccos arctan arcsinh arccosh arctanh
square reciprocal sign""".split()

HYPERBOLIC, CIRCULAR = ("exp", "exp2", "expm1", "sinh", "cosh", "tanh"), ("sin", "cos", "tan")


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("name", NAMES)
def test_special_values(name, dtype):
    f, z = getattr(np, name), Z.astype(dtype)
    with np.errstate(all="ignore"):
        want, got = f(z), frit.jit(f, fallback="error")(z)
    eps = np.finfo(dtype).eps
    for part in ("real", "imag"):
        w, g = getattr(want, part), getattr(got, part)
        np.testing.assert_array_equal(np.isnan(g), np.isnan(w), err_msg=part)
        np.testing.assert_array_equal(np.isinf(g), np.isinf(w), err_msg=part)
        # What C leaves open: signs beside NaN, and of infinite angles.
        angle = z.imag if name in HYPERBOLIC else z.real if name in CIRCULAR else np.zeros(z.shape)
        sure = ~np.isnan(want) & ~np.isnan(z) & np.isfinite(angle)
        np.testing.assert_array_equal(np.signbit(g)[sure], np.signbit(w)[sure], err_msg=part)
        finite = np.isfinite(w)
        size = np.where(np.isfinite(want), abs(want), 1)[finite]
        assert (abs(g[finite] - w[finite]) <= 16 * eps * np.maximum(size, np.finfo(dtype).tiny)).all(), part
