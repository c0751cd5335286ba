//! Programs of any size: what the limits are tested with, and how time grows is measured with.

use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::{DType, Graph, Op, TensorType, Value};

fn start(n: usize) -> (Builder, Value) {
    let mut b = Builder::new("main");
    let x = b.input("x", TensorType::fixed(DType::F64, &[n]));
    (b, x)
}

/// `n` ops in a row on an `f64[16]` that no rule shortens, and their value where its elements are `at`.
pub fn chain(n: usize, at: f64) -> Result<(Graph, f64), TypeError> {
    let (mut b, x) = start(16);
    let (mut v, mut want) = (x, at);
    for k in 0..n {
        v = match k % 3 {
            0 => b.unary(Op::Sin, v)?,
            1 => b.binary(Op::Multiply, v, x)?,
            _ => b.binary(Op::Maximum, v, x)?,
        };
        want = match k % 3 {
            0 => want.sin(),
            1 => want * at,
            _ => want.max(at),
        };
    }
    Ok((b.finish(vec![v]), want))
}

/// `n` nodes: a layer of different functions of `x`, summed up as a balanced tree.
pub fn wide(n: usize, at: f64) -> Result<(Graph, f64), TypeError> {
    let (mut b, x) = start(16);
    let mut want = 0.0;
    let mut layer: Vec<Value> = (0..n / 3)
        .map(|k| -> Result<Value, TypeError> {
            let c = 1.0 + k as f64 / n as f64;
            want += (at * c).sin();
            let v = b.binary_weak(Op::Multiply, x, c)?;
            b.unary(Op::Sin, v)
        })
        .collect::<Result<_, _>>()?;
    while layer.len() > 1 {
        layer = layer
            .chunks(2)
            .map(|p| if let [x, y] = p { b.binary(Op::Add, *x, *y) } else { Ok(p[0]) })
            .collect::<Result<_, _>>()?;
    }
    Ok((b.finish(layer), want))
}

/// `n` results; the first is `at`.
pub fn many_results(n: usize, at: f64) -> Result<(Graph, f64), TypeError> {
    let (mut b, x) = start(16);
    let results = (0..n).map(|k| b.binary_weak(Op::Multiply, x, 1.0 + k as f64)).collect::<Result<_, _>>()?;
    Ok((b.finish(results), at))
}
