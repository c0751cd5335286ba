//! `slice(op(x)) -> op(slice(x))` for every op for which that is possible. Always exact: the elements that are
//! left are computed from the same operands by the same operation.

use super::axes::slice_along;
use super::groups;
use super::slice_join::{slice_of_concatenate, slice_of_pad};
use crate::make::Make;
use frit_ir::dim::product;
use frit_ir::ops::{Class, Op};
use frit_ir::{Attr, Attrs, Dim, Key, Slice};

/// The slice that equals `inner` followed by `outer`.
pub(crate) fn compose(inner: &Slice, outer: &Slice) -> Slice {
    Slice {
        start: &inner.start + &(&outer.start * inner.step),
        size: outer.size.clone(),
        step: inner.step * outer.step,
    }
}

/// The slice of an operand that broadcasts to the sliced shape: broadcast axes stay whole.
pub(crate) fn slice_operand<M: Make>(
    m: &mut M,
    x: M::V,
    full_shape: &[Dim],
    slices: &[Slice],
) -> Option<M::V> {
    let shape = m.shape(x);
    let skip = full_shape.len() - shape.len();
    let own: Vec<Slice> = shape
        .iter()
        .enumerate()
        .map(|(k, d)| {
            let broadcast = d.is(1) && !full_shape[k + skip].is(1);
            // An axis of size 1 sliced to nothing becomes empty; otherwise it is kept.
            if broadcast || (d.is(1) && slices[k + skip].size.is(1)) {
                Slice::full(d)
            } else {
                slices[k + skip].clone()
            }
        })
        .collect();
    m.slice(x, &own)
}

/// `slice(op(inputs))` with the slice moved onto the operands, or `None` where it cannot move.
/// `shape` is the shape of the unsliced result.
pub(crate) fn slice_of<M: Make>(
    m: &mut M,
    (op, attrs, inputs): (Op, &Attrs, &[M::V]),
    shape: &[Dim],
    slices: &[Slice],
) -> Option<M::V> {
    if op.class() == Class::Elementwise {
        let mut operands = Vec::with_capacity(inputs.len());
        for x in inputs {
            operands.push(slice_operand(m, *x, shape, slices)?);
        }
        let out = m.node(op, attrs.clone(), &operands)?;
        // An empty slice of an axis that only broadcasts: the operands no longer give the shape.
        let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
        return if m.shape(out) == sizes { Some(out) } else { m.broadcast_to(out, &sizes) };
    }
    match op {
        Op::Slice => {
            let both: Vec<Slice> = attrs.slices().iter().zip(slices).map(|(a, b)| compose(a, b)).collect();
            m.slice(inputs[0], &both)
        }
        Op::Transpose => {
            let perm = attrs.ints(Key::Perm);
            let mut own = slices.to_vec();
            for (k, p) in perm.iter().enumerate() {
                own[*p as usize] = slices[k].clone();
            }
            let x = m.slice(inputs[0], &own)?;
            m.transpose(x, perm)
        }
        Op::ExpandDims => {
            let axes = attrs.ints(Key::Axes);
            if axes.iter().any(|a| !slices[*a as usize].size.is(1)) {
                return None;
            }
            let kept = slices.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
            let own: Vec<Slice> = kept.map(|(_, s)| s.clone()).collect();
            let x = m.slice(inputs[0], &own)?;
            m.expand_dims(x, axes)
        }
        Op::Squeeze => {
            let axes = attrs.ints(Key::Axes);
            let mut rest = slices.iter();
            let rank = m.shape(inputs[0]).len() as i64;
            let one = Dim::constant(1);
            let own: Option<Vec<Slice>> = (0..rank)
                .map(|k| if axes.contains(&k) { Some(Slice::full(&one)) } else { rest.next().cloned() })
                .collect();
            let x = m.slice(inputs[0], &own?)?;
            m.squeeze(x, axes)
        }
        Op::BroadcastTo => {
            let x = slice_operand(m, inputs[0], shape, slices)?;
            let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
            m.broadcast_to(x, &sizes)
        }
        Op::Reshape => slice_of_reshape(m, inputs[0], shape, slices),
        Op::Diagonal if !slices.last()?.is_full(shape.last()?) => {
            slice_of_diagonal(m, attrs, inputs[0], slices)
        }
        Op::Concatenate => slice_of_concatenate(m, attrs, inputs, slices),
        Op::Pad => slice_of_pad(m, attrs, inputs, slices),
        _ => slice_along(m, (op, attrs, inputs), shape, slices),
    }
}

/// Axes that the reshape leaves alone are sliced before it; of axes that it merges or splits, blocks of adjacent
/// elements.
fn slice_of_reshape<M: Make>(m: &mut M, x: M::V, shape: &[Dim], slices: &[Slice]) -> Option<M::V> {
    let from = m.shape(x);
    let mut own: Vec<Slice> = from.iter().map(Slice::full).collect();
    for (i, j) in groups(&from, shape)? {
        let whole = j.clone().all(|k| slices[k].is_full(&shape[k]));
        if whole {
            continue;
        }
        // Axes of size 1 aside, which hold one element each.
        let real =
            |r: std::ops::Range<usize>, s: &[Dim]| -> Vec<usize> { r.filter(|k| !s[*k].is(1)).collect() };
        let (a, b) = (real(i, &from), real(j.clone(), shape));
        if j.clone().any(|k| !b.contains(&k) && !slices[k].size.is(1)) {
            return None;
        }
        match (a.as_slice(), b.as_slice()) {
            ([a], [b]) => own[*a] = slices[*b].clone(),
            ([a], _) => {
                let wanted: Vec<&Slice> = b.iter().map(|k| &slices[*k]).collect();
                let sizes: Vec<&Dim> = b.iter().map(|k| &shape[*k]).collect();
                own[*a] = merged(&wanted, &sizes)?;
            }
            (_, [b]) => {
                let sizes: Option<Vec<i64>> = a.iter().map(|k| from[*k].as_const()).collect();
                for (k, s) in a.iter().zip(split(&slices[*b], &sizes?)?) {
                    own[*k] = s;
                }
            }
            _ => return None,
        }
    }
    let x = m.slice(x, &own)?;
    let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
    m.reshape(x, &sizes)
}

/// Rows and columns from the diagonal's positions on.
fn slice_of_diagonal<M: Make>(m: &mut M, attrs: &Attrs, x: M::V, slices: &[Slice]) -> Option<M::V> {
    let (rows, columns) = (attrs.int(Key::Axis) as usize, attrs.int(Key::Axis2) as usize);
    let offset = attrs.int(Key::Offset);
    let (along, rest) = slices.split_last()?;
    let mut rest = rest.iter();
    let from = |first: i64| Slice { start: &along.start + first, ..along.clone() };
    let own: Option<Vec<Slice>> = (0..m.shape(x).len())
        .map(|k| match k {
            _ if k == rows => Some(from((-offset).max(0))),
            _ if k == columns => Some(from(offset.max(0))),
            _ => rest.next().cloned(),
        })
        .collect();
    let x = m.slice(x, &own?)?;
    m.node(Op::Diagonal, attrs.clone().with(Key::Offset, Attr::Int(0)), &[x])
}

/// Slices of several axes as one slice of the axis that they are a part of: single positions, then one range, then
/// whole axes, then single positions again: `x.reshape(5, 8)[:, 3]` is `x[3::8]`.
fn merged(slices: &[&Slice], sizes: &[&Dim]) -> Option<Slice> {
    let mut start = Dim::constant(0);
    let mut size = Dim::constant(1);
    let mut inner = product(sizes.iter().copied());
    // Of what is not a single position: the step from one element to the next, and whether single positions follow.
    let mut step: Option<Dim> = None;
    let mut ended = false;
    for (s, n) in slices.iter().zip(sizes) {
        inner = inner.floor_div(n);
        start = start + &(&s.start * &inner);
        size = size * &s.size;
        if s.size.is(1) {
            ended |= step.is_some();
            continue;
        }
        step = match step {
            None => Some(&inner * s.step),
            // Each position of the axes before is followed by all of this one.
            Some(before) if !ended && s.is_full(n) && before == &inner * *n => Some(inner.clone()),
            Some(_) => return None,
        };
    }
    let step = step.map_or(Some(1), |s| s.as_const())?;
    Some(Slice { start, size, step })
}

/// One slice of merged axes as slices of each: a block of whole rows, or a part of one row.
fn split(s: &Slice, sizes: &[i64]) -> Option<Vec<Slice>> {
    let (first, rest) = sizes.split_first()?;
    if rest.is_empty() {
        return Some(vec![s.clone()]);
    }
    let (start, size) = (s.start.as_const()?, s.size.as_const()?);
    let inner: i64 = rest.iter().product();
    let range = |start: i64, size: i64| Slice { start: start.into(), size: size.into(), step: 1 };
    if s.step != 1 && size != 1 || size == 0 || inner == 0 {
        return None;
    }
    let (row, column) = (start / inner, start % inner);
    if column == 0 && size % inner == 0 {
        let whole = rest.iter().map(|n| Slice::full(&Dim::constant(*n)));
        return Some(std::iter::once(range(row, size / inner)).chain(whole).collect());
    }
    if column + size > inner || row >= *first {
        return None;
    }
    let part = split(&range(column, size), rest)?;
    Some(std::iter::once(range(row, 1)).chain(part).collect())
}
