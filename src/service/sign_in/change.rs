//! The owner's change of PIN.

use super::find::{Snapshot, enabled_mailbox_now};
use super::{Answer, Caller, Reason, leave_at_interval, sign_in};
use crate::error::Result;
use crate::pin::Pin;
use crate::pin::generate::exhausted;
use crate::service::audit::audit_refusal;
use crate::service::pin_replacement::{Attempt, NewPin, NewState, Salted, Setback, replace_pin};
use crate::session::{Cause, Change, Session};
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
    let salted = session.read(|tx| Salted::for_mailbox(tx, &snapshot.guid, session.hash))?;
    let mut new = NewPin::typed(new.clone(), salted);
    new.hash()?;
    let result = replace_pin(
        session,
        Some(&snapshot.guid),
        &cause,
        &mut new,
        |new, setback| new.prepare_again(session, &snapshot.guid, setback, |_| Err(exhausted())),
        |c, new| replace(c, &snapshot, new, &answer),
    );
    result.map_err(|setback| {
        let person = session.read(|tx| tx.recipient(&snapshot.guid)).ok().flatten();
        let (name, smtp) = person.map(|r| (r.canonical_name, r.primary_smtp_address)).unwrap_or_default();
        let is_weak = matches!(setback, Setback::Refused(_));
        let error = setback.into_error(&smtp);
        if is_weak {
            audit_refusal(session, &cause, &name, &error);
        }
        error
    })
}

/// The second half of the owner's change.
pub(super) fn replace(c: &Change<'_>, snapshot: &Snapshot, new: &NewPin, answer: &Answer) -> Attempt<Answer> {
    let guid = &snapshot.guid;
    let Some(mailbox) = enabled_mailbox_now(c.tx, guid)? else { return Ok(Answer::refused(Reason::NotUmEnabled)) };
    let Some(row) = c.tx.pin(guid)? else { return Ok(Answer::refused(Reason::NotUmEnabled)) };
    // Locked or reset between the two halves: the old PIN no longer speaks for its owner.
    if mailbox.policy.lock(&row.facts, c.now).is_some() {
        return Ok(Answer::refused(Reason::LockedOut));
    }
    if row.version != snapshot.row.version || row.salt != snapshot.row.salt {
        return Ok(Answer::refused(Reason::WrongPin));
    }
    new.check_rules(mailbox.rules())?;
    new.check_history(c, guid, &mailbox.policy)?;
    let lifetime_failures = row.facts.lifetime_failures;
    new.put(c, guid, &NewState { first_time_user: Some(false), lifetime_failures, ..NewState::clean() })?;
    // A notice that still waits tells the PIN that was just replaced.
    c.tx.remove_outbox_of(guid)?;
    c.audit(&mailbox.recipient.canonical_name, "PIN changed by its owner")?;
    Ok(Answer { must_change: false, set_up_due: false, must_change_because: Vec::new(), ..answer.clone() })
}
