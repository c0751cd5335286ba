//! Tests across the crates of frit: see `tests/tests`, and `src/bin/xtask.rs` for the command that runs everything.

pub mod cases;
