//! The store's own settings, one text a name.

use super::Tx;
use super::engine::params;
use super::statements::Statements;
use crate::crypto::key::KeyId;
use crate::error::Result;

/// The key that everything new is sealed under.
pub(crate) const KEY_ID: &str = "key_id";
/// A GUID made with the store.
pub(crate) const STORE_ID: &str = "store_id";
/// The audit chain's key, sealed (hexadecimal).
pub(crate) const AUDIT_KEY: &str = "audit_key";
/// What the names of the chain's earlier keys begin with; the number of the last row under each follows. They are
/// sealed too.
pub(crate) const AUDIT_KEY_UNTIL: &str = "audit_key_until_";
/// The keyed head of the audit chain.
pub const AUDIT_HEAD: &str = "audit_head";
/// The sum of all PINs' marks, as the head tells it.
pub(crate) const PIN_MARKS: &str = "pin_marks";
/// The highest version that an erased PIN had.
pub(crate) const HIGHEST_ERASED: &str = "highest_erased_pin_version";
/// What retention removed: the number and MAC that the chain goes on from.
pub(crate) const AUDIT_ANCHOR: &str = "audit_anchor";
/// The marks' key, sealed (hexadecimal).
pub(crate) const SPRAY_KEY: &str = "spray_key";
/// The name that not-found messages and mails show for this server.
pub(crate) const SERVER_NAME: &str = "server_name";
/// Days that audit records are kept.
pub(crate) const AUDIT_AGE_DAYS: &str = "audit_age_days";
/// Mailboxes that one PIN must be tried on to be recorded.
pub(crate) const SPRAY_THRESHOLD: &str = "spray_threshold";
/// When a sign-in was last refused that counted against nobody.
pub(crate) const LAST_UNCOUNTED: &str = "last_uncounted_sign_in";
/// What a sign-in needs, read in one statement and kept for as long as a transaction: whoever changes one of them keeps
/// everybody out who works on a mailbox.
const READ_TOGETHER: [&str; 5] = [KEY_ID, AUDIT_KEY, SPRAY_KEY, AUDIT_AGE_DAYS, SPRAY_THRESHOLD];
const TOGETHER: &str = "SELECT name, value FROM setting WHERE name IN (?1, ?2, ?3, ?4, ?5)";

/// Mail transport and sender, one document.
pub const MAIL: &str = "mail";

impl Tx<'_> {
    /// A setting, or `None` where it was never set.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        if READ_TOGETHER.contains(&name) {
            let mut read = self.read_together.borrow_mut();
            let all = match &mut *read {
                Some(all) => all,
                none => {
                    none.insert(self.query_all(TOGETHER, &READ_TOGETHER.each_ref().map(|name| name as _), |r| {
                        Ok((r.get("name")?, r.get("value")?))
                    })?)
                }
            };
            return Ok(all.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone()));
        }
        self.query_optional("SELECT value FROM setting WHERE name = ?1", params![name], |r| r.get("value"))
    }

    /// Says that settings which a sign-in needs will be read.
    pub(crate) fn settings_soon(&self) -> Result<()> {
        self.query_soon(TOGETHER, &READ_TOGETHER.each_ref().map(|name| name as _))
    }

    /// The id of the key that everything new is sealed under; `None` in a store that is not made yet.
    pub fn key_id(&self) -> Result<Option<KeyId>> {
        Ok(self.setting(KEY_ID)?.map(KeyId::known))
    }

    /// Sets or replaces a setting.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        self.read_together.take();
        self.execute(
            "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![name, value],
        )
    }

    /// The names that begin so.
    pub(crate) fn setting_names(&self, beginning: &str) -> Result<Vec<String>> {
        self.query_all(
            "SELECT name FROM setting WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name",
            params![beginning],
            |r| r.get("name"),
        )
    }

    /// Removes a setting that may be there.
    pub(crate) fn remove_setting(&self, name: &str) -> Result<()> {
        self.read_together.take();
        self.execute("DELETE FROM setting WHERE name = ?1", params![name])
    }
}
