//! Lane widths of the masks in a loop: the bools.
//!
//! A comparison makes a mask as wide as its operands, a selection needs one as wide as its own, memory has bytes. Bool
//! operations between them have a choice; this module makes it, so that few masks change width.

use crate::stage::{defines, operands};
use frit_ir::kernel::{Kernel, Stmt};
use frit_ir::prim::Val;
use frit_ir::{DType, Prim};
use std::collections::BTreeMap;

/// The width in bytes of each mask that a body defines.
pub(super) type Widths = BTreeMap<Val, i64>;

/// Chooses the widths.
pub(super) fn choose(kernel: &Kernel, body: &[Stmt]) -> Widths {
    let is_bool = |v: &Val| kernel.ty(*v) == DType::Bool;
    // Forward: the widths at which masks come to be. Without one, a value can have any.
    let mut made: Widths = BTreeMap::new();
    for s in body {
        let Some(dst) = defines(s).filter(is_bool) else { continue };
        let Stmt::Let { args, .. } = s else { continue };
        let of = |v: &Val| if is_bool(v) { made.get(v).copied() } else { Some(kernel.ty(*v).size() as i64) };
        if let Some(w) = args.iter().filter_map(of).max() {
            made.insert(dst, w);
        }
    }
    // Backward: the widths at which they are used.
    let mut wanted: Widths = BTreeMap::new();
    let mut all: Widths = BTreeMap::new();
    for s in body.iter().rev() {
        if let Some(dst) = defines(s).filter(is_bool) {
            let compares =
                matches!(s, Stmt::Let { op, args, .. } if *op != Prim::Select && !is_bool(&args[0]));
            let free = operands(s).iter().any(|v| is_bool(v) && !made.contains_key(v));
            let width = match (made.get(&dst), wanted.get(&dst)) {
                (Some(m), _) if compares => *m,
                (Some(m), Some(w)) if free => *m.min(w),
                (Some(m), _) => *m,
                (None, w) => w.copied().unwrap_or(1),
            };
            all.insert(dst, width);
        }
        let want = need(kernel, &all, s);
        for v in operands(s).into_iter().filter(is_bool) {
            let w = wanted.entry(v).or_insert(1);
            *w = (*w).max(want);
        }
    }
    all
}

/// The width at which a statement takes its bools.
pub(super) fn need(kernel: &Kernel, widths: &Widths, s: &Stmt) -> i64 {
    let own = |v: &Val| widths.get(v).copied().unwrap_or(1);
    match s {
        Stmt::Let { dst, .. } if kernel.ty(*dst) == DType::Bool => own(dst),
        Stmt::Let { dst, .. } => kernel.ty(*dst).size() as i64,
        Stmt::Accumulate { src, .. } => own(src),
        Stmt::Check { test, .. } => own(test),
        _ => 1,
    }
}
