//! Random programs: the reference interpreter, the optimized graph, and kernels on each backend agree.
//!
//! Single operations are checked against NumPy in `numpy.rs`; here whole programs run with everything that frit does
//! between operations: rewriting, fusion, in-place updates, buffer reuse, SIMD, threads. Programs draw from nearly all
//! of the op table over all element types, with empty, single and odd sizes that are unknown to the program, arguments
//! in all layouts, special values, and loops and branches.
//!
//! `FRIT_PROGRAMS` is the number of programs and `FRIT_SEED` the first seed. A failure prints a reduced program and its
//! seed; `FRIT_FAILURES` is how many to collect before the test ends, and `FRIT_ISOLATE` runs every check in a process of
//! its own, to reduce programs that crash; `FRIT_PLAN` prints plans too.

mod analysis;
mod draw;
mod generate;
#[cfg(unix)]
mod isolate;
mod nested;
mod operations;
mod program;
mod regions;
mod regressions;
mod shapes;
mod shrink;

use frit_codegen::Cache;
use program::Program;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(default)
}

/// What the last panic said, and where.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// What is wrong with a program, panics included.
fn failure(p: &Program, caches: &[Cache], slow: bool) -> Option<String> {
    #[cfg(unix)]
    if std::env::var_os("FRIT_ISOLATE").is_some() {
        return isolate::isolated(|| failure_here(p, caches, slow));
    }
    failure_here(p, caches, slow)
}

fn failure_here(p: &Program, caches: &[Cache], slow: bool) -> Option<String> {
    let message = || PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    std::panic::set_hook(Box::new(move |info| *message() = info.to_string()));
    let result = catch_unwind(AssertUnwindSafe(|| p.check(caches, slow)));
    let _ = std::panic::take_hook();
    match result {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(why),
        Err(_) => Some(format!("panics: {}", message())),
    }
}

fn report(seed: u64, p: &Program, why: &str, caches: &[Cache]) -> String {
    // A smaller program must fail alike: a panic stays a panic.
    let kind = |why: &str| why.split([':', ',']).next().map(str::to_string);
    let first = kind(why);
    let small = shrink::shrink(p, &|q| failure(q, caches, true).is_some_and(|w| kind(&w) == first));
    let why = failure(&small, caches, true).unwrap_or_else(|| why.to_string());
    let mut text = format!("seed {seed}, {}: {why}\n{}", small.level.name(), small.graph);
    if std::env::var_os("FRIT_PLAN").is_some() {
        text += &format!("\n{}", small.plan());
    }
    for b in &small.bindings {
        for (k, a) in b.arguments.iter().enumerate() {
            let shown: Vec<String> = a.array.data.iter().take(24).map(|v| v.to_string()).collect();
            text += &format!("\n  x{k} {:?} {:?} = {}", a.array.shape(), a.layout, shown.join(" "));
        }
    }
    text
}

#[test]
#[expect(clippy::print_stdout, reason = "failures are printed as they are found")]
fn programs_mean_the_same_everywhere() {
    let caches: Vec<Cache> = frit_codegen::available().into_iter().map(Cache::new).collect();
    let first = number("FRIT_SEED", 1);
    let most = number("FRIT_FAILURES", 1);
    let mut failures = Vec::new();
    for seed in first..first + number("FRIT_PROGRAMS", 150) {
        let p = generate::program(seed);
        // Every program also on the interpreter of kernels would take most of the time.
        let Some(why) = failure(&p, &caches, seed % 4 == 0) else { continue };
        let text = report(seed, &p, &why, &caches);
        println!("{text}\n");
        failures.push(text);
        if failures.len() as u64 >= most {
            break;
        }
    }
    assert!(failures.is_empty(), "{} programs failed; the first:\n{}", failures.len(), failures[0]);
}
