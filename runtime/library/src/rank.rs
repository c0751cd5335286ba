//! Orders of elements: integer keys that sort as NumPy sorts.
//!
//! NaN comes last and zeros of both signs are equal. Complex numbers compare by real part, then by imaginary part; with a
//! NaN in the imaginary part they come after all without, with one in the real part after those. Sorting integers rather
//! than comparing floats is branch-free, and the standard library's unstable sorts need no memory.

use crate::dtype::Element;
use num_complex::{Complex, Complex32, Complex64};

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
    ($($t:ty, $pairs:ident, |$x:ident| $rank:expr;)*) => {$(
        impl Ordered for $t {
            $pairs!();
            fn rank(self) -> Self::Rank { let $x = self; $rank }
            fn is_nan(self) -> bool { false }
            fn is_zero(self) -> bool { false }
            fn arrange(row: &mut [$t], nth: Option<usize>) { arrange_ord(row, nth) }
        }
    )*};
}
integers! {
    bool, narrow, |x| u32::from(x);
    u8, narrow, |x| x.into();
    u16, narrow, |x| x.into();
    u32, narrow, |x| x;
    u64, wide, |x| x;
    i8, narrow, |x| i32::from(x) as u32 ^ 1 << 31;
    i16, narrow, |x| i32::from(x) as u32 ^ 1 << 31;
    i32, narrow, |x| x as u32 ^ 1 << 31;
    i64, wide, |x| x as u64 ^ 1 << 63;
}

macro_rules! floats {
    ($($t:ty, $pairs:ident, $bits:ty, $signed:ty;)*) => {$(
        impl Ordered for $t {
            $pairs!();
            fn rank(self) -> $bits {
                if self.is_nan() {
                    return <$bits>::MAX;
                }
                // Adding 0 makes -0 positive. Negative numbers sort backwards by their bits, below the others.
                let bits = (self + 0.0).to_bits();
                let negative = (bits as $signed >> (<$bits>::BITS - 1)) as $bits;
                bits ^ (negative | 1 << (<$bits>::BITS - 1))
            }
            fn is_nan(self) -> bool { <$t>::is_nan(self) }
            fn is_zero(self) -> bool { self == 0.0 }
            fn arrange(row: &mut [$t], nth: Option<usize>) {
                // The flip of a negative number's bits but the sign is its own inverse.
                let flip = |x: &mut $signed| *x ^= (*x >> (<$bits>::BITS - 1)) & <$signed>::MAX;
                // SAFETY: integers and floats of one size, and any bits are valid as either.
                let keys = unsafe { &mut *(std::ptr::from_mut(row) as *mut [$signed]) };
                keys.iter_mut().for_each(flip);
                arrange_ord(keys, nth);
                keys.iter_mut().for_each(flip);
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
        }
    )*};
}
complexes!(Complex32: f32, Complex64: f64);
