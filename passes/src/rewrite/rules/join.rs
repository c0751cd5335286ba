//! Joined and padded arrays. All exact: elements only change their places.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pair};
use crate::make::Make;
use crate::pass::MathLevel::Exact;
use egg::Id;
use frit_ir::{Attr, Attrs, Dim, Key, Op, Slice};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    node("concatenate-flat",      Exact,       &[Op::Concatenate],             concatenate_flat),
    node("concatenate-neighbors", Exact,       &[Op::Concatenate],             concatenate_neighbors),
    node("pad-nothing",           Exact,       &[Op::Pad],                     pad_nothing),
    pair("pad-pad",               Exact,       &[Op::Pad],                     pad_pad),
    pair("pad-constant",          Exact,       &[Op::Pad],                     pad_constant),
];

/// Operands that are joined along the same axis themselves, and empty ones.
fn concatenate_flat(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let attrs = r.attrs(n);
    let axis = attrs.int(Key::Axis) as usize;
    let mut flat = Vec::with_capacity(n.children.len());
    for x in &n.children {
        let inner = r.forms(*x, Op::Concatenate).into_iter().find(|f| r.attrs(f) == attrs);
        match inner {
            // A class that holds a join of itself would grow without end.
            Some(f) if !f.children.contains(x) => flat.extend(f.children),
            _ if r.shape(*x)[axis].is(0) => {}
            _ => flat.push(*x),
        }
    }
    if flat == n.children {
        return None;
    }
    joined(r, attrs, &flat)
}

fn joined(r: &mut Rewriter<'_>, attrs: Attrs, parts: &[Id]) -> Option<Id> {
    match parts {
        [] => None,
        [one] => Some(*one),
        _ => r.node(Op::Concatenate, attrs, parts),
    }
}

/// Adjacent slices of one array are one slice: `concatenate([x[:10], x[10:]])`, `stack([x[0], x[1]])`.
fn concatenate_neighbors(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let attrs = r.attrs(n);
    let axis = attrs.int(Key::Axis) as usize;
    let mut parts: Vec<Id> = Vec::with_capacity(n.children.len());
    for x in &n.children {
        let merged = parts.last().and_then(|last| adjacent(r, *last, *x, axis));
        match merged {
            Some((source, slices)) => {
                let both = r.slice(source, &slices)?;
                parts.pop();
                parts.push(both);
            }
            None => parts.push(*x),
        }
    }
    if parts.len() == n.children.len() {
        return None;
    }
    joined(r, attrs, &parts)
}

/// The ways in which a class is a slice of an array; each array is a slice of itself.
fn as_slices(r: &Rewriter<'_>, x: Id) -> Vec<(Id, Vec<Slice>)> {
    let whole = (x, r.shape(x).iter().map(Slice::full).collect());
    let forms = r.forms(x, Op::Slice);
    forms.iter().map(|f| (f.children[0], r.attrs(f).slices().to_vec())).chain([whole]).collect()
}

/// The slice that is `first` followed by `second` along an axis.
fn adjacent(r: &Rewriter<'_>, first: Id, second: Id, axis: usize) -> Option<(Id, Vec<Slice>)> {
    let seconds = as_slices(r, second);
    for (source, a) in as_slices(r, first) {
        for (other, b) in &seconds {
            let beside = a.iter().zip(b).enumerate().all(|(k, (p, q))| k == axis || p == q);
            if *other != source || !beside {
                continue;
            }
            let (p, q) = (&a[axis], &b[axis]);
            // One element has any step.
            let step = match (p.size.is(1), q.size.is(1)) {
                (true, true) => (&q.start - &p.start).as_const().filter(|s| *s != 0),
                (true, false) => Some(q.step),
                (false, true) => Some(p.step),
                (false, false) => (p.step == q.step).then_some(p.step),
            };
            let Some(step) = step else { continue };
            if &p.start + &(&p.size * step) == q.start {
                let mut both = a.clone();
                both[axis] = Slice { start: p.start.clone(), size: &p.size + &q.size, step };
                return Some((source, both));
            }
        }
    }
    None
}

fn widths(attrs: &Attrs) -> (Vec<Dim>, Vec<Dim>) {
    (attrs.dims(Key::PadLow).to_vec(), attrs.dims(Key::PadHigh).to_vec())
}

fn pad_nothing(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (low, high) = widths(&r.attrs(n));
    low.iter().chain(&high).all(|d| d.is(0)).then_some(n.children[0])
}

/// With the same constant.
fn pad_pad(r: &mut Rewriter<'_>, outer: &ENode, inner: &ENode) -> Option<Id> {
    if inner.op() != Some(Op::Pad) || inner.children[1] != outer.children[1] {
        return None;
    }
    let ((a, b), (c, d)) = (widths(&r.attrs(outer)), widths(&r.attrs(inner)));
    let sum = |p: &[Dim], q: &[Dim]| Attr::Dims(p.iter().zip(q).map(|(p, q)| p + q).collect());
    let attrs = Attrs::new([(Key::PadLow, sum(&a, &c)), (Key::PadHigh, sum(&b, &d))]);
    r.node(Op::Pad, attrs, &inner.children)
}

/// A constant array with more of the same constant around it.
fn pad_constant(r: &mut Rewriter<'_>, outer: &ENode, _: &ENode) -> Option<Id> {
    let (x, c) = (r.value(outer.children[0])?, r.value(outer.children[1])?);
    (x == c).then(|| super::fill(r, outer, c))?
}
