//! Control flow.

use super::{Inferred, require, with};
use crate::attrs::{Attrs, Key};
use crate::dim::Dim;
use crate::dtype::DType;
use crate::error::TypeError;
use crate::graph::{Graph, TensorType};
use crate::ops::Op;
use std::sync::Arc;

/// The parameters of a region must be the given operands.
fn check_region(op: Op, what: &str, g: &Graph, inputs: &[&TensorType]) -> Result<(), TypeError> {
    require(op, g.inputs.len() == inputs.len(), || {
        format!("{what} takes {} values but {} are given", g.inputs.len(), inputs.len())
    })?;
    for (p, t) in g.inputs.iter().zip(inputs) {
        require(op, p.ty == **t, || format!("{what} takes {} for `{}` but {t} is given", p.ty, p.name))?;
    }
    Ok(())
}

fn carries(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Result<usize, TypeError> {
    let n = attrs.int(Key::Carries);
    require(op, n >= 0 && n as usize <= inputs.len(), || format!("{n} carried values of {}", inputs.len()))?;
    Ok(n as usize)
}

fn check_carries(op: Op, body: &Graph, n: usize, inputs: &[&TensorType]) -> Result<(), TypeError> {
    require(op, body.outputs.len() >= n, || {
        format!("the body returns {} of {n} carried values", body.outputs.len())
    })?;
    for (k, (got, want)) in body.output_types().iter().zip(&inputs[..n]).enumerate() {
        require(op, got == *want, || {
            format!("carried value {k} starts as {want} but the body returns {got}; they must agree")
        })?;
    }
    Ok(())
}

pub(crate) fn for_region(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let body: &Arc<Graph> = attrs.graph(Key::Body);
    let n = carries(op, attrs, inputs)?;
    check_region(op, "the body", body, inputs)?;
    check_carries(op, body, n, inputs)?;
    let trips = (attrs.dim(Key::Hi) - attrs.dim(Key::Lo)).maximum(&Dim::constant(0));
    let index = attrs.str(Key::Index);
    let mut types: Vec<TensorType> = inputs[..n].iter().map(|t| (*t).clone()).collect();
    for t in &body.output_types()[n..] {
        require(op, !t.shape.iter().any(|d| d.mentions(index)), || {
            format!("a stacked result must have one shape in every iteration, not {t}")
        })?;
        types.push(TensorType::new(t.dtype, with(std::slice::from_ref(&trips), &t.shape)));
    }
    Ok(types)
}

pub(crate) fn while_region(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (cond, body) = (attrs.graph(Key::Cond), attrs.graph(Key::Body));
    let n = carries(op, attrs, inputs)?;
    check_region(op, "the condition", cond, inputs)?;
    check_region(op, "the body", body, inputs)?;
    check_carries(op, body, n, inputs)?;
    require(op, cond.output_types() == [TensorType::scalar(DType::Bool)], || {
        "the condition must return one 0-d bool".into()
    })?;
    require(op, body.outputs.len() == n, || "the body returns more than the carried values".into())?;
    Ok(inputs[..n].iter().map(|t| (*t).clone()).collect())
}

pub(crate) fn if_region(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (then, otherwise) = (attrs.graph(Key::Body), attrs.graph(Key::Else));
    require(op, *inputs[0] == TensorType::scalar(DType::Bool), || {
        format!("the condition must be a 0-d bool, not {}", inputs[0])
    })?;
    check_region(op, "the true branch", then, &inputs[1..])?;
    check_region(op, "the false branch", otherwise, &inputs[1..])?;
    let (a, b) = (then.output_types(), otherwise.output_types());
    require(op, a == b, || {
        let show = |v: &[TensorType]| v.iter().map(|t| t.to_string()).collect::<Vec<_>>().join(", ");
        format!("the branches return different types: {} and {}", show(&a), show(&b))
    })?;
    Ok(a)
}
