//! Regions at the top level of a graph: one kernel if the body fits, else steps of the plan around the body's own
//! kernels and calls.

use super::emit::{Binding, Emitter};
use super::region::{self, Carry};
use super::{LowerError, Planner};
use crate::fuse;
use frit_ir::graph::{Graph, Node, NodeId};
use frit_ir::plan::{Step, View};
use frit_ir::prim::{Emit, Val};
use frit_ir::{Dim, Key, Op, Scalar, Value};
use std::collections::HashMap;
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

    /// Lowers a nested graph with its inputs bound to views; its steps, and the views of its results.
    fn nested(&mut self, g: &Graph, inputs: &[View]) -> Result<(Vec<Step>, Vec<View>), LowerError> {
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
                let id = self.buffer(
                    ty.dtype,
                    ty.elements(),
                    frit_ir::plan::BufferSource::Temporary,
                    self.origin(node),
                );
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
            let temporary = self.plan.buffer(from.buffer).source == frit_ir::plan::BufferSource::Temporary;
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
        let (mut steps, views) = self.nested(&body, &inputs)?;
        let (lo, hi) = (node.attrs.dim(Key::Lo).clone(), node.attrs.dim(Key::Hi).clone());
        let index = node.attrs.str(Key::Index);
        let outer = std::mem::take(&mut self.plan.steps);
        for ((from, stack), v) in views[n..].iter().zip(&stacks).zip(&body.outputs[n..]) {
            let row = View {
                buffer: stack.buffer,
                offset: (Dim::symbol(index) - &lo) * &stack.strides[0],
                shape: stack.shape[1..].to_vec(),
                strides: stack.strides[1..].to_vec(),
            };
            self.copy_view(from, &row, body.ty(*v), node);
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
        let (cond, test) = self.nested(&cond_graph, &inputs)?;
        let (mut steps, views) = self.nested(&body, &inputs)?;
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
            let (mut steps, views) = self.nested(&g, &captures)?;
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
