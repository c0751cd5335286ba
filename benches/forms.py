"""Plain NumPy code beside the form one would write by hand: `python benches/forms.py [TEXT]`, a Markdown table of best times.

Each line is `arguments: plain code -> code by hand`; with TEXT only lines that contain it run. Both run under frit, the plain code
under NumPy too. The ratio says what the plain form costs more than the other: at most 1.5 is wanted. Programs are
compared by their text in `frontend/python/tests/test_forms.py`; here are those whose time could differ all the same.
"""

import sys
import time

import numpy as np

import frit

FORMS = """
v: (v + 1)[:5] -> v[:5] + 1
x: np.exp(x)[3] -> np.exp(x[3])
x i: np.exp(x)[i] -> np.exp(x[i])
x: x.sum(1)[0] -> x[0].sum()
x: x.std(1)[:3] -> x[:3].std(1)
x: np.sort(x, 1)[3] -> np.sort(x[3])
x i: np.sort(x, 1)[i] -> np.sort(x[i], 1)
v: np.cumsum(v)[9] -> v[:10].sum()
x y: np.concatenate([np.exp(x), y])[:5] -> np.exp(x[:5])
A B: (A @ B)[0] -> A[0] @ B
A B: (A @ B)[:, 3] -> A @ B[:, 3]
A B c: (A @ B) @ c -> A @ (B @ c)
A B: np.trace(A @ B) -> (A * B.T).sum()
A B: np.diag(A @ B) -> (A * B.T).sum(1)
A B: (A @ B).sum() -> A.sum(0) @ B.sum(1)
A B C: A @ B + A @ C -> A @ (B + C)
A c: np.linalg.inv(A) @ c -> np.linalg.solve(A, c)
v: np.sort(v)[0] -> v.min()
v: np.sort(v)[-1] -> v.max()
v: np.median(v) -> np.partition(v, [499999, 500000])[499999:500001].mean()
v w: v * 2 + v * w -> v * (w + 2)
v: np.exp(v) + np.sin(np.exp(v)) -> (lambda e: e + np.sin(e))(np.exp(v))
v: v ** 3 -> v * v * v
v: v ** 10 -> (v * v) * ((v * v) ** 2) ** 2
v: 1 / np.exp(v) -> np.exp(-v)
v: 3 + v * 2 + v * v * 5 + v ** 3 -> 3 + v * (2 + v * (5 + v))
n: n // 8 + n % 8 -> (n >> 3) + (n & 7)
v: np.sum(v * v) -> v @ v
v: np.mean((v - np.mean(v)) ** 2) -> v.var()
v: np.sqrt(((v - v.mean()) ** 2).mean()) -> v.std()
L: L.var() -> (L @ L) / L.size - L.mean() ** 2
L: (L.mean(), L.std()) -> (lambda m: (m, np.sqrt((L @ L) / L.size - m * m)))(L.mean())
x: np.exp(x) / np.exp(x).sum(1, keepdims=True) -> (lambda e: e / e.sum(1, keepdims=True))(np.exp(x))
v: (v.sum(), v.max(), v.mean(), v.argmin()) -> (lambda s: (s, v.max(), s / v.size, v.argmin()))(v.sum())
a b: (a[:, None] * b).sum() -> a.sum() * b.sum()
a b: ((a[:, None] + b)).sum(1) -> a * b.size + b.sum()
a b: np.outer(a, b).sum(0) -> a.sum() * b
v: v[v > 0].sum() -> np.where(v > 0, v, 0).sum()
v: v[v > 0].mean() -> np.where(v > 0, v, 0).sum() / np.count_nonzero(v > 0)
v: len(v[v > 0]) -> int(np.count_nonzero(v > 0))
v: np.max(np.exp(v)) -> np.exp(np.max(v))
v: np.max(-v) -> -np.min(v)
v: np.where(v > 0, v, -v) -> np.abs(v)
v w: np.where(v > 0, np.exp(v), np.exp(w)) -> np.exp(np.where(v > 0, v, w))
v: np.clip(np.clip(v, -1, 1), -0.5, 2) -> np.clip(v, -0.5, 1)
v: np.concatenate([v[:10], v[10:]]) + 1 -> v + 1
x: np.repeat(x, 3, axis=1).sum(1) -> x.sum(1) * 3
x: x.T.T.reshape(-1).reshape(1000, 1000).sum() -> x.sum()
"""


def arguments():
    rng = np.random.default_rng(0)
    return {
        "v": rng.normal(size=1_000_000), "w": rng.normal(size=1_000_000), "n": rng.integers(-1000, 1000, 1_000_000),
        "x": rng.normal(size=(1000, 1000)), "y": rng.normal(size=(1000, 1000)), "i": rng.integers(0, 1000, 20),
        "A": rng.normal(size=(500, 500)), "B": rng.normal(size=(500, 500)), "C": rng.normal(size=(500, 500)), "c": rng.normal(size=500),
        "a": rng.normal(size=2000), "b": rng.normal(size=2000), "L": rng.normal(size=20_000_000),
    }  # fmt: skip


def best(f, args, seconds=0.3):
    """The best time of repeated calls, in seconds."""
    f(*args)
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end and len(times) < 2000:
        start = time.perf_counter()
        f(*args)
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    given = arguments()
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    print("| plain code | by hand | plain, µs | by hand, µs | ratio | NumPy, plain, µs |\n|---|---|---|---|---|---|")
    for line in filter(None, FORMS.splitlines()):
        if wanted not in line:
            continue
        names, code = line.split(": ", 1)
        plain, hand = code.split(" -> ")
        args = [given[name] for name in names.split()]
        f, g = (eval(f"lambda {', '.join(names.split())}: {text}", {"np": np}) for text in (plain, hand))
        ours, by_hand, numpy = (1e6 * best(h, args) for h in (frit.jit(f), frit.jit(g), f))
        print(f"| `{plain}` | `{hand}` | {ours:.1f} | {by_hand:.1f} | {ours / by_hand:.2f} | {numpy:.0f} |", flush=True)


if __name__ == "__main__":
    main()
