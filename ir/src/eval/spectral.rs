//! Eigenvalues and singular values of one matrix.

use super::linalg::{Matrix, ONE, ZERO, reflect};
use ndarray::s;
use num_complex::Complex64;

/// The rotation `[[c, s], [-s^*, c]]` that makes columns `p` and `q` with squared norms `x`, `y` and inner product
/// `z = p^H q` orthogonal.
fn rotation(x: f64, y: f64, z: Complex64) -> (f64, Complex64) {
    let zeta = (y - x) / (2.0 * z.norm());
    let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
    let c = 1.0 / (1.0 + t * t).sqrt();
    (c, z / z.norm() * (c * t))
}

fn rotate(m: &mut Matrix, p: usize, q: usize, c: f64, s: Complex64) {
    for i in 0..m.nrows() {
        let (x, y) = (m[(i, p)], m[(i, q)]);
        m[(i, p)] = x * c - y * s.conj();
        m[(i, q)] = x * s + y * c;
    }
}

const SWEEPS: usize = 60;

/// Eigenvalues ascending and eigenvectors in columns, by Jacobi's method.
pub(super) fn jacobi(a: &Matrix) -> (Vec<f64>, Matrix) {
    let n = a.nrows();
    let (mut m, mut vectors) = (a.clone(), Matrix::eye(n));
    for _ in 0..SWEEPS {
        let mut quiet = true;
        for p in 0..n {
            for q in p + 1..n {
                let z = m[(p, q)];
                if z.norm() <= 1e-17 * (m[(p, p)].norm() * m[(q, q)].norm()).sqrt() || z.norm() < 1e-300 {
                    continue;
                }
                quiet = false;
                let (c, s) = rotation(m[(p, p)].re, m[(q, q)].re, z);
                rotate(&mut m, p, q, c, s);
                // The rows, by the adjoint.
                m = m.t().map(|v| v.conj());
                rotate(&mut m, p, q, c, s);
                m = m.t().map(|v| v.conj());
                rotate(&mut vectors, p, q, c, s);
            }
        }
        if quiet {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| m[(*i, *i)].re.total_cmp(&m[(*j, *j)].re));
    let values = order.iter().map(|i| m[(*i, *i)].re).collect();
    (values, Matrix::from_shape_fn((n, n), |(i, j)| vectors[(i, order[j])]))
}

/// `a = u diag(s) v^H` with as many columns in `u` and `v` as singular values, which descend; by one-sided Jacobi
/// rotations (Hestenes, J. SIAM 6, 1958).
pub(super) fn svd(a: &Matrix) -> (Matrix, Vec<f64>, Matrix) {
    // Work on the narrower side, so that there are as many columns as singular values.
    if a.nrows() < a.ncols() {
        let (v, s, u) = svd(&adjoint(a));
        return (u, s, v);
    }
    let n = a.ncols();
    let (mut m, mut v) = (a.clone(), Matrix::eye(n));
    for _ in 0..SWEEPS {
        let mut quiet = true;
        for p in 0..n {
            for q in p + 1..n {
                let (x, y, z) = (product(&m, p, p).re, product(&m, q, q).re, product(&m, p, q));
                if z.norm() <= 1e-16 * (x * y).sqrt() || z.norm() < 1e-300 {
                    continue;
                }
                quiet = false;
                let (c, s) = rotation(x, y, z);
                rotate(&mut m, p, q, c, s);
                rotate(&mut v, p, q, c, s);
            }
        }
        if quiet {
            break;
        }
    }
    let values: Vec<f64> = (0..n).map(|k| product(&m, k, k).re.sqrt()).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| values[*j].total_cmp(&values[*i]));
    let s: Vec<f64> = order.iter().map(|k| values[*k]).collect();
    let v = Matrix::from_shape_fn((n, n), |(i, j)| v[(i, order[j])]);
    let u = Matrix::from_shape_fn(a.dim(), |(i, j)| {
        let norm = s[j];
        if norm > 0.0 { m[(i, order[j])] / norm } else { ZERO }
    });
    (complete(&u, n), s, v)
}

/// The inner product of two columns.
fn product(m: &Matrix, p: usize, q: usize) -> Complex64 {
    m.column(p).iter().zip(m.column(q)).map(|(x, y)| x.conj() * y).sum()
}

pub(super) fn adjoint(a: &Matrix) -> Matrix {
    a.t().map(|v| v.conj())
}

/// A matrix with `columns` orthonormal columns: those of `u` that are not 0, each in its place, and others between and
/// behind them.
pub(super) fn complete(u: &Matrix, columns: usize) -> Matrix {
    let rows = u.nrows();
    let mut all = Matrix::zeros((rows, columns));
    all.slice_mut(s![.., ..u.ncols()]).assign(u);
    for k in 0..columns {
        if product(&all, k, k).re > 0.5 {
            continue;
        }
        // The unit vector that is farthest from the others, without its part in their span (taken out twice, for
        // what rounding leaves).
        let far = |i: &usize| 1.0 - all.row(*i).iter().map(|v| v.norm_sqr()).sum::<f64>();
        let unit = (0..rows).max_by(|i, j| far(i).total_cmp(&far(j))).expect("fewer columns than rows");
        all[(unit, k)] = ONE;
        for _ in 0..2 {
            for j in (0..columns).filter(|j| *j != k) {
                let part = product(&all, j, k);
                for i in 0..rows {
                    let off = part * all[(i, j)];
                    all[(i, k)] -= off;
                }
            }
        }
        let norm = product(&all, k, k).re.sqrt();
        all.column_mut(k).mapv_inplace(|v| v / norm);
    }
    all
}

/// Solution of least norm, squared residuals of each column, rank, and singular values.
pub(super) fn lstsq(a: &Matrix, b: &Matrix, rcond: f64) -> (Matrix, Vec<f64>, usize, Vec<f64>) {
    let (u, s, v) = svd(a);
    let rank = s.iter().take_while(|x| **x > rcond * s[0]).count();
    let mut y = adjoint(&u).dot(b);
    for (i, mut row) in y.rows_mut().into_iter().enumerate() {
        let factor = if i < rank { 1.0 / s[i] } else { 0.0 };
        row.mapv_inplace(|v| v * factor);
    }
    let x = v.dot(&y);
    let left = b - &a.dot(&x);
    let residuals = left.columns().into_iter().map(|c| c.iter().map(|v| v.norm_sqr()).sum()).collect();
    (x, residuals, rank, s)
}

/// QR iterations per eigenvalue.
const ITERATIONS: usize = 200;

/// Eigenvalues, and eigenvectors of norm 1 in columns: QR iterations with Wilkinson's shift (Golub and Van Loan, section
/// 7.5) on the whole matrix to triangular form, then back substitution. None if they do not converge.
pub(super) fn eig(a: &Matrix) -> Option<(Vec<Complex64>, Matrix)> {
    let n = a.nrows();
    let (mut t, mut q) = (a.clone(), Matrix::eye(n));
    let size = a.iter().map(|v| v.norm_sqr()).sum::<f64>().sqrt();
    let mut active = n;
    let mut count = 0;
    while active > 1 {
        let last = active - 1;
        if (0..last).map(|j| t[(last, j)].norm()).sum::<f64>() <= 1e-16 * size {
            t.slice_mut(s![last, ..last]).fill(ZERO);
            (active, count) = (last, 0);
            continue;
        }
        count += 1;
        if count > ITERATIONS {
            return None;
        }
        // The eigenvalue of the last 2 x 2 block that is nearer to its corner; now and then some other number, against
        // cycles.
        let (w, x, y, z) =
            (t[(last - 1, last - 1)], t[(last - 1, last)], t[(last, last - 1)], t[(last, last)]);
        let (half, root) = ((w + z) / 2.0, ((w - z) * (w - z) / 4.0 + x * y).sqrt());
        let near =
            if (half + root - z).norm() < (half - root - z).norm() { half + root } else { half - root };
        let shift = if count % 11 == 10 { near + size * 0.3 } else { near };
        let block = t.slice(s![..active, ..active]).to_owned();
        let (unitary, upper) = reflect(&(block - diagonal(active, shift)));
        let next = upper.dot(&unitary) + diagonal(active, shift);
        t.slice_mut(s![..active, ..active]).assign(&next);
        let right = adjoint(&unitary).dot(&t.slice(s![..active, active..]));
        t.slice_mut(s![..active, active..]).assign(&right);
        let columns = q.slice(s![.., ..active]).dot(&unitary);
        q.slice_mut(s![.., ..active]).assign(&columns);
    }
    let values: Vec<Complex64> = t.diag().to_vec();
    let mut vectors = Matrix::zeros((n, n));
    for k in 0..n {
        let mut x = vec![ZERO; n];
        x[k] = ONE;
        for i in (0..k).rev() {
            let sum: Complex64 = (i + 1..=k).map(|j| t[(i, j)] * x[j]).sum();
            let gap = values[k] - values[i];
            // Equal eigenvalues: as LAPACK's `trevc`, the least gap that does not overflow.
            x[i] = sum / if gap.norm() > 1e-16 * size { gap } else { (1e-16 * size).max(1e-300).into() };
        }
        let v = q.dot(&ndarray::Array1::from(x));
        let norm = v.iter().map(|v| v.norm_sqr()).sum::<f64>().sqrt();
        vectors.column_mut(k).assign(&v.mapv(|v| v / norm));
    }
    Some((values, vectors))
}

fn diagonal(n: usize, value: Complex64) -> Matrix {
    Matrix::from_diag_elem(n, value)
}
