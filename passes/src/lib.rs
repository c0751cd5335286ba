//! Graph rewriting, fusion, lowering to plans, and the memory projection.
