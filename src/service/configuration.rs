//! The store's own settings.

use crate::error::{Error, Result, Status};
use crate::mail::render::Sender;
use crate::mail::transport::MailSettings;
use crate::store::{Tx, settings};

/// Days that audit records are kept, unless told otherwise; Exchange's default.
pub const DEFAULT_AUDIT_AGE_DAYS: u32 = 90;

/// A numeric setting, or its default where it was never set.
pub(crate) fn number(tx: &Tx<'_>, name: &str, default: u32) -> Result<u32> {
    Ok(tx.setting(name)?.and_then(|text| text.parse().ok()).unwrap_or(default))
}

/// The mail settings, or the defaults where they were never set.
pub(crate) fn mail_settings(tx: &Tx<'_>) -> Result<MailSettings> {
    match tx.setting(settings::MAIL)? {
        None => Ok(MailSettings::default()),
        Some(text) => serde_json::from_str(&text).map_err(|_| {
            Error::new(
                Status::InvalidTransport,
                "The stored mail settings cannot be read. Set them anew with Set-UMPinConfiguration.",
            )
        }),
    }
}

/// Who a message comes from: the configured sender, else `voicemail@` and the recipient's domain.
pub(crate) fn sender_for(mail: &MailSettings, to: &str) -> Sender {
    let address = if mail.sender_address.is_empty() {
        format!("voicemail@{}", to.rsplit_once('@').map_or("localhost", |(_, domain)| domain))
    } else {
        mail.sender_address.clone()
    };
    Sender { address, name: mail.sender_name.clone() }
}
