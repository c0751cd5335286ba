//! Variables that combine: one vector of partial results per vector of a trip, joined after the loop.

use super::super::emit::Emitter;
use super::lanes::{Parts, VECTOR, integer, lane, parts, vector};
use super::{Trip, Vectors, masks};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, InstructionData, Type, Value, ValueDef};
use cranelift_frontend::Variable;
use frit_ir::kernel::{Stmt, Var};
use frit_ir::prim::Val;
use frit_ir::{DType, Prim, Scalar};

/// Vectors of the main loop, and of the loop that follows it: the first of those where one fills a vector there, too.
struct Lanes {
    main: Vec<Variable>,
    rest: Vec<Variable>,
}

impl Lanes {
    /// Those of a trip.
    fn of(&self, trip: &Trip, width: i64) -> &[Variable] {
        match trip.part {
            Some(first) => &self.main[(first * width / VECTOR) as usize..][..parts(trip.n, width)],
            None => &self.rest,
        }
    }
}

/// A variable that combines, as vectors.
pub(super) struct Accumulator {
    variable: Variable,
    op: Prim,
    t: DType,
    width: i64,
    partial: Lanes,
    /// Of an extreme of floats: where a NaN was. The extremes themselves are those of numbers, each one instruction
    /// after the last: to carry NaN along in them would take three.
    nans: Option<Lanes>,
}

impl Vectors<'_> {
    pub(super) fn start_accumulators(
        &mut self,
        e: &mut Emitter<'_, '_>,
        body: &[Stmt],
        wide: i64,
        lanes: i64,
    ) {
        for s in body {
            let Stmt::Accumulate { var, op, src } = s else { continue };
            let t = e.kernel.vars[var.0 as usize];
            let width =
                if t == DType::Bool { masks::need(e.kernel, &self.widths, s) } else { t.size() as i64 };
            let variable = e.vars[var.0 as usize];
            debug_assert_eq!(e.kernel.ty(*src), t);
            let start = match op {
                Prim::Add | Prim::Or => e.constant(Scalar::zero(t)),
                Prim::Mul | Prim::And => {
                    // All bits for an integer conjunction.
                    if t.is_int() && *op == Prim::And {
                        e.constant(Scalar::from_i64(t, -1))
                    } else {
                        e.constant(Scalar::one(t))
                    }
                }
                // The extremes absorb repetition: begin with what is there.
                _ => e.b.use_var(variable),
            };
            let start = e.spread(t, start, width);
            let fresh = |e: &mut Emitter<'_, '_>, kind: Type, start: Value| {
                let v = e.b.declare_var(kind);
                e.b.def_var(v, start);
                v
            };
            let copies = |e: &mut Emitter<'_, '_>, kind: Type, start: Value| {
                let main: Vec<Variable> = (0..parts(wide, width)).map(|_| fresh(e, kind, start)).collect();
                let rest = if lanes * width == VECTOR { vec![main[0]] } else { vec![fresh(e, kind, start)] };
                Lanes { main, rest }
            };
            let partial = copies(e, vector(lane(t, width)), start);
            let nans = (t.is_float() && matches!(op, Prim::Min | Prim::Max)).then(|| {
                let none = e.vector_const(integer(width), 0);
                copies(e, vector(integer(width)), none)
            });
            self.accumulators.push(Accumulator { variable, op: *op, t, width, partial, nans });
        }
    }

    /// Vectors that hold partial results during the main loop.
    pub(super) fn partial_vectors(&self) -> usize {
        let of = |a: &Accumulator| a.partial.main.len() * if a.nans.is_some() { 2 } else { 1 };
        self.accumulators.iter().map(of).sum()
    }

    /// Whether so many elements fill whole vectors of every variable: lanes beyond them hold anything.
    pub(super) fn whole_vectors(&self, n: i64) -> bool {
        self.accumulators.iter().all(|a| n * a.width % VECTOR == 0)
    }

    pub(super) fn accumulate(
        &self,
        e: &mut Emitter<'_, '_>,
        body: &[Stmt],
        (var, src): (Var, Val),
        masks: i64,
        trip: &mut Trip,
    ) {
        let variable = e.vars[var.0 as usize];
        let a = self.accumulators.iter().find(|a| a.variable == variable).expect("declared before the loop");
        let old: Parts = a.partial.of(trip, a.width).iter().map(|v| e.b.use_var(*v)).collect();
        let new = if let Some(nans) = &a.nans {
            let number = self.number(e, body, a.op, src);
            let all = self.operand(e, trip, number.unwrap_or(src), masks);
            if number.is_none() {
                for (v, x) in nans.of(trip, a.width).iter().zip(&all) {
                    let (before, nan) = (e.b.use_var(*v), e.b.ins().fcmp(FloatCC::Unordered, *x, *x));
                    let both = e.b.ins().bor(before, nan);
                    e.b.def_var(*v, both);
                }
            }
            // A NaN is not less: the variable stays.
            let better = |(old, x): (&Value, Value)| {
                let (less, more) = if a.op == Prim::Min { (x, *old) } else { (*old, x) };
                let better = e.b.ins().fcmp(FloatCC::LessThan, less, more);
                e.choose(better, x, *old)
            };
            old.iter().zip(all).map(better).collect()
        } else if let Some(mask) = self.counted(e, body, src).filter(|_| a.op == Prim::Add && a.t.is_int()) {
            // A set lane is -1.
            let masks = self.operand(e, trip, mask, a.width);
            old.iter().zip(masks).map(|(x, m)| e.b.ins().isub(*x, m)).collect()
        } else {
            let all = self.operand(e, trip, src, masks);
            e.apply(a.op, a.t, a.t, &[old, all], None, trip.n, a.width)
        };
        for (v, x) in a.partial.of(trip, a.width).iter().zip(new) {
            e.b.def_var(*v, x);
        }
    }

    /// The bool of the loop that a number was made of.
    fn counted(&self, e: &Emitter<'_, '_>, body: &[Stmt], v: Val) -> Option<Val> {
        let Stmt::Let { op: Prim::Cast, args, .. } = definition(body, v)? else { return None };
        Some(args[0]).filter(|m| e.kernel.ty(*m) == DType::Bool && self.widths.contains_key(m))
    }

    /// The value of the loop of which `v` is the number, NaN replaced by what the extreme does not notice.
    fn number(&self, e: &Emitter<'_, '_>, body: &[Stmt], op: Prim, v: Val) -> Option<Val> {
        let Stmt::Let { op: Prim::Select, args, .. } = definition(body, v)? else { return None };
        let [test, replaced, x] = args[..] else { return None };
        let Stmt::Let { op: Prim::Ne, args, .. } = definition(body, test)? else { return None };
        let last = if op == Prim::Min { f64::INFINITY } else { f64::NEG_INFINITY };
        let absorbed = float_constant(e, body, replaced) == Some(last);
        (absorbed && args[..] == [x, x] && definition(body, x).is_some()).then_some(x)
    }

    /// Vectors pairwise, then their elements, then the variable: one order, whatever the trip count.
    pub(super) fn finish_accumulators(&self, e: &mut Emitter<'_, '_>, wide: i64, lanes: i64) {
        for a in &self.accumulators {
            let mut all = a.joined(e, |l| &l.main);
            while all.len() > 1 {
                all = all
                    .chunks(2)
                    .flat_map(|p| match p {
                        [x, y] => {
                            e.apply(a.op, a.t, a.t, &[vec![*x], vec![*y]], None, VECTOR / a.width, a.width)
                        }
                        _ => p.to_vec(),
                    })
                    .collect();
            }
            let mut elements: Vec<Value> =
                (0..wide.min(VECTOR / a.width)).map(|k| e.element(&all, a.t, k)).collect();
            if wide > lanes && lanes * a.width < VECTOR {
                let rest = a.joined(e, |l| &l.rest);
                elements.extend((0..lanes).map(|k| e.element(&rest, a.t, k)));
            }
            while elements.len() > 1 {
                elements = elements
                    .chunks(2)
                    .map(|p| if p.len() == 2 { e.scalar(a.op, a.t, a.t, p) } else { p[0] })
                    .collect();
            }
            e.accumulate(a.variable, a.op, a.t, elements[0]);
        }
    }
}

impl Accumulator {
    /// The partial results, NaN where one was.
    fn joined(&self, e: &mut Emitter<'_, '_>, of: impl Fn(&Lanes) -> &Vec<Variable>) -> Parts {
        let partial: Parts = of(&self.partial).iter().map(|v| e.b.use_var(*v)).collect();
        let Some(nans) = &self.nans else { return partial };
        let nan = e.constant(Scalar::from_f64(self.t, f64::NAN));
        let nan = e.spread(self.t, nan, self.width);
        let masks: Parts = of(nans).iter().map(|v| e.b.use_var(*v)).collect();
        masks.iter().zip(partial).map(|(m, x)| e.choose(*m, nan, x)).collect()
    }
}

/// The statement of a body that defines a value.
fn definition(body: &[Stmt], v: Val) -> Option<&Stmt> {
    body.iter().find(|s| crate::stage::defines(s) == Some(v))
}

/// The value of a float that is a constant, of the body or before it.
fn float_constant(e: &Emitter<'_, '_>, body: &[Stmt], v: Val) -> Option<f64> {
    if let Some(s) = definition(body, v) {
        let Stmt::Const { value, .. } = s else { return None };
        return Some(value.as_f64());
    }
    let ValueDef::Result(inst, 0) = e.b.func.dfg.value_def(e.vals[v.0 as usize]?) else { return None };
    match e.b.func.dfg.insts[inst] {
        InstructionData::UnaryIeee32 { imm, .. } => Some(f32::from_bits(imm.bits()).into()),
        InstructionData::UnaryIeee64 { imm, .. } => Some(f64::from_bits(imm.bits())),
        _ => None,
    }
}
