//! The edge between the types of this program and the columns of the database.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef};

use crate::crypto::hex::{hex, unhex};
use crate::crypto::key::KeyId;
use crate::directory::numbers::{AddressKind, UriType};
use crate::guid::{DialPlanGuid, MessageGuid, PolicyGuid, RecipientGuid};
use crate::mail::notice::Kind;

/// A GUID's 16 bytes as it is written down here: lower case, with hyphens.
pub(super) fn guid_text(bytes: &[u8]) -> Option<String> {
    uuid::Uuid::from_slice(bytes).ok().map(|guid| guid.to_string())
}

/// The 16 bytes of a GUID; a text that is none becomes bytes that no column holds.
pub(super) fn guid_bytes(text: &str) -> Vec<u8> {
    uuid::Uuid::try_parse(text).map_or_else(|_| Vec::new(), |guid| guid.as_bytes().to_vec())
}

/// GUIDs are 16 bytes in the database and texts everywhere else.
macro_rules! guids {
    ($($name:ty)*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Owned(Value::Blob(guid_bytes(self.as_str()))))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let guid = guid_text(value.as_blob()?).ok_or_else(|| FromSqlError::Other("no GUID".into()))?;
                Ok(Self::known(guid))
            }
        }
    )*};
}

guids! { RecipientGuid PolicyGuid DialPlanGuid MessageGuid }

/// 16 hexadecimal digits as 8 bytes.
impl ToSql for KeyId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(Value::Blob(unhex(self.as_str()).unwrap_or_default())))
    }
}

impl FromSql for KeyId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_blob().map(|bytes| Self::known(hex(bytes)))
    }
}

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

words! { UriType Kind }

/// One in a million rows each: a number, by its place in [`AddressKind::ALL`].
impl ToSql for AddressKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = Self::ALL.iter().position(|kind| kind == self).unwrap_or_default();
        Ok(ToSqlOutput::Owned(Value::Integer(number as i64)))
    }
}

impl FromSql for AddressKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        usize::try_from(value.as_i64()?)
            .ok()
            .and_then(|number| Self::ALL.get(number).copied())
            .ok_or_else(|| FromSqlError::Other("no such kind".into()))
    }
}
