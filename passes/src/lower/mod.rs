//! Lowering: the one crossing from the Graph level to the Plan level.
//!
//! [`crate::fuse`] has said what is stored and grouped; here each group becomes a kernel and a launch, library ops
//! become calls on views, regions become loops in a kernel or in the plan, and [`schedule`] adds the lifetimes of
//! buffers. `emit` computes one element, `reduce` and `nest` write the loops, `kernel_builder` places instructions.

mod control;
pub(crate) mod cost;
mod emit;
mod extreme;
mod group;
pub(crate) mod index;
mod kernel_builder;
mod legalize;
mod nest;
mod order;
pub(crate) mod reduce;
mod region;
mod schedule;

use crate::block::{self, CacheBlocks};
use crate::fuse::{self, Fusion, Group, Reason, Shape, nested_work};
use crate::pass::{MathLevel, PassError};
use emit::{Binding, Emitter};
use frit_ir::dim::{Symbol, product};
use frit_ir::error::{TypeError, VerifyError};
use frit_ir::graph::{Graph, Node, NodeId, TensorType};
use frit_ir::kernel::Kernel;
use frit_ir::ops::Class;
use frit_ir::plan::{
    Buffer, BufferId, BufferSource, Launch, Layout, LibraryCall, Origin, Plan, PlanInput, Step, View,
    stride_symbol,
};
use frit_ir::{DType, Dim, Key, Loc, Op, Value};
pub(crate) use legalize::legalize;
use nest::{ColumnShape, Domain, Root};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Why a graph cannot be lowered.
#[derive(Debug, thiserror::Error)]
pub enum LowerError {
    /// A rewrite before lowering made an ill-typed node: a bug.
    #[error("lowering made an ill-typed node: {0}")]
    Type(#[from] TypeError),
    /// Lowering broke an invariant of plans: a bug. Checked in debug builds.
    #[error("lowering made an invalid plan: {0}")]
    Invalid(#[from] VerifyError),
    /// Optimizing the body of a loop over slabs failed: a bug.
    #[error("the body of a loop over slabs: {0}")]
    Blocked(Box<PassError>),
    /// Something that no kernel or library routine can do.
    #[error("{op} cannot be compiled: {why}")]
    Unsupported {
        /// The op.
        op: Op,
        /// What is missing, and what to write instead.
        why: String,
        /// The user's line.
        loc: Loc,
    },
}

/// What the caller promises and wants.
#[derive(Clone, Default, Debug)]
pub struct LowerOptions {
    /// Layout of each input; inputs beyond the list are contiguous.
    pub layouts: Vec<Layout>,
    /// Values that are computed where they are used although storing them would be faster: the first so many of
    /// [`crate::fuse::recomputable`]. Saves memory.
    pub recompute: usize,
    /// Whether an order of steps is searched for that needs less memory than those which are quick to find.
    pub search: bool,
    /// Whether large values are computed in slabs that stay in cache, where that pays ([`CacheBlocks`]), and how far
    /// results may move then.
    pub blocks: Option<MathLevel>,
}

/// One kernel or call, for reports.
#[derive(Clone, Debug)]
pub struct GroupReport {
    /// Kernel or routine name.
    pub name: String,
    /// Ops computed, in graph order, with their lines.
    pub ops: Vec<(Op, Loc)>,
    /// The same as nodes of [`Lowered::graph`], none for what the body of a loop computes. A node that is not stored may
    /// be computed by several groups.
    pub nodes: Vec<NodeId>,
    /// Each result: its op and line, its type, and why it is in memory.
    pub stored: Vec<(Op, Loc, TensorType, Reason)>,
}

/// A plan, and how it came to be.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The graph that the groups partition: the one given, with a few ops replaced by those that kernels know.
    pub graph: Graph,
    /// The plan.
    pub plan: Plan,
    /// One entry per group, in the graph's order: answers `why_not_fused`.
    pub groups: Vec<GroupReport>,
    /// The loops over slabs that were made for the cache, and others that were considered.
    pub blocks: Vec<CacheBlocks>,
}

/// Elements up to which a kernel is not shared out to threads at all.
pub const SERIAL: i64 = 2048;

/// Lowers a graph to a plan.
pub fn lower(graph: &Graph, options: &LowerOptions) -> Result<Lowered, LowerError> {
    let mut graph = legalize(graph)?;
    let mut fusion = fuse::fuse_with(&graph, options.recompute);
    let mut blocks = vec![];
    if let Some(math) = options.blocks {
        let chosen = block::choose(&graph, &fusion, math)?;
        blocks = chosen.considered;
        if let Some(blocked) = chosen.graph {
            graph = blocked;
            fusion = fuse::fuse_with(&graph, options.recompute);
        }
    }
    let mut p = Planner::new(&graph, &fusion);
    p.inputs(options);
    p.literals();
    for group in &fusion.groups {
        p.group(group)?;
    }
    p.outputs();
    let (mut plan, groups) = (p.plan, p.reports);
    schedule::schedule(&mut plan, &p.copies, options.search);
    if cfg!(debug_assertions) {
        frit_ir::verify::plan(&plan)?;
    }
    Ok(Lowered { graph, plan, groups, blocks })
}

fn empty_plan(name: &Arc<str>) -> Plan {
    Plan {
        name: name.clone(),
        inputs: vec![],
        buffers: vec![],
        kernels: vec![],
        steps: vec![],
        outputs: vec![],
    }
}

struct Planner<'a> {
    g: &'a Graph,
    fusion: &'a Fusion,
    plan: Plan,
    storage: HashMap<Value, View>,
    reports: Vec<GroupReport>,
    /// Steps that only copy one buffer to another, by kernel position.
    copies: HashSet<usize>,
    /// Values that are results and have their own buffer already.
    given: HashSet<BufferId>,
    /// Names of the graph's sizes and loop indices.
    taken: Arc<BTreeSet<Symbol>>,
    /// `update_slice` nodes that write the memory of the array that they update.
    overwriting: HashSet<NodeId>,
}

impl<'a> Planner<'a> {
    fn new(g: &'a Graph, fusion: &'a Fusion) -> Planner<'a> {
        Planner {
            g,
            fusion,
            plan: empty_plan(&g.name),
            storage: HashMap::new(),
            reports: vec![],
            copies: HashSet::new(),
            given: HashSet::new(),
            taken: Arc::new(g.symbols()),
            overwriting: HashSet::new(),
        }
    }

    fn buffer(&mut self, dtype: DType, elements: Dim, source: BufferSource, origin: Origin) -> BufferId {
        self.plan.buffers.push(Buffer { dtype, elements, source, origin });
        BufferId(self.plan.buffers.len() as u32 - 1)
    }

    fn origin(&self, node: &Node) -> Origin {
        Origin { op: node.op, loc: node.loc.clone() }
    }

    /// A fresh contiguous array for a value.
    fn allocate(&mut self, v: Value) -> View {
        let node = self.g.def(v);
        let ty = self.g.ty(v).clone();
        let origin = self.origin(node);
        let id = self.buffer(ty.dtype, ty.elements(), BufferSource::Temporary, origin);
        View::contiguous(id, &ty.shape)
    }

    /// Array constants are buffers of the program.
    fn literals(&mut self) {
        for id in self.g.ids() {
            let node = self.g.node(id);
            if node.op == Op::Literal {
                let source = BufferSource::Constant(node.attrs.data().clone());
                let ty = &node.types[0];
                let buffer = self.buffer(ty.dtype, ty.elements(), source, self.origin(node));
                self.storage.insert(Value { node: id, index: 0 }, View::contiguous(buffer, &ty.shape));
            }
        }
    }

    fn inputs(&mut self, options: &LowerOptions) {
        for id in self.g.ids() {
            let node = self.g.node(id);
            let v = Value { node: id, index: 0 };
            if node.op != Op::Input {
                continue;
            }
            let origin = self.origin(node);
            let position = node.attrs.int(Key::Position) as usize;
            let input = &self.g.inputs[position];
            let layout = options.layouts.get(position).copied().unwrap_or(Layout::Contiguous);
            let buffer =
                self.buffer(input.ty.dtype, input.ty.elements(), BufferSource::Input(position), origin);
            let mut view = View::contiguous(buffer, &input.ty.shape);
            if layout == Layout::Strided {
                view.strides =
                    (0..input.ty.rank()).map(|axis| Dim::symbol(&stride_symbol(position, axis))).collect();
            }
            self.plan.inputs.push(PlanInput {
                name: input.name.clone(),
                ty: input.ty.clone(),
                layout,
                buffer,
            });
            self.storage.insert(v, view);
        }
        self.plan.inputs.sort_by_key(|i| i.buffer);
    }

    fn group(&mut self, group: &Group) -> Result<(), LowerError> {
        let before = self.plan.steps.len();
        match &group.shape {
            Shape::Single => self.single(group.roots[0])?,
            Shape::Map { domain, rows } => self.map_group(group, domain, *rows),
            Shape::Columns => self.columns_group(group),
            Shape::Split => self.split_group(group),
        }
        self.report(group, before);
        Ok(())
    }

    /// What the steps since `before` compute.
    fn report(&mut self, group: &Group, before: usize) {
        let mut ops: Vec<NodeId> = group.computed(self.fusion);
        ops.sort();
        let describe = |id: &NodeId| (self.g.node(*id).op, self.g.node(*id).loc.clone());
        let stored = group
            .roots
            .iter()
            .map(|id| {
                let node = self.g.node(*id);
                let why = self.fusion.stored[id.0 as usize].unwrap_or(Reason::Output);
                (node.op, node.loc.clone(), node.types[0].clone(), why)
            })
            .collect();
        let name = match self.plan.steps[before..].last() {
            Some(Step::Launch(l)) => self.plan.kernels[l.kernel].name.clone(),
            _ => self.g.node(group.roots[0]).op.name().to_string(),
        };
        let described = ops.iter().map(describe).collect();
        self.reports.push(GroupReport { name, ops: described, nodes: ops, stored });
    }

    fn name(&self, what: &str) -> String {
        format!("k{}_{what}", self.plan.kernels.len())
    }

    /// Adds a kernel and its launch.
    fn launch(&mut self, e: Emitter<'_>, parallel: Dim, origin: Origin) -> usize {
        let (kernel, args, sizes, cost): (Kernel, Vec<View>, Vec<Dim>, Dim) = e.kb.finish();
        let k = self.plan.kernels.len();
        let (parallel, cost) =
            if kernel.parallel_loop().is_some() { (parallel, cost) } else { (1.into(), cost) };
        self.plan.kernels.push(Arc::new(kernel));
        self.plan.steps.push(Step::Launch(Launch { kernel: k, args, sizes, parallel, cost, origin }));
        k
    }

    fn roots(&mut self, group: &Group) -> Vec<Root> {
        group
            .roots
            .iter()
            .map(|id| {
                let value = Value { node: *id, index: 0 };
                Root { value, view: self.allocate(value) }
            })
            .collect()
    }

    fn keep(&mut self, roots: Vec<Root>) {
        for r in roots {
            self.storage.insert(r.value, r.view);
        }
    }

    fn main_origin(&self, group: &Group) -> Origin {
        let last = group.roots.last().expect("a group has a root");
        self.origin(self.g.node(*last))
    }

    fn map_group(&mut self, group: &Group, domain: &[Dim], rows: Option<usize>) {
        let g = self.g;
        let roots = self.roots(group);
        if rows.is_none() && product(domain).is(0) {
            // Results without elements: there is nothing to run, and no index to write down.
            self.keep(roots);
            return;
        }
        let storage = std::mem::take(&mut self.storage);
        let mut e = Emitter::new(g, self.name(g.node(group.roots[0]).op.name()), &storage, &self.taken);
        e.phases = group::phases(g, group);
        let merge = if rows.is_none() { group::mergeable(g, &storage, &roots, domain) } else { vec![] };
        let row_source = group.reductions.first().map(|r| g.ty(g.node(*r).inputs[0]).shape.clone());
        let work = row_source.as_deref().unwrap_or(domain);
        let parallel = product(work).as_const().is_none_or(|n| n > SERIAL) && rows != Some(0);
        if let (Some(_), Some(source)) = (rows, &row_source) {
            for v in group::row_caches(g, group, &roots, source, &storage, &e.phases) {
                e.cache_row(v, source.last().expect("a reduced axis"));
            }
        }
        let tiled = rows.is_none() && group::has_math(g, &storage, &roots);
        let domain = Domain { sizes: domain, merge: &merge, rows, parallel, tiled };
        let extent = nest::map(&mut e, &domain, &roots);
        let origin = self.main_origin(group);
        self.launch(e, extent, origin);
        self.storage = storage;
        self.keep(roots);
    }

    fn columns_group(&mut self, group: &Group) {
        let g = self.g;
        let node = g.node(group.reductions[0]);
        let sizes = g.ty(node.inputs[0]).shape.clone();
        let axes: Vec<usize> = node.attrs.ints(Key::Axes).iter().map(|a| *a as usize).collect();
        let last = (0..sizes.len()).rev().find(|k| !sizes[*k].is(1)).expect("a kept axis");
        let shape = ColumnShape {
            outer: (0..sizes.len()).filter(|k| *k != last && !axes.contains(k)).collect(),
            reduced: axes.clone(),
            last,
        };
        let batch: Vec<Value> = group.reductions.iter().map(|id| Value { node: *id, index: 0 }).collect();
        // Tall and narrow: rows are shared out as well, and the partial results added up by a second kernel.
        let kept = shape.outer.iter().fold(sizes[last].clone(), |acc, k| acc * &sizes[*k]);
        let tall =
            sizes[axes[0]].as_const().is_none_or(|n| n >= 8192) && kept.as_const().is_some_and(|n| n <= 2048);
        if tall {
            let rows = sizes[axes[0]].as_const().map_or(1024, |n| (n / 64).max(1024));
            let partials = self.partials(&batch, &sizes[axes[0]], rows);
            let storage = std::mem::take(&mut self.storage);
            let mut e = Emitter::new(g, self.name(node.op.name()), &storage, &self.taken);
            let extent = nest::columns(&mut e, &batch, &shape, &[], Some((rows, &partials)));
            let origin = self.origin(node);
            self.launch(e, extent, origin);
            self.storage = storage;
            self.combine(group, &batch, partials, &sizes[axes[0]], rows);
            return;
        }
        let roots = self.roots(group);
        let storage = std::mem::take(&mut self.storage);
        let mut e = Emitter::new(g, self.name(node.op.name()), &storage, &self.taken);
        let extent = nest::columns(&mut e, &batch, &shape, &roots, None);
        let origin = self.main_origin(group);
        self.launch(e, extent, origin);
        self.storage = storage;
        self.keep(roots);
    }

    /// Arrays of partial results: chunk, then the kept axes.
    fn partials(&mut self, batch: &[Value], extent: &Dim, rows: i64) -> Vec<View> {
        let g = self.g;
        let chunks = extent.ceil_div(&Dim::constant(rows));
        batch
            .iter()
            .map(|v| {
                let node = g.def(*v);
                let source = &g.ty(node.inputs[0]).shape;
                let axes = node.attrs.ints(Key::Axes);
                let mut shape = vec![chunks.clone()];
                shape.extend(
                    (0..source.len()).filter(|k| !axes.contains(&(*k as i64))).map(|k| source[k].clone()),
                );
                let origin = self.origin(node);
                let id = self.buffer(g.ty(*v).dtype, product(&shape), BufferSource::Temporary, origin);
                View::contiguous(id, &shape)
            })
            .collect()
    }

    fn split_group(&mut self, group: &Group) {
        let g = self.g;
        let node = g.node(group.reductions[0]);
        let source = &g.ty(node.inputs[0]).shape;
        let (axis, rows) =
            nest::split_axis(source, node.attrs.ints(Key::Axes), nested_work(g, &group.nested));
        let batch: Vec<Value> = group.reductions.iter().map(|id| Value { node: *id, index: 0 }).collect();
        let partials = self.partials(&batch, &source[axis], rows);
        let storage = std::mem::take(&mut self.storage);
        let mut e = Emitter::new(g, self.name(node.op.name()), &storage, &self.taken);
        e.phases = batch.iter().map(|v| (*v, 0)).collect();
        let extent = nest::split(&mut e, &batch, &partials, axis, rows);
        let origin = self.origin(node);
        self.launch(e, extent, origin);
        self.storage = storage;
        self.combine(group, &batch, partials, &source[axis].clone(), rows);
    }

    /// The second kernel of a split reduction, with whatever follows the reduction.
    fn combine(&mut self, group: &Group, batch: &[Value], partials: Vec<View>, extent: &Dim, rows: i64) {
        let g = self.g;
        let roots = self.roots(group);
        let storage = std::mem::take(&mut self.storage);
        let mut e = Emitter::new(g, self.name("combine"), &storage, &self.taken);
        let chunks = extent.ceil_div(&Dim::constant(rows));
        for (v, view) in batch.iter().zip(partials) {
            e.bindings.insert(*v, Binding::Partials { view, chunks: chunks.clone() });
        }
        // Roots of one shape share a nest.
        let mut rest: Vec<&Root> = roots.iter().collect();
        while let Some(first) = rest.first() {
            let shape = g.ty(first.value).shape.clone();
            let (same, others): (Vec<&Root>, Vec<&Root>) =
                rest.into_iter().partition(|r| g.ty(r.value).shape == shape);
            let same: Vec<Root> =
                same.into_iter().map(|r| Root { value: r.value, view: r.view.clone() }).collect();
            let domain =
                Domain { sizes: &shape, merge: &[], rows: Some(shape.len()), parallel: false, tiled: false };
            nest::map(&mut e, &domain, &same);
            rest = others;
        }
        let origin = self.main_origin(group);
        self.launch(e, Dim::constant(1), origin);
        self.storage = storage;
        self.keep(roots);
    }

    /// A kernel that copies a value (stored or computable) into a view of the same shape.
    fn copy_into(&mut self, value: Value, target: &View, origin: Origin) {
        let g = self.g;
        let shape = g.ty(value).shape.clone();
        let storage = std::mem::take(&mut self.storage);
        let is_copy = storage.contains_key(&value);
        let mut e = Emitter::new(g, self.name("copy"), &storage, &self.taken);
        let roots = [Root { value, view: target.clone() }];
        let merge = group::mergeable(g, &storage, &roots, &shape);
        let parallel = product(&shape).as_const().is_none_or(|n| n > SERIAL);
        let tiled = group::has_math(g, &storage, &roots);
        let domain = Domain { sizes: &shape, merge: &merge, rows: None, parallel, tiled };
        let extent = nest::map(&mut e, &domain, &roots);
        let k = self.launch(e, extent, origin);
        if is_copy {
            self.copies.insert(k);
        }
        self.storage = storage;
    }

    fn single(&mut self, id: NodeId) -> Result<(), LowerError> {
        let g = self.g;
        let node = g.node(id);
        let value = Value { node: id, index: 0 };
        match (node.op.class(), node.op) {
            (Class::Cumulative, _) => {
                let view = self.allocate(value);
                let storage = std::mem::take(&mut self.storage);
                let mut e = Emitter::new(g, self.name(node.op.name()), &storage, &self.taken);
                let extent = nest::cumulative(&mut e, value, &view, true);
                let origin = self.origin(node);
                self.launch(e, extent, origin);
                self.storage = storage;
                self.storage.insert(value, view);
            }
            (_, Op::Scatter) => {
                let view = self.allocate(value);
                self.copy_into(node.inputs[0], &view, self.origin(node));
                let storage = std::mem::take(&mut self.storage);
                let mut e = Emitter::new(g, self.name("scatter"), &storage, &self.taken);
                nest::scatter(&mut e, value, &view);
                let origin = self.origin(node);
                self.launch(e, Dim::constant(1), origin);
                self.storage = storage;
                self.storage.insert(value, view);
            }
            (_, Op::UpdateSlice) => self.update_slice(id),
            (Class::Library, _) => self.library(id),
            (Class::Region, _) => self.region(id)?,
            (_, op) => {
                return Err(LowerError::Unsupported {
                    op,
                    why: "no lowering is known".into(),
                    loc: node.loc.clone(),
                });
            }
        }
        Ok(())
    }

    /// A copy of the array, then the update over its window. The copy disappears if the array is dead afterwards.
    fn update_slice(&mut self, id: NodeId) {
        let g = self.g;
        let node = g.node(id);
        let value = Value { node: id, index: 0 };
        let view = if self.overwriting.contains(&id) {
            self.storage[&node.inputs[0]].clone()
        } else {
            let view = self.allocate(value);
            self.copy_into(node.inputs[0], &view, self.origin(node));
            view
        };
        let mut window = view.clone();
        window.shape.clear();
        window.strides.clear();
        for (s, stride) in node.attrs.slices().iter().zip(&view.strides) {
            window.offset = window.offset + &s.start * stride;
            window.shape.push(s.size.clone());
            window.strides.push(stride * &Dim::constant(s.step));
        }
        let update = node.inputs[1];
        let storage = std::mem::take(&mut self.storage);
        let mut e = Emitter::new(g, self.name("update"), &storage, &self.taken);
        let parallel = product(&window.shape).as_const().is_none_or(|n| n > SERIAL);
        let roots = [Root { value: update, view: window.clone() }];
        let tiled = group::has_math(g, &storage, &roots);
        let domain = Domain { sizes: &window.shape, merge: &[], rows: None, parallel, tiled };
        let extent = nest::map(&mut e, &domain, &roots);
        let origin = self.origin(node);
        self.launch(e, extent, origin);
        self.storage = storage;
        self.storage.insert(value, view);
    }

    /// The window on memory that a value is, if strides can express it.
    fn view(&self, v: Value) -> Option<View> {
        if let Some(view) = self.storage.get(&v) {
            return Some(view.clone());
        }
        let mut chain = vec![];
        let mut at = v;
        while !self.storage.contains_key(&at) {
            let node = self.g.def(at);
            if node.op.class() != Class::View {
                return None;
            }
            chain.push(node);
            at = node.inputs[0];
        }
        let mut view = self.storage[&at].clone();
        for node in chain.into_iter().rev() {
            view = index::view_of(self.g, node, &view)?;
        }
        Some(view)
    }

    /// The window of a value; computed into a buffer of its own if there is none.
    fn view_or_copy(&mut self, v: Value) -> View {
        if let Some(view) = self.view(v) {
            return view;
        }
        let view = self.allocate(v);
        let origin = self.origin(self.g.def(v));
        self.copy_into(v, &view, origin);
        self.storage.insert(v, view.clone());
        view
    }

    fn library(&mut self, id: NodeId) {
        let node = self.g.node(id);
        let inputs: Vec<View> = node.inputs.iter().map(|v| self.view_or_copy(*v)).collect();
        let mut outputs = Vec::new();
        for index in 0..node.types.len() as u32 {
            let v = Value { node: id, index };
            let view = self.allocate(v);
            outputs.push(view.clone());
            self.storage.insert(v, view);
        }
        let origin = self.origin(node);
        self.plan.steps.push(Step::Library(LibraryCall {
            op: node.op,
            attrs: node.attrs.clone(),
            inputs,
            outputs,
            origin,
        }));
    }

    /// Results get buffers of their own: an input, a constant, or a second name of a result is copied.
    fn outputs(&mut self) {
        for v in &self.g.outputs {
            let mut view = self.view_or_copy(*v);
            let buffer = self.plan.buffer(view.buffer);
            let own = buffer.source == BufferSource::Temporary && self.given.insert(view.buffer);
            let whole = view.is_contiguous() && view.offset.is(0) && buffer.elements == product(&view.shape);
            if !own || !whole {
                let target = self.allocate(*v);
                let origin = self.origin(self.g.def(*v));
                self.copy_into(*v, &target, origin);
                self.given.insert(target.buffer);
                view = target;
            }
            self.plan.buffers[view.buffer.0 as usize].source = BufferSource::Output;
            self.plan.outputs.push(view);
        }
    }
}
