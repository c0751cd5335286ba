//! How the time of each stage grows with the size of a program.

use frit_ir::Graph;
use frit_ir::error::TypeError;
use frit_passes::{LowerOptions, MathLevel, Options};
use frit_runtime::{Program, Run};
use frit_tests::large;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

type Make = fn(usize, f64) -> Result<(Graph, f64), TypeError>;

const STAGES: [&str; 5] = ["trace", "optimize", "lower", "compile", "run"];

/// Seconds of each stage, for a program of `n` nodes.
fn stages(n: usize, make: Make) -> [f64; 5] {
    let mut times = [0.0; 5];
    let mut start = Instant::now();
    let mut lap = |k: usize| {
        times[k] = start.elapsed().as_secs_f64();
        start = Instant::now();
    };
    let (g, _) = make(n, 0.75).expect("types");
    lap(0);
    let g = frit_passes::optimize(&g, &Options::new(MathLevel::Reassociate)).expect("optimizes").graph;
    lap(1);
    let plan = frit_passes::lower(&g, &LowerOptions::default()).expect("lowers").plan;
    lap(2);
    let cache = frit_codegen::Cache::new(frit_codegen::available().swap_remove(0));
    let program = Arc::new(Program::new(Arc::new(plan), &cache));
    program.kernels().expect("compiles");
    lap(3);
    let bound = program.bind(&[(&[16], &[1])], 2).expect("binds");
    let x = [0.75; 16];
    // SAFETY: the one argument has the bound shape.
    unsafe { bound.run(&[x.as_ptr().cast()], &Run::default()) }.expect("runs");
    lap(4);
    times
}

/// Four times the nodes: 4 is linear, 16 quadratic.
pub(crate) fn scale() {
    let programs: [(&str, usize, Make); 3] = [
        ("chain", 100_000, large::chain),
        ("wide", 100_000, large::wide),
        ("results", 25_000, large::many_results),
    ];
    for (name, n, make) in programs {
        let (small, large) = (stages(n / 4, make), stages(n, make));
        for (k, stage) in STAGES.iter().enumerate() {
            let growth = large[k] / small[k];
            println!(
                "{}",
                json!({"name": format!("{stage} a {name} of {n} ops"), "s": large[k], "growth_for_4x": growth})
            );
        }
    }
}
