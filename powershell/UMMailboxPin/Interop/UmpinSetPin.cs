using System.Runtime.InteropServices;

namespace UMMailboxPin;

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
