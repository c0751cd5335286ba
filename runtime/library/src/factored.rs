//! Factorizations that several systems share: LU in one matrix, as LAPACK's `getrf` leaves it, and what solves by it.

use crate::dense::{
    Field, operand, per_matrix, per_matrix_needs, result, result_vector, spec, square_shape, stack,
    stack_bytes, with_inexact,
};
use crate::dtype::DType;
use crate::error::LibraryError;
use crate::operand::broadcast;
use crate::packing::update;
use crate::scratch;
use crate::solve::{
    self as systems, RIGHT_HAND_SIDES, by_columns, cholesky_bytes, cholesky_factor, cube, factor_bytes,
    factor_singular, only, substitution,
};
use crate::table::{Call, Needs, Problem};
use faer::linalg::lu::partial_pivoting::solve::{solve_in_place, solve_in_place_scratch};
use faer::perm::PermRef;
use faer::{MatMut, MatRef, Par};
use num_complex::Complex64;

per_matrix! {
    run_factor = factor_one;
    run_solve = solve_one;
}

pub(crate) fn factor(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch, n) = square_shape(p)?;
    let (dtype, posdef) = (p.dtype, p.params.posdef);
    let outputs = vec![spec(dtype, batch, &[n, n]), spec(DType::I64, batch, &[n])];
    let scratch = move || {
        let lu = with_inexact!(dtype, factor_bytes(n, n)) + scratch::bytes::<usize>(n);
        if posdef { lu.max(with_inexact!(dtype, cholesky_bytes(n))) } else { lu }
    };
    let flops = cube(n) / if posdef { 3.0 } else { 1.5 };
    let packed = update(n, n).bytes(dtype.size());
    Ok(per_matrix_needs(outputs, batch, packed, flops, scratch))
}

fn solve_bytes<T: Field>(n: usize, k: usize) -> usize {
    let columns = k.min(RIGHT_HAND_SIDES);
    2 * scratch::bytes::<usize>(n) + stack_bytes(&[solve_in_place_scratch::<usize, T>(n, columns, Par::Seq)])
}

pub(crate) fn solve(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (batch_a, n) = square_shape(p)?;
    let wrong = || LibraryError::invalid(format!("lu_solve: operands of shapes {:?}", p.shapes));
    let [batch_b @ .., n2, k] = p.shapes[2] else { return Err(wrong()) };
    let batch = broadcast(batch_a, batch_b).filter(|_| n == *n2).ok_or_else(wrong)?;
    if p.shapes[1] != [batch_a, &[n]].concat() {
        return Err(wrong());
    }
    let (dtype, k) = (p.dtype, *k);
    let scratch = move || with_inexact!(dtype, solve_bytes(n, k));
    let flops = 2.0 * (n * n * k) as f64;
    let packed = substitution(n, k).bytes(dtype.size());
    Ok(per_matrix_needs(vec![spec(dtype, &batch, &[n, k])], &batch, packed, flops, scratch))
}

fn factor_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let a = only::<T>(call, index);
    let n = a.nrows();
    let mut out = result::<T>(&call.outputs[0], index);
    let exchanges = result_vector::<i64>(&call.outputs[1], index);
    if n == 0 {
        return Ok(());
    }
    if call.params.posdef
        && let Some((l, _)) = cholesky_factor(a, workspace)
    {
        from_cholesky(l, &mut out);
        exchanges.iter_mut().enumerate().for_each(|(k, e)| *e = k as i64);
        return Ok(());
    }
    let (f, rest) = systems::factor(a, workspace);
    let (order, _) = scratch::take_filled(rest, n, 0_usize);
    if f.is_singular() {
        out.copy_from(a);
        factor_singular(out, order);
    } else {
        order.copy_from_slice(f.perm.arrays().0);
        out.copy_from(f.lu);
    }
    as_exchanges(order, exchanges);
    Ok(())
}

/// `L D^-1` below `D L^H`, where `D` is the diagonal of `L`: the LU factors of the same matrix.
fn from_cholesky<T: Field>(l: MatRef<'_, T>, out: &mut MatMut<'_, T>) {
    for i in 0..l.nrows() {
        let own = l[(i, i)].widen().re;
        for j in 0..i {
            out[(i, j)] = T::narrow(l[(i, j)].widen() / l[(j, j)].widen().re);
        }
        for j in i..l.nrows() {
            out[(i, j)] = T::narrow(l[(j, i)].widen().conj() * own);
        }
    }
}

/// A permutation, where row `i` comes from row `order[i]`, as exchanges of each row with a later one or itself.
fn as_exchanges(order: &[usize], exchanges: &mut [i64]) {
    for k in 0..order.len() {
        // The wanted row is where it began, unless earlier exchanges moved it from there.
        let mut from = order[k];
        while from < k {
            from = exchanges[from] as usize;
        }
        exchanges[k] = from as i64;
    }
}

fn solve_one<T: Field>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let shape = call.outputs[0].shape();
    let batch = &shape[..shape.len() - 2];
    let (lu, b) = (operand::<T>(&call.inputs[0], batch, index), operand::<T>(&call.inputs[2], batch, index));
    let n = lu.nrows();
    if n == 0 {
        return Ok(());
    }
    if (0..n).any(|k| lu[(k, k)].widen() == Complex64::ZERO) {
        return Err(LibraryError::singular());
    }
    let exchanges = &call.inputs[1];
    let step = exchanges.strides()[exchanges.shape().len() - 1];
    let first = exchanges.item::<i64>(1, batch, index);
    let (forward, rest) = scratch::take_filled(workspace, n, 0_usize);
    let (backward, rest) = scratch::take_filled(rest, n, 0_usize);
    forward.iter_mut().enumerate().for_each(|(k, f)| *f = k);
    for k in 0..n {
        // SAFETY: the operand has `n` elements, `step` apart.
        let with = unsafe { *first.offset(k as isize * step) };
        let with = usize::try_from(with).ok().filter(|w| *w < n);
        forward.swap(k, with.ok_or_else(|| LibraryError::invalid("lu_solve: no such row"))?);
    }
    forward.iter().enumerate().for_each(|(k, f)| backward[*f] = k);
    let mut x = result::<T>(&call.outputs[0], index);
    x.copy_from(b);
    if x.ncols() > 0 {
        let perm = PermRef::new_checked(forward, backward, n);
        by_columns(x, |x| solve_in_place(lu, lu, perm, x, Par::Seq, stack(&mut *rest)));
    }
    Ok(())
}
