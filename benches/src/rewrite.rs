//! How long `optimize` takes, by the size of a program.

use crate::best;
use frit_ir::build::Builder;
use frit_ir::graph::{Graph, TensorType, Value};
use frit_ir::{DType, Dim, Op, Slice};
use frit_passes::{MathLevel, Options, optimize};
use frit_tests::random::Random;
use serde_json::json;

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

/// A stencil as NumPy code writes it: sums of shifted slices, updated again and again.
fn stencil(size: usize) -> Graph {
    let mut b = Builder::new("stencil");
    let n = Dim::symbol("n");
    let mut x = b.input("x", TensorType::new(DType::F64, vec![n.clone(), n.clone()]));
    let inside = |k: i64, d: &Dim| Slice { start: Dim::constant(1 + k), size: d - 2, step: 1 };
    while b.graph().nodes.len() < size {
        let shifted =
            |b: &mut Builder, i: i64, j: i64| b.slice(x, &[inside(i, &n), inside(j, &n)]).expect("inside");
        let parts: Vec<Value> =
            [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)].map(|(i, j)| shifted(&mut b, i, j)).to_vec();
        let sum = parts[1..].iter().fold(parts[0], |s, p| b.binary(Op::Add, s, *p).expect("fits"));
        let mean = b.binary_weak(Op::Multiply, sum, 0.2).expect("fits");
        x = b.update_slice(x, mean, &[inside(0, &n), inside(0, &n)]).expect("fits");
    }
    b.finish(vec![x])
}

/// Milliseconds, for a few programs of each size; the limits are those of the project.
pub(crate) fn rewrite() {
    let options = Options { verify: false, ..Options::new(MathLevel::Reassociate) };
    type Program = fn(usize) -> Graph;
    let kinds: [(&str, Program); 3] =
        [("random", |n| graph(n, 7919)), ("chain", chain), ("stencil", stencil)];
    for (kind, make) in kinds {
        for (size, limit) in [(100, Some(10.0)), (1000, Some(150.0)), (10_000, None)] {
            let g = make(size);
            let ms =
                best(if size > 1000 { 2 } else { 9 }, || optimize(&g, &options).expect("optimizes")) * 1e3;
            println!(
                "{}",
                json!({"name": format!("optimize a {kind} of {size} nodes"), "ms": ms, "limit_ms": limit})
            );
        }
    }
}
