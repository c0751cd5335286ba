//! Gathers (integer indexing, `take`) moved toward their source.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pair};
use super::movement::{numeric, sums};
use crate::make::Make;
use crate::movement::change_along;
use crate::pass::MathLevel::{Exact, Reassociate};
use egg::Id;
use frit_ir::dim::product;
use frit_ir::infer::broadcast_shapes;
use frit_ir::ops::Class;
use frit_ir::{Attr, Attrs, Dim, Key, Op, Slice};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    node("gather-constant",       Exact,       &[Op::Gather], gather_constant),
    node("gather-in-order",       Exact,       &[Op::Gather], gather_in_order),
    pair("gather-elementwise",    Exact,       &[Op::Gather], gather_elementwise),
    pair("gather-transpose",      Exact,       &[Op::Gather], gather_transpose),
    pair("gather-along",          Exact,       &[Op::Gather], |r, g, x| gather_along(r, g, x, &|op| !rounds(op) && op.class() != Class::Elementwise)),
    // How a sum is added up, and how a routine blocks its work, may depend on the size of all of it.
    pair("gather-rows",           Reassociate, &[Op::Gather], |r, g, x| gather_along(r, g, x, &|op| rounds(op) && op != Op::Matmul)).exact_for_ints(),
    pair("gather-matmul",         Reassociate, &[Op::Gather], gather_matmul).exact_for_ints(),
];

/// One known position along one axis is a slice, if it is inside for every size.
fn gather_constant(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let attrs = r.attrs(n);
    let &[axis] = attrs.ints(Key::Axes) else { return None };
    if !r.shape(n.children[1]).is_empty() {
        return None;
    }
    let (shape, c) = (r.shape(n.children[0]), r.value(n.children[1])?.as_i64());
    let size = &shape[axis as usize];
    let start = if c < 0 { size + c } else { Dim::constant(c) };
    if !r.proves_le(&Dim::constant(0), &start) || !r.proves_le(&(&start + 1), size) {
        return None;
    }
    let mut slices: Vec<Slice> = shape.iter().map(Slice::full).collect();
    slices[axis as usize] = Slice { start, size: 1.into(), step: 1 };
    let x = r.slice(n.children[0], &slices)?;
    r.squeeze(x, &[axis])
}

/// The first positions of an axis, one after the other, are a slice with that axis in front.
fn gather_in_order(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let attrs = r.attrs(n);
    let &[axis] = attrs.ints(Key::Axes) else { return None };
    let [count] = &r.shape(n.children[1])[..] else { return None };
    let (count, shape) = (count.clone(), r.shape(n.children[0]));
    r.form(n.children[1], Op::Iota)?;
    if !r.proves_le(&count, &shape[axis as usize]) {
        return None;
    }
    let mut slices: Vec<Slice> = shape.iter().map(Slice::full).collect();
    slices[axis as usize] = Slice { start: 0.into(), size: count, step: 1 };
    let x = r.slice(n.children[0], &slices)?;
    let rest = (0..shape.len() as i64).filter(|k| *k != axis);
    r.transpose(x, &std::iter::once(axis).chain(rest).collect::<Vec<_>>())
}

/// Each operand is indexed on its own, along the axes that it has: those along which it broadcasts are lost.
fn gather_elementwise(r: &mut Rewriter<'_>, g: &ENode, x: &ENode) -> Option<Id> {
    let op = x.op().filter(|op| op.class() == Class::Elementwise)?;
    let (attrs, own) = (r.attrs(g), r.attrs(x));
    let axes = attrs.ints(Key::Axes);
    let full = r.shape(g.children[0]);
    let indices: Vec<Vec<Dim>> = g.children[1..].iter().map(|i| r.shape(*i)).collect();
    let together =
        |shapes: &[Vec<Dim>]| broadcast_shapes(&shapes.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let positions = together(&indices)?;
    let mut operands = Vec::with_capacity(x.children.len());
    for c in &x.children {
        let shape = r.shape(*c);
        let missing = full.len() - shape.len();
        let spans = |a: &i64| {
            let k = *a as usize;
            k >= missing && shape[k - missing] == full[k]
        };
        let missing = missing as i64;
        let lost: Vec<i64> =
            axes.iter().filter(|a| **a >= missing && !spans(a)).map(|a| a - missing).collect();
        let kept = r.squeeze(*c, &lost)?;
        let (mut mine, mut indices) = (vec![], vec![kept]);
        for (a, index) in axes.iter().zip(&g.children[1..]).filter(|(a, _)| spans(a)) {
            let a = a - missing;
            mine.push(a - lost.iter().filter(|l| **l < a).count() as i64);
            indices.push(*index);
        }
        if mine.is_empty() {
            operands.push(kept);
            continue;
        }
        let shapes: Vec<Vec<Dim>> = indices[1..].iter().map(|i| r.shape(*i)).collect();
        if together(&shapes)? != positions {
            // An index that is left out had axes of its own.
            indices[1] = r.broadcast_to(indices[1], &positions)?;
        }
        // The result has the index axes first; axes that the operand lacks stand between them and its own.
        let gathered = r.node(Op::Gather, Attrs::new([(Key::Axes, Attr::Ints(mine))]), &indices)?;
        let gone = axes.iter().filter(|a| **a < missing).count() as i64;
        let gap: Vec<i64> = (0..missing - gone).map(|k| positions.len() as i64 + k).collect();
        operands.push(r.expand_dims(gathered, &gap)?);
    }
    r.node(op, own, &operands)
}

fn rounds(op: Op) -> bool {
    sums(op) || numeric(op) || op == Op::Matmul
}

/// `take(f(x), index, axis) -> f(take(x, index, axis))` along an axis on which `f` works position by position.
fn gather_along(r: &mut Rewriter<'_>, g: &ENode, x: &ENode, wanted: &dyn Fn(Op) -> bool) -> Option<Id> {
    let op = x.op().filter(|op| wanted(*op))?;
    let (attrs, own) = (r.attrs(g), r.attrs(x));
    let &[axis] = attrs.ints(Key::Axes) else { return None };
    let shape = r.shape(g.children[0]);
    // There is no position in nothing: the run must find that out.
    if shape[axis as usize].is(0) {
        return None;
    }
    // Along a vector of positions; the result has their axes in its place at last.
    let positions = r.shape(g.children[1]);
    let count = product(&positions);
    let index = r.reshape(g.children[1], std::slice::from_ref(&count))?;
    let mut take = |r: &mut Rewriter<'_>, x: Id, axis: usize| -> Option<Id> {
        let attrs = Attrs::new([(Key::Axes, Attr::Ints(vec![axis as i64]))]);
        let taken = r.node(Op::Gather, attrs, &[x, index])?;
        let rank = r.shape(taken).len() as i64;
        let place = |k: i64| if k == axis as i64 { 0 } else { k + (k < axis as i64) as i64 };
        r.transpose(taken, &(0..rank).map(place).collect::<Vec<_>>())
    };
    let taken = change_along(r, (op, &own, &x.children), &shape, (axis as usize, &count), &mut take)?;
    let rest = (0..shape.len() as i64).filter(|k| *k != axis);
    let front = r.transpose(taken, &std::iter::once(axis).chain(rest).collect::<Vec<_>>())?;
    if positions.len() == 1 {
        return Some(front);
    }
    let tail = shape.iter().enumerate().filter(|(k, _)| *k as i64 != axis).map(|(_, d)| d.clone());
    r.reshape(front, &positions.into_iter().chain(tail).collect::<Vec<_>>())
}

fn gather_transpose(r: &mut Rewriter<'_>, g: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Transpose) {
        return None;
    }
    let (attrs, own) = (r.attrs(g), r.attrs(x));
    let perm = own.ints(Key::Perm);
    let &[axis] = attrs.ints(Key::Axes) else { return None };
    let source = perm[axis as usize];
    let gathered = r.node(
        Op::Gather,
        Attrs::new([(Key::Axes, Attr::Ints(vec![source]))]),
        &[x.children[0], g.children[1]],
    )?;
    // The other axes follow the index axes, in the transposed order.
    let index_rank = r.shape(g.children[1]).len() as i64;
    let rest = perm.iter().filter(|p| **p != source).map(|p| index_rank + p - (*p > source) as i64);
    let order: Vec<i64> = (0..index_rank).chain(rest).collect();
    r.transpose(gathered, &order)
}

/// Rows or columns of a product of two matrices, by an index array with one axis.
fn gather_matmul(r: &mut Rewriter<'_>, g: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Matmul) || r.shape(g.children[1]).len() != 1 {
        return None;
    }
    let (a, b) = (x.children[0], x.children[1]);
    if r.shape(a).len() != 2 || r.shape(b).len() != 2 {
        return None;
    }
    let attrs = r.attrs(g);
    match attrs.ints(Key::Axes) {
        [0] => {
            let rows = r.node(Op::Gather, attrs, &[a, g.children[1]])?;
            r.elementwise(Op::Matmul, &[rows, b])
        }
        [1] => {
            let columns = r.node(Op::Gather, attrs, &[b, g.children[1]])?;
            let at = r.matrix_transpose(a)?;
            r.elementwise(Op::Matmul, &[columns, at])
        }
        _ => None,
    }
}
