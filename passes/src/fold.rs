//! Constant folding. Sizes stay `dim_value` nodes: kernels take them as parameters, so that another shape finds
//! the same kernel.

use crate::pass::Context;
use crate::rebuild::{Site, Visitor, rebuild};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::eval::scalar::ScalarOp;
use frit_ir::graph::{Graph, Node, TensorType, Value};
use frit_ir::infer::broadcast_shapes;
use frit_ir::ops::Class;
use frit_ir::{Attr, Attrs, DType, Key, Literal, Op, Scalar};

/// Literals up to this many elements are computed with; larger ones would only grow the program.
const MAX_ELEMENTS: usize = 1024;

struct Fold;

impl Visitor for Fold {
    fn visit(&mut self, b: &mut Builder, site: &Site<'_>) -> Result<Option<Vec<Value>>, TypeError> {
        let (node, inputs) = (site.node, site.inputs);
        if let Some(values) = nothing(b, node, inputs)? {
            return Ok(Some(values));
        }
        if node.op == Op::Where
            && let Some(c) = b.graph().constant_of(inputs[0])
        {
            let chosen = inputs[if c.as_i64() != 0 { 1 } else { 2 }];
            return Ok(Some(vec![b.broadcast_to(chosen, &node.types[0].shape)?]));
        }
        if let Some(c) = (node.op == Op::Literal).then(|| uniform(node.attrs.data())).flatten() {
            return Ok(Some(vec![b.full(&node.types[0].shape, c)?]));
        }
        if let Some(data) = (node.op.class() == Class::View).then(|| part(b, node, inputs)).flatten() {
            return Ok(Some(vec![b.node(Op::Literal, Attrs::new([(Key::Data, Attr::Data(data))]), &[])?]));
        }
        if node.op.class() != Class::Elementwise {
            return Ok(None);
        }
        let Some(operands) = inputs.iter().map(|v| Known::of(b, *v)).collect::<Option<Vec<Known>>>() else {
            return Ok(None);
        };
        match fold(node, &operands) {
            Some(Known::Scalar(c)) => Ok(Some(vec![b.constant(c)])),
            Some(Known::Array(data)) => {
                let attrs = Attrs::new([(Key::Data, Attr::Data(data))]);
                Ok(Some(vec![b.node(Op::Literal, attrs, &[])?]))
            }
            None => Ok(None),
        }
    }
}

/// The value of every element of a small literal, if they are all the same.
fn uniform(data: &Literal) -> Option<Scalar> {
    let first = (1..=MAX_ELEMENTS).contains(&data.len()).then(|| data.get(0))?;
    (1..data.len()).all(|k| data.get(k) == first).then_some(first)
}

/// A view of a literal as a literal of its own: the same elements in another shape, or fewer.
fn part(b: &Builder, node: &Node, inputs: &[Value]) -> Option<Literal> {
    let source = b.graph().def(inputs[0]);
    if source.op != Op::Literal {
        return None;
    }
    let (data, ty) = (source.attrs.data(), node.types[0].clone());
    let from = data.ty.const_shape()?;
    // For each axis of the result: its size, and how far apart its elements are in the source.
    let stride = |axis: usize| from[axis + 1..].iter().product::<usize>() as i64;
    let (first, axes): (i64, Vec<(i64, i64)>) = match node.op {
        Op::Reshape | Op::ExpandDims | Op::Squeeze => {
            ty.const_shape()?;
            return Some(Literal { ty, bytes: data.bytes.clone() });
        }
        Op::Slice => {
            let mut first = 0;
            let mut axes = Vec::with_capacity(from.len());
            for (axis, s) in node.attrs.slices().iter().enumerate() {
                first += s.start.as_const()? * stride(axis);
                axes.push((s.size.as_const()?, s.step * stride(axis)));
            }
            (first, axes)
        }
        Op::Diagonal => {
            let (a, c) = (node.attrs.int(Key::Axis) as usize, node.attrs.int(Key::Axis2) as usize);
            let offset = node.attrs.int(Key::Offset);
            let first = if offset < 0 { -offset * stride(a) } else { offset * stride(c) };
            let rest = (0..from.len()).filter(|k| *k != a && *k != c);
            let mut axes: Vec<(i64, i64)> = rest.map(|k| (from[k] as i64, stride(k))).collect();
            axes.push((ty.shape.last()?.as_const()?, stride(a) + stride(c)));
            (first, axes)
        }
        _ => return None,
    };
    let size = ty.dtype.size();
    let count = axes.iter().map(|(n, _)| *n as usize).product::<usize>();
    let mut bytes = Vec::with_capacity(count * size);
    for flat in 0..count as i64 {
        let (mut at, mut rest) = (first, flat);
        for (n, step) in axes.iter().rev() {
            at += rest % n * step;
            rest /= n;
        }
        bytes.extend_from_slice(&data.bytes[at as usize * size..][..size]);
    }
    Some(Literal { ty, bytes: bytes.into() })
}

/// What is left of a node that computes nothing: results without elements, a reduction of nothing, a loop without
/// iterations. Lowering then has no place in an empty array to write down.
fn nothing(b: &mut Builder, node: &Node, inputs: &[Value]) -> Result<Option<Vec<Value>>, TypeError> {
    let empty = |t: &TensorType| t.elements().is(0);
    let filled = |b: &mut Builder, t: &TensorType, v: Scalar| b.full(&t.shape, v);
    if node.op == Op::For {
        let trips = node.attrs.dim(Key::Hi) - node.attrs.dim(Key::Lo);
        if trips.as_const().is_none_or(|n| n > 0) {
            return Ok(None);
        }
        let carries = node.attrs.int(Key::Carries) as usize;
        let mut values = inputs[..carries].to_vec();
        for t in &node.types[carries..] {
            values.push(filled(b, t, Scalar::zero(t.dtype))?);
        }
        return Ok(Some(values));
    }
    let made = node.op == Op::BroadcastTo && b.graph().constant_of(inputs[0]).is_some();
    if node.op.class() == Class::Source || made {
        return Ok(None);
    }
    let [t] = &node.types[..] else { return Ok(None) };
    let identity = match node.op {
        Op::Sum | Op::Any => Some(Scalar::zero(t.dtype)),
        Op::Prod | Op::All => Some(Scalar::one(t.dtype)),
        _ => None,
    };
    if empty(t) {
        return Ok(Some(vec![filled(b, t, Scalar::zero(t.dtype))?]));
    }
    match identity {
        Some(v) if empty(b.ty(inputs[0])) => Ok(Some(vec![filled(b, t, v)?])),
        _ => Ok(None),
    }
}

/// An operand whose elements are known.
enum Known {
    Scalar(Scalar),
    Array(Literal),
}

impl Known {
    fn of(b: &Builder, v: Value) -> Option<Known> {
        let n = b.graph().def(v);
        match n.op {
            Op::Constant => Some(Known::Scalar(n.attrs.scalar(Key::Value))),
            Op::Literal if n.attrs.data().len() <= MAX_ELEMENTS => Some(Known::Array(n.attrs.data().clone())),
            _ => None,
        }
    }

    fn dtype(&self) -> DType {
        match self {
            Known::Scalar(c) => c.dtype(),
            Known::Array(a) => a.ty.dtype,
        }
    }

    fn shape(&self) -> Vec<usize> {
        match self {
            Known::Scalar(_) => vec![],
            Known::Array(a) => a.ty.const_shape().expect("a literal has constant sizes"),
        }
    }

    /// The element at an index of the broadcast result.
    fn at(&self, index: &[usize]) -> Scalar {
        match self {
            Known::Scalar(c) => *c,
            Known::Array(a) => {
                let shape = self.shape();
                let own = &index[index.len() - shape.len()..];
                let flat =
                    shape.iter().zip(own).fold(0, |flat, (n, i)| flat * n + if *n == 1 { 0 } else { *i });
                a.get(flat)
            }
        }
    }
}

fn fold(node: &Node, operands: &[Known]) -> Option<Known> {
    let out = &node.types[0];
    let types: Vec<DType> = operands.iter().map(Known::dtype).collect();
    let f = ScalarOp::new(node.op, &types, out.dtype);
    let element = |index: &[usize]| {
        let args: Vec<Scalar> = operands.iter().map(|o| o.at(index)).collect();
        // An integer to a negative power is an error when the program runs, and must stay one.
        let refused = node.op == Op::Power && out.dtype.is_signed() && args[1].as_i64() < 0;
        (!refused).then(|| f.apply(&args))
    };
    if operands.iter().all(|o| matches!(o, Known::Scalar(_))) {
        return element(&[]).map(Known::Scalar);
    }
    let shape = folded_shape(out, operands)?;
    let count: usize = shape.iter().product();
    let mut bytes = Vec::with_capacity(count * out.dtype.size());
    for flat in 0..count {
        let mut index = vec![0; shape.len()];
        let mut rest = flat;
        for (i, n) in index.iter_mut().zip(&shape).rev() {
            *i = rest % n;
            rest /= n;
        }
        bytes.extend(element(&index)?.to_bytes());
    }
    Some(Known::Array(Literal { ty: out.clone(), bytes: bytes.into() }))
}

/// The result's shape as numbers, unless it is too large.
fn folded_shape(out: &TensorType, operands: &[Known]) -> Option<Vec<usize>> {
    let shape = out.const_shape()?;
    debug_assert!({
        let dims: Vec<Vec<frit_ir::Dim>> =
            operands.iter().map(|o| o.shape().iter().map(|n| (*n).into()).collect()).collect();
        let views: Vec<&[frit_ir::Dim]> = dims.iter().map(Vec::as_slice).collect();
        broadcast_shapes(&views).as_deref() == Some(&out.shape)
    });
    (shape.iter().product::<usize>() <= MAX_ELEMENTS).then_some(shape)
}

/// Evaluates elementwise operations on constants and small literals, and drops work on nothing.
pub(crate) fn run(graph: &Graph, _: &mut Context<'_>) -> Result<Graph, TypeError> {
    rebuild(graph, &[], &mut Fold)
}
