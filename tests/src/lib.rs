//! Tests across the crates of frit.
