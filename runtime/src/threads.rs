//! Worker threads: blocks of one job are shared out by a counter; the caller works too.
//!
//! A worker looks for work for [`SPIN`] before it sleeps, so that a sequence of kernels does not pay a wake-up each.
//! One job runs at a time; a caller that finds the workers busy runs its own blocks alone.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long an idle worker looks for work before it sleeps.
pub const SPIN: Duration = Duration::from_micros(50);

/// What workers run: block number, worker number.
type Work<'a> = dyn Fn(usize, usize) + Sync + 'a;

struct Job {
    /// The caller's closure; valid until `left` reaches 0, which the caller waits for.
    work: *const Work<'static>,
    blocks: usize,
    /// Workers with a number below this take part.
    limit: usize,
    next: AtomicUsize,
    /// Blocks not finished.
    left: AtomicUsize,
    /// Set by a panic: blocks that have not begun are skipped.
    failed: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: the closure is `Sync`, and the caller keeps it alive until every block is done.
unsafe impl Send for Job {}
// SAFETY: as above.
unsafe impl Sync for Job {}

impl Job {
    fn help(&self, worker: usize) {
        if worker >= self.limit {
            return;
        }
        loop {
            let block = self.next.fetch_add(1, Ordering::Relaxed);
            if block >= self.blocks {
                return;
            }
            if !self.failed.load(Ordering::Relaxed) {
                // SAFETY: a block was taken, so `left` is not 0 and the closure is alive.
                let work = unsafe { &*self.work };
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(block, worker))) {
                    self.failed.store(true, Ordering::Relaxed);
                    self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
                }
            }
            self.left.fetch_sub(1, Ordering::Release);
        }
    }
}

struct Shared {
    job: Mutex<Option<Arc<Job>>>,
    wake: Condvar,
    /// Grows with each job, so that spinning workers see it without the lock.
    epoch: AtomicU64,
    sleeping: AtomicUsize,
    stop: AtomicBool,
}

/// A set of workers.
pub struct Threads {
    shared: Arc<Shared>,
    /// Held by the caller whose job is running.
    busy: Mutex<()>,
    count: usize,
}

impl Threads {
    /// `count` threads in all, the caller among them.
    pub fn new(count: usize) -> Threads {
        let shared = Arc::new(Shared {
            job: Mutex::new(None),
            wake: Condvar::new(),
            epoch: AtomicU64::new(0),
            sleeping: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let mut running = 1;
        for worker in 1..count {
            let shared = shared.clone();
            let name = format!("frit-{worker}");
            if std::thread::Builder::new().name(name).spawn(move || work(&shared, worker)).is_ok() {
                running += 1;
            }
        }
        Threads { shared, busy: Mutex::new(()), count: running }
    }

    /// The workers of the process: `FRIT_THREADS`, or one per core.
    pub fn global() -> &'static Threads {
        static THREADS: OnceLock<Threads> = OnceLock::new();
        THREADS.get_or_init(|| {
            let wanted = std::env::var("FRIT_THREADS").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
            Threads::new(frit_ir::target::Target::host(wanted).threads)
        })
    }

    /// Number of threads, the caller included.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Runs `work(block, worker)` for every block on at most `limit` threads; returns when all are done. Worker
    /// numbers are below `limit`. A panic in a block is raised here, once no block is running; blocks that have not
    /// begun by then are left out, and the workers stay usable.
    pub fn run(&self, blocks: usize, limit: usize, work: &Work<'_>) {
        let alone = || (0..blocks).for_each(|b| work(b, 0));
        if self.count == 1 || blocks < 2 || limit < 2 {
            return alone();
        }
        let busy = match self.busy.try_lock() {
            Ok(guard) => guard,
            // The lock guards no data that a panic could have left half-written.
            Err(TryLockError::Poisoned(e)) => e.into_inner(),
            Err(TryLockError::WouldBlock) => return alone(),
        };
        // SAFETY: only the lifetime changes; this function does not return before the last block is done.
        let work: *const Work<'static> =
            unsafe { std::mem::transmute::<*const Work<'_>, *const Work<'static>>(work) };
        let job = Arc::new(Job {
            work,
            blocks,
            limit,
            next: AtomicUsize::new(0),
            left: AtomicUsize::new(blocks),
            failed: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        *self.shared.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(job.clone());
        self.shared.epoch.fetch_add(1, Ordering::Release);
        if self.shared.sleeping.load(Ordering::Acquire) > 0 {
            self.shared.wake.notify_all();
        }
        job.help(0);
        while job.left.load(Ordering::Acquire) > 0 {
            std::hint::spin_loop();
        }
        *self.shared.job.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let panic = job.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(busy);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.epoch.fetch_add(1, Ordering::Release);
        let _job = self.shared.job.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.wake.notify_all();
    }
}

fn work(shared: &Shared, worker: usize) {
    let mut seen = 0;
    loop {
        let start = Instant::now();
        let mut turns = 0u32;
        while shared.epoch.load(Ordering::Acquire) == seen {
            std::hint::spin_loop();
            turns += 1;
            if turns.is_multiple_of(64) && start.elapsed() > SPIN {
                let guard = shared.job.lock().unwrap_or_else(PoisonError::into_inner);
                shared.sleeping.fetch_add(1, Ordering::AcqRel);
                // The epoch is read again under the lock: a job posted meanwhile is not missed.
                let mut guard = guard;
                while shared.epoch.load(Ordering::Acquire) == seen {
                    guard = shared
                        .wake
                        .wait_timeout(guard, Duration::from_millis(100))
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                }
                shared.sleeping.fetch_sub(1, Ordering::AcqRel);
            }
        }
        seen = shared.epoch.load(Ordering::Acquire);
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        let job = shared.job.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(job) = job {
            job.help(worker);
        }
    }
}
