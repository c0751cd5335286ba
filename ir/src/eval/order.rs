//! Order and discrete Fourier transforms.

use super::elementwise::sum;
use super::scalar::wide;
use super::{Array, EvalError, Evaluated};
use crate::attrs::Key;
use crate::dtype::{DType, Scalar};
use crate::graph::Node;
use crate::ops::Op;
use ndarray::{Axis, IxDyn};
use num_complex::Complex64;
use std::cmp::Ordering;

/// NumPy's order: numbers ascending, complex ones by their parts, NaN last. A complex number with one NaN part comes
/// before one with two, and is ordered by its other part.
pub(super) fn compare(a: &Scalar, b: &Scalar) -> Ordering {
    if !a.dtype().is_inexact() {
        return wide(*a).cmp(&wide(*b));
    }
    let (x, y) = (a.as_complex(), b.as_complex());
    let part = |p: f64, q: f64| p.partial_cmp(&q).unwrap_or(Ordering::Equal);
    let nans = |c: Complex64| (c.re.is_nan(), c.im.is_nan());
    nans(x).cmp(&nans(y)).then(part(x.re, y.re)).then(part(x.im, y.im))
}

pub(super) fn order(n: &Node, args: &[&Array]) -> Array {
    let x = args[0];
    if n.op == Op::Searchsorted {
        // The first position whose element is not before the value, or is after it.
        let left = n.attrs.str(Key::Mode) == "left";
        let find = |v: &Scalar| {
            let before = |e: &&Scalar| {
                let o = compare(e, v);
                o == Ordering::Less || (!left && o == Ordering::Equal)
            };
            Scalar::from_i64(DType::I64, x.data.iter().take_while(before).count() as i64)
        };
        return Array { dtype: DType::I64, data: args[1].data.map(find) };
    }
    sort(x, n.attrs.int(Key::Axis) as usize, n.op == Op::Sort)
}

/// The elements of each line in order, or where they were; stable.
fn sort(x: &Array, axis: usize, values: bool) -> Array {
    let mut out = x.data.clone();
    for mut line in out.lanes_mut(Axis(axis)) {
        let mut ranked: Vec<(usize, Scalar)> = line.iter().copied().enumerate().collect();
        ranked.sort_by(|a, b| compare(&a.1, &b.1));
        for (slot, (k, v)) in line.iter_mut().zip(ranked) {
            *slot = if values { v } else { Scalar::from_i64(DType::I64, k as i64) };
        }
    }
    Array { dtype: if values { x.dtype } else { DType::I64 }, data: out }
}

/// The sorted lines at positions, which are clipped.
pub(super) fn statistics(n: &Node, x: &Array, kth: &Array, shape: &[usize]) -> Evaluated {
    let axis = n.attrs.int(Key::Axis) as usize;
    let last = x.shape()[axis] as i64 - 1;
    if last < 0 && shape.iter().product::<usize>() > 0 {
        return Err(EvalError::EmptyReduction(n.op));
    }
    let sorted = sort(x, axis, n.op == Op::OrderStatistics);
    Ok(vec![Array::from_fn(sorted.dtype, shape, |i| {
        let k = if kth.rank() == 1 { kth.at(&i[axis..=axis]) } else { kth.at(i) };
        let mut from = i.to_vec();
        from[axis] = k.as_i64().clamp(0, last) as usize;
        sorted.at(&from)
    })])
}

/// The defining sum over each line, cut or filled with zeros to the number of points.
pub(super) fn transform(n: &Node, x: &Array, points: usize, shape: &[usize]) -> Array {
    let dtype = match n.op {
        Op::Rfft => x.dtype.to_complex(),
        Op::Irfft => x.dtype.real(),
        _ => x.dtype,
    };
    let axis = n.attrs.int(Key::Axis) as usize;
    let scale = n.attrs.scalar(Key::Scale).as_f64();
    let sign = if matches!(n.op, Op::Fft | Op::Rfft) { -1.0 } else { 1.0 };
    let roots: Vec<Complex64> = (0..points)
        .map(|k| Complex64::cis(sign * 2.0 * std::f64::consts::PI * k as f64 / points as f64))
        .collect();
    Array::from_fn(dtype, shape, |i| {
        let element = |j: usize| {
            let mut from = i.to_vec();
            from[axis] = j;
            if j < x.shape()[axis] { x.data[IxDyn(&from)].as_complex() } else { Complex64::ZERO }
        };
        let input = |j: usize| match n.op {
            // The half that is given, and its mirror image; imaginary parts on the mirror's axis do not count.
            Op::Irfft if j == 0 || 2 * j == points => Complex64::from(element(j).re),
            Op::Irfft if 2 * j > points => element(points - j).conj(),
            _ => element(j),
        };
        let terms: Vec<Complex64> = (0..points).map(|j| input(j) * roots[j * i[axis] % points]).collect();
        Scalar::complex(dtype, sum(terms.iter().copied()) * scale)
    })
}
