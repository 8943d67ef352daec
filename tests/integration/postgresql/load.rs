//! A load of sets, sign-ins, enables and rotations of the key by processes that may be killed, and what is judged
//! afterwards: each process writes a journal of what it asks for and of what it is told. What the journal says was
//! acknowledged is there once, what it says was not is not there, and what nobody was told is there once or not at all.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use serde_json::json;
use umpin::cmdlets::execute;
use umpin::cmdlets::set_um_mailbox_pin::{SetPin, begin_reset};
use umpin::directory::identity::canonical_name;
use umpin::directory::recipient::{ProxyAddress, Recipient};
use umpin::error::{Error, Result, Status};
use umpin::guid::RecipientGuid;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::delivery::deliver_due;
use umpin::service::sign_in::{self, Caller, Reason};
use umpin::session::{Cause, Mode, Session};
use umpin::store::audit::AuditRow;

use super::{OnServer, check};
use crate::support::{FIRST_PIN, START, child, extension, mails, pin_in, run, session_on, who};

/// Everything that happens is drawn from it.
const SEED: u64 = 15;
/// Processes that sign in, set and enable; one more renews the key.
pub const WORKERS: usize = 4;
const ROTATOR: usize = WORKERS;
/// Mailboxes of one process alone, so that it knows what each must hold.
const OWN: usize = 3;
/// A mailbox at which all guess.
const SHARED: usize = WORKERS * OWN;
/// The first of the people who are enabled on the way.
const FIRST_TO_ENABLE: usize = SHARED + 1;
/// One call in so many enables somebody.
const ENABLE_EACH: usize = 12;

/// A number that is the same for the same three.
fn drawn(seed: u64, whose: usize, n: usize) -> u64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((whose as u64) << 48) ^ n as u64;
    for _ in 0..2 {
        z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
    }
    z
}

/// What the `n`th draw of the one that kills is.
pub fn drawn_for_kill(n: usize) -> u64 {
    drawn(SEED, usize::from(u8::MAX), n)
}

/// One call of a process.
#[derive(Clone, Debug)]
enum Call {
    Set { mailbox: usize, pin: String },
    Enable { person: usize, pin: String },
    Right { mailbox: usize },
    Wrong { mailbox: usize },
}

impl Call {
    /// The `n`th call of a process that enables at most `people`.
    fn drawn(id: usize, n: usize, people: usize) -> Self {
        let r = drawn(SEED, id, n);
        let mailbox = id * OWN + (r >> 8) as usize % OWN;
        let pin = format!("{:06}", (r >> 16) % 1_000_000);
        if n % ENABLE_EACH == ENABLE_EACH / 2 && n / ENABLE_EACH < people {
            return Self::Enable { person: FIRST_TO_ENABLE + id * people + n / ENABLE_EACH, pin };
        }
        match r % 10 {
            0..4 => Self::Set { mailbox, pin },
            4..7 => Self::Wrong { mailbox },
            7..9 => Self::Right { mailbox },
            _ => Self::Wrong { mailbox: SHARED },
        }
    }

    fn mailbox(&self) -> usize {
        match self {
            Self::Set { mailbox, .. } | Self::Right { mailbox } | Self::Wrong { mailbox } => *mailbox,
            Self::Enable { person, .. } => *person,
        }
    }

    /// Whether a mail goes out, and a record into the trail.
    fn is_told(&self) -> bool {
        matches!(self, Self::Set { .. } | Self::Enable { .. })
    }
}

/// By what a call's record and mail are known.
fn tag(id: usize, n: usize) -> String {
    format!("w{id}n{n}@contoso.com")
}

/// What a process was told of a call, or saw afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Done,
    Refused,
    /// An error, and the try stays counted.
    Counted,
    /// The outcome is unknown; this is what the mailbox held then.
    Saw(Held),
}

/// What a mailbox holds: its PIN's version (0 is none), failures in a row and in total.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Held {
    version: i64,
    failures: u32,
    lifetime: u32,
}

/// What one process's calls come to, as far as its journal goes.
#[derive(Default)]
struct Account {
    id: usize,
    people: usize,
    /// Of each mailbox that is this process's alone: what it must hold, its PIN, and the call that put it there.
    held: HashMap<usize, (Held, String, Option<usize>)>,
    /// Calls whose record must be in the trail once; all others must not.
    done: Vec<usize>,
    /// Guesses at the shared mailbox that were answered, and those of which nobody knows.
    shared: (u32, u32),
    next: usize,
    is_open: bool,
    /// How many calls nobody was told of, and how many were errors.
    unknown: usize,
    errors: usize,
}

impl Account {
    fn new(id: usize, people: usize) -> Self {
        let own = |n| (id * OWN + n, (Held { version: 1, ..Held::default() }, FIRST_PIN.to_owned(), None));
        Self { id, people, held: (0..OWN).map(own).collect(), ..Self::default() }
    }

    /// By the journal, whose last line may be half written.
    fn read(id: usize, people: usize, journal: &Path) -> Self {
        let mut account = Self::new(id, people);
        let text = std::fs::read_to_string(journal).unwrap_or_default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let words: Vec<&str> = line.split(' ').collect();
            let n: usize = words[0].parse().unwrap();
            let number = |at: usize| words[at].parse::<i64>().unwrap();
            match words[1] {
                "begin" => {
                    assert!(!account.is_open && n == account.next, "{line}");
                    account.is_open = true;
                }
                "done" => account.end(Told::Done),
                "refused" => account.end(Told::Refused),
                "counted" => account.end(Told::Counted),
                "saw" => account.end(Told::Saw(Held {
                    version: number(2),
                    failures: number(3) as u32,
                    lifetime: number(4) as u32,
                })),
                other => panic!("{other}"),
            }
        }
        account
    }

    fn call(&self) -> Call {
        Call::drawn(self.id, self.next, self.people)
    }

    /// Takes in what became of the call that is under way.
    fn end(&mut self, told: Told) {
        let (n, call) = (self.next, self.call());
        self.next += 1;
        self.is_open = false;
        match told {
            Told::Saw(_) => self.unknown += 1,
            Told::Counted | Told::Refused => self.errors += 1,
            Told::Done => {}
        }
        let mailbox = call.mailbox();
        if mailbox == SHARED {
            match told {
                Told::Done | Told::Counted => self.shared.0 += 1,
                Told::Saw(_) => self.shared.1 += 1,
                Told::Refused => {}
            }
            return;
        }
        let entry = self.held.entry(mailbox).or_default();
        let (before, context) = (entry.0, format!("process {}, call {n}, {call:?}: {told:?}", self.id));
        let counted = Held { failures: before.failures + 1, lifetime: before.lifetime + 1, ..before };
        let after = match &call {
            Call::Set { .. } | Call::Enable { .. } => Held { version: before.version + 1, failures: 0, lifetime: 0 },
            Call::Right { .. } => Held { failures: 0, ..before },
            Call::Wrong { .. } => counted,
        };
        let now = match told {
            Told::Done => after,
            Told::Refused => before,
            Told::Counted => counted,
            Told::Saw(held) => {
                let may_be_counted = !call.is_told() && held == counted;
                assert!(held == before || held == after || may_be_counted, "{context}; it held {before:?}");
                held
            }
        };
        entry.0 = now;
        if let Call::Set { pin, .. } | Call::Enable { pin, .. } = call
            && now.version > before.version
        {
            (entry.1, entry.2) = (pin, Some(n));
            self.done.push(n);
        }
    }
}

fn journal_of(folder: &Path, id: usize) -> PathBuf {
    folder.join(format!("journal{id}"))
}

/// A byte for each call that was done.
fn progress_of(folder: &Path, id: usize) -> PathBuf {
    folder.join(format!("progress{id}"))
}

fn held_by(session: &Session, mailbox: usize) -> Result<Held> {
    session.read(|tx| {
        let Some((guid, _)) = tx.recipients_by_key(&format!("user{mailbox}"), None)?.into_iter().next() else {
            panic!("user{mailbox} is gone")
        };
        Ok(tx.pin(&guid)?.map_or_else(Held::default, |row| Held {
            version: row.version,
            failures: row.facts.failures,
            lifetime: row.facts.lifetime_failures,
        }))
    })
}

/// Asks until a server answers.
fn until_answered<T, E: std::fmt::Display>(mut ask: impl FnMut() -> std::result::Result<T, E>) -> T {
    let since = Instant::now();
    loop {
        match ask() {
            Ok(told) => return told,
            Err(e) => assert!(since.elapsed() < Duration::from_secs(120), "{e}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the server has noticed that the process which was killed is gone: until then it goes on with what it was
/// asked.
fn has_ended(url: &str, id: usize) -> std::result::Result<(), String> {
    let mut client = postgres::Client::connect(url, postgres::NoTls).map_err(|e| e.to_string())?;
    let left = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1";
    let left: i64 = client.query_one(left, &[&format!("w{id}")]).map_err(|e| e.to_string())?.get(0);
    if left == 0 { Ok(()) } else { Err(format!("{left} connections of process {id} are left")) }
}

/// Makes calls until it is told to stop, or killed; goes on where its journal ends.
#[test]
fn child_calls() {
    let Some((folder, id)) = child::folder_and_id() else { return };
    let url = std::fs::read_to_string(folder.join("url")).unwrap();
    let own = format!("{url}&application_name=w{id}");
    let session = session_on(own.into(), &folder, &Arc::new(AtomicI64::new(START)));
    if id == ROTATOR {
        return rotate(&session, &folder);
    }
    let people = std::fs::read_to_string(folder.join("people")).unwrap().parse().unwrap();
    let path = journal_of(&folder, id);
    let mut account = Account::read(id, people, &path);
    let whole = std::fs::read(&path).unwrap_or_default();
    let mut journal = File::options().create(true).append(true).open(&path).unwrap();
    // A line that the last process did not finish.
    let cut = whole.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    journal.set_len(cut as u64).unwrap();
    let mut progress = File::options().create(true).append(true).open(progress_of(&folder, id)).unwrap();
    let mut write = |text: String| journal.write_all(format!("{text}\n").as_bytes()).unwrap();
    loop {
        let (n, call) = (account.next, account.call());
        let told = if account.is_open {
            // The server goes on with what the killed process asked for until it notices.
            until_answered(|| has_ended(&url, id));
            until_answered(|| session.change(Mode::Commit, &Cause::new("Wait"), |_| Ok(())));
            Told::Saw(until_answered(|| held_by(&session, call.mailbox())))
        } else {
            if folder.join("stop").exists() {
                return;
            }
            write(format!("{n} begin"));
            let pin = account.held.get(&call.mailbox()).map(|held| held.1.clone()).unwrap_or_default();
            match make(&session, id, n, &call, &pin) {
                Ok(()) => Told::Done,
                Err(e) if e.status == Status::StoreOutcomeUnknown => {
                    Told::Saw(until_answered(|| held_by(&session, call.mailbox())))
                }
                Err(e) if e.message.contains("The try stays counted") => Told::Counted,
                Err(e) if e.status == Status::WeakPin || e.message.contains("Nothing was changed") => Told::Refused,
                Err(e) => panic!("process {id}, call {n}, {call:?}: {e:?}"),
            }
        };
        write(match told {
            Told::Done => format!("{n} done"),
            Told::Refused => format!("{n} refused"),
            Told::Counted => format!("{n} counted"),
            Told::Saw(held) => format!("{n} saw {} {} {}", held.version, held.failures, held.lifetime),
        });
        account.end(told);
        match told {
            Told::Done => progress.write_all(b".").unwrap(),
            // As somebody waits who is told to try again.
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn make(session: &Session, id: usize, n: usize, call: &Call, pin: &str) -> Result<()> {
    let caller = Caller::Number { number: extension(call.mailbox()), dial_plan: None };
    match call {
        Call::Set { mailbox, pin } => {
            let asked = SetPin {
                who: who(*mailbox),
                pin: Some(Pin::new(pin.as_str())),
                notify_email: Some(tag(id, n)),
                ..SetPin::default()
            };
            begin_reset(session, asked)?.commit(session).map(drop)
        }
        Call::Enable { person, pin } => {
            let parameters = json!({"Identity": format!("user{person}"), "UMMailboxPolicy": "Policy",
                "Extensions": [extension(*person)], "NotifyEmail": tag(id, n)});
            let request = json!({"Mode": "Commit", "Parameters": parameters}).to_string();
            execute(session, "Enable-UMMailbox", request.as_bytes(), Some(Pin::new(pin.as_str()))).map(drop)
        }
        Call::Right { .. } => {
            let told = sign_in::verify(session, &caller, &Pin::new(pin))?;
            assert!(told.accepted, "process {id}, call {n}, {call:?}: its PIN is lost: {told:?}");
            Ok(())
        }
        Call::Wrong { .. } => {
            // Longer than any PIN of this load.
            let told = sign_in::verify(session, &caller, &Pin::new("00000000"))?;
            assert_eq!(told.reason, Reason::WrongPin, "process {id}, call {n}, {call:?}");
            Ok(())
        }
    }
}

/// Renews the key again and again. An error leaves the rest to the next run.
fn rotate(session: &Session, folder: &Path) {
    while !folder.join("stop").exists() {
        match rotate_once(session) {
            Ok(()) | Err(Error { status: Status::StoreServerGone | Status::StoreOutcomeUnknown, .. }) => {}
            Err(e) => panic!("{e:?}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn rotate_once(session: &Session) -> Result<()> {
    let mut after = serde_json::Value::Null;
    loop {
        let request = json!({"Mode": "Commit", "Parameters": {}, "After": after}).to_string();
        match execute(session, "Update-UMPinKey", request.as_bytes(), None)?.next {
            Some(next) => after = json!(next),
            None => return Ok(()),
        }
    }
}

/// The processes, and the folder of their journals and key.
pub struct Load<'f> {
    f: &'f OnServer,
    children: Vec<child::Running>,
    people: usize,
}

impl<'f> Load<'f> {
    /// Fills the store and starts the processes at `url`; each can enable as many as `people`.
    pub fn start(f: &'f OnServer, url: &str, people: usize) -> Self {
        let rules = PinPolicy {
            history_count: 1,
            allow_common_patterns: true,
            failures_before_reset: None,
            max_attempts: None,
            ..PinPolicy::default()
        };
        let session = f.seed(SHARED + 1, rules);
        add_people(&session, FIRST_TO_ENABLE..FIRST_TO_ENABLE + WORKERS * people).unwrap();
        let folder = f.folder.path();
        std::fs::write(folder.join("url"), url).unwrap();
        std::fs::write(folder.join("people"), people.to_string()).unwrap();
        let children = (0..=ROTATOR).map(|id| Self::spawn(folder, id)).collect();
        Self { f, children, people }
    }

    fn spawn(folder: &Path, id: usize) -> child::Running {
        child::spawn(module_path!(), "child_calls", folder, id)
    }

    /// Kills one of the processes and starts it again.
    pub fn kill_client(&mut self, which: usize) {
        let id = which % self.children.len();
        // One that ended by itself has found something.
        if self.children[id].try_wait().unwrap().is_some() {
            panic!("process {id} ended: {}", Self::words(self.children.remove(id)));
        }
        self.children[id].kill().unwrap();
        self.children[id].wait().unwrap();
        // Not before that: two would write one journal.
        self.children[id] = Self::spawn(self.f.folder.path(), id);
    }

    fn words(child: child::Running) -> String {
        String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
    }

    /// How many calls were done.
    fn done(&self) -> u64 {
        let length = |id| std::fs::metadata(progress_of(self.f.folder.path(), id)).map_or(0, |meta| meta.len());
        (0..WORKERS).map(length).sum()
    }

    /// Waits until a few more calls were done.
    pub fn work(&mut self, when: &str) {
        let (before, since) = (self.done(), Instant::now());
        while self.done() < before + 5 {
            for (id, child) in self.children.iter_mut().enumerate() {
                assert!(child.try_wait().unwrap().is_none(), "process {id} ended, {when}");
            }
            assert!(since.elapsed() < Duration::from_secs(120), "nothing goes on, {when}");
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Lets all of them end, and judges what is there.
    pub fn judge(self, session: &Session) -> Verdict {
        let folder = self.f.folder.path();
        std::fs::write(folder.join("stop"), "").unwrap();
        for (id, child) in self.children.into_iter().enumerate() {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "process {id}: {}", String::from_utf8_lossy(&output.stdout));
        }
        // A rotation may be under way still, of a run that ended by an error.
        rotate_once(session).unwrap();
        rotate_once(session).unwrap();
        let accounts: Vec<Account> =
            (0..WORKERS).map(|id| Account::read(id, self.people, &journal_of(folder, id))).collect();
        let trail = trail(session);
        let mut verdict = judge_trail(&accounts, &trail);
        judge_mailboxes(session, &accounts);
        judge_mails(self.f, session, &accounts);
        judge_rotations(&trail, &mut verdict);
        assert_eq!(check(session), [""; 0]);
        verdict
    }
}

/// What was seen, in numbers, to be printed.
#[derive(Debug, Default)]
#[allow(dead_code)]
pub struct Verdict {
    pub calls: usize,
    pub changes: usize,
    pub errors: usize,
    pub unknown: usize,
    pub rotations: usize,
    pub records: usize,
}

/// People of the directory who have no mailbox yet.
pub fn add_people(session: &Session, which: std::ops::Range<usize>) -> Result<()> {
    session.change(Mode::Commit, &Cause::new("Seed"), |c| {
        for n in which.clone() {
            let smtp = format!("user{n}@contoso.com");
            let dn = format!("CN=User {n},OU=Users,DC=contoso,DC=com");
            c.tx.put_recipient(&Recipient {
                guid: RecipientGuid::random()?,
                name: format!("User {n}"),
                display_name: format!("User {n}"),
                alias: format!("user{n}"),
                primary_smtp_address: smtp.clone(),
                canonical_name: canonical_name(&dn),
                distinguished_name: dn,
                addresses: vec![ProxyAddress { prefix: "smtp".into(), address: smtp, is_primary: true }],
                ..Default::default()
            })?;
        }
        Ok(())
    })
}

fn trail(session: &Session) -> Vec<AuditRow> {
    let mut all: Vec<AuditRow> = Vec::new();
    loop {
        let from = all.last().map_or(i64::MIN, |row| row.seq + 1);
        let page = session.read(|tx| tx.audit_rows(from, 1000)).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Each change that was acknowledged has one record, and there is no other.
fn judge_trail(accounts: &[Account], trail: &[AuditRow]) -> Verdict {
    let due: HashSet<String> = accounts.iter().flat_map(|a| a.done.iter().map(|n| tag(a.id, *n))).collect();
    let mut found: HashMap<String, usize> = HashMap::new();
    for row in trail.iter().filter(|row| row.succeeded && row.cmdlet != "Update-UMPinKey") {
        let parameters: serde_json::Value = serde_json::from_str(&row.parameters).unwrap();
        *found.entry(parameters["NotifyEmail"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let lost: Vec<&String> = due.iter().filter(|tag| !found.contains_key(*tag)).collect();
    let twice: Vec<_> = found.iter().filter(|(_, times)| **times > 1).collect();
    let unasked: Vec<_> = found.keys().filter(|tag| !due.contains(*tag)).collect();
    assert!(
        lost.is_empty() && twice.is_empty() && unasked.is_empty(),
        "lost {lost:?}, twice {twice:?}, done though it was said not to be {unasked:?}"
    );
    let sum = |of: fn(&Account) -> usize| accounts.iter().map(of).sum();
    Verdict {
        calls: sum(|a| a.next),
        changes: due.len(),
        errors: sum(|a| a.errors),
        unknown: sum(|a| a.unknown),
        records: trail.len(),
        ..Verdict::default()
    }
}

/// Each mailbox holds what its process was told, counter for counter, and takes the PIN that was set last.
fn judge_mailboxes(session: &Session, accounts: &[Account]) {
    for account in accounts {
        for (mailbox, (due, pin, _)) in &account.held {
            let held = held_by(session, *mailbox).unwrap();
            assert_eq!(held, *due, "user{mailbox}");
            if due.version > 0 {
                let caller = Caller::Number { number: extension(*mailbox), dial_plan: None };
                let told = sign_in::verify(session, &caller, &Pin::new(pin.as_str())).unwrap();
                assert!(told.accepted, "user{mailbox} has not the PIN that was acknowledged last: {told:?}");
            }
        }
    }
    let (answered, unknown) = accounts.iter().fold((0, 0), |sum, a| (sum.0 + a.shared.0, sum.1 + a.shared.1));
    let held = held_by(session, SHARED).unwrap();
    assert_eq!(held.failures, held.lifetime);
    assert!((answered..=answered + unknown).contains(&held.failures), "{answered} to {unknown} more: {held:?}");
}

/// Each mailbox's last change has its one mail, which tells the PIN; older ones made room for it.
fn judge_mails(f: &OnServer, session: &Session, accounts: &[Account]) {
    let pickup = f.pickup(session);
    loop {
        let told = deliver_due(session, None).unwrap();
        assert!(told.failed.is_empty(), "{:?}", told.failed);
        if run(session, "Get-UMPinOutbox", &json!({})).unwrap().objects.is_empty() {
            break;
        }
    }
    let mut due: Vec<(String, String)> = Vec::new();
    for account in accounts {
        for (_, pin, by) in account.held.values() {
            due.extend(by.map(|n| (tag(account.id, n), pin.clone())));
        }
    }
    let to = |mail: &str| {
        let line = mail.lines().find_map(|line| line.strip_prefix("To: ")).unwrap();
        line.rsplit('<').next().unwrap().trim_end_matches('>').to_owned()
    };
    let mut told: Vec<(String, String)> = mails(&pickup).iter().map(|mail| (to(mail), pin_in(mail).unwrap())).collect();
    due.sort();
    told.sort();
    assert_eq!(told.len(), due.len());
    let odd: Vec<_> = told.iter().zip(&due).filter(|(told, due)| told != due).take(3).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

/// Each key took the place of the one before it.
fn judge_rotations(trail: &[AuditRow], verdict: &mut Verdict) {
    let mut current: Option<&str> = None;
    let mut seen = HashSet::new();
    for row in trail.iter().filter(|row| row.cmdlet == "Update-UMPinKey" && row.detail.contains(" in the place of ")) {
        let (new, old) = row.detail.strip_prefix("key ").unwrap().split_once(" in the place of ").unwrap();
        assert!(current.is_none_or(|current| current == old), "{}", row.detail);
        assert!(seen.insert(new), "{}", row.detail);
        current = Some(new);
        verdict.rotations += 1;
    }
    assert!(verdict.rotations > 0);
}
