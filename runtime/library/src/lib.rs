//! Matrix products, factorizations, Fourier transforms and sorting on strided buffers.
//!
//! What frit does not write itself: [`gemm`] for products, [`faer`] for linear algebra, [`rustfft`] for transforms.
//! Operands are strided views, results are C-ordered. Each family says what memory it takes beside the workspace.

mod dtype;
mod error;
pub mod fourier;
pub mod linalg;
mod matmul;
mod operand;
pub mod order;
pub mod product;
mod scratch;
mod table;
mod view;

pub use dtype::DType;
pub use error::{ErrorKind, LibraryError};
pub use operand::{Input, Output};
pub use table::{Params, Plan, Routine, Spec, plan, run, run_rows, workspace};
pub use view::{Element, View};

pub(crate) fn fail<T>(message: &str) -> Result<T, LibraryError> {
    Err(LibraryError::numeric(message))
}
