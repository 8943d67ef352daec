//! What each cmdlet does: resolve, check, one transaction. One file a cmdlet, named after it; the four of policies, of
//! dial plans and of the directory settings share theirs.

pub mod contents;
mod cursor;
pub mod document;
pub(crate) mod parameters;
mod refused;
pub(crate) mod settings;
pub(crate) mod um_mailbox_object;

pub(crate) mod ad_server_settings;
pub(crate) mod backup_um_pin_store;
pub(crate) mod complete_identity;
pub(crate) mod disable_um_mailbox;
pub(crate) mod enable_um_mailbox;
pub(crate) mod get_um_mailbox;
pub mod get_um_mailbox_pin;
pub(crate) mod get_um_pin_configuration;
pub(crate) mod get_um_pin_outbox;
pub(crate) mod import_um_recipient;
pub(crate) mod lock_um_mailbox;
mod mailbox_filter;
pub(crate) mod restore_um_pin_store;
pub(crate) mod search_um_admin_audit_log;
pub(crate) mod send_um_pin_outbox;
pub(crate) mod set_mailbox;
pub(crate) mod set_um_mailbox;
pub mod set_um_mailbox_pin;
pub(crate) mod set_um_pin_configuration;
pub(crate) mod test_um_pin_store;
pub(crate) mod um_dial_plan;
pub(crate) mod um_mailbox_policy;
pub(crate) mod update_um_pin_key;

use serde_json::Value;

use crate::error::{Error, Result, Status};
use crate::pin::Pin;
use crate::service::lookup::Lookup;
use crate::session::{Cause, Session};
use document::{Request, Response};

/// Runs the operation that has this cmdlet's name. `secret` is its PIN, for the operations that take one.
pub fn execute(session: &Session, operation: &str, request: &[u8], secret: Option<Pin>) -> Result<Response> {
    let request: Value = serde_json::from_slice(request).map_err(|e| {
        Error::new(
            Status::InvalidRequest,
            format!("The request of {operation} is not a JSON document: {e}. Nothing was changed."),
        )
    })?;
    let request = Request::new(operation, &request, secret)?;
    let operate: Operation = operation_named(operation).ok_or_else(|| {
        Error::new(Status::InvalidRequest, format!("There is no operation '{operation}'. Nothing was changed."))
    })?;
    let mut response =
        operate(session, &request).inspect_err(|why| refused::record_refusal(session, operation, &request, why))?;
    response.warnings.extend(session.left_behind());
    response.warnings.extend(session.upgraded());
    Ok(response)
}

/// Records in the trail that `operation` on `identity` was refused before it came this far, as by a program's own
/// limit.
pub fn record_refusal(session: &Session, operation: &str, identity: &str, why: &Error) {
    let who = Lookup { identity: Some(identity.to_owned()), ..Lookup::default() };
    let parameters = serde_json::json!({"Identity": identity}).to_string();
    let cause = Cause { cmdlet: operation.into(), parameters, domain_controller: String::new() };
    refused::write_refusal(session, &cause, &refused::refusal_target(session, &who), why);
}

/// An operation over its documents.
type Operation = fn(&Session, &Request) -> Result<Response>;

/// The function of the cmdlet with this name.
fn operation_named(operation: &str) -> Option<Operation> {
    OPERATIONS.iter().find(|(name, _)| *name == operation).map(|(_, operate)| *operate)
}

/// One line an operation, under its cmdlet's name.
const OPERATIONS: &[(&str, Operation)] = &[
    // Directory.
    ("Import-UMRecipient", import_um_recipient::import_um_recipient),
    ("Get-UMMailbox", get_um_mailbox::get_um_mailbox),
    ("Get-Mailbox", get_um_mailbox::get_mailbox),
    ("Set-Mailbox", set_mailbox::set_mailbox),
    ("Set-ADServerSettings", ad_server_settings::set_ad_server_settings),
    ("Get-ADServerSettings", ad_server_settings::get_ad_server_settings),
    ("Complete-Identity", complete_identity::complete_identity),
    // Mailboxes.
    ("Enable-UMMailbox", enable_um_mailbox::enable_um_mailbox),
    ("Disable-UMMailbox", disable_um_mailbox::disable_um_mailbox),
    ("Set-UMMailbox", set_um_mailbox::set_um_mailbox),
    ("Lock-UMMailbox", lock_um_mailbox::lock_um_mailbox),
    ("Unlock-UMMailbox", lock_um_mailbox::unlock_um_mailbox),
    // Policies and dial plans.
    ("New-UMMailboxPolicy", um_mailbox_policy::new_um_mailbox_policy),
    ("Get-UMMailboxPolicy", um_mailbox_policy::get_um_mailbox_policy),
    ("Set-UMMailboxPolicy", um_mailbox_policy::set_um_mailbox_policy),
    ("Remove-UMMailboxPolicy", um_mailbox_policy::remove_um_mailbox_policy),
    ("New-UMDialPlan", um_dial_plan::new_um_dial_plan),
    ("Get-UMDialPlan", um_dial_plan::get_um_dial_plan),
    ("Set-UMDialPlan", um_dial_plan::set_um_dial_plan),
    ("Remove-UMDialPlan", um_dial_plan::remove_um_dial_plan),
    // Mail and settings.
    ("Get-UMPinConfiguration", get_um_pin_configuration::get_um_pin_configuration),
    ("Set-UMPinConfiguration", set_um_pin_configuration::set_um_pin_configuration),
    ("Get-UMPinOutbox", get_um_pin_outbox::get_um_pin_outbox),
    ("Send-UMPinOutbox", send_um_pin_outbox::send_um_pin_outbox),
    // Keys, backups, audit.
    ("Update-UMPinKey", update_um_pin_key::update_um_pin_key),
    ("Backup-UMPinStore", backup_um_pin_store::backup_um_pin_store),
    ("Restore-UMPinStore", restore_um_pin_store::restore_um_pin_store),
    ("Test-UMPinStore", test_um_pin_store::test_um_pin_store),
    ("Search-UMAdminAuditLog", search_um_admin_audit_log::search_um_admin_audit_log),
];
