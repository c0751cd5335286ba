//! Quantiles and medians, by selection.

use super::{Arg, Built, bin, choose, invalid, un};
use frit_ir::build::{Builder, Operand};
use frit_ir::dim::product;
use frit_ir::error::TypeError;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Slice, Value};

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

/// The reduced axes merged into one, as the first axis of the rest.
struct Rows {
    x: Value,
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
    let x = b.reshape(moved, &merged)?;
    Ok(Rows { x, n, axes, kept: kept.len() })
}

/// The elements that sorting puts at positions, for each of several lists of them: `at` has leading axes, then those that
/// stay, or 1 for each if the positions are the same for all rows. One selection serves all lists.
fn pick(b: &mut Builder, r: &Rows, at: &[Value]) -> Result<Vec<Value>, TypeError> {
    let rest = b.shape(r.x)[1..].to_vec();
    let common = |b: &Builder, v: Value| b.shape(v)[b.ty(v).rank() - r.kept..].iter().all(|d| d.is(1));
    let common = at.iter().all(|v| common(b, *v));
    let (mut lists, mut leads) = (Vec::with_capacity(at.len()), Vec::with_capacity(at.len()));
    for v in at {
        let lead = b.shape(*v)[..b.ty(*v).rank() - r.kept].to_vec();
        let tail = if common { &[][..] } else { &rest[..] };
        let v = b.cast(*v, DType::I64)?;
        let v = if common { v } else { b.broadcast_to(v, &[&lead, tail].concat())? };
        let count = product(&lead);
        lists.push(b.reshape(v, &[&[count][..], tail].concat())?);
        leads.push(lead);
    }
    let kth = b.concatenate(&lists, 0)?;
    let chosen = b.node(Op::OrderStatistics, Attrs::new([(Key::Axis, Attr::Int(0))]), &[r.x, kth])?;
    let mut start = Dim::constant(0);
    let mut parts = Vec::with_capacity(leads.len());
    for lead in leads {
        let size = product(&lead);
        let part = b.slice_axis(chosen, 0, Slice { start: start.clone(), size: size.clone(), step: 1 })?;
        parts.push(b.reshape(part, &[&lead[..], &rest].concat())?);
        start = &start + &size;
    }
    Ok(parts)
}

/// Puts reduced axes back with size 1, behind `lead` axes.
fn restore(b: &mut Builder, x: Value, r: &Rows, lead: usize, keepdims: bool) -> Built {
    if !keepdims {
        return Ok(x);
    }
    b.expand_dims(x, &r.axes.iter().map(|a| a + lead as i64).collect::<Vec<_>>())
}

/// NaN where a row has one.
fn mark_nan(b: &mut Builder, r: &Rows, result: Value) -> Built {
    if !b.dtype(r.x).is_float() {
        return Ok(result);
    }
    let nan = un(b, Op::Isnan, r.x)?;
    let bad = b.reduce(Op::Any, nan, Some(&[0]), false)?;
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

/// The quantiles of rows that hold `n` numbers each: a 0-d float, or one per row.
fn between(b: &mut Builder, r: &Rows, n: Value, q: Value, t: DType, method: Quantile) -> Built {
    let n = b.cast(n, b.dtype(q))?;
    let trail: Vec<i64> = (0..r.kept).map(|k| (k + b.ty(q).rank()) as i64).collect();
    let q = b.expand_dims(q, &trail)?;
    let last = bin(b, Op::Subtract, n, 1.0)?;
    let scaled = bin(b, Op::Multiply, q, n)?;
    let linear = bin(b, Op::Multiply, last, q)?;
    let inside = |b: &mut Builder, v: Value| {
        let v = bin(b, Op::Maximum, v, 0.0)?;
        bin(b, Op::Minimum, v, last)
    };
    let at = |b: &mut Builder, v: Value| -> Built {
        let v = inside(b, v)?;
        Ok(pick(b, r, &[v])?[0])
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
    let ends = [inside(b, low)?, inside(b, high)?];
    let ends = pick(b, r, &ends)?;
    let (x, y) = (ends[0], ends[1]);
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
    let nan = un(b, Op::Isnan, r.x)?;
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
    let ends = if low == high { vec![low] } else { vec![low, high] };
    let at = ends
        .iter()
        .map(|d| {
            let at = b.dim_value(d);
            b.expand_dims(at, &(0..r.kept as i64).collect::<Vec<_>>())
        })
        .collect::<Result<Vec<_>, _>>()?;
    let ends = pick(b, &r, &at)?;
    let result = match ends[..] {
        [x, y] => middle(b, x, y)?,
        _ => super::inexact(b, ends[0])?,
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
    let ends = pick(b, &r, &[low, high])?;
    let (x, y) = (ends[0], ends[1]);
    let one = bin(b, Op::Equal, low, high)?;
    let mean = middle(b, x, y)?;
    let result = b.select(one, x, mean)?;
    restore(b, result, &r, 0, keepdims)
}
