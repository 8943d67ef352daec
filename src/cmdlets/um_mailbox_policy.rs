//! New-, Get-, Set- and Remove-UMMailboxPolicy.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::cmdlets::document::{Request, Response, date, guid};
use crate::cmdlets::parameters::{Parameters, Unlimited};
use crate::cmdlets::settings::{self, check_name, invalid, name_in_use_error, out_of_range};
use crate::directory::identity::fold;
use crate::error::{Error, Result, Status};
use crate::guid::PolicyGuid;
use crate::pin::PinPolicy;
use crate::pin::policy as limits;
use crate::service::lookup;
use crate::service::telephone_settings::{POLICY, Settings};
use crate::session::{Change, Session};
use crate::store::Tx;
use crate::store::dial_plans::DialPlan;
use crate::store::policies::Policy;

/// The PIN rules and ours, as parameters.
const PIN_PARAMETERS: &[&str] = &[
    "MinPINLength",
    "PINLifetime",
    "PINHistoryCount",
    "AllowCommonPatterns",
    "LogonFailuresBeforePINReset",
    "MaxLogonAttempts",
    "LockoutDuration",
    "LifetimeLogonFailures",
    "BlockHumanPINs",
    "ExpiryNoticeDays",
    "NotifyWithoutPIN",
];

/// New-UMMailboxPolicy: a name and a plan; every other setting through Set-.
pub(crate) fn new_um_mailbox_policy(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["Name", "UMDialPlan"])?;
    let name = check_name(&p.required("Name")?)?;
    session.change(request.mode, &request.cause, |c| {
        let plan = lookup::dial_plan(session, c.tx, &p.required("UMDialPlan")?, &request.cause.domain_controller)?;
        if c.tx.policy_by_key(&fold(&name))?.is_some() {
            return Err(name_in_use_error("UM mailbox policy", &name));
        }
        let policy = add(c, &name, &plan)?;
        c.audit(&name, "UM mailbox policy created")?;
        Ok(Response::with_object(policy_object(c.tx, &policy)?).for_should_process(&name, "Create UM mailbox policy"))
    })
}

/// "<plan> Default Policy", with a number from 1 to 10 behind it where that is taken.
pub(crate) fn add_default_policy(c: &Change<'_>, plan: &DialPlan) -> Result<Policy> {
    let base = format!("{} Default Policy", plan.name);
    for name in std::iter::once(base.clone()).chain((1..=10).map(|n| format!("{base}{n}"))) {
        if name.chars().count() > 64 {
            return Err(invalid(format!(
                "The default policy's name '{name}' would have more than 64 characters; shorten the dial plan's name \
                 or use -GenerateUMMailboxPolicy $false"
            )));
        }
        if c.tx.policy_by_key(&fold(&name))?.is_none() {
            return add(c, &name, plan);
        }
    }
    Err(name_in_use_error("UM mailbox policy", &base))
}

fn add(c: &Change<'_>, name: &str, plan: &DialPlan) -> Result<Policy> {
    let policy = Policy {
        guid: PolicyGuid::random()?,
        name: name.into(),
        dial_plan_guid: plan.guid.clone(),
        pin: PinPolicy::default(),
        expiry_notice_days: None,
        notify_without_pin: false,
        settings: "{}".into(),
        when_created: c.now,
        when_changed: c.now,
    };
    c.tx.put_policy(&policy)?;
    Ok(policy)
}

/// Get-UMMailboxPolicy: one, those of a plan, or all by name.
pub(crate) fn get_um_mailbox_policy(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["UMDialPlan"])?;
    let server = &request.cause.domain_controller;
    let objects = session.read(|tx| {
        let plan = match p.text("UMDialPlan")? {
            None => None,
            Some(text) => Some(lookup::dial_plan(session, tx, &text, server)?.guid),
        };
        let mut policies = match p.text("Identity")? {
            None => tx.policies(None)?,
            Some(text) => vec![lookup::policy(session, tx, &text, server)?],
        };
        policies.retain(|policy| plan.as_ref().is_none_or(|guid| *guid == policy.dial_plan_guid));
        policies.iter().map(|policy| policy_object(tx, policy)).collect::<Result<_>>()
    })?;
    Ok(Response { objects, ..Response::default() })
}

/// Set-UMMailboxPolicy. Acts at once on everybody under the policy.
pub(crate) fn set_um_mailbox_policy(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&[&["Name", "UMDialPlan", "ForceUpgrade"][..], PIN_PARAMETERS, &settings::setting_names(POLICY)].concat())?;
    let server = &request.cause.domain_controller;
    session.change(request.mode, &request.cause, |c| {
        let old = lookup::policy(session, c.tx, &p.text("Identity")?.unwrap_or_default(), server)?;
        let mut policy = old.clone();
        let before = policy.name.clone();
        if let Some(name) = p.text("Name")? {
            let name = check_name(&name)?;
            if c.tx.policy_by_key(&fold(&name))?.is_some_and(|other| other.guid != policy.guid) {
                return Err(name_in_use_error("UM mailbox policy", &name));
            }
            policy.name = name;
        }
        if let Some(text) = p.text("UMDialPlan")? {
            let plan = lookup::dial_plan(session, c.tx, &text, server)?;
            if plan.guid != policy.dial_plan_guid && c.tx.policy_mailbox_count(&policy.guid)? > 0 {
                return Err(invalid(format!(
                    "The UM mailbox policy '{before}' has mailboxes, whose extensions belong to its dial plan, so it \
                     cannot move to another plan"
                )));
            }
            policy.dial_plan_guid = plan.guid;
        }
        apply_pin_rules(p, &mut policy)?;
        let stored = Settings::of_policy(&policy)?;
        let mut settings = stored.clone();
        settings::apply_settings(p, &mut settings)?;
        if policy == old && settings.same_as(&stored) {
            return Ok(Response::unchanged(&before, "Set UM mailbox policy"));
        }
        policy.settings = settings.document();
        policy.when_changed = c.now;
        c.tx.put_policy(&policy)?;
        c.audit(&before, "UM mailbox policy changed")?;
        Ok(Response::default().for_should_process(before, "Set UM mailbox policy"))
    })
}

/// Remove-UMMailboxPolicy: refused while a mailbox is enabled under it.
pub(crate) fn remove_um_mailbox_policy(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&[])?;
    session.change(request.mode, &request.cause, |c| {
        let policy =
            lookup::policy(session, c.tx, &p.text("Identity")?.unwrap_or_default(), &request.cause.domain_controller)?;
        let mailboxes = c.tx.policy_mailbox_count(&policy.guid)?;
        if mailboxes > 0 {
            return Err(Error::new(
                Status::PolicyInUse,
                format!(
                    "The UM mailbox policy '{}' can't be removed because {} it. Nothing was changed. Disable what uses \
                     it, or give it another policy, first.",
                    policy.name,
                    if mailboxes == 1 {
                        "1 UM-enabled mailbox references".to_owned()
                    } else {
                        format!("{mailboxes} UM-enabled mailboxes reference")
                    }
                ),
            )
            .about(policy.name));
        }
        c.tx.remove_policy(&policy.guid)?;
        c.audit(&policy.name, "UM mailbox policy removed")?;
        Ok(Response::default().for_should_process(policy.name, "Remove UM mailbox policy"))
    })
}

fn apply_pin_rules(p: &Parameters, policy: &mut Policy) -> Result<()> {
    let pin = &mut policy.pin;
    if let Some(n) = p.integer("MinPINLength")? {
        pin.min_length = integer_in_range("MinPINLength", n, &limits::MIN_PIN_LENGTH)?;
    }
    if let Some(days) = duration(p, "PINLifetime", 24 * 60, &limits::PIN_LIFETIME)? {
        pin.lifetime_days = days;
    }
    if let Some(n) = p.integer("PINHistoryCount")? {
        pin.history_count = integer_in_range("PINHistoryCount", n, &limits::PIN_HISTORY_COUNT)?;
    }
    if let Some(flag) = p.flag("AllowCommonPatterns")? {
        pin.allow_common_patterns = flag;
    }
    if let Some(n) = limited(p, "LogonFailuresBeforePINReset", &limits::LOGON_FAILURES_BEFORE_PIN_RESET)? {
        pin.failures_before_reset = n.filter(|n| *n > 0);
    }
    if let Some(n) = limited(p, "MaxLogonAttempts", &limits::MAX_LOGON_ATTEMPTS)? {
        pin.max_attempts = n;
    }
    if let Some(minutes) = duration(p, "LockoutDuration", 1, &limits::LOCKOUT_DURATION)? {
        pin.lockout_minutes = minutes;
    }
    if let Some(n) = limited(p, "LifetimeLogonFailures", &limits::LIFETIME_LOGON_FAILURES)? {
        pin.lifetime_failures = n;
    }
    if let Some(flag) = p.flag("BlockHumanPINs")? {
        pin.block_human_pins = flag;
    }
    if let (Some(reset), Some(max)) = (pin.failures_before_reset, pin.max_attempts)
        && reset >= max
    {
        return Err(invalid(format!(
            "LogonFailuresBeforePINReset ({reset}) must be less than MaxLogonAttempts ({max})"
        )));
    }
    if let Some(n) = limited(p, "ExpiryNoticeDays", &limits::EXPIRY_NOTICE_DAYS)? {
        policy.expiry_notice_days = n;
    }
    if let Some(flag) = p.flag("NotifyWithoutPIN")? {
        policy.notify_without_pin = flag;
    }
    Ok(())
}

fn integer_in_range(name: &str, n: i64, range: &RangeInclusive<u32>) -> Result<u32> {
    u32::try_from(n)
        .ok()
        .filter(|n| range.contains(n))
        .ok_or_else(|| out_of_range(name, n, &(i64::from(*range.start())..=i64::from(*range.end()))))
}

/// A number or `Unlimited`; the outer `None`: not given.
fn limited(p: &Parameters, name: &str, range: &RangeInclusive<u32>) -> Result<Option<Option<u32>>> {
    Ok(match p.unlimited(name)? {
        None => None,
        Some(Unlimited::Unlimited) => Some(None),
        Some(Unlimited::Limited(n)) => Some(Some(integer_in_range(name, n, range)?)),
    })
}

/// A number, `Unlimited` or a time span such as `60.00:00:00`, which is how Get- prints it. `minutes`: how long one
/// unit of the number is.
fn duration(p: &Parameters, name: &str, minutes: i64, range: &RangeInclusive<u32>) -> Result<Option<Option<u32>>> {
    match p.text(name).ok().flatten().as_deref().and_then(parse_time_span) {
        Some(span) if span % minutes == 0 => Ok(Some(Some(integer_in_range(name, span / minutes, range)?))),
        Some(_) => Err(invalid(format!("-{name} must be a whole number of days"))),
        None => limited(p, name, range),
    }
}

/// `[d.]hh:mm:ss` in minutes.
fn parse_time_span(text: &str) -> Option<i64> {
    let (days, clock) = match text.split_once('.') {
        Some((days, clock)) => (days.parse::<i64>().ok()?, clock),
        None => (0, text),
    };
    let mut parts = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next().is_none() && seconds == 0).then_some((days * 24 + hours) * 60 + minutes)
}

fn time_span(minutes: Option<i64>) -> Value {
    match minutes {
        None => json!("Unlimited"),
        Some(m) => {
            let (days, hours, minutes) = (m / 1440, m % 1440 / 60, m % 60);
            let days = if days > 0 { format!("{days}.") } else { String::new() };
            json!(format!("{days}{hours:02}:{minutes:02}:00"))
        }
    }
}

/// A number where it is one, so that scripts compare it as one.
fn or_unlimited(n: Option<u32>) -> Value {
    n.map_or_else(|| json!("Unlimited"), |n| json!(n))
}

fn policy_object(tx: &Tx<'_>, policy: &Policy) -> Result<Value> {
    let plan = tx.dial_plan(&policy.dial_plan_guid)?.map(|p| p.name).unwrap_or_default();
    let pin = &policy.pin;
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.into(), value);
    };
    put("$type", json!("Microsoft.Exchange.Data.Directory.SystemConfiguration.UMMailboxPolicy"));
    put("Name", json!(policy.name));
    put("UMDialPlan", json!(plan));
    put("MinPINLength", json!(pin.min_length));
    put("PINLifetime", time_span(pin.lifetime_days.map(|d| i64::from(d) * 1440)));
    put("PINHistoryCount", json!(pin.history_count));
    put("AllowCommonPatterns", json!(pin.allow_common_patterns));
    put("LogonFailuresBeforePINReset", or_unlimited(pin.failures_before_reset));
    put("MaxLogonAttempts", or_unlimited(pin.max_attempts));
    put("LockoutDuration", time_span(pin.lockout_minutes.map(i64::from)));
    put("LifetimeLogonFailures", or_unlimited(pin.lifetime_failures));
    put("BlockHumanPINs", json!(pin.block_human_pins));
    put("ExpiryNoticeDays", or_unlimited(policy.expiry_notice_days));
    put("NotifyWithoutPIN", json!(policy.notify_without_pin));
    Settings::of_policy(policy)?.write_into(&mut out)?;
    out.insert("Identity".into(), json!(policy.name));
    out.insert("Guid".into(), guid(&policy.guid));
    out.insert("WhenCreated".into(), date(policy.when_created));
    out.insert("WhenChanged".into(), date(policy.when_changed));
    Ok(Value::Object(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spans_round_trip() {
        for (minutes, text) in [(60 * 1440, "60.00:00:00"), (30, "00:30:00"), (90, "01:30:00")] {
            assert_eq!(time_span(Some(minutes)), json!(text));
            assert_eq!(parse_time_span(text), Some(minutes));
        }
        assert_eq!(parse_time_span("60"), None);
        assert_eq!(parse_time_span("00:00:30"), None);
    }
}
