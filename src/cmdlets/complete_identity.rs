//! Complete-Identity: what Tab offers for an identity. Never an error: an empty list serves.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cmdlets::document::{Request, Response};
use crate::directory::identity::fold_case;
use crate::error::Result;
use crate::session::Session;
use crate::store::Tx;
use crate::store::search::Whom;

/// The most completions that are offered.
const MOST: usize = 50;
/// The most recipients that are read to collect their containers, so that Tab answers at once.
const SAMPLE: usize = 5000;

/// `Kind` (UMMailbox, Recipient, OrganizationalUnit, UMMailboxPolicy, UMDialPlan) and `Prefix`.
pub(crate) fn complete_identity(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["Kind", "Prefix"])?;
    let prefix = fold_case(&p.text("Prefix")?.unwrap_or_default());
    let kind = p.text("Kind")?.unwrap_or_default();
    let named = |names: Vec<String>, tip: &str| -> Vec<Value> {
        names
            .into_iter()
            .filter(|n| fold_case(n).starts_with(&prefix))
            .take(MOST)
            .map(|n| json!({"Text": n, "ToolTip": tip}))
            .collect()
    };
    let objects = session.read(|tx| {
        Ok(match kind.as_str() {
            "OrganizationalUnit" => named(containers(tx)?, "organizational unit"),
            "UMMailboxPolicy" => named(tx.policies(None)?.into_iter().map(|p| p.name).collect(), "UM mailbox policy"),
            "UMDialPlan" => named(tx.dial_plans()?.into_iter().map(|p| p.name).collect(), "UM dial plan"),
            _ => {
                let whom = if kind == "UMMailbox" { Whom::UmEnabled } else { Whom::Everybody };
                let mut objects = Vec::new();
                for guid in tx.recipients_by_prefix(&prefix, whom, MOST)? {
                    if let Some(r) = tx.recipient(&guid)? {
                        let text =
                            [&r.primary_smtp_address, &r.alias, &r.canonical_name].into_iter().find(|t| !t.is_empty());
                        objects.push(json!({"Text": text, "ToolTip": r.canonical_name}));
                    }
                }
                objects
            }
        })
    })?;
    Ok(Response { objects, ..Response::default() })
}

/// The canonical names of the containers that people lie in, and of those above.
fn containers(tx: &Tx<'_>) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for canonical in tx.canonical_names(SAMPLE)? {
        let mut rest = canonical.as_str();
        while let Some(at) = last_slash(rest) {
            rest = &rest[..at];
            if !found.insert(rest.to_owned()) {
                break;
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Where the last part of a canonical name begins; a slash within a part is written `\/`.
fn last_slash(name: &str) -> Option<usize> {
    name.rmatch_indices('/').map(|(at, _)| at).find(|at| !name[..*at].ends_with('\\'))
}
