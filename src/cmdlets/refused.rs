//! Records refused calls in the audit trail, whether the rehearsal or the commit refused them.

use serde_json::Value;

use crate::cmdlets::document::Request;
use crate::error::{Condition, Error};
use crate::service::audit::audit_refusal;
use crate::service::lookup::Lookup;
use crate::session::{Cause, Mode, Session};

/// Characters of a text that a record keeps: a refused call's parameters were checked by nobody.
const LONGEST: usize = 256;

/// What an operation's records are about.
enum About {
    /// The recipient that Identity names.
    Recipient,
    /// What Identity or Name says.
    Named,
    /// This name, whatever the call's parameters.
    This(&'static str),
}

/// The operations that record what they do; the rest only look, or change nothing that outlives the session.
fn record_subject(operation: &str) -> Option<About> {
    match operation {
        "Enable-UMMailbox" | "Disable-UMMailbox" | "Set-UMMailbox" | "Lock-UMMailbox" | "Unlock-UMMailbox"
        | "Set-Mailbox" => Some(About::Recipient),
        "New-UMMailboxPolicy"
        | "Set-UMMailboxPolicy"
        | "Remove-UMMailboxPolicy"
        | "New-UMDialPlan"
        | "Set-UMDialPlan"
        | "Remove-UMDialPlan" => Some(About::Named),
        "Set-UMPinConfiguration" => Some(About::This("store settings")),
        "Update-UMPinKey" | "Backup-UMPinStore" | "Restore-UMPinStore" => Some(About::This("store")),
        _ => None,
    }
}

/// Records why an operation was refused, unless it only rehearsed.
pub(super) fn record_refusal(session: &Session, operation: &str, request: &Request, why: &Error) {
    if request.mode != Mode::Commit && !request.before_commit {
        return;
    }
    let p = &request.parameters;
    if p.switch("ValidateOnly").unwrap_or(false) {
        return;
    }
    let text = |name: &str| p.text(name).ok().flatten();
    let object = match record_subject(operation) {
        None => return,
        Some(About::Recipient) => {
            p.lookup().ok().map_or_else(|| text("Identity").unwrap_or_default(), |who| refusal_target(session, &who))
        }
        Some(About::Named) => text("Identity").or_else(|| text("Name")).unwrap_or_default(),
        Some(About::This(thing)) => thing.into(),
    };
    write_refusal(session, &request.cause, &object, why);
}

/// The canonical name of the recipient that a call is about; the identity as given where there is none.
pub(super) fn refusal_target(session: &Session, who: &Lookup) -> String {
    session
        .read(|tx| Ok(who.recipient(session, tx)?.canonical_name))
        .unwrap_or_else(|_| who.identity.clone().unwrap_or_default())
}

/// Writes one record. It makes no store, and does not wait for a busy store a second time.
pub(super) fn write_refusal(session: &Session, cause: &Cause, object: &str, why: &Error) {
    if !session.store.exists().unwrap_or(false) || why.is(Condition::StoreBusy) {
        return;
    }
    let parameters = match serde_json::from_str(&cause.parameters) {
        Ok(mut parameters) => {
            truncate_texts(&mut parameters);
            parameters.to_string()
        }
        Err(_) => String::new(),
    };
    let cause = Cause { parameters, ..cause.clone() };
    audit_refusal(session, &cause, &truncated(object), why);
}

fn truncated(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn truncate_texts(value: &mut Value) {
    match value {
        Value::String(text) => *text = truncated(text),
        Value::Array(list) => {
            list.truncate(LONGEST);
            list.iter_mut().for_each(truncate_texts);
        }
        Value::Object(map) => map.values_mut().for_each(truncate_texts),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that change nothing that a record should tell of, or record what they do by themselves.
    const WITHOUT_A_SUBJECT: [&str; 13] = [
        "Complete-Identity",
        "Get-ADServerSettings",
        "Get-Mailbox",
        "Get-UMDialPlan",
        "Get-UMMailbox",
        "Get-UMMailboxPolicy",
        "Get-UMPinConfiguration",
        "Get-UMPinOutbox",
        "Import-UMRecipient",
        "Search-UMAdminAuditLog",
        "Send-UMPinOutbox",
        "Set-ADServerSettings",
        "Test-UMPinStore",
    ];

    #[test]
    fn every_operation_that_changes_something_has_its_refusals_recorded() {
        for (operation, _) in crate::cmdlets::OPERATIONS {
            let expected = !WITHOUT_A_SUBJECT.contains(operation);
            assert_eq!(record_subject(operation).is_some(), expected, "{operation}");
        }
    }
}
