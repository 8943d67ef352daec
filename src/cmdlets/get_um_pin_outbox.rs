//! Get-UMPinOutbox: what mail waits and why. Never a PIN: the messages stay sealed.

use serde_json::{Value, json};

use crate::cmdlets::document::{Request, Response, date, guid};
use crate::error::Result;
use crate::session::Session;
use crate::store::outbox::OutboxRow;

/// All messages that wait, the oldest first.
pub(crate) fn get_um_pin_outbox(session: &Session, request: &Request) -> Result<Response> {
    request.parameters.allow(&[])?;
    let rows = session.read(|tx| tx.outbox())?;
    Ok(Response { objects: rows.iter().map(outbox_item_object).collect(), ..Response::default() })
}

pub(crate) fn outbox_item_object(row: &OutboxRow) -> Value {
    json!({
        "$type": "UMMailboxPin.OutboxItem",
        "Identity": guid(&row.id),
        "UserID": row.user_id,
        "Kind": row.kind.as_str(),
        "To": row.to_address,
        "QueuedAt": date(row.queued_at),
        "DueAt": date(row.due_at),
        "Attempts": row.attempts,
        "LastError": row.last_error,
    })
}
