//! Operands: strided windows on memory for reading, C-ordered arrays for writing.

use crate::dtype::{DType, Element};
use std::marker::PhantomData;

/// A strided array to read. Strides are in elements and may be 0 or negative.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    dtype: DType,
    shape: &'a [usize],
    strides: &'a [isize],
    pointer: *const u8,
}

/// A C-ordered array to write.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    dtype: DType,
    shape: &'a [usize],
    pointer: *mut u8,
    memory: PhantomData<&'a mut [u8]>,
}

// SAFETY: an input is shared memory that nothing writes while it lives (the contract of `new`).
unsafe impl Send for Input<'_> {}
// SAFETY: as above.
unsafe impl Sync for Input<'_> {}
// SAFETY: routines that share an output among threads write disjoint elements.
unsafe impl Send for Output<'_> {}
// SAFETY: as above.
unsafe impl Sync for Output<'_> {}

impl<'a> Input<'a> {
    /// A view whose first element is at `pointer`.
    ///
    /// # Safety
    /// For as long as the value is used, each element that shape and strides reach must be a valid, aligned `dtype`
    /// that nothing writes, but the routine itself where its parameters say that it overwrites an operand.
    ///
    /// # Panics
    /// If `shape` and `strides` differ in length.
    pub unsafe fn new(
        dtype: DType,
        shape: &'a [usize],
        strides: &'a [isize],
        pointer: *const u8,
    ) -> Input<'a> {
        assert_eq!(shape.len(), strides.len(), "one stride for each axis");
        Input { dtype, shape, strides, pointer }
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Sizes.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// Distances between neighbours, in elements.
    pub fn strides(&self) -> &'a [isize] {
        self.strides
    }

    /// Pointer to the first element.
    pub(crate) fn pointer<T: Element>(&self) -> *const T {
        debug_assert_eq!(T::DTYPE, self.dtype);
        self.pointer.cast()
    }

    /// Pointer to sub-array `index` of the stack over all but the last `core` axes, which broadcast to `batch`.
    pub(crate) fn item<T: Element>(&self, core: usize, batch: &[usize], mut index: usize) -> *const T {
        let skip = batch.len() - (self.shape.len() - core);
        let mut offset = 0;
        for (i, &size) in batch.iter().enumerate().rev() {
            if i >= skip && self.shape[i - skip] != 1 {
                offset += (index % size) as isize * self.strides[i - skip];
            }
            index /= size;
        }
        self.pointer::<T>().wrapping_offset(offset)
    }

    /// Pointer to the first element of row `index` along `axis`, rows counted in C order of the other axes.
    pub(crate) fn row<T: Element>(&self, axis: usize, mut index: usize) -> *const T {
        let mut offset = 0;
        for (i, &size) in self.shape.iter().enumerate().rev() {
            if i != axis {
                offset += (index % size) as isize * self.strides[i];
                index /= size;
            }
        }
        self.pointer::<T>().wrapping_offset(offset)
    }
}

impl<'a> Output<'a> {
    /// A C-ordered array at `pointer`.
    ///
    /// # Safety
    /// For as long as the value is used, the array's bytes must be writable and aligned for `dtype`, and nothing else
    /// may read or write them, but operands that parameters say are overwritten. They need not be initialized, except where
    /// a routine says that it reads them.
    pub unsafe fn new(dtype: DType, shape: &'a [usize], pointer: *mut u8) -> Output<'a> {
        Output { dtype, shape, pointer, memory: PhantomData }
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Sizes.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// Pointer to the first element.
    pub(crate) fn pointer<T: Element>(&self) -> *mut T {
        debug_assert_eq!(T::DTYPE, self.dtype);
        self.pointer.cast()
    }

    /// Pointer to sub-array `index` of the stack over all but the last `core` axes.
    pub(crate) fn item<T: Element>(&self, core: usize, index: usize) -> *mut T {
        let size: usize = self.shape[self.shape.len() - core..].iter().product();
        self.pointer::<T>().wrapping_add(index * size)
    }

    /// Pointer to the first element of row `index` along `axis`, and the distance of its elements.
    pub(crate) fn row<T: Element>(&self, axis: usize, index: usize) -> (*mut T, usize) {
        let inner: usize = self.shape[axis + 1..].iter().product();
        let first = index / inner.max(1) * inner * self.shape[axis] + index % inner.max(1);
        (self.pointer::<T>().wrapping_add(first), inner)
    }
}

/// The batch axes of two stacks of `core`-dimensional arrays, broadcast; `None` if they disagree.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |s: &[usize], i: usize| if i + s.len() < rank { 1 } else { s[i + s.len() - rank] };
    (0..rank)
        .map(|i| match (size(a, i), size(b, i)) {
            (x, y) if x == y => Some(x),
            (1, x) | (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}
