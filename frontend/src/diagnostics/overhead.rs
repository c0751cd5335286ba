//! Programs that are not worth a call: F012.

use super::situation::Situation;
use super::{Diagnostic, Quantity};
use frit_ir::Loc;
use frit_ir::ops::Class;

/// What a ufunc of NumPy takes beside its work: `python -m timeit -s "import numpy as np; x = np.ones(1)" "x + x"` on a
/// 3 GHz machine.
const UFUNC: f64 = 0.5e-6;
/// The same of a reduction, a selection, a function that joins arrays: `x.sum()`.
const FUNCTION: f64 = 1.5e-6;
/// What NumPy takes for one byte of an operand or result in cache.
const NUMPY_BYTE: f64 = 0.03e-9;

/// F012: NumPy is done before frit has begun.
pub(super) fn small(s: &Situation<'_>, found: &mut Vec<Diagnostic>) {
    let g = &s.report.traced;
    let live = g.live();
    let mut time = 0.0;
    let mut last = Loc::NONE;
    for id in g.ids().filter(|id| live[id.0 as usize]) {
        let n = g.node(id);
        match n.op.class() {
            Class::Source | Class::View => continue,
            // Compiled or not, these do work that is not that of a few array operations.
            Class::Region | Class::Library | Class::Composite => return,
            class => time += if class == Class::Elementwise { UFUNC } else { FUNCTION },
        }
        let bytes: usize = n.inputs.iter().map(|v| s.bytes(g.ty(*v))).chain([s.bytes(&n.types[0])]).sum();
        time += bytes as f64 * NUMPY_BYTE;
        last = n.loc.clone();
    }
    let call = s.limits().call_seconds;
    if time == 0.0 || time >= call {
        return;
    }
    let microseconds = |t: f64| format!("{:.1} us", t * 1e6);
    found.push(
        Diagnostic::new(
            "F012",
            format!(
                "NumPy takes about {}, a call of a compiled function {}",
                microseconds(time),
                microseconds(call)
            ),
            None,
            &last,
        )
        .quantity(Quantity::Seconds(call - time))
        .help("compile the loop that calls it, or give it many of these arrays at once"),
    );
}
