//! The memory contract from the user's side: projections without data, limits, refusals.

use frit::{Array, DType, Error, Jit, Traceable, jit, spec};
use ndarray::{ArrayD, IxDyn};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tests that count what the process compiles or holds take turns with the others.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Values in [-1, 1] that no formula has as its own.
fn values(shape: &[usize], seed: u64) -> ArrayD<f64> {
    let mut state = seed;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    })
}

fn close(a: &ArrayD<f64>, b: &ArrayD<f64>) {
    assert_eq!(a.shape(), b.shape());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= 1e-12 * (1.0 + x.abs()), "{x} and {y}");
    }
}

/// A call under a limit gives the same values, says what was done, and stays below the limit and its own projection.
fn fits<F: Traceable<(Array, Array)>>(
    f: fn() -> Jit<F, (Array, Array)>,
    x: &[usize],
    y: &[usize],
    limit: usize,
    done: &str,
) {
    let (x, y) = (values(x, 1), values(y, 2));
    let want = f().call1::<f64>((&x, &y)).unwrap();
    let unlimited = f().memory((&x, &y)).unwrap().peak_bytes;
    assert!(unlimited > limit, "fits as it is: {unlimited}");
    let limited = f().memory_limit(limit);
    let types = [x.shape(), y.shape()].map(|s| spec(s, DType::F64));
    let fit = limited.memory_of(&types).unwrap();
    assert!(fit.replanned.iter().any(|r| r.contains(done)), "{:?}", fit.replanned);
    let projected = fit.bound.memory().peak_bytes;
    assert!(projected <= limit);
    let (results, measured) = limited.call_with((&x, &y), &Default::default()).unwrap();
    assert!(
        measured <= projected && projected as f64 <= 1.1 * measured as f64,
        "{projected}, measured {measured}"
    );
    close(&results[0].to_array().unwrap(), &want);
}

#[test]
fn large_values_are_computed_in_blocks() {
    let _turn = turn();
    // A product that only its function and another product use.
    let chain = || jit(|x: Array, y: Array| x.matmul(y).tanh().matmul(y.t()));
    fits(chain, &[4000, 20], &[20, 500], 2 << 20, "blocked axis 0 of");
    // The product sums over the blocked axis.
    let gram = || {
        jit(|x: Array, y: Array| {
            let h = x.matmul(y).tanh();
            h.t().matmul(h)
        })
    };
    fits(gram, &[6007, 10], &[10, 100], 3 << 20, "blocked axis 0 of");
    // Three passes over the blocked axis: the largest, the sum, and what is made of both.
    let softmax = || {
        jit(|x: Array, y: Array| {
            let h = x.matmul(y);
            let e = (h - h.max(0)).exp();
            (e / e.sum(0)).sum(1)
        })
    };
    fits(softmax, &[3000, 8], &[8, 300], 4 << 20, "blocked");
}

#[test]
fn what_cannot_fit_is_refused_with_the_line_and_a_fix() {
    let _turn = turn();
    let f = jit(|x: Array, y: Array| x.expand_dims(1) - y.expand_dims(0)).memory_limit(1 << 20);
    let Err(Error::Runtime(e)) = f.memory_of(&[spec(&[1000], DType::F64), spec(&[1000], DType::F64)]) else {
        panic!("is not refused")
    };
    let text = e.to_string();
    let line = format!("{}:", file!());
    for part in ["8000000 bytes", "1048576 bytes", "subtract", &line, "help: the results alone take 7.63 MiB"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    // Small calls of the same function run.
    assert_eq!(f.call1::<f64>((&values(&[3], 1), &values(&[4], 2))).unwrap().shape(), [3, 4]);
}

/// Of two products that are added, the second is added to the first in its memory.
#[test]
fn products_are_added_in_place() {
    let _turn = turn();
    let sum = |x: Array, y: Array| x.matmul(y) + y.matmul(x);
    let (x, y) = (values(&[700, 700], 1), values(&[700, 700], 2));
    let result = 700 * 700 * 8;
    let f = jit(sum);
    let projected = f.memory((&x, &y)).unwrap().peak_bytes;
    assert!(projected < result * 3 / 2, "{projected} for a result of {result}");
    let (got, measured) = f.call_with((&x, &y), &Default::default()).unwrap();
    assert!(measured <= projected && projected as f64 <= 1.1 * measured as f64, "{projected}, {measured}");
    let apart = |f: fn(Array, Array) -> Array| jit(f).call1::<f64>((&x, &y)).unwrap();
    let want = apart(|x, y| x.matmul(y)) + apart(|x, y| y.matmul(x));
    close(&got[0].to_array().unwrap(), &want);
}

#[test]
fn sizes_with_names_give_expressions() {
    let _turn = turn();
    let f = jit(|x: Array, y: Array| (x.expand_dims(1) - y.expand_dims(0)).sqrt());
    let formula = f.memory_formula(&[spec(&["n"], DType::F64), spec(&["m"], DType::F64)]).unwrap();
    assert_eq!(formula.to_string(), "8*m*n");
    assert_eq!(
        (formula.inputs.to_string(), formula.outputs.to_string()),
        ("8*m + 8*n".into(), "8*m*n".into())
    );
}

/// Where neither a row nor a column of a product fits, it is computed in tiles.
#[test]
fn products_are_blocked_along_both_axes() {
    let _turn = turn();
    let total = || jit(|x: Array, y: Array| x.matmul(y).tanh().sum(0).sum(0));
    let (x, y) = (values(&[6000, 2], 1), values(&[2, 6000], 2));
    let limit = 40_000;
    assert!(limit < 6000 * 8);
    let limited = total().memory_limit(limit);
    let fit = limited.memory_of(&[spec(x.shape(), DType::F64), spec(y.shape(), DType::F64)]).unwrap();
    let axes: Vec<&str> = fit.replanned.iter().filter_map(|r| r.split(" of ").next()).collect();
    assert!(axes.contains(&"blocked axis 0") && axes.contains(&"blocked axis 1"), "{:?}", fit.replanned);
    let (results, measured) = limited.call_with((&x, &y), &Default::default()).unwrap();
    assert!(measured <= fit.bound.memory().peak_bytes && fit.bound.memory().peak_bytes <= limit);
    let want = total().call1::<f64>((&x, &y)).unwrap();
    close(&results[0].to_array().unwrap(), &want);
}

/// Sizes decide which of two chains is better done first: their order is chosen again for those at hand.
#[test]
fn steps_are_ordered_for_the_sizes_at_hand() {
    let _turn = turn();
    let chains = || {
        jit(|x: Array, y: Array, z: Array, w: Array| {
            // A small value in between and a large result, then a large value and a small result.
            (x.matmul(x.t()).tanh().matmul(z), y.matmul(y.t()).tanh().matmul(w))
        })
    };
    let names = [["n", "k"], ["m", "k"], ["n", "a"], ["m", "b"]].map(|s| spec(&s, DType::F64));
    let arrays = [[300, 8], [1500, 8], [300, 3000], [1500, 4]];
    let [x, y, z, w] = arrays.map(|s| values(&s, 3));
    let shapes: Vec<&[usize]> = arrays.iter().map(|s| &s[..]).collect();
    let report = chains().explain(&names).unwrap();
    let unlimited = report.memory(&shapes, 1).unwrap().peak_bytes;
    let limit = unlimited - (4 << 20);
    let fit = report.fit_shapes(&shapes, 1, Some(limit)).unwrap();
    assert_eq!(fit.replanned, ["ordered the steps for these sizes"]);
    assert!(fit.bound.memory().peak_bytes <= limit);
    // The same values, in a run that takes no more.
    let limited = chains().memory_limit(limit);
    let (results, measured) = limited.call_with((&x, &y, &z, &w), &Default::default()).unwrap();
    assert!(measured <= limit, "{measured}");
    let want = chains().call((&x, &y, &z, &w)).unwrap();
    for (a, b) in results.iter().zip(&want) {
        assert_eq!(a.to_array::<f64>().unwrap(), b.to_array::<f64>().unwrap());
    }
}

/// What a refusal says helps: the limit that it names is enough, one byte less is not.
#[test]
fn fixes_of_refusals_help() {
    let _turn = turn();
    // A factorization works on a copy of the whole matrix.
    let determinant = || jit(|x: Array, y: Array| frit::linalg::det(x.matmul(y).tanh()));
    let differences = || jit(|x: Array, y: Array| (x.expand_dims(1) - y.expand_dims(0)).exp());
    let (x, y) = (values(&[500, 5], 1), values(&[5, 500], 2));
    let named = |e: &Error| -> usize {
        let text = e.to_string();
        let at = text.split("raise the limit to ").nth(1).unwrap_or_else(|| panic!("{text}"));
        at.split(' ').next().unwrap().parse().unwrap()
    };
    let Err(e) = determinant().memory_limit(1 << 20).call((&x, &y)) else { panic!("is not refused") };
    let enough = named(&e);
    assert!(enough > 1 << 20);
    let (_, measured) = determinant().memory_limit(enough).call_with((&x, &y), &Default::default()).unwrap();
    assert!(measured <= enough);
    assert!(determinant().memory_limit(enough - 1).call((&x, &y)).is_err());

    // Results that are too large: a sum of them, or a limit that holds them.
    let (x, y) = (values(&[1000], 1), values(&[1000], 2));
    let Err(e) = differences().memory_limit(1 << 20).call((&x, &y)) else { panic!("is not refused") };
    assert!(e.to_string().contains("return less of them, for example a sum, or raise the limit to"));
    let sum = jit(|x: Array, y: Array| (x.expand_dims(1) - y.expand_dims(0)).exp().sum(1));
    sum.memory_limit(1 << 20).call((&x, &y)).unwrap();
    differences().memory_limit(named(&e)).call((&x, &y)).unwrap();
}

/// What is held at a peak has its op; names that stand in expressions only are found from the sizes of arguments.
#[test]
fn expressions_are_of_what_is_held_and_solved_for() {
    let _turn = turn();
    let f = jit(|x: Array| x.expand_dims(1) * x.expand_dims(0));
    let types = [frit::Spec::new(DType::F64, vec![frit::Dim::symbol("n") * 2 + 1])];
    let report = f.explain(&types).unwrap();
    let formula = report.program.memory_formula(1);
    let held: Vec<String> = formula.held.iter().map(|h| format!("{} {}", h.origin.op, h.bytes)).collect();
    assert_eq!(held, ["multiply 32*n + 32*n*n + 8"]);
    assert_eq!(formula.to_string(), "32*n + 32*n*n + 8");
    let memory = |size: usize| report.memory(&[&[size]], 1);
    assert_eq!(memory(21).unwrap().output_bytes, 21 * 21 * 8);
    let refused = memory(22).unwrap_err().to_string();
    assert!(refused.contains("has size 22, which `2*n + 1` is for no `n`"), "{refused}");
}

/// Arrays that no machine holds: an answer, or an error that says so, and nothing is compiled.
#[test]
fn projections_need_no_data() {
    let _turn = turn();
    let f = jit(|x: Array| (x.expand_dims(1) - x.expand_dims(0)).exp());
    let compiled = frit::stats().kernels_compiled;
    for (n, bytes) in
        [(300_000, 720_000_000_000), (100_000, 80_000_000_000), (1_000_000, 8_000_000_000_000usize)]
    {
        let fit = f.memory_of(&[spec(&[n], DType::F64)]).unwrap();
        assert_eq!(fit.bound.memory().output_bytes, bytes);
    }

    let huge = f.memory_of(&[spec(&[4_000_000_000_usize], DType::F64)]);
    assert!(huge.is_err_and(|e| e.to_string().contains("64 bits") || e.to_string().contains("any machine")));
    assert_eq!(frit::stats().kernels_compiled, compiled);
}
