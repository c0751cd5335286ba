//! The `frit` command: run, explain, draw and dump saved programs. A library, so that `python -m frit` is the same command.

mod npy;

use clap::{Parser, Subcommand, ValueEnum};
use frit::diagnostics::{Diagnostic, DiagnosticOptions, Thresholds, to_json};
use frit::{Argument, Config, Input, MathLevel, Picture, PictureFormat, Report, Saved, Tensor};
use frit::{human_bytes, parse_bytes};
use miette::{IntoDiagnostic, NamedSource, SourceSpan, WrapErr, miette};
use npy::Loaded;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs, explains, draws and prints programs that frit saved.
///
/// PROGRAM is a file that `Saved::save` wrote (JSON), or a graph in text form.
#[derive(Parser)]
#[command(name = "frit", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a program on .npy files, one per input, in order.
    Run {
        /// The program.
        program: PathBuf,
        /// The inputs.
        inputs: Vec<PathBuf>,
        /// Write result K to PREFIX.K.npy (PREFIX.npy if there is one result).
        #[arg(short, long, value_name = "PREFIX")]
        output: Option<PathBuf>,
        /// Print compile and run time, projected and measured memory.
        #[arg(long)]
        stats: bool,
        #[command(flatten)]
        options: Options,
    },
    /// Tells what a program will do: passes, rules, kernels, why values are stored, memory.
    Explain {
        /// The program.
        program: PathBuf,
        /// Sizes of symbols, for the memory projection: n=1000.
        #[arg(short, long = "size", value_name = "NAME=N", value_parser = size)]
        sizes: Vec<(String, usize)>,
        /// Print the diagnostics alone, as JSON.
        #[arg(long)]
        json: bool,
        /// Changes which diagnostics are given: `off`, `-F007`, `intermediate_bytes=4GiB`, with commas between them.
        #[arg(long, value_name = "ITEMS", allow_hyphen_values = true)]
        warn: Option<String>,
        #[command(flatten)]
        options: Options,
    },
    /// Draws a program: graphs before and after rewriting, fusion groups, memory, source.
    Visualize {
        /// The program.
        program: PathBuf,
        /// The picture: .html, .svg, .dot, .json, .txt or .mlir.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Sizes of symbols that the picture begins with: n=1000.
        #[arg(short, long = "size", value_name = "NAME=N", value_parser = size)]
        sizes: Vec<(String, usize)>,
        #[command(flatten)]
        options: Options,
    },
    /// Prints one stage of a program.
    Dump {
        /// The program.
        program: PathBuf,
        /// The stage.
        #[arg(short, long, default_value = "graph")]
        stage: Stage,
        #[command(flatten)]
        options: Options,
    },
}

#[derive(clap::Args)]
struct Options {
    /// How far floating-point results may move; the program's own choice by default.
    #[arg(long)]
    math: Option<Math>,
    /// Threads; all cores by default.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Refuse to run above this much memory: 500MiB, 2GB, or bytes.
    #[arg(long, value_parser = parse_bytes)]
    memory_limit: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Math {
    /// The same bits as op by op.
    Exact,
    /// Sums and products in another order.
    Reassociate,
    /// Assumes no NaN and infinity.
    Fast,
}

#[derive(Clone, Copy, ValueEnum)]
enum Stage {
    /// As traced.
    Graph,
    /// After rewriting.
    Rewritten,
    /// Buffers and steps.
    Plan,
    /// Loop programs.
    Kernels,
    /// Cranelift's IR.
    Clif,
    /// Machine code.
    Asm,
    /// The graph as JSON, as it is saved.
    Json,
}

/// `name=n`
fn size(s: &str) -> Result<(String, usize), String> {
    let (name, n) = s.split_once('=').ok_or("write NAME=N")?;
    Ok((name.trim().into(), n.trim().parse().map_err(|e| format!("`{n}`: {e}"))?))
}

/// A span of one character at a line and column, both from 1.
fn span(text: &str, line: u32, column: u32) -> SourceSpan {
    let start: usize = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
    let rest = &text[start.min(text.len())..];
    let at = rest.char_indices().nth(column as usize - 1).map_or(rest.len(), |(i, _)| i);
    (start + at, usize::from(start + at < text.len())).into()
}

fn load(path: &Path, options: &Options) -> miette::Result<Saved> {
    let text =
        std::fs::read_to_string(path).into_diagnostic().wrap_err_with(|| path.display().to_string())?;
    let saved = Saved::parse(&text).map_err(|e| match e {
        frit::Error::Parse(e) => {
            let at = span(&text, e.line, e.column);
            let head = format!("{}:{}:{}: not a valid program", path.display(), e.line, e.column);
            miette!(labels = vec![miette::LabeledSpan::at(at, e.what)], "{head}")
                .with_source_code(NamedSource::new(path.display().to_string(), text.clone()))
        }
        e => miette!("{}: {e}", path.display()),
    })?;
    let math = match options.math {
        None => saved.config().math,
        Some(Math::Exact) => MathLevel::Exact,
        Some(Math::Reassociate) => MathLevel::Reassociate,
        Some(Math::Fast) => MathLevel::Fast,
    };
    let config =
        Config { math, threads: options.threads, memory_limit: options.memory_limit, ..Config::new() };
    Ok(saved.with_config(config))
}

/// Rows of a result that are printed.
const ROWS: usize = 8;

fn summary(t: &Tensor) -> String {
    let shape: Vec<String> = t.shape().iter().map(usize::to_string).collect();
    let mut text = format!("{}[{}]", t.dtype(), shape.join(", "));
    let n: usize = t.shape().iter().product();
    let first: Vec<String> = (0..n.min(ROWS)).map(|i| t.get(i).to_string()).collect();
    text += &format!(" {}{}", first.join(" "), if n > ROWS { " .." } else { "" });
    text
}

#[expect(clippy::print_stdout, reason = "this is a command")]
fn run(
    program: &Path,
    inputs: &[PathBuf],
    output: Option<&Path>,
    stats: bool,
    options: &Options,
) -> miette::Result<()> {
    let saved = load(program, options)?;
    let graph = saved.graph();
    if inputs.len() != graph.inputs.len() {
        let names: Vec<String> = graph.inputs.iter().map(|i| format!("{}: {}", i.name, i.ty)).collect();
        return Err(miette!(
            help = format!("the inputs are {}", names.join(", ")),
            "the program takes {} inputs but {} files were given",
            graph.inputs.len(),
            inputs.len()
        ));
    }
    let arrays = inputs.iter().map(|p| npy::read(p)).collect::<miette::Result<Vec<Loaded>>>()?;
    let arguments: Vec<&dyn Argument> = arrays.iter().map(|a| &**a).collect();
    let start = Instant::now();
    let projected = saved.memory(arguments.as_slice()).map_err(|e| miette!("{e}"))?.peak_bytes;
    let compiled = start.elapsed();
    let start = Instant::now();
    let (results, measured) =
        saved.call_with(arguments.as_slice(), &Default::default()).map_err(|e| miette!("{e}"))?;
    let ran = start.elapsed();
    for (k, r) in results.iter().enumerate() {
        match output {
            None => println!("{}", summary(r)),
            Some(prefix) => {
                let mut name = prefix.as_os_str().to_owned();
                name.push(if results.len() == 1 { ".npy".into() } else { format!(".{k}.npy") });
                npy::write(Path::new(&name), r)?;
                println!("{}: {}", Path::new(&name).display(), summary(r));
            }
        }
    }
    if stats {
        println!(
            "compiled in {:.2} ms, ran in {:.2} ms",
            compiled.as_secs_f64() * 1e3,
            ran.as_secs_f64() * 1e3
        );
        println!("peak memory: {} projected, {} measured", human_bytes(projected), human_bytes(measured));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is a command")]
fn explain(
    program: &Path,
    sizes: &[(String, usize)],
    json: bool,
    warn: Option<&str>,
    options: &Options,
) -> miette::Result<()> {
    let saved = load(program, options)?;
    let shapes = shapes(&saved, sizes)?;
    let report = saved.explain().map_err(|e| miette!("{e}"))?;
    let found = match &shapes {
        Ok(shapes) => diagnostics(&saved, &report, shapes, warn)?,
        Err(_) => vec![],
    };
    if json {
        let missing = |name: String| miette!("give the sizes for numbers, as `--size {name}=1000`");
        shapes.map_err(missing)?;
        println!("{:#}", to_json(&found));
        return Ok(());
    }
    for i in &saved.graph().inputs {
        println!("input {}: {}", i.name, i.ty);
    }
    for t in saved.graph().output_types() {
        println!("result: {t}");
    }
    println!();
    print!("{report}");
    let shapes = match shapes {
        Ok(shapes) => shapes,
        Err(name) => {
            let formula = report.program.memory_formula(options.threads.max(1));
            println!("\n{}\nfor numbers give sizes, as `--size {name}=1000`", formula.summary());
            return Ok(());
        }
    };
    let views: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let fit = report
        .fit_shapes(&views, options.threads.max(1), options.memory_limit)
        .map_err(|e| miette!("{e}"))?;
    let memory = fit.bound.memory();
    println!("\n{memory}");
    for done in &fit.replanned {
        println!("  {done}");
    }
    for used in &memory.at_peak {
        let place = used.origin.loc.to_string();
        let place = if place.is_empty() { place } else { format!(" at {place}") };
        println!("  {} for {}{place}", human_bytes(used.bytes), used.origin.op);
    }
    for d in &found {
        println!("\n{}", d.render(None, std::io::stdout().is_terminal()));
    }
    Ok(())
}

/// The shape of each input, or the first size that has no number. An error for numbers of sizes that there are not.
fn shapes(saved: &Saved, sizes: &[(String, usize)]) -> miette::Result<Result<Vec<Vec<usize>>, String>> {
    let mut names = BTreeSet::new();
    for d in saved.graph().inputs.iter().flat_map(|i| &i.ty.shape) {
        d.for_each_symbol(&mut |name| _ = names.insert(name.to_string()));
    }
    if let Some((unknown, _)) = sizes.iter().find(|(name, _)| !names.contains(name)) {
        let names: Vec<String> = names.into_iter().collect();
        let known = match names.as_slice() {
            [] => String::from("all its sizes are numbers"),
            names => format!("its sizes are {}", names.join(", ")),
        };
        return Err(miette!(help = known, "the program has no size `{unknown}`"));
    }
    let size = |name: &str| sizes.iter().find(|(n, _)| n == name).map(|(_, v)| *v as i64);
    let one = |i: &Input| i.ty.shape.iter().map(|d| d.eval(&size).map(|v| v.max(0) as usize)).collect();
    Ok(saved.graph().inputs.iter().map(one).collect::<Result<_, _>>().map_err(|name| name.to_string()))
}

/// What there is to say about the program for these shapes.
fn diagnostics(
    saved: &Saved,
    report: &Report,
    shapes: &[Vec<usize>],
    warn: Option<&str>,
) -> miette::Result<Vec<Diagnostic>> {
    let mut thresholds = Thresholds::from_environment().map_err(|e| miette!("{e}"))?;
    thresholds.set(warn.unwrap_or_default()).map_err(|e| miette!("--warn: {e}"))?;
    let options = DiagnosticOptions::new(saved.config(), thresholds);
    let strides: Vec<Vec<isize>> = shapes.iter().map(|s| frit::c_strides(s)).collect();
    let arguments: Vec<(&[usize], &[isize])> =
        shapes.iter().zip(&strides).map(|(s, t)| (s.as_slice(), t.as_slice())).collect();
    report.diagnostics(&arguments, &options).map_err(|e| miette!("{e}"))
}

#[expect(clippy::print_stdout, reason = "this is a command")]
fn visualize(
    program: &Path,
    output: &Path,
    sizes: &[(String, usize)],
    options: &Options,
) -> miette::Result<()> {
    let format = PictureFormat::of_path(output).map_err(|e| miette!("{e}"))?;
    let saved = load(program, options)?;
    let report = saved.explain().map_err(|e| miette!("{e}"))?;
    let shapes = match shapes(&saved, sizes)? {
        Ok(shapes) => Some(shapes),
        // Without sizes the picture shows expressions.
        Err(_) if sizes.is_empty() => None,
        Err(name) => return Err(miette!("the program has a size `{name}` too: give `--size {name}=1000`")),
    };
    let views: Option<Vec<&[usize]>> = shapes.as_ref().map(|s| s.iter().map(Vec::as_slice).collect());
    let name = saved.graph().name.to_string();
    let part =
        frit::Part::new(&name, &report, saved.config(), views.as_deref()).map_err(|e| miette!("{e}"))?;
    let mut picture = Picture::new(&name, vec![part]);
    picture.read_sources();
    let text = picture.render(format).map_err(|e| miette!("{e}"))?;
    std::fs::write(output, text).into_diagnostic().wrap_err_with(|| output.display().to_string())?;
    println!("{}", output.display());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is a command")]
fn dump(program: &Path, stage: Stage, options: &Options) -> miette::Result<()> {
    let saved = load(program, options)?;
    let name = match stage {
        Stage::Graph => {
            println!("{:#}", saved.graph());
            return Ok(());
        }
        Stage::Json => {
            print!("{}", saved.to_json());
            return Ok(());
        }
        Stage::Rewritten => "rewritten",
        Stage::Plan => "plan",
        Stage::Kernels => "kernels",
        Stage::Clif => "clif",
        Stage::Asm => "asm",
    };
    let report = saved.explain().map_err(|e| miette!("{e}"))?;
    println!("{}", report.dump(name).map_err(|e| miette!("{e}"))?);
    Ok(())
}

/// The command with these arguments, the first of them its name; the exit status.
#[expect(clippy::print_stderr, reason = "this is a command")]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are errors to clap, with status 0. What cannot be printed cannot be reported either.
            let _ = e.print();
            return u8::try_from(e.exit_code()).unwrap_or(2);
        }
    };
    let done = match cli.command {
        Command::Run { program, inputs, output, stats, options } => {
            run(&program, &inputs, output.as_deref(), stats, &options)
        }
        Command::Explain { program, sizes, json, warn, options } => {
            explain(&program, &sizes, json, warn.as_deref(), &options)
        }
        Command::Visualize { program, output, sizes, options } => {
            visualize(&program, &output, &sizes, &options)
        }
        Command::Dump { program, stage, options } => dump(&program, stage, &options),
    };
    match done {
        Ok(()) => 0,
        Err(e) => {
            eprintln!("Error: {e:?}");
            1
        }
    }
}
