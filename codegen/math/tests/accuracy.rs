//! The accuracy stated in the table, for each function, element type and instruction set.
//!
//! Every result is compared with the scalar library's, which is correctly rounded or nearly so. Where the two differ,
//! and at some random points anyway, arbitrary-precision arithmetic gives the error in fractions of an ulp.
#![allow(clippy::print_stdout, reason = "`--show-output` prints the measured errors")]

mod common;

use common::{Oracle, Random, distance, library, run_f32, run_f64};
use frit_math::{Func, Isa};

/// Points per kind of distribution.
const POINTS: usize = 32768;
/// Of those, how many the slow oracle judges at most.
const JUDGED: usize = 1000;

type Points = Vec<(f64, f64)>;

fn points(
    kinds: &mut Vec<(&'static str, Points)>,
    kind: &'static str,
    mut point: impl FnMut() -> (f64, f64),
) {
    kinds.push((kind, (0..POINTS).map(|_| point()).collect()));
}

/// Where to look, for any function, and where this one is delicate.
fn sample(func: Func) -> Vec<(&'static str, Points)> {
    let mut r = Random(func as u64 + 1);
    let mut kinds = Vec::new();
    points(&mut kinds, "any bits", || (f64::from_bits(r.bits()), f64::from_bits(r.bits())));
    points(&mut kinds, "-10 to 10", || (r.uniform(-10.0, 10.0), r.uniform(-10.0, 10.0)));
    points(&mut kinds, "-1 to 1", || (r.uniform(-1.0, 1.0), r.uniform(-1.0, 1.0)));
    points(&mut kinds, "0 to 100", || (r.uniform(0.0, 100.0), r.uniform(0.0, 100.0)));
    points(&mut kinds, "2^-40 to 2^10", || (r.magnitude(-40.0, 10.0), r.magnitude(-40.0, 10.0)));
    match func {
        Func::Exp | Func::Expm1 | Func::Sinh | Func::Cosh => {
            points(&mut kinds, "overflow", || (r.uniform(700.0, 712.0), 0.0));
            points(&mut kinds, "underflow", || (r.uniform(-750.0, -700.0), 0.0));
        }
        Func::Exp2 => {
            points(&mut kinds, "overflow", || (r.uniform(1020.0, 1025.0), 0.0));
            points(&mut kinds, "underflow", || (r.uniform(-1077.0, -1020.0), 0.0));
        }
        Func::Log | Func::Log2 | Func::Log10 | Func::Acosh => {
            points(&mut kinds, "near 1", || (1.0 + r.magnitude(-52.0, -2.0), 0.0));
            points(&mut kinds, "positive bits", || (f64::from_bits(r.bits() >> 1), 0.0));
            points(&mut kinds, "subnormal", || (f64::from_bits(r.bits() >> 12), 0.0));
        }
        Func::Log1p => {
            points(&mut kinds, "near -1", || (-1.0 + r.magnitude(-53.0, -2.0).abs(), 0.0));
            points(&mut kinds, "positive bits", || (f64::from_bits(r.bits() >> 1), 0.0));
        }
        Func::Sin | Func::Cos | Func::Tan => {
            points(&mut kinds, "near multiples of π/2", || {
                let k = r.magnitude(0.0, 31.0).round();
                let x = k * std::f64::consts::FRAC_PI_2;
                (f64::from_bits(x.to_bits().wrapping_add(r.bits() % 9).wrapping_sub(4)), 0.0)
            });
            points(&mut kinds, "to 2^33", || (r.magnitude(0.0, 33.0), 0.0));
        }
        Func::Asin | Func::Acos | Func::Atanh => {
            points(&mut kinds, "near ±1", || {
                ((1.0 - r.magnitude(-53.0, -1.0).abs()) * r.magnitude(0.0, 0.0), 0.0)
            });
            points(&mut kinds, "near ±1/2", || (0.5 + r.magnitude(-30.0, -3.0), 0.0));
        }
        Func::Tanh => points(&mut kinds, "saturating", || (r.uniform(15.0, 25.0), 0.0)),
        Func::Erf | Func::Erfc => {
            points(&mut kinds, "-6 to 6", || (r.uniform(-6.0, 6.0), 0.0));
            points(&mut kinds, "0 to 28", || (r.uniform(0.0, 28.0), 0.0));
        }
        Func::Lgamma | Func::Tgamma => {
            points(&mut kinds, "1 to 3", || (r.uniform(1.0, 3.0), 0.0));
            points(&mut kinds, "0 to 171", || (r.uniform(0.0, 171.0), 0.0));
        }
        Func::Pow => {
            points(&mut kinds, "full range", || {
                let x = r.magnitude(-1000.0, 1000.0).abs();
                (x, r.uniform(-1080.0, 1030.0) / x.log2())
            });
            points(&mut kinds, "base near 1", || {
                let x = 1.0 + r.magnitude(-40.0, -2.0);
                (x, r.uniform(-1080.0, 1030.0) / x.log2())
            });
            points(&mut kinds, "integer exponents", || {
                (r.uniform(-20.0, 20.0), r.uniform(-40.0, 40.0).round())
            });
            points(&mut kinds, "small exponents", || {
                (r.magnitude(-300.0, 300.0).abs(), r.uniform(-4.0, 4.0))
            });
        }
        Func::Atan2 | Func::Hypot => {
            points(&mut kinds, "alike", || {
                let x = r.magnitude(-1000.0, 1000.0);
                (x, x * r.magnitude(-3.0, 3.0))
            });
            points(&mut kinds, "huge and tiny", || {
                (r.magnitude(-1070.0, 1023.9), r.magnitude(-1070.0, 1023.9))
            });
        }
        _ => {}
    }
    kinds
}

fn split(points: &[(f64, f64)]) -> (Vec<f64>, Vec<f64>) {
    points.iter().copied().unzip()
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// The largest error of the `f64` routines.
fn check_f64(func: Func) {
    let mut oracle = Oracle::new();
    let (mut worst, mut at) = (0.0, String::new());
    for (kind, points) in sample(func) {
        let (x, y) = split(&points);
        let mut previous: Option<Vec<f64>> = None;
        for isa in Isa::available() {
            let results = run_f64(func, isa, &x, &y);
            // The vector instruction sets share one algorithm, and so one result.
            if let Some(previous) = previous.take()
                && isa == Isa::Avx512
            {
                assert!(
                    previous.iter().zip(&results).all(|(&a, &b)| same(a, b)),
                    "{func:?}, {kind}: AVX-512 differs"
                );
                continue;
            }
            let mut judged = 0;
            for (i, &result) in results.iter().enumerate() {
                let expected = library(func, x[i], y[i]);
                let describe = || {
                    format!(
                        "{func:?} {isa:?}, {kind}: f({:e}, {:e}) = {result:e}, not {expected:e}",
                        x[i], y[i]
                    )
                };
                if !same(result, expected) {
                    assert_eq!(result.is_nan(), expected.is_nan(), "{}", describe());
                    assert_eq!(result.is_sign_negative(), expected.is_sign_negative(), "{}", describe());
                    assert!(distance(result, expected) <= 1, "{}", describe());
                } else if i > 20 || result.is_nan() || result.is_infinite() || result == 0.0 {
                    continue;
                }
                judged += 1;
                if judged > JUDGED {
                    continue;
                }
                if let Some(error) = oracle.error(func, x[i], y[i], result)
                    && f64::abs(error) > worst
                {
                    (worst, at) = (error.abs(), describe());
                }
            }
            previous = Some(results);
        }
    }
    println!("{:10} f64 {worst:.3} of {} at {at}", func.name(), func.ulp_f64());
    assert!(worst <= func.ulp_f64(), "error {worst}: {at}");
}

/// The largest error of the `f32` routines; `f64` is exact enough an oracle.
fn check_f32(func: Func) {
    let (mut worst, mut at) = (0.0, String::new());
    for (kind, points) in sample(func) {
        let mut r = Random(7);
        let points: Vec<(f32, f32)> = points
            .iter()
            .map(|&(x, y)| match kind {
                "any bits" => (f32::from_bits(r.bits() as u32), f32::from_bits(r.bits() as u32)),
                "positive bits" => (f32::from_bits(r.bits() as u32 >> 1), 0.0),
                "subnormal" => (f32::from_bits(r.bits() as u32 >> 9), 0.0),
                "overflow" => (x as f32 / 8.0, y as f32),
                "underflow" if func == Func::Exp2 => (r.uniform(-152.0, -124.0) as f32, 0.0),
                "underflow" => (r.uniform(-106.0, -86.0) as f32, 0.0),
                "near multiples of π/2" => {
                    let k = r.magnitude(0.0, 18.0).round();
                    let x = (k * std::f64::consts::FRAC_PI_2) as f32;
                    (f32::from_bits(x.to_bits().wrapping_add(r.bits() as u32 % 5).wrapping_sub(2)), 0.0)
                }
                "full range" | "base near 1" => (x.powf(0.1) as f32, y as f32),
                _ => (x as f32, y as f32),
            })
            .collect();
        let (x, y): (Vec<f32>, Vec<f32>) = points.into_iter().unzip();
        let mut previous: Option<Vec<f32>> = None;
        for isa in Isa::available() {
            let results = run_f32(func, isa, &x, &y);
            if let Some(previous) = previous.take()
                && isa == Isa::Avx512
            {
                let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                assert!(
                    previous.iter().zip(&results).all(|(&a, &b)| same(a, b)),
                    "{func:?}, {kind}: AVX-512 differs"
                );
                continue;
            }
            for (i, &result) in results.iter().enumerate() {
                let exact = library(func, x[i] as f64, y[i] as f64);
                let describe = || {
                    format!("{func:?} {isa:?}, {kind}: f({:e}, {:e}) = {result:e}, not {exact:e}", x[i], y[i])
                };
                let expected =
                    if func == Func::Nextafter { libm::nextafterf(x[i], y[i]) } else { exact as f32 };
                if result.to_bits() == expected.to_bits() || (result.is_nan() && expected.is_nan()) {
                    continue;
                }
                assert_eq!(result.is_nan(), expected.is_nan(), "{}", describe());
                let signless = func == Func::Tgamma && result == 0.0;
                let same_sign = result.is_sign_negative() == expected.is_sign_negative();
                assert!(same_sign || signless, "{}", describe());
                assert!(result.is_finite() || exact.abs() > f32::MAX as f64 * (1.0 - 1e-7), "{}", describe());
                // Next to overflow, infinity stands for 2^128.
                let value =
                    if result.is_infinite() { 2f64.powi(128).copysign(result as f64) } else { result as f64 };
                let exponent = (exact.abs().log2().floor().max(-126.0) - 23.0).min(104.0);
                let error = (value - exact).abs() / exponent.exp2();
                if error > worst {
                    (worst, at) = (error, describe());
                }
            }
            previous = Some(results);
        }
    }
    println!("{:10} f32 {worst:.3} of {} at {at}", func.name(), func.ulp_f32());
    assert!(worst <= func.ulp_f32(), "error {worst}: {at}");
}

macro_rules! accuracy {
    ($($test:ident $func:ident;)*) => {
        $(
            #[test]
            fn $test() {
                // What IEEE or exact integer arithmetic defines needs no oracle but the comparison above.
                check_f32(Func::$func);
                check_f64(Func::$func);
            }
        )*

        #[test]
        fn every_function_is_tested() {
            assert_eq!(Func::ALL, [$(Func::$func),*]);
        }
    };
}

accuracy! {
    exp Exp; exp2 Exp2; expm1 Expm1;
    log Log; log2 Log2; log10 Log10; log1p Log1p;
    sin Sin; cos Cos; tan Tan;
    asin Asin; acos Acos; atan Atan;
    sinh Sinh; cosh Cosh; tanh Tanh; asinh Asinh; acosh Acosh; atanh Atanh;
    cbrt Cbrt; erf Erf; erfc Erfc; lgamma Lgamma; tgamma Tgamma; sqrt Sqrt;
    pow Pow; atan2 Atan2; hypot Hypot; fmod Fmod; nextafter Nextafter; div Div;
}
