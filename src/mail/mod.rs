//! Messages and how they leave. Knows no policy: what a message says was decided when it was queued.

pub mod notice;
pub mod policy_text;
pub mod render;
pub mod texts;
pub mod transport;
