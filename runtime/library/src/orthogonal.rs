//! QR, singular values, and least squares through them.
//!
//! Blocked Householder reflections; singular values by bidiagonalization and divide and conquer (Gu and Eisenstat, "A
//! divide-and-conquer algorithm for the bidiagonal SVD", 1995).

use crate::dense::{
    Field, clear_other_triangle, copy, is_finite, matrix, matrix_bytes, matrix_shape, operand, per_matrix,
    per_matrix_needs, real, rescale, result, result_vector, scale_of, spec, stack, stack_bytes, store,
    with_inexact,
};
use crate::dtype::{DType, Element};
use crate::error::LibraryError;
use crate::packing::{Packed, half};
use crate::scratch;
use crate::table::{Call, Needs, Problem};
use faer::diag::DiagMut;
use faer::linalg::householder;
use faer::linalg::matmul::matmul;
use faer::linalg::qr::no_pivoting::factor as qr;
use faer::linalg::svd::{self, ComputeSvdVectors};
use faer::{Accum, Conj, MatMut, MatRef, Par};
use num_complex::Complex64;

per_matrix! {
    run_qr = qr_one;
    run_svd = svd_one;
    run_svdvals = svdvals_one;
    run_lstsq = lstsq_one;
}

fn qr_bytes<T: Field>(m: usize, n: usize, columns: usize) -> usize {
    let block = qr::recommended_block_size::<T>(m, n);
    matrix_bytes::<T>(m, n)
        + matrix_bytes::<T>(block, m.min(n))
        + scratch::bytes::<Complex64>(m.min(n))
        + stack_bytes(&[
            qr::qr_in_place_scratch::<T>(m, n, block, Par::Seq, Default::default()),
            householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<T>(
                m, block, columns,
            ),
        ])
}

/// faer reduces a matrix that is more than 11 / 6 times as long as its other size to a square one first: a narrower matrix
/// may need more than a wide one. If sizes stand for all up to them, both ways are looked at, each at its largest sizes.
fn svd_bytes<T: Field>(m: usize, n: usize, vectors: ComputeSvdVectors, exact: bool) -> usize {
    let of = |m: usize, n: usize| {
        matrix_bytes::<T>(m, n)
            + scratch::bytes::<T>(m.min(n))
            + stack_bytes(&[svd::svd_scratch::<T>(m, n, vectors, vectors, Par::Seq, Default::default())])
    };
    if exact {
        return of(m, n);
    }
    let (tall, wide) = ((m * 6).saturating_sub(1) / 11, (n * 6).saturating_sub(1) / 11);
    let (short, narrow) = (n * 11 / 6, m * 11 / 6);
    let pairs = [(m, n), (m, n.min(tall)), (m.min(wide), n), (m.min(short), n), (m, n.min(narrow))];
    pairs.into_iter().map(|(m, n)| of(m, n)).max().unwrap_or(0)
}

fn lstsq_bytes<T: Field>(m: usize, n: usize, k: usize, exact: bool) -> usize {
    let size = m.min(n);
    svd_bytes::<T>(m, n, ComputeSvdVectors::Thin, exact)
        + matrix_bytes::<T>(m, size)
        + matrix_bytes::<T>(n, size)
        + matrix_bytes::<T>(size, k)
        + matrix_bytes::<T>(m, k)
}

/// Bytes that products with blocks of Householder reflections pack: those of a column-major `m x n` matrix with itself, and
/// with a C-ordered matrix of `m x k`.
fn reflecting<T: Field>(m: usize, n: usize, k: usize) -> usize {
    let depth = qr::recommended_block_size::<T>(m, n);
    Packed { long: m.max(k).max(depth), wide: m.max(n), depth }.bytes(size_of::<T>())
}

/// Bytes that the singular value decomposition packs: of reflections, and of divide and conquer, which is real, for vectors.
pub(crate) fn decomposing<T: Field>(m: usize, n: usize, vectors: bool) -> usize {
    let size = half(m.min(n));
    let conquer = Packed { long: size, wide: size, depth: if vectors { size } else { 0 } };
    reflecting::<T>(m.max(n), m.min(n), 0).max(conquer.bytes(size_of::<T::Part>()))
}

fn flops(m: usize, n: usize) -> f64 {
    m as f64 * n as f64 * m.min(n) as f64
}

/// Columns of `q`, or of `u`: all or the thin factor's.
fn width(p: &Problem<'_>, size: usize, m: usize) -> usize {
    if p.params.full { m } else { size }
}

pub(crate) fn qr(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, m, n) = matrix_shape(p)?;
    let (dtype, k) = (p.dtype, width(p, m.min(n), m));
    let outputs = vec![spec(dtype, batch, &[m, k]), spec(dtype, batch, &[k, n])];
    let scratch = move || with_inexact!(dtype, qr_bytes(m, n, k));
    let packed = with_inexact!(dtype, reflecting(m, n, k));
    Ok(per_matrix_needs(outputs, batch, packed, 4.0 * flops(m, n), scratch))
}

pub(crate) fn svd(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, m, n) = matrix_shape(p)?;
    let (dtype, size) = (p.dtype, m.min(n));
    let outputs = vec![
        spec(dtype, batch, &[m, width(p, size, m)]),
        spec(dtype.real(), batch, &[size]),
        spec(dtype, batch, &[width(p, size, n), n]),
    ];
    let vectors = if p.params.full { ComputeSvdVectors::Full } else { ComputeSvdVectors::Thin };
    let exact = p.exact;
    let scratch = move || with_inexact!(dtype, svd_bytes(m, n, vectors, exact));
    let packed = with_inexact!(dtype, decomposing(m, n, true));
    Ok(per_matrix_needs(outputs, batch, packed, 20.0 * flops(m, n), scratch))
}

pub(crate) fn svdvals(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, m, n) = matrix_shape(p)?;
    let (dtype, exact) = (p.dtype, p.exact);
    let scratch = move || with_inexact!(dtype, svd_bytes(m, n, ComputeSvdVectors::No, exact));
    Ok(per_matrix_needs(
        vec![spec(dtype.real(), batch, &[m.min(n)])],
        batch,
        with_inexact!(dtype, decomposing(m, n, false)),
        4.0 * flops(m, n),
        scratch,
    ))
}

pub(crate) fn lstsq(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, m, n) = matrix_shape(p)?;
    let k = match p.shapes[1] {
        [m2, k] if *m2 == m && batch.is_empty() => *k,
        _ => return Err(LibraryError::numeric("Incompatible dimensions")),
    };
    let dtype = p.dtype;
    let outputs = vec![
        (dtype, vec![n, k]),
        (dtype.real(), vec![k]),
        (DType::I64, vec![]),
        (dtype.real(), vec![m.min(n)]),
    ];
    let exact = p.exact;
    let scratch = move || with_inexact!(dtype, lstsq_bytes(m, n, k, exact));
    let product = |long, wide, depth| Packed { long, wide, depth }.bytes(dtype.size());
    let (size, most) = (m.min(n), m.max(n).max(k));
    // `u^H b`, `v` times it, and `a x`, whose results lie in either order.
    let products = [product(size.max(k), most, m), product(n.max(k), most, size), product(m.max(k), most, n)];
    let packed = with_inexact!(dtype, decomposing(m, n, true)).max(products.into_iter().max().unwrap_or(0));
    Ok(per_matrix_needs(outputs, batch, packed, 20.0 * flops(m, n), scratch))
}

/// The only matrix of operand 0.
fn only<'a, T: Field>(call: &Call<'a>, index: usize) -> MatRef<'a, T> {
    let shape = call.inputs[0].shape();
    operand(&call.inputs[0], &shape[..shape.len() - 2], index)
}

fn set_identity<T: Field>(mut a: MatMut<'_, T>) {
    a.fill(real(0.0));
    for k in 0..a.nrows().min(a.ncols()) {
        a[(k, k)] = real(1.0);
    }
}

/// Outputs: `q (m, k)`, `r (k, n)`, where `k` is `m` if `full` and the smaller size otherwise.
fn qr_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let a = only::<T>(call, index);
    let mut q = result::<T>(&call.outputs[0], index);
    let mut r = result::<T>(&call.outputs[1], index);
    let (m, n) = (a.nrows(), a.ncols());
    set_identity(q.as_mut());
    if m == 0 || n == 0 {
        return Ok(());
    }
    let (mut f, rest) = copy(workspace, a);
    let (mut coefficients, rest) = matrix::<T>(rest, qr::recommended_block_size::<T>(m, n), m.min(n));
    let (phases, rest) = scratch::take_filled(rest, m.min(n), Complex64::ONE);
    qr::qr_in_place(f.as_mut(), coefficients.as_mut(), Par::Seq, stack(rest), Default::default());
    householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(
        f.as_ref(),
        coefficients.as_ref(),
        Conj::No,
        q.as_mut(),
        Par::Seq,
        stack(rest),
    );
    r.fill(real(0.0));
    let rows = m.min(n);
    r.as_mut().subrows_mut(0, rows).copy_from(f.as_ref().subrows(0, rows));
    clear_other_triangle(r.as_mut(), false);
    // LAPACK's complex reflections leave a real diagonal, of the sign that faer's has in its real part.
    for (k, phase) in phases.iter_mut().enumerate() {
        let x = r[(k, k)].widen();
        if x.im != 0.0 {
            let sign = if (x.re < 0.0) == (k + 1 < m) { -1.0 } else { 1.0 };
            *phase = x / x.norm() * sign;
            for j in k..n {
                r[(k, j)] = T::narrow(r[(k, j)].widen() / *phase);
            }
            r[(k, k)] = real(x.norm() * sign);
        }
    }
    if phases.iter().any(|p| *p != Complex64::ONE) {
        for i in 0..m {
            for (k, phase) in phases.iter().enumerate() {
                q[(i, k)] = T::narrow(q[(i, k)].widen() * phase);
            }
        }
    }
    Ok(())
}

/// Singular values in `s`, and vectors where asked for.
fn decompose<T: Field>(
    a: MatRef<'_, T>,
    s: &mut [T::Part],
    mut u: Option<MatMut<'_, T>>,
    mut v: Option<MatMut<'_, T>>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    let failed = || LibraryError::numeric("SVD did not converge");
    if !is_finite(a) {
        return Err(failed());
    }
    // For tall matrices faer leaves a block of a square factor as it finds it, and expects zeros there.
    if let Some(u) = &mut u {
        u.fill(real(0.0));
    }
    if let Some(v) = &mut v {
        v.fill(real(0.0));
    }
    let factor = scale_of(a);
    let (mut a, rest) = copy(workspace, a);
    rescale(a.as_mut(), factor);
    let (values, rest) = scratch::take_filled(rest, s.len(), real::<T>(0.0));
    svd::svd(a.as_ref(), DiagMut::from_slice_mut(values), u, v, Par::Seq, stack(rest), Default::default())
        .map_err(|_| failed())?;
    for (s, value) in s.iter_mut().zip(values) {
        *s = real(value.widen().re / factor);
    }
    Ok(())
}

/// Outputs: `u`, `s`, `v^H`, square if `full` and thin otherwise.
fn svd_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let a = only::<T>(call, index);
    let mut u = result::<T>(&call.outputs[0], index);
    let s = result_vector::<T::Part>(&call.outputs[1], index);
    let mut vh = result::<T>(&call.outputs[2], index);
    if s.is_empty() {
        set_identity(u);
        set_identity(vh);
        return Ok(());
    }
    // The C-ordered `v^H` is a column-major `v`, but for conjugation.
    decompose(a, s, Some(u.as_mut()), Some(vh.as_mut().transpose_mut()), workspace)?;
    if T::DTYPE != T::Part::DTYPE {
        for i in 0..vh.nrows() {
            for j in 0..vh.ncols() {
                vh[(i, j)] = T::narrow(vh[(i, j)].widen().conj());
            }
        }
    }
    Ok(())
}

fn svdvals_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let s = result_vector::<T::Part>(&call.outputs[0], index);
    if s.is_empty() {
        return Ok(());
    }
    decompose(only::<T>(call, index), s, None, None, workspace)
}

/// Outputs: the solution of least norm `x (n, k)`, `|b - a x|^2` of each column `(k)`, the rank, and the singular values.
///
/// NumPy returns no residuals where the rank is below `n` or `m <= n`; that is the caller's to know from the rank.
fn lstsq_one<T: Field>(call: &Call<'_>, _: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let (a, b) = (only::<T>(call, 0), operand::<T>(&call.inputs[1], &[], 0));
    let mut x = result::<T>(&call.outputs[0], 0);
    let residuals = result_vector::<T::Part>(&call.outputs[1], 0);
    let s = result_vector::<T::Part>(&call.outputs[3], 0);
    let (m, n, size, k) = (a.nrows(), a.ncols(), s.len(), b.ncols());
    x.fill(real(0.0));
    let (mut left, rest) = copy(workspace, b);
    let mut rank = 0;
    if size > 0 {
        let (mut u, rest) = matrix::<T>(rest, m, size);
        let (mut v, rest) = matrix::<T>(rest, n, size);
        let (mut y, rest) = matrix::<T>(rest, size, k);
        let failed = |_| LibraryError::numeric("SVD did not converge in Linear Least Squares");
        decompose(a, s, Some(u.as_mut()), Some(v.as_mut()), rest).map_err(failed)?;
        let epsilon = if T::Part::DTYPE == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
        let rcond = call.params.rcond.unwrap_or(epsilon * m.max(n) as f64);
        let cut = rcond * s[0].widen().re;
        rank = s.iter().take_while(|s| s.widen().re > cut).count();
        if k > 0 {
            matmul(y.as_mut(), Accum::Replace, u.as_ref().adjoint(), left.as_ref(), real::<T>(1.0), Par::Seq);
            for i in 0..size {
                let factor = if i < rank { 1.0 / s[i].widen().re } else { 0.0 };
                for j in 0..k {
                    y[(i, j)] = T::narrow(y[(i, j)].widen() * factor);
                }
            }
            matmul(x.as_mut(), Accum::Replace, v.as_ref(), y.as_ref(), real::<T>(1.0), Par::Seq);
            matmul(left.as_mut(), Accum::Add, a, x.as_ref(), real::<T>(-1.0), Par::Seq);
        }
    }
    for (j, residual) in residuals.iter_mut().enumerate() {
        *residual = real((0..m).map(|i| left[(i, j)].widen().norm_sqr()).sum());
    }
    store(&call.outputs[2], 0, rank as i64);
    Ok(())
}
