//! Operands of elementwise ops, and ops that cancel each other exactly.

use super::{Canonical, view};
use crate::make::Make;
use frit_ir::dtype::Kind;
use frit_ir::graph::Value;
use frit_ir::infer::broadcast_shapes;
use frit_ir::{Attrs, DType, Dim, Key, Op};

type Simpler = Option<(Value, &'static str)>;

pub(super) fn simplify(m: &mut Canonical<'_>, op: Op, attrs: &Attrs, inputs: &[Value]) -> Simpler {
    if let Some(v) = cancel(m, op, attrs, inputs) {
        return Some(v);
    }
    if let Some(logical) = logical(op).filter(|_| m.dtype(inputs[0]) == DType::Bool) {
        return Some((m.node(logical, attrs.clone(), inputs)?, "bits-of-bools"));
    }
    if op.def().commutative && rank(m, inputs[0]) > rank(m, inputs[1]) {
        return Some((m.node(op, attrs.clone(), &[inputs[1], inputs[0]])?, "constant-right"));
    }
    broadcast_later(m, op, attrs, inputs)
}

fn is_one(m: &Canonical<'_>, v: Value) -> bool {
    let def = m.def(v);
    def.op == Op::Constant && def.attrs.scalar(Key::Value).as_f64() == 1.0
}

/// What a bitwise operation is on bools, so that masks have one form.
fn logical(op: Op) -> Option<Op> {
    match op {
        Op::BitwiseAnd => Some(Op::LogicalAnd),
        Op::BitwiseOr => Some(Op::LogicalOr),
        Op::BitwiseXor => Some(Op::LogicalXor),
        Op::Invert => Some(Op::LogicalNot),
        _ => None,
    }
}

/// Constants stand last; a known array stands before a scalar.
fn rank(m: &Canonical<'_>, v: Value) -> u8 {
    let def = m.def(v);
    match def.op {
        Op::Constant => 3,
        Op::DimValue => 2,
        Op::Literal => 1,
        Op::BroadcastTo if m.def(def.inputs[0]).op == Op::Constant => 2,
        _ => 0,
    }
}

fn cancel(m: &mut Canonical<'_>, op: Op, attrs: &Attrs, inputs: &[Value]) -> Simpler {
    let x = inputs[0];
    let def = m.def(x);
    match op {
        Op::Positive => Some((x, "positive")),
        Op::Divide if is_one(m, x) && m.dtype(x).is_float() && m.shape(x).is_empty() => {
            Some((m.elementwise(Op::Reciprocal, &[inputs[1]])?, "one-over"))
        }
        Op::Multiply if inputs[1] == x && m.dtype(x) != DType::Bool => {
            Some((m.elementwise(Op::Square, &[x])?, "product-square"))
        }
        Op::Negative | Op::LogicalNot | Op::Invert | Op::Conjugate if def.op == op => {
            Some((def.inputs[0], "involution"))
        }
        Op::Real | Op::Conjugate if !m.dtype(x).is_complex() => Some((x, "real-of-real")),
        Op::Absolute | Op::Floor | Op::Ceil | Op::Trunc | Op::Rint if def.op == op => {
            // Rounding and magnitudes do nothing the second time.
            Some((x, "idempotent"))
        }
        Op::Cast => {
            let to = attrs.dtype(Key::DType);
            if m.dtype(x) == to {
                return Some((x, "cast-nothing"));
            }
            if def.op != Op::Cast {
                return None;
            }
            let source = def.inputs[0];
            if !cast_vanishes(m.dtype(source), m.dtype(x), to) {
                return None;
            }
            Some((m.cast(source, to)?, "cast-cast"))
        }
        _ => None,
    }
}

/// True if every value of `from` has an exact image in `to`.
pub(crate) fn lossless(from: DType, to: DType) -> bool {
    let mantissa =
        |t: DType| if t.size() == t.real().size() && t.size() == 4 || t == DType::C64 { 24 } else { 53 };
    if from == to {
        return true;
    }
    match (from.kind(), to.kind()) {
        (Kind::Bool, _) => true,
        (_, Kind::Bool) => false,
        (Kind::Int | Kind::UInt, Kind::Int | Kind::UInt) => {
            let ((a, b), (c, d)) = (from.int_range().expect("int"), to.int_range().expect("int"));
            c <= a && b <= d
        }
        (Kind::Int | Kind::UInt, Kind::Float | Kind::Complex) => from.size() * 8 <= mantissa(to),
        (Kind::Float, Kind::Float | Kind::Complex) | (Kind::Complex, Kind::Complex) => {
            from.real().size() <= to.real().size()
        }
        _ => false,
    }
}

/// `cast(cast(x, middle), to) == cast(x, to)` for every `x` of type `from`.
fn cast_vanishes(from: DType, middle: DType, to: DType) -> bool {
    if !lossless(from, middle) {
        return false;
    }
    // An integer that passes through a float saturates where a direct cast would wrap.
    let through_float = from.is_int() && middle.is_inexact() && to.is_int();
    !through_float || lossless(from, to)
}

/// Operands are broadcast by the op itself; if all are broadcast further than they need, the result is broadcast
/// instead, after less work.
fn broadcast_later(m: &mut Canonical<'_>, op: Op, attrs: &Attrs, inputs: &[Value]) -> Simpler {
    let shapes: Vec<Vec<Dim>> = inputs.iter().map(|v| m.shape(*v)).collect();
    let views: Vec<&[Dim]> = shapes.iter().map(Vec::as_slice).collect();
    let full = broadcast_shapes(&views)?;
    let mut operands = inputs.to_vec();
    for x in &mut operands {
        while m.def(*x).op == Op::BroadcastTo {
            *x = m.def(*x).inputs[0];
        }
    }
    let rank = operands.iter().map(|v| m.shape(*v).len()).max()?;
    for k in 0..operands.len() {
        // Only where another operand gives the rank, so that no broadcast is needed afterward.
        let others = (0..operands.len()).filter(|j| *j != k);
        if others.map(|j| m.shape(operands[j]).len()).max() == Some(rank)
            && let Some(x) = view::without_leading_units(m, operands[k])
        {
            operands[k] = x;
        }
    }
    if operands == inputs {
        return None;
    }
    let out = m.node(op, attrs.clone(), &operands)?;
    Some((m.broadcast_to(out, &full)?, "broadcast-later"))
}
