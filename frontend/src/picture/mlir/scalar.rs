//! Element types, constants and primitives in MLIR.

use frit_ir::prim::Prim;
use frit_ir::{DType, Scalar};

/// The element type. Integers have no sign in MLIR: operations have.
pub(super) fn type_of(t: DType) -> String {
    if t.is_complex() {
        return format!("complex<{}>", type_of(t.real()));
    }
    match t {
        DType::Bool => "i1".into(),
        t if t.is_int() => format!("i{}", 8 * t.size()),
        t => t.name().into(),
    }
}

/// A number of a real type as MLIR writes it; the bits of floats that decimals would not give back.
fn number(s: Scalar) -> String {
    let t = s.dtype();
    if t == DType::Bool {
        return (s.as_i64() != 0).to_string();
    }
    if t.is_int() {
        return s.as_i64().to_string();
    }
    let text = format!("{:?}", s.as_f64());
    if s.as_f64().is_finite() && text.contains('.') && !text.contains('e') {
        return text;
    }
    format!("0x{:0width$X}", s.bits()[0], width = 2 * t.size())
}

/// A scalar in an elements attribute.
pub(super) fn element(s: Scalar) -> String {
    if s.dtype().is_complex() {
        let (re, im) = s.parts();
        return format!("({}, {})", number(re), number(im));
    }
    number(s)
}

/// What a primitive is in the `arith` and `math` dialects.
pub(super) enum Form {
    /// An operation on operands of the result's type.
    Op(&'static str),
    /// A comparison: operation and predicate.
    Compare(&'static str, &'static str),
    /// A conversion.
    Convert(&'static str),
    /// The operand itself.
    Same,
    /// An operation with a constant as its first operand.
    With(&'static str, Scalar),
    /// Nothing that means the same for all operands: a function that whoever runs the module provides.
    Call,
}

/// The operation for floats, signed integers, unsigned integers, bool; empty where there is none.
type Row = (Prim, [&'static str; 4]);

/// Operations that mean exactly what the primitive means, on operands of one type.
const SAME: &[Row] = &[
    (Prim::Add, ["arith.addf", "arith.addi", "arith.addi", ""]),
    (Prim::Sub, ["arith.subf", "arith.subi", "arith.subi", ""]),
    (Prim::Mul, ["arith.mulf", "arith.muli", "arith.muli", ""]),
    (Prim::Div, ["arith.divf", "", "", ""]),
    (Prim::Fma, ["math.fma", "", "", ""]),
    (Prim::Neg, ["arith.negf", "", "", ""]),
    (Prim::Abs, ["math.absf", "math.absi", "", ""]),
    (Prim::Min, ["arith.minimumf", "arith.minsi", "arith.minui", "arith.andi"]),
    (Prim::Max, ["arith.maximumf", "arith.maxsi", "arith.maxui", "arith.ori"]),
    (Prim::And, ["", "arith.andi", "arith.andi", "arith.andi"]),
    (Prim::Or, ["", "arith.ori", "arith.ori", "arith.ori"]),
    (Prim::Xor, ["", "arith.xori", "arith.xori", "arith.xori"]),
    (Prim::Sqrt, ["math.sqrt", "", "", ""]),
    (Prim::Floor, ["math.floor", "", "", ""]),
    (Prim::Ceil, ["math.ceil", "", "", ""]),
    (Prim::Trunc, ["math.trunc", "", "", ""]),
    (Prim::Rint, ["math.roundeven", "", "", ""]),
    (Prim::Copysign, ["math.copysign", "", "", ""]),
    (Prim::Exp, ["math.exp", "", "", ""]),
    (Prim::Exp2, ["math.exp2", "", "", ""]),
    (Prim::Expm1, ["math.expm1", "", "", ""]),
    (Prim::Log, ["math.log", "", "", ""]),
    (Prim::Log2, ["math.log2", "", "", ""]),
    (Prim::Log10, ["math.log10", "", "", ""]),
    (Prim::Log1p, ["math.log1p", "", "", ""]),
    (Prim::Sin, ["math.sin", "", "", ""]),
    (Prim::Cos, ["math.cos", "", "", ""]),
    (Prim::Tan, ["math.tan", "", "", ""]),
    (Prim::Asin, ["math.asin", "", "", ""]),
    (Prim::Acos, ["math.acos", "", "", ""]),
    (Prim::Atan, ["math.atan", "", "", ""]),
    (Prim::Sinh, ["math.sinh", "", "", ""]),
    (Prim::Cosh, ["math.cosh", "", "", ""]),
    (Prim::Tanh, ["math.tanh", "", "", ""]),
    (Prim::Asinh, ["math.asinh", "", "", ""]),
    (Prim::Acosh, ["math.acosh", "", "", ""]),
    (Prim::Atanh, ["math.atanh", "", "", ""]),
    (Prim::Cbrt, ["math.cbrt", "", "", ""]),
    (Prim::Erf, ["math.erf", "", "", ""]),
    (Prim::Pow, ["math.powf", "", "", ""]),
    (Prim::Atan2, ["math.atan2", "", "", ""]),
    (Prim::Fmod, ["arith.remf", "", "", ""]),
];

/// Predicates for floats, signed, and unsigned integers.
const COMPARE: &[(Prim, [&str; 3])] = &[
    (Prim::Eq, ["oeq", "eq", "eq"]),
    (Prim::Ne, ["une", "ne", "ne"]),
    (Prim::Lt, ["olt", "slt", "ult"]),
    (Prim::Le, ["ole", "sle", "ule"]),
];

/// Position in a row.
fn column(t: DType) -> usize {
    match t {
        DType::Bool => 3,
        t if t.is_float() => 0,
        t if t.is_signed() => 1,
        _ => 2,
    }
}

/// The form of a primitive from operands of type `from` (the last of them) to type `to`.
pub(super) fn form(prim: Prim, from: DType, to: DType) -> Form {
    if let Some((_, predicates)) = COMPARE.iter().find(|(p, _)| *p == prim) {
        let op = if from.is_float() { "arith.cmpf" } else { "arith.cmpi" };
        return Form::Compare(op, predicates[column(from).min(2)]);
    }
    if let Some((_, row)) = SAME.iter().find(|(p, _)| *p == prim)
        && !row[column(to)].is_empty()
    {
        return Form::Op(row[column(to)]);
    }
    match prim {
        Prim::Select => Form::Op("arith.select"),
        Prim::Abs => Form::Same,
        Prim::Neg => Form::With("arith.subi", Scalar::zero(to)),
        Prim::Not if to == DType::Bool => Form::With("arith.xori", Scalar::one(to)),
        Prim::Not => Form::With("arith.xori", Scalar::from_i64(to, -1)),
        Prim::Bitcast if type_of(from) == type_of(to) => Form::Same,
        Prim::Bitcast => Form::Convert("arith.bitcast"),
        Prim::Cast => cast(from, to),
        _ => Form::Call,
    }
}

fn cast(from: DType, to: DType) -> Form {
    if to == DType::Bool {
        return if from.is_float() {
            Form::Compare("arith.cmpf", "une")
        } else {
            Form::Compare("arith.cmpi", "ne")
        };
    }
    match (from.is_float(), to.is_float()) {
        (true, true) if to.size() > from.size() => Form::Convert("arith.extf"),
        (true, true) => Form::Convert("arith.truncf"),
        // What arith leaves undefined, numbers out of range, NumPy and frit do not.
        (true, false) => Form::Call,
        (false, true) if from.is_signed() => Form::Convert("arith.sitofp"),
        (false, true) => Form::Convert("arith.uitofp"),
        (false, false) if type_of(from) == type_of(to) => Form::Same,
        (false, false) if from != DType::Bool && to.size() < from.size() => Form::Convert("arith.trunci"),
        (false, false) if from.is_signed() => Form::Convert("arith.extsi"),
        (false, false) => Form::Convert("arith.extui"),
    }
}
