//! One row of an import: header names as the sources spell them, values as they come.

use crate::directory::identity;
use crate::directory::recipient::{ProxyAddress, Recipient};
use crate::guid::RecipientGuid;

/// The columns that mean something, each with every spelling that directories use. Compared without case.
const FIELDS: &[(Field, &[&str])] = &[
    (Field::Guid, &["Guid", "ObjectGUID"]),
    (Field::DistinguishedName, &["DistinguishedName"]),
    (Field::CanonicalName, &["CanonicalName"]),
    (Field::UserPrincipalName, &["UserPrincipalName"]),
    (Field::SamAccountName, &["SamAccountName"]),
    (Field::Alias, &["Alias", "mailNickname"]),
    (Field::PrimarySmtpAddress, &["PrimarySmtpAddress", "mail", "EmailAddress", "WindowsEmailAddress"]),
    (Field::EmailAddresses, &["EmailAddresses", "proxyAddresses"]),
    (Field::LegacyExchangeDn, &["LegacyExchangeDN"]),
    (Field::DisplayName, &["DisplayName"]),
    (Field::Name, &["Name", "cn"]),
    (Field::FirstName, &["FirstName", "GivenName"]),
    (Field::LastName, &["LastName", "sn", "Surname"]),
    (Field::Phone, &["OfficePhone", "telephoneNumber", "Phone"]),
    (Field::NetbiosDomain, &["NetBiosName", "NetBiosDomain", "Domain"]),
    (Field::LinkedMasterAccount, &["LinkedMasterAccount"]),
    (Field::ServerName, &["ServerName"]),
    (Field::ServerLegacyDn, &["ServerLegacyDN"]),
    (Field::Language, &["Language", "preferredLanguage", "Languages"]),
];

/// What a column means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Field {
    Guid,
    DistinguishedName,
    CanonicalName,
    UserPrincipalName,
    SamAccountName,
    Alias,
    PrimarySmtpAddress,
    EmailAddresses,
    LegacyExchangeDn,
    DisplayName,
    Name,
    FirstName,
    LastName,
    Phone,
    NetbiosDomain,
    LinkedMasterAccount,
    ServerName,
    ServerLegacyDn,
    Language,
}

/// The meaning of a header; `None` for columns that are not taken. ExchangeGuid is another GUID and is not taken.
pub(crate) fn field(header: &str) -> Option<Field> {
    let header = header.trim().trim_start_matches('\u{feff}');
    FIELDS.iter().find(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(header))).map(|(field, _)| *field)
}

/// A column by the first of its names.
fn column(wanted: Field) -> &'static str {
    FIELDS.iter().find(|(field, _)| *field == wanted).and_then(|(_, names)| names.first()).copied().unwrap_or_default()
}

/// Longest value of a plain column, in characters.
const LONGEST: usize = 2048;

/// The recipient that a row tells of, or why it cannot be taken. Values of one field come in the order of its columns;
/// the first that is not empty counts.
pub(crate) fn recipient(values: &[(Field, Vec<String>)]) -> Result<Recipient, String> {
    let text = |wanted: Field| -> String {
        values
            .iter()
            .filter(|(field, _)| *field == wanted)
            .flat_map(|(_, texts)| texts)
            .map(|t| t.trim())
            .find(|t| !t.is_empty())
            .unwrap_or_default()
            .to_owned()
    };
    let given = text(Field::Guid);
    if given.is_empty() {
        return Err("it has no Guid".into());
    }
    let guid = uuid::Uuid::try_parse(&given).map_err(|_| format!("'{}' is not a GUID", truncated(&given)))?.to_string();
    let mut addresses = Vec::new();
    for (_, texts) in values.iter().filter(|(field, _)| *field == Field::EmailAddresses) {
        for text in texts.iter().flat_map(|t| split_addresses(t)) {
            if let Some(address) = proxy(&text)?
                && !addresses.contains(&address)
            {
                addresses.push(address);
            }
        }
    }
    let primary = primary_smtp(&mut addresses, &text(Field::PrimarySmtpAddress))?;
    let distinguished_name = text(Field::DistinguishedName);
    let first_part =
        identity::parts(&distinguished_name).next().and_then(|p| p.split_once('=')).map(|(_, v)| v.to_owned());
    let display_name = text(Field::DisplayName);
    let alias = text(Field::Alias);
    let name =
        [text(Field::Name), first_part.unwrap_or_default(), display_name.clone(), alias.clone(), primary.clone()]
            .into_iter()
            .find(|t| !t.is_empty())
            .unwrap_or_default();
    if name.is_empty() {
        return Err("it has neither a name nor an address".into());
    }
    let canonical_name = match (text(Field::CanonicalName), distinguished_name.as_str()) {
        (given, _) if !given.is_empty() => given,
        (_, "") => name.clone(),
        (_, dn) => identity::canonical_name(dn),
    };
    let recipient = Recipient {
        guid: RecipientGuid::known(guid),
        display_name: if display_name.is_empty() { name.clone() } else { display_name },
        name,
        first_name: text(Field::FirstName),
        last_name: text(Field::LastName),
        alias,
        sam_account_name: text(Field::SamAccountName),
        user_principal_name: text(Field::UserPrincipalName),
        primary_smtp_address: primary,
        legacy_exchange_dn: text(Field::LegacyExchangeDn),
        distinguished_name,
        canonical_name,
        phone: text(Field::Phone),
        linked_master_account: text(Field::LinkedMasterAccount),
        server_name: text(Field::ServerName),
        server_legacy_dn: text(Field::ServerLegacyDn),
        language: text(Field::Language),
        netbios_domain: text(Field::NetbiosDomain),
        addresses,
        ..Recipient::default()
    };
    for (field, texts) in values {
        if *field != Field::EmailAddresses && texts.iter().any(|t| t.chars().count() > LONGEST) {
            return Err(format!("a value has more than {LONGEST} characters"));
        }
        // A quote that is never closed makes one value of several lines. In a list of addresses line ends stand between
        // them.
        if *field != Field::EmailAddresses && texts.iter().any(|t| t.trim().chars().any(char::is_control)) {
            return Err(format!("its {} has a line break or another control character in it", column(*field)));
        }
    }
    Ok(recipient)
}

/// A text of several addresses: split at semicolons, commas and line ends, and at blanks before another prefix.
fn split_addresses(text: &str) -> Vec<String> {
    let has_prefix = |word: &str| {
        word.split_once(':').is_some_and(|(p, _)| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    let mut addresses: Vec<String> = Vec::new();
    for piece in text.split([';', ',', '\n', '\r', '{', '}']) {
        // The second half of an EUM address, which a semicolon joins.
        if piece.trim_start().to_ascii_lowercase().starts_with("phone-context=") {
            continue;
        }
        let mut begun = false;
        // An X.400 address is attributes with semicolons between them: X400:C=us;A= ;P=Contoso;S=Smith;
        let is_attribute = piece.split_whitespace().next().is_some_and(|word| !has_prefix(word) && word.contains('='));
        if let Some(last) = addresses.last_mut()
            && is_attribute
            && last.get(..5).is_some_and(|prefix| prefix.eq_ignore_ascii_case("x400:"))
        {
            last.push(';');
            begun = true;
        }
        for word in piece.split_whitespace() {
            if has_prefix(word) || !begun {
                addresses.push(word.to_owned());
            } else if let Some(last) = addresses.last_mut() {
                // An X500 address may have blanks in it.
                if !last.ends_with(';') {
                    last.push(' ');
                }
                last.push_str(word);
            }
            begun = true;
        }
    }
    addresses
}

/// One proxy address; EUM ones are the store's own and are passed over.
fn proxy(text: &str) -> Result<Option<ProxyAddress>, String> {
    let (prefix, address) = text.split_once(':').unwrap_or(("smtp", text));
    let lower = prefix.to_ascii_lowercase();
    if lower == "eum" {
        return Ok(None);
    }
    if address.chars().any(char::is_control) {
        return Err("an address has a control character in it".into());
    }
    if lower == "smtp" && !crate::directory::mail_address::is_mail_address(address) {
        return Err(format!("'{}' is not an e-mail address", truncated(address)));
    }
    let is_primary = prefix.chars().any(char::is_alphabetic) && prefix.chars().all(|c| !c.is_lowercase());
    Ok(Some(ProxyAddress { prefix: lower, address: address.to_owned(), is_primary }))
}

/// The SMTP: proxy, else the address column, which then becomes one; exactly one is primary afterwards.
fn primary_smtp(addresses: &mut Vec<ProxyAddress>, column: &str) -> Result<String, String> {
    let same = |a: &ProxyAddress, text: &str| a.prefix == "smtp" && a.address.eq_ignore_ascii_case(text);
    let primary = match addresses.iter().find(|a| a.prefix == "smtp" && a.is_primary) {
        Some(primary) => primary.address.clone(),
        None if !column.is_empty() => {
            if !crate::directory::mail_address::is_mail_address(column) {
                return Err(format!("'{}' is not an e-mail address", truncated(column)));
            }
            column.to_owned()
        }
        None => match addresses.iter().find(|a| a.prefix == "smtp") {
            Some(first) => first.address.clone(),
            None => return Ok(String::new()),
        },
    };
    if !addresses.iter().any(|a| same(a, &primary)) {
        addresses.insert(0, ProxyAddress { prefix: "smtp".into(), address: primary.clone(), is_primary: true });
    }
    for a in addresses.iter_mut().filter(|a| a.prefix == "smtp") {
        a.is_primary = a.address.eq_ignore_ascii_case(&primary);
    }
    Ok(primary)
}

fn truncated(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Recipient, String> {
        let values: Vec<_> = pairs.iter().filter_map(|(h, v)| field(h).map(|f| (f, vec![(*v).to_owned()]))).collect();
        recipient(&values)
    }

    const GUID: &str = "6F9619FF-8B86-D011-B42D-00CF4FC964FF";

    #[test]
    fn headers_as_exchange_and_as_active_directory_spell_them() {
        let exchange = read(&[
            ("Guid", GUID),
            ("ExchangeGuid", "00000000-0000-0000-0000-000000000000"),
            ("DistinguishedName", "CN=Tony Smith,OU=Users,DC=contoso,DC=com"),
            (
                "EmailAddresses",
                "SMTP:tony@contoso.com;smtp:t.smith@contoso.com;sip:tony@contoso.com;EUM:51234;phone-context=x",
            ),
            ("Alias", "tony"),
        ])
        .unwrap();
        let directory = read(&[
            ("objectguid", GUID),
            ("distinguishedName", "CN=Tony Smith,OU=Users,DC=contoso,DC=com"),
            ("proxyAddresses", "SMTP:tony@contoso.com smtp:t.smith@contoso.com sip:tony@contoso.com"),
            ("mail", "tony@contoso.com"),
            ("mailNickname", "tony"),
        ])
        .unwrap();
        assert_eq!(directory.primary_smtp_address, "tony@contoso.com");
        assert_eq!(directory.addresses, exchange.addresses[..3]);
        assert_eq!(
            (exchange.name.as_str(), exchange.canonical_name.as_str()),
            ("Tony Smith", "contoso.com/Users/Tony Smith")
        );
    }

    #[test]
    fn the_address_column_serves_where_there_is_no_proxy() {
        let r = read(&[("Guid", GUID), ("mail", "tony@contoso.com")]).unwrap();
        assert_eq!(r.addresses[0].text(), "SMTP:tony@contoso.com");
        assert_eq!(r.name, "tony@contoso.com");
    }

    #[test]
    fn an_x500_address_keeps_its_blanks() {
        let r = read(&[("Guid", GUID), ("EmailAddresses", "SMTP:a@b.c X500:/o=First Organization/cn=a")]).unwrap();
        assert_eq!(r.addresses[1].text(), "X500:/o=First Organization/cn=a");
    }

    #[test]
    fn an_x400_address_keeps_its_attributes() {
        let x400 = "X400:C=us;A= ;P=First Company;O=Exchange;S=Smith";
        for text in [format!("{x400};;smtp:a@b.c"), format!("{x400} smtp:a@b.c"), format!("{x400}\nsmtp:a@b.c")] {
            let r = read(&[("Guid", GUID), ("EmailAddresses", &text)]).unwrap();
            let addresses: Vec<_> = r.addresses.iter().map(ProxyAddress::text).collect();
            assert_eq!(addresses, ["X400:C=us;A=;P=First Company;O=Exchange;S=Smith", "SMTP:a@b.c"], "{text}");
        }
        assert!(read(&[("Guid", GUID), ("EmailAddresses", "SMTP:a@b.c;A=")]).is_err());
    }

    #[test]
    fn bad_rows_say_why() {
        for (pairs, why) in [
            (&[("Name", "x")][..], "no Guid"),
            (&[("Guid", "x")], "not a GUID"),
            (&[("Guid", GUID)], "neither a name"),
            (&[("Guid", GUID), ("mail", "a b")], "not an e-mail address"),
            (&[("Guid", GUID), ("EmailAddresses", "SMTP:a@@b")], "not an e-mail address"),
        ] {
            assert!(read(pairs).unwrap_err().contains(why), "{pairs:?}");
        }
    }

    #[test]
    fn line_breaks_and_other_control_characters_are_in_no_value() {
        const GUID: &str = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";
        let taken = |field: Field, text: &str| {
            recipient(&[
                (Field::Guid, vec![GUID.into()]),
                (Field::Alias, vec!["tony".into()]),
                (field, vec![text.to_owned()]),
            ])
        };
        for bad in ["Tony\nSmith", "Tony\r\nSmith", "To\0ny", "\u{1b}[31mTony", "Tony\tSmith", "Tony\u{85}Smith"] {
            for (field, name) in [(Field::DisplayName, "DisplayName"), (Field::Phone, "OfficePhone")] {
                let told = taken(field, bad).unwrap_err();
                assert_eq!(told, format!("its {name} has a line break or another control character in it"), "{bad:?}");
            }
        }
        // Blanks and line ends around a value are the file's.
        assert_eq!(taken(Field::DisplayName, " Tony Smith\r\n").unwrap().display_name, "Tony Smith");
        let several = taken(Field::EmailAddresses, "SMTP:tony@contoso.com\r\nsmtp:t@contoso.com").unwrap();
        assert_eq!(several.addresses.len(), 2);
        assert!(taken(Field::EmailAddresses, "sip:to\u{7}ny@contoso.com").is_err());
    }
}
