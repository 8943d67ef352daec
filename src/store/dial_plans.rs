//! Dial plans.

use super::Tx;
use super::engine::{Row, params};
use super::statements::Statements;
use crate::directory::numbers::UriType;
use crate::error::Result;
use crate::guid::DialPlanGuid;

/// One dial plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialPlan {
    /// GUID.
    pub guid: DialPlanGuid,
    /// As it was spelled.
    pub name: String,
    /// Digits of every extension in it.
    pub digits: u32,
    /// How its mailboxes are called.
    pub uri_type: UriType,
    /// Everything else, one JSON object.
    pub settings: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub when_created: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub when_changed: i64,
}

const COLUMNS: &str = "guid, name, digits, uri_type, settings, when_created, when_changed";

fn dial_plan(r: &Row<'_>) -> Result<DialPlan> {
    Ok(DialPlan {
        guid: r.get("guid")?,
        name: r.get("name")?,
        digits: r.get("digits")?,
        uri_type: r.get("uri_type")?,
        settings: r.get("settings")?,
        when_created: r.get("when_created")?,
        when_changed: r.get("when_changed")?,
    })
}

impl Tx<'_> {
    /// By GUID.
    pub(crate) fn dial_plan(&self, guid: &DialPlanGuid) -> Result<Option<DialPlan>> {
        self.query_optional(&format!("SELECT {COLUMNS} FROM dial_plan WHERE guid = ?1"), params![guid], dial_plan)
    }

    /// By folded name or GUID.
    pub(crate) fn dial_plan_by_key(&self, key: &str) -> Result<Option<DialPlan>> {
        self.query_optional(
            &format!("SELECT {COLUMNS} FROM dial_plan WHERE name_key = ?1 OR guid = ?2"),
            params![key, DialPlanGuid::known(key)],
            dial_plan,
        )
    }

    /// All, by name.
    pub(crate) fn dial_plans(&self) -> Result<Vec<DialPlan>> {
        self.query_all(&format!("SELECT {COLUMNS} FROM dial_plan ORDER BY name_key"), params![], dial_plan)
    }

    /// All, each with the store's own number of it.
    pub(crate) fn numbered_dial_plans(&self) -> Result<Vec<(i64, DialPlan)>> {
        self.query_all(&format!("SELECT id, {COLUMNS} FROM dial_plan ORDER BY id"), params![], |r| {
            Ok((r.get("id")?, dial_plan(r)?))
        })
    }

    /// Adds a plan or replaces one.
    pub fn put_dial_plan(&self, p: &DialPlan) -> Result<()> {
        self.execute(
            "INSERT INTO dial_plan (guid, name, name_key, digits, uri_type, settings, when_created, when_changed) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (guid) DO UPDATE SET name = excluded.name, \
                 name_key = excluded.name_key, digits = excluded.digits, uri_type = excluded.uri_type, \
                 settings = excluded.settings, when_changed = excluded.when_changed",
            params![
                p.guid,
                p.name,
                crate::directory::identity::fold(&p.name),
                p.digits,
                p.uri_type,
                p.settings,
                p.when_created,
                p.when_changed
            ],
        )
    }

    /// Removes a plan that nothing references.
    pub(crate) fn remove_dial_plan(&self, guid: &DialPlanGuid) -> Result<()> {
        self.execute("DELETE FROM dial_plan WHERE guid = ?1", params![guid])
    }
}
