//! The audit trail: who did what to whom and how it ended, chained so that a change to it shows.
//!
//! Each row's MAC covers the row before and the row itself under a key of the trail's own, which is sealed in the
//! store; the head (number and MAC of the newest row, under the same key) is written in the change's transaction, so
//! that rows cannot be cut off the end either.

use zeroize::Zeroizing;

use super::{hex, unhex};
use crate::crypto::key::{KeyRing, mac};
use crate::crypto::seal::{Purpose, open};
use crate::error::{Error, Result, Status};
use crate::session::{Cause, Change, Mode, Session, key_id};
use crate::store::audit::AuditRow;
use crate::store::{Tx, settings};

/// A subkey that the store keeps sealed: the trail's or the marks'.
pub(crate) fn stored_key(tx: &Tx<'_>, keys: &KeyRing, name: &str, purpose: Purpose) -> Result<Zeroizing<[u8; 32]>> {
    let broken =
        || Error::new(Status::SealBroken, format!("The store's sealed {name} was changed outside this program."));
    let sealed = tx.setting(name)?.as_deref().and_then(unhex).ok_or_else(broken)?;
    let opened = open(keys.get(&key_id(tx)?)?, purpose, name, &sealed)?;
    Ok(Zeroizing::new(<[u8; 32]>::try_from(opened.as_slice()).map_err(|_| broken())?))
}

fn row_mac(key: &[u8; 32], before: &[u8], a: &AuditRow) -> Vec<u8> {
    mac(
        key,
        &[
            before,
            &a.seq.to_le_bytes(),
            &a.at.to_le_bytes(),
            a.caller.as_bytes(),
            a.claimed.as_bytes(),
            a.cmdlet.as_bytes(),
            a.object.as_bytes(),
            a.parameters.as_bytes(),
            &[u8::from(a.succeeded)],
            a.detail.as_bytes(),
        ],
    )
    .to_vec()
}

fn head(key: &[u8; 32], seq: i64, last: &[u8]) -> String {
    format!("{seq} {}", hex(&mac(key, &[b"head", &seq.to_le_bytes(), last])))
}

impl Change<'_> {
    /// Records what this change did to `object`.
    pub fn audit(&self, object: &str, detail: &str) -> Result<()> {
        self.record(object, true, detail)
    }

    fn record(&self, object: &str, succeeded: bool, detail: &str) -> Result<()> {
        let key = stored_key(self.tx, self.keys, settings::AUDIT_KEY, Purpose::AuditKey)?;
        let (seq, before) = match self.tx.audit_tail()? {
            Some(tail) => tail,
            None => anchor(self.tx)?,
        };
        let mut row = AuditRow {
            seq: seq + 1,
            at: self.now,
            caller: self.caller.into(),
            claimed: self.claimed.into(),
            cmdlet: self.cause.cmdlet.clone(),
            object: object.into(),
            parameters: self.cause.parameters.clone(),
            succeeded,
            detail: detail.into(),
            mac: Vec::new(),
        };
        row.mac = row_mac(&key, &before, &row);
        self.tx.set_setting(settings::AUDIT_HEAD, &head(&key, row.seq, &row.mac))?;
        self.tx.add_audit(&row)
    }
}

/// Where the chain begins: nowhere, or behind what retention removed.
fn anchor(tx: &Tx<'_>) -> Result<(i64, Vec<u8>)> {
    let Some(text) = tx.setting(settings::AUDIT_ANCHOR)? else { return Ok((0, Vec::new())) };
    text.split_once(' ')
        .and_then(|(seq, mac)| Some((seq.parse().ok()?, unhex(mac)?)))
        .ok_or_else(|| tampered("its anchor is malformed"))
}

fn tampered(what: &str) -> Error {
    Error::new(Status::AuditTampered, format!("The audit trail was changed outside this program: {what}."))
}

/// Records a refusal, in a transaction of its own, since the change's was rolled back. A refusal that cannot be
/// recorded (the store itself is the trouble) must not hide the refusal.
pub(crate) fn audit_refusal(session: &Session, cause: &Cause, object: &str, why: &Error) {
    let _ = session.change(Mode::Commit, cause, |c| c.record(object, false, &why.message));
}

/// Walks the whole chain; the number of rows, or what does not fit.
pub(crate) fn verify_chain(tx: &Tx<'_>, keys: &KeyRing) -> Result<u64> {
    const PAGE: usize = 1000;
    let key = stored_key(tx, keys, settings::AUDIT_KEY, Purpose::AuditKey)?;
    let (mut seq, mut before) = anchor(tx)?;
    let mut count = 0;
    loop {
        let rows = tx.audit_rows(seq + 1, PAGE)?;
        for row in &rows {
            if row.seq != seq + 1 {
                return Err(tampered(&format!("row {} is missing", seq + 1)));
            }
            if row_mac(&key, &before, row) != row.mac {
                return Err(tampered(&format!("row {} does not fit the one before", row.seq)));
            }
            seq = row.seq;
            before.clone_from(&row.mac);
            count += 1;
        }
        if rows.len() < PAGE {
            break;
        }
    }
    match tx.setting(settings::AUDIT_HEAD)? {
        None if seq == 0 => Ok(count),
        Some(stored) if stored == head(&key, seq, &before) => Ok(count),
        _ => Err(tampered("rows are missing at its end")),
    }
}
