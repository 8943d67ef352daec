//! From a text to the one object that it names.

use crate::directory::identity::{self, DISTINGUISHED_NAME};
use crate::directory::recipient::Recipient;
use crate::error::{Condition, Error, Result, Status};
use crate::guid::RecipientGuid;
use crate::session::Session;
use crate::store::dial_plans::DialPlan;
use crate::store::policies::Policy;
use crate::store::{Tx, settings};

/// How a call names a recipient, and where it is looked for.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// The text; `None` where none was given.
    pub identity: Option<String>,
    /// A fully qualified name, or empty.
    pub domain_controller: String,
    /// Look everywhere, by distinguished name.
    pub ignore_default_scope: bool,
}

impl Lookup {
    /// The rules that hold before anything is looked up.
    pub(crate) fn validate(&self) -> Result<()> {
        identity::validate_domain_controller(&self.domain_controller)?;
        if self.ignore_default_scope {
            if !self.domain_controller.is_empty() {
                return Err(Error::new(
                    Status::ScopeWithDomainController,
                    "IgnoreDefaultScope and DomainController cannot be used together. Nothing was changed. Leave one \
                     of them out.",
                ));
            }
            if let Some(text) = &self.identity
                && !identity::looks_like_distinguished_name(text)
            {
                return Err(Error::new(
                    Status::ScopeNeedsDistinguishedName,
                    format!(
                        "With IgnoreDefaultScope the identity must be a distinguished name, and '{}' is not. Nothing \
                         was changed. Give the distinguished name or leave IgnoreDefaultScope out.",
                        text.chars().take(80).collect::<String>()
                    ),
                )
                .about(text.chars().take(80).collect::<String>()));
            }
        }
        if let Some(text) = &self.identity {
            identity::validate(text)?;
        }
        Ok(())
    }

    /// The container to look in; empty is everywhere.
    pub(crate) fn container(&self, session: &Session) -> String {
        if self.ignore_default_scope { String::new() } else { session.scope() }
    }

    /// The GUID of the one recipient that the identity names.
    pub fn guid(&self, session: &Session, tx: &Tx<'_>) -> Result<RecipientGuid> {
        let (key, form) = self.key()?;
        let found = tx.recipients_by_key(&key, form)?;
        self.only(session, tx, found, |(_, canonical)| canonical).map(|(guid, _)| guid)
    }

    /// What the identity is looked for by: the folded text, and the form that it must have.
    pub(crate) fn key(&self) -> Result<(String, Option<&'static str>)> {
        let text = identity::validate(self.identity.as_deref().unwrap_or_default())?;
        Ok((identity::fold(text), self.ignore_default_scope.then_some(DISTINGUISHED_NAME)))
    }

    /// The one of those found that lies in scope, by the canonical name that `canonical` gives of each.
    pub(crate) fn only<T>(
        &self,
        session: &Session,
        tx: &Tx<'_>,
        mut found: Vec<T>,
        canonical: impl Fn(&T) -> &String,
    ) -> Result<T> {
        let container = self.container(session);
        found.retain(|one| lies_within(canonical(one), &container));
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(self.not_found(session, tx)),
            (Some(_), Some(_)) => Err(ambiguous(self.identity.as_deref().unwrap_or_default())),
        }
    }

    /// The one recipient that the identity names.
    pub(crate) fn recipient(&self, session: &Session, tx: &Tx<'_>) -> Result<Recipient> {
        let guid = self.guid(session, tx)?;
        tx.recipient(&guid)?.ok_or_else(|| self.not_found(session, tx))
    }

    /// Exchange's words, with the server that was asked.
    pub(crate) fn not_found(&self, session: &Session, tx: &Tx<'_>) -> Error {
        not_found(session, tx, self.identity.as_deref().unwrap_or_default(), &self.domain_controller)
    }
}

/// Whether a canonical name lies below a container (`contoso.com/Users/`; empty is everywhere).
pub(crate) fn lies_within(canonical: &str, container: &str) -> bool {
    container.is_empty() || identity::fold_case(canonical).starts_with(&identity::fold_case(container))
}

/// The dial plan of this name or GUID.
pub(crate) fn dial_plan(session: &Session, tx: &Tx<'_>, text: &str, domain_controller: &str) -> Result<DialPlan> {
    identity::validate_domain_controller(domain_controller)?;
    let text = identity::validate(text)?;
    tx.dial_plan_by_key(&identity::fold(text))?.ok_or_else(|| not_found(session, tx, text, domain_controller))
}

/// The UM mailbox policy of this name or GUID.
pub(crate) fn policy(session: &Session, tx: &Tx<'_>, text: &str, domain_controller: &str) -> Result<Policy> {
    identity::validate_domain_controller(domain_controller)?;
    let text = identity::validate(text)?;
    tx.policy_by_key(&identity::fold(text))?.ok_or_else(|| not_found(session, tx, text, domain_controller))
}

/// Exchange's words for an object of any kind that is not there.
pub(crate) fn not_found(_session: &Session, tx: &Tx<'_>, text: &str, domain_controller: &str) -> Error {
    let server = if domain_controller.is_empty() { server_name(tx) } else { domain_controller.to_owned() };
    Error::on(
        Condition::NoMatch,
        format!("The operation couldn't be performed because object '{text}' couldn't be found on '{server}'."),
    )
    .about(text)
}

/// Exchange's words for a text that names several objects.
pub(crate) fn ambiguous(text: &str) -> Error {
    Error::on(
        Condition::SeveralMatches,
        format!("The operation couldn't be performed because '{text}' matches multiple entries."),
    )
    .about(text)
}

/// The configured server name, else the machine's.
pub(crate) fn server_name(tx: &Tx<'_>) -> String {
    tx.setting(settings::SERVER_NAME).ok().flatten().filter(|n| !n.is_empty()).unwrap_or_else(crate::os::host_name)
}

/// The mailboxes that a number signs in to, in any dial plan: an extension, SIP address or E.164 number. In the order
/// of their GUIDs; none outside of the session's scope.
pub fn mailboxes_with_number(session: &Session, number: &str) -> Result<Vec<RecipientGuid>> {
    let container = session.scope();
    session.read(|tx| {
        let mut found = Vec::new();
        for address in tx.um_addresses_by_key(number.trim(), None)? {
            let recipient = tx.recipient(&address.guid)?;
            if recipient.is_some_and(|r| lies_within(&r.canonical_name, &container)) && !found.contains(&address.guid) {
                found.push(address.guid);
            }
        }
        found.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Ok(found)
    })
}
