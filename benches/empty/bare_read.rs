//! The bare read for a cmdlet to call (GetBare.cs): `cargo build --release --example bare_read`.
//! It has an SQLite of its own beside the library's, and SQLite's locks do not hold between two in one process: good
//! for reading alone.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

#[path = "../core/bare_read.rs"]
mod bare_read;

use std::path::Path;
use std::sync::Mutex;

use bare_read::BareRead;

static OPEN: Mutex<Option<BareRead>> = Mutex::new(None);

/// # Safety
/// The text is so many bytes of UTF-8, alive for the caller's statement.
unsafe fn text<'a>(data: *const u8, length: usize) -> &'a str {
    // SAFETY: as this function asks.
    std::str::from_utf8(unsafe { std::slice::from_raw_parts(data, length) }).unwrap()
}

/// From now on reads the store in this folder.
///
/// # Safety
/// `data` points to `length` bytes of UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bare_open(data: *const u8, length: usize) {
    // SAFETY: as this function asks.
    *OPEN.lock().unwrap() = Some(BareRead::open(Path::new(unsafe { text(data, length) })));
}

/// Reads one mailbox by its mail address.
///
/// # Safety
/// `data` points to `length` bytes of UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bare_read(data: *const u8, length: usize) {
    // SAFETY: as this function asks.
    OPEN.lock().unwrap().as_ref().unwrap().read(unsafe { text(data, length) });
}
