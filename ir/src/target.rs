//! The machine that a program is compiled for, as data read by passes and backends.

/// Parameters of the machine. No `Default`: the frontend decides, usually with [`Target::host`].
#[derive(Clone, PartialEq, Debug)]
pub struct Target {
    /// Worker threads.
    pub threads: usize,
    /// Bytes of L1 data cache per core.
    pub l1_bytes: usize,
    /// Bytes of L2 cache per core.
    pub l2_bytes: usize,
}

impl Target {
    /// This machine, with the given number of threads (0: all cores).
    pub fn host(threads: usize) -> Target {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        Target { threads: if threads == 0 { cores } else { threads }, l1_bytes: 32 << 10, l2_bytes: 1 << 20 }
    }
}
