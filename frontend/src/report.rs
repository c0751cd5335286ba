//! What the compiler did with a function: for people, and for tools.

use frit_ir::Graph;
use frit_passes::PipelineReport;
use frit_passes::lower::GroupReport;
use frit_runtime::Program;
use std::fmt;
use std::sync::Arc;

/// A compiled graph with everything that is known about it.
#[derive(Debug)]
pub struct Report {
    /// As traced.
    pub traced: Graph,
    /// After rewriting.
    pub optimized: Graph,
    /// Passes and rules.
    pub passes: PipelineReport,
    /// Kernels and calls, and why their results are in memory.
    pub groups: Vec<GroupReport>,
    /// Plan and code.
    pub program: Arc<Program>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} nodes traced, {} after rewriting",
            self.traced.nodes.len(),
            self.optimized.nodes.len()
        )?;
        for g in &self.groups {
            let ops: Vec<&str> = g.ops.iter().map(|(op, _)| op.name()).collect();
            writeln!(f, "{}: {}", g.name, ops.join(", "))?;
            for (op, loc, ty, why) in &g.stored {
                let loc = loc.to_string();
                let loc = if loc.is_empty() { loc } else { format!(" at {loc}") };
                writeln!(f, "  {op}{loc}: {ty} {why}")?;
            }
        }
        Ok(())
    }
}
