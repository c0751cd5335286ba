//! Random kernels, within what the kernel level promises.
//!
//! Loops, branches and variables nest; buffers have every kind of stride, some are updated in place, some are one array
//! under two names, some hold pairs (the parts of complex numbers). Results do not depend on the order in which a
//! `vector` loop runs: its iterations store to their own elements only, and what they combine is exact in any order.

use super::{Array, Builder, REAL, Rng};
use frit_ir::kernel::{Fault, Kernel, LoopKind, Mem, Var, val_symbol};
use frit_ir::prim::{PrimType, Val};
use frit_ir::{DType, Dim, Prim, Scalar};

/// Rows of every array; loops stay below.
const ROWS: i64 = 5;

/// A kernel with the memory to run it on.
pub(crate) struct Program {
    pub(crate) kernel: Kernel,
    pub(crate) arrays: Vec<Array>,
    /// The array of each buffer parameter; in-place updates have one array twice.
    pub(crate) binding: Vec<usize>,
    pub(crate) sizes: Vec<i64>,
}

struct Buffer {
    mem: Mem,
    t: DType,
    rank: usize,
    array: usize,
    written: bool,
}

/// What is in scope.
#[derive(Clone)]
struct Scope {
    values: Vec<Val>,
    row: Dim,
    column: Dim,
    /// Inside a vector loop.
    vector: bool,
    /// Inside a loop that runs in order, `row - 1` is finished.
    previous: bool,
    depth: u32,
}

struct Generator {
    rng: Rng,
    types: Vec<DType>,
    math: bool,
    arrays: Vec<Array>,
    buffers: Vec<Buffer>,
    scratch: Vec<(Mem, DType)>,
    /// Variables to set and get.
    plain: Vec<(Var, DType)>,
    /// Variables that combine, and whether the vector loop at hand has used them.
    totals: Vec<(Var, DType, Prim, bool)>,
    /// Arrays (and scratch) stored to by the vector loop at hand.
    stored: Vec<usize>,
    names: u32,
    rows: Dim,
    columns: Dim,
    /// Columns of every array; loops stay below.
    width: i64,
}

/// The kernel of a seed. With `math`, functions of the math library appear, and floats are ordinary numbers.
pub(crate) fn random_kernel(seed: u64, math: bool) -> Program {
    let mut rng = Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..3 {
        rng.next();
    }
    let mut types: Vec<DType> = (0..1 + rng.below(4)).map(|_| rng.pick(&REAL)).collect();
    if math {
        types[0] = rng.pick(&[DType::F64, DType::F32]);
    }
    // Staged loops have tiles of 256: sometimes several.
    let width = if math && rng.chance(15) { 600 } else { 100 };
    let mut b = Builder::new("random");
    let (rows, columns) = (b.size("m"), b.size("n"));
    let mut g = Generator {
        rng,
        types,
        math,
        arrays: vec![],
        buffers: vec![],
        scratch: vec![],
        plain: vec![],
        totals: vec![],
        stored: vec![],
        names: 0,
        rows,
        columns,
        width,
    };
    for t in g.types.clone() {
        for _ in 0..1 + g.rng.below(2) {
            g.buffer(&mut b, t, false);
        }
        g.buffer(&mut b, t, true);
        if g.rng.chance(30) {
            let s = b.scratch(t, width.into());
            g.scratch.push((s, t));
        }
    }
    g.body(&mut b);
    let binding = g.buffers.iter().map(|x| x.array).collect();
    let n = if g.rng.chance(30) { g.rng.below(6) } else { g.rng.below(width as usize - 3) };
    let sizes = vec![g.rng.below(ROWS as usize) as i64, n as i64];
    Program { kernel: b.finish(), arrays: g.arrays, binding, sizes }
}

impl Generator {
    fn element(&mut self, t: DType) -> Scalar {
        if self.math && t.is_float() { Scalar::from_f64(t, self.rng.float()) } else { self.rng.scalar(t) }
    }

    /// A parameter of type `t`: its layout, and its array unless it shares one with an input of the same kind.
    fn buffer(&mut self, b: &mut Builder, t: DType, written: bool) {
        if written && self.rng.chance(25) {
            let twin = self.buffers.iter().position(|x| x.t == t && x.rank == 2 && !x.written);
            if let Some(twin) = twin.filter(|k| distinct(&self.arrays[self.buffers[*k].array].strides)) {
                let (array, rank) = (self.buffers[twin].array, 2);
                let unit = self.arrays[array].strides[1] == 1 && self.rng.chance(50);
                let mem = b.buffer(t, rank, unit);
                self.buffers.push(Buffer { mem, t, rank, array, written });
                return;
            }
        }
        let (r, c) = (ROWS, self.width);
        let mut layouts =
            vec![vec![c, 1], vec![1, r], vec![2 * c, 2], vec![-c, 1], vec![c, -1], vec![-1, -r]];
        layouts.extend([vec![c, 1], vec![2 * c, 2, 1], vec![2 * c, -2, 1], vec![1, 2 * r, r]]);
        if !written {
            layouts.extend([vec![0, 1], vec![c, 0], vec![0, 0], vec![1], vec![-2], vec![0]]);
        }
        let strides = layouts.swap_remove(self.rng.below(layouts.len()));
        let total = 2 * r * c;
        let mut a = Array::blank(t, total as usize, &strides);
        for k in 0..total {
            let v = self.element(t);
            a.set(k, v);
        }
        let extents: &[i64] = if strides.len() == 1 { &[c] } else { &[r, c, 2] };
        a.offset += strides.iter().zip(extents).map(|(s, n)| (-s).max(0) * (n - 1)).sum::<i64>();
        let unit = strides.last() == Some(&1) && self.rng.chance(80);
        let mem = b.buffer(t, strides.len(), unit);
        self.arrays.push(a);
        self.buffers.push(Buffer { mem, t, rank: strides.len(), array: self.arrays.len() - 1, written });
    }

    fn name(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("{stem}{}", self.names)
    }

    fn body(&mut self, b: &mut Builder) {
        let mut values: Vec<Val> = Vec::new();
        for t in self.types.clone() {
            let v = self.element(t);
            values.push(b.constant(v));
        }
        let kind = self.rng.pick(&[
            Some(LoopKind::Parallel),
            Some(LoopKind::Parallel),
            Some(LoopKind::Serial),
            None,
        ]);
        let mut scope = Scope {
            values,
            row: 0.into(),
            column: 0.into(),
            vector: false,
            previous: kind == Some(LoopKind::Serial),
            depth: 0,
        };
        match kind {
            None => self.row(b, scope),
            Some(kind) => {
                let rows = self.rows.clone();
                b.for_(kind, "i", 0, rows, |b, i| {
                    scope.row = i;
                    self.row(b, scope);
                });
            }
        }
    }

    /// Everything for one row: variables, loops, and the variables stored.
    fn row(&mut self, b: &mut Builder, mut scope: Scope) {
        for t in self.types.clone() {
            let start = self.element(t);
            self.plain.push((b.var(start), t));
            let op = match t {
                DType::Bool => self.rng.pick(&[Prim::And, Prim::Or, Prim::Min, Prim::Max]),
                DType::F32 | DType::F64 => self.rng.pick(&[Prim::Max, Prim::Min]),
                _ => self.rng.pick(&[Prim::Add, Prim::Mul, Prim::Min, Prim::Max, Prim::And, Prim::Or]),
            };
            let start = self.element(t);
            self.totals.push((b.var(start), t, op, false));
            // Sums of small whole numbers are exact.
            self.totals.push((b.var(Scalar::from_i64(t, 3)), t, Prim::Add, false));
        }
        self.totals.retain(|(_, t, op, _)| op.result(&[*t, *t], None).is_ok());
        for _ in 0..1 + self.rng.below(3) {
            self.loop_(b, &scope);
            self.statements(b, &mut scope, 3);
        }
        let results: Vec<(Var, DType)> =
            self.plain.iter().copied().chain(self.totals.iter().map(|x| (x.0, x.1))).collect();
        for (k, (v, t)) in results.into_iter().enumerate() {
            let at = self.buffers.iter().find(|x| x.written && x.t == t).map(|x| (x.mem, x.rank));
            let r = b.get(v);
            if let Some((mem, rank)) = at {
                let mut index = vec![scope.row.clone(), (self.width - 1 - k as i64).into(), 1.into()];
                index.truncate(rank);
                b.store(mem, &index, r);
            }
        }
        self.plain.clear();
        self.totals.clear();
    }

    fn loop_(&mut self, b: &mut Builder, scope: &Scope) {
        let kind = if self.rng.chance(75) { LoopKind::Vector } else { LoopKind::Serial };
        let n = self.columns.clone();
        let lo: Dim = match self.rng.below(8) {
            0 => 1.into(),
            1 => 5.into(),
            2 => scope.row.clone(),
            3 => scope.column.clone(),
            _ => 0.into(),
        };
        let hi = match self.rng.below(8) {
            0 => scope.row.clone(),
            1 => &n - &scope.row,
            2 => lo.clone(),
            3 => (&n - 1).floor_div(&2.into()),
            _ => n,
        };
        let name = self.name("j");
        let mut inner = Scope { vector: kind == LoopKind::Vector, depth: scope.depth + 1, ..scope.clone() };
        if inner.vector {
            self.stored.clear();
            self.totals.iter_mut().for_each(|x| x.3 = false);
        }
        b.for_(kind, &name, lo, hi, |b, j| {
            inner.column = j;
            self.load(b, &mut inner);
            self.load(b, &mut inner);
            let count = self.rng.below(30);
            self.statements(b, &mut inner, count);
            self.store(b, &inner);
            self.accumulate(b, &inner);
            self.store(b, &inner);
        });
        self.totals.iter_mut().for_each(|x| x.3 = false);
    }

    fn statements(&mut self, b: &mut Builder, scope: &mut Scope, count: usize) {
        for _ in 0..count {
            match self.rng.below(40) {
                0..4 => self.load(b, scope),
                4..6 => self.store(b, scope),
                6..8 => self.accumulate(b, scope),
                8 if scope.depth < 3 => self.branch(b, scope),
                9 if !scope.vector && scope.depth < 2 => self.while_(b, scope),
                10 if !scope.vector && scope.depth < 2 => self.loop_(b, scope),
                11 if !scope.vector => self.set(b, scope),
                12 if !scope.vector || self.rng.chance(20) => {
                    let (v, _) = self.rng.pick(&self.plain);
                    scope.values.push(b.get(v));
                }
                13 => {
                    let at = self.place(b, scope);
                    scope.values.push(b.index(at));
                }
                14 => {
                    let t = self.rng.pick(&self.types);
                    let v = self.element(t);
                    scope.values.push(b.constant(v));
                }
                15 => self.check(b, scope),
                _ => self.grow(b, scope),
            }
        }
    }

    fn of(&mut self, b: &Builder, scope: &Scope, t: DType) -> Option<Val> {
        let all: Vec<Val> = scope.values.iter().rev().copied().filter(|v| b.kernel.ty(*v) == t).collect();
        if all.is_empty() {
            return None;
        }
        let recent = if self.rng.chance(60) { all.len().min(3) } else { all.len() };
        Some(self.rng.pick(&all[..recent]))
    }

    /// Adds a primitive on values at hand, if a random choice of one fits.
    fn grow(&mut self, b: &mut Builder, scope: &mut Scope) {
        let op = if self.rng.chance(20) { Prim::Cast } else { self.rng.pick(Prim::ALL) };
        if op.is_math() && !self.math {
            return;
        }
        let pick = self.rng.pick(&scope.values);
        let Some(first) = self.of(b, scope, b.kernel.ty(pick)) else { return };
        let t = b.kernel.ty(first);
        let mut args = vec![first];
        match op.typing() {
            PrimType::Select => {
                let Some(mask) = self.of(b, scope, DType::Bool) else { return };
                let Some(other) = self.of(b, scope, t) else { return };
                args = vec![mask, first, other];
            }
            PrimType::Convert => {
                let to = if self.rng.chance(70) { self.rng.pick(&self.types) } else { self.rng.pick(&REAL) };
                if op.result(&[t], Some(to)).is_ok() {
                    let from = if op == Prim::Bitcast { self.number(b, first) } else { first };
                    scope.values.push(b.let_as(op, to, &[from]));
                }
                return;
            }
            PrimType::Same | PrimType::Compare => {
                for _ in 1..op.arity() {
                    args.extend(self.of(b, scope, t));
                }
            }
        }
        let types: Vec<DType> = args.iter().map(|v| b.kernel.ty(*v)).collect();
        if op.result(&types, None).is_ok() {
            if op == Prim::Copysign {
                args[1] = self.number(b, args[1]);
            }
            scope.values.push(b.let_(op, &args));
        }
    }

    /// A float with 0 in place of NaN, whose sign and payload are left open.
    fn number(&mut self, b: &mut Builder, v: Val) -> Val {
        let t = b.kernel.ty(v);
        if !t.is_float() {
            return v;
        }
        let zero = b.constant(Scalar::zero(t));
        let ordered = b.let_(Prim::Eq, &[v, v]);
        b.let_(Prim::Select, &[ordered, v, zero])
    }

    /// A column below the width.
    fn place(&mut self, b: &mut Builder, scope: &Scope) -> Dim {
        let (j, n) = (&scope.column, &self.columns);
        match self.rng.below(12) {
            0 => (n - j - 1).maximum(&0.into()),
            1 => scope.row.clone(),
            2 => j.floor_div(&3.into()),
            3 => (&scope.row + j).modulo(n),
            4 => 0.into(),
            5 => scope.row.minimum(j),
            6 => (j * 2).minimum(&(self.width - 1).into()),
            7 => {
                // Where a computed integer says, kept inside.
                let integer = |v: &Val| b.kernel.ty(*v).is_int();
                let all: Vec<Val> = scope.values.iter().copied().filter(integer).collect();
                if all.is_empty() {
                    return j.clone();
                }
                let v = self.rng.pick(&all);
                let t = b.kernel.ty(v);
                let (low, high) = (b.constant(Scalar::zero(t)), b.constant(Scalar::from_i64(t, 99)));
                let v = b.let_(Prim::Max, &[v, low]);
                let v = b.let_(Prim::Min, &[v, high]);
                Dim::symbol(&val_symbol(v))
            }
            _ => j.clone(),
        }
    }

    fn load(&mut self, b: &mut Builder, scope: &mut Scope) {
        if !self.scratch.is_empty() && self.rng.chance(15) {
            let k = self.rng.below(self.scratch.len());
            let at = if scope.vector { scope.column.clone() } else { self.place(b, scope) };
            scope.values.push(b.load(self.scratch[k].0, &[at]));
            return;
        }
        let k = self.rng.below(self.buffers.len());
        let (mem, rank, array) = (self.buffers[k].mem, self.buffers[k].rank, self.buffers[k].array);
        let written = self.buffers.iter().any(|x| x.written && x.array == array);
        let twins = self.buffers.iter().filter(|x| x.array == array).count() > 1;
        if scope.vector && twins && self.stored.contains(&array) {
            return;
        }
        let mut row = scope.row.clone();
        let column = if written && scope.vector { scope.column.clone() } else { self.place(b, scope) };
        if scope.previous && self.rng.chance(20) {
            row = (row - 1).maximum(&0.into());
        }
        let half: Dim = (self.rng.below(2) as i64).into();
        let mut index = if rank == 1 { vec![column] } else { vec![row, column, half] };
        index.truncate(rank);
        scope.values.push(b.load(mem, &index));
    }

    fn store(&mut self, b: &mut Builder, scope: &Scope) {
        if !self.scratch.is_empty() && self.rng.chance(20) {
            let (mem, t) = self.rng.pick(&self.scratch);
            if let Some(v) = self.of(b, scope, t) {
                b.store(mem, std::slice::from_ref(&scope.column), v);
            }
            return;
        }
        let all: Vec<usize> = (0..self.buffers.len()).filter(|k| self.buffers[*k].written).collect();
        let x = &self.buffers[self.rng.pick(&all)];
        let (mem, t, rank, array) = (x.mem, x.t, x.rank, x.array);
        let Some(v) = self.of(b, scope, t) else { return };
        let half: Dim = (self.rng.below(2) as i64).into();
        let mut index = vec![scope.row.clone(), scope.column.clone(), half];
        index.truncate(rank);
        b.store(mem, &index, v);
        if scope.vector {
            self.stored.push(array);
        }
    }

    fn accumulate(&mut self, b: &mut Builder, scope: &Scope) {
        let k = self.rng.below(self.totals.len());
        let (var, t, op, used) = self.totals[k];
        if scope.vector && used {
            return;
        }
        let src = if t.is_float() && op == Prim::Add {
            // At most seven in magnitude: sums stay exact.
            let small = [DType::I8, DType::U8, DType::I64, DType::I32, DType::Bool];
            let from = self.rng.pick(&small);
            let Some(v) = self.of(b, scope, from) else { return };
            let v = if from == DType::Bool {
                v
            } else {
                let seven = b.constant(Scalar::from_i64(from, 7));
                b.let_(Prim::IRem, &[v, seven])
            };
            b.let_as(Prim::Cast, t, &[v])
        } else {
            let Some(v) = self.of(b, scope, t) else { return };
            v
        };
        self.totals[k].3 = true;
        b.accumulate(var, op, src);
    }

    fn set(&mut self, b: &mut Builder, scope: &Scope) {
        let (var, t) = self.rng.pick(&self.plain);
        if let Some(v) = self.of(b, scope, t) {
            b.set(var, v);
        }
    }

    fn check(&mut self, b: &mut Builder, scope: &Scope) {
        if let Some(v) = self.of(b, scope, DType::Bool).filter(|_| self.rng.chance(40)) {
            b.check(v, Fault::IndexOutOfBounds);
        }
    }

    fn branch(&mut self, b: &mut Builder, scope: &Scope) {
        let Some(test) = self.of(b, scope, DType::Bool) else { return };
        let (yes, no) = (self.rng.below(5), self.rng.below(4));
        // Two closures would both borrow the generator: the branches are told apart by a marker.
        let this = std::cell::RefCell::new(self);
        let part = |b: &mut Builder, count: usize| {
            let mut inner = Scope { depth: scope.depth + 1, ..scope.clone() };
            let mut g = this.borrow_mut();
            g.statements(b, &mut inner, count);
            if count > 0 {
                g.store(b, &inner);
            }
        };
        b.if_(test, |b| part(b, yes), |b| part(b, no));
    }

    /// A loop of a few rounds by a counter.
    fn while_(&mut self, b: &mut Builder, scope: &Scope) {
        let counter = b.var(Scalar::zero(DType::I64));
        let one = b.constant(Scalar::one(DType::I64));
        let end = b.index((&scope.row + &scope.column).modulo(&4.into()));
        b.while_(
            |b| {
                let c = b.get(counter);
                b.let_(Prim::Lt, &[c, end])
            },
            |b| {
                let mut inner = Scope { depth: scope.depth + 1, ..scope.clone() };
                let c = b.get(counter);
                inner.values.push(c);
                let count = self.rng.below(6);
                self.statements(b, &mut inner, count);
                let next = b.let_(Prim::Add, &[c, one]);
                b.set(counter, next);
            },
        );
    }
}

/// True if every element of a two-dimensional layout has its own place.
fn distinct(strides: &[i64]) -> bool {
    strides.len() == 2 && strides.iter().all(|s| *s != 0)
}
