//! The two levels of frit: array graphs, and plans of loop kernels.
