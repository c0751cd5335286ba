//! Sums of squares about a mean, in one pass over memory.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, pair};
use super::reduce::{full_rank, parts};
use crate::fuse::LONGEST_ROW;
use crate::make::Make;
use crate::pass::MathLevel::Reassociate;
use egg::Id;
use frit_ir::dim::product;
use frit_ir::ops::Class;
use frit_ir::{DType, Dim, Key, Op, Slice};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pair("variance-in-blocks", Reassociate, &[Op::Sum], variance_in_blocks),
];

/// Elements of a block: read from memory once, in L1 for the second look at it. Longer ones keep memory waiting meanwhile.
const BLOCK: i64 = 128;
/// Sizes of blocks that are nearly as good, if nothing is left over.
const BLOCKS: std::ops::RangeInclusive<i64> = 64..=256;
/// Blocks beside which what is left over is nothing.
const MANY: i64 = 64;
/// Steps back from what is subtracted to the sum that it is computed from.
const STEPS: usize = 8;

/// `sum((x - c)**2)`, where `c` is computed from `sum(x)` over the same axes and takes a pass of its own: block by block, with
/// `m = sum(block) / b`, `d = block - m`, `r = sum(d)` and `q = sum(d**2)`, the sum over the blocks of
/// `q + (m - c) * (b * (m - c) + 2 * r)`. The sum of `x` comes from the same pass.
///
/// T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for Computing the Sample Variance: Analysis and Recommendations", The
/// American Statistician 37 (1983). Without `r`, which is what rounding of `m` leaves, the error would grow with the mean
/// divided by the deviation; with it the identity holds for any `m`, and the error is that of two passes.
fn variance_in_blocks(r: &mut Rewriter<'_>, s: &ENode, squares: &ENode) -> Option<Id> {
    let full = r.shape(s.children[0]);
    if squares.op() != Some(Op::Square) || !r.dtype(s.children[0]).is_float() {
        return None;
    }
    let (axes, keep) = parts(r, s);
    let last = full.len() as i64 - 1;
    let length = full.last()?.as_const()?;
    if !axes.contains(&last) || length <= *BLOCKS.end() || read_once(&full, &axes) {
        return None;
    }
    for d in r.forms(squares.children[0], Op::Subtract) {
        for (x, c) in [(d.children[0], d.children[1]), (d.children[1], d.children[0])] {
            let sums = if r.shape(x) == full { sums_of(r, x, &axes) } else { vec![] };
            if !takes_one_of(r, c, &sums) || !constant_along(r, c, &full, &axes) {
                continue;
            }
            let c = full_rank(r, c, full.len())?;
            let parts = blocks(r, x, &full, length)?.into_iter().map(|block| about(r, block, c));
            let (own, terms): (Vec<Id>, Vec<Id>) = parts.collect::<Option<Vec<_>>>()?.into_iter().unzip();
            for old in sums {
                let keep = r.attrs(&old).bool(Key::Keepdims);
                let sum = sum_of_all(r, &own, &axes, keep)?;
                r.also(old, sum);
            }
            return sum_of_all(r, &terms, &axes, keep);
        }
    }
    None
}

/// Rows that stay in cache between the mean and the deviations from it are read once as it is.
fn read_once(full: &[Dim], axes: &[i64]) -> bool {
    let kept = full.len() - axes.len();
    let trailing = axes.iter().enumerate().all(|(k, a)| *a as usize == kept + k);
    let number = |dims: &[Dim]| product(dims).as_const();
    trailing
        && number(&full[..kept]).is_none_or(|n| n >= 8)
        && number(&full[kept..]).is_none_or(|n| n <= LONGEST_ROW)
}

/// The sums of a value over the axes.
fn sums_of(r: &Rewriter<'_>, x: Id, axes: &[i64]) -> Vec<ENode> {
    let mut users: Vec<Id> = r.egraph[x].parents().map(|p| r.egraph.find(p)).collect();
    users.sort_unstable();
    users.dedup();
    let x = r.egraph.find(x);
    let ours =
        |n: &&ENode| n.op() == Some(Op::Sum) && r.egraph.find(n.children[0]) == x && parts(r, n).0 == axes;
    users.iter().flat_map(|u| r.egraph[*u].nodes.iter().filter(ours)).cloned().collect()
}

/// True if a value is computed from one of the sums.
fn takes_one_of(r: &Rewriter<'_>, c: Id, sums: &[ENode]) -> bool {
    let sums: Vec<Id> = sums.iter().filter_map(|s| r.egraph.lookup(s.clone())).collect();
    let mut seen = vec![r.egraph.find(c)];
    let mut next = 0;
    while next < seen.len().min(STEPS) {
        if sums.contains(&seen[next]) {
            return true;
        }
        for n in &r.egraph[seen[next]].nodes {
            let through = |op: Op| op.class() == Class::View || matches!(op, Op::Divide | Op::Multiply);
            if n.op().is_some_and(through) {
                let operand = r.egraph.find(n.children[0]);
                if !seen.contains(&operand) {
                    seen.push(operand);
                }
            }
        }
        next += 1;
    }
    false
}

/// True if a value that broadcasts to a shape is the same along the axes.
fn constant_along(r: &Rewriter<'_>, c: Id, full: &[Dim], axes: &[i64]) -> bool {
    let shape = r.shape(c);
    let missing = full.len() - shape.len();
    axes.iter().all(|a| (*a as usize) < missing || shape[*a as usize - missing].is(1))
}

/// A value divided into blocks along its last axis, and what is left over as one block more. A new last axis goes through the
/// block.
fn blocks(r: &mut Rewriter<'_>, x: Id, full: &[Dim], length: i64) -> Option<Vec<Id>> {
    let lead = &full[..full.len() - 1];
    let even = BLOCKS.filter(|b| length % b == 0 && length < MANY * BLOCK);
    let even = even.min_by_key(|b| ((b - BLOCK).abs(), *b));
    let size = even.unwrap_or(BLOCK);
    let shape = |n: i64, size: i64| -> Vec<Dim> {
        lead.iter().cloned().chain([Dim::constant(n), Dim::constant(size)]).collect()
    };
    let (count, rest) = (length / size, length % size);
    let mut out = Vec::with_capacity(2);
    for (start, n, size) in [(0, count, size), (count * size, 1, rest)] {
        if size > 0 {
            let mut part: Vec<Slice> = full.iter().map(Slice::full).collect();
            *part.last_mut()? = Slice { start: start.into(), size: (n * size).into(), step: 1 };
            let part = r.slice(x, &part)?;
            out.push(r.reshape(part, &shape(n, size))?);
        }
    }
    Some(out)
}

/// For each block its sum, and its sum of squares about `c`.
fn about(r: &mut Rewriter<'_>, block: Id, c: Id) -> Option<(Id, Id)> {
    let t: DType = r.dtype(block);
    let axis = r.shape(block).len() as i64 - 1;
    let size = r.shape(block).last()?.as_const()?;
    let (b, two) = (r.number(t, size as f64)?, r.number(t, 2.0)?);
    let sum = r.reduce(Op::Sum, block, &[axis], false)?;
    let m = r.elementwise(Op::Divide, &[sum, b])?;
    let spread = r.expand_dims(m, &[axis])?;
    let d = r.elementwise(Op::Subtract, &[block, spread])?;
    // Without rounding its sum would be 0.
    let d = r.elementwise(Op::ArithmeticFence, &[d])?;
    let left = r.reduce(Op::Sum, d, &[axis], false)?;
    let square = r.elementwise(Op::Square, &[d])?;
    let q = r.reduce(Op::Sum, square, &[axis], false)?;
    let shift = r.elementwise(Op::Subtract, &[m, c])?;
    let (all, twice) =
        (r.elementwise(Op::Multiply, &[shift, b])?, r.elementwise(Op::Multiply, &[left, two])?);
    let factor = r.elementwise(Op::Add, &[all, twice])?;
    let moved = r.elementwise(Op::Multiply, &[shift, factor])?;
    // Operands first is the order of the program: with what is left before the squares, fewer registers are in use.
    let total = r.elementwise(Op::Add, &[moved, q])?;
    // The sum of sums is one sum: taken as that, it would be another pass.
    Some((r.elementwise(Op::ArithmeticFence, &[sum])?, total))
}

/// The sum of several values over axes.
fn sum_of_all(r: &mut Rewriter<'_>, values: &[Id], axes: &[i64], keep: bool) -> Option<Id> {
    let mut total = None;
    for v in values {
        let sum = r.reduce(Op::Sum, *v, axes, keep)?;
        total = Some(total.map_or(Some(sum), |t| r.elementwise(Op::Add, &[t, sum]))?);
    }
    total
}
