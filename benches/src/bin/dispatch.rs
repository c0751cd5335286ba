//! What sharing out work costs, and what a unit of a launch's cost takes: the figures behind the constants of
//! `ir/src/target.rs`. One JSON line each.
//!
//! The cost of a dispatch is measured with blocks that do nothing (spinning workers, and workers that have gone to
//! sleep), and again as the least work at which two threads beat one.

#![expect(clippy::print_stdout, reason = "this is a program")]

use frit::{Array, Config, DType, jit_with, spec};
use frit_benches::units;
use frit_runtime::threads::{SPIN, Threads};
use ndarray::Array1;
use serde_json::json;
use std::hint::black_box;
use std::time::{Duration, Instant};

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn seconds(mut f: impl FnMut()) -> f64 {
    let t = Instant::now();
    f();
    t.elapsed().as_secs_f64()
}

/// Microseconds of one `Threads::run` whose blocks do nothing.
fn dispatch(threads: &Threads, blocks: usize, pause: Duration) -> f64 {
    let times = (0..500).map(|_| {
        let until = Instant::now() + pause;
        // A pause without sleeping: the caller's own wake-up is not what is measured.
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        seconds(|| {
            threads.run(blocks, threads.count(), &|b, _| {
                black_box(b);
            })
        })
    });
    median(times.collect()) * 1e6
}

/// Work of a given length, in units that take about a nanosecond.
fn work(units: u64) {
    let mut x = units;
    for _ in 0..units {
        x = black_box(x.wrapping_mul(3));
    }
}

/// For two blocks of equal work: microseconds alone and shared, with the workers asleep or awake.
fn shared(threads: &Threads, units: u64, pause: Duration) -> (f64, f64) {
    let alone = median((0..300).map(|_| seconds(|| (0..2).for_each(|_| work(units)))).collect());
    let both = (0..300).map(|_| {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        seconds(|| threads.run(2, 2, &|_, _| work(units)))
    });
    (alone * 1e6, median(both.collect()) * 1e6)
}

/// Nanoseconds per unit of cost of a function of vectors that fit the second-level cache, on one thread.
fn unit<P, F: frit::Traceable<P>>(name: &str, f: F, arity: usize) -> f64 {
    let n = 20_000usize;
    let config = || Config { threads: 1, ..Config::new() };
    let f = jit_with(f, config());
    let report = f.explain(&[spec(&[n], DType::F64), spec(&[n], DType::F64)][..arity]).expect("compiles");
    let cost = units(&report.program.plan);
    let make = |k: f64| Array1::from_iter((0..n).map(|i| 0.5 + (i % 1000) as f64 * k));
    let (x, y) = (make(0.001), make(0.002));
    let one = || match arity {
        1 => drop(black_box(f.call((&x,)).expect("runs"))),
        _ => drop(black_box(f.call((&x, &y)).expect("runs"))),
    };
    one();
    let ns = median((0..200).map(|_| seconds(one)).collect()) * 1e9;
    println!(
        "{}",
        json!({"name": "ns per unit of cost", "kernel": name, "units": cost, "us": ns / 1e3, "ns_per_unit": ns / cost})
    );
    ns / cost
}

fn main() {
    let threads = Threads::global();
    for (name, pause) in [("spinning", Duration::ZERO), ("asleep", SPIN * 4)] {
        for blocks in [2, 16] {
            let us = dispatch(threads, blocks, pause);
            println!(
                "{}",
                json!({"name": "empty dispatch", "workers": name, "threads": threads.count(), "blocks": blocks, "us": us})
            );
        }
        for units in [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000] {
            let (alone, both) = shared(threads, units, pause);
            println!(
                "{}",
                json!({"name": "two blocks", "workers": name, "block_us": alone / 2.0, "alone_us": alone, "shared_us": both, "speedup": alone / both})
            );
        }
    }
    let all = [
        unit("x + y", |x: Array, y: Array| x + y, 2),
        unit("chain of 8 cheap ops", |x: Array, y: Array| ((x + y) * 2.0 - x) * y + (x - y) * x + 1.0, 2),
        unit("sum of a chain", |x: Array, y: Array| ((x + y) * x - y).sum(()), 2),
        unit("x / y, sqrt", |x: Array, y: Array| (x / y).sqrt(), 2),
        unit("exp", |x: Array| x.exp(), 1),
        unit("sin and log", |x: Array| x.sin() + x.log(), 1),
        unit("pow", |x: Array, y: Array| x.power(y), 2),
        unit("cumsum", |x: Array| x.cumsum(0), 1),
        unit("where", |x: Array, y: Array| frit::where_(x.greater(y), x, y * 2.0), 2),
    ];
    let x = Array1::<f64>::ones(8);
    let f = jit_with(|x: Array| x * 2.0 + 1.0, Config::new());
    let call = || (0..1000).for_each(|_| drop(black_box(f.call((&x,)).expect("runs"))));
    let us = median((0..30).map(|_| seconds(call)).collect()) * 1e3;
    println!("{}", json!({"name": "warm call on 8 elements", "us": us, "limit_us": 2}));
    let mean = (all.iter().map(|v| v.ln()).sum::<f64>() / all.len() as f64).exp();
    println!("{}", json!({"name": "ns per unit of cost", "kernel": "geometric mean", "ns_per_unit": mean}));
}
