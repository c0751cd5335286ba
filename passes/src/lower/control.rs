//! Regions at the top level of a graph: one kernel if the body fits, else steps of the plan around the body's own
//! kernels and calls.

use super::emit::{Binding, Emitter};
use super::region::{self, Carry};
use super::{LowerError, Planner};
use crate::fuse;
use frit_ir::dim::product;
use frit_ir::graph::{Graph, Node, NodeId};
use frit_ir::plan::{BufferId, BufferSource, Step, View};
use frit_ir::prim::{Emit, Val};
use frit_ir::{Dim, Key, Op, Scalar, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

impl<'a> Planner<'a> {
    pub(super) fn region(&mut self, id: NodeId) -> Result<(), LowerError> {
        let node = self.g.node(id);
        if region::regions(node).iter().all(|g| region::fits_kernel(g)) {
            self.region_kernel(id);
            return Ok(());
        }
        match node.op {
            Op::For => self.for_steps(id),
            Op::While => self.while_steps(id),
            _ => self.if_steps(id),
        }
    }

    /// Arrays that hold carried values: fresh copies of the initial values.
    fn carried(&mut self, id: NodeId, n: usize) -> Vec<View> {
        let node = self.g.node(id);
        (0..n)
            .map(|k| {
                let view = self.allocate(Value { node: id, index: k as u32 });
                self.copy_into(node.inputs[k], &view, self.origin(node));
                view
            })
            .collect()
    }

    fn captured(&mut self, inputs: &[Value]) -> Vec<View> {
        inputs.iter().map(|v| self.view_or_copy(*v)).collect()
    }

    /// The whole region as one kernel.
    fn region_kernel(&mut self, id: NodeId) {
        let g = self.g;
        let node: &'a Node = g.node(id);
        let n = if node.op == Op::If { 0 } else { node.attrs.int(Key::Carries) as usize };
        let first_capture = if node.op == Op::If { 1 } else { n };
        let mut views = self.carried(id, n);
        let captures = self.captured(&node.inputs[first_capture..]);
        let test = (node.op == Op::If).then(|| self.view_or_copy(node.inputs[0]));
        for k in n..node.types.len() {
            views.push(self.allocate(Value { node: id, index: k as u32 }));
        }
        let storage = std::mem::take(&mut self.storage);
        let mut e = Emitter::new(g, self.name(node.op.name()), &storage, &self.taken);
        e.first_buffer = self.plan.buffers.len() as u32;
        let captures: Vec<Binding> = node.inputs[first_capture..]
            .iter()
            .zip(captures)
            .map(|(v, view)| {
                let ty = g.ty(*v);
                if ty.rank() == 0 {
                    Binding::Scalars(e.kb.load(&view, ty.dtype, &[], false))
                } else {
                    Binding::View { view, moving: false }
                }
            })
            .collect();
        let results = if node.op == Op::If { views.len() } else { n };
        let carries: Vec<Carry> =
            (0..results).map(|k| carry(&mut e, &node.types[k], &views[k], k < n)).collect();
        match node.op {
            Op::For => region::for_loop(&mut e, node, &carries, &captures, &views[n..]),
            Op::While => region::while_loop(&mut e, node, &carries, &captures),
            _ => {
                let view = test.expect("an if has a test");
                let test = e.kb.load(&view, frit_ir::DType::Bool, &[], false)[0];
                region::if_else(&mut e, node, test, &carries, &captures);
            }
        }
        for (k, carry) in carries.iter().enumerate() {
            if let Carry::Scalar(vars) = carry {
                let parts: Vec<Val> = vars.iter().map(|v| e.kb.get(*v)).collect();
                e.kb.store(&views[k], node.types[k].dtype, &[], &parts, true);
            }
        }
        self.plan.buffers.append(&mut e.new_buffers);
        e.kb.cost = Dim::constant(1);
        let origin = self.origin(node);
        self.launch(e, Dim::constant(1), origin);
        self.storage = storage;
        for (k, view) in views.into_iter().enumerate() {
            self.storage.insert(Value { node: id, index: k as u32 }, view);
        }
    }

    /// Lowers a nested graph with its inputs bound to views, the first `carries` of which hold values of the iteration
    /// before; its steps, and the views of its results.
    fn nested(
        &mut self,
        g: &Graph,
        inputs: &[View],
        carries: usize,
    ) -> Result<(Vec<Step>, Vec<View>), LowerError> {
        let fusion = fuse::fuse(g);
        let mut plan = std::mem::replace(&mut self.plan, super::empty_plan(&g.name));
        let outer_steps = std::mem::take(&mut plan.steps);
        let mut p = Planner {
            g,
            fusion: &fusion,
            plan,
            storage: HashMap::new(),
            reports: vec![],
            copies: std::mem::take(&mut self.copies),
            given: std::mem::take(&mut self.given),
            taken: self.taken.clone(),
            overwriting: updates(g, carries),
        };
        for id in g.ids() {
            if g.node(id).op == Op::Input {
                let position = g.node(id).attrs.int(Key::Position) as usize;
                p.storage.insert(Value { node: id, index: 0 }, inputs[position].clone());
            }
        }
        p.literals();
        let mut result = Ok(());
        for group in &fusion.groups {
            result = p.group(group);
            if result.is_err() {
                break;
            }
        }
        let views =
            if result.is_ok() { g.outputs.iter().map(|v| p.view_or_copy(*v)).collect() } else { vec![] };
        // Nodes of a body are not nodes of the graph.
        p.reports.iter_mut().for_each(|r| r.nodes.clear());
        self.reports.append(&mut p.reports);
        self.copies = p.copies;
        self.given = p.given;
        self.plan = p.plan;
        let steps = std::mem::replace(&mut self.plan.steps, outer_steps);
        result.map(|()| (steps, views))
    }

    /// Steps that give carried arrays their next values: everything is read before anything is overwritten.
    fn advance(&mut self, steps: &mut Vec<Step>, g: &Graph, next: &[View], carries: &[View], node: &Node) {
        let outer = std::mem::take(&mut self.plan.steps);
        let mut pending: Vec<(View, View)> = Vec::new();
        for (k, (from, to)) in next.iter().zip(carries).enumerate() {
            if from == to {
                continue;
            }
            let borrowed = carries.iter().any(|c| c.buffer == from.buffer);
            if borrowed {
                // Another carried array's memory: take a copy first.
                let ty = g.ty(g.outputs[k]).clone();
                let id = self.buffer(ty.dtype, ty.elements(), BufferSource::Temporary, self.origin(node));
                let t = View::contiguous(id, &ty.shape);
                self.copy_view(from, &t, &ty, node);
                pending.push((t, to.clone()));
            } else {
                pending.push((from.clone(), to.clone()));
            }
        }
        for (k, (from, to)) in pending.iter().enumerate() {
            let ty = frit_ir::TensorType::new(self.plan.buffer(to.buffer).dtype, to.shape.clone());
            let whole = from.is_contiguous() && from.offset.is(0);
            let same_size = self.plan.buffer(from.buffer).elements == self.plan.buffer(to.buffer).elements;
            let temporary = self.plan.buffer(from.buffer).source == BufferSource::Temporary;
            let once = pending.iter().skip(k + 1).all(|(f, _)| f.buffer != from.buffer);
            if whole && same_size && temporary && once && self.made_inside(from, steps) {
                self.plan.steps.push(Step::Swap(from.buffer, to.buffer));
            } else {
                self.copy_view(from, to, &ty, node);
            }
        }
        let more = std::mem::replace(&mut self.plan.steps, outer);
        steps.extend(more);
    }

    /// True if a buffer is written in each iteration (so that its old contents do not matter).
    fn made_inside(&self, view: &View, steps: &[Step]) -> bool {
        let written = |s: &Step| match s {
            Step::Launch(l) => l
                .args
                .iter()
                .zip(&self.plan.kernels[l.kernel].buffers)
                .any(|(v, p)| v.buffer == view.buffer && p.access == frit_ir::kernel::Access::Write),
            Step::Library(l) => l.outputs.iter().any(|v| v.buffer == view.buffer),
            _ => false,
        };
        steps.iter().any(written)
    }

    /// True if a view is the whole of a buffer that steps of a body make, and that has no other memory before.
    fn fills(&self, view: &View, inputs: &[View], steps: &[Step]) -> bool {
        let buffer = self.plan.buffer(view.buffer);
        buffer.source == BufferSource::Temporary
            && view.offset.is(0)
            && view.is_contiguous()
            && buffer.elements == product(&view.shape)
            && inputs.iter().all(|v| v.buffer != view.buffer)
            && self.made_inside(view, steps)
            && !steps.iter().any(|s| exchanged(s, view.buffer))
    }

    fn copy_view(&mut self, from: &View, to: &View, ty: &frit_ir::TensorType, node: &Node) {
        // A graph of one input, so that the ordinary copy kernel serves.
        let mut b = frit_ir::build::Builder::new("copy");
        let x = b.input("x", ty.clone());
        let g = b.finish(vec![x]);
        let outer = std::mem::take(&mut self.storage);
        let storage = HashMap::from([(x, from.clone())]);
        let mut e = Emitter::new(&g, self.name("copy"), &storage, &self.taken);
        let roots = [super::nest::Root { value: x, view: to.clone() }];
        let domain =
            super::nest::Domain { sizes: &ty.shape, merge: &[], rows: None, parallel: true, tiled: false };
        let extent = super::nest::map(&mut e, &domain, &roots);
        let origin = self.origin(node);
        self.launch(e, extent, origin);
        self.storage = outer;
    }

    fn for_steps(&mut self, id: NodeId) -> Result<(), LowerError> {
        let node = self.g.node(id);
        let n = node.attrs.int(Key::Carries) as usize;
        let carries = self.carried(id, n);
        let captures = self.captured(&node.inputs[n..]);
        let stacks: Vec<View> =
            (n..node.types.len()).map(|k| self.allocate(Value { node: id, index: k as u32 })).collect();
        let body: Arc<Graph> = node.attrs.graph(Key::Body).clone();
        let inputs: Vec<View> = carries.iter().chain(&captures).cloned().collect();
        let (mut steps, mut views) = self.nested(&body, &inputs, n)?;
        let (lo, hi) = (node.attrs.dim(Key::Lo).clone(), node.attrs.dim(Key::Hi).clone());
        let index = node.attrs.str(Key::Index);
        let outer = std::mem::take(&mut self.plan.steps);
        for (k, stack) in stacks.iter().enumerate() {
            let row = View {
                buffer: stack.buffer,
                offset: (Dim::symbol(index) - &lo) * &stack.strides[0],
                shape: stack.shape[1..].to_vec(),
                strides: stack.strides[1..].to_vec(),
            };
            let from = views[n + k].clone();
            let once = views.iter().filter(|v| v.buffer == from.buffer).count() == 1;
            if once && self.fills(&from, &inputs, &steps) {
                // Made where it belongs.
                steps.iter_mut().for_each(|s| redirect(s, from.buffer, &row));
                views[n + k] = row;
            } else {
                self.copy_view(&from, &row, body.ty(body.outputs[n + k]), node);
            }
        }
        steps.extend(std::mem::replace(&mut self.plan.steps, outer));
        self.advance(&mut steps, &body, &views[..n], &carries, node);
        self.plan.steps.push(Step::For { index: index.into(), lo, hi, body: steps });
        for (k, view) in carries.into_iter().chain(stacks).enumerate() {
            self.storage.insert(Value { node: id, index: k as u32 }, view);
        }
        Ok(())
    }

    fn while_steps(&mut self, id: NodeId) -> Result<(), LowerError> {
        let node = self.g.node(id);
        let n = node.attrs.int(Key::Carries) as usize;
        let carries = self.carried(id, n);
        let captures = self.captured(&node.inputs[n..]);
        let inputs: Vec<View> = carries.iter().chain(&captures).cloned().collect();
        let (cond_graph, body): (Arc<Graph>, Arc<Graph>) =
            (node.attrs.graph(Key::Cond).clone(), node.attrs.graph(Key::Body).clone());
        let (cond, test) = self.nested(&cond_graph, &inputs, 0)?;
        let (mut steps, views) = self.nested(&body, &inputs, n)?;
        self.advance(&mut steps, &body, &views, &carries, node);
        let test = test.into_iter().next().expect("a condition has one result");
        self.plan.steps.push(Step::While { cond, test, body: steps });
        for (k, view) in carries.into_iter().enumerate() {
            self.storage.insert(Value { node: id, index: k as u32 }, view);
        }
        Ok(())
    }

    fn if_steps(&mut self, id: NodeId) -> Result<(), LowerError> {
        let node = self.g.node(id);
        let test = self.view_or_copy(node.inputs[0]);
        let captures = self.captured(&node.inputs[1..]);
        let results: Vec<View> =
            (0..node.types.len()).map(|k| self.allocate(Value { node: id, index: k as u32 })).collect();
        let mut branches = Vec::new();
        for key in [Key::Body, Key::Else] {
            let g: Arc<Graph> = node.attrs.graph(key).clone();
            let (mut steps, views) = self.nested(&g, &captures, 0)?;
            let outer = std::mem::take(&mut self.plan.steps);
            for ((from, to), v) in views.iter().zip(&results).zip(&g.outputs) {
                self.copy_view(from, to, g.ty(*v), node);
            }
            steps.extend(std::mem::replace(&mut self.plan.steps, outer));
            branches.push(steps);
        }
        let otherwise = branches.pop().expect("two branches");
        let then = branches.pop().expect("two branches");
        self.plan.steps.push(Step::If { test, then, otherwise });
        for (k, view) in results.into_iter().enumerate() {
            self.storage.insert(Value { node: id, index: k as u32 }, view);
        }
        Ok(())
    }
}

/// The updates of carried arrays (the first `carries` inputs of a body) that can be written into their memory: nothing
/// else reads the array, before or after, and the next iteration gets it.
fn updates(g: &Graph, carries: usize) -> HashSet<NodeId> {
    let uses = g.use_counts();
    let mut user: HashMap<Value, NodeId> = HashMap::new();
    for id in g.ids() {
        user.extend(g.node(id).inputs.iter().map(|v| (*v, id)));
    }
    let mut out = HashSet::new();
    for id in g.ids().filter(|id| g.node(*id).op == Op::Input) {
        let position = g.node(id).attrs.int(Key::Position) as usize;
        if position >= carries {
            continue;
        }
        let mut chain = Vec::new();
        let mut at = Value { node: id, index: 0 };
        while uses[at.node.0 as usize] == 1
            && let Some(next) = user.get(&at).copied()
            && g.node(next).op == Op::UpdateSlice
            && g.node(next).inputs[0] == at
        {
            chain.push(next);
            at = Value { node: next, index: 0 };
        }
        if g.outputs[position] == at && uses[at.node.0 as usize] == 1 {
            out.extend(chain);
        }
    }
    out
}

/// True if a step exchanges the memory of a buffer for another's.
fn exchanged(step: &Step, buffer: BufferId) -> bool {
    let any = |steps: &[Step]| steps.iter().any(|s| exchanged(s, buffer));
    match step {
        Step::Swap(a, b) => *a == buffer || *b == buffer,
        Step::For { body, .. } => any(body),
        Step::While { cond, body, .. } => any(cond) || any(body),
        Step::If { then, otherwise, .. } => any(then) || any(otherwise),
        Step::Alloc(_) | Step::Free(_) | Step::Launch(_) | Step::Library(_) => false,
    }
}

/// Uses part of another buffer instead of a whole one.
fn redirect(step: &mut Step, from: BufferId, to: &View) {
    let view = |v: &mut View| {
        if v.buffer == from {
            v.buffer = to.buffer;
            v.offset = &v.offset + &to.offset;
        }
    };
    match step {
        Step::Alloc(_) | Step::Free(_) | Step::Swap(..) => {}
        Step::Launch(l) => l.args.iter_mut().for_each(view),
        Step::Library(l) => l.inputs.iter_mut().chain(&mut l.outputs).for_each(view),
        Step::For { body, .. } => body.iter_mut().for_each(|s| redirect(s, from, to)),
        Step::While { cond, test, body } => {
            view(test);
            cond.iter_mut().chain(body).for_each(|s| redirect(s, from, to));
        }
        Step::If { test, then, otherwise } => {
            view(test);
            then.iter_mut().chain(otherwise).for_each(|s| redirect(s, from, to));
        }
    }
}

/// A carried value of a region kernel: arrays stay in their memory, 0-d values move to variables (with their initial
/// value, if they have one).
fn carry(e: &mut Emitter<'_>, ty: &frit_ir::TensorType, view: &View, initialized: bool) -> Carry {
    if ty.rank() > 0 {
        return Carry::Array(view.clone());
    }
    let init: Vec<Val> = if initialized {
        e.kb.load(view, ty.dtype, &[], true)
    } else {
        let zero = e.kb.constant(Scalar::zero(ty.dtype.real()));
        vec![zero; if ty.dtype.is_complex() { 2 } else { 1 }]
    };
    region::scalar_carry(e, ty.dtype, &init)
}
