using System.Runtime.InteropServices;

namespace UMMailboxPin;

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
