//! Inverse trigonometric functions.
//!
//! `asin` and `acos` follow fdlibm: a polynomial up to 1/2, and beyond it `asin x = π/2 - 2 asin √((1 - x) / 2)`, with
//! the square root as a pair. `atan` and `atan2` are one kernel: the quotient is first brought below `tan(π/8)` by
//! `atan(n / d) = π/4 + atan((n - d) / (n + d)) = π/2 - atan(d / n)`, so that one division of pairs serves all cases. The
//! polynomials are own Remez fits.

use crate::dispatch::{Kernel1, Kernel2};
use crate::num::{fast_two_sum, fma, poly, two_sum};

const PI: (f64, f64) = (std::f64::consts::PI, 1.2246467991473532e-16);
const PIO2: (f64, f64) = (std::f64::consts::FRAC_PI_2, 6.123233995736766e-17);
const PIO4: (f64, f64) = (std::f64::consts::FRAC_PI_4, 3.061616997868383e-17);
const PIO2_F32: (f32, f32) = (std::f32::consts::FRAC_PI_2, -4.371_139e-8);
const PI_F32: (f32, f32) = (std::f32::consts::PI, -8.742_278e-8);

/// `(asin s - s) / s` with `z = s² <= 1/4`, to 2^-55.
#[inline(always)]
fn asin_tail(z: f64) -> f64 {
    z * poly(
        z,
        [
            0.16666666666665383,
            0.07500000000343054,
            0.04464285682347579,
            0.03038195933144602,
            0.02237175352054558,
            0.01735977112545466,
            0.01388459844866811,
            0.012173278801384212,
            0.006510857190970959,
            0.019573892937020023,
            -0.01629405028610242,
            0.03195894856613881,
        ],
    )
}

/// As [`asin_tail`], to 2^-27.
#[inline(always)]
fn asin_tail_f32(z: f32) -> f32 {
    z * poly(z, [0.166_667_54, 0.074_952_416, 0.045_477_1, 0.024_147_6, 0.042_218_57])
}

/// The argument `s` of the polynomial, its correction and its square, and whether `|x| > 1/2`.
#[inline(always)]
fn reduce_asin(a: f64) -> (bool, f64, f64, f64) {
    let large = a > 0.5;
    let z = if large { fma(-0.5, a, 0.5) } else { a * a };
    let root = z.sqrt();
    // The smallest normal number keeps 0 / 0 away.
    let root_lo = fma(-root, root, z) / (root + root + f64::MIN_POSITIVE);
    if large { (true, root, root_lo, z) } else { (false, a, 0.0, z) }
}

/// As [`reduce_asin`].
#[inline(always)]
fn reduce_asin_f32(a: f32) -> (bool, f32, f32, f32) {
    let large = a > 0.5;
    let z = if large { fma(-0.5, a, 0.5) } else { a * a };
    let root = z.sqrt();
    let root_lo = fma(-root, root, z) / (root + root + f32::MIN_POSITIVE);
    if large { (true, root, root_lo, z) } else { (false, a, 0.0, z) }
}

/// Inverse sine.
pub(crate) struct Asin;

impl Kernel1<f64> for Asin {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (large, s, s_lo, z) = reduce_asin(x.abs());
        let tail = fma(s, asin_tail(z), s_lo);
        let (hi, lo) = fast_two_sum(PIO2.0, -2.0 * s);
        let beyond = hi + fma(-2.0, tail, lo + PIO2.1);
        (if large { beyond } else { s + tail }).copysign(x)
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_asin(x)
    }
}

impl Kernel1<f32> for Asin {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let (large, s, s_lo, z) = reduce_asin_f32(x.abs());
        let tail = fma(s, asin_tail_f32(z), s_lo);
        let (hi, lo) = fast_two_sum(PIO2_F32.0, -2.0 * s);
        let beyond = hi + fma(-2.0, tail, lo + PIO2_F32.1);
        (if large { beyond } else { s + tail }).copysign(x)
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_asinf(x)
    }
}

/// Inverse cosine.
pub(crate) struct Acos;

impl Kernel1<f64> for Acos {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (large, s, s_lo, z) = reduce_asin(x.abs());
        let tail = fma(s, asin_tail(z), s_lo);
        let negative = x < 0.0;
        // 2 asin s, or π minus that; π/2 - asin x.
        let signed = if negative { -1.0 } else { 1.0 };
        let factor = if large { 2.0 * signed } else { -signed };
        let far = if negative { PI } else { (0.0, 0.0) };
        let (base, base_lo) = if large { far } else { PIO2 };
        let (hi, lo) = fast_two_sum(base, factor * s);
        hi + fma(factor, tail, lo + base_lo)
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_acos(x)
    }
}

impl Kernel1<f32> for Acos {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let (large, s, s_lo, z) = reduce_asin_f32(x.abs());
        let tail = fma(s, asin_tail_f32(z), s_lo);
        let negative = x < 0.0;
        let signed = if negative { -1.0 } else { 1.0 };
        let factor = if large { 2.0 * signed } else { -signed };
        let far = if negative { PI_F32 } else { (0.0, 0.0) };
        let (base, base_lo) = if large { far } else { PIO2_F32 };
        let (hi, lo) = fast_two_sum(base, factor * s);
        hi + fma(factor, tail, lo + base_lo)
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_acosf(x)
    }
}

/// `atan(n / d)` for `n, d >= 0`, as `base + t` with three-part results: the base, `t`, and the rest.
#[inline(always)]
fn atan_quotient(n: f64, d: f64) -> ((f64, f64), f64, f64) {
    const TAN_PI_8: f64 = 0.41421356237309503;
    const TAN_3PI_8: f64 = 2.414213562373095;
    let middle = n > TAN_PI_8 * d;
    let high = n > TAN_3PI_8 * d;
    let (minus, minus_lo) = two_sum(n, -d);
    let (plus, plus_lo) = two_sum(n, d);
    let (top, top_lo) = if middle { (minus, minus_lo) } else { (n, 0.0) };
    let (bottom, bottom_lo) = if middle { (plus, plus_lo) } else { (d, 0.0) };
    let base = if middle { PIO4 } else { (0.0, 0.0) };
    let (top, top_lo) = if high { (-d, 0.0) } else { (top, top_lo) };
    let (bottom, bottom_lo) = if high { (n, 0.0) } else { (bottom, bottom_lo) };
    let base = if high { PIO2 } else { base };
    let inverse = 1.0 / bottom;
    let t = top * inverse;
    let t_lo = fma(-t, bottom_lo, fma(-t, bottom, top) + top_lo) * inverse;
    let z = t * t;
    // (atan t - t) / t³, to 2^-54.
    let p = poly(
        z,
        [
            -0.3333333333333021,
            0.19999999999103213,
            -0.14285714196399138,
            0.1111110669809715,
            -0.09090783397234195,
            0.07690081456341379,
            -0.06641229434139165,
            0.05693075465205292,
            -0.043605640704385176,
            0.02127690856226491,
        ],
    );
    (base, t, fma(t * z, p, fma(-z, t_lo, t_lo)))
}

/// Inverse tangent.
pub(crate) struct Atan;

impl Kernel1<f64> for Atan {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        // Beyond 2^54 the result is π/2, and infinity would make NaN.
        let a = if x.abs() > 1e18 { 1e18 } else { x.abs() };
        let ((base, base_lo), t, rest) = atan_quotient(a, 1.0);
        let (hi, lo) = fast_two_sum(base, t);
        (hi + ((lo + base_lo) + rest)).copysign(x)
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_atan(x)
    }
}

/// The angle of `(d, n)` for `n >= 0` and `|d|` given, where `left` says that `d` is negative.
///
/// The quotient is at most 1, and its angle is added to or taken from 0, `π/2` or `π`.
#[inline(always)]
fn atan_quotient_f32(n: f32, d: f32, left: bool) -> f32 {
    let swap = n > d;
    let (top, bottom) = if swap { (d, n) } else { (n, d) };
    let t = top / bottom;
    let z = t * t;
    // (atan t - t) / t³ on 0 to 1, to 2^-28.
    let p = poly(
        z,
        [
            -0.333_333,
            0.199_986_38,
            -0.142_652_45,
            0.109_575_77,
            -0.084_194_615,
            0.058_234_584,
            -0.031_455_725,
            0.011_064_45,
            -0.001_827_214_5,
        ],
    );
    let axis = if left { PI_F32 } else { (0.0, 0.0) };
    let (base, base_lo) = if swap { PIO2_F32 } else { axis };
    let sign = if swap != left { -1.0 } else { 1.0 };
    let (hi, lo) = fast_two_sum(base, sign * t);
    hi + fma(sign * t * z, p, lo + base_lo)
}

impl Kernel1<f32> for Atan {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        atan_quotient_f32(x.abs(), 1.0, false).copysign(x)
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_atanf(x)
    }
}

/// The angle of a point; the first operand is `y`.
pub(crate) struct Atan2;

impl Kernel2<f64> for Atan2 {
    #[inline(always)]
    fn fast(y: f64, x: f64) -> f64 {
        let ((base, base_lo), t, rest) = atan_quotient(y.abs(), x.abs());
        // On the left half plane, π minus the angle. Doubling and halving π/4 is exact, so these are the same parts.
        let left = x.is_sign_negative();
        let sign = if left { -1.0 } else { 1.0 };
        let (offset, offset_lo) = if left { PI } else { (0.0, 0.0) };
        let base = fma(sign, base, offset);
        let (hi, lo) = fast_two_sum(base, sign * t);
        (hi + ((lo + fma(sign, base_lo, offset_lo)) + sign * rest)).copysign(y)
    }
    #[inline(always)]
    fn rare(y: f64, x: f64) -> bool {
        // Quotients or products of these stay normal, and sums finite. The origin has no quotient.
        const RANGE: std::ops::Range<f64> = 1e-120..1e120;
        let regular = |v: f64| (v == 0.0) | RANGE.contains(&v.abs());
        !(regular(x) & regular(y)) | ((x == 0.0) & (y == 0.0))
    }
    #[inline(always)]
    fn slow(y: f64, x: f64) -> f64 {
        pxfm::f_atan2(y, x)
    }
}

impl Kernel2<f32> for Atan2 {
    #[inline(always)]
    fn fast(y: f32, x: f32) -> f32 {
        atan_quotient_f32(y.abs(), x.abs(), x.is_sign_negative()).copysign(y)
    }
    #[inline(always)]
    fn rare(y: f32, x: f32) -> bool {
        const RANGE: std::ops::Range<f32> = 1e-18..1e18;
        let regular = |v: f32| (v == 0.0) | RANGE.contains(&v.abs());
        !(regular(x) & regular(y)) | ((x == 0.0) & (y == 0.0))
    }
    #[inline(always)]
    fn slow(y: f32, x: f32) -> f32 {
        pxfm::f_atan2f(y, x)
    }
}
