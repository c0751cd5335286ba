//! Hyperbolic functions and their inverses.
//!
//! With `|x| = k ln 2 + r`, `sinh x` and `cosh x` are `(P ∓ Q) cosh r + (P ± Q) sinh r`, where `P = 2^(k-1)` and
//! `Q = 2^(-k-1)`: no division, and no cancellation that pairs do not absorb. `tanh x` is `m / (m + 2)` with
//! `m = e^(2x) - 1` as a pair.

use crate::dispatch::Kernel1;
use crate::exp::{LN2_HI_F32, LN2_LO_F32, exp_tail_f32, expm1_pair, reduce_ln2};
use crate::num::{
    div_pairs, fast_two_sum, fma, poly, round_product_f32, scale, scale_f32, two_prod, two_sum,
};

/// Above this `sinh` and `cosh` overflow.
const MAX: f64 = 710.4758600739439;
/// Above this the power of two of the fast path would.
const FAST_MAX: f64 = 709.0;
const MAX_F32: f32 = 89.415985;
const FAST_MAX_F32: f32 = 88.0;

/// `P + Q`, `P - Q`, `r`, `r_lo`, `sinh r - r` and `cosh r - 1`, the last two with the effect of `r_lo`.
#[inline(always)]
fn parts(a: f64) -> (f64, f64, f64, f64, f64) {
    let (k, bits, (r, r_lo)) = reduce_ln2(a);
    let p = scale(0.5, bits);
    // Beyond k = 64, Q is nothing next to P.
    let q = if k < 64.0 { scale(0.5, bits.wrapping_neg()) } else { 0.0 };
    let z = r * r;
    let sinh = poly(
        z,
        [
            0.16666666666666677,
            0.008333333333321615,
            0.0001984126988616034,
            2.755724418011191e-06,
            2.510904551400382e-08,
        ],
    );
    let cosh = poly(
        z,
        [
            0.041666666666666685,
            0.0013888888888873461,
            2.4801587348795927e-05,
            2.7557252203867125e-07,
            2.0921641340773436e-09,
        ],
    );
    let sinh = fma(r * z, sinh, r_lo);
    let cosh = fma(z * z, cosh, fma(0.5, z, r * r_lo));
    (p, q, r, sinh, cosh)
}

/// `even (1 + cosh) + odd (r + sinh)`, for `|even| >= |odd r|` or `even = 0`.
#[inline(always)]
fn combine(even: f64, even_lo: f64, odd: f64, r: f64, sinh: f64, cosh: f64) -> f64 {
    let (product, product_lo) = two_prod(odd, r);
    let (hi, lo) = fast_two_sum(even, product);
    hi + fma(even, cosh, fma(odd, sinh, (lo + product_lo) + even_lo))
}

/// As [`parts`].
#[inline(always)]
fn parts_f32(a: f32) -> (f32, f32, f32, f32, f32) {
    let (k, bits) = round_product_f32(a, std::f32::consts::LOG2_E);
    let r = fma(-k, LN2_LO_F32, fma(-k, LN2_HI_F32, a));
    let p = scale_f32(0.5, bits);
    let q = if k < 30.0 { scale_f32(0.5, bits.wrapping_neg()) } else { 0.0 };
    let z = r * r;
    let sinh = r * z * poly(z, [0.166_665_43, 0.008_366_586]);
    let cosh = fma(z * z, poly(z, [0.041_666_46, 0.001_393_540_5]), 0.5 * z);
    (p, q, r, sinh, cosh)
}

/// Hyperbolic sine.
pub(crate) struct Sinh;

impl Kernel1<f64> for Sinh {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let a = x.abs();
        let (p, q, r, sinh, cosh) = parts(a);
        let (even, even_lo) = fast_two_sum(p, -q);
        let y = combine(even, even_lo, p + q, r, sinh, cosh);
        (if a > MAX { f64::INFINITY } else { y }).copysign(x)
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x.abs() > FAST_MAX && x.abs() <= MAX
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_sinh(x).copysign(x) // the library loses the sign of zero
    }
}

impl Kernel1<f32> for Sinh {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let a = x.abs();
        let (p, q, r, sinh, cosh) = parts_f32(a);
        let (even, odd) = (p - q, p + q);
        let (hi, lo) = fast_two_sum(even, odd * r);
        let y = hi + fma(even, cosh, fma(odd, sinh, lo));
        (if a > MAX_F32 { f32::INFINITY } else { y }).copysign(x)
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        x.abs() > FAST_MAX_F32 && x.abs() <= MAX_F32
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_sinhf(x).copysign(x)
    }
}

/// Hyperbolic cosine.
pub(crate) struct Cosh;

impl Kernel1<f64> for Cosh {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let a = x.abs();
        let (p, q, r, sinh, cosh) = parts(a);
        let (even, even_lo) = fast_two_sum(p, q);
        let y = combine(even, even_lo, p - q, r, sinh, cosh);
        if a > MAX { f64::INFINITY } else { y }
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x.abs() > FAST_MAX && x.abs() <= MAX
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_cosh(x)
    }
}

impl Kernel1<f32> for Cosh {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let a = x.abs();
        let (p, q, r, sinh, cosh) = parts_f32(a);
        let (even, odd) = (p + q, p - q);
        let y = even + fma(odd, r, fma(even, cosh, odd * sinh));
        if a > MAX_F32 { f32::INFINITY } else { y }
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        x.abs() > FAST_MAX_F32 && x.abs() <= MAX_F32
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_coshf(x)
    }
}

/// Hyperbolic tangent.
pub(crate) struct Tanh;

impl Kernel1<f64> for Tanh {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        // From 19.1 on the result rounds to 1.
        let a = if x.abs() > 22.0 { 22.0 } else { x.abs() };
        let (m, m_lo) = expm1_pair(2.0 * a);
        let (d, d_lo) = two_sum(m, 2.0);
        div_pairs((m, m_lo), (d, d_lo + m_lo), 1.0 / d).copysign(x)
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_tanh(x)
    }
}

impl Kernel1<f32> for Tanh {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let a = if x.abs() > 10.0 { 20.0 } else { 2.0 * x.abs() };
        let (k, bits) = round_product_f32(a, std::f32::consts::LOG2_E);
        let r = fma(-k, LN2_LO_F32, fma(-k, LN2_HI_F32, a));
        let power = scale_f32(1.0, bits);
        let (m, m_lo) = fast_two_sum(power - 1.0, power * r);
        let (m, m_lo) = fast_two_sum(m, fma(power, r * r * exp_tail_f32(r), m_lo));
        let (d, d_lo) = two_sum(m, 2.0);
        div_pairs((m, m_lo), (d, d_lo + m_lo), 1.0 / d).copysign(x)
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_tanhf(x)
    }
}
