//! Integers: division and remainder by powers of two, chains of divisions and shifts, bits. All exact: arithmetic
//! wraps, and division rounds down.

use super::super::language::ENode;
use super::super::rule::{Rewriter, Rule, node, pattern};
use super::fill;
use crate::make::Make;
use crate::pass::MathLevel::Exact;
use egg::{Id, Subst};
use frit_ir::{DType, Op, Scalar};

const BITWISE: &[Op] = &[Op::BitwiseAnd, Op::BitwiseOr, Op::BitwiseXor];
const SHIFTS: &[Op] = &[Op::LeftShift, Op::RightShift];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    node("divide-shift",          Exact,       &[Op::FloorDivide],             divide_shift),
    node("remainder-mask",        Exact,       &[Op::Remainder],               remainder_mask),
    node("divide-divide-floor",   Exact,       &[Op::FloorDivide],             divide_divide),
    node("remainder-remainder",   Exact,       &[Op::Remainder],               remainder_remainder),
    node("shift-shift",           Exact,       SHIFTS,                         shift_shift),
    node("bits-with-constant",    Exact,       BITWISE,                        bits_with_constant),
    node("bits-constants",        Exact,       BITWISE,                        bits_constants),
    pattern("shift-left-zero",    Exact,       "(left_shift ?x ?c)",           "?x").when(zero),
    pattern("shift-right-zero",   Exact,       "(right_shift ?x ?c)",          "?x").when(zero),
    // Two's complement: ~x is -x - 1.
    pattern("invert-plus-one",    Exact,       "(add (invert ?x) ?c)",         "(negative ?x)").when(one),
];

fn zero(r: &Rewriter<'_>, s: &Subst) -> bool {
    r.is(r.var(s, "?c"), 0.0)
}

fn one(r: &Rewriter<'_>, s: &Subst) -> bool {
    r.is(r.var(s, "?c"), 1.0) && r.dtype(r.var(s, "?x")).is_int()
}

/// A positive integer constant that fits in 63 bits.
fn positive(r: &Rewriter<'_>, id: Id) -> Option<i64> {
    let c = r.value(id)?;
    (c.dtype().is_int() && c.as_i64() > 0).then(|| c.as_i64())
}

fn bits(t: DType) -> i64 {
    t.size() as i64 * 8
}

/// `x // 2**k` is an arithmetic shift: both round down.
fn divide_shift(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let c = positive(r, n.children[1]).filter(|c| c.count_ones() == 1)?;
    if c == 1 {
        return Some(n.children[0]);
    }
    let t = r.dtype(n.children[0]);
    let k = r.constant(Scalar::from_i64(t, c.trailing_zeros() as i64))?;
    r.elementwise(Op::RightShift, &[n.children[0], k])
}

/// `x % 2**k` keeps the low bits: the remainder has the divisor's sign.
fn remainder_mask(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let c = positive(r, n.children[1]).filter(|c| c.count_ones() == 1)?;
    let t = r.dtype(n.children[0]);
    let mask = r.constant(Scalar::from_i64(t, c - 1))?;
    r.elementwise(Op::BitwiseAnd, &[n.children[0], mask])
}

/// `(x // a) // b -> x // (a b)` for positive divisors whose product fits.
fn divide_divide(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let b = positive(r, n.children[1])?;
    let t = r.dtype(n.children[0]);
    for inner in r.forms(n.children[0], Op::FloorDivide) {
        let Some(a) = positive(r, inner.children[1]) else { continue };
        let both = a.checked_mul(b).filter(|c| t.int_range().is_some_and(|(_, hi)| *c as i128 <= hi))?;
        let both = r.constant(Scalar::from_i64(t, both))?;
        return r.elementwise(Op::FloorDivide, &[inner.children[0], both]);
    }
    None
}

/// `(x % (a b)) % b -> x % b`
fn remainder_remainder(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let b = positive(r, n.children[1])?;
    for inner in r.forms(n.children[0], Op::Remainder) {
        let Some(a) = positive(r, inner.children[1]) else { continue };
        if a % b == 0 {
            return r.elementwise(Op::Remainder, &[inner.children[0], n.children[1]]);
        }
    }
    None
}

/// Shifts in one direction add up. A shift to the right never goes past the sign.
fn shift_shift(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let op = n.op()?;
    let t = r.dtype(n.children[0]);
    let amount =
        |r: &Rewriter<'_>, id: Id| r.value(id).map(Scalar::as_i64).filter(|k| (0..bits(t)).contains(k));
    let outer = amount(r, n.children[1])?;
    for inner in r.forms(n.children[0], op) {
        let Some(first) = amount(r, inner.children[1]) else { continue };
        let both = first + outer;
        if both >= bits(t) && (op == Op::LeftShift || t.is_signed()) {
            return match op {
                Op::LeftShift => fill(r, n, Scalar::zero(t)),
                _ => {
                    let last = r.constant(Scalar::from_i64(t, bits(t) - 1))?;
                    r.elementwise(op, &[inner.children[0], last])
                }
            };
        }
        let both = r.constant(Scalar::from_i64(t, both))?;
        return r.elementwise(op, &[inner.children[0], both]);
    }
    None
}

/// With no bits or all bits: the other operand, its complement, or the constant.
fn bits_with_constant(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let (x, c) = (n.children[0], r.value(n.children[1])?);
    let t = c.dtype();
    let all = if t == DType::Bool { Scalar::one(t) } else { Scalar::from_i64(t, -1) };
    match (n.op()?, c == Scalar::zero(t), c == all) {
        (Op::BitwiseAnd, true, _) | (Op::BitwiseOr, _, true) => fill(r, n, c),
        (Op::BitwiseAnd, _, true) | (Op::BitwiseOr | Op::BitwiseXor, true, _) => Some(x),
        (Op::BitwiseXor, _, true) => r.elementwise(Op::Invert, &[x]),
        _ => None,
    }
}

/// `(x & c) & d -> x & (c & d)`, and the same for `|` and `^`.
fn bits_constants(r: &mut Rewriter<'_>, n: &ENode) -> Option<Id> {
    let op = n.op()?;
    let d = r.value(n.children[1])?;
    for inner in r.forms(n.children[0], op) {
        let Some(c) = r.value(inner.children[1]) else { continue };
        let both = super::fold(op, &[c, d])?;
        let both = r.constant(both)?;
        return r.elementwise(op, &[inner.children[0], both]);
    }
    None
}
