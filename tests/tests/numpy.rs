//! Every op against NumPy's own answers, written by `tests/numpy/generate.py` into `target/numpy-cases`.
//!
//! Each case goes through the builder (promotion) and then two ways: the reference interpreter on the graph as built,
//! and the optimizer, lowering and each backend.

use frit_codegen::Cache;
use frit_ir::build::{Builder, Operand};
use frit_ir::ops::Class;
use frit_ir::{Attr, Attrs, DType, Graph, Key, Op, Scalar, TensorType, Value};
use frit_tests::cases::{self, Data, ulps};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

fn axes(j: &Json) -> Vec<i64> {
    j.as_array().expect("axes").iter().map(|a| a.as_i64().expect("axis")).collect()
}

/// Applies a case's op as a user of NumPy would.
fn apply(b: &mut Builder, op: Op, attrs: &Json, x: &[Value]) -> Result<Value, frit_ir::error::TypeError> {
    let int = |name: &str| Attr::Int(attrs[name].as_i64().expect("integer"));
    let keys = |pairs: Vec<(Key, Attr)>| Attrs::new(pairs);
    match op.class() {
        _ if op == Op::Cast => {
            let to = DType::from_name(attrs["dtype"].as_str().expect("dtype")).expect("known type");
            b.cast(x[0], to)
        }
        Class::Elementwise => {
            let operands: Vec<Operand> = x.iter().map(|v| Operand::Value(*v)).collect();
            b.elementwise(op, &operands)
        }
        _ if !attrs["axes"].is_null() && !attrs["keepdims"].is_null() => {
            let keep = attrs["keepdims"].as_bool().expect("bool");
            let more = match attrs["ddof"].as_f64() {
                Some(d) => keys(vec![(Key::Ddof, Attr::Scalar(Scalar::from_f64(DType::F64, d)))]),
                None => Attrs::NONE,
            };
            b.reduce_with(op, x[0], Some(&axes(&attrs["axes"])), keep, more)
        }
        Class::Cumulative => b.cumulative(op, x[0], attrs["axis"].as_i64().expect("axis")),
        _ => match op {
            Op::Concatenate => b.concatenate(x, attrs["axis"].as_i64().expect("axis")),
            Op::Gather => b.take(x[0], x[1], attrs["axis"].as_i64().expect("axis")),
            Op::Matmul => b.matmul(x[0], x[1]),
            Op::Transpose => b.transpose(x[0], &axes(&attrs["perm"])),
            Op::Sort | Op::Argsort | Op::Stack => b.node(op, keys(vec![(Key::Axis, int("axis"))]), x),
            Op::Triu | Op::Tril => b.node(op, keys(vec![(Key::Offset, int("offset"))]), x),
            Op::Diagonal | Op::Trace => b.node(
                op,
                keys(vec![
                    (Key::Axis, int("axis")),
                    (Key::Axis2, int("axis2")),
                    (Key::Offset, int("offset")),
                ]),
                x,
            ),
            Op::Eigvalsh => b.node(op, keys(vec![(Key::Lower, Attr::Bool(true))]), x),
            Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft => {
                let scale = Scalar::from_f64(DType::F64, attrs["scale"].as_f64().expect("scale"));
                let n = attrs["n"].as_i64().expect("n").into();
                let pairs =
                    vec![(Key::Axis, int("axis")), (Key::N, Attr::Dim(n)), (Key::Scale, Attr::Scalar(scale))];
                b.node(op, keys(pairs), x)
            }
            _ => b.node(op, Attrs::NONE, x),
        },
    }
}

fn build(case: &Json, op: Op, inputs: &[Data]) -> Result<Graph, String> {
    let mut b = Builder::new("case");
    let values: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(k, d)| b.input(&format!("x{k}"), TensorType::fixed(d.dtype, &d.shape)))
        .collect();
    let v = apply(&mut b, op, &case["attrs"], &values).map_err(|e| e.to_string())?;
    Ok(b.finish(vec![v]))
}

/// How far a result may be from NumPy's, which has errors of its own: in ulps, or relative to the largest element.
fn tolerance(op: Op, dtype: DType, complex: bool) -> (f64, f64) {
    let eps = if dtype.real() == DType::F32 { 1.2e-7 } else { 2.3e-16 };
    let exact = dtype.is_int() || dtype == DType::Bool;
    match op.class() {
        _ if exact => (0.0, 0.0),
        Class::Elementwise if complex => (64.0, 4.0 * eps),
        // The difference of two logarithms: exact to the last place of the larger operand only.
        _ if matches!(op, Op::Logaddexp | Op::Logaddexp2) => (8.0, 8.0 * eps),
        // SciPy's own error is several ulps in the tail.
        _ if op == Op::Erfc => (16.0, 0.0),
        Class::Elementwise => {
            let own = op.def().ulp[(dtype.real() != DType::F32) as usize];
            (if own == 0.0 { 0.0 } else { own + 4.0 }, 0.0)
        }
        Class::View | Class::Movement | Class::Source => (0.0, 0.0),
        Class::Library if matches!(op, Op::Sort) => (0.0, 0.0),
        _ => (64.0, 500.0 * eps),
    }
}

fn differs(op: Op, got: &Data, want: &Data, complex: bool) -> Option<String> {
    if got.dtype != want.dtype || got.shape != want.shape {
        return Some(format!("{}{:?}, not {}{:?}", got.dtype, got.shape, want.dtype, want.shape));
    }
    let (limit, relative) = tolerance(op, want.dtype, complex);
    let single = want.dtype.real() == DType::F32;
    let scale = (0..want.len())
        .map(|i| want.get(i).as_complex().norm())
        .filter(|v| v.is_finite())
        .fold(1.0, f64::max);
    // Elementwise results have nothing to do with each other: only those near 1 count.
    let scale = if op.class() == Class::Elementwise && !complex { 1.0 } else { scale };
    for i in 0..want.len() {
        let (g, w) = (got.get(i), want.get(i));
        if g == w {
            continue;
        }
        let (gc, wc) = (g.as_complex(), w.as_complex());
        let near = relative > 0.0 && (gc - wc).norm() <= relative * scale;
        let far = ulps(gc.re, wc.re, single).max(ulps(gc.im, wc.im, single));
        let equal_numbers = limit == 0.0 && far == 0.0 && want.dtype.is_inexact();
        if !(near || equal_numbers || (limit > 0.0 && far <= limit)) {
            return Some(format!("element {i}: {g}, not {w} ({far:.1} ulp)"));
        }
    }
    None
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are part of the result")]
fn numpy_agrees() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/numpy-cases/cases.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no NumPy cases in target/numpy-cases; `cargo xtask test` makes them");
        return;
    };
    let cases: Vec<Json> = serde_json::from_str(&text).expect("valid JSON");
    let caches: Vec<Cache> = frit_codegen::available().into_iter().map(Cache::new).collect();
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut covered = BTreeSet::new();
    let mut count = 0;
    for case in &cases {
        let name = case["op"].as_str().expect("op");
        let op = Op::from_name(if name == "take" { "gather" } else { name }).expect("a known op");
        covered.insert(op);
        let inputs: Vec<Data> = case["inputs"].as_array().expect("inputs").iter().map(Data::read).collect();
        let want = Data::read(&case["expect"]);
        let graph = build(case, op, &inputs);
        for way in std::iter::once(None).chain(caches.iter().map(Some)) {
            let way_name = way.map_or("reference", |c| c.backend().name());
            // The interpreters take the smaller cases.
            if way_name != "cranelift" && inputs.iter().any(|d| d.len() > 5000) {
                continue;
            }
            count += 1;
            let result = graph.as_ref().map_err(Clone::clone).and_then(|g| match way {
                None => cases::interpret(g, &inputs).map(|mut all| all.remove(0)),
                Some(cache) => cases::run(g, &inputs, cache).map(|mut all| all.remove(0)),
            });
            let why = match result {
                Ok(got) => differs(op, &got, &want, inputs.iter().any(|d| d.dtype.is_complex())),
                Err(e) => Some(e),
            };
            if let Some(why) = why {
                let types: Vec<&str> = inputs.iter().map(|d| d.dtype.name()).collect();
                let shapes: Vec<&[usize]> = inputs.iter().map(|d| d.shape.as_slice()).collect();
                let text = format!("{way_name} {types:?} {shapes:?} {}: {why}", case["attrs"]);
                failures.entry(name.to_string()).or_default().push(text);
            }
        }
    }
    for (op, all) in &failures {
        println!("{op}: {} failures", all.len());
        all.iter().take(4).for_each(|t| println!("    {t}"));
    }
    let failed: usize = failures.values().map(Vec::len).sum();
    println!("NumPy cases: {} passed, {failed} failed; {} ops covered", count - failed, covered.len());
    assert_eq!(failed, 0);
}
