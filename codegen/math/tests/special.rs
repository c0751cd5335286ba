//! Special values: the tables of C99 Annex F, which NumPy follows, on every instruction set and for both types.

mod common;

use common::{run_f32, run_f64};
use frit_math::{Func, Isa};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;
const PI: f64 = std::f64::consts::PI;

/// One case each: operands and the exact result. `f32` must give the same, rounded.
fn check(func: Func, cases: &[(f64, f64, f64)]) {
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    for isa in Isa::available() {
        for &(x, y, expected) in cases {
            let result = run_f64(func, isa, &[x], &[y])[0];
            assert!(same(result, expected), "{func:?}({x}, {y}) = {result}, not {expected}, on {isa:?}");
            let result = run_f32(func, isa, &[x as f32], &[y as f32])[0];
            let expected = expected as f32;
            assert!(
                same(result as f64, expected as f64),
                "{func:?}({x}, {y}) = {result}, not {expected}, in f32, {isa:?}"
            );
        }
    }
}

/// As [`check`], of one operand.
fn check1(func: Func, cases: &[(f64, f64)]) {
    check(func, &cases.iter().map(|&(x, expected)| (x, 0.0, expected)).collect::<Vec<_>>());
}

#[test]
fn exponentials() {
    check1(
        Func::Exp,
        &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (1e5, INF), (-1e5, 0.0)],
    );
    check1(Func::Exp, &[(710.0, INF), (-746.0, 0.0)]);
    let exact = [
        (0.0, 1.0),
        (-0.0, 1.0),
        (3.0, 8.0),
        (-1.0, 0.5),
        (-126.0, 2f64.powi(-126)),
        (-149.0, 2f64.powi(-149)),
    ];
    check1(Func::Exp2, &exact);
    check1(
        Func::Exp2,
        &[(INF, INF), (-INF, 0.0), (NAN, NAN), (1024.0, INF), (-1080.0, 0.0), (127.0, 2f64.powi(127))],
    );
    check1(
        Func::Expm1,
        &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (NAN, NAN), (-1e4, -1.0), (1e4, INF)],
    );
    check1(Func::Expm1, &[(1e-30, 1e-30), (-1e-30, -1e-30)]);
    for isa in Isa::available() {
        assert_eq!(run_f64(Func::Exp, isa, &[-745.0], &[0.0]), [5e-324]);
        assert_eq!(run_f64(Func::Exp2, isa, &[-1074.0, 1023.0], &[0.0; 2]), [5e-324, 2f64.powi(1023)]);
        assert_eq!(run_f64(Func::Expm1, isa, &[5e-324, -5e-324], &[0.0; 2]), [5e-324, -5e-324]);
    }
}

#[test]
fn logarithms() {
    for func in [Func::Log, Func::Log2, Func::Log10] {
        check1(
            func,
            &[(0.0, -INF), (-0.0, -INF), (-1.0, NAN), (-INF, NAN), (1.0, 0.0), (INF, INF), (NAN, NAN)],
        );
        check1(func, &[(-1e-30, NAN)]);
    }
    check1(Func::Log2, &[(8.0, 3.0), (0.5, -1.0), (2f64.powi(-126), -126.0), (2f64.powi(-140), -140.0)]);
    check1(Func::Log10, &[(10.0, 1.0), (1000.0, 3.0), (1e22, 22.0)]);
    check1(
        Func::Log1p,
        &[(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (-1.5, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)],
    );
    check1(Func::Log1p, &[(1e-30, 1e-30), (-1e-30, -1e-30)]);
    for isa in Isa::available() {
        assert_eq!(run_f64(Func::Log2, isa, &[5e-324], &[0.0]), [-1074.0]);
        assert_eq!(run_f64(Func::Log1p, isa, &[5e-324, f64::MAX], &[0.0; 2]), [5e-324, f64::MAX.ln()]);
    }
}

#[test]
fn trigonometric() {
    for func in [Func::Sin, Func::Tan, Func::Asin, Func::Atan] {
        check1(func, &[(0.0, 0.0), (-0.0, -0.0), (NAN, NAN), (1e-30, 1e-30), (-1e-30, -1e-30)]);
    }
    for func in [Func::Sin, Func::Cos, Func::Tan] {
        check1(func, &[(INF, NAN), (-INF, NAN), (NAN, NAN)]);
    }
    check1(Func::Cos, &[(0.0, 1.0), (-0.0, 1.0), (1e-30, 1.0)]);
    check1(
        Func::Asin,
        &[(1.0, PI / 2.0), (-1.0, -PI / 2.0), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN)],
    );
    check1(
        Func::Acos,
        &[(1.0, 0.0), (-1.0, PI), (0.0, PI / 2.0), (-0.0, PI / 2.0), (1.5, NAN), (-INF, NAN), (NAN, NAN)],
    );
    check1(
        Func::Atan,
        &[(1.0, PI / 4.0), (-1.0, -PI / 4.0), (INF, PI / 2.0), (-INF, -PI / 2.0), (1e30, PI / 2.0)],
    );
    for isa in Isa::available() {
        // Huge arguments; the values are those of a 1200-bit reduction.
        let huge = [1e22, 2f64.powi(1000), f64::MAX];
        let sines = [-0.8522008497671888, -0.15920170308624243, 0.004961954789184062];
        let results = run_f64(Func::Sin, isa, &huge, &[0.0; 3]);
        for (result, sine) in results.iter().zip(sines) {
            assert!((result - sine).abs() <= 2e-16 * sine.abs(), "{result} {sine}");
        }
    }
}

#[test]
fn atan2_quadrants() {
    let quarter = PI / 4.0;
    check(Func::Atan2, &[(0.0, 1.0, 0.0), (-0.0, 1.0, -0.0), (0.0, -1.0, PI), (-0.0, -1.0, -PI)]);
    check(Func::Atan2, &[(0.0, 0.0, 0.0), (-0.0, 0.0, -0.0), (0.0, -0.0, PI), (-0.0, -0.0, -PI)]);
    check(
        Func::Atan2,
        &[(1.0, 0.0, PI / 2.0), (1.0, -0.0, PI / 2.0), (-1.0, 0.0, -PI / 2.0), (-1.0, -0.0, -PI / 2.0)],
    );
    check(
        Func::Atan2,
        &[
            (1.0, 1.0, quarter),
            (1.0, -1.0, 3.0 * quarter),
            (-1.0, 1.0, -quarter),
            (-1.0, -1.0, -3.0 * quarter),
        ],
    );
    check(
        Func::Atan2,
        &[
            (INF, INF, quarter),
            (INF, -INF, 3.0 * quarter),
            (-INF, INF, -quarter),
            (-INF, -INF, -3.0 * quarter),
        ],
    );
    check(Func::Atan2, &[(1.0, INF, 0.0), (-1.0, INF, -0.0), (1.0, -INF, PI), (-1.0, -INF, -PI)]);
    check(Func::Atan2, &[(INF, 1.0, PI / 2.0), (-INF, 1.0, -PI / 2.0), (NAN, 1.0, NAN), (1.0, NAN, NAN)]);
}

#[test]
fn hyperbolic() {
    for func in [Func::Sinh, Func::Tanh, Func::Asinh, Func::Atanh] {
        check1(func, &[(0.0, 0.0), (-0.0, -0.0), (NAN, NAN), (1e-30, 1e-30), (-1e-30, -1e-30)]);
    }
    check1(Func::Sinh, &[(INF, INF), (-INF, -INF), (1e4, INF), (-1e4, -INF)]);
    check1(
        Func::Cosh,
        &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (1e4, INF), (-1e4, INF), (NAN, NAN)],
    );
    check1(Func::Tanh, &[(INF, 1.0), (-INF, -1.0), (50.0, 1.0), (-1e300, -1.0)]);
    check1(Func::Asinh, &[(INF, INF), (-INF, -INF)]);
    check1(Func::Acosh, &[(1.0, 0.0), (0.5, NAN), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN)]);
    check1(Func::Atanh, &[(1.0, INF), (-1.0, -INF), (1.5, NAN), (-2.0, NAN), (INF, NAN), (-INF, NAN)]);
    for isa in Isa::available() {
        let tiny = [5e-324, -5e-324, 1e-310];
        for func in
            [Func::Sinh, Func::Tanh, Func::Asinh, Func::Atanh, Func::Sin, Func::Tan, Func::Asin, Func::Atan]
        {
            assert_eq!(run_f64(func, isa, &tiny, &[0.0; 3]), tiny, "{func:?} {isa:?}");
        }
    }
}

#[test]
fn error_and_gamma() {
    check1(
        Func::Erf,
        &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (7.0, 1.0), (-30.0, -1.0), (NAN, NAN)],
    );
    check1(
        Func::Erfc,
        &[(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (30.0, 0.0), (-30.0, 2.0), (NAN, NAN)],
    );
    check1(
        Func::Tgamma,
        &[(1.0, 1.0), (5.0, 24.0), (INF, INF), (-INF, NAN), (-1.0, NAN), (0.0, INF), (-0.0, -INF)],
    );
    check1(
        Func::Lgamma,
        &[(1.0, 0.0), (2.0, 0.0), (INF, INF), (-INF, INF), (0.0, INF), (-0.0, INF), (-3.0, INF), (NAN, NAN)],
    );
}

#[test]
fn powers() {
    // pow(±0, y)
    check(
        Func::Pow,
        &[(0.0, -3.0, INF), (-0.0, -3.0, -INF), (0.0, -2.0, INF), (-0.0, -2.0, INF), (-0.0, -1.5, INF)],
    );
    check(
        Func::Pow,
        &[(0.0, 3.0, 0.0), (-0.0, 3.0, -0.0), (-0.0, 2.0, 0.0), (-0.0, 0.5, 0.0), (0.0, -INF, INF)],
    );
    // 1 to any power, anything to the power 0
    check(
        Func::Pow,
        &[
            (1.0, NAN, 1.0),
            (1.0, INF, 1.0),
            (1.0, -INF, 1.0),
            (1.0, 1e30, 1.0),
            (NAN, 0.0, 1.0),
            (NAN, -0.0, 1.0),
        ],
    );
    check(
        Func::Pow,
        &[
            (INF, 0.0, 1.0),
            (-INF, 0.0, 1.0),
            (0.0, 0.0, 1.0),
            (-3.0, 0.0, 1.0),
            (-1.0, INF, 1.0),
            (-1.0, -INF, 1.0),
        ],
    );
    check(Func::Pow, &[(NAN, 1.0, NAN), (2.0, NAN, NAN), (NAN, NAN, NAN)]);
    // infinite exponents and bases
    check(
        Func::Pow,
        &[
            (0.5, -INF, INF),
            (2.0, -INF, 0.0),
            (0.5, INF, 0.0),
            (2.0, INF, INF),
            (-0.5, -INF, INF),
            (-2.0, INF, INF),
        ],
    );
    check(
        Func::Pow,
        &[(-INF, -3.0, -0.0), (-INF, -2.0, 0.0), (-INF, 3.0, -INF), (-INF, 2.0, INF), (-INF, 0.5, INF)],
    );
    check(Func::Pow, &[(INF, -1.0, 0.0), (INF, 1.0, INF), (INF, 0.5, INF)]);
    // negative bases
    check(
        Func::Pow,
        &[
            (-2.0, 3.0, -8.0),
            (-2.0, 2.0, 4.0),
            (-2.0, -1.0, -0.5),
            (-2.0, 0.5, NAN),
            (-1.0, 1e20, 1.0),
            (-1.0, 7.0, -1.0),
        ],
    );
    // exact results, overflow, underflow
    check(
        Func::Pow,
        &[
            (2.0, 10.0, 1024.0),
            (3.0, 4.0, 81.0),
            (4.0, 0.5, 2.0),
            (10.0, 2.0, 100.0),
            (2.0, -140.0, 2f64.powi(-140)),
        ],
    );
    check(
        Func::Pow,
        &[
            (10.0, 400.0, INF),
            (-10.0, 401.0, -INF),
            (10.0, -400.0, 0.0),
            (-10.0, -401.0, -0.0),
            (0.5, 1e10, 0.0),
        ],
    );
    for isa in Isa::available() {
        assert_eq!(
            run_f64(Func::Pow, isa, &[2.0, 2.0, 5e-324], &[-1074.0, 1023.0, 0.5]),
            [5e-324, 2f64.powi(1023), 2f64.powi(-537)]
        );
        assert_eq!(
            run_f64(Func::Pow, isa, &[-1.0, -1.0], &[9007199254740991.0, 9007199254740992.0]),
            [-1.0, 1.0]
        );
    }
    check1(
        Func::Cbrt,
        &[
            (27.0, 3.0),
            (-8.0, -2.0),
            (0.0, 0.0),
            (-0.0, -0.0),
            (INF, INF),
            (-INF, -INF),
            (NAN, NAN),
            (1e30, 1e10),
        ],
    );
    check(
        Func::Hypot,
        &[
            (3.0, 4.0, 5.0),
            (0.0, -0.0, 0.0),
            (INF, NAN, INF),
            (NAN, -INF, INF),
            (NAN, 1.0, NAN),
            (1e30, 0.0, 1e30),
        ],
    );
    for isa in Isa::available() {
        assert_eq!(run_f64(Func::Hypot, isa, &[3e300, 3e-320], &[4e300, 4e-320]), [5e300, 5e-320]);
        assert_eq!(run_f64(Func::Hypot, isa, &[f64::MAX], &[f64::MAX]), [INF]);
    }
}

#[test]
fn arithmetic() {
    check1(
        Func::Sqrt,
        &[(4.0, 2.0), (0.0, 0.0), (-0.0, -0.0), (-1.0, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)],
    );
    check(
        Func::Div,
        &[
            (1.0, 0.0, INF),
            (-1.0, 0.0, -INF),
            (1.0, -0.0, -INF),
            (0.0, 0.0, NAN),
            (INF, INF, NAN),
            (1.0, INF, 0.0),
        ],
    );
    check(
        Func::Fmod,
        &[
            (5.5, 2.0, 1.5),
            (-5.5, 2.0, -1.5),
            (5.5, -2.0, 1.5),
            (-0.0, 1.0, -0.0),
            (1.0, INF, 1.0),
            (1.0, 0.0, NAN),
        ],
    );
    check(
        Func::Fmod,
        &[(INF, 1.0, NAN), (NAN, 1.0, NAN), (1.0, NAN, NAN), (4.0, 2.0, 0.0), (-4.0, 2.0, -0.0)],
    );
    check(
        Func::Nextafter,
        &[(1.0, 1.0, 1.0), (NAN, 1.0, NAN), (1.0, NAN, NAN), (INF, INF, INF), (0.0, -0.0, -0.0)],
    );
    for isa in Isa::available() {
        let x = [1.0, 0.0, f64::MAX];
        assert_eq!(run_f64(Func::Nextafter, isa, &x, &[2.0, -1.0, INF]), [1.0 + f64::EPSILON, -5e-324, INF]);
    }
}
