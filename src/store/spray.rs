//! Marks of wrong guesses, kept for an hour: which mailboxes the same PIN was tried on.

use rusqlite::params;

use super::{Tx, sql};
use crate::error::Result;

impl Tx<'_> {
    /// Erases the marks of this moment and before.
    pub fn erase_spray_marks(&self, until: i64) -> Result<()> {
        self.sql.prepare_cached("DELETE FROM spray_mark WHERE at <= ?1").map_err(sql)?.execute([until]).map_err(sql)?;
        Ok(())
    }

    /// Whether there are such marks.
    pub fn has_spray_marks(&self, until: i64) -> Result<bool> {
        self.sql
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM spray_mark WHERE at <= ?1)")
            .map_err(sql)?
            .query_row([until], |r| r.get(0))
            .map_err(sql)
    }

    /// Marks a mailbox, or renews its mark.
    pub fn put_spray_mark(&self, mark: &[u8], recipient_guid: &str, at: i64) -> Result<()> {
        self.sql
            .prepare_cached(
                "INSERT INTO spray_mark (mark, recipient_guid, at) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (mark, recipient_guid) DO UPDATE SET at = excluded.at",
            )
            .map_err(sql)?
            .execute(params![mark, recipient_guid, at])
            .map_err(sql)?;
        Ok(())
    }

    /// Who has this mark.
    pub fn spray_marked(&self, mark: &[u8]) -> Result<Vec<String>> {
        self.sql
            .prepare_cached("SELECT recipient_guid FROM spray_mark WHERE mark = ?1")
            .map_err(sql)?
            .query_map(params![mark], |r| r.get(0))
            .map_err(sql)?
            .collect::<rusqlite::Result<_>>()
            .map_err(sql)
    }
}
