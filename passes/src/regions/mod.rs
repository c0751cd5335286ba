//! Control flow: results, carried values and captures that nothing needs, branches that are known, and work that
//! is the same in every iteration.

mod hoist;
mod interface;

use crate::pass::{Context, MathLevel};
use crate::rebuild::{GONE, Site, Visitor, rebuild, results};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Value};
use frit_ir::{Attr, Attrs, Key, Op};
use interface::Interface;
pub(crate) use interface::inline;
use std::sync::Arc;

struct Regions<'a, 'b> {
    context: &'a mut Context<'b>,
}

impl Visitor for Regions<'_, '_> {
    fn visit(&mut self, b: &mut Builder, site: &Site<'_>) -> Result<Option<Vec<Value>>, TypeError> {
        match site.node.op {
            Op::For | Op::While => self.visit_loop(b, site),
            Op::If => visit_if(b, site),
            _ => Ok(None),
        }
    }
}

impl Regions<'_, '_> {
    fn visit_loop(&mut self, b: &mut Builder, site: &Site<'_>) -> Result<Option<Vec<Value>>, TypeError> {
        let (node, op) = (site.node, site.node.op);
        let carries = node.attrs.int(Key::Carries) as usize;
        let body = Arc::clone(node.attrs.graph(Key::Body));
        let cond = (op == Op::While).then(|| Arc::clone(node.attrs.graph(Key::Cond)));
        if op == Op::For && body.outputs.len() == carries && never_runs(&node.attrs) {
            return Ok(Some(site.inputs[..carries].to_vec()));
        }
        let plan = Interface::of_loop(&body, cond.as_deref(), carries, site.inputs, site.used);
        // Captures of the new loop, and the parameters of the old one that they stand for.
        let mut inputs: Vec<Value> = plan.params.iter().map(|p| site.inputs[*p]).collect();
        let mut body = plan.body(&body);
        let mut cond = cond.map(|c| plan.cond(&c));
        let index = if op == Op::For { node.attrs.str(Key::Index) } else { "" };
        let runs = op == Op::For && always_runs(&node.attrs, b);
        let hoisted = hoist::hoist(&body, plan.carries.len(), index, runs);
        for id in &hoisted {
            self.context.fired("loop-invariant", MathLevel::Exact, &body.node(*id).loc);
        }
        if !hoisted.is_empty() {
            let captured = hoist::move_out(b, &body, &hoisted, &inputs)?;
            b.set_loc(node.loc.clone());
            body = hoist::with_captures(&body, &hoisted);
            cond = cond.map(|c| hoist::with_parameters(&c, &body));
            inputs.extend(captured);
        }
        let mut attrs = node.attrs.clone().with(Key::Carries, Attr::Int(plan.carries.len() as i64));
        attrs = attrs.with(Key::Body, Attr::Graph(Arc::new(body)));
        if let Some(cond) = cond {
            attrs = attrs.with(Key::Cond, Attr::Graph(Arc::new(cond)));
        }
        let mut out = vec![GONE; node.types.len()];
        for (k, value) in out.iter_mut().enumerate().take(carries) {
            if plan.constant.contains(&k) {
                *value = site.inputs[k];
            }
        }
        if plan.outputs.is_empty() {
            return Ok(Some(out));
        }
        let first = b.node(op, attrs, &inputs)?;
        for (new, old) in results(b, first).into_iter().zip(&plan.outputs) {
            out[*old] = new;
        }
        Ok(Some(out))
    }
}

/// The range is empty whatever the sizes are.
fn never_runs(attrs: &Attrs) -> bool {
    (attrs.dim(Key::Hi) - attrs.dim(Key::Lo)).as_const().is_some_and(|n| n <= 0)
}

/// The range is not empty whatever the sizes are.
fn always_runs(attrs: &Attrs, b: &Builder) -> bool {
    (attrs.dim(Key::Hi) - attrs.dim(Key::Lo) - 1).proves_nonnegative(b.ranges())
}

/// A known condition leaves its branch; otherwise unused results and captures go.
fn visit_if(b: &mut Builder, site: &Site<'_>) -> Result<Option<Vec<Value>>, TypeError> {
    let node = site.node;
    let (then, otherwise) = (node.attrs.graph(Key::Body), node.attrs.graph(Key::Else));
    if let Some(c) = b.graph().constant_of(site.inputs[0]) {
        let branch = if c.as_i64() != 0 { then } else { otherwise };
        return Ok(Some(inline(b, branch, &site.inputs[1..])?));
    }
    let plan = Interface::of_branches(then, otherwise, &site.inputs[1..], site.used);
    let attrs = Attrs::new([
        (Key::Body, Attr::Graph(Arc::new(plan.body(then)))),
        (Key::Else, Attr::Graph(Arc::new(plan.body(otherwise)))),
    ]);
    let inputs: Vec<Value> =
        std::iter::once(site.inputs[0]).chain(plan.params.iter().map(|p| site.inputs[p + 1])).collect();
    let first = b.node(Op::If, attrs, &inputs)?;
    let mut out = vec![GONE; node.types.len()];
    for (new, old) in results(b, first).into_iter().zip(&plan.outputs) {
        out[*old] = new;
    }
    Ok(Some(out))
}

/// Simplifies regions, innermost first: what leaves an inner loop may leave the outer one too.
pub(crate) fn run(graph: &Graph, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    rebuild(graph, &[], &mut Regions { context })
}
