//! Import-UMRecipient: many rows, read and applied in batches.

/// The imports that a session has under way.
#[derive(Default)]
pub struct Imports {}
