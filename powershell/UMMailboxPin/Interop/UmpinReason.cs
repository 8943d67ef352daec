namespace UMMailboxPin;

/// <summary>Why a sign-in was refused. The names are what Test-UMMailboxPIN shows.</summary>
internal enum UmpinReason
{
    None = 0,
    WrongPin = 1,
    LockedOut = 2,
    Unknown = 3,
    NotUmEnabled = 4,
    WeakPin = 5,
    NowLocked = 6,
    PinReset = 7,
}
