//! Arrays from sizes and numbers: `zeros`, `arange`, `linspace`, `eye`, `meshgrid` ...

use super::{Arg, Built, axis_of, bin, choose, invalid, size_as};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Value};

/// Zeros.
pub fn zeros(b: &mut Builder, shape: &[Dim], dtype: DType) -> Built {
    b.full(shape, Scalar::zero(dtype))
}

/// Ones.
pub fn ones(b: &mut Builder, shape: &[Dim], dtype: DType) -> Built {
    b.full(shape, Scalar::one(dtype))
}

/// A value broadcast to a shape; `dtype` defaults to the value's own.
pub fn full(b: &mut Builder, shape: &[Dim], value: impl Arg, dtype: Option<DType>) -> Built {
    let v = super::asarray(b, value);
    let v = b.cast(v, dtype.unwrap_or(b.dtype(v)))?;
    b.broadcast_to(v, shape)
}

/// A value broadcast to an array's shape and cast to its type.
pub fn full_like(b: &mut Builder, like: Value, value: impl Arg) -> Built {
    let (shape, dtype) = (b.shape(like).to_vec(), b.dtype(like));
    full(b, &shape, value, Some(dtype))
}

/// `start, start + step, ..` before `stop`, integers.
pub fn arange(b: &mut Builder, start: &Dim, stop: &Dim, step: i64, dtype: DType) -> Built {
    if step == 0 {
        return invalid(b, Op::Iota, "Maximum allowed size exceeded: the step is zero");
    }
    let span = if step > 0 { stop - start } else { start - stop };
    let n = clipped(b, span.ceil_div(&Dim::constant(step.abs())));
    let i = b.iota(&[n], 0, if dtype == DType::Bool { DType::I64 } else { dtype })?;
    let i = if step == 1 { i } else { bin(b, Op::Multiply, i, step)? };
    if start.is(0) {
        return b.cast(i, dtype);
    }
    let t = b.dtype(i);
    let start = size_as(b, start, t)?;
    let r = bin(b, Op::Add, i, start)?;
    b.cast(r, dtype)
}

/// A count, not below zero.
fn clipped(b: &Builder, n: Dim) -> Dim {
    if n.proves_nonnegative(b.ranges()) { n } else { n.maximum(&Dim::constant(0)) }
}

/// `start, start + step, ..` before `stop`, floats.
pub fn arange_f64(b: &mut Builder, start: f64, stop: f64, step: f64, dtype: DType) -> Built {
    let n = ((stop - start) / step).ceil();
    if !n.is_finite() {
        return invalid(b, Op::Iota, "arange: cannot compute length");
    }
    let i = b.iota(&[Dim::from((n as i64).max(0))], 0, DType::F64)?;
    // NumPy's spacing: the distance of the first two values, as rounded.
    let delta = (start + step) - start;
    let x = bin(b, Op::Multiply, i, delta)?;
    let x = bin(b, Op::Add, x, start)?;
    b.cast(x, dtype)
}

/// `num` evenly spaced values from `start` to `stop`, which is the last one if `endpoint`.
pub fn linspace(b: &mut Builder, start: impl Arg, stop: impl Arg, num: &Dim, endpoint: bool) -> Built {
    let (start, stop) = (start.operand(), stop.operand());
    let (first, last) = (super::asarray(b, start), super::asarray(b, stop));
    let delta = bin(b, Op::Subtract, last, first)?;
    let delta = super::inexact(b, delta)?;
    let t = b.dtype(delta);
    let (first, last) = (b.cast(first, t)?, b.cast(last, t)?);
    let rank = b.ty(delta).rank();
    let i = b.iota(std::slice::from_ref(num), 0, t.real())?;
    let i = b.expand_dims(i, &(1..=rank as i64).collect::<Vec<_>>())?;
    let divisions = if endpoint { num - 1 } else { num.clone() };
    if divisions.as_const().is_some_and(|d| d <= 0) {
        let x = bin(b, Op::Multiply, i, delta)?;
        return bin(b, Op::Add, x, first);
    }
    let count = size_as(b, &divisions, t.real())?;
    let step = bin(b, Op::Divide, delta, count)?;
    let x = bin(b, Op::Multiply, i, step)?;
    let x = bin(b, Op::Add, x, first)?;
    if !endpoint {
        return Ok(x);
    }
    // The last value is `stop` itself, not a rounded sum.
    let at_end = bin(b, Op::Equal, i, count)?;
    choose(b, at_end, last, x)
}

/// `base ** linspace(start, stop, num)`.
pub fn logspace(b: &mut Builder, start: f64, stop: f64, num: &Dim, endpoint: bool, base: f64) -> Built {
    let y = linspace(b, start, stop, num, endpoint)?;
    bin(b, Op::Power, base, y)
}

/// Geometric progression from `start` to `stop` (positive numbers).
pub fn geomspace(b: &mut Builder, start: f64, stop: f64, num: &Dim, endpoint: bool) -> Built {
    if start == 0.0 || stop == 0.0 || start.signum() != stop.signum() {
        return invalid(b, Op::Iota, "Geometric sequence cannot include zero or change sign");
    }
    let sign = start.signum();
    let x = logspace(b, 0.0, (stop / start).log10(), num, endpoint, 10.0)?;
    let x = bin(b, Op::Multiply, x, start.abs())?;
    let i = b.iota(std::slice::from_ref(num), 0, DType::I64)?;
    let first = bin(b, Op::Equal, i, 0)?;
    let mut x = choose(b, first, start.abs(), x)?;
    if endpoint {
        let end = num - 1;
        if !end.is(0) {
            let end = b.dim_value(&end);
            let last = bin(b, Op::Equal, i, end)?;
            x = choose(b, last, stop.abs(), x)?;
        }
    }
    if sign < 0.0 { super::un(b, Op::Negative, x) } else { Ok(x) }
}

/// True on the `k`-th diagonal of an `n` x `m` matrix (by `Equal`), or on one side of it.
fn diagonal_mask(b: &mut Builder, n: &Dim, m: &Dim, k: i64, compare: Op) -> Built {
    let shape = [n.clone(), m.clone()];
    let (i, j) = (b.iota(&shape, 0, DType::I64)?, b.iota(&shape, 1, DType::I64)?);
    let edge = bin(b, Op::Add, i, k)?;
    bin(b, compare, j, edge)
}

/// Ones on the `k`-th diagonal.
pub fn eye(b: &mut Builder, n: &Dim, m: &Dim, k: i64, dtype: DType) -> Built {
    let e = diagonal_mask(b, n, m, k, Op::Equal)?;
    b.cast(e, dtype)
}

/// Ones at and below the `k`-th diagonal.
pub fn tri(b: &mut Builder, n: &Dim, m: &Dim, k: i64, dtype: DType) -> Built {
    let e = diagonal_mask(b, n, m, k, Op::LessEqual)?;
    b.cast(e, dtype)
}

/// Zero below the `k`-th diagonal.
pub fn triu(b: &mut Builder, x: Value, k: i64) -> Built {
    triangle(b, Op::Triu, x, k)
}

/// Zero above the `k`-th diagonal.
pub fn tril(b: &mut Builder, x: Value, k: i64) -> Built {
    triangle(b, Op::Tril, x, k)
}

/// A vector stands for the matrix with it in every row, as in NumPy.
fn triangle(b: &mut Builder, op: Op, x: Value, k: i64) -> Built {
    let x = match b.shape(x) {
        [n] => {
            let n = n.clone();
            b.broadcast_to(x, &[n.clone(), n])?
        }
        _ => x,
    };
    b.node(op, Attrs::new([(Key::Offset, Attr::Int(k))]), &[x])
}

/// The `k`-th diagonal of a matrix, or the matrix with a vector there.
pub fn diag(b: &mut Builder, x: Value, k: i64) -> Built {
    match b.ty(x).rank() {
        2 => super::diagonal(b, x, k, 0, 1),
        1 => {
            let n = &b.shape(x)[0] + k.abs();
            // The vector lies along the rows of an upper diagonal and the columns of a lower one.
            let low = if k < 0 { 0 } else { k };
            let along = Dim::constant(if k < 0 { -k } else { low });
            let padded =
                super::pad(b, x, &[(0.into(), along)], &super::PadMode::Constant(Scalar::zero(DType::I64)))?;
            let spread = b.expand_dims(padded, &[if k < 0 { 0 } else { 1 }])?;
            let on = diagonal_mask(b, &n, &n, k, Op::Equal)?;
            let zero = b.constant(Scalar::zero(b.dtype(x)));
            b.select(on, spread, zero)
        }
        _ => invalid(b, Op::Diagonal, "Input must be 1- or 2-d."),
    }
}

/// [`diag`] of the flattened array.
pub fn diagflat(b: &mut Builder, x: Value, k: i64) -> Built {
    let flat = super::ravel(b, x)?;
    diag(b, flat, k)
}

/// Powers of a vector in columns, highest first unless `increasing`.
pub fn vander(b: &mut Builder, x: Value, n: &Dim, increasing: bool) -> Built {
    if b.ty(x).rank() != 1 {
        return invalid(b, Op::Power, "x must be a one-dimensional array or sequence.");
    }
    // NumPy's choice: at least 64-bit integers, and so never float32.
    let x = b.cast(x, frit_ir::dtype::promote(b.dtype(x), DType::I64))?;
    let column = b.expand_dims(x, &[1])?;
    let k = b.iota(&[1.into(), n.clone()], 1, DType::I64)?;
    let k = if increasing {
        k
    } else {
        let top = b.dim_value(&(n - 1));
        bin(b, Op::Subtract, top, k)?
    };
    let t = b.dtype(column);
    let k = b.cast(k, t)?;
    bin(b, Op::Power, column, k)
}

/// Vectors along axes of their own, so that they index or broadcast as a grid (`np.ix_`, `np.ogrid`).
pub fn open_mesh(b: &mut Builder, xs: &[Value]) -> Result<Vec<Value>, TypeError> {
    let mut out = Vec::with_capacity(xs.len());
    for (k, x) in xs.iter().enumerate() {
        if b.ty(*x).rank() != 1 {
            return invalid(b, Op::ExpandDims, "Cross index must be 1 dimensional");
        }
        out.push(along_axis(b, *x, k, xs.len())?);
    }
    Ok(out)
}

/// Coordinate matrices of vectors; `xy` exchanges the first two axes, as NumPy does by default.
pub fn meshgrid(b: &mut Builder, xs: &[Value], xy: bool) -> Result<Vec<Value>, TypeError> {
    let n = xs.len();
    let mut flat = Vec::with_capacity(n);
    for x in xs {
        flat.push(super::ravel(b, *x)?);
    }
    let place = |k: usize| if xy && n >= 2 && k < 2 { 1 - k } else { k };
    let mut shape = vec![Dim::constant(1); n];
    for (k, x) in flat.iter().enumerate() {
        shape[place(k)] = b.shape(*x)[0].clone();
    }
    let mut out = Vec::with_capacity(n);
    for (k, x) in flat.iter().enumerate() {
        let others: Vec<i64> = (0..n as i64).filter(|a| *a != place(k) as i64).collect();
        let x = b.expand_dims(*x, &others)?;
        out.push(b.broadcast_to(x, &shape)?);
    }
    Ok(out)
}

/// The position along each axis of a shape, stacked along a new first axis.
pub fn indices(b: &mut Builder, shape: &[Dim], dtype: DType) -> Built {
    let mut all = Vec::with_capacity(shape.len());
    for axis in 0..shape.len() {
        all.push(b.iota(shape, axis, dtype)?);
    }
    super::stack(b, &all, 0)
}

/// `values` along `axis` of a shape that is 1 elsewhere, so that they broadcast against an array of `rank` axes.
pub(crate) fn along_axis(b: &mut Builder, v: Value, axis: usize, rank: usize) -> Built {
    debug_assert!(axis_of(b, Op::ExpandDims, v, 0).is_ok());
    let others: Vec<i64> = (0..rank as i64).filter(|k| *k != axis as i64).collect();
    b.expand_dims(v, &others)
}
