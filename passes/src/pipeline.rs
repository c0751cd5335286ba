//! The ordered list of graph passes.

use crate::pass::{Context, Optimized, Options, Pass, PassError, RuleInfo, Stage};
use crate::{canonicalize, expand, fold, regions, rewrite};
use frit_ir::Graph;

/// Every pass rebuilds the graph through a hash-consing builder from its live nodes only: equal nodes merge (CSE)
/// and unused ones go (DCE) at each step, so neither has a line here.
const PASSES: &[Pass] = &[
    // First: the other passes know only core ops.
    Pass { name: "expand", run: expand::run },
    // Before folding: constants stand on the right and broadcasts are out of the way.
    Pass { name: "canonicalize", run: canonicalize::run },
    Pass { name: "fold", run: fold::run },
    // After folding, which decides conditions; captures of dropped nodes go, invariant nodes leave loops.
    Pass { name: "regions", run: regions::run },
    // On the smallest graph, in the form that its rules expect.
    Pass { name: "rewrite", run: rewrite::run },
    // Rules leave chains of views and operations on constants behind.
    Pass { name: "canonicalize", run: canonicalize::run },
    Pass { name: "fold", run: fold::run },
    // Rules may have made more of a loop body invariant.
    Pass { name: "regions", run: regions::run },
];

/// Optimizes a graph: the same parameters and results, less work.
pub fn optimize(graph: &Graph, options: &Options) -> Result<Optimized, PassError> {
    optimize_with(graph, options, &mut |_| {})
}

/// [`optimize`], showing the graph after each pass to an observer.
pub fn optimize_with(
    graph: &Graph,
    options: &Options,
    observe: &mut dyn FnMut(Stage<'_>),
) -> Result<Optimized, PassError> {
    let mut context = Context::new(options);
    let mut graph = graph.clone();
    observe(Stage { name: "graph", graph: &graph, changed: true });
    for pass in PASSES {
        let (after, changed) = context.step(pass, &graph)?;
        observe(Stage { name: pass.name, graph: &after, changed });
        graph = after;
    }
    Ok(Optimized { graph, report: context.finish() })
}

/// Every rewrite rule of the e-graph pass.
pub fn rules() -> Vec<RuleInfo> {
    rewrite::rules::all().map(|r| RuleInfo { name: r.name, class: r.class, int_class: r.int_class }).collect()
}
