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
    // As for the power 0.5: below zero and at -inf the two differ.
    node("power-half-integer-known", Reassociate, &[Op::Power],                |r, n| half_integer_power(r, n, true)),
    node("power-half-integer",    Fast,        &[Op::Power],                   |r, n| half_integer_power(r, n, false)),
    // pow(-0.0, 0.5) is 0.0 and pow(-inf, 0.5) is inf, where sqrt gives -0.0 and NaN.
    pattern("power-half-known",   Reassociate, "(power ?x ?c)",                "(sqrt ?x)").when(|r, s| real_power(r, s, 0.5) && r.nonnegative(r.var(s, "?x"))),
    pattern("power-half",         Fast,        "(power ?x ?c)",                "(sqrt ?x)").when(|r, s| real_power(r, s, 0.5)),
    node("divide-power-of-two",   Exact,       &[Op::Divide],                  divide_power_of_two),
    node("divide-constant",       Fast,        &[Op::Divide],                  divide_constant),
    // More accurate than what they replace: 1 + x and exp(x) - 1 lose the digits of a small x.
    pattern("log1p",              Reassociate, "(log (add ?x ?c))",            "(log1p ?x)").when(|r, s| r.is(r.var(s, "?c"), 1.0) && float(r, s)),
    pattern("expm1",              Reassociate, "(subtract (exp ?x) ?c)",       "(expm1 ?x)").when(|r, s| r.is(r.var(s, "?c"), 1.0) && float(r, s)),
    pattern("expm1-add",          Reassociate, "(add (exp ?x) ?c)",            "(expm1 ?x)").when(|r, s| r.is(r.var(s, "?c"), -1.0) && float(r, s)),
    // The reciprocal is 0 where exp overflows; its own rounding goes.
    pattern("exp-reciprocal",     Reassociate, "(reciprocal (exp ?x))",        "(exp (negative ?x))"),
    node("log-root",              Reassociate, &[Op::Log, Op::Log2, Op::Log10], log_root),
    node("log-power",             Fast,        &[Op::Log, Op::Log2, Op::Log10], log_power),
    pattern("square-sqrt-known",  Reassociate, "(square (sqrt ?x))",           "?x").when(|r, s| r.nonnegative(r.var(s, "?x"))),
    node("sine-cosine",           Fast,        &[Op::Add],                     sine_cosine),
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

/// The largest power of floats made of products: each adds half a unit in the last place.
const CHAIN: i64 = 16;

/// `x ** k` by repeated squaring, for `k > 0`.
fn chain(r: &mut Rewriter<'_>, x: Id, k: i64) -> Option<Id> {
    let (mut result, mut factor) = ((k & 1 == 1).then_some(x), x);
    let mut rest = k >> 1;
    while rest > 0 {
        factor = r.elementwise(Op::Square, &[factor])?;
        if rest & 1 == 1 {
            result = Some(match result {
                Some(p) => r.elementwise(Op::Multiply, &[p, factor])?,
                None => factor,
            });
        }
        rest >>= 1;
    }
    result
}

/// Whole powers by repeated squaring; negative ones of floats as reciprocals.
fn small_power(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (x, c) = (n.children[0], r.value(n.children[1])?);
    let k = c.as_i64();
    let most = if c.dtype().is_int() { 64 } else { CHAIN };
    if c.dtype().is_complex()
        || !(2..=most).contains(&k.abs())
        || k == 2
        || c != Scalar::from_i64(c.dtype(), k)
    {
        return None;
    }
    if k < 0 && !c.dtype().is_float() {
        return None;
    }
    let power = chain(r, x, k.abs())?;
    if k > 0 { Some(power) } else { r.elementwise(Op::Reciprocal, &[power]) }
}

/// `x ** 2.5 -> x * x * sqrt(x)`
fn half_integer_power(r: &mut Rewriter<'_>, n: &ENode, known: bool) -> Option<Id> {
    let (x, c) = (n.children[0], r.value(n.children[1])?);
    let doubled = c.as_f64() * 2.0;
    if !c.dtype().is_float()
        || doubled.abs() > CHAIN as f64
        || doubled.rem_euclid(2.0) != 1.0
        || known != r.nonnegative(x)
    {
        return None;
    }
    let root = r.elementwise(Op::Sqrt, &[x])?;
    let whole = (doubled.abs() as i64 - 1) / 2;
    let power = match whole {
        0 => root,
        _ => {
            let whole = chain(r, x, whole)?;
            r.elementwise(Op::Multiply, &[whole, root])?
        }
    };
    match (doubled > 0.0, whole) {
        (true, 0) => None,
        (true, _) => Some(power),
        (false, _) => r.elementwise(Op::Reciprocal, &[power]),
    }
}

/// `log(sqrt(x)) -> log(x) / 2`
fn log_root(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let root = r.form(n.children[0], Op::Sqrt)?;
    scaled_log(r, n, root.children[0], 0.5)
}

/// `log(x ** c) -> c log(x)`, and of a square twice the logarithm of the magnitude.
fn log_power(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    if let Some(square) = r.form(n.children[0], Op::Square) {
        let magnitude = r.elementwise(Op::Absolute, &[square.children[0]])?;
        return scaled_log(r, n, magnitude, 2.0);
    }
    let power = r.form(n.children[0], Op::Power)?;
    let c = r.value(power.children[1])?.as_f64();
    // Even powers of negative numbers have a logarithm.
    scaled_log(r, n, power.children[0], c).filter(|_| r.nonnegative(power.children[0]))
}

fn scaled_log(r: &mut Rewriter<'_>, n: &ENode, x: Id, factor: f64) -> Option<Id> {
    let t = r.dtype(x);
    if !t.is_float() {
        return None;
    }
    let log = r.elementwise(n.op()?, &[x])?;
    let factor = r.number(t, factor)?;
    r.elementwise(Op::Multiply, &[log, factor])
}

/// `sin(x)**2 + cos(x)**2 -> 1`
fn sine_cosine(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let angle = |r: &Rewriter<'_>, id: Id, op: Op| {
        let square = r.form(id, Op::Square)?;
        r.form(square.children[0], op).map(|f| f.children[0])
    };
    let (a, b) = (n.children[0], n.children[1]);
    let both = |r: &Rewriter<'_>, a: Id, b: Id| {
        let x = angle(r, a, Op::Sin)?;
        (angle(r, b, Op::Cos)? == x).then_some(x)
    };
    let x = both(r, a, b).or_else(|| both(r, b, a))?;
    let t = r.dtype(x);
    t.is_float().then(|| super::fill(r, n, Scalar::one(t)))?
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
