//! How the routines treat memory: every length, in place, unaligned, and the same bits as the scalar routines.

mod common;

use common::{Random, run_f32, run_f64};
use frit_math::{Binary, Func, Isa, Unary};

/// Ordinary and rare operands mixed, so that a block has lanes of both kinds.
fn operands(seed: u64, n: usize) -> Vec<f64> {
    let mut r = Random(seed);
    (0..n)
        .map(|i| match (i as u64 + seed) % 11 {
            0 => {
                [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300, 5e-324][r.bits() as usize % 7]
            }
            1 => f64::from_bits(r.bits()),
            2..5 => r.magnitude(-300.0, 300.0),
            _ => r.uniform(-5.0, 5.0),
        })
        .collect()
}

macro_rules! blocks {
    ($T:ident, $run:ident, $block:ident, $scalar:ident, $in_place:ident, $bits:ident) => {
        /// Runs a block routine over its own operand; `side` says which.
        fn $in_place(func: Func, isa: Isa, x: &[$T], y: &[$T], side: usize) -> Vec<$T> {
            let mut out = if side == 0 { x.to_vec() } else { y.to_vec() };
            let dst = out.as_mut_ptr();
            let block = func.$block(isa);
            // SAFETY: the address is that of a block routine of this arity for an available instruction set, the slices
            // have the same length, and the destination is one of the sources exactly.
            unsafe {
                if func.arity() == 1 {
                    std::mem::transmute::<*const u8, Unary<$T>>(block)(dst, dst, x.len());
                } else {
                    let call = std::mem::transmute::<*const u8, Binary<$T>>(block);
                    match side {
                        0 => call(dst, dst, y.as_ptr(), x.len()),
                        _ => call(dst, x.as_ptr(), dst, x.len()),
                    }
                }
            }
            out
        }

        /// The bits of a slice; every NaN counts as the same.
        fn $bits(values: &[$T]) -> Vec<u64> {
            values.iter().map(|v| if v.is_nan() { u64::MAX } else { v.to_bits() as u64 }).collect()
        }

        mod $T {
            use super::*;

            #[test]
            fn blocks_equal_scalars_at_every_length() {
                for &func in Func::ALL {
                    for isa in Isa::available() {
                        for n in (0..=70).chain([255, 256, 257, 1000]) {
                            let x: Vec<$T> = operands(n as u64, n).into_iter().map(|v| v as $T).collect();
                            let y: Vec<$T> = operands(!n as u64, n).into_iter().map(|v| v as $T).collect();
                            let scalar = func.$scalar(isa);
                            let expected: Vec<$T> = x
                                .iter()
                                .zip(&y)
                                // SAFETY: the address is that of a scalar routine of this arity for an available
                                // instruction set.
                                .map(|(&x, &y)| unsafe {
                                    if func.arity() == 1 {
                                        std::mem::transmute::<*const u8, unsafe extern "C" fn($T) -> $T>(
                                            scalar,
                                        )(x)
                                    } else {
                                        type Call = unsafe extern "C" fn($T, $T) -> $T;
                                        std::mem::transmute::<*const u8, Call>(scalar)(x, y)
                                    }
                                })
                                .collect();
                            let expected = $bits(&expected);
                            assert_eq!($bits(&$run(func, isa, &x, &y)), expected, "{func:?} {isa:?} n = {n}");
                            for side in 0..func.arity() {
                                let result = $in_place(func, isa, &x, &y, side);
                                assert_eq!(
                                    $bits(&result),
                                    expected,
                                    "{func:?} {isa:?} n = {n}, in place {side}"
                                );
                            }
                        }
                    }
                }
            }

            #[test]
            fn position_and_alignment_do_not_matter() {
                let x: Vec<$T> = operands(1, 600).into_iter().map(|v| v as $T).collect();
                let y: Vec<$T> = operands(2, 600).into_iter().map(|v| v as $T).collect();
                for &func in Func::ALL {
                    for isa in Isa::available() {
                        let whole = $bits(&$run(func, isa, &x, &y));
                        for start in [1, 2, 3, 5, 300] {
                            let part = $bits(&$run(func, isa, &x[start..], &y[start..]));
                            assert_eq!(part, whole[start..], "{func:?} {isa:?} from {start}");
                        }
                    }
                }
            }

            #[test]
            fn nothing_beyond_the_end_is_written() {
                let x = [0.5; 64];
                for &func in Func::ALL {
                    for isa in Isa::available() {
                        for n in 0..40 {
                            let mut out = [7.0 as $T; 64];
                            let block = func.$block(isa);
                            // SAFETY: the address is that of a block routine of this arity for an available instruction
                            // set, and the arrays hold more than `n` elements.
                            unsafe {
                                if func.arity() == 1 {
                                    let call = std::mem::transmute::<*const u8, Unary<$T>>(block);
                                    call(out.as_mut_ptr(), x.as_ptr(), n);
                                } else {
                                    let call = std::mem::transmute::<*const u8, Binary<$T>>(block);
                                    call(out.as_mut_ptr(), x.as_ptr(), x.as_ptr(), n);
                                }
                            }
                            assert!(out[n..].iter().all(|&v| v == 7.0), "{func:?} {isa:?} n = {n}");
                        }
                    }
                }
            }
        }
    };
}

blocks!(f64, run_f64, block_f64_on, scalar_f64_on, in_place_f64, bits_f64);
blocks!(f32, run_f32, block_f32_on, scalar_f32_on, in_place_f32, bits_f32);

#[test]
fn the_table_answers() {
    for &func in Func::ALL {
        assert_eq!(Func::from_name(func.name()), Some(func));
        assert!(matches!(func.arity(), 1 | 2));
        assert!(func.ulp_f64() <= 1.0 && func.ulp_f32() <= 2.0, "{func:?}");
        assert!(func.cost() > 0.0 && func.cost_f32() > 0.0);
        if func.arity() == 1 {
            assert_eq!(
                func.eval1_f64(1.0).to_bits(),
                run_f64(func, Isa::detect(), &[1.0], &[0.0])[0].to_bits()
            );
            assert_eq!(
                func.eval1_f32(1.0).to_bits(),
                run_f32(func, Isa::detect(), &[1.0], &[0.0])[0].to_bits()
            );
        } else {
            assert_eq!(
                func.eval2_f64(1.0, 2.0).to_bits(),
                run_f64(func, Isa::detect(), &[1.0], &[2.0])[0].to_bits()
            );
            assert_eq!(
                func.eval2_f32(1.0, 2.0).to_bits(),
                run_f32(func, Isa::detect(), &[1.0], &[2.0])[0].to_bits()
            );
        }
    }
    assert_eq!(Func::from_name("nosuch"), None);
}

#[test]
fn instruction_sets_have_names_and_an_order() {
    assert_eq!(Isa::available().next(), Some(Isa::Baseline));
    assert!(Isa::available().any(|isa| isa == Isa::detect()));
    for &isa in Isa::ALL {
        assert_eq!(Isa::from_name(isa.name()), Some(isa));
    }
    assert!(Isa::Baseline < Isa::Avx2 && Isa::Avx2 < Isa::Avx512);
}
