//! Reductions and cumulations.

use super::{Array, build};
use crate::numpy::{self, Built, Quantile, Reduction};
use frit_ir::build::Builder;
use frit_ir::{Op, Value};

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

impl Axes for &[i64] {
    fn axes(&self) -> Option<Vec<i64>> {
        Some(self.to_vec())
    }
}

impl Axes for Option<i64> {
    fn axes(&self) -> Option<Vec<i64>> {
        self.map(|a| vec![a])
    }
}

macro_rules! reductions {
    ($($name:ident $keep:ident $op:ident;)*) => {
        impl Array {$(
            #[doc = concat!("`", stringify!($name), "` over axes, as NumPy's.")]
            #[track_caller]
            pub fn $name(self, axes: impl Axes) -> Array { reduce(self, Op::$op, axes, false, 0.0) }
            #[doc = concat!("`", stringify!($name), "` over axes, which stay with size 1 (`keepdims=True`).")]
            #[track_caller]
            pub fn $keep(self, axes: impl Axes) -> Array { reduce(self, Op::$op, axes, true, 0.0) }
        )*}
    };
}

reductions! {
    sum sum_keepdims Sum; prod prod_keepdims Prod; min min_keepdims Min; max max_keepdims Max;
    any any_keepdims Any; all all_keepdims All; argmin argmin_keepdims Argmin; argmax argmax_keepdims Argmax;
    mean mean_keepdims Mean; count_nonzero count_nonzero_keepdims CountNonzero; logsumexp logsumexp_keepdims Logsumexp;
    nansum nansum_keepdims Nansum; nanprod nanprod_keepdims Nanprod; nanmin nanmin_keepdims Nanmin;
    nanmax nanmax_keepdims Nanmax; nanmean nanmean_keepdims Nanmean;
}

#[track_caller]
fn reduce(x: Array, op: Op, axes: impl Axes, keepdims: bool, ddof: f64) -> Array {
    let r = Reduction { axes: axes.axes(), keepdims, ddof, ..Reduction::default() };
    build(&[x], |b, v| numpy::reduce(b, op, v[0], &r))
}

macro_rules! spreads {
    ($($(#[doc = $doc:literal])* $name:ident $op:ident;)*) => {
        impl Array {$(
            $(#[doc = $doc])*
            #[track_caller]
            pub fn $name(self, axes: impl Axes, ddof: f64) -> Array { reduce(self, Op::$op, axes, false, ddof) }
        )*}
    };
}

spreads! {
    /// Variance over axes; `ddof` is subtracted from the count.
    var Var;
    /// Standard deviation over axes.
    std Std;
    /// Variance of the numbers that are not NaN.
    nanvar Nanvar;
    /// Standard deviation of the numbers that are not NaN.
    nanstd Nanstd;
}

fn running(b: &mut Builder, op: Op, x: Value, axis: Option<i64>) -> Built {
    numpy::cumulative(b, op, x, axis, None)
}

macro_rules! cumulations {
    ($($(#[doc = $doc:literal])* $name:ident $f:path, $op:ident;)*) => {
        impl Array {$(
            $(#[doc = $doc])*
            #[track_caller]
            pub fn $name(self, axis: i64) -> Array {
                build(&[self], |b, v| $f(b, Op::$op, v[0], Some(axis)))
            }
        )*}
    };
}

cumulations! {
    /// Running sum along an axis.
    cumsum running, Cumsum;
    /// Running product along an axis.
    cumprod running, Cumprod;
    /// Running maximum along an axis.
    cummax running, Cummax;
    /// Running minimum along an axis.
    cummin running, Cummin;
    /// Running sum along an axis; NaN counts as 0.
    nancumsum numpy::nancumulative, Cumsum;
    /// Running product along an axis; NaN counts as 1.
    nancumprod numpy::nancumulative, Cumprod;
}

impl Array {
    /// Reduces with all of NumPy's arguments: `where`, `initial`, `dtype`, `keepdims` ... without arrays among them.
    #[track_caller]
    pub fn reduce(self, op: Op, arguments: &Reduction) -> Array {
        build(&[self], |b, v| numpy::reduce(b, op, v[0], arguments))
    }

    /// Largest minus smallest.
    #[track_caller]
    pub fn ptp(self, axes: impl Axes) -> Array {
        let axes = axes.axes();
        build(&[self], |b, v| numpy::ptp(b, v[0], axes.as_deref(), false))
    }

    /// The middle element, or the mean of the two.
    #[track_caller]
    pub fn median(self, axes: impl Axes) -> Array {
        let axes = axes.axes();
        build(&[self], |b, v| numpy::median(b, v[0], axes.as_deref(), false))
    }

    /// Quantiles `q` (0 to 1, an array or a number) over axes; the axes of `q` come first.
    #[track_caller]
    pub fn quantile(self, q: impl Into<super::Operand>, axes: impl Axes, method: Quantile) -> Array {
        let axes = axes.axes();
        super::build_from(&[self.into(), q.into()], |b, v| {
            let x = numpy::asarray(b, v[0]);
            numpy::quantile(b, x, v[1], axes.as_deref(), false, method)
        })
    }

    /// Quantiles by `q` from 0 to 100.
    #[track_caller]
    pub fn percentile(self, q: impl Into<super::Operand>, axes: impl Axes, method: Quantile) -> Array {
        let axes = axes.axes();
        super::build_from(&[self.into(), q.into()], |b, v| {
            let x = numpy::asarray(b, v[0]);
            numpy::percentile(b, x, v[1], axes.as_deref(), false, method)
        })
    }

    /// The middle of the numbers that are not NaN.
    #[track_caller]
    pub fn nanmedian(self, axes: impl Axes) -> Array {
        let axes = axes.axes();
        build(&[self], |b, v| numpy::nanmedian(b, v[0], axes.as_deref(), false))
    }

    /// Mean with weights of the array's shape, or of the one axis.
    #[track_caller]
    pub fn average(self, weights: Array, axes: impl Axes) -> Array {
        let axes = axes.axes();
        build(&[self, weights], |b, v| numpy::average(b, v[0], Some(v[1]), axes.as_deref(), false))
    }

    /// Position of the smallest number; NaN is ignored.
    #[track_caller]
    pub fn nanargmin(self, axes: impl Axes) -> Array {
        let axes = axes.axes();
        build(&[self], |b, v| numpy::nanarg(b, Op::Argmin, v[0], axes.as_deref(), false))
    }

    /// Position of the largest number; NaN is ignored.
    #[track_caller]
    pub fn nanargmax(self, axes: impl Axes) -> Array {
        let axes = axes.axes();
        build(&[self], |b, v| numpy::nanarg(b, Op::Argmax, v[0], axes.as_deref(), false))
    }

    /// Sum of the diagonal of the last two axes, `offset` above the main one.
    #[track_caller]
    pub fn trace(self, offset: i64) -> Array {
        build(&[self], |b, v| numpy::trace(b, v[0], offset, -2, -1))
    }
}
