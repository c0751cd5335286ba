//! The one error type of the frontend.

use frit_ir::error::{ParseError, TypeError};

/// Why tracing, compiling or running failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An operation in the traced function does not fit its operands.
    #[error("{}{error}", line(.error))]
    Type {
        /// What is wrong.
        #[from]
        error: TypeError,
    },
    /// A graph pass failed: a bug in frit.
    #[error("optimizing failed, which is a bug: {0}")]
    Pass(#[from] frit_passes::PassError),
    /// The program cannot be lowered.
    #[error(transparent)]
    Lower(#[from] frit_passes::LowerError),
    /// A kernel cannot be compiled.
    #[error(transparent)]
    Codegen(#[from] frit_codegen::CodegenError),
    /// Binding or running failed.
    #[error(transparent)]
    Runtime(#[from] frit_runtime::RuntimeError),
    /// Wrong number of arguments.
    #[error("takes {want} arguments but {got} were given")]
    Arity {
        /// Parameters of the function.
        want: usize,
        /// Arguments given.
        got: usize,
    },
    /// A result was asked for as another type than it has.
    #[error(
        "the result is {have}, not {want}; ask for it with `call1::<{have}>` or convert it in the function"
    )]
    ResultType {
        /// The result's type.
        have: &'static str,
        /// The type asked for.
        want: &'static str,
    },
    /// The function returned another number of results than asked for.
    #[error("the function returns {0} results; use `call` for more than one")]
    ResultCount(usize),
    /// A saved program does not parse.
    #[error("{0}")]
    Parse(#[from] ParseError),
    /// A saved program is not valid.
    #[error("{0}")]
    Format(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Path.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

fn line(e: &TypeError) -> String {
    let loc = e.loc.to_string();
    if loc.is_empty() { loc } else { format!("{loc}: ") }
}
