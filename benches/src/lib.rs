//! Benchmarks of frit, as ratios in one run.
