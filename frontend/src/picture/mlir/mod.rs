//! The rewritten graph as an MLIR module in the upstream dialects: `func`, `tensor`, `linalg`, `arith`, `math`, `complex`, `scf`.
//!
//! An elementwise op is a `linalg.generic` whose body is the op's own primitives. What has no upstream form that means
//! the same for all operands is a call of a private function named `frit.` and the op, so that the module always
//! verifies; those functions are for whoever runs it to provide. Sizes that are not constant are `?` in types and
//! `index` values computed from the parameters' shapes; a size that no parameter has is one more `index` parameter.

mod scalar;
mod structured;

use super::Picture;
use frit_ir::dim::{Atom, Symbol};
use frit_ir::graph::{Graph, Node, TensorType, Value};
use frit_ir::{DType, Dim, Key, Op};
use scalar::type_of;
use std::collections::{BTreeMap, HashMap};

/// A module with one function for each part.
pub(super) fn write(picture: &Picture) -> String {
    let mut w = Writer::default();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for part in &picture.parts {
        let count = names.entry(identifier(&part.name)).or_insert(0);
        *count += 1;
        let name =
            if *count == 1 { identifier(&part.name) } else { format!("{}_{count}", identifier(&part.name)) };
        w.function(&name, &part.rewritten);
    }
    let mut out = String::from("module {\n");
    for ((_, rest), name) in &w.declared {
        out += &format!("  func.func private @{name}{rest}\n");
    }
    out + &w.functions + "}\n"
}

fn identifier(name: &str) -> String {
    let clean: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if clean.starts_with(|c: char| c.is_ascii_digit()) || clean.is_empty() {
        format!("_{clean}")
    } else {
        clean
    }
}

/// `tensor<?x3xf64>`
fn tensor(t: &TensorType) -> String {
    let mut out = String::from("tensor<");
    for d in &t.shape {
        out += &d.as_const().map_or("?x".into(), |n| format!("{n}x"));
    }
    out + &type_of(t.dtype) + ">"
}

fn list<T>(items: impl IntoIterator<Item = T>, f: impl Fn(T) -> String) -> String {
    items.into_iter().map(f).collect::<Vec<_>>().join(", ")
}

/// A value of the module with its type.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    ty: TensorType,
}

impl Named {
    fn mlir(&self) -> String {
        tensor(&self.ty)
    }
}

/// Values that sizes have here: symbols, and expressions that are computed already.
type Sizes = (HashMap<Symbol, String>, HashMap<Dim, String>);

#[derive(Default)]
struct Writer {
    functions: String,
    /// Names of called functions by what they stand for and what follows the name in the declaration.
    declared: BTreeMap<(String, String), String>,
    body: String,
    indent: usize,
    next: usize,
    sizes: Sizes,
}

impl Writer {
    fn line(&mut self, text: &str) {
        self.body += &"  ".repeat(self.indent);
        self.body += text;
        self.body.push('\n');
    }

    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("%{}", self.next - 1)
    }

    /// A new value: `%n = text`.
    fn value(&mut self, text: &str) -> String {
        let name = self.fresh();
        self.line(&format!("{name} = {text}"));
        name
    }

    /// A name for a private function that has this signature and these attributes.
    fn callee(&mut self, base: &str, signature: String) -> String {
        let count = self.declared.keys().filter(|(b, _)| b == base).count();
        let name = if count == 0 { base.to_string() } else { format!("{base}_{}", count + 1) };
        self.declared.entry((base.to_string(), signature)).or_insert(name).clone()
    }

    fn function(&mut self, name: &str, graph: &Graph) {
        self.body.clear();
        (self.indent, self.next, self.sizes) = (2, 0, Sizes::default());
        let mut parameters = Vec::new();
        let mut known: HashMap<Value, Named> = HashMap::new();
        for (k, input) in graph.inputs.iter().enumerate() {
            let name = format!("%arg{k}");
            parameters.push(format!("{name}: {}", tensor(&input.ty)));
            known.insert(input_value(graph, k), Named { name, ty: input.ty.clone() });
        }
        let mut bound: Vec<Symbol> = Vec::new();
        for (k, input) in graph.inputs.iter().enumerate() {
            for (axis, d) in input.ty.shape.iter().enumerate() {
                d.for_each_symbol(&mut |s| {
                    let plain = *d == Dim::symbol(s);
                    if plain && !self.sizes.0.contains_key(s) {
                        let c = self.value(&format!("arith.constant {axis} : index"));
                        let v = self.value(&format!("tensor.dim %arg{k}, {c} : {}", tensor(&input.ty)));
                        self.sizes.0.insert(s.clone(), v);
                    }
                    if !bound.contains(s) {
                        bound.push(s.clone());
                    }
                });
            }
        }
        for (k, s) in bound.iter().enumerate() {
            if !self.sizes.0.contains_key(s) {
                parameters.push(format!("%size{k}: index"));
                self.sizes.0.insert(s.clone(), format!("%size{k}"));
            }
        }
        let results = self.graph(graph, known);
        let types = list(&results, Named::mlir);
        let names = list(&results, |r| r.name.clone());
        let last = if results.is_empty() { "return".into() } else { format!("return {names} : {types}") };
        self.line(&last);
        self.functions +=
            &format!("  func.func @{name}({}) -> ({types}) {{\n{}  }}\n", parameters.join(", "), self.body);
    }

    /// The nodes of a graph whose parameters are known; its results.
    fn graph(&mut self, graph: &Graph, mut known: HashMap<Value, Named>) -> Vec<Named> {
        let live = graph.live();
        for id in graph.ids() {
            let node = graph.node(id);
            if node.op == Op::Input || !live[id.0 as usize] {
                continue;
            }
            let inputs: Vec<Named> = node.inputs.iter().map(|v| known[v].clone()).collect();
            let names = self.node(node, &inputs);
            for (index, (name, ty)) in names.into_iter().zip(&node.types).enumerate() {
                known.insert(Value { node: id, index: index as u32 }, Named { name, ty: ty.clone() });
            }
        }
        graph.outputs.iter().map(|v| known[v].clone()).collect()
    }

    fn node(&mut self, node: &Node, inputs: &[Named]) -> Vec<String> {
        match node.op {
            Op::For => self.for_loop(node, inputs),
            Op::While => self.while_loop(node, inputs),
            Op::If => self.branch(node, inputs),
            _ => match self.structured(node, inputs) {
                Some(name) => vec![name],
                None => self.call(node, inputs),
            },
        }
    }

    /// A call of the private function that stands for an op. Sizes of the results that are not constants go along.
    fn call(&mut self, node: &Node, inputs: &[Named]) -> Vec<String> {
        let mut operands: Vec<(String, String)> = inputs.iter().map(|i| (i.name.clone(), i.mlir())).collect();
        for d in node.types.iter().flat_map(|t| &t.shape).filter(|d| d.as_const().is_none()) {
            operands.push((self.size(d), "index".into()));
        }
        let attrs = super::model::attributes(node.op, &node.attrs);
        let attrs =
            if attrs.is_empty() { String::new() } else { format!(" attributes {{frit.attrs = {attrs:?}}}") };
        let (types, results) = (list(&operands, |o| o.1.clone()), list(&node.types, tensor));
        let callee = self.callee(&format!("frit.{}", node.op), format!("({types}) -> ({results}){attrs}"));
        let names = list(&operands, |o| o.0.clone());
        let first = self.fresh();
        let many = node.types.len();
        let left = if many == 1 { first.clone() } else { format!("{first}:{many}") };
        self.line(&format!("{left} = func.call @{callee}({names}) : ({types}) -> ({results})"));
        if many == 1 { vec![first] } else { (0..many).map(|k| format!("{first}#{k}")).collect() }
    }

    // Sizes.

    /// An `index` value.
    fn size(&mut self, d: &Dim) -> String {
        if let Some(v) = self.sizes.1.get(d) {
            return v.clone();
        }
        let v = match d.as_const() {
            Some(n) => self.value(&format!("arith.constant {n} : index")),
            None => self.sum(d),
        };
        self.sizes.1.insert(d.clone(), v.clone());
        v
    }

    fn sum(&mut self, d: &Dim) -> String {
        let (terms, constant) = d.terms();
        let mut total: Option<String> = (constant != 0).then(|| self.size(&constant.into()));
        for (atoms, c) in terms {
            let mut product: Option<String> = (*c != 1).then(|| self.size(&(*c).into()));
            for a in atoms {
                let v = self.atom(a);
                product = Some(match product {
                    Some(p) => self.value(&format!("arith.muli {p}, {v} : index")),
                    None => v,
                });
            }
            let term = product.unwrap_or_else(|| self.size(&1.into()));
            total = Some(match total {
                Some(t) => self.value(&format!("arith.addi {t}, {term} : index")),
                None => term,
            });
        }
        total.unwrap_or_else(|| self.size(&0.into()))
    }

    fn atom(&mut self, a: &Atom) -> String {
        let (op, x, y) = match a {
            Atom::Sym(s) => {
                return self.sizes.0.get(s).cloned().unwrap_or_else(|| panic!("no value for size {s}"));
            }
            Atom::FloorDiv(x, y) | Atom::Mod(x, y) => ("arith.floordivsi", x, y),
            Atom::Min(x, y) => ("arith.minsi", x, y),
            Atom::Max(x, y) => ("arith.maxsi", x, y),
        };
        let (x, y) = (self.size(x), self.size(y));
        let v = self.value(&format!("{op} {x}, {y} : index"));
        if !matches!(a, Atom::Mod(..)) {
            return v;
        }
        let whole = self.value(&format!("arith.muli {v}, {y} : index"));
        self.value(&format!("arith.subi {x}, {whole} : index"))
    }

    /// A size as it stands in a mixed list: a number, or a value.
    fn mixed(&mut self, d: &Dim) -> String {
        d.as_const().map_or_else(|| self.size(d), |n| n.to_string())
    }

    /// An array without elements of its own, to be written.
    fn empty(&mut self, t: &TensorType) -> String {
        let open: Vec<Dim> = t.shape.iter().filter(|d| d.as_const().is_none()).cloned().collect();
        let sizes: Vec<String> = open.iter().map(|d| self.size(d)).collect();
        self.value(&format!("tensor.empty({}) : {}", sizes.join(", "), tensor(t)))
    }

    // Regions. What is computed inside of one is not known outside.

    fn inside<R>(&mut self, f: impl FnOnce(&mut Writer) -> R) -> R {
        let before = self.sizes.clone();
        self.indent += 1;
        let r = f(self);
        self.indent -= 1;
        self.sizes = before;
        r
    }

    fn for_loop(&mut self, node: &Node, inputs: &[Named]) -> Vec<String> {
        let (body, carries) = (node.attrs.graph(Key::Body).clone(), node.attrs.int(Key::Carries) as usize);
        let index = node.attrs.str(Key::Index).to_string();
        let (lo, hi) = (self.size(node.attrs.dim(Key::Lo)), self.size(node.attrs.dim(Key::Hi)));
        let step = self.size(&1.into());
        // Stacked results are carried too, and written row by row.
        let mut initial: Vec<Named> = inputs[..carries].to_vec();
        for t in &node.types[carries..] {
            initial.push(Named { name: self.empty(t), ty: t.clone() });
        }
        let inner: Vec<Named> =
            initial.iter().map(|i| Named { name: self.fresh(), ty: i.ty.clone() }).collect();
        let (first, induction) = (self.fresh(), self.fresh());
        let args = list(inner.iter().zip(&initial), |(a, b)| format!("{} = {}", a.name, b.name));
        let types = list(&initial, Named::mlir);
        let many = initial.len();
        let left = results_of(&first, many);
        let carried = if many == 0 { String::new() } else { format!(" iter_args({args}) -> ({types})") };
        self.line(&format!("{left}scf.for {induction} = {lo} to {hi} step {step}{carried} {{"));
        self.inside(|w| {
            w.sizes.0.insert(index.as_str().into(), induction.clone());
            let operands = inner[..carries].iter().chain(&inputs[carries..]);
            let known = operands.enumerate().map(|(k, v)| (input_value(&body, k), v.clone())).collect();
            let mut results = w.graph(&body, known);
            for (k, stack) in inner[carries..].iter().enumerate() {
                let row = results[carries + k].clone();
                let at = w.value(&format!("arith.subi {induction}, {lo} : index"));
                let rank = stack.ty.rank();
                let zeros = vec!["0"; rank - 1];
                let sizes: Vec<String> = row.ty.shape.iter().map(|d| w.mixed(d)).collect();
                let name = w.value(&format!(
                    "tensor.insert_slice {} into {}[{}] [{}] [{}] : {} into {}",
                    row.name,
                    stack.name,
                    list([at.as_str()].iter().chain(&zeros), |s| s.to_string()),
                    list(["1"].iter().map(|s| s.to_string()).chain(sizes), |s| s),
                    list(vec!["1"; rank], str::to_string),
                    row.mlir(),
                    stack.mlir()
                ));
                results[carries + k] = Named { name, ty: stack.ty.clone() };
            }
            if many > 0 {
                w.line(&format!("scf.yield {} : {types}", list(&results, |r| r.name.clone())));
            }
        });
        self.line("}");
        numbered(&first, many)
    }

    fn while_loop(&mut self, node: &Node, inputs: &[Named]) -> Vec<String> {
        let (cond, body) = (node.attrs.graph(Key::Cond).clone(), node.attrs.graph(Key::Body).clone());
        let carries = node.attrs.int(Key::Carries) as usize;
        let initial = &inputs[..carries];
        let types = list(initial, Named::mlir);
        let first = self.fresh();
        let again = |w: &mut Writer| -> Vec<Named> {
            initial.iter().map(|i| Named { name: w.fresh(), ty: i.ty.clone() }).collect()
        };
        let (before, after) = (again(self), again(self));
        let args = list(before.iter().zip(initial), |(a, b)| format!("{} = {}", a.name, b.name));
        self.line(&format!("{}scf.while ({args}) : ({types}) -> ({types}) {{", results_of(&first, carries)));
        let known = |g: &Graph, carried: &[Named]| {
            carried
                .iter()
                .chain(&inputs[carries..])
                .enumerate()
                .map(|(k, v)| (input_value(g, k), v.clone()))
                .collect()
        };
        self.inside(|w| {
            let test = w.graph(&cond, known(&cond, &before));
            let flag = w.value(&format!("tensor.extract {}[] : tensor<i1>", test[0].name));
            w.line(&format!("scf.condition({flag}) {} : {types}", list(&before, |r| r.name.clone())));
        });
        self.line("} do {");
        self.line(&format!("^bb0({}):", list(&after, |a| format!("{}: {}", a.name, a.mlir()))));
        self.inside(|w| {
            let results = w.graph(&body, known(&body, &after));
            w.line(&format!("scf.yield {} : {types}", list(&results, |r| r.name.clone())));
        });
        self.line("}");
        numbered(&first, carries)
    }

    fn branch(&mut self, node: &Node, inputs: &[Named]) -> Vec<String> {
        let flag = self.value(&format!("tensor.extract {}[] : tensor<i1>", inputs[0].name));
        let types = list(&node.types, tensor);
        let first = self.fresh();
        let many = node.types.len();
        let gives = if many == 0 { String::new() } else { format!(" -> ({types})") };
        self.line(&format!("{}scf.if {flag}{gives} {{", results_of(&first, many)));
        for (k, key) in [Key::Body, Key::Else].into_iter().enumerate() {
            if k == 1 {
                self.line("} else {");
            }
            let graph = node.attrs.graph(key).clone();
            self.inside(|w| {
                let known = inputs[1..]
                    .iter()
                    .enumerate()
                    .map(|(k, v)| (input_value(&graph, k), v.clone()))
                    .collect();
                let results = w.graph(&graph, known);
                if many > 0 {
                    w.line(&format!("scf.yield {} : {types}", list(&results, |r| r.name.clone())));
                }
            });
        }
        self.line("}");
        numbered(&first, many)
    }

    /// The function that stands for a primitive, called on scalars.
    fn call_scalar(&mut self, name: &str, types: &[DType], to: DType, args: &[String]) -> String {
        let from = list(types, |t| type_of(*t));
        // Signless types do not tell a signed operand from an unsigned one: the name does.
        let callee = self.callee(
            &format!("frit.{name}.{}", types.last().map_or("", |t| t.name())),
            format!("({from}) -> {}", type_of(to)),
        );
        self.value(&format!("func.call @{callee}({}) : ({from}) -> {}", args.join(", "), type_of(to)))
    }
}

/// The value of a graph's parameter.
fn input_value(graph: &Graph, k: usize) -> Value {
    let is = |id: &frit_ir::NodeId| {
        let n = graph.node(*id);
        n.op == Op::Input && n.attrs.int(Key::Position) as usize == k
    };
    Value { node: graph.ids().find(is).expect("every parameter is a node"), index: 0 }
}

fn results_of(first: &str, many: usize) -> String {
    match many {
        0 => String::new(),
        1 => format!("{first} = "),
        n => format!("{first}:{n} = "),
    }
}

fn numbered(first: &str, many: usize) -> Vec<String> {
    if many == 1 { vec![first.into()] } else { (0..many).map(|k| format!("{first}#{k}")).collect() }
}
