//! The audit trail: who did what to whom and how it ended, chained so that a change to it shows.
//!
//! Each row's MAC covers the row before and the row itself under a key of the trail's own, which is sealed in the
//! store; the head (number and MAC of the newest row, under the same key) is written in the change's transaction, so
//! that rows cannot be cut off the end either; the anchor (the same of the newest row that retention removed) says
//! where the chain begins. A trail that does not end at its head goes on behind a gap, so that the damage stays visible
//! and nobody is kept from signing in. Update-UMPinKey renews the trail's key along with the key file's: the rows until
//! then keep the key they were written under, and whoever held that one can write none that fits behind them. What
//! cannot show from inside: a whole older copy of the file put back.

use zeroize::Zeroizing;

use crate::crypto::chain::{anchor, head, is_earlier_head, pin_mark};
use crate::crypto::hex::{hex, unhex};
use crate::crypto::key::{KeyRing, MasterKey, mac};
use crate::crypto::seal::{Purpose, open, seal};
use crate::error::{Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::os::random;
use crate::pin::policy::DAY;
use crate::service::configuration::audit_age_days;
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

/// Whether the trail ends where its head says.
fn is_whole(tx: &Tx<'_>, key: &[u8; 32], seq: i64, last: &[u8], pins: i64) -> Result<bool> {
    let stored = tx.setting(settings::AUDIT_HEAD)?;
    let erased = highest_erased(tx)?;
    let whole = head(key, seq, last, pins, erased);
    Ok(stored.is_some_and(|stored| stored == whole || is_earlier_head(&stored, key, seq, last, erased)))
}

/// The sum of the PINs' marks that the head is to tell.
fn told_pins(tx: &Tx<'_>, keys: &KeyRing) -> Result<i64> {
    match tx.setting(settings::PIN_MARKS)?.and_then(|text| text.parse().ok()) {
        Some(pins) => Ok(pins),
        None => marked_pins(tx, keys),
    }
}

/// The sum of the PINs' marks, made anew from every row.
fn marked_pins(tx: &Tx<'_>, keys: &KeyRing) -> Result<i64> {
    let key = mark_key(tx, keys)?;
    let mut sum: i64 = 0;
    tx.each_pin_version(|guid: &RecipientGuid, version| sum = sum.wrapping_add(pin_mark(&key, guid, version)))?;
    Ok(sum)
}

/// Marks are made under a key that a rotation does not renew, so that it need not make them all anew.
fn mark_key(tx: &Tx<'_>, keys: &KeyRing) -> Result<Zeroizing<[u8; 32]>> {
    stored_key(tx, keys, settings::SPRAY_KEY, Purpose::SprayKey)
}

/// The highest version that an erased PIN had. A mailbox that gets its first PIN begins above it: were versions given
/// out twice, a sealed value that somebody kept would fit again.
pub(crate) fn highest_erased(tx: &Tx<'_>) -> Result<i64> {
    Ok(tx.setting(settings::HIGHEST_ERASED)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// The keys of the trail: today's, and those before it, each with the number of the last row under it.
struct TrailKeys {
    current: Zeroizing<[u8; 32]>,
    earlier: Vec<(i64, Zeroizing<[u8; 32]>)>,
}

impl TrailKeys {
    fn read(tx: &Tx<'_>, keys: &KeyRing) -> Result<Self> {
        let current = stored_key(tx, keys, settings::AUDIT_KEY, Purpose::AuditKey)?;
        let mut earlier = Vec::new();
        for name in tx.setting_names(settings::AUDIT_KEY_UNTIL)? {
            // A name that is none was put there by somebody else; the rows that it was to serve will not fit.
            if let Some(until) = name.strip_prefix(settings::AUDIT_KEY_UNTIL).and_then(|n| n.parse().ok()) {
                earlier.push((until, stored_key(tx, keys, &name, Purpose::AuditKey)?));
            }
        }
        earlier.sort_by_key(|(until, _)| *until);
        Ok(Self { current, earlier })
    }

    fn of_row(&self, seq: i64) -> &[u8; 32] {
        self.earlier.iter().find(|(until, _)| seq <= *until).map_or(&self.current, |(_, key)| key)
    }
}

fn name_of_key(until: i64) -> String {
    format!("{}{until}", settings::AUDIT_KEY_UNTIL)
}

/// What a record tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused,
}

impl Change<'_> {
    /// Records what this change did to `object`.
    pub fn audit(&self, object: &str, detail: &str) -> Result<()> {
        self.record(object, Outcome::Done, detail)
    }

    fn record(&self, object: &str, outcome: Outcome, detail: &str) -> Result<()> {
        self.tx.lock_trail()?;
        let key = stored_key(self.tx, self.keys, settings::AUDIT_KEY, Purpose::AuditKey)?;
        let (seq, before) = self.tail(&key)?;
        let pins = told_pins(self.tx, self.keys)?;
        let whole = is_whole(self.tx, &key, seq, &before, pins)?;
        let mut row = AuditRow {
            seq: seq.checked_add(if whole { 1 } else { 2 }).ok_or_else(|| tampered("its numbers are used up"))?,
            at: self.now,
            caller: self.caller.into(),
            claimed: self.claimed.into(),
            cmdlet: self.cause.cmdlet.clone(),
            object: object.into(),
            parameters: self.cause.parameters.clone(),
            succeeded: outcome == Outcome::Done,
            detail: detail.into(),
            mac: Vec::new(),
        };
        row.mac = row_mac(&key, &before, &row);
        self.tx.set_setting(settings::AUDIT_HEAD, &head(&key, row.seq, &row.mac, pins, highest_erased(self.tx)?))?;
        self.tx.add_audit(&row)?;
        self.retain(&key)
    }

    fn tail(&self, key: &[u8; 32]) -> Result<(i64, Vec<u8>)> {
        let start = start(self.tx, key);
        // A forged anchor is found by the walk; the trail goes on all the same.
        Ok(self.tx.audit_tail()?.unwrap_or_else(|| start.unwrap_or_default()))
    }

    /// Tells the trail's head of a mailbox's new PIN, by the versions of the one before and of the new one. A head that
    /// did not fit before stays as it is, so that what was cut off goes on to show.
    pub(crate) fn pin_changed(&self, guid: &RecipientGuid, before: Option<i64>, now: i64) -> Result<()> {
        self.bind_pins(guid, before, Some(now), highest_erased(self.tx)?)
    }

    /// Tells the trail's head that a PIN of this version was erased.
    pub(crate) fn pin_erased(&self, guid: &RecipientGuid, version: i64) -> Result<()> {
        /// No PIN is changed so often: a row that says more was altered.
        const MOST: i64 = 1_000_000_000;
        self.bind_pins(guid, Some(version), None, highest_erased(self.tx)?.max(version.min(MOST)))
    }

    fn bind_pins(&self, guid: &RecipientGuid, before: Option<i64>, now: Option<i64>, highest: i64) -> Result<()> {
        self.tx.lock_trail()?;
        let key = stored_key(self.tx, self.keys, settings::AUDIT_KEY, Purpose::AuditKey)?;
        let mark_key = mark_key(self.tx, self.keys)?;
        let mark = |version: Option<i64>| version.map_or(0, |version| pin_mark(&mark_key, guid, version));
        let grown = mark(now).wrapping_sub(mark(before));
        let told = match self.tx.setting(settings::PIN_MARKS)?.and_then(|text| text.parse::<i64>().ok()) {
            Some(told) => told,
            // The rows have changed already.
            None => marked_pins(self.tx, self.keys)?.wrapping_sub(grown),
        };
        let (seq, last) = self.tail(&key)?;
        let whole = is_whole(self.tx, &key, seq, &last, told)?;
        let pins = told.wrapping_add(grown);
        self.tx.set_setting(settings::PIN_MARKS, &pins.to_string())?;
        if highest != highest_erased(self.tx)? {
            self.tx.set_setting(settings::HIGHEST_ERASED, &highest.to_string())?;
        }
        if whole {
            self.tx.set_setting(settings::AUDIT_HEAD, &head(&key, seq, &last, pins, highest))?;
        }
        Ok(())
    }

    /// A new key for the rows to come, and all of the trail's keys sealed under `master`. A head or beginning that does
    /// not fit stays as it is, so that the damage goes on to show.
    pub(crate) fn renew_trail_key(&self, master: &MasterKey) -> Result<()> {
        let old = TrailKeys::read(self.tx, self.keys)?;
        let (seq, last) = self.tail(&old.current)?;
        let pins = told_pins(self.tx, self.keys)?;
        let whole = is_whole(self.tx, &old.current, seq, &last, pins)?;
        let begin = start(self.tx, &old.current);

        let put =
            |name: &str, key: &[u8; 32]| self.tx.set_setting(name, &hex(&seal(master, Purpose::AuditKey, name, key)?));
        for (until, key) in &old.earlier {
            put(&name_of_key(*until), key)?;
        }
        if old.earlier.last().is_none_or(|(until, _)| *until < seq) {
            put(&name_of_key(seq), &old.current)?;
        }
        let new = Zeroizing::new(random::<32>()?);
        put(settings::AUDIT_KEY, &new)?;
        if whole {
            self.tx.set_setting(settings::AUDIT_HEAD, &head(&new, seq, &last, pins, highest_erased(self.tx)?))?;
        }
        if let Ok((seq, removed)) = begin {
            self.tx.set_setting(settings::AUDIT_ANCHOR, &anchor(&new, seq, &removed))?;
        }
        Ok(())
    }

    /// Removes the oldest rows that are past their age, as far as they are what was written: rows that do not fit stay,
    /// as evidence.
    fn retain(&self, key: &[u8; 32]) -> Result<()> {
        if !self.tx.may_tidy_trail() {
            return Ok(());
        }
        let days = audit_age_days(self.tx)?;
        let limit = self.now.saturating_sub(i64::from(days) * DAY);
        let Ok((mut seq, mut before)) = start(self.tx, key) else { return Ok(()) };
        let from = seq;
        // Each change comes here, and nearly always one row says that there is nothing to remove.
        let oldest = |rows| self.tx.audit_rows(seq.saturating_add(1), rows);
        if oldest(1)?.first().is_none_or(|row| row.at >= limit) {
            return Ok(());
        }
        let oldest = oldest(RETENTION_BATCH)?;
        // A key that was altered vouches for no row, so none is removed.
        let Ok(keys) = TrailKeys::read(self.tx, self.keys) else { return Ok(()) };
        for row in oldest {
            let fits = Some(row.seq) == seq.checked_add(1) && row_mac(keys.of_row(row.seq), &before, &row) == row.mac;
            if row.at >= limit || !fits {
                break;
            }
            seq = row.seq;
            before = row.mac;
        }
        if seq == from {
            return Ok(());
        }
        for (until, _) in keys.earlier.iter().filter(|(until, _)| *until <= seq) {
            self.tx.remove_setting(&name_of_key(*until))?;
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
    let _ = session.change(Mode::Commit, cause, |c| c.record(object, Outcome::Refused, &why.message));
}

/// Walks the whole chain; the number of rows, or what does not fit.
pub(crate) fn verify_chain(tx: &Tx<'_>, keys: &KeyRing) -> Result<u64> {
    const PAGE: usize = 1000;
    let trail_keys = TrailKeys::read(tx, keys)?;
    let key = &trail_keys.current;
    let (mut seq, mut before) = start(tx, key)?;
    let mut count = 0;
    loop {
        let rows = tx.audit_rows(if count == 0 { i64::MIN } else { seq.saturating_add(1) }, PAGE)?;
        for row in &rows {
            if Some(row.seq) != seq.checked_add(1) {
                return Err(tampered(&format!("row {} is missing", seq.saturating_add(1))));
            }
            if row_mac(trail_keys.of_row(row.seq), &before, row) != row.mac {
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
    let pins = marked_pins(tx, keys)?;
    if is_whole(tx, key, seq, &before, pins)? {
        return Ok(count);
    }
    Err(if is_whole(tx, key, seq, &before, told_pins(tx, keys)?)? {
        tampered("it does not fit the PINs beside it: an older copy of one of the two was put back")
    } else {
        tampered("rows are missing at its end, or its end is forged")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;
    use crate::pin::PinPolicy;
    use crate::support::Fixture;
    use serde_json::json;

    /// As the first version made it, and the second.
    fn first_head(key: &[u8; 32], seq: i64, last: &[u8]) -> String {
        format!("{seq} {}", hex(&mac(key, &[b"head", &seq.to_le_bytes(), last])))
    }

    fn second_head(key: &[u8; 32], seq: i64, last: &[u8]) -> String {
        format!("{seq} 1 {}", hex(&mac(key, &[b"head 2", &seq.to_le_bytes(), last, &1i64.to_le_bytes()])))
    }

    fn noted(f: &Fixture, times: usize) {
        f.session
            .change(Mode::Commit, &Cause::new("Test"), |c| (0..times).try_for_each(|_| c.audit("x", "noted")))
            .unwrap();
    }

    fn verified(f: &Fixture) -> Result<u64> {
        f.session.read_sealed(verify_chain)
    }

    fn tamper(f: &Fixture, work: impl FnMut(&Change<'_>) -> Result<()>) {
        f.session.change(Mode::Commit, &Cause::new("Test"), work).unwrap();
    }

    fn trail_key(c: &Change<'_>) -> Zeroizing<[u8; 32]> {
        stored_key(c.tx, c.keys, settings::AUDIT_KEY, Purpose::AuditKey).unwrap()
    }

    fn rotate(f: &Fixture) {
        let mut after = serde_json::Value::Null;
        loop {
            let request = json!({"Mode": "Commit", "After": after}).to_string();
            match crate::support::execute_raw(&f.session, "Update-UMPinKey", &request).next {
                Some(next) => after = json!(next),
                None => return,
            }
        }
    }

    /// Stores depend on these for as long as their trails are kept. Made with Python's hashlib.blake2s.
    #[test]
    fn the_chains_macs_are_what_they_always_were() {
        let row = AuditRow {
            seq: 7,
            at: 1_790_000_000_000,
            caller: "CONTOSO\\admin".into(),
            claimed: "tony".into(),
            cmdlet: "Set-UMMailboxPIN".into(),
            object: "contoso.com/Users/Tony Smith".into(),
            parameters: "{}".into(),
            succeeded: true,
            detail: "done".into(),
            mac: Vec::new(),
        };
        let key = [7; 32];
        assert_eq!(
            hex(&row_mac(&key, &[1, 2, 3], &row)),
            "75fd3e2b1695a44c8ac36ec7967644f518abbf6b4db54f8bf92df0d813c0b7e1"
        );
        assert_eq!(
            head(&key, 7, &[1, 2, 3], 5, 9),
            format!("7 5 {}", "3b4666dbdbc85db25afcb4cfc76b0c1838158b10346eb52ebe5f77cf4ebfbf45")
        );
        assert_eq!(pin_mark(&key, &RecipientGuid::known("some guid"), 3), -1862982622351069403);
        assert_eq!(
            anchor(&key, 7, &[1, 2, 3]),
            "7 010203 137b883f857bb6104ec76a470a7849fbcb49c39fd9f9024026b3e365756019cb"
        );
    }

    #[test]
    fn a_trail_is_walked_to_its_end_whatever_its_length() {
        for length in [999, 1_000, 1_001, 2_000, 2_003] {
            let f = Fixture::new(PinPolicy::default(), 1);
            noted(&f, length);
            assert_eq!(verified(&f).unwrap(), length as u64);
            for row in [1, 999, 1_000, 1_001, length as i64].into_iter().filter(|row| *row <= length as i64) {
                let altered = |detail: &str| {
                    let text = format!("UPDATE audit SET detail = '{detail}' WHERE seq = {row}");
                    rusqlite::Connection::open(f.path("um.db")).unwrap().execute_batch(&text).unwrap();
                };
                altered("other");
                let told = verified(&f).unwrap_err();
                assert_eq!(told.status, Status::AuditTampered);
                assert!(told.message.contains(&format!("row {row} ")), "{length}, {row}: {told}");
                altered("noted");
            }
            assert_eq!(verified(&f).unwrap(), length as u64);
            let last = format!("DELETE FROM audit WHERE seq = {length}");
            rusqlite::Connection::open(f.path("um.db")).unwrap().execute_batch(&last).unwrap();
            assert_eq!(verified(&f).unwrap_err().status, Status::AuditTampered, "{length}");
        }
    }

    #[test]
    fn a_head_of_an_earlier_version_is_taken_until_the_next_change() {
        type Head = fn(&[u8; 32], i64, &[u8]) -> String;
        for earlier in [first_head as Head, second_head] {
            let f = Fixture::new(PinPolicy::default(), 1);
            noted(&f, 3);
            let plant = |key: &[u8; 32], seq: i64| {
                let last = f.session.read(|tx| tx.audit_rows(seq, 1)).unwrap().remove(0).mac;
                tamper(&f, |c| c.tx.set_setting(settings::AUDIT_HEAD, &earlier(key, seq, &last)));
            };
            let key = f.session.change(Mode::Commit, &Cause::new("Test"), |c| Ok(trail_key(c))).unwrap();
            plant(&[0; 32], 3);
            assert_eq!(verified(&f).unwrap_err().status, Status::AuditTampered, "made without the key");
            plant(&key, 2);
            assert_eq!(verified(&f).unwrap_err().status, Status::AuditTampered, "of another row");
            plant(&key, 3);
            assert_eq!(verified(&f).unwrap(), 3);
            noted(&f, 1);
            assert_eq!(verified(&f).unwrap(), 4);
            let renewed = f.session.read(|tx| tx.setting(settings::AUDIT_HEAD)).unwrap().unwrap();
            assert_ne!(renewed, earlier(&key, 4, &f.session.read(|tx| tx.audit_rows(4, 1)).unwrap()[0].mac));
            rotate(&f);
            plant(&key, 5);
            assert_eq!(verified(&f).unwrap_err().status, Status::AuditTampered, "a rotation ends what was taken");
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_not_read_as_a_trail_that_was_changed() {
        let f = Fixture::new(PinPolicy::default(), 1);
        noted(&f, 1);
        let other = KeyRing::in_memory(MasterKey::generate().unwrap());
        let told = f.session.read(|tx| verify_chain(tx, &other)).unwrap_err();
        assert_eq!(told.status, Status::KeyWrong);
        for broken in ["", "00", "no digits", &"00".repeat(72)] {
            tamper(&f, |c| c.tx.set_setting(settings::AUDIT_KEY, broken));
            assert_eq!(verified(&f).unwrap_err().status, Status::SealBroken, "{broken}");
        }
    }

    #[test]
    fn whoever_had_the_trails_key_writes_nothing_that_fits_behind_a_rotation() {
        let f = Fixture::new(PinPolicy::default(), 1);
        noted(&f, 5);
        let stolen = f.session.change(Mode::Commit, &Cause::new("Test"), |c| Ok(trail_key(c))).unwrap();
        rotate(&f);
        let length = verified(&f).unwrap();
        noted(&f, 2);
        assert_eq!(verified(&f).unwrap(), length + 2);

        // A row more, with a head that fits it, as it could be written until then.
        let forge = |c: &Change<'_>| {
            let (seq, before) = c.tail(&stolen)?;
            let mut row = c.tx.audit_rows(seq, 1)?.remove(0);
            row.seq += 1;
            row.mac = row_mac(&stolen, &before, &row);
            c.tx.set_setting(settings::AUDIT_HEAD, &head(&stolen, row.seq, &row.mac, told_pins(c.tx, c.keys)?, 0))?;
            c.tx.add_audit(&row)
        };
        let told = f.session.change(Mode::Validate, &Cause::new("Test"), |c| {
            forge(c)?;
            verify_chain(c.tx, c.keys)
        });
        assert_eq!(told.unwrap_err().status, Status::AuditTampered);

        // A row from before the rotation, and all behind it that the key reaches.
        let told = f.session.change(Mode::Validate, &Cause::new("Test"), |c| {
            let mut rows = c.tx.audit_rows(3, 3)?;
            let mut before = c.tx.audit_rows(2, 1)?.remove(0).mac;
            rows[0].detail = "nothing happened".into();
            c.tx.remove_audit_through(5)?;
            for mut row in rows {
                row.mac = row_mac(&stolen, &before, &row);
                before.clone_from(&row.mac);
                c.tx.add_audit(&row)?;
            }
            c.tx.set_setting(settings::AUDIT_ANCHOR, &anchor(&stolen, 2, &before))?;
            verify_chain(c.tx, c.keys)
        });
        assert_eq!(told.unwrap_err().status, Status::AuditTampered);
        assert_eq!(verified(&f).unwrap(), length + 2);
    }

    #[test]
    fn keys_of_the_trail_that_are_moved_or_taken_away_show() {
        let f = Fixture::new(PinPolicy::default(), 1);
        // Their names sort otherwise than their numbers.
        noted(&f, 3);
        rotate(&f);
        noted(&f, 10);
        rotate(&f);
        let length = verified(&f).unwrap();
        let names = f.session.read(|tx| tx.setting_names(settings::AUDIT_KEY_UNTIL)).unwrap();
        assert_eq!(names.len(), 2, "{names:?}");
        let value = |c: &Change<'_>, name: &str| c.tx.setting(name).map(Option::unwrap);
        type Damage<'a> = &'a dyn Fn(&Change<'_>) -> Result<()>;
        let damages: [(Damage<'_>, Status); 6] = [
            (&|c| c.tx.remove_setting(&names[0]), Status::AuditTampered),
            (&|c| c.tx.remove_setting(&names[1]), Status::AuditTampered),
            (&|c| c.tx.set_setting(&names[0], &value(c, &names[1])?), Status::SealBroken),
            (&|c| c.tx.set_setting(&name_of_key(1), &value(c, &names[0])?), Status::SealBroken),
            (&|c| c.tx.set_setting(&name_of_key(9_999), &value(c, settings::AUDIT_KEY)?), Status::SealBroken),
            (&|c| c.tx.set_setting(settings::AUDIT_KEY, &value(c, &names[0])?), Status::SealBroken),
        ];
        for (at, (damage, status)) in damages.iter().enumerate() {
            let told = f.session.change(Mode::Validate, &Cause::new("Test"), |c| {
                damage(c)?;
                verify_chain(c.tx, c.keys)
            });
            assert_eq!(told.unwrap_err().status, *status, "{at}");
        }
        assert_eq!(verified(&f).unwrap(), length);
    }

    #[test]
    fn a_key_that_served_no_row_is_not_kept() {
        let f = Fixture::new(PinPolicy::default(), 1);
        noted(&f, 3);
        tamper(&f, |c| {
            c.renew_trail_key(c.key)?;
            c.renew_trail_key(c.key)
        });
        assert_eq!(verified(&f).unwrap(), 3);
        assert_eq!(f.session.read(|tx| tx.setting_names(settings::AUDIT_KEY_UNTIL)).unwrap(), [name_of_key(3)]);
    }

    #[test]
    fn a_gap_is_not_closed_by_a_rotation() {
        let f = Fixture::new(PinPolicy::default(), 1);
        noted(&f, 5);
        tamper(&f, |c| c.tx.set_setting(settings::AUDIT_HEAD, "5 1 forged"));
        rotate(&f);
        noted(&f, 1);
        let told = verified(&f).unwrap_err();
        assert!(told.message.contains("row 6 is missing"), "{told}");
    }

    #[test]
    fn retention_goes_over_a_rotation_and_drops_the_keys_that_served_only_what_it_removed() {
        let f = Fixture::new(PinPolicy::default(), 1);
        noted(&f, 30);
        rotate(&f);
        noted(&f, 5);
        f.advance_days(91);
        let keys = || f.session.read(|tx| tx.setting_names(settings::AUDIT_KEY_UNTIL)).unwrap().len();
        // Twenty rows go with each that comes.
        noted(&f, 1);
        assert_eq!(keys(), 1);
        verified(&f).unwrap();
        noted(&f, 1);
        assert_eq!(keys(), 0, "every row under it is gone");
        verified(&f).unwrap();
        // Exactly the rows under a key.
        let f = Fixture::new(PinPolicy::default(), 1);
        noted(&f, RETENTION_BATCH);
        f.advance_days(50);
        rotate(&f);
        f.advance_days(41);
        noted(&f, 1);
        let names = f.session.read(|tx| tx.setting_names(settings::AUDIT_KEY_UNTIL)).unwrap();
        assert_eq!(names, Vec::<String>::new());
        verified(&f).unwrap();
        // The anchor is renewed along with the key.
        rotate(&f);
        noted(&f, 3);
        f.advance_days(91);
        noted(&f, 1);
        assert_eq!(verified(&f).unwrap(), 1);
    }

    #[test]
    fn retention_keeps_what_lies_exactly_at_its_limit_and_what_stands_behind_a_gap() {
        let f = Fixture::new(PinPolicy::default(), 1);
        noted(&f, 3);
        f.advance_days(90);
        noted(&f, 1);
        assert_eq!(verified(&f).unwrap(), 4, "exactly ninety days old is not past it");
        f.advance(1);
        noted(&f, 1);
        assert_eq!(verified(&f).unwrap(), 2);
        // A row that is past it, and one behind that lies exactly at it.
        let other = Fixture::new(PinPolicy::default(), 1);
        noted(&other, 1);
        other.advance(1);
        noted(&other, 1);
        other.advance_days(90);
        noted(&other, 1);
        assert_eq!(verified(&other).unwrap(), 2);
        // A cut end, and more behind it.
        tamper(&f, |c| c.tx.set_setting(settings::AUDIT_HEAD, ""));
        noted(&f, 2);
        f.advance_days(91);
        noted(&f, 2);
        let left: Vec<i64> = f.session.read(|tx| tx.audit_rows(i64::MIN, 100)).unwrap().iter().map(|r| r.seq).collect();
        assert_eq!(left, [7, 8, 9, 10], "what the chain vouches for went, and nothing behind the gap");
        let told = verified(&f).unwrap_err();
        assert!(told.message.contains("row 6 is missing"), "{told}");
    }

    #[test]
    fn a_key_of_the_trail_that_was_altered_removes_no_evidence() {
        let f = Fixture::new(PinPolicy::default(), 1);
        noted(&f, 3);
        rotate(&f);
        tamper(&f, |c| c.tx.set_setting(&name_of_key(3), "00"));
        f.advance_days(91);
        noted(&f, 1);
        assert_eq!(f.session.read(|tx| tx.audit_rows(1, 1)).unwrap()[0].seq, 1);
    }

    #[test]
    fn versions_of_erased_pins_are_not_given_out_again() {
        let f = Fixture::new(PinPolicy::default(), 2);
        let version = || f.session.read(|tx| tx.pin_version(&f.state(0).guid)).unwrap();
        let saved = f.session.read(|tx| tx.pin(&f.state(0).guid)).unwrap().unwrap();
        let again = |pin: &str| {
            f.run("Disable-UMMailbox", &json!({"Identity": "user0", "KeepProperties": false})).unwrap();
            verified(&f).unwrap();
            let request = json!({"Mode": "Commit", "Parameters": {
                "Identity": "user0", "UMMailboxPolicy": "Policy", "Extensions": ["50000"]}});
            crate::cmdlets::execute(
                &f.session,
                "Enable-UMMailbox",
                request.to_string().as_bytes(),
                Some(crate::pin::Pin::new(pin)),
            )
            .unwrap();
            verified(&f).unwrap();
        };
        assert_eq!(version(), Some(1));
        again("580437");
        assert_eq!(version(), Some(2));
        again("604938");
        assert_eq!(version(), Some(3));
        // The value that was sealed at first, put back with its salt and its version's number or today's.
        for number in [1, 3] {
            tamper(&f, |c| {
                c.tx.put_pin(&f.state(0).guid, &crate::store::pins::PinRow { version: number, ..saved.clone() })
            });
            let told = f.session.read_sealed(verify_chain);
            let signed_in = crate::service::sign_in::verify(
                &f.session,
                &crate::service::sign_in::Caller::Identity(crate::support::who(0)),
                &crate::pin::Pin::new(crate::support::FIRST_PIN),
            );
            match number {
                1 => assert_eq!(told.unwrap_err().status, Status::AuditTampered),
                _ => assert_eq!(signed_in.unwrap_err().status, Status::SealBroken),
            }
        }
    }

    #[test]
    fn a_lowered_memory_of_erased_versions_shows_and_a_forged_version_does_not_raise_it() {
        let f = Fixture::new(PinPolicy::default(), 2);
        let erase = |n: usize| {
            f.run("Disable-UMMailbox", &json!({"Identity": format!("user{n}"), "KeepProperties": false})).unwrap();
        };
        erase(0);
        verified(&f).unwrap();
        for forged in ["0", "", "2", "-1"] {
            let told = f.session.change(Mode::Validate, &Cause::new("Test"), |c| {
                c.tx.set_setting(settings::HIGHEST_ERASED, forged)?;
                verify_chain(c.tx, c.keys)
            });
            assert_eq!(told.unwrap_err().status, Status::AuditTampered, "{forged}");
        }
        let text = format!("UPDATE pin SET version = {}", i64::MAX);
        rusqlite::Connection::open(f.path("um.db")).unwrap().execute_batch(&text).unwrap();
        erase(1);
        assert_eq!(f.session.read(highest_erased).unwrap(), 1_000_000_000, "and there is room above it");
    }
}
