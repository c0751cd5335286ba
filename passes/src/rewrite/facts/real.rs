//! Intervals of floats: arithmetic with IEEE's special values.

use frit_ir::{DType, Op};

/// Floats from `lo` to `hi`, infinities included; both zeros count as 0.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Real {
    pub(crate) lo: f64,
    pub(crate) hi: f64,
    /// NaN may occur.
    pub(crate) nan: bool,
    /// -0.0 may occur.
    pub(crate) minus_zero: bool,
}

/// Relative width added to the ends of math functions: four units in the last place of f32, the type with the larger
/// ones; no function of the op table is allowed more.
const SLACK: f64 = 4.0 / (1u32 << 23) as f64;

/// The greatest float not above an integer.
pub(super) fn below(v: i128) -> f64 {
    let f = v as f64;
    if f as i128 > v { f.next_down() } else { f }
}

/// The least float not below an integer.
pub(super) fn above(v: i128) -> f64 {
    let f = v as f64;
    if (f as i128) < v { f.next_up() } else { f }
}

fn down(v: f64) -> f64 {
    if v.is_infinite() { v } else { v - v.abs() * SLACK }
}

fn up(v: f64) -> f64 {
    if v.is_infinite() { v } else { v + v.abs() * SLACK }
}

impl Real {
    pub(super) const ANY: Real =
        Real { lo: f64::NEG_INFINITY, hi: f64::INFINITY, nan: true, minus_zero: true };

    /// Numbers between two, without -0.0.
    pub(super) fn between(lo: f64, hi: f64) -> Real {
        // A zero end is stored as 0.0.
        Real { lo: lo + 0.0, hi: hi + 0.0, nan: false, minus_zero: false }
    }

    pub(super) fn point(v: f64) -> Real {
        if v.is_nan() {
            return Real { nan: true, ..Real::between(f64::INFINITY, f64::NEG_INFINITY) };
        }
        Real { minus_zero: v == 0.0 && v.is_sign_negative(), ..Real::between(v, v) }
    }

    /// The one value that it can be.
    pub(super) fn value(self) -> Option<f64> {
        (self.lo == self.hi && !self.nan && !self.minus_zero).then_some(self.lo)
    }

    /// No number at all: only NaN, if anything.
    pub(super) fn is_empty(self) -> bool {
        self.lo > self.hi
    }

    pub(super) fn may_be_infinite(self) -> bool {
        self.lo == f64::NEG_INFINITY || self.hi == f64::INFINITY
    }

    pub(super) fn may_be_zero(self) -> bool {
        self.lo <= 0.0 && 0.0 <= self.hi
    }

    /// A number with a set sign bit may occur.
    pub(super) fn may_be_signed(self) -> bool {
        self.lo < 0.0 || self.minus_zero
    }

    /// A number with a clear sign bit may occur.
    fn may_be_unsigned(self) -> bool {
        self.hi >= 0.0
    }

    fn plus_infinity(self) -> bool {
        self.hi == f64::INFINITY
    }

    fn minus_infinity(self) -> bool {
        self.lo == f64::NEG_INFINITY
    }

    fn with(self, nan: bool, minus_zero: bool) -> Real {
        let zero = self.may_be_zero();
        Real { nan, minus_zero: minus_zero && zero, ..self }
    }

    pub(super) fn meet(self, b: Real) -> Real {
        let (lo, hi) = (self.lo.max(b.lo), self.hi.min(b.hi));
        let nan = self.nan && b.nan;
        if lo > hi && !nan {
            // No element exists, or a rule of a looser class: keep one.
            return self;
        }
        Real { lo, hi, nan, minus_zero: self.minus_zero && b.minus_zero }
    }

    pub(super) fn join(self, b: Real) -> Real {
        Real {
            lo: self.lo.min(b.lo),
            hi: self.hi.max(b.hi),
            nan: self.nan || b.nan,
            minus_zero: self.minus_zero || b.minus_zero,
        }
    }

    /// As results of a type: rounding is monotone, so the ends are those of the rounded values.
    pub(super) fn rounded(self, t: DType) -> Real {
        match t {
            DType::F32 => {
                let r = Real::between(f64::from(self.lo as f32), f64::from(self.hi as f32));
                // A small negative number may become -0.0.
                r.with(self.nan, self.minus_zero || self.lo < 0.0)
            }
            _ => self,
        }
    }

    /// The least and the greatest magnitude.
    fn magnitudes(self) -> (f64, f64) {
        let most = self.lo.abs().max(self.hi.abs());
        if self.may_be_zero() { (0.0, most) } else { (self.lo.abs().min(self.hi.abs()), most) }
    }

    fn negative(self) -> Real {
        Real::between(-self.hi, -self.lo).with(self.nan, self.may_be_zero())
    }

    /// A sum of any number of terms, none included. Terms of both signs may overflow either way.
    pub(super) fn sum(self) -> Option<Real> {
        let one_sided = if !self.may_be_signed() {
            Real::between(0.0, f64::INFINITY)
        } else if self.hi <= 0.0 {
            Real::between(f64::NEG_INFINITY, 0.0)
        } else {
            return None;
        };
        Some(one_sided.with(self.nan, self.minus_zero))
    }

    /// A product of any number of factors with a clear sign bit.
    pub(super) fn product(self) -> Option<Real> {
        // A product underflows to zero, or overflows to infinity, and meets the other then.
        let tame = self.hi <= 1.0 || (self.lo >= 1.0);
        let nan = self.nan || !tame;
        (!self.may_be_signed()).then(|| Real::between(0.0, f64::INFINITY).with(nan, false))
    }
}

/// An increasing function, whose value at the ends is widened.
fn rising(a: Real, f: fn(f64) -> f64) -> Real {
    Real::between(down(f(a.lo)), up(f(a.hi))).with(a.nan, a.minus_zero)
}

/// An increasing function with f(-x) = -f(x), bounded by `most`; signs are kept, a zero keeps its own.
fn odd(a: Real, most: f64) -> Real {
    let lo = if a.lo >= 0.0 { 0.0 } else { -up(most) };
    let hi = if a.hi <= 0.0 { 0.0 } else { up(most) };
    Real::between(lo, hi).with(a.nan, a.minus_zero)
}

/// `lo..=hi` of a logarithm whose argument must not be below `least`.
fn logarithm(a: Real, least: f64, f: fn(f64) -> f64) -> Real {
    let at = |v: f64| if v <= least { f64::NEG_INFINITY } else { f(v) };
    Real::between(down(at(a.lo)), up(at(a.hi))).with(a.nan || a.lo < least, a.minus_zero)
}

pub(super) fn unary(op: Op, a: Real) -> Option<Real> {
    if a.is_empty() {
        return None;
    }
    let exact = |f: fn(f64) -> f64, minus_zero| Real::between(f(a.lo), f(a.hi)).with(a.nan, minus_zero);
    let (least, most) = a.magnitudes();
    let periodic = a.nan || a.may_be_infinite();
    let outside = |k: f64| a.lo < -k || a.hi > k;
    Some(match op {
        Op::Positive | Op::ArithmeticFence | Op::Real | Op::Conjugate => a,
        Op::Negative => a.negative(),
        Op::Absolute => Real::between(least, most).with(a.nan, false),
        Op::Square => Real::between(least * least, most * most).with(a.nan, false),
        Op::Sign => {
            let sign = |v: f64| if v == 0.0 { 0.0 } else { v.signum() };
            Real::between(sign(a.lo), sign(a.hi)).with(a.nan, a.minus_zero)
        }
        Op::Floor => exact(f64::floor, a.minus_zero),
        Op::Ceil => exact(f64::ceil, a.may_be_signed()),
        Op::Trunc => exact(f64::trunc, a.may_be_signed()),
        Op::Rint => exact(f64::round_ties_even, a.may_be_signed()),
        Op::Sqrt => {
            let root = |v: f64| v.max(0.0).sqrt();
            Real::between(root(a.lo), root(a.hi)).with(a.nan || a.lo < 0.0, a.minus_zero)
        }
        Op::Reciprocal => return binary(Op::Divide, Real::point(1.0), a, false),
        Op::Exp => Real { minus_zero: false, ..rising(a, f64::exp) },
        Op::Exp2 => Real { minus_zero: false, ..rising(a, f64::exp2) },
        Op::Expm1 => {
            let r = rising(a, f64::exp_m1);
            Real { lo: if a.lo >= 0.0 { 0.0 } else { r.lo.max(-1.0) }, ..r }
        }
        Op::Log => logarithm(a, 0.0, f64::ln),
        Op::Log2 => logarithm(a, 0.0, f64::log2),
        Op::Log10 => logarithm(a, 0.0, f64::log10),
        Op::Log1p => logarithm(a, -1.0, f64::ln_1p),
        Op::Sin | Op::Cos => Real::between(down(-1.0), up(1.0)).with(periodic, true),
        Op::Tanh | Op::Erf => odd(a, 1.0),
        Op::Erfc => Real::between(0.0, up(2.0)).with(a.nan, false),
        Op::Arctan => odd(a, std::f64::consts::FRAC_PI_2),
        Op::Arcsin => {
            let r = odd(a, std::f64::consts::FRAC_PI_2);
            Real { nan: a.nan || outside(1.0), ..r }
        }
        Op::Arccos => Real::between(0.0, up(std::f64::consts::PI)).with(a.nan || outside(1.0), false),
        Op::Sinh | Op::Arcsinh | Op::Cbrt => odd(a, f64::INFINITY),
        Op::Arctanh => {
            let r = odd(a, f64::INFINITY);
            Real { nan: a.nan || outside(1.0), ..r }
        }
        Op::Cosh => Real::between(down(1.0), f64::INFINITY).with(a.nan, false),
        Op::Arccosh => Real::between(0.0, f64::INFINITY).with(a.nan || a.lo < 1.0, false),
        _ => return None,
    })
}

/// The range of products of the ends, where 0 times infinity counts as 0.
fn products(a: Real, b: Real) -> (f64, f64) {
    let mut ends = (f64::INFINITY, f64::NEG_INFINITY);
    for x in [a.lo, a.hi] {
        for y in [b.lo, b.hi] {
            let p = if x == 0.0 || y == 0.0 { 0.0 } else { x * y };
            ends = (ends.0.min(p), ends.1.max(p));
        }
    }
    ends
}

/// Whether a product or quotient of two may have a set sign bit.
fn signs_differ(a: Real, b: Real) -> bool {
    a.may_be_signed() && b.may_be_unsigned() || a.may_be_unsigned() && b.may_be_signed()
}

pub(super) fn binary(op: Op, a: Real, b: Real, same: bool) -> Option<Real> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let nan = a.nan || b.nan;
    Some(match op {
        Op::Add => {
            let (lo, hi) = (a.lo + b.lo, a.hi + b.hi);
            let opposite = a.plus_infinity() && b.minus_infinity() || a.minus_infinity() && b.plus_infinity();
            let lo = if lo.is_nan() { f64::NEG_INFINITY } else { lo };
            let hi = if hi.is_nan() { f64::INFINITY } else { hi };
            Real::between(lo, hi).with(nan || opposite && !same, a.minus_zero && b.minus_zero)
        }
        Op::Subtract => {
            let r = binary(Op::Add, a, b.negative(), false)?;
            Real { minus_zero: r.minus_zero && a.minus_zero, ..r }
        }
        Op::Multiply if same => return unary(Op::Square, a),
        Op::Multiply => {
            let (lo, hi) = products(a, b);
            let undefined = a.may_be_zero() && b.may_be_infinite() || a.may_be_infinite() && b.may_be_zero();
            Real::between(lo, hi).with(nan || undefined, signs_differ(a, b))
        }
        Op::Divide => {
            let undefined = a.may_be_zero() && b.may_be_zero() || a.may_be_infinite() && b.may_be_infinite();
            let signed = signs_differ(a, b);
            let (lo, hi) = if b.may_be_zero() {
                let ends = (f64::NEG_INFINITY, f64::INFINITY);
                if signed { ends } else { (0.0, ends.1) }
            } else {
                let mut ends = (f64::INFINITY, f64::NEG_INFINITY);
                for x in [a.lo, a.hi] {
                    for y in [b.lo, b.hi] {
                        // Infinite by infinite: anything between the quotients by finite and by infinite numbers.
                        let q = x / y;
                        let (p, q) = if q.is_nan() { (0.0, x * y.signum()) } else { (q, q) };
                        ends = (ends.0.min(p).min(q), ends.1.max(p).max(q));
                    }
                }
                ends
            };
            Real::between(lo, hi).with(nan || undefined, signed)
        }
        Op::Maximum => Real::between(a.lo.max(b.lo), a.hi.max(b.hi)).with(nan, a.minus_zero || b.minus_zero),
        Op::Minimum => Real::between(a.lo.min(b.lo), a.hi.min(b.hi)).with(nan, a.minus_zero || b.minus_zero),
        // NaN only if both are; the other operand if one is.
        Op::Fmax | Op::Fmin => {
            let plain = if op == Op::Fmax { Op::Maximum } else { Op::Minimum };
            let mut r = binary(plain, Real { nan: false, ..a }, Real { nan: false, ..b }, same)?;
            if b.nan {
                r = r.join(Real { nan: false, ..a });
            }
            if a.nan {
                r = r.join(Real { nan: false, ..b });
            }
            Real { nan: a.nan && b.nan, minus_zero: a.minus_zero || b.minus_zero, ..r }
        }
        Op::Hypot => Real::between(0.0, f64::INFINITY).with(nan, false),
        // A base with a clear sign bit has a power for every exponent.
        Op::Power if !a.may_be_signed() => Real::between(0.0, f64::INFINITY).with(nan, false),
        _ => return None,
    })
}
