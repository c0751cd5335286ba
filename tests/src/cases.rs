//! Arrays written by `tests/numpy/*.py`, and running a graph on them.

use frit_codegen::Cache;
use frit_ir::error::ParseError;
use frit_ir::eval::{Array, Sizes, eval};
use frit_ir::{DType, Graph, Scalar};
use frit_passes::{LowerOptions, MathLevel, Options};
use frit_runtime::{Program, Run};
use serde_json::Value as Json;
use std::sync::Arc;

/// An array of a case.
#[derive(Clone, Debug)]
pub struct Data {
    /// Element type.
    pub dtype: DType,
    /// Shape.
    pub shape: Vec<usize>,
    /// Elements in C order.
    pub bytes: Vec<u8>,
}

impl Data {
    /// From `{dtype, shape, data}` with the bytes in hex.
    pub fn read(j: &Json) -> Data {
        let hex = j["data"].as_str().expect("data").as_bytes();
        let digit = |c: u8| (c as char).to_digit(16).expect("hex") as u8;
        let bytes = hex.chunks(2).map(|p| digit(p[0]) * 16 + digit(p[1])).collect();
        let shape = j["shape"]
            .as_array()
            .expect("shape")
            .iter()
            .map(|n| n.as_u64().expect("size") as usize)
            .collect();
        Data {
            dtype: DType::from_name(j["dtype"].as_str().expect("dtype")).expect("known type"),
            shape,
            bytes,
        }
    }

    /// The element at a flat index.
    pub fn get(&self, i: usize) -> Scalar {
        Scalar::from_bytes(self.dtype, &self.bytes[i * self.dtype.size()..])
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True for a zero-size array.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The reference interpreter's answers.
pub fn interpret(graph: &Graph, inputs: &[Data]) -> Result<Vec<Data>, String> {
    let inputs: Vec<Array> = inputs.iter().map(|d| Array::from_bytes(d.dtype, &d.shape, &d.bytes)).collect();
    let results = eval(graph, &inputs, &Sizes::default()).map_err(|e| e.to_string())?;
    let data = |r: &Array| Data { dtype: r.dtype, shape: r.shape().to_vec(), bytes: r.to_bytes() };
    Ok(results.iter().map(data).collect())
}

/// Text is a complete form: what is read from it prints as the same text.
pub fn reads_back<T: std::fmt::Display + std::str::FromStr<Err = ParseError>>(x: &T) -> Result<(), String> {
    let text = format!("{x:#}");
    let again = text.parse::<T>().map_err(|e| format!("{e} in\n{text}"))?;
    let again = format!("{again:#}");
    if again == text { Ok(()) } else { Err(format!("reads back as another text:\n{text}\n{again}")) }
}

/// Optimizes without changing results, lowers, compiles and runs a graph; the projection of memory must hold.
pub fn run(graph: &Graph, inputs: &[Data], cache: &Cache) -> Result<Vec<Data>, String> {
    reads_back(graph)?;
    let graph =
        frit_passes::optimize(graph, &Options::new(MathLevel::Exact)).map_err(|e| e.to_string())?.graph;
    let plan = frit_passes::lower(&graph, &LowerOptions::default()).map_err(|e| e.to_string())?.plan;
    reads_back(&graph)?;
    reads_back(&plan)?;
    let program = Arc::new(Program::new(Arc::new(plan), cache));
    let shapes: Vec<(&[usize], &[isize])> = inputs.iter().map(|d| (d.shape.as_slice(), &[][..])).collect();
    let bound = program.bind(&shapes, 2).map_err(|e| e.to_string())?;
    let pointers: Vec<*const u8> = inputs.iter().map(|d| d.bytes.as_ptr()).collect();
    // SAFETY: the program is bound to the inputs' shapes, and they are contiguous.
    let (outputs, peak) = unsafe { bound.run(&pointers, &Run::default()) }.map_err(|e| e.to_string())?;
    let projected = bound.memory().peak_bytes;
    if projected < peak || projected as f64 > 1.1 * peak as f64 {
        return Err(format!("projected {projected} bytes, measured {peak}"));
    }
    let read = |o: &frit_runtime::Output| {
        let n: usize = o.shape.iter().product::<usize>() * o.dtype.size();
        // SAFETY: the output holds its shape's elements.
        let bytes = unsafe { std::slice::from_raw_parts(o.buffer.as_ptr(), n) }.to_vec();
        Data { dtype: o.dtype, shape: o.shape.clone(), bytes }
    };
    Ok(outputs.iter().map(read).collect())
}

/// Distance in units in the last place of the expected value; 0 for equal values and for two NaNs.
pub fn ulps(got: f64, want: f64, single: bool) -> f64 {
    if got == want || (got.is_nan() && want.is_nan()) {
        return 0.0;
    }
    if !got.is_finite() || !want.is_finite() {
        return f64::INFINITY;
    }
    let unit = if single {
        let w = (want as f32).abs().max(f32::MIN_POSITIVE);
        f64::from(f32::from_bits(w.to_bits() + 1) - w)
    } else {
        let w = want.abs().max(f64::MIN_POSITIVE);
        f64::from_bits(w.to_bits() + 1) - w
    };
    (got - want).abs() / unit
}
