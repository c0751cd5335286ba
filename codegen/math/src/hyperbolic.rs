//! Hyperbolic functions and their inverses.
//!
//! With `|x| = k ln 2 + r`, `sinh x` and `cosh x` are `(P ∓ Q) cosh r + (P ± Q) sinh r`, where `P = 2^(k-1)` and
//! `Q = 2^(-k-1)`: no division, and no cancellation that pairs do not absorb. `tanh x` is `m / (m + 2)` with
//! `m = e^(2x) - 1` as a pair. The inverses are logarithms of pairs.

use crate::dispatch::Kernel1;
use crate::exp::{LN2_HI_F32, LN2_LO_F32, exp_tail_f32, expm1_pair, reduce_ln2};
use crate::log::log1p_pair;
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

/// Where squares still are finite.
const SQUARE_MAX: f64 = 1e150;

/// `√(w + w_lo)` as a pair.
#[inline(always)]
fn sqrt_pair(w: f64, w_lo: f64) -> (f64, f64) {
    let s = w.sqrt();
    // The smallest normal number keeps 0 / 0 away.
    (s, (fma(-s, s, w) + w_lo) / (s + s + f64::MIN_POSITIVE))
}

/// Inverse hyperbolic sine: `log(1 + y)` with `y = |x| + x² / (1 + √(1 + x²))`.
pub(crate) struct Asinh;

impl Kernel1<f64> for Asinh {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let a = x.abs();
        let (square, square_lo) = two_prod(a, a);
        let (w, w_lo) = two_sum(1.0, square);
        let (s, s_lo) = sqrt_pair(w, w_lo + square_lo);
        let (d, d_lo) = fast_two_sum(s, 1.0);
        let d_lo = d_lo + s_lo;
        let inverse = 1.0 / d;
        let e = square * inverse;
        let e_lo = (fma(-e, d_lo, fma(-e, d, square) + square_lo)) * inverse;
        let (y, y_lo) = fast_two_sum(a, e);
        log1p_pair(y, y_lo + e_lo).0.copysign(x)
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x.abs() > SQUARE_MAX
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_asinh(x)
    }
}

impl Kernel1<f32> for Asinh {
    /// In `f64`, without pairs.
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let a = x.abs() as f64;
        let square = a * a;
        let y = a + square / (1.0 + (1.0 + square).sqrt());
        let result = log1p_pair(y, 0.0).0 as f32;
        (if x.is_finite() { result } else { x.abs() }).copysign(x)
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_asinhf(x)
    }
}

/// Inverse hyperbolic cosine: `log(1 + y)` with `t = x - 1` and `y = t + √(t (t + 2))`.
pub(crate) struct Acosh;

impl Kernel1<f64> for Acosh {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (t, t_lo) = two_sum(x, -1.0);
        let (v, v_lo) = two_sum(x, 1.0);
        let (w, w_lo) = two_prod(t, v);
        let (s, s_lo) = sqrt_pair(w, fma(t, v_lo, fma(t_lo, v, w_lo)));
        let (y, y_lo) = two_sum(t, s);
        let result = log1p_pair(y, y_lo + (s_lo + t_lo)).0;
        if x >= 1.0 { result } else { f64::NAN }
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x > SQUARE_MAX
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_acosh(x)
    }
}

impl Kernel1<f32> for Acosh {
    /// In `f64`, without pairs.
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let t = x as f64 - 1.0;
        let result = log1p_pair(t + (t * (t + 2.0)).sqrt(), 0.0).0 as f32;
        let finite = if x < f32::INFINITY { result } else { x };
        if x >= 1.0 { finite } else { f32::NAN }
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_acoshf(x)
    }
}

/// Inverse hyperbolic tangent: `log(1 + y) / 2` with `y = 2|x| / (1 - |x|)`.
pub(crate) struct Atanh;

impl Kernel1<f64> for Atanh {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let a = x.abs();
        let n = a + a;
        let (d, d_lo) = fast_two_sum(1.0, -a);
        let inverse = 1.0 / d;
        let y = n * inverse;
        let y_lo = fma(-y, d_lo, fma(-y, d, n)) * inverse;
        let result = (0.5 * log1p_pair(y, y_lo).0).copysign(x);
        let edge = if a == 1.0 { f64::INFINITY.copysign(x) } else { f64::NAN };
        if a < 1.0 { result } else { edge }
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_atanh(x)
    }
}

impl Kernel1<f32> for Atanh {
    /// In `f64`, without pairs.
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let a = x.abs() as f64;
        let result = (0.5 * log1p_pair((a + a) / (1.0 - a), 0.0).0).copysign(x as f64) as f32;
        let edge = if a == 1.0 { f32::INFINITY.copysign(x) } else { f32::NAN };
        if a < 1.0 { result } else { edge }
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_atanhf(x)
    }
}
