//! Products with matrices of which it is known where their elements are: diagonal matrices, identities, rows that have a
//! single one, zeros.
//!
//! Zeros times what is not finite are NaN: rules up to `reassociate` ask for operands that are finite (`facts/range.rs`).

use super::super::facts::one_hot as one_hot_positions;
use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node};
use super::linalg::{diagonal, transposed_source};
use super::matmul::product_type;
use crate::make::Make;
use crate::pass::MathLevel::{Exact, Fast, Reassociate};
use egg::Id;
use frit_ir::{Attr, Attrs, DType, Key, Literal, Op, Scalar, TensorType};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    node("matmul-identity-known", Exact,       &[Op::Matmul],   identity_known),
    node("matmul-diagonal-known", Reassociate, &[Op::Matmul],   |r, n| both_finite(r, n).then(|| diagonal_factor(r, n))?).exact_for_ints(),
    node("matmul-diagonal",       Fast,        &[Op::Matmul],   diagonal_factor).exact_for_ints(),
    node("matmul-one-hot-known",  Reassociate, &[Op::Matmul],   |r, n| both_finite(r, n).then(|| one_hot(r, n))?).exact_for_ints(),
    node("matmul-one-hot",        Fast,        &[Op::Matmul],   one_hot).exact_for_ints(),
    node("matmul-zeros-known",    Reassociate, &[Op::Matmul],   |r, n| both_finite(r, n).then(|| zeros(r, n))?).exact_for_ints(),
    node("matmul-zeros",          Fast,        &[Op::Matmul],   zeros).exact_for_ints(),
];

/// The operand of a product, 0 or 1, of which something is known: `None` if neither is such.
fn structured(r: &Rewriter<'_>, n: &ENode, f: impl Fn(&Rewriter<'_>, Id) -> bool) -> Option<usize> {
    (0..2).find(|k| f(r, n.children[*k]))
}

/// Whether the other operand is finite, whichever is the structured one.
fn both_finite(r: &Rewriter<'_>, n: &ENode) -> bool {
    n.children.iter().all(|c| r.range(*c).finite())
}

fn is_square(r: &Rewriter<'_>, x: Id) -> bool {
    matches!(r.shape(x).as_slice(), [.., m, n] if m == n)
}

fn is_identity(r: &Rewriter<'_>, x: Id) -> bool {
    is_square(r, x) && r.structure(x).is_identity()
}

/// An identity adds zeros to one element, which keeps all its bits unless it is -0.0.
fn identity_known(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let other = n.children[1 - structured(r, n, is_identity)?];
    let range = r.range(other);
    if !range.finite() || !range.never_minus_zero() {
        return None;
    }
    let shape = product_type(r, n)?.shape;
    r.broadcast_to(other, &shape)
}

/// `d @ b` scales the rows of `b`, and `a @ d` the columns of `a`; an identity does nothing.
fn diagonal_factor(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let shape = product_type(r, n)?.shape;
    let k = structured(r, n, |r, x| is_square(r, x) && r.structure(x).band.is_diagonal())?;
    let (d, other) = (n.children[k], n.children[1 - k]);
    if r.structure(d).is_identity() {
        return r.broadcast_to(other, &shape);
    }
    let rank = r.shape(d).len() as i64;
    let factor = diagonal(r, d)?;
    let factor = r.expand_dims(factor, &[if k == 0 { rank - 1 } else { rank - 2 }])?;
    r.elementwise(Op::Multiply, &[other, factor])
}

/// Where the single one of each row of a constant is, or of each column, if all other elements are zeros.
fn literal_selection(r: &mut Rewriter<'_>, x: Id, by_columns: bool) -> Option<Id> {
    let n = r.form(x, Op::Literal)?;
    let at = one_hot_positions(r.attrs(&n).data(), by_columns)?;
    let ty = TensorType::new(DType::I64, [at.len()].map(Into::into));
    let bytes = at.iter().flat_map(|k| k.to_ne_bytes()).collect();
    r.node(Op::Literal, Attrs::new([(Key::Data, Attr::Data(Literal { ty, bytes }))]), &[])
}

/// Where the single one of each row is, if all other elements are zeros.
fn selection(r: &mut Rewriter<'_>, x: Id) -> Option<Id> {
    if r.shape(x).len() != 2 {
        return None;
    }
    if let Some(at) = literal_selection(r, x, false) {
        return Some(at);
    }
    // One row alone, or several.
    let one = r.form(x, Op::ExpandDims).filter(|e| r.attrs(e).ints(Key::Axes) == [0]);
    let (rows, rank) = one.map_or((x, 1), |e| (e.children[0], 0));
    // Rows and columns of an identity are the same.
    let of_identity = |g: &&ENode| {
        let attrs = r.attrs(g);
        matches!(attrs.ints(Key::Axes), [_])
            && is_identity(r, g.children[0])
            && r.shape(g.children[1]).len() == rank
    };
    let at = r.forms(rows, Op::Gather).iter().find(of_identity)?.children[1];
    if rank == 0 { r.expand_dims(at, &[0]) } else { Some(at) }
}

/// `eye[at] @ b -> b[at]`, and `a @ eye[at].T -> a[:, at]`.
fn one_hot(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (a, b) = (n.children[0], n.children[1]);
    let rows = |axis: i64| Attrs::new([(Key::Axes, Attr::Ints(vec![axis]))]);
    if let Some(at) = selection(r, a).filter(|_| r.shape(b).len() == 2) {
        return r.node(Op::Gather, rows(0), &[b, at]);
    }
    if r.shape(a).len() != 2 {
        return None;
    }
    let at = match literal_selection(r, b, true) {
        Some(at) => at,
        None => {
            let source = transposed_source(r, b)?;
            selection(r, source)?
        }
    };
    let columns = r.node(Op::Gather, rows(1), &[a, at])?;
    r.matrix_transpose(columns)
}

fn zeros(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let t = product_type(r, n)?;
    structured(r, n, |r, x| r.value(x).is_some_and(|c| c.as_complex() == 0.0.into()))?;
    let zero = r.constant(Scalar::zero(t.dtype))?;
    r.broadcast_to(zero, &t.shape)
}
