//! The store's own settings.

use std::ops::RangeInclusive;

use crate::error::{Condition, Error, Result, Status};
use crate::mail::render::Sender;
use crate::mail::transport::MailSettings;
use crate::store::{Tx, settings};

/// Days that audit records are kept, unless told otherwise; Exchange's default.
pub(crate) const DEFAULT_AUDIT_AGE_DAYS: u32 = 90;

/// Seconds that a command may take.
pub(crate) const COMMAND_TIMEOUT_SECONDS: RangeInclusive<i64> = 1..=600;
/// Days that audit records are kept.
pub(crate) const AUDIT_AGE_DAYS: RangeInclusive<i64> = 1..=3650;
/// Mailboxes within an hour that one PIN must be tried on to be recorded; 0 is off.
pub(crate) const SPRAY_THRESHOLD: RangeInclusive<i64> = 0..=1000;

/// AdminAuditLogAgeLimit in days.
pub(crate) fn audit_age_days(tx: &Tx<'_>) -> Result<u32> {
    number(tx, settings::AUDIT_AGE_DAYS, "AdminAuditLogAgeLimit", &AUDIT_AGE_DAYS, DEFAULT_AUDIT_AGE_DAYS)
}

/// SprayDetectionThreshold.
pub(crate) fn spray_threshold(tx: &Tx<'_>) -> Result<u32> {
    number(tx, settings::SPRAY_THRESHOLD, "SprayDetectionThreshold", &SPRAY_THRESHOLD, 0)
}

/// A numeric setting, or its default where it was never set. One that no cmdlet can have set is an error.
fn number(tx: &Tx<'_>, name: &str, parameter: &str, range: &RangeInclusive<i64>, default: u32) -> Result<u32> {
    let Some(text) = tx.setting(name)? else { return Ok(default) };
    let number = text.parse().ok().filter(|n| range.contains(n)).and_then(|n| u32::try_from(n).ok());
    number.ok_or_else(|| {
        Error::new(
            Status::StoreDamaged,
            format!(
                "{parameter} is none that a cmdlet sets: it was changed outside this program. Nothing was changed. Set \
                 it anew with Set-UMPinConfiguration -{parameter}."
            ),
        )
        .about(parameter)
    })
}

/// The mail settings, or the defaults where they were never set.
pub(crate) fn mail_settings(tx: &Tx<'_>) -> Result<MailSettings> {
    match tx.setting(settings::MAIL)? {
        None => Ok(MailSettings::default()),
        Some(text) => serde_json::from_str(&text).map_err(|_| {
            Error::on(
                Condition::BadMailSettings,
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
