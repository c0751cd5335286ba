//! Expressions of an e-graph as text for people: `sum(x * y, axes=[1])`, down to a few levels.

use super::language::{AttrsTable, ENode, Head};
use super::rule::Rule;
use super::rules;
use super::search::Search;
use egg::{FlatTerm, Id, Language as _};
use frit_ir::{Attr, Dim, Key, Op, Slice};
use std::collections::HashMap;

/// Levels that are written out.
const DEPTH: usize = 4;

/// Ops that are written between their operands.
const INFIX: &[(Op, &str)] = &[
    (Op::Add, "+"),
    (Op::Subtract, "-"),
    (Op::Multiply, "*"),
    (Op::Divide, "/"),
    (Op::Power, "**"),
    (Op::Matmul, "@"),
    (Op::Less, "<"),
    (Op::LessEqual, "<="),
    (Op::Greater, ">"),
    (Op::GreaterEqual, ">="),
    (Op::Equal, "=="),
    (Op::NotEqual, "!="),
];

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// As Python writes it.
fn slice(s: &Slice) -> String {
    if s.size.is(1) {
        return format!("{}:{}", s.start, &s.start + 1);
    }
    if s.step == 1 {
        return format!("{}:{}", s.start, &s.start + &s.size);
    }
    // The end of a slice with a step depends on its sign: the count says as much.
    format!("{} from {} by {}", s.size, s.start, s.step)
}

fn attr(key: Key, a: &Attr) -> String {
    let value = match a {
        Attr::Bool(b) => b.to_string(),
        Attr::Int(n) => n.to_string(),
        Attr::Ints(v) => format!("[{}]", list(v)),
        Attr::Dim(d) => d.to_string(),
        Attr::Dims(v) => format!("[{}]", list::<Dim>(v)),
        Attr::Slices(v) => return format!("[{}]", v.iter().map(slice).collect::<Vec<_>>().join(", ")),
        Attr::DType(t) => t.to_string(),
        Attr::Scalar(s) => return s.to_string(),
        Attr::Str(s) => format!("{s:?}"),
        Attr::Data(l) => l.ty.to_string(),
        Attr::Graph(_) => "...".into(),
    };
    format!("{}={value}", key.name())
}

/// One operation on operands that are text already.
fn operation(attrs: &AttrsTable, node: &ENode, operands: &[String], leaf: &dyn Fn(u32) -> String) -> String {
    let op = match node.head {
        Head::Leaf(k) => return leaf(k),
        Head::Result(k) => return format!("{}.{k}", operands[0]),
        Head::Op(op) => op,
    };
    if let (Some((_, sign)), [a, b]) = (INFIX.iter().find(|(o, _)| *o == op), operands) {
        return format!("({a} {sign} {b})");
    }
    let mut sorted: Vec<(Key, &Attr)> = attrs.get(node.attrs).iter().collect();
    sorted.sort_by_key(|(k, _)| k.name());
    let written: Vec<String> = sorted.into_iter().map(|(k, a)| attr(k, a)).collect();
    match (op, operands) {
        (Op::Constant, _) => written.concat(),
        (Op::Slice, [x]) => format!("{x}{}", written.concat()),
        _ => format!("{op}({})", operands.iter().cloned().chain(written).collect::<Vec<_>>().join(", ")),
    }
}

impl Search<'_> {
    /// An e-node, with each operand in the form that `form` gives.
    pub(super) fn show(&self, node: &ENode, form: &dyn Fn(Id) -> Option<ENode>) -> String {
        self.show_to(node, form, DEPTH)
    }

    fn show_to(&self, node: &ENode, form: &dyn Fn(Id) -> Option<ENode>, depth: usize) -> String {
        let operand = |c: &Id| match form(self.egraph.find(*c)) {
            Some(n) if depth > 1 || n.children.is_empty() => self.show_to(&n, form, depth - 1),
            _ => "...".into(),
        };
        let operands: Vec<String> = node.children.iter().map(operand).collect();
        operation(&self.egraph.analysis.attrs, node, &operands, &|k| self.leaf_name(k))
    }

    /// A line of a proof, whole.
    pub(super) fn show_term(&self, term: &FlatTerm<ENode>) -> String {
        let operands: Vec<String> = term.children.iter().map(|c| self.show_term(c)).collect();
        operation(&self.egraph.analysis.attrs, &term.node, &operands, &|k| self.leaf_name(k))
    }
}

/// The rule that leads to a line of a proof, and whether backward.
pub(super) fn applied_rule(term: &FlatTerm<ENode>) -> Option<(&'static Rule, bool)> {
    let named = |s: egg::Symbol| rules::all().find(|r| r.name == s.as_str());
    if let Some(rule) = term.forward_rule {
        return Some((named(rule)?, false));
    }
    if let Some(rule) = term.backward_rule {
        return Some((named(rule)?, true));
    }
    term.children.iter().find_map(applied_rule)
}

/// Nodes of the expressions of a list, operands first, with shared parts counted in each place.
pub(super) fn tree_size<'n>(
    order: impl Iterator<Item = (Id, &'n ENode)>,
    find: &dyn Fn(Id) -> Id,
) -> HashMap<Id, usize> {
    let mut sizes: HashMap<Id, usize> = HashMap::new();
    for (class, n) in order {
        let below = n.children().iter().map(|c| sizes.get(&find(*c)).copied().unwrap_or(1));
        let size = below.fold(1usize, usize::saturating_add);
        sizes.entry(class).or_insert(size);
    }
    sizes
}
