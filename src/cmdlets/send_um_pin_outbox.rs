//! Send-UMPinOutbox: tries waiting messages now, and tells of each that still waits.

use std::time::Duration;

use crate::cmdlets::document::{Request, Response};
use crate::cmdlets::get_um_pin_outbox::outbox_item_object;
use crate::cmdlets::parameters::Parameters;
use crate::directory::list_edit::ListEdit;
use crate::error::{Error, Result, Status, Warning};
use crate::guid::MessageGuid;
use crate::service::delivery::{Which, deliver};
use crate::service::notice::no_transport;
use crate::session::{Mode, Session};
use crate::store::outbox::OutboxRow;

/// `Ids` (what a writing cmdlet queued), `Identity` (one waiting message) or everything, due or not.
pub(crate) fn send_um_pin_outbox(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["Ids", "BudgetMilliseconds"])?;
    let queued_just_now = p.is_bound("Ids");
    let ids = requested_messages(session, p)?;
    if request.mode == Mode::Validate {
        let target = if ids.len() == 1 { "1 message".to_owned() } else { format!("{} messages", ids.len()) };
        return Ok(Response::default().for_should_process(target, "Send what waits in the PIN outbox"));
    }
    let budget = p.integer("BudgetMilliseconds")?.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
    let total = ids.len() as u64;
    let done = deliver(session, &Which::These(ids), budget)?;
    let tried = (done.sent.len() + done.failed.len()) as u64;
    let mut response = Response { progress: Some((tried, total)), ..Response::default() };
    if queued_just_now {
        // The change stands; that its notice waits is no error.
        response.warnings.extend(done.failed.iter().map(|(row, e)| Warning::from(still_queued(row, e))));
    } else {
        if done.no_transport && total > 0 {
            response.warnings.push(no_transport());
        }
        response.errors.extend(
            done.failed
                .iter()
                .map(|(row, e)| Error::new(Status::DeliveryFailed, still_queued(row, e)).about(row.id.as_str())),
        );
        response.objects = session
            .read(|tx| done.failed.iter().map(|(row, _)| tx.outbox_row(&row.id)).collect::<Result<Vec<_>>>())?
            .iter()
            .flatten()
            .map(outbox_item_object)
            .collect();
    }
    Ok(response)
}

fn requested_messages(session: &Session, p: &Parameters) -> Result<Vec<MessageGuid>> {
    if let Some(ListEdit::Replace(ids)) = p.list("Ids")? {
        return Ok(ids.into_iter().map(MessageGuid::known).collect());
    }
    let rows = session.read(|tx| tx.outbox())?;
    match p.text("Identity")? {
        None => Ok(rows.into_iter().map(|r| r.id).collect()),
        Some(text) => {
            let key = crate::directory::identity::fold(&text);
            let found: Vec<_> = rows
                .into_iter()
                .filter(|r| r.id.as_str() == key || r.user_id.to_lowercase() == key)
                .map(|r| r.id)
                .collect();
            if found.is_empty() {
                return Err(Error::new(
                    Status::NotFound,
                    format!("No message with the identity '{text}' waits in the PIN outbox. Nothing was sent."),
                )
                .about(text));
            }
            Ok(found)
        }
    }
}

fn still_queued(row: &OutboxRow, e: &Error) -> String {
    format!(
        "The notice for {} could not be delivered: {}. The PIN change stands; the notice stays queued, sealed, and is \
         tried again by Send-UMPinOutbox and 'umpin deliver'.",
        row.user_id, e.message
    )
}
