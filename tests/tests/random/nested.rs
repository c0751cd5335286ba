//! Reductions of reductions: over short constant axes and long ones, of differences between all pairs, with something
//! elementwise, a view or a use of the original between one and the next.

use crate::generate::{Built, Generator, no};
use frit_ir::{Attr, Attrs, DType, Dim, Key, Op, Scalar, Slice, Value};

impl Generator {
    /// A size of a short axis, or one of the program's.
    fn short(&mut self) -> Dim {
        match self.r.below(3) {
            0 => self.dim(),
            _ => Dim::constant(1 + self.r.below(8) as i64),
        }
    }

    /// An array with short axes among its axes.
    fn with_short_axes(&mut self) -> Built {
        let shape: Vec<Dim> = (0..2 + self.r.below(2)).map(|_| self.short()).collect();
        let t = self.r.pick(&self.dtypes.clone());
        self.input(t, &shape).ok_or_else(no)
    }

    /// Some axes of a value: a single one, the last ones, all, or any.
    fn some_axes(&mut self, x: Value) -> Vec<i64> {
        let rank = self.b.ty(x).rank();
        match self.r.below(5) {
            0 | 1 if rank > 0 => vec![self.r.below(rank) as i64],
            2 if rank > 0 => (self.r.below(rank) as i64..rank as i64).collect(),
            3 => (0..rank as i64).collect(),
            _ => (0..rank as i64).filter(|_| self.r.one_in(2)).collect(),
        }
    }

    fn some_reduction(&mut self, x: Value) -> Built {
        let t = self.b.dtype(x);
        let op = match self.r.below(10) {
            0..=3 => Op::Sum,
            4 => Op::Max,
            5 => Op::Min,
            6 => Op::Mean,
            7 if t == DType::Bool || t.is_int() => self.r.pick(&[Op::Any, Op::All, Op::CountNonzero]),
            7 => self.r.pick(&[Op::Var, Op::Std, Op::Nansum, Op::Nanmax]),
            8 => self.r.pick(&[Op::Prod, Op::Any, Op::CountNonzero]),
            _ => self.r.pick(&[Op::Argmin, Op::Argmax, Op::Logsumexp]),
        };
        let mut axes = self.some_axes(x);
        if matches!(op, Op::Argmin | Op::Argmax) {
            axes.truncate(1);
        }
        let keep = self.r.one_in(2);
        self.reduce_by(op, x, &axes, keep)
    }

    /// What stands between two reductions.
    fn between(&mut self, x: Value, original: Value) -> Built {
        let rank = self.b.ty(x).rank() as i64;
        match self.r.below(9) {
            0 => self.elementwise(Op::Absolute, &[x]),
            1 => self.elementwise(Op::Square, &[x]),
            2 if self.b.dtype(x).is_float() => self.elementwise(Op::Tanh, &[x]),
            3 => {
                let y = self.partner(x);
                let op = self.r.pick(&[Op::Add, Op::Multiply, Op::Maximum]);
                self.elementwise(op, &[x, y])
            }
            4 => {
                let shapes = [self.b.shape(x), self.b.shape(original)];
                let same = self.b.dtype(x) == self.b.dtype(original);
                if !same || frit_ir::infer::broadcast_shapes(&shapes).is_none() {
                    return Ok(x);
                }
                self.elementwise(Op::Subtract, &[original, x])
            }
            5 if rank >= 2 => {
                let mut order: Vec<i64> = (0..rank).collect();
                order.rotate_left(1 + self.r.below(rank as usize - 1));
                self.b.transpose(x, &order)
            }
            6 if rank >= 1 => {
                let axis = self.r.below(rank as usize);
                let n = self.shape(x)[axis].clone();
                self.b.slice_axis(x, axis, Slice { start: &n - 1, size: n, step: -1 })
            }
            7 if rank >= 1 => {
                // Neighbours.
                let axis = self.r.below(rank as usize);
                let shift = Attr::Dims(vec![(self.r.below(3) as i64 - 1).into()]);
                let attrs = Attrs::new([(Key::Axes, Attr::Ints(vec![axis as i64])), (Key::Shift, shift)]);
                let y = self.b.node(Op::Roll, attrs, &[x])?;
                self.elementwise(Op::Add, &[x, y])
            }
            8 => {
                let to = self.r.pick(&[DType::F64, DType::F32, DType::I64]);
                if self.is_rough(x) && !to.is_inexact() || self.b.dtype(x).is_complex() {
                    return Ok(x);
                }
                self.b.cast(x, to)
            }
            _ => Ok(x),
        }
    }

    /// `x[.., :, None, ..] op y[.., None, :, ..]`.
    fn pairs(&mut self, x: Value) -> Built {
        let shape = self.shape(x);
        let axis = self.axis(x)?;
        let y = if self.r.one_in(2) {
            x
        } else {
            let mut other = shape;
            other[axis] = self.short();
            let t = self.b.dtype(x);
            self.input(t, &other).ok_or_else(no)?
        };
        let p = self.b.expand_dims(x, &[axis as i64 + 1])?;
        let q = self.b.expand_dims(y, &[axis as i64])?;
        let op = match self.b.dtype(x) {
            DType::Bool => self.r.pick(&[Op::LogicalXor, Op::Less, Op::LogicalAnd]),
            t if t.is_complex() => self.r.pick(&[Op::Subtract, Op::Multiply]),
            _ => self.r.pick(&[Op::Subtract, Op::Subtract, Op::Multiply, Op::Maximum, Op::Less]),
        };
        self.elementwise(op, &[p, q])
    }

    /// Two or three reductions on top of each other.
    pub(crate) fn nested(&mut self) -> Built {
        let x = if self.r.one_in(3) { self.any() } else { self.with_short_axes()? };
        let mut v = if self.r.one_in(2) { self.pairs(x)? } else { x };
        if self.r.one_in(2) {
            v = self.between(v, x)?;
        }
        for _ in 0..2 + self.r.below(2) {
            if !self.evaluate() {
                return Err(no());
            }
            let original = v;
            v = self.some_reduction(v)?;
            if !self.evaluate() {
                return Err(no());
            }
            if self.r.one_in(8) {
                // A result that others use as well.
                self.pool.push(v);
            }
            for _ in 0..self.r.below(3) {
                v = self.between(v, original)?;
            }
        }
        if self.r.one_in(4) {
            let c = Scalar::from_i64(self.b.dtype(v), 1);
            let c = self.b.constant(c);
            v = self.elementwise(Op::Add, &[v, c])?;
        }
        Ok(v)
    }
}
