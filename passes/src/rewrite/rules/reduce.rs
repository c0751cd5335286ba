//! Reductions of reductions, of broadcast operands, of scaled operands.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, pair};
use crate::make::Make;
use crate::pass::MathLevel::{Exact, Reassociate};
use egg::Id;
use frit_ir::dim::product;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op};

const SUMS: &[Op] = &[Op::Sum, Op::Prod];
const EXTREMES: &[Op] = &[Op::Min, Op::Max, Op::Any, Op::All];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pair("sum-sum",               Reassociate, SUMS,          reduce_reduce).exact_for_ints(),
    pair("extreme-extreme",       Exact,       EXTREMES,      reduce_reduce),
    // An infinite term times the size 0 is NaN where the empty sum is 0; otherwise equal up to rounding.
    pair("sum-broadcast",         Reassociate, &[Op::Sum],    sum_broadcast).exact_for_ints(),
    pair("extreme-broadcast",     Exact,       EXTREMES,      extreme_broadcast),
    pair("sum-scaled",            Reassociate, &[Op::Sum],    sum_scaled).exact_for_ints(),
    pair("sum-negative",          Reassociate, &[Op::Sum],    sum_negative).exact_for_ints(),
    pair("sum-transpose",         Reassociate, SUMS,          reduce_transpose).exact_for_ints(),
    pair("extreme-transpose",     Exact,       EXTREMES,      reduce_transpose),
    pair("sum-view",              Reassociate, SUMS,          reduce_unit_axes).exact_for_ints(),
    pair("extreme-view",          Exact,       EXTREMES,      reduce_unit_axes),
    pair("squeeze-keepdims",      Exact,       &[Op::Squeeze], squeeze_keepdims),
];

/// Axes and keepdims of a reduction.
fn parts(r: &Rewriter<'_>, n: &ENode) -> (Vec<i64>, bool) {
    let attrs = r.attrs(n);
    (attrs.ints(Key::Axes).to_vec(), attrs.bool(Key::Keepdims))
}

/// The extreme of complex numbers with NaN parts is the first such number: it depends on the order.
fn order_matters(r: &Rewriter<'_>, op: Op, x: Id) -> bool {
    matches!(op, Op::Min | Op::Max) && r.dtype(x).is_complex()
}

/// Both reductions at once, over the axes of either.
fn reduce_reduce(r: &mut Rewriter<'_>, outer: &ENode, inner: &ENode) -> Option<Id> {
    let op = outer.op()?;
    if inner.op() != Some(op) || order_matters(r, op, inner.children[0]) {
        return None;
    }
    let ((second, keep_second), (first, keep_first)) = (parts(r, outer), parts(r, inner));
    if keep_first != keep_second {
        return None;
    }
    let rank = r.shape(inner.children[0]).len() as i64;
    let left: Vec<i64> = (0..rank).filter(|k| keep_first || !first.contains(k)).collect();
    let mut all: Vec<i64> = second.iter().map(|k| left[*k as usize]).chain(first).collect();
    all.sort_unstable();
    all.dedup();
    r.reduce(op, inner.children[0], &all, keep_first)
}

/// Splits reduced axes into those that a broadcast added and those that its source has.
fn broadcast_axes(r: &Rewriter<'_>, source: Id, full: &[Dim], axes: &[i64]) -> (Vec<i64>, Vec<i64>) {
    let shape = r.shape(source);
    let missing = full.len() - shape.len();
    axes.iter().partition(|a| {
        let k = **a as usize;
        k < missing || (shape[k - missing].is(1) && !full[k].is(1))
    })
}

/// The broadcast source at full rank, so that axis numbers agree.
fn full_rank(r: &mut Rewriter<'_>, source: Id, rank: usize) -> Option<Id> {
    let missing = (rank - r.shape(source).len()) as i64;
    r.expand_dims(source, &(0..missing).collect::<Vec<_>>())
}

/// `sum(broadcast(x)) -> sum(x) * n` over the axes that were only repeated.
fn sum_broadcast(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::BroadcastTo) {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let full = r.shape(s.children[0]);
    let (repeated, own) = broadcast_axes(r, x.children[0], &full, &axes);
    if repeated.is_empty() {
        return None;
    }
    let source = full_rank(r, x.children[0], full.len())?;
    let sum = if own.is_empty() { source } else { r.reduce(Op::Sum, source, &own, true)? };
    let count = product(repeated.iter().map(|a| &full[*a as usize]));
    let n = r.node(Op::DimValue, Attrs::new([(Key::Dim, Attr::Dim(count))]), &[])?;
    let t = r.dtype(sum);
    let n = r.cast(n, t)?;
    let scaled = r.elementwise(Op::Multiply, &[sum, n])?;
    // Axes that are not reduced may be broadcast too.
    let kept: Vec<Dim> = (0..full.len() as i64)
        .map(|k| if axes.contains(&k) { Dim::constant(1) } else { full[k as usize].clone() })
        .collect();
    let wide = r.broadcast_to(scaled, &kept)?;
    if keep { Some(wide) } else { r.squeeze(wide, &axes) }
}

/// A repeated axis adds nothing to an extreme, unless there may be no repetition at all.
fn extreme_broadcast(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let op = s.op()?;
    if x.op() != Some(Op::BroadcastTo) {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let full = r.shape(s.children[0]);
    let (repeated, own) = broadcast_axes(r, x.children[0], &full, &axes);
    let some = repeated.iter().all(|a| r.proves_le(&Dim::constant(1), &full[*a as usize]));
    if repeated.is_empty() || !some {
        return None;
    }
    let source = full_rank(r, x.children[0], full.len())?;
    let one = if own.is_empty() { source } else { r.reduce(op, source, &own, true)? };
    let kept: Vec<Dim> = (0..full.len() as i64)
        .map(|k| if axes.contains(&k) { Dim::constant(1) } else { full[k as usize].clone() })
        .collect();
    let wide = r.broadcast_to(one, &kept)?;
    if keep { Some(wide) } else { r.squeeze(wide, &axes) }
}

/// A factor that does not vary along the reduced axes is applied to the sum: `sum(x * y[:, None], 1)`.
fn sum_scaled(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let op = x.op().filter(|op| matches!(op, Op::Multiply | Op::Divide))?;
    if op == Op::Divide && r.dtype(s.children[0]).is_complex() {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let full = r.shape(s.children[0]);
    for (varying, factor) in [(0, 1), (1, 0)] {
        if op == Op::Divide && varying == 1 {
            return None;
        }
        let (v, f) = (x.children[varying], x.children[factor]);
        let (repeated, _) = broadcast_axes(r, f, &full, &axes);
        let (lost, _) = broadcast_axes(r, v, &full, &axes);
        // An axis of size 1 counts as repeated in neither.
        let unit = axes.iter().filter(|a| full[**a as usize].is(1)).count();
        if repeated.len() + unit < axes.len() || !lost.is_empty() || repeated.is_empty() {
            continue;
        }
        // All reduced axes are the factor's: they are among the last.
        let missing = (full.len() - r.shape(v).len()) as i64;
        let own: Vec<i64> = axes.iter().map(|a| a - missing).collect();
        let sum = r.reduce(Op::Sum, v, &own, true)?;
        let scaled = r.elementwise(op, &[sum, f])?;
        return if keep { Some(scaled) } else { r.squeeze(scaled, &axes) };
    }
    None
}

fn sum_negative(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Negative) {
        return None;
    }
    let attrs = r.attrs(s);
    let sum = r.node(Op::Sum, attrs, &[x.children[0]])?;
    r.elementwise(Op::Negative, &[sum])
}

/// Without the transpose, where the axes that stay keep their order.
fn reduce_transpose(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Transpose) || order_matters(r, s.op()?, s.children[0]) {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let attrs = r.attrs(x);
    let perm = attrs.ints(Key::Perm);
    let mut source: Vec<i64> = axes.iter().map(|a| perm[*a as usize]).collect();
    source.sort_unstable();
    if keep {
        let reduced = r.reduce(s.op()?, x.children[0], &source, true)?;
        return r.transpose(reduced, perm);
    }
    let rest: Vec<i64> =
        (0..perm.len() as i64).filter(|k| !axes.contains(k)).map(|k| perm[k as usize]).collect();
    let reduced = r.reduce(s.op()?, x.children[0], &source, false)?;
    let below = |a: i64| a - source.iter().filter(|s| **s < a).count() as i64;
    r.transpose(reduced, &rest.into_iter().map(below).collect::<Vec<_>>())
}

/// Inserted axes are not there before the insertion.
fn reduce_unit_axes(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::ExpandDims) {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let attrs = r.attrs(x);
    let inserted = attrs.ints(Key::Axes);
    if keep {
        return None;
    }
    let below = |a: i64| a - inserted.iter().filter(|i| **i < a).count() as i64;
    let own: Vec<i64> = axes.iter().filter(|a| !inserted.contains(a)).map(|a| below(*a)).collect();
    if own.is_empty() {
        return None;
    }
    let reduced = r.reduce(s.op()?, x.children[0], &own, false)?;
    // Inserted axes that are not reduced are inserted afterward.
    let above = |a: i64| a - axes.iter().filter(|i| **i < a).count() as i64;
    let left: Vec<i64> = inserted.iter().filter(|a| !axes.contains(a)).map(|a| above(*a)).collect();
    r.expand_dims(reduced, &left)
}

fn squeeze_keepdims(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let op = x.op().filter(|op| op.def().combine.is_some() && op.class() == frit_ir::ops::Class::Reduce)?;
    let (axes, keep) = parts(r, x);
    let attrs = r.attrs(s);
    if !keep || attrs.ints(Key::Axes) != axes || r.dtype(x.children[0]) == DType::Bool && op == Op::Sum {
        return None;
    }
    r.reduce(op, x.children[0], &axes, false)
}
