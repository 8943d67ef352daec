//! Backup-UMPinStore: a copy of the store while it is in use. It never holds the key, and says which one it needs.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cmdlets::document::{Request, Response, date};
use crate::cmdlets::parameters::Parameters;
use crate::crypto::chain::printed_head;
use crate::crypto::key::KeyId;
use crate::error::{Error, Result, Status};
use crate::session::{Mode, Session};
use crate::store::backup::Facts;

/// Writes the copy to -Path, which must not exist.
pub(crate) fn backup_um_pin_store(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["Path"])?;
    let path = path(p)?;
    if !session.store.exists()? || session.read(|tx| tx.key_id())?.is_none() {
        return Err(Error::new(
            Status::StoreMissing,
            format!(
                "The store '{}' does not exist yet, so there is nothing to copy. Nothing was written.",
                session.location().store.display()
            ),
        ));
    }
    if path.symlink_metadata().is_ok() {
        return Err(unusable(&path, "a file of this name exists already; name another one, or move it away"));
    }
    if !path.parent().is_some_and(Path::is_dir) {
        return Err(unusable(&path, "its folder does not exist"));
    }
    let shown = path.display().to_string();
    let response = Response::default().for_should_process(&*shown, "Write a copy of the PIN store");
    if request.mode == Mode::Validate {
        return Ok(response);
    }
    let created = session.now();
    let facts = session.store.copy_to(&path)?;
    session.change(Mode::Commit, &request.cause, |c| c.audit(&shown, "copy of the store written"))?;
    Ok(Response { objects: vec![backup_object(&path, &facts, created)], ..response })
}

pub(crate) fn path(p: &Parameters) -> Result<PathBuf> {
    let text = p.required("Path")?;
    if text.trim().is_empty() {
        return Err(Error::new(Status::InvalidArgument, "-Path is empty. Nothing was changed. Name a file."));
    }
    std::path::absolute(&text).map_err(|e| {
        Error::new(Status::InvalidArgument, format!("-Path '{text}' is no path: {e}. Nothing was changed."))
    })
}

pub(crate) fn unusable(path: &Path, why: &str) -> Error {
    Error::new(Status::BackupFailed, format!("'{}' cannot be used: {why}. Nothing was changed.", path.display()))
        .about(path.display().to_string())
}

pub(crate) fn backup_object(path: &Path, facts: &Facts, at: i64) -> Value {
    let others: Vec<&str> = facts.key_ids.iter().filter(|id| **id != facts.key_id).map(KeyId::as_str).collect();
    let also = if others.is_empty() {
        String::new()
    } else {
        format!(" and {} (a key rotation was under way)", others.join(", "))
    };
    json!({
        "$type": "UMMailboxPin.Backup",
        "Path": path.display().to_string(),
        "KeyId": facts.key_id,
        "CreatedAt": date(at),
        "Mailboxes": facts.mailboxes,
        "AuditHead": printed_head(&facts.audit_head),
        "Note": format!(
            "The copy does not hold the key. Without key {}{also}, no PIN in it can be checked: keep a copy of the key \
             file, somewhere else than this one.",
            facts.key_id
        ),
    })
}
