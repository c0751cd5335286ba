//! Nanoseconds per element of every function, for each element type and instruction set, on blocks of 1024 elements.
//!
//! `cargo run --release -p frit-math --example throughput [NAME...]`
#![allow(clippy::print_stdout, reason = "a program that prints a table")]

use std::hint::black_box;
use std::time::Instant;

use frit_math::{Binary, Func, Isa, Unary};

const N: usize = 1024;

/// The best of many runs of `body`, in nanoseconds per element.
fn time(mut body: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        for _ in 0..20 {
            body();
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    best / (20 * N) as f64 * 1e9
}

/// A domain where the function does its usual work.
fn domain(func: Func) -> (f64, f64) {
    match func {
        Func::Log | Func::Log2 | Func::Log10 | Func::Log1p | Func::Sqrt => (0.1, 100.0),
        Func::Asin | Func::Acos | Func::Atanh => (-0.99, 0.99),
        Func::Acosh => (1.0, 50.0),
        Func::Tgamma | Func::Lgamma | Func::Pow => (0.1, 10.0),
        Func::Erf | Func::Erfc => (-3.0, 3.0),
        _ => (-10.0, 10.0),
    }
}

/// The scalar functions of the standard library, where it has them.
fn standard(func: Func) -> Option<fn(f64, f64) -> f64> {
    Some(match func {
        Func::Exp => |x, _| x.exp(),
        Func::Exp2 => |x, _| x.exp2(),
        Func::Expm1 => |x, _| x.exp_m1(),
        Func::Log => |x, _| x.ln(),
        Func::Log2 => |x, _| x.log2(),
        Func::Log10 => |x, _| x.log10(),
        Func::Log1p => |x, _| x.ln_1p(),
        Func::Sin => |x, _| x.sin(),
        Func::Cos => |x, _| x.cos(),
        Func::Tan => |x, _| x.tan(),
        Func::Asin => |x, _| x.asin(),
        Func::Acos => |x, _| x.acos(),
        Func::Atan => |x, _| x.atan(),
        Func::Sinh => |x, _| x.sinh(),
        Func::Cosh => |x, _| x.cosh(),
        Func::Tanh => |x, _| x.tanh(),
        Func::Asinh => |x, _| x.asinh(),
        Func::Acosh => |x, _| x.acosh(),
        Func::Atanh => |x, _| x.atanh(),
        Func::Cbrt => |x, _| x.cbrt(),
        Func::Sqrt => |x, _| x.sqrt(),
        Func::Pow => f64::powf,
        Func::Atan2 => f64::atan2,
        Func::Hypot => f64::hypot,
        Func::Fmod => |x, y| x % y,
        Func::Div => |x, y| x / y,
        _ => return None,
    })
}

macro_rules! measure {
    ($T:ty, $address:expr, $arity:expr, $x:expr, $y:expr) => {{
        let x: Vec<$T> = $x.iter().map(|&v| v as $T).collect();
        let y: Vec<$T> = $y.iter().map(|&v| v as $T).collect();
        let mut out = vec![0.0; N];
        if $arity == 1 {
            // SAFETY: the address is that of a unary block routine for an available instruction set.
            let call: Unary<$T> = unsafe { std::mem::transmute($address) };
            // SAFETY: the vectors hold N elements.
            time(|| unsafe { call(black_box(out.as_mut_ptr()), black_box(x.as_ptr()), N) })
        } else {
            // SAFETY: the address is that of a binary block routine for an available instruction set.
            let call: Binary<$T> = unsafe { std::mem::transmute($address) };
            // SAFETY: the vectors hold N elements.
            time(|| unsafe { call(black_box(out.as_mut_ptr()), black_box(x.as_ptr()), y.as_ptr(), N) })
        }
    }};
}

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let sets: Vec<Isa> = Isa::available().collect();
    print!("{:10}", "");
    for dtype in ["f64", "f32"] {
        for isa in &sets {
            print!("{:>13}", format!("{dtype} {}", isa.name()));
        }
    }
    println!("{:>13}", "f64 std");
    for &func in Func::ALL {
        if !names.is_empty() && !names.iter().any(|name| name == func.name()) {
            continue;
        }
        let (low, high) = domain(func);
        let random = |seed: u64| -> Vec<f64> {
            (0..N as u64)
                .map(|i| {
                    let bits = (i * 2 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    let unit = (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11;
                    low + (high - low) * (unit as f64 / (1u64 << 53) as f64)
                })
                .collect()
        };
        let (x, y) = (random(1), random(2));
        print!("{:10}", func.name());
        for &isa in &sets {
            print!("{:13.2}", measure!(f64, func.block_f64_on(isa), func.arity(), x, y));
        }
        for &isa in &sets {
            print!("{:13.2}", measure!(f32, func.block_f32_on(isa), func.arity(), x, y));
        }
        match standard(func) {
            Some(call) => {
                let mut out = vec![0.0; N];
                let ns = time(|| {
                    for i in 0..N {
                        out[i] = call(x[i], y[i]);
                    }
                    black_box(&mut out);
                });
                println!("{ns:13.2}");
            }
            None => println!("{:>13}", "-"),
        }
    }
}
