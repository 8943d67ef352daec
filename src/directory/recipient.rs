//! A person of the directory, as imported.

use crate::guid::RecipientGuid;
/// One person. Texts are empty where the source had none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // Each field is the directory attribute of the same name.
pub struct Recipient {
    pub guid: RecipientGuid,
    pub name: String,
    pub display_name: String,
    pub first_name: String,
    pub last_name: String,
    pub alias: String,
    pub sam_account_name: String,
    pub user_principal_name: String,
    pub primary_smtp_address: String,
    pub legacy_exchange_dn: String,
    pub distinguished_name: String,
    pub canonical_name: String,
    pub phone: String,
    pub linked_master_account: String,
    pub server_name: String,
    pub server_legacy_dn: String,
    pub language: String,
    /// The NetBIOS domain that the import named, for DOMAIN\account; empty: the first DC label serves.
    pub netbios_domain: String,
    pub when_created: i64,
    pub when_changed: i64,
    /// All but the EUM ones, which `um_address` holds.
    pub addresses: Vec<ProxyAddress>,
}

/// One proxy address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAddress {
    /// Lower case: `smtp`, `sip`, `x500`, ...
    pub prefix: String,
    /// What stands behind the colon.
    pub address: String,
    /// Printed with an upper-case prefix.
    pub is_primary: bool,
}

impl ProxyAddress {
    /// As directories print it.
    pub(crate) fn text(&self) -> String {
        proxy_text(&self.prefix, &self.address, self.is_primary)
    }
}

/// The same of its parts.
pub(crate) fn proxy_text(prefix: &str, address: &str, is_primary: bool) -> String {
    let mut text = String::with_capacity(prefix.len() + 1 + address.len());
    if is_primary {
        text.extend(prefix.chars().flat_map(char::to_uppercase));
    } else {
        text.push_str(prefix);
    }
    text.push(':');
    text.push_str(address);
    text
}
