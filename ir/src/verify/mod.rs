//! Verifiers: the invariants of each level, checked.
//!
//! Passes run them on what they made in debug builds; reading text or JSON runs them always. Each file lists its
//! invariants at the top; everything downstream relies on them without checking again.

mod graph;
mod kernel;
mod plan;

pub use graph::graph;
pub use kernel::kernel;
pub use plan::plan;

use crate::dim::{Dim, Symbol};
use crate::error::VerifyError;

type Checked = Result<(), VerifyError>;

fn broken<T>(place: impl Into<String>, what: impl Into<String>) -> Result<T, VerifyError> {
    Err(VerifyError { place: place.into(), what: what.into() })
}

fn require(ok: bool, place: &dyn Fn() -> String, what: impl FnOnce() -> String) -> Checked {
    if ok { Ok(()) } else { broken(place(), what()) }
}

/// The first symbol of an expression that is not in scope.
fn unknown_symbol(dim: &Dim, known: &dyn Fn(&str) -> bool) -> Option<Symbol> {
    let mut found = None;
    dim.for_each_symbol(&mut |s| {
        if found.is_none() && !known(s) {
            found = Some(s.clone());
        }
    });
    found
}
