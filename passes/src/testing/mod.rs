//! Random graphs, and an evaluator that judges what passes make of them.

pub(crate) mod generate;
pub(crate) mod interp;

use crate::pass::MathLevel;
use frit_ir::graph::Graph;
use generate::{Draw, Random, arguments};
use interp::{Array, eval};

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
        MathLevel::Reassociate => &[Draw::Moderate, Draw::Tame],
        MathLevel::Fast => &[Draw::Tame],
    };
    for draw in draws {
        let args = arguments(r, before, *draw);
        for (a, b) in eval(before, &args).iter().zip(&eval(after, &args)) {
            close(level, a, b).map_err(|why| {
                format!("{why} at {}\nbefore {before:#?}\nafter {after:#?}\n{args:#?}", level.name())
            })?;
        }
    }
    Ok(())
}

fn close(level: MathLevel, a: &Array, b: &Array) -> Result<(), String> {
    if a.dtype != b.dtype || a.shape != b.shape {
        return Err(format!("{:?}{:?} became {:?}{:?}", a.dtype, a.shape, b.dtype, b.shape));
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
