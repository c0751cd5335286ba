//! Orders of elements: integer keys that sort as NumPy sorts.
//!
//! NaN comes last and zeros of both signs are equal. Complex numbers compare by real part, then by imaginary part; with a
//! NaN in the imaginary part they come after all without, with one in the real part after those. Sorting integers rather
//! than comparing floats is branch-free, and the standard library's unstable sorts need no memory.

use crate::dtype::Element;
use num_complex::{Complex, Complex32, Complex64};
use std::cmp::Ordering;

/// An integer that orders elements.
pub(crate) trait Rank: Copy + Ord + Send {
    /// The rank in the opposite order.
    fn reverse(self) -> Self;
}

/// A rank with a position, so that no two are equal and an unstable sort is stable.
pub(crate) trait Pair: Copy + Ord + Send {
    fn index(self) -> usize;
    fn same_rank(self, other: Self) -> bool;
}

macro_rules! ranks {
    ($($t:ty),*) => {$( impl Rank for $t { fn reverse(self) -> $t { !self } } )*};
}
ranks!(u32, u64);

/// What comes first: NaN in which part, then the parts.
type ComplexRank = (u8, u64, u64);

impl Rank for ComplexRank {
    fn reverse(self) -> ComplexRank {
        (!self.0, !self.1, !self.2)
    }
}

impl Pair for u64 {
    fn index(self) -> usize {
        self as u32 as usize
    }
    fn same_rank(self, other: u64) -> bool {
        self >> 32 == other >> 32
    }
}

impl Pair for u128 {
    fn index(self) -> usize {
        self as u64 as usize
    }
    fn same_rank(self, other: u128) -> bool {
        self >> 64 == other >> 64
    }
}

impl Pair for (ComplexRank, usize) {
    fn index(self) -> usize {
        self.1
    }
    fn same_rank(self, other: Self) -> bool {
        self.0 == other.0
    }
}

/// An element type with an order.
pub(crate) trait Ordered: Element + Default {
    type Rank: Rank;
    type Pair: Pair;
    /// The largest number of elements that pairs can tell apart.
    const LIMIT: usize;
    /// Equal elements have equal ranks.
    fn rank(self) -> Self::Rank;
    /// The element of a rank, if it is the only one.
    fn of_rank(rank: Self::Rank) -> Option<Self>;
    fn pair(rank: Self::Rank, index: usize) -> Self::Pair;
    /// A NaN that `arrange` does not take. Complex numbers' ranks put theirs in order.
    fn is_nan(self) -> bool;
    /// NaN in any part: all of them are one value where distinct values are counted.
    fn has_nan(self) -> bool {
        self.is_nan()
    }
    /// One of two zeros of a real type.
    fn is_zero(self) -> bool;
    /// Sorts a row without NaN; brings index `nth` alone into place, if given. Equal elements end up in any order.
    fn arrange(row: &mut [Self], nth: Option<usize>);
    /// Brings the indices `at`, ascending and distinct, of a row without NaN into place, as [`select`].
    fn select(row: &mut [Self], at: &[usize]);
}

/// Brings the elements at the indices `at` (ascending, distinct, of the row that begins at index `first`) to where sorting
/// would put them. Quickselect at the middle index cuts row and indices in two; a run of neighbours is cut out and sorted.
pub(crate) fn select<T>(row: &mut [T], first: usize, at: &[usize], order: &impl Fn(&T, &T) -> Ordering) {
    let (Some(low), Some(high)) = (at.first(), at.last()) else { return };
    let (low, high) = (low - first, high - first);
    if at.len() > 2 && high - low < 2 * at.len() {
        row.select_nth_unstable_by(low, order);
        let rest = &mut row[low + 1..];
        rest.select_nth_unstable_by(high - low - 1, order);
        rest[..high - low - 1].sort_unstable_by(order);
        return;
    }
    let middle = at.len() / 2;
    let k = at[middle] - first;
    row.select_nth_unstable_by(k, order);
    select(&mut row[..k], first, &at[..middle], order);
    select(&mut row[k + 1..], first + k + 1, &at[middle + 1..], order);
}

fn arrange_ord<T: Ord>(row: &mut [T], nth: Option<usize>) {
    match nth {
        None => row.sort_unstable(),
        Some(k) if k < row.len() => {
            row.select_nth_unstable(k);
        }
        Some(_) => {}
    }
}

macro_rules! narrow {
    () => {
        type Rank = u32;
        type Pair = u64;
        const LIMIT: usize = u32::MAX as usize;
        fn pair(rank: u32, index: usize) -> u64 {
            u64::from(rank) << 32 | index as u64
        }
    };
}

macro_rules! wide {
    () => {
        type Rank = u64;
        type Pair = u128;
        const LIMIT: usize = usize::MAX;
        fn pair(rank: u64, index: usize) -> u128 {
            u128::from(rank) << 64 | index as u128
        }
    };
}

macro_rules! integers {
    ($($t:ty, $pairs:ident, |$x:ident| $rank:expr, $element:expr;)*) => {$(
        impl Ordered for $t {
            $pairs!();
            fn rank(self) -> Self::Rank { let $x = self; $rank }
            fn of_rank($x: Self::Rank) -> Option<$t> { Some($element) }
            fn is_nan(self) -> bool { false }
            fn is_zero(self) -> bool { false }
            fn arrange(row: &mut [$t], nth: Option<usize>) { arrange_ord(row, nth) }
            fn select(row: &mut [$t], at: &[usize]) { select(row, 0, at, &<$t>::cmp) }
        }
    )*};
}
integers! {
    bool, narrow, |x| u32::from(x), x != 0;
    u8, narrow, |x| x.into(), x as u8;
    u16, narrow, |x| x.into(), x as u16;
    u32, narrow, |x| x, x;
    u64, wide, |x| x, x;
    i8, narrow, |x| i32::from(x) as u32 ^ 1 << 31, (x ^ 1 << 31) as i8;
    i16, narrow, |x| i32::from(x) as u32 ^ 1 << 31, (x ^ 1 << 31) as i16;
    i32, narrow, |x| x as u32 ^ 1 << 31, (x ^ 1 << 31) as i32;
    i64, wide, |x| x as u64 ^ 1 << 63, (x ^ 1 << 63) as i64;
}

/// Floats as integers of one order with them: their bits, flipped but for the sign in negative numbers.
trait Keys<K> {
    fn flip(keys: &mut [K]);
}

/// Calls `f` with a row's keys.
fn as_keys<T: Keys<K>, K>(row: &mut [T], f: impl FnOnce(&mut [K])) {
    const { assert!(size_of::<T>() == size_of::<K>() && align_of::<T>() == align_of::<K>()) };
    // SAFETY: `Keys` is of floats and integers of one size, and any bits are valid as either.
    let keys = unsafe { &mut *(std::ptr::from_mut(row) as *mut [K]) };
    // The flip is its own inverse.
    T::flip(keys);
    f(keys);
    T::flip(keys);
}

macro_rules! floats {
    ($($t:ty, $pairs:ident, $bits:ty, $signed:ty;)*) => {$(
        impl Keys<$signed> for $t {
            fn flip(keys: &mut [$signed]) {
                keys.iter_mut().for_each(|x| *x ^= (*x >> (<$bits>::BITS - 1)) & <$signed>::MAX);
            }
        }
        impl Ordered for $t {
            $pairs!();
            fn rank(self) -> $bits {
                // Adding 0 makes -0 positive. Negative numbers sort backwards by their bits, below the others.
                let bits = (self + 0.0).to_bits();
                let negative = (bits as $signed >> (<$bits>::BITS - 1)) as $bits;
                let rank = bits ^ (negative | 1 << (<$bits>::BITS - 1));
                if self.is_nan() { <$bits>::MAX } else { rank }
            }
            fn of_rank(rank: $bits) -> Option<$t> {
                const SIGN: $bits = 1 << (<$bits>::BITS - 1);
                let bits = if rank & SIGN == 0 { !rank } else { rank ^ SIGN };
                let x = <$t>::from_bits(bits);
                (!x.is_nan() && x != 0.0).then_some(x)
            }
            fn is_nan(self) -> bool { <$t>::is_nan(self) }
            fn is_zero(self) -> bool { self == 0.0 }
            fn arrange(row: &mut [$t], nth: Option<usize>) {
                as_keys(row, |keys: &mut [$signed]| arrange_ord(keys, nth));
            }
            fn select(row: &mut [$t], at: &[usize]) {
                as_keys(row, |keys: &mut [$signed]| select(keys, 0, at, &<$signed>::cmp));
            }
        }
    )*};
}
floats! {
    f32, narrow, u32, i32;
    f64, wide, u64, i64;
}

macro_rules! complexes {
    ($($t:ty: $part:ty),*) => {$(
        impl Ordered for $t {
            type Rank = ComplexRank;
            type Pair = (ComplexRank, usize);
            const LIMIT: usize = usize::MAX;
            fn rank(self) -> ComplexRank {
                let Complex { re, im } = self;
                let class = u8::from(re.is_nan()) << 1 | u8::from(im.is_nan());
                (class, re.rank().into(), im.rank().into())
            }
            fn of_rank(_: ComplexRank) -> Option<$t> { None }
            fn pair(rank: ComplexRank, index: usize) -> (ComplexRank, usize) { (rank, index) }
            fn is_nan(self) -> bool { false }
            fn has_nan(self) -> bool { self.re.is_nan() || self.im.is_nan() }
            fn is_zero(self) -> bool { false }
            fn arrange(row: &mut [$t], nth: Option<usize>) {
                match nth {
                    None => row.sort_unstable_by_key(|x| x.rank()),
                    Some(k) if k < row.len() => {
                        row.select_nth_unstable_by_key(k, |x| x.rank());
                    }
                    Some(_) => {}
                }
            }
            fn select(row: &mut [$t], at: &[usize]) {
                select(row, 0, at, &|x: &$t, y: &$t| x.rank().cmp(&y.rank()));
            }
        }
    )*};
}
complexes!(Complex32: f32, Complex64: f64);
