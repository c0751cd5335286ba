//! Arguments: `ndarray` arrays and views of any layout, and numbers.

use crate::tensor::{Tensor, TensorElement};
use frit_ir::DType;
use frit_ir::plan::Layout;
use ndarray::{ArrayBase, Data, Dimension};

/// An array in the caller's memory.
#[derive(Clone, Debug)]
pub struct Raw<'a> {
    pub(crate) pointer: *const u8,
    pub(crate) dtype: DType,
    pub(crate) shape: &'a [usize],
    pub(crate) strides: &'a [isize],
    pub(crate) layout: Layout,
}

/// Something that can be passed to a compiled function.
pub trait Argument {
    /// Its memory.
    fn raw(&self) -> Raw<'_>;
}

impl<T: TensorElement, S: Data<Elem = T>, D: Dimension> Argument for ArrayBase<S, D> {
    fn raw(&self) -> Raw<'_> {
        let layout = if self.is_standard_layout() { Layout::Contiguous } else { Layout::Strided };
        Raw {
            pointer: self.as_ptr().cast(),
            dtype: T::DTYPE,
            shape: self.shape(),
            strides: self.strides(),
            layout,
        }
    }
}

impl Argument for Tensor {
    fn raw(&self) -> Raw<'_> {
        Raw {
            pointer: self.0.buffer.as_ptr(),
            dtype: self.0.dtype,
            shape: &self.0.shape,
            strides: &[],
            layout: Layout::Contiguous,
        }
    }
}

macro_rules! scalars {
    ($($t:ty),*) => {$(
        impl Argument for $t {
            fn raw(&self) -> Raw<'_> {
                let pointer: *const $t = self;
                Raw { pointer: pointer.cast(), dtype: <$t>::DTYPE, shape: &[], strides: &[], layout: Layout::Contiguous }
            }
        }
    )*};
}
scalars!(bool, i32, i64, f32, f64);

/// A tuple of references to arguments.
pub trait Arguments {
    /// Calls `f` with them.
    fn with<R>(&self, f: impl FnOnce(&[Raw<'_>]) -> R) -> R;
}

impl Arguments for [&dyn Argument] {
    fn with<R>(&self, f: impl FnOnce(&[Raw<'_>]) -> R) -> R {
        let all: Vec<Raw<'_>> = self.iter().map(|a| a.raw()).collect();
        f(&all)
    }
}

impl<A: Arguments + ?Sized> Arguments for &A {
    fn with<R>(&self, f: impl FnOnce(&[Raw<'_>]) -> R) -> R {
        (**self).with(f)
    }
}

impl Arguments for Vec<&dyn Argument> {
    fn with<R>(&self, f: impl FnOnce(&[Raw<'_>]) -> R) -> R {
        self.as_slice().with(f)
    }
}

macro_rules! tuples {
    ($(($($t:ident $i:tt),*);)*) => {$(
        impl<$($t: Argument),*> Arguments for ($(&$t,)*) {
            fn with<R>(&self, f: impl FnOnce(&[Raw<'_>]) -> R) -> R { f(&[$(self.$i.raw()),*]) }
        }
    )*};
}
tuples! {
    (A 0); (A 0, B 1); (A 0, B 1, C 2); (A 0, B 1, C 2, D 3); (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5); (A 0, B 1, C 2, D 3, E 4, F 5, G 6); (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
}
