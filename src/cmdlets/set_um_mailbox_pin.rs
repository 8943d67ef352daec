//! Set-UMMailboxPIN, in this order: resolve, check or generate, (the caller prompts), commit.
//!
//! Every call replaces the PIN, also one that only locks or unlocks.

use crate::cmdlets::refused;
use crate::error::{Error, Result, Status, Warning};
use crate::guid::MessageGuid;
use crate::guid::RecipientGuid;
use crate::mail::notice::Kind;
use crate::pin::Pin;
use crate::pin::policy::LockReason;
use crate::service::audit::audit_refusal;
use crate::service::enabled_mailbox::{Enabled, load_enabled_mailbox, not_um_enabled};
use crate::service::lookup::Lookup;
use crate::service::notice::{NewPinNotice, check_notify_email, has_transport, no_transport, queue_new_pin_notice};
use crate::service::pin_replacement::{Attempt, NewPin, NewState, Origin, Salted, replace_pin};
use crate::session::{Cause, Change, Session};
use crate::store::Tx;
use crate::store::pins::PinState;

/// What is asked.
#[derive(Debug, Default)]
pub struct SetPin {
    /// Whose PIN.
    pub who: Lookup,
    /// Absent or empty: one is generated.
    pub pin: Option<Pin>,
    /// Where the notice goes instead of the primary SMTP address.
    pub notify_email: Option<String>,
    /// Unset means expired.
    pub pin_expired: Option<bool>,
    /// Unset means unlocked.
    pub locked_out: Option<bool>,
    /// Unset means yes.
    pub send_email: Option<bool>,
    /// The mailbox's owner asks: a lock that only an administrator may clear holds, and failures in total stay counted.
    pub by_owner: bool,
    /// Whether a refusal by [`begin_reset`] is recorded: yes where it ends the call, no where the caller may only be
    /// looking, as under -WhatIf.
    pub record_refusals: bool,
}

/// A change that is checked but not made. Dropping it changes nothing.
pub struct Reset {
    asked: SetPin,
    cause: Cause,
    guid: RecipientGuid,
    target: String,
    smtp: String,
    new: NewPin,
}

/// What a commit did.
#[derive(Debug)]
pub struct Outcome {
    /// The state now.
    pub state: PinState,
    /// For the person.
    pub warnings: Vec<Warning>,
    /// The outbox id of the queued notice.
    pub notice: Option<MessageGuid>,
}

/// Steps 1 and 2: resolves, then checks or generates. Changes nothing, and does not look at the current PIN or the
/// history: what it says must not tell whether a PIN is in use. Records a refusal where that is asked for.
pub fn begin_reset(session: &Session, mut asked: SetPin) -> Result<Reset> {
    let typed = asked.pin.take().filter(|p| !p.expose().is_empty());
    let cause = Cause {
        cmdlet: "Set-UMMailboxPIN".into(),
        parameters: recorded(&asked, typed.is_some()),
        domain_controller: asked.who.domain_controller.clone(),
    };
    let (record, who) = (asked.record_refusals, asked.who.clone());
    resolve_and_choose(session, asked, typed, cause.clone()).inspect_err(|why| {
        if record {
            refused::write_refusal(session, &cause, &refused::refusal_target(session, &who), why);
        }
    })
}

fn resolve_and_choose(session: &Session, asked: SetPin, typed: Option<Pin>, cause: Cause) -> Result<Reset> {
    asked.who.validate()?;
    check_notify_email(asked.notify_email.as_deref())?;
    let (mailbox, salted) = session.read(|tx| {
        let recipient = asked.who.recipient(session, tx)?;
        let salted = Salted::for_mailbox(tx, &recipient.guid, session.hash)?;
        let mailbox = load_enabled_mailbox(tx, recipient)?;
        if asked.by_owner {
            refuse_owner_of_locked(tx, &mailbox, session.now())?;
        }
        Ok((mailbox, salted))
    })?;
    let smtp = mailbox.recipient.primary_smtp_address.clone();
    let new = NewPin::choose(typed, mailbox.rules(), salted).map_err(|setback| setback.into_error(&smtp))?;
    Ok(Reset { cause, guid: mailbox.recipient.guid, target: mailbox.recipient.canonical_name, smtp, new, asked })
}

/// The parameters as the audit trail keeps them: that a PIN was given, never which.
fn recorded(asked: &SetPin, typed: bool) -> String {
    let mut p = serde_json::Map::new();
    let mut put = |name: &str, value: serde_json::Value| {
        if !value.is_null() {
            p.insert(name.into(), value);
        }
    };
    put("Identity", asked.who.identity.clone().into());
    if typed {
        put("Pin", "(given)".into());
    }
    put("PinExpired", asked.pin_expired.into());
    put("LockedOut", asked.locked_out.into());
    put("NotifyEmail", asked.notify_email.clone().into());
    put("SendEmail", asked.send_email.into());
    if !asked.who.domain_controller.is_empty() {
        put("DomainController", asked.who.domain_controller.clone().into());
    }
    if asked.who.ignore_default_scope {
        put("IgnoreDefaultScope", true.into());
    }
    serde_json::Value::Object(p).to_string()
}

impl Reset {
    /// The mailbox's canonical name, for ShouldProcess.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What will be done to it, for ShouldProcess.
    pub fn action(&self) -> &'static str {
        if self.asked.locked_out == Some(true) { "Set a new UM PIN and lock the mailbox" } else { "Set a new UM PIN" }
    }

    /// The slow part, on any thread and ahead of time. Holds no lock.
    pub(crate) fn hash(&self) -> Result<()> {
        self.new.hash().map(drop)
    }

    /// Step 4, in one transaction. A generated PIN that history bars is generated anew; a typed one is refused, and
    /// the refusal is recorded.
    pub fn commit(mut self, session: &Session) -> Result<Outcome> {
        let outcome = self.commit_what_fits(session);
        if let Err(e) = &outcome {
            audit_refusal(session, &self.cause, &self.target, e);
        }
        outcome
    }

    fn commit_what_fits(&mut self, session: &Session) -> Result<Outcome> {
        self.hash()?;
        let Self { asked, cause, guid, target, smtp, new } = self;
        let mailbox_now = |tx: &Tx<'_>| {
            load_enabled_mailbox(tx, tx.recipient(guid)?.ok_or_else(|| asked.who.not_found(session, tx))?)
        };
        replace_pin(
            session,
            Some(&*guid),
            cause,
            new,
            |new, setback| new.prepare_again(session, guid, setback, |tx| mailbox_now(tx)?.rules().generate()),
            |c, new| commit_in(c, asked, target, new, &mailbox_now(c.tx)?),
        )
        .map_err(|setback| new.error(setback, smtp))
    }
}

/// A lock that only an administrator clears is not cleared by the owner's reset.
fn refuse_owner_of_locked(tx: &Tx<'_>, mailbox: &Enabled, now: i64) -> Result<()> {
    let Some(row) = tx.pin(&mailbox.recipient.guid)? else { return Ok(()) };
    match mailbox.policy.lock(&row.facts, now) {
        Some(LockReason::Administrator | LockReason::TooManyFailuresInTotal) => Err(Error::new(
            Status::SignInRefused,
            format!(
                "The mailbox {} is locked, and only an administrator may unlock it. Nothing was changed. Its owner can \
                 reset the PIN after that.",
                mailbox.recipient.primary_smtp_address
            ),
        )),
        Some(LockReason::TooManyFailures) | None => Ok(()),
    }
}

fn commit_in(c: &Change<'_>, asked: &SetPin, target: &str, new: &NewPin, mailbox: &Enabled) -> Attempt<Outcome> {
    let recipient = &mailbox.recipient;
    let (guid, smtp) = (&recipient.guid, &recipient.primary_smtp_address);
    new.check_rules(mailbox.rules())?;
    new.check_history(c, guid, &mailbox.policy)?;
    let expired = asked.pin_expired.unwrap_or(true);
    let locked = asked.locked_out.unwrap_or(false);
    let mut state = NewState { forced_expired: expired, admin_locked: locked, ..NewState::clean() };
    if asked.by_owner {
        refuse_owner_of_locked(c.tx, mailbox, c.now)?;
        state.lifetime_failures = c.tx.pin(guid)?.map_or(0, |row| row.facts.lifetime_failures);
    }
    new.put(c, guid, &state)?;

    let mut warnings = Vec::new();
    let mut notice = None;
    if asked.send_email.unwrap_or(true) {
        let notify_email = asked.notify_email.as_deref();
        let told = NewPinNotice { kind: Kind::Reset, notify_email, pin: new.pin(), must_change: expired };
        notice = Some(queue_new_pin_notice(c, recipient, &told)?);
        if !has_transport(c.tx)? {
            warnings.push(no_transport());
        }
    } else {
        // An older notice still tells the PIN that was just replaced.
        for older in c.tx.outbox_of(guid)? {
            c.tx.remove_outbox(&older.id)?;
        }
        if new.origin() == Origin::Generated {
            warnings.push(Warning::from(format!(
                "The PIN of {smtp} was generated and SendEmail is $false, so nobody will know it. Run Set-UMMailboxPIN \
                 again with -Pin, or without -SendEmail $false.",
            )));
        }
    }
    c.audit(target, if locked { "PIN replaced, mailbox locked" } else { "PIN replaced, mailbox unlocked" })?;
    let state = c.tx.pin_state(guid)?.ok_or_else(|| not_um_enabled(smtp))?;
    Ok(Outcome { state, warnings, notice })
}

impl std::fmt::Debug for Reset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reset({})", self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmdlets::document::Response;
    use crate::cmdlets::execute;
    use crate::crypto::hash::HashParams;
    use crate::directory::numbers::AddressKind;
    use crate::pin::PinPolicy;
    use crate::service::delivery::deliver_due;
    use crate::session::{Clock, Mode, Tuning};
    use crate::store::audit::AuditRow;
    use crate::store::made_anew;
    use crate::store::mailboxes::UmAddress;
    use crate::support::{FIRST_PIN, Fixture, mails, pin_in, set, who};

    const TYPED: &str = "580437";
    const NAME: &str = "contoso.com/Users/User 0";

    fn fixture() -> Fixture {
        Fixture::new(PinPolicy::default(), 1)
    }

    fn begin_for(f: &Fixture, pin: Option<&str>) -> Reset {
        let reset =
            begin_reset(&f.session, SetPin { who: who(0), pin: pin.map(Pin::new), ..SetPin::default() }).unwrap();
        reset.hash().unwrap();
        reset
    }

    fn guid(f: &Fixture) -> RecipientGuid {
        f.session.read(|tx| Ok(tx.recipients_by_key("user0", None)?.remove(0).0)).unwrap()
    }

    /// What Set-UMMailboxPIN left in the trail.
    fn records(f: &Fixture) -> Vec<AuditRow> {
        let mut rows = f.session.read(|tx| tx.audit_rows(1, 1000)).unwrap();
        rows.retain(|r| r.cmdlet == "Set-UMMailboxPIN");
        rows
    }

    fn one_refusal(f: &Fixture, error: &Error) {
        let rows = records(f);
        assert_eq!(rows.len(), 1, "one call, one record");
        assert_eq!((rows[0].succeeded, rows[0].object.as_str(), &rows[0].detail), (false, NAME, &error.message));
    }

    fn one_success(f: &Fixture) {
        let rows = records(f);
        assert_eq!((rows.len(), rows[0].succeeded, rows[0].object.as_str()), (1, true, NAME));
    }

    /// Disabled for good and enabled again: another salt, and this PIN.
    fn enable_anew(f: &Fixture, pin: &str) {
        let run = |operation: &str, parameters: serde_json::Value, pin: Option<Pin>| -> Response {
            let request = serde_json::json!({"Mode": "Commit", "Parameters": parameters}).to_string();
            execute(&f.another(), operation, request.as_bytes(), pin).unwrap()
        };
        run("Disable-UMMailbox", serde_json::json!({"Identity": "user0", "KeepProperties": false}), None);
        let enable = serde_json::json!({"Identity": "user0", "UMMailboxPolicy": "Policy", "Extensions": ["50000"]});
        run("Enable-UMMailbox", enable, Some(Pin::new(pin)));
    }

    /// A session whose new hashes cost something else.
    fn session_with_higher_cost(f: &Fixture) -> Session {
        let hash = HashParams { memory_kib: 16, passes: 2, lanes: 1 };
        let tuning = Tuning { hash, ..Tuning::danger_test(Clock::Manual(f.clock.clone())) };
        Session::with(f.session.location().clone(), None, tuning).unwrap()
    }

    #[test]
    fn no_statement_is_made_anew_for_another_mailbox() {
        let f = Fixture::new(PinPolicy::default(), 3);
        let asked = |n| SetPin { who: who(n), ..SetPin::default() };
        let reset = |n| begin_reset(&f.session, asked(n)).unwrap().commit(&f.session).unwrap();
        reset(0);
        reset(1);
        made_anew::times();
        reset(2);
        assert_eq!(made_anew::times(), 0);
    }

    #[test]
    fn a_new_salt_or_cost_between_the_two_halves_is_met_by_hashing_anew() {
        let changes: [fn(&Fixture); 2] =
            [|f| enable_anew(f, "604938"), |f| drop(set(&session_with_higher_cost(f), 0, None).unwrap())];
        for (change, before) in changes.into_iter().zip([0, 1]) {
            let f = fixture();
            let reset = begin_for(&f, Some(TYPED));
            change(&f);
            reset.commit(&f.session).unwrap();
            assert!(f.verify(0, TYPED).accepted);
            let rows = records(&f);
            assert_eq!(rows.len(), before + 1);
            assert!(rows.iter().all(|r| r.succeeded));
        }
    }

    #[test]
    fn a_typed_pin_that_became_the_current_one_between_the_halves_is_refused_once() {
        let f = fixture();
        let reset = begin_for(&f, Some(TYPED));
        enable_anew(&f, TYPED);
        let error = reset.commit(&f.session).unwrap_err();
        assert_eq!(error.status, Status::WeakPin);
        one_refusal(&f, &error);
        assert_eq!(f.session.read(|tx| Ok(tx.pin(&guid(&f))?.unwrap().version)).unwrap(), 2, "above the erased one");
    }

    #[test]
    fn a_generated_pin_that_history_bars_is_generated_anew() {
        let f = fixture();
        let pickup = f.pickup();
        let mut reset = begin_for(&f, None);
        reset.new.generated_was(FIRST_PIN);
        reset.commit(&f.session).unwrap();
        one_success(&f);
        deliver_due(&f.session, None).unwrap();
        let told = pin_in(&mails(&pickup).remove(0)).unwrap();
        assert_ne!(told, FIRST_PIN);
        assert!(f.verify(0, &told).accepted && !f.verify(0, FIRST_PIN).accepted);
    }

    #[test]
    fn a_policy_that_changed_between_the_halves_is_obeyed_by_both_kinds() {
        let f = fixture();
        let (typed, generated) = (begin_for(&f, Some(TYPED)), begin_for(&f, None));
        f.policy(|p| p.pin.min_length = 9);
        let error = typed.commit(&f.session).unwrap_err();
        assert_eq!(error.status, Status::WeakPin);
        one_refusal(&f, &error);
        assert!(f.verify(0, FIRST_PIN).accepted, "a refusal changes nothing");
        let pickup = f.pickup();
        generated.commit(&f.session).unwrap();
        deliver_due(&f.session, None).unwrap();
        assert_eq!(pin_in(&mails(&pickup).remove(0)).unwrap().len(), 9);
    }

    #[test]
    fn giving_up_is_an_error_that_is_recorded_and_changes_nothing() {
        let f = fixture();
        let reset = begin_for(&f, None);
        let guid = guid(&f);
        // Every PIN of four digits is the tail of one of the numbers.
        f.session
            .change(Mode::Commit, &Cause::new("Test"), |c| {
                let mut policy = c.tx.policy_by_key("policy")?.unwrap();
                policy.pin.min_length = 4;
                c.tx.put_policy(&policy)?;
                let numbers: Vec<UmAddress> = (0..10_000)
                    .map(|n| UmAddress {
                        dial_plan_guid: policy.dial_plan_guid.clone(),
                        address: format!("5{n:04}"),
                        kind: AddressKind::Extension,
                        guid: guid.clone(),
                        is_primary: n == 0,
                    })
                    .collect();
                c.tx.set_um_addresses(&guid, &numbers)
            })
            .unwrap();
        let mut reset = reset;
        reset.new.generated_was("7391");
        let error = reset.commit(&f.session).unwrap_err();
        assert_eq!(error.status, Status::PinGeneration);
        one_refusal(&f, &error);
        let (version, waiting) =
            f.session.read(|tx| Ok((tx.pin(&guid)?.unwrap().version, tx.outbox_count()?))).unwrap();
        assert_eq!((version, waiting), (1, 0));
    }

    #[test]
    fn a_mailbox_disabled_between_the_halves_gets_no_pin_and_a_record() {
        for change in [
            serde_json::json!({"Identity": "user0"}),
            serde_json::json!({"Identity": "user0", "KeepProperties": false}),
        ] {
            let f = fixture();
            let reset = begin_for(&f, Some(TYPED));
            f.run("Disable-UMMailbox", &change).unwrap();
            let error = reset.commit(&f.session).unwrap_err();
            assert_eq!(error.status, Status::NotUmEnabled);
            one_refusal(&f, &error);
            assert!(!f.verify(0, TYPED).accepted);
        }
    }
}
