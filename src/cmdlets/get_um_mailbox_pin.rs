//! Get-UMMailboxPIN: the state of PINs, never a PIN.

use crate::cmdlets::cursor;
use crate::directory::identity;
use crate::error::Result;
use crate::service::lookup::Lookup;
use crate::session::Session;
use crate::store::pins::{Named, PinState};

/// One mailbox. One that exists but is not UM-enabled is not found, as in Exchange.
pub fn get_um_mailbox_pin(session: &Session, lookup: &Lookup) -> Result<PinState> {
    lookup.validate()?;
    let (key, form) = lookup.key()?;
    session.read_once(|tx| {
        let found = tx.pin_states_by_key(&key, form)?;
        match lookup.only(session, tx, found, Named::identity)? {
            Named::Enabled(state) => Ok(state),
            Named::NotEnabled { .. } => Err(lookup.not_found(session, tx)),
        }
    })
}

/// Every enabled mailbox in scope, by canonical name, `limit` at a time; with the place to go on from.
pub fn list_um_mailbox_pins(
    session: &Session,
    lookup: &Lookup,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<PinState>, Option<String>)> {
    lookup.validate()?;
    let container = lookup.container(session);
    let [guid, name] = match after {
        None => ["", ""],
        Some(after) => cursor::cursor_parts(after)?,
    };
    let limit = limit.clamp(1, 10_000);
    let mut states = session.read(|tx| tx.pin_states(&container, (name, guid), limit + 1))?;
    let more = states.len() > limit;
    states.truncate(limit);
    let next = states.last().filter(|_| more).map(|s| format!("{} {}", s.guid, identity::fold(&s.identity)));
    Ok((states, next))
}
