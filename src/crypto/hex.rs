//! Hexadecimal digits.

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes that [`hex`] wrote.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|p| p[0] * 16 + p[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pairs_of_hexadecimal_digits_are_read() {
        assert_eq!(unhex(&hex(&[0x00, 0x9a, 0xff])), Some(vec![0x00, 0x9a, 0xff]));
        assert_eq!(unhex("FFa0"), Some(vec![0xff, 0xa0]));
        assert_eq!(unhex(""), Some(Vec::new()));
        for odd in ["0", "0g", "g0", "zz", "0x", "é0"] {
            assert_eq!(unhex(odd), None, "{odd}");
        }
    }
}
