//! Everything that is sealed under the key file's key, table by table: for the rotation of the key and the self-check.

use super::Tx;
use super::engine::params;
use super::recipients::HIS_ID;
use super::statements::Statements;
use crate::crypto::key::KeyId;
use crate::crypto::seal::{Purpose, pin_context};
use crate::error::Result;
use crate::guid::RecipientGuid;

/// A table with sealed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealedIn {
    /// Current PINs.
    Pins,
    /// Earlier PINs.
    History,
    /// Messages that wait.
    Outbox,
}

impl SealedIn {
    /// In the order in which they are worked through.
    pub(crate) const ALL: [SealedIn; 3] = [SealedIn::Pins, SealedIn::History, SealedIn::Outbox];

    fn table(self) -> &'static str {
        match self {
            SealedIn::Pins => "pin",
            SealedIn::History => "pin_history",
            SealedIn::Outbox => "outbox",
        }
    }

    /// Which row has the GUID and version of the first two parameters.
    fn condition(self) -> String {
        match self {
            SealedIn::Pins | SealedIn::History => format!("recipient_id = {HIS_ID} AND version = ?2"),
            // Messages have no version.
            SealedIn::Outbox => "id = ?1 AND ?2 = 0".to_owned(),
        }
    }

    /// What its values are sealed for.
    pub(crate) fn purpose(self) -> Purpose {
        match self {
            SealedIn::Pins => Purpose::Pin,
            SealedIn::History => Purpose::History,
            SealedIn::Outbox => Purpose::Mail,
        }
    }
}

/// One sealed value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct SealedRow {
    /// The mailbox's GUID, or the message's.
    pub id: String,
    /// The PIN's version; 0 for a message.
    pub version: i64,
    /// The key it is sealed under.
    pub key_id: KeyId,
    /// The sealed value.
    pub sealed: Vec<u8>,
}

impl SealedRow {
    /// The mailbox that a PIN belongs to; `None` for a message.
    pub(crate) fn mailbox(&self, table: SealedIn) -> Option<RecipientGuid> {
        match table {
            SealedIn::Pins | SealedIn::History => Some(RecipientGuid::known(self.id.as_str())),
            SealedIn::Outbox => None,
        }
    }

    /// Where the value is sealed for.
    pub(crate) fn context(&self, table: SealedIn) -> String {
        self.mailbox(table).map_or_else(|| self.id.clone(), |guid| pin_context(&guid, self.version))
    }
}

impl Tx<'_> {
    /// How many sealed values a table has.
    pub(crate) fn sealed_count(&self, table: SealedIn) -> Result<i64> {
        self.query_one(&format!("SELECT COUNT(*) AS n FROM {}", table.table()), params![], |r| r.get("n"))
    }

    /// How many of them are sealed under another key than this one.
    pub(crate) fn sealed_elsewhere_count(&self, table: SealedIn, key_id: &KeyId) -> Result<i64> {
        let statement = format!("SELECT COUNT(*) AS n FROM {} WHERE key_id < ?1 OR key_id > ?1", table.table());
        self.query_one(&statement, params![key_id], |r| r.get("n"))
    }

    /// Sealed values behind a place (a mailbox's or message's GUID and a version), in an order of the store's own;
    /// `not_under` leaves out those under that key.
    pub(crate) fn sealed_rows(
        &self,
        table: SealedIn,
        not_under: Option<&KeyId>,
        after: (&str, i64),
        limit: usize,
    ) -> Result<Vec<SealedRow>> {
        let after_guid = RecipientGuid::known(after.0);
        let statement = match table {
            SealedIn::Outbox => "SELECT id AS guid, 0 AS version, key_id, sealed FROM outbox \
                 WHERE id > ?1 AND ?2 IS NOT NULL AND (?3 IS NULL OR key_id <> ?3) ORDER BY id LIMIT ?4"
                .to_owned(),
            SealedIn::Pins | SealedIn::History => format!(
                "SELECT r.guid, s.version, s.key_id, s.sealed FROM {} s JOIN recipient r ON r.id = s.recipient_id \
                 WHERE (s.recipient_id, s.version) > (COALESCE({HIS_ID}, 0), ?2) AND (?3 IS NULL OR s.key_id <> ?3) \
                 ORDER BY s.recipient_id, s.version LIMIT ?4",
                table.table()
            ),
        };
        self.query_all(&statement, params![after_guid, after.1, not_under, limit as i64], |r| {
            let id: RecipientGuid = r.get("guid")?;
            Ok(SealedRow {
                id: id.to_string(),
                version: r.get("version")?,
                key_id: r.get("key_id")?,
                sealed: r.get("sealed")?,
            })
        })
    }

    /// Replaces a sealed value and the key it names, and nothing else of its row.
    pub(crate) fn put_sealed(&self, table: SealedIn, row: &SealedRow) -> Result<()> {
        self.execute(
            &format!("UPDATE {} SET key_id = ?3, sealed = ?4 WHERE {}", table.table(), table.condition()),
            params![RecipientGuid::known(&*row.id), row.version, row.key_id, row.sealed],
        )
    }

    /// Removes an earlier PIN or a message whose seal is broken. (Current PINs stay: their mailbox needs a new one.)
    pub(crate) fn remove_sealed(&self, table: SealedIn, row: &SealedRow) -> Result<()> {
        self.execute(
            &format!("DELETE FROM {} WHERE {}", table.table(), table.condition()),
            params![RecipientGuid::known(&*row.id), row.version],
        )
    }

    /// The keys that sealed values name, each once.
    pub fn key_ids_in_use(&self) -> Result<Vec<KeyId>> {
        self.query_all(
            "SELECT key_id FROM pin UNION SELECT key_id FROM pin_history UNION SELECT key_id FROM outbox",
            params![],
            |r| r.get("key_id"),
        )
    }
}
