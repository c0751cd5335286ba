//! `cargo xtask test`: everything that must pass, in one command.

use std::process::{Command, ExitCode};
use std::time::Instant;

/// A step of `cargo xtask test`.
struct Step {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
}

const STEPS: &[Step] = &[
    Step { name: "format", program: "cargo", arguments: &["fmt", "--all", "--check"] },
    Step {
        name: "clippy",
        program: "cargo",
        arguments: &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
    },
    Step { name: "venv", program: "python3", arguments: &["-m", "venv", "target/venv"] },
    Step {
        name: "numpy",
        program: "target/venv/bin/python",
        arguments: &["-m", "pip", "install", "--quiet", "-r", "tests/numpy/requirements.txt"],
    },
    Step {
        name: "numpy cases",
        program: "target/venv/bin/python",
        arguments: &["tests/numpy/generate.py", "target/numpy-cases"],
    },
    Step {
        name: "python package",
        program: "target/venv/bin/python",
        arguments: &["-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", "."],
    },
    Step { name: "python tests", program: "target/venv/bin/python", arguments: &["-m", "pytest", "-q"] },
    Step { name: "tests", program: "cargo", arguments: &["test", "--workspace", "--no-fail-fast"] },
];

#[expect(clippy::print_stdout, reason = "this is a command")]
fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("test") {
        println!("usage: cargo xtask test");
        return ExitCode::from(2);
    }
    let mut failed = Vec::new();
    for step in STEPS {
        println!("== {}", step.name);
        let start = Instant::now();
        let done = Command::new(step.program).args(step.arguments).status();
        if !done.is_ok_and(|s| s.success()) {
            println!("== {} FAILED", step.name);
            failed.push(step.name);
        }
        println!("== {}: {:.0} s", step.name, start.elapsed().as_secs_f64());
    }
    println!("{} passed, {} failed", STEPS.len() - failed.len(), failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
