//! The owner's change of PIN.

use super::find::{Snapshot, current};
use super::{Answer, Caller, Reason, leave_at_interval, sign_in};
use crate::error::{Result, Status};
use crate::pin::generate::MAX_TRIES;
use crate::pin::{Pin, rules};
use crate::service::audit::audit_refusal;
use crate::service::pin_replacement::{Hashed, NewState, Salted, conflict_error, weak_pin_error};
use crate::session::{Cause, Change, Mode, Session};
use std::time::Instant;

/// The owner's change: a right old PIN, then a new one that obeys every rule. A wrong old one counts.
pub fn change_pin(session: &Session, who: &Caller, old: &Pin, new: &Pin) -> Result<Answer> {
    let came = Instant::now();
    let told = change_at_once(session, who, old, new);
    if matches!(&told, Ok(answer) if !answer.accepted) {
        leave_at_interval(session, came);
    }
    told
}

pub(super) fn change_at_once(session: &Session, who: &Caller, old: &Pin, new: &Pin) -> Result<Answer> {
    let cause = Cause::new("Change-UMMailboxPIN");
    let (answer, snapshot) = sign_in(session, who, old, &cause.cmdlet)?;
    let Some(snapshot) = snapshot.filter(|_| answer.accepted) else { return Ok(answer) };
    let mut result = Err(conflict_error());
    for _ in 0..MAX_TRIES {
        let hashed = session.read(|tx| Salted::of(tx, &snapshot.guid, session.hash))?.hash(new)?;
        result = session.change(Mode::Commit, &cause, |c| replace(c, &snapshot, new, &hashed, &answer));
        if !matches!(&result, Err(e) if e.status == Status::Conflict) {
            break;
        }
    }
    if let Err(e) = &result
        && e.status == Status::WeakPin
    {
        let name = session.read(|tx| tx.recipient(&snapshot.guid))?.map(|r| r.canonical_name);
        audit_refusal(session, &cause, &name.unwrap_or_default(), e);
    }
    result
}

/// The second half of the owner's change. [`Status::Conflict`] asks for the new PIN to be hashed again.
pub(super) fn replace(
    c: &Change<'_>,
    snapshot: &Snapshot,
    new: &Pin,
    hashed: &Hashed,
    answer: &Answer,
) -> Result<Answer> {
    let guid = &snapshot.guid;
    let Some(mailbox) = current(c.tx, guid)? else { return Ok(Answer::refused(Reason::NotUmEnabled)) };
    let Some(row) = c.tx.pin(guid)? else { return Ok(Answer::refused(Reason::NotUmEnabled)) };
    // Locked or reset between the two halves: the old PIN no longer speaks for its owner.
    if mailbox.policy.lock(&row.facts, c.now).is_some() {
        return Ok(Answer::refused(Reason::LockedOut));
    }
    if row.version != snapshot.row.version || row.salt != snapshot.row.salt {
        return Ok(Answer::refused(Reason::WrongPin));
    }
    let refused = match rules::check(new, &mailbox.policy, &mailbox.extensions) {
        Err(refusal) => Some(refusal),
        Ok(()) => hashed.refused_by_history(c, guid, &mailbox.policy)?,
    };
    if let Some(refusal) = refused {
        return Err(weak_pin_error(&refusal, &mailbox.recipient.primary_smtp_address));
    }
    let lifetime_failures = row.facts.lifetime_failures;
    hashed.put(c, guid, &NewState { first_time_user: Some(false), lifetime_failures, ..NewState::clean() })?;
    // A notice that still waits tells the PIN that was just replaced.
    for older in c.tx.outbox_of(guid)? {
        c.tx.remove_outbox(&older.id)?;
    }
    c.audit(&mailbox.recipient.canonical_name, "PIN changed by its owner")?;
    Ok(Answer { must_change: false, set_up_due: false, must_change_because: Vec::new(), ..answer.clone() })
}
