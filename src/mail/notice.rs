//! What a queued message will say. Sealed in the outbox until it is delivered.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// After Enable-UMMailbox.
    Welcome,
    /// After a new PIN.
    Reset,
    /// NotifyWithoutPIN: says only that the PIN was changed.
    Changed,
    /// ExpiryNoticeDays: the PIN expires soon.
    Expiry,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 4] = [Kind::Welcome, Kind::Reset, Kind::Changed, Kind::Expiry];

    /// The kind that the outbox stores as this word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// As the outbox stores and shows it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::Welcome => "Welcome",
            Kind::Reset => "Reset",
            Kind::Changed => "Changed",
            Kind::Expiry => "Expiry",
        }
    }
}

/// Everything that a message is rendered from, apart from the sender. `Debug` is not derived: it may hold a PIN.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Notice {
    /// Which message.
    #[zeroize(skip)]
    pub kind: Kind,
    /// Where it goes.
    pub to: String,
    /// For the greeting and the address.
    pub display_name: String,
    /// The mailbox it is about, by primary SMTP address.
    pub user_id: String,
    /// `en`, `fr`, ...: the recipient's setting, or empty.
    pub language: String,
    /// The PIN; empty for the messages that carry none.
    pub pin: String,
    /// Whether it must be changed at the first sign-in.
    pub must_change: bool,
    /// Numbers to call: the pilot number, else the plan's access numbers.
    pub access_numbers: Vec<String>,
    /// The numeric extension, or empty.
    pub extension: String,
    /// The policy's own text, not yet sanitised.
    pub policy_text: String,
    /// When the PIN expires (milliseconds since 1970-01-01 UTC), for `Expiry`; else 0.
    pub expires_on: i64,
}
