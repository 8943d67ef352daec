//! What stands in a store, changed and read past the library.

use std::path::Path;

#[cfg(all(unix, feature = "postgresql"))]
use crate::support::postgresql;

/// The store as somebody has it who writes past the library.
pub enum Raw {
    File(rusqlite::Connection),
    #[cfg(all(unix, feature = "postgresql"))]
    Server(std::cell::RefCell<::postgres::Client>),
}

impl Raw {
    /// Of the tests in this folder.
    pub fn of(folder: &Path) -> Self {
        #[cfg(all(unix, feature = "postgresql"))]
        if postgresql::is_chosen() {
            let mut client = postgresql::Server::shared().client(&postgresql::database_of(folder));
            client.batch_execute("SET search_path = ummailboxpin, pg_temp").unwrap();
            return Raw::Server(client.into());
        }
        Raw::File(rusqlite::Connection::open(folder.join("um.db")).unwrap())
    }

    /// Runs statements in SQLite's words.
    pub fn run(&self, statements: &str) {
        match self {
            Raw::File(file) => file.execute_batch(statements).unwrap(),
            #[cfg(all(unix, feature = "postgresql"))]
            Raw::Server(client) => client.borrow_mut().batch_execute(&statements.replace("= x'", "= '\\x")).unwrap(),
        }
    }

    /// The same as one who has first put out of force what the schema says of a column.
    #[cfg_attr(not(all(unix, feature = "postgresql")), allow(unused_variables))]
    pub fn run_unchecked(&self, table: &str, column: &str, statements: &str) {
        match self {
            Raw::File(_) => self.run(&format!("PRAGMA ignore_check_constraints = 1; {statements}")),
            #[cfg(all(unix, feature = "postgresql"))]
            Raw::Server(_) => {
                self.run(&format!("ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_check; {statements}"));
            }
        }
    }

    /// The number that a query gives.
    pub fn number(&self, query: &str) -> i64 {
        match self {
            Raw::File(file) => file.query_row(query, [], |r| r.get(0)).unwrap(),
            #[cfg(all(unix, feature = "postgresql"))]
            Raw::Server(client) => client.borrow_mut().query_one(query, &[]).unwrap().get(0),
        }
    }
}
