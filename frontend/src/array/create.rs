//! Arrays from sizes and numbers.

use super::{Array, Operand, build, build_from, dims};
use crate::numpy;
use frit_ir::{DType, Dim, Scalar};

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
    build(&[], |b, _| numpy::arange(b, &0.into(), &n, 1, dtype))
}

/// `n` evenly spaced values from `start` to `stop` (numbers or arrays), both included.
#[track_caller]
pub fn linspace(start: impl Into<Operand>, stop: impl Into<Operand>, n: impl Into<Dim>) -> Array {
    let n = n.into();
    build_from(&[start.into(), stop.into()], |b, v| numpy::linspace(b, v[0], v[1], &n, true))
}

/// `n` values from `base ** start` to `base ** stop`, evenly spaced in the exponent.
#[track_caller]
pub fn logspace(start: f64, stop: f64, n: impl Into<Dim>, base: f64) -> Array {
    let n = n.into();
    build(&[], |b, _| numpy::logspace(b, start, stop, &n, true, base))
}

/// `n` values of a geometric progression from `start` to `stop`.
#[track_caller]
pub fn geomspace(start: f64, stop: f64, n: impl Into<Dim>) -> Array {
    let n = n.into();
    build(&[], |b, _| numpy::geomspace(b, start, stop, &n, true))
}

/// The identity matrix.
#[track_caller]
pub fn eye(n: impl Into<Dim>, dtype: DType) -> Array {
    let n = n.into();
    build(&[], |b, _| numpy::eye(b, &n, &n, 0, dtype))
}

/// Ones at and below the `k`-th diagonal of an `n` x `m` matrix.
#[track_caller]
pub fn tri(n: impl Into<Dim>, m: impl Into<Dim>, k: i64, dtype: DType) -> Array {
    let (n, m) = (n.into(), m.into());
    build(&[], |b, _| numpy::tri(b, &n, &m, k, dtype))
}

/// Powers of a vector in `n` columns, highest first.
#[track_caller]
pub fn vander(x: Array, n: impl Into<Dim>) -> Array {
    let n = n.into();
    build(&[x], |b, v| numpy::vander(b, v[0], &n, false))
}

/// The position along each axis of a shape, stacked along a new first axis.
#[track_caller]
pub fn indices<T: Into<Dim> + Clone>(shape: &[T], dtype: DType) -> Array {
    let shape = dims(shape);
    build(&[], |b, _| numpy::indices(b, &shape, dtype))
}

macro_rules! windows {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[track_caller]
        pub fn $name(n: impl Into<Dim>) -> Array {
            let n = n.into();
            build(&[], |b, _| numpy::$name(b, &n))
        }
    )*};
}

windows! {
    /// A raised cosine of `n` points that ends in zeros.
    hanning;
    /// A raised cosine of `n` points with a small step at the ends.
    hamming;
    /// A window of three cosine terms.
    blackman;
    /// A triangle that ends in zeros.
    bartlett;
}

/// The Kaiser window of `n` points.
#[track_caller]
pub fn kaiser(n: impl Into<Dim>, beta: f64) -> Array {
    let n = n.into();
    build(&[], |b, _| numpy::kaiser(b, &n, beta))
}
