//! Queueing a message in the transaction of the change that it tells of.

use crate::directory::numbers::AddressKind;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::crypto::seal::{Purpose, seal};
use crate::directory::mail_address::is_mail_address;
use crate::directory::recipient::Recipient;
use crate::error::{Error, Result, Status, Warning};
use crate::guid::MessageGuid;
use crate::mail::notice::{Kind, Notice};
use crate::pin::Pin;
use crate::service::telephone_settings::{DIAL_PLAN, MAILBOX, PILOT_NUMBER, POLICY, Settings};
use crate::session::Change;
use crate::store::outbox::OutboxRow;
use crate::store::{Tx, settings};

/// Checks -NotifyEmail. Empty counts as not given.
pub(crate) fn check_notify_email(text: Option<&str>) -> Result<()> {
    match text {
        None | Some("") => Ok(()),
        Some(text) if is_mail_address(text) => Ok(()),
        Some(text) => Err(Error::new(
            Status::InvalidNotifyEmail,
            format!(
                "'{}' is not an e-mail address. Nothing was changed. Correct -NotifyEmail or leave it out.",
                text.chars().filter(|c| !c.is_control()).take(80).collect::<String>()
            ),
        )),
    }
}

/// What a notice about a new PIN needs to be told.
pub(crate) struct NewPinNotice<'a> {
    /// `Welcome` or `Reset`; becomes `Changed` where the policy asks for notices without a PIN.
    pub kind: Kind,
    /// Where it goes instead of the primary SMTP address.
    pub notify_email: Option<&'a str>,
    /// The new PIN.
    pub pin: &'a Pin,
    /// Whether it must be changed at the first sign-in.
    pub must_change: bool,
}

/// Queues a notice about a new PIN, in place of an older undelivered one about the same mailbox. Returns its id.
pub(crate) fn queue_new_pin_notice(
    c: &Change<'_>,
    recipient: &Recipient,
    notice: &NewPinNotice<'_>,
) -> Result<MessageGuid> {
    let mailbox = c.tx.um_mailbox(&recipient.guid)?;
    let policy = match mailbox.as_ref().and_then(|m| m.policy_guid.as_ref()) {
        Some(guid) => c.tx.policy(guid)?,
        None => None,
    };
    let plan = match &policy {
        Some(policy) => c.tx.dial_plan(&policy.dial_plan_guid)?,
        None => None,
    };
    let policy_settings = policy.as_ref().map_or_else(|| Ok(Settings::new(POLICY)), Settings::of_policy)?;
    let plan_settings = plan.as_ref().map_or_else(|| Ok(Settings::new(DIAL_PLAN)), Settings::of_dial_plan)?;
    let mailbox_settings = mailbox.as_ref().map_or_else(|| Ok(Settings::new(MAILBOX)), Settings::of_mailbox)?;

    let without_pin = policy.as_ref().is_some_and(|p| p.notify_without_pin) && notice.kind == Kind::Reset;
    let kind = if without_pin { Kind::Changed } else { notice.kind };
    let pilot = mailbox_settings.text(PILOT_NUMBER)?;
    let access_numbers = if pilot.is_empty() { plan_settings.texts("AccessTelephoneNumbers")? } else { vec![pilot] };
    let pin = if without_pin { String::new() } else { String::from_utf8_lossy(notice.pin.expose()).into_owned() };
    let to = notice.notify_email.filter(|a| !a.is_empty()).unwrap_or(&recipient.primary_smtp_address);
    let sealed_notice = Notice {
        kind,
        to: to.to_owned(),
        display_name: recipient.display_name.clone(),
        user_id: recipient.primary_smtp_address.clone(),
        language: recipient.language.clone(),
        pin,
        must_change: notice.must_change,
        access_numbers,
        extension: c
            .tx
            .um_addresses(&recipient.guid)?
            .into_iter()
            .find(|a| a.kind == AddressKind::Extension)
            .map(|a| a.address)
            .unwrap_or_default(),
        policy_text: policy_settings.text(if kind == Kind::Welcome { "UMEnabledText" } else { "ResetPINText" })?,
        expires_on: 0,
    };
    queue_notice(c, recipient, &sealed_notice)
}

/// Seals and queues, in place of older undelivered messages about the same mailbox.
pub(crate) fn queue_notice(c: &Change<'_>, recipient: &Recipient, notice: &Notice) -> Result<MessageGuid> {
    c.tx.remove_outbox_of(&recipient.guid)?;
    let id = MessageGuid::random()?;
    let plain = Zeroizing::new(
        serde_json::to_vec(notice)
            .map_err(|_| Error::new(Status::Internal, "The notice could not be written down. Nothing was changed."))?,
    );
    let domain = recipient.primary_smtp_address.rsplit_once('@').map_or("localhost", |(_, d)| d);
    c.tx.add_outbox(&OutboxRow {
        sealed: seal(c.key, Purpose::Mail, id.as_str(), &plain)?,
        message_id: format!("<{id}@{domain}>"),
        id: id.clone(),
        recipient_guid: recipient.guid.clone(),
        user_id: recipient.primary_smtp_address.clone(),
        kind: notice.kind,
        to_address: notice.to.clone(),
        key_id: c.key.id().clone(),
        queued_at: c.now,
        due_at: c.now,
        attempts: 0,
        last_error: String::new(),
        claimed_by: String::new(),
        claimed_until: 0,
    })?;
    Ok(id)
}

/// Whether a transport is configured at all.
pub(crate) fn has_transport(tx: &Tx<'_>) -> Result<bool> {
    Ok(tx
        .setting(settings::MAIL)?
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        .is_some_and(|mail| mail["Transport"].as_str().is_some_and(|t| t != "None")))
}

/// The warning that every queued notice brings while there is no transport.
pub(crate) fn no_transport() -> Warning {
    Warning {
        message: "No mail transport is configured, so PIN notices wait in the outbox, sealed, and nobody gets them. \
                  Choose one with Set-UMPinConfiguration, for example Set-UMPinConfiguration -Transport Pickup \
                  -PickupFolder <folder>."
            .into(),
        once_per_session: true,
    }
}
