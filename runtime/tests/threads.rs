//! The workers on their own: every block once, panics, several callers.

use frit_runtime::threads::Threads;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn once_each(threads: &Threads, blocks: usize, limit: usize) {
    let counts: Vec<AtomicUsize> = (0..blocks).map(|_| AtomicUsize::new(0)).collect();
    threads.run(blocks, limit, &|b, worker| {
        assert!(worker < limit.max(1));
        counts[b].fetch_add(1, Ordering::Relaxed);
    });
    assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
}

/// Worker numbers that took part in a job whose blocks take a while.
fn workers(threads: &Threads) -> BTreeSet<usize> {
    let seen = Mutex::new(BTreeSet::new());
    threads.run(24, threads.count(), &|_, worker| {
        std::thread::sleep(Duration::from_millis(3));
        seen.lock().unwrap().insert(worker);
    });
    seen.into_inner().unwrap()
}

#[test]
fn every_block_runs_once() {
    for count in [1, 2, 3, 8] {
        let threads = Threads::new(count);
        assert_eq!(threads.count(), count);
        for blocks in [0, 1, 2, 7, 1000] {
            for limit in [1, 2, count] {
                once_each(&threads, blocks, limit);
            }
        }
    }
}

#[test]
fn a_panic_is_raised_in_the_call_and_leaves_the_workers_usable() {
    let threads = Threads::new(3);
    assert!(workers(&threads).len() > 1);
    for bad in [0, 5, 23] {
        let ran = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            threads.run(24, 3, &|b, _| {
                ran.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_micros(200));
                assert!(b != bad, "block {b}");
            });
        }));
        let message = result.expect_err("the panic comes out");
        assert_eq!(message.downcast_ref::<String>().unwrap(), &format!("block {bad}"));
        assert!(ran.load(Ordering::Relaxed) > bad);
        // Still parallel, not only alive.
        assert!(workers(&threads).len() > 1, "parallelism is off after a panic");
        once_each(&threads, 500, 3);
    }
}

#[test]
fn a_job_inside_a_job_runs_alone() {
    let threads = Threads::new(2);
    let total = AtomicUsize::new(0);
    threads.run(8, 2, &|_, _| {
        threads.run(10, 2, &|_, worker| {
            assert_eq!(worker, 0);
            total.fetch_add(1, Ordering::Relaxed);
        });
    });
    assert_eq!(total.into_inner(), 80);
}

/// Many callers at once, some of which panic: each gets its own blocks done, or its own panic.
#[test]
fn callers_do_not_disturb_each_other() {
    let threads = Threads::new(3);
    std::thread::scope(|s| {
        for caller in 0..6usize {
            let threads = &threads;
            s.spawn(move || {
                for round in 0..300usize {
                    if caller == 5 && round.is_multiple_of(3) {
                        let r = catch_unwind(AssertUnwindSafe(|| threads.run(9, 3, &|_, _| panic!("mine"))));
                        assert_eq!(r.expect_err("raised").downcast_ref::<&str>(), Some(&"mine"));
                        continue;
                    }
                    let blocks = 1 + (caller * 7 + round) % 40;
                    let sum = AtomicUsize::new(0);
                    threads.run(blocks, 3, &|b, _| {
                        sum.fetch_add(b + 1, Ordering::Relaxed);
                    });
                    assert_eq!(sum.into_inner(), blocks * (blocks + 1) / 2);
                }
            });
        }
    });
}

/// Jobs posted while workers go to sleep are not missed.
#[test]
fn sleeping_workers_wake_up() {
    let threads = Threads::new(2);
    for pause in [0, 20, 45, 50, 55, 80, 300, 1000] {
        for _ in 0..20 {
            std::thread::sleep(Duration::from_micros(pause));
            once_each(&threads, 16, 2);
        }
    }
    std::thread::sleep(Duration::from_millis(20));
    assert!(workers(&threads).len() > 1);
}
