//! XChaCha20-Poly1305 with a random nonce and associated data that ties a sealed value to its place.

use crate::guid::RecipientGuid;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::key::MasterKey;
use crate::error::{Condition, Error, Result, Status};
use crate::os::random;

/// What a sealed value is for. Each purpose has a subkey of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The hash of a current PIN.
    Pin,
    /// The hash of an earlier PIN.
    History,
    /// A message that waits for delivery.
    Mail,
    /// The key of the audit trail's chain.
    AuditKey,
    /// The key of the marks that detect one PIN tried across many mailboxes.
    SprayKey,
}

impl Purpose {
    /// In the associated data and in the subkey's derivation; part of the format, never changed.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Purpose::Pin => "pin",
            Purpose::History => "history",
            Purpose::Mail => "mail",
            Purpose::AuditKey => "audit",
            Purpose::SprayKey => "spray",
        }
    }
}

const NONCE_LEN: usize = 24;

/// Where a sealed hash belongs: in one mailbox, as one of its PINs.
pub fn pin_context(guid: &RecipientGuid, version: i64) -> String {
    format!("{guid}/{version}")
}

/// Seals `plain` for `place` (a mailbox GUID or a row's name). `nonce || ciphertext || tag`.
pub(crate) fn seal(key: &MasterKey, purpose: Purpose, place: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = random()?;
    let context = context(key, purpose, place);
    let sealed = cipher(key, purpose)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context.as_bytes() })
        .map_err(|_| Error::new(Status::Internal, "A value could not be sealed. Nothing was changed."))?;
    Ok([&nonce[..], &sealed].concat())
}

/// Opens what [`seal`] made for the same key, purpose and place; anything else is [`Status::SealBroken`].
pub fn open(key: &MasterKey, purpose: Purpose, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let broken = || {
        Error::on(
            Condition::BrokenSeal,
            format!(
                "A sealed value ({}) does not open under key {}: it was changed or moved. Nothing was changed. \
                 Restore the store from a backup, or set a new PIN for the mailbox.",
                purpose.as_str(),
                key.id()
            ),
        )
        .about(place)
    };
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| broken())?;
    let context = context(key, purpose, place);
    cipher(key, purpose)
        .decrypt(&XNonce::from(nonce), Payload { msg: body, aad: context.as_bytes() })
        .map(Zeroizing::new)
        .map_err(|_| broken())
}

fn cipher(key: &MasterKey, purpose: Purpose) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.subkey(purpose.as_str())).into())
}

fn context(key: &MasterKey, purpose: Purpose, place: &str) -> String {
    format!("umpin 1\n{}\n{}\n{place}", purpose.as_str(), key.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_in_its_own_place_for_its_own_purpose_under_its_own_key() {
        let key = MasterKey::generate().unwrap();
        let sealed = seal(&key, Purpose::Pin, "row-1", b"hash").unwrap();
        assert_eq!(&open(&key, Purpose::Pin, "row-1", &sealed).unwrap()[..], b"hash");

        let other = MasterKey::generate().unwrap();
        for refused in [
            open(&key, Purpose::Pin, "row-2", &sealed),
            open(&key, Purpose::History, "row-1", &sealed),
            open(&other, Purpose::Pin, "row-1", &sealed),
            open(&key, Purpose::Pin, "row-1", &sealed[..10]),
            open(&key, Purpose::Pin, "row-1", &[]),
        ] {
            assert_eq!(refused.unwrap_err().status, Status::SealBroken);
        }
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(open(&key, Purpose::Pin, "row-1", &changed).is_err());
    }

    #[test]
    fn no_two_seals_of_the_same_value_are_alike() {
        let key = MasterKey::known();
        let seals: std::collections::HashSet<Vec<u8>> =
            (0..100).map(|_| seal(&key, Purpose::Pin, "row-1", b"hash").unwrap()[..NONCE_LEN].to_vec()).collect();
        assert_eq!(seals.len(), 100);
    }

    /// Sealed by the first version of this program; stores of every version depend on it.
    #[test]
    fn what_was_sealed_once_opens_for_ever() {
        let key = MasterKey::known();
        for (purpose, sealed) in [
            (
                Purpose::Pin,
                "91cb1572cb0ac5461de8cecd09773b5ca1954a06529ce9507de5a56b3320daa982c8a8b9172e3db7c39\
                 52bfb3bce506da1a52f2074f0bc",
            ),
            (
                Purpose::History,
                "3e06231bdd207c99feeab600920a72398eebe4354d0adf21372732e14d2f5f2be5ea54778f50fffe5dd\
                 74b143ce721dec55990bd953759",
            ),
            (
                Purpose::Mail,
                "392f8d169fb4607f54a4d258ced47f0ff87a5f9d5217e4ef081a906a6c45fb85f8958b54a44f696c260\
                 444dd9897bd2f2a94d5015ae8d9",
            ),
            (
                Purpose::AuditKey,
                "2c47bc43429e030e411c0a0967f0227fc6e48c91b9b6e765f823eb812b4b4fbd2543448f6f78c3f13d6\
                 d28450bccadc4ba921bb6dadb6c",
            ),
            (
                Purpose::SprayKey,
                "587f9082a390b1a0dff02bf3c4ef1da3056b58d553ded472f52d9d95541bd5687062592c7eab2437517\
                 d78f17474d994651bbe2266f65a",
            ),
        ] {
            let bytes: Vec<u8> =
                (0..sealed.len() / 2).map(|n| u8::from_str_radix(&sealed[2 * n..2 * n + 2], 16).unwrap()).collect();
            assert_eq!(&open(&key, purpose, "somebody/7", &bytes).unwrap()[..], b"something known", "{purpose:?}");
        }
    }
}
