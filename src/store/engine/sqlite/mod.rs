//! SQLite, the default: one file on a local disk, write-ahead log, every commit on disk before it is acknowledged.

pub(in crate::store) mod backup;
pub(in crate::store) mod schema;
mod sorter;
mod upgrade;
mod waiting;

use std::cell::Cell as Place;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[cfg(unix)]
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql};

use self::waiting::Writers;
use super::{Cell, On, Row, Scope, ToColumn, Value};
use crate::error::{Condition, Error, Result, Status};
use crate::location;
use crate::os;
use crate::store::statements::Statements;
use crate::store::{Tell, Tx};

/// How long a writer waits for the others. Every write here is short, so this is reached only when one hangs.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection's page cache: this part of the machine's memory, within bounds (in bytes). It grows only as it is used.
const CACHE_SHARE: u64 = 128;
const CACHE_LEAST: u64 = 4 << 20;
const CACHE_MOST: u64 = 128 << 20;
/// A program that lives for one call leaves a log shorter than this, in bytes, to the next one: to make a log and to
/// fold it in again costs four waits for the disk, and to read one that short a tenth of a millisecond.
#[cfg(unix)]
const LOG_LEFT: u64 = 256 << 10;
/// Behind the database's name, what SQLite makes and removes.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Idle connections that are kept.
const POOL_SIZE: usize = 8;
/// Between two tries to get a lock that another has.
const PAUSE: Duration = Duration::from_millis(2);
/// How long one statement that only reads trusts that the path still means the file that it meant: a look costs a sixth
/// of a look-up. Who puts another file there waits as long before saying that it is done ([`Database::put_back`]).
const LOOK_HOLDS: Duration = Duration::from_millis(10);

/// One file, shared by the threads of a session.
pub(in crate::store) struct Database {
    path: PathBuf,
    idle: Mutex<Idle>,
    /// One of them writes, and the session's others wait for it and not for SQLite's lock, which says nothing when it
    /// is free.
    writers: Writers,
    /// What a store that does not exist yet looks like: the same tables, empty, in memory.
    empty: Empty,
    /// Whether a connection of this one found an older version and brought it to today's.
    upgraded: AtomicBool,
    /// Whether a short log stays when the last connection is closed ([`Database::leave_log`]).
    leaves_log: AtomicBool,
}

/// Connections at rest.
#[derive(Default)]
struct Idle {
    /// Each with the file that it is open on: a file put in the store's place is another one.
    connections: Vec<(FileId, Connection)>,
    /// Which file the path meant when it was last looked at.
    looked: Option<(FileId, Instant)>,
}

/// Which file a path meant at some moment.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

#[cfg(unix)]
impl FileId {
    fn from_metadata(meta: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(meta.dev(), meta.ino())
    }
}

impl Database {
    /// Touches nothing.
    pub(in crate::store) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
            writers: Writers::default(),
            empty: Empty::default(),
            upgraded: AtomicBool::default(),
            leaves_log: AtomicBool::default(),
        }
    }

    /// From now on a connection leaves a short log when it is closed, for a program that lives for one call. What was
    /// committed is on disk in any case. Not on Windows, where a log is its maker's until somebody removes it.
    pub(in crate::store) fn leave_log(&self) {
        self.leaves_log.store(cfg!(unix), Ordering::Relaxed);
    }

    /// The database file.
    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this session found the store in an older version and brought it to today's.
    pub(in crate::store) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Relaxed)
    }

    /// Whether there is a store. One that was made but never filled (its maker was killed) counts as none. A store that
    /// this account has no right to see is an error: it must never pass for one that is not there.
    pub(in crate::store) fn exists(&self) -> Result<bool> {
        Ok(self.file()?.is_some())
    }

    #[cfg(windows)]
    fn file(&self) -> Result<Option<FileId>> {
        match os::entry(&self.path) {
            // A file that is open cannot be replaced here, so a path means one file as long as a connection rests.
            Ok(entry) if !entry.is_link => return Ok((entry.length > 0).then_some(FileId(0, 0))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.unreachable(&e)),
            Ok(_) => {}
        }
        if os::foreign_owner(&self.path, os::Link::Itself).map_err(|e| self.unreachable(&e))?.is_some() {
            return Err(self.foreign_link(&self.path));
        }
        let meta = self.path.metadata().map_err(|e| self.unreachable(&e))?;
        Ok((meta.len() > 0).then_some(FileId(0, 0)))
    }

    #[cfg(unix)]
    fn file(&self) -> Result<Option<FileId>> {
        let meta = match self.path.symlink_metadata() {
            Ok(link) if link.is_symlink() => {
                if !location::is_trusted_link(&self.path, &link) {
                    return Err(self.foreign_link(&self.path));
                }
                self.path.metadata()
            }
            found => found,
        };
        match meta {
            Ok(meta) => Ok((meta.len() > 0).then(|| FileId::from_metadata(&meta))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.unreachable(&e)),
        }
    }

    /// The file itself where a link stands in its place, so that its log lies beside it.
    #[cfg(windows)]
    fn real_path(&self) -> Result<PathBuf> {
        if os::is_link(&self.path) {
            return self.path.canonicalize().map_err(|e| self.unreachable(&e));
        }
        Ok(os::without_limit(&self.path))
    }

    /// The file without links in its path, so that SQLite can be told to follow none.
    #[cfg(unix)]
    fn real_path(&self) -> Result<PathBuf> {
        let unreachable = |e: std::io::Error| self.unreachable(&e);
        if os::is_link(&self.path) {
            return self.path.canonicalize().map_err(unreachable);
        }
        let folder = location::folder_of(&self.path).canonicalize().map_err(unreachable)?;
        Ok(folder.join(self.path.file_name().unwrap_or_default()))
    }

    fn unreachable(&self, e: &std::io::Error) -> Error {
        self.error(
            Status::StoreNotWritable,
            format!(
                "The account '{}' cannot reach the store '{}': {e}. Nothing was changed, and nothing is known of what \
                 is in it. Give the account the right to the folder (where a group shares the store: put it into that \
                 group, and start its programs anew), or name another file in UMPIN_STORE.",
                os::account(),
                self.path.display()
            ),
        )
    }

    /// Refuses a store that another account put there, or could.
    #[cfg(windows)]
    fn refuse_foreign(&self) -> Result<()> {
        let unreachable = |e: std::io::Error| self.unreachable(&e);
        let mut found = location::foreign_folder(&self.path).map_err(unreachable)?;
        if found.is_none() {
            found = location::foreign_file(&self.path).map_err(unreachable)?;
        }
        for suffix in LOGS {
            if found.is_none() {
                found = location::foreign_log(&location::beside(&self.path, suffix)).map_err(unreachable)?;
            }
        }
        let Some(found) = found else { return Ok(()) };
        Err(self.error(
            Status::StoreNotOwned,
            format!(
                "The file '{}' (or its log) {found}, which is neither SYSTEM nor Administrators nor your account. It \
                 was not used and nothing was changed. If it is to be trusted, give it to them (icacls \"...\" \
                 /setowner *S-1-5-32-544 /t); else remove it.",
                self.path.display()
            ),
        ))
    }

    /// Refuses a path by which SQLite's locks would not hold between threads ([`os::for_sqlite`]).
    #[cfg(windows)]
    fn refuse_too_long(&self, path: &Path) -> Result<()> {
        if !os::is_behind_prefix(&os::for_sqlite(path)) {
            return Ok(());
        }
        Err(self.error(
            Status::StoreNotWritable,
            format!(
                "The path of the store '{}' has more than 251 characters, and its folders have no short names, so \
                 SQLite's locks would not hold. Nothing was changed. Name a file with a shorter path in UMPIN_STORE.",
                self.path.display()
            ),
        ))
    }

    fn foreign_link(&self, link: &Path) -> Error {
        self.error(
            Status::StoreNotOwned,
            format!(
                "'{}' is a link, and another account may have put it there, so it was not followed. Nothing was \
                 changed. Remove it, and name the file that it leads to in UMPIN_STORE if that is the store.",
                link.display()
            ),
        )
    }

    /// Runs `work`. A missing store reads as empty and stays missing; to be changed it must exist
    /// ([`Database::create`]).
    pub(in crate::store) fn run<T>(&self, scope: Scope<'_>, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let at_rest = if scope == Scope::Statement { self.take_idle_of_late() } else { None };
        let (file, connection) = match at_rest {
            Some(found) => found,
            None => {
                let Some(file) = self.file()? else {
                    if matches!(scope, Scope::Change | Scope::Mailbox(_)) {
                        return Err(Error::new(
                            Status::StoreMissing,
                            format!("The store '{}' does not exist. Nothing was changed.", self.path.display()),
                        ));
                    }
                    return self.empty.run(work);
                };
                (file, self.take_idle(file).map_or_else(|| self.connect(), Ok)?)
            }
        };
        let only = match scope {
            Scope::Statement | Scope::Snapshot => None,
            Scope::Rehearsal | Scope::Change | Scope::Mailbox(_) => Some(self.writers.enter()),
        };
        let result = transact(&connection, scope, work).map_err(|e| self.explain(e));
        drop(only);
        // A connection that met an I/O error is not worth keeping; opening one takes a millisecond.
        if !matches!(&result, Err(e) if e.is(Condition::StoreIo) || e.is(Condition::FileDamaged)) {
            let mut idle = self.idle();
            if idle.connections.len() < POOL_SIZE {
                idle.connections.push((file, connection));
            }
        }
        result
    }

    /// Whether somebody waits for the change that is under way.
    pub(in crate::store) fn is_awaited(&self) -> bool {
        self.writers.is_awaited() || self.real_path().map_or(true, |path| waiting::is_awaited(&path))
    }

    /// Between two changes of a long piece of work: lets those who wait go first. They ask again at times, and would
    /// seldom do so in the moment between. Not on Windows, where nobody can say so, and most often nobody waits.
    pub(in crate::store) fn make_room(&self) {
        if cfg!(unix) && self.is_awaited() {
            std::thread::sleep(PAUSE.saturating_mul(2));
        }
    }

    /// Runs one statement, which returns the row that it changes, as a change by itself; whether there was one.
    pub(in crate::store) fn change_one(&self, statement: &str, parameters: &[&dyn ToColumn]) -> Result<bool> {
        self.run(Scope::Change, |tx| Ok(tx.query_optional(statement, parameters, |_| Ok(()))?.is_some()))
    }

    /// Closes the connections at rest: on Windows they would keep the file from being moved.
    pub(super) fn close_idle(&self) {
        *self.idle() = Idle::default();
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self, file: FileId) -> Option<Connection> {
        let mut idle = self.idle();
        idle.looked = Some((file, Instant::now()));
        idle.connections.retain(|(on, _)| *on == file);
        idle.connections.pop().map(|(_, connection)| connection)
    }

    /// One that is open on the file that the path meant a moment ago.
    fn take_idle_of_late(&self) -> Option<(FileId, Connection)> {
        let mut idle = self.idle();
        let (file, when) = idle.looked?;
        if when.elapsed() >= LOOK_HOLDS {
            return None;
        }
        idle.connections.pop_if(|(on, _)| *on == file)
    }

    /// Makes the store with `first` as its first transaction, in which the key's id is recorded. A store that
    /// another process makes meanwhile is used as it is: `first` must look before it writes.
    pub(in crate::store) fn create<T>(&self, first: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let unwritable = |e: std::io::Error| {
            self.error(
                Status::StoreNotWritable,
                format!(
                    "The store '{}' cannot be created: {e}. Nothing was changed. Check the folder's owner and mode, or \
                     name another file in UMPIN_STORE.",
                    self.path.display()
                ),
            )
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        location::create_folder(folder).map_err(unwritable)?;
        #[cfg(windows)]
        {
            self.refuse_foreign()?;
            self.refuse_too_long(&self.path)?;
        }
        self.make_file(folder, unwritable)?;
        let connection = self.connect_to_new()?;
        transact(&connection, Scope::Change, first).map_err(|e| self.explain(e))
    }

    /// Makes the empty file, for this account alone, unless it is there.
    #[cfg(windows)]
    fn make_file(&self, _folder: &Path, unwritable: impl Fn(std::io::Error) -> Error) -> Result<()> {
        if self.exists()? {
            return Ok(());
        }
        match os::create_private_file(&self.real_path()?) {
            // Another process was first, or was killed before it filled the file.
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map(drop).map_err(unwritable),
        }
    }

    /// Makes the empty file, for this account alone or for the folder's group too, unless it is there.
    #[cfg(unix)]
    fn make_file(&self, folder: &Path, unwritable: impl Fn(std::io::Error) -> Error) -> Result<()> {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(os::NO_FOLLOW);
        let exists = self.exists()?;
        let path = self.real_path()?;
        let mut tries = 0;
        let file = loop {
            match options.open(&path) {
                // Another account of the group has made it in this moment, and gives the group its right in the next.
                Err(e)
                    if e.kind() == std::io::ErrorKind::PermissionDenied
                        && tries < 1500
                        && location::is_shared(folder)
                        && path.metadata().is_ok_and(|m| m.len() == 0) =>
                {
                    tries += 1;
                    wait_for_the_lock(tries);
                }
                opened => break opened.map_err(&unwritable)?,
            }
        };
        if location::is_shared(folder) && !exists {
            // Whoever did not make the file cannot change its mode, and need not where its maker did.
            let mode = file.metadata().map_err(&unwritable)?.permissions().mode() & 0o777;
            if mode != 0o660 {
                file.set_permissions(std::fs::Permissions::from_mode(0o660)).map_err(&unwritable)?;
            }
        }
        Ok(())
    }

    /// A connection to the store that is there.
    pub(super) fn connect(&self) -> Result<Connection> {
        let connection = self.open()?;
        self.prepare(connection, &|_, _| {})
    }

    /// Brings a store of an older version to today's now, and tells how far that is, where the next use would have done
    /// it without a word.
    pub(in crate::store) fn bring_up_to_date(&self, tell: Tell<'_>) -> Result<()> {
        let Some(file) = self.file()? else { return Ok(()) };
        // One that is open is ready.
        let connection = self.take_idle(file).map_or_else(|| self.prepare(self.open()?, tell), Ok)?;
        self.idle().connections.push((file, connection));
        Ok(())
    }

    /// The first connection to a file that [`Database::make_file`] made: from here on it has a write-ahead log.
    fn connect_to_new(&self) -> Result<Connection> {
        let connection = self.open()?;
        let mode = use_write_ahead_log(&connection).map_err(|e| self.explain(e))?;
        if mode != "wal" {
            return Err(self.error(
                Status::StoreIo,
                format!("The store '{}' cannot use a write-ahead log there (it says '{mode}').", self.path.display()),
            ));
        }
        self.prepare(connection, &|_, _| {})
    }

    /// Opens the file, and nothing in its place or beside it that another account may have put there.
    fn open(&self) -> Result<Connection> {
        let path = self.real_path()?;
        #[cfg(windows)]
        {
            self.refuse_foreign()?;
            self.refuse_too_long(&path)?;
        }
        for suffix in LOGS {
            // SQLite never makes a link of these.
            let beside = location::beside(&path, suffix);
            if os::is_link(&beside) {
                return Err(self.foreign_link(&beside));
            }
        }
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = open_database(&path, flags).map_err(|e| self.explain(sql(e)))?;
        connection.busy_handler(Some(wait_for_the_lock)).map_err(|e| self.explain(sql(e)))?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(connection)
    }

    /// Sets up what every connection needs, and brings the tables to today's schema.
    fn prepare(&self, mut connection: Connection, tell: Tell<'_>) -> Result<Connection> {
        self.set_up(&mut connection, tell).map_err(|e| self.explain(e))?;
        #[cfg(windows)]
        give_the_log_its_list(&self.real_path()?).map_err(|e| self.unreachable(&e))?;
        Ok(connection)
    }

    fn set_up(&self, connection: &mut Connection, tell: Tell<'_>) -> Result<()> {
        // Distributions change this default silently, so it is set and read back.
        connection.pragma_update(None, "synchronous", "FULL").map_err(sql)?;
        #[cfg(target_os = "macos")]
        connection.pragma_update(None, "fullfsync", true).map_err(sql)?;
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |r| r.get(0)).map_err(sql)?;
        if synchronous < 2 {
            return Err(Error::new(Status::Internal, "This SQLite does not write through to the disk."));
        }
        connection.pragma_update(None, "foreign_keys", true).map_err(sql)?;
        // In KiB: the tree that a look-up goes down, and the rows around it, stay in memory where there is some.
        let cache = (os::memory() / CACHE_SHARE).clamp(CACHE_LEAST, CACHE_MOST) >> 10;
        connection.pragma_update(None, "cache_size", -i64::try_from(cache).unwrap_or_default()).map_err(sql)?;
        // What is deleted (delivered mail, above all) is overwritten, not merely unlinked.
        connection.pragma_update(None, "secure_delete", true).map_err(sql)?;
        schema::create(connection)?;
        if self.upgrade(connection, tell)? {
            self.upgraded.store(true, Ordering::Relaxed);
        }
        #[cfg(unix)]
        if self.leaves_log.load(Ordering::Relaxed)
            && location::beside(&self.real_path()?, "-wal").metadata().is_ok_and(|log| log.len() < LOG_LEFT)
        {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(sql)?;
        }
        Ok(())
    }

    /// Adds the file and what to do to SQLite's own words.
    pub(super) fn explain(&self, e: Error) -> Error {
        let path = self.path.display();
        let message = match e.status {
            _ if !e.target.is_empty() => return e,
            Status::StoreDamaged => format!(
                "The store '{path}' is damaged or is not a store: {}. Nothing was changed, and the file was left as it \
                 is. Restore a backup with Restore-UMPinStore, or name another file in UMPIN_STORE.",
                e.message
            ),
            Status::StoreTooNew => format!(
                "The store '{path}' was written by a newer version of UMMailboxPin. Nothing was changed. Update the \
                 module or the command that you use."
            ),
            Status::StoreNotWritable => format!(
                "The account '{}' cannot open the store '{path}' for writing: {}. Nothing was changed. Check the owner \
                 and mode of the file and of its folder.",
                os::account(),
                e.message
            ),
            Status::StoreBusy => format!(
                "The store '{path}' was held by another process for more than {} seconds. Nothing was changed. Try \
                 again.",
                BUSY_TIMEOUT.as_secs()
            ),
            Status::StoreIo => {
                format!("The store '{path}' could not be read or written: {}. Nothing was changed.", e.message)
            }
            _ => return e,
        };
        e.reworded(message).about(path.to_string())
    }

    fn error(&self, status: Status, message: String) -> Error {
        Error::new(status, message).about(self.path.display().to_string())
    }
}

/// SQLite makes the log with what its folder hands down. Where that lets nearly everybody read it, it gets the
/// database's own list; a log of another account's has that from whoever made it.
#[cfg(windows)]
fn give_the_log_its_list(path: &Path) -> std::io::Result<()> {
    if os::file_open_to_all(path)?.is_some() {
        return Ok(());
    }
    for log in ["-wal", "-shm"].map(|suffix| location::beside(path, suffix)) {
        if os::open_log(&log).and_then(|log| os::open_to_all(&log)).is_ok_and(|group| group.is_some()) {
            os::copy_access_list(path, &log)?;
        }
    }
    Ok(())
}

/// Opens a database.
#[cfg(unix)]
pub(super) fn open_database(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, flags)
}

/// Opens a database whose path may have any length: SQLite's usual way on Windows has room for 260 characters of it,
/// and the system's own only behind `\\?\`. A path that needs that is for one connection at a time.
#[cfg(windows)]
pub(super) fn open_database(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags_and_vfs(os::for_sqlite(path), flags, "win32-longpath")
}

/// The journal that the file then has. Of several that make a store at once SQLite turns all but one away, without
/// asking the busy handler, where waiting could be for ever; a new try begins from what the others have done by then.
fn use_write_ahead_log(connection: &Connection) -> Result<String> {
    let since = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0)).map_err(sql) {
            // A try may take seconds itself.
            Err(e) if e.is(Condition::StoreBusy) && since.elapsed() < BUSY_TIMEOUT => drop(wait_for_the_lock(0)),
            told => return told,
        }
    }
}

/// Asks for a held lock again after a short while. SQLite's own way waits longer and longer, up to a tenth of a second,
/// so that whoever came last and asks often gets the lock, and a sign-in waits behind a long run of small changes.
fn wait_for_the_lock(tries: i32) -> bool {
    std::thread::sleep(PAUSE);
    PAUSE.saturating_mul(tries.unsigned_abs()) < BUSY_TIMEOUT
}

/// Begins a transaction that writes. Not by SQLite's way of waiting, which could not say that somebody waits.
fn begin_to_write(connection: &Connection) -> Result<()> {
    // Not at each try, where the folder cannot be opened or locked: it would be a refusal in the system's own log each
    // time. Three, since somebody may just look.
    const SAYS: u32 = 3;
    let since = Instant::now();
    let mut said = None;
    let mut tries = 0;
    connection.busy_handler(None).map_err(sql)?;
    let began = loop {
        match execute(connection, "BEGIN IMMEDIATE", &[]) {
            Err(e) if e.is(Condition::StoreBusy) && since.elapsed() < BUSY_TIMEOUT => {}
            ended => break ended,
        }
        tries += 1;
        if said.is_none() && tries <= SAYS {
            said = connection.path().and_then(|path| waiting::say(Path::new(path)));
        }
        std::thread::sleep(PAUSE);
    };
    connection.busy_handler(Some(wait_for_the_lock)).map_err(sql)?;
    began
}

/// The statements that begin and end a transaction are prepared once a connection like all others: parsing them costs
/// as much as a short read.
fn transact<T>(connection: &Connection, scope: Scope<'_>, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
    let tx = Tx::on(On::Sqlite(connection));
    let end = match scope {
        Scope::Statement => return work(&tx),
        Scope::Snapshot | Scope::Rehearsal => "ROLLBACK",
        Scope::Change | Scope::Mailbox(_) => "COMMIT",
    };
    let open = Open(connection);
    if scope == Scope::Snapshot {
        tx.execute("BEGIN", &[])?;
    } else {
        begin_to_write(connection)?;
    }
    let result = work(&tx)?;
    tx.execute(end, &[])?;
    // A commit that failed left the transaction open, and only then is there anything to undo.
    std::mem::forget(open);
    Ok(result)
}

/// A transaction that is undone where its work ends in an error or a panic.
struct Open<'a>(&'a Connection);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            let _ = execute(self.0, "ROLLBACK", &[]);
        }
    }
}

/// SQLite's error as ours. The text never holds values, so it holds no secrets.
pub(super) fn sql(e: rusqlite::Error) -> Error {
    use rusqlite::Error as E;
    if matches!(
        e,
        E::IntegralValueOutOfRange(..) | E::InvalidColumnType(..) | E::FromSqlConversionFailure(..) | E::Utf8Error(..)
    ) {
        // Never SQLite's own words here: they would hold the value.
        return super::damaged_row();
    }
    let words = e.to_string();
    match e.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::on(Condition::FileDamaged, words),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Error::new(Status::StoreNotWritable, words)
        }
        // "Locking protocol": the log was recovered or given up by others each time that it was to be read.
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            Error::on(Condition::StoreBusy, words)
        }
        Some(_) => Error::on(Condition::StoreIo, words),
        None => Error::new(Status::Internal, words),
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null(_) => ValueRef::Null,
            Value::Integer(n) => ValueRef::Integer(*n),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn prepare<'c>(
    connection: &'c Connection,
    statement: &str,
    parameters: &[&dyn ToColumn],
) -> Result<CachedStatement<'c>> {
    let mut statement = connection.prepare_cached(statement).map_err(sql)?;
    let count = statement.parameter_count();
    if count != parameters.len() {
        return Err(sql(rusqlite::Error::InvalidParameterCount(parameters.len(), count)));
    }
    for (at, parameter) in parameters.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, parameter.value()).map_err(sql)?;
    }
    Ok(statement)
}

pub(super) fn execute(connection: &Connection, statement: &str, parameters: &[&dyn ToColumn]) -> Result<()> {
    let mut statement = prepare(connection, statement, parameters)?;
    statement.raw_execute().map_err(sql)?;
    #[cfg(test)]
    made_anew::count(&statement);
    Ok(())
}

pub(super) fn query(
    connection: &Connection,
    statement: &str,
    parameters: &[&dyn ToColumn],
    mut each: impl FnMut(&Row<'_>) -> Result<bool>,
) -> Result<()> {
    let mut statement = prepare(connection, statement, parameters)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(sql)? {
        if !each(&Row::Sqlite(Found { row, next: Place::new(0) }))? {
            break;
        }
    }
    #[cfg(test)]
    {
        drop(rows);
        made_anew::count(&statement);
    }
    Ok(())
}

/// How often SQLite made a statement anew that was there: it does where another value of a parameter may ask for
/// another plan.
#[cfg(test)]
pub(crate) mod made_anew {
    use std::cell::Cell;

    use rusqlite::{Statement, StatementStatus};

    thread_local!(static TIMES: Cell<i32> = const { Cell::new(0) });

    pub(super) fn count(statement: &Statement<'_>) {
        TIMES.set(TIMES.get() + statement.reset_status(StatementStatus::RePrepare));
    }

    /// In this thread, since the last call.
    pub(crate) fn times() -> i32 {
        TIMES.take()
    }
}

/// A row, and the place behind the column that was read last: rows are read in the order of their statement's columns,
/// and to look for each by its name from the start costs a tenth of a look-up.
pub(in crate::store) struct Found<'a> {
    row: &'a rusqlite::Row<'a>,
    next: Place<usize>,
}

impl Found<'_> {
    pub(super) fn named(&self, column: &str) -> Result<Cell<'_>> {
        let statement = self.row.as_ref();
        let mut at = self.next.get();
        if statement.column_name(at).ok() != Some(column) {
            at = statement.column_index(column).map_err(sql)?;
        }
        self.next.set(at + 1);
        self.at(at)
    }

    pub(super) fn next(&self, column: &str) -> Result<Cell<'_>> {
        if cfg!(debug_assertions) && self.row.as_ref().column_name(self.next.get()).ok() != Some(column) {
            return Err(Error::new(Status::Internal, format!("The column '{column}' is read out of its turn.")));
        }
        let at = self.next.get();
        self.next.set(at + 1);
        self.at(at)
    }

    pub(super) fn at(&self, at: usize) -> Result<Cell<'_>> {
        self.row.get_ref(at).map(Cell::from).map_err(sql)
    }
}

impl<'a> From<ValueRef<'a>> for Cell<'a> {
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(n) => Cell::Integer(n),
            ValueRef::Text(text) => Cell::Text(text),
            ValueRef::Blob(bytes) => Cell::Blob(bytes),
            ValueRef::Real(_) => Cell::Other,
        }
    }
}

/// A database of this process alone, in a temporary file that SQLite makes and removes.
pub(in crate::store) struct Private(Connection);

impl Private {
    /// One with these tables.
    pub(in crate::store) fn new(tables: &str) -> Result<Self> {
        // An empty name is a temporary file of SQLite's own.
        let connection = Connection::open("").map_err(sql)?;
        connection
            .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32768;")
            .and_then(|()| connection.execute_batch(tables))
            .map_err(sql)?;
        Ok(Self(connection))
    }

    pub(in crate::store) fn on(&self) -> On<'_> {
        On::Sqlite(&self.0)
    }
}

/// What a store that does not exist yet looks like: the same tables, empty, in memory.
#[derive(Default)]
pub(in crate::store) struct Empty(Mutex<Option<Connection>>);

impl Empty {
    /// Runs `work` on it, and undoes what that did.
    pub(in crate::store) fn run<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let mut empty = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *empty {
            Some(connection) => connection,
            none => {
                let mut connection = Connection::open_in_memory().map_err(sql)?;
                connection.pragma_update(None, "foreign_keys", true).map_err(sql)?;
                schema::create(&mut connection)?;
                none.insert(connection)
            }
        };
        transact(connection, Scope::Rehearsal, work)
    }
}
