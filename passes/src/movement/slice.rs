//! `slice(op(x)) -> op(slice(x))` for every op for which that is possible. Always exact: the elements that are
//! left are computed from the same operands by the same operation.

use super::groups;
use super::slice_join::{slice_of_concatenate, slice_of_pad};
use crate::make::Make;
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
    match op.class() {
        Class::Elementwise => {
            let mut operands = Vec::with_capacity(inputs.len());
            for x in inputs {
                operands.push(slice_operand(m, *x, shape, slices)?);
            }
            let out = m.node(op, attrs.clone(), &operands)?;
            // An empty slice of an axis that only broadcasts: the operands no longer give the shape.
            let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
            return if m.shape(out) == sizes { Some(out) } else { m.broadcast_to(out, &sizes) };
        }
        Class::Reduce => return slice_of_reduce(m, op, attrs, inputs[0], slices),
        Class::Cumulative => {
            let axis = attrs.int(Key::Axis) as usize;
            let prefix = slices[axis].step == 1 && slices[axis].start.is(0);
            let x = prefix.then(|| m.slice(inputs[0], slices))??;
            return m.node(op, attrs.clone(), &[x]);
        }
        _ => {}
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
        Op::Concatenate => slice_of_concatenate(m, attrs, inputs, slices),
        Op::Pad => slice_of_pad(m, attrs, inputs, slices),
        Op::Gather => slice_of_gather(m, attrs, inputs, slices),
        Op::Matmul => slice_of_matmul(m, inputs, shape, slices),
        Op::Sort => {
            let axis = attrs.int(Key::Axis) as usize;
            let whole = slices.get(axis)?.is_full(&shape[axis]);
            let x = whole.then(|| m.slice(inputs[0], slices))??;
            m.node(op, attrs.clone(), &[x])
        }
        Op::Iota => {
            let axis = attrs.int(Key::Axis) as usize;
            let prefix = slices[axis].step == 1 && slices[axis].start.is(0);
            let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
            prefix.then(|| m.node(op, attrs.clone().with(Key::Shape, Attr::Dims(sizes)), &[]))?
        }
        _ => None,
    }
}

/// Axes that are not reduced are sliced before the reduction.
fn slice_of_reduce<M: Make>(m: &mut M, op: Op, attrs: &Attrs, x: M::V, slices: &[Slice]) -> Option<M::V> {
    let (axes, keep) = (attrs.ints(Key::Axes), attrs.bool(Key::Keepdims));
    let mut rest = slices.iter();
    let mut own = Vec::new();
    for (k, d) in m.shape(x).iter().enumerate() {
        if !axes.contains(&(k as i64)) {
            own.push(rest.next()?.clone());
            continue;
        }
        if keep && !rest.next()?.size.is(1) {
            return None;
        }
        own.push(Slice::full(d));
    }
    let x = m.slice(x, &own)?;
    m.node(op, attrs.clone(), &[x])
}

/// Axes that the reshape leaves alone are sliced before it.
fn slice_of_reshape<M: Make>(m: &mut M, x: M::V, shape: &[Dim], slices: &[Slice]) -> Option<M::V> {
    let from = m.shape(x);
    let mut own: Vec<Slice> = from.iter().map(Slice::full).collect();
    for (i, j) in groups(&from, shape)? {
        let whole = j.clone().all(|k| slices[k].is_full(&shape[k]));
        if whole {
            continue;
        }
        // One axis on each side, units aside.
        let real = |r: std::ops::Range<usize>, s: &[Dim]| -> Option<usize> {
            let mut it = r.filter(|k| !s[*k].is(1));
            let first = it.next();
            if it.next().is_some() { None } else { first }
        };
        let (a, b) = (real(i, &from)?, real(j.clone(), shape)?);
        if j.clone().any(|k| k != b && !slices[k].size.is(1)) {
            return None;
        }
        own[a] = slices[b].clone();
    }
    let x = m.slice(x, &own)?;
    let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
    m.reshape(x, &sizes)
}

/// Index axes slice the index arrays, the others the source.
fn slice_of_gather<M: Make>(m: &mut M, attrs: &Attrs, inputs: &[M::V], slices: &[Slice]) -> Option<M::V> {
    let axes = attrs.ints(Key::Axes);
    let source = m.shape(inputs[0]);
    let index_rank = slices.len() - (source.len() - axes.len());
    let (front, back) = slices.split_at(index_rank);
    let mut rest = back.iter();
    let own: Option<Vec<Slice>> = source
        .iter()
        .enumerate()
        .map(|(k, d)| if axes.contains(&(k as i64)) { Some(Slice::full(d)) } else { rest.next().cloned() })
        .collect();
    let mut operands = vec![m.slice(inputs[0], &own?)?];
    let shapes: Vec<Vec<Dim>> = inputs[1..].iter().map(|v| m.shape(*v)).collect();
    let views: Vec<&[Dim]> = shapes.iter().map(Vec::as_slice).collect();
    let index_shape = frit_ir::infer::broadcast_shapes(&views)?;
    for index in &inputs[1..] {
        operands.push(slice_operand(m, *index, &index_shape, front)?);
    }
    let out = m.node(Op::Gather, attrs.clone(), &operands)?;
    let right = m.shape(out).iter().zip(slices).all(|(d, s)| *d == s.size);
    right.then_some(out)
}

/// Rows of the first operand, columns of the second, batch axes of both.
fn slice_of_matmul<M: Make>(m: &mut M, inputs: &[M::V], shape: &[Dim], slices: &[Slice]) -> Option<M::V> {
    let rank = slices.len();
    let mut operand = |x: M::V, keep_rows: bool| -> Option<M::V> {
        let own = m.shape(x);
        let inner = if keep_rows { own.len() - 1 } else { own.len() - 2 };
        let skip = rank - own.len();
        let sliced: Vec<Slice> = own
            .iter()
            .enumerate()
            .map(|(k, d)| {
                let batch = k + 2 < own.len();
                if k == inner || (batch && d.is(1) && !shape[k + skip].is(1)) {
                    Slice::full(d)
                } else {
                    slices[k + skip].clone()
                }
            })
            .collect();
        m.slice(x, &sliced)
    };
    let (a, b) = (operand(inputs[0], true)?, operand(inputs[1], false)?);
    let out = m.node(Op::Matmul, Attrs::NONE, &[a, b])?;
    let right = m.shape(out).iter().zip(slices).all(|(d, s)| *d == s.size);
    right.then_some(out)
}
