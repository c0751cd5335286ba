//! Where blocks change: `rechunk` merged, and moved to where the array is smaller or where it meets another one. The
//! sizes of blocks are solved elsewhere (`crate::chunk`); rules only move them. The layout of the whole never changes.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, pair};
use crate::make::Make;
use crate::pass::MathLevel::Exact;
use egg::Id;
use frit_ir::chunks::ChunkGrid;
use frit_ir::ops::Class;
use frit_ir::{Dim, Key, Op};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pair("rechunk-rechunk",     Exact, &[Op::Rechunk], rechunk_rechunk),
    pair("rechunk-elementwise", Exact, &[Op::Rechunk], rechunk_elementwise),
    pair("rechunk-transpose",   Exact, &[Op::Rechunk], rechunk_transpose),
    pair("rechunk-broadcast",   Exact, &[Op::Rechunk], rechunk_broadcast),
    pair("slice-rechunk",       Exact, &[Op::Slice],   slice_rechunk),
    pair("reduce-rechunk",      Exact, REDUCTIONS,     reduce_rechunk),
];

const REDUCTIONS: &[Op] = &[Op::Sum, Op::Prod, Op::Min, Op::Max, Op::Any, Op::All, Op::Argmin, Op::Argmax];

fn grid(r: &Rewriter<'_>, n: &ENode) -> ChunkGrid {
    ChunkGrid::of(&r.attrs(n))
}

/// A value in blocks; one of a single element has no others.
fn rechunk(r: &mut Rewriter<'_>, x: Id, grid: &ChunkGrid) -> Option<Id> {
    if r.shape(x).iter().all(|d| d.is(1)) {
        return Some(x);
    }
    r.node(Op::Rechunk, grid.attrs(), &[x])
}

/// Only the last layout counts.
fn rechunk_rechunk(r: &mut Rewriter<'_>, outer: &ENode, inner: &ENode) -> Option<Id> {
    if inner.op() != Some(Op::Rechunk) {
        return None;
    }
    let grid = grid(r, outer);
    rechunk(r, inner.children[0], &grid)
}

/// Onto the operands, where one of them is rechunked already, or where there is less to move: bytes of operands that
/// broadcast count once.
fn rechunk_elementwise(r: &mut Rewriter<'_>, n: &ENode, x: &ENode) -> Option<Id> {
    let op = x.op().filter(|op| op.class() == Class::Elementwise)?;
    let (grid, attrs) = (grid(r, n), r.attrs(x));
    let full = r.shape(n.children[0]);
    let meets = x.children.iter().any(|c| r.form(*c, Op::Rechunk).is_some());
    let whole = x.children.iter().filter(|c| r.shape(**c) == full).count();
    if !meets && whole > 1 {
        return None;
    }
    let mut operands = Vec::with_capacity(x.children.len());
    for c in &x.children {
        let own = grid.of_operand(&r.shape(*c));
        operands.push(rechunk(r, *c, &own)?);
    }
    r.node(op, attrs, &operands)
}

fn rechunk_transpose(r: &mut Rewriter<'_>, n: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Transpose) {
        return None;
    }
    let attrs = r.attrs(x);
    let perm = attrs.ints(Key::Perm);
    let own = grid(r, n).untranspose(perm);
    let source = rechunk(r, x.children[0], &own)?;
    r.transpose(source, perm)
}

/// Below what repeats elements, or adds and drops axes of size 1.
fn rechunk_broadcast(r: &mut Rewriter<'_>, n: &ENode, x: &ENode) -> Option<Id> {
    let op = x.op().filter(|op| matches!(op, Op::BroadcastTo | Op::ExpandDims | Op::Squeeze))?;
    let (grid, attrs) = (grid(r, n), r.attrs(x));
    let own = match op {
        Op::BroadcastTo => grid.of_operand(&r.shape(x.children[0])),
        Op::ExpandDims => grid.squeeze(attrs.ints(Key::Axes)),
        _ => grid.expand_dims(attrs.ints(Key::Axes)),
    };
    let moved = rechunk(r, x.children[0], &own)?;
    r.node(op, attrs, &[moved])
}

/// Less to move, where the blocks that are left begin where blocks did.
fn slice_rechunk(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Rechunk) {
        return None;
    }
    let attrs = r.attrs(s);
    let own = grid(r, x).slice(attrs.slices())?;
    let part = r.slice(x.children[0], attrs.slices())?;
    rechunk(r, part, &own)
}

/// The result of a reduction has fewer elements to move.
fn reduce_rechunk(r: &mut Rewriter<'_>, n: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Rechunk) {
        return None;
    }
    let attrs = r.attrs(n);
    let own = grid(r, x).reduce(attrs.ints(Key::Axes), attrs.bool(Key::Keepdims));
    let result = r.node(n.op()?, attrs, &[x.children[0]])?;
    let shape: Vec<Dim> = r.shape(result);
    debug_assert_eq!(shape.len(), own.sizes().len());
    rechunk(r, result, &own)
}
