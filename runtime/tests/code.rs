//! Code memory: never writable and executable at once, and freed with the last owner.

#![cfg(target_os = "linux")]

mod common;

use common::{bind, bits, native, program, run, two_results, values};
use frit_codegen::Cache;
use frit_runtime::Run;

/// Bytes of anonymous executable memory; none of it may be writable.
fn executable() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut total = 0;
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, mode) = (fields.next().unwrap(), fields.next().unwrap());
        assert!(!(mode.contains('w') && mode.contains('x')), "{line}");
        if mode.contains('x') && fields.count() < 4 {
            let (lo, hi) = range.split_once('-').unwrap();
            total += usize::from_str_radix(hi, 16).unwrap() - usize::from_str_radix(lo, 16).unwrap();
        }
    }
    total
}

#[test]
fn code_lives_as_long_as_its_last_owner() {
    let shape = [200, 30];
    let before = executable();
    let x = values(6000, 1);
    let cache = Cache::new(native());
    let p = program(&two_results(&shape), &cache);
    let bound = bind(&p, &[&shape], 2).unwrap();
    let want: Vec<_> = run(&bound, &[&x], &Run::default()).unwrap().0.iter().map(bits).collect();
    let held = executable();
    assert!(held > before, "kernels are executable memory");
    // Any owner keeps the code: the cache, the program, the bound program.
    drop(cache);
    drop(p);
    assert_eq!(executable(), held);
    let got: Vec<_> = run(&bound, &[&x], &Run::default()).unwrap().0.iter().map(bits).collect();
    assert_eq!(got, want);
    drop(bound);
    assert_eq!(executable(), before, "code outlives its owners");
    // And again, many times: nothing adds up.
    for _ in 0..20 {
        let p = program(&two_results(&shape), &Cache::new(native()));
        drop(bind(&p, &[&shape], 1).unwrap());
    }
    assert_eq!(executable(), before);
}
