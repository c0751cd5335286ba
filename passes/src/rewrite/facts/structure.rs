//! The structure of matrices (the last two axes), where elements stand, and which axes are in order.

use super::Site;
use super::literal;
use egg::Id;
use frit_ir::ops::Class;
use frit_ir::{DType, Dim, Key, Op, TensorType};

/// The diagonals outside of which a matrix is zero: `j - i` from `low` to `high`, if those are limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Band {
    pub(crate) low: Option<i64>,
    pub(crate) high: Option<i64>,
}

impl Band {
    const ANY: Band = Band { low: None, high: None };

    /// Zero above the diagonal.
    pub(crate) fn is_lower(self) -> bool {
        self.high.is_some_and(|h| h <= 0)
    }

    /// Zero below the diagonal.
    pub(crate) fn is_upper(self) -> bool {
        self.low.is_some_and(|l| l >= 0)
    }

    pub(crate) fn is_diagonal(self) -> bool {
        self.is_lower() && self.is_upper()
    }

    /// Zero where either is.
    fn meet(self, b: Band) -> Band {
        let either = |x: Option<i64>, y: Option<i64>, f: fn(i64, i64) -> i64| match (x, y) {
            (Some(x), Some(y)) => Some(f(x, y)),
            (x, y) => x.or(y),
        };
        Band { low: either(self.low, b.low, i64::max), high: either(self.high, b.high, i64::min) }
    }

    /// Zero where both are.
    fn join(self, b: Band) -> Band {
        Band {
            low: self.low.zip(b.low).map(|(x, y)| x.min(y)),
            high: self.high.zip(b.high).map(|(x, y)| x.max(y)),
        }
    }

    fn transposed(self) -> Band {
        Band { low: self.high.map(|h| -h), high: self.low.map(|l| -l) }
    }

    /// Of the inverse: a triangle stays one.
    fn inverse(self) -> Band {
        Band { low: self.is_upper().then_some(0), high: self.is_lower().then_some(0) }
    }
}

/// Every element is its position along an axis, plus an offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Position {
    /// The axis, counted from the last one, which is 0.
    pub(crate) from_last: usize,
    pub(crate) offset: i64,
}

/// What is known of the elements of an array by where they are. The default is: nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Structure {
    pub(crate) band: Band,
    /// Inside its band every element is 1 (or true).
    pub(crate) ones: bool,
    /// Equal to its adjoint, up to rounding.
    pub(crate) symmetric: bool,
    /// Expected to be positive definite, if symmetric: a hint at the algorithm to try first, not a promise.
    pub(crate) definite: bool,
    /// The class of which this is the adjoint: the transpose of a real matrix, conjugated if complex.
    pub(crate) adjoint_of: Option<Id>,
    /// The class of which this is the transpose.
    transpose_of: Option<Id>,
    /// The class of which this is the conjugate.
    conjugate_of: Option<Id>,
    pub(crate) position: Option<Position>,
    /// Bit `k`: ascending along axis `k`, counted from the last, as `sort` leaves it (NaN last).
    ascending: u32,
}

/// Offsets of positions that stay far from wrapping around.
const OFFSET: i64 = 1 << 40;

impl Structure {
    /// Of one matrix: zero and one, nothing beside the diagonal.
    pub(crate) fn is_identity(&self) -> bool {
        self.ones && self.band == Band { low: Some(0), high: Some(0) }
    }

    /// Ascending along an axis of an array with `rank` axes.
    pub(crate) fn is_ascending(&self, axis: i64, rank: usize) -> bool {
        self.ascending >> (rank as i64 - 1 - axis) & 1 == 1
    }

    /// Both hold: two forms of one value.
    pub(super) fn meet(self, b: Structure) -> Structure {
        Structure {
            band: self.band.meet(b.band),
            // True of one of the bands, and zero outside of both: of the narrower one.
            ones: self.ones && self.band == self.band.meet(b.band)
                || b.ones && b.band == self.band.meet(b.band),
            symmetric: self.symmetric || b.symmetric,
            definite: self.definite || b.definite,
            adjoint_of: self.adjoint_of.or(b.adjoint_of),
            transpose_of: self.transpose_of.or(b.transpose_of),
            conjugate_of: self.conjugate_of.or(b.conjugate_of),
            position: self.position.or(b.position),
            ascending: self.ascending | b.ascending,
        }
    }

    /// Of result `k` of an op that has several.
    pub(crate) fn of_result(op: Op, k: u32) -> Structure {
        let band = match (op, k) {
            (Op::Lu, 1) => Band { low: None, high: Some(0) },
            (Op::Lu, 2) | (Op::Qr, 1) => Band { low: Some(0), high: None },
            _ => Band::ANY,
        };
        Structure { band, ..Structure::default() }
    }

    /// Of the first result of a node.
    pub(super) fn of(site: &Site<'_>) -> Structure {
        let mut s = match site.op.class() {
            Class::Elementwise => elementwise(site),
            Class::View => view(site),
            Class::Library => library(site),
            Class::Source if site.op == Op::Literal => literal::structure(site.attrs.data()),
            _ => Structure::default(),
        };
        s.position = position(site);
        s.ascending = ascending(site);
        s
    }
}

fn plane(t: &TensorType) -> &[Dim] {
    &t.shape[t.rank().saturating_sub(2)..]
}

/// One number for each matrix.
fn is_number(t: &TensorType) -> bool {
    plane(t).iter().all(|d| d.is(1))
}

fn elementwise(site: &Site<'_>) -> Structure {
    let out = &site.types[0];
    let facts = |k: usize| &site.operands[k];
    // An operand that is broadcast along the matrix has another structure than the one it has by itself.
    let whole = |k: usize| out.rank() >= 2 && plane(&facts(k).types[0]) == plane(out);
    let band = |k: usize| if whole(k) { facts(k).structure.band } else { Band::ANY };
    let constant = |k: usize, v: f64| facts(k).constant.is_some_and(|c| c.as_complex() == v.into());
    let symmetric = |k: usize| whole(k) && facts(k).structure.symmetric || is_number(&facts(k).types[0]);
    let definite = |k: usize| {
        let f = facts(k);
        whole(k) && (f.structure.definite || f.structure.band.is_diagonal() && f.range.nonnegative())
    };
    let positive = |k: usize| is_number(&facts(k).types[0]) && facts(k).range.positive();
    let one = |k: usize| whole(k) && facts(k).structure.ones;
    let none = Structure::default();
    let real = !out.dtype.is_complex();
    match site.op {
        Op::Cast if site.operands[0].types[0].dtype.is_complex() <= out.dtype.is_complex() => {
            Structure { band: band(0), ones: one(0), symmetric: symmetric(0), definite: definite(0), ..none }
        }
        Op::Where if constant(2, 0.0) => {
            let (mask, inside) = (band(0), band(1));
            let ones = one(0) && constant(1, 1.0);
            Structure { band: mask.meet(inside), ones, symmetric: mask.is_diagonal() && real, ..none }
        }
        Op::LogicalAnd | Op::BitwiseAnd if out.dtype == DType::Bool => {
            Structure { band: band(0).meet(band(1)), ones: one(0) && one(1), ..none }
        }
        Op::Equal | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => mask(site),
        // Zero times what is not finite is not zero.
        Op::Multiply => {
            let of = |k: usize, other: usize| if facts(other).range.finite() { band(k) } else { Band::ANY };
            let scaled = |k: usize, by: usize| definite(k) && positive(by);
            Structure {
                band: of(0, 1).meet(of(1, 0)),
                symmetric: real && symmetric(0) && symmetric(1),
                definite: scaled(0, 1) || scaled(1, 0),
                ..none
            }
        }
        Op::Divide => {
            let by = facts(1).range;
            let band = if by.never_zero() && by.never_nan() { band(0) } else { Band::ANY };
            let symmetric = real && symmetric(0) && symmetric(1);
            Structure { band, symmetric, definite: definite(0) && positive(1), ..none }
        }
        Op::Add | Op::Subtract => Structure {
            band: band(0).join(band(1)),
            symmetric: (real || whole(0) && whole(1)) && symmetric(0) && symmetric(1),
            // What is added is usually there to make it so.
            definite: site.op == Op::Add && (definite(0) || definite(1)),
            ..none
        },
        Op::Negative => Structure { band: band(0), symmetric: symmetric(0), ..none },
        Op::Conjugate => Structure {
            band: band(0),
            symmetric: symmetric(0),
            definite: definite(0),
            adjoint_of: facts(0).structure.transpose_of,
            conjugate_of: Some(site.node.children[0]),
            ..none
        },
        op if op.def().min_inputs == 1 && real => Structure { symmetric: symmetric(0), ..none },
        _ => none,
    }
}

/// A comparison of rows with columns: true on one side of a diagonal, or on it.
fn mask(site: &Site<'_>) -> Structure {
    let out = &site.types[0];
    let at = |k: usize| {
        let f = site.operands[k];
        let p = f.structure.position.filter(|p| p.from_last < 2 && out.rank() >= 2)?;
        let axis = f.types[0].rank().checked_sub(1 + p.from_last)?;
        // Along an axis of size 1 that is broadcast, the position stays 0.
        (f.types[0].shape[axis] == out.shape[out.rank() - 1 - p.from_last]).then_some(p)
    };
    let (Some(a), Some(b)) = (at(0), at(1)) else { return Structure::default() };
    // `j - i` compared with `k`.
    let (op, k) = match (a.from_last, b.from_last) {
        (0, 1) => (site.op, b.offset - a.offset),
        (1, 0) => {
            let turned = match site.op {
                Op::Less => Op::Greater,
                Op::LessEqual => Op::GreaterEqual,
                Op::Greater => Op::Less,
                Op::GreaterEqual => Op::LessEqual,
                op => op,
            };
            (turned, a.offset - b.offset)
        }
        _ => return Structure::default(),
    };
    let (low, high) = match op {
        Op::Equal => (Some(k), Some(k)),
        Op::Less => (None, Some(k - 1)),
        Op::LessEqual => (None, Some(k)),
        Op::Greater => (Some(k + 1), None),
        _ => (Some(k), None),
    };
    Structure {
        band: Band { low, high },
        ones: true,
        symmetric: op == Op::Equal && k == 0,
        ..Structure::default()
    }
}

/// The operand's axis behind each axis of a view that only moves, adds or drops axes; `None` for added ones.
fn axes(site: &Site<'_>) -> Option<Vec<Option<usize>>> {
    let (from, to) = (&site.operands[0].types[0], &site.types[0]);
    Some(match site.op {
        Op::Transpose => site.attrs.ints(Key::Perm).iter().map(|p| Some(*p as usize)).collect(),
        Op::ExpandDims => {
            let added = site.attrs.ints(Key::Axes);
            let mut rest = 0..from.rank();
            (0..to.rank()).map(|k| if added.contains(&(k as i64)) { None } else { rest.next() }).collect()
        }
        Op::Squeeze => {
            let dropped = site.attrs.ints(Key::Axes);
            (0..from.rank()).filter(|k| !dropped.contains(&(*k as i64))).map(Some).collect()
        }
        Op::BroadcastTo => {
            let missing = to.rank() - from.rank();
            let source = |k: usize| k.checked_sub(missing).filter(|s| from.shape[*s] == to.shape[k]);
            (0..to.rank()).map(source).collect()
        }
        Op::Slice => {
            let whole = site.attrs.slices().iter().zip(&from.shape).map(|(s, d)| s.is_full(d));
            whole.enumerate().map(|(k, whole)| whole.then_some(k)).collect()
        }
        _ => return None,
    })
}

fn view(site: &Site<'_>) -> Structure {
    let (of, none) = (&site.operands[0].structure, Structure::default());
    let (rank, from) = (site.types[0].rank(), site.operands[0].types[0].rank());
    let Some(axes) = axes(site).filter(|_| rank >= 2 && from >= 2) else { return none };
    let (rows, columns) = (axes[rank - 2], axes[rank - 1]);
    if (rows, columns) == (Some(from - 2), Some(from - 1)) {
        return Structure { adjoint_of: None, transpose_of: None, conjugate_of: None, ..*of };
    }
    if (rows, columns) != (Some(from - 1), Some(from - 2)) {
        return none;
    }
    let t = site.types[0].dtype;
    let alone = axes[..rank - 2].iter().enumerate().all(|(k, a)| *a == Some(k));
    let transpose_of = alone.then(|| site.node.children[0]);
    Structure {
        band: of.band.transposed(),
        ones: of.ones,
        symmetric: of.symmetric,
        definite: of.definite,
        adjoint_of: if t.is_complex() { of.conjugate_of.filter(|_| alone) } else { transpose_of },
        transpose_of,
        ..none
    }
}

fn library(site: &Site<'_>) -> Structure {
    let none = Structure::default();
    let of = |k: usize| &site.operands[k].structure;
    let adjoint = |a: usize, b: usize| of(a).adjoint_of == Some(site.node.children[b]);
    let gram = || adjoint(0, 1) || adjoint(1, 0);
    match site.op {
        Op::Matmul => Structure { symmetric: gram(), definite: gram(), ..none },
        Op::Gemm => {
            let (added, range) = (&site.operands[2].types[0], |k: usize| site.operands[k].range);
            let symmetric = gram() && of(2).symmetric && plane(added) == plane(&site.types[0]);
            // As for a sum: what is added is there to make it so.
            let definite = symmetric && range(3).positive() && range(4).positive();
            Structure { symmetric: symmetric && !site.types[0].dtype.is_complex(), definite, ..none }
        }
        Op::Inv | Op::InvPosdef => Structure {
            band: of(0).band.inverse(),
            symmetric: of(0).symmetric,
            definite: of(0).definite,
            ..none
        },
        Op::Cholesky => Structure { band: Band { low: None, high: Some(0) }, ..none },
        _ => none,
    }
}

fn position(site: &Site<'_>) -> Option<Position> {
    let rank = site.types[0].rank();
    let of = |k: usize| site.operands[k].structure.position;
    match site.op {
        Op::Iota if site.types[0].dtype == DType::I64 => {
            Some(Position { from_last: rank - 1 - site.attrs.int(Key::Axis) as usize, offset: 0 })
        }
        Op::Add | Op::Subtract => {
            let (p, c) = (of(0)?, site.operands[1].constant?.as_i64());
            let same = site.operands[0].types[0] == site.types[0];
            let offset = if site.op == Op::Add { p.offset.checked_add(c) } else { p.offset.checked_sub(c) };
            let offset = offset.filter(|o| same && o.abs() < OFFSET)?;
            Some(Position { offset, ..p })
        }
        _ if site.op.class() == Class::View => {
            let p = of(0)?;
            let source = site.operands[0].types[0].rank() - 1 - p.from_last;
            let at = axes(site)?.iter().position(|a| *a == Some(source))?;
            Some(Position { from_last: rank - 1 - at, ..p })
        }
        _ => None,
    }
}

/// Axes along which elements ascend.
fn ascending(site: &Site<'_>) -> u32 {
    let t = &site.types[0];
    let bit = |axis: usize| 1_u32.checked_shl((t.rank() - 1 - axis) as u32).unwrap_or(0);
    let of = |k: usize| site.operands[k].structure.ascending;
    match site.op {
        // Along other axes, all elements are equal.
        Op::Iota => (0..t.rank()).map(bit).sum(),
        Op::Sort | Op::Cummax => bit(site.attrs.int(Key::Axis) as usize),
        Op::Cumsum => {
            // Whole numbers from 0 to so few that their sum does not wrap.
            let small = t.dtype == DType::I64
                && site.operands[0].range.nonnegative()
                && site.operands[0].range.bounds().is_some_and(|(_, hi)| hi <= 2.0_f64.powi(30));
            if small { bit(site.attrs.int(Key::Axis) as usize) } else { 0 }
        }
        // Rounding is monotone, and NaN stays NaN.
        Op::Cast => {
            let from = site.operands[0].types[0].dtype;
            let keeps = !from.is_complex()
                && (t.dtype.is_float() || frit_ir::dtype::promote(from, t.dtype) == t.dtype);
            if keeps { of(0) } else { 0 }
        }
        Op::Add | Op::Subtract if t.dtype.is_float() => {
            let finite = site.operands[1].constant.is_some_and(|c| c.as_f64().is_finite());
            if finite && site.operands[0].types[0] == *t { of(0) } else { 0 }
        }
        Op::Slice => {
            let from = of(0);
            let steps = site.attrs.slices().iter().map(|s| s.step > 0);
            steps.enumerate().map(|(k, up)| if up { bit(k) & from } else { 0 }).sum()
        }
        Op::Transpose | Op::ExpandDims | Op::Squeeze | Op::BroadcastTo => {
            let (Some(axes), from) = (axes(site), of(0)) else { return 0 };
            let rank = site.operands[0].types[0].rank();
            // An added axis repeats one element.
            let up = |a: &Option<usize>| {
                a.is_none_or(|a| from.checked_shr((rank - 1 - a) as u32).unwrap_or(0) & 1 == 1)
            };
            axes.iter().enumerate().map(|(k, a)| if up(a) { bit(k) } else { 0 }).sum()
        }
        _ => 0,
    }
}
