//! Order, statistics, differences, interpolation.

use super::{Array, Operand, build, build_all};
use crate::numpy::{self, Spacing};
use crate::tracer::build_from;
use frit_ir::Dim;

impl Array {
    /// Ascending along an axis, NaN last.
    #[track_caller]
    pub fn sort(self, axis: i64) -> Array {
        build(&[self], |b, v| numpy::sort(b, v[0], Some(axis)))
    }

    /// Positions that sort along an axis, stable.
    #[track_caller]
    pub fn argsort(self, axis: i64) -> Array {
        build(&[self], |b, v| numpy::argsort(b, v[0], Some(axis)))
    }

    /// Positions at which `values` go into this sorted array, on the left.
    #[track_caller]
    pub fn searchsorted(self, values: Array) -> Array {
        build(&[self, values], |b, v| numpy::searchsorted(b, v[0], v[1], false))
    }

    /// The bin of each element between monotonic edges.
    #[track_caller]
    pub fn digitize(self, edges: Array) -> Array {
        build(&[self, edges], |b, v| numpy::digitize(b, v[0], v[1], false))
    }

    /// The `k` largest elements along an axis, largest first, and their positions.
    #[track_caller]
    pub fn topk(self, k: impl Into<Dim>, axis: i64) -> [Array; 2] {
        let k = k.into();
        let r = build_all(&[self], 2, |b, v| numpy::topk(b, v[0], &k, axis).map(Vec::from));
        [r[0], r[1]]
    }

    /// True where an element is among `others`.
    #[track_caller]
    pub fn isin(self, others: Array) -> Array {
        build(&[self, others], |b, v| numpy::isin(b, v[0], v[1], false))
    }

    /// Differences of neighbours along an axis, `n` times.
    #[track_caller]
    pub fn diff(self, n: usize, axis: i64) -> Array {
        build(&[self], |b, v| numpy::diff(b, v[0], n, axis))
    }

    /// The derivative along an axis by central differences of evenly spaced samples.
    #[track_caller]
    pub fn gradient(self, spacing: impl Into<Operand>, axis: i64) -> Array {
        build_from(&[self.into(), spacing.into()], |b, v| {
            let x = numpy::asarray(b, v[0]);
            numpy::gradient(b, x, Spacing::Even(v[1]), axis, 1)
        })
    }

    /// The integral along an axis by the trapezoidal rule over evenly spaced samples.
    #[track_caller]
    pub fn trapezoid(self, spacing: impl Into<Operand>, axis: i64) -> Array {
        build_from(&[self.into(), spacing.into()], |b, v| {
            let y = numpy::asarray(b, v[0]);
            numpy::trapezoid(b, y, Spacing::Even(v[1]), axis)
        })
    }

    /// Phase angles with jumps of more than half a turn taken out.
    #[track_caller]
    pub fn unwrap_phase(self, axis: i64) -> Array {
        build(&[self], |b, v| numpy::unwrap(b, v[0], std::f64::consts::TAU, axis))
    }
}

/// Linear interpolation of `fp` at increasing `xp`; outside, the end values.
#[track_caller]
pub fn interp(x: Array, xp: Array, fp: Array) -> Array {
    build(&[x, xp, fp], |b, v| numpy::interp(b, v[0], v[1], v[2], None, None))
}

/// Covariance matrix of variables in rows.
#[track_caller]
pub fn cov(x: Array) -> Array {
    build(&[x], |b, v| numpy::cov(b, v[0], true, 1))
}

/// Correlation coefficients of variables in rows.
#[track_caller]
pub fn corrcoef(x: Array) -> Array {
    build(&[x], |b, v| numpy::corrcoef(b, v[0], true))
}

/// Counts in `bins` equal bins between two numbers (by default the data's extremes), and the bins' edges.
#[track_caller]
pub fn histogram(x: Array, bins: impl Into<Dim>, range: Option<(f64, f64)>) -> [Array; 2] {
    let bins = bins.into();
    let r = build_all(&[x], 2, |b, v| numpy::histogram(b, v[0], &bins, range, None, false).map(Vec::from));
    [r[0], r[1]]
}

/// How often each of `0..length` occurs.
#[track_caller]
pub fn bincount(x: Array, length: impl Into<Dim>) -> Array {
    let length = length.into();
    build(&[x], |b, v| numpy::bincount(b, v[0], None, &length))
}

/// `x` convolved with `v`: `full`, `same` or `valid`.
#[track_caller]
pub fn convolve(x: Array, v: Array, mode: &str) -> Array {
    build(&[x, v], |b, a| numpy::convolve(b, a[0], a[1], mode))
}

/// Cross-correlation of `x` and `v`: `full`, `same` or `valid`.
#[track_caller]
pub fn correlate(x: Array, v: Array, mode: &str) -> Array {
    build(&[x, v], |b, a| numpy::correlate(b, a[0], a[1], mode))
}
