//! Matrix products of all element types, and stacks of them.
//!
//! Small products stay on the stack, products with a vector run through memory once, and the rest goes to [`gemm`].

use crate::dtype::{DType, with_any};
use crate::error::LibraryError;
use crate::features::for_features;
use crate::gemm::{self, Epilogue, Product};
use crate::number::Number;
use crate::operand::broadcast;
use crate::scratch;
use crate::table::{Call, Needs, Problem};
use crate::vector::{self, Vector};
use crate::workers::{Shared, Team};
use std::ops::Range;

/// Up to this size in every direction, products stay out of `gemm`: packing would take longer than the product.
const SMALL: usize = 16;

/// Multiplications below which waking another thread costs more than it gains.
const PARALLEL: usize = 1 << 20;

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

for_features!(small<T: Number>(p: &Product<T>) -> (), FMA => small_any_width::<T, FMA>(p));

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
    let least = if way == Way::Vector { vector::PARALLEL } else { PARALLEL };
    let team = if p.m * p.k * p.n < least { Team::ALONE } else { team };
    if p.then.is_some_and(|e| e.over) && matches!(way, Way::Small | Way::Vector) {
        let (product, rest) = scratch::take::<T>(workspace, p.m * p.n);
        let product = product.as_mut_ptr().cast::<T>();
        multiply(&Product { c: product, then: None, ..*p }, team, rest);
        return p.finish_over((0..p.m, 0..p.n), product, (p.n as isize, 1));
    }
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
            let (v, x, step) = if p.n == 1 {
                let shape = (p.m, p.k);
                (Vector { a: p.a, shape, strides: p.a_strides, y: p.c }, p.b, p.b_strides.0)
            } else {
                let (shape, strides) = ((p.n, p.k), (p.b_strides.1, p.b_strides.0));
                (Vector { a: p.b, shape, strides, y: p.c }, p.a, p.a_strides.1)
            };
            // SAFETY: the vector operand.
            unsafe { vector::multiply(&v, x, step, team, workspace) };
        }
        Way::Blocks => return gemm::multiply(p, team, workspace),
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
    // A stack is one tall matrix, or its matrices are shared out, one to a worker at a time.
    let tall = if one { m.saturating_mul(count) } else { *m };
    let way = Way::new(tall, *k, *n);
    // A product with a vector takes the time of reading the matrix, at 40 GB/s.
    let each = match way {
        Way::Vector => 0.025 * dtype.size() as f64,
        _ if dtype.is_inexact() => 0.03,
        _ => 0.1,
    };
    let work = count as f64 * *m as f64 * *k.max(&1) as f64 * *n as f64 * each;
    let packs = !(p.exact && matches!(way, Way::Nothing | Way::Small | Way::Vector));
    let hidden = move |workers| {
        let all = with_any!(dtype, gemm::hidden((tall, size.1, size.2), ways.1, workers));
        let each = with_any!(dtype, gemm::hidden(size, ways.1, 1)) * workers.min(count);
        if packs { all.max(each) } else { 0 }
    };
    Ok(Needs {
        outputs: vec![(dtype, shape)],
        rows: usize::from(count > 0),
        unit: 1,
        shares: true,
        scratch: Box::new(move |workers| with_any!(dtype, stack_bytes(count, size, ways, workers))),
        work: work + 20.0,
        hidden: Box::new(hidden),
    })
}

/// Bytes of workspace of one product that is computed over what is added: what it holds meanwhile, and a copy of a vector.
///
/// If it is not `exact`, no smaller sizes need more.
fn over_bytes<T: Number>((m, k, n): (usize, usize, usize), exact: bool, workers: usize) -> usize {
    let way = Way::new(m, k, n);
    let tiles = gemm::tile_bytes::<T>(m, n) * workers;
    let whole = |elements: usize| scratch::bytes::<T>(elements) + scratch::bytes::<T>(k);
    match way {
        _ if !exact => tiles.max(whole(m.max(n).max(SMALL * SMALL))),
        Way::Nothing => 0,
        Way::Small | Way::Vector => whole(m * n),
        Way::Blocks => tiles,
    }
}

pub(crate) fn gemm_needs(p: &Problem<'_>) -> Result<Needs, LibraryError> {
    let product = needs(&Problem { shapes: &p.shapes[..2], ..*p })?;
    let shape = &product.outputs[0].1;
    let fits = broadcast(shape, p.shapes[2]).is_some_and(|s| s == *shape);
    if !fits || !p.shapes[3].is_empty() || !p.shapes[4].is_empty() || p.params.over && p.shapes[2] != *shape {
        return Err(LibraryError::invalid(format!("gemm: operands of shapes {:?}", p.shapes)));
    }
    if !p.params.over {
        return Ok(product);
    }
    let (dtype, exact) = (p.dtype, p.exact);
    let [batch @ .., m, n] = shape.as_slice() else { return Ok(product) };
    let (size, count) = ((*m, p.shapes[0][p.shapes[0].len() - 1], *n), batch.iter().product::<usize>());
    // A stack is one tall product, or one after the other, or each worker is in one of its own.
    let tall = (size.0.saturating_mul(count), size.1, size.2);
    let scratch = move |workers: usize| {
        let whole = with_any!(dtype, over_bytes(tall, exact, workers));
        let one = with_any!(dtype, over_bytes(size, exact, workers));
        let each = with_any!(dtype, over_bytes(size, exact, 1)).next_multiple_of(64) * workers;
        if count == 1 { one } else { whole.max(one).max(each) }
    };
    Ok(Needs { scratch: Box::new(scratch), ..product })
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
    Some(Epilogue { alpha, beta, d: first, strides: (stride(1), stride(0)), over: call.params.over })
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
