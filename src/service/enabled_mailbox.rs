//! The mailbox that can get a PIN and sign in.

use crate::directory::recipient::Recipient;
use crate::error::{Condition, Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::pin::PinPolicy;
use crate::service::pin_replacement::PinRules;
use crate::store::Tx;

/// A mailbox that can get a PIN.
pub(crate) struct Enabled {
    pub recipient: Recipient,
    pub policy: PinPolicy,
    pub extensions: Vec<String>,
}

impl Enabled {
    /// The rules that a new PIN of it must pass.
    pub(crate) fn rules(&self) -> PinRules<'_> {
        PinRules { policy: &self.policy, extensions: &self.extensions }
    }
}

/// Exchange's words for a mailbox without unified messaging.
pub(crate) fn not_um_enabled(smtp: &str) -> Error {
    Error::on(Condition::NotUmEnabled, format!("The Mailbox {smtp} isn't enabled for unified messaging.")).about(smtp)
}

/// The mailbox with the rules that hold for it; an error where it is not enabled.
pub(crate) fn load_enabled_mailbox(tx: &Tx<'_>, recipient: Recipient) -> Result<Enabled> {
    let policy = match tx.um_mailbox(&recipient.guid)?.and_then(|m| m.policy_guid) {
        // Enabled under a policy that is not there: damage, which must not read as a mailbox that was never enabled.
        Some(guid) => tx.policy(&guid)?.ok_or_else(|| {
            Error::new(
                Status::StoreDamaged,
                format!("a mailbox is enabled under the policy {guid}, which is not there"),
            )
        })?,
        None => return Err(not_um_enabled(&recipient.primary_smtp_address)),
    };
    let policy = policy.pin;
    let extensions = extensions(tx, &recipient.guid)?;
    Ok(Enabled { recipient, policy, extensions })
}

/// Every number that signs in to the mailbox.
pub(crate) fn extensions(tx: &Tx<'_>, guid: &RecipientGuid) -> Result<Vec<String>> {
    Ok(tx.um_addresses(guid)?.into_iter().map(|a| a.address).collect())
}
