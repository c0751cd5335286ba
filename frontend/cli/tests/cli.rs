//! The command as its users run it.

use ndarray::{Array1, Array2, array};
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = r#"graph @distance(%x: f64[n, 2], %y: f64[m, 2]) -> f64[n] {
  %a = expand_dims %x {axes = [1]} : f64[n, 1, 2]
  %b = expand_dims %y {axes = [0]} : f64[1, m, 2]
  %d = subtract %a, %b : f64[n, m, 2]
  %q = square %d : f64[n, m, 2]
  %s = sum %q {axes = [2], keepdims = false} : f64[n, m]
  %r = sqrt %s : f64[n, m]
  %m = min %r {axes = [1], keepdims = false} : f64[n] loc "walk.py":5:9
  return %m
}
"#;

/// A folder of its own for each test.
fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&dir).expect("a folder");
    std::fs::write(dir.join("p.frit"), PROGRAM).expect("a file");
    ndarray_npy::write_npy(dir.join("x.npy"), &array![[0.0, 0.0], [3.0, 4.0]]).expect("an array");
    ndarray_npy::write_npy(dir.join("y.npy"), &array![[3.0, 0.0], [6.0, 8.0]]).expect("an array");
    dir
}

/// Exit status, standard output, standard error.
fn frit(dir: &Path, arguments: &[&str]) -> (bool, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_frit"))
        .args(arguments)
        .current_dir(dir)
        .output()
        .expect("it starts");
    let text = |b: Vec<u8>| String::from_utf8(b).expect("UTF-8");
    (out.status.success(), text(out.stdout), text(out.stderr))
}

#[test]
fn runs_text_and_json_programs() {
    let dir = folder("run");
    let (ok, out, err) = frit(&dir, &["run", "p.frit", "x.npy", "y.npy", "-o", "r", "--stats"]);
    assert!(ok, "{err}");
    assert!(out.contains("r.npy: f64[2] 3.0 4.0") && out.contains("peak memory"), "{out}");
    let r: Array1<f64> = ndarray_npy::read_npy(dir.join("r.npy")).expect("the result");
    assert_eq!(r, array![3.0, 4.0]);
    let (ok, json, err) = frit(&dir, &["dump", "p.frit", "--stage", "json"]);
    assert!(ok, "{err}");
    std::fs::write(dir.join("p.json"), &json).expect("a file");
    let (ok, out, err) = frit(&dir, &["run", "p.json", "x.npy", "y.npy"]);
    assert!(ok && out == "f64[2] 3.0 4.0\n", "{out}{err}");
    // Another layout: the transpose of a transposed array, as NumPy saves it in Fortran order.
    let t: Array2<f64> = array![[0.0, 3.0], [0.0, 4.0]];
    ndarray_npy::write_npy(dir.join("t.npy"), &t.t()).expect("an array");
    let (ok, out, err) = frit(&dir, &["run", "p.json", "t.npy", "y.npy"]);
    assert!(ok && out == "f64[2] 3.0 4.0\n", "{out}{err}");
}

#[test]
fn every_stage_prints() {
    let dir = folder("dump");
    for (stage, mark) in [
        ("graph", "loc \"walk.py\":5:9"),
        ("rewritten", "graph @distance"),
        ("plan", "launch @k0_sqrt"),
        ("kernels", "accumulate v0 min"),
        ("clif", "function"),
        ("json", "\"frit\": 1"),
    ] {
        let (ok, out, err) = frit(&dir, &["dump", "p.frit", "-s", stage]);
        assert!(ok && out.contains(mark), "{stage}: {out}{err}");
    }
}

#[test]
fn explain_projects_memory_without_data() {
    let dir = folder("explain");
    let (ok, out, _) = frit(&dir, &["explain", "p.frit"]);
    assert!(ok && out.contains("`--size n=1000`"), "{out}");
    let (ok, out, err) = frit(&dir, &["explain", "p.frit", "--size", "n=1000000", "--size", "m=1000000"]);
    assert!(ok && out.contains("7.63 MiB for sqrt at walk.py:5"), "{out}{err}");
    let line = "projected peak 7.63 MiB, of it results 7.63 MiB; arguments 30.5 MiB";
    assert!(out.contains(line), "the distances are not in memory: {out}");
}

#[test]
fn sizes_that_there_are_not_are_named() {
    let dir = folder("sizes");
    let known = "its sizes are m, n";
    for command in [&["explain", "p.frit"][..], &["visualize", "p.frit", "-o", "p.svg"]] {
        let (ok, _, err) = frit(&dir, &[command, &["-s", "n=10", "-s", "m=10", "-s", "zzz=3"]].concat());
        assert!(!ok && err.contains("no size `zzz`") && err.contains(known), "{err}");
    }
    std::fs::write(dir.join("q.frit"), "graph @f(%x: f64[3]) -> f64[3] {\n  return %x\n}\n").expect("a file");
    let (ok, _, err) = frit(&dir, &["explain", "q.frit", "--size", "n=3"]);
    assert!(!ok && err.contains("all its sizes are numbers"), "{err}");
}

#[test]
fn mistakes_are_named() {
    let dir = folder("mistakes");
    std::fs::write(dir.join("word.frit"), PROGRAM.replace("sqrt", "sqr")).expect("a file");
    std::fs::write(dir.join("cut.json"), "{\"frit\": 1, \"graph\": {\"name\": \"di").expect("a file");
    std::fs::write(dir.join("later.json"), "{\"frit\": 2, \"graph\": {}}").expect("a file");
    let x = std::fs::read(dir.join("x.npy")).expect("the array");
    std::fs::write(dir.join("cut.npy"), &x[..x.len() - 3]).expect("a file");
    ndarray_npy::write_npy(dir.join("f4.npy"), &array![[0.0f32, 0.0]]).expect("an array");
    ndarray_npy::write_npy(dir.join("wide.npy"), &array![[0.0, 0.0, 0.0]]).expect("an array");
    let twice = "graph @f(%x: f64[n, k], %y: f64[2*n, k]) -> f64[2*n, k] {\n  return %y\n}\n";
    std::fs::write(dir.join("twice.frit"), twice).expect("a file");
    for (arguments, mark) in [
        (&["run", "twice.frit", "x.npy", "y.npy"][..], "axis 0 has size 2, expected 2*n = 4"),
        (&["run", "word.frit", "x.npy", "y.npy"], "word.frit:7:8"),
        (&["run", "word.frit", "x.npy", "y.npy"], "unknown operation `sqr`"),
        (&["dump", "cut.json"], "cut.json:1:"),
        (&["dump", "later.json"], "this frit reads version 1"),
        (&["run", "p.frit", "x.npy"], "takes 2 inputs but 1 file"),
        (&["run", "p.frit", "x.npy", "none.npy"], "none.npy"),
        (&["run", "p.frit", "x.npy", "cut.npy"], "cut.npy"),
        (&["run", "p.frit", "f4.npy", "y.npy"], "argument `x` is f32[1, 2], expected f64[n, 2]"),
        (&["run", "p.frit", "wide.npy", "y.npy"], "axis 1 has size 3, expected 2"),
        (&["run", "p.frit", "x.npy", "y.npy", "--memory-limit", "8B"], "the limit is 8 bytes"),
        (&["run", "p.frit", "x.npy", "y.npy", "--memory-limit", "8XB"], "unknown unit"),
        (&["run", "nothing.frit"], "nothing.frit"),
    ] {
        let (ok, out, err) = frit(&dir, arguments);
        // The message may be folded at the terminal's width.
        let flat = err.replace(['\n', '│'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!ok && flat.contains(mark), "{arguments:?}: {out}{err}");
    }
}

const PAIRS: &str = r#"graph @pairs(%x: f64[n]) -> f64[n, n] {
  %a = expand_dims %x {axes = [1]} : f64[n, 1]
  %d = subtract %a, %x : f64[n, n] loc "model.py":41:5
  return %d
}
"#;

#[test]
fn explain_lists_diagnostics() {
    let dir = folder("diagnostics");
    std::fs::write(dir.join("pairs.frit"), PAIRS).expect("a file");
    let explain = |rest: &[&str]| frit(&dir, &[&["explain", "pairs.frit"], rest].concat());
    let (ok, out, err) = explain(&["--size", "n=100000", "--warn", "memory_bytes=1TiB"]);
    assert!(ok, "{err}");
    let want = "warning[F001]: expensive intermediate: float64[100000, 100000], 74.5 GiB\n";
    assert!(out.contains(want) && out.contains("--> model.py:41\n"), "{out}");
    let (ok, out, err) = explain(&["--size", "n=100000", "--warn", "memory_bytes=1TiB", "--json"]);
    assert!(ok, "{err}");
    assert!(
        out.contains(r#""code": "F001""#) && out.contains("80000000000") && out.starts_with('['),
        "{out}"
    );
    let (ok, out, err) = explain(&["--size", "n=100", "--json"]);
    assert!(ok && out.trim() == "[]", "{out}{err}");
    let (ok, _, err) = explain(&["--json"]);
    assert!(!ok && err.contains("--size n=1000"), "{err}");
    let (ok, _, err) = explain(&["--size", "n=100", "--warn", "nonsense"]);
    assert!(!ok && err.contains("threshold=value"), "{err}");
}

#[test]
fn visualize_writes_every_format() {
    let dir = folder("visualize");
    for (suffix, begins) in [
        ("html", "<!doctype html>"),
        ("svg", "<svg "),
        ("dot", "digraph "),
        ("json", "{"),
        ("txt", "distance\n"),
    ] {
        let file = format!("p.{suffix}");
        let (ok, out, error) = frit(&dir, &["visualize", "p.frit", "-o", &file, "-s", "n=100", "-s", "m=50"]);
        assert!(ok, "{error}");
        assert_eq!(out.trim(), file);
        let text = std::fs::read_to_string(dir.join(&file)).expect("it is there");
        assert!(text.starts_with(begins), "{}", &text[..text.len().min(80)]);
        assert!(text.contains(if suffix == "mlir" { "arith.subf" } else { "subtract" }), "{suffix}");
    }
    let (ok, _, error) = frit(&dir, &["visualize", "p.frit", "-o", "p.png"]);
    assert!(!ok && error.contains(".svg"), "{error}");
    let (ok, _, error) = frit(&dir, &["visualize", "p.frit", "-o", "p.svg", "-s", "n=100"]);
    assert!(!ok && error.contains("--size m=1000"), "{error}");
}
