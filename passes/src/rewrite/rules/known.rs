//! What follows from the values that elements can have (`facts/range.rs`): results that are known, and rules of looser
//! classes that are exact where special values cannot occur.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pattern};
use crate::make::Make;
use crate::pass::MathLevel::Exact;
use egg::{Id, Subst};
use frit_ir::{DType, Op};

/// Operations whose result may be one value though their operands are not.
const DECIDED: &[Op] = &[
    Op::Less,
    Op::LessEqual,
    Op::Greater,
    Op::GreaterEqual,
    Op::Equal,
    Op::NotEqual,
    Op::Isnan,
    Op::Isinf,
    Op::Isfinite,
    Op::Signbit,
    Op::LogicalAnd,
    Op::LogicalOr,
    Op::LogicalNot,
    Op::Any,
    Op::All,
    Op::Sign,
    Op::FloorDivide,
    Op::Clip,
    Op::Maximum,
    Op::Minimum,
];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    node("known-value",           Exact, DECIDED,                        known_value),
    node("where-known",           Exact, &[Op::Where],                   where_known),
    node("extreme-known",         Exact, &[Op::Maximum, Op::Minimum],    extreme_known),
    node("clip-known",            Exact, &[Op::Clip],                    clip_known),
    node("remainder-known",       Exact, &[Op::Remainder],               remainder_known),
    node("multiply-zero-known",   Exact, &[Op::Multiply],                multiply_zero_known),
    node("subtract-self-known",   Exact, &[Op::Subtract],                subtract_self_known),
    pattern("add-zero-known",     Exact, "(add ?x ?c)",                  "?x").when(|r, s| r.is(r.var(s, "?c"), 0.0) && r.range(r.var(s, "?x")).never_minus_zero()),
    pattern("sqrt-square-known",  Exact, "(sqrt (square ?x))",           "(absolute ?x)").when(square_is_normal),
];

/// The value everywhere, in the shape of a node.
fn known_value(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let class = r.egraph.lookup(n.clone())?;
    let t = r.ty(class);
    let value = r.range(class).value(t.dtype)?;
    if r.value(class).is_some() {
        return None;
    }
    let c = r.constant(value)?;
    r.broadcast_to(c, &t.shape)
}

/// An operand in place of a node, in its shape.
fn instead(r: &mut Rewriter<'_>, n: &ENode, operand: Id) -> Option<Id> {
    let class = r.egraph.lookup(n.clone())?;
    let shape = r.shape(class);
    r.broadcast_to(operand, &shape)
}

fn where_known(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (lo, hi) = r.range(n.children[0]).bounds()?;
    let chosen = if lo == 1.0 {
        n.children[1]
    } else if hi == 0.0 {
        n.children[2]
    } else {
        return None;
    };
    instead(r, n, chosen)
}

/// `x >= y` wherever both are numbers, and `y` is never NaN: the maximum is `x`, NaN included. Zeros of both signs count
/// as equal, so none may be negative.
fn at_least(r: &Rewriter<'_>, x: Id, y: Id) -> bool {
    let (a, b) = (r.range(x), r.range(y));
    let (Some((lo, _)), Some((_, hi))) = (a.bounds(), b.bounds()) else { return false };
    let zeros = a.never_minus_zero() && b.never_minus_zero();
    b.never_nan() && (lo > hi || lo == hi && (lo != 0.0 || zeros))
}

/// As [`at_least`], from the other side.
fn at_most(r: &Rewriter<'_>, x: Id, y: Id) -> bool {
    let (a, b) = (r.range(x), r.range(y));
    let (Some((_, hi)), Some((lo, _))) = (a.bounds(), b.bounds()) else { return false };
    let zeros = a.never_minus_zero() && b.never_minus_zero();
    b.never_nan() && (hi < lo || hi == lo && (lo != 0.0 || zeros))
}

fn extreme_known(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (x, y) = (n.children[0], n.children[1]);
    let wins = if n.op() == Some(Op::Maximum) { at_least } else { at_most };
    let winner = if wins(r, x, y) {
        x
    } else if wins(r, y, x) {
        y
    } else {
        return None;
    };
    instead(r, n, winner)
}

/// Without a bound that is never reached.
fn clip_known(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (x, lo, hi) = (n.children[0], n.children[1], n.children[2]);
    match (at_least(r, x, lo), at_most(r, x, hi)) {
        (true, true) => instead(r, n, x),
        (true, false) => {
            let clipped = r.elementwise(Op::Minimum, &[x, hi])?;
            instead(r, n, clipped)
        }
        // The lower bound applies first: above the upper one it would lose to it.
        (false, true) if at_most(r, lo, hi) => {
            let clipped = r.elementwise(Op::Maximum, &[x, lo])?;
            instead(r, n, clipped)
        }
        _ => None,
    }
}

/// `x % y` of an integer that is below `y` already.
fn remainder_known(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (x, y) = (n.children[0], n.children[1]);
    let whole = r.dtype(x).is_int();
    let ((least, most), (below, _)) = (r.range(x).bounds()?, r.range(y).bounds()?);
    (whole && least >= 0.0 && most < below).then(|| instead(r, n, x))?
}

/// Zero times infinity is NaN, and times a negative number -0.0.
fn multiply_zero_known(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (x, zero) = (n.children[0], n.children[1]);
    let range = r.range(x);
    if !r.is(zero, 0.0) || !r.dtype(x).is_float() || !range.finite() || !range.nonnegative() {
        return None;
    }
    instead(r, n, zero)
}

fn subtract_self_known(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let x = n.children[0];
    if x != n.children[1] || !r.dtype(x).is_float() || !r.range(x).finite() {
        return None;
    }
    let t = r.dtype(x);
    let zero = r.number(t, 0.0)?;
    instead(r, n, zero)
}

/// In radix 2, the rounded square root of the rounded square is the magnitude, unless the square overflows or is
/// subnormal: Boldo, "Stupid is as stupid does: taking the square root of the square of a floating-point number", 2015.
fn square_is_normal(r: &Rewriter<'_>, s: &Subst) -> bool {
    let x = r.var(s, "?x");
    let (least, most) = match r.dtype(x) {
        DType::F64 => (1e-150, 1e150),
        DType::F32 => (1e-18, 1e18),
        _ => return false,
    };
    let within = |(lo, hi): (f64, f64)| least <= lo && hi <= most || least <= -hi && -lo <= most;
    r.range(x).bounds().is_some_and(within)
}
