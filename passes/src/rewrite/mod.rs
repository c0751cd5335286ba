//! Cheaper forms by equality saturation: all rules grow one e-graph of equal expressions, then the cheapest
//! program is taken out of it.
//!
//! Invariants: limits count nodes and iterations, never time, and nothing depends on hash order, so the result is
//! a function of the graph and the options. The result never costs more than the input by the [`cost`] model. A
//! rewritten node has the location of the node it replaces. Rewriting the result again changes nothing.

mod analysis;
mod cost;
mod explain;
mod extract;
mod facts;
mod language;
mod piece;
mod rule;
pub(crate) mod rules;
mod search;

use crate::pass::Context;
use crate::rebuild::{Ranges, map_regions};
use cost::CostModel;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Node};
use frit_ir::ops::Class;

/// Rewrites a graph and its regions.
pub(crate) fn run(graph: &Graph, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    if !context.options.rewrite {
        return Ok(graph.clone());
    }
    let mut costs = CostModel::default();
    let mut total = Total::default();
    let graph = rewrite(graph, &[], &mut costs, &mut total, context)?;
    // The report spans all rounds: the cost before the first, and after the last.
    context.report.cost_before.get_or_insert(total.before);
    context.report.cost_after = Some(total.after);
    Ok(graph)
}

/// Costs of a graph and its regions.
#[derive(Default)]
struct Total {
    before: f64,
    after: f64,
}

fn rewrite(
    graph: &Graph,
    ranges: &Ranges,
    costs: &mut CostModel,
    total: &mut Total,
    context: &mut Context<'_>,
) -> Result<Graph, TypeError> {
    let graph = with_regions(graph, ranges, costs, total, context)?;
    let before = costs.graph(&graph);
    total.before += before;
    let round = piece::rewrite_pieces(&graph, ranges, costs, context.options.math)?;
    for (reason, count) in round.stops {
        context.stopped(reason, count);
    }
    if let Some(better) = round.graph {
        // The extraction is greedy: trust the comparison, not the extraction.
        let after = costs.graph(&better);
        if after + 1e-6 < before {
            for f in round.fired {
                context.fired(f.name, f.class, &f.loc);
            }
            total.after += after;
            return Ok(better);
        }
    }
    total.after += before;
    Ok(graph)
}

/// The graph with its regions rewritten first; to the graph around them they are opaque.
fn with_regions(
    graph: &Graph,
    ranges: &Ranges,
    costs: &mut CostModel,
    total: &mut Total,
    context: &mut Context<'_>,
) -> Result<Graph, TypeError> {
    let mut out = graph.clone();
    for n in &mut out.nodes {
        if n.op.class() == Class::Region {
            let attrs = map_regions(n.op, &n.attrs, ranges, &mut |g, r| {
                rewrite(g, r, &mut *costs, &mut *total, &mut *context)
            })?;
            *n = Node { attrs, ..n.clone() };
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
