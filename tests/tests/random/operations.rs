//! Operations with more to them: gathers and scatters, order and products, chains of several nodes.

use crate::draw::{Values, element};
use crate::generate::{Built, Generator, no};
use frit_ir::build::Builder;
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Value};

impl Generator {
    /// Positions inside an axis: a parameter, or other integers brought into range.
    fn positions(&mut self, d: &Dim, shape: &[Dim]) -> Built {
        let n = self.least(d);
        if n == 0 {
            return Err(no());
        }
        self.input_of(DType::I64, shape, move |r| {
            Scalar::from_i64(DType::I64, r.below(2 * n as usize) as i64 - n)
        })
        .ok_or_else(no)
    }

    pub(crate) fn indexed(&mut self) -> Built {
        let x = self.any();
        let shape = self.shape(x);
        let rank = shape.len();
        if rank == 0 {
            return Err(no());
        }
        let axes: Vec<i64> = if self.r.one_in(2) {
            vec![self.r.below(rank) as i64]
        } else {
            (0..rank as i64).filter(|_| self.r.one_in(2)).collect()
        };
        if axes.is_empty() {
            return Err(no());
        }
        let index_shape: Vec<Dim> = match self.r.below(4) {
            0 => vec![],
            1 => vec![self.dim()],
            2 => vec![Dim::symbol("n")],
            _ => vec![self.dim(), self.dim()],
        };
        let mut indices = Vec::new();
        for a in &axes {
            let own = if self.r.one_in(4) {
                index_shape.iter().map(|_| 1.into()).collect()
            } else {
                index_shape.clone()
            };
            let i = self.positions(&shape[*a as usize], &own)?;
            indices.push(i);
        }
        if self.r.one_in(2) {
            return self.b.gather(x, &axes, &indices);
        }
        let front: Vec<&[Dim]> = indices.iter().map(|v| self.b.shape(*v)).collect();
        let mut window = frit_ir::infer::broadcast_shapes(&front).ok_or_else(no)?;
        window.extend(
            shape.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64))).map(|(_, d)| d.clone()),
        );
        if !self.fits(&window) {
            return Err(no());
        }
        let t = self.b.dtype(x);
        let v = match self.r.below(3) {
            0 => {
                let c = element(&mut self.r, t, self.values);
                self.b.constant(c)
            }
            _ => self.input(t, &window).ok_or_else(no)?,
        };
        let mode = self.r.pick(&["set", "add", "multiply", "minimum", "maximum"]);
        if t.is_complex() && matches!(mode, "minimum" | "maximum") {
            return Err(no());
        }
        let mut args = vec![x, v];
        args.extend(&indices);
        let attrs = [(Key::Axes, Attr::Ints(axes)), (Key::Mode, Attr::Str(mode.into()))];
        self.b.node(Op::Scatter, Attrs::new(attrs), &args)
    }

    pub(crate) fn library(&mut self) -> Built {
        let x = self.any();
        match self.r.below(6) {
            0 | 1 => {
                let attrs = Attrs::new([(Key::Axis, Attr::Int(self.axis(x)? as i64))]);
                let op = self.r.pick(&[Op::Sort, Op::Argsort]);
                if self.is_rough(x) && (op == Op::Argsort || self.b.dtype(x).is_complex()) {
                    return Err(no());
                }
                self.b.node(op, attrs, &[x])
            }
            2 => {
                let vectors: Vec<Value> =
                    self.pool.iter().copied().filter(|v| self.b.ty(*v).rank() == 1).collect();
                if vectors.is_empty() {
                    return Err(no());
                }
                let v = self.r.pick(&vectors);
                if self.is_rough(v) || self.is_rough(x) || self.b.dtype(v) != self.b.dtype(x) {
                    return Err(no());
                }
                let sorted = self.b.node(Op::Sort, Attrs::new([(Key::Axis, Attr::Int(0))]), &[v])?;
                let mode = self.r.pick(&["left", "right"]);
                self.b.node(Op::Searchsorted, Attrs::new([(Key::Mode, Attr::Str(mode.into()))]), &[sorted, x])
            }
            _ => {
                let shape = self.shape(x);
                let inner = shape.last().cloned().ok_or_else(no)?;
                let fitting: Vec<Value> = self
                    .pool
                    .iter()
                    .copied()
                    .filter(|v| {
                        let s = self.b.shape(*v);
                        s.len() >= 2 && s[s.len() - 2] == inner && self.b.dtype(*v) == self.b.dtype(x)
                    })
                    .collect();
                if shape.len() < 2 {
                    return Err(no());
                }
                let y = match fitting.is_empty() {
                    true => {
                        let (s, t) = ([inner, self.dim()], self.b.dtype(x));
                        self.input(t, &s).ok_or_else(no)?
                    }
                    false => self.r.pick(&fitting),
                };
                self.b.matmul(x, y)
            }
        }
    }

    /// Chains that programs are made of: softmax, normalization, distances.
    pub(crate) fn chain(&mut self) -> Built {
        let x = self.any();
        let axis = self.axis(x)? as i64;
        let t = self.b.dtype(x);
        if !t.is_float() || self.values == Values::Special {
            return Err(no());
        }
        let reduce = |b: &mut Builder, op, x| b.reduce(op, x, Some(&[axis]), true);
        match self.r.below(4) {
            0 => {
                let m = reduce(&mut self.b, Op::Max, x)?;
                let d = self.b.binary(Op::Subtract, x, m)?;
                let e = self.b.unary(Op::Exp, d)?;
                let s = reduce(&mut self.b, Op::Sum, e)?;
                self.b.binary(Op::Divide, e, s)
            }
            1 => {
                let m = reduce(&mut self.b, Op::Mean, x)?;
                let d = self.b.binary(Op::Subtract, x, m)?;
                let q = self.b.unary(Op::Square, d)?;
                let v = reduce(&mut self.b, Op::Mean, q)?;
                let v = self.b.binary_weak(Op::Add, v, 0.5)?;
                let s = self.b.unary(Op::Sqrt, v)?;
                self.b.binary(Op::Divide, d, s)
            }
            2 => {
                // All pairs along the axis, reduced again.
                let (p, q) = (self.b.expand_dims(x, &[axis])?, self.b.expand_dims(x, &[axis + 1])?);
                let d = self.b.binary(Op::Subtract, p, q)?;
                let d = self.b.unary(Op::Absolute, d)?;
                let op = self.r.pick(&[Op::Sum, Op::Max]);
                self.b.reduce(op, d, Some(&[axis + 1]), false)
            }
            _ => {
                let e = self.b.unary(Op::Tanh, x)?;
                let c = self.b.cumulative(Op::Cumsum, e, axis)?;
                let n = reduce(&mut self.b, Op::Max, c)?;
                self.b.binary(Op::Subtract, c, n)
            }
        }
    }

    pub(crate) fn source(&mut self) -> Built {
        let shape: Vec<Dim> = (0..1 + self.r.below(2)).map(|_| self.dim()).collect();
        match self.r.below(3) {
            0 => {
                let d = self.dim();
                Ok(self.b.dim_value(&d))
            }
            1 => {
                let (axis, t) = (self.r.below(shape.len()), self.r.pick(&self.dtypes.clone()));
                if !self.fits(&shape) {
                    return Err(no());
                }
                self.b.iota(&shape, axis, if t == DType::Bool { DType::I64 } else { t })
            }
            _ => {
                let t = self.r.pick(&self.dtypes.clone());
                self.input(t, &shape).ok_or_else(no)
            }
        }
    }
}
