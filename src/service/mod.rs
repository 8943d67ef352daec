//! What cmdlets and the telephone share: looking people up, their addresses, replacing a PIN, notices, signing in, the
//! audit trail.

pub mod addresses;
pub mod audit;
pub mod configuration;
pub mod enabled_mailbox;
pub mod lookup;
pub mod notice;
pub mod pin_replacement;
pub mod sign_in;
pub mod spray;
pub mod telephone_settings;
