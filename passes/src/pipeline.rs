//! The ordered list of graph passes.

use crate::explain::Notes;
use crate::pass::{Context, Optimized, Options, Pass, PassError, RuleInfo, Stage};
use crate::{associate, canonicalize, expand, fold, regions, rewrite, sink, stabilize};
use frit_ir::Graph;
use std::sync::Arc;

/// Every pass rebuilds the graph through a hash-consing builder from its live nodes only: equal nodes merge (CSE)
/// and unused ones go (DCE) at each step, so neither has a line here.
///
/// First and once.
const FIRST: &[Pass] = &[
    // The other passes know only core ops.
    Pass { name: "expand", run: expand::run },
    // On the program as it is written: rules would choose the shorter formula. What it adds is part of the cost before.
    Pass { name: "stabilize", run: stabilize::run },
];

/// Repeated until a round changes nothing, so that optimizing twice is optimizing once.
const ROUND: &[Pass] = &[
    // Before folding: constants stand on the right and broadcasts are out of the way. After rewriting: rules leave
    // chains of views behind.
    Pass { name: "canonicalize", run: canonicalize::run },
    Pass { name: "fold", run: fold::run },
    // After folding, which decides conditions; captures of dropped nodes go, invariant nodes leave loops.
    Pass { name: "regions", run: regions::run },
    // Before rewriting, which looks at short chains only.
    Pass { name: "associate", run: associate::run },
    // Before rewriting, which would move a slice past one operation per round.
    Pass { name: "sink", run: sink::run },
    // Last: on the smallest graph, in the form that its rules expect.
    Pass { name: "rewrite", run: rewrite::run },
];

/// Each round after the first only finishes what another began; none of the tests needs as many.
const MAX_ROUNDS: usize = 6;

/// Optimizes a graph: the same parameters and results, less work.
pub fn optimize(graph: &Graph, options: &Options) -> Result<Optimized, PassError> {
    Ok(drive(graph, Context::new(options))?.0)
}

/// [`optimize`] in a given context, whose notes come back.
pub(crate) fn drive(
    graph: &Graph,
    mut context: Context<'_>,
) -> Result<(Optimized, Option<Notes>), PassError> {
    let mut graph = Arc::new(graph.clone());
    let mut stages = Vec::new();
    for pass in FIRST {
        run(pass, &mut graph, &mut context, &mut stages)?;
    }
    context.report.cost_before = context.costs.nested(&graph);
    for _ in 0..MAX_ROUNDS {
        let mut any = false;
        for pass in ROUND {
            any |= run(pass, &mut graph, &mut context, &mut stages)?;
        }
        if !any {
            break;
        }
    }
    context.report.cost_after = context.costs.nested(&graph);
    let notes = context.notes.take();
    let graph = Arc::unwrap_or_clone(graph);
    Ok((Optimized { graph, stages, report: context.finish() }, notes))
}

/// One pass, and its stage if it changed the graph; whether it did.
fn run(
    pass: &Pass,
    graph: &mut Arc<Graph>,
    context: &mut Context<'_>,
    stages: &mut Vec<Stage>,
) -> Result<bool, PassError> {
    let (after, changed) = context.step(pass, graph)?;
    let steps = std::mem::take(&mut context.steps);
    if changed {
        *graph = Arc::new(after);
        stages.push(Stage { name: pass.name, steps, graph: graph.clone() });
    }
    Ok(changed)
}

/// Names of the passes, in order.
pub fn pass_names() -> impl Iterator<Item = &'static str> {
    FIRST.iter().chain(ROUND).map(|p| p.name)
}

/// Runs a single pass by name; `None` if there is no such pass. For tests and tools.
pub fn run_pass(name: &str, graph: &Graph, options: &Options) -> Option<Result<Graph, PassError>> {
    let pass = FIRST.iter().chain(ROUND).find(|p| p.name == name)?;
    Some(Context::new(options).step(pass, graph).map(|(after, _)| after))
}

/// Every rewrite rule of the e-graph pass.
pub fn rules() -> Vec<RuleInfo> {
    rewrite::rules::all().map(|r| RuleInfo { name: r.name, class: r.class, int_class: r.int_class }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::MathLevel;
    use crate::testing::generate::{Random, value};
    use crate::testing::same_values;
    use frit_ir::Op;
    use frit_ir::build::Builder;

    /// A graph of a few random values, some of them used twice.
    fn random_graph(r: &mut Random) -> Graph {
        let ops = [
            Op::Add,
            Op::Multiply,
            Op::Slice,
            Op::Transpose,
            Op::Reshape,
            Op::Sum,
            Op::Gather,
            Op::Squeeze,
            Op::Max,
            Op::ExpandDims,
            Op::Where,
            Op::Diagonal,
            Op::Sqrt,
            Op::Absolute,
        ];
        let mut b = Builder::new("random");
        for size in ["n", "m", "z"] {
            // Parameters that give the sizes their values.
            b.input(size, frit_ir::TensorType::new(frit_ir::DType::Bool, [frit_ir::Dim::symbol(size)]));
        }
        let mut outputs = Vec::new();
        while outputs.len() < 2 {
            let op = r.pick(&ops);
            let depth = 1 + r.below(4);
            outputs.extend(value(r, &mut b, op, depth));
        }
        b.finish(outputs)
    }

    #[test]
    fn optimizing_keeps_values_and_settles() {
        let mut r = Random(42);
        for level in [MathLevel::Exact, MathLevel::Reassociate, MathLevel::Fast] {
            let options = Options { verify: true, ..Options::new(level) };
            for _ in 0..400 {
                let graph = random_graph(&mut r);
                let once = optimize(&graph, &options).unwrap_or_else(|e| panic!("{e}\n{graph:#?}"));
                let (before, after) = (once.report.cost_before.seconds, once.report.cost_after.seconds);
                assert!(
                    after <= before * 1.05,
                    "{after} after {before}\n{graph}{}{:#?}",
                    once.graph,
                    once.report
                );
                if let Err(why) = same_values(&mut r, level, &graph, &once.graph) {
                    panic!("{why}\n{:#?}", once.report.rules);
                }
                let twice = optimize(&once.graph, &options).expect("optimizes again");
                let show = |g: &Graph| -> Vec<String> {
                    g.nodes.iter().map(|n| format!("{} {:?} {:?}", n.op, n.attrs, n.inputs)).collect()
                };
                assert_eq!(show(&once.graph), show(&twice.graph), "not idempotent: {:#?}", show(&graph));
            }
        }
    }
}
