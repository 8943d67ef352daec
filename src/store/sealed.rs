//! Everything that is sealed under the key file's key, table by table: for the rotation of the key and the self-check.

use rusqlite::params;

use super::Tx;
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

    /// Table, key column, version column.
    fn columns(self) -> (&'static str, &'static str, &'static str) {
        match self {
            SealedIn::Pins => ("pin", "recipient_guid", "version"),
            SealedIn::History => ("pin_history", "recipient_guid", "version"),
            // Messages have no version; each place in the order below is (id, 0).
            SealedIn::Outbox => ("outbox", "id", "0"),
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
        let (name, ..) = table.columns();
        self.query_one(&format!("SELECT COUNT(*) FROM {name}"), [], |r| r.get(0))
    }

    /// How many of them are sealed under another key than this one.
    pub(crate) fn sealed_elsewhere_count(&self, table: SealedIn, key_id: &KeyId) -> Result<i64> {
        let (name, ..) = table.columns();
        self.query_one(&format!("SELECT COUNT(*) FROM {name} WHERE key_id <> ?1"), [key_id], |r| r.get(0))
    }

    /// Sealed values behind a place, in order; `not_under` leaves out those under that key.
    pub(crate) fn sealed_rows(
        &self,
        table: SealedIn,
        not_under: Option<&KeyId>,
        after: (&str, i64),
        limit: usize,
    ) -> Result<Vec<SealedRow>> {
        let (name, id, version) = table.columns();
        self.query_all(
            &format!(
                "SELECT {id}, {version}, key_id, sealed FROM {name} WHERE (?1 IS NULL OR key_id <> ?1) \
                 AND ({id} > ?2 OR ({id} = ?2 AND {version} > ?3)) ORDER BY 1, 2 LIMIT ?4"
            ),
            params![not_under, after.0, after.1, limit as i64],
            |r| Ok(SealedRow { id: r.get(0)?, version: r.get(1)?, key_id: r.get(2)?, sealed: r.get(3)? }),
        )
    }

    /// Replaces a sealed value and the key it names, and nothing else of its row.
    pub(crate) fn put_sealed(&self, table: SealedIn, row: &SealedRow) -> Result<()> {
        let (name, id, version) = table.columns();
        self.execute(
            &format!("UPDATE {name} SET key_id = ?1, sealed = ?2 WHERE {id} = ?3 AND {version} = ?4"),
            params![row.key_id, row.sealed, row.id, row.version],
        )
    }

    /// Removes an earlier PIN or a message whose seal is broken. (Current PINs stay: their mailbox needs a new one.)
    pub(crate) fn remove_sealed(&self, table: SealedIn, row: &SealedRow) -> Result<()> {
        let (name, id, version) = table.columns();
        self.execute(&format!("DELETE FROM {name} WHERE {id} = ?1 AND {version} = ?2"), params![row.id, row.version])
    }

    /// The keys that sealed values name, each once.
    pub fn key_ids_in_use(&self) -> Result<Vec<KeyId>> {
        self.query_all(
            "SELECT key_id FROM pin UNION SELECT key_id FROM pin_history UNION SELECT key_id FROM outbox",
            [],
            |r| r.get(0),
        )
    }
}
