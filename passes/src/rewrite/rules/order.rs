//! Sorting and selection: parts of a sorted array without sorting it.
//!
//! Sorting is stable here, also in what NumPy leaves open (zeros of both signs, NaN payloads), and so is selection: its
//! rules are exact. Minima and maxima may return another zero than sorting does.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pair};
use crate::make::Make;
use crate::pass::MathLevel::{Exact, Reassociate};
use egg::Id;
use frit_ir::dim::product;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // NaN sorts last, so the smallest element ignores NaN unless there is nothing else.
    pair("first-sorted",          Reassociate, &[Op::Slice],  first_sorted).exact_for_ints(),
    pair("last-sorted",           Reassociate, &[Op::Slice],  last_sorted).exact_for_ints(),
    pair("first-sorted-known",    Exact,       &[Op::Slice],  |r, s, x| one_zero(r, x).then(|| first_sorted(r, s, x))?),
    pair("last-sorted-known",     Exact,       &[Op::Slice],  |r, s, x| one_zero(r, x).then(|| last_sorted(r, s, x))?),
    pair("first-argsorted",       Exact,       &[Op::Slice],  first_argsorted),
    pair("last-argsorted",        Exact,       &[Op::Slice],  last_argsorted),
    pair("slice-of-sorted",       Exact,       &[Op::Slice],  slice_of_sorted),
    pair("gather-of-sorted",      Exact,       &[Op::Gather], gather_of_sorted),
    pair("slice-order-statistics", Exact,      &[Op::Slice],  slice_of_statistics),
    node("take-argsorted",        Exact,       &[Op::Gather], take_argsorted),
    node("sort-sorted",           Exact,       &[Op::Sort],   sort_sorted),
    node("argsort-sorted",        Exact,       &[Op::Argsort], argsort_sorted),
    pair("sum-sorted",            Reassociate, &[Op::Sum, Op::Prod], reduce_sorted).exact_for_ints(),
    pair("extreme-sorted",        Exact,       &[Op::Min, Op::Max, Op::Any, Op::All], reduce_sorted),
];

/// The selection in place of a sort: the op, if a node is one.
fn selection(n: &ENode) -> Option<Op> {
    match n.op()? {
        Op::Sort => Some(Op::OrderStatistics),
        Op::Argsort => Some(Op::ArgOrderStatistics),
        _ => None,
    }
}

/// The position of the only element that slices take along the axis of a sort, with all others along the other axes.
fn one_sorted(r: &Rewriter<'_>, s: &ENode, x: &ENode, sort: Op, last: bool) -> Option<(Id, i64)> {
    if x.op() != Some(sort) {
        return None;
    }
    let (slices, attrs) = (r.attrs(s), r.attrs(x));
    let axis = attrs.int(Key::Axis);
    let shape = r.shape(x.children[0]);
    let wanted = if last { &shape[axis as usize] - 1 } else { Dim::constant(0) };
    let whole = |(k, s): (usize, &Slice)| {
        if k as i64 == axis { s.size.is(1) && s.start == wanted } else { s.is_full(&shape[k]) }
    };
    slices.slices().iter().enumerate().all(whole).then_some((x.children[0], axis))
}

/// Of zeros, there are none of one sign.
fn one_zero(r: &Rewriter<'_>, x: &ENode) -> bool {
    x.children.first().is_some_and(|c| r.dtype(*c).is_float() && r.range(*c).never_minus_zero())
}

/// The least number along an axis, of size 1 then; NaN where there is none.
fn least(r: &mut Rewriter<'_>, x: Id, axis: i64) -> Option<Id> {
    let t = r.dtype(x);
    if t.is_complex() {
        return None;
    }
    if !t.is_float() || r.range(x).never_nan() {
        return r.reduce(Op::Min, x, &[axis], true);
    }
    let nan = r.elementwise(Op::Isnan, &[x])?;
    let inf = r.constant(Scalar::from_f64(t, f64::INFINITY))?;
    let numbers = r.elementwise(Op::Where, &[nan, inf, x])?;
    let least = r.reduce(Op::Min, numbers, &[axis], true)?;
    let only_nan = r.reduce(Op::All, nan, &[axis], true)?;
    let none = r.constant(Scalar::from_f64(t, f64::NAN))?;
    r.elementwise(Op::Where, &[only_nan, none, least])
}

fn first_sorted(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let (source, axis) = one_sorted(r, s, x, Op::Sort, false)?;
    least(r, source, axis)
}

/// NaN sorts last, and a maximum is NaN if any element is.
fn last_sorted(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let (source, axis) = one_sorted(r, s, x, Op::Sort, true)?;
    if r.dtype(source).is_complex() {
        return None;
    }
    r.reduce(Op::Max, source, &[axis], true)
}

/// Positions along an axis, in the shape of an array.
fn positions(r: &mut Rewriter<'_>, x: Id, axis: i64) -> Option<Id> {
    let shape = r.shape(x);
    let attrs = Attrs::new([
        (Key::Axis, Attr::Int(axis)),
        (Key::DType, Attr::DType(DType::I64)),
        (Key::Shape, Attr::Dims(shape)),
    ]);
    r.node(Op::Iota, attrs, &[])
}

/// The first of the least numbers, or of all elements where none is a number.
fn first_argsorted(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let (source, axis) = one_sorted(r, s, x, Op::Argsort, false)?;
    let t = r.dtype(source);
    if t.is_complex() {
        return None;
    }
    if !t.is_float() || r.range(source).never_nan() {
        return r.reduce(Op::Argmin, source, &[axis], true);
    }
    let least = least(r, source, axis)?;
    let hit = r.elementwise(Op::Equal, &[source, least])?;
    let at = positions(r, source, axis)?;
    let never = r.constant(Scalar::from_i64(DType::I64, i64::MAX))?;
    let at = r.elementwise(Op::Where, &[hit, at, never])?;
    let first = r.reduce(Op::Min, at, &[axis], true)?;
    let none = r.elementwise(Op::Isnan, &[least])?;
    let zero = r.constant(Scalar::from_i64(DType::I64, 0))?;
    r.elementwise(Op::Where, &[none, zero, first])
}

/// The last of the greatest elements; NaN counts as greater than any number.
fn last_argsorted(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let (source, axis) = one_sorted(r, s, x, Op::Argsort, true)?;
    if r.dtype(source).is_complex() {
        return None;
    }
    let greatest = r.reduce(Op::Max, source, &[axis], true)?;
    let mut hit = r.elementwise(Op::Equal, &[source, greatest])?;
    if r.dtype(source).is_float() {
        let nan = r.elementwise(Op::Isnan, &[source])?;
        hit = r.elementwise(Op::LogicalOr, &[hit, nan])?;
    }
    let at = positions(r, source, axis)?;
    let never = r.constant(Scalar::from_i64(DType::I64, -1))?;
    let at = r.elementwise(Op::Where, &[hit, at, never])?;
    r.reduce(Op::Max, at, &[axis], true)
}

fn select(r: &mut Rewriter<'_>, op: Op, x: Id, kth: Id, axis: i64) -> Option<Id> {
    r.node(op, Attrs::new([(Key::Axis, Attr::Int(axis))]), &[x, kth])
}

/// `sort(x)[a:b:c] -> order_statistics(x, a + c * arange(..))`; other axes are sliced first.
fn slice_of_sorted(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let op = selection(x)?;
    let (attrs, own) = (r.attrs(x), r.attrs(s));
    let axis = attrs.int(Key::Axis) as usize;
    let shape = r.shape(x.children[0]);
    let mut slices = own.slices().to_vec();
    let part = std::mem::replace(&mut slices[axis], Slice::full(&shape[axis]));
    // Everything, in another order perhaps, or nothing.
    if part.size == shape[axis] || part.size.is(0) {
        return None;
    }
    let source = r.slice(x.children[0], &slices)?;
    let start = r.node(Op::DimValue, Attrs::new([(Key::Dim, Attr::Dim(part.start))]), &[])?;
    let kth = if part.size.is(1) {
        r.expand_dims(start, &[0])?
    } else {
        let count = Attrs::new([
            (Key::Axis, Attr::Int(0)),
            (Key::DType, Attr::DType(DType::I64)),
            (Key::Shape, Attr::Dims(vec![part.size])),
        ]);
        let mut steps = r.node(Op::Iota, count, &[])?;
        if part.step != 1 {
            let step = r.constant(Scalar::from_i64(DType::I64, part.step))?;
            steps = r.elementwise(Op::Multiply, &[steps, step])?;
        }
        r.elementwise(Op::Add, &[steps, start])?
    };
    select(r, op, source, kth, axis as i64)
}

/// `sort(x)[at] -> order_statistics(x, at)`, at positions of any shape; negative ones count from the end.
fn gather_of_sorted(r: &mut Rewriter<'_>, g: &ENode, x: &ENode) -> Option<Id> {
    let op = selection(x)?;
    let (attrs, own) = (r.attrs(x), r.attrs(g));
    let axis = attrs.int(Key::Axis);
    if own.ints(Key::Axes) != [axis] {
        return None;
    }
    let source = x.children[0];
    let mut at = g.children[1];
    let shape = r.shape(at);
    let size = r.shape(source)[axis as usize].clone();
    if !r.range(at).nonnegative() {
        let zero = r.constant(Scalar::from_i64(DType::I64, 0))?;
        let negative = r.elementwise(Op::Less, &[at, zero])?;
        let size = r.node(Op::DimValue, Attrs::new([(Key::Dim, Attr::Dim(size))]), &[])?;
        let wrapped = r.elementwise(Op::Add, &[at, size])?;
        at = r.elementwise(Op::Where, &[negative, wrapped, at])?;
    }
    let kth = r.reshape(at, &[product(&shape)])?;
    let chosen = select(r, op, source, kth, axis)?;
    // The chosen ones come first, in the shape of the positions.
    let rank = r.shape(chosen).len() as i64;
    let order: Vec<i64> = std::iter::once(axis).chain((0..rank).filter(|k| *k != axis)).collect();
    let front = r.transpose(chosen, &order)?;
    let full: Vec<Dim> = shape.into_iter().chain(r.shape(front)[1..].iter().cloned()).collect();
    r.reshape(front, &full)
}

/// Fewer positions, or fewer rows.
fn slice_of_statistics(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let op = x.op().filter(|op| matches!(op, Op::OrderStatistics | Op::ArgOrderStatistics))?;
    let (attrs, own) = (r.attrs(x), r.attrs(s));
    let axis = attrs.int(Key::Axis) as usize;
    let (source, kth) = (x.children[0], x.children[1]);
    let shape = r.shape(source);
    let slices = own.slices();
    let mut rows = slices.to_vec();
    rows[axis] = Slice::full(&shape[axis]);
    let source = r.slice(source, &rows)?;
    let kth = if r.shape(kth).len() == 1 {
        r.slice(kth, std::slice::from_ref(&slices[axis]))?
    } else {
        r.slice(kth, slices)?
    };
    select(r, op, source, kth, axis as i64)
}

/// `x[argsort(x)] -> sort(x)`, and `take_along_axis(x, argsort(x, axis), axis)`.
fn take_argsorted(r: &mut Rewriter<'_>, g: &ENode) -> Option<Id> {
    let x = g.children[0];
    let attrs = r.attrs(g);
    let axes = attrs.ints(Key::Axes);
    let shape = r.shape(x);
    let rank = shape.len();
    if axes.len() != rank || g.children.len() != rank + 1 {
        return None;
    }
    let sorted = (0..rank).find(|k| {
        let by = |n: &ENode| n.children[0] == x && r.attrs(n).int(Key::Axis) == *k as i64;
        r.forms(g.children[k + 1], Op::Argsort).iter().any(by)
    })?;
    // Along the other axes, each element's own position.
    let own = |k: usize| {
        let index = g.children[k + 1];
        let t = r.shape(index);
        let Some(p) = r.structure(index).position else { return false };
        p.offset == 0
            && p.from_last == rank - 1 - k
            && t.len() > p.from_last
            && t[t.len() - 1 - p.from_last] == shape[k]
    };
    if !(0..rank).all(|k| k == sorted || own(k)) {
        return None;
    }
    r.node(Op::Sort, Attrs::new([(Key::Axis, Attr::Int(sorted as i64))]), &[x])
}

fn sort_sorted(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let x = n.children[0];
    let rank = r.shape(x).len();
    let axis = r.attrs(n).int(Key::Axis);
    r.structure(x).is_ascending(axis, rank).then_some(x)
}

/// Sorting is stable.
fn argsort_sorted(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let x = n.children[0];
    let rank = r.shape(x).len();
    let axis = r.attrs(n).int(Key::Axis);
    if !r.structure(x).is_ascending(axis, rank) {
        return None;
    }
    positions(r, x, axis)
}

/// Without the sort, where the sorted axis is reduced. The extreme of complex numbers with NaN depends on their order.
fn reduce_sorted(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let op = s.op()?;
    let attrs = r.attrs(s);
    let ordered = matches!(op, Op::Min | Op::Max) && r.dtype(s.children[0]).is_complex();
    if x.op() != Some(Op::Sort) || ordered || !attrs.ints(Key::Axes).contains(&r.attrs(x).int(Key::Axis)) {
        return None;
    }
    r.node(op, attrs, &[x.children[0]])
}
