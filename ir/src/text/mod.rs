//! Text of every level: `Display` of a graph, kernel, plan, type or expression is its canonical text, and `FromStr`
//! reads it back. Reading checks what the verifiers check; errors carry line and column.
//!
//! `print_*` and `parse_*` are mirror images: a change to one is a change to the other.

mod lexer;
mod parse_graph;
mod parse_kernel;
mod parse_plan;
mod parser;
mod print_graph;
mod print_plan;

pub(crate) use lexer::{error_at, position};
pub(crate) use parse_graph::is_identifier;
