//! The rules, one table per family. A rule is one line: name, class, what it matches, what it makes.
//!
//! House rules: a rule never makes the program worse by itself where that can be seen (the extraction decides the
//! rest); no general commutativity or associativity, mirrored rules are written out (operands stand in canonical
//! order: constants last); the class states what is true for special values, not what is convenient. Every rule is
//! checked on random operands with special values, and every side condition by a case where the rule must not
//! apply (`tests/rules.rs`).

mod algebraic;
mod chunking;
mod extreme;
mod factor;
mod factored;
mod indexing;
mod integer;
mod join;
mod known;
mod linalg;
mod logic;
mod math;
mod matmul;
mod movement;
mod order;
mod polynomial;
mod reduce;
mod structured;
mod variance;

use super::analysis::TensorAnalysis;
use super::language::ENode;
use super::rule::{Rewriter, Rule};
use crate::make::Make;
use crate::pass::MathLevel;
use egg::{Id, Rewrite};
use frit_ir::eval::scalar::ScalarOp;
use frit_ir::ops::Gives;
use frit_ir::{DType, Op, Scalar};
use std::sync::OnceLock;

/// Every family.
const FAMILIES: &[&[Rule]] = &[
    algebraic::RULES,
    logic::RULES,
    factor::RULES,
    known::RULES,
    integer::RULES,
    math::RULES,
    polynomial::RULES,
    movement::RULES,
    join::RULES,
    indexing::RULES,
    reduce::RULES,
    variance::RULES,
    extreme::RULES,
    matmul::RULES,
    structured::RULES,
    linalg::RULES,
    factored::RULES,
    order::RULES,
    chunking::RULES,
];

/// An elementwise operation on constants of one type.
fn fold(op: Op, operands: &[Scalar]) -> Option<Scalar> {
    let t = operands[0].dtype();
    let to = if op.def().gives == Gives::Bool { DType::Bool } else { t };
    operands
        .iter()
        .all(|c| c.dtype() == t)
        .then(|| ScalarOp::new(op, &vec![t; operands.len()], to).apply(operands))
}

/// A constant in the type and shape of a node.
fn fill(r: &mut Rewriter<'_>, n: &ENode, value: Scalar) -> Option<Id> {
    let class = r.egraph.lookup(n.clone())?;
    let shape = r.shape(class);
    let c = r.constant(value)?;
    r.broadcast_to(c, &shape)
}

/// The rule with an index.
pub(super) fn get(index: usize) -> &'static Rule {
    all().nth(index).expect("an index from `compiled`")
}

/// Every rule, in order.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|f| f.iter())
}

/// The rules that may apply at a level, compiled once.
pub(super) fn compiled(math: MathLevel) -> &'static [Rewrite<ENode, TensorAnalysis>] {
    static COMPILED: [OnceLock<Vec<Rewrite<ENode, TensorAnalysis>>>; 3] =
        [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    COMPILED[math as usize].get_or_init(|| {
        let all = all().enumerate();
        all.filter(|(_, r)| r.class.min(r.int_class) <= math).map(|(k, r)| r.compile(k, math)).collect()
    })
}
