//! Symbolic sizes and indices.
//!
//! A [`Dim`] is an integer expression over named symbols: size symbols (`n`), loop indices (`i`) and, inside
//! kernels, integer values (`%3`). It is kept as a polynomial in normal form, so that equal expressions are
//! equal values (`n + i - n == i`) and the coefficient of a loop index can be read off directly. Division,
//! remainder, minimum and maximum are opaque atoms of that polynomial.
//!
//! Atoms nest at most [`MOST_NESTING`] deep; a deeper expression is a panic that says so.
//!
//! A constant is the common case and costs no allocation. Constants saturate: a size beyond 64 bits stays too large, and
//! is refused where numbers are needed ([`crate::range`]), instead of wrapping to a small one.

use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};
use std::sync::Arc;

/// The name of a size, a loop index, or (as `%n`) an integer value of a kernel.
pub type Symbol = Arc<str>;

/// An integer expression in normal form.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dim(Repr);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Const(i64),
    /// Never a constant: at least one term.
    Poly(Arc<Poly>),
}

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Poly {
    /// Sorted by monomial; no zero coefficient; no empty monomial.
    terms: Vec<(Vec<Atom>, i64)>,
    constant: i64,
    /// Nesting of opaque atoms. A function of the terms, and last, so that it never decides a comparison.
    depth: u32,
}

/// Deepest nesting of divisions, remainders, minima and maxima: expressions are walked by recursion.
pub const MOST_NESTING: u32 = 500;

/// A factor of a term.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Atom {
    Sym(Symbol),
    /// Rounds toward minus infinity, as Python's `//`.
    FloorDiv(Dim, Dim),
    /// Has the divisor's sign, as Python's `%`.
    Mod(Dim, Dim),
    Min(Dim, Dim),
    Max(Dim, Dim),
}

impl Atom {
    fn depth(&self) -> u32 {
        match self {
            Atom::Sym(_) => 0,
            Atom::FloorDiv(x, y) | Atom::Mod(x, y) | Atom::Min(x, y) | Atom::Max(x, y) => {
                1 + x.depth().max(y.depth())
            }
        }
    }
}

/// Floor division; a zero divisor gives zero (a size computed from an empty axis).
pub fn floor_div(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let q = a.wrapping_div(b);
    if a % b != 0 && ((a < 0) != (b < 0)) { q - 1 } else { q }
}

/// Floor remainder; a zero divisor gives zero.
pub fn floor_mod(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_sub(floor_div(a, b).wrapping_mul(b)) }
}

impl Dim {
    /// A constant.
    pub const fn constant(v: i64) -> Dim {
        Dim(Repr::Const(v))
    }

    /// A symbol by name.
    pub fn symbol(name: &str) -> Dim {
        Dim::atom(Atom::Sym(name.into()))
    }

    fn atom(a: Atom) -> Dim {
        let depth = a.depth();
        assert!(
            depth <= MOST_NESTING,
            "a size expression has more than {MOST_NESTING} nested divisions, remainders, minima or maxima; \
             give an intermediate size a symbol of its own"
        );
        Dim(Repr::Poly(Arc::new(Poly { terms: vec![(vec![a], 1)], constant: 0, depth })))
    }

    fn depth(&self) -> u32 {
        match &self.0 {
            Repr::Const(_) => 0,
            Repr::Poly(p) => p.depth,
        }
    }

    /// The value, if it has no symbol.
    pub fn as_const(&self) -> Option<i64> {
        match &self.0 {
            Repr::Const(v) => Some(*v),
            Repr::Poly(_) => None,
        }
    }

    /// True for the given constant.
    pub fn is(&self, v: i64) -> bool {
        self.as_const() == Some(v)
    }

    /// Splits into non-constant terms (`coefficient * product of atoms`) and the constant.
    pub fn terms(&self) -> (&[(Vec<Atom>, i64)], i64) {
        match &self.0 {
            Repr::Const(v) => (&[], *v),
            Repr::Poly(p) => (&p.terms, p.constant),
        }
    }

    fn from_terms(mut terms: Vec<(Vec<Atom>, i64)>, constant: i64) -> Dim {
        terms.sort();
        let mut out: Vec<(Vec<Atom>, i64)> = Vec::with_capacity(terms.len());
        for (m, c) in terms {
            match out.last_mut() {
                Some((last, k)) if *last == m => *k = k.saturating_add(c),
                _ => out.push((m, c)),
            }
        }
        out.retain(|(_, c)| *c != 0);
        if out.is_empty() {
            return Dim(Repr::Const(constant));
        }
        let depth = out.iter().flat_map(|(m, _)| m).map(Atom::depth).max().unwrap_or(0);
        Dim(Repr::Poly(Arc::new(Poly { terms: out, constant, depth })))
    }

    /// `self // other`, rounding toward minus infinity.
    pub fn floor_div(&self, other: &Dim) -> Dim {
        match (self.as_const(), other.as_const()) {
            (Some(a), Some(b)) => return Dim::constant(floor_div(a, b)),
            (Some(0), _) => return Dim::constant(0),
            (_, Some(1)) => return self.clone(),
            _ => {}
        }
        if self == other {
            return Dim::constant(1);
        }
        if let Some(b) = other.as_const().filter(|b| *b > 1) {
            // Pull out the part that divides exactly: (4n + i) // 4 = n + i // 4.
            let (terms, constant) = self.terms();
            let (exact, rest): (Vec<_>, Vec<_>) = terms.iter().cloned().partition(|(_, c)| c % b == 0);
            if !exact.is_empty() {
                let whole = exact.into_iter().map(|(m, c)| (m, c / b)).collect();
                let rest = Dim::from_terms(rest, constant);
                return Dim::from_terms(whole, 0) + rest.floor_div(other);
            }
        }
        if let Some(q) = self.exact_quotient(other) {
            return q;
        }
        Dim::atom(Atom::FloorDiv(self.clone(), other.clone()))
    }

    /// `self / other` when `other` is a single term that divides every term.
    fn exact_quotient(&self, other: &Dim) -> Option<Dim> {
        let (divisor, 0) = other.terms() else { return None };
        let [(atoms, k)] = divisor else { return None };
        let (terms, 0) = self.terms() else { return None };
        let mut out = Vec::with_capacity(terms.len());
        let mut constant = 0;
        for (m, c) in terms {
            if c % k != 0 {
                return None;
            }
            let mut left = m.clone();
            for a in atoms {
                left.remove(left.iter().position(|x| x == a)?);
            }
            if left.is_empty() { constant += c / k } else { out.push((left, c / k)) }
        }
        Some(Dim::from_terms(out, constant))
    }

    /// `self % other`, with the divisor's sign.
    pub fn modulo(&self, other: &Dim) -> Dim {
        match (self.as_const(), other.as_const()) {
            (Some(a), Some(b)) => return Dim::constant(floor_mod(a, b)),
            (_, Some(1)) | (Some(0), _) => return Dim::constant(0),
            _ => {}
        }
        if self == other || self.exact_quotient(other).is_some() {
            return Dim::constant(0);
        }
        if let Some(b) = other.as_const().filter(|b| *b > 1) {
            let (terms, constant) = self.terms();
            let rest: Vec<_> = terms.iter().filter(|(_, c)| c % b != 0).cloned().collect();
            if rest.len() < terms.len() {
                return Dim::from_terms(rest, constant).modulo(other);
            }
        }
        Dim::atom(Atom::Mod(self.clone(), other.clone()))
    }

    /// The smaller of two.
    pub fn minimum(&self, other: &Dim) -> Dim {
        match (self - other).as_const() {
            Some(d) if d <= 0 => self.clone(),
            Some(_) => other.clone(),
            None => {
                let (a, b) = if self <= other { (self, other) } else { (other, self) };
                Dim::atom(Atom::Min(a.clone(), b.clone()))
            }
        }
    }

    /// The larger of two.
    pub fn maximum(&self, other: &Dim) -> Dim {
        match (self - other).as_const() {
            Some(d) if d >= 0 => self.clone(),
            Some(_) => other.clone(),
            None => {
                let (a, b) = if self <= other { (self, other) } else { (other, self) };
                Dim::atom(Atom::Max(a.clone(), b.clone()))
            }
        }
    }

    /// `ceil(self / other)` for a positive divisor.
    pub fn ceil_div(&self, other: &Dim) -> Dim {
        (self + other - Dim::constant(1)).floor_div(other)
    }

    /// Calls `f` on each symbol, in order, with repetition.
    pub fn for_each_symbol(&self, f: &mut dyn FnMut(&Symbol)) {
        for (m, _) in self.terms().0 {
            for a in m {
                match a {
                    Atom::Sym(s) => f(s),
                    Atom::FloorDiv(x, y) | Atom::Mod(x, y) | Atom::Min(x, y) | Atom::Max(x, y) => {
                        x.for_each_symbol(f);
                        y.for_each_symbol(f);
                    }
                }
            }
        }
    }

    /// True if the symbol occurs anywhere.
    pub fn mentions(&self, name: &str) -> bool {
        let mut found = false;
        self.for_each_symbol(&mut |s| found |= &**s == name);
        found
    }

    /// The value under an assignment, or the first symbol that has none.
    pub fn eval(&self, env: &dyn Fn(&str) -> Option<i64>) -> Result<i64, Symbol> {
        let (terms, constant) = self.terms();
        let mut sum = constant;
        for (m, c) in terms {
            let mut product = *c;
            for a in m {
                let v = match a {
                    Atom::Sym(s) => env(s).ok_or_else(|| s.clone())?,
                    Atom::FloorDiv(x, y) => floor_div(x.eval(env)?, y.eval(env)?),
                    Atom::Mod(x, y) => floor_mod(x.eval(env)?, y.eval(env)?),
                    Atom::Min(x, y) => x.eval(env)?.min(y.eval(env)?),
                    Atom::Max(x, y) => x.eval(env)?.max(y.eval(env)?),
                };
                product = product.wrapping_mul(v);
            }
            sum = sum.wrapping_add(product);
        }
        Ok(sum)
    }

    /// Replaces symbols for which `f` gives an expression.
    pub fn substitute(&self, f: &dyn Fn(&str) -> Option<Dim>) -> Dim {
        self.rebuild(f, &|_| None)
    }

    /// Replaces constants for which `f` gives an expression.
    pub fn map_constants(&self, f: &dyn Fn(i64) -> Option<Dim>) -> Dim {
        self.rebuild(&|_| None, f)
    }

    fn rebuild(&self, symbol: &dyn Fn(&str) -> Option<Dim>, number: &dyn Fn(i64) -> Option<Dim>) -> Dim {
        let (terms, constant) = self.terms();
        let new = |c: i64| number(c).unwrap_or(Dim::constant(c));
        let part = |x: &Dim| x.rebuild(symbol, number);
        let mut sum = new(constant);
        for (m, c) in terms {
            let mut product = new(*c);
            for a in m {
                let v = match a {
                    Atom::Sym(s) => symbol(s).unwrap_or_else(|| Dim::atom(a.clone())),
                    Atom::FloorDiv(x, y) => part(x).floor_div(&part(y)),
                    Atom::Mod(x, y) => part(x).modulo(&part(y)),
                    Atom::Min(x, y) => part(x).minimum(&part(y)),
                    Atom::Max(x, y) => part(x).maximum(&part(y)),
                };
                product = product * v;
            }
            sum = sum + product;
        }
        sum
    }

    /// Visits the constants: coefficients, summands, and those of divisors, minima and maxima.
    pub fn for_each_constant(&self, f: &mut dyn FnMut(i64)) {
        let (terms, constant) = self.terms();
        for (m, c) in terms {
            f(*c);
            for a in m {
                if let Atom::FloorDiv(x, y) | Atom::Mod(x, y) | Atom::Min(x, y) | Atom::Max(x, y) = a {
                    x.for_each_constant(f);
                    y.for_each_constant(f);
                }
            }
        }
        f(constant);
    }

    /// Writes `self` as `coefficient * symbol + rest` if it is affine in the symbol.
    pub fn affine_in(&self, name: &str) -> Option<(Dim, Dim)> {
        let (terms, constant) = self.terms();
        let (mut coefficient, mut rest) = (Vec::new(), Vec::new());
        let mut scalar = 0;
        for (m, c) in terms {
            let is_symbol = |a: &&Atom| matches!(a, Atom::Sym(s) if &**s == name);
            match m.iter().filter(is_symbol).count() {
                0 => {
                    let inside = m.iter().any(|a| Dim::atom(a.clone()).mentions(name));
                    if inside {
                        return None;
                    }
                    rest.push((m.clone(), *c));
                }
                1 => {
                    let others: Vec<Atom> = m.iter().filter(|a| !is_symbol(a)).cloned().collect();
                    if others.iter().any(|a| Dim::atom(a.clone()).mentions(name)) {
                        return None;
                    }
                    if others.is_empty() { scalar += c } else { coefficient.push((others, *c)) }
                }
                _ => return None,
            }
        }
        Some((Dim::from_terms(coefficient, scalar), Dim::from_terms(rest, constant)))
    }

    /// Proves `self >= 0`, given bounds of loop indices (`lo <= index < hi`); size symbols count as >= 0.
    /// `false` means "not proven".
    pub fn proves_nonnegative(&self, ranges: &[(Symbol, Dim, Dim)]) -> bool {
        if let Some(v) = self.as_const() {
            return v >= 0;
        }
        // Innermost index first: its bounds may mention outer ones.
        for (i, (name, lo, hi)) in ranges.iter().enumerate().rev() {
            if !self.mentions(name) {
                continue;
            }
            let Some((k, rest)) = self.affine_in(name) else { return false };
            let outer = &ranges[..i];
            let end = if k.proves_nonnegative(outer) {
                lo.clone()
            } else if (-&k).proves_nonnegative(outer) {
                hi - &Dim::constant(1)
            } else {
                return false;
            };
            return (k * end + rest).proves_nonnegative(outer);
        }
        let (terms, constant) = self.terms();
        let nonneg_atom = |a: &Atom| match a {
            Atom::Sym(s) => !s.starts_with('%'),
            Atom::FloorDiv(x, y) => x.proves_nonnegative(ranges) && y.proves_nonnegative(ranges),
            Atom::Mod(_, y) => y.proves_nonnegative(ranges),
            Atom::Min(x, y) => x.proves_nonnegative(ranges) && y.proves_nonnegative(ranges),
            Atom::Max(x, y) => x.proves_nonnegative(ranges) || y.proves_nonnegative(ranges),
        };
        constant >= 0 && terms.iter().all(|(m, c)| *c > 0 && m.iter().all(nonneg_atom))
    }
}

impl From<i64> for Dim {
    fn from(v: i64) -> Dim {
        Dim::constant(v)
    }
}

impl From<i32> for Dim {
    fn from(v: i32) -> Dim {
        Dim::constant(v as i64)
    }
}

impl From<usize> for Dim {
    fn from(v: usize) -> Dim {
        Dim::constant(v as i64)
    }
}

impl Add<&Dim> for &Dim {
    type Output = Dim;
    fn add(self, other: &Dim) -> Dim {
        if let (Some(a), Some(b)) = (self.as_const(), other.as_const()) {
            return Dim::constant(a.saturating_add(b));
        }
        if other.is(0) {
            return self.clone();
        }
        let ((a, ca), (b, cb)) = (self.terms(), other.terms());
        Dim::from_terms(a.iter().chain(b).cloned().collect(), ca.saturating_add(cb))
    }
}

impl Mul<&Dim> for &Dim {
    type Output = Dim;
    fn mul(self, other: &Dim) -> Dim {
        match (self.as_const(), other.as_const()) {
            (Some(a), Some(b)) => return Dim::constant(a.saturating_mul(b)),
            (Some(0), _) | (_, Some(0)) => return Dim::constant(0),
            (Some(1), _) => return other.clone(),
            (_, Some(1)) => return self.clone(),
            _ => {}
        }
        let ((a, ca), (b, cb)) = (self.terms(), other.terms());
        let mut out = Vec::new();
        for (m, c) in a {
            for (n, d) in b {
                let mut atoms: Vec<Atom> = m.iter().chain(n).cloned().collect();
                atoms.sort();
                out.push((atoms, c.saturating_mul(*d)));
            }
            out.push((m.clone(), c.saturating_mul(cb)));
        }
        out.extend(b.iter().map(|(n, d)| (n.clone(), d.saturating_mul(ca))));
        Dim::from_terms(out, ca.saturating_mul(cb))
    }
}

impl Neg for &Dim {
    type Output = Dim;
    fn neg(self) -> Dim {
        self * &Dim::constant(-1)
    }
}

impl Sub<&Dim> for &Dim {
    type Output = Dim;
    fn sub(self, other: &Dim) -> Dim {
        if let (Some(a), Some(b)) = (self.as_const(), other.as_const()) {
            return Dim::constant(a.saturating_sub(b));
        }
        self + &-other
    }
}

macro_rules! owned_operators {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait<Dim> for Dim { type Output = Dim; fn $method(self, o: Dim) -> Dim { (&self).$method(&o) } }
        impl $trait<&Dim> for Dim { type Output = Dim; fn $method(self, o: &Dim) -> Dim { (&self).$method(o) } }
        impl $trait<Dim> for &Dim { type Output = Dim; fn $method(self, o: Dim) -> Dim { self.$method(&o) } }
        impl $trait<i64> for Dim { type Output = Dim; fn $method(self, o: i64) -> Dim { (&self).$method(&Dim::constant(o)) } }
        impl $trait<i64> for &Dim { type Output = Dim; fn $method(self, o: i64) -> Dim { self.$method(&Dim::constant(o)) } }
    )*};
}
owned_operators!(Add add, Sub sub, Mul mul);

impl Neg for Dim {
    type Output = Dim;
    fn neg(self) -> Dim {
        -&self
    }
}

/// The product of a list of sizes.
pub fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Dim {
    dims.into_iter().fold(Dim::constant(1), |acc, d| acc * d)
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Sym(s) => f.write_str(s),
            Atom::FloorDiv(a, b) => write!(f, "floordiv({a}, {b})"),
            Atom::Mod(a, b) => write!(f, "mod({a}, {b})"),
            Atom::Min(a, b) => write!(f, "min({a}, {b})"),
            Atom::Max(a, b) => write!(f, "max({a}, {b})"),
        }
    }
}

impl fmt::Display for Dim {
    /// Terms joined with ` + ` and ` - `, factors with `*`: `2*i*n + j - 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (terms, constant) = self.terms();
        if terms.is_empty() {
            return write!(f, "{constant}");
        }
        for (i, (atoms, c)) in terms.iter().enumerate() {
            match (i, *c < 0) {
                (0, true) => f.write_str("-")?,
                (0, false) => {}
                (_, true) => f.write_str(" - ")?,
                (_, false) => f.write_str(" + ")?,
            }
            if c.unsigned_abs() != 1 {
                write!(f, "{}*", c.unsigned_abs())?;
            }
            for (k, a) in atoms.iter().enumerate() {
                if k > 0 {
                    f.write_str("*")?;
                }
                write!(f, "{a}")?;
            }
        }
        match constant {
            0 => Ok(()),
            c if c < 0 => write!(f, " - {}", c.unsigned_abs()),
            c => write!(f, " + {c}"),
        }
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_form_makes_equal_expressions_equal() {
        let (n, i) = (Dim::symbol("n"), Dim::symbol("i"));
        assert_eq!(&(&n + &i) - &n, i);
        assert_eq!((&n * &i) + (&i * &n), &n * &i * 2);
        assert_eq!((&n * 4 + &i).floor_div(&4.into()), &n + i.floor_div(&4.into()));
        assert_eq!((&n * &i).floor_div(&n), i);
        assert_eq!((&n * &i).modulo(&n), Dim::constant(0));
        assert_eq!((&i * &n * 2 + &i - 1).to_string(), "i + 2*i*n - 1");
    }

    #[test]
    fn bounds_follow_nested_loops() {
        let (n, i, j) = (Dim::symbol("n"), Dim::symbol("i"), Dim::symbol("j"));
        // for i in 0..n { for j in 0..i { .. } }
        let ranges: Vec<(Symbol, Dim, Dim)> =
            vec![("i".into(), 0.into(), n.clone()), ("j".into(), 0.into(), i.clone())];
        assert!((&n - &j).proves_nonnegative(&ranges));
        assert!((&n - &j - 2).proves_nonnegative(&ranges));
        assert!(!(&n - &j - 3).proves_nonnegative(&ranges));
        assert!(!(&j - &i).proves_nonnegative(&ranges));
    }

    #[test]
    fn affine_decomposition() {
        let (n, i) = (Dim::symbol("n"), Dim::symbol("i"));
        let e = &n * &i + &i * 3 + &n - 1;
        assert_eq!(e.affine_in("i"), Some((&n + 3, &n - 1)));
        assert_eq!(i.floor_div(&n).affine_in("i"), None);
    }
}
