//! Diagnostics of the Rust API: a program with the defect gets exactly its code at its line, and the fixed one gets none.

use frit::diagnostics::{Diagnostic, KINDS, Quantity, Thresholds, to_json};
use frit::{Array, Config, DType, MathLevel, jit, jit_with, spec};

fn codes(found: &[Diagnostic]) -> Vec<&'static str> {
    found.iter().map(|d| d.kind.code).collect()
}

/// The line that a diagnostic is about.
fn line(d: &Diagnostic) -> Option<u32> {
    d.loc.place().map(|p| p.line)
}

fn quiet_below(text: &str) -> Thresholds {
    let mut t = Thresholds::default();
    t.set(text).unwrap();
    t
}

#[test]
fn intermediates_and_results() {
    let here = line!() + 1;
    let pairs = jit(|x: Array| x.expand_dims(1) - x.expand_dims(0));
    let limits = quiet_below("memory_bytes=1TiB");
    let found = pairs.diagnostics(&[spec(&[100_000], DType::F64)], limits.clone()).unwrap();
    assert_eq!(codes(&found), ["F001"]);
    assert_eq!(found[0].quantity, Some(Quantity::Bytes(80_000_000_000)));
    assert_eq!(line(&found[0]), Some(here));
    assert!(
        found[0]
            .render(None, false)
            .starts_with("warning[F001]: expensive intermediate: float64[100000, 100000], 74.5 GiB\n")
    );
    let found = pairs.diagnostics(&[spec(&[300_000], DType::F64)], quiet_below("memory_bytes=1GiB")).unwrap();
    assert_eq!(codes(&found), ["F002"]);
    let fixed = jit(|x: Array| (x.expand_dims(1) - x.expand_dims(0)).square().sum(1));
    assert_eq!(fixed.diagnostics(&[spec(&[100_000], DType::F64)], limits).unwrap(), []);
}

#[test]
fn looser_levels() {
    let config = || Config { math: MathLevel::Exact, ..Config::new() };
    let types =
        [spec(&[2000, 2000], DType::F64), spec(&[2000, 2000], DType::F64), spec(&[2000, 1], DType::F64)];
    let slow = jit_with(|a: Array, b: Array, v: Array| a.matmul(b).matmul(v), config());
    let found = slow.diagnostics(&types, Thresholds::default()).unwrap();
    assert_eq!(codes(&found), ["F003"]);
    assert!(found[0].notes.iter().any(|n| n.contains("matmul-chain")), "{}", found[0]);
    let fast = jit_with(|a: Array, b: Array, v: Array| a.matmul(b.matmul(v)), config());
    assert_eq!(fast.diagnostics(&types, Thresholds::default()).unwrap(), []);
}

#[test]
fn naive_variance() {
    let naive = jit(|x: Array| x.square().mean(0) - x.mean(0).square());
    let found = naive.diagnostics(&[spec(&[100_000], DType::F64)], Thresholds::default()).unwrap();
    assert_eq!(codes(&found), ["F011"]);
    let json = to_json(&found);
    assert_eq!(json[0]["code"], "F011");
    assert_eq!(json[0]["severity"], "warning");
    let fixed = jit(|x: Array| (x - x.mean(0)).square().mean(0));
    assert_eq!(fixed.diagnostics(&[spec(&[100_000], DType::F64)], Thresholds::default()).unwrap(), []);
}

#[test]
fn left_out() {
    let pairs = jit(|x: Array| x.expand_dims(1) - x.expand_dims(0));
    for text in ["off", "-F001", "intermediate_bytes=1TiB"] {
        let limits = quiet_below(&format!("memory_bytes=1TiB,{text}"));
        assert_eq!(pairs.diagnostics(&[spec(&[100_000], DType::F64)], limits).unwrap(), [], "{text}");
    }
}

#[test]
fn a_size_that_is_a_name_has_no_number() {
    let f = jit(|x: Array| x.square());
    assert!(f.diagnostics(&[spec(&["n"], DType::F64)], Thresholds::default()).is_err());
}

#[test]
fn each_code_has_its_page() {
    for kind in &KINDS {
        let path = format!("{}/../docs/diagnostics/{}.md", env!("CARGO_MANIFEST_DIR"), kind.code);
        let text = std::fs::read_to_string(&path).expect("a page");
        assert!(text.starts_with(&format!("# {}: {}\n", kind.code, kind.name)), "{path}");
    }
}
