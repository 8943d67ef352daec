//! Sign-in for telephone systems.

use super::guard::guard;
use super::session::SESSIONS;
use super::text::{put, put_required, read};
use super::types::{UmpinAnswer, UmpinError, UmpinReason, UmpinSession, UmpinSignIn, UmpinStr};
use crate::error::{Condition, Error, Result, Status};
use crate::pin::Pin;
use crate::service::lookup::Lookup;
use crate::service::sign_in::{self, Answer, Caller, Reason};

fn caller(who: *const UmpinSignIn) -> Result<Caller> {
    let who = read(who, "who")?;
    Ok(match who.extension.owned("extension")? {
        Some(number) => {
            Caller::Number { number, dial_plan: who.dial_plan.owned("dial_plan")?.filter(|p| !p.is_empty()) }
        }
        None => Caller::Identity(Lookup { identity: who.identity.owned("identity")?, ..Lookup::default() }),
    })
}

fn required(pin: &UmpinStr, name: &str) -> Result<Pin> {
    pin.pin()?.ok_or_else(|| Error::new(Status::NullPointer, format!("The {name} is absent. Nothing was counted.")))
}

fn write_answer(a: &Answer, answer: *mut UmpinAnswer, reason: *mut UmpinReason) -> Result<()> {
    put(
        reason,
        match a.reason {
            Reason::None => UmpinReason::None,
            Reason::WrongPin => UmpinReason::WrongPin,
            Reason::LockedOut => UmpinReason::LockedOut,
            Reason::Unknown => UmpinReason::Unknown,
            Reason::NotUmEnabled => UmpinReason::NotUmEnabled,
            Reason::NowLocked => UmpinReason::NowLocked,
            Reason::PinReset => UmpinReason::PinReset,
        },
    );
    put_required(
        answer,
        "answer",
        UmpinAnswer {
            accepted: u8::from(a.accepted),
            must_change: u8::from(a.must_change),
            set_up_due: u8::from(a.set_up_due),
        },
    )
}

/// Asks whether a PIN signs in, and counts the answer: a wrong PIN is on disk before this returns. Every refusal is the
/// same answer and leaves at a fixed interval (100 ms) after it came; the true reason goes to `reason` (may be NULL),
/// for logs only. A store, key or seal failure is an error status: nothing was counted, and it says nothing of the PIN.
///
/// # Safety
/// `who` is NULL or points to a structure with readable texts; `pin` is absent or readable; the rest are NULL or places
/// for their types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_verify(
    session: UmpinSession,
    who: *const UmpinSignIn,
    pin: UmpinStr,
    answer: *mut UmpinAnswer,
    reason: *mut UmpinReason,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || {
        put_required(answer, "answer", UmpinAnswer::default())?;
        put(reason, UmpinReason::None);
        let session = SESSIONS.get(session)?;
        let pin = required(&pin, "PIN")?;
        let told = sign_in::verify(&session, &caller(who)?, &pin)?;
        write_answer(&told, answer, reason)
    })
}

/// The owner's change of PIN: a wrong old one is refused and counts, exactly as in `umpin_verify`; the new one obeys
/// every rule, and breaking one is `UMPIN_STATUS_WEAK_PIN` with the rule in the message. Ends the first-time user.
///
/// # Safety
/// As for `umpin_verify`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_change_pin(
    session: UmpinSession,
    who: *const UmpinSignIn,
    old_pin: UmpinStr,
    new_pin: UmpinStr,
    answer: *mut UmpinAnswer,
    reason: *mut UmpinReason,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || {
        put_required(answer, "answer", UmpinAnswer::default())?;
        put(reason, UmpinReason::None);
        let session = SESSIONS.get(session)?;
        let (old, new) = (required(&old_pin, "old PIN")?, required(&new_pin, "new PIN")?);
        let told = sign_in::change_pin(&session, &caller(who)?, &old, &new);
        if matches!(&told, Err(e) if e.is(Condition::WeakPin)) {
            put(reason, UmpinReason::WeakPin);
        }
        write_answer(&told?, answer, reason)
    })
}

/// The telephone's set-up dialogue is finished: the mailbox's owner is no first-time user any more.
///
/// # Safety
/// As for `umpin_verify`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn umpin_set_up_complete(
    session: UmpinSession,
    who: *const UmpinSignIn,
    err: *mut *mut UmpinError,
) -> i32 {
    guard(err, || sign_in::set_up_complete(&*SESSIONS.get(session)?, &caller(who)?))
}
