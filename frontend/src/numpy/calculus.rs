//! Differences, sums of strips, interpolation.

use super::{Arg, Built, axis_of, bin, choose, invalid, un};
use frit_ir::build::{Builder, Operand};
use frit_ir::error::TypeError;
use frit_ir::{DType, Dim, Op, Scalar, Slice, Value};

/// Elements `start..start + size` along an axis.
fn window(b: &mut Builder, x: Value, axis: usize, start: impl Into<Dim>, size: Dim) -> Built {
    b.slice_axis(x, axis, Slice { start: start.into(), size, step: 1 })
}

/// Differences of neighbours along an axis, `n` times.
pub fn diff(b: &mut Builder, x: Value, n: usize, axis: i64) -> Built {
    let axis = axis_of(b, Op::Subtract, x, axis)?;
    let mut x = x;
    for _ in 0..n {
        let size = (&b.shape(x)[axis] - 1).maximum(&Dim::constant(0));
        let start = if size.is(0) { Dim::constant(0) } else { 1.into() };
        let (high, low) = (window(b, x, axis, start, size.clone())?, window(b, x, axis, 0, size)?);
        let op = if b.dtype(x) == DType::Bool { Op::NotEqual } else { Op::Subtract };
        x = bin(b, op, high, low)?;
    }
    Ok(x)
}

/// [`diff`] of the array between further values along the axis; numbers stand for one place.
pub fn diff_between(
    b: &mut Builder,
    x: Value,
    n: usize,
    axis: i64,
    prepend: Option<Value>,
    append: Option<Value>,
) -> Built {
    let k = axis_of(b, Op::Subtract, x, axis)?;
    let mut parts = Vec::with_capacity(3);
    for part in [prepend, Some(x), append].into_iter().flatten() {
        parts.push(if b.ty(part).rank() == 0 {
            let mut shape = b.shape(x).to_vec();
            shape[k] = 1.into();
            b.broadcast_to(part, &shape)?
        } else {
            part
        });
    }
    let all = b.concatenate(&parts, axis)?;
    diff(b, all, n, axis)
}

/// Differences of neighbours of the flattened array, between optional values before and after.
pub fn ediff1d(b: &mut Builder, x: Value, to_end: Option<Value>, to_begin: Option<Value>) -> Built {
    let x = super::ravel(b, x)?;
    let d = diff(b, x, 1, 0)?;
    let t = b.dtype(d);
    let mut parts = Vec::with_capacity(3);
    for part in [to_begin, Some(d), to_end].into_iter().flatten() {
        let part = super::ravel(b, part)?;
        parts.push(b.cast(part, t)?);
    }
    b.concatenate(&parts, 0)
}

/// The distance of sample points: one number, or their positions along the axis.
#[derive(Clone, Copy, Debug)]
pub enum Spacing {
    /// Evenly spaced.
    Even(Operand),
    /// At these coordinates.
    At(Value),
}

/// The derivative along an axis by central differences; at the ends by differences of the given order (1 or 2).
pub fn gradient(b: &mut Builder, x: Value, spacing: Spacing, axis: i64, edge_order: u32) -> Built {
    let axis = axis_of(b, Op::Subtract, x, axis)?;
    let n = b.shape(x)[axis].clone();
    if edge_order != 1 && edge_order != 2 {
        return invalid(b, Op::Subtract, "'edge_order' greater than 2 not supported");
    }
    if n.as_const().is_some_and(|n| n < i64::from(edge_order) + 1) {
        let why = "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements \
                   are required.";
        return invalid(b, Op::Subtract, why);
    }
    let x = super::inexact(b, x)?;
    let t = b.dtype(x);
    let rank = b.ty(x).rank();
    let inner = &n - 2;
    let at = |b: &mut Builder, from: i64| window(b, x, axis, from, inner.clone());
    let one = |b: &mut Builder, k: i64| {
        let start = if k < 0 { &n + k } else { k.into() };
        window(b, x, axis, start, 1.into())
    };
    let result = match spacing {
        Spacing::Even(h) => {
            let h = match h {
                Operand::Weak(s) => b.constant(s.cast(t)),
                Operand::Value(v) => v,
            };
            let (high, low) = (at(b, 2)?, at(b, 0)?);
            let d = bin(b, Op::Subtract, high, low)?;
            let h2 = bin(b, Op::Multiply, h, 2.0)?;
            let middle = bin(b, Op::Divide, d, h2)?;
            let (first, last) = if edge_order == 1 {
                let (x0, x1, y0, y1) = (one(b, 0)?, one(b, 1)?, one(b, -2)?, one(b, -1)?);
                let (d, e) = (bin(b, Op::Subtract, x1, x0)?, bin(b, Op::Subtract, y1, y0)?);
                (bin(b, Op::Divide, d, h)?, bin(b, Op::Divide, e, h)?)
            } else {
                let weights = [(-1.5, 0), (2.0, 1), (-0.5, 2)];
                let ends = [(0.5, -3), (-2.0, -2), (1.5, -1)];
                let sum = |b: &mut Builder, w: [(f64, i64); 3]| -> Built {
                    let mut total: Option<Value> = None;
                    for (w, k) in w {
                        let w = bin(b, Op::Divide, w, h)?;
                        let v = one(b, k)?;
                        let t = bin(b, Op::Multiply, w, v)?;
                        total = Some(match total {
                            Some(s) => bin(b, Op::Add, s, t)?,
                            None => t,
                        });
                    }
                    Ok(total.unwrap_or(x))
                };
                (sum(b, weights)?, sum(b, ends)?)
            };
            b.concatenate(&[first, middle, last], axis as i64)
        }
        Spacing::At(points) => {
            // Differences of integers would wrap.
            let points = super::inexact(b, points)?;
            if b.ty(points).rank() != 1 || b.shape(points)[0] != n {
                return invalid(
                    b,
                    Op::Subtract,
                    "when 1d, distances must match the length of the corresponding dimension",
                );
            }
            let steps = diff(b, points, 1, 0)?;
            let steps = super::creation::along_axis(b, steps, axis, rank)?;
            let (h0, h1) =
                (window(b, steps, axis, 0, inner.clone())?, window(b, steps, axis, 1, inner.clone())?);
            let total = bin(b, Op::Add, h0, h1)?;
            let (x0, x1, x2) = (at(b, 0)?, at(b, 1)?, at(b, 2)?);
            // a x0 + b x1 + c x2 with NumPy's coefficients.
            let a = bin(b, Op::Multiply, h0, total)?;
            let a = bin(b, Op::Divide, h1, a)?;
            let a = un(b, Op::Negative, a)?;
            let m = bin(b, Op::Subtract, h1, h0)?;
            let p = bin(b, Op::Multiply, h0, h1)?;
            let m = bin(b, Op::Divide, m, p)?;
            let c = bin(b, Op::Multiply, h1, total)?;
            let c = bin(b, Op::Divide, h0, c)?;
            let (t0, t1, t2) =
                (bin(b, Op::Multiply, a, x0)?, bin(b, Op::Multiply, m, x1)?, bin(b, Op::Multiply, c, x2)?);
            let middle = bin(b, Op::Add, t0, t1)?;
            let middle = bin(b, Op::Add, middle, t2)?;
            let (first, last) = if edge_order == 1 {
                let slopes = diff(b, x, 1, axis as i64)?;
                let slopes = bin(b, Op::Divide, slopes, steps)?;
                (window(b, slopes, axis, 0, 1.into())?, window(b, slopes, axis, &n - 2, 1.into())?)
            } else {
                let step = |b: &mut Builder, start: Dim| window(b, steps, axis, start, 1.into());
                let (a0, a1) = (step(b, 0.into())?, step(b, 1.into())?);
                let (b0, b1) = (step(b, &n - 3)?, step(b, &n - 2)?);
                let (x0, x1, x2) = (one(b, 0)?, one(b, 1)?, one(b, 2)?);
                let (y0, y1, y2) = (one(b, -1)?, one(b, -2)?, one(b, -3)?);
                let first = end_slope(b, a0, a1, [x0, x1, x2])?;
                // The other end is the mirror image, and slopes change their sign.
                let last = end_slope(b, b1, b0, [y0, y1, y2])?;
                (first, un(b, Op::Negative, last)?)
            };
            b.concatenate(&[first, middle, last], axis as i64)
        }
    }?;
    // In the type of the samples, whatever the spacing's.
    b.cast(result, t)
}

/// The derivative at the first of three points that lie `h` and then `k` apart, of second order.
fn end_slope(b: &mut Builder, h: Value, k: Value, f: [Value; 3]) -> Built {
    let sum = bin(b, Op::Add, h, k)?;
    let hk = bin(b, Op::Multiply, h, k)?;
    let outer = bin(b, Op::Add, sum, h)?;
    let p = bin(b, Op::Multiply, h, sum)?;
    let p = bin(b, Op::Divide, outer, p)?;
    let q = bin(b, Op::Divide, sum, hk)?;
    let r = bin(b, Op::Multiply, k, sum)?;
    let r = bin(b, Op::Divide, h, r)?;
    let (p, q, r) =
        (bin(b, Op::Multiply, p, f[0])?, bin(b, Op::Multiply, q, f[1])?, bin(b, Op::Multiply, r, f[2])?);
    let d = bin(b, Op::Subtract, q, p)?;
    bin(b, Op::Subtract, d, r)
}

/// The integral along an axis by the trapezoidal rule.
pub fn trapezoid(b: &mut Builder, y: Value, spacing: Spacing, axis: i64) -> Built {
    let axis = axis_of(b, Op::Sum, y, axis)?;
    let y = super::inexact(b, y)?;
    let n = &b.shape(y)[axis] - 1;
    let rank = b.ty(y).rank();
    let (low, high) = (window(b, y, axis, 0, n.clone())?, window(b, y, axis, 1, n)?);
    let sum = bin(b, Op::Add, high, low)?;
    let d = match spacing {
        Spacing::Even(h) => h,
        Spacing::At(points) if b.ty(points).rank() == 1 => {
            let d = diff(b, points, 1, 0)?;
            super::creation::along_axis(b, d, axis, rank)?.into()
        }
        Spacing::At(points) => diff(b, points, 1, axis as i64)?.into(),
    };
    let strips = bin(b, Op::Multiply, d, sum)?;
    let strips = bin(b, Op::Divide, strips, 2.0)?;
    b.reduce(Op::Sum, strips, Some(&[axis as i64]), false)
}

/// Linear interpolation of `fp` at increasing `xp`; outside, `left` and `right` (by default the end values). Where the
/// line from the left gives NaN, that from the right is tried, and then the value of a level line.
pub fn interp(
    b: &mut Builder,
    x: Value,
    xp: Value,
    fp: Value,
    left: Option<Operand>,
    right: Option<Operand>,
) -> Built {
    if b.ty(xp).rank() != 1 || b.shape(xp) != b.shape(fp) {
        return invalid(b, Op::Searchsorted, "fp and xp are not of the same length.");
    }
    if b.shape(xp)[0].is(0) {
        return invalid(b, Op::Searchsorted, "array of sample points is empty");
    }
    if b.dtype(fp).is_complex() {
        // Each part by itself: infinities of one are nothing to the other.
        let mut parts = Vec::new();
        for part in [Op::Real, Op::Imag] {
            let end = |b: &mut Builder, v: Option<Operand>| -> Result<Option<Operand>, TypeError> {
                let Some(v) = v else { return Ok(None) };
                let v = match v {
                    Operand::Weak(s) => b.constant(s.cast(DType::C128)),
                    Operand::Value(v) => b.cast(v, DType::C128)?,
                };
                un(b, part, v).map(|v| Some(v.operand()))
            };
            let (left, right) = (end(b, left)?, end(b, right)?);
            let fp = un(b, part, fp)?;
            parts.push(interp(b, x, xp, fp, left, right)?);
        }
        // A position that is NaN is the real part of its result.
        let position = b.cast(x, DType::F64)?;
        let lost = un(b, Op::Isnan, position)?;
        let zero = b.constant(Scalar::zero(DType::F64));
        parts[1] = choose(b, lost, zero, parts[1])?;
        let parts: Vec<Operand> = parts.into_iter().map(|v| v.operand()).collect();
        return b.elementwise(Op::MakeComplex, &parts);
    }
    let (x, xp, fp) = (b.cast(x, DType::F64)?, b.cast(xp, DType::F64)?, b.cast(fp, DType::F64)?);
    let n = b.shape(xp)[0].clone();
    let pick = |b: &mut Builder, v: Value, at: Value| b.gather(v, &[0], &[at]);
    let end = |b: &mut Builder, k: Dim| super::getitem(b, fp, &[super::Index::At(k)]);
    let (first, last) = (end(b, 0.into())?, end(b, &n - 1)?);
    let after = super::searchsorted(b, xp, x, true)?;
    let at = bin(b, Op::Subtract, after, 1)?;
    // The interval that holds x; x outside is put right below.
    let top = b.dim_value(&(&n - 2).maximum(&Dim::constant(0)));
    let j = bin(b, Op::Maximum, at, 0)?;
    let j = bin(b, Op::Minimum, j, top)?;
    let last_point = b.dim_value(&(&n - 1));
    let k = bin(b, Op::Add, j, 1)?;
    let k = bin(b, Op::Minimum, k, last_point)?;
    let (x0, x1, y0, y1) = (pick(b, xp, j)?, pick(b, xp, k)?, pick(b, fp, j)?, pick(b, fp, k)?);
    let (dy, dx) = (bin(b, Op::Subtract, y1, y0)?, bin(b, Op::Subtract, x1, x0)?);
    let slope = bin(b, Op::Divide, dy, dx)?;
    let from = bin(b, Op::Subtract, x, x0)?;
    let r = bin(b, Op::Multiply, slope, from)?;
    let r = bin(b, Op::Add, r, y0)?;
    let before = bin(b, Op::Subtract, x, x1)?;
    let other = bin(b, Op::Multiply, slope, before)?;
    let other = bin(b, Op::Add, other, y1)?;
    let (lost, level) = (un(b, Op::Isnan, other)?, bin(b, Op::Equal, y0, y1)?);
    let level = bin(b, Op::LogicalAnd, lost, level)?;
    let other = choose(b, level, y0, other)?;
    let lost = un(b, Op::Isnan, r)?;
    let r = choose(b, lost, other, r)?;
    let on = bin(b, Op::Equal, x, x0)?;
    let r = choose(b, on, y0, r)?;
    let below = bin(b, Op::Less, at, 0)?;
    let above = bin(b, Op::GreaterEqual, at, last_point)?;
    let xn = super::getitem(b, xp, &[super::Index::At(&n - 1)])?;
    let beyond = bin(b, Op::Greater, x, xn)?;
    let r = choose(b, above, last, r)?;
    let r = choose(b, beyond, right.unwrap_or_else(|| last.operand()), r)?;
    let r = choose(b, below, left.unwrap_or_else(|| first.operand()), r)?;
    let nan = un(b, Op::Isnan, x)?;
    choose(b, nan, f64::NAN, r)
}

/// Phase angles with jumps of more than half a period taken out.
pub fn unwrap(b: &mut Builder, x: Value, period: f64, axis: i64) -> Built {
    let axis = axis_of(b, Op::Cumsum, x, axis)?;
    let x = super::inexact(b, x)?;
    let d = diff(b, x, 1, axis as i64)?;
    let half = period / 2.0;
    let m = bin(b, Op::Add, d, half)?;
    let m = bin(b, Op::Remainder, m, period)?;
    let m = bin(b, Op::Subtract, m, half)?;
    let (at_edge, up) = (bin(b, Op::Equal, m, -half)?, bin(b, Op::Greater, d, 0.0)?);
    let flip = bin(b, Op::LogicalAnd, at_edge, up)?;
    let m = choose(b, flip, half, m)?;
    let correction = bin(b, Op::Subtract, m, d)?;
    let size = un(b, Op::Absolute, d)?;
    let small = bin(b, Op::Less, size, half)?;
    let correction = choose(b, small, 0.0, correction)?;
    let shift = b.cumulative(Op::Cumsum, correction, axis as i64)?;
    let n = &b.shape(x)[axis] - 1;
    let first = window(b, x, axis, 0, 1.into())?;
    let rest = window(b, x, axis, 1, n)?;
    let rest = bin(b, Op::Add, rest, shift)?;
    b.concatenate(&[first, rest], axis as i64)
}
