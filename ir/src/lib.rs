//! The two levels of frit: array [`graph`]s say *what* is computed; [`plan`]s of loop [`kernel`]s say *where and
//! when*. Reading order: [`dtype`], [`dim`], [`graph`], [`ops`] (the table of operations), [`infer`], then
//! [`prim`], [`kernel`] and [`plan`].

pub mod dim;
pub mod dtype;
pub mod loc;
pub mod range;

pub mod attrs;
pub mod chunks;
pub mod error;
pub mod graph;
pub mod infer;
pub mod json;
pub mod ops;

pub mod build;
pub mod eval;

pub mod flops;
pub mod kernel;
pub mod plan;
pub mod prim;
pub mod target;
pub mod text;
pub mod units;
pub mod verify;

pub use attrs::{Attr, Attrs, Key, Literal, Slice};
pub use dim::{Dim, Symbol};
pub use dtype::{DType, Scalar};
pub use graph::{Graph, GraphBuilder, NodeId, TensorType, Value};
pub use loc::Loc;
pub use ops::Op;
pub use prim::{Prim, Val};
