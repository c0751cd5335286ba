//! How kernels walk through memory: F007.

use super::situation::{Situation, base, parameter};
use super::{Diagnostic, Quantity};
use frit_ir::kernel::{Kernel, Mem, Stmt};
use frit_ir::plan::{BufferSource, Launch, Step};
use frit_ir::units::human_bytes;
use frit_ir::{Dim, Loc, Op, Symbol};
use std::collections::BTreeSet;

/// Bytes that memory and caches move at once.
const LINE: i64 = 64;

/// F007: an innermost loop that reads one element of each cache line, of an array too large for the lines to stay in
/// cache until the neighbours are read.
pub(super) fn strided(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    let plan = &s.report.program.plan;
    let mut told = BTreeSet::new();
    let mut walk = vec![&plan.steps[..]];
    while let Some(steps) = walk.pop() {
        for step in steps {
            match step {
                Step::Launch(l) => {
                    let kernel = &plan.kernels[l.kernel];
                    // What copies and nothing else is the fix.
                    if kernel.body.iter().any(computes) {
                        launch(s, kernel, l, &mut told, found);
                    }
                }
                Step::For { body, .. } => walk.push(body),
                Step::While { body, .. } => walk.push(body),
                Step::If { then, otherwise, .. } => walk.extend([&then[..], otherwise]),
                _ => {}
            }
        }
    }
}

fn computes(s: &Stmt) -> bool {
    match s {
        Stmt::Let { .. } | Stmt::Accumulate { .. } => true,
        Stmt::For { body, .. } => body.iter().any(computes),
        Stmt::While { .. } => true,
        Stmt::If { then, otherwise, .. } => then.iter().chain(otherwise).any(computes),
        _ => false,
    }
}

/// A load inside of its innermost loop.
struct Access<'a> {
    buffer: usize,
    index: &'a [Dim],
    /// The loop's index and bounds.
    innermost: (&'a Symbol, &'a Dim, &'a Dim),
}

fn accesses<'a>(
    stmts: &'a [Stmt],
    innermost: Option<(&'a Symbol, &'a Dim, &'a Dim)>,
    found: &mut Vec<Access<'a>>,
) {
    for s in stmts {
        match s {
            Stmt::Load { mem: Mem::Buffer(b), index, .. } => {
                if let Some(innermost) = innermost {
                    found.push(Access { buffer: *b as usize, index, innermost });
                }
            }
            Stmt::For { index, lo, hi, body, .. } => accesses(body, Some((index, lo, hi)), found),
            Stmt::While { cond, body, .. } => {
                accesses(cond, innermost, found);
                accesses(body, innermost, found);
            }
            Stmt::If { then, otherwise, .. } => {
                accesses(then, innermost, found);
                accesses(otherwise, innermost, found);
            }
            _ => {}
        }
    }
}

fn launch(
    s: &Situation<'_>,
    kernel: &Kernel,
    l: &Launch,
    told: &mut BTreeSet<u32>,
    found: &mut Vec<Diagnostic>,
) {
    let size = |name: &str| {
        let k = kernel.sizes.iter().position(|n| &**n == name)?;
        s.number(&l.sizes[k])
    };
    let mut all = Vec::new();
    accesses(&kernel.body, None, &mut all);
    for a in all {
        let view = &l.args[a.buffer];
        let buffer = s.report.program.plan.buffer(view.buffer);
        let width = buffer.dtype.size() as i64;
        // Elements from one iteration to the next; the last index of a complex array is that of its parts.
        let step: Option<i64> = a.index.iter().zip(&view.strides).try_fold(0i64, |sum, (index, stride)| {
            let (coefficient, _) = index.affine_in(a.innermost.0)?;
            Some(sum + coefficient.eval(&size).ok()? * s.number(stride)?)
        });
        let Some(step) = step.filter(|n| n.abs() * width >= LINE) else { continue };
        let trips = a.innermost.2.eval(&size).ok().zip(a.innermost.1.eval(&size).ok());
        let Some(trips) = trips.map(|(hi, lo)| hi - lo) else { continue };
        let elements: i64 = view.shape.iter().filter_map(|d| s.number(d)).map(|n| n.max(0)).product();
        let bytes = elements * width;
        let t = s.limits();
        if (bytes as f64) < t.strided_bytes
            || ((trips * LINE) as f64) < t.strided_walk
            || !told.insert(view.buffer.0)
        {
            continue;
        }
        let (whose, help) = match buffer.source {
            BufferSource::Input(k) => (
                format!("argument {k}, "),
                "pass the array in the order in which it is read: np.ascontiguousarray(x) for one whose last axis is \
                 not the contiguous one, np.asfortranarray(x) for one that is read transposed",
            ),
            _ => (String::new(), "compute it transposed, so that it is read in the order of memory"),
        };
        let shape: Vec<String> =
            view.shape.iter().map(|d| s.number(d).map_or("?".into(), |n| n.to_string())).collect();
        let what = format!(
            "{whose}{}[{}], {}",
            buffer.dtype.numpy_name(),
            shape.join(", "),
            human_bytes(bytes as usize)
        );
        let loc = transposed_at(s, &buffer.source).unwrap_or_else(|| l.origin.loc.clone());
        found.push(
            Diagnostic::new("F007", what, Some(l.origin.op), &loc)
                .quantity(Quantity::Bytes(bytes as usize * (LINE / width.min(LINE)) as usize))
                .note(format!(
                    "neighbours in the innermost loop of {} lie {} apart, so that each element costs a cache line",
                    kernel.name,
                    human_bytes((step.abs() * width) as usize)
                ))
                .help(help),
        );
    }
}

/// The line on which a parameter is transposed.
fn transposed_at(s: &Situation<'_>, source: &BufferSource) -> Option<Loc> {
    let BufferSource::Input(position) = source else { return None };
    let g = &s.report.optimized;
    let found = g.nodes.iter().find(|n| {
        n.op == Op::Transpose && parameter(g, base(g, n.inputs[0])) == Some(*position) && n.loc != Loc::NONE
    });
    found.map(|n| n.loc.clone())
}
