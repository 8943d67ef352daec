//! A real umpin-web on a store in a throwaway folder, and a client that can be rude.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::umpin_support::Fixture;
use umpin::pin::PinPolicy;

/// However slow the machine is, an answer that takes longer is none.
pub const PATIENCE: Duration = Duration::from_secs(120);
pub const DESK: &str = "helpdesk";
pub const LEAD: &str = "lead";
pub const AUDITOR: &str = "auditor";
pub const URL: &str = "https://voicemail.contoso.com";

pub const ROLES: &str = "[roles]\nhelp_desk = ['helpdesk']\ntype_pin = ['lead']\nauditor = ['auditor']\n";

/// People under a policy without expiry, so that the day of the test does not matter.
pub fn store(people: usize) -> Fixture {
    let fixture = Fixture::new(PinPolicy { lifetime_days: None, ..PinPolicy::default() }, people);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    fixture.clock.store(i64::try_from(now).unwrap(), std::sync::atomic::Ordering::SeqCst);
    fixture
}

pub enum Place {
    Tcp(String),
    Unix(PathBuf),
}

/// The program, running.
pub struct Page {
    child: Child,
    pub place: Place,
    log: Arc<Mutex<String>>,
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command(store: &Path, configuration: &str) -> Command {
    let file = store.join("web.toml");
    std::fs::write(&file, format!("url = '{URL}'\n{configuration}{ROLES}")).unwrap();
    // Whatever the umask is.
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_umpin-web"));
    command.arg("--config").arg(file).arg("--store").arg(store.join("um.db"));
    command.arg("--key-file").arg(store.join("umpin.key"));
    // A proxy of the machine's own is not for loopback.
    command.env("NO_PROXY", "127.0.0.1").env("TZ", "UTC");
    command
}

impl Page {
    /// Behind a proxy that names people in `Remote-User` and `Remote-Groups`.
    pub fn behind_proxy(fixture: &Fixture) -> Self {
        let socket = fixture.path("web.socket");
        let configuration = "[proxy]\nuser_header = 'Remote-User'\ngroups_header = 'Remote-Groups'\n";
        let mut command = command(fixture.folder.path(), configuration);
        command.arg("--listen").arg(format!("unix:{}", socket.display()));
        Self::start(command, |_| Place::Unix(socket.clone()))
    }

    /// With a provider, on a port of loopback.
    pub fn with_provider(fixture: &Fixture, openid: &str) -> Self {
        let mut command = command(fixture.folder.path(), openid);
        command.args(["--listen", "127.0.0.1:0"]);
        Self::start(command, |shown| Place::Tcp(shown.to_owned()))
    }

    fn start(mut command: Command, place: impl Fn(&str) -> Place) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let shown = first.trim_end().strip_prefix("umpin-web: listening on ").unwrap_or_else(|| panic!("{first}"));
        let place = place(shown);
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|n| n > 0) {
                kept.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self { child, place, log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The log, once it holds `words`.
    pub fn log_with(&self, words: &str) -> String {
        self.log_with_times(words, 1)
    }

    /// The log once it has the words so many times: its lines come when the answer is out already.
    pub fn log_with_times(&self, words: &str, times: usize) -> String {
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            let log = self.log.lock().unwrap().clone();
            if log.matches(words).count() >= times {
                return log;
            }
            assert!(std::time::Instant::now() < until, "the log has not {times} times '{words}': {log}");
            std::thread::yield_now();
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn connect(&self) -> Box<dyn Stream> {
        match &self.place {
            Place::Tcp(address) => {
                let stream = TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                Box::new(stream)
            }
            Place::Unix(path) => {
                let stream = UnixStream::connect(path).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                Box::new(stream)
            }
        }
    }

    /// One request, as it stands.
    pub fn send(&self, request: &str) -> Reply {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        Reply::read(&mut stream)
    }

    /// A page, with these header lines.
    pub fn get(&self, path: &str, headers: &[&str]) -> Reply {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n"))
    }

    /// A form, with these header lines.
    pub fn post(&self, path: &str, headers: &[&str], fields: &[(&str, &str)]) -> Reply {
        let body = fields.iter().map(|(n, v)| format!("{n}={}", encoded(v))).collect::<Vec<_>>().join("&");
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n{lines}\r\n{body}",
            body.len()
        ))
    }
}

pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// Percent-encoded.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn read(stream: &mut dyn Stream) -> Self {
        let mut bytes = Vec::new();
        // Whoever was refused while still sending may see the connection reset behind the answer.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { status, headers, body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    pub fn cookies(&self) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == "set-cookie").map(|(_, value)| value.as_str()).collect()
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The value of the form's field of this name.
    pub fn field(&self, name: &str) -> String {
        let (_, rest) = self
            .body
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("no field {name} in {} {}", self.status, self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}
