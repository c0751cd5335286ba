//! Sorting and searching, NaN last.

use crate::view::{Element, View};
use num_complex::Complex;
use std::cmp::Ordering;

/// A total order in which NaN comes last and zeros of both signs are equal.
pub trait Ordered: Element {
    /// The order.
    fn order(&self, other: &Self) -> Ordering;
}

macro_rules! ordered {
    ($($t:ty),*) => {$( impl Ordered for $t { fn order(&self, o: &$t) -> Ordering { self.cmp(o) } } )*};
}
ordered!(bool, i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! ordered_float {
    ($($t:ty),*) => {$(
        impl Ordered for $t {
            fn order(&self, o: &$t) -> Ordering {
                self.partial_cmp(o).unwrap_or_else(|| self.is_nan().cmp(&o.is_nan()))
            }
        }
        impl Ordered for Complex<$t> {
            /// By real part, then by imaginary part; numbers with a NaN come last, as NumPy sorts them.
            fn order(&self, o: &Self) -> Ordering {
                let key = |c: &Complex<$t>| (c.re.is_nan(), c.im.is_nan());
                key(self).cmp(&key(o)).then(self.re.order(&o.re)).then(self.im.order(&o.im))
            }
        }
    )*};
}
ordered_float!(f32, f64);

/// Sorts along an axis, ascending and stable.
///
/// # Safety
/// `out` (C-ordered) must be writable and `x` readable, of the same shape.
pub unsafe fn sort<T: Ordered>(out: &View<T>, x: &View<T>, axis: usize) {
    let n = x.shape[axis];
    let (so, sx) = (out.strides[axis], x.strides[axis]);
    let mut row: Vec<T> = Vec::with_capacity(n);
    for (po, px) in out.rows(axis).into_iter().zip(x.rows(axis)) {
        row.clear();
        // SAFETY: the row lies in the view.
        row.extend((0..n as isize).map(|i| unsafe { *px.offset(i * sx) }));
        row.sort_by(T::order);
        for (i, v) in row.iter().enumerate() {
            // SAFETY: the row lies in the view.
            unsafe { *po.offset(i as isize * so) = *v }
        }
    }
}

/// Positions that sort along an axis, stable.
///
/// # Safety
/// As [`sort`].
pub unsafe fn argsort<T: Ordered>(out: &View<i64>, x: &View<T>, axis: usize) {
    let n = x.shape[axis];
    let (so, sx) = (out.strides[axis], x.strides[axis]);
    let mut index: Vec<i64> = Vec::with_capacity(n);
    for (po, px) in out.rows(axis).into_iter().zip(x.rows(axis)) {
        index.clear();
        index.extend(0..n as i64);
        // SAFETY: positions lie in the row.
        let at = |i: i64| unsafe { *px.offset(i as isize * sx) };
        index.sort_by(|a, b| at(*a).order(&at(*b)));
        for (i, v) in index.iter().enumerate() {
            // SAFETY: the row lies in the view.
            unsafe { *po.offset(i as isize * so) = *v }
        }
    }
}

/// For each of `values`, the position in sorted `keys` before (`left`) or after (right) which it keeps the order.
///
/// # Safety
/// `out` (the shape of `values`, C-ordered) must be writable, the others readable.
pub unsafe fn searchsorted<T: Ordered>(out: &View<i64>, keys: &View<T>, values: &View<T>, left: bool) {
    let (n, step) = (keys.shape[0], keys.strides[0]);
    for (po, pv) in out.outer(0).into_iter().zip(values.outer(0)) {
        // SAFETY: the pointer comes from the view.
        let v = unsafe { *pv };
        let (mut lo, mut hi) = (0, n);
        while lo < hi {
            let mid = lo + (hi - lo) / 2;
            // SAFETY: `mid < n`.
            let k = unsafe { *keys.pointer.offset(mid as isize * step) };
            let before = match k.order(&v) {
                Ordering::Less => true,
                Ordering::Equal => !left,
                Ordering::Greater => false,
            };
            if before { lo = mid + 1 } else { hi = mid }
        }
        // SAFETY: the pointer comes from the view.
        unsafe { *po = lo as i64 }
    }
}

/// Bytes that sorting rows of `n` elements takes on the heap: the row, and half of it for merging.
pub fn hidden_bytes(n: usize, element: usize) -> usize {
    2 * n * element
}
