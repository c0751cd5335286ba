//! Graphs as text.
//!
//! ```text
//! graph @main(%x0: f64[1000, n]) -> f64[1000] {
//!   %1 = square %x0 : f64[1000, n]
//!   %2 = sum %1 {axes = [1], keepdims = false} : f64[1000]
//!   return %2
//! }
//! ```
//!
//! A node with several results prints their types in order; result `k` of node `%3` is written `%3.k`. The alternate
//! form (`{:#}`) also writes where the user wrote each node: `loc "f.py":3:5 in "f"`.

use super::parse_graph::is_identifier;
use crate::attrs::{Attr, Attrs, Literal, Slice};
use crate::graph::{Graph, Value};
use crate::ops::Op;
use crate::{Dim, Key, Loc};
use std::fmt::{self, Display, Write};

/// Elements up to which an array constant is written as numbers.
const INLINE: usize = 16;

pub(super) fn list<T: Display>(f: &mut dyn Write, items: impl IntoIterator<Item = T>) -> fmt::Result {
    for (i, x) in items.into_iter().enumerate() {
        write!(f, "{}{x}", if i > 0 { ", " } else { "" })?;
    }
    Ok(())
}

struct Names<'a>(&'a Graph);

impl Names<'_> {
    fn of(&self, v: Value) -> String {
        let node = self.0.def(v);
        if node.op == Op::Input {
            return format!("%{}", self.0.inputs[node.attrs.int(Key::Position) as usize].name);
        }
        if node.types.len() > 1 { format!("%{}.{}", v.node.0, v.index) } else { format!("%{}", v.node.0) }
    }
}

fn slice(s: &Slice) -> String {
    format!("{} by {} from {}", s.size, s.step, s.start)
}

pub(super) fn literal(f: &mut dyn Write, l: &Literal) -> fmt::Result {
    write!(f, "{} ", l.ty)?;
    if l.len() <= INLINE {
        f.write_str("[")?;
        list(f, (0..l.len()).map(|i| l.get(i)))?;
        return f.write_str("]");
    }
    f.write_str("x\"")?;
    for b in l.bytes.iter() {
        write!(f, "{b:02x}")?;
    }
    f.write_str("\"")
}

/// ` loc "f.py":3:5 in "f"`, or nothing.
pub(super) fn location(f: &mut dyn Write, loc: &Loc) -> fmt::Result {
    let Some(p) = loc.place() else { return Ok(()) };
    write!(f, " loc {:?}:{}:{}", p.file, p.line, p.column)?;
    if p.function.is_empty() { Ok(()) } else { write!(f, " in {:?}", p.function) }
}

/// `@name`, quoted if it is not an identifier.
pub(super) fn at_name(name: &str) -> String {
    if is_identifier(name) { format!("@{name}") } else { format!("@{name:?}") }
}

/// ` {axis = 1, ..}`, or nothing. Nested graphs are indented; `locs` writes their locations.
pub(super) fn attributes(f: &mut dyn Write, attrs: &Attrs, indent: usize, locs: bool) -> fmt::Result {
    if attrs.is_empty() {
        return Ok(());
    }
    f.write_str(" {")?;
    let mut sorted: Vec<(Key, &Attr)> = attrs.iter().collect();
    sorted.sort_by_key(|(k, _)| k.name());
    for (i, (key, value)) in sorted.into_iter().enumerate() {
        write!(f, "{}{} = ", if i > 0 { ", " } else { "" }, key.name())?;
        match value {
            Attr::Bool(b) => write!(f, "{b}")?,
            Attr::Int(n) => write!(f, "{n}")?,
            Attr::Ints(v) => {
                f.write_str("[")?;
                list(f, v)?;
                f.write_str("]")?;
            }
            Attr::Dim(d) => write!(f, "{d}")?,
            Attr::Dims(v) => {
                f.write_str("[")?;
                list(f, v.iter())?;
                f.write_str("]")?;
            }
            Attr::Slices(v) => {
                f.write_str("[")?;
                list(f, v.iter().map(slice))?;
                f.write_str("]")?;
            }
            Attr::DType(t) => write!(f, "{t}")?,
            Attr::Scalar(s) => write!(f, "{s} : {}", s.dtype())?,
            Attr::Str(s) => write!(f, "{s:?}")?,
            Attr::Data(l) => literal(f, l)?,
            Attr::Graph(g) => graph(f, g, indent + 1, locs)?,
        }
    }
    f.write_str("}")
}

fn graph(f: &mut dyn Write, g: &Graph, indent: usize, locs: bool) -> fmt::Result {
    let pad = "  ".repeat(indent);
    write!(f, "graph {}(", at_name(&g.name))?;
    for (k, i) in g.inputs.iter().enumerate() {
        write!(f, "{}%{}: {}", if k > 0 { ", " } else { "" }, i.name, i.ty)?;
        if locs {
            location(f, &g.nodes[k].loc)?;
        }
    }
    f.write_str(") -> ")?;
    let types = g.output_types();
    if types.len() == 1 {
        write!(f, "{}", types[0])?;
    } else {
        f.write_str("(")?;
        list(f, types)?;
        f.write_str(")")?;
    }
    f.write_str(" {\n")?;
    let names = Names(g);
    for id in g.ids() {
        let node = g.node(id);
        if node.op == Op::Input {
            continue;
        }
        write!(f, "{pad}  %{} = {}", id.0, node.op)?;
        for (i, v) in node.inputs.iter().enumerate() {
            write!(f, "{} {}", if i > 0 { "," } else { "" }, names.of(*v))?;
        }
        attributes(f, &node.attrs, indent + 1, locs)?;
        f.write_str(" : ")?;
        list(f, &node.types)?;
        if locs {
            location(f, &node.loc)?;
        }
        f.write_str("\n")?;
    }
    write!(f, "{pad}  return{}", if g.outputs.is_empty() { "" } else { " " })?;
    list(f, g.outputs.iter().map(|v| names.of(*v)))?;
    write!(f, "\n{pad}}}")
}

impl Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let locs = f.alternate();
        graph(f, self, 0, locs)
    }
}

/// A dim list as it stands between the brackets of a shape.
pub(super) fn dims(v: &[Dim]) -> String {
    let mut s = String::new();
    list(&mut s, v).expect("writing to a string");
    s
}
