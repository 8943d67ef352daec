//! Which people are in a list. An index, the columns of a person's row and the object that is shown can each tell, the
//! cheapest first: this file says which part of -Filter, -Anr and the container each of them answers.
//!
//! [`Search::clues`] is the one place that says what an index serves; [`Search::is_shown`] the one that decides, by the
//! same comparisons whatever found the person. An index may find too many, and must miss nobody: it finds by the text
//! that `-eq` names or that stands before the first star of `-like`, folded as the comparison folds it.
//!
//! | property | an index finds | else decided by |
//! | --- | --- | --- |
//! | Name, DisplayName, FirstName, LastName, Alias, SamAccountName, UserPrincipalName, PrimarySmtpAddress, WindowsEmailAddress, Identity, DistinguishedName, LegacyExchangeDN | equality, beginning | a column |
//! | EmailAddresses with its kind (`smtp:`, `eum:`, `sip:`, ...), UMAddresses, Extensions, SIPResourceIdentifier | equality, beginning | the addresses |
//! | UMMailboxPolicy, UMDialPlan | any comparison | the policy |
//! | Guid | equality | a column |
//! | ServerName, ServerLegacyDN, LinkedMasterAccount, UMEnabled | - | a column |
//! | all others | - | the object |
//!
//! An index serves `-and` where it serves one of the sides, `-or` where it serves both, and `-not` never.
//!
//! Where no index serves, people are walked over in the list's order; where that finds hardly anybody, what columns,
//! addresses and policy tell is asked of everybody in the order of the tables ([`Search::scanned`]), and the few who
//! are left are looked at in the list's order.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::json;

use crate::directory::identity::fold_case;
use crate::directory::numbers::AddressKind;
use crate::directory::opath::{Filter, Operator, compare, compare_texts};
use crate::error::Result;
use crate::guid::RecipientGuid;
use crate::service::addresses::number_text;
use crate::store::Tx;
use crate::store::dial_plans::DialPlan;
use crate::store::policies::Policy;
use crate::store::search::{Asked, Clue, Passer, Wanted, Whom};

/// Candidates that are worth looking at one by one; where an index finds more, everybody is walked over in order.
const MOST_CANDIDATES: usize = if cfg!(test) { 5 } else { 20_000 };

/// Properties that a column tells.
const COLUMNS: &[(&str, &str)] = &[
    ("Name", "name"),
    ("DisplayName", "display_name"),
    ("FirstName", "first_name"),
    ("LastName", "last_name"),
    ("Alias", "alias"),
    ("SamAccountName", "sam_account_name"),
    ("UserPrincipalName", "user_principal_name"),
    ("PrimarySmtpAddress", "primary_smtp_address"),
    ("WindowsEmailAddress", "primary_smtp_address"),
    ("LegacyExchangeDN", "legacy_exchange_dn"),
    ("LinkedMasterAccount", "linked_master_account"),
    ("ServerName", "server_name"),
    ("ServerLegacyDN", "server_legacy_dn"),
    ("Identity", "canonical_name"),
    ("DistinguishedName", "distinguished_name"),
];

/// Properties that the numbers tell, the first one with the proxy addresses.
const NUMBERS: &[&str] = &["EmailAddresses", "UMAddresses", "Extensions"];
/// Properties that the policy tells.
const POLICY: &[&str] = &["UMEnabled", "UMMailboxPolicy", "UMDialPlan"];

/// The columns whose beginning -Anr looks at.
const ANR: [&str; 5] = ["name", "display_name", "first_name", "last_name", "alias"];

/// What decides who is in a list.
pub(crate) struct Search<'a> {
    /// -Filter.
    pub filter: Option<&'a Filter>,
    /// -Anr, folded.
    pub anr: Option<&'a str>,
    /// The container as its canonical name with a slash behind it, folded; empty is everywhere.
    pub container: &'a str,
    /// Whether people without an SMTP address are left out, since they have no mailbox.
    pub needs_smtp: bool,
    /// Every policy, with the store's own number of it. There are few, beside the people.
    pub policies: &'a [(i64, Policy)],
    /// Every dial plan, in the same way.
    pub plans: &'a [(i64, DialPlan)],
}

/// What the columns tell of a person.
pub(crate) enum Verdict {
    /// Not in the list.
    No,
    /// In the list.
    Yes,
    /// In the list if the object passes -Filter.
    AskTheObject,
}

impl Search<'_> {
    /// The columns that [`Self::is_shown`] needs.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        let mut columns = BTreeSet::new();
        if let Some(filter) = self.filter {
            columns.extend(filter.properties().iter().filter_map(|property| self.column(property)));
        }
        if self.anr.is_some() {
            columns.extend(ANR);
        }
        if !self.container.is_empty() {
            columns.insert("canonical_name");
        }
        if self.needs_smtp {
            columns.insert("primary_smtp_address");
        }
        columns.into_iter().collect()
    }

    /// Whether a person on a walk with [`Self::columns`] is in the list.
    pub(crate) fn is_shown(&self, tx: &Tx<'_>, columns: &[&str], passer: &Passer<'_>) -> Result<Verdict> {
        let text = |column: &str| columns.iter().position(|c| *c == column).map_or(Ok(""), |at| passer.text(at));
        if self.needs_smtp && text("primary_smtp_address")?.is_empty() {
            return Ok(Verdict::No);
        }
        if !self.container.is_empty() && !fold_case(text("canonical_name")?).starts_with(self.container) {
            return Ok(Verdict::No);
        }
        if let Some(wanted) = self.anr {
            let mut begins = false;
            for column in ANR {
                begins |= fold_case(text(column)?).starts_with(wanted);
            }
            if !begins {
                return Ok(Verdict::No);
            }
        }
        let Some(filter) = self.filter else { return Ok(Verdict::Yes) };
        let passes = filter.passes(&mut |property, operator, value| match self.column(property) {
            Some(column) => Ok(Some(compare_texts([text(column)?], operator, value))),
            None => self.told(tx, passer, property, operator, value),
        })?;
        Ok(match passes {
            Some(true) => Verdict::Yes,
            Some(false) => Verdict::No,
            None => Verdict::AskTheObject,
        })
    }

    /// The column that tells a property. Get-UMMailbox's objects have no WindowsEmailAddress.
    fn column(&self, property: &str) -> Option<&'static str> {
        let (name, column) = COLUMNS.iter().find(|(name, _)| name.eq_ignore_ascii_case(property))?;
        (*name != "WindowsEmailAddress" || self.needs_smtp).then_some(*column)
    }

    /// One comparison with a property that no column tells; `None` where only the object does.
    fn told(
        &self,
        tx: &Tx<'_>,
        passer: &Passer<'_>,
        property: &str,
        operator: Operator,
        value: Option<&str>,
    ) -> Result<Option<bool>> {
        let is = |name: &str| property.eq_ignore_ascii_case(name);
        let numbered = |id: i64| self.policies.iter().find(|(number, _)| *number == id).map(|(_, policy)| policy);
        let policy = passer.policy.and_then(numbered);
        if is("UMEnabled") {
            return Ok(Some(compare(&json!(policy.is_some()), operator, value)));
        }
        if is("UMMailboxPolicy") {
            return Ok(Some(compare_texts(policy.map(|p| p.name.as_str()), operator, value)));
        }
        if is("UMDialPlan") {
            let plan = policy.and_then(|policy| self.plans.iter().find(|(_, plan)| plan.guid == policy.dial_plan_guid));
            return Ok(Some(compare_texts(plan.map(|(_, plan)| plan.name.as_str()), operator, value)));
        }
        let (all, um) = (is("EmailAddresses"), is("UMAddresses"));
        if !all && !um && !is("Extensions") {
            return Ok(None);
        }
        let numbers = passer.numbers(tx)?;
        let numbers = numbers.iter().map(|(_, number)| number);
        if is("Extensions") {
            let extensions = numbers.filter(|a| a.kind == AddressKind::Extension).map(|a| &a.address);
            return Ok(Some(compare_texts(extensions, operator, value)));
        }
        let proxies = if all { passer.proxy_texts(tx)? } else { Cow::default() };
        let numbers = numbers.map(|a| {
            let plan = self.plans.iter().find(|(number, _)| *number == a.dial_plan);
            let plan_name = plan.map(|(_, plan)| plan.name.as_str()).unwrap_or_default();
            Cow::Owned(number_text(&a.address, a.is_primary, plan_name))
        });
        let proxies = proxies.iter().map(|(_, text)| Cow::Borrowed(text.as_str()));
        Ok(Some(compare_texts(proxies.chain(numbers), operator, value)))
    }

    /// The people in the list, by going over everybody once; `None` where only their objects can tell.
    pub(crate) fn scanned(&self, tx: &Tx<'_>, whom: Whom) -> Result<Option<Vec<i64>>> {
        let properties = self.filter.map(Filter::properties).unwrap_or_default();
        let names = |of: &[&str]| properties.iter().any(|p| of.iter().any(|name| name.eq_ignore_ascii_case(p)));
        let told = |property: &&str| {
            self.column(property).is_some()
                || NUMBERS.iter().chain(POLICY).any(|name| name.eq_ignore_ascii_case(property))
        };
        if !properties.iter().all(told) {
            return Ok(None);
        }
        let asked = Asked { proxies: names(&["EmailAddresses"]), numbers: names(NUMBERS) };
        let columns = self.columns();
        tx.scan(&columns, asked, |passer| {
            let is_listed = whom == Whom::Everybody || passer.policy.is_some();
            Ok(is_listed && !matches!(self.is_shown(tx, &columns, passer)?, Verdict::No))
        })
        .map(Some)
    }

    /// The candidates that an index finds: everybody in the list is among them. `None` where everybody must be looked
    /// at.
    pub(crate) fn candidates(&self, tx: &Tx<'_>) -> Result<Option<BTreeSet<i64>>> {
        let mut found = None;
        if let Some(filter) = self.filter {
            found = self.found_by(tx, filter)?;
        }
        if let Some(wanted) = self.anr.filter(|wanted| !wanted.is_empty()) {
            found = both(found, any(tx, &[Clue::Word(Wanted::Beginning(wanted.into()))])?);
        }
        if !self.container.is_empty() {
            found = both(found, any(tx, &[Clue::Canonical(Wanted::Beginning(self.container.into()))])?);
        }
        Ok(found)
    }

    fn found_by(&self, tx: &Tx<'_>, filter: &Filter) -> Result<Option<BTreeSet<i64>>> {
        Ok(match filter {
            Filter::And(all) => {
                let mut found = None;
                for one in all {
                    found = both(found, self.found_by(tx, one)?);
                }
                found
            }
            Filter::Or(any) => {
                let mut found = BTreeSet::new();
                for one in any {
                    let Some(more) = self.found_by(tx, one)? else { return Ok(None) };
                    found.extend(more);
                    if found.len() > MOST_CANDIDATES {
                        return Ok(None);
                    }
                }
                Some(found)
            }
            Filter::Not(_) => None,
            Filter::Compare { property, operator, value } => match self.clues(property, *operator, value.as_deref()) {
                Some(clues) => any(tx, &clues)?,
                None => None,
            },
        })
    }

    /// What an index can look for: whoever any one of these finds is a candidate. `None` where no index serves the
    /// comparison.
    fn clues(&self, property: &str, operator: Operator, value: Option<&str>) -> Option<Vec<Clue>> {
        let is = |names: &[&str]| names.iter().any(|name| property.eq_ignore_ascii_case(name));
        if is(&["UMMailboxPolicy"]) {
            let fits = |p: &&Policy| compare(&json!(p.name), operator, value);
            return Some(
                self.policies
                    .iter()
                    .map(|(_, policy)| policy)
                    .filter(fits)
                    .map(|p| Clue::Policy(p.guid.clone()))
                    .collect(),
            );
        }
        if is(&["UMDialPlan"]) {
            let fits = |p: &&DialPlan| compare(&json!(p.name), operator, value);
            return Some(
                self.plans.iter().map(|(_, plan)| plan).filter(fits).map(|p| Clue::DialPlan(p.guid.clone())).collect(),
            );
        }
        let value = value?;
        let guid = uuid::Uuid::try_parse(value).ok();
        if is(&["Guid"]) {
            let guid = guid.filter(|_| operator == Operator::Eq)?;
            return Some(vec![Clue::Guid(RecipientGuid::known(guid.to_string()))]);
        }
        let wanted = match operator {
            // A GUID has several spellings that are equal, and an index would find only one.
            Operator::Eq if guid.is_none() => Wanted::Text(fold_case(value)),
            Operator::Like => match fold_case(value).split_once('*') {
                Some((beginning, _)) => Wanted::Beginning(beginning.into()),
                None => Wanted::Text(fold_case(value)),
            },
            _ => return None,
        };
        let (Wanted::Text(text) | Wanted::Beginning(text)) = &wanted;
        if text.is_empty() {
            return None;
        }
        let with = |text: &str| match &wanted {
            Wanted::Text(_) => Wanted::Text(text.into()),
            Wanted::Beginning(_) => Wanted::Beginning(text.into()),
        };
        if is(&["Identity"]) {
            return Some(vec![Clue::Canonical(wanted)]);
        }
        if is(&["DistinguishedName", "LegacyExchangeDN"]) {
            return Some(vec![Clue::Path(wanted)]);
        }
        if is(&["Extensions", "SIPResourceIdentifier"]) {
            return Some(vec![Clue::Number(wanted)]);
        }
        if is(&["EmailAddresses", "UMAddresses"]) {
            let (kind, address) = text.split_once(':')?;
            return match kind {
                // Beyond ASCII, a letter's lower case can depend on the letter before it, which is not there when the
                // kind is cut off.
                "smtp" if address.is_ascii() && !address.is_empty() => Some(vec![Clue::Word(with(address))]),
                "eum" if address.is_ascii() => {
                    let number = address.split(';').next().filter(|number| !number.is_empty())?;
                    Some(vec![Clue::Number(Wanted::Beginning(number.into())), Clue::Address(with(text))])
                }
                "smtp" | "eum" => None,
                _ => Some(vec![Clue::Address(wanted)]),
            };
        }
        self.column(property).filter(|column| !column.starts_with("server") && !column.starts_with("linked"))?;
        Some(vec![Clue::Word(wanted)])
    }
}

fn any(tx: &Tx<'_>, clues: &[Clue]) -> Result<Option<BTreeSet<i64>>> {
    let mut found = BTreeSet::new();
    for clue in clues {
        match tx.candidates(clue, MOST_CANDIDATES)? {
            Some(more) => found.extend(more),
            None => return Ok(None),
        }
    }
    Ok(Some(found).filter(|found| found.len() <= MOST_CANDIDATES))
}

fn both(a: Option<BTreeSet<i64>>, b: Option<BTreeSet<i64>>) -> Option<BTreeSet<i64>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(&a & &b),
        (one, None) | (None, one) => one,
    }
}
