//! Errors.

/// What kind of error NumPy would raise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// `numpy.linalg.LinAlgError`: the values do not allow the operation.
    Numeric,
    /// `ValueError`: operands, parameters or workspace do not fit the routine.
    Invalid,
    /// A defect of a library: a panic was caught. The outputs hold unspecified values.
    Internal,
}

/// Why a routine failed, in NumPy's words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct LibraryError(pub String, pub ErrorKind);

impl LibraryError {
    pub(crate) fn numeric(message: &str) -> LibraryError {
        LibraryError(message.to_string(), ErrorKind::Numeric)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> LibraryError {
        LibraryError(message.into(), ErrorKind::Invalid)
    }

    pub(crate) fn singular() -> LibraryError {
        LibraryError::numeric("Singular matrix")
    }
}
