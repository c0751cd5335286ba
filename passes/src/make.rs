//! One vocabulary for building nodes, so that a transformation is written once and serves both the deterministic
//! passes (over a graph builder) and the rewrite rules (over an e-graph).

use crate::rebuild::Ranges;
use frit_ir::build::Builder;
use frit_ir::graph::Value;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice, TensorType};

/// Makes nodes. `None` means that the node would not type-check: the transformation does not apply.
pub(crate) trait Make {
    /// A value: of a graph, or a class of an e-graph.
    type V: Copy + PartialEq;

    fn ty(&self, v: Self::V) -> TensorType;

    fn node(&mut self, op: Op, attrs: Attrs, inputs: &[Self::V]) -> Option<Self::V>;

    /// Bounds of the loop indices in scope.
    fn ranges(&self) -> &Ranges;

    fn shape(&self, v: Self::V) -> Vec<Dim> {
        self.ty(v).shape
    }

    fn dtype(&self, v: Self::V) -> DType {
        self.ty(v).dtype
    }

    /// `a <= b` for every value of the symbols.
    fn proves_le(&self, a: &Dim, b: &Dim) -> bool {
        (b - a).proves_nonnegative(self.ranges())
    }

    fn constant(&mut self, value: Scalar) -> Option<Self::V> {
        self.node(Op::Constant, Attrs::new([(Key::Value, Attr::Scalar(value))]), &[])
    }

    fn elementwise(&mut self, op: Op, inputs: &[Self::V]) -> Option<Self::V> {
        self.node(op, Attrs::NONE, inputs)
    }

    fn slice(&mut self, x: Self::V, slices: &[Slice]) -> Option<Self::V> {
        if slices.iter().zip(&self.shape(x)).all(|(s, d)| s.is_full(d)) {
            return Some(x);
        }
        self.node(Op::Slice, Attrs::new([(Key::Slices, Attr::Slices(slices.to_vec()))]), &[x])
    }

    fn transpose(&mut self, x: Self::V, perm: &[i64]) -> Option<Self::V> {
        if perm.iter().enumerate().all(|(k, p)| *p == k as i64) {
            return Some(x);
        }
        self.node(Op::Transpose, Attrs::new([(Key::Perm, Attr::Ints(perm.to_vec()))]), &[x])
    }

    fn matrix_transpose(&mut self, x: Self::V) -> Option<Self::V> {
        let rank = self.shape(x).len();
        let mut perm: Vec<i64> = (0..rank as i64).collect();
        perm.swap(rank.checked_sub(2)?, rank - 1);
        self.transpose(x, &perm)
    }

    fn reshape(&mut self, x: Self::V, shape: &[Dim]) -> Option<Self::V> {
        if self.shape(x) == shape {
            return Some(x);
        }
        self.node(Op::Reshape, Attrs::new([(Key::Shape, Attr::Dims(shape.to_vec()))]), &[x])
    }

    fn broadcast_to(&mut self, x: Self::V, shape: &[Dim]) -> Option<Self::V> {
        if self.shape(x) == shape {
            return Some(x);
        }
        self.node(Op::BroadcastTo, Attrs::new([(Key::Shape, Attr::Dims(shape.to_vec()))]), &[x])
    }

    fn expand_dims(&mut self, x: Self::V, axes: &[i64]) -> Option<Self::V> {
        if axes.is_empty() {
            return Some(x);
        }
        self.node(Op::ExpandDims, Attrs::new([(Key::Axes, Attr::Ints(axes.to_vec()))]), &[x])
    }

    fn squeeze(&mut self, x: Self::V, axes: &[i64]) -> Option<Self::V> {
        if axes.is_empty() {
            return Some(x);
        }
        self.node(Op::Squeeze, Attrs::new([(Key::Axes, Attr::Ints(axes.to_vec()))]), &[x])
    }

    fn reduce(&mut self, op: Op, x: Self::V, axes: &[i64], keepdims: bool) -> Option<Self::V> {
        let attrs =
            Attrs::new([(Key::Axes, Attr::Ints(axes.to_vec())), (Key::Keepdims, Attr::Bool(keepdims))]);
        self.node(op, attrs, &[x])
    }

    fn cast(&mut self, x: Self::V, to: DType) -> Option<Self::V> {
        if self.dtype(x) == to {
            return Some(x);
        }
        self.node(Op::Cast, Attrs::new([(Key::DType, Attr::DType(to))]), &[x])
    }
}

impl Make for Builder {
    type V = Value;

    fn ty(&self, v: Value) -> TensorType {
        Builder::ty(self, v).clone()
    }

    fn node(&mut self, op: Op, attrs: Attrs, inputs: &[Value]) -> Option<Value> {
        Builder::node(self, op, attrs, inputs).ok()
    }

    fn ranges(&self) -> &Ranges {
        Builder::ranges(self)
    }
}
