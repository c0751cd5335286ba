//! Benchmarks of frit, as ratios in one run: `cargo run --release -p frit-benches`.
