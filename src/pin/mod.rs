//! The PIN rules: pure, no I/O. docs/policies.md says them for users; they stand here and nowhere else.

pub mod generate;
pub(crate) mod human;
pub mod policy;
pub(crate) mod rules;
pub(crate) mod secret;

pub use generate::generate;
pub use policy::PinPolicy;
pub use rules::{Refusal, check};
pub use secret::Pin;
