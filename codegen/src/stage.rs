//! Staging: a `vector` loop with math functions becomes a loop over tiles, in which whole tiles go through the block
//! routines of the vector math library.
//!
//! ```text
//! vector i in a..b { y = exp(x[i] + 1) * x[i] }
//! ==>
//! for t in 0..ceil((b - a) / 256) {
//!   vector i in tile { s0[i - a'] = x[i] + 1 }
//!   block s0 = exp s0
//!   vector i in tile { y = s0[i - a'] * x[i] }
//! }
//! ```
//!
//! JIT code has 128-bit vectors only; the routines are compiled for the widest the machine has, so the tile's round
//! trip through L1 pays from the first function on.

use frit_ir::dim::{Dim, Symbol};
use frit_ir::kernel::{Kernel, LoopKind, Mem, Scratch, Stmt, symbol_val};
use frit_ir::prim::Val;
use std::collections::{BTreeMap, HashMap};

/// Elements per tile: a few tiles of `f64` fit in L1 beside the operands.
pub const TILE: i64 = 256;

/// Stages every vector loop of a kernel that has math functions in it.
pub fn stage(kernel: &Kernel) -> Kernel {
    let mut k = kernel.clone();
    let body = std::mem::take(&mut k.body);
    let mut s = Stager { k, next: 0, defined: 0 };
    s.k.body = s.block(body);
    s.k
}

struct Stager {
    k: Kernel,
    next: u32,
    defined: u32,
}

/// Statements of a loop body with the phase each belongs to.
struct Phases {
    of_val: HashMap<Val, usize>,
    last: usize,
}

impl Stager {
    fn block(&mut self, stmts: Vec<Stmt>) -> Vec<Stmt> {
        stmts.into_iter().flat_map(|s| self.stmt(s)).collect()
    }

    fn stmt(&mut self, s: Stmt) -> Vec<Stmt> {
        match s {
            Stmt::For { index, lo, hi, kind: LoopKind::Vector, body } if has_math(&body) => {
                vec![self.tiles(index, lo, hi, body)]
            }
            Stmt::For { index, lo, hi, kind, body } => {
                let body = self.block(body);
                vec![Stmt::For { index, lo, hi, kind, body }]
            }
            Stmt::While { cond, test, body } => {
                let (cond, body) = (self.block(cond), self.block(body));
                vec![Stmt::While { cond, test, body }]
            }
            Stmt::If { test, then, otherwise } => {
                let (then, otherwise) = (self.block(then), self.block(otherwise));
                vec![Stmt::If { test, then, otherwise }]
            }
            other => vec![other],
        }
    }

    /// The phase of each value: one more than its operands' for a math function, else the latest of them.
    fn phases(&self, body: &[Stmt]) -> Phases {
        let mut of_val: HashMap<Val, usize> = HashMap::new();
        let mut last = 0;
        for s in body {
            if let Some(dst) = defines(s) {
                let at = operands(s).iter().filter_map(|v| of_val.get(v)).copied().max().unwrap_or(0);
                let math = matches!(s, Stmt::Let { op, .. } if op.is_math());
                of_val.insert(dst, at + math as usize);
                last = last.max(at + math as usize);
            }
        }
        Phases { of_val, last }
    }

    fn tiles(&mut self, index: Symbol, lo: Dim, hi: Dim, body: Vec<Stmt>) -> Stmt {
        let phases = self.phases(&body);
        let n = phases.last;
        let t: Symbol = format!("tile{}", self.next).into();
        self.next += 1;
        let begin = &lo + Dim::symbol(&t) * TILE;
        let end = (&begin + TILE).minimum(&hi);
        let place = Dim::symbol(&index) - &begin;
        // Where a value is first known, and up to which phase it is used.
        let mut last_use: BTreeMap<Val, usize> = BTreeMap::new();
        let phase_of = |s: &Stmt| match s {
            Stmt::Let { dst, op, .. } if op.is_math() => phases.of_val[dst] - 1,
            Stmt::Store { .. } | Stmt::Accumulate { .. } | Stmt::Check { .. } => n,
            other => defines(other).map_or(n, |d| phases.of_val[&d]),
        };
        for s in &body {
            for v in operands(s) {
                if phases.of_val.contains_key(&v) {
                    let e = last_use.entry(v).or_insert(0);
                    *e = (*e).max(phase_of(s));
                }
            }
        }
        let cheap = |v: &Val| {
            body.iter().any(|s| {
                defines(s) == Some(*v)
                    && match s {
                        Stmt::Load { mem: Mem::Buffer(_), .. } | Stmt::Index { .. } => operands(s).is_empty(),
                        Stmt::Const { .. } => true,
                        _ => false,
                    }
            })
        };
        // Slots: a value computed in phase p and used in a later one, or by a math function, lives in a tile.
        let mut slots: HashMap<Val, Mem> = HashMap::new();
        let mut free: Vec<(frit_ir::DType, Mem)> = Vec::new();
        let mut out: Vec<Stmt> = Vec::new();
        for phase in 0..=n {
            // Results of the functions between the phases are in tiles already; everything else is computed here.
            // What earlier phases computed comes first: a load made again must not see this phase's stores.
            let mut brought: Vec<Stmt> = Vec::new();
            let mut inner: Vec<Stmt> = Vec::new();
            let mut available: HashMap<Val, Val> = HashMap::new();
            let mut calls: Vec<&Stmt> = Vec::new();
            for s in &body {
                if phase_of(s) != phase {
                    continue;
                }
                if matches!(s, Stmt::Let { op, .. } if op.is_math()) {
                    calls.push(s);
                    for v in operands(s) {
                        self.bring(
                            v,
                            phase,
                            &phases,
                            &slots,
                            &body,
                            &place,
                            &inner,
                            &mut brought,
                            &mut available,
                        );
                        if let (Some(_), None) = (phases.of_val.get(&v), slots.get(&v)) {
                            let mem = self.slot(&mut free, v);
                            slots.insert(v, mem);
                            let src = available.get(&v).copied().unwrap_or(v);
                            inner.push(Stmt::Store { mem, index: vec![place.clone()], src });
                        }
                    }
                    continue;
                }
                for v in operands(s) {
                    self.bring(
                        v,
                        phase,
                        &phases,
                        &slots,
                        &body,
                        &place,
                        &inner,
                        &mut brought,
                        &mut available,
                    );
                }
                inner.push(rename(s, &available));
                if let Some(d) = defines(s) {
                    let later = last_use.get(&d).is_some_and(|l| *l > phase);
                    if later && !cheap(&d) && !slots.contains_key(&d) {
                        let mem = self.slot(&mut free, d);
                        slots.insert(d, mem);
                        inner.push(Stmt::Store { mem, index: vec![place.clone()], src: d });
                    }
                }
            }
            let mut inner = [brought, inner].concat();
            if !inner.is_empty() {
                let index: Symbol =
                    if phase == 0 { index.clone() } else { format!("{index}_{phase}").into() };
                inner = reindex(inner, &place, &index, &begin);
                out.push(Stmt::For {
                    index,
                    lo: begin.clone(),
                    hi: end.clone(),
                    kind: LoopKind::Vector,
                    body: inner,
                });
            }
            for s in calls {
                let Stmt::Let { dst, op, args } = s else { continue };
                let args: Vec<(Mem, Dim)> = args
                    .iter()
                    .map(|v| self.tile_of(*v, &mut slots, &mut free, &mut out, &begin, &end))
                    .collect();
                // The result takes over an operand's tile if that is not needed again.
                let reuse = operands(s).into_iter().find(|v| {
                    last_use.get(v).is_none_or(|l| *l <= phase)
                        && !self.used_by_other_call(&body, *v, *dst, phase, &phase_of)
                        && self.k.ty(*v) == self.k.ty(*dst)
                        && slots.contains_key(v)
                        && phases.of_val.contains_key(v)
                });
                let mem = match reuse.and_then(|v| slots.remove(&v)) {
                    Some(mem) => mem,
                    None => self.slot(&mut free, *dst),
                };
                slots.insert(*dst, mem);
                out.push(Stmt::Block { op: *op, dst: (mem, 0.into()), args, n: &end - &begin });
            }
            // Tiles of values that no later phase needs are free again.
            let done: Vec<Val> = {
                let mut d: Vec<Val> = slots
                    .keys()
                    .copied()
                    .filter(|v| {
                        last_use.get(v).is_none_or(|l| *l <= phase)
                            && phases.of_val.get(v).is_none_or(|p| *p <= phase)
                    })
                    .collect();
                d.sort();
                d
            };
            for v in done {
                if let Some(mem) = slots.remove(&v) {
                    free.push((self.k.ty(v), mem));
                }
            }
        }
        self.defined += 1;
        let count = (&hi - &lo).ceil_div(&Dim::constant(TILE));
        Stmt::For { index: t, lo: 0.into(), hi: count, kind: LoopKind::Serial, body: out }
    }

    fn used_by_other_call(
        &self,
        body: &[Stmt],
        v: Val,
        dst: Val,
        phase: usize,
        phase_of: &dyn Fn(&Stmt) -> usize,
    ) -> bool {
        body.iter().any(|s| {
            matches!(s, Stmt::Let { op, dst: d, .. } if op.is_math() && *d != dst)
                && phase_of(s) == phase
                && operands(s).contains(&v)
        })
    }

    fn slot(&mut self, free: &mut Vec<(frit_ir::DType, Mem)>, v: Val) -> Mem {
        let t = self.k.ty(v);
        if let Some(i) = free.iter().position(|(d, _)| *d == t) {
            return free.swap_remove(i).1;
        }
        self.k.scratch.push(Scratch { dtype: t, elements: Dim::constant(TILE) });
        Mem::Scratch(self.k.scratch.len() as u32 - 1)
    }

    /// The tile that holds an operand of a function; a loop-invariant operand is spread over one.
    fn tile_of(
        &mut self,
        v: Val,
        slots: &mut HashMap<Val, Mem>,
        free: &mut Vec<(frit_ir::DType, Mem)>,
        out: &mut Vec<Stmt>,
        begin: &Dim,
        end: &Dim,
    ) -> (Mem, Dim) {
        if let Some(mem) = slots.get(&v) {
            return (*mem, 0.into());
        }
        let mem = self.slot(free, v);
        slots.insert(v, mem);
        let index: Symbol = format!("fill{}", self.next).into();
        self.next += 1;
        let store = Stmt::Store { mem, index: vec![Dim::symbol(&index)], src: v };
        out.push(Stmt::For {
            index,
            lo: 0.into(),
            hi: end - begin,
            kind: LoopKind::Vector,
            body: vec![store],
        });
        (mem, 0.into())
    }

    /// Makes a value of an earlier phase available in the loop under construction: from its tile, or computed again.
    #[allow(clippy::too_many_arguments)]
    fn bring(
        &mut self,
        v: Val,
        phase: usize,
        phases: &Phases,
        slots: &HashMap<Val, Mem>,
        body: &[Stmt],
        place: &Dim,
        computed: &[Stmt],
        out: &mut Vec<Stmt>,
        available: &mut HashMap<Val, Val>,
    ) {
        let Some(at) = phases.of_val.get(&v) else { return };
        let in_tile = slots.get(&v);
        // Computed in this phase, unless a function before it left the value in a tile.
        let here = *at == phase && in_tile.is_none();
        if here || available.contains_key(&v) || computed.iter().any(|s| defines(s) == Some(v)) {
            return;
        }
        let dst = Val(self.k.vals.len() as u32);
        self.k.vals.push(self.k.ty(v));
        match in_tile {
            Some(mem) => out.push(Stmt::Load { dst, mem: *mem, index: vec![place.clone()] }),
            None => {
                let s = body.iter().find(|s| defines(s) == Some(v)).expect("defined in the body");
                out.push(with_dst(s, dst));
            }
        }
        available.insert(v, dst);
    }
}

/// In the loops of later phases the index has another name (names are unique in a kernel).
fn reindex(stmts: Vec<Stmt>, place: &Dim, index: &Symbol, begin: &Dim) -> Vec<Stmt> {
    let old = place + begin;
    let (terms, _) = old.terms();
    let name = match terms {
        [(atoms, 1)] if atoms.len() == 1 => old.to_string(),
        _ => return stmts,
    };
    if name == **index {
        return stmts;
    }
    let to = Dim::symbol(index);
    let dim = |d: &Dim| d.substitute(&|s| (s == name).then(|| to.clone()));
    let dims = |v: &[Dim]| v.iter().map(dim).collect();
    stmts
        .into_iter()
        .map(|s| match s {
            Stmt::Load { dst, mem, index } => Stmt::Load { dst, mem, index: dims(&index) },
            Stmt::Store { mem, index, src } => Stmt::Store { mem, index: dims(&index), src },
            Stmt::Index { dst, dim: d } => Stmt::Index { dst, dim: dim(&d) },
            other => other,
        })
        .collect()
}

/// True for a body that has a math function and can be cut into phases.
fn has_math(body: &[Stmt]) -> bool {
    let mut stored: Vec<Mem> = Vec::new();
    let mut math = false;
    for s in body {
        match s {
            Stmt::Let { op, .. } => math |= op.is_math(),
            Stmt::Store { mem, .. } => stored.push(*mem),
            // Stores move to the last phase, which a load of what was stored would not survive.
            Stmt::Load { mem, .. } if stored.contains(mem) => return false,
            Stmt::Load { .. }
            | Stmt::Const { .. }
            | Stmt::Index { .. }
            | Stmt::Accumulate { .. }
            | Stmt::Check { .. } => {}
            Stmt::Set { .. }
            | Stmt::Get { .. }
            | Stmt::Init { .. }
            | Stmt::While { .. }
            | Stmt::If { .. }
            | Stmt::For { .. }
            | Stmt::Block { .. } => return false,
        }
    }
    math
}

/// The value a statement defines.
pub(crate) fn defines(s: &Stmt) -> Option<Val> {
    match s {
        Stmt::Const { dst, .. }
        | Stmt::Let { dst, .. }
        | Stmt::Index { dst, .. }
        | Stmt::Load { dst, .. }
        | Stmt::Get { dst, .. } => Some(*dst),
        Stmt::Store { .. }
        | Stmt::Init { .. }
        | Stmt::Set { .. }
        | Stmt::Accumulate { .. }
        | Stmt::For { .. }
        | Stmt::While { .. }
        | Stmt::If { .. }
        | Stmt::Check { .. }
        | Stmt::Block { .. } => None,
    }
}

fn dim_vals(dims: &[Dim], out: &mut Vec<Val>) {
    for d in dims {
        d.for_each_symbol(&mut |s| out.extend(symbol_val(s)));
    }
}

/// The values a simple statement uses, those in index expressions included.
pub(crate) fn operands(s: &Stmt) -> Vec<Val> {
    let mut out = Vec::new();
    match s {
        Stmt::Let { args, .. } => out.extend(args),
        Stmt::Index { dim, .. } => dim_vals(std::slice::from_ref(dim), &mut out),
        Stmt::Load { index, .. } => dim_vals(index, &mut out),
        Stmt::Store { index, src, .. } => {
            dim_vals(index, &mut out);
            out.push(*src);
        }
        Stmt::Init { src, .. } | Stmt::Set { src, .. } | Stmt::Accumulate { src, .. } => out.push(*src),
        Stmt::Check { test, .. } => out.push(*test),
        Stmt::Const { .. }
        | Stmt::Get { .. }
        | Stmt::For { .. }
        | Stmt::While { .. }
        | Stmt::If { .. }
        | Stmt::Block { .. } => {}
    }
    out
}

fn with_dst(s: &Stmt, dst: Val) -> Stmt {
    match s.clone() {
        Stmt::Const { value, .. } => Stmt::Const { dst, value },
        Stmt::Let { op, args, .. } => Stmt::Let { dst, op, args },
        Stmt::Index { dim, .. } => Stmt::Index { dst, dim },
        Stmt::Load { mem, index, .. } => Stmt::Load { dst, mem, index },
        other => other,
    }
}

/// Operands replaced by what stands for them in this phase.
fn rename(s: &Stmt, map: &HashMap<Val, Val>) -> Stmt {
    let v = |x: Val| map.get(&x).copied().unwrap_or(x);
    let dim = |d: &Dim| {
        d.substitute(&|s| symbol_val(s).and_then(|x| map.get(&x)).map(|n| Dim::symbol(&n.to_string())))
    };
    let dims = |d: &[Dim]| d.iter().map(dim).collect();
    match s.clone() {
        Stmt::Let { dst, op, args } => Stmt::Let { dst, op, args: args.into_iter().map(v).collect() },
        Stmt::Index { dst, dim: d } => Stmt::Index { dst, dim: dim(&d) },
        Stmt::Load { dst, mem, index } => Stmt::Load { dst, mem, index: dims(&index) },
        Stmt::Store { mem, index, src } => Stmt::Store { mem, index: dims(&index), src: v(src) },
        Stmt::Accumulate { var, op, src } => Stmt::Accumulate { var, op, src: v(src) },
        Stmt::Check { test, fault } => Stmt::Check { test: v(test), fault },
        other => other,
    }
}
