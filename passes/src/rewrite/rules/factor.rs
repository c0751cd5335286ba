//! Common factors.

use super::super::rule::{Rule, pattern};
use crate::pass::MathLevel::{Fast, Reassociate};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pattern("factor-add-ll",      Reassociate, "(add (multiply ?a ?b) (multiply ?a ?c))",      "(multiply ?a (add ?b ?c))").exact_for_ints(),
    pattern("factor-add-lr",      Reassociate, "(add (multiply ?a ?b) (multiply ?c ?a))",      "(multiply ?a (add ?b ?c))").exact_for_ints(),
    pattern("factor-add-rl",      Reassociate, "(add (multiply ?b ?a) (multiply ?a ?c))",      "(multiply ?a (add ?b ?c))").exact_for_ints(),
    pattern("factor-add-rr",      Reassociate, "(add (multiply ?b ?a) (multiply ?c ?a))",      "(multiply (add ?b ?c) ?a)").exact_for_ints(),
    pattern("factor-subtract-ll", Reassociate, "(subtract (multiply ?a ?b) (multiply ?a ?c))", "(multiply ?a (subtract ?b ?c))").exact_for_ints(),
    pattern("factor-subtract-lr", Reassociate, "(subtract (multiply ?a ?b) (multiply ?c ?a))", "(multiply ?a (subtract ?b ?c))").exact_for_ints(),
    pattern("factor-subtract-rl", Reassociate, "(subtract (multiply ?b ?a) (multiply ?a ?c))", "(multiply ?a (subtract ?b ?c))").exact_for_ints(),
    pattern("factor-subtract-rr", Reassociate, "(subtract (multiply ?b ?a) (multiply ?c ?a))", "(multiply (subtract ?b ?c) ?a)").exact_for_ints(),
    pattern("divide-add",         Reassociate, "(add (divide ?a ?c) (divide ?b ?c))",          "(divide (add ?a ?b) ?c)"),
    pattern("divide-subtract",    Reassociate, "(subtract (divide ?a ?c) (divide ?b ?c))",     "(divide (subtract ?a ?b) ?c)"),
    // The product of two divisors may overflow where the quotients do not.
    pattern("divide-divide",      Fast,        "(divide (divide ?a ?b) ?c)",                   "(divide ?a (multiply ?b ?c))"),
];
