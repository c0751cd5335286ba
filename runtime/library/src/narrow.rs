//! Order statistics of long rows without copying them: a sample gives bounds between which an element lies almost surely,
//! and one pass keeps what is between them (Floyd and Rivest, "Expected time bounds for selection", CACM 18, 1975).

use crate::features::for_features;
use crate::rank::{Ordered, select};
use crate::scratch;

/// Length from which a sample pays.
const LEAST: usize = 1 << 16;

/// Elements of the sample, at equal distances: every run gives the same result in the same time.
const SAMPLE: usize = 1 << 13;

/// Distance in the sample from where an element should be to its bounds: three standard deviations of the median's.
const MARGIN: usize = 136;

/// Elements that are looked at between two checks of the space left.
const PIECE: usize = 512;

/// Passes, each for indices close to each other, that are no slower than a selection in a copy.
const PASSES: usize = 4;

/// True if rows of a type and length are worth it. The workspace of copies has the space for it: a quarter of the row, the
/// sample, and a few elements for each pass.
pub(crate) fn pays<T: Ordered>(n: usize) -> bool {
    n >= LEAST && size_of::<T>() == size_of::<T::Rank>()
}

/// The neighbours among ascending indices, a range of `at` for each pass.
fn passes(at: &[usize], n: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let first = *at.get(next)?;
        let start = next;
        next += at[start..].partition_point(|k| k - first <= n / 64);
        Some(start..next)
    })
}

/// True if indices (ascending, distinct) of a row are few, and near each other or in few places.
pub(crate) fn suits(at: &[usize], n: usize) -> bool {
    at.len() <= n / 64 && passes(at, n).count() <= PASSES
}

/// Finds the elements at indices (ascending, distinct) of a sorted row, as a stable sort would leave it. False, and nothing
/// in particular is `found`, if the sample misleads.
pub(crate) fn order_statistics<T: Ordered>(
    row: &[T],
    at: &[usize],
    workspace: &mut [u8],
    found: &mut [T],
) -> bool {
    let n = row.len();
    let none = T::default().rank();
    let (sample, rest) = scratch::take_filled(workspace, SAMPLE, none);
    sample.iter_mut().enumerate().for_each(|(i, x)| *x = row[i * (n / SAMPLE)].rank());
    sample.sort_unstable();
    let (kept, _) = scratch::take_filled(rest, n / 4, none);
    for pass in passes(at, n) {
        let (found, at) = (&mut found[pass.clone()], &at[pass]);
        let (first, last) = (at[0], at[at.len() - 1]);
        let place = |k: usize| k * SAMPLE / n;
        // No bound where the sample has no element to give one.
        let low = place(first).checked_sub(MARGIN).map(|p| sample[p]);
        let high = sample.get(place(last) + MARGIN).copied();
        let Some((below, count)) = between(row, low, high, kept) else { return false };
        if first < below || last >= below + count {
            return false;
        }
        let kept = &mut kept[..count];
        select(kept, below, at, &T::Rank::cmp);
        for (x, k) in found.iter_mut().zip(at) {
            *x = element(row, *k, kept[k - below]);
        }
    }
    true
}

/// The element of a rank at an index of the sorted row. Where different elements have one rank (zeros, NaN), they are in
/// the order in which they stand in the row.
fn element<T: Ordered>(row: &[T], k: usize, rank: T::Rank) -> T {
    T::of_rank(rank).unwrap_or_else(|| {
        let before = row.iter().filter(|x| x.rank() < rank).count();
        let mut same = row.iter().filter(|x| x.rank() == rank);
        *same.nth(k - before).expect("as many elements of a rank as the sorted row has")
    })
}

for_features! {
    between<T: Ordered>(
        row: &[T],
        low: Option<T::Rank>,
        high: Option<T::Rank>,
        kept: &mut [T::Rank]
    ) -> Option<(usize, usize)>, _ => between_any(row, low, high, kept)
}

/// Keeps the ranks from `low` to `high`. How many are below, and how many are kept; `None` if there is no space for them.
#[inline(always)]
fn between_any<T: Ordered>(
    row: &[T],
    low: Option<T::Rank>,
    high: Option<T::Rank>,
    kept: &mut [T::Rank],
) -> Option<(usize, usize)> {
    let none = T::default().rank();
    let (has_low, has_high) = (low.is_some(), high.is_some());
    let (low, high) = (low.unwrap_or(none), high.unwrap_or(none));
    let (mut below, mut count) = (0, 0);
    for piece in row.chunks(PIECE) {
        if count + PIECE > kept.len() {
            return None;
        }
        let mut ranks = [none; PIECE];
        let mut inside = [0u8; PIECE];
        let mut less = 0u64;
        for ((x, rank), inside) in piece.iter().zip(&mut ranks).zip(&mut inside) {
            *rank = x.rank();
            let (under, over) = (has_low & (*rank < low), has_high & (*rank > high));
            less += u64::from(under);
            *inside = u8::from(!under & !over);
        }
        below += less as usize;
        // Few are kept: eight flags at a time are none.
        for (group, flags) in inside.as_chunks::<8>().0.iter().enumerate() {
            let mut flags = u64::from_le_bytes(*flags);
            while flags != 0 {
                kept[count] = ranks[8 * group + flags.trailing_zeros() as usize / 8];
                count += 1;
                flags &= flags - 1;
            }
        }
    }
    Some((below, count))
}
