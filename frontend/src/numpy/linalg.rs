//! `numpy.linalg`: factorizations and what is built from them.

use super::{Built, bin, choose, constant_size, inexact, invalid, un};
use frit_ir::build::Builder;
use frit_ir::dim::product;
use frit_ir::error::{Cause, TypeError};
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Value};

/// An op of the table, applied to an inexact matrix: all its results.
fn call(b: &mut Builder, op: Op, attrs: Attrs, xs: &[Value]) -> Result<Vec<Value>, TypeError> {
    let mut inputs = b.common(xs)?;
    for x in &mut inputs {
        *x = inexact(b, *x)?;
    }
    let v = b.node(op, attrs, &inputs)?;
    let n = b.graph().def(v).types.len() as u32;
    Ok((0..n).map(|index| Value { node: v.node, index }).collect())
}

fn one(b: &mut Builder, op: Op, x: Value) -> Built {
    Ok(call(b, op, Attrs::NONE, &[x])?[0])
}

fn flag(key: Key, on: bool) -> Attrs {
    Attrs::new([(key, Attr::Bool(on))])
}

/// Inverse.
pub fn inv(b: &mut Builder, x: Value) -> Built {
    one(b, Op::Inv, x)
}

/// Cholesky factor: lower, from the lower triangle, or upper, from the upper one.
pub fn cholesky(b: &mut Builder, x: Value, upper: bool) -> Built {
    if !upper {
        return one(b, Op::Cholesky, x);
    }
    let x = if b.ty(x).rank() < 2 { x } else { adjoint(b, x)? };
    let l = one(b, Op::Cholesky, x)?;
    adjoint(b, l)
}

/// Conjugate transpose of the last two axes.
fn adjoint(b: &mut Builder, x: Value) -> Built {
    let t = b.matrix_transpose(x)?;
    if b.dtype(t).is_complex() { un(b, Op::Conjugate, t) } else { Ok(t) }
}

/// Determinant.
pub fn det(b: &mut Builder, x: Value) -> Built {
    one(b, Op::Det, x)
}

/// Sign and logarithm of the absolute determinant.
pub fn slogdet(b: &mut Builder, x: Value) -> Result<Vec<Value>, TypeError> {
    call(b, Op::Slogdet, Attrs::NONE, &[x])
}

/// `a x = y`; `y` is a vector if it has one axis, else its columns are right-hand sides.
pub fn solve(b: &mut Builder, a: Value, y: Value) -> Built {
    with_columns(b, a, y, |b, a, y| Ok(call(b, Op::Solve, Attrs::NONE, &[a, y])?[0]))
}

/// [`solve`] for a triangular matrix; the other triangle is not looked at.
pub fn solve_triangular(b: &mut Builder, a: Value, y: Value, lower: bool) -> Built {
    with_columns(b, a, y, |b, a, y| Ok(call(b, Op::SolveTriangular, flag(Key::Lower, lower), &[a, y])?[0]))
}

fn with_columns(
    b: &mut Builder,
    a: Value,
    y: Value,
    f: impl FnOnce(&mut Builder, Value, Value) -> Built,
) -> Built {
    if b.ty(y).rank() != 1 {
        return f(b, a, y);
    }
    let column = b.expand_dims(y, &[1])?;
    let x = f(b, a, column)?;
    let last = b.ty(x).rank() as i64 - 1;
    b.squeeze(x, &[last])
}

/// P, L and U with `x = P L U`.
pub fn lu(b: &mut Builder, x: Value) -> Result<Vec<Value>, TypeError> {
    call(b, Op::Lu, Attrs::NONE, &[x])
}

/// Q and R; full-size with `complete`.
pub fn qr(b: &mut Builder, x: Value, complete: bool) -> Result<Vec<Value>, TypeError> {
    call(b, Op::Qr, flag(Key::Full, complete), &[x])
}

/// U, S and V^H.
pub fn svd(b: &mut Builder, x: Value, full_matrices: bool) -> Result<Vec<Value>, TypeError> {
    call(b, Op::Svd, flag(Key::Full, full_matrices), &[x])
}

/// Singular values, descending.
pub fn svdvals(b: &mut Builder, x: Value) -> Built {
    one(b, Op::Svdvals, x)
}

/// Eigenvalues (ascending) and eigenvectors of a Hermitian matrix, of which one triangle is read.
pub fn eigh(b: &mut Builder, x: Value, lower: bool) -> Result<Vec<Value>, TypeError> {
    call(b, Op::Eigh, flag(Key::Lower, lower), &[x])
}

/// Eigenvalues of a Hermitian matrix.
pub fn eigvalsh(b: &mut Builder, x: Value, lower: bool) -> Built {
    Ok(call(b, Op::Eigvalsh, flag(Key::Lower, lower), &[x])?[0])
}

/// Eigenvalues and eigenvectors, complex (NumPy's become real when all eigenvalues are; that depends on data).
pub fn eig(b: &mut Builder, x: Value) -> Result<Vec<Value>, TypeError> {
    call(b, Op::Eig, Attrs::NONE, &[x])
}

/// Eigenvalues, complex.
pub fn eigvals(b: &mut Builder, x: Value) -> Built {
    one(b, Op::Eigvals, x)
}

fn epsilon(t: DType) -> f64 {
    if t.real() == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON }
}

fn matrix_sizes(b: &Builder, op: Op, x: Value) -> Result<(Dim, Dim), TypeError> {
    let s = b.shape(x);
    if s.len() < 2 {
        let why = format!("{}-dimensional array given. Array must be at least two-dimensional", s.len());
        return Err(b.error(op, Cause::Shape(why)));
    }
    Ok((s[s.len() - 2].clone(), s[s.len() - 1].clone()))
}

/// `eps * max(m, n)`, NumPy's tolerance relative to the largest singular value.
fn tolerance(b: &mut Builder, x: Value, t: DType) -> Built {
    let (m, n) = matrix_sizes(b, Op::Svd, x)?;
    let largest = super::size_as(b, &m.maximum(&n), t)?;
    bin(b, Op::Multiply, largest, epsilon(t))
}

/// Pseudo-inverse; singular values below `rcond` (by default 1e-15, as NumPy's `pinv`) times the largest count as 0.
pub fn pinv(b: &mut Builder, x: Value, rcond: Option<f64>) -> Built {
    let x = inexact(b, x)?;
    let (m, n) = matrix_sizes(b, Op::Svd, x)?;
    if m.is(0) || n.is(0) {
        let mut shape = b.shape(x).to_vec();
        let r = shape.len();
        shape.swap(r - 1, r - 2);
        return super::zeros(b, &shape, b.dtype(x));
    }
    let x = if b.dtype(x).is_complex() { un(b, Op::Conjugate, x)? } else { x };
    let f = svd(b, x, false)?;
    let (u, s, vt) = (f[0], f[1], f[2]);
    let top = b.reduce(Op::Max, s, Some(&[-1]), true)?;
    let cut = bin(b, Op::Multiply, top, rcond.unwrap_or(1e-15))?;
    let large = bin(b, Op::Greater, s, cut)?;
    let inverse = bin(b, Op::Divide, 1.0, s)?;
    let inverse = choose(b, large, inverse, 0.0)?;
    let last = b.ty(inverse).rank() as i64;
    let column = b.expand_dims(inverse, &[last])?;
    let (v, ut) = (b.matrix_transpose(vt)?, b.matrix_transpose(u)?);
    let scaled = bin(b, Op::Multiply, column, ut)?;
    super::matmul(b, v, scaled)
}

/// Least squares: solution, residuals, rank, singular values. `rcond` defaults to `eps * max(m, n)`; a negative
/// one stands for `eps`, as in LAPACK.
pub fn lstsq(b: &mut Builder, a: Value, y: Value, rcond: Option<f64>) -> Result<Vec<Value>, TypeError> {
    let (m, n) = matrix_sizes(b, Op::Lstsq, a)?;
    let t = b.result_type(&[a.into(), y.into()]);
    let rcond = match rcond {
        Some(r) if r >= 0.0 => r,
        // LAPACK's way to ask for the machine precision.
        Some(_) => epsilon(if t.is_inexact() { t } else { DType::F64 }),
        None => {
            let n = constant_size(b, Op::Lstsq, &m.maximum(&n), "the matrix's larger side")?;
            epsilon(if t.is_inexact() { t } else { DType::F64 }) * n as f64
        }
    };
    let attrs = Attrs::new([(Key::Value, Attr::Scalar(Scalar::from_f64(DType::F64, rcond)))]);
    let vector = b.ty(y).rank() == 1;
    let y = if vector { b.expand_dims(y, &[1])? } else { y };
    let mut r = call(b, Op::Lstsq, attrs, &[a, y])?;
    if vector {
        r[0] = b.squeeze(r[0], &[1])?;
    }
    // LAPACK's integer.
    r[2] = b.cast(r[2], DType::I32)?;
    Ok(r)
}

/// The `n`-th power of a square matrix, by repeated squaring; negative powers of the inverse.
pub fn matrix_power(b: &mut Builder, x: Value, n: i64) -> Built {
    let (rows, columns) = matrix_sizes(b, Op::Matmul, x)?;
    if rows != columns {
        return invalid(b, Op::Matmul, "Last 2 dimensions of the array must be square");
    }
    if n == 0 {
        let shape = b.shape(x).to_vec();
        let e = super::eye(b, &rows, &rows, 0, b.dtype(x))?;
        return b.broadcast_to(e, &shape);
    }
    let mut square = if n < 0 { inv(b, x)? } else { x };
    let mut left = n.unsigned_abs();
    let mut result: Option<Value> = None;
    loop {
        if left & 1 == 1 {
            result = Some(match result {
                Some(r) => b.matmul(r, square)?,
                None => square,
            });
        }
        left >>= 1;
        match result {
            Some(r) if left == 0 => return Ok(r),
            _ => square = b.matmul(square, square)?,
        }
    }
}

/// The inverse for `tensordot` over `ind` axes: the first `ind` axes are the rows of a square matrix.
pub fn tensorinv(b: &mut Builder, x: Value, ind: usize) -> Built {
    let shape = b.shape(x).to_vec();
    if ind == 0 || ind > shape.len() {
        return invalid(b, Op::Inv, "Invalid ind argument.");
    }
    let (rows, columns) = (product(&shape[..ind]), product(&shape[ind..]));
    let matrix = b.reshape(x, &[rows, columns])?;
    let inverse = inv(b, matrix)?;
    let back: Vec<Dim> = shape[ind..].iter().chain(&shape[..ind]).cloned().collect();
    b.reshape(inverse, &back)
}

/// `x` with `tensordot(a, x, x.ndim) == y`; the axes of `a` beyond those of `y` are those of `x`.
pub fn tensorsolve(b: &mut Builder, a: Value, y: Value) -> Built {
    let (shape, rank) = (b.shape(a).to_vec(), b.ty(y).rank());
    if rank > shape.len() || shape[..rank] != *b.shape(y) {
        return invalid(b, Op::Solve, "the first axes of a must be those of b");
    }
    let (rows, columns) = (product(&shape[..rank]), product(&shape[rank..]));
    if rows != columns {
        let why =
            "Input arrays must satisfy the requirement prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])";
        return invalid(b, Op::Solve, why);
    }
    let matrix = b.reshape(a, &[rows, columns])?;
    let right = super::ravel(b, y)?;
    let x = solve(b, matrix, right)?;
    b.reshape(x, &shape[rank..])
}

/// The number of singular values above a tolerance, by default NumPy's.
pub fn matrix_rank(b: &mut Builder, x: Value, tol: Option<f64>) -> Built {
    if b.ty(x).rank() < 2 {
        let nonzero = bin(b, Op::NotEqual, x, 0)?;
        let any = b.reduce(Op::Any, nonzero, None, false)?;
        return b.cast(any, DType::I64);
    }
    let s = svdvals(b, x)?;
    let above = match tol {
        Some(t) => bin(b, Op::Greater, s, t)?,
        None => {
            let top = b.reduce(Op::Max, s, Some(&[-1]), true)?;
            let t = tolerance(b, x, b.dtype(s))?;
            let cut = bin(b, Op::Multiply, top, t)?;
            bin(b, Op::Greater, s, cut)?
        }
    };
    b.reduce(Op::CountNonzero, above, Some(&[-1]), false)
}

/// The order of a norm.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Ord {
    /// Euclidean of vectors, Frobenius of matrices.
    Default,
    /// Root of the sum of squares of a matrix.
    Fro,
    /// Sum of singular values.
    Nuc,
    /// `p`-norm; infinities are the largest and smallest.
    P(f64),
}

impl From<f64> for Ord {
    fn from(p: f64) -> Ord {
        Ord::P(p)
    }
}

impl From<i32> for Ord {
    fn from(p: i32) -> Ord {
        Ord::P(f64::from(p))
    }
}

impl From<()> for Ord {
    fn from((): ()) -> Ord {
        Ord::Default
    }
}

impl From<&str> for Ord {
    fn from(name: &str) -> Ord {
        match name {
            "fro" => Ord::Fro,
            "nuc" => Ord::Nuc,
            // No norm has this order: an error where it is used.
            _ => Ord::P(f64::NAN),
        }
    }
}

/// `numpy.linalg.norm`: of all elements, of vectors along one axis, or of matrices along two.
pub fn norm(b: &mut Builder, x: Value, ord: Ord, axes: Option<&[i64]>, keepdims: bool) -> Built {
    let x = inexact(b, x)?;
    let rank = b.ty(x).rank();
    match axes {
        None if ord == Ord::Default => {
            let flat = super::ravel(b, x)?;
            let n = vector_norm(b, flat, Ord::P(2.0), &[0], false)?;
            if keepdims { b.reshape(n, &vec![Dim::constant(1); rank]) } else { Ok(n) }
        }
        None if rank == 1 => vector_norm(b, x, ord, &[0], keepdims),
        None if rank == 2 => matrix_norm(b, x, ord, [0, 1], keepdims),
        Some([axis]) => vector_norm(b, x, ord, &[*axis], keepdims),
        Some([p, q]) => matrix_norm(b, x, ord, [*p, *q], keepdims),
        _ => invalid(b, Op::Sqrt, "Improper number of dimensions to norm."),
    }
}

/// The `p`-norm over axes taken as one vector.
pub fn vector_norm(b: &mut Builder, x: Value, ord: Ord, axes: &[i64], keepdims: bool) -> Built {
    let x = inexact(b, x)?;
    let p = match ord {
        Ord::Default => 2.0,
        Ord::P(p) if !p.is_nan() => p,
        _ => return invalid(b, Op::Sqrt, "Invalid norm order for vectors."),
    };
    let sum = |b: &mut Builder, v: Value| b.reduce(Op::Sum, v, Some(axes), keepdims);
    if p == 0.0 {
        let nonzero = bin(b, Op::NotEqual, x, 0)?;
        let ones = b.cast(nonzero, b.dtype(x).real())?;
        return sum(b, ones);
    }
    if p == 2.0 {
        let squares = if b.dtype(x).is_complex() {
            let (re, im) = (un(b, Op::Real, x)?, un(b, Op::Imag, x)?);
            let (re, im) = (un(b, Op::Square, re)?, un(b, Op::Square, im)?);
            bin(b, Op::Add, re, im)?
        } else {
            un(b, Op::Square, x)?
        };
        let s = sum(b, squares)?;
        return un(b, Op::Sqrt, s);
    }
    let a = un(b, Op::Absolute, x)?;
    if p == f64::INFINITY {
        return b.reduce(Op::Max, a, Some(axes), keepdims);
    }
    if p == f64::NEG_INFINITY {
        return b.reduce(Op::Min, a, Some(axes), keepdims);
    }
    if p == 1.0 {
        return sum(b, a);
    }
    let powers = bin(b, Op::Power, a, p)?;
    let s = sum(b, powers)?;
    bin(b, Op::Power, s, 1.0 / p)
}

/// A norm of matrices that lie along two axes.
pub fn matrix_norm(b: &mut Builder, x: Value, ord: Ord, axes: [i64; 2], keepdims: bool) -> Built {
    let x = inexact(b, x)?;
    let rank = b.ty(x).rank();
    let (p, q) = (b.axis(Op::Sqrt, rank, axes[0])?, b.axis(Op::Sqrt, rank, axes[1])?);
    if p == q {
        return invalid(b, Op::Sqrt, "Duplicate axes given.");
    }
    // Sums (or singular values), then the largest or smallest of them.
    let sums = |b: &mut Builder, over: i64, rest: i64, pick: Op| -> Built {
        let a = un(b, Op::Absolute, x)?;
        let s = b.reduce(Op::Sum, a, Some(&[over]), true)?;
        b.reduce(pick, s, Some(&[rest]), true)
    };
    let singular = |b: &mut Builder, pick: Op| -> Built {
        let m = super::moveaxis(b, x, &[p, q], &[-2, -1])?;
        let s = svdvals(b, m)?;
        let r = b.reduce(pick, s, Some(&[-1]), false)?;
        b.expand_dims(r, &if p < q { [p, q] } else { [q, p] })
    };
    let kept = match ord {
        Ord::Default | Ord::Fro => return vector_norm(b, x, Ord::P(2.0), &[p, q], keepdims),
        Ord::Nuc => singular(b, Op::Sum)?,
        Ord::P(2.0) => singular(b, Op::Max)?,
        Ord::P(-2.0) => singular(b, Op::Min)?,
        Ord::P(1.0) => sums(b, p, q, Op::Max)?,
        Ord::P(-1.0) => sums(b, p, q, Op::Min)?,
        Ord::P(f64::INFINITY) => sums(b, q, p, Op::Max)?,
        Ord::P(f64::NEG_INFINITY) => sums(b, q, p, Op::Min)?,
        Ord::P(_) => return invalid(b, Op::Sqrt, "Invalid norm order for matrices."),
    };
    super::reductions::drop_axes(b, Op::Sqrt, kept, Some(&[p, q]), keepdims)
}

/// The condition number: of singular values by default, else `norm(x) * norm(inv(x))`.
pub fn cond(b: &mut Builder, x: Value, ord: Ord) -> Built {
    if matches!(ord, Ord::Default | Ord::P(2.0) | Ord::P(-2.0)) {
        let s = svdvals(b, x)?;
        let (high, low) =
            (b.reduce(Op::Max, s, Some(&[-1]), false)?, b.reduce(Op::Min, s, Some(&[-1]), false)?);
        let (num, den) = if ord == Ord::P(-2.0) { (low, high) } else { (high, low) };
        return bin(b, Op::Divide, num, den);
    }
    let i = inv(b, x)?;
    let (n, m) = (matrix_norm(b, x, ord, [-2, -1], false)?, matrix_norm(b, i, ord, [-2, -1], false)?);
    bin(b, Op::Multiply, n, m)
}
