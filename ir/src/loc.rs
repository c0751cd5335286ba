//! Source locations: the user's file, line and function for each op.

use std::fmt;
use std::sync::Arc;

/// A place in the user's source, or nowhere.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Loc(Option<Arc<Place>>);

/// A known place.
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Place {
    /// Path as the user's tools print it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1; 0 if unknown.
    pub column: u32,
    /// Enclosing function, or empty.
    pub function: Arc<str>,
}

impl Loc {
    /// No location.
    pub const NONE: Loc = Loc(None);

    /// A place in a file.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32, function: impl Into<Arc<str>>) -> Loc {
        Loc(Some(Arc::new(Place { file: file.into(), line, column, function: function.into() })))
    }

    /// The caller of a `#[track_caller]` function.
    pub fn from_caller(caller: &std::panic::Location<'_>) -> Loc {
        Loc::new(caller.file(), caller.line(), caller.column(), "")
    }

    /// The place, if known.
    pub fn place(&self) -> Option<&Place> {
        self.0.as_deref()
    }
}

impl fmt::Display for Loc {
    /// `file:line`, or nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(p) => write!(f, "{}:{}", p.file, p.line),
            None => Ok(()),
        }
    }
}
