//! Bounds for ranges of sizes.

mod support;

use frit_library::{DType, Params, Routine, bound, plan};
use support::Random;

/// No call with smaller sizes needs more than the bound of the largest.
#[test]
fn bounds_cover_smaller_sizes() {
    let mut random = Random(1);
    let mut below = |n: usize| 1 + random.bits() as usize % n;
    for &routine in Routine::ALL {
        for turn in 0..300 {
            // A gemm over what is added, too.
            let over = routine == Routine::Gemm && turn % 2 == 1;
            let (dtype, most) = match routine {
                Routine::Fft | Routine::Ifft | Routine::Irfft => (DType::C128, 300),
                Routine::Matmul
                | Routine::Gemm
                | Routine::OrderStatistics
                | Routine::Sort
                | Routine::Argsort => (DType::F32, 3000),
                _ => (DType::F64, 90),
            };
            let square = matches!(
                routine,
                Routine::Inv
                    | Routine::InvPosdef
                    | Routine::Solve
                    | Routine::SolvePosdef
                    | Routine::SolveTriangular
                    | Routine::Cholesky
                    | Routine::LuFactor
                    | Routine::LuSolve
                    | Routine::Det
                    | Routine::Slogdet
                    | Routine::Eigh
                    | Routine::Eigvalsh
                    | Routine::Eig
                    | Routine::Eigvals
            );
            let batch = if routine == Routine::Lstsq { 0 } else { 1 };
            let mut sizes = |most: usize| {
                let (b, m, k, n) = (below(6), below(most), below(most), below(most));
                (b, m, if square { m } else { k }, n)
            };
            let large = sizes(most);
            let cut = sizes(most);
            let small = (large.0.min(cut.0), large.1.min(cut.1), large.2.min(cut.2), large.3.min(cut.3));
            let ask = |(b, m, k, n): (usize, usize, usize, usize)| {
                let first = [b, m, k];
                let second = match routine {
                    Routine::Matmul | Routine::Gemm => [b, k, n],
                    _ => [b, m, n],
                };
                let mut shapes = vec![&first[1 - batch..], &second[1 - batch..]];
                let added = [b, m, n];
                if routine == Routine::Gemm {
                    shapes.extend([&added[usize::from(!over)..], &[], &[]]);
                }
                let kth = [b, n, k];
                if matches!(routine, Routine::OrderStatistics | Routine::ArgOrderStatistics) {
                    shapes[1] = if m % 2 == 0 { &kth } else { &kth[1..2] };
                }
                if routine == Routine::LuSolve {
                    shapes = vec![&first, &first[..2], &second];
                }
                if matches!(routine, Routine::Searchsorted) {
                    shapes = vec![&first[1..2], &second[..]];
                }
                shapes.truncate(routine.inputs());
                // Along the middle axis; what is kept of a row is as long as the row.
                let params = Params {
                    axis: 1,
                    n: if routine == Routine::Partition { 0 } else { m },
                    over,
                    ..Params::default()
                };
                let shapes: Vec<Vec<usize>> = shapes.into_iter().map(<[usize]>::to_vec).collect();
                (params, shapes)
            };
            let ((p1, large), (p2, small)) = (ask(large), ask(small));
            let large: Vec<&[usize]> = large.iter().map(Vec::as_slice).collect();
            let small: Vec<&[usize]> = small.iter().map(Vec::as_slice).collect();
            let (workspace, hidden) = bound(routine, &p1, dtype, &large, 3).unwrap();
            let plan = plan(routine, &p2, dtype, &small, 3).unwrap();
            assert!(
                plan.workspace <= workspace && plan.hidden <= hidden,
                "{}: {small:?} needs {} and {}, {large:?} is bounded by {workspace} and {hidden}",
                routine.name(),
                plan.workspace,
                plan.hidden
            );
        }
    }
}
