//! Diagnostics: what about a program costs more than it has to, or loses accuracy, with the user's line, how much it is, and
//! what to write instead.
//!
//! [`KINDS`] is the one table of codes. Each row names what finds it: a function over a compiled program's graphs and
//! plan, in the file of its family ([`memory`], [`compute`], [`access`], [`numerics`], [`overhead`]); or nothing, if only
//! the Python package can know it (it tells calls apart, and runs what is not compiled). Limits are [`Thresholds`].
//! Nothing is allocated and nothing runs: sizes are enough.

mod access;
mod compute;
mod kinds;
mod memory;
mod numerics;
mod options;
mod overhead;
mod render;
mod situation;

pub use kinds::{KINDS, Kind, Severity};
pub use options::{DiagnosticOptions, THRESHOLDS, Threshold, Thresholds, Unit};
pub use render::{ignores, to_json};

use crate::error::Error;
use crate::report::Report;
use frit_ir::units::human_bytes;
use frit_ir::{Loc, Op};
use situation::Situation;
use std::fmt;

/// How much a diagnostic is about.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Quantity {
    /// Bytes of memory.
    Bytes(usize),
    /// Floating-point operations, in units of one `f64` addition of the cost model.
    Flops(f64),
    /// Time of one call.
    Seconds(f64),
    /// Signatures, calls.
    Count(usize),
}

impl Quantity {
    /// `{"unit": "bytes", "value": 32}`; the other units are `flops`, `seconds` and `count`.
    pub fn to_json(self) -> serde_json::Value {
        let (unit, value): (_, serde_json::Value) = match self {
            Quantity::Bytes(n) => ("bytes", n.into()),
            Quantity::Flops(n) => ("flops", n.into()),
            Quantity::Seconds(n) => ("seconds", n.into()),
            Quantity::Count(n) => ("count", n.into()),
        };
        serde_json::json!({"unit": unit, "value": value})
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quantity::Bytes(n) => f.write_str(&human_bytes(*n)),
            Quantity::Flops(n) => write!(f, "{n:.2e} FLOPs"),
            Quantity::Seconds(s) if *s < 1e-3 => write!(f, "{:.1} us", s * 1e6),
            Quantity::Seconds(s) if *s < 1.0 => write!(f, "{:.1} ms", s * 1e3),
            Quantity::Seconds(s) => write!(f, "{s:.1} s"),
            Quantity::Count(n) => write!(f, "{n}"),
        }
    }
}

/// One finding.
#[derive(Clone, PartialEq, Debug)]
pub struct Diagnostic {
    /// Its row of [`KINDS`].
    pub kind: &'static Kind,
    /// What was found, with types and sizes.
    pub message: String,
    /// How much it is about.
    pub quantity: Option<Quantity>,
    /// The op, if it is about one.
    pub op: Option<Op>,
    /// The user's line, if known.
    pub loc: Loc,
    /// Why it is so.
    pub notes: Vec<String>,
    /// What to write instead.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A finding of a kind, by its code.
    pub(crate) fn new(code: &str, message: String, op: Option<Op>, loc: &Loc) -> Diagnostic {
        let kind = Kind::of(code).expect("a code of the table");
        Diagnostic { kind, message, quantity: None, op, loc: loc.clone(), notes: vec![], help: vec![] }
    }

    pub(crate) fn quantity(mut self, q: Quantity) -> Diagnostic {
        self.quantity = Some(q);
        self
    }

    pub(crate) fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    pub(crate) fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help.push(text.into());
        self
    }
}

impl Report {
    /// What there is to say about the program for arguments of these shapes and strides (in elements), by line. Comments
    /// `frit: ignore` in the source are heeded, as far as the files named by locations can be read.
    ///
    /// Errors: shapes that do not fit the program, and sizes in bytes beyond 64 bits.
    pub fn diagnostics(
        &self,
        arguments: &[(&[usize], &[isize])],
        options: &DiagnosticOptions,
    ) -> Result<Vec<Diagnostic>, Error> {
        if options.thresholds.off {
            return Ok(vec![]);
        }
        let situation = Situation::new(self, arguments, options)?;
        let mut found = Vec::new();
        for kind in KINDS.iter().filter(|k| options.thresholds.wants(k.code)) {
            if let Some(check) = kind.check {
                check(&situation, &mut found);
            }
        }
        // A product that a looser level associates better is not also cubic work.
        let told: Vec<String> =
            found.iter().filter(|d| d.kind.code == "F003").map(|d| d.loc.to_string()).collect();
        found.retain(|d| d.kind.code != "F004" || !told.contains(&d.loc.to_string()));
        let mut unique: Vec<Diagnostic> = Vec::new();
        for d in found {
            if !unique.contains(&d) && !render::ignored(&d) {
                unique.push(d);
            }
        }
        unique.sort_by(|a, b| (a.loc.place(), a.kind.code).cmp(&(b.loc.place(), b.kind.code)));
        Ok(unique)
    }
}
