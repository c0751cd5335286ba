//! One form for what can be written in several: views merged and moved toward their source, broadcasts moved
//! toward their use, constants on the right, casts and involutions that cancel dropped. Exact and local: each rule
//! looks at a node and its operands only.
//!
//! Views end up in the order slice, transpose, squeeze or expand_dims, broadcast, read from the source.

mod elementwise;
mod view;

pub(crate) use elementwise::lossless;

use crate::make::Make;
use crate::pass::{Context, MathLevel};
use crate::rebuild::{Ranges, Site, Visitor, rebuild};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Node, Value};
use frit_ir::ops::Class;
use frit_ir::{Attrs, Op, TensorType};

/// A view moves past at most this many operations at once, so that the stack stays bounded.
const MAX_DEPTH: u32 = 48;

/// A builder that puts every node into canonical form.
pub(crate) struct Canonical<'a> {
    b: &'a mut Builder,
    depth: u32,
    fired: &'a mut Vec<&'static str>,
}

impl Canonical<'_> {
    /// The node that defines a value: op, attributes, operands.
    fn def(&self, v: Value) -> &Node {
        self.b.graph().def(v)
    }

    /// The value in a simpler form, with the name of the rule.
    fn simplify(&mut self, op: Op, attrs: &Attrs, inputs: &[Value]) -> Option<(Value, &'static str)> {
        match op.class() {
            Class::Elementwise => elementwise::simplify(self, op, attrs, inputs),
            Class::View => view::simplify(self, op, attrs, inputs),
            _ => None,
        }
    }
}

impl Make for Canonical<'_> {
    type V = Value;

    fn ty(&self, v: Value) -> TensorType {
        self.b.ty(v).clone()
    }

    fn node(&mut self, op: Op, attrs: Attrs, inputs: &[Value]) -> Option<Value> {
        if self.depth < MAX_DEPTH {
            self.depth += 1;
            let simpler = self.simplify(op, &attrs, inputs);
            self.depth -= 1;
            if let Some((v, rule)) = simpler {
                self.fired.push(rule);
                return Some(v);
            }
        }
        self.b.node(op, attrs, inputs).ok()
    }

    fn ranges(&self) -> &Ranges {
        self.b.ranges()
    }
}

struct Canonicalize<'a, 'b> {
    context: &'a mut Context<'b>,
    fired: Vec<&'static str>,
}

impl Visitor for Canonicalize<'_, '_> {
    fn visit(&mut self, b: &mut Builder, site: &Site<'_>) -> Result<Option<Vec<Value>>, TypeError> {
        let Site { node, inputs, .. } = *site;
        if !matches!(node.op.class(), Class::Elementwise | Class::View) {
            return Ok(None);
        }
        let mut canonical = Canonical { b, depth: 0, fired: &mut self.fired };
        let new = canonical.node(node.op, node.attrs.clone(), inputs);
        for rule in self.fired.drain(..) {
            self.context.fired(rule, MathLevel::Exact, &node.loc);
        }
        let Some(new) = new else { return Ok(None) };
        debug_assert_eq!(b.ty(new), &node.types[0], "canonical form of {} has another type", node.op);
        // One result, which may be any result of another node.
        Ok(Some(vec![new]))
    }
}

/// Brings a graph and its regions into canonical form.
pub(crate) fn run(graph: &Graph, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    rebuild(graph, &[], &mut Canonicalize { context, fired: Vec::new() })
}
