//! Graph rewriting, fusion, lowering to plans, and the memory projection.

pub mod block;
pub mod explain;
pub mod pass;
pub mod pipeline;

mod rebuild;

mod associate;
mod canonicalize;
pub mod chunk;
mod expand;
mod fold;
mod make;
mod movement;
mod regions;
mod rewrite;
mod sink;
mod specialize;
mod stabilize;
#[cfg(test)]
mod testing;

pub mod fuse;
pub mod lower;

pub use lower::{LowerError, LowerOptions, Lowered, lower};
pub use pass::{
    Cost, MathLevel, Optimized, Options, PassError, PassReport, PipelineReport, RuleFired, RuleInfo, Stage,
};
pub use pipeline::{optimize, pass_names, rules, run_pass};
pub use specialize::specialize;
