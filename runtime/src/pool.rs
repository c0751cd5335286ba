//! Memory from a pool that counts: current and peak bytes, and blocks kept for reuse.
//!
//! Freshly mapped pages cost several times a plain write, so a freed block is kept, up to [`IDLE_LIMIT`] bytes in all,
//! and serves requests of its size or up to a sixteenth less. What is counted is what was asked for.
//!
//! Kept blocks obey the memory contract too: before the pool asks the system for more, it gives back blocks that
//! nobody uses until all it holds is at most the most that was in use at once (or will be now), and [`slack`].

use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Alignment of every block: a cache line, and the widest vector.
pub const ALIGNMENT: usize = 64;
/// Bytes of freed blocks that are kept.
pub const IDLE_LIMIT: usize = 1 << 30;
/// Bytes that the pool may hold beyond the most that was in use at once, so that small blocks of many sizes stay warm: 16 MiB
/// for processes that use less than 64 MiB; a sixteenth of more, up to as much.
pub fn slack(most: usize) -> usize {
    const FEW: usize = 16 << 20;
    if most < 4 * FEW { FEW } else { (most / 16).min(FEW) }
}

/// Bytes that a request takes: a multiple of the alignment, at least one line. Saturates at the largest size that an
/// allocation can have.
pub fn rounded(bytes: usize) -> usize {
    const MOST: usize = isize::MAX as usize & !(ALIGNMENT - 1);
    bytes.clamp(1, MOST).next_multiple_of(ALIGNMENT)
}

/// A pool of blocks.
#[derive(Debug, Default)]
pub struct Pool {
    current: AtomicUsize,
    peak: AtomicUsize,
    /// Bytes of all blocks, in use or kept.
    held: AtomicUsize,
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    bytes: usize,
    blocks: BTreeMap<usize, Vec<Block>>,
}

impl Idle {
    /// The smallest block that serves a request without much waste.
    fn pop(&mut self, size: usize) -> Option<(Block, usize)> {
        let (capacity, list) =
            self.blocks.range_mut(size..=size + size / 16).find(|(_, list)| !list.is_empty())?;
        let (capacity, block) = (*capacity, list.pop()?);
        if list.is_empty() {
            self.blocks.remove(&capacity);
        }
        self.bytes -= capacity;
        Some((block, capacity))
    }

    /// Takes out the largest blocks until what is left is at most so many bytes.
    fn shrink(&mut self, bytes: usize) -> Vec<(Block, usize)> {
        let mut out = Vec::new();
        while self.bytes > bytes {
            let Some(mut last) = self.blocks.last_entry() else { break };
            let capacity = *last.key();
            out.extend(last.get_mut().pop().map(|b| (b, capacity)));
            if last.get().is_empty() {
                last.remove();
            }
            self.bytes -= capacity;
        }
        out
    }
}

#[derive(Debug)]
struct Block(*mut u8);

// SAFETY: a block is owned memory; only its owner touches it.
unsafe impl Send for Block {}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, ALIGNMENT).expect("a rounded size is a valid layout")
}

impl Pool {
    /// The pool of the process.
    pub fn global() -> &'static Arc<Pool> {
        static POOL: OnceLock<Arc<Pool>> = OnceLock::new();
        POOL.get_or_init(Arc::default)
    }

    /// A block of at least `bytes`, contents arbitrary; `None` if the machine has no memory.
    pub fn take(self: &Arc<Pool>, bytes: usize) -> Option<OwnedBuffer> {
        let size = rounded(bytes);
        if size < bytes {
            return None;
        }
        let (reused, surplus) = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            match idle.pop(size) {
                Some(block) => (Some(block), vec![]),
                None => {
                    let most = self.peak().max(self.current().saturating_add(size));
                    let in_use = self.held().saturating_sub(idle.bytes).saturating_add(size);
                    (None, idle.shrink(most.saturating_add(slack(most)).saturating_sub(in_use)))
                }
            }
        };
        self.release(surplus);
        let (pointer, capacity) = match reused {
            Some((block, capacity)) => (block.0, capacity),
            None => {
                // SAFETY: the size is not zero, and fits a layout as it was rounded.
                let mut fresh = unsafe { alloc(layout(size)) };
                if fresh.is_null() && self.idle() > 0 {
                    // Kept blocks of other sizes may be what is missing.
                    self.trim();
                    // SAFETY: as above.
                    fresh = unsafe { alloc(layout(size)) };
                }
                if !fresh.is_null() {
                    self.held.fetch_add(size, Ordering::Relaxed);
                }
                (fresh, size)
            }
        };
        if pointer.is_null() {
            return None;
        }
        let now = self.current.fetch_add(size, Ordering::Relaxed) + size;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Some(OwnedBuffer { pointer, size, capacity, pool: self.clone() })
    }

    /// Counts bytes that a library may allocate by itself for as long as the result lives.
    pub fn reserve(self: &Arc<Pool>, bytes: usize) -> Reservation {
        let now = self.current.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Reservation { bytes, pool: self.clone() }
    }

    /// Bytes handed out now.
    pub fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// The most bytes that were handed out at once.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Begins to look anew for the most that is handed out at once.
    pub fn restart_peak(&self) {
        self.peak.store(self.current(), Ordering::Relaxed);
    }

    /// Bytes kept for reuse.
    pub fn idle(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// Bytes held of the system: in use, or kept for reuse.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Gives the kept blocks back to the system.
    pub fn trim(&self) {
        let blocks = self.idle.lock().unwrap_or_else(PoisonError::into_inner).shrink(0);
        self.release(blocks);
    }

    fn release(&self, blocks: Vec<(Block, usize)>) {
        for (block, size) in blocks {
            self.held.fetch_sub(size, Ordering::Relaxed);
            // SAFETY: the block came from `alloc` with this layout and has no owner.
            unsafe { dealloc(block.0, layout(size)) }
        }
    }

    fn give(&self, pointer: *mut u8, size: usize, capacity: usize) {
        self.current.fetch_sub(size, Ordering::Relaxed);
        {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.bytes + capacity <= IDLE_LIMIT {
                idle.bytes += capacity;
                idle.blocks.entry(capacity).or_default().push(Block(pointer));
                return;
            }
        }
        self.release(vec![(Block(pointer), capacity)]);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.trim();
    }
}

/// Bytes counted by a pool that it did not hand out.
#[derive(Debug)]
pub struct Reservation {
    bytes: usize,
    pool: Arc<Pool>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.pool.current.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Memory taken from a pool; goes back on drop.
#[derive(Debug)]
pub struct OwnedBuffer {
    pointer: *mut u8,
    size: usize,
    /// Bytes of the block, at least `size`.
    capacity: usize,
    pool: Arc<Pool>,
}

// SAFETY: the buffer owns its memory, and shared access to it is read-only.
unsafe impl Send for OwnedBuffer {}
// SAFETY: as above.
unsafe impl Sync for OwnedBuffer {}

impl OwnedBuffer {
    /// The memory.
    pub fn as_ptr(&self) -> *mut u8 {
        self.pointer
    }

    /// Bytes taken from the pool.
    pub fn size(&self) -> usize {
        self.size
    }
}

impl Drop for OwnedBuffer {
    fn drop(&mut self) {
        self.pool.give(self.pointer, self.size, self.capacity);
    }
}
