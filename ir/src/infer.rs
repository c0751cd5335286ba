//! The only type checker: result types of an operation from its operands' types and attributes.
//!
//! At this level operands are explicit: elementwise operands have one element type (casts are nodes), shapes
//! broadcast as NumPy's do, axes are non-negative and sorted where an order has no meaning.

use crate::attrs::{Attrs, Key};
use crate::dim::{Dim, product};
use crate::dtype::{DType, Kind};
use crate::error::{Cause, TypeError};
use crate::graph::{Graph, TensorType};
use crate::ops::{Combine, Gives, Op, Promote};
use std::sync::Arc;

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
    Ok(vec![TensorType::new(inputs[0].dtype, reduced_shape(op, attrs, &inputs[0].shape)?)])
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

/// The type of the operand, along one axis that it must have.
pub(crate) fn sort(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    axis_of(op, attrs, Key::Axis, inputs[0].rank())?;
    Ok(vec![inputs[0].clone()])
}

/// One shift per axis; axes may be in any order and repeat, as NumPy's may.
pub(crate) fn roll(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (axes, rank) = (attrs.ints(Key::Axes), inputs[0].rank());
    if let Some(axis) = axes.iter().find(|a| **a < 0 || **a as usize >= rank) {
        return fail(op, Cause::Axis { axis: *axis, rank });
    }
    require(op, axes.len() == attrs.dims(Key::Shift).len(), || "takes one shift per axis".into())?;
    Ok(vec![inputs[0].clone()])
}

/// The type of the operand, which is a stack of matrices.
pub(crate) fn matrix_same(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    matrix(op, inputs[0])?;
    Ok(vec![inputs[0].clone()])
}

pub(crate) fn reshape(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let shape = attrs.dims(Key::Shape);
    check_sizes(op, shape)?;
    let (from, to) = (inputs[0].elements(), product(shape));
    require(op, from == to, || {
        let dims: Vec<String> = shape.iter().map(|d| d.to_string()).collect();
        format!("cannot reshape array of size {from} into shape ({})", dims.join(","))
    })?;
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

pub(crate) fn transpose(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let perm = attrs.ints(Key::Perm);
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    let right = sorted.iter().enumerate().all(|(k, p)| *p == k as i64) && sorted.len() == inputs[0].rank();
    require(op, right, || "axes don't match array".into())?;
    let shape: Vec<Dim> = perm.iter().map(|p| inputs[0].shape[*p as usize].clone()).collect();
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

fn check_slices<'a>(op: Op, attrs: &'a Attrs, shape: &[Dim]) -> Result<&'a [crate::Slice], TypeError> {
    let slices = attrs.slices();
    require(op, slices.len() == shape.len(), || format!("{} slices for {} axes", slices.len(), shape.len()))?;
    for (s, d) in slices.iter().zip(shape) {
        require(op, s.step != 0, || "slice step cannot be zero".into())?;
        if let (Some(start), Some(size), Some(n)) = (s.start.as_const(), s.size.as_const(), d.as_const()) {
            let last = start as i128 + (size as i128 - 1) * s.step as i128;
            let inside = size == 0 || (start >= 0 && start < n && last >= 0 && last < n as i128);
            require(op, size >= 0 && inside, || {
                format!("slice of {size} elements from {start} by {} is outside an axis of size {n}", s.step)
            })?;
        }
    }
    Ok(slices)
}

pub(crate) fn slice(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let slices = check_slices(op, attrs, &inputs[0].shape)?;
    let shape: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

pub(crate) fn update_slice(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (x, v) = (inputs[0], inputs[1]);
    if x.dtype != v.dtype {
        return fail(op, Cause::DTypes(vec![x.dtype, v.dtype]));
    }
    let slices = check_slices(op, attrs, &x.shape)?;
    let window: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
    let fits = broadcast_shapes(&[&window, &v.shape]).is_some_and(|s| s == window);
    if !fits {
        let show = |s: &[Dim]| s.iter().map(|d| d.to_string()).collect::<Vec<_>>().join(",");
        return shape_error(
            op,
            format!(
                "could not broadcast input array from shape ({}) into shape ({})",
                show(&v.shape),
                show(&window)
            ),
        );
    }
    Ok(vec![x.clone()])
}

pub(crate) fn expand_dims(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let axes = attrs.ints(Key::Axes);
    let rank = inputs[0].rank() + axes.len();
    axes_of(op, axes, rank)?;
    let mut rest = inputs[0].shape.iter();
    let shape: Vec<Dim> =
        (0..rank as i64)
            .map(|k| {
                if axes.contains(&k) { Dim::constant(1) } else { rest.next().expect("ranks add up").clone() }
            })
            .collect();
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

pub(crate) fn squeeze(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let axes = attrs.ints(Key::Axes);
    axes_of(op, axes, inputs[0].rank())?;
    require(op, axes.iter().all(|a| inputs[0].shape[*a as usize].is(1)), || {
        "cannot select an axis to squeeze out which has size not equal to one".into()
    })?;
    let keep = inputs[0].shape.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
    let shape: Vec<Dim> = keep.map(|(_, d)| d.clone()).collect();
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

pub(crate) fn broadcast_to(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let shape = attrs.dims(Key::Shape);
    check_sizes(op, shape)?;
    let fits = broadcast_shapes(&[&inputs[0].shape, shape]).is_some_and(|s| s == shape);
    if !fits {
        let target = TensorType::new(inputs[0].dtype, shape);
        return fail(op, Cause::Broadcast(vec![inputs[0].clone(), target]));
    }
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

/// Length of a diagonal of an `rows` x `cols` matrix, `offset` above the main one.
pub fn diagonal_size(rows: &Dim, cols: &Dim, offset: i64) -> Dim {
    if offset == 0 {
        return rows.minimum(cols);
    }
    let (r, c) = if offset >= 0 { (rows.clone(), cols - offset) } else { (rows + offset, cols.clone()) };
    r.minimum(&c).maximum(&Dim::constant(0))
}

fn two_axes(op: Op, attrs: &Attrs, x: &TensorType) -> Result<(usize, usize), TypeError> {
    let a = axis_of(op, attrs, Key::Axis, x.rank())?;
    let b = axis_of(op, attrs, Key::Axis2, x.rank())?;
    require(op, a != b, || "axis1 and axis2 cannot be the same".into())?;
    Ok((a, b))
}

pub(crate) fn diagonal(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let x = inputs[0];
    let (a, b) = two_axes(op, attrs, x)?;
    let rest = x.shape.iter().enumerate().filter(|(k, _)| *k != a && *k != b);
    let mut shape: Vec<Dim> = rest.map(|(_, d)| d.clone()).collect();
    shape.push(diagonal_size(&x.shape[a], &x.shape[b], attrs.int(Key::Offset)));
    Ok(vec![TensorType::new(x.dtype, shape)])
}

pub(crate) fn trace(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let mut t = diagonal(op, attrs, inputs)?;
    t[0].shape.pop();
    // Summed as `sum` sums: small integers as 64-bit ones.
    t[0].dtype = match t[0].dtype.kind() {
        Kind::Bool | Kind::Int => DType::I64,
        Kind::UInt => DType::U64,
        Kind::Float | Kind::Complex => t[0].dtype,
    };
    Ok(t)
}

fn one_dtype(op: Op, inputs: &[&TensorType]) -> Result<DType, TypeError> {
    if inputs.iter().any(|t| t.dtype != inputs[0].dtype) {
        return fail(op, Cause::DTypes(inputs.iter().map(|t| t.dtype).collect()));
    }
    Ok(inputs[0].dtype)
}

pub(crate) fn concatenate(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let dtype = one_dtype(op, inputs)?;
    let axis = axis_of(op, attrs, Key::Axis, inputs[0].rank())?;
    let mut shape = inputs[0].shape.clone();
    for (k, t) in inputs.iter().enumerate().skip(1) {
        require(op, t.rank() == shape.len(), || {
            "all the input array dimensions must match: the ranks differ".into()
        })?;
        for (d, (a, b)) in inputs[0].shape.iter().zip(&t.shape).enumerate() {
            require(op, d == axis || a == b, || {
                format!(
                    "all the input array dimensions except for the concatenation axis must match exactly, but along \
                     dimension {d}, the array at index 0 has size {a} and the array at index {k} has size {b}"
                )
            })?;
        }
        shape[axis] = &shape[axis] + &t.shape[axis];
    }
    Ok(vec![TensorType::new(dtype, shape)])
}

pub(crate) fn stack(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let dtype = one_dtype(op, inputs)?;
    require(op, inputs.iter().all(|t| t.shape == inputs[0].shape), || {
        "all input arrays must have the same shape".into()
    })?;
    let axis = axis_of(op, attrs, Key::Axis, inputs[0].rank() + 1)?;
    let mut shape = inputs[0].shape.clone();
    shape.insert(axis, inputs.len().into());
    Ok(vec![TensorType::new(dtype, shape)])
}

pub(crate) fn pad(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let dtype = one_dtype(op, inputs)?;
    let (low, high) = (attrs.dims(Key::PadLow), attrs.dims(Key::PadHigh));
    let x = inputs[0];
    require(op, low.len() == x.rank() && high.len() == x.rank() && inputs[1].rank() == 0, || {
        "takes one width per axis and a 0-d value".into()
    })?;
    check_sizes(op, low)?;
    check_sizes(op, high)?;
    let shape: Vec<Dim> = x.shape.iter().zip(low).zip(high).map(|((d, l), h)| d + l + h).collect();
    Ok(vec![TensorType::new(dtype, shape)])
}

pub(crate) fn tile(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let reps = attrs.dims(Key::Shape);
    require(op, reps.len() == inputs[0].rank(), || "takes one repetition count per axis".into())?;
    check_sizes(op, reps)?;
    let shape: Vec<Dim> = inputs[0].shape.iter().zip(reps).map(|(d, r)| d * r).collect();
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

pub(crate) fn repeat(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let axis = axis_of(op, attrs, Key::Axis, inputs[0].rank())?;
    let n = attrs.dim(Key::N);
    check_sizes(op, std::slice::from_ref(n))?;
    let mut shape = inputs[0].shape.clone();
    shape[axis] = &shape[axis] * n;
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

/// The broadcast shape of the index operands, and the source axes that are not indexed.
fn index_shapes(
    op: Op,
    attrs: &Attrs,
    x: &TensorType,
    idx: &[&TensorType],
) -> Result<(Vec<Dim>, Vec<Dim>), TypeError> {
    let axes = attrs.ints(Key::Axes);
    axes_of(op, axes, x.rank())?;
    require(op, axes.len() == idx.len(), || "takes one index array per axis".into())?;
    if let Some(t) = idx.iter().find(|t| t.dtype != DType::I64) {
        return fail(op, Cause::DTypes(vec![t.dtype]));
    }
    let rest = x.shape.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
    Ok((broadcast(op, idx)?, rest.map(|(_, d)| d.clone()).collect()))
}

pub(crate) fn gather(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (mut shape, rest) = index_shapes(op, attrs, inputs[0], &inputs[1..])?;
    shape.extend(rest);
    Ok(vec![TensorType::new(inputs[0].dtype, shape)])
}

/// The ways in which `scatter` combines an update with what is there.
pub const SCATTER_MODES: [&str; 5] = ["set", "add", "multiply", "minimum", "maximum"];

pub(crate) fn scatter(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (x, v) = (inputs[0], inputs[1]);
    if x.dtype != v.dtype {
        return fail(op, Cause::DTypes(vec![x.dtype, v.dtype]));
    }
    let mode = attrs.str(Key::Mode);
    if !SCATTER_MODES.contains(&mode) {
        return fail(op, Cause::Attribute(format!("unknown mode `{mode}`")));
    }
    let (mut window, rest) = index_shapes(op, attrs, x, &inputs[2..])?;
    window.extend(rest);
    let fits = broadcast_shapes(&[&window, &v.shape]).is_some_and(|s| s == window);
    if !fits {
        return fail(op, Cause::Broadcast(vec![v.clone(), TensorType::new(v.dtype, window)]));
    }
    Ok(vec![x.clone()])
}

fn matrix(op: Op, x: &TensorType) -> Result<(&[Dim], Dim, Dim), TypeError> {
    let r = x.rank();
    require(op, r >= 2, || format!("{r}-dimensional array given. Array must be at least two-dimensional"))?;
    Ok((&x.shape[..r - 2], x.shape[r - 2].clone(), x.shape[r - 1].clone()))
}

fn square(op: Op, x: &TensorType) -> Result<(&[Dim], Dim), TypeError> {
    let (batch, m, n) = matrix(op, x)?;
    require(op, m == n, || "Last 2 dimensions of the array must be square".into())?;
    if !x.dtype.is_inexact() {
        return fail(op, Cause::DTypes(vec![x.dtype]));
    }
    Ok((batch, n))
}

fn with(batch: &[Dim], tail: &[Dim]) -> Vec<Dim> {
    batch.iter().chain(tail).cloned().collect()
}

pub(crate) fn matmul(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let dtype = one_dtype(op, inputs)?;
    let ((ba, m, k), (bb, k2, n)) = (matrix(op, inputs[0])?, matrix(op, inputs[1])?);
    require(op, k == k2, || {
        format!("input operand 1 has a mismatch in its core dimension 0 (size {k2} is different from {k})")
    })?;
    let batch = broadcast_shapes(&[ba, bb])
        .ok_or_else(|| TypeError::new(op, Cause::Broadcast(inputs.iter().map(|t| (*t).clone()).collect())))?;
    Ok(vec![TensorType::new(dtype, with(&batch, &[m, n]))])
}

pub(crate) fn square_same(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    square(op, inputs[0])?;
    Ok(vec![inputs[0].clone()])
}

pub(crate) fn solve(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let dtype = one_dtype(op, inputs)?;
    let (ba, n) = square(op, inputs[0])?;
    let (bb, n2, k) = matrix(op, inputs[1])?;
    require(op, n == n2, || format!("right-hand side has {n2} rows for a matrix of size {n}"))?;
    let batch = broadcast_shapes(&[ba, bb])
        .ok_or_else(|| TypeError::new(op, Cause::Broadcast(inputs.iter().map(|t| (*t).clone()).collect())))?;
    Ok(vec![TensorType::new(dtype, with(&batch, &[n, k]))])
}

fn inexact(op: Op, x: &TensorType) -> Result<(&[Dim], Dim, Dim), TypeError> {
    if !x.dtype.is_inexact() {
        return fail(op, Cause::DTypes(vec![x.dtype]));
    }
    matrix(op, x)
}

pub(crate) fn lu(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let x = inputs[0];
    let (b, m, n) = inexact(op, x)?;
    let k = m.minimum(&n);
    Ok(vec![
        TensorType::new(x.dtype.real(), with(b, &[m.clone(), m.clone()])),
        TensorType::new(x.dtype, with(b, &[m, k.clone()])),
        TensorType::new(x.dtype, with(b, &[k, n])),
    ])
}

pub(crate) fn qr(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let x = inputs[0];
    let (b, m, n) = inexact(op, x)?;
    let k = if attrs.bool(Key::Full) { m.clone() } else { m.minimum(&n) };
    Ok(vec![TensorType::new(x.dtype, with(b, &[m, k.clone()])), TensorType::new(x.dtype, with(b, &[k, n]))])
}

pub(crate) fn svd(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let x = inputs[0];
    let (b, m, n) = inexact(op, x)?;
    let k = m.minimum(&n);
    let (cols, rows) = if attrs.bool(Key::Full) { (m.clone(), n.clone()) } else { (k.clone(), k.clone()) };
    Ok(vec![
        TensorType::new(x.dtype, with(b, &[m, cols])),
        TensorType::new(x.dtype.real(), with(b, &[k])),
        TensorType::new(x.dtype, with(b, &[rows, n])),
    ])
}

pub(crate) fn svdvals(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, m, n) = inexact(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype.real(), with(b, &[m.minimum(&n)]))])
}

pub(crate) fn eigh(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, n) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype.real(), with(b, &[n])), inputs[0].clone()])
}

pub(crate) fn eigvalsh(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, n) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype.real(), with(b, &[n]))])
}

pub(crate) fn eig(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, n) = square(op, inputs[0])?;
    let t = inputs[0].dtype.to_complex();
    Ok(vec![TensorType::new(t, with(b, &[n])), TensorType::new(t, inputs[0].shape.clone())])
}

pub(crate) fn eigvals(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, n) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype.to_complex(), with(b, &[n]))])
}

pub(crate) fn det(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, _) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype, b)])
}

pub(crate) fn slogdet(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (b, _) = square(op, inputs[0])?;
    Ok(vec![TensorType::new(inputs[0].dtype, b), TensorType::new(inputs[0].dtype.real(), b)])
}

pub(crate) fn lstsq(op: Op, _: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let dtype = one_dtype(op, inputs)?;
    let ((ba, m, n), (bb, m2, k)) = (inexact(op, inputs[0])?, inexact(op, inputs[1])?);
    require(op, ba.is_empty() && bb.is_empty(), || "takes two 2-d arrays".into())?;
    require(op, m == m2, || "Incompatible dimensions".into())?;
    Ok(vec![
        TensorType::new(dtype, [n.clone(), k.clone()]),
        TensorType::new(dtype.real(), [k]),
        TensorType::scalar(DType::I64),
        TensorType::new(dtype.real(), [m.minimum(&n)]),
    ])
}

fn transform(op: Op, attrs: &Attrs, x: &TensorType, want: Kind, out: DType, size: Dim) -> Inferred {
    let axis = axis_of(op, attrs, Key::Axis, x.rank())?;
    if x.dtype.kind() != want {
        return fail(op, Cause::DTypes(vec![x.dtype]));
    }
    let n = attrs.dim(Key::N);
    if n.as_const().is_some_and(|n| n < 1) {
        return fail(op, Cause::Value(format!("invalid number of data points ({n}) specified")));
    }
    let mut shape = x.shape.clone();
    shape[axis] = size;
    Ok(vec![TensorType::new(out, shape)])
}

pub(crate) fn fft(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    transform(op, attrs, inputs[0], Kind::Complex, inputs[0].dtype, attrs.dim(Key::N).clone())
}

pub(crate) fn rfft(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let half = attrs.dim(Key::N).floor_div(&Dim::constant(2)) + 1;
    transform(op, attrs, inputs[0], Kind::Float, inputs[0].dtype.to_complex(), half)
}

pub(crate) fn irfft(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    transform(op, attrs, inputs[0], Kind::Complex, inputs[0].dtype.real(), attrs.dim(Key::N).clone())
}

pub(crate) fn argsort(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    sort(op, attrs, inputs)?;
    Ok(vec![TensorType::new(DType::I64, inputs[0].shape.clone())])
}

pub(crate) fn searchsorted(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    one_dtype(op, inputs)?;
    require(op, inputs[0].rank() == 1, || "object too deep for desired array".into())?;
    if !matches!(attrs.str(Key::Mode), "left" | "right") {
        return fail(op, Cause::Attribute("mode must be `left` or `right`".into()));
    }
    Ok(vec![TensorType::new(DType::I64, inputs[1].shape.clone())])
}

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
