using System.Runtime.InteropServices;

namespace UMMailboxPin;

[StructLayout(LayoutKind.Sequential)]
internal struct UmpinAnswer
{
    internal byte Accepted;
    internal byte MustChange;
    internal byte SetUpDue;
}
