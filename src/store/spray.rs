//! Marks of wrong guesses, kept for an hour: which mailboxes the same PIN was tried on.

use rusqlite::params;

use super::Tx;
use super::statements::Statements;
use crate::error::Result;
use crate::guid::RecipientGuid;

impl Tx<'_> {
    /// Erases the marks of this moment and before.
    pub(crate) fn erase_spray_marks(&self, until: i64) -> Result<()> {
        self.execute("DELETE FROM spray_mark WHERE at <= ?1", [until])
    }

    /// Whether there are such marks.
    pub(crate) fn has_spray_marks(&self, until: i64) -> Result<bool> {
        self.query_one("SELECT EXISTS (SELECT 1 FROM spray_mark WHERE at <= ?1)", [until], |r| r.get(0))
    }

    /// Marks a mailbox, or renews its mark.
    pub(crate) fn put_spray_mark(&self, mark: &[u8], recipient_guid: &RecipientGuid, at: i64) -> Result<()> {
        self.execute(
            "INSERT INTO spray_mark (mark, recipient_guid, at) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (mark, recipient_guid) DO UPDATE SET at = excluded.at",
            params![mark, recipient_guid, at],
        )
    }

    /// Who has this mark.
    pub(crate) fn spray_marked(&self, mark: &[u8]) -> Result<Vec<RecipientGuid>> {
        self.query_all("SELECT recipient_guid FROM spray_mark WHERE mark = ?1", params![mark], |r| r.get(0))
    }
}
