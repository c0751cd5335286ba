//! Order statistics: elements of a sorted row without sorting it.

use crate::dtype::{DType, Element, with_any};
use crate::error::LibraryError;
use crate::lanes::{blocks, lanes, load, most_lanes};
use crate::narrow;
use crate::operand::{Input, Output};
use crate::rank::{Ordered, Pair, select};
use crate::scratch;
use crate::sort::{check_length, pair_bytes, pairs, rows};
use crate::table::{Call, Needs, Problem};
use std::ops::Range;

/// Sizes of a problem: of the rows, and of what is chosen from each.
fn sizes(p: &Problem<'_>) -> Result<(usize, usize), LibraryError> {
    rows(p)?;
    let (x, kth, axis) = (p.shapes[0], p.shapes[1], p.params.axis);
    let wrong = || LibraryError::invalid(format!("positions of shape {kth:?} in an array of shape {x:?}"));
    let m = match kth {
        [m] => *m,
        _ => *kth.get(axis).ok_or_else(wrong)?,
    };
    let same = kth.len() == x.len() && (0..x.len()).all(|k| k == axis || kth[k] == x[k]);
    if kth.len() != 1 && !same || x.len() == 1 && kth.len() != 1 {
        return Err(wrong());
    }
    Ok((x[axis], m))
}

fn needs(p: &Problem<'_>, dtype: DType, positions: bool) -> Result<Needs, LibraryError> {
    let (n, m) = sizes(p)?;
    let (shape, axis) = (p.shapes[0], p.params.axis);
    let mut output = shape.to_vec();
    output[axis] = m;
    let copies = scratch::bytes::<u8>(most_lanes(shape, axis, p.exact) * n * p.dtype.size());
    let pairs = if positions { with_any!(p.dtype, pair_bytes(n)) } else { 0 };
    let bytes = copies + pairs + scratch::bytes::<usize>(m);
    Ok(Needs {
        outputs: vec![(dtype, output)],
        rows: rows(p)?,
        unit: lanes(shape, axis),
        shares: false,
        scratch: Box::new(move |_| bytes),
        // A pass over the row for each halving of the positions, until they are sorted.
        work: n as f64 * (4.0 + (m.max(1) as f64).log2()) * if positions { 2.0 } else { 1.0 } + 20.0,
        hidden: Box::new(|_| 0),
    })
}

pub(crate) fn order_statistics(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    needs(p, p.dtype, false)
}

pub(crate) fn arg_order_statistics(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    needs(p, DType::I64, true)
}

/// The positions wanted of a row.
struct Wanted {
    first: *const i64,
    step: isize,
    last: i64,
}

impl Wanted {
    fn new(kth: &Input<'_>, axis: usize, index: usize, n: usize) -> Wanted {
        let (first, axis) =
            if kth.shape().len() == 1 { (kth.pointer(), 0) } else { (kth.row(axis, index), axis) };
        Wanted { first, step: kth.strides()[axis], last: n as i64 - 1 }
    }

    fn get(&self, i: usize) -> usize {
        // SAFETY: within the operand's row (the contract of `Input::new`).
        unsafe { *self.first.offset(i as isize * self.step) }.clamp(0, self.last) as usize
    }

    /// All of them, ascending and distinct.
    fn ascending<'w>(&self, all: &'w mut [usize]) -> &'w [usize] {
        all.iter_mut().enumerate().for_each(|(i, k)| *k = self.get(i));
        all.sort_unstable();
        let mut distinct = 0;
        for i in 0..all.len() {
            if distinct == 0 || all[i] != all[distinct - 1] {
                all[distinct] = all[i];
                distinct += 1;
            }
        }
        &all[..distinct]
    }
}

/// Writes what is wanted of a row.
fn store<T: Element>(output: &Output<'_>, axis: usize, index: usize, f: impl Fn(usize) -> T) {
    let (first, step) = output.row::<T>(axis, index);
    for i in 0..output.shape()[axis] {
        // SAFETY: within the output's row (the contract of `Output::new`).
        unsafe { first.add(i * step).write(f(i)) };
    }
}

/// Calls `f(index, row, workspace)` with contiguous copies of rows.
fn each_row<T: Ordered>(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
    mut f: impl FnMut(usize, &mut [T], &mut [u8]),
) -> Result<(), LibraryError> {
    let (input, axis) = (&call.inputs[0], call.params.axis);
    let n = input.shape()[axis];
    check_length::<T>(n)?;
    if call.outputs[0].shape().contains(&0) {
        return Ok(());
    }
    if n == 0 {
        return Err(LibraryError::numeric("zero-size array has no order statistics"));
    }
    blocks(rows, lanes(input.shape(), axis), |block| {
        let (copies, rest) = scratch::take_filled(&mut *workspace, block.len() * n, T::default());
        load(input, axis, &block, copies, n);
        for (row, index) in copies.chunks_exact_mut(n).zip(block) {
            f(index, row, rest);
        }
    });
    Ok(())
}

/// Brings indices into place. Elements that are equal but different, NaN payloads and zeros of both signs, keep the
/// order in which they came, as in a stable sort.
fn arrange<T: Ordered>(row: &mut [T], at: &[usize], original: impl Fn(usize) -> T) {
    let n = row.len();
    let mut numbers = 0;
    for i in 0..n {
        if !row[i].is_nan() {
            row[numbers] = row[i];
            numbers += 1;
        }
    }
    if numbers < n {
        let originals = (0..n).map(&original).filter(|x| x.is_nan());
        row[numbers..].iter_mut().zip(originals).for_each(|(to, from)| *to = from);
    }
    let at = &at[..at.partition_point(|k| *k < numbers)];
    T::select(&mut row[..numbers], at);
    let mut zeros = at.iter().copied().filter(|k| row[*k].is_zero()).peekable();
    let Some(first) = zeros.peek().copied() else { return };
    let last = zeros.last().unwrap_or(first);
    // The zeros among them are neighbours: restore those from the first to the last.
    let zero = T::default().rank();
    let below = (0..n).filter(|i| row[*i].rank() < zero).count();
    let signs = (0..n).map(original).filter(|x| x.is_zero()).skip(first - below);
    for (k, sign) in (first..=last).zip(signs) {
        if at.binary_search(&k).is_ok() {
            row[k] = sign;
        }
    }
}

fn values<T: Ordered>(call: &Call<'_>, rows: Range<usize>, workspace: &mut [u8]) -> Result<(), LibraryError> {
    let (input, axis) = (&call.inputs[0], call.params.axis);
    if input.strides()[axis] != 1 || !narrow::pays::<T>(input.shape()[axis]) {
        return in_copies::<T>(call, rows, workspace);
    }
    for index in rows {
        if !in_place::<T>(call, index, workspace) {
            in_copies::<T>(call, index..index + 1, workspace)?;
        }
    }
    Ok(())
}

/// Selects from a long row where it is, unless it is such that this does not work.
fn in_place<T: Ordered>(call: &Call<'_>, index: usize, workspace: &mut [u8]) -> bool {
    let (input, output, axis) = (&call.inputs[0], &call.outputs[0], call.params.axis);
    let (n, m) = (input.shape()[axis], output.shape()[axis]);
    let wanted = Wanted::new(&call.inputs[1], axis, index, n);
    let (at, rest) = scratch::take_filled(workspace, m, 0);
    let at = wanted.ascending(at);
    if !narrow::suits(at, n) {
        return false;
    }
    let (found, rest) = scratch::take_filled(rest, at.len(), T::default());
    // SAFETY: the operand's row (the contract of `Input::new`), which is contiguous.
    let row = unsafe { std::slice::from_raw_parts(input.row::<T>(axis, index), n) };
    let done = narrow::order_statistics(row, at, rest, found);
    if done {
        let place = |k: usize| at.binary_search(&k).expect("an index that is wanted");
        store(output, axis, index, |i| found[place(wanted.get(i))]);
    }
    done
}

fn in_copies<T: Ordered>(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    let (input, output, axis) = (&call.inputs[0], &call.outputs[0], call.params.axis);
    let (m, step) = (output.shape()[axis], input.strides()[axis]);
    each_row::<T>(call, rows, workspace, |index, row, rest| {
        let wanted = Wanted::new(&call.inputs[1], axis, index, row.len());
        let at = wanted.ascending(scratch::take_filled(rest, m, 0).0);
        let first = input.row::<T>(axis, index);
        // SAFETY: within the operand's row (the contract of `Input::new`).
        arrange(row, at, |i| unsafe { *first.offset(i as isize * step) });
        store(output, axis, index, |i| row[wanted.get(i)]);
    })
}

fn indices<T: Ordered>(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    let (output, axis) = (&call.outputs[0], call.params.axis);
    let m = output.shape()[axis];
    each_row::<T>(call, rows, workspace, |index, row, rest| {
        let wanted = Wanted::new(&call.inputs[1], axis, index, row.len());
        let (at, rest) = scratch::take_filled(rest, m, 0);
        let at = wanted.ascending(at);
        let (pairs, _) = pairs::<T>(rest, row.len(), false, |i| row[i]);
        // No two are equal: the selection is that of a stable sort.
        select(pairs, 0, at, &T::Pair::cmp);
        store(output, axis, index, |i| pairs[wanted.get(i)].index() as i64);
    })
}

pub(crate) fn run_order_statistics(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    with_any!(call.inputs[0].dtype(), values(call, rows, workspace))
}

pub(crate) fn run_arg_order_statistics(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    with_any!(call.inputs[0].dtype(), indices(call, rows, workspace))
}
