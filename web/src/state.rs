//! What a mailbox shows at a glance, and what waits in a session.

use std::time::{Duration, Instant};

use umpin::cmdlets::set_um_mailbox_pin::Reset;
use umpin::pin::policy::LockReason;
use umpin::store::pins::PinState;

/// How long a change waits for its confirmation.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// A reset that waits for its confirmation. The PIN, typed or generated, is in it, so that no page ever carries one.
pub(crate) struct Pending {
    /// The mailbox's GUID.
    pub guid: String,
    /// The confirmation names it, so that no other change can be confirmed by mistake.
    pub id: String,
    /// The change.
    pub reset: Reset,
    /// When it was asked for.
    pub since: Instant,
}

impl Pending {
    pub(crate) fn is_fresh(&self) -> bool {
        self.since.elapsed() < FRESH
    }
}

/// What the next page tells first.
pub(crate) struct Flash {
    /// In the person's language.
    pub text: String,
    /// Whether something is left to do.
    pub is_warning: bool,
}

/// A PIN's state at a moment, computed by the library's rules.
pub(crate) struct Glance {
    pub lock: Option<LockReason>,
    pub expired: bool,
    pub expires_on: Option<i64>,
}

impl Glance {
    pub(crate) fn of(state: &PinState, now: i64) -> Self {
        Self {
            lock: state.policy.lock(&state.facts, now),
            expired: state.policy.is_expired(&state.facts, now),
            expires_on: state.policy.expires_on(&state.facts),
        }
    }

    /// Locked or expired.
    pub(crate) fn needs_attention(&self) -> bool {
        self.lock.is_some() || self.expired
    }
}
