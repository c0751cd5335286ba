//! Why a graph became what it became: every step, the candidates that lost, and proofs.
//!
//! Steps are part of each result ([`Optimized::history`]). Optimizing does not keep the rest; [`explain`] optimizes again
//! and takes notes.

use crate::pass::{Context, MathLevel, Optimized, Options as PassOptions, PassError};
use crate::pipeline;
use frit_ir::graph::Value;
use frit_ir::{Attrs, Graph, Loc, Op, TensorType};

/// What to find out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Candidates that lost, those that another math level would allow included: a second search.
    pub lost: bool,
    /// Proofs: chains of rule applications from what was written to what is computed.
    pub proof: bool,
}

/// What was found out.
#[derive(Clone, PartialEq, Debug)]
pub struct Explanation {
    /// The result with its report, as [`crate::optimize`] gives it.
    pub optimized: Optimized,
    /// Alternatives to forms of the result, in program order.
    pub lost: Vec<Lost>,
    /// One for each expression of the program that was replaced, in program order.
    pub proofs: Vec<Proof>,
}

/// One application of a rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The rule.
    pub rule: &'static str,
    /// Its class.
    pub class: MathLevel,
    /// Where the expression was written.
    pub loc: Loc,
    /// The expression before, down to a few levels; empty if a pass for whole graphs did it.
    pub before: String,
    /// The expression after.
    pub after: String,
    /// Modelled seconds that this saves, as in [`crate::RuleFired`].
    pub seconds: f64,
    /// Modelled bytes.
    pub bytes: f64,
    /// What it did to the graph of its pass; none where only the pass as a whole says so, and inside of regions.
    pub change: Option<Change>,
}

/// A value on the way from the graph before a pass to the one after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StepValue {
    /// One of the graph before the pass.
    Graph(Value),
    /// A result of a node that a step made.
    Made {
        /// Which one, among all that the steps of the pass made, from 0.
        node: usize,
        /// Which result of it.
        index: u32,
    },
}

impl StepValue {
    /// Another result of the same node.
    pub fn result(self, index: u32) -> StepValue {
        match self {
            StepValue::Graph(v) => StepValue::Graph(Value { index, ..v }),
            StepValue::Made { node, .. } => StepValue::Made { node, index },
        }
    }
}

/// A node that a step made.
#[derive(Clone, PartialEq, Debug)]
pub struct Made {
    /// The op.
    pub op: Op,
    /// Its attributes.
    pub attrs: Attrs,
    /// Its operands, as they were then: a later step may replace them.
    pub operands: Vec<StepValue>,
    /// Types of its results.
    pub types: Vec<TensorType>,
    /// Where the expression was written.
    pub loc: Loc,
}

/// The difference between a graph and the next one. Operands of nodes that stay are followed through `replaced`, this
/// step's and all later ones': a node whose operand is rewritten is the same node.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Change {
    /// Nodes that are new, operands first; they are numbered on from the steps before.
    pub made: Vec<Made>,
    /// Nodes that nothing needs any more, by their first result.
    pub removed: Vec<StepValue>,
    /// In order: whatever reads the first value reads the second from now on.
    pub replaced: Vec<(StepValue, StepValue)>,
}

impl Change {
    /// The same after `count` more nodes were made.
    pub(crate) fn after(mut self, count: usize) -> Change {
        let shift = |v: &mut StepValue| {
            if let StepValue::Made { node, .. } = v {
                *node += count;
            }
        };
        self.made.iter_mut().flat_map(|m| &mut m.operands).for_each(shift);
        self.removed.iter_mut().for_each(shift);
        for (from, to) in &mut self.replaced {
            shift(from);
            shift(to);
        }
        self
    }
}

/// A candidate that is not part of the result.
#[derive(Clone, PartialEq, Debug)]
pub struct Lost {
    /// The rule that made it.
    pub rule: &'static str,
    /// Its class.
    pub class: MathLevel,
    /// Where the expression was written.
    pub loc: Loc,
    /// The expression that the result has, and the candidate.
    pub kept: String,
    /// The candidate.
    pub candidate: String,
    /// Why it lost.
    pub why: Why,
}

/// Why a candidate lost.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Why {
    /// The program would take so many modelled seconds more, or as many and hold more memory.
    Costs(f64),
    /// The program would take so many modelled seconds less, but the rule needs this math level.
    Needs(MathLevel, f64),
    /// The value would be computed from itself.
    Circular,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::Costs(s) => write!(f, "costs {} more", time(*s)),
            Why::Needs(level, s) => write!(f, "would save {}, but needs math={:?}", time(*s), level.name()),
            Why::Circular => f.write_str("would need itself"),
        }
    }
}

/// Seconds for people: `1.5 us`.
pub fn time(seconds: f64) -> String {
    let (value, unit) = match seconds.abs() {
        s if s < 1e-6 => (seconds * 1e9, "ns"),
        s if s < 1e-3 => (seconds * 1e6, "us"),
        s if s < 1.0 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    if value.abs() < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// Why an expression equals what replaced it.
#[derive(Clone, PartialEq, Debug)]
pub struct Proof {
    /// Where it was written.
    pub loc: Loc,
    /// The expression.
    pub before: String,
    /// Each expression follows from the one before it; the last is what is computed. Empty where writing it out
    /// would take too long: shared parts are repeated in each place.
    pub steps: Vec<ProofStep>,
}

/// One line of a proof.
#[derive(Clone, PartialEq, Debug)]
pub struct ProofStep {
    /// The rule that leads here from the line before, somewhere inside.
    pub rule: &'static str,
    /// True if the rule is applied from right to left.
    pub backward: bool,
    /// The whole expression.
    pub after: String,
}

/// Optimizes a graph and says why.
///
/// # Errors
/// As [`crate::optimize`].
pub fn explain(graph: &Graph, options: &PassOptions, what: &Options) -> Result<Explanation, PassError> {
    let mut context = Context::new(options);
    context.notes = Some(Notes { what: *what, ..Notes::default() });
    let (optimized, notes) = pipeline::drive(graph, context)?;
    let Notes { lost, proofs, .. } = notes.unwrap_or_default();
    Ok(Explanation { optimized, lost, proofs })
}

/// What passes write down while they run.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) what: Options,
    pub(crate) lost: Vec<Lost>,
    pub(crate) proofs: Vec<Proof>,
}

impl Notes {
    /// Adds what a search found whose result is used.
    pub(crate) fn extend(&mut self, other: Notes) {
        self.add_lost(other.lost);
        self.proofs.extend(other.proofs);
    }

    /// Adds candidates, each rule once for what is written in one place at each level.
    pub(crate) fn add_lost(&mut self, lost: Vec<Lost>) {
        for l in lost {
            let same = |o: &Lost| {
                matches!((o.why, l.why), (Why::Needs(..), Why::Needs(..)))
                    && (o.rule, &o.loc) == (l.rule, &l.loc)
            };
            if !self.lost.iter().any(same) {
                self.lost.push(l);
            }
        }
    }
}
