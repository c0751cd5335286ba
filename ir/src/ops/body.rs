//! Real bodies of elementwise ops that take more than a line in the table.

use crate::dtype::{DType, Scalar};
use crate::prim::{Body, Prim, Val};

pub(super) fn zero_like(b: &mut Body<'_>, x: Val) -> Val {
    let t = b.dtype(x);
    b.constant(Scalar::zero(t))
}

/// `astype`: complex to real drops the imaginary part, anything to bool tests for nonzero.
pub(super) fn cast(b: &mut Body<'_>, args: &[Val], from: DType, to: DType) -> Vec<Val> {
    if to == DType::Bool {
        let parts: Vec<Val> = args
            .iter()
            .map(|x| {
                let zero = zero_like(b, *x);
                b.ne(*x, zero)
            })
            .collect();
        return vec![parts.into_iter().reduce(|x, y| b.or(x, y)).expect("a cast has an operand")];
    }
    let re = b.cast(args[0], to.real());
    if !to.is_complex() {
        return vec![re];
    }
    let im = if from.is_complex() { b.cast(args[1], to.real()) } else { zero_like(b, re) };
    vec![re, im]
}

pub(super) fn absolute(b: &mut Body<'_>, a: &[Val]) -> Val {
    let t = b.dtype(a[0]);
    if t.is_signed() || t.is_float() { b.abs(a[0]) } else { a[0] }
}

/// 1, 0 or -1; NaN for NaN.
pub(super) fn sign(b: &mut Body<'_>, a: &[Val]) -> Val {
    let x = a[0];
    let (zero, one) = (zero_like(b, x), b.f(x, 1.0));
    let positive = b.lt(zero, x);
    let t = b.dtype(x);
    if !t.is_signed() && !t.is_float() {
        return b.select(positive, one, zero);
    }
    let minus = b.f(x, -1.0);
    let negative = b.lt(x, zero);
    let rest = if t.is_float() {
        let is_zero = b.eq(x, zero);
        b.select(is_zero, zero, x)
    } else {
        zero
    };
    let below = b.select(negative, minus, rest);
    b.select(positive, one, below)
}

pub(super) fn add(b: &mut Body<'_>, a: &[Val]) -> Val {
    if b.dtype(a[0]) == DType::Bool { b.or(a[0], a[1]) } else { b.add(a[0], a[1]) }
}

pub(super) fn multiply(b: &mut Body<'_>, a: &[Val]) -> Val {
    if b.dtype(a[0]) == DType::Bool { b.and(a[0], a[1]) } else { b.mul(a[0], a[1]) }
}

/// `r != 0` and of the other sign than the divisor: the truncated result must move one step down.
fn crosses_zero(b: &mut Body<'_>, r: Val, divisor: Val) -> Val {
    let zero = zero_like(b, r);
    let nonzero = b.ne(r, zero);
    let r_negative = b.lt(r, zero);
    let d_negative = b.lt(divisor, zero);
    let differ = b.xor(r_negative, d_negative);
    b.and(nonzero, differ)
}

/// Rounds toward minus infinity. Floats follow CPython's `float.__floordiv__`: the quotient is made from the exact
/// remainder, so that `floor_divide` and `remainder` agree.
pub(super) fn floor_divide(b: &mut Body<'_>, a: &[Val]) -> Val {
    let (x, y) = (a[0], a[1]);
    let t = b.dtype(x);
    if t.is_int() {
        let q = b.idiv(x, y);
        if !t.is_signed() {
            return q;
        }
        let r = b.irem(x, y);
        let down = crosses_zero(b, r, y);
        let one = b.f(q, 1.0);
        let lower = b.sub(q, one);
        return b.select(down, lower, q);
    }
    let (zero, one, half) = (zero_like(b, x), b.f(x, 1.0), b.f(x, 0.5));
    let quotient = b.div(x, y);
    let r = b.prim(Prim::Fmod, &[x, y]);
    let exact = b.sub(x, r);
    let d = b.div(exact, y);
    let down = crosses_zero(b, r, y);
    let lower = b.sub(d, one);
    let d = b.select(down, lower, d);
    let f = b.floor(d);
    let gap = b.sub(d, f);
    let up = b.lt(half, gap);
    let f_up = b.add(f, one);
    let f = b.select(up, f_up, f);
    let signed_zero = b.copysign(zero, quotient);
    let is_zero = b.eq(d, zero);
    let result = b.select(is_zero, signed_zero, f);
    let by_zero = b.eq(y, zero);
    b.select(by_zero, quotient, result)
}

/// The remainder with the divisor's sign; integers by zero give 0.
pub(super) fn remainder(b: &mut Body<'_>, a: &[Val]) -> Val {
    let (x, y) = (a[0], a[1]);
    let t = b.dtype(x);
    let r = if t.is_int() { b.irem(x, y) } else { b.prim(Prim::Fmod, &[x, y]) };
    if t.is_int() && !t.is_signed() {
        return r;
    }
    let shift = crosses_zero(b, r, y);
    let moved = b.add(r, y);
    let result = b.select(shift, moved, r);
    if t.is_int() {
        return result;
    }
    let zero = zero_like(b, r);
    let is_zero = b.eq(r, zero);
    let signed_zero = b.copysign(zero, y);
    b.select(is_zero, signed_zero, result)
}

pub(super) fn fmod(b: &mut Body<'_>, a: &[Val]) -> Val {
    if b.dtype(a[0]).is_int() { b.irem(a[0], a[1]) } else { b.prim(Prim::Fmod, a) }
}

pub(super) fn power(b: &mut Body<'_>, a: &[Val]) -> Val {
    if b.dtype(a[0]).is_int() { b.prim(Prim::IPow, a) } else { b.pow(a[0], a[1]) }
}

/// `1 / x`; integers go through `float64`, as NumPy's do.
pub(super) fn reciprocal(b: &mut Body<'_>, a: &[Val]) -> Val {
    let t = b.dtype(a[0]);
    let x = if t.is_int() { b.cast(a[0], DType::F64) } else { a[0] };
    let one = b.f(x, 1.0);
    let r = b.div(one, x);
    b.cast(r, t)
}

pub(super) fn fmax(b: &mut Body<'_>, a: &[Val]) -> Val {
    ignoring_nan(b, a, Prim::Max)
}

pub(super) fn fmin(b: &mut Body<'_>, a: &[Val]) -> Val {
    ignoring_nan(b, a, Prim::Min)
}

fn ignoring_nan(b: &mut Body<'_>, a: &[Val], op: Prim) -> Val {
    let both = b.prim(op, a);
    if !b.dtype(a[0]).is_float() {
        return both;
    }
    let (x_nan, y_nan) = (b.is_nan(a[0]), b.is_nan(a[1]));
    let r = b.select(y_nan, a[0], both);
    b.select(x_nan, a[1], r)
}

/// `log(exp(x) + exp(y))` without overflow.
pub(super) fn logaddexp(b: &mut Body<'_>, a: &[Val]) -> Val {
    log_add(b, a, std::f64::consts::LN_2, |b, d| {
        let e = b.exp(d);
        b.log1p(e)
    })
}

pub(super) fn logaddexp2(b: &mut Body<'_>, a: &[Val]) -> Val {
    log_add(b, a, 1.0, |b, d| {
        let e = b.prim(Prim::Exp2, &[d]);
        let l = b.log1p(e);
        let k = b.f(l, std::f64::consts::LOG2_E);
        b.mul(l, k)
    })
}

fn log_add(b: &mut Body<'_>, a: &[Val], at_equal: f64, tail: fn(&mut Body<'_>, Val) -> Val) -> Val {
    let (x, y) = (a[0], a[1]);
    let d = b.sub(x, y);
    let magnitude = b.abs(d);
    let minus = b.neg(magnitude);
    let correction = tail(b, minus);
    let larger = b.max(x, y);
    let sum = b.add(larger, correction);
    // Equal operands: also right for two infinities, whose difference is NaN.
    let same = b.eq(x, y);
    let k = b.f(x, at_equal);
    let doubled = b.add(x, k);
    b.select(same, doubled, sum)
}

/// Integers and bool are already whole.
pub(super) fn rounding(b: &mut Body<'_>, op: Prim, x: Val) -> Val {
    if b.dtype(x).is_float() { b.prim(op, &[x]) } else { x }
}

pub(super) fn heaviside(b: &mut Body<'_>, a: &[Val]) -> Val {
    let (x, at_zero) = (a[0], a[1]);
    let (zero, one) = (zero_like(b, x), b.f(x, 1.0));
    let negative = b.lt(x, zero);
    let is_zero = b.eq(x, zero);
    let nan = b.is_nan(x);
    let r = b.select(is_zero, at_zero, one);
    let r = b.select(negative, zero, r);
    b.select(nan, x, r)
}

/// `x * 2^n`, rounded once. The scaling goes in steps of `2^1023` and `2^-969`, so that a subnormal result is
/// rounded only by the last step (the method of musl's `scalbn`).
pub(super) fn ldexp(b: &mut Body<'_>, a: &[Val]) -> Val {
    let t = b.dtype(a[0]);
    let mut x = b.cast(a[0], DType::F64);
    let mut n = b.cast(a[1], DType::I64);
    let i = |b: &mut Body<'_>, v: i64| b.constant(Scalar::from_i64(DType::I64, v));
    let (top, bottom) = (i(b, 1023), i(b, -1022));
    let (step_up, step_down) = (i(b, 1023), i(b, -969));
    for _ in 0..2 {
        let high = b.lt(top, n);
        let scale = b.f(x, f64::from_bits(2046 << 52));
        let (scaled, left) = (b.mul(x, scale), b.sub(n, step_up));
        x = b.select(high, scaled, x);
        n = b.select(high, left, n);
        let low = b.lt(n, bottom);
        let scale = b.f(x, f64::from_bits(54 << 52));
        let (scaled, left) = (b.mul(x, scale), b.sub(n, step_down));
        x = b.select(low, scaled, x);
        n = b.select(low, left, n);
    }
    n = b.min(n, top);
    n = b.max(n, bottom);
    let (bias, shift) = (i(b, 1023), i(b, 52));
    let biased = b.add(n, bias);
    let bits = b.shl(biased, shift);
    let scale = b.bitcast(bits, DType::F64);
    let r = b.mul(x, scale);
    b.cast(r, t)
}

/// The fraction and exponent fields of a float; subnormals are first scaled into the normal range.
/// Returns (scaled bits as i64, exponent field, was the value 0, inf or nan, extra exponent).
fn float_fields(b: &mut Body<'_>, x: Val) -> (Val, Val, Val, Val) {
    let x = b.cast(x, DType::F64);
    let i = |b: &mut Body<'_>, v: i64| b.constant(Scalar::from_i64(DType::I64, v));
    let magnitude = b.abs(x);
    let smallest = b.f(x, f64::MIN_POSITIVE);
    let subnormal = b.lt(magnitude, smallest);
    let k = b.f(x, f64::from_bits((1023 + 54) << 52));
    let up = b.mul(x, k);
    let scaled = b.select(subnormal, up, x);
    let bits = b.bitcast(scaled, DType::I64);
    let (shift, mask) = (i(b, 52), i(b, 0x7ff));
    let field = b.shr(bits, shift);
    let field = b.and(field, mask);
    let (fifty_four, none) = (i(b, 54), i(b, 0));
    let extra = b.select(subnormal, fifty_four, none);
    let zero = zero_like(b, x);
    let is_zero = b.eq(x, zero);
    let inf = b.f(x, f64::INFINITY);
    let finite = b.lt(magnitude, inf);
    let not_finite = b.not(finite);
    let special = b.or(is_zero, not_finite);
    (bits, field, special, extra)
}

pub(super) fn frexp_mantissa(b: &mut Body<'_>, a: &[Val]) -> Val {
    let t = b.dtype(a[0]);
    let (bits, _, special, _) = float_fields(b, a[0]);
    let i = |b: &mut Body<'_>, v: u64| b.constant(Scalar::from_i64(DType::I64, v as i64));
    let (keep, half) = (i(b, !(0x7ff << 52)), i(b, 1022 << 52));
    let fraction = b.and(bits, keep);
    let m = b.or(fraction, half);
    let m = b.bitcast(m, DType::F64);
    let m = b.cast(m, t);
    b.select(special, a[0], m)
}

pub(super) fn frexp_exponent(b: &mut Body<'_>, a: &[Val]) -> Val {
    let (_, field, special, extra) = float_fields(b, a[0]);
    let bias = b.constant(Scalar::from_i64(DType::I64, 1022));
    let e = b.sub(field, bias);
    let e = b.sub(e, extra);
    let e = b.cast(e, DType::I32);
    let zero = zero_like(b, e);
    b.select(special, zero, e)
}

pub(super) fn angle(b: &mut Body<'_>, a: &[Val]) -> Val {
    let zero = zero_like(b, a[0]);
    b.atan2(zero, a[0])
}

pub(super) fn isinf(b: &mut Body<'_>, a: &[Val]) -> Val {
    if !b.dtype(a[0]).is_float() {
        return b.constant(Scalar::bool(false));
    }
    let m = b.abs(a[0]);
    let inf = b.f(m, f64::INFINITY);
    b.eq(m, inf)
}

pub(super) fn isfinite(b: &mut Body<'_>, a: &[Val]) -> Val {
    if !b.dtype(a[0]).is_float() {
        return b.constant(Scalar::bool(true));
    }
    let m = b.abs(a[0]);
    let inf = b.f(m, f64::INFINITY);
    b.lt(m, inf)
}

/// Least common multiple of the magnitudes, wrapping; 0 if either is 0.
pub(super) fn lcm(b: &mut Body<'_>, a: &[Val]) -> Val {
    let g = b.prim(Prim::Gcd, a);
    let (x, y) = (absolute(b, &a[..1]), absolute(b, &a[1..]));
    let q = b.idiv(x, g);
    b.mul(q, y)
}
