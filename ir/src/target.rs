//! The machine that a program is compiled for, as data read by passes, backends and the runtime: the only place that
//! knows how fast anything is.
//!
//! Decisions about a program use [`Target::REFERENCE`], a fixed machine, so that the same program becomes the same plan
//! everywhere; the number of threads and the sizes of caches of [`Target::host`] matter when a plan is bound and run.
//! `cargo run --release -p frit-benches -- calibrate` measures the constants on the present machine, next to these.

/// Parameters of the machine. Times are in seconds and for one core unless said otherwise.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Target {
    /// Worker threads.
    pub threads: usize,
    /// Bytes of a vector in generated code.
    pub vector_bytes: usize,
    /// Bytes of L1 data cache per core.
    pub l1_bytes: usize,
    /// Bytes of L2 cache per core.
    pub l2_bytes: usize,
    /// Bytes per second from and to memory, of one core.
    pub core_bandwidth: f64,
    /// The same of all cores together.
    pub memory_bandwidth: f64,
    /// Bytes per second of one core from and to its L2 cache.
    pub cache_bandwidth: f64,
    /// Bytes that a loop over slabs may work on: what of the cache that cores share one program can count on.
    pub block_bytes: usize,
    /// Bytes per second of one core from and to so many bytes that stay in cache from one step to the next.
    pub block_bandwidth: f64,
    /// One unit of a primitive's cost ([`crate::prim::Prim::cost`]: an `f64` addition is one) in a fused loop on data in
    /// cache.
    pub unit: f64,
    /// One element moved to where only its index says: a gather, a join of pieces.
    pub move_element: f64,
    /// One multiply-add of a product of matrices that are large each way (`f64`).
    pub gemm: f64,
    /// One multiply-add of a product with so few rows or columns that nothing is reused, operands in registers.
    pub matvec: f64,
    /// One multiply-add of other dense linear algebra: factorizations, solves, eigenvalues.
    pub dense: f64,
    /// One element in one of the log2(n) rounds of sorting or searching.
    pub sort: f64,
    /// One element in one of the log2(n) rounds of a Fourier transform.
    pub fft: f64,
    /// Starting a kernel or a library routine.
    pub launch: f64,
    /// One step of an iteration of a plan's loop, whose numbers are computed anew.
    pub loop_step: f64,
    /// Work that pays for its share of waking the other workers: with two blocks of less, one thread is faster.
    pub parallel_block: f64,
    /// Bytes per second of one worker from and to where chunks are stored: a local disk, or a network.
    pub storage_bandwidth: f64,
    /// One more stored block that is opened.
    pub open_block: f64,
    /// One task of a chunked run, for whoever schedules it.
    pub task: f64,
    /// Assumed value of a size of which only the name is known.
    pub typical_size: i64,
}

impl Target {
    /// Two cores of an AMD EPYC (Zen 5) under virtualization: the machine of `benches/README.md`, where each figure
    /// comes from.
    pub const REFERENCE: Target = Target {
        threads: 2,
        vector_bytes: 16,
        l1_bytes: 32 << 10,
        l2_bytes: 1 << 20,
        // The chain of 8 operations on 3 arrays of 10^7 f64: 35.7 GB/s on one thread, 49.1 GB/s on two.
        core_bandwidth: 35e9,
        memory_bandwidth: 49e9,
        // Copying 20,000 f64, one thread.
        cache_bandwidth: 110e9,
        // Copies between arrays of 4 and of 8 MiB in all run at 82 GB/s on one thread; of 16 MiB at 70, of 32 MiB at 40 GB/s.
        block_bytes: 8 << 20,
        block_bandwidth: 80e9,
        // `benches/src/bin/dispatch.rs`: geometric mean over nine kernels 0.043 ns, from 0.015 to 0.18.
        unit: 0.05e-9,
        move_element: 0.2e-9,
        // 512 x 512 f64 on one thread: 104 GFLOP/s, two of which are one multiply-add.
        gemm: 0.019e-9,
        // 256 x 256 f64, in L2, on one thread: `calibrate`.
        matvec: 0.08e-9,
        // Cholesky, LU and QR of 500 x 500 by `routines`, one thread.
        dense: 0.05e-9,
        // 2,000,000 random f64 in 33 ms on one thread.
        sort: 0.8e-9,
        fft: 0.1e-9,
        launch: 0.2e-6,
        // A round figure: numbers of a launch or call, and two visits to the memory pool.
        loop_step: 2e-6,
        // Two blocks of 31 us take 1 / 0.69 of one thread's time if the workers sleep: `dispatch`, as `unit`.
        parallel_block: 60e-6,
        // Round figures, of which the order matters: of disks, of calls of a file system, of Python's schedulers.
        storage_bandwidth: 2e9,
        open_block: 20e-6,
        task: 0.5e-3,
        typical_size: 1000,
    };

    /// The reference machine with this one's number of cores, or the given number of threads (0: all cores).
    pub fn host(threads: usize) -> Target {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        Target { threads: if threads == 0 { cores } else { threads }, ..Target::REFERENCE }
    }

    /// Seconds to read or write so many bytes of one array: those of a small one stay in cache.
    pub fn traffic(&self, bytes: f64) -> f64 {
        if bytes <= self.l2_bytes as f64 / 2.0 {
            bytes / self.cache_bandwidth
        } else {
            bytes / self.core_bandwidth
        }
    }

    /// Units of primitive cost in the time that it takes to write an element of so many bytes to memory and to read it
    /// back.
    pub const fn round_trip(&self, bytes: usize) -> f64 {
        2.0 * bytes as f64 / self.core_bandwidth / self.unit
    }

    /// Seconds of work that can be shared out, `compute` and `memory` of it, on all threads: no more than on one.
    pub fn shared(&self, compute: f64, memory: f64) -> f64 {
        (compute + memory).min(self.divided(compute, memory) + self.parallel_block)
    }

    /// The same on all threads, if they were awake and all done at once.
    pub fn divided(&self, compute: f64, memory: f64) -> f64 {
        let all = self.memory_bandwidth.min(self.core_bandwidth * self.threads as f64);
        compute / self.threads as f64 + memory * self.core_bandwidth / all
    }
}
