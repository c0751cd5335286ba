//! One matrix product: faer's for floats, shared out in blocks; plain loops for integers and bools, for which no library
//! has a routine.
//!
//! The blocks depend on the shape only, and each element of the result is summed by one call: the number of threads has
//! no part in the result.

use crate::number::Number;
use crate::packing::Packed;
use crate::scratch;
use crate::workers::{Shared, Team};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par, traits::ComplexField};
use std::ops::Range;

/// What becomes of a product: `alpha (a b) + beta d`.
#[derive(Clone, Copy)]
pub(crate) struct Epilogue<T> {
    pub(crate) alpha: T,
    pub(crate) beta: T,
    pub(crate) d: *const T,
    /// 0 along axes that `d` does not have.
    pub(crate) strides: (isize, isize),
    /// `d` is the result's memory: the product is computed elsewhere, tile by tile.
    pub(crate) over: bool,
}

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
    pub(crate) then: Option<Epilogue<T>>,
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

impl<T: Number> Product<T> {
    /// Applies the epilogue to a tile, while it is in the caches.
    pub(crate) fn finish(&self, (rows, columns): Tile) {
        let Some(e) = self.then else { return };
        for i in rows {
            // SAFETY: a row of this tile, which no other task writes.
            let c = unsafe {
                std::slice::from_raw_parts_mut(self.c.add(i * self.n + columns.start), columns.len())
            };
            let d = e.d.wrapping_offset(i as isize * e.strides.0 + columns.start as isize * e.strides.1);
            let one = |c: &mut T, d: T| *c = e.alpha.times(*c).plus(e.beta.times(d));
            if e.strides.1 == 1 {
                // SAFETY: a part of a row of `d`.
                let d = unsafe { std::slice::from_raw_parts(d, c.len()) };
                c.iter_mut().zip(d).for_each(|(c, d)| one(c, *d));
            } else {
                for (j, c) in c.iter_mut().enumerate() {
                    // SAFETY: within `d`.
                    one(c, unsafe { *d.offset(j as isize * e.strides.1) });
                }
            }
        }
    }

    /// Applies the epilogue to a tile of a product that is computed `over` what is added. The product is at `tile`, with
    /// (row, column) strides.
    pub(crate) fn finish_over(&self, (rows, columns): Tile, tile: *const T, strides: (isize, isize)) {
        let Some(e) = self.then else { return };
        for (i, row) in rows.enumerate() {
            // SAFETY: a row of this tile, which no other task writes.
            let c = unsafe {
                std::slice::from_raw_parts_mut(self.c.add(row * self.n + columns.start), columns.len())
            };
            let x = tile.wrapping_offset(i as isize * strides.0);
            let one = |c: &mut T, x: T| *c = e.alpha.times(x).plus(e.beta.times(*c));
            if strides.1 == 1 {
                // SAFETY: a row of the product.
                let x = unsafe { std::slice::from_raw_parts(x, c.len()) };
                c.iter_mut().zip(x).for_each(|(c, x)| one(c, *x));
            } else {
                for (j, c) in c.iter_mut().enumerate() {
                    // SAFETY: within the product.
                    one(c, unsafe { *x.offset(j as isize * strides.1) });
                }
            }
        }
    }

    /// The product of a tile alone, to be written to `c`.
    fn part(&self, (rows, columns): &Tile, c: *mut T) -> Product<T> {
        Product {
            m: rows.len(),
            n: columns.len(),
            a: self.a.wrapping_offset(rows.start as isize * self.a_strides.0),
            b: self.b.wrapping_offset(columns.start as isize * self.b_strides.1),
            c,
            then: None,
            ..*self
        }
    }

    /// Whether the product is that of a matrix with its transpose, in the same memory: `x^T x` or `x x^T`.
    pub(crate) fn is_gram(&self) -> bool {
        self.a == self.b && self.m == self.n && self.a_strides == (self.b_strides.1, self.b_strides.0)
    }

    /// Writes a tile on or below the diagonal of a symmetric product to its place above, too.
    pub(crate) fn mirror(&self, (rows, columns): Tile) {
        // By blocks: one of the two sides is read or written across rows.
        const BLOCK: usize = 16;
        for i0 in rows.clone().step_by(BLOCK) {
            for j0 in columns.clone().step_by(BLOCK) {
                for i in i0..(i0 + BLOCK).min(rows.end) {
                    for j in j0..(j0 + BLOCK).min(columns.end).min(i) {
                        // SAFETY: within the result; tile and mirror image belong to one task.
                        unsafe { self.c.add(j * self.n + i).write(*self.c.add(i * self.n + j)) };
                    }
                }
            }
        }
    }
}

/// Some rows and columns of a product.
pub(crate) type Tile = (Range<usize>, Range<usize>);

/// Computes a tile by faer.
pub(crate) fn faer_tile<T: Number + ComplexField>(p: &Product<T>, (rows, columns): Tile) {
    let one = T::one_impl();
    // SAFETY: the parts lie within the operands and the result, and no other task writes this tile.
    unsafe {
        let a = p.a.wrapping_offset(rows.start as isize * p.a_strides.0);
        let b = p.b.wrapping_offset(columns.start as isize * p.b_strides.1);
        let c = p.c.add(rows.start * p.n + columns.start);
        let a = MatRef::from_raw_parts(a, rows.len(), p.k, p.a_strides.0, p.a_strides.1);
        let b = MatRef::from_raw_parts(b, p.k, columns.len(), p.b_strides.0, p.b_strides.1);
        let c = MatMut::from_raw_parts_mut(c, rows.len(), columns.len(), p.n as isize, 1);
        matmul(c, Accum::Replace, a, b, one, Par::Seq);
    }
}

/// Depth over which a tile of plain loops stays in the caches.
const DEPTH: usize = 128;

/// Computes a tile by loops over rows of `b`, which the compiler vectorizes; wrap-around and `or` have no order.
pub(crate) fn plain_tile<T: Number>(p: &Product<T>, (rows, columns): Tile) {
    for i in rows.clone() {
        // SAFETY: a row of this tile, which no other task writes.
        unsafe { std::slice::from_raw_parts_mut(p.c.add(i * p.n + columns.start), columns.len()) }
            .fill(T::ZERO);
    }
    for first in (0..p.k).step_by(DEPTH) {
        for i in rows.clone() {
            // SAFETY: as above.
            let c =
                unsafe { std::slice::from_raw_parts_mut(p.c.add(i * p.n + columns.start), columns.len()) };
            for s in first..(first + DEPTH).min(p.k) {
                // SAFETY: `i < m`, `s < k`.
                let a = unsafe { p.a(i, s) };
                let b =
                    p.b.wrapping_offset(s as isize * p.b_strides.0 + columns.start as isize * p.b_strides.1);
                if p.b_strides.1 == 1 {
                    // SAFETY: a part of a row of `b`.
                    let b = unsafe { std::slice::from_raw_parts(b, c.len()) };
                    c.iter_mut().zip(b).for_each(|(c, b)| *c = T::multiply_add::<false>(a, *b, *c));
                } else {
                    for (j, c) in c.iter_mut().enumerate() {
                        // SAFETY: within `b`.
                        let b = unsafe { *b.offset(j as isize * p.b_strides.1) };
                        *c = T::multiply_add::<false>(a, b, *c);
                    }
                }
            }
        }
    }
}

/// Rows and columns of a tile: about 64 tiles of a large product, none so small that packing its operands takes longer
/// than a tenth of the product.
fn tile_size(m: usize, n: usize) -> usize {
    (((m as f64 * n as f64).sqrt() / 8.0) as usize).clamp(96, 512).next_multiple_of(16)
}

/// Bytes that a product allocates beside its operands on so many workers: each packs for a tile at a time.
///
/// If it is not `exact`, no smaller product needs more: of one with fewer tiles they may be larger.
pub(crate) fn hidden<T: Number>((m, k, n): (usize, usize, usize), exact: bool, workers: usize) -> usize {
    if !T::BY_FAER {
        return 0;
    }
    let size = tile_size(m, n);
    let tile = Packed { long: n.min(size), wide: m.min(size), depth: k };
    if exact {
        tile.bytes(size_of::<T>()) * workers.min(m.div_ceil(size) * n.div_ceil(size))
    } else {
        tile.bytes(size_of::<T>()) * workers
    }
}

/// Bytes of workspace of a worker for a product `over` what is added: a tile of it.
pub(crate) fn tile_bytes<T>(m: usize, n: usize) -> usize {
    let size = tile_size(m, n);
    scratch::bytes::<T>(m.min(size) * n.min(size)).next_multiple_of(64)
}

/// Calls `f(tile, worker)` for each tile to compute: of a product that is symmetric those on and below the diagonal, as
/// BLAS' `syrk` does.
fn each_tile<T: Number>(p: &Product<T>, team: Team<'_>, f: impl Fn(Tile, usize) + Sync) {
    let size = tile_size(p.m, p.n);
    let (down, across) = (p.m.div_ceil(size), p.n.div_ceil(size));
    let part = |k: usize, end: usize| k * size..((k + 1) * size).min(end);
    if p.is_gram() {
        team.run(down * (down + 1) / 2, |task, worker| {
            // Row `i` of tiles has `i + 1` of them.
            let i = (((8 * task + 1) as f64).sqrt() as usize).saturating_sub(1) / 2;
            let i = (i..=i + 1).rev().find(|i| i * (i + 1) / 2 <= task).unwrap_or(0);
            let j = task - i * (i + 1) / 2;
            f((part(i, p.m), part(j, p.n)), worker);
        });
        return;
    }
    team.run(down * across, |task, worker| f((part(task / across, p.m), part(task % across, p.n)), worker));
}

/// Computes the product. `m`, `k` and `n` must not be 0. If it is `over` what is added, the workspace has [`tile_bytes`] for
/// each worker of the team.
pub(crate) fn multiply<T: Number>(p: &Product<T>, team: Team<'_>, workspace: &mut [u8]) {
    let gram = p.is_gram();
    // The image of a tile of a symmetric product on the other side of the diagonal, where all of it is written.
    let image = |(rows, columns): &Tile| (gram && rows != columns).then(|| (columns.clone(), rows.clone()));
    if p.then.is_none_or(|e| !e.over) {
        return each_tile(p, team, |tile, _| {
            T::tile(p, tile.clone());
            if gram {
                p.mirror(tile.clone());
            }
            image(&tile).into_iter().chain([tile]).for_each(|tile| p.finish(tile));
        });
    }
    let each = tile_bytes::<T>(p.m, p.n);
    debug_assert!(workspace.len() >= each * team.count);
    let area = Shared::new(workspace.as_mut_ptr());
    each_tile(p, team, |tile, worker| {
        // SAFETY: each worker has a piece of its own.
        let mine = unsafe { std::slice::from_raw_parts_mut(area.get().add(worker * each), each) };
        let (own, _) = scratch::take::<T>(mine, tile.0.len() * tile.1.len());
        let own = own.as_mut_ptr().cast::<T>();
        let part = p.part(&tile, own);
        T::tile(&part, (0..part.m, 0..part.n));
        if part.is_gram() {
            part.mirror((0..part.m, 0..part.n));
        }
        let row = part.n as isize;
        if let Some(image) = image(&tile) {
            p.finish_over(image, own, (1, row));
        }
        p.finish_over(tile, own, (row, 1));
    });
}
