//! Black-Scholes with polynomials in place of a math library, in plain Rust that the compiler vectorizes for AVX2.
//!
//! The peer of frit's vector math: no tables, no branches, no special cases (operands are prices and times of ordinary
//! size). The functions err by a few units in the last place.

/// Coefficients from the highest power down, by Horner's rule.
#[inline(always)]
fn polynomial<const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut p = coefficients[0];
    for c in &coefficients[1..] {
        p = p.mul_add(x, *c);
    }
    p
}

/// e^x for -700 < x < 700: `2^k e^r`, and the polynomial of degree 11 with the least error on `|r| <= ln(2) / 2`.
#[inline(always)]
fn exp(x: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 3 * 2^51: what is added lands in the low bits, rounded.
    const LN2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    let k = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let n = k - ROUND;
    let r = n.mul_add(-LN2[1], n.mul_add(-LN2[0], x));
    let p = polynomial(
        r,
        [
            2.511_003_760_596_377_8e-8,
            2.763_263_963_904_103e-7,
            2.755_724_091_857_897e-6,
            2.480_148_548_232_849e-5,
            1.984_126_988_967_005e-4,
            1.388_888_895_231_477_5e-3,
            8.333_333_333_319_6e-3,
            4.166_666_666_648_81e-2,
            1.666_666_666_666_668e-1,
            5.000_000_000_000_018e-1,
            1.0,
            1.0,
        ],
    );
    f64::from_bits(p.to_bits().wrapping_add(k.to_bits() << 52))
}

/// ln(x) for normal x > 0: `k ln(2) + ln(m)`, `m` about 1, with the series of FDLIBM's `e_log.c` in `((m-1)/(m+1))^2`.
#[inline(always)]
fn ln(x: f64) -> f64 {
    const HALF_ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
    const TWO_52: u64 = 0x4330_0000_0000_0000;
    let shifted = x.to_bits().wrapping_sub(HALF_ROOT);
    let k =
        f64::from_bits((shifted.wrapping_add(1075 << 52) >> 52) | TWO_52) - f64::from_bits(TWO_52) - 1075.0;
    let m = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff) + HALF_ROOT);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let p = polynomial(
        z,
        [
            1.479_819_860_511_658_6e-1,
            1.531_383_769_920_937_3e-1,
            1.818_357_216_161_805e-1,
            2.222_219_843_214_978_4e-1,
            2.857_142_874_366_239e-1,
            3.999_999_999_940_942e-1,
            6.666_666_666_666_735e-1,
        ],
    );
    let half = 0.5 * f * f;
    k * std::f64::consts::LN_2 + (f - (half - s * (half + z * p)))
}

/// The normal distribution function: `erfc(y) (1 + 2 y) e^(y^2)` is smooth in `(y - 4) / (y + 4)`, `y >= 0` (after
/// Shepherd and Laframboise 1981; the coefficients are a fit with error below 1e-15).
#[inline(always)]
fn normal(x: f64) -> f64 {
    let y = x.abs() * std::f64::consts::FRAC_1_SQRT_2;
    let (a, b) = (y + 4.0, 2.0f64.mul_add(y, 1.0));
    let inverse = 1.0 / (a * b);
    let q = (y - 4.0) * (inverse * b);
    let p = polynomial(
        q,
        [
            1.327_628_614_326_586_9e-8,
            9.316_548_050_970_7e-8,
            -3.738_734_101_709_37e-9,
            -8.355_775_491_121_274e-7,
            3.825_703_065_587_926e-7,
            5.743_365_153_290_514e-6,
            -1.127_835_005_565_530_5e-5,
            -2.442_800_976_658_544_4e-5,
            1.506_433_192_821_721_6e-4,
            -1.992_438_880_426_225_2e-4,
            -7.577_784_393_805_473e-4,
            5.031_966_695_616_297e-3,
            -1.619_773_330_878_53e-2,
            3.716_751_602_153_341e-2,
            -6.633_036_587_556_021e-2,
            9.373_283_496_006_554e-2,
            -1.010_390_660_335_048_2e-1,
            6.809_705_425_606_16e-2,
            1.537_965_210_256_914_6e-2,
            -1.396_211_168_405_768_3e-1,
            1.232_995_118_625_552_7,
        ],
    );
    let upper = 0.5 * p * (inverse * a) * exp(-y * y);
    if x < 0.0 { upper } else { 1.0 - upper }
}

/// Calls for prices `s`, strikes `k` and times `t`; `None` if the machine has no AVX2.
pub(crate) fn black_scholes(s: &[f64], k: &[f64], t: &[f64], out: &mut [f64]) -> Option<()> {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn wide(s: &[f64], k: &[f64], t: &[f64], out: &mut [f64]) {
            let (r, v) = (0.02f64, 0.3f64);
            for (((o, s), k), t) in out.iter_mut().zip(s).zip(k).zip(t) {
                let root = v * t.sqrt();
                let d1 = (r + v * v / 2.0).mul_add(*t, ln(s / k)) / root;
                *o = s * normal(d1) - k * exp(-r * t) * normal(d1 - root);
            }
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the machine has these instructions.
            unsafe { wide(s, k, t, out) };
            return Some(());
        }
    }
    let _ = (s, k, t, out);
    None
}
