//! The edge between the types of this program and the columns of the database.

use std::borrow::Cow;

use super::engine::{Cell, FromColumn, Kind, ToColumn, Typed, Value};
use crate::crypto::hex::{hex, unhex};
use crate::crypto::key::KeyId;
use crate::directory::numbers::{AddressKind, UriType};
use crate::guid::{DialPlanGuid, MessageGuid, PolicyGuid, RecipientGuid};
use crate::mail::notice::Kind as NoticeKind;

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
        impl ToColumn for $name {
            fn value(&self) -> Value<'_> {
                Value::Blob(Cow::Owned(guid_bytes(self.as_str())))
            }
        }

        impl Typed for $name {
            const KIND: Kind = Kind::Blob;
        }

        impl FromColumn for $name {
            fn from_cell(cell: Cell<'_>) -> Option<Self> {
                cell.blob().and_then(guid_text).map(Self::known)
            }
        }
    )*};
}

guids! { RecipientGuid PolicyGuid DialPlanGuid MessageGuid }

/// 16 hexadecimal digits as 8 bytes.
impl ToColumn for KeyId {
    fn value(&self) -> Value<'_> {
        Value::Blob(Cow::Owned(unhex(self.as_str()).unwrap_or_default()))
    }
}

impl Typed for KeyId {
    const KIND: Kind = Kind::Blob;
}

impl FromColumn for KeyId {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        cell.blob().map(|bytes| Self::known(hex(bytes)))
    }
}

/// A word that is none of those a column can hold was not written by this program: an error, never a guess.
macro_rules! words {
    ($($name:ty)*) => {$(
        impl ToColumn for $name {
            fn value(&self) -> Value<'_> {
                Value::Text(Cow::Borrowed(self.as_str()))
            }
        }

        impl FromColumn for $name {
            fn from_cell(cell: Cell<'_>) -> Option<Self> {
                cell.text().and_then(Self::from_name)
            }
        }
    )*};
}

words! { UriType NoticeKind }

/// One in a million rows each: a number, by its place in [`AddressKind::ALL`].
impl ToColumn for AddressKind {
    fn value(&self) -> Value<'_> {
        let number = Self::ALL.iter().position(|kind| kind == self).unwrap_or_default();
        Value::Integer(number as i64)
    }
}

impl FromColumn for AddressKind {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        usize::try_from(cell.integer()?).ok().and_then(|number| Self::ALL.get(number).copied())
    }
}
