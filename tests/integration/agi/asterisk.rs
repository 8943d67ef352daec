//! `umpin agi` in a real Asterisk.

use std::net::UdpSocket;
use std::path::PathBuf;

use super::*;
use crate::support::skip;
use umpin::location::Location;
use umpin::session::{Cause, Clock, Mode, Session, Tuning};

fn tools() -> PathBuf {
    let cache = || {
        std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache"))
            .join("ummailboxpin/tools")
    };
    std::env::var_os("UMPIN_TEST_TOOLS").map_or_else(cache, PathBuf::from).join("asterisk")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n")
}

/// Asterisk, with a configuration of its own, in the test's folder.
struct Pbx {
    folder: PathBuf,
    root: PathBuf,
    modules: String,
}

const NOBODY: u32 = 65534;

impl Pbx {
    /// The program's files as links into the test's folder, so that another account reaches them.
    fn prepare(folder: &Path, unpacked: &Path) -> Self {
        let stamp = std::fs::read_to_string(unpacked.join(".complete")).unwrap();
        let entry = |name: &str| {
            stamp.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned).unwrap()
        };
        let pbx = Self { folder: folder.to_owned(), root: folder.join("root"), modules: entry("modules") };
        // Asterisk does not start without its documentation, which describes its own settings.
        for (part, to) in [
            ("usr/sbin", pbx.root.join("usr/sbin")),
            ("usr/lib", pbx.root.join("usr/lib")),
            ("usr/share/asterisk/documentation", folder.join("data/documentation")),
        ] {
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            let copy = |how: &str| {
                let _ = std::fs::remove_dir_all(&to);
                Command::new("cp").arg(how).arg(unpacked.join(part)).arg(&to).stderr(Stdio::null()).status()
            };
            assert!(copy("-al").unwrap().success() || copy("-a").unwrap().success());
        }
        for made in ["etc", "data/sounds/en", "data/agi-bin", "var", "spool", "run", "log"] {
            std::fs::create_dir_all(folder.join(made)).unwrap();
        }
        let voice = unpacked.join(entry("sounds"));
        for sound in ["vm-login", "vm-password", "vm-incorrect", "vm-goodbye"] {
            let file = format!("{sound}.gsm");
            std::fs::copy(voice.with_file_name(&file), folder.join("data/sounds/en").join(&file)).unwrap();
        }
        std::fs::copy(UMPIN, folder.join("data/agi-bin/umpin")).unwrap();
        pbx
    }

    fn configure(&self, dialplan: &str, calls: &[String]) {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let write = |name: &str, text: String| std::fs::write(self.folder.join("etc").join(name), text).unwrap();
        write(
            "asterisk.conf",
            format!(
                "[directories]\nastetcdir => {}\nastmoddir => {}\nastvarlibdir => {}\nastdbdir => {}\nastkeydir => {}\n\
                 astdatadir => {}\nastagidir => {}\nastspooldir => {}\nastrundir => {}\nastlogdir => {}\n\
                 [options]\nnocolor = yes\nverbose = 1\n",
                at("etc"),
                self.root.join(&self.modules).display(),
                at("var"),
                at("var"),
                at("var"),
                at("data"),
                at("data/agi-bin"),
                at("spool"),
                at("run"),
                at("log")
            ),
        );
        let modules: String = [
            "pbx_config",
            "res_speech",
            "res_agi",
            "res_clioriginate",
            // Without a timer of its own, Asterisk 22 may end by a signal while it plays digits.
            "res_timing_timerfd",
            "app_senddtmf",
            "app_verbose",
            "app_stack",
            "format_gsm",
            "codec_gsm",
            "codec_ulaw",
            "bridge_simple",
            "func_channel",
            "func_strings",
            "func_logic",
            "func_callerid",
        ]
        .iter()
        .map(|m| format!("load = {m}.so\n"))
        .collect();
        write("modules.conf", format!("[modules]\nautoload = no\n{modules}"));
        write("logger.conf", "[logfiles]\nfull => notice,warning,error,verbose\n".into());
        write("extensions.conf", dialplan.to_owned());
        let calls: String = calls.iter().map(|c| format!("{c} = yes\n")).collect();
        write("cli.conf", format!("[startup_commands]\n{calls}"));
    }

    /// All that it and its AGI said, on its standard error too.
    fn log(&self) -> String {
        ["console", "log/full"]
            .iter()
            .filter_map(|name| std::fs::read(self.folder.join(name)).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }

    /// SIP on this port, from anybody, into the example's context; and what it plays is in its log.
    fn listen(&self, port: u16) {
        let etc = |name: &str| self.folder.join("etc").join(name);
        let add = |name: &str, text: &str| {
            let before = std::fs::read_to_string(etc(name)).unwrap_or_default();
            std::fs::write(etc(name), before + text).unwrap();
        };
        let modules: String = [
            "res_sorcery_config",
            "res_sorcery_memory",
            "res_sorcery_astdb",
            "res_pjproject",
            "res_rtp_asterisk",
            "res_pjsip",
            "res_pjsip_pubsub",
            "res_pjsip_session",
            "res_pjsip_sdp_rtp",
            "res_pjsip_caller_id",
            "res_pjsip_dtmf_info",
            "res_pjsip_endpoint_identifier_anonymous",
            "chan_pjsip",
        ]
        .iter()
        .map(|m| format!("load = {m}.so\n"))
        .collect();
        add("modules.conf", &modules);
        let asterisk = std::fs::read_to_string(etc("asterisk.conf")).unwrap();
        std::fs::write(etc("asterisk.conf"), asterisk.replace("verbose = 1", "verbose = 3")).unwrap();
        add(
            "pjsip.conf",
            &format!(
                "[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{port}\n\
                 [anonymous]\ntype = endpoint\ntransport = udp\ncontext = umpin-voicemail\ndisallow = all\n\
                 allow = ulaw\ndtmf_mode = info\n"
            ),
        );
        add("rtp.conf", "[general]\nrtpstart = 20000\nrtpend = 29999\n");
    }

    /// One of the unpacked programs, by the unpacked loader.
    fn unpacked(&self) -> (PathBuf, PathBuf) {
        let libraries = self.root.join(&self.modules).ancestors().nth(2).unwrap().to_owned();
        let loader = std::fs::read_dir(&libraries)
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| p.file_name().unwrap().to_string_lossy().starts_with("ld-linux"))
            .unwrap();
        (loader, libraries)
    }

    fn start(&self) -> Child {
        let (loader, libraries) = self.unpacked();
        let mut command = if is_root() {
            for made in ["var", "spool", "run", "log", "store"] {
                give_away(&self.folder.join(made));
            }
            // What the test made, under whatever umask, is for another account to read.
            let readable = "chmod -R a+rX etc data && chmod a+rx root root/usr";
            assert!(Command::new("sh").args(["-c", readable]).current_dir(&self.folder).status().unwrap().success());
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&loader);
            command
        } else {
            Command::new(&loader)
        };
        let console = || {
            let file = std::fs::File::options().append(true).create(true).open(self.folder.join("console")).unwrap();
            Stdio::from(file)
        };
        command
            .arg("--library-path")
            .arg(&libraries)
            .arg(self.root.join("usr/sbin/asterisk"))
            .arg("-C")
            .arg(self.folder.join("etc/asterisk.conf"))
            .args(["-f", "-n"])
            .current_dir(&self.folder)
            .env("HOME", &self.folder)
            .env("UMPIN_STORE", self.folder.join("store/um.db"))
            .env("UMPIN_KEY_FILE", self.folder.join("store/umpin.key"))
            .stdin(Stdio::null())
            .stdout(console())
            .stderr(console())
            .spawn()
            .unwrap()
    }
}

fn give_away(path: &Path) {
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

/// Ended however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The fixture's store in a folder of its own, to which another account may write. The fixture's session is not used
/// again.
fn moved(f: &Fixture) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = f.folder.path();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir(folder.join("store")).unwrap();
    f.session.change(Mode::Commit, &Cause::new("Test"), |c| c.audit("x", "moved")).unwrap();
    let copy = folder.join("store/um.db");
    f.run("Backup-UMPinStore", &serde_json::json!({"Path": copy})).unwrap();
    std::fs::copy(f.path("umpin.key"), folder.join("store/umpin.key")).unwrap();
    let sql = rusqlite::Connection::open(&copy).unwrap();
    let mode: String = sql.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0)).unwrap();
    assert_eq!(mode, "wal");
    copy
}

/// A session on the store that [`moved`] made: the failures that are counted there.
fn counted(f: &Fixture, copy: &Path, n: usize) -> u32 {
    let location = Location { store: copy.to_owned(), key: copy.with_file_name("umpin.key") };
    let session = Session::with(location, None, Tuning::danger_test(Clock::Manual(f.clock.clone()))).unwrap();
    umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin(&session, &crate::support::who(n)).unwrap().facts.failures
}

/// The documented dialplan, with Asterisk's mailbox application replaced by a line in the log.
fn example() -> String {
    let example = include_str!("../../../examples/asterisk/extensions.conf");
    let example: String =
        example.lines().filter(|l| !l.trim_start().starts_with(';')).map(|l| format!("{l}\n")).collect();
    assert!(example.contains("VoiceMailMain(${UMPIN_EXTENSION}@default,s)"), "the example signs in before it");
    example
        .replace("VoiceMailMain(${UMPIN_EXTENSION}@default,s)", "Log(NOTICE,signed-in ${UMPIN_EXTENSION})")
        .replace("<your dial plan>", "Plan")
}

#[test]
fn a_real_asterisk_signs_callers_in() {
    let unpacked = tools();
    if !unpacked.join(".complete").is_file() {
        skip("a_real_asterisk_signs_callers_in", "no Asterisk; tools/test-asterisk.sh fetches one");
        return;
    }
    let f = fixture(4);
    f.run("Lock-UMMailbox", &serde_json::json!({"Identity": "user2"})).unwrap();
    let copy = moved(&f);
    let folder = f.folder.path();
    let pbx = Pbx::prepare(folder, &unpacked);
    let example = example();
    let caller = |digits: &str, times: usize| {
        let once = format!(" same => n,SendDTMF({digits}#)\n same => n,Wait(5)\n");
        format!("1,Answer()\n same => n,Wait(2)\n{}", once.repeat(times))
    };
    let dialplan = format!(
        "{example}\n\
         [test]\n\
         exten => 100,1,Set(CALLERID(num)=50000)\n same => n,Goto(umpin-voicemail,*97,1)\n\
         exten => 101,1,Set(CALLERID(num)=50001)\n same => n,Goto(umpin-voicemail,*97,1)\n\
         exten => 102,1,Set(CALLERID(num)=50002)\n same => n,Goto(umpin-voicemail,*97,1)\n\
         exten => 103,1,Set(CALLERID(num)=50003)\n same => n,Goto(umpin-voicemail,*97,1)\n\
         exten => 200,{}\
         exten => 201,{}\
         exten => 202,{}\
         exten => 203,1,Answer()\n same => n,Wait(2)\n same => n,SendDTMF({}#,60,60)\n same => n,Wait(5)\n \
         same => n,SendDTMF({FIRST_PIN}#)\n same => n,Wait(5)\n",
        caller(FIRST_PIN, 1),
        caller("404404", 4),
        caller(FIRST_PIN, 4),
        "1".repeat(100),
    );
    let calls: Vec<String> =
        (0..4).map(|n| format!("channel originate Local/10{n}@test extension 20{n}@test")).collect();
    pbx.configure(&dialplan, &calls);
    let mut running = Running(pbx.start());
    let since = Instant::now();
    // The dialplan's last line of each.
    let ended = |log: &str| log.lines().filter(|l| l.contains(": ACCEPTED ") || l.contains(": REFUSED ")).count();
    while ended(&pbx.log()) < 4 {
        assert!(since.elapsed() < Duration::from_secs(90), "the calls did not end:\n{}", pbx.log());
        if let Some(status) = running.0.try_wait().unwrap() {
            panic!("Asterisk ended by itself ({status}):\n{}", pbx.log());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(running);
    let log = pbx.log();
    assert!(log.contains("signed-in 50000"), "{log}");
    assert!(!log.contains("signed-in 50001") && !log.contains("signed-in 50002"), "{log}");
    assert_eq!(log.matches(": REFUSED").count(), 2, "{log}");
    assert!(log.contains("signed-in 50003"), "100 digits are one try:\n{log}");
    // Asterisk's own log says whose call was refused and why, by the call's id.
    let own = std::fs::read_to_string(folder.join("log/full")).unwrap();
    let told = |what: &str| {
        let line = own.lines().find(|l| l.contains(what)).unwrap_or_else(|| panic!("{what}:\n{own}"));
        line.rsplit_once("call ").unwrap().1.to_owned()
    };
    for what in ["(WrongPin); extension 50001, channel Local/", "(LockedOut); extension 50002, channel Local/"] {
        let call = told(what);
        assert!(own.contains(&format!("umpin {call}: REFUSED")), "{call}:\n{own}");
    }
    for pin in [FIRST_PIN, "404404"] {
        assert!(!log.contains(pin), "Asterisk's log holds a PIN:\n{log}");
    }
    let counted = |n: usize| counted(&f, &copy, n);
    assert_eq!([counted(0), counted(1), counted(2)], [0, 3, 0], "dropped after three; a locked mailbox counts nothing");
    assert_eq!(extension(1), "50001");
    let tries = own.lines().filter(|l| l.contains("(WrongPin); extension 50003,")).count();
    assert_eq!(tries, 1, "100 digits are one try:\n{own}");
}

/// A port that nobody has now.
fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One message of a call that is under way, from sipp.
fn in_call(method: &str, number: usize, more: &str) -> String {
    format!(
        "<send{}><![CDATA[\n{method} sip:*97@[remote_ip]:[remote_port] SIP/2.0\n\
         Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n\
         From: <sip:[field0]@127.0.0.1>;tag=[call_number]\nTo: <sip:*97@127.0.0.1>[peer_tag_param]\n\
         Call-ID: [call_id]\nCSeq: {number} {method}\nMax-Forwards: 70\n\
         Contact: <sip:test@[local_ip]:[local_port]>\n{more}\n]]></send>\n",
        if method == "ACK" { "" } else { " retrans=\"500\"" }
    )
}

/// What sipp does in each call: it calls, goes on with `middle`, and waits for Asterisk to hang up.
fn scenario(middle: &str) -> String {
    let offer = "Content-Type: application/sdp\nContent-Length: [len]\n\n\
                 v=0\no=test 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n\
                 m=audio [media_port] RTP/AVP 0\na=rtpmap:0 PCMU/8000";
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"call\">\n{}\
         <recv response=\"100\" optional=\"true\"/>\n<recv response=\"180\" optional=\"true\"/>\n\
         <recv response=\"183\" optional=\"true\"/>\n<recv response=\"200\"/>\n{}{middle}\
         <recv request=\"BYE\"/>\n\
         <send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n\
         Content-Length: 0\n]]></send>\n</scenario>\n",
        in_call("INVITE", 1, offer),
        in_call("ACK", 1, "Content-Length: 0\n")
    )
}

/// Calls *97 by SIP, all at once, each with one of these as its From user.
fn call_by_sip(pbx: &Pbx, name: &str, port: u16, own: u16, users: &[String], middle: &str) -> Running {
    let at = |kind: &str| pbx.folder.join(format!("{name}.{kind}"));
    std::fs::write(at("xml"), scenario(middle)).unwrap();
    std::fs::write(at("csv"), format!("SEQUENTIAL\n{}\n", users.join("\n"))).unwrap();
    let many = users.len().to_string();
    let (loader, libraries) = pbx.unpacked();
    let out = std::fs::File::create(at("out")).unwrap();
    let child = Command::new(loader)
        .arg("--library-path")
        .arg(libraries)
        .arg(tools().join("usr/bin/sipp"))
        .arg(format!("127.0.0.1:{port}"))
        .arg("-sf")
        .arg(at("xml"))
        .arg("-inf")
        .arg(at("csv"))
        .args(["-m", &many, "-l", &many, "-r", &many, "-i", "127.0.0.1", "-p", &own.to_string()])
        .args([
            "-cid_str",
            "call-%u@test",
            "-timeout",
            "120s",
            "-timeout_error",
            "-nostdin",
            "-trace_err",
            "-error_file",
        ])
        .arg(at("err"))
        .current_dir(&pbx.folder)
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn()
        .unwrap();
    Running(child)
}

/// Until it is so; what sipp and Asterisk said where it never is.
fn until(pbx: &Pbx, what: &str, seconds: u64, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        let said =
            || ["sip.out", "sip.err"].map(|n| std::fs::read_to_string(pbx.folder.join(n)).unwrap_or_default()).concat();
        assert!(since.elapsed() < Duration::from_secs(seconds), "{what}: never\n{}\n{}", said(), pbx.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn done(pbx: &Pbx, sipp: &mut Running) {
    let mut status = None;
    until(pbx, "sipp ends", 120, || {
        status = sipp.0.try_wait().unwrap();
        status.is_some()
    });
    assert!(
        status.unwrap().success(),
        "{}\n{}",
        std::fs::read_to_string(pbx.folder.join("sip.out")).unwrap(),
        pbx.log()
    );
}

fn asterisk_by_sip(name: &str) -> Option<PathBuf> {
    let unpacked = tools();
    if unpacked.join(".complete").is_file() && unpacked.join("usr/bin/sipp").is_file() {
        return Some(unpacked);
    }
    skip(name, "no Asterisk with sipp; tools/test-asterisk.sh fetches both");
    None
}

/// How often a channel was played this sound.
fn played(log: &str, channel: &str, sound: &str) -> usize {
    log.lines().filter(|l| l.contains(&format!("<{channel}> Playing '{sound}."))).count()
}

/// The channels that came by SIP, in the order of their first line.
fn sip_channels(log: &str) -> Vec<String> {
    let mut channels = Vec::new();
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("<PJSIP/")
            && let Some((name, _)) = rest.split_once('>')
            && !channels.iter().any(|c: &String| c.ends_with(name))
        {
            channels.push(format!("PJSIP/{name}"));
        }
    }
    channels
}

/// The From user of an INVITE is the caller's to choose. Whatever it is, the course is the same: the extension is asked
/// for where it is no number, the PIN always, once, as the dial plan's LogonFailuresBeforeDisconnect of 1 has it.
#[test]
fn a_real_asterisk_asks_hostile_sip_callers_for_a_pin() {
    let Some(unpacked) = asterisk_by_sip("a_real_asterisk_asks_hostile_sip_callers_for_a_pin") else { return };
    let f = fixture(2);
    f.run("Set-UMDialPlan", &serde_json::json!({"Identity": "Plan", "LogonFailuresBeforeDisconnect": 1})).unwrap();
    let copy = moved(&f);
    let pbx = Pbx::prepare(f.folder.path(), &unpacked);
    // Nobody dials anything, so that no moment matters.
    let dialplan = example().replace("AGI(umpin,agi,Plan,,", "AGI(umpin,agi,Plan,,--timeout,500,");
    assert!(dialplan.contains("--timeout"));
    pbx.configure(&dialplan, &[]);
    let (port, own) = (free_port(), free_port());
    pbx.listen(port);
    let message = "/var/spool/asterisk/voicemail/default/50001/INBOX/msg0000";
    let numbers = ["50000".to_owned(), "9".repeat(200)];
    let hostile = [
        format!("50000,--prompt,{message}"),
        format!("50000%2C--prompt%2C{message}"),
        format!("50000%2C--goodbye%2C..%2F..%2F{message}"),
        "50000,--store,/tmp/own.db,--key-file,/tmp/own.key".to_owned(),
        "50000%2C--store=%2Ftmp%2Fown.db".to_owned(),
        "50000,--tries,10".to_owned(),
        "50000%2C--tries=10".to_owned(),
        "50000%20--tries%2010".to_owned(),
        "50000%2C50001".to_owned(),
        "--ask".to_owned(),
        "%2D%2Dtries%2C10".to_owned(),
        "%20%20%20".to_owned(),
        "%20--%20".to_owned(),
        "50000)".to_owned(),
        "%22)%0A".to_owned(),
        "$%7BUMPIN_RESULT%7D".to_owned(),
        "..%2F..%2Fetc".to_owned(),
        "50000%2C".repeat(30),
    ];
    let users: Vec<String> = numbers.iter().chain(&hostile).cloned().collect();
    let mut asterisk = Running(pbx.start());
    // Ready when it answers, whatever it answers.
    let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
    probe.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    until(&pbx, "Asterisk answers", 60, || {
        let ask = options(probe.local_addr().unwrap().port(), "probe@test");
        probe.send_to(ask.as_bytes(), ("127.0.0.1", port)).is_ok() && probe.recv(&mut [0; 2000]).is_ok()
    });
    let mut sipp = call_by_sip(&pbx, "sip", port, own, &users, "");
    done(&pbx, &mut sipp);
    until(&pbx, "the calls end", 30, || pbx.log().matches("Ext. h: umpin ").count() >= users.len());
    assert!(asterisk.0.try_wait().unwrap().is_none(), "it still runs");
    drop(asterisk);
    let log = std::fs::read_to_string(pbx.folder.join("log/full")).unwrap();
    let channels = sip_channels(&log);
    assert_eq!(channels.len(), users.len(), "{log}");
    let of = |sound: &str| channels.iter().map(|c| played(&log, c, sound)).collect::<Vec<_>>();
    assert_eq!(of("vm-password"), vec![1; users.len()], "each is asked for a PIN, once:\n{log}");
    assert_eq!(of("vm-login").iter().sum::<usize>(), hostile.len(), "who is no number says which extension:\n{log}");
    assert_eq!(of("vm-goodbye"), vec![1; users.len()], "{log}");
    assert!(!log.contains("ACCEPTED") && !log.contains("signed-in") && !log.contains("msg0000"), "{log}");
    assert_eq!([counted(&f, &copy, 0), counted(&f, &copy, 1)], [0, 0], "nobody said anything");
}

/// A SIP request from the test itself.
fn options(from: u16, call: &str) -> String {
    format!(
        "OPTIONS sip:*97@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{from};branch=z9hG4bK{from}\r\n\
         From: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:test@127.0.0.1>\r\nCall-ID: {call}\r\nCSeq: 9 OPTIONS\r\n\
         Max-Forwards: 70\r\nContact: <sip:test@127.0.0.1:{from}>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// They dial when the test says so, by a message into each call: when all of them hear the prompt.
fn dials(pin: &str) -> String {
    let mut dialled = "<recv request=\"OPTIONS\"/>\n".to_owned();
    for (n, digit) in pin.chars().chain(['#']).enumerate() {
        let signal =
            format!("Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal={digit}\nDuration=100\n");
        dialled += &in_call("INFO", n + 2, &signal);
        dialled += "<recv response=\"200\"/>\n";
        // Behind the last one Asterisk may hang up at once.
        if digit != '#' {
            dialled += "<pause milliseconds=\"200\"/>\n";
        }
    }
    dialled
}

#[test]
fn a_real_asterisk_signs_twenty_sip_callers_in_at_once() {
    const CALLERS: usize = 20;
    let Some(unpacked) = asterisk_by_sip("a_real_asterisk_signs_twenty_sip_callers_in_at_once") else { return };
    let f = fixture(CALLERS);
    let copy = moved(&f);
    let pbx = Pbx::prepare(f.folder.path(), &unpacked);
    pbx.configure(&example().replace("AGI(umpin,agi,Plan,,", "AGI(umpin,agi,Plan,,--timeout,60000,"), &[]);
    let (port, own) = (free_port(), free_port());
    pbx.listen(port);
    let asterisk = Running(pbx.start());
    let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
    let here = probe.local_addr().unwrap().port();
    probe.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    until(&pbx, "Asterisk answers", 60, || {
        probe.send_to(options(here, "probe@test").as_bytes(), ("127.0.0.1", port)).is_ok()
            && probe.recv(&mut [0; 2000]).is_ok()
    });
    let users: Vec<String> = (0..CALLERS).map(extension).collect();
    let mut sipp = call_by_sip(&pbx, "sip", port, own, &users, &dials(FIRST_PIN));
    let full = || std::fs::read_to_string(pbx.folder.join("log/full")).unwrap_or_default();
    until(&pbx, "all are asked for a PIN", 60, || full().matches("Playing 'vm-password.").count() == CALLERS);
    for call in 1..=CALLERS {
        probe.send_to(options(here, &format!("call-{call}@test")).as_bytes(), ("127.0.0.1", own)).unwrap();
    }
    done(&pbx, &mut sipp);
    until(&pbx, "the calls end", 30, || full().matches("Ext. h: umpin ").count() == CALLERS);
    drop(asterisk);
    let log = pbx.log();
    for n in 0..CALLERS {
        assert!(log.contains(&format!("Ext. *97: signed-in {}", extension(n))), "{n}:\n{log}");
        assert_eq!(counted(&f, &copy, n), 0);
    }
    assert!(!log.contains(FIRST_PIN), "Asterisk's log holds a PIN:\n{log}");
}

/// In a mount namespace of its own, with what is written below these three kept in memory: nothing is left on the
/// machine.
const CLEAN: &str = r#"
umask 022
test ! -e /var/lib/ummailboxpin && test ! -e /etc/ummailboxpin || exit 77
mount -t tmpfs umpin "$UMPIN_FOLLOW" || exit 77
for part in usr etc var/lib; do
    mkdir -p "$UMPIN_FOLLOW/$part/upper" "$UMPIN_FOLLOW/$part/work"
    at=lowerdir=/$part,upperdir=$UMPIN_FOLLOW/$part/upper,workdir=$UMPIN_FOLLOW/$part/work
    mount -t overlay -o "$at" umpin "/$part" || exit 77
done
exec "$@"
"#;

/// The commands of docs/pbx.md, run as they stand there on clean folders, end in accepted calls, a refused one of a
/// locked mailbox, a mail that arrives, and calls that are not disturbed by rotations of the key.
#[test]
fn the_documented_installation_ends_in_calls_that_sign_in() {
    let name = "the_documented_installation_ends_in_calls_that_sign_in";
    let follows = std::env::var_os("UMPIN_FOLLOW");
    if follows.as_ref().is_some_and(|who| who == "administrator") {
        return administer();
    }
    let Some(unpacked) = asterisk_by_sip(name) else { return };
    if follows.is_some() {
        return follow_the_document(&unpacked);
    }
    if !is_root() {
        return skip(name, "only root makes accounts; it does so in a mount namespace of its own");
    }
    let memory = tempfile::tempdir().unwrap();
    let done = Command::new("unshare")
        .args(["-m", "--propagation", "private", "sh", "-ec", CLEAN, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([&child::test_name(module_path!(), name), "--exact", "--nocapture"])
        .env("UMPIN_FOLLOW", memory.path())
        .stdin(Stdio::null())
        .output();
    match done {
        Ok(done) if done.status.success() => {}
        Ok(done) if done.status.code() == Some(77) => skip(name, "no overlay of memory, or the machine has a store"),
        Err(_) => skip(name, "no unshare"),
        Ok(done) => panic!(
            "{}\n{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr).chars().take(20_000).collect::<String>()
        ),
    }
}

fn shell(pbx: &Pbx, text: &str) -> String {
    let path = format!("{}:{}", pbx.folder.join("bin").display(), std::env::var("PATH").unwrap());
    let done = Command::new("bash")
        .args(["-c", &format!("set -e\n{text}")])
        .current_dir(pbx.folder.join("checkout"))
        .env("PATH", path + ":/usr/sbin:/sbin")
        .env("ADMINISTRATOR", "umadmin")
        .env_remove("UMPIN_STORE")
        .env_remove("UMPIN_KEY_FILE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (code, out, err) = told(done);
    assert_eq!(code, 0, "{text}\n{out}{err}");
    out + &err
}

/// What the test's service manager started, by the file with its process id; ended however the test ends.
struct Service(PathBuf);

impl Drop for Service {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(&self.0) {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
        }
    }
}

/// People in [`follow_the_document`]: callers, then one who is locked and one whose PIN is reset.
const FOLLOWERS: usize = 22;

/// The administrator's part, in a process of that account: the usual place, and nothing in it yet.
fn administer() {
    let location = Location::resolve(None, None).unwrap();
    assert_eq!(location.store, Path::new("/var/lib/ummailboxpin/um.db"));
    let session = Session::with(location, None, Tuning::danger_test(Clock::System)).unwrap();
    let f = Fixture { folder: tempfile::tempdir().unwrap(), clock: Default::default(), session };
    let policy = PinPolicy { lifetime_days: None, failures_before_reset: Some(2), ..PinPolicy::default() };
    f.seed(policy, FOLLOWERS);
    f.run("Set-UMDialPlan", &serde_json::json!({"Identity": "Plan", "LogonFailuresBeforeDisconnect": 1})).unwrap();
    f.run("Lock-UMMailbox", &serde_json::json!({"Identity": format!("user{}", FOLLOWERS - 2)})).unwrap();
}

fn follow_the_document(unpacked: &Path) {
    use std::os::unix::fs::PermissionsExt;
    const CALLERS: usize = FOLLOWERS - 2;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let pbx = Pbx::prepare(folder.path(), unpacked);
    pbx.configure(&example().replace("AGI(umpin,agi,Plan,,", "AGI(umpin,agi,Plan,,--timeout,60000,"), &[]);
    let (port, own) = (free_port(), free_port());
    pbx.listen(port);
    let folder = pbx.folder.display().to_string();
    let settings = std::fs::read_to_string(pbx.folder.join("etc/asterisk.conf")).unwrap();
    let settings = settings.replace(&format!("{folder}/data/agi-bin"), "/usr/share/asterisk/agi-bin");
    std::fs::write(pbx.folder.join("etc/asterisk.conf"), settings).unwrap();

    // What is there before: a built checkout, Asterisk's package with its account, an administrator, a service manager.
    for made in ["checkout/target/release", "bin"] {
        std::fs::create_dir_all(pbx.folder.join(made)).unwrap();
    }
    std::fs::copy(UMPIN, pbx.folder.join("checkout/target/release/umpin")).unwrap();
    std::fs::write(pbx.folder.join("checkout/target/release/libumpin.so"), "").unwrap();
    let (loader, libraries) = pbx.unpacked();
    let start = format!(
        "#!/bin/sh\ncd '{folder}'\nHOME=$PWD setpriv --reuid=asterisk --regid=asterisk --init-groups -- '{}' \
         --library-path '{}' root/usr/sbin/asterisk -C \"$PWD\"/etc/asterisk.conf -f -n >>console 2>&1 </dev/null \
         &\necho $! >pid\n",
        loader.display(),
        libraries.display()
    );
    std::fs::write(pbx.folder.join("bin/systemctl"), start).unwrap();
    std::fs::write(pbx.folder.join("bin/pidof"), format!("#!/bin/sh\ncat '{folder}/pid'\n")).unwrap();
    shell(
        &pbx,
        "chmod 755 ../bin/*\nuseradd --system --home-dir / asterisk\nuseradd umadmin\n\
         mkdir -p /usr/share/asterisk/agi-bin\nchown -R asterisk ../var ../spool ../run ../log",
    );

    let text = include_str!("../../../docs/pbx.md");
    // The package, which stands before, has a test of its own.
    let install = text.split_once("\nBy hand, as root").unwrap().1.split_once("\n## ").unwrap().0;
    let blocks: Vec<&str> = install.split("```sh\n").skip(1).map(|b| b.split_once("```").unwrap().0).collect();
    let [program, accounts, folders, restart, check] = blocks[..] else { panic!("{blocks:?}") };
    // An empty file stands for the library, which ldconfig would complain of.
    for block in [program, accounts, folders] {
        shell(&pbx, block);
    }
    // An administrator, in the group by now, makes the store and the key, under the usual umask that CLEAN sets.
    std::fs::copy(std::env::current_exe().unwrap(), pbx.folder.join("bin/administrator")).unwrap();
    let name = child::test_name(module_path!(), "the_documented_installation_ends_in_calls_that_sign_in");
    shell(
        &pbx,
        &format!(
            "chmod 755 ../bin/administrator; cd /\n\
             env -u TMPDIR UMPIN_FOLLOW=administrator setpriv --reuid=umadmin --regid=umadmin --init-groups -- \
             '{folder}/bin/administrator' {name} --exact --nocapture"
        ),
    );
    let (store, key) = (Path::new("/var/lib/ummailboxpin/um.db"), Path::new("/etc/ummailboxpin/umpin.key"));
    let asterisk = Service(pbx.folder.join("pid"));
    let groups = shell(&pbx, restart);
    let group = shell(&pbx, "getent group ummailboxpin | cut -d: -f3");
    assert!(groups.split_whitespace().any(|g| g == group.trim()), "{groups} without {group}");
    let check = check.replace("51234", "50000").replace("Redmond", "Plan").replace("; echo", " || echo");
    let checked = shell(&pbx, &check);
    assert!(checked.starts_with("{\"result\":\"refused\"}\n1\numpin: 20"), "{checked}");
    assert!(checked.ends_with("Z refused: WrongPin; extension 50000\n"), "{checked}");

    let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
    let here = probe.local_addr().unwrap().port();
    probe.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    until(&pbx, "Asterisk answers", 60, || {
        probe.send_to(options(here, "probe@test").as_bytes(), ("127.0.0.1", port)).is_ok()
            && probe.recv(&mut [0; 2000]).is_ok()
    });
    let location = Location { store: store.to_owned(), key: key.to_owned() };
    let administrator = Session::with(location, None, Tuning::danger_test(Clock::System)).unwrap();
    let users: Vec<String> = (0..=CALLERS).map(extension).collect();
    let mut sipp = call_by_sip(&pbx, "sip", port, own, &users, &dials(FIRST_PIN));
    let full = || std::fs::read_to_string(pbx.folder.join("log/full")).unwrap_or_default();
    until(&pbx, "all are asked for a PIN", 60, || full().matches("Playing 'vm-password.").count() == users.len());
    for call in 1..=users.len() {
        probe.send_to(options(here, &format!("call-{call}@test")).as_bytes(), ("127.0.0.1", own)).unwrap();
    }
    let mut rotations = 0;
    while sipp.0.try_wait().unwrap().is_none() {
        crate::support::run(&administrator, "Update-UMPinKey", &serde_json::json!({})).unwrap();
        rotations += 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(rotations > 1, "the key was rotated while they dialled");
    done(&pbx, &mut sipp);
    until(&pbx, "the calls end", 30, || full().matches("Ext. h: umpin ").count() == users.len());
    drop(asterisk);
    let log = pbx.log();
    assert_eq!(log.matches("Ext. *97: signed-in ").count(), CALLERS, "{log}");
    assert!(log.contains(&format!("(LockedOut); extension {},", extension(CALLERS))), "{log}");

    let pickup = pbx.folder.join("pickup");
    std::fs::create_dir(&pickup).unwrap();
    let mail = serde_json::json!({"Transport": "Pickup", "PickupFolder": pickup}).to_string();
    administrator
        .change(Mode::Commit, &Cause::new("Test"), |c| c.tx.set_setting(umpin::store::settings::MAIL, &mail))
        .unwrap();
    shell(&pbx, "chown ummailboxpin ../pickup");
    // The second wrong PIN resets; Asterisk's account mails nothing, the timer's command does, and that PIN signs in.
    let reset = extension(FOLLOWERS - 1);
    let ask = |pin: &str| {
        let verify = format!("umpin verify --extension {reset} --dial-plan Plan --log-reason");
        shell(&pbx, &format!("printf '{pin}\\n' | runuser -u asterisk -- {verify} || true"))
    };
    assert!(ask("000000").contains("refused: WrongPin"));
    assert!(ask("000000").contains("refused: PinReset"));
    assert_eq!(crate::support::mails(&pickup).len(), 0);
    assert_eq!(shell(&pbx, "runuser -u ummailboxpin -- umpin deliver"), "{\"sent\":1,\"failed\":0}\n");
    let mails = crate::support::mails(&pickup);
    assert_eq!(mails.len(), 1);
    let new = crate::support::pin_in(&mails[0]).unwrap();
    assert!(ask(&new).starts_with("{\"result\":\"accepted\",\"mustChange\":true"));
    assert!(ask(FIRST_PIN).contains("refused: WrongPin"));
}
