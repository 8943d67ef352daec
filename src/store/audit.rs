//! The audit trail's rows. The chain over them is `service::audit`'s.

use super::Tx;
use super::engine::{Row, params};
use super::statements::Statements;
use crate::error::Result;

/// One change, or one refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// 1, 2, 3, ... without gaps.
    pub seq: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// The operating system's account.
    pub caller: String,
    /// The remote user as PowerShell told it: a claim.
    pub claimed: String,
    /// The operation.
    pub cmdlet: String,
    /// What it worked on.
    pub object: String,
    /// The parameters as JSON; never a PIN.
    pub parameters: String,
    /// Whether it was done.
    pub succeeded: bool,
    /// What was done, or why not.
    pub detail: String,
    /// Keyed MAC over the row before and this one.
    pub mac: Vec<u8>,
}

const COLUMNS: &str = "seq, at, caller, claimed, cmdlet, object, parameters, succeeded, detail, mac";

fn audit_row(r: &Row<'_>) -> Result<AuditRow> {
    Ok(AuditRow {
        seq: r.get("seq")?,
        at: r.get("at")?,
        caller: r.get("caller")?,
        claimed: r.get("claimed")?,
        cmdlet: r.get("cmdlet")?,
        object: r.get("object")?,
        parameters: r.get("parameters")?,
        succeeded: r.get("succeeded")?,
        detail: r.get("detail")?,
        mac: r.get("mac")?,
    })
}

impl Tx<'_> {
    /// The newest row's number and MAC.
    pub fn audit_tail(&self) -> Result<Option<(i64, Vec<u8>)>> {
        self.query_optional("SELECT seq, mac FROM audit ORDER BY seq DESC LIMIT 1", params![], |r| {
            Ok((r.get("seq")?, r.get("mac")?))
        })
    }

    /// Appends a row.
    pub(crate) fn add_audit(&self, a: &AuditRow) -> Result<()> {
        self.execute(
            &format!("INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
            params![a.seq, a.at, a.caller, a.claimed, a.cmdlet, a.object, a.parameters, a.succeeded, a.detail, a.mac],
        )
    }

    /// Removes the rows up to a number, that one included.
    pub(crate) fn remove_audit_through(&self, seq: i64) -> Result<()> {
        self.execute("DELETE FROM audit WHERE seq <= ?1", params![seq])
    }

    /// Rows before a number, the newest first.
    pub(crate) fn audit_rows_before(&self, seq: i64, limit: usize) -> Result<Vec<AuditRow>> {
        self.query_all(
            &format!("SELECT {COLUMNS} FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2"),
            params![seq, limit as i64],
            audit_row,
        )
    }

    /// Rows from a number on, in order.
    pub fn audit_rows(&self, from_seq: i64, limit: usize) -> Result<Vec<AuditRow>> {
        // Every change asks. SQLite makes a statement anew for each value of a LIMIT that is a parameter.
        self.query_all(
            &format!("SELECT {COLUMNS} FROM audit WHERE seq >= ?1 ORDER BY seq LIMIT {limit}"),
            params![from_seq],
            audit_row,
        )
    }
}
