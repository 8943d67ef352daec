//! The audit trail: who did what to whom and how it ended, chained so that a change to it shows.
//!
//! Each row's MAC covers the row before and the row itself under a key of the trail's own, which is sealed in the
//! store; the head (number and MAC of the newest row, under the same key) is written in the change's transaction, so
//! that rows cannot be cut off the end either; the anchor (the same of the newest row that retention removed) says
//! where the chain begins. A trail that does not end at its head goes on behind a gap, so that the damage stays visible
//! and nobody is kept from signing in. What cannot show from inside: a whole older copy of the file put back.

use zeroize::Zeroizing;

use crate::crypto::hex::hex;
use crate::crypto::hex::unhex;
use crate::crypto::key::{KeyRing, mac};
use crate::crypto::seal::{Purpose, open};
use crate::error::{Error, Result, Status};
use crate::pin::policy::DAY;
use crate::service::configuration::{DEFAULT_AUDIT_AGE_DAYS, number};
use crate::session::{Cause, Change, Mode, Session, key_id};
use crate::store::audit::AuditRow;
use crate::store::{Tx, settings};

/// Rows that retention removes along with one that is added: more than one, so that it catches up, and few, so that no
/// change waits for it.
const RETENTION_BATCH: usize = 20;

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

/// What the newest row must be (of an empty trail: number 0 and no MAC), and how many changes of PINs the store has seen:
/// the sum of its PINs' versions, each of which its own seal vouches for. So a trail that is rolled back alone does not fit
/// the PINs beside it, and to roll those back as well is to undo what they did.
pub(crate) fn head(key: &[u8; 32], seq: i64, last: &[u8], pins: i64) -> String {
    let parts: [&[u8]; 4] = [b"head 2", &seq.to_le_bytes(), last, &pins.to_le_bytes()];
    format!("{seq} {pins} {}", hex(&mac(key, &parts)))
}

/// A head of the first version, which knew nothing of PINs. The next change renews it.
fn first_head(key: &[u8; 32], seq: i64, last: &[u8]) -> String {
    format!("{seq} {}", hex(&mac(key, &[b"head", &seq.to_le_bytes(), last])))
}

/// Whether the trail ends where its head says.
fn is_whole(tx: &Tx<'_>, key: &[u8; 32], seq: i64, last: &[u8], pins: i64) -> Result<bool> {
    let stored = tx.setting(settings::AUDIT_HEAD)?;
    Ok(stored.is_some_and(|stored| stored == head(key, seq, last, pins) || stored == first_head(key, seq, last)))
}

/// How many changes of PINs the head is to tell of.
fn counted_pins(tx: &Tx<'_>) -> Result<i64> {
    match tx.setting(settings::PIN_VERSIONS)?.and_then(|text| text.parse().ok()) {
        Some(pins) => Ok(pins),
        None => tx.pin_versions(),
    }
}

/// A stored head as it can be written down elsewhere: the newest record's number, and what its MAC begins with.
pub(crate) fn printed_head(stored: &str) -> String {
    let seq = stored.split(' ').next().unwrap_or_default();
    let mac = stored.rsplit(' ').next().unwrap_or_default();
    format!("{seq}:{}", mac.get(..16).unwrap_or_default())
}

/// Where the chain begins, behind what retention removed.
fn anchor(key: &[u8; 32], seq: i64, removed: &[u8]) -> String {
    format!("{seq} {} {}", hex(removed), hex(&mac(key, &[b"anchor", &seq.to_le_bytes(), removed])))
}

impl Change<'_> {
    /// Records what this change did to `object`.
    pub fn audit(&self, object: &str, detail: &str) -> Result<()> {
        self.record(object, true, detail)
    }

    fn record(&self, object: &str, succeeded: bool, detail: &str) -> Result<()> {
        let key = stored_key(self.tx, self.keys, settings::AUDIT_KEY, Purpose::AuditKey)?;
        let (seq, before) = self.tail(&key)?;
        let pins = counted_pins(self.tx)?;
        let whole = is_whole(self.tx, &key, seq, &before, pins)?;
        let mut row = AuditRow {
            seq: seq.checked_add(if whole { 1 } else { 2 }).ok_or_else(|| tampered("its numbers are used up"))?,
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
        self.tx.set_setting(settings::AUDIT_HEAD, &head(&key, row.seq, &row.mac, pins))?;
        self.tx.add_audit(&row)?;
        self.retain(&key)
    }

    fn tail(&self, key: &[u8; 32]) -> Result<(i64, Vec<u8>)> {
        let start = start(self.tx, key);
        // A forged anchor is found by the walk; the trail goes on all the same.
        Ok(self.tx.audit_tail()?.unwrap_or_else(|| start.unwrap_or_default()))
    }

    /// Tells the trail's head that the versions of PINs have just grown by so much (or shrunk, where one was erased). A
    /// head that did not fit before stays as it is, so that what was cut off goes on to show.
    pub(crate) fn pins_changed(&self, by: i64) -> Result<()> {
        let key = stored_key(self.tx, self.keys, settings::AUDIT_KEY, Purpose::AuditKey)?;
        let before = match self.tx.setting(settings::PIN_VERSIONS)?.and_then(|text| text.parse::<i64>().ok()) {
            Some(pins) => pins,
            None => self.tx.pin_versions()?.saturating_sub(by),
        };
        let (seq, last) = self.tail(&key)?;
        let whole = is_whole(self.tx, &key, seq, &last, before)?;
        let pins = before.saturating_add(by);
        self.tx.set_setting(settings::PIN_VERSIONS, &pins.to_string())?;
        if whole {
            self.tx.set_setting(settings::AUDIT_HEAD, &head(&key, seq, &last, pins))?;
        }
        Ok(())
    }

    /// Removes the oldest rows that are past their age, as far as they are what was written: rows that do not fit stay,
    /// as evidence.
    fn retain(&self, key: &[u8; 32]) -> Result<()> {
        let days = number(self.tx, settings::AUDIT_AGE_DAYS, DEFAULT_AUDIT_AGE_DAYS)?;
        let limit = self.now.saturating_sub(i64::from(days) * DAY);
        let Ok((mut seq, mut before)) = start(self.tx, key) else { return Ok(()) };
        let from = seq;
        for row in self.tx.audit_rows(seq.saturating_add(1), RETENTION_BATCH)? {
            if row.at >= limit || Some(row.seq) != seq.checked_add(1) || row_mac(key, &before, &row) != row.mac {
                break;
            }
            seq = row.seq;
            before = row.mac;
        }
        if seq == from {
            return Ok(());
        }
        self.tx.remove_audit_through(seq)?;
        self.tx.set_setting(settings::AUDIT_ANCHOR, &anchor(key, seq, &before))
    }
}

/// Where the chain begins: nowhere, or behind what retention removed.
fn start(tx: &Tx<'_>, key: &[u8; 32]) -> Result<(i64, Vec<u8>)> {
    let Some(text) = tx.setting(settings::AUDIT_ANCHOR)? else { return Ok((0, Vec::new())) };
    let (seq, rest) = text.split_once(' ').unwrap_or_default();
    let removed = unhex(rest.split(' ').next().unwrap_or_default());
    seq.parse()
        .ok()
        .zip(removed)
        .filter(|(seq, removed)| anchor(key, *seq, removed) == text)
        .ok_or_else(|| tampered("its beginning is forged"))
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
    let (mut seq, mut before) = start(tx, &key)?;
    let mut count = 0;
    loop {
        let rows = tx.audit_rows(if count == 0 { i64::MIN } else { seq.saturating_add(1) }, PAGE)?;
        for row in &rows {
            if Some(row.seq) != seq.checked_add(1) {
                return Err(tampered(&format!("row {} is missing", seq.saturating_add(1))));
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
    let pins = tx.pin_versions()?;
    if is_whole(tx, &key, seq, &before, pins)? {
        return Ok(count);
    }
    Err(if is_whole(tx, &key, seq, &before, counted_pins(tx)?)? {
        tampered("it does not fit the PINs beside it: an older copy of one of the two was put back")
    } else {
        tampered("rows are missing at its end, or its end is forged")
    })
}
