//! Copying the store while it is in use, putting a copy back, and what SQLite itself can say of a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{BUSY_TIMEOUT, Database, LOOK_HOLDS, Scope, Tx, open_database, schema, sql, transact, upgrade};
use crate::error::{Condition, Error, Result, Status};
use crate::location::beside;
use crate::store::backup::{Facts, facts};
#[cfg(feature = "postgresql")]
use crate::store::engine::On;

/// Between two tries at a lock that somebody else holds.
const RETRY: Duration = Duration::from_millis(20);
/// SQLite's name for the database that a connection was opened on.
const MAIN: &str = "main";
/// An older one that is attached, to be brought to today's version.
const OLD: &str = "old";

/// A copy that was read and checked, in memory.
pub(crate) struct StoreCopy {
    connection: Connection,
    /// What it says of itself.
    pub facts: Facts,
}

impl StoreCopy {
    /// Reads the copy as a store is read.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        transact(&self.connection, Scope::Snapshot, work)
    }
}

impl Database {
    /// Copies the store to a new file, as it is at this moment. Others read and write meanwhile. The file appears whole
    /// or not at all, never over another.
    pub(in crate::store) fn copy_to(&self, path: &Path) -> Result<Facts> {
        new_file(path, |copy| {
            let source = self.connect()?;
            copy_all(&source, copy, &|| Ok(())).map_err(|e| self.explain(e))?;
            // A copy is one file: nothing of it stays behind in a log.
            let mode: String =
                copy.pragma_update_and_check(None, "journal_mode", "DELETE", |r| r.get(0)).map_err(sql)?;
            if mode != "delete" {
                return Err(failed(path, "the copy keeps a write-ahead log"));
            }
            Ok(())
        })
    }

    /// Puts a copy in the place of what the store holds, in one transaction of SQLite's own: other processes go on with
    /// the connections that they have. A damaged store is moved aside instead, as it is; then the path it went to is
    /// returned. `may_go_on` is asked under the store's lock, when nobody can change it any more; if it fails, nothing
    /// is replaced.
    pub(in crate::store) fn put_back(
        &self,
        copy: &StoreCopy,
        may_go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Option<PathBuf>> {
        if !self.exists()? {
            may_go_on()?;
            self.create(|_| Ok(()))?;
        }
        let replaced = self
            .connect()
            .and_then(|mut live| copy_all(&copy.connection, &mut live, may_go_on).map_err(|e| self.explain(e)));
        match replaced {
            Err(e) if e.is(Condition::FileDamaged) => {
                may_go_on()?;
                let aside = self.make_way()?;
                self.create(|_| Ok(()))?;
                let mut live = self.connect()?;
                copy_all(&copy.connection, &mut live, &|| Ok(())).map_err(|e| self.explain(e))?;
                // Until here a reader may look at the damaged file; from the answer on, nobody does.
                std::thread::sleep(LOOK_HOLDS);
                Ok(Some(aside))
            }
            other => other.map(|()| None),
        }
    }

    /// Takes what is damaged out of the way: moved aside, since it may still be worth reading. Where others hold the
    /// file open and the system therefore does not let it be moved, it is copied aside and emptied in its place.
    fn make_way(&self) -> Result<PathBuf> {
        let tag = u64::from_le_bytes(crate::os::random()?);
        let aside = beside(self.path(), &format!(".damaged-{tag:016x}"));
        self.close_idle();
        match self.move_aside(&aside) {
            Err(e) if is_held_by_others(&e) => self.empty_in_place(&aside).map_err(|why| {
                failed(
                    self.path(),
                    &format!(
                        "the store is damaged, and other programs have it open ({e}), so it could be neither moved nor \
                         emptied ({}). Close every session and service that uses it, then try again",
                        why.message
                    ),
                )
            })?,
            moved => moved.map_err(|e| failed(self.path(), &e.to_string()))?,
        }
        Ok(aside)
    }

    /// Renames the database and its log.
    fn move_aside(&self, aside: &Path) -> io::Result<()> {
        let mut moved = Vec::new();
        // The log first: a new database must never find the old one's.
        for suffix in ["-wal", "-shm", ""] {
            let (from, to) = (beside(self.path(), suffix), beside(aside, suffix));
            match fs::rename(&from, &to) {
                Ok(()) => moved.push((from, to)),
                Err(e) if e.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
                Err(e) => {
                    // As it was: a database without its log is another one.
                    for (from, to) in moved {
                        let _ = fs::rename(to, from);
                    }
                    return Err(e);
                }
            }
        }
        Ok(())
    }

    /// Copies the database and its log, then lets SQLite empty it under its own locks.
    fn empty_in_place(&self, aside: &Path) -> Result<()> {
        for suffix in ["", "-wal"] {
            match fs::copy(beside(self.path(), suffix), beside(aside, suffix)) {
                Err(e) if e.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
                copied => drop(copied.map_err(|e| failed(aside, &e.to_string()))?),
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = open_database(self.path(), flags).map_err(sql)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(sql)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, true).map_err(sql)?;
        let emptied = connection.execute_batch("VACUUM").map_err(sql);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, false).map_err(sql)?;
        emptied
    }

    /// What SQLite's own check of the whole file finds; empty is nothing.
    pub(in crate::store) fn integrity(&self) -> Result<Vec<String>> {
        integrity(&self.connect()?)
    }

    /// Rows that refer to rows that are not there.
    pub(in crate::store) fn dangling_rows(&self) -> Result<usize> {
        dangling(&self.connect()?)
    }

    /// Tables, indices, triggers and views that are not a store's, or not as a store has them: kind and name of each.
    pub(in crate::store) fn strange_definitions(&self) -> Result<Vec<String>> {
        let (here, due) = (tables(&self.connect()?)?, tables(&empty()?)?);
        let mut strange: Vec<String> = here
            .iter()
            .filter(|d| !due.contains(d))
            .chain(due.iter().filter(|d| !here.contains(d)))
            .map(|(kind, name, _)| format!("{kind} '{name}'"))
            .collect();
        strange.dedup();
        Ok(strange)
    }

    /// The schema's version in the file, and `wal` where it uses a write-ahead log.
    pub(in crate::store) fn version_and_journal(&self) -> Result<(i64, String)> {
        let connection = self.connect()?;
        let version = connection.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(sql)?;
        let journal = connection.pragma_query_value(None, "journal_mode", |r| r.get(0)).map_err(sql)?;
        Ok((version, journal))
    }
}

/// A new file that `fill` makes a database of; it appears whole or not at all, never over another.
fn new_file(path: &Path, fill: impl FnOnce(&mut Connection) -> Result<()>) -> Result<Facts> {
    let failed = |e: io::Error| failed(path, &e.to_string());
    if path.symlink_metadata().is_ok() {
        return Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, "a file of this name exists already")));
    }
    let tag = u64::from_le_bytes(crate::os::random()?);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{tag:016x}.part"));
    let part = Part(PathBuf::from(name));
    crate::os::create_private_file(&part.0).map_err(failed)?;
    let facts = {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = open_database(&part.0, flags).map_err(sql)?;
        fill(&mut copy)?;
        facts_of(&mut copy)?
    };
    fs::File::options().write(true).open(&part.0).and_then(|f| f.sync_all()).map_err(failed)?;
    crate::os::rename_new(&part.0, path).map_err(failed)?;
    Ok(facts)
}

/// The same of a store on another engine: `fill` writes the rows, table by table.
#[cfg(feature = "postgresql")]
pub(in crate::store) fn write_new(path: &Path, fill: impl FnOnce(&Tx<'_>) -> Result<()>) -> Result<Facts> {
    new_file(path, |copy| {
        copy.execute_batch(&format!("BEGIN; {}", schema::tables())).map_err(sql)?;
        fill(&Tx::on(On::Sqlite(copy)))?;
        copy.execute_batch(schema::INDEXES).map_err(sql)?;
        copy.pragma_update(None, "user_version", schema::VERSION).map_err(sql)?;
        copy.execute_batch("COMMIT").map_err(sql)
    })
}

/// Reads a copy into memory, brings it to today's schema and checks it whole. The file is only read.
pub(crate) fn read_copy(path: &Path) -> Result<StoreCopy> {
    let not_one = |what: &str| failed(path, what);
    let meta = fs::metadata(path).map_err(|e| not_one(&e.to_string()))?;
    if !meta.is_file() || meta.len() == 0 {
        return Err(not_one("it is not a file, or it is empty"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = open_database(path, flags).map_err(|e| not_one(&e.to_string()))?;
    let mut connection = Connection::open_in_memory().map_err(sql)?;
    let version = schema::version(&source).map_err(|e| not_one(&e.message))?;
    let into = if version == upgrade::FROM { OLD } else { MAIN };
    if into == OLD {
        connection.execute_batch("ATTACH DATABASE ':memory:' AS old").map_err(sql)?;
    }
    copy_into(&source, &mut connection, into, &|| Ok(())).map_err(|e| not_one(&e.message))?;
    // Damage first: a migration of damaged tables would only hide it.
    let damage = integrity(&connection).map_err(|e| not_one(&e.message))?;
    if let Some(first) = damage.first() {
        return Err(not_one(&format!("it is damaged ({first})")));
    }
    match version {
        schema::VERSION => {}
        upgrade::FROM => {
            // Tables of the same names with other columns, for one.
            upgrade::fill_in_memory(&connection)
                .and_then(|()| connection.execute_batch("DETACH DATABASE old").map_err(sql))
                .map_err(|e| not_one(&format!("it is not a store of UMMailboxPin ({})", e.message)))?;
        }
        0 => return Err(not_one("it is not a store of UMMailboxPin")),
        _ => {
            return Err(Error::new(
                Status::StoreTooNew,
                format!(
                    "The backup '{}' was written by a newer version of UMMailboxPin. Nothing was changed. Update the \
                     module first.",
                    path.display()
                ),
            )
            .about(path.display().to_string()));
        }
    }
    if tables(&connection)? != tables(&empty()?)? {
        // A trigger or a view among them would run in the store, too.
        return Err(not_one("its tables are not those of a store of UMMailboxPin"));
    }
    if dangling(&connection)? > 0 {
        return Err(not_one("it is damaged (rows refer to rows that are not there)"));
    }
    let facts = facts_of(&mut connection).map_err(|e| not_one(&e.message))?;
    Ok(StoreCopy { connection, facts })
}

fn failed(path: &Path, what: &str) -> Error {
    Error::new(
        Status::BackupFailed,
        format!("'{}' cannot be used as a backup: {what}. The store was not changed.", path.display()),
    )
    .about(path.display().to_string())
}

/// Whether the system does not let a file be moved since somebody has it open, which only Windows does:
/// ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_USER_MAPPED_FILE.
fn is_held_by_others(e: &io::Error) -> bool {
    cfg!(windows) && matches!(e.raw_os_error(), Some(5 | 32 | 1224))
}

/// A file under way; gone when this is dropped.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        for suffix in ["-journal", "-wal", "-shm"] {
            let mut name = self.0.as_os_str().to_owned();
            name.push(suffix);
            let _ = fs::remove_file(PathBuf::from(name));
        }
    }
}

/// All pages in one step, so that a writer in between cannot make it begin anew. `may_go_on` is asked once the target
/// is locked, before its first page is written.
fn copy_all(from: &Connection, to: &mut Connection, may_go_on: &dyn Fn() -> Result<()>) -> Result<()> {
    copy_into(from, to, MAIN, may_go_on)
}

/// The same into the database that the target knows by this name.
fn copy_into(from: &Connection, to: &mut Connection, name: &str, may_go_on: &dyn Fn() -> Result<()>) -> Result<()> {
    let since = Instant::now();
    let backup = Backup::new_with_names(from, MAIN, to, name).map_err(sql)?;
    // A step of no pages takes the locks and keeps the target's; dropped, the copy gives it back as it was.
    let mut pages = 0;
    loop {
        match backup.step(pages).map_err(sql)? {
            StepResult::Done => return Ok(()),
            StepResult::More if pages == 0 => {
                may_go_on()?;
                pages = -1;
            }
            _ if since.elapsed() > BUSY_TIMEOUT => {
                return Err(Error::on(Condition::StoreBusy, "another process held the store for too long"));
            }
            _ => std::thread::sleep(RETRY),
        }
    }
}

fn facts_of(connection: &mut Connection) -> Result<Facts> {
    transact(connection, Scope::Snapshot, facts)
}

fn empty() -> Result<Connection> {
    let mut connection = Connection::open_in_memory().map_err(sql)?;
    schema::create(&mut connection)?;
    Ok(connection)
}

/// Everything that a database defines: kind, name, text.
fn tables(connection: &Connection) -> Result<Vec<(String, String, Option<String>)>> {
    connection
        .prepare("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name")
        .map_err(sql)?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .map_err(sql)?
        .collect::<rusqlite::Result<_>>()
        .map_err(sql)
}

/// What is wrong with the file itself. What a row may hold is left to the check of the contents, which says whose row
/// it is; so the connection is none to write on afterwards.
fn integrity(connection: &Connection) -> Result<Vec<String>> {
    connection.pragma_update(None, "ignore_check_constraints", true).map_err(sql)?;
    let mut check = connection.prepare("PRAGMA integrity_check(10)").map_err(sql)?;
    let told: Vec<String> =
        check.query_map([], |r| r.get(0)).map_err(sql)?.collect::<rusqlite::Result<_>>().map_err(sql)?;
    Ok(told.into_iter().filter(|line| line != "ok").collect())
}

fn dangling(connection: &Connection) -> Result<usize> {
    let mut check = connection.prepare("PRAGMA foreign_key_check").map_err(sql)?;
    let mut rows = check.query([]).map_err(sql)?;
    let mut count = 0;
    while rows.next().map_err(sql)?.is_some() {
        count += 1;
    }
    Ok(count)
}
