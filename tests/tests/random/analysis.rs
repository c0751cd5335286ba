//! What a program's values are, which of them are certain to the bit, and how far the others may be off.
//!
//! A value is *rough* if an implementation may round it otherwise: math functions, sums whose order is free, and at
//! the reassociating level all float arithmetic, unless every number involved is a small multiple of 1/64, where all
//! orders give the same. The sign of a zero is *open* where NumPy itself leaves it open (extremes, sums).
//!
//! The tolerance of a rough result is measured, not derived: the program is evaluated again with every rough value
//! moved by a few units in the last place, several times, and the spread of the results is what rounding can do.

use crate::draw::Random;
use frit_ir::eval::{self, Array, EvalError, Sizes};
use frit_ir::graph::Node;
use frit_ir::ops::Class;
use frit_ir::{DType, Graph, Key, Op, Scalar};
use frit_passes::MathLevel;
use num_complex::Complex64;

/// What is open about a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Flags {
    /// Another rounding is right too.
    pub(crate) rough: bool,
    /// The other sign of zero is right too.
    pub(crate) open_zero: bool,
}

/// A program's values for one set of arguments.
#[derive(Clone, Debug)]
pub(crate) struct Analysis {
    pub(crate) sizes: Sizes,
    pub(crate) values: Vec<Vec<Array>>,
    pub(crate) flags: Vec<Flags>,
}

impl Analysis {
    pub(crate) fn new(sizes: Sizes) -> Analysis {
        Analysis { sizes, values: vec![], flags: vec![] }
    }

    /// Evaluates the nodes that are not evaluated yet.
    pub(crate) fn extend(&mut self, g: &Graph, inputs: &[Array], level: MathLevel) -> Result<(), EvalError> {
        for n in &g.nodes[self.values.len()..] {
            let (results, flags) = if n.op == Op::Input {
                (vec![inputs[n.attrs.int(Key::Position) as usize].clone()], Flags::default())
            } else {
                let args: Vec<&Array> =
                    n.inputs.iter().map(|v| &self.values[v.node.0 as usize][v.index as usize]).collect();
                let results = eval::node(n, &args, &self.sizes, &mut |_, _, _| {})?;
                let before: Vec<Flags> = n.inputs.iter().map(|v| self.flags[v.node.0 as usize]).collect();
                let flags = flags(n, &args, &results, &before, level);
                (results, flags)
            };
            self.values.push(results);
            self.flags.push(flags);
        }
        Ok(())
    }

    /// The results of the whole program with rough values moved about.
    pub(crate) fn perturbed(
        &self,
        g: &Graph,
        level: MathLevel,
        r: &mut Random,
    ) -> Result<Vec<Array>, EvalError> {
        let mut values: Vec<Vec<Array>> = Vec::with_capacity(g.nodes.len());
        for (k, n) in g.nodes.iter().enumerate() {
            if !self.flags[k].rough {
                values.push(self.values[k].clone());
                continue;
            }
            let moved: Vec<Array> = n
                .inputs
                .iter()
                .map(|v| {
                    let mut a = values[v.node.0 as usize][v.index as usize].clone();
                    if n.op.class() != Class::Region {
                        shake(&mut a, r);
                    }
                    a
                })
                .collect();
            let mut moved = moved;
            if matches!(n.op, Op::Prod | Op::Nanprod) {
                // Which of overflow, underflow and neither a product meets is up to its order.
                for axis in n.attrs.ints(Key::Axes) {
                    reorder(&mut moved[0], *axis as usize, r);
                }
            }
            let args: Vec<&Array> = moved.iter().collect();
            let mut results = {
                let mut inner = |n: &Node, args: &[&Array], results: &mut Vec<Array>| {
                    if rounds(n, args.iter().any(|a| a.dtype.is_complex()), level) {
                        shake_inner(n, args, results, r);
                    }
                };
                eval::node(n, &args, &self.sizes, &mut inner)?
            };
            results.iter_mut().for_each(|a| shake(a, r));
            if n.op == Op::Logsumexp {
                // The logarithm of a sum of 1 and more: near 1 it is as far off as the sum is, however small.
                for v in results.iter_mut().flat_map(|a| &mut a.data).filter(|v| v.as_complex().is_finite()) {
                    let off = 2.0 * eps(v.dtype()) * r.sign();
                    *v = Scalar::complex(v.dtype(), v.as_complex() + off);
                }
            }
            values.push(results);
        }
        Ok(g.outputs.iter().map(|v| values[v.node.0 as usize][v.index as usize].clone()).collect())
    }
}

fn eps(t: DType) -> f64 {
    if t.real() == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON }
}

/// Puts the positions along an axis in another order.
fn reorder(a: &mut Array, axis: usize, r: &mut Random) {
    let mut order: Vec<usize> = (0..a.shape()[axis]).collect();
    for k in (1..order.len()).rev() {
        order.swap(k, r.below(k + 1));
    }
    a.data = a.data.select(ndarray::Axis(axis), &order);
}

/// Moves each part of each element by up to two units in the last place or so.
fn shake(a: &mut Array, r: &mut Random) {
    if !a.dtype.is_inexact() {
        return;
    }
    let (t, e) = (a.dtype, 2.0 * eps(a.dtype));
    for v in &mut a.data {
        let c = v.as_complex();
        let mut part = |p: f64, other: f64| {
            p + e * (p.abs() + if t.is_complex() { other.abs() } else { 0.0 }) * r.sign()
        };
        let moved = Complex64::new(part(c.re, c.im), part(c.im, c.re));
        // Special values stay.
        if c.re.is_finite() && c.im.is_finite() {
            *v = Scalar::complex(t, moved);
        }
    }
}

/// Inside regions the operands cannot be moved: results are, by the operands' size where terms may cancel.
fn shake_inner(n: &Node, args: &[&Array], results: &mut [Array], r: &mut Random) {
    for a in results.iter_mut() {
        shake(a, r);
        let cancels = sums(n.op) || matches!(n.op, Op::Add | Op::Subtract);
        if !a.dtype.is_inexact() || !cancels {
            continue;
        }
        let largest = args.iter().flat_map(|a| &a.data).map(|v| v.as_complex().norm());
        let largest = largest.filter(|v| v.is_finite()).fold(0.0, f64::max);
        let (t, e) = (a.dtype, 2.0 * eps(a.dtype) * largest);
        for v in &mut a.data {
            let c = v.as_complex();
            if c.re.is_finite() && c.im.is_finite() {
                *v = Scalar::complex(
                    t,
                    c + Complex64::new(e * r.sign(), if t.is_complex() { e * r.sign() } else { 0.0 }),
                );
            }
        }
    }
}

/// Ops that add many terms.
fn sums(op: Op) -> bool {
    matches!(op, Op::Sum | Op::Cumsum | Op::Matmul | Op::Nansum | Op::Trace)
}

/// Ops that only choose among their operands' elements.
fn chooses(op: Op) -> bool {
    matches!(
        op,
        Op::Positive
            | Op::ArithmeticFence
            | Op::Maximum
            | Op::Minimum
            | Op::Fmax
            | Op::Fmin
            | Op::Clip
            | Op::Where
            | Op::Real
            | Op::Imag
            | Op::Conjugate
            | Op::MakeComplex
            | Op::Negative
            | Op::Cast
            | Op::Min
            | Op::Max
            | Op::Nanmin
            | Op::Nanmax
            | Op::Cummax
            | Op::Cummin
            | Op::Sort
            | Op::Triu
            | Op::Tril
            | Op::Roll
            | Op::Stack
            | Op::Tile
            | Op::Repeat
    ) || matches!(op.class(), Class::View | Class::Source)
        || (op.class() == Class::Movement && op != Op::Scatter)
}

/// Whether the op's own result may be rounded in more than one way.
fn rounds(n: &Node, complex: bool, level: MathLevel) -> bool {
    if n.op == Op::Scatter {
        return matches!(n.attrs.str(Key::Mode), "add" | "multiply");
    }
    if chooses(n.op) || !n.types.iter().any(|t| t.dtype.is_inexact()) {
        return false;
    }
    if level != MathLevel::Exact {
        return true;
    }
    match n.op.class() {
        Class::Elementwise => {
            let plain = matches!(n.op, Op::Add | Op::Subtract | Op::Multiply | Op::Square);
            if complex { !plain } else { n.op.def().ulp != [0.0; 2] }
        }
        Class::Region => {
            let bodies = [Key::Body, Key::Cond, Key::Else].into_iter().filter_map(|k| match n.attrs.get(k) {
                Some(frit_ir::Attr::Graph(g)) => Some(g.clone()),
                _ => None,
            });
            bodies.into_iter().any(|g| {
                let complex = |n: &Node| n.inputs.iter().any(|v| g.ty(*v).dtype.is_complex());
                g.nodes.iter().any(|n| rounds(n, complex(n), level))
            })
        }
        _ => true,
    }
}

/// A multiple of 1/64, small enough that a few products and sums of its like are exact in `f32`.
fn on_grid(a: &Array, limit: f64) -> bool {
    let fits = |v: f64| (v * 64.0).fract() == 0.0 && v.abs() <= limit;
    a.data.iter().all(|v| {
        let c = v.as_complex();
        fits(c.re) && fits(c.im)
    })
}

fn flags(n: &Node, args: &[&Array], results: &[Array], before: &[Flags], level: MathLevel) -> Flags {
    if !results.iter().any(|a| a.dtype.is_inexact()) {
        return Flags::default();
    }
    let inexact = |k: usize| args[k].dtype.is_inexact();
    let any = |f: fn(&Flags) -> bool| before.iter().enumerate().any(|(k, b)| inexact(k) && f(b));
    let mut rough = any(|b| b.rough);
    if !rough && rounds(n, args.iter().any(|a| a.dtype.is_complex()), level) {
        let single = results[0].dtype.real() == DType::F32;
        let terms = args.iter().map(|a| a.data.len()).max().unwrap_or(0).max(1) as f64;
        // Products have 12 bits after the point; f32 has 24 in all.
        let limit = if single { 16.0 } else { 1024.0 };
        let whole = args.iter().chain(&results.iter().collect::<Vec<_>>()).all(|a| on_grid(a, limit * 16.0));
        let plain =
            matches!(n.op, Op::Add | Op::Subtract | Op::Multiply | Op::Square | Op::Absolute | Op::Negative);
        rough = match n.op {
            _ if plain => !(whole && args.iter().all(|a| on_grid(a, limit))),
            op if sums(op) => {
                let largest =
                    args.iter().flat_map(|a| &a.data).map(|v| v.as_complex().norm()).fold(0.0, f64::max);
                let largest = if op == Op::Matmul { largest * largest } else { largest };
                let bits = if single { 24 } else { 50 } - if op == Op::Matmul { 12 } else { 6 };
                !(whole && largest * terms < f64::from(bits).exp2())
            }
            _ => true,
        };
    }
    let settles = matches!(
        n.op,
        Op::Negative
            | Op::Positive
            | Op::ArithmeticFence
            | Op::Absolute
            | Op::Where
            | Op::Real
            | Op::Imag
            | Op::Conjugate
            | Op::MakeComplex
            | Op::Triu
            | Op::Tril
            | Op::Roll
            | Op::Stack
            | Op::Tile
            | Op::Repeat
    ) || matches!(n.op.class(), Class::View | Class::Source)
        || (n.op.class() == Class::Movement && n.op != Op::Scatter)
        || (n.op == Op::Cast && args[0].dtype.is_inexact())
        || (n.op.class() == Class::Elementwise
            && !matches!(n.op, Op::Maximum | Op::Minimum | Op::Fmax | Op::Fmin | Op::Clip)
            && !n.types[0].dtype.is_complex());
    let open_zero = any(|b| b.open_zero)
        || !settles
        || (level != MathLevel::Exact && n.op.class() == Class::Elementwise && !chooses(n.op));
    Flags { rough, open_zero }
}

/// What a result must be.
pub(crate) struct Expected {
    pub(crate) value: Array,
    pub(crate) flags: Flags,
    /// How far each element may be off; infinite where nothing is known.
    pub(crate) tolerance: Vec<f64>,
}

/// How often a program is evaluated for its tolerances; and where a result is outside them, as few draws may all fall on
/// one side.
const DRAWS: usize = 4;
pub(crate) const MANY_DRAWS: usize = 64;

impl Analysis {
    /// What each result of the program must be.
    pub(crate) fn expected(&self, g: &Graph, level: MathLevel, seed: u64) -> Vec<Expected> {
        self.expected_by(g, level, seed, DRAWS)
    }

    /// The same with tolerances from so many evaluations.
    pub(crate) fn expected_by(&self, g: &Graph, level: MathLevel, seed: u64, draws: usize) -> Vec<Expected> {
        let mut all: Vec<Expected> = g
            .outputs
            .iter()
            .map(|v| {
                let value = self.values[v.node.0 as usize][v.index as usize].clone();
                let (e, tiny) = match value.dtype.real() {
                    DType::F32 => (eps(DType::F32), f64::from(f32::MIN_POSITIVE)),
                    _ => (eps(DType::F64), f64::MIN_POSITIVE),
                };
                let tolerance = value.data.iter().map(|v| 16.0 * e * v.as_complex().norm() + tiny).collect();
                let mut flags = self.flags[v.node.0 as usize];
                flags.rough &= value.dtype.is_inexact();
                Expected { value, flags, tolerance }
            })
            .collect();
        if !all.iter().any(|e| e.flags.rough) {
            return all;
        }
        let mut r = Random::new(seed);
        for _ in 0..draws {
            let Ok(moved) = self.perturbed(g, level, &mut r) else {
                all.iter_mut().for_each(|e| e.tolerance.fill(f64::INFINITY));
                return all;
            };
            for (e, m) in all.iter_mut().zip(&moved) {
                for ((t, v), m) in e.tolerance.iter_mut().zip(&e.value.data).zip(&m.data) {
                    let (v, m) = (v.as_complex(), m.as_complex());
                    let same = |p: f64, q: f64| p == q || (p.is_nan() && q.is_nan());
                    if same(v.re, m.re) && same(v.im, m.im) {
                        continue;
                    }
                    let d = (v - m).norm();
                    *t = if d.is_finite() { t.max(32.0 * d) } else { f64::INFINITY };
                }
            }
        }
        all
    }
}

impl Expected {
    /// Why an array is not what it must be.
    pub(crate) fn refuses(&self, got: &Array) -> Option<String> {
        let want = &self.value;
        if got.dtype != want.dtype || got.shape() != want.shape() {
            return Some(format!("{}{:?}, not {}{:?}", got.dtype, got.shape(), want.dtype, want.shape()));
        }
        for (((i, g), w), t) in got.data.indexed_iter().zip(&want.data).zip(&self.tolerance) {
            if g == w {
                continue;
            }
            let fine = want.dtype.is_inexact() && {
                let (a, b) = (g.as_complex(), w.as_complex());
                let open = self.flags.open_zero || self.flags.rough;
                let part = |p: f64, q: f64| {
                    let sign = open || p != 0.0 || p.is_sign_negative() == q.is_sign_negative();
                    (p.is_nan() && q.is_nan()) || (p == q && sign)
                };
                let same = part(a.re, b.re) && part(a.im, b.im);
                let near = |p: f64, q: f64| {
                    (p.is_nan() && q.is_nan()) || p == q || (p - q).abs() <= *t || t.is_infinite()
                };
                same || (self.flags.rough && near(a.re, b.re) && near(a.im, b.im))
            };
            if !fine {
                let what = if self.flags.rough { format!(" (within {t:e})") } else { String::new() };
                return Some(format!("element {:?}: {g}, not {w}{what}", i));
            }
        }
        None
    }
}
