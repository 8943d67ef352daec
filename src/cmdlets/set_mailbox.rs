//! Set-Mailbox -EmailAddresses and -SecondaryAddress of UMMailboxPin.ExchangeCompat: proxy addresses, and through EUM
//! ones the extensions.

use crate::cmdlets::document::{Request, Response};
use crate::directory::list_edit::ListEdit;
use crate::directory::list_edit::apply_list_edit;
use crate::directory::row::{Field, recipient};
use crate::error::{Error, Result, Status};
use crate::service::addresses;
use crate::service::enabled_mailbox::not_um_enabled;
use crate::service::lookup;
use crate::session::Session;

/// A list replaces every address; `@{Add=..;Remove=..}` edits it.
pub(crate) fn set_mailbox(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["EmailAddresses", "EmailAddressPolicyEnabled", "SecondaryAddress", "SecondaryDialPlan"])?;
    let lookup = p.lookup()?;
    let edit = p.list("EmailAddresses")?;
    let secondary = match (p.text("SecondaryAddress")?, p.text("SecondaryDialPlan")?) {
        (Some(address), Some(plan)) => Some((address, plan)),
        (None, None) => None,
        _ => {
            return Err(Error::new(
                Status::InvalidArgument,
                "-SecondaryAddress and -SecondaryDialPlan go together. Nothing was changed.",
            ));
        }
    };
    session.change(request.mode, &request.cause, |c| {
        let action = "Set mailbox addresses";
        let mut r = lookup.recipient(session, c.tx)?;
        let numbers = c.tx.um_addresses(&r.guid)?;
        let edit = addresses::by_plan_name(c.tx, edit.clone())?;
        let mut now: Vec<String> = r.addresses.iter().map(|a| a.text()).collect();
        for a in &numbers {
            let plan = c.tx.dial_plan(&a.dial_plan_guid)?.map(|p| p.name).unwrap_or_default();
            now.push(addresses::proxy_address_text(a, &plan));
        }
        let mut wanted = apply_list_edit(edit, || now);
        if let Some((address, plan)) = &secondary {
            let plan = lookup::dial_plan(session, c.tx, plan, &request.cause.domain_controller)?;
            let add = vec![format!("eum:{address};phone-context={}", plan.name)];
            wanted = apply_list_edit(Some(ListEdit::Edit { add, remove: Vec::new() }), || wanted);
        }
        let (eum, others): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|t| addresses::parse(t).is_some());

        let invalid = |why: String| {
            Error::new(Status::InvalidAddress, format!("{why}. Nothing was changed.")).about(r.guid.as_str())
        };
        let read = recipient(&[
            (Field::Guid, vec![r.guid.to_string()]),
            (Field::Name, vec![r.name.clone()]),
            (Field::EmailAddresses, others),
        ])
        .map_err(invalid)?;
        if read.primary_smtp_address.is_empty() {
            return Err(invalid("A mailbox keeps at least one SMTP address".into()));
        }
        for a in read.addresses.iter().filter(|a| a.prefix == "smtp") {
            if let Some(other) = c.tx.smtp_holders(&a.address)?.into_iter().find(|g| *g != r.guid) {
                let holder = c.tx.recipient(&other)?.map_or_else(|| other.to_string(), |o| o.canonical_name);
                return Err(invalid(format!("The address {} belongs to {holder}", a.address)));
            }
        }
        let wanted: Vec<_> = eum.iter().filter_map(|t| addresses::parse(t)).collect();
        if c.tx.um_mailbox(&r.guid)?.is_some_and(|m| m.is_enabled()) {
            let list = addresses::edited_addresses(session, c.tx, &r.guid, &numbers, &wanted)?;
            addresses::check_addresses(c.tx, &r.guid, &list)?;
            if list == numbers && read.addresses == r.addresses {
                return Ok(Response::unchanged(&r.canonical_name, action));
            }
            c.tx.set_um_addresses(&r.guid, &list)?;
        } else if !wanted.is_empty() {
            return Err(not_um_enabled(&r.primary_smtp_address));
        } else if read.addresses == r.addresses {
            return Ok(Response::unchanged(&r.canonical_name, action));
        }
        r.addresses = read.addresses;
        r.primary_smtp_address = read.primary_smtp_address;
        r.when_changed = c.now;
        c.tx.put_recipient(&r)?;
        c.audit(&r.canonical_name, "addresses changed")?;
        Ok(Response::default().for_should_process(&r.canonical_name, action))
    })
}
