//! The error function.
//!
//! Below 0.85, `erf x = x + x Q(x²)`. From there to 6, `erf x = 1 - e^P(x)` with a polynomial `P` for `log erfc x`: its error counts
//! only in proportion to `erfc x`, which falls fast. (The idea of an exponential of a polynomial is SLEEF's.) Both
//! polynomials are own Remez fits.

use crate::dispatch::Kernel1;
use crate::exp::{LN2_HI_F32, LN2_LO_F32, exp_tail, exp_tail_f32, reduce_ln2};
use crate::num::{fma, poly, round_product_f32, scale, scale_f32};

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
