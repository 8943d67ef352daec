//! The tables, by version. A version that was ever released is never edited; a change is a new one at the end.
//!
//! Written for SQLite and PostgreSQL alike: text GUIDs for keys, times as milliseconds since 1970-01-01 UTC and
//! random values made in Rust, 0 and 1 for Booleans, no trigger and no function of an engine.
//!
//! | table | one row a |
//! | --- | --- |
//! | `setting` | setting of the store itself: its id, the current key's id, the mail transport, sealed subkeys |
//! | `recipient` | person of the directory; `recipient_key` holds every folded text that names one, `proxy_address` the addresses |
//! | `dial_plan`, `policy` | dial plan; policy with its PIN rules in columns and the telephone settings as one document |
//! | `um_mailbox` | mailbox that is or was enabled; `policy_guid` is null while disabled |
//! | `um_address` | number or SIP address that signs in (an EUM proxy address), unique in its plan |
//! | `pin` | current PIN: sealed hash and state; `pin_history` the twenty before it |
//! | `outbox` | sealed message that waits |
//! | `audit` | change, chained by a keyed MAC |
//! | `spray_mark` | keyed mark of a wrong guess, erased after an hour |
//!
//! Versions: 1, the first.

use rusqlite::{Connection, TransactionBehavior};

use super::sql;
use crate::error::{Error, Result, Status};

/// All versions in order: what makes each out of the one before.
pub(crate) const VERSIONS: &[&str] = &[VERSION_1];

/// Brings a database to the newest of `versions`. The look at its version and the work are one transaction: whoever
/// opens it at the same time waits, and then finds nothing left to do.
pub(crate) fn migrate(connection: &mut Connection, versions: &[&str]) -> Result<()> {
    let newest = versions.len();
    // Almost always it is the newest already, and then nobody need wait for a lock. Only the look below decides.
    if version(connection)? == newest {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    let now = version(&tx)?;
    let Some(missing) = versions.get(now..) else {
        return Err(Error::new(Status::StoreTooNew, "it was written by a newer version of UMMailboxPin"));
    };
    for version in missing {
        tx.execute_batch(version).map_err(sql)?;
    }
    tx.pragma_update(None, "user_version", newest as i64).map_err(sql)?;
    tx.commit().map_err(sql)
}

fn version(connection: &Connection) -> Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(sql)?;
    // A negative one was never written here.
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

const VERSION_1: &str = "
CREATE TABLE setting (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE recipient (
  guid                 TEXT NOT NULL PRIMARY KEY,
  name                 TEXT NOT NULL,
  display_name         TEXT NOT NULL,
  first_name           TEXT NOT NULL,
  last_name            TEXT NOT NULL,
  alias                TEXT NOT NULL,
  sam_account_name     TEXT NOT NULL,
  user_principal_name  TEXT NOT NULL,
  primary_smtp_address TEXT NOT NULL,
  legacy_exchange_dn   TEXT NOT NULL,
  distinguished_name   TEXT NOT NULL,
  canonical_name       TEXT NOT NULL,
  phone                TEXT NOT NULL,
  linked_master_account TEXT NOT NULL,
  server_name          TEXT NOT NULL,
  server_legacy_dn     TEXT NOT NULL,
  language             TEXT NOT NULL,
  netbios_domain       TEXT NOT NULL,
  when_created         BIGINT NOT NULL,
  when_changed         BIGINT NOT NULL
);
CREATE INDEX recipient_by_canonical ON recipient (canonical_name);

CREATE TABLE recipient_key (
  key            TEXT NOT NULL,
  form           TEXT NOT NULL,
  recipient_guid TEXT NOT NULL REFERENCES recipient (guid) ON DELETE CASCADE,
  PRIMARY KEY (key, form, recipient_guid)
);
CREATE INDEX recipient_key_by_recipient ON recipient_key (recipient_guid);

CREATE TABLE proxy_address (
  recipient_guid TEXT NOT NULL REFERENCES recipient (guid) ON DELETE CASCADE,
  position       INTEGER NOT NULL,
  prefix         TEXT NOT NULL,
  address        TEXT NOT NULL,
  is_primary     INTEGER NOT NULL,
  PRIMARY KEY (recipient_guid, position)
);

CREATE TABLE dial_plan (
  guid         TEXT NOT NULL PRIMARY KEY,
  name         TEXT NOT NULL,
  name_key     TEXT NOT NULL UNIQUE,
  digits       INTEGER NOT NULL,
  uri_type     TEXT NOT NULL,
  settings     TEXT NOT NULL,
  when_created BIGINT NOT NULL,
  when_changed BIGINT NOT NULL
);

CREATE TABLE policy (
  guid                  TEXT NOT NULL PRIMARY KEY,
  name                  TEXT NOT NULL,
  name_key              TEXT NOT NULL UNIQUE,
  dial_plan_guid        TEXT NOT NULL REFERENCES dial_plan (guid),
  min_length            INTEGER NOT NULL,
  lifetime_days         INTEGER,
  history_count         INTEGER NOT NULL,
  allow_common_patterns INTEGER NOT NULL,
  failures_before_reset INTEGER,
  max_attempts          INTEGER,
  lockout_minutes       INTEGER,
  lifetime_failures     INTEGER,
  block_human_pins      INTEGER NOT NULL,
  expiry_notice_days    INTEGER,
  notify_without_pin    INTEGER NOT NULL,
  settings              TEXT NOT NULL,
  when_created          BIGINT NOT NULL,
  when_changed          BIGINT NOT NULL
);
CREATE INDEX policy_by_dial_plan ON policy (dial_plan_guid);

CREATE TABLE um_mailbox (
  recipient_guid TEXT NOT NULL PRIMARY KEY REFERENCES recipient (guid),
  policy_guid    TEXT REFERENCES policy (guid),
  settings       TEXT NOT NULL,
  when_changed   BIGINT NOT NULL
);
CREATE INDEX um_mailbox_by_policy ON um_mailbox (policy_guid);

CREATE TABLE um_address (
  dial_plan_guid TEXT NOT NULL REFERENCES dial_plan (guid),
  address_key    TEXT NOT NULL,
  address        TEXT NOT NULL,
  kind           TEXT NOT NULL,
  recipient_guid TEXT NOT NULL REFERENCES um_mailbox (recipient_guid),
  is_primary     INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  PRIMARY KEY (dial_plan_guid, address_key)
);
CREATE INDEX um_address_by_recipient ON um_address (recipient_guid, position);
CREATE INDEX um_address_by_key ON um_address (address_key);

CREATE TABLE pin (
  recipient_guid    TEXT NOT NULL PRIMARY KEY REFERENCES um_mailbox (recipient_guid),
  version           BIGINT NOT NULL,
  salt              BYTEA NOT NULL,
  memory_kib        INTEGER NOT NULL,
  passes            INTEGER NOT NULL,
  lanes             INTEGER NOT NULL,
  key_id            TEXT NOT NULL,
  sealed            BYTEA NOT NULL,
  set_at            BIGINT NOT NULL,
  forced_expired    INTEGER NOT NULL,
  first_time_user   INTEGER NOT NULL,
  failures          BIGINT NOT NULL,
  last_failure_at   BIGINT NOT NULL,
  lifetime_failures BIGINT NOT NULL,
  admin_locked      INTEGER NOT NULL,
  expiry_noticed    INTEGER NOT NULL
);
CREATE INDEX pin_by_key ON pin (key_id);

CREATE TABLE pin_history (
  recipient_guid TEXT NOT NULL REFERENCES um_mailbox (recipient_guid),
  version        BIGINT NOT NULL,
  memory_kib     INTEGER NOT NULL,
  passes         INTEGER NOT NULL,
  lanes          INTEGER NOT NULL,
  key_id         TEXT NOT NULL,
  sealed         BYTEA NOT NULL,
  PRIMARY KEY (recipient_guid, version)
);
CREATE INDEX pin_history_by_key ON pin_history (key_id);

CREATE TABLE outbox (
  id             TEXT NOT NULL PRIMARY KEY,
  recipient_guid TEXT NOT NULL,
  user_id        TEXT NOT NULL,
  kind           TEXT NOT NULL,
  to_address     TEXT NOT NULL,
  message_id     TEXT NOT NULL,
  key_id         TEXT NOT NULL,
  sealed         BYTEA NOT NULL,
  queued_at      BIGINT NOT NULL,
  due_at         BIGINT NOT NULL,
  attempts       INTEGER NOT NULL,
  last_error     TEXT NOT NULL,
  claimed_by     TEXT NOT NULL,
  claimed_until  BIGINT NOT NULL
);
CREATE INDEX outbox_by_due ON outbox (due_at);
CREATE INDEX outbox_by_recipient ON outbox (recipient_guid);
CREATE INDEX outbox_by_key ON outbox (key_id);

CREATE TABLE audit (
  seq        BIGINT NOT NULL PRIMARY KEY,
  at         BIGINT NOT NULL,
  caller     TEXT NOT NULL,
  claimed    TEXT NOT NULL,
  cmdlet     TEXT NOT NULL,
  object     TEXT NOT NULL,
  parameters TEXT NOT NULL,
  succeeded  INTEGER NOT NULL,
  detail     TEXT NOT NULL,
  mac        BYTEA NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);

CREATE TABLE spray_mark (
  mark           BYTEA NOT NULL,
  recipient_guid TEXT NOT NULL,
  at             BIGINT NOT NULL,
  PRIMARY KEY (mark, recipient_guid)
);
CREATE INDEX spray_mark_by_time ON spray_mark (at);
";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn open(path: &std::path::Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        connection
    }

    #[test]
    fn whoever_comes_while_the_tables_are_made_waits_and_finds_them_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("um.db");
        for newest in 1..=2 {
            let versions = &[VERSION_1, "CREATE TABLE second (x INTEGER)"][..newest];
            let mut first = open(&path);
            let _: String = first.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0)).unwrap();
            let work = first.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            let mut second = open(&path);
            assert!(version(&second).unwrap() < newest, "it looks before the first is done");
            std::thread::scope(|scope| {
                let second = scope.spawn(move || migrate(&mut second, versions));
                // Long enough for a look outside the transaction to be a look too early.
                std::thread::sleep(Duration::from_millis(100));
                work.execute_batch(versions[newest - 1]).unwrap();
                work.pragma_update(None, "user_version", newest as i64).unwrap();
                work.commit().unwrap();
                second.join().unwrap().unwrap();
            });
            assert_eq!(version(&first).unwrap(), newest);
        }
    }

    #[test]
    fn versions_that_are_missing_are_made_up_for_and_a_newer_one_is_refused() {
        let versions = [VERSION_1, "CREATE TABLE second (x INTEGER)", "ALTER TABLE second ADD COLUMN y INTEGER"];
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &versions[..1]).unwrap();
        migrate(&mut connection, &versions).unwrap();
        connection.execute_batch("INSERT INTO second (x, y) VALUES (1, 2)").unwrap();
        migrate(&mut connection, &versions).unwrap();
        assert_eq!(version(&connection).unwrap(), 3);
        for strange in [4, -1] {
            connection.pragma_update(None, "user_version", strange).unwrap();
            assert_eq!(migrate(&mut connection, &versions).unwrap_err().status, Status::StoreTooNew);
        }
    }

    #[test]
    fn a_version_that_fails_leaves_nothing_of_itself() {
        let mut connection = Connection::open_in_memory().unwrap();
        let versions = ["CREATE TABLE one (x INTEGER); CREATE TABLE one (x INTEGER)"];
        migrate(&mut connection, &versions).unwrap_err();
        assert_eq!(version(&connection).unwrap(), 0);
        connection.execute_batch("CREATE TABLE one (x INTEGER)").unwrap();
    }
}
