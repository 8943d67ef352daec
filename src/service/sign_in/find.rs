//! Finds the caller's mailbox and reads what is needed before the typed PIN is hashed.

use super::{Caller, Reason};
use crate::crypto::hash::PinHash;
use crate::crypto::key::KeyRing;
use crate::crypto::seal::Purpose;
use crate::error::{Condition, Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::service::enabled_mailbox::{Enabled, load_enabled_mailbox};
use crate::service::pin_replacement::open_pin_hash;
use crate::session::Session;
use crate::store::Tx;
use crate::store::pins::{PinRow, SignInRow};

/// The mailbox as it was when the hash began.
pub(super) struct Snapshot {
    pub(super) guid: RecipientGuid,
    pub(super) row: PinRow,
}

pub(super) enum Found {
    Nobody(Reason),
    Mailbox(Box<Snapshot>),
}

/// The GUID of the enabled mailbox that `who` names, or why there is none.
pub(super) fn find(session: &Session, tx: &Tx<'_>, who: &Caller) -> Result<std::result::Result<RecipientGuid, Reason>> {
    Ok(match find_anybody(session, tx, who)? {
        Ok(guid) if !tx.um_mailbox(&guid)?.is_some_and(|m| m.is_enabled()) => Err(Reason::NotUmEnabled),
        found => found,
    })
}

/// The same whether or not the mailbox is enabled.
fn find_anybody(session: &Session, tx: &Tx<'_>, who: &Caller) -> Result<std::result::Result<RecipientGuid, Reason>> {
    Ok(match who {
        Caller::Identity(lookup) => {
            lookup.validate()?;
            match lookup.guid(session, tx) {
                Err(e) if e.is(Condition::NoMatch) || e.is(Condition::SeveralMatches) => {
                    return Ok(Err(Reason::Unknown));
                }
                found => Ok(found?),
            }
        }
        Caller::Number { number, dial_plan } => {
            let plan = match dial_plan {
                None => None,
                Some(name) => match tx.dial_plan_by_key(&crate::directory::identity::fold(name))? {
                    Some(plan) => Some(plan.guid),
                    None => return Ok(Err(Reason::Unknown)),
                },
            };
            let found = tx.um_addresses_by_key(number.trim(), plan.as_ref())?;
            match found.split_first() {
                Some((one, rest)) if rest.iter().all(|other| other.guid == one.guid) => Ok(one.guid.clone()),
                _ => Err(Reason::Unknown),
            }
        }
    })
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
    session.read_sealed(|tx, keys| {
        tx.settings_soon()?;
        let found = find_anybody(session, tx, who);
        // A missing or wrong key is an error before anything is counted or told.
        keys.get(&tx.key_id()?.ok_or_else(missing)?)?;
        let guid = match found? {
            Ok(guid) => guid,
            Err(reason) => return Ok(Found::Nobody(reason)),
        };
        let Some(SignInRow { policy: Some(_), pin: row, .. }) = tx.sign_in_row(&guid)? else {
            return Ok(Found::Nobody(Reason::NotUmEnabled));
        };
        // Before the typed PIN is hashed: a salt or a cost that was altered must not be used.
        open_current_pin_hash(keys, &guid, &row)?;
        Ok(Found::Mailbox(Box::new(Snapshot { guid, row })))
    })
}

pub(super) fn open_current_pin_hash(keys: &KeyRing, guid: &RecipientGuid, row: &PinRow) -> Result<PinHash> {
    open_pin_hash(keys, Purpose::Pin, guid, row.version, &row.key_id, &row.sealed, &row.salt, &row.params)
}
