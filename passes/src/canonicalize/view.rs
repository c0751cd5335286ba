//! Views of views.

use super::Canonical;
use crate::make::Make;
use crate::movement::{as_unit_axes, compose, slice_of};
use frit_ir::chunks::ChunkGrid;
use frit_ir::graph::{Node, Value};
use frit_ir::{Attr, Attrs, Dim, Key, Op, Slice};

type Simpler = Option<(Value, &'static str)>;

pub(super) fn simplify(m: &mut Canonical<'_>, op: Op, attrs: &Attrs, inputs: &[Value]) -> Simpler {
    let x = inputs[0];
    let def = m.def(x).clone();
    match op {
        Op::Slice => slice(m, attrs.slices(), x, &def),
        Op::Transpose => transpose(m, attrs.ints(Key::Perm), x, &def),
        Op::Reshape => reshape(m, attrs.dims(Key::Shape), x, &def),
        Op::ExpandDims => expand_dims(m, attrs.ints(Key::Axes), x, &def),
        Op::Squeeze => squeeze(m, attrs.ints(Key::Axes), x, &def),
        Op::Rechunk => rechunk(m, attrs, x),
        Op::BroadcastTo => broadcast_to(m, attrs.dims(Key::Shape), x, &def),
        _ => None,
    }
}

fn slice(m: &mut Canonical<'_>, slices: &[Slice], x: Value, def: &Node) -> Simpler {
    let shape = m.shape(x);
    if slices.iter().zip(&shape).all(|(s, d)| s.is_full(d)) {
        return Some((x, "slice-whole"));
    }
    // A step means nothing on a single element; neither does its sign.
    let plain = |s: &Slice| Slice { step: if s.size.is(1) { 1 } else { s.step }, ..s.clone() };
    if slices.iter().any(|s| s.size.is(1) && s.step != 1) {
        let slices: Vec<Slice> = slices.iter().map(plain).collect();
        return Some((m.slice(x, &slices)?, "slice-one-step"));
    }
    match def.op {
        Op::Slice => {
            let both: Vec<Slice> =
                def.attrs.slices().iter().zip(slices).map(|(a, b)| compose(a, b)).collect();
            Some((m.slice(def.inputs[0], &both)?, "slice-slice"))
        }
        Op::UpdateSlice => slice_of_update(m, slices, def),
        Op::Transpose | Op::ExpandDims | Op::Squeeze | Op::BroadcastTo | Op::Reshape => {
            Some((slice_of(m, (def.op, &def.attrs, &def.inputs), &shape, slices)?, "slice-view"))
        }
        _ => None,
    }
}

/// Reading back what was written, or reading beside it.
fn slice_of_update(m: &mut Canonical<'_>, slices: &[Slice], def: &Node) -> Simpler {
    let written = def.attrs.slices();
    if written == slices {
        let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
        return Some((m.broadcast_to(def.inputs[1], &sizes)?, "slice-update-same"));
    }
    let ends = |s: &Slice| {
        let last = &s.start + &((&s.size - 1) * s.step);
        if s.step > 0 { (s.start.clone(), last) } else { (last, s.start.clone()) }
    };
    let disjoint = written.iter().zip(slices).any(|(w, s)| {
        let ((a, b), (c, d)) = (ends(w), ends(s));
        m.proves_le(&(b + 1), &c) || m.proves_le(&(d + 1), &a)
    });
    if !disjoint {
        return None;
    }
    Some((m.slice(def.inputs[0], slices)?, "slice-update-beside"))
}

fn transpose(m: &mut Canonical<'_>, perm: &[i64], x: Value, def: &Node) -> Simpler {
    if perm.iter().enumerate().all(|(k, p)| *p == k as i64) {
        return Some((x, "transpose-identity"));
    }
    match def.op {
        Op::Transpose => {
            let inner = def.attrs.ints(Key::Perm);
            let both: Vec<i64> = perm.iter().map(|p| inner[*p as usize]).collect();
            Some((m.transpose(def.inputs[0], &both)?, "transpose-transpose"))
        }
        Op::BroadcastTo => {
            // Below the broadcast, on the axes that the source has.
            let source = m.shape(def.inputs[0]);
            let shape: Vec<Dim> = perm.iter().map(|p| m.shape(x)[*p as usize].clone()).collect();
            if source.is_empty() {
                return Some((m.broadcast_to(def.inputs[0], &shape)?, "transpose-broadcast"));
            }
            let missing = (perm.len() - source.len()) as i64;
            let front: Vec<i64> = (0..missing).collect();
            let whole = m.expand_dims(def.inputs[0], &front)?;
            let moved = m.transpose(whole, perm)?;
            Some((m.broadcast_to(moved, &shape)?, "transpose-broadcast"))
        }
        Op::ExpandDims => {
            // The inserted axes move; the others keep their order among themselves or are transposed below.
            let inserted = def.attrs.ints(Key::Axes);
            let new_axes: Vec<i64> =
                (0..perm.len() as i64).filter(|k| inserted.contains(&perm[*k as usize])).collect();
            let rank_below = |axis: i64| inserted.iter().filter(|a| **a < axis).count() as i64;
            let below: Vec<i64> =
                perm.iter().filter(|p| !inserted.contains(p)).map(|p| p - rank_below(*p)).collect();
            let moved = m.transpose(def.inputs[0], &below)?;
            Some((m.expand_dims(moved, &new_axes)?, "transpose-expand_dims"))
        }
        _ => None,
    }
}

fn reshape(m: &mut Canonical<'_>, shape: &[Dim], x: Value, def: &Node) -> Simpler {
    let from = m.shape(x);
    if from == shape {
        return Some((x, "reshape-identity"));
    }
    match def.op {
        Op::Reshape | Op::ExpandDims | Op::Squeeze => {
            return Some((m.reshape(def.inputs[0], shape)?, "reshape-reshape"));
        }
        _ => {}
    }
    let (drop, insert) = as_unit_axes(&from, shape)?;
    let dropped = m.squeeze(x, &drop)?;
    Some((m.expand_dims(dropped, &insert)?, "reshape-unit-axes"))
}

fn expand_dims(m: &mut Canonical<'_>, axes: &[i64], x: Value, def: &Node) -> Simpler {
    if axes.is_empty() {
        return Some((x, "expand_dims-nothing"));
    }
    match def.op {
        Op::ExpandDims => {
            // Positions of the inner axes once the outer ones are inserted.
            let rank = (m.shape(x).len() + axes.len()) as i64;
            let old: Vec<i64> = (0..rank).filter(|k| !axes.contains(k)).collect();
            let mut all: Vec<i64> = def
                .attrs
                .ints(Key::Axes)
                .iter()
                .map(|a| old[*a as usize])
                .chain(axes.iter().copied())
                .collect();
            all.sort_unstable();
            Some((m.expand_dims(def.inputs[0], &all)?, "expand_dims-expand_dims"))
        }
        Op::Squeeze if def.attrs.ints(Key::Axes) == axes => Some((def.inputs[0], "expand_dims-squeeze")),
        _ => None,
    }
}

fn squeeze(m: &mut Canonical<'_>, axes: &[i64], x: Value, def: &Node) -> Simpler {
    if axes.is_empty() {
        return Some((x, "squeeze-nothing"));
    }
    match def.op {
        Op::Squeeze => {
            let inner = def.attrs.ints(Key::Axes);
            let rank = (m.shape(x).len() + inner.len()) as i64;
            let left: Vec<i64> = (0..rank).filter(|k| !inner.contains(k)).collect();
            let mut all: Vec<i64> =
                axes.iter().map(|a| left[*a as usize]).chain(inner.iter().copied()).collect();
            all.sort_unstable();
            Some((m.squeeze(def.inputs[0], &all)?, "squeeze-squeeze"))
        }
        Op::Reshape => {
            let shape = m.shape(x);
            let kept = shape.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
            let kept: Vec<Dim> = kept.map(|(_, d)| d.clone()).collect();
            Some((m.reshape(def.inputs[0], &kept)?, "squeeze-reshape"))
        }
        Op::ExpandDims => {
            let inserted = def.attrs.ints(Key::Axes);
            let both: Vec<i64> = axes.iter().copied().filter(|a| inserted.contains(a)).collect();
            if both.is_empty() {
                return None;
            }
            // Axes that were inserted and dropped cancel; the rest is done in the order drop, insert.
            let kept: Vec<i64> = inserted.iter().copied().filter(|a| !axes.contains(a)).collect();
            let below = |a: i64| a - inserted.iter().filter(|i| **i < a).count() as i64;
            let drop: Vec<i64> = axes.iter().copied().filter(|a| !inserted.contains(a)).map(below).collect();
            let above = |a: i64| a - axes.iter().filter(|i| **i < a).count() as i64;
            let insert: Vec<i64> = kept.into_iter().map(above).collect();
            let x = m.squeeze(def.inputs[0], &drop)?;
            Some((m.expand_dims(x, &insert)?, "squeeze-expand_dims"))
        }
        Op::BroadcastTo => {
            let shape = m.shape(x);
            let kept = shape.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
            let target: Vec<Dim> = kept.map(|(_, d)| d.clone()).collect();
            let missing = (shape.len() - m.shape(def.inputs[0]).len()) as i64;
            let own: Vec<i64> = axes.iter().filter(|a| **a >= missing).map(|a| a - missing).collect();
            let x = m.squeeze(def.inputs[0], &own)?;
            // Dropping axes of the source must not move its other axes against the target.
            let fits = m.shape(x).len() <= target.len();
            if !fits || axes.iter().any(|a| *a < missing) && !own.is_empty() {
                return None;
            }
            Some((m.broadcast_to(x, &target)?, "squeeze-broadcast"))
        }
        _ => None,
    }
}

/// Gone where the blocks are those already, or where there is one element.
fn rechunk(m: &mut Canonical<'_>, attrs: &Attrs, x: Value) -> Simpler {
    let one = m.shape(x).iter().all(|d| d.is(1));
    let same = || ChunkGrid::infer(m.b.graph(), x).is_some_and(|g| g == ChunkGrid::of(attrs));
    (one || same()).then_some((x, "rechunk-same"))
}

fn broadcast_to(m: &mut Canonical<'_>, shape: &[Dim], x: Value, def: &Node) -> Simpler {
    if m.shape(x) == shape {
        return Some((x, "broadcast-nothing"));
    }
    match def.op {
        Op::BroadcastTo => Some((m.broadcast_to(def.inputs[0], shape)?, "broadcast-broadcast")),
        Op::ExpandDims => {
            // Leading axes come with the broadcast.
            let axes = def.attrs.ints(Key::Axes);
            let leading = axes.iter().enumerate().take_while(|(k, a)| *k as i64 == **a).count();
            if leading == 0 {
                return None;
            }
            let rest: Vec<i64> = axes[leading..].iter().map(|a| a - leading as i64).collect();
            let x = m.expand_dims(def.inputs[0], &rest)?;
            Some((m.broadcast_to(x, shape)?, "broadcast-expand_dims"))
        }
        _ => None,
    }
}

/// Without the leading axes of size 1 that broadcasting adds by itself.
pub(super) fn without_leading_units(m: &mut Canonical<'_>, x: Value) -> Option<Value> {
    let def = m.def(x);
    if def.op != Op::ExpandDims {
        return None;
    }
    let axes = def.attrs.ints(Key::Axes);
    let leading = axes.iter().enumerate().take_while(|(k, a)| *k as i64 == **a).count();
    if leading == 0 {
        return None;
    }
    let rest: Vec<i64> = axes[leading..].iter().map(|a| a - leading as i64).collect();
    let inner = def.inputs[0];
    if rest.is_empty() {
        return Some(inner);
    }
    m.node(Op::ExpandDims, Attrs::new([(Key::Axes, Attr::Ints(rest))]), &[inner])
}
