//! Sizes with names become numbers.

use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, GraphBuilder, TensorType, Value};
use frit_ir::{Attr, Dim, Key, Op};
use std::sync::Arc;

/// The graph for sizes of these values; names without one stay. An error if some operation does not type-check then:
/// arguments of these sizes would be refused.
pub fn specialize(graph: &Graph, size: &dyn Fn(&str) -> Option<i64>) -> Result<Graph, TypeError> {
    let dim = |d: &Dim| d.substitute(&|s| size(s).map(Dim::constant));
    let mut b = Builder::from_graph(GraphBuilder::new(&graph.name));
    for input in &graph.inputs {
        let shape: Vec<Dim> = input.ty.shape.iter().map(dim).collect();
        b.input(&input.name, TensorType::new(input.ty.dtype, shape));
    }
    let mut map: Vec<Vec<Value>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        if node.op == Op::Input {
            let position = node.attrs.int(Key::Position) as u32;
            map.push(vec![Value { node: frit_ir::NodeId(position), index: 0 }]);
            continue;
        }
        let mut attrs = node.attrs.map_dims(&dim);
        for (key, attr) in node.attrs.iter() {
            if let Attr::Graph(inner) = attr {
                attrs = attrs.with(key, Attr::Graph(Arc::new(specialize(inner, size)?)));
            }
        }
        b.set_loc(node.loc.clone());
        let at = |v: &Value| map[v.node.0 as usize][v.index as usize];
        let inputs: Vec<Value> = node.inputs.iter().map(at).collect();
        let first = b.node(node.op, attrs, &inputs)?;
        map.push((0..node.types.len() as u32).map(|index| Value { node: first.node, index }).collect());
    }
    let outputs = graph.outputs.iter().map(|v| map[v.node.0 as usize][v.index as usize]).collect();
    Ok(b.finish(outputs))
}
