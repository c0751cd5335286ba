//! Workspace: carving typed slices from the bytes that a caller provides.

use crate::error::LibraryError;
use std::mem::{MaybeUninit, align_of, size_of};

/// Alignment of every slice: a cache line, and enough for any vector register.
const ALIGN: usize = 64;

/// Bytes that [`take`] may use for `n` elements, wherever the workspace starts.
pub(crate) const fn bytes<T>(n: usize) -> usize {
    n * size_of::<T>() + ALIGN
}

/// The first `n` elements of a workspace, uninitialized, and what is left of it.
pub(crate) fn take<T: Copy>(workspace: &mut [u8], n: usize) -> (&mut [MaybeUninit<T>], &mut [u8]) {
    const { assert!(align_of::<T>() <= ALIGN) };
    let skip = workspace.as_ptr().align_offset(ALIGN).min(workspace.len());
    let (mine, rest) = workspace[skip..].split_at_mut(n * size_of::<T>());
    // SAFETY: the bytes are ours, aligned and enough; `MaybeUninit` asks nothing of their values.
    let slice = unsafe { std::slice::from_raw_parts_mut(mine.as_mut_ptr().cast(), n) };
    (slice, rest)
}

/// As [`take`], filled with one value.
pub(crate) fn take_filled<T: Copy>(workspace: &mut [u8], n: usize, value: T) -> (&mut [T], &mut [u8]) {
    let (slice, rest) = take::<T>(workspace, n);
    slice.fill(MaybeUninit::new(value));
    // SAFETY: just filled.
    (unsafe { &mut *(std::ptr::from_mut(slice) as *mut [T]) }, rest)
}

/// The workspace, if it is large enough.
pub(crate) fn at_least(workspace: &mut [u8], bytes: usize) -> Result<&mut [u8], LibraryError> {
    if workspace.len() < bytes {
        let message = format!("a workspace of {} bytes where {bytes} are needed", workspace.len());
        return Err(LibraryError::invalid(message));
    }
    Ok(workspace)
}
