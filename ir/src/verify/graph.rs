//! Invariants of a graph:
//!
//! 1. Input `k` is node `k`: op `input`, `position = k`, the declared type. Input names are identifiers, each once.
//! 2. A node's operands, and the graph's results, are results of earlier nodes.
//! 3. A node's types are those of [`infer`], which checks operand count, attributes, element types and shapes. No array
//!    is known to have more bytes than fit in 64 bits, in whatever element type.
//! 4. No two nodes are equal.
//! 5. A size symbol stands alone as a size of some input, or with known ones in an expression that it enters linearly
//!    (so that a call binds it); every other expression mentions such symbols, and inside a loop's region its index,
//!    only. A loop index has a name of its own.

use super::{Checked, broken, require, unknown_symbol};
use crate::attrs::{Attr, Attrs, Key};
use crate::dim::{Dim, Symbol};
use crate::graph::{Graph, Node};
use crate::infer::infer;
use crate::ops::Op;
use crate::text::is_identifier;
use std::collections::{HashMap, HashSet};

/// Checks a graph and its regions.
pub fn graph(g: &Graph) -> Checked {
    within(g, &sizes(g.inputs.iter().flat_map(|i| &i.ty.shape)))
}

/// The names that the sizes of arguments tell: those that are a size, and those for which one can be solved (of `2*n + 1`
/// elements, `n`).
pub(super) fn sizes<'a>(shape: impl Iterator<Item = &'a Dim> + Clone) -> HashSet<Symbol> {
    let mut scope: HashSet<Symbol> = shape.clone().filter_map(lone_symbol).collect();
    loop {
        let known = scope.len();
        for d in shape.clone() {
            let mut unknown: Vec<Symbol> = Vec::new();
            d.for_each_symbol(&mut |s| {
                if !scope.contains(s) && !unknown.contains(s) {
                    unknown.push(s.clone());
                }
            });
            if let [name] = &unknown[..]
                && is_identifier(name)
                && d.affine_in(name).is_some()
            {
                scope.insert(name.clone());
            }
        }
        if scope.len() == known {
            return scope;
        }
    }
}

/// The symbol that an expression is, if it is one.
fn lone_symbol(d: &Dim) -> Option<Symbol> {
    let ([(atoms, 1)], 0) = d.terms() else { return None };
    match &atoms[..] {
        // `%3` is a value of a kernel, `x0.s1` a stride of a plan's input.
        [crate::dim::Atom::Sym(s)] if is_identifier(s) => Some(s.clone()),
        _ => None,
    }
}

fn within(g: &Graph, scope: &HashSet<Symbol>) -> Checked {
    let known = |s: &str| scope.contains(s);
    let check_dim = |d: &Dim, place: &dyn Fn() -> String| match unknown_symbol(d, &known) {
        Some(s) => {
            broken(place(), format!("size `{s}` is not a size of an input or an enclosing loop's index"))
        }
        None => Ok(()),
    };
    let mut names = HashSet::new();
    for (k, input) in g.inputs.iter().enumerate() {
        let place = || format!("input %{}", input.name);
        require(is_identifier(&input.name), &place, || "the name is not an identifier".into())?;
        require(names.insert(&input.name), &place, || "another input has this name".into())?;
        let is_node = g.nodes.get(k).is_some_and(|n| {
            n.op == Op::Input
                && n.attrs == Attrs::new([(Key::Position, Attr::Int(k as i64))])
                && n.inputs.is_empty()
                && n.types == std::slice::from_ref(&input.ty)
        });
        require(is_node, &place, || format!("node {k} is not this input"))?;
        for d in &input.ty.shape {
            check_dim(d, &place)?;
            require(d.as_const().is_none_or(|v| v >= 0), &place, || format!("negative size {d}"))?;
        }
        require(input.ty.is_addressable(), &place, || input.ty.too_big())?;
    }
    let mut seen: HashMap<&Node, usize> = HashMap::with_capacity(g.nodes.len());
    for (id, node) in g.nodes.iter().enumerate().skip(g.inputs.len()) {
        let place = || format!("%{id} = {}", node.op);
        require(node.op != Op::Input, &place, || "an input that the head does not declare".into())?;
        let mut types = Vec::with_capacity(node.inputs.len());
        for v in &node.inputs {
            let earlier = (v.node.0 as usize) < id && g.def(*v).types.len() > v.index as usize;
            require(earlier, &place, || format!("operand %{}.{} is not defined before", v.node.0, v.index))?;
            types.push(g.ty(*v));
        }
        match infer(node.op, &node.attrs, &types) {
            Ok(t) => require(t == node.types, &place, || "the types are not the inferred ones".into())?,
            Err(e) => return broken(place(), e.cause.to_string()),
        }
        if let Some(t) = node.types.iter().find(|t| !t.is_addressable()) {
            return broken(place(), t.too_big());
        }
        if let Some(other) = seen.insert(node, id) {
            return broken(place(), format!("is equal to %{other}"));
        }
        attributes(node, scope, &check_dim, &place)?;
    }
    for v in &g.outputs {
        let exists = g.nodes.get(v.node.0 as usize).is_some_and(|n| n.types.len() > v.index as usize);
        require(exists, &|| "return".into(), || format!("%{}.{} is not defined", v.node.0, v.index))?;
    }
    Ok(())
}

/// Expressions and regions in attributes.
fn attributes(
    node: &Node,
    scope: &HashSet<Symbol>,
    check_dim: &dyn Fn(&Dim, &dyn Fn() -> String) -> Checked,
    place: &dyn Fn() -> String,
) -> Checked {
    let mut inner = None;
    if node.op == Op::For {
        let index = node.attrs.str(Key::Index);
        require(is_identifier(index), place, || format!("the loop index `{index}` is not an identifier"))?;
        require(!scope.contains(index), place, || format!("the loop index `{index}` is a name in use"))?;
        let mut with_index = scope.clone();
        with_index.insert(index.into());
        inner = Some(with_index);
    }
    for (_, attr) in node.attrs.iter() {
        match attr {
            Attr::Dim(d) => check_dim(d, place)?,
            Attr::Dims(v) => v.iter().try_for_each(|d| check_dim(d, place))?,
            Attr::Slices(v) => {
                v.iter().flat_map(|s| [&s.start, &s.size]).try_for_each(|d| check_dim(d, place))?;
            }
            Attr::Graph(region) => {
                if let Err(mut e) = within(region, inner.as_ref().unwrap_or(scope)) {
                    e.place = format!("{}: {}", place(), e.place);
                    return Err(e);
                }
            }
            _ => {}
        }
    }
    Ok(())
}
