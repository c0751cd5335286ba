//! Chunk suggestions, as Python sees them.

use frit::chunk::{Candidate, Region, Task as ChunkTask};
use frit::{Suggestion, chunk_name, chunks_to_json};
use frit_ir::{Graph, Value};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;

/// The candidates for one program.
#[pyclass(frozen, module = "frit._frit")]
pub(crate) struct Chunks(pub(crate) Suggestion);

/// A name, and the part of each axis as `(start, stop)`.
type Box = (String, Vec<(i64, i64)>);
/// Stage, block of each loop, boxes read, boxes written, and whether it is the first and the last part of its block.
type Task = (usize, Vec<i64>, Vec<Box>, Vec<Box>, bool, bool);

fn boxes(g: &Graph, list: &[(Value, Region)]) -> Vec<Box> {
    list.iter().map(|(v, r)| (chunk_name(g, *v), r.iter().map(|i| (i.lo, i.hi)).collect())).collect()
}

impl Chunks {
    fn candidate(&self, k: usize) -> PyResult<&Candidate> {
        self.0.candidates.get(k).ok_or_else(|| PyIndexError::new_err(format!("there is no candidate {k}")))
    }
}

#[pymethods]
impl Chunks {
    /// All candidates as JSON.
    fn json(&self) -> String {
        chunks_to_json(&self.0).to_string()
    }

    /// The program with the layouts of a candidate as `rechunk` nodes.
    fn graph(&self, candidate: usize) -> PyResult<String> {
        let c = self.candidate(candidate)?;
        let graph = c.plan.annotated(&c.graph);
        graph.map(|g| g.to_string()).map_err(|e| PyValueError::new_err(e.to_string()))
    }

    /// The tasks of a candidate, in order.
    fn tasks(&self, py: Python<'_>, candidate: usize) -> PyResult<Vec<Task>> {
        let c = self.candidate(candidate)?;
        let (g, plan) = (&*c.graph, &c.plan);
        Ok(py.detach(|| {
            let one = |t: ChunkTask| {
                (t.stage, t.at.clone(), boxes(g, &t.reads), boxes(g, &t.writes), t.first, t.last)
            };
            plan.tasks(g).into_iter().map(one).collect()
        }))
    }
}
