//! Formulas that lose their digits, or overflow, become those that do not: `log(sum(exp(x)))` and `exp(x) / sum(exp(x))`
//! are shifted by the maximum, `1 - exp(x)` and `log(1 - x)` go through `expm1` and `log1p`.
//!
//! Not rules of the e-graph, which chooses by cost: these cost a little more and are better. Class `reassociate`: where
//! nothing overflows or vanishes in between, results are the same up to rounding.

use crate::make::Make;
use crate::pass::{Context, MathLevel};
use crate::rebuild::{Ranges, Site, Visitor, rebuild};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::graph::{Graph, Node, Value};
use frit_ir::ops::Class;
use frit_ir::{Attrs, Dim, Key, Op};

/// Steps back from a shift to the maximum that it is.
const STEPS: usize = 6;

struct Stabilize<'a, 'b> {
    context: &'a mut Context<'b>,
}

impl Visitor for Stabilize<'_, '_> {
    fn visit(&mut self, b: &mut Builder, site: &Site<'_>) -> Result<Option<Vec<Value>>, TypeError> {
        let better = match site.node.op {
            Op::Log => log_sum_exp(b, site.inputs[0])
                .map(|v| (v, "stable-logsumexp"))
                .or_else(|| log_one_minus(b, site.inputs[0]).map(|v| (v, "stable-log1p"))),
            Op::Subtract => one_minus_exp(b, site.inputs).map(|v| (v, "stable-expm1")),
            Op::Divide => softmax(b, site.inputs).map(|v| (v, "stable-softmax")),
            _ => None,
        };
        let Some((v, rule)) = better else { return Ok(None) };
        self.context.fired(rule, MathLevel::Reassociate, &site.node.loc);
        Ok(Some(vec![v]))
    }
}

fn def(b: &Builder, v: Value) -> Node {
    b.graph().def(v).clone()
}

fn is_one(b: &Builder, v: Value) -> bool {
    b.graph().constant_of(v).is_some_and(|c| c.dtype().is_float() && c.as_f64() == 1.0)
}

/// A sum of exponentials: the attributes of the sum, and what is exponentiated, if that is not shifted already.
fn sum_of_exp(b: &Builder, v: Value) -> Option<(Attrs, Value)> {
    let sum = def(b, v);
    let exp = (sum.op == Op::Sum).then(|| def(b, sum.inputs[0]))?;
    let x = (exp.op == Op::Exp).then(|| exp.inputs[0])?;
    let axes = sum.attrs.ints(Key::Axes);
    // The sum of nothing is 0, but nothing has no maximum.
    let some = axes.iter().all(|a| Make::proves_le(b, &Dim::constant(1), &b.shape(x)[*a as usize]));
    (b.dtype(x).is_float() && !axes.is_empty() && some && !is_shifted(b, x)).then_some((sum.attrs, x))
}

/// True for `x - m` where `m` comes from a maximum.
fn is_shifted(b: &Builder, x: Value) -> bool {
    let d = def(b, x);
    if d.op != Op::Subtract {
        return false;
    }
    let mut m = d.inputs[1];
    for _ in 0..STEPS {
        let d = def(b, m);
        m = match d.op {
            Op::Max => return true,
            Op::Where => d.inputs[1],
            op if op.class() == Class::View => d.inputs[0],
            _ => return false,
        };
    }
    false
}

/// `x` without its maximum along axes, and the maximum; where that is infinite nothing is taken away.
fn shifted(b: &mut Builder, x: Value, axes: &[i64]) -> Option<(Value, Value)> {
    let most = Make::reduce(b, Op::Max, x, axes, true)?;
    let finite = Make::elementwise(b, Op::Isfinite, &[most])?;
    let t = b.dtype(x);
    let zero = b.number(t, 0.0);
    let shift = Make::elementwise(b, Op::Where, &[finite, most, zero])?;
    Some((Make::elementwise(b, Op::Subtract, &[x, shift])?, shift))
}

/// `log(sum(exp(x))) -> log(sum(exp(x - m))) + m`
fn log_sum_exp(b: &mut Builder, v: Value) -> Option<Value> {
    let (attrs, x) = sum_of_exp(b, v)?;
    let axes = attrs.ints(Key::Axes);
    let (below, shift) = shifted(b, x, axes)?;
    let e = Make::elementwise(b, Op::Exp, &[below])?;
    let s = Make::reduce(b, Op::Sum, e, axes, true)?;
    let log = Make::elementwise(b, Op::Log, &[s])?;
    let all = Make::elementwise(b, Op::Add, &[log, shift])?;
    if attrs.bool(Key::Keepdims) { Some(all) } else { Make::squeeze(b, all, axes) }
}

/// `exp(x) / sum(exp(x)) -> exp(x - m) / sum(exp(x - m))`
fn softmax(b: &mut Builder, inputs: &[Value]) -> Option<Value> {
    let numerator = def(b, inputs[0]);
    // The sum with its axes kept, inserted again, or with none left.
    let below = def(b, inputs[1]);
    let inserted = (below.op == Op::ExpandDims).then(|| below.attrs.ints(Key::Axes).to_vec());
    let sum = if inserted.is_some() { below.inputs[0] } else { inputs[1] };
    let (attrs, x) = sum_of_exp(b, sum)?;
    let axes = attrs.ints(Key::Axes);
    let aligned = match &inserted {
        Some(list) => !attrs.bool(Key::Keepdims) && list == axes,
        None => attrs.bool(Key::Keepdims) || axes.len() == b.shape(x).len(),
    };
    if numerator.op != Op::Exp || numerator.inputs[0] != x || !aligned {
        return None;
    }
    let (below, _) = shifted(b, x, axes)?;
    let e = Make::elementwise(b, Op::Exp, &[below])?;
    let s = Make::reduce(b, Op::Sum, e, axes, true)?;
    Make::elementwise(b, Op::Divide, &[e, s])
}

/// `1 - exp(x) -> -expm1(x)`
fn one_minus_exp(b: &mut Builder, inputs: &[Value]) -> Option<Value> {
    let exp = def(b, inputs[1]);
    if !is_one(b, inputs[0]) || exp.op != Op::Exp {
        return None;
    }
    let e = Make::elementwise(b, Op::Expm1, &[exp.inputs[0]])?;
    Make::elementwise(b, Op::Negative, &[e])
}

/// `log(1 - x) -> log1p(-x)`
fn log_one_minus(b: &mut Builder, v: Value) -> Option<Value> {
    let d = def(b, v);
    if d.op != Op::Subtract || !is_one(b, d.inputs[0]) {
        return None;
    }
    let x = Make::elementwise(b, Op::Negative, &[d.inputs[1]])?;
    Make::elementwise(b, Op::Log1p, &[x])
}

/// Does nothing at the level `exact`.
pub(crate) fn run(graph: &Graph, context: &mut Context<'_>) -> Result<Graph, TypeError> {
    if context.options.math == MathLevel::Exact {
        return Ok(graph.clone());
    }
    let none: &Ranges = &[];
    rebuild(graph, none, &mut Stabilize { context })
}
