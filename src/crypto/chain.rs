//! The MACs that hold the audit trail together.

use super::hex::hex;
use super::key::mac;

/// What the newest row must be (of an empty trail: number 0 and no MAC), how many changes of PINs the store has seen (the
/// sum of its PINs' versions, each of which its own seal vouches for), and the highest version that was erased. So a trail
/// that is rolled back alone does not fit the PINs beside it, and to roll those back as well is to undo what they did.
pub(crate) fn head(key: &[u8; 32], seq: i64, last: &[u8], pins: i64, highest_erased: i64) -> String {
    let (seq_bytes, pins_bytes, erased_bytes) = (seq.to_le_bytes(), pins.to_le_bytes(), highest_erased.to_le_bytes());
    let mut parts: Vec<&[u8]> = vec![b"head 2", &seq_bytes, last, &pins_bytes];
    // As stores have it that were made before versions of erased PINs were kept.
    if highest_erased != 0 {
        parts.push(&erased_bytes);
    }
    format!("{seq} {pins} {}", hex(&mac(key, &parts)))
}

/// A head of the first version, which knew nothing of PINs. The next change renews it.
pub(crate) fn first_head(key: &[u8; 32], seq: i64, last: &[u8]) -> String {
    format!("{seq} {}", hex(&mac(key, &[b"head", &seq.to_le_bytes(), last])))
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
