"""Cheaper forms of matrix products, linear algebra, sorting and selection: which operations are left of plain NumPy code.

Each line of a table is `arguments: code | operations`: those named must be in the rewritten program, those with a minus must not, and
`a*3` stands for exactly three. Values are NumPy's.
"""

import re

import numpy as np
import pytest

import frit

pytestmark = [pytest.mark.usefixtures("unpatched"), pytest.mark.filterwarnings("ignore")]

N = 120


def arguments():
    rng = np.random.default_rng(8)
    strong = [rng.normal(size=(N, N)) + N * np.eye(N) for _ in range(3)]
    return {
        "S": strong[0], "T": strong[1], "U": strong[2], "X": rng.normal(size=(400, N)), "Y": rng.normal(size=(N, 400)), "b": rng.normal(size=N),
        "c": rng.normal(size=N), "B": rng.normal(size=(N, 7)), "d": rng.uniform(1, 2, N), "i": rng.integers(0, N, 50), "Z": rng.normal(size=(N, 400)),
        "v": rng.normal(size=5000), "w": np.where(rng.random(5000) < 0.01, np.nan, rng.normal(size=5000)), "M": rng.normal(size=(300, 200)),
        "k": rng.integers(-1000, 1000, 5000), "z": rng.choice([0.0, -0.0, 1.0, -1.0], 5000),
    }  # fmt: skip


PRODUCTS = """
S T b: (S @ T) @ b | matmul*2 -squeeze*9
S T U b: S @ T @ U @ S @ T @ b | matmul*5
X Y Z: X @ (Y @ X) @ Z | matmul*3
S T U: S @ T + S @ U | matmul*1 add
S T U: T @ S - U @ S | matmul*1
S T U: 2.0 * (S @ T) + 3.0 * U | gemm -matmul -add
S T b: S @ T + b | gemm -add
S T: np.trace(S @ T) | -matmul sum
S T: np.diag(S @ T) | -matmul sum
S T: (S @ T).sum(0) | matmul*1 sum
X b: (X @ np.outer(b, b)).sum(1) | -gemm
b c S: np.outer(b, c) @ S | matmul*1 multiply
X: X.T @ X | matmul*1
"""

LINALG = """
S b: np.linalg.inv(S) @ b | solve -inv
S b: b @ np.linalg.inv(S) | solve -inv
S b: np.linalg.inv(S).T @ b | solve -inv
S T b: np.linalg.inv(S @ T) @ b | solve*2 -inv -matmul
S T b: np.linalg.solve(S @ T, b) | solve*2 -matmul
S b: np.linalg.solve(np.tril(S), b) | solve_triangular -solve
S b: np.linalg.solve(np.triu(S), b) | solve_triangular -solve
S b: np.linalg.solve(np.tril(S).T, b) | solve_triangular -solve
X b: np.linalg.solve(X.T @ X, b) | solve_posdef -solve
X b: np.linalg.inv(X.T @ X) @ b | solve_posdef -solve -inv
X b: np.linalg.solve(np.linalg.cholesky(X.T @ X), b) | cholesky solve_triangular -solve
S: np.linalg.inv(np.tril(S)) | solve_triangular -inv
S T: np.linalg.det(S @ T / 120) | -matmul*9
S: np.linalg.det(S.T) | det -transpose
S: np.linalg.det(np.tril(S) / 120) | -det prod
S T: np.linalg.slogdet(S @ T)[1] | slogdet*2 -matmul
S: np.linalg.slogdet(np.tril(S))[1] | -slogdet
"""

ORDER = """
v: np.sort(v)[0] | -sort
w: np.sort(w)[0] | -sort
v: np.sort(v)[-1] | -sort max
v: np.sort(v)[17] | order_statistics -sort
w: np.sort(w)[-20:] | order_statistics -sort
v: np.sort(v)[:20] | order_statistics -sort
z: np.sort(z)[1000:1010] | order_statistics -sort
k: np.sort(k)[0] | min -sort
M: np.sort(M, axis=0)[5] | order_statistics -sort
M: np.sort(M)[:, 3:6] | order_statistics -sort
w: np.argsort(w, kind='stable')[0] | -argsort
v: np.argsort(v, kind='stable')[-1] | -argsort
w: np.argsort(w, kind='stable')[:9] | arg_order_statistics -argsort
v: v[np.argsort(v, kind='stable')] | sort -argsort -gather
M: np.take_along_axis(M, np.argsort(M, axis=0, kind='stable'), axis=0) | sort -argsort -gather
v: np.sort(np.sort(v)) | sort*1
M: np.sort(np.sort(M, axis=1), axis=1) | sort*1
v: np.sort(v).sum() | sum -sort
w: np.sort(w).max() | max -sort
k: np.sort(np.arange(5000) + 3.0) + k | -sort
v: np.median(v) | order_statistics -sort
w: np.median(w) | order_statistics -sort
w: np.nanmedian(w) | order_statistics -sort
M: np.median(M, axis=0) | order_statistics -sort
M: np.percentile(M, 30, axis=1) | order_statistics -sort
M: np.percentile(M, [10, 50, 90], axis=0) | order_statistics*1 -sort
v: np.quantile(v, 0.3) | order_statistics -sort
w: np.nanquantile(w, 0.3) | order_statistics -sort
"""


def lines():
    for name, table in globals().copy().items():
        if name.isupper() and type(table) is str:
            for line in table.strip().splitlines():
                yield pytest.param(line, id=f"{name.lower()}: {line}")


@pytest.mark.parametrize("line", list(lines()))
def test_form(line):
    head, code = line.split(": ", 1)
    code, wanted = code.rsplit(" | ", 1)
    given = arguments()
    args = [given[name] for name in head.split()]
    f = eval(f"lambda {', '.join(head.split())}: {code}", {"np": np})
    jit = frit.jit(f, fallback="error")
    got, want = jit(*args), f(*args)
    assert np.asarray(got).dtype == np.asarray(want).dtype
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * max(1, np.nanmax(np.abs(want))))
    text = jit.dump(*args, stage="rewritten")
    ops = re.findall(r"^\s*%[\w, %]+ = (\w+)", text, re.MULTILINE)
    for op in wanted.split():
        name, _, count = op.lstrip("-").partition("*")
        found = ops.count(name)
        fine = found < int(count or 1) if op[0] == "-" else found == int(count) if count else found > 0
        assert fine, f"{op}: {found} in\n{text}"


def test_exact_keeps_products():
    given = arguments()
    for code in ("(S @ T) @ b", "S @ T + S @ T.T", "np.linalg.inv(S) @ b"):
        f = eval(f"lambda S, T, b: {code}", {"np": np})
        args = [given[k] for k in "STb"]
        ops = frit.jit(f, math="exact").dump(*args, stage="rewritten")
        assert ops.count("matmul") + ops.count("gemm") == code.count("@"), ops


def test_structure_must_be_certain():
    """What may be infinite is not multiplied by structural zeros."""
    S = arguments()["S"].copy()
    S[3, 4] = np.inf
    with np.errstate(all="ignore"):
        for f in (lambda S: np.eye(120) @ S, lambda S: np.diag(S[3]) @ S):
            np.testing.assert_array_equal(np.isnan(frit.jit(f)(S)), np.isnan(f(S)))


def test_systems_that_are_not_definite_are_solved():
    rng = np.random.default_rng(1)
    X, b = rng.normal(size=(30, 20)), rng.normal(size=20)
    f = lambda X, b: np.linalg.solve(X.T @ X - 40.0 * np.eye(20), b)
    g = lambda X, b: np.linalg.solve(X.T @ X + X[0, 0] * np.eye(20), b)
    for h in (f, g):
        for x in (X, -10 * X):
            np.testing.assert_allclose(frit.jit(h)(x, b), h(x, b), rtol=1e-8)
    with pytest.raises(np.linalg.LinAlgError):
        frit.jit(lambda X: np.linalg.solve(X.T @ X, X[0]))(np.zeros((3, 3)))


def test_symmetric_products_are_symmetric():
    x = np.random.default_rng(2).normal(size=(300, 200))
    for f in (lambda x: x.T @ x, lambda x: x @ x.T):
        r = frit.jit(f)(x)
        np.testing.assert_array_equal(r, r.T)
        np.testing.assert_allclose(r, f(x), rtol=1e-10, atol=1e-10)
