//! Views and movement of elements.

use super::{
    Inferred, axes_of, axis_of, broadcast, broadcast_shapes, check_sizes, fail, one_dtype, require,
    shape_error,
};
use crate::attrs::{Attrs, Key};
use crate::dim::{Dim, product};
use crate::dtype::{DType, Kind};
use crate::error::{Cause, TypeError};
use crate::graph::TensorType;
use crate::ops::Op;

/// One shift per axis; axes may be in any order and repeat, as NumPy's may.
pub(crate) fn roll(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (axes, rank) = (attrs.ints(Key::Axes), inputs[0].rank());
    if let Some(axis) = axes.iter().find(|a| **a < 0 || **a as usize >= rank) {
        return fail(op, Cause::Axis { axis: *axis, rank });
    }
    require(op, axes.len() == attrs.dims(Key::Shift).len(), || "takes one shift per axis".into())?;
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

/// Blocks are at least one element and at most the whole axis; those of an empty axis have size 1.
pub(crate) fn rechunk(op: Op, attrs: &Attrs, inputs: &[&TensorType]) -> Inferred {
    let (chunks, shape) = (attrs.dims(Key::Chunks), &inputs[0].shape);
    require(op, chunks.len() == shape.len(), || {
        format!("{} block sizes for {} axes", chunks.len(), shape.len())
    })?;
    for (c, d) in chunks.iter().zip(shape) {
        let fits = match (c.as_const(), d.as_const()) {
            (Some(c), Some(d)) => c >= 1 && c <= d.max(1),
            (Some(c), None) => c >= 1,
            (None, _) => true,
        };
        require(op, fits, || format!("blocks of {c} elements on an axis of {d}"))?;
    }
    Ok(vec![inputs[0].clone()])
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

fn two_axes(op: Op, attrs: &Attrs, x: &TensorType) -> Result<(usize, usize), TypeError> {
    let a = axis_of(op, attrs, Key::Axis, x.rank())?;
    let b = axis_of(op, attrs, Key::Axis2, x.rank())?;
    require(op, a != b, || "axis1 and axis2 cannot be the same".into())?;
    Ok((a, b))
}

/// Length of a diagonal of an `rows` x `cols` matrix, `offset` above the main one.
pub(crate) fn diagonal_size(rows: &Dim, cols: &Dim, offset: i64) -> Dim {
    if offset == 0 {
        return rows.minimum(cols);
    }
    let (r, c) = if offset >= 0 { (rows.clone(), cols - offset) } else { (rows + offset, cols.clone()) };
    r.minimum(&c).maximum(&Dim::constant(0))
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
pub(crate) const SCATTER_MODES: [&str; 5] = ["set", "add", "multiply", "minimum", "maximum"];

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
