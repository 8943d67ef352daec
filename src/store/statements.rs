//! Running a statement: prepared once a connection, and what the database says of a failure told as an error of ours.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use super::{Tx, sql};
use crate::error::Result;

/// A connection, or what stands on one.
pub(super) trait Statements {
    fn connection(&self) -> &Connection;

    fn prepare(&self, statement: &str) -> Result<CachedStatement<'_>> {
        self.connection().prepare_cached(statement).map_err(sql)
    }

    fn execute(&self, statement: &str, parameters: impl Params) -> Result<()> {
        self.prepare(statement)?.execute(parameters).map(drop).map_err(sql)
    }

    fn query_one<T>(
        &self,
        statement: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.prepare(statement)?.query_row(parameters, read).map_err(sql)
    }

    fn query_optional<T>(
        &self,
        statement: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.prepare(statement)?.query_row(parameters, read).optional().map_err(sql)
    }

    fn query_all<T>(
        &self,
        statement: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        self.prepare(statement)?.query_map(parameters, read).and_then(Iterator::collect).map_err(sql)
    }

    /// One row after the other, so that memory does not grow with their number; `each` says whether to go on.
    fn query_while(
        &self,
        statement: &str,
        parameters: impl Params,
        mut each: impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut statement = self.prepare(statement)?;
        let mut rows = statement.query(parameters).map_err(sql)?;
        while let Some(row) = rows.next().map_err(sql)? {
            if !each(row)? {
                break;
            }
        }
        Ok(())
    }

    /// The same over all of them.
    fn query_each(
        &self,
        statement: &str,
        parameters: impl Params,
        mut each: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        self.query_while(statement, parameters, |row| each(row).map(|()| true))
    }
}

impl Statements for Tx<'_> {
    fn connection(&self) -> &Connection {
        self.sql
    }
}
