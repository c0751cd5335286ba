//! Text of every level: `Display` of a graph, kernel or plan is its canonical text.

mod print_graph;
mod print_plan;
