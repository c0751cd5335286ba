//! Matrix products: association, distribution, and results of which only a part is needed.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pair, pattern};
use crate::fuse::UNROLLED;
use crate::make::Make;
use crate::pass::MathLevel::Reassociate;
use egg::Id;
use frit_ir::{Key, Op};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pattern("matmul-right",       Reassociate, "(matmul (matmul ?a ?b) ?c)",   "(matmul ?a (matmul ?b ?c))").exact_for_ints(),
    pattern("matmul-left",        Reassociate, "(matmul ?a (matmul ?b ?c))",   "(matmul (matmul ?a ?b) ?c)").exact_for_ints(),
    pattern("matmul-add-left",    Reassociate, "(add (matmul ?a ?b) (matmul ?a ?c))",      "(matmul ?a (add ?b ?c))").exact_for_ints(),
    pattern("matmul-add-right",   Reassociate, "(add (matmul ?a ?c) (matmul ?b ?c))",      "(matmul (add ?a ?b) ?c)").exact_for_ints(),
    pattern("matmul-subtract-left",  Reassociate, "(subtract (matmul ?a ?b) (matmul ?a ?c))", "(matmul ?a (subtract ?b ?c))").exact_for_ints(),
    pattern("matmul-subtract-right", Reassociate, "(subtract (matmul ?a ?c) (matmul ?b ?c))", "(matmul (subtract ?a ?b) ?c)").exact_for_ints(),
    pattern("matmul-scaled-left", Reassociate, "(matmul (multiply ?a ?c) ?b)", "(multiply (matmul ?a ?b) ?c)").when(|r, s| r.shape(r.var(s, "?c")).is_empty()).exact_for_ints(),
    pattern("matmul-scaled-right", Reassociate, "(matmul ?a (multiply ?b ?c))", "(multiply (matmul ?a ?b) ?c)").when(|r, s| r.shape(r.var(s, "?c")).is_empty()).exact_for_ints(),
    pair("sum-matmul-columns",    Reassociate, &[Op::Sum],      sum_columns).exact_for_ints(),
    pair("sum-matmul-rows",       Reassociate, &[Op::Sum],      sum_rows).exact_for_ints(),
    pair("diagonal-matmul",       Reassociate, &[Op::Diagonal], diagonal_matmul).exact_for_ints(),
    node("matmul-short-vector",   Reassociate, &[Op::Matmul],   short_vector).exact_for_ints(),
    pattern("inverse-left",       Reassociate, "(matmul (inv ?a) ?b)",         "(solve ?a ?b)"),
];

/// Products with one row or column and an inner size so small that its sum is an expression: nothing is reused, and as
/// a loop it fuses with what is around it.
fn short_vector(r: &mut Rewriter<'_>, m: &ENode) -> Option<Id> {
    let (a, b) = (m.children[0], m.children[1]);
    let (left, right) = (r.shape(a), r.shape(b));
    let short = left.last()?.as_const().is_some_and(|k| (1..=UNROLLED).contains(&k));
    let (rows, columns) = (left[left.len() - 2].clone(), right[right.len() - 1].clone());
    if !short || !(rows.is(1) || columns.is(1)) {
        return None;
    }
    let bt = r.matrix_transpose(b)?;
    let product = r.elementwise(Op::Multiply, &[a, bt])?;
    let rank = r.shape(product).len() as i64;
    if columns.is(1) {
        return r.reduce(Op::Sum, product, &[rank - 1], true);
    }
    let sum = r.reduce(Op::Sum, product, &[rank - 1], false)?;
    r.expand_dims(sum, &[rank - 2])
}

/// The sum over an axis of a product that only one operand has, when it is among the summed axes.
fn sum_side(r: &mut Rewriter<'_>, s: &ENode, x: &ENode, columns: bool) -> Option<Id> {
    if x.op() != Some(Op::Matmul) {
        return None;
    }
    let attrs = r.attrs(s);
    let (axes, keep) = (attrs.ints(Key::Axes), attrs.bool(Key::Keepdims));
    let rank = r.shape(s.children[0]).len() as i64;
    let axis = if columns { rank - 1 } else { rank - 2 };
    let shape = r.shape(s.children[0]);
    // Nothing to gain, and no end: the same rule would match its own result.
    if !axes.contains(&axis) || shape[axis as usize].is(1) {
        return None;
    }
    let side = if columns { x.children[1] } else { x.children[0] };
    let own = r.shape(side).len() as i64 - rank + axis;
    let sum = r.reduce(Op::Sum, side, &[own], true)?;
    let product = if columns { [x.children[0], sum] } else { [sum, x.children[1]] };
    let product = r.elementwise(Op::Matmul, &product)?;
    let rest: Vec<i64> = axes.iter().copied().filter(|a| *a != axis).collect();
    let kept = if rest.is_empty() { product } else { r.reduce(Op::Sum, product, &rest, true)? };
    if keep { Some(kept) } else { r.squeeze(kept, axes) }
}

fn sum_columns(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    sum_side(r, s, x, true)
}

fn sum_rows(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    sum_side(r, s, x, false)
}

/// `diagonal(A @ B) -> sum(A * B.T, -1)` for a square product.
fn diagonal_matmul(r: &mut Rewriter<'_>, d: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Matmul) {
        return None;
    }
    let attrs = r.attrs(d);
    let shape = r.shape(d.children[0]);
    let rank = shape.len() as i64;
    let (a, b) = (attrs.int(Key::Axis), attrs.int(Key::Axis2));
    let last_two = a.min(b) == rank - 2 && a.max(b) == rank - 1;
    if !last_two || attrs.int(Key::Offset) != 0 || shape[rank as usize - 1] != shape[rank as usize - 2] {
        return None;
    }
    let bt = r.matrix_transpose(x.children[1])?;
    let product = r.elementwise(Op::Multiply, &[x.children[0], bt])?;
    r.reduce(Op::Sum, product, &[rank - 1], false)
}
