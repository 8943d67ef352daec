//! The log: lines on standard error, which systemd keeps. Never a PIN, a cookie or a token.

use std::io::Write;

/// One line. What came from elsewhere may hold line ends or control characters; they are shown as escapes.
pub(crate) fn write(text: &str) {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    let _ = writeln!(std::io::stderr(), "umpin-web: {line}");
}

/// An error with all of its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_error_is_told_with_its_causes() {
        let inner = std::io::Error::other("refused");
        let outer = std::io::Error::other(inner);
        assert!(super::chain(&outer).contains("refused"));
    }
}
