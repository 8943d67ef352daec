//! `umpin`: the sign-in of this store for any telephone system, and the delivery of its mail.
//!
//! A PIN comes on standard input or through AGI, never as an argument, and leaves nowhere.

mod agi;
mod input;

use std::cell::Cell;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use umpin::error::{Error, Result, Status};
use umpin::os;
use umpin::service::delivery::deliver_due;
use umpin::service::lookup::Lookup;
use umpin::service::sign_in::{Answer, Caller, Reason, change_pin, set_up_complete, verify};
use umpin::service::spray;
use umpin::session::Session;

/// Exit codes: the answer of `verify` and `change`.
const ACCEPTED: u8 = 0;
/// Refused, whatever the reason.
const REFUSED: u8 = 1;
/// Something failed; it says nothing of the PIN.
const FAILED: u8 = 2;
/// The new PIN of `change` breaks a rule.
const WEAK: u8 = 3;

#[derive(Parser)]
#[command(name = "umpin", version, about = "Voice-mail PINs for any PBX: sign-in, change of PIN, delivery of notices")]
struct Command {
    /// The store; else UMPIN_STORE, else the usual place
    #[arg(long, global = true, value_name = "FILE")]
    store: Option<PathBuf>,
    /// The key file; else UMPIN_KEY_FILE, else the usual place
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Asks whether the PIN on standard input signs in: exit code 0 accepted, 1 refused, 2 failed
    Verify {
        #[command(flatten)]
        who: Who,
        /// Tell the true reason on standard error, for logs
        #[arg(long)]
        log_reason: bool,
    },
    /// The owner's change: the old PIN and the new one on two lines of standard input; 3: the new one breaks a rule
    Change {
        #[command(flatten)]
        who: Who,
        /// Tell the true reason on standard error, for logs
        #[arg(long)]
        log_reason: bool,
    },
    /// The telephone's set-up dialogue is finished
    SetUpComplete {
        #[command(flatten)]
        who: Who,
    },
    /// Signs a caller in from Asterisk's dialplan (AGI on standard input and output)
    Agi(Box<agi::Agi>),
    /// Delivers the notices that wait; for a timer
    Deliver {
        /// Stop after so many seconds
        #[arg(long, value_name = "SECONDS")]
        budget: Option<u64>,
    },
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Who {
    /// Extension, SIP address or E.164 number
    #[arg(long, conflicts_with = "identity")]
    extension: Option<String>,
    /// The dial plan; needed where the extension is in several
    #[arg(long, requires = "extension")]
    dial_plan: Option<String>,
    /// Any identity of the mailbox instead of its number
    #[arg(long)]
    identity: Option<String>,
}

impl Who {
    fn caller(self) -> Caller {
        match self.extension {
            Some(number) => Caller::Number { number, dial_plan: self.dial_plan },
            None => Caller::Identity(Lookup { identity: self.identity, ..Lookup::default() }),
        }
    }
}

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(e) if e.use_stderr() => {
            // Not clap's own words: they repeat what stands in the wrong place, and that may be a PIN.
            let why = format!(
                "the command line is not understood ({}). PINs are read from standard input, never from arguments. See \
                 'umpin --help'.",
                e.kind()
            );
            if is_agi() {
                os::end_by_hangup();
                agi::refuse(&why);
            } else {
                print_error(&why);
            }
            return ExitCode::from(FAILED);
        }
        Err(e) => {
            let _ = e.print();
            return ExitCode::SUCCESS;
        }
    };
    let is_agi = matches!(command.verb, Verb::Agi(_));
    ExitCode::from(run_command(command).unwrap_or_else(|e| {
        if is_agi {
            agi::refuse(&e.message);
            return FAILED;
        }
        print_error(&e.message);
        let weak = e.status == Status::WeakPin;
        let result = if weak { "weak" } else { "failed" };
        answer(&json!({"result": result, "error": e.status.id(), "message": e.message}));
        if weak { WEAK } else { FAILED }
    }))
}

/// Whether Asterisk is at the other end, told without the arguments that are not understood.
fn is_agi() -> bool {
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        if text == "--store" || text == "--key-file" {
            arguments.next();
        } else if !text.starts_with("--store=") && !text.starts_with("--key-file=") {
            return text == "agi";
        }
    }
    false
}

fn run_command(command: Command) -> Result<u8> {
    if let Verb::Agi(options) = &command.verb {
        os::end_by_hangup();
        options.check()?;
    }
    let session = Session::open(command.store, command.key_file, None)?;
    if matches!(command.verb, Verb::Verify { .. } | Verb::Change { .. } | Verb::SetUpComplete { .. }) {
        session.live_for_one_call();
    }
    // Nobody reads it on the telephone.
    if !matches!(command.verb, Verb::Agi(_)) {
        session.bring_up_to_date(&tell_upgrade())?;
    }
    match command.verb {
        Verb::Verify { who, log_reason } => {
            let [pin] = input::pins()?;
            let caller = who.caller();
            Ok(print_answer(&verify(&session, &caller, &pin)?, log_reason.then_some(&caller)))
        }
        Verb::Change { who, log_reason } => {
            let [old, new] = input::pins()?;
            let caller = who.caller();
            Ok(print_answer(&change_pin(&session, &caller, &old, &new)?, log_reason.then_some(&caller)))
        }
        Verb::SetUpComplete { who } => set_up_complete(&session, &who.caller()).map(|()| ACCEPTED),
        Verb::Agi(options) => agi::hold_conversation(&session, &options),
        Verb::Deliver { budget } => deliver(&session, budget),
    }
}

/// One JSON line. Every refusal is the same line; the reason, where it is asked for, is on standard error.
fn print_answer(told: &Answer, log_for: Option<&Caller>) -> u8 {
    if let Some(caller) = log_for
        && !told.accepted
    {
        // Digits that are nobody's number may be a PIN that was dialled too early.
        let whose = match caller {
            _ if told.reason == Reason::Unknown => "extension not told".to_owned(),
            Caller::Number { number, .. } => format!("extension {}", agi::printable(number)),
            Caller::Identity(lookup) => {
                format!("mailbox {}", agi::printable(lookup.identity.as_deref().unwrap_or_default()))
            }
        };
        print_error(&format!("{} refused: {:?}; {whose}", agi::now(), told.reason));
    }
    if told.accepted {
        answer(&json!({"result": "accepted", "mustChange": told.must_change, "setUpDue": told.set_up_due}));
        return ACCEPTED;
    }
    answer(&json!({"result": "refused"}));
    REFUSED
}

fn deliver(session: &Session, budget: Option<u64>) -> Result<u8> {
    if let Some(warning) = session.left_behind() {
        print_error(&warning.message);
    }
    spray::forget(session)?;
    let done = deliver_due(session, budget.map(Duration::from_secs))?;
    if done.no_transport {
        print_error("no mail transport is configured; choose one with Set-UMPinConfiguration");
        return Ok(FAILED);
    }
    for (row, e) in &done.failed {
        print_error(&format!("the notice for {} waits: {}", row.user_id, e.message));
    }
    answer(&json!({"sent": done.sent.len(), "failed": done.failed.len()}));
    Ok(u8::from(!done.failed.is_empty()))
}

/// Writes the one line of the answer. A closed pipe is no error: nobody reads it.
fn answer(line: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Tells whoever waits that the store is brought to this program's version: at once, and then now and again.
fn tell_upgrade() -> impl Fn(u64, u64) {
    const PAUSE: Duration = Duration::from_secs(2);
    let told = Cell::new(None::<Instant>);
    move |done, all| {
        if done == all || told.get().is_none_or(|last| last.elapsed() >= PAUSE) {
            told.set(Some(Instant::now()));
            print_error(&format!("the store is brought to today's version: {} %", done * 100 / all));
        }
    }
}

/// For logs.
fn print_error(text: &str) {
    let _ = writeln!(std::io::stderr(), "umpin: {text}");
}

/// Reports that the command line is wrong.
fn misuse(what: &str) -> Error {
    Error::new(Status::InvalidArgument, format!("{what}. Nothing was counted."))
}
