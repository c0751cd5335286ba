//! What a pass is, how the pipeline runs one, and what it reports.

use crate::explain::{Notes, Step};
use crate::rewrite::cost::CostModel;
pub use crate::rewrite::cost::program::Cost;
use frit_ir::error::TypeError;
use frit_ir::ops::Class;
use frit_ir::{Attr, Graph, Loc};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// How far a program's floating-point results may move. Also the class of a rewrite rule: the least level at
/// which it applies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum MathLevel {
    /// The same bits.
    Exact,
    /// The same up to rounding and the sign of zero: sums in another order, factoring, matrix products associated
    /// otherwise. NaN and infinities may differ only where an intermediate result overflows or vanishes.
    Reassociate,
    /// Assumes that no NaN and no infinity occurs.
    Fast,
}

impl MathLevel {
    /// The name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            MathLevel::Exact => "exact",
            MathLevel::Reassociate => "reassociate",
            MathLevel::Fast => "fast",
        }
    }
}

/// What the passes may do. The frontends decide each field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Which rewrite rules apply.
    pub math: MathLevel,
    /// Whether the e-graph pass runs at all.
    pub rewrite: bool,
    /// Check the graph after each pass.
    pub verify: bool,
}

impl Options {
    /// The usual passes at a math level; the graph is verified in debug builds.
    pub fn new(math: MathLevel) -> Options {
        Options { math, rewrite: true, verify: cfg!(debug_assertions) }
    }
}

/// Why optimizing failed: always a bug of a pass, since a graph that type-checks can be optimized.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum PassError {
    /// A pass built a node that does not type-check.
    #[error("bug in pass `{pass}`: {error}")]
    Type {
        /// The pass.
        pass: &'static str,
        /// What the type checker says.
        error: TypeError,
    },
    /// A pass left a graph that breaks an invariant.
    #[error("bug in pass `{pass}`: {what}")]
    Invalid {
        /// The pass.
        pass: &'static str,
        /// The broken invariant.
        what: String,
    },
}

/// A rewrite rule, for documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleInfo {
    /// Its name in reports.
    pub name: &'static str,
    /// The least level at which it applies to float and complex results.
    pub class: MathLevel,
    /// The same for integer and bool results.
    pub int_class: MathLevel,
}

/// A rule that took part in the result.
#[derive(Clone, PartialEq, Debug)]
pub struct RuleFired {
    /// The rule's name.
    pub name: &'static str,
    /// Its class.
    pub class: MathLevel,
    /// How many nodes of the result it explains.
    pub count: usize,
    /// Where those nodes were written, without repetition; unknown places are left out.
    pub locs: Vec<Loc>,
    /// Modelled seconds that the program would take more if each of those nodes had kept its form. Rules that work
    /// together on one node each count what they save together.
    pub seconds: f64,
    /// Modelled bytes, as the seconds.
    pub bytes: f64,
}

/// One line of the report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PassReport {
    /// The pass.
    pub name: &'static str,
    /// Nodes before, regions included.
    pub nodes_before: usize,
    /// Nodes after.
    pub nodes_after: usize,
    /// Time taken.
    pub nanoseconds: u64,
    /// Whether the graph changed.
    pub changed: bool,
}

/// What the pipeline did.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PipelineReport {
    /// Each pass in order.
    pub passes: Vec<PassReport>,
    /// Rules that shaped the result, by name.
    pub rules: Vec<RuleFired>,
    /// Why the e-graph search stopped, one entry per searched piece with the number of such pieces.
    pub stops: Vec<(String, usize)>,
    /// Modelled cost of the program as it was given, composites expanded.
    pub cost_before: Cost,
    /// Modelled cost of the result.
    pub cost_after: Cost,
}

/// The result of [`crate::optimize`].
#[derive(Clone, PartialEq, Debug)]
pub struct Optimized {
    /// The graph; the same parameters and results as the one given.
    pub graph: Graph,
    /// The way to it.
    pub stages: Vec<Stage>,
    /// How it came about.
    pub report: PipelineReport,
}

impl Optimized {
    /// Every application of a rule that shaped the result, in the order in which they were found.
    pub fn history(&self) -> impl Iterator<Item = &Step> {
        self.stages.iter().flat_map(|s| &s.steps)
    }
}

/// A pass that changed the graph.
#[derive(Clone, PartialEq, Debug)]
pub struct Stage {
    /// The pass.
    pub name: &'static str,
    /// The rules that it applied, one by one.
    pub steps: Vec<Step>,
    /// The graph after it.
    pub graph: Arc<Graph>,
}

/// One pass: a name and a function from graph to graph.
#[derive(Clone, Copy)]
pub(crate) struct Pass {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Graph, &mut Context<'_>) -> Result<Graph, TypeError>,
}

/// What passes share: the options, and the report they add to.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) options: &'a Options,
    pub(crate) report: PipelineReport,
    /// The steps of the present pass.
    pub(crate) steps: Vec<Step>,
    fired: BTreeMap<&'static str, RuleFired>,
    /// Rules counted by the present pass whose savings are not known yet.
    unpriced: Vec<&'static str>,
    pub(crate) costs: CostModel,
    /// Where passes write down why they do what they do, if someone asked.
    pub(crate) notes: Option<Notes>,
}

impl Context<'_> {
    pub(crate) fn new(options: &Options) -> Context<'_> {
        Context {
            options,
            report: PipelineReport::default(),
            steps: vec![],
            fired: BTreeMap::new(),
            unpriced: vec![],
            costs: CostModel::default(),
            notes: None,
        }
    }

    /// Counts one application of a rule by a pass whose savings are known as a whole only: each counts its share.
    pub(crate) fn fired(&mut self, name: &'static str, class: MathLevel, loc: &Loc) {
        self.unpriced.push(name);
        self.steps.push(Step {
            rule: name,
            class,
            loc: loc.clone(),
            before: String::new(),
            after: String::new(),
            seconds: 0.0,
            bytes: 0.0,
            change: None,
        });
        self.fired_saving(name, class, loc, &Cost::default());
    }

    /// Counts one application of a rule, with what it saved.
    pub(crate) fn fired_saving(&mut self, name: &'static str, class: MathLevel, loc: &Loc, saved: &Cost) {
        let new = RuleFired { name, class, count: 0, locs: vec![], seconds: 0.0, bytes: 0.0 };
        let entry = self.fired.entry(name).or_insert(new);
        entry.count += 1;
        entry.seconds += saved.seconds;
        entry.bytes += saved.bytes;
        if *loc != Loc::NONE && !entry.locs.contains(loc) && entry.locs.len() < 16 {
            entry.locs.push(loc.clone());
        }
    }

    /// Gives the rules that a pass counted their share of what it saved.
    fn share(&mut self, before: &Graph, after: &Graph) {
        let names = std::mem::take(&mut self.unpriced);
        if names.is_empty() || before == after {
            return;
        }
        let saved = self.costs.nested(before).minus(&self.costs.nested(after));
        let (seconds, bytes) = (saved.seconds / names.len() as f64, saved.bytes / names.len() as f64);
        for name in &names {
            if let Some(rule) = self.fired.get_mut(name) {
                rule.seconds += seconds;
                rule.bytes += bytes;
            }
        }
        for step in self.steps.iter_mut().filter(|s| names.contains(&s.rule)) {
            (step.seconds, step.bytes) = (seconds, bytes);
        }
    }

    /// Counts searches that stopped for a reason.
    pub(crate) fn stopped(&mut self, reason: String, count: usize) {
        match self.report.stops.iter_mut().find(|(r, _)| *r == reason) {
            Some((_, n)) => *n += count,
            None => self.report.stops.push((reason, count)),
        }
    }

    /// Runs one pass: times it, checks its result, and writes its line of the report.
    pub(crate) fn step(&mut self, pass: &Pass, graph: &Graph) -> Result<(Graph, bool), PassError> {
        let start = Instant::now();
        let after = (pass.run)(graph, self).map_err(|error| PassError::Type { pass: pass.name, error })?;
        let nanoseconds = start.elapsed().as_nanos() as u64;
        let changed = after != *graph;
        self.share(graph, &after);
        self.report.passes.push(PassReport {
            name: pass.name,
            nodes_before: count_nodes(graph),
            nodes_after: count_nodes(&after),
            nanoseconds,
            changed,
        });
        if self.options.verify && changed {
            check(&after, graph).map_err(|what| PassError::Invalid { pass: pass.name, what })?;
        }
        Ok((after, changed))
    }

    /// Ends the report.
    pub(crate) fn finish(self) -> PipelineReport {
        PipelineReport { rules: self.fired.into_values().collect(), ..self.report }
    }
}

/// Nodes of a graph and of its regions.
pub(crate) fn count_nodes(graph: &Graph) -> usize {
    let inner = |n: &frit_ir::graph::Node| -> usize {
        if n.op.class() != Class::Region {
            return 0;
        }
        n.attrs.iter().map(|(_, a)| if let Attr::Graph(g) = a { count_nodes(g) } else { 0 }).sum()
    };
    graph.nodes.len() + graph.nodes.iter().map(inner).sum::<usize>()
}

/// The graph is valid and its interface unchanged.
fn check(graph: &Graph, before: &Graph) -> Result<(), String> {
    if graph.inputs != before.inputs {
        return Err("the parameters changed".into());
    }
    if graph.output_types() != before.output_types() {
        return Err("the result types changed".into());
    }
    frit_ir::verify::graph(graph).map_err(|e| e.to_string())
}
