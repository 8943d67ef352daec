//! The MACs that hold the audit trail together.

use super::hex::hex;
use super::key::mac;
use crate::guid::RecipientGuid;

/// The trail's head: number and MAC of the newest row (0 and nothing for an empty trail), the sum of the PINs'
/// [`pin_mark`]s, and the highest version that was erased. A trail that is rolled back alone does not fit the PINs; to
/// roll back the PINs as well is to undo the changes themselves.
pub(crate) fn head(key: &[u8; 32], seq: i64, last: &[u8], pins: i64, highest_erased: i64) -> String {
    let parts: [&[u8]; 5] = [b"head 3", &seq.to_le_bytes(), last, &pins.to_le_bytes(), &highest_erased.to_le_bytes()];
    format!("{seq} {pins} {}", hex(&mac(key, &parts)))
}

/// A mailbox's PIN of a version, as a number that nobody without the key can foresee: no change of one PIN makes up for
/// the change of another in their sum.
pub(crate) fn pin_mark(key: &[u8; 32], guid: &RecipientGuid, version: i64) -> i64 {
    let mark = mac(key, &[b"pin", guid.as_str().as_bytes(), &version.to_le_bytes()]);
    mark.iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

/// Whether it is a head of an earlier version, which knew less of the PINs or nothing. The next change renews it.
pub(crate) fn is_earlier_head(stored: &str, key: &[u8; 32], seq: i64, last: &[u8], highest_erased: i64) -> bool {
    let seq_bytes = seq.to_le_bytes();
    let pins = stored.split(' ').nth(1).and_then(|pins| pins.parse::<i64>().ok());
    let (pins_bytes, erased_bytes) = (pins.unwrap_or_default().to_le_bytes(), highest_erased.to_le_bytes());
    let mut second: Vec<&[u8]> = vec![b"head 2", &seq_bytes, last, &pins_bytes];
    if highest_erased != 0 {
        second.push(&erased_bytes);
    }
    let first = format!("{seq} {}", hex(&mac(key, &[b"head", &seq_bytes, last])));
    stored == first || pins.is_some_and(|pins| stored == format!("{seq} {pins} {}", hex(&mac(key, &second))))
}

/// A stored head as it can be written down elsewhere: the newest record's number, and what its MAC begins with.
pub(crate) fn printed_head(stored: &str) -> String {
    let seq = stored.split(' ').next().unwrap_or_default();
    let mac = stored.rsplit(' ').next().unwrap_or_default();
    format!("{seq}:{}", mac.get(..16).unwrap_or_default())
}

/// Where the chain begins, behind what retention removed.
pub(crate) fn anchor(key: &[u8; 32], seq: i64, removed: &[u8]) -> String {
    format!("{seq} {} {}", hex(removed), hex(&mac(key, &[b"anchor", &seq.to_le_bytes(), removed])))
}
