//! Shapes, orders of axes, joining and splitting.

use super::{Array, Axes, Operand, build, build_all, build_from, dims};
use crate::numpy::{self, PadMode, TakeMode, Update};
use frit_ir::{DType, Dim, Scalar};

impl Array {
    /// Another shape with as many elements, C order; one size may be -1.
    #[track_caller]
    pub fn reshape<T: Into<Dim> + Clone>(self, shape: &[T]) -> Array {
        let shape = dims(shape);
        build(&[self], |b, v| numpy::reshape(b, v[0], &shape))
    }

    /// One axis.
    #[track_caller]
    pub fn ravel(self) -> Array {
        build(&[self], |b, v| numpy::ravel(b, v[0]))
    }

    /// Axes reversed.
    #[track_caller]
    pub fn t(self) -> Array {
        build(&[self], |b, v| numpy::transpose(b, v[0], None))
    }

    /// Axes in another order.
    #[track_caller]
    pub fn transpose(self, perm: &[i64]) -> Array {
        build(&[self], |b, v| numpy::transpose(b, v[0], Some(perm)))
    }

    /// The last two axes exchanged.
    #[track_caller]
    pub fn matrix_transpose(self) -> Array {
        build(&[self], |b, v| numpy::matrix_transpose(b, v[0]))
    }

    /// An axis moved to another place.
    #[track_caller]
    pub fn moveaxis(self, from: i64, to: i64) -> Array {
        build(&[self], |b, v| numpy::moveaxis(b, v[0], &[from], &[to]))
    }

    /// An axis moved before another one.
    #[track_caller]
    pub fn rollaxis(self, axis: i64, start: i64) -> Array {
        build(&[self], |b, v| numpy::rollaxis(b, v[0], axis, start))
    }

    /// Two axes exchanged.
    #[track_caller]
    pub fn swapaxes(self, p: i64, q: i64) -> Array {
        build(&[self], |b, v| numpy::swapaxes(b, v[0], p, q))
    }

    /// New axes of size 1 at places of the result.
    #[track_caller]
    pub fn expand_dims(self, axes: impl Axes) -> Array {
        let axes = axes.axes().unwrap_or_default();
        build(&[self], |b, v| numpy::expand_dims(b, v[0], &axes))
    }

    /// Without axes of size 1: the given ones, or all.
    #[track_caller]
    pub fn squeeze(self, axes: impl Axes) -> Array {
        let axes = axes.axes();
        build(&[self], |b, v| numpy::squeeze(b, v[0], axes.as_deref()))
    }

    /// At least `rank` (1, 2 or 3) axes, as `atleast_1d` and its siblings add them.
    #[track_caller]
    pub fn atleast(self, rank: usize) -> Array {
        build(&[self], |b, v| numpy::atleast(b, v[0], rank))
    }

    /// Broadcast to a shape.
    #[track_caller]
    pub fn broadcast_to<T: Into<Dim> + Clone>(self, shape: &[T]) -> Array {
        let shape = dims(shape);
        build(&[self], |b, v| numpy::broadcast_to(b, v[0], &shape))
    }

    /// Reversed along axes.
    #[track_caller]
    pub fn flip(self, axes: impl Axes) -> Array {
        let axes = axes.axes();
        build(&[self], |b, v| numpy::flip(b, v[0], axes.as_deref()))
    }

    /// Turned by `k` quarter turns in the plane of the first two axes.
    #[track_caller]
    pub fn rot90(self, k: i64) -> Array {
        build(&[self], |b, v| numpy::rot90(b, v[0], k, [0, 1]))
    }

    /// The diagonal of the last two axes, `offset` above the main one.
    #[track_caller]
    pub fn diagonal(self, offset: i64) -> Array {
        build(&[self], |b, v| numpy::diagonal(b, v[0], offset, -2, -1))
    }

    /// The `k`-th diagonal of a matrix, or the matrix with a vector there.
    #[track_caller]
    pub fn diag(self, k: i64) -> Array {
        build(&[self], |b, v| numpy::diag(b, v[0], k))
    }

    /// Zero below the `k`-th diagonal.
    #[track_caller]
    pub fn triu(self, k: i64) -> Array {
        build(&[self], |b, v| numpy::triu(b, v[0], k))
    }

    /// Zero above the `k`-th diagonal.
    #[track_caller]
    pub fn tril(self, k: i64) -> Array {
        build(&[self], |b, v| numpy::tril(b, v[0], k))
    }

    /// Elements moved by `shift` places along axes, those beyond the end to the start; `()` rolls the flattened array.
    #[track_caller]
    pub fn roll(self, shift: impl Into<Dim>, axes: impl Axes) -> Array {
        let (shift, axes) = (shift.into(), axes.axes());
        build(&[self], |b, v| numpy::roll(b, v[0], &[shift], axes.as_deref()))
    }

    /// `value` around the array: (before, after) for each axis, or one pair for all.
    #[track_caller]
    pub fn pad(self, widths: &[(i64, i64)], value: f64) -> Array {
        self.pad_with(widths, &PadMode::Constant(Scalar::from_f64(DType::F64, value)))
    }

    /// [`Array::pad`] with the border, the mirror image, statistics ... instead of a number.
    #[track_caller]
    pub fn pad_with(self, widths: &[(i64, i64)], mode: &PadMode) -> Array {
        let widths: Vec<(Dim, Dim)> = widths.iter().map(|(l, h)| ((*l).into(), (*h).into())).collect();
        build(&[self], |b, v| numpy::pad(b, v[0], &widths, mode))
    }

    /// The array repeated, `reps` times along each axis.
    #[track_caller]
    pub fn tile<T: Into<Dim> + Clone>(self, reps: &[T]) -> Array {
        let reps = dims(reps);
        build(&[self], |b, v| numpy::tile(b, v[0], &reps))
    }

    /// Each element `n` times along an axis; `None` flattens first.
    #[track_caller]
    pub fn repeat(self, n: impl Into<Dim>, axis: Option<i64>) -> Array {
        let n = n.into();
        build(&[self], |b, v| numpy::repeat(b, v[0], &n, axis))
    }

    /// Elements at integer positions along an axis.
    #[track_caller]
    pub fn take(self, indices: Array, axis: i64) -> Array {
        build(&[self, indices], |b, v| numpy::take(b, v[0], v[1], Some(axis), TakeMode::Raise))
    }

    /// Along an axis, the elements at positions that each row has of its own (as `argsort` gives them).
    #[track_caller]
    pub fn take_along_axis(self, indices: Array, axis: i64) -> Array {
        build(&[self, indices], |b, v| numpy::take_along_axis(b, v[0], v[1], axis))
    }

    /// The array with the elements that [`Array::take_along_axis`] would read replaced.
    #[track_caller]
    pub fn put_along_axis(self, indices: Array, values: impl Into<Operand>, axis: i64) -> Array {
        build_from(&[self.into(), indices.into(), values.into()], |b, v| {
            let (x, at) = (numpy::asarray(b, v[0]), numpy::asarray(b, v[1]));
            numpy::put_along_axis(b, x, at, v[2], axis)
        })
    }

    /// The array after `x.at[i] op= value`, every occurrence of a repeated position counted (`ufunc.at`).
    #[track_caller]
    pub fn update(
        self,
        index: impl crate::index::IntoIndices,
        value: impl Into<Operand>,
        how: Update,
    ) -> Array {
        crate::index::update(self, index.indices(), value.into(), how)
    }

    /// `sections` equal pieces along an axis.
    #[track_caller]
    pub fn split(self, sections: usize, axis: i64) -> Vec<Array> {
        build_all(&[self], sections, |b, v| numpy::split(b, v[0], sections as i64, axis, false))
    }

    /// `sections` pieces along an axis, of which the first may be longer by one.
    #[track_caller]
    pub fn array_split(self, sections: usize, axis: i64) -> Vec<Array> {
        build_all(&[self], sections, |b, v| numpy::split(b, v[0], sections as i64, axis, true))
    }

    /// The pieces between positions along an axis.
    #[track_caller]
    pub fn split_at<T: Into<Dim> + Clone>(self, at: &[T], axis: i64) -> Vec<Array> {
        let at = dims(at);
        build_all(&[self], at.len() + 1, |b, v| numpy::split_at(b, v[0], &at, axis))
    }
}

/// Joins arrays along an axis.
#[track_caller]
pub fn concatenate(arrays: &[Array], axis: i64) -> Array {
    build(arrays, |b, v| numpy::concatenate(b, v, Some(axis)))
}

/// Joins arrays of one shape along a new axis.
#[track_caller]
pub fn stack(arrays: &[Array], axis: i64) -> Array {
    build(arrays, |b, v| numpy::stack(b, v, axis))
}

macro_rules! joins {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        #[track_caller]
        pub fn $name(arrays: &[Array]) -> Array { build(arrays, |b, v| numpy::$name(b, v)) }
    )*};
}

joins! {
    /// Rows on top of each other.
    vstack;
    /// Side by side: along the second axis, or the first of vectors.
    hstack;
    /// Along the third axis.
    dstack;
    /// Vectors as columns of a matrix.
    column_stack;
}

/// Broadcasts arrays to one shape.
#[track_caller]
pub fn broadcast_arrays(arrays: &[Array]) -> Vec<Array> {
    build_all(arrays, arrays.len(), numpy::broadcast_arrays)
}

/// Coordinate matrices of vectors; `xy` exchanges the first two axes, as NumPy does by default.
#[track_caller]
pub fn meshgrid(arrays: &[Array], xy: bool) -> Vec<Array> {
    build_all(arrays, arrays.len(), |b, v| numpy::meshgrid(b, v, xy))
}
