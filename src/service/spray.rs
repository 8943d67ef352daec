//! One PIN tried across many mailboxes: no counter sees it, since each of them counts one failure.
//!
//! While Set-UMPinConfiguration -SprayDetectionThreshold is above 0, a wrong PIN leaves a mark with the mailbox: a MAC
//! of the PIN under a key of its own, cut to 12 bits, erased after an hour. Twelve, because the mark must not tell the
//! PIN (a typing error often is a neighbour of the right one): even with the key, 4,096 marks leave two or three
//! four-digit and about 240 six-digit candidates each, and cannot be inverted at all without it. Chance stays small: of
//! 1,000 wrong PINs in an hour a mark holds a quarter of one on average, so a threshold of ten or more is not reached
//! by typing errors.

use crate::crypto::key::mac;
use crate::crypto::seal::Purpose;
use crate::error::Result;
use crate::guid::RecipientGuid;
use crate::pin::Pin;
use crate::service::audit::stored_key;
use crate::service::configuration::spray_threshold;
use crate::session::{Cause, Change, Mode, Session};
use crate::store::{Tx, settings};

/// How long a mark lasts, in milliseconds.
pub(crate) const LASTS: i64 = 3_600_000;
/// Bits of the MAC that are kept in the second of two bytes.
const SECOND_BYTE: u8 = 0xF0;

/// The mark of a PIN.
fn pin_mark(key: &[u8; 32], pin: &Pin) -> [u8; 2] {
    let whole = mac(key, &[b"spray", pin.expose()]);
    [whole[0], whole[1] & SECOND_BYTE]
}

/// Whether a wrong PIN is noted, or marks of earlier ones are to be erased.
pub(crate) fn is_watched(tx: &Tx<'_>, now: i64) -> Result<bool> {
    Ok(spray_threshold(tx)? > 0 || tx.has_spray_marks(now.saturating_sub(LASTS))?)
}

/// Notes a wrong PIN, after it was counted. Once an hour and mark the threshold's crossing is recorded.
pub(crate) fn record_wrong_pin(c: &Change<'_>, guid: &RecipientGuid, pin: &Pin) -> Result<()> {
    c.tx.erase_spray_marks(c.now.saturating_sub(LASTS))?;
    let threshold = spray_threshold(c.tx)? as usize;
    if threshold == 0 {
        return Ok(());
    }
    let key = stored_key(c.tx, c.keys, settings::SPRAY_KEY, Purpose::SprayKey)?;
    let mark = pin_mark(&key, pin);
    c.tx.put_spray_mark(&mark, guid, c.now)?;
    let (marked, recorded) = c.tx.spray_marked(&mark)?;
    if recorded || marked < threshold {
        return Ok(());
    }
    c.tx.put_spray_recorded(&mark, c.now)?;
    c.audit(
        "sign-in",
        &format!(
            "one PIN was tried in vain on {} mailboxes within an hour (SprayDetectionThreshold is {threshold})",
            marked
        ),
    )
}

/// Erases the marks whose hour is over, where no wrong PIN has come since to do it.
pub fn forget(session: &Session) -> Result<()> {
    let until = session.now().saturating_sub(LASTS);
    if session.read(|tx| tx.has_spray_marks(until))? {
        session.change(Mode::Commit, &Cause::new("Send-UMPinOutbox"), |c| c.tx.erase_spray_marks(until))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_wrong_pin_is_noted_from_a_threshold_of_one_and_marks_last_an_hour() {
        let f = crate::support::Fixture::new(crate::pin::PinPolicy::default(), 1);
        let watched = || f.session.change(Mode::Commit, &Cause::new("Test"), |c| is_watched(c.tx, c.now)).unwrap();
        let threshold = |n: u32| {
            f.run("Set-UMPinConfiguration", &serde_json::json!({"SprayDetectionThreshold": n})).unwrap();
        };
        assert!(!watched());
        threshold(1);
        assert!(watched());
        f.verify(0, "471147");
        threshold(0);
        // The mark that is left is to be erased, once its hour is over and no earlier.
        f.advance(LASTS - 1);
        assert!(!watched());
        f.advance(1);
        assert!(watched());
    }

    /// Made with Python's hashlib.blake2s. A mark lives for an hour, so its form may change; it must not by accident.
    #[test]
    fn a_mark_is_the_first_twelve_bits() {
        let known = [("580437", [0x53, 0x70]), ("1234", [0xB7, 0x50])];
        for (pin, expected) in known {
            assert_eq!(pin_mark(&[7; 32], &Pin::new(pin)), expected, "{pin}");
        }
    }

    #[test]
    fn a_mark_has_twelve_bits_and_depends_on_key_and_pin() {
        let marks: HashSet<[u8; 2]> = (0..10_000).map(|n| pin_mark(&[1; 32], &Pin::new(format!("{n:04}")))).collect();
        assert!(marks.iter().all(|m| m[1] & 0x0F == 0));
        assert!((3_500..=4_096).contains(&marks.len()), "{}", marks.len());
        let other: HashSet<u16> = (0..100)
            .map(|n| Pin::new(format!("{n:04}")))
            .filter(|pin| pin_mark(&[1; 32], pin) == pin_mark(&[2; 32], pin))
            .map(|_| 1)
            .collect();
        assert!(other.len() <= 1);
    }
}
