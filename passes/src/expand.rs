//! Composite ops become core ops, by the decomposition in their row of the op table.

use crate::pass::Context;
use crate::rebuild::{Site, Visitor, rebuild};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Value};
use frit_ir::ops::Class;

struct Expand {
    /// A decomposition used a composite op itself: go over the graph once more.
    again: bool,
}

impl Visitor for Expand {
    fn visit(&mut self, b: &mut Builder, site: &Site<'_>) -> Result<Option<Vec<Value>>, TypeError> {
        let Site { node, inputs, .. } = *site;
        let Some(expand) = node.op.def().expand else { return Ok(None) };
        let before = b.graph().nodes.len();
        let new = expand(b, &node.attrs, inputs)?;
        self.again |= b.graph().nodes[before..].iter().any(|n| n.op.class() == Class::Composite);
        Ok(Some(new))
    }
}

/// Afterwards no composite op is left. New nodes have the location of the op they come from.
pub(crate) fn run(graph: &Graph, _: &mut Context<'_>) -> Result<Graph, TypeError> {
    let mut pass = Expand { again: false };
    let mut graph = rebuild(graph, &[], &mut pass)?;
    while std::mem::take(&mut pass.again) {
        graph = rebuild(&graph, &[], &mut pass)?;
    }
    Ok(graph)
}
