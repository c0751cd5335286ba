//! Fourier transforms, as `numpy.fft`.

use super::{Array, Axes, build};
use crate::numpy::fft as np;
use frit_ir::{Dim, Op};

pub use crate::numpy::fft::Norm;

macro_rules! along {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[track_caller]
        pub fn $name(x: Array, axis: i64) -> Array {
            build(&[x], |b, v| np::$name(b, v[0], None, axis, Norm::Backward))
        }
    )*};
}

along! {
    /// Complex transform.
    fft;
    /// Inverse complex transform, divided by the length.
    ifft;
    /// Transform of real data: `n / 2 + 1` complex values.
    rfft;
    /// Inverse of [`hfft`].
    ihfft;
}

/// Inverse of [`rfft`] for `n` real values, divided by `n`.
#[track_caller]
pub fn irfft(x: Array, n: impl Into<Dim>, axis: i64) -> Array {
    let n = n.into();
    build(&[x], |b, v| np::irfft(b, v[0], Some(&n), axis, Norm::Backward))
}

/// Transform of Hermitian data to `n` real values.
#[track_caller]
pub fn hfft(x: Array, n: impl Into<Dim>, axis: i64) -> Array {
    let n = n.into();
    build(&[x], |b, v| np::hfft(b, v[0], Some(&n), axis, Norm::Backward))
}

macro_rules! several {
    ($($(#[doc = $doc:literal])* $name:ident $(($op:ident))? $f:ident;)*) => {$(
        $(#[doc = $doc])*
        #[track_caller]
        pub fn $name(x: Array, axes: impl Axes) -> Array {
            let axes = axes.axes();
            build(&[x], |b, v| np::$f(b $(, Op::$op)?, v[0], None, axes.as_deref(), Norm::Backward))
        }
    )*};
}

several! {
    /// Complex transform along several axes.
    fftn(Fft) fftn;
    /// Inverse complex transform along several axes.
    ifftn(Ifft) fftn;
    /// Transform of real data along several axes: real along the last one.
    rfftn rfftn;
    /// Inverse of [`rfftn`] for an even last size.
    irfftn irfftn;
}

/// Sample frequencies of [`fft`].
#[track_caller]
pub fn fftfreq(n: impl Into<Dim>, d: f64) -> Array {
    let n = n.into();
    build(&[], |b, _| np::fftfreq(b, &n, d))
}

/// Sample frequencies of [`rfft`].
#[track_caller]
pub fn rfftfreq(n: impl Into<Dim>, d: f64) -> Array {
    let n = n.into();
    build(&[], |b, _| np::rfftfreq(b, &n, d))
}

/// The zero frequency moved to the middle.
#[track_caller]
pub fn fftshift(x: Array, axes: impl Axes) -> Array {
    let axes = axes.axes();
    build(&[x], |b, v| np::fftshift(b, v[0], axes.as_deref()))
}

/// The inverse of [`fftshift`].
#[track_caller]
pub fn ifftshift(x: Array, axes: impl Axes) -> Array {
    let axes = axes.axes();
    build(&[x], |b, v| np::ifftshift(b, v[0], axes.as_deref()))
}
