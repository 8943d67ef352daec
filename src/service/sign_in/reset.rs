//! The automatic reset: when one is due, whether it may be, and its new PIN.

use super::find::enabled_mailbox_now;
use crate::directory::mail_address::is_mail_address;
use crate::error::Result;
use crate::guid::RecipientGuid;
use crate::pin::PinPolicy;
use crate::service::enabled_mailbox::Enabled;
use crate::service::notice::has_transport;
use crate::service::pin_replacement::{Attempt, NewPin, Salted, Setback};
use crate::session::{Change, Session};

/// A PIN that stands ready for an automatic reset.
pub(super) enum Candidate {
    Ready(NewPin),
    /// None can be made; the failure is counted all the same, or a policy that leaves no PIN would give endless
    /// guesses.
    Impossible,
}

impl Candidate {
    pub(super) fn new(session: &Session, guid: &RecipientGuid) -> Result<Self> {
        let found = session.read(|tx| {
            let Some(mailbox) = enabled_mailbox_now(tx, guid)? else { return Ok(None) };
            Ok(Some((mailbox, Salted::for_mailbox(tx, guid, session.hash)?)))
        })?;
        // Disabled meanwhile: the decision will say so.
        let Some((mailbox, salted)) = found else { return Ok(Self::Impossible) };
        match NewPin::choose(None, mailbox.rules(), salted) {
            Ok(new) => {
                new.hash()?;
                Ok(Self::Ready(new))
            }
            Err(_) => Ok(Self::Impossible),
        }
    }
}

pub(super) enum MayReset<'a> {
    Yes(&'a NewPin),
    No(&'static str),
}

/// [`Setback::NotMade`] where one is due and there is no PIN that fits.
pub(super) fn may_reset<'a>(
    c: &Change<'_>,
    guid: &RecipientGuid,
    mailbox: &Enabled,
    candidate: Option<&'a Candidate>,
) -> Attempt<MayReset<'a>> {
    if let Some(why) = reset_is_barred(c, mailbox)? {
        return Ok(MayReset::No(why));
    }
    match candidate {
        None => Err(Setback::NotMade),
        Some(Candidate::Impossible) => Ok(MayReset::No("no PIN could be generated that passes every rule")),
        Some(Candidate::Ready(new)) => {
            new.check_rules(mailbox.rules())?;
            new.check_history(c, guid, &mailbox.policy)?;
            Ok(MayReset::Yes(new))
        }
    }
}

pub(super) fn reset_is_due(policy: &PinPolicy, failures: u32) -> bool {
    policy.failures_before_reset.is_some_and(|n| failures.is_multiple_of(n))
}

/// An automatic reset must not become a way to cut people off: none while its mail could not arrive.
pub(super) fn reset_is_barred(c: &Change<'_>, mailbox: &Enabled) -> Result<Option<&'static str>> {
    if !has_transport(c.tx)? {
        return Ok(Some("no mail transport is configured"));
    }
    if !is_mail_address(&mailbox.recipient.primary_smtp_address) {
        return Ok(Some("the mailbox has no e-mail address"));
    }
    if c.tx.has_outbox(&mailbox.recipient.guid)? {
        return Ok(Some("the last notice is not delivered yet"));
    }
    Ok(None)
}
