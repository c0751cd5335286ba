//! Quantiles and medians, by sorting.

use super::{Arg, Built, bin, choose, invalid, un};
use frit_ir::build::{Builder, Operand};
use frit_ir::dim::product;
use frit_ir::error::TypeError;
use frit_ir::{DType, Dim, Op, Slice, Value};

/// How a quantile between two elements is chosen: the nine methods of R. J. Hyndman and Y. Fan, "Sample quantiles in
/// statistical packages" (1996), and four that pick by the linear one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quantile {
    /// Method 7: between the neighbours in proportion.
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// The nearer one; halves to the even position.
    Nearest,
    /// Their mean.
    Midpoint,
    /// Method 1.
    InvertedCdf,
    /// Method 2.
    AveragedInvertedCdf,
    /// Method 3.
    ClosestObservation,
    /// Method 4.
    InterpolatedInvertedCdf,
    /// Method 5.
    Hazen,
    /// Method 6.
    Weibull,
    /// Method 8.
    MedianUnbiased,
    /// Method 9.
    NormalUnbiased,
}

impl Quantile {
    /// By NumPy's name.
    pub fn from_name(name: &str) -> Option<Quantile> {
        Some(match name {
            "linear" => Quantile::Linear,
            "lower" => Quantile::Lower,
            "higher" => Quantile::Higher,
            "nearest" => Quantile::Nearest,
            "midpoint" => Quantile::Midpoint,
            "inverted_cdf" => Quantile::InvertedCdf,
            "averaged_inverted_cdf" => Quantile::AveragedInvertedCdf,
            "closest_observation" => Quantile::ClosestObservation,
            "interpolated_inverted_cdf" => Quantile::InterpolatedInvertedCdf,
            "hazen" => Quantile::Hazen,
            "weibull" => Quantile::Weibull,
            "median_unbiased" => Quantile::MedianUnbiased,
            "normal_unbiased" => Quantile::NormalUnbiased,
            _ => return None,
        })
    }

    /// The parameters of a method that interpolates everywhere.
    fn alpha_beta(self) -> Option<(f64, f64)> {
        Some(match self {
            Quantile::InterpolatedInvertedCdf => (0.0, 1.0),
            Quantile::Hazen => (0.5, 0.5),
            Quantile::Weibull => (0.0, 0.0),
            Quantile::MedianUnbiased => (1.0 / 3.0, 1.0 / 3.0),
            Quantile::NormalUnbiased => (3.0 / 8.0, 3.0 / 8.0),
            _ => return None,
        })
    }
}

/// The reduced axes merged into one and sorted, as the first axis of the rest.
struct Rows {
    sorted: Value,
    /// Elements in a row.
    n: Dim,
    axes: Vec<i64>,
    /// Number of axes that stay.
    kept: usize,
}

fn rows(b: &mut Builder, x: Value, axes: Option<&[i64]>) -> Result<Rows, TypeError> {
    if b.dtype(x).is_complex() {
        return invalid(b, Op::Sort, "a must be an array of real numbers");
    }
    let rank = b.ty(x).rank();
    let axes = b.axes(Op::Sort, rank, axes)?;
    let kept: Vec<i64> = (0..rank as i64).filter(|k| !axes.contains(k)).collect();
    let shape = b.shape(x).to_vec();
    let perm: Vec<i64> = axes.iter().chain(&kept).copied().collect();
    let moved = b.transpose(x, &perm)?;
    let n = product(axes.iter().map(|a| &shape[*a as usize]));
    if n.is(0) {
        return invalid(b, Op::Sort, "the quantile of an empty array is not defined");
    }
    let mut merged = vec![n.clone()];
    merged.extend(kept.iter().map(|k| shape[*k as usize].clone()));
    let flat = b.reshape(moved, &merged)?;
    let sorted = super::sort(b, flat, Some(0))?;
    Ok(Rows { sorted, n, axes, kept: kept.len() })
}

/// The elements at positions of their own in each row: `at` has leading axes, then those that stay.
fn pick(b: &mut Builder, r: &Rows, at: Value) -> Built {
    let at = b.cast(at, DType::I64)?;
    let rank = b.ty(at).rank();
    if b.shape(at)[rank - r.kept..].iter().all(|d| d.is(1)) {
        // The same for all rows.
        let lead: Vec<i64> = (rank - r.kept..rank).map(|k| k as i64).collect();
        let at = b.squeeze(at, &lead)?;
        return b.gather(r.sorted, &[0], &[at]);
    }
    let mut all = vec![at];
    for k in 0..r.kept {
        let n = b.shape(r.sorted)[k + 1].clone();
        let i = b.iota(&[n], 0, DType::I64)?;
        all.push(super::creation::along_axis(b, i, k, r.kept)?);
    }
    b.gather(r.sorted, &(0..=r.kept as i64).collect::<Vec<_>>(), &all)
}

/// Puts reduced axes back with size 1, behind `lead` axes.
fn restore(b: &mut Builder, x: Value, r: &Rows, lead: usize, keepdims: bool) -> Built {
    if !keepdims {
        return Ok(x);
    }
    b.expand_dims(x, &r.axes.iter().map(|a| a + lead as i64).collect::<Vec<_>>())
}

/// NaN where a row has one: it sorts last.
fn mark_nan(b: &mut Builder, r: &Rows, result: Value) -> Built {
    if !b.dtype(r.sorted).is_float() {
        return Ok(result);
    }
    let end = b.slice_axis(r.sorted, 0, Slice { start: &r.n - 1, size: 1.into(), step: 1 })?;
    let end = b.squeeze(end, &[0])?;
    let bad = un(b, Op::Isnan, end)?;
    choose(b, bad, f64::NAN, result)
}

/// Quantiles `q` (0 to 1) over axes; the axes of `q` come first. NaN if any element is NaN.
///
/// A number `q` keeps the array's float type; an array `q` takes part in promotion, as in NumPy.
pub fn quantile(
    b: &mut Builder,
    x: Value,
    q: impl Arg,
    axes: Option<&[i64]>,
    keepdims: bool,
    method: Quantile,
) -> Built {
    let r = rows(b, x, axes)?;
    let n = super::size_as(b, &r.n, DType::F64)?;
    let (q, t) = numbers(b, x, q)?;
    let result = between(b, &r, n, q, t, method)?;
    let result = mark_nan(b, &r, result)?;
    let lead = b.ty(q).rank();
    restore(b, result, &r, lead, keepdims)
}

/// `q` as an array, and the type of weights between elements: a number's are of the array's type.
fn numbers(b: &mut Builder, x: Value, q: impl Arg) -> Result<(Value, DType), TypeError> {
    match q.operand() {
        Operand::Weak(s) => {
            if !(0.0..=1.0).contains(&s.as_f64()) {
                return invalid(b, Op::Sort, "Quantiles must be in the range [0, 1]");
            }
            let t = if b.dtype(x).is_float() { b.dtype(x) } else { DType::F64 };
            Ok((b.constant(s.cast(DType::F64)), t))
        }
        Operand::Value(v) => {
            let v = super::inexact(b, v)?;
            Ok((v, b.dtype(v)))
        }
    }
}

/// The quantiles of sorted rows that hold `n` numbers each: a 0-d float, or one per row.
fn between(b: &mut Builder, r: &Rows, n: Value, q: Value, t: DType, method: Quantile) -> Built {
    let n = b.cast(n, b.dtype(q))?;
    let trail: Vec<i64> = (0..r.kept).map(|k| (k + b.ty(q).rank()) as i64).collect();
    let q = b.expand_dims(q, &trail)?;
    let last = bin(b, Op::Subtract, n, 1.0)?;
    let scaled = bin(b, Op::Multiply, q, n)?;
    let linear = bin(b, Op::Multiply, last, q)?;
    let at = |b: &mut Builder, v: Value| {
        let v = bin(b, Op::Maximum, v, 0.0)?;
        let v = bin(b, Op::Minimum, v, last)?;
        pick(b, r, v)
    };
    // The nearest places on both sides, or the one below where `low` is true.
    let discrete = |b: &mut Builder, place: Value, odd_only: bool| -> Built {
        let below = un(b, Op::Floor, place)?;
        let above = bin(b, Op::Add, below, 1.0)?;
        let mut low = bin(b, Op::Equal, below, place)?;
        if odd_only {
            let parity = bin(b, Op::Remainder, below, 2.0)?;
            let odd = bin(b, Op::Equal, parity, 1.0)?;
            low = bin(b, Op::LogicalAnd, low, odd)?;
        }
        choose(b, low, below, above)
    };
    let place = match method {
        Quantile::Lower => {
            let p = un(b, Op::Floor, linear)?;
            return at(b, p);
        }
        Quantile::Higher => {
            let p = un(b, Op::Ceil, linear)?;
            return at(b, p);
        }
        Quantile::Nearest => {
            let p = un(b, Op::Rint, linear)?;
            return at(b, p);
        }
        Quantile::InvertedCdf => {
            let p = bin(b, Op::Subtract, scaled, 1.0)?;
            let p = discrete(b, p, false)?;
            return at(b, p);
        }
        Quantile::ClosestObservation => {
            let p = bin(b, Op::Subtract, scaled, 1.5)?;
            let p = discrete(b, p, true)?;
            return at(b, p);
        }
        Quantile::Linear | Quantile::Midpoint => linear,
        Quantile::AveragedInvertedCdf => bin(b, Op::Subtract, scaled, 1.0)?,
        _ => {
            let (alpha, beta) = method.alpha_beta().unwrap_or((1.0, 1.0));
            let slope = bin(b, Op::Multiply, q, 1.0 - alpha - beta)?;
            let shift = bin(b, Op::Add, slope, alpha)?;
            let p = bin(b, Op::Add, scaled, shift)?;
            bin(b, Op::Subtract, p, 1.0)?
        }
    };
    let low = un(b, Op::Floor, place)?;
    let high = bin(b, Op::Add, low, 1.0)?;
    let (x, y) = (at(b, low)?, at(b, high)?);
    let mut w = bin(b, Op::Subtract, place, low)?;
    let between = bin(b, Op::Greater, w, 0.0)?;
    match method {
        Quantile::Midpoint => w = choose(b, between, 0.5, 0.0)?,
        Quantile::AveragedInvertedCdf => w = choose(b, between, 1.0, 0.5)?,
        _ => {}
    }
    let w = b.cast(w, t)?;
    let d = bin(b, Op::Subtract, y, x)?;
    // From the nearer end, as NumPy does, so that the upper end is exact.
    let step = bin(b, Op::Multiply, d, w)?;
    let from_low = bin(b, Op::Add, x, step)?;
    let rest = bin(b, Op::Subtract, 1.0, w)?;
    let back = bin(b, Op::Multiply, d, rest)?;
    let from_high = bin(b, Op::Subtract, y, back)?;
    let upper = bin(b, Op::GreaterEqual, w, 0.5)?;
    choose(b, upper, from_high, from_low)
}

/// [`quantile`] of the elements that are not NaN; NaN where there are none.
pub fn nanquantile(
    b: &mut Builder,
    x: Value,
    q: impl Arg,
    axes: Option<&[i64]>,
    keepdims: bool,
    method: Quantile,
) -> Built {
    if !b.dtype(x).is_float() {
        return quantile(b, x, q, axes, keepdims, method);
    }
    let r = rows(b, x, axes)?;
    let (q, t) = numbers(b, x, q)?;
    let n = valid(b, &r)?;
    let n = b.cast(n, DType::F64)?;
    let result = between(b, &r, n, q, t, method)?;
    let none = bin(b, Op::Equal, n, 0.0)?;
    let result = choose(b, none, f64::NAN, result)?;
    let lead = b.ty(q).rank();
    restore(b, result, &r, lead, keepdims)
}

/// Numbers that are not NaN in each row.
fn valid(b: &mut Builder, r: &Rows) -> Built {
    let nan = un(b, Op::Isnan, r.sorted)?;
    let number = un(b, Op::LogicalNot, nan)?;
    b.reduce(Op::CountNonzero, number, Some(&[0]), false)
}

/// `q / 100`.
fn hundredths(b: &mut Builder, q: impl Arg) -> Result<Operand, TypeError> {
    Ok(match q.operand() {
        Operand::Weak(s) if !(0.0..=100.0).contains(&s.as_f64()) => {
            return invalid(b, Op::Sort, "Percentiles must be in the range [0, 100]");
        }
        Operand::Weak(s) => Arg::operand(s.as_f64() / 100.0),
        Operand::Value(v) => bin(b, Op::Divide, v, 100)?.into(),
    })
}

/// Percentiles: [`quantile`] with `q` from 0 to 100.
pub fn percentile(
    b: &mut Builder,
    x: Value,
    q: impl Arg,
    axes: Option<&[i64]>,
    keepdims: bool,
    method: Quantile,
) -> Built {
    let q = hundredths(b, q)?;
    quantile(b, x, q, axes, keepdims, method)
}

/// Percentiles of the elements that are not NaN.
pub fn nanpercentile(
    b: &mut Builder,
    x: Value,
    q: impl Arg,
    axes: Option<&[i64]>,
    keepdims: bool,
    method: Quantile,
) -> Built {
    let q = hundredths(b, q)?;
    nanquantile(b, x, q, axes, keepdims, method)
}

/// The mean of two elements.
fn middle(b: &mut Builder, low: Value, high: Value) -> Built {
    let (low, high) = (super::inexact(b, low)?, super::inexact(b, high)?);
    let sum = bin(b, Op::Add, low, high)?;
    bin(b, Op::Divide, sum, 2.0)
}

/// The middle element, or the mean of the two.
pub fn median(b: &mut Builder, x: Value, axes: Option<&[i64]>, keepdims: bool) -> Built {
    let r = rows(b, x, axes)?;
    let (low, high) = ((&r.n - 1).floor_div(&2.into()), r.n.floor_div(&2.into()));
    let element = |b: &mut Builder, start: Dim| {
        let e = b.slice_axis(r.sorted, 0, Slice { start, size: 1.into(), step: 1 })?;
        b.squeeze(e, &[0])
    };
    let result = if low == high {
        let e = element(b, low)?;
        super::inexact(b, e)?
    } else {
        let (x, y) = (element(b, low)?, element(b, high)?);
        middle(b, x, y)?
    };
    let result = mark_nan(b, &r, result)?;
    restore(b, result, &r, 0, keepdims)
}

/// [`median`] of the elements that are not NaN; NaN where there are none.
pub fn nanmedian(b: &mut Builder, x: Value, axes: Option<&[i64]>, keepdims: bool) -> Built {
    if !b.dtype(x).is_float() {
        return median(b, x, axes, keepdims);
    }
    let r = rows(b, x, axes)?;
    let n = valid(b, &r)?;
    let low = bin(b, Op::Subtract, n, 1)?;
    let low = bin(b, Op::FloorDivide, low, 2)?;
    let low = bin(b, Op::Maximum, low, 0)?;
    let last = b.dim_value(&(&r.n - 1));
    let high = bin(b, Op::FloorDivide, n, 2)?;
    let high = bin(b, Op::Minimum, high, last)?;
    let (x, y) = (pick(b, &r, low)?, pick(b, &r, high)?);
    let one = bin(b, Op::Equal, low, high)?;
    let mean = middle(b, x, y)?;
    let result = b.select(one, x, mean)?;
    restore(b, result, &r, 0, keepdims)
}
