//! Programs in files.
//!
//! ```
//! use ndarray::array;
//! let f = frit::jit(|x: frit::Array| (x.square() + 1.0).sum(0));
//! let saved = f.saved(&[frit::spec(&["n", "3"], frit::DType::F64)]).unwrap();
//! let text = saved.to_json();
//! let again = frit::Saved::from_json(&text).unwrap();
//! let r = again.call((&array![[1.0, 2.0, 3.0]],)).unwrap();
//! assert_eq!(r[0].to_array::<f64>().unwrap(), array![2.0, 5.0, 10.0].into_dyn());
//! ```

use crate::argument::{Arguments, Raw};
use crate::call::Calls;
use crate::error::Error;
use crate::jit::{Config, compile};
use crate::report::Report;
use crate::tensor::Tensor;
use frit_ir::error::ParseError;
use frit_ir::{Graph, TensorType, json};
use frit_passes::MathLevel;
use frit_runtime::{MemoryReport, Run};
use std::path::Path;

/// The version of the file format. A file of a later version is refused.
const VERSION: i64 = 1;

const LEVELS: [(MathLevel, &str); 3] =
    [(MathLevel::Exact, "exact"), (MathLevel::Reassociate, "reassociate"), (MathLevel::Fast, "fast")];

/// A traced program that can be kept in a file: its graph, as written by the user, and how it may be rewritten.
///
/// The file is JSON: `{"frit": 1, "math": "reassociate", "graph": {..}}` with the graph as in [`frit_ir::json`].
/// A field `python` may say how the Python package passes arguments and results; it is not looked at here.
pub struct Saved {
    graph: Graph,
    calls: Calls,
}

impl Saved {
    /// A program from a graph. Of the configuration only `math` is kept in files.
    pub fn new(graph: Graph, config: Config) -> Saved {
        Saved { graph, calls: Calls::new(config) }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The choices with which it is compiled.
    pub fn config(&self) -> &Config {
        &self.calls.config
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        let math =
            LEVELS.iter().find(|(l, _)| *l == self.calls.config.math).map_or("exact", |(_, name)| name);
        let value = serde_json::json!({"frit": VERSION, "math": math, "graph": json::to_json(&self.graph)});
        format!("{value:#}\n")
    }

    /// Reads the text of a file: JSON, or the text form of a graph. Errors carry line and column.
    pub fn from_json(text: &str) -> Result<Saved, Error> {
        let mut config = Config::new();
        let whole = json::Part::whole(text)?;
        let fields = whole.object(&["frit", "math", "graph", "python"])?;
        let version = fields.field("frit")?;
        if version.int()? != VERSION {
            let why = format!("version {}, but this frit reads version {VERSION}", version.int()?);
            return Err(version.error(why).into());
        }
        if let Some(part) = fields.optional("math") {
            let name = part.string()?;
            let found = LEVELS.iter().find(|(_, n)| *n == name);
            config.math = found.ok_or_else(|| part.error("the math levels are exact, reassociate, fast"))?.0;
        }
        Ok(Saved::new(json::graph_part(fields.field("graph")?)?, config))
    }

    /// Reads JSON or, if the first character is not `{`, the text form of a graph.
    pub fn parse(text: &str) -> Result<Saved, Error> {
        if text.trim_start().starts_with('{') {
            return Saved::from_json(text);
        }
        let graph: Graph = text.parse().map_err(|e: ParseError| Error::Parse(e))?;
        Ok(Saved::new(graph, Config::new()))
    }

    /// Writes the file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        std::fs::write(path, self.to_json()).map_err(|e| file_error(path, e))
    }

    /// Reads a file: see [`Saved::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Saved, Error> {
        let path = path.as_ref();
        Saved::parse(&std::fs::read_to_string(path).map_err(|e| file_error(path, e))?)
    }

    /// The same program with other choices.
    pub fn with_config(self, config: Config) -> Saved {
        Saved::new(self.graph, config)
    }

    /// Everything about the compiled program. Nothing runs.
    pub fn explain(&self) -> Result<Report, Error> {
        compile(&self.graph, &[], &self.calls.config)
    }

    /// Runs the program.
    pub fn call(&self, arguments: impl Arguments) -> Result<Vec<Tensor>, Error> {
        self.call_with(arguments, &Run::default()).map(|(outputs, _)| outputs)
    }

    /// [`Saved::call`] with a cancellation token or an observer; also the measured peak bytes.
    pub fn call_with(&self, arguments: impl Arguments, run: &Run<'_>) -> Result<(Vec<Tensor>, usize), Error> {
        arguments.with(|raw| {
            self.check(raw)?;
            self.calls.run(raw, run, || Ok(self.graph.clone()))
        })
    }

    /// Projected memory of a call, before it runs.
    pub fn memory(&self, arguments: impl Arguments) -> Result<MemoryReport, Error> {
        arguments.with(|raw| {
            self.check(raw)?;
            Ok(self.calls.bound(raw, || Ok(self.graph.clone()))?.memory().clone())
        })
    }

    /// Number and element types; binding checks the shapes.
    fn check(&self, arguments: &[Raw<'_>]) -> Result<(), Error> {
        if arguments.len() != self.graph.inputs.len() {
            return Err(Error::Arity { want: self.graph.inputs.len(), got: arguments.len() });
        }
        for (input, a) in self.graph.inputs.iter().zip(arguments) {
            if input.ty.dtype != a.dtype {
                let have = TensorType::fixed(a.dtype, a.shape);
                let why = format!("argument `{}` is {have}, expected {}", input.name, input.ty);
                return Err(Error::Format(why));
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Saved").field("graph", &self.graph.name).finish_non_exhaustive()
    }
}

fn file_error(path: &Path, source: std::io::Error) -> Error {
    Error::File { path: path.display().to_string(), source }
}
