//! Exponentials: `exp`, `exp2`, `expm1`.
//!
//! The classical scheme: `x = k ln 2 + r` with integer `k` and `|r| <= ln 2 / 2`, so `e^x = 2^k e^r`, and `e^r` is a
//! minimax polynomial (own Remez fit, 240-bit arithmetic). What brings the error from 1 ulp down to nearly one half
//! is that `r` carries a correction and that `1 + r` is added exactly.

use crate::dispatch::Kernel1;
use crate::num::{
    fast_two_sum, fma, poly, round_product, round_product_f32, scale, scale_f32, two_prod, two_sum,
};

pub(crate) const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// `ln 2 = LN2_HI + LN2_LO` to 106 bits.
pub(crate) const LN2_HI: f64 = std::f64::consts::LN_2;
pub(crate) const LN2_LO: f64 = 2.3190468138462996e-17;
pub(crate) const LN2_HI_F32: f32 = std::f32::consts::LN_2;
pub(crate) const LN2_LO_F32: f32 = -1.9046542e-9;

/// Above this `e^x` overflows.
const EXP_MAX: f64 = 709.782712893384;
/// Below this `e^x` is subnormal.
const EXP_NORMAL: f64 = -708.3964185322641;
/// Below this `e^x` rounds to zero.
const EXP_MIN: f64 = -745.1332191019412;
const EXP_MAX_F32: f32 = 88.72283;
const EXP_NORMAL_F32: f32 = -87.33654;
const EXP_MIN_F32: f32 = -103.97208;

/// `(e^r - 1 - r) / r²` on `|r| <= ln 2 / 2`; the error times `r²` is 2^-58.
#[inline(always)]
pub(crate) fn exp_tail(r: f64) -> f64 {
    poly(
        r,
        [
            0.5000000000000012,
            0.166666666666667,
            0.04166666666651542,
            0.008333333333307205,
            0.001388888894701661,
            0.0001984126991738357,
            2.480148994161488e-05,
            2.755721630124249e-06,
            2.763128051939465e-07,
            2.5117860853428058e-08,
        ],
    )
}

/// As [`exp_tail`]; the error times `r²` is 2^-28.
#[inline(always)]
pub(crate) fn exp_tail_f32(r: f32) -> f32 {
    poly(r, [0.5, 0.16666518, 0.041666206, 0.00836889, 0.0013950492])
}

/// `x = k ln 2 + r`: returns `k` as a float and as low integer bits, and `r` as a pair.
///
/// The first step is exact: the difference is a multiple of 2^-54 below one half.
#[inline(always)]
pub(crate) fn reduce_ln2(x: f64) -> (f64, u64, (f64, f64)) {
    let (k, bits) = round_product(x, LOG2_E);
    let exact = fma(-k, LN2_HI, x);
    let r = fma(-k, LN2_LO, exact);
    (k, bits, (r, fma(-k, LN2_LO, exact - r)))
}

/// `e^(r + r_lo)` as a pair, for a reduced argument.
#[inline(always)]
pub(crate) fn exp_reduced(r: f64, r_lo: f64) -> (f64, f64) {
    let (sum, error) = fast_two_sum(1.0, r);
    (sum, error + fma(r * r, exp_tail(r), r_lo))
}

/// `e^x`.
pub(crate) struct Exp;

impl Kernel1<f64> for Exp {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (_, k, (r, r_lo)) = reduce_ln2(x);
        let (hi, lo) = exp_reduced(r, r_lo);
        limit(x, scale(hi + lo, k), EXP_MIN, EXP_MAX)
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x < EXP_NORMAL && x > EXP_MIN
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_exp(x)
    }
}

/// Replaces the result beyond the range: 0 below `min`, infinity above `max`, NaN for NaN.
#[inline(always)]
fn limit(x: f64, result: f64, min: f64, max: f64) -> f64 {
    let low = if x < min { 0.0 } else { result };
    if x <= max { low } else { x * f64::INFINITY }
}

/// As [`limit`].
#[inline(always)]
fn limit_f32(x: f32, result: f32, min: f32, max: f32) -> f32 {
    let low = if x < min { 0.0 } else { result };
    if x <= max { low } else { x * f32::INFINITY }
}

impl Kernel1<f32> for Exp {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let (k, bits) = round_product_f32(x, std::f32::consts::LOG2_E);
        let r = fma(-k, LN2_LO_F32, fma(-k, LN2_HI_F32, x));
        let y = 1.0 + fma(r * r, exp_tail_f32(r), r);
        limit_f32(x, scale_f32(y, bits), EXP_MIN_F32, EXP_MAX_F32)
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        x < EXP_NORMAL_F32 && x > EXP_MIN_F32
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_expf(x)
    }
}

/// `2^x`.
pub(crate) struct Exp2;

impl Kernel1<f64> for Exp2 {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (k, bits) = round_product(x, 1.0);
        let r = x - k; // exact
        let tail = poly(
            r,
            [
                0.24022650695910133,
                0.05550410866482169,
                0.009618129107593592,
                0.0013333558146386671,
                0.0001540353045780974,
                1.5252733862536234e-05,
                1.3215434932787895e-06,
                1.0178048010717416e-07,
                7.073842561598438e-09,
                4.457203821179543e-10,
            ],
        );
        // `r ln 2` as a pair, because it is as large as a third of the result.
        let (p, p_lo) = two_prod(r, LN2_HI);
        let (sum, error) = fast_two_sum(1.0, p);
        let y = sum + (error + fma(r * r, tail, p_lo));
        limit(x, scale(y, bits), -1075.0, MAX_BELOW_1024)
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x < -1022.0 && x > -1075.0 - 1e-12
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_exp2(x)
    }
}

/// The largest `f64` below 1024, beyond which `2^x` overflows.
const MAX_BELOW_1024: f64 = 1023.9999999999999;

impl Kernel1<f32> for Exp2 {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let (k, bits) = round_product_f32(x, 1.0);
        let r = x - k; // exact
        let tail = poly(r, [0.2402265, 0.05550362, 0.009618022, 0.0013390437, 0.00015471838]);
        let y = 1.0 + fma(r * r, tail, r * LN2_HI_F32);
        limit_f32(x, scale_f32(y, bits), -150.0, 127.99999)
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        x < -126.0 && x > -150.001
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_exp2f(x)
    }
}

/// `e^x - 1`.
pub(crate) struct Expm1;

/// `e^x - 1` as a pair, for `-700 < x < 709`.
///
/// Here the polynomial's part is not small against the result, which for `x` near 0.4 is a difference. So the square
/// term too is added exactly, and the polynomial starts at the cube.
#[inline(always)]
pub(crate) fn expm1_pair(x: f64) -> (f64, f64) {
    let (_, k, (r, r_lo)) = reduce_ln2(x);
    let half = 0.5 * r;
    let head = fma(half, r, r);
    let head_lo = fma(half, r, r - head);
    // (e^r - 1 - r - r²/2) / r³, to 2^-64 when multiplied by r³.
    let cubic = poly(
        r,
        [
            0.16666666666666685,
            0.04166666666666673,
            0.008333333333316737,
            0.0013888888888858547,
            0.00019841269897060508,
            2.4801587373545424e-05,
            2.7557234235391895e-06,
            2.7557233518304506e-07,
            2.5112240284854398e-08,
            2.0926896446237636e-09,
        ],
    );
    let tail = fma(r * r, r * cubic, fma(r, r_lo, r_lo) + head_lo);
    let power = scale(1.0, k);
    // 2^k (1 + head + tail) - 1, with 2^k - 1 as a pair.
    let (whole, whole_lo) = two_sum(power, -1.0);
    let (hi, lo) = fast_two_sum(whole, power * head);
    fast_two_sum(hi, fma(power, tail, lo + whole_lo))
}

impl Kernel1<f64> for Expm1 {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (hi, lo) = expm1_pair(if x < -50.0 { -50.0 } else { x });
        // The sign of the result is that of x, also where x is -0.
        let y = (hi + lo).copysign(x);
        if x <= EXP_MAX { y } else { x * f64::INFINITY }
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x > 709.4 && x <= EXP_MAX // 2^k itself would overflow
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_expm1(x)
    }
}

impl Kernel1<f32> for Expm1 {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let clamped = if x < -30.0 { -30.0 } else { x };
        let (k, bits) = round_product_f32(clamped, std::f32::consts::LOG2_E);
        let r = fma(-k, LN2_LO_F32, fma(-k, LN2_HI_F32, clamped));
        let power = scale_f32(1.0, bits);
        // Where k = 0, this is the sum of r and a small term.
        let y = fma(power, fma(r * r, exp_tail_f32(r), r), power - 1.0).copysign(x);
        if x <= EXP_MAX_F32 { y } else { x * f32::INFINITY }
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        x > 88.3 && x <= EXP_MAX_F32
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_expm1f(x)
    }
}
