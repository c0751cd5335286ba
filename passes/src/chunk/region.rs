//! Boxes of elements, and which boxes of its operands an op reads for a box of its result: the block map of every op,
//! written once. Exact for views, elementwise ops, reductions and products; ops that need an axis as a whole say so.

use frit_ir::graph::{Graph, Node, TensorType, Value};
use frit_ir::ops::Class;
use frit_ir::{Key, Op, Slice};

/// Positions `lo <= i < hi` of an axis.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Interval {
    /// First position.
    pub lo: i64,
    /// One past the last.
    pub hi: i64,
}

impl Interval {
    pub(crate) fn new(lo: i64, hi: i64) -> Interval {
        Interval { lo, hi }
    }

    /// Number of positions.
    pub fn size(self) -> i64 {
        self.hi - self.lo
    }

    fn meet(self, o: Interval) -> Interval {
        Interval::new(self.lo.max(o.lo), self.hi.min(o.hi))
    }
}

/// A box of elements: one interval per axis.
pub type Region = Vec<Interval>;

/// Sizes of a type without symbols.
pub(crate) fn sizes(ty: &TensorType) -> Vec<i64> {
    ty.shape.iter().map(|d| d.as_const().expect("specs of suggestions have numbers as sizes")).collect()
}

pub(crate) fn shape(g: &Graph, v: Value) -> Vec<i64> {
    sizes(g.ty(v))
}

pub(crate) fn whole(shape: &[i64]) -> Region {
    shape.iter().map(|n| Interval::new(0, *n)).collect()
}

/// Elements of a box.
pub(crate) fn volume(r: &Region) -> f64 {
    r.iter().map(|i| i.size().max(0) as f64).product()
}

/// Elements of a box, exactly.
pub(crate) fn elements(r: &Region) -> u64 {
    r.iter().map(|i| i.size().max(0) as u64).product()
}

pub(crate) fn contains(outer: &Region, inner: &Region) -> bool {
    outer.iter().zip(inner).all(|(o, i)| o.lo <= i.lo && i.hi <= o.hi)
}

/// Adds a box to those of one value. Boxes that overlap or touch become one where that reads no more than both: windows
/// grow halos, and the two blocks of `x + x.T` stay two.
pub(crate) fn add(list: &mut Vec<Region>, mut new: Region) {
    while let Some(k) = list.iter().position(|r| {
        let both: Region = bound(r, &new);
        volume(&both) <= volume(r) + volume(&new)
    }) {
        new = bound(&list.swap_remove(k), &new);
    }
    list.push(new);
}

fn bound(a: &Region, b: &Region) -> Region {
    a.iter().zip(b).map(|(a, b)| Interval::new(a.lo.min(b.lo), a.hi.max(b.hi))).collect()
}

/// What computing a box of a result takes.
#[derive(Clone, Debug)]
pub(crate) struct Reads {
    /// The box that the op computes: it holds the one asked for.
    pub(crate) computed: Region,
    /// The box of each operand; `None` where nothing of it is read.
    pub(crate) operands: Vec<Option<Region>>,
}

/// The op that joins partial results over parts of the contracted axes, if there is one that gives the same result.
pub(crate) fn combines(op: Op) -> Option<Op> {
    if op == Op::Matmul {
        return Some(Op::Add);
    }
    op.def().combine.filter(|_| op.class() == Class::Reduce)?.op()
}

/// Sizes of the axes over which partial results can be made; empty if there are none.
pub(crate) fn contraction(g: &Graph, node: &Node) -> Vec<i64> {
    if combines(node.op).is_none() {
        return vec![];
    }
    let x = shape(g, node.inputs[0]);
    match node.op {
        Op::Matmul => vec![x[x.len() - 1]],
        _ => node.attrs.ints(Key::Axes).iter().map(|a| x[*a as usize]).collect(),
    }
}

/// The box of an operand that broadcasts to the shape of a box.
fn broadcast(region: &[Interval], operand: &[i64]) -> Region {
    let skip = region.len() - operand.len();
    let one = |(k, n): (usize, &i64)| if *n == 1 { Interval::new(0, 1) } else { region[k + skip] };
    operand.iter().enumerate().map(one).collect()
}

/// Which boxes of its operands a node reads for a box of its result number `index`. `split`: the parts of its
/// contracted axes that are summed, all of them if absent.
pub(crate) fn reads(
    g: &Graph,
    node: &Node,
    index: usize,
    region: &Region,
    split: Option<&[Interval]>,
) -> Reads {
    let own = |k: usize| shape(g, node.inputs[k]);
    let result = sizes(&node.types[index]);
    let same = |operands| Reads { computed: region.clone(), operands };
    let unary = |r: Region| same(vec![Some(r)]);
    let axes = || node.attrs.ints(Key::Axes);
    match node.op {
        Op::Rechunk => unary(region.clone()),
        Op::BroadcastTo => unary(broadcast(region, &own(0))),
        Op::Transpose => {
            let mut r = region.clone();
            for (i, p) in region.iter().zip(node.attrs.ints(Key::Perm)) {
                r[*p as usize] = *i;
            }
            unary(r)
        }
        Op::ExpandDims => {
            let kept = region.iter().enumerate().filter(|(k, _)| !axes().contains(&(*k as i64)));
            unary(kept.map(|(_, i)| *i).collect())
        }
        Op::Squeeze => {
            let mut next = region.iter();
            let one = |k| {
                if axes().contains(&k) { Interval::new(0, 1) } else { *next.next().expect("a kept axis") }
            };
            unary((0..own(0).len() as i64).map(one).collect())
        }
        Op::Slice => {
            let one = |(i, s): (&Interval, &Slice)| {
                let at = |k: i64| s.start.as_const().expect("a number") + k * s.step;
                let (a, b) = (at(i.lo), at(i.hi - 1));
                Interval::new(a.min(b), a.max(b) + 1)
            };
            unary(region.iter().zip(node.attrs.slices()).map(one).collect())
        }
        Op::Reshape => {
            let (computed, operand) = reshape(&own(0), &result, region);
            Reads { computed, operands: vec![Some(operand)] }
        }
        Op::Diagonal => {
            let (a, b) = (node.attrs.int(Key::Axis), node.attrs.int(Key::Axis2));
            let offset = node.attrs.int(Key::Offset);
            let along = region[region.len() - 1];
            let mut others = region.iter();
            let one = |k| {
                let shift = if k == a { (-offset).max(0) } else { offset.max(0) };
                if k == a || k == b {
                    return Interval::new(along.lo + shift, along.hi + shift);
                }
                *others.next().expect("a kept axis")
            };
            unary((0..own(0).len() as i64).map(one).collect())
        }
        Op::Concatenate => {
            let axis = node.attrs.int(Key::Axis) as usize;
            let mut begin = 0;
            let operands = (0..node.inputs.len()).map(|k| {
                let n = own(k)[axis];
                let part = region[axis].meet(Interval::new(begin, begin + n));
                let mut r = region.clone();
                r[axis] = Interval::new(part.lo - begin, part.hi - begin);
                begin += n;
                (part.size() > 0).then_some(r)
            });
            same(operands.collect())
        }
        Op::Pad => {
            let low = node.attrs.dims(Key::PadLow);
            let one = |((i, n), low): ((&Interval, i64), &frit_ir::Dim)| {
                let low = low.as_const().expect("a number");
                Interval::new(i.lo - low, i.hi - low).meet(Interval::new(0, n))
            };
            let inside: Region = region.iter().zip(own(0)).zip(low).map(one).collect();
            let any = inside.iter().all(|i| i.size() > 0);
            same(vec![any.then_some(inside), Some(vec![])])
        }
        Op::UpdateSlice => {
            let written: Region =
                region.iter().zip(node.attrs.slices()).map(|(i, s)| written(*i, s)).collect();
            let any = written.iter().all(|i| i.size() > 0);
            same(vec![Some(region.clone()), any.then(|| broadcast(&written, &own(1)))])
        }
        Op::Gather => {
            // The axes that are indexed are read anywhere.
            let x = own(0);
            let rank = region.len() + axes().len() - x.len();
            let mut rest = region[rank..].iter();
            let one = |(k, n): (usize, &i64)| {
                let indexed = axes().contains(&(k as i64));
                if indexed { Interval::new(0, *n) } else { *rest.next().expect("an axis that stays") }
            };
            let mut operands = vec![Some(x.iter().enumerate().map(one).collect())];
            for k in 1..node.inputs.len() {
                operands.push(Some(broadcast(&region[..rank], &own(k))));
            }
            same(operands)
        }
        Op::Matmul | Op::Gemm => {
            let batch = &region[..region.len() - 2];
            let (m, n) = (region[region.len() - 2], region[region.len() - 1]);
            let (a, b) = (own(0), own(1));
            let k = split.map_or(Interval::new(0, a[a.len() - 1]), |s| s[0]);
            let with = |x: &[i64], tail: [Interval; 2]| {
                let mut r = broadcast(batch, &x[..x.len() - 2]);
                r.extend(tail);
                Some(r)
            };
            let mut operands = vec![with(&a, [m, k]), with(&b, [k, n])];
            // What is added, and the two factors.
            operands.extend((2..node.inputs.len()).map(|k| Some(broadcast(region, &own(k)))));
            same(operands)
        }
        Op::Solve | Op::SolvePosdef | Op::SolveTriangular => {
            // Right-hand sides are independent of each other.
            let (a, b) = (own(0), own(1));
            let batch = &region[..region.len() - 2];
            let rows = Interval::new(0, b[b.len() - 2]);
            let columns = region[region.len() - 1];
            let with = |x: &[i64], tail: [Interval; 2]| {
                let mut r = broadcast(batch, &x[..x.len() - 2]);
                r.extend(tail);
                r
            };
            let mut computed = region.clone();
            computed[region.len() - 2] = rows;
            Reads { computed, operands: vec![Some(with(&a, [rows, rows])), Some(with(&b, [rows, columns]))] }
        }
        Op::Fft | Op::Ifft | Op::Rfft | Op::Irfft | Op::Sort | Op::Argsort => {
            let axis = node.attrs.int(Key::Axis) as usize;
            let (mut computed, mut operand) = (region.clone(), region.clone());
            computed[axis] = Interval::new(0, result[axis]);
            operand[axis] = Interval::new(0, own(0)[axis]);
            Reads { computed, operands: vec![Some(operand)] }
        }
        Op::OrderStatistics | Op::ArgOrderStatistics => {
            let axis = node.attrs.int(Key::Axis) as usize;
            let mut operand = region.clone();
            operand[axis] = Interval::new(0, own(0)[axis]);
            let positions = if own(1).len() == 1 { vec![region[axis]] } else { region.clone() };
            same(vec![Some(operand), Some(positions)])
        }
        Op::Searchsorted => same(vec![Some(whole(&own(0))), Some(region.clone())]),
        op => match op.class() {
            Class::Elementwise => {
                same((0..node.inputs.len()).map(|k| Some(broadcast(region, &own(k)))).collect())
            }
            Class::Reduce => {
                let keep = node.attrs.bool(Key::Keepdims);
                let mut next = 0;
                let one = |(k, n): (usize, &i64)| match axes().iter().position(|a| *a == k as i64) {
                    Some(p) => {
                        next += usize::from(keep);
                        split.map_or(Interval::new(0, *n), |s| s[p])
                    }
                    None => {
                        next += 1;
                        region[next - 1]
                    }
                };
                unary(own(0).iter().enumerate().map(one).collect())
            }
            Class::Cumulative => {
                // What stands before, too.
                let mut r = region.clone();
                let axis = node.attrs.int(Key::Axis) as usize;
                r[axis].lo = 0;
                Reads { computed: r.clone(), operands: vec![Some(r)] }
            }
            Class::Library if node.inputs.len() == 1 => {
                // Decompositions of the matrices in the last two axes; the axes before are independent.
                let x = own(0);
                let batch = x.len() - 2;
                let (mut computed, mut operand) = (whole(&result), whole(&x));
                computed[..batch].copy_from_slice(&region[..batch]);
                operand[..batch].copy_from_slice(&region[..batch]);
                Reads { computed, operands: vec![Some(operand)] }
            }
            // Loops and whatever reads anywhere.
            _ => Reads {
                computed: whole(&result),
                operands: (0..node.inputs.len()).map(|k| Some(whole(&own(k)))).collect(),
            },
        },
    }
}

/// Places of an update that fall into an interval of its target, as positions in the update.
pub(crate) fn written(i: Interval, s: &Slice) -> Interval {
    let number = |d: &frit_ir::Dim| d.as_const().expect("a number");
    let (start, size) = (number(&s.start), number(&s.size));
    // start + k * step in lo..hi
    let (lo, hi) = match s.step {
        step if step > 0 => (ceil_div(i.lo - start, step), ceil_div(i.hi - start, step)),
        step => (ceil_div(start - i.hi + 1, -step), ceil_div(start - i.lo + 1, -step)),
    };
    Interval::new(lo.max(0), hi.min(size))
}

pub(crate) fn ceil_div(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}

/// Runs of axes of two shapes with equal products, as short as possible: `(axes of from, axes of to)`.
pub(crate) fn groups(from: &[i64], to: &[i64]) -> Vec<(std::ops::Range<usize>, std::ops::Range<usize>)> {
    let (mut out, mut a, mut b) = (Vec::new(), 0, 0);
    while a < from.len() || b < to.len() {
        let (begin_a, begin_b) = (a, b);
        let (mut p, mut q) = (1, 1);
        if a < from.len() {
            p = from[a];
            a += 1;
        }
        if b < to.len() {
            q = to[b];
            b += 1;
        }
        while p != q {
            if p < q && a < from.len() {
                p *= from[a];
                a += 1;
            } else if b < to.len() {
                q *= to[b];
                b += 1;
            } else {
                p *= from[a];
                a += 1;
            }
        }
        out.push((begin_a..a, begin_b..b));
    }
    out
}

/// Reshaping keeps the order of elements: within a run of axes the block along the first axis that is cut holds consecutive elements,
/// which lie in whole rows of the source. The box computed, and that of the operand.
fn reshape(from: &[i64], to: &[i64], region: &Region) -> (Region, Region) {
    let (mut computed, mut operand) = (whole(to), whole(from));
    for (a, b) in groups(from, to) {
        // Axes of size 1 in front have one position.
        let lead = |s: &[i64], r: &std::ops::Range<usize>| r.clone().find(|k| s[*k] != 1);
        let (Some(i), Some(o)) = (lead(to, &b), lead(from, &a)) else { continue };
        let row = |s: &[i64], r: &std::ops::Range<usize>, k: usize| s[k + 1..r.end].iter().product::<i64>();
        let (rows_to, rows_from) = (row(to, &b, i), row(from, &a, o));
        computed[i] = region[i];
        let (lo, hi) = (region[i].lo * rows_to, region[i].hi * rows_to);
        operand[o] = Interval::new(lo.div_euclid(rows_from), ceil_div(hi, rows_from).min(from[o]));
    }
    (computed, operand)
}
