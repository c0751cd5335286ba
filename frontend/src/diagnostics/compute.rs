//! Work that a cheaper form, or none, would do: F003, F004, F005.

use super::situation::{Situation, base, parameter, users};
use super::{Diagnostic, Quantity};
use frit_ir::graph::{Graph, NodeId};
use frit_ir::{Loc, Op, TensorType, Value, flops};
use frit_passes::explain::Step;
use frit_passes::{MathLevel, Optimized, Options, RuleFired};
use std::collections::BTreeSet;

/// F003: the same program costs much less at a looser level of `math`.
pub(super) fn looser(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    let t = s.limits();
    // The costs that a report has of sizes with names are those of an example.
    let numbered = s.numbered(&s.report.traced);
    let traced = numbered.as_ref().unwrap_or(&s.report.traced);
    let optimized = |level| frit_passes::optimize(traced, &Options::new(level));
    let again = numbered.is_some().then(|| optimized(s.options.math));
    let (own, graph) = match &again {
        Some(Ok(again)) => (&again.report, &again.graph),
        Some(Err(_)) => return,
        None => (&s.report.passes, &s.report.optimized),
    };
    let seconds = own.cost_after.seconds;
    if seconds < t.looser_seconds {
        return;
    }
    for level in [MathLevel::Reassociate, MathLevel::Fast] {
        if level <= s.options.math {
            continue;
        }
        let Ok(other) = optimized(level) else { return };
        let less = other.report.cost_after.seconds;
        if seconds < t.looser_gain * less {
            continue;
        }
        let new = |name: &str| own.rules.iter().all(|r| r.name != name);
        let rules: Vec<_> = other.report.rules.iter().filter(|r| new(r.name)).collect();
        let names: Vec<&str> = rules.iter().map(|r| r.name).collect();
        let loc = rules.iter().rev().flat_map(|r| &r.locs).next().cloned().unwrap_or(Loc::NONE);
        let assumes = match level {
            MathLevel::Fast => "which assumes that no NaN and no infinity occurs",
            _ => "which changes results by rounding only",
        };
        found.push(
            Diagnostic::new(
                "F003",
                format!(
                    "{:.2e} FLOPs, {:.2e} with math=\"{}\"",
                    total(s, graph),
                    total(s, &other.graph),
                    level.name()
                ),
                None,
                &loc,
            )
            .quantity(Quantity::Flops(total(s, graph)))
            .note(format!(
                "by the cost model it takes {}, and {} there",
                Quantity::Seconds(seconds),
                Quantity::Seconds(less)
            ))
            .note(format!("by {}, {assumes}", names.join(", ")))
            .help(format!("use math=\"{}\", or write {}", level.name(), cheaper(&other, &rules))),
        );
        return;
    }
}

/// What to write instead: what the rule that saves most makes of what, in words.
fn cheaper(other: &Optimized, rules: &[&RuleFired]) -> String {
    let most = rules.iter().max_by(|a, b| a.seconds.total_cmp(&b.seconds)).map(|r| r.name);
    let written = |s: &&Step| Some(s.rule) == most && !s.before.is_empty() && !s.after.is_empty();
    let step = other.history().find(written);
    match step {
        Some(s) => format!("{} in place of {}", s.after, s.before),
        None if most == Some("matmul-chain") => String::from("the product of the smallest matrices first"),
        None => format!("what {} makes of it", most.unwrap_or("it")),
    }
}

/// The last two sizes of a type.
fn matrix(s: &Situation<'_>, ty: &TensorType) -> (f64, f64) {
    let size = |k: usize| s.number(&ty.shape[ty.rank() - k]).unwrap_or(1) as f64;
    if ty.rank() < 2 { (1.0, 1.0) } else { (size(2), size(1)) }
}

/// Floating-point operations of a node, its operands not counted; none that are not known.
fn operations(s: &Situation<'_>, g: &Graph, id: NodeId) -> f64 {
    let node = g.node(id);
    let operands: Vec<&TensorType> = node.inputs.iter().map(|v| g.ty(*v)).collect();
    let work = flops::of_op(node.op, &node.attrs, &operands, &node.types[0]);
    work.and_then(|work| s.number(&work)).map_or(0.0, |n| n as f64)
}

/// Floating-point operations of a graph.
fn total(s: &Situation<'_>, g: &Graph) -> f64 {
    let live = g.live();
    g.ids().filter(|id| live[id.0 as usize]).map(|id| operations(s, g, id)).sum()
}

/// F004: work that grows with the cube of a size, where a form for the few numbers that are wanted has less.
pub(super) fn cubic(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    let g = &s.report.optimized;
    let (live, users) = (g.live(), users(g));
    for id in g.ids().filter(|id| live[id.0 as usize]) {
        let node = g.node(id);
        if !FORMS.iter().any(|f| f.op == node.op) {
            continue;
        }
        let work = operations(s, g, id);
        if work < s.limits().cubic_flops {
            continue;
        }
        let use_ = Use { s, g, id, users: &users };
        let Some(form) = FORMS.iter().find(|f| f.op == node.op && (f.fits)(&use_)) else { continue };
        let of = s.show(g.ty(node.inputs[0]));
        found.push(
            Diagnostic::new(
                "F004",
                format!("{} of {of}, {work:.2e} FLOPs", node.op),
                Some(node.op),
                &node.loc,
            )
            .quantity(Quantity::Flops(work))
            .note(form.wanted)
            .help(form.instead),
        );
    }
}

/// How a node is used.
struct Use<'a> {
    s: &'a Situation<'a>,
    g: &'a Graph,
    id: NodeId,
    users: &'a [Vec<NodeId>],
}

/// A wasteful use of an op, and the form that does it with less.
struct Form {
    op: Op,
    fits: fn(&Use<'_>) -> bool,
    wanted: &'static str,
    instead: &'static str,
}

#[rustfmt::skip]
const FORMS: [Form; 10] = [
    Form { op: Op::Eigvals,  fits: |u| u.only_reduced(Op::Sum),  wanted: "only the sum of the eigenvalues is used", instead: "write np.trace(a)" },
    Form { op: Op::Eigvals,  fits: |u| u.only_reduced(Op::Prod), wanted: "only the product of the eigenvalues is used", instead: "write np.linalg.det(a)" },
    Form { op: Op::Eigvalsh, fits: |u| u.only_reduced(Op::Sum),  wanted: "only the sum of the eigenvalues is used", instead: "write np.trace(a)" },
    Form { op: Op::Eigvalsh, fits: |u| u.only_reduced(Op::Prod), wanted: "only the product of the eigenvalues is used", instead: "write np.linalg.det(a)" },
    Form { op: Op::Svd,      fits: |u| u.only_result(1),         wanted: "only the singular values are used", instead: "write np.linalg.svd(a, compute_uv=False)" },
    Form { op: Op::Eigh,     fits: |u| u.only_result(0),         wanted: "only the eigenvalues are used", instead: "write np.linalg.eigvalsh(a)" },
    Form { op: Op::Eig,      fits: |u| u.only_result(0),         wanted: "only the eigenvalues are used", instead: "write np.linalg.eigvals(a)" },
    Form { op: Op::Inv,      fits: |u| u.only_times_vectors(),   wanted: "the inverse is used in products with vectors only", instead: "write np.linalg.solve(a, b) for inv(a) @ b, and np.linalg.solve(a.T, b) for b @ inv(a)" },
    Form { op: Op::Inv,      fits: |u| u.only_sliced(),          wanted: "only a row or a column of the inverse is used", instead: "write np.linalg.solve(a, e) with e a column of the unit matrix" },
    Form { op: Op::Matmul,   fits: |u| u.only_times_vectors(),   wanted: "the product is used in products with vectors only", instead: "multiply with the vector first: a @ (b @ v)" },
];

impl Use<'_> {
    /// Nodes that use the result, views passed over; `None` if it is a result of the program.
    fn consumers(&self) -> Option<Vec<NodeId>> {
        let mut found = Vec::new();
        let mut stack = vec![self.id];
        while let Some(id) = stack.pop() {
            if self.g.outputs.iter().any(|v| v.node == id) {
                return None;
            }
            for user in &self.users[id.0 as usize] {
                if matches!(self.g.node(*user).op, Op::Transpose | Op::Reshape | Op::ExpandDims | Op::Squeeze)
                {
                    stack.push(*user);
                } else {
                    found.push(*user);
                }
            }
        }
        Some(found)
    }

    fn only(&self, fits: &dyn Fn(NodeId) -> bool) -> bool {
        self.consumers().is_some_and(|c| !c.is_empty() && c.iter().all(|n| fits(*n)))
    }

    /// Every use is a reduction over everything.
    fn only_reduced(&self, op: Op) -> bool {
        // A real part or a cast between does not matter.
        let passes = |n: NodeId| matches!(self.g.node(n).op, Op::Real | Op::Cast);
        self.only(&|n| {
            let reduces = |n: NodeId| self.g.node(n).op == op && self.g.node(n).types[0].elements().is(1);
            reduces(n) || passes(n) && self.users[n.0 as usize].iter().all(|m| reduces(*m))
        })
    }

    /// No result but one is used.
    fn only_result(&self, index: u32) -> bool {
        let used = self.users[self.id.0 as usize].iter().flat_map(|n| &self.g.node(*n).inputs);
        let all: BTreeSet<u32> =
            used.chain(&self.g.outputs).filter(|v| v.node == self.id).map(|v| v.index).collect();
        all == BTreeSet::from([index])
    }

    /// Every use is a product whose other operand has one row or column.
    fn only_times_vectors(&self) -> bool {
        self.only(&|n| {
            let node = self.g.node(n);
            if node.op != Op::Matmul {
                return false;
            }
            let (rows, columns) = matrix(self.s, &node.types[0]);
            let left = base(self.g, node.inputs[0]).node == self.id;
            let right = base(self.g, node.inputs[1]).node == self.id;
            left != right && if left { columns == 1.0 } else { rows == 1.0 }
        })
    }

    /// Every use takes one row or column.
    fn only_sliced(&self) -> bool {
        let (m, _) = matrix(self.s, &self.g.node(self.id).types[0]);
        self.only(&|n| self.g.node(n).op == Op::Slice && self.s.elements(&self.g.node(n).types[0]) <= m)
    }
}

/// F005: work on arrays that are the same at each call.
pub(super) fn repeated(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    let constant = &s.options.constant;
    if !constant.contains(&true)
        || constant.iter().all(|c| *c) && constant.len() == s.report.traced.inputs.len()
    {
        // Where nothing changes at all, the call itself is repeated: that is the caller's choice.
        return;
    }
    let g = &s.report.optimized;
    let live = g.live();
    // Nodes that some parameter reaches, all of them unchanging ones.
    let mut fixed = vec![false; g.nodes.len()];
    let mut free = vec![false; g.nodes.len()];
    for id in g.ids() {
        let node = g.node(id);
        let k = id.0 as usize;
        match parameter(g, Value { node: id, index: 0 }) {
            Some(position) => {
                fixed[k] = constant.get(position) == Some(&true);
                free[k] = !fixed[k];
            }
            None => {
                fixed[k] = node.inputs.iter().any(|v| fixed[v.node.0 as usize]);
                free[k] = node.inputs.iter().any(|v| free[v.node.0 as usize]);
            }
        }
    }
    let still = |id: NodeId| fixed[id.0 as usize] && !free[id.0 as usize];
    let users = users(g);
    for id in g.ids().filter(|id| live[id.0 as usize] && still(*id)) {
        let last = users[id.0 as usize].iter().any(|u| !still(*u)) || g.outputs.iter().any(|v| v.node == id);
        if !last {
            continue;
        }
        // Everything it is made of, once.
        let (mut seen, mut stack) = (BTreeSet::new(), vec![id]);
        while let Some(n) = stack.pop() {
            if seen.insert(n) {
                stack.extend(g.node(n).inputs.iter().map(|v| v.node));
            }
        }
        let costs: Vec<(NodeId, f64)> = seen.iter().map(|n| (*n, operations(s, g, *n))).collect();
        let work: f64 = costs.iter().map(|(_, c)| c).sum();
        if work < s.limits().repeated_flops {
            continue;
        }
        let dearest = costs.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(id, |(n, _)| *n);
        let node = g.node(dearest);
        found.push(
            Diagnostic::new(
                "F005",
                format!("{work:.2e} FLOPs at each call, for {}", s.show(&g.node(id).types[0])),
                Some(node.op),
                &node.loc,
            )
            .quantity(Quantity::Flops(work))
            .note("it depends only on arrays that are the same at each call")
            .help("compute it once, outside of the function, and make it an argument"),
        );
    }
}
