//! Products of vectors, matrices and tensors.

use super::{Built, axis_of, bin, invalid, un};
use frit_ir::build::Builder;
use frit_ir::dim::product;
use frit_ir::error::Cause;
use frit_ir::{Dim, Op, Value};

/// `x @ y`: vectors are rows on the left and columns on the right, stacks of matrices broadcast.
pub fn matmul(b: &mut Builder, x: Value, y: Value) -> Built {
    let (rx, ry) = (b.ty(x).rank(), b.ty(y).rank());
    if rx == 0 || ry == 0 {
        let k = i32::from(rx != 0);
        let why =
            format!("Input operand {k} does not have enough dimensions (has 0, gufunc core requires 1)");
        return Err(b.error(Op::Matmul, Cause::Shape(why)));
    }
    if rx == 1 && ry == 1 {
        same_size(b, x, y, 0, 0)?;
        return sum_of_products(b, x, y, &[0]);
    }
    let x = if rx == 1 { b.expand_dims(x, &[0])? } else { x };
    let y = if ry == 1 { b.expand_dims(y, &[1])? } else { y };
    let p = b.matmul(x, y)?;
    let rank = b.ty(p).rank() as i64;
    match (rx, ry) {
        (1, _) => b.squeeze(p, &[rank - 2]),
        (_, 1) => b.squeeze(p, &[rank - 1]),
        _ => Ok(p),
    }
}

/// The sum over axes of `x * y` in their common type (a sum of small integers stays small, as in a matrix product).
pub(crate) fn sum_of_products(b: &mut Builder, x: Value, y: Value, axes: &[i64]) -> Built {
    let xs = b.common(&[x, y])?;
    let t = b.dtype(xs[0]);
    if t == frit_ir::DType::Bool {
        let p = bin(b, Op::LogicalAnd, xs[0], xs[1])?;
        return b.reduce(Op::Any, p, Some(axes), false);
    }
    let p = bin(b, Op::Multiply, xs[0], xs[1])?;
    let s = b.reduce(Op::Sum, p, Some(axes), false)?;
    b.cast(s, t)
}

fn same_size(b: &Builder, x: Value, y: Value, ax: usize, ay: usize) -> Result<(), frit_ir::error::TypeError> {
    let (n, m) = (&b.shape(x)[ax], &b.shape(y)[ay]);
    if n == m {
        return Ok(());
    }
    let show = |v: Value| b.shape(v).iter().map(Dim::to_string).collect::<Vec<_>>().join(",");
    let why = format!("shapes ({}) and ({}) not aligned: {n} (dim {ax}) != {m} (dim {ay})", show(x), show(y));
    Err(b.error(Op::Matmul, Cause::Shape(why)))
}

/// NumPy's `dot`: over the last axis of `x` and the last but one of `y`.
pub fn dot(b: &mut Builder, x: Value, y: Value) -> Built {
    let (rx, ry) = (b.ty(x).rank(), b.ty(y).rank());
    if rx == 0 || ry == 0 {
        return bin(b, Op::Multiply, x, y);
    }
    let ay = ry.saturating_sub(2);
    same_size(b, x, y, rx - 1, ay)?;
    if rx <= 2 && ry <= 2 {
        return matmul(b, x, y);
    }
    tensordot(b, x, y, &[rx as i64 - 1], &[ay as i64])
}

/// The product of two flattened arrays, the first conjugated.
pub fn vdot(b: &mut Builder, x: Value, y: Value) -> Built {
    let (x, y) = (super::ravel(b, x)?, super::ravel(b, y)?);
    vecdot(b, x, y, -1)
}

/// Products of vectors along an axis, the first conjugated.
pub fn vecdot(b: &mut Builder, x: Value, y: Value, axis: i64) -> Built {
    let (ax, ay) = (axis_of(b, Op::Matmul, x, axis)?, axis_of(b, Op::Matmul, y, axis)?);
    same_size(b, x, y, ax, ay)?;
    let x = super::moveaxis(b, x, &[ax as i64], &[-1])?;
    let y = super::moveaxis(b, y, &[ay as i64], &[-1])?;
    let x = if b.dtype(x).is_complex() { un(b, Op::Conjugate, x)? } else { x };
    sum_of_products(b, x, y, &[-1])
}

/// Products over the last axes of both.
pub fn inner(b: &mut Builder, x: Value, y: Value) -> Built {
    let (rx, ry) = (b.ty(x).rank(), b.ty(y).rank());
    if rx == 0 || ry == 0 {
        return bin(b, Op::Multiply, x, y);
    }
    same_size(b, x, y, rx - 1, ry - 1)?;
    if rx == 1 && ry == 1 {
        return matmul(b, x, y);
    }
    tensordot(b, x, y, &[-1], &[-1])
}

/// All products of elements of two flattened arrays.
pub fn outer(b: &mut Builder, x: Value, y: Value) -> Built {
    outer_op(b, Op::Multiply, x, y)
}

/// `op` applied to all pairs of elements of two flattened arrays (`ufunc.outer` of vectors).
pub fn outer_op(b: &mut Builder, op: Op, x: Value, y: Value) -> Built {
    let (x, y) = (super::ravel(b, x)?, super::ravel(b, y)?);
    let (x, y) = (b.expand_dims(x, &[1])?, b.expand_dims(y, &[0])?);
    bin(b, op, x, y)
}

/// Sums over pairs of axes: those of `x` come first in the result, then those of `y`.
pub fn tensordot(b: &mut Builder, x: Value, y: Value, over_x: &[i64], over_y: &[i64]) -> Built {
    let (rx, ry) = (b.ty(x).rank(), b.ty(y).rank());
    if over_x.len() != over_y.len() {
        return invalid(b, Op::Matmul, "shape-mismatch for sum: the axis lists have different lengths");
    }
    let mut pairs = Vec::with_capacity(over_x.len());
    for (p, q) in over_x.iter().zip(over_y) {
        let (p, q) = (b.axis(Op::Matmul, rx, *p)?, b.axis(Op::Matmul, ry, *q)?);
        if b.shape(x)[p as usize] != b.shape(y)[q as usize] {
            return invalid(b, Op::Matmul, "shape-mismatch for sum");
        }
        pairs.push((p, q));
    }
    let free_x: Vec<i64> = (0..rx as i64).filter(|k| pairs.iter().all(|(p, _)| p != k)).collect();
    let free_y: Vec<i64> = (0..ry as i64).filter(|k| pairs.iter().all(|(_, q)| q != k)).collect();
    let sizes = |b: &Builder, v: Value, axes: &[i64]| -> Vec<Dim> {
        axes.iter().map(|a| b.shape(v)[*a as usize].clone()).collect()
    };
    let (sx, sy) = (sizes(b, x, &free_x), sizes(b, y, &free_y));
    let inner: Vec<Dim> = pairs.iter().map(|(p, _)| b.shape(x)[*p as usize].clone()).collect();
    let (m, k, n) = (product(&sx), product(&inner), product(&sy));
    let perm: Vec<i64> = free_x.iter().copied().chain(pairs.iter().map(|(p, _)| *p)).collect();
    let x = b.transpose(x, &perm)?;
    let perm: Vec<i64> = pairs.iter().map(|(_, q)| *q).chain(free_y.iter().copied()).collect();
    let y = b.transpose(y, &perm)?;
    let shape: Vec<Dim> = sx.iter().chain(&sy).cloned().collect();
    if pairs.is_empty() {
        let (x, y) = (b.reshape(x, &[m, 1.into()])?, b.reshape(y, &[1.into(), n])?);
        let p = bin(b, Op::Multiply, x, y)?;
        return b.reshape(p, &shape);
    }
    let (x, y) = (b.reshape(x, &[m, k.clone()])?, b.reshape(y, &[k, n])?);
    let p = b.matmul(x, y)?;
    b.reshape(p, &shape)
}

/// The Kronecker product.
pub fn kron(b: &mut Builder, x: Value, y: Value) -> Built {
    let rank = b.ty(x).rank().max(b.ty(y).rank());
    let lead = |b: &mut Builder, v: Value| {
        let missing = (rank - b.ty(v).rank()) as i64;
        b.expand_dims(v, &(0..missing).collect::<Vec<_>>())
    };
    let (x, y) = (lead(b, x)?, lead(b, y)?);
    let shape: Vec<Dim> = b.shape(x).iter().zip(b.shape(y)).map(|(n, m)| n * m).collect();
    let odd: Vec<i64> = (0..rank as i64).map(|k| 2 * k + 1).collect();
    let even: Vec<i64> = (0..rank as i64).map(|k| 2 * k).collect();
    let (x, y) = (b.expand_dims(x, &odd)?, b.expand_dims(y, &even)?);
    let p = bin(b, Op::Multiply, x, y)?;
    b.reshape(p, &shape)
}

/// Cross products of 3-vectors along an axis.
pub fn cross(b: &mut Builder, x: Value, y: Value, axis: i64) -> Built {
    let (ax, ay) = (axis_of(b, Op::Multiply, x, axis)?, axis_of(b, Op::Multiply, y, axis)?);
    if !b.shape(x)[ax].is(3) || !b.shape(y)[ay].is(3) {
        return invalid(b, Op::Multiply, "incompatible vector dimensions for cross product: they must be 3");
    }
    let part = |b: &mut Builder, v: Value, axis: usize, k: i64| -> Built {
        let s = b.slice_axis(v, axis, frit_ir::Slice { start: k.into(), size: 1.into(), step: 1 })?;
        b.squeeze(s, &[axis as i64])
    };
    let mut parts = Vec::with_capacity(3);
    for k in 0..3 {
        let (i, j) = ((k + 1) % 3, (k + 2) % 3);
        let (xi, yj) = (part(b, x, ax, i)?, part(b, y, ay, j)?);
        let (xj, yi) = (part(b, x, ax, j)?, part(b, y, ay, i)?);
        let (p, q) = (bin(b, Op::Multiply, xi, yj)?, bin(b, Op::Multiply, xj, yi)?);
        parts.push(bin(b, Op::Subtract, p, q)?);
    }
    let rank = b.ty(parts[0]).rank() as i64 + 1;
    let to = if axis < 0 { axis + rank } else { axis };
    super::stack(b, &parts, to)
}

/// The product of several matrices, in the order that costs least.
pub fn multi_dot(b: &mut Builder, xs: &[Value]) -> Built {
    if xs.len() < 2 {
        return invalid(b, Op::Matmul, "Expecting at least two arrays.");
    }
    // Sizes that are not constants count as large ones.
    let size = |b: &Builder, v: Value, axis: usize| b.shape(v)[axis].as_const().unwrap_or(1000) as f64;
    let mut chain = xs.to_vec();
    let last = chain.len() - 1;
    let (row, column) = (b.ty(chain[0]).rank() == 1, b.ty(chain[last]).rank() == 1);
    if row {
        chain[0] = b.expand_dims(chain[0], &[0])?;
    }
    if column {
        chain[last] = b.expand_dims(chain[last], &[1])?;
    }
    if chain.iter().any(|v| b.ty(*v).rank() != 2) {
        return invalid(
            b,
            Op::Matmul,
            "array must be two-dimensional (only the first and last may be vectors)",
        );
    }
    // The classic table: cheapest split of every stretch of the chain.
    let n = chain.len();
    let mut p: Vec<f64> = chain.iter().map(|v| size(b, *v, 0)).collect();
    p.push(size(b, chain[n - 1], 1));
    let mut cost = vec![vec![0.0; n]; n];
    let mut split = vec![vec![0; n]; n];
    for len in 1..n {
        for i in 0..n - len {
            let j = i + len;
            cost[i][j] = f64::INFINITY;
            for k in i..j {
                let c = cost[i][k] + cost[k + 1][j] + p[i] * p[k + 1] * p[j + 1];
                if c < cost[i][j] {
                    (cost[i][j], split[i][j]) = (c, k);
                }
            }
        }
    }
    fn join(b: &mut Builder, xs: &[Value], split: &[Vec<usize>], i: usize, j: usize) -> Built {
        if i == j {
            return Ok(xs[i]);
        }
        let k = split[i][j];
        let (x, y) = (join(b, xs, split, i, k)?, join(b, xs, split, k + 1, j)?);
        b.matmul(x, y)
    }
    let r = join(b, &chain, &split, 0, n - 1)?;
    let mut drop = Vec::new();
    if row {
        drop.push(0);
    }
    if column {
        drop.push(1);
    }
    b.squeeze(r, &drop)
}
