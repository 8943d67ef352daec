//! Versions, and opening and closing a session.

use std::ffi::c_void;

use serde::Deserialize;

use super::guard::guard;
use super::handles::Handles;
use super::text::put_required;
use super::types::{UmpinError, UmpinSession, UmpinStr};
use crate::error::{Error, Result, Status};
use crate::session::Session;

/// Grows with every change to the header that an older caller would not survive.
pub const UMPIN_ABI_VERSION: u32 = 1;

pub(super) static SESSIONS: Handles<Session> = Handles::new("Session");

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Options {
    store: Option<std::path::PathBuf>,
    key_file: Option<std::path::PathBuf>,
    remote_user: Option<String>,
}

/// The version of this interface. A caller compares it with `UMPIN_ABI_VERSION` of the header it was built with, and
/// refuses another one.
#[unsafe(no_mangle)]
pub extern "C" fn umpin_abi_version() -> u32 {
    UMPIN_ABI_VERSION
}

/// The version of this library, for example `0.1.0`. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn umpin_version() -> UmpinStr {
    UmpinStr::from(env!("CARGO_PKG_VERSION"))
}

/// Opens a session; touches no file. `options` is absent or `{"Store":path?,"KeyFile":path?,"RemoteUser":name?}`; what
/// is not named comes from `UMPIN_STORE` and `UMPIN_KEY_FILE`, else from the usual folders. Close it with
/// `umpin_close`. Usable from many threads at once.
///
/// # Safety
/// `options` is absent or readable; `session` and `err` are NULL or places for their types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_open(options: UmpinStr, session: *mut UmpinSession, err: *mut *mut UmpinError) -> i32 {
    guard(err, || {
        put_required(session, "session", 0)?;
        let options = read_options(&options)?;
        let opened = Session::open(options.store, options.key_file, options.remote_user)?;
        put_required(session, "session", SESSIONS.open(opened))
    })
}

fn read_options(options: &UmpinStr) -> Result<Options> {
    match options.text("options")? {
        None | Some("") => Ok(Options::default()),
        Some(text) => serde_json::from_str(text).map_err(|e| {
            Error::new(
                Status::InvalidRequest,
                format!("The options are not what umpin_open takes: {e}. Nothing was opened."),
            )
        }),
    }
}

/// Brings a store of an older version to this library's. The first use of a store does that in any case; among a
/// million mailboxes it takes half a minute, and only this function tells meanwhile how far it is. `tell` may be NULL;
/// it is called in this thread, a few dozen times at most, with `context` as it was given, the parts that are done and
/// how many there are. It must return, and not by an exception. It is not called where there is nothing to do.
///
/// # Safety
/// `tell` is NULL or a function of this form; `err` is NULL or a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_upgrade(
    session: UmpinSession,
    tell: Option<unsafe extern "C" fn(context: *mut c_void, done: u64, all: u64)>,
    context: *mut c_void,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || {
        SESSIONS.get(session)?.bring_up_to_date(&|done, all| {
            if let Some(tell) = tell {
                // SAFETY: by contract it is a function of this form, and takes its own context back.
                unsafe { tell(context, done, all) }
            }
        })
    })
}

/// Closes a session. Calls that other threads have under way end in peace; any later use, a second close too, is
/// `UMPIN_STATUS_INVALID_HANDLE`.
///
/// # Safety
/// `err` is NULL or a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_close(session: UmpinSession, err: *mut *mut UmpinError) -> i32 {
    guard(err, || SESSIONS.close(session))
}
