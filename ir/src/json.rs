//! Graphs as JSON, for files and other programs.
//!
//! ```json
//! {"name": "main",
//!  "inputs": [{"name": "x0", "type": "f64[1000, n]"}],
//!  "nodes": [{"op": "square", "inputs": ["%x0"], "types": ["f64[1000, n]"]},
//!            {"op": "sum", "inputs": ["%1"], "attrs": {"axes": [1], "keepdims": false}, "types": ["f64[1000]"],
//!             "loc": {"file": "f.py", "line": 3, "column": 5, "function": "f"}}],
//!  "outputs": ["%2"]}
//! ```
//!
//! Names of values are those of the text form: node `k` of the graph, inputs counted, is `%k`, its result `i` is
//! `%k.i`. Types, expressions and scalars are strings in their text form; array constants are base64. Reading
//! checks everything that the verifier checks, and its errors carry line, column and path.

use crate::attrs::{Attr, AttrKind, Attrs, Key, Literal, Slice};
use crate::dim::Dim;
use crate::dtype::{DType, Scalar};
use crate::error::ParseError;
use crate::graph::{Graph, GraphBuilder, NodeId, TensorType, Value};
use crate::loc::Loc;
use crate::ops::Op;
use crate::text::{error_at, position};
use crate::verify;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Deepest nesting of regions.
const MAX_DEPTH: usize = 64;

/// How the JSON form names a value.
fn value_name(g: &Graph, v: Value) -> String {
    match g.inputs.get(v.node.0 as usize) {
        Some(input) => format!("%{}", input.name),
        None if g.def(v).types.len() > 1 => format!("%{}.{}", v.node.0, v.index),
        None => format!("%{}", v.node.0),
    }
}

fn attr_json(a: &Attr) -> Json {
    let dims = |v: &[Dim]| v.iter().map(dim_json).collect::<Vec<_>>();
    match a {
        Attr::Bool(b) => json!(b),
        Attr::Int(n) => json!(n),
        Attr::Ints(v) => json!(v),
        Attr::Dim(d) => dim_json(d),
        Attr::Dims(v) => json!(dims(v)),
        Attr::Slices(v) => v
            .iter()
            .map(|s| json!({"start": dim_json(&s.start), "size": dim_json(&s.size), "step": s.step}))
            .collect(),
        Attr::DType(t) => json!(t.name()),
        Attr::Scalar(s) => json!(format!("{s} : {}", s.dtype())),
        Attr::Str(s) => json!(**s),
        Attr::Data(l) => json!({"type": l.ty.to_string(), "base64": BASE64_STANDARD.encode(&l.bytes)}),
        Attr::Graph(g) => to_json(g),
    }
}

/// A number if it is constant.
fn dim_json(d: &Dim) -> Json {
    d.as_const().map_or_else(|| json!(d.to_string()), |v| json!(v))
}

fn loc_json(loc: &Loc) -> Option<Json> {
    let p = loc.place()?;
    Some(json!({"file": *p.file, "line": p.line, "column": p.column, "function": *p.function}))
}

/// A graph as JSON. The inverse of [`from_json`].
pub fn to_json(g: &Graph) -> Json {
    let input = |(k, i): (usize, &crate::graph::Input)| {
        let mut m =
            Map::from_iter([("name".into(), json!(*i.name)), ("type".into(), json!(i.ty.to_string()))]);
        m.extend(loc_json(&g.nodes[k].loc).map(|l| ("loc".into(), l)));
        Json::Object(m)
    };
    let node = |n: &crate::graph::Node| {
        let mut m = Map::from_iter([("op".into(), json!(n.op.name()))]);
        if !n.inputs.is_empty() {
            m.insert("inputs".into(), n.inputs.iter().map(|v| value_name(g, *v)).collect());
        }
        if !n.attrs.is_empty() {
            let attrs = n.attrs.iter().map(|(k, a)| (k.name().to_string(), attr_json(a)));
            m.insert("attrs".into(), Json::Object(attrs.collect()));
        }
        m.insert("types".into(), n.types.iter().map(TensorType::to_string).collect());
        m.extend(loc_json(&n.loc).map(|l| ("loc".into(), l)));
        Json::Object(m)
    };
    json!({
        "name": *g.name,
        "inputs": g.inputs.iter().enumerate().map(input).collect::<Vec<_>>(),
        "nodes": g.nodes[g.inputs.len()..].iter().map(node).collect::<Vec<_>>(),
        "outputs": g.outputs.iter().map(|v| value_name(g, *v)).collect::<Vec<_>>(),
    })
}

/// A part of a JSON text that knows where it stands.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    source: &'a str,
    raw: &'a str,
    path: String,
}

type Read<T> = Result<T, ParseError>;

impl<'a> Part<'a> {
    /// The whole of a text, which must be one JSON value.
    pub fn whole(source: &'a str) -> Read<Part<'a>> {
        let raw = serde_json::from_str::<&RawValue>(source).map_err(|e| ParseError {
            line: e.line() as u32,
            column: e.column() as u32,
            what: cause(&e),
        })?;
        Ok(Part { source, raw: raw.get(), path: "$".into() })
    }

    fn offset(&self) -> usize {
        self.raw.as_ptr() as usize - self.source.as_ptr() as usize
    }

    /// An error at this part.
    pub fn error(&self, what: impl std::fmt::Display) -> ParseError {
        error_at(self.source, self.offset(), format!("{}: {what}", self.path))
    }

    /// Deserializes this part.
    fn read<T: serde::Deserialize<'a>>(&self, expected: &str) -> Read<T> {
        serde_json::from_str(self.raw).map_err(|e| {
            if e.is_data() {
                let shown: String = self.raw.chars().take(40).collect();
                return self.error(format!("expected {expected}, found {shown}"));
            }
            let (line, column) = position(self.source, self.offset());
            let column = if e.line() == 1 { column + e.column() as u32 - 1 } else { e.column() as u32 };
            ParseError {
                line: line + e.line() as u32 - 1,
                column,
                what: format!("{}: {}", self.path, cause(&e)),
            }
        })
    }

    fn part(&self, raw: &'a RawValue, step: std::fmt::Arguments<'_>) -> Part<'a> {
        Part { source: self.source, raw: raw.get(), path: format!("{}{step}", self.path) }
    }

    /// The fields of an object; all of them must be among `known`.
    pub fn object(&self, known: &[&str]) -> Read<Fields<'a>> {
        let raw: BTreeMap<String, &RawValue> = self.read("an object")?;
        let mut fields = BTreeMap::new();
        for (name, value) in raw {
            let part = self.part(value, format_args!(".{name}"));
            if !known.contains(&name.as_str()) {
                return Err(part.error(format!("unknown field; the fields are {}", known.join(", "))));
            }
            fields.insert(name, part);
        }
        Ok(Fields { object: self.clone(), fields })
    }

    /// The items of an array.
    pub fn array(&self) -> Read<Vec<Part<'a>>> {
        let raw: Vec<&RawValue> = self.read("an array")?;
        Ok(raw.into_iter().enumerate().map(|(i, r)| self.part(r, format_args!("[{i}]"))).collect())
    }

    /// A string.
    pub fn string(&self) -> Read<String> {
        self.read("a string")
    }

    /// A bool.
    pub fn boolean(&self) -> Read<bool> {
        self.read("true or false")
    }

    /// An integer.
    pub fn int(&self) -> Read<i64> {
        self.read("an integer")
    }

    /// A string in the text form of a type.
    fn parsed<T: std::str::FromStr<Err = ParseError>>(&self) -> Read<T> {
        let s = self.string()?;
        s.parse().map_err(|e: ParseError| self.error(format!("{} in \"{s}\"", e.what)))
    }

    /// A number or an expression.
    fn dim(&self) -> Read<Dim> {
        if self.raw.starts_with('"') { self.parsed() } else { Ok(Dim::constant(self.int()?)) }
    }

    fn dtype(&self) -> Read<DType> {
        let s = self.string()?;
        DType::from_name(&s).ok_or_else(|| self.error(format!("unknown element type `{s}`")))
    }
}

/// What serde_json says, without the position.
fn cause(e: &serde_json::Error) -> String {
    let text = e.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_string()
}

/// The fields of an object.
#[derive(Debug)]
pub struct Fields<'a> {
    object: Part<'a>,
    fields: BTreeMap<String, Part<'a>>,
}

impl<'a> Fields<'a> {
    /// A field that may be absent.
    pub fn optional(&self, name: &str) -> Option<&Part<'a>> {
        self.fields.get(name)
    }

    /// A field that must be there.
    pub fn field(&self, name: &str) -> Read<&Part<'a>> {
        self.optional(name).ok_or_else(|| self.object.error(format!("field `{name}` is missing")))
    }
}

fn read_literal(p: &Part<'_>) -> Read<Literal> {
    let fields = p.object(&["type", "base64"])?;
    let ty: TensorType = fields.field("type")?.parsed()?;
    let data = fields.field("base64")?;
    let bytes = BASE64_STANDARD.decode(data.string()?).map_err(|e| data.error(e))?;
    let size = ty.const_shape().and_then(|s| s.iter().try_fold(ty.dtype.size(), |n, d| n.checked_mul(*d)));
    if size != Some(bytes.len()) {
        return Err(data.error(format!("{} bytes of data for {ty}", bytes.len())));
    }
    Ok(Literal { ty, bytes: bytes.into() })
}

fn read_slice(p: &Part<'_>) -> Read<Slice> {
    let f = p.object(&["start", "size", "step"])?;
    Ok(Slice {
        start: f.field("start")?.dim()?,
        size: f.field("size")?.dim()?,
        step: f.field("step")?.int()?,
    })
}

fn read_attr(key: Key, p: &Part<'_>, depth: usize) -> Read<Attr> {
    fn all<'a, T>(p: &Part<'a>, one: impl FnMut(&Part<'a>) -> Read<T>) -> Read<Vec<T>> {
        p.array()?.iter().map(one).collect()
    }
    Ok(match key.kind() {
        AttrKind::Bool => Attr::Bool(p.boolean()?),
        AttrKind::Int => Attr::Int(p.int()?),
        AttrKind::Ints => Attr::Ints(all(p, |p| p.int())?),
        AttrKind::Dim => Attr::Dim(p.dim()?),
        AttrKind::Dims => Attr::Dims(all(p, |p| p.dim())?),
        AttrKind::Slices => Attr::Slices(all(p, read_slice)?),
        AttrKind::DType => Attr::DType(p.dtype()?),
        AttrKind::Scalar => {
            let s = p.string()?;
            Attr::Scalar(Scalar::parse_typed(&s).map_err(|e| p.error(format!("{} in \"{s}\"", e.what)))?)
        }
        AttrKind::Str => Attr::Str(p.string()?.into()),
        AttrKind::Data => Attr::Data(read_literal(p)?),
        AttrKind::Graph => Attr::Graph(Arc::new(read_graph(p, depth + 1)?)),
    })
}

fn read_attrs(p: &Part<'_>, depth: usize) -> Read<Attrs> {
    let names: Vec<&str> = Key::ALL.iter().map(|k| k.name()).collect();
    let fields = p.object(&names)?;
    let mut attrs = Attrs::NONE;
    for (name, part) in &fields.fields {
        let key = Key::from_name(name).ok_or_else(|| part.error("unknown attribute"))?;
        attrs = attrs.with(key, read_attr(key, part, depth)?);
    }
    Ok(attrs)
}

fn read_loc(p: Option<&Part<'_>>) -> Read<Loc> {
    let Some(p) = p else { return Ok(Loc::NONE) };
    let f = p.object(&["file", "line", "column", "function"])?;
    let number = |name: &str| -> Read<u32> {
        let part = f.field(name)?;
        u32::try_from(part.int()?).map_err(|_| part.error("out of range"))
    };
    let function = f.optional("function").map(|p| p.string()).transpose()?.unwrap_or_default();
    Ok(Loc::new(f.field("file")?.string()?, number("line")?, number("column")?, function))
}

/// Values by the names of the file.
struct Names(HashMap<String, (NodeId, usize)>);

impl Names {
    fn value(&self, p: &Part<'_>) -> Read<Value> {
        let s = p.string()?;
        let (base, index) = match s.split_once('.') {
            Some((base, k)) => (base, k.parse().ok()),
            None => (s.as_str(), Some(0u32)),
        };
        let found = self.0.get(base).zip(index).filter(|((_, n), k)| (*k as usize) < *n);
        let ((node, _), index) = found.ok_or_else(|| p.error(format!("`{s}` is not defined")))?;
        Ok(Value { node: *node, index })
    }

    fn values(&self, p: &Part<'_>) -> Read<Vec<Value>> {
        p.array()?.iter().map(|p| self.value(p)).collect()
    }
}

fn read_graph(p: &Part<'_>, depth: usize) -> Read<Graph> {
    if depth > MAX_DEPTH {
        return Err(p.error(format!("regions nested more than {MAX_DEPTH} deep")));
    }
    let f = p.object(&["name", "inputs", "nodes", "outputs"])?;
    let mut b = GraphBuilder::new(&f.field("name")?.string()?);
    let mut names = Names(HashMap::new());
    let inputs = f.field("inputs")?.array()?;
    for part in &inputs {
        let f = part.object(&["name", "type", "loc"])?;
        let name = f.field("name")?.string()?;
        let ty: TensorType = f.field("type")?.parsed()?;
        b.set_loc(read_loc(f.optional("loc"))?);
        let v = b.input(&name, ty);
        names.0.insert(format!("%{name}"), (v.node, 1));
    }
    for (k, part) in f.field("nodes")?.array()?.iter().enumerate() {
        let f = part.object(&["op", "inputs", "attrs", "types", "loc"])?;
        let op_part = f.field("op")?;
        let op = op_part.string()?;
        let op = Op::from_name(&op).filter(|op| *op != Op::Input);
        let op = op.ok_or_else(|| op_part.error("unknown operation"))?;
        let operands = f.optional("inputs").map(|p| names.values(p)).transpose()?.unwrap_or_default();
        let attrs = f.optional("attrs").map(|p| read_attrs(p, depth)).transpose()?.unwrap_or_default();
        b.set_loc(read_loc(f.optional("loc"))?);
        let v = b.add(op, attrs, operands).map_err(|e| part.error(e))?;
        let types = &b.graph().node(v.node).types;
        if let Some(stated) = f.optional("types") {
            let want: Vec<String> = types.iter().map(TensorType::to_string).collect();
            let given = stated.array()?.iter().map(|p| p.parsed()).collect::<Read<Vec<TensorType>>>()?;
            if given != *types {
                return Err(stated.error(format!("the type is {}", want.join(", "))));
            }
        }
        names.0.insert(format!("%{}", inputs.len() + k), (v.node, types.len()));
    }
    Ok(b.finish(names.values(f.field("outputs")?)?))
}

/// Reads and verifies a graph that is part of a JSON text.
pub fn graph_part(p: &Part<'_>) -> Result<Graph, ParseError> {
    let g = read_graph(p, 0)?;
    verify::graph(&g).map_err(|e| p.error(e))?;
    Ok(g)
}

/// Reads and verifies a graph. The inverse of [`to_json`]; equal nodes are merged.
pub fn from_json(text: &str) -> Result<Graph, ParseError> {
    graph_part(&Part::whole(text)?)
}
