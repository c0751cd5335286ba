//! What the body of an op costs, in `f64` additions: the only cost model below the graph level.

use frit_ir::graph::{Graph, Node};
use frit_ir::ops::Class;
use frit_ir::prim::{ScalarFn, ScalarInst};
use frit_ir::target::Target;

/// Sum of the primitives' costs.
pub(super) fn of_body(f: &ScalarFn) -> f64 {
    f.insts.iter().map(|i| if let ScalarInst::Prim(p, ..) = i { p.cost() } else { 0.0 }).sum()
}

/// One element of a node, its operands not counted.
pub(crate) fn of_node(g: &Graph, node: &Node) -> f64 {
    match node.op.class() {
        Class::Elementwise => {
            let types: Vec<_> = node.inputs.iter().map(|v| g.ty(*v).dtype).collect();
            of_body(&node.op.scalar_fn(&types, node.types[0].dtype))
        }
        Class::Movement => Target::REFERENCE.move_element / Target::REFERENCE.unit,
        _ => 0.0,
    }
}

/// True if an element of an elementwise node takes a math function.
pub(super) fn takes_math(g: &Graph, node: &Node) -> bool {
    let types: Vec<_> = node.inputs.iter().map(|v| g.ty(*v).dtype).collect();
    let f = node.op.scalar_fn(&types, node.types[0].dtype);
    f.insts.iter().any(|i| matches!(i, ScalarInst::Prim(p, ..) if p.is_math()))
}

/// Writing an element to memory and reading it back, when it does not stay in cache.
pub(super) const ROUND_TRIP: f64 = Target::REFERENCE.round_trip(8);
