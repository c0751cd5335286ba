//! What a reshape does to the axes.

use frit_ir::Dim;
use std::ops::Range;

/// Splits a reshape into the smallest groups of adjacent axes with equal products: `(a, b, c) -> (a, b*c)` is
/// `[0..1 -> 0..1, 1..3 -> 1..2]`. Axes of size 1 join the group before them. `None` if the sizes do not line up
/// (symbolic sizes), or if an axis has size 0 (then every product is 0 and nothing lines up).
pub(crate) fn groups(from: &[Dim], to: &[Dim]) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    if from.iter().chain(to).any(|d| d.is(0)) {
        return None;
    }
    let one = Dim::constant(1);
    let mut out: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        let (i0, j0) = (i, j);
        let (mut p, mut q) = (one.clone(), one.clone());
        if i < from.len() {
            p = from[i].clone();
            i += 1;
        }
        if j < to.len() {
            q = to[j].clone();
            j += 1;
        }
        while p != q {
            // Grow the side whose product is smaller; for symbolic sizes, the side that divides the other.
            let grow_left = match (p.as_const(), q.as_const()) {
                (Some(a), Some(b)) => a < b,
                _ if i >= from.len() => false,
                _ if j >= to.len() => true,
                _ => q.modulo(&p).is(0) || p.is(1),
            };
            if grow_left && i < from.len() {
                p = p * &from[i];
                i += 1;
            } else if !grow_left && j < to.len() {
                q = q * &to[j];
                j += 1;
            } else {
                return None;
            }
        }
        out.push((i0..i, j0..j));
    }
    Some(out)
}

/// A reshape that only removes and inserts axes of size 1: the axes to squeeze, then the axes to insert.
pub(crate) fn as_unit_axes(from: &[Dim], to: &[Dim]) -> Option<(Vec<i64>, Vec<i64>)> {
    let (mut squeeze, mut expand) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    loop {
        match (from.get(i), to.get(j)) {
            (None, None) => return Some((squeeze, expand)),
            (Some(a), Some(b)) if a == b => {
                i += 1;
                j += 1;
            }
            (Some(a), _) if a.is(1) => {
                squeeze.push(i as i64);
                i += 1;
            }
            (_, Some(b)) if b.is(1) => {
                expand.push(j as i64);
                j += 1;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dims(v: &[&str]) -> Vec<Dim> {
        let factor = |f: &str| f.parse::<i64>().map_or_else(|_| Dim::symbol(f), Dim::constant);
        v.iter().map(|s| s.split('*').map(factor).fold(Dim::constant(1), |a, b| a * b)).collect()
    }

    #[test]
    fn reshapes_split_into_groups() {
        let g = |a: &[&str], b: &[&str]| groups(&dims(a), &dims(b));
        assert_eq!(g(&["4", "6"], &["4", "2", "3"]), Some(vec![(0..1, 0..1), (1..2, 1..3)]));
        assert_eq!(g(&["n", "m", "3"], &["n", "m*3"]), Some(vec![(0..1, 0..1), (1..3, 1..2)]));
        assert_eq!(g(&["n", "m"], &["m", "n"]), Some(vec![(0..2, 0..2)]));
        assert_eq!(g(&["0", "6"], &["6", "0"]), None);
    }

    #[test]
    fn unit_axes_are_told_apart_from_real_reshapes() {
        let u = |a: &[&str], b: &[&str]| as_unit_axes(&dims(a), &dims(b));
        assert_eq!(u(&["1", "n"], &["n", "1"]), Some((vec![0], vec![1])));
        assert_eq!(u(&["n"], &["1", "n"]), Some((vec![], vec![0])));
        assert_eq!(u(&["4"], &["2", "2"]), None);
    }
}
