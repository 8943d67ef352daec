//! Sign-in: the question that a telephone system asks. docs/sign-in.md says its rules.
//!
//! Every try is charged before it is judged. The hash runs outside the write lock, on a snapshot; a first transaction
//! counts a failure where lock, counter, PIN version and rules are as they were, else reads them again first; only when
//! that is on disk is the PIN compared; a second transaction takes the failure back where the PIN was right, and draws
//! the consequences where it was wrong. So what cannot be counted is never answered, and no fault of the store's can
//! give more answers than the counter allows.
//! Every refusal costs a hash and a commit, and is answered at a fixed time after the call came.

mod change;
mod charge;
mod decide;
mod find;
mod reset;

use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use charge::{Charging, charge, charge_soon, charge_unchanged, count_nobody};
use decide::{accept, accept_unchanged, refuse_with_reset, upgrade};
use find::{Found, Snapshot, find, snapshot};

use crate::crypto::hash::{Hashing, PinHash, Salt, hash, not_hashed};
use crate::error::{Error, Result, Status};
use crate::os::Pages;
use crate::pin::Pin;
use crate::pin::generate::MAX_TRIES;
use crate::service::lookup::Lookup;
use crate::service::pin_replacement::conflict_error;
use crate::service::telephone_settings::{DIAL_PLAN, Settings};
use crate::session::{Cause, Mode, Session};
use crate::store::Tx;

pub use change::change_pin;

/// Who signs in.
#[derive(Clone, Debug)]
pub enum Caller {
    /// By any identity form; only administrators are told that it does not exist.
    Identity(Lookup),
    /// By what is dialled: extension, SIP address or E.164 number.
    Number {
        /// The number.
        number: String,
        /// The dial plan's name; may be absent while the number is in one plan only.
        dial_plan: Option<String>,
    },
}

/// Why a sign-in was refused: for logs, never for the telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was not.
    None,
    /// The PIN is wrong.
    WrongPin,
    /// Locked, by failures or by an administrator.
    LockedOut,
    /// Nobody has this number.
    Unknown,
    /// The mailbox is not enabled.
    NotUmEnabled,
    /// Wrong, and the last try: locked from now on.
    NowLocked,
    /// Wrong, and the PIN was reset and mailed.
    PinReset,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The PIN signs in.
    pub accepted: bool,
    /// A new PIN must be chosen first.
    pub must_change: bool,
    /// A first-time user.
    pub set_up_due: bool,
    /// Why a new PIN must be chosen, for administrators: rule names.
    pub must_change_because: Vec<String>,
    /// Why it was refused, for logs.
    pub reason: Reason,
}

impl Answer {
    /// A refusal; the reason is for logs.
    pub(crate) fn refused(reason: Reason) -> Self {
        Self { accepted: false, must_change: false, set_up_due: false, must_change_because: Vec::new(), reason }
    }
}

/// Asks whether `pin` signs in, and counts the answer. Whoever cannot be found is refused like everybody else.
pub fn verify(session: &Session, who: &Caller, pin: &Pin) -> Result<Answer> {
    let came = Instant::now();
    let (answer, _) = sign_in(session, who, pin, "Test-UMMailboxPIN")?;
    if !answer.accepted {
        leave_at_interval(session, came);
    }
    Ok(answer)
}

/// The telephone's set-up dialogue is done: no first-time user any more.
pub fn set_up_complete(session: &Session, who: &Caller) -> Result<()> {
    let find_again = |tx: &Tx<'_>| find(session, tx, who)?.map_err(|_| refused());
    // Looked for before anything is made: a change would make a store where there is none.
    session.read(find_again)?;
    session.change(Mode::Commit, &Cause::new("Complete-UMMailboxSetup"), |c| {
        let guid = find_again(c.tx)?;
        let mut row = c.tx.pin(&guid)?.ok_or_else(refused)?;
        if row.first_time_user {
            row.first_time_user = false;
            c.tx.put_pin(&guid, &row)?;
            let name = c.tx.recipient(&guid)?.map(|r| r.canonical_name).unwrap_or_default();
            c.audit(&name, "set-up on the telephone finished")?;
        }
        Ok(())
    })
}

/// LogonFailuresBeforeDisconnect of a dial plan: failures in one call after which a telephone system hangs up. Where no
/// plan is named, that of the only plan there is; the default where there is none. It never depends on the caller's
/// number: the length of a call must not tell whether a number belongs to somebody.
pub fn failures_before_disconnect(session: &Session, dial_plan: Option<&str>) -> Result<u32> {
    let plan = session.read(|tx| match dial_plan {
        Some(name) => tx.dial_plan_by_key(&crate::directory::identity::fold(name)),
        None => {
            let mut plans = tx.dial_plans()?;
            Ok(if plans.len() == 1 { plans.pop() } else { None })
        }
    })?;
    let settings = plan.as_ref().map_or_else(|| Ok(Settings::new(DIAL_PLAN)), Settings::of_dial_plan)?;
    Ok(u32::try_from(settings.number("LogonFailuresBeforeDisconnect")?).unwrap_or(u32::MAX))
}

fn refused() -> Error {
    Error::new(Status::SignInRefused, "The request was refused. Nothing was changed.")
}

fn leave_at_interval(session: &Session, came: Instant) {
    thread::sleep(until_it_leaves(session.refusal_interval, came.elapsed()));
}

/// How long to wait with a refusal whose call came `passed` ago: until the next whole multiple of `interval`.
fn until_it_leaves(interval: Duration, passed: Duration) -> Duration {
    if interval.is_zero() {
        return Duration::ZERO;
    }
    let intervals = passed.as_nanos() / interval.as_nanos() + 1;
    (interval * u32::try_from(intervals).unwrap_or(u32::MAX)).saturating_sub(passed)
}

fn sign_in(session: &Session, who: &Caller, pin: &Pin, cmdlet: &str) -> Result<(Answer, Option<Box<Snapshot>>)> {
    let cause = Cause::new(cmdlet);
    for _ in 0..MAX_TRIES {
        let snapshot = match snapshot(session, who)? {
            Found::Mailbox(snapshot) => snapshot,
            Found::Nobody(reason) => {
                // The same work as for somebody: a hash, a turn at the lock, a commit.
                hash(pin, &Salt::default(), &session.hash)?;
                session.change_mailbox(None, &cause, |_| Ok(()), count_nobody)?;
                return Ok((Answer::refused(reason), None));
            }
        };
        match thread::scope(|scope| try_once(session, scope, &snapshot, pin, &cause))? {
            Tried::Answered(answer) => return Ok((answer, Some(snapshot))),
            Tried::Refused(reason) => return Ok((Answer::refused(reason), None)),
            Tried::HashedAnew => {}
        }
    }
    Err(conflict_error())
}

/// What came of a try.
enum Tried {
    Answered(Answer),
    /// Nobody can sign in there.
    Refused(Reason),
    /// Its hash has another cost since. Nothing was written.
    HashedAnew,
}

/// Charges a try, then judges it.
fn try_once<'s>(
    session: &Session,
    scope: &'s Scope<'s, '_>,
    snapshot: &'s Snapshot,
    pin: &'s Pin,
    cause: &Cause,
) -> Result<Tried> {
    let typed = begin_to_hash(session, scope, snapshot, pin)?;
    let (whose, soon) = (Some(&snapshot.guid), |tx: &Tx<'_>| charge_soon(tx, snapshot));
    let charge = match charge_unchanged(session, snapshot)? {
        Some(charge) => Box::new(charge),
        None => match session.change_mailbox(whose, cause, soon, |c| charge(c, snapshot))? {
            Charging::Charged(charge) => charge,
            Charging::Refused(reason) => return Ok(Tried::Refused(reason)),
            Charging::HashedAnew => return Ok(Tried::HashedAnew),
        },
    };
    // Compared here and no earlier: the try is counted by now.
    let settled = typed.wait().and_then(|typed| {
        if charge.is_for(&typed) {
            match accept_unchanged(session, snapshot, pin, &charge)? {
                Some(answer) => Ok(answer),
                None => {
                    session.store.write_mailbox(whose, |tx| accept(tx, || session.now(), &snapshot.guid, pin, &charge))
                }
            }
        } else if charge.has_consequences {
            refuse_with_reset(session, snapshot, pin, &charge, cause)
        } else {
            Ok(Answer::refused(Reason::WrongPin))
        }
    });
    let answer = settled.map_err(still_counted)?;
    if answer.accepted && session.hash.is_stronger_than(&snapshot.row.params) {
        // The answer stands whether or not this works; the next right sign-in tries again.
        let _ = upgrade(session, snapshot, pin);
    }
    Ok(Tried::Answered(answer))
}

/// What was typed, hashed, or soon.
enum Typed {
    Hashed(PinHash),
    Soon(Receiver<Result<PinHash>>, Option<Pages>),
}

impl Typed {
    fn wait(self) -> Result<PinHash> {
        match self {
            Typed::Hashed(typed) => Ok(typed),
            Typed::Soon(coming, pages) => {
                // Whoever waits makes zero meanwhile what the hash would wait for.
                pages.inspect(Pages::ask_for);
                coming.recv().unwrap_or_else(|_| Err(not_hashed()))
            }
        }
    }
}

/// Hashes what was typed, before anything is charged for it. A program that lives for one call has that done beside the
/// charge, which waits for the disk, and the hash's memory erased beside the answer's commit; whatever could be in the
/// hash's way was looked at before.
fn begin_to_hash<'s>(
    session: &Session,
    scope: &'s Scope<'s, '_>,
    snapshot: &'s Snapshot,
    pin: &'s Pin,
) -> Result<Typed> {
    let row = &snapshot.row;
    let mut hashing = Hashing::begin(&row.params)?;
    if session.lives_for_one_call() {
        let (send, coming) = channel();
        let pages = hashing.pages();
        let begun = thread::Builder::new().spawn_scoped(scope, move || {
            // Whoever fell out meanwhile does not listen.
            let _ = send.send(hashing.hash(pin, &row.salt));
        });
        if begun.is_ok() {
            return Ok(Typed::Soon(coming, pages));
        }
        hashing = Hashing::begin(&row.params)?;
    }
    hashing.hash(pin, &row.salt).map(Typed::Hashed)
}

/// The second transaction failed: the first one's failure stays.
fn still_counted(mut e: Error) -> Error {
    let told = e.message.replace("Nothing was changed.", "");
    e.message = format!("{} The try stays counted as a failed sign-in; nothing else was changed.", told.trim_end());
    e
}

#[cfg(test)]
mod tests;
