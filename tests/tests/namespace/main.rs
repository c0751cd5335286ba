//! `frit::numpy`, function by function, against NumPy's answers from `tests/numpy/namespace`.
//!
//! Each case names a NumPy function with its arguments; it goes through the namespace, the optimizer, lowering and
//! each backend, and as built through the reference interpreter. Values, element types and shapes are compared; where NumPy raises, so must the namespace, with the
//! text that the case gives.

mod args;
mod arrays;
mod math;

use args::Args;
use frit_codegen::Cache;
use frit_ir::build::Builder;
use frit_ir::error::TypeError;
use frit_ir::{Graph, TensorType, Value};
use frit_tests::cases::{self, Data, ulps};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

/// Results of a function.
type Results = Result<Vec<Value>, TypeError>;

fn call(b: &mut Builder, name: &str, a: &Args<'_>) -> Results {
    match arrays::call(b, name, a).or_else(|| math::call(b, name, a)) {
        Some(r) => r,
        None => panic!("no function {name}"),
    }
}

fn build(case: &Json, inputs: &[Data]) -> Result<Graph, String> {
    let mut b = Builder::new("case");
    let values: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(k, d)| b.input(&format!("x{k}"), TensorType::fixed(d.dtype, &d.shape)))
        .collect();
    let args = Args { json: &case["args"], inputs: &values };
    let name = case["f"].as_str().expect("a function");
    let results = call(&mut b, name, &args).map_err(|e| e.to_string())?;
    Ok(b.finish(results))
}

/// The first element that is too far from NumPy's: exact for integers, for floats within `tol` units of rounding of
/// the element or of the largest one.
fn differs(got: &Data, want: &Data, tol: f64) -> Option<String> {
    if got.dtype != want.dtype || got.shape != want.shape {
        return Some(format!("{}{:?}, not {}{:?}", got.dtype, got.shape, want.dtype, want.shape));
    }
    let single = want.dtype.size() == 4 || want.dtype == frit_ir::DType::C64;
    let eps = if single { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let size = |i: usize| want.get(i).as_complex().norm();
    let scale = (0..want.len()).map(size).filter(|v| v.is_finite()).fold(0.0, f64::max);
    for i in 0..want.len() {
        let (g, w) = (got.get(i), want.get(i));
        if g == w {
            continue;
        }
        let (gc, wc) = (g.as_complex(), w.as_complex());
        let far = ulps(gc.re, wc.re, single).max(ulps(gc.im, wc.im, single));
        let near = (gc - wc).norm() <= tol * eps * scale;
        if !(want.dtype.is_inexact() && (far <= tol || near)) {
            return Some(format!("element {i}: {g}, not {w} ({far:.1} ulp)"));
        }
    }
    None
}

fn compare(case: &Json, got: Result<Vec<Data>, String>) -> Option<String> {
    if let Some(text) = case["error"].as_str() {
        return match got {
            Ok(r) => Some(format!("gave {}{:?}, where NumPy raises: {text}", r[0].dtype, r[0].shape)),
            Err(e) if e.contains(text) => None,
            Err(e) => Some(format!("{e}, not {text}")),
        };
    }
    let got = match got {
        Ok(r) => r,
        Err(e) => return Some(e),
    };
    let want: Vec<Data> = case["expect"].as_array().expect("results").iter().map(Data::read).collect();
    if got.len() != want.len() {
        return Some(format!("{} results, not {}", got.len(), want.len()));
    }
    let tol = case["tol"].as_f64().unwrap_or(16.0);
    got.iter().zip(&want).find_map(|(g, w)| differs(g, w, tol))
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are part of the result")]
fn namespace_agrees() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/numpy-cases/namespace.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no NumPy cases in target/numpy-cases; `cargo xtask test` makes them");
        return;
    };
    let cases: Vec<Json> = serde_json::from_str(&text).expect("valid JSON");
    // To look into a failure: FRIT_TEST_ONLY=pad FRIT_TEST_WAYS=reference,cranelift.
    let only = std::env::var("FRIT_TEST_ONLY").ok();
    let ways = std::env::var("FRIT_TEST_WAYS").ok();
    let shown = if only.is_some() { usize::MAX } else { 4 };
    let caches: Vec<Cache> = frit_codegen::available().into_iter().map(Cache::new).collect();
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut covered = BTreeSet::new();
    let mut count = 0;
    for case in &cases {
        let name = case["f"].as_str().expect("a function");
        if only.as_deref().is_some_and(|o| o != name) {
            continue;
        }
        covered.insert(name);
        let inputs: Vec<Data> = case["inputs"].as_array().expect("inputs").iter().map(Data::read).collect();
        for way in std::iter::once(None).chain(caches.iter().map(Some)) {
            let way_name = way.map_or("reference", |c| c.backend().name());
            if ways.as_deref().is_some_and(|w| !w.contains(way_name)) {
                continue;
            }
            count += 1;
            // A panic is a failure of its case only.
            let tried = std::panic::catch_unwind(AssertUnwindSafe(|| {
                let graph = build(case, &inputs)?;
                match way {
                    None => cases::interpret(&graph, &inputs),
                    Some(cache) => cases::run(&graph, &inputs, cache),
                }
            }));
            let why = match tried {
                // The reference does not have every factorization.
                Ok(Err(e)) if e.ends_with("is not interpreted") => {
                    count -= 1;
                    continue;
                }
                Ok(got) => compare(case, got),
                Err(_) => Some("panicked".to_string()),
            };
            if let Some(why) = why {
                let types: Vec<String> = inputs.iter().map(|d| format!("{}{:?}", d.dtype, d.shape)).collect();
                let text = format!("{way_name} {} {}: {why}", types.join(" "), case["args"]);
                failures.entry(name.to_string()).or_default().push(text);
            }
        }
    }
    for (name, all) in &failures {
        println!("{name}: {} failures", all.len());
        all.iter().take(shown).for_each(|t| println!("    {t}"));
    }
    let failed: usize = failures.values().map(Vec::len).sum();
    println!("namespace cases: {} passed, {failed} failed; {} functions", count - failed, covered.len());
    assert_eq!(failed, 0);
}
