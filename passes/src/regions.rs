//! Control flow: captures and carried values that nothing uses.

use crate::pass::Context;
use crate::rebuild::{Copy, rebuild};
use frit_ir::error::TypeError;
use frit_ir::graph::Graph;

/// Simplifies regions.
pub(crate) fn run(graph: &Graph, _: &mut Context<'_>) -> Result<Graph, TypeError> {
    rebuild(graph, &[], &mut Copy)
}
