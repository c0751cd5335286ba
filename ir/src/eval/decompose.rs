//! Composite ops, each from its definition and not from its decomposition.

use super::elementwise::{fold, per_line, sum};
use super::movement::{join, take};
use super::{Array, EvalError, Sizes};
use crate::attrs::Key;
use crate::dtype::{DType, Scalar};
use crate::graph::Node;
use crate::ops::{Combine, Op};
use num_complex::Complex64;

pub(super) fn composite(
    n: &Node,
    args: &[&Array],
    dtype: DType,
    shape: &[usize],
    sizes: &Sizes,
) -> Result<Array, EvalError> {
    let x = args[0];
    let real = |v: f64| Ok(Scalar::from_f64(dtype, v));
    let numbers = |line: &[Scalar]| -> Vec<Scalar> {
        line.iter().copied().filter(|v| !v.as_complex().is_nan()).collect()
    };
    let ddof = || n.attrs.scalar(Key::Ddof).as_f64();
    Ok(match n.op {
        Op::Mean => per_line(n, x, dtype, shape, |line| Ok(Scalar::complex(dtype, mean(dtype, line))))?,
        Op::Var => per_line(n, x, dtype, shape, |line| {
            real(squares(dtype, line) / (line.len() as f64 - ddof()).max(0.0))
        })?,
        Op::Std => per_line(n, x, dtype, shape, |line| {
            real((squares(dtype, line) / (line.len() as f64 - ddof()).max(0.0)).sqrt())
        })?,
        Op::Nanvar | Op::Nanstd => per_line(n, x, dtype, shape, |line| {
            let line = numbers(line);
            let free = line.len() as f64 - ddof();
            let v = if free > 0.0 { squares(dtype, &line) / free } else { f64::NAN };
            real(if n.op == Op::Nanstd { v.sqrt() } else { v })
        })?,
        Op::Nanmean => {
            per_line(n, x, dtype, shape, |line| Ok(Scalar::complex(dtype, mean(dtype, &numbers(line)))))?
        }
        Op::CountNonzero => per_line(n, x, dtype, shape, |line| {
            Ok(Scalar::from_i64(
                dtype,
                line.iter().filter(|v| v.cast(DType::Bool).as_i64() != 0).count() as i64,
            ))
        })?,
        Op::Logsumexp => per_line(n, x, dtype, shape, |line| {
            let top = fold(n.op, Combine::Max, x.dtype, line)?.as_f64();
            let shift = if top.is_finite() { top } else { 0.0 };
            real(sum(line.iter().map(|v| (v.as_f64() - shift).exp().into())).re.ln() + shift)
        })?,
        Op::Nansum => per_line(n, x, dtype, shape, |line| fold(n.op, Combine::Add, dtype, &numbers(line)))?,
        Op::Nanprod => per_line(n, x, dtype, shape, |line| fold(n.op, Combine::Mul, dtype, &numbers(line)))?,
        Op::Nanmin | Op::Nanmax => per_line(n, x, dtype, shape, |line| {
            let c = if n.op == Op::Nanmin { Combine::Min } else { Combine::Max };
            // All NaN is NaN; nothing at all is an error.
            let some = numbers(line);
            fold(n.op, c, dtype, if some.is_empty() { line } else { &some })
        })?,
        Op::Triu | Op::Tril => {
            let offset = n.attrs.int(Key::Offset);
            Array::from_fn(dtype, shape, |i| {
                let distance = i[i.len() - 1] as i64 - i[i.len() - 2] as i64;
                let keep = if n.op == Op::Triu { distance >= offset } else { distance <= offset };
                if keep { x.at(i) } else { Scalar::zero(dtype) }
            })
        }
        Op::Roll => {
            let shifts = sizes.numbers(n.attrs.dims(Key::Shift))?;
            Array::from_fn(dtype, shape, |i| {
                let mut from = i.to_vec();
                for (axis, shift) in n.attrs.ints(Key::Axes).iter().zip(&shifts) {
                    let k = *axis as usize;
                    from[k] = (i[k] as i64 - shift).rem_euclid(shape[k] as i64) as usize;
                }
                x.at(&from)
            })
        }
        Op::Stack => {
            let axis = n.attrs.int(Key::Axis) as usize;
            let parts: Vec<Array> = args
                .iter()
                .map(|a| Array { dtype, data: a.data.clone().insert_axis(ndarray::Axis(axis)) })
                .collect();
            join(&parts.iter().collect::<Vec<_>>(), axis)
        }
        Op::Tile => Array::from_fn(dtype, shape, |i| {
            x.at(&i.iter().zip(x.shape()).map(|(i, n)| i % n).collect::<Vec<_>>())
        }),
        Op::Repeat => {
            let axis = n.attrs.int(Key::Axis) as usize;
            let times = sizes.number(n.attrs.dim(Key::N))? as usize;
            Array::from_fn(dtype, shape, |i| {
                let mut from = i.to_vec();
                from[axis] /= times;
                x.at(&from)
            })
        }
        Op::Trace => {
            // Summed in the type of the result, as `sum` sums small integers as 64-bit ones.
            let mut diagonal_shape = shape.to_vec();
            let (rows, cols) = (n.attrs.int(Key::Axis) as usize, n.attrs.int(Key::Axis2) as usize);
            let offset = n.attrs.int(Key::Offset);
            let (r, c) = (x.shape()[rows] as i64 + offset.min(0), x.shape()[cols] as i64 - offset.max(0));
            diagonal_shape.push(r.min(c).max(0) as usize);
            let d = take(n, x, &diagonal_shape);
            let last = ndarray::Axis(d.rank() - 1);
            let data = d.data.map_axis(last, |line| {
                let line: Vec<Scalar> = line.iter().map(|v| v.cast(dtype)).collect();
                fold(n.op, Combine::Add, dtype, &line).expect("a sum has an identity")
            });
            Array { dtype, data }
        }
        other => return Err(EvalError::Unsupported(other)),
    })
}

fn mean(t: DType, line: &[Scalar]) -> Complex64 {
    let s = sum(line.iter().map(|v| v.as_complex()));
    let n = line.len() as f64;
    if !t.is_complex() {
        return Complex64::new(s.re / n, 0.0);
    }
    // Divided by n + 0i, as NumPy does it: an infinite part makes a NaN of the other one.
    Complex64::new((s.re + s.im * 0.0) / n, (s.im - s.re * 0.0) / n)
}

/// The sum of squared distances from the mean. It overflows where it does in the result's type, as in NumPy.
fn squares(dtype: DType, line: &[Scalar]) -> f64 {
    let t = line.first().map_or(DType::F64, |v| v.dtype());
    let m = mean(t, line);
    let total = sum(line.iter().map(|v| (v.as_complex() - m).norm_sqr().into())).re;
    if Scalar::from_f64(dtype, total).as_f64().is_finite() { total } else { total.abs() * f64::INFINITY }
}
