//! Benchmarks of frit, as ratios in one run: `cargo run --release -p frit-benches`.

pub mod programs;

use frit_ir::plan::{Plan, Step};

/// Units of cost ([`frit_ir::prim::Prim::cost`]) of all kernels that a plan with constant sizes launches.
pub fn units(plan: &Plan) -> f64 {
    let launched = |s: &Step| match s {
        Step::Launch(l) => Some(l.cost.as_const()? as f64 * l.parallel.as_const()? as f64),
        _ => None,
    };
    plan.steps.iter().filter_map(launched).sum()
}
