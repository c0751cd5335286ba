//! One matrix product: blocks of both operands are packed into the workspace, then tiles of `c` are computed from them.
//!
//! The blocking of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008): a block of `a`
//! stays in the second cache, a sliver of `b` in the first. Workers share the packing, then the tiles. Which worker does
//! what has no part in the result: each element is summed in the order of depth.

use crate::kernel::{Kernel, MOST};
use crate::number::Number;
use crate::scratch;
use crate::workers::{Shared, Team};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Depth of a block: a sliver of `b` (32 KiB with the widest vectors) fits the first cache.
const DEPTH: usize = 256;
/// Rows of a block of `a`, about.
const ROWS: usize = 1024;
/// Bytes of a block of `b`.
const B_BYTES: usize = 4 << 20;
/// Slivers of `a` and of `b` in the tiles that a worker takes at a time.
const TILE: (usize, usize) = (8, 16);
/// Slivers that a worker packs at a time.
const PACK: usize = 8;

/// `c (m, n) = a (m, k) b (k, n)` with (row, column) strides; `c` is C-ordered.
#[derive(Clone, Copy)]
pub(crate) struct Product<T> {
    pub(crate) m: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
    pub(crate) a: *const T,
    pub(crate) a_strides: (isize, isize),
    pub(crate) b: *const T,
    pub(crate) b_strides: (isize, isize),
    pub(crate) c: *mut T,
}

// SAFETY: the pointers are into operands, which are shareable; workers write disjoint elements of `c`.
unsafe impl<T> Send for Product<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Product<T> {}

impl<T: Number> Product<T> {
    /// # Safety
    /// `i < m`, `p < k`.
    #[inline(always)]
    pub(crate) unsafe fn a(&self, i: usize, p: usize) -> T {
        // SAFETY: within the operand.
        unsafe { *self.a.offset(i as isize * self.a_strides.0 + p as isize * self.a_strides.1) }
    }

    /// # Safety
    /// `p < k`, `j < n`.
    #[inline(always)]
    pub(crate) unsafe fn b(&self, p: usize, j: usize) -> T {
        // SAFETY: within the operand.
        unsafe { *self.b.offset(p as isize * self.b_strides.0 + j as isize * self.b_strides.1) }
    }
}

/// Sizes of the blocks of a product.
#[derive(Clone, Copy)]
struct Blocks {
    depth: usize,
    rows: usize,
    columns: usize,
}

impl Blocks {
    fn new<T>(kernel: &Kernel<T>, m: usize, k: usize, n: usize) -> Blocks {
        let columns = B_BYTES / (DEPTH * size_of::<T>());
        Blocks {
            depth: k.min(DEPTH),
            rows: (ROWS / kernel.mr * kernel.mr).min(m.min(ROWS).next_multiple_of(kernel.mr)),
            columns: (columns / kernel.nr * kernel.nr).min(n.min(columns).next_multiple_of(kernel.nr)),
        }
    }
}

/// Bytes of workspace of a product.
pub(crate) fn workspace<T: Number>(m: usize, k: usize, n: usize) -> usize {
    let b = Blocks::new(&T::kernel(), m, k, n);
    scratch::bytes::<T>(b.rows * b.depth) + scratch::bytes::<T>(b.columns * b.depth)
}

fn pieces(size: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..size).step_by(step.max(1)).map(move |first| first..(first + step).min(size))
}

/// Packs rows of `a` (`rows` within `m`, at most `mr`) over a range of depth; missing rows are zeros.
fn pack_a<T: Number>(p: &Product<T>, rows: Range<usize>, depth: Range<usize>, mr: usize, to: *mut T) {
    let (rs, cs) = p.a_strides;
    let first = p.a.wrapping_offset(rows.start as isize * rs + depth.start as isize * cs);
    let (count, steps) = (rows.len(), depth.len());
    // SAFETY: `first` and what is read lie within the operand; `to` has room for `mr` rows of `steps`.
    unsafe {
        if count < mr {
            for s in 0..steps {
                for i in count..mr {
                    to.add(s * mr + i).write(T::ZERO);
                }
            }
        }
        if rs == 1 {
            for s in 0..steps {
                let from = first.offset(s as isize * cs);
                std::ptr::copy_nonoverlapping(from, to.add(s * mr), count);
            }
        } else {
            // Some steps of all rows at a time: reads of a row are neighbours, and so are writes of a step.
            for some in pieces(steps, 8) {
                for i in 0..count {
                    let from = first.offset(i as isize * rs);
                    for s in some.clone() {
                        to.add(s * mr + i).write(*from.offset(s as isize * cs));
                    }
                }
            }
        }
    }
}

/// Packs columns of `b` (`columns` within `n`, at most `nr`) over a range of depth; missing columns are zeros.
fn pack_b<T: Number>(p: &Product<T>, columns: Range<usize>, depth: Range<usize>, nr: usize, to: *mut T) {
    let (rs, cs) = p.b_strides;
    let first = p.b.wrapping_offset(depth.start as isize * rs + columns.start as isize * cs);
    let (count, steps) = (columns.len(), depth.len());
    // SAFETY: as for `pack_a`.
    unsafe {
        if count < nr {
            for s in 0..steps {
                for j in count..nr {
                    T::pack(to.add(s * nr), nr, j, T::ZERO);
                }
            }
        }
        if cs == 1 && T::PLAIN {
            for s in 0..steps {
                let from = first.offset(s as isize * rs);
                std::ptr::copy_nonoverlapping(from, to.add(s * nr), count);
            }
        } else {
            for some in pieces(steps, 8) {
                for j in 0..count {
                    let from = first.offset(j as isize * cs);
                    for s in some.clone() {
                        T::pack(to.add(s * nr), nr, j, *from.offset(s as isize * rs));
                    }
                }
            }
        }
    }
}

/// Where a step of the blocks is.
struct Step {
    rows: Range<usize>,
    columns: Range<usize>,
    depth: Range<usize>,
}

/// Computes the tile of `c` of some slivers.
fn tiles<T: Number>(
    p: &Product<T>,
    kernel: &Kernel<T>,
    at: &Step,
    (rows, columns): (Range<usize>, Range<usize>),
    (packed_a, packed_b): (*const T, *const T),
) {
    let (mr, nr, steps) = (kernel.mr, kernel.nr, at.depth.len());
    let add = at.depth.start > 0;
    for j in columns {
        let column = at.columns.start + j * nr;
        let width = nr.min(at.columns.end - column);
        for i in rows.clone() {
            let row = at.rows.start + i * mr;
            let height = mr.min(at.rows.end - row);
            // SAFETY: the slivers are packed; the tile is within `c`, or in memory of its own that is large enough.
            unsafe {
                let (a, b) = (packed_a.add(i * mr * steps), packed_b.add(j * nr * steps));
                let c = p.c.add(row * p.n + column);
                if height == mr && width == nr {
                    (kernel.tile)(steps, a, b, c, p.n, add);
                } else {
                    let mut whole = [MaybeUninit::<T>::uninit(); MOST];
                    let whole = whole.as_mut_ptr().cast::<T>();
                    (kernel.tile)(steps, a, b, whole, nr, false);
                    for y in 0..height {
                        for x in 0..width {
                            let (to, value) = (c.add(y * p.n + x), *whole.add(y * nr + x));
                            to.write(if add { (*to).plus(value) } else { value });
                        }
                    }
                }
            }
        }
    }
}

/// Computes the product. `m`, `k` and `n` must not be 0.
pub(crate) fn multiply<T: Number>(p: &Product<T>, team: Team<'_>, workspace: &mut [u8]) {
    let kernel = T::kernel();
    debug_assert!(kernel.mr * kernel.nr <= MOST);
    let (mr, nr) = (kernel.mr, kernel.nr);
    let blocks = Blocks::new(&kernel, p.m, p.k, p.n);
    let (packed_a, rest) = scratch::take::<T>(workspace, blocks.rows * blocks.depth);
    let (packed_b, _) = scratch::take::<T>(rest, blocks.columns * blocks.depth);
    let packed_a = Shared::new(packed_a.as_mut_ptr().cast::<T>());
    let packed_b = Shared::new(packed_b.as_mut_ptr().cast::<T>());
    for columns in pieces(p.n, blocks.columns) {
        for depth in pieces(p.k, blocks.depth) {
            for rows in pieces(p.m, blocks.rows) {
                let at = Step { rows, columns: columns.clone(), depth: depth.clone() };
                let (down, across) = (at.rows.len().div_ceil(mr), at.columns.len().div_ceil(nr));
                // The block of `b` serves all blocks of rows.
                let (packs_a, packs_b) =
                    (down.div_ceil(PACK), if at.rows.start == 0 { across.div_ceil(PACK) } else { 0 });
                team.run(packs_a + packs_b, |task, _| {
                    if task < packs_a {
                        for i in task * PACK..((task + 1) * PACK).min(down) {
                            let row = at.rows.start + i * mr;
                            let rows = row..(row + mr).min(at.rows.end);
                            let to = packed_a.get().wrapping_add(i * mr * at.depth.len());
                            pack_a(p, rows, at.depth.clone(), mr, to);
                        }
                    } else {
                        let task = task - packs_a;
                        for j in task * PACK..((task + 1) * PACK).min(across) {
                            let column = at.columns.start + j * nr;
                            let columns = column..(column + nr).min(at.columns.end);
                            let to = packed_b.get().wrapping_add(j * nr * at.depth.len());
                            pack_b(p, columns, at.depth.clone(), nr, to);
                        }
                    }
                });
                let (tall, wide) = (down.div_ceil(TILE.0), across.div_ceil(TILE.1));
                team.run(tall * wide, |task, _| {
                    let (i, j) = (task % tall * TILE.0, task / tall * TILE.1);
                    let part = (i..(i + TILE.0).min(down), j..(j + TILE.1).min(across));
                    tiles(p, &kernel, &at, part, (packed_a.get(), packed_b.get()));
                });
            }
        }
    }
}
