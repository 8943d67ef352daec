//! One database handle as two connections of the library that has it.

#![allow(unsafe_code)]

use rusqlite::Connection;

/// Lends the handle of `connection` to what wants a connection for itself, for as long as `work` takes. Meant for a
/// database that is a backup's source, which SQLite lets change between two steps and the library does not.
pub(crate) fn with_handle_of<T>(
    connection: &Connection,
    work: impl FnOnce(&mut Connection) -> T,
) -> rusqlite::Result<T> {
    // SAFETY: the handle outlives this call, in which nobody else uses it: a connection is one thread's at a time. What
    // is made of it here does not close it.
    let mut same = unsafe { Connection::from_handle(connection.handle()) }?;
    Ok(work(&mut same))
}
