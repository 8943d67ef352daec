//! Set-UMPinConfiguration: mail transport, sender, server name, how long audit records are kept.

use std::ops::RangeInclusive;
use std::path::Path;

use crate::cmdlets::document::{Request, Response};
use crate::cmdlets::parameters::Parameters;
use crate::directory::list_edit::ListEdit;
use crate::directory::mail_address::is_mail_address;
use crate::error::{Error, Result, Status, Warning};
use crate::guid::new_guid;
use crate::mail::render;
use crate::mail::transport::{MailSettings, SENDER_PLACEHOLDER, Transport, runs_in_a_shell, seems_secret};
use crate::service::configuration::{
    AUDIT_AGE_DAYS, COMMAND_TIMEOUT_SECONDS, SPRAY_THRESHOLD, mail_settings, sender_for,
};
use crate::service::delivery::refuse_root;
use crate::session::{Mode, Session};
use crate::store::settings;

/// Characters of the sender's name and of the server's.
const NAME_LENGTH: usize = 256;

/// Sets what is given. `TestMail` sends one message without a PIN through what is being set; if that fails, nothing is.
pub(crate) fn set_um_pin_configuration(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&[
        "Transport",
        "PickupFolder",
        "Command",
        "CommandArguments",
        "CommandTimeoutSeconds",
        "SenderAddress",
        "SenderName",
        "ServerName",
        "AdminAuditLogAgeLimit",
        "SprayDetectionThreshold",
        "TestMail",
    ])?;
    let before = session.read(mail_settings)?;
    let mail = changed(p, before.clone(), session)?;
    let server_name = p.text("ServerName")?;
    if let Some(name) = &server_name {
        short_line("ServerName", name)?;
    }
    let numbers = [
        (settings::AUDIT_AGE_DAYS, integer_in_range(p, "AdminAuditLogAgeLimit", &AUDIT_AGE_DAYS)?),
        (settings::SPRAY_THRESHOLD, integer_in_range(p, "SprayDetectionThreshold", &SPRAY_THRESHOLD)?),
    ];
    if let Some(to) = p.text("TestMail")? {
        if !is_mail_address(&to) {
            return Err(invalid_setting(&format!("-TestMail '{to}' is not an e-mail address")));
        }
        if request.mode == Mode::Commit {
            let id = new_guid()?;
            let sender = sender_for(&mail, &to);
            let domain = sender.address.rsplit_once('@').map_or("localhost", |(_, d)| d);
            let message = render::test(&to, &sender, &format!("<{id}@{domain}>"), session.now());
            // What root says itself is not somebody else's word.
            let is_typed = match mail.transport {
                Transport::Command => p.is_bound("Command") && p.is_bound("CommandArguments"),
                Transport::Pickup => p.is_bound("PickupFolder"),
                Transport::None => true,
            };
            let may_go = if is_typed { Ok(()) } else { refuse_root(session) };
            may_go.and_then(|()| mail.send(&id, &sender.address, &message, mail.timeout())).map_err(|e| {
                Error::new(
                    Status::DeliveryFailed,
                    format!(
                        "The test message to {to} could not be sent: {}. The settings were not changed.",
                        e.message
                    ),
                )
            })?;
        }
    }
    session.change(request.mode, &request.cause, |c| {
        let now = |name: &str, wanted: Option<String>| -> Result<bool> {
            Ok(wanted.is_none() || c.tx.setting(name)? == wanted)
        };
        let mut same = mail == before && now(settings::SERVER_NAME, server_name.clone())? && !p.is_bound("TestMail");
        for (name, value) in &numbers {
            same &= now(name, value.map(|n| n.to_string()))?;
        }
        if same {
            return Ok(Response::unchanged("the store's settings", "Set"));
        }
        let text = serde_json::to_string(&mail)
            .map_err(|_| Error::new(Status::Internal, "The settings cannot be written."))?;
        c.tx.set_setting(settings::MAIL, &text)?;
        if let Some(name) = &server_name {
            c.tx.set_setting(settings::SERVER_NAME, name)?;
        }
        for (name, value) in numbers {
            if let Some(value) = value {
                c.tx.set_setting(name, &value.to_string())?;
            }
        }
        c.audit("store settings", "settings changed")?;
        let mut response = Response::default().for_should_process("the store's settings", "Set");
        if p.is_bound("CommandArguments") && mail.transport == Transport::Command && !names_sender(&mail) {
            response.warnings.push(Warning::from(format!(
                "-CommandArguments does not tell the program the sender ('-f', '{SENDER_PLACEHOLDER}'). Unless its own \
                 settings do, mail that cannot be delivered comes back, with its PIN, to the account that runs the \
                 program."
            )));
        }
        Ok(response)
    })
}

/// The placeholder, or an address that the administrator wrote out.
fn names_sender(mail: &MailSettings) -> bool {
    let given = |a: &String| a.contains(SENDER_PLACEHOLDER) || a.starts_with("-f") || a.starts_with("--from");
    mail.command_arguments.iter().any(given)
}

fn check_arguments(arguments: &[String]) -> Result<()> {
    for (n, argument) in arguments.iter().enumerate() {
        if seems_secret(n.checked_sub(1).map(|before| arguments[before].as_str()), argument) {
            return Err(invalid_setting(&format!(
                "Argument {} of -CommandArguments seems to hold a password, which would be kept in clear and be seen \
                 in the list of processes. Put it in the program's own settings, readable to its account alone",
                n + 1
            )));
        }
    }
    Ok(())
}

fn changed(p: &Parameters, mut mail: MailSettings, session: &Session) -> Result<MailSettings> {
    if let Some(text) = p.text("Transport")? {
        mail.transport = match text.to_ascii_lowercase().as_str() {
            "none" => Transport::None,
            "pickup" => Transport::Pickup,
            "command" => Transport::Command,
            _ => return Err(invalid_setting(&format!("-Transport '{text}' is none of None, Pickup and Command"))),
        };
    }
    if let Some(text) = p.text("PickupFolder")? {
        mail.pickup_folder = text;
    }
    if let Some(text) = p.text("Command")? {
        mail.command = text;
    }
    match p.list("CommandArguments")? {
        Some(ListEdit::Replace(list)) => {
            check_arguments(&list)?;
            mail.command_arguments = list;
        }
        Some(ListEdit::Edit { .. }) => {
            return Err(invalid_setting("-CommandArguments takes a list, since their order counts"));
        }
        None => {}
    }
    if let Some(seconds) = integer_in_range(p, "CommandTimeoutSeconds", &COMMAND_TIMEOUT_SECONDS)? {
        mail.command_timeout_seconds = u32::try_from(seconds).unwrap_or_default();
    }
    if let Some(text) = p.text("SenderAddress")? {
        if !text.is_empty() && !is_mail_address(&text) {
            return Err(invalid_setting(&format!("-SenderAddress '{text}' is not an e-mail address")));
        }
        if text.starts_with('-') {
            return Err(invalid_setting(&format!("-SenderAddress '{text}' begins like an option of the mail program")));
        }
        mail.sender_address = text;
    }
    if let Some(text) = p.text("SenderName")? {
        short_line("SenderName", &text)?;
        mail.sender_name = text;
    }
    match mail.transport {
        Transport::None => {}
        Transport::Pickup => check_folder(&mail.pickup_folder, session)?,
        Transport::Command => check_command(&mail.command)?,
    }
    Ok(mail)
}

fn check_folder(folder: &str, session: &Session) -> Result<()> {
    let path = Path::new(folder);
    if !path.is_absolute() {
        return Err(invalid_setting(&format!("-PickupFolder '{folder}' is not an absolute path")));
    }
    if !path.is_dir() {
        return Err(invalid_setting(&format!("The pickup folder '{folder}' does not exist")));
    }
    let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_owned());
    let location = session.location();
    for file in [&location.store, &location.key] {
        if let Some(own) = file.parent().filter(|own| own.is_dir())
            && real(path).starts_with(real(own))
        {
            return Err(invalid_setting(&format!(
                "The pickup folder '{folder}' lies in '{}', where the store or its key lies; a mail server must not \
                 read there",
                own.display()
            )));
        }
    }
    Ok(())
}

fn check_command(program: &str) -> Result<()> {
    let path = Path::new(program);
    if !path.is_absolute() {
        return Err(invalid_setting(&format!("-Command '{program}' is not the absolute path of a program")));
    }
    if !path.is_file() {
        return Err(invalid_setting(&format!("The program '{program}' does not exist")));
    }
    if runs_in_a_shell(program) {
        return Err(invalid_setting(&format!(
            "-Command '{program}' is a batch file, which Windows runs through a shell; name a program"
        )));
    }
    Ok(())
}

fn integer_in_range(p: &Parameters, name: &str, range: &RangeInclusive<i64>) -> Result<Option<i64>> {
    match p.integer(name)? {
        Some(n) if !range.contains(&n) => Err(Error::new(
            Status::InvalidArgument,
            format!("-{name} {n} is not between {} and {}. Nothing was changed.", range.start(), range.end()),
        )),
        other => Ok(other),
    }
}

fn short_line(name: &str, text: &str) -> Result<()> {
    if text.chars().any(char::is_control) || text.chars().count() > NAME_LENGTH {
        return Err(invalid_setting(&format!("-{name} has control characters or more than {NAME_LENGTH} characters")));
    }
    Ok(())
}

fn invalid_setting(what: &str) -> Error {
    Error::new(Status::InvalidTransport, format!("{what}. Nothing was changed."))
}
