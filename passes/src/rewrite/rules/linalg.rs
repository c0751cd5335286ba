//! Linear algebra: systems instead of inverses, cheaper factorizations for matrices with structure, values without
//! vectors, determinants of parts.
//!
//! Where NumPy meets a pivot that is exactly 0 and raises an error, the cheaper form of rules up to `reassociate` does, too,
//! unless what was singular is no part of it any more; rules that answer where NumPy refuses are `fast`. Where a pivot is 0 but
//! for rounding, either may raise. A NaN spreads as far as a substitution reads it.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pair, pattern, result};
use crate::make::Make;
use crate::pass::MathLevel::{Fast, Reassociate};
use egg::Id;
use frit_ir::{Attr, Attrs, DType, Key, Op};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pattern("inverse-left",           Reassociate, "(matmul (inv ?a) ?b)",         "(solve ?a ?b)"),
    node("inverse-right",             Reassociate, &[Op::Matmul],                  inverse_right),
    node("inverse-cast",              Reassociate, &[Op::Matmul],                  inverse_cast),
    pattern("inverse-product",        Reassociate, "(inv (matmul ?a ?b))",         "(matmul (inv ?b) (inv ?a))"),
    pattern("inverse-inverse",        Fast,        "(inv (inv ?a))",               "?a"),
    pair("inverse-of-transpose",      Reassociate, &[Op::Inv],                     of_transpose),
    pair("transpose-of-inverse",      Reassociate, &[Op::Transpose],               transpose_of_inverse),
    node("inverse-triangular",        Reassociate, &[Op::Inv],                     inverse_triangular),
    pattern("solve-product",          Reassociate, "(solve (matmul ?a ?b) ?c)",    "(solve ?b (solve ?a ?c))"),
    node("inverse-positive-definite", Reassociate, &[Op::Inv],                     inverse_positive_definite),
    pattern("solve-add",              Reassociate, "(add (solve ?a ?b) (solve ?a ?c))",           "(solve ?a (add ?b ?c))"),
    pattern("solve-subtract",         Reassociate, "(subtract (solve ?a ?b) (solve ?a ?c))",      "(solve ?a (subtract ?b ?c))"),
    node("solve-identity",            Reassociate, &[Op::Solve],                   solve_identity),
    node("solve-triangular",          Reassociate, &[Op::Solve],                   solve_triangular),
    node("solve-positive-definite",   Reassociate, &[Op::Solve],                   solve_positive_definite),
    node("determinant-product",       Reassociate, &[Op::Det],                     determinant_product),
    pattern("determinant-inverse",    Fast,        "(det (inv ?a))",               "(reciprocal (det ?a))"),
    pair("determinant-transpose",     Reassociate, &[Op::Det],                     of_transpose),
    node("determinant-triangular",    Reassociate, &[Op::Det],                     determinant_triangular),
    result("determinant-sign-product", Reassociate, Op::Slogdet, 0,                sign_of_product),
    result("determinant-log-product", Reassociate, Op::Slogdet, 1,                 log_of_product),
    result("determinant-sign-triangular", Reassociate, Op::Slogdet, 0,             sign_of_triangular),
    result("determinant-log-triangular", Reassociate, Op::Slogdet, 1,              log_of_triangular),
    result("eigenvalues-only",        Reassociate, Op::Eigh, 0,                    eigenvalues_only),
    result("singular-values-only",    Reassociate, Op::Svd, 1,                     singular_values_only),
];

/// True for a transpose of the last two axes alone.
fn is_matrix_transpose(r: &Rewriter<'_>, n: &ENode) -> bool {
    let attrs = r.attrs(n);
    let perm = attrs.ints(Key::Perm);
    let rank = perm.len() as i64;
    let swapped = |k: i64| match rank - k {
        1 => rank - 2,
        2 => rank - 1,
        _ => k,
    };
    rank >= 2 && perm.iter().enumerate().all(|(k, p)| *p == swapped(k as i64))
}

/// What a matrix is the transpose of, as one of its forms says.
pub(super) fn transposed_source(r: &Rewriter<'_>, x: Id) -> Option<Id> {
    r.forms(x, Op::Transpose).iter().find(|n| is_matrix_transpose(r, n)).map(|n| n.children[0])
}

/// The last two axes exchanged, without a transpose of a transpose.
pub(super) fn transposed(r: &mut Rewriter<'_>, x: Id) -> Option<Id> {
    match transposed_source(r, x) {
        Some(source) => Some(source),
        None => r.matrix_transpose(x),
    }
}

/// `b @ inv(a) -> solve(a.T, b.T).T`.
fn inverse_right(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let a = r.form(n.children[1], Op::Inv)?.children[0];
    let (at, bt) = (transposed(r, a)?, transposed(r, n.children[0])?);
    let x = r.elementwise(Op::Solve, &[at, bt])?;
    r.matrix_transpose(x)
}

/// NumPy inverts `float32` in `float64`, and rounds: the product with what was not rounded yet, which may be a system.
fn inverse_cast(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let narrow = r.dtype(n.children[0]);
    let wide = |r: &Rewriter<'_>, x: Id| {
        let casts = r.forms(x, Op::Cast);
        let inverse = casts.iter().map(|c| c.children[0]).find(|y| r.form(*y, Op::Inv).is_some())?;
        let t = r.dtype(inverse);
        (t.is_complex() == narrow.is_complex() && t.size() > narrow.size()).then_some(inverse)
    };
    let (a, b) = match (wide(r, n.children[0]), wide(r, n.children[1])) {
        (Some(a), _) => (a, r.cast(n.children[1], r.dtype(a))?),
        (None, Some(b)) => (r.cast(n.children[0], r.dtype(b))?, b),
        (None, None) => return None,
    };
    let product = r.elementwise(Op::Matmul, &[a, b])?;
    r.cast(product, narrow)
}

/// `f(a.T) -> f(a).T`, or without the transpose for numbers.
fn of_transpose(r: &mut Rewriter<'_>, f: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Transpose) || !is_matrix_transpose(r, x) {
        return None;
    }
    let y = r.elementwise(f.op()?, &[x.children[0]])?;
    if f.op() == Some(Op::Det) { Some(y) } else { r.matrix_transpose(y) }
}

/// The other way round, so that what stands at a transposed inverse finds an inverse.
fn transpose_of_inverse(r: &mut Rewriter<'_>, t: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Inv) || !is_matrix_transpose(r, t) {
        return None;
    }
    let at = transposed(r, x.children[0])?;
    r.elementwise(Op::Inv, &[at])
}

/// Which triangle of a matrix may hold something else than zeros, if only one does.
fn triangle(r: &Rewriter<'_>, a: Id) -> Option<bool> {
    let band = r.structure(a).band;
    if band.is_lower() { Some(true) } else { band.is_upper().then_some(false) }
}

fn by_triangle(r: &mut Rewriter<'_>, a: Id, b: Id, lower: bool) -> Option<Id> {
    r.node(Op::SolveTriangular, Attrs::new([(Key::Lower, Attr::Bool(lower))]), &[a, b])
}

fn solve_triangular(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let lower = triangle(r, n.children[0])?;
    by_triangle(r, n.children[0], n.children[1], lower)
}

/// The identity of the size and type of a matrix.
pub(super) fn identity(r: &mut Rewriter<'_>, a: Id) -> Option<Id> {
    let t = r.ty(a);
    let plane = &t.shape[t.rank() - 2..];
    let mut positions = |axis: i64| {
        let attrs = Attrs::new([
            (Key::Axis, Attr::Int(axis)),
            (Key::DType, Attr::DType(DType::I64)),
            (Key::Shape, Attr::Dims(plane.to_vec())),
        ]);
        r.node(Op::Iota, attrs, &[])
    };
    let (i, j) = (positions(0)?, positions(1)?);
    let eye = r.elementwise(Op::Equal, &[j, i])?;
    r.cast(eye, t.dtype)
}

/// The columns of an identity solved for, in the triangle.
fn inverse_triangular(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let lower = triangle(r, n.children[0])?;
    let eye = identity(r, n.children[0])?;
    by_triangle(r, n.children[0], eye, lower)
}

fn inverse_positive_definite(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    if !is_positive_definite(r, n.children[0]) {
        return None;
    }
    r.elementwise(Op::InvPosdef, &n.children)
}

fn solve_identity(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    if !r.structure(n.children[1]).is_identity() {
        return None;
    }
    r.elementwise(Op::Inv, &[n.children[0]])
}

/// Whether Cholesky's factorization is the one to try first. Systems with a triangle need none.
pub(super) fn is_positive_definite(r: &Rewriter<'_>, a: Id) -> bool {
    let s = r.structure(a);
    s.symmetric && s.definite && !s.band.is_lower() && !s.band.is_upper()
}

fn solve_positive_definite(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    if !is_positive_definite(r, n.children[0]) {
        return None;
    }
    r.elementwise(Op::SolvePosdef, &n.children)
}

/// The diagonal of the last two axes, which becomes the last.
pub(super) fn diagonal(r: &mut Rewriter<'_>, a: Id) -> Option<Id> {
    let rank = r.shape(a).len() as i64;
    let attrs = [(Key::Axis, rank - 2), (Key::Axis2, rank - 1), (Key::Offset, 0)];
    r.node(Op::Diagonal, Attrs::new(attrs.map(|(k, v)| (k, Attr::Int(v)))), &[a])
}

pub(super) fn over_last(r: &mut Rewriter<'_>, op: Op, x: Id) -> Option<Id> {
    let last = r.shape(x).len() as i64 - 1;
    r.reduce(op, x, &[last], false)
}

/// `log|det|` of the factors of a determinant.
pub(super) fn log_of(r: &mut Rewriter<'_>, factors: Id) -> Option<Id> {
    let sizes = r.elementwise(Op::Absolute, &[factors])?;
    let logs = r.elementwise(Op::Log, &[sizes])?;
    over_last(r, Op::Sum, logs)
}

/// The determinant from its sign and logarithm, as NumPy makes it: the product of the factors could overflow on the way.
pub(super) fn determinant_of(r: &mut Rewriter<'_>, sign: Id, log: Id) -> Option<Id> {
    let size = r.elementwise(Op::Exp, &[log])?;
    let size = r.cast(size, r.dtype(sign))?;
    r.elementwise(Op::Multiply, &[sign, size])
}

fn sign_of_diagonal(r: &mut Rewriter<'_>, a: Id) -> Option<Id> {
    let d = diagonal(r, a)?;
    let signs = r.elementwise(Op::Sign, &[d])?;
    over_last(r, Op::Prod, signs)
}

fn determinant_triangular(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    triangle(r, n.children[0])?;
    let (sign, d) = (sign_of_diagonal(r, n.children[0])?, diagonal(r, n.children[0])?);
    let log = log_of(r, d)?;
    determinant_of(r, sign, log)
}

/// `sign(a b)` or `log|a b|` from those of `a` and `b`.
fn of_product(r: &mut Rewriter<'_>, n: &ENode, index: u32, combine: Op) -> Option<Id> {
    let product = r.form(n.children[0], Op::Matmul)?;
    let a = r.result(Op::Slogdet, Attrs::NONE, &[product.children[0]], index)?;
    let b = r.result(Op::Slogdet, Attrs::NONE, &[product.children[1]], index)?;
    r.elementwise(combine, &[a, b])
}

fn determinant_product(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (sign, log) = (sign_of_product(r, n)?, log_of_product(r, n)?);
    determinant_of(r, sign, log)
}

fn sign_of_product(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    of_product(r, n, 0, Op::Multiply)
}

fn log_of_product(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    of_product(r, n, 1, Op::Add)
}

fn sign_of_triangular(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    triangle(r, n.children[0])?;
    sign_of_diagonal(r, n.children[0])
}

fn log_of_triangular(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    triangle(r, n.children[0])?;
    let d = diagonal(r, n.children[0])?;
    log_of(r, d)
}

fn eigenvalues_only(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let attrs = r.attrs(n);
    r.node(Op::Eigvalsh, attrs, &n.children)
}

fn singular_values_only(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    r.elementwise(Op::Svdvals, &n.children)
}
