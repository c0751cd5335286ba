//! Forms that lose accuracy or overflow where others do not: F011, F013, F014.
//!
//! They are looked for in the graph as it was written. Where rewriting already uses the better function, which it may at
//! most levels of `math`, there is nothing to say.
//!
//! Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, chapters 1 and 27.

use super::Diagnostic;
use super::situation::Situation;
use frit_ir::graph::{Graph, Node};
use frit_ir::ops::Class;
use frit_ir::{Loc, Op, Value};

/// A graph to look for forms in.
struct Forms<'a> {
    g: &'a Graph,
}

impl<'a> Forms<'a> {
    /// The node that makes a value, broadcasts, reshapes and casts between floats passed over.
    fn node(&self, mut v: Value) -> &'a Node {
        loop {
            let n = self.g.def(v);
            let passes = matches!(n.op, Op::BroadcastTo | Op::ExpandDims | Op::Squeeze | Op::Reshape)
                || n.op == Op::Cast && n.types[0].dtype.is_float();
            if !passes {
                return n;
            }
            v = n.inputs[0];
        }
    }

    fn constant(&self, v: Value) -> Option<f64> {
        let n = self.node(v);
        (n.op == Op::Constant).then(|| n.attrs.scalar(frit_ir::Key::Value).as_f64())
    }

    fn is(&self, v: Value, number: f64) -> bool {
        self.constant(v) == Some(number)
    }

    /// The operands of a node in either order, if one of them is a given number.
    fn beside(&self, n: &Node, number: f64) -> Option<Value> {
        let (a, b) = (n.inputs[0], n.inputs[1]);
        if self.is(b, number) {
            Some(a)
        } else if self.is(a, number) {
            Some(b)
        } else {
            None
        }
    }

    /// `x` of `x * x`, `x ** 2` or `square(x)`.
    fn squared(&self, v: Value) -> Option<Value> {
        let n = self.node(v);
        match n.op {
            Op::Square => Some(n.inputs[0]),
            Op::Multiply if n.inputs[0] == n.inputs[1] => Some(n.inputs[0]),
            Op::Power if self.is(n.inputs[1], 2.0) => Some(n.inputs[0]),
            _ => None,
        }
    }

    /// `x` of a mean of `x`.
    fn mean(&self, v: Value) -> Option<Value> {
        let n = self.node(v);
        match n.op {
            Op::Mean => Some(n.inputs[0]),
            Op::Divide if self.node(n.inputs[0]).op == Op::Sum => Some(self.node(n.inputs[0]).inputs[0]),
            _ => None,
        }
    }
}

/// A form: what a node must be, and what to write instead.
struct Form {
    op: Op,
    fits: fn(&Forms<'_>, &Node) -> bool,
    /// The function that rewriting may have put in its place.
    better: Option<Op>,
    what: &'static str,
    why: &'static str,
    instead: &'static str,
}

fn naive_variance(f: &Forms<'_>, n: &Node) -> bool {
    let of_squares = f.mean(n.inputs[0]).and_then(|m| f.squared(m));
    let squared_mean = f.squared(n.inputs[1]).and_then(|m| f.mean(m));
    of_squares.is_some() && of_squares == squared_mean
}

#[rustfmt::skip]
const CANCELLATION: [Form; 1] = [
    Form { op: Op::Subtract, fits: naive_variance, better: None, what: "mean(x*x) - mean(x)**2",
           why: "where the mean is large beside the spread, both terms agree in most digits, and the difference keeps none",
           instead: "write np.var(x), or mean((x - mean(x))**2)" },
];

#[rustfmt::skip]
const NEAR_A_POINT: [Form; 4] = [
    Form { op: Op::Subtract, fits: |f, n| f.is(n.inputs[1], 1.0) && f.node(n.inputs[0]).op == Op::Exp,
           better: Some(Op::Expm1), what: "exp(x) - 1", why: "for small x only the digits beyond 1 are left", instead: "write np.expm1(x)" },
    Form { op: Op::Add, fits: |f, n| f.beside(n, -1.0).is_some_and(|x| f.node(x).op == Op::Exp),
           better: Some(Op::Expm1), what: "exp(x) - 1", why: "for small x only the digits beyond 1 are left", instead: "write np.expm1(x)" },
    Form { op: Op::Log, fits: |f, n| { let a = f.node(n.inputs[0]); a.op == Op::Add && f.beside(a, 1.0).is_some() },
           better: Some(Op::Log1p), what: "log(1 + x)", why: "for small x the sum rounds its digits away", instead: "write np.log1p(x)" },
    Form { op: Op::Subtract, fits: |f, n| f.is(n.inputs[0], 1.0) && f.node(n.inputs[1]).op == Op::Cos,
           better: None, what: "1 - cos(x)", why: "for small x only the digits beyond 1 are left", instead: "write 2*np.sin(x/2)**2" },
];

#[rustfmt::skip]
const OVERFLOW: [Form; 2] = [
    Form { op: Op::Sqrt, fits: |f, n| { let a = f.node(n.inputs[0]); a.op == Op::Add && a.inputs.iter().all(|v| f.squared(*v).is_some()) },
           better: Some(Op::Hypot), what: "sqrt(x*x + y*y)", why: "the squares overflow from 1.3e154 on, and vanish below 1.5e-162, where the result does not",
           instead: "write np.hypot(x, y) if such values occur" },
    Form { op: Op::Log, fits: |f, n| f.node(n.inputs[0]).op == Op::Det,
           better: None, what: "log(det(a))", why: "the determinant of a large matrix overflows or vanishes where its logarithm does not",
           instead: "write np.linalg.slogdet(a)[1]" },
];

pub(super) fn cancellation(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    look("F011", &CANCELLATION, s, found);
}

pub(super) fn near_a_point(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    look("F013", &NEAR_A_POINT, s, found);
}

pub(super) fn overflow(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    look("F014", &OVERFLOW, s, found);
}

fn look(code: &str, forms: &[Form], s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    let g = &s.report.traced;
    let (f, live) = (Forms { g }, g.live());
    for id in g.ids().filter(|id| live[id.0 as usize]) {
        let n = g.node(id);
        if n.op.class() != Class::Elementwise || !n.types[0].dtype.is_float() {
            continue;
        }
        let Some(form) = forms.iter().find(|form| form.op == n.op && (form.fits)(&f, n)) else { continue };
        if form.better.is_some_and(|op| made(s, op, &n.loc)) {
            continue;
        }
        found.push(
            Diagnostic::new(code, format!("{} of {}", form.what, s.show(&n.types[0])), Some(n.op), &n.loc)
                .note(form.why)
                .help(form.instead),
        );
    }
}

/// True if rewriting made an op on a line.
fn made(s: &Situation<'_>, op: Op, loc: &Loc) -> bool {
    s.report.optimized.nodes.iter().any(|n| n.op == op && n.loc == *loc)
}
