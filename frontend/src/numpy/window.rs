//! Windows for spectral analysis.

use super::{Built, bin, choose, un};
use frit_ir::build::Builder;
use frit_ir::{DType, Dim, Op};
use std::f64::consts::PI;

/// `f(n)` of the odd integers `1 - m, 3 - m, .., m - 1`; one element is 1.
fn over_odd(
    b: &mut Builder,
    m: &Dim,
    f: impl FnOnce(&mut Builder, frit_ir::Value, frit_ir::Value) -> Built,
) -> Built {
    if m.as_const().is_some_and(|m| m <= 1) {
        return super::ones(b, &[m.maximum(&Dim::constant(0))], DType::F64);
    }
    let k = b.iota(std::slice::from_ref(m), 0, DType::F64)?;
    let k = bin(b, Op::Multiply, k, 2.0)?;
    let width = super::size_as(b, &(m - 1), DType::F64)?;
    let n = bin(b, Op::Subtract, k, width)?;
    f(b, n, width)
}

/// `a + b cos(pi n / (m - 1)) + c cos(2 pi n / (m - 1))`.
fn cosines(b: &mut Builder, m: &Dim, weights: [f64; 3]) -> Built {
    over_odd(b, m, |b, n, width| {
        let x = bin(b, Op::Multiply, n, PI)?;
        let angle = bin(b, Op::Divide, x, width)?;
        let c = un(b, Op::Cos, angle)?;
        let c = bin(b, Op::Multiply, c, weights[1])?;
        let sum = bin(b, Op::Add, c, weights[0])?;
        if weights[2] == 0.0 {
            return Ok(sum);
        }
        let double = bin(b, Op::Multiply, n, 2.0 * PI)?;
        let double = bin(b, Op::Divide, double, width)?;
        let d = un(b, Op::Cos, double)?;
        let d = bin(b, Op::Multiply, d, weights[2])?;
        bin(b, Op::Add, sum, d)
    })
}

/// Raised cosine that ends in zeros.
pub fn hanning(b: &mut Builder, m: &Dim) -> Built {
    cosines(b, m, [0.5, 0.5, 0.0])
}

/// Raised cosine with a small step at the ends.
pub fn hamming(b: &mut Builder, m: &Dim) -> Built {
    cosines(b, m, [0.54, 0.46, 0.0])
}

/// Three cosine terms.
pub fn blackman(b: &mut Builder, m: &Dim) -> Built {
    cosines(b, m, [0.42, 0.5, 0.08])
}

/// A triangle that ends in zeros.
pub fn bartlett(b: &mut Builder, m: &Dim) -> Built {
    over_odd(b, m, |b, n, width| {
        let r = bin(b, Op::Divide, n, width)?;
        let left = bin(b, Op::LessEqual, n, 0)?;
        let (up, down) = (bin(b, Op::Add, 1.0, r)?, bin(b, Op::Subtract, 1.0, r)?);
        choose(b, left, up, down)
    })
}

/// The Kaiser window: `i0(beta sqrt(1 - r^2)) / i0(beta)` for `r` from -1 to 1.
pub fn kaiser(b: &mut Builder, m: &Dim, beta: f64) -> Built {
    over_odd(b, m, |b, n, width| {
        let r = bin(b, Op::Divide, n, width)?;
        let r = un(b, Op::Square, r)?;
        let r = bin(b, Op::Subtract, 1.0, r)?;
        let r = un(b, Op::Sqrt, r)?;
        let r = bin(b, Op::Multiply, r, beta)?;
        let top = super::i0(b, r)?;
        let beta = b.number(DType::F64, beta);
        let bottom = super::i0(b, beta)?;
        bin(b, Op::Divide, top, bottom)
    })
}
