//! The e-graph's language, written once over the op table: an e-node is an op, its attributes and its operands.

use egg::{FromOp, FromOpError, Id, Language};
use frit_ir::{Attrs, Op};
use rustc_hash::FxHashMap;
use std::fmt;

/// What an e-node is, operands aside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Head {
    /// A row of the op table.
    Op(Op),
    /// One result of an operation that has several.
    Result(u32),
    /// A value from outside the piece of the graph that is being rewritten.
    Leaf(u32),
}

/// Interned attributes: equal numbers, equal attributes. Number 0 is "none".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub(crate) struct AttrsId(pub(crate) u32);

/// One way to compute an e-class.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct ENode {
    pub(crate) head: Head,
    pub(crate) attrs: AttrsId,
    pub(crate) children: Vec<Id>,
}

impl ENode {
    /// The op; `None` for results and leaves.
    pub(crate) fn op(&self) -> Option<Op> {
        if let Head::Op(op) = self.head { Some(op) } else { None }
    }
}

impl Language for ENode {
    type Discriminant = Head;

    fn discriminant(&self) -> Head {
        self.head
    }

    fn matches(&self, other: &ENode) -> bool {
        self.head == other.head && self.attrs == other.attrs && self.children.len() == other.children.len()
    }

    fn children(&self) -> &[Id] {
        &self.children
    }

    fn children_mut(&mut self) -> &mut [Id] {
        &mut self.children
    }
}

/// Patterns name ops without attributes: `(log (add ?x ?one))`.
impl FromOp for ENode {
    type Error = FromOpError;

    fn from_op(op: &str, children: Vec<Id>) -> Result<ENode, FromOpError> {
        match Op::from_name(op) {
            Some(o) if o.def().attrs.is_empty() => {
                Ok(ENode { head: Head::Op(o), attrs: AttrsId(0), children })
            }
            _ => Err(FromOpError::new(op, children)),
        }
    }
}

impl fmt::Display for ENode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.head {
            Head::Op(op) => f.write_str(op.name()),
            Head::Result(k) => write!(f, "result{k}"),
            Head::Leaf(k) => write!(f, "leaf{k}"),
        }
    }
}

/// The attributes behind [`AttrsId`].
#[derive(Debug)]
pub(crate) struct AttrsTable {
    list: Vec<Attrs>,
    ids: FxHashMap<Attrs, AttrsId>,
}

impl AttrsTable {
    pub(crate) fn new() -> AttrsTable {
        AttrsTable { list: vec![Attrs::NONE], ids: FxHashMap::from_iter([(Attrs::NONE, AttrsId(0))]) }
    }

    pub(crate) fn get(&self, id: AttrsId) -> &Attrs {
        &self.list[id.0 as usize]
    }

    pub(crate) fn intern(&mut self, attrs: Attrs) -> AttrsId {
        if attrs.is_empty() {
            return AttrsId(0);
        }
        if let Some(id) = self.ids.get(&attrs) {
            return *id;
        }
        let id = AttrsId(self.list.len() as u32);
        self.list.push(attrs.clone());
        self.ids.insert(attrs, id);
        id
    }
}
