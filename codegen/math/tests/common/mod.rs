//! What the tests share: calls of block routines, random points, and the oracles.
#![allow(dead_code, reason = "each test file uses a part")]

use astro_float_num::{BigFloat, Consts, RoundingMode, Sign};
use frit_math::{Binary, Func, Isa, Unary};

/// Runs a block routine out of place.
macro_rules! define_run {
    ($run:ident, $T:ty, $block:ident) => {
        pub(crate) fn $run(func: Func, isa: Isa, x: &[$T], y: &[$T]) -> Vec<$T> {
            assert!(Isa::available().any(|available| available == isa));
            assert_eq!(x.len(), y.len());
            let mut out = vec![0.0; x.len()];
            let block = func.$block(isa);
            // SAFETY: the address is that of a block routine of this arity and element type, for an instruction set
            // of this CPU, and the slices have the same length.
            unsafe {
                if func.arity() == 1 {
                    std::mem::transmute::<*const u8, Unary<$T>>(block)(out.as_mut_ptr(), x.as_ptr(), x.len());
                } else {
                    let call = std::mem::transmute::<*const u8, Binary<$T>>(block);
                    call(out.as_mut_ptr(), x.as_ptr(), y.as_ptr(), x.len());
                }
            }
            out
        }
    };
}

define_run!(run_f64, f64, block_f64_on);
define_run!(run_f32, f32, block_f32_on);

/// A small random generator (splitmix64): the same points in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `low .. high`.
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Either sign, magnitude between `2^low` and `2^high`, uniform in the exponent.
    pub(crate) fn magnitude(&mut self, low: f64, high: f64) -> f64 {
        let value = self.uniform(low, high).exp2();
        if self.bits() & 1 == 0 { value } else { -value }
    }
}

/// The scalar library's result, correctly rounded or nearly so.
pub(crate) fn library(func: Func, x: f64, y: f64) -> f64 {
    match func {
        Func::Exp => pxfm::f_exp(x),
        Func::Exp2 => pxfm::f_exp2(x),
        Func::Expm1 => pxfm::f_expm1(x),
        Func::Log => pxfm::f_log(x),
        Func::Log2 => pxfm::f_log2(x),
        Func::Log10 => pxfm::f_log10(x),
        Func::Log1p => pxfm::f_log1p(x),
        Func::Sin => pxfm::f_sin(x),
        Func::Cos => pxfm::f_cos(x),
        Func::Tan => pxfm::f_tan(x),
        Func::Asin => pxfm::f_asin(x),
        Func::Acos => pxfm::f_acos(x),
        Func::Atan => pxfm::f_atan(x),
        Func::Sinh => pxfm::f_sinh(x),
        Func::Cosh => pxfm::f_cosh(x),
        Func::Tanh => pxfm::f_tanh(x),
        Func::Asinh => pxfm::f_asinh(x),
        Func::Acosh => pxfm::f_acosh(x),
        Func::Atanh => pxfm::f_atanh(x),
        Func::Cbrt => pxfm::f_cbrt(x),
        Func::Erf => pxfm::f_erf(x),
        Func::Erfc => pxfm::f_erfc(x),
        Func::Lgamma => pxfm::f_lgamma(x),
        Func::Tgamma => pxfm::f_tgamma(x),
        Func::Sqrt => x.sqrt(),
        Func::Pow => pxfm::f_pow(x, y),
        Func::Atan2 => pxfm::f_atan2(x, y),
        Func::Hypot => pxfm::f_hypot(x, y),
        Func::Fmod => x % y,
        Func::Nextafter => libm::nextafter(x, y),
        Func::Div => x / y,
    }
}

const BITS: usize = 256;
const MODE: RoundingMode = RoundingMode::None;

/// An `f64` as a big number. (The conversion of the crate is off for subnormals: go round them.)
fn big(value: f64, bits: usize) -> BigFloat {
    if value == 0.0 || !value.is_finite() || value.is_normal() {
        return BigFloat::from_f64(value, bits);
    }
    let mut scaled = BigFloat::from_f64(value * 2f64.powi(200), bits);
    let exponent = scaled.exponent().expect("a finite number");
    scaled.set_exponent(exponent - 200);
    scaled
}

/// Arbitrary-precision values, for what one `f64` cannot tell: by what fraction of an ulp a result is off.
pub(crate) struct Oracle(Consts);

impl Oracle {
    pub(crate) fn new() -> Oracle {
        Oracle(Consts::new().expect("memory"))
    }

    /// The exact value to 256 bits, where the function and the point are within the oracle's means.
    fn exact(&mut self, func: Func, x: f64, y: f64) -> Option<BigFloat> {
        let cc = &mut self.0;
        let one = big(1.0, BITS);
        let (v, w) = (big(x, BITS), big(y, BITS));
        // Below this, `1 + x` would need more bits.
        let tiny = x.abs() < 1e-30;
        let value = match func {
            Func::Exp => v.exp(BITS, MODE, cc),
            Func::Exp2 => big(2.0, BITS).pow(&v, BITS, MODE, cc),
            Func::Expm1 if !tiny => v.exp(BITS, MODE, cc).sub(&one, BITS, MODE),
            Func::Log => v.ln(BITS, MODE, cc),
            Func::Log2 => v.log2(BITS, MODE, cc),
            Func::Log10 => v.log10(BITS, MODE, cc),
            Func::Log1p if !tiny => v.add(&one, 2 * BITS, MODE).ln(BITS, MODE, cc),
            Func::Sin => v.sin(BITS, MODE, cc),
            Func::Cos => v.cos(BITS, MODE, cc),
            Func::Tan => v.tan(BITS, MODE, cc),
            Func::Asin => v.asin(BITS, MODE, cc),
            Func::Acos => v.acos(BITS, MODE, cc),
            Func::Atan => v.atan(BITS, MODE, cc),
            Func::Sinh => v.sinh(BITS, MODE, cc),
            Func::Cosh => v.cosh(BITS, MODE, cc),
            Func::Tanh => v.tanh(BITS, MODE, cc),
            Func::Asinh => v.asinh(BITS, MODE, cc),
            Func::Acosh => v.acosh(BITS, MODE, cc),
            Func::Atanh => v.atanh(BITS, MODE, cc),
            Func::Cbrt => v.cbrt(BITS, MODE),
            Func::Erf if x.abs() < 6.0 && !tiny => self.erf(x, BITS),
            Func::Erfc if x.abs() < 26.0 && !tiny => {
                let bits = BITS + (2.0 * x * x) as usize;
                one.sub(&self.erf(x, bits), bits, MODE)
            }
            Func::Pow if x > 0.0 => v.pow(&w, BITS, MODE, cc),
            Func::Atan2 if y > 0.0 => v.div(&w, BITS, MODE).atan(BITS, MODE, cc),
            Func::Hypot => {
                let square = |v: &BigFloat| v.mul(v, BITS, MODE);
                square(&v).add(&square(&w), BITS, MODE).sqrt(BITS, MODE)
            }
            _ => return None,
        };
        (!value.is_nan() && !value.is_inf()).then_some(value)
    }

    /// `erf x = 2/√π e^-x² Σ 2^n x^(2n+1) / (2n+1)!!`: all terms have one sign.
    fn erf(&mut self, x: f64, bits: usize) -> BigFloat {
        let cc = &mut self.0;
        let v = big(x, bits);
        let twice_square = v.mul(&v, bits, MODE).mul(&big(2.0, bits), bits, MODE);
        let (mut term, mut sum, mut odd) = (v.clone(), v.clone(), 1.0);
        while term.exponent() > sum.exponent().map(|e| e - bits as i32) {
            odd += 2.0;
            term = term.mul(&twice_square, bits, MODE).div(&big(odd, bits), bits, MODE);
            sum = sum.add(&term, bits, MODE);
        }
        let square = v.mul(&v, 2 * bits, MODE).neg();
        let root = cc.pi(bits, MODE).sqrt(bits, MODE);
        let scale = big(2.0, bits).div(&root, bits, MODE);
        sum.mul(&scale, bits, MODE).mul(&square.exp(bits, MODE, cc), bits, MODE)
    }

    /// The error of `result` in ulps of the exact value.
    pub(crate) fn error(&mut self, func: Func, x: f64, y: f64, result: f64) -> Option<f64> {
        let exact = self.exact(func, x, y)?;
        let exponent = exact.exponent()? as i64;
        if exponent > 1024 {
            return None; // overflow: the caller compares with the library
        }
        let difference = exact.sub(&big(result, BITS), BITS, MODE);
        let (words, _, sign, difference_exponent, _) = difference.as_raw_parts()?;
        // The value is 0.m · 2^e; the top word is enough.
        let Some(&top) = words.last() else { return Some(0.0) };
        let ulp = (exponent - 53).max(-1074);
        let magnitude = top as f64 / 2f64.powi(64) * 2f64.powi((difference_exponent as i64 - ulp) as i32);
        Some(if sign == Sign::Neg { magnitude } else { -magnitude })
    }
}

/// How many representable values lie between `a` and `b`.
pub(crate) fn distance(a: f64, b: f64) -> u64 {
    let order = |v: f64| {
        let bits = v.to_bits() as i64;
        if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
    };
    order(a).abs_diff(order(b))
}
