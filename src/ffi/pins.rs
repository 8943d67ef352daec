//! Get and set a PIN, without a JSON parser.

use std::sync::{Arc, Mutex, PoisonError};

use super::guard::guard;
use super::handles::Handles;
use super::session::SESSIONS;
use super::text::{flag, put, put_bytes, put_required, read, tri_state};
use super::types::{
    UmpinBuffer, UmpinError, UmpinIdentity, UmpinPinState, UmpinPinStates, UmpinReset, UmpinSession, UmpinSetPin,
    UmpinStr,
};
use crate::cmdlets::document::Response;
use crate::cmdlets::get_um_mailbox_pin as get;
use crate::cmdlets::set_um_mailbox_pin::{self as set, Outcome, SetPin};
use crate::error::{Error, Result, Status};
use crate::service::lookup::Lookup;
use crate::session::Session;
use crate::store::pins::PinState;

/// States with the texts that their C view points into.
#[repr(C)]
struct OwnedStates {
    shown: UmpinPinStates,
    items: Vec<UmpinPinState>,
    states: Vec<PinState>,
    next: String,
}

fn into_raw_states(states: Vec<PinState>, next: Option<String>, now: i64) -> *mut UmpinPinStates {
    let items = states.iter().map(|s| pin_state_view(s, now)).collect();
    let mut owned = Box::new(OwnedStates {
        shown: UmpinPinStates { items: std::ptr::null(), len: states.len(), next: UmpinStr::ABSENT },
        items,
        states,
        next: next.unwrap_or_default(),
    });
    owned.shown.items = owned.items.as_ptr();
    if !owned.next.is_empty() {
        owned.shown.next = UmpinStr::from(owned.next.as_str());
    }
    debug_assert_eq!(owned.states.len(), owned.items.len());
    Box::into_raw(owned).cast()
}

/// The C view; its texts point into `s`, which must not move its strings.
fn pin_state_view(s: &PinState, now: i64) -> UmpinPinState {
    let lock = s.policy.lock(&s.facts, now);
    UmpinPinState {
        user_id: UmpinStr::from(s.user_id.as_str()),
        identity: UmpinStr::from(s.identity.as_str()),
        lock_reason: UmpinStr::from(lock.map_or("None", |l| l.as_str())),
        pin_last_set: s.facts.set_at,
        pin_expires_on: s.policy.expires_on(&s.facts).unwrap_or(i64::MAX),
        failed_logon_attempts: s.facts.failures,
        pin_expired: u8::from(s.policy.is_expired(&s.facts, now)),
        first_time_user: u8::from(s.first_time_user),
        locked_out: u8::from(lock.is_some()),
    }
}

fn lookup(who: &UmpinIdentity) -> Result<Lookup> {
    Ok(Lookup {
        identity: who.identity.owned("identity")?,
        domain_controller: who.domain_controller.owned("domain controller")?.unwrap_or_default(),
        ignore_default_scope: flag(who.ignore_default_scope, "ignore_default_scope")?,
    })
}

/// The PIN state of one mailbox. `states` gets exactly one; free it with `umpin_pin_states_free`. A mailbox that exists
/// but is not UM-enabled is not found.
///
/// # Safety
/// `who` is NULL or points to an identity with readable texts; `states` and `err` are NULL or places for their types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_pin_get(
    session: UmpinSession,
    who: *const UmpinIdentity,
    states: *mut *mut UmpinPinStates,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || {
        put_required(states, "states", std::ptr::null_mut())?;
        let session = SESSIONS.get(session)?;
        let state = get::get_um_mailbox_pin(&session, &lookup(&read(who, "who")?)?)?;
        put_required(states, "states", into_raw_states(vec![state], None, session.now()))
    })
}

/// The PIN states of all UM-enabled mailboxes in scope, by canonical name, at most `limit` (10,000 at the most) at a
/// time. `after` is absent at first, then the last answer's `next`. The identity of `scope` is not looked at.
///
/// # Safety
/// As for `umpin_pin_get`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_pin_list(
    session: UmpinSession,
    scope: *const UmpinIdentity,
    after: UmpinStr,
    limit: usize,
    states: *mut *mut UmpinPinStates,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || {
        put_required(states, "states", std::ptr::null_mut())?;
        let session = SESSIONS.get(session)?;
        let scope = Lookup { identity: None, ..lookup(&read(scope, "scope")?)? };
        let (found, next) = get::list_um_mailbox_pins(&session, &scope, after.text("after")?, limit)?;
        put_required(states, "states", into_raw_states(found, next, session.now()))
    })
}

/// Frees states and sets the caller's pointer to NULL, so that a second call does nothing. NULL is fine.
///
/// # Safety
/// `states` is NULL or points to a pointer that is NULL or came from a function of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_pin_states_free(states: *mut *mut UmpinPinStates) {
    if states.is_null() {
        return;
    }
    // SAFETY: not null, and by contract points to a pointer.
    let raw = unsafe { states.replace(std::ptr::null_mut()) };
    if !raw.is_null() {
        // SAFETY: by contract it came from into_raw_states, which made it OwnedStates whose first field is the view.
        drop(unsafe { Box::from_raw(raw.cast::<OwnedStates>()) });
    }
}

struct PendingReset {
    session: Arc<Session>,
    reset: Mutex<Option<set::Reset>>,
}

static RESETS: Handles<PendingReset> = Handles::new("Reset");

/// Whose refusals are recorded in the audit trail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusals {
    /// Every one.
    Record,
    /// Those of a request that asks for it.
    AsAsked,
}

fn begin_reset(
    session: UmpinSession,
    asked: *const UmpinSetPin,
    refusals: Refusals,
) -> Result<(Arc<Session>, set::Reset)> {
    let session = SESSIONS.get(session)?;
    let asked = read(asked, "asked")?;
    let asked = SetPin {
        who: lookup(&asked.who)?,
        pin: asked.pin.pin()?,
        notify_email: asked.notify_email.owned("notify_email")?,
        pin_expired: tri_state(asked.pin_expired, "pin_expired")?,
        locked_out: tri_state(asked.locked_out, "locked_out")?,
        send_email: tri_state(asked.send_email, "send_email")?,
        by_owner: false,
        // Any other value than 0, too: in a caller's older structure this is padding.
        record_refusals: refusals == Refusals::Record || asked.record_refusals != 0,
    };
    let reset = set::begin_reset(&session, asked)?;
    Ok((session, reset))
}

fn write_outcome(outcome: Outcome, session: &Session, states: *mut *mut UmpinPinStates, report: *mut UmpinBuffer) {
    let mut document =
        Response { warnings: outcome.warnings, notices: outcome.notice.into_iter().collect(), ..Response::default() };
    document.warnings.extend(session.left_behind());
    document.warnings.extend(session.upgraded());
    put_bytes(report, document.to_json());
    if !states.is_null() {
        put(states, into_raw_states(vec![outcome.state], None, session.now()));
    }
}

/// Replaces a PIN: `umpin_reset_begin` and `umpin_reset_commit` in one. `states` (the new state) and `report`
/// (`{"Warnings":[..],"Notices":[outbox ids]}`) may be NULL; free them with their functions. The notice is queued, not
/// sent: run `umpin deliver`, or the operation `Send-UMPinOutbox`.
///
/// # Safety
/// `asked` is NULL or points to a request with readable texts; the rest are NULL or places for their types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_pin_set(
    session: UmpinSession,
    asked: *const UmpinSetPin,
    states: *mut *mut UmpinPinStates,
    report: *mut UmpinBuffer,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || {
        put(states, std::ptr::null_mut());
        put_bytes(report, Vec::new());
        let (session, reset) = begin_reset(session, asked, Refusals::Record)?;
        let outcome = reset.commit(&session)?;
        write_outcome(outcome, &session, states, report);
        Ok(())
    })
}

/// Begins a PIN change: resolves, then checks the PIN or generates one. Creates nothing and writes nothing but, where
/// `record_refusals` says so, the record of a refusal; does not tell whether the PIN is in use. `target` (may be NULL)
/// gets the mailbox's canonical name, for a prompt. End it with `umpin_reset_commit` or `umpin_reset_free`.
///
/// # Safety
/// As for `umpin_pin_set`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_reset_begin(
    session: UmpinSession,
    asked: *const UmpinSetPin,
    reset: *mut UmpinReset,
    target: *mut UmpinBuffer,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || {
        put_required(reset, "reset", 0)?;
        put_bytes(target, Vec::new());
        let (session, begun) = begin_reset(session, asked, Refusals::AsAsked)?;
        put_bytes(target, begun.target().as_bytes().to_vec());
        put_required(reset, "reset", RESETS.open(PendingReset { session, reset: Mutex::new(Some(begun)) }))
    })
}

fn committed() -> Error {
    Error::new(Status::InvalidHandle, "This PIN change is committed already. Nothing was changed.")
}

/// Does the slow part (about 15 ms) of a change ahead of its commit. Optional; on any thread; holds no lock.
///
/// # Safety
/// `err` is NULL or a place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_reset_hash(reset: UmpinReset, err: *mut *mut UmpinError) -> i32 {
    guard(err, || {
        let pending = RESETS.get(reset)?;
        let begun = pending.reset.lock().unwrap_or_else(PoisonError::into_inner);
        begun.as_ref().ok_or_else(committed)?.hash()
    })
}

/// Commits a change: new PIN, history, expiry, lock state, notice and audit record in one transaction. The handle is
/// used up, also by an error; it still needs `umpin_reset_free`. `states` and `report` as for `umpin_pin_set`.
///
/// # Safety
/// `states`, `report` and `err` are NULL or places for their types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_reset_commit(
    reset: UmpinReset,
    states: *mut *mut UmpinPinStates,
    report: *mut UmpinBuffer,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || {
        put(states, std::ptr::null_mut());
        put_bytes(report, Vec::new());
        let pending = RESETS.get(reset)?;
        let begun = pending.reset.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(committed)?;
        let outcome = begun.commit(&pending.session)?;
        write_outcome(outcome, &pending.session, states, report);
        Ok(())
    })
}

/// Ends a change. One that was not committed changed nothing. 0 and an ended one are fine.
#[unsafe(no_mangle)]
pub extern "C" fn umpin_reset_free(reset: UmpinReset) {
    guard(std::ptr::null_mut(), || RESETS.close(reset));
}
