//! Searching sorted arrays, and distinct elements.

use crate::dtype::{DType, with_any};
use crate::error::LibraryError;
use crate::operand::{Input, Output};
use crate::rank::{Ordered, Pair};
use crate::scratch;
use crate::sort::sorted_pairs;
use crate::table::{Call, Needs, Problem};
use std::ops::Range;

pub(crate) fn search_sorted(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let [n] = p.shapes[0] else { return Err(LibraryError::invalid("object too deep for desired array")) };
    Ok(Needs {
        outputs: vec![(DType::I64, p.shapes[1].to_vec())],
        rows: p.shapes[1].iter().product(),
        scratch: Box::new(|_| 0),
        work: 10.0 + 5.0 * (*n.max(&2) as f64).log2(),
        unit: 1,
        shares: false,
        hidden: Box::new(|_| 0),
    })
}

pub(crate) fn run_search_sorted(
    call: &Call<'_>,
    rows: Range<usize>,
    _: &mut [u8],
) -> Result<(), LibraryError> {
    with_any!(call.inputs[0].dtype(), search_typed(call, rows));
    Ok(())
}

fn search_typed<T: Ordered>(call: &Call<'_>, rows: Range<usize>) {
    let (sorted, values, output) = (&call.inputs[0], &call.inputs[1], &call.outputs[0]);
    let (n, step) = (sorted.shape()[0], sorted.strides()[0]);
    // SAFETY: within the operand (the contract of `Input::new`).
    let rank = |i: usize| unsafe { *sorted.pointer::<T>().offset(i as isize * step) }.rank();
    for index in rows {
        // SAFETY: as above.
        let value = unsafe { *values.item::<T>(0, values.shape(), index) }.rank();
        let (mut low, mut high) = (0, n);
        while low < high {
            let middle = low + (high - low) / 2;
            let before = if call.params.right { rank(middle) <= value } else { rank(middle) < value };
            if before { low = middle + 1 } else { high = middle }
        }
        // SAFETY: within the output (the contract of `Output::new`).
        unsafe { output.item::<i64>(0, index).write(low as i64) };
    }
}

fn unique_bytes<T: Ordered>(n: usize) -> usize {
    scratch::bytes::<T::Pair>(n)
}

pub(crate) fn unique(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let n: usize = p.shapes[0].iter().product();
    let i64s = (DType::I64, vec![n]);
    let bytes = with_any!(p.dtype, unique_bytes(n));
    Ok(Needs {
        outputs: vec![(p.dtype, vec![n]), i64s.clone(), i64s.clone(), i64s, (DType::I64, vec![])],
        rows: 1,
        scratch: Box::new(move |_| bytes),
        work: n as f64 * (n.max(2) as f64).log2() * 4.0,
        unit: 1,
        shares: false,
        hidden: Box::new(|_| 0),
    })
}

pub(crate) fn run_unique(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    if rows.is_empty() {
        return Ok(());
    }
    with_any!(call.inputs[0].dtype(), unique_typed(&call.inputs[0], call.outputs, workspace))
}

fn unique_typed<T: Ordered>(
    input: &Input<'_>,
    outputs: &[Output<'_>],
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    let n: usize = input.shape().iter().product();
    // SAFETY: within the operand (the contract of `Input::new`).
    let at = |i: usize| unsafe { *input.item::<T>(0, input.shape(), i) };
    let (pairs, _) = sorted_pairs::<T>(workspace, n, at)?;
    let values = outputs[0].pointer::<T>();
    let [index, inverse, counts, size] = [1, 2, 3, 4].map(|k| outputs[k].pointer::<i64>());
    let mut found = 0;
    for (k, pair) in pairs.iter().enumerate() {
        // SAFETY: `found` stays below `n`, and positions are below `n` (the contract of `Output::new`).
        unsafe {
            let same = |last: T::Pair| {
                pair.same_rank(last) || (at(pair.index()).has_nan() && at(last.index()).has_nan())
            };
            if k == 0 || !same(pairs[k - 1]) {
                // Sorting is stable: this is the first occurrence.
                values.add(found).write(at(pair.index()));
                index.add(found).write(pair.index() as i64);
                counts.add(found).write(0);
                found += 1;
            }
            *counts.add(found - 1) += 1;
            inverse.add(pair.index()).write(found as i64 - 1);
        }
    }
    // The tails are defined, so that buffers never hold what was there before.
    for k in found..n {
        // SAFETY: as above.
        unsafe {
            values.add(k).write(T::default());
            index.add(k).write(0);
            counts.add(k).write(0);
        }
    }
    // SAFETY: one element.
    unsafe { size.write(found as i64) };
    Ok(())
}
