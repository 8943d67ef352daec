//! What the statements of the store run on. An engine connects, begins, runs and ends; it takes values and gives cells
//! of the few kinds below, and tells its failures as ours. What a statement says is written once, outside of here.

#[cfg(feature = "postgresql")]
pub(super) mod postgres;
pub(super) mod sqlite;

use std::borrow::Cow;

use crate::error::{Condition, Error, Result};
use crate::guid::RecipientGuid;

/// How a piece of work stands to others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Scope<'a> {
    /// Statements each of which is a snapshot by itself.
    Statement,
    /// Several, on one snapshot.
    Snapshot,
    /// As the only writer, undone at the end.
    Rehearsal,
    /// As the only writer, on disk at the end.
    Change,
    /// As the only writer to one mailbox (or to none), on disk at the end. Engines with one writer make no difference.
    Mailbox(Option<&'a RecipientGuid>),
}

/// An open connection of an engine.
#[derive(Clone, Copy)]
pub(in crate::store) enum On<'a> {
    /// SQLite's.
    Sqlite(&'a rusqlite::Connection),
    /// PostgreSQL's.
    #[cfg(feature = "postgresql")]
    Postgres(&'a (dyn postgres::Runs + 'a)),
}

/// A value on its way into the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Value<'a> {
    /// None, of a column of this kind.
    Null(Kind),
    /// A whole number; 0 and 1 for Booleans.
    Integer(i64),
    /// UTF-8.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Cow<'a, [u8]>),
}

/// The kinds of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Integer,
    Text,
    Blob,
}

/// A value as it stands in a row, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) enum Cell<'a> {
    Null,
    Integer(i64),
    /// UTF-8, unless somebody else wrote it.
    Text(&'a [u8]),
    Blob(&'a [u8]),
    /// Of a kind that no column has.
    Other,
}

/// What can be a statement's parameter.
pub(in crate::store) trait ToColumn {
    /// The value that the database gets.
    fn value(&self) -> Value<'_>;
}

/// The same of a type whose column is of one kind, so that its absence has a kind, too.
pub(in crate::store) trait Typed: ToColumn {
    const KIND: Kind;
}

/// What can be read from a row.
pub(in crate::store) trait FromColumn: Sized {
    /// `None` where the cell holds what this program never writes.
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

/// The parameters of a statement, `?1` and so on.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$(&$value as &dyn $crate::store::engine::ToColumn),*] };
}
pub(in crate::store) use params;

/// The same of values that are made as the statement is.
pub(in crate::store) fn params_of<'v>(values: &'v [Value<'_>]) -> Vec<&'v dyn ToColumn> {
    values.iter().map(|value| value as &dyn ToColumn).collect()
}

/// One row that a statement found.
pub(in crate::store) enum Row<'a> {
    Sqlite(sqlite::Found<'a>),
    #[cfg(feature = "postgresql")]
    Postgres(&'a ::postgres::Row),
}

impl Row<'_> {
    /// A column by its name.
    pub(in crate::store) fn get<T: FromColumn>(&self, column: &str) -> Result<T> {
        let cell = match self {
            Row::Sqlite(found) => found.named(column)?,
            #[cfg(feature = "postgresql")]
            Row::Postgres(row) => postgres::cell_named(row, column)?,
        };
        T::from_cell(cell).ok_or_else(damaged_row)
    }

    /// The column behind the one that was read last, of statements whose rows are read in the order of their columns,
    /// where looking at each one's name costs a tenth of a look-up. Builds with debug assertions look.
    pub(in crate::store) fn next<T: FromColumn>(&self, column: &str) -> Result<T> {
        let cell = match self {
            Row::Sqlite(found) => found.next(column)?,
            #[cfg(feature = "postgresql")]
            Row::Postgres(row) => postgres::cell_named(row, column)?,
        };
        T::from_cell(cell).ok_or_else(damaged_row)
    }

    /// A column by its place, whatever it holds.
    pub(in crate::store) fn cell(&self, at: usize) -> Result<Cell<'_>> {
        match self {
            Row::Sqlite(found) => found.at(at),
            #[cfg(feature = "postgresql")]
            Row::Postgres(row) => postgres::cell(row, at),
        }
    }
}

/// A row that holds what no cmdlet wrote. The text never holds the value.
pub(in crate::store) fn damaged_row() -> Error {
    Error::on(
        Condition::RowDamaged,
        "a row holds what no cmdlet wrote; it was changed outside this program, and Test-UMPinStore says where",
    )
}

impl<'a> Cell<'a> {
    /// Text that is one.
    pub(in crate::store) fn text(self) -> Option<&'a str> {
        match self {
            Cell::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Bytes.
    pub(in crate::store) fn blob(self) -> Option<&'a [u8]> {
        match self {
            Cell::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A number.
    pub(in crate::store) fn integer(self) -> Option<i64> {
        match self {
            Cell::Integer(n) => Some(n),
            _ => None,
        }
    }
}

impl On<'_> {
    /// Runs a statement that finds nothing.
    pub(in crate::store) fn execute(self, statement: &str, parameters: &[&dyn ToColumn]) -> Result<()> {
        match self {
            On::Sqlite(connection) => sqlite::execute(connection, statement, parameters),
            #[cfg(feature = "postgresql")]
            On::Postgres(running) => running.execute(statement, parameters),
        }
    }

    /// Gives one row after the other, of a statement that finds few; `each` says whether to go on.
    pub(in crate::store) fn query(
        self,
        statement: &str,
        parameters: &[&dyn ToColumn],
        each: impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        match self {
            On::Sqlite(connection) => sqlite::query(connection, statement, parameters, each),
            #[cfg(feature = "postgresql")]
            On::Postgres(running) => {
                let mut each = each;
                running.query(statement, parameters, &mut each)
            }
        }
    }

    /// The same of one that may find everything, so that memory does not grow with the number of rows.
    pub(in crate::store) fn walk(
        self,
        statement: &str,
        parameters: &[&dyn ToColumn],
        each: impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        match self {
            On::Sqlite(connection) => sqlite::query(connection, statement, parameters, each),
            #[cfg(feature = "postgresql")]
            On::Postgres(running) => {
                let mut each = each;
                running.walk(statement, parameters, &mut each)
            }
        }
    }

    /// Says what will be queried with these parameters before anything is written: where each statement is a way to a
    /// server and back, those that are known beforehand make it together.
    #[cfg_attr(not(feature = "postgresql"), allow(unused_variables))]
    pub(in crate::store) fn query_soon(self, statement: &str, parameters: &[&dyn ToColumn]) -> Result<()> {
        match self {
            On::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgresql")]
            On::Postgres(running) => running.query_soon(statement, parameters),
        }
    }

    /// Whether this transaction keeps nobody waiting who could go on, and may read the trail.
    pub(in crate::store) fn may_tidy_trail(self) -> bool {
        match self {
            On::Sqlite(_) => true,
            #[cfg(feature = "postgresql")]
            On::Postgres(running) => running.may_tidy_trail(),
        }
    }

    /// Nobody else writes to the audit trail until the transaction ends: where there is one writer, nobody does.
    pub(in crate::store) fn lock_trail(self) -> Result<()> {
        match self {
            On::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgresql")]
            On::Postgres(running) => running.lock_trail(),
        }
    }
}

impl ToColumn for Value<'_> {
    fn value(&self) -> Value<'_> {
        match self {
            Value::Null(kind) => Value::Null(*kind),
            Value::Integer(n) => Value::Integer(*n),
            Value::Text(text) => Value::Text(Cow::Borrowed(text)),
            Value::Blob(bytes) => Value::Blob(Cow::Borrowed(bytes)),
        }
    }
}

impl<T: Typed> ToColumn for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null(T::KIND), ToColumn::value)
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            _ => T::from_cell(cell).map(Some),
        }
    }
}

impl<T: ToColumn> ToColumn for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<T: Typed> Typed for &T {
    const KIND: Kind = T::KIND;
}

impl ToColumn for &str {
    fn value(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl ToColumn for String {
    fn value(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl Typed for String {
    const KIND: Kind = Kind::Text;
}

impl FromColumn for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        cell.text().map(str::to_owned)
    }
}

impl ToColumn for &[u8] {
    fn value(&self) -> Value<'_> {
        Value::Blob(Cow::Borrowed(self))
    }
}

impl ToColumn for Vec<u8> {
    fn value(&self) -> Value<'_> {
        Value::Blob(Cow::Borrowed(self))
    }
}

impl FromColumn for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        cell.blob().map(<[u8]>::to_vec)
    }
}

macro_rules! numbers {
    ($($name:ty)*) => {$(
        impl ToColumn for $name {
            fn value(&self) -> Value<'_> {
                Value::Integer(i64::from(*self))
            }
        }

        impl Typed for $name {
            const KIND: Kind = Kind::Integer;
        }

        impl FromColumn for $name {
            fn from_cell(cell: Cell<'_>) -> Option<Self> {
                cell.integer().and_then(|n| n.try_into().ok())
            }
        }
    )*};
}

numbers! { i64 u32 }

impl ToColumn for bool {
    fn value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl FromColumn for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        cell.integer().map(|n| n != 0)
    }
}
