//! Version 1 into version 2.
//!
//! The new database is made beside the old one, in a file of its own whose name is removed as soon as the system
//! allows, as is that of the file in which texts are sorted, and then takes the old one's place in one transaction of
//! SQLite's own. Until that commits, everybody sees the old store, whole; a process that is killed leaves it as it was,
//! and the next one begins anew. The old store is locked against writers from the beginning, so that nothing is written
//! to what is being left.
//!
//! In version 1 rows named each other by GUIDs as texts of 36 characters. What a row means is not touched: seals are
//! tied to GUIDs and versions, the trail's MACs cover what stands in its rows, and both move as they are.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, params};

use super::schema::{self, INDEXES, VERSION};
use super::sorter::{Entry, Sorter, Texts};
use super::{BUSY_TIMEOUT, Database, open_database, sql};
use crate::directory::identity::fold_case;
use crate::directory::recipient::{ProxyAddress, Recipient};
use crate::error::{Error, Result, Status};
use crate::location;
use crate::os;
use crate::store::Tell;
use crate::store::engine::On;
use crate::store::recipients::{entries, recipient};
use crate::store::statements::Statements;

/// The version that is brought up to date here.
pub(super) const FROM: i64 = 1;
/// The new database and then, when the sorted texts are gone, its way through the log may each need what the old one
/// has.
const SPACE_FACTOR: u64 = 2;
/// What every store needs beyond that, in bytes.
const SPACE_LEAST: u64 = 1 << 20;
/// What the work is told in: parts that take a second or more each among a million mailboxes. A table each, then the
/// texts that find people, the indexes, and the way into the store's own file.
const COPIES: usize = 13;
const SORTED: u64 = 2;
const INDEXED: u64 = 2;
const MOVED: u64 = 7;
const ALL: u64 = COPIES as u64 + SORTED + INDEXED + MOVED;
/// Between two tries at a lock that somebody else holds.
const RETRY: Duration = Duration::from_millis(20);

/// At a file of one's own beside the store.
const MOST_TRIES: u32 = 100;

/// Sorted texts, as many as one statement writes, and how often they are handed over before they must be taken.
const A_STATEMENT: usize = 64;
const AHEAD: usize = 8;

/// Rows of a table whose numbers are kept in memory: some 50 MiB.
const MOST_KNOWN: usize = 1_800_000;

impl Statements for Connection {
    fn on(&self) -> On<'_> {
        On::Sqlite(self)
    }
}

/// How far the work is.
struct Progress<'a> {
    tell: Tell<'a>,
    done: Cell<u64>,
}

impl<'a> Progress<'a> {
    fn begin(tell: Tell<'a>) -> Self {
        tell(0, ALL);
        Self { tell, done: Cell::new(0) }
    }

    fn advance(&self, parts: u64) {
        self.done.set(self.done.get() + parts);
        (self.tell)(self.done.get(), ALL);
    }
}

impl Database {
    /// Brings the store on this connection to today's version, where it is an older one.
    pub(super) fn upgrade(&self, live: &mut Connection, tell: Tell<'_>) -> Result<bool> {
        match schema::version(live)? {
            VERSION | 0 => return Ok(false),
            FROM => {}
            _ => return Err(schema::too_new()),
        }
        let path = self.real_path()?;
        // SQLite copies between pages of one size alone, and another tool may have given the store another.
        let page_size = live.pragma_query_value(None, "page_size", |r| r.get(0)).map_err(sql)?;
        let mut tries = 0;
        let (_beside, new) = loop {
            let (beside, _) = Beside::create(&path).map_err(|e| self.no_room_beside(&e))?;
            match beside.open(page_size) {
                // Somebody who begins at the same time took it for a leftover.
                Err(_) if tries < MOST_TRIES && !beside.0.exists() => tries += 1,
                opened => break (beside, opened?),
            }
        };
        // A copy of an empty database would empty the store.
        new.execute_batch(&schema::tables()).map_err(sql)?;
        let since = std::time::Instant::now();
        let copy = Backup::new(&new, live).map_err(sql)?;
        // A step of no pages takes the store's lock and keeps it.
        while copy.step(0).map_err(sql)? != StepResult::More {
            if since.elapsed() > BUSY_TIMEOUT {
                return Err(Error::new(Status::StoreBusy, "another process held the store for too long"));
            }
            std::thread::sleep(RETRY);
        }
        new.execute("ATTACH DATABASE ?1 AS old", [attachable(&path)]).map_err(sql)?;
        // Somebody else may have done it while this one waited.
        if old_version(&new)? != FROM {
            return Ok(false);
        }
        self.check_space(&path)?;
        let progress = Progress::begin(tell);
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let old = open_database(&path, flags).map_err(sql)?;
        // Addresses are looked up by GUIDs, which come in no order.
        old.pragma_update(None, "cache_size", -65536).map_err(sql)?;
        let (named, runs) = Beside::create(&path).map_err(|e| self.no_room_beside(&e))?;
        named.lose_its_name();
        fill(&new, Some(old), Some(&runs), &progress)?;
        drop((runs, named));
        new.execute_batch("DETACH DATABASE old").map_err(sql)?;
        let pages: i32 = new.pragma_query_value(None, "page_count", |r| r.get(0)).map_err(sql)?;
        loop {
            match copy.step(pages / MOVED as i32 + 1).map_err(sql)? {
                StepResult::Done => break,
                // Nobody sees any of it before the last step has committed.
                StepResult::More => progress.advance(1),
                _ if since.elapsed() > BUSY_TIMEOUT.saturating_mul(60) => {
                    return Err(Error::new(Status::StoreBusy, "another process held the store for too long"));
                }
                _ => std::thread::sleep(RETRY),
            }
        }
        drop(copy);
        // The log has the whole store in it now. Where somebody still reads the old one, it is folded in later.
        let _ = live.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        tell(ALL, ALL);
        Ok(true)
    }

    fn check_space(&self, path: &Path) -> Result<()> {
        let log = location::beside(path, "-wal").metadata().map_or(0, |m| m.len());
        let size = path.metadata().map_or(0, |m| m.len()).saturating_add(log);
        let needed = size.saturating_mul(SPACE_FACTOR).saturating_add(SPACE_LEAST);
        let folder = location::folder_of(path);
        match os::free_space(folder) {
            Ok(free) if free < needed => Err(self.error(
                Status::StoreIo,
                format!(
                    "The store '{}' must be brought to version {VERSION}, which needs {} MiB free in its folder, and \
                     there are {} MiB. Nothing was changed. Make room there, or move the store to a larger disk.",
                    self.path().display(),
                    needed.div_ceil(1 << 20),
                    free >> 20
                ),
            )),
            // A system that does not tell: if the disk is full, the work ends then, and nothing is changed either.
            _ => Ok(()),
        }
    }

    fn no_room_beside(&self, e: &std::io::Error) -> Error {
        self.error(
            Status::StoreNotWritable,
            format!(
                "The store '{}' must be brought to version {VERSION}, and the account '{}' cannot make a file beside \
                 it: {e}. Nothing was changed. Let an account that may write to the folder use the store once.",
                self.path().display(),
                os::account()
            ),
        )
    }
}

/// A path as SQLite takes it, byte for byte: on Unix it need not be a text.
#[cfg(unix)]
fn attachable(path: &Path) -> Value {
    Value::Blob(path.as_os_str().as_encoded_bytes().to_vec())
}

#[cfg(not(unix))]
fn attachable(path: &Path) -> Value {
    Value::Text(path.to_string_lossy().into_owned())
}

/// A database in memory that holds version 1 in the attached `old`, into version 2.
pub(super) fn fill_in_memory(new: &Connection) -> Result<()> {
    new.execute_batch(&schema::tables()).map_err(sql)?;
    // No other connection could see it. Where no file can be made, memory holds the texts that are sorted, too.
    let sorted = Beside::create(&std::env::temp_dir().join("umpin")).ok();
    let runs = sorted.as_ref().map(|(named, runs)| {
        named.lose_its_name();
        runs
    });
    fill(new, None, runs, &Progress::begin(&|_, _| {}))
}

fn old_version(new: &Connection) -> Result<i64> {
    new.query_row("PRAGMA old.user_version", [], |r| r.get(0)).map_err(sql)
}

/// A file for one upgrade: in it the new database is made, or texts are sorted.
struct Beside(std::path::PathBuf);

impl Beside {
    const MARK: &str = ".upgrade-";

    fn create(store: &Path) -> std::io::Result<(Self, File)> {
        // What a killed process left, on a system that does not remove the name of an open file. There a database that
        // is still in use cannot be removed, and stays; texts that are being sorted lose their name alone.
        let mut mark = store.file_name().unwrap_or_default().to_owned();
        mark.push(Self::MARK);
        for entry in std::fs::read_dir(location::folder_of(store))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&*mark.to_string_lossy()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        let tag = os::random::<8>().map_err(|e| std::io::Error::other(e.message))?;
        let path = location::beside(store, &format!("{}{:016x}", Self::MARK, u64::from_le_bytes(tag)));
        let file = os::create_private_file(&path)?;
        Ok((Self(path), file))
    }

    /// Nothing of it need outlive this process, so nothing waits for the disk. Only what was made here is opened: in a
    /// folder that a group shares others can put a link in its place. The lock is never given back, since SQLite would
    /// then look for a log beside the file, which others can put there, too.
    fn open(&self, page_size: i64) -> Result<Connection> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let new = open_database(&self.0, flags).map_err(sql)?;
        new.pragma_update(None, "page_size", page_size).map_err(sql)?;
        new.execute_batch(
            "PRAGMA main.journal_mode = OFF; PRAGMA main.synchronous = OFF; PRAGMA main.locking_mode = EXCLUSIVE; \
             PRAGMA main.cache_size = -65536; PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; \
             BEGIN IMMEDIATE; COMMIT",
        )
        .map_err(sql)?;
        self.lose_its_name();
        Ok(new)
    }

    /// A file without a name is gone with its last user, however that one ends. Not every system can take the name of
    /// one that is open.
    fn lose_its_name(&self) {
        if cfg!(unix) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A GUID's bytes out of its text. SQLite's own functions: version 1 was only ever SQLite's.
fn bytes(column: &str) -> String {
    format!("unhex(replace({column}, '-', ''))")
}

fn known_in(table: &str) -> String {
    format!("{table}_known")
}

/// The new number of the row in `table` whose GUID an old column holds. What memory does not know the index tells.
fn number(table: &str, column: &str) -> String {
    format!("COALESCE({}({column}), (SELECT id FROM main.{table} WHERE guid = {}))", known_in(table), bytes(column))
}

/// Lets statements ask [`known_in`] the table for the numbers of these rows, or of as many as memory should hold: it is
/// asked several times for each mailbox, and answers in a third of the time that the index takes.
fn remember(new: &Connection, table: &str) -> Result<()> {
    let mut numbers: HashMap<[u8; 16], i64> = HashMap::new();
    new.query_each(&format!("SELECT guid, id FROM main.{table} LIMIT {MOST_KNOWN}"), &[], |r| {
        let (guid, id): (Vec<u8>, i64) = (r.next("guid")?, r.next("id")?);
        if let Ok(guid) = <[u8; 16]>::try_from(guid) {
            numbers.insert(guid, id);
        }
        Ok(())
    })?;
    let known = move |asked: &Context<'_>| {
        let guid = asked.get_raw(0).as_str().ok().filter(|text| text.len() == 36);
        let guid = guid.and_then(|text| uuid::Uuid::try_parse(text).ok());
        Ok(guid.and_then(|guid| numbers.get(guid.as_bytes()).copied()))
    };
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    new.create_scalar_function(known_in(table).as_str(), 1, flags, known).map_err(sql)
}

/// Old rows `o` with the new number of the person each is about, in the order of those numbers.
fn with_person(table: &str) -> String {
    format!("FROM old.{table} o CROSS JOIN main.recipient r ON r.id = {}", number("recipient", "o.recipient_guid"))
}

/// Fills the new tables from the old. Rows that somebody altered move as they are, for the self-check to name. `old` is
/// another connection to the old store, where there can be one, `runs` a file in which to sort.
fn fill(new: &Connection, old: Option<Connection>, runs: Option<&File>, progress: &Progress<'_>) -> Result<()> {
    run(new, "BEGIN")?;
    let of_addresses = match old {
        Some(old) => Some(copy_and_sort(new, old, runs, progress)?),
        None => copy(new, progress).map(|()| None)?,
    };
    let addresses: i64 = new.query_row("SELECT COUNT(*) FROM main.proxy_address", [], |r| r.get(0)).map_err(sql)?;
    if of_addresses != Some(addresses) {
        // There was no thread, or somebody wrote a GUID in another way, by whose text it did not find the person.
        run(new, "DELETE FROM main.recipient_key")?;
        sort_texts(new, &of_new(), Sorter::new(runs), |texts| insert_keys(new, &texts))?;
    }
    progress.advance(SORTED);
    numbers_beyond_ascii(new)?;
    // Those that the copies needed are there already.
    run(new, INDEXES)?;
    progress.advance(INDEXED);
    new.pragma_update(None, "user_version", VERSION).map_err(sql)?;
    run(new, "COMMIT")
}

/// To gather and to sort the texts that find people takes as long as everything else, beside which a thread of its own
/// does it. Tells of how many addresses they are.
fn copy_and_sort(new: &Connection, old: Connection, runs: Option<&File>, progress: &Progress<'_>) -> Result<i64> {
    let failed = |what: &str| Error::new(Status::Internal, format!("{what}. Nothing was changed."));
    let (give, sorted) = sync_channel(AHEAD);
    let sort = move || {
        let give = |texts| give.send(texts).map_err(|_| failed("Nobody takes texts"));
        sort_texts(&old, &of_old(), Sorter::new(runs), give)
    };
    thread::scope(|scope| {
        let sorter = thread::Builder::new()
            .spawn_scoped(scope, sort)
            .map_err(|e| failed(&format!("The system began no thread: {e}")))?;
        let taken = copy(new, progress).and_then(|()| sorted.iter().try_for_each(|texts| insert_keys(new, &texts)));
        // A thread that still has some ends now.
        drop(sorted);
        let of_addresses = sorter.join().unwrap_or_else(|_| Err(failed("A thread ended early")));
        taken.and(of_addresses)
    })
}

fn run(new: &Connection, statement: &str) -> Result<()> {
    new.execute_batch(statement).map_err(|e| match e.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::new(
            Status::StoreDamaged,
            "a row holds what no cmdlet wrote, so it cannot be brought to today's version",
        ),
        _ => sql(e),
    })
}

/// A person's columns behind the GUID, in both versions.
const RECIPIENT: &str = "name, display_name, first_name, last_name, alias, sam_account_name, user_principal_name, \
    primary_smtp_address, legacy_exchange_dn, distinguished_name, canonical_name, phone, linked_master_account, \
    server_name, server_legacy_dn, language, netbios_domain, when_created, when_changed";

/// What SQLite moves by itself, table by table.
fn copy(new: &Connection, progress: &Progress<'_>) -> Result<()> {
    for (statement, filled) in copies() {
        run(new, &statement)?;
        filled.map_or(Ok(()), |table| remember(new, table))?;
        progress.advance(1);
    }
    let mut remembered = copies().into_iter().filter_map(|(_, filled)| filled);
    remembered.try_for_each(|table| new.remove_function(known_in(table).as_str(), 1).map_err(sql))
}

/// A table each, and whose numbers the next ones ask for.
fn copies() -> [(String, Option<&'static str>); COPIES] {
    const RULES: &str = "min_length, lifetime_days, history_count, allow_common_patterns, failures_before_reset, \
        max_attempts, lockout_minutes, lifetime_failures, block_human_pins, expiry_notice_days, notify_without_pin, \
        settings, when_created, when_changed";
    let guid = bytes("guid");
    let people = format!(
        "INSERT INTO main.recipient (guid, {RECIPIENT}) SELECT {guid}, {RECIPIENT} FROM old.recipient ORDER BY rowid"
    );
    let by_guid = "CREATE UNIQUE INDEX IF NOT EXISTS main.recipient_by_guid ON recipient (guid)".into();
    let addresses = format!(
        "INSERT INTO main.proxy_address SELECT r.id, o.position, o.prefix, o.address, o.is_primary {} ORDER BY 1, 2",
        with_person("proxy_address")
    );
    let settings = "INSERT INTO main.setting SELECT name, value FROM old.setting ORDER BY name".into();
    let plans = format!(
        "INSERT INTO main.dial_plan (guid, name, name_key, digits, uri_type, settings, when_created, when_changed) \
         SELECT {guid}, name, name_key, digits, uri_type, settings, when_created, when_changed FROM old.dial_plan \
         ORDER BY rowid"
    );
    let policies = format!(
        "INSERT INTO main.policy (guid, name, name_key, dial_plan_id, {RULES}) SELECT {guid}, name, name_key, {}, \
         {RULES} FROM old.policy ORDER BY rowid",
        number("dial_plan", "dial_plan_guid")
    );
    let mailboxes = format!(
        "INSERT INTO main.um_mailbox SELECT r.id, {}, o.settings, o.when_changed {} ORDER BY 1",
        number("policy", "o.policy_guid"),
        with_person("um_mailbox")
    );
    let numbers = format!(
        "INSERT INTO main.um_address (address_key, dial_plan_id, address, kind, recipient_id, is_primary, position) \
         SELECT o.address_key, {}, NULLIF(o.address, o.address_key), CASE o.kind WHEN 'Extension' THEN 0 WHEN \
         'SipName' THEN 1 WHEN 'E164' THEN 2 ELSE 9 END, r.id, o.is_primary, o.position {} ORDER BY 1, 2",
        number("dial_plan", "o.dial_plan_guid"),
        with_person("um_address")
    );
    let pins = format!(
        "INSERT INTO main.pin SELECT r.id, o.version, o.salt, o.memory_kib, o.passes, o.lanes, unhex(o.key_id), \
         o.sealed, o.set_at, o.forced_expired, o.first_time_user, o.failures, o.last_failure_at, \
         o.lifetime_failures, 0, o.admin_locked, o.expiry_noticed {} ORDER BY 1",
        with_person("pin")
    );
    let earlier_pins = format!(
        "INSERT INTO main.pin_history SELECT r.id, o.version, o.memory_kib, o.passes, o.lanes, unhex(o.key_id), \
         o.sealed {} ORDER BY 1, 2",
        with_person("pin_history")
    );
    // A message may be about nobody.
    let mail = format!(
        "INSERT INTO main.outbox SELECT {}, {}, user_id, kind, to_address, message_id, unhex(key_id), sealed, \
         queued_at, due_at, attempts, last_error, claimed_by, claimed_until FROM old.outbox ORDER BY 1",
        bytes("id"),
        number("recipient", "recipient_guid")
    );
    let trail = "INSERT INTO main.audit SELECT seq, at, caller, claimed, cmdlet, object, parameters, succeeded, \
                 detail, mac FROM old.audit ORDER BY seq"
        .into();
    // A row about nobody says that the mark was recorded in the trail.
    let marks = format!(
        "INSERT INTO main.spray_mark SELECT mark, COALESCE({}, 0), at FROM old.spray_mark WHERE true \
         ON CONFLICT DO NOTHING",
        number("recipient", "recipient_guid")
    );
    [
        (people, None),
        (by_guid, Some("recipient")),
        (addresses, None),
        (settings, None),
        (plans, Some("dial_plan")),
        (policies, Some("policy")),
        (mailboxes, None),
        (numbers, None),
        (pins, None),
        (earlier_pins, None),
        (mail, None),
        (trail, None),
        (marks, None),
    ]
}

/// Version 1 lowered the case of a number and no more; names and numbers are folded alike now. A number whose folded
/// text is somebody else's already stays as it is, for the self-check to name: one odd row must not keep everybody out.
fn numbers_beyond_ascii(new: &Connection) -> Result<()> {
    let odd: Vec<(String, i64)> = new.query_all(
        "SELECT address_key, dial_plan_id FROM main.um_address WHERE length(address_key) <> octet_length(address_key)",
        &[],
        |r| Ok((r.get("address_key")?, r.get("dial_plan_id")?)),
    )?;
    for (key, plan) in odd {
        new.execute(
            "UPDATE OR IGNORE main.um_address SET address = COALESCE(address, address_key), address_key = ?3 \
             WHERE address_key = ?1 AND dial_plan_id = ?2",
            params![key, plan, fold_case(&key)],
        )
        .map_err(sql)?;
    }
    Ok(())
}

/// People and their addresses as version 1 has them, in the order of their new numbers, which begin at 1.
fn of_old() -> String {
    format!(
        "SELECT r.rowid AS person, p.prefix, p.address, p.is_primary, {} AS guid, {RECIPIENT} \
         FROM recipient r LEFT JOIN proxy_address p ON p.recipient_guid = r.guid ORDER BY r.rowid, p.position",
        bytes("r.guid")
    )
}

/// The same as they came into version 2.
fn of_new() -> String {
    format!(
        "SELECT r.id AS person, p.prefix, p.address, p.is_primary, guid, {RECIPIENT} FROM main.recipient r \
         LEFT JOIN main.proxy_address p ON p.recipient_id = r.id ORDER BY r.id, p.position"
    )
}

/// Gives every text that finds somebody, in the order of the tree that holds them. Tells of how many addresses they
/// are.
fn sort_texts(
    from: &Connection,
    people: &str,
    mut sorter: Sorter<'_>,
    give: impl FnMut(Texts) -> Result<()>,
) -> Result<i64> {
    let mut id = 0;
    let mut add = |person: Recipient| {
        id += 1;
        let mut entries = entries(&person).into_iter();
        entries.try_for_each(|((space, key), forms)| sorter.add(Entry { space, text: &key, id, forms }))
    };
    let mut addresses = 0;
    let mut last: Option<(i64, Recipient)> = None;
    from.query_each(people, &[], |row| {
        let number = row.next("person")?;
        let (prefix, address, is_primary) = (row.next("prefix")?, row.next("address")?, row.next("is_primary")?);
        if last.as_ref().is_none_or(|(of, _)| *of != number) {
            last.replace((number, recipient(row)?)).map_or(Ok(()), |(_, person)| add(person))?;
        }
        if let (Some((_, person)), Some(prefix), Some(address), Some(is_primary)) =
            (&mut last, prefix, address, is_primary)
        {
            person.addresses.push(ProxyAddress { prefix, address, is_primary });
            addresses += 1;
        }
        Ok(())
    })?;
    last.map_or(Ok(()), |(_, person)| add(person))?;
    sorter.finish(give)?;
    Ok(addresses)
}

/// Writes them behind those that are there: many with a statement, for each has its own cost.
fn insert_keys(new: &Connection, texts: &Texts) -> Result<()> {
    let mut entries = texts.iter();
    let mut left = texts.len();
    while left > 0 {
        let some = left.min(A_STATEMENT);
        left -= some;
        let rows = vec!["(?, ?, ?, ?)"; some].join(", ");
        let statement = format!("INSERT INTO main.recipient_key (space, key, recipient_id, forms) VALUES {rows}");
        let mut add = new.prepare_cached(&statement).map_err(sql)?;
        for (at, entry) in entries.by_ref().take(some).enumerate() {
            let at = at * 4;
            add.raw_bind_parameter(at + 1, entry.space).map_err(sql)?;
            add.raw_bind_parameter(at + 2, entry.text).map_err(sql)?;
            add.raw_bind_parameter(at + 3, entry.id).map_err(sql)?;
            add.raw_bind_parameter(at + 4, entry.forms).map_err(sql)?;
        }
        add.raw_execute().map_err(sql)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However little memory there is, in whatever version the people are read, and in a file that served before.
    #[test]
    fn the_texts_that_find_people_are_sorted_as_the_tree_has_them() {
        let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version-1/um.db");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("um.db");
        std::fs::copy(store, &path).unwrap();
        let old = Connection::open(&path).unwrap();
        let new = Connection::open_in_memory().unwrap();
        new.execute("ATTACH DATABASE ?1 AS old", [attachable(&path)]).unwrap();
        fill_in_memory(&new).unwrap();
        let mut query = new
            .prepare("SELECT space, key, recipient_id, forms FROM recipient_key ORDER BY space, key, recipient_id")
            .unwrap();
        let mut expected = Vec::new();
        let mut rows = query.query([]).unwrap();
        while let Some(r) = rows.next().unwrap() {
            let key: String = r.get(1).unwrap();
            expected.push((r.get(0).unwrap(), key, r.get(2).unwrap(), r.get(3).unwrap()));
        }
        assert!(expected.len() > 50, "{}", expected.len());
        let runs = tempfile::tempfile().unwrap();
        for (from, people, memory) in [(&old, of_old(), 500), (&new, of_new(), 2_000), (&old, of_old(), 1)] {
            let mut given = Vec::new();
            let take = |texts: Texts| {
                given.extend(texts.iter().map(|e| (e.space, e.text.to_owned(), e.id, e.forms)));
                Ok(())
            };
            runs.set_len(0).unwrap();
            sort_texts(from, &people, Sorter::with(memory, Some(&runs)), take).unwrap();
            assert!(given == expected, "{memory}");
            assert!(runs.metadata().unwrap().len() > 0, "they were in the file");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_somebody_put_in_the_new_databases_place_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        let (beside, _) = Beside::create(&folder.path().join("um.db")).unwrap();
        std::fs::remove_file(&beside.0).unwrap();
        assert!(beside.open(4096).is_err(), "what is gone is not made anew");
        std::os::unix::fs::symlink(&elsewhere, &beside.0).unwrap();
        assert!(beside.open(4096).is_err() && !elsewhere.exists());
        std::fs::write(&elsewhere, "").unwrap();
        assert!(beside.open(4096).is_err());
        assert_eq!(std::fs::read(&elsewhere).unwrap(), b"");
    }
}
