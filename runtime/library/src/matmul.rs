//! Matrix products of all element types.
//!
//! Floating-point and complex products go to the `gemm` crate (blocked and packed as in Goto and van de Geijn, "Anatomy
//! of high-performance matrix multiplication", 2008), but for small ones, where its preparations would take longer than
//! the product. Integer products have a loop of their own: 32 rows of `b` at a time, packed.

use crate::dtype::{DType, Element, with_any};
use crate::error::LibraryError;
use crate::operand::broadcast;
use crate::scratch;
use crate::table::{Call, Needs, Problem};
use gemm::Parallelism;
use num_complex::{Complex32, Complex64};
use std::ops::Range;

/// Up to this size in every direction, products stay out of `gemm`.
const SMALL: usize = 16;

/// Rows of `c` per call of `gemm`, which bounds the packing buffer of its right operand; more would gain nothing.
const CHUNK: usize = 1024;

/// Multiplications below which waking another thread costs more than it gains.
const PARALLEL: usize = 1 << 20;

/// Rows and columns of `b` that the integer product packs at a time: 64 KiB of `i64`.
const PANEL: (usize, usize) = (32, 256);

/// Arithmetic of a product.
pub(crate) trait Number: Element {
    const ZERO: Self;
    /// `c + a b`; fused if `FMA`, which callers set where the hardware has it.
    fn multiply_add<const FMA: bool>(a: Self, b: Self, c: Self) -> Self;
    fn factor(x: f64) -> Self;
    fn times(self, other: Self) -> Self;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const ZERO: $t = 0;
            #[inline(always)]
            fn multiply_add<const FMA: bool>(a: $t, b: $t, c: $t) -> $t { c.wrapping_add(a.wrapping_mul(b)) }
            fn factor(x: f64) -> $t { x as $t }
            fn times(self, other: $t) -> $t { self.wrapping_mul(other) }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Number for bool {
    const ZERO: bool = false;
    #[inline(always)]
    fn multiply_add<const FMA: bool>(a: bool, b: bool, c: bool) -> bool {
        c | (a & b)
    }
    fn factor(x: f64) -> bool {
        x != 0.0
    }
    fn times(self, other: bool) -> bool {
        self & other
    }
}

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const ZERO: $t = 0.0;
            #[inline(always)]
            fn multiply_add<const FMA: bool>(a: $t, b: $t, c: $t) -> $t {
                if FMA { a.mul_add(b, c) } else { c + a * b }
            }
            fn factor(x: f64) -> $t { x as $t }
            fn times(self, other: $t) -> $t { self * other }
        }
    )*};
}
floats!(f32, f64);

macro_rules! complexes {
    ($($t:ty, $part:ty);*) => {$(
        impl Number for $t {
            const ZERO: $t = <$t>::new(0.0, 0.0);
            #[inline(always)]
            fn multiply_add<const FMA: bool>(a: $t, b: $t, c: $t) -> $t {
                let f = <$part as Number>::multiply_add::<FMA>;
                <$t>::new(f(-a.im, b.im, f(a.re, b.re, c.re)), f(a.im, b.re, f(a.re, b.im, c.im)))
            }
            fn factor(x: f64) -> $t { <$t>::new(x as $part, 0.0) }
            fn times(self, other: $t) -> $t { self * other }
        }
    )*};
}
complexes!(Complex32, f32; Complex64, f64);

/// `(m, k) x (k, n)` with (row, column) strides; `c` is C-ordered.
#[derive(Clone, Copy)]
struct Product<T> {
    m: usize,
    k: usize,
    n: usize,
    a: *const T,
    a_strides: (isize, isize),
    b: *const T,
    b_strides: (isize, isize),
    c: *mut T,
    alpha: T,
    beta: T,
    /// Read `c`, that is, `beta` is not 0.
    accumulate: bool,
    /// The product alone: `alpha` is 1 and `beta` is 0.
    plain: bool,
}

// SAFETY: the pointers are into operands, which are shareable; threads write disjoint rows or columns of `c`.
unsafe impl<T> Send for Product<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Product<T> {}

impl<T: Number> Product<T> {
    /// # Safety
    /// `i < m`, `p < k`.
    #[inline(always)]
    unsafe fn a(&self, i: usize, p: usize) -> T {
        // SAFETY: within the operand.
        unsafe { *self.a.offset(i as isize * self.a_strides.0 + p as isize * self.a_strides.1) }
    }

    /// # Safety
    /// `p < k`, `j < n`.
    #[inline(always)]
    unsafe fn b(&self, p: usize, j: usize) -> T {
        // SAFETY: within the operand.
        unsafe { *self.b.offset(p as isize * self.b_strides.0 + j as isize * self.b_strides.1) }
    }

    /// The same product for some rows of `a` and `c`.
    fn rows(self, rows: Range<usize>) -> Product<T> {
        Product {
            m: rows.len(),
            a: self.a.wrapping_offset(rows.start as isize * self.a_strides.0),
            c: self.c.wrapping_add(rows.start * self.n),
            ..self
        }
    }

    /// Stores element `(i, j)` of the product.
    ///
    /// # Safety
    /// `i < m`, `j < n`, and `c` is initialized if it accumulates.
    #[inline(always)]
    unsafe fn store(&self, i: usize, j: usize, value: T) {
        let at = self.c.wrapping_add(i * self.n + j);
        // SAFETY: within the output.
        unsafe {
            *at = if self.plain {
                value
            } else if self.accumulate {
                T::multiply_add::<false>(value, self.alpha, (*at).times(self.beta))
            } else {
                value.times(self.alpha)
            };
        }
    }

    /// A product of at most `SMALL` in each direction: `b` in fixed rows on the stack, one row of `c` in registers.
    #[inline(always)]
    fn small<const FMA: bool, const WIDTH: usize>(&self) {
        debug_assert!(self.k <= SMALL && self.n <= WIDTH);
        let mut b = [[T::ZERO; WIDTH]; SMALL];
        for (p, row) in b.iter_mut().enumerate().take(self.k) {
            for (j, x) in row.iter_mut().enumerate().take(self.n) {
                // SAFETY: `p < k`, `j < n`.
                *x = unsafe { self.b(p, j) };
            }
        }
        for i in 0..self.m {
            let mut sums = [T::ZERO; WIDTH];
            for (p, row) in b.iter().enumerate().take(self.k) {
                // SAFETY: `i < m`, `p < k`.
                let a = unsafe { self.a(i, p) };
                for (sum, b) in sums.iter_mut().zip(row) {
                    *sum = T::multiply_add::<FMA>(a, *b, *sum);
                }
            }
            for (j, sum) in sums.iter().enumerate().take(self.n) {
                // SAFETY: `i < m`, `j < n`.
                unsafe { self.store(i, j, *sum) };
            }
        }
    }

    #[inline(always)]
    fn small_any_width<const FMA: bool>(&self) {
        match self.n {
            0..=4 => self.small::<FMA, 4>(),
            5..=8 => self.small::<FMA, 8>(),
            _ => self.small::<FMA, SMALL>(),
        }
    }

    /// The loop of integers: `c` is complete after the last panel of `b`.
    #[inline(always)]
    fn panels(&self, panel: &mut [T]) {
        let (depth, width) = PANEL;
        for first in (0..self.n).step_by(width) {
            let columns = width.min(self.n - first);
            for i in 0..self.m {
                if !self.accumulate {
                    // SAFETY: a row of the output.
                    unsafe { std::slice::from_raw_parts_mut(self.c.add(i * self.n + first), columns) }
                        .fill(T::ZERO);
                }
            }
            for top in (0..self.k).step_by(depth) {
                let count = depth.min(self.k - top);
                for p in 0..count {
                    for j in 0..columns {
                        // SAFETY: within `b`.
                        panel[p * columns + j] = unsafe { self.b(top + p, first + j) };
                    }
                }
                for i in 0..self.m {
                    // SAFETY: a row of the output, initialized above or by the caller.
                    let c =
                        unsafe { std::slice::from_raw_parts_mut(self.c.add(i * self.n + first), columns) };
                    for (p, b) in panel.chunks_exact(columns).take(count).enumerate() {
                        // SAFETY: within `a`.
                        let a = unsafe { self.a(i, top + p) };
                        for (c, b) in c.iter_mut().zip(b) {
                            *c = T::multiply_add::<false>(a, *b, *c);
                        }
                    }
                }
            }
        }
    }

    fn gemm(&self, threads: usize) {
        let parallelism = if threads > 1 && self.m * self.k * self.n >= PARALLEL {
            Parallelism::Rayon(threads)
        } else {
            Parallelism::None
        };
        for first in (0..self.m).step_by(CHUNK) {
            let part = self.rows(first..(first + CHUNK).min(self.m));
            let (a, b) = (part.a_strides, part.b_strides);
            // SAFETY: operands and output are as their constructors promise; `T` is one of gemm's four types. gemm's
            // `alpha` is our `beta`.
            unsafe {
                gemm::gemm(
                    part.m,
                    part.n,
                    part.k,
                    part.c,
                    1,
                    part.n as isize,
                    part.accumulate,
                    part.a,
                    a.1,
                    a.0,
                    part.b,
                    b.1,
                    b.0,
                    part.beta,
                    part.alpha,
                    false,
                    false,
                    false,
                    parallelism,
                );
            }
        }
    }
}

/// The versions of a loop for the machine at hand: the compiler vectorizes for the features that a function names.
macro_rules! for_features {
    ($name:ident<T>($($arg:ident: $t:ty),*), $fma:ident => $body:expr) => {
        fn $name<T: Number>($($arg: $t),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide<T: Number>($($arg: $t),*) {
                    const $fma: bool = true;
                    $body
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the processor has these features.
                    return unsafe { wide::<T>($($arg),*) };
                }
            }
            const $fma: bool = cfg!(target_arch = "aarch64");
            $body
        }
    };
}

for_features!(small<T>(p: &Product<T>), FMA => p.small_any_width::<FMA>());
for_features!(panels<T>(p: &Product<T>, panel: &mut [T]), _FMA => p.panels(panel));

/// Splits a count in `parts` and runs them on threads, the caller's among them.
fn shared(count: usize, parts: usize, f: impl Fn(Range<usize>, usize) + Sync) {
    let cut = |i: usize| i * count / parts;
    rayon::in_place_scope(|scope| {
        for i in 1..parts {
            let f = &f;
            scope.spawn(move |_| f(cut(i)..cut(i + 1), i));
        }
        f(cut(0)..cut(1), 0);
    });
}

fn is_float<T: Element>() -> bool {
    T::DTYPE.is_inexact()
}

fn multiply<T: Number>(p: Product<T>, threads: usize, workspace: &mut [u8]) {
    if p.m == 0 || p.n == 0 {
        return;
    }
    if p.m.max(p.n).max(p.k) <= SMALL {
        return small(&p);
    }
    let work = p.m * p.k.max(1) * p.n;
    let parts = if work >= PARALLEL { threads.min(p.m) } else { 1 };
    if is_float::<T>() {
        // Products with a column are limited by memory, and gemm runs them on one thread.
        if p.n == 1 && parts > 1 {
            return shared(p.m, parts, |rows, _| p.rows(rows).gemm(1));
        }
        return p.gemm(threads);
    }
    let (panel, _) = scratch::take_filled(workspace, parts * PANEL.0 * PANEL.1, T::ZERO);
    if parts == 1 {
        return panels(&p, panel);
    }
    let panel = Shared(panel.as_mut_ptr());
    shared(p.m, parts, |rows, part| {
        let size = PANEL.0 * PANEL.1;
        // SAFETY: each part has a panel of its own.
        let mine = unsafe { std::slice::from_raw_parts_mut(panel.get().add(part * size), size) };
        panels(&p.rows(rows), mine);
    });
}

/// A pointer that parts of a job share, each using its own piece.
struct Shared<T>(*mut T);
// SAFETY: the pieces are disjoint.
unsafe impl<T> Sync for Shared<T> {}
impl<T> Shared<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

/// Shapes, and what gemm will hold.
pub(crate) fn needs(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (a, b) = (p.shapes[0], p.shapes[1]);
    let wrong = || LibraryError::invalid(format!("matmul: operands of shapes {a:?} and {b:?}"));
    let ([batch_a @ .., m, k], [batch_b @ .., k2, n]) = (a, b) else { return Err(wrong()) };
    let mut shape = broadcast(batch_a, batch_b).filter(|_| k == k2).ok_or_else(wrong)?;
    let integer = !p.dtype.is_inexact();
    let params = p.params;
    if integer && (params.alpha != 1.0 || (params.beta != 0.0 && params.beta != 1.0)) {
        return Err(LibraryError::invalid("matmul: factors of an integer product must be 1"));
    }
    let batch: usize = shape.iter().product();
    // One matrix `b` for the whole stack: the stack is one taller matrix where strides allow it, and `run` decides.
    let one = batch_b.iter().product::<usize>() == 1;
    let (rows, height) = if one { (usize::from(batch > 0), m * batch) } else { (batch, *m) };
    shape.extend([*m, *n]);
    let size = p.dtype.size();
    let work = (height * k.max(&1) * n) as f64 * if integer { 0.3 } else { 0.03 };
    let panel = PANEL.0 * PANEL.1 * size + 64;
    let hidden = if integer { 0 } else { packing_bytes(height, *k, *n, size, p.threads) };
    let scratch = Box::new(move |threads: usize| if integer { panel * threads } else { 0 });
    Ok(Needs { outputs: vec![(p.dtype, shape)], rows, scratch, work: work + 20.0, hidden })
}

/// Bytes that `gemm` may hold for an `(m, k) x (k, n)` product: packed panels of both operands, freed at its end, and a
/// buffer of the size of the second cache on each thread, which stays.
fn packing_bytes(m: usize, k: usize, n: usize, size: usize, threads: usize) -> usize {
    if m.max(n).max(k) <= SMALL {
        return 0;
    }
    // gemm's block depth: 512 on processors with large vectors, for small ones it grows with the first cache.
    let depth = k.min(if cfg!(target_arch = "x86_64") { 512 } else { 2048 });
    let left = n.min(2 * 8 * 48) + 48;
    let right = m.min(CHUNK) + 16;
    // The caller may come on top of the pool's threads.
    depth * (left + right) * size + 4096 + (threads + 1) * gemm_common::cache::CACHE_INFO[1].cache_bytes
}

pub(crate) fn run(call: &Call<'_>, rows: Range<usize>, workspace: &mut [u8]) -> Result<(), LibraryError> {
    with_any!(call.inputs[0].dtype(), run_typed(call, rows, workspace));
    Ok(())
}

fn run_typed<T: Number>(call: &Call<'_>, rows: Range<usize>, workspace: &mut [u8]) {
    let (a, b, c) = (&call.inputs[0], &call.inputs[1], &call.outputs[0]);
    let (ra, rb, rc) = (a.shape().len(), b.shape().len(), c.shape().len());
    let batch = &c.shape()[..rc - 2];
    let product = |index: usize| Product {
        m: a.shape()[ra - 2],
        k: a.shape()[ra - 1],
        n: b.shape()[rb - 1],
        a: a.item::<T>(2, batch, index),
        a_strides: (a.strides()[ra - 2], a.strides()[ra - 1]),
        b: b.item::<T>(2, batch, index),
        b_strides: (b.strides()[rb - 2], b.strides()[rb - 1]),
        c: c.item::<T>(2, index),
        alpha: T::factor(call.params.alpha),
        beta: T::factor(call.params.beta),
        accumulate: call.params.beta != 0.0,
        plain: call.params.alpha == 1.0 && call.params.beta == 0.0,
    };
    let count: usize = batch.iter().product();
    let one = b.shape()[..rb - 2].iter().product::<usize>() == 1;
    if !one {
        rows.for_each(|i| multiply(product(i), call.threads, workspace));
    } else if !rows.is_empty() {
        match tall(a.shape(), a.strides()) {
            Some(stride) if count > 1 => {
                let p = product(0);
                multiply(
                    Product { m: p.m * count, a_strides: (stride, p.a_strides.1), ..p },
                    call.threads,
                    workspace,
                );
            }
            _ => (0..count).for_each(|i| multiply(product(i), call.threads, workspace)),
        }
    }
}

/// The row stride of a stack of matrices seen as one tall matrix, if it is one.
fn tall(shape: &[usize], strides: &[isize]) -> Option<isize> {
    let rank = shape.len();
    let axes = (0..rank - 1).rev().filter(|&i| shape[i] != 1);
    let mut step = None;
    let mut next = 0;
    for i in axes {
        match step {
            None => step = Some(strides[i]),
            Some(_) if strides[i] == next => {}
            Some(_) => return None,
        }
        next = strides[i] * shape[i] as isize;
    }
    Some(step.unwrap_or(0))
}
