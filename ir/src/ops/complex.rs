//! Complex bodies of elementwise ops, over pairs of real scalars.
//!
//! Formulas are the textbook ones over real functions; divisions and square roots are scaled against overflow.
//! Branch cuts and signed zeros follow C99 Annex G where the real functions carry them.

use crate::prim::{Body, Prim, Val};
use std::f64::consts::{LN_2, LN_10};

/// A complex scalar.
#[derive(Clone, Copy, Debug)]
pub struct C {
    /// Real part.
    pub re: Val,
    /// Imaginary part.
    pub im: Val,
}

fn real(v: Val) -> C {
    C { re: v, im: v }
}

pub(super) fn negative(b: &mut Body<'_>, a: &[C]) -> C {
    C { re: b.neg(a[0].re), im: b.neg(a[0].im) }
}

pub(super) fn conjugate(b: &mut Body<'_>, a: &[C]) -> C {
    C { re: a[0].re, im: b.neg(a[0].im) }
}

pub(super) fn absolute(b: &mut Body<'_>, a: &[C]) -> C {
    real(b.hypot(a[0].re, a[0].im))
}

pub(super) fn angle(b: &mut Body<'_>, a: &[C]) -> C {
    real(b.atan2(a[0].im, a[0].re))
}

/// `x / |x|`, 0 for 0 (NumPy 2).
pub(super) fn sign(b: &mut Body<'_>, a: &[C]) -> C {
    let m = b.hypot(a[0].re, a[0].im);
    let zero = b.f(m, 0.0);
    let is_zero = b.eq(m, zero);
    let (re, im) = (b.div(a[0].re, m), b.div(a[0].im, m));
    C { re: b.select(is_zero, zero, re), im: b.select(is_zero, zero, im) }
}

pub(super) fn add(b: &mut Body<'_>, a: &[C]) -> C {
    C { re: b.add(a[0].re, a[1].re), im: b.add(a[0].im, a[1].im) }
}

pub(super) fn subtract(b: &mut Body<'_>, a: &[C]) -> C {
    C { re: b.sub(a[0].re, a[1].re), im: b.sub(a[0].im, a[1].im) }
}

pub(super) fn multiply(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0], a[1]);
    let (rr, ii) = (b.mul(x.re, y.re), b.mul(x.im, y.im));
    let (ri, ir) = (b.mul(x.re, y.im), b.mul(x.im, y.re));
    C { re: b.sub(rr, ii), im: b.add(ri, ir) }
}

/// Smith's method (Comm. ACM 5, 1962), as NumPy divides: the larger part of the divisor scales.
pub(super) fn divide(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0], a[1]);
    let (abs_re, abs_im) = (b.abs(y.re), b.abs(y.im));
    let re_larger = b.le(abs_im, abs_re);
    let (big, small) = (b.select(re_larger, y.re, y.im), b.select(re_larger, y.im, y.re));
    let zero = b.f(big, 0.0);
    let one = b.f(big, 1.0);
    let ratio = b.div(small, big);
    // A zero divisor gives inf and nan from the parts themselves.
    let both_zero = b.eq(big, zero);
    let prod = b.mul(small, ratio);
    let denom = b.add(big, prod);
    let scale = b.div(one, denom);
    // re >= im: (xr + xi r) s, (xi - xr r) s;  else: (xr r + xi) s, (xi r - xr) s.
    let (p, q) = (b.select(re_larger, x.re, x.im), b.select(re_larger, x.im, x.re));
    let qr = b.mul(q, ratio);
    let sum = b.add(p, qr);
    let re = b.mul(sum, scale);
    let pr = b.mul(p, ratio);
    let difference = b.sub(q, pr);
    let im = b.mul(difference, scale);
    let minus_im = b.neg(im);
    let im = b.select(re_larger, im, minus_im);
    let (re0, im0) = (b.div(x.re, abs_re), b.div(x.im, abs_re));
    C { re: b.select(both_zero, re0, re), im: b.select(both_zero, im0, im) }
}

pub(super) fn reciprocal(b: &mut Body<'_>, a: &[C]) -> C {
    let one = C { re: b.f(a[0].re, 1.0), im: b.f(a[0].re, 0.0) };
    divide(b, &[one, a[0]])
}

/// Kahan's method: the part that cannot cancel first, scaled by halving.
pub(super) fn sqrt(b: &mut Body<'_>, a: &[C]) -> C {
    let x = a[0];
    let m = b.hypot(x.re, x.im);
    let abs_re = b.abs(x.re);
    let (half, zero) = (b.f(m, 0.5), b.f(m, 0.0));
    let hm = b.mul(m, half);
    let hr = b.mul(abs_re, half);
    let mean = b.add(hm, hr);
    let t = b.sqrt(mean);
    let t2 = b.add(t, t);
    let abs_im = b.abs(x.im);
    let u = b.div(abs_im, t2);
    let at_origin = b.eq(m, zero);
    let u = b.select(at_origin, zero, u);
    // An infinite imaginary part dominates everything, NaN included.
    let inf = b.f(m, f64::INFINITY);
    let im_inf = b.eq(abs_im, inf);
    let re_inf = b.eq(abs_re, inf);
    let u = b.select(re_inf, zero, u);
    let t = b.select(im_inf, inf, t);
    let u = b.select(im_inf, inf, u);
    let left = b.sign_bit(x.re);
    let (re, im) = (b.select(left, u, t), b.select(left, t, u));
    C { re, im: b.copysign(im, x.im) }
}

pub(super) fn exp(b: &mut Body<'_>, a: &[C]) -> C {
    let e = b.exp(a[0].re);
    let (s, c) = (b.sin(a[0].im), b.cos(a[0].im));
    let (re, im) = (b.mul(e, c), b.mul(e, s));
    // A real argument stays real: inf * 0 would be NaN.
    let zero = b.f(e, 0.0);
    let on_axis = b.eq(a[0].im, zero);
    C { re: b.select(on_axis, e, re), im: b.select(on_axis, a[0].im, im) }
}

fn scaled(b: &mut Body<'_>, x: C, k: f64) -> C {
    let k = b.f(x.re, k);
    C { re: b.mul(x.re, k), im: b.mul(x.im, k) }
}

pub(super) fn exp2(b: &mut Body<'_>, a: &[C]) -> C {
    let x = scaled(b, a[0], LN_2);
    exp(b, &[x])
}

/// `expm1(re) cos(im) - 2 sin(im/2)^2 + i exp(re) sin(im)`.
pub(super) fn expm1(b: &mut Body<'_>, a: &[C]) -> C {
    let (e1, e) = (b.expm1(a[0].re), b.exp(a[0].re));
    let (s, c) = (b.sin(a[0].im), b.cos(a[0].im));
    let half = b.f(e, 0.5);
    let h = b.mul(a[0].im, half);
    let sh = b.sin(h);
    let sh2 = b.mul(sh, sh);
    let two = b.add(sh2, sh2);
    let ec = b.mul(e1, c);
    C { re: b.sub(ec, two), im: b.mul(e, s) }
}

pub(super) fn log(b: &mut Body<'_>, a: &[C]) -> C {
    let m = b.hypot(a[0].re, a[0].im);
    let re = b.log(m);
    // Near the unit circle log|z| = log1p(|z|^2 - 1) / 2 keeps the digits.
    let (half, two, one) = (b.f(m, 0.5), b.f(m, 2.0), b.f(m, 1.0));
    let near = {
        let (above, below) = (b.lt(half, m), b.lt(m, two));
        b.and(above, below)
    };
    let (abs_re, abs_im) = (b.abs(a[0].re), b.abs(a[0].im));
    let (big, small) = (b.max(abs_re, abs_im), b.min(abs_re, abs_im));
    let (minus, plus) = (b.sub(big, one), b.add(big, one));
    let product = b.mul(minus, plus);
    let square = b.mul(small, small);
    let excess = b.add(product, square);
    let l = b.log1p(excess);
    let l = b.mul(l, half);
    C { re: b.select(near, l, re), im: b.atan2(a[0].im, a[0].re) }
}

pub(super) fn log2(b: &mut Body<'_>, a: &[C]) -> C {
    let l = log(b, a);
    scaled(b, l, 1.0 / LN_2)
}

pub(super) fn log10(b: &mut Body<'_>, a: &[C]) -> C {
    let l = log(b, a);
    scaled(b, l, 1.0 / LN_10)
}

/// `log|1 + z| = log1p(2 re + |z|^2) / 2`.
pub(super) fn log1p(b: &mut Body<'_>, a: &[C]) -> C {
    let one = b.f(a[0].re, 1.0);
    let shifted = C { re: b.add(a[0].re, one), im: a[0].im };
    let far = log(b, &[shifted]);
    let (half, two) = (b.f(one, 0.5), b.f(one, 2.0));
    let m = b.hypot(a[0].re, a[0].im);
    let near = b.lt(m, half);
    let first = b.mul(two, a[0].re);
    let (rr, ii) = (b.mul(a[0].re, a[0].re), b.mul(a[0].im, a[0].im));
    let squares = b.add(rr, ii);
    let excess = b.add(first, squares);
    let l = b.log1p(excess);
    let l = b.mul(l, half);
    C { re: b.select(near, l, far.re), im: far.im }
}

/// `exp(y log x)`; `x^0 = 1`, `0^y = 0` for a positive real part.
pub(super) fn power(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0], a[1]);
    let l = log(b, &[x]);
    let p = multiply(b, &[y, l]);
    let r = exp(b, &[p]);
    let (zero, one) = (b.f(x.re, 0.0), b.f(x.re, 1.0));
    let is_zero = |b: &mut Body<'_>, z: C| {
        let (re, im) = (b.eq(z.re, zero), b.eq(z.im, zero));
        b.and(re, im)
    };
    let (x_zero, y_zero) = (is_zero(b, x), is_zero(b, y));
    let (re, im) = (b.select(x_zero, zero, r.re), b.select(x_zero, zero, r.im));
    C { re: b.select(y_zero, one, re), im: b.select(y_zero, zero, im) }
}

pub(super) fn sin(b: &mut Body<'_>, a: &[C]) -> C {
    let (s, c) = (b.sin(a[0].re), b.cos(a[0].re));
    let (sh, ch) = (b.sinh(a[0].im), b.cosh(a[0].im));
    C { re: b.mul(s, ch), im: b.mul(c, sh) }
}

pub(super) fn cos(b: &mut Body<'_>, a: &[C]) -> C {
    let (s, c) = (b.sin(a[0].re), b.cos(a[0].re));
    let (sh, ch) = (b.sinh(a[0].im), b.cosh(a[0].im));
    let im = b.mul(s, sh);
    C { re: b.mul(c, ch), im: b.neg(im) }
}

/// `-i tanh(i z)`.
pub(super) fn tan(b: &mut Body<'_>, a: &[C]) -> C {
    rotated(b, a[0], tanh)
}

pub(super) fn sinh(b: &mut Body<'_>, a: &[C]) -> C {
    let (s, c) = (b.sin(a[0].im), b.cos(a[0].im));
    let (sh, ch) = (b.sinh(a[0].re), b.cosh(a[0].re));
    C { re: b.mul(sh, c), im: b.mul(ch, s) }
}

pub(super) fn cosh(b: &mut Body<'_>, a: &[C]) -> C {
    let (s, c) = (b.sin(a[0].im), b.cos(a[0].im));
    let (sh, ch) = (b.sinh(a[0].re), b.cosh(a[0].re));
    C { re: b.mul(ch, c), im: b.mul(sh, s) }
}

/// `(tanh x (1 + tan^2 y) + i tan y sech^2 x) / (1 + tanh^2 x tan^2 y)`, rearranged over sine and cosine:
/// `(sinh x cosh x + i sin y cos y) / (sinh^2 x + cos^2 y)`, saturated for large `x`.
pub(super) fn tanh(b: &mut Body<'_>, a: &[C]) -> C {
    let limit = b.f(a[0].re, 20.0);
    let minus = b.neg(limit);
    let low = b.max(a[0].re, minus);
    let x = b.min(low, limit);
    let (sh, ch) = (b.sinh(x), b.cosh(x));
    let (s, c) = (b.sin(a[0].im), b.cos(a[0].im));
    let (sh2, c2) = (b.mul(sh, sh), b.mul(c, c));
    let d = b.add(sh2, c2);
    let (p, q) = (b.mul(sh, ch), b.mul(s, c));
    C { re: b.div(p, d), im: b.div(q, d) }
}

/// `-i f(i z)`, which turns a hyperbolic function into its circular counterpart.
fn rotated(b: &mut Body<'_>, z: C, f: fn(&mut Body<'_>, &[C]) -> C) -> C {
    let iz = C { re: b.neg(z.im), im: z.re };
    let w = f(b, &[iz]);
    C { re: w.im, im: b.neg(w.re) }
}

pub(super) fn arcsin(b: &mut Body<'_>, a: &[C]) -> C {
    rotated(b, a[0], arcsinh)
}

/// Kahan: `re = 2 atan2(re sqrt(1-z), re sqrt(1+z))`, `im = asinh(im(conj(sqrt(1+z)) sqrt(1-z)))`.
pub(super) fn arccos(b: &mut Body<'_>, a: &[C]) -> C {
    let one = b.f(a[0].re, 1.0);
    let minus_im = b.neg(a[0].im);
    let under = C { re: b.sub(one, a[0].re), im: minus_im };
    let over = C { re: b.add(one, a[0].re), im: a[0].im };
    let (p, q) = (sqrt(b, &[under]), sqrt(b, &[over]));
    let half = b.atan2(p.re, q.re);
    let (x, y) = (b.mul(q.re, p.im), b.mul(q.im, p.re));
    let im = b.sub(x, y);
    C { re: b.add(half, half), im: b.prim(Prim::Asinh, &[im]) }
}

pub(super) fn arctan(b: &mut Body<'_>, a: &[C]) -> C {
    rotated(b, a[0], arctanh)
}

/// Kahan, with `p = sqrt(1 - iz)`, `q = sqrt(1 + iz)`: `re = asinh(re p im q - im p re q)`,
/// `im = atan2(im z, re p re q - im p im q)`.
pub(super) fn arcsinh(b: &mut Body<'_>, a: &[C]) -> C {
    let one = b.f(a[0].re, 1.0);
    let minus_re = b.neg(a[0].re);
    let p = C { re: b.add(one, a[0].im), im: minus_re };
    let q = C { re: b.sub(one, a[0].im), im: a[0].re };
    let (p, q) = (sqrt(b, &[p]), sqrt(b, &[q]));
    let (x, y) = (b.mul(p.re, q.im), b.mul(q.re, p.im));
    let re = b.sub(x, y);
    let (u, v) = (b.mul(p.re, q.re), b.mul(p.im, q.im));
    let below = b.sub(u, v);
    C { re: b.prim(Prim::Asinh, &[re]), im: b.atan2(a[0].im, below) }
}

/// Kahan: `re = asinh(re(conj(sqrt(z-1)) sqrt(z+1)))`, `im = 2 atan2(im sqrt(z-1), re sqrt(z+1))`.
pub(super) fn arccosh(b: &mut Body<'_>, a: &[C]) -> C {
    let one = b.f(a[0].re, 1.0);
    let under = C { re: b.sub(a[0].re, one), im: a[0].im };
    let over = C { re: b.add(a[0].re, one), im: a[0].im };
    let (p, q) = (sqrt(b, &[under]), sqrt(b, &[over]));
    let (x, y) = (b.mul(p.re, q.re), b.mul(p.im, q.im));
    let re = b.add(x, y);
    let half = b.atan2(p.im, q.re);
    C { re: b.prim(Prim::Asinh, &[re]), im: b.add(half, half) }
}

/// `re = log1p(4 x / ((1 - x)^2 + y^2)) / 4`, `im = atan2(2 y, (1 - x)(1 + x) - y^2) / 2`.
pub(super) fn arctanh(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0].re, a[0].im);
    let (one, four, quarter, half) = (b.f(x, 1.0), b.f(x, 4.0), b.f(x, 0.25), b.f(x, 0.5));
    // On |x| the logarithm never cancels; the sign comes back at the end.
    let m = b.abs(x);
    let (under, over) = (b.sub(one, m), b.add(one, m));
    let (u2, y2) = (b.mul(under, under), b.mul(y, y));
    let d = b.add(u2, y2);
    let n = b.mul(four, m);
    let r = b.div(n, d);
    let l = b.log1p(r);
    let re = b.mul(l, quarter);
    let product = b.mul(under, over);
    let below = b.sub(product, y2);
    let y_twice = b.add(y, y);
    let t = b.atan2(y_twice, below);
    C { re: b.copysign(re, x), im: b.mul(t, half) }
}

pub(super) fn rint(b: &mut Body<'_>, a: &[C]) -> C {
    C { re: b.rint(a[0].re), im: b.rint(a[0].im) }
}

fn either(b: &mut Body<'_>, x: C, test: fn(&mut Body<'_>, Val) -> Val) -> C {
    let (re, im) = (test(b, x.re), test(b, x.im));
    real(b.or(re, im))
}

pub(super) fn isnan(b: &mut Body<'_>, a: &[C]) -> C {
    either(b, a[0], |b, v| b.is_nan(v))
}

pub(super) fn isinf(b: &mut Body<'_>, a: &[C]) -> C {
    either(b, a[0], |b, v| super::body::isinf(b, &[v]))
}

pub(super) fn isfinite(b: &mut Body<'_>, a: &[C]) -> C {
    let unusual = either(b, a[0], |b, v| {
        let f = super::body::isfinite(b, &[v]);
        b.not(f)
    });
    real(b.not(unusual.re))
}

pub(super) fn equal(b: &mut Body<'_>, a: &[C]) -> C {
    let (re, im) = (b.eq(a[0].re, a[1].re), b.eq(a[0].im, a[1].im));
    real(b.and(re, im))
}

pub(super) fn not_equal(b: &mut Body<'_>, a: &[C]) -> C {
    let same = equal(b, a);
    real(b.not(same.re))
}

/// NumPy's order: by real part, then by imaginary part; false with NaN.
fn ordered(b: &mut Body<'_>, x: C, y: C, last: fn(&mut Body<'_>, Val, Val) -> Val) -> Val {
    let first = b.lt(x.re, y.re);
    let tie = b.eq(x.re, y.re);
    let second = last(b, x.im, y.im);
    let on_tie = b.and(tie, second);
    let (xn, yn) = (b.is_nan(x.im), b.is_nan(y.im));
    let nan = b.or(xn, yn);
    let clean = b.not(nan);
    let first = b.and(first, clean);
    b.or(first, on_tie)
}

pub(super) fn less(b: &mut Body<'_>, a: &[C]) -> C {
    real(ordered(b, a[0], a[1], |b, x, y| b.lt(x, y)))
}

pub(super) fn less_equal(b: &mut Body<'_>, a: &[C]) -> C {
    real(ordered(b, a[0], a[1], |b, x, y| b.le(x, y)))
}

pub(super) fn greater(b: &mut Body<'_>, a: &[C]) -> C {
    less(b, &[a[1], a[0]])
}

pub(super) fn greater_equal(b: &mut Body<'_>, a: &[C]) -> C {
    less_equal(b, &[a[1], a[0]])
}

pub(super) fn select(b: &mut Body<'_>, a: &[C]) -> C {
    C { re: b.select(a[0].re, a[1].re, a[2].re), im: b.select(a[0].re, a[1].im, a[2].im) }
}

fn pick(b: &mut Body<'_>, first: Val, x: C, y: C) -> C {
    C { re: b.select(first, x.re, y.re), im: b.select(first, x.im, y.im) }
}

/// The first operand wins if it is NaN or not behind the second.
pub(super) fn maximum(b: &mut Body<'_>, a: &[C]) -> C {
    let (wins, nan) = (greater_equal(b, a).re, isnan(b, &[a[0]]).re);
    let first = b.or(wins, nan);
    pick(b, first, a[0], a[1])
}

pub(super) fn minimum(b: &mut Body<'_>, a: &[C]) -> C {
    let (wins, nan) = (less_equal(b, a).re, isnan(b, &[a[0]]).re);
    let first = b.or(wins, nan);
    pick(b, first, a[0], a[1])
}

pub(super) fn fmax(b: &mut Body<'_>, a: &[C]) -> C {
    let (wins, nan) = (greater_equal(b, a).re, isnan(b, &[a[1]]).re);
    let first = b.or(wins, nan);
    pick(b, first, a[0], a[1])
}

pub(super) fn fmin(b: &mut Body<'_>, a: &[C]) -> C {
    let (wins, nan) = (less_equal(b, a).re, isnan(b, &[a[1]]).re);
    let first = b.or(wins, nan);
    pick(b, first, a[0], a[1])
}

pub(super) fn clip(b: &mut Body<'_>, a: &[C]) -> C {
    let x = maximum(b, &[a[0], a[1]]);
    minimum(b, &[x, a[2]])
}
