//! Get- and Set-ADServerSettings of UMMailboxPin.ExchangeCompat: the session's recipient scope.

use std::sync::PoisonError;

use serde_json::json;

use crate::cmdlets::document::{Request, Response};
use crate::cmdlets::get_um_mailbox::container;
use crate::directory::identity;
use crate::error::Result;
use crate::session::{Mode, Session};

/// RecipientViewRoot narrows the session to a container, ViewEntireForest widens it again. Holds for this session
/// alone; nothing is stored.
pub(crate) fn set_ad_server_settings(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    let servers =
        ["PreferredServer", "ConfigurationDomainController", "PreferredGlobalCatalog", "SetPreferredDomainControllers"];
    p.allow(&[&["RecipientViewRoot", "ViewEntireForest"][..], &servers].concat())?;
    if let Some(server) = p.text("PreferredServer")? {
        // Scripts give a host name without its domain here, so this one need not be fully qualified.
        let full = if server.is_empty() || server.contains('.') { server } else { format!("{server}.local") };
        identity::validate_domain_controller(&full)?;
    }
    let root = match p.text("RecipientViewRoot")? {
        Some(text) if !text.is_empty() => Some(container(&text)?),
        Some(_) => Some(String::new()),
        None if p.flag("ViewEntireForest")? == Some(true) => Some(String::new()),
        None => None,
    };
    if let (Mode::Commit, Some(root)) = (request.mode, root) {
        *session.scope.write().unwrap_or_else(PoisonError::into_inner) = root;
    }
    Ok(Response::default().for_should_process("this session", "Set the recipient scope"))
}

/// The scope, as Set- takes it.
pub(crate) fn get_ad_server_settings(session: &Session, request: &Request) -> Result<Response> {
    request.parameters.allow(&[])?;
    let scope = session.scope();
    Ok(Response::with_object(json!({
        "$type": "Microsoft.Exchange.Data.Directory.Management.RunspaceServerSettingsPresentationObject",
        "RecipientViewRoot": scope.trim_end_matches('/'),
        "ViewEntireForest": scope.is_empty(),
    })))
}
