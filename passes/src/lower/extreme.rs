//! The first position of an extreme, found in the pass that reads the elements.
//!
//! Blocks are reduced to their extreme as any minimum or maximum is, by vectors. Only a block that is better than all before
//! it is searched for the position: of `n` blocks in random order about `ln n` are.

use super::emit::Emitter;
use frit_ir::graph::{Graph, Node};
use frit_ir::kernel::{LoopKind, Stmt, Var};
use frit_ir::ops::Combine;
use frit_ir::prim::{Body, Emit, Prim, Val};
use frit_ir::{DType, Dim, Key, Scalar, Value};

/// The index of an element that a reduction over one axis reads.
pub(super) fn source_position(node: &Node, g: &Graph, kept: &[Dim], position: Dim) -> Vec<Dim> {
    let axis = node.attrs.ints(Key::Axes)[0];
    let mut rest = kept.iter();
    let rank = g.ty(node.inputs[0]).rank() as i64;
    let at = |k| if k == axis { position.clone() } else { rest.next().expect("ranks add up").clone() };
    (0..rank).map(at).collect()
}

/// The variables of a search for a position.
pub(super) struct Extreme {
    /// The extreme of the running block.
    block: Var,
    /// The best before it.
    best: Var,
    /// Where that is.
    pub(super) at: Var,
    which: Combine,
    op: Prim,
}

impl Extreme {
    /// Declares and initializes the variables, for elements of `dtype`.
    pub(super) fn start(e: &mut Emitter<'_>, which: Combine, dtype: DType) -> Extreme {
        // Elements of bool as integers, which have an order.
        let t = if dtype == DType::Bool { DType::U8 } else { dtype };
        let (block, best, at) = (e.kb.var(t), e.kb.var(t), e.kb.var(DType::I64));
        let worst = e.kb.constant(which.identity(t).expect("an extreme of values"));
        // Where nothing is beyond the worst, the first element is the extreme.
        let first = e.kb.constant(Scalar::zero(DType::I64));
        for (var, src) in [(block, worst), (best, worst), (at, first)] {
            e.kb.stmt(Stmt::Init { var, src });
        }
        Extreme { block, best, at, which, op: which.prim().expect("an extreme of values") }
    }

    pub(super) fn begin_block(&self, e: &mut Emitter<'_>) {
        let worst = self.which.identity(e.kb.kernel.vars[self.block.0 as usize]);
        let src = e.kb.constant(worst.expect("an extreme of values"));
        e.kb.stmt(Stmt::Init { var: self.block, src });
    }

    /// Takes an element along in its block.
    pub(super) fn accumulate(&self, e: &mut Emitter<'_>, x: Val) {
        let src = ordered(e, x);
        e.kb.stmt(Stmt::Accumulate { var: self.block, op: self.op, src });
    }

    /// Takes one element as the extreme if it is: without blocks, for elements that are costly or few.
    pub(super) fn improve(&self, e: &mut Emitter<'_>, x: Val, here: Val) {
        let x = ordered(e, x);
        let before = e.kb.get(self.best);
        let test = self.precedes(e, x, before);
        let position = e.kb.get(self.at);
        let mut b = Body(&mut e.kb);
        let (x, here) = (b.select(test, x, before), b.select(test, here, position));
        e.kb.stmt(Stmt::Set { var: self.best, src: x });
        e.kb.stmt(Stmt::Set { var: self.at, src: here });
    }

    /// Looks for the first position of a block's extreme, if it is better than the best before.
    pub(super) fn search(
        &self,
        e: &mut Emitter<'_>,
        source: Value,
        (axis, extent): (usize, &Dim),
        (lo, hi): (Dim, Dim),
        at: &mut [Dim],
    ) {
        let (found, before) = (e.kb.get(self.block), e.kb.get(self.best));
        let test = self.precedes(e, found, before);
        e.kb.open_block();
        e.kb.stmt(Stmt::Set { var: self.best, src: found });
        let never = e.kb.constant(Scalar::from_i64(DType::I64, i64::MAX));
        e.kb.stmt(Stmt::Init { var: self.at, src: never });
        let s = e.fresh("r");
        e.kb.open_loop(&s, extent);
        at[axis] = Dim::symbol(&s);
        let x = e.emit(source, at)[0];
        let x = ordered(e, x);
        let here = e.kb.index(&at[axis]);
        let mut b = Body(&mut e.kb);
        let mut hit = b.eq(x, found);
        if b.dtype(x).is_float() {
            // One that is NaN is the extreme of its block.
            let nan = b.is_nan(x);
            hit = b.or(hit, nan);
        }
        let src = b.select(hit, here, never);
        e.kb.stmt(Stmt::Accumulate { var: self.at, op: Prim::Min, src });
        let kind = if e.kb.holds_loop() { LoopKind::Serial } else { LoopKind::Vector };
        e.kb.close_loop(&s, lo, hi, kind);
        let then = e.kb.close_block();
        e.kb.stmt(Stmt::If { test, then, otherwise: vec![] });
    }

    /// True if `x` comes before `y`: it is beyond it, or the first NaN.
    fn precedes(&self, e: &mut Emitter<'_>, x: Val, y: Val) -> Val {
        let mut b = Body(&mut e.kb);
        let beyond = if self.which == Combine::Min { b.lt(x, y) } else { b.lt(y, x) };
        if !b.dtype(x).is_float() {
            return beyond;
        }
        let (mine, theirs) = (b.is_nan(x), b.is_nan(y));
        let none = b.not(theirs);
        let first = b.and(mine, none);
        b.or(beyond, first)
    }
}

/// An element as a type that has an order.
fn ordered(e: &mut Emitter<'_>, x: Val) -> Val {
    let mut b = Body(&mut e.kb);
    if b.dtype(x) == DType::Bool { b.cast(x, DType::U8) } else { x }
}
