//! Tests across the crates of frit: see `tests/tests`; `tests/xtask` is the command that runs everything.

pub mod cases;
pub mod large;
pub mod random;
