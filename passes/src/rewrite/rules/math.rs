//! Powers, exponentials, logarithms: strength reduction and functions that undo each other.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pattern};
use crate::make::Make;
use crate::pass::MathLevel::{Exact, Fast, Reassociate};
use egg::{Id, Subst};
use frit_ir::{DType, Op, Scalar};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // pow(x, 1) is x and pow(x, 0) is 1 even for NaN (C99); the other powers differ from pow in the last place.
    pattern("power-one",          Exact,       "(power ?x ?c)",                "?x").when(|r, s| real_power(r, s, 1.0)),
    node("power-zero",            Exact,       &[Op::Power],                   power_zero),
    pattern("power-two",          Reassociate, "(power ?x ?c)",                "(square ?x)").when(|r, s| real_power(r, s, 2.0)).exact_for_ints(),
    pattern("power-minus-one",    Reassociate, "(power ?x ?c)",                "(reciprocal ?x)").when(|r, s| real_power(r, s, -1.0) && float(r, s)),
    node("power-small-integer",   Reassociate, &[Op::Power],                   small_power).exact_for_ints(),
    // pow(-0.0, 0.5) is 0.0 and pow(-inf, 0.5) is inf, where sqrt gives -0.0 and NaN.
    pattern("power-half-known",   Reassociate, "(power ?x ?c)",                "(sqrt ?x)").when(|r, s| real_power(r, s, 0.5) && r.nonnegative(r.var(s, "?x"))),
    pattern("power-half",         Fast,        "(power ?x ?c)",                "(sqrt ?x)").when(|r, s| real_power(r, s, 0.5)),
    node("divide-power-of-two",   Exact,       &[Op::Divide],                  divide_power_of_two),
    node("divide-constant",       Fast,        &[Op::Divide],                  divide_constant),
    // More accurate than what they replace: 1 + x and exp(x) - 1 lose the digits of a small x.
    pattern("log1p",              Reassociate, "(log (add ?x ?c))",            "(log1p ?x)").when(|r, s| r.is(r.var(s, "?c"), 1.0) && float(r, s)),
    pattern("expm1",              Reassociate, "(subtract (exp ?x) ?c)",       "(expm1 ?x)").when(|r, s| r.is(r.var(s, "?c"), 1.0) && float(r, s)),
    pattern("expm1-add",          Reassociate, "(add (exp ?x) ?c)",            "(expm1 ?x)").when(|r, s| r.is(r.var(s, "?c"), -1.0) && float(r, s)),
    // exp overflows where the sum would not, and the error of a large sum is magnified.
    pattern("exp-product",        Fast,        "(multiply (exp ?x) (exp ?y))", "(exp (add ?x ?y))"),
    pattern("exp-quotient",       Fast,        "(divide (exp ?x) (exp ?y))",   "(exp (subtract ?x ?y))"),
    pattern("log-product",        Fast,        "(add (log ?x) (log ?y))",      "(log (multiply ?x ?y))").when(float),
    pattern("log-exp",            Fast,        "(log (exp ?x))",               "?x").when(float),
    pattern("exp-log",            Fast,        "(exp (log ?x))",               "?x"),
    pattern("square-sqrt",        Fast,        "(square (sqrt ?x))",           "?x"),
    pattern("sqrt-square",        Fast,        "(sqrt (square ?x))",           "(absolute ?x)"),
    pattern("sqrt-product",       Fast,        "(multiply (sqrt ?x) (sqrt ?y))", "(sqrt (multiply ?x ?y))").when(float),
];

fn float(r: &Rewriter<'_>, s: &Subst) -> bool {
    r.dtype(r.var(s, "?x")).is_float()
}

fn real_power(r: &Rewriter<'_>, s: &Subst, exponent: f64) -> bool {
    r.is(r.var(s, "?c"), exponent) && !r.dtype(r.var(s, "?x")).is_complex()
}

fn power_zero(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let class = r.egraph.lookup(n.clone())?;
    let t = r.ty(class);
    if t.dtype.is_complex() || !r.is(n.children[1], 0.0) {
        return None;
    }
    let one = r.constant(Scalar::one(t.dtype))?;
    r.broadcast_to(one, &t.shape)
}

/// Powers 3 to 8 by repeated squaring.
fn small_power(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (x, c) = (n.children[0], r.value(n.children[1])?);
    let k = c.as_i64();
    if c.dtype().is_complex() || !(3..=8).contains(&k) || c != Scalar::from_i64(c.dtype(), k) {
        return None;
    }
    let square = r.elementwise(Op::Square, &[x])?;
    let (mut result, mut factor) = ((k & 1 == 1).then_some(x), square);
    let mut rest = k >> 1;
    while rest > 0 {
        if rest & 1 == 1 {
            result = Some(match result {
                Some(p) => r.elementwise(Op::Multiply, &[p, factor])?,
                None => factor,
            });
        }
        rest >>= 1;
        if rest > 0 {
            factor = r.elementwise(Op::Square, &[factor])?;
        }
    }
    result
}

/// The reciprocal of a finite normal power of two is exact, and so is the product with it.
fn divide_power_of_two(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let c = r.value(n.children[1])?;
    let v = c.as_f64();
    let fraction = match c.dtype() {
        DType::F64 => v.to_bits() & ((1 << 52) - 1),
        DType::F32 => (v as f32).to_bits() as u64 & ((1 << 23) - 1),
        _ => return None,
    };
    let normal = if c.dtype() == DType::F32 { (v as f32).recip().is_normal() } else { v.recip().is_normal() };
    if fraction != 0 || !v.is_normal() || !normal || v.abs() == 1.0 {
        return None;
    }
    let inverse = r.number(c.dtype(), v.recip())?;
    r.elementwise(Op::Multiply, &[n.children[0], inverse])
}

fn divide_constant(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let c = r.value(n.children[1])?;
    if !c.dtype().is_float() || !c.as_f64().recip().is_normal() {
        return None;
    }
    let inverse = r.number(c.dtype(), c.as_f64().recip())?;
    r.elementwise(Op::Multiply, &[n.children[0], inverse])
}
