//! Facts of array constants, which come from their elements. Constants with more than [`ELEMENTS`] are not looked at.

use super::range::Range;
use super::real::Real;
use super::structure::{Band, Structure};
use frit_ir::{DType, Literal, Scalar};

/// Elements of a constant that are looked at.
const ELEMENTS: usize = 1 << 20;

/// Whether the constant is looked at.
fn small(data: &Literal) -> bool {
    (1..=ELEMENTS).contains(&data.len())
}

/// The range of the elements.
pub(super) fn range(data: &Literal) -> Option<Range> {
    if !small(data) {
        return None;
    }
    if data.ty.dtype == DType::F64 {
        let (numbers, _) = data.bytes.as_chunks();
        let values = numbers.iter().map(|b| Real::point(f64::from_ne_bytes(*b)));
        return values.reduce(Real::join).map(Range::Real);
    }
    (0..data.len()).map(|k| Range::point(data.get(k))).reduce(Range::join)
}

/// The rows and columns of the matrices, and where each begins; nothing for vectors.
fn matrices(data: &Literal) -> Option<(usize, usize, impl Iterator<Item = usize> + Clone + use<>)> {
    let shape = data.ty.const_shape()?;
    let [.., rows, columns] = shape[..] else { return None };
    small(data).then(|| (rows, columns, (0..data.len()).step_by(rows * columns)))
}

/// The structure of the matrices, which all of a stack have.
pub(super) fn structure(data: &Literal) -> Structure {
    let mut s = Structure::default();
    let Some((rows, columns, starts)) = matrices(data) else { return s };
    let size = data.ty.dtype.size();
    let zero = zero_test(data.ty.dtype);
    // Without elements: beyond the corners.
    let (mut low, mut high) = (columns as i64, -(rows as i64));
    for (k, row) in data.bytes.chunks_exact(columns * size).enumerate() {
        let i = (k % rows) as i64;
        let set = |element: &[u8]| !zero(element);
        let Some(first) = row.chunks_exact(size).position(set) else { continue };
        let last = row.chunks_exact(size).rposition(set).expect("there is a first");
        (low, high) = (low.min(first as i64 - i), high.max(last as i64 - i));
    }
    s.band = Band { low: Some(low), high: Some(high) };
    // The columns of a row that are inside the band.
    let inside = |i: usize| {
        let end = |diagonal: i64| (i as i64 + diagonal).clamp(0, columns as i64) as usize;
        end(low)..end(high + 1)
    };
    let one = Scalar::one(data.ty.dtype).to_bytes();
    let mut all = starts.clone().flat_map(|m| (0..rows).map(move |i| (m, i)));
    s.ones = all.all(|(m, i)| {
        inside(i).all(|j| {
            let at = (m + i * columns + j) * size;
            data.bytes[at..at + size] == one[..]
        })
    });
    if rows == columns && low == -high {
        let at = |m: usize, i: usize, j: usize| data.get(m + i * columns + j).as_complex();
        let every = |f: &dyn Fn(usize, usize) -> bool| starts.clone().all(|m| (0..rows).all(|i| f(m, i)));
        s.symmetric = every(&|m, i| inside(i).all(|j| at(m, i, j) == at(m, j, i).conj()));
        // A diagonal that is positive and at least as large as the rest of its row (Gershgorin's theorem).
        let dominant = |m: usize, i: usize| {
            let rest: f64 = inside(i).filter(|j| *j != i).map(|j| at(m, i, j).norm()).sum();
            at(m, i, i).re > 0.0 && at(m, i, i).re >= rest
        };
        s.definite = s.symmetric && every(&dominant);
    }
    s
}

/// Whether the bytes of an element are those of a zero of any sign.
fn zero_test(t: DType) -> impl Fn(&[u8]) -> bool {
    let part = if t.is_inexact() { t.real().size() } else { t.size() };
    move |element| {
        if !t.is_inexact() {
            return element.iter().all(|b| *b == 0);
        }
        element.chunks_exact(part).all(|p| match p {
            [a, b, c, d] => f32::from_ne_bytes([*a, *b, *c, *d]) == 0.0,
            _ => p.try_into().is_ok_and(|p| f64::from_ne_bytes(p) == 0.0),
        })
    }
}

/// For a matrix with a single one in each row (or column), and zeros: where it is.
pub(in crate::rewrite) fn one_hot(data: &Literal, by_columns: bool) -> Option<Vec<i64>> {
    let (rows, columns, _) = matrices(data).filter(|_| data.ty.rank() == 2)?;
    let size = data.ty.dtype.size();
    let one = Scalar::one(data.ty.dtype).to_bytes();
    let zero = zero_test(data.ty.dtype);
    let (lines, length) = if by_columns { (columns, rows) } else { (rows, columns) };
    let line = |i: usize| {
        let element = |k: usize| {
            let at = if by_columns { k * columns + i } else { i * columns + k };
            &data.bytes[at * size..][..size]
        };
        let mut set = (0..length).filter(|k| !zero(element(*k)));
        let at = set.next()?;
        (element(at) == &one[..] && set.next().is_none()).then_some(at as i64)
    };
    (0..lines).map(line).collect()
}
