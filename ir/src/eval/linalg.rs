//! Products of matrices and linear algebra, on stacks of matrices.
//!
//! Methods are those of Golub and Van Loan, *Matrix Computations*: elimination with partial pivoting, Cholesky by
//! columns, Householder reflections with LAPACK's signs; `spectral` has those for eigenvalues. All arithmetic is on
//! complex doubles, rounded to the element type at the end.

use super::elementwise::{binary, sum};
use super::spectral::{adjoint, complete, eig, jacobi, lstsq, svd};
use super::{Array, EvalError, Evaluated};
use crate::attrs::Key;
use crate::dtype::{DType, Scalar};
use crate::graph::Node;
use crate::ops::Op;
use ndarray::{Array2, ArrayViewD, Dimension, IxDyn};
use num_complex::Complex64;

pub(super) type Matrix = Array2<Complex64>;

pub(super) const ONE: Complex64 = Complex64::new(1.0, 0.0);
pub(super) const ZERO: Complex64 = Complex64::new(0.0, 0.0);

/// `x` with its batch axes broadcast.
fn batched<'a>(x: &'a Array, batch: &[usize]) -> ArrayViewD<'a, Scalar> {
    let shape: Vec<usize> = batch.iter().chain(&x.shape()[x.rank() - 2..]).copied().collect();
    x.data.broadcast(IxDyn(&shape)).expect("checked by infer")
}

/// One matrix of a stack.
fn matrix<'a>(x: &ArrayViewD<'a, Scalar>, at: &[usize]) -> ndarray::ArrayView2<'a, Scalar> {
    let mut view = x.clone();
    for i in at {
        view = view.index_axis_move(ndarray::Axis(0), *i);
    }
    view.into_dimensionality().expect("the last two axes are left")
}

/// The positions of the matrices of a stack.
fn positions(batch: &[usize]) -> Vec<Vec<usize>> {
    ndarray::indices(IxDyn(batch)).into_iter().map(|i| i.slice().to_vec()).collect()
}

/// The matrix product; integers wrap, bool is "any of both".
pub(super) fn matmul(a: &Array, b: &Array, shape: &[usize]) -> Array {
    let t = a.dtype;
    let batch = &shape[..shape.len() - 2];
    let (left, right) = (batched(a, batch), batched(b, batch));
    let (add, multiply) = (binary(Op::Add, t), binary(Op::Multiply, t));
    let mut out = Vec::with_capacity(shape.iter().product());
    for at in positions(batch) {
        let (x, y) = (matrix(&left, &at), matrix(&right, &at));
        for row in x.rows() {
            for column in y.columns() {
                let pairs = row.iter().zip(column);
                out.push(if t.is_inexact() {
                    // Each product's four terms apart: the sum is that of all of them.
                    let terms = pairs.flat_map(|(p, q)| {
                        let (p, q) = (p.as_complex(), q.as_complex());
                        let cross = if t.is_complex() { -p.im * q.im } else { 0.0 };
                        [Complex64::new(p.re * q.re, p.re * q.im), Complex64::new(cross, p.im * q.re)]
                    });
                    Scalar::complex(t, sum(terms))
                } else {
                    pairs.fold(Scalar::zero(t), |s, (p, q)| add.apply(&[s, multiply.apply(&[*p, *q])]))
                });
            }
        }
    }
    Array::new(t, shape, out)
}

/// `alpha (a b) + beta c`, rounded after each operation.
pub(super) fn gemm(args: &[&Array], shape: &[usize]) -> Array {
    let product = matmul(args[0], args[1], shape);
    let t = product.dtype;
    let (add, multiply) = (binary(Op::Add, t), binary(Op::Multiply, t));
    let (c, alpha, beta) = (args[2].spread(shape), args[3].at(&[]), args[4].at(&[]));
    let scaled = |k, x: &Scalar| multiply.apply(&[k, *x]);
    let elements = product.data.iter().zip(&c).map(|(p, c)| add.apply(&[scaled(alpha, p), scaled(beta, c)]));
    Array::new(t, shape, elements.collect())
}

/// Results of a routine for each matrix of a stack, put together.
pub(super) fn linalg(n: &Node, args: &[&Array], shapes: &[Vec<usize>]) -> Evaluated {
    let types: Vec<DType> = n.types.iter().map(|t| t.dtype).collect();
    // The batch axes of the first result, which has as many further axes as one matrix's result.
    let own = match n.op {
        Op::Det | Op::Slogdet => 0,
        Op::Eigvalsh | Op::Svdvals | Op::Eigh | Op::Eig | Op::Eigvals => 1,
        _ => 2,
    };
    let batch = &shapes[0][..shapes[0].len() - own];
    // Vectors as columns.
    let columns = |(k, a): (usize, &&Array)| match (n.op, k) {
        (Op::LuSolve, 1) => {
            let shape: Vec<usize> = a.shape().iter().copied().chain([1]).collect();
            Array::new(a.dtype, &shape, a.data.iter().copied().collect())
        }
        _ => (*a).clone(),
    };
    let args: Vec<Array> = args.iter().enumerate().map(columns).collect();
    let operands: Vec<_> = args.iter().map(|a| batched(a, batch)).collect();
    let mut elements: Vec<Vec<Scalar>> = vec![Vec::new(); types.len()];
    for at in positions(batch) {
        let m: Vec<Matrix> = operands.iter().map(|x| matrix(x, &at).map(|s| s.as_complex())).collect();
        for ((all, result), t) in elements.iter_mut().zip(one(n, &m)?).zip(&types) {
            let element = |v: &Complex64| {
                if t.is_inexact() { Scalar::complex(*t, *v) } else { Scalar::from_i64(*t, v.re as i64) }
            };
            all.extend(result.iter().map(element));
        }
    }
    Ok(elements.into_iter().zip(shapes).zip(&types).map(|((e, s), t)| Array::new(*t, s, e)).collect())
}

/// One matrix's results; vectors and numbers as columns.
fn one(n: &Node, m: &[Matrix]) -> Result<Vec<Matrix>, EvalError> {
    let a = &m[0];
    let singular = EvalError::Matrix { op: n.op, why: "Singular matrix" };
    let single = |v: Complex64| Matrix::from_elem((1, 1), v);
    let real_column = |v: Vec<f64>| Matrix::from_shape_fn((v.len(), 1), |(i, _)| v[i].into());
    Ok(match n.op {
        Op::Inv | Op::InvPosdef => vec![solve(a, &Matrix::eye(a.nrows())).ok_or(singular)?],
        Op::Solve | Op::SolvePosdef => vec![solve(a, &m[1]).ok_or(singular)?],
        Op::SolveTriangular => vec![substitute(a, &m[1], n.attrs.bool(Key::Lower), false).ok_or(singular)?],
        Op::Cholesky => {
            let why = "Matrix is not positive definite";
            vec![cholesky(a).ok_or(EvalError::Matrix { op: n.op, why })?]
        }
        Op::LuFactor => {
            let by_cholesky = if n.attrs.bool(Key::Posdef) { cholesky(a) } else { None };
            let (exchanges, lu) = match by_cholesky {
                // L D^-1 and D L^H, where D is the diagonal of L.
                Some(l) => {
                    let scaled = |i: usize, j: usize| {
                        if i > j { l[(i, j)] / l[(j, j)] } else { l[(i, i)] * l[(j, i)].conj() }
                    };
                    ((0..a.nrows()).collect(), Matrix::from_shape_fn(a.dim(), |(i, j)| scaled(i, j)))
                }
                None => eliminate(a),
            };
            vec![lu, real_column(exchanges.into_iter().map(|k| k as f64).collect())]
        }
        Op::LuSolve => {
            let mut x = m[2].clone();
            if m[1].iter().any(|p| p.re < 0.0 || p.re >= x.nrows() as f64) {
                return Err(EvalError::Matrix { op: n.op, why: "no such row" });
            }
            for (k, p) in m[1].iter().enumerate() {
                for c in 0..x.ncols() {
                    x.swap((k, c), (p.re as usize, c));
                }
            }
            let y = substitute(a, &x, true, true).and_then(|y| substitute(a, &y, false, false));
            vec![y.ok_or(singular)?]
        }
        Op::Lu => {
            let (exchanges, lu) = eliminate(a);
            let order = exchanged(&exchanges);
            let k = a.nrows().min(a.ncols());
            let p = Matrix::from_shape_fn(
                (a.nrows(), a.nrows()),
                |(i, j)| if order[j] == i { ONE } else { ZERO },
            );
            let l = Matrix::from_shape_fn((a.nrows(), k), |(i, j)| match i.cmp(&j) {
                std::cmp::Ordering::Less => ZERO,
                std::cmp::Ordering::Equal => ONE,
                std::cmp::Ordering::Greater => lu[(i, j)],
            });
            let u = Matrix::from_shape_fn((k, a.ncols()), |(i, j)| if i <= j { lu[(i, j)] } else { ZERO });
            vec![p, l, u]
        }
        Op::Qr => {
            let (q, r) = reflect(a);
            let k = if n.attrs.bool(Key::Full) { a.nrows() } else { a.nrows().min(a.ncols()) };
            vec![q.slice_move(ndarray::s![.., ..k]), r.slice_move(ndarray::s![..k, ..])]
        }
        Op::Det => {
            let (exchanges, lu) = eliminate(a);
            vec![single(lu.diag().iter().fold(parity(&exchanges), |d, v| d * v))]
        }
        Op::Slogdet => {
            let (exchanges, lu) = eliminate(a);
            let mut sign = parity(&exchanges);
            let mut log = 0.0;
            for v in lu.diag() {
                sign *= if v.norm() == 0.0 { ZERO } else { v / v.norm() };
                log += v.norm().ln();
            }
            vec![single(sign), single(log.into())]
        }
        Op::Eigh => {
            let (values, vectors) = jacobi(&hermitian(a, n.attrs.bool(Key::Lower)));
            vec![real_column(values), vectors]
        }
        Op::Eigvalsh => vec![real_column(jacobi(&hermitian(a, n.attrs.bool(Key::Lower))).0)],
        Op::Svdvals => vec![real_column(svd(a).1)],
        Op::Svd => {
            let (u, s, v) = svd(a);
            let full = n.attrs.bool(Key::Full);
            let (u, v) = if full { (complete(&u, a.nrows()), complete(&v, a.ncols())) } else { (u, v) };
            vec![u, real_column(s), adjoint(&v)]
        }
        Op::Eig | Op::Eigvals => {
            let why = "Eigenvalues did not converge";
            let (values, vectors) = eig(a).ok_or(EvalError::Matrix { op: n.op, why })?;
            let values = Matrix::from_shape_vec((values.len(), 1), values).expect("a column");
            if n.op == Op::Eig { vec![values, vectors] } else { vec![values] }
        }
        Op::Lstsq => {
            let rcond = n.attrs.scalar(Key::Value).as_f64();
            let (x, residuals, rank, s) = lstsq(a, &m[1], rcond);
            vec![x, real_column(residuals), single((rank as f64).into()), real_column(s)]
        }
        other => return Err(EvalError::Unsupported(other)),
    })
}

/// The order of rows after exchanges.
fn exchanged(exchanges: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..exchanges.len()).collect();
    exchanges.iter().enumerate().for_each(|(k, with)| order.swap(k, *with));
    order
}

/// The sign of a permutation.
fn parity(exchanges: &[usize]) -> Complex64 {
    let odd = exchanges.iter().enumerate().filter(|(k, with)| k != *with).count() % 2 == 1;
    if odd { -ONE } else { ONE }
}

/// Gaussian elimination in place: for each row the one it was exchanged with, and L below U. The pivot is the largest
/// `|re| + |im|`, as LAPACK's `getrf` chooses.
fn eliminate(a: &Matrix) -> (Vec<usize>, Matrix) {
    let mut m = a.clone();
    let (rows, cols) = m.dim();
    let mut exchanges: Vec<usize> = (0..rows).collect();
    for k in 0..rows.min(cols) {
        let size = |m: &Matrix, i: usize| m[(i, k)].l1_norm();
        let mut pivot = k;
        for i in k + 1..rows {
            if size(&m, i) > size(&m, pivot) {
                pivot = i;
            }
        }
        exchanges[k] = pivot;
        if pivot != k {
            for j in 0..cols {
                m.swap((k, j), (pivot, j));
            }
        }
        if m[(k, k)] == ZERO {
            continue;
        }
        for i in k + 1..rows {
            let factor = m[(i, k)] / m[(k, k)];
            m[(i, k)] = factor;
            for j in k + 1..cols {
                let v = factor * m[(k, j)];
                m[(i, j)] -= v;
            }
        }
    }
    (exchanges, m)
}

/// Forward or back substitution; `None` for a zero on the diagonal.
fn substitute(t: &Matrix, b: &Matrix, lower: bool, unit: bool) -> Option<Matrix> {
    let n = t.nrows();
    let mut x = b.clone();
    for step in 0..n {
        let i = if lower { step } else { n - 1 - step };
        if !unit && t[(i, i)] == ZERO {
            return None;
        }
        for c in 0..x.ncols() {
            let known = if lower { 0..i } else { i + 1..n };
            let rest: Complex64 = known.map(|j| t[(i, j)] * x[(j, c)]).sum();
            x[(i, c)] -= rest;
            if !unit {
                x[(i, c)] /= t[(i, i)];
            }
        }
    }
    Some(x)
}

fn solve(a: &Matrix, b: &Matrix) -> Option<Matrix> {
    let (exchanges, lu) = eliminate(a);
    let order = exchanged(&exchanges);
    let moved = Matrix::from_shape_fn(b.dim(), |(i, j)| b[(order[i], j)]);
    let y = substitute(&lu, &moved, true, true)?;
    substitute(&lu, &y, false, false)
}

/// The lower factor, from the lower triangle.
fn cholesky(a: &Matrix) -> Option<Matrix> {
    let n = a.nrows();
    let mut l = Matrix::zeros((n, n));
    for j in 0..n {
        let d = a[(j, j)].re - (0..j).map(|k| l[(j, k)].norm_sqr()).sum::<f64>();
        if d.is_nan() || d <= 0.0 {
            return None;
        }
        l[(j, j)] = d.sqrt().into();
        for i in j + 1..n {
            let rest: Complex64 = (0..j).map(|k| l[(i, k)] * l[(j, k)].conj()).sum();
            l[(i, j)] = (a[(i, j)] - rest) / l[(j, j)];
        }
    }
    Some(l)
}

/// Householder's reflections with the signs of LAPACK's `larfg`: full Q and R.
pub(super) fn reflect(a: &Matrix) -> (Matrix, Matrix) {
    let (rows, cols) = a.dim();
    let (mut q, mut r) = (Matrix::eye(rows), a.clone());
    for k in 0..rows.min(cols) {
        let alpha = r[(k, k)];
        let rest = (k + 1..rows).map(|i| r[(i, k)].norm_sqr()).sum::<f64>().sqrt();
        if rest == 0.0 && alpha.im == 0.0 {
            continue;
        }
        let beta = -alpha.re.signum() * alpha.norm().hypot(rest);
        let tau = Complex64::new((beta - alpha.re) / beta, -alpha.im / beta);
        let mut v = vec![ZERO; rows];
        v[k] = ONE;
        for i in k + 1..rows {
            v[i] = r[(i, k)] / (alpha - beta);
        }
        // R becomes H^H R and Q becomes Q H, with H = I - tau v v^H.
        for j in 0..cols {
            let w: Complex64 = (k..rows).map(|i| v[i].conj() * r[(i, j)]).sum();
            for i in k..rows {
                r[(i, j)] -= tau.conj() * v[i] * w;
            }
        }
        for i in 0..rows {
            let w: Complex64 = (k..rows).map(|j| q[(i, j)] * v[j]).sum();
            for j in k..rows {
                q[(i, j)] -= tau * w * v[j].conj();
            }
        }
        for i in k + 1..rows {
            r[(i, k)] = ZERO;
        }
    }
    (q, r)
}

/// The Hermitian matrix of which one triangle is given.
fn hermitian(a: &Matrix, lower: bool) -> Matrix {
    Matrix::from_shape_fn(a.dim(), |(i, j)| {
        if i == j {
            a[(i, i)].re.into()
        } else if (i > j) == lower {
            a[(i, j)]
        } else {
            a[(j, i)].conj()
        }
    })
}
