//! NumPy's rules on top of [`GraphBuilder`]: promotion and casts, broadcasting, axis normalization, the default
//! element types of reductions. What the frontends and the decompositions of composite ops are written in.

use crate::attrs::{Attr, Attrs, Key, Slice};
use crate::dim::{Dim, Symbol, product};
use crate::dtype::{DType, Scalar, Typed, result_type};
use crate::error::{Cause, TypeError};
use crate::graph::{Graph, GraphBuilder, TensorType, Value};
use crate::infer::broadcast_shapes;
use crate::loc::Loc;
use crate::ops::{B, Class, Combine, I, Op, Promote};

/// An operand as the user wrote it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Operand {
    /// An array.
    Value(Value),
    /// A Python scalar: raises the kind of the result type, never its width.
    Weak(Scalar),
}

impl From<Value> for Operand {
    fn from(v: Value) -> Operand {
        Operand::Value(v)
    }
}

type Built = Result<Value, TypeError>;

/// Builds a graph with NumPy's semantics.
#[derive(Debug)]
pub struct Builder {
    graph: GraphBuilder,
    /// Ranges of the enclosing loop indices, outermost first: lets slice bounds be proven.
    ranges: Vec<(Symbol, Dim, Dim)>,
}

impl Builder {
    /// An empty graph.
    pub fn new(name: &str) -> Builder {
        Builder { graph: GraphBuilder::new(name), ranges: Vec::new() }
    }

    /// Continues with an existing builder.
    pub fn from_graph(graph: GraphBuilder) -> Builder {
        Builder { graph, ranges: Vec::new() }
    }

    /// The builder beneath.
    pub fn into_graph(self) -> GraphBuilder {
        self.graph
    }

    /// Declares an enclosing loop index with `lo <= index < hi`.
    pub fn push_range(&mut self, index: Symbol, lo: Dim, hi: Dim) {
        self.ranges.push((index, lo, hi));
    }

    /// The ranges of enclosing loop indices, outermost first.
    pub fn ranges(&self) -> &[(Symbol, Dim, Dim)] {
        &self.ranges
    }

    /// The location of nodes added from now on.
    pub fn set_loc(&mut self, loc: Loc) {
        self.graph.set_loc(loc);
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        self.graph.graph()
    }

    /// The type of a value.
    pub fn ty(&self, v: Value) -> &TensorType {
        self.graph.ty(v)
    }

    /// The shape of a value.
    pub fn shape(&self, v: Value) -> &[Dim] {
        &self.graph.ty(v).shape
    }

    /// The element type of a value.
    pub fn dtype(&self, v: Value) -> DType {
        self.graph.ty(v).dtype
    }

    /// Adds a parameter.
    pub fn input(&mut self, name: &str, ty: TensorType) -> Value {
        self.graph.input(name, ty)
    }

    /// Ends the graph with its results.
    pub fn finish(self, outputs: Vec<Value>) -> Graph {
        self.graph.finish(outputs)
    }

    /// Adds a node as it is.
    pub fn node(&mut self, op: Op, attrs: Attrs, inputs: &[Value]) -> Built {
        self.graph.add(op, attrs, inputs.to_vec())
    }

    /// An error at the current location.
    pub fn error(&self, op: Op, cause: Cause) -> TypeError {
        TypeError::new(op, cause).at(self.graph.loc())
    }

    /// A 0-d constant.
    pub fn constant(&mut self, value: Scalar) -> Value {
        let attrs = Attrs::new([(Key::Value, Attr::Scalar(value))]);
        self.graph.add(Op::Constant, attrs, vec![]).expect("a constant has no operands to be wrong")
    }

    /// A 0-d constant of the given type.
    pub fn number(&mut self, dtype: DType, value: f64) -> Value {
        self.constant(Scalar::from_f64(dtype, value))
    }

    /// An array filled with a constant.
    pub fn full(&mut self, shape: &[Dim], value: Scalar) -> Built {
        let c = self.constant(value);
        self.broadcast_to(c, shape)
    }

    /// An integer expression as a 0-d `int64`. A constant size stays a `dim_value` node: sizes reach kernels as
    /// parameters, so that another shape finds the same kernel.
    pub fn dim_value(&mut self, dim: &Dim) -> Value {
        let attrs = Attrs::new([(Key::Dim, Attr::Dim(dim.clone()))]);
        self.graph.add(Op::DimValue, attrs, vec![]).expect("a dim has no operands to be wrong")
    }

    /// The position along one axis of a shape.
    pub fn iota(&mut self, shape: &[Dim], axis: usize, dtype: DType) -> Built {
        let attrs = Attrs::new([
            (Key::Axis, Attr::Int(axis as i64)),
            (Key::DType, Attr::DType(dtype)),
            (Key::Shape, Attr::Dims(shape.to_vec())),
        ]);
        self.node(Op::Iota, attrs, &[])
    }

    /// `astype`.
    pub fn cast(&mut self, v: Value, to: DType) -> Built {
        if self.dtype(v) == to {
            return Ok(v);
        }
        if let Some(c) = self.graph().constant_of(v) {
            return Ok(self.constant(c.cast(to)));
        }
        self.node(Op::Cast, Attrs::new([(Key::DType, Attr::DType(to))]), &[v])
    }

    /// NumPy's result type of operands.
    pub fn result_type(&self, operands: &[Operand]) -> DType {
        let typed: Vec<Typed> = operands
            .iter()
            .map(|o| match o {
                Operand::Value(v) => Typed { dtype: self.dtype(*v), weak: false },
                Operand::Weak(s) => Typed { dtype: s.dtype(), weak: true },
            })
            .collect();
        result_type(&typed)
    }

    fn materialize(&mut self, operand: Operand, to: DType) -> Built {
        match operand {
            Operand::Value(v) => self.cast(v, to),
            Operand::Weak(s) => {
                // NEP 50: a Python integer must fit the array's type.
                if let (Some((lo, hi)), true) = (to.int_range(), s.dtype().is_int()) {
                    let v = s.as_i64() as i128;
                    if to != DType::Bool && (v < lo || v > hi) {
                        let why = format!("Python integer {v} out of bounds for {}", to.numpy_name());
                        return Err(self.error(Op::Cast, Cause::Value(why)));
                    }
                }
                Ok(self.constant(s.cast(to)))
            }
        }
    }

    /// The type in which an elementwise op works on operands of this common type.
    fn loop_dtype(&self, op: Op, common: DType) -> Result<DType, TypeError> {
        let def = op.def();
        let unsupported = || self.error(op, Cause::DTypes(vec![common]));
        let wants_float = def.promote == Promote::Float || def.promote == Promote::Float64;
        if def.promote == Promote::Bool {
            return Ok(DType::Bool);
        }
        if def.takes.has(common.kind()) && (common.is_inexact() || !wants_float) {
            return Ok(common);
        }
        let whole = I.has(common.kind()) || B.has(common.kind());
        if common == DType::Bool && def.takes.has(crate::dtype::Kind::Int) {
            // NumPy refuses these two on bool and says to use the logical functions.
            if matches!(op, Op::Negative | Op::Subtract | Op::Positive) {
                return Err(unsupported());
            }
            return Ok(DType::I8);
        }
        if whole && def.takes.has(crate::dtype::Kind::Float) {
            return match (def.promote, common.size()) {
                (Promote::Float64, _) => Ok(DType::F64),
                (_, 1) => Err(self.error(op, Cause::Float16(common))),
                (_, 2) => Ok(DType::F32),
                _ => Ok(DType::F64),
            };
        }
        Err(unsupported())
    }

    /// Applies an elementwise op with NumPy's promotion and broadcasting.
    pub fn elementwise(&mut self, op: Op, operands: &[Operand]) -> Built {
        let def = op.def();
        if operands.len() != def.min_inputs {
            let cause = Cause::Arity { want: def.min_inputs.to_string(), got: operands.len() };
            return Err(self.error(op, cause));
        }
        if let Some(exact) = self.mixed_signs(op, operands) {
            return exact;
        }
        let values: Vec<Value> = match def.promote {
            Promote::Where => {
                let condition = self.materialize(operands[0], DType::Bool)?;
                let t = self.result_type(&operands[1..]);
                vec![condition, self.materialize(operands[1], t)?, self.materialize(operands[2], t)?]
            }
            Promote::FloatInt => {
                let common = self.result_type(&operands[..1]);
                let t = if common.is_float() { common } else { self.loop_dtype(Op::Sqrt, common)? };
                let n = self.result_type(&operands[1..]);
                let n = if n.is_int() { n } else { DType::I64 };
                vec![self.materialize(operands[0], t)?, self.materialize(operands[1], n)?]
            }
            _ => {
                let common = self.result_type(operands);
                let t = self.loop_dtype(op, common)?;
                let mut values = Vec::with_capacity(operands.len());
                for o in operands {
                    values.push(self.materialize(*o, t)?);
                }
                values
            }
        };
        let attrs = match op {
            Op::MakeComplex => {
                let t = self.dtype(values[0]).to_complex();
                Attrs::new([(Key::DType, Attr::DType(t))])
            }
            _ => Attrs::NONE,
        };
        self.node(op, attrs, &values)
    }

    /// A comparison of `u64` with signed integers: exact as NumPy's, though no type holds both.
    fn mixed_signs(&mut self, op: Op, operands: &[Operand]) -> Option<Built> {
        let mirrored = match op {
            Op::Less => Op::Greater,
            Op::LessEqual => Op::GreaterEqual,
            Op::Greater => Op::Less,
            Op::GreaterEqual => Op::LessEqual,
            Op::Equal | Op::NotEqual => op,
            _ => return None,
        };
        let [Operand::Value(x), Operand::Value(y)] = *operands else { return None };
        let (op, whole, signed) = match (self.dtype(x), self.dtype(y)) {
            (DType::U64, t) if t.is_signed() => (op, x, y),
            (t, DType::U64) if t.is_signed() => (mirrored, y, x),
            _ => return None,
        };
        // Below 0 it is less than every unsigned number.
        let below = matches!(op, Op::Greater | Op::GreaterEqual | Op::NotEqual);
        let (join, test) = if below { (Op::LogicalOr, Op::Less) } else { (Op::LogicalAnd, Op::GreaterEqual) };
        let compare = |b: &mut Builder| {
            let same = b.cast(signed, DType::U64)?;
            let same = b.binary(op, whole, same)?;
            let zero = b.constant(Scalar::zero(b.dtype(signed)));
            let decided = b.binary(test, signed, zero)?;
            b.binary(join, decided, same)
        };
        Some(compare(self))
    }

    /// A unary elementwise op.
    pub fn unary(&mut self, op: Op, x: Value) -> Built {
        self.elementwise(op, &[x.into()])
    }

    /// A binary elementwise op.
    pub fn binary(&mut self, op: Op, x: Value, y: Value) -> Built {
        self.elementwise(op, &[x.into(), y.into()])
    }

    /// A binary elementwise op with a Python float.
    pub fn binary_weak(&mut self, op: Op, x: Value, y: f64) -> Built {
        self.elementwise(op, &[x.into(), Operand::Weak(Scalar::from_f64(DType::F64, y))])
    }

    /// `where(condition, x, y)`.
    pub fn select(&mut self, condition: Value, x: Value, y: Value) -> Built {
        self.elementwise(Op::Where, &[condition.into(), x.into(), y.into()])
    }

    /// Non-negative axes, sorted; `None` is all of them.
    pub fn axes(&self, op: Op, rank: usize, axes: Option<&[i64]>) -> Result<Vec<i64>, TypeError> {
        let Some(axes) = axes else { return Ok((0..rank as i64).collect()) };
        let mut out = Vec::with_capacity(axes.len());
        for a in axes {
            let k = self.axis(op, rank, *a)?;
            if out.contains(&k) {
                let cause = match op.class() {
                    Class::Reduce | Class::Composite => Cause::Value("duplicate value in 'axis'".into()),
                    _ => Cause::RepeatedAxis(*a),
                };
                return Err(self.error(op, cause));
            }
            out.push(k);
        }
        out.sort_unstable();
        Ok(out)
    }

    /// One non-negative axis.
    pub fn axis(&self, op: Op, rank: usize, axis: i64) -> Result<i64, TypeError> {
        let k = if axis < 0 { axis + rank as i64 } else { axis };
        if k < 0 || k >= rank as i64 {
            return Err(self.error(op, Cause::Axis { axis, rank }));
        }
        Ok(k)
    }

    /// Reduces with NumPy's choice of accumulator type: small integers and bool are summed as 64-bit integers,
    /// means of integers as `float64`.
    pub fn reduce(&mut self, op: Op, x: Value, axes: Option<&[i64]>, keepdims: bool) -> Built {
        self.reduce_with(op, x, axes, keepdims, Attrs::NONE)
    }

    /// [`Builder::reduce`] with the further attributes of a variance.
    pub fn reduce_with(
        &mut self,
        op: Op,
        x: Value,
        axes: Option<&[i64]>,
        keepdims: bool,
        more: Attrs,
    ) -> Built {
        let rank = self.ty(x).rank();
        let axes = self.axes(op, rank, axes)?;
        let t = self.dtype(x);
        let takes = op.def().takes;
        let to = match op {
            Op::Sum | Op::Prod | Op::Nansum | Op::Nanprod => match t.kind() {
                crate::dtype::Kind::Bool | crate::dtype::Kind::Int => DType::I64,
                crate::dtype::Kind::UInt => DType::U64,
                _ => t,
            },
            Op::Any | Op::All => DType::Bool,
            _ if !takes.has(t.kind()) && !t.is_inexact() => DType::F64,
            _ => t,
        };
        let x = self.cast(x, to)?;
        let attrs = more.with(Key::Axes, Attr::Ints(axes.clone())).with(Key::Keepdims, Attr::Bool(keepdims));
        if matches!(op.def().combine, Some(Combine::ArgMin | Combine::ArgMax)) && axes.len() != 1 {
            // Over all axes: the position in the flattened array.
            let flat = self.reshape(x, &[product(&self.shape(x).to_vec())])?;
            let one = self.reduce(op, flat, Some(&[0]), false)?;
            let shape = if keepdims { vec![Dim::constant(1); rank] } else { vec![] };
            return self.reshape(one, &shape);
        }
        self.node(op, attrs, &[x])
    }

    /// A running sum, product, minimum or maximum along an axis.
    pub fn cumulative(&mut self, op: Op, x: Value, axis: i64) -> Built {
        let axis = self.axis(op, self.ty(x).rank(), axis)?;
        let t = self.dtype(x);
        let to = match (op, t.kind()) {
            (Op::Cumsum | Op::Cumprod, crate::dtype::Kind::Bool | crate::dtype::Kind::Int) => DType::I64,
            (Op::Cumsum | Op::Cumprod, crate::dtype::Kind::UInt) => DType::U64,
            _ => t,
        };
        let x = self.cast(x, to)?;
        self.node(op, Attrs::new([(Key::Axis, Attr::Int(axis))]), &[x])
    }

    /// `reshape` to a full shape (no -1).
    pub fn reshape(&mut self, x: Value, shape: &[Dim]) -> Built {
        if self.shape(x) == shape {
            return Ok(x);
        }
        self.node(Op::Reshape, Attrs::new([(Key::Shape, Attr::Dims(shape.to_vec()))]), &[x])
    }

    /// `transpose` with a permutation of non-negative axes.
    pub fn transpose(&mut self, x: Value, perm: &[i64]) -> Built {
        if perm.iter().enumerate().all(|(k, p)| *p == k as i64) && perm.len() == self.ty(x).rank() {
            return Ok(x);
        }
        self.node(Op::Transpose, Attrs::new([(Key::Perm, Attr::Ints(perm.to_vec()))]), &[x])
    }

    /// Swaps the last two axes.
    pub fn matrix_transpose(&mut self, x: Value) -> Built {
        let rank = self.ty(x).rank() as i64;
        let mut perm: Vec<i64> = (0..rank).collect();
        if rank >= 2 {
            perm.swap(rank as usize - 1, rank as usize - 2);
        }
        self.transpose(x, &perm)
    }

    /// Broadcasts to a shape.
    pub fn broadcast_to(&mut self, x: Value, shape: &[Dim]) -> Built {
        if self.shape(x) == shape {
            return Ok(x);
        }
        self.node(Op::BroadcastTo, Attrs::new([(Key::Shape, Attr::Dims(shape.to_vec()))]), &[x])
    }

    /// Inserts axes of size 1 (positions in the result, non-negative, increasing).
    pub fn expand_dims(&mut self, x: Value, axes: &[i64]) -> Built {
        if axes.is_empty() {
            return Ok(x);
        }
        self.node(Op::ExpandDims, Attrs::new([(Key::Axes, Attr::Ints(axes.to_vec()))]), &[x])
    }

    /// Removes axes of size 1 (non-negative, increasing).
    pub fn squeeze(&mut self, x: Value, axes: &[i64]) -> Built {
        if axes.is_empty() {
            return Ok(x);
        }
        self.node(Op::Squeeze, Attrs::new([(Key::Axes, Attr::Ints(axes.to_vec()))]), &[x])
    }

    /// One slice per axis.
    pub fn slice(&mut self, x: Value, slices: &[Slice]) -> Built {
        if slices.len() == self.ty(x).rank() && slices.iter().zip(self.shape(x)).all(|(s, d)| s.is_full(d)) {
            return Ok(x);
        }
        self.node(Op::Slice, Attrs::new([(Key::Slices, Attr::Slices(slices.to_vec()))]), &[x])
    }

    /// A slice along one axis, the others whole.
    pub fn slice_axis(&mut self, x: Value, axis: usize, slice: Slice) -> Built {
        let mut slices: Vec<Slice> = self.shape(x).iter().map(Slice::full).collect();
        slices[axis] = slice;
        self.slice(x, &slices)
    }

    /// `x` with a window replaced.
    pub fn update_slice(&mut self, x: Value, v: Value, slices: &[Slice]) -> Built {
        let t = self.dtype(x);
        let v = self.cast(v, t)?;
        let attrs = Attrs::new([(Key::Slices, Attr::Slices(slices.to_vec()))]);
        self.node(Op::UpdateSlice, attrs, &[x, v])
    }

    /// Joins along an axis, after promotion to a common type.
    pub fn concatenate(&mut self, xs: &[Value], axis: i64) -> Built {
        let Some(first) = xs.first() else {
            let cause = Cause::Value("need at least one array to concatenate".into());
            return Err(self.error(Op::Concatenate, cause));
        };
        let axis = self.axis(Op::Concatenate, self.ty(*first).rank(), axis)?;
        let xs = self.common(xs)?;
        self.node(Op::Concatenate, Attrs::new([(Key::Axis, Attr::Int(axis))]), &xs)
    }

    /// Casts arrays to their result type.
    pub fn common(&mut self, xs: &[Value]) -> Result<Vec<Value>, TypeError> {
        let operands: Vec<Operand> = xs.iter().map(|v| Operand::Value(*v)).collect();
        let t = self.result_type(&operands);
        xs.iter().map(|v| self.cast(*v, t)).collect()
    }

    /// `x` at integer positions: one `int64` index array per axis in `axes`, broadcast together.
    pub fn gather(&mut self, x: Value, axes: &[i64], indices: &[Value]) -> Built {
        let mut inputs = vec![x];
        for i in indices {
            inputs.push(self.cast(*i, DType::I64)?);
        }
        self.node(Op::Gather, Attrs::new([(Key::Axes, Attr::Ints(axes.to_vec()))]), &inputs)
    }

    /// `take` along an axis: the index array's axes stand where the axis was.
    pub fn take(&mut self, x: Value, indices: Value, axis: i64) -> Built {
        let rank = self.ty(x).rank();
        let axis = self.axis(Op::Gather, rank, axis)?;
        let g = self.gather(x, &[axis], &[indices])?;
        // The gather puts the index axes first; move them behind the axes that precede `axis`.
        let k = self.ty(indices).rank() as i64;
        let perm: Vec<i64> = (k..k + axis).chain(0..k).chain(k + axis..k + rank as i64 - 1).collect();
        self.transpose(g, &perm)
    }

    /// The matrix product of arrays with at least two axes.
    pub fn matmul(&mut self, x: Value, y: Value) -> Built {
        let xs = self.common(&[x, y])?;
        self.node(Op::Matmul, Attrs::NONE, &xs)
    }

    /// Calls a composite, view, library or other op with explicit attributes.
    pub fn call(&mut self, op: Op, attrs: Attrs, inputs: &[Value]) -> Built {
        debug_assert!(op.class() != Class::Elementwise || op.def().attrs.len() == attrs.iter().count());
        self.node(op, attrs, inputs)
    }

    /// Broadcasts several arrays to one shape.
    pub fn broadcast_arrays(&mut self, xs: &[Value]) -> Result<Vec<Value>, TypeError> {
        let shapes: Vec<&[Dim]> = xs.iter().map(|v| self.shape(*v)).collect();
        let Some(shape) = broadcast_shapes(&shapes) else {
            let types = xs.iter().map(|v| self.ty(*v).clone()).collect();
            return Err(self.error(Op::BroadcastTo, Cause::Broadcast(types)));
        };
        xs.iter().map(|v| self.broadcast_to(*v, &shape)).collect()
    }
}
