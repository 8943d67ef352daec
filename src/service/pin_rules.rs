//! The rules that a new PIN of a mailbox must keep, one by one, for whoever is to choose one.

use crate::error::Result;
use crate::pin::Pin;
use crate::pin::rules::{Refusal, each};
use crate::service::enabled_mailbox::load_enabled_mailbox;
use crate::service::lookup::Lookup;
use crate::session::Session;

/// Every rule of the mailbox's policy in the order in which they are checked, each with whether `typed` keeps it;
/// `None` where that is not told. History is never told here: what compares a PIN with the earlier ones is the change
/// itself, after the old PIN was right.
pub fn pin_rules(session: &Session, who: &Lookup, typed: Option<&Pin>) -> Result<Vec<(Refusal, Option<bool>)>> {
    who.validate()?;
    session.read(|tx| {
        let mailbox = load_enabled_mailbox(tx, who.recipient(session, tx)?)?;
        let nothing = Pin::new("");
        let mut rules = each(typed.unwrap_or(&nothing), &mailbox.policy, &mailbox.extensions);
        rules.push((Refusal::Used { history_count: mailbox.policy.history_count }, None));
        if typed.is_none() {
            rules.iter_mut().for_each(|(_, kept)| *kept = None);
        }
        Ok(rules)
    })
}
