//! Extremes of functions that keep or reverse order: the function is applied to the extreme instead of to each element.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, pair};
use crate::make::Make;
use crate::pass::MathLevel::{Exact, Reassociate};
use egg::Id;
use frit_ir::Op;

const EXTREMES: &[Op] = &[Op::Min, Op::Max];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pair("extreme-monotone",      Reassociate, EXTREMES,                 extreme_monotone),
    pair("extreme-clamp",         Reassociate, EXTREMES,                 extreme_clamp).exact_for_ints(),
    pair("extreme-shift",         Exact,       EXTREMES,                 extreme_shift),
    pair("extreme-scale",         Reassociate, EXTREMES,                 extreme_scale),
    pair("position-negative",     Exact,       &[Op::Argmin, Op::Argmax], position_negative),
    pair("any-not",               Exact,       &[Op::Any, Op::All],      any_not),
];

/// Functions of one number that never decrease (true) or never increase (false) and give NaN for NaN only.
const MONOTONE: &[(Op, bool)] = &[
    (Op::Negative, false),
    (Op::Exp, true),
    (Op::Exp2, true),
    (Op::Expm1, true),
    (Op::Sinh, true),
    (Op::Tanh, true),
    (Op::Arctan, true),
    (Op::Arcsinh, true),
    (Op::Cbrt, true),
    (Op::Erf, true),
    (Op::Erfc, false),
    (Op::Degrees, true),
    (Op::Radians, true),
    (Op::Floor, true),
    (Op::Ceil, true),
    (Op::Trunc, true),
    (Op::Rint, true),
];

/// The same, where no operand is negative.
const MONOTONE_ABOVE_ZERO: &[(Op, bool)] = &[
    (Op::Sqrt, true),
    (Op::Log, true),
    (Op::Log2, true),
    (Op::Log10, true),
    (Op::Log1p, true),
    (Op::Square, true),
    (Op::Cosh, true),
];

fn other(op: Op) -> Op {
    if op == Op::Min { Op::Max } else { Op::Min }
}

/// `max(exp(x)) -> exp(max(x))`, `max(-x) -> -min(x)`. Integers wrap: the least one is its own negative.
fn extreme_monotone(r: &mut Rewriter<'_>, e: &ENode, x: &ENode) -> Option<Id> {
    let (op, f) = (e.op()?, x.op()?);
    let source = *x.children.first()?;
    if !r.dtype(source).is_float() {
        return None;
    }
    let found = |table: &[(Op, bool)]| table.iter().find(|(g, _)| *g == f).map(|(_, up)| *up);
    let up =
        found(MONOTONE).or_else(|| found(MONOTONE_ABOVE_ZERO).filter(|_| r.range(source).nonnegative()))?;
    let attrs = r.attrs(e);
    let extreme = r.node(if up { op } else { other(op) }, attrs, &[source])?;
    r.elementwise(f, &[extreme])
}

/// Bounds are applied to the extreme: `max(minimum(x, c)) -> minimum(max(x), c)`.
fn extreme_clamp(r: &mut Rewriter<'_>, e: &ENode, x: &ENode) -> Option<Id> {
    let f = x.op().filter(|f| matches!(f, Op::Maximum | Op::Minimum | Op::Clip))?;
    let bounds = &x.children[1..];
    if r.dtype(x.children[0]).is_complex() || bounds.iter().any(|b| !r.shape(*b).is_empty()) {
        return None;
    }
    let attrs = r.attrs(e);
    let extreme = r.node(e.op()?, attrs, &[x.children[0]])?;
    let operands: Vec<Id> = std::iter::once(extreme).chain(bounds.iter().copied()).collect();
    r.elementwise(f, &operands)
}

/// `max(x + c) -> max(x) + c` for a finite number: rounding keeps order. Integers would wrap.
fn extreme_shift(r: &mut Rewriter<'_>, e: &ENode, x: &ENode) -> Option<Id> {
    let f = x.op().filter(|f| matches!(f, Op::Add | Op::Subtract))?;
    let c = r.value(x.children[1])?;
    if !c.dtype().is_float() || !c.as_f64().is_finite() || !r.shape(x.children[1]).is_empty() {
        return None;
    }
    let attrs = r.attrs(e);
    let extreme = r.node(e.op()?, attrs, &[x.children[0]])?;
    r.elementwise(f, &[extreme, x.children[1]])
}

/// `max(x * c) -> max(x) * c`, or `min(x) * c` for a negative number.
fn extreme_scale(r: &mut Rewriter<'_>, e: &ENode, x: &ENode) -> Option<Id> {
    let f = x.op().filter(|f| matches!(f, Op::Multiply | Op::Divide))?;
    let c = r.value(x.children[1])?;
    if !c.dtype().is_float() || !c.as_f64().is_normal() || !r.shape(x.children[1]).is_empty() {
        return None;
    }
    let op = if c.as_f64() > 0.0 { e.op()? } else { other(e.op()?) };
    let attrs = r.attrs(e);
    let extreme = r.node(op, attrs, &[x.children[0]])?;
    r.elementwise(f, &[extreme, x.children[1]])
}

/// `argmax(-x) -> argmin(x)`: negation keeps ties and NaN. Functions that round may make ties where there were none.
fn position_negative(r: &mut Rewriter<'_>, e: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Negative) || !r.dtype(x.children[0]).is_float() {
        return None;
    }
    let op = if e.op()? == Op::Argmin { Op::Argmax } else { Op::Argmin };
    let attrs = r.attrs(e);
    r.node(op, attrs, &[x.children[0]])
}

/// `any(~x) -> ~all(x)`
fn any_not(r: &mut Rewriter<'_>, e: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::LogicalNot) {
        return None;
    }
    let op = if e.op()? == Op::Any { Op::All } else { Op::Any };
    let attrs = r.attrs(e);
    let reduced = r.node(op, attrs, &[x.children[0]])?;
    r.elementwise(Op::LogicalNot, &[reduced])
}
