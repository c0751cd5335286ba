//! A check in a process of its own, so that a crash of compiled code is a failure like any other and can be reduced.
//!
//! The parent must not have started worker threads: they do not survive the fork. Used when `FRIT_ISOLATE` is set.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;

unsafe extern "C" {
    fn fork() -> i32;
    fn pipe(ends: *mut i32) -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
    fn alarm(seconds: u32) -> u32;
}

/// What `check` finds, run in a child; a signal is a finding, and so are five seconds without an end.
pub(crate) fn isolated(check: impl FnOnce() -> Option<String>) -> Option<String> {
    let mut ends = [0i32; 2];
    // SAFETY: two integers for two descriptors.
    assert_eq!(unsafe { pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: each end is owned once on each side of the fork.
    let (mut reader, mut writer) = unsafe { (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])) };
    // SAFETY: the child runs the check, writes and exits without returning to the caller.
    let child = unsafe { fork() };
    if child == 0 {
        drop(reader);
        // SAFETY: ends a child that hangs.
        unsafe { alarm(5) };
        if let Some(why) = check() {
            let _ = writer.write_all(why.as_bytes());
        }
        // SAFETY: the child has nothing to clean up.
        unsafe { _exit(0) };
    }
    drop(writer);
    let mut why = Vec::new();
    let _ = reader.read_to_end(&mut why);
    let mut status = 0;
    // SAFETY: the child of above.
    unsafe { waitpid(child, &mut status, 0) };
    if status & 0x7f != 0 {
        return Some(format!("signal {}", status & 0x7f));
    }
    let why = String::from_utf8_lossy(&why).into_owned();
    (!why.is_empty()).then_some(why)
}
