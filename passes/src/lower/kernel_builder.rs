//! Builds one kernel: a stack of open loops, with every instruction placed in the outermost loop that defines its
//! operands. Loop-invariant code motion and common subexpressions come for free that way.
//!
//! Loads that are affine in the loop coordinates are folded into the launch's view: the kernel sees `b0[i0, i1]`
//! whatever offset, stride, transposition or diagonal the view has, so that programs of other shapes and slices
//! find the same kernel.

use frit_ir::dim::{Dim, Symbol};
use frit_ir::kernel::{
    Access, BufferParam, Fault, Kernel, LoopKind, Mem, Scratch, Stmt, Var, symbol_val, val_symbol,
};
use frit_ir::plan::View;
use frit_ir::prim::{Emit, Prim, PrimType, Val};
use frit_ir::{DType, Scalar, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Constants in index expressions up to this size are part of a kernel's code: steps of slices, offsets of stencils,
/// positions in the rows that [`super::reduce`] unrolls.
const LARGEST_BAKED: u64 = 8;

/// What an instruction computes, for merging equal ones.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Const(Scalar),
    Prim(Prim, DType, Vec<Val>),
    Load(Mem, Vec<Dim>),
    Index(Dim),
}

/// A loop (or block) under construction.
#[derive(Default)]
struct Frame {
    stmts: Vec<Stmt>,
    /// Instructions already in this frame.
    memo: HashMap<Key, Val>,
    /// Array elements already computed in this frame: value and position to its parts.
    elements: HashMap<(u32, Value, Vec<Dim>), Vec<Val>>,
    /// Nothing may be moved out of this frame (it may not run, or run after stores).
    barrier: bool,
}

/// A position in the frame stack, remembered while code is placed further out.
pub(super) struct Suspended(Vec<Frame>);

/// A kernel under construction. See the module.
pub(super) struct KernelBuilder {
    pub(super) kernel: Kernel,
    frames: Vec<Frame>,
    /// Frame depth in which each value is defined.
    val_depth: Vec<usize>,
    /// Frame depth in which each loop symbol is defined.
    loop_depth: HashMap<Symbol, usize>,
    /// Coordinates of array elements, outermost first: loop symbols, or values computed from them.
    coordinates: Vec<Symbol>,
    /// Extent of each coordinate, in plan dims.
    extents: HashMap<Symbol, Dim>,
    /// `lo <= symbol < hi` for proofs about indices, in plan dims.
    pub(super) ranges: Vec<(Symbol, Dim, Dim)>,
    /// The launch's views, one per buffer parameter.
    pub(super) views: Vec<View>,
    /// The launch's sizes, one per size parameter.
    pub(super) sizes: Vec<Dim>,
    /// Plan symbols (sizes, outer plan-level loops) already passed as size parameters.
    plan_symbols: HashMap<Symbol, Symbol>,
    /// Constants of index expressions already passed as size parameters.
    constants: HashMap<i64, Dim>,
    next_symbol: u32,
    /// Names of sizes in the plan: expressions mix them with the kernel's own.
    taken: Arc<BTreeSet<Symbol>>,
    /// What elements are remembered for, innermost last: the graph that values belong to (positions in a region's
    /// graph mean something else than outside), and the pieces in it that may be unused.
    pub(super) scope: Vec<u32>,
    /// Work of one iteration of the outermost loop, in `f64` additions.
    pub(super) cost: Dim,
    /// Product of the extents of the open loops that count toward `cost`.
    trips: Vec<Dim>,
}

impl KernelBuilder {
    pub(super) fn new(name: String, taken: Arc<BTreeSet<Symbol>>) -> KernelBuilder {
        let kernel = Kernel {
            name,
            buffers: vec![],
            sizes: vec![],
            scratch: vec![],
            vars: vec![],
            vals: vec![],
            body: vec![],
        };
        KernelBuilder {
            kernel,
            frames: vec![Frame::default()],
            val_depth: vec![],
            loop_depth: HashMap::new(),
            coordinates: vec![],
            extents: HashMap::new(),
            ranges: vec![],
            views: vec![],
            sizes: vec![],
            plan_symbols: HashMap::new(),
            constants: HashMap::new(),
            next_symbol: 0,
            taken,
            scope: vec![0],
            cost: Dim::constant(0),
            trips: vec![Dim::constant(1)],
        }
    }

    /// Ends the kernel: closes the body.
    pub(super) fn finish(mut self) -> (Kernel, Vec<View>, Vec<Dim>, Dim) {
        assert_eq!(self.frames.len(), 1, "a loop is still open");
        self.kernel.body = self.frames.pop().expect("the body frame").stmts;
        (self.kernel, self.views, self.sizes, self.cost)
    }

    /// Number of open frames below the current one.
    pub(super) fn depth(&self) -> usize {
        self.frames.len() - 1
    }

    fn new_val(&mut self, dtype: DType, depth: usize) -> Val {
        self.kernel.vals.push(dtype);
        self.val_depth.push(depth);
        Val(self.kernel.vals.len() as u32 - 1)
    }

    /// Innermost frame out of which nothing may be moved.
    fn barrier_depth(&self) -> usize {
        self.frames.iter().rposition(|f| f.barrier).unwrap_or(0)
    }

    fn val_depth(&self, v: Val) -> usize {
        self.val_depth[v.0 as usize]
    }

    /// The frame in which a position is known.
    pub(super) fn dim_depth(&self, dim: &Dim) -> usize {
        let mut depth = 0;
        dim.for_each_symbol(&mut |s| {
            let d = match symbol_val(s) {
                Some(v) => self.val_depth(v),
                None => self.loop_depth.get(s).copied().unwrap_or(0),
            };
            depth = depth.max(d);
        });
        depth
    }

    /// The frame in which all of several positions are known.
    pub(super) fn dims_depth(&self, dims: &[Dim]) -> usize {
        dims.iter().map(|d| self.dim_depth(d)).max().unwrap_or(0)
    }

    /// The frame for a loop nest over the elements at a position: where the position is known, inside barriers.
    pub(super) fn placement(&self, dims: &[Dim]) -> usize {
        self.dims_depth(dims).max(self.barrier_depth())
    }

    fn push(&mut self, depth: usize, key: Key, dtype: DType, make: impl FnOnce(Val) -> Stmt) -> Val {
        // Not above a barrier, not below the current frame.
        let depth = depth.max(self.barrier_depth());
        for d in (0..=depth).rev() {
            if let Some(v) = self.frames[d].memo.get(&key) {
                return *v;
            }
        }
        let dst = self.new_val(dtype, depth);
        let stmt = make(dst);
        let frame = &mut self.frames[depth];
        frame.stmts.push(stmt);
        frame.memo.insert(key, dst);
        dst
    }

    /// Adds a statement to the current frame.
    pub(super) fn stmt(&mut self, stmt: Stmt) {
        self.frames.last_mut().expect("a frame").stmts.push(stmt);
    }

    /// Remembers the parts of an array element for reuse in the frame where they are valid.
    pub(super) fn remember(&mut self, value: Value, index: &[Dim], parts: Vec<Val>) {
        let known = self.dims_depth(index);
        let depth = parts.iter().map(|v| self.val_depth(*v)).max().unwrap_or(0).max(known);
        let depth = depth.max(self.barrier_depth()).min(self.depth());
        let scope = *self.scope.last().expect("a scope");
        self.frames[depth].elements.insert((scope, value, index.to_vec()), parts);
    }

    /// The parts of an element computed before, if still valid.
    pub(super) fn recall(&self, value: Value, index: &[Dim]) -> Option<Vec<Val>> {
        self.scope.iter().rev().find_map(|scope| {
            let key = (*scope, value, index.to_vec());
            self.frames.iter().rev().find_map(|f| f.elements.get(&key).cloned())
        })
    }

    /// Forgets elements that may have been overwritten.
    pub(super) fn forget_elements(&mut self) {
        for f in &mut self.frames {
            f.elements.clear();
            f.memo.retain(|k, _| !matches!(k, Key::Load(..)));
        }
    }

    /// Moves the insertion point out to a frame; [`KernelBuilder::resume`] puts the inner frames back.
    pub(super) fn suspend(&mut self, depth: usize) -> Suspended {
        Suspended(self.frames.split_off(depth + 1))
    }

    pub(super) fn resume(&mut self, inner: Suspended) {
        self.frames.extend(inner.0);
    }

    // Sizes and coordinates.

    /// A plan-level size as a kernel expression: a new size parameter, except for 0 and 1.
    pub(super) fn size(&mut self, dim: &Dim) -> Dim {
        if dim.as_const().is_some_and(|v| (0..=1).contains(&v)) {
            return dim.clone();
        }
        let mut inside = false;
        dim.for_each_symbol(&mut |s| inside |= symbol_val(s).is_some() || self.loop_depth.contains_key(s));
        if inside {
            return self.localize(dim);
        }
        let mut name: Symbol = format!("n{}", self.kernel.sizes.len()).into();
        while self.taken.contains(&name) {
            name = format!("{name}_").into();
        }
        self.kernel.sizes.push(name.clone());
        self.sizes.push(dim.clone());
        Dim::symbol(&name)
    }

    /// Rewrites what an expression takes from the plan to size parameters: symbols, and constants, which are sizes known
    /// when the program was traced (where a joined piece starts, what a reshape divides by). Loop symbols, values and
    /// [`LARGEST_BAKED`] stay. Proofs are made before, while the constants are there to see.
    pub(super) fn localize(&mut self, dim: &Dim) -> Dim {
        let (mut foreign, mut constants) = (Vec::new(), Vec::new());
        dim.for_each_symbol(&mut |s| {
            if symbol_val(s).is_none() && !self.loop_depth.contains_key(s) && !self.is_size(s) {
                foreign.push(s.clone());
            }
        });
        dim.for_each_constant(&mut |c| {
            if c.unsigned_abs() > LARGEST_BAKED {
                constants.push(c);
            }
        });
        if foreign.is_empty() && constants.is_empty() {
            return dim.clone();
        }
        for s in foreign {
            if !self.plan_symbols.contains_key(&s) {
                let local = self.size(&Dim::symbol(&s));
                let mut name = None;
                local.for_each_symbol(&mut |n| name = Some(n.clone()));
                self.plan_symbols.insert(s, name.expect("a symbol is not a constant"));
            }
        }
        for c in constants {
            if !self.constants.contains_key(&c) {
                let amount = self.size(&Dim::constant(c.saturating_abs()));
                self.constants.insert(-c.saturating_abs(), -&amount);
                self.constants.insert(c.saturating_abs(), amount);
            }
        }
        let general = dim.map_constants(&|c| self.constants.get(&c).cloned());
        general.substitute(&|s| self.plan_symbols.get(s).map(|n| Dim::symbol(n)))
    }

    fn is_size(&self, s: &Symbol) -> bool {
        self.kernel.sizes.contains(s)
    }

    /// A fresh loop symbol.
    pub(super) fn fresh(&mut self, prefix: &str) -> Symbol {
        loop {
            let s: Symbol = format!("{prefix}{}", self.next_symbol).into();
            self.next_symbol += 1;
            if !self.taken.contains(&s) {
                return s;
            }
        }
    }

    /// Opens a loop. `extent` is the plan-level range `0..extent` used in proofs and view shapes.
    pub(super) fn open_loop(&mut self, symbol: &Symbol, extent: &Dim) {
        self.open_range(symbol, Dim::constant(0), extent.clone());
        self.extents.insert(symbol.clone(), extent.clone());
        self.coordinates.push(symbol.clone());
    }

    /// Opens a loop with plan-level bounds (for a region's index).
    pub(super) fn open_range(&mut self, symbol: &Symbol, lo: Dim, hi: Dim) {
        self.frames.push(Frame::default());
        self.loop_depth.insert(symbol.clone(), self.frames.len() - 1);
        self.ranges.push((symbol.clone(), lo, hi));
    }

    /// Closes the current loop and adds it to the frame around it.
    pub(super) fn close_loop(&mut self, symbol: &Symbol, lo: Dim, hi: Dim, kind: LoopKind) {
        let frame = self.frames.pop().expect("an open loop");
        self.loop_depth.remove(symbol);
        self.ranges.retain(|r| r.0 != *symbol);
        self.coordinates.retain(|s| s != symbol);
        if !frame.stmts.is_empty() {
            self.stmt(Stmt::For { index: symbol.clone(), lo, hi, kind, body: frame.stmts });
        }
    }

    /// Counts a loop's trips toward the cost of what is emitted until [`KernelBuilder::end_trips`].
    pub(super) fn begin_trips(&mut self, extent: &Dim) {
        let total = self.trips.last().expect("the base") * extent;
        self.trips.push(total);
    }

    pub(super) fn end_trips(&mut self) {
        self.trips.pop();
    }

    /// Adds work done once per innermost counted trip.
    pub(super) fn charge(&mut self, cost: f64) {
        let trips = self.trips.last().expect("the base").clone();
        self.cost = &self.cost + trips * (cost.ceil() as i64).max(1);
    }

    /// Declares a value computed from loop indices as a coordinate: loads affine in it are folded into views.
    pub(super) fn coordinate(&mut self, expression: &Dim, extent: &Dim) -> Dim {
        let v = self.index(expression);
        let s = val_symbol(v);
        if !self.coordinates.contains(&s) {
            self.coordinates.push(s.clone());
            self.extents.insert(s.clone(), extent.clone());
            self.ranges.push((s.clone(), Dim::constant(0), extent.clone()));
        }
        Dim::symbol(&s)
    }

    /// Opens a region's loop: later iterations see the stores of earlier ones, so nothing moves out of it.
    pub(super) fn open_region_loop(&mut self, symbol: &Symbol, lo: Dim, hi: Dim) {
        self.open_range(symbol, lo, hi);
        self.set_barrier();
    }

    /// Opens a block that is not a loop (a branch, a while body); nothing moves out of it.
    pub(super) fn open_block(&mut self) {
        self.frames.push(Frame { barrier: true, ..Frame::default() });
    }

    /// Closes a block and hands over its statements.
    pub(super) fn close_block(&mut self) -> Vec<Stmt> {
        self.frames.pop().expect("an open block").stmts
    }

    /// Keeps everything emitted from here on inside the current frame (it runs after stores of earlier iterations).
    pub(super) fn set_barrier(&mut self) {
        self.frames.last_mut().expect("a frame").barrier = true;
    }

    /// True if the loop over a symbol is not finished.
    pub(super) fn is_open(&self, symbol: &Dim) -> bool {
        let mut open = false;
        symbol.for_each_symbol(&mut |s| open |= self.loop_depth.contains_key(s));
        open
    }

    /// True if a position is the index of an open loop over a whole axis.
    pub(super) fn spans(&self, position: &Dim, extent: &Dim) -> bool {
        self.ranges.iter().any(|(s, lo, hi)| lo.is(0) && hi == extent && Dim::symbol(s) == *position)
    }

    /// True if the current frame already holds a loop (and so cannot be run with SIMD).
    pub(super) fn holds_loop(&self) -> bool {
        let is_loop = |s: &Stmt| matches!(s, Stmt::For { .. } | Stmt::While { .. } | Stmt::If { .. });
        self.frames.last().expect("a frame").stmts.iter().any(is_loop)
    }

    // Instructions.

    /// An index expression as an `i64`.
    pub(super) fn index(&mut self, dim: &Dim) -> Val {
        if let Some(v) = dim.as_const() {
            return self.constant(Scalar::from_i64(DType::I64, v));
        }
        let depth = self.dim_depth(dim);
        let dim = dim.clone();
        self.push(depth, Key::Index(dim.clone()), DType::I64, |dst| Stmt::Index { dst, dim })
    }

    /// A declared mutable scalar.
    pub(super) fn var(&mut self, dtype: DType) -> Var {
        self.kernel.vars.push(dtype);
        Var(self.kernel.vars.len() as u32 - 1)
    }

    /// Reads a mutable scalar in the current frame.
    pub(super) fn get(&mut self, var: Var) -> Val {
        let dtype = self.kernel.vars[var.0 as usize];
        let depth = self.depth();
        let dst = self.new_val(dtype, depth);
        self.stmt(Stmt::Get { dst, var });
        dst
    }

    /// A scratch array of a plan-level number of elements.
    pub(super) fn scratch(&mut self, dtype: DType, elements: &Dim) -> Mem {
        let elements = self.size(elements);
        self.kernel.scratch.push(Scratch { dtype, elements });
        Mem::Scratch(self.kernel.scratch.len() as u32 - 1)
    }

    /// Loads from scratch, in the current frame.
    pub(super) fn load_scratch(&mut self, mem: Mem, index: Dim, dtype: DType) -> Val {
        let depth = self.depth();
        let dst = self.new_val(dtype, depth);
        self.stmt(Stmt::Load { dst, mem, index: vec![index] });
        dst
    }

    /// Fails the call unless `test` holds.
    pub(super) fn check(&mut self, test: Val, fault: Fault) {
        self.stmt(Stmt::Check { test, fault });
    }

    /// The buffer parameter and index by which an element of a plan view is addressed.
    fn address(&mut self, view: &View, dtype: DType, index: &[Dim], access: Access) -> (Mem, Vec<Dim>) {
        let complex = dtype.is_complex();
        let (offset, coords) = match self.fold(view, index) {
            Some(folded) => folded,
            None => return self.plain_address(view, dtype, index, access),
        };
        let mut v = View { buffer: view.buffer, offset, shape: vec![], strides: vec![] };
        let mut local = Vec::new();
        for (symbol, stride) in coords {
            v.shape.push(self.extents[&symbol].clone());
            v.strides.push(stride);
            local.push(Dim::symbol(&symbol));
        }
        let unit = complex || v.strides.last().is_some_and(|s| s.is(1));
        (self.parameter(v, dtype, unit, access), local)
    }

    /// Whole-view addressing, for indices that are not affine in the coordinates.
    fn plain_address(&mut self, view: &View, dtype: DType, index: &[Dim], access: Access) -> (Mem, Vec<Dim>) {
        let local = index.iter().map(|d| self.localize(d)).collect();
        let unit = dtype.is_complex() || view.strides.last().is_some_and(|s| s.is(1));
        (self.parameter(view.clone(), dtype, unit, access), local)
    }

    /// Writes `offset + sum(stride_s * s)` over the open coordinates, if the index is affine in them.
    fn fold(&self, view: &View, index: &[Dim]) -> Option<(Dim, Vec<(Symbol, Dim)>)> {
        let mut position = view.offset.clone();
        for (i, s) in index.iter().zip(&view.strides) {
            position = position + i * s;
        }
        let mut coords = Vec::new();
        for symbol in &self.coordinates {
            let (k, rest) = position.affine_in(symbol)?;
            if !k.is(0) {
                coords.push((symbol.clone(), k));
            }
            position = rest;
        }
        let mut foreign = false;
        let mut local = |s: &Symbol| foreign |= symbol_val(s).is_some() || self.loop_depth.contains_key(s);
        position.for_each_symbol(&mut local);
        coords.iter().for_each(|(_, k)| k.for_each_symbol(&mut local));
        (!foreign).then_some((position, coords))
    }

    fn parameter(&mut self, mut view: View, dtype: DType, unit: bool, access: Access) -> Mem {
        let rank = view.strides.len() + dtype.is_complex() as usize;
        let same = |(v, p): (&View, &BufferParam)| {
            v.buffer == view.buffer && v.offset == view.offset && v.strides == view.strides && p.rank == rank
        };
        let found = self.views.iter().zip(&self.kernel.buffers).position(same);
        // The plan knows nothing of the kernel's own loops.
        view.shape = view.shape.iter().map(|d| super::index::upper_bound(d, &self.ranges)).collect();
        if let Some(i) = found {
            let p = &mut self.kernel.buffers[i];
            if p.access != access {
                p.access = Access::ReadWrite;
            }
            // One view for both.
            for (n, other) in self.views[i].shape.iter_mut().zip(&view.shape) {
                *n = n.maximum(other);
            }
            return Mem::Buffer(i as u32);
        }
        self.kernel.buffers.push(BufferParam { dtype: dtype.real(), rank, access, unit });
        self.views.push(view);
        Mem::Buffer(self.views.len() as u32 - 1)
    }

    /// Loads an array element: one part, or two for complex. A `moving` buffer is written while the kernel runs: its
    /// loads stay where they are.
    pub(super) fn load(&mut self, view: &View, dtype: DType, index: &[Dim], moving: bool) -> Vec<Val> {
        if moving {
            return self.load_whole(view, dtype, index, moving);
        }
        let (mem, index) = self.address(view, dtype, index, Access::Read);
        self.load_parts(mem, dtype, &index, moving)
    }

    /// Loads an array element by its position in the whole view.
    pub(super) fn load_whole(&mut self, view: &View, dtype: DType, index: &[Dim], moving: bool) -> Vec<Val> {
        let access = if moving { Access::ReadWrite } else { Access::Read };
        let (mem, index) = self.plain_address(view, dtype, index, access);
        self.load_parts(mem, dtype, &index, moving)
    }

    fn load_parts(&mut self, mem: Mem, dtype: DType, index: &[Dim], moving: bool) -> Vec<Val> {
        let parts = if dtype.is_complex() { 2 } else { 1 };
        (0..parts)
            .map(|part| {
                let mut index = index.to_vec();
                if dtype.is_complex() {
                    index.push(Dim::constant(part));
                }
                let depth = if moving { self.depth() } else { self.dims_depth(&index) };
                let key = Key::Load(mem, index.clone());
                self.push(depth, key, dtype.real(), |dst| Stmt::Load { dst, mem, index })
            })
            .collect()
    }

    /// Stores an array element's parts.
    pub(super) fn store(&mut self, view: &View, dtype: DType, index: &[Dim], parts: &[Val], moving: bool) {
        let (mem, index) = if moving {
            self.plain_address(view, dtype, index, Access::ReadWrite)
        } else {
            self.address(view, dtype, index, Access::Write)
        };
        for (part, src) in parts.iter().enumerate() {
            let mut index = index.clone();
            if dtype.is_complex() {
                index.push(Dim::constant(part as i64));
            }
            self.stmt(Stmt::Store { mem, index, src: *src });
        }
    }
}

impl Emit for KernelBuilder {
    fn emit(&mut self, op: Prim, to: DType, args: &[Val]) -> Val {
        let depth = args.iter().map(|a| self.val_depth(*a)).max().unwrap_or(0);
        debug_assert!(op.typing() == PrimType::Convert || op.result(&self.types(args), None) == Ok(to));
        let args = args.to_vec();
        self.push(depth, Key::Prim(op, to, args.clone()), to, |dst| Stmt::Let { dst, op, args })
    }

    fn constant(&mut self, value: Scalar) -> Val {
        self.push(0, Key::Const(value), value.dtype(), |dst| Stmt::Const { dst, value })
    }

    fn dtype(&self, v: Val) -> DType {
        self.kernel.ty(v)
    }
}

impl KernelBuilder {
    fn types(&self, args: &[Val]) -> Vec<DType> {
        args.iter().map(|a| self.kernel.ty(*a)).collect()
    }
}
