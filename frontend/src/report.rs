//! What the compiler did with a function: for people, and for tools.

use crate::error::Error;
use crate::replan::Fit;
use frit_ir::Graph;
use frit_ir::plan::Layout;
use frit_passes::block::CacheBlocks;
use frit_passes::explain::{self, Explanation};
use frit_passes::lower::GroupReport;
use frit_passes::{MathLevel, PipelineReport, Stage};
use frit_runtime::{MemoryReport, Program};
use std::fmt;
use std::sync::Arc;

/// A compiled graph with everything that is known about it.
#[derive(Debug)]
pub struct Report {
    /// As traced.
    pub traced: Graph,
    /// After rewriting.
    pub optimized: Graph,
    /// The way there: each pass that changed the graph, with the rules that it applied.
    pub stages: Vec<Stage>,
    /// Passes and rules.
    pub passes: PipelineReport,
    /// The graph that `groups` refer to.
    pub lowered: Graph,
    /// Kernels and calls, and why their results are in memory.
    pub groups: Vec<GroupReport>,
    /// Loops over slabs that stay in cache, made and considered.
    pub blocks: Vec<CacheBlocks>,
    /// Plan and code.
    pub program: Arc<Program>,
    pub(crate) layouts: Vec<Layout>,
    /// The level that it was optimized at.
    pub math: MathLevel,
}

/// The stages that [`Report::dump`] shows.
pub const STAGES: [&str; 6] = ["graph", "rewritten", "plan", "kernels", "clif", "asm"];

impl Report {
    /// The text of one stage of [`STAGES`].
    pub fn dump(&self, stage: &str) -> Result<String, Error> {
        let kernels = || self.program.plan.kernels.iter();
        let code = |f: &dyn Fn(&frit_codegen::CompiledKernel) -> String| -> Result<String, Error> {
            let one = |(k, c): (&Arc<frit_ir::kernel::Kernel>, _)| format!("; {}\n{}", k.name, f(c));
            Ok(kernels().zip(self.program.kernels()?).map(one).collect::<Vec<_>>().join("\n"))
        };
        Ok(match stage {
            "graph" => self.traced.to_string(),
            "rewritten" => self.optimized.to_string(),
            "plan" => self.program.plan.outline(),
            "kernels" => kernels().map(|k| k.to_string()).collect::<Vec<_>>().join("\n"),
            "clif" => code(&|c| c.ir_text())?,
            "asm" => code(&|c| c.asm_text())?,
            other => {
                let why = format!("unknown stage `{other}`; the stages are {}", STAGES.join(", "));
                return Err(Error::Format(why));
            }
        })
    }

    /// Why it became what it is: the candidates that lost, proofs. Optimizes again.
    pub fn why(&self, what: &explain::Options) -> Result<Explanation, Error> {
        Ok(explain::explain(&self.traced, &frit_passes::Options::new(self.math), what)?)
    }

    /// Projected memory for given sizes: one shape per input (strides are those of contiguous arrays).
    pub fn memory(&self, shapes: &[&[usize]], threads: usize) -> Result<MemoryReport, Error> {
        Ok(self.fit_shapes(shapes, threads, None)?.bound.memory().clone())
    }

    /// [`Report::fit`] for contiguous arguments of these shapes.
    pub fn fit_shapes(
        &self,
        shapes: &[&[usize]],
        threads: usize,
        limit: Option<usize>,
    ) -> Result<Fit, Error> {
        let strides: Vec<Vec<isize>> = shapes.iter().map(|s| c_strides(s)).collect();
        let arguments: Vec<(&[usize], &[isize])> =
            shapes.iter().zip(&strides).map(|(s, t)| (*s, t.as_slice())).collect();
        self.fit(&arguments, threads, limit)
    }

    /// The same for given shapes and strides, in elements.
    pub(crate) fn memory_of(
        &self,
        arguments: &[(&[usize], &[isize])],
        threads: usize,
    ) -> Result<MemoryReport, Error> {
        Ok(self.program.bind(arguments, threads)?.memory().clone())
    }
}

/// Strides of a C-ordered array, in elements.
pub fn c_strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1isize; shape.len()];
    for k in (1..shape.len()).rev() {
        strides[k - 1] = strides[k].saturating_mul(shape[k] as isize);
    }
    strides
}

fn place(loc: &frit_ir::Loc) -> String {
    let loc = loc.to_string();
    if loc.is_empty() { loc } else { format!(" at {loc}") }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} nodes traced, {} after rewriting",
            self.traced.nodes.len(),
            self.optimized.nodes.len()
        )?;
        let (before, after) = (&self.passes.cost_before, &self.passes.cost_after);
        writeln!(
            f,
            "modelled cost {} before rewriting, {} after",
            explain::time(before.seconds),
            explain::time(after.seconds)
        )?;
        for r in &self.passes.rules {
            let saves =
                if r.seconds > 0.0 { format!(", saves {}", explain::time(r.seconds)) } else { String::new() };
            let places: Vec<String> = r.locs.iter().map(place).collect();
            writeln!(f, "rule {} ({}) x{}{saves}{}", r.name, r.class.name(), r.count, places.join(","))?;
        }
        for b in &self.blocks {
            match &b.lost {
                None => writeln!(f, "in slabs for the cache: {b}")?,
                Some(why) => writeln!(f, "not in slabs for the cache: {b}: {why}")?,
            }
        }
        for g in &self.groups {
            let ops: Vec<&str> = g.ops.iter().map(|(op, _)| op.name()).collect();
            writeln!(f, "{}: {}", g.name, ops.join(", "))?;
            for (op, loc, ty, why) in &g.stored {
                writeln!(f, "  {op}{}: {ty} {why}", place(loc))?;
            }
        }
        Ok(())
    }
}
