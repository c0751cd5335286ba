//! NumPy-named methods and functions over [`Array`], on top of the builder in `frit_ir::build`.

use crate::tracer::{Array, Operand, build, build_many, elementwise};
use frit_ir::build::Builder;
use frit_ir::dim::product;
use frit_ir::error::{Cause, TypeError};
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar};

/// Axes of a reduction: `()` for all, an `i64`, or a list. Negative axes count from the end.
pub trait Axes {
    /// `None` for all axes.
    fn axes(&self) -> Option<Vec<i64>>;
}

impl Axes for () {
    fn axes(&self) -> Option<Vec<i64>> {
        None
    }
}

impl Axes for i64 {
    fn axes(&self) -> Option<Vec<i64>> {
        Some(vec![*self])
    }
}

impl Axes for i32 {
    fn axes(&self) -> Option<Vec<i64>> {
        Some(vec![i64::from(*self)])
    }
}

impl<const N: usize> Axes for [i64; N] {
    fn axes(&self) -> Option<Vec<i64>> {
        Some(self.to_vec())
    }
}

macro_rules! unary {
    ($($name:ident $op:ident;)*) => {
        impl Array {$(
            #[doc = concat!("Elementwise `", stringify!($name), "`, as NumPy's.")]
            #[track_caller]
            pub fn $name(self) -> Array { elementwise(Op::$op, &[self.into()]) }
        )*}
    };
}

macro_rules! binary {
    ($($name:ident $op:ident;)*) => {
        impl Array {$(
            #[doc = concat!("Elementwise `", stringify!($name), "`, as NumPy's; shapes broadcast.")]
            #[track_caller]
            pub fn $name(self, other: impl Into<Operand>) -> Array { elementwise(Op::$op, &[self.into(), other.into()]) }
        )*}
    };
}

macro_rules! reductions {
    ($($name:ident $keep:ident $op:ident;)*) => {
        impl Array {$(
            #[doc = concat!("`", stringify!($name), "` over axes, as NumPy's.")]
            #[track_caller]
            pub fn $name(self, axes: impl Axes) -> Array { reduce(self, Op::$op, axes, false) }
            #[doc = concat!("`", stringify!($name), "` over axes, which stay with size 1 (`keepdims=True`).")]
            #[track_caller]
            pub fn $keep(self, axes: impl Axes) -> Array { reduce(self, Op::$op, axes, true) }
        )*}
    };
}

unary! {
    absolute Absolute; sign Sign; square Square; sqrt Sqrt; cbrt Cbrt; reciprocal Reciprocal;
    exp Exp; exp2 Exp2; expm1 Expm1; log Log; log2 Log2; log10 Log10; log1p Log1p;
    sin Sin; cos Cos; tan Tan; arcsin Arcsin; arccos Arccos; arctan Arctan;
    sinh Sinh; cosh Cosh; tanh Tanh; arcsinh Arcsinh; arccosh Arccosh; arctanh Arctanh;
    degrees Degrees; radians Radians; erf Erf; erfc Erfc; lgamma Lgamma; gamma Gamma;
    floor Floor; ceil Ceil; trunc Trunc; rint Rint; real Real; imag Imag; conjugate Conjugate; angle Angle;
    isnan Isnan; isinf Isinf; isfinite Isfinite; signbit Signbit; logical_not LogicalNot; invert Invert;
    frexp_mantissa FrexpMantissa; frexp_exponent FrexpExponent;
}

binary! {
    add_ Add; subtract Subtract; multiply Multiply; divide Divide; floor_divide FloorDivide; remainder Remainder;
    fmod Fmod; power Power; maximum Maximum; minimum Minimum; fmax Fmax; fmin Fmin; hypot Hypot; arctan2 Arctan2;
    logaddexp Logaddexp; logaddexp2 Logaddexp2; copysign Copysign; nextafter Nextafter; heaviside Heaviside;
    ldexp Ldexp; equal Equal; not_equal NotEqual; less Less; less_equal LessEqual; greater Greater;
    greater_equal GreaterEqual; logical_and LogicalAnd; logical_or LogicalOr; logical_xor LogicalXor; gcd Gcd; lcm Lcm;
}

reductions! {
    sum sum_keepdims Sum; prod prod_keepdims Prod; min min_keepdims Min; max max_keepdims Max;
    any any_keepdims Any; all all_keepdims All; argmin argmin_keepdims Argmin; argmax argmax_keepdims Argmax;
    mean mean_keepdims Mean; count_nonzero count_nonzero_keepdims CountNonzero; logsumexp logsumexp_keepdims Logsumexp;
    nansum nansum_keepdims Nansum; nanprod nanprod_keepdims Nanprod; nanmin nanmin_keepdims Nanmin;
    nanmax nanmax_keepdims Nanmax; nanmean nanmean_keepdims Nanmean;
}

#[track_caller]
fn reduce(x: Array, op: Op, axes: impl Axes, keepdims: bool) -> Array {
    let axes = axes.axes();
    build(&[x], |b, v| b.reduce(op, v[0], axes.as_deref(), keepdims))
}

#[track_caller]
fn spread(x: Array, op: Op, axes: impl Axes, ddof: f64) -> Array {
    let axes = axes.axes();
    let more = Attrs::new([(Key::Ddof, Attr::Scalar(Scalar::from_f64(DType::F64, ddof)))]);
    build(&[x], |b, v| b.reduce_with(op, v[0], axes.as_deref(), false, more))
}

fn dims<T: Into<Dim> + Clone>(shape: &[T]) -> Vec<Dim> {
    shape.iter().cloned().map(Into::into).collect()
}

/// Fills in one `-1` of a new shape.
fn full_shape(b: &Builder, from: &[Dim], shape: &[Dim]) -> Result<Vec<Dim>, TypeError> {
    let open: Vec<usize> = (0..shape.len()).filter(|k| shape[*k].is(-1)).collect();
    let mut shape = shape.to_vec();
    match open[..] {
        [] => {}
        [k] => {
            let rest = product(shape.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, d)| d));
            shape[k] = product(from).floor_div(&rest);
        }
        _ => return Err(b.error(Op::Reshape, Cause::Value("can only specify one unknown dimension".into()))),
    }
    Ok(shape)
}

impl Array {
    /// The same values as another element type.
    #[track_caller]
    pub fn astype(self, dtype: DType) -> Array {
        build(&[self], |b, v| b.cast(v[0], dtype))
    }

    /// Variance over axes; `ddof` is subtracted from the count.
    #[track_caller]
    pub fn var(self, axes: impl Axes, ddof: f64) -> Array {
        spread(self, Op::Var, axes, ddof)
    }

    /// Standard deviation over axes.
    #[track_caller]
    pub fn std(self, axes: impl Axes, ddof: f64) -> Array {
        spread(self, Op::Std, axes, ddof)
    }

    /// Running sum along an axis.
    #[track_caller]
    pub fn cumsum(self, axis: i64) -> Array {
        build(&[self], |b, v| b.cumulative(Op::Cumsum, v[0], axis))
    }

    /// Running product along an axis.
    #[track_caller]
    pub fn cumprod(self, axis: i64) -> Array {
        build(&[self], |b, v| b.cumulative(Op::Cumprod, v[0], axis))
    }

    /// Running maximum along an axis.
    #[track_caller]
    pub fn cummax(self, axis: i64) -> Array {
        build(&[self], |b, v| b.cumulative(Op::Cummax, v[0], axis))
    }

    /// Running minimum along an axis.
    #[track_caller]
    pub fn cummin(self, axis: i64) -> Array {
        build(&[self], |b, v| b.cumulative(Op::Cummin, v[0], axis))
    }

    /// Another shape with as many elements, C order; one size may be -1.
    #[track_caller]
    pub fn reshape<T: Into<Dim> + Clone>(self, shape: &[T]) -> Array {
        let shape = dims(shape);
        build(&[self], |b, v| {
            let shape = full_shape(b, b.shape(v[0]), &shape)?;
            b.reshape(v[0], &shape)
        })
    }

    /// One axis.
    #[track_caller]
    pub fn ravel(self) -> Array {
        self.reshape(&[-1])
    }

    /// Axes reversed.
    #[track_caller]
    pub fn t(self) -> Array {
        build(&[self], |b, v| {
            let perm: Vec<i64> = (0..b.ty(v[0]).rank() as i64).rev().collect();
            b.transpose(v[0], &perm)
        })
    }

    /// Axes in another order.
    #[track_caller]
    pub fn transpose(self, perm: &[i64]) -> Array {
        build(&[self], |b, v| {
            let rank = b.ty(v[0]).rank();
            let perm: Vec<i64> =
                perm.iter().map(|p| b.axis(Op::Transpose, rank, *p)).collect::<Result<_, _>>()?;
            b.transpose(v[0], &perm)
        })
    }

    /// The last two axes exchanged.
    #[track_caller]
    pub fn matrix_transpose(self) -> Array {
        build(&[self], |b, v| b.matrix_transpose(v[0]))
    }

    /// An axis moved to another place.
    #[track_caller]
    pub fn moveaxis(self, from: i64, to: i64) -> Array {
        build(&[self], |b, v| {
            let rank = b.ty(v[0]).rank();
            let (from, to) = (b.axis(Op::Transpose, rank, from)?, b.axis(Op::Transpose, rank, to)?);
            let mut perm: Vec<i64> = (0..rank as i64).filter(|k| *k != from).collect();
            perm.insert(to as usize, from);
            b.transpose(v[0], &perm)
        })
    }

    /// A new axis of size 1 at a place of the result.
    #[track_caller]
    pub fn expand_dims(self, axis: i64) -> Array {
        build(&[self], |b, v| {
            let axis = b.axis(Op::ExpandDims, b.ty(v[0]).rank() + 1, axis)?;
            b.expand_dims(v[0], &[axis])
        })
    }

    /// Without an axis of size 1.
    #[track_caller]
    pub fn squeeze(self, axis: i64) -> Array {
        build(&[self], |b, v| {
            let axis = b.axis(Op::Squeeze, b.ty(v[0]).rank(), axis)?;
            b.squeeze(v[0], &[axis])
        })
    }

    /// Broadcast to a shape.
    #[track_caller]
    pub fn broadcast_to<T: Into<Dim> + Clone>(self, shape: &[T]) -> Array {
        let shape = dims(shape);
        build(&[self], |b, v| b.broadcast_to(v[0], &shape))
    }

    /// Reversed along an axis.
    #[track_caller]
    pub fn flip(self, axis: i64) -> Array {
        build(&[self], |b, v| {
            let axis = b.axis(Op::Slice, b.ty(v[0]).rank(), axis)? as usize;
            let n = b.shape(v[0])[axis].clone();
            b.slice_axis(v[0], axis, frit_ir::Slice { start: &n - 1, size: n, step: -1 })
        })
    }

    /// The diagonal of the last two axes, `offset` above the main one.
    #[track_caller]
    pub fn diagonal(self, offset: i64) -> Array {
        build(&[self], |b, v| {
            let rank = b.ty(v[0]).rank() as i64;
            let attrs = [
                (Key::Axis, Attr::Int(rank - 2)),
                (Key::Axis2, Attr::Int(rank - 1)),
                (Key::Offset, Attr::Int(offset)),
            ];
            b.node(Op::Diagonal, Attrs::new(attrs), v)
        })
    }

    /// Zero below the `k`-th diagonal.
    #[track_caller]
    pub fn triu(self, k: i64) -> Array {
        self.node(Op::Triu, Attrs::new([(Key::Offset, Attr::Int(k))]))
    }

    /// Zero above the `k`-th diagonal.
    #[track_caller]
    pub fn tril(self, k: i64) -> Array {
        self.node(Op::Tril, Attrs::new([(Key::Offset, Attr::Int(k))]))
    }

    /// Elements moved by `shift` places along an axis, those beyond the end to the start.
    #[track_caller]
    pub fn roll(self, shift: impl Into<Dim>, axis: i64) -> Array {
        let shift = shift.into();
        build(&[self], |b, v| {
            let axis = b.axis(Op::Roll, b.ty(v[0]).rank(), axis)?;
            let attrs = [(Key::Axes, Attr::Ints(vec![axis])), (Key::Shift, Attr::Dims(vec![shift]))];
            b.node(Op::Roll, Attrs::new(attrs), v)
        })
    }

    /// `value` around the array: (before, after) for each axis.
    #[track_caller]
    pub fn pad(self, widths: &[(i64, i64)], value: f64) -> Array {
        build(&[self], |b, v| {
            let fill = b.number(b.dtype(v[0]), value);
            let (low, high) = (widths.iter().map(|w| w.0.into()), widths.iter().map(|w| w.1.into()));
            let attrs =
                [(Key::PadLow, Attr::Dims(low.collect())), (Key::PadHigh, Attr::Dims(high.collect()))];
            b.node(Op::Pad, Attrs::new(attrs), &[v[0], fill])
        })
    }

    /// Elements at integer positions along an axis.
    #[track_caller]
    pub fn take(self, indices: Array, axis: i64) -> Array {
        build(&[self, indices], |b, v| b.take(v[0], v[1], axis))
    }

    /// `self @ other`, with NumPy's rules for one axis.
    #[track_caller]
    pub fn matmul(self, other: Array) -> Array {
        build(&[self, other], |b, v| {
            let (rx, ry) = (b.ty(v[0]).rank(), b.ty(v[1]).rank());
            if rx == 0 || ry == 0 {
                let why = "Input operand does not have enough dimensions (a matrix product needs at least 1)";
                return Err(b.error(Op::Matmul, Cause::Shape(why.into())));
            }
            let x = if rx == 1 { b.expand_dims(v[0], &[0])? } else { v[0] };
            let y = if ry == 1 { b.expand_dims(v[1], &[1])? } else { v[1] };
            let p = b.matmul(x, y)?;
            let rank = b.ty(p).rank() as i64;
            let mut drop = Vec::new();
            if rx == 1 {
                drop.push(rank - 2);
            }
            if ry == 1 {
                drop.push(rank - 1);
            }
            b.squeeze(p, &drop)
        })
    }

    /// Ascending along an axis, NaN last.
    #[track_caller]
    pub fn sort(self, axis: i64) -> Array {
        along(self, Op::Sort, axis)
    }

    /// Positions that sort along an axis, stable.
    #[track_caller]
    pub fn argsort(self, axis: i64) -> Array {
        along(self, Op::Argsort, axis)
    }

    /// Positions at which `values` go into this sorted array, on the left.
    #[track_caller]
    pub fn searchsorted(self, values: Array) -> Array {
        build(&[self, values], |b, v| {
            let xs = b.common(v)?;
            b.node(Op::Searchsorted, Attrs::new([(Key::Mode, Attr::Str("left".into()))]), &xs)
        })
    }

    /// Clipped to `low..=high`.
    #[track_caller]
    pub fn clip(self, low: impl Into<Operand>, high: impl Into<Operand>) -> Array {
        elementwise(Op::Clip, &[self.into(), low.into(), high.into()])
    }
}

#[track_caller]
fn along(x: Array, op: Op, axis: i64) -> Array {
    build(&[x], |b, v| {
        let axis = b.axis(op, b.ty(v[0]).rank(), axis)?;
        b.node(op, Attrs::new([(Key::Axis, Attr::Int(axis))]), v)
    })
}

/// `where(condition, x, y)`.
#[track_caller]
pub fn where_(condition: Array, x: impl Into<Operand>, y: impl Into<Operand>) -> Array {
    elementwise(Op::Where, &[condition.into(), x.into(), y.into()])
}

/// An array filled with a number of the given type.
#[track_caller]
pub fn full<T: Into<Dim> + Clone>(shape: &[T], value: f64, dtype: DType) -> Array {
    let shape = dims(shape);
    build(&[], |b, _| b.full(&shape, Scalar::from_f64(dtype, value)))
}

/// Zeros.
#[track_caller]
pub fn zeros<T: Into<Dim> + Clone>(shape: &[T], dtype: DType) -> Array {
    full(shape, 0.0, dtype)
}

/// Ones.
#[track_caller]
pub fn ones<T: Into<Dim> + Clone>(shape: &[T], dtype: DType) -> Array {
    full(shape, 1.0, dtype)
}

/// `0..n`.
#[track_caller]
pub fn arange(n: impl Into<Dim>, dtype: DType) -> Array {
    let n = n.into();
    build(&[], |b, _| b.iota(&[n], 0, dtype))
}

/// `n` evenly spaced values from `start` to `stop`, both included, as `float64`.
#[track_caller]
pub fn linspace(start: f64, stop: f64, n: i64) -> Array {
    let i = arange(n, DType::F64);
    if n > 1 { i * ((stop - start) / (n - 1) as f64) + start } else { i + start }
}

/// The identity matrix.
#[track_caller]
pub fn eye(n: impl Into<Dim>, dtype: DType) -> Array {
    let n = n.into();
    build(&[], |b, _| {
        let shape = [n.clone(), n];
        let (i, j) = (b.iota(&shape, 0, DType::I64)?, b.iota(&shape, 1, DType::I64)?);
        let e = b.binary(Op::Equal, i, j)?;
        b.cast(e, dtype)
    })
}

/// Joins arrays along an axis.
#[track_caller]
pub fn concatenate(arrays: &[Array], axis: i64) -> Array {
    build(arrays, |b, v| b.concatenate(v, axis))
}

/// Joins arrays of one shape along a new axis.
#[track_caller]
pub fn stack(arrays: &[Array], axis: i64) -> Array {
    build(arrays, |b, v| {
        let Some(first) = v.first() else {
            return Err(b.error(Op::Stack, Cause::Value("need at least one array to stack".into())));
        };
        let axis = b.axis(Op::Stack, b.ty(*first).rank() + 1, axis)?;
        let xs = b.common(v)?;
        b.node(Op::Stack, Attrs::new([(Key::Axis, Attr::Int(axis))]), &xs)
    })
}

/// All products of elements of two arrays, flattened.
#[track_caller]
pub fn outer(x: Array, y: Array) -> Array {
    x.ravel().expand_dims(1) * y.ravel().expand_dims(0)
}

/// Linear algebra, as `numpy.linalg`.
pub mod linalg {
    use super::{Array, Attr, Attrs, Key, Op, build, build_many};
    use frit_ir::build::Builder;
    use frit_ir::error::TypeError;
    use frit_ir::{DType, Value};

    /// Integers become `float64`, as in NumPy.
    fn inexact(b: &mut Builder, x: Value) -> Result<Value, TypeError> {
        if b.dtype(x).is_inexact() { Ok(x) } else { b.cast(x, DType::F64) }
    }

    #[track_caller]
    fn call(x: Array, op: Op, attrs: Attrs, results: usize) -> Vec<Array> {
        build_many(&[x], results, |b, v| {
            let x = inexact(b, v[0])?;
            b.node(op, attrs, &[x])
        })
    }

    macro_rules! one {
        ($($(#[doc = $doc:literal])* $name:ident $op:ident;)*) => {$(
            $(#[doc = $doc])*
            #[track_caller]
            pub fn $name(x: Array) -> Array { call(x, Op::$op, Attrs::NONE, 1)[0] }
        )*};
    }
    one! {
        /// Inverse.
        inv Inv;
        /// Lower Cholesky factor.
        cholesky Cholesky;
        /// Determinant.
        det Det;
        /// Singular values, descending.
        svdvals Svdvals;
        /// Eigenvalues, complex.
        eigvals Eigvals;
    }

    /// `a x = b`; `b` is a vector (one axis) or has right-hand sides in columns.
    #[track_caller]
    pub fn solve(a: Array, b: Array) -> Array {
        build(&[a, b], |g, v| {
            let xs = g.common(v)?;
            let (a, b) = (inexact(g, xs[0])?, inexact(g, xs[1])?);
            if g.ty(b).rank() != 1 {
                return g.node(Op::Solve, Attrs::NONE, &[a, b]);
            }
            let column = g.expand_dims(b, &[1])?;
            let x = g.node(Op::Solve, Attrs::NONE, &[a, column])?;
            let last = g.ty(x).rank() as i64 - 1;
            g.squeeze(x, &[last])
        })
    }

    /// Q and R, reduced.
    #[track_caller]
    pub fn qr(x: Array) -> [Array; 2] {
        let r = call(x, Op::Qr, Attrs::new([(Key::Full, Attr::Bool(false))]), 2);
        [r[0], r[1]]
    }

    /// U, S and V^H, reduced.
    #[track_caller]
    pub fn svd(x: Array) -> [Array; 3] {
        let r = call(x, Op::Svd, Attrs::new([(Key::Full, Attr::Bool(false))]), 3);
        [r[0], r[1], r[2]]
    }

    /// Eigenvalues (ascending) and eigenvectors of a Hermitian matrix.
    #[track_caller]
    pub fn eigh(x: Array) -> [Array; 2] {
        let r = call(x, Op::Eigh, Attrs::new([(Key::Lower, Attr::Bool(true))]), 2);
        [r[0], r[1]]
    }

    /// Eigenvalues and eigenvectors, complex.
    #[track_caller]
    pub fn eig(x: Array) -> [Array; 2] {
        let r = call(x, Op::Eig, Attrs::NONE, 2);
        [r[0], r[1]]
    }

    /// Sign and logarithm of the determinant.
    #[track_caller]
    pub fn slogdet(x: Array) -> [Array; 2] {
        let r = call(x, Op::Slogdet, Attrs::NONE, 2);
        [r[0], r[1]]
    }

    /// P, L and U.
    #[track_caller]
    pub fn lu(x: Array) -> [Array; 3] {
        let r = call(x, Op::Lu, Attrs::NONE, 3);
        [r[0], r[1], r[2]]
    }

    /// Euclidean norm of all elements.
    #[track_caller]
    pub fn norm(x: Array) -> Array {
        x.absolute().square().sum(()).sqrt()
    }
}

/// Fourier transforms along one axis, as `numpy.fft`.
pub mod fft {
    use super::{Array, Attr, Attrs, DType, Dim, Key, Op, Scalar, build};

    #[track_caller]
    fn transform(x: Array, op: Op, axis: i64, inverse: bool, n: Option<Dim>) -> Array {
        build(&[x], |b, v| {
            let axis = b.axis(op, b.ty(v[0]).rank(), axis)?;
            let t = b.dtype(v[0]);
            let to = match op {
                Op::Rfft => {
                    if t.is_float() {
                        t
                    } else {
                        DType::F64
                    }
                }
                _ => t.to_complex(),
            };
            let x = b.cast(v[0], to)?;
            let n = n.unwrap_or_else(|| b.shape(x)[axis as usize].clone());
            let attrs = Attrs::new([
                (Key::Axis, Attr::Int(axis)),
                (Key::N, Attr::Dim(n.clone())),
                (Key::Scale, Attr::Scalar(Scalar::one(DType::F64))),
            ]);
            let y = b.node(op, attrs, &[x])?;
            if !inverse {
                return Ok(y);
            }
            let n = b.dim_value(&n);
            let n = b.cast(n, b.dtype(y))?;
            b.binary(Op::Divide, y, n)
        })
    }

    /// Complex transform.
    #[track_caller]
    pub fn fft(x: Array, axis: i64) -> Array {
        transform(x, Op::Fft, axis, false, None)
    }

    /// Inverse complex transform, divided by the length.
    #[track_caller]
    pub fn ifft(x: Array, axis: i64) -> Array {
        transform(x, Op::Ifft, axis, true, None)
    }

    /// Transform of real data: `n / 2 + 1` complex values.
    #[track_caller]
    pub fn rfft(x: Array, axis: i64) -> Array {
        transform(x, Op::Rfft, axis, false, None)
    }

    /// Inverse of [`rfft`] for `n` real values, divided by `n`.
    #[track_caller]
    pub fn irfft(x: Array, n: impl Into<Dim>, axis: i64) -> Array {
        transform(x, Op::Irfft, axis, true, Some(n.into()))
    }
}
