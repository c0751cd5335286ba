//! Reductions of reductions, of broadcast operands, of scaled operands.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, pair};
use crate::make::Make;
use crate::movement::groups;
use crate::pass::MathLevel::{Exact, Fast, Reassociate};
use egg::Id;
use frit_ir::dim::product;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Slice};

const SUMS: &[Op] = &[Op::Sum, Op::Prod];
const EXTREMES: &[Op] = &[Op::Min, Op::Max, Op::Any, Op::All];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pair("sum-sum",               Reassociate, SUMS,          reduce_reduce).exact_for_ints(),
    pair("extreme-extreme",       Exact,       EXTREMES,      reduce_reduce),
    // An infinite term times the size 0 is NaN where the empty sum is 0; otherwise equal up to rounding.
    pair("sum-broadcast",         Reassociate, &[Op::Sum],    sum_broadcast).exact_for_ints(),
    pair("extreme-broadcast",     Exact,       EXTREMES,      extreme_broadcast),
    pair("prod-broadcast",        Reassociate, &[Op::Prod],   prod_broadcast).exact_for_ints(),
    pair("sum-terms",             Reassociate, &[Op::Sum],    sum_terms).exact_for_ints(),
    pair("sum-reshape",           Reassociate, SUMS,          reduce_reshape).exact_for_ints(),
    pair("extreme-reshape",       Exact,       EXTREMES,      reduce_reshape),
    pair("sum-flip",              Reassociate, SUMS,          reduce_flip).exact_for_ints(),
    pair("extreme-flip",          Reassociate, EXTREMES,      reduce_flip).exact_for_ints(),
    pair("sum-concatenate",       Reassociate, SUMS,          reduce_concatenate).exact_for_ints(),
    pair("extreme-concatenate",   Exact,       EXTREMES,      reduce_concatenate),
    pair("sum-pad",               Reassociate, &[Op::Sum],    sum_pad).exact_for_ints(),
    pair("cumulative-broadcast",  Reassociate, &[Op::Cumsum], cumsum_broadcast).exact_for_ints(),
    // As `(x + y) - y`: what the sums before have rounded away would come back.
    pair("difference-cumsum",     Fast,        &[Op::Subtract], difference_cumsum).exact_for_ints(),
    pair("sum-scaled",            Reassociate, &[Op::Sum],    sum_scaled).exact_for_ints(),
    pair("sum-negative",          Reassociate, &[Op::Sum],    sum_negative).exact_for_ints(),
    pair("sum-transpose",         Reassociate, SUMS,          reduce_transpose).exact_for_ints(),
    pair("extreme-transpose",     Exact,       EXTREMES,      reduce_transpose),
    pair("sum-view",              Reassociate, SUMS,          reduce_unit_axes).exact_for_ints(),
    pair("extreme-view",          Exact,       EXTREMES,      reduce_unit_axes),
    pair("squeeze-keepdims",      Exact,       &[Op::Squeeze], squeeze_keepdims),
];

/// Axes and keepdims of a reduction.
pub(super) fn parts(r: &Rewriter<'_>, n: &ENode) -> (Vec<i64>, bool) {
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
pub(super) fn full_rank(r: &mut Rewriter<'_>, source: Id, rank: usize) -> Option<Id> {
    let missing = (rank - r.shape(source).len()) as i64;
    r.expand_dims(source, &(0..missing).collect::<Vec<_>>())
}

/// `sum(broadcast(x)) -> sum(x) * n` over the axes that were only repeated.
fn sum_broadcast(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    reduce_broadcast(r, s, x, Op::Sum, Op::Multiply)
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
        // A sum that cancels to 0 times an infinity is NaN.
        if r.value(f).is_some_and(|c| !c.as_complex().is_finite()) {
            continue;
        }
        // An axis of size 1 counts as repeated in neither.
        if repeated.is_empty() || lost.iter().any(|a| repeated.contains(a)) {
            continue;
        }
        let missing = (full.len() - r.shape(v).len()) as i64;
        let own: Vec<i64> = repeated.iter().map(|a| a - missing).collect();
        let sum = r.reduce(Op::Sum, v, &own, true)?;
        let scaled = r.elementwise(op, &[sum, f])?;
        let rest: Vec<i64> = axes.iter().copied().filter(|a| !repeated.contains(a)).collect();
        // The factor varies along the rest: `sum(x[:, None] * y) -> sum(x * sum(y))`.
        let scaled = full_rank(r, scaled, full.len())?;
        let total = if rest.is_empty() { scaled } else { r.reduce(Op::Sum, scaled, &rest, true)? };
        return if keep { Some(total) } else { r.squeeze(total, &axes) };
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
    let dropped = attrs.ints(Key::Axes);
    if !keep
        || axes.iter().any(|a| !dropped.contains(a))
        || r.dtype(x.children[0]) == DType::Bool && op == Op::Sum
    {
        return None;
    }
    let reduced = r.reduce(op, x.children[0], &axes, false)?;
    let below = |a: &i64| a - axes.iter().filter(|k| *k < a).count() as i64;
    let rest: Vec<i64> = dropped.iter().filter(|a| !axes.contains(a)).map(below).collect();
    r.squeeze(reduced, &rest)
}

/// Sizes of the result with the reduced axes kept.
fn kept_shape(full: &[Dim], axes: &[i64]) -> Vec<Dim> {
    let size = |(k, d): (usize, &Dim)| if axes.contains(&(k as i64)) { Dim::constant(1) } else { d.clone() };
    full.iter().enumerate().map(size).collect()
}

/// `prod(broadcast(x)) -> prod(x) ** n` over the axes that were only repeated.
fn prod_broadcast(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let real = !r.dtype(s.children[0]).is_complex();
    real.then(|| reduce_broadcast(r, s, x, Op::Prod, Op::Power)).flatten()
}

/// A reduction of a broadcast value: of the axes that are the value's own, then combined with the number of repetitions.
fn reduce_broadcast(r: &mut Rewriter<'_>, s: &ENode, x: &ENode, op: Op, repeat: Op) -> Option<Id> {
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
    let once = if own.is_empty() { source } else { r.reduce(op, source, &own, true)? };
    let n = count(r, &full, &repeated, once)?;
    let all = r.elementwise(repeat, &[once, n])?;
    // Axes that are not reduced may be broadcast too.
    let wide = r.broadcast_to(all, &kept_shape(&full, &axes))?;
    if keep { Some(wide) } else { r.squeeze(wide, &axes) }
}

/// The number of elements along axes, in the type of a value.
fn count(r: &mut Rewriter<'_>, full: &[Dim], axes: &[i64], like: Id) -> Option<Id> {
    let count = product(axes.iter().map(|a| &full[*a as usize]));
    let n = r.node(Op::DimValue, Attrs::new([(Key::Dim, Attr::Dim(count))]), &[])?;
    let t = r.dtype(like);
    r.cast(n, t)
}

/// Terms that do not vary along all reduced axes are summed by themselves: `sum(x[:, None] + y, 1) -> x * n + sum(y)`.
fn sum_terms(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let op = x.op().filter(|op| matches!(op, Op::Add | Op::Subtract))?;
    let (axes, keep) = parts(r, s);
    let full = r.shape(s.children[0]);
    let repeats = |r: &Rewriter<'_>, x: Id| !broadcast_axes(r, x, &full, &axes).0.is_empty();
    if !x.children.iter().any(|c| repeats(r, *c)) {
        return None;
    }
    let mut sums = Vec::with_capacity(2);
    for c in &x.children {
        let (repeated, own) = broadcast_axes(r, *c, &full, &axes);
        // Axes that the term has are among the last; it stays aligned with them.
        let missing = (full.len() - r.shape(*c).len()) as i64;
        let own: Vec<i64> = own.iter().map(|a| a - missing).collect();
        let mut sum = if own.is_empty() { *c } else { r.reduce(Op::Sum, *c, &own, true)? };
        if !repeated.is_empty() {
            let n = count(r, &full, &repeated, sum)?;
            sum = r.elementwise(Op::Multiply, &[sum, n])?;
        }
        sums.push(sum);
    }
    let total = r.elementwise(op, &sums)?;
    let wide = r.broadcast_to(total, &kept_shape(&full, &axes))?;
    if keep { Some(wide) } else { r.squeeze(wide, &axes) }
}

/// Over the axes before the reshape, where it merges or splits only reduced axes.
fn reduce_reshape(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Reshape) || order_matters(r, s.op()?, s.children[0]) {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let (from, to) = (r.shape(x.children[0]), r.shape(s.children[0]));
    let mut own: Vec<i64> = Vec::new();
    for (i, j) in groups(&from, &to)? {
        let reduced = j.clone().filter(|k| axes.contains(&(*k as i64))).count();
        if reduced == j.len() && !(j.is_empty() && i.is_empty()) {
            own.extend(i.map(|k| k as i64));
        } else if reduced > 0 {
            return None;
        }
    }
    if own.is_empty() {
        return None;
    }
    let reduced = r.reduce(s.op()?, x.children[0], &own, false)?;
    let shape = if keep { kept_shape(&to, &axes) } else { rest(&to, &axes) };
    r.reshape(reduced, &shape)
}

/// Sizes of the axes that are not reduced.
fn rest(full: &[Dim], axes: &[i64]) -> Vec<Dim> {
    full.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64))).map(|(_, d)| d.clone()).collect()
}

/// Reduced axes may be read in either direction; of two zeros an extreme takes the first.
fn reduce_flip(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Slice) || order_matters(r, s.op()?, s.children[0]) {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let attrs = r.attrs(x);
    let mut slices = attrs.slices().to_vec();
    for a in &axes {
        let s = &mut slices[*a as usize];
        if s.step < 0 {
            *s = Slice { start: &s.start + &((&s.size - 1) * s.step), size: s.size.clone(), step: -s.step };
        }
    }
    if slices == attrs.slices() {
        return None;
    }
    let forward = r.slice(x.children[0], &slices)?;
    r.reduce(s.op()?, forward, &axes, keep)
}

/// Each part by itself.
fn reduce_concatenate(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let op = s.op()?;
    if x.op() != Some(Op::Concatenate) || order_matters(r, op, s.children[0]) {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let axis = r.attrs(x).int(Key::Axis);
    let mut parts = Vec::with_capacity(x.children.len());
    for c in &x.children {
        // A part without elements has no extreme.
        let size = r.shape(*c)[axis as usize].clone();
        let extreme = matches!(op, Op::Min | Op::Max);
        if extreme && axes.contains(&axis) && !r.proves_le(&Dim::constant(1), &size) {
            return None;
        }
        parts.push(r.reduce(op, *c, &axes, keep)?);
    }
    if !axes.contains(&axis) {
        let below = if keep { 0 } else { axes.iter().filter(|a| **a < axis).count() as i64 };
        return r.node(Op::Concatenate, Attrs::new([(Key::Axis, Attr::Int(axis - below))]), &parts);
    }
    let both = match op {
        Op::Sum => Op::Add,
        Op::Prod => Op::Multiply,
        Op::Min => Op::Minimum,
        Op::Max => Op::Maximum,
        Op::Any => Op::LogicalOr,
        Op::All => Op::LogicalAnd,
        _ => return None,
    };
    let mut total = *parts.first()?;
    for p in &parts[1..] {
        total = r.elementwise(both, &[total, *p])?;
    }
    Some(total)
}

/// Padding with zeros adds nothing; axes that are not reduced are padded afterward.
fn sum_pad(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Pad) || !r.is(x.children[1], 0.0) {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let attrs = r.attrs(x);
    let sum = r.reduce(Op::Sum, x.children[0], &axes, keep)?;
    let width = |key: Key| -> Vec<Dim> {
        let all = attrs.dims(key).iter().enumerate();
        let of = |(k, d): (usize, &Dim)| match (axes.contains(&(k as i64)), keep) {
            (false, _) => Some(d.clone()),
            (true, true) => Some(Dim::constant(0)),
            (true, false) => None,
        };
        all.filter_map(of).collect()
    };
    let (low, high) = (width(Key::PadLow), width(Key::PadHigh));
    if low.iter().chain(&high).all(|d| d.is(0)) {
        return Some(sum);
    }
    r.node(
        Op::Pad,
        Attrs::new([(Key::PadLow, Attr::Dims(low)), (Key::PadHigh, Attr::Dims(high))]),
        &[sum, x.children[1]],
    )
}

/// `cumsum(broadcast(x)) -> x * (1, 2, ..)` along an axis that was only repeated.
fn cumsum_broadcast(r: &mut Rewriter<'_>, c: &ENode, x: &ENode) -> Option<Id> {
    let axis = r.attrs(c).int(Key::Axis);
    let full = r.shape(c.children[0]);
    if x.op() != Some(Op::BroadcastTo) || broadcast_axes(r, x.children[0], &full, &[axis]).0.is_empty() {
        return None;
    }
    let mut line: Vec<Dim> = vec![Dim::constant(1); full.len()];
    line[axis as usize] = full[axis as usize].clone();
    let attrs =
        [(Key::Axis, Attr::Int(axis)), (Key::DType, Attr::DType(DType::I64)), (Key::Shape, Attr::Dims(line))];
    let before = r.node(Op::Iota, Attrs::new(attrs), &[])?;
    let one = r.number(DType::I64, 1.0)?;
    let position = r.elementwise(Op::Add, &[before, one])?;
    let t = r.dtype(c.children[0]);
    let position = r.cast(position, t)?;
    let sums = r.elementwise(Op::Multiply, &[position, x.children[0]])?;
    r.broadcast_to(sums, &full)
}

/// Differences of neighbors in a running sum are what was added.
fn difference_cumsum(r: &mut Rewriter<'_>, d: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Slice) {
        return None;
    }
    let later = r.attrs(x);
    for y in r.forms(d.children[1], Op::Slice) {
        if y.children[0] != x.children[0] {
            continue;
        }
        let sums = r.form(x.children[0], Op::Cumsum)?;
        let axis = r.attrs(&sums).int(Key::Axis) as usize;
        let attrs = r.attrs(&y);
        let mut shifted = attrs.slices().to_vec();
        shifted[axis].start = &shifted[axis].start + 1;
        if later.slices() == shifted {
            return r.slice(sums.children[0], later.slices());
        }
    }
    None
}
