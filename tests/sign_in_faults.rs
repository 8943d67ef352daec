//! Sign-ins while the disk, the memory or a row fails: whatever fails, never is more learned than the counter allows.
//!
//! SQLite runs on a file system of the test's own, which passes everything on to the real one and lets a chosen call
//! fail; its memory comes through an allocator of the same kind. Both act on the thread that asked for it alone.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::print_stdout
)]

#[path = "integration/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Once};

use rusqlite::ffi;
use support::{FIRST_PIN, Fixture, extension, session_at};
use umpin::error::Status;
use umpin::pin::{Pin, PinPolicy};
use umpin::service::sign_in::{self, Caller, Reason};
use umpin::session::Session;

const WRONG: &str = "471147";

/// Which calls fail, and how.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Plan {
    Off,
    /// None; they are counted.
    Count,
    /// The one with this number.
    Nth(u32),
    /// That one and all after it.
    From(u32),
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Calls {
    Everything,
    Writes,
    Allocations,
}

thread_local! {
    static PLAN: Cell<(Plan, Calls, u32)> = const { Cell::new((Plan::Off, Calls::Everything, 0)) };
}

/// Runs `work` while calls fail as planned; how many calls there were.
fn failing<T>(plan: Plan, calls: Calls, work: impl FnOnce() -> T) -> (T, u32) {
    PLAN.with(|p| p.set((plan, calls, 0)));
    let result = work();
    let seen = PLAN.with(|p| p.replace((Plan::Off, Calls::Everything, 0))).2;
    (result, seen)
}

/// Whether this call fails.
fn strikes(is_write: bool, is_allocation: bool) -> bool {
    PLAN.try_with(|p| {
        let (plan, calls, seen) = p.get();
        let concerned = match calls {
            Calls::Everything => !is_allocation,
            Calls::Writes => is_write,
            Calls::Allocations => is_allocation,
        };
        if plan == Plan::Off || !concerned {
            return false;
        }
        p.set((plan, calls, seen + 1));
        match plan {
            Plan::Nth(n) => seen + 1 == n,
            Plan::From(n) => seen + 1 >= n,
            Plan::Off | Plan::Count => false,
        }
    })
    .unwrap_or(false)
}

// ---------------------------------------------------------------------------------------------------------------------
// The file system.

#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// The real file lies right behind.
    real: *mut ffi::sqlite3_file,
}

struct Below(*mut ffi::sqlite3_vfs);
unsafe impl Sync for Below {}
unsafe impl Send for Below {}
static BELOW: std::sync::OnceLock<Below> = std::sync::OnceLock::new();

fn below() -> *mut ffi::sqlite3_vfs {
    BELOW.get().unwrap().0
}

unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    unsafe { (*file.cast::<File>()).real }
}

macro_rules! passes_on {
    ($name:ident = $method:ident ( $($arg:ident : $type:ty),* ) fails $write:literal as $code:expr) => {
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $arg: $type)*) -> c_int {
            if strikes($write, false) {
                return $code;
            }
            let file = unsafe { real(file) };
            unsafe { ((*(*file).pMethods).$method.unwrap())(file $(, $arg)*) }
        }
    };
    ($name:ident = $method:ident ( $($arg:ident : $type:ty),* )) => {
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $arg: $type)*) -> c_int {
            let file = unsafe { real(file) };
            unsafe { ((*(*file).pMethods).$method.unwrap())(file $(, $arg)*) }
        }
    };
}

passes_on!(x_read = xRead(to: *mut c_void, n: c_int, at: i64) fails false as ffi::SQLITE_IOERR_READ);
passes_on!(x_write = xWrite(from: *const c_void, n: c_int, at: i64) fails true as ffi::SQLITE_FULL);
passes_on!(x_truncate = xTruncate(size: i64) fails true as ffi::SQLITE_IOERR_TRUNCATE);
passes_on!(x_size = xFileSize(size: *mut i64) fails false as ffi::SQLITE_IOERR_FSTAT);
passes_on!(x_lock = xLock(kind: c_int) fails false as ffi::SQLITE_IOERR_LOCK);
passes_on!(x_unlock = xUnlock(kind: c_int));
passes_on!(x_check = xCheckReservedLock(out: *mut c_int));
passes_on!(x_control = xFileControl(op: c_int, arg: *mut c_void));
passes_on!(x_sector = xSectorSize());
passes_on!(x_traits = xDeviceCharacteristics());
passes_on!(x_shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void)
    fails false as ffi::SQLITE_IOERR_SHMMAP);
passes_on!(x_shm_lock = xShmLock(at: c_int, n: c_int, flags: c_int));
passes_on!(x_shm_unmap = xShmUnmap(delete: c_int));
passes_on!(x_fetch = xFetch(at: i64, n: c_int, out: *mut *mut c_void));
passes_on!(x_unfetch = xUnfetch(at: i64, page: *mut c_void));

unsafe extern "C" fn x_shm_barrier(file: *mut ffi::sqlite3_file) {
    let file = unsafe { real(file) };
    unsafe { ((*(*file).pMethods).xShmBarrier.unwrap())(file) }
}

/// Not passed on: no power is lost here, and thousands of copies are thrown away.
unsafe extern "C" fn x_sync(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    if strikes(true, false) { ffi::SQLITE_IOERR_FSYNC } else { ffi::SQLITE_OK }
}

unsafe extern "C" fn x_close(file: *mut ffi::sqlite3_file) -> c_int {
    let file = unsafe { real(file) };
    unsafe { ((*(*file).pMethods).xClose.unwrap())(file) }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(x_close),
    xRead: Some(x_read),
    xWrite: Some(x_write),
    xTruncate: Some(x_truncate),
    xSync: Some(x_sync),
    xFileSize: Some(x_size),
    xLock: Some(x_lock),
    xUnlock: Some(x_unlock),
    xCheckReservedLock: Some(x_check),
    xFileControl: Some(x_control),
    xSectorSize: Some(x_sector),
    xDeviceCharacteristics: Some(x_traits),
    xShmMap: Some(x_shm_map),
    xShmLock: Some(x_shm_lock),
    xShmBarrier: Some(x_shm_barrier),
    xShmUnmap: Some(x_shm_unmap),
    xFetch: Some(x_fetch),
    xUnfetch: Some(x_unfetch),
};

unsafe extern "C" fn x_open(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe { (*file).pMethods = ptr::null() };
    if strikes(false, false) {
        return ffi::SQLITE_CANTOPEN;
    }
    let mine = file.cast::<File>();
    let under = unsafe { mine.add(1) }.cast::<ffi::sqlite3_file>();
    unsafe { (*mine).real = under };
    let status = unsafe { ((*below()).xOpen.unwrap())(below(), name, under, flags, out) };
    if status == ffi::SQLITE_OK {
        unsafe { (*file).pMethods = &METHODS };
    }
    status
}

// ---------------------------------------------------------------------------------------------------------------------
// The memory.

struct Memory(ffi::sqlite3_mem_methods);
unsafe impl Sync for Memory {}
unsafe impl Send for Memory {}
static MEMORY: std::sync::OnceLock<Memory> = std::sync::OnceLock::new();

unsafe extern "C" fn x_malloc(n: c_int) -> *mut c_void {
    if strikes(false, true) {
        return ptr::null_mut();
    }
    unsafe { (MEMORY.get().unwrap().0.xMalloc.unwrap())(n) }
}

unsafe extern "C" fn x_realloc(old: *mut c_void, n: c_int) -> *mut c_void {
    if strikes(false, true) {
        return ptr::null_mut();
    }
    unsafe { (MEMORY.get().unwrap().0.xRealloc.unwrap())(old, n) }
}

/// Once, before SQLite's first call.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| unsafe {
        // Not initialised yet, so the default allocator is asked for, and kept below ours.
        let mut memory: ffi::sqlite3_mem_methods = std::mem::zeroed();
        assert_eq!(ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMALLOC, &mut memory), ffi::SQLITE_OK);
        let mut ours = memory;
        MEMORY.set(Memory(memory)).ok().unwrap();
        ours.xMalloc = Some(x_malloc);
        ours.xRealloc = Some(x_realloc);
        assert_eq!(ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &ours), ffi::SQLITE_OK);
        assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
        // The one that the store is opened by, whose name ours takes.
        let found = ffi::sqlite3_vfs_find(if cfg!(windows) { c"win32-longpath".as_ptr() } else { ptr::null() });
        BELOW.set(Below(found)).ok().unwrap();
        let mut vfs = *found;
        vfs.szOsFile += size_of::<File>() as c_int;
        vfs.pNext = ptr::null_mut();
        vfs.xOpen = Some(x_open);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 1), ffi::SQLITE_OK);
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// One try.

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Accepted,
    Refused,
    Error(Status, String),
}

fn number(n: usize) -> Caller {
    Caller::Number { number: extension(n), dial_plan: None }
}

/// What the caller learns; what only logs learn is left out.
fn ask(session: &Session, who: &Caller, pin: &str, folder: &Path) -> Outcome {
    match sign_in::verify(session, who, &Pin::new(pin)) {
        Ok(answer) if answer.accepted => Outcome::Accepted,
        Ok(_) => Outcome::Refused,
        Err(e) => Outcome::Error(e.status, e.message.replace(folder.to_str().unwrap(), "")),
    }
}

/// Failures on disk, read past everything that fails.
fn failures(folder: &Path) -> u32 {
    let sql = rusqlite::Connection::open(folder.join("um.db")).unwrap();
    sql.query_row("SELECT failures FROM pin", [], |r| r.get(0)).unwrap()
}

fn alter(folder: &Path, statements: &str) {
    rusqlite::Connection::open(folder.join("um.db")).unwrap().execute_batch(statements).unwrap();
}

/// A store like `template`, in a folder of its own.
fn copy(template: &Fixture) -> tempfile::TempDir {
    let folder = support::private_folder();
    std::fs::copy(template.path("um.db"), folder.path().join("um.db")).unwrap();
    support::copy_key(&template.path("umpin.key"), &folder.path().join("umpin.key"));
    folder
}

/// One mailbox with so many failures, and nothing left in the log.
fn template(policy: PinPolicy, before: u32) -> Fixture {
    let f = Fixture::new(policy, 1);
    f.pickup();
    alter(f.folder.path(), &format!("UPDATE pin SET failures = {before}; PRAGMA wal_checkpoint(TRUNCATE)"));
    f
}

struct Try {
    outcome: Outcome,
    calls: u32,
    counted: bool,
}

/// One try on a fresh copy, in a session that was open before or is new.
fn try_once(template: &Fixture, open_before: bool, pin: &str, before: u32, plan: Plan, calls: Calls) -> Try {
    let folder = copy(template);
    let session = session_at(folder.path(), &template.clock);
    if open_before {
        // A look that changes nothing, so that the session holds a connection.
        sign_in::failures_before_disconnect(&session, None).unwrap();
    }
    let (outcome, calls) = failing(plan, calls, || ask(&session, &number(0), pin, folder.path()));
    drop(session);
    // More failures than before, or the PIN that they caused.
    let counted = failures(folder.path()) > before;
    Try { outcome, calls, counted }
}

// ---------------------------------------------------------------------------------------------------------------------

/// Each call of the operating system's and each allocation fails in turn, for a right PIN and for a wrong one, in the
/// middle of the counter, where a reset is due and where the lock is. Where the two come out differently, the wrong one
/// was paid for; where it was not paid for, both are the very same error.
#[test]
fn whatever_fails_nothing_is_learned_that_was_not_counted() {
    // Each is two stores that are copied and opened, which takes much longer there.
    const STRIDE: u32 = if cfg!(windows) { 61 } else { 1 };
    install();
    let policy = PinPolicy { max_attempts: Some(6), failures_before_reset: Some(3), ..PinPolicy::default() };
    let mut visited = 0;
    for before in [0, 2, 5] {
        let template = template(policy.clone(), before);
        for (open_before, calls) in [
            (true, Calls::Everything),
            (false, Calls::Everything),
            (true, Calls::Allocations),
            (false, Calls::Allocations),
        ] {
            let once = |pin: &str, plan| try_once(&template, open_before, pin, before, plan, calls);
            let [right, wrong] = [FIRST_PIN, WRONG].map(|pin| once(pin, Plan::Count));
            assert_eq!((&right.outcome, right.counted), (&Outcome::Accepted, false), "before {before}");
            assert_eq!((&wrong.outcome, wrong.counted), (&Outcome::Refused, true), "before {before}");
            for n in (1..=right.calls.max(wrong.calls)).step_by(STRIDE as usize) {
                let plans = [Plan::Nth(n), Plan::From(n)];
                // Memory that stays away is no other case than memory that was away once.
                for plan in &plans[..if calls == Calls::Allocations { 1 } else { 2 }] {
                    let plan = *plan;
                    visited += 1;
                    let [right, wrong] = [FIRST_PIN, WRONG].map(|pin| once(pin, plan));
                    let place = format!("before {before}, open before {open_before}, {calls:?}, {plan:?}");
                    assert_ne!(wrong.outcome, Outcome::Accepted, "{place}");
                    if wrong.outcome == Outcome::Refused {
                        assert!(wrong.counted, "{place}: a wrong PIN was answered and not counted");
                    }
                    if wrong.outcome != right.outcome {
                        assert!(
                            wrong.counted,
                            "{place}: uncounted, and {:?} told from {:?}",
                            wrong.outcome, right.outcome
                        );
                    }
                }
            }
        }
    }
    println!("{visited} fault points visited");
    assert!(visited > 1_000 / STRIDE, "{visited} fault points are too few to be all");
}

/// The defect that this is about: a disk that is full, or was mounted read-only, for as long as the caller likes.
#[test]
fn a_store_that_cannot_be_written_answers_nobody_however_often_it_is_asked() {
    install();
    for calls in [Calls::Writes, Calls::Everything] {
        let template = template(PinPolicy { max_attempts: Some(6), ..PinPolicy::default() }, 0);
        let folder = copy(&template);
        let session = session_at(folder.path(), &template.clock);
        sign_in::failures_before_disconnect(&session, None).unwrap();
        let ask = |who: &Caller, pin: &str| failing(Plan::From(1), calls, || ask(&session, who, pin, folder.path())).0;
        // The first one loses the connection where that fails, too.
        ask(&number(0), WRONG);
        let first = ask(&number(0), WRONG);
        assert!(matches!(first, Outcome::Error(..)), "{first:?}");
        for n in 0..200 {
            assert_eq!(ask(&number(0), if n % 2 == 0 { WRONG } else { FIRST_PIN }), first, "try {n}");
        }
        assert_eq!(ask(&number(77), WRONG), first, "who is unknown must not show either");
        assert_eq!(failures(folder.path()), 0);
        assert!(sign_in::verify(&session, &number(0), &Pin::new(FIRST_PIN)).unwrap().accepted, "and then all is well");
    }
}

/// Rows that only a wrong PIN needs: each try that could tell is paid for, so the mailbox locks as always.
#[test]
fn rows_that_only_a_wrong_pin_needs_give_no_more_tries() {
    install();
    let full_trail = "INSERT INTO audit SELECT 9223372036854775807, 0, '', '', '', '', '', 1, '', zeroblob(32)";
    let lost_key =
        "INSERT INTO pin_history SELECT recipient_id, 77, memory_kib, passes, lanes, zeroblob(8), sealed FROM pin";
    for (reset_at, damage) in [(2, full_trail), (2, lost_key), (1, full_trail), (1, lost_key), (6, full_trail)] {
        let policy = PinPolicy { max_attempts: Some(6), failures_before_reset: Some(reset_at), ..PinPolicy::default() };
        let template = template(policy, 0);
        let folder = copy(&template);
        alter(folder.path(), damage);
        let session = session_at(folder.path(), &template.clock);
        for n in 1..=6 {
            assert_ne!(ask(&session, &number(0), WRONG, folder.path()), Outcome::Accepted);
            assert_eq!(failures(folder.path()), n, "try {n} with {damage}");
        }
        let locked = sign_in::verify(&session, &number(0), &Pin::new(FIRST_PIN)).unwrap();
        assert_eq!(locked.reason, Reason::LockedOut, "{damage}");
    }
}

/// The oracle of the tests above can fail: it sees a failure that was taken away.
#[test]
fn a_count_that_was_lost_is_seen() {
    install();
    let template = template(PinPolicy::default(), 3);
    let folder = copy(&template);
    let session = session_at(folder.path(), &template.clock);
    assert_eq!(ask(&session, &number(0), WRONG, folder.path()), Outcome::Refused);
    assert_eq!(failures(folder.path()), 4);
    alter(folder.path(), "UPDATE pin SET failures = 3");
    assert_eq!(failures(folder.path()), 3);
    let clock = Arc::clone(&template.clock);
    assert_eq!(ask(&session_at(folder.path(), &clock), &number(0), FIRST_PIN, folder.path()), Outcome::Accepted);
    assert_eq!(failures(folder.path()), 0);
}
