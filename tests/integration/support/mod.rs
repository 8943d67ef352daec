//! A store in a throwaway folder with people in it, hashes that protect nothing, and a clock that the test moves.
#![allow(dead_code, missing_docs)]

pub mod child;
#[cfg(all(unix, feature = "postgresql"))]
pub mod postgresql;
pub mod seed;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use seed::Seeding;
use umpin::cmdlets::document::Response;
use umpin::cmdlets::execute;
use umpin::cmdlets::get_um_mailbox_pin;
use umpin::cmdlets::set_um_mailbox_pin::{self, Outcome, SetPin};
use umpin::error::Result;
use umpin::location::Location;
use umpin::pin::policy::DAY;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::lookup::Lookup;
use umpin::service::sign_in::{self, Answer, Caller};
use umpin::session::{Cause, Clock, Mode, Session, Tuning};
use umpin::store::pins::PinState;
use umpin::store::policies::Policy;

#[allow(unused_imports)] // Not every test binary signs in.
pub use seed::FIRST_PIN;

pub const START: i64 = 1_790_000_000_000;
const DIGITS: u32 = 5;

/// Whether a test that takes long does all of its work: `./build.sh test --all` says so by UMPIN_TEST_SCALE.
pub fn is_full_scale() -> bool {
    std::env::var_os("UMPIN_TEST_SCALE").is_some_and(|scale| scale == "full")
}

/// Names a skip for the person who reads the output, and for the build program's count.
#[allow(clippy::print_stdout)]
pub fn skip(test: &str, why: &str) {
    println!("SKIPPED: {test} ({why})");
    if let Some(file) = std::env::var_os("UMPIN_SKIP_FILE") {
        let mut file = std::fs::File::options().append(true).create(true).open(file).unwrap();
        writeln!(file, "{test}: {why}").unwrap();
    }
}

pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub clock: Arc<AtomicI64>,
    pub session: Session,
}

impl Fixture {
    /// A policy with these rules and `people` enabled under it: `user0@contoso.com` with extension 50000, and so on,
    /// each with [`FIRST_PIN`], unexpired.
    pub fn new(pin: PinPolicy, people: usize) -> Self {
        let folder = private_folder();
        let clock = Arc::new(AtomicI64::new(START));
        let session = session_at(folder.path(), &clock);
        let fixture = Self { folder, clock, session };
        fixture.seed(pin, people);
        fixture
    }

    /// Another session on the same files, as another process would have.
    pub fn another(&self) -> Session {
        session_at(self.folder.path(), &self.clock)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn advance(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub fn advance_days(&self, days: i64) {
        self.advance(days * DAY);
    }

    /// The same people in the store of this session, wherever that lies.
    pub fn seed(&self, pin: PinPolicy, people: usize) {
        let hash = Tuning::danger_test(Clock::System).hash;
        seed::seed(&self.session, Seeding { people, digits: DIGITS, rules: pin, hash }).unwrap();
    }

    pub fn policy(&self, mut change: impl FnMut(&mut Policy)) {
        self.session
            .change(Mode::Commit, &Cause::new("Seed"), |c| {
                let mut policy = c.tx.policy_by_key("policy")?.unwrap();
                change(&mut policy);
                c.tx.put_policy(&policy)
            })
            .unwrap();
    }

    /// A pickup folder, configured.
    pub fn pickup(&self) -> PathBuf {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let pickup = folder.join("pickup");
        std::fs::create_dir(&pickup).unwrap();
        // The store lies above it, so it cannot be set through Set-UMPinConfiguration, which refuses that.
        let mail = serde_json::json!({"Transport": "Pickup", "PickupFolder": pickup.to_str().unwrap()}).to_string();
        self.session
            .change(Mode::Commit, &Cause::new("Seed"), |c| c.tx.set_setting(umpin::store::settings::MAIL, &mail))
            .unwrap();
        pickup
    }

    pub fn state(&self, n: usize) -> PinState {
        get_um_mailbox_pin::get_um_mailbox_pin(&self.session, &who(n)).unwrap()
    }

    pub fn verify(&self, n: usize, pin: &str) -> Answer {
        verify(&self.session, n, pin)
    }

    pub fn run(&self, operation: &str, parameters: &serde_json::Value) -> Result<Response> {
        run(&self.session, operation, parameters)
    }
}

/// A throwaway folder of this account's own, whatever the umask is.
pub fn private_folder() -> tempfile::TempDir {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o700)).tempdir().unwrap()
    }
    #[cfg(windows)]
    tempfile::tempdir().unwrap()
}

/// Copies a key file as private as it was. On Windows a copy has its folder's list, which Wine does not hand down.
pub fn copy_key(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
    #[cfg(windows)]
    umpin::os::copy_access_list(from, to).unwrap();
}

/// Whether Wine stands in for Windows.
pub fn is_wine() -> bool {
    cfg!(windows) && std::env::var_os("WINEPREFIX").is_some()
}

/// Asserts that nobody but this account, and the system's own, can read the file.
pub fn assert_private(file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o600, "{}", file.display());
    }
    #[cfg(windows)]
    assert_eq!(umpin::os::file_open_to_all(file).unwrap(), None, "{}", file.display());
}

pub fn session_at(folder: &Path, clock: &Arc<AtomicI64>) -> Session {
    session_on(store_at(folder), folder, clock)
}

/// A session on a store that need not lie in the folder of its key.
pub fn session_on(store: PathBuf, folder: &Path, clock: &Arc<AtomicI64>) -> Session {
    let location = Location { store, key: folder.join("umpin.key") };
    Session::with(location, None, Tuning::danger_test(Clock::Manual(clock.clone()))).unwrap()
}

/// Whether the stores of this run are on a server, where a test that is about SQLite's file has nothing to look at.
pub fn is_on_server(test: &str) -> bool {
    let is_chosen = std::env::var_os("UMPIN_TEST_STORE").is_some_and(|store| store == "postgresql");
    if is_chosen {
        skip(test, "it is about the file of SQLite's");
    }
    is_chosen
}

/// The store of the tests in this folder: a file in it, or a database named by it (UMPIN_TEST_STORE=postgresql).
pub fn store_at(folder: &Path) -> PathBuf {
    #[cfg(all(unix, feature = "postgresql"))]
    if postgresql::is_chosen() {
        return postgresql::url_of(folder).into();
    }
    folder.join("um.db")
}

pub fn run(session: &Session, operation: &str, parameters: &serde_json::Value) -> Result<Response> {
    let request = serde_json::json!({"Mode": "Commit", "Parameters": parameters}).to_string();
    execute(session, operation, request.as_bytes(), None)
}

/// One call with the whole request, for operations that answer in pages.
pub fn execute_raw(session: &Session, operation: &str, request: &str) -> Response {
    execute(session, operation, request.as_bytes(), None).unwrap()
}

pub fn extension(n: usize) -> String {
    seed::number(DIGITS, n)
}

pub fn who(n: usize) -> Lookup {
    Lookup { identity: Some(format!("user{n}")), ..Lookup::default() }
}

pub fn verify(session: &Session, n: usize, pin: &str) -> Answer {
    sign_in::verify(session, &Caller::Number { number: extension(n), dial_plan: None }, &Pin::new(pin)).unwrap()
}

/// Set-UMMailboxPIN; the PIN is generated where none is given.
pub fn set(session: &Session, n: usize, pin: Option<&str>) -> Result<Outcome> {
    let asked = SetPin { who: who(n), pin: pin.map(Pin::new), ..SetPin::default() };
    set_um_mailbox_pin::begin_reset(session, asked)?.commit(session)
}

/// Where tools/test-tools.sh and tools/test-asterisk.sh unpack what the tests need and the machine lacks.
pub fn tools() -> PathBuf {
    let cache = || {
        std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"))
            .join("ummailboxpin/tools")
    };
    std::env::var_os("UMPIN_TEST_TOOLS").map_or_else(cache, PathBuf::from)
}

/// The first of these programs that PATH has, else that was unpacked.
pub fn tool(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let unpacked = tools().join("small/bin");
    let folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|f| f.is_absolute()).chain([unpacked]).collect();
    folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).find(|file| file.is_file())
}

/// The messages in a pickup folder, decoded well enough to look for words: soft line breaks joined.
pub fn mails(pickup: &Path) -> Vec<String> {
    let mut files: Vec<_> = std::fs::read_dir(pickup).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "eml"))
        .map(|f| std::fs::read_to_string(f).unwrap().replace("=\r\n", ""))
        .collect()
}

/// The PIN that a message tells.
pub fn pin_in(mail: &str) -> Option<String> {
    let (_, rest) = mail.split_once("  PIN: ")?;
    Some(rest.chars().take_while(char::is_ascii_digit).collect())
}

/// Every byte of the store's files.
pub fn store_bytes(folder: &Path) -> Vec<u8> {
    ["um.db", "um.db-wal", "um.db-shm"].iter().filter_map(|f| std::fs::read(folder.join(f)).ok()).flatten().collect()
}

pub fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle.as_bytes())
}
