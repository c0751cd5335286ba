//! Graph rewriting, fusion, lowering to plans, and the memory projection.

pub mod fuse;
pub mod lower;

pub use lower::{LowerError, LowerOptions, Lowered, lower};
