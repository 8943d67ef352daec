//! GUIDs: the names of recipients, policies, dial plans, stores and messages that never change. A type for each of
//! those that meet in one function, so that none can be taken for another.

use std::fmt;

use crate::error::Result;
use crate::os::random;

/// A new random GUID (version 4), lower case with hyphens.
pub(crate) fn new_guid() -> Result<String> {
    Ok(uuid::Builder::from_random_bytes(random()?).into_uuid().to_string())
}

macro_rules! guids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, serde::Serialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new random one.
            pub fn random() -> Result<Self> {
                new_guid().map(Self)
            }

            /// One that is there already, as it was written down.
            pub(crate) fn known(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// As it is written down.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

guids! {
    /// A person of the directory, and that person's mailbox.
    RecipientGuid
    /// A UM mailbox policy.
    PolicyGuid
    /// A UM dial plan.
    DialPlanGuid
    /// A message that waits for delivery.
    MessageGuid
}
