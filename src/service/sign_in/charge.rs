//! The first transaction: a failure is counted, whatever was typed.

use super::Reason;
use super::find::{Snapshot, open_current_pin_hash};
use super::reset::reset_is_due;
use crate::crypto::hash::PinHash;
use crate::crypto::key::KeyRing;
use crate::error::Result;
use crate::pin::PinPolicy;
use crate::pin::policy::PinFacts;
use crate::service::audit::stored_key;
use crate::service::configuration::{audit_age_days, spray_threshold};
use crate::service::spray;
use crate::session::{Change, SUBKEYS, Session};
use crate::store::pins::{PinRow, SignInRow};
use crate::store::{Tx, settings};

/// What the first transaction did.
pub(super) enum Charging {
    /// A failure was counted.
    Charged(Box<Charge>),
    /// Nobody can sign in there, whatever was typed; no try was counted.
    Refused(Reason),
    /// The PIN is the same, but its hash has another cost since (see [`upgrade`]). Nothing was written.
    HashedAnew,
}

/// A failure that is on disk for a try that is not judged yet.
pub(super) struct Charge {
    /// The mailbox's state with it.
    pub(super) facts: PinFacts,
    /// The PIN's version when it was counted.
    pub(super) version: i64,
    /// The hash to compare with.
    pub(super) stored: PinHash,
    /// Whether what was typed was hashed for this PIN. If not, the PIN was replaced meanwhile, and it is wrong.
    pub(super) is_same: bool,
    /// Whether a wrong PIN does more now than to be counted: a lock, a reset, a mark.
    pub(super) has_consequences: bool,
}

impl Charge {
    /// Whether the try that it was counted for was right.
    pub(super) fn is_for(&self, typed: &PinHash) -> bool {
        self.is_same && typed.matches(&self.stored)
    }

    /// The state without it. What was cleared since it was counted took it along. A right PIN clears the failures in a
    /// row with all charges among them, and of the total takes back its own alone.
    pub(super) fn taken_back(&self, mut facts: PinFacts) -> PinFacts {
        if facts.epoch != self.facts.epoch {
            return facts;
        }
        if facts.failures >= self.facts.failures {
            facts.failures -= 1;
        }
        facts.lifetime_failures = facts.lifetime_failures.saturating_sub(1);
        facts
    }
}

/// What is to be done about a try, before anybody knows whether it is right.
enum Due {
    Refuse,
    HashAnew,
    Count { facts: PinFacts, is_same: bool, has_consequences: bool },
}

/// What is to be done in this state of the mailbox.
fn due(policy: &PinPolicy, row: &PinRow, snapshot: &Snapshot, now: i64) -> Due {
    let mut facts = row.facts;
    if policy.lock(&facts, now).is_some() {
        return Due::Refuse;
    }
    let is_same = row.version == snapshot.row.version && row.salt == snapshot.row.salt;
    if is_same && row.params != snapshot.row.params {
        return Due::HashAnew;
    }
    if policy.lock_has_ended(&facts, now) {
        facts.failures = 0;
    }
    facts.failures = facts.failures.saturating_add(1);
    facts.lifetime_failures = facts.lifetime_failures.saturating_add(1);
    facts.last_failure_at = now;
    let has_consequences = policy.lock(&facts, now).is_some() || reset_is_due(policy, facts.failures);
    Due::Count { facts, is_same, has_consequences }
}

/// The first transaction where nothing happened to the mailbox since the snapshot: counts a failure in one statement,
/// which finds the row only as it was. `None` where it did not, or where there is more to do; then [`charge`] looks.
pub(super) fn charge_unchanged(session: &Session, snapshot: &Snapshot) -> Result<Option<Charge>> {
    let Snapshot { guid, row, stored, policy, is_watched, .. } = snapshot;
    let Due::Count { facts, is_same, has_consequences } = due(policy, row, snapshot, session.now()) else {
        return Ok(None);
    };
    let is_counted = session.store.put_counts(guid, row, policy, &facts)?;
    Ok(is_counted.then(|| Charge {
        facts,
        version: row.version,
        stored: stored.clone(),
        is_same,
        has_consequences: has_consequences || *is_watched,
    }))
}

/// Says what [`charge`] will ask.
pub(super) fn charge_soon(tx: &Tx<'_>, snapshot: &Snapshot) -> Result<()> {
    tx.settings_soon()?;
    tx.sign_in_row_soon(&snapshot.guid)?;
    tx.spray_marks_soon()
}

/// The first transaction: counts a failure. It compares nothing, so that it does the same for right and wrong.
pub(super) fn charge(c: &Change<'_>, snapshot: &Snapshot) -> Result<Charging> {
    let guid = &snapshot.guid;
    let refused = |reason| {
        count_nobody(c)?;
        Ok(Charging::Refused(reason))
    };
    let Some(SignInRow { policy: Some(policy), pin: row, .. }) = c.tx.sign_in_row(guid)? else {
        return refused(Reason::NotUmEnabled);
    };
    // A key or seal that fails is nobody's wrong PIN: found before anything is counted.
    let stored = open_current_pin_hash(c.keys, guid, &row)?;
    check_own_settings(c.tx, c.keys)?;
    let (facts, is_same, has_consequences) = match due(&policy, &row, snapshot, c.now) {
        Due::Refuse => return refused(Reason::LockedOut),
        Due::HashAnew => return Ok(Charging::HashedAnew),
        Due::Count { facts, is_same, has_consequences } => (facts, is_same, has_consequences),
    };
    let has_consequences = has_consequences || spray::is_watched(c.tx, c.now)?;
    c.tx.put_pin(guid, &PinRow { facts, ..row.clone() })?;
    Ok(Charging::Charged(Box::new(Charge { facts, version: row.version, stored, is_same, has_consequences })))
}

/// What the store keeps for itself and a sign-in may need, so that one that is broken is the same error for everybody.
pub(super) fn check_own_settings(tx: &Tx<'_>, keys: &KeyRing) -> Result<()> {
    spray_threshold(tx)?;
    audit_age_days(tx)?;
    SUBKEYS.into_iter().try_for_each(|(name, purpose)| stored_key(tx, keys, name, purpose).map(drop))
}

/// The write of a try that counts against no mailbox: one row, overwritten each time, so that it waits for the lock and
/// the disk as every other refusal does, and fails where they fail.
pub(super) fn count_nobody(c: &Change<'_>) -> Result<()> {
    check_own_settings(c.tx, c.keys)?;
    c.tx.set_setting(settings::LAST_UNCOUNTED, &c.now.to_string())
}
