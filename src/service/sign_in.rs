//! Sign-in: the question that a telephone system asks. Section 3 of the contract.
//!
//! The hash runs outside the write lock, on a snapshot; the deciding transaction reads lock, counter and PIN version
//! again. Whatever is refused costs a hash, and leaves at a fixed time after it came.

use std::time::{Duration, Instant};

use crate::crypto::hash::{PinHash, Salt, hash};
use crate::crypto::seal::{Purpose, open, seal};
use crate::error::{Error, Result, Status};
use crate::mail::notice::Kind;
use crate::pin::generate::{MAX_TRIES, exhausted};
use crate::pin::{Pin, PinPolicy, generate, rules};
use crate::service::notice::{NewPinNotice, has_transport, is_mail_address, queue};
use crate::service::pin_change::{Hashed, NewState, Salted, place, stale, weak};
use crate::service::resolve::Lookup;
use crate::service::set_um_mailbox_pin::{Enabled, enabled};
use crate::session::{Cause, Change, Mode, Session, key_id};
use crate::store::Tx;
use crate::store::pins::PinRow;

/// Refusals leave at the first multiple of this after they came: longer than the slowest of them takes, so that wrong,
/// locked and unknown cannot be told apart by time.
pub const REFUSAL_INTERVAL: Duration = Duration::from_millis(100);

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
    pub(crate) fn refused(reason: Reason) -> Self {
        Self { accepted: false, must_change: false, set_up_due: false, must_change_because: Vec::new(), reason }
    }
}

/// The mailbox as it was when the hash began.
struct Snapshot {
    guid: String,
    mailbox: Enabled,
    row: PinRow,
    costs: Salted,
}

enum Found {
    Nobody(Reason),
    Mailbox(Box<Snapshot>),
}

/// Asks whether `pin` signs in, and counts the answer.
pub fn verify(session: &Session, who: &Caller, pin: &Pin) -> Result<Answer> {
    let came = Instant::now();
    let answer = sign_in(session, who, pin, "Test-UMMailboxPIN")?.0;
    if !answer.accepted {
        leave_at_interval(session, came);
    }
    Ok(answer)
}

/// The owner's change: a right old PIN, then a new one that obeys every rule. A wrong old one counts.
pub fn change_pin(session: &Session, who: &Caller, old: &Pin, new: &Pin) -> Result<Answer> {
    let came = Instant::now();
    let cmdlet = "Change-UMMailboxPIN";
    let (answer, snapshot) = sign_in(session, who, old, cmdlet)?;
    let Some(snapshot) = snapshot.filter(|_| answer.accepted) else {
        leave_at_interval(session, came);
        return Ok(answer);
    };
    let cause = Cause::new(cmdlet);
    let smtp = &snapshot.mailbox.recipient.primary_smtp_address;
    let mut salted = snapshot.costs;
    let mut result = Err(stale());
    for _ in 0..MAX_TRIES {
        let hashed = salted.hash(new)?;
        result = session.change(Mode::Commit, &cause, |c| {
            let mailbox = current(c.tx, &snapshot.guid)?;
            let row = c.tx.pin(&snapshot.guid)?.ok_or_else(stale)?;
            if row.version != snapshot.row.version || mailbox.policy.lock(&row.facts, c.now).is_some() {
                // Reset or locked between the two steps: the old PIN no longer speaks for its owner.
                return Ok(Answer::refused(Reason::WrongPin));
            }
            let refused = match rules::check(new, &mailbox.policy, &mailbox.extensions) {
                Err(refusal) => Some(refusal),
                Ok(()) => hashed.refused_by_history(c, &snapshot.guid, &mailbox.policy)?,
            };
            if let Some(refusal) = refused {
                return Err(weak(&refusal, smtp));
            }
            let lifetime_failures = row.facts.lifetime_failures;
            hashed.put(
                c,
                &snapshot.guid,
                &NewState { first_time_user: Some(false), lifetime_failures, ..NewState::clean() },
            )?;
            c.audit(&mailbox.recipient.canonical_name, "PIN changed by its owner")?;
            Ok(Answer { must_change: false, set_up_due: false, must_change_because: Vec::new(), ..answer.clone() })
        });
        match &result {
            Err(e) if e.status == Status::Conflict => {
                salted = session.read(|tx| Salted::of(tx, &snapshot.guid, session.hash))?;
            }
            _ => break,
        }
    }
    if result.as_ref().is_ok_and(|a| !a.accepted) {
        leave_at_interval(session, came);
    }
    result
}

/// The telephone's set-up dialogue is done: no first-time user any more.
pub fn set_up_complete(session: &Session, who: &Caller) -> Result<()> {
    session.change(Mode::Commit, &Cause::new("Complete-UMMailboxSetup"), |c| {
        let guid = match find(session, c.tx, who)? {
            Ok(guid) => guid,
            Err(_) => return Err(refused()),
        };
        let mut row = c.tx.pin(&guid)?.ok_or_else(refused)?;
        if row.first_time_user {
            row.first_time_user = false;
            c.tx.put_pin(&guid, &row)?;
        }
        Ok(())
    })
}

fn refused() -> Error {
    Error::new(Status::SignInRefused, "The request was refused. Nothing was changed.")
}

fn leave_at_interval(session: &Session, came: Instant) {
    let interval = session.refusal_interval;
    if interval.is_zero() {
        return;
    }
    let passed = came.elapsed();
    let intervals = passed.as_nanos() / interval.as_nanos() + 1;
    let leaves = interval * u32::try_from(intervals).unwrap_or(u32::MAX);
    std::thread::sleep(leaves.saturating_sub(came.elapsed()));
}

/// The GUID of the enabled mailbox that `who` names, or why there is none.
fn find(session: &Session, tx: &Tx<'_>, who: &Caller) -> Result<std::result::Result<String, Reason>> {
    let guid = match who {
        Caller::Identity(lookup) => {
            lookup.validate()?;
            lookup.guid(session, tx)?
        }
        Caller::Number { number, dial_plan } => {
            let plan = match dial_plan {
                None => None,
                Some(name) => match tx.dial_plan_by_key(&crate::directory::identity::fold(name))? {
                    Some(plan) => Some(plan.guid),
                    None => return Ok(Err(Reason::Unknown)),
                },
            };
            let mut found = tx.um_addresses_by_key(number.trim(), plan.as_deref())?;
            found.dedup_by(|a, b| a.guid == b.guid);
            match found.as_slice() {
                [one] => one.guid.clone(),
                _ => return Ok(Err(Reason::Unknown)),
            }
        }
    };
    let enabled = tx.um_mailbox(&guid)?.is_some_and(|m| m.policy_guid.is_some());
    Ok(if enabled { Ok(guid) } else { Err(Reason::NotUmEnabled) })
}

fn current(tx: &Tx<'_>, guid: &str) -> Result<Enabled> {
    let recipient = tx.recipient(guid)?.ok_or_else(stale)?;
    enabled(tx, recipient)
}

fn sign_in(session: &Session, who: &Caller, pin: &Pin, cmdlet: &str) -> Result<(Answer, Option<Box<Snapshot>>)> {
    let found = session.read(|tx| {
        if session.store.exists() {
            // A missing or wrong key is an error before anything is counted or told.
            session.ring()?.get(&key_id(tx)?)?;
        }
        let guid = match find(session, tx, who)? {
            Ok(guid) => guid,
            Err(reason) => return Ok(Found::Nobody(reason)),
        };
        let mailbox = current(tx, &guid)?;
        let Some(row) = tx.pin(&guid)? else { return Ok(Found::Nobody(Reason::NotUmEnabled)) };
        let costs = Salted::of(tx, &guid, session.hash)?;
        Ok(Found::Mailbox(Box::new(Snapshot { guid, mailbox, row, costs })))
    })?;
    let snapshot = match found {
        Found::Mailbox(snapshot) => snapshot,
        Found::Nobody(reason) => {
            // The same work as for somebody.
            hash(pin, &Salt::default(), &session.hash)?;
            return Ok((Answer::refused(reason), None));
        }
    };
    let typed = hash(pin, &snapshot.row.salt, &snapshot.row.params)?;
    let answer = decide_with_reset(session, &snapshot, pin, &typed, cmdlet)?;
    if answer.accepted && session.hash.is_stronger_than(&snapshot.row.params) {
        // The answer stands whether or not this works; the next right sign-in tries again.
        let _ = upgrade(session, &snapshot, pin);
    }
    Ok((answer, Some(snapshot)))
}

/// A PIN that stands ready for an automatic reset.
struct Candidate {
    pin: Pin,
    hashed: Hashed,
}

impl Candidate {
    fn new(session: &Session, guid: &str) -> Result<Self> {
        let (mailbox, salted) = session.read(|tx| Ok((current(tx, guid)?, Salted::of(tx, guid, session.hash)?)))?;
        let pin = generate(&mailbox.policy, &mailbox.extensions)?;
        let hashed = salted.hash(&pin)?;
        Ok(Self { pin, hashed })
    }
}

/// Decides; where the decision needs a new PIN that is not hashed yet, it is undone, the PIN is made, and the decision
/// is taken again. So a reset and the count that causes it are one transaction, and no hash runs inside it.
fn decide_with_reset(
    session: &Session,
    snapshot: &Snapshot,
    pin: &Pin,
    typed: &PinHash,
    cmdlet: &str,
) -> Result<Answer> {
    let cause = Cause::new(cmdlet);
    let mut candidate = None;
    for _ in 0..MAX_TRIES {
        let mut needs_candidate = false;
        let decided = session.change(Mode::Commit, &cause, |c| {
            let decided = decide(c, snapshot, pin, typed, candidate.as_ref());
            needs_candidate = decided.as_ref().is_err_and(|e| e.status == Status::Conflict);
            decided
        });
        if !needs_candidate {
            return decided;
        }
        candidate = Some(Candidate::new(session, &snapshot.guid)?);
    }
    Err(exhausted())
}

/// The deciding transaction's work. [`Status::Conflict`] asks for a (new) candidate.
fn decide(
    c: &Change<'_>,
    snapshot: &Snapshot,
    pin: &Pin,
    typed: &PinHash,
    candidate: Option<&Candidate>,
) -> Result<Answer> {
    let guid = &snapshot.guid;
    if c.tx.um_mailbox(guid)?.is_none_or(|m| m.policy_guid.is_none()) {
        return Ok(Answer::refused(Reason::NotUmEnabled));
    }
    let mailbox = current(c.tx, guid)?;
    let policy = &mailbox.policy;
    let Some(mut row) = c.tx.pin(guid)? else { return Ok(Answer::refused(Reason::NotUmEnabled)) };
    let key = c.keys.get(&row.key_id)?;
    let stored = open(key, Purpose::Pin, &place(guid, row.version), &row.sealed)?;
    let stored =
        PinHash::from_opened(&stored).ok_or_else(|| Error::new(Status::SealBroken, "A stored PIN is malformed."))?;

    if policy.lock(&row.facts, c.now).is_some() {
        return Ok(Answer::refused(Reason::LockedOut));
    }
    if policy.lock_has_ended(&row.facts, c.now) {
        row.facts.failures = 0;
    }
    // Another version, cost or salt than the one hashed: the PIN was replaced meanwhile, so what was typed is wrong.
    let same =
        row.version == snapshot.row.version && row.params == snapshot.row.params && row.salt == snapshot.row.salt;
    if same && typed.matches(&stored) {
        return accept(c, guid, &mailbox, row, pin);
    }
    refuse(c, guid, &mailbox, row, candidate)
}

fn accept(c: &Change<'_>, guid: &str, mailbox: &Enabled, mut row: PinRow, pin: &Pin) -> Result<Answer> {
    if row.facts.failures != 0 || row.facts.last_failure_at != 0 {
        row.facts.failures = 0;
        row.facts.last_failure_at = 0;
        c.tx.put_pin(guid, &row)?;
    }
    let mut because = Vec::new();
    if mailbox.policy.is_expired(&row.facts, c.now) {
        because.push("the PIN is expired".to_owned());
    }
    if let Err(refusal) = rules::check(pin, &mailbox.policy, &mailbox.extensions) {
        because.push(refusal.to_string());
    }
    Ok(Answer {
        accepted: true,
        must_change: !because.is_empty(),
        set_up_due: row.first_time_user,
        must_change_because: because,
        reason: Reason::None,
    })
}

fn refuse(
    c: &Change<'_>,
    guid: &str,
    mailbox: &Enabled,
    mut row: PinRow,
    candidate: Option<&Candidate>,
) -> Result<Answer> {
    let policy = &mailbox.policy;
    let name = &mailbox.recipient.canonical_name;
    row.facts.failures = row.facts.failures.saturating_add(1);
    row.facts.lifetime_failures = row.facts.lifetime_failures.saturating_add(1);
    row.facts.last_failure_at = c.now;
    if let Some(lock) = policy.lock(&row.facts, c.now) {
        c.tx.put_pin(guid, &row)?;
        c.audit(name, &format!("mailbox locked after {} failed sign-ins: {}", row.facts.failures, lock.name()))?;
        return Ok(Answer::refused(Reason::NowLocked));
    }
    if !reset_is_due(policy, row.facts.failures) {
        c.tx.put_pin(guid, &row)?;
        return Ok(Answer::refused(Reason::WrongPin));
    }
    if let Some(why) = reset_is_barred(c, mailbox)? {
        c.tx.put_pin(guid, &row)?;
        c.audit(name, &format!("automatic PIN reset skipped after {} failed sign-ins: {why}", row.facts.failures))?;
        return Ok(Answer::refused(Reason::WrongPin));
    }
    let candidate = candidate.ok_or_else(stale)?;
    let fits = rules::check(&candidate.pin, policy, &mailbox.extensions).is_ok()
        && candidate.hashed.refused_by_history(c, guid, policy)?.is_none();
    if !fits {
        return Err(stale());
    }
    candidate.hashed.put(
        c,
        guid,
        &NewState {
            forced_expired: true,
            admin_locked: false,
            first_time_user: None,
            failures: row.facts.failures,
            lifetime_failures: row.facts.lifetime_failures,
            last_failure_at: row.facts.last_failure_at,
        },
    )?;
    queue(
        c,
        &mailbox.recipient,
        &NewPinNotice { kind: Kind::Reset, notify_email: None, pin: &candidate.pin, must_change: true },
    )?;
    c.audit(name, &format!("PIN reset automatically after {} failed sign-ins", row.facts.failures))?;
    Ok(Answer::refused(Reason::PinReset))
}

fn reset_is_due(policy: &PinPolicy, failures: u32) -> bool {
    policy.failures_before_reset.is_some_and(|n| n > 0 && failures.is_multiple_of(n))
}

/// An automatic reset must not become a way to cut people off: none while its mail could not arrive.
fn reset_is_barred(c: &Change<'_>, mailbox: &Enabled) -> Result<Option<&'static str>> {
    if !has_transport(c.tx)? {
        return Ok(Some("no mail transport is configured"));
    }
    if !is_mail_address(&mailbox.recipient.primary_smtp_address) {
        return Ok(Some("the mailbox has no e-mail address"));
    }
    if !c.tx.outbox_of(&mailbox.recipient.guid)?.is_empty() {
        return Ok(Some("the last notice is not delivered yet"));
    }
    Ok(None)
}

/// Hashes the right PIN anew with today's cost.
fn upgrade(session: &Session, snapshot: &Snapshot, pin: &Pin) -> Result<()> {
    let stronger = hash(pin, &snapshot.row.salt, &session.hash)?;
    session.change(Mode::Commit, &Cause::new("Test-UMMailboxPIN"), |c| {
        let Some(mut row) = c.tx.pin(&snapshot.guid)? else { return Ok(()) };
        if row.version == snapshot.row.version && row.params == snapshot.row.params && row.salt == snapshot.row.salt {
            row.params = session.hash;
            row.key_id = c.key.id().into();
            row.sealed = seal(c.key, Purpose::Pin, &place(&snapshot.guid, row.version), stronger.expose())?;
            c.tx.put_pin(&snapshot.guid, &row)?;
        }
        Ok(())
    })
}
