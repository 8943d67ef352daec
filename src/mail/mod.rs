//! Messages and how they leave. Knows no policy: what a message says was decided when it was queued.

pub mod notice;
