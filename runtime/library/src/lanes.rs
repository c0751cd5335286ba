//! Rows along an axis: some at a time are gathered into contiguous memory, worked on, and written back.
//!
//! Neighbouring rows along an axis other than the last are neighbours in memory, so that gathering several at once uses
//! whole cache lines. Rows along the last axis of an output are contiguous already and need no copy there.

use crate::dtype::Element;
use crate::operand::{Input, Output};
use crate::scratch;
use std::ops::Range;

/// Rows taken at a time, for an output of this shape.
pub(crate) fn lanes(shape: &[usize], axis: usize) -> usize {
    let inner: usize = shape[axis + 1..].iter().product();
    if inner <= 1 { 1 } else { (1 << 15 >> shape[axis].max(1).ilog2()).clamp(4, 16).min(inner) }
}

/// The most rows taken at a time for an output of this shape or, if it is not `exact`, of any sizes up to it.
pub(crate) fn most_lanes(shape: &[usize], axis: usize, exact: bool) -> usize {
    let inner: usize = shape[axis + 1..].iter().product();
    if exact { lanes(shape, axis) } else { inner.clamp(1, 16) }
}

/// Bytes of the contiguous copy of an output's rows: none along the last axis.
pub(crate) fn output_bytes(shape: &[usize], axis: usize, element: usize, exact: bool) -> usize {
    match most_lanes(shape, axis, exact) {
        1 => 0,
        lanes => lanes * shape[axis] * element + scratch::bytes::<u8>(0),
    }
}

/// The memory in which a block's output rows are computed: the output itself, or workspace.
pub(crate) fn stage<'w, T: Element + Default>(
    output: &Output<'_>,
    axis: usize,
    block: &Range<usize>,
    workspace: &'w mut [u8],
) -> (&'w mut [T], &'w mut [u8]) {
    let n = output.shape()[axis];
    if lanes(output.shape(), axis) > 1 {
        return scratch::take_filled(workspace, block.len() * n, T::default());
    }
    let memory =
        if n == 0 { std::ptr::NonNull::dangling().as_ptr() } else { output.row::<T>(axis, block.start).0 };
    // SAFETY: rows along the last axis are contiguous, writable (the contract of `Output::new`), and handed out to one
    // thread; they hold numbers once this is done.
    let rows = unsafe {
        std::ptr::write_bytes(memory, 0, block.len() * n);
        std::slice::from_raw_parts_mut(memory, block.len() * n)
    };
    (rows, workspace)
}

/// Writes a block's rows back, unless they were computed in place.
pub(crate) fn emit<T: Element>(output: &Output<'_>, axis: usize, block: &Range<usize>, rows: &[T]) {
    let n = output.shape()[axis];
    if lanes(output.shape(), axis) == 1 || n == 0 {
        return;
    }
    for (lane, index) in block.clone().enumerate() {
        let (first, step) = output.row::<T>(axis, index);
        for (i, x) in rows[lane * n..][..n].iter().enumerate() {
            // SAFETY: within the output's row.
            unsafe { first.add(i * step).write(*x) };
        }
    }
}

/// Copies the first `width` elements of an operand's rows; rows of `rows` that are longer keep their tails.
pub(crate) fn load<T: Element>(
    input: &Input<'_>,
    axis: usize,
    block: &Range<usize>,
    rows: &mut [T],
    width: usize,
) {
    let have = input.shape()[axis].min(width);
    let step = input.strides()[axis];
    let mut sources = [std::ptr::null(); 16];
    for (source, index) in sources.iter_mut().zip(block.clone()) {
        *source = input.row::<T>(axis, index);
    }
    let sources = &sources[..block.len()];
    // Lanes innermost: they are neighbours in memory.
    for i in 0..have {
        for (lane, source) in sources.iter().enumerate() {
            // SAFETY: `i` is within the operand's row (the contract of `Input::new`).
            rows[lane * width + i] = unsafe { *source.offset(i as isize * step) };
        }
    }
}

/// Calls `f` with blocks of at most `lanes` rows.
pub(crate) fn blocks(rows: Range<usize>, lanes: usize, mut f: impl FnMut(Range<usize>)) {
    let mut first = rows.start;
    while first < rows.end {
        let end = (first + lanes).min(rows.end);
        f(first..end);
        first = end;
    }
}
