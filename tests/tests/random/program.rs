//! Programs with arguments, and the ways in which they run.

use crate::analysis::{Analysis, Expected, MANY_DRAWS};
use crate::draw::Random;
use frit_codegen::Cache;
use frit_ir::eval::{Array, Sizes, eval};
use frit_ir::ops::Class;
use frit_ir::plan::Layout;
use frit_ir::{Attr, DType, Dim, Graph, Key, Op, Scalar, TensorType};
use frit_passes::{LowerOptions, MathLevel, Options};
use frit_runtime::{Program as Compiled, Run};
use frit_tests::cases::reads_back;
use std::sync::Arc;

/// An array argument in memory of some layout.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) array: Array,
    pub(crate) layout: Layout,
    memory: Arc<Vec<u8>>,
    /// Element 0, in bytes, and strides in elements.
    offset: usize,
    strides: Vec<isize>,
}

impl Argument {
    /// In C order.
    pub(crate) fn contiguous(array: Array) -> Argument {
        let memory = Arc::new(array.to_bytes());
        Argument { array, layout: Layout::Contiguous, memory, offset: 0, strides: vec![] }
    }

    /// Random elements, in C order or, if `strided`, in some other layout: axes in another order, backward, with gaps,
    /// or repeated by a stride of zero.
    pub(crate) fn draw(
        r: &mut Random,
        dtype: DType,
        shape: &[usize],
        strided: bool,
        f: impl Fn(&mut Random) -> Scalar,
    ) -> Argument {
        if !strided {
            let count = shape.iter().product();
            return Argument::contiguous(Array::new(dtype, shape, (0..count).map(|_| f(r)).collect()));
        }
        let rank = shape.len();
        let mut order: Vec<usize> = (0..rank).collect();
        for k in (1..rank).rev() {
            order.swap(k, r.below(k + 1));
        }
        let mut strides = vec![0isize; rank];
        let (mut span, mut first) = (1isize, 0isize);
        for k in order {
            let gap = if r.one_in(3) { 2 } else { 1 };
            if r.one_in(5) {
                continue;
            }
            strides[k] = span * gap;
            span = strides[k] * shape[k].max(1) as isize;
            if r.one_in(3) {
                first += strides[k] * (shape[k].max(1) as isize - 1);
                strides[k] = -strides[k];
            }
        }
        let elements: Vec<Scalar> = (0..span).map(|_| f(r)).collect();
        let at = |i: &[usize]| i.iter().zip(&strides).fold(first, |p, (i, s)| p + *i as isize * s) as usize;
        let array = Array::from_fn(dtype, shape, |i| elements[at(i)]);
        let memory = elements.iter().flat_map(|s| s.to_bytes()).collect();
        let offset = first as usize * dtype.size();
        Argument { array, layout: Layout::Strided, memory: Arc::new(memory), offset, strides }
    }
}

/// Arguments for one choice of sizes.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) sizes: Sizes,
    pub(crate) arguments: Vec<Argument>,
}

impl Binding {
    pub(crate) fn arrays(&self) -> Vec<Array> {
        self.arguments.iter().map(|a| a.array.clone()).collect()
    }
}

/// A program over the sizes `m` and `n`, with arguments for several choices of them.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) graph: Graph,
    pub(crate) level: MathLevel,
    pub(crate) bindings: Vec<Binding>,
}

/// Kernels of a program compiled for a backend.
fn compile(g: &Graph, layouts: Vec<Layout>, cache: &Cache) -> Result<Arc<Compiled>, String> {
    let plan = frit_passes::lower(g, &LowerOptions { layouts, ..Default::default() })
        .map_err(|e| format!("does not lower: {e}"))?
        .plan;
    reads_back(&plan)?;
    let program = Compiled::new(Arc::new(plan), cache);
    program.kernels().map_err(|e| format!("does not compile: {e}"))?;
    Ok(Arc::new(program))
}

fn run(program: &Arc<Compiled>, b: &Binding, threads: usize) -> Result<Vec<Array>, String> {
    let shapes: Vec<(&[usize], &[isize])> =
        b.arguments.iter().map(|a| (a.array.shape(), a.strides.as_slice())).collect();
    let bound = program.bind(&shapes, threads).map_err(|e| format!("does not bind: {e}"))?;
    let before: Vec<Vec<u8>> = b.arguments.iter().map(|a| a.memory.to_vec()).collect();
    let pointers: Vec<*const u8> =
        b.arguments.iter().map(|a| a.memory[a.offset.min(a.memory.len())..].as_ptr()).collect();
    // SAFETY: the program is bound to the arguments' shapes and strides, which stay inside their memory.
    let (outputs, peak) =
        unsafe { bound.run(&pointers, &Run::default()) }.map_err(|e| format!("does not run: {e}"))?;
    if b.arguments.iter().zip(&before).any(|(a, b)| *a.memory != *b) {
        return Err("an argument was changed".into());
    }
    let projected = bound.memory().peak_bytes;
    if projected < peak || projected as f64 > 1.1 * peak as f64 {
        return Err(format!("projected {projected} bytes, measured {peak}"));
    }
    Ok(outputs
        .iter()
        .map(|o| {
            let bytes = o.shape.iter().product::<usize>() * o.dtype.size();
            // SAFETY: the output holds its shape's elements.
            let bytes = unsafe { std::slice::from_raw_parts(o.buffer.as_ptr(), bytes) };
            Array::from_bytes(o.dtype, &o.shape, bytes)
        })
        .collect())
}

/// The graph with its size symbols replaced by numbers; `None` where that shows an error that the values do not (a
/// minimum over an empty axis of an empty result).
fn fixed(g: &Graph, sizes: &Sizes) -> Option<Graph> {
    let number = |d: &Dim| {
        d.substitute(&|s| {
            matches!(s, "m" | "n").then(|| sizes.number(&Dim::symbol(s)).expect("a size").into())
        })
    };
    let mut b = frit_ir::build::Builder::new(&g.name);
    let mut map: Vec<frit_ir::Value> = Vec::new();
    for n in &g.nodes {
        if n.op == Op::Input {
            let p = &g.inputs[n.attrs.int(Key::Position) as usize];
            let shape: Vec<Dim> = p.ty.shape.iter().map(number).collect();
            map.push(b.input(&p.name, TensorType::new(p.ty.dtype, shape)));
            continue;
        }
        let mut attrs = n.attrs.map_dims(&number);
        for key in [Key::Body, Key::Cond, Key::Else] {
            if let Some(Attr::Graph(inner)) = attrs.get(key).cloned() {
                attrs = attrs.with(key, Attr::Graph(Arc::new(fixed(&inner, sizes)?)));
            }
        }
        let inputs: Vec<frit_ir::Value> =
            n.inputs.iter().map(|v| frit_ir::Value { index: v.index, ..map[v.node.0 as usize] }).collect();
        map.push(b.node(n.op, attrs, &inputs).ok()?);
    }
    let outputs =
        g.outputs.iter().map(|v| frit_ir::Value { index: v.index, ..map[v.node.0 as usize] }).collect();
    Some(b.finish(outputs))
}

/// True if a program's kernels are the same for all sizes: none is special, and loops are not chosen by size.
fn one_structure(p: &Program) -> bool {
    // Those over reduced axes are.
    let general =
        p.graph.nodes.iter().all(|n| {
            matches!(n.op.class(), Class::Source | Class::Elementwise | Class::View | Class::Movement)
        });
    // So is whether threads share one out.
    let large = |b: &Binding| -> Vec<bool> {
        let elements = |t: &TensorType| b.sizes.number(&t.elements()).expect("a size");
        p.graph
            .nodes
            .iter()
            .flat_map(|n| &n.types)
            .map(|t| elements(t) > frit_passes::lower::SERIAL)
            .collect()
    };
    let ordinary =
        |b: &Binding| ["m", "n"].iter().all(|s| b.sizes.number(&Dim::symbol(s)).expect("a size") > 9);
    general && p.bindings.iter().all(|b| ordinary(b) && large(b) == large(&p.bindings[0]))
}

impl Program {
    /// The plan's text, for reports.
    pub(crate) fn plan(&self) -> String {
        let layouts = self.bindings[0].arguments.iter().map(|a| a.layout).collect();
        let g = frit_passes::optimize(&self.graph, &Options::new(self.level)).map(|o| o.graph);
        g.ok()
            .and_then(|g| frit_passes::lower(&g, &LowerOptions { layouts, ..Default::default() }).ok())
            .map_or(String::new(), |l| l.plan.to_string())
    }

    /// Checks the program in all ways; says what is wrong. The slow way through the interpreter of kernels can be left
    /// out.
    pub(crate) fn check(&self, caches: &[Cache], slow: bool) -> Result<(), String> {
        // The program as its text says it: numbers of values may be others, so results are compared. The text of what
        // was read is its own.
        let read: Graph =
            format!("{:#}", self.graph).parse().map_err(|e| format!("does not read back: {e}"))?;
        reads_back(&read)?;
        let mut levels = vec![self.level];
        if self.level == MathLevel::Reassociate {
            levels.push(MathLevel::Exact);
        }
        let analyses = self.bindings.iter().map(|b| {
            let mut a = Analysis::new(b.sizes.clone());
            a.extend(&self.graph, &b.arrays(), self.level).map_err(|e| format!("has no value: {e}"))?;
            Ok(a)
        });
        let analyses: Vec<Analysis> = analyses.collect::<Result<_, String>>()?;
        let expected: Vec<Vec<Expected>> =
            analyses.iter().enumerate().map(|(k, a)| a.expected(&self.graph, self.level, k as u64)).collect();
        let judge = |what: &str, k: usize, got: &[Array]| {
            let refused = |all: &[Expected]| {
                all.iter().zip(got).enumerate().find_map(|(i, (e, a))| e.refuses(a).map(|why| (i, why)))
            };
            if refused(&expected[k]).is_none() {
                return Ok(());
            }
            match refused(&analyses[k].expected_by(&self.graph, self.level, k as u64, MANY_DRAWS)) {
                Some((i, why)) => {
                    Err(format!("{what}, sizes {:?}: result {i}: {why}", self.bindings[k].sizes))
                }
                None => Ok(()),
            }
        };
        let layouts: Vec<Layout> = self.bindings[0].arguments.iter().map(|a| a.layout).collect();
        for level in levels {
            let name = level.name();
            let optimize = |g: &Graph| {
                Ok::<Graph, String>(
                    frit_passes::optimize(g, &Options::new(level))
                        .map_err(|e| format!("{name}: does not optimize: {e}"))?
                        .graph,
                )
            };
            let g = optimize(&read)?;
            reads_back(&g)?;
            for (k, b) in self.bindings.iter().enumerate() {
                let got =
                    eval(&g, &b.arrays(), &b.sizes).map_err(|e| format!("{name}, optimized: {e}\n{g}"))?;
                judge(&format!("{name}, optimized graph"), k, &got).map_err(|e| format!("{e}\n{g}"))?;
            }
            for cache in caches {
                let backend = cache.backend().name();
                if backend == "interp" && !slow {
                    continue;
                }
                let program =
                    compile(&g, layouts.clone(), cache).map_err(|e| format!("{name}, {backend}: {e}"))?;
                for (k, b) in self.bindings.iter().enumerate() {
                    let way = format!("{name}, {backend}");
                    let one = run(&program, b, 1).map_err(|e| format!("{way}: {e}"))?;
                    judge(&way, k, &one)?;
                    if backend != "interp" {
                        let two = run(&program, b, 2).map_err(|e| format!("{way}: {e}"))?;
                        if one.iter().zip(&two).any(|(x, y)| x.to_bytes() != y.to_bytes()) {
                            return Err(format!("{way}: the number of threads changes a result"));
                        }
                    }
                }
            }
            // The same with sizes that are known when it is compiled.
            let Some(cache) = caches.iter().find(|c| c.backend().name() != "interp") else { continue };
            for (k, b) in self.bindings.iter().enumerate() {
                let Some(g) = fixed(&read, &b.sizes) else { continue };
                let g = optimize(&g)?;
                let way = format!("{name}, sizes known");
                let got = eval(&g, &b.arrays(), &Sizes::default()).map_err(|e| format!("{way}: {e}\n{g}"))?;
                judge(&format!("{way}, optimized graph"), k, &got).map_err(|e| format!("{e}\n{g}"))?;
                let before = cache.stats().compiled;
                let program = compile(&g, layouts.clone(), cache).map_err(|e| format!("{way}: {e}"))?;
                if k > 0 && cache.stats().compiled > before && one_structure(self) {
                    return Err(format!("{way}: other sizes compile other kernels"));
                }
                judge(&way, k, &run(&program, b, 2).map_err(|e| format!("{way}: {e}"))?)?;
            }
        }
        Ok(())
    }
}
