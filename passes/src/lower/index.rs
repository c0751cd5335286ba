//! Index maps of view ops: the position in the source of an element of the result.

use frit_ir::dim::{Atom, Dim, Symbol, product};
use frit_ir::graph::{Graph, Node};
use frit_ir::plan::{View, contiguous_strides};
use frit_ir::{Key, Op};

/// Ranges of the loop indices in scope.
pub(crate) type Ranges = [(Symbol, Dim, Dim)];

/// Position in the operand of the element at `index` of a view node's result.
pub(crate) fn source_index(g: &Graph, node: &Node, index: &[Dim], ranges: &Ranges) -> Vec<Dim> {
    let shape = &g.ty(node.inputs[0]).shape;
    let attrs = &node.attrs;
    match node.op {
        Op::Transpose => {
            let mut out = vec![Dim::constant(0); shape.len()];
            for (k, p) in attrs.ints(Key::Perm).iter().enumerate() {
                out[*p as usize] = index[k].clone();
            }
            out
        }
        Op::Slice => {
            index.iter().zip(attrs.slices()).map(|(i, s)| &s.start + i * &Dim::constant(s.step)).collect()
        }
        Op::ExpandDims => {
            let axes = attrs.ints(Key::Axes);
            let kept = index.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
            kept.map(|(_, i)| i.clone()).collect()
        }
        Op::Squeeze => {
            let axes = attrs.ints(Key::Axes);
            let mut rest = index.iter();
            (0..shape.len() as i64)
                .map(|k| {
                    if axes.contains(&k) {
                        Dim::constant(0)
                    } else {
                        rest.next().expect("ranks add up").clone()
                    }
                })
                .collect()
        }
        Op::BroadcastTo => broadcast_index(shape, index),
        Op::Diagonal => {
            let (a, b) = (attrs.int(Key::Axis) as usize, attrs.int(Key::Axis2) as usize);
            let offset = attrs.int(Key::Offset);
            let d = index.last().expect("the diagonal axis");
            let mut rest = index.iter();
            (0..shape.len())
                .map(|k| {
                    if k == a {
                        d + (-offset).max(0)
                    } else if k == b {
                        d + offset.max(0)
                    } else {
                        rest.next().expect("ranks add up").clone()
                    }
                })
                .collect()
        }
        Op::Reshape => reshape_index(attrs.dims(Key::Shape), shape, index, ranges),
        _ => unreachable!("{} is not a view", node.op),
    }
}

/// Position in an operand of shape `shape` of the element at `index` of the broadcast result.
pub(crate) fn broadcast_index(shape: &[Dim], index: &[Dim]) -> Vec<Dim> {
    let skip = index.len() - shape.len();
    let pick = |(d, i): (&Dim, &Dim)| if d.is(1) { Dim::constant(0) } else { i.clone() };
    shape.iter().zip(&index[skip..]).map(pick).collect()
}

/// From a position in shape `from` to the one in shape `to` with the same place in C order. Runs of axes with equal
/// products are matched first, so that only axes that really merge or split need a division.
fn reshape_index(from: &[Dim], to: &[Dim], index: &[Dim], ranges: &Ranges) -> Vec<Dim> {
    let mut out = Vec::with_capacity(to.len());
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        // The shortest runs of both sides with the same product.
        let (mut a, mut b) = (i, j);
        let (mut pa, mut pb) = (Dim::constant(1), Dim::constant(1));
        loop {
            if a > i && b > j && pa == pb {
                break;
            }
            if a == from.len() && b == to.len() {
                break;
            }
            let grow_from = a < from.len() && (b == to.len() || a == i || smaller(&pa, &pb));
            if grow_from {
                pa = pa * &from[a];
                a += 1;
            } else {
                pb = pb * &to[b];
                b += 1;
            }
        }
        let flat = flatten(&from[i..a], &index[i..a]);
        split(flat, &to[j..b], ranges, &mut out);
        (i, j) = (a, b);
    }
    out
}

fn smaller(a: &Dim, b: &Dim) -> bool {
    match (a.as_const(), b.as_const()) {
        (Some(a), Some(b)) => a < b,
        _ => (b - a).proves_nonnegative(&[]) || a.terms().0.len() < b.terms().0.len(),
    }
}

fn flatten(shape: &[Dim], index: &[Dim]) -> Dim {
    let strides = contiguous_strides(shape);
    index.iter().zip(&strides).fold(Dim::constant(0), |acc, (i, s)| acc + i * s)
}

fn split(flat: Dim, shape: &[Dim], ranges: &Ranges, out: &mut Vec<Dim>) {
    let live: Vec<usize> = (0..shape.len()).filter(|k| !shape[*k].is(1)).collect();
    for (k, size) in shape.iter().enumerate() {
        if size.is(1) {
            out.push(Dim::constant(0));
            continue;
        }
        let inner = product(&shape[k + 1..]);
        let mut i = divide(&flat, &inner, ranges);
        // The leading axis needs no remainder.
        if live.first() != Some(&k) {
            i = remainder(&i, size, ranges);
        }
        out.push(i);
    }
}

/// `(whole, rest)` with `a = whole * b + rest` and `0 <= rest < b` proven, if the terms separate that way.
fn separate(a: &Dim, b: &Dim, ranges: &Ranges) -> Option<(Dim, Dim)> {
    let (terms, constant) = a.terms();
    let (mut whole, mut rest) = (Dim::constant(0), Dim::constant(constant));
    for (atoms, k) in terms {
        let term = atoms.iter().fold(Dim::constant(*k), |acc, x| acc * single(x));
        let q = term.floor_div(b);
        if &q * b == term { whole = whole + q } else { rest = rest + term }
    }
    let fits = rest.proves_nonnegative(ranges) && (b - &rest - 1).proves_nonnegative(ranges);
    fits.then_some((whole, rest))
}

fn single(a: &Atom) -> Dim {
    match a {
        Atom::Sym(s) => Dim::symbol(s),
        Atom::FloorDiv(x, y) => x.floor_div(y),
        Atom::Mod(x, y) => x.modulo(y),
        Atom::Min(x, y) => x.minimum(y),
        Atom::Max(x, y) => x.maximum(y),
    }
}

fn divide(a: &Dim, b: &Dim, ranges: &Ranges) -> Dim {
    separate(a, b, ranges).map_or_else(|| a.floor_div(b), |(whole, _)| whole)
}

fn remainder(a: &Dim, b: &Dim, ranges: &Ranges) -> Dim {
    separate(a, b, ranges).map_or_else(|| a.modulo(b), |(_, rest)| rest)
}

/// The strided window that a view node shows of its operand's window, or `None` if strides cannot express it.
pub(super) fn view_of(g: &Graph, node: &Node, source: &View) -> Option<View> {
    let attrs = &node.attrs;
    let shape = node.types[0].shape.clone();
    let mut v = View { buffer: source.buffer, offset: source.offset.clone(), shape, strides: vec![] };
    match node.op {
        Op::Transpose => {
            v.strides = attrs.ints(Key::Perm).iter().map(|p| source.strides[*p as usize].clone()).collect();
        }
        Op::Slice => {
            for (s, stride) in attrs.slices().iter().zip(&source.strides) {
                v.offset = v.offset + &s.start * stride;
                v.strides.push(stride * &Dim::constant(s.step));
            }
        }
        Op::ExpandDims => {
            let axes = attrs.ints(Key::Axes);
            let mut rest = source.strides.iter();
            for k in 0..v.shape.len() as i64 {
                let inserted = axes.contains(&k);
                v.strides.push(if inserted { Dim::constant(0) } else { rest.next()?.clone() });
            }
        }
        Op::Squeeze => {
            let axes = attrs.ints(Key::Axes);
            let kept = source.strides.iter().enumerate().filter(|(k, _)| !axes.contains(&(*k as i64)));
            v.strides = kept.map(|(_, s)| s.clone()).collect();
        }
        Op::BroadcastTo => {
            let shape = &g.ty(node.inputs[0]).shape;
            let skip = v.shape.len() - shape.len();
            v.strides = vec![Dim::constant(0); skip];
            for (d, s) in shape.iter().zip(&source.strides) {
                v.strides.push(if d.is(1) { Dim::constant(0) } else { s.clone() });
            }
        }
        Op::Diagonal => {
            let (a, b) = (attrs.int(Key::Axis) as usize, attrs.int(Key::Axis2) as usize);
            let offset = attrs.int(Key::Offset);
            v.offset = v.offset + &source.strides[a] * &Dim::constant((-offset).max(0));
            v.offset = v.offset + &source.strides[b] * &Dim::constant(offset.max(0));
            let rest = source.strides.iter().enumerate().filter(|(k, _)| *k != a && *k != b);
            v.strides = rest.map(|(_, s)| s.clone()).collect();
            v.strides.push(&source.strides[a] + &source.strides[b]);
        }
        Op::Reshape => {
            if !source.is_contiguous() {
                return None;
            }
            v.strides = contiguous_strides(&v.shape);
        }
        _ => return None,
    }
    Some(v)
}

/// True if an axis may have no elements, as far as can be told.
pub(crate) fn maybe_empty(n: &Dim, ranges: &[(Symbol, Dim, Dim)]) -> bool {
    !(n - 1).proves_nonnegative(ranges)
}

/// A position brought into `0..n`, as far as it is not there anyway; 0 if the axis is empty.
pub(crate) fn inside(i: &Dim, n: &Dim, ranges: &[(Symbol, Dim, Dim)]) -> Dim {
    let last = n - 1;
    let (low, high) = (i.proves_nonnegative(ranges), (&last - i).proves_nonnegative(ranges));
    if low && high || is_inside(i, n, ranges) {
        return i.clone();
    }
    let zero = Dim::constant(0);
    match (low, high) {
        // Below 0 if the axis is empty.
        (_, true) => i.maximum(&zero),
        (true, false) if !maybe_empty(n, ranges) => i.minimum(&last),
        _ if maybe_empty(n, ranges) => i.minimum(&last).maximum(&zero),
        _ => i.maximum(&zero).minimum(&last),
    }
}

/// True if [`inside`] has made this position, on an axis that may be empty.
pub(crate) fn is_inside(i: &Dim, n: &Dim, ranges: &[(Symbol, Dim, Dim)]) -> bool {
    let (zero, last) = (Dim::constant(0), n - 1);
    let ([(atoms, 1)], 0) = i.terms() else { return false };
    let [Atom::Max(a, b)] = &atoms[..] else { return false };
    if *a != zero && *b != zero {
        return false;
    }
    let other = if *a == zero { b } else { a };
    let ends = match other.terms() {
        ([(atoms, 1)], 0) => matches!(&atoms[..], [Atom::Min(x, y)] if *x == last || *y == last),
        _ => false,
    };
    ends || *other == last || (&last - other).proves_nonnegative(ranges)
}

/// The greatest value of a size while loop indices run through their ranges, outermost first. An expression that is not
/// affine in an index keeps it, and is refused where the memory is sized.
pub(crate) fn upper_bound(d: &Dim, ranges: &[(Symbol, Dim, Dim)]) -> Dim {
    let mut bound = d.clone();
    for (k, (name, lo, hi)) in ranges.iter().enumerate().rev() {
        let Some((slope, _)) = bound.affine_in(name).filter(|(slope, _)| !slope.is(0)) else { continue };
        let at = |v: &Dim| bound.substitute(&|s| (s == &**name).then(|| v.clone()));
        let last = hi - 1;
        bound = if slope.proves_nonnegative(&ranges[..k]) {
            at(&last)
        } else if (-&slope).proves_nonnegative(&ranges[..k]) {
            at(lo)
        } else {
            at(lo).maximum(&at(&last))
        };
    }
    bound
}
