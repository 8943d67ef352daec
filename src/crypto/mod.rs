//! The hash, the seal and the key: what makes a stolen database useless.
//!
//! A six-digit PIN has a million candidates, so a slow hash alone buys minutes. The hash is therefore sealed under a
//! key that is kept apart from the database ([`key`]); the slow hash protects the case that both are stolen.

pub mod hash;
pub mod key;
pub mod seal;

use rand::TryRng;
use rand::rngs::SysRng;

use crate::error::{Error, Result, Status};

/// Fills `N` bytes from the operating system's random source.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0u8; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| {
        Error::new(Status::Internal, "The operating system gave no random numbers. Nothing was changed.")
    })?;
    Ok(bytes)
}

/// A new random GUID (version 4), lower case with hyphens.
pub fn new_guid() -> Result<String> {
    Ok(uuid::Builder::from_random_bytes(random()?).into_uuid().to_string())
}
