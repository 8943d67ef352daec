//! Typed reading of a cmdlet's bound parameters.

use serde_json::{Map, Value};

use crate::directory::list_edit::ListEdit;
use crate::error::{Error, Result, Status};
use crate::service::lookup::Lookup;

/// The bound parameters of one call, by name without case.
pub(crate) struct Parameters {
    operation: String,
    values: Map<String, Value>,
}

/// A number that may be `Unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlimited {
    /// The word.
    Unlimited,
    /// A number, not yet checked against a range.
    Limited(i64),
}

impl Parameters {
    /// Takes the parameters as they were bound.
    pub(crate) fn new(operation: &str, values: Map<String, Value>) -> Self {
        Self { operation: operation.into(), values }
    }

    /// Whom the call is about, and where to look.
    pub(crate) fn lookup(&self) -> Result<Lookup> {
        let lookup = Lookup {
            identity: self.text("Identity")?,
            domain_controller: self.text("DomainController")?.unwrap_or_default(),
            ignore_default_scope: self.switch("IgnoreDefaultScope")?,
        };
        lookup.validate()?;
        Ok(lookup)
    }

    /// The value as it came; JSON null is returned as such, absence as `None`.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    /// Whether the caller bound it, be it to null.
    pub(crate) fn is_bound(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The names that were bound.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Refuses parameters that the operation does not know, so that a misspelled setting never passes silently.
    pub(crate) fn allow(&self, known: &[&str]) -> Result<()> {
        const EVERYWHERE: [&str; 3] = ["DomainController", "IgnoreDefaultScope", "Identity"];
        for name in self.names() {
            if !known.iter().chain(&EVERYWHERE).any(|k| k.eq_ignore_ascii_case(name)) {
                return Err(Error::new(
                    Status::InvalidRequest,
                    format!("{} has no parameter '{name}'. Nothing was changed.", self.operation),
                ));
            }
        }
        Ok(())
    }

    /// A text; numbers are taken as they are written. `None` where absent or null.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(self.wrong(name, "a text")),
        }
    }

    /// A text that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| {
            Error::new(Status::InvalidArgument, format!("{} needs -{name}. Nothing was changed.", self.operation))
        })
    }

    /// A Boolean or switch.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.wrong(name, "$true or $false")),
        }
    }

    /// A switch: absent is false.
    pub(crate) fn switch(&self, name: &str) -> Result<bool> {
        Ok(self.flag(name)?.unwrap_or(false))
    }

    /// A whole number.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => number.as_i64().map(Some).ok_or_else(|| self.wrong(name, "a whole number")),
            Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| self.wrong(name, "a whole number")),
            Some(_) => Err(self.wrong(name, "a whole number")),
        }
    }

    /// A whole number or the word `Unlimited`.
    pub(crate) fn unlimited(&self, name: &str) -> Result<Option<Unlimited>> {
        match self.value(name) {
            Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("unlimited") => {
                Ok(Some(Unlimited::Unlimited))
            }
            _ => self
                .integer(name)
                .map(|n| n.map(Unlimited::Limited))
                .map_err(|_| self.wrong(name, "a whole number or Unlimited")),
        }
    }

    /// A list: an array, one value, or `{"Add": [..], "Remove": [..]}`. Null empties it.
    pub(crate) fn list(&self, name: &str) -> Result<Option<ListEdit>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(ListEdit::Replace(Vec::new()))),
            Some(Value::Object(edit)) => {
                let mut add = Vec::new();
                let mut remove = Vec::new();
                for (verb, values) in edit {
                    match verb.to_ascii_lowercase().as_str() {
                        "add" => add = self.texts(name, values)?,
                        "remove" => remove = self.texts(name, values)?,
                        _ => return Err(self.wrong(name, "a list, or @{Add=...;Remove=...}")),
                    }
                }
                Ok(Some(ListEdit::Edit { add, remove }))
            }
            Some(values) => Ok(Some(ListEdit::Replace(self.texts(name, values)?))),
        }
    }

    fn texts(&self, name: &str, values: &Value) -> Result<Vec<String>> {
        let one = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(self.wrong(name, "a list of texts")),
        };
        match values {
            Value::Null => Ok(Vec::new()),
            Value::Array(values) => values.iter().map(one).collect(),
            value => Ok(vec![one(value)?]),
        }
    }

    fn wrong(&self, name: &str, expected: &str) -> Error {
        Error::new(
            Status::InvalidArgument,
            format!("-{name} of {} must be {expected}. Nothing was changed.", self.operation),
        )
    }
}
