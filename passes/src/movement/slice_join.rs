//! Slices of joined and padded arrays: needs to prove on which side of each seam the slice lies.

use crate::make::Make;
use frit_ir::{Attr, Attrs, Dim, Key, Op, Slice};

/// The pieces of the operands that the slice covers; a single piece is not joined.
pub(super) fn slice_of_concatenate<M: Make>(
    m: &mut M,
    attrs: &Attrs,
    inputs: &[M::V],
    slices: &[Slice],
) -> Option<M::V> {
    let axis = attrs.int(Key::Axis) as usize;
    let wanted = &slices[axis];
    let sizes: Vec<Dim> = inputs.iter().map(|x| m.shape(*x)[axis].clone()).collect();
    let total = sizes.iter().fold(Dim::constant(0), |a, b| a + b);
    let first = wanted.start.clone();
    let last = &wanted.start + &((&wanted.size - 1) * wanted.step);
    let mut pieces = Vec::new();
    let mut offset = Dim::constant(0);
    for (x, n) in inputs.iter().zip(&sizes) {
        let end = &offset + n;
        let mut own = slices.to_vec();
        let (low, high) = if wanted.step > 0 { (&first, &last) } else { (&last, &first) };
        if wanted.is_full(&total) {
            own[axis] = Slice::full(n);
        } else if m.proves_le(&offset, low) && m.proves_le(&(high + 1), &end) {
            // The whole slice lies in this operand.
            own[axis].start = &wanted.start - &offset;
            return m.slice(*x, &own);
        } else if m.proves_le(&end, low) || m.proves_le(&(high + 1), &offset) {
            offset = end;
            continue;
        } else if wanted.step == 1 {
            // A seam lies inside: both ends of this piece must be known.
            let start = larger(m, &first, &offset)?;
            let stop = smaller(m, &(high + 1), &end)?;
            own[axis] = Slice { size: &stop - &start, start: &start - &offset, step: 1 };
        } else {
            let (_, part, _) = part(wanted, offset.as_const()?, end.as_const()?)?;
            own[axis] = part;
        }
        if !own[axis].size.is(0) {
            pieces.push(m.slice(*x, &own)?);
        }
        offset = end;
    }
    if wanted.step < 0 {
        pieces.reverse();
    }
    match pieces.as_slice() {
        [] => None,
        [one] => Some(*one),
        _ => m.node(Op::Concatenate, attrs.clone(), &pieces),
    }
}

/// Of a slice with constant bounds, the positions that lie in `low..high`, counted from `low`; how many come before them,
/// and how many after.
fn part(s: &Slice, low: i64, high: i64) -> Option<(i64, Slice, i64)> {
    let (start, size) = (s.start.as_const()?, s.size.as_const()?);
    // The first position of the slice that is past a bound, seen in the direction of its step.
    let past = |bound: i64| {
        let distance = if s.step > 0 { bound - start } else { start - bound };
        (distance.max(0) + s.step.abs() - 1) / s.step.abs()
    };
    let (first, end) = if s.step > 0 { (past(low), past(high)) } else { (past(high - 1), past(low - 1)) };
    let (first, end) = (first.min(size), end.min(size).max(first.min(size)));
    let own =
        Slice { start: (start + first * s.step - low).into(), size: (end - first).into(), step: s.step };
    // No element has any place.
    let own = if end == first { Slice { start: 0.into(), size: 0.into(), step: 1 } } else { own };
    Some((first, own, size - end))
}

fn larger<M: Make>(m: &M, a: &Dim, b: &Dim) -> Option<Dim> {
    if m.proves_le(b, a) {
        Some(a.clone())
    } else if m.proves_le(a, b) {
        Some(b.clone())
    } else {
        None
    }
}

fn smaller<M: Make>(m: &M, a: &Dim, b: &Dim) -> Option<Dim> {
    larger(m, a, b).map(|l| if l == *a { b.clone() } else { a.clone() })
}

/// Slices that keep or cut the padding of each axis, with any step where the sizes are known.
pub(super) fn slice_of_pad<M: Make>(
    m: &mut M,
    attrs: &Attrs,
    inputs: &[M::V],
    slices: &[Slice],
) -> Option<M::V> {
    let (low, high) = (attrs.dims(Key::PadLow), attrs.dims(Key::PadHigh));
    let shape = m.shape(inputs[0]);
    let (mut own, mut new_low, mut new_high) = (Vec::new(), Vec::new(), Vec::new());
    for (k, s) in slices.iter().enumerate() {
        let padded = &shape[k] + &low[k] + &high[k];
        if s.is_full(&padded) {
            own.push(Slice::full(&shape[k]));
            new_low.push(low[k].clone());
            new_high.push(high[k].clone());
            continue;
        }
        let (first, last) = (s.start.clone(), &s.start + &((&s.size - 1) * s.step));
        let (a, b) = if s.step > 0 { (&first, &last) } else { (&last, &first) };
        let end = &low[k] + &shape[k];
        if m.proves_le(&low[k], a) && m.proves_le(&(b + 1), &end) {
            own.push(Slice { start: &s.start - &low[k], size: s.size.clone(), step: s.step });
            new_low.push(Dim::constant(0));
            new_high.push(Dim::constant(0));
            continue;
        }
        if let (Some(from), Some(to)) = (low[k].as_const(), end.as_const())
            && let Some((before, inside, after)) = part(s, from, to)
        {
            own.push(inside);
            new_low.push(before.into());
            new_high.push(after.into());
            continue;
        }
        if s.step != 1 {
            return None;
        }
        // Elements [from, to) of the slice come from the array.
        let start = larger(m, &low[k], &s.start)?;
        let stop = smaller(m, &(&s.start + &s.size), &end)?;
        if !m.proves_le(&start, &stop) {
            return None;
        }
        new_low.push(&start - &s.start);
        new_high.push(&s.start + &s.size - &stop);
        own.push(Slice { start: &start - &low[k], size: &stop - &start, step: 1 });
    }
    if own.iter().zip(&shape).any(|(s, n)| s.size.is(0) && !n.is(0)) {
        // Nothing of the array is left.
        let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
        return m.broadcast_to(inputs[1], &sizes);
    }
    let x = m.slice(inputs[0], &own)?;
    if new_low.iter().chain(&new_high).all(|d| d.is(0)) {
        return Some(x);
    }
    let attrs = Attrs::new([(Key::PadLow, Attr::Dims(new_low)), (Key::PadHigh, Attr::Dims(new_high))]);
    m.node(Op::Pad, attrs, &[x, inputs[1]])
}
