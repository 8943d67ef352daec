//! OPATH filters: `Property -op 'value'` with -and, -or, -not and parentheses, over an output object.
//!
//! Operators: -eq -ne -like -notlike -gt -ge -lt -le. Comparison is without case; a property with several values
//! matches if any of them does (-ne and -notlike: if none equals). Source: Microsoft's
//! page "Recipient filters in Exchange PowerShell commands".

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::directory::identity::fold_case;
use crate::error::{Error, Result, Status};

/// Parentheses and -not inside one another; a deeper filter is no human's.
const DEEPEST: usize = 64;
/// Characters of a filter.
const LONGEST: usize = 8192;

/// A filter that was read.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    /// All of them. (One beside the other, not inside: a filter of hundreds would take a thread's whole stack.)
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// Not.
    Not(Box<Filter>),
    /// One comparison.
    Compare {
        /// As it was written.
        property: String,
        /// How.
        operator: Operator,
        /// With what; `None` is `$null`.
        value: Option<String>,
    },
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Like,
    NotLike,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    /// `-and`, `-eq`, ... in lower case, without the dash.
    Dash(String),
    /// A bare word: a property, a number, `$true`.
    Word(String),
    /// A quoted text.
    Text(String),
}

impl Filter {
    /// Reads a filter. Properties are checked against `known`.
    pub(crate) fn parse(text: &str, known: &[&str]) -> Result<Self> {
        if text.chars().count() > LONGEST {
            return Err(invalid(0, &format!("it has more than {LONGEST} characters")));
        }
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0, end: text.chars().count(), known };
        let filter = parser.either(0)?;
        match parser.tokens.get(parser.at) {
            None => Ok(filter),
            Some((place, _)) => Err(invalid(*place, "something is left over; is -and or -or missing?")),
        }
    }

    /// The filter with every text that is compared with rewritten.
    pub(crate) fn map_values(self, rewrite: &dyn Fn(&str) -> Result<String>) -> Result<Self> {
        Ok(match self {
            Filter::And(all) => Filter::And(all.into_iter().map(|one| one.map_values(rewrite)).collect::<Result<_>>()?),
            Filter::Or(any) => Filter::Or(any.into_iter().map(|one| one.map_values(rewrite)).collect::<Result<_>>()?),
            Filter::Not(a) => Filter::Not(Box::new(a.map_values(rewrite)?)),
            Filter::Compare { property, operator, value } => {
                Filter::Compare { property, operator, value: value.as_deref().map(rewrite).transpose()? }
            }
        })
    }

    /// Whether somebody passes of whom `told` tells single comparisons: of a property, with a value. `None`, from it as
    /// from here, where what is known does not tell.
    pub(crate) fn passes<E>(
        &self,
        told: &mut impl FnMut(&str, Operator, Option<&str>) -> std::result::Result<Option<bool>, E>,
    ) -> std::result::Result<Option<bool>, E> {
        Ok(match self {
            Filter::And(parts) | Filter::Or(parts) => {
                // What one part alone decides.
                let decides = matches!(self, Filter::Or(_));
                let mut all = Some(!decides);
                for part in parts {
                    match part.passes(told)? {
                        Some(passes) if passes == decides => return Ok(Some(decides)),
                        Some(_) => {}
                        None => all = None,
                    }
                }
                all
            }
            Filter::Not(a) => a.passes(told)?.map(|passes| !passes),
            Filter::Compare { property, operator, value } => told(property, *operator, value.as_deref())?,
        })
    }

    /// Every property that it names.
    pub(crate) fn properties(&self) -> Vec<&str> {
        match self {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().flat_map(Filter::properties).collect(),
            Filter::Not(a) => a.properties(),
            Filter::Compare { property, .. } => vec![property],
        }
    }

    /// Whether an object passes.
    pub(crate) fn matches(&self, object: &Map<String, Value>) -> bool {
        match self {
            Filter::And(all) => all.iter().all(|one| one.matches(object)),
            Filter::Or(any) => any.iter().any(|one| one.matches(object)),
            Filter::Not(a) => !a.matches(object),
            Filter::Compare { property, operator, value } => {
                let found = object.iter().find(|(n, _)| n.eq_ignore_ascii_case(property)).map(|(_, v)| v);
                compare(found.unwrap_or(&Value::Null), *operator, value.as_deref())
            }
        }
    }
}

/// Whether a property's value passes one comparison; `None` is `$null`.
pub(crate) fn compare(found: &Value, operator: Operator, wanted: Option<&str>) -> bool {
    compare_any(operator, wanted, |passes| any_text(found, passes))
}

/// The same of a property with these values.
pub(crate) fn compare_texts<T: AsRef<str>>(
    found: impl IntoIterator<Item = T>,
    operator: Operator,
    wanted: Option<&str>,
) -> bool {
    compare_any(operator, wanted, |passes| found.into_iter().any(|text| passes(text.as_ref())))
}

/// The same of what `any` finds a value among.
fn compare_any(
    operator: Operator,
    wanted: Option<&str>,
    any: impl FnOnce(&mut dyn FnMut(&str) -> bool) -> bool,
) -> bool {
    match operator {
        Operator::Ne => return !compare_any(Operator::Eq, wanted, any),
        Operator::NotLike => return !compare_any(Operator::Like, wanted, any),
        _ => {}
    }
    let Some(wanted) = wanted else {
        return operator == Operator::Eq && !any(&mut |text| !text.is_empty());
    };
    let folded = fold_case(wanted);
    any(&mut |text| match operator {
        Operator::Eq => same(text, wanted),
        // Folding in place what most texts are.
        Operator::Like if text.is_ascii() => like(text, &folded, |byte| byte.to_ascii_lowercase()),
        Operator::Like => like(&fold_case(text), &folded, |byte| byte),
        Operator::Gt => order(text, wanted) == Ordering::Greater,
        Operator::Ge => order(text, wanted) != Ordering::Less,
        Operator::Lt => order(text, wanted) == Ordering::Less,
        Operator::Le => order(text, wanted) != Ordering::Greater,
        Operator::Ne | Operator::NotLike => false,
    })
}

/// Whether a value of a property passes, each as a text.
fn any_text(value: &Value, passes: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => passes(text),
        Value::Array(values) => values.iter().any(|value| any_text(value, passes)),
        // {"$guid": ..} and {"$date": ..}.
        Value::Object(typed) => typed.values().any(|value| any_text(value, passes)),
        other => passes(&other.to_string()),
    }
}

fn same(a: &str, b: &str) -> bool {
    fold_case(a) == fold_case(b)
        || matches!((uuid::Uuid::try_parse(a), uuid::Uuid::try_parse(b)), (Ok(a), Ok(b)) if a == b)
}

/// Numbers as numbers, dates as dates, all else as text.
fn order(a: &str, b: &str) -> Ordering {
    if let (Ok(a), Ok(b)) = (a.parse::<f64>(), b.parse::<f64>()) {
        return a.partial_cmp(&b).unwrap_or(Ordering::Equal);
    }
    if let (Some(a), Some(b)) = (moment(a), moment(b)) {
        return a.cmp(&b);
    }
    fold_case(a).cmp(&fold_case(b))
}

fn moment(text: &str) -> Option<jiff::Timestamp> {
    text.parse()
        .ok()
        .or_else(|| format!("{text}T00:00:00Z").parse().ok())
        .or_else(|| format!("{}Z", text.replace(' ', "T")).parse().ok())
}

/// `*` stands for any text, of which each byte is compared as `fold` makes it. Linear in the product of the lengths,
/// whatever the pattern.
fn like(text: &str, pattern: &str, fold: impl Fn(u8) -> u8) -> bool {
    // In UTF-8 no character begins inside another, so bytes match where characters do.
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut t, mut p, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == fold(text[t]) => {
                t += 1;
                p += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    t = from + 1;
                    p = at + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

fn invalid(place: usize, why: &str) -> Error {
    Error::new(
        Status::InvalidFilter,
        format!("The filter cannot be read at character {}: {why}. Nothing was returned.", place + 1),
    )
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let begin = at;
        match c {
            c if c.is_whitespace() => at += 1,
            // A filter is often written as a script block's text.
            '{' | '}' => at += 1,
            '(' | ')' => {
                tokens.push((begin, if c == '(' { Token::Open } else { Token::Close }));
                at += 1;
            }
            '\'' | '"' => {
                let mut value = String::new();
                at += 1;
                loop {
                    match chars.get(at) {
                        None => return Err(invalid(begin, "a quotation mark is not closed")),
                        Some(q) if *q == c && chars.get(at + 1) == Some(&c) => {
                            value.push(c);
                            at += 2;
                        }
                        Some(q) if *q == c => {
                            at += 1;
                            break;
                        }
                        Some(other) => {
                            value.push(*other);
                            at += 1;
                        }
                    }
                }
                tokens.push((begin, Token::Text(value)));
            }
            _ => {
                while chars.get(at).is_some_and(|c| !c.is_whitespace() && !"()'\"{}".contains(*c)) {
                    at += 1;
                }
                let word: String = chars[begin..at].iter().collect();
                let dash = word.strip_prefix('-').filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
                tokens.push((
                    begin,
                    match dash {
                        Some(operator) => Token::Dash(operator.to_ascii_lowercase()),
                        None => Token::Word(word),
                    },
                ));
            }
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [(usize, Token)],
    at: usize,
    end: usize,
    known: &'a [&'a str],
}

impl Parser<'_> {
    fn next(&mut self, expected: &str) -> Result<(usize, Token)> {
        let token =
            self.tokens.get(self.at).cloned().ok_or_else(|| invalid(self.end, &format!("{expected} is missing")))?;
        self.at += 1;
        Ok(token)
    }

    fn takes(&mut self, operator: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some((_, Token::Dash(d))) if d == operator);
        self.at += usize::from(is);
        is
    }

    fn either(&mut self, depth: usize) -> Result<Filter> {
        let mut any = vec![self.both(depth)?];
        while self.takes("or") {
            any.push(self.both(depth)?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Filter::Or(any) })
    }

    fn both(&mut self, depth: usize) -> Result<Filter> {
        let mut all = vec![self.one(depth)?];
        while self.takes("and") {
            all.push(self.one(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::And(all) })
    }

    fn one(&mut self, depth: usize) -> Result<Filter> {
        let (place, token) = self.next("a comparison")?;
        if depth > DEEPEST {
            return Err(invalid(place, "it is nested too deeply"));
        }
        match token {
            Token::Open => {
                let inside = self.either(depth + 1)?;
                match self.next("a closing parenthesis")? {
                    (_, Token::Close) => Ok(inside),
                    (place, _) => Err(invalid(place, "a closing parenthesis is missing")),
                }
            }
            Token::Dash(d) if d == "not" => Ok(Filter::Not(Box::new(self.one(depth + 1)?))),
            Token::Word(word) if word == "!" => Ok(Filter::Not(Box::new(self.one(depth + 1)?))),
            Token::Word(property) => self.comparison(place, property),
            _ => Err(invalid(place, "a property's name is missing")),
        }
    }

    fn comparison(&mut self, place: usize, property: String) -> Result<Filter> {
        if !self.known.iter().any(|k| k.eq_ignore_ascii_case(&property)) {
            return Err(invalid(place, &format!("there is no property '{property}'")));
        }
        let (place, operator) = self.next("an operator such as -eq")?;
        let operator = match operator {
            Token::Dash(d) => match d.as_str() {
                "eq" => Operator::Eq,
                "ne" => Operator::Ne,
                "like" => Operator::Like,
                "notlike" => Operator::NotLike,
                "gt" => Operator::Gt,
                "ge" => Operator::Ge,
                "lt" => Operator::Lt,
                "le" => Operator::Le,
                other => return Err(invalid(place, &format!("-{other} is no comparison"))),
            },
            _ => return Err(invalid(place, "an operator such as -eq is missing")),
        };
        let value = match self.next("a value")? {
            (_, Token::Text(text)) => Some(text),
            (_, Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "$null" => None,
                "$true" => Some("true".into()),
                "$false" => Some("false".into()),
                _ => Some(word),
            },
            (place, _) => return Err(invalid(place, "a value is missing")),
        };
        Ok(Filter::Compare { property, operator, value })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: &[&str] = &["DisplayName", "EmailAddresses", "UMEnabled", "Count", "WhenChanged", "Empty", "Guid"];

    fn passes(filter: &str) -> bool {
        let object = json!({
            "DisplayName": "Tony O'Neil", "EmailAddresses": ["SMTP:tony@contoso.com", "EUM:51234;phone-context=Plan"],
            "UMEnabled": true, "Count": 10, "WhenChanged": {"$date": "2026-03-01T12:00:00.000Z"}, "Empty": "",
            "Guid": {"$guid": "6f9619ff-8b86-d011-b42d-00cf4fc964ff"},
        });
        Filter::parse(filter, KNOWN).unwrap_or_else(|e| panic!("{filter}: {e}")).matches(object.as_object().unwrap())
    }

    #[test]
    fn operators_and_values() {
        for filter in [
            "DisplayName -eq 'tony o''neil'",
            "DisplayName -eq \"Tony O'Neil\"",
            "EmailAddresses -Like 'eum:512*'",
            "EmailAddresses -like '*contoso*' -and UMEnabled -eq $true",
            "UMEnabled -ne $false",
            "Count -gt 9 -and Count -ge 10 -and Count -lt 11 -and Count -le 10",
            "Count -gt 9.5",
            "WhenChanged -gt '2026-02-28' -and WhenChanged -lt '2026-03-02'",
            "WhenChanged -lt '2026-03-01 13:00:00' -and WhenChanged -gt '2026-03-01 11:00:00'",
            "WhenChanged -gt '2026-03-01T12:30:00+01:00' -and WhenChanged -ge '2026-03-01T12:00:00Z'",
            "-not (WhenChanged -gt '2026-03-01T12:00:00Z' -or WhenChanged -lt '2026-03-01T13:00:00+01:00')",
            "Empty -eq $null",
            "DisplayName -ne $null",
            "-not (DisplayName -like 'x*')",
            "DisplayName -notlike 'x*'",
            "DisplayName -eq 'x' -or Count -eq 10",
            "{DisplayName -like 'tony*'}",
            "(DisplayName -eq 'x' -or Count -eq 10) -and UMEnabled -eq 'True'",
            "Guid -eq '{6F9619FF-8B86-D011-B42D-00CF4FC964FF}'",
        ] {
            assert!(passes(filter), "{filter}");
        }
        for filter in [
            "EmailAddresses -like 'eum:513*'",
            "EmailAddresses -ne 'SMTP:tony@contoso.com'",
            "DisplayName -eq 'tony*'",
            "DisplayName -eq 'x' -or Count -eq 10 -and UMEnabled -eq $false",
            "Count -gt 10",
        ] {
            assert!(!passes(filter), "{filter}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        for (filter, place) in [
            ("", "1"),
            ("Nothing -eq 1", "1"),
            ("DisplayName", "12"),
            ("DisplayName -eq", "16"),
            ("DisplayName -is 'x'", "13"),
            ("DisplayName -eq 'x", "17"),
            ("(DisplayName -eq 'x'", "21"),
            ("DisplayName -eq 'x' DisplayName -eq 'y'", "21"),
            ("-and", "1"),
        ] {
            let error = Filter::parse(filter, KNOWN).unwrap_err();
            assert_eq!(error.status, Status::InvalidFilter);
            assert!(error.message.contains(&format!("character {place}:")), "{filter}: {error}");
        }
        let deep = format!("{}Count -eq 1{}", "(".repeat(1000), ")".repeat(1000));
        assert!(Filter::parse(&deep, KNOWN).unwrap_err().message.contains("nested"));
        assert!(Filter::parse(&"(".repeat(100_000), KNOWN).is_err());
    }

    #[test]
    fn stars_match_any_text_quickly() {
        let like = |text: &str, pattern: &str| compare_texts([text], Operator::Like, Some(pattern));
        assert!(like("abc", "*") && like("abc", "a*c") && like("", "*") && !like("abc", "a*b"));
        assert!(
            like("aBC", "AbC") && like("\u{c4}bC", "\u{e4}*c") && like("\u{212a}x", "k*") && like("Kx", "\u{212a}X")
        );
        assert!(!like(&"a".repeat(2000), &format!("{}b", "a*".repeat(200))));
    }

    /// As much as a thread has on Windows, where PowerShell's own frames lie on it too.
    #[test]
    fn the_longest_filter_needs_little_of_the_stack() {
        let longest = |joined: &str| {
            let one = format!("Empty -eq x {joined} ");
            format!("{}Count -eq 10", one.repeat((LONGEST - 12) / one.len()))
        };
        let deepest = format!("{}Count -eq 10{}", "-not (".repeat(DEEPEST / 2), ")".repeat(DEEPEST / 2));
        for (filter, passes) in [(longest("-or"), true), (longest("-and"), false), (deepest, true)] {
            let compared = move || {
                let object = json!({"Count": 10, "Empty": ""});
                let read = Filter::parse(&filter, KNOWN).unwrap();
                let read = read.map_values(&|text| Ok(text.to_owned())).unwrap();
                assert!(!read.properties().is_empty());
                let told = read.passes(&mut |property, operator, value| {
                    Ok::<_, ()>(object.get(property).map(|found| compare(found, operator, value)))
                });
                assert_eq!((read.matches(object.as_object().unwrap()), told), (passes, Ok(Some(passes))));
            };
            std::thread::Builder::new().stack_size(256 << 10).spawn(compared).unwrap().join().unwrap();
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[ -~]{0,60}") {
            if let Ok(filter) = Filter::parse(&text, KNOWN) {
                filter.matches(&Map::new());
            }
        }
    }
}
