//! Random choices and values.

use frit_ir::{DType, Scalar};
use num_complex::Complex64;

/// A small generator of pseudo-random numbers (xorshift64*), so that failures repeat.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        let mut r = Random(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        r.below(2);
        r
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    pub(crate) fn sign(&mut self) -> f64 {
        if self.one_in(2) { 1.0 } else { -1.0 }
    }
}

/// Where elements come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Values {
    /// Small multiples of 1/4: sums and products of them are exact, and ties are many.
    Grid,
    /// Any floats of moderate size.
    Moderate,
    /// Infinities, NaN, zeros of both signs, subnormals and extremes among the others.
    Special,
}

fn real(r: &mut Random, t: DType, values: Values) -> f64 {
    let tiny = if t.real() == DType::F32 { 1e-41 } else { 3e-310 };
    let special = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        tiny,
        -tiny,
        1.0,
        -1.0,
        0.5,
        2.5,
        1e30,
        -1e-30,
        3e9,
    ];
    match values {
        Values::Grid => (r.below(17) as f64 - 8.0) / 4.0,
        Values::Special if r.one_in(3) => r.pick(&special),
        _ => r.below(4000) as f64 / 1000.3 - 2.0,
    }
}

/// A random element.
pub(crate) fn element(r: &mut Random, t: DType, values: Values) -> Scalar {
    if t.is_complex() {
        let (re, im) = (real(r, t, values), real(r, t, values));
        return Scalar::complex(t, Complex64::new(re, im));
    }
    if t.is_float() {
        return Scalar::from_f64(t, real(r, t, values));
    }
    let (lo, hi) = t.int_range().expect("an integer or bool");
    let extremes = [lo as i64, hi as i64, lo as i64 + 1, 100, -100];
    let v = match values {
        Values::Special if r.one_in(4) => r.pick(&extremes),
        _ => r.below(13) as i64 - if lo < 0 { 6 } else { 0 },
    };
    Scalar::from_i64(t, if t == DType::Bool { v & 1 } else { v })
}
