//! The same elements in another shape or order, and arrays joined or split.

use super::{Built, axis_of, constant_size, invalid};
use frit_ir::build::Builder;
use frit_ir::dim::product;
use frit_ir::error::{Cause, TypeError};
use frit_ir::{Attr, Attrs, Dim, Key, Op, Slice, Value};

/// Another shape with as many elements, C order; one size may be -1.
pub fn reshape(b: &mut Builder, x: Value, shape: &[Dim]) -> Built {
    let shape = full_shape(b, b.shape(x), shape)?;
    b.reshape(x, &shape)
}

/// Fills in one `-1` of a new shape.
fn full_shape(b: &Builder, from: &[Dim], shape: &[Dim]) -> Result<Vec<Dim>, TypeError> {
    let open: Vec<usize> = (0..shape.len()).filter(|k| shape[*k].is(-1)).collect();
    let mut out = shape.to_vec();
    match open[..] {
        [] => {}
        [k] => {
            let rest = product(shape.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, d)| d));
            out[k] = product(from).floor_div(&rest);
        }
        _ => return invalid(b, Op::Reshape, "can only specify one unknown dimension"),
    }
    if product(&out) != product(from) {
        let show: Vec<String> = shape.iter().map(Dim::to_string).collect();
        let comma = if show.len() == 1 { "," } else { "" };
        let why =
            format!("cannot reshape array of size {} into shape ({}{comma})", product(from), show.join(","));
        return Err(b.error(Op::Reshape, Cause::Shape(why)));
    }
    Ok(out)
}

/// [`reshape`] in Fortran order: the first axis varies fastest.
pub fn reshape_f(b: &mut Builder, x: Value, shape: &[Dim]) -> Built {
    let mut shape = full_shape(b, b.shape(x), shape)?;
    shape.reverse();
    let x = transpose(b, x, None)?;
    let x = b.reshape(x, &shape)?;
    transpose(b, x, None)
}

/// One axis.
pub fn ravel(b: &mut Builder, x: Value) -> Built {
    let n = product(b.shape(x));
    b.reshape(x, &[n])
}

/// Axes in another order; reversed by default.
pub fn transpose(b: &mut Builder, x: Value, axes: Option<&[i64]>) -> Built {
    let rank = b.ty(x).rank();
    let perm = match axes {
        None => (0..rank as i64).rev().collect(),
        Some(axes) => {
            if axes.len() != rank {
                return Err(b.error(Op::Transpose, Cause::Shape("axes don't match array".into())));
            }
            let mut perm = Vec::with_capacity(rank);
            for a in axes {
                perm.push(b.axis(Op::Transpose, rank, *a)?);
            }
            perm
        }
    };
    b.transpose(x, &perm)
}

/// Axes moved to other places.
pub fn moveaxis(b: &mut Builder, x: Value, from: &[i64], to: &[i64]) -> Built {
    let rank = b.ty(x).rank();
    if from.len() != to.len() {
        let why = "`source` and `destination` arguments must have the same number of elements";
        return invalid(b, Op::Transpose, why);
    }
    let place = |axes: &[i64]| -> Result<Vec<i64>, TypeError> {
        b.axes(Op::Transpose, rank, Some(axes))?;
        axes.iter().map(|a| b.axis(Op::Transpose, rank, *a)).collect()
    };
    let (from, to) = (place(from)?, place(to)?);
    let mut perm: Vec<i64> = (0..rank as i64).filter(|k| !from.contains(k)).collect();
    let mut pairs: Vec<(i64, i64)> = to.into_iter().zip(from).collect();
    pairs.sort_unstable();
    for (to, from) in pairs {
        perm.insert(to as usize, from);
    }
    b.transpose(x, &perm)
}

/// Two axes exchanged.
pub fn swapaxes(b: &mut Builder, x: Value, a: i64, c: i64) -> Built {
    let (a, c) = (axis_of(b, Op::Transpose, x, a)?, axis_of(b, Op::Transpose, x, c)?);
    let mut perm: Vec<i64> = (0..b.ty(x).rank() as i64).collect();
    perm.swap(a, c);
    b.transpose(x, &perm)
}

/// The last two axes exchanged.
pub fn matrix_transpose(b: &mut Builder, x: Value) -> Built {
    if b.ty(x).rank() < 2 {
        let why = "matrix transpose with ndim < 2 is undefined";
        return Err(b.error(Op::Transpose, Cause::Shape(why.into())));
    }
    b.matrix_transpose(x)
}

/// An axis moved before axis `start` of the original order.
pub fn rollaxis(b: &mut Builder, x: Value, axis: i64, start: i64) -> Built {
    let rank = b.ty(x).rank();
    let axis = axis_of(b, Op::Transpose, x, axis)? as i64;
    // `start` may be one past the last axis.
    let place = if start < 0 { start + rank as i64 } else { start };
    if place < 0 || place > rank as i64 {
        return Err(b.error(Op::Transpose, Cause::Axis { axis: start, rank: rank + 1 }));
    }
    let to = if place > axis { place - 1 } else { place };
    moveaxis(b, x, &[axis], &[to])
}

/// Broadcasts to a shape.
pub fn broadcast_to(b: &mut Builder, x: Value, shape: &[Dim]) -> Built {
    b.broadcast_to(x, shape)
}

/// Without axes of size 1: the named ones, or all of them.
pub fn squeeze(b: &mut Builder, x: Value, axes: Option<&[i64]>) -> Built {
    let rank = b.ty(x).rank();
    let axes = match axes {
        Some(_) => b.axes(Op::Squeeze, rank, axes)?,
        None => (0..rank).filter(|k| b.shape(x)[*k].is(1)).map(|k| k as i64).collect(),
    };
    b.squeeze(x, &axes)
}

/// New axes of size 1 at places of the result.
pub fn expand_dims(b: &mut Builder, x: Value, axes: &[i64]) -> Built {
    let axes = b.axes(Op::ExpandDims, b.ty(x).rank() + axes.len(), Some(axes))?;
    b.expand_dims(x, &axes)
}

/// At least this many axes, as `atleast_1d`, `atleast_2d` and `atleast_3d` add them.
pub fn atleast(b: &mut Builder, x: Value, rank: usize) -> Built {
    match (rank, b.ty(x).rank()) {
        (1, 0) => b.expand_dims(x, &[0]),
        (2, 0) => b.expand_dims(x, &[0, 1]),
        (2, 1) => b.expand_dims(x, &[0]),
        (3, 0) => b.expand_dims(x, &[0, 1, 2]),
        (3, 1) => b.expand_dims(x, &[0, 2]),
        (3, 2) => b.expand_dims(x, &[2]),
        _ => Ok(x),
    }
}

/// Reversed along axes, all of them by default.
pub fn flip(b: &mut Builder, x: Value, axes: Option<&[i64]>) -> Built {
    let axes = b.axes(Op::Slice, b.ty(x).rank(), axes)?;
    let mut slices: Vec<Slice> = b.shape(x).iter().map(Slice::full).collect();
    for a in axes {
        let s = &mut slices[a as usize];
        if !s.size.is(0) {
            *s = Slice { start: &s.size - 1, size: s.size.clone(), step: -1 };
        }
    }
    b.slice(x, &slices)
}

/// Turned by `k` quarter turns in the plane of two axes, from the first toward the second.
pub fn rot90(b: &mut Builder, x: Value, k: i64, axes: [i64; 2]) -> Built {
    let (p, q) = (axis_of(b, Op::Transpose, x, axes[0])?, axis_of(b, Op::Transpose, x, axes[1])?);
    if p == q {
        return invalid(b, Op::Transpose, "Axes must be different.");
    }
    let (p, q) = (p as i64, q as i64);
    match k.rem_euclid(4) {
        0 => Ok(x),
        1 => {
            let f = flip(b, x, Some(&[q]))?;
            swapaxes(b, f, p, q)
        }
        2 => flip(b, x, Some(&[p, q])),
        _ => {
            let t = swapaxes(b, x, p, q)?;
            flip(b, t, Some(&[q]))
        }
    }
}

/// Elements moved along axes, those beyond the end to the start; without axes, in the flattened array.
pub fn roll(b: &mut Builder, x: Value, shifts: &[Dim], axes: Option<&[i64]>) -> Built {
    let Some(axes) = axes else {
        let shape = b.shape(x).to_vec();
        let flat = ravel(b, x)?;
        let total = shifts.iter().fold(Dim::constant(0), |a, s| a + s);
        let rolled = roll(b, flat, &[total], Some(&[0]))?;
        return b.reshape(rolled, &shape);
    };
    let rank = b.ty(x).rank();
    let n = shifts.len().max(axes.len());
    if (shifts.len() != 1 && shifts.len() != n) || (axes.len() != 1 && axes.len() != n) {
        return invalid(b, Op::Roll, "'shift' and 'axis' should be scalars or 1D sequences of one length");
    }
    // An axis named twice rolls by the sum.
    let mut total: Vec<(i64, Dim)> = Vec::new();
    for k in 0..n {
        let axis = b.axis(Op::Roll, rank, axes[k.min(axes.len() - 1)])?;
        let shift = &shifts[k.min(shifts.len() - 1)];
        match total.iter_mut().find(|(a, _)| *a == axis) {
            Some((_, s)) => *s = &*s + shift,
            None => total.push((axis, shift.clone())),
        }
    }
    total.sort_by_key(|(a, _)| *a);
    let (axes, shifts) = total.into_iter().unzip();
    b.node(Op::Roll, Attrs::new([(Key::Axes, Attr::Ints(axes)), (Key::Shift, Attr::Dims(shifts))]), &[x])
}

/// Joins along an axis, or flattened without one.
pub fn concatenate(b: &mut Builder, xs: &[Value], axis: Option<i64>) -> Built {
    if let Some(axis) = axis {
        return b.concatenate(xs, axis);
    }
    let mut flat = Vec::with_capacity(xs.len());
    for x in xs {
        flat.push(ravel(b, *x)?);
    }
    b.concatenate(&flat, 0)
}

/// Joins arrays of one shape along a new axis.
pub fn stack(b: &mut Builder, xs: &[Value], axis: i64) -> Built {
    let Some(first) = xs.first() else {
        return invalid(b, Op::Stack, "need at least one array to stack");
    };
    let axis = b.axis(Op::Stack, b.ty(*first).rank() + 1, axis)?;
    let xs = b.common(xs)?;
    b.node(Op::Stack, Attrs::new([(Key::Axis, Attr::Int(axis))]), &xs)
}

fn joined(b: &mut Builder, xs: &[Value], rank: usize, axis: i64) -> Built {
    let mut all = Vec::with_capacity(xs.len());
    for x in xs {
        all.push(atleast(b, *x, rank)?);
    }
    b.concatenate(&all, axis)
}

/// Rows on top of each other.
pub fn vstack(b: &mut Builder, xs: &[Value]) -> Built {
    joined(b, xs, 2, 0)
}

/// Side by side: along the second axis, or the first of vectors.
pub fn hstack(b: &mut Builder, xs: &[Value]) -> Built {
    let vectors = xs.first().is_some_and(|x| b.ty(*x).rank() <= 1);
    joined(b, xs, 1, if vectors { 0 } else { 1 })
}

/// Along the third axis.
pub fn dstack(b: &mut Builder, xs: &[Value]) -> Built {
    joined(b, xs, 3, 2)
}

/// Vectors as columns of a matrix.
pub fn column_stack(b: &mut Builder, xs: &[Value]) -> Built {
    let mut all = Vec::with_capacity(xs.len());
    for x in xs {
        let x = atleast(b, *x, 1)?;
        all.push(if b.ty(x).rank() == 1 { b.expand_dims(x, &[1])? } else { x });
    }
    b.concatenate(&all, 1)
}

/// Pieces between positions along an axis; positions are clipped as slice bounds are.
pub fn split_at(b: &mut Builder, x: Value, at: &[Dim], axis: i64) -> Result<Vec<Value>, TypeError> {
    let axis = axis_of(b, Op::Slice, x, axis)?;
    let n = b.shape(x)[axis].clone();
    let zero = Dim::constant(0);
    let mut pieces = Vec::with_capacity(at.len() + 1);
    let mut start = zero.clone();
    for end in at.iter().chain([&n]) {
        let end = if end.as_const().is_some_and(|v| v < 0) { end + &n } else { end.clone() };
        let end = end.minimum(&n).maximum(&zero);
        let size = (&end - &start).maximum(&zero);
        let from = if size.is(0) { zero.clone() } else { start };
        pieces.push(b.slice_axis(x, axis, Slice { start: from, size, step: 1 })?);
        start = end;
    }
    Ok(pieces)
}

/// `sections` pieces along an axis; equal ones, unless `uneven` (`array_split`): then the first may be longer by 1.
pub fn split(
    b: &mut Builder,
    x: Value,
    sections: i64,
    axis: i64,
    uneven: bool,
) -> Result<Vec<Value>, TypeError> {
    let k = axis_of(b, Op::Slice, x, axis)?;
    if sections <= 0 {
        return invalid(b, Op::Slice, "number sections must be larger than 0.");
    }
    let n = b.shape(x)[k].clone();
    let extra = n.modulo(&Dim::constant(sections));
    if !uneven && !extra.is(0) {
        return invalid(b, Op::Slice, "array split does not result in an equal division");
    }
    let each = n.floor_div(&Dim::constant(sections));
    let at: Vec<Dim> = (1..sections).map(|j| &each * j + extra.minimum(&Dim::constant(j))).collect();
    split_at(b, x, &at, axis)
}

/// [`split`] along the second axis, or the only one.
pub fn hsplit(b: &mut Builder, x: Value, sections: i64) -> Result<Vec<Value>, TypeError> {
    match b.ty(x).rank() {
        0 => invalid(b, Op::Slice, "hsplit only works on arrays of 1 or more dimensions"),
        1 => split(b, x, sections, 0, false),
        _ => split(b, x, sections, 1, false),
    }
}

/// [`split`] along the first of at least two axes.
pub fn vsplit(b: &mut Builder, x: Value, sections: i64) -> Result<Vec<Value>, TypeError> {
    if b.ty(x).rank() < 2 {
        return invalid(b, Op::Slice, "vsplit only works on arrays of 2 or more dimensions");
    }
    split(b, x, sections, 0, false)
}

/// [`split`] along the third axis.
pub fn dsplit(b: &mut Builder, x: Value, sections: i64) -> Result<Vec<Value>, TypeError> {
    if b.ty(x).rank() < 3 {
        return invalid(b, Op::Slice, "dsplit only works on arrays of 3 or more dimensions");
    }
    split(b, x, sections, 2, false)
}

/// The elements along an axis, each an array without it.
pub fn unstack(b: &mut Builder, x: Value, axis: i64) -> Result<Vec<Value>, TypeError> {
    let axis = axis_of(b, Op::Slice, x, axis)?;
    let n = constant_size(b, Op::Slice, &b.shape(x)[axis], "the unstacked axis")?;
    let mut out = Vec::with_capacity(n as usize);
    for k in 0..n {
        let s = b.slice_axis(x, axis, Slice { start: k.into(), size: 1.into(), step: 1 })?;
        out.push(b.squeeze(s, &[axis as i64])?);
    }
    Ok(out)
}

/// The whole array repeated: `reps` times along each axis, missing axes in front.
pub fn tile(b: &mut Builder, x: Value, reps: &[Dim]) -> Built {
    let rank = b.ty(x).rank().max(reps.len());
    let lead = rank - b.ty(x).rank();
    let x = b.expand_dims(x, &(0..lead as i64).collect::<Vec<_>>())?;
    let mut all = vec![Dim::constant(1); rank - reps.len()];
    all.extend_from_slice(reps);
    b.node(Op::Tile, Attrs::new([(Key::Shape, Attr::Dims(all))]), &[x])
}

/// Each element `n` times along an axis, or of the flattened array.
pub fn repeat(b: &mut Builder, x: Value, n: &Dim, axis: Option<i64>) -> Built {
    let (x, axis) = match axis {
        Some(a) => (x, axis_of(b, Op::Repeat, x, a)?),
        None => (ravel(b, x)?, 0),
    };
    let attrs = [(Key::Axis, Attr::Int(axis as i64)), (Key::N, Attr::Dim(n.clone()))];
    b.node(Op::Repeat, Attrs::new(attrs), &[x])
}

/// Element `k` along an axis `counts[k]` times.
pub fn repeat_each(b: &mut Builder, x: Value, counts: &[i64], axis: i64) -> Built {
    let axis = axis_of(b, Op::Repeat, x, axis)?;
    let n = &b.shape(x)[axis];
    if counts.iter().any(|c| *c < 0) || !n.is(counts.len() as i64) {
        let why = format!("operands could not be broadcast together with shape ({n},) ({},)", counts.len());
        return invalid(b, Op::Repeat, why);
    }
    let at: Vec<i64> =
        counts.iter().enumerate().flat_map(|(k, c)| std::iter::repeat_n(k as i64, *c as usize)).collect();
    let at = super::constant_indices(b, &at)?;
    b.take(x, at, axis as i64)
}

/// The diagonal of two axes, `offset` above the main one; it becomes the last axis.
pub fn diagonal(b: &mut Builder, x: Value, offset: i64, axis1: i64, axis2: i64) -> Built {
    let rank = b.ty(x).rank();
    if rank < 2 {
        return invalid(b, Op::Diagonal, "diag requires an array of at least two dimensions");
    }
    let attrs = [
        (Key::Axis, Attr::Int(b.axis(Op::Diagonal, rank, axis1)?)),
        (Key::Axis2, Attr::Int(b.axis(Op::Diagonal, rank, axis2)?)),
        (Key::Offset, Attr::Int(offset)),
    ];
    b.node(Op::Diagonal, Attrs::new(attrs), &[x])
}

/// The elements of a flat position list left out along an axis (constant positions).
pub fn delete(b: &mut Builder, x: Value, at: &[i64], axis: i64) -> Built {
    let axis = axis_of(b, Op::Gather, x, axis)?;
    let n = constant_size(b, Op::Gather, &b.shape(x)[axis], "the axis to delete from")?;
    let mut gone = Vec::with_capacity(at.len());
    for i in at {
        let k = if *i < 0 { i + n } else { *i };
        if k < 0 || k >= n {
            return invalid(
                b,
                Op::Gather,
                format!("index {i} is out of bounds for axis {axis} with size {n}"),
            );
        }
        gone.push(k);
    }
    let keep: Vec<i64> = (0..n).filter(|k| !gone.contains(k)).collect();
    let keep = super::constant_indices(b, &keep)?;
    b.take(x, keep, axis as i64)
}

/// `v` behind `x` along an axis, or both flattened.
pub fn append(b: &mut Builder, x: Value, v: Value, axis: Option<i64>) -> Built {
    concatenate(b, &[x, v], axis)
}

/// The flattened array, repeated or cut to fill a shape; zeros if it is empty.
pub fn resize(b: &mut Builder, x: Value, shape: &[Dim]) -> Built {
    if shape.iter().any(|d| d.as_const().is_some_and(|v| v < 0)) {
        return invalid(b, Op::Reshape, "all elements of `new_shape` must be non-negative");
    }
    let flat = ravel(b, x)?;
    let (have, want) = (b.shape(flat)[0].clone(), product(shape));
    if have.is(0) {
        return super::zeros(b, shape, b.dtype(x));
    }
    let long = tile(b, flat, &[want.ceil_div(&have)])?;
    let cut = b.slice_axis(long, 0, Slice { start: 0.into(), size: want, step: 1 })?;
    b.reshape(cut, shape)
}

/// Broadcasts several arrays to one shape.
pub fn broadcast_arrays(b: &mut Builder, xs: &[Value]) -> Result<Vec<Value>, TypeError> {
    b.broadcast_arrays(xs)
}
