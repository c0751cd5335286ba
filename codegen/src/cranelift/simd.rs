//! `vector` loops: 128-bit SIMD in several interleaved chains.
//!
//! All data in such a loop has one width (4 or 8 bytes); bools are lane masks. Each statement is emitted for every
//! chain before the next statement, which keeps as many independent instructions in flight. A loop with one chain and
//! a scalar loop finish what is left. A primitive that the machine has for scalars only is applied lane by lane.

use super::emit::Emitter;
use super::prim::{integer_condition, ty};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::Variable;
use frit_ir::dim::{Dim, Symbol};
use frit_ir::kernel::{Mem, Stmt, symbol_val};
use frit_ir::prim::{PrimType, Val};
use frit_ir::{DType, Prim};
use std::collections::HashMap;

/// How an element's address moves with the loop.
#[derive(Clone)]
enum Access {
    /// Consecutive elements from this address (that of index 0).
    Unit(Value),
    /// A constant distance in bytes; 0 for an invariant address.
    Strided(Value, Value),
    /// Computed lane by lane.
    Irregular,
}

struct Vectors<'s> {
    index: &'s Symbol,
    /// Bytes per lane.
    width: i64,
    accesses: HashMap<(Mem, Vec<Dim>), Access>,
    /// Values spread over lanes before the loop.
    splats: HashMap<Val, Value>,
    /// Vector accumulators, one list of chains per variable.
    accumulators: Vec<(Variable, Prim, DType, Vec<Variable>)>,
}

/// Values of one trip: a vector per chain.
type Chains = HashMap<Val, Vec<Value>>;

fn vector_type(t: DType, width: i64) -> Type {
    match (t, width) {
        (DType::F64, _) => types::F64X2,
        (DType::F32, _) => types::F32X4,
        (_, 8) => types::I64X2,
        _ => types::I32X4,
    }
}

/// Bytes per lane, if the loop's data has one width.
fn common_width(e: &Emitter<'_, '_>, body: &[Stmt]) -> Option<i64> {
    let mut width = None;
    for s in body {
        let mut types = Vec::new();
        match s {
            Stmt::Const { dst, .. }
            | Stmt::Let { dst, .. }
            | Stmt::Index { dst, .. }
            | Stmt::Load { dst, .. } => {
                types.push(e.kernel.ty(*dst));
                if let Stmt::Let { args, .. } = s {
                    types.extend(args.iter().map(|a| e.kernel.ty(*a)));
                }
            }
            Stmt::Store { src, .. } | Stmt::Accumulate { src, .. } => types.push(e.kernel.ty(*src)),
            Stmt::Check { .. } => types.push(DType::Bool),
            Stmt::Init { .. }
            | Stmt::Set { .. }
            | Stmt::Get { .. }
            | Stmt::For { .. }
            | Stmt::While { .. }
            | Stmt::If { .. }
            | Stmt::Block { .. } => {
                return None;
            }
        }
        for t in types {
            if t == DType::Bool {
                continue;
            }
            let w = t.size() as i64;
            if w < 4 || width.is_some_and(|x| x != w) {
                return None;
            }
            width = Some(w);
        }
    }
    width
}

/// Emits the loop with SIMD; `false` if its types do not allow that.
pub(super) fn vector_loop(
    e: &mut Emitter<'_, '_>,
    index: &Symbol,
    lo: Value,
    hi: Value,
    body: &[Stmt],
) -> bool {
    let Some(width) = common_width(e, body) else { return false };
    let mut v =
        Vectors { index, width, accesses: HashMap::new(), splats: HashMap::new(), accumulators: vec![] };
    v.setup(e, body);
    let lanes = 16 / width;
    // Long bodies have parallelism of their own, and registers are few.
    let chains = match body.len() {
        0..=12 => 4,
        13..=30 => 2,
        _ => 1,
    };
    v.start_accumulators(e, body, chains);
    let wide = lanes * chains as i64;
    let n = e.b.ins().isub(hi, lo);
    let whole = e.b.ins().band_imm_s(n, !(wide - 1));
    let positive = e.b.ins().icmp_imm_s(cranelift_codegen::ir::condcodes::IntCC::SignedGreaterThan, n, 0);
    let zero = e.b.ins().iconst(types::I64, 0);
    let whole = e.b.ins().select(positive, whole, zero);
    let mut at = lo;
    let end = e.b.ins().iadd(lo, whole);
    e.counted(at, end, wide, &mut |e, i| v.trip(e, body, i, chains));
    at = end;
    if chains > 1 {
        let left = e.b.ins().isub(hi, at);
        let some = e.b.ins().icmp_imm_s(cranelift_codegen::ir::condcodes::IntCC::SignedGreaterThan, left, 0);
        let whole = e.b.ins().band_imm_s(left, !(lanes - 1));
        let whole = e.b.ins().select(some, whole, zero);
        let end = e.b.ins().iadd(at, whole);
        e.counted(at, end, lanes, &mut |e, i| v.trip(e, body, i, 1));
        at = end;
    }
    v.finish_accumulators(e);
    e.prepare(body);
    e.scalar_loop(index, at, hi, body);
    true
}

impl Vectors<'_> {
    /// Classifies the memory accesses and spreads invariant operands.
    fn setup(&mut self, e: &mut Emitter<'_, '_>, body: &[Stmt]) {
        for s in body {
            if let Stmt::Load { mem, index, .. } | Stmt::Store { mem, index, .. } = s {
                let key = (*mem, index.clone());
                if !self.accesses.contains_key(&key) {
                    let a = self.classify(e, *mem, index);
                    self.accesses.insert(key, a);
                }
            }
            for v in crate::stage::operands(s) {
                if let (Some(x), false) = (e.vals[v.0 as usize], self.splats.contains_key(&v)) {
                    let vector = self.splat(e, x, e.kernel.ty(v));
                    self.splats.insert(v, vector);
                }
            }
        }
    }

    fn classify(&self, e: &mut Emitter<'_, '_>, mem: Mem, index: &[Dim]) -> Access {
        let mut split = Vec::new();
        for d in index {
            match d.affine_in(self.index) {
                Some((k, rest)) if e.known(&k) && e.known(&rest) => split.push((k, rest)),
                _ => return Access::Irregular,
            }
        }
        let rests: Vec<Dim> = split.iter().map(|(_, r)| r.clone()).collect();
        let base = e.address(mem, &rests);
        let moving: Vec<usize> = (0..split.len()).filter(|k| !split[*k].0.is(0)).collect();
        if let [k] = moving[..]
            && split[k].0.is(1)
            && e.stride(mem, k).is_none()
        {
            return Access::Unit(base);
        }
        let mut stride = e.b.ins().iconst(types::I64, 0);
        for k in moving {
            stride = e.step(mem, k, stride, &split[k].0);
        }
        Access::Strided(base, stride)
    }

    /// A scalar in every lane; a bool as a mask.
    fn splat(&self, e: &mut Emitter<'_, '_>, x: Value, t: DType) -> Value {
        if t != DType::Bool {
            return if t.size() as i64 == self.width {
                e.b.ins().splat(vector_type(t, self.width), x)
            } else {
                x
            };
        }
        let lane = if self.width == 8 { types::I64 } else { types::I32 };
        let wide = e.b.ins().uextend(lane, x);
        let mask = e.b.ins().ineg(wide);
        e.b.ins().splat(vector_type(t, self.width), mask)
    }

    fn lane_type(&self, t: DType) -> Type {
        if t == DType::Bool { if self.width == 8 { types::I64 } else { types::I32 } } else { ty(t) }
    }

    /// One lane as a scalar.
    fn extract(&self, e: &mut Emitter<'_, '_>, v: Value, t: DType, lane: u8) -> Value {
        let x = e.b.ins().extractlane(v, lane);
        if t != DType::Bool {
            return x;
        }
        let byte = e.b.ins().ireduce(types::I8, x);
        e.b.ins().band_imm_s(byte, 1)
    }

    /// A vector from one scalar per lane.
    fn gather(&self, e: &mut Emitter<'_, '_>, t: DType, lanes: &[Value]) -> Value {
        let scalars: Vec<Value> = lanes
            .iter()
            .map(|x| {
                if t == DType::Bool {
                    let wide = e.b.ins().uextend(self.lane_type(t), *x);
                    e.b.ins().ineg(wide)
                } else {
                    *x
                }
            })
            .collect();
        let mut v = e.b.ins().splat(vector_type(t, self.width), scalars[0]);
        for (k, x) in scalars.iter().enumerate().skip(1) {
            v = e.b.ins().insertlane(v, *x, k as u8);
        }
        v
    }

    fn lanes(&self) -> usize {
        (16 / self.width) as usize
    }

    /// The vectors of an operand, one per chain.
    fn get(&self, now: &Chains, v: Val, chain: usize) -> Value {
        match now.get(&v) {
            Some(all) => all[chain],
            None => self.splats[&v],
        }
    }

    fn trip(&mut self, e: &mut Emitter<'_, '_>, body: &[Stmt], i: Value, chains: usize) {
        let mut now: Chains = HashMap::new();
        let bytes = e.b.ins().ishl_imm_s(i, i64::from(self.width.trailing_zeros()));
        for s in body {
            if let Some(dst) = crate::stage::defines(s) {
                let all: Vec<Value> = (0..chains).map(|c| self.define(e, s, &now, i, bytes, c)).collect();
                now.insert(dst, all);
                continue;
            }
            for c in 0..chains {
                self.effect(e, s, &now, i, bytes, c);
            }
        }
    }

    fn define(
        &self,
        e: &mut Emitter<'_, '_>,
        s: &Stmt,
        now: &Chains,
        i: Value,
        bytes: Value,
        chain: usize,
    ) -> Value {
        match s {
            Stmt::Const { value, .. } => {
                let x = e.constant(*value);
                self.splat(e, x, value.dtype())
            }
            Stmt::Index { dst, dim } => {
                let lanes = self.each_lane(e, now, std::slice::from_ref(dim), i, chain, &mut |e| e.dim(dim));
                self.gather(e, e.kernel.ty(*dst), &lanes)
            }
            Stmt::Load { dst, mem, index } => {
                self.load(e, now, e.kernel.ty(*dst), *mem, index, i, bytes, chain)
            }
            Stmt::Let { dst, op, args } => {
                let a: Vec<Value> = args.iter().map(|v| self.get(now, *v, chain)).collect();
                let t = e.operand_type(*op, args);
                self.apply(e, *op, t, e.kernel.ty(*dst), &a)
            }
            other => unreachable!("{other:?} defines nothing in a vector loop"),
        }
    }

    /// Runs `f` with the loop index, and every value an index mentions, set to those of each lane.
    fn each_lane(
        &self,
        e: &mut Emitter<'_, '_>,
        now: &Chains,
        dims: &[Dim],
        i: Value,
        chain: usize,
        f: &mut dyn FnMut(&mut Emitter<'_, '_>) -> Value,
    ) -> Vec<Value> {
        let mut mentioned: Vec<Val> = Vec::new();
        for d in dims {
            d.for_each_symbol(&mut |s| mentioned.extend(symbol_val(s).filter(|v| now.contains_key(v))));
        }
        let first = (chain * self.lanes()) as i64;
        let result = (0..self.lanes())
            .map(|lane| {
                let at = e.b.ins().iadd_imm_s(i, first + lane as i64);
                e.symbols.insert(self.index.clone(), at);
                for v in &mentioned {
                    let x = self.extract(e, self.get(now, *v, chain), e.kernel.ty(*v), lane as u8);
                    e.vals[v.0 as usize] = Some(x);
                }
                f(e)
            })
            .collect();
        for v in mentioned {
            e.vals[v.0 as usize] = None;
        }
        e.symbols.remove(self.index);
        result
    }

    /// The addresses of the lanes of an access that is not consecutive.
    fn lane_addresses(
        &self,
        e: &mut Emitter<'_, '_>,
        now: &Chains,
        mem: Mem,
        index: &[Dim],
        i: Value,
        chain: usize,
    ) -> Vec<Value> {
        match &self.accesses[&(mem, index.to_vec())] {
            Access::Irregular => self.each_lane(e, now, index, i, chain, &mut |e| e.address(mem, index)),
            Access::Unit(base) => {
                let size = e.element_size(mem);
                let offset = e.b.ins().imul_imm_s(i, size);
                let p = e.b.ins().iadd(*base, offset);
                let first = (chain * self.lanes()) as i64;
                (0..self.lanes() as i64).map(|k| e.b.ins().iadd_imm_s(p, (first + k) * size)).collect()
            }
            Access::Strided(base, stride) => {
                let first = e.b.ins().iadd_imm_s(i, (chain * self.lanes()) as i64);
                let offset = e.b.ins().imul(first, *stride);
                let mut p = e.b.ins().iadd(*base, offset);
                let mut all = vec![p];
                for _ in 1..self.lanes() {
                    p = e.b.ins().iadd(p, *stride);
                    all.push(p);
                }
                all
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn load(
        &self,
        e: &mut Emitter<'_, '_>,
        now: &Chains,
        t: DType,
        mem: Mem,
        index: &[Dim],
        i: Value,
        bytes: Value,
        chain: usize,
    ) -> Value {
        if let (Access::Unit(base), true) = (&self.accesses[&(mem, index.to_vec())], t != DType::Bool) {
            let p = e.b.ins().iadd(*base, bytes);
            return e.b.ins().load(vector_type(t, self.width), Emitter::flags(), p, chain as i32 * 16);
        }
        let addresses = self.lane_addresses(e, now, mem, index, i, chain);
        let lanes: Vec<Value> =
            addresses.iter().map(|p| e.b.ins().load(ty(t), Emitter::flags(), *p, 0)).collect();
        self.gather(e, t, &lanes)
    }

    fn effect(
        &mut self,
        e: &mut Emitter<'_, '_>,
        s: &Stmt,
        now: &Chains,
        i: Value,
        bytes: Value,
        chain: usize,
    ) {
        match s {
            Stmt::Store { mem, index, src } => {
                let t = e.kernel.ty(*src);
                let v = self.get(now, *src, chain);
                if let (Access::Unit(base), true) =
                    (&self.accesses[&(*mem, index.to_vec())], t != DType::Bool)
                {
                    let p = e.b.ins().iadd(*base, bytes);
                    e.b.ins().store(Emitter::flags(), v, p, chain as i32 * 16);
                    return;
                }
                let addresses = self.lane_addresses(e, now, *mem, index, i, chain);
                for (lane, p) in addresses.iter().enumerate() {
                    let x = self.extract(e, v, t, lane as u8);
                    e.b.ins().store(Emitter::flags(), x, *p, 0);
                }
            }
            Stmt::Accumulate { var, src, .. } => {
                let v = self.get(now, *src, chain);
                let variable = e.vars[var.0 as usize];
                let (_, op, t, chains) = self
                    .accumulators
                    .iter()
                    .find(|a| a.0 == variable)
                    .expect("declared before the loop")
                    .clone();
                let old = e.b.use_var(chains[chain]);
                let new = self.apply(e, op, t, t, &[old, v]);
                e.b.def_var(chains[chain], new);
            }
            Stmt::Check { test, fault } => {
                let v = self.get(now, *test, chain);
                let all = e.b.ins().vall_true(v);
                e.check(all, *fault as i64);
            }
            other => unreachable!("{other:?} in a vector loop"),
        }
    }

    fn mask_as(&self, e: &mut Emitter<'_, '_>, mask: Value, t: Type) -> Value {
        if e.b.func.dfg.value_type(mask) == t {
            return mask;
        }
        e.b.ins().bitcast(t, MemFlagsData::new().with_endianness(Endianness::Little), mask)
    }

    fn choose(&self, e: &mut Emitter<'_, '_>, mask: Value, x: Value, y: Value) -> Value {
        let t = e.b.func.dfg.value_type(x);
        let mask = self.mask_as(e, mask, t);
        e.b.ins().bitselect(mask, x, y)
    }

    /// A primitive on vectors of lanes of type `t`.
    fn apply(&self, e: &mut Emitter<'_, '_>, op: Prim, t: DType, to: DType, a: &[Value]) -> Value {
        let float = t.is_float();
        let is_bool = t == DType::Bool;
        match op {
            Prim::Add | Prim::Sub | Prim::Mul | Prim::Neg | Prim::Div | Prim::Sqrt | Prim::Fma if float => {
                e.scalar(op, t, to, a)
            }
            Prim::Floor | Prim::Ceil | Prim::Trunc | Prim::Rint => e.scalar(op, t, to, a),
            Prim::Abs if float => e.b.ins().fabs(a[0]),
            Prim::Add | Prim::Sub | Prim::Neg | Prim::Mul => e.scalar(op, t, to, a),
            Prim::And | Prim::Or | Prim::Xor => e.scalar(op, t, to, a),
            Prim::Not => e.b.ins().bnot(a[0]),
            Prim::Min | Prim::Max if float => {
                let (x, y) = if op == Prim::Min { (a[0], a[1]) } else { (a[1], a[0]) };
                let less = e.b.ins().fcmp(FloatCC::LessThan, x, y);
                let m = self.choose(e, less, a[0], a[1]);
                let nan = e.b.ins().fcmp(FloatCC::Unordered, a[0], a[0]);
                self.choose(e, nan, a[0], m)
            }
            Prim::Copysign => {
                let bits = if self.width == 8 { i64::MIN } else { i64::from(i32::MIN as u32) };
                let sign = e.b.ins().iconst(self.lane_type(DType::Bool), bits);
                let sign = e.b.ins().splat(vector_type(DType::Bool, self.width), sign);
                self.choose(e, sign, a[1], a[0])
            }
            Prim::Eq | Prim::Ne | Prim::Lt | Prim::Le if float => e.scalar(op, t, to, a),
            Prim::Eq | Prim::Ne if !is_bool => e.b.ins().icmp(integer_condition(op, true), a[0], a[1]),
            Prim::Eq | Prim::Ne => {
                let x = e.b.ins().bxor(a[0], a[1]);
                if op == Prim::Ne { x } else { e.b.ins().bnot(x) }
            }
            Prim::Lt | Prim::Le if t.is_signed() => e.b.ins().icmp(integer_condition(op, true), a[0], a[1]),
            Prim::Min | Prim::Max if t.is_signed() => {
                let (x, y) = if op == Prim::Min { (a[0], a[1]) } else { (a[1], a[0]) };
                let less = e.b.ins().icmp(integer_condition(Prim::Lt, true), x, y);
                self.choose(e, less, a[0], a[1])
            }
            Prim::Select => self.choose(e, a[0], a[1], a[2]),
            Prim::Cast if t == to => a[0],
            Prim::Cast if is_bool => {
                // Where the mask is set, the bits of one.
                let one = e.constant(frit_ir::Scalar::one(to));
                let one = e.b.ins().splat(vector_type(to, self.width), one);
                let mask = self.mask_as(e, a[0], vector_type(to, self.width));
                e.b.ins().band(mask, one)
            }
            Prim::Cast if to == DType::Bool && float => {
                let zero = e.constant(frit_ir::Scalar::zero(t));
                let zero = e.b.ins().splat(vector_type(t, self.width), zero);
                e.b.ins().fcmp(FloatCC::NotEqual, a[0], zero)
            }
            Prim::Cast if t == DType::I32 && to == DType::F32 => e.b.ins().fcvt_from_sint(types::F32X4, a[0]),
            Prim::Cast if t.is_int() && to.is_int() => a[0],
            Prim::Bitcast => self.mask_as(e, a[0], vector_type(to, self.width)),
            _ => self.by_lane(e, op, t, to, a),
        }
    }

    fn by_lane(&self, e: &mut Emitter<'_, '_>, op: Prim, t: DType, to: DType, a: &[Value]) -> Value {
        let lanes: Vec<Value> = (0..self.lanes() as u8)
            .map(|lane| {
                let scalars: Vec<Value> = a
                    .iter()
                    .enumerate()
                    .map(|(k, v)| {
                        let of = if k == 0 && op.typing() == PrimType::Select { DType::Bool } else { t };
                        self.extract(e, *v, of, lane)
                    })
                    .collect();
                e.scalar(op, t, to, &scalars)
            })
            .collect();
        self.gather(e, to, &lanes)
    }

    fn start_accumulators(&mut self, e: &mut Emitter<'_, '_>, body: &[Stmt], chains: usize) {
        for s in body {
            let Stmt::Accumulate { var, op, .. } = s else { continue };
            let t = e.kernel.vars[var.0 as usize];
            let variable = e.vars[var.0 as usize];
            let start = match op {
                Prim::Add | Prim::Or => e.constant(frit_ir::Scalar::zero(t)),
                Prim::Mul | Prim::And => {
                    // All bits for an integer conjunction.
                    if t.is_int() && *op == Prim::And {
                        e.constant(frit_ir::Scalar::from_i64(t, -1))
                    } else {
                        e.constant(frit_ir::Scalar::one(t))
                    }
                }
                // The extremes absorb repetition: begin with what is there.
                _ => e.b.use_var(variable),
            };
            let vector = self.splat(e, start, t);
            let all: Vec<Variable> = (0..chains)
                .map(|_| {
                    let v = e.b.declare_var(vector_type(t, self.width));
                    e.b.def_var(v, vector);
                    v
                })
                .collect();
            self.accumulators.push((variable, *op, t, all));
        }
    }

    /// Chains pairwise, then lanes, then the variable: one order, whatever the trip count.
    fn finish_accumulators(&self, e: &mut Emitter<'_, '_>) {
        for (variable, op, t, chains) in &self.accumulators {
            let mut parts: Vec<Value> = chains.iter().map(|v| e.b.use_var(*v)).collect();
            while parts.len() > 1 {
                parts = parts
                    .chunks(2)
                    .map(|p| if p.len() == 2 { self.apply(e, *op, *t, *t, p) } else { p[0] })
                    .collect();
            }
            let mut lanes: Vec<Value> =
                (0..self.lanes() as u8).map(|k| self.extract(e, parts[0], *t, k)).collect();
            while lanes.len() > 1 {
                lanes = lanes.chunks(2).map(|p| e.scalar(*op, *t, *t, p)).collect();
            }
            e.accumulate(*variable, *op, *t, lanes[0]);
        }
    }
}
