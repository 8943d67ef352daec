//! The settings that only matter to a telephone system: stored, validated and returned, one table a kind of object.
//!
//! Names, ranges and defaults: exchange-um 2.6, 2.7 and 2.8 (Set-UMMailbox, Set-UMMailboxPolicy, Set-UMDialPlan).

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::cmdlets::parameters::Parameters;
use crate::directory::list_edit::edited;
use crate::error::{Error, Result, Status};

/// What a setting holds.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `$true` or `$false`, with its default.
    Flag(bool),
    /// A text of at most so many characters; empty by default.
    Text(usize),
    /// The same with another default.
    TextOr(usize, &'static str),
    /// One of these words; the first is the default.
    Choice(&'static [&'static str]),
    /// A whole number in a range, with its default.
    Number(RangeInclusive<i64>, i64),
    /// Texts of at most so many characters each; none by default.
    List(usize),
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The parameter's and the property's name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

const fn flag(name: &'static str, default: bool) -> Setting {
    Setting { name, kind: Kind::Flag(default) }
}
const fn text(name: &'static str, most: usize) -> Setting {
    Setting { name, kind: Kind::Text(most) }
}
const fn choice(name: &'static str, words: &'static [&'static str]) -> Setting {
    Setting { name, kind: Kind::Choice(words) }
}
const fn number(name: &'static str, range: RangeInclusive<i64>, default: i64) -> Setting {
    Setting { name, kind: Kind::Number(range, default) }
}
const fn list(name: &'static str, most: usize) -> Setting {
    Setting { name, kind: Kind::List(most) }
}

const PROTECTION: &[&str] = &["None", "Private", "All"];
const TEXT: usize = 512;

/// Set-UMMailbox, in the order in which Get-UMMailbox shows them.
pub const MAILBOX: &[Setting] = &[
    flag("TUIAccessToCalendarEnabled", true),
    flag("FaxEnabled", true),
    flag("TUIAccessToEmailEnabled", true),
    flag("SubscriberAccessEnabled", true),
    flag("MissedCallNotificationEnabled", true),
    choice("UMSMSNotificationOption", &["None", "VoiceMail", "VoiceMailAndMissedCalls"]),
    flag("PinlessAccessToVoiceMailEnabled", false),
    flag("AnonymousCallersCanLeaveMessages", true),
    flag("AutomaticSpeechRecognitionEnabled", true),
    flag("VoiceMailAnalysisEnabled", false),
    flag("PlayOnPhoneEnabled", true),
    flag("CallAnsweringRulesEnabled", true),
    choice("AllowUMCallsFromNonUsers", &["SearchEnabled", "None"]),
    text("OperatorNumber", 20),
    text("PhoneProviderId", 64),
    choice("CallAnsweringAudioCodec", &["Mp3", "G711", "Wma", "Gsm"]),
    text("PhoneNumber", 64),
    list("AirSyncNumbers", 64),
    flag("ImListMigrationCompleted", false),
];

/// Set-UMMailboxPolicy outside the PIN rules.
pub const POLICY: &[Setting] = &[
    number("MaxGreetingDuration", 1..=10, 5),
    text("UMEnabledText", TEXT),
    text("ResetPINText", TEXT),
    text("VoiceMailText", TEXT),
    text("FaxMessageText", TEXT),
    text("ProtectedVoiceMailText", TEXT),
    text("FaxServerURI", 256),
    list("SourceForestPolicyNames", 64),
    list("AllowedInCountryOrRegionGroups", 64),
    list("AllowedInternationalGroups", 64),
    flag("AllowDialPlanSubscribers", true),
    flag("AllowExtensions", true),
    flag("AllowMissedCallNotifications", true),
    // The cmdlet page says true; the admin centre's page and the schema say false, and so did the product.
    flag("AllowFax", false),
    flag("AllowTUIAccessToCalendar", true),
    flag("AllowTUIAccessToEmail", true),
    flag("AllowSubscriberAccess", true),
    flag("AllowTUIAccessToDirectory", true),
    flag("AllowTUIAccessToPersonalContacts", true),
    flag("AllowAutomaticSpeechRecognition", true),
    flag("AllowPlayOnPhone", true),
    flag("AllowVoiceMailPreview", true),
    flag("AllowCallAnsweringRules", true),
    flag("AllowMessageWaitingIndicator", true),
    flag("AllowPinlessVoiceMailAccess", false),
    flag("AllowVoiceResponseToOtherMessageTypes", true),
    flag("AllowVoiceMailAnalysis", true),
    flag("InformCallerOfVoiceMailAnalysis", true),
    flag("AllowSMSNotification", true),
    choice("ProtectUnauthenticatedVoiceMail", PROTECTION),
    choice("ProtectAuthenticatedVoiceMail", PROTECTION),
    flag("RequireProtectedPlayOnPhone", false),
    text("VoiceMailPreviewPartnerAddress", 256),
    text("VoiceMailPreviewPartnerAssignedID", 256),
    number("VoiceMailPreviewPartnerMaxMessageDuration", 60..=i32::MAX as i64, 180),
    number("VoiceMailPreviewPartnerMaxDeliveryDelay", 300..=i32::MAX as i64, 1200),
];

/// Set-UMDialPlan. Ranges: the cmdlet's public page.
pub const DIAL_PLAN: &[Setting] = &[
    text("CountryOrRegionCode", 4),
    list("AccessTelephoneNumbers", 32),
    list("PilotIdentifierList", 256),
    text("DefaultLanguage", 16),
    choice("VoIPSecurity", &["Unsecured", "SIPSecured", "Secured"]),
    flag("FaxEnabled", true),
    choice("AudioCodec", &["Mp3", "Wma", "Gsm", "G711"]),
    number("LogonFailuresBeforeDisconnect", 1..=20, 3),
    number("InputFailuresBeforeDisconnect", 1..=20, 3),
    number("MaxCallDuration", 10..=120, 30),
    number("MaxRecordingDuration", 1..=100, 20),
    number("RecordingIdleTimeout", 2..=10, 5),
    text("OperatorExtension", 20),
    text("Extension", 20),
    text("UMAutoAttendant", 256),
    flag("AllowDialPlanSubscribers", true),
    flag("AllowExtensions", false),
    flag("AllowHeuristicADCallingLineIdResolution", true),
    flag("AutomaticSpeechRecognitionEnabled", true),
    flag("CallAnsweringRulesEnabled", true),
    flag("CallSomeoneEnabled", true),
    flag("SendVoiceMsgEnabled", true),
    flag("TUIPromptEditingEnabled", false),
    flag("WelcomeGreetingEnabled", false),
    text("WelcomeGreetingFilename", 256),
    choice("InfoAnnouncementEnabled", &["False", "True", "Uninterruptible"]),
    text("InfoAnnouncementFilename", 256),
    choice("ContactScope", &["DialPlan", "GlobalAddressList", "Extension", "AutoAttendantLink", "AddressList"]),
    text("ContactAddressList", 256),
    text("ContactRecipientContainer", 256),
    choice("DialByNamePrimary", &["LastFirst", "FirstLast", "SMTPAddress"]),
    choice("DialByNameSecondary", &["SMTPAddress", "LastFirst", "FirstLast", "None"]),
    choice("MatchedNameSelectionMethod", &["PromptForAlias", "Title", "Department", "Location", "None"]),
    text("DefaultOutboundCallingLineId", 64),
    text("InCountryOrRegionNumberFormat", 64),
    text("InternationalNumberFormat", 64),
    text("InternationalAccessCode", 4),
    text("NationalNumberPrefix", 4),
    Setting { name: "OutsideLineAccessCode", kind: Kind::TextOr(16, "9") },
    list("NumberingPlanFormats", 64),
    list("EquivalentDialPlanPhoneContexts", 64),
    list("AllowedInCountryOrRegionGroups", 64),
    list("AllowedInternationalGroups", 64),
    list("ConfiguredInCountryOrRegionGroups", 256),
    list("ConfiguredInternationalGroups", 256),
    text("LegacyPromptPublishingPoint", 256),
];

/// The names of a table, for `Parameters::allow`.
pub fn names(table: &'static [Setting]) -> Vec<&'static str> {
    table.iter().map(|s| s.name).collect()
}

/// Checks what was bound and puts it into `settings`.
pub fn apply(table: &[Setting], p: &Parameters, settings: &mut Map<String, Value>) -> Result<()> {
    for setting in table {
        if let Some(value) = checked(setting, p, settings)? {
            settings.insert(setting.name.into(), value);
        }
    }
    Ok(())
}

fn checked(setting: &Setting, p: &Parameters, settings: &Map<String, Value>) -> Result<Option<Value>> {
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
            let now = || {
                settings.get(name).and_then(Value::as_array).map_or_else(Vec::new, |a| {
                    a.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>()
                })
            };
            let list = edited(p.list(name)?, now);
            for text in &list {
                length(name, text, *most)?;
            }
            json!(list)
        }
    }))
}

/// Writes a table's values, defaults where nothing was set, into an output object.
pub fn show(table: &[Setting], settings: &Map<String, Value>, out: &mut Map<String, Value>) {
    for setting in table {
        out.insert(setting.name.into(), value(setting, settings));
    }
}

/// Whether two documents show the same values, be they stored or defaults.
pub fn same(table: &[Setting], a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    table.iter().all(|setting| value(setting, a) == value(setting, b))
}

/// One value, or its default.
pub fn value(setting: &Setting, settings: &Map<String, Value>) -> Value {
    settings.get(setting.name).cloned().unwrap_or_else(|| match &setting.kind {
        Kind::Flag(default) => json!(default),
        Kind::Text(_) => json!(""),
        Kind::TextOr(_, default) => json!(default),
        Kind::Choice(words) => json!(words.first()),
        Kind::Number(_, default) => json!(default),
        Kind::List(_) => json!([]),
    })
}

/// A stored document as an object; a broken one counts as empty.
pub fn parse(document: &str) -> Map<String, Value> {
    match serde_json::from_str(document) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// What is wrong with a stored document; `None` where every value is one that a cmdlet sets. Names of later versions
/// pass.
pub(crate) fn fault(table: &[Setting], document: &str) -> Option<String> {
    let Ok(Value::Object(document)) = serde_json::from_str(document) else {
        return Some("the settings cannot be read".into());
    };
    let p = Parameters::new("settings", document);
    let odd = table.iter().find(|setting| {
        let now = Map::new();
        p.value(setting.name) != checked(setting, &p, &now).ok().flatten().as_ref()
    })?;
    Some(format!("{} is none that a cmdlet sets", odd.name))
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
pub fn check_name(name: &str) -> Result<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(table: &[Setting], bound: Value) -> Result<Map<String, Value>> {
        let Value::Object(bound) = bound else { panic!("an object") };
        let mut settings = Map::new();
        apply(table, &Parameters::new("Test", bound), &mut settings).map(|()| settings)
    }

    #[test]
    fn both_sides_of_every_bound() {
        for setting in MAILBOX.iter().chain(POLICY).chain(DIAL_PLAN) {
            let table = std::slice::from_ref(setting);
            let fits = |value: Value| {
                let mut bound = Map::new();
                bound.insert(setting.name.into(), value);
                applied(table, Value::Object(bound)).is_ok()
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
