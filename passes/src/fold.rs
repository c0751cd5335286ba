//! Constant folding.

use crate::pass::Context;
use crate::rebuild::{Site, Visitor, rebuild};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Value};
use frit_ir::{Key, Op};

struct Fold;

impl Visitor for Fold {
    fn visit(&mut self, b: &mut Builder, site: &Site<'_>) -> Result<Option<Vec<Value>>, TypeError> {
        let Site { node, inputs, .. } = *site;
        let constant = |k: usize| b.graph().constant_of(inputs[k]);
        match node.op {
            Op::Cast => {
                let Some(c) = constant(0) else { return Ok(None) };
                Ok(Some(vec![b.constant(c.cast(node.attrs.dtype(Key::DType)))]))
            }
            Op::Where => {
                let Some(c) = constant(0) else { return Ok(None) };
                let chosen = inputs[if c.as_i64() != 0 { 1 } else { 2 }];
                Ok(Some(vec![b.broadcast_to(chosen, &node.types[0].shape)?]))
            }
            _ => Ok(None),
        }
    }
}

/// Evaluates what depends on constants only. Sizes stay `dim_value` nodes: kernels take them as parameters.
pub(crate) fn run(graph: &Graph, _: &mut Context<'_>) -> Result<Graph, TypeError> {
    rebuild(graph, &[], &mut Fold)
}
