//! From which size on something is worth a word.

use super::kinds::{KINDS, Kind};
use frit_ir::units::parse_bytes;
use frit_passes::MathLevel;
use std::collections::BTreeSet;

/// What a threshold counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Unit {
    Bytes,
    Flops,
    Seconds,
    Ratio,
    Count,
}

/// A row of [`THRESHOLDS`].
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// Its name in options.
    pub name: &'static str,
    /// The codes that look at it.
    pub codes: &'static [&'static str],
    /// What it counts.
    pub unit: Unit,
    /// Its value, unless an option says otherwise.
    pub default: f64,
    /// What it decides.
    pub doc: &'static str,
}

macro_rules! thresholds {
    ($($name:ident $unit:ident $default:expr, [$($code:literal),*], $doc:literal;)*) => {
        /// Every threshold.
        pub const THRESHOLDS: &[Threshold] = &[$(Threshold {
            name: stringify!($name), codes: &[$($code),*], unit: Unit::$unit, default: $default, doc: $doc,
        }),*];

        /// Values of [`THRESHOLDS`], and which diagnostics are wanted at all.
        #[derive(Clone, PartialEq, Debug)]
        pub struct Thresholds {
            $(#[doc = $doc] pub $name: f64,)*
            /// Nothing is looked for.
            pub off: bool,
            /// Codes that are left out.
            pub ignored: BTreeSet<&'static str>,
        }

        impl Default for Thresholds {
            fn default() -> Thresholds {
                Thresholds { $($name: $default,)* off: false, ignored: BTreeSet::new() }
            }
        }

        impl Thresholds {
            fn field(&mut self, name: &str) -> Option<&mut f64> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }

            /// Name and value of each.
            pub fn values(&self) -> Vec<(&'static str, f64)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

const MIB: f64 = (1u64 << 20) as f64;

thresholds! {
    intermediate_bytes  Bytes   256.0 * MIB, ["F001"], "an array that frit stores is worth a word from this size on";
    intermediate_share  Ratio   0.25,        ["F001"], "and if it is at least this share of the projected peak";
    intermediate_growth Ratio   4.0,         ["F001"], "and this many times as large as all arguments together";
    memory_bytes        Bytes   0.0,         ["F001", "F002"], "the memory there is; 0: `memory_limit`, else what the machine has";
    looser_seconds      Seconds 5e-3,        ["F003"], "looser levels of `math` are tried for programs that take at least this long by the cost model";
    looser_gain         Ratio   2.0,         ["F003"], "how many times less time the program must take there";
    cubic_flops         Flops   1e8,         ["F004"], "least work of a product, inverse or decomposition";
    repeated_flops      Flops   2e7,         ["F005"], "least work that depends on nothing that changes";
    repeated_calls      Count   3.0,         ["F005"], "calls after which an argument that stays the same counts as unchanging";
    promoted_bytes      Bytes   16.0 * MIB,  ["F006"], "least size of the float64 array";
    strided_bytes       Bytes   16.0 * MIB,  ["F007"], "least size of an array read along its long strides";
    strided_walk        Bytes   64.0 * 1024.0,  ["F007"], "cache lines that one walk along the stride touches: fewer stay in cache";
    fallback_bytes      Bytes   0.0,         ["F008"], "least size of what NumPy computes";
    signatures          Count   16.0,        ["F009"], "signatures that were called once each";
    captured_bytes      Bytes   64.0 * MIB,  ["F010"], "least size of an array from outside, or of an array constant";
    call_seconds        Seconds 1.2e-6,      ["F012"], "what a call of a compiled function takes beside its work";
}

impl Thresholds {
    /// True if diagnostics of a code are looked for.
    pub fn wants(&self, code: &str) -> bool {
        !self.off && !self.ignored.contains(code)
    }

    /// Changes them as an option says: items with commas between them. `off`; `-F007` leaves a code out;
    /// `intermediate_bytes=4GiB` sets a threshold.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        for item in text.split(',').map(str::trim).filter(|s| !s.is_empty()) {
            self.item(item)?;
        }
        Ok(())
    }

    fn item(&mut self, item: &str) -> Result<(), String> {
        if item == "off" {
            self.off = true;
            return Ok(());
        }
        if let Some(code) = item.strip_prefix('-') {
            let kind = Kind::of(code)
                .ok_or_else(|| format!("`{code}`: the codes are F001 to {}", KINDS[KINDS.len() - 1].code))?;
            self.ignored.insert(kind.code);
            return Ok(());
        }
        let (name, value) = item
            .split_once('=')
            .ok_or_else(|| format!("`{item}`: write `off`, `-CODE` or `threshold=value`"))?;
        let name = name.trim();
        let row = THRESHOLDS.iter().find(|t| t.name == name).ok_or_else(|| {
            let names: Vec<&str> = THRESHOLDS.iter().map(|t| t.name).collect();
            format!("`{name}`: the thresholds are {}", names.join(", "))
        })?;
        let number = match row.unit {
            Unit::Bytes => parse_bytes(value)? as f64,
            _ => value.trim().parse().map_err(|e| format!("`{item}`: {e}"))?,
        };
        if number.is_nan() {
            return Err(format!("`{item}`: a threshold is a number"));
        }
        *self.field(row.name).expect("a field for each row") = number;
        Ok(())
    }

    /// The defaults as `FRIT_WARN` changes them.
    pub fn from_environment() -> Result<Thresholds, String> {
        let mut t = Thresholds::default();
        if let Ok(text) = std::env::var("FRIT_WARN") {
            t.set(&text).map_err(|e| format!("FRIT_WARN: {e}"))?;
        }
        Ok(t)
    }
}

/// What diagnostics depend on beside the program and its sizes.
#[derive(Clone, PartialEq, Debug)]
pub struct DiagnosticOptions {
    /// Limits.
    pub thresholds: Thresholds,
    /// The level that the program was optimized at.
    pub math: MathLevel,
    /// The most bytes that a call may take.
    pub memory_limit: Option<usize>,
    /// Threads; 0 for all cores.
    pub threads: usize,
    /// Parameters that are the same at each call: arrays that the function takes from outside.
    pub constant: Vec<bool>,
}

impl DiagnosticOptions {
    /// For a program of a configuration, all parameters changing.
    pub fn new(config: &crate::jit::Config, thresholds: Thresholds) -> DiagnosticOptions {
        let (math, memory_limit, threads) = (config.math, config.memory_limit, config.threads);
        DiagnosticOptions { thresholds, math, memory_limit, threads, constant: vec![] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_as_text() {
        let mut t = Thresholds::default();
        t.set("intermediate_bytes = 2GiB, -F007,looser_gain=3").unwrap();
        assert_eq!((t.intermediate_bytes, t.looser_gain), (2.0 * 1024.0 * MIB, 3.0));
        assert!(!t.wants("F007") && t.wants("F001"));
        for wrong in ["-F999", "nonsense=3", "whatever", "looser_gain=x"] {
            assert!(t.set(wrong).is_err(), "{wrong}");
        }
        t.set("off").unwrap();
        assert!(!t.wants("F001"));
    }

    #[test]
    fn every_code_of_a_threshold_is_in_the_table() {
        for t in THRESHOLDS {
            assert!(t.codes.iter().all(|c| Kind::of(c).is_some()), "{}", t.name);
        }
    }
}
