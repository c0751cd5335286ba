//! The time of library routines: their operations ([`frit_ir::flops`]) at the speed of their kind.

use super::{TARGET, elements, number};
use frit_ir::{Attrs, Key, Op, TensorType, flops};

/// Work of one call.
pub(super) struct Work {
    /// Seconds on one core, without the traffic of operands and results.
    pub(super) seconds: f64,
    /// Whether the routine shares it out.
    pub(super) parallel: bool,
}

/// Seconds of a routine's operations, `each` per multiply-add of 64-bit floats.
fn arithmetic(op: Op, attrs: &Attrs, inputs: &[&TensorType], out: &TensorType, each: f64) -> f64 {
    // Of narrower elements, a vector holds more.
    let width = inputs[0].dtype.real().size() as f64 / 8.0;
    let count = flops::of_matrices(op, attrs, inputs, out, &number);
    count.expect("a routine for matrices counts its operations") / 2.0 * each * width
}

/// What a call costs.
pub(super) fn work(op: Op, attrs: &Attrs, inputs: &[&TensorType], out: &TensorType) -> Work {
    let (seconds, parallel) = match op {
        Op::Matmul | Op::Gemm => {
            // Elements of a vector are used once; the bytes of the matrix are counted with the operands.
            let vector = out.rank() < 2 || out.shape[out.rank() - 2..].iter().any(|n| n.is(1));
            (arithmetic(op, attrs, inputs, out, if vector { TARGET.matvec } else { TARGET.gemm }), true)
        }
        Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft => {
            let size = number(attrs.dim(Key::N)).max(2.0);
            (elements(out) * size.log2() * TARGET.fft, true)
        }
        // A pass over the row for each halving of the positions, until they are many enough to sort.
        Op::OrderStatistics | Op::ArgOrderStatistics => {
            let wanted = number(&out.shape[attrs.int(Key::Axis) as usize]);
            let passes = wanted.max(1.0).log2().min(4.0) + 2.0;
            let sorted = elements(out) * wanted.max(2.0).log2();
            let pairs = if op == Op::ArgOrderStatistics { 2.0 } else { 1.0 };
            ((elements(inputs[0]) * passes * pairs + sorted) * TARGET.sort, true)
        }
        Op::Sort | Op::Argsort | Op::Searchsorted => {
            let longest = inputs[0].shape.iter().map(number).fold(2.0, f64::max);
            let most = inputs.iter().map(|t| elements(t)).fold(0.0, f64::max);
            (most * longest.log2() * TARGET.sort, true)
        }
        _ => (arithmetic(op, attrs, inputs, out, TARGET.dense), false),
    };
    Work { seconds, parallel }
}
