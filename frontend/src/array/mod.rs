//! NumPy-named methods and functions over [`Array`]: thin wrappers of [`crate::numpy`], with defaults for arguments
//! that are rarely given. What they leave out is reached through [`crate::numpy`] and the builder.

mod create;
mod elementwise;
pub mod fft;
pub mod linalg;
mod products;
mod reduce;
mod shape;
mod stats;

pub use create::*;
pub use elementwise::*;
pub use products::*;
pub use reduce::Axes;
pub use shape::*;
pub use stats::*;

pub(crate) use crate::tracer::{Array, Operand, build, build_all, build_from};

use frit_ir::Dim;

fn dims<T: Into<Dim> + Clone>(shape: &[T]) -> Vec<Dim> {
    shape.iter().cloned().map(Into::into).collect()
}
