//! Sorting and searching against a stable sort by the order's definition.

mod support;

use frit_library::{Params, Routine, plan};
use num_complex::Complex64;
use std::cmp::Ordering;
use support::{Array, Element, Operand, Random, call, positions};

/// NumPy's order, by definition.
trait Order: Element {
    fn order(self, other: Self) -> Ordering;
    fn bits(self) -> u128;
    fn random(r: &mut Random) -> Self;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Order for $t {
            fn order(self, other: $t) -> Ordering { self.cmp(&other) }
            fn bits(self) -> u128 { self as u128 }
            fn random(r: &mut Random) -> $t {
                // Many equal elements in half of the cases.
                if r.bits().is_multiple_of(2) { r.bits() as $t } else { (r.bits() % 5) as $t }
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Order for bool {
    fn order(self, other: bool) -> Ordering {
        self.cmp(&other)
    }
    fn bits(self) -> u128 {
        self.into()
    }
    fn random(r: &mut Random) -> bool {
        r.bits().is_multiple_of(2)
    }
}

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Order for $t {
            fn order(self, other: $t) -> Ordering {
                self.partial_cmp(&other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
            }
            fn bits(self) -> u128 { self.to_bits().into() }
            fn random(r: &mut Random) -> $t {
                match r.bits() % 12 {
                    0 => 0.0,
                    1 => -0.0,
                    2 => <$t>::NAN,
                    3 => -<$t>::NAN,
                    4 => <$t>::INFINITY,
                    5 => <$t>::NEG_INFINITY,
                    6 => <$t>::MIN_POSITIVE / 8.0,
                    _ => r.unit() as $t,
                }
            }
        }
    )*};
}
floats!(f32, f64);

impl Order for Complex64 {
    fn order(self, other: Complex64) -> Ordering {
        let class = |x: Complex64| (x.re.is_nan(), x.im.is_nan());
        class(self).cmp(&class(other)).then(self.re.order(other.re)).then(self.im.order(other.im))
    }
    fn bits(self) -> u128 {
        // NaN and zeros of different signs in one class: their order among themselves is not defined.
        let part = |x: f64| if x.is_nan() { u64::MAX } else { (x + 0.0).to_bits() };
        u128::from(part(self.re)) << 64 | u128::from(part(self.im))
    }
    fn random(r: &mut Random) -> Complex64 {
        let mut part = || [0.0, -0.0, 1.0, f64::NAN, r.unit()][(r.bits() % 5) as usize];
        Complex64::new(part(), part())
    }
}

fn row<T: Order>(x: &Array<T>, axis: usize, at: &[usize]) -> Vec<T> {
    let mut at = at.to_vec();
    (0..x.shape[axis])
        .map(|i| {
            at[axis] = i;
            x.get(&at)
        })
        .collect()
}

fn check<T: Order>(shape: &[usize], axis: usize, threads: usize) {
    let mut random = Random(shape.iter().sum::<usize>() as u64);
    let x = Array::from_fn(shape, |_| T::random(&mut random));
    let n = shape[axis];
    let nth = n / 3;
    for (view, descending) in [(x.clone(), false), (x.transposed(), true), (x.backwards(), false)] {
        let params = Params { axis, descending, n: nth, ..Params::default() };
        let get = |routine: Routine| call(routine, &params, &[&view], threads).unwrap();
        let sorted = get(Routine::Sort)[0].array::<T>();
        let positions_ = get(Routine::Argsort)[0].array::<i64>();
        let parted = get(Routine::Partition)[0].array::<T>();
        let top = get(Routine::TopK);
        let (top, top_at) = (top[0].array::<T>(), top[1].array::<i64>());
        for at in positions(shape).iter().filter(|p| p[axis] == 0) {
            let values = row(&x, axis, at);
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by(|a, b| {
                let o = values[*a].order(values[*b]);
                if descending { o.reverse() } else { o }
            });
            let want: Vec<u128> = order.iter().map(|i| values[*i].bits()).collect();
            let bits = |v: Vec<T>| v.into_iter().map(T::bits).collect::<Vec<_>>();
            assert_eq!(bits(row(&sorted, axis, at)), want);
            let order: Vec<i64> = order.iter().map(|i| *i as i64).collect();
            let row_of = |a: &Array<i64>| {
                let mut at = at.clone();
                (0..a.shape[axis])
                    .map(|i| {
                        at[axis] = i;
                        a.get(&at)
                    })
                    .collect::<Vec<_>>()
            };
            assert_eq!(row_of(&positions_), order);
            assert_eq!(row_of(&top_at), &order[..nth]);
            assert_eq!(bits(row(&top, axis, at)), &want[..nth]);
            if !descending {
                let parted = row(&parted, axis, at);
                let ascending = row(&sorted, axis, at);
                assert_eq!(parted[nth].order(ascending[nth]), Ordering::Equal);
                assert!(parted[..nth].iter().all(|v| v.order(parted[nth]) != Ordering::Greater));
                assert!(parted[nth..].iter().all(|v| v.order(parted[nth]) != Ordering::Less));
                let (mut a, mut b) = (bits(parted), bits(ascending));
                a.sort_unstable();
                b.sort_unstable();
                assert_eq!(a, b);
            }
        }
    }
}

/// Order statistics are what sorting puts at their positions, bit by bit.
fn check_statistics<T: Order>(shape: &[usize], axis: usize, threads: usize) {
    let mut random = Random(shape.iter().sum::<usize>() as u64 + 1);
    let x = Array::from_fn(shape, |_| T::random(&mut random));
    let n = shape[axis] as i64;
    let params = Params { axis, ..Params::default() };
    let lists: [Vec<i64>; 6] = [
        vec![],
        vec![n / 2],
        vec![n - 1, 0, n / 2, n / 2, n / 3],
        vec![-5, n + 5, n / 4],
        (0..n / 3 + 1).collect(),
        (n / 2..n).rev().collect(),
    ];
    let sorted = call(Routine::Sort, &params, &[&x], threads).unwrap()[0].array::<T>();
    let order = call(Routine::Argsort, &params, &[&x], threads).unwrap()[0].array::<i64>();
    for list in lists {
        let mut own = shape.to_vec();
        own[axis] = list.len();
        // The same positions for all rows, and others for each.
        let common = Array::new(&[list.len()], list.clone());
        let each = Array::from_fn(&own, |p| {
            let other: usize = p.iter().enumerate().map(|(k, i)| if k == axis { 0 } else { *i }).sum();
            if list.is_empty() { 0 } else { list[(p[axis] + other) % list.len()] }
        });
        for kth in [common, each.transposed()] {
            for view in [x.clone(), x.transposed(), x.backwards()] {
                let get = |r| call(r, &params, &[&view, &kth], threads).unwrap();
                let values = get(Routine::OrderStatistics)[0].array::<T>();
                let indices = get(Routine::ArgOrderStatistics)[0].array::<i64>();
                assert_eq!(values.shape, own);
                for p in positions(&own) {
                    let k = if kth.shape.len() == 1 { kth.get(&[p[axis]]) } else { kth.get(&p) };
                    let mut at = p.clone();
                    at[axis] = k.clamp(0, n - 1) as usize;
                    assert_eq!(values.get(&p).bits(), sorted.get(&at).bits(), "{list:?} of {shape:?}");
                    assert_eq!(indices.get(&p), order.get(&at), "{list:?} of {shape:?}");
                }
            }
        }
    }
}

#[test]
fn order_statistics() {
    fn all<T: Order>() {
        for n in [1, 2, 3, 17, 100, 1000] {
            check_statistics::<T>(&[n], 0, 1);
        }
        (0..3).for_each(|axis| check_statistics::<T>(&[5, 17, 9], axis, 2));
    }
    all::<bool>();
    all::<i8>();
    all::<u64>();
    all::<f32>();
    all::<f64>();
    all::<Complex64>();
}

/// Long rows, which a sample narrows down: what is sampled may say nothing, or something wrong, of the rest.
#[test]
fn order_statistics_of_long_rows() {
    fn all<T: Order>() {
        let n: usize = 70_001;
        let mut random = Random(7);
        let mixed: Vec<T> = (0..n).map(|_| T::random(&mut random)).collect();
        let distinct = {
            let mut sorted = mixed.clone();
            sorted.sort_by(|a, b| a.order(*b));
            sorted
        };
        let pick = |f: &dyn Fn(usize) -> usize| (0..n).map(|i| distinct[f(i) % n]).collect::<Vec<T>>();
        let rows = [
            pick(&|i| i),
            pick(&|i| n - 1 - i),
            pick(&|_| n / 2),
            pick(&|i| i % 2 * (n - 1)),
            // The sample meets every eighth element.
            pick(&|i| if i.is_multiple_of(8) { n / 3 } else { i * 7919 }),
            mixed,
        ];
        for row in rows {
            let x = Array::new(&[n], row);
            let params = Params::default();
            let sorted = call(Routine::Sort, &params, &[&x], 1).unwrap()[0].array::<T>();
            for list in [vec![0], vec![n / 2, n / 2 + 1], vec![n - 1, n - 2, 5, n / 4, n / 4], vec![n / 5; 3]]
            {
                let kth = Array::new(&[list.len()], list.iter().map(|k| *k as i64).collect());
                let values = call(Routine::OrderStatistics, &params, &[&x, &kth], 1).unwrap()[0].array::<T>();
                for (i, k) in list.iter().enumerate() {
                    assert_eq!(values.get(&[i]).bits(), sorted.get(&[*k]).bits(), "{k}");
                }
            }
        }
    }
    all::<f32>();
    all::<f64>();
    all::<u64>();
    all::<i8>();
}

#[test]
fn order_statistics_of_nothing() {
    let nothing = Array::new(&[2, 0], Vec::<f64>::new());
    let params = Params { axis: 1, ..Params::default() };
    let get = |kth: &Array<i64>| call(Routine::OrderStatistics, &params, &[&nothing, kth], 1);
    assert!(get(&Array::new(&[1], vec![0])).is_err());
    assert!(get(&Array::new(&[0], vec![])).is_ok());
    // Positions that are not integers, or of another shape.
    let x = Array::new(&[2, 3], vec![0.0; 6]);
    assert!(call(Routine::OrderStatistics, &params, &[&x, &Array::new(&[1], vec![0.0])], 1).is_err());
    assert!(call(Routine::OrderStatistics, &params, &[&x, &Array::new(&[3, 1], vec![0_i64; 3])], 1).is_err());
}

fn check_type<T: Order>() {
    for n in [1, 2, 3, 5, 17, 64, 100, 1000] {
        check::<T>(&[n], 0, 1);
    }
    for axis in 0..3 {
        check::<T>(&[5, 17, 19], axis, 1);
    }
    check::<T>(&[600, 50], 1, 2);
    check::<T>(&[50, 600], 0, 2);
}

#[test]
fn sorting() {
    check_type::<bool>();
    check_type::<i8>();
    check_type::<u16>();
    check_type::<i32>();
    check_type::<i64>();
    check_type::<u64>();
    check_type::<f32>();
    check_type::<f64>();
    check_type::<Complex64>();
}

#[test]
fn empty_arrays() {
    for (shape, axis) in [([0, 3], 0), ([0, 3], 1), ([3, 0], 0), ([3, 0], 1)] {
        let x = Array::new(&shape, Vec::<f64>::new());
        let params = Params { axis, ..Params::default() };
        for routine in [Routine::Sort, Routine::Argsort, Routine::TopK] {
            call(routine, &params, &[&x], 1).unwrap();
        }
    }
}

#[test]
fn searching() {
    let mut random = Random(7);
    for n in [0, 1, 2, 17, 100] {
        let mut keys: Vec<f64> = (0..n).map(|_| <f64 as Order>::random(&mut random)).collect();
        keys.sort_by(|a, b| a.order(*b));
        let keys = Array::new(&[n], keys);
        let values = Array::from_fn(&[6, 9], |_| <f64 as Order>::random(&mut random));
        for (right, keys) in [(false, keys.clone()), (true, keys.backwards())] {
            let params = Params { right, ..Params::default() };
            let got = call(Routine::Searchsorted, &params, &[&keys, &values.transposed()], 1).unwrap();
            for p in positions(&[6, 9]) {
                let v = values.get(&p);
                let before =
                    |k: f64| k.order(v) == Ordering::Less || (right && k.order(v) == Ordering::Equal);
                let want = keys.values().into_iter().filter(|k| before(*k)).count();
                assert_eq!(got[0].array::<i64>().get(&p), want as i64);
            }
        }
    }
}

#[test]
fn distinct_elements() {
    let x = Array::new(&[2, 4], vec![3.0, f64::NAN, -0.0, 3.0, 0.0, f64::NAN, 1.0, -5.0]);
    let results = call(Routine::Unique, &Params::default(), &[&x.transposed()], 1).unwrap();
    let [index, inverse, counts, size] = [1, 2, 3, 4].map(|k| results[k].array::<i64>().data);
    let values = results[0].array::<f64>().data;
    assert_eq!(size, [5]);
    assert_eq!(values[..4], [-5.0, 0.0, 1.0, 3.0]);
    assert!(values[4].is_nan());
    assert_eq!(index[..5], [7, 2, 6, 0, 1]);
    assert_eq!(counts[..5], [1, 2, 1, 2, 2]);
    assert_eq!(inverse, [3, 4, 1, 3, 1, 4, 2, 0]);
    let empty = Array::new(&[0], Vec::<i64>::new());
    assert_eq!(call(Routine::Unique, &Params::default(), &[&empty], 1).unwrap()[4].array::<i64>().data, [0]);
}

#[test]
fn a_short_workspace_is_refused() {
    let x = Array::from_fn(&[10, 20], |p| p[0] as f64);
    let params = Params { axis: 0, ..Params::default() };
    let plan = plan(Routine::Sort, &params, frit_library::DType::F64, &[&[10, 20]], 1).unwrap();
    let mut result = support::Buffer::new(frit_library::DType::F64, &[10, 20]);
    let short = plan.run(&[x.input()], &[result.output()], &mut [], &frit_library::Alone);
    assert!(short.unwrap_err().0.contains("workspace"));
}
