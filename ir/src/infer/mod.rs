//! The only type checker: result types of an operation from its operands' types and attributes.
//!
//! At this level operands are explicit: elementwise operands have one element type (casts are nodes), shapes
//! broadcast as NumPy's do, axes are non-negative and sorted where an order has no meaning.
//!
//! Rules of elementwise ops, reductions and sources are here; the others in one file per class.

mod library;
mod movement;
mod region;

pub(crate) use library::*;
pub(crate) use movement::*;
pub(crate) use region::*;

use crate::attrs::{Attrs, Key};
use crate::dim::Dim;
use crate::dtype::DType;
use crate::error::{Cause, TypeError};
use crate::graph::TensorType;
use crate::ops::{Combine, Gives, Op, Promote};

type Inferred = Result<Vec<TensorType>, TypeError>;

/// Checks operand count and attributes against the op's row, then applies its rule.
pub fn infer(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let def = op.def();
    if inputs.len() < def.min_inputs || inputs.len() > def.max_inputs {
        let want = match (def.min_inputs, def.max_inputs) {
            (a, b) if a == b => a.to_string(),
            (a, usize::MAX) => format!("at least {a}"),
            (a, b) => format!("{a} to {b}"),
        };
        return fail(op, Cause::Arity { want, got: inputs.len() });
    }
    for (key, required) in def.attrs {
        match attrs.get(*key) {
            None if *required => {
                return fail(op, Cause::Attribute(format!("attribute `{}` is missing", key.name())));
            }
            Some(v) if v.kind() != key.kind() => {
                let why = format!("attribute `{}` must be of type {:?}", key.name(), key.kind());
                return fail(op, Cause::Attribute(why));
            }
            _ => {}
        }
    }
    for (key, _) in attrs.iter() {
        if !def.attrs.iter().any(|(k, _)| *k == key) {
            return fail(op, Cause::Attribute(format!("unknown attribute `{}`", key.name())));
        }
    }
    (def.infer)(op, attrs, inputs)
}

fn fail<T>(op: Op, cause: Cause) -> Result<T, TypeError> {
    Err(TypeError::new(op, cause))
}

fn shape_error<T>(op: Op, why: impl Into<String>) -> Result<T, TypeError> {
    fail(op, Cause::Shape(why.into()))
}

fn require(op: Op, ok: bool, why: impl FnOnce() -> String) -> Result<(), TypeError> {
    if ok { Ok(()) } else { shape_error(op, why()) }
}

/// The broadcast of shapes. A symbolic size never equals 1: that is part of a size symbol's meaning.
pub fn broadcast_shapes(shapes: &[&[Dim]]) -> Option<Vec<Dim>> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = vec![Dim::constant(1); rank];
    for s in shapes {
        for (o, d) in out[rank - s.len()..].iter_mut().zip(*s) {
            if o.is(1) {
                *o = d.clone();
            } else if !d.is(1) && d != o {
                return None;
            }
        }
    }
    Some(out)
}

fn broadcast(op: Op, inputs: &[&TensorType]) -> Result<Vec<Dim>, TypeError> {
    let shapes: Vec<&[Dim]> = inputs.iter().map(|t| t.shape.as_slice()).collect();
    broadcast_shapes(&shapes)
        .ok_or_else(|| TypeError::new(op, Cause::Broadcast(inputs.iter().map(|t| (*t).clone()).collect())))
}

fn axis_of(op: Op, attrs: &Attrs, key: Key, rank: usize) -> Result<usize, TypeError> {
    let axis = attrs.int(key);
    if axis < 0 || axis as usize >= rank {
        return fail(op, Cause::Axis { axis, rank });
    }
    Ok(axis as usize)
}

/// Axes must be in range and strictly increasing.
fn axes_of(op: Op, axes: &[i64], rank: usize) -> Result<(), TypeError> {
    for (k, axis) in axes.iter().enumerate() {
        if *axis < 0 || *axis as usize >= rank {
            return fail(op, Cause::Axis { axis: *axis, rank });
        }
        if k > 0 && axes[k - 1] >= *axis {
            if axes[..k].contains(axis) {
                return fail(op, Cause::RepeatedAxis(*axis));
            }
            return fail(op, Cause::Attribute("attribute `axes` must increase".into()));
        }
    }
    Ok(())
}

fn check_takes(op: Op, t: DType) -> Result<(), TypeError> {
    if op.def().takes.has(t.kind()) { Ok(()) } else { fail(op, Cause::DTypes(vec![t])) }
}

fn one_dtype(op: Op, inputs: &[&TensorType]) -> Result<DType, TypeError> {
    if inputs.iter().any(|t| t.dtype != inputs[0].dtype) {
        return fail(op, Cause::DTypes(inputs.iter().map(|t| t.dtype).collect()));
    }
    Ok(inputs[0].dtype)
}

fn with(batch: &[Dim], tail: &[Dim]) -> Vec<Dim> {
    batch.iter().chain(tail).cloned().collect()
}

pub(crate) fn none(op: Op, _: &Attrs, _: &[&TensorType]) -> Inferred {
    fail(op, Cause::Value("inputs are declared by the graph".into()))
}

pub(crate) fn constant(_: Op, attrs: &Attrs, _: &[&TensorType]) -> Inferred {
    Ok(vec![TensorType::scalar(attrs.scalar(Key::Value).dtype())])
}

pub(crate) fn literal(op: Op, attrs: &Attrs, _: &[&TensorType]) -> Inferred {
    let data = attrs.data();
    let n = data.ty.elements().as_const().unwrap_or(-1);
    let right = n >= 0 && n as usize * data.ty.dtype.size() == data.bytes.len();
    require(op, right, || format!("{} bytes for {}", data.bytes.len(), data.ty))?;
    Ok(vec![data.ty.clone()])
}

pub(crate) fn iota(op: Op, attrs: &Attrs, _: &[&TensorType]) -> Inferred {
    let shape = attrs.dims(Key::Shape);
    axis_of(op, attrs, Key::Axis, shape.len())?;
    check_sizes(op, shape)?;
    let dtype = attrs.dtype(Key::DType);
    if dtype == DType::Bool {
        return fail(op, Cause::DTypes(vec![dtype]));
    }
    Ok(vec![TensorType::new(dtype, shape)])
}

pub(crate) fn dim_value(_: Op, _: &Attrs, _: &[&TensorType]) -> Inferred {
    Ok(vec![TensorType::scalar(DType::I64)])
}

fn check_sizes(op: Op, shape: &[Dim]) -> Result<(), TypeError> {
    match shape.iter().find(|d| d.as_const().is_some_and(|v| v < 0)) {
        Some(d) => shape_error(op, format!("negative dimensions are not allowed: {d}")),
        None => Ok(()),
    }
}

pub(crate) fn elementwise(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let def = op.def();
    let shape = broadcast(op, inputs)?;
    let types: Vec<DType> = inputs.iter().map(|t| t.dtype).collect();
    let wrong = || fail(op, Cause::DTypes(types.clone()));
    let data = match def.promote {
        Promote::Where if types[0] != DType::Bool => return wrong(),
        Promote::Where => &types[1..],
        Promote::FloatInt if !types[1].is_int() => return wrong(),
        Promote::FloatInt => &types[..1],
        _ => &types[..],
    };
    if data.iter().any(|t| *t != data[0]) || !def.takes.has(data[0].kind()) {
        return wrong();
    }
    let dtype = match def.gives {
        Gives::Same => data[0],
        Gives::Bool => DType::Bool,
        Gives::Real => data[0].real(),
        Gives::Int32 => DType::I32,
        Gives::Attribute => attrs.dtype(Key::DType),
    };
    if op == Op::MakeComplex && dtype != data[0].to_complex() {
        return wrong();
    }
    Ok(vec![TensorType::new(dtype, shape)])
}

fn reduced_shape(op: Op, attrs: &Attrs, shape: &[Dim]) -> Result<Vec<Dim>, TypeError> {
    let axes = attrs.ints(Key::Axes);
    axes_of(op, axes, shape.len())?;
    let keep = attrs.bool(Key::Keepdims);
    let mut out = Vec::with_capacity(shape.len());
    for (k, d) in shape.iter().enumerate() {
        if !axes.contains(&(k as i64)) {
            out.push(d.clone());
        } else if keep {
            out.push(Dim::constant(1));
        }
    }
    Ok(out)
}

pub(crate) fn reduce(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let x = inputs[0];
    check_takes(op, x.dtype)?;
    let shape = reduced_shape(op, attrs, &x.shape)?;
    let axes = attrs.ints(Key::Axes);
    let no_identity = matches!(op, Op::Nanmin | Op::Nanmax)
        || matches!(op.def().combine, Some(Combine::Min | Combine::Max | Combine::ArgMin | Combine::ArgMax));
    if no_identity && axes.iter().any(|a| x.shape[*a as usize].is(0)) {
        let numpy = match op {
            Op::Min => "minimum",
            Op::Max => "maximum",
            Op::Nanmin => "fmin",
            Op::Nanmax => "fmax",
            _ => return fail(op, Cause::Value(format!("attempt to get {op} of an empty sequence"))),
        };
        let why = format!("zero-size array to reduction operation {numpy} which has no identity");
        return fail(op, Cause::Value(why));
    }
    let dtype = match op.def().combine {
        Some(Combine::ArgMin | Combine::ArgMax) => {
            if axes.len() != 1 {
                return fail(op, Cause::Attribute("takes exactly one axis".into()));
            }
            DType::I64
        }
        _ => x.dtype,
    };
    Ok(vec![TensorType::new(dtype, shape)])
}

/// A mean: floats and complex stay.
pub(crate) fn float_stat(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    check_takes(op, inputs[0].dtype)?;
    let shape = reduced_shape(op, attrs, &inputs[0].shape)?;
    // Its first step is a maximum.
    if op == Op::Logsumexp && attrs.ints(Key::Axes).iter().any(|a| inputs[0].shape[*a as usize].is(0)) {
        return fail(op, Cause::Value("zero-size array to logsumexp, which needs a maximum".into()));
    }
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

/// A variance: complex becomes real.
pub(crate) fn real_stat(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    check_takes(op, inputs[0].dtype)?;
    Ok(vec![TensorType::new(inputs[0].dtype.real(), reduced_shape(op, attrs, &inputs[0].shape)?)])
}

pub(crate) fn count(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    Ok(vec![TensorType::new(DType::I64, reduced_shape(op, attrs, &inputs[0].shape)?)])
}

pub(crate) fn cumulative(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    axis_of(op, attrs, Key::Axis, inputs[0].rank())?;
    if inputs[0].dtype == DType::Bool && matches!(op, Op::Cumsum | Op::Cumprod) {
        return fail(op, Cause::DTypes(vec![DType::Bool]));
    }
    if inputs[0].dtype.is_complex() && matches!(op, Op::Cummax | Op::Cummin) {
        return fail(op, Cause::DTypes(vec![inputs[0].dtype]));
    }
    Ok(vec![inputs[0].clone()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attrs::Attr;

    #[test]
    fn axes_of_sorts_and_rolls_are_checked() {
        let vector = TensorType::fixed(DType::F64, &[3]);
        let number = TensorType::scalar(DType::F64);
        for op in [Op::Sort, Op::Argsort] {
            let along = |axis| Attrs::new([(Key::Axis, Attr::Int(axis))]);
            assert!(infer(op, &along(0), &[&vector]).is_ok());
            assert!(infer(op, &along(1), &[&vector]).is_err());
            assert!(infer(op, &along(-1), &[&vector]).is_err());
            assert!(infer(op, &along(0), &[&number]).is_err());
        }
        let roll = |axes: &[i64], shifts: usize| {
            let shift = Attr::Dims(vec![Dim::constant(1); shifts]);
            infer(
                Op::Roll,
                &Attrs::new([(Key::Axes, Attr::Ints(axes.to_vec())), (Key::Shift, shift)]),
                &[&vector],
            )
        };
        assert!(roll(&[0, 0], 2).is_ok());
        assert!(roll(&[1], 1).is_err());
        assert!(roll(&[0], 2).is_err());
    }
}
