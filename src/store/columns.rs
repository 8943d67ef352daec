//! The edge between the types of this program and the columns of the database.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};

use crate::crypto::key::KeyId;
use crate::directory::numbers::{AddressKind, UriType};
use crate::guid::{DialPlanGuid, MessageGuid, PolicyGuid, RecipientGuid};
use crate::mail::notice::Kind;

macro_rules! names {
    ($($name:ty)*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.as_str().to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                value.as_str().map(Self::known)
            }
        }
    )*};
}

names! { RecipientGuid PolicyGuid DialPlanGuid MessageGuid KeyId }

/// A word that is none of those a column can hold was not written by this program: an error, never a guess.
macro_rules! words {
    ($($name:ty)*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.as_str().to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Self::from_name(value.as_str()?).ok_or_else(|| FromSqlError::Other("no such word".into()))
            }
        }
    )*};
}

words! { UriType AddressKind Kind }
