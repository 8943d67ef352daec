//! The only door for C and PowerShell, and the only place with `unsafe`.

pub mod os;
pub mod types;
