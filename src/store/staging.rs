//! Where an import waits until it was read whole: a private database in a temporary file that SQLite makes and removes,
//! so that memory does not grow with the input.
//!
//! Rows are written one behind the other and sorted once, when all are in. An index that grows with each row would be
//! gone down at another place each time, which no cache holds once there are many.

use super::engine::{On, Row, params, sqlite};
use super::statements::Statements;
use crate::error::Result;
use crate::guid::RecipientGuid;

/// The rows of one import.
pub(crate) struct Staging {
    sql: sqlite::Private,
}

/// A row that waits.
pub(crate) struct StagedRow {
    /// Its number in the input, from 1.
    pub number: i64,
    /// The line of the file where it begins; `None` for an object from the pipeline.
    pub line: Option<i64>,
    /// The recipient's GUID.
    pub guid: RecipientGuid,
    /// The recipient as JSON.
    pub document: String,
}

/// A row's place in the order of the store's own tree, its recipient's GUID, and the recipient as JSON.
pub(crate) type Placed = (i64, RecipientGuid, String);

/// An address that a row wants for its person.
pub(crate) struct Claim {
    /// The address, folded.
    pub address: String,
    /// The row's number.
    pub number: i64,
    /// The person.
    pub guid: RecipientGuid,
}

impl Statements for Staging {
    fn on(&self) -> On<'_> {
        self.sql.on()
    }
}

const ROW: &str = "number, line, guid, document";

fn row(r: &Row<'_>) -> Result<StagedRow> {
    Ok(StagedRow { number: r.get("number")?, line: r.get("line")?, guid: r.get("guid")?, document: r.get("document")? })
}

impl Staging {
    /// An empty one.
    pub(crate) fn new() -> Result<Self> {
        let sql = sqlite::Private::new(
            "CREATE TABLE staged (number INTEGER PRIMARY KEY, line INTEGER, guid BLOB NOT NULL, place TEXT NOT NULL,
               document TEXT NOT NULL);
             CREATE TABLE claim (address TEXT NOT NULL, number INTEGER NOT NULL, guid BLOB NOT NULL);
             CREATE TABLE suspect (number INTEGER PRIMARY KEY);
             CREATE TABLE sorted (at INTEGER PRIMARY KEY, guid BLOB NOT NULL, document TEXT NOT NULL);
             CREATE TABLE absent (guid BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;",
        )?;
        let staging = Self { sql };
        // One transaction without an end: each end would go through every page that is not in the file yet, and there
        // are more of them with each row.
        staging.execute("BEGIN", params![])?;
        Ok(staging)
    }

    /// Adds a row, where in the store's order it belongs, and the addresses that it claims.
    pub(crate) fn add(&self, row: &StagedRow, place: &str, addresses: &[String]) -> Result<()> {
        self.execute(
            "INSERT INTO staged (number, line, guid, place, document) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![row.number, row.line, row.guid, place, row.document],
        )?;
        for address in addresses {
            self.execute(
                "INSERT INTO claim (address, number, guid) VALUES (?1, ?2, ?3)",
                params![address, row.number, row.guid],
            )?;
        }
        Ok(())
    }

    /// To be called when all rows are in: finds out which rows share a GUID or an address with another.
    pub(crate) fn find_suspects(&self) -> Result<()> {
        for statement in [
            "CREATE INDEX staged_by_guid ON staged (guid)",
            "CREATE INDEX claim_by_address ON claim (address, number, guid)",
            "INSERT OR IGNORE INTO suspect SELECT s.number FROM \
             (SELECT guid FROM staged GROUP BY guid HAVING COUNT(*) > 1) t JOIN staged s ON s.guid = t.guid",
            "INSERT OR IGNORE INTO suspect SELECT c.number FROM \
             (SELECT address FROM claim GROUP BY address HAVING MIN(number) <> MAX(number)) t \
             JOIN claim c ON c.address = t.address",
        ] {
            self.execute(statement, params![])?;
        }
        Ok(())
    }

    /// The rows behind a number that share something with another, in order.
    pub(crate) fn suspects(&self, after: i64, limit: usize) -> Result<Vec<StagedRow>> {
        self.query_all(
            &format!(
                "SELECT {ROW} FROM suspect CROSS JOIN staged USING (number) WHERE number > ?1 ORDER BY number LIMIT ?2"
            ),
            params![after, limit as i64],
            row,
        )
    }

    /// Whether a row in front of this one is about the same person.
    pub(crate) fn is_again(&self, row: &StagedRow) -> Result<bool> {
        let first = "SELECT number FROM staged WHERE guid = ?1 AND number < ?2 LIMIT 1";
        Ok(self.query_optional(first, params![row.guid, row.number], |r| r.get::<i64>("number"))?.is_some())
    }

    /// Whose row is the first to claim an address, of those in front of a number.
    pub(crate) fn holder(&self, address: &str, before: i64) -> Result<Option<RecipientGuid>> {
        self.query_optional(
            "SELECT guid FROM claim WHERE address = ?1 AND number < ?2 ORDER BY number LIMIT 1",
            params![address, before],
            |r| r.get("guid"),
        )
    }

    /// Claims behind an address and a number, in the order of the addresses, which is that of the store's own tree.
    pub(crate) fn claims(&self, after: &(String, i64), limit: usize) -> Result<Vec<Claim>> {
        self.query_all(
            "SELECT address, number, guid FROM claim WHERE (address, number) > (?1, ?2) ORDER BY address, number \
             LIMIT ?3",
            params![after.0, after.1, limit as i64],
            |r| Ok(Claim { address: r.get("address")?, number: r.get("number")?, guid: r.get("guid")? }),
        )
    }

    /// Whether a person has a row.
    pub(crate) fn has(&self, guid: &RecipientGuid) -> Result<bool> {
        let any = "SELECT number FROM staged WHERE guid = ?1 LIMIT 1";
        Ok(self.query_optional(any, params![guid], |r| r.get::<i64>("number"))?.is_some())
    }

    /// A person's row.
    pub(crate) fn row(&self, guid: &RecipientGuid) -> Result<Option<StagedRow>> {
        self.query_optional(&format!("SELECT {ROW} FROM staged WHERE guid = ?1"), params![guid], row)
    }

    /// Takes a row out that cannot be applied, and its claims.
    pub(crate) fn remove(&self, row: &StagedRow, addresses: &[String]) -> Result<()> {
        self.execute("DELETE FROM staged WHERE number = ?1", params![row.number])?;
        for address in addresses {
            self.execute("DELETE FROM claim WHERE address = ?1 AND number = ?2", params![address, row.number])?;
        }
        Ok(())
    }

    /// To be called when no row is taken out any more, for [`Self::rows`].
    pub(crate) fn sort(&self) -> Result<()> {
        self.execute(
            "INSERT INTO sorted (guid, document) SELECT guid, document FROM staged ORDER BY place, number",
            params![],
        )
    }

    /// Rows behind a place in the order of the store's own tree, each with its place.
    pub(crate) fn rows(&self, after: i64, limit: usize) -> Result<Vec<Placed>> {
        self.query_all(
            "SELECT at, guid, document FROM sorted WHERE at > ?1 ORDER BY at LIMIT ?2",
            params![after, limit as i64],
            |r| Ok((r.get("at")?, r.get("guid")?, r.get("document")?)),
        )
    }

    /// How many rows wait. It goes through all of them.
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
