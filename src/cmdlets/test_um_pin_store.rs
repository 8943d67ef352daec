//! Test-UMPinStore: whether the store, its key and its trail are in order. Changes nothing.

use crate::guid::RecipientGuid;
use std::path::Path;

use serde_json::{Value, json};

use crate::cmdlets::contents;
use crate::cmdlets::document::{Request, Response};
use crate::crypto::chain::printed_head;
use crate::crypto::key::{KeyRing, leftovers};
use crate::crypto::seal::open;
use crate::error::{Condition, Result};
use crate::location::{folder_of, is_same};
use crate::service::audit::{stored_key, verify_chain};
use crate::service::notice::has_transport;
use crate::service::pin_replacement::fits_its_row;
use crate::session::{SUBKEYS, Session, key_id};
use crate::store::Tx;
use crate::store::sealed::SealedIn;
use crate::store::settings;

/// Mail that waits longer is worth a warning: a day, in milliseconds.
const LONG_WAIT: i64 = 86_400_000;
/// Rows opened at a time.
const PAGE: usize = 1000;
/// Names in one detail.
const NAMES: usize = 5;

/// How a check ended.
enum Verdict {
    Passed(String),
    Warning(String),
    Failed(String),
}

use Verdict::{Failed, Passed, Warning};

impl From<Result<Verdict>> for Verdict {
    fn from(result: Result<Verdict>) -> Self {
        result.unwrap_or_else(|e| Failed(e.message))
    }
}

/// One object a check. What one check finds does not keep the others from running.
pub(crate) fn test_um_pin_store(session: &Session, request: &Request) -> Result<Response> {
    request.parameters.allow(&[])?;
    let mut checks: Vec<(&str, Verdict)> = Vec::new();
    let store = &session.location().store;
    if !session.store.exists()? {
        checks.push((
            "Store",
            Warning(format!("'{}' does not exist. The first cmdlet that changes something makes it.", store.display())),
        ));
        return Ok(answer(checks));
    }
    checks.push(("Store", Passed(store.display().to_string())));
    if session.store.is_file() {
        checks.push(("StoreFiles", store_files(store)));
    } else {
        checks.push(("Connection", connection(session)));
    }
    checks.push(("Integrity", integrity(session).into()));
    checks.push(("References", references(session).into()));
    checks.push(("Schema", schema(session).into()));
    checks.push(("Contents", contents(session).into()));
    checks.push(("KeyFile", key_file(session).into()));
    checks.push(("Key", key(session).into()));
    checks.push(("SealedValues", sealed_values(session).into()));
    checks.push(("AuditTrail", audit_trail(session).into()));
    checks.push(("Outbox", outbox(session).into()));
    Ok(answer(checks))
}

fn answer(checks: Vec<(&str, Verdict)>) -> Response {
    let object = |(check, verdict): (&str, Verdict)| -> Value {
        let (result, detail) = match verdict {
            Passed(detail) => ("Passed", detail),
            Warning(detail) => ("Warning", detail),
            Failed(detail) => ("Failed", detail),
        };
        json!({"$type": "UMMailboxPin.StoreCheck", "Check": check, "Result": result, "Detail": detail})
    };
    Response { objects: checks.into_iter().map(object).collect(), ..Response::default() }
}

#[cfg(windows)]
fn store_files(store: &Path) -> Verdict {
    use crate::location::beside;
    let look = || -> std::io::Result<Verdict> {
        if let Some(group) = crate::os::folder_open_to_all(folder_of(store))? {
            return Ok(Failed(format!(
                "'{group}' may put another file in the store's place: give the folder to SYSTEM, Administrators and \
                 the accounts that use the store alone (icacls with /inheritance:r and /grant:r)"
            )));
        }
        let mut exposed = Vec::new();
        for path in ["", "-wal", "-shm"].map(|suffix| beside(store, suffix)) {
            match crate::os::open_log(&path).and_then(|file| crate::os::open_to_all(&file)) {
                Ok(Some(group)) => exposed.push(format!("'{}' ('{group}')", path.display())),
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        Ok(if exposed.is_empty() {
            Passed("not open to everybody".into())
        } else {
            Warning(format!("open to nearly everybody: {}; take that from them with icacls", exposed.join(", ")))
        })
    };
    look().unwrap_or_else(|e| Failed(format!("who may read the store cannot be told: {e}")))
}

#[cfg(unix)]
fn store_files(store: &Path) -> Verdict {
    use std::os::unix::fs::MetadataExt;
    let mut exposed = Vec::new();
    for suffix in ["", "-wal", "-shm"] {
        let mut name = store.as_os_str().to_owned();
        name.push(suffix);
        let path = Path::new(&name);
        if let Ok(meta) = path.metadata()
            && meta.mode() & 0o007 != 0
        {
            exposed.push(format!("'{}' (mode {:04o})", path.display(), meta.mode() & 0o7777));
        }
    }
    let open_folder = store.parent().and_then(|f| f.metadata().ok()).is_some_and(|m| m.mode() & 0o1002 == 0o0002);
    if open_folder {
        return Failed("everybody may put another file in the store's place: the folder can be written by all".into());
    }
    if exposed.is_empty() {
        Passed("not open to everybody".into())
    } else {
        Warning(format!("open to everybody: {}; run chmod o-rwx on them", exposed.join(", ")))
    }
}

/// Of a store on a server.
fn connection(session: &Session) -> Verdict {
    if session.store.is_exposed() {
        Warning("the store's URL lets others read or alter what goes over the line: use sslmode=verify-full".into())
    } else {
        Passed("nobody between this machine and the server can read or alter what goes over the line".into())
    }
}

fn integrity(session: &Session) -> Result<Verdict> {
    let found = session.store.integrity()?;
    if !session.store.is_file() {
        return Ok(match found.first() {
            None => Passed("the server keeps checksums of its pages".into()),
            Some(lack) => Warning(format!("{lack}, so it cannot tell a damaged one (initdb --data-checksums)")),
        });
    }
    Ok(if found.is_empty() { Passed("the whole file was read".into()) } else { Failed(found.join("; ")) })
}

fn references(session: &Session) -> Result<Verdict> {
    Ok(match session.store.dangling_rows()? {
        0 => Passed("every row that is referred to is there".into()),
        n => Failed(format!("{n} rows refer to rows that are not there")),
    })
}

fn schema(session: &Session) -> Result<Verdict> {
    let (version, journal) = session.store.version_and_journal()?;
    let strange = session.store.strange_definitions()?;
    Ok(if !strange.is_empty() {
        Failed(format!(
            "version {version}, but these were made, changed or removed outside this program: {}. What a trigger does \
             is done in every cmdlet's name; restore a backup",
            strange.join(", ")
        ))
    } else if journal == "wal" {
        Passed(format!("version {version}, write-ahead log"))
    } else {
        Failed(format!("version {version}, but no write-ahead log ('{journal}')"))
    })
}

fn contents(session: &Session) -> Result<Verdict> {
    let now = session.now();
    Ok(match session.read(|tx| contents::find_faults(tx, now))?.summary() {
        None => Passed("every row is one that a cmdlet can have written".into()),
        Some(faults) => Failed(format!(
            "{faults}. It was changed outside this program. Restore a backup; or import these people again, and make \
             their mailboxes anew with Disable-UMMailbox -KeepProperties $false and Enable-UMMailbox"
        )),
    })
}

fn key_file(session: &Session) -> Result<Verdict> {
    let path = session.keys.path();
    let keys = session.key_ring()?;
    let left = leftovers(path);
    Ok(if !left.is_empty() {
        Warning(format!(
            "'{}' is left from an interrupted run and holds keys; run Update-UMPinKey, or delete it",
            left[0].display()
        ))
    } else if keys.ids().count() > 1 {
        Warning(format!(
            "'{}' holds {} keys: a run of Update-UMPinKey was interrupted; run it again to finish",
            path.display(),
            keys.ids().count()
        ))
    } else if is_same(folder_of(path), folder_of(&session.location().store)) {
        Warning(format!("'{}' lies in the store's own folder: whoever copies the folder has both", path.display()))
    } else {
        Passed(path.display().to_string())
    })
}

fn key(session: &Session) -> Result<Verdict> {
    session.read_sealed(|tx, keys| {
        let id = key_id(tx)?;
        for (name, purpose) in SUBKEYS {
            stored_key(tx, keys, name, purpose)?;
        }
        Ok(Passed(format!("{id} is in the key file and opens the store's own keys")))
    })
}

fn sealed_values(session: &Session) -> Result<Verdict> {
    session.read_sealed(|tx, keys| {
        let (opened, broken) = open_every_seal(tx, keys)?;
        Ok(match broken {
            None => Passed(format!("{opened} opened")),
            Some(broken) => Failed(format!("{opened} opened; {broken}. Set new PINs there.")),
        })
    })
}

/// How many values opened, and whose did not.
pub(crate) fn open_every_seal(tx: &Tx<'_>, keys: &KeyRing) -> Result<(u64, Option<String>)> {
    let mut opened = 0;
    let mut broken: Vec<String> = Vec::new();
    for table in SealedIn::ALL {
        let (count, failed) = open_all(tx, keys, table)?;
        opened += count;
        broken.extend(failed);
    }
    if broken.is_empty() {
        return Ok((opened, None));
    }
    let more = broken.len().saturating_sub(NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    broken.truncate(NAMES);
    Ok((opened, Some(format!("changed or moved outside this program: {}{more}", broken.join(", ")))))
}

fn open_all(tx: &Tx<'_>, keys: &KeyRing, table: SealedIn) -> Result<(u64, Vec<String>)> {
    let mut opened = 0;
    let mut broken = Vec::new();
    let mut after = (String::new(), i64::MIN);
    loop {
        let rows = tx.sealed_rows(table, None, (&after.0, after.1), PAGE)?;
        for row in &rows {
            let fits = |plain: &[u8]| match row.mailbox(table) {
                None => Ok(true),
                Some(guid) => is_made_with_its_row(tx, table, &guid, row.version, plain),
            };
            let context = row.context(table);
            match keys.get(&row.key_id).and_then(|key| open(key, table.purpose(), &context, &row.sealed)) {
                Ok(plain) if fits(&plain)? => opened += 1,
                // A key that a finished rotation has just dropped: the caller reads anew.
                Err(e) if e.is(Condition::UnknownKey) => return Err(e),
                Ok(_) | Err(_) => broken.push(tx.name_of(&row.id)),
            }
        }
        match rows.last() {
            Some(last) if rows.len() == PAGE => after = (last.id.clone(), last.version),
            _ => return Ok((opened, broken)),
        }
    }
}

/// Whether the salt and the cost beside a sealed hash are those that were sealed with it.
fn is_made_with_its_row(
    tx: &Tx<'_>,
    table: SealedIn,
    guid: &RecipientGuid,
    version: i64,
    plain: &[u8],
) -> Result<bool> {
    let Some(pin) = tx.pin(guid)? else { return Ok(true) };
    let params = match table {
        SealedIn::History => tx.pin_history(guid)?.into_iter().find(|h| h.version == version).map(|h| h.params),
        _ => Some(pin.params),
    };
    Ok(params.is_none_or(|params| fits_its_row(plain, &pin.salt, &params)))
}

fn audit_trail(session: &Session) -> Result<Verdict> {
    session.read_sealed(|tx, keys| {
        let count = verify_chain(tx, keys)?;
        Ok(Passed(format!(
            "{count} records in an unbroken chain, head {}",
            printed_head(&tx.setting(settings::AUDIT_HEAD)?.unwrap_or_default())
        )))
    })
}

fn outbox(session: &Session) -> Result<Verdict> {
    let now = session.now();
    session.read(|tx| {
        let rows = tx.outbox()?;
        let Some(oldest) = rows.first() else { return Ok(Passed("nothing waits".into())) };
        let hours = now.saturating_sub(oldest.queued_at) / 3_600_000;
        let told = format!("{} messages wait, the oldest for {hours} hours", rows.len());
        Ok(if !has_transport(tx)? {
            Warning(format!("{told}; no mail transport is configured (Set-UMPinConfiguration)"))
        } else if now.saturating_sub(oldest.queued_at) > LONG_WAIT {
            Warning(format!("{told}; see Get-UMPinOutbox for the reason"))
        } else {
            Passed(told)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::execute;
    use crate::directory::recipient::Recipient;
    use crate::error::Status;
    use crate::location::Location;
    use crate::mail::notice::{Kind, Notice};
    use crate::pin::PinPolicy;
    use crate::service::notice;
    use crate::session::{Cause, Change, Clock, Mode, Tuning};
    use crate::support::Fixture;

    #[test]
    fn a_key_that_goes_between_the_key_file_and_the_rows_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let location = Location { store: folder.path().join("um.db"), key: folder.path().join("umpin.key") };
            Session::with(location, None, Tuning::danger_test(Clock::System)).unwrap()
        };
        let (session, other) = (open(), open());
        let message = Notice {
            kind: Kind::Changed,
            to: "tony@contoso.com".into(),
            display_name: "Tony".into(),
            user_id: "tony@contoso.com".into(),
            language: String::new(),
            pin: String::new(),
            must_change: false,
            access_numbers: Vec::new(),
            extension: String::new(),
            policy_text: String::new(),
            expires_on: 0,
        };
        let queue = |c: &crate::session::Change<'_>| notice::queue_notice(c, &Recipient::default(), &message).map(drop);
        session.change(Mode::Commit, &Cause::new("Test"), queue).unwrap();
        let mut looks = 0;
        let found = session.read_sealed(|tx, keys| {
            looks += 1;
            if looks == 1 {
                // The keys are read, and nothing of the store is yet.
                let mut after = Value::Null;
                loop {
                    let request = json!({"Mode": "Commit", "After": after}).to_string();
                    match execute(&other, "Update-UMPinKey", request.as_bytes(), None)?.next {
                        Some(next) => after = json!(next),
                        None => break,
                    }
                }
            }
            open_every_seal(tx, keys)
        });
        assert_eq!(found.unwrap(), (1, None));
        assert_eq!(looks, 2);
    }

    fn verdict(f: &Fixture, check: &str) -> (String, String) {
        let checks = f.run("Test-UMPinStore", &json!({})).unwrap().objects;
        let one = checks.iter().find(|c| c["Check"] == check).unwrap();
        (one["Result"].as_str().unwrap().into(), one["Detail"].as_str().unwrap().into())
    }

    #[test]
    fn it_takes_no_parameters_of_its_own() {
        let f = Fixture::new(PinPolicy::default(), 1);
        let told = f.run("Test-UMPinStore", &json!({"Repair": true})).unwrap_err();
        assert_eq!(told.status, Status::InvalidRequest);
    }

    #[test]
    fn the_keys_that_the_store_keeps_are_opened() {
        for (name, _) in SUBKEYS {
            let f = Fixture::new(PinPolicy::default(), 1);
            assert_eq!(verdict(&f, "Key").0, "Passed");
            let broken = |c: &Change<'_>| c.tx.set_setting(name, &"00".repeat(72));
            f.session.change(Mode::Commit, &Cause::new("Test"), broken).unwrap();
            assert_eq!(verdict(&f, "Key").0, "Failed", "{name}");
        }
        let f = Fixture::new(PinPolicy::default(), 1);
        let another = crate::crypto::key::MasterKey::generate().unwrap();
        f.session.keys.replace(&[&another]).unwrap();
        let (result, detail) = verdict(&f, "Key");
        assert!(result == "Failed" && detail.contains("is sealed under key"), "{result}: {detail}");
    }

    #[test]
    fn a_key_in_the_stores_own_folder_is_a_warning_and_in_another_none() {
        let f = Fixture::new(PinPolicy::default(), 1);
        assert_eq!(verdict(&f, "KeyFile").0, "Warning");
        let elsewhere = tempfile::tempdir().unwrap();
        let key = elsewhere.path().join("umpin.key");
        std::fs::rename(f.path("umpin.key"), &key).unwrap();
        let location = Location { store: f.path("um.db"), key };
        let session = Session::with(location, None, Tuning::danger_test(Clock::System)).unwrap();
        let checks = crate::support::run(&session, "Test-UMPinStore", &json!({})).unwrap().objects;
        assert_eq!(checks.iter().find(|c| c["Check"] == "KeyFile").unwrap()["Result"], "Passed");
    }

    #[test]
    fn each_earlier_pin_is_held_against_its_own_cost() {
        let f = Fixture::new(PinPolicy::default(), 1);
        let mut tuning = Tuning::danger_test(Clock::Manual(f.clock.clone()));
        for pin in ["580437", "604938", "471147"] {
            tuning.hash.memory_kib *= 2;
            let dearer = Session::with(f.session.location().clone(), None, tuning.clone()).unwrap();
            crate::support::set(&dearer, 0, Some(pin)).unwrap();
        }
        assert_eq!(verdict(&f, "SealedValues"), ("Passed".into(), "5 opened".into()));
        for version in 1..=3 {
            let cost = |by: i64| {
                let text = format!("UPDATE pin_history SET memory_kib = memory_kib + {by} WHERE version = {version}");
                rusqlite::Connection::open(f.path("um.db")).unwrap().execute_batch(&text).unwrap();
            };
            cost(8);
            let (result, detail) = verdict(&f, "SealedValues");
            assert!(result == "Failed" && detail.starts_with("4 opened"), "{version}: {detail}");
            cost(-8);
        }
        // Earlier PINs that belong to none are a fault of the contents; their seals are whole.
        rusqlite::Connection::open(f.path("um.db")).unwrap().execute_batch("DELETE FROM pin").unwrap();
        assert_eq!(verdict(&f, "SealedValues"), ("Passed".into(), "4 opened".into()));
    }

    #[test]
    fn mail_that_waits_for_more_than_a_day_is_a_warning() {
        let f = Fixture::new(PinPolicy::default(), 1);
        f.pickup();
        crate::support::set(&f.session, 0, None).unwrap();
        f.advance(LONG_WAIT);
        assert_eq!(verdict(&f, "Outbox").0, "Passed", "a day is not more than a day");
        f.advance(1);
        assert_eq!(verdict(&f, "Outbox").0, "Warning");
    }
}
