//! Identities of arithmetic, comparison and logic.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pattern};
use crate::make::Make;
use crate::pass::MathLevel::{Exact, Fast, Reassociate};
use egg::{Id, Subst};
use frit_ir::dtype::Kind;
use frit_ir::{Op, Scalar};

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
    pattern("negative-product",   Exact,       "(multiply (negative ?x) (negative ?y))", "(multiply ?x ?y)").when(real),
    pattern("absolute-negative",  Exact,       "(absolute (negative ?x))",     "(absolute ?x)").when(signed),
    pattern("absolute-known",     Exact,       "(absolute ?x)",                "?x").when(|r, s| r.nonnegative(r.var(s, "?x"))),
    pattern("square-absolute",    Exact,       "(square (absolute ?x))",       "(square ?x)").when(real),
    pattern("square-negative",    Exact,       "(square (negative ?x))",       "(square ?x)").when(real),
    pattern("product-square",     Exact,       "(multiply ?x ?x)",             "(square ?x)").when(not_bool),
    pattern("maximum-self",       Exact,       "(maximum ?x ?x)",              "?x"),
    pattern("minimum-self",       Exact,       "(minimum ?x ?x)",              "?x"),
    pattern("and-self",           Exact,       "(logical_and ?x ?x)",          "?x"),
    pattern("or-self",            Exact,       "(logical_or ?x ?x)",           "?x"),
    pattern("bitwise-and-self",   Exact,       "(bitwise_and ?x ?x)",          "?x"),
    pattern("bitwise-or-self",    Exact,       "(bitwise_or ?x ?x)",           "?x"),
    pattern("where-same",         Exact,       "(where ?m ?x ?x)",             "?x"),
    pattern("where-not",          Exact,       "(where (logical_not ?m) ?x ?y)", "(where ?m ?y ?x)"),
    pattern("where-where",        Exact,       "(where ?m (where ?m ?x ?y) ?z)", "(where ?m ?x ?z)"),
    pattern("not-less",           Exact,       "(logical_not (less ?x ?y))",   "(greater_equal ?x ?y)").when(whole),
    pattern("not-equal",          Exact,       "(logical_not (equal ?x ?y))",  "(not_equal ?x ?y)"),
    pattern("not-not-equal",      Exact,       "(logical_not (not_equal ?x ?y))", "(equal ?x ?y)"),
    node("add-constants",         Reassociate, &[Op::Add],                     merge_constants).exact_for_ints(),
    node("multiply-constants",    Reassociate, &[Op::Multiply],                merge_constants).exact_for_ints(),
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

fn whole(r: &Rewriter<'_>, s: &Subst) -> bool {
    !r.dtype(r.var(s, "?x")).is_inexact()
}

/// `-(x - y)` and `y - x` differ in the sign of a zero result.
fn never_float(r: &Rewriter<'_>, s: &Subst) -> bool {
    whole(r, s)
}

fn not_bool(r: &Rewriter<'_>, s: &Subst) -> bool {
    r.dtype(r.var(s, "?x")) != frit_ir::DType::Bool
}

/// The negative of an unsigned number wraps.
fn signed(r: &Rewriter<'_>, s: &Subst) -> bool {
    r.dtype(r.var(s, "?x")).kind() != Kind::UInt
}

fn negative_zero(r: &Rewriter<'_>, s: &Subst) -> bool {
    is(r, s, -0.0) && r.dtype(r.var(s, "?x")).is_float()
}

fn zeros(r: &mut Rewriter<'_>, like: Id) -> Option<Id> {
    let t = r.ty(like);
    let zero = r.constant(Scalar::zero(t.dtype))?;
    r.broadcast_to(zero, &t.shape)
}

fn multiply_zero(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let c = r.value(n.children[1])?;
    if c != Scalar::zero(c.dtype()) {
        return None;
    }
    let class = r.egraph.lookup(n.clone())?;
    zeros(r, class)
}

fn subtract_self(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    if n.children[0] != n.children[1] {
        return None;
    }
    zeros(r, n.children[0])
}

/// `(x op c) op d -> x op (c op d)`, with the constants combined when the graph is folded.
fn merge_constants(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let op = n.op()?;
    let d = n.children[1];
    let outer = r.value(d)?;
    for inner in r.forms(n.children[0], op) {
        let c = inner.children[1];
        let Some(value) = r.value(c) else { continue };
        // Two 0-d constants: anything else would not fold.
        let (c, d) = (r.constant(value)?, r.constant(outer)?);
        let both = r.elementwise(op, &[c, d])?;
        return r.elementwise(op, &[inner.children[0], both]);
    }
    None
}
