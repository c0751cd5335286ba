"""Cheaper forms: what frit makes of plain NumPy code beside what one would write by hand.

Each line of a table is `arguments: plain code -> code by hand`, the math level in front where it is not `reassociate`. The two must
become the same program, which is a stronger claim than equal time, and give NumPy's values.
"""

import re

import numpy as np
import pytest

import frit

pytestmark = [pytest.mark.usefixtures("unpatched"), pytest.mark.filterwarnings("ignore")]


def arguments():
    rng = np.random.default_rng(5)
    return {
        "x": rng.normal(size=(8, 6)), "y": rng.normal(size=(8, 6)), "v": rng.normal(size=40), "w": rng.normal(size=40),
        "p": rng.uniform(0.5, 2, 40), "A": rng.normal(size=(80, 60)), "B": rng.normal(size=(60, 50)), "C": rng.normal(size=(60, 50)),
        "S": rng.normal(size=(6, 6)), "i": rng.integers(0, 6, 3), "n": rng.integers(-50, 50, 40), "m": rng.normal(size=40) > 0,
        "k": rng.normal(size=40) > 0, "g": rng.normal(size=(3, 4, 5)), "f": rng.normal(size=40).astype("f4"), "u": rng.integers(0, 200, 40).astype("u1"),
        # Large enough that work counts for more than the number of kernels.
        "X": rng.normal(size=(400, 300)), "Y": rng.normal(size=(400, 300)), "V": rng.normal(size=50000), "W": rng.normal(size=50000),
        "M": rng.normal(size=50000) > 0, "a": rng.normal(size=2000), "b": rng.normal(size=2000),
    }  # fmt: skip


#: Slices, integer indexing and `take`.
MOVEMENT = """
v: (v + 1)[:5] -> v[:5] + 1
x: np.exp(x)[2] -> np.exp(x[2])
x: np.exp(x)[2, 3] -> np.exp(x[2, 3])
x: np.exp(x).reshape(-1)[12:24] -> np.exp(x[2:4]).reshape(12)
x: np.exp(x).reshape(-1)[17] -> np.exp(x[2, 5])
v: np.exp(v).reshape(5, 8)[2] -> np.exp(v[16:24])
x: np.pad(np.exp(x), ((0, 0), (1, 1)))[3] -> np.pad(np.exp(x[3]), 1)
x: x.sum(1)[0] -> x[0].sum()
x: np.sort(x, 1)[3] -> np.sort(x[3])
x: np.where(x > 0, x, 0)[2] -> np.where(x[2] > 0, x[2], 0)
v: np.cumsum(v)[9] -> v[:10].sum()
x: np.cumsum(x, 1)[:, -1] -> x.sum(1)
x: np.fft.fft(x, axis=1)[:2] -> np.fft.fft(x[:2], axis=1)
S x: np.linalg.solve(S, x.T)[:, :3] -> np.linalg.solve(S, x.T[:, :3])
X i: X.sum(1)[i] -> X[i].sum(1)
x i: np.cumsum(x, 1)[i] -> np.cumsum(x[i], 1)
x i: np.sort(x, 1)[i] -> np.sort(x[i], 1)
x y i: np.concatenate([x, y * 2], 1)[i] -> np.concatenate([x[i], y[i] * 2], 1)
x i: np.pad(x, ((0, 0), (1, 1)))[i] -> np.pad(x[i], ((0, 0), (1, 1)))
x i: np.broadcast_to(np.exp(x[0]), (8, 6))[i] -> np.broadcast_to(np.exp(x[0]), (3, 6))
x: np.sin(np.exp(x) + 1)[::2, 1:3] -> np.sin(np.exp(x[::2, 1:3]) + 1)
x v: (x[:, 0][:, None] * v)[:, :7] -> x[:, 0][:, None] * v[:7]
x: np.broadcast_to(x[0] + 1, (50, 6))[:5] -> np.broadcast_to(x[0] + 1, (5, 6))
x: (x.T * 2)[:5] -> (x[:, :5]).T * 2
x y: np.concatenate([np.exp(x), y])[:5] -> np.exp(x[:5])
x y: np.concatenate([x, np.exp(y)], axis=1)[:, 7] -> np.exp(y[:, 1])
x: np.stack([np.exp(x), x + 1, x])[1] -> x + 1
x: np.stack([np.exp(x), x + 1, x], axis=1)[:, 2] -> x.copy()
x: np.pad(np.exp(x), 2)[2:-2, 2:-2] -> np.exp(x)
A B: (A @ B)[0] -> A[0] @ B
A B: (A @ B)[:, 2] -> A @ B[:, 2]
A B i: (A @ B)[i] -> A[i] @ B
x: x.max(0)[3:5] -> x[:, 3:5].max(0)
x: x.mean(1)[:3] -> x[:3].mean(1)
x: x.argmax(1)[:3] -> x[:3].argmax(1)
x: np.cumsum(x, 1)[:, :4] -> np.cumsum(x[:, :4], 1)
x: np.cumsum(x, 0)[:, :4] -> np.cumsum(x[:, :4], 0)
x: np.roll(np.exp(x), 3, axis=0)[0] -> np.exp(x[-3])
x i: np.exp(x)[i] -> np.exp(x[i])
x i: np.take(np.exp(x), i, axis=1) -> np.exp(x.T[i]).T
x i: (x * x[0])[i] -> x[i] * x[0]
x: (x.T + 1).T -> x + 1
x: np.exp(x.T).T -> np.exp(x)
x: np.exp(x).T.T -> np.exp(x)
x: (x + 1).reshape(6, 8).reshape(-1).reshape(8, 6) -> x + 1
x: (x + 1)[0:8][:, 0:6] -> x + 1
x: np.flip(np.flip(x, 0), 0) + 1 -> x + 1
"""

#: Parts (slices with steps of any sign, positions, `take`) of elementwise operations and broadcasts.
PARTS_OF_ELEMENTWISE = """
x: np.exp(x)[1:4] -> np.exp(x[1:4])
x: np.exp(x)[::2] -> np.exp(x[::2])
x: np.exp(x)[-1] -> np.exp(x[-1])
x: np.exp(x)[:, -2] -> np.exp(x[:, -2])
x: np.exp(x)[1, ::-1] -> np.exp(x[1, ::-1])
x i: np.exp(x)[i, 2] -> np.exp(x[i, 2])
x i: np.take(np.exp(x), i, axis=0) -> np.exp(np.take(x, i, axis=0))
x i: np.take(np.exp(x), 2, axis=1) -> np.exp(x[:, 2])
x i: np.exp(x)[i, i] -> np.exp(x[i, i])
x: (x + x[0])[3] -> x[3] + x[0]
x: (x + x[0])[:, 2] -> x[:, 2] + x[0, 2]
x: (x + x[:, :1])[2:4, 1:3] -> x[2:4, 1:3] + x[2:4, :1]
x i: (x + x[:, :1])[i] -> x[i] + x[i, :1]
x: np.broadcast_to(np.exp(x[0]), (50, 6))[7] -> np.exp(x[0])
x: np.broadcast_to(np.exp(x[0]), (50, 6))[:, 1:3] -> np.broadcast_to(np.exp(x[0, 1:3]), (50, 2))
x: np.broadcast_to(np.exp(x[0]), (50, 6))[:, 2] -> np.broadcast_to(np.exp(x[0, 2]), (50,))
x: np.broadcast_to(np.exp(x[:, :1]), (8, 60))[::2, :7] -> np.broadcast_to(np.exp(x[::2, :1]), (4, 7))
x y: np.where(x > 0, x, y)[3, 2] -> np.where(x[3, 2] > 0, x[3, 2], y[3, 2])
x: x.astype("f4")[2] -> x[2].astype("f4")
x: np.clip(x, 0, 1)[:, 2] -> np.clip(x[:, 2], 0, 1)
x: np.diff(np.exp(x), axis=0)[2] -> np.exp(x[3]) - np.exp(x[2])
x: np.diff(x, axis=0)[2:4] -> x[3:5] - x[2:4]
x: np.exp(x[2:])[1] -> np.exp(x[3])
x i: np.exp(x[i])[:2] -> np.exp(x[i[:2]])
x i: np.take(np.take(x, i, axis=0), [0, 2], axis=0) -> np.take(x, i[[0, 2]], axis=0)
x: np.fft.rfft(x, axis=1)[2] -> np.fft.rfft(x[2])
x: np.fft.fft(x, axis=0)[:, 1:3] -> np.fft.fft(x[:, 1:3], axis=0)
m v w: np.where(m, v, w)[:5] -> np.where(m[:5], v[:5], w[:5])
x i: np.exp(x)[:, i] -> np.exp(x.T[i]).T
x: np.take(np.exp(x), [1, 4], axis=1) -> np.exp(np.take(x.T, [1, 4], axis=0)).T
x i: (x + x[:, :1])[:, i] -> (x.T[i] + x[:, 0]).T
x i: np.broadcast_to(np.exp(x[0]), (50, 6))[:, i] -> np.broadcast_to(np.exp(x[0][i]), (50, 3))
x i: np.exp(x[i])[:, 2] -> np.exp(x[:, 2:3][i][:, 0])
X Y i: np.where(X > 0, X, Y)[:, i] -> np.where(X.T[i] > 0, X.T[i], Y.T[i]).T
X i: np.exp(X)[:, i] -> np.exp(X.T[i]).T
x: (x[2:] + 1)[1:3] -> x[3:5] + 1
x i: x[i][1] -> x[i[1:2]][0]
"""

#: Parts (slices with steps of any sign, positions, `take`) of reshaped and transposed arrays, and of diagonals.
PARTS_OF_VIEWS = """
x i: np.exp(x).T[i] -> np.exp(x[:, i].T)
x i: np.take(np.exp(x).T, i, axis=0) -> np.exp(x[:, i].T)
g: np.exp(g).transpose(2, 0, 1)[1:3, :, ::2] -> np.exp(g[:, ::2, 1:3]).transpose(2, 0, 1)
v: np.exp(v).reshape(5, 8)[1:3] -> np.exp(v[8:24]).reshape(2, 8)
v: np.exp(v).reshape(5, 8)[2, 3] -> np.exp(v[19])
v: np.exp(v).reshape(5, 8)[2, 3:5] -> np.exp(v[19:21])
v: np.exp(v).reshape(5, 8)[:, 3] -> np.exp(v[3::8])
v: np.exp(v).reshape(5, 8)[::2] -> np.exp(v.reshape(5, 8)[::2])
v i: np.exp(v).reshape(10, 4)[i] -> np.exp(v.reshape(10, 4)[i])
v i: np.take(np.exp(v).reshape(10, 4), i, axis=0) -> np.exp(v.reshape(10, 4)[i])
x: np.exp(x).reshape(8, 2, 3)[:, 1] -> np.exp(x[:, 3:6])
x: np.exp(x).reshape(2, 4, 6)[1] -> np.exp(x[4:])
x: np.exp(x).ravel()[::2] -> np.exp(x.ravel()[::2])
x: np.exp(x).ravel()[6:12] -> np.exp(x[1])
x i: np.exp(x).ravel()[i] -> np.exp(x.ravel()[i])
x: np.repeat(np.exp(x), 2, axis=0)[3] -> np.exp(x[1])
x: np.flip(np.exp(x), 0)[0] -> np.exp(x[-1])
x: np.flip(np.exp(x), 0)[:3] -> np.exp(x[:4:-1])
x: np.roll(np.exp(x), 3, axis=0)[:3] -> np.exp(x[5:])
x: np.diagonal(np.exp(x))[:3] -> np.diagonal(np.exp(x[:3, :3]))
x: np.exp(x).T[2] -> np.exp(x[:, 2:3]).T[0]
x: np.exp(x).T[2:4, 1] -> np.exp(x[1:2, 2:4]).T[:, 0]
g: np.exp(g).transpose(2, 0, 1)[1] -> np.exp(g[:, :, 1:2]).transpose(2, 0, 1)[0]
g: np.exp(g).swapaxes(0, 1)[2, 1] -> np.exp(g[1:2, 2:3]).swapaxes(0, 1)[0, 0]
x: np.exp(x).reshape(8, 2, 3)[2] -> np.exp(x[2:3]).reshape(2, 3)
S x: np.linalg.solve(S, x.T)[:, 2] -> np.linalg.solve(S, x.T[:, 2:3])[:, 0]
x: np.repeat(np.exp(x), 2, axis=0)[:, 3] -> np.repeat(np.exp(x[:, 3:4]), 2, axis=0)[:, 0]
x: np.diagonal(np.exp(x))[2] -> np.diagonal(np.exp(x[2:3, 2:3]))[0]
"""

#: Parts (slices with steps of any sign, positions, `take`) of joined arrays.
PARTS_OF_JOINED = """
x y: np.concatenate([np.exp(x), y])[3] -> np.exp(x[3])
x y: np.concatenate([x, np.exp(y)])[-1] -> np.exp(y[-1])
x y: np.concatenate([x, np.exp(y)])[9:12] -> np.exp(y[1:4])
x y: np.concatenate([np.exp(x), np.sin(y)])[6:10] -> np.concatenate([np.exp(x[6:]), np.sin(y[:2])])
x y: np.concatenate([np.exp(x), np.sin(y)])[:, 2] -> np.concatenate([np.exp(x[:, 2]), np.sin(y[:, 2])])
x y: np.concatenate([np.exp(x), np.sin(y)])[:, 1:3] -> np.concatenate([np.exp(x[:, 1:3]), np.sin(y[:, 1:3])])
x y: np.concatenate([np.exp(x), np.sin(y)], axis=1)[2] -> np.concatenate([np.exp(x[2]), np.sin(y[2])])
x y: np.concatenate([np.exp(x), np.sin(y)])[::2] -> np.concatenate([np.exp(x[::2]), np.sin(y[::2])])
x y i: np.take(np.concatenate([np.exp(x), np.sin(y)], axis=1), i, axis=0) -> np.concatenate([np.exp(x[i]), np.sin(y[i])], axis=1)
x y: np.take(np.concatenate([np.exp(x), np.sin(y)]), 9, axis=0) -> np.sin(y[1])
x y: np.hstack([x, np.exp(y)])[:, 8:10] -> np.exp(y[:, 2:4])
x y: np.vstack([np.exp(x), y])[2:5] -> np.exp(x[2:5])
x y: np.stack([np.exp(x), y])[0] -> np.exp(x)
x y: np.stack([np.exp(x), y])[-1] -> y.copy()
x y: np.stack([np.exp(x), np.sin(y)])[:, 1:3] -> np.stack([np.exp(x[1:3]), np.sin(y[1:3])])
x y: np.stack([np.exp(x), np.sin(y)], axis=2)[2, 3, 1] -> np.sin(y[2, 3])
x y: np.stack([np.exp(x), np.sin(y)], axis=1)[:, 0, 1:3] -> np.exp(x[:, 1:3])
x y i: np.stack([np.exp(x), np.sin(y)])[:, i] -> np.stack([np.exp(x[i]), np.sin(y[i])])
x y i: np.take(np.stack([np.exp(x), np.sin(y)], axis=1), i, axis=0) -> np.stack([np.exp(x[i]), np.sin(y[i])], axis=1)
x y: np.take(np.stack([np.exp(x), np.sin(y)]), 1, axis=0) -> np.sin(y)
x y: np.concatenate([np.exp(x), np.sin(y)])[10:4:-3] -> np.concatenate([np.sin(y[2:3]), np.exp(x[7:8])])
A B: np.concatenate([A @ B, B])[::4] -> np.concatenate([A[::4] @ B, B[::4]])
x y i: np.concatenate([np.exp(x), np.sin(y)])[:, i] -> np.concatenate([np.exp(x.T[i]).T, np.sin(y.T[i]).T])
"""

#: Parts (slices with steps of any sign, positions, `take`) of padded arrays.
PARTS_OF_PADDED = """
x: np.pad(np.exp(x), 2)[3] -> np.pad(np.exp(x[1]), 2)
x: np.pad(np.exp(x), 2)[0] -> np.zeros(10)
x: np.pad(np.exp(x), 2)[4:6, 3:5] -> np.exp(x[2:4, 1:3])
x: np.pad(np.exp(x), 2)[:, 4] -> np.pad(np.exp(x[:, 2]), 2)
x: np.pad(np.exp(x), ((0, 0), (1, 1)))[2:4] -> np.pad(np.exp(x[2:4]), ((0, 0), (1, 1)))
x: np.pad(np.exp(x), 2)[1:5] -> np.pad(np.exp(x[:3]), ((1, 0), (2, 2)))
x i: np.take(np.pad(np.exp(x), ((0, 0), (1, 1))), i, axis=0) -> np.pad(np.exp(x[i]), ((0, 0), (1, 1)))
x: np.pad(np.exp(x), 2)[::3] -> np.pad(np.exp(x[1::3]), ((1, 0), (2, 2)))
A B: np.pad(A @ B, 1)[::4] -> np.pad(A[3::4] @ B, ((1, 0), (1, 1)))
"""

#: Parts (slices with steps of any sign, positions, `take`) of products.
PARTS_OF_PRODUCTS = """
A B: (A @ B)[1:3, 4:6] -> A[1:3] @ B[:, 4:6]
A B: (A @ B)[::2] -> A[::2] @ B
A B: (A @ B)[-1] -> A[-1] @ B
A B i: (A @ B)[:, i] -> A @ B[:, i]
A B i: np.take(A @ B, i, axis=1) -> A @ np.take(B, i, axis=1)
A B: (A @ B[:, 0])[:5] -> A[:5] @ B[:, 0]
g: (g @ g.transpose(0, 2, 1))[1:, :2] -> g[1:, :2] @ g[1:].transpose(0, 2, 1)
A B: np.einsum("ij,jk->ik", A, B)[0] -> A[0] @ B
v w: np.outer(v, w)[:, 3] -> v * w[3]
v w: np.outer(v, w)[1:3, 2:4] -> np.outer(v[1:3], w[2:4])
v w i: np.outer(v, w)[i] -> np.outer(v[i], w)
A B: np.diagonal(A @ B)[:5] -> np.diagonal(A[:5] @ B[:, :5])
X i: (X @ X[0])[i] -> X[i] @ X[0]
A B: (A @ B)[2, 3] -> (A[2:3] @ B[:, 3:4])[0, 0]
A B: (A @ B).T[2] -> (A @ B[:, 2:3]).T[0]
A B: (A @ B[:, 0])[3] -> (A[3:4] @ B[:, 0])[0]
g: (g @ g.transpose(0, 2, 1))[1] -> g[1] @ g.transpose(0, 2, 1)[1]
v w: np.outer(v, w)[3] -> np.outer(v[3:4], w)[0]
"""

#: Parts (slices with steps of any sign, positions, `take`) of reductions.
PARTS_OF_REDUCTIONS = """
x: x.sum(1)[2:4] -> x[2:4].sum(1)
x: x.sum(0)[::2] -> x[:, ::2].sum(0)
x: x.sum(1)[-1] -> x[-1].sum()
x: x.prod(1)[0] -> x[0].prod()
x: x.max(1)[0] -> x[0].max()
x: x.min(0)[3] -> x[:, 3].min()
x: x.mean(0)[2] -> x[:, 2].mean()
x: x.var(0)[2] -> x[:, 2].var()
x: x.std(1)[:3] -> x[:3].std(1)
x: (x > 0).any(1)[2] -> (x[2] > 0).any()
x: (x > 0).all(0)[1:3] -> (x[:, 1:3] > 0).all(0)
x: x.argmax(1)[2] -> x[2].argmax()
x: x.argmin(0)[3] -> x[:, 3].argmin()
x i: np.take(x.argmin(1), i) -> x[i].argmin(1)
x: x.sum(1, keepdims=True)[2:4] -> x[2:4].sum(1, keepdims=True)
g: g.sum((0, 2))[1] -> g[:, 1].sum()
g: g.max(1)[:, 2] -> g[:, :, 2].max(1)
X i: X.max(1)[i] -> X[i].max(1)
X i: np.take(X.sum(0), i) -> X[:, i].sum(0)
X i: np.take(X.argmin(1), i) -> X[i].argmin(1)
x: x.sum(1, keepdims=True)[3, 0] -> x[3:4].sum(1, keepdims=True)[0, 0]
"""

#: Parts (slices with steps of any sign, positions, `take`) of running combinations and sorted arrays.
PARTS_OF_ORDERED = """
v: np.cumsum(v)[:10] -> np.cumsum(v[:10])
v: np.cumsum(v)[-1] -> v.sum()
v: np.cumprod(v)[9] -> v[:10].prod()
v: np.cumprod(v)[:10] -> np.cumprod(v[:10])
v: np.maximum.accumulate(v)[:10] -> np.maximum.accumulate(v[:10])
v: np.maximum.accumulate(v)[9] -> v[:10].max()
x: np.cumsum(x, 1)[3] -> np.cumsum(x[3])
x: np.cumsum(x, 0)[2] -> x[:3].sum(0)
x: np.cumsum(x, 0)[:3, 2] -> np.cumsum(x[:3, 2])
x: np.cumsum(x, 1)[:, 3] -> x[:, :4].sum(1)
x: np.cumsum(x, 1)[::2] -> np.cumsum(x[::2], 1)
x i: np.take(np.cumsum(x, 1), i, axis=0) -> np.cumsum(x[i], 1)
x i: np.take(np.cumprod(x, 0), i, axis=1) -> np.cumprod(x[:, i], 0)
x: np.sort(x, 1)[2:4] -> np.sort(x[2:4], 1)
x: np.sort(x, 0)[:, 2] -> np.sort(x[:, 2])
x: np.sort(x, 1)[::-1] -> np.sort(x[::-1], 1)
x i: np.take(np.sort(x, 1), i, axis=0) -> np.sort(x[i], 1)
x i: np.take(np.sort(x, 0), i, axis=1) -> np.sort(x[:, i], 0)
n: np.sort(n)[-1] -> n.max()
x i: np.argsort(x, 1, kind="stable")[i] -> np.argsort(x[i], 1, kind="stable")
x: np.argsort(x, 1, kind="stable")[2:4] -> np.argsort(x[2:4], 1, kind="stable")
x i: np.take_along_axis(np.exp(x), x.argsort(1, kind="stable"), axis=1) -> np.exp(np.take_along_axis(x, x.argsort(1, kind="stable"), axis=1))
"""

#: Selections that are only reduced need no array of what is selected; masks of masks are one.
SELECTIONS = """
v m: v[m].sum() -> np.sum(np.where(m, v, 0))
v m: v[m].mean() -> np.mean(v, where=m)
v m: v[m].sum() -> np.sum(v, where=m)
v: v[v > 0].sum() -> np.sum(v, where=v > 0)
v: v[v > 0].mean() -> np.mean(v, where=v > 0)
v w m: (v[m] * w[m]).sum() -> np.sum(v * w, where=m)
m v: (v * 2)[m].sum() -> np.sum(v * 2, where=m)
v: v[v > 0][v[v > 0] < 1].sum() -> np.sum(v, where=(v > 0) & (v < 1))
m k v: v[m & k].sum() -> np.sum(v, where=m & k)
m k v: v[m][k[m]].sum() -> np.sum(v, where=m & k)
m v w p: np.where(m, np.where(m, v, w), p) -> np.where(m, v, p)
m v: np.where(m, v, 0).sum() -> np.sum(v, where=m)
"""

#: Joined and padded arrays.
JOIN = """
v: np.concatenate([v[:10], v[10:]]) + 1 -> v + 1
v: np.concatenate([v[:10], v[10:20], v[30:]]) -> np.concatenate([v[:20], v[30:]])
x: np.stack([x[0], x[1], x[2]]) + 1 -> x[:3] + 1
v: np.roll(np.roll(v, 3), 4) -> np.roll(v, 7)
v: np.roll(np.roll(v, 3), -3) + 1 -> v + 1
v: np.pad(np.pad(v, 1), 2) -> np.pad(v, 3)
v w: np.concatenate([v, np.concatenate([w, v])]) -> np.concatenate([v, w, v])
"""

#: Common subexpressions and factors, functions that undo each other, powers.
ALGEBRA = """
v: np.exp(v) + np.sin(np.exp(v)) -> (lambda e: e + np.sin(e))(np.exp(v))
v w: v * 2 + v * w -> v * (w + 2)
v w p: v * w + p * v -> v * (w + p)
v w p: v / p + w / p -> (v + w) / p
fast v: np.exp(v) * np.exp(v * 2) -> np.exp(v + v * 2)
fast v w: np.exp(v) * np.exp(w) -> np.exp(v + w)
fast v: np.log(np.exp(v)) -> v.copy()
fast p: np.sqrt(p) ** 2 -> p.copy()
p: (p * p) ** 0.5 -> np.sqrt(p * p)
fast p: p ** 0.5 -> np.sqrt(p)
v: v ** 2 -> v * v
v: v ** 3 -> v * (v * v)
v: np.log(1 + v * v) -> np.log1p(v * v)
v: np.exp(v) - 1 -> np.expm1(v)
v: (v * 2) * 3 -> v * 6
v: (v + 2) - 3 -> v - 1.0
v: 3 - (v - 2) -> 5 - v
v: (v * 6) / 3 -> v * 2
v: 6 / (3 / v) -> v * 2
v: -(v * 2) -> v * -2
v: (-v) * 2 -> v * -2
v: v ** 10 -> v ** 2 * (v ** 2) ** 2 ** 2
p: np.abs(p) ** 2.5 -> p * p * np.sqrt(np.abs(p))
v: 3 + v * 2 + v * v * 5 -> v * (v * 5 + 2) + 3
v: 1 / np.exp(v) -> np.exp(-v)
p: np.log(np.sqrt(p)) -> np.log(p) * 0.5
fast v: np.sin(v) ** 2 + np.cos(v) ** 2 -> np.ones_like(v)
v: v / 4 -> v * 0.25
fast v: v / 3 -> v * (1 / 3)
v w: np.abs(v) * np.abs(w) -> np.abs(v * w)
fast v: np.sqrt(v * v) -> np.abs(v)
v: (-v) * (-v) -> v * v
v: v * 1.0 + 0.0 -> v.copy()
n: (n + 1) - 1 -> n.copy()
n: ~n + 1 -> -n
n: n ** 2 -> n * n
"""

#: Integers and bits.
INTEGERS = """
n: n // 4 -> n >> 2
n: n % 8 -> n & 7
n: (n // 2) // 3 -> n // 6
n: n % 12 % 4 -> n & 3
n: n << 1 << 2 -> n << 3
n: n >> 1 >> 2 -> n >> 3
u: (u & 15) & 6 -> u & 6
n: n.astype(float) > 3 -> n.astype(float) > 3
f: f.astype(float) > 0.5 -> f > np.float32(0.5)
"""

#: Masks.
LOGIC = """
v w: np.where(v > 0, w, w) + 1 -> w + 1
v w p: np.where(v > 0, np.where(v > 0, w, 0), p) -> np.where(v > 0, w, p)
v w p: np.where(v > 0, w, np.where(v > 0, p, 0)) -> np.where(v > 0, w, 0)
m v w: np.where(~m, v, w) -> np.where(m, w, v)
m v w: np.where(m, np.exp(v), np.exp(w)) -> np.exp(np.where(m, v, w))
m v: np.where(m, True, False) -> m.copy()
v: np.where(v > 0, v, -v) -> np.abs(v)
fast v: np.where(v > 0, v, 0) -> np.maximum(v, 0)
v: (v > 1) & (v > 2) -> v > 2
v: (v > 1) | (v > 2) -> v > 1
m k: ~m & ~k -> ~(m | k)
n: ~((n > 1) | (n == 5)) -> (n <= 1) & (n != 5)
m: ~~m -> m.copy()
m k: m & (m | k) -> m.copy()
m k: m & (m & k) -> m & k
m: m ^ m -> np.zeros_like(m)
m: m.astype(float) > 0 -> m.copy()
m: m.astype(int) == 0 -> ~m
v: np.clip(np.clip(v, -1, 1), -0.5, 2) -> np.clip(v, -0.5, 1)
v: np.minimum(np.minimum(v, 3), 2) -> np.minimum(v, 2)
v: np.minimum(np.maximum(v, 0), 1) -> np.clip(v, 0, 1)
"""

#: Reductions.
REDUCTIONS = """
X: X.sum(0).sum() -> X.sum()
X: X.max(0).max() -> X.max()
X: X.T.sum(0) -> X.sum(1)
V: (3 * V).sum() -> V.sum() * 3
V: (-V).sum() -> -(V.sum())
X: np.broadcast_to(X, (5, 400, 300)).sum(0) -> X * 5
a b: np.outer(a, b).sum(1) -> a * b.sum()
a b: (a[:, None] * b).sum(1) -> a * b.sum()
X: np.broadcast_to(X, (5, 400, 300)).max(0) + 1 -> X + 1
X: X.reshape(-1).sum() -> X.sum()
X: X[::-1].sum(0) -> X.sum(0)
X Y: np.concatenate([X, Y]).sum() -> X.sum() + Y.sum()
X Y: np.concatenate([X, Y]).max(1) -> np.concatenate([X.max(1), Y.max(1)])
X: np.pad(X, 2).sum() -> X.sum()
X: np.pad(X, 2).sum(0) -> np.pad(X.sum(0), 2)
V: np.max(-V) -> -np.min(V)
V: np.max(np.exp(V)) -> np.exp(np.max(V))
V: np.max(V * -2 + 3) -> np.min(V) * -2 + 3
V: np.max(np.maximum(V, 0)) -> np.maximum(np.max(V), 0)
V: np.argmax(-V) -> np.argmin(V)
M: np.any(~M) -> ~np.all(M)
"""


def lines():
    for name, table in globals().copy().items():
        if name.isupper() and type(table) is str:
            for line in table.strip().splitlines():
                yield pytest.param(line, id=f"{name.lower()}: {line}")


def function(names, code):
    return eval(f"lambda {', '.join(names)}: {code}", {"np": np})


def operations(jit, *args):
    """The graph after rewriting without the names of its values: each distinct expression, written out."""
    seen = {}
    results = []
    for line in jit.dump(*args, stage="rewritten").splitlines():
        line = line.strip()
        if line.startswith("return"):
            results.append([seen.get(v, v) for v in re.findall(r"%\w+", line)])
        elif " = " in line:
            name, rest = line.split(" = ", 1)
            # The order of operands of these says nothing.
            op = rest.split()[0]
            number = re.fullmatch(r"dim_value \{dim = (\d+)\}.*", rest)
            if number or op == "cast" and seen.get(rest.split()[1], "").isdigit():
                # A size counts as the number that it is.
                seen[name] = number[1] if number else seen[rest.split()[1]]
                continue
            if op == "constant":
                seen[name] = re.sub(r"(\.0)? : .*", "", rest.partition("value = ")[2])
                continue
            head, *tail = re.split(r" \{| :", rest, maxsplit=1)
            operands = [seen.get(v, v) for v in re.findall(r"%\w+", head)]
            if op in ("add", "multiply", "logical_and", "logical_or"):
                operands.sort()
            seen[name] = f"{op}({', '.join(operands)})[{''.join(tail)}]"
    return results


def same(got, want):
    got, want = np.asarray(got), np.asarray(want)
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-4 if got.dtype == "f4" else 1e-10, atol=1e-12)


@pytest.mark.parametrize("line", list(lines()))
def test_form(line):
    head, code = line.split(": ", 1)
    plain, hand = code.split(" -> ")
    level, names = next((level, head[len(level) :].split()) for level in ("fast", "exact", "") if head.startswith(level))
    given = arguments()
    args = [given[name] for name in names]
    f, by_hand = function(names, plain), function(names, hand)
    jit, hand_jit = (frit.jit(g, math=level or "reassociate", fallback="error") for g in (f, by_hand))
    same(jit(*args), f(*args))
    same(hand_jit(*args), f(*args))
    assert operations(jit, *args) == operations(hand_jit, *args)


def test_stable_forms_do_not_overflow():
    x = np.array([[1000.0, 1000.0], [-1000.0, -1001.0], [-np.inf, 0.0], [np.inf, 0.0]])
    sums = frit.jit(lambda x: np.log(np.sum(np.exp(x), axis=1)))(x)
    m = x.max(1, keepdims=True)
    np.testing.assert_allclose(sums[:3], (np.log(np.exp(x - m).sum(1)) + m[:, 0])[:3], rtol=1e-12)
    assert sums[3] == np.inf
    exact = frit.jit(lambda x: np.log(np.sum(np.exp(x), axis=1)), math="exact")(x)
    assert exact[0] == np.inf and exact[1] == -np.inf


def test_what_no_iteration_changes_is_computed_before_the_loop(tmp_path):
    """Loops of programs in files; those of Python are unrolled, where equal expressions are one."""
    loop = """graph @steps(%x: f64[n, n], %a: f64[n]) -> f64[n, n] {
  %1 = for %x, %a {body = graph @body(%c: f64[n, n], %a: f64[n]) -> f64[n, n] {
    %2 = exp %a : f64[n]
    %3 = broadcast_to %2 {shape = [n, n]} : f64[n, n]
    %4 = multiply %c, %3 : f64[n, n]
    return %4
  }, carries = 1, hi = 10, index = "i", lo = 0} : f64[n, n]
  return %1
}
"""
    path = tmp_path / "steps.frit"
    path.write_text(loop)
    program = frit.load(path)
    x, a = np.arange(25.0).reshape(5, 5), np.linspace(-1, 1, 5)
    np.testing.assert_allclose(program(x, a), x * np.exp(a) ** 10, rtol=1e-12)
    before, _, body = program.dump(stage="rewritten").partition(" = for ")
    assert " = exp " in before and "exp" not in body and "multiply" in body

    def unrolled(x, a):
        for _ in range(10):
            x = x * np.exp(a)
        return x

    assert frit.jit(unrolled).dump(x, a, stage="rewritten").count(" = exp ") == 1


def test_reductions_of_one_array_share_a_kernel():
    """Positions of extremes, too: what is at the position is known while it is searched for."""
    x = np.random.default_rng(1).normal(size=(300, 200))
    for f in (
        lambda x: (x.argmin(1), x.min(1)),
        lambda x: (x.argmax(1), x.max(1), x.sum(1)),
        lambda x: (x.argmin(1), x.argmax(1), x.min(1), x.max(1), x.sum(1), x.mean(1)),
        lambda x: (x.sum(1), x.max(1), (x * x).sum(1), x.var(1)),
    ):
        jit = frit.jit(f)
        for got, want in zip(jit(x), f(x)):
            same(got, want)
        assert len(re.findall(r"^kernel", jit.dump(x, stage="kernels"), re.M)) == 1, jit.dump(x, stage="plan")


def test_repeated_reductions_read_once():
    """Reductions of one array, of all kinds, share one kernel."""
    x = np.random.default_rng(1).normal(size=(300, 200))
    for f in (lambda x: (x.sum(), x.max(), x.mean()), lambda x: (x.min(1), x.sum(1), (x * x).sum(1)), lambda x: x.max(0) - x.min(0)):
        jit = frit.jit(f)
        for got, want in zip(jit(x), f(x)):
            same(got, want)
        kernels = re.findall(r"^kernel", jit.dump(x, stage="kernels"), re.M)
        assert len(kernels) <= 2, jit.dump(x, stage="plan")


#: Ways to write the sum of squares about the mean of long rows.
VARIANCES = {
    "var": lambda x: (x.mean(-1), x.var(-1)),
    "std": lambda x: np.std(x, axis=-1, ddof=1),
    "squares": lambda x: ((x - x.mean(axis=-1, keepdims=True)) ** 2).sum(-1),
    "product": lambda x: (x.mean(-1), ((x - np.mean(x, -1)[..., None]) * (x - np.mean(x, -1)[..., None])).mean(-1)),
    "absolute": lambda x: np.mean(np.abs(x - x.mean(-1, keepdims=True)) ** 2, axis=-1),
    "expression": lambda x: np.exp(-x).var(-1),
    "operands": lambda x: (x * 2 + x[..., ::-1]).var(-1),
    "whole": lambda x: (x.sum(), x.std()),
}


@pytest.mark.parametrize("shape", [(600_011,), (524_288,), (3, 200_000)])
@pytest.mark.parametrize("name", VARIANCES)
def test_variance_reads_once(name, shape):
    """The mean, and the squares about it, are found in one pass over memory."""
    x = np.random.default_rng(1).normal(3, 2, shape)
    f = frit.jit(VARIANCES[name])
    for got, want in zip(np.atleast_1d(f(x)), np.atleast_1d(VARIANCES[name](x))):
        np.testing.assert_allclose(got, want, rtol=1e-12)
    assert "variance-in-blocks" in str(f.explain(x).rules)


def test_variance_keeps_its_digits():
    """A mean that is large beside the deviation, special values, narrow types, strides: as good as NumPy's two passes."""
    f = frit.jit(lambda x: x.var())
    rng = np.random.default_rng(2)
    for offset in (0, 1e3, 1e6, 1e9, 1e12):
        x = rng.normal(size=600_011) + offset
        exact = np.longdouble(x).var()
        assert abs(f(x) - exact) <= 4 * abs(x.var() - exact) + 1e-14 * exact
    x = (rng.normal(size=1_500_007) + 1000).astype("f4")
    exact = np.float64(x).var()
    assert f(x).dtype == np.float32 and abs(f(x) - exact) <= 4 * abs(x.var() - exact) + 1e-6 * exact
    x = rng.normal(size=(600_000, 2))[:, 1]
    np.testing.assert_allclose(f(x), x.var(), rtol=1e-13)
    for special in (np.inf, -np.inf, np.nan, 1e200):
        y = x.copy()
        y[777] = special
        np.testing.assert_equal(f(y), y.var())
    for few in (np.empty(0), np.array([3.0]), np.arange(1000.0)):
        np.testing.assert_allclose(f(few), few.var(), rtol=1e-13)
