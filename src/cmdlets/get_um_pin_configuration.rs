//! Get-UMPinConfiguration: the store's own settings, and where its files lie.

use serde_json::{Value, json};

use crate::cmdlets::document::{Request, Response};
use crate::error::{Result, Warning};
use crate::mail::transport::seems_secret;
use crate::service::configuration::{audit_age_days, mail_settings, spray_threshold};
use crate::service::lookup::server_name;
use crate::session::Session;
use crate::store::Tx;

/// One object.
pub(crate) fn get_um_pin_configuration(session: &Session, request: &Request) -> Result<Response> {
    request.parameters.allow(&[])?;
    let mut response = Response::with_object(session.read(|tx| configuration_object(session, tx))?);
    if !session.store.exists()? {
        response.warnings.push(Warning {
            message: format!(
                "The store '{}' does not exist, and reads as empty. The first change makes it: Import-UMRecipient, for \
                 example. If there should be one already, check UMPIN_STORE.",
                session.location().store.display()
            ),
            once_per_session: true,
        });
    }
    Ok(response)
}

pub(crate) fn configuration_object(session: &Session, tx: &Tx<'_>) -> Result<Value> {
    let mail = mail_settings(tx)?;
    Ok(json!({
        "$type": "UMMailboxPin.PinConfiguration",
        "Transport": mail.transport,
        "PickupFolder": mail.pickup_folder,
        "Command": mail.command,
        "CommandArguments": printable_arguments(&mail.command_arguments),
        "CommandTimeoutSeconds": mail.timeout().as_secs(),
        "SenderAddress": mail.sender_address,
        "SenderName": mail.sender_name,
        "ServerName": server_name(tx),
        "AdminAuditLogAgeLimit": audit_age_days(tx)?,
        "SprayDetectionThreshold": spray_threshold(tx)?,
        "QueuedMessages": tx.outbox_count()?,
        "StorePath": session.location().store.display().to_string(),
        "StoreExists": session.store.exists()?,
        "KeyFile": session.location().key.display().to_string(),
        "KeyId": tx.key_id()?,
    }))
}

/// Those that a former version took though they hold a password are not shown.
fn printable_arguments(arguments: &[String]) -> Vec<&str> {
    (0..arguments.len())
        .map(|n| {
            let before = n.checked_sub(1).map(|b| arguments[b].as_str());
            if seems_secret(before, &arguments[n]) { "(hidden)" } else { &arguments[n] }
        })
        .collect()
}
