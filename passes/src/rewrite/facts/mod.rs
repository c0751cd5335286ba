//! What is known about each e-class. One file per kind of fact; each has a type with `of` (the fact of one node, from
//! those of its operands) and `meet` (both hold, because both nodes of a class have the same value).
//!
//! A fact is a promise: rules of class `exact` rely on it for every input, special values included. Facts of a class
//! come from all of its forms, so that one form may prove what another needs. The forms that rules of the looser
//! classes made count too: what they promise holds up to rounding only, like the rule itself.

mod literal;
mod range;
mod real;
mod structure;

#[cfg(test)]
mod tests;

pub(super) use literal::one_hot;
pub(crate) use range::Range;
pub(crate) use structure::Structure;

use super::language::ENode;
use crate::rebuild::Ranges;
use egg::DidMerge;
use frit_ir::ops::Class;
use frit_ir::{Attrs, Key, Op, Scalar, TensorType};
use std::rc::Rc;

/// Which location a class answers for: nodes of the program come before nodes that rules made, then the order of
/// the program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Origin {
    pub(crate) made: bool,
    /// Index into [`super::analysis::TensorAnalysis::locs`].
    pub(crate) loc: u32,
}

/// Facts of a class are refined at most this often: classes that hold a form of themselves could go on without end.
const REFINED: u8 = 16;

/// The facts of one e-class.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Facts {
    /// One type per result.
    pub(crate) types: Rc<[TensorType]>,
    /// The value that every element has, as it is written in the program.
    pub(crate) constant: Option<Scalar>,
    /// The values that elements can have.
    pub(crate) range: Range,
    /// Where its elements are.
    pub(crate) structure: Structure,
    pub(crate) origin: Origin,
    refined: u8,
}

/// A node whose facts are asked for.
pub(super) struct Site<'a> {
    pub(super) op: Op,
    pub(super) attrs: &'a Attrs,
    /// The node; its operands are classes.
    pub(super) node: &'a ENode,
    pub(super) operands: &'a [&'a Facts],
    pub(super) types: &'a [TensorType],
    /// Bounds of the loop indices around the graph.
    pub(super) ranges: &'a Ranges,
}

impl Facts {
    /// Of a value about which only the types are known.
    pub(super) fn unknown(types: Rc<[TensorType]>, origin: Origin) -> Facts {
        let range = Range::of_type(types[0].dtype);
        Facts { types, constant: None, range, structure: Structure::default(), origin, refined: 0 }
    }

    /// Of a node.
    pub(super) fn of(site: &Site<'_>, types: Rc<[TensorType]>, origin: Origin) -> Facts {
        let constant = match site.op {
            Op::Constant => Some(site.attrs.scalar(Key::Value)),
            op if op.class() == Class::View => site.operands[0].constant,
            _ => None,
        };
        let range = constant.map_or_else(|| Range::of(site), Range::point);
        Facts { types, constant, range, structure: Structure::of(site), origin, refined: 0 }
    }

    /// Keeps what either of two equal values is known to be.
    pub(super) fn meet(&mut self, b: Facts) -> DidMerge {
        debug_assert_eq!(self.types, b.types, "a rule changed a type");
        let constant = self.constant.or(b.constant);
        let mut range = self.range.meet(b.range);
        let refined = self.refined.max(b.refined);
        let mut structure = self.structure.meet(b.structure);
        let news = range != self.range || structure != self.structure;
        if news && refined >= REFINED {
            (range, structure) = (self.range, self.structure);
        }
        let origin = self.origin.min(b.origin);
        let changed = |f: &Facts| {
            f.constant != constant || f.range != range || f.structure != structure || f.origin != origin
        };
        let did = DidMerge(changed(self), changed(&b));
        self.refined = refined + u8::from(news && refined < REFINED);
        (self.constant, self.range, self.structure, self.origin) = (constant, range, structure, origin);
        did
    }
}
