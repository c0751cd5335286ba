//! Emits the scalar computation of one array element: `emit(value, index)` walks the graph from a value to the arrays
//! that exist in memory, composing view ops into indices and splicing op bodies into the kernel.

use super::index::{broadcast_index, source_index};
use super::kernel_builder::KernelBuilder;
use super::reduce;
use frit_ir::dim::Symbol;
use frit_ir::graph::{Graph, Node};
use frit_ir::kernel::{Fault, Mem, val_symbol};
use frit_ir::ops::Class;
use frit_ir::plan::{Buffer, BufferId, BufferSource, Origin, View};
use frit_ir::prim::{Body, Emit, ScalarFn, Val};
use frit_ir::{DType, Dim, Key, Op, Scalar, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Where an array's elements are while a kernel is built.
#[derive(Clone, Debug)]
pub(super) enum Binding {
    /// In a buffer. `moving`: written while the kernel runs.
    View { view: View, moving: bool },
    /// A 0-d value held in scalars.
    Scalars(Vec<Val>),
    /// Accumulators of a column reduction: scratch indexed by the last axis that is not of size 1, minus `base`.
    Columns { parts: Vec<Mem>, base: Dim },
    /// Per-chunk results of a split reduction: the first axis of the view is the chunk.
    Partials { view: View, chunks: Dim },
}

/// A row value kept in scratch between the loops over the row.
struct RowCache {
    scratch: Vec<Mem>,
    /// Loop symbol by which it was filled, and the outer index of the row.
    filled: Option<(Dim, Vec<Dim>)>,
}

/// State of emission into one kernel.
pub(super) struct Emitter<'a> {
    pub(super) g: &'a Graph,
    pub(super) kb: KernelBuilder,
    /// Arrays in memory when the kernel starts.
    storage: Option<&'a HashMap<Value, View>>,
    /// Values that are somewhere else while this kernel is built.
    pub(super) bindings: HashMap<Value, Binding>,
    /// Reductions inlined into this kernel with their phase: equal phases over one row share a loop.
    pub(super) phases: HashMap<Value, u32>,
    /// Buffers that the kernel needs for itself; they follow `first_buffer` in the plan.
    pub(super) new_buffers: Vec<Buffer>,
    pub(super) first_buffer: u32,
    next_scope: u32,
    /// Sizes of the piece being computed (of an array that is joined or padded): if one is 0, its elements are not used.
    unused: Vec<Dim>,
    caches: HashMap<Value, RowCache>,
    bodies: HashMap<(Op, Vec<DType>, DType), ScalarFn>,
}

impl<'a> Emitter<'a> {
    /// An emitter of a kernel of this name, whose own names differ from the `taken` ones of the plan.
    pub(super) fn new(
        g: &'a Graph,
        name: String,
        storage: &'a HashMap<Value, View>,
        taken: &Arc<BTreeSet<Symbol>>,
    ) -> Emitter<'a> {
        Emitter {
            g,
            kb: KernelBuilder::new(name, taken.clone()),
            storage: Some(storage),
            new_buffers: vec![],
            first_buffer: 0,
            next_scope: 1,
            unused: vec![],
            bindings: HashMap::new(),
            phases: HashMap::new(),
            caches: HashMap::new(),
            bodies: HashMap::new(),
        }
    }

    /// Runs `f` with another graph's values: a region's body.
    pub(super) fn with_graph<T>(
        &mut self,
        g: &'a Graph,
        bindings: HashMap<Value, Binding>,
        f: impl FnOnce(&mut Emitter<'a>) -> T,
    ) -> T {
        let outer = (self.g, std::mem::replace(&mut self.bindings, bindings), self.storage.take());
        let (scope, unused) = (self.kb.scope.clone(), std::mem::take(&mut self.unused));
        self.g = g;
        self.kb.scope = vec![self.next_scope];
        self.next_scope += 1;
        let result = f(self);
        (self.g, self.bindings, self.storage) = outer;
        (self.kb.scope, self.unused) = (scope, unused);
        result
    }

    /// An element of a piece that may be empty where its elements are not used: what `f` emits is harmless then. Its
    /// loads stay inside their arrays (see [`Emitter::load`]), and its checks hold.
    fn piece(&mut self, sizes: &[Dim], f: impl FnOnce(&mut Emitter<'a>) -> Vec<Val>) -> Vec<Val> {
        if sizes.is_empty() {
            return f(self);
        }
        let before = self.unused.len();
        self.unused.extend_from_slice(sizes);
        // What is computed here is not for use elsewhere; the reverse is fine.
        self.kb.scope.push(self.next_scope);
        self.next_scope += 1;
        let parts = f(self);
        self.kb.scope.pop();
        self.unused.truncate(before);
        parts
    }

    /// Loads an element. In a piece that may be empty, each position is brought into the array; an array without
    /// elements has one to read, and it has a view of its own (the runtime sees from its shape that it is empty).
    fn load(&mut self, view: &View, dtype: DType, index: &[Dim], moving: bool) -> Vec<Val> {
        self.kb.charge(2.0);
        if self.unused.is_empty() {
            return self.kb.load(view, dtype, index, moving);
        }
        let ranges = &self.kb.ranges;
        let axes = || index.iter().zip(&view.shape);
        let safe: Vec<Dim> = axes().map(|(i, n)| super::index::inside(i, n, ranges)).collect();
        if safe == index && !axes().any(|(i, n)| super::index::is_inside(i, n, ranges)) {
            return self.kb.load(view, dtype, index, moving);
        }
        self.kb.load_whole(view, dtype, &safe, moving)
    }

    /// Fails the call unless `test` holds or the element is not used.
    fn check(&mut self, test: Val, fault: Fault) {
        let mut test = test;
        for n in self.unused.clone() {
            let empty = self.test_less(&n, &Dim::constant(1));
            test = Body(&mut self.kb).or(test, empty);
        }
        self.kb.check(test, fault);
    }

    /// A contiguous array of the kernel's own, kept by the plan. Its memory is taken before the kernel's loops run, so
    /// axes whose sizes depend on a loop index get room for the largest.
    pub(super) fn temporary(&mut self, dtype: DType, shape: &[Dim], origin: Origin) -> View {
        let room: Vec<Dim> = shape.iter().map(|d| super::index::upper_bound(d, &self.kb.ranges)).collect();
        let elements = frit_ir::dim::product(&room);
        let id = BufferId(self.first_buffer + self.new_buffers.len() as u32);
        self.new_buffers.push(Buffer { dtype, elements, source: BufferSource::Temporary, origin });
        View { shape: shape.to_vec(), ..View::contiguous(id, &room) }
    }

    /// Keeps a row value in scratch of `elements` after its first loop.
    pub(super) fn cache_row(&mut self, value: Value, elements: &Dim) {
        let t = self.g.ty(value).dtype;
        let parts = if t.is_complex() { 2 } else { 1 };
        let scratch = (0..parts).map(|_| self.kb.scratch(t.real(), elements)).collect();
        self.caches.insert(value, RowCache { scratch, filled: None });
    }

    /// The element of `value` at `index`: one scalar, or two for complex.
    pub(super) fn emit(&mut self, value: Value, index: &[Dim]) -> Vec<Val> {
        if let Some(binding) = self.bindings.get(&value) {
            let binding = binding.clone();
            return self.emit_bound(value, &binding, index);
        }
        if let Some(view) = self.storage.and_then(|s| s.get(&value)) {
            return self.load(view, self.g.ty(value).dtype, index, false);
        }
        if let Some(parts) = self.kb.recall(value, index) {
            return parts;
        }
        if let Some(parts) = self.load_row_cache(value, index) {
            return parts;
        }
        let g = self.g;
        let node = g.def(value);
        let parts = match node.op.class() {
            Class::Source => self.emit_source(node, index),
            Class::Elementwise => self.emit_elementwise(node, index),
            Class::View => {
                let from = source_index(g, node, index, &self.kb.ranges);
                self.emit(node.inputs[0], &from)
            }
            Class::Reduce => reduce::emit_inline(self, value, index),
            Class::Movement => match node.op {
                Op::Concatenate => self.emit_concatenate(node, index),
                Op::Pad => self.emit_pad(node, index),
                Op::Gather => {
                    let from = self.gather_index(node, index);
                    self.emit(node.inputs[0], &from)
                }
                other => unreachable!("{other} is always in memory"),
            },
            Class::Cumulative | Class::Library | Class::Region | Class::Composite => {
                unreachable!("{} is always in memory", node.op)
            }
        };
        self.fill_row_cache(value, index, &parts);
        self.kb.remember(value, index, parts.clone());
        parts
    }

    fn emit_bound(&mut self, value: Value, binding: &Binding, index: &[Dim]) -> Vec<Val> {
        let dtype = self.g.ty(value).dtype;
        match binding {
            Binding::View { view, moving } => self.load(view, dtype, index, *moving),
            Binding::Scalars(parts) => parts.clone(),
            Binding::Columns { parts, base } => {
                // Behind the column there may be axes of size 1, kept or reduced.
                let shape = &self.g.ty(value).shape;
                let column = shape.iter().rposition(|n| !n.is(1)).expect("a column");
                let at = self.kb.localize(&index[column]) - base;
                parts.clone().into_iter().map(|m| self.kb.load_scratch(m, at.clone(), dtype.real())).collect()
            }
            Binding::Partials { view, chunks } => {
                reduce::combine_partials(self, value, &view.clone(), &chunks.clone(), index)
            }
        }
    }

    fn emit_source(&mut self, node: &Node, index: &[Dim]) -> Vec<Val> {
        match node.op {
            Op::Constant => {
                let c = node.attrs.scalar(Key::Value);
                let (re, im) = c.parts();
                let mut parts = vec![self.kb.constant(re)];
                if c.dtype().is_complex() {
                    parts.push(self.kb.constant(im));
                }
                parts
            }
            Op::Iota => {
                let at = self.kb.localize(&index[node.attrs.int(Key::Axis) as usize]);
                let i = self.kb.index(&at);
                let to = node.attrs.dtype(Key::DType);
                let re = Body(&mut self.kb).cast(i, to.real());
                if to.is_complex() { vec![re, self.kb.constant(Scalar::zero(to.real()))] } else { vec![re] }
            }
            Op::DimValue => {
                let dim = node.attrs.dim(Key::Dim);
                // A constant size is a parameter of the kernel, so that other sizes share its code.
                let dim = if dim.as_const().is_some() { self.kb.size(dim) } else { self.kb.localize(dim) };
                vec![self.kb.index(&dim)]
            }
            other => unreachable!("{other} is always in memory"),
        }
    }

    fn emit_elementwise(&mut self, node: &Node, index: &[Dim]) -> Vec<Val> {
        let g = self.g;
        let mut args = Vec::new();
        let mut types = Vec::new();
        for v in &node.inputs {
            let t = g.ty(*v);
            types.push(t.dtype);
            args.extend(self.emit(*v, &broadcast_index(&t.shape, index)));
        }
        if node.op == Op::Power && types[1].is_signed() {
            let zero = self.kb.constant(Scalar::zero(types[1]));
            let ok = Body(&mut self.kb).le(zero, args[1]);
            self.check(ok, Fault::NegativePower);
        }
        self.apply(node.op, &types, node.types[0].dtype, &args)
    }

    /// Splices an elementwise op's body.
    pub(super) fn apply(&mut self, op: Op, types: &[DType], result: DType, args: &[Val]) -> Vec<Val> {
        let body = self
            .bodies
            .entry((op, types.to_vec(), result))
            .or_insert_with(|| op.scalar_fn(types, result))
            .clone();
        self.kb.charge(super::cost::of_body(&body));
        body.splice(&mut self.kb, args)
    }

    /// Positions of a gather's element in its operand: bounds are checked, negative indices wrap.
    pub(super) fn gather_index(&mut self, node: &Node, index: &[Dim]) -> Vec<Dim> {
        let g = self.g;
        let idx_inputs: &[Value] = if node.op == Op::Scatter { &node.inputs[2..] } else { &node.inputs[1..] };
        let axes = node.attrs.ints(Key::Axes);
        let shape = &g.ty(node.inputs[0]).shape;
        let idx_rank = idx_inputs.iter().map(|v| g.ty(*v).rank()).max().unwrap_or(0);
        let (head, tail) = index.split_at(idx_rank);
        let mut rest = tail.iter();
        let mut picked = idx_inputs.iter();
        (0..shape.len())
            .map(|k| {
                if !axes.contains(&(k as i64)) {
                    return rest.next().expect("ranks add up").clone();
                }
                let v = *picked.next().expect("one index per axis");
                let at = self.emit(v, &broadcast_index(&g.ty(v).shape, head))[0];
                let n = self.kb.size(&shape[k]);
                let n = self.kb.index(&n);
                let zero = self.kb.constant(Scalar::zero(DType::I64));
                let mut b = Body(&mut self.kb);
                let negative = b.lt(at, zero);
                let wrapped = b.add(at, n);
                let at = b.select(negative, wrapped, at);
                let (above, below) = (b.le(zero, at), b.lt(at, n));
                let inside = b.and(above, below);
                // The load must be harmless even if the fault is reported later.
                let safe = b.select(inside, at, zero);
                self.check(inside, Fault::IndexOutOfBounds);
                Dim::symbol(&val_symbol(safe))
            })
            .collect()
    }

    fn test_less(&mut self, a: &Dim, b: &Dim) -> Val {
        let (a, b) = (self.kb.localize(a), self.kb.localize(b));
        let (a, b) = (self.kb.index(&a), self.kb.index(&b));
        Body(&mut self.kb).lt(a, b)
    }

    fn choose(&mut self, test: Val, yes: &[Val], no: &[Val]) -> Vec<Val> {
        yes.iter().zip(no).map(|(y, n)| Body(&mut self.kb).select(test, *y, *n)).collect()
    }

    /// The pieces that may hold the element, by what the loop ranges prove; the last resort selects between loads at
    /// clamped positions.
    fn emit_concatenate(&mut self, node: &Node, index: &[Dim]) -> Vec<Val> {
        let g = self.g;
        let axis = node.attrs.int(Key::Axis) as usize;
        let mut start = Dim::constant(0);
        let mut found: Option<Vec<Val>> = None;
        // From the last piece down, so that each test `i < end` guards the pieces before it.
        let mut pieces = Vec::new();
        for v in &node.inputs {
            let size = g.ty(*v).shape[axis].clone();
            pieces.push((*v, start.clone(), size.clone()));
            start = start + size;
        }
        for (v, start, size) in pieces.into_iter().rev() {
            let i = &index[axis] - &start;
            if (-&i - 1).proves_nonnegative(&self.kb.ranges) || size.is(0) {
                continue;
            }
            let inside_high = (&size - &i - 1).proves_nonnegative(&self.kb.ranges);
            let inside_low = i.proves_nonnegative(&self.kb.ranges);
            if !inside_high && (&i - &size).proves_nonnegative(&self.kb.ranges) {
                continue;
            }
            let mut at = index.to_vec();
            at[axis] = super::index::inside(&i, &size, &self.kb.ranges);
            let maybe_empty =
                !(inside_low && inside_high) && super::index::maybe_empty(&size, &self.kb.ranges);
            let sizes = if maybe_empty { std::slice::from_ref(&size) } else { &[] };
            let piece = self.piece(sizes, |e| e.emit(v, &at));
            found = Some(match found {
                None => piece,
                Some(later) => {
                    let test = self.test_less(&i, &size);
                    self.choose(test, &piece, &later)
                }
            });
            if inside_low && inside_high {
                break;
            }
        }
        // Only an empty result has no piece: its loops never run.
        found.unwrap_or_else(|| {
            let t = g.ty(node.inputs[0]).dtype;
            let zero = Body(&mut self.kb).constant(Scalar::zero(t.real()));
            if t.is_complex() { vec![zero, zero] } else { vec![zero] }
        })
    }

    fn emit_pad(&mut self, node: &Node, index: &[Dim]) -> Vec<Val> {
        let g = self.g;
        let shape = &g.ty(node.inputs[0]).shape;
        let fill = self.emit(node.inputs[1], &[]);
        let low = node.attrs.dims(Key::PadLow);
        let mut at = Vec::with_capacity(index.len());
        let mut tests = Vec::new();
        let mut maybe_empty = Vec::new();
        for ((i, l), n) in index.iter().zip(low).zip(shape) {
            let p = i - l;
            let last = n - 1;
            let (is_low, is_high) =
                (p.proves_nonnegative(&self.kb.ranges), (&last - &p).proves_nonnegative(&self.kb.ranges));
            let outside =
                (-&p - 1).proves_nonnegative(&self.kb.ranges) || (&p - n).proves_nonnegative(&self.kb.ranges);
            if outside || n.is(0) {
                return fill;
            }
            if !is_low {
                tests.push(self.test_less(&(-&p), &Dim::constant(1)));
            }
            if !is_high {
                tests.push(self.test_less(&p, n));
            }
            if !(is_low && is_high) && super::index::maybe_empty(n, &self.kb.ranges) {
                maybe_empty.push(n.clone());
            }
            at.push(super::index::inside(&p, n, &self.kb.ranges));
        }
        let inside = self.piece(&maybe_empty, |e| e.emit(node.inputs[0], &at));
        match tests.into_iter().reduce(|a, b| Body(&mut self.kb).and(a, b)) {
            None => inside,
            Some(test) => self.choose(test, &inside, &fill),
        }
    }

    // Row caches.

    fn load_row_cache(&mut self, value: Value, index: &[Dim]) -> Option<Vec<Val>> {
        let cache = self.caches.get(&value)?;
        let (last, outer) = index.split_last()?;
        let (by, row) = cache.filled.as_ref()?;
        if by == last || row != outer || self.kb.is_open(by) {
            return None;
        }
        let dtype = self.g.ty(value).dtype.real();
        let at = self.kb.localize(last);
        Some(cache.scratch.clone().into_iter().map(|m| self.kb.load_scratch(m, at.clone(), dtype)).collect())
    }

    fn fill_row_cache(&mut self, value: Value, index: &[Dim], parts: &[Val]) {
        let Some(cache) = self.caches.get_mut(&value) else { return };
        let Some((last, outer)) = index.split_last() else { return };
        // Only a loop over the whole row fills it.
        let row = self.g.ty(value).shape.last().expect("a row");
        if cache.filled.is_some() || self.kb.dim_depth(last) != self.kb.depth() || !self.kb.spans(last, row) {
            return;
        }
        cache.filled = Some((last.clone(), outer.to_vec()));
        let at = self.kb.localize(last);
        for (mem, src) in cache.scratch.iter().zip(parts) {
            self.kb.stmt(frit_ir::kernel::Stmt::Store { mem: *mem, index: vec![at.clone()], src: *src });
        }
    }

    /// A fresh loop symbol.
    pub(super) fn fresh(&mut self, prefix: &str) -> Symbol {
        self.kb.fresh(prefix)
    }
}
