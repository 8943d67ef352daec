//! Enable-UMMailbox: policy, numbers, first PIN and welcome mail in one transaction.

use crate::directory::numbers::UriType;
use serde_json::json;

use crate::cmdlets::document::{Request, Response};
use crate::cmdlets::parameters::Parameters;
use crate::cmdlets::um_mailbox_object::um_mailbox_object;
use crate::directory::list_edit::ListEdit;
use crate::directory::recipient::Recipient;
use crate::error::{Error, Result, Status, Warning};
use crate::mail::notice::Kind;
use crate::service::addresses;
use crate::service::lookup;
use crate::service::lookup::Lookup;
use crate::service::notice::no_transport;
use crate::service::notice::{NewPinNotice, check_notify_email, has_transport, queue_new_pin_notice};
use crate::service::pin_replacement::{Attempt, NewPin, NewState, Origin, PinRules, Salted, replace_pin};
use crate::service::telephone_settings::{MAILBOX, PILOT_NUMBER, Settings};
use crate::session::{Change, Mode, Session};
use crate::store::Tx;
use crate::store::dial_plans::DialPlan;
use crate::store::mailboxes::{UmAddress, UmMailbox};
use crate::store::policies::Policy;

/// Everything that is decided before the PIN.
struct Plan {
    recipient: Recipient,
    policy: Policy,
    addresses: Vec<UmAddress>,
    extensions: Vec<String>,
}

impl Plan {
    fn rules(&self) -> PinRules<'_> {
        PinRules { policy: &self.policy.pin, extensions: &self.extensions }
    }
}

/// Enable-UMMailbox.
pub(crate) fn enable_um_mailbox(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&[
        "UMMailboxPolicy",
        "Extensions",
        "PINExpired",
        "NotifyEmail",
        "PilotNumber",
        "SIPResourceIdentifier",
        "AutomaticSpeechRecognitionEnabled",
        "EnableCloudVoiceMail",
        "SendWelcomeMail",
        "ValidateOnly",
    ])?;
    let lookup = p.lookup()?;
    check_notify_email(p.text("NotifyEmail")?.as_deref())?;
    // All of them now: one that is found malformed behind the comparison with the history would tell its outcome.
    for flag in ["PINExpired", "SendWelcomeMail", "AutomaticSpeechRecognitionEnabled", "EnableCloudVoiceMail"] {
        p.flag(flag)?;
    }
    let only_validate = p.switch("ValidateOnly")?;
    let mode = if only_validate { Mode::Validate } else { request.mode };
    let typed = request.secret.clone().filter(|pin| !pin.expose().is_empty());

    let decide_now = |tx: &Tx<'_>| decide(session, tx, p, &lookup);
    // Everything but the hash and what needs it.
    let (plan, mut new) = session.read(|tx| {
        let plan = decide_now(tx)?;
        let salted = Salted::for_mailbox(tx, &plan.recipient.guid, session.hash)?;
        let smtp = &plan.recipient.primary_smtp_address;
        let new = NewPin::choose(typed.clone(), plan.rules(), salted).map_err(|setback| setback.into_error(smtp))?;
        Ok((plan, new))
    })?;
    if mode == Mode::Validate {
        return session.change(Mode::Validate, &request.cause, |c| {
            let plan = decide_now(c.tx)?;
            write(c, p, &plan)?;
            let object = um_mailbox_object(c.tx, &plan.recipient.guid)?;
            Ok(Response::with_object(object)
                .for_should_process(&plan.recipient.canonical_name, "Enable unified messaging"))
        });
    }
    let Recipient { guid, primary_smtp_address: smtp, .. } = &plan.recipient;
    new.hash()?;
    replace_pin(
        session,
        // Numbers are compared with everybody's.
        None,
        &request.cause,
        &mut new,
        |new, setback| new.prepare_again(session, guid, setback, |tx| decide_now(tx)?.rules().generate()),
        |c, new| commit_in(c, p, &decide_now(c.tx)?, new),
    )
    .map_err(|setback| new.error(setback, smtp))
}

fn commit_in(c: &Change<'_>, p: &Parameters, plan: &Plan, new: &NewPin) -> Attempt<Response> {
    let guid = &plan.recipient.guid;
    new.check_rules(plan.rules())?;
    write(c, p, plan)?;
    new.check_history(c, guid, &plan.policy.pin)?;
    let expired = p.flag("PINExpired")?.unwrap_or(true);
    new.put(c, guid, &NewState { forced_expired: expired, first_time_user: Some(true), ..NewState::clean() })?;

    let mut response = Response::default();
    if p.flag("SendWelcomeMail")?.unwrap_or(true) {
        let notify = p.text("NotifyEmail")?;
        let notify_email = notify.as_deref();
        let told = NewPinNotice { kind: Kind::Welcome, notify_email, pin: new.pin(), must_change: expired };
        response.notices.push(queue_new_pin_notice(c, &plan.recipient, &told)?);
        if !has_transport(c.tx)? {
            response.warnings.push(no_transport());
        }
    } else if new.origin() == Origin::Generated {
        response.warnings.push(Warning::from(format!(
            "The PIN of {} was generated and SendWelcomeMail is $false, so nobody will know it. Run Set-UMMailboxPIN \
             to set one that is told.",
            plan.recipient.primary_smtp_address
        )));
    }
    c.audit(&plan.recipient.canonical_name, "enabled for unified messaging, PIN set")?;
    response.objects.push(um_mailbox_object(c.tx, guid)?);
    Ok(response.for_should_process(&plan.recipient.canonical_name, "Enable unified messaging"))
}

/// Mailbox and numbers, without the PIN.
fn write(c: &Change<'_>, p: &Parameters, plan: &Plan) -> Result<()> {
    let guid = &plan.recipient.guid;
    let kept = c.tx.um_mailbox(guid)?;
    let mut settings = kept.as_ref().map_or_else(|| Ok(Settings::new(MAILBOX)), Settings::of_mailbox)?;
    if let Some(flag) = p.flag("AutomaticSpeechRecognitionEnabled")? {
        settings.set("AutomaticSpeechRecognitionEnabled", json!(flag));
    }
    if let Some(pilot) = p.text("PilotNumber")? {
        settings.set(PILOT_NUMBER, json!(pilot));
    }
    c.tx.put_um_mailbox(&UmMailbox {
        guid: guid.clone(),
        policy_guid: Some(plan.policy.guid.clone()),
        settings: settings.document(),
        when_changed: c.now,
    })?;
    c.tx.set_um_addresses(guid, &plan.addresses)
}

fn decide(session: &Session, tx: &Tx<'_>, p: &Parameters, lookup: &Lookup) -> Result<Plan> {
    let recipient = lookup.recipient(session, tx)?;
    let smtp = recipient.primary_smtp_address.clone();
    if smtp.is_empty() {
        return Err(Error::new(
            Status::NoMailbox,
            format!(
                "The recipient '{}' has no SMTP address, so it has no mailbox to enable. Nothing was changed. Add an \
                 address to the directory and import it again.",
                recipient.canonical_name
            ),
        )
        .about(recipient.canonical_name));
    }
    if tx.um_mailbox(&recipient.guid)?.is_some_and(|m| m.is_enabled()) {
        return Err(Error::new(
            Status::AlreadyUmEnabled,
            format!("The mailbox {smtp} is already enabled for Unified Messaging. Nothing was changed."),
        )
        .about(smtp));
    }
    let policy = match p.text("UMMailboxPolicy")? {
        Some(text) => lookup::policy(session, tx, &text, &lookup.domain_controller)?,
        None => only_policy(tx)?,
    };
    let plan = tx.dial_plan(&policy.dial_plan_guid)?.ok_or_else(|| {
        Error::new(Status::StoreDamaged, "a policy's dial plan is missing; the store was changed outside this program")
    })?;
    let addresses = addresses(p, &recipient, &plan)?;
    addresses::check_addresses(tx, &recipient.guid, &addresses)?;
    let extensions = addresses.iter().map(|a| a.address.clone()).collect();
    Ok(Plan { recipient, policy, addresses, extensions })
}

/// EnableCloudVoiceMail makes the policy optional; where there is just one, that is meant.
fn only_policy(tx: &Tx<'_>) -> Result<Policy> {
    let mut all = tx.policies(None)?;
    match (all.pop(), all.is_empty()) {
        (Some(policy), true) => Ok(policy),
        _ => Err(Error::new(
            Status::InvalidArgument,
            "Enable-UMMailbox needs -UMMailboxPolicy where there is not just one UM mailbox policy. Nothing was \
             changed.",
        )),
    }
}

fn addresses(p: &Parameters, recipient: &Recipient, plan: &DialPlan) -> Result<Vec<UmAddress>> {
    let guid = &recipient.guid;
    let given = match p.list("Extensions")? {
        Some(ListEdit::Replace(list)) => list,
        Some(ListEdit::Edit { add, .. }) => add,
        None => Vec::new(),
    };
    let numbers = if given.is_empty() { vec![from_phone(recipient, plan)?] } else { given };
    let mut list = numbers
        .iter()
        .enumerate()
        .map(|(at, number)| {
            let extension = addresses::extension_address(plan, guid, number.trim())?;
            Ok(UmAddress { is_primary: at == 0, ..extension })
        })
        .collect::<Result<Vec<_>>>()?;
    if let Some(resource) = resource_identifier(p, recipient, plan)? {
        list.push(addresses::resource_address(plan, guid, &resource)?);
    }
    Ok(list)
}

/// The SIP address or E.164 number: as given, else the recipient's own `sip:` proxy address.
fn resource_identifier(p: &Parameters, recipient: &Recipient, plan: &DialPlan) -> Result<Option<String>> {
    let given = p.text("SIPResourceIdentifier")?.filter(|text| !text.is_empty());
    let own = recipient.addresses.iter().find(|a| a.prefix == "sip").map(|a| a.address.clone());
    match (plan.uri_type, given, own) {
        (UriType::SipName, Some(given), Some(own)) => {
            let bare = given.to_lowercase();
            if bare.strip_prefix("sip:").unwrap_or(&bare) != own.to_lowercase() {
                return Err(Error::new(
                    Status::SipResourceIdNeeded,
                    format!(
                        "The SIP address '{given}' conflicts with the recipient's own, '{own}'. Nothing was changed. \
                         Leave -SIPResourceIdentifier out, or change the directory."
                    ),
                ));
            }
            Ok(Some(own))
        }
        (UriType::SipName, None, Some(own)) => Ok(Some(own)),
        (UriType::SipName, None, None) => Err(Error::new(
            Status::SipResourceIdNeeded,
            format!(
                "The UM dial plan '{}' needs -SIPResourceIdentifier, a SIP address. Nothing was changed.",
                plan.name
            ),
        )),
        (UriType::E164, None, _) => Err(Error::new(
            Status::E164ResourceIdNeeded,
            format!(
                "The UM dial plan '{}' needs -SIPResourceIdentifier, an E.164 number. Nothing was changed.",
                plan.name
            ),
        )),
        // Scripts pass an address with telephone-extension plans too, where it means nothing.
        (UriType::TelExtn, _, _) => Ok(None),
        (_, given, _) => Ok(given),
    }
}

/// The tail of the user's phone number.
fn from_phone(recipient: &Recipient, plan: &DialPlan) -> Result<String> {
    let digits: String = recipient.phone.chars().filter(char::is_ascii_digit).collect();
    let wanted = plan.digits as usize;
    digits.len().checked_sub(wanted).and_then(|from| digits.get(from..)).map(str::to_owned).ok_or_else(|| {
        Error::new(
            Status::CouldNotGenerateExtension,
            format!(
                "No extension was given for {}, and none of {wanted} digits can be made from its phone number. Nothing \
                 was changed. Give one with -Extensions.",
                recipient.primary_smtp_address
            ),
        )
        .about(recipient.primary_smtp_address.clone())
    })
}
