//! Matrix products, factorizations, Fourier transforms and sorting on strided buffers.
//!
//! One [table](Routine) of routines. A [`Plan`] says what a call needs before it runs: results, workspace, and a bound on
//! what the crates below (`faer` for linear algebra, `rustfft` for transforms) allocate themselves. Operands are strided
//! views, results are C-ordered; threads are the caller's, and results do not depend on their number.

mod dense;
mod dtype;
mod eigen;
mod error;
mod factored;
mod features;
mod fft;
mod gemm;
mod lanes;
mod matmul;
mod narrow;
mod number;
mod operand;
mod orthogonal;
mod packing;
mod rank;
mod scratch;
mod search;
mod select;
mod solve;
mod sort;
mod table;
mod vector;
mod workers;

pub use dtype::DType;
pub use error::{ErrorKind, LibraryError};
pub use operand::{Input, Output};
pub use table::{Params, Plan, Routine, Spec, bound, plan};
pub use workers::{Alone, Workers};
