//! What each cmdlet does: resolve, check, one transaction. One file a cmdlet, named after it; the four of policies, of dial
//! plans and of the directory settings share theirs.

pub mod contents;
pub mod document;
pub mod parameters;
mod refused;
pub mod settings;
pub mod um_mailbox_object;

pub mod ad_server_settings;
pub mod backup_um_pin_store;
pub mod complete_identity;
pub mod disable_um_mailbox;
pub mod enable_um_mailbox;
pub mod get_um_mailbox;
pub mod get_um_mailbox_pin;
pub mod get_um_pin_configuration;
pub mod get_um_pin_outbox;
pub mod import_um_recipient;
pub mod lock_um_mailbox;
pub mod restore_um_pin_store;
pub mod search_um_admin_audit_log;
pub mod send_um_pin_outbox;
pub mod set_mailbox;
pub mod set_um_mailbox;
pub mod set_um_mailbox_pin;
pub mod set_um_pin_configuration;
pub mod test_um_pin_store;
pub mod um_dial_plan;
pub mod um_mailbox_policy;
pub mod update_um_pin_key;

use serde_json::Value;

use crate::error::{Error, Result, Status};
use crate::pin::Pin;
use crate::session::Session;
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
    let run: Operation = find(operation).ok_or_else(|| {
        Error::new(Status::InvalidRequest, format!("There is no operation '{operation}'. Nothing was changed."))
    })?;
    let mut response = run(session, &request).inspect_err(|why| refused::record(session, operation, &request, why))?;
    response.warnings.extend(session.left_behind());
    Ok(response)
}

/// An operation over its documents.
type Operation = fn(&Session, &Request) -> Result<Response>;

/// One line an operation, under its cmdlet's name.
fn find(operation: &str) -> Option<Operation> {
    match operation {
        // Directory.
        "Import-UMRecipient" => Some(import_um_recipient::run),
        "Get-UMMailbox" => Some(get_um_mailbox::run),
        "Get-Mailbox" => Some(get_um_mailbox::run_mailbox),
        "Set-Mailbox" => Some(set_mailbox::run),
        "Set-ADServerSettings" => Some(ad_server_settings::set),
        "Get-ADServerSettings" => Some(ad_server_settings::get),
        "Complete-Identity" => Some(complete_identity::run),

        // Mailboxes.
        "Enable-UMMailbox" => Some(enable_um_mailbox::run),
        "Disable-UMMailbox" => Some(disable_um_mailbox::run),
        "Set-UMMailbox" => Some(set_um_mailbox::run),
        "Lock-UMMailbox" => Some(lock_um_mailbox::lock),
        "Unlock-UMMailbox" => Some(lock_um_mailbox::unlock),

        // Policies and dial plans.
        "New-UMMailboxPolicy" => Some(um_mailbox_policy::new),
        "Get-UMMailboxPolicy" => Some(um_mailbox_policy::get),
        "Set-UMMailboxPolicy" => Some(um_mailbox_policy::set),
        "Remove-UMMailboxPolicy" => Some(um_mailbox_policy::remove),
        "New-UMDialPlan" => Some(um_dial_plan::new),
        "Get-UMDialPlan" => Some(um_dial_plan::get),
        "Set-UMDialPlan" => Some(um_dial_plan::set),
        "Remove-UMDialPlan" => Some(um_dial_plan::remove),

        // Mail and settings.
        "Get-UMPinConfiguration" => Some(get_um_pin_configuration::run),
        "Set-UMPinConfiguration" => Some(set_um_pin_configuration::run),
        "Get-UMPinOutbox" => Some(get_um_pin_outbox::run),
        "Send-UMPinOutbox" => Some(send_um_pin_outbox::run),

        // Keys, backups, audit.
        "Update-UMPinKey" => Some(update_um_pin_key::run),
        "Backup-UMPinStore" => Some(backup_um_pin_store::run),
        "Restore-UMPinStore" => Some(restore_um_pin_store::run),
        "Test-UMPinStore" => Some(test_um_pin_store::run),
        "Search-UMAdminAuditLog" => Some(search_um_admin_audit_log::run),

        //
        _ => None,
    }
}
