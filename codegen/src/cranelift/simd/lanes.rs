//! Values of a trip: as many vectors as its elements need at their width.
//!
//! A trip handles `n` elements, 16 bytes or more of the widest type in the loop. A value of 8-byte elements then takes
//! more vectors than one of 4-byte elements; a value that does not fill one vector occupies its low lanes, and what
//! the others hold means nothing. Widths change by halving and doubling, which is what machines have.
//!
//! A bool is a mask: all bits of its lane, at any lane width.

use super::super::emit::Emitter;
use super::super::prim::ty;
use cranelift_codegen::ir::{
    ConstantData, Endianness, Immediate, InstBuilder, MemFlagsData, Type, Value, types,
};
use frit_ir::DType;

/// The vectors of one value.
pub(super) type Parts = Vec<Value>;

/// Bytes of a vector.
pub(super) const VECTOR: i64 = 16;

/// The number of vectors that `n` elements of a width take.
pub(super) fn parts(n: i64, width: i64) -> usize {
    (n * width / VECTOR).max(1) as usize
}

/// The lane of an element; that of a mask has `width` bytes.
pub(super) fn lane(t: DType, width: i64) -> Type {
    if t == DType::Bool { integer(width) } else { ty(t) }
}

/// Integer lanes of a width.
pub(super) fn integer(width: i64) -> Type {
    match width {
        1 => types::I8,
        2 => types::I16,
        4 => types::I32,
        _ => types::I64,
    }
}

/// A whole vector of lanes.
pub(super) fn vector(lane: Type) -> Type {
    lane.by(128 / lane.bits()).expect("lanes divide a vector")
}

impl Emitter<'_, '_> {
    /// Bytes per lane.
    pub(super) fn lane_width(&self, v: Value) -> i64 {
        i64::from(self.b.func.dfg.value_type(v).lane_bits() / 8)
    }

    /// The same bits as another vector type.
    pub(super) fn vector_as(&mut self, v: Value, t: Type) -> Value {
        if self.b.func.dfg.value_type(v) == t {
            return v;
        }
        self.b.ins().bitcast(t, MemFlagsData::new().with_endianness(Endianness::Little), v)
    }

    fn vector_bytes(&mut self, lane: Type, bytes: Vec<u8>) -> Value {
        let c = self.b.func.dfg.constants.insert(ConstantData::from(bytes));
        self.b.ins().vconst(vector(lane), c)
    }

    /// A vector constant with the same bits in every lane.
    pub(super) fn vector_const(&mut self, lane: Type, bits: u64) -> Value {
        let width = lane.bytes() as usize;
        self.vector_bytes(lane, (0..16).map(|k| bits.to_le_bytes()[k % width]).collect())
    }

    /// Consecutive multiples of `step`, the first of them `first` steps, in 64-bit lanes.
    pub(super) fn vector_ramp(&mut self, first: i64, step: i64) -> Value {
        let bytes = (first..first + 2).flat_map(|k| k.wrapping_mul(step).to_le_bytes()).collect();
        self.vector_bytes(types::I64, bytes)
    }

    /// All bits set from a byte on.
    pub(super) fn lanes_from(&mut self, lane: Type, byte: i64) -> Value {
        self.vector_bytes(lane, (0..VECTOR).map(|k| if k < byte { 0 } else { 0xff }).collect())
    }

    fn shuffle(&mut self, a: Value, b: Value, pick: impl Fn(u8) -> u8) -> Value {
        let bytes: Vec<u8> = (0..16).map(pick).collect();
        let imm: Immediate = self.b.func.dfg.immediates.push(ConstantData::from(bytes));
        let t = self.b.func.dfg.value_type(a);
        let (x, y) = (self.vector_as(a, types::I8X16), self.vector_as(b, types::I8X16));
        let r = self.b.ins().shuffle(x, y, imm);
        self.vector_as(r, t)
    }

    /// The low halves of two vectors.
    fn low_halves(&mut self, a: Value, b: Value) -> Value {
        self.shuffle(a, b, |k| if k < 8 { k } else { k + 8 })
    }

    /// The high half, moved down.
    fn high_half(&mut self, a: Value) -> Value {
        self.shuffle(a, a, |k| k % 8 + 8)
    }

    /// Pairs of vectors made one each; a lone vector keeps its upper lanes for nothing.
    fn pairs(&mut self, all: &[Value], mut f: impl FnMut(&mut Self, Value, Value) -> Value) -> Parts {
        all.chunks(2).map(|p| f(self, p[0], *p.last().expect("not empty"))).collect()
    }

    /// Every vector made two, or one if that is all there is.
    fn halves(
        &mut self,
        all: &[Value],
        count: usize,
        mut f: impl FnMut(&mut Self, Value, bool) -> Value,
    ) -> Parts {
        (0..count).map(|k| f(self, all[k / 2], k % 2 == 1)).collect()
    }

    /// Integers of another width: extended, or the low bits.
    pub(super) fn resize(&mut self, mut all: Parts, n: i64, to: i64, signed: bool) -> Parts {
        while self.lane_width(all[0]) < to {
            let count = parts(n, self.lane_width(all[0]) * 2);
            all = self.halves(&all, count, |e, v, high| match (signed, high) {
                (true, false) => e.b.ins().swiden_low(v),
                (true, true) => e.b.ins().swiden_high(v),
                (false, false) => e.b.ins().uwiden_low(v),
                (false, true) => e.b.ins().uwiden_high(v),
            });
        }
        while self.lane_width(all[0]) > to {
            let width = self.lane_width(all[0]);
            if width == 8 {
                all = self.even_words(&all);
                continue;
            }
            // Without the upper bits nothing saturates.
            let low = self.vector_const(integer(width), if width == 4 { 0xffff } else { 0xff });
            let cut: Parts = all.iter().map(|v| self.b.ins().band(*v, low)).collect();
            all = self.pairs(&cut, |e, a, b| e.b.ins().unarrow(a, b));
        }
        all
    }

    /// A mask of another width.
    pub(super) fn resize_mask(&mut self, mut all: Parts, n: i64, to: i64) -> Parts {
        if self.lane_width(all[0]) <= to {
            return self.resize(all, n, to, true);
        }
        while self.lane_width(all[0]) > to {
            all = if self.lane_width(all[0]) == 8 {
                self.even_words(&all)
            } else {
                self.pairs(&all, |e, a, b| e.b.ins().snarrow(a, b))
            };
        }
        all
    }

    /// The low halves of 64-bit lanes.
    fn even_words(&mut self, all: &[Value]) -> Parts {
        self.pairs(all, |e, a, b| {
            let v = e.shuffle(a, b, |k| k % 4 + k / 4 * 8);
            e.vector_as(v, types::I32X4)
        })
    }

    /// `f32` to `f64`.
    pub(super) fn promote(&mut self, all: &[Value], n: i64) -> Parts {
        self.halves(all, parts(n, 8), |e, v, high| {
            let v = if high { e.high_half(v) } else { v };
            e.b.ins().fvpromote_low(v)
        })
    }

    /// `f64` to `f32`.
    pub(super) fn demote(&mut self, all: &[Value]) -> Parts {
        let narrow: Parts = all.iter().map(|v| self.b.ins().fvdemote(*v)).collect();
        self.merge_low(&narrow)
    }

    /// Pairs of vectors of which the low halves count, made one each.
    pub(super) fn merge_low(&mut self, all: &[Value]) -> Parts {
        if let [one] = all {
            return vec![*one];
        }
        self.pairs(all, |e, a, b| e.low_halves(a, b))
    }

    /// 32-bit integers to `f64`.
    pub(super) fn int_to_double(&mut self, all: &[Value], n: i64, signed: bool) -> Parts {
        self.halves(all, parts(n, 8), |e, v, high| {
            let v = if high { e.high_half(v) } else { v };
            if signed {
                let wide = e.b.ins().swiden_low(v);
                e.b.ins().fcvt_from_sint(types::F64X2, wide)
            } else {
                let wide = e.b.ins().uwiden_low(v);
                e.b.ins().fcvt_from_uint(types::F64X2, wide)
            }
        })
    }

    /// Signed 64-bit integers to `f64`, rounded once: the halves become the mantissas of numbers near `2^84` and `2^52`,
    /// whose offsets cancel exactly (the sign bit counts as `+2^63` before it cancels too).
    pub(super) fn long_to_double(&mut self, v: Value) -> Value {
        let low = self.vector_const(types::I64, 0xffff_ffff);
        let two_52 = self.vector_const(types::I64, 0x4330_0000_0000_0000);
        let two_84_and_sign = self.vector_const(types::I64, 0x4530_0000_8000_0000);
        let offsets = self.vector_const(types::F64, 0x4530_0000_8010_0000);
        let low = self.b.ins().band(v, low);
        let low = self.b.ins().bor(low, two_52);
        let high = self.b.ins().ushr_imm_u(v, 32);
        let high = self.b.ins().bxor(high, two_84_and_sign);
        let (low, high) = (self.vector_as(low, types::F64X2), self.vector_as(high, types::F64X2));
        let high = self.b.ins().fsub(high, offsets);
        self.b.ins().fadd(low, high)
    }

    /// A scalar in every lane; a bool as a mask of a width.
    pub(super) fn spread(&mut self, t: DType, x: Value, width: i64) -> Value {
        let x = self.lane_of(t, x, width);
        self.b.ins().splat(vector(lane(t, width)), x)
    }

    /// What a lane holds for a scalar.
    fn lane_of(&mut self, t: DType, x: Value, width: i64) -> Value {
        if t != DType::Bool {
            return x;
        }
        let wide = if width == 1 { x } else { self.b.ins().uextend(integer(width), x) };
        self.b.ins().ineg(wide)
    }

    /// One element as a scalar.
    pub(super) fn element(&mut self, all: &[Value], t: DType, k: i64) -> Value {
        let width = self.lane_width(all[0]);
        let per = VECTOR / width;
        let x = self.b.ins().extractlane(all[(k / per) as usize], (k % per) as u8);
        if t != DType::Bool {
            return x;
        }
        let byte = if width == 1 { x } else { self.b.ins().ireduce(types::I8, x) };
        self.b.ins().band_imm_s(byte, 1)
    }

    /// Vectors from one scalar per element.
    pub(super) fn collect(&mut self, t: DType, elements: &[Value], width: i64) -> Parts {
        let kind = vector(lane(t, width));
        elements
            .chunks((VECTOR / width) as usize)
            .map(|some| {
                let first = self.lane_of(t, some[0], width);
                let mut v = self.b.ins().splat(kind, first);
                for (k, x) in some.iter().enumerate().skip(1) {
                    let x = self.lane_of(t, *x, width);
                    v = self.b.ins().insertlane(v, x, k as u8);
                }
                v
            })
            .collect()
    }

    /// Consecutive elements in memory; bools become a mask one byte wide.
    pub(super) fn load_parts(&mut self, t: DType, p: Value, n: i64) -> Parts {
        let width = t.size() as i64;
        let kind = vector(lane(t, 1));
        let all: Parts = match n * width {
            bytes @ (1 | 2) => {
                let x = if bytes == 1 {
                    self.b.ins().uload8(types::I32, Self::flags(), p, 0)
                } else {
                    self.b.ins().uload16(types::I32, Self::flags(), p, 0)
                };
                let v = self.b.ins().scalar_to_vector(types::I32X4, x);
                vec![self.vector_as(v, kind)]
            }
            bytes @ (4 | 8) => {
                let scalar = integer(bytes);
                let x = self.b.ins().load(scalar, Self::flags(), p, 0);
                let v = self.b.ins().scalar_to_vector(vector(scalar), x);
                vec![self.vector_as(v, kind)]
            }
            bytes => (0..bytes / VECTOR)
                .map(|k| self.b.ins().load(kind, Self::flags(), p, (k * VECTOR) as i32))
                .collect(),
        };
        if t != DType::Bool {
            return all;
        }
        all.into_iter().map(|v| self.b.ins().ineg(v)).collect()
    }

    /// Stores consecutive elements; a mask of bools is one byte wide.
    pub(super) fn store_parts(&mut self, t: DType, p: Value, n: i64, all: &[Value]) {
        let width = t.size() as i64;
        for (k, v) in all.iter().enumerate() {
            let v = if t == DType::Bool {
                let one = self.vector_const(types::I8, 1);
                self.b.ins().band(*v, one)
            } else {
                *v
            };
            let scalar = match n * width {
                1 => types::I8,
                2 => types::I16,
                4 => types::F32,
                8 => types::F64,
                _ => {
                    self.b.ins().store(Self::flags(), v, p, (k as i64 * VECTOR) as i32);
                    continue;
                }
            };
            let v = self.vector_as(v, vector(scalar));
            let x = self.b.ins().extractlane(v, 0);
            self.b.ins().store(Self::flags(), x, p, 0);
        }
    }
}
