//! Times `optimize` on synthetic graphs: `cargo run --release -p frit-passes --example rewrite_time`.
//!
//! The graphs are chains and trees of elementwise ops, views, reductions and products over a few parameters, drawn
//! by a fixed generator, with about one rewritable expression in five nodes.

#![allow(clippy::print_stdout)]

use frit_ir::build::Builder;
use frit_ir::graph::{Graph, TensorType, Value};
use frit_ir::{DType, Dim, Op, Slice};
use frit_passes::{MathLevel, Options, optimize};
use std::time::Instant;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// A graph of about `size` nodes.
fn graph(size: usize, seed: u64) -> Graph {
    let mut b = Builder::new("random");
    let mut random = Random(seed);
    let n = Dim::symbol("n");
    let square = TensorType::new(DType::F64, vec![n.clone(), n.clone()]);
    let mut values: Vec<Value> = (0..4).map(|k| b.input(&format!("x{k}"), square.clone())).collect();
    while b.graph().nodes.len() < size {
        let recent = values.len().min(12);
        let x = values[values.len() - 1 - random.below(recent)];
        let y = values[values.len() - 1 - random.below(recent)];
        let v = match random.below(14) {
            0 | 1 => b.binary(Op::Add, x, y),
            2 | 3 => b.binary(Op::Multiply, x, y),
            4 => b.binary(Op::Subtract, x, y),
            5 => b.binary_weak(Op::Multiply, x, 2.0),
            6 => b.binary_weak(Op::Power, x, 2.0),
            7 => b.unary(Op::Exp, x),
            8 => b.unary(Op::Tanh, x),
            9 => b.transpose(x, &[1, 0]),
            10 => b.matmul(x, y),
            11 => b.reduce(Op::Sum, x, Some(&[1]), true),
            12 => {
                let one = Slice { start: Dim::constant(3), size: Dim::constant(1), step: 1 };
                b.slice_axis(x, 0, one)
            }
            _ => b.unary(Op::Negative, x),
        };
        let v = v.expect("operands fit");
        // Everything is brought back to the square shape, so that operands fit.
        values.push(if b.ty(v).shape == square.shape {
            v
        } else {
            b.broadcast_to(v, &square.shape).expect("fits")
        });
    }
    // Everything that nothing uses is a result, so that all of it is live.
    let uses = b.graph().use_counts();
    let unused = |v: &Value| uses[v.node.0 as usize] == 0;
    let outputs = values.into_iter().filter(unused).collect();
    b.finish(outputs)
}

/// A chain without branches.
fn chain(size: usize) -> Graph {
    let mut b = Builder::new("chain");
    let x = b.input("x", TensorType::new(DType::F64, vec![Dim::symbol("n")]));
    let mut y = x;
    for k in 0..size {
        y = match k % 4 {
            0 => b.unary(Op::Sin, y),
            1 => b.binary(Op::Add, y, x),
            2 => b.binary_weak(Op::Multiply, y, 1.5),
            _ => b.unary(Op::Sqrt, y),
        }
        .expect("operands fit");
    }
    b.finish(vec![y])
}

fn time(name: &str, graphs: &[Graph]) {
    let options = Options { verify: false, ..Options::new(MathLevel::Reassociate) };
    let mut worst: f64 = 0.0;
    let (mut total, mut rewrite, mut live, mut after) = (0.0, 0.0, 0, 0);
    let (mut before_cost, mut after_cost) = (0.0, 0.0);
    let mut stops = Vec::new();
    for g in graphs {
        let runs = (0..3).map(|_| {
            let start = Instant::now();
            let o = optimize(g, &options).expect("optimizes");
            (start.elapsed().as_secs_f64() * 1e3, o)
        });
        let (ms, o) = runs.min_by(|a, b| a.0.total_cmp(&b.0)).expect("three runs");
        worst = worst.max(ms);
        total += ms;
        let own: u64 = o.report.passes.iter().filter(|p| p.name == "rewrite").map(|p| p.nanoseconds).sum();
        rewrite += own as f64 * 1e-6;
        live += o.report.passes[0].nodes_after;
        after += o.graph.nodes.len();
        before_cost += o.report.cost_before.seconds;
        after_cost += o.report.cost_after.seconds;
        stops.extend(o.report.stops);
    }
    let count = graphs.len() as f64;
    stops.sort();
    stops.dedup_by(|a, b| {
        if a.0 == b.0 {
            b.1 += a.1;
        }
        a.0 == b.0
    });
    println!(
        "{name:18} live {:7.0} -> {:7.0}  optimize {:9.2} ms (worst {worst:.2})  e-graph {:9.2} ms  cost x{:.3}  {stops:?}",
        live as f64 / count,
        after as f64 / count,
        total / count,
        rewrite / count,
        after_cost / before_cost,
    );
}

fn main() {
    for size in [20, 100, 250, 1000, 4000] {
        let graphs: Vec<Graph> = (1..=8).map(|seed| graph(size, seed * 7919)).collect();
        time(&format!("random {size}"), &graphs);
    }
    for size in [100, 1000, 100_000] {
        time(&format!("chain {size}"), &[chain(size)]);
    }
}
