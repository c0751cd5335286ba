//! What a chunked run costs: bytes between tasks and storage, tasks, and arithmetic.

use super::region::{Reads, volume};
use frit_ir::Op;
use frit_ir::graph::{Graph, Node};
use frit_ir::ops::Class;
use frit_ir::target::Target;

/// The machine of the model.
pub(crate) const TARGET: Target = Target::REFERENCE;

/// Seconds of arithmetic for a box of a node's result. Chunking decides between recomputing, storing and reading
/// twice, so orders of magnitude matter here and constants do not.
pub(crate) fn work(g: &Graph, node: &Node, need: &Reads) -> f64 {
    let out = volume(&need.computed);
    let operand = |k: usize| need.operands.get(k).and_then(|r| r.as_ref());
    let read = operand(0).map_or(0.0, volume);
    let last = |k: usize, back: usize| {
        operand(k).and_then(|r| r.len().checked_sub(back).map(|i| r[i].size() as f64)).unwrap_or(1.0)
    };
    match node.op {
        Op::Matmul => out * last(0, 1) * TARGET.gemm,
        op => match op.class() {
            Class::Source | Class::View | Class::Composite => 0.0,
            Class::Elementwise => {
                let types: Vec<_> = node.inputs.iter().map(|v| g.ty(*v).dtype).collect();
                let expensive = op.def().ulp != [0.0, 0.0] || types.iter().any(|t| t.is_complex());
                out * TARGET.unit * if expensive { 20.0 } else { 1.0 }
            }
            Class::Reduce | Class::Cumulative => read * TARGET.unit,
            Class::Movement => out * TARGET.move_element,
            Class::Library => match op {
                Op::Fft
                | Op::Ifft
                | Op::Rfft
                | Op::Irfft
                | Op::Sort
                | Op::Argsort
                | Op::Searchsorted
                | Op::OrderStatistics
                | Op::ArgOrderStatistics => (read + out) * (read + out).max(2.0).log2() * TARGET.sort,
                _ => read * last(0, 1) * 2.0 * TARGET.dense,
            },
            Class::Region => (read + out) * 100.0 * TARGET.unit,
        },
    }
}
