using System.Runtime.InteropServices;

namespace UMMailboxPin;

// The plain C types of include/umpin.h, field by field in its order.

/// <summary>Borrowed UTF-8 text; a null pointer means "absent".</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct UmpinStr
{
    internal byte* Data;
    internal nuint Length;
}

/// <summary>Bytes that the library allocated and frees.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct UmpinBuffer
{
    internal byte* Data;
    internal nuint Length;
}

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinError
{
    internal int Status;
    internal UmpinStr Id;
    internal UmpinStr Message;
    internal UmpinStr Target;
}

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinIdentity
{
    internal UmpinStr Identity;
    internal UmpinStr DomainController;
    internal byte IgnoreDefaultScope;
}

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinSetPin
{
    internal UmpinIdentity Who;
    internal UmpinStr Pin;
    internal UmpinStr NotifyEmail;
    internal sbyte PinExpired;
    internal sbyte LockedOut;
    internal sbyte SendEmail;
    internal byte RecordRefusals;
}

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinPinState
{
    internal UmpinStr UserId;
    internal UmpinStr Identity;
    internal UmpinStr LockReason;
    internal long PinLastSet;
    internal long PinExpiresOn;
    internal uint FailedLogonAttempts;
    internal byte PinExpired;
    internal byte FirstTimeUser;
    internal byte LockedOut;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct UmpinPinStates
{
    internal UmpinPinState* Items;
    internal nuint Length;
    internal UmpinStr Next;
}

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinSignIn
{
    internal UmpinStr Extension;
    internal UmpinStr DialPlan;
    internal UmpinStr Identity;
}

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinAnswer
{
    internal byte Accepted;
    internal byte MustChange;
    internal byte SetUpDue;
}

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
