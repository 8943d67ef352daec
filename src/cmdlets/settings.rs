//! What the parameters of the Set- cmdlets may hold, for the settings that only matter to a telephone system: their
//! tables are in `src/service/telephone_settings.rs`.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::cmdlets::parameters::Parameters;
use crate::directory::list_edit::{ListEdit, apply_list_edit};
use crate::error::{Error, Result, Status};
use crate::service::telephone_settings::{Kind, Setting, Settings, Table};

/// The names of a table, for `Parameters::allow`.
pub(crate) fn setting_names(table: Table) -> Vec<&'static str> {
    table.settings.iter().map(|s| s.name).collect()
}

/// Checks what was bound and sets it.
pub(crate) fn apply_settings(p: &Parameters, settings: &mut Settings) -> Result<()> {
    for setting in settings.table().settings {
        if let Some(value) = checked(setting, p, settings)? {
            settings.set(setting.name, value);
        }
    }
    Ok(())
}

fn checked(setting: &Setting, p: &Parameters, settings: &Settings) -> Result<Option<Value>> {
    let name = setting.name;
    if !p.is_bound(name) {
        return Ok(None);
    }
    Ok(Some(match &setting.kind {
        Kind::Flag(default) => json!(p.flag(name)?.unwrap_or(*default)),
        Kind::Text(most) | Kind::TextOr(most, _) => {
            let text = p.text(name)?.unwrap_or_default();
            length(name, &text, *most)?;
            json!(text)
        }
        Kind::Choice(words) => {
            // Flags bind to choices too: InfoAnnouncementEnabled takes $true.
            let text = match p.value(name) {
                Some(Value::Bool(flag)) => flag.to_string(),
                _ => p.text(name)?.unwrap_or_default(),
            };
            match words.iter().find(|w| w.eq_ignore_ascii_case(&text)) {
                Some(word) => json!(word),
                None if text.is_empty() => json!(words.first()),
                None => return Err(invalid(format!("-{name} '{text}' is none of {}", words.join(", ")))),
            }
        }
        Kind::Number(range, default) => {
            let n = p.integer(name)?.unwrap_or(*default);
            if !range.contains(&n) {
                return Err(out_of_range(name, n, range));
            }
            json!(n)
        }
        Kind::List(most) => {
            let edit = p.list(name)?;
            // A list that is replaced whole need not be readable.
            let now = if matches!(edit, Some(ListEdit::Replace(_))) { Vec::new() } else { settings.texts(name)? };
            let list = apply_list_edit(edit, || now);
            for text in &list {
                length(name, text, *most)?;
            }
            json!(list)
        }
    }))
}

pub(crate) fn out_of_range(name: &str, n: i64, range: &RangeInclusive<i64>) -> Error {
    invalid(format!("-{name} {n} is not between {} and {}", range.start(), range.end()))
}

pub(crate) fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(Status::InvalidPolicyValue, format!("{what}. Nothing was changed."))
}

fn length(name: &str, text: &str, most: usize) -> Result<()> {
    let length = text.chars().count();
    if length > most {
        return Err(invalid(format!("-{name} has {length} characters; {most} is the most")));
    }
    Ok(())
}

/// The name of a policy or plan: up to 64 characters, none of those that Exchange forbids, no blanks around it.
pub(crate) fn check_name(name: &str) -> Result<String> {
    const FORBIDDEN: &str = "\"/\\[]:;|=,+*?<>";
    let name = name.trim();
    if name.is_empty() {
        return Err(invalid("-Name is empty"));
    }
    length("Name", name, 64)?;
    match name.chars().find(|c| FORBIDDEN.contains(*c) || c.is_control()) {
        Some(c) => Err(invalid(format!("-Name may not contain {c:?}"))),
        None => Ok(name.to_owned()),
    }
}

/// A name that another object of the kind has.
pub(crate) fn name_in_use_error(kind: &str, name: &str) -> Error {
    Error::new(
        Status::NameInUse,
        format!("A {kind} with the name '{name}' already exists. Nothing was changed. Choose another name."),
    )
    .about(name)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::service::telephone_settings::{DIAL_PLAN, MAILBOX, POLICY};

    fn applied(settings: &'static [Setting], bound: Map<String, Value>) -> Result<()> {
        apply_settings(&Parameters::new("Test", bound), &mut Settings::new(Table { set_by: "Test", settings }))
    }

    #[test]
    fn both_sides_of_every_bound() {
        for setting in [MAILBOX, POLICY, DIAL_PLAN].iter().flat_map(|table| table.settings) {
            let table = std::slice::from_ref(setting);
            let fits = |value: Value| {
                let mut bound = Map::new();
                bound.insert(setting.name.into(), value);
                applied(table, bound).is_ok()
            };
            match &setting.kind {
                Kind::Flag(_) => assert!(fits(json!(true)) && !fits(json!("true"))),
                Kind::Text(most) | Kind::TextOr(most, _) => {
                    assert!(fits(json!("x".repeat(*most))) && !fits(json!("x".repeat(most + 1))))
                }
                Kind::Choice(words) => {
                    assert!(words.iter().all(|w| fits(json!(w.to_lowercase()))) && !fits(json!("Other")));
                }
                Kind::Number(range, default) => {
                    assert!(range.contains(default));
                    assert!(fits(json!(range.start())) && fits(json!(range.end())), "{}", setting.name);
                    assert!(!fits(json!(range.start() - 1)) && !fits(json!(range.end() + 1)), "{}", setting.name);
                }
                Kind::List(most) => {
                    assert!(fits(json!(["x".repeat(*most)])) && !fits(json!(["x".repeat(most + 1)])));
                }
            }
        }
    }

    #[test]
    fn names_have_bounds() {
        assert_eq!(check_name(" My Policy ").unwrap(), "My Policy");
        assert!(check_name(&"x".repeat(64)).is_ok());
        for bad in ["", " ", "a/b", "a*", "a\"b", "a\tb", &"x".repeat(65)] {
            assert_eq!(check_name(bad).unwrap_err().status, Status::InvalidPolicyValue, "{bad}");
        }
    }
}
