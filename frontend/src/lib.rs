//! Write array expressions, run fused native kernels.
//!
//! ```
//! use ndarray::array;
//! let f = frit::jit(|x: frit::Array, y: frit::Array| (x.square() + y.square()).sqrt().sum(0));
//! let (x, y) = (array![[3.0, 5.0], [0.0, 12.0]], array![[4.0, 0.0], [1.0, 0.0]]);
//! let r = f.call1::<f64>((&x, &y)).unwrap();
//! assert_eq!(r, array![6.0, 17.0].into_dyn());
//! ```
//!
//! The closure is traced once per signature: its operations build a graph, which is optimized, fused, compiled and
//! kept. Errors (shapes, element types, axes) name the line of the closure that caused them.

mod argument;
mod array;
mod call;
mod chunks;
mod control;
pub mod diagnostics;
mod error;
mod index;
mod jit;
pub mod numpy;
mod picture;
mod replan;
mod report;
mod saved;
mod tensor;
mod tracer;

pub use argument::{Argument, Arguments};
pub use array::*;
pub use chunks::{chunk_name, chunks_to_json};
pub use control::{cond, fori_loop, scan, while_loop};
pub use error::Error;
pub use frit_ir::graph::Input;
pub use frit_ir::units::{human_bytes, parse_bytes};
pub use frit_ir::{DType, Dim, Graph, Key, Op};
pub use frit_passes::MathLevel;
pub use frit_passes::chunk::{self, ChunkOptions, Suggestion};
pub use frit_runtime::{Cancel, MemoryFormula, MemoryReport};
pub use index::{Index, NewAxis, all};
pub use jit::{Config, Jit, Spec, Stats, compile, jit, jit_with, spec, stats};
pub use picture::{Part, Picture, PictureFormat};
pub use replan::Fit;
pub use report::{Report, STAGES, c_strides};
pub use saved::Saved;
pub use tensor::{Tensor, TensorElement};
pub use tracer::{Array, Operand, Outputs, Traceable};
