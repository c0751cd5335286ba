"""Ufuncs of `scipy.special` in compiled functions, against SciPy."""

import numpy as np
import pytest

import frit

special = pytest.importorskip("scipy.special")

ONE = "erf erfc gamma gammaln expit entr ndtr expm1 log1p exp2 cbrt".split()
ENDS = [0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, 1.0, 2.0, 1e-300, 0.5, 700.0, -700.0]


@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "i4", "?"])
@pytest.mark.parametrize("name", [*ONE, "xlogy", "xlog1py"])
def test_special(name, dtype):
    f = getattr(special, name)
    x = np.concatenate([np.linspace(-9, 9, 301), ENDS])
    args = np.meshgrid(x[::10], ENDS) if name.startswith("xl") else [x]
    if dtype[0] != "f":
        args = [np.clip(np.nan_to_num(a), -100, 100) for a in args]
    args = [a.astype(dtype) for a in args]
    with np.errstate(all="ignore"):
        want = f(*args)
        got = frit.jit(lambda *args: f(*args), fallback="error")(*args)
    assert got.dtype == want.dtype
    eps = np.finfo(want.dtype).eps
    np.testing.assert_allclose(got, want, rtol=(400 if name == "gammaln" else 32) * eps, atol=np.finfo(want.dtype).tiny)


def test_scalars_and_other_types():
    x = np.array([0.3])
    got = frit.jit(lambda x: special.expit(x.sum()), fallback="error")(x)
    assert type(got) is np.float64 and abs(got - special.expit(0.3)) < 1e-15
    z = np.array([0.3 + 1j])
    np.testing.assert_array_equal(frit.jit(lambda z: special.erf(z), fallback="quiet")(z), special.erf(z))
    with pytest.raises(frit.FallbackError, match="j0"):
        frit.jit(lambda x: special.j0(x), fallback="error")(x)
