//! Cheaper forms by equality saturation: all rules grow one e-graph of equal expressions, then the cheapest
//! program is taken out of it.
//!
//! Invariants: limits count nodes and iterations, never time, and nothing depends on hash order, so the result is
//! a function of the graph and the options. The result never costs more than the input by the [`cost`] model. A
//! rewritten node has the location of the node it replaces. Rewriting the result again changes nothing.

mod analysis;
pub(crate) mod cost;
pub(crate) mod explain;
mod extract;
mod facts;
mod language;
mod piece;
mod rule;
pub(crate) mod rules;
mod search;
mod show;
mod steps;

use crate::explain::{Notes, Why};
use crate::pass::Context;
use crate::rebuild::{Ranges, map_regions};
pub(crate) use cost::{CostModel, number};
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Node};
use frit_ir::ops::Class;
use std::borrow::Cow;

/// Rewrites a graph and its regions.
pub(crate) fn run(graph: &Graph, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    if !context.options.rewrite {
        return Ok(graph.clone());
    }
    if let Some(notes) = &mut context.notes {
        // Candidates of the last round: those that lost to the result. What another level would allow is said of the program
        // as it was written: what this level made of it may hide it.
        notes.lost.retain(|l| matches!(l.why, Why::Needs(..)));
    }
    rewrite(graph, &[], context)
}

fn rewrite(graph: &Graph, ranges: &Ranges, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    let has_regions = graph.nodes.iter().any(|n| n.op.class() == Class::Region);
    let graph =
        if has_regions { Cow::Owned(with_regions(graph, ranges, context)?) } else { Cow::Borrowed(graph) };
    let mut notes = context.notes.as_ref().map(|n| Notes { what: n.what, ..Notes::default() });
    let math = context.options.math;
    let round = piece::rewrite_pieces(&graph, ranges, &mut context.costs, math, notes.as_mut())?;
    for (reason, count) in round.stops {
        context.stopped(reason, count);
    }
    // Pieces are compared by themselves: what they share with others may cost more than the model of a piece says.
    match round.graph {
        Some(better) if context.costs.graph(&better).beats(&context.costs.graph(&graph)) => {
            for f in &round.fired {
                context.fired_saving(f.name, f.class, &f.loc, &f.saved);
            }
            context.steps.extend(round.steps);
            if let (Some(all), Some(new)) = (&mut context.notes, notes) {
                all.extend(new);
            }
            Ok(better)
        }
        _ => {
            if let (Some(all), Some(new)) = (&mut context.notes, notes) {
                all.add_lost(new.lost);
            }
            Ok(graph.into_owned())
        }
    }
}

/// The graph with its regions rewritten first; to the graph around them they are opaque.
fn with_regions(graph: &Graph, ranges: &Ranges, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    let mut out = graph.clone();
    let steps = context.steps.len();
    for n in &mut out.nodes {
        if n.op.class() == Class::Region {
            let attrs = map_regions(n.op, &n.attrs, ranges, &mut |g, r| rewrite(g, r, &mut *context))?;
            *n = Node { attrs, ..n.clone() };
        }
    }
    // What they change is not of this graph.
    context.steps[steps..].iter_mut().for_each(|s| s.change = None);
    Ok(out)
}

#[cfg(test)]
mod tests;
