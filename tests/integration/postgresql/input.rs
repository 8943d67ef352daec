//! What keeps a store on a server from being used, and who may do what there.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use super::{OnServer, failure_of, is_there};
use crate::support::postgresql::{OWNER, Server};
use crate::support::{FIRST_PIN, extension, private_folder, run, set, skip, verify, who};
use serde_json::json;
use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;
use umpin::error::{Error, Status};
use umpin::location::Location;
use umpin::pin::PinPolicy;
use umpin::session::{Cause, Clock, Mode, Session, Tuning};

const DIAL_PLAN: &str =
    r#"{"Name": "Kyoto", "NumberOfDigitsInExtension": 5, "URIType": "TelExtn", "CountryOrRegionCode": "1"}"#;

fn session_in(url: &str, folder: &Path) -> umpin::error::Result<Session> {
    let location = Location { store: url.into(), key: folder.join("umpin.key") };
    Session::with(location, None, Tuning::danger_test(Clock::System))
}

/// What a first change is told, in a folder of its own, where it leaves nothing.
fn refusal(url: &str) -> Error {
    let folder = private_folder();
    let told = session_in(url, folder.path())
        .and_then(|session| run(&session, "New-UMDialPlan", &serde_json::from_str(DIAL_PLAN).unwrap()));
    let Err(told) = told else { panic!("{url}: it was let in") };
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{url}: {left:?}");
    assert!(told.message.contains("othing was changed"), "{told}");
    told
}

fn is_made(server: &Server, database: &str) -> bool {
    let mut client = server.client(database);
    client.query_one("SELECT to_regnamespace('ummailboxpin') IS NOT NULL", &[]).unwrap().get(0)
}

#[test]
fn what_a_server_refuses_leaves_neither_tables_nor_a_key_file() {
    if !is_there("what_a_server_refuses_leaves_neither_tables_nor_a_key_file") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    let database = &f.database;
    let mut owner = server.client("postgres");
    owner.batch_execute(&format!("CREATE ROLE \"without_{database}\" LOGIN")).unwrap();
    let odd = format!("latin_{database}");
    owner.batch_execute(&format!("CREATE DATABASE \"{odd}\" ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")).unwrap();
    let port = server.port();
    for (url, status) in [
        (format!("postgresql://owner:hunter2@localhost:{port}/{database}"), Status::StoreUrlPassword),
        (format!("postgresql://owner@localhost:{port}/{database}?sslmod=require"), Status::StoreUrl),
        (format!("postgresql://owner@localhost:{port}/{database}?sslmode=require"), Status::StoreNoTls),
        (format!("postgresql://owner@localhost:1/{database}"), Status::StoreServerGone),
        (server.url(&format!("without_{database}"), database), Status::StoreRights),
        (server.url("no such role", database), Status::StoreLogin),
        (server.url(OWNER, "no such database"), Status::StoreMissing),
        (server.url(OWNER, &odd), Status::StoreEncoding),
    ] {
        assert_eq!(refusal(&url).status, status, "{url}");
    }
    assert!(!is_made(server, database) && !is_made(server, &odd));
}

/// A server that says it is of this version, to one client after another.
fn server_of_version(number: i64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let _ = answer(client.unwrap(), number);
        }
    });
    port
}

fn answer(mut line: TcpStream, number: i64) -> std::io::Result<()> {
    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }
    let mut word = [0; 4];
    // What begins without a kind: a question for TLS, then the start.
    loop {
        line.read_exact(&mut word)?;
        let mut body = vec![0; u32::from_be_bytes(word) as usize - 4];
        line.read_exact(&mut body)?;
        if body[..4] != 80_877_103_u32.to_be_bytes() {
            break;
        }
        line.write_all(b"N")?;
    }
    line.write_all(&[message(b'R', &[0; 4]), message(b'Z', b"I")].concat())?;
    let types = [20_u32, 25, 16, 16, 25];
    let fields = types.map(|oid| [&b"x\0\0\0\0\0\0\0"[..], &oid.to_be_bytes(), &[0, 8, 0, 0, 0, 0, 0, 1]].concat());
    let described = message(b'T', &[&[0, 5][..], &fields.concat()].concat());
    let values = [&number.to_be_bytes()[..], b"UTF8", &[0], &[0], b"on"];
    let cells: Vec<u8> =
        values.iter().flat_map(|v| [&u32::try_from(v.len()).unwrap().to_be_bytes()[..], v].concat()).collect();
    let row = message(b'D', &[&[0, 5][..], &cells].concat());
    loop {
        let mut kind = [0];
        line.read_exact(&mut kind)?;
        line.read_exact(&mut word)?;
        std::io::copy(&mut (&mut line).take(u64::from(u32::from_be_bytes(word)) - 4), &mut std::io::sink())?;
        match kind[0] {
            b'P' => line.write_all(&message(b'1', b""))?,
            b'D' => line.write_all(&[message(b't', &[0, 0]), described.clone()].concat())?,
            b'B' => line.write_all(&message(b'2', b""))?,
            b'E' => line.write_all(&[row.clone(), message(b'C', b"SELECT 1\0")].concat())?,
            b'S' => line.write_all(&message(b'Z', b"I"))?,
            // Whoever goes on with it all the same is not kept waiting.
            b'Q' => return Ok(()),
            _ => {}
        }
    }
}

#[test]
fn a_server_of_a_version_that_is_too_old_is_not_used() {
    let url = format!("postgresql://me@127.0.0.1:{}/umpin", server_of_version(120_021));
    let told = refusal(&url);
    assert_eq!(told.status, Status::StoreServerVersion, "{told}");
    assert!(told.message.contains("12") && told.message.contains("13"), "{told}");
}

#[test]
fn a_connection_that_died_at_rest_costs_no_error() {
    if !is_there("a_connection_that_died_at_rest_costs_no_error") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    let session = f.seed(1, PinPolicy::default());
    let mut owner = server.client(&f.database);
    let mut end_all = || {
        let ended = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = \
                     'ummailboxpin' AND datname = current_database()";
        let count = owner.query_one(ended, &[]).unwrap().get::<_, i64>(0);
        let left = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'ummailboxpin' AND datname = \
                    current_database()";
        while owner.query_one(left, &[]).unwrap().get::<_, i64>(0) > 0 {}
        count
    };
    // One statement, which begins nothing; a snapshot; a change of a mailbox; one of all.
    assert!(end_all() > 0);
    assert_eq!(get_um_mailbox_pin(&session, &who(0)).unwrap().facts.failures, 0);
    assert!(end_all() > 0);
    run(&session, "Get-UMMailbox", &json!({})).unwrap();
    assert!(end_all() > 0);
    assert!(verify(&session, 0, FIRST_PIN).accepted);
    assert!(end_all() > 0);
    run(&session, "New-UMDialPlan", &serde_json::from_str(DIAL_PLAN).unwrap()).unwrap();
}

/// Runs contrib/postgresql/rights.sql as its first lines say: as the server's administrator.
fn grant(server: &Server, database: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/postgresql/rights.sql");
    server.client(database).batch_execute(&std::fs::read_to_string(file).unwrap()).unwrap();
}

#[test]
fn administrators_the_pbx_and_the_help_desk_can_do_their_work_and_no_more() {
    if !is_there("administrators_the_pbx_and_the_help_desk_can_do_their_work_and_no_more") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    let database = &f.database;
    let [all, admin, pbx, desk] = ["all", "admin", "pbx", "desk"].map(|role| format!("{role}_{database}"));
    // As docs/postgresql.md has it: nobody here is a superuser.
    let mut owner = server.client(database);
    owner
        .batch_execute(&format!(
            "CREATE ROLE \"{all}\" LOGIN; ALTER DATABASE \"{database}\" OWNER TO \"{all}\"; CREATE ROLE \
             \"{admin}\" LOGIN IN ROLE \"{all}\"",
        ))
        .unwrap();
    let session = |role: &str| f.session_at(&server.url(role, database));
    let hash = Tuning::danger_test(Clock::System).hash;
    let wanted = crate::support::seed::Seeding { people: 3, digits: 5, rules: PinPolicy::default(), hash };
    crate::support::seed::seed(&session(&all), wanted).unwrap();
    grant(server, database);
    for (role, group) in [(&pbx, "umpin_pbx"), (&desk, "umpin_helpdesk")] {
        owner.batch_execute(&format!("CREATE ROLE \"{role}\" LOGIN IN ROLE {group}")).unwrap();
    }

    let (admin, pbx, desk) = (session(&admin), session(&pbx), session(&desk));
    let ask = |session: &Session, cmdlet: &str, parameters: serde_json::Value| run(session, cmdlet, &parameters);
    let is_refused = |session: &Session, cmdlet: &str, parameters: serde_json::Value| {
        let Err(told) = run(session, cmdlet, &parameters) else { panic!("{cmdlet}: it was let do it") };
        assert_eq!(told.status, Status::StoreRights, "{cmdlet}: {told}");
    };
    let plan = || serde_json::from_str(DIAL_PLAN).unwrap();

    let policies = ask(&admin, "Get-UMMailboxPolicy", json!({})).unwrap().objects;
    let policy = policies[0]["Name"].clone();

    // The PBX: sign-ins, their counting, the lock; the owner's change.
    assert!(verify(&pbx, 0, FIRST_PIN).accepted);
    assert!(!verify(&pbx, 0, "000000").accepted);
    let change = umpin::service::sign_in::change_pin(
        &pbx,
        &umpin::service::sign_in::Caller::Number { number: extension(0), dial_plan: None },
        &umpin::pin::Pin::new(FIRST_PIN),
        &umpin::pin::Pin::new("580437"),
    );
    assert!(change.is_ok(), "{:?}", change.err());
    assert!(verify(&pbx, 0, "580437").accepted);
    is_refused(&pbx, "Get-UMPinOutbox", json!({}));
    is_refused(&pbx, "Search-UMAdminAuditLog", json!({}));
    is_refused(&pbx, "New-UMDialPlan", plan());
    is_refused(&pbx, "Set-UMMailboxPolicy", json!({"Identity": policy, "MinPINLength": 7}));

    // The help desk: who is who, new PINs, unlocking, their mails.
    assert_eq!(get_um_mailbox_pin(&desk, &who(1)).unwrap().facts.failures, 0);
    set(&desk, 1, Some("604938")).unwrap();
    assert!(verify(&pbx, 1, "604938").accepted);
    ask(&desk, "Unlock-UMMailbox", json!({"Identity": "user1"})).unwrap();
    ask(&desk, "Get-UMPinOutbox", json!({})).unwrap();
    ask(&desk, "Get-UMMailbox", json!({"Identity": "user2"})).unwrap();
    is_refused(&desk, "Search-UMAdminAuditLog", json!({}));
    is_refused(&desk, "New-UMDialPlan", plan());
    is_refused(&desk, "Disable-UMMailbox", json!({"Identity": "user2"}));

    // What their cmdlets need several rights for, they have none of.
    let mut writes = |group: &str| -> Vec<String> {
        let held = "SELECT table_name || ' ' || string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM \
                    information_schema.role_table_grants WHERE grantee = $1 AND privilege_type <> 'SELECT' GROUP BY \
                    table_name ORDER BY table_name";
        owner.query(held, &[&group]).unwrap().iter().map(|row| row.get(0)).collect()
    };
    let pbx_writes = [
        "audit INSERT",
        "change_mark DELETE INSERT",
        "outbox DELETE INSERT",
        "pin INSERT UPDATE",
        "pin_history DELETE INSERT UPDATE",
        "setting INSERT UPDATE",
        "spray_mark DELETE INSERT UPDATE",
    ];
    assert_eq!(writes("umpin_pbx"), pbx_writes);
    assert_eq!(writes("umpin_helpdesk"), ["outbox UPDATE"]);

    // Administrators: all of it, and what the others left is sound.
    ask(&admin, "New-UMDialPlan", plan()).unwrap();
    assert!(!ask(&admin, "Search-UMAdminAuditLog", json!({})).unwrap().objects.is_empty());
    assert_eq!(super::check(&admin), [""; 0]);
}

#[test]
fn a_client_certificate_stands_in_for_a_password() {
    let name = "a_client_certificate_stands_in_for_a_password";
    if !is_there(name) {
        return;
    }
    let (right, wrong) = (private_folder(), private_folder());
    let made = [&right, &wrong].map(|folder| {
        super::make_certificates(folder.path())
            && make_client(folder.path(), "certified")
            && make_client(folder.path(), "another")
    });
    if made != [true, true] {
        skip(name, "there is no openssl");
        return;
    }
    let server = Server::start(&[]);
    server.kill();
    server.use_tls(right.path(), "hostssl all certified 127.0.0.1/32 cert\n");
    server.trust_clients_of(&right.path().join("ca.pem"));
    server.run();
    let f = OnServer::new(&server);
    drop(f.seed(1, PinPolicy::default()));
    server.client(&f.database).batch_execute("CREATE ROLE certified LOGIN SUPERUSER").unwrap();
    let open = |folder: &Path, client: &str| {
        let url = format!(
            "postgresql://certified@localhost:{}/{}?sslrootcert={ca}&sslmode=verify-full{client}",
            server.port(),
            f.database,
            ca = right.path().join("ca.pem").display(),
        );
        let place = folder.display().to_string();
        failure_or_ok(session_in(&url.replace("DIR", &place), f.folder.path()))
    };
    let files = |client: &str| format!("&sslcert=DIR/{client}.pem&sslkey=DIR/{client}.key");
    open(right.path(), &files("certified")).unwrap();
    for (folder, client, status) in [
        (right.path(), String::new(), Status::StoreLogin),
        (right.path(), files("another"), Status::StoreLogin),
        (wrong.path(), files("certified"), Status::StoreCertificate),
        (right.path(), files("missing"), Status::StoreCertificate),
        (right.path(), "&sslcert=DIR/certified.pem&sslkey=DIR/another.key".to_owned(), Status::StoreCertificate),
    ] {
        let told = open(folder, &client).unwrap_err();
        assert_eq!(told.status, status, "{client}: {told}");
    }
    use std::os::unix::fs::PermissionsExt;
    let key = right.path().join("certified.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let told = open(right.path(), &files("certified")).unwrap_err();
    assert!(told.status == Status::StoreCertificate && told.message.contains("others can read it"), "{told}");
    server.kill();
}

fn failure_or_ok(session: umpin::error::Result<Session>) -> umpin::error::Result<()> {
    session.and_then(|session| run(&session, "Get-UMMailbox", &json!({})).map(drop))
}

/// A certificate for a client, by the authority in the folder: NAME.pem, NAME.key.
fn make_client(folder: &Path, name: &str) -> bool {
    let openssl = |words: &str| {
        let ended = Command::new("openssl").args(words.split(' ')).current_dir(folder).output();
        ended.is_ok_and(|output| output.status.success())
    };
    openssl(&format!(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
    )) && openssl(&format!(
        "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out {name}.pem"
    )) && {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder.join(format!("{name}.key")), std::fs::Permissions::from_mode(0o600)).is_ok()
    }
}

#[test]
fn a_store_without_its_version_is_not_taken_for_one() {
    if !is_there("a_store_without_its_version_is_not_taken_for_one") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    drop(f.seed(1, PinPolicy::default()));
    server.client(&f.database).batch_execute("COMMENT ON TABLE ummailboxpin.change_mark IS NULL").unwrap();
    let told = failure_of(Ok(f.session()));
    assert_eq!(told.status, Status::StoreDamaged, "{told}");
}

/// What a statement that was not waited for failed with is what the call fails with, whoever passes over a failure on
/// the way to its end, and a rehearsal fails where the change would.
#[test]
fn a_write_that_fails_is_what_its_call_tells_whatever_comes_after_it() {
    if !is_there("a_write_that_fails_is_what_its_call_tells_whatever_comes_after_it") {
        return;
    }
    let server = Server::shared();
    let f = OnServer::new(server);
    drop(f.seed(1, PinPolicy::default()));
    let role = format!("reader_{}", f.database.to_lowercase());
    server
        .client(&f.database)
        .batch_execute(&format!(
            "CREATE ROLE \"{role}\" LOGIN; GRANT USAGE ON SCHEMA ummailboxpin TO \"{role}\"; GRANT ALL ON ALL TABLES \
             IN SCHEMA ummailboxpin TO \"{role}\"; REVOKE INSERT, UPDATE ON ummailboxpin.setting FROM \"{role}\""
        ))
        .unwrap();
    let session = f.session_at(&server.url(&role, &f.database));
    let cause = Cause::new("Test");
    let write = |c: &umpin::session::Change<'_>| c.tx.set_setting("server_name", "x");
    let nobody = || Error::new(Status::NotFound, "nobody");
    for mode in [Mode::Validate, Mode::Commit] {
        let told = [
            session.change(mode, &cause, |c| write(c)),
            session.change(mode, &cause, |c| {
                write(c)?;
                c.tx.setting("server_name").ok();
                Ok(())
            }),
            session.change(mode, &cause, |c| {
                write(c)?;
                c.tx.setting("server_name").ok();
                c.tx.setting("store_id").map(drop)
            }),
            session.change(mode, &cause, |c| {
                write(c)?;
                c.tx.setting("server_name").ok();
                Err(nobody())
            }),
        ];
        for (at, told) in told.into_iter().enumerate() {
            let told = told.unwrap_err();
            assert_eq!(told.status, Status::StoreRights, "{mode:?} {at}: {told}");
        }
    }
    // The connection is as good as before.
    assert_eq!(session.change(Mode::Commit, &cause, |_| Err::<(), _>(nobody())).unwrap_err().status, Status::NotFound);
    session.change(Mode::Validate, &cause, |_| Ok(())).unwrap();
}

/// What a role or a database has set for all its programs is theirs, and this one says for itself what it relies on.
#[test]
fn settings_of_a_role_change_nothing_here() {
    if !is_there("settings_of_a_role_change_nothing_here") {
        return;
    }
    let server = Server::shared();
    for (n, setting) in [
        "search_path = 'pg_temp'",
        "statement_timeout = '200ms'",
        "lock_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '1ms'",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_isolation = 'repeatable read'",
        "default_transaction_read_only = on",
        "default_transaction_deferrable = on",
        "standard_conforming_strings = off",
        "DateStyle = 'SQL, DMY'",
        "TimeZone = 'Asia/Kolkata'",
        "client_encoding = 'LATIN1'",
        "bytea_output = 'escape'",
        "transform_null_equals = on",
        "plan_cache_mode = 'force_custom_plan'",
        "row_security = off",
        "synchronous_commit = off",
        "array_nulls = off",
    ]
    .into_iter()
    .enumerate()
    {
        let f = OnServer::new(server);
        let role = format!("odd{n}_{}", f.database.to_lowercase());
        let mut owner = server.client(&f.database);
        owner
            .batch_execute(&format!(
                "CREATE ROLE \"{role}\" LOGIN; ALTER DATABASE \"{}\" OWNER TO \"{role}\"; ALTER ROLE \"{role}\" SET \
                 {setting}",
                f.database
            ))
            .unwrap();
        let url = server.url(&role, &f.database);
        let session = f.seed_at(&url, 2, PinPolicy::default());
        assert!(verify(&session, 0, FIRST_PIN).accepted, "{setting}");
        assert!(!verify(&session, 0, "000000").accepted, "{setting}");
        set(&session, 1, Some("580437")).unwrap();
        assert!(verify(&session, 1, "580437").accepted, "{setting}");
        assert_eq!(get_um_mailbox_pin(&session, &who(0)).unwrap().facts.failures, 1, "{setting}");
        let path = f.folder.path().join("copy.umbak");
        for operation in ["Backup-UMPinStore", "Restore-UMPinStore"] {
            let told = run(&session, operation, &json!({"Path": path.to_str().unwrap()}));
            assert!(told.is_ok(), "{setting}, {operation}: {:?}", told.err());
        }
        assert_eq!(super::check(&session), [""; 0], "{setting}");
        // A lock is waited for, whatever the role says of statements and locks.
        if setting.contains("timeout") {
            let mut other = server.client(&f.database);
            let mut held = other.transaction().unwrap();
            held.batch_execute("LOCK TABLE ummailboxpin.pin IN EXCLUSIVE MODE").unwrap();
            std::thread::scope(|scope| {
                let waits = scope.spawn(|| set(&session, 1, Some("604938")).map(drop));
                let mut look = server.client(&f.database);
                let mut wait_for = |count: i64| {
                    let since = std::time::Instant::now();
                    let waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND now() - waitstart > '300ms' \
                                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
                    while look.query_one(waiting, &[]).unwrap().get::<_, i64>(0) != count && !waits.is_finished() {
                        assert!(since.elapsed().as_secs() < 20);
                    }
                };
                wait_for(1);
                held.commit().unwrap();
                waits.join().unwrap().unwrap_or_else(|e| panic!("{setting}: {e}"));
            });
        }
    }
}
