//! A PIN from the operating system's random source that passes every rule.

use rand::TryRng;
use rand::rngs::SysRng;

use super::policy::PinPolicy;
use super::rules;
use super::secret::Pin;
use crate::error::{Error, Result, Status};

/// Candidates before giving up; Exchange stops at 99 too.
pub(crate) const MAX_TRIES: usize = 99;

/// A PIN of exactly MinPINLength digits that passes every rule but history, which needs a hash.
pub fn generate(policy: &PinPolicy, extensions: &[String]) -> Result<Pin> {
    for _ in 0..MAX_TRIES {
        let pin = digits(policy.min_length as usize)?;
        if rules::check(&pin, policy, extensions).is_ok() {
            return Ok(pin);
        }
    }
    Err(exhausted())
}

/// The error after [`MAX_TRIES`], also where history refused them all.
pub(crate) fn exhausted() -> Error {
    Error::new(
        Status::PinGeneration,
        format!(
            "A default PIN could not be generated: none of {MAX_TRIES} candidates passes every rule of the UM mailbox \
             policy. Nothing was changed. Raise MinPINLength or lower PINHistoryCount on the policy."
        ),
    )
}

/// Each digit uniform: bytes from 250 on are drawn again, since 256 is no multiple of ten.
fn digits(length: usize) -> Result<Pin> {
    let mut pin = Vec::with_capacity(length);
    let mut byte = [0u8];
    while pin.len() < length {
        SysRng.try_fill_bytes(&mut byte).map_err(|_| {
            Error::new(
                Status::PinGeneration,
                "The operating system gave no random numbers, so no PIN was generated. Nothing was changed.",
            )
        })?;
        if byte[0] < 250 {
            pin.push(b'0' + byte[0] % 10);
        }
    }
    Ok(Pin::new(pin))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100,000 PINs over five policies, each checked by the rules that it was made under.
    #[test]
    fn a_hundred_thousand_pins_pass_their_policy() {
        let base = PinPolicy::default();
        let policies = [
            base.clone(),
            PinPolicy { min_length: 4, ..base.clone() },
            PinPolicy { min_length: 24, ..base.clone() },
            PinPolicy { allow_common_patterns: true, min_length: 5, ..base.clone() },
            PinPolicy { block_human_pins: true, min_length: 4, ..base },
        ];
        let extensions = ["36697".to_owned(), "1234".to_owned(), "5".to_owned()];
        for policy in &policies {
            for _ in 0..20_000 {
                let pin = generate(policy, &extensions).unwrap();
                assert_eq!(pin.expose().len(), policy.min_length as usize);
                assert_eq!(rules::check(&pin, policy, &extensions), Ok(()));
            }
        }
    }

    #[test]
    fn every_digit_comes_at_every_place() {
        let policy = PinPolicy { min_length: 6, ..Default::default() };
        let mut seen = [[0u32; 10]; 6];
        for _ in 0..20_000 {
            for (place, digit) in generate(&policy, &[]).unwrap().expose().iter().enumerate() {
                seen[place][usize::from(digit - b'0')] += 1;
            }
        }
        // 2,000 expected; six standard deviations are about 255.
        assert!(seen.iter().flatten().all(|n| (1_700..2_300).contains(n)), "{seen:?}");
    }

    #[test]
    fn gives_up_when_the_rules_leave_nothing() {
        let every: Vec<String> = (0..10_000).map(|n| format!("{n:04}")).collect();
        let policy = PinPolicy { min_length: 4, ..Default::default() };
        assert_eq!(generate(&policy, &every).unwrap_err().status, Status::PinGeneration);
    }
}
