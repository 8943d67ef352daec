//! What dial plans and the addresses in them can be. Source: Microsoft's pages "UM dial plans" and "New-UMDialPlan".

/// How the mailboxes of a dial plan are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriType {
    /// By extension alone.
    TelExtn,
    /// By SIP address.
    SipName,
    /// By E.164 number.
    E164,
}

impl UriType {
    /// Each of them.
    pub(crate) const ALL: [Self; 3] = [Self::TelExtn, Self::SipName, Self::E164];

    /// Exchange's word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TelExtn => "TelExtn",
            Self::SipName => "SipName",
            Self::E164 => "E164",
        }
    }

    /// The one of this word, in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(name))
    }
}

/// What an EUM proxy address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// As many digits as the dial plan says.
    Extension,
    /// A SIP address.
    SipName,
    /// An E.164 number.
    E164,
}

impl AddressKind {
    /// Each of them.
    pub(crate) const ALL: [Self; 3] = [Self::Extension, Self::SipName, Self::E164];

    /// The word for it in the store.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Extension => "Extension",
            Self::SipName => "SipName",
            Self::E164 => "E164",
        }
    }

    /// The one of this word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
