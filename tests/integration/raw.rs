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

    /// The number that a query gives.
    pub fn number(&self, query: &str) -> i64 {
        match self {
            Raw::File(file) => file.query_row(query, [], |r| r.get(0)).unwrap(),
            #[cfg(all(unix, feature = "postgresql"))]
            Raw::Server(client) => client.borrow_mut().query_one(query, &[]).unwrap().get(0),
        }
    }
}
