//! Slices move down through whole chains of elementwise operations that nothing else uses, and axes of size 1 are
//! dropped below the operations that do not need them: `sum(x, 1)[0]` becomes `sum(x[0])`.
//!
//! The e-graph finds the slices too, one operation per round; here a chain of any length takes one linear pass. Axes
//! of size 1 cost nothing, so there it would not choose; without them forms are equal that mean the same.

use crate::make::Make;
use crate::movement::{slice_operand, squeeze_along};
use crate::pass::{Context, MathLevel};
use crate::rebuild::{Ranges, begin, map_regions, results};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Node, NodeId, Value};
use frit_ir::ops::Class;
use frit_ir::{Dim, Key, Op, Slice};
use std::collections::HashMap;

/// Sinks the slices of a graph and of its regions.
pub(crate) fn run(graph: &Graph, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    sink(graph, &[], context)
}

/// The only part that the rest of the graph reads of each node, if that is less than the whole.
fn demands(graph: &Graph) -> Vec<Option<Vec<Slice>>> {
    let uses = graph.use_counts();
    let mut demand: Vec<Option<Vec<Slice>>> = vec![None; graph.nodes.len()];
    let at = |id: NodeId| id.0 as usize;
    let narrows = |id: NodeId| uses[at(id)] == 1 && graph.node(id).op.class() == Class::Elementwise;
    for id in graph.ids().rev() {
        let node = graph.node(id);
        if node.op == Op::Slice {
            let (source, slices) = (node.inputs[0].node, node.attrs.slices());
            let smaller = slices.iter().zip(&graph.ty(node.inputs[0]).shape).any(|(s, d)| s.size != *d);
            if smaller && narrows(source) {
                demand[at(source)] = Some(slices.to_vec());
            }
        } else if let Some(slices) = demand[at(id)].clone() {
            let shape = &node.types[0].shape;
            for v in node.inputs.iter().filter(|v| narrows(v.node) && graph.ty(**v).shape == *shape) {
                demand[at(v.node)] = Some(slices.clone());
            }
        }
    }
    demand
}

fn sink(graph: &Graph, ranges: &Ranges, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    let demand = demands(graph);
    let relevant = |n: &Node| n.op.class() == Class::Region || n.op == Op::Squeeze;
    if !graph.nodes.iter().any(relevant) && demand.iter().all(Option::is_none) {
        return Ok(graph.clone());
    }
    let uses = graph.use_counts();
    // How often the values of the new graph were used in the old one.
    let mut single: HashMap<NodeId, u32> = HashMap::new();
    let mut b = begin(graph, ranges);
    for input in &graph.inputs {
        b.input(&input.name, input.ty.clone());
    }
    let mut map: HashMap<Value, Value> = HashMap::new();
    for id in graph.ids() {
        let node = graph.node(id);
        if node.op == Op::Input {
            let position = node.attrs.int(Key::Position) as u32;
            map.insert(Value { node: id, index: 0 }, Value { node: NodeId(position), index: 0 });
            continue;
        }
        b.set_loc(node.loc.clone());
        let inputs: Vec<Value> = node.inputs.iter().map(|v| map[v]).collect();
        let demanded = |v: &Value| demand[v.node.0 as usize].is_some();
        let first = if let Some(slices) = &demand[id.0 as usize] {
            let done: Vec<bool> = node.inputs.iter().map(demanded).collect();
            context.fired("slice-elementwise", MathLevel::Exact, &node.loc);
            narrowed(&mut b, node, &inputs, &done, slices)?
        } else if node.op == Op::Slice && demanded(&node.inputs[0]) {
            inputs[0]
        } else if node.op == Op::Squeeze {
            let mut drop =
                Drop { single: &single, exact: context.options.math == MathLevel::Exact, dropped: 0 };
            let out = drop.drop(&mut b, inputs[0], node.attrs.ints(Key::Axes), 0);
            if drop.dropped > 0 {
                context.fired("squeeze-down", MathLevel::Exact, &node.loc);
            }
            out.expect("axes of size 1 may be dropped")
        } else {
            let attrs = map_regions(node.op, &node.attrs, ranges, &mut |g, r| sink(g, r, context))?;
            b.node(node.op, attrs, &inputs)?
        };
        *single.entry(first.node).or_insert(0) += uses[id.0 as usize];
        let all = if node.types.len() == 1 { vec![first] } else { results(&b, first) };
        for (index, v) in all.into_iter().enumerate() {
            map.insert(Value { node: id, index: index as u32 }, v);
        }
    }
    let outputs = graph.outputs.iter().map(|v| map[v]).collect();
    Ok(b.finish(outputs))
}

/// Operations whose axes are dropped in one go, so that the stack stays bounded.
const MAX_DEPTH: u32 = 48;

/// Drops axes of size 1 below the operations that nothing else uses.
struct Drop<'a> {
    single: &'a HashMap<NodeId, u32>,
    /// Sums stay as they are: another kernel may add in another order.
    exact: bool,
    dropped: usize,
}

impl Drop<'_> {
    fn drop(&mut self, b: &mut Builder, x: Value, axes: &[i64], depth: u32) -> Option<Value> {
        let def = b.graph().def(x).clone();
        let moves = match def.op.class() {
            Class::Elementwise | Class::Movement => true,
            Class::Reduce | Class::Cumulative => {
                !self.exact || !matches!(def.op, Op::Sum | Op::Prod | Op::Cumsum | Op::Cumprod)
            }
            Class::Library => {
                def.types.len() == 1 && (!self.exact || matches!(def.op, Op::Sort | Op::Argsort))
            }
            _ => false,
        };
        if axes.is_empty() || !moves || depth > MAX_DEPTH || self.single.get(&x.node) != Some(&1) {
            return Make::squeeze(b, x, axes);
        }
        let mut below = |b: &mut Builder, x: Value, axes: &[i64]| self.drop(b, x, axes, depth + 1);
        let site = (def.op, &def.attrs, &def.inputs[..]);
        match squeeze_along(b, site, &def.types[0].shape, axes, &mut below) {
            Some(v) => {
                self.dropped += 1;
                Some(v)
            }
            None => Make::squeeze(b, x, axes),
        }
    }
}

/// The node on sliced operands; those in `done` are sliced already.
fn narrowed(
    b: &mut Builder,
    node: &Node,
    inputs: &[Value],
    done: &[bool],
    slices: &[Slice],
) -> Result<Value, TypeError> {
    let shape = &node.types[0].shape;
    let mut operands = Vec::with_capacity(inputs.len());
    for (x, done) in inputs.iter().zip(done) {
        let own = if *done { Some(*x) } else { slice_operand(b, *x, shape, slices) };
        operands.push(own.expect("a slice of a broadcast operand type-checks where that of the result does"));
    }
    let out = b.node(node.op, node.attrs.clone(), &operands)?;
    let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
    if Make::shape(b, out) == sizes { Ok(out) } else { b.broadcast_to(out, &sizes) }
}
