//! What faer's matrix products allocate beside their operands: copies of blocks in the order in which they are read.
//!
//! On x86-64 with AVX2 (`private-gemm-x86`) each thread reserves address space twice the size of the last cache once, of
//! which only what is packed is ever touched: of the operand that runs along the contiguous axis of the result, up to
//! [`DEPTH`] deep; of the other one too if the result is much longer than wide and its block does not fit the last cache.
//! Elsewhere (`gemm`) it is blocks of both operands, and a buffer of the size of the second cache.

/// Steps of the inner axis that are packed at a time.
const DEPTH: usize = 512;

/// The least that `private-gemm-x86` takes for the size of the last cache.
const LEAST_LAST_CACHE: usize = 2 << 20;

/// Multiplications up to which products pack nothing.
const SMALL: usize = 16 * 16 * 16;

const PAGE: usize = 4096;

/// A product inside a routine: its result is `long` elements along the contiguous axis and `wide` along the other, summed
/// over `depth`.
#[derive(Clone, Copy)]
pub(crate) struct Packed {
    pub(crate) long: usize,
    pub(crate) wide: usize,
    pub(crate) depth: usize,
}

impl Packed {
    /// Bytes that it allocates on its thread, for elements of `size` bytes. No smaller product needs more.
    pub(crate) fn bytes(self, size: usize) -> usize {
        let Packed { long, wide, depth } = self;
        if long.saturating_mul(wide).saturating_mul(depth) <= SMALL {
            return 0;
        }
        let depth = depth.min(DEPTH);
        if !packs_in_place() {
            let blocks = 2 * (long.max(wide).next_multiple_of(96) + 96) * depth * size;
            return blocks + if cfg!(target_arch = "x86_64") { 0 } else { 4 << 20 };
        }
        // Vectors of the widest registers are packed whole.
        let long = long.next_multiple_of(64 / size);
        let block = long * depth * size;
        // Both operands are packed of results at least half as long again as wide.
        let other = if block >= LEAST_LAST_CACHE { wide.min(long * 2 / 3 + 1) * depth * size } else { 0 };
        block.next_multiple_of(PAGE) + other.next_multiple_of(PAGE)
    }

    /// The most bytes of some products, one after another.
    pub(crate) fn most(products: &[Packed], size: usize) -> usize {
        products.iter().map(|p| p.bytes(size)).max().unwrap_or(0)
    }
}

/// True where products keep what they pack in a reserve of the thread.
fn packs_in_place() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f")
        || (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// The larger part of a size that recursive factorizations and solutions halve.
pub(crate) fn half(n: usize) -> usize {
    (n / 2).next_multiple_of(16).min(n)
}

/// The largest product of a factorization of `m` rows and `n` columns by panels, each of which updates what is to the right
/// of and below it. Results much longer than wide are those inside of a panel.
pub(crate) fn update(m: usize, n: usize) -> Packed {
    let depth = half(m.min(n)).min(DEPTH);
    Packed { long: m - depth.saturating_sub(16), wide: depth, depth }
}
