//! Arrays that are large: F001, F002, F010.

use super::situation::{Situation, parameter};
use super::{Diagnostic, Quantity};
use frit_ir::units::human_bytes;
use frit_ir::{Loc, Op};
use frit_passes::fuse::Reason;

/// F001: values that exist in memory after fusion, much larger than what they are made of, or most of a peak that does
/// not fit.
pub(super) fn intermediates(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    let t = s.limits();
    let (limit, _) = s.memory_there_is();
    let peak = s.memory.peak_bytes.max(1);
    // Under a limit that the program fits, what is stored is what there is room for.
    if s.options.memory_limit.is_some_and(|limit| peak > limit && s.fits(limit)) {
        return;
    }
    let mut limited = None;
    for (op, loc, ty, why) in s.report.groups.iter().flat_map(|g| &g.stored) {
        let bytes = s.bytes(ty);
        let result = *why == Reason::Output;
        if result && bytes > limit {
            // F002.
            continue;
        }
        let share = bytes as f64 / peak as f64;
        let grown = bytes as f64 >= t.intermediate_growth * s.memory.input_bytes as f64;
        if (bytes as f64) < t.intermediate_bytes
            || share < t.intermediate_share
            || !(grown || s.memory.peak_bytes > limit)
        {
            continue;
        }
        let what = format!("{}, {}", s.show(ty), human_bytes(bytes));
        let limited = limited.get_or_insert_with(|| within(s));
        let or = limited
            .map(|limit| format!("or call with memory_limit=\"{limit}MiB\", which computes it in parts"));
        let help: Vec<String> = [Some(instead(*why)), or].into_iter().flatten().collect();
        found.push(
            Diagnostic::new("F001", what, Some(*op), loc)
                .quantity(Quantity::Bytes(bytes))
                .note(format!(
                    "it is {:.0} % of the projected peak ({})",
                    share.min(1.0) * 100.0,
                    human_bytes(peak)
                ))
                .note(format!("it {why}"))
                .help(help.join("; ")),
        );
    }
}

/// A limit in MiB, of about a quarter of the peak, that the program fits when it is planned again; `None` if it does not.
fn within(s: &Situation<'_>) -> Option<usize> {
    let (peak, results) = (s.memory.peak_bytes, s.memory.output_bytes);
    let limit = (peak / 4).max(results + results / 8).div_ceil(1 << 20);
    (limit << 20 < peak && s.fits(limit << 20)).then_some(limit)
}

/// What to write so that a value need not be stored.
fn instead(why: Reason) -> String {
    match why {
        Reason::Output => {
            "return what is needed of it, a reduction or a slice: then it is never stored".into()
        }
        Reason::Operand(op) => format!("reduce or slice it before {op}, which reads it from memory"),
        Reason::Made(op) => format!("give {op} less: slice or reduce its operands"),
        Reason::Reduction => "reduce over more axes at once".into(),
        Reason::Shared | Reason::Limit => {
            "reduce it in the same expression in which it is computed, for each use".into()
        }
        Reason::Broadcast | Reason::Stencil => {
            "compute what is broadcast or shifted from smaller arrays".into()
        }
    }
}

/// F002: a parameter or a result that alone is more than the memory there is.
pub(super) fn beyond(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    let (limit, whose) = s.memory_there_is();
    let over =
        |bytes: usize| format!("more than {whose}, {}", human_bytes(if limit > bytes { 0 } else { limit }));
    let g = &s.report.traced;
    for (position, input) in g.inputs.iter().enumerate() {
        let bytes = s.bytes(&input.ty);
        if bytes > limit {
            // Where it is first used: parameters have no line of their own.
            let user = g.nodes.iter().find(|n| n.inputs.iter().any(|v| parameter(g, *v) == Some(position)));
            let loc = user.map_or(Loc::NONE, |n| n.loc.clone());
            let what = format!("argument {position}: {}, {}", s.show(&input.ty), human_bytes(bytes));
            found.push(
                Diagnostic::new("F002", what, Some(Op::Input), &loc)
                    .quantity(Quantity::Bytes(bytes))
                    .note(over(bytes))
                    .help("call with parts of it, one after another, and combine the results"),
            );
        }
    }
    for v in &g.outputs {
        let (node, ty) = (g.def(*v), g.ty(*v));
        let bytes = s.bytes(ty);
        if bytes > limit && parameter(g, *v).is_none() {
            let what = format!("result {}, {}", s.show(ty), human_bytes(bytes));
            found.push(
                Diagnostic::new("F002", what, Some(node.op), &node.loc)
                    .quantity(Quantity::Bytes(bytes))
                    .note(over(bytes))
                    .help("return what is needed of it, a reduction or a slice: then it is never stored"),
            );
        }
    }
}

/// F010: arrays that belong to the program instead of being given to it.
pub(super) fn constants(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    let least = s.limits().captured_bytes;
    let g = &s.report.traced;
    for id in g.ids() {
        let node = g.node(id);
        let position = parameter(g, frit_ir::Value { node: id, index: 0 });
        let captured = position.is_some_and(|k| s.options.constant.get(k) == Some(&true));
        if !(captured || node.op == Op::Literal) {
            continue;
        }
        let bytes = s.bytes(&node.types[0]);
        if (bytes as f64) < least {
            continue;
        }
        let user = g.nodes.iter().find(|n| n.inputs.iter().any(|v| v.node == id));
        let loc = if node.op == Op::Literal && node.loc != Loc::NONE {
            node.loc.clone()
        } else {
            user.map_or(Loc::NONE, |n| n.loc.clone())
        };
        let what = format!("{}, {}", s.show(&node.types[0]), human_bytes(bytes));
        let held = if captured {
            "it comes from outside of the function, is copied when the function is traced, and lives as long as it"
        } else {
            "its elements are part of the program, and of the file that the program is saved in"
        };
        found.push(
            Diagnostic::new("F010", what, Some(node.op), &loc)
                .quantity(Quantity::Bytes(bytes))
                .note(held)
                .help("make it an argument"),
        );
    }
}
