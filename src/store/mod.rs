//! The store, whatever engine it is on.
//!
//! This folder is the only place with SQL. A [`Store`] hands out transactions ([`Tx`]); what a transaction can do
//! stands in one file a concept (`recipients`, `policies`, `pins`, ...), each an `impl Tx`. Every statement is written
//! once, in what all engines understand; what truly differs stands in [`engine`] and in the table of
//! docs/architecture.md.

pub mod audit;
pub(crate) mod backup;
mod columns;
pub(crate) mod contents;
pub mod dial_plans;
mod engine;
pub mod mailboxes;
pub mod outbox;
pub mod pins;
pub mod policies;
pub(crate) mod recipients;
pub(crate) mod schema;
pub(crate) mod sealed;
pub(crate) mod search;
pub mod settings;
pub(crate) mod spray;
pub(crate) mod staging;
mod statements;

use std::path::{Path, PathBuf};

use engine::{On, Scope, sqlite};

use crate::error::Result;

/// One store, shared by the threads of a session.
pub(crate) struct Store {
    engine: sqlite::Database,
}

/// One transaction, or one statement that needs none.
pub struct Tx<'a> {
    on: On<'a>,
}

impl Store {
    /// Touches nothing.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { engine: sqlite::Database::new(path) }
    }

    /// Whether this session found the store in an older version and brought it to today's.
    pub(crate) fn is_upgraded(&self) -> bool {
        self.engine.is_upgraded()
    }

    /// From now on a connection leaves a short log when it is closed, for a program that lives for one call. What was
    /// committed is on disk in any case.
    pub(crate) fn leave_log(&self) {
        self.engine.leave_log();
    }

    /// Whether there is a store. One that was made but never filled (its maker was killed) counts as none. A store that
    /// this account has no right to see is an error: it must never pass for one that is not there.
    pub(crate) fn exists(&self) -> Result<bool> {
        self.engine.exists()
    }

    /// Runs `work`, which is one statement. A missing store reads as empty and stays missing.
    pub(crate) fn read_once<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.engine.run(Scope::Statement, work)
    }

    /// Runs `work` on one consistent snapshot. A missing store reads as empty and stays missing.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.engine.run(Scope::Snapshot, work)
    }

    /// Runs `work` as the only writer, then undoes it. A missing store reads as empty and stays missing.
    pub(crate) fn rehearse<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.engine.run(Scope::Rehearsal, work)
    }

    /// Runs `work` as the only writer and commits when it succeeds. The store must exist ([`Store::create`]).
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.engine.run(Scope::Change, work)
    }

    /// Makes the store with `first` as its first transaction, in which the key's id is recorded. A store that
    /// another process makes meanwhile is used as it is: `first` must look before it writes.
    pub(crate) fn create<T>(&self, first: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.engine.create(first)
    }

    /// Copies the store to a new file, as it is at this moment. Others read and write meanwhile. The file appears whole
    /// or not at all, never over another.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<backup::Facts> {
        self.engine.copy_to(path)
    }

    /// Puts a copy in the place of what the store holds, in one transaction: other processes go on with the connections
    /// that they have. A damaged file is moved aside instead, as it is; then the path it went to is returned.
    /// `may_go_on` is asked under the store's lock, when nobody can change it any more; if it fails, nothing is
    /// replaced.
    pub(crate) fn put_back(
        &self,
        copy: &backup::StoreCopy,
        may_go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Option<PathBuf>> {
        self.engine.put_back(copy, may_go_on)
    }

    /// What the engine's own check of the whole store finds; empty is nothing.
    pub(crate) fn integrity(&self) -> Result<Vec<String>> {
        self.engine.integrity()
    }

    /// Rows that refer to rows that are not there.
    pub(crate) fn dangling_rows(&self) -> Result<usize> {
        self.engine.dangling_rows()
    }

    /// Tables, indices, triggers and views that are not a store's, or not as a store has them: kind and name of each.
    pub(crate) fn strange_definitions(&self) -> Result<Vec<String>> {
        self.engine.strange_definitions()
    }

    /// The schema's version, and `wal` where a file uses a write-ahead log.
    pub(crate) fn version_and_journal(&self) -> Result<(i64, String)> {
        self.engine.version_and_journal()
    }
}
