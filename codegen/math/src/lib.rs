//! Vector math routines with run-time CPU dispatch.
