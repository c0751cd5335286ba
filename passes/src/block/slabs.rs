//! Slabs of values, asked for from the ends: a slice of a value is the operation on slices of its operands.

use super::along;
use super::flow::{End, Flow, Kind};
use crate::make::Make;
use crate::movement::slice_of;
use crate::rebuild::Ranges;
use frit_ir::build::Builder;
use frit_ir::graph::{Graph, Value};
use frit_ir::ops::{Class, Op};
use frit_ir::{Attrs, DType, Dim, Key, Slice, TensorType};
use std::collections::HashMap;

/// Operations through which one slice moves: bounds recursion. What lies deeper is computed as a whole.
const DEEPEST: usize = 400;
/// A value that is this many times smaller than its slabs' users is computed once, before the loop.
const SMALL: i64 = 64 << 10;

/// The part of an axis that a slab covers.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub(super) start: Dim,
    pub(super) rows: Dim,
}

/// A value of the old graph, or of the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Either {
    Old(Value),
    New(Value),
}

/// Builds a body.
pub(super) struct Slabs<'a> {
    g: &'a Graph,
    flow: &'a Flow,
    /// Values that exist outside.
    outside: &'a HashMap<Value, Value>,
    b: Builder,
    /// Old values that the body has as a whole.
    whole: HashMap<Value, Value>,
    captures: Vec<Value>,
    slabs: HashMap<(Value, Vec<Slice>), Option<Value>>,
    depth: usize,
}

impl<'a> Slabs<'a> {
    /// With parameters for the values that will be captured, as far as they are known.
    pub(super) fn new(
        g: &'a Graph,
        flow: &'a Flow,
        outside: &'a HashMap<Value, Value>,
        b: Builder,
        captures: &[Value],
    ) -> Slabs<'a> {
        let whole = HashMap::new();
        let mut s = Slabs { g, flow, outside, b, whole, captures: vec![], slabs: HashMap::new(), depth: 0 };
        for v in captures {
            s.capture(*v);
        }
        s
    }

    pub(super) fn builder(&mut self) -> &mut Builder {
        &mut self.b
    }

    /// The body, and the values that it captures.
    pub(super) fn finish(self) -> (Builder, Vec<Value>) {
        (self.b, self.captures)
    }

    /// The part of an end that a slab gives.
    pub(super) fn part(&mut self, end: &End, cut: &Cut) -> Option<Value> {
        let node = self.g.def(end.value);
        let slice = Slice { start: cut.start.clone(), size: cut.rows.clone(), step: 1 };
        let of = |s: &Slabs<'_>, v: Value, axis: usize| along(&s.g.ty(v).shape, axis, slice.clone());
        let operands: Vec<(Value, usize)> = match end.kind {
            Kind::Store => {
                let slices = of(self, end.value, end.axis);
                return self.slab(end.value, &slices);
            }
            Kind::Reduce(_) => vec![(node.inputs[0], end.axis)],
            Kind::Contract => {
                let (x, y) = (node.inputs[0], node.inputs[1]);
                vec![(x, end.axis), (y, self.g.ty(y).rank() - 2)]
            }
        };
        let mut parts = Vec::new();
        for (v, axis) in operands {
            let slices = of(self, v, axis);
            parts.push(self.slab(v, &slices)?);
        }
        self.b.set_loc(node.loc.clone());
        self.b.node(node.op, node.attrs.clone(), &parts).ok()
    }

    fn slab(&mut self, v: Value, slices: &[Slice]) -> Option<Value> {
        let key = (v, slices.to_vec());
        if let Some(done) = self.slabs.get(&key) {
            return *done;
        }
        self.depth += 1;
        let made = self.make_slab(v, slices);
        self.depth -= 1;
        self.slabs.insert(key, made);
        made
    }

    fn make_slab(&mut self, v: Value, slices: &[Slice]) -> Option<Value> {
        let node = self.g.def(v);
        let exists = self.outside.contains_key(&v);
        let source = matches!(node.op, Op::Input | Op::Literal) || node.types.len() != 1;
        let ended = exists && self.flow.stage_of_node(v.node).is_none();
        let small = || self.g.ty(v).bytes().as_const().is_some_and(|n| n <= SMALL);
        // Cheap to keep, and not cheap to make again in each loop.
        let kept = exists && !matches!(node.op.class(), Class::View | Class::Source) && small();
        if !(source || ended || kept) && self.depth < DEEPEST {
            self.b.set_loc(node.loc.clone());
            if let Some(made) = self.pushed(v, slices) {
                return Some(made);
            }
        }
        if let (Some(axis), false) = (self.flow.axis(v), exists) {
            // What narrows other axes too may stop at an operation that needs those: the slab first, then the rest.
            let mut own: Vec<Slice> = node.types[0].shape.iter().map(Slice::full).collect();
            own[axis] = slices[axis].clone();
            if own == slices {
                return None;
            }
            let part = self.slab(v, &own)?;
            let mut rest = slices.to_vec();
            rest[axis] = Slice::full(&slices[axis].size);
            return self.b.slice(part, &rest).ok();
        }
        let whole = self.whole(v)?;
        self.b.slice(whole, slices).ok()
    }

    /// The slice moved onto the operands.
    fn pushed(&mut self, v: Value, slices: &[Slice]) -> Option<Value> {
        let node = self.g.def(v);
        let shape = node.types[0].shape.clone();
        if node.op == Op::Iota {
            return self.iota(&node.attrs, slices);
        }
        let operands: Vec<Either> = node.inputs.iter().map(|x| Either::Old(*x)).collect();
        let made = slice_of(self, (node.op, &node.attrs, &operands), &shape, slices)
            .or_else(|| self.one_by_one(v, &operands, slices))?;
        self.new_value(made)
    }

    /// Operations that treat the other axes one by one: along one axis, or on matrices.
    fn one_by_one(&mut self, v: Value, operands: &[Either], slices: &[Slice]) -> Option<Either> {
        let node = self.g.def(v);
        let shape = &node.types[0].shape;
        // Axes of an operand, counted from its end, that it needs as a whole; the others stand where they do in the
        // result, `shift` axes further from its end.
        let (needed, shift): (&dyn Fn(usize, usize) -> bool, i64) = match node.op {
            Op::Argsort
            | Op::OrderStatistics
            | Op::ArgOrderStatistics
            | Op::Fft
            | Op::Ifft
            | Op::Rfft
            | Op::Irfft => {
                let axis = shape.len() - 1 - node.attrs.int(Key::Axis) as usize;
                if !slices[shape.len() - 1 - axis].is_full(&shape[shape.len() - 1 - axis]) {
                    return None;
                }
                // The second operand of order statistics holds positions.
                (&move |k, from_end| k > 0 || from_end == axis, 0)
            }
            Op::Gemm => (&|k, from_end| k == from_end && k < 2, 0),
            Op::Inv | Op::InvPosdef | Op::Cholesky | Op::Solve | Op::SolvePosdef | Op::SolveTriangular => {
                (&|_, from_end| from_end < 2, 0)
            }
            Op::Eigvalsh | Op::Eigvals | Op::Svdvals => (&|_, from_end| from_end < 2, -1),
            Op::Det => (&|_, from_end| from_end < 2, -2),
            _ => return None,
        };
        // What is needed as a whole of operands is so of the result, where it has it.
        let mut parts = Vec::new();
        for (k, x) in operands.iter().enumerate() {
            let from = self.shape(*x);
            let mut own: Vec<Slice> = from.iter().map(Slice::full).collect();
            for (axis, n) in from.iter().enumerate() {
                let from_end = from.len() - 1 - axis;
                let at = shape.len() as i64 - 1 - from_end as i64 - shift;
                if !needed(k, from_end) && at >= 0 && (!n.is(1) || shape[at as usize].is(1)) {
                    own[axis] = slices[at as usize].clone();
                }
            }
            parts.push(Make::slice(self, *x, &own)?);
        }
        let made = Make::node(self, node.op, node.attrs.clone(), &parts)?;
        let right = self.shape(made).iter().zip(slices).all(|(d, s)| *d == s.size);
        right.then_some(made)
    }

    /// Positions from the start of the slab on: `start + 0, 1, ..`, counted in integers.
    fn iota(&mut self, attrs: &Attrs, slices: &[Slice]) -> Option<Value> {
        let axis = attrs.int(Key::Axis) as usize;
        let Slice { start, step, .. } = &slices[axis];
        let sizes: Vec<Dim> = slices.iter().map(|s| s.size.clone()).collect();
        let b = &mut self.b;
        let mut v = b.iota(&sizes, axis, DType::I64).ok()?;
        if *step != 1 {
            let by = b.constant(frit_ir::Scalar::from_i64(DType::I64, *step));
            v = b.binary(Op::Multiply, v, by).ok()?;
        }
        let from = b.dim_value(start);
        v = b.binary(Op::Add, v, from).ok()?;
        b.cast(v, attrs.dtype(Key::DType)).ok()
    }

    /// The whole of an old value.
    fn whole(&mut self, v: Value) -> Option<Value> {
        if let Some(made) = self.whole.get(&v) {
            return Some(*made);
        }
        let node = self.g.def(v);
        let cheap = match node.op.class() {
            Class::Source => !matches!(node.op, Op::Input | Op::Literal),
            // A window on an array that exists.
            Class::View => self.depth < DEEPEST && !self.outside_end(v),
            _ => false,
        };
        if !cheap {
            return self.capture(v);
        }
        self.depth += 1;
        let inputs: Option<Vec<Value>> = node.inputs.iter().map(|x| self.whole(*x)).collect();
        self.depth -= 1;
        self.b.set_loc(node.loc.clone());
        let made = self.b.node(node.op, node.attrs.clone(), &inputs?).ok()?;
        self.whole.insert(v, made);
        Some(made)
    }

    fn outside_end(&self, v: Value) -> bool {
        self.flow.axis(v).is_some() || self.flow.stage_of_node(v.node).is_none()
    }

    fn capture(&mut self, v: Value) -> Option<Value> {
        self.outside.get(&v)?;
        let made = self.b.input(&format!("capture{}", self.captures.len()), self.g.ty(v).clone());
        self.captures.push(v);
        self.whole.insert(v, made);
        Some(made)
    }

    /// True if sizes are the same in each iteration. Where a slab crosses the seam of joined arrays they may not be.
    fn has_one_shape<'d>(&self, sizes: impl IntoIterator<Item = &'d Dim>) -> bool {
        sizes.into_iter().all(|d| self.b.ranges().iter().all(|(index, ..)| !d.mentions(index)))
    }

    fn new_value(&mut self, v: Either) -> Option<Value> {
        match v {
            Either::Old(v) => self.whole(v),
            Either::New(v) => Some(v),
        }
    }
}

impl Make for Slabs<'_> {
    type V = Either;

    fn ty(&self, v: Either) -> TensorType {
        match v {
            Either::Old(v) => self.g.ty(v).clone(),
            Either::New(v) => self.b.ty(v).clone(),
        }
    }

    fn node(&mut self, op: Op, attrs: Attrs, inputs: &[Either]) -> Option<Either> {
        let inputs: Option<Vec<Value>> = inputs.iter().map(|v| self.new_value(*v)).collect();
        let made = self.b.node(op, attrs, &inputs?).ok()?;
        self.has_one_shape(self.b.shape(made)).then_some(Either::New(made))
    }

    fn ranges(&self) -> &Ranges {
        self.b.ranges()
    }

    fn slice(&mut self, x: Either, slices: &[Slice]) -> Option<Either> {
        if slices.iter().zip(&self.shape(x)).all(|(s, d)| s.is_full(d)) {
            return Some(x);
        }
        if !self.has_one_shape(slices.iter().map(|s| &s.size)) {
            return None;
        }
        match x {
            Either::Old(v) => self.slab(v, slices),
            Either::New(v) => self.b.slice(v, slices).ok(),
        }
        .map(Either::New)
    }
}
