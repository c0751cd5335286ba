//! Scalar functions applied to known values: what constant folding needs.

use frit_ir::dtype::Kind;
use frit_ir::prim::{ScalarFn, ScalarInst};
use frit_ir::{DType, Prim, Scalar};

/// Applies a scalar function; `None` if it uses a primitive that is not evaluated here.
pub(crate) fn apply(f: &ScalarFn, args: &[Scalar]) -> Option<Vec<Scalar>> {
    let mut values = args.to_vec();
    for inst in &f.insts {
        let v = match inst {
            ScalarInst::Const(c) => *c,
            ScalarInst::Prim(op, to, operands) => {
                let operands: Vec<Scalar> = operands.iter().map(|v| values[v.0 as usize]).collect();
                prim(*op, *to, &operands)?
            }
        };
        values.push(v);
    }
    Some(f.results.iter().map(|v| values[v.0 as usize]).collect())
}

/// One primitive on known operands.
fn prim(op: Prim, to: DType, a: &[Scalar]) -> Option<Scalar> {
    let t = a.last()?.dtype();
    match op {
        Prim::Select => return Some(if a[0].as_i64() != 0 { a[1] } else { a[2] }),
        Prim::Cast => return Some(a[0].cast(to)),
        Prim::Bitcast => {
            let mut bytes = a[0].to_bytes();
            bytes.resize(to.size(), 0);
            return Some(Scalar::from_bytes(to, &bytes));
        }
        Prim::Eq | Prim::Ne | Prim::Lt | Prim::Le => return Some(Scalar::bool(compare(op, a[0], a[1]))),
        _ => {}
    }
    match t.kind() {
        Kind::Float if t == DType::F32 => float(op, t, a, |v| v as f32 as f64),
        Kind::Float => float(op, t, a, |v| v),
        Kind::Int | Kind::UInt | Kind::Bool => integer(op, t, a),
        Kind::Complex => None,
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

fn wide(s: Scalar) -> i128 {
    if s.dtype().is_signed() { s.as_i64() as i128 } else { s.bits()[0] as i128 }
}

/// f32 arithmetic in f64, rounded: exact for one operation.
fn float(op: Prim, t: DType, a: &[Scalar], round: fn(f64) -> f64) -> Option<Scalar> {
    let x = a[0].as_f64();
    let y = a.get(1).map_or(0.0, |s| s.as_f64());
    let v = match op {
        Prim::Add => x + y,
        Prim::Sub => x - y,
        Prim::Mul => x * y,
        Prim::Div => x / y,
        Prim::Neg => -x,
        Prim::Abs => x.abs(),
        Prim::Min if x.is_nan() || y.is_nan() => f64::NAN,
        Prim::Min => {
            if y < x {
                y
            } else {
                x
            }
        }
        Prim::Max if x.is_nan() || y.is_nan() => f64::NAN,
        Prim::Max => {
            if x < y {
                y
            } else {
                x
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
        Prim::Atan2 => x.atan2(y),
        Prim::Hypot => x.hypot(y),
        Prim::Cbrt => x.cbrt(),
        Prim::Pow => x.powf(y),
        _ => return None,
    };
    Some(Scalar::from_f64(t, round(v)))
}

fn integer(op: Prim, t: DType, a: &[Scalar]) -> Option<Scalar> {
    let x = wide(a[0]);
    let y = a.get(1).map_or(0, |s| wide(*s));
    let bits = t.size() as i128 * 8;
    let by = if y < 0 || y >= bits { bits } else { y };
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
        Prim::Shl => {
            if by == bits {
                0
            } else {
                x << by
            }
        }
        Prim::Shr => {
            if by == bits && x < 0 {
                -1
            } else if by == bits {
                0
            } else {
                x >> by
            }
        }
        Prim::IDiv => {
            if y == 0 {
                0
            } else {
                x / y
            }
        }
        Prim::IRem => {
            if y == 0 {
                0
            } else {
                x % y
            }
        }
        Prim::IPow if y < 0 => 0,
        Prim::IPow => {
            let (mut base, mut left, mut out) = (x as u64, y as u64, 1u64);
            while left > 0 {
                if left & 1 == 1 {
                    out = out.wrapping_mul(base);
                }
                base = base.wrapping_mul(base);
                left >>= 1;
            }
            out as i64 as i128
        }
        _ => return None,
    };
    Some(Scalar::from_i64(t, v as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use frit_ir::Op;

    fn binary(op: Op, a: Scalar, b: Scalar) -> Scalar {
        apply(&op.scalar_fn(&[a.dtype(), b.dtype()], a.dtype()), &[a, b]).expect("evaluates")[0]
    }

    #[test]
    fn special_values() {
        let f = |v| Scalar::from_f64(DType::F64, v);
        let i = |v| Scalar::from_i64(DType::I8, v);
        assert_eq!(binary(Op::Add, f(-0.0), f(0.0)), f(0.0));
        assert_eq!(binary(Op::Add, i(127), i(1)), i(-128));
        assert_eq!(binary(Op::FloorDivide, i(-7), i(2)), i(-4));
        assert_eq!(binary(Op::Power, i(3), i(5)), i(-13));
        assert!(binary(Op::Maximum, f(f64::NAN), f(1.0)).as_f64().is_nan());
    }
}
