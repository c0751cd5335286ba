//! Damaged text and JSON: the readers answer with a value or an error, never with a panic, and what they accept
//! prints as text that reads back as itself, and compiles or is refused.
//!
//! Inputs are the filetests, damaged at random: truncated, spliced, tokens and numbers replaced. `FRIT_FUZZ` sets
//! how many (20,000 by default), `FRIT_SEED` where the random numbers start.

use frit_ir::kernel::Kernel;
use frit_ir::plan::Plan;
use frit_ir::{Graph, json};
use frit_passes::{LowerError, LowerOptions, MathLevel, Options};
use frit_tests::random::Random;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

/// Texts that stand where others do not fit.
const ODDITIES: &[&str] = &[
    "-1",
    "0",
    "1",
    "-0",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "4294967296",
    "1e999",
    "2.5",
    "nan",
    "inf",
    "true",
    "f32",
    "c64",
    "bool",
    "u8",
    "n",
    "i",
    "%0",
    "%1",
    "%x",
    "%1.1",
    "@f",
    "\"",
    "\"s\"",
    "x\"00\"",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ":",
    "=",
    "->",
    "..",
    "*",
    "+",
    "-",
    "floordiv(n, 0)",
    "mod(n, 2)",
    "min(n, -1)",
    "null",
    "[]",
    "{}",
    "é",
    "\u{0}",
    "//",
    "\n",
    "add",
    "sum",
    "for",
    "while",
    "return",
    "reshape",
    "pad",
    "slice",
    "diagonal",
    "gather",
    "repeat",
    "tile",
    "-9223372036854775807 - 2",
];

/// Byte ranges of words, numbers and signs.
fn tokens(s: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut chars = s.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        let mut end = at + c.len_utf8();
        if c.is_alphanumeric() {
            while let Some((k, d)) = chars.next_if(|(_, d)| d.is_alphanumeric() || *d == '_' || *d == '.') {
                end = k + d.len_utf8();
            }
        }
        found.push((at, end));
    }
    found
}

/// One random change.
fn damage(r: &mut Random, s: &str, others: &[String]) -> String {
    let t = tokens(s);
    if t.is_empty() {
        return r.pick(ODDITIES).to_string();
    }
    let (a, b) = t[r.below(t.len())];
    let with = |new: &str| format!("{}{new}{}", &s[..a], &s[b..]);
    match r.below(10) {
        0 => s[..a].to_string(),
        1 => with(""),
        2 => with(&format!("{0} {0}", &s[a..b])),
        3 | 4 => with(r.pick(ODDITIES)),
        5 => {
            let (c, d) = t[r.below(t.len())];
            with(&s[c..d])
        }
        6 => {
            let (c, d) = t[r.below(t.len())];
            let (from, to) = (a.min(c), b.max(d));
            format!("{}{}", &s[..from], &s[to..])
        }
        7 => {
            let other = &others[r.below(others.len())];
            let u = tokens(other);
            let (c, d) = (u[r.below(u.len())].0, u[r.below(u.len())].1);
            with(if c < d { &other[c..d] } else { "" })
        }
        8 => {
            // Another number in place of a number, if this is one.
            let number = s[a..b].parse::<i64>().unwrap_or(1);
            with(&(number.wrapping_add(r.below(5) as i64 - 2)).to_string())
        }
        _ => {
            let (c, d) = t[r.below(t.len())];
            if b <= c {
                format!("{}{}{}{}{}", &s[..a], &s[c..d], &s[b..c], &s[a..b], &s[d..])
            } else {
                with("")
            }
        }
    }
}

fn check<T: FromStr + Display>(text: &str) -> bool {
    let Ok(value) = text.parse::<T>() else { return false };
    let printed = format!("{value:#}");
    match printed.parse::<T>() {
        Ok(again) => assert_eq!(format!("{again:#}"), printed, "prints differently after reading {text}"),
        Err(_) => panic!("does not read what it printed:\n{printed}\nafter reading\n{text}"),
    }
    true
}

/// A graph that a reader accepts is one that the compiler can handle, if only by an error.
fn compile(graph: &Graph) {
    // Debug builds verify what each pass and lowering made: that must hold for whatever a reader accepts.
    let done = frit_passes::optimize(graph, &Options::new(MathLevel::Reassociate));
    let done = done.unwrap_or_else(|e| panic!("{e}"));
    let lowered = frit_passes::lower(&done.graph, &LowerOptions::default());
    if let Err(e @ (LowerError::Invalid(_) | LowerError::Type(_))) = lowered {
        panic!("{e}");
    }
}

fn check_json(text: &str) -> bool {
    let Ok(graph) = json::from_json(text) else { return false };
    let printed = json::to_json(&graph).to_string();
    match json::from_json(&printed) {
        Ok(again) => assert_eq!(json::to_json(&again).to_string(), printed, "differs after reading {text}"),
        Err(e) => panic!("does not read what it wrote: {e}\n{printed}"),
    }
    true
}

fn seeds() -> Vec<String> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/filetests"));
    let mut found = Vec::new();
    for dir in std::fs::read_dir(root).expect("the filetests").map(|d| d.expect("an entry").path()) {
        for file in std::fs::read_dir(&dir).expect("a folder").map(|f| f.expect("an entry").path()) {
            let text = std::fs::read_to_string(&file).expect("a text");
            let (input, result) = text.split_once("// expect\n").unwrap_or((&text, ""));
            found.extend([input, result].iter().filter(|s| s.contains('@')).map(|s| s.to_string()));
        }
    }
    found.sort();
    let json: Vec<String> = found
        .iter()
        .filter_map(|s| s.parse::<Graph>().ok())
        .map(|g| serde_json::to_string_pretty(&json::to_json(&g)).expect("JSON"))
        .collect();
    assert!(json.len() > 20, "few of the filetests are graphs");
    found.extend(json);
    found
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are part of the result")]
fn damaged_input_is_an_error() {
    let seeds = seeds();
    for s in &seeds {
        let read = check::<Graph>(s) || check::<Kernel>(s) || check::<Plan>(s) || check_json(s);
        let error = s.starts_with("// test: error");
        assert!(read || error || !s.contains("// test"), "an undamaged input is refused:\n{s}");
    }
    let total = number("FRIT_FUZZ", 20_000);
    let mut r = Random(number("FRIT_SEED", 1) | 1);
    let mut accepted = 0u64;
    for _ in 0..total {
        let seed = &seeds[r.below(seeds.len())];
        let mut text = seed.clone();
        for _ in 0..1 + r.below(4) * r.below(2) {
            text = damage(&mut r, &text, &seeds);
        }
        let shown = text.clone();
        let checked = std::panic::catch_unwind(move || match text.trim_start().chars().next() {
            Some('{') => check_json(&text),
            _ => {
                if let Ok(graph) = text.parse::<Graph>() {
                    compile(&graph);
                }
                check::<Graph>(&text) | check::<Kernel>(&text) | check::<Plan>(&text)
            }
        });
        match checked {
            Ok(read) => accepted += u64::from(read),
            Err(_) => panic!("this input makes a reader panic:\n{shown}"),
        }
    }
    println!("{total} damaged inputs: {accepted} read, {} refused", total - accepted);
}
