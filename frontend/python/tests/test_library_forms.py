"""Cheaper forms of matrix products, linear algebra, sorting and selection: which operations are left of plain NumPy code.

Each line of a table is `arguments: code | operations`: those named must be in the rewritten program, those with a minus must not, and
`a*3` stands for exactly three. Values are NumPy's. In the tables of `RULES`, what stands behind the code are rules that the report
must name, `class` in front where it is not `reassociate`, for a program that costs less; without any, nothing may change.
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
        # Integers, other types, stacks.
        "K": rng.integers(-9, 9, (N, N)), "F": (strong[0] / N).astype("f4"), "G": (strong[1] / N).astype("f4"), "f": rng.normal(size=N).astype("f4"),
        "C": strong[0] + 1j * strong[1].T, "D": strong[1] - 1j * strong[2], "h": rng.normal(size=N) + 1j * rng.normal(size=N),
        "P": rng.normal(size=(6, 40, 40)) + 40 * np.eye(40), "Q": rng.normal(size=(6, 40, 40)) + 40 * np.eye(40), "R": rng.normal(size=(6, 40, 3)),
        "W": rng.normal(size=(6, 200, 40)),
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
X S: np.einsum('ij,jk,kl,l->i', X, S, S, S[0]) | matmul*3
S T: np.linalg.det((S / 120) @ (T / 120)) | slogdet*2 -matmul -det
S T U: U - S @ T | gemm -matmul -subtract
S: np.linalg.solve(S, np.eye(120)) | inv -solve
S b c: (np.linalg.solve(S, b), np.linalg.solve(S, c)) | lu_factor*1 lu_solve*2 -solve
S b: (np.linalg.inv(S) @ b, np.linalg.det(S)) | lu_factor*1 lu_solve*1 -solve -inv -det
X: np.linalg.inv(X.T @ X) | inv_posdef -inv
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


CHAINS = """
S T b: (S @ T) @ b | matmul-chain
b S T U: b @ (S @ (T @ U)) | matmul-chain
S T U b: S @ T @ U @ S @ T @ b | matmul-chain
Y X b: (Y @ X) @ (X.T @ (X @ b)) | matmul-chain
S T U b: S @ (T @ U) @ np.outer(b, b) | matmul-scaled-columns
S T U b: np.einsum('ij,jk,kl,l->i', S, T, U, b) |
S b c: np.einsum('i,ij,j->', b, S, c) |
F G f: (F @ G) @ f | matmul-chain
C D h: (C @ D) @ h | matmul-chain
K b: (K @ K) @ (b > 0) | exact matmul-chain
P Q R: (P @ Q) @ R | matmul-chain
S T: S @ T |
"""

PARTS = """
S T: (S @ T)[3] | slice-matmul
S T: (S @ T)[:, 3] | slice-matmul
S T: (S @ T)[3, 4] | slice-matmul
S T: (S @ T)[2:5, 1:9:2] | slice-matmul
S T i: (S @ T)[i] | gather-matmul
S T: np.trace(S @ T) | diagonal-matmul
S T: np.diag(S @ T) | diagonal-matmul
S T: (S @ T).sum(0) | sum-matmul-rows
S T: (S @ T).sum(1) | sum-matmul-columns
S T: (S @ T).sum() | sum-matmul-columns sum-matmul-rows
S T: (S @ T).mean(0) | sum-matmul-rows
S T: np.einsum('ij,jk->', S, T) |
F G: (F @ G)[3] | slice-matmul
F G: np.trace(F @ G) | diagonal-matmul
C D: (C @ D)[3] | slice-matmul
C D: np.trace(C @ D) | diagonal-matmul
P Q: (P @ Q)[2] | slice-matmul
P Q: (P @ Q)[:, 3] | slice-matmul
P Q: (P @ Q)[:, :, 3] | slice-matmul
P Q: np.trace(P @ Q, axis1=1, axis2=2) | diagonal-matmul
P Q: np.diagonal(P @ Q, axis1=1, axis2=2) | diagonal-matmul
P Q: (P @ Q).sum(1) | sum-matmul-rows
P Q: (P @ Q).sum(2) | sum-matmul-columns
P Q: np.einsum('bij,bjk->bik', P, Q)[0] | slice-matmul
"""

SUMS = """
S T U: S @ T + S @ U | matmul-add-left
S T U: S @ U + T @ U | matmul-add-right
S T U: S @ T - S @ U | matmul-subtract-left
S T U: S @ U - T @ U | matmul-subtract-right
S b c: S @ b + S @ c | matmul-add-left sum-of-squeezes
F G: F @ G + F @ G.T | matmul-add-left
C D: C @ D + C @ D.T | matmul-add-left
P Q: P @ Q + P @ P | matmul-add-left
S T U: exact: S @ T - U | gemm
S T U: exact: U - S @ T | gemm
S T U: exact: 2.0 * (S @ T) + 3.0 * U | gemm
S T U: exact: 2.0 * (S @ T) - np.tanh(U) | gemm
S T b: exact: S @ T + b | gemm
F G: exact: F @ G - F | gemm
P Q: exact: 2.0 * (P @ Q) + 3.0 * Q | gemm
S T b: S @ b + T @ b |
S T U: exact: S @ T + S @ U | gemm
C D: exact: C @ D - C |
"""

OUTER = """
b c d: np.outer(b, c) @ d | matmul-scaled-rows
b c S: S @ np.outer(b, c) | matmul-scaled-columns
b c S: np.outer(b, c) @ S | matmul-scaled-rows
b c: np.outer(b, c).sum(0) | sum-scaled
b c: np.outer(b, c).sum(1) | sum-scaled
b c: np.outer(b, c).sum() | sum-scaled
b c d: exact: np.outer(b, c) @ d |
"""

STRUCTURE = """
K: exact: np.eye(120, dtype=int) @ K | exact matmul-identity-known
K: exact: K @ np.eye(120, dtype=int) | exact matmul-identity-known
K: exact: np.eye(120) @ K | exact matmul-identity-known
S: exact: np.eye(120) @ np.isnan(S) | exact matmul-identity-known
i K: np.eye(120)[i] @ K | matmul-one-hot-known
K i: K @ np.eye(120)[i].T | matmul-one-hot-known
K: np.eye(120)[::-1] @ K | matmul-one-hot-known
K: np.eye(120)[3] @ K | matmul-one-hot-known
K: np.diag(np.arange(1.0, 121)) @ K | matmul-diagonal-known
K: K @ np.diag(np.arange(1.0, 121)) | matmul-diagonal-known
K: K @ (2.0 * np.eye(120)) | matmul-diagonal-known
K: exact: np.diag(K[0]) @ K | exact matmul-diagonal-known
S: fast: np.eye(120) @ S | fast matmul-diagonal
S: fast: S @ np.eye(120) | fast matmul-diagonal
F: fast: np.eye(120, dtype='f4') @ F | fast matmul-diagonal
d S: fast: np.diag(d) @ S | fast matmul-diagonal
d S: fast: S @ np.diag(d) | fast matmul-diagonal
i S: fast: np.eye(120)[i] @ S | fast matmul-one-hot
S: fast: np.eye(120)[3] @ S | fast matmul-one-hot
S: fast: S @ np.eye(120)[:, 3] | fast matmul-one-hot
S: np.eye(120) @ S |
S: np.eye(120)[3] @ S |
K: exact: np.eye(120)[::-1] @ (K * 1.5) |
"""

SYSTEMS = """
S b: np.linalg.inv(S) @ b | inverse-left
S B: np.linalg.inv(S) @ B | inverse-left
S b: b @ np.linalg.inv(S) | inverse-right
S T b: np.linalg.inv(S @ T) @ b | inverse-left solve-product
S T b: np.linalg.solve(S @ T, b) | solve-product
S: np.linalg.solve(S, np.eye(120)) | solve-identity
F f: np.linalg.inv(F) @ f | inverse-cast inverse-left
C h: np.linalg.inv(C) @ h | inverse-left
P R: np.linalg.inv(P) @ R | inverse-left
S b: np.linalg.solve(np.triu(S), b) | solve-triangular
S b: np.linalg.solve(np.triu(S, 1) + 4 * np.eye(120), b) | solve-triangular
b: np.linalg.solve(np.tri(120), b) | solve-triangular
S b: np.linalg.solve(np.diag(np.diag(S)), b) | solve-triangular
P R: np.linalg.solve(np.tril(P), R) | solve-triangular
P: np.linalg.inv(np.tril(P)) | inverse-triangular
X b: np.linalg.solve(X.T @ X + np.eye(120), b) | solve-positive-definite
X b: np.linalg.solve(X.T @ X + 0.5 * np.eye(120), b) | solve-positive-definite
X b: np.linalg.inv(X.T @ X + 0.5 * np.eye(120)) @ b | inverse-left solve-positive-definite
X: np.linalg.inv(X.T @ X + 0.5 * np.eye(120)) | inverse-positive-definite
C h: np.linalg.solve(C.conj().T @ C + np.eye(120), h) | solve-positive-definite
W R: np.linalg.solve(np.swapaxes(W, 1, 2) @ W + np.eye(40), R) | solve-positive-definite
S b: exact: np.linalg.inv(S) @ b |
S T: np.linalg.inv(S @ T) |
X b: np.linalg.solve(X.T @ X - 1e5 * np.eye(120), b) | exact gemm
"""

DETERMINANTS = """
S T: np.linalg.det((S / 120) @ (T / 120)) | determinant-product
S T: np.linalg.slogdet(S @ T) | determinant-log-product determinant-sign-product
C D: np.linalg.slogdet(C @ D) | determinant-log-product determinant-sign-product
P Q: np.linalg.slogdet(P @ Q)[1] | determinant-log-product
P Q: np.linalg.det((P / 40) @ (Q / 40)) | determinant-product
S: np.linalg.det(np.triu(S) / 120) | determinant-triangular
X: np.linalg.det(X.T @ X / 400 + 0.5 * np.eye(120)) | determinant-factored
X: np.linalg.slogdet(X.T @ X + np.diag(np.arange(1.0, 121)))[1] | determinant-log-factored
S T: exact: np.linalg.det((S / 120) @ (T / 120)) |
"""

#: One factorization for all that is asked of a matrix.
FACTORED = """
S b c: (np.linalg.solve(S, b), np.linalg.solve(S, c)) | solve-factored
S b c: np.linalg.solve(S, b) + np.linalg.solve(S, c) | solve-add
S b c: np.linalg.solve(S, b) - np.linalg.inv(S) @ c | solve-subtract
S b: (np.linalg.inv(S / 120) @ b, np.linalg.det(S / 120)) | determinant-factored inverse-left solve-factored
S b: np.linalg.solve(S, b) / np.linalg.slogdet(S)[1] | determinant-log-factored solve-factored
X b: (np.linalg.solve(X.T @ X, b), np.linalg.slogdet(X.T @ X)[1]) | determinant-log-factored solve-factored
F f: (np.linalg.solve(F, f), np.linalg.det(F)) | determinant-factored solve-factored
C h: (np.linalg.solve(C, h), np.linalg.slogdet(C)[1]) | determinant-log-factored solve-factored
P R: (np.linalg.solve(P, R), np.linalg.solve(P, 2.0 * R + 1.0)) | solve-factored
P R: (np.linalg.solve(P, R), np.linalg.slogdet(P)[1]) | determinant-log-factored solve-factored
S T b c: (np.linalg.solve(S, b), np.linalg.solve(T, c)) |
S b c: exact: (np.linalg.solve(S, b), np.linalg.solve(S, c)) |
S b: np.linalg.det(S / 120) * b |
"""

CHOSEN = """
M i: (lambda e: e / e.sum(1, keepdims=True))(np.exp(M[:50]))[np.arange(50), i] | exact gather-elementwise gather-in-order
M i: np.log((M[:50] * M[:50, :1])[np.arange(50), i] ** 2) | exact gather-elementwise gather-in-order
M i: np.exp(M + M[0])[i[:40, None], np.arange(0, 200, 2)] | exact gather-elementwise
M: np.exp(M)[np.arange(20, 40)] | exact gather-elementwise
"""

RULES = [CHAINS, PARTS, SUMS, OUTER, STRUCTURE, SYSTEMS, DETERMINANTS, FACTORED, CHOSEN]


def lines(tables):
    for table in tables:
        for line in table.strip().splitlines():
            yield pytest.param(line, id=line)


def results(x):
    return [np.asarray(r) for r in (x if type(x) is tuple else [x])]


def agree(got, want):
    """Values, types, and how exactly: of the sum of so many products, in this type."""
    for g, w in zip(results(got), results(want), strict=True):
        assert g.dtype == w.dtype
        eps = 2e-4 if w.dtype in ("f4", "c8") else 1e-9
        np.testing.assert_allclose(g, w, rtol=eps, atol=eps * max(1, np.nanmax(np.abs(w))))


@pytest.mark.parametrize("line", list(lines(RULES)))
def test_rules(line):
    head, code = line.split(": ", 1)
    code, wanted = code.rsplit("|", 1)
    math = next((m for m in ("exact", "fast") if code.startswith(m + ": ")), "reassociate")
    code, wanted = code.removeprefix(math + ": "), wanted.split()
    level = wanted.pop(0) if wanted and wanted[0] in ("exact", "fast") else None
    given = arguments()
    args = [given[name] for name in head.split()]
    f = eval(f"lambda {', '.join(head.split())}: {code}", {"np": np})
    jit = frit.jit(f, math=math, fallback="error")
    report = jit.explain(*args)
    agree(jit(*args), f(*args))
    fired = {r.name: r.math for r in report.rewrites}
    text = jit.dump(*args, stage="rewritten")
    if not wanted:
        # The operations that were traced, whatever views are between them.
        left, traced = (sorted(re.findall(r"= (matmul|gemm|solve\w*|inv\w*|det|slogdet|lu\w*|gather) ", t)) for t in (text, jit.dump(*args, stage="graph")))
        assert left == traced, f"{fired}\n{text}"
        return
    missing = [name for name in wanted if name not in fired]
    assert not missing, f"{missing} did not fire, {fired} did\n{text}"
    for name in wanted:
        assert fired[name] == (level or ("exact" if name in EXACT else "reassociate")), name
    assert report.cost_after.seconds < report.cost_before.seconds


#: Rules of the tables that keep every bit.
EXACT = {"gemm", "sum-of-squeezes"}


@pytest.mark.parametrize("line", list(lines([PRODUCTS, LINALG, ORDER])))
def test_form(line):
    head, code = line.split(": ", 1)
    code, wanted = code.rsplit(" | ", 1)
    given = arguments()
    args = [given[name] for name in head.split()]
    f = eval(f"lambda {', '.join(head.split())}: {code}", {"np": np})
    jit = frit.jit(f, fallback="error")
    agree(jit(*args), f(*args))
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


def test_shared_factors_of_singular_matrices():
    """The determinant is 0 where a system has no solution."""
    S = np.arange(16.0).reshape(4, 4) % 5
    S[3] = S[2]
    f = lambda S: np.linalg.det(S) * np.linalg.slogdet(S)[0]
    assert frit.jit(f)(S) == f(S) == 0.0
    g = lambda S, b: (np.linalg.solve(S, b), np.linalg.det(S))
    jit = frit.jit(g)
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        jit(S, S[0])
    agree(jit(S + 9 * np.eye(4), S[0]), g(S + 9 * np.eye(4), S[0]))


def test_determinants_do_not_overflow_on_the_way():
    n = 120
    large, small = np.full(n, 1e3), np.full(n, 1e-3)
    half = np.tril(np.ones((n, n))) * np.concatenate([large[: n // 2], small[n // 2 :]])
    forms = {
        "determinant-triangular": (lambda a: np.linalg.det(np.tril(a)), (half,)),
        "determinant-product": (lambda a, b: np.linalg.det(a @ b), (np.diag(large), np.diag(small))),
        "determinant-factored": (lambda a: (np.linalg.det(a), np.linalg.solve(a, large)), (half,)),
    }
    for rule, (plain, arguments) in forms.items():
        f = frit.jit(plain)
        assert rule in str(f.explain(*arguments))
        got, want = f(*arguments), plain(*arguments)
        np.testing.assert_allclose(got[0] if isinstance(got, tuple) else got, want[0] if isinstance(want, tuple) else want, rtol=1e-6)


def test_values_that_are_used_stay():
    """A product that is a result, too, is not taken apart."""
    given = arguments()
    S, T, b = given["S"], given["T"], given["b"]
    jit = frit.jit(lambda S, T, b: (S @ T, np.trace(S @ T), (S @ T) @ b), fallback="error")
    assert jit.dump(S, T, b, stage="rewritten").count("= matmul ") <= 2
    agree(jit(S, T, b), (S @ T, np.trace(S @ T), (S @ T) @ b))
