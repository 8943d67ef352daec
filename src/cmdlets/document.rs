//! The request and response documents of `umpin_execute` (docs/architecture.md, "The boundary").

use crate::guid::MessageGuid;
use serde_json::{Map, Value, json};

use crate::cmdlets::parameters::Parameters;
use crate::error::{Error, Result, Status, Warning};
use crate::pin::Pin;
use crate::session::{Cause, Mode};

/// What one call of an operation asks.
pub(crate) struct Request {
    /// Rehearse or do.
    pub mode: Mode,
    /// The cmdlet's bound parameters.
    pub parameters: Parameters,
    /// The PIN, for the operations that take one.
    pub secret: Option<Pin>,
    /// Whether a commit follows this rehearsal if nothing is refused, as after a cmdlet's prompt. Then a refusal ends
    /// the call and is recorded; under -WhatIf it is not.
    pub before_commit: bool,
    /// Where the last page ended.
    pub after: Option<String>,
    /// For the audit trail.
    pub cause: Cause,
}

impl Request {
    /// Reads `{"Mode", "BeforeCommit", "Parameters", "After"}`.
    pub(crate) fn new(operation: &str, document: &Value, secret: Option<Pin>) -> Result<Self> {
        let malformed = |what: &str| {
            Error::new(
                Status::InvalidRequest,
                format!("The request of {operation} is malformed: {what}. Nothing was changed."),
            )
        };
        let document = document.as_object().ok_or_else(|| malformed("it is not an object"))?;
        let mode = match document.get("Mode").and_then(Value::as_str) {
            None | Some("Validate") => Mode::Validate,
            Some("Commit") => Mode::Commit,
            Some(_) => return Err(malformed("Mode is neither Validate nor Commit")),
        };
        let parameters = match document.get("Parameters") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(map)) => map.clone(),
            Some(_) => return Err(malformed("Parameters is not an object")),
        };
        let before_commit = match document.get("BeforeCommit") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => return Err(malformed("BeforeCommit is neither true nor false")),
        };
        let after = document.get("After").and_then(Value::as_str).map(str::to_owned);
        let mut recorded = parameters.clone();
        // No operation takes a PIN here; one that was put here all the same is refused, and the refusal is recorded.
        for (_, misplaced) in recorded.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("PIN")) {
            *misplaced = json!("(given)");
        }
        if secret.is_some() {
            recorded.insert("PIN".into(), json!("(given)"));
        }
        // The command's arguments may hold a password. It is refused, and must not reach the audit trail either.
        for (name, value) in &mut recorded {
            if name.eq_ignore_ascii_case("CommandArguments") {
                *value = json!("(given)");
            }
        }
        let parameters = Parameters::new(operation, parameters);
        let domain_controller = parameters.text("DomainController")?.unwrap_or_default();
        let cause =
            Cause { cmdlet: operation.into(), parameters: Value::Object(recorded).to_string(), domain_controller };
        Ok(Self { mode, parameters, secret, before_commit, after, cause })
    }
}

/// What an operation answers. Only what is there is written.
#[derive(Debug, Default)]
pub struct Response {
    /// For ShouldProcess: the object.
    pub target: Option<String>,
    /// For ShouldProcess: what happens to it.
    pub action: Option<String>,
    /// The output, property order kept; `$type` is the first PSTypeName.
    pub objects: Vec<Value>,
    /// Failures of single records.
    pub errors: Vec<Error>,
    /// For the person; see [`Warning`].
    pub warnings: Vec<Warning>,
    /// Outbox ids that this commit queued.
    pub notices: Vec<MessageGuid>,
    /// Done and total of a long operation.
    pub progress: Option<(u64, u64)>,
    /// Where to go on from.
    pub next: Option<String>,
}

impl Response {
    /// One object.
    pub(crate) fn with_object(object: Value) -> Self {
        Self { objects: vec![object], ..Self::default() }
    }

    /// Names the target and the action, for ShouldProcess.
    #[must_use]
    pub(crate) fn for_should_process(mut self, target: impl Into<String>, action: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self.action = Some(action.into());
        self
    }

    /// Exchange's words where a Set- found everything as it was asked to be: no date moves and nothing is recorded.
    pub(crate) fn unchanged(target: &str, action: &str) -> Self {
        let warning = format!("The command completed successfully but no settings of '{target}' have been modified.");
        Self { warnings: vec![Warning::from(warning)], ..Self::default() }.for_should_process(target, action)
    }

    /// As JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() && value != json!([]) {
                out.insert(name.into(), value);
            }
        };
        put("Target", json!(self.target));
        put("Action", json!(self.action));
        put("Errors", self.errors.iter().map(error).collect());
        put("Warnings", self.warnings.iter().map(warning).collect());
        put("Notices", json!(self.notices));
        put("Progress", self.progress.map_or(Value::Null, |(done, total)| json!({"Done": done, "Total": total})));
        put("Next", json!(self.next));
        out.insert("Objects".into(), Value::Array(self.objects.clone()));
        let text = Value::Object(out).to_string();
        // .NET reads JSON as it reads XML, which has these two characters as escapes or not at all: one person's name
        // must not keep a whole list from being shown.
        if text.contains(['\u{fffe}', '\u{ffff}']) {
            return text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff").into_bytes();
        }
        text.into_bytes()
    }
}

fn error(e: &Error) -> Value {
    json!({"status": e.status as i32, "id": e.status.id(), "message": e.message, "target": e.target})
}

fn warning(w: &Warning) -> Value {
    if w.once_per_session { json!({"Message": w.message, "OncePerSession": true}) } else { json!(w.message) }
}

/// A moment, as documents carry it.
pub(crate) fn date(milliseconds: i64) -> Value {
    jiff::Timestamp::from_millisecond(milliseconds).map_or(Value::Null, |t| json!({"$date": format!("{t:.3}")}))
}

/// A GUID, as documents carry it.
pub(crate) fn guid(id: &impl std::fmt::Display) -> Value {
    json!({"$guid": id.to_string()})
}
