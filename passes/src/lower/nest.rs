//! Loop nests: the kernel bodies that compute whole arrays.

use super::emit::{Binding, Emitter};
use super::reduce::{self, Part};
use frit_ir::dim::{Symbol, product};
use frit_ir::graph::Graph;
use frit_ir::kernel::{LoopKind, Mem, Stmt};
use frit_ir::ops::Combine;
use frit_ir::plan::View;
use frit_ir::prim::{Body, Emit, Prim};
use frit_ir::{DType, Dim, Key, Scalar, Value};

/// Elements of one chunk of a long loop: the unit in which the runtime shares out work.
pub(super) const CHUNK: i64 = 4096;

/// Parts of a split reduction that keep the threads of most machines busy.
const PARTS: i64 = 32;
/// Parts beyond which a part grows instead: each has a partial result in memory.
const MOST_PARTS: i64 = 1 << 12;
/// Columns of one chunk of a column reduction: accumulators that stay in L1.
pub(super) const COLUMNS: i64 = 512;

/// A value to store, and where. It broadcasts to the loops' domain.
pub(super) struct Root {
    pub(super) value: Value,
    pub(super) view: View,
}

/// The loops of a domain that are open.
#[derive(Default)]
struct OpenLoops {
    loops: Vec<(Symbol, Dim, Dim)>,
    /// The position along the chunks of the last axis.
    chunk: Option<Dim>,
    parallel: bool,
}

/// Range of the parallel loop.
pub(super) type Parallel = Dim;

/// The domain of a [`map`] nest.
pub(super) struct Domain<'a> {
    /// Sizes.
    pub(super) sizes: &'a [Dim],
    /// Axis `k` may be walked as one with axis `k + 1`: all arrays are contiguous over both.
    pub(super) merge: &'a [bool],
    /// Number of leading axes that make up a row's position, if the nest has reductions over rows.
    pub(super) rows: Option<usize>,
    /// Share the outermost loop out to threads.
    pub(super) parallel: bool,
    /// Elements take math functions, which run on tiles of the innermost loop: it had better be long.
    pub(super) tiled: bool,
}

/// Rows of so few elements are no tile.
const SHORT: i64 = 8;
/// Trips of a loop worth being the innermost one instead.
const LONG: i64 = 64;

/// An elementwise nest. Every root is stored at its element, or, if it has one element per row, once per row.
pub(super) fn map(e: &mut Emitter<'_>, domain: &Domain<'_>, roots: &[Root]) -> Parallel {
    let g = e.g;
    let rank = domain.sizes.len();
    let rows = domain.rows.unwrap_or(rank);
    // Merge axes: the last axis of a run that is not of size 1 carries the flat index, the others are 0.
    let mut index = vec![Dim::constant(0); rank];
    let mut axes: Vec<(usize, Dim)> = Vec::new();
    let mut run = Dim::constant(1);
    // An axis of size 1 would drop the index (operands of size 1 are read at 0).
    let mut carrier = 0;
    for (k, n) in domain.sizes.iter().enumerate() {
        if run.is(1) || !n.is(1) {
            carrier = k;
        }
        run = run * n;
        if !domain.merge.get(k).copied().unwrap_or(false) {
            axes.push((carrier, run));
            run = Dim::constant(1);
        }
    }
    axes.retain(|(_, n)| !n.is(1));
    let exchange = match axes.as_slice() {
        [.., (_, before), (_, last)] if domain.tiled && domain.rows.is_none() => {
            last.as_const().is_some_and(|n| n <= SHORT) && before.as_const().is_none_or(|n| n >= LONG)
        }
        _ => false,
    };
    let last = axes.len().saturating_sub(1);
    if exchange {
        axes.swap(last - 1, last);
    }
    let long = |n: &Dim| n.as_const().is_none_or(|n| n > 2 * CHUNK);
    let chunked = domain.parallel && domain.rows.is_none() && axes.last().is_some_and(|(_, n)| long(n));
    let split = match domain.rows {
        Some(r) => axes.iter().take_while(|(k, _)| *k < r).count(),
        None => last - exchange as usize,
    };
    let (outer, inner) = axes.split_at(split);
    let mut open = OpenLoops::default();
    let mut extent = Dim::constant(1);
    if domain.parallel && (!outer.is_empty() || chunked) {
        let chunks = inner.last().filter(|_| chunked).map(|(_, n)| n.ceil_div(&Dim::constant(CHUNK)));
        extent = outer.iter().fold(chunks.clone().unwrap_or(Dim::constant(1)), |acc, (_, n)| acc * n);
        open_parallel(e, &mut open, &extent, outer, chunks.as_ref(), &mut index);
    } else {
        for (k, n) in outer {
            open_serial(e, &mut open, n, &mut index[*k]);
        }
    }
    if domain.rows.is_some() {
        row_reductions(e, &index[..rows.min(rank)]);
    }
    let once_per_row = |r: &Root| {
        let shape = &g.ty(r.value).shape;
        let ends = |n: &[Dim]| n.iter().all(|n| n.is(1));
        domain.rows.is_some()
            && (shape.len() <= rows || rows == rank || ends(&shape[rows..]) && !ends(&domain.sizes[rows..]))
    };
    let by_row: Vec<(&Root, Vec<Dim>)> = roots
        .iter()
        .filter(|r| once_per_row(r))
        .map(|r| (r, keep_axes(g, r.value, &index[..rows])))
        .collect();
    store_all(e, &by_row);
    let full: Vec<&Root> = roots.iter().filter(|r| !once_per_row(r)).collect();
    match inner.split_last() {
        None => store_all(e, &at_element(&full, &index)),
        Some(_) if full.is_empty() => {}
        Some(((k, n), middle)) => {
            let mut within = OpenLoops::default();
            for (k, n) in middle {
                open_serial(e, &mut within, n, &mut index[*k]);
            }
            let (lo, hi) = match &open.chunk {
                Some(c) => {
                    let lo = c * &Dim::constant(CHUNK);
                    let end = e.kb.size(n);
                    let hi = (&lo + CHUNK).minimum(&end);
                    (lo, hi)
                }
                None => (Dim::constant(0), e.kb.size(n)),
            };
            let s = e.fresh("i");
            e.kb.open_loop(&s, n);
            e.kb.begin_trips(&if open.chunk.is_some() { Dim::constant(CHUNK) } else { n.clone() });
            index[*k] = Dim::symbol(&s);
            store_all(e, &at_element(&full, &index));
            e.kb.end_trips();
            let kind = if e.kb.holds_loop() { LoopKind::Serial } else { LoopKind::Vector };
            e.kb.close_loop(&s, lo, hi, kind);
            close(e, within);
        }
    }
    close(e, open);
    extent
}

/// Emits the reductions over a row, phase by phase, before the loops that use them: values that both need are then
/// computed, and cached, by the first.
fn row_reductions(e: &mut Emitter<'_>, row: &[Dim]) {
    let g = e.g;
    let mut all: Vec<(u32, Value)> = e.phases.iter().map(|(v, p)| (*p, *v)).collect();
    all.sort();
    for (_, v) in all {
        let node = g.def(v);
        let source = &g.ty(node.inputs[0]).shape;
        let kept_rank = source.len() - node.attrs.ints(Key::Axes).len();
        // Axes of size 1 may stand anywhere in the domain: take coordinates in order.
        let mut real = row.iter().filter(|d| !d.is(0));
        let mut kept = Vec::with_capacity(kept_rank);
        for (k, n) in source.iter().enumerate() {
            if !node.attrs.ints(Key::Axes).contains(&(k as i64)) {
                kept.push(if n.is(1) {
                    Dim::constant(0)
                } else {
                    real.next().cloned().unwrap_or(Dim::constant(0))
                });
            }
        }
        let at = reduce::result_index(node, source.len(), &kept);
        e.emit(v, &at);
    }
}

fn at_element<'r>(roots: &[&'r Root], index: &[Dim]) -> Vec<(&'r Root, Vec<Dim>)> {
    roots.iter().map(|r| (*r, index.to_vec())).collect()
}

/// Stores roots at their positions. All are computed before any is stored: a result may take the memory of an operand
/// that another one reads.
fn store_all(e: &mut Emitter<'_>, roots: &[(&Root, Vec<Dim>)]) {
    let g = e.g;
    let mut ready = Vec::with_capacity(roots.len());
    for (root, index) in roots {
        let shape = &g.ty(root.value).shape;
        ready.push(e.emit(root.value, &super::index::broadcast_index(shape, index)));
        e.kb.charge(2.0);
    }
    for ((root, index), parts) in roots.iter().zip(ready) {
        e.kb.store(&root.view, g.ty(root.value).dtype, index, &parts, false);
    }
}

/// One parallel loop over the product of the outer axes (and the chunks): positions along each by division.
fn open_parallel(
    e: &mut Emitter<'_>,
    open: &mut OpenLoops,
    extent: &Dim,
    outer: &[(usize, Dim)],
    chunks: Option<&Dim>,
    index: &mut [Dim],
) {
    let p = e.fresh("p");
    let hi = e.kb.size(extent);
    let single = outer.len() + chunks.is_some() as usize == 1;
    if single && chunks.is_none() {
        e.kb.open_loop(&p, extent);
        index[outer[0].0] = Dim::symbol(&p);
    } else {
        e.kb.open_range(&p, Dim::constant(0), extent.clone());
        let mut rest = Dim::symbol(&p);
        if let Some(c) = chunks {
            if single {
                open.chunk = Some(rest.clone());
            } else {
                let n = e.kb.size(c);
                let v = e.kb.index(&rest.modulo(&n));
                open.chunk = Some(Dim::symbol(&frit_ir::kernel::val_symbol(v)));
                rest = rest.floor_div(&n);
            }
        }
        for (j, (k, n)) in outer.iter().enumerate().rev() {
            if j == 0 {
                index[*k] = e.kb.coordinate(&rest, n);
            } else {
                let size = e.kb.size(n);
                index[*k] = e.kb.coordinate(&rest.modulo(&size), n);
                rest = rest.floor_div(&size);
            }
        }
    }
    open.parallel = true;
    open.loops.push((p, Dim::constant(0), hi));
}

fn open_serial(e: &mut Emitter<'_>, open: &mut OpenLoops, n: &Dim, slot: &mut Dim) {
    let s = e.fresh("i");
    let hi = e.kb.size(n);
    e.kb.open_loop(&s, n);
    e.kb.begin_trips(n);
    *slot = Dim::symbol(&s);
    open.loops.push((s, Dim::constant(0), hi));
}

fn close(e: &mut Emitter<'_>, mut open: OpenLoops) {
    while let Some((s, lo, hi)) = open.loops.pop() {
        let first = open.loops.is_empty();
        let kind = if open.parallel && first { LoopKind::Parallel } else { LoopKind::Serial };
        if !(open.parallel && first) {
            e.kb.end_trips();
        }
        e.kb.close_loop(&s, lo, hi, kind);
    }
}

/// The reduced axis that a split reduction divides, and the positions of it that one part takes: the outermost axis that
/// makes enough parts, each of which is long pieces of memory; else the longest (the first of equals, or the first symbolic
/// one). `work`: what each element takes, in elements that are read.
pub(super) fn split_axis(source: &[Dim], axes: &[i64], work: i64) -> (usize, i64) {
    let axes: Vec<usize> = axes.iter().map(|a| *a as usize).collect();
    let length = |axis: usize| source[axis].as_const().unwrap_or(i64::MAX);
    let rows = |axis: usize| {
        let inner = product(axes.iter().filter(|a| **a != axis).map(|a| &source[*a]));
        let least = source[axis].as_const().map_or(1, |n| n / MOST_PARTS);
        inner.as_const().map_or(16, |n| 4 * CHUNK / n.max(1).saturating_mul(work)).max(least).max(1)
    };
    let known = axes.iter().all(|a| source[*a].as_const().is_some());
    let enough = axes.iter().find(|a| known && length(**a) / rows(**a) >= PARTS);
    let axis = enough.or_else(|| axes.iter().rev().max_by_key(|a| length(**a)));
    let axis = *axis.expect("a reduced axis");
    (axis, rows(axis))
}

/// First stage of a split reduction: parallel over chunks of `rows` positions of one reduced axis; partial results go
/// to views whose first axis is the chunk, then the kept axes.
pub(super) fn split(
    e: &mut Emitter<'_>,
    batch: &[Value],
    partials: &[View],
    axis: usize,
    rows: i64,
) -> Parallel {
    let g = e.g;
    let node = g.def(batch[0]);
    let shape = &g.ty(node.inputs[0]).shape;
    let axes: Vec<usize> = node.attrs.ints(Key::Axes).iter().map(|a| *a as usize).collect();
    let extent = &shape[axis];
    let chunks = extent.ceil_div(&Dim::constant(rows));
    let c = e.fresh("c");
    let hi_c = e.kb.size(&chunks);
    e.kb.open_loop(&c, &chunks);
    let n = e.kb.size(extent);
    let step = e.kb.size(&Dim::constant(rows));
    let lo = Dim::symbol(&c) * &step;
    let hi = (&lo + &step).minimum(&n);
    let mut open = OpenLoops::default();
    let mut kept = Vec::new();
    for (k, n) in shape.iter().enumerate() {
        if !axes.contains(&k) {
            let mut at = Dim::constant(0);
            if !n.is(1) {
                open_serial(e, &mut open, n, &mut at);
            }
            kept.push(at);
        }
    }
    let results =
        reduce::emit_batch(e, batch, &kept, Some(Part { axis, lo, hi, length: Dim::constant(rows) }));
    for ((v, view), parts) in batch.iter().zip(partials).zip(results) {
        let mut at = vec![Dim::symbol(&c)];
        at.extend(kept.iter().cloned());
        e.kb.store(view, g.ty(*v).dtype, &at, &parts, false);
    }
    close(e, open);
    e.kb.close_loop(&c, Dim::constant(0), hi_c, LoopKind::Parallel);
    chunks
}

/// How the axes of a column reduction divide: outer kept axes, reduced axes, and the kept last axis.
pub(super) struct ColumnShape {
    pub(super) outer: Vec<usize>,
    pub(super) reduced: Vec<usize>,
    pub(super) last: usize,
}

/// A reduction that keeps the last axis: accumulators for a chunk of columns live in scratch while the rows go by.
/// The roots are computed from the finished accumulators, over the kept axes.
pub(super) fn columns(
    e: &mut Emitter<'_>,
    batch: &[Value],
    shape: &ColumnShape,
    roots: &[Root],
    rows: Option<(i64, &[View])>,
) -> Parallel {
    let g = e.g;
    let node = g.def(batch[0]);
    let sizes = g.ty(node.inputs[0]).shape.clone();
    let width = &sizes[shape.last];
    let chunks = width.ceil_div(&Dim::constant(COLUMNS));
    let row_chunks = match rows {
        Some((r, _)) => sizes[shape.reduced[0]].ceil_div(&Dim::constant(r)),
        None => Dim::constant(1),
    };
    let scratch: Vec<Vec<Mem>> = batch
        .iter()
        .map(|v| {
            let t = g.ty(*v).dtype;
            (0..if t.is_complex() { 2 } else { 1 })
                .map(|_| e.kb.scratch(t.real(), &Dim::constant(COLUMNS)))
                .collect()
        })
        .collect();
    // Parallel over (outer axes, row chunks, column chunks).
    let mut at = vec![Dim::constant(0); sizes.len()];
    let mut factors: Vec<(Option<usize>, Dim)> =
        shape.outer.iter().filter(|k| !sizes[**k].is(1)).map(|k| (Some(*k), sizes[*k].clone())).collect();
    factors.push((None, row_chunks.clone()));
    factors.push((None, chunks.clone()));
    let extent = factors.iter().fold(Dim::constant(1), |acc, (_, n)| acc * n);
    let p = e.fresh("p");
    let hi_p = e.kb.size(&extent);
    e.kb.open_range(&p, Dim::constant(0), extent.clone());
    let mut rest = Dim::symbol(&p);
    let mut picked = Vec::new();
    for (axis, n) in factors.iter().rev() {
        if n.is(1) {
            picked.push(Dim::constant(0));
            continue;
        }
        let size = e.kb.size(n);
        let (q, r) = (rest.floor_div(&size), rest.modulo(&size));
        let position = e.kb.coordinate(&r, n);
        if let Some(k) = axis {
            at[*k] = position.clone();
        }
        picked.push(position);
        rest = q;
    }
    let (column_chunk, row_chunk) = (picked[0].clone(), picked[1].clone());
    let base = &column_chunk * &Dim::constant(COLUMNS);
    let end = e.kb.size(width);
    let lo = base.clone();
    let hi = (&lo + COLUMNS).minimum(&end);
    // Accumulators start at the identity.
    let s = e.fresh("j");
    e.kb.open_range(&s, Dim::constant(0), Dim::constant(COLUMNS));
    for (v, mems) in batch.iter().zip(&scratch) {
        let node = g.def(*v);
        let combine = node.op.def().combine.expect("a reduction combines");
        for mem in mems {
            let src = e.kb.constant(
                combine.identity(g.ty(*v).dtype.real()).expect("positions are not taken by columns"),
            );
            e.kb.stmt(Stmt::Store { mem: *mem, index: vec![Dim::symbol(&s)], src });
        }
    }
    e.kb.close_loop(&s, Dim::constant(0), &hi - &lo, LoopKind::Vector);
    // Rows.
    let mut open = Vec::new();
    for (j, axis) in shape.reduced.iter().enumerate() {
        let s = e.fresh("r");
        let size = e.kb.size(&sizes[*axis]);
        let (l, h) = match (j, rows) {
            (0, Some((r, _))) => {
                let step = e.kb.size(&Dim::constant(r));
                let l = &row_chunk * &step;
                let h = (&l + &step).minimum(&size);
                (l, h)
            }
            _ => (Dim::constant(0), size),
        };
        e.kb.open_loop(&s, &sizes[*axis]);
        let trips = rows.filter(|_| j == 0).map_or(sizes[*axis].clone(), |(r, _)| Dim::constant(r));
        e.kb.begin_trips(&trips);
        at[*axis] = Dim::symbol(&s);
        open.push((s, l, h));
    }
    let j = e.fresh("j");
    e.kb.open_loop(&j, width);
    e.kb.begin_trips(&Dim::constant(COLUMNS));
    at[shape.last] = Dim::symbol(&j);
    let slot = Dim::symbol(&j) - &base;
    for (v, mems) in batch.iter().zip(&scratch) {
        let node = g.def(*v);
        let combine = node.op.def().combine.expect("a reduction combines");
        let dtype = g.ty(*v).dtype;
        let parts = e.emit(node.inputs[0], &at);
        let before: Vec<_> = mems.iter().map(|m| e.kb.load_scratch(*m, slot.clone(), dtype.real())).collect();
        let after = if dtype.is_complex() {
            let args: Vec<_> = before.into_iter().chain(parts).collect();
            e.apply(combine.op().expect("a cumulation is of values"), &[dtype; 2], dtype, &args)
        } else {
            let op: Prim = combine.prim().expect("positions are not taken by columns");
            vec![e.kb.emit(op, dtype, &[before[0], parts[0]])]
        };
        e.kb.charge(2.0);
        for (mem, src) in mems.iter().zip(after) {
            e.kb.stmt(Stmt::Store { mem: *mem, index: vec![slot.clone()], src });
        }
    }
    e.kb.end_trips();
    let kind = vector_unless_nested(e);
    e.kb.close_loop(&j, lo.clone(), hi.clone(), kind);
    while let Some((s, l, h)) = open.pop() {
        e.kb.end_trips();
        e.kb.close_loop(&s, l, h, LoopKind::Serial);
    }
    // Results.
    let j = e.fresh("j");
    e.kb.open_loop(&j, width);
    e.kb.begin_trips(&Dim::constant(COLUMNS));
    let kept: Vec<Dim> = (0..sizes.len())
        .filter(|k| !shape.reduced.contains(k))
        .map(|k| if k == shape.last { Dim::symbol(&j) } else { at[k].clone() })
        .collect();
    for (v, mems) in batch.iter().zip(&scratch) {
        e.bindings.insert(*v, Binding::Columns { parts: mems.clone(), base: base.clone() });
    }
    if let Some((_, partials)) = rows {
        for ((v, view), mems) in batch.iter().zip(partials).zip(&scratch) {
            let dtype = g.ty(*v).dtype;
            let at = Dim::symbol(&j) - &base;
            let parts: Vec<_> =
                mems.iter().map(|m| e.kb.load_scratch(*m, at.clone(), dtype.real())).collect();
            let mut place = vec![row_chunk.clone()];
            place.extend(kept.iter().cloned());
            e.kb.store(view, dtype, &place, &parts, false);
        }
    } else {
        let placed: Vec<(&Root, Vec<Dim>)> =
            roots.iter().map(|r| (r, keep_axes(g, r.value, &kept))).collect();
        store_all(e, &placed);
    }
    e.kb.end_trips();
    let kind = vector_unless_nested(e);
    e.kb.close_loop(&j, lo, hi, kind);
    e.kb.close_loop(&p, Dim::constant(0), hi_p, LoopKind::Parallel);
    extent
}

/// The kind of the innermost loop that is about to close: one that holds another loop runs in order.
fn vector_unless_nested(e: &Emitter<'_>) -> LoopKind {
    if e.kb.holds_loop() { LoopKind::Serial } else { LoopKind::Vector }
}

/// Position of a root: the kept coordinates in order, wherever its axes of size 1 stand.
fn keep_axes(g: &Graph, value: Value, kept: &[Dim]) -> Vec<Dim> {
    let mut moving = kept.iter().filter(|d| !d.is(0));
    let place =
        |n: &Dim| if n.is(1) { Dim::constant(0) } else { moving.next().cloned().unwrap_or(Dim::constant(0)) };
    g.ty(value).shape.iter().map(place).collect()
}

/// A running combination along an axis, parallel over the others.
pub(super) fn cumulative(e: &mut Emitter<'_>, value: Value, view: &View, parallel: bool) -> Parallel {
    let g = e.g;
    let node = g.def(value);
    let axis = node.attrs.int(Key::Axis) as usize;
    let combine = node.op.def().combine.expect("a cumulation combines");
    let dtype = g.ty(value).dtype;
    let shape = g.ty(value).shape.clone();
    let mut index = vec![Dim::constant(0); shape.len()];
    let outer: Vec<(usize, Dim)> =
        shape.iter().cloned().enumerate().filter(|(k, n)| *k != axis && !n.is(1)).collect();
    let mut open = OpenLoops::default();
    let mut extent = Dim::constant(1);
    if parallel && !outer.is_empty() {
        extent = outer.iter().fold(Dim::constant(1), |acc, (_, n)| acc * n);
        open_parallel(e, &mut open, &extent, &outer, None, &mut index);
    } else {
        for (k, n) in &outer {
            open_serial(e, &mut open, n, &mut index[*k]);
        }
    }
    let real = dtype.real();
    let vars: Vec<_> = (0..if dtype.is_complex() { 2 } else { 1 }).map(|_| e.kb.var(real)).collect();
    // The first element is the first result. A complex product of it and 1 would be another one: it makes two NaNs of
    // one, or of an infinity.
    let choose = dtype.is_complex() && combine == Combine::Mul;
    for var in &vars {
        let src = e.kb.constant(match combine {
            // Unlike 0.0, it leaves the sign of a zero.
            Combine::Add if real.is_float() => Scalar::from_f64(real, -0.0),
            _ => combine.identity(real).expect("a cumulation is of values"),
        });
        e.kb.stmt(Stmt::Init { var: *var, src });
    }
    let s = e.fresh("r");
    let hi = e.kb.size(&shape[axis]);
    e.kb.open_loop(&s, &shape[axis]);
    e.kb.begin_trips(&shape[axis]);
    index[axis] = Dim::symbol(&s);
    let parts = e.emit(node.inputs[0], &index);
    let before: Vec<_> = vars.iter().map(|v| e.kb.get(*v)).collect();
    let args: Vec<_> = before.into_iter().chain(parts.iter().copied()).collect();
    let mut after = e.apply(combine.op().expect("a cumulation is of values"), &[dtype; 2], dtype, &args);
    if choose {
        let (at, zero) = (e.kb.index(&index[axis]), e.kb.constant(Scalar::zero(DType::I64)));
        let mut b = Body(&mut e.kb);
        let first = b.le(at, zero);
        after = parts.iter().zip(&after).map(|(p, a)| b.select(first, *p, *a)).collect();
    }
    for (var, src) in vars.iter().zip(&after) {
        e.kb.stmt(Stmt::Set { var: *var, src: *src });
    }
    e.kb.store(view, dtype, &index, &after, !parallel);
    e.kb.end_trips();
    e.kb.close_loop(&s, Dim::constant(0), hi, LoopKind::Serial);
    close(e, open);
    extent
}

/// Writes updates into an array that is already in place, one after the other (later duplicates win).
pub(super) fn scatter(e: &mut Emitter<'_>, value: Value, target: &View) {
    let g = e.g;
    let node = g.def(value);
    let mode = node.attrs.str(Key::Mode).to_string();
    let dtype = g.ty(value).dtype;
    let axes = node.attrs.ints(Key::Axes);
    let idx: Vec<&[Dim]> = node.inputs[2..].iter().map(|v| g.ty(*v).shape.as_slice()).collect();
    let mut window = frit_ir::infer::broadcast_shapes(&idx).expect("checked by inference");
    let rest = g.ty(node.inputs[0]).shape.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
    window.extend(rest.map(|(_, d)| d.clone()));
    let mut index = vec![Dim::constant(0); window.len()];
    let mut open = OpenLoops::default();
    for (k, n) in window.iter().enumerate() {
        if !n.is(1) {
            open_serial(e, &mut open, n, &mut index[k]);
        }
    }
    e.kb.set_barrier();
    let update = node.inputs[1];
    let v = e.emit(update, &super::index::broadcast_index(&g.ty(update).shape, &index));
    let place = e.gather_index(node, &index);
    let op = match mode.as_str() {
        "add" => Some(frit_ir::Op::Add),
        "multiply" => Some(frit_ir::Op::Multiply),
        "minimum" => Some(frit_ir::Op::Minimum),
        "maximum" => Some(frit_ir::Op::Maximum),
        _ => None,
    };
    let v = match op {
        None => v,
        Some(op) => {
            let old = e.kb.load(target, dtype, &place, true);
            let args: Vec<_> = old.into_iter().chain(v).collect();
            e.apply(op, &[dtype; 2], dtype, &args)
        }
    };
    e.kb.store(target, dtype, &place, &v, true);
    close(e, open);
}
