//! What a program costs, in units of one f64 addition inside a fused loop (about 0.12 ns on one core).
//!
//! Elementwise operations fuse, so they pay for arithmetic only. Reductions, products, library routines and moved
//! data also pay for the bytes they read and write. Views are free. A program costs the sum over its distinct
//! nodes: a shared node is paid once. Only comparisons matter; absolute values are rough.

use frit_ir::graph::Graph;
use frit_ir::ops::{Class, Combine};
use frit_ir::prim::{Prim, ScalarInst};
use frit_ir::{Attrs, DType, Dim, Key, Op, TensorType};
use std::collections::HashMap;

/// Assumed value of a size whose name says nothing.
const TYPICAL_SIZE: i64 = 1000;
/// One byte to or from memory.
const BYTE: f64 = 0.25;
/// One multiply-add of a matrix product that reuses its operands.
const GEMM: f64 = 0.5;
/// One multiply-add of a product with a vector.
const MATVEC: f64 = 1.5;
/// One multiply-add of other dense linear algebra.
const DENSE: f64 = 1.0;
/// Starting a kernel or a library routine.
const LAUNCH: f64 = 200.0;
/// One more node in a fused loop, or one more view: breaks ties in favor of less.
const NODE: f64 = 0.1;

/// Costs with their cached parts.
#[derive(Debug, Default)]
pub(crate) struct CostModel {
    per_element: HashMap<(Op, DType, DType), f64>,
}

/// A size as a number.
fn number(d: &Dim) -> f64 {
    d.as_const().unwrap_or_else(|| d.eval(&|_| Some(TYPICAL_SIZE)).unwrap_or(TYPICAL_SIZE)).max(0) as f64
}

fn elements(t: &TensorType) -> f64 {
    t.shape.iter().map(number).product()
}

fn bytes(t: &TensorType) -> f64 {
    elements(t) * t.dtype.size() as f64
}

/// The last two sizes, and the number of matrices.
fn matrix(t: &TensorType) -> (f64, f64, f64) {
    let r = t.rank();
    if r < 2 {
        return (1.0, 1.0, 1.0);
    }
    (t.shape[..r - 2].iter().map(number).product(), number(&t.shape[r - 2]), number(&t.shape[r - 1]))
}

impl CostModel {
    /// Cost of one node, operands excluded.
    pub(crate) fn node(
        &mut self,
        op: Op,
        attrs: &Attrs,
        inputs: &[&TensorType],
        outputs: &[TensorType],
    ) -> f64 {
        let traffic =
            || inputs.iter().map(|t| bytes(t)).sum::<f64>() + outputs.iter().map(bytes).sum::<f64>();
        let out = &outputs[0];
        match op.class() {
            Class::Source => 0.0,
            Class::View => NODE,
            Class::Elementwise => elements(out) * self.per_element(op, inputs, out.dtype) + NODE,
            Class::Reduce | Class::Cumulative => {
                let each = match op.def().combine {
                    Some(Combine::ArgMin | Combine::ArgMax) => 3.0,
                    _ => 1.0,
                };
                elements(inputs[0]) * each + bytes(out) * BYTE + LAUNCH
            }
            Class::Movement => match op {
                Op::UpdateSlice => bytes(inputs[1]) * 2.0 * BYTE + NODE,
                Op::Scatter => bytes(inputs[1]) * 4.0 * BYTE + bytes(out) * BYTE + LAUNCH,
                // Fused as an index computation, but not for free.
                Op::Gather => elements(out) * 3.0 + NODE,
                _ => elements(out) * 2.0 + NODE,
            },
            Class::Library => library(op, attrs, inputs, out) + traffic() * BYTE + LAUNCH,
            // The same on both sides of every comparison.
            Class::Region | Class::Composite => LAUNCH,
        }
    }

    fn per_element(&mut self, op: Op, inputs: &[&TensorType], out: DType) -> f64 {
        let first = inputs.last().map_or(out, |t| t.dtype);
        *self.per_element.entry((op, first, out)).or_insert_with(|| {
            let types: Vec<DType> = inputs.iter().map(|t| t.dtype).collect();
            let f = op.scalar_fn(&types, out);
            let cost = |i: &ScalarInst| if let ScalarInst::Prim(p, ..) = i { prim(*p) } else { 0.0 };
            f.insts.iter().map(cost).sum()
        })
    }

    /// Cost of a whole graph.
    pub(crate) fn graph(&mut self, graph: &Graph) -> f64 {
        let live = graph.live();
        let mut sum = 0.0;
        for id in graph.ids().filter(|id| live[id.0 as usize]) {
            let n = graph.node(id);
            let inputs: Vec<&TensorType> = n.inputs.iter().map(|v| graph.ty(*v)).collect();
            sum += self.node(n.op, &n.attrs, &inputs, &n.types);
        }
        sum
    }
}

/// `log1p` and `expm1` count as slightly cheaper than the expressions they replace: they are more accurate.
fn prim(p: Prim) -> f64 {
    match p {
        Prim::Log1p => Prim::Log.cost() + 0.5,
        Prim::Expm1 => Prim::Exp.cost() + 0.5,
        _ => p.cost(),
    }
}

fn library(op: Op, attrs: &Attrs, inputs: &[&TensorType], out: &TensorType) -> f64 {
    let (batch, m, n) = matrix(inputs[0]);
    let complex = if inputs[0].dtype.is_complex() { 4.0 } else { 1.0 };
    let small = m.min(n);
    let work = match op {
        Op::Matmul => {
            let (batch, rows, cols) = matrix(out);
            // A vector's elements are not reused.
            let each = if rows == 1.0 || cols == 1.0 { MATVEC } else { GEMM };
            batch * rows * cols * n * each
        }
        Op::Inv => 2.0 * m * m * m * batch * DENSE,
        Op::Solve => {
            let (batch, _, k) = matrix(out);
            batch * (m * m * m / 3.0 + m * m * k) * DENSE
        }
        Op::SolveTriangular => {
            let (batch, _, k) = matrix(out);
            batch * m * m * k * 0.5 * DENSE
        }
        Op::Cholesky => batch * m * m * m / 6.0 * DENSE,
        Op::Lu | Op::Det | Op::Slogdet => batch * m * n * small / 3.0 * DENSE,
        Op::Qr | Op::Lstsq => batch * 2.0 * m * n * small * DENSE,
        Op::Svd | Op::Svdvals | Op::Eigh | Op::Eigvalsh | Op::Eig | Op::Eigvals => {
            batch * 10.0 * m * n * small * DENSE
        }
        Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft => {
            let size = number(attrs.dim(Key::N)).max(2.0);
            elements(out) * 2.0 * size.log2()
        }
        _ => {
            // Sorting and searching.
            let longest = inputs[0].shape.iter().map(number).fold(2.0, f64::max);
            inputs.iter().map(|t| elements(t)).fold(0.0, f64::max) * 6.0 * longest.log2()
        }
    };
    work * complex
}
