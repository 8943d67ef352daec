//! Messages and how they leave. Knows no policy: what a message says was decided when it was queued.

pub mod notice;
pub mod policy_text;
pub(crate) mod render;
pub(crate) mod texts;
pub(crate) mod transport;
