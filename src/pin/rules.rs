//! The order in which a PIN is refused, and how the refusal names its rule.

use std::fmt;

use super::human;
use super::policy::PinPolicy;
use super::secret::{MAX_PIN_LENGTH, Pin};

/// The shortest extension that a PIN may not hold as a whole (shorter ones are in too many PINs by chance).
pub(crate) const SHORTEST_EXTENSION_INSIDE: usize = 4;

/// The rule that a PIN breaks. Its text names the rule and the numbers, never the PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Shorter than MinPINLength.
    TooShort {
        /// Digits at least.
        min: u32,
    },
    /// Longer than 24.
    TooLong,
    /// Something that is not an ASCII digit.
    NotDigits,
    /// One run: every step +1, -1 or 0.
    Run,
    /// One of the user's extensions stands in it whole.
    HoldsExtension,
    /// It is the tail of one of the user's extensions.
    ExtensionTail,
    /// Ours, BlockHumanPINs: a shape that people choose most.
    Human(&'static str),
    /// The current PIN or one of the barred earlier ones.
    Used {
        /// PINs that may not come again, the current one counted.
        history_count: u32,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::TooShort { min } => {
                write!(f, "it is too short: the UM mailbox policy demands at least {min} digits (MinPINLength)")
            }
            Refusal::TooLong => write!(f, "it is too long: a PIN has at most {MAX_PIN_LENGTH} digits"),
            Refusal::NotDigits => write!(f, "it may hold only the digits 0 to 9"),
            Refusal::Run => write!(
                f,
                "it is a common pattern: all digits are the same, or one run up or down (AllowCommonPatterns is false)"
            ),
            Refusal::HoldsExtension => {
                write!(f, "it is a common pattern: it contains an extension of the user (AllowCommonPatterns is false)")
            }
            Refusal::ExtensionTail => write!(f, "it is the end of an extension of the user, which is never allowed"),
            Refusal::Human(rule) => {
                write!(f, "it is among the PINs that people choose most: {rule} (BlockHumanPINs is true)")
            }
            Refusal::Used { history_count: 1 } => {
                write!(f, "it is the current PIN (PINHistoryCount is 1)")
            }
            Refusal::Used { history_count } => write!(
                f,
                "it is the current PIN or one of the {} before it (PINHistoryCount is {history_count})",
                history_count - 1
            ),
        }
    }
}

/// Every rule but history, in the order of docs/policies.md. `extensions` are all numbers of the user.
pub fn check(pin: &Pin, policy: &PinPolicy, extensions: &[String]) -> Result<(), Refusal> {
    let typed = pin.expose();
    // Characters, not bytes: six full-width digits are "not digits", not "too long".
    let length = std::str::from_utf8(typed).map_or(typed.len(), |text| text.chars().count());
    if length < policy.min_length as usize {
        return Err(Refusal::TooShort { min: policy.min_length });
    }
    if length > MAX_PIN_LENGTH {
        return Err(Refusal::TooLong);
    }
    if !typed.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::NotDigits);
    }
    weakness(typed, policy, extensions).map_or(Ok(()), Err)
}

/// Every rule but history that holds for this mailbox, in the same order, each with whether the PIN keeps it. Where the
/// length or a character is wrong already, the rules on the digits are not told.
pub(crate) fn each(pin: &Pin, policy: &PinPolicy, extensions: &[String]) -> Vec<(Refusal, Option<bool>)> {
    let typed = pin.expose();
    let length = std::str::from_utf8(typed).map_or(typed.len(), |text| text.chars().count());
    let digits = typed.iter().all(u8::is_ascii_digit);
    let legal = digits && length >= policy.min_length as usize && length <= MAX_PIN_LENGTH;
    let keeps = |broken: bool| legal.then_some(!broken);
    let mut rules = vec![
        (Refusal::TooShort { min: policy.min_length }, Some(length >= policy.min_length as usize)),
        (Refusal::TooLong, Some(length <= MAX_PIN_LENGTH)),
        (Refusal::NotDigits, Some(digits)),
    ];
    if !policy.allow_common_patterns {
        rules.push((Refusal::Run, keeps(is_run(typed))));
        rules.push((Refusal::HoldsExtension, keeps(holds_extension(typed, extensions))));
    }
    rules.push((Refusal::ExtensionTail, keeps(is_extension_tail(typed, extensions))));
    if policy.block_human_pins {
        let shape = legal.then(|| human::shape(typed));
        rules.push((Refusal::Human(shape.flatten().unwrap_or_default()), shape.map(|found| found.is_none())));
    }
    rules
}

/// The rules on the digits themselves; `digits` are ASCII digits of a legal length.
fn weakness(digits: &[u8], policy: &PinPolicy, extensions: &[String]) -> Option<Refusal> {
    if !policy.allow_common_patterns {
        if is_run(digits) {
            return Some(Refusal::Run);
        }
        if holds_extension(digits, extensions) {
            return Some(Refusal::HoldsExtension);
        }
    }
    if is_extension_tail(digits, extensions) {
        return Some(Refusal::ExtensionTail);
    }
    if policy.block_human_pins {
        return human::shape(digits).map(Refusal::Human);
    }
    None
}

fn holds_extension(digits: &[u8], extensions: &[String]) -> bool {
    extensions.iter().any(|e| {
        e.len() >= SHORTEST_EXTENSION_INSIDE && is_number(e) && digits.windows(e.len()).any(|part| part == e.as_bytes())
    })
}

fn is_extension_tail(digits: &[u8], extensions: &[String]) -> bool {
    extensions.iter().any(|e| is_number(e) && e.as_bytes().ends_with(digits))
}

fn is_number(extension: &str) -> bool {
    !extension.is_empty() && extension.bytes().all(|b| b.is_ascii_digit())
}

/// All steps alike and +1, -1 or 0. From 9 to 0 is no step.
fn is_run(digits: &[u8]) -> bool {
    [1i16, -1, 0].iter().any(|step| digits.windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == *step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(pin: &str, policy: &PinPolicy, extensions: &[&str]) -> Result<(), Refusal> {
        let extensions: Vec<String> = extensions.iter().map(|e| (*e).to_owned()).collect();
        check(&Pin::new(pin), policy, &extensions)
    }

    fn four() -> PinPolicy {
        PinPolicy { min_length: 4, ..Default::default() }
    }

    #[test]
    fn length_has_both_bounds() {
        let policy = PinPolicy::default();
        assert_eq!(verdict("13579", &policy, &[]), Err(Refusal::TooShort { min: 6 }));
        assert_eq!(verdict("135798", &policy, &[]), Ok(()));
        assert_eq!(verdict("135790246813579024681357", &policy, &[]), Ok(()));
        assert_eq!(verdict("1357902468135790246813570", &policy, &[]), Err(Refusal::TooLong));
    }

    #[test]
    fn only_ascii_digits() {
        for typed in ["12345a", "１３５７９８", "135 798", "135\u{0}798", "-135798", "135798\n"] {
            assert_eq!(verdict(typed, &PinPolicy::default(), &[]), Err(Refusal::NotDigits), "{typed:?}");
        }
    }

    #[test]
    fn the_order_is_length_then_digits_then_patterns() {
        assert_eq!(verdict("abc", &PinPolicy::default(), &[]), Err(Refusal::TooShort { min: 6 }));
        assert_eq!(verdict(&"x".repeat(25), &PinPolicy::default(), &[]), Err(Refusal::TooLong));
        // A run that also ends an extension is told as the run.
        assert_eq!(verdict("1234", &four(), &["991234"]), Err(Refusal::Run));
    }

    #[test]
    fn common_patterns_are_one_run_and_nothing_else() {
        for refused in ["123456", "654321", "111111", "000000", "0123456789", "9876543210"] {
            assert_eq!(verdict(refused, &PinPolicy::default(), &[]), Err(Refusal::Run), "{refused}");
        }
        for fine in ["121212", "112233", "123123", "789012", "135790", "123457", "111112"] {
            assert_eq!(verdict(fine, &PinPolicy::default(), &[]), Ok(()), "{fine}");
        }
        let lax = PinPolicy { allow_common_patterns: true, ..Default::default() };
        assert_eq!(verdict("123456", &lax, &[]), Ok(()));
    }

    #[test]
    fn an_extension_of_four_digits_inside_is_a_common_pattern() {
        assert_eq!(verdict("3669712", &PinPolicy::default(), &["36697"]), Err(Refusal::HoldsExtension));
        assert_eq!(verdict("136697", &PinPolicy::default(), &["36697"]), Err(Refusal::HoldsExtension));
        assert_eq!(verdict("913669", &PinPolicy::default(), &["366"]), Ok(()));
        assert_eq!(verdict("913669", &PinPolicy::default(), &["3669"]), Err(Refusal::HoldsExtension));
        let lax = PinPolicy { allow_common_patterns: true, ..Default::default() };
        assert_eq!(verdict("3669712", &lax, &["36697"]), Ok(()));
    }

    #[test]
    fn the_tail_of_an_extension_never_passes() {
        let lax = PinPolicy { allow_common_patterns: true, ..four() };
        assert_eq!(verdict("36697", &lax, &["36697"]), Err(Refusal::ExtensionTail));
        assert_eq!(verdict("6697", &lax, &["36697"]), Err(Refusal::ExtensionTail));
        assert_eq!(verdict("6697", &lax, &["51000", "36697"]), Err(Refusal::ExtensionTail));
        assert_eq!(verdict("3669", &lax, &["36697"]), Ok(()));
        assert_eq!(verdict("136697", &lax, &["36697"]), Ok(()));
    }

    #[test]
    fn a_sip_address_is_no_extension() {
        assert_eq!(verdict("13579", &four(), &["tony13579"]), Ok(()));
    }

    #[test]
    fn refusals_name_rule_and_numbers_but_no_pin() {
        let text = verdict("7391", &PinPolicy::default(), &[]).unwrap_err().to_string();
        assert!(text.contains("MinPINLength") && text.contains('6') && !text.contains("7391"), "{text}");
        assert!(Refusal::Used { history_count: 5 }.to_string().contains("one of the 4 before"));
        assert!(Refusal::Used { history_count: 1 }.to_string().contains("current PIN"));
    }
}
