//! Matrix products, factorizations, Fourier transforms and sorting on strided buffers.
//!
//! What frit does not write itself: [`gemm`] for products, [`faer`] for linear algebra, [`rustfft`] for transforms.
//! Operands are strided views, results are C-ordered. Each family says what memory it takes beside the workspace.

pub mod fourier;
pub mod linalg;
pub mod order;
pub mod product;
mod view;

pub use view::{Element, View};

/// Why a routine failed, in NumPy's words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct LibraryError(pub String);

pub(crate) fn fail<T>(message: &str) -> Result<T, LibraryError> {
    Err(LibraryError(message.to_string()))
}
