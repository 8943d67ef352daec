//! From a notice to the bytes that a transport takes: RFC 5322 headers, plain text and HTML side by side.

use zeroize::{Zeroize, Zeroizing};

use super::notice::{Kind, Notice};
use super::policy_text::{self, escape};
use super::texts::{Texts, texts_for};

/// Who the message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// An e-mail address.
    pub address: String,
    /// May be empty.
    pub name: String,
}

/// One line of a body, in both forms.
enum Line {
    Paragraph(String),
    Field(&'static str, String),
    /// The policy's own text; made safe for each form.
    Policy(String),
}

impl Drop for Line {
    fn drop(&mut self) {
        match self {
            Line::Paragraph(text) | Line::Field(_, text) | Line::Policy(text) => text.zeroize(),
        }
    }
}

/// The whole message. `at` is when it was queued (milliseconds since 1970-01-01 UTC), so that a repeat is the same.
pub(crate) fn notice(notice: &Notice, sender: &Sender, message_id: &str, at: i64) -> Zeroizing<Vec<u8>> {
    let texts = texts_for(&notice.language);
    let subject = match notice.kind {
        Kind::Welcome => texts.welcome_subject,
        Kind::Reset => texts.reset_subject,
        Kind::Changed => texts.changed_subject,
        Kind::Expiry => texts.expiry_subject,
    };
    message(texts, subject, &lines(notice, texts), &notice.to, &notice.display_name, sender, message_id, at)
}

/// The message of `-TestMail`; holds no PIN.
pub(crate) fn test(to: &str, sender: &Sender, message_id: &str, at: i64) -> Zeroizing<Vec<u8>> {
    let texts = texts_for("");
    let lines = [Line::Paragraph(texts.test.to_owned())];
    message(texts, texts.test_subject, &lines, to, "", sender, message_id, at)
}

fn lines(n: &Notice, texts: &Texts) -> Vec<Line> {
    let name = if n.display_name.is_empty() { &n.user_id } else { &n.display_name };
    let mut lines = vec![Line::Paragraph(texts.greeting.replace("{name}", name))];
    let opening = match n.kind {
        Kind::Welcome => texts.welcome,
        Kind::Reset => texts.reset,
        Kind::Changed => texts.changed,
        Kind::Expiry => texts.expiry,
    };
    let date =
        jiff::Timestamp::from_millisecond(n.expires_on).map_or(String::new(), |t| t.strftime("%Y-%m-%d").to_string());
    lines.push(Line::Paragraph(opening.replace("{user}", &n.user_id).replace("{date}", &date)));
    let call_in = if n.access_numbers.is_empty() { texts.call_in_unknown } else { texts.call_in };
    lines.push(Line::Paragraph(call_in.to_owned()));
    lines.extend(n.access_numbers.iter().map(|number| Line::Field(texts.access_number, number.clone())));
    if !n.extension.is_empty() {
        lines.push(Line::Field(texts.extension, n.extension.clone()));
    }
    if !n.pin.is_empty() {
        lines.push(Line::Field(texts.pin, n.pin.clone()));
        let change = if n.must_change { texts.must_change } else { texts.need_not_change };
        lines.push(Line::Paragraph(change.to_owned()));
    }
    if n.kind != Kind::Welcome {
        lines.push(Line::Paragraph(texts.not_you.to_owned()));
    }
    if !n.policy_text.is_empty() {
        lines.push(Line::Policy(n.policy_text.clone()));
    }
    lines
}

// One caller a kind of message; a struct for it would be named after this function.
#[allow(clippy::too_many_arguments)]
fn message(
    texts: &Texts,
    subject: &str,
    lines: &[Line],
    to: &str,
    to_name: &str,
    sender: &Sender,
    message_id: &str,
    at: i64,
) -> Zeroizing<Vec<u8>> {
    // `=_` cannot stand in quoted-printable text, so the boundary cannot stand in a part.
    let boundary = format!("=_{}", message_id.chars().filter(char::is_ascii_alphanumeric).take(32).collect::<String>());
    let date =
        jiff::Timestamp::from_millisecond(at).unwrap_or_default().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let mut out = Zeroizing::new(Vec::with_capacity(8192));
    let mut header = |name: &str, value: &str| {
        out.extend_from_slice(format!("{name}: {}\r\n", one_line(value)).as_bytes());
    };
    header("From", &mailbox(&sender.name, &sender.address));
    header("To", &mailbox(to_name, to));
    header("Subject", &encoded(subject));
    header("Date", &date);
    header("Message-ID", message_id);
    header("Auto-Submitted", "auto-generated");
    header("Content-Language", texts.language);
    header("MIME-Version", "1.0");
    header("Content-Type", &format!("multipart/alternative; boundary=\"{boundary}\""));
    for (kind, body) in [("plain", plain(lines)), ("html", html(lines, texts, subject))] {
        out.extend_from_slice(
            format!(
                "\r\n--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: \
                 quoted-printable\r\n\r\n"
            )
            .as_bytes(),
        );
        quoted_printable(&body, &mut out);
    }
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    out
}

fn plain(lines: &[Line]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(4096));
    let mut after_field = false;
    for (number, line) in lines.iter().enumerate() {
        let field = matches!(line, Line::Field(..));
        if number > 0 && !(field && after_field) {
            out.push('\n');
        }
        match line {
            Line::Paragraph(text) => out.push_str(text),
            Line::Field(label, value) => {
                out.push_str("  ");
                out.push_str(label);
                out.push_str(": ");
                out.push_str(value);
            }
            Line::Policy(text) => out.push_str(&policy_text::to_plain(text)),
        }
        out.push('\n');
        after_field = field;
    }
    out
}

fn html(lines: &[Line], texts: &Texts, subject: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(4096));
    out.push_str(&format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n",
        texts.language,
        escape(subject)
    ));
    let mut in_table = false;
    for line in lines {
        let field = matches!(line, Line::Field(..));
        if field != in_table {
            out.push_str(if field { "<table>\n" } else { "</table>\n" });
            in_table = field;
        }
        match line {
            Line::Paragraph(text) => {
                out.push_str("<p>");
                out.push_str(&escape(text));
                out.push_str("</p>\n");
            }
            Line::Field(label, value) => {
                out.push_str("<tr><td>");
                out.push_str(&escape(label));
                out.push_str(":</td><td><b>");
                out.push_str(&escape(value));
                out.push_str("</b></td></tr>\n");
            }
            Line::Policy(text) => {
                out.push_str("<p>");
                out.push_str(&policy_text::to_html(text).replace('\n', "<br>\n"));
                out.push_str("</p>\n");
            }
        }
    }
    if in_table {
        out.push_str("</table>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

/// No value can begin another header.
fn one_line(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).collect()
}

/// `Name <address>`; the name quoted or encoded.
fn mailbox(name: &str, address: &str) -> String {
    // Cut before it is quoted or encoded, so that neither is cut in half; a header line ends at 998 characters.
    let name: String = one_line(name).chars().take(128).collect();
    if name.is_empty() {
        return address.to_owned();
    }
    if name.is_ascii() {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{quoted}\" <{address}>");
    }
    format!("{} <{address}>", encoded(&name))
}

/// RFC 2047 where the text is not plain ASCII: UTF-8, base64, words of at most 75 characters.
fn encoded(text: &str) -> String {
    let text = one_line(text);
    if text.is_ascii() {
        return text;
    }
    let mut words = Vec::new();
    let mut chunk = String::new();
    for c in text.chars() {
        // 45 bytes are 60 characters of base64; with the marks 72.
        if chunk.len() + c.len_utf8() > 45 {
            words.push(std::mem::take(&mut chunk));
        }
        chunk.push(c);
    }
    words.push(chunk);
    words.iter().map(|w| format!("=?UTF-8?B?{}?=", base64(w.as_bytes()))).collect::<Vec<_>>().join(" ")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let n = three.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = (n >> (18 - 6 * place)) & 63;
            out.push(if place > three.len() { '=' } else { char::from(DIGITS[digit as usize]) });
        }
    }
    out
}

/// RFC 2045, 6.7: lines of at most 76 characters, ended by CRLF.
fn quoted_printable(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for line in text.lines() {
        let bytes = line.as_bytes();
        let mut column = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let last = at + 1 == bytes.len();
            let literal = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && !last);
            let width = if literal { 1 } else { 3 };
            if column + width > 75 {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            if literal {
                out.push(*byte);
            } else {
                out.extend_from_slice(&[b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            column += width;
        }
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Notice {
        Notice {
            kind: Kind::Reset,
            to: "tonysmith@contoso.com".into(),
            display_name: "Tony Smith".into(),
            user_id: "tonysmith@contoso.com".into(),
            language: String::new(),
            pin: "739182".into(),
            must_change: true,
            access_numbers: vec!["+1 425 555 0100".into()],
            extension: "36697".into(),
            policy_text: "Ask <b>us</b>.".into(),
            expires_on: 0,
        }
    }

    fn rendered(n: &Notice) -> String {
        let sender = Sender { address: "um@contoso.com".into(), name: "Voice mail".into() };
        String::from_utf8(notice(n, &sender, "<1-2@contoso.com>", 1_790_000_000_000).to_vec()).unwrap()
    }

    #[test]
    fn says_things_in_the_contracts_order() {
        let text = rendered(&sample());
        let plain = text.split("text/html").next().unwrap();
        let places: Vec<usize> = ["Tony Smith,", "+1 425 555 0100", "36697", "739182", "choose a new PIN", "Ask us."]
            .iter()
            .map(|part| plain.rfind(part).unwrap_or_else(|| panic!("{part} in {plain}")))
            .collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn an_empty_line_stands_between_paragraphs_and_fields_and_none_between_fields() {
        let paragraph = |t: &str| Line::Paragraph(t.into());
        let lines = [
            paragraph("one"),
            paragraph("two"),
            Line::Field("a", "1".into()),
            Line::Field("b", "2".into()),
            paragraph("three"),
            Line::Policy("four".into()),
        ];
        assert_eq!(*plain(&lines), "one\n\ntwo\n\n  a: 1\n  b: 2\n\nthree\n\nfour\n");
        let html = html(&lines, texts_for(""), "s");
        let body = html.split("<body>\n").nth(1).unwrap();
        assert_eq!(
            body,
            "<p>one</p>\n<p>two</p>\n<table>\n<tr><td>a:</td><td><b>1</b></td></tr>\n\
             <tr><td>b:</td><td><b>2</b></td></tr>\n\
             </table>\n<p>three</p>\n<p>four</p>\n</body>\n</html>\n"
        );
    }

    #[test]
    fn every_line_is_short_and_ended_by_crlf() {
        let mut n = sample();
        n.policy_text = "é".repeat(512);
        let text = rendered(&n);
        assert!(text.split("\r\n").all(|l| l.len() <= 78 && !l.contains(['\r', '\n'])));
    }

    #[test]
    fn the_welcome_has_exchanges_subject_and_french_readers_get_french() {
        let mut n = sample();
        n.kind = Kind::Welcome;
        assert!(rendered(&n).contains("\r\nSubject: Welcome to Exchange Unified Messaging\r\n"));
        n.language = "fr-FR".into();
        let text = rendered(&n);
        assert!(text.contains("\r\nContent-Language: fr\r\n") && text.contains("Code confidentiel: 739182"), "{text}");
        assert!(text.contains("Subject: =?UTF-8?B?"));
    }

    #[test]
    fn nothing_begins_another_header() {
        let mut n = sample();
        let evil = "x\r\nBcc: evil@example.com\r\n\r\nbody";
        n.display_name = evil.into();
        n.to = evil.into();
        n.policy_text = evil.into();
        n.extension = evil.into();
        n.user_id = evil.into();
        let sender = Sender { address: evil.into(), name: evil.into() };
        let text = String::from_utf8(notice(&n, &sender, evil, 0).to_vec()).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        assert_eq!(head.split("\r\n").count(), 9, "{head}");
        assert!(!head.contains("\r\nBcc"));
    }

    #[test]
    fn encoded_words_round_trip() {
        assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
        assert_eq!(base64(b"any carnal pleasu"), "YW55IGNhcm5hbCBwbGVhc3U=");
        assert_eq!(base64(b"any carnal pleasur"), "YW55IGNhcm5hbCBwbGVhc3Vy");
        assert!(encoded(&"é".repeat(200)).split(' ').all(|w| w.len() <= 75));
    }
}
