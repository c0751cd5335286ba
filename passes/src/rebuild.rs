//! Copying a graph node by node: the loop that every pass is made of.

use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Node, NodeId, Value};
use frit_ir::ops::{Class, Op};
use frit_ir::{Attr, Attrs, Dim, Key, Symbol};
use std::sync::Arc;

/// Enclosing loop indices with their bounds, outermost first.
pub(crate) type Ranges = [(Symbol, Dim, Dim)];

/// What a pass does with one node.
pub(crate) trait Visitor {
    /// The values that stand for the node's results, or `None` to copy it with its new operands.
    fn visit(&mut self, b: &mut Builder, site: &Site<'_>) -> Result<Option<Vec<Value>>, TypeError>;
}

/// A node as a pass meets it.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The node; its regions were visited already.
    pub(crate) node: &'a Node,
    /// Its operands in the new graph.
    pub(crate) inputs: &'a [Value],
    /// Which of its results are used.
    pub(crate) used: &'a [bool],
}

/// Something for each value of a graph, in one allocation.
#[derive(Clone, Debug)]
pub(crate) struct PerValue<T> {
    /// Where the results of each node begin.
    first: Vec<u32>,
    all: Vec<T>,
}

impl<T: Clone> PerValue<T> {
    pub(crate) fn new(graph: &Graph, start: T) -> PerValue<T> {
        let mut first = Vec::with_capacity(graph.nodes.len() + 1);
        let mut count = 0;
        for n in &graph.nodes {
            first.push(count);
            count += n.types.len() as u32;
        }
        first.push(count);
        PerValue { first, all: vec![start; count as usize] }
    }

    fn results(&self, id: NodeId) -> std::ops::Range<usize> {
        self.first[id.0 as usize] as usize..self.first[id.0 as usize + 1] as usize
    }

    /// Of all results of a node.
    pub(crate) fn of(&self, id: NodeId) -> &[T] {
        &self.all[self.results(id)]
    }
}

impl<T> std::ops::Index<Value> for PerValue<T> {
    type Output = T;

    fn index(&self, v: Value) -> &T {
        &self.all[self.first[v.node.0 as usize] as usize + v.index as usize]
    }
}

impl<T> std::ops::IndexMut<Value> for PerValue<T> {
    fn index_mut(&mut self, v: Value) -> &mut T {
        &mut self.all[self.first[v.node.0 as usize] as usize + v.index as usize]
    }
}

/// The value of an unused result that no longer exists.
pub(crate) const GONE: Value = Value { node: NodeId(u32::MAX), index: 0 };

/// All results of a node.
pub(crate) fn results(b: &Builder, first: Value) -> Vec<Value> {
    let n = b.graph().def(first).types.len() as u32;
    if n <= 1 {
        return vec![first];
    }
    (0..n).map(|index| Value { node: first.node, index }).collect()
}

/// A builder for a copy of a graph with the same name, below the same loops.
pub(crate) fn begin(graph: &Graph, ranges: &Ranges) -> Builder {
    let mut b = Builder::new(&graph.name);
    for (index, lo, hi) in ranges {
        b.push_range(index.clone(), lo.clone(), hi.clone());
    }
    b
}

/// Copies the live nodes of a graph, regions included, asking `visitor` about each.
pub(crate) fn rebuild(graph: &Graph, ranges: &Ranges, visitor: &mut dyn Visitor) -> Result<Graph, TypeError> {
    let mut b = begin(graph, ranges);
    let mut parameters = vec![GONE; graph.inputs.len()];
    for n in graph.nodes.iter().filter(|n| n.op == Op::Input) {
        // Declared in order of position; the nodes give their locations.
        let k = n.attrs.int(Key::Position) as usize;
        parameters[k] = Value { node: NodeId(k as u32), index: 0 };
    }
    for input in &graph.inputs {
        b.input(&input.name, input.ty.clone());
    }
    let live = graph.live();
    let mut used = PerValue::new(graph, false);
    let users = graph.nodes.iter().zip(&live).filter(|(_, live)| **live).flat_map(|(n, _)| &n.inputs);
    for v in users.chain(&graph.outputs) {
        used[*v] = true;
    }
    let mut map = PerValue::new(graph, GONE);
    for id in graph.ids() {
        let node = graph.node(id);
        if node.op == Op::Input {
            map[Value { node: id, index: 0 }] = parameters[node.attrs.int(Key::Position) as usize];
            continue;
        }
        if !live[id.0 as usize] {
            continue;
        }
        b.set_loc(node.loc.clone());
        let inputs: Vec<Value> = node.inputs.iter().map(|v| map[*v]).collect();
        let visited;
        let node = if node.op.class() == Class::Region {
            let attrs = map_regions(node.op, &node.attrs, ranges, &mut |g, r| rebuild(g, r, &mut *visitor))?;
            visited = Node { attrs, ..node.clone() };
            &visited
        } else {
            node
        };
        let site = Site { node, inputs: &inputs, used: used.of(id) };
        let new = match visitor.visit(&mut b, &site)? {
            Some(new) => new,
            None => copy(&mut b, node, &inputs)?,
        };
        for (index, v) in new.into_iter().enumerate() {
            map[Value { node: id, index: index as u32 }] = v;
        }
    }
    let outputs = graph.outputs.iter().map(|v| map[*v]).collect();
    Ok(b.finish(outputs))
}

fn copy(b: &mut Builder, node: &Node, inputs: &[Value]) -> Result<Vec<Value>, TypeError> {
    let first = b.node(node.op, node.attrs.clone(), inputs)?;
    Ok(results(b, first))
}

/// Applies a function to each region of a node, with the loop indices that it sees.
pub(crate) fn map_regions(
    op: Op,
    attrs: &Attrs,
    ranges: &Ranges,
    f: &mut dyn FnMut(&Graph, &Ranges) -> Result<Graph, TypeError>,
) -> Result<Attrs, TypeError> {
    let mut inner = ranges.to_vec();
    if op == Op::For {
        let index: Symbol = attrs.str(Key::Index).into();
        inner.push((index, attrs.dim(Key::Lo).clone(), attrs.dim(Key::Hi).clone()));
    }
    let mut out = attrs.clone();
    for (key, attr) in attrs.iter() {
        if let Attr::Graph(g) = attr {
            let new = f(g, &inner)?;
            if new != **g {
                out = out.with(key, Attr::Graph(Arc::new(new)));
            }
        }
    }
    Ok(out)
}
