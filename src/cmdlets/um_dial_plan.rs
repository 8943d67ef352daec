//! New-, Get-, Set- and Remove-UMDialPlan.

use serde_json::{Map, Value, json};

use crate::cmdlets::document::{Request, Response, date, guid};
use crate::cmdlets::settings::{self, check_name, invalid, name_in_use_error, out_of_range};
use crate::cmdlets::um_mailbox_policy;
use crate::directory::identity::{self, fold};
use crate::directory::numbers::UriType;
use crate::error::{Error, Result, Status};
use crate::guid::DialPlanGuid;
use crate::service::addresses;
use crate::service::lookup;
use crate::service::telephone_settings::{DIAL_PLAN, Settings};
use crate::session::Session;
use crate::store::Tx;
use crate::store::dial_plans::DialPlan;

/// Digits of an extension.
pub(crate) const DIGITS: std::ops::RangeInclusive<i64> = 1..=20;

/// The country code of a plan that was made without one.
const DEFAULT_COUNTRY: &str = "1";

/// New-UMDialPlan: the plan, and its default policy unless that is declined.
pub(crate) fn new_um_dial_plan(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    let own = ["Name", "NumberOfDigitsInExtension", "GenerateUMMailboxPolicy", "URIType"];
    p.allow(&[&own[..], &settings::setting_names(DIAL_PLAN)].concat())?;
    identity::validate_domain_controller(&request.cause.domain_controller)?;
    let name = check_name(&p.required("Name")?)?;
    let digits = p
        .integer("NumberOfDigitsInExtension")?
        .ok_or_else(|| invalid("New-UMDialPlan needs -NumberOfDigitsInExtension"))?;
    if !DIGITS.contains(&digits) {
        return Err(out_of_range("NumberOfDigitsInExtension", digits, &DIGITS));
    }
    let uri_type = match p.text("URIType")?.filter(|text| !text.is_empty()) {
        None => UriType::TelExtn,
        Some(text) => UriType::from_name(&text)
            .ok_or_else(|| invalid(format!("-URIType '{text}' is none of TelExtn, E164 and SipName")))?,
    };
    let country = p.text("CountryOrRegionCode")?;
    if let Some(code) = &country {
        check_country(code)?;
    }
    let mut settings = Settings::new(DIAL_PLAN);
    settings::apply_settings(p, &mut settings)?;
    if country.is_none() {
        // Goes with the default language.
        settings.set("CountryOrRegionCode", json!(DEFAULT_COUNTRY));
    }
    let with_policy = p.flag("GenerateUMMailboxPolicy")?.unwrap_or(true);

    let settings = settings.document();
    session.change(request.mode, &request.cause, |c| {
        if c.tx.dial_plan_by_key(&fold(&name))?.is_some() {
            return Err(name_in_use_error("UM dial plan", &name));
        }
        let plan = DialPlan {
            guid: DialPlanGuid::random()?,
            name: name.clone(),
            digits: u32::try_from(digits).unwrap_or_default(),
            uri_type,
            settings: settings.clone(),
            when_created: c.now,
            when_changed: c.now,
        };
        c.tx.put_dial_plan(&plan)?;
        if with_policy {
            um_mailbox_policy::add_default_policy(c, &plan)?;
        }
        c.audit(&name, "UM dial plan created")?;
        Ok(Response::with_object(dial_plan_object(c.tx, &plan)?).for_should_process(&name, "Create UM dial plan"))
    })
}

/// Get-UMDialPlan: one, or all by name.
pub(crate) fn get_um_dial_plan(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&[])?;
    let plans = session.read(|tx| {
        let plans = match p.text("Identity")? {
            None => tx.dial_plans()?,
            Some(text) => vec![lookup::dial_plan(session, tx, &text, &request.cause.domain_controller)?],
        };
        plans.iter().map(|plan| dial_plan_object(tx, plan)).collect::<Result<_>>()
    })?;
    Ok(Response { objects: plans, ..Response::default() })
}

/// Set-UMDialPlan. The digits and the URI type are fixed once a plan exists.
pub(crate) fn set_um_dial_plan(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&[&["Name", "ForceUpgrade"][..], &settings::setting_names(DIAL_PLAN)].concat())?;
    if let Some(code) = p.text("CountryOrRegionCode")? {
        check_country(&code)?;
    }
    session.change(request.mode, &request.cause, |c| {
        let old = lookup::dial_plan(
            session,
            c.tx,
            &p.text("Identity")?.unwrap_or_default(),
            &request.cause.domain_controller,
        )?;
        let mut plan = old.clone();
        let before = plan.name.clone();
        if let Some(name) = p.text("Name")? {
            let name = check_name(&name)?;
            if c.tx.dial_plan_by_key(&fold(&name))?.is_some_and(|other| other.guid != plan.guid) {
                return Err(name_in_use_error("UM dial plan", &name));
            }
            plan.name = name;
        }
        let stored = Settings::of_dial_plan(&plan)?;
        let mut settings = stored.clone();
        settings::apply_settings(p, &mut settings)?;
        if plan == old && settings.same_as(&stored) {
            return Ok(Response::unchanged(&before, "Set UM dial plan"));
        }
        plan.settings = settings.document();
        plan.when_changed = c.now;
        c.tx.put_dial_plan(&plan)?;
        c.audit(&before, "UM dial plan changed")?;
        Ok(Response::default().for_should_process(before, "Set UM dial plan"))
    })
}

/// Remove-UMDialPlan: refused while a policy or a mailbox's number belongs to it.
pub(crate) fn remove_um_dial_plan(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&[])?;
    session.change(request.mode, &request.cause, |c| {
        let plan = lookup::dial_plan(
            session,
            c.tx,
            &p.text("Identity")?.unwrap_or_default(),
            &request.cause.domain_controller,
        )?;
        let policies = c.tx.policies(Some(&plan.guid))?;
        if !policies.is_empty() || c.tx.dial_plan_address_count(&plan.guid)? > 0 {
            let names: Vec<&str> = policies.iter().map(|p| p.name.as_str()).collect();
            return Err(Error::new(
                Status::DialPlanInUse,
                format!(
                    "The UM dial plan '{}' can't be removed while UM mailbox policies or mailboxes use it ({}). \
                     Nothing was changed. Remove or move them first.",
                    plan.name,
                    if names.is_empty() { "numbers of mailboxes".to_owned() } else { names.join(", ") }
                ),
            )
            .about(plan.name));
        }
        c.tx.remove_dial_plan(&plan.guid)?;
        c.audit(&plan.name, "UM dial plan removed")?;
        Ok(Response::default().for_should_process(plan.name, "Remove UM dial plan"))
    })
}

/// 1 to 4 digits (the cmdlet's public page).
fn check_country(code: &str) -> Result<()> {
    if (1..=4).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(invalid(format!("-CountryOrRegionCode '{code}' is not 1 to 4 digits")))
}

/// A dial group entry with its parts as properties: the columns of the file that it is made from.
fn dial_group(entry: &Value) -> Value {
    let mut parts = entry.as_str().unwrap_or_default().splitn(4, ',').map(str::trim);
    let mut part = || parts.next().unwrap_or_default();
    json!({
        "$type": "Microsoft.Exchange.Data.Directory.SystemConfiguration.DialGroupEntry",
        "Name": part(),
        "NumberMask": part(),
        "DialedNumber": part(),
        "Comment": part(),
    })
}

fn dial_plan_object(tx: &Tx<'_>, plan: &DialPlan) -> Result<Value> {
    let policies: Vec<String> = tx.policies(Some(&plan.guid))?.into_iter().map(|p| p.name).collect();
    let mut out = Map::new();
    out.insert("$type".into(), json!("Microsoft.Exchange.Data.Directory.SystemConfiguration.UMDialPlan"));
    out.insert("Name".into(), json!(plan.name));
    out.insert("NumberOfDigitsInExtension".into(), json!(plan.digits));
    out.insert("URIType".into(), json!(plan.uri_type.as_str()));
    out.insert("PhoneContext".into(), json!(addresses::phone_context(tx, &plan.name)?));
    out.insert("UMMailboxPolicies".into(), json!(policies));
    Settings::of_dial_plan(plan)?.write_into(&mut out)?;
    if out["DefaultLanguage"] == json!("") {
        out.insert("DefaultLanguage".into(), json!("en-US"));
    }
    for groups in ["ConfiguredInCountryOrRegionGroups", "ConfiguredInternationalGroups"] {
        let entries = out.get(groups).and_then(Value::as_array).map(|list| list.iter().map(dial_group).collect());
        out.insert(groups.into(), Value::Array(entries.unwrap_or_default()));
    }
    out.insert("Identity".into(), json!(plan.name));
    out.insert("Guid".into(), guid(&plan.guid));
    out.insert("WhenCreated".into(), date(plan.when_created));
    out.insert("WhenChanged".into(), date(plan.when_changed));
    Ok(Value::Object(out))
}
