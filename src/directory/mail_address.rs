//! What counts as a mail address.

/// Whether a text can stand as a mail address: one `@`, no blanks, no control characters, nothing that could end a
/// header. Letters of any script may (RFC 6531).
pub(crate) fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let fine = |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[],;:\\\"".contains(c);
    let label = |l: &str| {
        !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-') && !l.starts_with('-') && !l.ends_with('-')
    };
    !local.is_empty()
        && local.chars().count() <= 64
        && local.chars().all(|c| fine(c) && c != '@')
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.len() <= 253
        && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_at_sign_and_nothing_that_ends_a_header() {
        for fine in ["tony@contoso.com", "t.o-n+y@mail.contoso.com", "müller@bücher.example", "o'neil@contoso.com"] {
            assert!(is_mail_address(fine), "{fine}");
        }
        for bad in [
            "tony",
            "@contoso.com",
            "tony@",
            "a b@contoso.com",
            "tony@contoso.com\r\nBcc: x@y.com",
            "<tony@contoso.com>",
            "tony@contoso..com",
            "tony@-contoso.com",
            "a,b@contoso.com",
            "tony@@contoso.com",
            ".tony@contoso.com",
        ] {
            assert!(!is_mail_address(bad), "{bad}");
        }
    }
}
