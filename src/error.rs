//! What can go wrong, as the caller is told it.
//!
//! Each condition has a variant of [`Status`], and each failure a text of its own. A message never holds a PIN, a key
//! or a hash: it names what failed, what was and was not changed, and what to do.

use std::fmt;

/// The result of every exported function: 0 is done, everything else comes with an error object.
///
/// Numbers are grouped by origin and never reused. The short exception name that PowerShell shows is
/// [`Status::id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    /// Done.
    Ok = 0,

    // 1xx: the call itself.
    /// A pointer that must point somewhere is null.
    NullPointer = 100,
    /// A text is not UTF-8.
    InvalidUtf8 = 101,
    /// The handle was never open, or is closed.
    InvalidHandle = 102,
    /// The request document is malformed, names an unknown operation or parameter, or a value has the wrong type.
    InvalidRequest = 103,
    /// A value is outside its range or form.
    InvalidArgument = 104,

    // 2xx: finding the object.
    /// No object has this identity.
    NotFound = 200,
    /// Several objects have this identity.
    Ambiguous = 201,
    /// The identity is empty, blank, too long or absent where one is needed.
    InvalidIdentity = 202,
    /// The domain controller is not a fully qualified name.
    InvalidDomainController = 203,
    /// IgnoreDefaultScope together with a domain controller.
    ScopeWithDomainController = 204,
    /// IgnoreDefaultScope with an identity that is not a distinguished name.
    ScopeNeedsDistinguishedName = 205,
    /// A filter expression cannot be read.
    InvalidFilter = 206,

    // 3xx: unified messaging.
    /// The mailbox is not enabled for unified messaging.
    NotUmEnabled = 300,
    /// The mailbox is already enabled.
    AlreadyUmEnabled = 301,
    /// The mailbox is already disabled.
    AlreadyUmDisabled = 302,
    /// The PIN breaks a rule; the message names it.
    WeakPin = 303,
    /// No PIN could be generated that passes every rule.
    PinGeneration = 304,
    /// The address for the notice is not an e-mail address.
    InvalidNotifyEmail = 305,
    /// The recipient has no SMTP address, so it has no mailbox.
    NoMailbox = 306,
    /// An extension is not numeric, or has more or fewer digits than the dial plan says.
    InvalidExtension = 307,
    /// An extension, SIP address or number is taken in the dial plan.
    ExtensionNotUnique = 308,
    /// No extension was given and none could be made from the phone number.
    CouldNotGenerateExtension = 309,
    /// The dial plan needs a SIP address.
    SipResourceIdNeeded = 310,
    /// The dial plan needs an E.164 number.
    E164ResourceIdNeeded = 311,
    /// The name is taken.
    NameInUse = 312,
    /// The policy is referenced by a mailbox.
    PolicyInUse = 313,
    /// The dial plan is referenced by a policy or a mailbox.
    DialPlanInUse = 314,
    /// A policy value is out of range or conflicts with another.
    InvalidPolicyValue = 315,
    /// The mailbox changed while the PIN was being set; nothing was written.
    Conflict = 316,
    /// The sign-in was refused; no reason is given here.
    SignInRefused = 317,
    /// A recipient that is still in use cannot be removed.
    RecipientInUse = 318,
    /// An address is malformed or taken by another recipient.
    InvalidAddress = 319,

    // 4xx: the store.
    /// The store's folder or file cannot be created or written.
    StoreNotWritable = 400,
    /// The file is not a store, or is damaged.
    StoreDamaged = 401,
    /// The store was written by a newer version.
    StoreTooNew = 402,
    /// The store lies on a network file system.
    StoreOnNetwork = 403,
    /// Another process held the store for too long.
    StoreBusy = 404,
    /// Reading or writing the store failed.
    StoreIo = 405,
    /// The store's or the key's folder belongs to somebody else.
    StoreNotOwned = 406,
    /// There is no store yet.
    StoreMissing = 407,
    /// A backup or restore failed.
    BackupFailed = 408,
    /// The audit trail was changed outside this program.
    AuditTampered = 409,
    /// The store's URL cannot be used.
    StoreUrl = 410,
    /// The store's URL has a password in it.
    StoreUrlPassword = 411,
    /// No server of the store's can be reached, or the one that was reached is going down.
    StoreServerGone = 412,
    /// The store's server is of a version that is not used.
    StoreServerVersion = 413,
    /// The store's server offers no TLS.
    StoreNoTls = 414,
    /// The certificate of the store's server, or one for it, is not the right one.
    StoreCertificate = 415,
    /// The role lacks a right on the store's database.
    StoreRights = 416,
    /// The store's database is in an encoding that lacks letters.
    StoreEncoding = 417,
    /// The store's server does not let this role in.
    StoreLogin = 418,
    /// The connection broke while a change was committed, and nobody could be asked since what became of it.
    StoreOutcomeUnknown = 419,

    // 5xx: the key.
    /// The store names a key and there is no key file.
    KeyMissing = 500,
    /// The file in the key file's place is not a key file, or is cut short.
    KeyMalformed = 501,
    /// The key file holds other keys than the one the store names.
    KeyWrong = 502,
    /// The key file can be read by everybody.
    KeyExposed = 503,
    /// The key file cannot be created, read or written.
    KeyIo = 504,
    /// A sealed value does not open: it was changed or moved.
    SealBroken = 505,

    // 6xx: mail.
    /// A transport setting is wrong.
    InvalidTransport = 600,
    /// A message could not be delivered; it stays queued.
    DeliveryFailed = 601,

    // 7xx: import.
    /// The input cannot be read as a table of recipients.
    ImportUnreadable = 700,
    /// A row cannot be imported; the others are.
    ImportRow = 701,
    /// A prune was refused; nobody was removed.
    PruneRefused = 702,

    // 9xx: us.
    /// A defect in this library. Nothing was committed.
    Internal = 900,
    /// A panic was caught at the boundary. Nothing was committed.
    Panic = 901,
}

/// Makes the complete list and the names out of one table. A status without a line in it does not compile.
macro_rules! statuses {
    ($($status:ident $name:literal,)*) => {
        impl Status {
            /// Every status, for tables that must be complete.
            pub const ALL: &'static [Status] = &[$(Status::$status),*];

            /// The short exception name: Exchange's where Exchange has one.
            pub fn id(self) -> &'static str {
                match self {
                    $(Status::$status => $name,)*
                }
            }
        }
    };
}

statuses! {
    Ok "",
    NullPointer "NullPointerException",
    InvalidUtf8 "InvalidUtf8Exception",
    InvalidHandle "InvalidHandleException",
    InvalidRequest "InvalidRequestException",
    InvalidArgument "ParameterOutOfRangeException",
    NotFound "ManagementObjectNotFoundException",
    Ambiguous "ManagementObjectAmbiguousException",
    InvalidIdentity "InvalidIdentityException",
    InvalidDomainController "InvalidDomainControllerException",
    ScopeWithDomainController "IgnoreDefaultScopeWithDomainControllerException",
    ScopeNeedsDistinguishedName "IgnoreDefaultScopeNeedsDistinguishedNameException",
    InvalidFilter "InvalidFilterException",
    NotUmEnabled "UserNotUmEnabledException",
    AlreadyUmEnabled "UserAlreadyUmEnabledException",
    AlreadyUmDisabled "UserAlreadyUmDisabledException",
    WeakPin "WeakPinException",
    PinGeneration "DefaultPinGenerationException",
    InvalidNotifyEmail "InvalidNotifyEmailException",
    NoMailbox "RecipientWithoutMailboxException",
    InvalidExtension "InvalidExtensionException",
    ExtensionNotUnique "ExtensionNotUniqueException",
    CouldNotGenerateExtension "CouldNotGenerateExtensionException",
    SipResourceIdNeeded "SipResourceIdAndExtensionsNeededException",
    E164ResourceIdNeeded "E164ResourceIdNeededException",
    NameInUse "ManagementObjectAlreadyExistsException",
    PolicyInUse "CannotDeleteAssociatedMailboxPolicyException",
    DialPlanInUse "CannotDeleteAssociatedDialPlanException",
    InvalidPolicyValue "DataValidationException",
    Conflict "MailboxChangedException",
    SignInRefused "SignInRefusedException",
    RecipientInUse "RecipientInUseException",
    InvalidAddress "InvalidProxyAddressException",
    StoreNotWritable "StoreNotWritableException",
    StoreDamaged "StoreDamagedException",
    StoreTooNew "StoreTooNewException",
    StoreOnNetwork "StoreOnNetworkPathException",
    StoreBusy "StoreBusyException",
    StoreIo "RecipientTaskException",
    StoreNotOwned "StoreNotOwnedException",
    StoreMissing "StoreMissingException",
    BackupFailed "BackupFailedException",
    AuditTampered "AuditTrailTamperedException",
    StoreUrl "StoreUrlException",
    StoreUrlPassword "PasswordInStoreUrlException",
    StoreServerGone "StoreServerUnreachableException",
    StoreServerVersion "StoreServerVersionException",
    StoreNoTls "StoreServerWithoutTlsException",
    StoreCertificate "StoreCertificateException",
    StoreRights "StoreRightsException",
    StoreEncoding "StoreEncodingException",
    StoreLogin "StoreLoginException",
    StoreOutcomeUnknown "StoreOutcomeUnknownException",
    KeyMissing "KeyMissingException",
    KeyMalformed "KeyMalformedException",
    KeyWrong "KeyWrongException",
    KeyExposed "KeyExposedException",
    KeyIo "KeyFileException",
    SealBroken "SealBrokenException",
    InvalidTransport "InvalidTransportException",
    DeliveryFailed "DeliveryFailedException",
    ImportUnreadable "ImportUnreadableException",
    ImportRow "ImportRowException",
    PruneRefused "PruneRefusedException",
    Internal "InternalErrorException",
    Panic "PanicException",
}

/// What went wrong, where code inside this library acts on it: tries again, takes another way, opens another
/// connection. Callers outside see the [`Status`], which says less: several of these share one, and it also stands for
/// failures that nothing acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Another process holds the store's write lock.
    StoreBusy,
    /// The store's server cannot be reached, or the connection to it broke.
    #[cfg(feature = "postgresql")]
    ServerGone,
    /// The server undid a transaction because of others; it may do the same one again.
    #[cfg(feature = "postgresql")]
    Undone,
    /// Reading or writing the store's file failed.
    StoreIo,
    /// The store's file is not a database, or is damaged.
    FileDamaged,
    /// A row holds what no cmdlet wrote; the rest of the store can be read.
    RowDamaged,
    /// The key file holds no key of the id that a seal names.
    UnknownKey,
    /// A seal does not open under the key that it names, or does not fit its row.
    BrokenSeal,
    /// No object has the identity.
    NoMatch,
    /// Several objects have the identity.
    SeveralMatches,
    /// The mailbox is there and not enabled for unified messaging.
    NotUmEnabled,
    /// The stored mail settings are not what Set-UMPinConfiguration accepts.
    BadMailSettings,
    /// A rule or the history bars the PIN.
    WeakPin,
}

impl Condition {
    /// What callers outside are told.
    fn status(self) -> Status {
        match self {
            Condition::StoreBusy => Status::StoreBusy,
            #[cfg(feature = "postgresql")]
            Condition::Undone => Status::StoreBusy,
            #[cfg(feature = "postgresql")]
            Condition::ServerGone => Status::StoreServerGone,
            Condition::StoreIo => Status::StoreIo,
            Condition::FileDamaged | Condition::RowDamaged => Status::StoreDamaged,
            Condition::UnknownKey => Status::KeyWrong,
            Condition::BrokenSeal => Status::SealBroken,
            Condition::NoMatch => Status::NotFound,
            Condition::SeveralMatches => Status::Ambiguous,
            Condition::NotUmEnabled => Status::NotUmEnabled,
            Condition::BadMailSettings => Status::InvalidTransport,
            Condition::WeakPin => Status::WeakPin,
        }
    }
}

/// A failure: its status, the object it is about, and the text for the person who called.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    /// For callers outside of this library.
    pub status: Status,
    condition: Option<Condition>,
    /// For the person who called. Never a PIN, a key or a hash.
    pub message: String,
    /// The object worked on, as the caller named it; empty where there is none.
    pub target: String,
}

/// What every fallible function here returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure that is about no object.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, condition: None, message: message.into(), target: String::new() }
    }

    /// A failure that code inside this library acts on; about no object.
    pub(crate) fn on(condition: Condition, message: impl Into<String>) -> Self {
        Self { condition: Some(condition), ..Self::new(condition.status(), message) }
    }

    /// Whether it is this condition.
    pub(crate) fn is(&self, condition: Condition) -> bool {
        self.condition == Some(condition)
    }

    /// The same failure in other words.
    #[must_use]
    pub(crate) fn reworded(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// The same failure, about `target`.
    #[must_use]
    pub(crate) fn about(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.status, self.message)
    }
}

impl std::error::Error for Error {}

/// A warning, shown each time or once a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The text.
    pub message: String,
    /// Whether to show it only once a session.
    pub once_per_session: bool,
}

impl From<String> for Warning {
    fn from(message: String) -> Self {
        Self { message, once_per_session: false }
    }
}
