//! The second transaction: the outcome of a try that is counted already.

use super::charge::Charge;
use super::find::{Snapshot, enabled_mailbox_now};
use super::reset::{Candidate, MayReset, may_reset, reset_is_due};
use super::{Answer, Reason};
use crate::crypto::hash::hash;
use crate::crypto::seal::Purpose;
use crate::error::Result;
use crate::guid::RecipientGuid;
use crate::mail::notice::Kind;
use crate::pin::policy::PinFacts;
use crate::pin::{Pin, PinPolicy, rules};
use crate::service::notice::{NewPinNotice, queue_new_pin_notice};
use crate::service::pin_replacement::{Attempt, NewState, Setback, replace_pin, seal_pin_hash};
use crate::service::spray;
use crate::session::{Cause, Change, Session};
use crate::store::Tx;
use crate::store::pins::{PinRow, SignInRow};

/// The second transaction of a wrong PIN. Where it needs a new PIN that is not hashed yet, nothing is written, the PIN
/// is made, and it runs again. No hash runs inside a transaction.
pub(super) fn refuse_with_reset(
    session: &Session,
    snapshot: &Snapshot,
    pin: &Pin,
    charge: &Charge,
    cause: &Cause,
) -> Result<Answer> {
    let settled = replace_pin(
        session,
        Some(&snapshot.guid),
        cause,
        &mut None,
        |candidate, _| {
            *candidate = Some(Candidate::new(session, &snapshot.guid)?);
            Ok(())
        },
        |c, candidate| refuse(c, &snapshot.guid, pin, charge, candidate.as_ref()),
    );
    match settled {
        Ok(answer) => Ok(answer),
        Err(Setback::Failed(e)) => Err(e),
        // The failure stands; only the reset that was due is left to the next multiple.
        Err(_) => Ok(Answer::refused(Reason::WrongPin)),
    }
}

/// The second transaction of a right PIN where nothing happened to the mailbox since it was charged: takes the charge
/// back in one statement, which finds the row only as the charge left it. `None` where it did not; then [`accept`]
/// looks.
pub(super) fn accept_unchanged(
    session: &Session,
    snapshot: &Snapshot,
    pin: &Pin,
    charge: &Charge,
) -> Result<Option<Answer>> {
    let Snapshot { guid, policy, extensions, .. } = snapshot;
    let now = session.now();
    let mut row = PinRow { facts: charge.facts, ..snapshot.row.clone() };
    let Ok(facts) = taken_back(policy, &row, charge, now) else { return Ok(None) };
    if !session.store.put_counts(guid, &row, policy, &facts)? {
        return Ok(None);
    }
    row.facts = facts;
    Ok(Some(right(policy, &row, extensions, pin, now)))
}

/// The second transaction of a right PIN: takes the charge back. It needs no key, so that one that goes away at this
/// moment leaves no failure behind.
pub(super) fn accept(
    tx: &Tx<'_>,
    clock: impl Fn() -> i64,
    guid: &RecipientGuid,
    pin: &Pin,
    charge: &Charge,
) -> Result<Answer> {
    let Some(SignInRow { policy: Some(policy), pin: mut row, extensions }) = tx.sign_in_row(guid)? else {
        return Ok(Answer::refused(Reason::NotUmEnabled));
    };
    // After the lock, which may have been waited for.
    let now = clock();
    row.facts = match taken_back(&policy, &row, charge, now) {
        Ok(facts) => facts,
        Err(reason) => return Ok(Answer::refused(reason)),
    };
    tx.put_pin(guid, &row)?;
    Ok(right(&policy, &row, &extensions, pin, now))
}

/// The state after a right PIN, or why it does not sign in all the same.
fn taken_back(policy: &PinPolicy, row: &PinRow, charge: &Charge, now: i64) -> std::result::Result<PinFacts, Reason> {
    if row.version != charge.version {
        return Err(Reason::WrongPin);
    }
    // Others may have used up the tries meanwhile, or an administrator have locked it. A lock is this try's own only
    // where nothing was counted or cleared since: then it goes with the charge.
    let is_own = row.facts == charge.facts;
    let is_locked = |facts: &PinFacts| policy.lock(facts, now).is_some();
    if is_locked(&row.facts) && !is_own {
        return Err(Reason::LockedOut);
    }
    let facts = charge.taken_back(row.facts);
    if is_locked(&facts) {
        return Err(Reason::LockedOut);
    }
    Ok(PinFacts { failures: 0, last_failure_at: 0, ..facts })
}

/// The answer to a right PIN.
fn right(policy: &PinPolicy, row: &PinRow, extensions: &[String], pin: &Pin, now: i64) -> Answer {
    let mut because = Vec::new();
    if policy.is_expired(&row.facts, now) {
        because.push("the PIN is expired".to_owned());
    }
    if let Err(refusal) = rules::check(pin, policy, extensions) {
        because.push(refusal.to_string());
    }
    Answer {
        accepted: true,
        must_change: !because.is_empty(),
        set_up_due: row.first_time_user,
        must_change_because: because,
        reason: Reason::None,
    }
}

/// The second transaction of a wrong PIN: the charge stands; what it brings about is done once, by whoever brought the
/// counter there.
pub(super) fn refuse(
    c: &Change<'_>,
    guid: &RecipientGuid,
    pin: &Pin,
    charge: &Charge,
    candidate: Option<&Candidate>,
) -> Attempt<Answer> {
    let answered = |reason| Ok(Answer::refused(reason));
    let Some(mailbox) = enabled_mailbox_now(c.tx, guid)? else { return answered(Reason::NotUmEnabled) };
    let Some(row) = c.tx.pin(guid)? else { return answered(Reason::NotUmEnabled) };
    let policy = &mailbox.policy;
    let name = &mailbox.recipient.canonical_name;
    let failures = charge.facts.failures;
    // A right PIN or a new one cleared the counter since, or an administrator locked the mailbox: what the counter had
    // reached brings nothing about any more. (An automatic reset clears nothing, and further failures change nothing.)
    let stands = row.facts.epoch == charge.facts.epoch && row.facts.failures >= failures && !row.facts.admin_locked;

    let mut reason = Reason::WrongPin;
    if stands && let Some(lock) = policy.lock(&charge.facts, c.now) {
        reason = Reason::NowLocked;
        c.audit(name, &format!("mailbox locked after {failures} failed sign-ins: {}", lock.as_str()))?;
    } else if stands && reset_is_due(policy, failures) {
        let why = match may_reset(c, guid, &mailbox, candidate)? {
            MayReset::No(why) => {
                format!("automatic PIN reset skipped after {failures} failed sign-ins: {why}")
            }
            MayReset::Yes(new) => {
                reason = Reason::PinReset;
                let state = NewState {
                    forced_expired: true,
                    admin_locked: false,
                    first_time_user: None,
                    failures: row.facts.failures,
                    lifetime_failures: row.facts.lifetime_failures,
                    last_failure_at: row.facts.last_failure_at,
                };
                new.put(c, guid, &state)?;
                let notice = NewPinNotice { kind: Kind::Reset, notify_email: None, pin: new.pin(), must_change: true };
                queue_new_pin_notice(c, &mailbox.recipient, &notice)?;
                format!("PIN reset automatically after {failures} failed sign-ins")
            }
        };
        c.audit(name, &why)?;
    }
    spray::record_wrong_pin(c, guid, pin)?;
    answered(reason)
}

/// Hashes the right PIN anew with today's cost.
pub(super) fn upgrade(session: &Session, snapshot: &Snapshot, pin: &Pin) -> Result<()> {
    let stronger = hash(pin, &snapshot.row.salt, &session.hash)?;
    session.change_mailbox(
        Some(&snapshot.guid),
        &Cause::new("Test-UMMailboxPIN"),
        |_| Ok(()),
        |c| {
            let Some(mut row) = c.tx.pin(&snapshot.guid)? else { return Ok(()) };
            if row.version == snapshot.row.version && row.params == snapshot.row.params && row.salt == snapshot.row.salt
            {
                row.params = session.hash;
                row.key_id = c.key.id().clone();
                row.sealed = seal_pin_hash(
                    c.key,
                    Purpose::Pin,
                    &snapshot.guid,
                    row.version,
                    &stronger,
                    &row.salt,
                    &session.hash,
                )?;
                c.tx.put_pin(&snapshot.guid, &row)?;
            }
            Ok(())
        },
    )
}
