//! Where an import waits until it was read whole: a private database in a temporary file that SQLite makes and removes,
//! so that memory does not grow with the input.

use super::engine::{On, params, sqlite};
use super::statements::Statements;
use crate::error::Result;
use crate::guid::RecipientGuid;

/// The rows of one import.
pub(crate) struct Staging {
    sql: sqlite::Private,
}

/// A row that waits.
pub(crate) struct StagedRow {
    /// Line or number in the input, from 1.
    pub line: i64,
    /// The recipient's GUID.
    pub guid: RecipientGuid,
    /// The recipient as JSON.
    pub document: String,
}

impl Statements for Staging {
    fn on(&self) -> On<'_> {
        self.sql.on()
    }
}

impl Staging {
    /// An empty one.
    pub(crate) fn new() -> Result<Self> {
        let sql = sqlite::Private::new(
            "CREATE TABLE staged (line INTEGER PRIMARY KEY, guid BLOB NOT NULL UNIQUE, place TEXT NOT NULL,
               document TEXT NOT NULL);
             CREATE TABLE address (address TEXT NOT NULL PRIMARY KEY, guid BLOB NOT NULL) WITHOUT ROWID;
             CREATE INDEX address_by_guid ON address (guid);
             CREATE TABLE absent (guid BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;",
        )?;
        let staging = Self { sql };
        // One transaction without an end: each end would go through every page that is not in the file yet, and there
        // are more of them with each row.
        staging.execute("BEGIN", params![])?;
        Ok(staging)
    }

    /// The line on which a person stands already.
    pub(crate) fn line_of(&self, guid: &RecipientGuid) -> Result<Option<i64>> {
        self.query_optional("SELECT line FROM staged WHERE guid = ?1", params![guid], |r| r.get("line"))
    }

    /// Who claims an address in this input.
    pub(crate) fn holder(&self, address: &str) -> Result<Option<RecipientGuid>> {
        self.query_optional("SELECT guid FROM address WHERE address = ?1", params![address], |r| r.get("guid"))
    }

    /// Adds a row, where in the store's order it belongs, and its addresses.
    pub(crate) fn add(&self, row: &StagedRow, place: &str, addresses: &[String]) -> Result<()> {
        self.execute(
            "INSERT INTO staged (line, guid, place, document) VALUES (?1, ?2, ?3, ?4)",
            params![row.line, row.guid, place, row.document],
        )?;
        for address in addresses {
            self.execute(
                "INSERT INTO address (address, guid) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![address, row.guid],
            )?;
        }
        Ok(())
    }

    /// Takes a row out that cannot be applied.
    pub(crate) fn remove(&self, guid: &RecipientGuid) -> Result<()> {
        for table in ["staged", "address"] {
            self.execute(&format!("DELETE FROM {table} WHERE guid = ?1"), params![guid])?;
        }
        Ok(())
    }

    /// Rows behind a line, in order.
    pub(crate) fn rows(&self, after: i64, limit: usize) -> Result<Vec<StagedRow>> {
        self.query_all(
            "SELECT line, guid, document FROM staged WHERE line > ?1 ORDER BY line LIMIT ?2",
            params![after, limit as i64],
            |r| Ok(StagedRow { line: r.get("line")?, guid: r.get("guid")?, document: r.get("document")? }),
        )
    }

    /// To be called when all rows are in, for [`Self::rows_by_place`].
    pub(crate) fn sort(&self) -> Result<()> {
        self.execute("CREATE INDEX IF NOT EXISTS staged_by_place ON staged (place, line)", params![])
    }

    /// Rows behind a place and a line, in that order, each with its place.
    pub(crate) fn rows_by_place(&self, after: &(String, i64), limit: usize) -> Result<Vec<(String, StagedRow)>> {
        self.query_all(
            "SELECT place, line, guid, document FROM staged WHERE (place, line) > (?1, ?2) ORDER BY place, line \
             LIMIT ?3",
            params![after.0, after.1, limit as i64],
            |r| {
                let row = StagedRow { line: r.get("line")?, guid: r.get("guid")?, document: r.get("document")? };
                Ok((r.get("place")?, row))
            },
        )
    }

    /// A person's row.
    pub(crate) fn row(&self, guid: &RecipientGuid) -> Result<Option<StagedRow>> {
        self.query_optional("SELECT line, guid, document FROM staged WHERE guid = ?1", params![guid], |r| {
            Ok(StagedRow { line: r.get("line")?, guid: r.get("guid")?, document: r.get("document")? })
        })
    }

    /// How many rows wait.
    pub(crate) fn count(&self) -> Result<i64> {
        self.query_one("SELECT COUNT(*) AS n FROM staged", params![], |r| r.get("n"))
    }

    /// Notes somebody who is not in the input.
    pub(crate) fn add_absent(&self, guid: &RecipientGuid) -> Result<()> {
        self.execute("INSERT INTO absent (guid) VALUES (?1) ON CONFLICT DO NOTHING", params![guid])
    }

    /// Forgets who is absent.
    pub(crate) fn clear_absent(&self) -> Result<()> {
        self.execute("DELETE FROM absent", params![])
    }

    /// Absent people behind a GUID, in order.
    pub(crate) fn absent(&self, after: &RecipientGuid, limit: usize) -> Result<Vec<RecipientGuid>> {
        self.query_all(
            "SELECT guid FROM absent WHERE guid > ?1 ORDER BY guid LIMIT ?2",
            params![after, limit as i64],
            |r| r.get("guid"),
        )
    }

    /// How many are absent.
    pub(crate) fn absent_count(&self) -> Result<i64> {
        self.query_one("SELECT COUNT(*) AS n FROM absent", params![], |r| r.get("n"))
    }
}
