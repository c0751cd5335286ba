//! Graphs from text. The grammar is what `print_graph` writes; `//` comments and any spacing are allowed.

use super::lexer::{Token, is_name_char};
use super::parser::{Parsed, Parser};
use crate::attrs::{Attr, AttrKind, Attrs, Key, Literal, Slice};
use crate::error::ParseError;
use crate::graph::{Graph, GraphBuilder, Value};
use crate::ops::Op;
use crate::verify;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

/// Values by name, and how many results each name has.
struct Names<'a>(HashMap<&'a str, (Value, usize)>);

impl<'a> Names<'a> {
    fn define(&mut self, p: &Parser<'a>, at: usize, name: &'a str, v: Value, results: usize) -> Parsed<()> {
        match self.0.insert(name, (v, results)) {
            Some(_) => p.fail_at(at, format!("`%{name}` is defined twice")),
            None => Ok(()),
        }
    }

    /// The value that the next token names.
    fn value(&self, p: &mut Parser<'a>) -> Parsed<Value> {
        let Token::Percent(text) = p.token() else { return p.expected("a value") };
        let (name, index) = match text.split_once('.') {
            Some((name, k)) => (name, k.parse::<u32>().ok()),
            None => (text, Some(0)),
        };
        let Some((v, results)) = self.0.get(name) else { return p.fail(format!("`%{name}` is not defined")) };
        let Some(index) = index.filter(|k| (*k as usize) < *results) else {
            return p.fail(format!("`%{name}` has {results} results, no `{text}`"));
        };
        p.advance()?;
        Ok(Value { node: v.node, index })
    }
}

/// True for a name that text can hold: a letter or `_`, then letters, digits and `_`.
pub(crate) fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_numeric()) && !name.is_empty() && name.chars().all(is_name_char)
}

/// `"wx1"` or `[1.0, 2.0]`, after the type.
pub(super) fn literal(p: &mut Parser<'_>) -> Parsed<Literal> {
    let at = p.at();
    let ty = p.tensor_type()?;
    let Some(shape) = ty.const_shape() else { return p.fail_at(at, "a constant needs constant sizes") };
    let size = shape.iter().try_fold(ty.dtype.size(), |n, d| n.checked_mul(*d));
    let mut bytes = Vec::new();
    if let Token::Hex(digits) = p.token() {
        if digits.len() % 2 != 0 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return p.fail("expected pairs of hexadecimal digits");
        }
        let nibble = |b: u8| (b as char).to_digit(16).unwrap_or(0) as u8;
        bytes.extend(digits.as_bytes().chunks_exact(2).map(|d| nibble(d[0]) << 4 | nibble(d[1])));
        p.advance()?;
    } else {
        for s in p.list("[", "]", |p| p.scalar_of(ty.dtype))? {
            bytes.extend(s.to_bytes());
        }
    }
    if size != Some(bytes.len()) {
        return p.fail_at(at, format!("{} bytes of data for {ty}", bytes.len()));
    }
    Ok(Literal { ty, bytes: bytes.into() })
}

fn slice(p: &mut Parser<'_>) -> Parsed<Slice> {
    let size = p.dim()?;
    p.expect_word("by")?;
    let step = p.int()?;
    p.expect_word("from")?;
    let start = p.dim()?;
    Ok(Slice { start, size, step })
}

fn attribute(p: &mut Parser<'_>) -> Parsed<(Key, Attr)> {
    let at = p.at();
    let name = p.name("the name of an attribute")?;
    let Some(key) = Key::from_name(name) else { return p.fail_at(at, format!("unknown attribute `{name}`")) };
    p.expect("=")?;
    let value = match key.kind() {
        AttrKind::Bool => Attr::Bool(p.boolean()?),
        AttrKind::Int => Attr::Int(p.int()?),
        AttrKind::Ints => Attr::Ints(p.list("[", "]", |p| p.int())?),
        AttrKind::Dim => Attr::Dim(p.dim()?),
        AttrKind::Dims => Attr::Dims(p.list("[", "]", |p| p.dim())?),
        AttrKind::Slices => Attr::Slices(p.list("[", "]", slice)?),
        AttrKind::DType => Attr::DType(p.dtype()?),
        AttrKind::Scalar => Attr::Scalar(p.scalar()?),
        AttrKind::Str => Attr::Str(p.string()?.into()),
        AttrKind::Data => Attr::Data(literal(p)?),
        AttrKind::Graph => Attr::Graph(Arc::new(p.nested(graph)?)),
    };
    Ok((key, value))
}

/// `{axis = 1, ..}`, or nothing.
pub(super) fn attributes(p: &mut Parser<'_>) -> Parsed<Attrs> {
    if !p.is("{") {
        return Ok(Attrs::NONE);
    }
    let at = p.at();
    let pairs = p.list("{", "}", attribute)?;
    for (i, (key, _)) in pairs.iter().enumerate() {
        if pairs[..i].iter().any(|(k, _)| k == key) {
            return p.fail_at(at, format!("attribute `{}` is given twice", key.name()));
        }
    }
    Ok(Attrs::new(pairs))
}

/// The op that a name token means.
pub(super) fn op(p: &mut Parser<'_>) -> Parsed<Op> {
    let at = p.at();
    let name = p.name("an operation")?;
    match Op::from_name(name) {
        Some(Op::Input) => p.fail_at(at, "inputs are declared in the head of the graph"),
        Some(op) => Ok(op),
        None => p.fail_at(at, format!("unknown operation `{name}`")),
    }
}

/// `%3 = add %1, %2 : f64[n]`
fn node<'a>(p: &mut Parser<'a>, b: &mut GraphBuilder, names: &mut Names<'a>) -> Parsed<()> {
    let at = p.at();
    let Token::Percent(name) = p.token() else { return p.expected("`%` and a name, or `return`") };
    if name.contains('.') {
        return p.fail("the name of a node has no dot");
    }
    p.advance()?;
    p.expect("=")?;
    let op_at = p.at();
    let op = op(p)?;
    let mut inputs = Vec::new();
    if matches!(p.token(), Token::Percent(_)) {
        inputs.push(names.value(p)?);
        while p.eat(",")? {
            inputs.push(names.value(p)?);
        }
    }
    let attrs = attributes(p)?;
    p.expect(":")?;
    let types_at = p.at();
    let mut types = Vec::new();
    if matches!(p.token(), Token::Name(s) if crate::DType::from_name(s).is_some()) {
        types.push(p.tensor_type()?);
        while p.eat(",")? {
            types.push(p.tensor_type()?);
        }
    }
    let loc = p.loc()?;
    b.set_loc(loc);
    let v = match b.add(op, attrs, inputs) {
        Ok(v) => v,
        Err(e) => return p.fail_at(op_at, e.to_string()),
    };
    let inferred = &b.graph().node(v.node).types;
    if *inferred != types {
        let want: Vec<String> = inferred.iter().map(|t| t.to_string()).collect();
        return p.fail_at(types_at, format!("the type is {}", want.join(", ")));
    }
    names.define(p, at, name, v, types.len())
}

pub(super) fn graph(p: &mut Parser<'_>) -> Parsed<Graph> {
    p.expect_word("graph")?;
    let mut b = GraphBuilder::new(&p.at_name()?);
    let mut names = Names(HashMap::new());
    p.list("(", ")", |p| {
        let at = p.at();
        let Token::Percent(name) = p.token() else { return p.expected("`%` and the name of an input") };
        if !is_identifier(name) {
            return p.fail(format!("`{name}` cannot name an input: it must be an identifier"));
        }
        p.advance()?;
        p.expect(":")?;
        let ty_at = p.at();
        let ty = p.tensor_type()?;
        if ty.shape.iter().any(|d| d.as_const().is_some_and(|v| v < 0)) {
            return p.fail_at(ty_at, format!("negative size in {ty}"));
        }
        let loc = p.loc()?;
        b.set_loc(loc);
        let v = b.input(name, ty);
        names.define(p, at, name, v, 1)
    })?;
    p.expect("->")?;
    let types_at = p.at();
    let types = if p.is("(") { p.list("(", ")", |p| p.tensor_type())? } else { vec![p.tensor_type()?] };
    p.expect("{")?;
    while !p.is_word("return") {
        node(p, &mut b, &mut names)?;
    }
    p.advance()?;
    let mut outputs = Vec::new();
    if !p.is("}") {
        outputs.push(names.value(p)?);
        while p.eat(",")? {
            outputs.push(names.value(p)?);
        }
    }
    p.expect("}")?;
    let g = b.finish(outputs);
    if g.output_types() != types {
        let want: Vec<String> = g.output_types().iter().map(|t| t.to_string()).collect();
        return p.fail_at(types_at, format!("the results have types ({})", want.join(", ")));
    }
    Ok(g)
}

impl Literal {
    /// Reads `f64[2] [1.0, 2.0]`, or with the bytes as `x"..."`.
    pub fn parse(s: &str) -> Parsed<Literal> {
        Parser::whole(s, literal)
    }
}

impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::print_graph::literal(f, self)
    }
}

impl FromStr for Graph {
    type Err = ParseError;

    /// Reads a graph as `Display` writes it, and verifies it. Equal nodes are merged.
    fn from_str(s: &str) -> Parsed<Graph> {
        Parser::whole(s, |p| {
            let at = p.at();
            let g = graph(p)?;
            match verify::graph(&g) {
                Ok(()) => Ok(g),
                Err(e) => p.fail_at(at, e.to_string()),
            }
        })
    }
}
