//! The work of library routines.

use super::{TARGET, elements, number};
use frit_ir::{Attrs, Key, Op, TensorType};

/// Work of one call.
pub(super) struct Work {
    /// Seconds on one core, without the traffic of operands and results.
    pub(super) seconds: f64,
    /// Whether the routine shares it out.
    pub(super) parallel: bool,
}

/// The last two sizes, and the number of matrices.
fn matrix(t: &TensorType) -> (f64, f64, f64) {
    let r = t.rank();
    if r < 2 {
        return (1.0, 1.0, 1.0);
    }
    (t.shape[..r - 2].iter().map(number).product(), number(&t.shape[r - 2]), number(&t.shape[r - 1]))
}

/// Leading terms of the operation counts in Golub and Van Loan, "Matrix Computations", in multiply-adds.
pub(super) fn work(op: Op, attrs: &Attrs, inputs: &[&TensorType], out: &TensorType) -> Work {
    let (batch, m, n) = matrix(inputs[0]);
    let complex = if inputs[0].dtype.is_complex() { 4.0 } else { 1.0 };
    let small = m.min(n);
    // Twice as many elements in a vector.
    let width = inputs[0].dtype.real().size() as f64 / 8.0;
    let dense = |count: f64| batch * count * TARGET.dense * complex * width;
    let (seconds, parallel) = match op {
        Op::Matmul | Op::Gemm => {
            let (batch, rows, cols) = matrix(out);
            // Elements of a vector are used once; the bytes of the matrix are counted with the operands.
            let each = if rows == 1.0 || cols == 1.0 { TARGET.matvec } else { TARGET.gemm };
            (batch * rows * cols * n * each * complex * width, true)
        }
        Op::Inv => (dense(m * m * m), false),
        Op::InvPosdef => (dense(m * m * m / 2.0), false),
        Op::Solve => (dense(m * m * m / 3.0 + m * m * matrix(out).2), false),
        Op::SolvePosdef => (dense(m * m * m / 6.0 + m * m * matrix(out).2), false),
        Op::SolveTriangular => (dense(m * m * matrix(out).2 * 0.5), false),
        Op::Cholesky => (dense(m * m * m / 6.0), false),
        Op::LuFactor => (dense(m * m * m / if attrs.bool(Key::Posdef) { 6.0 } else { 3.0 }), false),
        Op::LuSolve => (dense(m * m * matrix(out).2), false),
        Op::Lu | Op::Det | Op::Slogdet => (dense(m * n * small / 3.0), false),
        Op::Qr | Op::Lstsq => (dense(2.0 * m * n * small), false),
        Op::Svd | Op::Svdvals | Op::Eigh | Op::Eigvalsh | Op::Eig | Op::Eigvals => {
            (dense(10.0 * m * n * small), false)
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
        _ => {
            // Sorting and searching.
            let longest = inputs[0].shape.iter().map(number).fold(2.0, f64::max);
            let most = inputs.iter().map(|t| elements(t)).fold(0.0, f64::max);
            (most * longest.log2() * TARGET.sort, true)
        }
    };
    Work { seconds, parallel }
}
