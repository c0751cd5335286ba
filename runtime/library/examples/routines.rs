//! Throughput of the routines on this machine: `cargo run --release -p frit-library --example routines [matmul]`.
#![allow(clippy::print_stdout)]

use frit_library::{DType, Input, Output, Params, Routine, Workers, plan};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

/// A job of the helper: how many blocks, which is next, how many are done.
struct Job<'a> {
    work: &'a (dyn Fn(usize, usize) + Sync),
    blocks: usize,
    next: AtomicUsize,
    left: AtomicUsize,
}

impl Job<'_> {
    fn help(&self, worker: usize) {
        loop {
            let block = self.next.fetch_add(1, SeqCst);
            if block >= self.blocks {
                return;
            }
            (self.work)(block, worker);
            self.left.fetch_sub(1, SeqCst);
        }
    }
}

/// One helping thread, which waits in a loop while figures of two threads are taken.
struct Pair;

static AWAKE: AtomicBool = AtomicBool::new(false);

static JOB: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());
static HELPING: AtomicUsize = AtomicUsize::new(0);

impl Pair {
    fn help() {
        loop {
            while !AWAKE.load(SeqCst) {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            HELPING.store(1, SeqCst);
            let job = JOB.load(SeqCst).cast::<Job<'_>>();
            if !job.is_null() {
                // SAFETY: a job lives until its pointer is gone and nobody helps.
                unsafe { (*job).help(1) };
            }
            HELPING.store(0, SeqCst);
            std::hint::spin_loop();
        }
    }
}

impl Workers for Pair {
    fn run(&self, blocks: usize, _: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        let mut job = Job { work, blocks, next: AtomicUsize::new(0), left: AtomicUsize::new(blocks) };
        JOB.store((&raw mut job).cast(), SeqCst);
        job.help(0);
        JOB.store(std::ptr::null_mut(), SeqCst);
        while job.left.load(SeqCst) > 0 || HELPING.load(SeqCst) == 1 {
            std::hint::spin_loop();
        }
    }
}

/// Best time of some runs, in seconds.
fn best(
    routine: Routine,
    params: &Params,
    operands: &[(&[usize], &[f64])],
    dtype: DType,
    threads: usize,
) -> f64 {
    let strides: Vec<Vec<isize>> = operands
        .iter()
        .map(|(shape, _)| {
            (0..shape.len()).map(|k| shape[k + 1..].iter().product::<usize>() as isize).collect()
        })
        .collect();
    let inputs: Vec<Input<'_>> = operands
        .iter()
        .zip(&strides)
        // SAFETY: the operands are C-ordered arrays of doubles, or of pairs of them.
        .map(|((shape, data), strides)| unsafe { Input::new(dtype, shape, strides, data.as_ptr().cast()) })
        .collect();
    let shapes: Vec<&[usize]> = operands.iter().map(|(shape, _)| *shape).collect();
    let plan = plan(routine, params, dtype, &shapes, threads).expect("a plan");
    let mut results: Vec<Vec<u128>> = plan
        .outputs
        .iter()
        .map(|(dtype, shape)| vec![0; (dtype.size() * shape.iter().product::<usize>()).div_ceil(16)])
        .collect();
    let outputs: Vec<Output<'_>> = plan
        .outputs
        .iter()
        .zip(&mut results)
        // SAFETY: the words are enough.
        .map(|((dtype, shape), words)| unsafe { Output::new(*dtype, shape, words.as_mut_ptr().cast()) })
        .collect();
    let mut workspace = vec![0; plan.workspace];
    AWAKE.store(threads > 1, SeqCst);
    let mut best = f64::INFINITY;
    let start = Instant::now();
    for turn in 0.. {
        let call = Instant::now();
        plan.run(&inputs, &outputs, &mut workspace, &Pair).expect("a result");
        best = best.min(call.elapsed().as_secs_f64());
        if turn >= 3 && start.elapsed().as_secs_f64() > 0.3 {
            break;
        }
    }
    best
}

/// Two copies of a single-precision number.
fn pair(x: f32) -> u64 {
    u64::from(x.to_bits()) << 32 | u64::from(x.to_bits())
}

fn main() {
    let mut state = 1_u64;
    let data: Vec<f64> = (0..1 << 23)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        })
        .collect();
    let default = Params::default();

    std::thread::spawn(Pair::help);
    // As many floats in the same memory: no NaN, and no denormal numbers.
    let singles: Vec<f64> = data.iter().map(|x| f64::from_bits(pair(*x as f32))).collect();
    println!("matmul: GFLOP/s on 1 and 2 threads, float64 and float32");
    for n in [64, 96, 128, 200, 256, 400, 512, 800, 1024, 1500, 2000] {
        let rate = |dtype, data: &[f64], threads| {
            let operands: [(&[usize], &[f64]); 2] = [(&[n, n], data), (&[n, n], &data[1000..])];
            2.0 * (n as f64).powi(3) / best(Routine::Matmul, &default, &operands, dtype, threads) / 1e9
        };
        let [a, b] = [1, 2].map(|threads| rate(DType::F64, &data, threads));
        let [c, d] = [1, 2].map(|threads| rate(DType::F32, &singles, threads));
        println!("{n:6} {a:8.1} {b:8.1} {c:8.1} {d:8.1}");
    }
    if std::env::args().nth(1).as_deref() == Some("matmul") {
        return;
    }

    println!("linear algebra, float64: milliseconds on 1 and 2 threads");
    for n in [100, 500, 1000] {
        let operands: [(&[usize], &[f64]); 2] = [(&[n, n], &data), (&[n, n], &data[1000..])];
        let routines = [
            Routine::Inv,
            Routine::Solve,
            Routine::Lu,
            Routine::Qr,
            Routine::Svd,
            Routine::Eigh,
            Routine::Eig,
        ];
        for routine in routines {
            let operands = &operands[..routine.inputs()];
            let time = |threads| best(routine, &default, operands, DType::F64, threads) * 1e3;
            println!("{n:6} {:8} {:10.3} {:10.3}", routine.name(), time(1), time(2));
        }
    }

    println!("fft and sort: nanoseconds per element on 1 and 2 threads");
    for (rows, n) in [(1000, 1000), (1024, 1024), (100, 10_007), (1, 1 << 20)] {
        let shape: &[usize] = &[rows, n];
        let params = Params { axis: 1, n, ..Params::default() };
        let each = |routine, dtype, threads| {
            best(routine, &params, &[(shape, &data)], dtype, threads) * 1e9 / (rows * n) as f64
        };
        for (routine, dtype) in [
            (Routine::Fft, DType::C128),
            (Routine::Rfft, DType::F64),
            (Routine::Sort, DType::F64),
            (Routine::Argsort, DType::F64),
        ] {
            let (one, two) = (each(routine, dtype, 1), each(routine, dtype, 2));
            println!("{rows:6} x {n:8} {:8} {one:8.2} {two:8.2}", routine.name());
        }
    }
}
