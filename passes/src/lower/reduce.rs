//! Reductions inside kernels: loops over the reduced axes with accumulators.
//!
//! Sums of floats are added in blocks of [`BLOCK`] elements, each with the backend's several accumulators, and the
//! block sums are added with compensation (Neumaier, ZAMM 54, 1974). The error bound is that of one block, below
//! NumPy's pairwise summation, whatever the length.

use super::emit::Emitter;
use super::extreme::{Extreme, source_position};
use crate::fuse::is_unrolled;
use frit_ir::graph::Node;
use frit_ir::kernel::{LoopKind, Stmt, Var, val_symbol};
use frit_ir::ops::Combine;
use frit_ir::plan::View;
use frit_ir::prim::{Body, Emit, Prim, Val};
use frit_ir::{DType, Dim, Key, Op, Scalar, Value};

/// Elements per block of a float sum.
pub(super) const BLOCK: i64 = 128;

/// How one part (real, or a component of a complex sum) of a reduction is accumulated.
enum Accumulator {
    /// One variable.
    Plain { var: Var, op: Prim },
    /// Blocks of a float sum: the running block, the total, and its compensation.
    Blocked { block: Var, total: Var, low: Var },
    /// Several variables set together by an op's body (complex products and extremes).
    Joint { vars: Vec<Var>, combine: Combine },
    /// The first position of an extreme.
    Position(Extreme),
}

/// One reduction of a batch.
struct Reduction {
    source: Value,
    dtype: DType,
    combine: Combine,
    parts: Vec<Accumulator>,
    /// Its elements are computed by loops: each is looked at once.
    nested: bool,
}

impl Reduction {
    fn new(node: &Node, source: Value) -> Reduction {
        let combine = node.op.def().combine.expect("a reduction combines");
        Reduction { source, dtype: node.types[0].dtype, combine, parts: vec![], nested: false }
    }
}

/// The reduced axes, and the index of the kept ones in the operand's order (reduced axes left out).
pub(crate) fn kept_index(node: &Node, index: &[Dim]) -> Vec<Dim> {
    let axes = node.attrs.ints(Key::Axes);
    if !node.attrs.bool(Key::Keepdims) {
        return index.to_vec();
    }
    let kept = index.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
    kept.map(|(_, d)| d.clone()).collect()
}

/// The inverse of [`kept_index`].
pub(super) fn result_index(node: &Node, rank: usize, kept: &[Dim]) -> Vec<Dim> {
    if !node.attrs.bool(Key::Keepdims) {
        return kept.to_vec();
    }
    let axes = node.attrs.ints(Key::Axes);
    let mut rest = kept.iter();
    (0..rank as i64)
        .map(
            |k| if axes.contains(&k) { Dim::constant(0) } else { rest.next().expect("ranks add up").clone() },
        )
        .collect()
}

/// A reduction inlined where its result is used: its loops go into the frame in which the row is known, together
/// with every other reduction of the same phase over the same row.
pub(super) fn emit_inline(e: &mut Emitter<'_>, value: Value, index: &[Dim]) -> Vec<Val> {
    let g = e.g;
    let node = g.def(value);
    let kept = kept_index(node, index);
    if !e.phases.contains_key(&value) && is_unrolled(g, node) {
        return unrolled(e, value, &kept);
    }
    let depth = e.kb.placement(&kept);
    let inner = e.kb.suspend(depth);
    let shape = &g.ty(node.inputs[0]).shape;
    let mut batch = vec![value];
    if let Some(phase) = e.phases.get(&value) {
        let mut others: Vec<Value> = e
            .phases
            .iter()
            .filter(|(v, p)| {
                let n = g.def(**v);
                **v != value
                    && *p == phase
                    && g.ty(n.inputs[0]).shape == *shape
                    && n.attrs.ints(Key::Axes) == node.attrs.ints(Key::Axes)
            })
            .map(|(v, _)| *v)
            .collect();
        others.sort();
        others.retain(|v| {
            let at = result_index(g.def(*v), shape.len(), &kept);
            e.kb.recall(*v, &at).is_none() && !e.bindings.contains_key(v)
        });
        batch.extend(others);
    }
    let results = emit_batch(e, &batch, &kept, None);
    let mut mine = Vec::new();
    for (v, parts) in batch.iter().zip(results) {
        let at = result_index(g.def(*v), shape.len(), &kept);
        if *v == value {
            mine = parts.clone();
        }
        e.kb.remember(*v, &at, parts);
    }
    e.kb.resume(inner);
    mine
}

/// A reduction of a few elements as an expression: in order, for so few the error bound of a plain sum is the best.
fn unrolled(e: &mut Emitter<'_>, value: Value, kept: &[Dim]) -> Vec<Val> {
    let g = e.g;
    let node = g.def(value);
    let shape = &g.ty(node.inputs[0]).shape;
    let axes = node.attrs.ints(Key::Axes);
    let combine = node.op.def().combine.expect("a reduction combines");
    let op = combine.prim().expect("positions are not unrolled");
    let sizes: Vec<i64> = axes.iter().map(|a| shape[*a as usize].as_const().unwrap_or(0)).collect();
    let mut total: Option<Vec<Val>> = None;
    for flat in 0..sizes.iter().product::<i64>() {
        let mut position = vec![0; sizes.len()];
        let mut left = flat;
        for (p, n) in position.iter_mut().zip(&sizes).rev() {
            *p = left % n;
            left /= n;
        }
        let mut rest = kept.iter();
        let at: Vec<Dim> = (0..shape.len() as i64)
            .map(|k| match axes.iter().position(|a| *a == k) {
                Some(j) => Dim::constant(position[j]),
                None => rest.next().expect("ranks add up").clone(),
            })
            .collect();
        let parts = e.emit(node.inputs[0], &at);
        e.kb.charge(1.0);
        total = Some(match total {
            None => parts,
            Some(sum) => {
                let dtype = node.types[0].dtype.real();
                sum.iter().zip(&parts).map(|(a, b)| e.kb.emit(op, dtype, &[*a, *b])).collect()
            }
        });
    }
    total.expect("at least one element")
}

/// Part of a reduced axis that a split reduction covers, as kernel expressions.
pub(super) struct Part {
    pub(super) axis: usize,
    pub(super) lo: Dim,
    pub(super) hi: Dim,
    /// Greatest length, for the cost.
    pub(super) length: Dim,
}

/// Emits loops over the reduced axes of several reductions of one shape; results in the order of `batch`.
pub(super) fn emit_batch(
    e: &mut Emitter<'_>,
    batch: &[Value],
    kept: &[Dim],
    part: Option<Part>,
) -> Vec<Vec<Val>> {
    let g = e.g;
    let first = g.def(batch[0]);
    let axes: Vec<usize> = first.attrs.ints(Key::Axes).iter().map(|a| *a as usize).collect();
    let shape = g.ty(first.inputs[0]).shape.clone();
    let mut reductions: Vec<Reduction> = batch
        .iter()
        .map(|v| {
            let node = g.def(*v);
            Reduction::new(node, node.inputs[0])
        })
        .collect();
    if axes.is_empty() {
        return reductions.iter().map(|r| of_one(e, r, kept)).collect();
    }
    let mut at: Vec<Dim> = Vec::new();
    let mut rest = kept.iter();
    for k in 0..shape.len() {
        at.push(if axes.contains(&k) {
            Dim::constant(0)
        } else {
            rest.next().expect("ranks add up").clone()
        });
    }
    let (last, outer) = axes.split_last().expect("there is an axis");
    let short = shape[*last].as_const().is_some_and(|n| n <= BLOCK) && outer.iter().all(|a| shape[*a].is(1));
    for r in &mut reductions {
        r.parts = start(e, r, &at, short);
    }
    let mut open = Vec::new();
    for axis in outer {
        let s = e.fresh("r");
        let (lo, hi) = bounds(e, &shape[*axis], part.as_ref().filter(|p| p.axis == *axis));
        e.kb.open_loop(&s, &shape[*axis]);
        let trips = part.as_ref().filter(|p| p.axis == *axis).map_or(&shape[*axis], |p| &p.length);
        e.kb.begin_trips(trips);
        at[*axis] = Dim::symbol(&s);
        open.push((s, lo, hi));
    }
    innermost(e, &mut reductions, *last, &shape[*last], part.as_ref().filter(|p| p.axis == *last), &mut at);
    while let Some((s, lo, hi)) = open.pop() {
        e.kb.end_trips();
        e.kb.close_loop(&s, lo, hi, LoopKind::Serial);
    }
    reductions.iter().map(|r| r.parts.iter().flat_map(|a| finish(e, a)).collect()).collect()
}

/// A reduction of one element: the element, except that a complex product begins with 1, and 1 * NaN is NaN in both
/// parts, as in NumPy.
fn of_one(e: &mut Emitter<'_>, r: &Reduction, at: &[Dim]) -> Vec<Val> {
    let parts = e.emit(r.source, at);
    if !r.dtype.is_complex() || r.combine != Combine::Mul {
        return parts;
    }
    let real = r.dtype.real();
    let one = [Scalar::one(real), Scalar::zero(real)].map(|c| e.kb.constant(c));
    e.apply(Op::Multiply, &[r.dtype; 2], r.dtype, &[one[0], one[1], parts[0], parts[1]])
}

fn bounds(e: &mut Emitter<'_>, extent: &Dim, part: Option<&Part>) -> (Dim, Dim) {
    match part {
        Some(p) => (p.lo.clone(), p.hi.clone()),
        None => (Dim::constant(0), e.kb.size(extent)),
    }
}

/// The loop over the last reduced axis, in blocks if a float is summed.
fn innermost(
    e: &mut Emitter<'_>,
    reductions: &mut [Reduction],
    axis: usize,
    extent: &Dim,
    part: Option<&Part>,
    at: &mut [Dim],
) {
    let in_blocks = |p: &Accumulator| matches!(p, Accumulator::Blocked { .. } | Accumulator::Position(_));
    let blocked = reductions.iter().any(|r| r.parts.iter().any(in_blocks));
    let serial = reductions.iter().any(|r| r.parts.iter().any(|p| matches!(p, Accumulator::Joint { .. })));
    let trips = part.map_or(extent, |p| &p.length);
    let (lo, hi) = bounds(e, extent, part);
    let short = extent.as_const().is_some_and(|n| n <= BLOCK);
    let block = (blocked && !short).then(|| e.fresh("k"));
    let blocks = (&hi - &lo).ceil_div(&Dim::constant(BLOCK));
    let (lo, hi) = match &block {
        Some(k) => {
            // Not a coordinate: elements are addressed by the loop inside, whose index is absolute.
            e.kb.open_range(k, Dim::constant(0), extent.clone());
            let begin = &lo + Dim::symbol(k) * BLOCK;
            let end = (&begin + BLOCK).minimum(&hi);
            (begin, end)
        }
        None => (lo, hi),
    };
    for r in reductions.iter() {
        for p in &r.parts {
            begin_block(e, p);
        }
    }
    let s = e.fresh("r");
    e.kb.open_loop(&s, extent);
    e.kb.begin_trips(trips);
    at[axis] = Dim::symbol(&s);
    for r in reductions.iter_mut() {
        let parts = e.emit(r.source, at);
        r.nested = e.kb.holds_loop();
        accumulate(e, r, &parts, &at[axis]);
    }
    e.kb.end_trips();
    // A reduction inside that depends on this loop's index is a loop of its own.
    let kind = if serial || e.kb.holds_loop() { LoopKind::Serial } else { LoopKind::Vector };
    e.kb.close_loop(&s, lo.clone(), hi.clone(), kind);
    for r in reductions.iter() {
        if let [Accumulator::Position(p)] = &r.parts[..]
            && !r.nested
        {
            p.search(e, r.source, (axis, extent), (lo.clone(), hi.clone()), at);
        }
    }
    for r in reductions.iter() {
        for p in &r.parts {
            if let Accumulator::Blocked { block, total, low } = p {
                add_compensated(e, *block, *total, *low);
            }
        }
    }
    if let Some(k) = block {
        e.kb.close_loop(&k, Dim::constant(0), blocks, LoopKind::Serial);
    }
}

/// Starts a block of accumulators that have blocks.
fn begin_block(e: &mut Emitter<'_>, p: &Accumulator) {
    match p {
        Accumulator::Blocked { block, .. } => {
            let src = e.kb.constant(Scalar::zero(e.kb.kernel.vars[block.0 as usize]));
            e.kb.stmt(Stmt::Init { var: *block, src });
        }
        Accumulator::Position(p) => p.begin_block(e),
        Accumulator::Plain { .. } | Accumulator::Joint { .. } => {}
    }
}

/// Declares and initializes the accumulators of a reduction.
/// `short`: all elements are one block.
fn start(e: &mut Emitter<'_>, r: &Reduction, at: &[Dim], short: bool) -> Vec<Accumulator> {
    if let Some(combine) = r.combine.positional() {
        return vec![Accumulator::Position(Extreme::start(e, combine, e.g.ty(r.source).dtype))];
    }
    let real = r.dtype.real();
    if r.dtype.is_complex() && r.combine != Combine::Add {
        let vars = vec![e.kb.var(real), e.kb.var(real)];
        let init: Vec<Val> = if matches!(r.combine, Combine::Min | Combine::Max) {
            // No identity: begin with the first element (inference has refused empty axes).
            e.emit(r.source, at)
        } else {
            vec![e.kb.constant(Scalar::one(real)), e.kb.constant(Scalar::zero(real))]
        };
        for (var, src) in vars.iter().zip(init) {
            e.kb.stmt(Stmt::Init { var: *var, src });
        }
        return vec![Accumulator::Joint { vars, combine: r.combine }];
    }
    let parts = if r.dtype.is_complex() { 2 } else { 1 };
    (0..parts)
        .map(|_| {
            if r.combine == Combine::Add && real.is_float() && !short {
                let (block, total, low) = (e.kb.var(real), e.kb.var(real), e.kb.var(real));
                let zero = e.kb.constant(Scalar::zero(real));
                for var in [block, total, low] {
                    e.kb.stmt(Stmt::Init { var, src: zero });
                }
                return Accumulator::Blocked { block, total, low };
            }
            let var = e.kb.var(real);
            let src =
                e.kb.constant(r.combine.identity(real).expect("positions have accumulators of their own"));
            e.kb.stmt(Stmt::Init { var, src });
            Accumulator::Plain {
                var,
                op: r.combine.prim().expect("positions have accumulators of their own"),
            }
        })
        .collect()
}

/// Takes an element, or a partial result, along; `at`: its position on the axis of the loop.
fn accumulate(e: &mut Emitter<'_>, r: &Reduction, parts: &[Val], at: &Dim) {
    for (k, p) in r.parts.iter().enumerate() {
        match p {
            Accumulator::Plain { var, op } => {
                e.kb.stmt(Stmt::Accumulate { var: *var, op: *op, src: parts[k] })
            }
            Accumulator::Blocked { block, .. } => {
                e.kb.stmt(Stmt::Accumulate { var: *block, op: Prim::Add, src: parts[k] });
            }
            Accumulator::Position(p) if r.nested => {
                let here = e.kb.index(at);
                p.improve(e, parts[k], here);
            }
            Accumulator::Position(p) => p.accumulate(e, parts[k]),
            Accumulator::Joint { vars, combine } => {
                let before: Vec<Val> = vars.iter().map(|v| e.kb.get(*v)).collect();
                let args: Vec<Val> = before.into_iter().chain(parts.iter().copied()).collect();
                let after = e.apply(
                    combine.op().expect("positions have accumulators of their own"),
                    &[r.dtype; 2],
                    r.dtype,
                    &args,
                );
                for (var, src) in vars.iter().zip(after) {
                    e.kb.stmt(Stmt::Set { var: *var, src });
                }
            }
        }
    }
    e.kb.charge(1.0);
}

/// `total + block` with the rounding error kept in `low`.
fn add_compensated(e: &mut Emitter<'_>, block: Var, total: Var, low: Var) {
    let (s, t, l) = (e.kb.get(block), e.kb.get(total), e.kb.get(low));
    let mut b = Body(&mut e.kb);
    let sum = b.add(t, s);
    // Knuth's two-sum: exact whichever operand is larger.
    let s2 = b.sub(sum, t);
    let t2 = b.sub(sum, s2);
    let (ds, dt) = (b.sub(s, s2), b.sub(t, t2));
    let error = b.add(ds, dt);
    let l = b.add(l, error);
    e.kb.stmt(Stmt::Set { var: total, src: sum });
    e.kb.stmt(Stmt::Set { var: low, src: l });
}

fn finish(e: &mut Emitter<'_>, a: &Accumulator) -> Vec<Val> {
    match a {
        Accumulator::Plain { var, .. } => vec![e.kb.get(*var)],
        Accumulator::Position(p) => vec![e.kb.get(p.at)],
        Accumulator::Joint { vars, .. } => vars.iter().map(|v| e.kb.get(*v)).collect(),
        Accumulator::Blocked { total, low, .. } => {
            let (t, l) = (e.kb.get(*total), e.kb.get(*low));
            let mut b = Body(&mut e.kb);
            let sum = b.add(t, l);
            // An infinite total has no meaningful compensation.
            let lost = b.is_nan(l);
            vec![b.select(lost, t, sum)]
        }
    }
}

/// The combination of a split reduction's partial results for one element of its result.
pub(super) fn combine_partials(
    e: &mut Emitter<'_>,
    value: Value,
    view: &View,
    chunks: &Dim,
    index: &[Dim],
) -> Vec<Val> {
    let g = e.g;
    let node = g.def(value);
    let kept = kept_index(node, index);
    if let Some(parts) = e.kb.recall(value, index) {
        return parts;
    }
    let depth = e.kb.placement(&kept);
    let inner = e.kb.suspend(depth);
    let dtype = g.ty(value).dtype;
    let mut r = Reduction::new(node, value);
    if r.combine.positional().is_some() {
        r.source = node.inputs[0];
    }
    let mut first = vec![Dim::constant(0)];
    first.extend(kept.iter().cloned());
    r.parts = start_from(e, &r, view, &first);
    let s = e.fresh("r");
    let hi = e.kb.size(chunks);
    e.kb.open_loop(&s, chunks);
    first[0] = Dim::symbol(&s);
    let parts = e.kb.load(view, dtype, &first, false);
    // Serial and compensated element by element: few partials, and no bits to lose here.
    for (k, p) in r.parts.iter().enumerate() {
        if let Accumulator::Blocked { block, total, low } = p {
            e.kb.stmt(Stmt::Init { var: *block, src: parts[k] });
            add_compensated(e, *block, *total, *low);
        }
    }
    match &r.parts[..] {
        [Accumulator::Blocked { .. }, ..] => {}
        // A part gives a position: the element is read there once more.
        [Accumulator::Position(p)] => {
            let position = Dim::symbol(&val_symbol(parts[0]));
            let x = e.emit(r.source, &source_position(node, g, &kept, position))[0];
            p.improve(e, x, parts[0]);
        }
        _ => accumulate(e, &r, &parts, &first[0]),
    }
    e.kb.close_loop(&s, Dim::constant(0), hi, LoopKind::Serial);
    let result: Vec<Val> = r.parts.iter().flat_map(|a| finish(e, a)).collect();
    e.kb.remember(value, index, result.clone());
    e.kb.resume(inner);
    result
}

fn start_from(e: &mut Emitter<'_>, r: &Reduction, view: &View, first: &[Dim]) -> Vec<Accumulator> {
    let real = r.dtype.real();
    if r.dtype.is_complex() && matches!(r.combine, Combine::Min | Combine::Max) {
        let vars = vec![e.kb.var(real), e.kb.var(real)];
        let init = e.kb.load(view, r.dtype, first, false);
        for (var, src) in vars.iter().zip(init) {
            e.kb.stmt(Stmt::Init { var: *var, src });
        }
        return vec![Accumulator::Joint { vars, combine: r.combine }];
    }
    start(e, r, &[], false)
}
