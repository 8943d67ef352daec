//! ResetPINText and UMEnabledText: an administrator's own words, of which only `<b>` and web links survive as HTML.

/// One piece of a policy's text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Bold(bool),
    Link(Option<String>),
}

/// As HTML: text escaped, `<b>` and `<a href="http(s)://...">` kept and closed, every other tag dropped.
pub fn to_html(text: &str) -> String {
    let mut out = String::new();
    let mut open: Vec<&str> = Vec::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(&escape(&decode(text))),
            Piece::Bold(true) => {
                out.push_str("<b>");
                open.push("b");
            }
            Piece::Link(Some(target)) => {
                out.push_str(&format!("<a href=\"{}\">", escape(&target)));
                open.push("a");
            }
            Piece::Bold(false) => close(&mut out, &mut open, "b"),
            Piece::Link(None) => close(&mut out, &mut open, "a"),
        }
    }
    while let Some(tag) = open.pop() {
        out.push_str(&format!("</{tag}>"));
    }
    out
}

/// Closes `tag` and whatever was opened inside it; a closing tag without an opening one is dropped.
fn close(out: &mut String, open: &mut Vec<&str>, tag: &str) {
    if open.contains(&tag) {
        while let Some(inner) = open.pop() {
            out.push_str(&format!("</{inner}>"));
            if inner == tag {
                break;
            }
        }
    }
}

/// As plain text: no tags, a link's target in brackets behind its text.
pub(crate) fn to_plain(text: &str) -> String {
    let mut out = String::new();
    let mut targets: Vec<String> = Vec::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(&decode(text)),
            Piece::Bold(_) => {}
            Piece::Link(Some(target)) => targets.push(target),
            Piece::Link(None) => {
                if let Some(target) = targets.pop() {
                    out.push_str(&format!(" <{target}>"));
                }
            }
        }
    }
    out
}

/// The five characters that HTML gives a meaning.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The entities that administrators write by hand.
fn decode(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let looks_like_tag = from[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        match from.find('>').filter(|_| looks_like_tag) {
            Some(end) => {
                pieces.extend(tag(&from[1..end]));
                rest = &from[end + 1..];
            }
            None => {
                pieces.push(Piece::Text("<"));
                rest = &from[1..];
            }
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

fn tag(inside: &str) -> Option<Piece<'static>> {
    let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
    match name.to_ascii_lowercase().as_str() {
        "b" => Some(Piece::Bold(true)),
        "/b" => Some(Piece::Bold(false)),
        "/a" => Some(Piece::Link(None)),
        "a" => href(attributes).map(|target| Piece::Link(Some(target))),
        _ => None,
    }
}

/// The target of a link to the web; any other scheme is no link.
fn href(attributes: &str) -> Option<String> {
    let at = attributes.to_ascii_lowercase().find("href")?;
    let value = attributes[at + 4..].trim_start().strip_prefix('=')?.trim_start();
    let target = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split_whitespace().next()?,
    };
    let target = decode(target.trim());
    let lower = target.to_ascii_lowercase();
    let web = lower.starts_with("https://") || lower.starts_with("http://");
    (web && !target.chars().any(|c| c.is_control() || c.is_whitespace() || "<>\"".contains(c))).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bold_and_web_links_survive() {
        assert_eq!(
            to_html("See <b>the</b> <a href=\"https://x.example/a?b=1&c=2\">page</a>."),
            "See <b>the</b> <a href=\"https://x.example/a?b=1&amp;c=2\">page</a>."
        );
        assert_eq!(to_plain("See <b>the</b> <a href='http://x.example'>page</a>."), "See the page <http://x.example>.");
    }

    #[test]
    fn everything_else_is_dropped_or_escaped() {
        for (text, html) in [
            ("<script>alert(1)</script>", "alert(1)"),
            ("<img src=x onerror=y>hi", "hi"),
            ("<b onclick=\"x\">hi", "<b>hi</b>"),
            ("<a href=\"javascript:x\">hi</a>", "hi"),
            ("<a href=\"data:text/html,x\">hi</a>", "hi"),
            ("<a href=\"https://x\" onmouseover=\"y\">hi</a>", "<a href=\"https://x\">hi</a>"),
            ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
            ("<<b>x", "&lt;<b>x</b>"),
            ("</b></a>x", "x"),
            ("<a href=\"https://x\"><b>y</a>z", "<a href=\"https://x\"><b>y</b></a>z"),
            ("&lt;script&gt;", "&lt;script&gt;"),
        ] {
            assert_eq!(to_html(text), html, "{text}");
        }
    }
}
