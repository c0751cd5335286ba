//! Matrix products of all element types, and stacks of them.
//!
//! Small products stay on the stack, products with a vector run through memory once, and the rest goes to [`gemm`].

use crate::dtype::{DType, with_any};
use crate::error::LibraryError;
use crate::gemm::{self, Epilogue, Product};
use crate::number::Number;
use crate::operand::broadcast;
use crate::scratch;
use crate::table::{Call, Needs, Problem};
use crate::workers::{Shared, Team};
use std::ops::Range;

/// Up to this size in every direction, products stay out of `gemm`: packing would take longer than the product.
const SMALL: usize = 16;

/// Multiplications below which waking another thread costs more than it gains.
const PARALLEL: usize = 1 << 20;

/// Elements of a matrix that a worker multiplies with a vector at a time.
const VECTOR_BLOCK: usize = 1 << 16;

/// Accumulators of an inner product: enough to hide the latency of additions.
const SUMS: usize = 16;

/// A product of at most `SMALL` in each direction: `b` in fixed rows on the stack, one row of `c` in registers.
#[inline(always)]
fn small_of_width<T: Number, const FMA: bool, const WIDTH: usize>(p: &Product<T>) {
    debug_assert!(p.k <= SMALL && p.n <= WIDTH);
    let mut b = [[T::ZERO; WIDTH]; SMALL];
    for (s, row) in b.iter_mut().enumerate().take(p.k) {
        for (j, x) in row.iter_mut().enumerate().take(p.n) {
            // SAFETY: `s < k`, `j < n`.
            *x = unsafe { p.b(s, j) };
        }
    }
    for i in 0..p.m {
        let mut sums = [T::ZERO; WIDTH];
        for (s, row) in b.iter().enumerate().take(p.k) {
            // SAFETY: `i < m`, `s < k`.
            let a = unsafe { p.a(i, s) };
            for (sum, b) in sums.iter_mut().zip(row) {
                *sum = T::multiply_add::<FMA>(a, *b, *sum);
            }
        }
        for (j, sum) in sums.iter().enumerate().take(p.n) {
            // SAFETY: within the output.
            unsafe { p.c.add(i * p.n + j).write(*sum) };
        }
    }
}

#[inline(always)]
fn small_any_width<T: Number, const FMA: bool>(p: &Product<T>) {
    match p.n {
        0..=4 => small_of_width::<T, FMA, 4>(p),
        5..=8 => small_of_width::<T, FMA, 8>(p),
        _ => small_of_width::<T, FMA, SMALL>(p),
    }
}

/// A matrix times a vector: `y[i] = sum_s a[i, s] x[s]` for a range of rows, where `x` is contiguous.
#[derive(Clone, Copy)]
struct Vector<T> {
    a: *const T,
    strides: (isize, isize),
    y: *mut T,
}

// SAFETY: as for `Product`.
unsafe impl<T> Sync for Vector<T> {}

/// Rows one by one, if they are contiguous; else columns, each added to all rows.
///
/// Either way, a row's sum does not depend on the range.
#[inline(always)]
fn vector_any<T: Number, const FMA: bool>(p: &Vector<T>, x: &[T], rows: Range<usize>) {
    let (rs, cs) = p.strides;
    if cs == 1 {
        for i in rows {
            // SAFETY: a row of the matrix, and an element of the output.
            unsafe {
                let row = std::slice::from_raw_parts(p.a.offset(i as isize * rs), x.len());
                p.y.add(i).write(inner::<T, FMA>(row, x));
            }
        }
        return;
    }
    // SAFETY: elements of the output, which only this call writes.
    let y = unsafe { std::slice::from_raw_parts_mut(p.y.add(rows.start), rows.len()) };
    y.fill(T::ZERO);
    for (s, x) in x.iter().enumerate() {
        let column = p.a.wrapping_offset(rows.start as isize * rs + s as isize * cs);
        // SAFETY: a column of the matrix.
        unsafe {
            if rs == 1 {
                let column = std::slice::from_raw_parts(column, y.len());
                for (y, a) in y.iter_mut().zip(column) {
                    *y = T::multiply_add::<FMA>(*a, *x, *y);
                }
            } else {
                for (i, y) in y.iter_mut().enumerate() {
                    *y = T::multiply_add::<FMA>(*column.offset(i as isize * rs), *x, *y);
                }
            }
        }
    }
}

#[inline(always)]
fn inner<T: Number, const FMA: bool>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::ZERO; SUMS];
    let (blocks_a, blocks_b) = (a.chunks_exact(SUMS), b.chunks_exact(SUMS));
    let rest = blocks_a.remainder().iter().zip(blocks_b.remainder());
    let rest = rest.fold(T::ZERO, |sum, (a, b)| T::multiply_add::<FMA>(*a, *b, sum));
    for (a, b) in blocks_a.zip(blocks_b) {
        for i in 0..SUMS {
            sums[i] = T::multiply_add::<FMA>(a[i], b[i], sums[i]);
        }
    }
    let mut width = SUMS / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] = sums[i].plus(sums[i + width]);
        }
        width /= 2;
    }
    sums[0].plus(rest)
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

for_features!(small<T>(p: &Product<T>), FMA => small_any_width::<T, FMA>(p));
for_features!(vector<T>(p: &Vector<T>, x: &[T], rows: Range<usize>), FMA => vector_any::<T, FMA>(p, x, rows));

/// What a product is computed by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Nothing,
    Small,
    Vector,
    Blocks,
}

impl Way {
    fn new(m: usize, k: usize, n: usize) -> Way {
        match () {
            () if m == 0 || n == 0 => Way::Nothing,
            () if m.max(n).max(k) <= SMALL || k == 0 => Way::Small,
            () if m == 1 || n == 1 => Way::Vector,
            () => Way::Blocks,
        }
    }

    fn workspace<T: Number>(self, k: usize) -> usize {
        match self {
            Way::Nothing | Way::Small | Way::Blocks => 0,
            Way::Vector => scratch::bytes::<T>(k),
        }
    }
}

fn multiply<T: Number>(p: &Product<T>, team: Team<'_>, workspace: &mut [u8]) {
    let way = Way::new(p.m, p.k, p.n);
    let team = if p.m * p.k * p.n < PARALLEL { Team::ALONE } else { team };
    match way {
        Way::Nothing => {}
        // SAFETY: the whole output.
        Way::Small if p.k == 0 => unsafe { std::slice::from_raw_parts_mut(p.c, p.m * p.n) }.fill(T::ZERO),
        Way::Small => {
            small(p);
            if p.is_gram() {
                p.mirror((0..p.m, 0..p.n));
            }
        }
        Way::Vector => {
            // A row times a matrix is the transposed matrix times a column.
            let (rows, a, strides, x, step) = if p.n == 1 {
                (p.m, p.a, p.a_strides, p.b, p.b_strides.0)
            } else {
                (p.n, p.b, (p.b_strides.1, p.b_strides.0), p.a, p.a_strides.1)
            };
            let (copy, _) = scratch::take_filled(workspace, p.k, T::ZERO);
            for (s, to) in copy.iter_mut().enumerate() {
                // SAFETY: within the operand.
                *to = unsafe { *x.offset(s as isize * step) };
            }
            let (copy, v) = (&*copy, Vector { a, strides, y: p.c });
            let block = (VECTOR_BLOCK / p.k).max(64);
            team.run(rows.div_ceil(block), |task, _| {
                vector(&v, copy, task * block..((task + 1) * block).min(rows));
            });
        }
        Way::Blocks => return gemm::multiply(p, team),
    }
    p.finish((0..p.m, 0..p.n));
}

/// Bytes of workspace of a stack of `count` products of which one is `size`.
///
/// If it is not `exact`, no smaller sizes need more: a product with a vector needs a copy of it, however long.
fn stack_bytes<T: Number>(
    count: usize,
    (m, k, n): (usize, usize, usize),
    (one, exact): (bool, bool),
    workers: usize,
) -> usize {
    if !exact {
        return scratch::bytes::<T>(k).next_multiple_of(64) * workers;
    }
    let each = Way::new(m, k, n).workspace::<T>(k).next_multiple_of(64);
    // Either all workers are in one product, or each is in one of its own.
    let whole = if one { m * count } else { m };
    let whole = Way::new(whole, k, n).workspace::<T>(k);
    whole.max(each * workers)
}

pub(crate) fn needs(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let (a, b) = (p.shapes[0], p.shapes[1]);
    let wrong = || LibraryError::invalid(format!("matmul: operands of shapes {a:?} and {b:?}"));
    let ([batch_a @ .., m, k], [batch_b @ .., k2, n]) = (a, b) else { return Err(wrong()) };
    let mut shape = broadcast(batch_a, batch_b).filter(|_| k == k2).ok_or_else(wrong)?;
    let count: usize = shape.iter().product();
    let one = batch_b.iter().product::<usize>() == 1;
    let (size, dtype, ways) = ((*m, *k, *n), p.dtype, (one, p.exact));
    shape.extend([*m, *n]);
    let work = count as f64
        * *m as f64
        * *k.max(&1) as f64
        * *n as f64
        * if dtype.is_inexact() { 0.03 } else { 0.1 };
    let tall = if one { m.saturating_mul(count) } else { *m };
    let hidden = match Way::new(tall, *k, *n) {
        Way::Nothing | Way::Small | Way::Vector if p.exact => 0,
        _ => with_any!(dtype, gemm::hidden(tall, *k, *n)),
    };
    Ok(Needs {
        outputs: vec![(dtype, shape)],
        rows: usize::from(count > 0),
        unit: 1,
        shares: true,
        scratch: Box::new(move |workers| with_any!(dtype, stack_bytes(count, size, ways, workers))),
        work: work + 20.0,
        hidden: (hidden, 0),
    })
}

pub(crate) fn gemm_needs(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let product = needs(&Problem { shapes: &p.shapes[..2], ..*p })?;
    let shape = &product.outputs[0].1;
    let fits = broadcast(shape, p.shapes[2]).is_some_and(|s| s == *shape);
    if !fits || !p.shapes[3].is_empty() || !p.shapes[4].is_empty() {
        return Err(LibraryError::invalid(format!("gemm: operands of shapes {:?}", p.shapes)));
    }
    Ok(product)
}

pub(crate) fn run_gemm(
    call: &Call<'_>,
    rows: Range<usize>,
    workspace: &mut [u8],
) -> Result<(), LibraryError> {
    run(call, rows, workspace)
}

/// The epilogue of matrix `index` of a stack, if the call has one.
fn epilogue<T: Number>(call: &Call<'_>, batch: &[usize], index: usize) -> Option<Epilogue<T>> {
    let [_, _, d, alpha, beta] = call.inputs else { return None };
    let rank = d.shape().len();
    // The stride along the last axis but `k`.
    let stride =
        |k: usize| if rank > k && d.shape()[rank - 1 - k] != 1 { d.strides()[rank - 1 - k] } else { 0 };
    let first = if rank > 2 { d.item::<T>(2, batch, index) } else { d.pointer::<T>() };
    // SAFETY: 0-d operands have one element.
    let (alpha, beta) = unsafe { (*alpha.pointer::<T>(), *beta.pointer::<T>()) };
    Some(Epilogue { alpha, beta, d: first, strides: (stride(1), stride(0)) })
}

pub(crate) fn run(call: &Call<'_>, rows: Range<usize>, workspace: &mut [u8]) -> Result<(), LibraryError> {
    if !rows.is_empty() {
        with_any!(call.inputs[0].dtype(), run_typed(call, workspace));
    }
    Ok(())
}

fn run_typed<T: Number>(call: &Call<'_>, workspace: &mut [u8]) {
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
        then: epilogue(call, batch, index),
    };
    let count: usize = batch.iter().product();
    let first = product(0);
    // One matrix `b` for the whole stack: the stack is one taller matrix where its strides allow it.
    let one = count > 1 && b.shape()[..rb - 2].iter().product::<usize>() == 1;
    // So is what the epilogue adds, or it is one row for all.
    let added = call.inputs.get(2).map_or(Some(0), |d| {
        let same = d.shape() == c.shape();
        if same { tall(d.shape(), d.strides()) } else { (d.shape().len() < 2).then_some(0) }
    });
    if let (true, Some(stride), Some(added)) = (one, tall(a.shape(), a.strides()), added) {
        let then = first.then.map(|e| Epilogue { strides: (added, e.strides.1), ..e });
        let whole = Product { m: first.m * count, a_strides: (stride, first.a_strides.1), then, ..first };
        return multiply(&whole, call.team, workspace);
    }
    if count == 1 || call.team.count == 1 || first.m * first.k * first.n >= 4 * PARALLEL {
        return (0..count).for_each(|i| multiply(&product(i), call.team, workspace));
    }
    let each = workspace.len() / call.team.count;
    let area = Shared::new(workspace.as_mut_ptr());
    // As many matrices at a time as are worth the dispatch.
    let group = (PARALLEL / 4 / (first.m * first.k * first.n).max(1)).clamp(1, count);
    call.team.run(count.div_ceil(group), |task, worker| {
        // SAFETY: each worker has a piece of its own.
        let mine = unsafe { std::slice::from_raw_parts_mut(area.get().add(worker * each), each) };
        (task * group..((task + 1) * group).min(count))
            .for_each(|i| multiply(&product(i), Team::ALONE, mine));
    });
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
