//! Finds the caller's mailbox and reads what is needed before the typed PIN is hashed.

use super::charge::check_own_settings;
use super::{Caller, Reason};
use crate::crypto::hash::PinHash;
use crate::crypto::key::KeyRing;
use crate::crypto::seal::Purpose;
use crate::error::{Condition, Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::pin::PinPolicy;
use crate::service::enabled_mailbox::{Enabled, load_enabled_mailbox};
use crate::service::pin_replacement::open_pin_hash;
use crate::service::spray;
use crate::session::Session;
use crate::store::Tx;
use crate::store::pins::{PinRow, SignInRow};

/// The mailbox as it was when the hash began.
#[derive(Clone)]
pub(super) struct Snapshot {
    pub(super) guid: RecipientGuid,
    pub(super) row: PinRow,
    /// The hash to compare with.
    pub(super) stored: PinHash,
    /// The rules in force.
    pub(super) policy: PinPolicy,
    pub(super) extensions: Vec<String>,
    /// Whether a wrong PIN is noted.
    pub(super) is_watched: bool,
}

pub(super) enum Found {
    Nobody(Reason),
    Mailbox(Box<Snapshot>),
}

/// The GUID of the enabled mailbox that `who` names, or why there is none.
pub(super) fn find(session: &Session, tx: &Tx<'_>, who: &Caller) -> Result<std::result::Result<RecipientGuid, Reason>> {
    Ok(match find_anybody(session, tx, who)? {
        Ok((guid, Some(SignInRow { policy: Some(_), .. }))) => Ok(guid),
        Ok(_) => Err(Reason::NotUmEnabled),
        Err(reason) => Err(reason),
    })
}

/// Whoever `who` names, with his PIN and the rules for it where he has them.
fn find_anybody(
    session: &Session,
    tx: &Tx<'_>,
    who: &Caller,
) -> Result<std::result::Result<(RecipientGuid, Option<SignInRow>), Reason>> {
    match who {
        Caller::Identity(lookup) => {
            lookup.validate()?;
            match lookup.guid(session, tx) {
                Err(e) if e.is(Condition::NoMatch) || e.is(Condition::SeveralMatches) => Ok(Err(Reason::Unknown)),
                Err(e) => Err(e),
                Ok(guid) => tx.sign_in_row(&guid).map(|row| Ok((guid, row))),
            }
        }
        Caller::Number { number, dial_plan } => {
            let plan = dial_plan.as_deref().map(crate::directory::identity::fold);
            let mut found = tx.sign_in_rows_by_number(number.trim(), plan)?;
            Ok(if found.len() > 1 { None } else { found.pop() }.ok_or(Reason::Unknown))
        }
    }
}

/// The mailbox with today's rules; `None` where it is not enabled (any more).
pub(super) fn enabled_mailbox_now(tx: &Tx<'_>, guid: &RecipientGuid) -> Result<Option<Enabled>> {
    let Some(recipient) = tx.recipient(guid)? else { return Ok(None) };
    match load_enabled_mailbox(tx, recipient) {
        Err(e) if e.is(Condition::NotUmEnabled) => Ok(None),
        found => found.map(Some),
    }
}

pub(super) fn snapshot(session: &Session, who: &Caller) -> Result<Found> {
    // An empty store refuses everybody; a missing one is a wrong path, which the telephone system must learn.
    let missing = || {
        Error::new(
            Status::StoreMissing,
            format!(
                "The store '{}' does not exist, so nobody can sign in. Nothing was counted. Name the right file in \
                 UMPIN_STORE, or import recipients first.",
                session.location().store.display()
            ),
        )
    };
    if !session.store.exists()? {
        return Err(missing());
    }
    // What a try is charged for is looked at again in that moment, so that this need not be one state of the store.
    session.read_sealed_once(|tx, keys| {
        tx.settings_soon()?;
        tx.spray_marks_soon()?;
        let found = find_anybody(session, tx, who);
        // A missing or wrong key is an error before anything is counted or told, and so is what else would fail for
        // everybody: after as long for somebody as for nobody.
        keys.get(&tx.key_id()?.ok_or_else(missing)?)?;
        check_own_settings(tx, keys)?;
        let (guid, row) = match found? {
            Ok(found) => found,
            Err(reason) => return Ok(Found::Nobody(reason)),
        };
        let Some(SignInRow { policy: Some(policy), pin: row, extensions }) = row else {
            return Ok(Found::Nobody(Reason::NotUmEnabled));
        };
        // Before the typed PIN is hashed: a salt or a cost that was altered must not be used.
        let stored = open_current_pin_hash(keys, &guid, &row)?;
        let is_watched = spray::is_watched(tx, session.now())?;
        Ok(Found::Mailbox(Box::new(Snapshot { guid, row, stored, policy, extensions, is_watched })))
    })
}

pub(super) fn open_current_pin_hash(keys: &KeyRing, guid: &RecipientGuid, row: &PinRow) -> Result<PinHash> {
    open_pin_hash(keys, Purpose::Pin, guid, row.version, &row.key_id, &row.sealed, &row.salt, &row.params)
}
