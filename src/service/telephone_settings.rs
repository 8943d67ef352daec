//! The settings that only matter to a telephone system: one table a kind of object, with ranges and defaults, and the
//! stored document as a type. Microsoft's pages "Set-UMMailbox", "Set-UMMailboxPolicy" and "Set-UMDialPlan".

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result, Status};
use crate::store::dial_plans::DialPlan;
use crate::store::mailboxes::UmMailbox;
use crate::store::policies::Policy;

/// What a setting holds.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// `$true` or `$false`, with its default.
    Flag(bool),
    /// A text of at most so many characters; empty by default.
    Text(usize),
    /// A text of at most so many characters, with its default.
    TextOr(usize, &'static str),
    /// One of these words; the first is the default.
    Choice(&'static [&'static str]),
    /// A whole number in a range, with its default.
    Number(RangeInclusive<i64>, i64),
    /// Texts of at most so many characters each; none by default.
    List(usize),
}

impl Kind {
    /// Its value where none was set.
    fn default(&self) -> Value {
        match self {
            Kind::Flag(default) => json!(default),
            Kind::Text(_) => json!(""),
            Kind::TextOr(_, default) => json!(default),
            Kind::Choice(words) => json!(words.first()),
            Kind::Number(_, default) => json!(default),
            Kind::List(_) => json!([]),
        }
    }

    /// Whether a cmdlet can have set this.
    fn fits(&self, value: &Value) -> bool {
        let short = |value: &Value, most: usize| value.as_str().is_some_and(|text| text.chars().count() <= most);
        match self {
            Kind::Flag(_) => value.is_boolean(),
            Kind::Text(most) | Kind::TextOr(most, _) => short(value, *most),
            Kind::Choice(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Kind::Number(range, _) => value.as_i64().is_some_and(|n| range.contains(&n)),
            Kind::List(most) => value.as_array().is_some_and(|list| list.iter().all(|text| short(text, *most))),
        }
    }
}

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The parameter's and the property's name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// The settings of one kind of object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// The cmdlet that sets them.
    pub set_by: &'static str,
    /// In the order in which the Get- cmdlet shows them.
    pub settings: &'static [Setting],
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
pub(crate) const MAILBOX: Table = Table {
    set_by: "Set-UMMailbox",
    settings: &[
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
    ],
};

/// Set-UMMailboxPolicy outside the PIN rules.
pub(crate) const POLICY: Table = Table {
    set_by: "Set-UMMailboxPolicy",
    settings: &[
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
    ],
};

/// Set-UMDialPlan. Ranges: the cmdlet's public page.
pub(crate) const DIAL_PLAN: Table = Table {
    set_by: "Set-UMDialPlan",
    settings: &[
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
    ],
};

/// The number to call for one mailbox alone, where Enable-UMMailbox was given one. No other cmdlet sets or shows it.
pub(crate) const PILOT_NUMBER: &str = "PilotNumber";

/// What is set on one object.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    table: Table,
    /// Who it is, for errors.
    object: String,
    values: Map<String, Value>,
}

impl Settings {
    /// Those of a new object: defaults alone.
    pub(crate) fn new(table: Table) -> Self {
        Self { table, object: String::new(), values: Map::new() }
    }

    /// Those of a mailbox.
    pub(crate) fn of_mailbox(mailbox: &UmMailbox) -> Result<Self> {
        Self::read(MAILBOX, &mailbox.settings, || format!("the mailbox {}", mailbox.guid))
    }

    /// Those of a policy.
    pub(crate) fn of_policy(policy: &Policy) -> Result<Self> {
        Self::read(POLICY, &policy.settings, || format!("the UM mailbox policy '{}'", policy.name))
    }

    /// Those of a dial plan.
    pub(crate) fn of_dial_plan(plan: &DialPlan) -> Result<Self> {
        Self::read(DIAL_PLAN, &plan.settings, || format!("the UM dial plan '{}'", plan.name))
    }

    fn read(table: Table, document: &str, object: impl FnOnce() -> String) -> Result<Self> {
        match serde_json::from_str(document) {
            Ok(Value::Object(values)) => Ok(Self { table, object: object(), values }),
            _ => Err(Error::new(
                Status::StoreDamaged,
                format!("the settings of {} cannot be read; they were changed outside this program", object()),
            )),
        }
    }

    /// The table they are of.
    pub(crate) fn table(&self) -> Table {
        self.table
    }

    /// One value, or its default. One that no cmdlet can have set is an error.
    pub(crate) fn value(&self, setting: &Setting) -> Result<Value> {
        match self.values.get(setting.name) {
            None => Ok(setting.kind.default()),
            Some(value) if setting.kind.fits(value) => Ok(value.clone()),
            Some(_) => Err(Error::new(
                Status::StoreDamaged,
                format!(
                    "{} of {} is none that a cmdlet sets: it was changed outside this program. Nothing was changed. \
                     Set it anew with {} -{0}, or restore a backup with Restore-UMPinStore.",
                    setting.name, self.object, self.table.set_by
                ),
            )
            .about(self.object.as_str())),
        }
    }

    fn known_value(&self, name: &str) -> Result<Value> {
        self.table
            .settings
            .iter()
            .find(|setting| setting.name == name)
            .map_or_else(|| Ok(self.values.get(name).cloned().unwrap_or_default()), |setting| self.value(setting))
    }

    /// A text; empty where the table has no such setting.
    pub(crate) fn text(&self, name: &str) -> Result<String> {
        Ok(self.known_value(name)?.as_str().unwrap_or_default().to_owned())
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let value = self.known_value(name)?;
        Ok(value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Result<i64> {
        Ok(self.known_value(name)?.as_i64().unwrap_or_default())
    }

    /// Sets one. The caller has checked the value.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.values.insert(name.into(), value);
    }

    /// Writes every value into an output object, the default where none was set.
    pub(crate) fn write_into(&self, out: &mut Map<String, Value>) -> Result<()> {
        for setting in self.table.settings {
            out.insert(setting.name.into(), self.value(setting)?);
        }
        Ok(())
    }

    /// Whether both show the same, be it set or a default.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let shown = |settings: &Self, one: &Setting| {
            settings.values.get(one.name).cloned().unwrap_or_else(|| one.kind.default())
        };
        self.table.settings.iter().all(|one| shown(self, one) == shown(other, one))
    }

    /// As the store keeps them.
    pub(crate) fn document(self) -> String {
        Value::Object(self.values).to_string()
    }
}

/// What is wrong with a stored document; `None` where every value is one that a cmdlet sets. Names of later versions
/// pass.
pub(crate) fn document_fault(table: Table, document: &str) -> Option<String> {
    let Ok(Value::Object(document)) = serde_json::from_str(document) else {
        return Some("the settings cannot be read".into());
    };
    let is_odd = |setting: &&Setting| document.get(setting.name).is_some_and(|value| !setting.kind.fits(value));
    table.settings.iter().find(is_odd).map(|odd| format!("{} is none that a cmdlet sets", odd.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(document: &str) -> Settings {
        Settings::read(DIAL_PLAN, document, || "the plan".into()).unwrap()
    }

    #[test]
    fn a_document_that_is_none_is_an_error_and_a_value_that_is_none_names_itself() {
        for broken in ["", "[]", "{", "7"] {
            let error = Settings::read(DIAL_PLAN, broken, || "the plan".into()).unwrap_err();
            assert_eq!(error.status, Status::StoreDamaged, "{broken}");
        }
        for (document, name) in [
            (r#"{"MaxCallDuration":"long"}"#, "MaxCallDuration"),
            (r#"{"MaxCallDuration":9}"#, "MaxCallDuration"),
            (r#"{"AudioCodec":"mp3"}"#, "AudioCodec"),
            (r#"{"FaxEnabled":1}"#, "FaxEnabled"),
            (r#"{"NumberingPlanFormats":["x",1]}"#, "NumberingPlanFormats"),
            (r#"{"NationalNumberPrefix":"12345"}"#, "NationalNumberPrefix"),
        ] {
            let error = stored(document).write_into(&mut Map::new()).unwrap_err();
            assert_eq!(error.status, Status::StoreDamaged, "{document}");
            assert!(error.message.contains(&format!("Set-UMDialPlan -{name}")), "{}", error.message);
            assert!(document_fault(DIAL_PLAN, document).is_some_and(|what| what.starts_with(name)), "{document}");
        }
    }

    #[test]
    fn a_default_stands_for_what_was_never_set() {
        let none = stored("{}");
        assert_eq!(none.number("LogonFailuresBeforeDisconnect").unwrap(), 3);
        assert_eq!(none.text("OutsideLineAccessCode").unwrap(), "9");
        assert!(none.texts("AccessTelephoneNumbers").unwrap().is_empty());
        assert!(none.same_as(&stored(r#"{"MaxCallDuration":30,"AddedByALaterVersion":1}"#)));
        assert!(!none.same_as(&stored(r#"{"MaxCallDuration":31}"#)));
    }

    #[test]
    fn every_default_is_one_that_a_cmdlet_sets() {
        for setting in [MAILBOX, POLICY, DIAL_PLAN].iter().flat_map(|table| table.settings) {
            assert!(setting.kind.fits(&setting.kind.default()), "{}", setting.name);
        }
    }
}
