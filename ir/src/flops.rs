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

/// Number of matrices, rows, columns.
fn matrix(t: &TensorType) -> Option<(Dim, Dim, Dim)> {
    let r = t.rank().checked_sub(2)?;
    Some((crate::dim::product(&t.shape[..r]), t.shape[r].clone(), t.shape[r + 1].clone()))
}

/// `n * ceil(log2(n))`, for a constant.
fn n_log_n(n: &Dim) -> Option<i64> {
    let n = n.as_const()?.max(1);
    Some(n.saturating_mul(i64::from(64 - (n - 1).leading_zeros()).max(1)))
}

fn library(op: Op, attrs: &Attrs, operands: &[&TensorType], out: &TensorType) -> Option<Dim> {
    let x = operands.first()?;
    // A complex multiply-add is four real ones.
    let factor = if x.dtype.is_complex() { 4 } else { 1 };
    let thirds = |d: Dim, n: i64| (d * n).floor_div(&3.into());
    let columns = || operands.last().and_then(|t| t.shape.last().cloned());
    let work = match op {
        Op::Matmul => out.elements() * x.shape.last()? * 2,
        Op::Gemm => out.elements() * (x.shape.last()? * 2 + 3),
        Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft => {
            let n = attrs.dim(Key::N);
            let lines = out.elements().floor_div(out.shape.get(attrs.int(Key::Axis) as usize)?);
            // 5 n log2 n for complex elements, half of it for real ones; the factor above is in it.
            let each = if matches!(op, Op::Fft | Op::Ifft) { 5 } else { 3 };
            return Some(lines * n_log_n(n)?.saturating_mul(each));
        }
        Op::Sort | Op::Argsort => {
            let n = x.shape.get(attrs.int(Key::Axis) as usize)?;
            if n.is(0) {
                return Some(0.into());
            }
            return Some(x.elements().floor_div(n) * n_log_n(n)?);
        }
        Op::Searchsorted => {
            let n = x.shape.first()?.as_const()?.max(1);
            return Some(out.elements() * i64::from(64 - n.leading_zeros()));
        }
        _ => {
            let (batch, m, n) = matrix(x)?;
            let (cube, mns) = (&m * &m * &m, &m * &n * &m.minimum(&n));
            batch
                * match op {
                    Op::Inv => cube * 2,
                    Op::InvPosdef => cube,
                    Op::Cholesky => thirds(cube, 1),
                    Op::LuFactor => thirds(cube, if attrs.bool(Key::Posdef) { 1 } else { 2 }),
                    Op::LuSolve => &m * &m * columns()? * 2,
                    Op::Lu | Op::Det | Op::Slogdet => thirds(mns, 2),
                    Op::SolvePosdef => thirds(cube, 1) + &m * &m * columns()? * 2,
                    Op::Solve => thirds(cube, 2) + &m * &m * columns()? * 2,
                    Op::SolveTriangular => &m * &m * columns()?,
                    Op::Qr => mns * 4,
                    Op::Lstsq => mns * 4 + &m * &n * columns()? * 4,
                    Op::Svdvals => mns * 4,
                    Op::Svd => mns * 14,
                    Op::Eigvalsh => thirds(cube, 4),
                    Op::Eigh => cube * 9,
                    Op::Eigvals => cube * 10,
                    Op::Eig => cube * 25,
                    _ => return None,
                }
        }
    };
    Some(work * factor)
}
