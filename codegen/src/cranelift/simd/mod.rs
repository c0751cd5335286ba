//! `vector` loops: 128-bit SIMD.
//!
//! One trip handles some elements at once, enough to fill one or more vectors of the widest type; narrower values take
//! fewer vectors, or part of one (see `lanes`). Each statement is emitted for all its vectors before the next
//! statement, which keeps as many independent instructions in flight. A loop with one vector of the widest type and a
//! scalar loop finish what is left.

mod accumulate;
mod lanes;
mod masks;
mod ops;

use super::emit::Emitter;
use super::prim::ty;
use accumulate::Accumulator;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, InstructionData, Value, ValueDef, types};
use frit_ir::dim::{Dim, Symbol};
use frit_ir::kernel::{Mem, Stmt, symbol_val};
use frit_ir::prim::Val;
use frit_ir::{DType, Prim};
use lanes::{Parts, VECTOR, lane, parts};
use ops::Amount;
use std::collections::HashMap;

/// Vector registers.
const REGISTERS: usize = 16;

/// How an element's address moves with the loop.
#[derive(Clone)]
enum Access {
    /// Consecutive elements from this address (that of index 0).
    Unit(Value),
    /// Always this address.
    Fixed(Value),
    /// A constant distance in bytes.
    Strided(Value, Value),
    /// Computed element by element.
    Irregular,
}

struct Vectors<'s> {
    index: &'s Symbol,
    accesses: HashMap<(Mem, Vec<Dim>), Access>,
    /// Lane widths of the bools defined in the loop.
    widths: masks::Widths,
    /// Invariant values in every lane, at each width used.
    splats: HashMap<(Val, i64), Value>,
    /// Constants among the values.
    constants: HashMap<Val, i64>,
    accumulators: Vec<Accumulator>,
}

/// The state of one trip.
struct Trip {
    /// Elements.
    n: i64,
    /// First index.
    i: Value,
    now: HashMap<Val, Parts>,
    /// Masks brought to another width.
    masks: HashMap<(Val, i64), Parts>,
    /// The index in bytes, by element size.
    offsets: HashMap<i64, Value>,
    /// Where it begins among the elements of the main loop's trip; `None` in the loop after that.
    part: Option<i64>,
}

/// Bytes of the widest element, if the statements can run with SIMD.
fn widest(e: &Emitter<'_, '_>, body: &[Stmt]) -> Option<i64> {
    let mut widest = 0;
    for s in body {
        let types: Vec<DType> = match s {
            Stmt::Const { dst, .. } | Stmt::Index { dst, .. } | Stmt::Load { dst, .. } => {
                vec![e.kernel.ty(*dst)]
            }
            Stmt::Let { dst, op, args } => {
                // A call for each element spills everything: better without vectors.
                if op.is_math() || matches!(op, Prim::IPow | Prim::Gcd) {
                    return None;
                }
                args.iter().chain([dst]).map(|v| e.kernel.ty(*v)).collect()
            }
            Stmt::Store { src, .. } | Stmt::Accumulate { src, .. } => vec![e.kernel.ty(*src)],
            Stmt::Check { .. } => vec![],
            Stmt::Init { .. }
            | Stmt::Set { .. }
            | Stmt::Get { .. }
            | Stmt::For { .. }
            | Stmt::While { .. }
            | Stmt::If { .. }
            | Stmt::Block { .. } => return None,
        };
        widest = types.iter().map(|t| t.size() as i64).chain([widest]).max().unwrap_or(widest);
    }
    (widest > 0).then_some(widest)
}

/// Emits the loop with SIMD; `false` if its statements do not allow that, or would not gain by it.
pub(super) fn vector_loop(
    e: &mut Emitter<'_, '_>,
    index: &Symbol,
    lo: Value,
    hi: Value,
    body: &[Stmt],
) -> bool {
    let Some(widest) = widest(e, body) else { return false };
    let lanes = VECTOR / widest;
    // Long bodies have parallelism of their own, and registers are few.
    let mut groups = match body.len() {
        0..=12 => 4,
        13..=30 => 2,
        _ => 1,
    };
    let mut v = Vectors {
        index,
        accesses: HashMap::new(),
        widths: masks::choose(e.kernel, body),
        splats: HashMap::new(),
        constants: HashMap::new(),
        accumulators: vec![],
    };
    v.find_constants(e, body);
    if widest < 4 {
        let single = body.iter().filter(|s| v.by_element(e, s)).count();
        if single * 3 > body.len() {
            return false;
        }
        groups = if single > 0 { 1 } else { groups };
    }
    v.setup(e, body);
    let wide = lanes * groups;
    v.start_accumulators(e, body, wide, lanes);
    let n = e.b.ins().isub(hi, lo);
    let whole = e.b.ins().band_imm_s(n, !(wide - 1));
    let positive = e.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, n, 0);
    let zero = e.b.ins().iconst(types::I64, 0);
    let whole = e.b.ins().select(positive, whole, zero);
    let mut at = lo;
    let end = e.b.ins().iadd(lo, whole);
    // Registers hold the partial results all the time. Beside many of them, there is room for the values of half a trip.
    let crowded = groups > 2 && v.partial_vectors() + 2 * groups as usize > REGISTERS - 2;
    let part = if crowded && v.whole_vectors(wide / 2) { wide / 2 } else { wide };
    e.counted(at, end, wide, &mut |e, i| {
        for first in (0..wide).step_by(part as usize) {
            let i = if first == 0 { i } else { e.b.ins().iadd_imm_s(i, first) };
            v.trip(e, body, i, part, Some(first));
        }
    });
    at = end;
    if groups > 1 {
        let left = e.b.ins().isub(hi, at);
        let some = e.b.ins().icmp_imm_s(IntCC::SignedGreaterThan, left, 0);
        let whole = e.b.ins().band_imm_s(left, !(lanes - 1));
        let whole = e.b.ins().select(some, whole, zero);
        let end = e.b.ins().iadd(at, whole);
        e.counted(at, end, lanes, &mut |e, i| v.trip(e, body, i, lanes, None));
        at = end;
    }
    v.finish_accumulators(e, wide, lanes);
    e.prepare(body);
    e.scalar_loop(index, at, hi, body);
    true
}

impl Vectors<'_> {
    /// Integer constants: those of the body, and outer ones.
    fn find_constants(&mut self, e: &Emitter<'_, '_>, body: &[Stmt]) {
        for s in body {
            if let Stmt::Const { dst, value } = s {
                if value.dtype().is_int() {
                    self.constants.insert(*dst, value.as_i64());
                }
                continue;
            }
            for v in crate::stage::operands(s) {
                let Some(x) = e.vals[v.0 as usize].filter(|_| e.kernel.ty(v).is_int()) else { continue };
                if let ValueDef::Result(inst, 0) = e.b.func.dfg.value_def(x)
                    && let InstructionData::UnaryImm { imm, .. } = e.b.func.dfg.insts[inst]
                {
                    self.constants.insert(v, imm.bits());
                }
            }
        }
    }

    /// True for a statement whose work is done element by element.
    fn by_element(&self, e: &Emitter<'_, '_>, s: &Stmt) -> bool {
        match s {
            Stmt::Let { dst, op, args } => {
                let t = e.operand_type(*op, args);
                !e.vectorizes(*op, t, e.kernel.ty(*dst), self.amount(*op, args))
            }
            Stmt::Load { mem, index, .. } | Stmt::Store { mem, index, .. } => {
                let moves = |d: &Dim| d.affine_in(self.index).is_none_or(|(k, _)| !k.is(0));
                let (last, rest) = index.split_last().expect("memory has an axis");
                let unit =
                    last.affine_in(self.index).is_some_and(|(k, r)| (k.is(1) || k.is(0)) && e.known(&r));
                !unit || e.stride(*mem, index.len() - 1).is_some() || rest.iter().any(moves)
            }
            _ => false,
        }
    }

    fn amount(&self, op: Prim, args: &[Val]) -> Amount {
        if !matches!(op, Prim::Shl | Prim::Shr) {
            return None;
        }
        self.constants.get(&args[1]).copied()
    }

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
            let masks = masks::need(e.kernel, &self.widths, s);
            let data: &[Val] = match s {
                Stmt::Let { args, .. } => args,
                Stmt::Store { src, .. } | Stmt::Accumulate { src, .. } => std::slice::from_ref(src),
                Stmt::Check { test, .. } => std::slice::from_ref(test),
                _ => &[],
            };
            for v in data {
                let t = e.kernel.ty(*v);
                let width = if t == DType::Bool { masks } else { t.size() as i64 };
                if let (Some(x), false) = (e.vals[v.0 as usize], self.splats.contains_key(&(*v, width))) {
                    let all = e.spread(t, x, width);
                    self.splats.insert((*v, width), all);
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
        if moving.is_empty() {
            return Access::Fixed(base);
        }
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

    /// The vectors of an operand; those of a bool are masks of a width.
    fn operand(&self, e: &mut Emitter<'_, '_>, trip: &mut Trip, v: Val, masks: i64) -> Parts {
        let t = e.kernel.ty(v);
        let width = if t == DType::Bool { masks } else { t.size() as i64 };
        if let Some(x) = self.splats.get(&(v, width)) {
            return vec![*x; parts(trip.n, width)];
        }
        let all = &trip.now[&v];
        if e.lane_width(all[0]) == width {
            return all.clone();
        }
        if let Some(m) = trip.masks.get(&(v, width)) {
            return m.clone();
        }
        let m = e.resize_mask(all.clone(), trip.n, width);
        trip.masks.insert((v, width), m.clone());
        m
    }

    fn trip(&self, e: &mut Emitter<'_, '_>, body: &[Stmt], i: Value, n: i64, part: Option<i64>) {
        let mut trip =
            Trip { n, i, now: HashMap::new(), masks: HashMap::new(), offsets: HashMap::new(), part };
        for s in body {
            match crate::stage::defines(s) {
                Some(dst) => {
                    let all = self.define(e, s, &mut trip);
                    trip.now.insert(dst, all);
                }
                None => self.effect(e, body, s, &mut trip),
            }
        }
    }

    fn define(&self, e: &mut Emitter<'_, '_>, s: &Stmt, trip: &mut Trip) -> Parts {
        let width = |t: DType, v: &Val| if t == DType::Bool { self.widths[v] } else { t.size() as i64 };
        match s {
            Stmt::Const { dst, value } => {
                let t = value.dtype();
                let w = width(t, dst);
                let bits = value.bits()[0];
                let bits = if t == DType::Bool { bits.wrapping_neg() } else { bits };
                let all = e.vector_const(lane(t, w), bits);
                vec![all; parts(trip.n, w)]
            }
            Stmt::Index { dst, dim } => self.index(e, trip, *dst, dim),
            Stmt::Load { dst, mem, index } => {
                let t = e.kernel.ty(*dst);
                self.load(e, trip, t, width(t, dst), *mem, index)
            }
            Stmt::Let { dst, op, args } => {
                let masks = masks::need(e.kernel, &self.widths, s);
                let a: Vec<Parts> = args.iter().map(|v| self.operand(e, trip, *v, masks)).collect();
                let (t, to) = (e.operand_type(*op, args), e.kernel.ty(*dst));
                e.apply(*op, t, to, &a, self.amount(*op, args), trip.n, width(to, dst))
            }
            other => unreachable!("{other:?} defines nothing in a vector loop"),
        }
    }

    /// An index expression: a ramp where it is affine.
    fn index(&self, e: &mut Emitter<'_, '_>, trip: &Trip, dst: Val, dim: &Dim) -> Parts {
        let count = parts(trip.n, 8);
        let step =
            dim.affine_in(self.index).filter(|(_, rest)| e.known(rest)).and_then(|(k, _)| k.as_const());
        let (Some(step), DType::I64) = (step, e.kernel.ty(dst)) else {
            let elements = self.each(e, trip, std::slice::from_ref(dim), &mut |e| e.dim(dim));
            return e.collect(e.kernel.ty(dst), &elements, 8);
        };
        e.symbols.insert(self.index.clone(), trip.i);
        let first = e.dim(dim);
        e.symbols.remove(self.index);
        let first = e.b.ins().splat(types::I64X2, first);
        (0..count)
            .map(|k| {
                let ramp = e.vector_ramp(2 * k as i64, step);
                e.b.ins().iadd(first, ramp)
            })
            .collect()
    }

    /// Runs `f` with the loop index, and every value an index mentions, set to those of each element.
    fn each(
        &self,
        e: &mut Emitter<'_, '_>,
        trip: &Trip,
        dims: &[Dim],
        f: &mut dyn FnMut(&mut Emitter<'_, '_>) -> Value,
    ) -> Vec<Value> {
        let mut mentioned: Vec<Val> = Vec::new();
        for d in dims {
            d.for_each_symbol(&mut |s| mentioned.extend(symbol_val(s).filter(|v| trip.now.contains_key(v))));
        }
        mentioned.sort();
        mentioned.dedup();
        let result = (0..trip.n)
            .map(|k| {
                let at = e.b.ins().iadd_imm_s(trip.i, k);
                e.symbols.insert(self.index.clone(), at);
                for v in &mentioned {
                    let x = e.element(&trip.now[v], e.kernel.ty(*v), k);
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

    /// The addresses of the elements of an access that is not consecutive.
    fn addresses(&self, e: &mut Emitter<'_, '_>, trip: &Trip, mem: Mem, index: &[Dim]) -> Vec<Value> {
        match &self.accesses[&(mem, index.to_vec())] {
            Access::Irregular => self.each(e, trip, index, &mut |e| e.address(mem, index)),
            Access::Strided(base, stride) => {
                let offset = e.b.ins().imul(trip.i, *stride);
                let mut p = e.b.ins().iadd(*base, offset);
                let mut all = vec![p];
                for _ in 1..trip.n {
                    p = e.b.ins().iadd(p, *stride);
                    all.push(p);
                }
                all
            }
            Access::Unit(p) | Access::Fixed(p) => vec![*p; trip.n as usize],
        }
    }

    /// The address of a trip's first element.
    fn first(&self, e: &mut Emitter<'_, '_>, trip: &mut Trip, base: Value, size: i64) -> Value {
        let offset = *trip
            .offsets
            .entry(size)
            .or_insert_with(|| e.b.ins().ishl_imm_s(trip.i, i64::from(size.trailing_zeros())));
        e.b.ins().iadd(base, offset)
    }

    fn load(
        &self,
        e: &mut Emitter<'_, '_>,
        trip: &mut Trip,
        t: DType,
        width: i64,
        mem: Mem,
        index: &[Dim],
    ) -> Parts {
        match self.accesses[&(mem, index.to_vec())] {
            Access::Unit(base) => {
                let p = self.first(e, trip, base, t.size() as i64);
                let all = e.load_parts(t, p, trip.n);
                if t == DType::Bool { e.resize_mask(all, trip.n, width) } else { all }
            }
            Access::Fixed(p) => {
                let x = e.b.ins().load(ty(t), Emitter::flags(), p, 0);
                vec![e.spread(t, x, width); parts(trip.n, width)]
            }
            Access::Strided(..) | Access::Irregular => {
                let addresses = self.addresses(e, trip, mem, index);
                let elements: Vec<Value> =
                    addresses.iter().map(|p| e.b.ins().load(ty(t), Emitter::flags(), *p, 0)).collect();
                e.collect(t, &elements, width)
            }
        }
    }

    fn effect(&self, e: &mut Emitter<'_, '_>, body: &[Stmt], s: &Stmt, trip: &mut Trip) {
        let masks = masks::need(e.kernel, &self.widths, s);
        match s {
            Stmt::Store { mem, index, src } => {
                let t = e.kernel.ty(*src);
                let all = self.operand(e, trip, *src, masks);
                if let Access::Unit(base) = self.accesses[&(*mem, index.clone())] {
                    let p = self.first(e, trip, base, t.size() as i64);
                    e.store_parts(t, p, trip.n, &all);
                    return;
                }
                for (k, p) in self.addresses(e, trip, *mem, index).into_iter().enumerate() {
                    let x = e.element(&all, t, k as i64);
                    e.b.ins().store(Emitter::flags(), x, p, 0);
                }
            }
            Stmt::Accumulate { var, src, .. } => self.accumulate(e, body, (*var, *src), masks, trip),
            Stmt::Check { test, fault } => {
                let all = self.operand(e, trip, *test, masks);
                let mut both = all[0];
                for v in &all[1..] {
                    both = e.b.ins().band(both, *v);
                }
                if trip.n * masks < VECTOR {
                    // Lanes beyond the elements say nothing.
                    let beyond = e.lanes_from(lane(DType::Bool, masks), trip.n * masks);
                    both = e.b.ins().bor(both, beyond);
                }
                let ok = e.b.ins().vall_true(both);
                e.check(ok, *fault as i64);
            }
            other => unreachable!("{other:?} in a vector loop"),
        }
    }
}
