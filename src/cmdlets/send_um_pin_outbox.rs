//! Send-UMPinOutbox and `umpin deliver`: what was committed goes out, at least once, never inside a sign-in or a Get-.
//!
//! A message is claimed for a while in one short transaction, opened, rendered and handed over outside any, and erased
//! in another. A process that dies in between leaves a claim that runs out; the message then goes out again, with the
//! same Message-ID.

use crate::guid::MessageGuid;
use std::time::{Duration, Instant};

use crate::cmdlets::document::{Request, Response};
use crate::cmdlets::get_um_pin_outbox::object;
use crate::cmdlets::parameters::Parameters;
use crate::cmdlets::set_um_pin_configuration::COMMAND_TIMEOUT_SECONDS;
use crate::crypto::seal::{Purpose, open};
use crate::directory::list_edit::ListEdit;
use crate::error::{Error, Result, Status, Warning};
use crate::guid::new_guid;
use crate::mail::notice::{Kind, Notice};
use crate::mail::render;
use crate::mail::transport::Transport;
use crate::service::configuration::{mail_settings, sender_for};
use crate::service::notice::no_transport;
use crate::service::notice::put;
use crate::session::{Cause, Change, Mode, Session};
use crate::store::outbox::{LONGEST_CLAIM, LONGEST_DELAY, OutboxRow};

/// The first wait after a failure; it doubles with every further one.
const FIRST_DELAY: i64 = 60_000;
/// What a claim has left when its delivery's time is over.
const CLAIM_MARGIN: Duration = Duration::from_secs(60);
const _: () = assert!(*COMMAND_TIMEOUT_SECONDS.end() * 1000 + CLAIM_MARGIN.as_millis() as i64 <= LONGEST_CLAIM);
/// Notices before expiry that are queued in one transaction.
const EXPIRY_BATCH: usize = 200;

/// What a delivery did.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Handed over and erased.
    pub sent: Vec<OutboxRow>,
    /// Tried in vain; they stay queued.
    pub failed: Vec<(OutboxRow, Error)>,
    /// Whether there was no transport, so that nothing was tried.
    pub no_transport: bool,
}

/// Which messages.
enum Which {
    /// These, due or not: what a cmdlet has just queued, or what somebody wants tried now.
    These(Vec<MessageGuid>),
    /// Whatever is due.
    Due,
}

/// `Ids` (what a writing cmdlet queued), `Identity` (one waiting message) or everything, due or not.
pub fn send_um_pin_outbox(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["Ids", "BudgetMilliseconds"])?;
    let queued_just_now = p.is_bound("Ids");
    let ids = wanted(session, p)?;
    if request.mode == Mode::Validate {
        let target = if ids.len() == 1 { "1 message".to_owned() } else { format!("{} messages", ids.len()) };
        return Ok(Response::default().about(target, "Send what waits in the PIN outbox"));
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
            .map(object)
            .collect();
    }
    Ok(response)
}

fn wanted(session: &Session, p: &Parameters) -> Result<Vec<MessageGuid>> {
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
        "The notice for {} could not be delivered: {}. The PIN change stands; the notice stays queued, sealed, and is tried \
         again by Send-UMPinOutbox and 'umpin deliver'.",
        row.user_id, e.message
    )
}

/// Queues the notices before expiry that are due, then delivers what is due, for at most `budget`.
pub fn deliver_due(session: &Session, budget: Option<Duration>) -> Result<Delivery> {
    if !session.store.exists()? {
        return Ok(Delivery::default());
    }
    queue_expiry_notices(session)?;
    deliver(session, &Which::Due, budget)
}

fn deliver(session: &Session, which: &Which, budget: Option<Duration>) -> Result<Delivery> {
    let started = Instant::now();
    let mail = session.read(mail_settings)?;
    let mut done = Delivery::default();
    if mail.transport == Transport::None {
        done.no_transport = true;
        return Ok(done);
    }
    let cause = Cause::new("Send-UMPinOutbox");
    let me = new_guid()?;
    let mut ids = match which {
        Which::These(ids) => ids.as_slice(),
        Which::Due => &[],
    }
    .iter();
    loop {
        let left = budget.map_or(mail.timeout(), |b| b.saturating_sub(started.elapsed()).min(mail.timeout()));
        if left.is_zero() {
            break;
        }
        let claim_ms = i64::try_from((mail.timeout() + CLAIM_MARGIN).as_millis()).unwrap_or(i64::MAX);
        let claim = |c: &Change<'_>, row: Option<OutboxRow>| {
            let Some(mut row) = row.filter(|r| !r.is_claimed(c.now)) else { return Ok(None) };
            row.claimed_by.clone_from(&me);
            row.claimed_until = c.now.saturating_add(claim_ms);
            c.tx.put_outbox(&row)?;
            Ok(Some(row))
        };
        let claimed = match which {
            Which::Due => session.change(Mode::Commit, &cause, |c| claim(c, c.tx.next_due(c.now)?))?,
            Which::These(_) => {
                let Some(id) = ids.next() else { break };
                match session.change(Mode::Commit, &cause, |c| claim(c, c.tx.outbox_row(id)?))? {
                    // Delivered, replaced, or somebody else is at it.
                    None => continue,
                    some => some,
                }
            }
        };
        let Some(row) = claimed else { break };
        let outcome = hand_over(session, &row, &mail, left);
        session.change(Mode::Commit, &cause, |c| {
            // Only what is still this claim's: a newer PIN may have replaced the message meanwhile.
            let Some(mut now) = c.tx.outbox_row(&row.id)?.filter(|r| r.claimed_by == me) else { return Ok(()) };
            match &outcome {
                Ok(()) => c.tx.remove_outbox(&row.id),
                Err(e) => {
                    let doublings = now.attempts.min(20);
                    now.attempts = now.attempts.saturating_add(1);
                    now.last_error.clone_from(&e.message);
                    now.due_at = c.now.saturating_add((FIRST_DELAY << doublings).min(LONGEST_DELAY));
                    now.claimed_by.clear();
                    now.claimed_until = 0;
                    c.tx.put_outbox(&now)
                }
            }
        })?;
        match outcome {
            Ok(()) => done.sent.push(row),
            Err(e) => done.failed.push((row, e)),
        }
    }
    Ok(done)
}

fn hand_over(
    session: &Session,
    row: &OutboxRow,
    mail: &crate::mail::transport::MailSettings,
    limit: Duration,
) -> Result<()> {
    let ring = session.ring()?;
    let plain = open(ring.get(&row.key_id)?, Purpose::Mail, row.id.as_str(), &row.sealed)?;
    let notice: Notice = serde_json::from_slice(&plain)
        .map_err(|_| Error::new(Status::SealBroken, "the queued notice cannot be read"))?;
    let sender = sender_for(mail, &notice.to);
    let message = render::notice(&notice, &sender, &row.message_id, row.queued_at);
    mail.send(row.id.as_str(), &sender.address, &message, limit)
}

/// ExpiryNoticeDays: tells those whose PIN expires soon, once for each PIN.
fn queue_expiry_notices(session: &Session) -> Result<()> {
    let cause = Cause::new("Send-UMPinOutbox");
    loop {
        let now = session.now();
        if session.read(|tx| tx.expiring_pins(now, 1))?.is_empty() {
            return Ok(());
        }
        session.change(Mode::Commit, &cause, |c| {
            for (guid, expires_on) in c.tx.expiring_pins(c.now, EXPIRY_BATCH)? {
                let Some(mut pin) = c.tx.pin(&guid)? else { continue };
                pin.expiry_noticed = true;
                c.tx.put_pin(&guid, &pin)?;
                let Some(recipient) = c.tx.recipient(&guid)? else { continue };
                put(
                    c,
                    &recipient,
                    &Notice {
                        kind: Kind::Expiry,
                        to: recipient.primary_smtp_address.clone(),
                        display_name: recipient.display_name.clone(),
                        user_id: recipient.primary_smtp_address.clone(),
                        language: recipient.language.clone(),
                        pin: String::new(),
                        must_change: false,
                        access_numbers: Vec::new(),
                        extension: String::new(),
                        policy_text: String::new(),
                        expires_on,
                    },
                )?;
            }
            Ok(())
        })?;
    }
}
