//! None, Pickup, Command: how a message leaves this machine.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Status};
use crate::guid::new_guid;
use crate::os;

/// How long a command may take, unless it is told otherwise.
pub(crate) const DEFAULT_TIMEOUT_SECONDS: u32 = 30;

/// Stands in a command's arguments for the sender's address. Without it a program such as sendmail takes the account
/// that it runs under for the sender, and what cannot be delivered comes back there with the PIN in it.
pub(crate) const SENDER_PLACEHOLDER: &str = "{sender}";

/// Which way messages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Transport {
    /// They wait, sealed.
    #[default]
    None,
    /// Complete `.eml` files in a folder that a mail server reads, Exchange's pickup folder for one.
    Pickup,
    /// A program that reads one message on standard input, `sendmail -t -i` for one. No shell.
    Command,
}

/// The store's mail settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct MailSettings {
    /// Which way.
    pub transport: Transport,
    /// For `Pickup`.
    pub pickup_folder: String,
    /// For `Command`: the program.
    pub command: String,
    /// Its arguments, each as it stands.
    pub command_arguments: Vec<String>,
    /// Seconds until a command counts as hanging; 0 is [`DEFAULT_TIMEOUT_SECONDS`].
    pub command_timeout_seconds: u32,
    /// From whom; empty: `voicemail@` and the recipient's domain.
    pub sender_address: String,
    /// The name beside it; may be empty.
    pub sender_name: String,
}

impl MailSettings {
    /// How long one delivery may take.
    pub(crate) fn timeout(&self) -> Duration {
        let seconds =
            if self.command_timeout_seconds == 0 { DEFAULT_TIMEOUT_SECONDS } else { self.command_timeout_seconds };
        Duration::from_secs(seconds.into())
    }

    /// Hands `message` over. `name` becomes the file's in a pickup folder, `sender` is told to a program that is
    /// given [`SENDER_PLACEHOLDER`]. Takes at most `limit`.
    pub(crate) fn send(&self, name: &str, sender: &str, message: &[u8], limit: Duration) -> Result<()> {
        match self.transport {
            Transport::None => Err(failed("no mail transport is configured")),
            Transport::Pickup => pick_up(Path::new(&self.pickup_folder), name, message),
            Transport::Command => {
                let arguments: Vec<String> =
                    self.command_arguments.iter().map(|a| a.replace(SENDER_PLACEHOLDER, sender)).collect();
                run_program(&self.command, &arguments, message, limit.min(self.timeout()))
            }
        }
    }
}

/// Whether an argument, behind `before`, seems to hold a password. It would stand in clear in the store and, while the
/// program runs, in the machine's list of processes.
pub(crate) fn seems_secret(before: Option<&str>, argument: &str) -> bool {
    // A program's own option that names where its password is (msmtp's --passwordeval) holds none.
    let names_one = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["password", "passwd", "passphrase", "passwort", "pass", "pwd", "secret", "token", "apikey", "api-key"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    let names_a_login = |name: &str| matches!(name, "-u" | "--user" | "--login" | "-U" | "--proxy-user");
    // user:password, and the same in an address.
    let login = |text: &str| text.split_once(':').is_some_and(|(user, rest)| !user.is_empty() && !rest.is_empty());
    let in_address =
        argument.split_once("://").is_some_and(|(_, rest)| rest.rsplit_once('@').is_some_and(|(user, _)| login(user)));
    in_address
        || argument.split_once('=').is_some_and(|(name, value)| {
            (names_one(name) && !value.is_empty()) || (names_a_login(name) && login(value))
        })
        || before.is_some_and(|b| b.starts_with('-') && (names_one(b) || (names_a_login(b) && login(argument))))
}

/// Whether Windows would run the program through cmd.exe, whose rules for arguments are not ours: a batch file, also
/// with the dots and blanks at the end of its name that Windows passes over. Elsewhere the end of a name means nothing.
pub(crate) fn runs_in_a_shell(program: &str) -> bool {
    let name = program.trim_end_matches(['.', ' ']).to_ascii_lowercase();
    cfg!(windows) && [".bat", ".cmd"].iter().any(|end| name.ends_with(end))
}

fn failed(why: &str) -> Error {
    Error::new(Status::DeliveryFailed, why)
}

/// A whole file or none: written beside, flushed, renamed.
fn pick_up(folder: &Path, name: &str, message: &[u8]) -> Result<()> {
    let wrong = |e: std::io::Error| failed(&format!("the pickup folder '{}' cannot be written: {e}", folder.display()));
    remove_leftovers(folder, name);
    let finished: PathBuf = folder.join(format!("{name}.eml"));
    // Whoever else may write to the folder must not know the name beforehand, nor have put anything there.
    let unfinished = folder.join(format!("{name}.{}.tmp", new_guid()?));
    let mut options = std::fs::OpenOptions::new();
    // New, or not at all: neither a link nor a file that lies there is opened.
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&unfinished).map_err(wrong)?;
    let mut write = || {
        #[cfg(unix)]
        let_the_server_read(&file, folder)?;
        file.write_all(message)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &finished)?;
        #[cfg(unix)]
        std::fs::File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().map_err(|e| {
        let _ = std::fs::remove_file(&unfinished);
        wrong(e)
    })
}

/// The mail server reads through the folder's group, which a file in a setgid folder has, whatever the umask says.
/// A file with the writer's own group instead is nobody else's to read. On macOS every file has its folder's group,
/// which may be everybody's (`staff`), so there the bit alone tells that a group was meant.
#[cfg(unix)]
fn let_the_server_read(file: &std::fs::File, folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = std::fs::metadata(folder)?;
    let is_meant = cfg!(target_os = "linux") || folder.mode() & 0o2000 != 0;
    let mode = if is_meant && file.metadata()?.gid() == folder.gid() { 0o640 } else { 0o600 };
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

/// What a process that died while writing this message left behind: it holds a PIN. A folder that may be written but
/// not listed keeps it.
fn remove_leftovers(folder: &Path, name: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let random = file.to_str().and_then(|f| f.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".tmp"));
        if random.is_some() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn run_program(program: &str, arguments: &[String], message: &[u8], limit: Duration) -> Result<()> {
    if runs_in_a_shell(program) {
        return Err(failed(&format!(
            "'{program}' is a batch file, which Windows runs through a shell; name a program"
        )));
    }
    let started = Instant::now();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    // So that what it starts can be ended with it.
    let (family, mut child) =
        os::Family::start(&mut command).map_err(|e| failed(&format!("'{program}' cannot be started: {e}")))?;
    let words = collect(&mut child);
    // Writing in a thread of its own: a program that does not read would block it for ever.
    let stdin = child.stdin.take();
    let body = zeroize::Zeroizing::new(message.to_vec());
    let writer = std::thread::spawn(move || {
        os::block_broken_pipe_signal();
        stdin.map_or(Ok(()), |mut pipe| pipe.write_all(&body))
    });
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() >= limit => {
                family.kill(&mut child);
                let _ = child.wait();
                return Err(failed(&format!(
                    "'{program}' did not end within {:.1} seconds and was stopped{}",
                    limit.as_secs_f32(),
                    words.said()
                )));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Err(e) => return Err(failed(&format!("'{program}' cannot be waited for: {e}"))),
        }
    };
    // A program that ended without reading everything shows it by its exit code; a broken pipe alone says nothing.
    drop(writer);
    if status.success() {
        return Ok(());
    }
    let ended = status.code().map_or_else(|| "by a signal".to_owned(), |code| format!("with exit code {code}"));
    Err(failed(&format!("'{program}' ended {ended}{}", words.said())))
}

/// The first words that a program says on standard error.
struct Words {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Ends when the program has closed the pipe or said enough.
    enough: Receiver<()>,
}

/// As many bytes of them as are kept.
const MOST_WORDS: usize = 400;

fn collect(child: &mut Child) -> Words {
    let (ended, enough) = std::sync::mpsc::channel::<()>();
    let bytes = Arc::new(Mutex::new(Vec::new()));
    if let Some(mut pipe) = child.stderr.take() {
        let bytes = bytes.clone();
        std::thread::spawn(move || {
            let mut part = [0; MOST_WORDS];
            while let Ok(n @ 1..) = pipe.read(&mut part) {
                let mut kept = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MOST_WORDS - kept.len();
                kept.extend_from_slice(&part[..n.min(room)]);
                if kept.len() == MOST_WORDS {
                    break;
                }
            }
            drop(ended);
            // Read on, so that a talkative program does not stop at a full pipe.
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        });
    }
    Words { bytes, enough }
}

impl Words {
    /// `: ` and what was said until now, or nothing; with runs of four digits and more blotted out: it might repeat the
    /// message, and no PIN may stand in an error.
    fn said(&self) -> String {
        // What was said just before the end may still be on its way; somebody who left the group may hold the pipe
        // open.
        let _ = self.enough.recv_timeout(Duration::from_millis(200));
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A number at the end may be the beginning of a longer one, cut off here.
        let end = bytes.iter().rposition(|b| !b.is_ascii_digit()).map_or(0, |at| at + 1);
        bytes.truncate(end);
        let words = without_numbers(&String::from_utf8_lossy(&bytes));
        if words.is_empty() { words } else { format!(": {words}") }
    }
}

fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.trim().chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        out.push_str(if digits.len() < 4 { &digits } else { "####" });
        digits.clear();
        out.push(if c.is_control() { ' ' } else { c });
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_could_be_pins_are_blotted_out() {
        assert_eq!(without_numbers("550 5.1.1 PIN: 739182\nline 2 7391"), "550 5.1.1 PIN: #### line 2 ####");
    }

    #[test]
    fn a_pickup_file_appears_whole_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let mail = MailSettings {
            transport: Transport::Pickup,
            pickup_folder: folder.path().to_str().unwrap().into(),
            ..Default::default()
        };
        mail.send("a", "um@contoso.com", b"hello", Duration::from_secs(1)).unwrap();
        assert_eq!(std::fs::read(folder.path().join("a.eml")).unwrap(), b"hello");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// This test's own program as the mail program: it does what the words say, each as one argument. Filters that
    /// match no test may hold anything.
    fn program(words: &[&str]) -> MailSettings {
        let this = ["--exact", "mail::transport::tests::a_mail_program", "--nocapture", "--test-threads=1"];
        MailSettings {
            transport: Transport::Command,
            command: std::env::current_exe().unwrap().to_str().unwrap().into(),
            command_arguments: this.iter().chain(words).map(|word| (*word).to_owned()).collect(),
            ..Default::default()
        }
    }

    /// What [`program`] runs; as a test among the others it finds no words and does nothing.
    #[test]
    fn a_mail_program() {
        let arguments: Vec<String> = std::env::args().collect();
        let word = |name: &str| arguments.iter().find_map(|a| a.strip_prefix(name)).map(str::to_owned);
        if let Some(file) = word("save=") {
            let mut message = Vec::new();
            std::io::stdin().read_to_end(&mut message).unwrap();
            std::fs::write(file, message).unwrap();
        }
        if let Some(file) = word("arguments=") {
            let behind = arguments.iter().skip_while(|a| !a.starts_with("arguments=")).skip(1);
            std::fs::write(file, behind.map(|a| format!("{a}\n")).collect::<String>()).unwrap();
        }
        if let Some(words) = word("say=") {
            std::io::stderr().write_all(words.as_bytes()).unwrap();
        }
        if let Some(file) = word("said=") {
            std::fs::write(file, "").unwrap();
        }
        if let Some(file) = word("listen=") {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            std::fs::write(format!("{file}.new"), listener.local_addr().unwrap().to_string()).unwrap();
            std::fs::rename(format!("{file}.new"), file).unwrap();
            std::thread::spawn(|| {
                std::thread::sleep(Duration::from_secs(300));
                std::process::exit(1);
            });
            // Taken, not left waiting: where the queue of callers is full, it looks as if nobody listened any more.
            for caller in listener.incoming() {
                drop(caller);
            }
        }
        if let Some(file) = word("child=") {
            let child = program(&[&format!("listen={file}")]);
            Command::new(child.command).args(child.command_arguments).spawn().unwrap().wait().unwrap();
        }
        if word("hang").is_some() {
            std::thread::sleep(Duration::from_secs(300));
        }
        if let Some(code) = word("exit=") {
            std::process::exit(code.parse().unwrap());
        }
    }

    #[test]
    fn a_command_reads_the_message_and_its_exit_code_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("got");
        let long = Duration::from_secs(60);
        let save = format!("save={}", file.display());
        program(&[&save, "exit=0"]).send("a", "um@contoso.com", &[b'x'; 200_000], long).unwrap();
        assert_eq!(std::fs::read(file).unwrap().len(), 200_000);
        let error = program(&["say=no 123456\n", "exit=69"]).send("a", "um@contoso.com", b"hello", long).unwrap_err();
        assert!(error.message.contains("exit code 69: no ####"), "{error}");
        let cut = format!("say={} 739182", "x".repeat(396));
        let error = program(&[&cut, "exit=1"]).send("a", "um@contoso.com", b"", long).unwrap_err();
        assert!(!error.message.contains("73"), "{error}");
        assert!(program(&["exit=0"]).send("a", "um@contoso.com", &[b'x'; 200_000], long).is_ok());
    }

    /// Sends with more and more time, until the program got as far as making `file` before it was stopped.
    fn stopped_after(file: &Path, mail: &MailSettings) -> Error {
        for seconds in [1, 4, 16, 60] {
            let started = Instant::now();
            let error = mail.send("a", "um@contoso.com", &[b'x'; 200_000], Duration::from_secs(seconds)).unwrap_err();
            assert!(error.message.contains("was stopped"), "{error}");
            assert!(started.elapsed() < Duration::from_secs(seconds + 60), "{:?}", started.elapsed());
            if file.exists() {
                return error;
            }
        }
        panic!("the program never came that far");
    }

    #[test]
    fn a_hanging_command_is_stopped_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("address");
        stopped_after(&file, &program(&[&format!("child={}", file.display())]));
        // Its child listened there, and would go on doing so.
        let address: std::net::SocketAddr = std::fs::read_to_string(&file).unwrap().parse().unwrap();
        let since = Instant::now();
        while std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_ok() {
            assert!(since.elapsed() < Duration::from_secs(20), "the command's child goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn what_a_stopped_command_said_before_is_kept_without_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("said");
        let words = ["say=cannot open maildrop for PIN 739182\n", &format!("said={}", said.display()), "hang"];
        let error = stopped_after(&said, &program(&words));
        assert!(error.message.ends_with("was stopped: cannot open maildrop for PIN ####"), "{error}");
    }

    #[test]
    fn the_sender_takes_the_placeholders_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("got");
        // Behind `--` everything is a filter, `-f` too. A quotation mark and a blank come through as they are.
        let to = format!("arguments={}", file.display());
        let mail = program(&["--", &to, "-f", "{sender}", "--from={sender}", "-t", r#"a "b" c\"#, ""]);
        mail.send("a", "um@contoso.com", b"", Duration::from_secs(60)).unwrap();
        let expected = "-f\num@contoso.com\n--from=um@contoso.com\n-t\na \"b\" c\\\n\n";
        assert_eq!(std::fs::read_to_string(file).unwrap(), expected);
    }

    #[cfg(windows)]
    #[test]
    fn a_batch_file_is_never_run() {
        let folder = tempfile::tempdir().unwrap();
        let ran = folder.path().join("ran");
        for name in ["mail.cmd", "mail.bat", "MAIL.CMD"] {
            let batch = folder.path().join(name);
            std::fs::write(&batch, format!("echo x > \"{}\"\r\n", ran.display())).unwrap();
            for spelled in
                [batch.clone(), format!("{}.", batch.display()).into(), format!("{} .", batch.display()).into()]
            {
                let mail = MailSettings {
                    transport: Transport::Command,
                    command: spelled.to_str().unwrap().into(),
                    ..Default::default()
                };
                let error = mail.send("a", "um@contoso.com", b"", Duration::from_secs(20)).unwrap_err();
                assert!(error.message.contains("batch file"), "{error}");
                assert!(!ran.exists());
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn nothing_that_lies_in_a_pickup_folder_is_written_to_and_the_mode_is_stated() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let folder = tempfile::tempdir().unwrap();
        let pickup = folder.path().join("pickup");
        std::fs::create_dir(&pickup).unwrap();
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, "theirs").unwrap();
        std::os::unix::fs::symlink(&elsewhere, pickup.join("a.tmp")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, pickup.join("a.eml")).unwrap();
        std::fs::write(pickup.join("b.eml"), "planted").unwrap();
        std::fs::set_permissions(pickup.join("b.eml"), std::fs::Permissions::from_mode(0o666)).unwrap();
        // Left by a process that died.
        std::fs::write(pickup.join("a.0.tmp"), "old").unwrap();
        let mail = MailSettings {
            transport: Transport::Pickup,
            pickup_folder: pickup.to_str().unwrap().into(),
            ..Default::default()
        };
        for name in ["a", "b"] {
            mail.send(name, "um@contoso.com", b"hello", Duration::from_secs(1)).unwrap();
            let file = pickup.join(format!("{name}.eml"));
            let found = std::fs::symlink_metadata(&file).unwrap();
            assert!(found.is_file(), "the link is replaced, not followed");
            // macOS gives every file its folder's group, so that tells nothing there.
            let ours = cfg!(target_os = "linux") && found.gid() == std::fs::metadata(&pickup).unwrap().gid();
            assert_eq!(found.mode() & 0o7777, if ours { 0o640 } else { 0o600 });
        }
        assert_eq!(std::fs::read_to_string(elsewhere).unwrap(), "theirs");
        assert!(!pickup.join("a.0.tmp").exists());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let mail =
            MailSettings { transport: Transport::Command, command: "/no/such/program".into(), ..Default::default() };
        let error = mail.send("a", "um@contoso.com", b"", Duration::from_secs(1)).unwrap_err();
        assert!(error.message.contains("/no/such/program"), "{error}");
    }
}
