//! Loops that mix element widths: conversions, masks, sums of other types.

use super::common::Builder;
use super::{Bench, Call, avx2};
use frit_ir::kernel::{Kernel, LoopKind, Mem};
use frit_ir::prim::Val;
use frit_ir::{DType, Prim, Scalar};
use std::hint::black_box;

/// `out[i] = f(inputs[i])` in a vector loop.
fn map(inputs: &[DType], f: impl FnOnce(&mut Builder, &[Val]) -> Val, out: DType) -> Kernel {
    let mut b = Builder::new("mixed");
    let all: Vec<Mem> = inputs.iter().chain([&out]).map(|t| b.buffer(*t, 1, true)).collect();
    let n = b.size("n");
    b.for_(LoopKind::Vector, "i", 0, n, |b, i| {
        let args: Vec<Val> = all[..inputs.len()].iter().map(|m| b.load(*m, &[i.clone()])).collect();
        let r = f(b, &args);
        b.store(all[inputs.len()], &[i], r);
    });
    b.finish()
}

/// `out = sum(f(inputs[i]))`.
fn total(inputs: &[DType], f: impl FnOnce(&mut Builder, &[Val]) -> Val, out: DType) -> Kernel {
    let mut b = Builder::new("total");
    let all: Vec<Mem> = inputs.iter().chain([&out]).map(|t| b.buffer(*t, 1, true)).collect();
    let n = b.size("n");
    let v = b.var(Scalar::zero(out));
    b.for_(LoopKind::Vector, "i", 0, n, |b, i| {
        let args: Vec<Val> = all[..inputs.len()].iter().map(|m| b.load(*m, &[i.clone()])).collect();
        let r = f(b, &args);
        b.accumulate(v, Prim::Add, r);
    });
    let r = b.get(v);
    b.store(all[inputs.len()], &[0.into()], r);
    b.finish()
}

fn number(b: &mut Builder, t: DType, v: f64) -> Val {
    b.constant(Scalar::from_f64(t, v))
}

avx2! {
    fn less(x: &[f64], y: &[f64], o: &mut [u8]) {
        for ((o, x), y) in o.iter_mut().zip(x).zip(y) { *o = u8::from(x < y) }
    }
    fn band(x: &[f64], m: &[u8], o: &mut [u8]) {
        for ((o, x), m) in o.iter_mut().zip(x).zip(m) { *o = *m & u8::from(*x > 0.5) }
    }
    fn count(x: &[f64], o: &mut [i64]) {
        o[0] = x.iter().map(|v| i64::from(*v > 1.5)).sum();
    }
    fn masked(m: &[u8], x: &[f64], y: &[f64], o: &mut [f64]) {
        for (((o, m), x), y) in o.iter_mut().zip(m).zip(x).zip(y) { *o = if *m != 0 { *x } else { *y } }
    }
    fn masked_sum(m: &[u8], x: &[f64], o: &mut [f64]) {
        let mut s = [0.0; 16];
        for (m, c) in m.chunks_exact(16).zip(x.chunks_exact(16)) {
            for k in 0..16 { s[k] += if m[k] != 0 { c[k] } else { 0.0 } }
        }
        o[0] = s.iter().sum();
    }
    fn single_to_double(x: &[f32], o: &mut [f64]) {
        for (o, x) in o.iter_mut().zip(x) { *o = f64::from(*x) + 1.0 }
    }
    fn double_to_single(x: &[f64], o: &mut [f32]) {
        for (o, x) in o.iter_mut().zip(x) { *o = (*x + 1.0) as f32 }
    }
    fn single_with_double(x: &[f32], y: &[f64], z: &[f64], o: &mut [f64]) {
        for (((o, x), y), z) in o.iter_mut().zip(x).zip(y).zip(z) { *o = f64::from(*x) * y + z }
    }
    fn single_sum(x: &[f32], o: &mut [f64]) {
        let mut s = [0.0; 32];
        for c in x.chunks_exact(32) { for k in 0..32 { s[k] += f64::from(c[k]) } }
        o[0] = s.iter().sum();
    }
    fn int_to_double(x: &[i32], o: &mut [f64]) {
        for (o, x) in o.iter_mut().zip(x) { *o = f64::from(*x) + 1.0 }
    }
    fn long_to_double(x: &[i64], o: &mut [f64]) {
        for (o, x) in o.iter_mut().zip(x) { *o = *x as f64 + 1.0 }
    }
    fn int_with_single(x: &[i32], y: &[f32], o: &mut [f32]) {
        for ((o, x), y) in o.iter_mut().zip(x).zip(y) { *o = *x as f32 * y }
    }
    fn byte_to_single(x: &[u8], o: &mut [f32]) {
        for (o, x) in o.iter_mut().zip(x) { *o = f32::from(*x) * 0.25 + 1.0 }
    }
    fn single_to_byte(x: &[f32], o: &mut [u8]) {
        // SAFETY: the elements are between 1 and 2.
        for (o, x) in o.iter_mut().zip(x) { *o = unsafe { (*x * 2.0).to_int_unchecked::<i32>() } as u8 }
    }
    fn bytes(x: &[u8], y: &[u8], o: &mut [u8]) {
        for ((o, x), y) in o.iter_mut().zip(x).zip(y) { *o = (*x).max(*y).wrapping_add(3) }
    }
    fn short_sum(x: &[i16], o: &mut [i64]) {
        o[0] = x.iter().map(|v| i64::from(*v)).sum();
    }
}

/// The lines for `n` elements.
pub(super) fn run(bench: &Bench, n: usize) {
    use DType::*;
    let array = |k: usize| -> Vec<f64> { (0..n).map(|i| 1.0 + ((i * k) % 97) as f64 / 97.0).collect() };
    let (x, y, z) = (array(7), array(5), array(11));
    let f: Vec<f32> = x.iter().map(|v| *v as f32).collect();
    let (l, w): (Vec<i64>, Vec<i32>) = ((0..n as i64).collect(), (0..n as i32).collect());
    let (c, d): (Vec<u8>, Vec<u8>) =
        ((0..n).map(|i| i as u8).collect(), (0..n).map(|i| (i * 7) as u8).collect());
    let h: Vec<i16> = (0..n).map(|i| (i * 31) as i16).collect();
    let m: Vec<u8> = (0..n).map(|i| u8::from(i * 7 % 5 < 2)).collect();
    let (mut of, mut od, mut oc, mut ol) = (vec![0f32; n], vec![0f64; n], vec![0u8; n], vec![0i64; n]);
    macro_rules! line {
        ($name:literal, $kernel:expr, $rust:ident($($input:ident),*; $out:ident)) => {{
            let buffers = [$($input.as_ptr().cast::<u8>().cast_mut(),)* $out.as_mut_ptr().cast()];
            let mut call = Call::new(&$kernel, &buffers, &[n as i64]);
            bench.line($name, n, &mut call, Some(&mut || $rust($(black_box(&$input),)* black_box(&mut $out))));
        }};
    }
    let below = |b: &mut Builder, a: &[Val]| b.let_(Prim::Lt, &[a[0], a[1]]);
    line!("x < y to bool", map(&[F64, F64], below, Bool), less(x, y; oc));
    let band_ = |b: &mut Builder, a: &[Val]| {
        let half = number(b, F64, 0.5);
        let c = b.let_(Prim::Lt, &[half, a[0]]);
        b.let_(Prim::And, &[c, a[1]])
    };
    line!("m & (x > .5), bools", map(&[F64, Bool], band_, Bool), band(x, m; oc));
    let above = |b: &mut Builder, a: &[Val]| {
        let at = number(b, F64, 1.5);
        let c = b.let_(Prim::Lt, &[at, a[0]]);
        b.let_as(Prim::Cast, I64, &[c])
    };
    line!("count(x > 1.5)", total(&[F64], above, I64), count(x; ol));
    let pick = |b: &mut Builder, a: &[Val]| b.let_(Prim::Select, a);
    line!("where(mask, x, y)", map(&[Bool, F64, F64], pick, F64), masked(m, x, y; od));
    let pick = |b: &mut Builder, a: &[Val]| {
        let zero = number(b, F64, 0.0);
        b.let_(Prim::Select, &[a[0], a[1], zero])
    };
    line!("sum(where(mask, x, 0))", total(&[Bool, F64], pick, F64), masked_sum(m, x; od));
    let plus_one = |b: &mut Builder, a: &[Val]| {
        let (v, one) = (b.let_as(Prim::Cast, F64, &[a[0]]), number(b, F64, 1.0));
        b.let_(Prim::Add, &[v, one])
    };
    line!("f64(f32) + 1", map(&[F32], plus_one, F64), single_to_double(f; od));
    line!("f64(i32) + 1", map(&[I32], plus_one, F64), int_to_double(w; od));
    line!("f64(i64) + 1", map(&[I64], plus_one, F64), long_to_double(l; od));
    let narrow = |b: &mut Builder, a: &[Val]| {
        let one = number(b, F64, 1.0);
        let v = b.let_(Prim::Add, &[a[0], one]);
        b.let_as(Prim::Cast, F32, &[v])
    };
    line!("f32(x + 1)", map(&[F64], narrow, F32), double_to_single(x; of));
    let combine = |b: &mut Builder, a: &[Val]| {
        let v = b.let_as(Prim::Cast, F64, &[a[0]]);
        let p = b.let_(Prim::Mul, &[v, a[1]]);
        b.let_(Prim::Add, &[p, a[2]])
    };
    line!("f64(f32)*y + z", map(&[F32, F64, F64], combine, F64), single_with_double(f, y, z; od));
    let convert = |b: &mut Builder, a: &[Val]| b.let_as(Prim::Cast, F64, &[a[0]]);
    line!("sum(f64(f32))", total(&[F32], convert, F64), single_sum(f; od));
    let scale = |b: &mut Builder, a: &[Val]| {
        let v = b.let_as(Prim::Cast, F32, &[a[0]]);
        b.let_(Prim::Mul, &[v, a[1]])
    };
    line!("f32(i32)*y", map(&[I32, F32], scale, F32), int_with_single(w, f; of));
    let pixel = |b: &mut Builder, a: &[Val]| {
        let (v, k, one) = (b.let_as(Prim::Cast, F32, &[a[0]]), number(b, F32, 0.25), number(b, F32, 1.0));
        let p = b.let_(Prim::Mul, &[v, k]);
        b.let_(Prim::Add, &[p, one])
    };
    line!("f32(u8)*.25 + 1", map(&[U8], pixel, F32), byte_to_single(c; of));
    let back = |b: &mut Builder, a: &[Val]| {
        let two = number(b, F32, 2.0);
        let p = b.let_(Prim::Mul, &[a[0], two]);
        b.let_as(Prim::Cast, U8, &[p])
    };
    line!("u8(f32*2)", map(&[F32], back, U8), single_to_byte(f; oc));
    let most = |b: &mut Builder, a: &[Val]| {
        let (v, three) = (b.let_(Prim::Max, a), number(b, U8, 3.0));
        b.let_(Prim::Add, &[v, three])
    };
    line!("max(u8, u8) + 3", map(&[U8, U8], most, U8), bytes(c, d; oc));
    let widen = |b: &mut Builder, a: &[Val]| b.let_as(Prim::Cast, I64, &[a[0]]);
    line!("sum(i64(i16))", total(&[I16], widen, I64), short_sum(h; ol));
}
