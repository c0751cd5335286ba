//! Primitives on scalars.

use super::emit::Emitter;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{AbiParam, InstBuilder, MemFlagsData, Signature, Type, Value, types};
use frit_ir::dtype::Kind;
use frit_ir::{DType, Prim};
use frit_math::Func;

/// The machine type of a scalar; bool is a byte of 0 or 1.
pub(super) fn ty(t: DType) -> Type {
    match t {
        DType::Bool | DType::I8 | DType::U8 => types::I8,
        DType::I16 | DType::U16 => types::I16,
        DType::I32 | DType::U32 => types::I32,
        DType::I64 | DType::U64 => types::I64,
        DType::F32 => types::F32,
        DType::F64 => types::F64,
        DType::C64 | DType::C128 => unreachable!("kernels have real types only"),
    }
}

/// `base` to the power `exponent`, wrapping; 0 for a negative exponent. Narrower types take the low bits.
extern "C" fn ipow_signed(base: i64, exponent: i64) -> i64 {
    if exponent < 0 { 0 } else { ipow_unsigned(base as u64, exponent as u64) as i64 }
}

extern "C" fn ipow_unsigned(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1u64;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    result
}

/// Greatest common divisor (Euclid).
extern "C" fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The library function of a math primitive.
pub(super) fn function(op: Prim) -> Func {
    match op {
        Prim::Exp => Func::Exp,
        Prim::Exp2 => Func::Exp2,
        Prim::Expm1 => Func::Expm1,
        Prim::Log => Func::Log,
        Prim::Log2 => Func::Log2,
        Prim::Log10 => Func::Log10,
        Prim::Log1p => Func::Log1p,
        Prim::Sin => Func::Sin,
        Prim::Cos => Func::Cos,
        Prim::Tan => Func::Tan,
        Prim::Asin => Func::Asin,
        Prim::Acos => Func::Acos,
        Prim::Atan => Func::Atan,
        Prim::Sinh => Func::Sinh,
        Prim::Cosh => Func::Cosh,
        Prim::Tanh => Func::Tanh,
        Prim::Asinh => Func::Asinh,
        Prim::Acosh => Func::Acosh,
        Prim::Atanh => Func::Atanh,
        Prim::Cbrt => Func::Cbrt,
        Prim::Erf => Func::Erf,
        Prim::Erfc => Func::Erfc,
        Prim::Lgamma => Func::Lgamma,
        Prim::Tgamma => Func::Tgamma,
        Prim::Pow => Func::Pow,
        Prim::Atan2 => Func::Atan2,
        Prim::Hypot => Func::Hypot,
        Prim::Fmod => Func::Fmod,
        Prim::Nextafter => Func::Nextafter,
        other => unreachable!("{other} is not a math function"),
    }
}

fn bits(t: DType) -> i64 {
    t.size() as i64 * 8
}

impl Emitter<'_, '_> {
    /// Calls a function by address.
    pub(super) fn call(
        &mut self,
        address: *const u8,
        params: &[Type],
        result: Option<Type>,
        args: &[Value],
    ) -> Option<Value> {
        let mut signature = Signature::new(self.isa.default_call_conv());
        signature.params = params.iter().map(|t| AbiParam::new(*t)).collect();
        signature.returns = result.iter().map(|t| AbiParam::new(*t)).collect();
        let signature = self.b.import_signature(signature);
        let callee = self.b.ins().iconst(types::I64, address as i64);
        let call = self.b.ins().call_indirect(signature, callee, args);
        result.map(|_| self.b.inst_results(call)[0])
    }

    /// A zero-extended or sign-extended 64-bit integer.
    fn widen(&mut self, v: Value, t: DType) -> Value {
        if t.size() == 8 {
            return v;
        }
        if t.is_signed() { self.b.ins().sextend(types::I64, v) } else { self.b.ins().uextend(types::I64, v) }
    }

    fn narrow(&mut self, v: Value, t: DType) -> Value {
        if t.size() == 8 { v } else { self.b.ins().ireduce(ty(t), v) }
    }

    /// A primitive on scalars of type `t`; `to` is the result type of a conversion.
    pub(super) fn scalar(&mut self, op: Prim, t: DType, to: DType, a: &[Value]) -> Value {
        let (float, signed) = (t.is_float(), t.is_signed());
        match op {
            Prim::Add if float => self.b.ins().fadd(a[0], a[1]),
            Prim::Add => self.b.ins().iadd(a[0], a[1]),
            Prim::Sub if float => self.b.ins().fsub(a[0], a[1]),
            Prim::Sub => self.b.ins().isub(a[0], a[1]),
            Prim::Mul if float => self.b.ins().fmul(a[0], a[1]),
            Prim::Mul => self.b.ins().imul(a[0], a[1]),
            Prim::Div => self.b.ins().fdiv(a[0], a[1]),
            Prim::Fma => self.b.ins().fma(a[0], a[1], a[2]),
            Prim::Neg if float => self.b.ins().fneg(a[0]),
            Prim::Neg => self.b.ins().ineg(a[0]),
            Prim::Abs if float => self.b.ins().fabs(a[0]),
            Prim::Abs if signed => self.b.ins().iabs(a[0]),
            Prim::Abs => a[0],
            Prim::Min | Prim::Max if float => {
                // The comparison fails for NaN and gives the second operand; a NaN in the first is put back.
                let (x, y) = if op == Prim::Min { (a[0], a[1]) } else { (a[1], a[0]) };
                let less = self.b.ins().fcmp(FloatCC::LessThan, x, y);
                let m = self.b.ins().select(less, a[0], a[1]);
                let nan = self.b.ins().fcmp(FloatCC::Unordered, a[0], a[0]);
                self.b.ins().select(nan, a[0], m)
            }
            Prim::Min | Prim::Max => {
                let cc = match (op == Prim::Min, signed) {
                    (true, true) => IntCC::SignedLessThan,
                    (true, false) => IntCC::UnsignedLessThan,
                    (false, true) => IntCC::SignedGreaterThan,
                    (false, false) => IntCC::UnsignedGreaterThan,
                };
                let first = self.b.ins().icmp(cc, a[0], a[1]);
                self.b.ins().select(first, a[0], a[1])
            }
            Prim::Sqrt => self.b.ins().sqrt(a[0]),
            Prim::Floor => self.b.ins().floor(a[0]),
            Prim::Ceil => self.b.ins().ceil(a[0]),
            Prim::Trunc => self.b.ins().trunc(a[0]),
            Prim::Rint => self.b.ins().nearest(a[0]),
            Prim::Copysign => self.b.ins().fcopysign(a[0], a[1]),
            Prim::And => self.b.ins().band(a[0], a[1]),
            Prim::Or => self.b.ins().bor(a[0], a[1]),
            Prim::Xor => self.b.ins().bxor(a[0], a[1]),
            Prim::Not if t == DType::Bool => self.b.ins().bxor_imm_s(a[0], 1),
            Prim::Not => self.b.ins().bnot(a[0]),
            Prim::Shl | Prim::Shr => {
                let arithmetic = op == Prim::Shr && signed;
                let inside = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, a[1], bits(t));
                // A shift by the width or more: 0, or all sign bits.
                let last = self.b.ins().iconst(ty(t), bits(t) - 1);
                let amount = self.b.ins().select(inside, a[1], last);
                let shifted = match (op, arithmetic) {
                    (Prim::Shl, _) => self.b.ins().ishl(a[0], amount),
                    (_, true) => return self.b.ins().sshr(a[0], amount),
                    _ => self.b.ins().ushr(a[0], amount),
                };
                let zero = self.b.ins().iconst(ty(t), 0);
                self.b.ins().select(inside, shifted, zero)
            }
            Prim::IDiv | Prim::IRem => self.divide(op, t, a),
            Prim::IPow => {
                let (x, y) = (self.widen(a[0], t), self.widen(a[1], t));
                let address = if signed { ipow_signed as *const u8 } else { ipow_unsigned as *const u8 };
                let r = self.call(address, &[types::I64; 2], Some(types::I64), &[x, y]).expect("a result");
                self.narrow(r, t)
            }
            Prim::Gcd => {
                let magnitude = |e: &mut Self, v: Value| {
                    let w = e.widen(v, t);
                    if signed { e.b.ins().iabs(w) } else { w }
                };
                let (x, y) = (magnitude(self, a[0]), magnitude(self, a[1]));
                let r = self
                    .call(gcd as *const u8, &[types::I64; 2], Some(types::I64), &[x, y])
                    .expect("a result");
                self.narrow(r, t)
            }
            Prim::Eq | Prim::Ne | Prim::Lt | Prim::Le if float => {
                let cc = match op {
                    Prim::Eq => FloatCC::Equal,
                    Prim::Ne => FloatCC::NotEqual,
                    Prim::Lt => FloatCC::LessThan,
                    _ => FloatCC::LessThanOrEqual,
                };
                self.b.ins().fcmp(cc, a[0], a[1])
            }
            Prim::Eq | Prim::Ne | Prim::Lt | Prim::Le => {
                self.b.ins().icmp(integer_condition(op, signed), a[0], a[1])
            }
            Prim::Select => self.b.ins().select(a[0], a[1], a[2]),
            Prim::Cast => self.cast(t, to, a[0]),
            Prim::Bitcast if t.is_float() == to.is_float() => a[0],
            Prim::Bitcast => self.b.ins().bitcast(ty(to), MemFlagsData::new(), a[0]),
            Prim::Exp
            | Prim::Exp2
            | Prim::Expm1
            | Prim::Log
            | Prim::Log2
            | Prim::Log10
            | Prim::Log1p
            | Prim::Sin
            | Prim::Cos
            | Prim::Tan
            | Prim::Asin
            | Prim::Acos
            | Prim::Atan
            | Prim::Sinh
            | Prim::Cosh
            | Prim::Tanh
            | Prim::Asinh
            | Prim::Acosh
            | Prim::Atanh
            | Prim::Cbrt
            | Prim::Erf
            | Prim::Erfc
            | Prim::Lgamma
            | Prim::Tgamma
            | Prim::Pow
            | Prim::Atan2
            | Prim::Hypot
            | Prim::Fmod
            | Prim::Nextafter => {
                let f = function(op);
                let address = if t == DType::F64 { f.scalar_f64() } else { f.scalar_f32() };
                self.call(address, &vec![ty(t); a.len()], Some(ty(t)), a).expect("a result")
            }
        }
    }

    /// Division without traps: by zero gives 0, `MIN / -1` wraps.
    fn divide(&mut self, op: Prim, t: DType, a: &[Value]) -> Value {
        // At least 32 bits: narrow division has no instruction of its own.
        let wide = if t.size() < 4 { types::I32 } else { ty(t) };
        let (x, y) = if t.size() < 4 {
            let extend = |e: &mut Self, v: Value| {
                if t.is_signed() {
                    e.b.ins().sextend(types::I32, v)
                } else {
                    e.b.ins().uextend(types::I32, v)
                }
            };
            (extend(self, a[0]), extend(self, a[1]))
        } else {
            (a[0], a[1])
        };
        let by_zero = self.b.ins().icmp_imm_s(IntCC::Equal, y, 0);
        let one = self.b.ins().iconst(wide, 1);
        let zero = self.b.ins().iconst(wide, 0);
        let mut safe = self.b.ins().select(by_zero, one, y);
        let mut minus_one = None;
        if t.is_signed() {
            let m = self.b.ins().icmp_imm_s(IntCC::Equal, y, -1);
            safe = self.b.ins().select(m, one, safe);
            minus_one = Some(m);
        }
        let q = if t.is_signed() { self.b.ins().sdiv(x, safe) } else { self.b.ins().udiv(x, safe) };
        let mut r = if op == Prim::IDiv {
            q
        } else {
            let p = self.b.ins().imul(q, safe);
            self.b.ins().isub(x, p)
        };
        if let (Some(m), Prim::IDiv) = (minus_one, op) {
            let negated = self.b.ins().ineg(x);
            r = self.b.ins().select(m, negated, r);
        }
        r = self.b.ins().select(by_zero, zero, r);
        if t.size() < 4 { self.b.ins().ireduce(ty(t), r) } else { r }
    }

    /// `astype`, with `dtype::float_to_int` for floats out of range.
    fn cast(&mut self, from: DType, to: DType, v: Value) -> Value {
        if from == to {
            return v;
        }
        if to == DType::Bool {
            if from.is_float() {
                let zero =
                    if from == DType::F64 { self.b.ins().f64const(0.0) } else { self.b.ins().f32const(0.0) };
                return self.b.ins().fcmp(FloatCC::NotEqual, v, zero);
            }
            return self.b.ins().icmp_imm_s(IntCC::NotEqual, v, 0);
        }
        match (from.kind(), to.kind()) {
            (Kind::Float, Kind::Float) => {
                if to == DType::F64 {
                    self.b.ins().fpromote(types::F64, v)
                } else {
                    self.b.ins().fdemote(types::F32, v)
                }
            }
            (Kind::Float, _) => {
                let x = if from == DType::F32 { self.b.ins().fpromote(types::F64, v) } else { v };
                self.float_to_int(to, x)
            }
            (_, Kind::Float) => {
                let signed = from.is_signed();
                let wide = if from.size() < 4 {
                    if signed {
                        self.b.ins().sextend(types::I32, v)
                    } else {
                        self.b.ins().uextend(types::I32, v)
                    }
                } else {
                    v
                };
                if signed {
                    self.b.ins().fcvt_from_sint(ty(to), wide)
                } else {
                    self.b.ins().fcvt_from_uint(ty(to), wide)
                }
            }
            _ => match from.size().cmp(&to.size()) {
                std::cmp::Ordering::Equal => v,
                std::cmp::Ordering::Greater => self.b.ins().ireduce(ty(to), v),
                std::cmp::Ordering::Less if from.is_signed() => self.b.ins().sextend(ty(to), v),
                std::cmp::Ordering::Less => self.b.ins().uextend(ty(to), v),
            },
        }
    }

    fn float_to_int(&mut self, to: DType, x: Value) -> Value {
        const TWO_63: f64 = 9_223_372_036_854_775_808.0;
        let in_range = |e: &mut Self, x: Value, lo: f64, hi: f64, open: bool| {
            let (l, h) = (e.b.ins().f64const(lo), e.b.ins().f64const(hi));
            let cc = if open { FloatCC::LessThan } else { FloatCC::LessThanOrEqual };
            let above = e.b.ins().fcmp(cc, l, x);
            let below = e.b.ins().fcmp(FloatCC::LessThan, x, h);
            e.b.ins().band(above, below)
        };
        let to_i64 = |e: &mut Self, x: Value| {
            let ok = in_range(e, x, -TWO_63, TWO_63, false);
            let r = e.b.ins().fcvt_to_sint_sat(types::I64, x);
            let min = e.b.ins().iconst(types::I64, i64::MIN);
            e.b.ins().select(ok, r, min)
        };
        match to {
            DType::I64 => to_i64(self, x),
            DType::U32 => {
                let r = to_i64(self, x);
                self.b.ins().ireduce(types::I32, r)
            }
            DType::U64 => {
                let limit = self.b.ins().f64const(TWO_63);
                let high = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, x, limit);
                let shifted = self.b.ins().fsub(x, limit);
                let y = self.b.ins().select(high, shifted, x);
                let r = to_i64(self, y);
                let flipped = self.b.ins().bxor_imm_s(r, i64::MIN);
                self.b.ins().select(high, flipped, r)
            }
            _ => {
                let ok = in_range(self, x, -2147483649.0, 2147483648.0, true);
                let r = self.b.ins().fcvt_to_sint_sat(types::I32, x);
                let min = self.b.ins().iconst(types::I32, i64::from(i32::MIN));
                let r = self.b.ins().select(ok, r, min);
                if to.size() == 4 { r } else { self.b.ins().ireduce(ty(to), r) }
            }
        }
    }
}

pub(super) fn integer_condition(op: Prim, signed: bool) -> IntCC {
    match (op, signed) {
        (Prim::Eq, _) => IntCC::Equal,
        (Prim::Ne, _) => IntCC::NotEqual,
        (Prim::Lt, true) => IntCC::SignedLessThan,
        (Prim::Lt, false) => IntCC::UnsignedLessThan,
        (_, true) => IntCC::SignedLessThanOrEqual,
        (_, false) => IntCC::UnsignedLessThanOrEqual,
    }
}
