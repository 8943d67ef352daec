//! Identity forms: which texts name a person, and how they are compared.
//!
//! Source: Microsoft's pages on the cmdlets' Identity parameter (docs/identity.md). Comparison is without case, without
//! wildcards; two different matches are ambiguous, whatever their form.

use unicode_normalization::UnicodeNormalization;

use crate::directory::recipient::Recipient;
use crate::error::{Error, Result, Status};

/// Longer texts name nobody: a distinguished name with every part at its limit is shorter.
pub(crate) const MAX_IDENTITY_LENGTH: usize = 2048;

/// The form that IgnoreDefaultScope demands.
pub(crate) const DISTINGUISHED_NAME: &str = "dn";

/// A text without case, and with one spelling for a letter and its accents: `e` with a combining acute accent, as macOS
/// and some directories write it, is the same as the one letter (Unicode's form NFC).
pub(crate) fn fold_case(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.nfc().collect::<String>().to_lowercase() }
}

/// A text as it is compared: without case; a GUID or distinguished name also without its optional marks.
pub fn fold(text: &str) -> String {
    let text = text.trim();
    if has_no_marks(text) {
        return fold_case(text);
    }
    uuid::Uuid::try_parse(text).map_or_else(|_| fold_distinguished_name(text), |guid| guid.to_string())
}

/// Whether [`fold`] and [`fold_case`] make the same of a text, as they do of almost every one.
pub(crate) fn folds_by_case_alone(text: &str) -> bool {
    !text.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace) && has_no_marks(text)
}

fn has_no_marks(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_err() && !looks_like_distinguished_name(text)
}

/// Checks a text that must name something.
pub(crate) fn validate(text: &str) -> Result<&str> {
    if text.trim().is_empty() {
        return Err(Error::new(
            Status::InvalidIdentity,
            "The identity is empty. Nothing was changed. Name the object, for example by its SMTP address or alias.",
        ));
    }
    let length = text.chars().count();
    if length > MAX_IDENTITY_LENGTH {
        let start: String = text.chars().take(40).collect();
        return Err(Error::new(
            Status::InvalidIdentity,
            format!(
                "The identity '{start}...' has {length} characters; {MAX_IDENTITY_LENGTH} is the most. Nothing was \
                 changed."
            ),
        )
        .about(start));
    }
    Ok(text)
}

/// Starts with an attribute and `=`, as `CN=` or `OU=` do.
pub(crate) fn looks_like_distinguished_name(text: &str) -> bool {
    text.split_once('=').is_some_and(|(attribute, rest)| {
        !rest.is_empty()
            && ["cn", "ou", "dc", "o", "uid", "c", "l"].iter().any(|a| attribute.trim().eq_ignore_ascii_case(a))
    })
}

/// Lower case, without blanks around separators; a backslash keeps the next character from being one.
fn fold_distinguished_name(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut push = |text: &str| {
        if text.is_ascii() { folded.push_str(text) } else { folded.push_str(&fold_case(text)) }
    };
    for (at, part) in parts(text).enumerate() {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        push(if at == 0 { "" } else { "," });
        push(attribute.trim());
        push("=");
        push(value.trim());
    }
    folded.make_ascii_lowercase();
    folded
}

/// A distinguished name's parts, split at commas that are not escaped.
pub(crate) fn parts(distinguished_name: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    let splits = move |c| {
        let splits = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        splits
    };
    distinguished_name.split(splits).map(str::trim)
}

/// `contoso.com/Users/Tony Smith` for `CN=Tony Smith,OU=Users,DC=contoso,DC=com`.
pub fn canonical_name(distinguished_name: &str) -> String {
    let mut domain = Vec::new();
    let mut path = Vec::new();
    for part in parts(distinguished_name) {
        let (attribute, value) = part.split_once('=').unwrap_or(("", part));
        let value = unescape(value.trim());
        if attribute.trim().eq_ignore_ascii_case("dc") {
            domain.push(value)
        } else {
            path.push(value.replace('/', "\\/"))
        }
    }
    path.push(domain.join("."));
    path.reverse();
    path.join("/")
}

fn unescape(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut escaped = false;
    for c in value.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(c);
            escaped = false;
        }
    }
    plain
}

/// Every (form, folded text) that names this person.
pub(crate) fn keys(r: &Recipient) -> Vec<(&'static str, String)> {
    let mut keys = vec![("guid", r.guid.to_string())];
    let mut add = |form: &'static str, text: &str| {
        if !text.trim().is_empty() {
            keys.push((form, fold(text)));
        }
    };
    add(DISTINGUISHED_NAME, &r.distinguished_name);
    add("canonical", &r.canonical_name);
    add("upn", &r.user_principal_name);
    add("legacy", &r.legacy_exchange_dn);
    add("alias", &r.alias);
    add("sam", &r.sam_account_name);
    add("name", &r.name);
    add("display", &r.display_name);
    add("smtp", &r.primary_smtp_address);
    for address in r.addresses.iter().filter(|a| a.prefix == "smtp") {
        add("smtp", &address.address);
    }
    if !r.sam_account_name.is_empty() {
        let domain = if r.netbios_domain.is_empty() {
            parts(&r.distinguished_name)
                .find_map(|p| p.split_once('=').filter(|(a, _)| a.trim().eq_ignore_ascii_case("dc")))
                .map_or("", |(_, v)| v)
        } else {
            &r.netbios_domain
        };
        if !domain.is_empty() {
            add("account", &format!("{domain}\\{}", r.sam_account_name));
        }
    }
    keys
}

/// Whether `domain_controller` can be a fully qualified domain name. Empty counts as not given: scripts pass it.
pub(crate) fn validate_domain_controller(name: &str) -> Result<()> {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let plain = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || (name.len() <= 255 && plain.contains('.') && plain.split('.').all(label)) {
        return Ok(());
    }
    Err(Error::new(
        Status::InvalidDomainController,
        format!(
            "'{}' is not a fully qualified domain name such as dc01.contoso.com. Nothing was changed. Correct \
             -DomainController or leave it out.",
            name.chars().take(80).collect::<String>()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid::RecipientGuid;

    #[test]
    fn canonical_names_follow_the_distinguished_name() {
        for (dn, canonical) in [
            ("CN=Tony Smith,OU=Sales,OU=Users,DC=contoso,DC=com", "contoso.com/Users/Sales/Tony Smith"),
            (r"CN=Smith\, Tony,OU=Users,DC=contoso,DC=com", "contoso.com/Users/Smith, Tony"),
            ("CN=A/B,DC=contoso,DC=com", "contoso.com/A\\/B"),
        ] {
            assert_eq!(canonical_name(dn), canonical);
        }
    }

    #[test]
    fn folding_ignores_case_blanks_and_guid_marks() {
        assert_eq!(fold(" Tony@Contoso.COM "), "tony@contoso.com");
        assert_eq!(fold("CN=Tony , OU=Users,DC=contoso"), fold("cn=tony,ou=users,dc=CONTOSO"));
        assert_eq!(fold("{6F9619FF-8B86-D011-B42D-00CF4FC964FF}"), "6f9619ff-8b86-d011-b42d-00cf4fc964ff");
        assert_eq!(fold("ÉMILE"), "émile");
        assert_eq!(fold("E\u{301}MILE"), "émile", "an accent of its own");
        assert_eq!(fold("CN=Jose\u{301},DC=contoso"), fold("cn=josé,dc=contoso"));
        assert_eq!(fold_case("\u{1E9B}\u{323}"), "\u{1E9B}\u{323}", "compatibility forms stay");
    }

    #[test]
    fn account_names_take_the_netbios_domain_else_the_first_label() {
        let mut tony = Recipient {
            guid: RecipientGuid::known("g"),
            sam_account_name: "tonysmith".into(),
            distinguished_name: "CN=Tony,DC=contoso,DC=com".into(),
            ..Default::default()
        };
        assert!(keys(&tony).contains(&("account", "contoso\\tonysmith".into())));
        tony.netbios_domain = "CORP".into();
        assert!(keys(&tony).contains(&("account", "corp\\tonysmith".into())));
    }

    #[test]
    fn identities_have_bounds() {
        assert!(validate("tony").is_ok());
        assert!(validate(&"a".repeat(MAX_IDENTITY_LENGTH)).is_ok());
        for bad in ["", "  ", &"a".repeat(MAX_IDENTITY_LENGTH + 1)] {
            assert_eq!(validate(bad).unwrap_err().status, Status::InvalidIdentity);
        }
    }

    #[test]
    fn domain_controllers_are_fully_qualified() {
        for fine in ["", "dc01.contoso.com", "DC-1.contoso.com."] {
            assert!(validate_domain_controller(fine).is_ok(), "{fine}");
        }
        for bad in ["dc01", "dc 01.contoso.com", "-dc.contoso.com", ".contoso.com", "dc..com", "dc01.contoso.com; x"] {
            assert_eq!(validate_domain_controller(bad).unwrap_err().status, Status::InvalidDomainController, "{bad}");
        }
    }
}
