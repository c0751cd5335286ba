//! Ops that move elements: views, joins, windows, gathers and scatters.

use super::elementwise::binary;
use super::{Array, EvalError, Sizes};
use crate::attrs::{Key, Slice};
use crate::dtype::DType;
use crate::graph::Node;
use crate::ops::Op;
use ndarray::{ArrayD, Axis, Dimension, IxDyn};

pub(super) fn movement(
    n: &Node,
    args: &[&Array],
    shape: &[usize],
    sizes: &Sizes,
) -> Result<Array, EvalError> {
    let x = args[0];
    let same = |data: ArrayD<_>| Array { dtype: x.dtype, data };
    Ok(match n.op {
        Op::Reshape | Op::ExpandDims | Op::Squeeze => {
            Array::new(x.dtype, shape, x.data.iter().copied().collect())
        }
        Op::BroadcastTo => same(x.spread(shape).to_owned()),
        Op::Rechunk => x.clone(),
        Op::Transpose => {
            let perm: Vec<usize> = n.attrs.ints(Key::Perm).iter().map(|p| *p as usize).collect();
            same(x.data.clone().permuted_axes(IxDyn(&perm)))
        }
        Op::Slice => {
            let w = Window::new(n, x, sizes)?;
            Array::from_fn(x.dtype, shape, |i| x.at(&w.place(i)))
        }
        Op::UpdateSlice => {
            let w = Window::new(n, x, sizes)?;
            let mut out = x.data.clone();
            for (i, v) in args[1].spread(&w.shape).indexed_iter() {
                out[IxDyn(&w.place(i.slice()))] = *v;
            }
            same(out)
        }
        Op::Diagonal => take(n, x, shape),
        Op::Concatenate => join(args, n.attrs.int(Key::Axis) as usize),
        Op::Pad => {
            let low = sizes.numbers(n.attrs.dims(Key::PadLow))?;
            let fill = args[1].at(&[]);
            Array::from_fn(x.dtype, shape, |i| {
                let from: Vec<i64> = i.iter().zip(&low).map(|(i, l)| *i as i64 - l).collect();
                let inside = from.iter().zip(x.shape()).all(|(i, n)| *i >= 0 && *i < *n as i64);
                if inside { x.at(&from.iter().map(|i| *i as usize).collect::<Vec<_>>()) } else { fill }
            })
        }
        Op::Gather => {
            let places = places(n, x, &args[1..])?;
            Array { dtype: x.dtype, data: places.map(|i| x.at(i)) }
        }
        Op::Scatter => scatter(n, x, args[1], &args[2..])?,
        other => return Err(EvalError::Unsupported(other)),
    })
}

/// The part of an array that slices describe.
struct Window {
    start: Vec<i64>,
    step: Vec<i64>,
    shape: Vec<usize>,
}

impl Window {
    fn new(n: &Node, x: &Array, sizes: &Sizes) -> Result<Window, EvalError> {
        let slices: &[Slice] = n.attrs.slices();
        let mut w = Window { start: vec![], step: vec![], shape: vec![] };
        for s in slices {
            w.start.push(sizes.number(&s.start)?);
            w.step.push(s.step);
            w.shape.push(sizes.number(&s.size)?.max(0) as usize);
        }
        if w.shape.iter().all(|n| *n > 0) {
            let last: Vec<usize> = w.shape.iter().map(|n| n - 1).collect();
            for corner in [vec![0; last.len()], last] {
                let inside = (0..corner.len()).all(|k| {
                    let i = w.start[k] + corner[k] as i64 * w.step[k];
                    i >= 0 && i < x.shape()[k] as i64
                });
                if !inside {
                    return Err(EvalError::IndexOutOfBounds(n.op));
                }
            }
        }
        Ok(w)
    }

    /// Where in the source an element of the window is.
    fn place(&self, i: &[usize]) -> Vec<usize> {
        (0..i.len()).map(|k| (self.start[k] + i[k] as i64 * self.step[k]) as usize).collect()
    }
}

/// The diagonal of the planes of two axes, as the last axis.
pub(super) fn take(n: &Node, x: &Array, shape: &[usize]) -> Array {
    let (rows, cols) = (n.attrs.int(Key::Axis) as usize, n.attrs.int(Key::Axis2) as usize);
    let offset = n.attrs.int(Key::Offset);
    Array::from_fn(x.dtype, shape, |i| {
        let (last, rest) = i.split_last().expect("a diagonal has an axis");
        let mut rest = rest.iter();
        let from: Vec<usize> = (0..x.rank())
            .map(|k| {
                if k == rows {
                    last + (-offset).max(0) as usize
                } else if k == cols {
                    last + offset.max(0) as usize
                } else {
                    *rest.next().expect("ranks add up")
                }
            })
            .collect();
        x.at(&from)
    })
}

pub(super) fn join(parts: &[&Array], axis: usize) -> Array {
    let views: Vec<_> = parts.iter().map(|a| a.data.view()).collect();
    let data = ndarray::concatenate(Axis(axis), &views).expect("checked by infer");
    Array { dtype: parts[0].dtype, data }
}

/// For each element of a gather's result (or of a scatter's updates): its place in `x`.
fn places(n: &Node, x: &Array, indices: &[&Array]) -> Result<ArrayD<Vec<usize>>, EvalError> {
    let axes = n.attrs.ints(Key::Axes);
    let rank = indices.iter().map(|a| a.rank()).max().unwrap_or(0);
    let mut front = vec![1; rank];
    for a in indices {
        for (f, s) in front[rank - a.rank()..].iter_mut().zip(a.shape()) {
            *f = if *f == 1 { *s } else { *f };
        }
    }
    let back: Vec<usize> =
        (0..x.rank()).filter(|k| !axes.contains(&(*k as i64))).map(|k| x.shape()[k]).collect();
    let shape: Vec<usize> = front.iter().chain(&back).copied().collect();
    let spread: Vec<_> = indices.iter().map(|a| a.spread(&front)).collect();
    let mut outside = false;
    let places = ArrayD::from_shape_fn(IxDyn(&shape), |i| {
        let i = i.slice();
        let (at, rest) = i.split_at(rank);
        let mut rest = rest.iter();
        (0..x.rank())
            .map(|k| match axes.iter().position(|a| *a as usize == k) {
                Some(p) => {
                    let (v, size) = (spread[p][IxDyn(at)].as_i64(), x.shape()[k] as i64);
                    let v = if v < 0 { v + size } else { v };
                    outside |= v < 0 || v >= size;
                    v as usize
                }
                None => *rest.next().expect("ranks add up"),
            })
            .collect()
    });
    if outside { Err(EvalError::IndexOutOfBounds(n.op)) } else { Ok(places) }
}

/// Updates in C order of the places, so that a later one sees (or replaces) an earlier one.
fn scatter(n: &Node, x: &Array, v: &Array, indices: &[&Array]) -> Result<Array, EvalError> {
    let places = places(n, x, indices)?;
    let op = match n.attrs.str(Key::Mode) {
        "set" => None,
        "add" => Some(Op::Add),
        "multiply" => Some(Op::Multiply),
        "minimum" => Some(Op::Minimum),
        _ => Some(Op::Maximum),
    };
    let t: DType = x.dtype;
    let combine = op.map(|op| binary(op, t));
    let mut out = x.data.clone();
    for (place, v) in places.iter().zip(v.spread(places.shape())) {
        let old = &mut out[IxDyn(place)];
        *old = match &combine {
            Some(f) => f.apply(&[*old, *v]),
            None => *v,
        };
    }
    Ok(Array { dtype: t, data: out })
}
