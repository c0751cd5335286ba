//! Random graphs, and the reference interpreter as the judge of what passes make of them.

pub(crate) mod examples;
pub(crate) mod generate;
pub(crate) mod library;

use crate::pass::MathLevel;
use frit_ir::Dim;
use frit_ir::eval::{Array, EvalError, Sizes, eval};
use frit_ir::graph::Graph;
use generate::{Draw, Random, arguments};

/// Sizes of the symbols in every test.
pub(crate) fn sizes() -> Sizes {
    Sizes::new([("n", 5), ("m", 3), ("z", 0)])
}

/// A size as a number.
pub(crate) fn size(d: &Dim) -> usize {
    sizes().number(d).expect("a known symbol").try_into().expect("not negative")
}

/// Two graphs give the same values for random arguments: the same bits at the exact level, values equal up to
/// rounding (and the sign of zero) at the others.
pub(crate) fn same_values(
    r: &mut Random,
    level: MathLevel,
    before: &Graph,
    after: &Graph,
) -> Result<(), String> {
    let draws: &[Draw] = match level {
        MathLevel::Exact => &[Draw::Special, Draw::Moderate],
        MathLevel::Reassociate | MathLevel::Fast => &[Draw::Moderate, Draw::Tame],
    };
    for draw in draws {
        let args = arguments(r, before, *draw);
        let want = match eval(before, &args, &sizes()) {
            // What has no value may become anything; nothing that has one may lose it.
            Err(EvalError::NegativePower | EvalError::Matrix { .. }) => continue,
            other => other.map_err(|e| e.to_string())?,
        };
        let got =
            eval(after, &args, &sizes()).map_err(|e| format!("{e}\nbefore {before:#?}\nafter {after:#?}"))?;
        for (a, b) in want.iter().zip(&got) {
            close(level, a, b).map_err(|why| {
                format!("{why} at {}\nbefore {before:#?}\nafter {after:#?}\n{args:#?}", level.name())
            })?;
        }
    }
    Ok(())
}

fn close(level: MathLevel, a: &Array, b: &Array) -> Result<(), String> {
    if a.dtype != b.dtype || a.shape() != b.shape() {
        return Err(format!("{:?}{:?} became {:?}{:?}", a.dtype, a.shape(), b.dtype, b.shape()));
    }
    let eps = if a.dtype.real().size() == 4 { 1e-4 } else { 1e-9 };
    let largest = a.data.iter().map(|s| s.as_complex().norm()).filter(|v| v.is_finite()).fold(1.0, f64::max);
    for (x, y) in a.data.iter().zip(&b.data) {
        let (p, q) = (x.as_complex(), y.as_complex());
        let same_part = |p: f64, q: f64| p.to_bits() == q.to_bits() || (p.is_nan() && q.is_nan());
        let fine = match level {
            _ if !a.dtype.is_inexact() => x == y,
            MathLevel::Exact => same_part(p.re, q.re) && same_part(p.im, q.im),
            // An infinity or NaN that the original has may come out as another one.
            _ => !(p.re.is_finite() && p.im.is_finite()) || (p - q).norm() <= eps * largest,
        };
        if !fine {
            return Err(format!("{x} became {y}"));
        }
    }
    Ok(())
}
