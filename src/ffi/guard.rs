//! Around every exported function: panics caught, errors handed out, nothing printed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::types::{UmpinError, UmpinStr};
use crate::error::{Error, Result, Status};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// A panic's text could hold anything, so inside a guarded call it is not printed. This library has a copy of std of
/// its own, so the host's panics are not touched.
fn silence_panics() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
}

/// An error with the texts that its C view points into.
#[repr(C)]
struct OwnedError {
    shown: UmpinError,
    message: String,
    target: String,
}

/// Runs `body`. The status is returned; with an error, `*out` is set where the caller asked for it. On success `*out`
/// is NULL.
pub(super) fn guard(out: *mut *mut UmpinError, body: impl FnOnce() -> Result<()>) -> i32 {
    silence_panics();
    if !out.is_null() {
        // SAFETY: the caller passes NULL or a place for a pointer.
        unsafe { out.write(std::ptr::null_mut()) };
    }
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        Err(Error::new(
            Status::Panic,
            "A defect was met in this library. What was under way was rolled back. Please report it.",
        ))
    });
    GUARDED.set(outer);
    match result {
        Ok(()) => Status::Ok as i32,
        Err(e) => {
            let status = e.status as i32;
            if !out.is_null() {
                // SAFETY: as above.
                unsafe { out.write(into_raw(e)) };
            }
            status
        }
    }
}

fn into_raw(e: Error) -> *mut UmpinError {
    let mut owned = Box::new(OwnedError {
        shown: UmpinError {
            status: e.status as i32,
            id: UmpinStr::from(e.status.id()),
            message: UmpinStr::ABSENT,
            target: UmpinStr::ABSENT,
        },
        message: e.message,
        target: e.target,
    });
    owned.shown.message = UmpinStr::from(owned.message.as_str());
    if !owned.target.is_empty() {
        owned.shown.target = UmpinStr::from(owned.target.as_str());
    }
    Box::into_raw(owned).cast()
}

/// Frees an error and sets the caller's pointer to NULL, so that a second call does nothing. NULL is fine.
///
/// # Safety
/// `err` is NULL or points to a pointer that is NULL or came from a function of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_error_free(err: *mut *mut UmpinError) {
    if err.is_null() {
        return;
    }
    // SAFETY: err is not null, and by contract points to a pointer.
    let raw = unsafe { err.replace(std::ptr::null_mut()) };
    if !raw.is_null() {
        // SAFETY: by contract it came from into_raw, which made it an OwnedError whose first field is the error.
        drop(unsafe { Box::from_raw(raw.cast::<OwnedError>()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a text that may hold a PIN";

    /// The part of the test below that runs in a process of its own, where standard error can be read.
    fn in_a_child() {
        let mut error = std::ptr::null_mut();
        let status = guard(&raw mut error, || panic!("{SECRET}"));
        assert_eq!(status, Status::Panic as i32);
        // SAFETY: guard set it to an error of its own.
        let told = unsafe { &*error.cast::<OwnedError>() };
        assert!(told.message.contains("rolled back") && !told.message.contains(SECRET));
        // SAFETY: as above; freed once.
        unsafe { umpin_error_free(&raw mut error) };
        assert_eq!(guard(std::ptr::null_mut(), guard_again), Status::Panic as i32);
        // The host's own panics go on being heard.
        let heard = catch_unwind(|| panic!("a panic of the host"));
        assert!(heard.is_err());
    }

    /// A guarded call inside another one leaves the outer one guarded.
    fn guard_again() -> Result<()> {
        guard(std::ptr::null_mut(), || Ok(()));
        panic!("{SECRET}")
    }

    #[test]
    fn a_panic_inside_is_an_error_and_prints_nothing() {
        const NAME: &str = "ffi::guard::tests::a_panic_inside_is_an_error_and_prints_nothing";
        if std::env::var_os("UMPIN_TEST_PANIC").is_some() {
            return in_a_child();
        }
        let done = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env("UMPIN_TEST_PANIC", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
        assert!(said.contains("a panic of the host"), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }
}
