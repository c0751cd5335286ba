//! Running bound programs: cancellation, events, byte counts, threads, errors.

mod common;

use common::{bind, bits, graph, interpreter, native, program, run, two_results, values};
use frit_codegen::Cache;
use frit_ir::build::Builder;
use frit_ir::plan::Step;
use frit_ir::{DType, Dim, Loc, Op, TensorType};
use frit_runtime::pool::Pool;
use frit_runtime::threads::Threads;
use frit_runtime::{Cancel, Event, Run, RuntimeError};
use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The process has one pool: tests that count its bytes take turns with the others.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let _turn = turn();
    let shape = [3000, 70];
    let p = program(&two_results(&shape), &Cache::new(native()));
    let x = values(3000 * 70, 1);
    let mut first: Option<Vec<Vec<u64>>> = None;
    for n in [1, 2, 3, 8] {
        let threads = Threads::new(n);
        let bound = bind(&p, &[&shape], n).unwrap();
        for _ in 0..3 {
            let choice = Run { threads: Some(&threads), ..Run::default() };
            let (outputs, peak) = run(&bound, &[&x], &choice).unwrap();
            let got: Vec<Vec<u64>> = outputs.iter().map(bits).collect();
            assert_eq!(first.get_or_insert_with(|| got.clone()), &got, "{n} threads");
            let projected = bound.memory().peak_bytes;
            assert!(peak <= projected && projected as f64 <= 1.1 * peak as f64, "{peak} of {projected}");
        }
    }
    // Against plain loops.
    let first = first.unwrap();
    let total: f64 = x.iter().map(|v| v.sin().exp()).sum();
    assert!((f64::from_bits(first[1][0]) - total).abs() < 1e-9 * total);
    for (got, x) in first[2].iter().zip(&x) {
        assert_eq!(f64::from_bits(*got), (x * x + 1.0).sqrt());
    }
}

#[test]
fn several_threads_call_one_program_at_once() {
    let _turn = turn();
    let before = Pool::global().current();
    let shape = [400, 50];
    let p = program(&two_results(&shape), &Cache::new(native()));
    let bound = bind(&p, &[&shape], 2).unwrap();
    let alone: Vec<Vec<Vec<u64>>> = (0..6)
        .map(|k| run(&bound, &[&values(20_000, k)], &Run::default()).unwrap().0.iter().map(bits).collect())
        .collect();
    std::thread::scope(|s| {
        for (k, want) in alone.iter().enumerate() {
            let bound = &bound;
            s.spawn(move || {
                let x = values(20_000, k);
                for _ in 0..60 {
                    let (outputs, _) = run(bound, &[&x], &Run::default()).unwrap();
                    assert_eq!(&outputs.iter().map(bits).collect::<Vec<_>>(), want);
                }
            });
        }
    });
    assert_eq!(Pool::global().current(), before);
}

#[test]
fn events_come_in_order() {
    let _turn = turn();
    let shape = [500, 40];
    let p = program(&two_results(&shape), &Cache::new(native()));
    let bound = bind(&p, &[&shape], 2).unwrap();
    let log = RefCell::new(Vec::new());
    let most = RefCell::new(0);
    let observer = RefCell::new(|e: Event<'_>| match e {
        Event::Start { origin } => log.borrow_mut().push(format!("start {} {}", origin.op, origin.loc)),
        Event::End { origin, .. } => log.borrow_mut().push(format!("end {} {}", origin.op, origin.loc)),
        Event::Memory { current } => {
            let mut m = most.borrow_mut();
            *m = current.max(*m);
        }
    });
    let (outputs, peak) =
        run(&bound, &[&values(20_000, 3)], &Run { observer: Some(&observer), ..Run::default() }).unwrap();
    drop(outputs);
    assert_eq!(*most.borrow(), peak);
    let mut want = Vec::new();
    for s in &p.plan.steps {
        if let Step::Launch(l) = s {
            want.push(format!("start {} {}", l.origin.op, l.origin.loc));
            want.push(format!("end {} {}", l.origin.op, l.origin.loc));
        }
    }
    assert!(want.len() >= 4 && want[0].contains("model.py"), "{want:?}");
    assert_eq!(*log.borrow(), want);
}

#[test]
fn the_pool_gets_everything_back() {
    let _turn = turn();
    let before = Pool::global().current();
    let shape = [300, 100];
    let p = program(&two_results(&shape), &Cache::new(native()));
    let bound = bind(&p, &[&shape], 2).unwrap();
    let (outputs, peak) = run(&bound, &[&values(30_000, 3)], &Run::default()).unwrap();
    let held: usize = outputs.iter().map(|o| o.buffer.size()).sum();
    assert_eq!(Pool::global().current(), before + held);
    assert!(held >= 8 * (30_000 + 100 + 1) && peak >= held);
    drop(outputs);
    assert_eq!(Pool::global().current(), before);
    // The next run finds its memory in the pool.
    let idle = Pool::global().idle();
    assert!(idle >= peak);
    let again = run(&bound, &[&values(30_000, 3)], &Run::default()).unwrap();
    assert!(Pool::global().idle() <= idle - held);
    drop(again);
    assert_eq!(Pool::global().idle(), idle);
}

#[test]
fn a_cancelled_run_ends_between_steps() {
    let _turn = turn();
    let before = Pool::global().current();
    let shape = [300, 100];
    let p = program(&two_results(&shape), &Cache::new(native()));
    let bound = bind(&p, &[&shape], 2).unwrap();
    let steps = p.plan.steps.iter().filter(|s| matches!(s, Step::Launch(_))).count();
    assert!(steps >= 2);
    for stop in 0..steps {
        let cancel = Cancel::default();
        let (starts, ends) = (RefCell::new(0), RefCell::new(0));
        let observer = RefCell::new(|e: Event<'_>| match e {
            Event::Start { .. } => {
                if *starts.borrow() == stop {
                    cancel.cancel();
                }
                *starts.borrow_mut() += 1;
            }
            Event::End { .. } => *ends.borrow_mut() += 1,
            Event::Memory { .. } => {}
        });
        let choice = Run { cancel: Some(cancel.clone()), observer: Some(&observer), threads: None };
        let result = run(&bound, &[&values(30_000, 3)], &choice);
        assert!(matches!(result, Err(RuntimeError::Cancelled)), "{result:?}");
        assert_eq!((*starts.borrow(), *ends.borrow()), (stop + 1, stop));
        assert_eq!(Pool::global().current(), before);
    }
    // The program is as good as before.
    assert!(run(&bound, &[&values(30_000, 3)], &Run::default()).is_ok());
}

#[test]
fn a_cancelled_run_ends_between_blocks() {
    let _turn = turn();
    // One kernel of many blocks.
    let shape = [400_000];
    let g = graph(&shape, |b, x| {
        let s = b.unary(Op::Sin, x).unwrap();
        vec![b.unary(Op::Exp, s).unwrap()]
    });
    let p = program(&g, &Cache::new(interpreter()));
    let x = values(400_000, 3);
    for n in [1, 2] {
        let threads = Threads::new(n);
        let bound = bind(&p, &[&shape], n).unwrap();
        let cancel = Cancel::default();
        let token = cancel.clone();
        // Cancelled when the only step has begun: what is left to notice it are its blocks.
        let observer = RefCell::new(move |e: Event<'_>| {
            if matches!(e, Event::Start { .. }) {
                token.cancel();
            }
        });
        let choice = Run { cancel: Some(cancel), observer: Some(&observer), threads: Some(&threads) };
        let result = run(&bound, &[&x], &choice);
        assert!(matches!(result, Err(RuntimeError::Cancelled)), "{n} threads");
    }
}

#[test]
fn the_guess_at_time_grows_with_the_work() {
    let loops = |shape: [usize; 2]| {
        bind(&program(&two_results(&shape), &Cache::new(native())), &[&shape], 2).unwrap().nanoseconds()
    };
    let (small, large) = (loops([1000, 512]), loops([4000, 1024]));
    assert!(small > 0.0 && (6.0..10.0).contains(&(large / small)), "{small} and {large}");
    let product = |n: usize| {
        let mut b = Builder::new("main");
        let ty = TensorType::fixed(DType::F64, &[n, n]);
        let (x, y) = (b.input("x", ty.clone()), b.input("y", ty));
        let r = b.matmul(x, y).unwrap();
        let p = program(&b.finish(vec![r]), &Cache::new(native()));
        bind(&p, &[&[n, n], &[n, n]], 2).unwrap().nanoseconds()
    };
    let (small, large) = (product(100), product(1000));
    assert!((900.0..1100.0).contains(&(large / small)), "{small} and {large}");
}

#[test]
fn a_panic_in_a_worker_ends_that_call_only() {
    let _turn = turn();
    let before = Pool::global().current();
    let shape = [300, 100];
    let p = program(&two_results(&shape), &Cache::new(native()));
    let bound = bind(&p, &[&shape], 2).unwrap();
    let x = values(30_000, 3);
    let threads = Threads::new(2);
    let choice = Run { threads: Some(&threads), ..Run::default() };
    let want: Vec<_> = run(&bound, &[&x], &choice).unwrap().0.iter().map(bits).collect();
    let observer =
        RefCell::new(|e: Event<'_>| assert!(!matches!(e, Event::End { .. }), "an observer that panics"));
    let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run(&bound, &[&x], &Run { observer: Some(&observer), ..choice.clone() }).map(|_| ())
    }));
    assert!(r.is_err());
    assert_eq!(Pool::global().current(), before, "memory of the call that panicked");
    let got: Vec<_> = run(&bound, &[&x], &choice).unwrap().0.iter().map(bits).collect();
    assert_eq!(got, want);
}

/// A loop over nothing has no iteration: nothing is read from, or written to, arrays without elements.
#[test]
fn empty_loops_do_not_run() {
    let _turn = turn();
    // An index that is out of bounds for every array: iteration 0 of an empty loop would report it.
    let mut b = Builder::new("main");
    let x = b.input("x", TensorType::new(DType::F64, vec![Dim::constant(5)]));
    let i = b.input("i", TensorType::new(DType::I64, vec![Dim::symbol("n")]));
    let y = b.gather(x, &[0], &[i]).unwrap();
    let g = b.finish(vec![y]);
    for backend in frit_codegen::available() {
        let p = program(&g, &Cache::new(backend));
        let x = values(5, 0);
        // Eight words behind an empty array, all of them bad indices.
        let bad = [f64::from_bits(99); 8];
        let empty = bind(&p, &[&[5], &[0]], 2).unwrap();
        let (outputs, _) = run(&empty, &[&x, &bad], &Run::default()).unwrap();
        assert_eq!(outputs[0].shape, [0]);
        let two = bind(&p, &[&[5], &[2]], 2).unwrap();
        assert!(matches!(run(&two, &[&x, &bad], &Run::default()), Err(RuntimeError::Fault { .. })));
    }
    for shape in [[0, 7], [7, 0], [0, 0]] {
        let p = program(&two_results(&shape), &Cache::new(native()));
        let bound = bind(&p, &[&shape], 2).unwrap();
        let (outputs, _) = run(&bound, &[&[]], &Run::default()).unwrap();
        assert_eq!(bits(&outputs[0]), vec![0; shape[1]]);
        assert_eq!(bits(&outputs[1]), [0]);
        assert_eq!(outputs[2].shape, shape);
    }
}

#[test]
fn memory_that_does_not_exist_is_an_error_with_a_line() {
    let _turn = turn();
    let before = Pool::global().current();
    let mut b = Builder::new("main");
    b.set_loc(Loc::new("model.py", 7, 1, ""));
    let x = b.input("x", TensorType::scalar(DType::F64));
    b.set_loc(Loc::new("model.py", 8, 1, ""));
    let y = b.unary(Op::Exp, x).unwrap();
    let big = b.broadcast_to(y, &[Dim::symbol("n"), Dim::symbol("n")]).unwrap();
    // Not read: only its shape matters.
    b.input("shape", TensorType::new(DType::U8, vec![Dim::symbol("n")]));
    let g = b.finish(vec![big]);
    let p = program(&g, &Cache::new(native()));
    // 2^51 bytes: projected without any memory, refused when it is asked for.
    let bound = bind(&p, &[&[], &[1 << 24]], 2).unwrap();
    assert!(bound.memory().peak_bytes >= 1 << 51);
    assert_eq!(bound.memory().output_bytes, 1 << 51);
    let text = match run(&bound, &[&[1.0], &[]], &Run::default()) {
        Err(e @ RuntimeError::OutOfMemory { .. }) => e.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(text.contains("2251799813685248 bytes") && text.contains("model.py:8"), "{text}");
    assert_eq!(Pool::global().current(), before);
    // 2^83 bytes: no number for it.
    let text = match bind(&p, &[&[], &[1 << 40]], 2) {
        Err(e @ RuntimeError::TooLarge { .. }) => e.to_string(),
        other => panic!("{:?}", other.map(|_| ())),
    };
    assert!(text.contains("model.py:8") && text.contains("64 bits"), "{text}");
    // 2^63 bytes of 2^60 elements.
    let r = bind(&p, &[&[], &[1 << 30]], 2);
    assert!(matches!(r, Err(RuntimeError::TooLarge { .. })), "{:?}", r.map(|_| ()));
}
