//! Loops and branches: carried arrays, slices at the loop's index, stacked rows, loops in loops.

use crate::draw::Random;
use crate::generate::{Built, Generator, no};
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::infer::broadcast_shapes;
use frit_ir::{Attr, Attrs, DType, Dim, Graph, Key, Op, Scalar, Slice, TensorType, Value};
use std::sync::Arc;

/// What a body can use: its parameters, and the index of the loop it is in with the loop's end.
struct Scope<'a> {
    b: &'a mut Builder,
    r: &'a mut Random,
    carried: Vec<Value>,
    captured: Vec<Value>,
    index: Option<(Dim, Dim)>,
}

/// A region on top of `x`, with other values of the pool as captures.
pub(crate) fn region(g: &mut Generator, x: Value) -> Built {
    let others = g.others();
    let mut operands = vec![x];
    operands.extend(others.into_iter().filter(|v| *v != x));
    operands.dedup();
    match g.r.below(5) {
        0 => branch(g, &operands),
        1 => repeat(g, &operands),
        _ => count(g, &operands),
    }
}

fn types(b: &Builder, values: &[Value]) -> Vec<TensorType> {
    values.iter().map(|v| b.ty(*v).clone()).collect()
}

/// A graph over parameters of the given types.
fn graph(
    r: &mut Random,
    types: &[TensorType],
    carries: usize,
    index: Option<(Dim, Dim)>,
    f: impl FnOnce(&mut Scope<'_>) -> Result<Vec<Value>, TypeError>,
) -> Result<Graph, TypeError> {
    let mut b = Builder::new("region");
    let parameters: Vec<Value> =
        types.iter().enumerate().map(|(k, t)| b.input(&format!("p{k}"), t.clone())).collect();
    if let Some((i, end)) = &index {
        b.push_range(i.to_string().as_str().into(), 0.into(), end.clone());
    }
    let (carried, captured) = parameters.split_at(carries);
    let (carried, captured) = (carried.to_vec(), captured.to_vec());
    let outputs = f(&mut Scope { b: &mut b, r, carried, captured, index })?;
    Ok(b.finish(outputs))
}

impl Scope<'_> {
    /// Something of the type of `c` and of a shape that broadcasts to it.
    fn operand(&mut self, c: Value) -> Result<Value, TypeError> {
        let own = self.b.ty(c).clone();
        let mut choices = self.carried.clone();
        for v in self.captured.clone() {
            choices.push(v);
            // A row of a captured array at the index, or the sum of those before it.
            if let Some((i, end)) = self.index.clone()
                && self.b.shape(v).first() == Some(&end)
            {
                let row = Slice { start: i.clone(), size: 1.into(), step: 1 };
                let row = self.b.slice_axis(v, 0, row)?;
                choices.push(self.b.squeeze(row, &[0])?);
                if self.b.dtype(v).is_int() || (self.b.dtype(v).is_inexact() && self.r.one_in(2)) {
                    let before = Slice { start: 0.into(), size: i, step: 1 };
                    let before = self.b.slice_axis(v, 0, before)?;
                    choices.push(self.b.reduce(Op::Sum, before, Some(&[0]), false)?);
                }
            }
        }
        if let Some((i, _)) = &self.index {
            let v = self.b.dim_value(i);
            choices.push(self.b.cast(v, own.dtype)?);
        }
        let fits = |b: &Builder, v: Value| {
            b.dtype(v) == own.dtype
                && broadcast_shapes(&[b.shape(v), &own.shape]).is_some_and(|s| s == own.shape)
        };
        choices.retain(|v| fits(self.b, *v));
        Ok(self.r.pick(&choices))
    }

    /// A next value for `c`, of its type.
    fn next(&mut self, c: Value) -> Result<Value, TypeError> {
        let mut v = c;
        for _ in 0..1 + self.r.below(3) {
            let y = self.operand(c)?;
            let t = self.b.dtype(c);
            let ops = [Op::Add, Op::Multiply, Op::Subtract, Op::Maximum, Op::Minimum];
            let op = match t {
                DType::Bool => self.r.pick(&[Op::LogicalXor, Op::LogicalAnd, Op::LogicalOr]),
                _ => ops[self.r.below(if t.is_complex() { 3 } else { 5 })],
            };
            v = if self.r.one_in(2) { self.b.binary(op, v, y)? } else { self.b.binary(op, y, v)? };
            if t.is_float() && (op == Op::Multiply || self.r.one_in(3)) {
                v = self.b.unary(Op::Tanh, v)?;
            } else if t.is_inexact() {
                v = self.b.binary_weak(Op::Multiply, v, 0.25)?;
            }
        }
        Ok(v)
    }

    /// `c` with the row at the index replaced.
    fn row_update(&mut self, c: Value) -> Result<Option<Value>, TypeError> {
        let Some((i, end)) = self.index.clone() else { return Ok(None) };
        if self.b.shape(c).first() != Some(&end) {
            return Ok(None);
        }
        let mut slices: Vec<Slice> = self.b.shape(c).iter().map(Slice::full).collect();
        slices[0] = Slice { start: i, size: 1.into(), step: 1 };
        let row = self.b.slice(c, &slices)?;
        let new = self.next(row)?;
        Ok(Some(self.b.update_slice(c, new, &slices)?))
    }
}

fn all(values: Value, count: usize) -> Vec<Value> {
    (0..count as u32).map(|index| Value { index, ..values }).collect()
}

/// A counted loop with one or two carried values and perhaps stacked rows.
fn count(g: &mut Generator, operands: &[Value]) -> Built {
    let x = operands[0];
    let shape = g.shape(x);
    let end = if !shape.is_empty() && g.r.one_in(2) {
        shape[0].clone()
    } else {
        Dim::constant(g.r.below(4) as i64)
    };
    // Long loops of the interpreters are slow.
    if !g.fits(&[end.clone(), Dim::constant(40)]) {
        return Err(no());
    }
    let carries = if operands.len() > 1 && g.r.one_in(3) { 2 } else { 1 };
    let types = types(&g.b, operands);
    // An index of its own in every region, as tracing gives.
    let name = format!("i{}", g.b.graph().nodes.len());
    let stacked = g.r.below(3);
    let nested = g.r.one_in(5);
    let index = Some((Dim::symbol(&name), end.clone()));
    let body = graph(&mut g.r, &types, carries, index, |s| {
        let mut out = Vec::new();
        for c in s.carried.clone() {
            let updated = if s.r.one_in(2) { s.row_update(c)? } else { None };
            out.push(match updated {
                Some(v) => v,
                None if nested => inner(s, c, &name)?,
                None => s.next(c)?,
            });
        }
        for k in 0..stacked {
            let c = s.carried[k % carries];
            // Rows have one shape in all iterations.
            let v = s.next(c)?;
            out.push(v);
        }
        Ok(out)
    })?;
    let attrs = Attrs::new([
        (Key::Body, Attr::Graph(Arc::new(body))),
        (Key::Carries, Attr::Int(carries as i64)),
        (Key::Lo, Attr::Dim(0.into())),
        (Key::Hi, Attr::Dim(end)),
        (Key::Index, Attr::Str(name.as_str().into())),
    ]);
    g.b.node(Op::For, attrs, operands)
}

/// A short loop inside a loop's body.
fn inner(s: &mut Scope<'_>, c: Value, outer: &str) -> Built {
    let name = format!("{outer}j");
    let mut operands = vec![c];
    operands.extend(&s.captured);
    let types = types(s.b, &operands);
    let end = Dim::constant(2);
    let body =
        graph(s.r, &types, 1, Some((Dim::symbol(&name), end.clone())), |s| Ok(vec![s.next(s.carried[0])?]))?;
    let attrs = Attrs::new([
        (Key::Body, Attr::Graph(Arc::new(body))),
        (Key::Carries, Attr::Int(1)),
        (Key::Lo, Attr::Dim(0.into())),
        (Key::Hi, Attr::Dim(end)),
        (Key::Index, Attr::Str(name.as_str().into())),
    ]);
    let v = s.b.node(Op::For, attrs, &operands)?;
    Ok(all(v, 1)[0])
}

/// `while` over a counter and an array.
fn repeat(g: &mut Generator, operands: &[Value]) -> Built {
    let counter = g.b.constant(Scalar::from_i64(DType::I64, 0));
    let limit = g.b.constant(Scalar::from_i64(DType::I64, g.r.below(4) as i64));
    let mut values = vec![counter, operands[0], limit];
    values.extend(&operands[1..]);
    let types = types(&g.b, &values);
    let cond =
        graph(&mut g.r, &types, 2, None, |s| Ok(vec![s.b.binary(Op::Less, s.carried[0], s.captured[0])?]))?;
    let body = graph(&mut g.r, &types, 2, None, |s| {
        let one = s.b.constant(Scalar::from_i64(DType::I64, 1));
        let (counter, x) = (s.carried[0], s.carried[1]);
        Ok(vec![s.b.binary(Op::Add, counter, one)?, s.next(x)?])
    })?;
    let attrs = Attrs::new([
        (Key::Body, Attr::Graph(Arc::new(body))),
        (Key::Cond, Attr::Graph(Arc::new(cond))),
        (Key::Carries, Attr::Int(2)),
    ]);
    g.b.node(Op::While, attrs, &values)
}

fn branch(g: &mut Generator, operands: &[Value]) -> Built {
    let x = operands[0];
    let condition = if g.b.dtype(x).is_inexact() {
        let v = g.value(DType::Bool);
        let t = TensorType::scalar(DType::Bool);
        if g.r.one_in(3) { g.b.constant(v) } else { g.input(t.dtype, &[]).ok_or_else(no)? }
    } else {
        let op = g.r.pick(&[Op::Any, Op::All]);
        g.b.reduce(op, x, None, false)?
    };
    let types = types(&g.b, operands);
    let then = graph(&mut g.r, &types, 1, None, |s| {
        let c = s.carried[0];
        Ok(vec![s.next(c)?, c])
    })?;
    let otherwise = graph(&mut g.r, &types, 1, None, |s| {
        let c = s.carried[0];
        Ok(vec![c, s.next(c)?])
    })?;
    let attrs =
        Attrs::new([(Key::Body, Attr::Graph(Arc::new(then))), (Key::Else, Attr::Graph(Arc::new(otherwise)))]);
    let mut values = vec![condition];
    values.extend(operands);
    g.b.node(Op::If, attrs, &values)
}
