//! `run` files: the same graph on every backend.

use super::Case;
use frit_codegen::Cache;
use frit_ir::eval::{Array, Sizes, eval};
use frit_ir::{DType, Graph, Literal, Scalar, TensorType};
use frit_passes::{LowerOptions, MathLevel, Options};
use frit_runtime::{Program, Run};
use libtest_mimic::Failed;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

fn caches() -> &'static [Cache] {
    static CACHES: OnceLock<Vec<Cache>> = OnceLock::new();
    CACHES.get_or_init(|| frit_codegen::available().into_iter().map(Cache::new).collect())
}

/// The inputs in the graph's order, checked against its types.
fn inputs<'a>(graph: &Graph, case: &'a Case) -> Result<Vec<&'a Literal>, Failed> {
    let mut found = Vec::new();
    for i in &graph.inputs {
        let (_, l) = case
            .inputs
            .iter()
            .find(|(name, _)| *name == *i.name)
            .ok_or_else(|| format!("no line `// input {} = ..`", i.name))?;
        if l.ty.dtype != i.ty.dtype || l.ty.rank() != i.ty.rank() {
            return Err(format!("input {} is {}, not {}", i.name, l.ty, i.ty).into());
        }
        found.push(l);
    }
    Ok(found)
}

/// The results by definition.
fn reference(graph: &Graph, arguments: &[&Literal]) -> Result<Vec<Literal>, Failed> {
    let array =
        |l: &&Literal| Array::from_bytes(l.ty.dtype, &l.ty.const_shape().unwrap_or_default(), &l.bytes);
    let arguments: Vec<Array> = arguments.iter().map(array).collect();
    let sizes = Sizes::from_inputs(graph, &arguments)?;
    let literal =
        |a: &Array| Literal { ty: TensorType::fixed(a.dtype, a.shape()), bytes: a.to_bytes().into() };
    Ok(eval(graph, &arguments, &sizes)?.iter().map(literal).collect())
}

/// Compiles and runs; checks the projection of memory on the way.
fn on_backend(
    graph: &Graph,
    arguments: &[&Literal],
    cache: &Cache,
    threads: usize,
) -> Result<Vec<Literal>, Failed> {
    let plan = frit_passes::lower(graph, &LowerOptions::default())?.plan;
    let program = Arc::new(Program::new(Arc::new(plan), cache));
    let shapes: Vec<Vec<usize>> = arguments.iter().filter_map(|l| l.ty.const_shape()).collect();
    let views: Vec<(&[usize], &[isize])> = shapes.iter().map(|s| (s.as_slice(), &[][..])).collect();
    let bound = program.bind(&views, threads)?;
    let pointers: Vec<*const u8> = arguments.iter().map(|l| l.bytes.as_ptr()).collect();
    // SAFETY: the program is bound to the arguments' shapes, and they are contiguous.
    let (outputs, peak) = unsafe { bound.run(&pointers, &Run::default()) }?;
    let projected = bound.memory().peak_bytes;
    if projected < peak || projected as f64 > 1.1 * peak as f64 {
        return Err(format!("projected {projected} bytes, measured {peak}").into());
    }
    let literal = |o: &frit_runtime::Output| {
        let n: usize = o.shape.iter().product::<usize>() * o.dtype.size();
        // SAFETY: the output holds its shape's elements.
        let bytes = unsafe { std::slice::from_raw_parts(o.buffer.as_ptr(), n) };
        Literal { ty: TensorType::fixed(o.dtype, &o.shape), bytes: bytes.into() }
    };
    Ok(outputs.iter().map(literal).collect())
}

/// Distance in representable numbers between two reals of one type; 0 for two NaNs.
fn distance(a: f64, b: f64, single: bool) -> u64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        return 0;
    }
    // Maps the floats to integers in their order.
    let key = |v: f64| {
        let bits = if single { i64::from((v as f32).to_bits() as i32) << 32 } else { v.to_bits() as i64 };
        if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
    };
    key(a).abs_diff(key(b)) >> if single { 32 } else { 0 }
}

fn differ(got: &Literal, want: &Literal, ulp: u64) -> Option<String> {
    if got.ty != want.ty {
        return Some(format!("type {}, not {}", got.ty, want.ty));
    }
    (0..want.len()).find_map(|i| {
        let (g, w) = (got.get(i), want.get(i));
        let (gc, wc) = (g.as_complex(), w.as_complex());
        let single = want.ty.dtype.real() == DType::F32;
        let far = distance(gc.re, wc.re, single).max(distance(gc.im, wc.im, single));
        let same = g == w || (want.ty.dtype.is_inexact() && (gc.re.is_nan() || ulp > 0) && far <= ulp);
        (!same).then(|| format!("element {i}: {g}, not {w}"))
    })
}

/// The bits of a NaN depend on the machine: all become the usual one.
fn plain_nans(l: &Literal) -> Literal {
    let plain = |s: Scalar| {
        let (re, im) = s.parts();
        let usual = |p: Scalar| if p.as_f64().is_nan() { Scalar::from_f64(p.dtype(), f64::NAN) } else { p };
        Scalar::from_bits(s.dtype(), [usual(re).bits()[0], usual(im).bits()[0]])
    };
    if !l.ty.dtype.is_inexact() {
        return l.clone();
    }
    let mut bytes = Vec::with_capacity(l.bytes.len());
    for i in 0..l.len() {
        bytes.extend(plain(l.get(i)).to_bytes());
    }
    Literal { ty: l.ty.clone(), bytes: bytes.into() }
}

/// The results as text, if all ways agree.
pub(crate) fn everywhere(graph: &Graph, case: &Case) -> Result<String, Failed> {
    let arguments = inputs(graph, case)?;
    let ulp: u64 = case.setting("ulp").map_or(Ok(0), str::parse)?;
    let optimized = frit_passes::optimize(graph, &Options::new(MathLevel::Exact))?.graph;
    // The first way is the reference that the others are compared with.
    let mut results = vec![("the reference interpreter".to_string(), reference(graph, &arguments)?)];
    for (what, g) in [("optimized", &optimized), ("as written", graph)] {
        let composite = g.nodes.iter().any(|n| n.op.class() == frit_ir::ops::Class::Composite);
        if composite {
            continue;
        }
        for cache in caches() {
            for threads in [1, 2] {
                let name = format!("{} {what}, {threads} threads", cache.backend().name());
                results.push((name, on_backend(g, &arguments, cache, threads)?));
            }
        }
    }
    let ((reference, want), others) = results.split_first().ok_or("nothing ran")?;
    for (name, got) in others {
        for (k, (g, w)) in got.iter().zip(want).enumerate() {
            if let Some(why) = differ(g, w, ulp) {
                return Err(format!("result {k} of {name} differs from {reference}: {why}").into());
            }
        }
    }
    let mut out = String::new();
    for l in want {
        writeln!(out, "{}", plain_nans(l))?;
    }
    Ok(out)
}
