//! Sine, cosine and tangent.
//!
//! `x = k π/2 + r` with integer `k` and `|r| <= π/4`: Cody and Waite's reduction with `π/2` in three parts of 53 bits,
//! and `r` a pair, so that arguments next to a multiple of `π/2` keep their full accuracy. The sine and cosine of `r` are
//! minimax polynomials (own Remez fits); the low bits of `k` choose between them and give the sign. Arguments too
//! large for the three parts take the scalar library's Payne and Hanek reduction.

use crate::dispatch::Kernel1;
use crate::num::{
    div_pairs, fast_two_sum, flip, flip_f32, fma, poly, round_product, round_product_f32, two_prod, two_sum,
};

const PIO2: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33];
const PIO2_F32: [f32; 3] = [std::f32::consts::FRAC_PI_2, -4.371_139e-8, -1.715_124_5e-15];

/// The largest argument of the fast path. `k` stays below 2^32: far from where rounding `x · 2/π` could matter.
const LIMIT: f64 = 4294967296.0;
/// Likewise; `k` is below 2^16, so `x · 2/π` picks a `k` with `|r| < 0.8`.
const LIMIT_F32: f32 = 1e5;

/// `x = k π/2 + r`: the low bits of `k`, and `r` as a pair.
#[inline(always)]
fn reduce(x: f64) -> (u64, (f64, f64)) {
    let (k, quadrant) = round_product(x, std::f64::consts::FRAC_2_PI);
    // Exact: a multiple of 2^-53 below 1.
    let exact = fma(-k, PIO2[0], x);
    let (second, second_lo) = two_prod(k, PIO2[1]);
    let (hi, lo) = two_sum(exact, -second);
    let lo = fma(-k, PIO2[2], lo - second_lo);
    (quadrant, fast_two_sum(hi, lo))
}

/// `sin(r + r_lo) - r` for a reduced argument.
#[inline(always)]
fn sin_tail(r: f64, r_lo: f64) -> f64 {
    let z = r * r;
    let p = poly(
        z,
        [
            -0.16666666666666632,
            0.008333333333322413,
            -0.00019841269829807808,
            2.7557313691917525e-06,
            -2.5050758115133667e-08,
            1.589679564338955e-10,
        ],
    );
    fma(r * z, p, fma(-0.5 * z, r_lo, r_lo))
}

/// `cos(r + r_lo)` for a reduced argument, as a pair.
#[inline(always)]
fn cos_pair(r: f64, r_lo: f64) -> (f64, f64) {
    let z = r * r;
    let p = poly(
        z,
        [
            0.0416666666666666,
            -0.0013888888888874125,
            2.4801587289482174e-05,
            -2.755731435232904e-07,
            2.0875723272652936e-09,
            -1.1359647771193117e-11,
        ],
    );
    // 1 - r²/2 and its error.
    let half = 0.5 * r;
    let hi = fma(-half, r, 1.0);
    let lo = fma(-half, r, 1.0 - hi);
    (hi, lo + fma(z * z, p, -(r * r_lo)))
}

/// The sine or cosine, by the bits of `quadrant`: bit 0 picks the cosine, bit 1 the sign.
#[inline(always)]
fn sin_or_cos(quadrant: u64, r: f64, r_lo: f64) -> f64 {
    let (cos_hi, cos_lo) = cos_pair(r, r_lo);
    let odd = quadrant & 1 != 0;
    let hi = if odd { cos_hi } else { r };
    let lo = if odd { cos_lo } else { sin_tail(r, r_lo) };
    flip(hi + lo, quadrant)
}

/// As [`reduce`].
#[inline(always)]
fn reduce_f32(x: f32) -> (u32, (f32, f32)) {
    let (k, quadrant) = round_product_f32(x, std::f32::consts::FRAC_2_PI);
    let exact = fma(-k, PIO2_F32[0], x);
    let (second, second_lo) = two_prod(k, PIO2_F32[1]);
    let (hi, lo) = two_sum(exact, -second);
    (quadrant, (hi, fma(-k, PIO2_F32[2], lo - second_lo)))
}

/// As [`sin_tail`].
#[inline(always)]
fn sin_tail_f32(r: f32, r_lo: f32) -> f32 {
    let z = r * r;
    fma(r * z, poly(z, [-0.166_666_54, 0.008_332_09, -0.000_195_052_4]), r_lo)
}

/// As [`cos_pair`].
#[inline(always)]
fn cos_pair_f32(r: f32, r_lo: f32) -> (f32, f32) {
    let z = r * r;
    let p = poly(z, [0.041_666_646, -0.001_388_725_1, 2.442_492_5e-5]);
    let half = 0.5 * r;
    let hi = fma(-half, r, 1.0);
    let lo = fma(-half, r, 1.0 - hi);
    (hi, lo + fma(z * z, p, -(r * r_lo)))
}

/// As [`sin_or_cos`].
#[inline(always)]
fn sin_or_cos_f32(quadrant: u32, r: f32, r_lo: f32) -> f32 {
    let sin = r + sin_tail_f32(r, r_lo);
    let (cos_hi, cos_lo) = cos_pair_f32(r, r_lo);
    flip_f32(if quadrant & 1 != 0 { cos_hi + cos_lo } else { sin }, quadrant)
}

/// Sine.
pub(crate) struct Sin;

impl Kernel1<f64> for Sin {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (quadrant, (r, r_lo)) = reduce(x);
        let y = sin_or_cos(quadrant, r, r_lo);
        // Adding the zero tail would lose the sign of zero.
        if x == 0.0 { x } else { y }
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x.abs() > LIMIT || x.is_nan()
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_sin(x)
    }
}

impl Kernel1<f32> for Sin {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let (quadrant, (r, r_lo)) = reduce_f32(x);
        let y = sin_or_cos_f32(quadrant, r, r_lo);
        if x == 0.0 { x } else { y }
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        x.abs() > LIMIT_F32 || x.is_nan()
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_sinf(x)
    }
}

/// Cosine.
pub(crate) struct Cos;

impl Kernel1<f64> for Cos {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (quadrant, (r, r_lo)) = reduce(x);
        sin_or_cos(quadrant.wrapping_add(1), r, r_lo)
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x.abs() > LIMIT || x.is_nan()
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_cos(x)
    }
}

impl Kernel1<f32> for Cos {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let (quadrant, (r, r_lo)) = reduce_f32(x);
        sin_or_cos_f32(quadrant.wrapping_add(1), r, r_lo)
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        x.abs() > LIMIT_F32 || x.is_nan()
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_cosf(x)
    }
}

/// Tangent.
pub(crate) struct Tan;

impl Kernel1<f64> for Tan {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (quadrant, (r, r_lo)) = reduce(x);
        let (cos, cos_lo) = cos_pair(r, r_lo);
        let (cos, cos_lo) = fast_two_sum(cos, cos_lo);
        let (sin, sin_lo) = fast_two_sum(r, sin_tail(r, r_lo));
        // The tangent, or minus the cotangent in odd quadrants: one division of pairs serves both.
        let odd = quadrant & 1 != 0;
        let (n, n_lo) = if odd { (-cos, -cos_lo) } else { (sin, sin_lo) };
        let (d, d_lo) = if odd { (sin, sin_lo) } else { (cos, cos_lo) };
        let y = div_pairs((n, n_lo), (d, d_lo), 1.0 / d);
        if x == 0.0 { x } else { y }
    }
    #[inline(always)]
    fn rare(x: f64) -> bool {
        x.abs() > LIMIT || x.is_nan()
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_tan(x)
    }
}

impl Kernel1<f32> for Tan {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let (quadrant, (r, r_lo)) = reduce_f32(x);
        let (cos, cos_lo) = cos_pair_f32(r, r_lo);
        let (cos, cos_lo) = fast_two_sum(cos, cos_lo);
        let (sin, sin_lo) = fast_two_sum(r, sin_tail_f32(r, r_lo));
        let odd = quadrant & 1 != 0;
        let (n, n_lo) = if odd { (-cos, -cos_lo) } else { (sin, sin_lo) };
        let (d, d_lo) = if odd { (sin, sin_lo) } else { (cos, cos_lo) };
        let y = div_pairs((n, n_lo), (d, d_lo), 1.0 / d);
        if x == 0.0 { x } else { y }
    }
    #[inline(always)]
    fn rare(x: f32) -> bool {
        x.abs() > LIMIT_F32 || x.is_nan()
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_tanf(x)
    }
}
