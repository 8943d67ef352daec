//! The exported functions as a C caller meets them: nulls, bad UTF-8, closed handles, threads.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::{null, null_mut};

use umpin::error::Status;
use umpin::ffi::execute::umpin_execute;
use umpin::ffi::pins::*;
use umpin::ffi::session::*;
use umpin::ffi::sign_in::*;
use umpin::ffi::text::umpin_buffer_free;
use umpin::ffi::types::*;
use umpin::ffi::umpin_error_free;

thread_local! {
    /// Bytes that this thread asked for and did not give back, without the arenas of hashes, which threads hand on.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: isize) {
    if bytes.abs() < 64 * 1024 {
        let _ = HELD.try_with(|held| held.set(held.get() + bytes));
    }
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const ABSENT: UmpinStr = UmpinStr { data: null(), len: 0 };

fn s(text: &str) -> UmpinStr {
    UmpinStr { data: text.as_ptr(), len: text.len() }
}

fn text(t: &UmpinStr) -> String {
    if t.data.is_null() {
        return "(absent)".into();
    }
    String::from_utf8(unsafe { std::slice::from_raw_parts(t.data, t.len) }.to_vec()).unwrap()
}

fn who(identity: &str) -> UmpinIdentity {
    UmpinIdentity { identity: s(identity), domain_controller: ABSENT, ignore_default_scope: 0 }
}

fn set_pin(identity: &str, pin: UmpinStr) -> UmpinSetPin {
    UmpinSetPin {
        who: who(identity),
        pin,
        notify_email: ABSENT,
        pin_expired: -1,
        locked_out: -1,
        send_email: -1,
        record_refusals: 0,
    }
}

/// Calls, frees the error, gives status, id and message.
fn call(function: impl FnOnce(*mut *mut UmpinError) -> i32) -> Result<(), (i32, String, String)> {
    let mut err = null_mut();
    let status = function(&raw mut err);
    if status == 0 {
        assert!(err.is_null(), "a success leaves no error object");
        return Ok(());
    }
    let told = unsafe { &*err };
    assert_eq!(told.status, status);
    let result = (status, text(&told.id), text(&told.message));
    unsafe {
        umpin_error_free(&raw mut err);
        assert!(err.is_null());
        umpin_error_free(&raw mut err);
    }
    Err(result)
}

struct Store {
    folder: tempfile::TempDir,
    options: String,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let options = serde_json::json!({"Store": path("um.db"), "KeyFile": path("umpin.key")}).to_string();
        Self { folder, options }
    }

    fn open(&self) -> u64 {
        let mut session = 0;
        call(|e| unsafe { umpin_open(s(&self.options), &raw mut session, e) }).unwrap();
        session
    }

    /// A directory of one, enabled: extension 36697.
    fn with_tony() -> (Self, u64) {
        let store = Self::new();
        let session = store.open();
        let guid = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";
        let run =
            |operation: &str, parameters: serde_json::Value| execute(session, operation, "Commit", parameters, None);
        let import = run("Import-UMRecipient", serde_json::json!({"Step": "Begin"}));
        let id = import["Objects"][0]["Import"].clone();
        run(
            "Import-UMRecipient",
            serde_json::json!({"Step": "Rows", "Import": id, "Rows": [{
                "Guid": guid, "DistinguishedName": "CN=Tony Smith,OU=Users,DC=contoso,DC=com", "Alias": "tonysmith",
                "PrimarySmtpAddress": "tonysmith@contoso.com", "DisplayName": "Tony Smith"}]}),
        );
        run("Import-UMRecipient", serde_json::json!({"Step": "Apply", "Import": id}));
        run("Import-UMRecipient", serde_json::json!({"Step": "End", "Import": id}));
        run(
            "New-UMDialPlan",
            serde_json::json!({"Name": "Plan", "NumberOfDigitsInExtension": 5, "CountryOrRegionCode": "1"}),
        );
        execute(
            session,
            "Enable-UMMailbox",
            "Commit",
            serde_json::json!({"Identity": "tonysmith", "UMMailboxPolicy": "Plan Default Policy",
                               "Extensions": ["36697"],
                "PINExpired": false}),
            Some("739182"),
        );
        (store, session)
    }
}

fn execute(
    session: u64,
    operation: &str,
    mode: &str,
    parameters: serde_json::Value,
    secret: Option<&str>,
) -> serde_json::Value {
    let request = serde_json::json!({"Mode": mode, "Parameters": parameters}).to_string();
    let mut response = UmpinBuffer { data: null_mut(), len: 0 };
    call(|e| unsafe {
        umpin_execute(session, s(operation), s(&request), secret.map_or(ABSENT, s), &raw mut response, e)
    })
    .unwrap_or_else(|e| panic!("{operation}: {e:?}"));
    let bytes = unsafe { std::slice::from_raw_parts(response.data, response.len) };
    let document = serde_json::from_slice(bytes).unwrap();
    unsafe {
        umpin_buffer_free(&raw mut response);
        assert!(response.data.is_null() && response.len == 0);
        umpin_buffer_free(&raw mut response);
        umpin_buffer_free(null_mut());
    }
    document
}

fn verify(session: u64, extension: &str, pin: &str) -> (UmpinAnswer, UmpinReason) {
    let who = UmpinSignIn { extension: s(extension), dial_plan: ABSENT, identity: ABSENT };
    let mut answer = UmpinAnswer::default();
    let mut reason = UmpinReason::None;
    call(|e| unsafe { umpin_verify(session, &raw const who, s(pin), &raw mut answer, &raw mut reason, e) }).unwrap();
    (answer, reason)
}

#[test]
fn the_abi_version_is_the_headers() {
    let header = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/include/umpin.h")).unwrap();
    assert!(header.contains(&format!("#define UMPIN_ABI_VERSION {}", umpin_abi_version())));
    assert_eq!(text(&umpin_version()), env!("CARGO_PKG_VERSION"));
}

#[test]
fn opening_touches_no_file_and_closing_twice_is_an_error() {
    let store = Store::new();
    let session = store.open();
    assert_eq!(std::fs::read_dir(store.folder.path()).unwrap().count(), 0);
    call(|e| unsafe { umpin_close(session, e) }).unwrap();
    let (status, id, _) = call(|e| unsafe { umpin_close(session, e) }).unwrap_err();
    assert_eq!((status, id.as_str()), (Status::InvalidHandle as i32, "InvalidHandleException"));
    let mut states = null_mut();
    let after = call(|e| unsafe { umpin_pin_get(session, &who("x"), &raw mut states, e) });
    assert_eq!(after.unwrap_err().0, Status::InvalidHandle as i32);
    assert!(states.is_null());
    for forged in [0, u64::MAX] {
        assert!(call(|e| unsafe { umpin_close(forged, e) }).is_err());
    }
}

unsafe extern "C" fn note_progress(context: *mut std::ffi::c_void, done: u64, all: u64) {
    unsafe { &mut *context.cast::<Vec<(u64, u64)>>() }.push((done, all));
}

#[test]
fn an_upgrade_tells_how_far_it_is_and_is_done_once() {
    let store = Store::new();
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version-1/um.db");
    let session = store.open();
    let mut steps: Vec<(u64, u64)> = Vec::new();
    let context = (&raw mut steps).cast();
    // Where there is no store, none is made.
    call(|e| unsafe { umpin_upgrade(session, Some(note_progress), context, e) }).unwrap();
    assert_eq!((steps.len(), std::fs::read_dir(store.folder.path()).unwrap().count()), (0, 0));
    std::fs::copy(&fixture, store.folder.path().join("um.db")).unwrap();
    call(|e| unsafe { umpin_upgrade(session, Some(note_progress), context, e) }).unwrap();
    let all = steps[0].1;
    assert_eq!((steps[0], *steps.last().unwrap()), ((0, all), (all, all)));
    assert!(steps.is_sorted_by(|a, b| a.0 < b.0 && b.1 == all) && steps.len() > 20, "{steps:?}");
    steps.clear();
    call(|e| unsafe { umpin_upgrade(session, Some(note_progress), context, e) }).unwrap();
    assert_eq!(steps, []);
    call(|e| unsafe { umpin_close(session, e) }).unwrap();
    let closed = call(|e| unsafe { umpin_upgrade(session, None, null_mut(), e) });
    assert_eq!(closed.unwrap_err().0, Status::InvalidHandle as i32);

    let untold = Store::new();
    let session = untold.open();
    std::fs::copy(&fixture, untold.folder.path().join("um.db")).unwrap();
    call(|e| unsafe { umpin_upgrade(session, None, null_mut(), e) }).unwrap();
    call(|e| unsafe { umpin_upgrade(session, Some(note_progress), context, e) }).unwrap();
    assert_eq!(steps, [], "it is done already");
}

#[test]
fn a_reset_handle_is_no_session_handle() {
    let (_store, session) = Store::with_tony();
    let mut reset = 0;
    let asked = set_pin("tonysmith", ABSENT);
    call(|e| unsafe { umpin_reset_begin(session, &raw const asked, &raw mut reset, null_mut(), e) }).unwrap();
    assert!(call(|e| unsafe { umpin_close(reset, e) }).is_err());
    assert!(call(|e| unsafe { umpin_reset_hash(session, e) }).is_err());
    call(|e| unsafe { umpin_reset_hash(reset, e) }).unwrap();
    call(|e| unsafe { umpin_reset_commit(reset, null_mut(), null_mut(), e) }).unwrap();
    assert!(call(|e| unsafe { umpin_reset_commit(reset, null_mut(), null_mut(), e) }).is_err());
    umpin_reset_free(reset);
    umpin_reset_free(reset);
    umpin_reset_free(0);
}

/// An output that the caller does not want is not made either: nobody could free it.
#[test]
fn an_output_that_is_not_wanted_is_not_leaked() {
    const TIMES: u32 = 5;
    let (store, session) = Store::with_tony();
    let asked = set_pin("tonysmith", ABSENT);
    // The keys are kept once their file is some seconds old: from the first time on, and not from somewhere in between.
    let key = std::fs::File::options().write(true).open(store.folder.path().join("umpin.key")).unwrap();
    key.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60)).unwrap();
    drop(key);
    // Caches have filled after the first time. What all threads share may still grow in this one now and then; a leak
    // is seen at each call.
    let held_by = |work: &mut dyn FnMut()| {
        work();
        let mut least = isize::MAX;
        for _ in 0..TIMES {
            let before = HELD.get();
            work();
            least = least.min(HELD.get() - before);
        }
        least.max(0)
    };
    let kept = held_by(&mut || {
        let mut reset = 0;
        call(|e| unsafe { umpin_reset_begin(session, &raw const asked, &raw mut reset, null_mut(), e) }).unwrap();
        umpin_reset_free(reset);
    });
    assert_eq!(kept, 0, "umpin_reset_begin");
    let kept = held_by(&mut || {
        call(|e| unsafe { umpin_pin_set(session, &raw const asked, null_mut(), null_mut(), e) }).unwrap();
    });
    assert_eq!(kept, 0, "umpin_pin_set");
    let kept = held_by(&mut || {
        let mut reset = 0;
        call(|e| unsafe { umpin_reset_begin(session, &raw const asked, &raw mut reset, null_mut(), e) }).unwrap();
        call(|e| unsafe { umpin_reset_commit(reset, null_mut(), null_mut(), e) }).unwrap();
        umpin_reset_free(reset);
    });
    assert_eq!(kept, 0, "umpin_reset_commit");
}

#[test]
fn nulls_are_errors_where_something_is_needed_and_fine_elsewhere() {
    let store = Store::new();
    let session = store.open();
    let none = Status::NullPointer as i32;
    let get = who("x");
    let sign_in = UmpinSignIn { extension: s("1"), dial_plan: ABSENT, identity: ABSENT };
    let mut states = null_mut();
    let mut answer = UmpinAnswer::default();
    unsafe {
        assert_eq!(umpin_open(ABSENT, null_mut(), null_mut()), none);
        assert_eq!(umpin_pin_get(session, null(), &raw mut states, null_mut()), none);
        assert_eq!(umpin_pin_get(session, &raw const get, null_mut(), null_mut()), none);
        assert_eq!(umpin_pin_list(session, null(), ABSENT, 1, &raw mut states, null_mut()), none);
        assert_eq!(umpin_pin_set(session, null(), null_mut(), null_mut(), null_mut()), none);
        assert_eq!(umpin_reset_begin(session, null(), null_mut(), null_mut(), null_mut()), none);
        assert_eq!(umpin_execute(session, ABSENT, ABSENT, ABSENT, null_mut(), null_mut()), none);
        assert_eq!(umpin_verify(session, null(), s("1"), &raw mut answer, null_mut(), null_mut()), none);
        assert_eq!(umpin_verify(session, &raw const sign_in, ABSENT, &raw mut answer, null_mut(), null_mut()), none);
        assert_eq!(umpin_verify(session, &raw const sign_in, s("1"), null_mut(), null_mut(), null_mut()), none);
        assert_eq!(
            umpin_change_pin(session, &raw const sign_in, s("1"), ABSENT, &raw mut answer, null_mut(), null_mut()),
            none
        );
        assert_eq!(umpin_set_up_complete(session, null(), null_mut()), none);
        umpin_pin_states_free(null_mut());
        umpin_pin_states_free(&raw mut states);
        umpin_error_free(null_mut());
    }
}

#[test]
fn bad_utf8_and_odd_flags_are_errors() {
    let store = Store::new();
    let session = store.open();
    let bad = [b'a', 0xFF, b'b'];
    let bad = UmpinStr { data: bad.as_ptr(), len: bad.len() };
    let mut states = null_mut();
    let get = UmpinIdentity { identity: bad, ..who("") };
    let (status, _, message) =
        call(|e| unsafe { umpin_pin_get(session, &raw const get, &raw mut states, e) }).unwrap_err();
    assert_eq!(status, Status::InvalidUtf8 as i32);
    assert!(message.contains("byte 1"), "{message}");
    let get = UmpinIdentity { ignore_default_scope: 2, ..who("x") };
    let odd = call(|e| unsafe { umpin_pin_get(session, &raw const get, &raw mut states, e) });
    assert_eq!(odd.unwrap_err().0, Status::InvalidArgument as i32);
    let asked = UmpinSetPin { locked_out: 7, ..set_pin("x", ABSENT) };
    let odd = call(|e| unsafe { umpin_pin_set(session, &raw const asked, null_mut(), null_mut(), e) });
    assert_eq!(odd.unwrap_err().0, Status::InvalidArgument as i32);
    let mut opened = 0;
    for options in ["{", "[]", r#"{"Shop": "x"}"#] {
        let odd = call(|e| unsafe { umpin_open(s(options), &raw mut opened, e) });
        assert_eq!(odd.unwrap_err().0, Status::InvalidRequest as i32, "{options}");
    }
}

#[test]
fn set_then_get_then_verify() {
    let (_store, session) = Store::with_tony();
    let asked = UmpinSetPin { pin_expired: 0, send_email: 0, ..set_pin("tonysmith", s("580437")) };
    let mut states = null_mut();
    let mut report = UmpinBuffer { data: null_mut(), len: 0 };
    call(|e| unsafe { umpin_pin_set(session, &raw const asked, &raw mut states, &raw mut report, e) }).unwrap();
    let state = unsafe { &*(*states).items };
    assert_eq!(text(&state.user_id), "tonysmith@contoso.com");
    assert_eq!(text(&state.identity), "contoso.com/Users/Tony Smith");
    assert_eq!((state.pin_expired, state.first_time_user, state.locked_out), (0, 1, 0));
    unsafe {
        umpin_pin_states_free(&raw mut states);
        umpin_buffer_free(&raw mut report);
    }
    assert_eq!(verify(session, "36697", "580437").0.accepted, 1);
    assert_eq!(verify(session, "36697", "739182"), (UmpinAnswer::default(), UmpinReason::WrongPin));
    assert_eq!(verify(session, "99999", "580437"), (UmpinAnswer::default(), UmpinReason::Unknown));
    call(|e| unsafe { umpin_pin_get(session, &who("tonysmith"), &raw mut states, e) }).unwrap();
    assert_eq!(unsafe { &*(*states).items }.failed_logon_attempts, 1);
    unsafe { umpin_pin_states_free(&raw mut states) };
    let set_up = UmpinSignIn { extension: s("36697"), dial_plan: s("plan"), identity: ABSENT };
    call(|e| unsafe { umpin_set_up_complete(session, &raw const set_up, e) }).unwrap();
    call(|e| unsafe { umpin_pin_list(session, &who(""), ABSENT, 10, &raw mut states, e) }).unwrap();
    assert_eq!(unsafe { ((*states).len, (*(*states).items).first_time_user) }, (1, 0));
    unsafe { umpin_pin_states_free(&raw mut states) };
}

#[test]
fn the_owners_change_obeys_every_rule() {
    let (_store, session) = Store::with_tony();
    let who = UmpinSignIn { extension: s("36697"), dial_plan: ABSENT, identity: ABSENT };
    let change = |old: &str, new: &str| {
        let mut answer = UmpinAnswer::default();
        let mut reason = UmpinReason::None;
        let done = call(|e| unsafe {
            umpin_change_pin(session, &raw const who, s(old), s(new), &raw mut answer, &raw mut reason, e)
        });
        (done.map_err(|e| e.0), answer.accepted, reason)
    };
    assert_eq!(change("000000", "580437"), (Ok(()), 0, UmpinReason::WrongPin));
    assert_eq!(change("739182", "123456"), (Err(Status::WeakPin as i32), 0, UmpinReason::WeakPin));
    assert_eq!(change("739182", "739182"), (Err(Status::WeakPin as i32), 0, UmpinReason::WeakPin));
    assert_eq!(change("739182", "580437"), (Ok(()), 1, UmpinReason::None));
    assert_eq!(change("739182", "604938"), (Ok(()), 0, UmpinReason::WrongPin));
    assert_eq!(verify(session, "36697", "580437").0, UmpinAnswer { accepted: 1, must_change: 0, set_up_due: 0 });
}

#[test]
fn many_threads_share_a_session() {
    let (_store, session) = Store::with_tony();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let mut states = null_mut();
                    call(|e| unsafe { umpin_pin_get(session, &who("tonysmith"), &raw mut states, e) }).unwrap();
                    unsafe { umpin_pin_states_free(&raw mut states) };
                }
                let asked = UmpinSetPin { send_email: 0, ..set_pin("tonysmith", ABSENT) };
                call(|e| unsafe { umpin_pin_set(session, &raw const asked, null_mut(), null_mut(), e) }).unwrap();
            });
        }
    });
    call(|e| unsafe { umpin_close(session, e) }).unwrap();
}

#[test]
fn an_unknown_operation_or_parameter_is_named() {
    let store = Store::new();
    let session = store.open();
    let mut response = UmpinBuffer { data: null_mut(), len: 0 };
    for (operation, request) in [("Format-Disk", "{}"), ("New-UMDialPlan", "[]"), ("New-UMDialPlan", "{")] {
        let (status, _, message) =
            call(|e| unsafe { umpin_execute(session, s(operation), s(request), ABSENT, &raw mut response, e) })
                .unwrap_err();
        assert_eq!(status, Status::InvalidRequest as i32);
        assert!(message.contains(operation), "{message}");
    }
}

fn verify_identity(session: u64, identity: &str, pin: &str) -> (UmpinAnswer, UmpinReason) {
    let who = UmpinSignIn { extension: ABSENT, dial_plan: ABSENT, identity: s(identity) };
    let mut answer = UmpinAnswer::default();
    let mut reason = UmpinReason::None;
    call(|e| unsafe { umpin_verify(session, &raw const who, s(pin), &raw mut answer, &raw mut reason, e) }).unwrap();
    (answer, reason)
}

#[test]
fn an_identity_serves_in_place_of_an_extension_and_an_extension_goes_before_it() {
    let (_store, session) = Store::with_tony();
    for identity in ["tonysmith", "tonysmith@contoso.com", "contoso.com/Users/Tony Smith"] {
        assert_eq!(verify_identity(session, identity, "739182").0.accepted, 1, "{identity}");
    }
    assert_eq!(verify_identity(session, "tonysmith", "739183"), (UmpinAnswer::default(), UmpinReason::WrongPin));
    // An extension is no identity, and where both are given the identity is not looked at.
    assert_eq!(verify_identity(session, "36697", "739182"), (UmpinAnswer::default(), UmpinReason::Unknown));
    let both = UmpinSignIn { extension: s("99999"), dial_plan: ABSENT, identity: s("tonysmith") };
    let mut answer = UmpinAnswer::default();
    let mut reason = UmpinReason::None;
    call(|e| unsafe { umpin_verify(session, &raw const both, s("739182"), &raw mut answer, &raw mut reason, e) })
        .unwrap();
    assert_eq!((answer.accepted, reason), (0, UmpinReason::Unknown));
    let who = UmpinSignIn { extension: ABSENT, dial_plan: ABSENT, identity: s("tonysmith") };
    call(|e| unsafe {
        umpin_change_pin(session, &raw const who, s("739182"), s("580437"), &raw mut answer, &raw mut reason, e)
    })
    .unwrap();
    assert_eq!((answer.accepted, reason), (1, UmpinReason::None));
    assert_eq!(verify(session, "36697", "580437").0.accepted, 1);
    // No plan of that name: nobody; an empty name is none.
    let in_plan = |plan: &str| {
        let who = UmpinSignIn { extension: s("36697"), dial_plan: s(plan), identity: ABSENT };
        let mut answer = UmpinAnswer::default();
        call(|e| unsafe { umpin_verify(session, &raw const who, s("580437"), &raw mut answer, null_mut(), e) })
            .unwrap();
        answer.accepted
    };
    assert_eq!((in_plan(""), in_plan("PLAN"), in_plan("Nowhere")), (1, 1, 0));
}

#[test]
fn somebody_unknown_is_refused_like_anybody_at_sign_in_and_named_to_an_administrator() {
    let (_store, session) = Store::with_tony();
    let nobody = UmpinSignIn { extension: ABSENT, dial_plan: ABSENT, identity: s("nobody") };
    assert_eq!(verify_identity(session, "nobody", "739182"), (UmpinAnswer::default(), UmpinReason::Unknown));
    let mut answer = UmpinAnswer { accepted: 1, must_change: 1, set_up_due: 1 };
    let mut reason = UmpinReason::None;
    call(|e| unsafe {
        umpin_change_pin(session, &raw const nobody, s("739182"), s("580437"), &raw mut answer, &raw mut reason, e)
    })
    .unwrap();
    assert_eq!((answer, reason), (UmpinAnswer::default(), UmpinReason::Unknown));
    // Nor is it told that several have a name.
    for n in 1..=2 {
        import(
            session,
            serde_json::json!({"Guid": format!("00000000-0000-0000-0000-00000000000{n}"), "Name": "Twin",
            "mail": format!("twin{n}@contoso.com")}),
        );
    }
    assert_eq!(verify_identity(session, "Twin", "739182"), (UmpinAnswer::default(), UmpinReason::Unknown));

    let expected = (Status::NotFound as i32, "ManagementObjectNotFoundException".to_owned());
    let mut states = null_mut();
    let (status, id, message) =
        call(|e| unsafe { umpin_pin_get(session, &who("nobody"), &raw mut states, e) }).unwrap_err();
    assert_eq!((status, id), expected);
    assert!(message.contains("'nobody' couldn't be found on"), "{message}");
    assert!(states.is_null());
    let (mut reset, asked) = (7, set_pin("nobody", ABSENT));
    let (status, id, _) =
        call(|e| unsafe { umpin_reset_begin(session, &raw const asked, &raw mut reset, null_mut(), e) }).unwrap_err();
    assert_eq!((status, id, reset), (expected.0, expected.1, 0));
    let none = call(|e| unsafe { umpin_pin_set(session, &raw const asked, null_mut(), null_mut(), e) });
    assert_eq!(none.unwrap_err().0, Status::NotFound as i32);
}

/// One person more.
fn import(session: u64, row: serde_json::Value) {
    let run = |parameters: serde_json::Value| execute(session, "Import-UMRecipient", "Commit", parameters, None);
    let id = run(serde_json::json!({"Step": "Begin"}))["Objects"][0]["Import"].clone();
    run(serde_json::json!({"Step": "Rows", "Import": id, "Rows": [row]}));
    while run(serde_json::json!({"Step": "Apply", "Import": id})).get("Next").is_some() {}
}

/// The document in a buffer, which is freed.
fn document(buffer: &mut UmpinBuffer) -> serde_json::Value {
    let bytes = unsafe { std::slice::from_raw_parts(buffer.data, buffer.len) };
    let document = serde_json::from_slice(bytes).unwrap();
    unsafe { umpin_buffer_free(&raw mut *buffer) };
    document
}

#[test]
fn a_reset_tells_its_warnings_and_its_notice() {
    let (_store, session) = Store::with_tony();
    let outbox = || execute(session, "Get-UMPinOutbox", "Commit", serde_json::json!({}), None)["Objects"].clone();
    let mut report = UmpinBuffer { data: null_mut(), len: 0 };

    // Queued, and nothing there to send it: the notice's id, and once a session what to do.
    let asked = set_pin("tonysmith", ABSENT);
    call(|e| unsafe { umpin_pin_set(session, &raw const asked, null_mut(), &raw mut report, e) }).unwrap();
    let told = document(&mut report);
    assert_eq!(told["Notices"].as_array().unwrap().len(), 1);
    assert!(told["Warnings"][0]["Message"].as_str().unwrap().contains("No mail transport is configured"), "{told}");
    assert_eq!(told["Warnings"][0]["OncePerSession"], true);
    assert_eq!(outbox().as_array().unwrap().len(), 1);
    // The id is the outbox's own: delivery takes it.
    let ids = serde_json::json!({"Ids": told["Notices"], "BudgetMilliseconds": 1});
    execute(session, "Send-UMPinOutbox", "Commit", ids, None);

    // Not mailed and generated: nobody knows it, in two halves as in one; and the older notice is gone.
    let asked = UmpinSetPin { send_email: 0, ..set_pin("tonysmith", ABSENT) };
    let (mut reset, mut target) = (0, UmpinBuffer { data: null_mut(), len: 0 });
    call(|e| unsafe { umpin_reset_begin(session, &raw const asked, &raw mut reset, &raw mut target, e) }).unwrap();
    let name = unsafe { std::slice::from_raw_parts(target.data, target.len) };
    assert_eq!(name, b"contoso.com/Users/Tony Smith");
    unsafe { umpin_buffer_free(&raw mut target) };
    call(|e| unsafe { umpin_reset_commit(reset, null_mut(), &raw mut report, e) }).unwrap();
    umpin_reset_free(reset);
    let told = document(&mut report);
    assert!(told["Warnings"][0].as_str().unwrap().contains("nobody will know it"), "{told}");
    assert_eq!((told.get("Notices"), outbox()), (None, serde_json::json!([])));
}

#[test]
fn a_freed_reset_is_gone_and_changed_nothing() {
    let (_store, session) = Store::with_tony();
    let asked = set_pin("tonysmith", s("580437"));
    let mut reset = 0;
    call(|e| unsafe { umpin_reset_begin(session, &raw const asked, &raw mut reset, null_mut(), e) }).unwrap();
    call(|e| unsafe { umpin_reset_hash(reset, e) }).unwrap();
    umpin_reset_free(reset);
    let gone = Status::InvalidHandle as i32;
    assert_eq!(call(|e| unsafe { umpin_reset_hash(reset, e) }).unwrap_err().0, gone);
    assert_eq!(call(|e| unsafe { umpin_reset_commit(reset, null_mut(), null_mut(), e) }).unwrap_err().0, gone);
    assert_eq!(verify(session, "36697", "739182").0.accepted, 1);
}

#[test]
fn a_lists_next_page_goes_on_where_the_last_one_ended() {
    let (_store, session) = Store::with_tony();
    let run = |operation: &str, parameters: serde_json::Value| execute(session, operation, "Commit", parameters, None);
    for n in 0..4 {
        import(
            session,
            serde_json::json!({"Guid": format!("00000000-0000-0000-0000-00000000000{n}"), "Alias": format!("p{n}"),
                "DistinguishedName": format!("CN=Person {n},DC=contoso,DC=com"), "mail": format!("p{n}@contoso.com")}),
        );
        run(
            "Enable-UMMailbox",
            serde_json::json!({"Identity": format!("p{n}"), "UMMailboxPolicy": "Plan Default Policy",
                "Extensions": [format!("4000{n}")]}),
        );
    }
    let (mut after, mut pages) = (String::new(), Vec::new());
    loop {
        let mut states = null_mut();
        let from = if after.is_empty() { ABSENT } else { s(&after) };
        call(|e| unsafe { umpin_pin_list(session, &who(""), from, 2, &raw mut states, e) }).unwrap();
        let page = unsafe { &*states };
        let items = unsafe { std::slice::from_raw_parts(page.items, page.len) };
        pages.push(items.iter().map(|i| text(&i.user_id)).collect::<Vec<_>>());
        let next = text(&page.next);
        unsafe { umpin_pin_states_free(&raw mut states) };
        assert!(states.is_null());
        if next == "(absent)" {
            break;
        }
        assert_ne!(next, after);
        after = next;
        assert!(pages.len() < 9);
    }
    let expected: [&[&str]; 3] =
        [&["p0@contoso.com", "p1@contoso.com"], &["p2@contoso.com", "p3@contoso.com"], &["tonysmith@contoso.com"]];
    assert_eq!(pages, expected);
}

#[test]
fn a_refusal_at_the_boundary_is_recorded_where_the_call_meant_it() {
    let (_store, session) = Store::with_tony();
    let count = || {
        let found = execute(session, "Search-UMAdminAuditLog", "Commit", serde_json::json!({}), None);
        found["Objects"].as_array().unwrap().len()
    };
    let begin = |record_refusals: u8| {
        let asked = UmpinSetPin { record_refusals, ..set_pin("tonysmith", s("123456")) };
        let mut reset = 0;
        call(|e| unsafe { umpin_reset_begin(session, &raw const asked, &raw mut reset, null_mut(), e) }).unwrap_err()
    };
    let before = count();
    assert_eq!(begin(0).0, Status::WeakPin as i32);
    assert_eq!(count(), before);
    assert_eq!(begin(1).0, Status::WeakPin as i32);
    assert_eq!(count(), before + 1);
    let asked = set_pin("tonysmith", s("123456"));
    assert!(call(|e| unsafe { umpin_pin_set(session, &raw const asked, null_mut(), null_mut(), e) }).is_err());
    assert_eq!(count(), before + 2);
}
