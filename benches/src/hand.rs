//! The peers: the same computations written by hand in Rust, compiled for the widest vectors of the machine.

/// Compiles a function for AVX-512 and AVX2 besides the baseline, and picks one when called.
macro_rules! widest {
    ($(fn $name:ident($($arg:ident: $t:ty),*) $(-> $r:ty)? $body:block)*) => {$(
        fn $name($($arg: $t),*) $(-> $r)? {
            #[inline(always)]
            fn body($($arg: $t),*) $(-> $r)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,fma")]
                fn wide($($arg: $t),*) $(-> $r)? { body($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn medium($($arg: $t),*) $(-> $r)? { body($($arg),*) }
                if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512bw") {
                    // SAFETY: the machine has these instructions.
                    return unsafe { wide($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the machine has these instructions.
                    return unsafe { medium($($arg),*) };
                }
            }
            body($($arg),*)
        }
    )*};
}

type Three<'a> = (&'a [f64], &'a [f64], &'a [f64]);

#[inline(always)]
fn formula(x: f64, y: f64, z: f64) -> f64 {
    ((x + y) * z - x) * y + (z - y) * x
}

widest! {
    fn chain_part(x: &[f64], y: &[f64], z: &[f64], out: &mut [f64]) {
        for (((o, x), y), z) in out.iter_mut().zip(x).zip(y).zip(z) {
            *o = formula(*x, *y, *z);
        }
    }
    fn sum_part(x: &[f64], y: &[f64], z: &[f64]) -> f64 {
        let mut sums = [0.0; 32];
        let whole = x.len() / 32 * 32;
        for k in (0..whole).step_by(32) {
            let (x, y, z) = (&x[k..k + 32], &y[k..k + 32], &z[k..k + 32]);
            for i in 0..32 {
                sums[i] += formula(x[i], y[i], z[i]);
            }
        }
        sums.iter().sum::<f64>() + (whole..x.len()).map(|i| formula(x[i], y[i], z[i])).sum::<f64>()
    }
    fn max_part(x: &[f64], y: &[f64], z: &[f64]) -> f64 {
        let mut most = [f64::MIN; 32];
        let whole = x.len() / 32 * 32;
        for k in (0..whole).step_by(32) {
            let (x, y, z) = (&x[k..k + 32], &y[k..k + 32], &z[k..k + 32]);
            for i in 0..32 {
                let v = formula(x[i], y[i], z[i]);
                most[i] = if most[i] > v { most[i] } else { v };
            }
        }
        let rest = (whole..x.len()).map(|i| formula(x[i], y[i], z[i]));
        most.into_iter().chain(rest).fold(f64::MIN, f64::max)
    }
    fn mixed_loop(m: &[bool], x: &[f32], y: &[f64], out: &mut [f64]) {
        for (((o, m), x), y) in out.iter_mut().zip(m).zip(x).zip(y) {
            *o = if *m { f64::from(*x) * y + 1.0 } else { *y };
        }
    }
    fn single_sum(x: &[f32]) -> f64 {
        let mut sums = [0.0; 32];
        let (whole, rest) = x.as_chunks::<32>();
        for c in whole {
            for i in 0..32 {
                sums[i] += f64::from(c[i]);
            }
        }
        sums.iter().sum::<f64>() + rest.iter().map(|v| f64::from(*v)).sum::<f64>()
    }
    fn softmax_rows(x: &[f32], out: &mut [f32], n: usize) {
        for (x, out) in x.chunks(n).zip(out.chunks_mut(n)) {
            let mut most = [f32::MIN; 64];
            for c in x.chunks_exact(64) {
                for i in 0..64 {
                    most[i] = if most[i] > c[i] { most[i] } else { c[i] };
                }
            }
            let mut m = x[n / 64 * 64..].iter().copied().fold(f32::MIN, f32::max);
            for v in most {
                m = m.max(v);
            }
            for (o, v) in out.iter_mut().zip(x) {
                *o = exp(v - m);
            }
            let mut sums = [0f32; 64];
            for c in out.chunks_exact(64) {
                for i in 0..64 {
                    sums[i] += c[i];
                }
            }
            let total = sums.iter().sum::<f32>() + out[n / 64 * 64..].iter().sum::<f32>();
            for o in out.iter_mut() {
                *o /= total;
            }
        }
    }
}

/// e^x for x <= 0 within 2 ulp: Cody-Waite reduction and a polynomial of degree 6 (Cephes' expf coefficients).
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let k = (x * std::f32::consts::LOG2_E + 12_582_912.0) - 12_582_912.0;
    let r = (-2.121_944_4e-4f32).mul_add(-k, (-0.693_359_4f32).mul_add(k, x));
    let p = 1.987_569_1e-4f32.mul_add(r, 1.398_199_9e-3);
    let p = p.mul_add(r, 8.333_452e-3).mul_add(r, 4.166_579_6e-2).mul_add(r, 1.666_666_5e-1).mul_add(r, 0.5);
    let e = p.mul_add(r * r, r) + 1.0;
    // SAFETY-free scaling: the exponent field of 2^k.
    e * f32::from_bits(((k as i32 + 127) as u32) << 23)
}

/// Splits work over threads as evenly as it goes.
fn split<R: Send>(
    (x, y, z): Three<'_>,
    threads: usize,
    f: impl Fn(&[f64], &[f64], &[f64]) -> R + Sync,
) -> Vec<R> {
    if threads == 1 {
        return vec![f(x, y, z)];
    }
    let part = x.len().div_ceil(threads);
    std::thread::scope(|s| {
        let all: Vec<_> = (0..threads)
            .map(|t| {
                let r = t * part..((t + 1) * part).min(x.len());
                let f = &f;
                s.spawn(move || f(&x[r.clone()], &y[r.clone()], &z[r]))
            })
            .collect();
        all.into_iter().map(|h| h.join().expect("no panic")).collect()
    })
}

pub(crate) fn chain((x, y, z): Three<'_>, out: &mut [f64], threads: usize) {
    if threads == 1 {
        return chain_part(x, y, z, out);
    }
    let part = x.len().div_ceil(threads);
    std::thread::scope(|s| {
        for (t, out) in out.chunks_mut(part).enumerate() {
            let r = t * part..t * part + out.len();
            s.spawn(move || chain_part(&x[r.clone()], &y[r.clone()], &z[r], out));
        }
    });
}

pub(crate) fn chain_sum(all: Three<'_>, threads: usize) -> f64 {
    split(all, threads, sum_part).into_iter().sum()
}

pub(crate) fn chain_max(all: Three<'_>, threads: usize) -> f64 {
    split(all, threads, max_part).into_iter().fold(f64::MIN, f64::max)
}

pub(crate) fn mixed((m, x, y): (&[bool], &[f32], &[f64]), out: &mut [f64]) {
    mixed_loop(m, x, y, out);
}

pub(crate) fn sum_of_singles(x: &[f32]) -> f64 {
    single_sum(x)
}

pub(crate) fn softmax(x: &[f32], out: &mut [f32], n: usize) {
    softmax_rows(x, out, n);
}

/// Scalar code with the C library's functions in Rust.
pub(crate) fn black_scholes((s, k, t): Three<'_>, out: &mut [f64]) {
    let (r, v) = (0.02f64, 0.3f64);
    let normal = |x: f64| 0.5 * (libm::erf(x * std::f64::consts::FRAC_1_SQRT_2) + 1.0);
    for (((o, s), k), t) in out.iter_mut().zip(s).zip(k).zip(t) {
        let root = v * t.sqrt();
        let d1 = ((s / k).ln() + (r + v * v / 2.0) * t) / root;
        *o = s * normal(d1) - k * (-r * t).exp() * normal(d1 - root);
    }
}

pub(crate) fn cholesky(a: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..i {
            let dot: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            a[i * n + j] = (a[i * n + j] - dot) / a[j * n + j];
        }
        let dot: f64 = (0..i).map(|k| a[i * n + k] * a[i * n + k]).sum();
        a[i * n + i] = (a[i * n + i] - dot).sqrt();
    }
}
