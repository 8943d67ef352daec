//! The configuration file: who signs people in, and which groups have which role.

use std::path::{Path, PathBuf};

use openidconnect::url::Url;
use serde::Deserialize;

use crate::identity::Roles;

/// The file. docs/page.md says it for administrators.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    /// Where people reach the page: `https://host[:port]`, nothing behind it.
    pub url: String,
    /// OpenID Connect.
    pub openid: Option<OpenIdSettings>,
    /// A proxy that has signed people in.
    pub proxy: Option<ProxySettings>,
    /// Groups by role.
    #[serde(default)]
    pub roles: RoleGroups,
}

/// The provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenIdSettings {
    /// The issuer, letter for letter as the provider's own document has it.
    pub issuer: String,
    /// The page's name at the provider.
    pub client_id: String,
    /// The file with the client secret; without one the page is a public client, which PKCE protects.
    pub client_secret_file: Option<PathBuf>,
    /// The claim that names the mailbox, in any identity form.
    #[serde(default = "default_mailbox_claim")]
    pub mailbox_claim: String,
    /// The claim that lists groups or roles.
    #[serde(default = "default_groups_claim")]
    pub groups_claim: String,
    /// Scopes beside `openid`.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
}

/// The headers of a proxy on a Unix socket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProxySettings {
    /// The header that names the person, and so the mailbox.
    pub user_header: String,
    /// The header that lists groups, with commas between them.
    pub groups_header: Option<String>,
}

/// Which groups have a role. Nobody has one by default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RoleGroups {
    /// Finds people, reads, resets with a generated PIN, locks and unlocks.
    pub help_desk: Vec<String>,
    /// May also type a PIN or another address for the notice, and so take a mailbox over.
    pub type_pin: Vec<String>,
    /// Reads what the help desk reads, and changes nothing.
    pub auditor: Vec<String>,
}

impl RoleGroups {
    /// The roles of somebody in these groups.
    pub(crate) fn roles_of(&self, groups: &[String]) -> Roles {
        let any = |wanted: &[String]| wanted.iter().any(|group| groups.contains(group));
        let help_desk = any(&self.help_desk);
        Roles { help_desk, type_pin: help_desk && any(&self.type_pin), auditor: any(&self.auditor) }
    }
}

fn default_mailbox_claim() -> String {
    "preferred_username".into()
}

fn default_groups_claim() -> String {
    "groups".into()
}

fn default_scopes() -> Vec<String> {
    vec!["profile".into(), "email".into()]
}

impl Configuration {
    /// Reads and checks the file. Errors name it and the setting.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let named = |what: String| format!("{}: {what}. Nothing was started. See docs/page.md.", path.display());
        let text = std::fs::read_to_string(path).map_err(|e| named(format!("cannot be read: {e}")))?;
        refuse_others(path).map_err(named)?;
        let mut configuration: Self = toml::from_str(&text).map_err(|e| named(e.message().to_owned()))?;
        configuration.check().map_err(named)?;
        Ok(configuration)
    }

    fn check(&mut self) -> Result<(), String> {
        let url = Url::parse(&self.url).map_err(|e| format!("url is no address: {e}"))?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if url.scheme() != "https" || url.host().is_none() || !bare {
            return Err(
                "url must be https://host or https://host:port, with nothing behind it: the cookies that keep \
                        people signed in are for encrypted connections alone"
                    .into(),
            );
        }
        // As browsers write it: in lower case, without the usual port, and what is beyond ASCII encoded.
        self.url = url.origin().ascii_serialization();
        match (&self.openid, &self.proxy) {
            (Some(openid), None) => openid.check(),
            (None, Some(proxy)) => proxy.check(),
            (None, None) => Err("neither [openid] nor [proxy] is there, so nobody could be told from anybody".into()),
            (Some(_), Some(_)) => Err("[openid] and [proxy] are both there; leave one out".into()),
        }
    }

    /// The page's own origin, as browsers send it.
    pub(crate) fn origin(&self) -> &str {
        &self.url
    }
}

/// Whoever may write the configuration says who people are and what they may do.
#[cfg(unix)]
fn refuse_others(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let path = path.canonicalize().map_err(|e| format!("cannot be found: {e}"))?;
    for place in [Some(path.as_path()), path.parent()].into_iter().flatten() {
        let meta = place.metadata().map_err(|e| format!("{} cannot be looked at: {e}", place.display()))?;
        if meta.permissions().mode() & 0o022 != 0 {
            return Err(format!(
                "others than the owner may write {}, and so say who people are (chmod go-w)",
                place.display()
            ));
        }
    }
    Ok(())
}

/// There the administrators' folder has no such modes.
#[cfg(windows)]
fn refuse_others(_path: &Path) -> Result<(), String> {
    Ok(())
}

impl OpenIdSettings {
    fn check(&self) -> Result<(), String> {
        let issuer = Url::parse(&self.issuer).map_err(|e| format!("openid.issuer is no address: {e}"))?;
        let loopback = matches!(issuer.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if issuer.scheme() != "https" && !(issuer.scheme() == "http" && loopback) {
            return Err("openid.issuer must begin with https://".into());
        }
        Ok(())
    }

    /// The client secret, where there is one.
    pub(crate) fn client_secret(&self) -> Result<Option<String>, String> {
        let Some(path) = &self.client_secret_file else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .map_err(|e| format!("the client secret {} cannot be read: {e}. Nothing was started.", path.display()))?;
        Ok(Some(text.trim_end().to_owned()))
    }
}

impl ProxySettings {
    fn check(&self) -> Result<(), String> {
        let names = [Some(&self.user_header), self.groups_header.as_ref()];
        for name in names.into_iter().flatten() {
            if axum::http::HeaderName::try_from(name.as_str()).is_err() {
                return Err(format!("proxy: '{name}' is no name of a header"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Configuration, String> {
        let folder = tempfile::tempdir().unwrap();
        // Whatever the umask is.
        #[cfg(unix)]
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let file = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        std::fs::write(file.path(), text).unwrap();
        Configuration::read(file.path())
    }

    const OPENID: &str = "[openid]\nissuer = 'https://login.contoso.com'\nclient_id = 'page'\n";
    const PROXY: &str = "[proxy]\nuser_header = 'Remote-User'\n";

    #[test]
    fn exactly_one_way_to_know_people_is_needed() {
        let url = "url = 'https://voicemail.contoso.com'\n";
        assert!(read(&format!("{url}{OPENID}")).is_ok());
        assert!(read(&format!("{url}{PROXY}")).is_ok());
        assert!(read(url).unwrap_err().contains("neither"));
        assert!(read(&format!("{url}{OPENID}{PROXY}")).unwrap_err().contains("both"));
    }

    #[test]
    fn what_would_be_unsafe_or_is_misspelled_is_refused_by_name() {
        let with = |url: &str, rest: &str| read(&format!("url = '{url}'\n{rest}"));
        for url in ["http://voicemail.contoso.com", "https://h/sub", "https://u@h", "https://h/?x", "nothing"] {
            assert!(with(url, OPENID).unwrap_err().contains("url"), "{url}");
        }
        let good = "https://voicemail.contoso.com";
        let plain = OPENID.replace("https", "http");
        assert!(with(good, &plain).unwrap_err().contains("issuer"));
        assert!(with(good, &plain.replace("login.contoso.com", "127.0.0.1:9")).is_ok());
        assert!(with(good, "[openid]\nisuer = 'x'\n").unwrap_err().contains("isuer"));
        assert!(with(good, "[proxy]\nuser_header = 'Remote User'\n").unwrap_err().contains("Remote User"));
    }

    #[test]
    fn the_origin_is_the_one_that_browsers_send() {
        for (url, origin) in [
            ("https://voicemail.contoso.com/", "https://voicemail.contoso.com"),
            ("https://VoiceMail.Contoso.com:443", "https://voicemail.contoso.com"),
            ("https://voicemail.contoso.com:8443/", "https://voicemail.contoso.com:8443"),
            ("https://b\u{fc}ro.contoso.com", "https://xn--bro-hoa.contoso.com"),
        ] {
            assert_eq!(read(&format!("url = '{url}'\n{OPENID}")).unwrap().origin(), origin);
        }
    }

    #[test]
    fn typing_a_pin_is_a_role_of_its_own_on_top_of_the_help_desks() {
        let groups = RoleGroups { help_desk: vec!["desk".into()], type_pin: vec!["lead".into()], auditor: vec![] };
        let roles = |names: &[&str]| groups.roles_of(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert!(roles(&["desk"]).help_desk && !roles(&["desk"]).type_pin);
        assert!(roles(&["desk", "lead"]).type_pin);
        assert!(!roles(&["lead"]).type_pin && !roles(&["lead"]).reads());
        assert!(!roles(&[]).reads());
    }
}
