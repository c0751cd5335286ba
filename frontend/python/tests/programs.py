"""Small programs in plain NumPy: views, aliases, assignments, masks, `out=`, mutated arguments, library idioms.

A line is `arguments | statements`; arguments are named `a`, `b`, `c`, ... The result is `r`, or what is returned.
"""

#: What stands for arguments: v, w float64[8]; m, n float64[4, 6]; s, t float64[4, 4]; i int64[8]; k int64[3] (positions);
#: z complex128[5]; f float32[4, 6]; q bool[8]; c float64[3, 4, 5]; g a NumPy float64 scalar; u uint8[8].
COMPILED = """
u | return np.gradient(a * 1.0, np.array([9, 7, 6, 5, 4, 3, 2, 1], np.uint8)), np.gradient(a, np.array([-100, -50, 0, 20, 40, 60, 100, 120], np.int8))
v | return np.interp(a, [-1.0, 0.0, 0.5, 1.0], [np.inf, 1.0, 1.0, -np.inf]), np.interp(a, [-np.inf, 0.0, 1.0], [0.0, 5.0, 5.0])
v | return np.interp(a, [-1.0, 0.0, 1.0], [1 + 1j, np.inf * 1j, 3.0], left=2j)
z | return np.sinh(a * np.inf), np.cosh(a * np.inf), np.tanh(a * 100), np.exp(a * np.inf), np.arctanh(a * np.inf), np.arccos(a * np.inf)
f | return np.isclose(a, a[0, 0] * 0 + 1.0000000000000002), np.isclose(a * 0 + 1, 0.9999999999999998, rtol=0, atol=0)
u | return a.sum(dtype=np.uint8), np.cumsum(a, dtype=np.int16), np.add.reduce(a[None], axis=None)
v | return (a + 1)[7], (a + 1)[-8], (a * 2).reshape(2, 4)[1, 3]
v | return a + 1
v w | return a * b - a / b
f | return a * 2.5 + 1
f g | return a * b
i | return a / 2, a // 3, a % 3, a ** 2, -a
i | return a * 2.5
u | return a + 1, a * 3
u | return a.sum(), a.mean(), a.max()
v | return a ** 2, a ** 0.5, a ** -1, a ** 3, 2.0 ** a
v | return abs(a), +a, -a, a < 0.5, a == a, a != 0.25
q | return ~a, a & a, a | a, a ^ a
v w | return np.maximum(a, b), np.minimum(a, b), np.hypot(a, b), np.arctan2(a, b)
v | return np.exp(a), np.log(a + 2), np.sin(a), np.tanh(a), np.cbrt(a)
z | return a.real, a.imag, a.conj(), np.abs(a), np.angle(a)
z | b = a.copy(); b.real = 1; b.imag *= 2; return b
m | return a.sum(), a.sum(0), a.sum(axis=1, keepdims=True), a.mean(1), a.std(), a.var(0, ddof=1)
m | return a.max(), a.min(0), a.argmax(1), a.argmin(), np.ptp(a, 1)
m | return a.cumsum(), a.cumsum(0), a.cumprod(1)
m | return np.median(a, 0), np.percentile(a, 30), np.quantile(a, 0.2, axis=1)
m | return a.T, a.T + 1, a.reshape(6, 4), a.reshape(-1), a.ravel()
m n | return a @ b.T, np.dot(a, b.T), np.einsum("ij,kj->ik", a, b)
s t | return np.linalg.inv(a + 5 * np.eye(4)), np.linalg.det(a), np.linalg.solve(a + 4 * np.eye(4), b)
v w | return np.outer(a, b), np.inner(a, b), a @ b, np.convolve(a, b), np.correlate(a, b, "same")
m | return np.linalg.norm(a), np.linalg.norm(a, axis=1), np.trace(a[:, :4])
v | return np.fft.fft(a), np.fft.rfft(a), np.fft.irfft(np.fft.rfft(a), 8)
m | return a[1], a[:, 2], a[1, 2], a[-1, ::-1], a[..., None], a[1:3, ::2]
m | return a[[0, 2]], a[:, [1, 1, 4]], a[[0, 1], [2, 3]]
v k | return a[b], a[b] * 2
m k | return a[b], a[:, b], a[b, 1]
m k | r = a[b[:, None], b]; return r
v | y = a[::2]; y[:] = 0; return a
v | y = a[1:]; z = y[1:]; z += 10; return a, y, z
v | y = a; y += 1; return a
v | y = a.copy(); y += 1; return a, y
v | y = a + 0; w = y; w[2] = 7; return y
m | y = a.T; y[0] = 5; return a
m | y = a.reshape(-1); y[::3] = -1; return a
m | y = a.ravel(); y[0] = 9; return a
m | y = a.flatten(); y[0] = 9; return a, y
m | y = a.T.ravel(); y[0] = 9; return a, y
m | y = a.T.reshape(4, 6); y[0] = 9; return a
m | y = (a.T * 1).reshape(-1); y[0] = 9; return y
m | x = a.T * 1; y = x.reshape(-1); y[0] = 9; return x, y
m | x = a * 1; y = x.reshape(-1); y[0] = 9; return x, y
m | x = a * 1; y = x.T; y[1, 2] = 4; x[0] += 1; return x, y
m | a[1:3, ::2] = 0; return a.sum()
m | a[:, 1] *= 3; a[0] -= a[1]; return None
m | a[:] = a[::-1]; return a
m | a[:-1] = a[1:]; return a
v | a[1:] += a[:-1]; return a
v | a[1:] = a[:-1] * 2; return a
v | a[::-1] += a; return a
m | a[:, ::-1] -= a; return a
m | a[1, 2] = 7.5; a[-1, -1] += 1; return a
m | a[0] = [1, 2, 3, 4, 5, 6]; return a
m | a[...] = 1; return a
m | a[None][0, 1] = 3; return a
m | y = a[:, None, :]; y[:, 0, 2] = 8; return a
m | y = np.flip(a, 1); y[0, 0] = 100; return a
m | y = np.rot90(a); y[0, 0] = 100; return a
m | y = np.moveaxis(a, 0, 1); y[0] = 3; return a
m | y = np.swapaxes(a, 0, 1)[1]; y -= 2; return a
m | x, y = np.split(a, 2); x[0] = 0; y += x; return a
m | for row in a: row -= row.mean()
m | for j in range(a.shape[1]): a[:, j] /= a[:, j].sum()
m | a[a > 0.5] = 0; return a
v q | a[b] = 3; return a
m | a[a[:, 0] > 0] = 1; return a
v k | a[b] = 0; return a
v k | a[b] = [1, 2, 3]; return a
v k | a[b] += 1; return a
v k | np.add.at(a, b, 1.0); return a
m k | a[:, b] = 2; return a
m k | a[b, b] = -1; return a
v w | np.add(a, b, out=a); return a
v w | np.multiply(a, 2, out=b); return a + b
v w | np.sqrt(np.abs(a), out=b[:]); return b
m | np.sum(a, axis=0, out=a[0]); return a
v w | np.add(a, 1, out=b, where=a > 0); return b
v w | np.copyto(a, b); return a
v w | np.copyto(a, b, where=b > 0.5); return a
v | np.clip(a, 0.2, 0.6, out=a); return a
v | np.put(a, [1, 3], 9.0); return a
s | np.fill_diagonal(a, 5.0); return a
v | a.sort(); return a
m | a.sort(axis=0); return a
v | a.fill(3); return a
v | r = np.zeros(8); r[2:5] = a[2:5]; return r
v | r = np.empty(8); r[:] = a; r[0] = 1; return r
m | r = np.zeros_like(a); r[1:-1] = a[2:] - a[:-2]; return r
m | r = np.empty_like(a); r.fill(2); r[0] = a[1]; return r
m | r = np.full_like(a, 7); r[a > 0] = 1; return r
m | r = np.ones((4, 6)); r *= a; return r
v | r = np.zeros((8, 3)); r[:, 0] = a; r[:, 1] = a ** 2; r[:, 2] = 1; return r
v | r = np.zeros(8, dtype=int); r[a > 0] = 1; return r
v | r = np.arange(8.0); r += a; return r, np.arange(8) * a
v | return a * np.linspace(0, 1, 8), np.eye(8) @ a
v | return np.array([a[0], a[1] + 1, 3]), np.stack([a, a]), np.array([a, a * 2])
m | return np.concatenate([a, a * 2]), np.vstack([a, a]), np.hstack([a, a])
v | return np.asarray(a) + 1, np.asanyarray(a), np.atleast_1d(a), np.atleast_2d(a)
v | assert isinstance(a, np.ndarray) and a.dtype.kind == "f" and np.issubdtype(a.dtype, np.floating); return a
v | x = np.array(a, copy=True); x[0] = 5; return a, x
v | x = np.asarray(a); x[0] = 5; return a
v | x = np.asarray(a, dtype=np.float32); x[0] = 5; return a, x
f | return a.astype(float), a.astype(np.int32), np.result_type(a, np.float64) == np.float64
v | with np.errstate(all="ignore"): return np.log(a)
v | return np.where(a > 0.5, a, 0), np.where(a > 0.5, 1, 0)
v w | return np.select([a > 0.5, b > 0.5], [a, b], -1)
v | return np.clip(a, 0, 0.5), a.clip(max=0.5), np.nan_to_num(a), np.round(a, 2)
v | return np.diff(a), np.gradient(a), np.trapezoid(a), np.unwrap(a * 10)
v | return np.interp([0.1, 0.5], np.arange(8.0), a)
v | return np.sort(a), np.argsort(a), np.searchsorted(np.sort(a), 0.5)
v k | return np.take(a, b), a.take(b), np.take_along_axis(a, b, 0)
m | return np.roll(a, 1), np.roll(a, 2, axis=1), np.tile(a, 2), np.repeat(a, 3, axis=0)
m | return np.pad(a, 1), np.pad(a, ((1, 0), (0, 2)), mode="edge")
m | return np.triu(a), np.tril(a, -1), np.diag(a[:, :4]), np.diag(a[0])
m | return np.broadcast_to(a[0], (3, 6)) + 1
m | x, y = np.broadcast_arrays(a, a[0]); return x + y
v w | x, y = np.meshgrid(a, b); return x + y
c | return a.transpose(2, 0, 1), a.swapaxes(0, 2), a.sum((0, 2)), a.reshape(12, 5)
c | y = a.transpose(2, 0, 1)[1]; y[...] = 0; return a
c | a[:, 1:3, ::2] *= -1; return a[..., 0]
c | y = a[:, 1]; y[:, [0, 2]] = 5; return a
v | s = a.sum(); t = s; s += 1; return s, t
v | x = a[0]; a[0] = 5; return x, a
g | return a + 1, np.sqrt(a * a)
v | return {"x": a + 1, "y": (a.sum(), None, 3, "text")}
v | return [a, a[::2]], a
v | x = a * 2; return x, x[::2], x
v | return len(a), a.shape, a.ndim, a.size, a.dtype
v | return a.mean() > 0, np.any(a > 0), np.all(a > 5)
v | x = a; x = x + 1; return a, x
v | lo, hi = a[:4], a[4:]; lo[:], hi[:] = hi.copy(), lo.copy(); return a
v | a[:4], a[4:] = a[4:], a[:4]; return a
m | n = a.shape[0]; return np.exp(a - a.max(1, keepdims=True)) / n
m | d = a[:, None, :] - a[None, :, :]; return np.sqrt((d ** 2).sum(-1))
s | r = a.copy(); r[1:-1, 1:-1] = (a[:-2, 1:-1] + a[2:, 1:-1]) / 2; return r
v | for _ in range(3): a[1:-1] = (a[:-2] + a[2:]) / 2
v | return np.isnan(a), np.isfinite(a), np.sign(a), np.floor(a), np.isclose(a, 0.25)
v | return divmod(a, 0.3), np.modf(a), np.frexp(a)
v | return np.add.reduce(a), np.maximum.accumulate(a), np.multiply.outer(a, a)
v | return np.add(a, 1, dtype=np.float32)
v | return 1 / (1 + np.exp(-a)), 1 - a, 2 ** a, 3 // (a + 1)
v w | return np.polyval(b[:3], a), np.cross(a[:3], b[:3]), np.kron(a[:2], b[:2])
v w | return np.float32(2) * a, np.float64(3) + b, np.int64(2) * a
m | return np.apply_along_axis(np.sum, 0, a), np.apply_along_axis(lambda r: r[::2] * 2, 1, a)
m | return np.squeeze(a[None]), np.expand_dims(a, 1), a[:, np.newaxis]
m | a += a.T.T; return a
s | a += a.T; return a
s | a[:] = a.T; return a
s | a -= a[0]; return a
s | a[0], a[1] = a[1], a[0].copy(); return a
v | return np.histogram(a, 4), np.histogram(a, 5, (-1, 1), weights=a)
""".strip().splitlines()

#: Data decides what Python does, or the sizes of results: parts are compiled, and nothing is to be warned of.
DECIDED = """
v | return a[a > 0.5]
v | return np.nonzero(a > 0)
m | a[a < 0] *= -1; return a
v q | a[~b] += 1; return a
m | y = a[a > 0]; y[:] = 1; return a, y
v | return np.unique(a)
v | return float(a[0]) + 1
v | return a * float(a[0]) + float(a[1])
v | return a + 1 if a.sum() > 0 else a - 1
v | a += 1; return a * 2 if a[0] > 0 else a
v | while np.abs(a).max() < 100: a *= 2
v | return int(a.argmax())
v | return a[int(a.argmax()):]
v | return np.zeros(int(abs(a[0]) * 3)), np.arange((a > 0).sum())
v | return len(a[a > 0])
v | return a.tolist()
v | return sorted(a)
v | return [x for x in a if x > 0]
v | return 0.25 in a
v | import math; return math.sin(a[0])
v | y = a[::2]; s = a.sum() > 0; y[:] = s; a[1] += y[0]; return y
v | y = a[::2]; n = int(a[0] * 8); a[1:] = n; return y
m | y = a.T; b = a.sum() > 0; y[0] = 5; a[1] = 3; return y
m | y = a.reshape(-1); b = bool(y[0] > 0); y[::3] = -1; return a
v w | a[:] = b; b += a if a[0] > 0 else 1; return b
v | b = a + 1; c = b; d = bool(b[0] > 0); c += 1; return b
v | t = a[a > 0]; t *= 2; a[a > 0] = t; return a
v | return np.histogram(a, 4)
v | y = np.piecewise(a, [a < 0, a >= 0], [-1, 1]); a += y; return a
v | s = 0.0; n = 0; r = [float(x) for x in a]; return sum(r)
v | r = a.copy(); n = len(r[r > 0]); r[:n] = 0; return r
v | r = np.zeros(8); r[a > 0] = a[a > 0]; return r
v | r = np.where(a > 0)[0]; return a[r]
v | i = a.argmax(); return a[i], a[i:]
""".strip().splitlines()

#: Parts through NumPy: no rule.
BROKEN = """
m | a.shape = (6, 4); return a + 1
v | return np.packbits(a > 0) + a[0]
v | return np.linalg.eig(np.outer(a, a) + np.eye(8))
v | y = np.packbits(a > 0); a += y[0]; return a, y
""".strip().splitlines()

#: NumPy raises, and so must the traced function: the same type, the same text.
RAISING = """
v | return a + np.ones(3)
v | return a.reshape(3, 3)
v | return a[10]
m | return a[0, 9]
m | return a.sum(axis=2)
m | return a[1, 2, 3]
m | return a @ a
v | a[2:5] = [1, 2]
i | a += 0.5
v | return np.concatenate([a, a[None]])
s | return np.linalg.inv(a * 0)
v k | return a[b + 100]
v | return a[np.array([True, False])]
m | return np.rollaxis(a, -5)
m | return np.moveaxis(a, 3, 0)
m | return np.rot90(a, 1, (0, 5))
v | return np.vsplit(a, 2)
m | return np.gradient(a, np.arange(4.0))
v | return np.meshgrid(a, a, indexing="up")
v w | return np.concatenate([a, b], out=np.zeros(3) + a[0])
v | return np.broadcast_to(a, (3, 5))
v | np.broadcast_to(a, (2, 8))[0] = 1
v | return a.transpose(1, 0)
v | return a[1.5]
v | return a.nothing
v | return np.stack([a, a[:3]])
v | return ~a
q | return -a
z | return np.floor(a)
v | a.diagonal()
""".strip().splitlines()
