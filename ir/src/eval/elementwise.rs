//! Elementwise ops, reductions and running combinations.

use super::scalar::ScalarOp;
use super::{Array, EvalError};
use crate::attrs::Key;
use crate::dtype::{DType, Scalar};
use crate::graph::Node;
use crate::ops::{Combine, Op};
use ndarray::{ArrayD, Axis, IxDyn};
use num_complex::Complex64;

/// The op's body at each element of the broadcast operands.
pub(super) fn elementwise(
    n: &Node,
    args: &[&Array],
    dtype: DType,
    shape: &[usize],
) -> Result<Array, EvalError> {
    let types: Vec<DType> = args.iter().map(|a| a.dtype).collect();
    if n.op == Op::Power && types[0].is_int() && shape.iter().all(|s| *s > 0) {
        let negative = |e: &Scalar| types[1].is_signed() && e.as_i64() < 0;
        if args[1].data.iter().any(negative) {
            return Err(EvalError::NegativePower);
        }
    }
    let f = ScalarOp::new(n.op, &types, dtype);
    let operands: Vec<_> = args.iter().map(|a| a.spread(shape)).collect();
    let mut rows: Vec<_> = operands.iter().map(|v| v.iter()).collect();
    let mut values = vec![Scalar::zero(DType::Bool); args.len()];
    let count = shape.iter().product();
    let mut elements = Vec::with_capacity(count);
    for _ in 0..count {
        for (v, row) in values.iter_mut().zip(&mut rows) {
            *v = *row.next().expect("as many as the result has");
        }
        elements.push(f.apply(&values));
    }
    Ok(Array::new(dtype, shape, elements))
}

/// Two elements combined by an op on a type.
pub(super) fn binary(op: Op, t: DType) -> ScalarOp {
    ScalarOp::new(op, &[t, t], t)
}

/// The lines of elements that a reduction combines, one per element of the result with kept axes removed, each in C
/// order of the source.
pub(super) fn lines(x: &Array, axes: &[i64]) -> ArrayD<Vec<Scalar>> {
    let reduced: Vec<usize> = axes.iter().map(|a| *a as usize).collect();
    let kept: Vec<usize> = (0..x.rank()).filter(|k| !reduced.contains(k)).collect();
    let order: Vec<usize> = kept.iter().chain(&reduced).copied().collect();
    let shape: Vec<usize> = kept.iter().map(|k| x.shape()[*k]).collect();
    let length: usize = reduced.iter().map(|k| x.shape()[*k]).product();
    let moved = x.data.view().permuted_axes(IxDyn(&order));
    let mut rest = moved.iter().copied();
    ArrayD::from_shape_fn(IxDyn(&shape), |_| rest.by_ref().take(length).collect())
}

/// A result per line, in the shape that a reduction gives (with or without kept axes).
pub(super) fn per_line(
    n: &Node,
    x: &Array,
    dtype: DType,
    shape: &[usize],
    mut f: impl FnMut(&[Scalar]) -> Result<Scalar, EvalError>,
) -> Result<Array, EvalError> {
    let results: Vec<Scalar> =
        lines(x, n.attrs.ints(Key::Axes)).iter().map(|line| f(line)).collect::<Result<_, _>>()?;
    Ok(Array::new(dtype, shape, results))
}

pub(super) fn reduce(n: &Node, x: &Array, dtype: DType, shape: &[usize]) -> Result<Array, EvalError> {
    let c = n.op.def().combine.expect("a reduction combines");
    per_line(n, x, dtype, shape, |line| fold(n.op, c, x.dtype, line))
}

/// Combines a line: sums are rounded about once, products go in order, positions are the first ones.
pub(super) fn fold(op: Op, c: Combine, t: DType, line: &[Scalar]) -> Result<Scalar, EvalError> {
    let identity = match c {
        Combine::Add if t.is_inexact() => {
            return Ok(Scalar::complex(t, sum(line.iter().map(|v| v.as_complex()))));
        }
        Combine::Add | Combine::Or => Some(Scalar::zero(t)),
        Combine::Mul | Combine::And => Some(Scalar::one(t)),
        Combine::ArgMin | Combine::ArgMax => {
            if line.is_empty() {
                return Err(EvalError::EmptyReduction(op));
            }
            return Ok(Scalar::from_i64(DType::I64, position(t, c, line) as i64));
        }
        Combine::Min | Combine::Max => None,
    };
    let f = binary(c.op().expect("positions are found above"), t);
    identity
        .into_iter()
        .chain(line.iter().copied())
        .reduce(|a, b| f.apply(&[a, b]))
        .ok_or(EvalError::EmptyReduction(op))
}

/// The first NaN, else the first element that no other one beats.
fn position(t: DType, c: Combine, line: &[Scalar]) -> usize {
    let beats =
        ScalarOp::new(if c == Combine::ArgMin { Op::Less } else { Op::Greater }, &[t, t], DType::Bool);
    if let Some(k) = line.iter().position(|v| v.as_f64().is_nan()) {
        return k;
    }
    let mut best = 0;
    for k in 1..line.len() {
        if beats.apply(&[line[k], line[best]]).as_i64() != 0 {
            best = k;
        }
    }
    best
}

/// Neumaier's compensated sum (Zeitschrift fuer Angewandte Mathematik und Mechanik 54, 1974), the parts apart.
/// Where that is not finite, the plain sum.
pub(super) fn sum(terms: impl Iterator<Item = Complex64> + Clone) -> Complex64 {
    let part = |terms: &mut dyn Iterator<Item = f64>| {
        let (mut total, mut plain, mut lost) = (0.0f64, 0.0f64, 0.0f64);
        for v in terms {
            plain += v;
            let next = total + v;
            lost += if total.abs() >= v.abs() { (total - next) + v } else { (v - next) + total };
            total = next;
        }
        if (total + lost).is_finite() { total + lost } else { plain }
    };
    Complex64::new(part(&mut terms.clone().map(|c| c.re)), part(&mut terms.map(|c| c.im)))
}

/// Each element combined with all before it, in order, in the element type.
pub(super) fn cumulative(n: &Node, x: &Array) -> Array {
    let op = n.op.def().combine.and_then(Combine::op).expect("a cumulation combines");
    let f = binary(op, x.dtype);
    let mut out = x.data.clone();
    for mut line in out.lanes_mut(Axis(n.attrs.int(Key::Axis) as usize)) {
        for k in 1..line.len() {
            line[k] = f.apply(&[line[k - 1], line[k]]);
        }
    }
    Array { dtype: x.dtype, data: out }
}
