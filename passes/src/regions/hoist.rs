//! Loop-invariant work leaves the loop and comes back as a capture.
//!
//! Only where it pays: reductions, products, library routines, and elementwise work of some weight whose result
//! is not larger than an operand (a broadcast that the loop only reads in passing must not become an array).
//! Operations that can fail leave only loops that run at least once.

use super::interface::rewire;
use crate::rebuild::results;
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Input, Node, NodeId, Value};
use frit_ir::ops::Class;
use frit_ir::prim::ScalarInst;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op};
use std::collections::HashMap;

/// Least weight per element, in f64 additions, of elementwise work worth a load instead.
const WEIGHT: f64 = 4.0;

/// Nodes to compute before the loop, in order. `carries` parameters change, and so does `index`.
pub(super) fn hoist(body: &Graph, carries: usize, index: &str, runs: bool) -> Vec<NodeId> {
    let mut invariant = vec![false; body.nodes.len()];
    for id in body.ids() {
        let n = body.node(id);
        invariant[id.0 as usize] = match n.op {
            Op::Input => n.attrs.int(Key::Position) as usize >= carries,
            _ => {
                n.inputs.iter().all(|v| invariant[v.node.0 as usize])
                    && !mentions(&n.attrs, index)
                    && (runs || !can_fail(n.op))
                    && n.op != Op::While
            }
        };
    }
    // From the results back: what the loop still needs, given what leaves.
    let mut needed = vec![false; body.nodes.len()];
    for v in &body.outputs {
        needed[v.node.0 as usize] = true;
    }
    let mut out = Vec::new();
    for id in body.ids().rev() {
        if !needed[id.0 as usize] {
            continue;
        }
        let n = body.node(id);
        if invariant[id.0 as usize] && pays(body, n) {
            out.push(id);
            continue;
        }
        for v in &n.inputs {
            needed[v.node.0 as usize] = true;
        }
    }
    out.reverse();
    out
}

/// Stops on wrong values: a singular matrix, an index out of range.
fn can_fail(op: Op) -> bool {
    let safe = [Op::Matmul, Op::Fft, Op::Ifft, Op::Rfft, Op::Irfft, Op::Sort, Op::Argsort, Op::Searchsorted];
    match op.class() {
        Class::Library => !safe.contains(&op),
        Class::Movement => matches!(op, Op::Gather | Op::Scatter),
        Class::Region => true,
        _ => false,
    }
}

fn pays(g: &Graph, n: &Node) -> bool {
    match n.op.class() {
        Class::Source | Class::View => false,
        Class::Elementwise => {
            let out = &n.types[0];
            let grows =
                !out.shape.is_empty() && n.inputs.iter().all(|v| g.ty(*v).elements() != out.elements());
            !grows && weight(g, n) >= if out.shape.is_empty() { 1.0 } else { WEIGHT }
        }
        // Fused into their reader at no cost; as arrays they would be copies.
        Class::Movement => matches!(n.op, Op::Scatter | Op::UpdateSlice),
        _ => true,
    }
}

/// Arithmetic per element of a node and of its elementwise operands, one level deep.
fn weight(g: &Graph, n: &Node) -> f64 {
    let own = |n: &Node| -> f64 {
        let types: Vec<DType> = n.inputs.iter().map(|v| g.ty(*v).dtype).collect();
        let f = n.op.scalar_fn(&types, n.types[0].dtype);
        f.insts.iter().map(|i| if let ScalarInst::Prim(p, ..) = i { p.cost() } else { 0.0 }).sum()
    };
    let below = n.inputs.iter().map(|v| g.def(*v)).filter(|d| d.op.class() == Class::Elementwise);
    own(n) + below.map(own).sum::<f64>()
}

/// True if a loop index occurs in the attributes, regions included.
fn mentions(attrs: &Attrs, index: &str) -> bool {
    if index.is_empty() {
        return false;
    }
    let dim = |d: &Dim| d.mentions(index);
    attrs.iter().any(|(_, a)| match a {
        Attr::Dim(d) => dim(d),
        Attr::Dims(v) => v.iter().any(dim),
        Attr::Slices(v) => v.iter().any(|s| dim(&s.start) || dim(&s.size)),
        Attr::Graph(g) => {
            g.inputs.iter().any(|i| i.ty.shape.iter().any(dim))
                || g.nodes.iter().any(|n| mentions(&n.attrs, index))
        }
        _ => false,
    })
}

/// Values of the hoisted nodes that become captures: every result, in order.
fn captured(body: &Graph, hoisted: &[NodeId]) -> Vec<Value> {
    let all = |id: &NodeId| -> Vec<Value> {
        (0..body.node(*id).types.len() as u32).map(|index| Value { node: *id, index }).collect()
    };
    hoisted.iter().flat_map(all).collect()
}

/// Builds the hoisted nodes, and what they depend on, in the graph around the loop.
pub(super) fn move_out(
    b: &mut Builder,
    body: &Graph,
    hoisted: &[NodeId],
    inputs: &[Value],
) -> Result<Vec<Value>, TypeError> {
    let mut wanted = vec![false; body.nodes.len()];
    for id in hoisted {
        wanted[id.0 as usize] = true;
    }
    for id in body.ids().rev() {
        if wanted[id.0 as usize] {
            for v in &body.node(id).inputs {
                wanted[v.node.0 as usize] = true;
            }
        }
    }
    let mut map: HashMap<Value, Value> = HashMap::new();
    for id in body.ids().filter(|id| wanted[id.0 as usize]) {
        let n = body.node(id);
        if n.op == Op::Input {
            map.insert(Value { node: id, index: 0 }, inputs[n.attrs.int(Key::Position) as usize]);
            continue;
        }
        b.set_loc(n.loc.clone());
        let operands: Vec<Value> = n.inputs.iter().map(|v| map[v]).collect();
        let first = b.node(n.op, n.attrs.clone(), &operands)?;
        for (index, v) in results(b, first).into_iter().enumerate() {
            map.insert(Value { node: id, index: index as u32 }, v);
        }
    }
    Ok(captured(body, hoisted).iter().map(|v| map[v]).collect())
}

/// The body with the hoisted values as further parameters.
pub(super) fn with_captures(body: &Graph, hoisted: &[NodeId]) -> Graph {
    let mut inputs = body.inputs.clone();
    let mut replace = HashMap::new();
    for v in captured(body, hoisted) {
        replace.insert(v, inputs.len());
        inputs.push(Input { name: fresh(&inputs).into(), ty: body.ty(v).clone() });
    }
    rewire(body, &inputs, body.outputs.clone(), &Some, &replace)
}

fn fresh(inputs: &[Input]) -> String {
    let taken = |name: &str| inputs.iter().any(|i| &*i.name == name);
    (0..).map(|k| format!("invariant{k}")).find(|n| !taken(n)).expect("numbers do not end")
}

/// A condition with the parameters of its body.
pub(super) fn with_parameters(cond: &Graph, body: &Graph) -> Graph {
    rewire(cond, &body.inputs, cond.outputs.clone(), &Some, &HashMap::new())
}
