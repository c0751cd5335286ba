//! The pool on its own: counts, reuse, and requests that no machine can serve.

use frit_runtime::pool::{ALIGNMENT, Pool, rounded, slack};
use std::sync::Arc;

#[test]
fn bytes_are_counted_and_blocks_reused() {
    let pool = Arc::new(Pool::default());
    let a = pool.take(1000).unwrap();
    assert_eq!((a.size(), pool.current(), pool.peak(), pool.idle()), (1024, 1024, 1024, 0));
    assert_eq!(a.as_ptr() as usize % ALIGNMENT, 0);
    let b = pool.take(0).unwrap();
    assert_eq!((b.size(), pool.current()), (64, 1088));
    let address = a.as_ptr();
    drop(a);
    assert_eq!((pool.current(), pool.peak(), pool.idle()), (64, 1088, 1024));
    // A block serves its own size.
    let c = pool.take(970).unwrap();
    assert_eq!((c.as_ptr(), c.size(), pool.current(), pool.idle()), (address, 1024, 1088, 0));
    drop(c);
    assert_eq!((pool.current(), pool.idle()), (64, 1024));
    // Much less, or more, takes other memory.
    let d = pool.take(512).unwrap();
    let e = pool.take(1025).unwrap();
    assert!(d.as_ptr() != address && e.as_ptr() != address);
    assert_eq!((pool.current(), pool.idle()), (64 + 512 + 1088, 1024));
    drop((b, d, e));
    assert_eq!((pool.current(), pool.peak(), pool.idle()), (0, 1664, 64 + 512 + 1088 + 1024));
    pool.trim();
    assert_eq!(pool.idle(), 0);
    // And a little less; it counts as what was asked for.
    let address = pool.take(2048).unwrap().as_ptr();
    let f = pool.take(1984).unwrap();
    assert_eq!((f.as_ptr(), f.size(), pool.current(), pool.idle()), (address, 1984, 1984, 0));
}

/// Programs of other sizes, one after the other: what is kept of one does not come on top of the next.
#[test]
fn kept_blocks_obey_the_peak() {
    let pool = Arc::new(Pool::default());
    for k in 0..40 {
        let blocks: Vec<_> =
            (0..3).map(|j| pool.take(((10 + (k * 7 + j * 5) % 30) << 20) + j).unwrap()).collect();
        assert!(
            pool.held() <= pool.peak() + slack(pool.peak()),
            "{} held, at most {} in use",
            pool.held(),
            pool.peak()
        );
        drop(blocks);
        assert!(pool.held() <= pool.peak() + slack(pool.peak()));
        assert_eq!(pool.held(), pool.idle());
    }
    pool.trim();
    assert_eq!((pool.held(), pool.idle()), (0, 0));
}

#[test]
fn impossible_requests_are_refused() {
    let pool = Arc::new(Pool::default());
    drop(pool.take(4096));
    for bytes in [1 << 50, 1 << 62, isize::MAX as usize, usize::MAX - 63, usize::MAX] {
        assert!(pool.take(bytes).is_none(), "{bytes}");
    }
    assert_eq!(pool.current(), 0);
    assert!(rounded(usize::MAX) <= isize::MAX as usize);
    assert!(pool.take(4096).is_some());
}

/// Blocks taken and given back by several threads at once: no block has two owners, and the counts end at 0.
#[test]
fn many_threads() {
    let pool = Arc::new(Pool::default());
    std::thread::scope(|s| {
        for t in 0..6u8 {
            let pool = pool.clone();
            s.spawn(move || {
                let mut held = Vec::new();
                for k in 0..2000usize {
                    let n = 64 * (1 + (k * 7 + t as usize) % 9);
                    let b = pool.take(n).unwrap();
                    // SAFETY: the block has at least `n` bytes and one owner.
                    unsafe { b.as_ptr().write_bytes(t, n) };
                    held.push((b, n));
                    if held.len() > 5 {
                        let (b, n) = held.swap_remove(k % 5);
                        // SAFETY: written above.
                        let bytes = unsafe { std::slice::from_raw_parts(b.as_ptr(), n) };
                        assert!(bytes.iter().all(|v| *v == t), "a block has two owners");
                    }
                }
            });
        }
    });
    assert_eq!(pool.current(), 0);
    assert!(pool.peak() <= 6 * 7 * 576 && pool.peak() >= 576);
}
