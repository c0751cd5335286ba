//! Random operands of library ops: matrices with structure, systems that are far from singular, sorted arrays.

use super::generate::{Random, informed, input};
use crate::make::Make;
use frit_ir::build::Builder;
use frit_ir::graph::{TensorType, Value};
use frit_ir::{Attr, Attrs, DType, Dim, Key, Literal, Op, Scalar};

fn iota(b: &mut Builder, shape: &[Dim], axis: i64) -> Option<Value> {
    let attrs = [
        (Key::Axis, Attr::Int(axis)),
        (Key::DType, Attr::DType(DType::I64)),
        (Key::Shape, Attr::Dims(shape.to_vec())),
    ];
    Make::node(b, Op::Iota, Attrs::new(attrs), &[])
}

/// Where a square matrix has its diagonal, or one side of it.
fn mask(b: &mut Builder, n: &Dim, side: Op) -> Option<Value> {
    let shape = [n.clone(), n.clone()];
    let (i, j) = (iota(b, &shape, 0)?, iota(b, &shape, 1)?);
    Make::elementwise(b, side, &[j, i])
}

fn eye(b: &mut Builder, n: &Dim, t: DType) -> Option<Value> {
    let on = mask(b, n, Op::Equal)?;
    Make::cast(b, on, t)
}

/// What a mask leaves of a matrix.
fn masked(b: &mut Builder, x: Value, side: Op) -> Option<Value> {
    let on = mask(b, &b.shape(x)[0].clone(), side)?;
    let zero = b.constant(Scalar::zero(b.dtype(x)));
    Make::elementwise(b, Op::Where, &[on, x, zero])
}

/// An operand of a matrix product.
pub(super) fn matrix(r: &mut Random, b: &mut Builder, t: DType, rows: &Dim, cols: &Dim) -> Option<Value> {
    let new = |r: &mut Random, b: &mut Builder, shape: [&Dim; 2]| {
        let x = input(b, "x", TensorType::new(t, shape.map(Dim::clone)));
        informed(r, b, x)
    };
    let square = rows == cols;
    match r.below(20) {
        0..=5 => {
            let x = new(r, b, [cols, rows]);
            Make::matrix_transpose(b, x)
        }
        6 if square => eye(b, rows, t),
        7 | 8 if square => {
            let x = new(r, b, [rows, cols]);
            masked(b, x, Op::Equal)
        }
        9 => {
            let (factor, x) = (new(r, b, [rows, &1.into()]), new(r, b, [rows, cols]));
            Make::elementwise(b, Op::Multiply, &[factor, x])
        }
        10 => {
            let (factor, x) = (new(r, b, [&1.into(), cols]), new(r, b, [rows, cols]));
            Make::elementwise(b, Op::Multiply, &[x, factor])
        }
        11 => {
            let (u, v) = (new(r, b, [rows, &1.into()]), new(r, b, [&1.into(), cols]));
            Make::elementwise(b, Op::Multiply, &[u, v])
        }
        12 | 13 if super::size(cols) >= 2 => {
            let e = eye(b, cols, t)?;
            let at = input(b, "index", TensorType::new(DType::I64, [rows.clone()]));
            Make::node(b, Op::Gather, Attrs::new([(Key::Axes, Attr::Ints(vec![0]))]), &[e, at])
        }
        14 => {
            let zero = b.constant(Scalar::zero(t));
            Make::broadcast_to(b, zero, &[rows.clone(), cols.clone()])
        }
        16 | 17 if t != DType::Bool => match (rows.as_const(), cols.as_const()) {
            (Some(m), Some(n)) => literal(r, b, t, m as usize, n as usize),
            _ => Some(new(r, b, [rows, cols])),
        },
        15 if square && t == DType::F64 => {
            let a = system(r, b, rows, 1)?;
            Make::elementwise(b, Op::Inv, &[a])
        }
        _ => Some(new(r, b, [rows, cols])),
    }
}

/// A constant: one diagonal, one side of it, a single one in each row, or anything.
fn literal(r: &mut Random, b: &mut Builder, t: DType, rows: usize, columns: usize) -> Option<Value> {
    let (kind, first, value) = (r.below(5), r.below(columns.max(1)), r.pick(&[1, 1, 2, 5]));
    let mut bytes = Vec::new();
    for i in 0..rows {
        for j in 0..columns {
            let v = match kind {
                0 => i64::from(i == j) * value,
                1 => i64::from(i + first == j) * value,
                2 => i64::from(i <= j) * value,
                3 => i64::from((i * 7 + first) % columns == j),
                _ => r.below(3) as i64,
            };
            bytes.extend(Scalar::from_i64(t, v).to_bytes());
        }
    }
    let ty = TensorType::new(t, [rows, columns].map(Into::into));
    let data = Literal { ty, bytes: bytes.into() };
    Make::node(b, Op::Literal, Attrs::new([(Key::Data, Attr::Data(data))]), &[])
}

/// A square matrix of f64 with a strong diagonal, of any structure.
pub(crate) fn system(r: &mut Random, b: &mut Builder, n: &Dim, depth: usize) -> Option<Value> {
    let x = input(b, "x", TensorType::new(DType::F64, [n.clone(), n.clone()]));
    let e = eye(b, n, DType::F64)?;
    let large = b.constant(Scalar::from_f64(DType::F64, 64.0));
    let bump = Make::elementwise(b, Op::Multiply, &[e, large])?;
    let strong = |b: &mut Builder, x: Value| Make::elementwise(b, Op::Add, &[x, bump]);
    let kind = if depth == 0 { r.below(6) } else { r.below(11) };
    match kind {
        0 => strong(b, x),
        1 | 2 => {
            let x = strong(b, x)?;
            masked(b, x, if kind == 1 { Op::LessEqual } else { Op::GreaterEqual })
        }
        3 => {
            let t = Make::matrix_transpose(b, x)?;
            let gram = Make::elementwise(b, Op::Matmul, &[t, x])?;
            strong(b, gram)
        }
        4 => Some(e),
        5 => {
            let x = strong(b, x)?;
            let t = Make::matrix_transpose(b, x)?;
            Make::elementwise(b, Op::Add, &[x, t])
        }
        6 => {
            let t = Make::matrix_transpose(b, x)?;
            let gram = Make::elementwise(b, Op::Matmul, &[x, t])?;
            let gram = strong(b, gram)?;
            Make::elementwise(b, Op::Cholesky, &[gram])
        }
        7 | 8 => {
            let x = system(r, b, n, depth - 1)?;
            Make::matrix_transpose(b, x)
        }
        9 => {
            let (x, y) = (system(r, b, n, depth - 1)?, system(r, b, n, depth - 1)?);
            Make::elementwise(b, Op::Matmul, &[x, y])
        }
        _ => {
            let x = system(r, b, n, depth - 1)?;
            Make::elementwise(b, Op::Inv, &[x])
        }
    }
}

/// A factorization, or what is computed by one.
pub(super) fn linalg(r: &mut Random, b: &mut Builder, op: Op, depth: usize) -> Option<Value> {
    let n = r.pick(&[Dim::symbol("n"), Dim::symbol("m"), 4.into(), 1.into()]);
    let a = system(r, b, &n, depth)?;
    let flags = op.def().attrs.iter().map(|(key, _)| (*key, Attr::Bool(r.coin())));
    let attrs = Attrs::new(flags.collect::<Vec<_>>());
    if op.def().min_inputs == 1 {
        return Make::node(b, op, attrs, &[a]);
    }
    let right = if r.below(3) == 0 {
        eye(b, &n, DType::F64)?
    } else {
        input(b, "x", TensorType::new(DType::F64, [n, r.pick(&[Dim::symbol("m"), 1.into()])]))
    };
    Make::node(b, op, attrs, &[a, right])
}

/// A sort, or a selection, of an array with axes.
pub(super) fn order(r: &mut Random, b: &mut Builder, op: Op, x: Value) -> Option<Value> {
    let rank = b.shape(x).len();
    if rank == 0 {
        return None;
    }
    let axis = r.below(rank) as i64;
    let attrs = Attrs::new([(Key::Axis, Attr::Int(axis))]);
    if op.def().min_inputs == 1 {
        return Make::node(b, op, attrs, &[x]);
    }
    if super::size(&b.shape(x)[axis as usize]) == 0 {
        return None;
    }
    // Positions for all rows, or for each.
    let mut shape = b.shape(x).to_vec();
    shape[axis as usize] = r.pick(&[Dim::symbol("m"), 2.into(), 1.into()]);
    let shape = if r.coin() { vec![shape[axis as usize].clone()] } else { shape };
    let kth = input(b, "index", TensorType::new(DType::I64, shape));
    Make::node(b, op, attrs, &[x, kth])
}

/// `x` at the positions that sort it, or another array.
pub(super) fn take_argsorted(r: &mut Random, b: &mut Builder, x: Value) -> Option<Value> {
    let shape = b.shape(x).to_vec();
    if shape.is_empty() {
        return None;
    }
    let axis = r.below(shape.len());
    let axes: Vec<i64> = (0..shape.len() as i64).collect();
    let along = r.below(shape.len());
    if super::size(&shape[axis]) > super::size(&shape[along]) {
        return None;
    }
    let at = Make::node(b, Op::Argsort, Attrs::new([(Key::Axis, Attr::Int(axis as i64))]), &[x])?;
    let mut args = vec![x];
    for k in 0..shape.len() {
        args.push(if k == along { at } else { iota(b, &shape, k as i64)? });
    }
    Make::node(b, Op::Gather, Attrs::new([(Key::Axes, Attr::Ints(axes))]), &args)
}
