//! The memory contract on the programs of the benchmarks: never less than is measured, and at most a tenth more.

use frit::{Arguments, Array, Jit, Traceable, jit};
use frit_benches::programs;
use ndarray::{Array1, Array2};

fn holds<P, F: Traceable<P>>(name: &str, f: &Jit<F, P>, arguments: impl Arguments) {
    let projected = f.memory(&arguments).unwrap().peak_bytes;
    let (_, measured) = f.call_with(&arguments, &Default::default()).unwrap();
    assert!(
        measured <= projected && projected as f64 <= 1.1 * measured as f64,
        "{name}: projected {projected}, measured {measured}"
    );
}

#[test]
fn programs_take_what_is_projected() {
    let make = |step: f64| Array1::from_iter((0..100_000).map(|i| 1.0 + (i % 1000) as f64 * step));
    let (x, y, z) = (make(0.5), make(0.25), make(0.125));
    holds("chain", &jit(programs::chain), (&x, &y, &z));
    let reduced = |f: fn(Array) -> Array| move |x, y, z| f(programs::chain(x, y, z));
    for (name, f) in [
        ("sum", (|a: Array| a.sum(())) as fn(Array) -> Array),
        ("mean", |a: Array| a.mean(())),
        ("max", |a: Array| a.max(())),
    ] {
        holds(name, &jit(reduced(f)), (&x, &y, &z));
    }
    let (mask, singles) = (x.mapv(|x| x < 200.0), x.mapv(|x| x as f32));
    holds("mixed", &jit(programs::mixed), (&mask, &singles, &y));
    holds("sum of singles", &jit(programs::sum_of_singles), (&singles,));
    holds("Black-Scholes", &jit(programs::black_scholes), (&x, &y, &z));
    holds("distances", &jit(programs::distances), (&x, &y));
    holds("twenty operations", &jit(programs::twenty_ops), (&x, &y));
    let rows = Array2::from_shape_fn((200, 1000), |(i, j)| ((i * 7 + j * 13) % 97) as f32 * 0.1);
    holds("softmax", &jit(programs::softmax), (&rows,));
    let n = 100;
    let definite =
        Array2::from_shape_fn(
            (n, n),
            |(i, j)| {
                if i == j { n as f64 } else { 1.0 / (1.0 + i.abs_diff(j) as f64) }
            },
        );
    holds("Cholesky", &jit(programs::cholesky), (&definite,));
}
