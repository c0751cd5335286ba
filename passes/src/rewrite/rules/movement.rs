//! Slices and transposes moved toward their source, where they make other work smaller or cancel.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pair};
use crate::make::Make;
use crate::movement::{compose_perm, slice_of};
use crate::pass::MathLevel::{Exact, Reassociate};
use egg::Id;
use frit_ir::ops::Class;
use frit_ir::{Dim, Key, Op};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pair("slice-elementwise",     Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op.class() == Class::Elementwise)),
    pair("slice-view",            Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op.class() == Class::View)),
    pair("slice-concatenate",     Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Concatenate)),
    pair("slice-pad",             Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Pad)),
    pair("slice-gather",          Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Gather)),
    pair("slice-sort",            Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Sort)),
    pair("slice-iota",            Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Iota)),
    pair("slice-extreme",         Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| ordered(op) && !sums(op))),
    // A smaller sum or product may be added up in another order.
    pair("slice-sum",             Reassociate, &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| ordered(op) && sums(op))).exact_for_ints(),
    pair("slice-matmul",          Reassociate, &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Matmul)).exact_for_ints(),
    pair("transpose-transpose",   Exact,       &[Op::Transpose], transpose_transpose),
    pair("transpose-elementwise", Exact,       &[Op::Transpose], transpose_elementwise),
    pair("transpose-matmul",      Reassociate, &[Op::Transpose], transpose_matmul).exact_for_ints(),
    node("matmul-transposes",     Reassociate, &[Op::Matmul],    matmul_transposes).exact_for_ints(),
    pair("squeeze-elementwise",   Exact,       &[Op::Squeeze],   squeeze_elementwise),
];

fn ordered(op: Op) -> bool {
    matches!(op.class(), Class::Reduce | Class::Cumulative)
}

fn sums(op: Op) -> bool {
    matches!(op, Op::Sum | Op::Prod | Op::Cumsum | Op::Cumprod)
}

fn slice(r: &mut Rewriter<'_>, s: &ENode, x: &ENode, wanted: &dyn Fn(Op) -> bool) -> Option<Id> {
    let op = x.op().filter(|op| wanted(*op))?;
    let (slices, attrs) = (r.attrs(s), r.attrs(x));
    let shape = r.shape(s.children[0]);
    slice_of(r, (op, &attrs, &x.children), &shape, slices.slices())
}

fn transpose_transpose(r: &mut Rewriter<'_>, outer: &ENode, inner: &ENode) -> Option<Id> {
    if inner.op() != Some(Op::Transpose) {
        return None;
    }
    let (outer, attrs) = (r.attrs(outer), r.attrs(inner));
    r.transpose(inner.children[0], &compose_perm(attrs.ints(Key::Perm), outer.ints(Key::Perm)))
}

/// Only onto operands of full rank and scalars, and only where it may meet another transpose.
fn transpose_elementwise(r: &mut Rewriter<'_>, t: &ENode, x: &ENode) -> Option<Id> {
    let op = x.op().filter(|op| op.class() == Class::Elementwise)?;
    let (perm, attrs) = (r.attrs(t), r.attrs(x));
    let perm = perm.ints(Key::Perm);
    if !x.children.iter().any(|c| r.form(*c, Op::Transpose).is_some() || r.form(*c, Op::Matmul).is_some()) {
        return None;
    }
    let mut operands = Vec::with_capacity(x.children.len());
    for c in &x.children {
        match r.shape(*c).len() {
            0 => operands.push(*c),
            n if n == perm.len() => operands.push(r.transpose(*c, perm)?),
            _ => return None,
        }
    }
    r.node(op, attrs, &operands)
}

fn swaps_last_two(perm: &[i64]) -> bool {
    let r = perm.len();
    let kept = |k: usize| perm[k] == k as i64;
    r >= 2 && (0..r - 2).all(kept) && perm[r - 1] == r as i64 - 2
}

fn transpose_matmul(r: &mut Rewriter<'_>, t: &ENode, x: &ENode) -> Option<Id> {
    let attrs = r.attrs(t);
    if x.op() != Some(Op::Matmul) || !swaps_last_two(attrs.ints(Key::Perm)) {
        return None;
    }
    if !x.children.iter().any(|c| r.form(*c, Op::Transpose).is_some()) {
        return None;
    }
    let (a, b) = (r.matrix_transpose(x.children[0])?, r.matrix_transpose(x.children[1])?);
    r.elementwise(Op::Matmul, &[b, a])
}

/// `A.T @ B.T -> (B @ A).T`
fn matmul_transposes(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let mut sources = Vec::with_capacity(2);
    for c in &n.children {
        let t = r.form(*c, Op::Transpose)?;
        if !swaps_last_two(r.attrs(&t).ints(Key::Perm)) {
            return None;
        }
        sources.push(t.children[0]);
    }
    let product = r.elementwise(Op::Matmul, &[sources[1], sources[0]])?;
    r.matrix_transpose(product)
}

/// The operation on fewer axes, so that it meets the forms that have no unit axes.
fn squeeze_elementwise(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let op = x.op().filter(|op| op.class() == Class::Elementwise)?;
    let (attrs, own) = (r.attrs(s), r.attrs(x));
    let axes = attrs.ints(Key::Axes);
    let rank = r.shape(s.children[0]).len();
    let mut operands = Vec::with_capacity(x.children.len());
    for c in &x.children {
        let missing = (rank - r.shape(*c).len()) as i64;
        // Axes are aligned at the right end, so those that the operand lacks need no care.
        let mine: Vec<i64> = axes.iter().filter(|a| **a >= missing).map(|a| a - missing).collect();
        operands.push(r.squeeze(*c, &mine)?);
    }
    let out = r.node(op, own, &operands)?;
    let wanted: Vec<Dim> = {
        let shape = r.shape(s.children[0]);
        let kept = shape.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
        kept.map(|(_, d)| d.clone()).collect()
    };
    (r.shape(out) == wanted).then_some(out)
}
