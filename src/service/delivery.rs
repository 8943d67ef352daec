//! Delivery: what was committed goes out, at least once, never inside a sign-in or a Get-.
//!
//! A message is claimed for a while in one short transaction, opened, rendered and handed over outside any, and erased
//! in another. A process that dies in between leaves a claim that runs out; the message then goes out again, with the
//! same Message-ID.

use std::time::{Duration, Instant};

use crate::crypto::seal::{Purpose, open};
use crate::error::{Error, Result, Status};
use crate::guid::{MessageGuid, new_guid};
use crate::location::is_root_among_others;
use crate::mail::notice::{Kind, Notice};
use crate::mail::render;
use crate::mail::transport::{MailSettings, Transport};
use crate::service::configuration::{COMMAND_TIMEOUT_SECONDS, mail_settings, sender_for};
use crate::service::notice::queue_notice;
use crate::session::{Cause, Change, Mode, Session};
use crate::store::outbox::{LONGEST_CLAIM, LONGEST_DELAY, OutboxRow};

/// The first wait after a failure; it doubles with every further one.
const FIRST_DELAY: i64 = 60_000;
/// How much longer a claim lasts than its delivery may take.
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

/// Which messages to deliver.
pub(crate) enum Which {
    /// These, due or not: what a cmdlet has just queued, or what somebody wants tried now.
    These(Vec<MessageGuid>),
    /// All that are due.
    Due,
}

/// Queues the notices before expiry that are due, then delivers what is due, for at most `budget`.
pub fn deliver_due(session: &Session, budget: Option<Duration>) -> Result<Delivery> {
    if !session.store.exists()? {
        return Ok(Delivery::default());
    }
    queue_expiry_notices(session)?;
    deliver(session, &Which::Due, budget)
}

/// Delivers some messages, for at most `budget`.
pub(crate) fn deliver(session: &Session, which: &Which, budget: Option<Duration>) -> Result<Delivery> {
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

/// The settings stand in the store, and whoever may write it could name a program there and have root run it, or a
/// folder of the system's and have root put files into it.
pub(crate) fn refuse_root(session: &Session) -> Result<()> {
    if is_root_among_others(&session.location().store) {
        let why = "root delivers nothing from a store that others may write, since they could say where to; 'umpin \
                   deliver' under another account, by a timer for example, does (docs/mail.md)";
        return Err(Error::new(Status::DeliveryFailed, why));
    }
    Ok(())
}

fn hand_over(session: &Session, row: &OutboxRow, mail: &MailSettings, limit: Duration) -> Result<()> {
    refuse_root(session)?;
    let ring = session.key_ring()?;
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
                queue_notice(
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
