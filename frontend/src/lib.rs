//! Write array expressions, run fused native kernels.
