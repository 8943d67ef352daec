//! Disable-UMMailbox: sign-in is refused, numbers and policy are free, at once.

use crate::cmdlets::document::{Request, Response};
use crate::cmdlets::um_mailbox_object::um_mailbox_object;
use crate::error::{Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::session::{Change, Session};

/// Disable-UMMailbox. KeepProperties (the default) keeps settings and PIN history for a later Enable; `$false` erases
/// them, also where the mailbox is disabled already.
pub(crate) fn disable_um_mailbox(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["KeepProperties"])?;
    let lookup = p.lookup()?;
    let keep = p.flag("KeepProperties")?.unwrap_or(true);
    session.change(request.mode, &request.cause, |c| {
        let recipient = lookup.recipient(session, c.tx)?;
        let guid = &recipient.guid;
        let mailbox = c.tx.um_mailbox(guid)?;
        if !keep && mailbox.as_ref().is_some_and(|m| !m.is_enabled()) {
            // Disabled earlier, with everything kept.
            erase(c, guid)?;
            c.audit(&recipient.canonical_name, "every UM datum that was kept erased")?;
            let object = um_mailbox_object(c.tx, guid)?;
            return Ok(Response::with_object(object)
                .for_should_process(&recipient.canonical_name, "Erase what unified messaging kept"));
        }
        let Some(mut mailbox) = mailbox.filter(|m| m.is_enabled()) else {
            let smtp = recipient.primary_smtp_address;
            return Err(Error::new(
                Status::AlreadyUmDisabled,
                format!("The mailbox {smtp} is already disabled for Unified Messaging. Nothing was changed."),
            )
            .about(smtp));
        };
        if keep {
            mailbox.policy_guid = None;
            mailbox.when_changed = c.now;
            c.tx.put_um_mailbox(&mailbox)?;
            c.tx.set_um_addresses(guid, &[])?;
            // A notice that still waits tells a PIN that signs nobody in.
            for waiting in c.tx.outbox_of(guid)? {
                c.tx.remove_outbox(&waiting.id)?;
            }
        } else {
            erase(c, guid)?;
        }
        let what = if keep { "settings and PIN history kept" } else { "every UM datum erased" };
        c.audit(&recipient.canonical_name, &format!("disabled for unified messaging, {what}"))?;
        let object = um_mailbox_object(c.tx, guid)?;
        Ok(Response::with_object(object).for_should_process(&recipient.canonical_name, "Disable unified messaging"))
    })
}

/// Erases every UM datum of a mailbox; the trail's head goes along with its PIN.
fn erase(c: &Change<'_>, guid: &RecipientGuid) -> Result<()> {
    // Also of a row that was altered outside this program: erasing it is the repair.
    let version = c.tx.pin_version(guid)?;
    c.tx.erase_um_mailbox(guid)?;
    version.map_or(Ok(()), |version| c.pin_erased(guid, version))
}
