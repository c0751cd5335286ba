//! Slices and transposes moved toward their source, where they make other work smaller or cancel.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pair};
use crate::make::Make;
use crate::movement::{compose_perm, slice_of, squeeze_along};
use crate::pass::MathLevel::{Exact, Reassociate};
use egg::Id;
use frit_ir::ops::Class;
use frit_ir::{Key, Op, Slice};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pair("slice-elementwise",     Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op.class() == Class::Elementwise)),
    pair("slice-view",            Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op.class() == Class::View)),
    pair("slice-concatenate",     Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Concatenate)),
    pair("slice-pad",             Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Pad)),
    pair("slice-gather",          Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Gather)),
    pair("slice-update",          Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| matches!(op, Op::UpdateSlice | Op::Scatter))),
    pair("slice-order",           Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &orders)),
    pair("reshape-elementwise",   Exact,       &[Op::Slice, Op::Gather], reshape_elementwise),
    pair("slice-iota",            Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Iota)),
    pair("slice-extreme",         Exact,       &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| ordered(op) && !sums(op))),
    // A smaller sum or product may be added up in another order.
    pair("slice-sum",             Reassociate, &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| ordered(op) && sums(op))).exact_for_ints(),
    pair("slice-matmul",          Reassociate, &[Op::Slice],     |r, s, x| slice(r, s, x, &|op| op == Op::Matmul)).exact_for_ints(),
    // Of a batch of matrices, of right-hand sides, of rows that are transformed.
    pair("slice-library",         Reassociate, &[Op::Slice],     |r, s, x| slice(r, s, x, &numeric)).exact_for_ints(),
    pair("slice-cumulative-last", Reassociate, &[Op::Slice],     slice_cumulative_last).exact_for_ints(),
    pair("transpose-transpose",   Exact,       &[Op::Transpose], transpose_transpose),
    pair("transpose-elementwise", Exact,       &[Op::Transpose], transpose_elementwise),
    pair("transpose-matmul",      Reassociate, &[Op::Transpose], transpose_matmul).exact_for_ints(),
    node("matmul-transposes",     Reassociate, &[Op::Matmul],    matmul_transposes).exact_for_ints(),
    pair("squeeze-elementwise",   Exact,       &[Op::Squeeze],   |r, s, x| squeeze(r, s, x, &|op| op.class() == Class::Elementwise)),
    node("sum-of-squeezes",       Exact,       &[Op::Add, Op::Subtract], sum_of_squeezes),
];

pub(super) fn ordered(op: Op) -> bool {
    matches!(op.class(), Class::Reduce | Class::Cumulative)
}

pub(super) fn sums(op: Op) -> bool {
    matches!(op, Op::Sum | Op::Prod | Op::Cumsum | Op::Cumprod)
}

/// Routines that only compare: each row comes out the same, whatever is beside it.
pub(super) fn orders(op: Op) -> bool {
    matches!(op, Op::Sort | Op::Argsort | Op::Searchsorted | Op::OrderStatistics | Op::ArgOrderStatistics)
}

/// The other routines: how they block their work may depend on the size of all of it.
pub(super) fn numeric(op: Op) -> bool {
    op.class() == Class::Library && op != Op::Matmul && !orders(op)
}

/// One position of a running combination is the combination of what comes before it: `cumsum(x)[k]`.
fn slice_cumulative_last(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    let reduction = match x.op()? {
        Op::Cumsum => Op::Sum,
        Op::Cumprod => Op::Prod,
        Op::Cummin => Op::Min,
        Op::Cummax => Op::Max,
        _ => return None,
    };
    let (attrs, own) = (r.attrs(s), r.attrs(x));
    let axis = own.int(Key::Axis) as usize;
    let mut slices = attrs.slices().to_vec();
    if !slices[axis].size.is(1) {
        return None;
    }
    slices[axis] = Slice { size: &slices[axis].start + 1, start: 0.into(), step: 1 };
    let prefix = r.slice(x.children[0], &slices)?;
    r.reduce(reduction, prefix, &[axis as i64], true)
}

fn slice(r: &mut Rewriter<'_>, s: &ENode, x: &ENode, wanted: &dyn Fn(Op) -> bool) -> Option<Id> {
    let op = x.op().filter(|op| wanted(*op))?;
    let (slices, attrs) = (r.attrs(s), r.attrs(x));
    let shape = r.shape(s.children[0]);
    slice_of(r, (op, &attrs, &x.children), &shape, slices.slices())
}

/// A part of a reshaped result, where no part of the operands is that part: the operation is done on reshaped operands, so that
/// the slice or the positions go on to them. Only operands that do not broadcast can be reshaped as the result is.
fn reshape_elementwise(r: &mut Rewriter<'_>, n: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Reshape) {
        return None;
    }
    let (full, shape) = (r.shape(x.children[0]), r.shape(n.children[0]));
    let elementwise = |e: &&ENode| e.op().is_some_and(|op| op.class() == Class::Elementwise);
    let e = r.egraph[x.children[0]].nodes.iter().find(elementwise)?.clone();
    let mut operands = Vec::with_capacity(e.children.len());
    for c in &e.children {
        let own = r.shape(*c);
        if !own.is_empty() && own != full {
            return None;
        }
        operands.push(if own.is_empty() { *c } else { r.reshape(*c, &shape)? });
    }
    let reshaped = r.node(e.op()?, r.attrs(&e), &operands)?;
    let inputs: Vec<Id> = std::iter::once(reshaped).chain(n.children[1..].iter().copied()).collect();
    r.node(n.op()?, r.attrs(n), &inputs)
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
fn squeeze(r: &mut Rewriter<'_>, s: &ENode, x: &ENode, wanted: &dyn Fn(Op) -> bool) -> Option<Id> {
    let op = x.op().filter(|op| wanted(*op))?;
    let (attrs, own) = (r.attrs(s), r.attrs(x));
    let shape = r.shape(s.children[0]);
    squeeze_along(r, (op, &own, &x.children), &shape, attrs.ints(Key::Axes), &mut |r, x, axes| {
        r.squeeze(x, axes)
    })
}

/// The other way round for what routines computed with unit axes, which have common factors there: `A @ v + A @ w`.
fn sum_of_squeezes(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let computed = |r: &Rewriter<'_>, x: Id| {
        r.forms(x, Op::Squeeze).into_iter().find(|s| {
            let nodes = &r.egraph[s.children[0]].nodes;
            nodes.iter().any(|n| n.op().is_some_and(|op| op.class() == Class::Library))
        })
    };
    let (x, y) = (computed(r, n.children[0])?, computed(r, n.children[1])?);
    if x.attrs != y.attrs {
        return None;
    }
    let sum = r.elementwise(n.op()?, &[x.children[0], y.children[0]])?;
    r.squeeze(sum, r.attrs(&x).ints(Key::Axes))
}
