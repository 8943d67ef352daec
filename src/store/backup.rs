//! Copies of a store: files of SQLite's, whatever engine the store is on.

use super::{Tx, settings};
use crate::crypto::key::KeyId;
use crate::error::{Error, Result, Status};

pub(crate) use super::engine::sqlite::backup::{StoreCopy, read_copy};

/// What a store or a copy of one says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The key that new values are sealed under.
    pub key_id: KeyId,
    /// Every key that some value is sealed under, that one included.
    pub key_ids: Vec<KeyId>,
    /// A GUID made with the store.
    pub store_id: String,
    /// Mailboxes that are enabled.
    pub mailboxes: i64,
    /// The head of its audit trail, as it is stored.
    pub audit_head: String,
}

/// What a store says of itself.
pub(crate) fn facts(tx: &Tx<'_>) -> Result<Facts> {
    let named = |name: &str| {
        tx.setting(name)?.ok_or_else(|| Error::new(Status::BackupFailed, "it is no store, or one that was never used"))
    };
    let key_id = KeyId::known(named(settings::KEY_ID)?);
    let mut key_ids = tx.key_ids_in_use()?;
    if !key_ids.contains(&key_id) {
        key_ids.push(key_id.clone());
    }
    Ok(Facts {
        key_id,
        key_ids,
        store_id: named(settings::STORE_ID)?,
        mailboxes: tx.enabled_mailbox_count()?,
        audit_head: tx.setting(settings::AUDIT_HEAD)?.unwrap_or_default(),
    })
}
