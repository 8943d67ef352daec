//! Marks of wrong guesses, kept for an hour: which mailboxes the same PIN was tried on.

use super::Tx;
use super::engine::params;
use super::recipients::HIS_ID;
use super::statements::Statements;
use crate::error::Result;
use crate::guid::RecipientGuid;

/// In the place of a mailbox: that this mark was recorded in the audit trail.
const RECORDED: i64 = 0;
const OLDEST: &str = "SELECT MIN(at) AS oldest FROM spray_mark";

impl Tx<'_> {
    /// Erases the marks of this moment and before.
    pub(crate) fn erase_spray_marks(&self, until: i64) -> Result<()> {
        self.execute("DELETE FROM spray_mark WHERE at <= ?1", params![until])
    }

    /// Whether there are such marks.
    pub(crate) fn has_spray_marks(&self, until: i64) -> Result<bool> {
        let oldest: Option<i64> = self.query_one(OLDEST, params![], |r| r.get("oldest"))?;
        Ok(oldest.is_some_and(|at| at <= until))
    }

    /// Says that this will be asked.
    pub(crate) fn spray_marks_soon(&self) -> Result<()> {
        self.query_soon(OLDEST, params![])
    }

    /// Marks a mailbox, or renews its mark.
    pub(crate) fn put_spray_mark(&self, mark: &[u8], recipient_guid: &RecipientGuid, at: i64) -> Result<()> {
        self.execute(
            &format!(
                "INSERT INTO spray_mark (recipient_id, mark, at) VALUES ({HIS_ID}, ?2, ?3) \
                 ON CONFLICT (mark, recipient_id) DO UPDATE SET at = excluded.at"
            ),
            params![recipient_guid, mark, at],
        )
    }

    /// Notes that the mark was recorded in the audit trail.
    pub(crate) fn put_spray_recorded(&self, mark: &[u8], at: i64) -> Result<()> {
        self.execute(
            "INSERT INTO spray_mark (recipient_id, mark, at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (mark, recipient_id) DO UPDATE SET at = excluded.at",
            params![RECORDED, mark, at],
        )
    }

    /// How many mailboxes have this mark, and whether that was recorded.
    pub(crate) fn spray_marked(&self, mark: &[u8]) -> Result<(usize, bool)> {
        let marked: Vec<i64> =
            self.query_all("SELECT recipient_id FROM spray_mark WHERE mark = ?1", params![mark], |r| {
                r.get("recipient_id")
            })?;
        let recorded = marked.contains(&RECORDED);
        Ok((marked.len() - usize::from(recorded), recorded))
    }
}
