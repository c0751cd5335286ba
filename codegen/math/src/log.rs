//! Logarithms: `log`, `log2`, `log10`, `log1p`.
//!
//! `x = 2^k m` with `m` between `√½` and `√2`, so `log x = k ln 2 + log m`. With `f = m - 1` and `s = f / (2 + f)`,
//! `log m = 2 atanh s = f - f²/2 + s (f²/2 + R(s²))`: the scheme of fdlibm's `e_log.c`, here with `f - f²/2` and the sum
//! with `k ln 2` kept as pairs. The polynomials are own Remez fits.

use crate::dispatch::Kernel1;
use crate::num::{fast_two_sum, fma, poly, two_prod, two_sum};

/// `ln 2` in two parts; the first has trailing zeros enough for `k LN2_HI` to be exact.
pub(crate) const LN2_HI: f64 = 0.6931471805598903;
pub(crate) const LN2_LO: f64 = 5.4979230187085024e-14;
const LN2_HI_F32: f32 = 0.693_176_27;
const LN2_LO_F32: f32 = -2.908_893e-5;

/// `x = 2^k m` for a positive normal `x`: returns the biased exponent and `f = m - 1`.
#[inline(always)]
pub(crate) fn split(x: f64) -> (u64, f64) {
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    // Moves the boundary between two exponents from 1 to √½.
    let shifted = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    let m = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff).wrapping_add(SQRT_HALF));
    (shifted >> 52, m - 1.0)
}

/// The unbiased exponent as a float, by planting the biased one in the low bits of 2^52.
#[inline(always)]
pub(crate) fn unbias(biased: u64) -> f64 {
    f64::from_bits(biased | 0x4330_0000_0000_0000) - (4503599627370496.0 + 1023.0)
}

/// As [`split`].
#[inline(always)]
pub(crate) fn split_f32(x: f32) -> (u32, f32) {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    const ONE: u32 = 0x3f80_0000;
    let shifted = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    let m = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(SQRT_HALF));
    (shifted >> 23, m - 1.0)
}

/// As [`unbias`].
#[inline(always)]
pub(crate) fn unbias_f32(biased: u32) -> f32 {
    f32::from_bits(biased | 0x4b00_0000) - (8388608.0 + 127.0)
}

/// `log(1 + f)` for `√½ - 1 <= f <= √2 - 1`: a pair for `f - f²/2`, and the small rest.
#[inline(always)]
fn log_reduced(f: f64) -> ((f64, f64), f64) {
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * poly(
        z,
        [
            0.6666666666666735,
            0.3999999999940701,
            0.2857142874425757,
            0.2222219836560169,
            0.18183575881125857,
            0.15313736325614882,
            0.14799271264734642,
        ],
    );
    let half = 0.5 * f;
    let hi = fma(-half, f, f);
    let lo = fma(-half, f, f - hi);
    ((hi, lo), s * fma(half, f, r))
}

/// `log(1 + f)` as in [`log_reduced`], for `f32`: `f` and the rest.
#[inline(always)]
fn log_reduced_f32(f: f32) -> (f32, f32) {
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * poly(z, [0.66666776, 0.39977443, 0.29874596]);
    let half_square = 0.5 * f * f;
    (f, fma(s, half_square + r, -half_square))
}

/// The logarithm of what is not a positive finite number; `result` for the rest.
#[inline(always)]
fn domain(x: f64, result: f64) -> f64 {
    let finite = if x < f64::INFINITY { result } else { x };
    let zero = if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    if x > 0.0 { finite } else { zero }
}

/// As [`domain`].
#[inline(always)]
fn domain_f32(x: f32, result: f32) -> f32 {
    let finite = if x < f32::INFINITY { result } else { x };
    let zero = if x == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
    if x > 0.0 { finite } else { zero }
}

/// Whether `x` is a positive subnormal, whose exponent field says nothing.
#[inline(always)]
fn subnormal(x: f64) -> bool {
    x > 0.0 && x < f64::MIN_POSITIVE
}

/// As [`subnormal`].
#[inline(always)]
fn subnormal_f32(x: f32) -> bool {
    x > 0.0 && x < f32::MIN_POSITIVE
}

/// Natural logarithm.
pub(crate) struct Log;

impl Kernel1<f64> for Log {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (biased, f) = split(x);
        let k = unbias(biased);
        let ((hi, lo), rest) = log_reduced(f);
        let (sum, error) = fast_two_sum(k * LN2_HI, hi);
        domain(x, sum + fma(k, LN2_LO, (error + lo) + rest))
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        subnormal(x)
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_log(x)
    }
}

impl Kernel1<f32> for Log {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let (biased, f) = split_f32(x);
        let k = unbias_f32(biased);
        let (hi, rest) = log_reduced_f32(f);
        let small = fma(k, LN2_LO_F32, rest);
        domain_f32(x, fma(k, LN2_HI_F32, hi + small))
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        subnormal_f32(x)
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_logf(x)
    }
}

/// `k · unit + log(1 + f) · factor`, where both constants are pairs: a logarithm to another base.
#[inline(always)]
fn log_base(x: f64, unit: (f64, f64), factor: (f64, f64)) -> f64 {
    let (biased, f) = split(x);
    let k = unbias(biased);
    let ((hi, lo), rest) = log_reduced(f);
    let (hi, lo) = fast_two_sum(hi, lo + rest);
    let (product, product_lo) = two_prod(hi, factor.0);
    let product_lo = fma(lo, factor.0, fma(hi, factor.1, product_lo));
    let (sum, error) = fast_two_sum(k * unit.0, product);
    domain(x, sum + (error + fma(k, unit.1, product_lo)))
}

/// As [`log_base`].
#[inline(always)]
fn log_base_f32(x: f32, unit: (f32, f32), factor: (f32, f32)) -> f32 {
    let (biased, f) = split_f32(x);
    let k = unbias_f32(biased);
    let (hi, rest) = log_reduced_f32(f);
    let (hi, lo) = fast_two_sum(hi, rest);
    let product = fma(hi, factor.0, fma(hi, factor.1, lo * factor.0));
    domain_f32(x, fma(k, unit.0, fma(k, unit.1, product)))
}

/// Logarithm to base 2.
pub(crate) struct Log2;

impl Kernel1<f64> for Log2 {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        log_base(x, (1.0, 0.0), (std::f64::consts::LOG2_E, 2.0355273740931033e-17))
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        subnormal(x)
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_log2(x)
    }
}

impl Kernel1<f32> for Log2 {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        log_base_f32(x, (1.0, 0.0), (std::f32::consts::LOG2_E, 1.925963e-8))
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        subnormal_f32(x)
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_log2f(x)
    }
}

/// Logarithm to base 10.
pub(crate) struct Log10;

impl Kernel1<f64> for Log10 {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let unit = (0.30102999566395283, 2.8363394551042263e-14);
        log_base(x, unit, (std::f64::consts::LOG10_E, 1.098319650216765e-17))
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        subnormal(x)
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_log10(x)
    }
}

impl Kernel1<f32> for Log10 {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let unit = (0.301_025_4, 4.604_924_5e-6);
        log_base_f32(x, unit, (std::f32::consts::LOG10_E, -1.010_305e-8))
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        subnormal_f32(x)
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_log10f(x)
    }
}

/// `log(1 + y + y_lo)` for a pair, without the special cases: also returns `1 + y`, whose domain decides.
///
/// `1 + y` is the pair `u + c`, and `log(u + c) = log u + c / u` to the needed precision. Where `u` has exponent 0,
/// `f + c` is `y` again, exactly; so small `y` lose nothing.
#[inline(always)]
pub(crate) fn log1p_pair(y: f64, y_lo: f64) -> (f64, f64) {
    let (u, c) = two_sum(1.0, y);
    let (biased, f) = split(u);
    let k = unbias(biased);
    // 2^-k; beyond 2^60, where c is below any influence, the shift would overflow.
    let down = f64::from_bits(2046u64.wrapping_sub(biased) << 52);
    let down = if y < 1e18 { down } else { 0.0 };
    let (f, f_lo) = two_sum(f, c * down);
    let f_lo = fma(y_lo, down, f_lo);
    let ((hi, lo), rest) = log_reduced(f);
    let lo = fma(-f, f_lo, lo + f_lo);
    let (sum, error) = fast_two_sum(k * LN2_HI, hi);
    (sum + fma(k, LN2_LO, (error + lo) + rest), u)
}

/// `log(1 + x)`.
pub(crate) struct Log1p;

impl Kernel1<f64> for Log1p {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (y, u) = log1p_pair(x, 0.0);
        // Zero keeps its sign.
        if x == 0.0 { x } else { domain(u, y) }
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_log1p(x)
    }
}

impl Kernel1<f32> for Log1p {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let (u, c) = two_sum(1.0, x);
        let (biased, f) = split_f32(u);
        let k = unbias_f32(biased);
        let down = f32::from_bits(254u32.wrapping_sub(biased) << 23);
        let c = c * if x < 1e9 { down } else { 0.0 };
        let (hi, rest) = log_reduced_f32(f + c);
        let small = fma(k, LN2_LO_F32, rest);
        let y = fma(k, LN2_HI_F32, hi + small);
        if x == 0.0 { x } else { domain_f32(u, y) }
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_log1pf(x)
    }
}
