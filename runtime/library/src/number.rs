//! Arithmetic of matrix products.

use crate::dtype::Element;
use crate::kernel::{self, Kernel};
use num_complex::{Complex32, Complex64};

/// A type with matrix products. Integers wrap around; bools combine by or and and.
pub(crate) trait Number: Element {
    const ZERO: Self;
    /// `c + a b`; fused if `FMA`, which callers set where the hardware has it.
    fn multiply_add<const FMA: bool>(a: Self, b: Self, c: Self) -> Self;
    fn plus(self, other: Self) -> Self;
    fn negated(self) -> Self;
    /// The fastest inner loop of this machine.
    fn kernel() -> Kernel<Self>;
    /// Stores element `j` of a packed row of `width`.
    ///
    /// # Safety
    /// The row must have room, and `j < width`.
    #[inline(always)]
    unsafe fn pack(row: *mut Self, _width: usize, j: usize, value: Self) {
        // SAFETY: as the caller promises.
        unsafe { row.add(j).write(value) }
    }
    /// Whether packed rows are in the order of memory.
    const PLAIN: bool = true;
}

macro_rules! integers {
    ($($t:ty, $kernel:ident;)*) => {$(
        impl Number for $t {
            const ZERO: $t = 0;
            #[inline(always)]
            fn multiply_add<const FMA: bool>(a: $t, b: $t, c: $t) -> $t { c.wrapping_add(a.wrapping_mul(b)) }
            #[inline(always)]
            fn plus(self, other: $t) -> $t { self.wrapping_add(other) }
            #[inline(always)]
            fn negated(self) -> $t { self.wrapping_neg() }
            fn kernel() -> Kernel<$t> { kernel::$kernel() }
        }
    )*};
}
integers! {
    i8, for_i8; i16, for_i16; i32, for_i32; i64, for_i64;
    u8, for_u8; u16, for_u16; u32, for_u32; u64, for_u64;
}

impl Number for bool {
    const ZERO: bool = false;
    #[inline(always)]
    fn multiply_add<const FMA: bool>(a: bool, b: bool, c: bool) -> bool {
        c | (a & b)
    }
    #[inline(always)]
    fn plus(self, other: bool) -> bool {
        self | other
    }
    /// Bools have no sign.
    #[inline(always)]
    fn negated(self) -> bool {
        self
    }
    fn kernel() -> Kernel<bool> {
        kernel::for_bool()
    }
}

macro_rules! floats {
    ($($t:ty, $kernel:ident;)*) => {$(
        impl Number for $t {
            const ZERO: $t = 0.0;
            #[inline(always)]
            fn multiply_add<const FMA: bool>(a: $t, b: $t, c: $t) -> $t {
                if FMA { a.mul_add(b, c) } else { c + a * b }
            }
            #[inline(always)]
            fn plus(self, other: $t) -> $t { self + other }
            #[inline(always)]
            fn negated(self) -> $t { -self }
            fn kernel() -> Kernel<$t> { kernel::$kernel() }
        }
    )*};
}
floats!(f32, for_f32; f64, for_f64;);

macro_rules! complexes {
    ($($t:ty, $part:ty, $kernel:ident;)*) => {$(
        impl Number for $t {
            const ZERO: $t = <$t>::new(0.0, 0.0);
            #[inline(always)]
            fn multiply_add<const FMA: bool>(a: $t, b: $t, c: $t) -> $t {
                let f = <$part as Number>::multiply_add::<FMA>;
                <$t>::new(f(-a.im, b.im, f(a.re, b.re, c.re)), f(a.im, b.re, f(a.re, b.im, c.im)))
            }
            #[inline(always)]
            fn plus(self, other: $t) -> $t { self + other }
            #[inline(always)]
            fn negated(self) -> $t { -self }
            fn kernel() -> Kernel<$t> { kernel::$kernel() }
            /// Real parts first, then imaginary parts, so that vectors hold parts of one kind.
            #[inline(always)]
            unsafe fn pack(row: *mut $t, width: usize, j: usize, value: $t) {
                let row = row.cast::<$part>();
                // SAFETY: as the caller promises.
                unsafe {
                    row.add(j).write(value.re);
                    row.add(width + j).write(value.im);
                }
            }
            const PLAIN: bool = false;
        }
    )*};
}
complexes!(Complex32, f32, for_c64; Complex64, f64, for_c128;);
