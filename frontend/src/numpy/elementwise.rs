//! Elementwise functions that are several ops of the table: rounding, tests, NaN handling.

use super::{Arg, Built, asarray, bin, choose, inexact, un};
use frit_ir::build::{Builder, Operand};
use frit_ir::error::TypeError;
use frit_ir::{DType, Op, Scalar, Value};

/// `x` limited to bounds, either of which may be missing.
pub fn clip(b: &mut Builder, x: impl Arg, low: Option<Operand>, high: Option<Operand>) -> Built {
    let x = x.operand();
    // A Python integer beyond the array's type limits nothing.
    let range = match x {
        Operand::Value(v) if b.dtype(v).is_int() => b.dtype(v).int_range(),
        _ => None,
    };
    let outside = |bound: &Operand, beyond: &dyn Fn(i128, (i128, i128)) -> bool| match (bound, range) {
        (Operand::Weak(s), Some(range)) if s.dtype().is_int() => beyond(i128::from(s.as_i64()), range),
        _ => false,
    };
    let low = low.filter(|v| !outside(v, &|v, (lo, _)| v <= lo));
    let high = high.filter(|v| !outside(v, &|v, (_, hi)| v >= hi));
    match (low, high) {
        (Some(low), Some(high)) => b.elementwise(Op::Clip, &[x, low, high]),
        (Some(low), None) => bin(b, Op::Maximum, x, low),
        (None, Some(high)) => bin(b, Op::Minimum, x, high),
        (None, None) => Ok(asarray(b, x)),
    }
}

/// `x` where the condition is true, else `y`.
pub fn where_(b: &mut Builder, condition: Value, x: impl Arg, y: impl Arg) -> Built {
    choose(b, condition, x, y)
}

/// Rounds to a number of decimals, halves to even, as NumPy does: scaled, rounded and scaled back.
pub fn round(b: &mut Builder, x: Value, decimals: i32) -> Built {
    let t = b.dtype(x);
    if t == DType::Bool || (t.is_int() && decimals >= 0) {
        return Ok(x);
    }
    if t.is_complex() {
        let (re, im) = (un(b, Op::Real, x)?, un(b, Op::Imag, x)?);
        let (re, im) = (round(b, re, decimals)?, round(b, im, decimals)?);
        return bin(b, Op::MakeComplex, re, im);
    }
    if decimals == 0 {
        return un(b, Op::Rint, x);
    }
    let scale = 10f64.powi(decimals.abs());
    let (there, back) = if decimals > 0 { (Op::Multiply, Op::Divide) } else { (Op::Divide, Op::Multiply) };
    let scaled = bin(b, there, x, scale)?;
    let rounded = un(b, Op::Rint, scaled)?;
    let r = bin(b, back, rounded, scale)?;
    b.cast(r, t)
}

/// `trunc`.
pub fn fix(b: &mut Builder, x: Value) -> Built {
    un(b, Op::Trunc, x)
}

/// NaN and infinities replaced; by default NaN with 0 and infinities with the largest finite numbers.
pub fn nan_to_num(b: &mut Builder, x: Value, nan: f64, posinf: Option<f64>, neginf: Option<f64>) -> Built {
    let t = b.dtype(x);
    if t.is_complex() {
        let (re, im) = (un(b, Op::Real, x)?, un(b, Op::Imag, x)?);
        let re = nan_to_num(b, re, nan, posinf, neginf)?;
        let im = nan_to_num(b, im, nan, posinf, neginf)?;
        return bin(b, Op::MakeComplex, re, im);
    }
    if !t.is_float() {
        return Ok(x);
    }
    let largest = if t == DType::F32 { f64::from(f32::MAX) } else { f64::MAX };
    let is_nan = un(b, Op::Isnan, x)?;
    let r = choose(b, is_nan, nan, x)?;
    let (up, down) = (isposinf(b, x)?, isneginf(b, x)?);
    let r = choose(b, up, posinf.unwrap_or(largest), r)?;
    choose(b, down, neginf.unwrap_or(-largest), r)
}

/// Equal to plus infinity.
pub fn isposinf(b: &mut Builder, x: Value) -> Built {
    bin(b, Op::Equal, x, f64::INFINITY)
}

/// Equal to minus infinity.
pub fn isneginf(b: &mut Builder, x: Value) -> Built {
    bin(b, Op::Equal, x, f64::NEG_INFINITY)
}

/// Without an imaginary part.
pub fn isreal(b: &mut Builder, x: Value) -> Built {
    let im = un(b, Op::Imag, x)?;
    bin(b, Op::Equal, im, 0)
}

/// With an imaginary part.
pub fn iscomplex(b: &mut Builder, x: Value) -> Built {
    let im = un(b, Op::Imag, x)?;
    bin(b, Op::NotEqual, im, 0)
}

/// `|x - y| <= atol + rtol * |y|`; infinities are close to themselves, and NaN to NaN if asked.
pub fn isclose(b: &mut Builder, x: impl Arg, y: impl Arg, rtol: f64, atol: f64, equal_nan: bool) -> Built {
    let (x, y) = (asarray(b, x), asarray(b, y));
    let y = inexact(b, y)?;
    let d = bin(b, Op::Subtract, x, y)?;
    let d = un(b, Op::Absolute, d)?;
    let size = un(b, Op::Absolute, y)?;
    let bound = bin(b, Op::Multiply, size, rtol)?;
    let bound = bin(b, Op::Add, bound, atol)?;
    let near = bin(b, Op::LessEqual, d, bound)?;
    let finite = un(b, Op::Isfinite, y)?;
    let near = bin(b, Op::LogicalAnd, near, finite)?;
    let same = bin(b, Op::Equal, x, y)?;
    let r = bin(b, Op::LogicalOr, near, same)?;
    if !equal_nan {
        return Ok(r);
    }
    let (nx, ny) = (un(b, Op::Isnan, x)?, un(b, Op::Isnan, y)?);
    let both = bin(b, Op::LogicalAnd, nx, ny)?;
    bin(b, Op::LogicalOr, r, both)
}

/// All elements [`isclose`].
pub fn allclose(b: &mut Builder, x: impl Arg, y: impl Arg, rtol: f64, atol: f64, equal_nan: bool) -> Built {
    let r = isclose(b, x, y, rtol, atol, equal_nan)?;
    b.reduce(Op::All, r, None, false)
}

/// Same shape and all elements equal.
pub fn array_equal(b: &mut Builder, x: Value, y: Value) -> Built {
    if b.shape(x) != b.shape(y) {
        return Ok(b.constant(Scalar::bool(false)));
    }
    let r = bin(b, Op::Equal, x, y)?;
    b.reduce(Op::All, r, None, false)
}

/// `sin(pi x) / (pi x)`, 1 at 0.
pub fn sinc(b: &mut Builder, x: Value) -> Built {
    let x = inexact(b, x)?;
    let zero = bin(b, Op::Equal, x, 0)?;
    // NumPy's: a tiny number in place of zero.
    let x = choose(b, zero, 1e-20, x)?;
    let y = bin(b, Op::Multiply, x, std::f64::consts::PI)?;
    let s = un(b, Op::Sin, y)?;
    bin(b, Op::Divide, s, y)
}

/// Floor division and remainder.
pub fn divmod(b: &mut Builder, x: impl Arg, y: impl Arg) -> Result<[Value; 2], TypeError> {
    let (x, y) = (x.operand(), y.operand());
    Ok([bin(b, Op::FloorDivide, x, y)?, bin(b, Op::Remainder, x, y)?])
}

/// Fractional and integral part, both with the sign of `x`.
pub fn modf(b: &mut Builder, x: Value) -> Result<[Value; 2], TypeError> {
    let x = inexact(b, x)?;
    let whole = un(b, Op::Trunc, x)?;
    let part = bin(b, Op::Subtract, x, whole)?;
    let infinite = un(b, Op::Isinf, x)?;
    let part = choose(b, infinite, 0.0, part)?;
    Ok([bin(b, Op::Copysign, part, x)?, whole])
}

/// Mantissa and exponent.
pub fn frexp(b: &mut Builder, x: Value) -> Result<[Value; 2], TypeError> {
    Ok([un(b, Op::FrexpMantissa, x)?, un(b, Op::FrexpExponent, x)?])
}

/// `power` in floating point.
pub fn float_power(b: &mut Builder, x: impl Arg, y: impl Arg) -> Built {
    let (x, y) = (asarray(b, x), asarray(b, y));
    let complex = b.dtype(x).is_complex() || b.dtype(y).is_complex();
    let t = if complex { DType::C128 } else { DType::F64 };
    let (x, y) = (b.cast(x, t)?, b.cast(y, t)?);
    bin(b, Op::Power, x, y)
}

/// Chebyshev coefficients of [`i0`] (Cephes, as in NumPy): `exp(-x) I0(x)` on 0..8, then `exp(-x) sqrt(x) I0(x)`.
#[rustfmt::skip]
const I0_NEAR: [f64; 30] = [
    -4.4153416464793395e-18, 3.3307945188222384e-17, -2.431279846547955e-16, 1.715391285555133e-15,
    -1.1685332877993451e-14, 7.676185498604936e-14, -4.856446783111929e-13, 2.95505266312964e-12,
    -1.726826291441556e-11, 9.675809035373237e-11, -5.189795601635263e-10, 2.6598237246823866e-09,
    -1.300025009986248e-08, 6.046995022541919e-08, -2.670793853940612e-07, 1.1173875391201037e-06,
    -4.4167383584587505e-06, 1.6448448070728896e-05, -5.754195010082104e-05, 0.00018850288509584165,
    -0.0005763755745385824, 0.0016394756169413357, -0.004324309995050576, 0.010546460394594998,
    -0.02373741480589947, 0.04930528423967071, -0.09490109704804764, 0.17162090152220877,
    -0.3046826723431984, 0.6767952744094761,
];
#[rustfmt::skip]
const I0_FAR: [f64; 25] = [
    -7.233180487874754e-18, -4.830504485944182e-18, 4.46562142029676e-17, 3.461222867697461e-17,
    -2.8276239805165836e-16, -3.425485619677219e-16, 1.7725601330565263e-15, 3.8116806693526224e-15,
    -9.554846698828307e-15, -4.150569347287222e-14, 1.54008621752141e-14, 3.8527783827421426e-13,
    7.180124451383666e-13, -1.7941785315068062e-12, -1.3215811840447713e-11, -3.1499165279632416e-11,
    1.1889147107846439e-11, 4.94060238822497e-10, 3.3962320257083865e-09, 2.266668990498178e-08,
    2.0489185894690638e-07, 2.8913705208347567e-06, 6.889758346916825e-05, 0.0033691164782556943,
    0.8044904110141088,
];

/// A Chebyshev series at `x`, by Clenshaw's recurrence.
fn chebyshev(b: &mut Builder, x: Value, coefficients: &[f64]) -> Built {
    let mut b0 = super::full_like(b, x, coefficients[0])?;
    let mut b1 = super::full_like(b, x, 0.0)?;
    let mut b2 = b1;
    for c in &coefficients[1..] {
        (b2, b1) = (b1, b0);
        let t = bin(b, Op::Multiply, x, b1)?;
        let t = bin(b, Op::Subtract, t, b2)?;
        b0 = bin(b, Op::Add, t, *c)?;
    }
    let d = bin(b, Op::Subtract, b0, b2)?;
    bin(b, Op::Multiply, d, 0.5)
}

/// The modified Bessel function of the first kind of order 0, in two Chebyshev series as NumPy's.
pub fn i0(b: &mut Builder, x: Value) -> Built {
    if b.dtype(x).is_complex() {
        return super::invalid(b, Op::Exp, "i0 not supported for complex values");
    }
    let x = inexact(b, x)?;
    let x = un(b, Op::Absolute, x)?;
    let near = bin(b, Op::LessEqual, x, 8.0)?;
    let growth = un(b, Op::Exp, x)?;
    let t = bin(b, Op::Divide, x, 2.0)?;
    let t = bin(b, Op::Subtract, t, 2.0)?;
    let low = chebyshev(b, t, &I0_NEAR)?;
    let t = bin(b, Op::Divide, 32.0, x)?;
    let t = bin(b, Op::Subtract, t, 2.0)?;
    let high = chebyshev(b, t, &I0_FAR)?;
    let root = un(b, Op::Sqrt, x)?;
    let high = bin(b, Op::Divide, high, root)?;
    let series = choose(b, near, low, high)?;
    bin(b, Op::Multiply, growth, series)
}

/// A polynomial with the highest coefficient first, by Horner's rule.
pub fn polyval(b: &mut Builder, p: Value, x: Value) -> Built {
    let n = super::constant_size(b, Op::Multiply, &b.shape(p)[0].clone(), "the number of coefficients")?;
    if b.ty(p).rank() != 1 {
        return super::invalid(b, Op::Multiply, "the coefficients must be one-dimensional");
    }
    let mut r = super::full_like(b, x, 0)?;
    for k in 0..n {
        let c = super::getitem(b, p, &[super::Index::At(k.into())])?;
        r = bin(b, Op::Multiply, r, x)?;
        r = bin(b, Op::Add, r, c)?;
    }
    Ok(r)
}

/// `where(x is NaN, fill, x)`.
pub(crate) fn without_nan(b: &mut Builder, x: Value, fill: f64) -> Built {
    if !b.dtype(x).is_inexact() {
        return Ok(x);
    }
    let nan = un(b, Op::Isnan, x)?;
    choose(b, nan, fill, x)
}
