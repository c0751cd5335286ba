//! Text files with their expected result: one per pass, level, error and backend.
//!
//! A file of `tests/filetests` begins with `// test: COMMAND`, holds an input in one of the text formats, and ends
//! with a line `// expect` and the result. `FRIT_BLESS=1 cargo test -p frit-tests --test filetests` writes the
//! results anew; read the difference before committing it. Commands:
//!
//! - `print`: reads a graph, kernel or plan (by its first word) and prints it with locations.
//! - `error`: reads it; the result is the error.
//! - `pass NAME`: runs one graph pass at math level `reassociate`.
//! - `optimize LEVEL`: runs the pipeline; the result is the graph and the rules that fired.
//! - `fuse`: lowers a graph; the result is what is computed together, and why values are stored.
//! - `lower`: the result is the plan with its kernels. Inputs named in `// strided: x y` have any strides.
//! - `run`: every backend and the reference interpreter must give the stated results, bit for bit. Inputs come from
//!   lines `// input NAME = f64[2] [1.0, 2.0]`. With `// sizes: n=3` symbols are bound. `// ulp: 2` allows a distance.

use frit_ir::kernel::Kernel;
use frit_ir::plan::{Layout, Plan};
use frit_ir::{Graph, Literal};
use frit_passes::{LowerOptions, MathLevel, Options};
use libtest_mimic::{Arguments, Failed, Trial};
use std::fmt::Write;
use std::path::{Path, PathBuf};

mod run;

/// A file, taken apart.
struct Case {
    command: String,
    /// `// key: value` lines after the first.
    settings: Vec<(String, String)>,
    /// `// input x = ..` lines.
    inputs: Vec<(String, Literal)>,
    text: String,
    expected: Option<String>,
}

const MARK: &str = "// expect\n";

impl Case {
    fn read(source: &str) -> Result<Case, Failed> {
        let (before, expected) = match source.split_once(MARK) {
            Some((before, after)) => (before, Some(after.to_string())),
            None => (source, None),
        };
        let first = before.lines().next().unwrap_or_default();
        let command = first.strip_prefix("// test: ").ok_or("the first line must be `// test: COMMAND`")?;
        let (mut settings, mut inputs) = (Vec::new(), Vec::new());
        for line in before.lines().skip(1).filter_map(|l| l.strip_prefix("// ")) {
            if let Some((name, value)) = line.strip_prefix("input ").and_then(|l| l.split_once(" = ")) {
                inputs.push((name.to_string(), Literal::parse(value)?));
            } else if let Some((key, value)) = line.split_once(": ").filter(|(k, _)| !k.contains(' ')) {
                settings.push((key.to_string(), value.to_string()));
            }
        }
        Ok(Case { command: command.trim().into(), settings, inputs, text: before.to_string(), expected })
    }

    fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    fn graph(&self) -> Result<Graph, Failed> {
        Ok(self.text.parse::<Graph>()?)
    }

    fn lowered(&self) -> Result<frit_passes::Lowered, Failed> {
        let graph = self.graph()?;
        let strided = self.setting("strided").unwrap_or_default();
        let layout = |i: &frit_ir::graph::Input| {
            let any = strided.split_whitespace().any(|s| s == &*i.name);
            if any { Layout::Strided } else { Layout::Contiguous }
        };
        let layouts = graph.inputs.iter().map(layout).collect();
        Ok(frit_passes::lower(&graph, &LowerOptions { layouts, ..Default::default() })?)
    }
}

fn level(name: &str) -> Result<MathLevel, Failed> {
    Ok(match name {
        "exact" => MathLevel::Exact,
        "reassociate" => MathLevel::Reassociate,
        "fast" => MathLevel::Fast,
        _ => return Err(format!("unknown math level `{name}`").into()),
    })
}

/// The first word of the text that is not in a comment.
fn kind(text: &str) -> &str {
    let line = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with("//"));
    line.and_then(|l| l.split_whitespace().next()).unwrap_or_default()
}

fn print(text: &str) -> Result<String, frit_ir::error::ParseError> {
    match kind(text) {
        "kernel" => text.parse::<Kernel>().map(|k| format!("{k:#}")),
        "plan" => text.parse::<Plan>().map(|p| format!("{p:#}")),
        _ => text.parse::<Graph>().map(|g| format!("{g:#}")),
    }
}

fn result(case: &Case) -> Result<String, Failed> {
    let mut words = case.command.split_whitespace();
    let mut out = String::new();
    match (words.next().unwrap_or_default(), words.next()) {
        ("print", None) => {
            out = print(&case.text)?;
            if print(&out)? != out {
                return Err("the printed text does not read back as itself".into());
            }
        }
        ("error", None) => match print(&case.text) {
            Ok(_) => return Err("this was read without an error".into()),
            Err(e) => out = e.to_string(),
        },
        ("pass", Some(name)) => {
            let graph = case.graph()?;
            let done = frit_passes::run_pass(name, &graph, &Options::new(MathLevel::Reassociate));
            out = done.ok_or_else(|| format!("no pass `{name}`"))??.to_string();
        }
        ("optimize", Some(name)) => {
            let done = frit_passes::optimize(&case.graph()?, &Options::new(level(name)?))?;
            for r in &done.report.rules {
                writeln!(out, "// {} ({:?}) x{}", r.name, r.class, r.count)?;
            }
            write!(out, "{}", done.graph)?;
        }
        ("fuse", None) => {
            for g in &case.lowered()?.groups {
                let ops: Vec<&str> = g.ops.iter().map(|(op, _)| op.name()).collect();
                writeln!(out, "{}: {}", g.name, ops.join(", "))?;
                for (op, _, ty, why) in &g.stored {
                    writeln!(out, "  {op}: {ty} {why}")?;
                }
            }
        }
        ("lower", None) => {
            let plan = case.lowered()?.plan;
            out = plan.to_string();
            let again: Plan = out.parse()?;
            if again.to_string() != out {
                return Err("the plan does not read back as itself".into());
            }
        }
        ("run", None) => out = run::everywhere(&case.graph()?, case)?,
        _ => return Err(format!("unknown command `{}`", case.command).into()),
    }
    Ok(out.trim_end().to_string() + "\n")
}

fn test(path: &Path) -> Result<(), Failed> {
    let source = std::fs::read_to_string(path)?;
    let case = Case::read(&source)?;
    let got = result(&case)?;
    if case.expected.as_ref() == Some(&got) {
        return Ok(());
    }
    if std::env::var_os("FRIT_BLESS").is_some() {
        std::fs::write(path, format!("{}{MARK}{got}", case.text))?;
        return Ok(());
    }
    let want = case.expected.unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&want, &got);
    Err(format!("{}\n{}", path.display(), diff.unified_diff().header("expected", "result")).into())
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    for entry in entries {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "frit") {
            found.push(path);
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is the test's report")]
fn main() {
    let args = Arguments::from_args();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/filetests"));
    let mut paths = Vec::new();
    files(root, &mut paths);
    paths.sort();
    let trial = |path: PathBuf| {
        let name = path.strip_prefix(root).unwrap_or(&path).with_extension("");
        Trial::test(name.to_string_lossy().replace('\\', "/"), move || test(&path))
    };
    let (here, skipped): (Vec<_>, Vec<_>) =
        frit_codegen::backends().into_iter().partition(|(_, b)| b.is_ok());
    let names: Vec<&str> = here.iter().map(|(name, _)| *name).collect();
    println!("backends: {}; {} skipped", names.join(", "), skipped.len());
    for (name, why) in skipped {
        println!("skipped {name}: {}", why.err().map(|e| e.to_string()).unwrap_or_default());
    }
    libtest_mimic::run(&args, paths.into_iter().map(trial).collect()).exit();
}
