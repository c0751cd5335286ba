//! Random small graphs around the ops that rules match.

use super::{Array, library, size};
use crate::make::Make;
use frit_ir::build::Builder;
use frit_ir::graph::{Graph, TensorType, Value};
use frit_ir::ops::Class;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice};

/// A small generator (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }

    pub(crate) fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(crate) fn dim(&mut self) -> Dim {
        match self.below(16) {
            0 | 1 => 1.into(),
            2 | 3 => 2.into(),
            4 | 5 => 4.into(),
            // An empty axis that only shows when the program runs.
            6 => Dim::symbol("z"),
            7..=9 => Dim::symbol("m"),
            _ => Dim::symbol("n"),
        }
    }
}

const DTYPES: [DType; 8] =
    [DType::F64, DType::F64, DType::F32, DType::I64, DType::I8, DType::U16, DType::Bool, DType::C128];

/// Which values operands are drawn from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Draw {
    /// Special values and extremes among moderate ones.
    Special,
    /// Moderate values of both signs, zeros included.
    Moderate,
    /// Between 0.5 and 2.
    Tame,
}

/// Arguments for a graph's parameters. Parameters named `index` hold positions below 2 (and -1).
pub(crate) fn arguments(r: &mut Random, g: &Graph, draw: Draw) -> Vec<Array> {
    let mut out = Vec::new();
    for input in &g.inputs {
        let shape: Vec<usize> = input.ty.shape.iter().map(size).collect();
        let count = shape.iter().product();
        let data = (0..count)
            .map(|_| {
                if input.name.starts_with("index") {
                    return Scalar::from_i64(DType::I64, r.below(3) as i64 - 1);
                }
                element(r, input.ty.dtype, draw)
            })
            .collect();
        out.push(Array::new(input.ty.dtype, &shape, data));
    }
    out
}

fn element(r: &mut Random, t: DType, draw: Draw) -> Scalar {
    let tame = 0.5 + r.below(1500) as f64 / 1000.0;
    let moderate = [0.0, -0.0, 1.0, -1.0, tame, -tame, tame * 3.0, -tame * 5.0];
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e300, -1e-310, f64::MAX];
    let real = |r: &mut Random| match draw {
        Draw::Tame => tame,
        Draw::Moderate => r.pick(&moderate),
        Draw::Special if r.coin() => r.pick(&special),
        Draw::Special => r.pick(&moderate),
    };
    if t.is_complex() {
        let (re, im) = (real(r), real(r));
        return Scalar::complex(t, num(re, im));
    }
    if t.is_float() {
        return Scalar::from_f64(t, real(r));
    }
    let (lo, hi) = t.int_range().expect("an integer");
    let extremes = [lo as i64, hi as i64, 0, 1, -1, 2, 7, -8];
    match draw {
        Draw::Tame => Scalar::from_i64(t, 1 + r.below(3) as i64),
        _ => Scalar::from_i64(t, r.pick(&extremes)),
    }
}

fn num(re: f64, im: f64) -> num_complex::Complex64 {
    num_complex::Complex64::new(re, im)
}

/// A parameter of a type.
pub(crate) fn input(b: &mut Builder, name: &str, t: TensorType) -> Value {
    let name = format!("{name}{}", b.graph().inputs.len());
    b.input(&name, t)
}

pub(crate) fn shape(r: &mut Random, least: usize) -> Vec<Dim> {
    let rank = least + r.below(3);
    (0..rank.min(3)).map(|_| r.dim()).collect()
}

/// Something that broadcasts with a shape: axes made 1, leading axes left out.
fn narrower(r: &mut Random, shape: &[Dim]) -> Vec<Dim> {
    let drop = r.below(shape.len() + 1);
    shape[drop..].iter().map(|d| if r.below(3) == 0 { 1.into() } else { d.clone() }).collect()
}

/// An operand of a shape: mostly a parameter, sometimes a constant, sometimes the value `other`.
fn operand(r: &mut Random, b: &mut Builder, t: DType, shape: &[Dim], other: Option<Value>) -> Value {
    match r.below(9) {
        0 | 3 | 4 => {
            let v: f64 = r.pick(&[0.0, -0.0, 1.0, 2.0, -1.0, 0.5, 3.0, -0.25, 5.0]);
            let v = if t.is_inexact() { v } else { v.trunc() };
            b.constant(Scalar::from_f64(t, v))
        }
        1 if other.is_some() => other.expect("checked"),
        2 => {
            let reversed: Vec<Dim> = shape.iter().rev().cloned().collect();
            let x = input(b, "x", TensorType::new(t, reversed));
            let perm: Vec<i64> = (0..shape.len() as i64).rev().collect();
            b.transpose(x, &perm).expect("a permutation")
        }
        _ => {
            let s = if r.coin() { shape.to_vec() } else { narrower(r, shape) };
            input(b, "x", TensorType::new(t, s))
        }
    }
}

/// A value with the given op on top; `None` if the draw does not type-check.
pub(crate) fn value(r: &mut Random, b: &mut Builder, op: Op, depth: usize) -> Option<Value> {
    let t = r.pick(&DTYPES);
    value_of(r, b, op, t, depth)
}

fn value_of(r: &mut Random, b: &mut Builder, op: Op, t: DType, depth: usize) -> Option<Value> {
    let def = op.def();
    match op.class() {
        Class::Elementwise => {
            let s = shape(r, 1);
            let first = if depth > 0 && r.coin() {
                if r.coin() { value_of(r, b, op, t, depth - 1)? } else { below(r, b, t, depth)? }
            } else {
                let x = input(b, "x", TensorType::new(t, s.clone()));
                informed(r, b, x)
            };
            let s = b.shape(first).to_vec();
            let mut args = vec![first];
            for _ in 1..def.min_inputs {
                let v = operand(r, b, b.dtype(first), &s, Some(first));
                args.push(v);
            }
            if op == Op::Where {
                let known = r.below(4) == 0;
                let condition =
                    input(b, "x", TensorType::new(if known { DType::I8 } else { DType::Bool }, s));
                // No integer is NaN.
                args[0] = if known { b.unary(Op::Isnan, condition).ok()? } else { condition };
            }
            if def.commutative && r.coin() {
                args.reverse();
            }
            return Make::node(b, op, Attrs::NONE, &args);
        }
        Class::Reduce => {
            let x = below(r, b, t, depth)?;
            let rank = b.shape(x).len() as i64;
            let axes: Vec<i64> = (0..rank).filter(|_| r.coin()).collect();
            let keep = r.coin();
            return b.reduce_axes(op, x, &axes, keep);
        }
        Class::Cumulative => {
            let x = below(r, b, t, depth)?;
            let axis = r.below(b.shape(x).len().max(1)) as i64;
            return Make::node(b, op, Attrs::new([(Key::Axis, Attr::Int(axis))]), &[x]);
        }
        _ => {}
    }
    match op {
        Op::Slice => {
            let ordered = [Op::Sort, Op::Argsort, Op::OrderStatistics, Op::ArgOrderStatistics];
            let x = match r.pick(&ordered) {
                op if depth > 0 && r.below(4) == 0 => value_of(r, b, op, t, 0)?,
                _ => below(r, b, t, depth)?,
            };
            let slices: Vec<Slice> = b.shape(x).to_vec().iter().map(|d| slice(r, d)).collect();
            Make::node(b, op, Attrs::new([(Key::Slices, Attr::Slices(slices))]), &[x])
        }
        Op::Transpose if depth > 0 && r.below(8) == 0 => {
            let x = library::linalg(r, b, Op::Inv, depth)?;
            Make::matrix_transpose(b, x)
        }
        Op::Transpose => {
            let x = below(r, b, t, depth)?;
            let mut perm: Vec<i64> = (0..b.shape(x).len() as i64).collect();
            for k in (1..perm.len()).rev() {
                perm.swap(k, r.below(k + 1));
            }
            Make::node(b, op, Attrs::new([(Key::Perm, Attr::Ints(perm))]), &[x])
        }
        Op::Reshape => {
            let x = below(r, b, t, depth)?;
            let mut s = b.shape(x).to_vec();
            if s.len() >= 2 && r.coin() {
                let k = r.below(s.len() - 1);
                let d = s.remove(k + 1);
                s[k] = &s[k] * &d;
            } else {
                s.insert(r.below(s.len() + 1), 1.into());
            }
            Make::node(b, op, Attrs::new([(Key::Shape, Attr::Dims(s))]), &[x])
        }
        Op::ExpandDims => {
            let x = below(r, b, t, depth)?;
            let axis = r.below(b.shape(x).len() + 1) as i64;
            Make::node(b, op, Attrs::new([(Key::Axes, Attr::Ints(vec![axis]))]), &[x])
        }
        Op::Squeeze => {
            let x = below(r, b, t, depth)?;
            let s = b.shape(x).to_vec();
            let axes: Vec<i64> = (0..s.len() as i64).filter(|k| s[*k as usize].is(1)).collect();
            if axes.is_empty() {
                return None;
            }
            Make::node(b, op, Attrs::new([(Key::Axes, Attr::Ints(axes))]), &[x])
        }
        Op::Rechunk => {
            let x = below(r, b, t, depth)?;
            // Of an axis that may turn out to be empty or short, blocks of one element are always right.
            let block =
                |d: &Dim, r: &mut Random| d.as_const().map_or(1, |n| 1 + r.below(n.max(1) as usize) as i64);
            let chunks: Vec<Dim> = b.shape(x).to_vec().iter().map(|d| block(d, r).into()).collect();
            Make::node(b, op, Attrs::new([(Key::Chunks, Attr::Dims(chunks))]), &[x])
        }
        Op::BroadcastTo => {
            let s = shape(r, 1);
            let narrow = narrower(r, &s);
            let x = input(b, "x", TensorType::new(t, narrow));
            Make::node(b, op, Attrs::new([(Key::Shape, Attr::Dims(s))]), &[x])
        }
        Op::Diagonal => {
            let x = below(r, b, t, depth)?;
            let rank = b.shape(x).len();
            let axis = |k: usize| Attr::Int(k as i64);
            let (a, c) = (r.below(rank.max(1)), r.below(rank.max(1)));
            let attrs = [(Key::Axis, axis(a)), (Key::Axis2, axis(c)), (Key::Offset, Attr::Int(0))];
            Make::node(b, op, Attrs::new(attrs), &[x])
        }
        Op::Concatenate => {
            let s = shape(r, 1);
            let axis = r.below(s.len());
            let parts: Vec<Value> = (0..2 + r.below(2))
                .map(|_| {
                    let mut own = s.clone();
                    own[axis] = r.dim();
                    input(b, "x", TensorType::new(t, own))
                })
                .collect();
            Make::node(b, op, Attrs::new([(Key::Axis, Attr::Int(axis as i64))]), &parts)
        }
        Op::Pad => {
            let x = below(r, b, t, depth)?;
            let rank = b.shape(x).len();
            let mut width = |_| Dim::constant(r.below(3) as i64);
            let low: Vec<Dim> = (0..rank).map(&mut width).collect();
            let high: Vec<Dim> = (0..rank).map(&mut width).collect();
            let c = b.constant(Scalar::from_i64(b.dtype(x), 1));
            let attrs = [(Key::PadLow, Attr::Dims(low)), (Key::PadHigh, Attr::Dims(high))];
            Make::node(b, op, Attrs::new(attrs), &[x, c])
        }
        Op::Gather if r.below(8) == 0 => {
            let x = below(r, b, t, depth)?;
            library::take_argsorted(r, b, x)
        }
        Op::Gather => {
            let x = below(r, b, t, depth)?;
            let s = b.shape(x).to_vec();
            // Positions must be inside for every drawn index.
            let axes: Vec<i64> =
                (0..s.len() as i64).filter(|k| size(&s[*k as usize]) >= 2 && r.coin()).collect();
            let index_shape = if r.coin() { vec![] } else { vec![r.dim()] };
            let mut args = vec![x];
            for _ in &axes {
                args.push(if r.below(3) == 0 {
                    b.constant(Scalar::from_i64(DType::I64, r.below(3) as i64 - 1))
                } else {
                    input(b, "index", TensorType::new(DType::I64, index_shape.clone()))
                });
            }
            if axes.is_empty() {
                return None;
            }
            Make::node(b, op, Attrs::new([(Key::Axes, Attr::Ints(axes))]), &args)
        }
        Op::Matmul => {
            let (rows, inner, cols) = (r.dim(), r.dim(), r.dim());
            let x = library::matrix(r, b, t, &rows, &inner)?;
            let y = library::matrix(r, b, t, &inner, &cols)?;
            Make::node(b, op, Attrs::NONE, &[x, y])
        }
        Op::Sort | Op::Argsort | Op::OrderStatistics | Op::ArgOrderStatistics => {
            let x = below(r, b, t, depth)?;
            library::order(r, b, op, x)
        }
        Op::Inv | Op::Solve | Op::Det | Op::Slogdet | Op::Eigh | Op::Svd => library::linalg(r, b, op, depth),
        Op::Iota => {
            let s = shape(r, 1);
            let axis = r.below(s.len()) as i64;
            let attrs = [
                (Key::Axis, Attr::Int(axis)),
                (Key::DType, Attr::DType(DType::I64)),
                (Key::Shape, Attr::Dims(s)),
            ];
            Make::node(b, op, Attrs::new(attrs), &[])
        }
        _ => None,
    }
}

/// An operand: a parameter, or a value one level deeper.
fn below(r: &mut Random, b: &mut Builder, t: DType, depth: usize) -> Option<Value> {
    if depth == 0 {
        let s = shape(r, 1);
        let x = input(b, "x", TensorType::new(t, s));
        return Some(informed(r, b, x));
    }
    let children = [
        Op::Add,
        Op::Multiply,
        Op::Negative,
        Op::Where,
        Op::Divide,
        Op::Sum,
        Op::Prod,
        Op::Min,
        Op::Max,
        Op::Any,
        Op::All,
        Op::Cumsum,
        Op::Slice,
        Op::Rechunk,
        Op::Transpose,
        Op::Reshape,
        Op::ExpandDims,
        Op::BroadcastTo,
        Op::Concatenate,
        Op::Pad,
        Op::Gather,
        Op::Matmul,
        Op::Sort,
        Op::Argsort,
        Op::Iota,
        Op::Power,
        Op::Subtract,
    ];
    let op = r.pick(&children);
    value_of(r, b, op, t, depth - 1)
}

/// Mostly the value itself, sometimes one of the same type and shape made from it about which something is known: its
/// sign, that it is not NaN, its bounds.
pub(crate) fn informed(r: &mut Random, b: &mut Builder, x: Value) -> Value {
    let t = b.dtype(x);
    let made = match (r.below(8), t.is_float(), t.is_int()) {
        (0, true, _) => b.unary(Op::Square, x),
        (1 | 2, true, _) => b.unary(Op::Isnan, x).and_then(|v| b.cast(v, t)),
        (3, true, _) => b.unary(Op::Isnan, x).and_then(|v| b.cast(v, t)).and_then(|v| b.unary(Op::Exp, v)),
        (4, true, _) => b.unary(Op::Tanh, x),
        (0, _, true) => b.unary(Op::Sign, x),
        (1, _, true) => b.unary(Op::Isnan, x).and_then(|v| b.cast(v, t)),
        _ => return x,
    };
    made.unwrap_or(x)
}

/// A slice of an axis that is inside it for the sizes of the tests.
pub(crate) fn slice(r: &mut Random, d: &Dim) -> Slice {
    let n = size(d) as i64;
    match r.below(6) {
        0 | 1 => Slice::full(d),
        // The first or the last element.
        2 if n > 0 => Slice { start: 0.into(), size: 1.into(), step: 1 },
        3 if n > 0 => Slice { start: d - 1, size: 1.into(), step: 1 },
        4 if n > 0 => Slice { start: d - 1, size: d.clone(), step: -1 },
        _ if n > 1 => {
            let start = r.below(n as usize) as i64;
            let step = r.pick(&[1, 1, 2]);
            Slice {
                start: start.into(),
                size: r.below(((n - start + step - 1) / step) as usize + 1).into(),
                step,
            }
        }
        _ => Slice::full(d),
    }
}

trait ReduceAxes {
    fn reduce_axes(&mut self, op: Op, x: Value, axes: &[i64], keep: bool) -> Option<Value>;
}

impl ReduceAxes for Builder {
    fn reduce_axes(&mut self, op: Op, x: Value, axes: &[i64], keep: bool) -> Option<Value> {
        // A reduction without identity over an empty axis is an error when it runs.
        if axes.iter().any(|a| size(&self.shape(x)[*a as usize]) == 0) {
            return None;
        }
        Make::reduce(self, op, x, axes, keep)
    }
}
