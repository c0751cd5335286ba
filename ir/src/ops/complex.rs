//! Complex bodies of elementwise ops, over pairs of real scalars.
//!
//! Formulas are the textbook ones over real functions; divisions and square roots are scaled against overflow.
//! Branch cuts, signed zeros, infinities and NaN are those of C99 Annex G, which NumPy's functions follow.

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

/// True for an infinity.
fn infinite(b: &mut Body<'_>, v: Val) -> Val {
    let (size, inf) = (b.abs(v), b.f(v, f64::INFINITY));
    b.eq(size, inf)
}

/// True for an infinity or NaN.
fn wild(b: &mut Body<'_>, v: Val) -> Val {
    let (size, inf) = (b.abs(v), b.f(v, f64::INFINITY));
    let tame = b.lt(size, inf);
    b.not(tame)
}

fn is_zero(b: &mut Body<'_>, v: Val) -> Val {
    let zero = b.f(v, 0.0);
    b.eq(v, zero)
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

/// `x / |x|`, 0 for 0 (NumPy 2); an infinite part is the direction, two are none.
pub(super) fn sign(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0].re, a[0].im);
    let m = b.hypot(x, y);
    let (zero, one, nan) = (b.f(m, 0.0), b.f(m, 1.0), b.f(m, f64::NAN));
    let at_origin = b.eq(m, zero);
    let (re, im) = (b.div(x, m), b.div(y, m));
    let (re, im) = (b.select(at_origin, zero, re), b.select(at_origin, zero, im));
    let unknown = b.is_nan(m);
    let (re, im) = (b.select(unknown, nan, re), b.select(unknown, nan, im));
    let (re_inf, im_inf) = (infinite(b, x), infinite(b, y));
    let both = b.and(re_inf, im_inf);
    let (right, up) = (b.copysign(one, x), b.copysign(one, y));
    let (re, im) = (b.select(im_inf, zero, re), b.select(im_inf, up, im));
    let (re, im) = (b.select(re_inf, right, re), b.select(re_inf, zero, im));
    C { re: b.select(both, nan, re), im: b.select(both, nan, im) }
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

/// Smith's method again, with NumPy's order of operations.
pub(super) fn reciprocal(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0].re, a[0].im);
    let (abs_re, abs_im) = (b.abs(x), b.abs(y));
    let re_larger = b.le(abs_im, abs_re);
    let (big, small) = (b.select(re_larger, x, y), b.select(re_larger, y, x));
    let one = b.f(x, 1.0);
    let ratio = b.div(small, big);
    let product = b.mul(small, ratio);
    let d = b.add(big, product);
    let (p, q) = (b.select(re_larger, one, ratio), b.select(re_larger, ratio, one));
    let minus_q = b.neg(q);
    C { re: b.div(p, d), im: b.div(minus_q, d) }
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
    // Zero, or NaN for NaN.
    let nothing = b.mul(abs_im, zero);
    let u = b.select(re_inf, nothing, u);
    let t = b.select(im_inf, inf, t);
    let u = b.select(im_inf, inf, u);
    let left = b.sign_bit(x.re);
    let (re, im) = (b.select(left, u, t), b.select(left, t, u));
    C { re, im: b.copysign(im, x.im) }
}

pub(super) fn exp(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0].re, a[0].im);
    let e = b.exp(x);
    let (s, c) = (b.sin(y), b.cos(y));
    let (re, im) = (b.mul(e, c), b.mul(e, s));
    // A real argument stays real (inf * 0 would be NaN), and no angle matters to zero or to infinity's size.
    let on_axis = is_zero(b, y);
    let (lost, far) = (wild(b, y), infinite(b, x));
    let lost = b.and(lost, far);
    let vanishing = is_zero(b, e);
    let vanishing = b.and(lost, vanishing);
    let plain = b.or(on_axis, lost);
    let im = b.select(vanishing, e, im);
    C { re: b.select(plain, e, re), im: b.select(on_axis, y, im) }
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

/// `-i sinh(i z)`.
pub(super) fn sin(b: &mut Body<'_>, a: &[C]) -> C {
    rotated(b, a[0], sinh)
}

/// `cosh(i z)`.
pub(super) fn cos(b: &mut Body<'_>, a: &[C]) -> C {
    let iz = C { re: b.neg(a[0].im), im: a[0].re };
    cosh(b, &[iz])
}

/// `-i tanh(i z)`.
pub(super) fn tan(b: &mut Body<'_>, a: &[C]) -> C {
    rotated(b, a[0], tanh)
}

pub(super) fn sinh(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0].re, a[0].im);
    let (s, c) = (b.sin(y), b.cos(y));
    let (sh, ch) = (b.sinh(x), b.cosh(x));
    let (re, im) = (b.mul(sh, c), b.mul(ch, s));
    let on_axis = is_zero(b, y);
    // No angle matters to zero or to infinity.
    let (origin, far, lost) = (is_zero(b, x), infinite(b, x), wild(b, y));
    let fixed = b.or(origin, far);
    let fixed = b.and(fixed, lost);
    let plain = b.or(on_axis, fixed);
    C { re: b.select(plain, sh, re), im: b.select(on_axis, y, im) }
}

pub(super) fn cosh(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0].re, a[0].im);
    let (s, c) = (b.sin(y), b.cos(y));
    let (sh, ch) = (b.sinh(x), b.cosh(x));
    let (re, im) = (b.mul(ch, c), b.mul(sh, s));
    let on_axis = is_zero(b, y);
    let (origin, far, lost) = (is_zero(b, x), infinite(b, x), wild(b, y));
    let fixed = b.and(far, lost);
    let plain = b.or(on_axis, fixed);
    let still = b.and(origin, lost);
    let im = b.select(still, sh, im);
    let one = b.f(x, 1.0);
    let side = b.copysign(one, x);
    let signed = b.mul(side, y);
    C { re: b.select(plain, ch, re), im: b.select(on_axis, signed, im) }
}

/// `(sinh x cosh x + i sin y cos y) / (sinh^2 x + cos^2 y)`; beyond 20 `(sign x) + 4 i sin y cos y exp(-2 |x|)`.
pub(super) fn tanh(b: &mut Body<'_>, a: &[C]) -> C {
    let (x, y) = (a[0].re, a[0].im);
    let (limit, zero, one) = (b.f(x, 20.0), b.f(x, 0.0), b.f(x, 1.0));
    let size = b.abs(x);
    let beyond = b.lt(limit, size);
    let near = b.select(beyond, zero, x);
    let (sh, ch) = (b.sinh(near), b.cosh(near));
    let (s, c) = (b.sin(y), b.cos(y));
    let (sh2, c2) = (b.mul(sh, sh), b.mul(c, c));
    let d = b.add(sh2, c2);
    let (p, q) = (b.mul(sh, ch), b.mul(s, c));
    let (re, im) = (b.div(p, d), b.div(q, d));

    let (minus_two, four) = (b.f(x, -2.0), b.f(x, 4.0));
    let power = b.mul(minus_two, size);
    let decay = b.exp(power);
    let wave = b.mul(four, q);
    let beyond_im = b.mul(wave, decay);
    let lost = wild(b, y);
    let far = infinite(b, x);
    let at_end = b.and(far, lost);
    let beyond_im = b.select(at_end, zero, beyond_im);
    // NaN of the angle reaches the real part, unless that is at its end.
    let nan = b.mul(zero, q);
    let spoilt = b.add(one, nan);
    let whole = b.select(far, one, spoilt);
    let beyond_re = b.copysign(whole, x);
    let (re, im) = (b.select(beyond, beyond_re, re), b.select(beyond, beyond_im, im));

    let origin = is_zero(b, x);
    let still = b.and(origin, lost);
    let on_axis = is_zero(b, y);
    C { re: b.select(still, x, re), im: b.select(on_axis, y, im) }
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
    let w = C { re: b.add(half, half), im: b.prim(Prim::Asinh, &[im]) };
    let (limit, angle) = limits(b, a[0], true);
    let towards = b.copysign(limit, minus_im);
    unless_wild(b, a[0], w, C { re: angle, im: towards })
}

/// What inverse functions tend to where a part is infinite or NaN: the size of the logarithm (infinite, or NaN), and the
/// angle of the direction, from 0 to pi; `sided` tells the sides of the imaginary axis apart.
fn limits(b: &mut Body<'_>, z: C, sided: bool) -> (Val, Val) {
    let (zero, one, nan, inf) =
        (b.f(z.re, 0.0), b.f(z.re, 1.0), b.f(z.re, f64::NAN), b.f(z.re, f64::INFINITY));
    let (re_inf, im_inf) = (infinite(b, z.re), infinite(b, z.im));
    let any = b.or(re_inf, im_inf);
    let size = b.select(any, inf, nan);
    let (x, y) = (b.select(re_inf, one, zero), b.select(im_inf, one, zero));
    let x = if sided { b.copysign(x, z.re) } else { x };
    let angle = b.atan2(y, x);
    let (re_nan, im_nan) = (b.is_nan(z.re), b.is_nan(z.im));
    let unknown = b.or(re_nan, im_nan);
    let angle = b.select(unknown, nan, angle);
    // On an axis the angle is known all the same.
    let angle = if sided {
        let quarter = b.f(z.re, std::f64::consts::FRAC_PI_2);
        let upright = is_zero(b, z.re);
        b.select(upright, quarter, angle)
    } else {
        let flat = is_zero(b, z.im);
        b.select(flat, zero, angle)
    };
    (size, angle)
}

/// `w`, or `limit` where a part of `z` is infinite or NaN.
fn unless_wild(b: &mut Body<'_>, z: C, w: C, limit: C) -> C {
    let (re, im) = (wild(b, z.re), wild(b, z.im));
    let out = b.or(re, im);
    pick(b, out, limit, w)
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
    let w = C { re: b.prim(Prim::Asinh, &[re]), im: b.atan2(a[0].im, below) };
    let (limit, angle) = limits(b, a[0], false);
    let limit = C { re: b.copysign(limit, a[0].re), im: b.copysign(angle, a[0].im) };
    unless_wild(b, a[0], w, limit)
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
    let w = C { re: b.prim(Prim::Asinh, &[re]), im: b.add(half, half) };
    let (limit, angle) = limits(b, a[0], true);
    let limit = C { re: limit, im: b.copysign(angle, a[0].im) };
    unless_wild(b, a[0], w, limit)
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
    let w = C { re: b.copysign(re, x), im: b.mul(t, half) };

    let (zero, nan, right) = (b.f(x, 0.0), b.f(x, f64::NAN), b.f(x, std::f64::consts::FRAC_PI_2));
    let (re_inf, im_inf) = (infinite(b, x), infinite(b, y));
    let far = b.or(re_inf, im_inf);
    let origin = is_zero(b, x);
    let none = b.or(far, origin);
    let limit_re = b.select(none, zero, nan);
    let im_nan = b.is_nan(y);
    let known = b.not(im_nan);
    let known = b.and(far, known);
    let limit_im = b.select(known, right, nan);
    let limit = C { re: b.copysign(limit_re, x), im: b.copysign(limit_im, y) };
    unless_wild(b, a[0], w, limit)
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
