//! The hash, the seal and the key: what makes a stolen database useless.
//!
//! A six-digit PIN has a million candidates, so a slow hash alone buys minutes. The hash is therefore sealed under a
//! key that is kept apart from the database ([`key`]); the slow hash protects the case that both are stolen.

pub(crate) mod chain;
pub mod hash;
pub(crate) mod hex;
pub mod key;
pub mod seal;
