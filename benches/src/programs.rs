//! The programs that are timed, which the memory contract is held on, too (`benches/tests/memory.rs`).

use frit::{Array, DType, Dim, fori_loop, where_};

/// Eight operations on three arrays of one shape.
pub fn chain(x: Array, y: Array, z: Array) -> Array {
    ((x + y) * z - x) * y + (z - y) * x
}

/// Three element widths in one loop: a mask of bytes, `f32` and `f64`.
pub fn mixed(m: Array, x: Array, y: Array) -> Array {
    where_(m, x.astype(DType::F64) * y + 1.0, y)
}

/// The sum of `f32` elements as `f64`.
pub fn sum_of_singles(x: Array) -> Array {
    x.astype(DType::F64).sum(())
}

/// Of each row.
pub fn softmax(x: Array) -> Array {
    let e = (x - x.max_keepdims(1)).exp();
    e / e.sum_keepdims(1)
}

/// Prices of call options: spot prices, strikes, years.
pub fn black_scholes(s: Array, k: Array, t: Array) -> Array {
    let (r, v) = (0.02, 0.3);
    let root = t.sqrt() * v;
    let d1 = ((s / k).log() + t * (r + v * v / 2.0)) / root;
    let d2 = d1 - root;
    let normal = |x: Array| ((x * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
    s * normal(d1) - k * (t * -r).exp() * normal(d2)
}

/// Sums of squared differences of each element of `x` with all of `y`.
pub fn distances(x: Array, y: Array) -> Array {
    (x.expand_dims(1) - y.expand_dims(0)).square().sum(1)
}

/// Twenty elementwise operations.
pub fn twenty_ops(x: Array, y: Array) -> Array {
    let a = (x + y) * 2.0 - x;
    let b = (a * a + y).sqrt() + (x - 1.0) / 3.0;
    let c = (b - a).absolute() + b.maximum(a) * 0.5;
    let d = c * y + (a - c).square() - b;
    (d + 1.0) * (x - y) + d
}

/// The Cholesky factor in the lower triangle of the argument, by two loops.
pub fn cholesky(a: Array) -> Array {
    let n = a.shape()[0].clone();
    let [a] = fori_loop(0, n, [a], |i, [a]| {
        let [a] = fori_loop(0, i, [a], |j, [a]| {
            let to_j = || Dim::from(0)..j.dim();
            let dot = (a.at((i, to_j())) * a.at((j, to_j()))).sum(());
            [a.set((i, j), (a.at((i, j)) - dot) / a.at((j, j)))]
        });
        let row = a.at((i, Dim::from(0)..i.dim()));
        [a.set((i, i), (a.at((i, i)) - row.square().sum(())).sqrt())]
    });
    a
}
