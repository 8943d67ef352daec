//! Lock-UMMailbox and Unlock-UMMailbox: the lock and the counts, and nothing of the PIN.

use crate::cmdlets::document::{Request, Response};
use crate::error::Result;
use crate::service::enabled_mailbox::not_um_enabled;
use crate::session::Session;

/// Lock-UMMailbox: nobody signs in until an administrator acts, under any policy.
pub(crate) fn lock_um_mailbox(session: &Session, request: &Request) -> Result<Response> {
    set_locked(session, request, true)
}

/// Unlock-UMMailbox: clears the lock and every count.
pub(crate) fn unlock_um_mailbox(session: &Session, request: &Request) -> Result<Response> {
    set_locked(session, request, false)
}

fn set_locked(session: &Session, request: &Request, locked: bool) -> Result<Response> {
    request.parameters.allow(&[])?;
    let lookup = request.parameters.lookup()?;
    session.change(request.mode, &request.cause, |c| {
        let recipient = lookup.recipient(session, c.tx)?;
        let enabled = c.tx.um_mailbox(&recipient.guid)?.is_some_and(|m| m.is_enabled());
        let Some(mut pin) = c.tx.pin(&recipient.guid)?.filter(|_| enabled) else {
            return Err(not_um_enabled(&recipient.primary_smtp_address));
        };
        pin.facts.admin_locked = locked;
        if !locked {
            pin.facts.failures = 0;
            pin.facts.lifetime_failures = 0;
            pin.facts.last_failure_at = 0;
        }
        c.tx.put_pin(&recipient.guid, &pin)?;
        let name = &recipient.canonical_name;
        c.audit(name, if locked { "mailbox locked" } else { "mailbox unlocked, counts cleared" })?;
        Ok(Response::default().for_should_process(name, if locked { "Lock UM mailbox" } else { "Unlock UM mailbox" }))
    })
}
