//! GUIDs: the names of recipients, policies, dial plans, stores and messages that never change.

use crate::error::Result;
use crate::os::random;

/// A new random GUID (version 4), lower case with hyphens.
pub fn new_guid() -> Result<String> {
    Ok(uuid::Builder::from_random_bytes(random()?).into_uuid().to_string())
}
