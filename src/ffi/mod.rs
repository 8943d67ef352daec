//! The only door for C and PowerShell, and with [`crate::os`] the only place with `unsafe`.
//!
//! Every exported function runs in [`guard::guard`]: a panic, a null, bad UTF-8 or a closed handle comes back as a
//! status. Conventions for callers stand at the head of `include/umpin.h` (cbindgen.toml).
#![allow(unsafe_code)]

mod guard;
pub use guard::umpin_error_free;
mod handles;
pub mod text;
pub mod types;

pub mod execute;
pub mod pins;
pub mod session;
pub mod sign_in;
