//! Matrix products: association, distribution, and results of which only a part is needed.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pair, pattern};
use crate::fuse::UNROLLED;
use crate::make::Make;
use crate::pass::MathLevel::{Exact, Reassociate};
use egg::{Id, Subst};
use frit_ir::{Key, Op, Scalar};

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    pattern("matmul-right",       Reassociate, "(matmul (matmul ?a ?b) ?c)",   "(matmul ?a (matmul ?b ?c))").when(is_short).exact_for_ints(),
    pattern("matmul-left",        Reassociate, "(matmul ?a (matmul ?b ?c))",   "(matmul (matmul ?a ?b) ?c)").when(is_short).exact_for_ints(),
    pattern("matmul-add-left",    Reassociate, "(add (matmul ?a ?b) (matmul ?a ?c))",      "(matmul ?a (add ?b ?c))").exact_for_ints(),
    pattern("matmul-add-right",   Reassociate, "(add (matmul ?a ?c) (matmul ?b ?c))",      "(matmul (add ?a ?b) ?c)").exact_for_ints(),
    pattern("matmul-subtract-left",  Reassociate, "(subtract (matmul ?a ?b) (matmul ?a ?c))", "(matmul ?a (subtract ?b ?c))").exact_for_ints(),
    pattern("matmul-subtract-right", Reassociate, "(subtract (matmul ?a ?c) (matmul ?b ?c))", "(matmul (subtract ?a ?b) ?c)").exact_for_ints(),
    pattern("matmul-scaled-left", Reassociate, "(matmul (multiply ?a ?c) ?b)", "(multiply (matmul ?a ?b) ?c)").when(|r, s| r.shape(r.var(s, "?c")).is_empty()).exact_for_ints(),
    pattern("matmul-scaled-right", Reassociate, "(matmul ?a (multiply ?b ?c))", "(multiply (matmul ?a ?b) ?c)").when(|r, s| r.shape(r.var(s, "?c")).is_empty()).exact_for_ints(),
    pair("sum-matmul-columns",    Reassociate, &[Op::Sum],      sum_columns).exact_for_ints(),
    pair("sum-matmul-rows",       Reassociate, &[Op::Sum],      sum_rows).exact_for_ints(),
    pair("diagonal-matmul",       Reassociate, &[Op::Diagonal], diagonal_matmul).exact_for_ints(),
    node("matmul-short-vector",   Reassociate, &[Op::Matmul],   short_vector).exact_for_ints(),
    node("matmul-scaled-rows",    Reassociate, &[Op::Matmul],   scaled_rows).exact_for_ints(),
    node("matmul-scaled-columns", Reassociate, &[Op::Matmul],   scaled_columns).exact_for_ints(),
    node("gemm",                  Exact,       &[Op::Add, Op::Subtract], gemm),
];

/// Factors of the longest chains that are associated here; `associate` has put longer ones in order before.
const SHORT: usize = 6;

/// Factors of a product, as its first forms have them; at most one more than `SHORT`.
fn count_factors(r: &Rewriter<'_>, x: Id, most: usize) -> usize {
    let product = if most > 1 { r.form(x, Op::Matmul) } else { None };
    let Some(n) = product else { return 1 };
    let left = count_factors(r, n.children[0], most - 1);
    left + if left < most { count_factors(r, n.children[1], most - left) } else { 0 }
}

fn is_short(r: &Rewriter<'_>, s: &Subst) -> bool {
    let count = |v| count_factors(r, r.var(s, v), SHORT + 1);
    count("?a") + count("?b") + count("?c") <= SHORT
}

/// Products with one row or column and an inner size so small that its sum is an expression: nothing is reused, and as
/// a loop it fuses with what is around it.
fn short_vector(r: &mut Rewriter<'_>, m: &ENode) -> Option<Id> {
    let (a, b) = (m.children[0], m.children[1]);
    let (left, right) = (r.shape(a), r.shape(b));
    let short = left.last()?.as_const().is_some_and(|k| (1..=UNROLLED).contains(&k));
    let (rows, columns) = (left[left.len() - 2].clone(), right[right.len() - 1].clone());
    if !short || !(rows.is(1) || columns.is(1)) {
        return None;
    }
    let bt = r.matrix_transpose(b)?;
    let product = r.elementwise(Op::Multiply, &[a, bt])?;
    let rank = r.shape(product).len() as i64;
    if columns.is(1) {
        return r.reduce(Op::Sum, product, &[rank - 1], true);
    }
    let sum = r.reduce(Op::Sum, product, &[rank - 1], false)?;
    r.expand_dims(sum, &[rank - 2])
}

/// The sum over an axis of a product that only one operand has, when it is among the summed axes.
fn sum_side(r: &mut Rewriter<'_>, s: &ENode, x: &ENode, columns: bool) -> Option<Id> {
    if x.op() != Some(Op::Matmul) {
        return None;
    }
    let attrs = r.attrs(s);
    let (axes, keep) = (attrs.ints(Key::Axes), attrs.bool(Key::Keepdims));
    let rank = r.shape(s.children[0]).len() as i64;
    let axis = if columns { rank - 1 } else { rank - 2 };
    let shape = r.shape(s.children[0]);
    // Nothing to gain, and no end: the same rule would match its own result.
    if !axes.contains(&axis) || shape[axis as usize].is(1) {
        return None;
    }
    let side = if columns { x.children[1] } else { x.children[0] };
    let own = r.shape(side).len() as i64 - rank + axis;
    let sum = r.reduce(Op::Sum, side, &[own], true)?;
    let product = if columns { [x.children[0], sum] } else { [sum, x.children[1]] };
    let product = r.elementwise(Op::Matmul, &product)?;
    let rest: Vec<i64> = axes.iter().copied().filter(|a| *a != axis).collect();
    let kept = if rest.is_empty() { product } else { r.reduce(Op::Sum, product, &rest, true)? };
    if keep { Some(kept) } else { r.squeeze(kept, axes) }
}

fn sum_columns(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    sum_side(r, s, x, true)
}

fn sum_rows(r: &mut Rewriter<'_>, s: &ENode, x: &ENode) -> Option<Id> {
    sum_side(r, s, x, false)
}

/// `diagonal(A @ B) -> sum(A * B.T, -1)` for a square product.
fn diagonal_matmul(r: &mut Rewriter<'_>, d: &ENode, x: &ENode) -> Option<Id> {
    if x.op() != Some(Op::Matmul) {
        return None;
    }
    let attrs = r.attrs(d);
    let shape = r.shape(d.children[0]);
    let rank = shape.len() as i64;
    let (a, b) = (attrs.int(Key::Axis), attrs.int(Key::Axis2));
    let last_two = a.min(b) == rank - 2 && a.max(b) == rank - 1;
    if !last_two || attrs.int(Key::Offset) != 0 || shape[rank as usize - 1] != shape[rank as usize - 2] {
        return None;
    }
    let bt = r.matrix_transpose(x.children[1])?;
    let product = r.elementwise(Op::Multiply, &[x.children[0], bt])?;
    r.reduce(Op::Sum, product, &[rank - 1], false)
}

/// True for a factor of rows, `(.., n, 1)`, or of columns, `(.., 1, n)` or `(n,)`, of matrices.
fn scales(r: &Rewriter<'_>, factor: Id, rows: bool) -> bool {
    let shape = r.shape(factor);
    match (shape.as_slice(), rows) {
        ([.., m, n], true) => n.is(1) && !m.is(1),
        ([.., m, n], false) => m.is(1) && !n.is(1),
        ([n], false) => !n.is(1),
        _ => false,
    }
}

/// A factor and the rest of a product of elements, both ways round.
fn factors(r: &Rewriter<'_>, x: Id) -> Vec<(Id, Id)> {
    let forms = r.forms(x, Op::Multiply);
    forms.iter().flat_map(|n| [(n.children[0], n.children[1]), (n.children[1], n.children[0])]).collect()
}

/// `(u * a) @ b -> u * (a @ b)` for a factor of the rows; the outer product `u * v` is one.
fn scaled_rows(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (factor, rest) = factors(r, n.children[0]).into_iter().find(|(f, a)| {
        // A vector is one row.
        scales(r, *f, true) && !r.shape(*a).is_empty()
    })?;
    let rest = at_least_matrix(r, rest)?;
    let product = r.elementwise(Op::Matmul, &[rest, n.children[1]])?;
    r.elementwise(Op::Multiply, &[product, factor])
}

/// `a @ (b * v) -> (a @ b) * v` for a factor of the columns.
fn scaled_columns(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (factor, rest) = factors(r, n.children[1]).into_iter().find(|(f, b)| {
        // One column, if it is a matrix at all.
        scales(r, *f, false) && r.shape(*b).len() >= 2
    })?;
    let product = r.elementwise(Op::Matmul, &[n.children[0], rest])?;
    r.elementwise(Op::Multiply, &[product, factor])
}

fn at_least_matrix(r: &mut Rewriter<'_>, x: Id) -> Option<Id> {
    if r.shape(x).len() == 1 { r.expand_dims(x, &[0]) } else { Some(x) }
}

/// The product's type, which the replacement must have.
pub(super) fn product_type(r: &Rewriter<'_>, n: &ENode) -> Option<frit_ir::TensorType> {
    r.egraph.lookup(n.clone()).map(|id| r.ty(id))
}

/// `alpha * (a @ b) + beta * c`, where `alpha` and `beta` are numbers, in one call: the sum is done on blocks of the
/// product while they are in the caches. It rounds as the operations do.
fn gemm(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let shape = product_type(r, n)?.shape;
    let t = r.dtype(n.children[0]);
    let one = Scalar::one(t);
    let negative = n.op() == Some(Op::Subtract);
    // A complex product by 1 turns infinities into NaN.
    if t.is_complex() {
        return None;
    }
    let minus_one = if t.is_float() { Scalar::from_f64(t, -1.0) } else { Scalar::from_i64(t, -1) };
    // A scaled operand: what is scaled, and by which number.
    let scaled = |r: &Rewriter<'_>, x: Id, of: &dyn Fn(&Rewriter<'_>, Id) -> bool| {
        factors(r, x)
            .into_iter()
            .find(|(f, y)| r.shape(*f).is_empty() && !r.shape(*y).is_empty() && of(r, *y))
    };
    for (first, second) in [(0, 1), (1, 0)] {
        let (x, y) = (n.children[first], n.children[second]);
        if r.shape(x) != shape {
            continue;
        }
        let has_product = |r: &Rewriter<'_>, v: Id| r.form(v, Op::Matmul).is_some() && r.shape(v) == shape;
        let (alpha, product) = match scaled(r, x, &has_product) {
            Some((alpha, product)) => (Some(alpha), product),
            None if has_product(r, x) => (None, x),
            None => continue,
        };
        let (beta, c) = scaled(r, y, &|_, _| true).map_or((None, y), |(beta, c)| (Some(beta), c));
        let product = r.form(product, Op::Matmul)?;
        let number = |r: &mut Rewriter<'_>, v: Option<Id>, minus: bool| match v {
            None => r.constant(if minus { minus_one } else { one }),
            Some(v) if minus => r.elementwise(Op::Negative, &[v]),
            Some(v) => Some(v),
        };
        // Of a difference, the second operand has the sign.
        let alpha = number(r, alpha, negative && first == 1)?;
        let beta = number(r, beta, negative && first == 0)?;
        return r.elementwise(Op::Gemm, &[product.children[0], product.children[1], c, alpha, beta]);
    }
    None
}
