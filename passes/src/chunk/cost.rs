//! What a chunked run costs: bytes between tasks and storage, tasks, and arithmetic.

use super::region::{Reads, Region, volume};
use crate::rewrite::cost::routine_seconds;
use frit_ir::graph::{Graph, Node};
use frit_ir::ops::Class;
use frit_ir::target::Target;
use frit_ir::{Dim, TensorType};

/// The machine of the model.
pub(crate) const TARGET: Target = Target::REFERENCE;

/// Seconds of arithmetic for a box of a node's result. Routines are priced as in rewriting; of the rest orders of
/// magnitude matter here, and constants do not.
pub(crate) fn work(g: &Graph, node: &Node, need: &Reads) -> f64 {
    let out = volume(&need.computed);
    let read = need.operands.first().and_then(|r| r.as_ref()).map_or(0.0, volume);
    match node.op.class() {
        Class::Source | Class::View | Class::Composite => 0.0,
        Class::Elementwise => {
            let types: Vec<_> = node.inputs.iter().map(|v| g.ty(*v).dtype).collect();
            let expensive = node.op.def().ulp != [0.0, 0.0] || types.iter().any(|t| t.is_complex());
            out * TARGET.unit * if expensive { 20.0 } else { 1.0 }
        }
        Class::Reduce | Class::Cumulative => read * TARGET.unit,
        Class::Movement => out * TARGET.move_element,
        Class::Library => routine(g, node, need),
        Class::Region => (read + out) * 100.0 * TARGET.unit,
    }
}

/// Seconds of a routine on boxes of its operands.
fn routine(g: &Graph, node: &Node, need: &Reads) -> f64 {
    let cut = |ty: &TensorType, r: &Region| {
        TensorType::new(ty.dtype, r.iter().map(|i| Dim::constant(i.size().max(0))).collect::<Vec<_>>())
    };
    let operands: Vec<TensorType> = node
        .inputs
        .iter()
        .zip(&need.operands)
        .map(|(v, r)| r.as_ref().map_or_else(|| g.ty(*v).clone(), |r| cut(g.ty(*v), r)))
        .collect();
    let operands: Vec<&TensorType> = operands.iter().collect();
    // Several results come of one run, whichever of them is asked for.
    let one = node.types.len() == 1;
    let out = if one { cut(&node.types[0], &need.computed) } else { node.types[0].clone() };
    routine_seconds(node.op, &node.attrs, &operands, &out)
}
