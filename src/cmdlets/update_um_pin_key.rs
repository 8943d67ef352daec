//! Update-UMPinKey: a new key, and everything sealed anew under it, while others work. No PIN is reset.
//!
//! Where a run stands can be read off the files, so one that was killed at any point is resumed by the next:
//!
//! | the key file holds | the store names | rows name | so |
//! | --- | --- | --- | --- |
//! | the old key | the old key | the old key | nothing began: a new key is put before the old one |
//! | a new key, then the old one | the old key | the old key | it was killed there: that new key is taken |
//! | the new key, then the old one | the new key | both | batches of rows are sealed anew |
//! | the new key, then the old one | the new key | the new key | the file is written with the new key alone |
//!
//! The file is written inside the transaction that goes with it, so that of two runs at once one waits for the other.

use std::time::{Duration, Instant};

use crate::cmdlets::cursor;
use crate::cmdlets::document::{Request, Response};
use crate::crypto::hex::hex;
use crate::crypto::key::KeyId;
use crate::crypto::key::MasterKey;
use crate::crypto::seal::{Purpose, open, seal};
use crate::error::{Condition, Error, Result, Status, Warning};
use crate::service::audit::stored_key;
use crate::session::{Change, Mode, Session};
use crate::store::sealed::{SealedIn, SealedRow};
use crate::store::{Tx, settings};

/// Rows a transaction: some milliseconds, so that sign-ins in between do not notice.
const BATCH: usize = 100;
/// The pause between two transactions, at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(3);
/// The pause between two transactions, at most: where the disk is slow.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// One step: the first (no `After`) begins or resumes, the others seal a batch each, the last one drops the old key.
pub(crate) fn update_um_pin_key(session: &Session, request: &Request) -> Result<Response> {
    request.parameters.allow(&[])?;
    if !session.store.exists()? || session.read(|tx| tx.key_id())?.is_none() {
        return Err(Error::new(
            Status::StoreMissing,
            format!(
                "The store '{}' does not exist yet, so there is no key to replace. Nothing was changed.",
                session.location().store.display()
            ),
        ));
    }
    if request.mode == Mode::Validate {
        let counts = session.read_sealed(|tx, keys| {
            // What a commit would fail on.
            keys.get(&crate::session::key_id(tx)?)?;
            for id in tx.key_ids_in_use()? {
                keys.get(&id)?;
            }
            count_sealed(tx)
        })?;
        let [pins, history, outbox] = counts;
        let action = format!(
            "Replace the key and seal anew: {pins} PINs, {history} earlier PINs, {outbox} queued messages. Backups \
             made until now need the old key: copy the key file first"
        );
        return Ok(Response::default().for_should_process(session.location().key.display().to_string(), action));
    }
    let request_cursor = request.after.as_deref().map(Cursor::read).transpose()?;
    let began = Instant::now();
    // What this call took out of the key file stays out where its transaction is lost and runs again.
    let mut dropped = Vec::new();
    let response = session.change(Mode::Commit, &request.cause, |c| match &request_cursor {
        None => begin_rotation(session, c),
        Some(cursor) => continue_rotation(session, c, cursor, &mut dropped),
    })?;
    // The store's lock has no queue. A pause as long as the transaction was lets sign-ins take their turn.
    std::thread::sleep(began.elapsed().clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
    Ok(response)
}

fn count_sealed(tx: &Tx<'_>) -> Result<[i64; 3]> {
    let mut counts = [0; 3];
    for (count, table) in counts.iter_mut().zip(SealedIn::ALL) {
        *count = tx.sealed_count(table)?;
    }
    Ok(counts)
}

fn count_under_other_keys(tx: &Tx<'_>, key_id: &KeyId) -> Result<i64> {
    SealedIn::ALL.into_iter().map(|table| tx.sealed_elsewhere_count(table, key_id)).sum()
}

/// Where a run goes on: the key it brings, the table, the last row looked at.
struct Cursor {
    key_id: KeyId,
    table: usize,
    id: String,
    version: i64,
}

impl Cursor {
    fn at_start(key_id: &KeyId) -> Self {
        Self { key_id: key_id.clone(), table: 0, id: String::new(), version: i64::MIN }
    }

    fn read(text: &str) -> Result<Self> {
        let [key_id, table, version, id] = cursor::cursor_parts(text)?;
        Ok(Self {
            key_id: KeyId::known(key_id),
            table: cursor::cursor_number(table)?,
            version: cursor::cursor_number(version)?,
            id: id.to_owned(),
        })
    }

    fn to_text(&self) -> String {
        format!("{} {} {} {}", self.key_id, self.table, self.version, self.id)
    }
}

fn begin_rotation(session: &Session, c: &Change<'_>) -> Result<Response> {
    let newest = c.keys.keys().first().ok_or_else(|| Error::new(Status::KeyMalformed, "The key file holds no key."))?;
    let mut warnings = Vec::new();
    let is_new_current = newest.id() == c.key.id();
    let key_id = if count_under_other_keys(c.tx, c.key.id())? > 0 || (is_new_current && c.keys.keys().len() > 1) {
        warnings.push(resumed_warning(c.key.id()));
        c.key.id().clone()
    } else if is_new_current {
        let new = MasterKey::generate()?;
        let mut all = vec![&new];
        all.extend(c.keys.keys());
        session.keys.replace(&all)?;
        make_current(session, c, &new)?;
        new.id().clone()
    } else {
        warnings.push(resumed_warning(newest.id()));
        make_current(session, c, newest)?;
        newest.id().clone()
    };
    Ok(Response {
        next: Some(Cursor::at_start(&key_id).to_text()),
        progress: Some(progress(c, &key_id)?),
        warnings,
        ..Response::default()
    })
}

fn resumed_warning(key_id: &KeyId) -> Warning {
    Warning::from(format!(
        "An earlier run was interrupted; it is resumed with its key {key_id}. Run Update-UMPinKey once more for \
         another key."
    ))
}

/// From here on everything new is sealed under `new`.
fn make_current(session: &Session, c: &Change<'_>, new: &MasterKey) -> Result<()> {
    // First: it reads what the other key made.
    c.renew_trail_key(new)?;
    let marks = stored_key(c.tx, c.keys, settings::SPRAY_KEY, Purpose::SprayKey)?;
    c.tx.set_setting(settings::SPRAY_KEY, &hex(&seal(new, Purpose::SprayKey, settings::SPRAY_KEY, marks.as_slice())?))?;
    c.tx.set_setting(settings::KEY_ID, new.id().as_str())?;
    let keys = session.keys.load()?;
    let under_new = Change { key: new, keys: &keys, ..*c };
    under_new.audit(
        &session.location().key.display().to_string(),
        &format!("key {} in the place of {}", new.id(), c.key.id()),
    )
}

fn progress(c: &Change<'_>, key_id: &KeyId) -> Result<(u64, u64)> {
    let total: i64 = count_sealed(c.tx)?.iter().sum();
    let left = count_under_other_keys(c.tx, key_id)?;
    Ok((u64::try_from(total - left).unwrap_or(0), u64::try_from(total).unwrap_or(0)))
}

fn continue_rotation(
    session: &Session,
    c: &Change<'_>,
    cursor: &Cursor,
    dropped: &mut Vec<String>,
) -> Result<Response> {
    if cursor.key_id != *c.key.id() {
        return Err(Error::new(
            Status::Conflict,
            "Another run of Update-UMPinKey has brought a newer key meanwhile and goes on with it. Nothing was changed \
             by this one since.",
        ));
    }
    let Some(table) = SealedIn::ALL.get(cursor.table).copied() else { return finish_rotation(session, c, dropped) };
    let rows = c.tx.sealed_rows(table, Some(c.key.id()), (&cursor.id, cursor.version), BATCH)?;
    let mut warnings = Vec::new();
    for row in &rows {
        if let Some(warning) = seal_anew(c, table, row)? {
            warnings.push(Warning::from(warning));
        }
    }
    let next = match rows.last() {
        Some(last) if rows.len() == BATCH => {
            Cursor { key_id: cursor.key_id.clone(), table: cursor.table, id: last.id.clone(), version: last.version }
        }
        _ => Cursor { table: cursor.table + 1, ..Cursor::at_start(&cursor.key_id) },
    };
    Ok(Response {
        next: Some(next.to_text()),
        progress: Some(progress(c, c.key.id())?),
        warnings,
        ..Response::default()
    })
}

/// Seals one value under today's key. A broken seal stays broken: a current PIN is left for its mailbox to get a new
/// one, what is useless without its seal is removed. The text says which.
fn seal_anew(c: &Change<'_>, table: SealedIn, row: &SealedRow) -> Result<Option<String>> {
    let purpose = table.purpose();
    let context = row.context(table);
    let plain = match open(c.keys.get(&row.key_id)?, purpose, &context, &row.sealed) {
        Ok(plain) => plain,
        Err(e) if e.is(Condition::BrokenSeal) => return describe_broken_seal(c, table, row).map(Some),
        Err(e) => return Err(e),
    };
    let sealed = seal(c.key, purpose, &context, &plain)?;
    c.tx.put_sealed(table, &SealedRow { key_id: c.key.id().clone(), sealed, ..row.clone() })?;
    Ok(None)
}

fn describe_broken_seal(c: &Change<'_>, table: SealedIn, row: &SealedRow) -> Result<String> {
    let name = c.tx.name_of(&row.id);
    if table.purpose() == Purpose::Pin {
        return Ok(format!(
            "The sealed PIN of {name} was changed outside this program and cannot be sealed anew. Nobody can sign in \
             there. Set a new PIN with Set-UMMailboxPIN, then run Update-UMPinKey again; until then the key file keeps \
             the old key too."
        ));
    }
    c.tx.remove_sealed(table, row)?;
    let what = if table == SealedIn::History { "an earlier PIN" } else { "a queued message" };
    c.audit(&name, &format!("{what} removed: its seal was broken"))?;
    Ok(format!(
        "The seal of {what} of {name} was changed outside this program, so it was removed. It served nobody any more."
    ))
}

fn finish_rotation(session: &Session, c: &Change<'_>, dropped: &mut Vec<String>) -> Result<Response> {
    let left = count_under_other_keys(c.tx, c.key.id())?;
    let total: i64 = count_sealed(c.tx)?.iter().sum();
    for id in c.keys.ids().filter(|id| *id != c.key.id()).map(KeyId::as_str) {
        if !dropped.iter().any(|other| other == id) {
            dropped.push(id.to_owned());
        }
    }
    let mut response = Response { progress: Some(progress(c, c.key.id())?), ..Response::default() };
    let key_file = session.location().key.display().to_string();
    if dropped.is_empty() {
        // Another run at the same time was faster.
    } else if left == 0 {
        session.keys.replace(&[c.key])?;
        c.audit(
            &key_file,
            &format!("{total} sealed values are under key {}; {} dropped", c.key.id(), dropped.join(", ")),
        )?;
        response.warnings.push(Warning::from(format!(
            "The key file '{key_file}' now holds key {} alone. Copy it to where you keep such copies. Backups of the \
             store made before need key {}, of which this machine has no copy any more.",
            c.key.id(),
            dropped.join(", ")
        )));
    } else {
        response.warnings.push(Warning::from(format!(
            "{left} sealed values could not be sealed anew (see the other warnings), so the key file '{key_file}' \
             keeps the old key beside the new one."
        )));
    }
    response.objects.push(serde_json::json!({
        "$type": "UMMailboxPin.KeyRotation",
        "KeyId": c.key.id(),
        "PreviousKeyIds": dropped,
        "KeyFile": key_file,
        "Sealed": total - left,
        "Failed": left,
    }));
    Ok(response)
}
