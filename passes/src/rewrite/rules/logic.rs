//! Masks: logic, comparisons, selection, and the extremes that clamp.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pattern};
use super::{fill, fold};
use crate::canonicalize::lossless;
use crate::make::Make;
use crate::pass::MathLevel::{Exact, Fast, Reassociate};
use egg::{Id, Subst};
use frit_ir::ops::Class;
use frit_ir::{DType, Op, Scalar};

const COMPARISONS: &[Op] = &[Op::Equal, Op::NotEqual, Op::Less, Op::LessEqual, Op::Greater, Op::GreaterEqual];
const LATTICE: &[Op] = &[Op::LogicalAnd, Op::LogicalOr];
const CLAMPS: &[Op] = &[Op::Maximum, Op::Minimum, Op::Clip];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pattern("and-self",           Exact,       "(logical_and ?x ?x)",          "?x"),
    pattern("or-self",            Exact,       "(logical_or ?x ?x)",           "?x"),
    pattern("bitwise-and-self",   Exact,       "(bitwise_and ?x ?x)",          "?x"),
    pattern("bitwise-or-self",    Exact,       "(bitwise_or ?x ?x)",           "?x"),
    node("absorb",                Exact,       LATTICE,                        absorb),
    pattern("and-of-nots",        Exact,       "(logical_and (logical_not ?x) (logical_not ?y))", "(logical_not (logical_or ?x ?y))"),
    pattern("or-of-nots",         Exact,       "(logical_or (logical_not ?x) (logical_not ?y))",  "(logical_not (logical_and ?x ?y))"),
    pattern("xor-of-nots",        Exact,       "(logical_xor (logical_not ?x) (logical_not ?y))", "(logical_xor ?x ?y)"),
    pattern("xor-not",            Exact,       "(logical_xor ?x (logical_not ?y))",    "(logical_not (logical_xor ?x ?y))"),
    node("logic-with-constant",   Exact,       &[Op::LogicalAnd, Op::LogicalOr, Op::LogicalXor], logic_with_constant),
    node("logic-with-complement", Exact,       &[Op::LogicalAnd, Op::LogicalOr, Op::LogicalXor], logic_with_complement),
    node("not-comparison",        Exact,       &[Op::LogicalNot],              not_comparison),
    node("not-of-comparisons",    Exact,       &[Op::LogicalNot],              not_of_comparisons),
    node("bounds-of-one",         Exact,       LATTICE,                        bounds_of_one),
    node("compare-bool",          Exact,       COMPARISONS,                    compare_bool),
    node("compare-casts",         Exact,       COMPARISONS,                    compare_casts),
    pattern("where-same",         Exact,       "(where ?m ?x ?x)",             "?x"),
    pattern("where-not",          Exact,       "(where (logical_not ?m) ?x ?y)", "(where ?m ?y ?x)"),
    pattern("where-where-first",  Exact,       "(where ?m (where ?m ?x ?y) ?z)", "(where ?m ?x ?z)"),
    pattern("where-where-second", Exact,       "(where ?m ?x (where ?m ?y ?z))", "(where ?m ?x ?z)"),
    pattern("where-and",          Exact,       "(where ?m (where ?k ?x ?y) ?y)", "(where (logical_and ?m ?k) ?x ?y)"),
    pattern("where-or",           Exact,       "(where ?m ?x (where ?k ?x ?y))", "(where (logical_or ?m ?k) ?x ?y)"),
    node("where-mask",            Exact,       &[Op::Where],                   where_mask),
    node("where-common",          Exact,       &[Op::Where],                   where_common),
    // Of the two zeros, `where` gives the one that the comparison picks.
    pattern("where-absolute-gt",  Reassociate, "(where (greater ?x ?c) ?x (negative ?x))",       "(absolute ?x)").when(zero_signed).exact_for_ints(),
    pattern("where-absolute-ge",  Reassociate, "(where (greater_equal ?x ?c) ?x (negative ?x))", "(absolute ?x)").when(zero_signed).exact_for_ints(),
    pattern("where-absolute-lt",  Reassociate, "(where (less ?x ?c) (negative ?x) ?x)",          "(absolute ?x)").when(zero_signed).exact_for_ints(),
    pattern("where-absolute-le",  Reassociate, "(where (less_equal ?x ?c) (negative ?x) ?x)",    "(absolute ?x)").when(zero_signed).exact_for_ints(),
    // A comparison with NaN is false, an extreme of NaN is NaN.
    pattern("where-maximum",      Fast,        "(where (greater ?x ?y) ?x ?y)", "(maximum ?x ?y)").exact_for_ints(),
    pattern("where-minimum",      Fast,        "(where (less ?x ?y) ?x ?y)",    "(minimum ?x ?y)").exact_for_ints(),
    pattern("maximum-self",       Exact,       "(maximum ?x ?x)",              "?x"),
    pattern("minimum-self",       Exact,       "(minimum ?x ?x)",              "?x"),
    pattern("maximum-negative",   Reassociate, "(maximum ?x (negative ?x))",   "(absolute ?x)").when(signed_real).exact_for_ints(),
    pattern("clip-maximum",       Exact,       "(minimum (maximum ?x ?a) ?b)", "(clip ?x ?a ?b)"),
    node("clamp-clamp",           Exact,       CLAMPS,                         clamp_clamp),
];

/// The negative of an unsigned number wraps.
fn signed_real(r: &Rewriter<'_>, s: &Subst) -> bool {
    let t = r.dtype(r.var(s, "?x"));
    t.is_float() || t.is_signed()
}

fn zero_signed(r: &Rewriter<'_>, s: &Subst) -> bool {
    signed_real(r, s) && r.is(r.var(s, "?c"), 0.0)
}

/// `x & (x & y)` is `x & y`, and `x & (x | y)` is `x`.
fn absorb(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let op = n.op()?;
    let dual = if op == Op::LogicalAnd { Op::LogicalOr } else { Op::LogicalAnd };
    for (a, b) in [(n.children[0], n.children[1]), (n.children[1], n.children[0])] {
        let holds = |op: Op| r.forms(b, op).iter().any(|f| f.children.contains(&a));
        if holds(op) {
            return Some(b);
        }
        if holds(dual) {
            return Some(a);
        }
    }
    None
}

/// With true or false: the other operand, its negation, or the constant.
fn logic_with_constant(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (x, c) = (n.children[0], r.value(n.children[1])?.as_i64() != 0);
    match (n.op()?, c) {
        (Op::LogicalAnd, true) | (Op::LogicalOr | Op::LogicalXor, false) => Some(x),
        (Op::LogicalXor, true) => r.elementwise(Op::LogicalNot, &[x]),
        (_, c) => fill(r, n, Scalar::bool(c)),
    }
}

/// `x & ~x`, `x | ~x`, `x ^ ~x`, `x ^ x`.
fn logic_with_complement(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let op = n.op()?;
    let (a, b) = (n.children[0], n.children[1]);
    let not_of =
        |r: &Rewriter<'_>, x: Id, y: Id| r.forms(x, Op::LogicalNot).iter().any(|f| f.children[0] == y);
    if op == Op::LogicalXor && a == b {
        return fill(r, n, Scalar::bool(false));
    }
    (not_of(r, a, b) || not_of(r, b, a)).then_some(())?;
    fill(r, n, Scalar::bool(op != Op::LogicalAnd))
}

/// The opposite comparison. Ordered ones are false for NaN, and so are their opposites.
fn opposite(op: Op, never_nan: bool) -> Option<Op> {
    let ordered = match op {
        Op::Equal => return Some(Op::NotEqual),
        Op::NotEqual => return Some(Op::Equal),
        Op::Less => Op::GreaterEqual,
        Op::LessEqual => Op::Greater,
        Op::Greater => Op::LessEqual,
        Op::GreaterEqual => Op::Less,
        _ => return None,
    };
    never_nan.then_some(ordered)
}

/// A form of a bool that negates for free: the negation.
fn negated(r: &mut Rewriter<'_>, id: Id) -> Option<Id> {
    for form in r.egraph[id].nodes.clone() {
        match form.op() {
            Some(Op::LogicalNot) => return Some(form.children[0]),
            Some(op) if COMPARISONS.contains(&op) => {
                if let Some(not) = opposite(op, form.children.iter().all(|c| r.range(*c).never_nan())) {
                    return r.elementwise(not, &form.children);
                }
            }
            _ => {}
        }
    }
    None
}

fn not_comparison(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    negated(r, n.children[0])
}

/// De Morgan, where both sides negate for free.
fn not_of_comparisons(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    for (op, dual) in [(Op::LogicalAnd, Op::LogicalOr), (Op::LogicalOr, Op::LogicalAnd)] {
        let Some(form) = r.form(n.children[0], op) else { continue };
        let (a, b) = (negated(r, form.children[0])?, negated(r, form.children[1])?);
        return r.elementwise(dual, &[a, b]);
    }
    None
}

/// `x < 1 and x < 2` is `x < 1`: two bounds on one side, compared with constants.
fn bounds_of_one(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let both = n.op()? == Op::LogicalAnd;
    for op in [Op::Less, Op::LessEqual, Op::Greater, Op::GreaterEqual] {
        let upper = matches!(op, Op::Less | Op::LessEqual);
        for a in r.forms(n.children[0], op) {
            let Some(c) = r.value(a.children[1]).filter(|c| !c.dtype().is_complex()) else { continue };
            for b in r.forms(n.children[1], op) {
                let Some(d) = r.value(b.children[1]) else { continue };
                let less = fold(Op::Less, &[c, d])?.as_i64() != 0;
                let ordered = less || fold(Op::LessEqual, &[d, c])?.as_i64() != 0;
                if a.children[0] != b.children[0] || !ordered {
                    continue;
                }
                return Some(n.children[if less == (both == upper) { 0 } else { 1 }]);
            }
        }
    }
    None
}

/// A comparison of a bool that was made a number: what it says of false and of true.
fn compare_bool(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let c = r.value(n.children[1])?;
    let mask = match r.dtype(n.children[0]) {
        DType::Bool => n.children[0],
        _ => {
            let casts = r.forms(n.children[0], Op::Cast);
            casts.iter().map(|f| f.children[0]).find(|x| r.dtype(*x) == DType::Bool)?
        }
    };
    let says = |v: Scalar| fold(n.op()?, &[v, c]).map(|b| b.as_i64() != 0);
    match (says(Scalar::zero(c.dtype()))?, says(Scalar::one(c.dtype()))?) {
        (false, true) => Some(mask),
        (true, false) => r.elementwise(Op::LogicalNot, &[mask]),
        (all, _) => fill(r, n, Scalar::bool(all)),
    }
}

/// The comparison before a conversion that keeps every value.
fn compare_casts(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let to = r.dtype(n.children[0]);
    for a in r.forms(n.children[0], Op::Cast) {
        let from = r.dtype(a.children[0]);
        if from == DType::Bool || !lossless(from, to) {
            continue;
        }
        if let Some(c) = r.value(n.children[1]) {
            // The same constant, if the narrower type has it.
            let narrow = c.cast(from);
            if narrow.cast(to) == c {
                let c = r.constant(narrow)?;
                return r.elementwise(n.op()?, &[a.children[0], c]);
            }
        }
        let same = |f: &ENode| r.dtype(f.children[0]) == from;
        if let Some(b) = r.forms(n.children[1], Op::Cast).into_iter().find(same) {
            return r.elementwise(n.op()?, &[a.children[0], b.children[0]]);
        }
    }
    None
}

/// `where(m, True, False)` is the mask, the other way round its negation.
fn where_mask(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (a, b) = (r.value(n.children[1])?, r.value(n.children[2])?);
    if a.dtype() != DType::Bool || a == b {
        return None;
    }
    if a.as_i64() != 0 { Some(n.children[0]) } else { r.elementwise(Op::LogicalNot, &[n.children[0]]) }
}

/// `where(m, f(x), f(y)) -> f(where(m, x, y))`: computed once per element.
fn where_common(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let unary =
        |f: &&ENode| f.op().is_some_and(|op| op.class() == Class::Elementwise) && f.children.len() == 1;
    let firsts: Vec<ENode> = r.egraph[n.children[1]].nodes.iter().filter(unary).cloned().collect();
    for a in firsts {
        let same = |f: &&ENode| f.head == a.head && f.attrs == a.attrs;
        let Some(b) = r.egraph[n.children[2]].nodes.iter().find(same).cloned() else { continue };
        if r.dtype(a.children[0]) != r.dtype(b.children[0]) {
            continue;
        }
        let chosen = r.elementwise(Op::Where, &[n.children[0], a.children[0], b.children[0]])?;
        let attrs = r.attrs(&a);
        return r.node(a.op()?, attrs, &[chosen]);
    }
    None
}

/// Bounds as (lowest, highest), for the operations that clamp with constants.
fn bounds(r: &Rewriter<'_>, n: &ENode) -> Option<(Option<Scalar>, Option<Scalar>)> {
    let number = |id: Id| r.value(id).filter(|c| !c.dtype().is_complex() && !c.as_f64().is_nan());
    match n.op()? {
        Op::Maximum => Some((Some(number(n.children[1])?), None)),
        Op::Minimum => Some((None, Some(number(n.children[1])?))),
        _ => Some((Some(number(n.children[1])?), Some(number(n.children[2])?))),
    }
}

/// Two clamps with constants are one: `min(min(x, 3), 2)`, `clip(clip(x, -1, 1), 0, 2)`.
fn clamp_clamp(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (low, high) = bounds(r, n)?;
    for op in CLAMPS {
        for inner in r.forms(n.children[0], *op) {
            let Some((a, b)) = bounds(r, &inner) else { continue };
            let all: Vec<Scalar> = [low, high, a, b].into_iter().flatten().collect();
            // Which of the two zeros is the larger one is open.
            let zeros =
                |sign: bool| all.iter().any(|c| c.as_f64() == 0.0 && c.as_f64().is_sign_negative() == sign);
            if zeros(true) && zeros(false) {
                return None;
            }
            // The outer clamp, applied to the inner bounds.
            let clamp = |c: Scalar| -> Option<Scalar> {
                let c = low.map_or(Some(c), |low| fold(Op::Maximum, &[c, low]))?;
                high.map_or(Some(c), |high| fold(Op::Minimum, &[c, high]))
            };
            let lowest = match a {
                Some(a) => Some(clamp(a)?),
                None => low,
            };
            let highest = match b {
                Some(b) => Some(clamp(b)?),
                None => high,
            };
            let x = inner.children[0];
            let out = match (lowest, highest) {
                (Some(l), Some(h)) => {
                    let (l, h) = (r.constant(l)?, r.constant(h)?);
                    r.elementwise(Op::Clip, &[x, l, h])
                }
                (Some(l), None) => {
                    let l = r.constant(l)?;
                    r.elementwise(Op::Maximum, &[x, l])
                }
                (None, Some(h)) => {
                    let h = r.constant(h)?;
                    r.elementwise(Op::Minimum, &[x, h])
                }
                (None, None) => None,
            };
            return out;
        }
    }
    None
}
