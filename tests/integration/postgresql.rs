//! The store on a PostgreSQL server. (The other modules run on one, too, under UMPIN_TEST_STORE=postgresql.)

mod faults;
mod input;
mod line;
mod load;
mod moving;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crate::support::postgresql::{OWNER, Server, database_of, programs};
use crate::support::{
    FIRST_PIN, START, assert_private, child, extension, mails, private_folder, run, session_on, set, skip, verify, who,
};
use serde_json::json;
use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;
use umpin::error::{Error, Status};
use umpin::location::Location;
use umpin::pin::PinPolicy;
use umpin::service::sign_in::Reason;
use umpin::session::{Cause, Clock, Mode, Session, Tuning};

struct OnServer {
    folder: tempfile::TempDir,
    clock: Arc<AtomicI64>,
    url: String,
    database: String,
}

impl OnServer {
    fn new(server: &Server) -> Self {
        let folder = private_folder();
        let database = database_of(folder.path());
        server.make_database(&database);
        let url = server.url(OWNER, &database);
        Self { folder, clock: Arc::new(AtomicI64::new(START)), url, database }
    }

    fn session(&self) -> Session {
        self.session_at(&self.url)
    }

    fn session_at(&self, url: &str) -> Session {
        session_on(url.into(), self.folder.path(), &self.clock)
    }

    /// A folder for mails, configured.
    fn pickup(&self, session: &Session) -> PathBuf {
        let pickup = self.folder.path().join("pickup");
        std::fs::create_dir(&pickup).unwrap();
        let mail = json!({"Transport": "Pickup", "PickupFolder": pickup.to_str().unwrap()}).to_string();
        session
            .change(Mode::Commit, &Cause::new("Seed"), |c| c.tx.set_setting(umpin::store::settings::MAIL, &mail))
            .unwrap();
        pickup
    }

    fn seed(&self, people: usize, rules: PinPolicy) -> Session {
        self.seed_at(&self.url, people, rules)
    }

    fn seed_at(&self, url: &str, people: usize, rules: PinPolicy) -> Session {
        let session = self.session_at(url);
        let hash = Tuning::danger_test(Clock::System).hash;
        let wanted = crate::support::seed::Seeding { people, digits: 5, rules, hash };
        crate::support::seed::seed(&session, wanted).unwrap();
        session
    }
}

/// Whether there is a server to be had; a skip by name where there is none.
fn is_there(test: &str) -> bool {
    if programs().is_none() {
        skip(test, "PostgreSQL's initdb is neither in /usr/lib/postgresql nor on PATH");
    }
    programs().is_some()
}

fn check(session: &Session) -> Vec<String> {
    let objects = run(session, "Test-UMPinStore", &json!({})).unwrap().objects;
    objects.iter().filter(|o| o["Result"] == "Failed").map(|o| format!("{}: {}", o["Check"], o["Detail"])).collect()
}

fn failure_of(told: umpin::error::Result<Session>) -> Error {
    match told.and_then(|session| run(&session, "Get-UMMailbox", &json!({})).map(drop)) {
        Err(e) => e,
        Ok(()) => panic!("it was let in"),
    }
}

#[test]
fn what_is_written_on_a_server_is_read_from_it_and_the_self_check_finds_nothing() {
    if !is_there("what_is_written_on_a_server_is_read_from_it_and_the_self_check_finds_nothing") {
        return;
    }
    let f = OnServer::new(Server::shared());
    let session = f.session();
    assert!(run(&session, "Get-UMMailbox", &json!({})).unwrap().objects.is_empty(), "a missing store reads as empty");
    let session = f.seed(5, PinPolicy::default());
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    assert_eq!(verify(&session, 1, "000000").reason, Reason::WrongPin);
    set(&session, 2, Some("580437")).unwrap();
    let another = f.session();
    assert!(verify(&another, 2, "580437").accepted);
    assert_eq!(get_um_mailbox_pin(&another, &who(1)).unwrap().facts.failures, 1);
    assert_eq!(check(&another), [""; 0]);
    assert_private(&f.folder.path().join("umpin.key"));
}

/// Guesses as a program of the telephone does, and says what it was told.
#[test]
fn child_guesses() {
    let Some((folder, id)) = child::folder_and_id() else { return };
    let url = std::fs::read_to_string(folder.join(if id % 2 == 0 { "url" } else { "other_url" })).unwrap();
    let session = session_on(url.into(), &folder, &Arc::new(AtomicI64::new(START)));
    for n in 0..GUESSES {
        println!("told {:?}", verify(&session, 0, &format!("{:06}", 200_000 + id * 100 + n)).reason);
    }
}

const GUESSES: usize = 20;

#[test]
fn sixteen_processes_of_two_roles_get_no_more_guesses_than_one() {
    if !is_there("sixteen_processes_of_two_roles_get_no_more_guesses_than_one") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    let session = f.seed(2, PinPolicy::default());
    let pickup = f.pickup(&session);
    let role = format!("pbx_{}", f.database.to_lowercase());
    let mut owner = server.client(&f.database);
    owner.batch_execute(&format!("CREATE ROLE \"{role}\" LOGIN; {}", rights(&role))).unwrap();
    std::fs::write(f.folder.path().join("url"), &f.url).unwrap();
    std::fs::write(f.folder.path().join("other_url"), server.url(&role, &f.database)).unwrap();
    let children: Vec<_> =
        (0..16).map(|id| child::spawn(module_path!(), "child_guesses", f.folder.path(), id)).collect();
    let mut told = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        told.extend(text.lines().filter_map(|line| Some(line.split_once("told ")?.1.to_owned())));
    }
    let count = |reason: &str| told.iter().filter(|told| *told == reason).count();
    // Fifteen are answered. The second reset, at ten, is skipped: the first one's mail was not delivered yet.
    assert_eq!((count("WrongPin"), count("PinReset"), count("NowLocked")), (13, 1, 1));
    assert_eq!(count("LockedOut"), 16 * GUESSES - 15);
    let facts = |n: usize| get_um_mailbox_pin(&session, &who(n)).unwrap().facts;
    assert_eq!((facts(0).failures, facts(0).lifetime_failures), (15, 15));
    assert_eq!((facts(1).failures, facts(1).lifetime_failures), (0, 0));
    let trail = session.read(|tx| tx.audit_rows(1, 1000)).unwrap();
    let recorded = |what: &str| trail.iter().filter(|row| row.detail.contains(what)).count();
    assert_eq!((recorded("PIN reset automatically"), recorded("reset skipped"), recorded("locked after")), (1, 1, 1));
    umpin::service::delivery::deliver_due(&session, None).unwrap();
    assert_eq!(mails(&pickup).len(), 1, "one reset, one mail");
    assert_eq!(check(&session), [""; 0]);
}

/// What contrib/postgresql/roles.sql gives the PBX.
fn rights(role: &str) -> String {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/postgresql/rights.sql")).unwrap();
    let (_, rest) = text.split_once("-- The PBX").unwrap();
    let (part, _) = rest.split_once("-- The help desk").unwrap();
    part.split_once('\n').unwrap().1.replace("umpin_pbx", &format!("\"{role}\""))
}

#[test]
fn sign_ins_of_one_mailbox_do_not_wait_for_anothers() {
    if !is_there("sign_ins_of_one_mailbox_do_not_wait_for_anothers") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    let session = f.seed(2, PinPolicy::default());
    let mut other = server.client(&f.database);
    let mut held = other.transaction().unwrap();
    held.batch_execute(
        "SELECT 1 FROM ummailboxpin.pin n JOIN ummailboxpin.um_address a ON a.recipient_id = n.recipient_id \
         WHERE a.address_key = '50000' FOR UPDATE OF n",
    )
    .unwrap();
    assert!(verify(&session, 1, FIRST_PIN).accepted);
    let waiting = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let told = verify(&session, 0, FIRST_PIN);
            waiting.store(false, Ordering::SeqCst);
            told
        });
        // It waits at the lock, as the server tells.
        let mut look = server.client(&f.database);
        let since = Instant::now();
        while look.query_one("SELECT COUNT(*) FROM pg_locks WHERE NOT granted", &[]).unwrap().get::<_, i64>(0) == 0 {
            assert!(since.elapsed() < Duration::from_secs(20));
        }
        assert!(waiting.load(Ordering::SeqCst));
        held.commit().unwrap();
        assert!(first.join().unwrap().accepted);
    });
}

/// Each statement costs a server and its client, and a way to a server that is far costs more than both. Who needs
/// another raises this number, and knows it.
#[test]
fn a_sign_in_is_five_statements_in_three_ways() {
    if !is_there("a_sign_in_is_five_statements_in_three_ways") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    drop(f.seed(1, PinPolicy::default()));
    let line = line::Line::lay(f.folder.path(), server);
    let session = f.session_at(&line.url(&f.database));
    // The first connects and prepares what it asks.
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    let (asked, turns) = (line.asked(), line.turns());
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    assert_eq!((line.asked() - asked, line.turns() - turns), (5, 3));
}

#[test]
fn a_server_that_is_gone_is_an_error_of_its_own_and_the_next_call_finds_it_back() {
    if !is_there("a_server_that_is_gone_is_an_error_of_its_own_and_the_next_call_finds_it_back") {
        return;
    }
    let server = Server::start(&[]);
    let f = OnServer::new(&server);
    let session = f.seed(1, PinPolicy::default());
    server.kill();
    let since = Instant::now();
    let told = umpin::service::sign_in::verify(
        &session,
        &umpin::service::sign_in::Caller::Number { number: extension(0), dial_plan: None },
        &umpin::pin::Pin::new("000000"),
    )
    .unwrap_err();
    assert_eq!(told.status, Status::StoreServerGone, "{told}");
    assert!(since.elapsed() < Duration::from_secs(30));
    assert!(told.message.contains("Nothing was changed."), "{told}");
    server.run();
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    assert_eq!(get_um_mailbox_pin(&session, &who(0)).unwrap().facts.failures, 0);
    server.kill();
}

#[test]
fn what_keeps_a_server_from_being_used_is_an_error_with_a_name_of_its_own() {
    if !is_there("what_keeps_a_server_from_being_used_is_an_error_with_a_name_of_its_own") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    drop(f.seed(1, PinPolicy::default()));
    let open = |url: &str| {
        let location = Location { store: url.into(), key: f.folder.path().join("umpin.key") };
        Session::with(location, None, Tuning::danger_test(Clock::System))
    };
    let port = server.port();
    let mut owner = server.client("postgres");
    let database = &f.database;
    owner.batch_execute(&format!("CREATE ROLE \"nobody_{database}\" LOGIN")).unwrap();
    owner
        .batch_execute(&format!("CREATE DATABASE \"latin_{database}\" ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))
        .unwrap();
    for (url, status) in [
        (format!("postgresql://owner:hunter2@localhost:{port}/{database}"), Status::StoreUrlPassword),
        (format!("postgresql://owner@localhost:{port}/{database}?hunter=2"), Status::StoreUrl),
        (format!("mysql://owner@localhost:{port}/{database}"), Status::StoreUrl),
        (format!("postgresql://owner@localhost:{port}/{database}?sslmode=require"), Status::StoreNoTls),
        (format!("postgresql://owner@localhost:1/{database}"), Status::StoreServerGone),
        (server.url(&format!("nobody_{database}"), database), Status::StoreRights),
        (server.url("no such role", database), Status::StoreLogin),
        (server.url(OWNER, "no such database"), Status::StoreMissing),
        (server.url(OWNER, &format!("latin_{database}")), Status::StoreEncoding),
    ] {
        let told = failure_of(open(&url));
        assert_eq!(told.status, status, "{url}: {told}");
        assert!(!told.message.contains("hunter2"), "{told}");
    }
    assert!(verify(&f.session(), 0, FIRST_PIN).accepted, "nothing was changed");
}

#[test]
fn what_another_program_wrote_is_no_reason_to_change_it() {
    if !is_there("what_another_program_wrote_is_no_reason_to_change_it") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    drop(f.seed(1, PinPolicy::default()));
    let mut owner = server.client(&f.database);
    owner.batch_execute("CREATE VIEW ummailboxpin.odd AS SELECT 1").unwrap();
    let told = check(&f.session());
    assert!(told.len() == 1 && told[0].contains("view 'odd'"), "{told:?}");
    owner.batch_execute("DROP VIEW ummailboxpin.odd; COMMENT ON TABLE ummailboxpin.change_mark IS '99'").unwrap();
    assert_eq!(failure_of(Ok(f.session())).status, Status::StoreTooNew);
    let told = f.session().change(Mode::Commit, &Cause::new("Test"), |c| c.audit("x", "noted")).unwrap_err();
    assert_eq!(told.status, Status::StoreTooNew);
}

/// An authority and a certificate by it for `localhost`, in a folder: `ca.pem`, `server.pem`, `server.key`.
fn make_certificates(folder: &Path) -> bool {
    let openssl = |arguments: &[&str]| {
        let ended = std::process::Command::new("openssl").args(arguments).current_dir(folder).output();
        ended.is_ok_and(|output| output.status.success())
    };
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl(
        &[
            &["req", "-x509", "-days", "2", "-subj", "/CN=Authority", "-keyout", "ca.key", "-out", "ca.pem"][..],
            &new_key,
        ]
        .concat(),
    ) && openssl(
        &[&["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"][..], &new_key].concat(),
    ) && openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ])
}

#[test]
fn the_server_is_the_one_that_its_certificate_says_and_passwords_come_from_their_file() {
    let name = "the_server_is_the_one_that_its_certificate_says_and_passwords_come_from_their_file";
    if !is_there(name) {
        return;
    }
    let (right, wrong) = (private_folder(), private_folder());
    if !make_certificates(right.path()) || !make_certificates(wrong.path()) {
        skip(name, "there is no openssl");
        return;
    }
    let server = Server::start(&[]);
    server.kill();
    server.use_tls(right.path(), "hostssl all pbx 127.0.0.1/32 scram-sha-256\n");
    server.run();
    let f = OnServer::new(&server);
    drop(f.seed(1, PinPolicy::default()));
    let mut owner = server.client(&f.database);
    owner.batch_execute("CREATE ROLE pbx LOGIN SUPERUSER PASSWORD 'hunter2'").unwrap();
    let (port, database) = (server.port(), &f.database);
    let ca = |folder: &tempfile::TempDir| folder.path().join("ca.pem").display().to_string();
    let open = |role: &str, host: &str, rest: &str| {
        let url = format!("postgresql://{role}@{host}:{port}/{database}?{rest}");
        let location = Location { store: url.into(), key: f.folder.path().join("umpin.key") };
        let session = Session::with(location, None, Tuning::danger_test(Clock::System));
        session.and_then(|session| run(&session, "Get-UMMailbox", &json!({})).map(drop))
    };
    let (good, bad) = (ca(&right), ca(&wrong));
    open(OWNER, "localhost", &format!("sslmode=verify-full&sslrootcert={good}")).unwrap();
    open(OWNER, "127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={good}")).unwrap();
    open(OWNER, "127.0.0.1", "sslmode=require").unwrap();
    for (host, rest) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={bad}")),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={good}")),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={bad}")),
        ("localhost", "sslmode=verify-full&sslrootcert=/no/such/file.pem".to_owned()),
    ] {
        assert_eq!(open(OWNER, host, &rest).unwrap_err().status, Status::StoreCertificate, "{host} {rest}");
    }

    let passwords = f.folder.path().join("passwords");
    let with_password = |line: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&passwords, line).unwrap();
        std::fs::set_permissions(&passwords, std::fs::Permissions::from_mode(mode)).unwrap();
        open("pbx", "127.0.0.1", &format!("sslmode=require&passfile={}", passwords.display()))
    };
    with_password("127.0.0.1:*:*:pbx:hunter2\n", 0o600).unwrap();
    for (line, mode) in [
        ("127.0.0.1:*:*:pbx:hunter3\n", 0o600),
        ("127.0.0.1:*:*:other:hunter2\n", 0o600),
        ("127.0.0.1:*:*:pbx:hunter2\n", 0o644),
    ] {
        let told = with_password(line, mode).unwrap_err();
        assert_eq!(told.status, Status::StoreLogin, "{line}: {told}");
        assert!(!told.message.contains("hunter"), "{told}");
    }
    server.kill();
}
