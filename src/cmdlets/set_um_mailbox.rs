//! Set-UMMailbox: telephone settings, name, policy. PIN fields cannot be set here.

use crate::cmdlets::document::{Request, Response};
use crate::cmdlets::settings::{self, invalid};
use crate::error::Result;
use crate::service::enabled_mailbox::not_um_enabled;
use crate::service::lookup;
use crate::service::telephone_settings::{MAILBOX, Settings};
use crate::session::Session;

/// Set-UMMailbox.
pub(crate) fn set_um_mailbox(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(
        &[&["Name", "UMMailboxPolicy", "VerifyGlobalRoutingEntry"][..], &settings::setting_names(MAILBOX)].concat(),
    )?;
    let lookup = p.lookup()?;
    let name = p.text("Name")?;
    if name.as_ref().is_some_and(|n| n.trim().is_empty() || n.chars().count() > 64 || n.chars().any(char::is_control)) {
        return Err(invalid("-Name must have 1 to 64 characters"));
    }
    session.change(request.mode, &request.cause, |c| {
        let mut recipient = lookup.recipient(session, c.tx)?;
        let mailbox = c.tx.um_mailbox(&recipient.guid)?;
        let action = "Set UM mailbox";
        let (Some(mut mailbox), canonical) = (mailbox.filter(|m| m.is_enabled()), recipient.canonical_name.clone())
        else {
            return Err(not_um_enabled(&recipient.primary_smtp_address));
        };
        let before = (recipient.name.clone(), mailbox.policy_guid.clone(), Settings::of_mailbox(&mailbox)?);
        if let Some(text) = p.text("UMMailboxPolicy")? {
            let policy = lookup::policy(session, c.tx, &text, &lookup.domain_controller)?;
            let today = match mailbox.policy_guid.as_ref() {
                Some(guid) => c.tx.policy(guid)?,
                None => None,
            };
            if today.is_some_and(|today| today.dial_plan_guid != policy.dial_plan_guid) {
                return Err(invalid(format!(
                    "The UM mailbox policy '{}' belongs to another dial plan, and the mailbox's numbers belong to its \
                     own; disable the mailbox and enable it under the new policy",
                    policy.name
                )));
            }
            mailbox.policy_guid = Some(policy.guid);
        }
        let mut settings = before.2.clone();
        settings::apply_settings(p, &mut settings)?;
        if name.as_ref().is_none_or(|name| *name == before.0)
            && mailbox.policy_guid == before.1
            && settings.same_as(&before.2)
        {
            return Ok(Response::unchanged(&canonical, action));
        }
        mailbox.settings = settings.document();
        mailbox.when_changed = c.now;
        c.tx.put_um_mailbox(&mailbox)?;
        if let Some(name) = &name {
            recipient.name.clone_from(name);
            recipient.when_changed = c.now;
            c.tx.put_recipient(&recipient)?;
        }
        c.audit(&canonical, "UM mailbox changed")?;
        Ok(Response::default().for_should_process(canonical, action))
    })
}
