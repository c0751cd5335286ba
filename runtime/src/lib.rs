//! Buffers, thread pool and plan execution.
