//! Primitives and scalar functions on known values.
//!
//! Math functions come from the standard library and the C library, so that they share nothing with the vector math
//! library that compiled code uses. Functions of `f32` are computed in `f64` and rounded once.

use crate::dtype::{DType, Kind, Scalar};
use crate::ops::Op;
use crate::prim::{Prim, ScalarFn, ScalarInst};

// What the standard library does not offer yet. The C library is linked with it on every hosted target.
unsafe extern "C" {
    safe fn erf(x: f64) -> f64;
    safe fn erfc(x: f64) -> f64;
    safe fn lgamma(x: f64) -> f64;
    safe fn tgamma(x: f64) -> f64;
    safe fn asinh(x: f64) -> f64;
    safe fn acosh(x: f64) -> f64;
    safe fn atanh(x: f64) -> f64;
    safe fn nextafter(x: f64, y: f64) -> f64;
    safe fn nextafterf(x: f32, y: f32) -> f32;
}

/// Applies a scalar function to values of its parameter types.
pub fn apply(f: &ScalarFn, args: &[Scalar]) -> Vec<Scalar> {
    let mut values = Vec::with_capacity(args.len() + f.insts.len());
    values.extend_from_slice(args);
    for inst in &f.insts {
        let v = match inst {
            ScalarInst::Const(c) => *c,
            ScalarInst::Prim(op, to, operands) => {
                let mut a = [Scalar::zero(DType::Bool); 3];
                for (slot, v) in a.iter_mut().zip(operands) {
                    *slot = values[v.0 as usize];
                }
                prim(*op, *to, &a[..operands.len()])
            }
        };
        values.push(v);
    }
    f.results.iter().map(|v| values[v.0 as usize]).collect()
}

/// An elementwise op prepared for operands of given types.
pub struct ScalarOp {
    f: ScalarFn,
    result: DType,
}

impl ScalarOp {
    /// Prepares an elementwise op.
    pub fn new(op: Op, operands: &[DType], result: DType) -> ScalarOp {
        ScalarOp { f: op.scalar_fn(operands, result), result }
    }

    /// Applies it; complex operands and results are whole here.
    pub fn apply(&self, args: &[Scalar]) -> Scalar {
        let mut parts = Vec::with_capacity(2 * args.len());
        for s in args {
            if s.dtype().is_complex() {
                let (re, im) = s.parts();
                parts.extend([re, im]);
            } else {
                parts.push(*s);
            }
        }
        let r = apply(&self.f, &parts);
        if self.result.is_complex() {
            Scalar::from_bits(self.result, [r[0].bits()[0], r[1].bits()[0]])
        } else {
            r[0]
        }
    }
}

/// A primitive, as [`Prim`]'s table documents it; `to` is its result type.
pub fn prim(op: Prim, to: DType, a: &[Scalar]) -> Scalar {
    let t = a[a.len() - 1].dtype();
    match op {
        Prim::Select => return if a[0].as_i64() != 0 { a[1] } else { a[2] },
        Prim::Cast => return a[0].cast(to),
        Prim::Bitcast => return Scalar::from_bytes(to, &a[0].to_bytes()),
        Prim::Eq | Prim::Ne | Prim::Lt | Prim::Le => return Scalar::bool(compare(op, a[0], a[1])),
        _ => {}
    }
    match t.kind() {
        Kind::Float => float(op, t, a),
        _ => integer(op, t, a),
    }
}

fn compare(op: Prim, a: Scalar, b: Scalar) -> bool {
    let order =
        if a.dtype().is_float() { a.as_f64().partial_cmp(&b.as_f64()) } else { Some(wide(a).cmp(&wide(b))) };
    match op {
        Prim::Eq => order.is_some_and(|o| o.is_eq()),
        Prim::Ne => order.is_none_or(|o| o.is_ne()),
        Prim::Lt => order.is_some_and(|o| o.is_lt()),
        _ => order.is_some_and(|o| o.is_le()),
    }
}

/// An integer or bool, exactly.
pub(crate) fn wide(s: Scalar) -> i128 {
    if s.dtype().kind() == Kind::UInt { i128::from(s.bits()[0]) } else { i128::from(s.as_i64()) }
}

/// Of `f32`, one operation in `f64` rounded to `f32` is the operation in `f32`: `f64` has more than twice the bits.
/// A fused multiply-add and `nextafter` are the exceptions.
fn float(op: Prim, t: DType, a: &[Scalar]) -> Scalar {
    let x = a[0].as_f64();
    let y = a.get(1).map_or(0.0, |s| s.as_f64());
    let z = a.get(2).map_or(0.0, |s| s.as_f64());
    let single = t == DType::F32;
    let v = match op {
        Prim::Add => x + y,
        Prim::Sub => x - y,
        Prim::Mul => x * y,
        Prim::Div => x / y,
        Prim::Fma if single => f64::from((x as f32).mul_add(y as f32, z as f32)),
        Prim::Fma => x.mul_add(y, z),
        Prim::Neg => -x,
        Prim::Abs => x.abs(),
        // Of equal operands (zeros of either sign) the second.
        Prim::Min => {
            if x.is_nan() || x < y {
                x
            } else {
                y
            }
        }
        Prim::Max => {
            if x.is_nan() || x > y {
                x
            } else {
                y
            }
        }
        Prim::Sqrt => x.sqrt(),
        Prim::Floor => x.floor(),
        Prim::Ceil => x.ceil(),
        Prim::Trunc => x.trunc(),
        Prim::Rint => x.round_ties_even(),
        Prim::Copysign => x.copysign(y),
        Prim::Fmod => x % y,
        Prim::Exp => x.exp(),
        Prim::Exp2 => x.exp2(),
        Prim::Expm1 => x.exp_m1(),
        Prim::Log => x.ln(),
        Prim::Log2 => x.log2(),
        Prim::Log10 => x.log10(),
        Prim::Log1p => x.ln_1p(),
        Prim::Sin => x.sin(),
        Prim::Cos => x.cos(),
        Prim::Tan => x.tan(),
        Prim::Asin => x.asin(),
        Prim::Acos => x.acos(),
        Prim::Atan => x.atan(),
        Prim::Sinh => x.sinh(),
        Prim::Cosh => x.cosh(),
        Prim::Tanh => x.tanh(),
        Prim::Asinh => asinh(x),
        Prim::Acosh => acosh(x),
        Prim::Atanh => atanh(x),
        Prim::Cbrt => x.cbrt(),
        Prim::Erf => erf(x),
        Prim::Erfc => erfc(x),
        Prim::Lgamma => lgamma(x),
        Prim::Tgamma => tgamma(x),
        Prim::Pow => x.powf(y),
        Prim::Atan2 => x.atan2(y),
        Prim::Hypot => x.hypot(y),
        Prim::Nextafter if single => f64::from(nextafterf(x as f32, y as f32)),
        Prim::Nextafter => nextafter(x, y),
        Prim::And
        | Prim::Or
        | Prim::Xor
        | Prim::Not
        | Prim::Shl
        | Prim::Shr
        | Prim::IDiv
        | Prim::IRem
        | Prim::IPow
        | Prim::Gcd
        | Prim::Eq
        | Prim::Ne
        | Prim::Lt
        | Prim::Le
        | Prim::Select
        | Prim::Cast
        | Prim::Bitcast => unreachable!("{op} on floats"),
    };
    Scalar::from_f64(t, v)
}

/// Integers and bool in 128 bits, wrapped to the type at the end.
fn integer(op: Prim, t: DType, a: &[Scalar]) -> Scalar {
    let x = wide(a[0]);
    let y = a.get(1).map_or(0, |s| wide(*s));
    let bits = t.size() as i128 * 8;
    let in_range = (0..bits).contains(&y);
    let v = match op {
        Prim::Add => x + y,
        Prim::Sub => x - y,
        Prim::Mul => x.wrapping_mul(y),
        Prim::Neg => -x,
        Prim::Abs => x.abs(),
        Prim::Min => x.min(y),
        Prim::Max => x.max(y),
        Prim::And => x & y,
        Prim::Or => x | y,
        Prim::Xor => x ^ y,
        Prim::Not if t == DType::Bool => 1 - x,
        Prim::Not => !x,
        Prim::Shl if in_range => x << y,
        Prim::Shl => 0,
        Prim::Shr if in_range => x >> y,
        Prim::Shr => -i128::from(x < 0),
        Prim::IDiv | Prim::IRem if y == 0 => 0,
        Prim::IDiv => x / y,
        Prim::IRem => x % y,
        Prim::IPow if y < 0 => 0,
        // Powers modulo 2^64 wrap to the narrower types too.
        Prim::IPow => {
            let (mut base, mut left, mut power) = (x as u64, y as u64, 1u64);
            while left > 0 {
                if left & 1 == 1 {
                    power = power.wrapping_mul(base);
                }
                base = base.wrapping_mul(base);
                left >>= 1;
            }
            i128::from(power)
        }
        Prim::Gcd => {
            let (mut p, mut q) = (x.abs(), y.abs());
            while q != 0 {
                (p, q) = (q, p % q);
            }
            p
        }
        _ => unreachable!("{op} on integers"),
    };
    Scalar::from_i64(t, v as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(op: Op, a: Scalar, b: Scalar) -> Scalar {
        ScalarOp::new(op, &[a.dtype(), b.dtype()], a.dtype()).apply(&[a, b])
    }

    #[test]
    fn special_values() {
        let f = |v| Scalar::from_f64(DType::F64, v);
        let i = |v| Scalar::from_i64(DType::I8, v);
        assert_eq!(binary(Op::Add, f(-0.0), f(0.0)), f(0.0));
        assert_eq!(binary(Op::Add, i(127), i(1)), i(-128));
        assert_eq!(binary(Op::FloorDivide, i(-7), i(2)), i(-4));
        assert_eq!(binary(Op::FloorDivide, i(-128), i(-1)), i(-128));
        assert_eq!(binary(Op::Remainder, i(-7), i(0)), i(0));
        assert_eq!(binary(Op::Power, i(3), i(5)), i(-13));
        assert!(binary(Op::Maximum, f(f64::NAN), f(1.0)).as_f64().is_nan());
        let u = |v| Scalar::from_u64(DType::U64, v);
        assert_eq!(binary(Op::Minimum, u(u64::MAX), u(1)), u(1));
    }
}
