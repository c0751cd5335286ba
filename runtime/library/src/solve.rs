//! Systems of equations: LU with partial pivoting and what follows from it, Cholesky, triangular systems.
//!
//! faer's blocked right-looking LU and left-looking Cholesky (Golub and Van Loan, "Matrix Computations", 3.4 and 4.2).

use crate::dense::{
    Field, clear_other_triangle, copy, matrix_bytes, matrix_shape, operand, per_matrix, per_matrix_needs,
    real, result, spec, square_shape, stack, stack_bytes, store, with_inexact,
};
use crate::error::LibraryError;
use crate::operand::{Input, broadcast};
use crate::packing::{Packed, half, update};
use crate::scratch;
use crate::table::{Call, Needs, Problem};
use faer::linalg::cholesky::llt::solve::{
    solve_in_place as llt_solve, solve_in_place_scratch as llt_solve_scratch,
};
use faer::linalg::cholesky::llt::{factor as llt, inverse as llt_inverse};
use faer::linalg::lu::partial_pivoting::{factor as lu, inverse, solve};
use faer::linalg::triangular_solve;
use faer::perm::PermRef;
use faer::prelude::IntoConst;
use faer::{MatMut, MatRef, Par};
use num_complex::Complex64;

per_matrix! {
    run_inv = inv_one;
    run_inv_posdef = inv_posdef_one;
    run_solve = solve_one;
    run_posdef = posdef_one;
    run_triangular = triangular_one;
    run_cholesky = cholesky_one;
    run_lu = lu_one;
    run_det = det_one;
    run_slogdet = slogdet_one;
}

/// Bytes of a factorization: the copy, the permutation and its inverse.
pub(crate) fn factor_bytes<T: Field>(m: usize, n: usize) -> usize {
    matrix_bytes::<T>(m, n)
        + 2 * scratch::bytes::<usize>(m)
        + stack_bytes(&[lu::lu_in_place_scratch::<usize, T>(m, n, Par::Seq, Default::default())])
}

fn inv_bytes<T: Field>(n: usize) -> usize {
    factor_bytes::<T>(n, n) + stack_bytes(&[inverse::inverse_scratch::<usize, T>(n, Par::Seq)])
}

fn solve_bytes<T: Field>(n: usize, k: usize) -> usize {
    factor_bytes::<T>(n, n)
        + stack_bytes(&[solve::solve_in_place_scratch::<usize, T>(n, k.min(RIGHT_HAND_SIDES), Par::Seq)])
}

/// Enough for either factorization.
fn inv_posdef_bytes<T: Field>(n: usize) -> usize {
    let inverse = stack_bytes(&[llt_inverse::inverse_scratch::<T>(n, Par::Seq)]);
    (cholesky_bytes::<T>(n) + inverse).max(inv_bytes::<T>(n))
}

pub(crate) fn cholesky_bytes<T: Field>(n: usize) -> usize {
    matrix_bytes::<T>(n, n)
        + stack_bytes(&[llt::cholesky_in_place_scratch::<T>(n, Par::Seq, Default::default())])
}

/// Right-hand sides that are solved for at a time: of more, faer's products would pack blocks of all of them. This many
/// fit any last cache, 512 deep and complex.
pub(crate) const RIGHT_HAND_SIDES: usize = 240;

/// The largest product of a triangular solution, whose right-hand sides lie in C order.
pub(crate) fn substitution(n: usize, k: usize) -> Packed {
    Packed { long: k.min(RIGHT_HAND_SIDES), wide: n / 2, depth: half(n) }
}

/// Calls `solve` on the columns of `x`, some at a time.
pub(crate) fn by_columns<T: Field>(mut x: MatMut<'_, T>, mut solve: impl FnMut(MatMut<'_, T>)) {
    let k = x.ncols();
    for first in (0..k).step_by(RIGHT_HAND_SIDES) {
        solve(x.as_mut().subcols_mut(first, RIGHT_HAND_SIDES.min(k - first)));
    }
}

/// Enough for either factorization.
fn posdef_bytes<T: Field>(n: usize, k: usize) -> usize {
    let by_cholesky =
        cholesky_bytes::<T>(n) + stack_bytes(&[llt_solve_scratch::<T>(n, k.min(RIGHT_HAND_SIDES), Par::Seq)]);
    by_cholesky.max(solve_bytes::<T>(n, k))
}

pub(crate) fn cube(n: usize) -> f64 {
    (n as f64).powi(3)
}

pub(crate) fn inv(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, n) = square_shape(p)?;
    let dtype = p.dtype;
    let scratch = move || with_inexact!(dtype, inv_bytes(n));
    let packed = update(n, n).bytes(dtype.size());
    Ok(per_matrix_needs(vec![spec(dtype, batch, &[n, n])], batch, packed, 2.0 * cube(n), scratch))
}

pub(crate) fn inv_posdef(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, n) = square_shape(p)?;
    let dtype = p.dtype;
    let scratch = move || with_inexact!(dtype, inv_posdef_bytes(n));
    let packed = update(n, n).bytes(dtype.size());
    Ok(per_matrix_needs(vec![spec(dtype, batch, &[n, n])], batch, packed, cube(n), scratch))
}

/// Batch axes, size and number of right-hand sides of `a x = b`.
fn system(p: &Problem<'_>) -> Result<(Vec<usize>, usize, usize), LibraryError> {
    let (batch_a, n) = square_shape(p)?;
    let wrong = || {
        LibraryError::invalid(format!("solve: operands of shapes {:?} and {:?}", p.shapes[0], p.shapes[1]))
    };
    let [batch_b @ .., n2, k] = p.shapes[1] else { return Err(wrong()) };
    let batch = broadcast(batch_a, batch_b).filter(|_| n == *n2).ok_or_else(wrong)?;
    Ok((batch, n, *k))
}

pub(crate) fn solve(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, n, k) = system(p)?;
    let dtype = p.dtype;
    let flops = 2.0 / 3.0 * cube(n) + 2.0 * (n * n * k) as f64;
    let scratch = move || with_inexact!(dtype, solve_bytes(n, k));
    let packed = Packed::most(&[update(n, n), substitution(n, k)], dtype.size());
    Ok(per_matrix_needs(vec![spec(dtype, &batch, &[n, k])], &batch, packed, flops, scratch))
}

pub(crate) fn posdef(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, n, k) = system(p)?;
    let dtype = p.dtype;
    let flops = cube(n) / 3.0 + 2.0 * (n * n * k) as f64;
    let scratch = move || with_inexact!(dtype, posdef_bytes(n, k));
    let packed = Packed::most(&[update(n, n), substitution(n, k)], dtype.size());
    Ok(per_matrix_needs(vec![spec(dtype, &batch, &[n, k])], &batch, packed, flops, scratch))
}

pub(crate) fn triangular(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, n, k) = system(p)?;
    let packed = substitution(n, k).bytes(p.dtype.size());
    Ok(per_matrix_needs(vec![spec(p.dtype, &batch, &[n, k])], &batch, packed, (n * n * k) as f64, || 0))
}

pub(crate) fn cholesky(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, n) = square_shape(p)?;
    let dtype = p.dtype;
    let scratch = move || with_inexact!(dtype, cholesky_bytes(n));
    let packed = update(n, n).bytes(dtype.size());
    Ok(per_matrix_needs(vec![spec(dtype, batch, &[n, n])], batch, packed, cube(n) / 3.0, scratch))
}

pub(crate) fn lu(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, m, n) = matrix_shape(p)?;
    let (dtype, k) = (p.dtype, m.min(n));
    let outputs =
        vec![spec(dtype.real(), batch, &[m, m]), spec(dtype, batch, &[m, k]), spec(dtype, batch, &[k, n])];
    let scratch = move || with_inexact!(dtype, factor_bytes(m, n));
    let packed = update(m, n).bytes(dtype.size());
    Ok(per_matrix_needs(outputs, batch, packed, (m * n * k) as f64, scratch))
}

pub(crate) fn det(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, n) = square_shape(p)?;
    let dtype = p.dtype;
    let scratch = move || with_inexact!(dtype, factor_bytes(n, n));
    let packed = update(n, n).bytes(dtype.size());
    Ok(per_matrix_needs(vec![spec(dtype, batch, &[])], batch, packed, 2.0 / 3.0 * cube(n), scratch))
}

pub(crate) fn slogdet(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let mut needs = det(p)?;
    let shape = needs.outputs[0].1.clone();
    needs.outputs.push((p.dtype.real(), shape));
    Ok(needs)
}

/// `a[perm, :] = l u`, in one matrix.
pub(crate) struct Factors<'w, T: Field> {
    pub(crate) lu: MatRef<'w, T>,
    pub(crate) perm: PermRef<'w, usize>,
    swaps: usize,
}

impl<T: Field> Factors<'_, T> {
    fn diagonal(&self) -> impl Iterator<Item = Complex64> {
        (0..self.lu.nrows().min(self.lu.ncols())).map(|k| self.lu[(k, k)].widen())
    }

    /// True if a pivot is 0. faer divides by it all the same: what follows is NaN, and so is what follows a NaN operand,
    /// which is not singular.
    pub(crate) fn is_singular(&self) -> bool {
        self.diagonal().find(|x| *x == Complex64::ZERO || x.is_nan()).is_some_and(|x| !x.is_nan())
    }
}

pub(crate) fn factor<'w, T: Field>(
    a: MatRef<'_, T>,
    workspace: &'w mut [u8],
) -> (Factors<'w, T>, &'w mut [u8]) {
    let m = a.nrows();
    let (mut copy, rest) = copy(workspace, a);
    let (forward, rest) = scratch::take_filled(rest, m, 0_usize);
    let (backward, rest) = scratch::take_filled(rest, m, 0_usize);
    let (info, perm) =
        lu::lu_in_place(copy.as_mut(), forward, backward, Par::Seq, stack(rest), Default::default());
    (Factors { lu: copy.into_const(), perm, swaps: info.transposition_count }, rest)
}

/// The only operand's matrix.
pub(crate) fn only<'a, T: Field>(call: &Call<'a>, index: usize) -> MatRef<'a, T> {
    let input: &Input<'a> = &call.inputs[0];
    operand(input, &input.shape()[..input.shape().len() - 2], index)
}

fn inv_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let a = only::<T>(call, index);
    if a.nrows() == 0 {
        return Ok(());
    }
    let (f, rest) = factor(a, workspace);
    if f.is_singular() {
        return Err(LibraryError::singular());
    }
    inverse::inverse(result(&call.outputs[0], index), f.lu, f.lu, f.perm, Par::Seq, stack(rest));
    Ok(())
}

fn inv_posdef_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let a = only::<T>(call, index);
    if a.nrows() == 0 {
        return Ok(());
    }
    if let Some((l, rest)) = cholesky_factor(a, workspace) {
        let mut x = result::<T>(&call.outputs[0], index);
        // The lower triangle, as `a^-1 = l^-H l^-1`.
        llt_inverse::inverse(x.as_mut(), l, Par::Seq, stack(rest));
        for j in 0..x.ncols() {
            for i in 0..j {
                x[(i, j)] = T::narrow(x[(j, i)].widen().conj());
            }
        }
        return Ok(());
    }
    inv_one::<T>(call, index, workspace)
}

fn solve_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let shape = call.outputs[0].shape();
    let batch = &shape[..shape.len() - 2];
    let (a, b) = (operand::<T>(&call.inputs[0], batch, index), operand::<T>(&call.inputs[1], batch, index));
    if a.nrows() == 0 {
        return Ok(());
    }
    let (f, rest) = factor(a, workspace);
    if f.is_singular() {
        return Err(LibraryError::singular());
    }
    let mut x = result::<T>(&call.outputs[0], index);
    x.copy_from(b);
    by_columns(x, |x| solve::solve_in_place(f.lu, f.lu, f.perm, x, Par::Seq, stack(&mut *rest)));
    Ok(())
}

fn posdef_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let shape = call.outputs[0].shape();
    let batch = &shape[..shape.len() - 2];
    let (a, b) = (operand::<T>(&call.inputs[0], batch, index), operand::<T>(&call.inputs[1], batch, index));
    if a.nrows() == 0 {
        return Ok(());
    }
    if let Some((l, rest)) = cholesky_factor(a, workspace) {
        let mut x = result::<T>(&call.outputs[0], index);
        x.copy_from(b);
        by_columns(x, |x| llt_solve(l, x, Par::Seq, stack(&mut *rest)));
        return Ok(());
    }
    solve_one::<T>(call, index, workspace)
}

fn triangular_one<T: Field>(call: &Call<'_>, index: usize, _: &mut [u8]) -> Result<(), LibraryError> {
    let shape = call.outputs[0].shape();
    let batch = &shape[..shape.len() - 2];
    let (a, b) = (operand::<T>(&call.inputs[0], batch, index), operand::<T>(&call.inputs[1], batch, index));
    if (0..a.nrows()).any(|k| a[(k, k)].widen() == Complex64::ZERO) {
        return Err(LibraryError::singular());
    }
    let mut x = result::<T>(&call.outputs[0], index);
    x.copy_from(b);
    if a.nrows() == 0 {
        return Ok(());
    }
    by_columns(x, |x| match call.params.lower {
        true => triangular_solve::solve_lower_triangular_in_place(a, x, Par::Seq),
        false => triangular_solve::solve_upper_triangular_in_place(a, x, Par::Seq),
    });
    Ok(())
}

fn cholesky_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let a = only::<T>(call, index);
    if a.nrows() == 0 {
        return Ok(());
    }
    let Some((l, _)) = cholesky_factor(a, workspace) else {
        return Err(LibraryError::numeric("Matrix is not positive definite"));
    };
    let mut out = result::<T>(&call.outputs[0], index);
    out.copy_from(l);
    real_diagonal(out.as_mut());
    clear_other_triangle(out, true);
    Ok(())
}

/// The factor of a copy in the workspace, and what is left of that; `None` if the matrix is not positive definite.
pub(crate) fn cholesky_factor<'w, T: Field>(
    a: MatRef<'_, T>,
    workspace: &'w mut [u8],
) -> Option<(MatRef<'w, T>, &'w mut [u8])> {
    let (mut l, rest) = copy(workspace, a);
    cholesky_in_place(l.as_mut(), rest).then(|| (l.into_const(), rest))
}

/// The factor in place of the lower triangle; false if the matrix is not positive definite. Reads that triangle alone, and no
/// imaginary parts of the diagonal, as LAPACK's potrf does.
fn cholesky_in_place<T: Field>(mut l: MatMut<'_, T>, workspace: &mut [u8]) -> bool {
    real_diagonal(l.as_mut());
    let done = llt::cholesky_in_place(
        l.as_mut(),
        Default::default(),
        Par::Seq,
        stack(workspace),
        Default::default(),
    );
    // A NaN compares as neither positive nor negative, so faer's test of pivots alone lets it pass.
    done.is_ok() && !(0..l.nrows()).any(|k| l[(k, k)].widen().re.is_nan())
}

fn real_diagonal<T: Field>(mut m: MatMut<'_, T>) {
    for k in 0..m.nrows() {
        m[(k, k)] = real(m[(k, k)].widen().re);
    }
}

/// Outputs: `p (m, m)` of real type, `l (m, k)`, `u (k, n)` with `a = p l u`, as `scipy.linalg.lu`.
fn lu_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let a = only::<T>(call, index);
    let mut p = result::<T::Part>(&call.outputs[0], index);
    let mut l = result::<T>(&call.outputs[1], index);
    let mut u = result::<T>(&call.outputs[2], index);
    p.fill(real(0.0));
    if a.nrows() == 0 || a.ncols() == 0 {
        for i in 0..a.nrows() {
            p[(i, i)] = real(1.0);
        }
        return Ok(());
    }
    let (f, _) = factor(a, workspace);
    if f.is_singular() {
        let (lu, rest) = copy(workspace, a);
        let (perm, _) = scratch::take_filled(rest, a.nrows(), 0_usize);
        let lu = factor_singular(lu, perm);
        split(lu, perm, &mut p, &mut l, &mut u);
    } else {
        split(f.lu, f.perm.arrays().0, &mut p, &mut l, &mut u);
    }
    Ok(())
}

/// `p`, `l` and `u` from the factors in one matrix.
fn split<T: Field>(
    lu: MatRef<'_, T>,
    perm: &[usize],
    p: &mut MatMut<'_, T::Part>,
    l: &mut MatMut<'_, T>,
    u: &mut MatMut<'_, T>,
) {
    for (i, from) in perm.iter().enumerate() {
        p[(*from, i)] = real(1.0);
    }
    l.copy_from(lu.subcols(0, l.ncols()));
    for k in 0..l.ncols() {
        l[(k, k)] = real(1.0);
    }
    u.copy_from(lu.subrows(0, u.nrows()));
    clear_other_triangle(l.as_mut(), true);
    clear_other_triangle(u.as_mut(), false);
}

/// LU of a matrix with a pivot of 0, whose column is left alone. Unblocked: such matrices are rare.
pub(crate) fn factor_singular<'w, T: Field>(mut a: MatMut<'w, T>, perm: &mut [usize]) -> MatRef<'w, T> {
    let (m, n) = (a.nrows(), a.ncols());
    perm.iter_mut().enumerate().for_each(|(i, p)| *p = i);
    for k in 0..m.min(n) {
        let size = |i: usize| a[(i, k)].widen().norm();
        let pivot = (k + 1..m).fold(k, |best, i| if size(i) > size(best) { i } else { best });
        if size(pivot) == 0.0 {
            continue;
        }
        if pivot != k {
            perm.swap(k, pivot);
            for j in 0..n {
                (a[(k, j)], a[(pivot, j)]) = (a[(pivot, j)], a[(k, j)]);
            }
        }
        for i in k + 1..m {
            let factor = a[(i, k)].widen() / a[(k, k)].widen();
            a[(i, k)] = T::narrow(factor);
            for j in k + 1..n {
                a[(i, j)] = T::narrow(a[(i, j)].widen() - factor * a[(k, j)].widen());
            }
        }
    }
    a.into_const()
}

/// The factors' diagonal, and -1 to the number of row exchanges; a 0 alone if the matrix is singular.
fn diagonal<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8], mut f: impl FnMut(Complex64)) {
    let a = only::<T>(call, index);
    if a.nrows() > 0 {
        let (factors, _) = factor(a, workspace);
        if factors.is_singular() {
            return f(Complex64::ZERO);
        }
        factors.diagonal().for_each(&mut f);
        f(Complex64::new(if factors.swaps % 2 == 0 { 1.0 } else { -1.0 }, 0.0));
    }
}

/// The sign (of length 1, or 0) of a determinant and the logarithm of its size, which no product overflows.
fn sign_and_log<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> (Complex64, f64) {
    let (mut sign, mut log) = (Complex64::ONE, 0.0);
    diagonal::<T>(call, index, workspace, |x| {
        let size = x.norm();
        sign = match () {
            () if size == 0.0 => Complex64::ZERO,
            // Real signs are no quotients: one of infinities is no number.
            () if x.im == 0.0 => sign * if x.re < 0.0 { -1.0 } else { 1.0 },
            () => sign * (x / size),
        };
        log += size.ln();
    });
    (sign, log)
}

/// As LAPACK's users and NumPy do: the determinant is the product of its sign and size.
fn det_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let (sign, log) = sign_and_log::<T>(call, index, workspace);
    let size = log.exp();
    // Each part alone: 0 times an infinity is no number.
    let part = |s: f64| if s == 0.0 { 0.0 } else { s * size };
    store(&call.outputs[0], index, T::narrow(Complex64::new(part(sign.re), part(sign.im))));
    Ok(())
}

fn slogdet_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let (sign, log) = sign_and_log::<T>(call, index, workspace);
    store(&call.outputs[0], index, T::narrow(sign));
    store(&call.outputs[1], index, real::<T::Part>(log));
    Ok(())
}
