//! Primitives on vectors.
//!
//! Operands of one primitive have lanes of one width (masks are brought to it first), except for conversions. What the
//! machine has for scalars only is applied element by element.

use super::super::emit::Emitter;
use super::super::prim::integer_condition;
use super::lanes::{Parts, VECTOR, integer, lane, parts, vector};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use frit_ir::dtype::Kind;
use frit_ir::prim::PrimType;
use frit_ir::{DType, Prim, Scalar};

/// Shift amounts that are the same constant for all elements.
pub(super) type Amount = Option<i64>;

impl Emitter<'_, '_> {
    /// True if [`Emitter::apply`] has instructions for whole vectors, rather than going through the elements.
    pub(super) fn vectorizes(&self, op: Prim, t: DType, to: DType, amount: Amount) -> bool {
        match op {
            Prim::Shl | Prim::Shr => amount.is_some_and(|k| (0..t.size() as i64 * 8).contains(&k)),
            Prim::IDiv | Prim::IRem | Prim::IPow | Prim::Gcd => false,
            Prim::Cast => match (t.kind(), to.kind()) {
                // No machine without 512-bit extensions has these; by halves they would be rounded twice.
                (Kind::Int | Kind::UInt, Kind::Float) => t.size() < 8 || to == DType::F64,
                (Kind::Float, Kind::Int | Kind::UInt) => {
                    let narrow = !matches!(to, DType::I64 | DType::U64 | DType::U32);
                    narrow && cfg!(target_arch = "x86_64")
                }
                _ => true,
            },
            _ => !op.is_math(),
        }
    }

    /// A primitive on `n` elements of type `t`; a bool result is a mask of lanes of `width` bytes.
    #[allow(clippy::too_many_arguments, reason = "a primitive with its types, and where it happens")]
    pub(super) fn apply(
        &mut self,
        op: Prim,
        t: DType,
        to: DType,
        args: &[Parts],
        amount: Amount,
        n: i64,
        width: i64,
    ) -> Parts {
        if !self.vectorizes(op, t, to, amount) {
            return self.by_element(op, t, to, args, n, width);
        }
        if op == Prim::Cast {
            return self.convert(t, to, &args[0], n, width);
        }
        (0..args[0].len())
            .map(|k| {
                let a: Vec<Value> = args.iter().map(|p| p[k]).collect();
                self.on_vectors(op, t, to, &a, amount)
            })
            .collect()
    }

    fn by_element(&mut self, op: Prim, t: DType, to: DType, args: &[Parts], n: i64, width: i64) -> Parts {
        let elements: Vec<Value> = (0..n)
            .map(|k| {
                let scalars: Vec<Value> = args
                    .iter()
                    .enumerate()
                    .map(|(i, v)| {
                        let mask = i == 0 && op.typing() == PrimType::Select;
                        self.element(v, if mask { DType::Bool } else { t }, k)
                    })
                    .collect();
                self.scalar(op, t, to, &scalars)
            })
            .collect();
        self.collect(to, &elements, width)
    }

    /// Lanes of `x` where the mask is set, else of `y`.
    pub(super) fn choose(&mut self, mask: Value, x: Value, y: Value) -> Value {
        let t = self.b.func.dfg.value_type(x);
        let mask = self.vector_as(mask, t);
        self.b.ins().bitselect(mask, x, y)
    }

    fn on_vectors(&mut self, op: Prim, t: DType, to: DType, a: &[Value], amount: Amount) -> Value {
        let (float, signed) = (t.is_float(), t.is_signed());
        match op {
            Prim::Mul if t.size() == 1 => self.multiply_bytes(a[0], a[1]),
            Prim::Add
            | Prim::Sub
            | Prim::Mul
            | Prim::Div
            | Prim::Fma
            | Prim::Neg
            | Prim::Abs
            | Prim::Sqrt
            | Prim::Floor
            | Prim::Ceil
            | Prim::Trunc
            | Prim::Rint
            | Prim::And
            | Prim::Or
            | Prim::Xor => self.scalar(op, t, to, a),
            Prim::Not => self.b.ins().bnot(a[0]),
            Prim::Copysign => {
                let sign = 1u64 << (t.size() * 8 - 1);
                let sign = self.vector_const(integer(t.size() as i64), sign);
                self.choose(sign, a[1], a[0])
            }
            Prim::Min | Prim::Max if float => {
                // The comparison fails for NaN and gives the second operand; a NaN in the first is put back.
                let (x, y) = if op == Prim::Min { (a[0], a[1]) } else { (a[1], a[0]) };
                let less = self.b.ins().fcmp(FloatCC::LessThan, x, y);
                let m = self.choose(less, a[0], a[1]);
                let nan = self.b.ins().fcmp(FloatCC::Unordered, a[0], a[0]);
                self.choose(nan, a[0], m)
            }
            Prim::Min if t == DType::Bool => self.b.ins().band(a[0], a[1]),
            Prim::Max if t == DType::Bool => self.b.ins().bor(a[0], a[1]),
            Prim::Min if signed => self.b.ins().smin(a[0], a[1]),
            Prim::Min => self.b.ins().umin(a[0], a[1]),
            Prim::Max if signed => self.b.ins().smax(a[0], a[1]),
            Prim::Max => self.b.ins().umax(a[0], a[1]),
            Prim::Eq | Prim::Ne | Prim::Lt | Prim::Le if float => self.scalar(op, t, to, a),
            Prim::Eq | Prim::Ne | Prim::Lt | Prim::Le if t == DType::Bool => {
                // On masks: equal bits, both, or a false first one.
                let x = match op {
                    Prim::Eq | Prim::Ne => self.b.ins().bxor(a[0], a[1]),
                    _ => {
                        let not = self.b.ins().bnot(a[0]);
                        return match op {
                            Prim::Lt => self.b.ins().band(not, a[1]),
                            _ => self.b.ins().bor(not, a[1]),
                        };
                    }
                };
                if op == Prim::Ne { x } else { self.b.ins().bnot(x) }
            }
            Prim::Eq | Prim::Ne | Prim::Lt | Prim::Le => {
                self.b.ins().icmp(integer_condition(op, signed), a[0], a[1])
            }
            Prim::Select => self.choose(a[0], a[1], a[2]),
            Prim::Bitcast => self.vector_as(a[0], vector(lane(to, VECTOR))),
            Prim::Shl | Prim::Shr => {
                let by = self.b.ins().iconst(types::I32, amount.expect("a known amount"));
                match (op, signed) {
                    (Prim::Shl, _) => self.b.ins().ishl(a[0], by),
                    (_, true) => self.b.ins().sshr(a[0], by),
                    _ => self.b.ins().ushr(a[0], by),
                }
            }
            other => unreachable!("{other} on vectors"),
        }
    }

    /// There is no product of bytes: the low bytes of products of wider lanes.
    fn multiply_bytes(&mut self, x: Value, y: Value) -> Value {
        let low = self.vector_const(types::I16, 0xff);
        let (x0, y0) = (self.b.ins().uwiden_low(x), self.b.ins().uwiden_low(y));
        let (x1, y1) = (self.b.ins().uwiden_high(x), self.b.ins().uwiden_high(y));
        let (p0, p1) = (self.b.ins().imul(x0, y0), self.b.ins().imul(x1, y1));
        let (p0, p1) = (self.b.ins().band(p0, low), self.b.ins().band(p1, low));
        self.b.ins().unarrow(p0, p1)
    }

    /// `astype`; see `vectorizes` for the conversions that do not come here.
    fn convert(&mut self, from: DType, to: DType, all: &Parts, n: i64, width: i64) -> Parts {
        if from == to {
            return all.clone();
        }
        let size = to.size() as i64;
        match (from.kind(), to.kind()) {
            (Kind::Bool, _) => {
                // Where the mask is set, the bits of one; the caller has brought the mask to the width of the result.
                let one = self.vector_const(integer(size), Scalar::one(to).bits()[0]);
                all.iter()
                    .map(|v| {
                        let r =
                            if to.is_float() { self.b.ins().band(*v, one) } else { self.b.ins().ineg(*v) };
                        self.vector_as(r, vector(lane(to, size)))
                    })
                    .collect()
            }
            (Kind::Float, Kind::Bool) => {
                let zero = self.vector_const(lane(from, width), 0);
                all.iter().map(|v| self.b.ins().fcmp(FloatCC::NotEqual, *v, zero)).collect()
            }
            (_, Kind::Bool) => {
                let zero = self.vector_const(lane(from, width), 0);
                all.iter().map(|v| self.b.ins().icmp(integer_condition(Prim::Ne, true), *v, zero)).collect()
            }
            (Kind::Float, Kind::Float) if to == DType::F64 => self.promote(all, n),
            (Kind::Float, Kind::Float) => self.demote(all),
            (Kind::Float, _) => {
                // Out of range gives the least integer of 32 bits, as NumPy does; narrower types take its low bits.
                let words: Parts = if from == DType::F32 {
                    all.iter().map(|v| self.b.ins().x86_cvtt2dq(types::I32X4, *v)).collect()
                } else {
                    let halves: Parts = all
                        .iter()
                        .map(|v| {
                            let zero = self.vector_const(types::I64, 0);
                            let long = self.b.ins().x86_cvtt2dq(types::I64X2, *v);
                            self.b.ins().snarrow(long, zero)
                        })
                        .collect();
                    self.merge_low(&halves)
                };
                self.resize(words, n, size, true)
            }
            (kind, Kind::Float) if from.size() == 8 => all
                .iter()
                .map(|v| match kind {
                    Kind::Int => self.long_to_double(*v),
                    _ => self.b.ins().fcvt_from_uint(types::F64X2, *v),
                })
                .collect(),
            (_, Kind::Float) => {
                let unsigned = from == DType::U32;
                let words = self.resize(all.clone(), n, 4, from.is_signed());
                if to == DType::F64 {
                    return self.int_to_double(&words, n, !unsigned);
                }
                words
                    .iter()
                    .map(|v| {
                        if unsigned {
                            self.b.ins().fcvt_from_uint(types::F32X4, *v)
                        } else {
                            self.b.ins().fcvt_from_sint(types::F32X4, *v)
                        }
                    })
                    .collect()
            }
            _ => {
                debug_assert_eq!(all.len(), parts(n, from.size() as i64));
                self.resize(all.clone(), n, size, from.is_signed())
            }
        }
    }
}
