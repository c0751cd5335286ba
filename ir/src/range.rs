//! Values of size expressions: exact ones that refuse to overflow, and bounds over ranges of symbols.

use crate::dim::{Atom, Dim, Symbol, floor_div, floor_mod};

/// Why an expression has no value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvalError {
    /// A symbol has no value.
    #[error("`{0}` has no value")]
    Unbound(Symbol),
    /// The value, or a part of it, does not fit in 64 bits.
    #[error("`{0}` does not fit in 64 bits")]
    Overflow(String),
}

/// The least and greatest value, both reached or not.
pub type Range = (i64, i64);

/// Symbols with a range up to which a multilinear expression is evaluated at every corner.
const MOST_CORNERS: usize = 4;

impl Dim {
    /// The value under an assignment. Unlike [`Dim::eval`] it never wraps: sums and products are taken in 128 bits, and
    /// a result beyond 64 is an error.
    pub fn checked_eval(&self, env: &dyn Fn(&str) -> Option<i64>) -> Result<i64, EvalError> {
        let overflow = || EvalError::Overflow(self.to_string());
        if self.is(i64::MAX) || self.is(i64::MIN) {
            // Where saturated arithmetic on constants ends.
            return Err(overflow());
        }
        let (terms, constant) = self.terms();
        let mut sum = i128::from(constant);
        for (m, c) in terms {
            let mut product = i128::from(*c);
            for a in m {
                let v = match a {
                    Atom::Sym(s) => env(s).ok_or_else(|| EvalError::Unbound(s.clone()))?,
                    Atom::FloorDiv(x, y) => floor_div(x.checked_eval(env)?, y.checked_eval(env)?),
                    Atom::Mod(x, y) => floor_mod(x.checked_eval(env)?, y.checked_eval(env)?),
                    Atom::Min(x, y) => x.checked_eval(env)?.min(y.checked_eval(env)?),
                    Atom::Max(x, y) => x.checked_eval(env)?.max(y.checked_eval(env)?),
                };
                product = product.checked_mul(i128::from(v)).ok_or_else(overflow)?;
            }
            sum = sum.checked_add(product).ok_or_else(overflow)?;
        }
        i64::try_from(sum).map_err(|_| overflow())
    }

    /// Bounds of the value while each symbol runs through its range. They are reached if the expression is of degree at
    /// most one in every symbol whose range is not a point (its extremes are then at corners of the box); otherwise
    /// they come from interval arithmetic and may be wider.
    pub fn range(&self, env: &dyn Fn(&str) -> Option<Range>) -> Result<Range, EvalError> {
        if let Some(v) = self.as_const() {
            return if v == i64::MAX || v == i64::MIN {
                Err(EvalError::Overflow(self.to_string()))
            } else {
                Ok((v, v))
            };
        }
        let mut moving: Vec<Symbol> = Vec::new();
        let mut unbound = None;
        self.for_each_symbol(&mut |s| match env(s) {
            None => unbound = Some(s.clone()),
            Some((lo, hi)) if lo != hi && !moving.contains(s) => moving.push(s.clone()),
            Some(_) => {}
        });
        if let Some(s) = unbound {
            return Err(EvalError::Unbound(s));
        }
        let linear = |s: &Symbol| self.affine_in(s).is_some();
        if moving.len() > MOST_CORNERS || !moving.iter().all(linear) {
            return self.interval(env);
        }
        let mut bounds: Option<Range> = None;
        for corner in 0..1usize << moving.len() {
            let v = self.checked_eval(&|s| {
                let (lo, hi) = env(s)?;
                let high = moving.iter().position(|m| &**m == s).is_some_and(|k| corner >> k & 1 == 1);
                Some(if high { hi } else { lo })
            })?;
            bounds = Some(bounds.map_or((v, v), |(lo, hi)| (lo.min(v), hi.max(v))));
        }
        Ok(bounds.expect("a box has a corner"))
    }

    fn interval(&self, env: &dyn Fn(&str) -> Option<Range>) -> Result<Range, EvalError> {
        let overflow = || EvalError::Overflow(self.to_string());
        let (terms, constant) = self.terms();
        let (mut low, mut high) = (i128::from(constant), i128::from(constant));
        for (m, c) in terms {
            let (mut a, mut b) = (i128::from(*c), i128::from(*c));
            for atom in m {
                let (lo, hi) = atom_range(atom, env)?;
                let mut ends = [0i128; 4];
                for (k, (x, y)) in [(a, lo), (a, hi), (b, lo), (b, hi)].into_iter().enumerate() {
                    ends[k] = x.checked_mul(i128::from(y)).ok_or_else(overflow)?;
                }
                a = ends.into_iter().min().expect("four ends");
                b = ends.into_iter().max().expect("four ends");
            }
            low = low.checked_add(a).ok_or_else(overflow)?;
            high = high.checked_add(b).ok_or_else(overflow)?;
        }
        Ok((i64::try_from(low).map_err(|_| overflow())?, i64::try_from(high).map_err(|_| overflow())?))
    }
}

fn atom_range(atom: &Atom, env: &dyn Fn(&str) -> Option<Range>) -> Result<Range, EvalError> {
    Ok(match atom {
        Atom::Sym(s) => env(s).ok_or_else(|| EvalError::Unbound(s.clone()))?,
        Atom::Min(x, y) => {
            let (x, y) = (x.range(env)?, y.range(env)?);
            (x.0.min(y.0), x.1.min(y.1))
        }
        Atom::Max(x, y) => {
            let (x, y) = (x.range(env)?, y.range(env)?);
            (x.0.max(y.0), x.1.max(y.1))
        }
        Atom::FloorDiv(x, y) => {
            let (x, y) = (x.range(env)?, y.range(env)?);
            if y.0 <= 0 && y.1 >= 0 {
                // A quotient by an integer is no further from 0 than the dividend, give or take the rounding.
                let most = x.0.saturating_abs().max(x.1.saturating_abs());
                (-most, most)
            } else {
                let ends =
                    [floor_div(x.0, y.0), floor_div(x.0, y.1), floor_div(x.1, y.0), floor_div(x.1, y.1)];
                (*ends.iter().min().expect("four"), *ends.iter().max().expect("four"))
            }
        }
        Atom::Mod(x, y) => {
            let (x, y) = (x.range(env)?, y.range(env)?);
            if x.0 == x.1 && y.0 == y.1 {
                let v = floor_mod(x.0, y.0);
                (v, v)
            } else if x.0 >= 0 && x.1 < y.0 {
                x
            } else {
                (y.0.saturating_add(1).min(0), (y.1 - 1).max(0))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_beyond_64_bits_are_errors() {
        let (n, m) = (Dim::symbol("n"), Dim::symbol("m"));
        let big = |_: &str| Some(1 << 40);
        assert_eq!((&n * &m).checked_eval(&big), Err(EvalError::Overflow("m*n".into())));
        // The parts are large, the value is not.
        assert_eq!((&n * &m - &m * &n + 7).checked_eval(&big), Ok(7));
        assert_eq!((&n * &m - &n * &Dim::symbol("k")).checked_eval(&big), Ok(0));
        let sizes = [Dim::constant(1 << 40), Dim::constant(1 << 40)];
        assert!(crate::dim::product(&sizes).checked_eval(&big).is_err());
        assert_eq!(n.checked_eval(&|_| None), Err(EvalError::Unbound("n".into())));
    }

    /// Bounds hold for every value in the box, and are reached by expressions of degree one.
    #[test]
    fn ranges_bound_every_value() {
        let (i, j, n) = (Dim::symbol("i"), Dim::symbol("j"), Dim::symbol("n"));
        let exact = [&n - &i, &i * &j - &j, &i * 3 - &j * 2 + 1, &n * &i - &i + 4];
        let bounded = [
            &i * &i - &i * 5,
            i.floor_div(&3.into()) * &j,
            (&i - &j).floor_div(&(&j - 2)),
            i.modulo(&3.into()) - j.modulo(&(&i + 1)),
            i.minimum(&(&n - &i)) + j.maximum(&(&i * 2)),
            (&i - 4).modulo(&(&j - 3)),
        ];
        for (ilo, ihi, jlo, jhi) in [(0, 7, 0, 5), (-3, 4, -2, 2), (2, 2, 1, 6), (5, 9, 3, 3)] {
            let range = |s: &str| {
                Some(match s {
                    "i" => (ilo, ihi),
                    "j" => (jlo, jhi),
                    _ => (10, 10),
                })
            };
            for (k, e) in exact.iter().chain(&bounded).enumerate() {
                let (lo, hi) = e.range(&range).unwrap();
                let mut seen: Option<Range> = None;
                for a in ilo..=ihi {
                    for b in jlo..=jhi {
                        let v = e.checked_eval(&|s| {
                            Some(if s == "i" {
                                a
                            } else if s == "j" {
                                b
                            } else {
                                10
                            })
                        });
                        let v = v.unwrap();
                        seen = Some(seen.map_or((v, v), |(x, y)| (x.min(v), y.max(v))));
                    }
                }
                let (a, b) = seen.unwrap();
                assert!(lo <= a && b <= hi, "{e}: {a}..{b} not in {lo}..{hi}");
                assert!(k >= exact.len() || (lo, hi) == (a, b), "{e}: {a}..{b}, bounds {lo}..{hi}");
            }
        }
    }
}
