//! One factorization for all that a matrix is asked for: systems, the inverse, the determinant.
//!
//! The rules only offer the form that can be shared; that it is shared, and pays, is the extraction's to find.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, result};
use super::linalg::{determinant_of, diagonal, identity, is_positive_definite, log_of, over_last};
use crate::make::Make;
use crate::pass::MathLevel::Reassociate;
use egg::Id;
use frit_ir::{Attr, Attrs, DType, Key, Op, Scalar};
use std::collections::BTreeSet;

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    node("solve-factored",            Reassociate, &[Op::Solve, Op::SolvePosdef], solve),
    node("inverse-factored",          Reassociate, &[Op::Inv],                    inverse),
    node("determinant-factored",      Reassociate, &[Op::Det],                    determinant),
    result("determinant-sign-factored", Reassociate, Op::Slogdet, 0,              sign),
    result("determinant-log-factored", Reassociate, Op::Slogdet, 1,               log),
];

/// Operations that factor their first operand.
const FACTORING: &[Op] =
    &[Op::Inv, Op::InvPosdef, Op::Solve, Op::SolvePosdef, Op::Det, Op::Slogdet, Op::LuFactor];

/// Whether more than one value is computed by a factorization of a matrix.
fn is_shared(r: &Rewriter<'_>, a: Id) -> bool {
    let a = r.egraph.find(a);
    let factors =
        |n: &ENode| n.op().is_some_and(|op| FACTORING.contains(&op)) && r.egraph.find(n.children[0]) == a;
    let users: BTreeSet<Id> = r.egraph[a].parents().map(|p| r.egraph.find(p)).collect();
    users.iter().filter(|u| r.egraph[**u].nodes.iter().any(factors)).count() > 1
}

/// The factors of a matrix, and its exchanges of rows.
fn factors(r: &mut Rewriter<'_>, a: Id) -> Option<(Id, Id)> {
    let posdef = is_positive_definite(r, a);
    let attrs = Attrs::new([(Key::Posdef, Attr::Bool(posdef))]);
    Some((r.result(Op::LuFactor, attrs.clone(), &[a], 0)?, r.result(Op::LuFactor, attrs, &[a], 1)?))
}

fn solved(r: &mut Rewriter<'_>, a: Id, b: Id) -> Option<Id> {
    let (lu, exchanges) = factors(r, a)?;
    r.elementwise(Op::LuSolve, &[lu, exchanges, b])
}

fn solve(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    is_shared(r, n.children[0]).then(|| solved(r, n.children[0], n.children[1]))?
}

fn inverse(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    if !is_shared(r, n.children[0]) {
        return None;
    }
    let eye = identity(r, n.children[0])?;
    solved(r, n.children[0], eye)
}

/// The diagonal of `U`, and for each row -1 if it was exchanged with another one: the product of all is the determinant.
/// Alone, only Cholesky's factorization is cheaper than the routine's.
fn pivots(r: &mut Rewriter<'_>, a: Id) -> Option<(Id, Id)> {
    if !is_shared(r, a) && !is_positive_definite(r, a) {
        return None;
    }
    let (lu, exchanges) = factors(r, a)?;
    let (t, shape) = (r.dtype(a), r.shape(exchanges));
    let attrs = Attrs::new([
        (Key::Axis, Attr::Int(shape.len() as i64 - 1)),
        (Key::DType, Attr::DType(DType::I64)),
        (Key::Shape, Attr::Dims(shape)),
    ]);
    let rows = r.node(Op::Iota, attrs, &[])?;
    let moved = r.elementwise(Op::NotEqual, &[exchanges, rows])?;
    let (one, minus_one) = (r.constant(Scalar::one(t))?, r.number(t, -1.0)?);
    let signs = r.elementwise(Op::Where, &[moved, minus_one, one])?;
    Some((diagonal(r, lu)?, signs))
}

fn determinant(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (pivots, signs) = pivots(r, n.children[0])?;
    let (sign, log) = (signed(r, pivots, signs)?, log_of(r, pivots)?);
    determinant_of(r, sign, log)
}

fn signed(r: &mut Rewriter<'_>, pivots: Id, signs: Id) -> Option<Id> {
    let units = r.elementwise(Op::Sign, &[pivots])?;
    let signed = r.elementwise(Op::Multiply, &[units, signs])?;
    over_last(r, Op::Prod, signed)
}

fn sign(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (pivots, signs) = pivots(r, n.children[0])?;
    signed(r, pivots, signs)
}

fn log(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (pivots, _) = pivots(r, n.children[0])?;
    log_of(r, pivots)
}
