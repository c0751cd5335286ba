"""Matrix products, linear algebra, sorting and selection: plain NumPy code under `frit.jit` beside what one would write by hand.

    pip install . scipy
    python benches/forms_library.py [NAME]

Prints a table in Markdown: median milliseconds of a warm call of the plain code in NumPy, of the same code in frit, and of the code by
hand in NumPy or SciPy and in frit (a dash where frit leaves it to SciPy); and frit's time for plain code over the best by hand.

All four are warmed up before any is timed, so that compiling, reading tables and waking threads are over, and then take turns: what
the machine does meanwhile disturbs all of them.
"""

import sys
import time
import warnings

import numpy as np
import scipy.linalg as sl

import frit

R = np.random.default_rng(4)
N, M = 800, 2_000_000
A, B, C = (R.normal(size=(N, N)) for _ in range(3))
S = A + N * np.eye(N)
T = B + N * np.eye(N)
V = R.normal(size=N)
X = R.normal(size=(4 * N, N))
Y = R.normal(size=M)
G = R.normal(size=(2000, 1000))
D = R.uniform(1, 2, N)
I = R.integers(0, N, 200)
K = R.integers(-9, 9, (N, N))
P, Q = (R.normal(size=(64, 60, 60)) for _ in range(2))
F = A.astype("f4")

#: Name: arguments, plain code, code by hand.
CASES = {
    "(A@B)[0]": ([A, B], lambda a, b: (a @ b)[0], lambda a, b: a[0] @ b),
    "(A@B)[:, 3]": ([A, B], lambda a, b: (a @ b)[:, 3], lambda a, b: a @ b[:, 3]),
    "(A@B)@v": ([A, B, V], lambda a, b, v: (a @ b) @ v, lambda a, b, v: a @ (b @ v)),
    "A@B@C@A@v": ([A, B, C, V], lambda a, b, c, v: a @ b @ c @ a @ v, lambda a, b, c, v: a @ (b @ (c @ (a @ v)))),
    "trace(A@B)": ([A, B], lambda a, b: np.trace(a @ b), lambda a, b: (a * b.T).sum()),
    "diag(A@B)": ([A, B], lambda a, b: np.diag(a @ b), lambda a, b: (a * b.T).sum(1)),
    "sum(A@B)": ([A, B], lambda a, b: (a @ b).sum(), lambda a, b: a.sum(0) @ b.sum(1)),
    "sum(A@B, 0)": ([A, B], lambda a, b: (a @ b).sum(0), lambda a, b: a.sum(0) @ b),
    "A@B + A@C": ([A, B, C], lambda a, b, c: a @ b + a @ c, lambda a, b, c: a @ (b + c)),
    "2*(A@B) + 3*C": ([A, B, C], lambda a, b, c: 2.0 * (a @ b) + 3.0 * c, lambda a, b, c: sl.blas.dgemm(2.0, a.T, b.T, 3.0, c.T)),
    "C - A@B": ([A, B, C], lambda a, b, c: c - a @ b, lambda a, b, c: sl.blas.dgemm(-1.0, a.T, b.T, 1.0, c.T)),
    "(A@B)[i]": ([A, B, I], lambda a, b, i: (a @ b)[i], lambda a, b, i: a[i] @ b),
    "A@C + B@C": ([A, B, C], lambda a, b, c: a @ c + b @ c, lambda a, b, c: (a + b) @ c),
    "A@v + A@w": ([A, V, D], lambda a, v, w: a @ v + a @ w, lambda a, v, w: a @ (v + w)),
    "outer(v, w)@A": ([A, V, D], lambda a, v, w: np.outer(v, w) @ a, lambda a, v, w: v[:, None] * (w @ a)),
    "(P@Q)[:, 3], stack": ([P, Q], lambda p, q: (p @ q)[:, 3], lambda p, q: (p[:, 3:4] @ q)[:, 0]),
    "trace(P@Q), stack": ([P, Q], lambda p, q: np.trace(p @ q, axis1=1, axis2=2), lambda p, q: (p * q.swapaxes(1, 2)).sum((1, 2))),
    "(A@B)@v, float32": ([F, F + 1, V.astype("f4")], lambda a, b, v: (a @ b) @ v, lambda a, b, v: a @ (b @ v)),
    "x.T@x": ([X], lambda x: x.T @ x, lambda x: sl.blas.dsyrk(1.0, x, trans=1)),
    "diag(k)@K": ([D, K], lambda d, k: np.diag(k[0]) @ k, lambda d, k: k[0][:, None] * k),
    "eye@K": ([K], lambda k: np.eye(N) @ k, lambda k: k.astype(float)),
    "eye[i]@K": ([K, I], lambda k, i: np.eye(N)[i] @ k, lambda k, i: k[i].astype(float)),
    "einsum chain": ([A, B, V], lambda a, b, v: np.einsum("ij,jk,k->i", a, b, v), lambda a, b, v: a @ (b @ v)),
    "inv(A)@b": ([S, V], lambda a, b: np.linalg.inv(a) @ b, lambda a, b: np.linalg.solve(a, b)),
    "b@inv(A)": ([S, V], lambda a, b: b @ np.linalg.inv(a), lambda a, b: np.linalg.solve(a.T, b)),
    "inv(A@B)@b": ([S, T, V], lambda a, t, b: np.linalg.inv(a @ t) @ b, lambda a, t, b: np.linalg.solve(t, np.linalg.solve(a, b))),
    "solve(tril)": ([S, V], lambda a, b: np.linalg.solve(np.tril(a), b), lambda a, b: sl.solve_triangular(a, b, lower=True)),
    "solve(x.T@x + I)": ([X, V], lambda x, b: np.linalg.solve(x.T @ x + np.eye(N), b), lambda x, b: sl.solve(x.T @ x + np.eye(N), b, assume_a="pos")),
    "inv(x.T@x + I)": ([X], lambda x: np.linalg.inv(x.T @ x + np.eye(N)), lambda x: np.linalg.inv(x.T @ x + np.eye(N))),
    "solve(A, b), solve(A, c)": ([S, V, D], lambda a, b, c: (np.linalg.solve(a, b), np.linalg.solve(a, c)), lambda a, b, c: (lambda f: (sl.lu_solve(f, b), sl.lu_solve(f, c)))(sl.lu_factor(a))),
    "solve(A, b) + solve(A, c)": ([S, V, D], lambda a, b, c: np.linalg.solve(a, b) + np.linalg.solve(a, c), lambda a, b, c: np.linalg.solve(a, b + c)),
    "inv(A)@b, slogdet(A)": ([S, V], lambda a, b: (np.linalg.inv(a) @ b, np.linalg.slogdet(a)[1]), lambda a, b: (lambda f: (sl.lu_solve(f, b), np.log(np.abs(np.diag(f[0]))).sum()))(sl.lu_factor(a))),
    "slogdet(x.T@x + I)": ([X], lambda x: np.linalg.slogdet(x.T @ x + np.eye(N))[1], lambda x: 2 * np.log(np.diag(np.linalg.cholesky(x.T @ x + np.eye(N)))).sum()),
    "slogdet(A@B)": ([S, T], lambda a, t: np.linalg.slogdet(a @ t)[1], lambda a, t: np.linalg.slogdet(a)[1] + np.linalg.slogdet(t)[1]),
    "det(tril)": ([S / N], lambda a: np.linalg.det(np.tril(a)), lambda a: np.diag(a).prod()),
    "sort(x)[0]": ([Y], lambda x: np.sort(x)[0], lambda x: x.min()),
    "sort(x)[-10:]": ([Y], lambda x: np.sort(x)[-10:], lambda x: np.sort(np.partition(x, M - 10)[-10:])),
    "sort(x)[k]": ([Y], lambda x: np.sort(x)[M // 3], lambda x: np.partition(x, M // 3)[M // 3]),
    "argsort(x)[0]": ([Y], lambda x: np.argsort(x, kind="stable")[0], lambda x: x.argmin()),
    "x[argsort(x)]": ([Y], lambda x: x[np.argsort(x, kind="stable")], lambda x: np.sort(x)),
    "median": ([Y], lambda x: np.sort(x)[M // 2 - 1 : M // 2 + 1].mean(), lambda x: np.median(x)),
    "np.median": ([Y], lambda x: np.median(x), lambda x: np.partition(x, [M // 2 - 1, M // 2])[M // 2 - 1 : M // 2 + 1].mean()),
    "np.median, rows": ([G], lambda x: np.median(x, axis=1), lambda x: np.partition(x, [499, 500], axis=1)[:, 499:501].mean(1)),
    "percentile": ([Y], lambda x: np.percentile(x, [5, 50, 95]), lambda x: np.percentile(x, [5, 50, 95])),
}


#: Calls before anything is timed, and timed calls: at least so many, and until they take this long together.
WARM, LEAST, SECONDS = 5, 9, 1.0


def milliseconds(functions, args):
    """Median times of functions that take turns."""
    for f in functions:
        for _ in range(WARM):
            f(*args)
    times = [[] for _ in functions]
    begin = time.perf_counter()
    while len(times[0]) < LEAST or time.perf_counter() - begin < SECONDS:
        for f, own in zip(functions, times):
            start = time.perf_counter()
            f(*args)
            own.append(time.perf_counter() - start)
    return [1e3 * sorted(own)[len(own) // 2] for own in times]


def compiled(f, args):
    """`f` under frit, if all of it is compiled there."""
    jit = frit.jit(f)
    for _ in range(2):
        jit(*args)
    report = jit.explain(*args)
    return jit if report.compiled and not report.calls else None


def main():
    warnings.simplefilter("ignore")
    wanted = sys.argv[1:]
    print("| form | NumPy | frit | by hand, NumPy/SciPy | by hand, frit | frit / best by hand |\n|---|---|---|---|---|---|")
    for name, (args, plain, hand) in CASES.items():
        if wanted and not any(w in name for w in wanted):
            continue
        ours = compiled(hand, args)
        numpy, frit_, *by_hand = milliseconds([plain, frit.jit(plain), hand] + ([ours] if ours else []), args)
        shown = [f"{t:.3g}" for t in by_hand] + ["-"] * (2 - len(by_hand))
        print(f"| `{name}` | {numpy:.3g} | {frit_:.3g} | {' | '.join(shown)} | {frit_ / min(by_hand):.2f} |", flush=True)


main()
