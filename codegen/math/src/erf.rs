//! The error function and its complement.
//!
//! Below 0.85, `erf x = x + x Q(x²)`. From there to 6, `erf x = 1 - e^P(x)` with a polynomial `P` for `log erfc x`: its error counts
//! only in proportion to `erfc x`, which falls fast. (The idea of an exponential of a polynomial is SLEEF's.) Both
//! polynomials are own Remez fits.

use crate::dispatch::Kernel1;
use crate::exp::{LN2_HI_F32, LN2_LO_F32, exp_reduced, exp_tail, exp_tail_f32, reduce_ln2};
use crate::num::{
    div_pairs, fast_two_sum, fma, poly, round_product, round_product_f32, scale, scale_f32, two_prod, two_sum,
};

/// From here on `erf x` rounds to 1.
const ONE: f64 = 6.0;
/// `log erfc 1`, up to the error of the fit.
const LOG_ERFC_1: (f64, f64) = (-1.8496055099332482, -3.569800207775466e-18);
/// Where the second polynomial takes over.
const SPLIT: f64 = 0.85;
const ONE_F32: f32 = 4.0;

/// The error function.
pub(crate) struct Erf;

impl Kernel1<f64> for Erf {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let a = if x.abs() > ONE { ONE } else { x.abs() };
        // erf(a) / a - 1, to 2^-56.
        let small = poly(
            a * a,
            [
                0.12837916709551256,
                -0.37612638903183315,
                0.11283791670931305,
                -0.0268661706400297,
                0.005223977569256387,
                -0.0008548323403481036,
                0.00012055187113523534,
                -1.4921859280036341e-05,
                1.6398393401429403e-06,
                -1.5692384402834302e-07,
                1.0662652817477363e-08,
            ],
        );
        // (log(erfc a) - log(erfc 1)) / (a - 1); the error, times a - 1 and erfc a, is 2^-57. The difference is exact.
        // Expanding at 1 makes the rounding errors small there, where erfc a is largest.
        let t = a - 1.0;
        let slope = poly(
            t,
            [
                -2.638967514234792,
                -0.8431072563584913,
                -0.04156109804633316,
                0.01003382543439559,
                -0.0019779030326933017,
                0.00023732474880715305,
                2.627049406651086e-05,
                -2.7142394381617447e-05,
                9.581782940258652e-06,
                -2.0276724515249637e-06,
                1.1485363828669606e-07,
                1.1563811646072507e-07,
                -6.06294441627362e-08,
                1.786722993287281e-08,
                -3.5789444623166484e-09,
                4.832819876974062e-10,
                -3.98505255219965e-11,
                1.5157757083626895e-12,
            ],
        );
        let log = fma(t, slope, LOG_ERFC_1.0);
        let log_lo = fma(t, slope, LOG_ERFC_1.0 - log) + LOG_ERFC_1.1;
        let (_, k, (r, r_lo)) = reduce_ln2(log);
        let large = 1.0 - scale(1.0 + (r + fma(r * r, exp_tail(r), r_lo + log_lo)), k);
        // (NaN takes the polynomial: the exponent surgery might turn it into a number.)
        (if a >= SPLIT { large } else { fma(a, small, a) }).copysign(x)
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_erf(x)
    }
}

impl Kernel1<f32> for Erf {
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let a = if x.abs() > ONE_F32 { ONE_F32 } else { x.abs() };
        let small = poly(
            a * a,
            [0.128_379_12, -0.376_123_25, 0.112_801_8, -0.026_711_31, 0.004_917_551_3, -0.000_563_142_24],
        );
        let log = poly(
            a,
            [
                -0.000_353_719_25,
                -1.127_04,
                -0.638_225_7,
                -0.103_037_37,
                0.021_805_318,
                -0.002_939_607_5,
                0.000_185_574_03,
            ],
        );
        let (k, bits) = round_product_f32(log, std::f32::consts::LOG2_E);
        let r = fma(-k, LN2_LO_F32, fma(-k, LN2_HI_F32, log));
        let large = 1.0 - scale_f32(1.0 + fma(r * r, exp_tail_f32(r), r), bits);
        (if a >= 1.0 { large } else { fma(a, small, a) }).copysign(x)
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_erff(x)
    }
}

/// The complementary error function.
///
/// With `a = |x|`, `erfc a = e^(-a²) g(t) / (1 + 2a)`, where `t = (a - c) / (a + 4)` maps the half line to an interval on which
/// `g` is nearly constant (after Shepherd and Laframboise 1981). All three factors are pairs. Below 1/2 the result is
/// `1 - erf x`.
pub(crate) struct Erfc;

/// Beyond this `erfc x` is zero, and `e^(-a²)` far from the limits of its reduction.
const ERFC_ZERO: f64 = 28.0;
/// `g` at 5/4 and at 8, up to the error of the fits.
const G_NEAR: (f64, f64) = (1.2873802075832639, -5.480048880545438e-17);
const G_FAR: (f64, f64) = (1.1897478254149758, -4.374137713215116e-17);

impl Kernel1<f64> for Erfc {
    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let a = if x.abs() > ERFC_ZERO { ERFC_ZERO } else { x.abs() };
        // One division serves both quotients; the error of the second is corrected below.
        let (m, m_lo) = two_sum(1.0, a + a);
        let d = a + 4.0;
        let inverse = 1.0 / (m * d);
        let far = a > 3.0;
        let center = if far { 8.0 } else { 1.25 };
        let t = (a - center) * (m * inverse);
        // (g(t) - g(0)) / t on 1/2 <= a <= 3 and on 3 <= a <= 28, to 2^-58 of g. With one center for both, the terms of the
        // polynomial would be large against their sum.
        let near_slope = poly(
            t,
            [
                0.025038651900085647,
                -1.1838319728365179,
                3.0810089356808223,
                -4.954766698846993,
                5.740444449670904,
                -4.921203818818703,
                3.0120548624691814,
                -1.125426926504229,
                0.055385487521331885,
                0.18958907954144028,
                -0.07546492474509585,
                -0.01982498703099409,
                0.020425441092976823,
                0.0015847473521724094,
                -0.004589352222126494,
            ],
        );
        let far_slope = poly(
            t,
            [
                -0.07812361898807478,
                0.01831862123529999,
                0.000371641168461815,
                -0.0037165564822670178,
                0.0027872006894706165,
                -0.001450267903048706,
                0.0006053611615735073,
                -0.00020862786914170223,
                5.84196358952629e-05,
                -1.2374420939197855e-05,
                1.5041511153779668e-06,
                1.3197825956334195e-07,
                -1.1636476231458088e-07,
                2.4061704487307616e-08,
                1.285878582545011e-09,
                -1.7184739326170562e-09,
            ],
        );
        let (g, g_lo) = if far { G_FAR } else { G_NEAR };
        let (g, rounding) = fast_two_sum(g, t * if far { far_slope } else { near_slope });
        let g_lo = g_lo + rounding;
        let (square, square_lo) = two_prod(a, a);
        let (k, bits, (r, r_lo)) = reduce_ln2(-square);
        let (r, r_lo) = fast_two_sum(r, r_lo - square_lo);
        let (e, e_lo) = exp_reduced(r, fma(r, r_lo, r_lo));
        let (e, e_lo) = fast_two_sum(e, e_lo);
        let (product, product_lo) = two_prod(e, g);
        let product_lo = fma(e, g_lo, fma(e_lo, g, product_lo));
        let quotient = div_pairs((product, product_lo), (m, m_lo), d * inverse);
        // In two steps, because the result may be subnormal.
        let (_, half) = round_product(k, 0.5);
        let tail = quotient * scale(1.0, half) * scale(1.0, bits.wrapping_sub(half));
        let large = if x < 0.0 { 2.0 - tail } else { tail };
        // erf(a) / a - 1, to 2^-57 on 0 to 1/2.
        let small = poly(
            a * a,
            [
                0.12837916709551256,
                -0.37612638903183465,
                0.11283791670924816,
                -0.026866170632716322,
                0.005223977370332408,
                -0.0008548297524748163,
                0.00012053324323886661,
                -1.4845583855143466e-05,
                1.4723215353508247e-06,
            ],
        );
        let (hi, lo) = fast_two_sum(1.0, -x);
        if a < 0.5 { hi + fma(-x, small, lo) } else { large }
    }
    #[inline(always)]
    fn slow(x: f64) -> f64 {
        pxfm::f_erfc(x)
    }
}

impl Kernel1<f32> for Erfc {
    /// In `f64`, without pairs.
    #[inline(always)]
    fn fast(x: f32) -> f32 {
        let a = if x.abs() > 11.0 { 11.0 } else { x.abs() as f64 };
        let m = fma(2.0, a, 1.0);
        let d = a + 4.0;
        let inverse = 1.0 / (m * d);
        // g(t) on 0 <= a <= 11, to 2^-30.
        let g = poly(
            (a - 4.0) * (m * inverse),
            [
                1.2329951191843755,
                -0.13962113371468657,
                0.015379559983398027,
                0.06809789501320464,
                -0.10103610689066875,
                0.09372258016182464,
                -0.06636726079330273,
                0.03719944740918404,
                -0.016007056543179975,
                0.005117673327042624,
                -0.0010698628975430089,
                -0.000622069265238353,
            ],
        );
        let (_, k, (r, _)) = reduce_ln2(-a * a);
        let e = scale(1.0 + fma(r * r, exp_tail(r), r), k);
        let tail = e * g * (d * inverse);
        let result = (if x < 0.0 { 2.0 - tail } else { tail }) as f32;
        if x.is_nan() { x } else { result }
    }
    #[inline(always)]
    fn slow(x: f32) -> f32 {
        pxfm::f_erfcf(x)
    }
}
