//! Matrix products, linear algebra, transforms and order.

use super::{Inferred, axis_of, broadcast_shapes, fail, one_dtype, require, with};
use crate::attrs::{Attrs, Key};
use crate::dim::Dim;
use crate::dtype::{DType, Kind};
use crate::error::{Cause, TypeError};
use crate::graph::TensorType;
use crate::ops::Op;

/// The type of the operand, along one axis that it must have.
pub(crate) fn sort(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    axis_of(op, attrs, Key::Axis, inputs[0].rank())?;
    Ok(vec![inputs[0].clone()])
}

/// The type of the operand, which is a stack of matrices.
pub(crate) fn matrix_same(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    matrix(op, inputs[0])?;
    Ok(vec![inputs[0].clone()])
}

fn matrix(op: Op, x: &TensorType) -> Result<(&[Dim], Dim, Dim), TypeError> {
    let r = x.rank();
    require(op, r >= 2, || format!("{r}-dimensional array given. Array must be at least two-dimensional"))?;
    Ok((&x.shape[..r - 2], x.shape[r - 2].clone(), x.shape[r - 1].clone()))
}

fn square(op: Op, x: &TensorType) -> Result<(&[Dim], Dim), TypeError> {
    let (batch, m, n) = matrix(op, x)?;
    require(op, m == n, || "Last 2 dimensions of the array must be square".into())?;
    if !x.dtype.is_inexact() {
        return fail(op, Cause::DTypes(vec![x.dtype]));
    }
    Ok((batch, n))
}

pub(crate) fn matmul(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let dtype = one_dtype(op, inputs)?;
    let ((ba, m, k), (bb, k2, n)) = (matrix(op, inputs[0])?, matrix(op, inputs[1])?);
    require(op, k == k2, || {
        format!("input operand 1 has a mismatch in its core dimension 0 (size {k2} is different from {k})")
    })?;
    let batch = broadcast_shapes(&[ba, bb])
        .ok_or_else(|| TypeError::new(op, Cause::Broadcast(inputs.iter().map(|t| (*t).clone()).collect())))?;
    Ok(vec![TensorType::new(dtype, with(&batch, &[m, n]))])
}

pub(crate) fn square_same(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    square(op, inputs[0])?;
    Ok(vec![inputs[0].clone()])
}

pub(crate) fn solve(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let dtype = one_dtype(op, inputs)?;
    let (ba, n) = square(op, inputs[0])?;
    let (bb, n2, k) = matrix(op, inputs[1])?;
    require(op, n == n2, || format!("right-hand side has {n2} rows for a matrix of size {n}"))?;
    let batch = broadcast_shapes(&[ba, bb])
        .ok_or_else(|| TypeError::new(op, Cause::Broadcast(inputs.iter().map(|t| (*t).clone()).collect())))?;
    Ok(vec![TensorType::new(dtype, with(&batch, &[n, k]))])
}

fn inexact(op: Op, x: &TensorType) -> Result<(&[Dim], Dim, Dim), TypeError> {
    if !x.dtype.is_inexact() {
        return fail(op, Cause::DTypes(vec![x.dtype]));
    }
    matrix(op, x)
}

pub(crate) fn lu(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let x = inputs[0];
    let (b, m, n) = inexact(op, x)?;
    let k = m.minimum(&n);
    Ok(vec![
        TensorType::new(x.dtype.real(), with(b, &[m.clone(), m.clone()])),
        TensorType::new(x.dtype, with(b, &[m, k.clone()])),
        TensorType::new(x.dtype, with(b, &[k, n])),
    ])
}

/// The factors' type is the matrix's; one position for each row.
pub(crate) fn lu_factor(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, n) = square(op, inputs[0])?;
    Ok(vec![inputs[0].clone(), TensorType::new(DType::I64, with(b, &[n]))])
}

pub(crate) fn lu_solve(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let factors = lu_factor(op, attrs, &inputs[..1])?;
    require(op, factors[1] == *inputs[1], || "operand 1 is not that of the factors".into())?;
    solve(op, attrs, &[inputs[0], inputs[2]])
}

pub(crate) fn qr(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let x = inputs[0];
    let (b, m, n) = inexact(op, x)?;
    let k = if attrs.bool(Key::Full) { m.clone() } else { m.minimum(&n) };
    Ok(vec![TensorType::new(x.dtype, with(b, &[m, k.clone()])), TensorType::new(x.dtype, with(b, &[k, n]))])
}

pub(crate) fn svd(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let x = inputs[0];
    let (b, m, n) = inexact(op, x)?;
    let k = m.minimum(&n);
    let (cols, rows) = if attrs.bool(Key::Full) { (m.clone(), n.clone()) } else { (k.clone(), k.clone()) };
    Ok(vec![
        TensorType::new(x.dtype, with(b, &[m, cols])),
        TensorType::new(x.dtype.real(), with(b, &[k])),
        TensorType::new(x.dtype, with(b, &[rows, n])),
    ])
}

pub(crate) fn svdvals(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, m, n) = inexact(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype.real(), with(b, &[m.minimum(&n)]))])
}

pub(crate) fn eigh(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, n) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype.real(), with(b, &[n])), inputs[0].clone()])
}

pub(crate) fn eigvalsh(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, n) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype.real(), with(b, &[n]))])
}

pub(crate) fn eig(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, n) = square(op, inputs[0])?;
    let t = inputs[0].dtype.to_complex();
    Ok(vec![TensorType::new(t, with(b, &[n])), TensorType::new(t, inputs[0].shape.clone())])
}

pub(crate) fn eigvals(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, n) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype.to_complex(), with(b, &[n]))])
}

pub(crate) fn det(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, _) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype, b)])
}

pub(crate) fn slogdet(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, _) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype, b), TensorType::new(inputs[0].dtype.real(), b)])
}

pub(crate) fn lstsq(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let dtype = one_dtype(op, inputs)?;
    let ((ba, m, n), (bb, m2, k)) = (inexact(op, inputs[0])?, inexact(op, inputs[1])?);
    require(op, ba.is_empty() && bb.is_empty(), || "takes two 2-d arrays".into())?;
    require(op, m == m2, || "Incompatible dimensions".into())?;
    Ok(vec![
        TensorType::new(dtype, [n.clone(), k.clone()]),
        TensorType::new(dtype.real(), [k]),
        TensorType::scalar(DType::I64),
        TensorType::new(dtype.real(), [m.minimum(&n)]),
    ])
}

fn transform(op: Op, attrs: &Attrs, x: &TensorType, want: Kind, out: DType, size: Dim) -> Inferred {
    let axis = axis_of(op, attrs, Key::Axis, x.rank())?;
    if x.dtype.kind() != want {
        return fail(op, Cause::DTypes(vec![x.dtype]));
    }
    let n = attrs.dim(Key::N);
    if n.as_const().is_some_and(|n| n < 1) {
        return fail(op, Cause::Value(format!("invalid number of data points ({n}) specified")));
    }
    let mut shape = x.shape.clone();
    shape[axis] = size;
    Ok(vec![TensorType::new(out, shape)])
}

pub(crate) fn fft(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    transform(op, attrs, inputs[0], Kind::Complex, inputs[0].dtype, attrs.dim(Key::N).clone())
}

pub(crate) fn rfft(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let half = attrs.dim(Key::N).floor_div(&Dim::constant(2)) + 1;
    transform(op, attrs, inputs[0], Kind::Float, inputs[0].dtype.to_complex(), half)
}

pub(crate) fn irfft(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    transform(op, attrs, inputs[0], Kind::Complex, inputs[0].dtype.real(), attrs.dim(Key::N).clone())
}

pub(crate) fn argsort(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    sort(op, attrs, inputs)?;
    Ok(vec![TensorType::new(DType::I64, inputs[0].shape.clone())])
}

/// Positions are int64: one vector for all rows, or the operand's shape but for the axis.
pub(crate) fn order_statistics(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (x, kth) = (inputs[0], inputs[1]);
    let axis = axis_of(op, attrs, Key::Axis, x.rank())?;
    if kth.dtype != DType::I64 {
        return fail(op, Cause::DTypes(vec![kth.dtype]));
    }
    let mut shape = x.shape.clone();
    if let [n] = &kth.shape[..] {
        shape[axis] = n.clone();
    } else {
        require(op, kth.rank() == x.rank(), || "positions have one axis, or those of the array".into())?;
        shape[axis] = kth.shape[axis].clone();
        require(op, shape == kth.shape, || "positions have the array's shape but for the axis".into())?;
    }
    Ok(vec![TensorType::new(x.dtype, shape)])
}

pub(crate) fn arg_order_statistics(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let values = order_statistics(op, attrs, inputs)?;
    Ok(vec![TensorType::new(DType::I64, values[0].shape.clone())])
}

/// The product's type; `c` has one of the shapes that broadcast to it.
pub(crate) fn gemm(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    one_dtype(op, inputs)?;
    let product = matmul(op, attrs, &inputs[..2])?;
    let full = broadcast_shapes(&[&product[0].shape, &inputs[2].shape]);
    require(op, full.as_deref() == Some(&product[0].shape[..]), || {
        "the third operand does not broadcast to the product".into()
    })?;
    require(op, inputs[3..].iter().all(|t| t.rank() == 0), || "factors are numbers".into())?;
    Ok(product)
}

pub(crate) fn searchsorted(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    one_dtype(op, inputs)?;
    require(op, inputs[0].rank() == 1, || "object too deep for desired array".into())?;
    if !matches!(attrs.str(Key::Mode), "left" | "right") {
        return fail(op, Cause::Attribute("mode must be `left` or `right`".into()));
    }
    Ok(vec![TensorType::new(DType::I64, inputs[1].shape.clone())])
}
