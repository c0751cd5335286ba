//! Reductions with all of NumPy's arguments, and those that are built from several ops.

use super::{Built, asarray, axis_of, bin, choose, invalid, un};
use frit_ir::build::{Builder, Operand};
use frit_ir::ops::Combine;
use frit_ir::{Attr, Attrs, DType, Key, Op, Scalar, Value};

/// NumPy's arguments of a reduction.
#[derive(Clone, Default, Debug)]
pub struct Reduction {
    /// Axes; `None` for all.
    pub axes: Option<Vec<i64>>,
    /// Reduced axes stay with size 1.
    pub keepdims: bool,
    /// Type to work in; by default small integers are summed in 64 bits.
    pub dtype: Option<DType>,
    /// Only elements where this is true (`where=`).
    pub mask: Option<Value>,
    /// Combined with the result (`initial=`).
    pub initial: Option<Operand>,
    /// Subtracted from the count in variances.
    pub ddof: f64,
}

impl Reduction {
    /// Over axes, everything else at its default.
    pub fn over(axes: Option<&[i64]>, keepdims: bool) -> Reduction {
        Reduction { axes: axes.map(<[i64]>::to_vec), keepdims, ..Reduction::default() }
    }
}

/// A reduction of the op table.
pub fn reduce(b: &mut Builder, op: Op, x: Value, r: &Reduction) -> Built {
    let mut x = x;
    if let Some(t) = r.dtype {
        x = b.cast(x, t)?;
    }
    if let Some(mask) = r.mask {
        x = masked(b, op, x, mask, r)?;
        if matches!(op, Op::Mean | Op::Var | Op::Std) {
            return masked_stat(b, op, x, mask, r);
        }
    }
    let more = match op {
        Op::Var | Op::Std | Op::Nanvar | Op::Nanstd => {
            Attrs::new([(Key::Ddof, Attr::Scalar(Scalar::from_f64(DType::F64, r.ddof)))])
        }
        _ => Attrs::NONE,
    };
    let axes = r.axes.as_deref();
    // An empty extreme is its initial value.
    let total = if let (Some(initial), Some(Combine::Min | Combine::Max)) = (r.initial, op.def().combine) {
        let normal = b.axes(op, b.ty(x).rank(), axes)?;
        if normal.iter().any(|a| b.shape(x)[*a as usize].is(0)) {
            let zeros = b.cast(x, DType::I64)?;
            let shape = b.reduce(Op::Sum, zeros, axes, r.keepdims)?;
            let shape = b.shape(shape).to_vec();
            return super::full(b, &shape, initial, Some(b.dtype(x)));
        }
        b.reduce_with(op, x, axes, r.keepdims, more)?
    } else {
        b.reduce_with(op, x, axes, r.keepdims, more)?
    };
    let Some(initial) = r.initial else { return Ok(total) };
    let numeric = |c: &Combine| !matches!(c, Combine::And | Combine::Or);
    let Some(combine) = op.def().combine.filter(numeric).and_then(Combine::op) else {
        return invalid(b, op, "takes no initial value");
    };
    let result = bin(b, combine, total, initial)?;
    b.cast(result, b.dtype(total))
}

/// `x` with the elements left out replaced by what the reduction does not notice.
fn masked(b: &mut Builder, op: Op, x: Value, mask: Value, r: &Reduction) -> Built {
    let fill = match op {
        Op::Any | Op::All => {
            let x = b.cast(x, DType::Bool)?;
            let fill = b.constant(Scalar::bool(op == Op::All));
            return b.select(mask, x, fill);
        }
        Op::Mean | Op::Var | Op::Std | Op::CountNonzero | Op::Nansum => Scalar::zero(b.dtype(x)),
        Op::Nanprod => Scalar::one(b.dtype(x)),
        _ => match (op.def().combine.and_then(|c| c.identity(b.dtype(x))), op.def().combine) {
            (None, _) => return invalid(b, op, "takes no `where`"),
            (Some(_), Some(Combine::Min | Combine::Max)) if r.initial.is_none() => {
                let numpy = if op == Op::Max { "maximum" } else { "minimum" };
                let why = format!(
                    "reduction operation '{numpy}' does not have an identity, so to use a where mask one has to \
                     specify 'initial'"
                );
                return invalid(b, op, why);
            }
            (Some(s), _) => s,
        },
    };
    let fill = b.constant(fill);
    b.select(mask, x, fill)
}

/// Mean, variance or standard deviation of the elements under a mask (the others are zero in `x`).
fn masked_stat(b: &mut Builder, op: Op, x: Value, mask: Value, r: &Reduction) -> Built {
    let x = super::inexact(b, x)?;
    let shape = b.shape(x).to_vec();
    let mask = b.broadcast_to(mask, &shape)?;
    let axes = r.axes.as_deref();
    let count = b.reduce(Op::CountNonzero, mask, axes, true)?;
    let sum = b.reduce(Op::Sum, x, axes, true)?;
    let mean = bin(b, Op::Divide, sum, count)?;
    let mean = b.cast(mean, b.dtype(x))?;
    let result = if op == Op::Mean {
        mean
    } else {
        let d = bin(b, Op::Subtract, x, mean)?;
        let d = un(b, Op::Absolute, d)?;
        let d = un(b, Op::Square, d)?;
        let d = choose(b, mask, d, 0.0)?;
        let total = b.reduce(Op::Sum, d, axes, true)?;
        let t = b.dtype(total);
        let count = b.cast(count, t)?;
        let n = bin(b, Op::Subtract, count, r.ddof)?;
        let n = bin(b, Op::Maximum, n, 0.0)?;
        let v = bin(b, Op::Divide, total, n)?;
        if op == Op::Std { un(b, Op::Sqrt, v)? } else { v }
    };
    drop_axes(b, op, result, axes, r.keepdims)
}

/// Removes axes that a reduction has kept.
pub(crate) fn drop_axes(b: &mut Builder, op: Op, x: Value, axes: Option<&[i64]>, keepdims: bool) -> Built {
    if keepdims {
        return Ok(x);
    }
    let axes = b.axes(op, b.ty(x).rank(), axes)?;
    b.squeeze(x, &axes)
}

/// Largest minus smallest.
pub fn ptp(b: &mut Builder, x: Value, axes: Option<&[i64]>, keepdims: bool) -> Built {
    let high = b.reduce(Op::Max, x, axes, keepdims)?;
    let low = b.reduce(Op::Min, x, axes, keepdims)?;
    bin(b, Op::Subtract, high, low)
}

/// Mean with weights: of the array's shape, or of one axis.
pub fn average(
    b: &mut Builder,
    x: Value,
    weights: Option<Value>,
    axes: Option<&[i64]>,
    keepdims: bool,
) -> Built {
    let Some(w) = weights else { return b.reduce(Op::Mean, x, axes, keepdims) };
    let w = match (b.ty(w).rank(), axes) {
        _ if b.shape(w) == b.shape(x) => w,
        (1, Some([axis])) => {
            let axis = axis_of(b, Op::Mean, x, *axis)?;
            if b.shape(w)[0] != b.shape(x)[axis] {
                return invalid(b, Op::Mean, "Length of weights not compatible with specified axis.");
            }
            super::creation::along_axis(b, w, axis, b.ty(x).rank())?
        }
        _ => {
            return invalid(
                b,
                Op::Mean,
                "Shape of weights must be consistent with shape of a along specified axis.",
            );
        }
    };
    let t = b.result_type(&[x.into(), w.into()]);
    // Integers are averaged in double precision, whatever the weights.
    let t = if b.dtype(x).is_inexact() { t } else { frit_ir::dtype::promote(t, DType::F64) };
    let (x, w) = (b.cast(x, t)?, b.cast(w, t)?);
    let product = bin(b, Op::Multiply, x, w)?;
    let sum = b.reduce(Op::Sum, product, axes, keepdims)?;
    let shape = b.shape(x).to_vec();
    let w = b.broadcast_to(w, &shape)?;
    let total = b.reduce(Op::Sum, w, axes, keepdims)?;
    bin(b, Op::Divide, sum, total)
}

/// Running combination along an axis; without one, of the flattened array.
pub fn cumulative(b: &mut Builder, op: Op, x: Value, axis: Option<i64>, dtype: Option<DType>) -> Built {
    let x = match dtype {
        Some(t) => b.cast(x, t)?,
        None => x,
    };
    match axis {
        Some(axis) => b.cumulative(op, x, axis),
        None => {
            let x = super::ravel(b, x)?;
            b.cumulative(op, x, 0)
        }
    }
}

/// Position of the smallest (`Argmin`) or largest number, NaN ignored. Of NaN only it is 0, where NumPy raises: that
/// depends on data.
pub fn nanarg(b: &mut Builder, op: Op, x: Value, axes: Option<&[i64]>, keepdims: bool) -> Built {
    let fill = if op == Op::Argmin { f64::INFINITY } else { f64::NEG_INFINITY };
    let x = super::elementwise::without_nan(b, x, fill)?;
    b.reduce(op, x, axes, keepdims)
}

/// Running sum or product that skips NaN.
pub fn nancumulative(b: &mut Builder, op: Op, x: Value, axis: Option<i64>) -> Built {
    let x = super::elementwise::without_nan(b, x, if op == Op::Cumprod { 1.0 } else { 0.0 })?;
    cumulative(b, op, x, axis, None)
}

/// Sum of a diagonal.
pub fn trace(b: &mut Builder, x: Value, offset: i64, axis1: i64, axis2: i64) -> Built {
    let d = super::diagonal(b, x, offset, axis1, axis2)?;
    b.reduce(Op::Sum, d, Some(&[-1]), false)
}

/// `op.reduce` of a list of arrays, from the left (`np.logical_and.reduce([a, b, c])`).
pub fn fold(b: &mut Builder, op: Op, xs: &[Value]) -> Built {
    let Some((first, rest)) = xs.split_first() else {
        return invalid(b, op, "need at least one array");
    };
    let mut r = asarray(b, *first);
    for x in rest {
        r = bin(b, op, r, *x)?;
    }
    Ok(r)
}
