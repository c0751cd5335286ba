//! Rewrites ops that the loop emitter does not know into ones that it does, just before lowering.

use frit_ir::build::Builder;
use frit_ir::dim::Symbol;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, GraphBuilder, Input, Node};
use frit_ir::ops::Class;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Literal, Op, Scalar, TensorType, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The graph with position reductions (`argmin`, `argmax`) written as an extreme followed by the smallest position
/// at which it is reached, every composite op expanded,
/// numbers that routines take in memory, and the layout in blocks forgotten. Regions included.
/// Loop indices get names that are unique in the whole program.
pub(crate) fn legalize(g: &Graph) -> Result<Graph, TypeError> {
    legalize_graph(g, &mut Names { taken: g.symbols(), loops: 0 })
}

/// Names for loop indices that no size has.
struct Names {
    taken: BTreeSet<Symbol>,
    loops: u32,
}

impl Names {
    fn next(&mut self) -> String {
        loop {
            let name = format!("loop{}", self.loops);
            self.loops += 1;
            if !self.taken.contains(name.as_str()) {
                return name;
            }
        }
    }
}

fn legalize_graph(g: &Graph, names: &mut Names) -> Result<Graph, TypeError> {
    let mut b = Builder::from_graph(GraphBuilder::new(&g.name));
    let mut map: Vec<Vec<Value>> = Vec::with_capacity(g.nodes.len());
    for node in &g.nodes {
        b.set_loc(node.loc.clone());
        let inputs: Vec<Value> =
            node.inputs.iter().map(|v| map[v.node.0 as usize][v.index as usize]).collect();
        let results = match node.op {
            Op::Input => {
                let p = &g.inputs[node.attrs.int(Key::Position) as usize];
                vec![b.input(&p.name, p.ty.clone())]
            }
            // Where blocks lie is a matter of storage between programs; in one program it is the plan that decides.
            Op::Rechunk => vec![inputs[0]],
            Op::Argmin if !in_one_loop(g, node) => vec![position(&mut b, inputs[0], node, Op::Min)?],
            Op::Argmax if !in_one_loop(g, node) => vec![position(&mut b, inputs[0], node, Op::Max)?],
            _ if node.op.def().expand.is_some() => {
                // A composite in the middle of a graph: its expansion may hold more of them.
                let f = node.op.def().expand.expect("just tested");
                f(&mut b, &node.attrs, &inputs)?
            }
            _ => {
                let mut attrs = node.attrs.clone();
                if node.op == Op::For {
                    let name = names.next();
                    let body = rename_index(attrs.graph(Key::Body), attrs.str(Key::Index), &name);
                    attrs = attrs.with(Key::Body, Attr::Graph(Arc::new(body)));
                    attrs = attrs.with(Key::Index, Attr::Str(name.as_str().into()));
                }
                for key in [Key::Body, Key::Cond, Key::Else] {
                    if let Some(Attr::Graph(region)) = attrs.get(key).cloned() {
                        attrs = attrs.with(key, Attr::Graph(Arc::new(legalize_graph(&region, names)?)));
                    }
                }
                let inputs: Vec<Value> = if node.op.class() == Class::Library {
                    inputs.iter().map(|v| in_memory(&mut b, *v)).collect::<Result<_, _>>()?
                } else {
                    inputs
                };
                let v = b.node(node.op, attrs, &inputs)?;
                (0..node.types.len() as u32).map(|index| Value { node: v.node, index }).collect()
            }
        };
        map.push(results);
    }
    let outputs = g.outputs.iter().map(|v| map[v.node.0 as usize][v.index as usize]).collect();
    let done = b.finish(outputs);
    let foreign = |n: &Node| {
        n.op.def().expand.is_some() || matches!(n.op, Op::Argmin | Op::Argmax) && !in_one_loop(&done, n)
    };
    if done.nodes.iter().any(foreign) { legalize_graph(&done, names) } else { Ok(done) }
}

/// True if the loop emitter finds the position of an extreme in one pass: along the last axis of a real array.
fn in_one_loop(g: &Graph, node: &Node) -> bool {
    let TensorType { dtype, shape } = g.ty(node.inputs[0]);
    let axis = node.attrs.ints(Key::Axes)[0] as usize;
    !dtype.is_complex() && shape[axis + 1..].iter().all(|d| d.is(1))
}

/// A constant as an array constant, which is in memory before the program starts; other values as they are.
fn in_memory(b: &mut Builder, v: Value) -> Result<Value, TypeError> {
    let Some(c) = b.graph().constant_of(v) else { return Ok(v) };
    let data = Literal { ty: b.ty(v).clone(), bytes: c.to_bytes().into() };
    b.node(Op::Literal, Attrs::new([(Key::Data, Attr::Data(data))]), &[])
}

/// The first position of the extreme; a NaN is more extreme than any number.
fn position(b: &mut Builder, x: Value, node: &Node, extreme: Op) -> Result<Value, TypeError> {
    let axis = node.attrs.ints(Key::Axes)[0];
    let shape = b.shape(x).to_vec();
    let m = b.reduce(extreme, x, Some(&[axis]), true)?;
    let mut hit = b.binary(Op::Equal, x, m)?;
    if b.dtype(x).is_float() {
        let nan = b.unary(Op::Isnan, x)?;
        hit = b.binary(Op::LogicalOr, hit, nan)?;
    }
    let at = b.iota(&shape, axis as usize, DType::I64)?;
    let never = b.constant(Scalar::from_i64(DType::I64, i64::MAX));
    let at = b.select(hit, at, never)?;
    b.reduce(Op::Min, at, Some(&[axis]), node.attrs.bool(Key::Keepdims))
}

/// A copy of a graph with a loop index renamed, nested regions included.
fn rename_index(g: &Graph, from: &str, to: &str) -> Graph {
    let new = Dim::symbol(to);
    let dim = |d: &Dim| d.substitute(&|s| (s == from).then(|| new.clone()));
    let ty = |t: &TensorType| TensorType::new(t.dtype, t.shape.iter().map(dim).collect::<Vec<_>>());
    let attrs = |a: &Attrs| {
        let mut out = a.map_dims(&dim);
        for key in [Key::Body, Key::Cond, Key::Else] {
            if let Some(Attr::Graph(r)) = a.get(key) {
                out = out.with(key, Attr::Graph(Arc::new(rename_index(r, from, to))));
            }
        }
        out
    };
    Graph {
        name: g.name.clone(),
        inputs: g.inputs.iter().map(|i| Input { name: i.name.clone(), ty: ty(&i.ty) }).collect(),
        nodes: g
            .nodes
            .iter()
            .map(|n| Node {
                op: n.op,
                attrs: attrs(&n.attrs),
                inputs: n.inputs.clone(),
                types: n.types.iter().map(ty).collect(),
                loc: n.loc.clone(),
            })
            .collect(),
        outputs: g.outputs.clone(),
    }
}
