//! Identities of arithmetic, comparison and logic.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pattern};
use super::{fill, fold};
use crate::make::Make;
use crate::pass::MathLevel::{Exact, Fast, Reassociate};
use egg::{Id, Subst};
use frit_ir::dtype::Kind;
use frit_ir::{DType, Op, Scalar};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pattern("multiply-one",       Exact,       "(multiply ?x ?c)",             "?x").when(|r, s| real_is(r, s, 1.0)),
    pattern("divide-one",         Exact,       "(divide ?x ?c)",               "?x").when(|r, s| real_is(r, s, 1.0)),
    // -0.0 + 0.0 is 0.0, so adding zero is exact only for the zero with the sign bit.
    pattern("add-negative-zero",  Exact,       "(add ?x ?c)",                  "?x").when(negative_zero),
    pattern("add-zero",           Reassociate, "(add ?x ?c)",                  "?x").when(|r, s| is(r, s, 0.0)).exact_for_ints(),
    pattern("subtract-zero",      Exact,       "(subtract ?x ?c)",             "?x").when(|r, s| is(r, s, 0.0)),
    node("multiply-zero",         Fast,        &[Op::Multiply],                multiply_zero).exact_for_ints(),
    node("subtract-self",         Fast,        &[Op::Subtract],                subtract_self).exact_for_ints(),
    pattern("add-negative",       Exact,       "(add ?x (negative ?y))",       "(subtract ?x ?y)"),
    pattern("negative-add",       Exact,       "(add (negative ?x) ?y)",       "(subtract ?y ?x)"),
    pattern("subtract-negative",  Exact,       "(subtract ?x (negative ?y))",  "(add ?x ?y)"),
    pattern("negative-subtract",  Exact,       "(negative (subtract ?x ?y))",  "(subtract ?y ?x)").when(never_float),
    pattern("negative-product",   Exact,       "(multiply (negative ?x) (negative ?y))", "(multiply ?x ?y)"),
    pattern("absolute-negative",  Exact,       "(absolute (negative ?x))",     "(absolute ?x)").when(signed),
    pattern("absolute-known",     Exact,       "(absolute ?x)",                "?x").when(|r, s| r.nonnegative(r.var(s, "?x"))),
    pattern("square-absolute",    Exact,       "(square (absolute ?x))",       "(square ?x)"),
    pattern("square-negative",    Exact,       "(square (negative ?x))",       "(square ?x)"),
    node("negative-constant",     Exact,       &[Op::Negative],                negative_constant),
    node("constant-takes-sign",   Exact,       &[Op::Multiply, Op::Divide],    constant_takes_sign),
    pattern("multiply-minus-one", Exact,       "(multiply ?x ?c)",             "(negative ?x)").when(|r, s| real_is(r, s, -1.0)),
    pattern("divide-minus-one",   Exact,       "(divide ?x ?c)",               "(negative ?x)").when(|r, s| real_is(r, s, -1.0)),
    pattern("absolute-product",   Exact,       "(multiply (absolute ?x) (absolute ?y))", "(absolute (multiply ?x ?y))").when(float),
    pattern("absolute-quotient",  Exact,       "(divide (absolute ?x) (absolute ?y))",   "(absolute (divide ?x ?y))").when(float),
    // The sign of a zero is 0.
    pattern("sign-absolute",      Reassociate, "(multiply (sign ?x) (absolute ?x))", "?x").exact_for_ints(),
    pattern("absolute-sign",      Reassociate, "(multiply (absolute ?x) (sign ?x))", "?x").exact_for_ints(),
    pattern("copysign-absolute",  Exact,       "(copysign (absolute ?x) ?y)",  "(copysign ?x ?y)"),
    pattern("copysign-negative",  Exact,       "(copysign (negative ?x) ?y)",  "(copysign ?x ?y)"),
    // Rounding is what such code is about, unless nothing is rounded.
    pattern("add-subtract",       Fast,        "(subtract (add ?x ?y) ?y)",    "?x").exact_for_ints(),
    pattern("add-subtract-left",  Fast,        "(subtract (add ?y ?x) ?y)",    "?x").exact_for_ints(),
    pattern("subtract-add",       Fast,        "(add (subtract ?x ?y) ?y)",    "?x").exact_for_ints(),
    pattern("multiply-divide",    Fast,        "(divide (multiply ?x ?y) ?y)", "?x"),
    pattern("divide-multiply",    Fast,        "(multiply (divide ?x ?y) ?y)", "?x"),
    node("divide-self",           Fast,        &[Op::Divide],                  divide_self),
    node("add-constants",         Reassociate, &[Op::Add, Op::Subtract],       merge_terms).exact_for_ints(),
    node("cancel-constants",      Fast,        &[Op::Add, Op::Subtract],       cancel_terms),
    node("multiply-constants",    Reassociate, &[Op::Multiply, Op::Divide],    merge_factors).exact_for_ints(),
];

fn is(r: &Rewriter<'_>, s: &Subst, number: f64) -> bool {
    r.is(r.var(s, "?c"), number)
}

/// Complex products with 1 are not the identity: `(x + inf j) * (1 + 0j)` has a NaN.
fn real_is(r: &Rewriter<'_>, s: &Subst, number: f64) -> bool {
    is(r, s, number) && real(r, s)
}

fn real(r: &Rewriter<'_>, s: &Subst) -> bool {
    !r.dtype(r.var(s, "?x")).is_complex()
}

fn float(r: &Rewriter<'_>, s: &Subst) -> bool {
    r.dtype(r.var(s, "?x")).is_float()
}

fn whole(r: &Rewriter<'_>, s: &Subst) -> bool {
    !r.dtype(r.var(s, "?x")).is_inexact()
}

/// `-(x - y)` and `y - x` differ in the sign of a zero result.
fn never_float(r: &Rewriter<'_>, s: &Subst) -> bool {
    whole(r, s)
}

/// The negative of an unsigned number wraps.
fn signed(r: &Rewriter<'_>, s: &Subst) -> bool {
    r.dtype(r.var(s, "?x")).kind() != Kind::UInt
}

fn negative_zero(r: &Rewriter<'_>, s: &Subst) -> bool {
    is(r, s, -0.0) && r.dtype(r.var(s, "?x")).is_float()
}

fn multiply_zero(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let c = r.value(n.children[1])?;
    if c != Scalar::zero(c.dtype()) {
        return None;
    }
    fill(r, n, Scalar::zero(c.dtype()))
}

fn subtract_self(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    if n.children[0] != n.children[1] {
        return None;
    }
    let t = r.dtype(n.children[0]);
    fill(r, n, Scalar::zero(t))
}

fn divide_self(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let t = r.dtype(n.children[0]);
    (n.children[0] == n.children[1]).then(|| fill(r, n, Scalar::one(t)))?
}

fn negative(c: Scalar) -> Option<Scalar> {
    fold(Op::Negative, &[c])
}

/// `-(x * c) -> x * -c`, and the same for quotients.
fn negative_constant(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    if r.dtype(n.children[0]).is_complex() {
        return None;
    }
    for op in [Op::Multiply, Op::Divide] {
        for f in r.forms(n.children[0], op) {
            for k in [1, 0] {
                let Some(c) = r.value(f.children[k]) else { continue };
                let mut operands = f.children.clone();
                operands[k] = r.constant(negative(c)?)?;
                return r.elementwise(op, &operands);
            }
        }
    }
    None
}

/// `-x * c -> x * -c`, and the same for quotients.
fn constant_takes_sign(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    if r.dtype(n.children[0]).is_complex() {
        return None;
    }
    for (k, other) in [(1, 0), (0, 1)] {
        let Some(c) = r.value(n.children[k]) else { continue };
        let x = r.form(n.children[other], Op::Negative)?;
        let mut operands = n.children.clone();
        operands[k] = r.constant(negative(c)?)?;
        operands[other] = x.children[0];
        return r.elementwise(n.op()?, &operands);
    }
    None
}

/// A sum or difference with a constant: whether `x` counts as it is or negated, `x`, and what is added.
fn term(r: &Rewriter<'_>, n: &ENode) -> Option<(bool, Id, Scalar)> {
    let (a, b) = (n.children[0], n.children[1]);
    match (n.op()?, r.value(a), r.value(b)) {
        (Op::Add, _, Some(c)) => Some((true, a, c)),
        (Op::Subtract, _, Some(c)) => Some((true, a, negative(c)?)),
        (Op::Subtract, Some(c), _) => Some((false, b, c)),
        _ => None,
    }
}

/// Two constant terms become one: `(x + c) - d`, `c - (d - x)`; not where one takes digits of the other away, because
/// rounding is what `(x + c) - c` is about.
fn merge_terms(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    merged(r, n, false)
}

/// The same, whatever was rounded.
fn cancel_terms(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    merged(r, n, true)
}

/// What is left of a constant, at most, if another one cancels it: ten bits of rounding less.
const CANCELLED: f64 = 1.0 / 1024.0;

/// True if two inexact constants all but cancel, or their sum is no number.
fn cancels(c: Scalar, d: Scalar, sum: Scalar) -> bool {
    let size = |x: Scalar| x.as_complex().norm();
    c.dtype().is_inexact() && (size(sum) < CANCELLED * size(c).max(size(d)) || !size(sum).is_finite())
}

fn merged(r: &mut Rewriter<'_>, n: &ENode, cancel: bool) -> Option<Id> {
    if r.dtype(n.children[0]) == DType::Bool {
        return None;
    }
    let (outer_plus, inner, d) = term(r, n)?;
    for op in [Op::Add, Op::Subtract] {
        for f in r.forms(inner, op) {
            let Some((inner_plus, x, c)) = term(r, &f) else { continue };
            let c = if outer_plus { c } else { negative(c)? };
            let both = fold(Op::Add, &[c, d])?;
            if cancels(c, d, both) != cancel {
                continue;
            }
            let (op, both) = match (inner_plus == outer_plus, both.dtype()) {
                (false, _) => (Op::Subtract, both),
                // As one would write it.
                (true, t) if t.is_float() && both.as_f64() < 0.0 || t.is_signed() && both.as_i64() < 0 => {
                    (Op::Subtract, negative(both)?)
                }
                _ => (Op::Add, both),
            };
            let both = r.constant(both)?;
            let operands = if inner_plus == outer_plus { [x, both] } else { [both, x] };
            return r.elementwise(op, &operands);
        }
    }
    None
}

/// A product or quotient with a constant: whether `x` is above the line, `x`, and the constants above and below.
fn factor(r: &Rewriter<'_>, n: &ENode) -> Option<(bool, Id, Scalar, Scalar)> {
    let (a, b) = (n.children[0], n.children[1]);
    let one = Scalar::one(r.dtype(a));
    match (n.op()?, r.value(a), r.value(b)) {
        (Op::Multiply, _, Some(c)) => Some((true, a, c, one)),
        (Op::Divide, _, Some(c)) => Some((true, a, one, c)),
        (Op::Divide, Some(c), _) => Some((false, b, c, one)),
        _ => None,
    }
}

/// Two constant factors of one value are one: `(x * c) / d`, `c / (d / x)`.
fn merge_factors(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let t = r.dtype(n.children[0]);
    let (outer_above, inner, p, q) = factor(r, n)?;
    for op in [Op::Multiply, Op::Divide] {
        for f in r.forms(inner, op) {
            let Some((inner_above, x, c, d)) = factor(r, &f) else { continue };
            let (c, d) = if outer_above { (c, d) } else { (d, c) };
            let (above, below) = (fold(Op::Multiply, &[p, c])?, fold(Op::Multiply, &[q, d])?);
            let is_one = |c: Scalar| c == Scalar::one(t);
            let x_above = inner_above == outer_above;
            if t.is_complex() && !(x_above && is_one(below)) {
                return None;
            }
            if x_above && is_one(above) && t.is_float() {
                let below = usable(below).then(|| r.constant(below))??;
                return r.elementwise(Op::Divide, &[x, below]);
            }
            let ratio = if is_one(below) { above } else { fold(Op::Divide, &[above, below])? };
            let ratio = usable(ratio).then(|| r.constant(ratio))??;
            return if x_above {
                r.elementwise(Op::Multiply, &[x, ratio])
            } else {
                r.elementwise(Op::Divide, &[ratio, x])
            };
        }
    }
    None
}

/// The constants have not overflowed or vanished where the values in between would not.
fn usable(c: Scalar) -> bool {
    let normal = |v: f64| if c.dtype().real() == DType::F32 { (v as f32).is_normal() } else { v.is_normal() };
    !c.dtype().is_inexact() || normal(c.as_f64()) || c.dtype().is_complex()
}
