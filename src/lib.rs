//! Voice-mail PINs for any PBX: the engine behind the Exchange Unified Messaging PIN cmdlets.
//!
//! docs/architecture.md is the map. In short: [`cmdlets`] does each cmdlet's work with what [`service`] shares, over
//! [`store`], by the rules of [`pin`], with the seals of [`crypto`]; [`ffi`] is the only door for C and PowerShell.
// What no test, benchmark or program of this repository needs is the crate's own.
#![warn(unreachable_pub)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod cmdlets;
pub mod crypto;
pub mod directory;
pub mod error;
pub mod ffi;
pub mod guid;
pub mod location;
pub mod mail;
pub mod os;
pub mod pin;
pub mod service;
pub mod session;
pub mod store;

// The integration tests' fixture, for unit tests that need a whole store; it knows this crate by its outer name.
#[cfg(test)]
extern crate self as umpin;
#[cfg(test)]
#[path = "../tests/integration/support/mod.rs"]
#[allow(unreachable_pub)]
mod support;
