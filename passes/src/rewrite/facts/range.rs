//! The values that elements can have: an interval, and for floats whether NaN and -0.0 occur.
//!
//! Integers are exact: a result that may wrap can be anything. Ends of correctly rounded float operations are exact
//! too, since rounding is monotone; those of math functions are widened by more than the error that they may have
//! (`OpDef::ulp`).

use super::Site;
use super::literal;
use super::real::{self, Real};
use frit_ir::dim::product;
use frit_ir::ops::Class;
use frit_ir::{DType, Dim, Key, Op, Scalar, TensorType};

/// The range of an element's value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Range {
    /// Complex numbers: nothing is known.
    Complex,
    /// Integers and bools from the first to the second.
    Int(i128, i128),
    /// Floats.
    Real(Real),
}

use Range::{Complex, Int};

impl Range {
    /// Every value of a type.
    pub(crate) fn of_type(t: DType) -> Range {
        match t.int_range() {
            Some((lo, hi)) => Int(lo, hi),
            None if t.is_complex() => Complex,
            None => Range::Real(Real::ANY),
        }
    }

    /// One value.
    pub(crate) fn point(c: Scalar) -> Range {
        let t = c.dtype();
        match t.int_range() {
            Some((lo, _)) => {
                // Unsigned 64-bit numbers come as the same bits with a sign.
                let v = c.as_i64();
                let v = if lo == 0 { i128::from(v as u64) } else { i128::from(v) };
                Int(v, v)
            }
            None if t.is_complex() => Complex,
            None => Range::Real(Real::point(c.as_f64())),
        }
    }

    /// The one value of a type in the range.
    pub(crate) fn value(self, t: DType) -> Option<Scalar> {
        match self {
            Int(lo, hi) if lo == hi => Some(match i64::try_from(lo) {
                Ok(v) => Scalar::from_i64(t, v),
                Err(_) => Scalar::from_u64(t, u64::try_from(lo).ok()?),
            }),
            Range::Real(r) => r.value().map(|v| Scalar::from_f64(t, v)),
            _ => None,
        }
    }

    /// Every element is NaN or has a clear sign bit.
    pub(crate) fn nonnegative(self) -> bool {
        match self {
            Complex => false,
            Int(lo, _) => lo >= 0,
            Range::Real(r) => !r.may_be_signed(),
        }
    }

    /// Every element is NaN or greater than zero.
    pub(crate) fn positive(self) -> bool {
        match self {
            Complex => false,
            Int(lo, _) => lo > 0,
            Range::Real(r) => r.lo > 0.0,
        }
    }

    /// No element is zero.
    pub(crate) fn never_zero(self) -> bool {
        match self {
            Complex => false,
            Int(lo, hi) => lo > 0 || hi < 0,
            Range::Real(r) => !r.may_be_zero(),
        }
    }

    /// No element is NaN.
    pub(crate) fn never_nan(self) -> bool {
        match self {
            Complex => false,
            Int(..) => true,
            Range::Real(r) => !r.nan,
        }
    }

    /// No element is NaN or infinite.
    pub(crate) fn finite(self) -> bool {
        match self {
            Complex => false,
            Int(..) => true,
            Range::Real(r) => !r.nan && !r.may_be_infinite(),
        }
    }

    /// No element is -0.0.
    pub(crate) fn never_minus_zero(self) -> bool {
        match self {
            Complex => false,
            Int(..) => true,
            Range::Real(r) => !r.minus_zero,
        }
    }

    /// The least and greatest number, NaN aside; those of wide integers rounded outward.
    pub(crate) fn bounds(self) -> Option<(f64, f64)> {
        match self {
            Complex => None,
            Int(lo, hi) => Some((real::below(lo), real::above(hi))),
            Range::Real(r) => Some((r.lo, r.hi)),
        }
    }

    /// Both hold.
    pub(super) fn meet(self, b: Range) -> Range {
        match (self, b) {
            // Disjoint ranges mean that no element exists, or a rule of a looser class: keep one.
            (Int(a, b), Int(c, d)) if a.max(c) <= b.min(d) => Int(a.max(c), b.min(d)),
            (Range::Real(a), Range::Real(b)) => Range::Real(a.meet(b)),
            (a, _) => a,
        }
    }

    /// One of them holds.
    pub(super) fn join(self, b: Range) -> Range {
        match (self, b) {
            (Int(a, b), Int(c, d)) => Int(a.min(c), b.max(d)),
            (Range::Real(a), Range::Real(b)) => Range::Real(a.join(b)),
            _ => Complex,
        }
    }

    /// Of the first result of a node.
    pub(super) fn of(site: &Site<'_>) -> Range {
        let t = site.types[0].dtype;
        let any = Range::of_type(t);
        let ranges: Vec<Range> = site.operands.iter().map(|f| f.range).collect();
        let found = match site.op.class() {
            Class::View => Some(ranges[0]),
            Class::Source => source(site, t),
            Class::Elementwise => elementwise(site, t, &ranges),
            Class::Reduce | Class::Cumulative => reduction(site, t, ranges[0]),
            Class::Movement => movement(site, &ranges),
            Class::Library => library(site, t, &ranges),
            Class::Region | Class::Composite => None,
        };
        match found {
            // Integers wrap.
            Some(Int(lo, hi)) => match any {
                Int(least, most) if least <= lo && hi <= most && lo <= hi => Int(lo, hi),
                _ => any,
            },
            Some(Range::Real(r)) if any != Complex => Range::Real(r.rounded(t)),
            _ => any,
        }
    }
}

/// Positions along an axis.
fn positions(size: &Dim, t: DType) -> Option<Range> {
    let last = match size.as_const() {
        Some(n) => i128::from(n) - 1,
        // In a narrower type they may wrap.
        None if t.size() < 8 && t.is_int() => return None,
        None => i128::from(i64::MAX) - 1,
    };
    let range = Int(0, last.max(0));
    Some(if t.is_float() { real_of(range) } else { range })
}

fn source(site: &Site<'_>, t: DType) -> Option<Range> {
    match site.op {
        Op::Iota => {
            let axis = site.attrs.int(Key::Axis) as usize;
            positions(&site.types[0].shape[axis], t)
        }
        Op::DimValue => {
            let d = site.attrs.dim(Key::Dim);
            let most = i128::from(i64::MAX);
            if (d - 1).proves_nonnegative(site.ranges) {
                Some(Int(1, most))
            } else {
                d.proves_nonnegative(site.ranges).then_some(Int(0, most))
            }
        }
        Op::Literal => literal::range(site.attrs.data()),
        _ => None,
    }
}

/// An integer or bool range as floats.
fn real_of(r: Range) -> Range {
    match r {
        Int(lo, hi) => Range::Real(Real::between(real::below(lo), real::above(hi))),
        other => other,
    }
}

fn elementwise(site: &Site<'_>, t: DType, ranges: &[Range]) -> Option<Range> {
    let same = |a: usize, b: usize| site.node.children[a] == site.node.children[b];
    match (site.op, ranges) {
        (Op::Where, [Int(1, 1), a, _]) => return Some(*a),
        (Op::Where, [Int(0, 0), _, b]) => return Some(*b),
        (Op::Where, [_, a, b]) => return Some(a.join(*b)),
        (Op::Cast, [a]) => return cast(*a, t),
        (Op::Isnan, [a]) => return a.never_nan().then_some(Int(0, 0)),
        (Op::Isinf, [a]) if t == DType::Bool => return a.finite().then_some(Int(0, 0)),
        (Op::Isfinite, [a]) => return a.finite().then_some(Int(1, 1)),
        (Op::Signbit, [Range::Real(r)]) => return (!r.nan && !r.may_be_signed()).then_some(Int(0, 0)),
        _ => {}
    }
    match *ranges {
        [Range::Real(a)] => real::unary(site.op, a).map(Range::Real),
        [Int(lo, hi)] => int_unary(site.op, t, lo, hi),
        [Range::Real(a), Range::Real(b)] if t == DType::Bool => compare_reals(site.op, a, b),
        [Range::Real(a), Range::Real(b)] => real::binary(site.op, a, b, same(0, 1)).map(Range::Real),
        [Int(a, b), Int(c, d)] => int_binary(site.op, t, (a, b), (c, d), same(0, 1)),
        [Range::Real(x), Range::Real(lo), Range::Real(hi)] if site.op == Op::Clip => {
            let low = real::binary(Op::Maximum, x, lo, false)?;
            real::binary(Op::Minimum, low, hi, false).map(Range::Real)
        }
        [Int(a, b), Int(c, d), Int(e, f)] if site.op == Op::Clip => {
            Some(Int(a.max(c).min(e), b.max(d).min(f)))
        }
        _ => None,
    }
}

/// Whether a comparison of numbers from two ranges comes out one way; `nan` if either may be NaN.
fn compare(op: Op, (a, b): (f64, f64), (c, d): (f64, f64), nan: bool) -> Option<Range> {
    let (always, never) = match op {
        Op::Less => (b < c, a >= d),
        Op::LessEqual => (b <= c, a > d),
        Op::Greater => (a > d, b <= c),
        Op::GreaterEqual => (a >= d, b < c),
        Op::Equal => (a == b && c == d && a == c, b < c || a > d),
        Op::NotEqual => (b < c || a > d, a == b && c == d && a == c),
        _ => return None,
    };
    // NaN compares as different from everything.
    match (always, never) {
        (true, _) if !nan || op == Op::NotEqual => Some(Int(1, 1)),
        (_, true) if !nan || op != Op::NotEqual => Some(Int(0, 0)),
        _ => None,
    }
}

fn compare_reals(op: Op, a: Real, b: Real) -> Option<Range> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    compare(op, (a.lo, a.hi), (b.lo, b.hi), a.nan || b.nan)
}

fn int_unary(op: Op, t: DType, lo: i128, hi: i128) -> Option<Range> {
    let (least, most) = if lo > 0 {
        (lo, hi)
    } else if hi < 0 {
        (-hi, -lo)
    } else {
        (0, hi.max(-lo))
    };
    Some(match op {
        Op::LogicalNot => Int(1 - hi, 1 - lo),
        Op::Invert if t == DType::Bool => Int(1 - hi, 1 - lo),
        Op::Invert if t.is_signed() => Int(-1 - hi, -1 - lo),
        _ if t == DType::Bool => return None,
        Op::Positive | Op::Floor | Op::Ceil | Op::Trunc | Op::Real | Op::Conjugate => Int(lo, hi),
        Op::Negative => Int(-hi, -lo),
        Op::Absolute => Int(least, most),
        Op::Square => Int(least.checked_mul(least)?, most.checked_mul(most)?),
        Op::Sign => Int(lo.signum(), hi.signum()),
        _ => return None,
    })
}

fn int_binary(op: Op, t: DType, (a, b): (i128, i128), (c, d): (i128, i128), same: bool) -> Option<Range> {
    let products = || -> Option<(i128, i128)> {
        let all = [a.checked_mul(c)?, a.checked_mul(d)?, b.checked_mul(c)?, b.checked_mul(d)?];
        Some((*all.iter().min()?, *all.iter().max()?))
    };
    let logic = |lo, hi| Some(Int(lo, hi));
    match op {
        Op::LogicalAnd => return logic(a.min(c), b.min(d)),
        Op::LogicalOr => return logic(a.max(c), b.max(d)),
        _ => {}
    }
    if t == DType::Bool {
        return match op {
            Op::Multiply | Op::BitwiseAnd | Op::Minimum | Op::Fmin => logic(a.min(c), b.min(d)),
            Op::Add | Op::BitwiseOr | Op::Maximum | Op::Fmax => logic(a.max(c), b.max(d)),
            // As floats, wide integers outward: what is apart then is apart.
            _ => {
                let ends = |lo, hi| (real::below(lo), real::above(hi));
                compare(op, ends(a, b), ends(c, d), false)
            }
        };
    }
    Some(match op {
        Op::Add => Int(a + c, b + d),
        Op::Subtract => Int(a - d, b - c),
        Op::Multiply if same => return int_unary(Op::Square, t, a, b),
        Op::Multiply => {
            let (lo, hi) = products()?;
            Int(lo, hi)
        }
        Op::Maximum | Op::Fmax => Int(a.max(c), b.max(d)),
        Op::Minimum | Op::Fmin => Int(a.min(c), b.min(d)),
        Op::FloorDivide if c > 0 => {
            let all = [a.div_euclid(c), a.div_euclid(d), b.div_euclid(c), b.div_euclid(d)];
            Int(*all.iter().min()?, *all.iter().max()?)
        }
        Op::Remainder if c > 0 && a >= 0 && b < c => Int(a, b),
        Op::Remainder if c > 0 => Int(0, d - 1),
        Op::Fmod if c > 0 && a >= 0 => Int(0, b.min(d - 1)),
        Op::BitwiseAnd if a >= 0 && c >= 0 => Int(0, b.min(d)),
        Op::BitwiseAnd if a >= 0 => Int(0, b),
        Op::BitwiseAnd if c >= 0 => Int(0, d),
        Op::BitwiseOr | Op::BitwiseXor if a >= 0 && c >= 0 => {
            let bits = 128 - b.max(d).leading_zeros();
            Int(0, (1i128 << bits) - 1)
        }
        Op::RightShift if a >= 0 => Int(0, b),
        _ => return None,
    })
}

fn cast(from: Range, t: DType) -> Option<Range> {
    match (from, t.is_float()) {
        (Int(..), true) => Some(real_of(from)),
        (Int(0, 0), false) if t == DType::Bool => Some(Int(0, 0)),
        (Int(lo, hi), false) if t == DType::Bool => (lo > 0 || hi < 0).then_some(Int(1, 1)),
        (Range::Real(_), true) | (Int(..), false) => Some(from),
        // Toward zero; NaN and what is out of range are the type's matter.
        (Range::Real(r), false) if t != DType::Bool => {
            let small = !r.nan && r.lo.abs() < 2f64.powi(53) && r.hi.abs() < 2f64.powi(53);
            let ends = (r.lo.trunc() as i128, r.hi.trunc() as i128);
            let (least, most) = t.int_range()?;
            (small && least <= ends.0 && ends.1 <= most).then_some(Int(ends.0, ends.1))
        }
        (Range::Real(r), false) if !r.may_be_zero() => Some(Int(1, 1)),
        _ => None,
    }
}

/// Number of elements that a reduction adds up: least and greatest.
fn count(site: &Site<'_>) -> (i128, i128) {
    let shape = &site.operands[0].types[0].shape;
    let n = match site.op.class() {
        Class::Cumulative => shape[site.attrs.int(Key::Axis) as usize].clone(),
        _ => product(site.attrs.ints(Key::Axes).iter().map(|a| &shape[*a as usize])),
    };
    match n.as_const() {
        Some(n) if site.op.class() == Class::Cumulative => (n.min(1).into(), n.into()),
        Some(n) => (n.into(), n.into()),
        None => ((n - 1).proves_nonnegative(site.ranges).into(), i64::MAX.into()),
    }
}

fn reduction(site: &Site<'_>, t: DType, x: Range) -> Option<Range> {
    let (least, most) = count(site);
    Some(match (site.op, x) {
        (Op::Min | Op::Max | Op::Cummin | Op::Cummax, _) => x,
        // Nothing at all is false for any and true for all.
        (Op::Any, Int(lo, hi)) => Int(if least > 0 { lo } else { 0 }, hi),
        (Op::All, Int(lo, hi)) => Int(lo, if least > 0 { hi } else { 1 }),
        (Op::Argmin | Op::Argmax, _) => {
            let axes = site.attrs.ints(Key::Axes);
            return positions(&site.operands[0].types[0].shape[*axes.first()? as usize], t);
        }
        (Op::Sum | Op::Cumsum, Int(lo, hi)) => {
            let end = |v: i128| -> Option<(i128, i128)> {
                let (a, b) = (v.checked_mul(least)?, v.checked_mul(most)?);
                Some((a.min(b), a.max(b)))
            };
            Int(end(lo)?.0, end(hi)?.1)
        }
        (Op::Sum | Op::Cumsum, Range::Real(r)) => Range::Real(r.sum()?),
        (Op::Prod | Op::Cumprod, Range::Real(r)) => Range::Real(r.product()?),
        _ => return None,
    })
}

fn movement(site: &Site<'_>, ranges: &[Range]) -> Option<Range> {
    match site.op {
        Op::Concatenate | Op::Pad | Op::UpdateSlice => ranges.iter().copied().reduce(Range::join),
        Op::Gather => ranges.first().copied(),
        // The operand, updates, and positions.
        Op::Scatter if matches!(site.attrs.str(Key::Mode), "set" | "minimum" | "maximum") => {
            Some(ranges[0].join(ranges[1]))
        }
        _ => None,
    }
}

fn library(site: &Site<'_>, t: DType, ranges: &[Range]) -> Option<Range> {
    let input = |k: usize| -> &TensorType { &site.operands[k].types[0] };
    match site.op {
        Op::Sort => Some(ranges[0]),
        Op::Argsort => positions(&input(0).shape[site.attrs.int(Key::Axis) as usize], t),
        // One more than there are positions.
        Op::Searchsorted => positions(&(&input(0).shape[0] + 1), t),
        Op::Matmul => match (ranges[0], ranges[1]) {
            (Range::Real(a), Range::Real(b)) => {
                Some(Range::Real(real::binary(Op::Multiply, a, b, false)?.sum()?))
            }
            _ => None,
        },
        Op::Svdvals => Some(Range::Real(Real { lo: 0.0, ..Real::ANY })),
        _ => None,
    }
}
