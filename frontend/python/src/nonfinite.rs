//! Which op first made a NaN or an infinity: every value of a program is computed, and one that is not finite is followed
//! back to the op whose operands all were.

use crate::arrays::{self, Memory};
use crate::program::Program;
use frit_ir::plan::Layout;
use frit_ir::{DType, Graph, Op, Value};
use frit_runtime::Output;
use pyo3::prelude::*;
use std::collections::{HashMap, HashSet};

/// What was found: op, "nan" or "inf", index, file, line, function.
pub(crate) type Found = (&'static str, &'static str, Vec<usize>, Option<(String, u32, String)>);

/// The kind and position of the first element that is not finite.
fn first(output: &Output) -> Option<(&'static str, Vec<usize>)> {
    let parts = if output.dtype.is_complex() { 2 } else { 1 };
    let n: usize = output.shape.iter().product::<usize>() * parts;
    let pointer = output.buffer.as_ptr();
    // SAFETY: the buffer holds the elements of the shape and type, aligned for them.
    let values: Box<dyn Iterator<Item = f64>> = unsafe {
        match output.dtype {
            DType::F64 | DType::C128 => {
                Box::new(std::slice::from_raw_parts(pointer.cast::<f64>(), n).iter().copied())
            }
            DType::F32 | DType::C64 => {
                Box::new(std::slice::from_raw_parts(pointer.cast::<f32>(), n).iter().map(|v| f64::from(*v)))
            }
            _ => return None,
        }
    };
    let (at, value) = values.enumerate().find(|(_, v)| !v.is_finite())?;
    let (mut rest, mut index) = (at / parts, vec![0; output.shape.len()]);
    for (i, size) in index.iter_mut().zip(&output.shape).rev() {
        (*i, rest) = (rest % size, rest / size);
    }
    Some((if value.is_nan() { "nan" } else { "inf" }, index))
}

/// Finds the op; `None` if every value that is not finite came from an argument or a constant, or if none is left when
/// each op is computed as written.
pub(crate) fn find(program: &Program, py: Python<'_>, arguments: &[Memory<'_>]) -> PyResult<Option<Found>> {
    let source = program.graph();
    let mut graph: Graph = source.clone();
    let inexact = |v: &Value| {
        let t = source.ty(*v).dtype;
        t.is_float() || t.is_complex()
    };
    let live = source.live();
    let all = source
        .ids()
        .filter(|id| live[id.0 as usize])
        .flat_map(|node| (0..source.node(node).types.len() as u32).map(move |index| Value { node, index }));
    graph.outputs = all.filter(inexact).collect();
    let layout = |m: &Memory<'_>| if m.contiguous { Layout::Contiguous } else { Layout::Strided };
    let config = crate::program::config("exact", None, 0)?;
    let every = Program::compile(&graph, arguments.iter().map(layout).collect(), config)?;
    let outputs = crate::run::run(py, &every.ready(arguments, 0)?, arguments, Vec::new)?;
    let values: HashMap<Value, _> =
        graph.outputs.iter().zip(&outputs).filter_map(|(v, o)| Some((*v, first(o)?))).collect();

    let mut seen = HashSet::new();
    let mut open: Vec<Value> = source.outputs.clone();
    let mut found: Option<Value> = None;
    while let Some(v) = open.pop() {
        if !values.contains_key(&v) || !seen.insert(v) {
            continue;
        }
        let node = source.def(v);
        let before: Vec<Value> = node.inputs.iter().copied().filter(|i| values.contains_key(i)).collect();
        if before.is_empty() && !matches!(node.op, Op::Input | Op::Constant | Op::Literal) {
            found = Some(found.map_or(v, |f| f.min(v)));
        }
        open.extend(before);
    }
    Ok(found.map(|v| {
        let (node, (kind, index)) = (source.def(v), values[&v].clone());
        let place = node.loc.place().map(|p| (p.file.to_string(), p.line, p.function.to_string()));
        (node.op.name(), kind, index, place)
    }))
}

impl Program {
    pub(crate) fn find_nonfinite(
        &self,
        py: Python<'_>,
        arguments: &[Bound<'_, numpy::PyUntypedArray>],
    ) -> PyResult<Option<Found>> {
        let m: Option<Vec<Memory<'_>>> = arguments.iter().map(arrays::memory).collect();
        let wrong = || pyo3::exceptions::PyValueError::new_err("an argument is not aligned or not native");
        find(self, py, &m.ok_or_else(wrong)?)
    }
}
