//! Every figure of benches/README.md: one JSON line each, with the ratio to a peer or a limit measured beside it.

#![expect(clippy::print_stdout, reason = "this is a program")]

mod calibrate;
mod hand;
mod polynomial;
mod rewrite;
mod scale;

use frit::{Array, Config, DType, jit, jit_with, spec};
use frit_benches::programs::{self, chain, twenty_ops};
use ndarray::{Array1, Array2};
use serde_json::json;
use std::hint::black_box;
use std::time::Instant;

/// Best of several runs, in seconds: the least disturbed one.
fn best<R>(runs: usize, mut f: impl FnMut() -> R) -> f64 {
    black_box(f());
    let one = |f: &mut dyn FnMut() -> R| {
        let t = Instant::now();
        black_box(f());
        t.elapsed().as_secs_f64()
    };
    (0..runs).map(|_| one(&mut f)).fold(f64::MAX, f64::min)
}

fn report(name: &str, threads: usize, frit: f64, peer: f64, what: &str, bytes: f64) {
    let gigabytes = |s: f64| (bytes / s / 1e9 * 100.0).round() / 100.0;
    println!(
        "{}",
        json!({
            "name": name, "threads": threads, "frit_ms": frit * 1e3, "peer_ms": peer * 1e3, "peer": what,
            "peer_over_frit": (peer / frit * 1000.0).round() / 1000.0,
            "frit_gb_s": gigabytes(frit), "peer_gb_s": gigabytes(peer),
        })
    );
}

fn threads(n: usize) -> Config {
    Config { threads: n, ..Config::new() }
}

fn chains() {
    let n = 10_000_000;
    let make = |k: f64| Array1::from_iter((0..n).map(|i| (i % 1000) as f64 * k));
    let (x, y, z) = (make(0.5), make(0.25), make(0.125));
    let slices = (
        x.as_slice().expect("contiguous"),
        y.as_slice().expect("contiguous"),
        z.as_slice().expect("contiguous"),
    );
    let mut out = vec![0.0; n];
    let bytes = 8.0 * n as f64;
    for t in [1, 2] {
        let f = jit_with(chain, threads(t));
        let ours = best(9, || f.call((&x, &y, &z)).expect("runs"));
        let theirs = best(9, || hand::chain(slices, &mut out, t));
        report("chain of 8 ops, 3 inputs of 10^7 f64", t, ours, theirs, "vectorized Rust loop", 4.0 * bytes);
        let f = jit_with(|x: Array, y: Array, z: Array| chain(x, y, z).sum(()), threads(t));
        let ours = best(9, || f.call((&x, &y, &z)).expect("runs"));
        let theirs = best(9, || hand::chain_sum(slices, t));
        report("sum of the chain", t, ours, theirs, "vectorized Rust loop", 3.0 * bytes);
        let f = jit_with(|x: Array, y: Array, z: Array| chain(x, y, z).mean(()), threads(t));
        let ours = best(9, || f.call((&x, &y, &z)).expect("runs"));
        report("mean of the chain", t, ours, theirs, "vectorized Rust loop (sum)", 3.0 * bytes);
        let f = jit_with(|x: Array, y: Array, z: Array| chain(x, y, z).max(()), threads(t));
        let ours = best(9, || f.call((&x, &y, &z)).expect("runs"));
        let theirs = best(9, || hand::chain_max(slices, t));
        report("max of the chain", t, ours, theirs, "vectorized Rust loop", 3.0 * bytes);
    }
}

fn mixed() {
    let n = 1_000_000;
    let m = Array1::from_iter((0..n).map(|i| i * 7 % 5 < 2));
    let x = Array1::from_iter((0..n).map(|i| (i % 1000) as f32 * 0.5));
    let y = Array1::from_iter((0..n).map(|i| (i % 777) as f64 * 0.25));
    let f = jit_with(programs::mixed, threads(1));
    let ours = best(25, || f.call((&m, &x, &y)).expect("runs"));
    let mut out = vec![0.0; n];
    let slices = (
        m.as_slice().expect("contiguous"),
        x.as_slice().expect("contiguous"),
        y.as_slice().expect("contiguous"),
    );
    let theirs = best(25, || hand::mixed(slices, &mut out));
    let got = f.call1::<f64>((&m, &x, &y)).expect("runs");
    assert!(got.iter().eq(&out), "the same bits");
    let what = "vectorized Rust loop";
    report("where(bool, f64(f32) * f64 + 1, f64), 10^6", 1, ours, theirs, what, 21.0 * n as f64);
    let f = jit_with(programs::sum_of_singles, threads(1));
    let ours = best(25, || f.call((&x,)).expect("runs"));
    let theirs = best(25, || hand::sum_of_singles(slices.1));
    report("sum of 10^6 f32 as f64", 1, ours, theirs, what, 4.0 * n as f64);
}

fn softmax() {
    let x = Array2::from_shape_fn((10_000, 1000), |(i, j)| ((i * 7 + j * 13) % 97) as f32 * 0.1);
    let f = jit_with(programs::softmax, threads(1));
    let ours = best(9, || f.call((&x,)).expect("runs"));
    let mut out = vec![0f32; x.len()];
    let theirs = best(9, || hand::softmax(x.as_slice().expect("contiguous"), &mut out, 1000));
    report(
        "softmax, 10^4 rows of 1000 f32",
        1,
        ours,
        theirs,
        "hand-written, widest vectors",
        8.0 * x.len() as f64,
    );
}

fn black_scholes() {
    let n = 1_000_000;
    let s = Array1::from_iter((0..n).map(|i| 50.0 + (i % 100) as f64));
    let k = Array1::from_iter((0..n).map(|i| 60.0 + (i % 77) as f64));
    let t = Array1::from_iter((0..n).map(|i| 0.1 + (i % 50) as f64 * 0.04));
    let f = jit_with(programs::black_scholes, threads(1));
    let ours = best(25, || f.call((&s, &k, &t)).expect("runs"));
    let got = f.call1::<f64>((&s, &k, &t)).expect("runs");
    let slices = (
        s.as_slice().expect("contiguous"),
        k.as_slice().expect("contiguous"),
        t.as_slice().expect("contiguous"),
    );
    let mut out = vec![0.0; n];
    let theirs = best(5, || hand::black_scholes(slices, &mut out));
    let worst = got.iter().zip(&out).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-10, "{worst}");
    report("Black-Scholes, 10^6 f64", 1, ours, theirs, "scalar Rust with libm", 32.0 * n as f64);
    let (s, k, t) = slices;
    if polynomial::black_scholes(s, k, t, &mut out).is_none() {
        return;
    }
    let theirs = best(25, || polynomial::black_scholes(s, k, t, &mut out));
    let worst = got.iter().zip(&out).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-10, "{worst}");
    report("Black-Scholes, 10^6 f64", 1, ours, theirs, "vectorized Rust, AVX2", 32.0 * n as f64);
}

fn broadcast() {
    let (x, y) = (Array1::<f64>::linspace(0.0, 1.0, 20_000), Array1::<f64>::linspace(1.0, 2.0, 20_000));
    let f = jit(programs::distances);
    let (_, peak) = f.call_with((&x, &y), &Default::default()).expect("runs");
    println!(
        "{}",
        json!({"name": "((x[:,None]-y[None,:])**2).sum(1), 20000 x 20000", "peak_bytes": peak, "limit_bytes": 10 << 20})
    );
}

fn overheads() {
    let types = [spec(&[1000], DType::F64), spec(&[1000], DType::F64)];
    let first = {
        let t = Instant::now();
        let report = jit(twenty_ops).explain(&types).expect("compiles");
        report.program.kernels().expect("compiles");
        t.elapsed().as_secs_f64()
    };
    // Other kernels each time: constants differ.
    let next = (0..20)
        .map(|k| {
            let f = jit(move |x: Array, y: Array| twenty_ops(x, y) + f64::from(k) * 1.5);
            let t = Instant::now();
            f.explain(&types).expect("compiles").program.kernels().expect("compiles");
            t.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min);
    println!(
        "{}",
        json!({"name": "trace, optimize and compile 20 ops", "first_ms": first * 1e3, "next_ms": next * 1e3, "limit_ms": 10})
    );
    let x = Array1::<f64>::ones(8);
    let f = jit(|x: Array| x * 2.0 + 1.0);
    let many = best(20, || (0..1000).for_each(|_| drop(black_box(f.call((&x,)).expect("runs")))));
    println!("{}", json!({"name": "warm call on 8 elements", "us": many * 1e3, "limit_us": 2}));
}

fn cholesky() {
    let n = 500;
    let f = jit(programs::cholesky);
    let a = Array2::from_shape_fn(
        (n, n),
        |(i, j)| if i == j { n as f64 } else { 1.0 / (1.0 + i.abs_diff(j) as f64) },
    );
    let ours = best(5, || f.call((&a,)).expect("runs"));
    let got = f.call1::<f64>((&a,)).expect("runs");
    let mut m = a.clone();
    let theirs = best(5, || {
        m.assign(&a);
        hand::cholesky(m.as_slice_mut().expect("contiguous"), n);
    });
    let worst = got.iter().zip(&m).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-9, "{worst}");
    let kernels = f.explain(&[spec(&[n, n], DType::F64)]).expect("compiles").program.plan.kernels.len();
    report("Cholesky in two fori_loops, n = 500", 1, ours, theirs, "the same loops in Rust", 0.0);
    println!(
        "{}",
        json!({"name": "kernels of the Cholesky program (a copy of the argument, and the loops)", "count": kernels})
    );
}

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let groups: [(&str, fn()); 10] = [
        ("chains", chains),
        ("mixed", mixed),
        ("softmax", softmax),
        ("black_scholes", black_scholes),
        ("broadcast", broadcast),
        ("overheads", overheads),
        ("cholesky", cholesky),
        ("scale", scale::scale),
        ("rewrite", rewrite::rewrite),
        ("calibrate", calibrate::calibrate),
    ];
    groups.iter().filter(|(name, _)| name.contains(&only)).for_each(|(_, run)| run());
}
