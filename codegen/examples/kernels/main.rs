//! Time per element of hand-built kernels beside the same loops in plain Rust (compiled for AVX2, in this binary).
//! A line is nanoseconds per element of both and their ratio; it times code generation alone, without tracing, passes or
//! runtime (those are in `benches/`).
//!
//! `cargo run --release -p frit-codegen --example kernels [FILTER]`
#![expect(clippy::print_stdout, reason = "this is a program")]
#![allow(clippy::cloned_ref_to_slice_refs, reason = "a list of index expressions reads as one")]

#[path = "../../tests/common/mod.rs"]
mod common;
mod mixed;

use common::Builder;
use frit_codegen::{Backend, CompiledKernel, cranelift::Cranelift};
use frit_ir::kernel::{Kernel, LoopKind, Mem};
use frit_ir::prim::Val;
use frit_ir::{DType, Dim, Prim, Scalar};
use std::hint::black_box;
use std::time::Instant;

const T: DType = DType::F64;

/// Best of several runs, in seconds a call.
fn time(mut f: impl FnMut()) -> f64 {
    f();
    let mut best = f64::MAX;
    let start = Instant::now();
    let mut calls = 1u32;
    while start.elapsed().as_secs_f64() < 0.3 {
        let t = Instant::now();
        (0..calls).for_each(|_| f());
        let spent = t.elapsed().as_secs_f64();
        best = best.min(spent / f64::from(calls));
        if spent < 1e-4 {
            calls *= 2;
        }
    }
    best
}

/// `out[i] = f(inputs[i])` in one parallel range with a vector loop over all of it.
fn map(name: &str, t: DType, inputs: usize, f: impl FnOnce(&mut Builder, &[Val]) -> Val) -> Kernel {
    let mut b = Builder::new(name);
    let all: Vec<Mem> = (0..=inputs).map(|_| b.buffer(t, 1, true)).collect();
    let n = b.size("n");
    b.for_(LoopKind::Vector, "i", 0, n, |b, i| {
        let args: Vec<Val> = all[..inputs].iter().map(|m| b.load(*m, &[i.clone()])).collect();
        let r = f(b, &args);
        b.store(all[inputs], &[i], r);
    });
    b.finish()
}

fn dist(b: &mut Builder, a: &[Val]) -> Val {
    let (two, one) = (b.f64(2.0), b.f64(1.0));
    let (x, y) = (b.let_(Prim::Mul, &[a[0], a[0]]), b.let_(Prim::Mul, &[a[1], a[1]]));
    let s = b.let_(Prim::Add, &[x, y]);
    let r = b.let_(Prim::Sqrt, &[s]);
    let d = b.let_(Prim::Mul, &[two, r]);
    b.let_(Prim::Add, &[d, one])
}

fn chain(b: &mut Builder, a: &[Val]) -> Val {
    let mut r = b.let_(Prim::Mul, &[a[0], a[1]]);
    for (k, op) in
        [Prim::Add, Prim::Sub, Prim::Mul, Prim::Add, Prim::Mul, Prim::Sub, Prim::Add].into_iter().enumerate()
    {
        r = b.let_(op, &[r, a[(k + 2) % 3]]);
    }
    r
}

/// `x > y ? x * y : x + y`.
fn choose(b: &mut Builder, a: &[Val]) -> Val {
    let c = b.let_(Prim::Lt, &[a[1], a[0]]);
    let (p, s) = (b.let_(Prim::Mul, &[a[0], a[1]]), b.let_(Prim::Add, &[a[0], a[1]]));
    b.let_(Prim::Select, &[c, p, s])
}

fn black_scholes(b: &mut Builder, a: &[Val]) -> Val {
    let (s, k, t) = (a[0], a[1], a[2]);
    let (rate, sigma, half, root2) =
        (b.f64(0.05), b.f64(0.2), b.f64(0.5), b.f64(std::f64::consts::FRAC_1_SQRT_2));
    let drift = b.f64(0.05 + 0.5 * 0.2 * 0.2);
    let q = b.let_(Prim::Div, &[s, k]);
    let l = b.let_(Prim::Log, &[q]);
    let m = b.let_(Prim::Mul, &[drift, t]);
    let top = b.let_(Prim::Add, &[l, m]);
    let root = b.let_(Prim::Sqrt, &[t]);
    let v = b.let_(Prim::Mul, &[sigma, root]);
    let d1 = b.let_(Prim::Div, &[top, v]);
    let d2 = b.let_(Prim::Sub, &[d1, v]);
    let cdf = |b: &mut Builder, d: Val| {
        let z = b.let_(Prim::Mul, &[d, root2]);
        let e = b.let_(Prim::Erf, &[z]);
        let h = b.let_(Prim::Mul, &[half, e]);
        b.let_(Prim::Add, &[half, h])
    };
    let (n1, n2) = (cdf(b, d1), cdf(b, d2));
    let rt = b.let_(Prim::Mul, &[rate, t]);
    let neg = b.let_(Prim::Neg, &[rt]);
    let discount = b.let_(Prim::Exp, &[neg]);
    let kd = b.let_(Prim::Mul, &[k, discount]);
    let (x, y) = (b.let_(Prim::Mul, &[s, n1]), b.let_(Prim::Mul, &[kd, n2]));
    b.let_(Prim::Sub, &[x, y])
}

fn sum() -> Kernel {
    let mut b = Builder::new("sum");
    let (x, out) = (b.buffer(T, 1, true), b.buffer(T, 1, true));
    let n = b.size("n");
    let v = b.var(Scalar::zero(T));
    b.for_(LoopKind::Vector, "i", 0, n, |b, i| {
        let e = b.load(x, &[i]);
        b.accumulate(v, Prim::Add, e);
    });
    let r = b.get(v);
    b.store(out, &[0.into()], r);
    b.finish()
}

/// Five-point stencil over the inside of a grid: five loads at different offsets of one array.
fn stencil() -> Kernel {
    let mut b = Builder::new("stencil");
    let (x, out) = (b.buffer(T, 2, true), b.buffer(T, 2, true));
    let n = b.size("n");
    b.for_(LoopKind::Parallel, "i", 1, &n - &Dim::constant(1), |b, i| {
        b.for_(LoopKind::Vector, "j", 1, &n - &Dim::constant(1), |b, j| {
            let fifth = b.f64(0.2);
            let mut s = b.load(x, &[i.clone(), j.clone()]);
            for at in [[&i - 1, j.clone()], [&i + 1, j.clone()], [i.clone(), &j - 1], [i.clone(), &j + 1]] {
                let v = b.load(x, &at);
                s = b.let_(Prim::Add, &[s, v]);
            }
            let r = b.let_(Prim::Mul, &[s, fifth]);
            b.store(out, &[i.clone(), j], r);
        });
    });
    b.finish()
}

struct Call {
    code: CompiledKernel,
    args: Vec<u64>,
    scratch: Vec<[u64; 8]>,
    part: (i64, i64),
}

impl Call {
    /// Rank-1 or row-major square buffers at the given addresses.
    fn new(kernel: &Kernel, buffers: &[*mut u8], sizes: &[i64]) -> Call {
        let code = Cranelift::new().expect("a supported machine").compile(kernel).expect("compiles");
        let mut args: Vec<u64> = buffers.iter().map(|p| *p as u64).collect();
        for p in &kernel.buffers {
            args.extend(if p.rank == 2 { vec![*sizes.last().unwrap() as u64, 1] } else { vec![1] });
        }
        args.extend(sizes.iter().map(|n| *n as u64));
        let scratch = vec![[0; 8]; code.scratch_bytes(sizes) / 64 + 1];
        Call { code, args, scratch, part: common::parallel_range(kernel, sizes) }
    }

    fn run(&mut self) {
        let start = (self.scratch.as_mut_ptr() as usize).next_multiple_of(64) as *mut u8;
        // SAFETY: the buffers live as long as the benchmark and have the sizes given; scratch has a word to spare.
        black_box(unsafe { self.code.call(self.args.as_ptr(), start, self.part.0, self.part.1) });
    }
}

/// Defines functions for AVX2 and FMA where there are such (nothing contracts a product with a sum).
macro_rules! avx2 {
    ($(fn $name:ident($($a:ident: $t:ty),*) $(-> $r:ty)? $body:block)*) => {$(
        #[allow(clippy::needless_range_loop, reason = "the accumulators of a sum are an array")]
        pub(super) fn $name($($a: $t),*) $(-> $r)? {
            #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
            fn wide($($a: $t),*) $(-> $r)? $body
            // SAFETY: `main` has checked that the machine has them.
            #[allow(unused_unsafe, reason = "other machines have no such features")]
            unsafe { wide($($a),*) }
        }
    )*};
}
use avx2;

/// The same loops in Rust.
mod rust {
    avx2! {
        fn dist(x: &[f64], y: &[f64], o: &mut [f64]) {
            for ((o, x), y) in o.iter_mut().zip(x).zip(y) { *o = 2.0 * (x * x + y * y).sqrt() + 1.0 }
        }
        fn chain(x: &[f64], y: &[f64], z: &[f64], o: &mut [f64]) {
            for (((o, x), y), z) in o.iter_mut().zip(x).zip(y).zip(z) {
                *o = ((((x * y) + z) - x) * y + z) * x - y + z
            }
        }
        fn choose(x: &[f64], y: &[f64], o: &mut [f64]) {
            for ((o, x), y) in o.iter_mut().zip(x).zip(y) { *o = if y < x { x * y } else { x + y } }
        }
        fn stencil(x: &[f64], n: usize, o: &mut [f64]) {
            for i in 1..n - 1 {
                let (up, mid, down) = (&x[(i - 1) * n..i * n], &x[i * n..(i + 1) * n], &x[(i + 1) * n..(i + 2) * n]);
                let o = &mut o[i * n..(i + 1) * n];
                for j in 1..n - 1 { o[j] = (mid[j] + up[j] + down[j] + mid[j - 1] + mid[j + 1]) * 0.2 }
            }
        }
        fn sum(x: &[f64], o: &mut [f64]) {
            let mut s = [0.0; 32];
            for c in x.chunks_exact(32) { for k in 0..32 { s[k] += c[k] } }
            o[0] = s.iter().sum();
        }
        fn dot(x: &[f64], y: &[f64]) -> f64 {
            let mut s = [0.0; 16];
            let (a, b) = (x.chunks_exact(16), y.chunks_exact(16));
            let tail: f64 = a.remainder().iter().zip(b.remainder()).map(|(p, q)| p * q).sum();
            for (a, b) in a.zip(b) { for k in 0..16 { s[k] += a[k] * b[k] } }
            s.iter().sum::<f64>() + tail
        }
        fn cholesky(a: &mut [f64], n: usize) {
            for i in 0..n {
                for j in 0..i {
                    let d = dot(&a[i * n..i * n + j], &a[j * n..j * n + j]);
                    a[i * n + j] = (a[i * n + j] - d) / a[j * n + j];
                }
                let d = dot(&a[i * n..i * n + i], &a[i * n..i * n + i]);
                a[i * n + i] = (a[i * n + i] - d).sqrt();
            }
        }
    }
}

struct Bench {
    filter: String,
}

impl Bench {
    /// One line: nanoseconds per element of the kernel and of the Rust loop, if there is one.
    fn line(&self, name: &str, n: usize, call: &mut Call, rust: Option<&mut dyn FnMut()>) {
        if !name.contains(&self.filter) {
            return;
        }
        let scale = 1e9 / n as f64;
        let ours = time(|| call.run()) * scale;
        match rust.map(|f| time(f) * scale) {
            Some(theirs) => println!("{name:24} {n:>9}  {ours:8.3}  {theirs:8.3}  {:6.2}", ours / theirs),
            None => println!("{name:24} {n:>9}  {ours:8.3}         -       -"),
        }
    }
}

fn compile_times() {
    let kernels: [(&str, Kernel); 5] = [
        ("dist", map("dist", T, 2, dist)),
        ("chain", map("chain", T, 3, chain)),
        ("sum", sum()),
        ("black_scholes", map("bs", T, 3, black_scholes)),
        ("cholesky", common::cholesky()),
    ];
    let t = Instant::now();
    let backend = Cranelift::new().expect("a supported machine");
    println!("backend  {:8.1} us", t.elapsed().as_secs_f64() * 1e6);
    for (name, k) in &kernels {
        let t = Instant::now();
        let code = backend.compile(k).expect("compiles");
        let first = t.elapsed().as_secs_f64() * 1e6;
        let warm = time(|| drop(black_box(backend.compile(k)))) * 1e6;
        println!("compile {name:16} first {first:8.1} us  then {warm:8.1} us  {} bytes", code.code_size());
    }
}

fn main() {
    let bench = Bench { filter: std::env::args().nth(1).unwrap_or_default() };
    #[cfg(target_arch = "x86_64")]
    assert!(
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        "the peers need AVX2 and FMA"
    );
    compile_times();
    println!("{:24} {:>9}  {:>8}  {:>8}  {:>6}", "ns per element", "n", "kernel", "rust", "ratio");
    for n in [8usize, 10_000, 1_000_000, 10_000_000] {
        let array = |k: usize| -> Vec<f64> { (0..n).map(|i| 1.0 + ((i * k) % 97) as f64 / 97.0).collect() };
        let (mut x, mut y, mut z, mut o) = (array(7), array(5), array(11), vec![0.0f64; n]);
        mixed::run(&bench, n);
        let (px, py, pz, po) = (
            x.as_mut_ptr().cast::<u8>(),
            y.as_mut_ptr().cast(),
            z.as_mut_ptr().cast(),
            o.as_mut_ptr().cast(),
        );
        let sizes = [n as i64];
        let mut c = Call::new(&map("dist", T, 2, dist), &[px, py, po], &sizes);
        bench.line("2*sqrt(x*x+y*y)+1", n, &mut c, Some(&mut || rust::dist(&x, &y, black_box(&mut o))));
        let mut c = Call::new(&sum(), &[px, po], &sizes);
        bench.line("sum", n, &mut c, Some(&mut || rust::sum(black_box(&x), &mut o)));
        let mut c = Call::new(&map("chain", T, 3, chain), &[px, py, pz, po], &sizes);
        bench.line(
            "8-op chain, 3 inputs",
            n,
            &mut c,
            Some(&mut || rust::chain(&x, &y, &z, black_box(&mut o))),
        );
        let mut c = Call::new(&map("choose", T, 2, choose), &[px, py, po], &sizes);
        bench.line("where(x>y, x*y, x+y)", n, &mut c, Some(&mut || rust::choose(&x, &y, black_box(&mut o))));
        let mut c = Call::new(&map("bs", T, 3, black_scholes), &[px, py, pz, po], &sizes);
        bench.line("Black-Scholes", n, &mut c, None);
        let m = (n as f64).sqrt() as usize;
        if m > 100 {
            let mut b = Builder::new("softmax");
            common::softmax(&mut b);
            let mut c = Call::new(&b.finish(), &[px, po], &[m as i64, m as i64]);
            bench.line("softmax of rows", m * m, &mut c, None);
            let mut c = Call::new(&stencil(), &[px, po], &[m as i64]);
            bench.line(
                "5-point stencil",
                m * m,
                &mut c,
                Some(&mut || rust::stencil(&x, m, black_box(&mut o))),
            );
        }
    }
    for n in [20usize, 100, 500] {
        let spd: Vec<f64> = (0..n * n).map(|k| if k / n == k % n { n as f64 } else { 0.5 }).collect();
        let (mut ours, mut theirs) = (spd.clone(), spd.clone());
        let mut c = Call::new(&common::cholesky(), &[ours.as_mut_ptr().cast()], &[n as i64]);
        // Factoring a factor again is as much work as factoring the matrix.
        bench.line(
            "Cholesky (per n^3/6)",
            n * n * n / 6,
            &mut c,
            Some(&mut || rust::cholesky(&mut theirs, n)),
        );
    }
}
