//! Moving views past other operations: pure functions from attributes and shapes to new nodes, written over
//! [`Make`](crate::make::Make).

mod axes;
mod reshape;
mod slice;
mod slice_join;

#[cfg(test)]
mod tests;

pub(crate) use axes::{change_along, squeeze_along};
pub(crate) use reshape::{as_unit_axes, groups};
pub(crate) use slice::{compose, slice_of, slice_operand};

/// The permutation that equals `inner` followed by `outer`.
pub(crate) fn compose_perm(inner: &[i64], outer: &[i64]) -> Vec<i64> {
    outer.iter().map(|p| inner[*p as usize]).collect()
}
