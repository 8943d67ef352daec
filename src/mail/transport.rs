//! None, Pickup, Command: how a message leaves this machine.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, Status};
use crate::ffi::os;

/// How long a command may take, unless it is told otherwise.
pub const DEFAULT_TIMEOUT_SECONDS: u32 = 30;

/// Which way messages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
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
pub struct MailSettings {
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
    pub fn timeout(&self) -> Duration {
        let seconds =
            if self.command_timeout_seconds == 0 { DEFAULT_TIMEOUT_SECONDS } else { self.command_timeout_seconds };
        Duration::from_secs(seconds.into())
    }

    /// Hands `message` over. `name` becomes the file's in a pickup folder. Takes at most `limit`.
    pub fn send(&self, name: &str, message: &[u8], limit: Duration) -> Result<()> {
        match self.transport {
            Transport::None => Err(failed("no mail transport is configured")),
            Transport::Pickup => pick_up(Path::new(&self.pickup_folder), name, message),
            Transport::Command => run(&self.command, &self.command_arguments, message, limit.min(self.timeout())),
        }
    }
}

fn failed(why: &str) -> Error {
    Error::new(Status::DeliveryFailed, why)
}

/// A whole file or none: written beside, flushed, renamed.
fn pick_up(folder: &Path, name: &str, message: &[u8]) -> Result<()> {
    let wrong = |e: std::io::Error| failed(&format!("the pickup folder '{}' cannot be written: {e}", folder.display()));
    let finished: PathBuf = folder.join(format!("{name}.eml"));
    let unfinished = folder.join(format!("{name}.tmp"));
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // The mail server reads it through its group; nobody else does.
            options.mode(0o640);
        }
        let mut file = options.open(&unfinished)?;
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

fn run(program: &str, arguments: &[String], message: &[u8], limit: Duration) -> Result<()> {
    let started = Instant::now();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // A group of its own, so that what it starts can be ended with it.
        command.process_group(0);
    }
    let mut child = command.spawn().map_err(|e| failed(&format!("'{program}' cannot be started: {e}")))?;
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
                os::kill_group(&mut child);
                let _ = child.wait();
                return Err(failed(&format!(
                    "'{program}' did not end within {:.1} seconds and was stopped",
                    limit.as_secs_f32()
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
    let words = words.recv_timeout(Duration::from_millis(200)).unwrap_or_default();
    let ended = status.code().map_or_else(|| "by a signal".to_owned(), |code| format!("with exit code {code}"));
    let said = if words.is_empty() { String::new() } else { format!(": {words}") };
    Err(failed(&format!("'{program}' ended {ended}{said}")))
}

/// The first words that a program says on standard error, with runs of four digits and more blotted out: it might
/// repeat the message, and no PIN may stand in an error.
fn collect(child: &mut Child) -> std::sync::mpsc::Receiver<String> {
    const MOST: u64 = 400;
    let (send, receive) = std::sync::mpsc::channel();
    if let Some(pipe) = child.stderr.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let mut pipe = pipe.take(MOST);
            let _ = pipe.read_to_end(&mut bytes);
            // A number that the cut goes through may be the beginning of a longer one.
            if bytes.len() as u64 == MOST {
                let end = bytes.iter().rposition(|b| !b.is_ascii_digit()).map_or(0, |at| at + 1);
                bytes.truncate(end);
            }
            let _ = send.send(without_numbers(&String::from_utf8_lossy(&bytes)));
            // Read on, so that a talkative program does not stop at a full pipe.
            let _ = std::io::copy(&mut pipe.into_inner(), &mut std::io::sink());
        });
    }
    receive
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
        mail.send("a", b"hello", Duration::from_secs(1)).unwrap();
        assert_eq!(std::fs::read(folder.path().join("a.eml")).unwrap(), b"hello");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    fn shell(script: &str) -> MailSettings {
        MailSettings {
            transport: Transport::Command,
            command: "/bin/sh".into(),
            command_arguments: vec!["-c".into(), script.into()],
            ..Default::default()
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_command_reads_the_message_and_its_exit_code_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("got");
        shell(&format!("cat > '{}'", file.display())).send("a", &[b'x'; 200_000], Duration::from_secs(10)).unwrap();
        assert_eq!(std::fs::read(file).unwrap().len(), 200_000);
        let error = shell("echo no 123456 >&2; exit 69").send("a", b"hello", Duration::from_secs(10)).unwrap_err();
        assert!(error.message.contains("exit code 69: no ####"), "{error}");
        let cut = "head -c 396 /dev/zero | tr '\\0' x >&2; echo ' 739182' >&2; exit 1";
        let error = shell(cut).send("a", b"", Duration::from_secs(10)).unwrap_err();
        assert!(!error.message.contains("73"), "{error}");
        assert!(shell("exit 0").send("a", &[b'x'; 200_000], Duration::from_secs(10)).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_hanging_command_is_stopped_with_its_children() {
        let started = Instant::now();
        let error = shell("sleep 60 & sleep 60").send("a", &[b'x'; 200_000], Duration::from_millis(300)).unwrap_err();
        assert!(error.message.contains("was stopped"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let mail =
            MailSettings { transport: Transport::Command, command: "/no/such/program".into(), ..Default::default() };
        let error = mail.send("a", b"", Duration::from_secs(1)).unwrap_err();
        assert!(error.message.contains("/no/such/program"), "{error}");
    }
}
