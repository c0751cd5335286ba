//! The Graph level: a hash-consed SSA graph of array operations. Values only, no buffers and no mutation.
//!
//! A [`Graph`] is immutable; a [`GraphBuilder`] makes one. Nodes stand in topological order. Two nodes with the
//! same op, attributes and inputs are one node (locations are carried, not compared).

use crate::attrs::{Attr, Attrs, Key};
use crate::dim::{Dim, Symbol, product};
use crate::dtype::{DType, Scalar};
use crate::error::{Cause, TypeError};
use crate::infer::infer;
use crate::loc::Loc;
use crate::ops::Op;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Element type and shape of an array value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TensorType {
    /// Element type.
    pub dtype: DType,
    /// Size of each axis; empty for a 0-d array.
    pub shape: Vec<Dim>,
}

impl TensorType {
    /// From parts.
    pub fn new(dtype: DType, shape: impl Into<Vec<Dim>>) -> TensorType {
        TensorType { dtype, shape: shape.into() }
    }

    /// From constant sizes.
    pub fn fixed(dtype: DType, shape: &[usize]) -> TensorType {
        TensorType { dtype, shape: shape.iter().map(|n| Dim::from(*n)).collect() }
    }

    /// A 0-d array.
    pub fn scalar(dtype: DType) -> TensorType {
        TensorType { dtype, shape: Vec::new() }
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn elements(&self) -> Dim {
        product(&self.shape)
    }

    /// False if the bytes of a contiguous array are known not to fit in 64 bits, in its own element type or in another
    /// that passes may compute with.
    pub fn is_addressable(&self) -> bool {
        let known = || self.shape.iter().filter_map(Dim::as_const);
        let bytes = || known().try_fold(DType::C128.size() as i64, i64::checked_mul);
        known().any(|n| n == 0) || bytes().is_some()
    }

    /// The message for an array that is not addressable.
    pub(crate) fn too_big(&self) -> String {
        format!("array is too big; {self} has more bytes than fit in 64 bits")
    }

    /// Bytes of a contiguous array.
    pub fn bytes(&self) -> Dim {
        self.elements() * self.dtype.size() as i64
    }

    /// The shape as numbers, if no size is symbolic.
    pub fn const_shape(&self) -> Option<Vec<usize>> {
        self.shape.iter().map(|d| d.as_const().map(|v| v as usize)).collect()
    }
}

impl fmt::Display for TensorType {
    /// `f64[1000, n]`; 0-d prints as `f64[]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (i, d) in self.shape.iter().enumerate() {
            write!(f, "{}{d}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str("]")
    }
}

/// The position of a node in its graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NodeId(pub u32);

/// One result of a node. Most nodes have one result, number 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Value {
    /// The node.
    pub node: NodeId,
    /// Which of its results.
    pub index: u32,
}

/// One operation applied to values.
#[derive(Clone, Debug)]
pub struct Node {
    /// Row of the op table.
    pub op: Op,
    /// Attributes named in that row.
    pub attrs: Attrs,
    /// Operands.
    pub inputs: Vec<Value>,
    /// Type of each result, as inferred.
    pub types: Vec<TensorType>,
    /// Where the user wrote it.
    pub loc: Loc,
}

impl Node {
    fn key_hash(op: Op, attrs: &Attrs, inputs: &[Value]) -> u64 {
        let mut h = DefaultHasher::new();
        (op, attrs, inputs).hash(&mut h);
        h.finish()
    }
}

// Identity ignores `loc` and the inferred `types`.
impl PartialEq for Node {
    fn eq(&self, o: &Node) -> bool {
        self.op == o.op && self.attrs == o.attrs && self.inputs == o.inputs
    }
}
impl Eq for Node {}
impl Hash for Node {
    fn hash<H: Hasher>(&self, h: &mut H) {
        (self.op, &self.attrs, &self.inputs).hash(h);
    }
}
impl PartialOrd for Node {
    fn partial_cmp(&self, o: &Node) -> Option<std::cmp::Ordering> {
        Some(self.cmp(o))
    }
}
impl Ord for Node {
    fn cmp(&self, o: &Node) -> std::cmp::Ordering {
        (self.op, &self.attrs, &self.inputs).cmp(&(o.op, &o.attrs, &o.inputs))
    }
}

/// A parameter of a graph.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Input {
    /// Name, unique in the graph.
    pub name: Arc<str>,
    /// Type.
    pub ty: TensorType,
}

/// A program over arrays, or the body of a region.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Graph {
    /// Name, for people.
    pub name: Arc<str>,
    /// Parameters; parameter `k` is also the node with op `input` and `position = k`.
    pub inputs: Vec<Input>,
    /// Nodes, each after its operands.
    pub nodes: Vec<Node>,
    /// Results.
    pub outputs: Vec<Value>,
}

impl Graph {
    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The node that makes a value.
    pub fn def(&self, v: Value) -> &Node {
        self.node(v.node)
    }

    /// The type of a value.
    pub fn ty(&self, v: Value) -> &TensorType {
        &self.def(v).types[v.index as usize]
    }

    /// Ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Names of all sizes and loop indices, those of regions included.
    pub fn symbols(&self) -> BTreeSet<Symbol> {
        let mut found = BTreeSet::new();
        self.add_symbols(&mut found);
        found
    }

    fn add_symbols(&self, found: &mut BTreeSet<Symbol>) {
        for node in &self.nodes {
            let mut note = |d: &Dim| {
                d.for_each_symbol(&mut |s| {
                    found.insert(s.clone());
                });
            };
            node.types.iter().flat_map(|t| &t.shape).for_each(&mut note);
            node.attrs.for_each_dim(&mut note);
            if let Some(Attr::Str(index)) = node.attrs.get(Key::Index) {
                found.insert(index.clone());
            }
            for key in [Key::Body, Key::Cond, Key::Else] {
                if let Some(Attr::Graph(region)) = node.attrs.get(key) {
                    region.add_symbols(found);
                }
            }
        }
    }

    /// Result types.
    pub fn output_types(&self) -> Vec<TensorType> {
        self.outputs.iter().map(|v| self.ty(*v).clone()).collect()
    }

    /// The constant that a value is, if it is a `constant` node.
    pub fn constant_of(&self, v: Value) -> Option<Scalar> {
        let n = self.def(v);
        (n.op == Op::Constant).then(|| n.attrs.scalar(Key::Value))
    }

    /// Number of uses of each node, outputs counted.
    pub fn use_counts(&self) -> Vec<u32> {
        let mut uses = vec![0; self.nodes.len()];
        for v in self.nodes.iter().flat_map(|n| &n.inputs).chain(&self.outputs) {
            uses[v.node.0 as usize] += 1;
        }
        uses
    }

    /// Nodes reachable from the outputs (inputs are always kept).
    pub fn live(&self) -> Vec<bool> {
        let mut live: Vec<bool> = self.nodes.iter().map(|n| n.op == Op::Input).collect();
        for v in &self.outputs {
            live[v.node.0 as usize] = true;
        }
        for id in self.ids().rev() {
            if live[id.0 as usize] {
                for v in &self.node(id).inputs {
                    live[v.node.0 as usize] = true;
                }
            }
        }
        live
    }
}

/// Makes a [`Graph`] node by node: infers types and merges equal nodes.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: Graph,
    /// Node ids by hash of (op, attrs, inputs).
    table: HashMap<u64, Vec<NodeId>>,
    /// Location given to new nodes.
    loc: Loc,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new(name: &str) -> GraphBuilder {
        let graph = Graph { name: name.into(), inputs: vec![], nodes: vec![], outputs: vec![] };
        GraphBuilder { graph, table: HashMap::new(), loc: Loc::NONE }
    }

    /// The location of nodes added from now on.
    pub fn set_loc(&mut self, loc: Loc) {
        self.loc = loc;
    }

    /// The current location.
    pub fn loc(&self) -> &Loc {
        &self.loc
    }

    /// Adds a parameter.
    pub fn input(&mut self, name: &str, ty: TensorType) -> Value {
        let position = self.graph.inputs.len() as i64;
        self.graph.inputs.push(Input { name: name.into(), ty: ty.clone() });
        let attrs = Attrs::new([(Key::Position, Attr::Int(position))]);
        let node = Node { op: Op::Input, attrs, inputs: vec![], types: vec![ty], loc: self.loc.clone() };
        self.graph.nodes.push(node);
        Value { node: NodeId(self.graph.nodes.len() as u32 - 1), index: 0 }
    }

    /// Adds a node, or finds the equal one; the result number 0.
    pub fn add(&mut self, op: Op, attrs: Attrs, inputs: Vec<Value>) -> Result<Value, TypeError> {
        let hash = Node::key_hash(op, &attrs, &inputs);
        for id in self.table.get(&hash).into_iter().flatten() {
            let n = self.graph.node(*id);
            if n.op == op && n.attrs == attrs && n.inputs == inputs {
                return Ok(Value { node: *id, index: 0 });
            }
        }
        let types: Vec<&TensorType> = inputs.iter().map(|v| self.graph.ty(*v)).collect();
        let types = infer(op, &attrs, &types).map_err(|e| e.at(&self.loc))?;
        if let Some(ty) = types.iter().find(|t| !t.is_addressable()) {
            return Err(TypeError::new(op, Cause::Value(ty.too_big())).at(&self.loc));
        }
        let id = NodeId(self.graph.nodes.len() as u32);
        self.graph.nodes.push(Node { op, attrs, inputs, types, loc: self.loc.clone() });
        self.table.entry(hash).or_default().push(id);
        Ok(Value { node: id, index: 0 })
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The type of a value.
    pub fn ty(&self, v: Value) -> &TensorType {
        self.graph.ty(v)
    }

    /// Ends the graph with its results.
    pub fn finish(mut self, outputs: Vec<Value>) -> Graph {
        self.graph.outputs = outputs;
        self.graph
    }
}
