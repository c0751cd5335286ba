//! Very large programs through the whole path: time in proportion to their size, and no overflow of the stack.

#![expect(clippy::print_stdout, reason = "times, shown on failure")]

use frit::{Array, DType, Dim, jit, spec};
use frit_ir::build::Builder;
use frit_ir::{Graph, Op, TensorType, Value};
use frit_passes::{LowerOptions, MathLevel, Options};
use frit_runtime::{Program, Run};
use std::sync::Arc;
use std::time::{Duration, Instant};

const N: usize = 100_000;

struct Times {
    optimize: Duration,
    lower: Duration,
    compile: Duration,
    run: Duration,
}

/// Optimizes, lowers, compiles and runs a graph of one f64 vector; the results' first elements.
fn whole_path(g: &Graph, x: &[f64]) -> (Vec<f64>, Times) {
    let t = Instant::now();
    let optimized = frit_passes::optimize(g, &Options::new(MathLevel::Reassociate)).unwrap().graph;
    let optimize = t.elapsed();
    let t = Instant::now();
    let plan = frit_passes::lower(&optimized, &LowerOptions { layouts: vec![] }).unwrap().plan;
    let lower = t.elapsed();
    let t = Instant::now();
    let cache = frit_codegen::Cache::new(frit_codegen::available().swap_remove(0));
    let program = Arc::new(Program::new(Arc::new(plan), &cache).unwrap());
    let compile = t.elapsed();
    let t = Instant::now();
    let bound = program.bind(&[(&[x.len()], &[1])], 2).unwrap();
    // SAFETY: the one argument has the bound shape.
    let (outputs, peak) = unsafe { bound.run(&[x.as_ptr().cast()], &Run::default()) }.unwrap();
    assert!(peak <= bound.memory().peak_bytes);
    let run = t.elapsed();
    // SAFETY: each result has at least one f64.
    let firsts = outputs.iter().map(|o| unsafe { *o.buffer.as_ptr().cast::<f64>() }).collect();
    (firsts, Times { optimize, lower, compile, run })
}

fn start(n: usize) -> (Builder, Value) {
    let mut b = Builder::new("main");
    let x = b.input("x", TensorType::fixed(DType::F64, &[n]));
    (b, x)
}

/// `n` ops in a row that no rule shortens, and their value at `x`.
fn chain(n: usize, at: f64) -> (Graph, f64) {
    let (mut b, x) = start(16);
    let (mut v, mut want) = (x, at);
    for k in 0..n {
        v = match k % 3 {
            0 => b.unary(Op::Sin, v).unwrap(),
            1 => b.binary(Op::Multiply, v, x).unwrap(),
            _ => b.binary(Op::Maximum, v, x).unwrap(),
        };
        want = match k % 3 {
            0 => want.sin(),
            1 => want * at,
            _ => want.max(at),
        };
    }
    (b.finish(vec![v]), want)
}

/// `n` nodes: a layer of different functions of `x`, summed up as a balanced tree.
fn wide(n: usize, at: f64) -> (Graph, f64) {
    let (mut b, x) = start(16);
    let mut want = 0.0;
    let mut layer: Vec<Value> = (0..n / 3)
        .map(|k| {
            let c = 1.0 + k as f64 / n as f64;
            want += (at * c).sin();
            let v = b.binary_weak(Op::Multiply, x, c).unwrap();
            b.unary(Op::Sin, v).unwrap()
        })
        .collect();
    while layer.len() > 1 {
        layer = layer
            .chunks(2)
            .map(|p| if let [x, y] = p { b.binary(Op::Add, *x, *y).unwrap() } else { p[0] })
            .collect();
    }
    (b.finish(layer), want)
}

/// `n` results.
fn many_results(n: usize, at: f64) -> (Graph, f64) {
    let (mut b, x) = start(16);
    let results = (0..n).map(|k| b.binary_weak(Op::Multiply, x, 1.0 + k as f64).unwrap()).collect();
    (b.finish(results), at)
}

/// Time grows no faster than a little more than the size.
fn linear(name: &str, size: usize, make: fn(usize, f64) -> (Graph, f64)) {
    let x = [0.75; 16];
    let mut before: Option<Times> = None;
    for n in [size / 4, size] {
        let t = Instant::now();
        let (g, want) = make(n, x[0]);
        let trace = t.elapsed();
        assert!(g.nodes.len() >= n, "{} nodes", g.nodes.len());
        let (got, times) = whole_path(&g, &x);
        assert!((got[0] - want).abs() <= 1e-9 * want.abs(), "{name}: {} != {want}", got[0]);
        let Times { optimize, lower, compile, run } = &times;
        println!(
            "{name} {n}: trace {trace:?} optimize {optimize:?} lower {lower:?} compile {compile:?} run {run:?}"
        );
        if let Some(b) = before {
            // Four times the nodes: sixteen times the time would be quadratic. Short times are noise.
            let pairs = [(b.optimize, *optimize), (b.lower, *lower), (b.compile, *compile), (b.run, *run)];
            for (k, (small, large)) in pairs.into_iter().enumerate() {
                let floor = Duration::from_millis(200);
                assert!(large < small.max(floor) * 10, "{name}, stage {k}: {small:?}, then {large:?}");
            }
        }
        before = Some(times);
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_ops() {
    linear("chain", N, chain);
}

#[test]
fn a_wide_graph_of_a_hundred_thousand_ops() {
    linear("wide", N, wide);
}

#[test]
fn many_thousand_results() {
    linear("results", N / 4, many_results);
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
