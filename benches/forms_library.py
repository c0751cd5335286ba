"""Matrix products, linear algebra, sorting and selection: plain NumPy code under `frit.jit` beside what one would write by hand.

    pip install . scipy
    python benches/forms_library.py [NAME]

Prints a table in Markdown: median milliseconds of a warm call of the plain code in NumPy, of the same code in frit, and of the code by
hand in NumPy or SciPy and in frit; and frit's time for plain code over the better of the two by hand.
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

#: Name: arguments, plain code, code by hand; `None` where frit has no form for it by hand.
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
    "x.T@x": ([X], lambda x: x.T @ x, lambda x: sl.blas.dsyrk(1.0, x, trans=1)),
    "diag(d)@A": ([np.tanh(D), A], lambda d, a: np.diag(np.tanh(d)) @ np.tanh(a), lambda d, a: np.tanh(d)[:, None] * np.tanh(a)),
    "einsum chain": ([A, B, V], lambda a, b, v: np.einsum("ij,jk,k->i", a, b, v), lambda a, b, v: a @ (b @ v)),
    "inv(A)@b": ([S, V], lambda a, b: np.linalg.inv(a) @ b, lambda a, b: np.linalg.solve(a, b)),
    "b@inv(A)": ([S, V], lambda a, b: b @ np.linalg.inv(a), lambda a, b: np.linalg.solve(a.T, b)),
    "inv(A@B)@b": ([S, T, V], lambda a, t, b: np.linalg.inv(a @ t) @ b, lambda a, t, b: np.linalg.solve(t, np.linalg.solve(a, b))),
    "solve(tril)": ([S, V], lambda a, b: np.linalg.solve(np.tril(a), b), lambda a, b: sl.solve_triangular(a, b, lower=True)),
    "solve(x.T@x + I)": ([X, V], lambda x, b: np.linalg.solve(x.T @ x + np.eye(N), b), lambda x, b: sl.solve(x.T @ x + np.eye(N), b, assume_a="pos")),
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


def milliseconds(f, args, repeat=7):
    f(*args)
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        f(*args)
        times.append(time.perf_counter() - start)
    return 1e3 * sorted(times)[repeat // 2]


def main():
    warnings.simplefilter("ignore")
    wanted = sys.argv[1:]
    print("| form | NumPy | frit | by hand, NumPy/SciPy | by hand, frit | frit / best by hand |\n|---|---|---|---|---|---|")
    for name, (args, plain, hand) in CASES.items():
        if wanted and not any(w in name for w in wanted):
            continue
        times = [milliseconds(f, args) for f in (plain, frit.jit(plain), hand, frit.jit(hand))]
        print(f"| `{name}` | {' | '.join(f'{t:.3g}' for t in times)} | {times[1] / min(times[2:]):.2f} |", flush=True)


main()
