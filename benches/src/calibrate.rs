//! The constants of [`Target`] measured on the present machine, next to those built in.

use crate::best;
use frit::{Array, Config, DType, jit_with, spec};
use frit_benches::units;
use frit_ir::target::Target;
use ndarray::{Array1, Array2};
use serde_json::json;

fn row(constant: &str, built_in: f64, measured: f64) {
    println!(
        "{}",
        json!({"name": "calibrate", "constant": constant, "built_in": built_in, "measured": measured,
            "measured_over_built_in": (measured / built_in * 100.0).round() / 100.0})
    );
}

fn one() -> Config {
    Config { threads: 1, ..Config::new() }
}

fn vector(n: usize) -> Array1<f64> {
    Array1::from_iter((0..n).map(|i| 0.5 + (i % 1000) as f64 * 0.001))
}

fn square(n: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, n), |(i, j)| if i == j { n as f64 } else { 1.0 / (1.0 + i.abs_diff(j) as f64) })
}

/// Seconds per unit of cost of a function of one vector that fits the second-level cache.
fn unit<F: frit::Traceable<P>, P>(f: F) -> f64 {
    let n = 20_000;
    let f = jit_with(f, one());
    let report = f.explain(&[spec(&[n], DType::F64)]).expect("compiles");
    let units = units(&report.program.plan);
    let x = vector(n);
    best(100, || f.call((&x,)).expect("runs")) / units
}

pub(crate) fn calibrate() {
    let built_in = Target::REFERENCE;
    // Bandwidth: a copy with one addition, of much more than the caches hold.
    let large = 10_000_000;
    let x = vector(large);
    for (name, threads, was) in
        [("core_bandwidth", 1, built_in.core_bandwidth), ("memory_bandwidth", 2, built_in.memory_bandwidth)]
    {
        let f = jit_with(|x: Array| x + 1.0, Config { threads, ..Config::new() });
        let seconds = best(7, || f.call((&x,)).expect("runs"));
        row(name, was, 16.0 * large as f64 / seconds);
    }
    let small = vector(20_000);
    let f = jit_with(|x: Array| x + 1.0, one());
    let seconds = best(200, || f.call((&small,)).expect("runs"));
    row("cache_bandwidth", built_in.cache_bandwidth, 16.0 * small.len() as f64 / seconds);
    let units = [
        unit(|x: Array| ((x + 1.0) * 2.0 - x) * x + (x - 0.25) * x),
        unit(|x: Array| x.reciprocal().sqrt()),
        unit(|x: Array| x.exp()),
        unit(|x: Array| x.sin() + x.log()),
        unit(|x: Array| (x * x - 1.0).sum(())),
    ];
    let mean = (units.iter().map(|u| u.ln()).sum::<f64>() / units.len() as f64).exp();
    row("unit", built_in.unit, mean);
    let tiny = vector(8);
    let f = jit_with(|x: Array| x * 2.0 + 1.0, one());
    let seconds = best(20, || (0..1000).for_each(|_| drop(f.call((&tiny,)).expect("runs")))) / 1000.0;
    row("launch", built_in.launch, seconds);
    let n = 512;
    let a = square(n);
    let cube = (n * n * n) as f64;
    let f = jit_with(|a: Array| a.matmul(a), one());
    row("gemm", built_in.gemm, best(9, || f.call((&a,)).expect("runs")) / cube);
    let v = Array2::<f64>::ones((256, 1));
    let m = square(256);
    let f = jit_with(|m: Array, v: Array| m.matmul(v), one());
    row("matvec", built_in.matvec, best(500, || f.call((&m, &v)).expect("runs")) / (256.0 * 256.0));
    let f = jit_with(frit::linalg::cholesky, one());
    row("dense", built_in.dense, best(9, || f.call((&a,)).expect("runs")) / (cube / 6.0));
    let n = 100_000;
    let mixed =
        Array1::from_iter((0..n as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64));
    let rounds = n as f64 * (n as f64).log2();
    let f = jit_with(|x: Array| x.sort(0), one());
    row("sort", built_in.sort, best(9, || f.call((&mixed,)).expect("runs")) / rounds);
}
