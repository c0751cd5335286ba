//! Very large programs through the whole path.

use frit::{Array, DType, Dim, jit, spec};
use frit_ir::Graph;
use frit_ir::error::TypeError;
use frit_passes::{LowerOptions, MathLevel, Options};
use frit_runtime::{Program, Run};
use frit_tests::large;
use std::sync::Arc;

const N: usize = 100_000;

/// The first element of each result of a graph of one `f64[16]` whose elements are `at`, by the whole path.
fn whole_path(g: &Graph, at: f64) -> f64 {
    let optimized = frit_passes::optimize(g, &Options::new(MathLevel::Reassociate)).unwrap().graph;
    let plan = frit_passes::lower(&optimized, &LowerOptions::default()).unwrap().plan;
    let cache = frit_codegen::Cache::new(frit_codegen::available().swap_remove(0));
    let program = Arc::new(Program::new(Arc::new(plan), &cache));
    let bound = program.bind(&[(&[16], &[1])], 2).unwrap();
    let x = [at; 16];
    // SAFETY: the one argument has the bound shape.
    let (outputs, peak) = unsafe { bound.run(&[x.as_ptr().cast()], &Run::default()) }.unwrap();
    assert!(peak <= bound.memory().peak_bytes);
    // SAFETY: each result has 16 elements.
    unsafe { *outputs[0].buffer.as_ptr().cast::<f64>() }
}

/// No stack overflows, and nothing takes so long that the tests do not end; how time grows is benchmarked (`scale`).
fn runs(n: usize, make: fn(usize, f64) -> Result<(Graph, f64), TypeError>) {
    let at = 0.75;
    let (g, want) = make(n, at).unwrap();
    assert!(g.nodes.len() >= n, "{} nodes", g.nodes.len());
    let got = whole_path(&g, at);
    assert!((got - want).abs() <= 1e-9 * want.abs(), "{got} != {want}");
}

#[test]
fn a_chain_of_a_hundred_thousand_ops() {
    runs(N, large::chain);
}

#[test]
fn a_wide_graph_of_a_hundred_thousand_ops() {
    runs(N, large::wide);
}

#[test]
fn many_thousand_results() {
    runs(N / 4, large::many_results);
}

/// Sizes that are sums of many terms, or nested floor divisions.
#[test]
fn deep_size_expressions() {
    let mut d = Dim::symbol("n");
    let n = 400;
    for k in 0..n {
        d = (d + k as i64).floor_div(&Dim::constant(2)) + Dim::symbol("m");
    }
    let text = d.to_string();
    assert!(text.len() > n);
    let v = d.checked_eval(&|s| Some(if s == "n" { 1 << 20 } else { 3 })).unwrap();
    let mut want = 1i64 << 20;
    for k in 0..n {
        want = (want + k as i64).div_euclid(2) + 3;
    }
    assert_eq!(v, want);
    // Terms may be many.
    let sum = (0..2000).fold(Dim::from(0), |acc, k| acc + Dim::symbol(&format!("s{k}")));
    assert_eq!(sum.checked_eval(&|_| Some(2)), Ok(4000));
    // Nesting is limited, with a message rather than an overflow of the stack.
    let deep = std::panic::catch_unwind(|| {
        (0..N as i64).fold(Dim::symbol("n"), |d, k| (d + k).floor_div(&Dim::constant(2)) + Dim::symbol("m"))
    });
    let message = deep.map(|_| ()).unwrap_err();
    assert!(message.downcast_ref::<String>().unwrap().contains("nested divisions"));
}

/// Arrays that cannot be addressed are refused where they are made.
#[test]
fn arrays_beyond_64_bits_are_refused() {
    let f = jit(|x: Array| (x.expand_dims(1) - x.expand_dims(0)).square().sum(1));
    let e = f.explain(&[spec(&[1usize << 40], DType::F64)]).map(|_| ()).unwrap_err().to_string();
    assert!(e.contains("too big") && e.contains("limits.rs"), "{e}");
    // Absurd, but a number: projected.
    let r = f.explain(&[spec(&[1usize << 29], DType::F64)]).unwrap();
    assert!(r.program.plan.steps.len() > 1);
}
