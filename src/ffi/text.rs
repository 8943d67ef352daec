//! Texts and buffers across the boundary.

use zeroize::Zeroize;

use super::types::{UmpinBuffer, UmpinStr};
use crate::error::{Error, Result, Status};
use crate::pin::Pin;

impl UmpinStr {
    /// No text.
    pub(super) const ABSENT: UmpinStr = UmpinStr { data: std::ptr::null(), len: 0 };

    /// The bytes, or `None` where absent.
    pub(super) fn bytes(&self) -> Result<Option<&[u8]>> {
        if self.data.is_null() {
            return Ok(None);
        }
        if self.len > isize::MAX as usize {
            return Err(Error::new(Status::InvalidArgument, "A text is longer than memory. Nothing was changed."));
        }
        // SAFETY: not null, and by contract `len` bytes can be read there for the time of the call.
        Ok(Some(unsafe { std::slice::from_raw_parts(self.data, self.len) }))
    }

    /// The text, or `None` where absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>> {
        self.bytes()?
            .map(|bytes| {
                std::str::from_utf8(bytes).map_err(|e| {
                    Error::new(
                        Status::InvalidUtf8,
                        format!("The {name} is not UTF-8 from byte {} on. Nothing was changed.", e.valid_up_to()),
                    )
                })
            })
            .transpose()
    }

    /// The text as an owned one.
    pub(super) fn owned(&self, name: &str) -> Result<Option<String>> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// A PIN as it was typed; its rules come later, so it need not be UTF-8.
    pub(super) fn pin(&self) -> Result<Option<Pin>> {
        Ok(self.bytes()?.map(Pin::new))
    }
}

impl From<&str> for UmpinStr {
    fn from(text: &str) -> Self {
        UmpinStr { data: text.as_ptr(), len: text.len() }
    }
}

impl UmpinBuffer {
    /// Hands bytes over to the caller.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return UmpinBuffer { data: std::ptr::null_mut(), len: 0 };
        }
        let bytes = bytes.into_boxed_slice();
        let len = bytes.len();
        UmpinBuffer { data: Box::into_raw(bytes).cast(), len }
    }
}

/// Writes an output that the caller may not want.
pub(super) fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not null, and by contract a place for a T. What was there is overwritten, not dropped: it is the
        // caller's uninitialised memory.
        unsafe { out.write(value) };
    }
}

/// Hands bytes over, where they are wanted: a buffer that nobody gets would never be freed.
pub(super) fn put_bytes(out: *mut UmpinBuffer, bytes: Vec<u8>) {
    if !out.is_null() {
        put(out, UmpinBuffer::new(bytes));
    }
}

/// Writes an output that must be wanted.
pub(super) fn put_required<T>(out: *mut T, name: &str, value: T) -> Result<()> {
    if out.is_null() {
        return Err(null(name));
    }
    put(out, value);
    Ok(())
}

/// A structure that the caller must pass.
pub(super) fn read<T: Copy>(pointer: *const T, name: &str) -> Result<T> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not null, and by contract points to a T.
    Ok(unsafe { pointer.read() })
}

fn null(name: &str) -> Error {
    Error::new(Status::NullPointer, format!("The pointer '{name}' is NULL. Nothing was changed."))
}

/// 0 or 1.
pub(super) fn flag(value: u8, name: &str) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::new(
            Status::InvalidArgument,
            format!("The flag '{name}' is neither 0 nor 1. Nothing was changed."),
        )),
    }
}

/// -1 (unset), 0 or 1.
pub(super) fn tri_state(value: i8, name: &str) -> Result<Option<bool>> {
    match value {
        -1 => Ok(None),
        0 => Ok(Some(false)),
        1 => Ok(Some(true)),
        _ => Err(Error::new(
            Status::InvalidArgument,
            format!("The flag '{name}' is none of -1, 0 and 1. Nothing was changed."),
        )),
    }
}

/// Erases and frees a buffer and sets it to `{NULL, 0}`, so that a second call does nothing. NULL is fine.
///
/// # Safety
/// `buffer` is NULL or points to a buffer that is `{NULL, 0}` or was filled by a function of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_buffer_free(buffer: *mut UmpinBuffer) {
    if buffer.is_null() {
        return;
    }
    // SAFETY: not null, and by contract points to a buffer.
    let UmpinBuffer { data, len } = unsafe { buffer.replace(UmpinBuffer { data: std::ptr::null_mut(), len: 0 }) };
    if data.is_null() {
        return;
    }
    // SAFETY: by contract data and len came from UmpinBuffer::new, which leaked a boxed slice of just that length.
    let mut bytes = unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(data, len)) };
    bytes.zeroize();
}
