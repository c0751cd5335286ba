//! Polynomials in one value: powers and products with constants, added up, become nested products (Horner's scheme).

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node};
use super::fold;
use crate::make::Make;
use crate::pass::MathLevel::Reassociate;
use egg::Id;
use frit_ir::{Op, Scalar};
use std::collections::BTreeMap;

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    node("horner",                Reassociate, &[Op::Add, Op::Subtract],       horner).exact_for_ints(),
];

/// Largest degree, and most terms, of a polynomial that is looked for.
const DEGREE: u32 = 16;

/// Terms of nested sums and differences; false marks those that are subtracted. A class may be a sum of itself (and
/// zero), so the depth is bounded.
fn terms(r: &Rewriter<'_>, id: Id, plus: bool, depth: u32, out: &mut Vec<(bool, Id)>) {
    let more = depth > 0 && out.len() < DEGREE as usize;
    let sum = more.then(|| r.form(id, Op::Add).or_else(|| r.form(id, Op::Subtract))).flatten();
    let Some(sum) = sum else { return out.push((plus, id)) };
    terms(r, sum.children[0], plus, depth - 1, out);
    terms(r, sum.children[1], plus == (sum.op() == Some(Op::Add)), depth - 1, out);
}

/// A constant times a power of a value.
struct Monomial {
    factor: Option<Scalar>,
    /// The value and its power; `None` for a constant.
    power: Option<(Id, u32)>,
}

fn monomial(r: &Rewriter<'_>, id: Id, depth: u32) -> Monomial {
    let itself = Monomial { factor: None, power: Some((id, 1)) };
    if let Some(c) = r.value(id) {
        return Monomial { factor: Some(c), power: None };
    }
    if depth == 0 {
        return itself;
    }
    if let Some(f) = r.form(id, Op::Square) {
        return powered(monomial(r, f.children[0], depth - 1), 2).unwrap_or(itself);
    }
    if let Some(f) = r.form(id, Op::Power) {
        let k = r
            .value(f.children[1])
            .map(|c| (c, c.as_i64()))
            .filter(|(c, k)| *c == Scalar::from_i64(c.dtype(), *k));
        let k = k.map(|(_, k)| k).filter(|k| (1..=DEGREE as i64).contains(k));
        return k.and_then(|k| powered(monomial(r, f.children[0], depth - 1), k as u32)).unwrap_or(itself);
    }
    if let Some(f) = r.form(id, Op::Multiply) {
        let (a, b) = (monomial(r, f.children[0], depth - 1), monomial(r, f.children[1], depth - 1));
        let power = match (a.power, b.power) {
            (Some((x, p)), Some((y, q))) if x == y => Some((x, p + q)),
            (Some(p), None) | (None, Some(p)) => Some(p),
            _ => return itself,
        };
        let factor = match (a.factor, b.factor) {
            (Some(c), Some(d)) => fold(Op::Multiply, &[c, d]),
            (c, d) => c.or(d),
        };
        return Monomial { factor, power };
    }
    itself
}

fn powered(m: Monomial, k: u32) -> Option<Monomial> {
    let (x, p) = m.power?;
    m.factor.is_none().then_some(Monomial { factor: None, power: Some((x, p * k)) })
}

fn horner(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let class = r.egraph.lookup(n.clone())?;
    let t = r.dtype(class);
    if t.is_complex() || t == frit_ir::DType::Bool {
        return None;
    }
    let mut all = Vec::new();
    for (k, c) in n.children.iter().enumerate() {
        terms(r, *c, k == 0 || n.op() == Some(Op::Add), DEGREE, &mut all);
    }
    let mut value = None;
    let mut factors: BTreeMap<u32, Scalar> = BTreeMap::new();
    for (plus, id) in &all {
        let m = monomial(r, *id, 4);
        let degree = m.power.map_or(0, |(_, k)| k);
        if let Some((x, _)) = m.power
            && *value.get_or_insert(x) != x
        {
            return None;
        }
        let mut c = m.factor.unwrap_or(Scalar::one(t));
        if !plus {
            c = fold(Op::Negative, &[c])?;
        }
        let old = factors.get(&degree).copied();
        factors.insert(degree, old.map_or(Some(c), |old| fold(Op::Add, &[old, c]))?);
    }
    let x = value?;
    let degree = *factors.keys().next_back()?;
    if !(2..=DEGREE).contains(&degree) || factors.len() < 2 || r.value(x).is_some() {
        return None;
    }
    let mut sum = r.constant(factors[&degree])?;
    for k in (0..degree).rev() {
        let one = factors[&degree] == Scalar::one(t) && k == degree - 1;
        sum = if one { x } else { r.elementwise(Op::Multiply, &[x, sum])? };
        if let Some(c) = factors.get(&k) {
            // As one would write it.
            let minus = if t.is_float() { c.as_f64() < 0.0 } else { t.is_signed() && c.as_i64() < 0 };
            let (op, c) = if minus { (Op::Subtract, fold(Op::Negative, &[*c])?) } else { (Op::Add, *c) };
            let c = r.constant(c)?;
            sum = r.elementwise(op, &[sum, c])?;
        }
    }
    Some(sum)
}
