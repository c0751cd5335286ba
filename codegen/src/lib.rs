//! Backends that turn kernels into callable code.
