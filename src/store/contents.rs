//! Every row as it stands, whatever it holds: for the self-check. The rest of this folder reads what it wrote itself
//! and fails on anything else; here nothing fails, so that one odd row cannot hide another.

use crate::guid::RecipientGuid;
use std::ops::RangeInclusive;

use super::Tx;
use super::columns::guid_text;
#[cfg(feature = "postgresql")]
use super::engine::Kind;
use super::engine::{Cell, Row, params};
use super::statements::Statements;
use crate::crypto::hash::HashParams;
use crate::error::Result;
use crate::pin::policy::{
    EXPIRY_NOTICE_DAYS, LIFETIME_LOGON_FAILURES, LOCKOUT_DURATION, LOGON_FAILURES_BEFORE_PIN_RESET, MAX_LOGON_ATTEMPTS,
    MIN_PIN_LENGTH, PIN_HISTORY_COUNT, PIN_LIFETIME,
};

/// Clocks differ a little, and a message that failed waits some hours: what lies further ahead than this (a day, in
/// milliseconds) was not written by a clock that is right.
pub(crate) const SKEW: i64 = 86_400_000;
/// The last moment before the year 10000, in milliseconds since 1970: no clock tells a later one.
const LATEST: i64 = 253_402_300_799_999;

/// What a column holds in every row that was written here.
enum Holds {
    /// Any text.
    Text,
    /// The same, or nothing.
    TextOrNull,
    /// A GUID's 16 bytes.
    Guid,
    /// One of these.
    Word(&'static [&'static str]),
    /// A number in this range.
    Number(RangeInclusive<i64>),
    /// The same, or nothing.
    NumberOrNull(RangeInclusive<i64>),
    /// 0 or 1.
    Flag,
    /// A moment that is not ahead of now.
    Moment,
    /// So many bytes.
    Bytes(RangeInclusive<usize>),
    /// The number of another row, which a foreign key or the row's own use checks.
    Reference,
    /// A key's id: 8 bytes.
    KeyId,
}

use Holds::{Bytes, Flag, Guid, KeyId, Moment, Number, NumberOrNull, Reference, Text, TextOrNull, Word};

/// One column: its name, what an administrator calls it, what it holds.
type Column = (&'static str, &'static str, Holds);

/// One table: its name, the column that says whom or what a row is about, and the columns.
type Table = (&'static str, &'static str, &'static [Column]);

const fn range(of: RangeInclusive<u32>) -> RangeInclusive<i64> {
    *of.start() as i64..=*of.end() as i64
}

const COUNT: RangeInclusive<i64> = 0..=u32::MAX as i64;
const POSITIVE: RangeInclusive<i64> = 1..=i64::MAX;
const MEMORY_KIB: RangeInclusive<i64> = 8..=HashParams::MAX_MEMORY_KIB as i64;
const PASSES: RangeInclusive<i64> = 1..=HashParams::MAX_PASSES as i64;
const SEALED: RangeInclusive<usize> = 1..=usize::MAX;

const TABLES: &[Table] = &[
    ("setting", "name", &[("name", "name", Text), ("value", "value", Text)]),
    (
        "recipient",
        "id",
        &[
            ("guid", "GUID", Guid),
            ("name", "name", Text),
            ("display_name", "display name", Text),
            ("first_name", "first name", Text),
            ("last_name", "last name", Text),
            ("alias", "alias", Text),
            ("sam_account_name", "account name", Text),
            ("user_principal_name", "user principal name", Text),
            ("primary_smtp_address", "primary SMTP address", Text),
            ("legacy_exchange_dn", "legacy DN", Text),
            ("distinguished_name", "distinguished name", Text),
            ("canonical_name", "canonical name", Text),
            ("phone", "phone", Text),
            ("linked_master_account", "linked master account", Text),
            ("server_name", "server name", Text),
            ("server_legacy_dn", "server's legacy DN", Text),
            ("language", "language", Text),
            ("netbios_domain", "NetBIOS domain", Text),
            ("when_created", "date of creation", Moment),
            ("when_changed", "date of change", Moment),
        ],
    ),
    (
        "recipient_key",
        "recipient_id",
        &[
            ("space", "look-up key's kind", Number(0..=3)),
            ("key", "look-up key", Text),
            ("recipient_id", "look-up key's person", Reference),
            ("forms", "look-up key's form", Number(1..=65_535)),
        ],
    ),
    (
        "proxy_address",
        "recipient_id",
        &[
            ("recipient_id", "person", Reference),
            ("position", "proxy address's position", Number(COUNT)),
            ("prefix", "proxy address's prefix", Text),
            ("address", "proxy address", Text),
            ("is_primary", "proxy address's rank", Flag),
        ],
    ),
    (
        "dial_plan",
        "name",
        &[
            ("guid", "GUID", Guid),
            ("name", "name", Text),
            ("name_key", "look-up key", Text),
            ("digits", "number of digits", Number(1..=20)),
            ("uri_type", "URI type", Word(&["TelExtn", "E164", "SipName"])),
            ("settings", "settings", Text),
            ("when_created", "date of creation", Moment),
            ("when_changed", "date of change", Moment),
        ],
    ),
    (
        "policy",
        "name",
        &[
            ("guid", "GUID", Guid),
            ("name", "name", Text),
            ("name_key", "look-up key", Text),
            ("dial_plan_id", "dial plan", Reference),
            ("min_length", "MinPINLength", Number(range(MIN_PIN_LENGTH))),
            ("lifetime_days", "PINLifetime", NumberOrNull(range(PIN_LIFETIME))),
            ("history_count", "PINHistoryCount", Number(range(PIN_HISTORY_COUNT))),
            ("allow_common_patterns", "AllowCommonPatterns", Flag),
            (
                "failures_before_reset",
                "LogonFailuresBeforePINReset",
                NumberOrNull(range(LOGON_FAILURES_BEFORE_PIN_RESET)),
            ),
            ("max_attempts", "MaxLogonAttempts", NumberOrNull(range(MAX_LOGON_ATTEMPTS))),
            ("lockout_minutes", "LockoutDuration", NumberOrNull(range(LOCKOUT_DURATION))),
            ("lifetime_failures", "LifetimeLogonFailures", NumberOrNull(range(LIFETIME_LOGON_FAILURES))),
            ("block_human_pins", "BlockHumanPINs", Flag),
            ("expiry_notice_days", "ExpiryNoticeDays", NumberOrNull(range(EXPIRY_NOTICE_DAYS))),
            ("notify_without_pin", "NotifyWithoutPIN", Flag),
            ("settings", "settings", Text),
            ("when_created", "date of creation", Moment),
            ("when_changed", "date of change", Moment),
        ],
    ),
    (
        "um_mailbox",
        "recipient_id",
        &[
            ("recipient_id", "person", Reference),
            ("policy_id", "mailbox's policy", Reference),
            ("settings", "mailbox settings", Text),
            ("when_changed", "date of the mailbox's change", Moment),
        ],
    ),
    (
        "um_address",
        "recipient_id",
        &[
            ("recipient_id", "person", Reference),
            ("dial_plan_id", "number's dial plan", Reference),
            ("address_key", "number's look-up key", Text),
            ("address", "number", TextOrNull),
            ("kind", "number's kind", Number(0..=2)),
            ("is_primary", "number's rank", Flag),
            ("position", "number's position", Number(COUNT)),
        ],
    ),
    (
        "pin",
        "recipient_id",
        &[
            ("recipient_id", "person", Reference),
            ("version", "PIN's version", Number(POSITIVE)),
            ("salt", "PIN's salt", Bytes(16..=16)),
            ("memory_kib", "PIN's cost", Number(MEMORY_KIB)),
            ("passes", "PIN's cost", Number(PASSES)),
            ("lanes", "PIN's cost", Number(PASSES)),
            ("key_id", "PIN's key", KeyId),
            ("sealed", "PIN's seal", Bytes(SEALED)),
            ("set_at", "date at which the PIN was set", Moment),
            ("forced_expired", "PIN's expiry", Flag),
            ("first_time_user", "first-time user", Flag),
            ("failures", "count of failures", Number(COUNT)),
            ("last_failure_at", "date of the last failure", Moment),
            ("lifetime_failures", "count of failures in total", Number(COUNT)),
            ("epoch", "count of clearings", Number(COUNT)),
            ("admin_locked", "administrator's lock", Flag),
            ("expiry_noticed", "notice of expiry", Flag),
        ],
    ),
    (
        "pin_history",
        "recipient_id",
        &[
            ("recipient_id", "person", Reference),
            ("version", "earlier PIN's version", Number(POSITIVE)),
            ("memory_kib", "earlier PIN's cost", Number(MEMORY_KIB)),
            ("passes", "earlier PIN's cost", Number(PASSES)),
            ("lanes", "earlier PIN's cost", Number(PASSES)),
            ("key_id", "earlier PIN's key", KeyId),
            ("sealed", "earlier PIN's seal", Bytes(SEALED)),
        ],
    ),
    (
        "outbox",
        "recipient_id",
        &[
            ("id", "message's id", Guid),
            ("recipient_id", "message's recipient", Reference),
            ("user_id", "message's user", Text),
            ("kind", "message's kind", Word(&["Welcome", "Reset", "Changed", "Expiry"])),
            ("to_address", "message's address", Text),
            ("message_id", "message's Message-ID", Text),
            ("key_id", "message's key", KeyId),
            ("sealed", "message's seal", Bytes(SEALED)),
            ("queued_at", "date at which the message was queued", Moment),
            ("due_at", "date at which the message is due", Moment),
            ("attempts", "message's count of tries", Number(COUNT)),
            ("last_error", "message's last error", Text),
            ("claimed_by", "message's claim", Text),
            ("claimed_until", "end of the message's claim", Moment),
        ],
    ),
    (
        "audit",
        "object",
        &[
            ("seq", "record's number", Number(POSITIVE)),
            // Which moment it tells is under the trail's seal, and a clock that was ahead cannot be undone in it.
            ("at", "record's date", Number(0..=LATEST)),
            ("caller", "record's caller", Text),
            ("claimed", "record's claimed caller", Text),
            ("cmdlet", "record's cmdlet", Text),
            ("object", "record's object", Text),
            ("parameters", "record's parameters", Text),
            ("succeeded", "record's outcome", Flag),
            ("detail", "record's detail", Text),
            ("mac", "record's seal", Bytes(32..=32)),
        ],
    ),
    (
        "spray_mark",
        "recipient_id",
        &[("mark", "mark", Bytes(2..=2)), ("recipient_id", "mark's mailbox", Reference), ("at", "mark's date", Moment)],
    ),
];

/// A table with all that is stored of a row, for copies from one engine to another.
#[cfg(feature = "postgresql")]
pub(super) struct StoredTable {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: Vec<&'static str>,
    /// What each of them holds.
    pub kinds: Vec<Kind>,
    /// The columns by which its rows come in one order.
    pub order: &'static str,
    /// Whether the database gives out its numbers.
    pub is_numbered: bool,
}

/// Every table, those before the others that they refer to.
#[cfg(feature = "postgresql")]
pub(super) fn stored_tables() -> Vec<StoredTable> {
    let mut all: Vec<StoredTable> = TABLES
        .iter()
        .map(|(name, _, columns)| {
            let is_numbered = ["recipient", "dial_plan", "policy"].contains(name);
            let own = is_numbered.then_some(("id", Kind::Integer));
            let (columns, kinds) =
                own.into_iter().chain(columns.iter().map(|(column, _, holds)| (*column, holds.kind()))).unzip();
            let order = match *name {
                "setting" => "name",
                "recipient_key" => "space, key, recipient_id",
                "proxy_address" => "recipient_id, position",
                "um_address" => "address_key, dial_plan_id",
                "um_mailbox" | "pin" => "recipient_id",
                "pin_history" => "recipient_id, version",
                "audit" => "seq",
                "spray_mark" => "mark, recipient_id",
                _ => "id",
            };
            StoredTable { name, columns, kinds, order, is_numbered }
        })
        .collect();
    // People and plans, then what refers to them.
    let rank = |name: &str| match name {
        "setting" | "recipient" | "dial_plan" => 0,
        "policy" => 1,
        "um_mailbox" => 2,
        _ => 3,
    };
    all.sort_by_key(|table| rank(table.name));
    all
}

impl Holds {
    #[cfg(feature = "postgresql")]
    fn kind(&self) -> Kind {
        match self {
            Text | TextOrNull | Word(_) => Kind::Text,
            Guid | KeyId | Bytes(_) => Kind::Blob,
            Number(_) | NumberOrNull(_) | Flag | Moment | Reference => Kind::Integer,
        }
    }

    fn fits(&self, value: Cell<'_>, now: i64) -> bool {
        let text = value.text();
        match (self, value) {
            (TextOrNull | Reference, Cell::Null) => true,
            (Text | TextOrNull, _) => text.is_some(),
            (Word(words), _) => text.is_some_and(|t| words.contains(&t)),
            (Guid, Cell::Blob(bytes)) => bytes.len() == 16,
            (KeyId, Cell::Blob(bytes)) => bytes.len() == 8,
            (Reference, Cell::Integer(_)) => true,
            (Flag, Cell::Integer(n)) => n == 0 || n == 1,
            (Moment, Cell::Integer(n)) => (0..=now.saturating_add(SKEW)).contains(&n),
            (Number(range) | NumberOrNull(range), Cell::Integer(n)) => range.contains(&n),
            (NumberOrNull(_), Cell::Null) => true,
            (Bytes(range), Cell::Blob(bytes)) => range.contains(&bytes.len()),
            _ => false,
        }
    }

    fn fault(&self, value: Cell<'_>, now: i64) -> &'static str {
        match (self, value) {
            (Moment, Cell::Integer(n)) if n > now => "is ahead of now",
            _ => "is none that a cmdlet sets",
        }
    }
}

/// Whom or what a row is about, as its table tells it.
pub(super) enum Subject {
    /// A person, by number.
    Person(i64),
    /// All else, by name.
    Named(String),
    /// Nobody.
    Nobody,
}

impl Subject {
    /// From a column, whatever that holds.
    pub(super) fn read(row: &Row<'_>, at: usize) -> Result<Self> {
        Ok(match row.cell(at)? {
            Cell::Integer(id) => Subject::Person(id),
            Cell::Text(name) => Subject::Named(String::from_utf8_lossy(name).into_owned()),
            _ => Subject::Nobody,
        })
    }
}

impl Tx<'_> {
    /// Values that were never written here. `each` gets what an administrator calls whom or what a row is about, and
    /// the fault.
    pub(crate) fn odd_values(&self, now: i64, mut each: impl FnMut(&str, String) -> Result<()>) -> Result<()> {
        for (table, about, columns) in TABLES {
            let names: Vec<&str> = columns.iter().map(|(name, ..)| *name).collect();
            self.query_each(&format!("SELECT {about}, {} FROM {table}", names.join(", ")), params![], |row| {
                for (at, (_, called, holds)) in columns.iter().enumerate() {
                    let value = row.cell(at + 1)?;
                    if !holds.fits(value, now) {
                        let whose = match Subject::read(row, 0)? {
                            Subject::Nobody => (*table).to_owned(),
                            whose => self.called(&whose),
                        };
                        each(&whose, format!("the {called} {}", holds.fault(value, now)))?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The documents of plans, policies and mailboxes: name (a mailbox's GUID), look-up key, document.
    pub(crate) fn documents(
        &self,
        whose: Documents,
        mut each: impl FnMut(&str, &str, &str) -> Result<()>,
    ) -> Result<()> {
        let query = match whose {
            Documents::DialPlans => "SELECT name, name_key, settings FROM dial_plan",
            Documents::Policies => "SELECT name, name_key, settings FROM policy",
            Documents::Mailboxes => {
                "SELECT r.guid, '' AS name_key, m.settings FROM um_mailbox m JOIN recipient r ON r.id = m.recipient_id"
            }
        };
        self.each_text(query, |[name, key, document]| each(name, key, document))
    }

    /// Every number: its mailbox, dial plan, look-up key and number, and its kind.
    pub(crate) fn numbers(&self, mut each: impl FnMut([&str; 5]) -> Result<()>) -> Result<()> {
        self.each_text(
            "SELECT r.guid, d.guid AS plan, a.address_key, COALESCE(a.address, a.address_key) AS address, \
             CASE a.kind WHEN 0 THEN 'Extension' WHEN 1 THEN 'SipName' WHEN 2 THEN 'E164' ELSE '' END AS kind \
             FROM um_address a JOIN recipient r ON r.id = a.recipient_id JOIN dial_plan d ON d.id = a.dial_plan_id",
            |columns| each(columns),
        )
    }

    /// Every person's GUID.
    pub(crate) fn each_recipient(&self, mut each: impl FnMut(&RecipientGuid) -> Result<()>) -> Result<()> {
        self.each_text("SELECT guid FROM recipient", |[guid]| each(&RecipientGuid::known(guid)))
    }

    /// How an administrator knows a person: by the canonical name; a GUID that is nobody's as it stands there.
    pub(crate) fn name_of(&self, guid: &str) -> String {
        self.recipient(&RecipientGuid::known(guid)).ok().flatten().map_or_else(|| guid.to_owned(), |r| r.canonical_name)
    }

    /// The same of what a row is about.
    pub(super) fn called(&self, whose: &Subject) -> String {
        let id = match whose {
            Subject::Person(id) => *id,
            Subject::Named(name) => return name.clone(),
            Subject::Nobody => return String::new(),
        };
        let name = self.query_optional("SELECT canonical_name FROM recipient WHERE id = ?1", params![id], |r| {
            r.get::<String>("canonical_name")
        });
        name.ok().flatten().unwrap_or_else(|| format!("person {id}"))
    }

    /// Rows of texts, and of GUIDs as texts; what is neither is [`Tx::odd_values`]' to tell, and its row is passed
    /// over.
    fn each_text<const N: usize>(&self, query: &str, mut each: impl FnMut([&str; N]) -> Result<()>) -> Result<()> {
        self.query_each(query, params![], |row| {
            let mut texts = [const { String::new() }; N];
            for (at, text) in texts.iter_mut().enumerate() {
                *text = match row.cell(at)? {
                    Cell::Text(bytes) => match std::str::from_utf8(bytes) {
                        Ok(found) => found.to_owned(),
                        Err(_) => return Ok(()),
                    },
                    Cell::Blob(bytes) => match guid_text(bytes) {
                        Some(guid) => guid,
                        None => return Ok(()),
                    },
                    _ => return Ok(()),
                };
            }
            each(texts.each_ref().map(String::as_str))
        })
    }
}

/// Whose documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Documents {
    /// Dial plans'.
    DialPlans,
    /// Policies'.
    Policies,
    /// Mailboxes', enabled or not.
    Mailboxes,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row's own number, which the database makes and keeps.
    const NOT_LISTED: &[&str] = &["dial_plan.id", "policy.id", "recipient.id"];

    #[test]
    fn every_column_of_the_schema_is_looked_at() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(&crate::store::engine::sqlite::schema::tables()).unwrap();
        let columns = "SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
                       WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY 1";
        let mut statement = connection.prepare(columns).unwrap();
        let all: Vec<String> = statement.query_map([], |r| r.get(0)).unwrap().map(|c| c.unwrap()).collect();
        assert!(all.len() > 50, "{all:?}");
        let listed: Vec<String> = TABLES
            .iter()
            .flat_map(|(table, _, columns)| columns.iter().map(move |(column, ..)| format!("{table}.{column}")))
            .collect();
        let missing: Vec<&String> =
            all.iter().filter(|c| !listed.contains(c) && !NOT_LISTED.contains(&c.as_str())).collect();
        assert!(missing.is_empty(), "{missing:#?}");
        let unknown: Vec<&String> = listed.iter().filter(|c| !all.contains(c)).collect();
        assert!(unknown.is_empty(), "{unknown:#?}");
    }

    /// One row of each table that holds what it should.
    const ROWS: &str = "
        INSERT INTO setting VALUES ('a', 'b');
        INSERT INTO recipient VALUES (1, zeroblob(16), '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '',
            '', 0, 0);
        INSERT INTO recipient_key VALUES (0, '', 1, 1);
        INSERT INTO proxy_address VALUES (1, 0, '', '', 0);
        INSERT INTO dial_plan VALUES (1, zeroblob(16), '', '', 5, 'E164', '', 0, 0);
        INSERT INTO policy VALUES (1, zeroblob(16), '', '', 1, 6, 60, 5, 0, 5, 15, 30, 20, 0, 5, 0, '', 0, 0);
        INSERT INTO um_mailbox VALUES (1, 1, '', 0);
        INSERT INTO um_address VALUES ('', 1, '', 0, 1, 0, 0);
        INSERT INTO pin VALUES (1, 1, zeroblob(16), 8, 1, 1, zeroblob(8), zeroblob(1), 0, 0, 0, 0, 0, 0, 0, 0, 0);
        INSERT INTO pin_history VALUES (1, 1, 8, 1, 1, zeroblob(8), zeroblob(1));
        INSERT INTO outbox VALUES (zeroblob(16), 1, '', 'Reset', '', '', zeroblob(8), zeroblob(1), 0, 0, 0, '', '', 0);
        INSERT INTO audit VALUES (1, 0, '', '', '', '', '', 0, '', zeroblob(32));
        INSERT INTO spray_mark VALUES (zeroblob(2), 1, 0);
    ";

    /// Values about every bound that a column has, and of every other kind.
    fn tried() -> Vec<rusqlite::types::Value> {
        use rusqlite::types::Value::{Blob, Integer, Null, Text};
        let bounds = TABLES.iter().flat_map(|(.., columns)| *columns).filter_map(|(.., holds)| match holds {
            Number(range) | NumberOrNull(range) => Some([*range.start(), *range.end()]),
            _ => None,
        });
        let numbers: std::collections::BTreeSet<i64> = bounds
            .flatten()
            .chain([i64::MIN, -5, 2, LATEST, i64::MAX])
            .flat_map(|bound| [bound.saturating_sub(1), bound, bound.saturating_add(1)])
            .collect();
        let words = ["", "x", "7x", "Reset", "reset", "Welcome", "Changed", "Expiry", "TelExtn", "SipName", "e164"];
        numbers
            .into_iter()
            .map(Integer)
            .chain(words.map(|word| Text(word.into())))
            .chain([0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33].map(|bytes| Blob(vec![0; bytes])))
            .chain([Null])
            .collect()
    }

    #[test]
    fn the_schema_refuses_what_the_self_check_would_name_and_nothing_else() {
        use rusqlite::types::Value;
        let store = rusqlite::Connection::open_in_memory().unwrap();
        store.execute_batch(&crate::store::engine::sqlite::schema::tables()).unwrap();
        store.execute_batch(ROWS).unwrap();
        // As far as a clock can be ahead, so that only moments which none tells are refused.
        let now = LATEST - SKEW;
        let mut refused = 0;
        for (table, _, columns) in TABLES {
            for (column, _, holds) in *columns {
                for value in tried() {
                    let cell = match &value {
                        Value::Null => Cell::Null,
                        Value::Integer(n) => Cell::Integer(*n),
                        Value::Text(text) => Cell::Text(text.as_bytes()),
                        Value::Blob(bytes) => Cell::Blob(bytes),
                        Value::Real(_) => Cell::Other,
                    };
                    let fits = holds.fits(cell, now);
                    // A number that is put into a text becomes one; which rows there are, foreign keys say.
                    if matches!((holds, &value), (Text | TextOrNull | Word(_), Value::Integer(_)) | (Reference, _)) {
                        continue;
                    }
                    store.execute_batch("SAVEPOINT tried; PRAGMA defer_foreign_keys = 1").unwrap();
                    let written = store.execute(&format!("UPDATE {table} SET {column} = ?1"), [&value]);
                    store.execute_batch("ROLLBACK TO tried; RELEASE tried").unwrap();
                    assert_eq!(written.is_ok(), fits, "{table}.{column} = {value:?}: {written:?}");
                    refused += usize::from(!fits);
                }
            }
        }
        assert!(refused > 1_000, "{refused}");
    }

    /// Nobody has the number 0, which stands for nobody.
    #[test]
    fn numbers_that_the_database_gives_out_begin_at_one() {
        let store = rusqlite::Connection::open_in_memory().unwrap();
        store.execute_batch(&crate::store::engine::sqlite::schema::tables()).unwrap();
        store.execute_batch(ROWS).unwrap();
        store.execute_batch("PRAGMA foreign_keys = 0").unwrap();
        for column in NOT_LISTED {
            let (table, id) = column.split_once('.').unwrap();
            for (number, fits) in [(i64::MIN, false), (-5, false), (0, false), (1, true), (7, true)] {
                let written = store.execute(&format!("UPDATE {table} SET {id} = ?1"), [number]);
                assert_eq!(written.is_ok(), fits, "{column} = {number}: {written:?}");
            }
        }
    }
}
