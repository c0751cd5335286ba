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

use frit_ir::DType;
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
    let mut s = Stager { k, next: 0 };
    s.k.body = s.block(body);
    s.k
}

struct Stager {
    k: Kernel,
    next: u32,
}

/// A loop to be cut, and what is known of the values of its body.
struct Cut {
    body: Vec<Stmt>,
    /// Phase from which each value is known: one more than its operands' for a math function, else the latest of them.
    known: HashMap<Val, usize>,
    /// Phase in which each value is last used.
    last_use: BTreeMap<Val, usize>,
    last_phase: usize,
    /// Bounds of one tile, and an element's position in it.
    begin: Dim,
    end: Dim,
    place: Dim,
}

impl Cut {
    fn new(body: Vec<Stmt>, begin: Dim, end: Dim, place: Dim) -> Cut {
        let mut known: HashMap<Val, usize> = HashMap::new();
        for s in &body {
            if let Some(dst) = defines(s) {
                let at = operands(s).iter().filter_map(|v| known.get(v)).copied().max().unwrap_or(0);
                known.insert(dst, at + is_call(s) as usize);
            }
        }
        let last_phase = known.values().copied().max().unwrap_or(0);
        let mut cut = Cut { body, known, last_use: BTreeMap::new(), last_phase, begin, end, place };
        for s in &cut.body {
            let phase = cut.phase(s);
            for v in operands(s).into_iter().filter(|v| cut.known.contains_key(v)) {
                let last = cut.last_use.entry(v).or_insert(0);
                *last = phase.max(*last);
            }
        }
        cut
    }

    /// The phase of a statement. Functions run at the end of the phase that computes their operands; effects come last.
    fn phase(&self, s: &Stmt) -> usize {
        match defines(s) {
            Some(dst) => self.known[&dst] - is_call(s) as usize,
            None => self.last_phase,
        }
    }

    fn statements(&self, phase: usize) -> impl Iterator<Item = &Stmt> {
        self.body.iter().filter(move |s| self.phase(s) == phase)
    }

    fn definition(&self, v: Val) -> &Stmt {
        self.body.iter().find(|s| defines(s) == Some(v)).expect("defined in the body")
    }

    /// True if a value is computed again where it is needed, rather than kept.
    fn is_cheap(&self, v: Val) -> bool {
        match self.definition(v) {
            s @ (Stmt::Load { mem: Mem::Buffer(_), .. } | Stmt::Index { .. }) => operands(s).is_empty(),
            s => matches!(s, Stmt::Const { .. }),
        }
    }

    /// True if no statement after a phase uses the value.
    fn is_done(&self, v: Val, phase: usize) -> bool {
        self.last_use.get(&v).is_none_or(|l| *l <= phase)
    }

    /// True if a function of the phase other than the one with result `dst` takes the value.
    fn has_other_call(&self, v: Val, dst: Val, phase: usize) -> bool {
        self.statements(phase).any(|s| is_call(s) && defines(s) != Some(dst) && operands(s).contains(&v))
    }
}

/// The tiles in which values live between phases.
#[derive(Default)]
struct Tiles {
    of: HashMap<Val, Mem>,
    free: Vec<(DType, Mem)>,
}

/// The loop of one phase under construction.
#[derive(Default)]
struct Part {
    /// Values of earlier phases come first: a load made again must not see this phase's stores.
    brought: Vec<Stmt>,
    computed: Vec<Stmt>,
    /// Their names in this loop.
    names: HashMap<Val, Val>,
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

    fn fresh(&mut self, prefix: &str) -> Symbol {
        self.next += 1;
        format!("{prefix}{}", self.next - 1).into()
    }

    fn tiles(&mut self, index: Symbol, lo: Dim, hi: Dim, body: Vec<Stmt>) -> Stmt {
        let t = self.fresh("tile");
        let begin = &lo + Dim::symbol(&t) * TILE;
        let end = (&begin + TILE).minimum(&hi);
        let place = Dim::symbol(&index) - &begin;
        let cut = Cut::new(body, begin, end, place);
        let mut tiles = Tiles::default();
        let mut out: Vec<Stmt> = Vec::new();
        for phase in 0..=cut.last_phase {
            let body = self.part(&cut, phase, &mut tiles);
            if !body.is_empty() {
                let index: Symbol =
                    if phase == 0 { index.clone() } else { format!("{index}_{phase}").into() };
                let body = reindex(body, &cut.place, &index, &cut.begin);
                let (lo, hi) = (cut.begin.clone(), cut.end.clone());
                out.push(Stmt::For { index, lo, hi, kind: LoopKind::Vector, body });
            }
            for s in cut.statements(phase).filter(|s| is_call(s)) {
                self.call(&cut, s, phase, &mut tiles, &mut out);
            }
            // Tiles of values that no later phase needs are free again.
            let known = |v: &Val| cut.known.get(v).is_none_or(|p| *p <= phase);
            let mut done: Vec<Val> =
                tiles.of.keys().copied().filter(|v| cut.is_done(*v, phase) && known(v)).collect();
            done.sort();
            for v in done {
                let mem = tiles.of.remove(&v).expect("one of the keys");
                tiles.free.push((self.k.ty(v), mem));
            }
        }
        let count = (&hi - &lo).ceil_div(&Dim::constant(TILE));
        Stmt::For { index: t, lo: 0.into(), hi: count, kind: LoopKind::Serial, body: out }
    }

    /// The loop body of one phase: all but its functions. What those and later phases need is left in tiles.
    fn part(&mut self, cut: &Cut, phase: usize, tiles: &mut Tiles) -> Vec<Stmt> {
        let mut part = Part::default();
        let keep = |stager: &mut Stager, part: &mut Part, tiles: &mut Tiles, v: Val| {
            let mem = stager.tile(tiles, v);
            tiles.of.insert(v, mem);
            let src = part.names.get(&v).copied().unwrap_or(v);
            part.computed.push(Stmt::Store { mem, index: vec![cut.place.clone()], src });
        };
        for s in cut.statements(phase) {
            for v in operands(s).into_iter().filter(|v| cut.known.contains_key(v)) {
                self.bring(cut, v, phase, tiles, &mut part);
                if is_call(s) && !tiles.of.contains_key(&v) {
                    keep(self, &mut part, tiles, v);
                }
            }
            if is_call(s) {
                continue;
            }
            part.computed.push(rename(s, &part.names));
            if let Some(d) = defines(s)
                && !cut.is_done(d, phase)
                && !cut.is_cheap(d)
                && !tiles.of.contains_key(&d)
            {
                keep(self, &mut part, tiles, d);
            }
        }
        [part.brought, part.computed].concat()
    }

    /// Calls a function on tiles.
    fn call(&mut self, cut: &Cut, s: &Stmt, phase: usize, tiles: &mut Tiles, out: &mut Vec<Stmt>) {
        let Stmt::Let { dst, op, args } = s else { unreachable!("a call is a `let`") };
        let args = args.iter().map(|v| (self.operand_tile(cut, *v, tiles, out), 0.into())).collect();
        // The result takes over an operand's tile if that is not needed again.
        let reuse = operands(s).into_iter().find(|v| {
            cut.known.contains_key(v)
                && tiles.of.contains_key(v)
                && cut.is_done(*v, phase)
                && !cut.has_other_call(*v, *dst, phase)
                && self.k.ty(*v) == self.k.ty(*dst)
        });
        let mem = match reuse.and_then(|v| tiles.of.remove(&v)) {
            Some(mem) => mem,
            None => self.tile(tiles, *dst),
        };
        tiles.of.insert(*dst, mem);
        out.push(Stmt::Block { op: *op, dst: (mem, 0.into()), args, n: &cut.end - &cut.begin });
    }

    /// A free tile for a value, or a new one.
    fn tile(&mut self, tiles: &mut Tiles, v: Val) -> Mem {
        let t = self.k.ty(v);
        if let Some(i) = tiles.free.iter().position(|(d, _)| *d == t) {
            return tiles.free.swap_remove(i).1;
        }
        self.k.scratch.push(Scratch { dtype: t, elements: Dim::constant(TILE) });
        Mem::Scratch(self.k.scratch.len() as u32 - 1)
    }

    /// The tile that holds an operand of a function; a loop-invariant operand is spread over one.
    fn operand_tile(&mut self, cut: &Cut, v: Val, tiles: &mut Tiles, out: &mut Vec<Stmt>) -> Mem {
        if let Some(mem) = tiles.of.get(&v) {
            return *mem;
        }
        let mem = self.tile(tiles, v);
        tiles.of.insert(v, mem);
        let index = self.fresh("fill");
        let body = vec![Stmt::Store { mem, index: vec![Dim::symbol(&index)], src: v }];
        out.push(Stmt::For { index, lo: 0.into(), hi: &cut.end - &cut.begin, kind: LoopKind::Vector, body });
        mem
    }

    /// Makes a value of an earlier phase available in the loop under construction: from its tile, or computed again.
    fn bring(&mut self, cut: &Cut, v: Val, phase: usize, tiles: &Tiles, part: &mut Part) {
        let in_tile = tiles.of.get(&v);
        // Computed in this phase, unless a function before it left the value in a tile.
        let here = cut.known[&v] == phase && in_tile.is_none();
        let is_there = || part.computed.iter().any(|s| defines(s) == Some(v));
        if here || part.names.contains_key(&v) || is_there() {
            return;
        }
        let dst = Val(self.k.vals.len() as u32);
        self.k.vals.push(self.k.ty(v));
        part.brought.push(match in_tile {
            Some(mem) => Stmt::Load { dst, mem: *mem, index: vec![cut.place.clone()] },
            None => with_dst(cut.definition(v), dst),
        });
        part.names.insert(v, dst);
    }
}

/// True for a math function.
fn is_call(s: &Stmt) -> bool {
    matches!(s, Stmt::Let { op, .. } if op.is_math())
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
