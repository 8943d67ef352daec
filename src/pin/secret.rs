//! The PIN itself: erased when dropped, printed by nothing.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The longest PIN that any policy takes, in digits.
pub(crate) const MAX_PIN_LENGTH: usize = 24;

/// A PIN as somebody typed it: not yet checked, perhaps not even digits.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pin(Box<[u8]>);

impl Pin {
    /// Takes over what was typed.
    pub fn new(typed: impl Into<Vec<u8>>) -> Self {
        let mut typed: Vec<u8> = typed.into();
        // Copied to its exact size here, since shrinking in place may leave the old bytes behind.
        let exact: Box<[u8]> = typed.as_slice().into();
        typed.zeroize();
        Self(exact)
    }

    /// Whether both are the same, told in a time that does not depend on where they differ: for a PIN that is typed
    /// twice.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// The bytes, for the hash and the mail alone.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_digit() {
        assert_eq!(format!("{:?}", Pin::new("123456")), "Pin(..)");
    }
}
