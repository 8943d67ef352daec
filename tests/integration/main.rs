//! Every test of what the library exports to Rust, to C and as a command, in one program: a module a subject.
//! `tests/sign_in_faults.rs` stands apart, since the SQLite of its whole process runs on a file system that fails.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::print_stdout)]

mod support;

mod administration;
mod agi;
#[cfg(unix)]
mod agi_examples;
mod architecture;
mod audit;
mod directory;
mod exports;
mod fidelity;
mod header;
mod keys;
mod keys_backup;
mod mail;
mod mail_crash;
#[cfg(unix)]
mod mail_server;
#[cfg(unix)]
mod manual;
mod on_behalf;
mod pins;
#[cfg(all(unix, feature = "postgresql"))]
mod postgresql;
mod raw;
mod self_check;
mod sign_in;
mod store;
mod tidy;
mod upgrade;
#[cfg(windows)]
mod windows;
