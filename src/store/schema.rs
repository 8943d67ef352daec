//! The tables, and what a row of each may hold.
//!
//! **Keys.** Inside, everything that other rows refer to has a short number (`id`); its GUID stands once, as 16 bytes.
//! A person's number is never given to another person, so that nothing left behind could be taken for somebody else's.
//! GUIDs are this program's names for things: they alone leave the store, and seals are tied to them.
//!
//! **One tree where one is enough.** A row that is only ever found by its key is stored under it. `recipient_key` is
//! such a tree: every folded text that names a person, in order, so that one tree finds a person by any of them, finds
//! what begins with a text, and lists everybody by canonical name, name or display name. It refers to people without a
//! foreign key: with one, each removal of a person would search the whole tree, or a second copy of every text would be
//! needed to find that person's. [`Tx::put_recipient`](super::Tx::put_recipient) derives a person's entries from the
//! row and removes just those, and the self-check counts them all.
//!
//! **What a row may hold** is said here, by types and CHECK, so that no program can write a count of -5, a fifth kind
//! of number or a second primary one. The ranges are those of `pin::policy` and `crypto::hash`; a version that widens
//! one makes the table anew. What no CHECK can say, the self-check looks for in every row.
//!
//! **Portable.** What engines call differently stands in [`Words`]. Times are milliseconds since 1970-01-01 UTC, before
//! the year 10000; they and random values are made in Rust. Booleans are 0 and 1; texts compare by their bytes; no
//! trigger, no function of an engine. Names are folded in Rust (`directory::identity::fold_case`: Unicode's NFC, then
//! lower case) and stored so, because engines differ in what they call lower case.
//!
//! | table | one row a |
//! | --- | --- |
//! | `setting` | setting of the store itself: its id, the current key's id, the mail transport, sealed subkeys |
//! | `recipient` | person of the directory |
//! | `recipient_key` | folded text that names a person, or by which filters find one |
//! | `proxy_address` | address of a person, in order; EUM ones stand in `um_address` |
//! | `dial_plan`, `policy` | dial plan; policy with its PIN rules in columns and the telephone settings as one document |
//! | `um_mailbox` | mailbox that is or was enabled; `policy_id` is null while disabled |
//! | `um_address` | number or SIP address that signs in (an EUM proxy address), unique in its plan |
//! | `pin` | current PIN: sealed hash and state; `pin_history` the twenty before it |
//! | `outbox` | sealed message that waits |
//! | `audit` | change, chained by a keyed MAC |
//! | `spray_mark` | keyed mark of a wrong guess, erased after an hour |
//!
//! Versions: 1 had texts for keys; `engine/sqlite/upgrade.rs` makes 2, this one, out of it.

use crate::error::{Error, Status};

/// The version that this program reads and writes.
pub(crate) const VERSION: i64 = 2;

/// What engines call differently.
pub(super) struct Words {
    /// Behind a table: columns hold their own type and no other.
    pub typed: &'static str,
    /// The same, and the table is stored under its primary key.
    pub under_its_key: &'static str,
    /// A number that the database gives out and never gives out twice.
    pub numbered: &'static str,
}

/// A version that is none of this program's.
pub(crate) fn too_new() -> Error {
    Error::new(Status::StoreTooNew, "it was written by a newer version of UMMailboxPin")
}

/// The tables, without the indexes that are quicker made when they are full.
pub(super) fn tables(words: &Words) -> String {
    TABLES
        .replace("NUMBERED", words.numbered)
        .replace(") UNDER ITS KEY;", &format!(") {};", words.under_its_key))
        .replace("\n);", &format!("\n) {};", words.typed))
}

const TABLES: &str = "
CREATE TABLE setting (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) UNDER ITS KEY;

CREATE TABLE recipient (
  id                    NUMBERED CHECK (id >= 1),
  guid                  BLOB NOT NULL CHECK (length(guid) = 16),
  name                  TEXT NOT NULL,
  display_name          TEXT NOT NULL,
  first_name            TEXT NOT NULL,
  last_name             TEXT NOT NULL,
  alias                 TEXT NOT NULL,
  sam_account_name      TEXT NOT NULL,
  user_principal_name   TEXT NOT NULL,
  primary_smtp_address  TEXT NOT NULL,
  legacy_exchange_dn    TEXT NOT NULL,
  distinguished_name    TEXT NOT NULL,
  canonical_name        TEXT NOT NULL,
  phone                 TEXT NOT NULL,
  linked_master_account TEXT NOT NULL,
  server_name           TEXT NOT NULL,
  server_legacy_dn      TEXT NOT NULL,
  language              TEXT NOT NULL,
  netbios_domain        TEXT NOT NULL,
  when_created          INTEGER NOT NULL CHECK (when_created BETWEEN 0 AND 253402300799999),
  when_changed          INTEGER NOT NULL CHECK (when_changed BETWEEN 0 AND 253402300799999)
);

-- space: 0 words (names, aliases, mail addresses), 1 canonical names, 2 other paths, 3 proxy addresses of other kinds.
-- forms: which of a person's texts this is, one bit each (store/recipients.rs).
CREATE TABLE recipient_key (
  space        INTEGER NOT NULL CHECK (space BETWEEN 0 AND 3),
  key          TEXT NOT NULL,
  recipient_id INTEGER NOT NULL,
  forms        INTEGER NOT NULL CHECK (forms BETWEEN 1 AND 65535),
  PRIMARY KEY (space, key, recipient_id)
) UNDER ITS KEY;

CREATE TABLE proxy_address (
  recipient_id INTEGER NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
  position     INTEGER NOT NULL CHECK (position BETWEEN 0 AND 4294967295),
  prefix       TEXT NOT NULL,
  address      TEXT NOT NULL,
  is_primary   INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
  PRIMARY KEY (recipient_id, position)
) UNDER ITS KEY;

CREATE TABLE dial_plan (
  id           NUMBERED CHECK (id >= 1),
  guid         BLOB NOT NULL UNIQUE CHECK (length(guid) = 16),
  name         TEXT NOT NULL,
  name_key     TEXT NOT NULL UNIQUE,
  digits       INTEGER NOT NULL CHECK (digits BETWEEN 1 AND 20),
  uri_type     TEXT NOT NULL CHECK (uri_type IN ('TelExtn', 'E164', 'SipName')),
  settings     TEXT NOT NULL,
  when_created INTEGER NOT NULL CHECK (when_created BETWEEN 0 AND 253402300799999),
  when_changed INTEGER NOT NULL CHECK (when_changed BETWEEN 0 AND 253402300799999)
);

CREATE TABLE policy (
  id                    NUMBERED CHECK (id >= 1),
  guid                  BLOB NOT NULL UNIQUE CHECK (length(guid) = 16),
  name                  TEXT NOT NULL,
  name_key              TEXT NOT NULL UNIQUE,
  dial_plan_id          INTEGER NOT NULL REFERENCES dial_plan (id),
  min_length            INTEGER NOT NULL CHECK (min_length BETWEEN 4 AND 24),
  lifetime_days         INTEGER CHECK (lifetime_days BETWEEN 1 AND 999),
  history_count         INTEGER NOT NULL CHECK (history_count BETWEEN 1 AND 20),
  allow_common_patterns INTEGER NOT NULL CHECK (allow_common_patterns IN (0, 1)),
  failures_before_reset INTEGER CHECK (failures_before_reset BETWEEN 0 AND 998),
  max_attempts          INTEGER CHECK (max_attempts BETWEEN 1 AND 999),
  lockout_minutes       INTEGER CHECK (lockout_minutes BETWEEN 1 AND 1440),
  lifetime_failures     INTEGER CHECK (lifetime_failures BETWEEN 1 AND 5000),
  block_human_pins      INTEGER NOT NULL CHECK (block_human_pins IN (0, 1)),
  expiry_notice_days    INTEGER CHECK (expiry_notice_days BETWEEN 1 AND 30),
  notify_without_pin    INTEGER NOT NULL CHECK (notify_without_pin IN (0, 1)),
  settings              TEXT NOT NULL,
  when_created          INTEGER NOT NULL CHECK (when_created BETWEEN 0 AND 253402300799999),
  when_changed          INTEGER NOT NULL CHECK (when_changed BETWEEN 0 AND 253402300799999)
);

CREATE TABLE um_mailbox (
  recipient_id INTEGER NOT NULL PRIMARY KEY REFERENCES recipient (id),
  policy_id    INTEGER REFERENCES policy (id),
  settings     TEXT NOT NULL,
  when_changed INTEGER NOT NULL CHECK (when_changed BETWEEN 0 AND 253402300799999)
);

-- address: as it was given, null where that is the key itself. kind: 0 extension, 1 SIP address, 2 E.164 number.
CREATE TABLE um_address (
  address_key  TEXT NOT NULL,
  dial_plan_id INTEGER NOT NULL REFERENCES dial_plan (id),
  address      TEXT,
  kind         INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
  recipient_id INTEGER NOT NULL REFERENCES um_mailbox (recipient_id),
  is_primary   INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
  position     INTEGER NOT NULL CHECK (position BETWEEN 0 AND 4294967295),
  PRIMARY KEY (address_key, dial_plan_id)
) UNDER ITS KEY;

-- epoch: grows whenever an administrator clears the counts of failures while the PIN stays.
CREATE TABLE pin (
  recipient_id      INTEGER NOT NULL PRIMARY KEY REFERENCES um_mailbox (recipient_id),
  version           INTEGER NOT NULL CHECK (version >= 1),
  salt              BLOB NOT NULL CHECK (length(salt) = 16),
  memory_kib        INTEGER NOT NULL CHECK (memory_kib BETWEEN 8 AND 1048576),
  passes            INTEGER NOT NULL CHECK (passes BETWEEN 1 AND 64),
  lanes             INTEGER NOT NULL CHECK (lanes BETWEEN 1 AND 64),
  key_id            BLOB NOT NULL CHECK (length(key_id) = 8),
  sealed            BLOB NOT NULL CHECK (length(sealed) >= 1),
  set_at            INTEGER NOT NULL CHECK (set_at BETWEEN 0 AND 253402300799999),
  forced_expired    INTEGER NOT NULL CHECK (forced_expired IN (0, 1)),
  first_time_user   INTEGER NOT NULL CHECK (first_time_user IN (0, 1)),
  failures          INTEGER NOT NULL CHECK (failures BETWEEN 0 AND 4294967295),
  last_failure_at   INTEGER NOT NULL CHECK (last_failure_at BETWEEN 0 AND 253402300799999),
  lifetime_failures INTEGER NOT NULL CHECK (lifetime_failures BETWEEN 0 AND 4294967295),
  epoch             INTEGER NOT NULL CHECK (epoch BETWEEN 0 AND 4294967295),
  admin_locked      INTEGER NOT NULL CHECK (admin_locked IN (0, 1)),
  expiry_noticed    INTEGER NOT NULL CHECK (expiry_noticed IN (0, 1))
);

CREATE TABLE pin_history (
  recipient_id INTEGER NOT NULL REFERENCES um_mailbox (recipient_id),
  version      INTEGER NOT NULL CHECK (version >= 1),
  memory_kib   INTEGER NOT NULL CHECK (memory_kib BETWEEN 8 AND 1048576),
  passes       INTEGER NOT NULL CHECK (passes BETWEEN 1 AND 64),
  lanes        INTEGER NOT NULL CHECK (lanes BETWEEN 1 AND 64),
  key_id       BLOB NOT NULL CHECK (length(key_id) = 8),
  sealed       BLOB NOT NULL CHECK (length(sealed) >= 1),
  PRIMARY KEY (recipient_id, version)
) UNDER ITS KEY;

-- recipient_id: null where a message is about nobody of the directory.
CREATE TABLE outbox (
  id            BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  recipient_id  INTEGER REFERENCES recipient (id),
  user_id       TEXT NOT NULL,
  kind          TEXT NOT NULL CHECK (kind IN ('Welcome', 'Reset', 'Changed', 'Expiry')),
  to_address    TEXT NOT NULL,
  message_id    TEXT NOT NULL,
  key_id        BLOB NOT NULL CHECK (length(key_id) = 8),
  sealed        BLOB NOT NULL CHECK (length(sealed) >= 1),
  queued_at     INTEGER NOT NULL CHECK (queued_at BETWEEN 0 AND 253402300799999),
  due_at        INTEGER NOT NULL CHECK (due_at BETWEEN 0 AND 253402300799999),
  attempts      INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 4294967295),
  last_error    TEXT NOT NULL,
  claimed_by    TEXT NOT NULL,
  claimed_until INTEGER NOT NULL CHECK (claimed_until BETWEEN 0 AND 253402300799999)
) UNDER ITS KEY;

CREATE TABLE audit (
  seq        INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 1),
  at         INTEGER NOT NULL CHECK (at BETWEEN 0 AND 253402300799999),
  caller     TEXT NOT NULL,
  claimed    TEXT NOT NULL,
  cmdlet     TEXT NOT NULL,
  object     TEXT NOT NULL,
  parameters TEXT NOT NULL,
  succeeded  INTEGER NOT NULL CHECK (succeeded IN (0, 1)),
  detail     TEXT NOT NULL,
  mac        BLOB NOT NULL CHECK (length(mac) = 32)
);

-- recipient_id: 0 says that the mark was recorded in the audit trail.
CREATE TABLE spray_mark (
  mark         BLOB NOT NULL CHECK (length(mark) = 2),
  recipient_id INTEGER NOT NULL CHECK (recipient_id >= 0),
  at           INTEGER NOT NULL CHECK (at BETWEEN 0 AND 253402300799999),
  PRIMARY KEY (mark, recipient_id)
) UNDER ITS KEY;
";

/// A condition on an index (only the rows that fit stand in it) is written alike in SQLite and PostgreSQL.
pub(super) const INDEXES: &str = "
CREATE UNIQUE INDEX IF NOT EXISTS recipient_by_guid ON recipient (guid);
CREATE INDEX recipient_by_server ON recipient (server_legacy_dn, id);
CREATE INDEX policy_by_dial_plan ON policy (dial_plan_id);
CREATE INDEX um_mailbox_by_policy ON um_mailbox (policy_id);
CREATE UNIQUE INDEX um_address_by_recipient ON um_address (recipient_id, position);
CREATE UNIQUE INDEX um_address_one_primary ON um_address (recipient_id) WHERE is_primary = 1;
CREATE INDEX pin_by_key ON pin (key_id);
CREATE INDEX pin_history_by_key ON pin_history (key_id);
CREATE INDEX outbox_by_due ON outbox (due_at);
CREATE INDEX outbox_by_recipient ON outbox (recipient_id);
CREATE INDEX spray_mark_by_time ON spray_mark (at);
";
