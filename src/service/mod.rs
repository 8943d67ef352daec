//! What cmdlets and the telephone share: looking people up, their addresses, replacing a PIN, notices, signing in, the
//! audit trail.

pub(crate) mod addresses;
pub(crate) mod audit;
pub(crate) mod configuration;
pub mod delivery;
pub(crate) mod enabled_mailbox;
pub mod lookup;
pub(crate) mod notice;
pub mod pin_replacement;
pub mod pin_rules;
pub mod sign_in;
pub mod spray;
pub(crate) mod telephone_settings;
