//! Loops over slabs that stay in cache: where they are made, and that nobody can tell by the results.

use frit::{Array, Config, DType, Graph, MathLevel, Report, Spec, Traceable, c_strides, jit_with, spec};
use frit_passes::LowerOptions;
use frit_passes::block::{self, CacheBlocks};
use frit_runtime::{Program, Run};
use std::sync::Arc;

fn report<P, F: Traceable<P>>(f: F, types: &[Spec], math: MathLevel) -> Report {
    jit_with(f, Config { math, ..Config::new() }).explain(types).expect("compiles")
}

fn made(report: &Report) -> Vec<&CacheBlocks> {
    report.blocks.iter().filter(|b| b.lost.is_none()).collect()
}

/// Elements from 0 to 1 without a pattern, as pairs where a type is complex.
fn inputs(g: &Graph) -> Vec<Vec<f64>> {
    let mut seed = 1u64;
    let mut next = || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 11) as f64 / (1u64 << 53) as f64
    };
    let words = |ty: &Spec| ty.bytes().as_const().expect("numbers") as usize / 8;
    g.inputs.iter().map(|i| (0..words(&i.ty)).map(|_| next()).collect()).collect()
}

fn program(g: &Graph) -> Arc<Program> {
    let plan = frit_passes::lower(g, &LowerOptions::default()).expect("lowers").plan;
    let backend = frit_codegen::available().swap_remove(0);
    Arc::new(Program::new(Arc::new(plan), &frit_codegen::Cache::new(backend)))
}

/// Results as bits; the projection holds and is tight.
fn run(program: &Arc<Program>, g: &Graph, data: &[Vec<f64>], threads: usize) -> Vec<Vec<u64>> {
    let shapes: Vec<Vec<usize>> = g.inputs.iter().map(|i| i.ty.const_shape().expect("numbers")).collect();
    let strides: Vec<Vec<isize>> = shapes.iter().map(|s| c_strides(s)).collect();
    let arguments: Vec<(&[usize], &[isize])> =
        shapes.iter().zip(&strides).map(|(s, t)| (s.as_slice(), t.as_slice())).collect();
    let bound = program.bind(&arguments, threads).expect("binds");
    let pointers: Vec<*const u8> = data.iter().map(|x| x.as_ptr().cast()).collect();
    // SAFETY: arrays of these shapes in C order.
    let (outputs, peak) = unsafe { bound.run(&pointers, &Run::default()) }.expect("runs");
    let projected = bound.memory().peak_bytes;
    assert!(
        projected >= peak && projected as f64 <= 1.1 * peak as f64,
        "projected {projected}, measured {peak}"
    );
    let bits = |o: &frit_runtime::Output| {
        let n = o.shape.iter().product::<usize>() * o.dtype.size() / 8;
        // SAFETY: so many words of a result.
        unsafe { std::slice::from_raw_parts(o.buffer.as_ptr().cast::<u64>(), n) }.to_vec()
    };
    outputs.iter().map(bits).collect()
}

/// The program is blocked along its first axis, and gives the bits of the one that is not, on any number of threads.
fn same<P, F: Traceable<P>>(f: F, types: &[Spec], math: MathLevel) -> Report {
    let report = report(f, types, math);
    assert_eq!(made(&report).iter().map(|b| b.axis).collect::<Vec<_>>(), [0], "{report}");
    let data = inputs(&report.optimized);
    let want = run(&program(&report.optimized), &report.optimized, &data, 2);
    for threads in [1, 2, 3] {
        assert!(want == run(&report.program, &report.optimized, &data, threads), "{report}");
    }
    report
}

/// A filter of rows: transforms that nothing fuses.
fn filter(x: Array, h: Array) -> Array {
    frit::fft::irfft(frit::fft::rfft(x, 1) * h, 256, 1)
}

fn filter_types(rows: usize) -> [Spec; 2] {
    [spec(&[rows, 256], DType::F64), spec(&[129], DType::C128)]
}

fn layers(x: Array, a: Array, b: Array) -> Array {
    x.matmul(a).maximum(0.0).matmul(b)
}

fn layer_types(rows: usize) -> [Spec; 3] {
    [spec(&[rows, 16], DType::F64), spec(&[16, 256], DType::F64), spec(&[256, 8], DType::F64)]
}

/// A loop over rows that has to be complete before the next one.
fn running(x: Array) -> Array {
    x.cumsum(1).sqrt()
}

#[test]
fn rows_that_stay_in_cache_have_the_same_bits() {
    // The last slab may be smaller: 20,011 is a prime number.
    for rows in [20_000, 20_011] {
        same(|x: Array| running(x).max(1), &[spec(&[rows, 128], DType::F64)], MathLevel::Exact);
    }
    same(layers, &layer_types(20_011), MathLevel::Reassociate);
    // Results of a slab each, and one of the whole.
    let several = |x: Array| {
        let y = running(x);
        (y.min(1), y.max(0))
    };
    same(several, &[spec(&[20_011, 128], DType::F64)], MathLevel::Exact);
}

#[test]
fn routines_on_slabs_give_the_same_bits() {
    let small = |rows: usize| spec(&[rows, 256], DType::F64);
    let sorted = |x: Array| x.sort(1) - x.argsort(1).astype(DType::F64);
    let graphs = [
        report(filter, &filter_types(101), MathLevel::Exact).optimized,
        report(sorted, &[small(101)], MathLevel::Exact).optimized,
        report(|x: Array| x.median(1), &[small(101)], MathLevel::Exact).optimized,
    ];
    for g in graphs {
        let g = block::prepare(&g).expect("prepares");
        assert!(block::keeps_bits(&g), "{g}");
        let data = inputs(&g);
        let want = run(&program(&g), &g, &data, 2);
        let along_rows: Vec<_> = block::candidates(&g).into_iter().filter(|c| c.length == 101).collect();
        assert!(!along_rows.is_empty(), "{g}");
        for (at, rows) in along_rows.iter().flat_map(|at| [1, 7, 50].map(|rows| (at, rows))) {
            let Some(slabs) = block::block(&g, at, rows).expect("type-checks") else { panic!("{g}") };
            assert!(want == run(&program(&slabs), &slabs, &data, 2), "{slabs}");
        }
    }
}

#[test]
fn memory_is_that_of_slabs() {
    let r = report(layers, &layer_types(40_000), MathLevel::Reassociate);
    let shapes: [&[usize]; 3] = [&[40_000, 16], &[16, 256], &[256, 8]];
    let [whole, block] = [40_000 * 256 * 8, made(&r)[0].slab_bytes as usize];
    let memory = r.memory(&shapes, 2).expect("fits");
    assert!(memory.peak_bytes < memory.output_bytes + 2 * block, "{memory:?}");
    assert!(memory.peak_bytes < whole / 5, "{memory:?}");
}

#[test]
fn extremes_over_the_rows_are_made_of_slabs_and_sums_are_not() {
    let largest = |x: Array| running(x).max(0);
    same(largest, &[spec(&[20_000, 128], DType::F64)], MathLevel::Exact);
    let total = |x: Array| running(x).sum(0);
    let r = report(total, &[spec(&[20_000, 128], DType::F64)], MathLevel::Reassociate);
    assert!(made(&r).is_empty(), "{r}");
}

#[test]
fn what_does_not_pay_stays_whole() {
    let none = |r: Report| assert!(made(&r).is_empty(), "{r}");
    // In cache as it is.
    none(report(filter, &filter_types(1000), MathLevel::Reassociate));
    // Arithmetic takes almost all of the time.
    let sorted = |x: Array| x.sort(1).sqrt().max(1);
    none(report(sorted, &[spec(&[40_000, 256], DType::F64)], MathLevel::Reassociate));
    // One kernel.
    let chain = |x: Array| ((x * 2.0).exp() + 1.0).sqrt().sum(1);
    none(report(chain, &[spec(&[200_000, 256], DType::F64)], MathLevel::Reassociate));
    let wide =
        [spec(&[20_000, 2000], DType::F64), spec(&[2000, 2000], DType::F64), spec(&[2000, 16], DType::F64)];
    none(report(layers, &wide, MathLevel::Reassociate));
    // Products could be added up otherwise.
    none(report(layers, &layer_types(40_000), MathLevel::Exact));
    // Rows depend on each other: both transforms need the whole axis of the other.
    let both = |x: Array| frit::fft::fft(frit::fft::fft(x, 0), 1);
    none(report(both, &[spec(&[4096, 1024], DType::C128)], MathLevel::Exact));
}

#[test]
fn slabs_of_another_shape_need_no_new_kernels() {
    let kernels = |rows: usize| -> Vec<String> {
        let r = report(layers, &layer_types(rows), MathLevel::Reassociate);
        assert_eq!(made(&r).len(), 1, "{r}");
        r.program.plan.kernels.iter().map(|k| k.to_string()).collect()
    };
    assert_eq!(kernels(40_000), kernels(64_000));
}

#[test]
fn the_report_says_what_was_chosen_and_why() {
    let r = report(|x: Array| running(x).max(1), &[spec(&[40_000, 128], DType::F64)], MathLevel::Exact);
    let [b] = made(&r)[..] else { panic!("{r}") };
    assert!(b.bytes[1] < b.bytes[0] && b.seconds[1] < b.seconds[0], "{b:?}");
    assert!(b.rows > 0 && b.slab_bytes <= (8 << 20) as f64, "{b:?}");
    let text = r.to_string();
    assert!(text.contains(&format!("in {} slabs of {} rows", b.count(), b.rows)), "{text}");
    let r = report(layers, &layer_types(40_000), MathLevel::Exact);
    assert!(r.to_string().contains("math=\"exact\" does not allow"), "{r}");
}
