//! Results: arrays in the runtime's memory, seen as `ndarray` views without a copy.

use crate::error::Error;
use frit_ir::{DType, Scalar};
use frit_runtime::Output;
use ndarray::{ArrayD, ArrayViewD, IxDyn};
use num_complex::{Complex32, Complex64};

/// A Rust type that is an element type of frit.
pub trait TensorElement: Copy + 'static {
    /// The element type.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($t:ty => $d:ident;)*) => {$( impl TensorElement for $t { const DTYPE: DType = DType::$d; } )*};
}
elements! {
    bool => Bool; i8 => I8; i16 => I16; i32 => I32; i64 => I64; u8 => U8; u16 => U16; u32 => U32; u64 => U64;
    f32 => F32; f64 => F64; Complex32 => C64; Complex64 => C128;
}

/// A result. Its memory goes back to the pool when it is dropped.
#[derive(Debug)]
pub struct Tensor(pub(crate) Output);

impl Tensor {
    /// The element type.
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }

    /// The shape.
    pub fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    /// The elements, without a copy.
    pub fn view<T: TensorElement>(&self) -> Result<ArrayViewD<'_, T>, Error> {
        if T::DTYPE != self.0.dtype {
            return Err(Error::ResultType { have: self.0.dtype.name(), want: T::DTYPE.name() });
        }
        // SAFETY: the buffer is aligned, holds the shape's elements of this type in C order, and outlives the view.
        Ok(unsafe { ArrayViewD::from_shape_ptr(IxDyn(&self.0.shape), self.0.buffer.as_ptr().cast()) })
    }

    /// The element at a flat index, in C order. Panics outside the array.
    pub fn get(&self, index: usize) -> Scalar {
        let n: usize = self.0.shape.iter().product();
        assert!(index < n, "element {index} of a result of {n} elements");
        let size = self.0.dtype.size();
        // SAFETY: the buffer holds `n` elements in C order.
        let bytes = unsafe { std::slice::from_raw_parts(self.0.buffer.as_ptr().add(index * size), size) };
        Scalar::from_bytes(self.0.dtype, bytes)
    }

    /// The elements in an array of their own.
    pub fn to_array<T: TensorElement>(&self) -> Result<ArrayD<T>, Error> {
        Ok(self.view::<T>()?.to_owned())
    }
}
