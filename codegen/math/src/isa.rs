//! Which instruction sets there are, and which of them this machine runs.

use std::sync::OnceLock;

/// An instruction set that the routines are compiled for. Later ones are supersets of earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// What the crate was compiled for: SSE2 on x86-64, NEON on aarch64.
    Baseline,
    /// AVX2 and FMA: four `f64` lanes.
    Avx2,
    /// AVX-512 F, DQ, BW and VL: eight `f64` lanes.
    Avx512,
}

impl Isa {
    /// Every instruction set, narrowest first.
    pub const ALL: &[Isa] = &[Isa::Baseline, Isa::Avx2, Isa::Avx512];

    /// The name used by the environment variable `FRIT_ISA`.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Baseline => "baseline",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }

    /// The instruction set of that name.
    pub fn from_name(name: &str) -> Option<Isa> {
        Isa::ALL.iter().copied().find(|isa| isa.name() == name)
    }

    /// The instruction sets this CPU can run, narrowest first. `FRIT_ISA` has no say here.
    pub fn available() -> impl Iterator<Item = Isa> {
        let best = Isa::best();
        Isa::ALL.iter().copied().filter(move |&isa| isa <= best)
    }

    /// The instruction set in use: the best one of this CPU, or a lower one named by `FRIT_ISA`.
    ///
    /// Read once per process; a value that is no instruction set's name, or one above what the CPU has,
    /// changes nothing.
    pub fn detect() -> Isa {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(|| {
            let wanted = std::env::var("FRIT_ISA").ok().and_then(|name| Isa::from_name(&name));
            Isa::best().min(wanted.unwrap_or(Isa::Avx512))
        })
    }

    #[cfg(target_arch = "x86_64")]
    fn best() -> Isa {
        use std::arch::is_x86_feature_detected as has;
        let avx2 = has!("avx2") && has!("fma");
        let avx512 = has!("avx512f") && has!("avx512dq") && has!("avx512bw") && has!("avx512vl");
        match (avx2, avx512) {
            (true, true) => Isa::Avx512,
            (true, false) => Isa::Avx2,
            _ => Isa::Baseline,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn best() -> Isa {
        Isa::Baseline
    }
}
