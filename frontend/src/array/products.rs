//! Products of vectors, matrices and tensors.

use super::{Array, build};
use crate::numpy;

impl Array {
    /// `self @ other`, with NumPy's rules for one axis.
    #[track_caller]
    pub fn matmul(self, other: Array) -> Array {
        build(&[self, other], |b, v| numpy::matmul(b, v[0], v[1]))
    }

    /// NumPy's `dot`: over the last axis and the last but one of `other`.
    #[track_caller]
    pub fn dot(self, other: Array) -> Array {
        build(&[self, other], |b, v| numpy::dot(b, v[0], v[1]))
    }
}

macro_rules! pairs {
    ($($(#[doc = $doc:literal])* $name:ident($($arg:ident: $ty:ty),*);)*) => {$(
        $(#[doc = $doc])*
        #[track_caller]
        pub fn $name(x: Array, y: Array $(, $arg: $ty)*) -> Array {
            build(&[x, y], |b, v| numpy::$name(b, v[0], v[1] $(, $arg)*))
        }
    )*};
}

pairs! {
    /// The product of two flattened arrays, the first conjugated.
    vdot();
    /// Products of vectors along an axis, the first conjugated.
    vecdot(axis: i64);
    /// Products over the last axes of both.
    inner();
    /// All products of elements of two arrays, flattened.
    outer();
    /// Sums over pairs of axes.
    tensordot(over_x: &[i64], over_y: &[i64]);
    /// The Kronecker product.
    kron();
    /// Cross products of vectors along an axis.
    cross(axis: i64);
}

/// Sums of products by Einstein's convention: `einsum("ij,jk->ik", &[x, y])`.
#[track_caller]
pub fn einsum(subscripts: &str, arrays: &[Array]) -> Array {
    build(arrays, |b, v| numpy::einsum(b, subscripts, v))
}
