//! Building blocks of the kernels: polynomials, error-free transformations, exponent surgery.
//!
//! A pair `(hi, lo)` stands for the unevaluated sum `hi + lo` with `|lo|` at most about an ulp of `hi`. The
//! transformations are classical (Dekker 1971, Knuth): each returns the rounded result and its exact error.

use std::ops::{Add, Mul, Neg, Sub};

/// What the building blocks need of `f32` and `f64`.
pub(crate) trait Float:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// `self * b + c`, rounded once.
    fn fused(self, b: Self, c: Self) -> Self;
}

impl Float for f64 {
    #[inline(always)]
    fn fused(self, b: f64, c: f64) -> f64 {
        self.mul_add(b, c)
    }
}

impl Float for f32 {
    #[inline(always)]
    fn fused(self, b: f32, c: f32) -> f32 {
        self.mul_add(b, c)
    }
}

/// `a * b + c`, rounded once.
#[inline(always)]
pub(crate) fn fma<T: Float>(a: T, b: T, c: T) -> T {
    a.fused(b, c)
}

/// The polynomial `c[0] + c[1] x + c[2] x² + …`.
///
/// By Horner's rule: the fewest operations. Its long dependency chain does not matter, because the CPU overlaps the
/// vectors of a block.
#[inline(always)]
pub(crate) fn poly<T: Float, const N: usize>(x: T, c: [T; N]) -> T {
    let mut sum = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = fma(sum, x, c[i]);
    }
    sum
}

/// `a + b` and its error.
#[inline(always)]
pub(crate) fn two_sum<T: Float>(a: T, b: T) -> (T, T) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// `a + b` and its error, for `|a| >= |b|` or `a = 0`.
#[inline(always)]
pub(crate) fn fast_two_sum<T: Float>(a: T, b: T) -> (T, T) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// `a * b` and its error.
#[inline(always)]
pub(crate) fn two_prod<T: Float>(a: T, b: T) -> (T, T) {
    let product = a * b;
    (product, fma(a, b, -product))
}

/// `n / d` for normalized pairs, rounded to one number; `inverse` approximates `1 / d.0`.
#[inline(always)]
pub(crate) fn div_pairs<T: Float>(n: (T, T), d: (T, T), inverse: T) -> T {
    let q = n.0 * inverse;
    let remainder = fma(-q, d.1, fma(-q, d.0, n.0) + n.1);
    fma(remainder, inverse, q)
}

/// Adding this rounds an `f64` of magnitude below 2^51 to an integer, held in the low bits of the sum.
///
/// Vector instructions before AVX-512 convert no `f64` to 64-bit integers; this works everywhere.
pub(crate) const SHIFT: f64 = 6755399441055744.0; // 1.5 * 2^52

/// As [`SHIFT`], for an `f32` of magnitude below 2^22.
pub(crate) const SHIFT_F32: f32 = 12582912.0; // 1.5 * 2^23

/// The integer nearest to `a * b`, as a float and as an integer whose low bits are right (the high ones are not).
#[inline(always)]
pub(crate) fn round_product(a: f64, b: f64) -> (f64, u64) {
    let shifted = fma(a, b, SHIFT);
    (shifted - SHIFT, shifted.to_bits())
}

/// As [`round_product`].
#[inline(always)]
pub(crate) fn round_product_f32(a: f32, b: f32) -> (f32, u32) {
    let shifted = fma(a, b, SHIFT_F32);
    (shifted - SHIFT_F32, shifted.to_bits())
}

/// `y * 2^k` by adding to the exponent: right when `y` and the result are normal. Only the low 12 bits of `k` count.
#[inline(always)]
pub(crate) fn scale(y: f64, k: u64) -> f64 {
    f64::from_bits(y.to_bits().wrapping_add(k << 52))
}

/// As [`scale`]. Only the low 9 bits of `k` count.
#[inline(always)]
pub(crate) fn scale_f32(y: f32, k: u32) -> f32 {
    f32::from_bits(y.to_bits().wrapping_add(k << 23))
}

/// Flips the sign of `y` where bit 1 of `quadrant` is set.
#[inline(always)]
pub(crate) fn flip(y: f64, quadrant: u64) -> f64 {
    f64::from_bits(y.to_bits() ^ ((quadrant & 2) << 62))
}

/// As [`flip`].
#[inline(always)]
pub(crate) fn flip_f32(y: f32, quadrant: u32) -> f32 {
    f32::from_bits(y.to_bits() ^ ((quadrant & 2) << 30))
}
