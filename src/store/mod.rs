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

use std::cell::RefCell;
use std::path::{Path, PathBuf};

#[cfg(feature = "postgresql")]
use engine::postgres;
#[cfg(test)]
pub(crate) use engine::sqlite::made_anew;
use engine::{On, Scope, sqlite};

use crate::error::{Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::location::scheme_of;

/// Told how far a long piece of work is: what is done, and of how much.
pub(crate) type Tell<'a> = &'a dyn Fn(u64, u64);

/// One store, shared by the threads of a session.
pub(crate) struct Store {
    engine: Engine,
}

enum Engine {
    Sqlite(Box<sqlite::Database>),
    #[cfg(feature = "postgresql")]
    Postgres(Box<postgres::Server>),
}

/// The same call on whatever engine the store is on.
macro_rules! on {
    ($store:expr, $method:ident($($argument:expr),*)) => {
        match &$store.engine {
            Engine::Sqlite(database) => database.$method($($argument),*),
            #[cfg(feature = "postgresql")]
            Engine::Postgres(server) => server.$method($($argument),*),
        }
    };
}

/// One transaction, or one statement that needs none.
pub struct Tx<'a> {
    on: On<'a>,
    /// Settings, once they were read.
    read_together: RefCell<Option<Vec<(String, String)>>>,
}

impl<'a> Tx<'a> {
    fn on(on: On<'a>) -> Self {
        Self { on, read_together: RefCell::default() }
    }

    /// Whether old rows of the audit trail are removed along the way: not where others wait for this transaction, nor
    /// by a role that may not read the trail.
    pub(crate) fn may_tidy_trail(&self) -> bool {
        self.on.may_tidy_trail()
    }

    /// Nobody else writes to the audit trail until the transaction ends. Call it before the trail's end is read, and
    /// as late as can be: who waits for it holds a mailbox.
    pub(crate) fn lock_trail(&self) -> Result<()> {
        self.on.lock_trail()
    }
}

impl Store {
    /// The store at a path or a URL. Touches and reaches nothing.
    pub(crate) fn open(place: &Path) -> Result<Self> {
        let engine = match scheme_of(place) {
            None => Engine::Sqlite(Box::new(sqlite::Database::new(place.to_owned()))),
            #[cfg(feature = "postgresql")]
            Some("postgresql" | "postgres") => {
                Engine::Postgres(Box::new(postgres::Server::new(&place.to_string_lossy())?))
            }
            #[cfg(not(feature = "postgresql"))]
            Some("postgresql" | "postgres") => {
                return Err(Error::new(
                    Status::StoreUrl,
                    "UMPIN_STORE (or -Store) names a PostgreSQL server, and this library was built without that engine \
                     (cargo's feature 'postgresql'). Nothing was changed.",
                ));
            }
            Some(scheme) => {
                return Err(Error::new(
                    Status::StoreUrl,
                    format!(
                        "UMPIN_STORE (or -Store) is a URL that begins with '{scheme}://', which is no store. Nothing \
                         was changed. A store is the path of a file, or begins with postgresql://."
                    ),
                ));
            }
        };
        Ok(Self { engine })
    }

    /// Whether the store is one file; else it is on a server.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    /// Whether somebody between this machine and the store's server could read or alter what goes over the line.
    pub(crate) fn is_exposed(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => false,
            #[cfg(feature = "postgresql")]
            Engine::Postgres(server) => server.is_exposed(),
        }
    }

    /// Whether this session found the store in an older version and brought it to today's.
    pub(crate) fn is_upgraded(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(database) => database.is_upgraded(),
            #[cfg(feature = "postgresql")]
            Engine::Postgres(_) => false,
        }
    }

    /// Brings a store of an older version to today's now, where the next use would have done it without a word.
    pub(crate) fn bring_up_to_date(&self, tell: Tell<'_>) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(database) => database.bring_up_to_date(tell),
            #[cfg(feature = "postgresql")]
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// From now on a connection leaves a short log when it is closed, for a program that lives for one call. What was
    /// committed is on disk in any case; a server keeps its own.
    pub(crate) fn leave_log(&self) {
        match &self.engine {
            Engine::Sqlite(database) => database.leave_log(),
            #[cfg(feature = "postgresql")]
            Engine::Postgres(_) => {}
        }
    }

    /// Whether there is a store. One that was made but never filled (its maker was killed) counts as none. A store that
    /// this account has no right to see is an error: it must never pass for one that is not there.
    pub(crate) fn exists(&self) -> Result<bool> {
        on!(self, exists())
    }

    /// Runs `work`, which is one statement or needs no common snapshot, more than once where a connection was dead. A
    /// missing store reads as empty and stays missing.
    pub(crate) fn read_once<T>(&self, work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        on!(self, run(Scope::Statement, work))
    }

    /// Runs `work` on one consistent snapshot, more than once where a connection was dead before it told anything. A
    /// missing store reads as empty and stays missing.
    pub(crate) fn read<T>(&self, work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        on!(self, run(Scope::Snapshot, work))
    }

    /// Runs `work` as the only writer, then undoes it. A missing store reads as empty and stays missing.
    pub(crate) fn rehearse<T>(&self, work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        on!(self, run(Scope::Rehearsal, work))
    }

    /// Runs `work` as the only writer and commits when it succeeds. The store must exist ([`Store::create`]). `work`
    /// may run more than once: an engine may undo it because of others.
    pub(crate) fn write<T>(&self, work: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        on!(self, run(Scope::Change, work))
    }

    /// The same of a change to one mailbox, or to none, and what belongs to it alone: changes of different mailboxes
    /// need not wait for each other.
    pub(crate) fn write_mailbox<T>(
        &self,
        whose: Option<&RecipientGuid>,
        work: impl FnMut(&Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        on!(self, run(Scope::Mailbox(whose), work))
    }

    /// Runs one statement, which returns the row that it changes, as a change by itself, on disk at the end; whether
    /// there was one. The store must exist.
    fn change_one(&self, statement: &str, parameters: &[&dyn engine::ToColumn]) -> Result<bool> {
        on!(self, change_one(statement, parameters))
    }

    /// Whether somebody waits for the change that is under way, or that cannot be told.
    pub(crate) fn is_awaited(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(database) => database.is_awaited(),
            #[cfg(feature = "postgresql")]
            Engine::Postgres(_) => true,
        }
    }

    /// Between two changes of a long piece of work: lets those who wait go first.
    pub(crate) fn make_room(&self) {
        match &self.engine {
            Engine::Sqlite(database) => database.make_room(),
            // A server lets everybody in, in turn.
            #[cfg(feature = "postgresql")]
            Engine::Postgres(_) => {}
        }
    }

    /// Whether [`Store::create`] may be tried: where it cannot succeed, no key need be made for it.
    pub(crate) fn may_be_made(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgresql")]
            Engine::Postgres(server) => server.may_be_made(),
        }
    }

    /// Makes the store with `first` as its first transaction, in which the key's id is recorded. A store that
    /// another process makes meanwhile is used as it is: `first` must look before it writes.
    pub(crate) fn create<T>(&self, first: impl FnMut(&Tx<'_>) -> Result<T>) -> Result<T> {
        on!(self, create(first))
    }

    /// Copies the store to a new file, as it is at this moment. Others read and write meanwhile. The file appears whole
    /// or not at all, never over another.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<backup::Facts> {
        on!(self, copy_to(path))
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
        on!(self, put_back(copy, may_go_on))
    }

    /// What the engine's own check of the whole store finds; empty is nothing.
    pub(crate) fn integrity(&self) -> Result<Vec<String>> {
        on!(self, integrity())
    }

    /// Rows that refer to rows that are not there.
    pub(crate) fn dangling_rows(&self) -> Result<usize> {
        on!(self, dangling_rows())
    }

    /// Tables, indices, triggers and views that are not a store's, or not as a store has them: kind and name of each.
    pub(crate) fn strange_definitions(&self) -> Result<Vec<String>> {
        on!(self, strange_definitions())
    }

    /// The schema's version, and `wal` where a file uses a write-ahead log.
    pub(crate) fn version_and_journal(&self) -> Result<(i64, String)> {
        on!(self, version_and_journal())
    }
}
