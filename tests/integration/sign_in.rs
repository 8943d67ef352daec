//! Sign-in against a small model of docs/sign-in.md, from many processes, and across many mailboxes.

use crate::support::child::Running;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use crate::support::{FIRST_PIN, Fixture, START, child, extension, mails, pin_in, session_at, set, verify};
use proptest::prelude::*;
use umpin::cmdlets::set_um_mailbox_pin::{self, SetPin};
use umpin::error::Status;
use umpin::pin::policy::DAY;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::delivery::deliver_due;
use umpin::service::lookup::Lookup;
use umpin::service::sign_in::{self, Caller, Reason};
use umpin::session::{Cause, Mode, Session};
use umpin::store::audit::AuditRow;

fn number(n: usize) -> Caller {
    Caller::Number { number: extension(n), dial_plan: Some("plan".into()) }
}

fn audit_rows(session: &Session) -> Vec<AuditRow> {
    session.read(|tx| tx.audit_rows(1, 10_000)).unwrap()
}

fn outbox_count(session: &Session) -> i64 {
    session.read(|tx| tx.outbox_count()).unwrap()
}

// ---------------------------------------------------------------------------------------------------------------------
// The model. Written from that page, with nothing of the product's in it.

/// PINs that no pattern rule refuses; two lengths.
const POOL: [&str; 7] = ["739182", "580437", "604938", "915263", "27469150", "83062947", "1968"];

#[derive(Clone, Debug)]
struct Rules {
    min_length: usize,
    lifetime_days: Option<i64>,
    history: usize,
    reset_at: Option<u32>,
    max: Option<u32>,
    lockout_minutes: Option<i64>,
    lifetime_max: Option<u32>,
}

#[derive(Clone, Debug)]
struct Model {
    rules: Rules,
    now: i64,
    /// The newest first; the current PIN is the first. `None`: generated, and the mail with it not read yet.
    pins: Vec<Option<String>>,
    set_at: i64,
    forced: bool,
    first_time: bool,
    failures: u32,
    total: u32,
    last_failure: i64,
    locked_by_administrator: bool,
    transport: bool,
    waiting_mail: bool,
}

#[derive(Debug, PartialEq)]
enum Expect {
    Accepted { must_change: bool, set_up_due: bool },
    Refused(Reason),
    Weak,
}

impl Model {
    fn timed_lock_is_over(&self) -> bool {
        self.rules.lockout_minutes.is_some_and(|m| self.now >= self.last_failure + m * 60_000)
    }

    fn lock(&self) -> Option<&'static str> {
        if self.locked_by_administrator {
            Some("Administrator")
        } else if self.rules.lifetime_max.is_some_and(|m| self.total >= m) {
            Some("TooManyFailuresInTotal")
        } else if self.rules.max.is_some_and(|m| self.failures >= m) && !self.timed_lock_is_over() {
            Some("TooManyFailures")
        } else {
            None
        }
    }

    fn expired(&self) -> bool {
        self.forced || self.rules.lifetime_days.is_some_and(|d| self.now > self.set_at + d * DAY)
    }

    fn new_pin(&mut self, pin: Option<String>, forced: bool) {
        self.pins.insert(0, pin);
        self.pins.truncate(21);
        self.set_at = self.now;
        self.forced = forced;
    }

    fn refused_as_new(&self, pin: &str) -> bool {
        pin.len() < self.rules.min_length || self.pins.iter().take(self.rules.history).flatten().any(|p| p == pin)
    }

    fn sign_in(&mut self, typed: &str) -> Expect {
        if self.lock().is_some() {
            return Expect::Refused(Reason::LockedOut);
        }
        if self.rules.max.is_some_and(|m| self.failures >= m) {
            // Only a timed lock that is over gets here.
            self.failures = 0;
        }
        if self.pins[0].as_deref() == Some(typed) {
            self.failures = 0;
            self.last_failure = 0;
            return Expect::Accepted {
                must_change: self.expired() || typed.len() < self.rules.min_length,
                set_up_due: self.first_time,
            };
        }
        self.failures += 1;
        self.total += 1;
        self.last_failure = self.now;
        if self.lock().is_some() {
            return Expect::Refused(Reason::NowLocked);
        }
        let due = self.rules.reset_at.is_some_and(|n| n > 0 && self.failures.is_multiple_of(n));
        if due && self.transport && !self.waiting_mail {
            self.new_pin(None, true);
            self.waiting_mail = true;
            return Expect::Refused(Reason::PinReset);
        }
        Expect::Refused(Reason::WrongPin)
    }

    fn change(&mut self, old: &str, new: &str) -> Expect {
        match self.sign_in(old) {
            Expect::Accepted { .. } if self.refused_as_new(new) => Expect::Weak,
            Expect::Accepted { .. } => {
                self.new_pin(Some(new.into()), false);
                self.first_time = false;
                self.waiting_mail = false;
                Expect::Accepted { must_change: false, set_up_due: false }
            }
            refused => refused,
        }
    }

    fn set(&mut self, pin: &str, expired: bool, locked: bool) -> Expect {
        if self.refused_as_new(pin) {
            return Expect::Weak;
        }
        self.new_pin(Some(pin.into()), expired);
        self.clear(locked);
        self.waiting_mail = true;
        Expect::Accepted { must_change: false, set_up_due: false }
    }

    fn clear(&mut self, locked: bool) {
        self.failures = 0;
        self.total = 0;
        self.last_failure = 0;
        self.locked_by_administrator = locked;
    }
}

#[derive(Clone, Debug)]
enum Op {
    Right,
    Wrong,
    Old(usize),
    Many(u32),
    Set { pin: usize, expired: bool, locked: bool },
    Lock,
    Unlock,
    Policy(Rules),
    Transport(bool),
    Deliver,
    Advance(i64),
    Restart,
    Change { right: bool, new: usize },
    SetUpComplete,
}

fn rules() -> impl Strategy<Value = Rules> {
    (
        4usize..9,
        prop::option::of(1i64..4),
        1usize..6,
        prop_oneof![Just(None), Just(Some(0)), (1u32..4).prop_map(Some)],
        prop::option::weighted(0.8, 1u32..7),
        prop::option::of(1i64..60),
        prop::option::weighted(0.3, 1u32..12),
    )
        .prop_map(|(min_length, lifetime_days, history, reset_at, max, lockout_minutes, lifetime_max)| Rules {
            min_length,
            lifetime_days,
            history,
            reset_at,
            max,
            lockout_minutes,
            lifetime_max,
        })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Right),
        5 => Just(Op::Wrong),
        2 => (1usize..4).prop_map(Op::Old),
        1 => (2u32..9).prop_map(Op::Many),
        2 => (0..POOL.len(), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(pin, expired, locked)| Op::Set { pin, expired, locked }),
        1 => Just(Op::Lock),
        1 => Just(Op::Unlock),
        2 => rules().prop_map(Op::Policy),
        1 => any::<bool>().prop_map(Op::Transport),
        2 => Just(Op::Deliver),
        3 => prop_oneof![1i64..120_000, 60_000i64..7_200_000, DAY / 2..3 * DAY].prop_map(Op::Advance),
        1 => Just(Op::Restart),
        2 => (prop::bool::weighted(0.7), 0..POOL.len()).prop_map(|(right, new)| Op::Change { right, new }),
        1 => Just(Op::SetUpComplete),
    ]
}

struct Run {
    fixture: Fixture,
    model: Model,
    pickup: std::path::PathBuf,
    seen_mails: usize,
}

impl Run {
    fn new() -> Self {
        let policy = PinPolicy { max_attempts: Some(6), failures_before_reset: Some(3), ..PinPolicy::default() };
        let fixture = Fixture::new(policy, 1);
        let pickup = fixture.pickup();
        let model = Model {
            rules: Rules {
                min_length: 6,
                lifetime_days: Some(60),
                history: 5,
                reset_at: Some(3),
                max: Some(6),
                lockout_minutes: None,
                lifetime_max: None,
            },
            now: START,
            pins: vec![Some(FIRST_PIN.into())],
            set_at: START,
            forced: false,
            first_time: true,
            failures: 0,
            total: 0,
            last_failure: 0,
            locked_by_administrator: false,
            transport: true,
            waiting_mail: false,
        };
        Self { fixture, model, pickup, seen_mails: 0 }
    }

    fn answer(told: umpin::error::Result<sign_in::Answer>) -> Expect {
        match told {
            Ok(a) if a.accepted => {
                assert_eq!(a.reason, Reason::None);
                assert_eq!(a.must_change, !a.must_change_because.is_empty());
                Expect::Accepted { must_change: a.must_change, set_up_due: a.set_up_due }
            }
            Ok(a) => {
                assert!(!a.must_change && !a.set_up_due && a.must_change_because.is_empty(), "{a:?}");
                Expect::Refused(a.reason)
            }
            Err(e) => {
                assert_eq!(e.status, Status::WeakPin, "{e}");
                Expect::Weak
            }
        }
    }

    fn try_pin(&mut self, typed: &str) {
        let told = sign_in::verify(&self.fixture.session, &number(0), &Pin::new(typed));
        assert_eq!(Self::answer(told), self.model.sign_in(typed), "typed {typed}");
    }

    /// Delivers, and reads a PIN that the product generated out of the newest mail.
    fn deliver(&mut self) {
        let sent = deliver_due(&self.fixture.session, None).unwrap().sent.len();
        let expected = usize::from(self.model.waiting_mail && self.model.transport);
        assert_eq!(sent, expected, "mails sent");
        if sent == 0 {
            return;
        }
        self.model.waiting_mail = false;
        self.seen_mails += 1;
        let mut files: Vec<_> = std::fs::read_dir(&self.pickup).unwrap().map(|f| f.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        let told = pin_in(&mails(&self.pickup)[0]).expect("a reset mail tells the PIN");
        std::fs::remove_file(files.remove(0)).unwrap();
        match &self.model.pins[0] {
            Some(known) => assert_eq!(known, &told),
            None => self.model.pins[0] = Some(told),
        }
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Right => {
                if let Some(pin) = self.model.pins[0].clone() {
                    self.try_pin(&pin);
                }
            }
            Op::Wrong => self.try_pin("4711471147"),
            Op::Many(n) => (0..*n).for_each(|_| self.try_pin("4711471147")),
            Op::Old(back) => {
                let old = self.model.pins.get(*back).cloned().flatten();
                if let Some(pin) = old.filter(|p| Some(p) != self.model.pins[0].as_ref()) {
                    self.try_pin(&pin);
                }
            }
            Op::Set { pin, expired, locked } => {
                let asked = SetPin {
                    who: crate::support::who(0),
                    pin: Some(Pin::new(POOL[*pin])),
                    pin_expired: Some(*expired),
                    locked_out: Some(*locked),
                    ..SetPin::default()
                };
                let session = &self.fixture.session;
                let done = set_um_mailbox_pin::begin_reset(session, asked).and_then(|reset| reset.commit(session));
                let told = match done {
                    Ok(_) => Expect::Accepted { must_change: false, set_up_due: false },
                    Err(e) => {
                        assert_eq!(e.status, Status::WeakPin, "{e}");
                        Expect::Weak
                    }
                };
                assert_eq!(told, self.model.set(POOL[*pin], *expired, *locked));
            }
            Op::Lock => {
                self.fixture.run("Lock-UMMailbox", &serde_json::json!({"Identity": "user0"})).unwrap();
                self.model.locked_by_administrator = true;
            }
            Op::Unlock => {
                self.fixture.run("Unlock-UMMailbox", &serde_json::json!({"Identity": "user0"})).unwrap();
                self.model.clear(false);
            }
            Op::Policy(rules) => {
                self.model.rules = rules.clone();
                self.fixture.policy(|p| {
                    p.pin = PinPolicy {
                        min_length: rules.min_length as u32,
                        lifetime_days: rules.lifetime_days.map(|d| d as u32),
                        history_count: rules.history as u32,
                        allow_common_patterns: false,
                        failures_before_reset: rules.reset_at,
                        max_attempts: rules.max,
                        lockout_minutes: rules.lockout_minutes.map(|m| m as u32),
                        lifetime_failures: rules.lifetime_max,
                        block_human_pins: false,
                    };
                });
            }
            Op::Transport(on) => {
                self.model.transport = *on;
                let transport = if *on { "Pickup" } else { "None" };
                let mail = serde_json::json!({"Transport": transport, "PickupFolder": self.pickup}).to_string();
                self.fixture
                    .session
                    .change(Mode::Commit, &Cause::new("Test"), |c| {
                        c.tx.set_setting(umpin::store::settings::MAIL, &mail)
                    })
                    .unwrap();
            }
            Op::Deliver => self.deliver(),
            Op::Advance(by) => {
                self.fixture.advance(*by);
                self.model.now += by;
            }
            Op::Restart => self.fixture.session = self.fixture.another(),
            Op::Change { right, new } => {
                let old = if *right { self.model.pins[0].clone() } else { Some("4711471147".into()) };
                let Some(old) = old else { return };
                let told = sign_in::change_pin(
                    &self.fixture.session,
                    &number(0),
                    &Pin::new(old.as_str()),
                    &Pin::new(POOL[*new]),
                );
                assert_eq!(Self::answer(told), self.model.change(&old, POOL[*new]));
            }
            Op::SetUpComplete => {
                sign_in::set_up_complete(&self.fixture.session, &number(0)).unwrap();
                self.model.first_time = false;
            }
        }
        self.compare();
    }

    fn compare(&self) {
        let state = self.fixture.state(0);
        let model = &self.model;
        let lock = state.policy.lock(&state.facts, model.now);
        assert_eq!(lock.map(|l| l.as_str()), model.lock(), "lock");
        assert_eq!(state.facts.failures, model.failures, "failures");
        assert_eq!(state.facts.lifetime_failures, model.total, "failures in total");
        assert_eq!(state.facts.admin_locked, model.locked_by_administrator, "administrator's lock");
        assert_eq!(state.policy.is_expired(&state.facts, model.now), model.expired(), "expired");
        assert_eq!(state.facts.set_at, model.set_at, "set at");
        assert_eq!(state.first_time_user, model.first_time, "first-time user");
        assert_eq!(outbox_count(&self.fixture.session), i64::from(model.waiting_mail), "waiting mail");
    }
}

/// Runs of the model; more by PROPTEST_CASES.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_state_always_equals_the_contracts_model(ops in prop::collection::vec(op(), 1..60)) {
        let mut run = Run::new();
        for op in &ops {
            run.step(op);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Many processes.

/// The body of a guessing process; as a test of its own it does nothing.
#[test]
fn guesser_process() {
    let Some((folder, id)) = child::folder_and_id() else { return };
    let session = session_at(&folder, &Arc::new(AtomicI64::new(START)));
    while !folder.join("go").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    for n in 0..20 {
        let answer = verify(&session, 0, &format!("4{:02}{n:02}7", id));
        assert!(!answer.accepted);
        println!("\nanswered {:?}", answer.reason);
    }
}

fn guess_with_sixteen_processes(f: &Fixture, meanwhile: impl Fn() + Sync) -> Vec<String> {
    let children: Vec<Running> =
        (0..16).map(|id| child::spawn(module_path!(), "guesser_process", f.folder.path(), id)).collect();
    std::fs::write(f.path("go"), "").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let outputs: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                meanwhile();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let outputs = children.into_iter().map(|c| c.wait_with_output().unwrap()).collect();
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        outputs
    });
    let mut told = Vec::new();
    for output in outputs {
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        told.extend(text.lines().filter_map(|l| l.strip_prefix("answered ")).map(str::to_owned));
    }
    assert_eq!(told.len(), 16 * 20);
    told
}

fn count(told: &[String], reason: &str) -> usize {
    told.iter().filter(|t| *t == reason).count()
}

fn skipped_resets(session: &Session) -> usize {
    audit_rows(session).iter().filter(|r| r.detail.contains("reset skipped")).count()
}

#[test]
fn sixteen_processes_get_no_more_guesses_than_one() {
    let f = Fixture::new(PinPolicy::default(), 1);
    f.pickup();
    let told = guess_with_sixteen_processes(&f, || {});
    // The second reset, at ten, is skipped: the first one's mail was never delivered.
    assert_eq!((count(&told, "WrongPin"), count(&told, "PinReset"), count(&told, "NowLocked")), (13, 1, 1));
    assert_eq!(count(&told, "LockedOut"), 16 * 20 - 15);
    assert_eq!(skipped_resets(&f.session), 1);
    assert_eq!(outbox_count(&f.session), 1);
    let state = f.state(0);
    assert_eq!((state.facts.failures, state.facts.lifetime_failures), (15, 15));
    assert_eq!(f.verify(0, FIRST_PIN).reason, Reason::LockedOut);
}

#[test]
fn each_automatic_reset_mails_once_while_mails_are_delivered_meanwhile() {
    let f = Fixture::new(PinPolicy { failures_before_reset: Some(2), ..PinPolicy::default() }, 1);
    let pickup = f.pickup();
    let deliverer = f.another();
    let told = guess_with_sixteen_processes(&f, || {
        deliver_due(&deliverer, None).unwrap();
    });
    deliver_due(&deliverer, None).unwrap();
    let resets = count(&told, "PinReset");
    assert_eq!(count(&told, "WrongPin") + resets + count(&told, "NowLocked"), 15);
    assert!(resets >= 1);
    assert_eq!(mails(&pickup).len(), resets, "one mail a reset");
    assert_eq!(resets + skipped_resets(&f.session), 7, "due at 2, 4, ... 14");
    assert_eq!(f.state(0).facts.failures, 15);
}

// ---------------------------------------------------------------------------------------------------------------------
// Single rules.

#[test]
fn every_refusal_is_the_same_answer() {
    let f = Fixture::new(PinPolicy { max_attempts: Some(2), failures_before_reset: None, ..PinPolicy::default() }, 3);
    f.session
        .change(Mode::Commit, &Cause::new("Test"), |c| {
            let guid = c.tx.um_addresses_by_key(&extension(2), None)?[0].guid.clone();
            let mut mailbox = c.tx.um_mailbox(&guid)?.unwrap();
            mailbox.policy_guid = None;
            c.tx.put_um_mailbox(&mailbox)
        })
        .unwrap();
    let ask = |who: &Caller, pin: &str| sign_in::verify(&f.session, who, &Pin::new(pin)).unwrap();
    let identity = |text: &str| Caller::Identity(Lookup { identity: Some(text.into()), ..Lookup::default() });
    let mut reasons = Vec::new();
    for (who, pin) in [
        (number(0), "000000"),
        (number(0), "000000"),
        (number(0), FIRST_PIN),
        (number(1), ""),
        (number(2), FIRST_PIN),
        (number(77), FIRST_PIN),
        (Caller::Number { number: extension(1), dial_plan: Some("nowhere".into()) }, FIRST_PIN),
        (Caller::Number { number: String::new(), dial_plan: None }, FIRST_PIN),
        (identity("nobody"), FIRST_PIN),
        (identity("user1"), "000000"),
    ] {
        let mut answer = ask(&who, pin);
        reasons.push(answer.reason);
        answer.reason = Reason::None;
        assert_eq!(
            answer,
            sign_in::Answer {
                accepted: false,
                must_change: false,
                set_up_due: false,
                must_change_because: Vec::new(),
                reason: Reason::None
            }
        );
    }
    use Reason::{LockedOut, NotUmEnabled, NowLocked, Unknown, WrongPin};
    assert_eq!(
        reasons,
        [WrongPin, NowLocked, LockedOut, WrongPin, NotUmEnabled, Unknown, Unknown, Unknown, Unknown, NowLocked]
    );
}

#[test]
fn refusals_leave_at_a_multiple_of_the_interval_by_number_and_by_identity() {
    let f = Fixture::new(PinPolicy::default(), 1);
    let location = f.session.location().clone();
    let mut tuning = umpin::session::Tuning::danger_test(umpin::session::Clock::Manual(f.clock.clone()));
    tuning.refusal_interval = Duration::from_millis(250);
    let session = Session::with(location, None, tuning).unwrap();
    let identity = Caller::Identity(Lookup { identity: Some("nobody".into()), ..Lookup::default() });
    for who in [number(0), number(77), identity] {
        let came = std::time::Instant::now();
        assert!(!sign_in::verify(&session, &who, &Pin::new("000000")).unwrap().accepted);
        let took = came.elapsed().as_millis();
        assert!(took >= 250, "{who:?} left after {took} ms");
    }
    let came = std::time::Instant::now();
    assert!(sign_in::verify(&session, &number(0), &Pin::new(FIRST_PIN)).unwrap().accepted);
    assert!(came.elapsed() < Duration::from_millis(250), "a right PIN does not wait");
}

/// Candidates that no rule lets pass must not turn the wrong PIN into an error that nobody counts.
#[test]
fn a_policy_that_leaves_no_pin_does_not_give_endless_guesses() {
    let f = Fixture::new(
        PinPolicy { min_length: 4, max_attempts: Some(4), failures_before_reset: Some(2), ..PinPolicy::default() },
        1,
    );
    f.pickup();
    f.session
        .change(Mode::Commit, &Cause::new("Test"), |c| {
            let mut addresses = c.tx.um_addresses_by_key(&extension(0), None)?;
            let guid = addresses[0].guid.clone();
            for n in 0..10_000 {
                let mut more = addresses[0].clone();
                more.address = format!("9{n:04}");
                more.is_primary = false;
                addresses.push(more);
            }
            c.tx.set_um_addresses(&guid, &addresses)
        })
        .unwrap();
    let reasons: Vec<Reason> = (0..5).map(|_| f.verify(0, "4711").reason).collect();
    use Reason::{LockedOut, NowLocked, WrongPin};
    assert_eq!(reasons, [WrongPin, WrongPin, WrongPin, NowLocked, LockedOut]);
    let rows = audit_rows(&f.session);
    assert!(rows.iter().any(|r| r.detail.contains("no PIN could be generated")), "{rows:?}");
}

#[test]
fn no_reset_without_a_transport_or_an_address_and_each_skip_is_recorded() {
    let f = Fixture::new(PinPolicy { failures_before_reset: Some(1), ..PinPolicy::default() }, 1);
    assert_eq!(f.verify(0, "000000").reason, Reason::WrongPin);
    f.pickup();
    f.session
        .change(Mode::Commit, &Cause::new("Test"), |c| {
            let guid = c.tx.um_addresses_by_key(&extension(0), None)?[0].guid.clone();
            let mut person = c.tx.recipient(&guid)?.unwrap();
            person.primary_smtp_address = "no address".into();
            c.tx.put_recipient(&person)
        })
        .unwrap();
    assert_eq!(f.verify(0, "000000").reason, Reason::WrongPin);
    let details: Vec<String> = audit_rows(&f.session).into_iter().map(|r| r.detail).collect();
    assert!(details[0].contains("no mail transport") && details[1].contains("no e-mail address"), "{details:?}");
    assert!(f.verify(0, FIRST_PIN).accepted, "the old PIN still signs in");
}

#[test]
fn a_missing_store_is_an_error_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let session = session_at(folder.path(), &Arc::new(AtomicI64::new(START)));
    let told = sign_in::verify(&session, &number(0), &Pin::new(FIRST_PIN)).unwrap_err();
    assert_eq!(told.status, Status::StoreMissing);
    let told = sign_in::set_up_complete(&session, &number(0)).unwrap_err();
    assert_eq!(told.status, Status::SignInRefused);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_refused_change_by_the_owner_is_recorded_without_the_pin() {
    let f = Fixture::new(PinPolicy::default(), 1);
    let change = |new: &str| sign_in::change_pin(&f.session, &number(0), &Pin::new(FIRST_PIN), &Pin::new(new));
    assert_eq!(change("123456").unwrap_err().status, Status::WeakPin);
    assert_eq!(change(FIRST_PIN).unwrap_err().status, Status::WeakPin);
    assert!(change("580437").unwrap().accepted);
    let rows = audit_rows(&f.session);
    let told: Vec<(bool, &str)> = rows.iter().map(|r| (r.succeeded, r.object.as_str())).collect();
    let name = "contoso.com/Users/User 0";
    assert_eq!(told, [(false, name), (false, name), (true, name)]);
    let all = format!("{rows:?}");
    assert!(!all.contains("123456") && !all.contains(FIRST_PIN) && !all.contains("580437"));
}

// ---------------------------------------------------------------------------------------------------------------------
// One PIN, many mailboxes.

fn sprays(session: &Session) -> Vec<String> {
    audit_rows(session).into_iter().filter(|r| r.detail.contains("one PIN was tried")).map(|r| r.detail).collect()
}

fn set_threshold(f: &Fixture, threshold: u32) {
    f.run("Set-UMPinConfiguration", &serde_json::json!({"SprayDetectionThreshold": threshold})).unwrap();
}

fn marks(folder: &std::path::Path) -> i64 {
    crate::raw::Raw::of(folder).number("SELECT COUNT(*) FROM spray_mark")
}

#[test]
fn one_pin_across_many_mailboxes_is_recorded_once_an_hour() {
    let f = Fixture::new(PinPolicy { failures_before_reset: None, ..PinPolicy::default() }, 12);
    let spray = |people: std::ops::Range<usize>, pin: &str| {
        for n in people {
            assert_eq!(f.verify(n, pin).reason, Reason::WrongPin);
        }
    };
    spray(0..12, "471100");
    assert_eq!((sprays(&f.session).len(), marks(f.folder.path())), (0, 0), "off unless asked for");

    set_threshold(&f, 5);
    spray(0..4, "471147");
    // The same mailbox again is no further one.
    spray(0..4, "471147");
    assert!(sprays(&f.session).is_empty());
    spray(4..12, "471147");
    let told = sprays(&f.session);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("on 5 mailboxes") && !told[0].contains("4711"));

    // Marks older than an hour count no more and are gone; what goes on is recorded again.
    f.advance(3_600_000);
    spray(0..1, "471147");
    assert_eq!(marks(f.folder.path()), 1);
    spray(1..5, "471147");
    assert_eq!(sprays(&f.session).len(), 2);
}

#[test]
fn right_pins_and_other_wrong_ones_leave_no_trace_of_a_spray() {
    let f = Fixture::new(PinPolicy { failures_before_reset: None, ..PinPolicy::default() }, 12);
    set_threshold(&f, 5);
    for n in 0..12 {
        assert!(f.verify(n, FIRST_PIN).accepted);
        f.verify(n, &format!("47{n:02}11"));
    }
    assert!(sprays(&f.session).is_empty());
}

/// A generated PIN that was mailed signs in, whoever asked for it.
#[test]
fn the_pin_of_an_automatic_reset_arrives_by_mail_and_must_be_changed() {
    let f = Fixture::new(PinPolicy { failures_before_reset: Some(3), ..PinPolicy::default() }, 1);
    let pickup = f.pickup();
    set(&f.session, 0, Some("580437")).unwrap();
    deliver_due(&f.session, None).unwrap();
    std::fs::remove_dir_all(&pickup).unwrap();
    std::fs::create_dir(&pickup).unwrap();
    let reasons: Vec<Reason> = (0..3).map(|_| f.verify(0, "000000").reason).collect();
    assert_eq!(reasons, [Reason::WrongPin, Reason::WrongPin, Reason::PinReset]);
    assert_eq!(f.verify(0, "580437").reason, Reason::WrongPin, "the old PIN is gone");
    assert_eq!(f.state(0).facts.failures, 4, "the counter stays");
    deliver_due(&f.session, None).unwrap();
    let answer = f.verify(0, &pin_in(&mails(&pickup)[0]).unwrap());
    assert!(answer.accepted && answer.must_change, "{answer:?}");
}
