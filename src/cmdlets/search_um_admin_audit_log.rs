//! Search-UMAdminAuditLog: Exchange's Search-AdminAuditLog over this store's trail, the newest first.

use serde_json::{Value, json};

use crate::cmdlets::cursor;
use crate::cmdlets::document::{Request, Response, date};
use crate::cmdlets::get_um_mailbox::result_size;
use crate::cmdlets::parameters::Parameters;
use crate::directory::identity::fold;
use crate::directory::list_edit::ListEdit;
use crate::error::{Error, Result, Status};
use crate::session::{Session, THROUGH};
use crate::store::Tx;
use crate::store::audit::AuditRow;

/// Rows looked at in one call.
const PAGE: usize = 1000;

/// The filters; each that is given must hold.
struct Wanted {
    cmdlets: Option<Vec<String>>,
    parameters: Option<Vec<String>>,
    objects: Option<Vec<String>>,
    users: Option<Vec<String>>,
    from: Option<i64>,
    before: Option<i64>,
    succeeded: Option<bool>,
    external: Option<bool>,
}

/// Where a search goes on: the number of the last row looked at, how many to leave out and how many to show yet.
struct Cursor {
    seq: i64,
    skip: u64,
    show: u64,
}

/// One page.
pub(crate) fn search_um_admin_audit_log(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&[
        "Cmdlets",
        "Parameters",
        "ObjectIds",
        "UserIds",
        "StartDate",
        "EndDate",
        "IsSuccess",
        "ExternalAccess",
        "ResultSize",
        "StartIndex",
    ])?;
    let mut cursor = match &request.after {
        Some(text) => Cursor::read(text)?,
        None => Cursor {
            seq: i64::MAX,
            skip: at_least(p, "StartIndex", 0)?.unwrap_or(0),
            show: result_size(p, "searched")?.unwrap_or(u64::MAX),
        },
    };
    session.read(|tx| {
        let wanted = Wanted::new(p, tx)?;
        let rows = tx.audit_rows_before(cursor.seq, PAGE)?;
        let more = rows.len() == PAGE;
        let mut objects = Vec::new();
        for row in &rows {
            cursor.seq = row.seq;
            if !wanted.matches(row) {
                continue;
            }
            if cursor.skip > 0 {
                cursor.skip -= 1;
                continue;
            }
            objects.push(audit_record_object(row));
            cursor.show -= 1;
            if cursor.show == 0 {
                break;
            }
        }
        let next = (more && cursor.show > 0).then(|| cursor.to_text());
        Ok(Response { objects, next, ..Response::default() })
    })
}

impl Cursor {
    fn to_text(&self) -> String {
        format!("{} {} {}", self.seq, self.skip, self.show)
    }

    fn read(text: &str) -> Result<Self> {
        let [seq, skip, show] = cursor::cursor_parts(text)?;
        let read = Self {
            seq: cursor::cursor_number(seq)?,
            skip: cursor::cursor_number(skip)?,
            show: cursor::cursor_number(show)?,
        };
        // A search that showed all it was to show has no next page.
        if read.show == 0 { Err(cursor::malformed_cursor_error()) } else { Ok(read) }
    }
}

fn at_least(p: &Parameters, name: &str, least: i64) -> Result<Option<u64>> {
    match p.integer(name)? {
        Some(n) if n < least => {
            Err(Error::new(Status::InvalidArgument, format!("-{name} {n} is below {least}. Nothing was searched.")))
        }
        other => Ok(other.and_then(|n| u64::try_from(n).ok())),
    }
}

fn date_parameter(p: &Parameters, name: &str) -> Result<Option<i64>> {
    p.text(name)?
        .map(|text| {
            text.parse::<jiff::Timestamp>().map(|t| t.as_millisecond()).map_err(|_| {
                Error::new(
                    Status::InvalidArgument,
                    format!("-{name} '{text}' is no date and time. Nothing was searched."),
                )
            })
        })
        .transpose()
}

impl Wanted {
    fn new(p: &Parameters, tx: &Tx<'_>) -> Result<Self> {
        let folded = |name: &str| {
            Ok(match p.list(name)? {
                None => None,
                Some(ListEdit::Replace(list)) => Some(list.iter().map(|t| fold(t)).collect::<Vec<_>>()),
                Some(ListEdit::Edit { .. }) => {
                    return Err(Error::new(
                        Status::InvalidArgument,
                        format!("-{name} takes a list. Nothing was searched."),
                    ));
                }
            }
            .filter(|list| !list.is_empty()))
        };
        let wanted = Self {
            cmdlets: folded("Cmdlets")?,
            parameters: folded("Parameters")?,
            objects: folded("ObjectIds")?.map(|texts| with_canonical_names(tx, texts)).transpose()?,
            users: folded("UserIds")?,
            from: date_parameter(p, "StartDate")?,
            before: date_parameter(p, "EndDate")?,
            succeeded: p.flag("IsSuccess")?,
            external: p.flag("ExternalAccess")?,
        };
        if wanted.parameters.is_some() && wanted.cmdlets.is_none() {
            return Err(Error::new(
                Status::InvalidArgument,
                "-Parameters needs -Cmdlets, as in Exchange. Nothing was searched. Name the cmdlets too.",
            ));
        }
        if let (Some(from), Some(before)) = (wanted.from, wanted.before)
            && from > before
        {
            return Err(Error::new(Status::InvalidArgument, "-StartDate is after -EndDate. Nothing was searched."));
        }
        Ok(wanted)
    }

    fn matches(&self, row: &AuditRow) -> bool {
        let among = |list: &Option<Vec<String>>, text: &str| list.as_ref().is_none_or(|l| l.contains(&fold(text)));
        let account = |text: &str| text.rsplit_once('\\').map(|(_, name)| fold(name));
        let by_user = self.users.as_ref().is_none_or(|users| {
            let account_of_caller = row.caller.split(THROUGH).next().unwrap_or_default();
            [account_of_caller, &row.claimed]
                .into_iter()
                .filter(|who| !who.is_empty())
                .any(|who| users.contains(&fold(who)) || account(who).is_some_and(|name| users.contains(&name)))
        });
        among(&self.cmdlets, &row.cmdlet)
            && self
                .parameters
                .as_ref()
                .is_none_or(|names| parameters(row).iter().any(|(name, _)| names.contains(&fold(name))))
            && among(&self.objects, &row.object)
            && by_user
            && self.from.is_none_or(|from| row.at >= from)
            && self.before.is_none_or(|before| row.at < before)
            && self.succeeded.is_none_or(|wanted| row.succeeded == wanted)
            && self.external.is_none_or(|wanted| row.claimed.is_empty() != wanted)
    }
}

/// The trail names mailboxes by canonical name; a search takes every form of identity.
fn with_canonical_names(tx: &Tx<'_>, mut texts: Vec<String>) -> Result<Vec<String>> {
    for at in 0..texts.len() {
        for (_, canonical) in tx.recipients_by_key(&texts[at], None)? {
            texts.push(fold(&canonical));
        }
    }
    Ok(texts)
}

fn parameters(row: &AuditRow) -> Vec<(String, Value)> {
    match serde_json::from_str(&row.parameters) {
        Ok(Value::Object(map)) => map.into_iter().collect(),
        _ => Vec::new(),
    }
}

fn audit_record_object(row: &AuditRow) -> Value {
    let parameters: Vec<Value> = parameters(row)
        .into_iter()
        .map(|(name, value)| {
            json!({"$type": "UMMailboxPin.AdminAuditLogCmdletParameter", "Name": name, "Value": as_typed(&value)})
        })
        .collect();
    let modified: Vec<Value> = if row.succeeded { modified(row) } else { Vec::new() };
    let (detail, error) = if row.succeeded { (row.detail.as_str(), "") } else { ("", row.detail.as_str()) };
    // Exchange's properties in Exchange's order, then ours.
    json!({
        "$type": "UMMailboxPin.AdminAuditLogEvent",
        "ObjectModified": row.object,
        "CmdletName": row.cmdlet,
        "CmdletParameters": parameters,
        "ModifiedProperties": modified,
        "Caller": row.caller,
        "ExternalAccess": !row.claimed.is_empty(),
        "Succeeded": row.succeeded,
        "Error": error,
        "RunDate": date(row.at),
        "Identity": row.seq,
        "CallerClaimed": row.claimed,
        "Detail": detail,
    })
}

/// What a Set- cmdlet set: its parameters without those that say where and how. What was there before is not recorded.
fn modified(row: &AuditRow) -> Vec<Value> {
    const ABOUT_THE_CALL: &[&str] = &[
        "Identity",
        "DomainController",
        "IgnoreDefaultScope",
        "NotifyEmail",
        "SendEmail",
        "TestMail",
        "ForceUpgrade",
        "VerifyGlobalRoutingEntry",
    ];
    if !row.cmdlet.starts_with("Set-") {
        return Vec::new();
    }
    parameters(row)
        .into_iter()
        .filter(|(name, _)| !ABOUT_THE_CALL.iter().any(|about| name.eq_ignore_ascii_case(about)))
        .map(|(name, value)| {
            json!({
                "$type": "UMMailboxPin.AdminAuditLogModifiedProperty",
                "Name": name,
                "NewValue": as_typed(&value),
                "OldValue": null,
            })
        })
        .collect()
}

/// A parameter's value as an administrator would type it.
fn as_typed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(as_typed).collect::<Vec<_>>().join(", "),
        Value::Object(edit) => {
            let parts: Vec<String> = edit.iter().map(|(verb, value)| format!("{verb}={}", as_typed(value))).collect();
            format!("@{{{}}}", parts.join("; "))
        }
        Value::Number(number) => number.to_string(),
    }
}
