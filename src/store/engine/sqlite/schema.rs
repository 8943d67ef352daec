//! The store's tables in a file of SQLite's.

use rusqlite::{Connection, TransactionBehavior};

use super::sql;
use crate::error::Result;
use crate::store::schema::{self, Words};

pub(super) use crate::store::schema::{INDEXES, VERSION, too_new};

const WORDS: Words =
    Words { typed: "STRICT", under_its_key: "STRICT, WITHOUT ROWID", numbered: "INTEGER PRIMARY KEY AUTOINCREMENT" };

/// The tables, without the indexes that are quicker made when they are full.
pub(in crate::store) fn tables() -> String {
    schema::tables(&WORDS)
}

/// The version of the schema in a database; 0 in an empty one.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    connection.pragma_query_value(None, "user_version", |r| r.get(0)).map_err(sql)
}

/// Makes the tables in an empty database. The look at its version and the work are one transaction: whoever opens it at
/// the same time waits, and then finds nothing left to do.
pub(super) fn create(connection: &mut Connection) -> Result<()> {
    // Almost always they are there already, and then nobody need wait for a lock. Only the look below decides.
    if version(connection)? != 0 {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    if version(&tx)? == 0 {
        tx.execute_batch(&tables()).map_err(sql)?;
        tx.execute_batch(INDEXES).map_err(sql)?;
        tx.pragma_update(None, "user_version", VERSION).map_err(sql)?;
    }
    tx.commit().map_err(sql)
}

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
        let mut first = open(&path);
        let _: String = first.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0)).unwrap();
        let work = first.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let mut second = open(&path);
        assert_eq!(version(&second).unwrap(), 0, "it looks before the first is done");
        std::thread::scope(|scope| {
            let second = scope.spawn(move || create(&mut second));
            // Long enough for a look outside the transaction to be a look too early.
            std::thread::sleep(Duration::from_millis(100));
            work.execute_batch(&tables()).unwrap();
            work.pragma_update(None, "user_version", VERSION).unwrap();
            work.commit().unwrap();
            second.join().unwrap().unwrap();
        });
        assert_eq!(version(&first).unwrap(), VERSION);
    }

    #[test]
    fn tables_that_cannot_be_made_leave_nothing_of_themselves() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE spray_mark (x INTEGER)").unwrap();
        create(&mut connection).unwrap_err();
        assert_eq!(version(&connection).unwrap(), 0);
        let tables: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |r| r.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn every_table_holds_its_types_and_no_other_word_of_the_engine_is_left() {
        let text = tables();
        assert_eq!(text.matches("CREATE TABLE").count(), text.matches(") STRICT").count());
        assert!(!text.contains("UNDER ITS KEY") && !text.contains("NUMBERED"));
    }
}
