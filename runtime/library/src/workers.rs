//! Threads, as routines see them.

/// Threads that share out blocks of work.
pub trait Workers: Sync {
    /// Calls `work(block, worker)` once for each block below `blocks`, on at most `limit` threads of which the caller is
    /// one, and returns when all are done. Worker numbers are below `limit`; calls with the same one do not overlap.
    fn run(&self, blocks: usize, limit: usize, work: &(dyn Fn(usize, usize) + Sync));
}

/// The calling thread alone.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Workers for Alone {
    fn run(&self, blocks: usize, _: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        (0..blocks).for_each(|block| work(block, 0));
    }
}

/// Workers, and how many of them a call may use.
#[derive(Clone, Copy)]
pub(crate) struct Team<'a> {
    pub(crate) workers: &'a dyn Workers,
    pub(crate) count: usize,
}

impl Team<'_> {
    pub(crate) const ALONE: Team<'static> = Team { workers: &Alone, count: 1 };

    pub(crate) fn run(self, blocks: usize, work: impl Fn(usize, usize) + Sync) {
        if self.count < 2 || blocks < 2 {
            return Alone.run(blocks, 1, &work);
        }
        self.workers.run(blocks, self.count, &work);
    }
}

/// A pointer that workers share, each using its own piece.
pub(crate) struct Shared<T>(*mut T);

// SAFETY: whoever makes one hands out pieces that do not overlap.
unsafe impl<T> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(pointer: *mut T) -> Shared<T> {
        Shared(pointer)
    }

    pub(crate) fn get(&self) -> *mut T {
        self.0
    }
}
