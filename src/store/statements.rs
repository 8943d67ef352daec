//! Running a statement: prepared once a connection, whichever engine that is of.

use super::Tx;
use super::engine::{On, Row, ToColumn};
use crate::error::{Error, Result, Status};

/// A connection, or what stands on one.
pub(super) trait Statements {
    fn on(&self) -> On<'_>;

    fn execute(&self, statement: &str, parameters: &[&dyn ToColumn]) -> Result<()> {
        self.on().execute(statement, parameters)
    }

    fn query_one<T>(
        &self,
        statement: &str,
        parameters: &[&dyn ToColumn],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.query_optional(statement, parameters, read)?
            .ok_or_else(|| Error::new(Status::Internal, "A statement that always finds a row found none."))
    }

    fn query_optional<T>(
        &self,
        statement: &str,
        parameters: &[&dyn ToColumn],
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let (mut read, mut found) = (Some(read), None);
        self.on().query(statement, parameters, |row| {
            found = read.take().map(|read| read(row)).transpose()?;
            Ok(false)
        })?;
        Ok(found)
    }

    fn query_all<T>(
        &self,
        statement: &str,
        parameters: &[&dyn ToColumn],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.on().query(statement, parameters, |row| {
            found.push(read(row)?);
            Ok(true)
        })?;
        Ok(found)
    }

    /// Says what will be queried with these parameters before anything is written.
    fn query_soon(&self, statement: &str, parameters: &[&dyn ToColumn]) -> Result<()> {
        self.on().query_soon(statement, parameters)
    }

    /// One row after the other, so that memory does not grow with their number; `each` says whether to go on.
    fn query_while(
        &self,
        statement: &str,
        parameters: &[&dyn ToColumn],
        each: impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        self.on().walk(statement, parameters, each)
    }

    /// The same over all of them.
    fn query_each(
        &self,
        statement: &str,
        parameters: &[&dyn ToColumn],
        mut each: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        self.query_while(statement, parameters, |row| each(row).map(|()| true))
    }
}

impl Statements for Tx<'_> {
    fn on(&self) -> On<'_> {
        self.on
    }
}
