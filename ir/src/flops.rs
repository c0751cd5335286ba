//! How many arithmetic operations a node takes, as an expression over sizes: what pictures show, diagnostics count as
//! FLOPs, and the cost of library routines follows from.
//!
//! Elementwise ops count the primitives of their body (an `exp` is one, a complex product six), reductions one
//! operation per element, library routines the usual leading terms (Golub & Van Loan, Matrix Computations, 4th ed.).

use crate::attrs::{Attr, Attrs, Key};
use crate::dim::Dim;
use crate::graph::{Graph, TensorType};
use crate::ops::{Class, Op};
use crate::prim::ScalarInst;
use std::ops::{Add, Mul};

/// Operations of a node with operands of these types and results like `out`, regions included; `None` if it depends on
/// data or is no polynomial of sizes.
pub fn of_op(op: Op, attrs: &Attrs, operands: &[&TensorType], out: &TensorType) -> Option<Dim> {
    let first = operands.first().copied();
    match op.class() {
        Class::Source | Class::View | Class::Movement => Some(0.into()),
        Class::Elementwise => {
            let types: Vec<_> = operands.iter().map(|t| t.dtype).collect();
            let body = op.scalar_fn(&types, out.dtype);
            let prims = body.insts.iter().filter(|i| matches!(i, ScalarInst::Prim(..))).count();
            Some(out.elements() * prims as i64)
        }
        Class::Reduce | Class::Cumulative => {
            let x = first?;
            Some(x.elements() * if x.dtype.is_complex() { 2 } else { 1 })
        }
        Class::Library => library(op, attrs, operands, out),
        // Replaced by other ops before anything is computed.
        Class::Composite => None,
        Class::Region => region(op, attrs),
    }
}

/// Sum over the nodes of a graph.
fn of_graph(graph: &Graph) -> Option<Dim> {
    let live = graph.live();
    let nodes = graph.ids().filter(|id| live[id.0 as usize]);
    let work = |id| {
        let node = graph.node(id);
        let operands: Vec<&TensorType> = node.inputs.iter().map(|v| graph.ty(*v)).collect();
        of_op(node.op, &node.attrs, &operands, &node.types[0])
    };
    nodes.map(work).try_fold(Dim::constant(0), |sum, w| Some(sum + w?))
}

fn region(op: Op, attrs: &Attrs) -> Option<Dim> {
    let inside = |key| match attrs.get(key) {
        Some(Attr::Graph(g)) => of_graph(g),
        _ => None,
    };
    match op {
        Op::For => {
            let (lo, hi) = (attrs.dim(Key::Lo), attrs.dim(Key::Hi));
            let (body, index) = (inside(Key::Body)?, attrs.str(Key::Index));
            let trips = hi - lo;
            // An arithmetic series, if the work is affine in the index.
            let (slope, rest) = body.affine_in(index)?;
            Some(&slope * &(&trips * &(lo + hi - 1)).floor_div(&2.into()) + trips * rest)
        }
        Op::If => Some(inside(Key::Body)?.maximum(&inside(Key::Else)?)),
        _ => None,
    }
}

/// What operations are counted in: expressions over sizes, or numbers, which do not end at 64 bits.
pub trait Count: Clone + Add<Output = Self> + Mul<Output = Self> {
    /// `self * n / d`.
    fn scaled(self, n: i64, d: i64) -> Self;
    /// The smaller one.
    fn least(&self, other: &Self) -> Self;
}

impl Count for Dim {
    fn scaled(self, n: i64, d: i64) -> Dim {
        let product = self * n;
        if d == 1 { product } else { product.floor_div(&d.into()) }
    }

    fn least(&self, other: &Dim) -> Dim {
        self.minimum(other)
    }
}

impl Count for f64 {
    fn scaled(self, n: i64, d: i64) -> f64 {
        self * n as f64 / d as f64
    }

    fn least(&self, other: &f64) -> f64 {
        self.min(*other)
    }
}

/// `n * ceil(log2(n))`, for a constant.
fn n_log_n(n: &Dim) -> Option<i64> {
    let n = n.as_const()?.max(1);
    Some(n.saturating_mul(i64::from(64 - (n - 1).leading_zeros()).max(1)))
}

fn library(op: Op, attrs: &Attrs, operands: &[&TensorType], out: &TensorType) -> Option<Dim> {
    let x = operands.first()?;
    match op {
        Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft => {
            let n = attrs.dim(Key::N);
            let lines = out.elements().floor_div(out.shape.get(attrs.int(Key::Axis) as usize)?);
            // 5 n log2 n for complex elements, half of it for real ones: the factor of complex arithmetic is in it.
            let each = if matches!(op, Op::Fft | Op::Ifft) { 5 } else { 3 };
            Some(lines * n_log_n(n)?.saturating_mul(each))
        }
        Op::Sort | Op::Argsort => {
            let n = x.shape.get(attrs.int(Key::Axis) as usize)?;
            if n.is(0) {
                return Some(0.into());
            }
            Some(x.elements().floor_div(n) * n_log_n(n)?)
        }
        Op::Searchsorted => {
            let n = x.shape.first()?.as_const()?.max(1);
            Some(out.elements() * i64::from(64 - n.leading_zeros()))
        }
        _ => of_matrices(op, attrs, operands, out, &Dim::clone),
    }
}

/// Operations of a routine for matrices, sizes taken as `size` says; `None` for another one.
pub fn of_matrices<C: Count>(
    op: Op,
    attrs: &Attrs,
    operands: &[&TensorType],
    out: &TensorType,
    size: &impl Fn(&Dim) -> C,
) -> Option<C> {
    let x = operands.first()?;
    // A complex multiply-add is four real ones.
    let factor = if x.dtype.is_complex() { 4 } else { 1 };
    let all = |dims: &[Dim]| dims.iter().map(size).fold(size(&Dim::constant(1)), |a, b| a * b);
    if matches!(op, Op::Matmul | Op::Gemm) {
        let (elements, depth) = (all(&out.shape), size(x.shape.last()?));
        let scaling = if op == Op::Gemm { 3 } else { 0 };
        return Some((elements.clone() * depth.scaled(2, 1) + elements.scaled(scaling, 1)).scaled(factor, 1));
    }
    let r = x.rank().checked_sub(2)?;
    let (batch, m, n) = (all(&x.shape[..r]), size(&x.shape[r]), size(&x.shape[r + 1]));
    let columns = || operands.last().and_then(|t| t.shape.last()).map(size);
    let square = m.clone() * m.clone();
    let (cube, mns) = (square.clone() * m.clone(), m.clone() * n.clone() * m.least(&n));
    let solved = || Some(square.clone() * columns()?);
    let each = match op {
        Op::Inv => cube.scaled(2, 1),
        Op::InvPosdef => cube,
        Op::Cholesky => cube.scaled(1, 3),
        Op::LuFactor => cube.scaled(if attrs.bool(Key::Posdef) { 1 } else { 2 }, 3),
        Op::LuSolve => solved()?.scaled(2, 1),
        Op::Lu | Op::Det | Op::Slogdet => mns.scaled(2, 3),
        Op::SolvePosdef => cube.scaled(1, 3) + solved()?.scaled(2, 1),
        Op::Solve => cube.scaled(2, 3) + solved()?.scaled(2, 1),
        Op::SolveTriangular => solved()?,
        Op::Qr => mns.scaled(4, 1),
        Op::Lstsq => mns.scaled(4, 1) + m * n * columns()?.scaled(4, 1),
        Op::Svdvals => mns.scaled(4, 1),
        Op::Svd => mns.scaled(14, 1),
        Op::Eigvalsh => cube.scaled(4, 3),
        Op::Eigh => cube.scaled(9, 1),
        Op::Eigvals => cube.scaled(10, 1),
        Op::Eig => cube.scaled(25, 1),
        _ => return None,
    };
    Some((batch * each).scaled(factor, 1))
}
