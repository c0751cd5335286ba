//! Rewrites ops that the loop emitter does not know into ones that it does, just before lowering.

use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, GraphBuilder};
use frit_ir::{Attr, DType, Key, Op, Scalar, Value};
use std::sync::Arc;

/// The graph with position reductions (`argmin`, `argmax`) written as an extreme followed by the smallest position
/// at which it is reached, and every composite op expanded. Regions included.
pub(super) fn legalize(g: &Graph) -> Result<Graph, TypeError> {
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
            Op::Argmin => vec![position(&mut b, inputs[0], node, Op::Min)?],
            Op::Argmax => vec![position(&mut b, inputs[0], node, Op::Max)?],
            _ if node.op.def().expand.is_some() => {
                // A composite in the middle of a graph: its expansion may hold more of them.
                let f = node.op.def().expand.expect("just tested");
                f(&mut b, &node.attrs, &inputs)?
            }
            _ => {
                let mut attrs = node.attrs.clone();
                for key in [Key::Body, Key::Cond, Key::Else] {
                    if let Some(Attr::Graph(region)) = node.attrs.get(key) {
                        attrs = attrs.with(key, Attr::Graph(Arc::new(legalize(region)?)));
                    }
                }
                let v = b.node(node.op, attrs, &inputs)?;
                (0..node.types.len() as u32).map(|index| Value { node: v.node, index }).collect()
            }
        };
        map.push(results);
    }
    let outputs = g.outputs.iter().map(|v| map[v.node.0 as usize][v.index as usize]).collect();
    let done = b.finish(outputs);
    let left =
        done.nodes.iter().any(|n| n.op.def().expand.is_some() || matches!(n.op, Op::Argmin | Op::Argmax));
    if left { legalize(&done) } else { Ok(done) }
}

/// The first position of the extreme; a NaN is more extreme than any number.
fn position(b: &mut Builder, x: Value, node: &frit_ir::graph::Node, extreme: Op) -> Result<Value, TypeError> {
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
