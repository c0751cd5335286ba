//! Arithmetic of matrix products.

use crate::dtype::Element;
use crate::gemm::{Product, Tile, faer_tile, plain_tile};
use num_complex::{Complex32, Complex64};

/// A type with matrix products. Integers wrap around; bools combine by or and and.
pub(crate) trait Number: Element {
    const ZERO: Self;
    /// `c + a b`; fused if `FMA`, which callers set where the hardware has it.
    fn multiply_add<const FMA: bool>(a: Self, b: Self, c: Self) -> Self;
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// Whether products come from faer, which packs operands in memory of its own.
    const BY_FAER: bool;
    /// Computes a part of a product of which `m`, `k` and `n` are not 0.
    fn tile(p: &Product<Self>, tile: Tile);
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const ZERO: $t = 0;
            const BY_FAER: bool = false;
            #[inline(always)]
            fn multiply_add<const FMA: bool>(a: $t, b: $t, c: $t) -> $t { c.wrapping_add(a.wrapping_mul(b)) }
            #[inline(always)]
            fn plus(self, other: $t) -> $t { self.wrapping_add(other) }
            #[inline(always)]
            fn times(self, other: $t) -> $t { self.wrapping_mul(other) }
            fn tile(p: &Product<$t>, tile: Tile) { plain_tile(p, tile) }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Number for bool {
    const ZERO: bool = false;
    const BY_FAER: bool = false;
    #[inline(always)]
    fn multiply_add<const FMA: bool>(a: bool, b: bool, c: bool) -> bool {
        c | (a & b)
    }
    #[inline(always)]
    fn plus(self, other: bool) -> bool {
        self | other
    }
    #[inline(always)]
    fn times(self, other: bool) -> bool {
        self & other
    }
    fn tile(p: &Product<bool>, tile: Tile) {
        plain_tile(p, tile);
    }
}

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const ZERO: $t = 0.0;
            const BY_FAER: bool = true;
            #[inline(always)]
            fn multiply_add<const FMA: bool>(a: $t, b: $t, c: $t) -> $t {
                if FMA { a.mul_add(b, c) } else { c + a * b }
            }
            #[inline(always)]
            fn plus(self, other: $t) -> $t { self + other }
            #[inline(always)]
            fn times(self, other: $t) -> $t { self * other }
            fn tile(p: &Product<$t>, tile: Tile) { faer_tile(p, tile) }
        }
    )*};
}
floats!(f32, f64);

macro_rules! complexes {
    ($($t:ty, $part:ty;)*) => {$(
        impl Number for $t {
            const ZERO: $t = <$t>::new(0.0, 0.0);
            const BY_FAER: bool = true;
            #[inline(always)]
            fn multiply_add<const FMA: bool>(a: $t, b: $t, c: $t) -> $t {
                let f = <$part as Number>::multiply_add::<FMA>;
                <$t>::new(f(-a.im, b.im, f(a.re, b.re, c.re)), f(a.im, b.re, f(a.re, b.im, c.im)))
            }
            #[inline(always)]
            fn plus(self, other: $t) -> $t { self + other }
            #[inline(always)]
            fn times(self, other: $t) -> $t { self * other }
            fn tile(p: &Product<$t>, tile: Tile) { faer_tile(p, tile) }
        }
    )*};
}
complexes!(Complex32, f32; Complex64, f64;);
