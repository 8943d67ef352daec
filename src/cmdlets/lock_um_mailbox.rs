//! Lock-UMMailbox and Unlock-UMMailbox: the lock and the counts, and nothing of the PIN.

use crate::cmdlets::document::{Request, Response};
use crate::error::Result;
use crate::service::enabled_mailbox::not_um_enabled;
use crate::session::Session;

/// Lock-UMMailbox: nobody signs in until an administrator acts, under any policy.
pub(crate) fn lock_um_mailbox(session: &Session, request: &Request) -> Result<Response> {
    set_lock(session, request, Lock::Set)
}

/// Unlock-UMMailbox: clears the lock and every count.
pub(crate) fn unlock_um_mailbox(session: &Session, request: &Request) -> Result<Response> {
    set_lock(session, request, Lock::Clear)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    Set,
    Clear,
}

fn set_lock(session: &Session, request: &Request, lock: Lock) -> Result<Response> {
    let (action, done) = match lock {
        Lock::Set => ("Lock UM mailbox", "mailbox locked"),
        Lock::Clear => ("Unlock UM mailbox", "mailbox unlocked, counts cleared"),
    };
    request.parameters.allow(&[])?;
    let lookup = request.parameters.lookup()?;
    session.change(request.mode, &request.cause, |c| {
        let recipient = lookup.recipient(session, c.tx)?;
        let enabled = c.tx.um_mailbox(&recipient.guid)?.is_some_and(|m| m.is_enabled());
        let Some(mut pin) = c.tx.pin(&recipient.guid)?.filter(|_| enabled) else {
            return Err(not_um_enabled(&recipient.primary_smtp_address));
        };
        pin.facts.admin_locked = lock == Lock::Set;
        if lock == Lock::Clear {
            pin.facts.failures = 0;
            pin.facts.lifetime_failures = 0;
            pin.facts.epoch = pin.facts.epoch.saturating_add(1);
            pin.facts.last_failure_at = 0;
        }
        c.tx.put_pin(&recipient.guid, &pin)?;
        let name = &recipient.canonical_name;
        c.audit(name, done)?;
        Ok(Response::default().for_should_process(name, action))
    })
}
