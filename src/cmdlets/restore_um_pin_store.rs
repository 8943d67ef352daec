//! Restore-UMPinStore: puts a copy in the place of what the store holds. The copy is read and checked whole before.

use crate::crypto::key::KeyId;
use std::path::Path;

use crate::cmdlets::backup_um_pin_store::{backup_object, path, unusable};
use crate::cmdlets::contents;
use crate::cmdlets::document::{Request, Response};
use crate::cmdlets::test_um_pin_store::open_every_seal;
use crate::error::{Error, Result, Status, Warning};
use crate::location::is_same;
use crate::service::audit::verify_chain;
use crate::session::{Mode, Session};
use crate::store::backup::{Facts, StoreCopy, facts, read_copy};
use crate::store::settings;

/// Reads -Path and puts it back. -Force: also where the key file lacks its key, or where it is another store's copy.
pub(crate) fn restore_um_pin_store(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["Path", "Force"])?;
    let path = path(p)?;
    if is_same(&session.location().store, &path) {
        return Err(unusable(&path, "it is the store itself"));
    }
    let mut copy = read_copy(&path)?;
    let mut objections = Vec::new();
    objections.extend(other_store(session, &path, &copy.facts)?);
    let key = keys_missing(session, &path, &copy.facts);
    let key_is_here = key.is_none();
    objections.extend(key);
    let faults = find_backup_faults(session, &mut copy, key_is_here)?;
    objections.extend(faults.as_ref().map(|faults| {
        unusable(
            &path,
            &format!("Test-UMPinStore would refuse what it holds (-Force restores it all the same): {faults}"),
        )
    }));
    let force = p.switch("Force")?;
    if !force && let Some(first) = objections.into_iter().next() {
        return Err(first);
    }
    let target = session.location().store.display().to_string();
    let action = format!(
        "Replace everything in it by the backup '{}' ({} mailboxes, key {})",
        path.display(),
        copy.facts.mailboxes,
        copy.facts.key_id
    );
    let mut response = Response::default().for_should_process(target.clone(), action);
    if request.mode == Mode::Validate {
        return Ok(response);
    }
    // Update-UMPinKey drops an old key only under the store's lock, so the key file does not change under this one.
    let keys_are_still_here = || match keys_missing(session, &path, &copy.facts) {
        Some(missing) if !force => Err(missing),
        _ => Ok(()),
    };
    let moved = session.store.put_back(&copy, &keys_are_still_here)?;
    let key_is_here = keys_missing(session, &path, &copy.facts).is_none();
    if let Some(aside) = moved {
        response.warnings.push(Warning::from(format!(
            "The store was damaged, so it was moved to '{}' and a new one was made in its place.",
            aside.display()
        )));
    }
    if key_is_here {
        session.change(Mode::Commit, &request.cause, |c| {
            c.audit(&target, &format!("store replaced by the backup '{}'", path.display()))
        })?;
    } else {
        response.warnings.push(Warning::from(format!(
            "The store was replaced, but its key {} is not in the key file '{}'. Until it is, nobody can sign in and \
             no PIN can be set; nor could this be recorded in the audit trail.",
            copy.facts.key_id,
            session.location().key.display()
        )));
    }
    if let Some(faults) = faults {
        response.warnings.push(Warning::from(format!("What is wrong in the backup was restored, too: {faults}")));
    }
    let at = std::fs::metadata(&path)
        .and_then(|m| m.modified())
        .ok()
        .and_then(|m| m.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(0));
    response.objects.push(backup_object(&path, &copy.facts, at));
    Ok(response)
}

/// A backup of another store would put other people's mailboxes in the place of these.
fn other_store(session: &Session, path: &Path, copy: &Facts) -> Result<Option<Error>> {
    if !session.store.exists()? {
        return Ok(None);
    }
    // A damaged store is a reason to restore, not one to refuse.
    let Ok(here) = session.read(|tx| tx.setting(settings::KEY_ID)?.map(|_| facts(tx)).transpose()) else {
        return Ok(None);
    };
    Ok(here.filter(|here| here.store_id != copy.store_id).map(|here| {
        Error::new(
            Status::BackupFailed,
            format!(
                "'{}' is a backup of another store ({}), not of '{}' ({}, {} mailboxes). Nothing was changed. Use \
                 -Force to replace it all the same.",
                path.display(),
                copy.store_id,
                session.location().store.display(),
                here.store_id,
                here.mailboxes
            ),
        )
        .about(path.display().to_string())
    }))
}

/// What the self-check would say of the store that the copy makes. Seals and trail show only with their key.
fn find_backup_faults(session: &Session, copy: &mut StoreCopy, key_is_here: bool) -> Result<Option<String>> {
    let now = session.now();
    let mut found: Vec<String> = copy.read(|tx| contents::find_faults(tx, now))?.summary().into_iter().collect();
    if key_is_here {
        let keys = session.key_ring()?;
        copy.read(|tx| {
            found.extend(open_every_seal(tx, &keys).map_or_else(|e| Some(e.message), |(_, broken)| broken));
            found.extend(verify_chain(tx, &keys).err().map(|e| e.message));
            Ok(())
        })?;
    }
    Ok((!found.is_empty()).then(|| found.join("; ")))
}

/// The keys that the copy names must be in the key file: it would be a store that nobody can sign in to.
fn keys_missing(session: &Session, path: &Path, copy: &Facts) -> Option<Error> {
    let ring = match session.key_ring() {
        Ok(ring) => ring,
        Err(e) => return Some(e),
    };
    let missing: Vec<&str> = copy.key_ids.iter().filter(|id| !ring.holds(id)).map(KeyId::as_str).collect();
    (!missing.is_empty()).then(|| {
        Error::new(
            Status::KeyWrong,
            format!(
                "The backup '{}' is sealed under key {}, which the key file '{}' does not hold (it holds {}). Nothing \
                 was changed. Add that key's line to the file, below the line that is there, and try again; or use \
                 -Force and put the right key file back afterwards.",
                path.display(),
                missing.join(", "),
                session.location().key.display(),
                ring.ids().map(KeyId::as_str).collect::<Vec<_>>().join(", ")
            ),
        )
        .about(path.display().to_string())
    })
}
