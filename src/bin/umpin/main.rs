//! `umpin`: the sign-in of this store for any telephone system, and the delivery of its mail.
//!
//! A PIN comes on standard input or through AGI, never as an argument, and leaves nowhere.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod agi;

use std::io::{BufRead, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use umpin::error::{Error, Result, Status};
use umpin::pin::Pin;
use umpin::service::resolve::Lookup;
use umpin::service::send_um_pin_outbox::deliver_due;
use umpin::service::sign_in::{Answer, Caller, Reason, change_pin, set_up_complete, verify};
use umpin::session::Session;
use zeroize::Zeroize;

/// Exit codes: the answer of `verify` and `change`.
const ACCEPTED: u8 = 0;
/// Refused, whatever the reason.
const REFUSED: u8 = 1;
/// Something failed; it says nothing of the PIN.
const FAILED: u8 = 2;
/// The new PIN of `change` breaks a rule.
const WEAK: u8 = 3;

/// More than any PIN; longer lines are cut, and so are wrong.
const LONGEST_LINE: u64 = 1024;

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
    Agi(agi::Agi),
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
    let command = Command::parse();
    let opened = Session::open(command.store, command.key_file, None);
    let done = opened.and_then(|session| match command.verb {
        Verb::Verify { who, log_reason } => {
            let pin = line(&mut std::io::stdin().lock())?;
            let answer = refused_if_unknown(verify(&session, &who.caller(), &pin))?;
            Ok(tell(&answer, log_reason))
        }
        Verb::Change { who, log_reason } => {
            let mut input = std::io::stdin().lock();
            let (old, new) = (line(&mut input)?, line(&mut input)?);
            let answer = refused_if_unknown(change_pin(&session, &who.caller(), &old, &new))?;
            Ok(tell(&answer, log_reason))
        }
        Verb::SetUpComplete { who } => set_up_complete(&session, &who.caller()).map(|()| ACCEPTED),
        Verb::Agi(options) => Ok(agi::run(&session, &options)),
        Verb::Deliver { budget } => deliver(&session, budget),
    });
    ExitCode::from(done.unwrap_or_else(|e| {
        eprintln!("umpin: {}", e.message);
        println!("{}", json!({"result": "failed", "error": e.status.id()}));
        if e.status == Status::WeakPin { WEAK } else { FAILED }
    }))
}

/// A telephone is not told who exists.
fn refused_if_unknown(result: Result<Answer>) -> Result<Answer> {
    match result {
        Err(e) if matches!(e.status, Status::NotFound | Status::Ambiguous) => Ok(Answer::refused(Reason::Unknown)),
        other => other,
    }
}

/// One line of input, without its end.
fn line(input: &mut impl BufRead) -> Result<Pin> {
    let mut bytes = Vec::with_capacity(64);
    let read = input.take(LONGEST_LINE).read_until(b'\n', &mut bytes);
    if let Err(e) = read {
        bytes.zeroize();
        return Err(Error::new(
            Status::InvalidArgument,
            format!("Standard input cannot be read: {e}. Nothing was counted."),
        ));
    }
    if bytes.is_empty() {
        return Err(Error::new(
            Status::InvalidArgument,
            "No PIN came on standard input. Nothing was counted. A PIN is never taken as an argument.",
        ));
    }
    while bytes.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Pin::new(bytes))
}

/// One JSON line. Every refusal is the same line.
fn tell(answer: &Answer, log_reason: bool) -> u8 {
    if log_reason && !answer.accepted {
        eprintln!("umpin: refused: {:?}", answer.reason);
    }
    if answer.accepted {
        println!("{}", json!({"result": "accepted", "mustChange": answer.must_change, "setUpDue": answer.set_up_due}));
        return ACCEPTED;
    }
    println!("{}", json!({"result": "refused"}));
    REFUSED
}

fn deliver(session: &Session, budget: Option<u64>) -> Result<u8> {
    let done = deliver_due(session, budget.map(Duration::from_secs))?;
    if done.no_transport {
        eprintln!("umpin: no mail transport is configured; choose one with Set-UMPinConfiguration");
        return Ok(FAILED);
    }
    for (row, e) in &done.failed {
        eprintln!("umpin: the notice for {} waits: {}", row.user_id, e.message);
    }
    println!("{}", json!({"sent": done.sent.len(), "failed": done.failed.len()}));
    let _ = std::io::stdout().flush();
    Ok(u8::from(!done.failed.is_empty()))
}
