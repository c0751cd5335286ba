//! Plans say what routines take: never less than they do, and at most a tenth more.

mod support;

use frit_library::{DType, Output, Params, Routine, plan};
use num_complex::{Complex32, Complex64};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Array, Buffer, Matrix, Number, Operand, Random, Spawn};

/// The system's allocator, with a count of bytes. Of large blocks of whole pages, which matrix products reserve for each
/// thread and use a little of, it counts the pages that were touched, when they are given back.
struct Counting;

static CURRENT: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TOUCHED: AtomicUsize = AtomicUsize::new(0);

const PAGE: usize = 4096;

fn is_reserve(layout: Layout) -> bool {
    cfg!(target_os = "linux") && layout.align() == PAGE && layout.size() > 1 << 20
}

#[cfg(target_os = "linux")]
unsafe extern "C" {
    fn mincore(address: *mut u8, length: usize, resident: *mut u8) -> i32;
    fn madvise(address: *mut u8, length: usize, advice: i32) -> i32;
}

/// Makes a fresh block untouched: the allocator below may hand out pages that were used before.
#[cfg(target_os = "linux")]
fn untouch(pointer: *mut u8, bytes: usize) {
    const DONTNEED: i32 = 4;
    // SAFETY: the contents of a fresh block are arbitrary; whole pages of it, which is aligned to pages.
    let failed = unsafe { madvise(pointer, bytes / PAGE * PAGE, DONTNEED) };
    assert_eq!(failed, 0);
}

#[cfg(not(target_os = "linux"))]
fn untouch(_: *mut u8, _: usize) {}

#[cfg(target_os = "linux")]
fn touched(pointer: *mut u8, bytes: usize) -> usize {
    let mut resident = [0_u8; 256];
    let mut pages = 0;
    for first in (0..bytes).step_by(resident.len() * PAGE) {
        let length = (bytes - first).min(resident.len() * PAGE);
        // SAFETY: the block is aligned to pages and alive, and `resident` has a byte for each page.
        let failed = unsafe { mincore(pointer.add(first), length, resident.as_mut_ptr()) };
        assert_eq!(failed, 0);
        pages += resident[..length.div_ceil(PAGE)].iter().filter(|r| **r & 1 == 1).count();
    }
    pages * PAGE
}

#[cfg(not(target_os = "linux"))]
fn touched(_: *mut u8, bytes: usize) -> usize {
    bytes
}

// SAFETY: passes everything on.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_reserve(layout) {
            let now = CURRENT.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
            PEAK.fetch_max(now, Ordering::Relaxed);
        }
        // SAFETY: as the caller promises.
        let pointer = unsafe { System.alloc(layout) };
        if is_reserve(layout) {
            untouch(pointer, layout.size());
        }
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if is_reserve(layout) {
            TOUCHED.fetch_add(touched(pointer, layout.size()), Ordering::Relaxed);
        } else {
            CURRENT.fetch_sub(layout.size(), Ordering::Relaxed);
        }
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Plans themselves, lists of results, thread handles: small, and not worth a place in a projection.
const SMALL: usize = 16 << 10;

/// What a plan may say beyond a tenth more than is taken: whole pages, blocks of 16 rows that recursions round up to, and
/// 32 KiB for the tables of short transforms.
const ROUNDING: usize = 64 << 10;

/// The most that a plan may say, of what is taken.
const MOST: f64 = 1.1;

/// Bytes of a call.
struct Taken {
    /// What it allocated, or touched of a thread's reserve, beside results and workspace.
    grown: usize,
    /// What its plan says of that.
    hidden: usize,
    /// Results and workspace, which are from the caller.
    given: usize,
}

fn growth(routine: Routine, params: &Params, operands: &[&dyn Operand], threads: usize) -> Taken {
    let inputs: Vec<_> = operands.iter().map(|o| o.input()).collect();
    let shapes: Vec<&[usize]> = inputs.iter().map(|i| i.shape()).collect();
    let before = CURRENT.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    // Planning makes and keeps the tables of short transforms.
    let plan = plan(routine, params, inputs[0].dtype(), &shapes, threads).unwrap();
    let planned = PEAK.load(Ordering::Relaxed) - before;
    let mut results: Vec<Buffer> = plan.outputs.iter().map(|(d, s)| Buffer::new(*d, s)).collect();
    let mut workspace = vec![0_u8; plan.workspace];
    let bytes = |(d, s): &(DType, Vec<usize>)| d.size() * s.iter().product::<usize>();
    let given = plan.workspace + plan.outputs.iter().map(bytes).sum::<usize>();
    let outputs: Vec<Output<'_>> = results.iter_mut().map(Buffer::output).collect();
    let before = CURRENT.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    TOUCHED.store(0, Ordering::Relaxed);
    // On a thread of its own, so that what stays with a thread is new each time, and given back at its end.
    std::thread::scope(|scope| {
        scope.spawn(|| plan.run(&inputs, &outputs, &mut workspace, &Spawn).unwrap()).join().unwrap();
    });
    let grown = PEAK.load(Ordering::Relaxed) - before + TOUCHED.load(Ordering::Relaxed);
    Taken { grown: planned + grown, hidden: plan.hidden, given }
}

#[expect(clippy::print_stdout, reason = "on request, to see how close the bounds are")]
fn check(routine: Routine, params: &Params, operands: &[&dyn Operand], threads: usize) {
    for turn in ["first", "second"] {
        let Taken { grown, hidden, given } = growth(routine, params, operands, threads);
        let what = format!("{} {:?}", routine.name(), operands[0].input().shape());
        if std::env::var_os("SHOW").is_some() {
            let over = (given + hidden) as f64 / (given + grown) as f64;
            println!(
                "{what:28} {threads} threads, {turn:6} call: {grown:>12} of {hidden:>12}, {over:.3} in all"
            );
        }
        assert!(grown <= hidden + SMALL, "{what}: {grown} bytes, more than {hidden}");
        // The second call finds tables; with two threads, one may have done all of the work.
        if turn == "first" && threads == 1 {
            let limit = MOST * (given + grown) as f64 + ROUNDING as f64;
            assert!((given + hidden) as f64 <= limit, "{what}: {given} bytes and {grown}, not {hidden}");
        }
    }
}

fn matrices<T: Number>(sizes: &[usize]) {
    let mut random = Random(1);
    for &n in sizes {
        let a = random.array::<T>(&[n, n]);
        let m = Matrix::of(&a, 0);
        let spd = Array::from_fn(&[n, n], |p| {
            let bump = if p[0] == p[1] { 4.0 * n as f64 } else { 0.0 };
            T::narrow(m.at(p[0], p[1]) + m.at(p[1], p[0]).conj() + bump)
        });
        for threads in [1, 2] {
            for routine in Routine::ALL {
                let one: [&dyn Operand; 1] = [&spd];
                let two: [&dyn Operand; 2] = [&spd, &a];
                let one_number = Array::new(&[], vec![T::one()]);
                let five: [&dyn Operand; 5] = [&spd, &a, &a, &one_number, &one_number];
                let kth = Array::new(&[2], vec![0_i64, n as i64 / 2]);
                let chosen: [&dyn Operand; 2] = [&spd, &kth];
                let exchanges = Array::from_fn(&[n], |p| p[0] as i64);
                let factored: [&dyn Operand; 3] = [&spd, &exchanges, &a];
                let is_real = matches!(T::DTYPE, DType::F32 | DType::F64);
                match routine {
                    Routine::Searchsorted | Routine::Unique => continue,
                    Routine::Fft | Routine::Ifft | Routine::Irfft if is_real => continue,
                    Routine::Rfft if !is_real => continue,
                    _ => {}
                }
                let operands = match routine {
                    Routine::Gemm => &five[..],
                    Routine::LuSolve => &factored[..],
                    Routine::OrderStatistics | Routine::ArgOrderStatistics => &chosen[..],
                    _ if routine.inputs() == 1 => &one[..],
                    _ => &two[..],
                };
                check(
                    *routine,
                    &Params { n: n - usize::from(*routine == Routine::Partition), ..Params::default() },
                    operands,
                    threads,
                );
            }
        }
    }
}

// One test: the counters are the process's.
#[test]
fn growth_is_what_plans_say() {
    matrices::<f64>(&[5, 16, 40, 130, 400, 600]);
    matrices::<f32>(&[16, 100, 200]);
    matrices::<Complex64>(&[17, 150, 300]);
    matrices::<Complex32>(&[16, 150]);

    let mut random = Random(2);
    // Tall and wide, and more than one block deep.
    for (m, k, n) in [(3000, 40, 30), (30, 40, 3000), (40, 3000, 50), (1500, 600, 700)] {
        for threads in [1, 2] {
            let (a, b) = (random.array::<f64>(&[m, k]), random.array::<f64>(&[k, n]));
            check(Routine::Matmul, &Params::default(), &[&a, &b.transposed()], threads);
            check(Routine::Matmul, &Params::default(), &[&a.transposed(), &b], threads);
        }
    }
    // A deep product packs no more than a block of it at a time; nor do many right-hand sides.
    let (a, b) = (random.array::<f64>(&[200, 50_000]), random.array::<f64>(&[50_000, 200]));
    check(Routine::Matmul, &Params::default(), &[&a, &b], 1);
    let (a, b) = (random.array::<f64>(&[150, 150]), random.array::<f64>(&[150, 4000]));
    for routine in [Routine::Solve, Routine::SolvePosdef, Routine::SolveTriangular] {
        check(routine, &Params::default(), &[&a, &b], 1);
    }
    // Of no structure, and as a shift, which deflation has nothing to do with.
    for n in [60, 130, 260, 520] {
        let a = random.array::<f64>(&[n, n]);
        let shift = Array::from_fn(&[n, n], |p| if (p[0] + 1) % n == p[1] { 1.0 } else { 0.0 });
        let c = random.array::<Complex64>(&[n, n]);
        for routine in [Routine::Eig, Routine::Eigvals] {
            check(routine, &Params::default(), &[&a], 1);
            check(routine, &Params::default(), &[&shift], 1);
            // Of larger blocks less than all is packed where the second cache is small.
            if n <= 300 {
                check(routine, &Params::default(), &[&c], 1);
            }
        }
    }
    for shape in [[3000, 60], [60, 3000], [700, 300]] {
        let a = random.array::<f64>(&shape);
        for routine in [Routine::Qr, Routine::Svd, Routine::Svdvals, Routine::Lu] {
            check(routine, &Params::default(), &[&a], 1);
        }
    }
    let stack = random.array::<f64>(&[200, 30, 30]);
    check(Routine::Inv, &Params::default(), &[&stack], 2);
    check(Routine::Matmul, &Params::default(), &[&stack, &stack], 2);
    // Powers of each small prime, products of all, others; small and beyond the tables that are made for a projection.
    for n in
        [1000, 1024, 1 << 17, 19_683, 78_125, 16_807, 117_649, 14_641, 92_400, 10_007, 100_003, 331 * 337]
    {
        let x = random.array::<Complex64>(&[n]);
        check(Routine::Fft, &Params { n, ..Params::default() }, &[&x], 1);
        let x = random.array::<f32>(&[n]);
        check(Routine::Rfft, &Params { n, ..Params::default() }, &[&x], 1);
        check(Routine::Sort, &Params::default(), &[&x], 1);
        check(Routine::Argsort, &Params::default(), &[&x], 1);
        check(Routine::Unique, &Params::default(), &[&x], 1);
        check(Routine::Searchsorted, &Params::default(), &[&x, &x], 2);
    }
}
