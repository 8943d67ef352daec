//! Asterisk's AGI: a conversation of lines over standard input and output, for as long as the caller stays.
//!
//! Fail-closed: UMPIN_RESULT is REFUSED from the first moment and becomes ACCEPTED only by a right PIN, so a dialplan
//! that asks for ACCEPTED is safe whatever happens in between. The PIN is in nothing that is written: no command, no
//! variable, no log.

use std::io::Write;

use clap::Args;
use subtle::ConstantTimeEq;
use umpin::error::{Error, Result, Status};
use umpin::pin::Pin;
use umpin::service::sign_in::{self, Caller, Reason};
use umpin::session::Session;
use zeroize::Zeroizing;

use crate::input::Lines;

/// Lines that Asterisk may send before the conversation begins; it sends about thirty.
const MOST_VARIABLES: usize = 500;
/// Digits that one prompt takes. Far more than any PIN or extension has: what Asterisk cuts off here, the next prompt
/// would get, as another try.
const MOST_DIGITS: usize = 255;
/// Tries at a new PIN in one call.
const NEW_PIN_TRIES: u32 = 3;

/// Characters of an argument of the dialplan that a log shows.
const MOST_SHOWN: usize = 64;
/// What no argument behind the word `agi` may set.
const TRUSTED: [&str; 2] = ["--store", "--key-file"];

/// What a dialplan may say. Sound files are named as in Playback(), without folders; Asterisk's own English voice has
/// all of the defaults.
///
/// Asterisk puts a variable's text in before it splits at commas, so whatever a caller may choose (a name or number out
/// of SIP) can become arguments of its own. Therefore nothing here can choose the store, the key or the number of
/// tries, play a file out of another folder, or stand behind the second argument.
#[derive(Args)]
pub(crate) struct Agi {
    /// The dial plan and the extension, as in AGI(umpin,agi,<dial plan>,<extension>). Either may be empty or left out
    #[arg(num_args = 0..=2, value_name = "DIAL_PLAN EXTENSION")]
    arguments: Vec<String>,
    /// The dial plan; else the first argument, else the only plan that has the extension
    #[arg(long)]
    dial_plan: Option<String>,
    /// The extension; else the second argument, else the caller's own number, else the caller is asked for it
    #[arg(long)]
    extension: Option<String>,
    /// Ask the caller for the extension, whatever number is calling.
    #[arg(long)]
    ask: bool,
    /// Where the PIN must be changed, let the caller choose a new one at once.
    #[arg(long)]
    change: bool,
    /// Milliseconds to wait for digits.
    #[arg(
        long, value_name = "MS",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(500..=60_000)
    )]
    timeout: u32,
    /// Asks for the extension.
    #[arg(long, value_name = "SOUND", value_parser = parse_sound, default_value = "vm-login")]
    prompt_extension: String,
    /// Asks for the PIN.
    #[arg(long, value_name = "SOUND", value_parser = parse_sound, default_value = "vm-password")]
    prompt: String,
    /// Says that it was not accepted.
    #[arg(long, value_name = "SOUND", value_parser = parse_sound, default_value = "vm-incorrect")]
    incorrect: String,
    /// Said before hanging up.
    #[arg(long, value_name = "SOUND", value_parser = parse_sound, default_value = "vm-goodbye")]
    goodbye: String,
    /// Asks for a new PIN.
    #[arg(long, value_name = "SOUND", value_parser = parse_sound, default_value = "vm-newpassword")]
    prompt_new: String,
    /// Asks for it again.
    #[arg(long, value_name = "SOUND", value_parser = parse_sound, default_value = "vm-reenterpassword")]
    prompt_again: String,
    /// Says that the two differ.
    #[arg(long, value_name = "SOUND", value_parser = parse_sound, default_value = "vm-mismatch")]
    mismatch: String,
    /// Says that the new PIN breaks a rule.
    #[arg(long, value_name = "SOUND", value_parser = parse_sound, default_value = "vm-invalid-password")]
    weak: String,
    /// Says that it was changed.
    #[arg(long, value_name = "SOUND", value_parser = parse_sound, default_value = "vm-passchanged")]
    changed: String,
}

impl Agi {
    /// What an injected argument would need is refused before the caller hears anything.
    pub(crate) fn check(&self) -> Result<()> {
        if self.arguments.len() > 2 {
            return Err(crate::misuse(
                "AGI has more arguments than the dial plan and the extension. Do not pass on what a caller chooses, as \
                 ${CALLERID(num)}: leave the extension empty, and the caller's number is taken from agi_callerid",
            ));
        }
        let behind = std::env::args_os().skip_while(|a| a != "agi").skip(1);
        let named = |text: &str| TRUSTED.iter().any(|t| text == *t || text.starts_with(&format!("{t}=")));
        if behind.into_iter().any(|a| named(&a.to_string_lossy())) {
            return Err(crate::misuse(
                "AGI's arguments may not choose the store or the key file. Set UMPIN_STORE and UMPIN_KEY_FILE in the \
                 environment of Asterisk",
            ));
        }
        Ok(())
    }
}

/// The name of a sound, without a folder: none of them leads to somebody's messages.
fn parse_sound(text: &str) -> std::result::Result<String, &'static str> {
    let name = without_quotes(text);
    if name.is_empty() || name.contains('/') || name.contains("..") {
        return Err("a sound is a name without folders");
    }
    Ok(name)
}

/// Why the conversation ended early.
enum End {
    /// The caller is gone, or Asterisk is.
    HungUp,
    /// An error of ours.
    Failed(Error),
}

impl From<Error> for End {
    fn from(e: Error) -> Self {
        End::Failed(e)
    }
}

/// The conversation with Asterisk.
struct Call {
    lines: Lines,
    out: std::io::Stdout,
    variables: Vec<(String, String)>,
}

/// 0: signed in; 1: refused or hung up; 2: an error. The channel variable UMPIN_RESULT says the same in words.
pub(crate) fn hold_conversation(session: &Session, options: &Agi) -> Result<u8> {
    let mut call = Call::begin()?;
    let ended = call.greet().inspect_err(report_outside_conversation).and_then(|()| {
        let signed_in = call.sign_in(session, options);
        if let Err(End::Failed(e)) = &signed_in {
            call.fail(&e.message)?;
        }
        signed_in
    });
    Ok(match ended {
        Ok(true) => crate::ACCEPTED,
        Ok(false) | Err(End::HungUp) => crate::REFUSED,
        Err(End::Failed(_)) => crate::FAILED,
    })
}

/// Arguments that are not taken, or no place for a store: nobody is let in, and the dialplan and Asterisk's log are
/// told why.
pub(crate) fn refuse(why: &str) {
    match Call::begin().map_err(End::from).and_then(|mut call| call.greet().map(|()| call)) {
        // Asterisk may be gone by now; standard error has the reason already.
        Ok(mut call) => drop(call.fail(why)),
        Err(_) => crate::print_error(why),
    }
}

/// An error before there is a conversation has only standard error.
fn report_outside_conversation(end: &End) {
    if let End::Failed(e) = end {
        crate::print_error(&e.message);
    }
}

impl Call {
    fn begin() -> Result<Self> {
        Ok(Self { lines: Lines::of_stdin()?, out: std::io::stdout(), variables: Vec::new() })
    }

    /// Reads the variables that Asterisk sends first. A caller can make one of any length, which must not end the call:
    /// it counts as not sent.
    fn greet(&mut self) -> std::result::Result<(), End> {
        for _ in 0..MOST_VARIABLES {
            let line = self.lines.next_fitting()?.ok_or(End::HungUp)?;
            if line.is_empty() {
                return Ok(());
            }
            if let Some((name, value)) = String::from_utf8_lossy(&line).split_once(':') {
                self.variables.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Err(End::Failed(crate::misuse("This is no AGI conversation: more variables than Asterisk has")))
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// What the dialplan gave: an option, else the argument at this place on the command line or, where a script in
    /// between left all of them out, by AGI.
    fn argument<'a>(&'a self, option: &'a Option<String>, options: &'a Agi, place: usize) -> Option<&'a str> {
        let left_out = std::env::args_os().last().is_some_and(|last| last == "agi");
        // AGI(umpin,agi,...) counts the word agi too.
        let shift = usize::from(self.variable("agi_arg_1") == Some("agi"));
        option
            .as_deref()
            .or_else(|| options.arguments.get(place).map(String::as_str))
            .or_else(|| {
                let named = self.variable(&format!("agi_arg_{}", place + 1 + shift));
                named.filter(|text| left_out && !text.starts_with("--"))
            })
            .filter(|text| !text.is_empty())
    }

    /// Sends one command; what stands behind `result=`. Never the caller's digits: they are only in answers.
    fn send_command(&mut self, command: &str) -> std::result::Result<Zeroizing<Vec<u8>>, End> {
        writeln!(self.out, "{command}").and_then(|()| self.out.flush()).map_err(|_| End::HungUp)?;
        loop {
            let line = self.lines.next()?.ok_or(End::HungUp)?;
            // Sent when the caller hangs up, in the middle of anything.
            if line.starts_with(b"HANGUP") {
                return Err(End::HungUp);
            }
            // The usage after a command that was not understood has several lines; the last one ends it.
            if line.starts_with(b"520-") || line.is_empty() || !line[0].is_ascii_digit() {
                continue;
            }
            if line.starts_with(b"511") {
                return Err(End::HungUp);
            }
            return match line.strip_prefix(b"200 result=") {
                Some(b"-1") => Err(End::HungUp),
                Some(rest) if rest.starts_with(b"-1 ") => Err(End::HungUp),
                Some(rest) => Ok(Zeroizing::new(rest.to_vec())),
                None => Err(End::Failed(Error::new(
                    Status::InvalidRequest,
                    format!(
                        "Asterisk did not take the command {}: code {}",
                        command.split(' ').next().unwrap_or_default(),
                        String::from_utf8_lossy(line.get(..3).unwrap_or_default())
                    ),
                ))),
            };
        }
    }

    fn set(&mut self, name: &str, value: &str) -> std::result::Result<(), End> {
        self.send_command(&format!("SET VARIABLE {name} {}", quoted(value))).map(|_| ())
    }

    /// To Asterisk's own log, by its logger level `verbose`, and to standard error: which call, and whose mailbox.
    fn log_for_call(&mut self, what: &str, extension: Option<&str>) -> std::result::Result<(), End> {
        let line = self.log_line(what, extension);
        self.log(&line)
    }

    /// An error of ours: for the log. The caller hears nothing of it, and the dialplan goes on with ERROR.
    fn fail(&mut self, why: &str) -> std::result::Result<(), End> {
        let line = self.log_line(why, None);
        self.set("UMPIN_RESULT", "ERROR")?;
        self.log(&line)
    }

    /// On standard error with the time, which Asterisk's own log has already. The line without it.
    fn log_line(&self, what: &str, extension: Option<&str>) -> String {
        let at = |name| printable(self.variable(name).unwrap_or("unknown"));
        let whose = extension.map_or_else(|| "not told".to_owned(), printable);
        let (channel, call) = (at("agi_channel"), at("agi_uniqueid"));
        let line = format!(
            "{}; extension {whose}, channel {channel}, call {call}",
            without_quotes(what).trim_end_matches('.')
        );
        crate::print_error(&format!("{} {line}", now()));
        line
    }

    fn log(&mut self, line: &str) -> std::result::Result<(), End> {
        self.send_command(&format!("VERBOSE {} 1", quoted(&format!("umpin: {line}")))).map(|_| ())
    }

    fn play(&mut self, sound: &str) -> std::result::Result<(), End> {
        self.send_command(&format!("STREAM FILE {} \"\"", quoted(sound))).map(|_| ())
    }

    /// Plays and collects digits up to `#`; empty where none came in time.
    fn digits(&mut self, sound: &str, timeout: u32) -> std::result::Result<Zeroizing<Vec<u8>>, End> {
        let mut typed = self.send_command(&format!("GET DATA {} {timeout} {MOST_DIGITS}", quoted(sound)))?;
        // Behind them, after a blank: "(timeout)".
        let end = typed.iter().position(|b| *b == b' ').unwrap_or(typed.len());
        typed[end..].fill(0);
        typed.truncate(end);
        Ok(typed)
    }

    fn sign_in(&mut self, session: &Session, options: &Agi) -> std::result::Result<bool, End> {
        self.set("UMPIN_RESULT", "REFUSED")?;
        self.set("UMPIN_MUST_CHANGE", "0")?;
        self.set("UMPIN_SET_UP_DUE", "0")?;
        self.set("UMPIN_EXTENSION", "")?;
        let dial_plan = self.argument(&options.dial_plan, options, 0).map(str::to_owned);
        let number = self
            .argument(&options.extension, options, 1)
            .or_else(|| self.variable("agi_callerid").filter(is_number))
            .filter(|_| !options.ask)
            .map(str::to_owned);
        let most = sign_in::failures_before_disconnect(session, dial_plan.as_deref())?;
        let mut failures = 0;
        while failures < most {
            let who = match &number {
                Some(number) => number.clone(),
                None => {
                    let typed = self.digits(&options.prompt_extension, options.timeout)?;
                    String::from_utf8_lossy(&typed).into_owned()
                }
            };
            let typed = self.digits(&options.prompt, options.timeout)?;
            // Silence is no guess: it counts in this call, not against the mailbox.
            if !who.is_empty() && !typed.is_empty() {
                let pin = Pin::new(typed.as_slice());
                let caller = Caller::Number { number: who.clone(), dial_plan: dial_plan.clone() };
                let answer = sign_in::verify(session, &caller, &pin)?;
                if answer.accepted {
                    self.set("UMPIN_EXTENSION", &who)?;
                    self.set("UMPIN_SET_UP_DUE", if answer.set_up_due { "1" } else { "0" })?;
                    let must_change =
                        answer.must_change && !(options.change && self.choose_new(session, options, &caller, &pin)?);
                    self.set("UMPIN_MUST_CHANGE", if must_change { "1" } else { "0" })?;
                    // Set last: a caller who hangs up before this has not signed in.
                    return self.set("UMPIN_RESULT", "ACCEPTED").map(|()| true);
                }
                // Digits that are nobody's number may be a PIN that was dialled too early.
                let nobody = number.is_none() && answer.reason == Reason::Unknown;
                self.log_for_call(&format!("sign-in refused ({:?})", answer.reason), (!nobody).then_some(&who))?;
            }
            failures += 1;
            self.play(&options.incorrect)?;
        }
        self.play(&options.goodbye)?;
        self.send_command("HANGUP").map(|_| false)
    }

    /// The owner's change, over the telephone. Whether it was made.
    fn choose_new(
        &mut self,
        session: &Session,
        options: &Agi,
        caller: &Caller,
        old: &Pin,
    ) -> std::result::Result<bool, End> {
        for _ in 0..NEW_PIN_TRIES {
            let new = self.digits(&options.prompt_new, options.timeout)?;
            let again = self.digits(&options.prompt_again, options.timeout)?;
            if !bool::from(new.as_slice().ct_eq(again.as_slice())) {
                self.play(&options.mismatch)?;
                continue;
            }
            match sign_in::change_pin(session, caller, old, &Pin::new(new.as_slice())) {
                Ok(answer) if answer.accepted => {
                    self.play(&options.changed)?;
                    return Ok(true);
                }
                // Reset or locked in this very moment.
                Ok(_) => return Ok(false),
                Err(e) if e.status == Status::WeakPin => self.play(&options.weak)?,
                Err(e) => return Err(e.into()),
            }
        }
        Ok(false)
    }
}

fn is_number(text: &&str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Nothing in it ends a pair of quotes or a line.
fn without_quotes(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !['"', '\\'].contains(c)).collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", without_quotes(text))
}

/// For a log: short, and nothing that a terminal or a reader of the log takes for something else.
pub(crate) fn printable(text: &str) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || "+-_.@/;:*#".contains(c);
    text.chars().take(MOST_SHOWN).map(|c| if known(c) { c } else { '?' }).collect()
}

pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
