//! Where an axis goes: which values have it, and where it ends.

use crate::movement::groups;
use frit_ir::graph::{Graph, Node, NodeId, Value};
use frit_ir::ops::{Class, Op};
use frit_ir::{Dim, Key};
use std::collections::HashMap;

/// What is made of slabs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// The whole value, slab by slab.
    Store,
    /// A reduction over the axis.
    Reduce(Op),
    /// A matrix product that sums over the axis.
    Contract,
}

/// A value at which the axis ends.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) value: Value,
    pub(super) kind: Kind,
    /// The axis of the value that is stored; of the operand that is reduced; of the first operand of a product.
    pub(super) axis: usize,
    /// The loop that makes it.
    pub(super) stage: usize,
}

impl End {
    /// The length of the axis.
    pub(super) fn length(&self, g: &Graph) -> Option<i64> {
        let v = if self.kind == Kind::Store { self.value } else { g.def(self.value).inputs[0] };
        g.ty(v).shape[self.axis].as_const()
    }
}

/// The values that are computed in slabs, and the others.
#[derive(Debug)]
pub(super) struct Flow {
    /// Blocked values: their axis, and the first loop that can compute their slabs.
    blocked: HashMap<Value, (usize, usize)>,
    /// For each node, the number of loops that have run before it; `None` for blocked nodes.
    outside: Vec<Option<usize>>,
    pub(super) ends: Vec<End>,
    /// The last stage at which something is computed.
    pub(super) stages: usize,
}

/// What an operation does with the axis.
enum Step {
    /// The result has it here.
    Axis(usize),
    /// It ends.
    End(Kind, usize),
    /// The operand has to exist as a whole.
    Whole,
}

impl Flow {
    /// Follows an axis of a value. `None` if some operation needs the whole of that value.
    pub(super) fn of(g: &Graph, seed: Value, axis: usize) -> Option<Flow> {
        let live = g.live();
        let mut f = Flow {
            blocked: HashMap::from([(seed, (axis, 0))]),
            outside: vec![None; g.nodes.len()],
            ends: vec![],
            stages: 0,
        };
        let is_output = |v: Value| g.outputs.contains(&v);
        for id in g.ids() {
            let node = g.node(id);
            let v = Value { node: id, index: 0 };
            if id != seed.node && !live[id.0 as usize] {
                continue;
            }
            // Loops that must have run: those of operands which are put together first.
            let mut stage = 0;
            let mut sources = Vec::new();
            for (k, x) in node.inputs.iter().enumerate() {
                match f.blocked.get(x) {
                    Some((axis, s)) if id != seed.node => {
                        sources.push((k, *axis));
                        stage = stage.max(*s);
                    }
                    _ => stage = stage.max(f.available(*x)),
                }
            }
            if id == seed.node {
                f.blocked.insert(seed, (axis, stage));
                if is_output(seed) {
                    f.end(seed, Kind::Store, axis, stage);
                }
                continue;
            }
            if sources.is_empty() {
                f.outside[id.0 as usize] = Some(stage);
                f.stages = f.stages.max(stage);
                continue;
            }
            match step(g, node, &sources) {
                Step::Axis(axis) => {
                    f.blocked.insert(v, (axis, stage));
                    if is_output(v) {
                        f.end(v, Kind::Store, axis, stage);
                    }
                }
                Step::End(kind, axis) => f.end(v, kind, axis, stage),
                Step::Whole => {
                    for (k, axis) in sources {
                        let x = node.inputs[k];
                        if x == seed {
                            return None;
                        }
                        let (_, s) = f.blocked[&x];
                        f.end(x, Kind::Store, axis, s);
                    }
                    let after = node.inputs.iter().map(|x| f.available(*x)).max().unwrap_or(0);
                    f.outside[id.0 as usize] = Some(after);
                    f.stages = f.stages.max(after);
                }
            }
        }
        (!f.ends.is_empty()).then_some(f)
    }

    /// An end, once.
    fn end(&mut self, value: Value, kind: Kind, axis: usize, stage: usize) {
        if !self.ends.iter().any(|e| e.value == value) {
            self.ends.push(End { value, kind, axis, stage });
            self.stages = self.stages.max(stage + 1);
        }
    }

    /// The number of loops that have run before a value exists as a whole.
    fn available(&self, v: Value) -> usize {
        let end = self.ends.iter().find(|e| e.value == v);
        end.map_or_else(|| self.outside[v.node.0 as usize].unwrap_or(0), |e| e.stage + 1)
    }

    /// The number of loops before a node that is computed outside of them.
    pub(super) fn stage_of_node(&self, id: NodeId) -> Option<usize> {
        self.outside[id.0 as usize]
    }

    /// The axis of a value that is computed in slabs.
    pub(super) fn axis(&self, v: Value) -> Option<usize> {
        self.blocked.get(&v).map(|(axis, _)| *axis)
    }
}

/// The axis of the result that an axis of an operand becomes when shapes are aligned at their ends.
fn aligned(axis: usize, from: &[Dim], to: &[Dim]) -> Option<usize> {
    let at = (axis + to.len()).checked_sub(from.len())?;
    (from[axis] == to[at]).then_some(at)
}

fn step(g: &Graph, node: &Node, sources: &[(usize, usize)]) -> Step {
    let results: Vec<Step> = sources.iter().map(|(k, axis)| step_of(g, node, *k, *axis)).collect();
    let mut all = results.into_iter();
    let first = all.next().unwrap_or(Step::Whole);
    all.fold(first, |a, b| match (a, b) {
        (Step::Axis(x), Step::Axis(y)) if x == y => Step::Axis(x),
        // Both operands of a product have the axis that it sums over.
        (Step::End(Kind::Contract, x), Step::End(Kind::Contract, _)) => Step::End(Kind::Contract, x),
        _ => Step::Whole,
    })
}

/// What an operation does with the axis of one operand.
fn step_of(g: &Graph, node: &Node, k: usize, axis: usize) -> Step {
    let shape = |k: usize| &g.ty(node.inputs[k]).shape;
    let (from, to) = (shape(k), &node.types[0].shape);
    let kept = |axis: Option<usize>| axis.map_or(Step::Whole, Step::Axis);
    if node.types.len() != 1 {
        return Step::Whole;
    }
    let own_axis = || node.attrs.int(Key::Axis) as usize;
    match node.op.class() {
        Class::Elementwise => return kept(aligned(axis, from, to)),
        Class::Reduce => {
            let axes = node.attrs.ints(Key::Axes);
            if !axes.contains(&(axis as i64)) {
                let before = axes.iter().filter(|a| **a < axis as i64).count();
                return Step::Axis(if node.attrs.bool(Key::Keepdims) { axis } else { axis - before });
            }
            let parts = [Op::Sum, Op::Prod, Op::Min, Op::Max, Op::Any, Op::All];
            return if parts.contains(&node.op) {
                Step::End(Kind::Reduce(node.op), axis)
            } else {
                Step::Whole
            };
        }
        Class::Cumulative => return if own_axis() == axis { Step::Whole } else { Step::Axis(axis) },
        _ => {}
    }
    match node.op {
        Op::Slice => {
            let s = &node.attrs.slices()[axis];
            if s.size.as_const().is_some_and(|n| n > 1) { Step::Axis(axis) } else { Step::Whole }
        }
        Op::Transpose => kept(node.attrs.ints(Key::Perm).iter().position(|p| *p == axis as i64)),
        Op::ExpandDims => {
            let axes = node.attrs.ints(Key::Axes);
            kept((0..to.len()).filter(|a| !axes.contains(&(*a as i64))).nth(axis))
        }
        Op::Squeeze => {
            let before = node.attrs.ints(Key::Axes).iter().filter(|a| **a < axis as i64).count();
            Step::Axis(axis - before)
        }
        Op::BroadcastTo => kept(aligned(axis, from, to)),
        Op::Reshape => {
            let found = groups(from, to).and_then(|all| all.into_iter().find(|(i, _)| i.contains(&axis)));
            let Some((i, j)) = found else { return Step::Whole };
            let mut real = j.filter(|k| !to[*k].is(1));
            match (i.filter(|k| !from[*k].is(1)).count(), real.next(), real.next()) {
                (1, Some(at), None) => Step::Axis(at),
                _ => Step::Whole,
            }
        }
        Op::Matmul => {
            let last = if k == 0 { from.len() - 1 } else { from.len() - 2 };
            if axis == last {
                return Step::End(Kind::Contract, shape(0).len() - 1);
            }
            kept(aligned(axis, from, to))
        }
        // Rows of the first operand, columns of the second, both of the third.
        Op::Gemm if k < 2 && axis == if k == 0 { from.len() - 1 } else { from.len() - 2 } => Step::Whole,
        Op::Gemm => kept(aligned(axis, from, to)),
        Op::OrderStatistics | Op::ArgOrderStatistics => {
            if k > 0 || own_axis() == axis {
                Step::Whole
            } else {
                Step::Axis(axis)
            }
        }
        Op::Concatenate | Op::Sort | Op::Argsort | Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft => {
            if own_axis() == axis { Step::Whole } else { Step::Axis(axis) }
        }
        Op::Pad if k == 0 => {
            let none = |key: Key| node.attrs.dims(key)[axis].is(0);
            if none(Key::PadLow) && none(Key::PadHigh) { Step::Axis(axis) } else { Step::Whole }
        }
        Op::Gather => {
            let axes = node.attrs.ints(Key::Axes);
            let front = to.len() - (shape(0).len() - axes.len());
            if k > 0 {
                return kept(aligned(axis, from, &to[..front]));
            }
            let rest = (0..from.len()).filter(|a| !axes.contains(&(*a as i64)));
            kept(rest.clone().position(|a| a == axis).map(|at| front + at))
        }
        // Matrices are taken one by one.
        Op::Inv | Op::InvPosdef | Op::Cholesky | Op::Det | Op::Eigvalsh | Op::Eigvals | Op::Svdvals => {
            if axis + 2 < from.len() { Step::Axis(axis) } else { Step::Whole }
        }
        Op::Solve | Op::SolvePosdef | Op::SolveTriangular => {
            if axis + 2 < from.len() {
                kept(aligned(axis, from, to))
            } else {
                Step::Whole
            }
        }
        _ => Step::Whole,
    }
}
