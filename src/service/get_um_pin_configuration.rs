//! Get-UMPinConfiguration: the store's own settings, and where its files lie.

use serde_json::{Value, json};

use crate::error::{Error, Result, Status};
use crate::mail::render::Sender;
use crate::mail::transport::{MailSettings, seems_secret};
use crate::service::document::{Request, Response, Warning};
use crate::service::resolve::server_name;
use crate::session::Session;
use crate::store::{Tx, settings};

/// Days that audit records are kept, unless told otherwise; Exchange's default.
pub const DEFAULT_AUDIT_AGE_DAYS: u32 = 90;

/// One object.
pub fn run(session: &Session, request: &Request) -> Result<Response> {
    request.parameters.allow(&[])?;
    let mut response = Response::object(session.read(|tx| object(session, tx))?);
    if !session.store.exists()? {
        response.warnings.push(Warning {
            message: format!(
                "The store '{}' does not exist, and reads as empty. The first change makes it: Import-UMRecipient, for example. \
                 If there should be one already, check UMPIN_STORE.",
                session.location().store.display()
            ),
            once_per_session: true,
        });
    }
    Ok(response)
}

pub(crate) fn object(session: &Session, tx: &Tx<'_>) -> Result<Value> {
    let mail = mail_settings(tx)?;
    Ok(json!({
        "$type": "UMMailboxPin.PinConfiguration",
        "Transport": mail.transport,
        "PickupFolder": mail.pickup_folder,
        "Command": mail.command,
        "CommandArguments": shown(&mail.command_arguments),
        "CommandTimeoutSeconds": mail.timeout().as_secs(),
        "SenderAddress": mail.sender_address,
        "SenderName": mail.sender_name,
        "ServerName": server_name(tx),
        "AdminAuditLogAgeLimit": number(tx, settings::AUDIT_AGE_DAYS, DEFAULT_AUDIT_AGE_DAYS)?,
        "SprayDetectionThreshold": number(tx, settings::SPRAY_THRESHOLD, 0)?,
        "QueuedMessages": tx.outbox_count()?,
        "StorePath": session.location().store.display().to_string(),
        "StoreExists": session.store.exists()?,
        "KeyFile": session.location().key.display().to_string(),
        "KeyId": tx.setting(settings::KEY_ID)?,
    }))
}

/// Those that a former version took though they hold a password are not shown.
fn shown(arguments: &[String]) -> Vec<&str> {
    (0..arguments.len())
        .map(|n| {
            let before = n.checked_sub(1).map(|b| arguments[b].as_str());
            if seems_secret(before, &arguments[n]) { "(hidden)" } else { &arguments[n] }
        })
        .collect()
}

/// A numeric setting, or its default where it was never set.
pub(crate) fn number(tx: &Tx<'_>, name: &str, default: u32) -> Result<u32> {
    Ok(tx.setting(name)?.and_then(|text| text.parse().ok()).unwrap_or(default))
}

/// The mail settings, or the defaults where they were never set.
pub(crate) fn mail_settings(tx: &Tx<'_>) -> Result<MailSettings> {
    match tx.setting(settings::MAIL)? {
        None => Ok(MailSettings::default()),
        Some(text) => serde_json::from_str(&text).map_err(|_| {
            Error::new(
                Status::InvalidTransport,
                "The stored mail settings cannot be read. Set them anew with Set-UMPinConfiguration.",
            )
        }),
    }
}

/// Who a message comes from: the configured sender, else `voicemail@` and the recipient's domain.
pub(crate) fn sender_for(mail: &MailSettings, to: &str) -> Sender {
    let address = if mail.sender_address.is_empty() {
        format!("voicemail@{}", to.rsplit_once('@').map_or("localhost", |(_, domain)| domain))
    } else {
        mail.sender_address.clone()
    };
    Sender { address, name: mail.sender_name.clone() }
}
