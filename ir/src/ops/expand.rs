//! Decompositions of composite ops into core ops.

use crate::attrs::{Attrs, Key, Slice};
use crate::build::Builder;
use crate::dim::{Dim, product};
use crate::dtype::{DType, Scalar};
use crate::error::TypeError;
use crate::graph::Value;
use crate::ops::Op;

type Expanded = Result<Vec<Value>, TypeError>;

/// Number of elements that a reduction combines, as a 0-d value of a type.
fn reduced_count(b: &mut Builder, attrs: &Attrs, x: Value, dtype: DType) -> Result<Value, TypeError> {
    let shape = b.shape(x).to_vec();
    let n = product(attrs.ints(Key::Axes).iter().map(|a| &shape[*a as usize]));
    let v = b.dim_value(&n);
    b.cast(v, dtype)
}

fn over(b: &mut Builder, op: Op, attrs: &Attrs, x: Value, keepdims: bool) -> Result<Value, TypeError> {
    b.reduce(op, x, Some(attrs.ints(Key::Axes)), keepdims)
}

pub(super) fn mean(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let s = over(b, Op::Sum, attrs, x[0], attrs.bool(Key::Keepdims))?;
    let t = b.dtype(x[0]);
    let n = reduced_count(b, attrs, x[0], t)?;
    Ok(vec![b.binary(Op::Divide, s, n)?])
}

/// Squared magnitude, real.
fn magnitude_squared(b: &mut Builder, d: Value) -> Result<Value, TypeError> {
    if !b.dtype(d).is_complex() {
        return b.unary(Op::Square, d);
    }
    let (re, im) = (b.unary(Op::Real, d)?, b.unary(Op::Imag, d)?);
    let (re, im) = (b.unary(Op::Square, re)?, b.unary(Op::Square, im)?);
    b.binary(Op::Add, re, im)
}

/// Two passes, as NumPy: the mean, then the mean squared distance from it.
pub(super) fn var(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let t = b.dtype(x[0]);
    let s = over(b, Op::Sum, attrs, x[0], true)?;
    let n = reduced_count(b, attrs, x[0], t)?;
    let m = b.binary(Op::Divide, s, n)?;
    let d = b.binary(Op::Subtract, x[0], m)?;
    let d2 = magnitude_squared(b, d)?;
    let total = over(b, Op::Sum, attrs, d2, attrs.bool(Key::Keepdims))?;
    let n = reduced_count(b, attrs, x[0], t.real())?;
    let ddof = b.constant(attrs.scalar(Key::Ddof).cast(t.real()));
    let n = b.binary(Op::Subtract, n, ddof)?;
    let zero = b.number(t.real(), 0.0);
    let n = b.binary(Op::Maximum, n, zero)?;
    Ok(vec![b.binary(Op::Divide, total, n)?])
}

pub(super) fn std(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let v = var(b, attrs, x)?;
    Ok(vec![b.unary(Op::Sqrt, v[0])?])
}

pub(super) fn count_nonzero(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let nonzero = b.cast(x[0], DType::Bool)?;
    let ones = b.cast(nonzero, DType::I64)?;
    Ok(vec![over(b, Op::Sum, attrs, ones, attrs.bool(Key::Keepdims))?])
}

/// Shifted by the maximum; an infinite maximum is not subtracted (it would give NaN).
pub(super) fn logsumexp(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let m = over(b, Op::Max, attrs, x[0], true)?;
    let finite = b.unary(Op::Isfinite, m)?;
    let t = b.dtype(x[0]);
    let zero = b.number(t, 0.0);
    let shift = b.select(finite, m, zero)?;
    let d = b.binary(Op::Subtract, x[0], shift)?;
    let e = b.unary(Op::Exp, d)?;
    let s = over(b, Op::Sum, attrs, e, true)?;
    let l = b.unary(Op::Log, s)?;
    let r = b.binary(Op::Add, l, shift)?;
    drop_axes(b, attrs, r)
}

fn drop_axes(b: &mut Builder, attrs: &Attrs, x: Value) -> Expanded {
    if attrs.bool(Key::Keepdims) {
        return Ok(vec![x]);
    }
    Ok(vec![b.squeeze(x, attrs.ints(Key::Axes))?])
}

/// `x` with NaN replaced, and which elements are numbers.
fn without_nan(b: &mut Builder, x: Value, fill: Scalar) -> Result<(Value, Value), TypeError> {
    let nan = b.unary(Op::Isnan, x)?;
    let fill = b.constant(fill);
    let clean = b.select(nan, fill, x)?;
    let valid = b.unary(Op::LogicalNot, nan)?;
    Ok((clean, valid))
}

fn nan_reduce(b: &mut Builder, attrs: &Attrs, x: Value, op: Op, fill: f64) -> Expanded {
    let t = b.dtype(x);
    let keep = attrs.bool(Key::Keepdims);
    if !t.is_inexact() {
        return Ok(vec![over(b, op, attrs, x, keep)?]);
    }
    let (clean, _) = without_nan(b, x, Scalar::from_f64(t, fill))?;
    Ok(vec![over(b, op, attrs, clean, keep)?])
}

pub(super) fn nansum(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    nan_reduce(b, attrs, x[0], Op::Sum, 0.0)
}

pub(super) fn nanprod(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    nan_reduce(b, attrs, x[0], Op::Prod, 1.0)
}

/// NaN only where all elements are NaN.
fn nan_extreme(b: &mut Builder, attrs: &Attrs, x: Value, op: Op, fill: f64) -> Expanded {
    let t = b.dtype(x);
    let keep = attrs.bool(Key::Keepdims);
    if !t.is_float() {
        return Ok(vec![over(b, op, attrs, x, keep)?]);
    }
    let (clean, valid) = without_nan(b, x, Scalar::from_f64(t, fill))?;
    let r = over(b, op, attrs, clean, keep)?;
    let some = over(b, Op::Any, attrs, valid, keep)?;
    let nan = b.number(t, f64::NAN);
    Ok(vec![b.select(some, r, nan)?])
}

pub(super) fn nanmin(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    nan_extreme(b, attrs, x[0], Op::Min, f64::INFINITY)
}

pub(super) fn nanmax(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    nan_extreme(b, attrs, x[0], Op::Max, f64::NEG_INFINITY)
}

/// Sum and count of the numbers, both with kept axes.
fn nan_sum_count(
    b: &mut Builder,
    attrs: &Attrs,
    x: Value,
) -> Result<(Value, Value, Value, Value), TypeError> {
    let t = b.dtype(x);
    let (clean, valid) = without_nan(b, x, Scalar::zero(t))?;
    let s = over(b, Op::Sum, attrs, clean, true)?;
    let ones = b.cast(valid, DType::I64)?;
    let n = over(b, Op::Sum, attrs, ones, true)?;
    let n = b.cast(n, t)?;
    Ok((s, n, clean, valid))
}

pub(super) fn nanmean(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let (s, n, ..) = nan_sum_count(b, attrs, x[0])?;
    let m = b.binary(Op::Divide, s, n)?;
    drop_axes(b, attrs, m)
}

pub(super) fn nanvar(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let t = b.dtype(x[0]);
    let (s, n, clean, valid) = nan_sum_count(b, attrs, x[0])?;
    let m = b.binary(Op::Divide, s, n)?;
    let d = b.binary(Op::Subtract, clean, m)?;
    let zero = b.number(t, 0.0);
    let d = b.select(valid, d, zero)?;
    let d2 = b.unary(Op::Square, d)?;
    let total = over(b, Op::Sum, attrs, d2, true)?;
    let ddof = b.constant(attrs.scalar(Key::Ddof).cast(t));
    let n = b.binary(Op::Subtract, n, ddof)?;
    // No degrees of freedom: NaN, not an infinity or a negative variance.
    let nan = b.number(t, f64::NAN);
    let enough = b.binary(Op::Greater, n, zero)?;
    let n = b.select(enough, n, nan)?;
    let v = b.binary(Op::Divide, total, n)?;
    drop_axes(b, attrs, v)
}

pub(super) fn nanstd(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let v = nanvar(b, attrs, x)?;
    Ok(vec![b.unary(Op::Sqrt, v[0])?])
}

/// `column - row` compared with the offset decides which side of the diagonal an element is on.
fn triangle(b: &mut Builder, attrs: &Attrs, x: Value, keep: Op) -> Expanded {
    let shape = b.shape(x).to_vec();
    let r = shape.len();
    let plane = &shape[r - 2..];
    let (i, j) = (b.iota(plane, 0, DType::I64)?, b.iota(plane, 1, DType::I64)?);
    let k = b.constant(Scalar::from_i64(DType::I64, attrs.int(Key::Offset)));
    let edge = b.binary(Op::Add, i, k)?;
    let inside = b.binary(keep, j, edge)?;
    let zero = b.constant(Scalar::zero(b.dtype(x)));
    Ok(vec![b.select(inside, x, zero)?])
}

pub(super) fn triu(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    triangle(b, attrs, x[0], Op::GreaterEqual)
}

pub(super) fn tril(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    triangle(b, attrs, x[0], Op::LessEqual)
}

/// Each axis: the last `shift` elements, then the rest.
pub(super) fn roll(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let mut x = x[0];
    for (axis, shift) in attrs.ints(Key::Axes).iter().zip(attrs.dims(Key::Shift)) {
        let axis = *axis as usize;
        let n = b.shape(x)[axis].clone();
        if n.is(0) {
            continue;
        }
        let shift = shift.modulo(&n);
        if shift.is(0) {
            continue;
        }
        let tail = Slice { start: &n - &shift, size: shift.clone(), step: 1 };
        let head = Slice { start: Dim::constant(0), size: &n - &shift, step: 1 };
        let (tail, head) = (b.slice_axis(x, axis, tail)?, b.slice_axis(x, axis, head)?);
        x = b.concatenate(&[tail, head], axis as i64)?;
    }
    Ok(vec![x])
}

pub(super) fn stack(b: &mut Builder, attrs: &Attrs, xs: &[Value]) -> Expanded {
    let axis = attrs.int(Key::Axis);
    let mut parts = Vec::with_capacity(xs.len());
    for x in xs {
        parts.push(b.expand_dims(*x, &[axis])?);
    }
    Ok(vec![b.concatenate(&parts, axis)?])
}

/// `(r0, n0, r1, n1, ..)` broadcast along each repetition, then merged.
pub(super) fn tile(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let reps = attrs.dims(Key::Shape);
    let shape = b.shape(x[0]).to_vec();
    let axes: Vec<i64> = (0..shape.len() as i64).map(|k| 2 * k).collect();
    let spread = b.expand_dims(x[0], &axes)?;
    let wide: Vec<Dim> = reps.iter().zip(&shape).flat_map(|(r, n)| [r.clone(), n.clone()]).collect();
    let spread = b.broadcast_to(spread, &wide)?;
    let merged: Vec<Dim> = reps.iter().zip(&shape).map(|(r, n)| r * n).collect();
    Ok(vec![b.reshape(spread, &merged)?])
}

pub(super) fn repeat(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let (axis, n) = (attrs.int(Key::Axis) as usize, attrs.dim(Key::N).clone());
    let mut shape = b.shape(x[0]).to_vec();
    let spread = b.expand_dims(x[0], &[axis as i64 + 1])?;
    let mut wide = shape.clone();
    wide.insert(axis + 1, n.clone());
    let spread = b.broadcast_to(spread, &wide)?;
    shape[axis] = &shape[axis] * &n;
    Ok(vec![b.reshape(spread, &shape)?])
}

pub(super) fn trace(b: &mut Builder, attrs: &Attrs, x: &[Value]) -> Expanded {
    let d = b.node(Op::Diagonal, attrs.clone(), x)?;
    let last = b.ty(d).rank() as i64 - 1;
    Ok(vec![b.reduce(Op::Sum, d, Some(&[last]), false)?])
}
