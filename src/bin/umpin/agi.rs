//! Asterisk's AGI protocol: commands on standard output, answers on standard input, one line each.
//!
//! Digits come by GET DATA, whose answer is the only place where a PIN stands; it is erased at once, and nothing of it
//! goes to VERBOSE or standard error. Asterisk itself writes digits to its log where the logger level `dtmf` is on.

use std::io::{BufRead, Read, Write};

use clap::Args;
use umpin::error::{Result, Status};
use umpin::pin::Pin;
use umpin::service::sign_in::{Answer, Caller, verify};
use umpin::session::Session;
use zeroize::{Zeroize, Zeroizing};

/// Lines that Asterisk sends are shorter.
const LONGEST_LINE: u64 = 4096;
/// A PIN's longest form; GET DATA ends by itself after so many digits.
const MOST_DIGITS: usize = umpin::pin::secret::MAX_PIN_LENGTH;
/// Tries in one call where the dial plan says nothing.
const DEFAULT_TRIES: u64 = 3;

#[derive(Args)]
pub(crate) struct Agi {
    /// The dial plan; else the first argument in the dialplan's AGI(), else the only plan that has the extension
    #[arg(long)]
    dial_plan: Option<String>,
    /// The extension; else the second argument in AGI(), else the caller's own number
    #[arg(long)]
    extension: Option<String>,
    /// The sound that asks for the PIN
    #[arg(long, default_value = "vm-password", value_name = "SOUND")]
    prompt: String,
    /// The sound after a wrong one
    #[arg(long, default_value = "vm-incorrect", value_name = "SOUND")]
    incorrect: String,
    /// The sound before the call is dropped
    #[arg(long, default_value = "vm-goodbye", value_name = "SOUND")]
    goodbye: String,
    /// Milliseconds to wait for the next digit
    #[arg(long, default_value_t = 5000, value_name = "MS")]
    timeout: u32,
}

/// Why the conversation ended before its end.
enum Ended {
    /// The caller hung up, or Asterisk closed the pipe.
    HungUp,
    /// The store failed.
    Failed,
}

/// 0: signed in; 1: refused or hung up; 2: failed. The channel variable UMPIN_RESULT says the same in words.
pub(crate) fn run(session: &Session, options: &Agi) -> u8 {
    let mut call = Call { input: std::io::stdin().lock(), output: std::io::stdout().lock() };
    match converse(session, options, &mut call) {
        Ok(true) => 0,
        Ok(false) | Err(Ended::HungUp) => 1,
        Err(Ended::Failed) => 2,
    }
}

fn converse<R: BufRead, W: Write>(
    session: &Session,
    options: &Agi,
    call: &mut Call<R, W>,
) -> std::result::Result<bool, Ended> {
    let variables = call.variables()?;
    let given = |option: &Option<String>, argument: &str| {
        option
            .clone()
            .or_else(|| variables.iter().find(|(n, v)| n == argument && !v.is_empty()).map(|(_, v)| v.clone()))
    };
    let dial_plan = given(&options.dial_plan, "agi_arg_1");
    let number = given(&options.extension, "agi_arg_2").or_else(|| given(&None, "agi_callerid"));
    let caller = Caller::Number { number: number.unwrap_or_default(), dial_plan: dial_plan.clone() };

    call.set("UMPIN_RESULT", "REFUSED")?;
    let tries = match tries(session, dial_plan.as_deref()) {
        Ok(tries) => tries,
        Err(e) => return call.fail(&e),
    };
    for _ in 0..tries {
        let pin = call.digits(&options.prompt, options.timeout)?;
        match verify(session, &caller, &pin) {
            Ok(answer) if answer.accepted => {
                call.tell(&answer)?;
                return Ok(true);
            }
            Ok(_) => {
                call.command(&format!("STREAM FILE {} \"\"", quoted(&options.incorrect)))?;
            }
            Err(e) => return call.fail(&e),
        }
    }
    call.command(&format!("STREAM FILE {} \"\"", quoted(&options.goodbye)))?;
    call.command("HANGUP")?;
    Ok(false)
}

/// The dial plan's LogonFailuresBeforeDisconnect.
fn tries(session: &Session, dial_plan: Option<&str>) -> Result<u64> {
    let plan = session.read(|tx| {
        Ok(match dial_plan {
            Some(name) => tx.dial_plan_by_key(&umpin::directory::identity::fold(name))?,
            None => tx.dial_plans()?.into_iter().next(),
        })
    })?;
    let settings = plan.and_then(|p| serde_json::from_str::<serde_json::Value>(&p.settings).ok()).unwrap_or_default();
    Ok(settings["LogonFailuresBeforeDisconnect"].as_u64().unwrap_or(DEFAULT_TRIES))
}

struct Call<R, W> {
    input: R,
    output: W,
}

impl<R: BufRead, W: Write> Call<R, W> {
    /// `agi_name: value` lines up to an empty one.
    fn variables(&mut self) -> std::result::Result<Vec<(String, String)>, Ended> {
        let mut variables = Vec::new();
        loop {
            let line = self.line()?;
            let line = line.trim_end();
            if line.is_empty() {
                return Ok(variables);
            }
            if let Some((name, value)) = line.split_once(':') {
                variables.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
    }

    fn line(&mut self) -> std::result::Result<Zeroizing<String>, Ended> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(256));
        let read = (&mut self.input).take(LONGEST_LINE).read_until(b'\n', &mut bytes);
        if !matches!(read, Ok(n) if n > 0) {
            return Err(Ended::HungUp);
        }
        Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Sends a command and gives its `result=`. A hang-up notice may come between.
    fn command(&mut self, command: &str) -> std::result::Result<Zeroizing<String>, Ended> {
        let sent = writeln!(self.output, "{command}").and_then(|()| self.output.flush());
        if sent.is_err() {
            return Err(Ended::HungUp);
        }
        loop {
            let line = self.line()?;
            let line = line.trim_end();
            if line == "HANGUP" {
                continue;
            }
            if line.starts_with("511") {
                return Err(Ended::HungUp);
            }
            if let Some((_, result)) = line.split_once("result=") {
                let end = result.find([' ', '(']).unwrap_or(result.len());
                let (value, rest) = result.split_at(end);
                if value == "-1" || rest.contains("(hangup)") {
                    return Err(Ended::HungUp);
                }
                return Ok(Zeroizing::new(value.to_owned()));
            }
            // "520 End of proper usage." and the like: an answer without a result.
            if line.starts_with("5") {
                return Ok(Zeroizing::new(String::new()));
            }
        }
    }

    /// Asks for a PIN. Nothing typed is an empty PIN, which is wrong like any other.
    fn digits(&mut self, prompt: &str, timeout: u32) -> std::result::Result<Pin, Ended> {
        let result = self.command(&format!("GET DATA {} {timeout} {MOST_DIGITS}", quoted(prompt)))?;
        Ok(Pin::new(result.as_bytes()))
    }

    fn set(&mut self, name: &str, value: &str) -> std::result::Result<(), Ended> {
        self.command(&format!("SET VARIABLE {name} {}", quoted(value))).map(drop)
    }

    fn tell(&mut self, answer: &Answer) -> std::result::Result<(), Ended> {
        self.set("UMPIN_MUST_CHANGE", if answer.must_change { "1" } else { "0" })?;
        self.set("UMPIN_SET_UP_DUE", if answer.set_up_due { "1" } else { "0" })?;
        self.set("UMPIN_RESULT", "ACCEPTED")
    }

    /// The dialplan sees ERROR, the log the message: which never holds a PIN.
    fn fail(&mut self, e: &umpin::error::Error) -> std::result::Result<bool, Ended> {
        let mut message: String = e.message.chars().filter(|c| !c.is_control()).collect();
        debug_assert_ne!(e.status, Status::Ok);
        self.command(&format!("VERBOSE {} 1", quoted(&message)))?;
        message.zeroize();
        self.set("UMPIN_RESULT", "ERROR")?;
        Err(Ended::Failed)
    }
}

/// An AGI argument: in quotation marks, with those inside escaped.
fn quoted(text: &str) -> String {
    let inside: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", inside.replace('\\', "\\\\").replace('"', "\\\""))
}
