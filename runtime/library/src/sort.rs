//! Sorting, selection, and the positions that sort.

use crate::dtype::{DType, with_any};
use crate::error::LibraryError;
use crate::lanes::{blocks, emit, lanes, load, most_lanes, output_bytes, stage};
use crate::rank::{Ordered, Pair, Rank};
use crate::scratch;
use crate::table::{Call, Needs, Problem};
use std::ops::Range;

/// Nanoseconds to sort a row, roughly.
fn sorting(n: usize) -> f64 {
    n as f64 * (n.max(2) as f64).log2() * 2.0 + 10.0
}

/// The number of rows along the axis, which must exist.
pub(crate) fn rows(p: &Problem<'_>) -> Result<usize, LibraryError> {
    let (shape, axis) = (p.shapes[0], p.params.axis);
    if axis >= shape.len() {
        return Err(LibraryError::invalid(format!("axis {axis} of an array with {} axes", shape.len())));
    }
    Ok(shape.iter().enumerate().filter(|(k, _)| *k != axis).map(|(_, n)| n).product())
}

fn needs(
    p: &Problem<'_>,
    outputs: Vec<(DType, Vec<usize>)>,
    bytes: usize,
    work: f64,
) -> Result<Needs, LibraryError> {
    Ok(Needs {
        rows: rows(p)?,
        unit: lanes(&outputs[0].1, p.params.axis),
        shares: false,
        outputs,
        scratch: Box::new(move |_| bytes),
        work,
        hidden: Box::new(|_| 0),
    })
}

/// Bytes of the pairs of a row.
pub(crate) fn pair_bytes<T: Ordered>(n: usize) -> usize {
    scratch::bytes::<T::Pair>(n)
}

pub(crate) fn check_length<T: Ordered>(n: usize) -> Result<(), LibraryError> {
    if n > T::LIMIT {
        return Err(LibraryError::invalid(format!("{n} elements, more than positions have bits")));
    }
    Ok(())
}

pub(crate) fn sort(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    rows(p)?;
    let (shape, axis) = (p.shapes[0], p.params.axis);
    let bytes = output_bytes(shape, axis, p.dtype.size(), p.exact);
    needs(p, vec![(p.dtype, shape.to_vec())], bytes, sorting(shape[axis]))
}

pub(crate) fn partition(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let needs = sort(p)?;
    let n = p.shapes[0][p.params.axis];
    if p.params.n >= n && n > 0 {
        return Err(LibraryError::invalid(format!("kth(={}) out of bounds ({n})", p.params.n)));
    }
    Ok(Needs { work: n as f64 * 5.0 + 10.0, ..needs })
}

pub(crate) fn argsort(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    rows(p)?;
    let (shape, axis) = (p.shapes[0], p.params.axis);
    let n = shape[axis];
    let lanes = most_lanes(shape, axis, p.exact);
    let bytes = output_bytes(shape, axis, 8, p.exact)
        + lanes * n * p.dtype.size()
        + scratch::bytes::<u8>(0)
        + with_any!(p.dtype, pair_bytes(n));
    needs(p, vec![(DType::I64, shape.to_vec())], bytes, 2.0 * sorting(n))
}

pub(crate) fn top_k(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    rows(p)?;
    let (shape, axis, k) = (p.shapes[0], p.params.axis, p.params.n);
    if k > shape[axis] {
        return Err(LibraryError::invalid(format!("the first {k} of {}", shape[axis])));
    }
    let mut output = shape.to_vec();
    output[axis] = k;
    let bytes = with_any!(p.dtype, pair_bytes(shape[axis]));
    let outputs = vec![(p.dtype, output.clone()), (DType::I64, output)];
    needs(p, outputs, bytes, shape[axis] as f64 * 10.0 + sorting(k))
}

/// Sorts a row, or brings index `nth` into place, as the original order of `at` says for elements that are equal but
/// different: NaN payloads and signs of zeros keep the order in which they came.
fn arrange<T: Ordered>(row: &mut [T], nth: Option<usize>, at: impl Fn(usize) -> T) {
    let mut numbers = 0;
    for i in 0..row.len() {
        if !row[i].is_nan() {
            row[numbers] = row[i];
            numbers += 1;
        }
    }
    let n = row.len();
    if numbers < n {
        let originals = (0..n).map(&at).filter(|x| x.is_nan());
        row[numbers..].iter_mut().zip(originals).for_each(|(to, from)| *to = from);
    }
    T::arrange(&mut row[..numbers], nth);
    if nth.is_some() {
        return;
    }
    // Sorted by bits, the zeros are together, the negative ones first: restore their order.
    let first = row[..numbers].partition_point(|x| x.rank() < T::default().rank());
    let zeros = row[first..numbers].iter().take_while(|x| x.is_zero()).count();
    if zeros > 1 {
        let originals = (0..n).map(at).filter(|x| x.is_zero());
        row[first..first + zeros].iter_mut().zip(originals).for_each(|(to, from)| *to = from);
    }
}

/// Calls `f(row, at)` on copies of rows, where `at(i)` is element `i` of the operand's row.
fn each_row<T: Ordered>(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
    f: impl Fn(&mut [T], &dyn Fn(usize) -> T),
) {
    let (input, output, axis) = (&call.inputs[0], &call.outputs[0], call.params.axis);
    let (n, step) = (output.shape()[axis], input.strides()[axis]);
    blocks(rows, lanes(output.shape(), axis), |block| {
        let (copies, _) = stage::<T>(output, axis, &block, workspace);
        load(input, axis, &block, copies, n);
        if n > 0 {
            for (row, index) in copies.chunks_exact_mut(n).zip(block.clone()) {
                let first = input.row::<T>(axis, index);
                // SAFETY: within the operand's row (the contract of `Input::new`).
                f(row, &|i| unsafe { *first.offset(i as isize * step) });
            }
        }
        emit(output, axis, &block, copies);
    });
}

fn sort_typed<T: Ordered>(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    let descending = call.params.descending;
    each_row::<T>(call, rows, workspace, |row, at| {
        let n = row.len();
        if descending {
            // Equal elements must keep their order when the row is turned around.
            arrange(row, None, |i| at(n - 1 - i));
            row.reverse();
        } else {
            arrange(row, None, at);
        }
    });
    Ok(())
}

fn partition_typed<T: Ordered>(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    each_row::<T>(call, rows, workspace, |row, at| arrange(row, Some(call.params.n), at));
    Ok(())
}

/// The pairs of a row, unsorted.
pub(crate) fn pairs<T: Ordered>(
    workspace: &mut [u8],
    n: usize,
    reverse: bool,
    at: impl Fn(usize) -> T,
) -> (&mut [T::Pair], &mut [u8]) {
    let (pairs, rest) = scratch::take::<T::Pair>(workspace, n);
    for (i, pair) in pairs.iter_mut().enumerate() {
        let rank = at(i).rank();
        pair.write(T::pair(if reverse { rank.reverse() } else { rank }, i));
    }
    // SAFETY: all written.
    (unsafe { &mut *(std::ptr::from_mut(pairs) as *mut [T::Pair]) }, rest)
}

fn argsort_typed<T: Ordered>(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    let (input, output, axis) = (&call.inputs[0], &call.outputs[0], call.params.axis);
    let n = output.shape()[axis];
    check_length::<T>(n)?;
    if n == 0 {
        return Ok(());
    }
    blocks(rows, lanes(output.shape(), axis), |block| {
        let (positions, rest) = stage::<i64>(output, axis, &block, workspace);
        let (copies, rest) = scratch::take_filled(rest, block.len() * n, T::default());
        load(input, axis, &block, copies, n);
        for (row, out) in copies.chunks_exact(n).zip(positions.chunks_exact_mut(n)) {
            let (pairs, _) = pairs::<T>(rest, n, call.params.descending, |i| row[i]);
            pairs.sort_unstable();
            out.iter_mut().zip(&*pairs).for_each(|(to, pair)| *to = pair.index() as i64);
        }
        emit(output, axis, &block, positions);
    });
    Ok(())
}

fn top_k_typed<T: Ordered>(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    let (input, axis, k) = (&call.inputs[0], call.params.axis, call.params.n);
    let (n, step) = (input.shape()[axis], input.strides()[axis]);
    check_length::<T>(n)?;
    if k == 0 {
        return Ok(());
    }
    for index in rows {
        let first = input.row::<T>(axis, index);
        // SAFETY: within the operand's row (the contract of `Input::new`).
        let at = |i: usize| unsafe { *first.offset(i as isize * step) };
        let (pairs, _) = pairs::<T>(workspace, n, call.params.descending, at);
        if k < n {
            pairs.select_nth_unstable(k - 1);
        }
        pairs[..k].sort_unstable();
        let (values, inner) = call.outputs[0].row::<T>(axis, index);
        let (positions, _) = call.outputs[1].row::<i64>(axis, index);
        for (i, pair) in pairs[..k].iter().enumerate() {
            // SAFETY: within the outputs' rows (the contract of `Output::new`).
            unsafe {
                values.add(i * inner).write(at(pair.index()));
                positions.add(i * inner).write(pair.index() as i64);
            }
        }
    }
    Ok(())
}

/// The pairs of a flattened array, sorted.
pub(crate) fn sorted_pairs<T: Ordered>(
    workspace: &mut [u8],
    n: usize,
    at: impl Fn(usize) -> T,
) -> Result<(&mut [T::Pair], &mut [u8]), LibraryError> {
    check_length::<T>(n)?;
    let (pairs, rest) = pairs::<T>(workspace, n, false, at);
    pairs.sort_unstable();
    Ok((pairs, rest))
}

macro_rules! any_type {
    ($($run:ident = $typed:ident;)*) => {$(
        pub(crate) fn $run(call: &Call<'_>, rows: Range<usize>, workspace: &mut [u8]) -> Result<(), LibraryError> {
            with_any!(call.inputs[0].dtype(), $typed(call, rows, workspace))
        }
    )*};
}
any_type! {
    run_sort = sort_typed;
    run_argsort = argsort_typed;
    run_partition = partition_typed;
    run_top_k = top_k_typed;
}
