"""NumPy's functions in many forms: for each an expression, whose arguments are

x [4, 6], y [4, 6], v [8], w [8], s [4, 4], c [2, 3, 4] of the type that is tested; r a number; k int64[3] (positions
below 4); i int64[8] (0 to 8); q bool[8]; p bool[4, 6]; n [8] with NaNs, if the type has them.
"""

#: Compiled for float64 arguments as a whole: a rule, or a decomposition that looks at no elements.
COMPILED = """
np.add(x, y, dtype=np.float32)
np.add(x, y, dtype=np.complex128)
np.add(v, 1, dtype=np.float64, casting="unsafe")
np.subtract(x, r), np.multiply(r, v), np.divide(v, w), np.true_divide(v, 3)
np.negative(x), np.positive(v), np.absolute(x), np.fabs(v), np.sign(v)
np.power(np.abs(v), 2), np.square(v), np.sqrt(np.abs(v)), np.cbrt(v), np.reciprocal(v + 9)
np.exp(v), np.exp2(v), np.expm1(v), np.log(np.abs(v) + 1), np.log2(np.abs(v) + 1), np.log10(np.abs(v) + 1), np.log1p(np.abs(v))
np.sin(v), np.cos(v), np.tan(v), np.arctan(v), np.sinh(v), np.cosh(v), np.tanh(v), np.arcsinh(v)
np.floor(v), np.ceil(v), np.trunc(v), np.rint(v), np.fix(v)
np.isnan(n), np.isinf(v), np.isfinite(n), np.signbit(v)
np.maximum(x, y), np.minimum(v, r), np.fmax(v, w), np.fmin(v, n), np.hypot(v, w), np.arctan2(v, w), np.copysign(v, w)
np.logaddexp(v, w), np.logaddexp2(v, w), np.heaviside(v, 0.5), np.nextafter(v, w), np.spacing(v)
np.equal(v, w), np.not_equal(v, w), np.less(v, w), np.less_equal(v, w), np.greater(v, w), np.greater_equal(v, w)
np.logical_and(v, w), np.logical_or(v, w), np.logical_xor(v, w), np.logical_not(v)
np.fmod(v, 2), np.remainder(v, 3), np.floor_divide(v, 2), np.divmod(v, 3), np.float_power(np.abs(v), 2)
np.divmod(v, 3, out=(np.zeros(8), np.ones(8)))
np.modf(v), np.frexp(v), np.ldexp(v, 2)
np.degrees(v), np.radians(v), np.rad2deg(v), np.deg2rad(v)
np.matmul(x, y.T), np.vecdot(x, y), np.vecdot(x, y, axis=0), np.matvec(x, v[:6]), np.vecmat(v[:4], x)
np.add.reduce(x), np.multiply.reduce(v), np.maximum.reduce(x, axis=1), np.logical_or.reduce(x, axis=None), np.add.reduce(x, axis=None), np.maximum.reduce(x, None), np.add.reduce(x, keepdims=True)
np.subtract.reduce(v), np.logical_xor.reduce(x, axis=1), np.fmax.reduce(x), np.hypot.reduce(v), np.fmin.reduce(x, axis=(0, 1))
np.add.accumulate(x), np.maximum.accumulate(x, axis=1), np.multiply.accumulate(v), np.subtract.accumulate(v), np.fmin.accumulate(x)
np.add.reduceat(v, [0, 3, 2, 5]), np.maximum.reduceat(x, [0, 2], axis=1), np.subtract.reduceat(v, [0, 4])
np.add.outer(v, w), np.subtract.outer(x, v), np.multiply.outer(v, 2), np.less.outer(v, x)
np.add.at(v, k, 2), v
np.subtract.at(v, k, w[:3]), v
np.maximum.at(x, (k, k), 1), x
np.sum(x), np.sum(x, axis=0), np.sum(x, axis=(0, 1), keepdims=True), np.sum(x, axis=-1, where=p), np.sum(v, initial=3), x.sum(1)
np.prod(x, axis=1), np.prod(v), np.cumsum(x), np.cumsum(x, axis=1), np.cumprod(x, axis=0), v.cumsum()
np.mean(x), np.mean(x, axis=0), np.mean(x, where=p), np.mean(x, axis=1, keepdims=True), np.mean(x, dtype=np.float32)
np.var(x), np.std(x, axis=1), np.var(x, ddof=1), np.std(x, correction=1), np.var(x, axis=(0, 1), keepdims=True)
np.max(x), np.min(x, axis=0), np.amax(x, 1), np.amin(x), np.ptp(x), np.ptp(x, 0), np.ptp(x, axis=1, keepdims=True), np.max(v, initial=5)
np.argmax(x), np.argmin(x, axis=1), np.argmax(x, axis=0, keepdims=True), x.argmin()
np.any(x > 0), np.all(x > 0, axis=1), np.any(p), np.all(p, keepdims=True), np.count_nonzero(x, axis=0)
np.median(x), np.median(x, axis=1), np.median(x, axis=(0, 1), keepdims=True), np.nanmedian(n), np.nanmedian(x, axis=0)
np.percentile(x, 30), np.percentile(x, [10, 50.5, 100], axis=1), np.quantile(v, 0.25), np.quantile(x, [0.1, 0.9], axis=0, keepdims=True)
[np.quantile(v, 0.3, method=m) for m in ("lower", "higher", "nearest", "midpoint", "hazen", "weibull", "median_unbiased", "inverted_cdf")]
np.nanpercentile(n, 40), np.nanquantile(x, 0.6, axis=1)
np.nansum(n), np.nanprod(n), np.nanmean(n), np.nanstd(n), np.nanvar(n, ddof=1), np.nanmax(n), np.nanmin(n), np.nancumsum(n), np.nancumprod(n)
np.nanargmax(n), np.nanargmin(n), np.nanargmax(x, axis=1), np.nanargmin(x, axis=0, keepdims=True)
np.average(x), np.average(x, axis=0), np.average(x, axis=1, weights=np.arange(1.0, 7)), np.average(v, weights=np.abs(w) + 1, returned=True), np.average(x, axis=0, returned=True)
np.cumulative_sum(v), np.cumulative_prod(x, axis=1), np.cumulative_sum(v, include_initial=True)
np.trace(x), np.trace(s, 1), np.trace(c, 0, 1, 2), np.trace(s, dtype=np.float32)
np.where(x > 0, x, y), np.where(p, 1, 0), np.where(p, x, 0), np.where(v > 0, v, n)
np.clip(v, -0.5, 0.5), np.clip(v, None, 0), np.clip(x, y, 2), v.clip(min=0), np.clip(v, min=0, max=1)
np.round(v, 1), np.around(v), np.round(x, -1), v.round(2)
np.nan_to_num(n), np.nan_to_num(n, nan=7.0), np.nan_to_num(n, copy=True, posinf=3)
np.isclose(v, w), np.isclose(v, v + 1e-9), np.isclose(n, n, equal_nan=True)
np.angle(v), np.real(v), np.imag(v), np.conj(v), v.conj(), v.real, v.imag
np.isreal(v), np.iscomplex(v), np.isposinf(n), np.isneginf(n), np.sinc(v), np.i0(v)
np.iscomplexobj(v), np.isrealobj(v), np.ndim(x), np.shape(x), np.size(x), np.size(x, 1), np.isscalar(v), np.iterable(v), np.isfortran(x)
np.result_type(v, 1), np.can_cast(v.dtype, np.float64), np.promote_types(v.dtype, np.int32), np.min_scalar_type(v), np.common_type(v, w)
np.may_share_memory(v, w), np.may_share_memory(v, v[::2]), np.shares_memory(v[:4], v[4:]), np.shares_memory(x, x.T)
np.reshape(x, (6, 4)), np.reshape(x, -1), np.ravel(x), np.ravel(x, "F"), np.reshape(x, (3, 8), order="F"), x.flatten("F")
np.transpose(x), np.transpose(c, (2, 0, 1)), np.permute_dims(x, (1, 0)), np.matrix_transpose(c), np.swapaxes(c, 0, 2), x.T, c.mT
np.squeeze(x[None]), np.expand_dims(x, 1), np.expand_dims(v, (0, 2)), np.moveaxis(c, 0, -1), np.moveaxis(c, (0, 1), (2, 0)), np.rollaxis(c, 2)
np.atleast_1d(r, v), np.atleast_2d(v), np.atleast_3d(x), np.broadcast_to(v, (3, 8)), np.broadcast_arrays(v[:6], x)
np.diagonal(s), np.diagonal(c, 1, 0, 2), np.diag(s), np.diag(v, 1), np.diagflat(x), np.linalg.diagonal(c)
np.flip(x), np.flip(x, 1), np.fliplr(x), np.flipud(x), np.rot90(x), np.rot90(x, 2), np.rot90(c, -1, (0, 2))
np.split(v, 2), np.array_split(v, 3), np.hsplit(x, 3), np.vsplit(x, 2), np.dsplit(c, 2), np.split(v, [2, 5]), np.unstack(x), np.unstack(x, axis=1)
np.concatenate([x, y]), np.concatenate((x, y), axis=1), np.concatenate([x, y], axis=None), np.concat([v, [1, 2]]), np.concatenate([v, w], dtype=np.complex64)
np.stack([v, w]), np.stack([v, w], axis=1), np.vstack([v, w]), np.hstack([v, w]), np.dstack([x, y]), np.column_stack([v, w]), np.hstack([x, y])
np.block([[s, s], [s, s]]), np.block([v, w]), np.block([[np.ones((4, 2)), s]])
np.append(v, w), np.append(x, y, axis=0), np.append(v, 3)
np.tile(v, 2), np.tile(x, (2, 3)), np.tile(r, 3), np.repeat(x, 2), np.repeat(x, 2, axis=1), np.repeat(v, [1, 0, 2, 3, 1, 1, 0, 1])
np.roll(v, 2), np.roll(x, -1), np.roll(x, 1, axis=0), np.roll(x, (1, 2), axis=(0, 1)), np.resize(v, (2, 6)), np.resize(x, 5)
np.pad(v, 2), np.pad(x, 1, mode="edge"), np.pad(x, ((1, 0), (2, 3))), np.pad(v, 2, constant_values=3), np.pad(v, (2, 3), mode="reflect"), np.pad(v, 3, mode="wrap")
np.pad(x, 1, constant_values=((1, 2), (3, 4))), np.pad(v, 2, mode="symmetric"), np.pad(x, 1, "maximum"), np.pad(x, 2, mode="reflect", reflect_type="odd"), np.pad(v, 2, "linear_ramp", end_values=(5, -4))
np.delete(v, 2), np.delete(x, [0, 2], axis=1), np.delete(v, slice(1, 4)), np.delete(x, 1, 0), np.delete(x, [1, -1]), np.delete(v, [])
np.insert(v, 1, 5), np.insert(x, 1, y[0], axis=0), np.insert(v, [1, 3], w[:2]), np.insert(v, slice(1, 3), 9), np.insert(x, 2, 7, axis=1)
np.triu(x), np.tril(x, -1), np.triu(s, 1), np.tril(c), np.vander(v[:3]), np.vander(v[:3], 2, increasing=True), np.tri(3) * r
np.meshgrid(v, w), np.meshgrid(v, w[:3], indexing="ij"), np.meshgrid(v, w, sparse=True), np.meshgrid(v, w[:2], copy=False)
np.zeros_like(x), np.ones_like(v), np.empty_like(x).shape, np.full_like(v, 3), np.full_like(x, r), np.zeros_like(x, shape=(2, 2)), np.ones_like(x, dtype=np.int32)
np.copy(x), np.copy(x.T), x.copy(), np.array(x), np.array(x, ndmin=3), np.array([v, w]), np.array([v[0], 2.0]), np.asarray(x), np.ascontiguousarray(x.T), np.asfortranarray(x)
np.asarray(v, dtype=np.complex128), np.asanyarray([r, r]), np.require(x, np.float64), np.asarray_chkfinite(v), np.astype(v, np.complex64), v.astype(np.complex64)
np.linspace(v[0], v[1], 5), np.linspace(v, w, 4), np.linspace(v, w, 4, axis=1), np.linspace(r, 5, 4, endpoint=False, retstep=True), np.linspace(v[0], 9, 5, dtype=np.int64)
np.logspace(v[0], 2, 5), np.full((2, 3), r), np.full((2, 8), v)
np.r_[v, 0, w], np.c_[v, w], np.r_[v[:2], 1:3], np.r_["0,2", v, w], np.mgrid[0:2, 0:3] * r, np.ogrid[0:2, 0:3][0] * r
np.take(v, k), np.take(x, k, axis=0), np.take(v, [[0, 1], [2, 3]]), np.take(v, 20, mode="clip"), np.take(v, -21, mode="wrap"), x.take([1, 2], axis=1), np.take(v, 2)
np.take_along_axis(x, np.argsort(y, axis=1, kind="stable"), axis=1), np.take_along_axis(v, k, 0), np.take_along_axis(x, k, None)
np.choose(k, [v[:3], w[:3], 0, 1]), np.choose(i % 2, [v, w]), np.choose(i, [v, w], mode="wrap")
np.select([v > 0.5, v > 0], [v, w], 3), np.select([p, x > 0], [x, y]), np.piecewise(v, [v < 0, v >= 1], [-1, 1, 7])
np.compress([True, False, True], x, axis=0), np.extract([1, 0, 1, 1, 0, 0, 1, 0], v), x.compress([0, 1, 1], axis=1)
np.copyto(v, w), v
np.copyto(x, 3, where=p), x
np.put(v, [0, 2], w[:2]), v
np.put(x, [1, -2], [3.0]), x
np.put(v, [1, 20], w, mode="clip"), np.put(v, [-9, 11], w, mode="wrap"), v
np.put(x.T, k, 1), x
np.putmask(v, v > 0, w), v
np.putmask(x, p, [1, 2, 3]), x
np.place(v, q, w[:3]), v
np.place(x, x > 0, 5), x
np.put_along_axis(x, np.argmax(x, axis=1, keepdims=True), 9, axis=1), x
np.put_along_axis(v, k, w[:3], None), v
np.fill_diagonal(x, 3), x
np.fill_diagonal(s, w[:2]), s
np.fill_diagonal(np.broadcast_to(s, (1, 4, 4)), 1) if False else np.fill_diagonal(x.T, 2, wrap=True), x
x.flat[3], x.flat[2:9:3], x.T.flat[[1, 2]], len(x.flat), [e for e in v.flat][2]
x.flat.__setitem__(slice(None, None, 5), w), x
x.T.flat.__setitem__(7, 1), x
setattr(x, "flat", w[:5]), x
np.sort(x), np.sort(x, axis=0), np.sort(x, axis=None), np.sort(v, kind="stable"), np.argsort(x, kind="stable"), np.argsort(v), np.lexsort((v, w)), np.lexsort(x)
v.sort(), x.sort(axis=0), v, x
np.searchsorted(np.sort(v), w), np.searchsorted(np.sort(v), 0.5, side="right"), np.searchsorted(v, w, sorter=np.argsort(v)), np.sort(v).searchsorted(r)
np.digitize(v, [-1.0, 0.0, 1.0]), np.digitize(v, [1.0, 0.0, -1.0]), np.digitize(v, np.array([0.0, 1.0]), right=True)
np.isin(v, w), np.isin(x, [1, 2]), np.isin(v, v[:3], invert=True)
np.dot(x, y.T), np.dot(v, w), np.dot(v, 2), np.inner(x, y), np.outer(v, w), np.vdot(v, w), np.kron(s[:2], x[:2, :2]), np.kron(v[:2], w[:2]), v.dot(w), x @ v[:6]
np.tensordot(x, y, axes=2), np.tensordot(x, y, axes=([1], [1])), np.tensordot(x, y.T, 1), np.tensordot(v, w, 0)
np.cross(x[:, :3], y[:, :3]), np.cross(v[:3], w[:3]), np.cross(x[:3].T, y[:3].T), np.cross(x[:3], y[:3], axis=0), np.cross(x[:, :3], y[:3], axisb=0) if False else np.cross(x[:3], y[:3], axisa=0, axisb=0, axisc=0)
np.einsum("ij,ij->i", x, y), np.einsum("ij->ji", x), np.einsum("ii", s), np.einsum(x, [0, 1], y, [2, 1], [0, 2]), np.einsum("...j,...j", x, y), np.einsum("ij,kj", x, y, optimize=True)
np.linalg.multi_dot([x, y.T, x]), np.linalg.matrix_power(s, 3), np.linalg.outer(v, w), np.linalg.cross(v[:3], w[:3]), np.linalg.matmul(s, s), np.linalg.vecdot(x, y), np.linalg.trace(s), np.linalg.tensordot(x, y, axes=2)
np.diff(v), np.diff(x, axis=0), np.diff(x, 2), np.diff(v, prepend=0), np.diff(x, append=y[:, :1]), np.ediff1d(v), np.ediff1d(x, to_begin=[1, 2], to_end=3)
np.gradient(v), np.gradient(x), np.gradient(x, axis=0), np.gradient(v, 2.0), np.gradient(x, 0.5, 2.0), np.gradient(v, np.arange(8.0) ** 2), np.gradient(v, edge_order=2)
np.trapezoid(v), np.trapezoid(x, dx=2.0), np.trapezoid(v, np.arange(8.0)), np.trapezoid(x, axis=0)
np.interp(v, [-1.0, 0.0, 1.0], [3.0, 4.0, 6.0]), np.interp(v, np.arange(8.0), w, left=-1, right=5), np.interp(0.5, [0, 1], [3, 4]), np.interp(v, [0.0, 1.0, 2.0], [3.0, 4.0, 5.0], period=3)
np.cov(x), np.cov(v, w), np.cov(x, rowvar=False), np.cov(x, bias=True), np.cov(x, aweights=[1, 2, 3, 4, 5, 6]), np.cov(x, ddof=0), np.corrcoef(x), np.corrcoef(v, w)
np.convolve(v, w[:3]), np.convolve(v, w[:3], "same"), np.convolve(v[:2], w, "valid"), np.correlate(v, w[:3]), np.correlate(v[:3], w, "full"), np.correlate(v, w, "same")
np.unwrap(v * 4), np.unwrap(x * 4, axis=0), np.unwrap(v * 4, discont=4.0), np.unwrap(v * 4, period=3.0)
np.histogram(v, 4), np.histogram(v, 5, range=(-1, 1)), np.histogram(x, [-1.0, 0.0, 0.5, 2.0]), np.histogram(v, 3, density=True), np.histogram(v, 3, weights=np.abs(w)), np.histogram(v, [-9.0, 0.0, 9.0], weights=w), np.histogram_bin_edges(v, 4)
np.polyval([1, 2, 3], v), np.polyval(w[:3], v), np.polyadd(v, w[:3]), np.polysub(v, w), np.polyder(v), np.polyint(v), np.polynomial.polynomial.polyval(v, [1.0, 2.0]), np.polynomial.chebyshev.chebval(v, [1, 2, 3]), np.polynomial.legendre.legvander(v, 2)
np.apply_along_axis(np.sort, 0, x), np.apply_along_axis(lambda a: a.sum(), 1, x), np.apply_over_axes(np.sum, c, [0, 2])
np.lib.stride_tricks.sliding_window_view(v, 3), np.lib.stride_tricks.sliding_window_view(x, (2, 3)), np.lib.stride_tricks.sliding_window_view(x, 2, axis=0).sum(-1)
np.sort_complex(v), np.ix_(k, k), np.diag_indices_from(s), np.tril_indices_from(s), np.fft.fftshift(v), np.fft.ifftshift(x, axes=0), np.fft.fftshift(x)
np.linalg.inv(s + 9 * np.eye(4)), np.linalg.det(s), np.linalg.slogdet(s), np.linalg.solve(s + 9 * np.eye(4), v[:4]), np.linalg.solve(s + 9 * np.eye(4), x), np.linalg.cholesky(s @ s.T.conj() + np.eye(4)), np.linalg.pinv(x), np.linalg.tensorsolve(s + 9 * np.eye(4), v[:4])
np.linalg.svdvals(x), np.linalg.svd(x, compute_uv=False), np.linalg.eigvalsh(s + s.T.conj()), np.linalg.matrix_rank(x), np.linalg.cond(s + 9 * np.eye(4)), np.linalg.cond(s + 9 * np.eye(4), 1), np.linalg.matrix_norm(x), np.linalg.vector_norm(v), np.linalg.vector_norm(x, axis=1, ord=1)
np.linalg.norm(v), np.linalg.norm(x), np.linalg.norm(x, axis=1), np.linalg.norm(v, 1), np.linalg.norm(v, np.inf), np.linalg.norm(x, "fro"), np.linalg.norm(x, 2), np.linalg.norm(x, axis=0, keepdims=True), np.linalg.norm(v, 3)
np.fft.fft(v), np.fft.ifft(v), np.fft.fft(x, 8), np.fft.fft(x, axis=0, norm="ortho"), np.fft.fft2(x), np.fft.ifft2(x), np.fft.fftn(c), np.fft.ifftn(c, axes=(0, 2)), np.fft.fftfreq(8, r) if False else np.fft.fftfreq(8) * r
np.broadcast(v[:6], x).shape if False else np.broadcast_shapes(v.shape, (3, 1))
""".strip().splitlines()

#: Compiled for real float64 arguments.
REAL = """
np.fft.rfft(v), np.fft.irfft(v), np.fft.rfft2(x), np.fft.irfft2(x), np.fft.rfftn(c), np.fft.irfftn(c), np.fft.hfft(v), np.fft.ihfft(v)
np.arcsin(np.clip(v, -1, 1)), np.arccos(np.clip(v, -1, 1)), np.arccosh(np.abs(v) + 1), np.arctanh(np.clip(v, -0.9, 0.9))
np.interp(v, np.arange(8.0), w + 1j), np.interp(v, np.arange(8.0), w * 1j, left=2j)
np.logaddexp.reduce(v), np.logaddexp.reduce(x, axis=1), np.fmod.reduce(v)
""".strip().splitlines()

#: Compiled for integers.
INTEGERS = """
np.bitwise_and(x, y), np.bitwise_or(v, 3), np.bitwise_xor(v, w), np.invert(v), np.left_shift(v, 1), np.right_shift(v, 1), np.bitwise_count(x)
np.gcd(v, w), np.lcm(v, w), np.bitwise_or.reduce(x), np.bitwise_and.reduce(x, axis=1), np.bitwise_xor.reduce(v), np.gcd.reduce(v), np.bitwise_or.accumulate(v)
np.sum(x, dtype=np.int32), np.add(v, w, dtype=np.int32), np.cumsum(v, dtype=np.float32), np.prod(v, dtype=np.float64), np.mean(v), np.add.reduce(v, dtype=np.int16)
np.take(x, v % 3, axis=1), v // 2, v % 3, divmod(v, 3), v << 1, v >> 1, ~v, -v, abs(v), v ** 2
""".strip().splitlines()

#: NumPy raises.
RAISING = """
np.add(v, w, dtype=np.int64)
np.add(v.astype(np.uint8), 300)
np.add(v.astype(np.uint8), -1)
np.percentile(v, 150)
np.average(v, weights=np.zeros(8))
np.average(v, weights=w - w)
np.nanargmax(v * np.nan)
np.histogram(v * np.nan, 3)
np.histogram(v, 0)
np.histogram(v, [3.0, 1.0])
np.partition(v, 9)
np.copyto(np.zeros(2, int), 1.5)
np.copyto(i, v)
np.linalg.inv(x)
np.linalg.inv(s * 0)
np.linalg.cholesky(-np.eye(4) + s * 0)
np.take(v, 30)
np.put(v, 30, 1)
np.choose([5, 6], [v[:2], w[:2]])
np.reshape(x, (5, 5))
np.split(v, 3)
np.concatenate([x, v])
np.stack([v, w[:3]])
np.linspace(v[0], 1, -3)
np.fill_diagonal(v, 1)
np.place(v, q[:3], 1)
np.delete(v, 12)
np.insert(v, 12, 0)
np.diff(v, -1)
np.cross(v, w)
np.einsum("ij,jk", x, y)
np.tensordot(x, y, 1)
np.asarray_chkfinite(v / 0)
np.fft.fft(v, 0)
np.moveaxis(x, 3, 0)
np.cov(x, ddof=1.5)
np.interp(v, [0, 1], [1, 2, 3])
np.lexsort((v, w[:2]))
np.matmul(v, 2)
np.linalg.solve(x, v)
np.broadcast_to(x, (2, 3))
np.put_along_axis(x, k, 1, axis=1)
np.sliding
np.max(v[:0])
np.argmin(x[:, :0], axis=1)
np.searchsorted(v, w, sorter=[0])
np.gradient(v[:1])
np.cumsum(x, axis=5)
""".strip().splitlines()
