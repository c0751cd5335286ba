//! Axes along which an operation works on each position by itself: what moves along such an axis (a slice, integer
//! indexing, `take`, a flip, the loss of an axis of size 1) may as well move along the operands.
//!
//! One table for all operations, by class: rules and passes ask here instead of knowing operations.

use crate::make::Make;
use frit_ir::ops::{Class, Op};
use frit_ir::{Attr, Attrs, Dim, Key, Slice};

/// An operation with its attributes and operands.
pub(crate) type Site<'a, V> = (Op, &'a Attrs, &'a [V]);

/// The axis of each operand that runs along with an axis of the result; `None` inside for operands that are the same at
/// every position. `None` if the operation combines elements along the axis. `shape` is that of the result.
pub(crate) fn sources<M: Make>(
    m: &M,
    (op, attrs, inputs): Site<'_, M::V>,
    shape: &[Dim],
    axis: usize,
) -> Option<Vec<Option<usize>>> {
    let rank = |k: usize| m.shape(inputs[k]).len();
    // Aligned at the right end, as operands of elementwise operations.
    let aligned = |x: M::V, shape: &[Dim], axis: usize| -> Option<usize> {
        let own = m.shape(x);
        let k = (axis + own.len()).checked_sub(shape.len())?;
        (own[k] == shape[axis]).then_some(k)
    };
    match op.class() {
        Class::Elementwise => return Some(inputs.iter().map(|x| aligned(*x, shape, axis)).collect()),
        Class::Reduce => {
            let axes = attrs.ints(Key::Axes);
            let mut kept = (0..rank(0)).filter(|k| attrs.bool(Key::Keepdims) || !axes.contains(&(*k as i64)));
            let from = kept.nth(axis)?;
            return (!axes.contains(&(from as i64))).then(|| vec![Some(from)]);
        }
        Class::Cumulative => return (attrs.int(Key::Axis) != axis as i64).then(|| vec![Some(axis)]),
        Class::Library => return of_library(m, (op, attrs, inputs), shape, axis),
        _ => {}
    }
    match op {
        Op::Iota => (attrs.int(Key::Axis) != axis as i64).then(Vec::new),
        Op::Concatenate => (attrs.int(Key::Axis) != axis as i64).then(|| vec![Some(axis); inputs.len()]),
        Op::Pad => {
            let none = |key: Key| attrs.dims(key)[axis].is(0);
            (none(Key::PadLow) && none(Key::PadHigh)).then(|| vec![Some(axis), None])
        }
        Op::Gather => {
            let axes = attrs.ints(Key::Axes);
            let front = shape.len() - (rank(0) - axes.len());
            if axis < front {
                let index = |x: &M::V| aligned(*x, &shape[..front], axis);
                return Some(std::iter::once(None).chain(inputs[1..].iter().map(index)).collect());
            }
            let mut kept = (0..rank(0)).filter(|k| !axes.contains(&(*k as i64)));
            let from = kept.nth(axis - front)?;
            Some(std::iter::once(Some(from)).chain(inputs[1..].iter().map(|_| None)).collect())
        }
        Op::Scatter => {
            let axes = attrs.ints(Key::Axes);
            if axes.contains(&(axis as i64)) {
                return None;
            }
            // The updates have the index axes first, then the axes that are not indexed.
            let behind = (axis + 1..shape.len()).filter(|k| !axes.contains(&(*k as i64))).count();
            let updates = m.shape(inputs[1]);
            let from = (updates.len() - 1).checked_sub(behind).filter(|k| updates[*k] == shape[axis]);
            Some([Some(axis), from].into_iter().chain(inputs[2..].iter().map(|_| None)).collect())
        }
        Op::UpdateSlice => {
            let whole = attrs.slices()[axis].is_full(&shape[axis]);
            whole.then(|| vec![Some(axis), aligned(inputs[1], shape, axis)])
        }
        Op::Transpose => Some(vec![Some(attrs.ints(Key::Perm)[axis] as usize)]),
        Op::ExpandDims => {
            let axes = attrs.ints(Key::Axes);
            let before = axes.iter().filter(|a| **a < axis as i64).count();
            (!axes.contains(&(axis as i64))).then(|| vec![Some(axis - before)])
        }
        Op::Squeeze => {
            let mut kept = (0..rank(0)).filter(|k| !attrs.ints(Key::Axes).contains(&(*k as i64)));
            Some(vec![Some(kept.nth(axis)?)])
        }
        Op::BroadcastTo => Some(vec![aligned(inputs[0], shape, axis)]),
        Op::Reshape => {
            let own = m.shape(inputs[0]);
            let (i, _) = super::groups(&own, shape)?.into_iter().find(|(_, j)| *j == (axis..axis + 1))?;
            (i.len() == 1).then(|| vec![Some(i.start)])
        }
        Op::Slice => attrs.slices()[axis].is_full(&shape[axis]).then(|| vec![Some(axis)]),
        Op::Diagonal => {
            let (a, b) = (attrs.int(Key::Axis) as usize, attrs.int(Key::Axis2) as usize);
            let mut kept = (0..rank(0)).filter(|k| *k != a && *k != b);
            kept.nth(axis).filter(|_| axis + 1 < shape.len()).map(|k| vec![Some(k)])
        }
        _ => None,
    }
}

/// Axes of operands, and of the result, that a routine works on; those before them are a batch.
fn cores(op: Op) -> Option<(&'static [usize], usize)> {
    match op {
        Op::Matmul | Op::Solve | Op::SolvePosdef | Op::SolveTriangular => Some((&[2, 2], 2)),
        Op::Inv | Op::InvPosdef | Op::Cholesky => Some((&[2], 2)),
        Op::Det => Some((&[2], 0)),
        Op::Svdvals | Op::Eigvalsh | Op::Eigvals => Some((&[2], 1)),
        _ => None,
    }
}

fn of_library<M: Make>(
    m: &M,
    (op, attrs, inputs): Site<'_, M::V>,
    shape: &[Dim],
    axis: usize,
) -> Option<Vec<Option<usize>>> {
    if op == Op::Searchsorted {
        return Some(vec![None, Some(axis)]);
    }
    if attrs.get(Key::Axis).is_some() {
        // Each row by itself; positions of order statistics may be the same for all rows.
        let per_row = |x: &M::V| (m.shape(*x).len() == shape.len()).then_some(axis);
        return (attrs.int(Key::Axis) != axis as i64).then(|| inputs.iter().map(per_row).collect());
    }
    let (operands, result) = cores(op)?;
    let batch = shape.len() - result;
    let ranks: Vec<usize> = inputs.iter().map(|x| m.shape(*x).len()).collect();
    if axis >= batch {
        // Rows of a product are those of the first operand, columns those of the last one; so are those of a solution.
        let column = axis + 1 == shape.len();
        return match (op, column) {
            (Op::Matmul, false) => Some(vec![Some(ranks[0] - 2), None]),
            (Op::Matmul | Op::Solve | Op::SolvePosdef | Op::SolveTriangular, true) => {
                Some(vec![None, Some(ranks[1] - 1)])
            }
            _ => None,
        };
    }
    let from = |(k, core): (usize, &usize)| {
        let own = m.shape(inputs[k]);
        let a = (axis + ranks[k] - core).checked_sub(batch)?;
        (own[a] == shape[axis]).then_some(a)
    };
    Some(operands.iter().enumerate().map(from).collect())
}

/// Attributes of the same operation with another size along an axis.
fn resized(op: Op, attrs: &Attrs, axis: usize, size: &Dim) -> Attrs {
    match op {
        Op::BroadcastTo | Op::Reshape | Op::Iota => {
            let mut shape = attrs.dims(Key::Shape).to_vec();
            shape[axis] = size.clone();
            attrs.clone().with(Key::Shape, Attr::Dims(shape))
        }
        Op::Slice | Op::UpdateSlice => {
            let mut slices = attrs.slices().to_vec();
            slices[axis] = Slice::full(size);
            attrs.clone().with(Key::Slices, Attr::Slices(slices))
        }
        _ => attrs.clone(),
    }
}

/// A slice of the result as the operation on slices of its operands, if each axis that is not whole allows it.
pub(super) fn slice_along<M: Make>(
    m: &mut M,
    (op, attrs, inputs): Site<'_, M::V>,
    shape: &[Dim],
    slices: &[Slice],
) -> Option<M::V> {
    let full = |x: &M::V| -> Vec<Slice> { m.shape(*x).iter().map(Slice::full).collect() };
    let mut own: Vec<Vec<Slice>> = inputs.iter().map(full).collect();
    let mut attrs = attrs.clone();
    for (axis, s) in slices.iter().enumerate() {
        if s.is_full(&shape[axis]) {
            continue;
        }
        // The beginning of a running combination, and of positions, does not depend on the rest.
        let prefix = (op.class() == Class::Cumulative || op == Op::Iota) && s.step == 1 && s.start.is(0);
        let from = match sources(m, (op, &attrs, inputs), shape, axis) {
            None if prefix => inputs.iter().map(|_| Some(axis)).collect(),
            from => from?,
        };
        for (k, a) in from.into_iter().enumerate() {
            if let Some(a) = a {
                own[k][a] = s.clone();
            }
        }
        attrs = resized(op, &attrs, axis, &s.size);
    }
    let operands: Option<Vec<M::V>> = inputs.iter().zip(&own).map(|(x, s)| m.slice(*x, s)).collect();
    let out = m.node(op, attrs, &operands?)?;
    let right = m.shape(out).iter().zip(slices).all(|(d, s)| *d == s.size);
    right.then_some(out)
}

/// What makes another operand of one, given an axis.
pub(crate) type Change<'f, M> = &'f mut dyn FnMut(&mut M, <M as Make>::V, usize) -> Option<<M as Make>::V>;
/// The same, given several.
pub(crate) type ChangeAll<'f, M> =
    &'f mut dyn FnMut(&mut M, <M as Make>::V, &[i64]) -> Option<<M as Make>::V>;

/// The operation with each operand changed along its part of an axis; `size` is the new size of the axis.
pub(crate) fn change_along<M: Make>(
    m: &mut M,
    (op, attrs, inputs): Site<'_, M::V>,
    shape: &[Dim],
    (axis, size): (usize, &Dim),
    change: Change<'_, M>,
) -> Option<M::V> {
    let from = sources(m, (op, attrs, inputs), shape, axis)?;
    let mut operands = Vec::with_capacity(inputs.len());
    for (x, a) in inputs.iter().zip(from) {
        operands.push(if let Some(a) = a { change(m, *x, a)? } else { *x });
    }
    let out = m.node(op, resized(op, attrs, axis, size), &operands)?;
    let mut wanted = shape.to_vec();
    wanted[axis] = size.clone();
    (m.shape(out) == wanted).then_some(out)
}

/// The operation without axes of size 1 of its result, given what drops axes of its operands; the inverse of inserting
/// such axes. `None` where the operation needs them.
pub(crate) fn squeeze_along<M: Make>(
    m: &mut M,
    (op, attrs, inputs): Site<'_, M::V>,
    shape: &[Dim],
    axes: &[i64],
    drop: ChangeAll<'_, M>,
) -> Option<M::V> {
    // Rows and columns of matrices are needed, also where there is one.
    let needed = cores(op).map_or(0, |(_, result)| result);
    if axes.iter().any(|a| *a as usize + needed >= shape.len()) {
        return None;
    }
    let mut own: Vec<Vec<i64>> = vec![Vec::new(); inputs.len()];
    for axis in axes {
        let from = sources(m, (op, attrs, inputs), shape, *axis as usize)?;
        for (k, a) in from.into_iter().enumerate() {
            own[k].extend(a.map(|a| a as i64));
        }
    }
    let attrs = without_axes(op, attrs, axes, own.first()?)?;
    let mut operands = Vec::with_capacity(inputs.len());
    for (x, own) in inputs.iter().zip(&mut own) {
        own.sort_unstable();
        operands.push(drop(m, *x, own)?);
    }
    let out = m.node(op, attrs, &operands)?;
    let kept = shape.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
    let wanted: Vec<Dim> = kept.map(|(_, d)| d.clone()).collect();
    (m.shape(out) == wanted).then_some(out)
}

/// Attributes of the same operation after axes are gone: `axes` of the result, `own` of operand 0.
fn without_axes(op: Op, attrs: &Attrs, axes: &[i64], own: &[i64]) -> Option<Attrs> {
    let below = |a: i64, gone: &[i64]| a - gone.iter().filter(|g| **g < a).count() as i64;
    match op.class() {
        Class::Elementwise => Some(attrs.clone()),
        Class::Reduce => {
            let reduced = attrs.ints(Key::Axes).iter().map(|a| below(*a, own)).collect();
            Some(attrs.clone().with(Key::Axes, Attr::Ints(reduced)))
        }
        _ if op == Op::Pad => {
            let rest = |key: Key| {
                let kept = attrs.dims(key).iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
                Attr::Dims(kept.map(|(_, d)| d.clone()).collect())
            };
            Some(Attrs::new([(Key::PadLow, rest(Key::PadLow)), (Key::PadHigh, rest(Key::PadHigh))]))
        }
        Class::Cumulative | Class::Library if attrs.get(Key::Axis).is_some() => {
            Some(attrs.clone().with(Key::Axis, Attr::Int(below(attrs.int(Key::Axis), axes))))
        }
        _ if op == Op::Concatenate => {
            Some(attrs.clone().with(Key::Axis, Attr::Int(below(attrs.int(Key::Axis), axes))))
        }
        Class::Library => cores(op).map(|_| attrs.clone()),
        _ => None,
    }
}
