//! The table of diagnostics.

use super::situation::Situation;
use super::{Diagnostic, access, compute, memory, numerics, overhead};

/// How loudly a diagnostic is told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Severity {
    /// Given as a warning at the first call.
    Warning,
    /// Listed on request only: worth knowing, and often as intended.
    Note,
}

impl Severity {
    /// The word in messages.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

pub(super) type Check = fn(&Situation<'_>, &mut Vec<Diagnostic>);

/// A row of the table.
#[derive(Clone, Copy)]
pub struct Kind {
    /// `F001`; never used for anything else. `docs/diagnostics` has a page for each.
    pub code: &'static str,
    /// A few words.
    pub name: &'static str,
    /// How it is told, unless the finding itself says otherwise.
    pub severity: Severity,
    /// What finds it; `None` for what only the Python package knows.
    pub(super) check: Option<Check>,
}

impl Kind {
    /// The row of a code.
    pub fn of(code: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|k| k.code == code)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        self.code == other.code
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code)
    }
}

const fn warning(code: &'static str, name: &'static str, check: Option<Check>) -> Kind {
    Kind { code, name, severity: Severity::Warning, check }
}

const fn note(code: &'static str, name: &'static str, check: Option<Check>) -> Kind {
    Kind { code, name, severity: Severity::Note, check }
}

/// Every diagnostic, by code.
#[rustfmt::skip]
pub const KINDS: [Kind; 15] = [
    warning("F001", "expensive intermediate",            Some(memory::intermediates)),
    warning("F002", "array beyond the memory",           Some(memory::beyond)),
    warning("F003", "cheaper form under a looser level", Some(compute::looser)),
    warning("F004", "cubic work for a few numbers",      Some(compute::cubic)),
    warning("F005", "repeated work",                     Some(compute::repeated)),
    warning("F006", "silent promotion to float64",       None),
    warning("F007", "non-contiguous access",             Some(access::strided)),
    warning("F008", "fallback to NumPy",                 None),
    warning("F009", "retrace storm",                     None),
    warning("F010", "huge constant",                     Some(memory::constants)),
    warning("F011", "catastrophic cancellation",         Some(numerics::cancellation)),
    note   ("F012", "too small to profit",               Some(overhead::small)),
    // Of the same family as F011, but harmless for most data: listed, not told.
    note   ("F013", "loss of accuracy near a point",     Some(numerics::near_a_point)),
    note   ("F014", "overflow of an intermediate value", Some(numerics::overflow)),
    note   ("F015", "graph break",                       None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_unique() {
        for (k, kind) in KINDS.iter().enumerate() {
            assert_eq!(kind.code, format!("F{:03}", k + 1));
        }
    }
}
