//! Powers and roots: `pow`, `cbrt`, `hypot`.

use crate::dispatch::{Kernel1, Kernel2};
use crate::exp::{exp_reduced, reduce_ln2};
use crate::log::{LN2_HI, LN2_LO, split, unbias};
use crate::num::{fast_two_sum, fma, poly, round_product, scale, scale_f32, two_prod};

/// `log x` for a positive normal `x`, as a pair with a relative error of about 2^-65.
///
/// The series is that of [`crate::log`], `2s + 2/3 s³ + …`, with its first two terms in pairs: in `x^y` the exponent
/// multiplies the error by up to 710.
#[inline(always)]
fn log_pair(x: f64) -> (f64, f64) {
    let (biased, f) = split(x);
    let k = unbias(biased);
    let (d, d_lo) = fast_two_sum(2.0, f);
    let inverse = 1.0 / d;
    let s = f * inverse;
    let s_lo = fma(-s, d_lo, fma(-s, d, f)) * inverse;
    let z = s * s;
    let z_lo = fma(s + s, s_lo, fma(s, s, -z));
    // (log(1 + f) / s - 2) / s² - 2/3, to 2^-65 when multiplied by s^4.
    let small = z * poly(
        z,
        [
            0.4000000000000229,
            0.28571428570082613,
            0.22222222523088392,
            0.18181784078984733,
            0.15386771079573325,
            0.13256487326168098,
            0.13199484403396544,
        ],
    );
    let (p, p_lo) = fast_two_sum(TWO_THIRDS, small);
    let p_lo = p_lo + TWO_THIRDS_LO;
    let (cube, cube_lo) = two_prod(s, z);
    let cube_lo = fma(s_lo, z, fma(s, z_lo, cube_lo));
    let (term, term_lo) = two_prod(cube, p);
    let term_lo = fma(cube_lo, p, fma(cube, p_lo, term_lo));
    let (m, m_lo) = fast_two_sum(s + s, term);
    let m_lo = m_lo + fma(2.0, s_lo, term_lo);
    let (hi, lo) = fast_two_sum(k * LN2_HI, m);
    (hi, fma(k, LN2_LO, lo + m_lo))
}

const TWO_THIRDS: f64 = 2.0 / 3.0;
/// `2/3 - TWO_THIRDS`.
const TWO_THIRDS_LO: f64 = 3.700743415417188e-17;

/// `y` times the sign of `x^y`, or NaN: what a negative base does. `result` is `|x|^y`.
#[inline(always)]
fn with_sign(x: f64, y: f64, result: f64) -> f64 {
    let half = 0.5 * y;
    let integer = y.round_ties_even() == y;
    // Where y is even, its half is an integer too.
    let odd = half.round_ties_even() != half;
    let signed = if odd { -result } else { result };
    let negative_base = if integer { signed } else { f64::NAN };
    if x < 0.0 { negative_base } else { result }
}

/// The operands whose powers C99 lists. (The more accurate library has some of them wrong: `pow(1, NaN)` and powers
/// of -0.)
#[inline(always)]
fn special(x: f64, y: f64) -> bool {
    x == 0.0 || !x.is_finite() || !y.is_finite()
}

/// `x^y = e^(y log x)`.
pub(crate) struct Pow;

impl Kernel2<f64> for Pow {
    #[inline(always)]
    fn fast(x: f64, y: f64) -> f64 {
        let (log, log_lo) = log_pair(x.abs());
        let (p, p_lo) = two_prod(y, log);
        let (p, p_lo) = fast_two_sum(p, fma(y, log_lo, p_lo));
        let (k, bits, (r, r_lo)) = reduce_ln2(p);
        let (r, r_lo) = fast_two_sum(r, r_lo + p_lo);
        let (hi, lo) = exp_reduced(r, fma(r, r_lo, r_lo));
        // In two steps, because 2^k itself may overflow or be subnormal.
        let (_, half) = round_product(k, 0.5);
        let result = (hi + lo) * scale(1.0, half) * scale(1.0, bits.wrapping_sub(half));
        let result = if p > 720.0 { f64::INFINITY } else { result };
        let result = if p < -760.0 { 0.0 } else { result };
        with_sign(x, y, result)
    }
    #[inline(always)]
    fn rare(x: f64, y: f64) -> bool {
        // A huge exponent would make p infinite and its error NaN. (NaN is in no range.)
        !(f64::MIN_POSITIVE..f64::INFINITY).contains(&x.abs()) | !(0.0..1e290).contains(&y.abs())
    }
    #[inline(always)]
    fn slow(x: f64, y: f64) -> f64 {
        if special(x, y) { libm::pow(x, y) } else { pxfm::f_pow(x, y) }
    }
}

impl Kernel2<f32> for Pow {
    /// In `f64`, where a short polynomial is accurate enough and neither overflow nor subnormals occur.
    #[inline(always)]
    fn fast(x: f32, y: f32) -> f32 {
        let (biased, f) = split((x as f64).abs());
        let s = f / (2.0 + f);
        let z = s * s;
        // log2(1 + f) / s, to 2^-37.
        let p = poly(
            z,
            [
                2.885390081790212,
                0.9617966931711556,
                0.5770836196948611,
                0.41167051974366187,
                0.3407727421748103,
            ],
        );
        let log2 = fma(s, p, unbias(biased));
        let product = y as f64 * log2;
        let product = if product > 200.0 { 200.0 } else { product };
        let product = if product < -200.0 { -200.0 } else { product };
        let (k, bits) = round_product(product, 1.0);
        // 2^r, to 2^-29.
        let power = poly(
            product - k,
            [
                1.0000000005542162,
                0.6931472057365695,
                0.24022646890409013,
                0.05550328777288058,
                0.009618488971825462,
                0.0013399931242872567,
                0.00015345809675748783,
            ],
        );
        with_sign(x as f64, y as f64, scale(power, bits)) as f32
    }
    #[inline(always)]
    fn rare(x: f32, y: f32) -> bool {
        !x.is_finite() | !y.is_finite() | (x == 0.0)
    }
    #[inline(always)]
    fn slow(x: f32, y: f32) -> f32 {
        if special(x as f64, y as f64) { libm::powf(x, y) } else { pxfm::f_powf(x, y) }
    }
}

/// Cube root.
///
/// `|x| = 8^q s` with `1 <= s < 8`. A polynomial approximates `s^(-1/3)`, one step of a third-order iteration without
/// divisions refines it, and `s r² = s^(1/3)` takes a last Newton step with an exact residual.
pub(crate) struct Cbrt;

impl Kernel1<f64> for Cbrt {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let bits = x.to_bits() & 0x7fff_ffff_ffff_ffff;
        let exponent = bits >> 52;
        let third = (exponent * 21846) >> 16; // exponent / 3
        let rest = exponent - 3 * third;
        let mantissa = bits & 0x000f_ffff_ffff_ffff;
        let m = f64::from_bits(mantissa | 0x3ff0_0000_0000_0000);
        let s = f64::from_bits(mantissa | ((1023 + rest) << 52));
        // m^(-1/3), to 2^-14; the step below raises that to the fourth power.
        let r = poly(
            m,
            [
                1.6700068122430438,
                -1.1728804315774606,
                0.6954828712490531,
                -0.221237963982695,
                0.028591043817000155,
            ],
        );
        let factor = if rest == 1 { CBRT_HALF } else { 1.0 };
        let r = r * if rest == 2 { CBRT_QUARTER } else { factor };
        let e = fma(-s * r, r * r, 1.0);
        let r = fma(r * e, poly(e, [1.0 / 3.0, 2.0 / 9.0, 14.0 / 81.0]), r);
        let y = s * (r * r);
        let (square, square_lo) = two_prod(y, y);
        let residual = fma(-y, square, s) - y * square_lo;
        let y = fma(residual, r * r * (1.0 / 3.0), y);
        let result = scale(y, third.wrapping_sub(341)).copysign(x);
        // Zero, infinity and NaN are their own cube roots.
        if x == 0.0 || x.is_nan() || x.is_infinite() { x } else { result }
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x.abs() < f64::MIN_POSITIVE && x != 0.0
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_cbrt(x)
    }
}

/// `2^(-1/3)` and `2^(-2/3)`.
const CBRT_HALF: f64 = 0.7937005259840998;
const CBRT_QUARTER: f64 = 0.6299605249474366;

impl Kernel1<f32> for Cbrt {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let bits = x.to_bits() & 0x7fff_ffff;
        let exponent = bits >> 23;
        let third = (exponent * 21846) >> 16;
        let rest = exponent - 3 * third;
        let mantissa = bits & 0x007f_ffff;
        let m = f32::from_bits(mantissa | 0x3f80_0000);
        // 127 is 1 above a multiple of 3: a rest of 0 means 2^-1, and the quotient is one short.
        let s = f32::from_bits(mantissa | ((126 + rest) << 23));
        // m^(-1/3), to 2^-11.
        let r = poly(m, [1.541_887, -0.809_960_4, 0.317_757_2, -0.049_936_913]);
        let factor = if rest == 0 { 1.0 / CBRT_HALF as f32 } else { 1.0 };
        let r = r * if rest == 2 { CBRT_HALF as f32 } else { factor };
        let e = fma(-s * r, r * r, 1.0);
        let r = fma(r * e, fma(e, 2.0 / 9.0, 1.0 / 3.0), r);
        let y = s * (r * r);
        let residual = fma(-y, y * y, s);
        let y = fma(residual, r * r * (1.0 / 3.0), y);
        let result = scale_f32(y, third.wrapping_sub(42)).copysign(x);
        if x == 0.0 || x.is_nan() || x.is_infinite() { x } else { result }
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        x.abs() < f32::MIN_POSITIVE && x != 0.0
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_cbrtf(x)
    }
}

/// `√(x² + y²)`.
pub(crate) struct Hypot;

impl Kernel2<f64> for Hypot {
    #[inline(always)]
    fn fast(x: f64, y: f64) -> f64 {
        let (x, y) = (x.abs(), y.abs());
        let (large, small) = if x > y { (x, y) } else { (y, x) };
        // The sum of squares is off by at most one ulp, which the square root halves.
        let (square, square_lo) = two_prod(small, small);
        let (large_square, large_lo) = two_prod(large, large);
        let (sum, sum_lo) = fast_two_sum(large_square, square);
        (sum + (sum_lo + (large_lo + square_lo))).sqrt()
    }
    #[inline(always)]
    fn rare(x: f64, y: f64) -> bool {
        // Where a square overflows or the larger one is inexact. NaN and infinity are among them.
        let large = if x.abs() > y.abs() { x.abs() } else { y.abs() };
        !(x.abs() < 1e150 && y.abs() < 1e150) | (large < 1e-140 && large != 0.0)
    }
    #[inline(always)]
    fn slow(x: f64, y: f64) -> f64 {
        // Infinity wins even over NaN.
        if x.is_infinite() || y.is_infinite() { f64::INFINITY } else { pxfm::f_hypot(x, y) }
    }
}

impl Kernel2<f32> for Hypot {
    /// In `f64`, where squares of `f32` are exact and in range.
    #[inline(always)]
    fn fast(x: f32, y: f32) -> f32 {
        let (wide_x, wide_y) = (x as f64, y as f64);
        let result = (wide_x * wide_x + wide_y * wide_y).sqrt() as f32;
        // Infinity wins even over NaN.
        if x.is_infinite() || y.is_infinite() { f32::INFINITY } else { result }
    }
    #[inline(always)]
    fn slow(x: f32, y: f32) -> f32 {
        Self::fast(x, y) // needs no FMA
    }
}
