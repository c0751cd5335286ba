//! Why a graph became what it became: every step, the candidates that lost, and proofs.
//!
//! Optimizing does not keep this; [`explain`] optimizes again and takes notes.

use crate::pass::{Context, MathLevel, Optimized, Options as PassOptions, PassError};
use crate::pipeline;
use frit_ir::{Graph, Loc};

/// What to find out. Steps are always told.
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
    /// Every application of a rule that shaped the result, in the order in which they were found.
    pub history: Vec<Step>,
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
    let (optimized, notes) = pipeline::drive(graph, context, &mut |_| {})?;
    let Notes { history, lost, proofs, .. } = notes.unwrap_or_default();
    Ok(Explanation { optimized, history, lost, proofs })
}

/// What passes write down while they run.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) what: Options,
    pub(crate) history: Vec<Step>,
    pub(crate) lost: Vec<Lost>,
    pub(crate) proofs: Vec<Proof>,
}

impl Notes {
    /// Adds what a search found whose result is used.
    pub(crate) fn extend(&mut self, other: Notes) {
        self.history.extend(other.history);
        self.lost.extend(other.lost);
        self.proofs.extend(other.proofs);
    }
}
