//! Products of a matrix and a vector: one pass through the matrix.

use crate::features::for_features;
use crate::number::Number;
use crate::scratch;
use crate::workers::Team;
use std::ops::Range;

/// Elements of a matrix below which waking another thread costs more than it gains.
pub(crate) const PARALLEL: usize = 1 << 18;

/// Elements of a matrix that a worker takes at a time.
const BLOCK: usize = 1 << 16;

/// Rows of a block of a matrix that is read column by column, at least: pieces of columns that are worth prefetching.
const LEAST_ROWS: usize = 512;

/// Accumulators of an inner product: enough to hide the latency of additions.
const SUMS: usize = 16;

/// Rows that are read at a time: each element of the vector is loaded once for all of them.
const ROWS: usize = 4;

/// Columns that are added at a time: each element of the result is loaded and stored once for all of them.
const COLUMNS: usize = 4;

/// A matrix times a vector: `y[i] = sum_s a[i, s] x[s]`.
#[derive(Clone, Copy)]
pub(crate) struct Vector<T> {
    pub(crate) a: *const T,
    pub(crate) shape: (usize, usize),
    pub(crate) strides: (isize, isize),
    pub(crate) y: *mut T,
}

// SAFETY: as for `Product`.
unsafe impl<T> Sync for Vector<T> {}

/// Rows, if they are contiguous; else columns, each added to all rows.
///
/// Either way, a row's sum does not depend on the range.
#[inline(always)]
fn range_any<T: Number, const FMA: bool>(p: &Vector<T>, x: &[T], rows: Range<usize>) {
    let (rs, cs) = p.strides;
    // SAFETY: elements of the output, which only this call writes.
    let y = unsafe { std::slice::from_raw_parts_mut(p.y.add(rows.start), rows.len()) };
    let first = p.a.wrapping_offset(rows.start as isize * rs);
    let row = |i: usize| first.wrapping_offset(i as isize * rs);
    if cs == 1 {
        let whole = y.len() - y.len() % ROWS;
        for i in (0..whole).step_by(ROWS) {
            // SAFETY: rows of the matrix, which are contiguous.
            let sums = unsafe { inner::<T, FMA, ROWS>(std::array::from_fn(|k| row(i + k)), x) };
            y[i..i + ROWS].copy_from_slice(&sums);
        }
        for (i, y) in y.iter_mut().enumerate().skip(whole) {
            // SAFETY: as above.
            [*y] = unsafe { inner::<T, FMA, 1>([row(i)], x) };
        }
        return;
    }
    // SAFETY: a column of the matrix that is contiguous, where this is called.
    let column = |s: usize, n| unsafe { std::slice::from_raw_parts(first.offset(s as isize * cs), n) };
    y.fill(T::ZERO);
    if rs == 1 {
        let (groups, rest) = x.as_chunks::<COLUMNS>();
        for (k, x) in groups.iter().enumerate() {
            let all = std::array::from_fn(|j| column(COLUMNS * k + j, y.len()));
            add_columns::<T, FMA, COLUMNS>(all, x, y);
        }
        for (j, x) in rest.iter().enumerate() {
            add_columns::<T, FMA, 1>([column(COLUMNS * groups.len() + j, y.len())], &[*x], y);
        }
        return;
    }
    for (s, x) in x.iter().enumerate() {
        for (i, y) in y.iter_mut().enumerate() {
            // SAFETY: an element of the matrix.
            let a = unsafe { *first.offset(i as isize * rs + s as isize * cs) };
            *y = T::multiply_add::<FMA>(a, *x, *y);
        }
    }
}

#[inline(always)]
fn add_columns<T: Number, const FMA: bool, const N: usize>(columns: [&[T]; N], x: &[T; N], y: &mut [T]) {
    let columns = columns.map(|c| &c[..y.len()]);
    for (i, y) in y.iter_mut().enumerate() {
        let mut sum = *y;
        for j in 0..N {
            sum = T::multiply_add::<FMA>(columns[j][i], x[j], sum);
        }
        *y = sum;
    }
}

/// The sum of accumulators, in pairs.
///
/// A call: inlined, its pairs are what the compiler makes vectors of, and the loop that sums is left with short ones.
#[inline(never)]
fn total<T: Number>(mut sums: [T; SUMS]) -> T {
    let mut width = SUMS / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] = sums[i].plus(sums[i + width]);
        }
        width /= 2;
    }
    sums[0]
}

/// The inner products of rows with a vector, each in the same order of additions however many there are.
///
/// # Safety
/// The rows must be as long as the vector.
#[inline(always)]
unsafe fn inner<T: Number, const FMA: bool, const N: usize>(rows: [*const T; N], x: &[T]) -> [T; N] {
    let mut sums = [[T::ZERO; SUMS]; N];
    let (blocks, rest) = x.as_chunks::<SUMS>();
    for (s, x) in blocks.iter().enumerate() {
        for k in 0..N {
            // SAFETY: within the row.
            let row = unsafe { &*rows[k].add(s * SUMS).cast::<[T; SUMS]>() };
            for i in 0..SUMS {
                sums[k][i] = T::multiply_add::<FMA>(row[i], x[i], sums[k][i]);
            }
        }
    }
    let mut all = [T::ZERO; N];
    for k in 0..N {
        let mut last = T::ZERO;
        for (i, x) in rest.iter().enumerate() {
            // SAFETY: within the row.
            last = T::multiply_add::<FMA>(unsafe { *rows[k].add(blocks.len() * SUMS + i) }, *x, last);
        }
        all[k] = total(sums[k]).plus(last);
    }
    all
}

for_features!(range<T: Number>(p: &Vector<T>, x: &[T], rows: Range<usize>) -> (), FMA => range_any::<T, FMA>(p, x, rows));

/// Computes the product with the vector at `x`, whose elements are `step` apart.
///
/// # Safety
/// `x` must be readable and `p` describe a matrix and an output that no one else uses.
pub(crate) unsafe fn multiply<T: Number>(
    p: &Vector<T>,
    x: *const T,
    step: isize,
    team: Team<'_>,
    workspace: &mut [u8],
) {
    let (rows, k) = p.shape;
    let (copy, _) = scratch::take_filled(workspace, k, T::ZERO);
    for (s, to) in copy.iter_mut().enumerate() {
        // SAFETY: within the vector (the caller's promise).
        *to = unsafe { *x.offset(s as isize * step) };
    }
    let x = &*copy;
    let least = if p.strides.1 == 1 { ROWS } else { LEAST_ROWS };
    let block = (BLOCK / k.max(1)).max(least);
    team.run(rows.div_ceil(block), |task, _| range(p, x, task * block..((task + 1) * block).min(rows)));
}
